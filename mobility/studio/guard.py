"""Who may ask the studio, and what its door and its workshop know of each other.

One user has a token in the address; several, behind a proxy, have passwords, sessions and studies
of their own. All ask the right host, for no more bytes than allowed. Door and workshop share the
order, the headers and the sockets.
"""

from __future__ import annotations

import html
import os
import secrets
import socket
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from urllib.parse import parse_qs, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mobility.base.errors import MobilityError, SourceError, SourceNotFoundError
from mobility.base.files import write_text
from mobility.base.i18n import LANGUAGES, translate
from mobility.base.literal import slug

#: Bytes of a request: of an upload, and of any other.
_MOST_UPLOADED, _MOST_ASKED = 600_000_000, 2_000_000
_SHELL = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: "
    "blob:; connect-src 'self'; frame-src 'self'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'"
)
#: A page of results holds its own script and style, and asks for nothing.
PAGE = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)
_HEADERS = {
    "content-security-policy": _SHELL,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}


class Guard:
    """Lets through what comes with the token, to the right host, from the studio's own pages.

    The token is the first part of every path, ``/t/<token>/``: pages name everything relative
    to themselves, so each of their requests carries it.

    Parameters
    ----------
    app
        What answers those let through.
    token
        The token.
    hosts
        Values of ``Host`` that are the studio's own.
    """

    def __init__(self, app: ASGIApp, *, token: str, hosts: Collection[str]) -> None:
        self.app, self.token, self.hosts = app, token, frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse, a request."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        inner = self._inner(scope)
        if inner is None:
            if scope["type"] == "http":
                await PlainTextResponse("403", 403)(scope, receive, within(send))
            return
        counted = too_large(inner, receive)
        if counted is None:
            await PlainTextResponse("413", 413)(scope, receive, within(send))
            return
        await self.app(inner, counted, within(send))

    def _inner(self, scope: Scope) -> Scope | None:
        """Return the request as its answerer sees it, None where it may not be answered."""
        if scope["type"] != "http":
            return None
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if host not in self.hosts or origin not in (None, f"http://{host}"):
            return None
        # "none" is an address that was typed, or a bookmark.
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return None
        parts = scope["path"].split("/", 3)
        if len(parts) < 4 or parts[1] != "t":
            return None
        # Compared in the same time however many letters are right.
        if not secrets.compare_digest(parts[2].encode(), self.token.encode()):
            return None
        return {**scope, "path": f"/{parts[3]}", "raw_path": b""}


def within(send: Send) -> Send:
    """Return what sends an answer with the headers that keep other sites out."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending


def too_large(scope: Scope, receive: Receive) -> Receive | None:
    """Return what hands on the bytes of a request, None where it announces too many."""
    most = _MOST_UPLOADED if "/files/" in scope["path"] else _MOST_ASKED
    length = Headers(scope=scope).get("content-length", "0")
    if not length.isdigit() or int(length) > most:
        return None
    return _counted(receive, most)


def _counted(receive: Receive, most: int) -> Receive:
    """Hand on a request's bytes, and end it where there are too many."""
    got = 0

    async def receiving() -> Message:
        nonlocal got
        message = await receive()
        got += len(message.get("body", b""))
        return {"type": "http.disconnect"} if got > most else message

    return receiving


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


_COOKIE = "mobility-session"
_SESSION_S = 12 * 3600
#: Wrong passwords of one user, and of all, within so many seconds; then nobody is asked.
_MOST_WRONG, _MOST_WRONG_OF_ALL, _WRONG_S = 5, 100, 900
_LEAST_LETTERS = 10


