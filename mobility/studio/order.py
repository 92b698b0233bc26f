"""What the door and the workshop know of each other: the order, the headers, the sockets."""

from __future__ import annotations

import socket
from dataclasses import dataclass

#: Headers that name the user and prove that the door asks; the address that tells whether something
#: is computed.
USER, SECRET, BUSY = "x-studio-user", "x-studio-secret", "/workshop/busy"


@dataclass(frozen=True)
class Order:
    """What a workshop is to serve.

    Attributes
    ----------
    place
        Folder of the studies, or one territory file; of several users, the folder of all.
    many
        Whether each user has studies of their own, in a folder of their name.
    demo
        Whether the demo is copied into the folder.
    boot
        Tells pages left open whether the studio was started again.
    language
        Of what goes wrong at the start, which the terminal is told.
    secret
        What every request must carry.
    kept
        The file of the steps made.
    """

    place: str
    many: bool
    demo: bool
    boot: str
    language: str
    secret: str
    kept: str


#: The port tried first, so that a page left open finds the studio again; then as many after it.
PORT, _TRIED = 8766, 20


def free_socket(port: int | None) -> socket.socket:
    """Return a socket bound to loopback: the port asked for, else the first free one."""
    for tried in [port] if port is not None else [*range(PORT, PORT + _TRIED), 0]:
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
