"""A studio that answers on loopback for as long as a test lasts."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import Any

import numpy as np
import requests
import uvicorn

from mobility.studio.app import Studio
from mobility.studio.guard import Guard, free_socket
from mobility.studio.studies import Studies

TOKEN = "a-token-of-the-tests"


@dataclass
class Served:
    """A running studio; ``url`` ends with its token's path."""

    studio: Studio
    host: str

    @property
    def url(self) -> str:
        return f"http://{self.host}/t/{TOKEN}/"

    def get(self, path: str) -> Any:
        answer = requests.get(self.url + path, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, body: object) -> requests.Response:
        return requests.post(self.url + path, json=body, timeout=60)

    def ready(self, study: str) -> dict[str, Any]:
        """Wait until a study is read."""
        while True:
            about = self.get(f"studies/{study}")
            assert about["error"] is None, about["error"]
            if about["ready"]:
                return about
            time.sleep(0.05)

    def live(
        self, study: str, *steps: dict[str, Any], commit: bool = True, shown: Any = None,
        part: str = "all",
    ) -> dict[str, Any]:  # fmt: skip
        """Make steps; return figures and arrays."""
        at = shown or {"pick": "s0", "day": 0, "mode": 0}
        body = {"steps": list(steps), "commit": commit, "shown": at, "part": part}
        answer = self.post(f"studies/{study}/live", body)
        if answer.status_code != 200:
            raise ValueError(answer.json()["en"])
        return unpacked(answer.content)

    def refused(self, study: str, *steps: dict[str, Any]) -> dict[str, Any]:
        """Return what is answered to steps that cannot be."""
        at = {"pick": "s0", "day": 0, "mode": 0}
        body = {"steps": list(steps), "commit": True, "shown": at}
        answer = self.post(f"studies/{study}/live", body)
        assert answer.status_code == 422
        return answer.json()


def unpacked(data: bytes) -> dict[str, Any]:
    size = int.from_bytes(data[:4], "little")
    head = json.loads(data[4 : 4 + size])
    arrays, at = {}, 4 + size
    for kind, length in head["arrays"]:
        arrays[kind] = np.frombuffer(data, np.uint8, length, at)
        at += length
    return head | {"arrays": arrays}


@contextmanager
def served(studies: Studies) -> Iterator[Served]:
    """Serve studies on a free port."""
    found = free_socket(0)
    host = f"127.0.0.1:{found.getsockname()[1]}"
    studio = Studio(studies)
    guard = Guard(studio.app(), token=TOKEN, hosts=[host])
    server = uvicorn.Server(uvicorn.Config(guard, log_level="error"))
    thread = Thread(target=server.run, kwargs={"sockets": [found]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield Served(studio, host)
    finally:
        studio.queue.close()
        server.should_exit = True
        thread.join(10)
        found.close()


def step(shift: str, site: str = "Usine", roster: str = "3x8", **hours: str) -> dict[str, Any]:
    """Return the step that moves a shift."""
    return {"do": "shift", "site": site, "roster": roster, "shift": shift, **hours}