class Passwords:
    """Users and the hashes of their passwords, a line each: ``name:$argon2id$…``.

    Parameters
    ----------
    path
        The file, which only its owner may read.
    """

    def __init__(self, path: Path) -> None:
        from argon2 import PasswordHasher  # a studio for one user has none

        self.path, self._hasher = path, PasswordHasher()
        #: Verified in place of an unknown user's, so that none is told by the time it takes.
        self._nobody = self._hasher.hash(secrets.token_hex(16))

    def read(self) -> dict[str, str]:
        """Return the hash of each user.

        Raises `SourceNotFoundError` and `SourceError`: the file is missing, others may read it, or
        a line is wrong.
        """
        if not self.path.is_file():
            raise SourceNotFoundError(
                "The file of passwords does not exist.",
                file=self.path,
                mend="Add a first user with: mobility studio --passwords FILE --add-user NAME",
            )
        if os.name == "posix" and self.path.stat().st_mode & 0o077:
            raise SourceError(
                "Others than its owner may read the file of passwords.",
                file=self.path,
                mend="Run: chmod 600 on it.",
            )
        users = {}
        for row, line in enumerate(self.path.read_text(encoding="utf-8").splitlines(), 1):
            name, _, hashed = line.partition(":")
            if line.strip() and (slug(name) != name or not hashed.startswith("$argon2")):
                raise SourceError(
                    "This line is no user and hash.",
                    file=self.path,
                    row=row,
                    mend="Add users with --add-user.",
                )
            if line.strip():
                users[name] = hashed
        return users

    def add(self, name: str, password: str) -> None:
        """Add a user, or give one another password.

        Raises `MobilityError`: the name or the password cannot be.
        """
        if not name or slug(name) != name:
            raise MobilityError("A user's name is small letters, digits and hyphens.", value=name)
        if len(password) < _LEAST_LETTERS:
            raise MobilityError(
                "The password is too short.",
                mend="Take at least {count} letters.",
                count=_LEAST_LETTERS,
            )
        users = self.read() if self.path.is_file() else {}
        users[name] = self._hasher.hash(password)
        text = "".join(f"{user}:{hashed}\n" for user, hashed in sorted(users.items()))
        write_text(self.path, text)
        self.path.chmod(0o600)

    def is_right(self, name: str, password: str) -> bool:
        """Whether a password is a user's."""
        from argon2.exceptions import InvalidHashError, VerificationError

        hashed = self.read().get(name)
        try:
            right = self._hasher.verify(hashed or self._nobody, password)
        except (VerificationError, InvalidHashError):
            return False
        return right and hashed is not None


@dataclass
class _Sessions:
    """Who is signed in, and how often signing in failed of late."""

    _users: dict[str, tuple[str, float]] = field(default_factory=dict)
    _wrong: list[tuple[float, str]] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def start(self, user: str) -> str:
        """Return the secret of a new session."""
        secret = secrets.token_urlsafe(32)
        with self._lock:
            now = time.monotonic()
            self._users = {k: v for k, v in self._users.items() if v[1] > now}
            self._users[secret] = (user, now + _SESSION_S)
        return secret

    def user(self, secret: str) -> str | None:
        """Return whose session a secret is."""
        name, until = self._users.get(secret, ("", 0.0))
        return name if name and until > time.monotonic() else None

    def end(self, secret: str) -> None:
        """End a session."""
        with self._lock:
            self._users.pop(secret, None)

    def may_try(self, user: str) -> bool:
        """Whether signing in may be tried, as it did not fail too often."""
        with self._lock:
            since = time.monotonic() - _WRONG_S
            self._wrong = [one for one in self._wrong if one[0] > since]
            mine = sum(name == user for _, name in self._wrong)
            return mine < _MOST_WRONG and len(self._wrong) < _MOST_WRONG_OF_ALL

    def failed(self, user: str) -> None:
        """Note that signing in failed."""
        with self._lock:
            self._wrong.append((time.monotonic(), user))


