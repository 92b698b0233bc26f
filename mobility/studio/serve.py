"""Start the studio: its address, its token, its browser."""

from __future__ import annotations

import os
import secrets
import signal
import sys
import webbrowser
from collections.abc import Callable
from pathlib import Path
from socket import socket
from tempfile import TemporaryDirectory
from typing import Any

from starlette.types import ASGIApp

from mobility.base.cache import cache_dir
from mobility.studio.door import Door
from mobility.studio.guard import Guard
from mobility.studio.order import Order, free_socket


def _kept_token() -> str:
    """Return this user's token, the same at each start so that an open page finds its way back."""
    path = cache_dir() / "studio-token"
    if path.is_file() and len(found := path.read_text(encoding="ascii").strip()) >= 32:
        return found
    path.parent.mkdir(parents=True, exist_ok=True)
    token = secrets.token_urlsafe(32)
    # Made for its owner alone: a file opened first and closed off later could be read meanwhile.
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as stream:
        stream.write(token)
    return token


def _served(
    place: Path | None, guard: Callable[[Door], ASGIApp], say: Callable[[], None], *, many: bool,
    demo: bool, rest_s: float, language: str, sockets: list[socket] | None = None, **listening: Any,
) -> bool:  # fmt: skip
    """Serve a guarded door until it is interrupted; return whether its workshop could be started.

    The workshop has a folder of its own, which nobody else may enter.
    """
    import uvicorn

    def ready(is_served: bool) -> None:
        server.should_exit = not is_served
        if is_served:
            say()

    # Ended in any way, it takes the folder away.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with TemporaryDirectory(prefix="mobility-studio-") as folder:
        order = Order(
            place="" if place is None else str(place.absolute()),
            many=many,
            demo=demo,
            language=language,
            boot=secrets.token_hex(4),
            secret=secrets.token_urlsafe(32),
            kept=f"{folder}/steps.json",
        )
        door = Door(order, rest_s=rest_s, ready=ready)
        config = uvicorn.Config(
            door.before(guard(door)),
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="on",
            **listening,
        )
        server = uvicorn.Server(config)
        server.run(sockets=sockets)
    return door.was_served


def serve(
    place: Path | None, *, demo: bool, port: int | None, opens: bool, rest_s: float, language: str,
    say: Callable[[str], None],
) -> bool:  # fmt: skip
    """Serve the studio on loopback until it is interrupted; return whether it could be served.

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
    """
    found = free_socket(port)
    number, token = found.getsockname()[1], _kept_token()
    hosts = [f"{name}:{number}" for name in ("127.0.0.1", "localhost")]
    address = f"http://127.0.0.1:{number}/t/{token}/" + ("#demo/explore" if demo else "")

    def told() -> None:
        say(address)
        if opens:
            webbrowser.open(address)

    return _served(
        place, lambda door: Guard(door.of(), token=token, hosts=hosts), told, many=False, demo=demo,
        rest_s=rest_s, language=language, sockets=[found],
    )  # fmt: skip


def serve_many(
    root: Path, *, host: str, port: int, passwords: Path, origin: str, prefix: str,
    rest_s: float, language: str,
) -> bool:  # fmt: skip
    """Serve a studio for several users, each in a folder of their own name below a root.

    Raises `MobilityError`: the file of passwords is missing or wrong.

    Parameters
    ----------
    passwords
        The file of users, see `shared.Passwords`.
    origin, prefix
        Under which browsers know it, see `shared.SharedGuard`.
    rest_s, language
        See `serve`.
    """
    from mobility.studio.shared import Passwords, SharedGuard

    known = Passwords(passwords)
    known.read()

    def guard(door: Door) -> ASGIApp:
        return SharedGuard(door.of, passwords=known, origin=origin, prefix=prefix)

    return _served(
        root, guard, lambda: None, many=True, demo=False, rest_s=rest_s, language=language,
        host=host, port=port, proxy_headers=False,
    )  # fmt: skip
