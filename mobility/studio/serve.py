"""Start the studio: its address, its token, its browser."""

from __future__ import annotations

import os
import secrets
import signal
import sys
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from mobility.base.cache import cache_dir
from mobility.studio.door import Door
from mobility.studio.guard import Guard
from mobility.studio.order import Order
from mobility.studio.sockets import PORT, free_socket


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


@contextmanager
def _door(place: Path | None, *, many: bool, demo: bool, rest_s: float, language: str,
          ready: Callable[[bool], None]) -> Iterator[Door]:  # fmt: skip
    """Make a door whose workshop has a folder of its own, which nobody else may enter."""
    # Ended in any way, it takes the folder away.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with TemporaryDirectory(prefix="mobility-studio-") as folder:
        order = Order(
            place="" if place is None else str(place.absolute()), many=many, demo=demo,
            language=language, boot=secrets.token_hex(4),
            secret=secrets.token_urlsafe(32), kept=f"{folder}/steps.json",
        )  # fmt: skip
        yield Door(order, rest_s=rest_s, ready=ready)


def serve(
    place: Path | None,
    *,
    demo: bool,
    port: int | None,
    opens: bool,
    rest_s: float,
    language: str,
    say: Callable[[str], None],
) -> bool:
    """Serve the studio on loopback until it is interrupted.

    Parameters
    ----------
    place
        Folder of the studies, or one territory file.
    demo
        Whether to copy the demo into the folder, and open it.
    port
        Port; the first free one from 8766 on by default.
    opens
        Whether to open the browser.
    rest_s
        Seconds without a question after which the memory of the studies is given back.
    language
        Of what goes wrong at the start, which the terminal is told.
    say
        Told the address.

    Returns
    -------
    bool
        Whether it could be served.
    """
    import uvicorn

    found = free_socket(port)
    number, token = found.getsockname()[1], kept_token()
    hosts = [f"{name}:{number}" for name in ("127.0.0.1", "localhost")]
    address = f"http://127.0.0.1:{number}/t/{token}/" + ("#demo/explore" if demo else "")

    def ready(is_served: bool) -> None:
        server.should_exit = not is_served
        if is_served:
            say(address)
        if is_served and opens:
            webbrowser.open(address)

    with _door(place, many=False, demo=demo, rest_s=rest_s, language=language, ready=ready) as door:
        guard = Guard(door.of(), token=token, hosts=hosts)
        config = uvicorn.Config(
            door.before(guard), log_level="warning", access_log=False, server_header=False,
            lifespan="on",
        )  # fmt: skip
        server = uvicorn.Server(config)
        server.run(sockets=[found])
    return door.was_served


def serve_many(
    root: Path, *, host: str, port: int, passwords: Path, origin: str, prefix: str,
    rest_s: float, language: str,
) -> bool:  # fmt: skip
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
    rest_s, language
        See `serve`.

    Returns
    -------
    bool
        Whether it could be served.

    Raises
    ------
    MobilityError
        The file of passwords is missing or wrong.
    """
    import uvicorn

    from mobility.studio.shared import Passwords, SharedGuard

    known = Passwords(passwords)
    known.read()

    def ready(is_served: bool) -> None:
        server.should_exit = not is_served

    with _door(root, many=True, demo=False, rest_s=rest_s, language=language, ready=ready) as door:
        guard = SharedGuard(door.of, passwords=known, origin=origin, prefix=prefix)
        config = uvicorn.Config(
            door.before(guard), host=host, port=port, log_level="warning", access_log=False,
            server_header=False, lifespan="on", proxy_headers=False,
        )  # fmt: skip
        server = uvicorn.Server(config)
        server.run()
    return door.was_served


__all__ = ["PORT", "free_socket", "kept_token", "serve", "serve_many"]
