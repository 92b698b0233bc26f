"""Sockets on loopback."""

from __future__ import annotations

import socket

PORT, TRIED = 8766, 20


def free_socket(port: int | None) -> socket.socket:
    """Return a socket bound to loopback: the port asked for, else the first free one."""
    for tried in [port] if port is not None else [*range(PORT, PORT + TRIED), 0]:
        # asyncio sends at once on sockets that say they are TCP's; on others an answer's body waits
        # some 40 ms until the browser has acknowledged its head.
        found = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind(("127.0.0.1", tried))
            found.listen(128)
        except OSError:
            found.close()
            if port is not None:
                raise
            continue
        return found
    raise OSError


__all__ = ["PORT", "free_socket"]
