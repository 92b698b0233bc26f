"""The workshop: the process that holds studies in memory, behind the door that browsers ask.

It listens on a port of its own, which it prints once it may be asked, to who knows its secret. It
ends once its standard input does: when the door closes it, or is no more. The steps made on each
study are kept for the workshop that follows.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

import uvicorn
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from mobility.base.errors import MobilityError
from mobility.base.failures import explained
from mobility.base.files import read_json, write_text
from mobility.studio.app import Studio
from mobility.studio.guard import BUSY, SECRET, USER, Order, free_socket
from mobility.studio.jobs import Queue
from mobility.studio.studies import Studies, studies_of
from mobility.terminal import err

#: Seconds that requests under way are given when it ends.
_GRACE_S = 5


class _Workshop:
    """The studios of one user, or of several, and their one queue.

    Parameters
    ----------
    order
        What the door asked for.
    """

    def __init__(self, order: Order) -> None:
        self.order, self.queue = order, Queue()
        self._steps: dict[str, dict[str, Any]] = read_json(Path(order.kept)) or {}
        self._studios: dict[str, tuple[Studio, ASGIApp]] = {}
        # What cannot be served at all is told at the start; what was open is read before it is
        # asked again.
        for user in [*self._steps, *([] if order.many else [""])]:
            self._studio(user)[0].studies.read_open(self._steps.get(user, {}))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request of the door's, for the user that it names."""
        headers = Headers(scope=scope)
        if not secrets.compare_digest(headers.get(SECRET, "").encode(), self.order.secret.encode()):
            answer: ASGIApp = PlainTextResponse("403", 403)
        elif scope["path"] == BUSY:
            reading = any(studio.studies.is_reading for studio, _ in self._studios.values())
            answer = JSONResponse({"busy": self.queue.is_busy or reading})
        else:
            _, answer = self._studio(headers.get(USER, ""))
        await answer(scope, receive, send)

    def _studio(self, user: str) -> tuple[Studio, ASGIApp]:
        if user not in self._studios:
            studies = self._studies(user)
            studies.resume(self._steps.get(user, {}))
            studio = Studio(studies, self.queue, boot=self.order.boot)
            self._studios[user] = studio, studio.app()
        return self._studios[user]

    def _studies(self, user: str) -> Studies:
        order = self.order
        if order.many:
            return Studies(Path(order.place) / user, confined=True, aside=True)
        studies = studies_of(Path(order.place) if order.place else None)
        if order.demo:
            from mobility.pipeline import demo_territory

            studies.add_demo(demo_territory())
        return studies

    def close(self) -> None:
        """End what runs, and keep the steps made on each study."""
        self.queue.close()
        steps = self._steps | {
            user: studio.studies.steps() for user, (studio, _) in self._studios.items()
        }
        with suppress(MobilityError):  # without them, what is in the drafts' files is left
            write_text(Path(self.order.kept), json.dumps(steps))


def main() -> None:
    """Serve until standard input ends; its first line is the order."""
    order = Order(**json.loads(sys.stdin.readline()))
    try:
        workshop = _Workshop(order)
    except Exception as error:  # noqa: BLE001 (told in one line, like any error)
        err.print(explained(error).render(order.language), soft_wrap=True)
        sys.exit(2)
    listening = free_socket(0)
    config = uvicorn.Config(
        workshop,
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=_GRACE_S,
    )
    server = uvicorn.Server(config)

    def end() -> None:
        sys.stdin.read()
        server.should_exit = True

    Thread(target=end, daemon=True).start()
    sys.stdout.write(f"{listening.getsockname()[1]}\n")
    # Whatever is printed from here on, by a library or a process it starts, is for the terminal.
    sys.stdout.flush()
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    sys.stdout = sys.stderr
    try:
        server.run(sockets=[listening])
    finally:
        workshop.close()


if __name__ == "__main__":
    main()