class SharedGuard:
    """Lets signed-in users through, each to an application of their own.

    Parameters
    ----------
    app_of
        Makes the application of a user.
    passwords
        Who may sign in.
    origin
        Scheme and host under which browsers know the studio, e.g. ``https://atelier.example``;
        the proxy hands on ``Host`` as it came.
    prefix
        Path before every address, e.g. ``/atelier``.
    """

    def __init__(
        self,
        app_of: Callable[[str], ASGIApp],
        *,
        passwords: Passwords,
        origin: str,
        prefix: str = "",
    ) -> None:
        self.app_of, self.passwords, self.sessions = app_of, passwords, _Sessions()
        self.origin, trimmed = origin.rstrip("/"), prefix.strip("/")
        self.prefix = f"/{trimmed}" if trimmed else ""
        self.host = urlsplit(self.origin).netloc
        self._apps: dict[str, ASGIApp] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse, a request."""
        if scope["type"] != "http":
            return
        send = within(send)
        headers, path = Headers(scope=scope), scope["path"]
        origin, reads = headers.get("origin"), scope["method"] in ("GET", "HEAD")
        foreign = headers.get("sec-fetch-site", "same-origin") not in ("none", "same-origin")
        allowed = origin == self.origin or (origin is None and reads)
        # The addresses that a link elsewhere may lead to.
        doors = f"{self.prefix}/", f"{self.prefix}/login"
        linked = reads and headers.get("sec-fetch-mode") == "navigate" and path in doors
        if headers.get("host") != self.host or not allowed or (foreign and not linked):
            await PlainTextResponse("403", 403)(scope, receive, send)
            return
        if not path.startswith(f"{self.prefix}/"):
            await PlainTextResponse("403", 403)(scope, receive, send)
            return
        inner = {**scope, "path": path.removeprefix(self.prefix), "raw_path": b""}
        receive_counted = too_large(inner, receive)
        if receive_counted is None:
            await PlainTextResponse("413", 413)(scope, receive, send)
            return
        answer = await self._own(inner, receive_counted)
        secret = HTTPConnection(scope).cookies.get(_COOKIE)
        user = self.sessions.user(secret) if secret else None
        if answer is not None:
            await answer(scope, receive, send)
        elif user is not None:
            await self._app(user)(inner, receive_counted, send)
        elif inner["path"] == "/":
            await RedirectResponse(f"{self.prefix}/login", 303)(scope, receive, send)
        else:
            await PlainTextResponse("403", 403)(scope, receive, send)

    async def _own(self, scope: Scope, receive: Receive) -> Response | None:
        """Return the answer of the guard itself: signing in and out."""
        request = Request(scope, receive)
        if scope["path"] == "/login" and scope["method"] == "GET":
            return self._page()
        if scope["path"] == "/login" and scope["method"] == "POST":
            return await self._sign_in(request)
        if scope["path"] == "/logout" and scope["method"] == "POST":
            self.sessions.end(request.cookies.get(_COOKIE, ""))
            return RedirectResponse(f"{self.prefix}/login", 303)
        return None

    async def _sign_in(self, request: Request) -> Response:
        form = parse_qs((await request.body()).decode("utf-8", "replace"), max_num_fields=8)
        name, password = (form.get(k, [""])[0][:200] for k in ("name", "password"))
        if not self.sessions.may_try(name):
            return self._page("Too many wrong passwords: try again in a quarter of an hour.", 429)
        if not await run_in_threadpool(self.passwords.is_right, name, password):
            self.sessions.failed(name)
            return self._page("Name or password is wrong.", 403)
        answer = RedirectResponse(f"{self.prefix}/", 303)
        # Not read by scripts, nor sent along by other sites; in plain text only where the site is.
        answer.set_cookie(
            _COOKIE,
            self.sessions.start(name),
            max_age=_SESSION_S,
            path=f"{self.prefix}/",
            secure=self.origin.startswith("https:"),
            httponly=True,
            samesite="strict",
        )
        return answer

    def _page(self, said: str = "", status: int = 200) -> Response:
        """Return the page to sign in, in both languages."""

        def both(text: str) -> str:
            return html.escape(" / ".join(translate(text, code) for code in LANGUAGES))

        words = f'<p role="alert">{both(said)}</p>' if said else ""
        text = (
            '<!DOCTYPE html><html lang="fr"><meta charset="utf-8"><title>mobility studio</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<main><h1>mobility</h1>{words}<form method="post" action="{self.prefix}/login">'
            f'<p><label>{both("Name")} <input name="name" autocomplete="username"></label></p>'
            f'<p><label>{both("Password")} <input name="password" type="password" '
            'autocomplete="current-password"></label></p>'
            f"<button>{both('Sign in')}</button></form></main></html>"
        )
        policy = _SHELL.replace("form-action 'none'", "form-action 'self'")
        return HTMLResponse(text, status, {"content-security-policy": policy})

    def _app(self, user: str) -> ASGIApp:
        if user not in self._apps:
            self._apps[user] = self.app_of(user)
        return self._apps[user]
