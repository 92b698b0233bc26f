"""A studio for several users behind a proxy: passwords, sessions, studies of one's own."""

from __future__ import annotations

import html
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from urllib.parse import parse_qs, urlsplit

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from mobility.base.errors import MobilityError, SourceError, SourceNotFoundError
from mobility.base.files import write_text
from mobility.base.i18n import LANGUAGES, translate
from mobility.sources.columns import slug
from mobility.studio.guard import SHELL, too_large, within

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
        linked = reads and headers.get("sec-fetch-mode") == "navigate" and path in self._doors()
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

    def _doors(self) -> tuple[str, str]:
        """Return the addresses that a link elsewhere may lead to."""
        return f"{self.prefix}/", f"{self.prefix}/login"

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
        policy = SHELL.replace("form-action 'none'", "form-action 'self'")
        return HTMLResponse(text, status, {"content-security-policy": policy})

    def _app(self, user: str) -> ASGIApp:
        if user not in self._apps:
            self._apps[user] = self.app_of(user)
        return self._apps[user]
