"""The door: what browsers ask is handed on to the workshop, which rests while nobody asks.

The workshop holds hundreds of megabytes of a study in memory. A process of its own gives all of
it back: after a while without a question it is ended, and started again by the next one. What a
page left open asks every few seconds is then answered as it was last. `serve` opens it: an address,
a token and a browser for one user, or several users behind a proxy.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import signal
import sys
import time
import webbrowser
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from socket import socket
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

import h11
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from mobility.base.cache import cache_dir
from mobility.base.i18n import LANGUAGES, translate
from mobility.studio.guard import (
    BUSY,
    SECRET,
    USER,
    Guard,
    Order,
    Passwords,
    SharedGuard,
    free_socket,
)

#: What a page left open asks again and again.
_POLL = re.compile(r"/state|/studies/[^/]+")
#: Seconds between looks at whether the workshop may rest.
_LOOK_S = 15.0
#: Headers that concern one connection alone.
_OWN = frozenset({b"connection", b"keep-alive", b"transfer-encoding", b"upgrade", b"host"})
_CHUNK = 65_536
_GONE = "The studio's computation ended unexpectedly, perhaps for want of memory. Ask again."


class Door:
    """Hands requests on to a workshop.

    Parameters
    ----------
    order
        What the workshop is to serve.
    rest_s
        Seconds without a question after which it is ended.
    ready
        Called once it can be asked, or once the first workshop has told why it cannot.
    """

    def __init__(
        self, order: Order, *, rest_s: float, ready: Callable[[bool], None] = lambda _: None
    ) -> None:
        self.order, self.rest_s, self.ready = order, rest_s, ready
        self._process: asyncio.subprocess.Process | None = None
        self._port = 0
        #: Whether the first workshop could be started.
        self.was_served = False
        self._changing = asyncio.Lock()
        self._under_way, self._used_s = 0, time.monotonic()
        #: Last answers to what pages ask again and again, by user and address.
        self._last: dict[tuple[str, str], bytes] = {}

    @property
    def is_resting(self) -> bool:
        """Whether there is no workshop."""
        return self._process is None or self._process.returncode is not None

    def of(self, user: str = "") -> ASGIApp:
        """Return what answers a user."""
        return partial(self._answer, user)

    def before(self, guard: ASGIApp) -> ASGIApp:
        """Return what a server runs: a guard that asks this door, which starts and ends with it."""

        async def served(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "lifespan":
                await self._lifespan(receive, send)
            else:
                await guard(scope, receive, send)

        return served

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        """Start the workshop with the server, let it rest, and end it with the server."""
        await receive()
        try:
            await self._awake()
            self.was_served = True
        except OSError:  # it has told why
            self.was_served = False
        self.ready(self.was_served)
        looking = asyncio.create_task(self._look())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        async with self._changing:  # which is not left while a workshop on its way out is awaited
            looking.cancel()
            await self._end()
        await send({"type": "lifespan.shutdown.complete"})

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(min(_LOOK_S, self.rest_s / 2))
            async with self._changing:
                with suppress(OSError, h11.RemoteProtocolError):
                    if await self._may_rest():
                        await self._end()

    async def _may_rest(self) -> bool:
        """Return whether nobody needs the workshop; what pages ask on is then answered anew."""
        if self.is_resting or time.monotonic() - self._used_s < self.rest_s:
            return False
        busy = await self._got("", BUSY)
        if busy is None or json.loads(busy)["busy"]:
            return False
        told = {asked: await self._got(*asked) for asked in self._last}
        self._last = {asked: body for asked, body in told.items() if body is not None}
        return not self._under_way and time.monotonic() - self._used_s >= self.rest_s

    async def _got(self, user: str, path: str) -> bytes | None:
        """Ask the workshop for what lies at an address; return it, None where nothing does."""
        talk, body, found = h11.Connection(h11.CLIENT), b"", False
        headers = self._own_headers(user)
        async with self._connected() as (reader, writer):
            asked = h11.Request(method="GET", target=quote(path), headers=headers)
            writer.write((talk.send(asked) or b"") + (talk.send(h11.EndOfMessage()) or b""))
            async for event in _events(talk, reader):
                if isinstance(event, h11.Response):
                    found = event.status_code == 200
                elif isinstance(event, h11.Data):
                    body += bytes(event.data)
        return body if found else None

    async def _end(self) -> None:
        """End the workshop: it keeps what it must once its standard input is closed."""
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()
            await process.wait()

    async def _awake(self) -> None:
        """Start the workshop where there is none, and wait until it listens.

        Raises `OSError`: it ended before.
        """
        async with self._changing:
            if not self.is_resting:
                return
            # A session of its own: Ctrl-C reaches this door alone, which ends it in good order.
            self._process = process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "mobility.studio.workshop",
                start_new_session=True,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(asdict(self.order)).encode() + b"\n")
            told = await process.stdout.readline()
            if not told:
                await process.wait()
                raise ConnectionError
            self._port = int(told)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            yield reader, writer
        finally:
            writer.close()

    def _own_headers(self, user: str) -> list[tuple[bytes, bytes]]:
        """Return the headers of a connection of its own, from this door and for a user."""
        secret = (SECRET.encode(), self.order.secret.encode())
        told = (USER.encode(), user.encode())
        return [(b"host", b"workshop"), (b"connection", b"close"), secret, told]

    def _request(self, user: str, scope: Scope) -> h11.Request:
        """Return a request as the workshop is sent it."""
        target = quote(scope["path"]).encode()
        if scope["query_string"]:
            target += b"?" + scope["query_string"]
        sent = [(bytes(name), bytes(value)) for name, value in scope["headers"]]
        own = self._own_headers(user)
        headers = [pair for pair in sent if pair[0] not in _OWN | {name for name, _ in own}]
        # The header is of one connection, but the body still comes without a length.
        if any(name == b"transfer-encoding" for name, _ in sent):
            headers.append((b"transfer-encoding", b"chunked"))
        return h11.Request(method=scope["method"], target=target, headers=headers + own)

    async def _answer(self, user: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request: hand it on, unless it is asked again and again of one that rests."""
        is_poll = scope["method"] == "GET" and _POLL.fullmatch(scope["path"]) is not None
        last = self._last.get((user, scope["path"])) if is_poll else None
        if last is not None and self.is_resting:
            await Response(last, media_type="application/json")(scope, receive, send)
            return
        if not is_poll:
            self._used_s = time.monotonic()
        self._under_way += 1
        try:
            await self._awake()
            body = await self._handed_on(user, scope, receive, send, keeps=is_poll)
            if body is not None:
                self._last[user, scope["path"]] = body
        except OSError:
            told = {code: translate(_GONE, code) for code in LANGUAGES}
            await JSONResponse(told, 502)(scope, receive, send)
        finally:
            self._under_way -= 1
            if not is_poll:
                self._used_s = time.monotonic()

    async def _handed_on(
        self, user: str, scope: Scope, receive: Receive, send: Send, *, keeps: bool
    ) -> bytes | None:
        """Hand a request on and its answer back; return the body where it is to be kept.

        Raises `OSError`: the workshop is gone before it answers.
        """
        talk, started, body, status = h11.Connection(h11.CLIENT), False, b"", 0
        async with self._connected() as (reader, writer):
            if not await _sent(talk, self._request(user, scope), receive, writer):
                return None
            try:
                async for event in _events(talk, reader):
                    if isinstance(event, h11.Response):
                        started, status = True, event.status_code
                        headers = [pair for pair in event.headers if pair[0] not in _OWN]
                        await send(
                            {"type": "http.response.start", "status": status, "headers": headers}
                        )
                    elif isinstance(event, h11.Data):
                        part = bytes(event.data)
                        body += part if keeps else b""
                        await send({"type": "http.response.body", "body": part, "more_body": True})
            except h11.RemoteProtocolError as error:
                if not started:
                    raise ConnectionError from error
                raise
            await send({"type": "http.response.body", "body": b""})
        return body if keeps and status == 200 else None


