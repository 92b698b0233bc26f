"""Start the studio: its address, its token, its browser."""

from __future__ import annotations

import os
import secrets
import socket
import webbrowser
from collections.abc import Callable
from pathlib import Path

from starlette.applications import Starlette

from mobility.base.cache import cache_dir
from mobility.studio.app import Studio
from mobility.studio.guard import Guard
from mobility.studio.jobs import Queue
from mobility.studio.studies import FILE, Studies

PORT, TRIED = 8766, 20


def studies_of(place: Path | None) -> Studies:
    """Return the studies of a folder, or the one of a file or of a study's own folder."""
    if place is not None and place.is_file():
        return Studies(place.parent, file=place.resolve(), aside=True)
    if place is not None and (place / FILE).is_file():
        return Studies(place, file=(place / FILE).resolve(), aside=True)
    return Studies(place or Path("mobility-studies"), aside=True)


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


def kept_token() -> str:
    """Return this user's token, the same at each start so that an open page finds its way back."""
    path = cache_dir() / "studio-token"
    if path.is_file() and len(found := path.read_text(encoding="ascii").strip()) >= 32:
        return found
    path.parent.mkdir(parents=True, exist_ok=True)
    token = secrets.token_urlsafe(32)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as stream:
        stream.write(token)
    return token


def serve(
    studies: Studies,
    *,
    port: int | None,
    opens: bool,
    study: str | None,
    say: Callable[[str], None],
) -> None:
    """Serve the studio on loopback until it is interrupted.

    Parameters
    ----------
    studies
        The studies.
    port
        Port; the first free one from 8766 on by default.
    opens
        Whether to open the browser.
    study
        Study to open it at.
    say
        Told the address.
    """
    import uvicorn

    found = free_socket(port)
    number, token = found.getsockname()[1], kept_token()
    hosts = [f"{name}:{number}" for name in ("127.0.0.1", "localhost")]
    studio = Studio(studies)
    guard = Guard(studio.app(), token=token, hosts=hosts)
    address = f"http://127.0.0.1:{number}/t/{token}/" + (f"#{study}/explore" if study else "")
    say(address)
    if opens:
        webbrowser.open(address)
    config = uvicorn.Config(guard, log_level="warning", access_log=False, server_header=False)
    try:
        uvicorn.Server(config).run(sockets=[found])
    finally:
        studio.queue.close()


def serve_many(
    root: Path, *, host: str, port: int, passwords: Path, origin: str, prefix: str
) -> None:
    """Serve a studio for several users, each in a folder of their own name.

    Parameters
    ----------
    root
        Folder of all studies.
    host, port
        What is listened on.
    passwords
        The file of users, see `shared.Passwords`.
    origin, prefix
        Under which browsers know it, see `shared.SharedGuard`.

    Raises
    ------
    MobilityError
        The file of passwords is missing or wrong.
    """
    import uvicorn

    from mobility.studio.shared import Passwords, SharedGuard

    known = Passwords(passwords)
    known.read()
    queue = Queue()

    def app_of(user: str) -> Starlette:
        return Studio(Studies(root / user, confined=True, aside=True), queue).app()

    guard = SharedGuard(app_of, passwords=known, origin=origin, prefix=prefix)
    try:
        uvicorn.run(
            guard, host=host, port=port, log_level="warning", access_log=False,
            server_header=False, lifespan="off", proxy_headers=False,
        )  # fmt: skip
    finally:
        queue.close()


__all__ = ["free_socket", "kept_token", "serve", "serve_many", "studies_of"]