async def _sent(
    talk: h11.Connection, request: h11.Request, receive: Receive, writer: asyncio.StreamWriter
) -> bool:
    """Send a request and its body; return whether the browser sent the whole of it."""
    writer.write(talk.send(request) or b"")
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return False
        if message.get("body"):
            writer.write(talk.send(h11.Data(data=message["body"])) or b"")
            await writer.drain()
        if not message.get("more_body"):
            writer.write(talk.send(h11.EndOfMessage()) or b"")
            await writer.drain()
            return True


async def _events(talk: h11.Connection, reader: asyncio.StreamReader) -> AsyncIterator[h11.Event]:
    """Yield what the workshop answers, to its end."""
    while True:
        event = talk.next_event()
        if event is h11.NEED_DATA:
            talk.receive_data(await reader.read(_CHUNK))
            continue
        if isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
            return
        assert not isinstance(event, type)
        yield event


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
        The file of users, see `guard.Passwords`.
    origin, prefix
        Under which browsers know it, see `guard.SharedGuard`.
    rest_s, language
        See `serve`.
    """
    known = Passwords(passwords)
    known.read()

    def guard(door: Door) -> ASGIApp:
        return SharedGuard(door.of, passwords=known, origin=origin, prefix=prefix)

    return _served(
        root, guard, lambda: None, many=True, demo=False, rest_s=rest_s, language=language,
        host=host, port=port, proxy_headers=False,
    )  # fmt: skip
