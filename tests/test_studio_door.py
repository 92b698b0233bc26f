"""The door of the studio: its workshop rests while nobody asks, and nothing is lost by it."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from threading import Thread, Timer

import pytest
import requests
import uvicorn
from small import write_territory
from studio_server import step

from mobility.studio.door import Door
from mobility.studio.guard import USER, Guard, Order, Passwords, SharedGuard, free_socket

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
TOKEN, REST_S, MOST_S = "t" * 32, 1.0, 90.0


def until(true, why: str) -> None:
    end = time.monotonic() + MOST_S
    while not true():
        assert time.monotonic() < end, why
        time.sleep(0.05)


@contextmanager
def opened(place: Path, folder: Path, guarded, *, many: bool = False, rest_s: float = REST_S):
    """Serve a folder of studies behind a door; yield the door and its address."""
    found = free_socket(0)
    host = f"127.0.0.1:{found.getsockname()[1]}"
    order = Order(
        place=str(place), many=many, demo=False, language="en", boot="b",
        secret=secrets.token_hex(8), kept=str(folder / "steps.json"),
    )  # fmt: skip
    door = Door(order, rest_s=rest_s)
    config = uvicorn.Config(door.before(guarded(door, host)), log_level="error", lifespan="on")
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, kwargs={"sockets": [found]}, daemon=True)
    thread.start()
    until(lambda: server.started, "it does not start")
    try:
        yield door, f"http://{host}"
    finally:
        server.should_exit = True
        thread.join(MOST_S)
        found.close()
    assert door.is_resting


def token_guard(door: Door, host: str) -> Guard:
    return Guard(door.of(), token=TOKEN, hosts=[host])


@pytest.fixture
def place(tmp_path):
    write_territory(tmp_path / "studies" / "usine")
    return tmp_path / "studies"


class Asked:
    """A study, as a page asks for it."""

    def __init__(self, origin: str) -> None:
        self.at = f"{origin}/t/{TOKEN}/studies/usine"
        until(lambda: self.about()["ready"], "the study is not read")

    def about(self):
        return requests.get(self.at, timeout=MOST_S).json()

    def moved(self, start: str, *, commit: bool = True):
        body = {"steps": [step("matin", start=start)], "commit": commit,
                "shown": {"pick": "s0", "day": 0, "mode": 0}}  # fmt: skip
        answer = requests.post(f"{self.at}/live", json=body, timeout=MOST_S)
        assert answer.status_code == 200, answer.text
        return answer.content


def test_it_rests_and_goes_on_where_it_was(place, tmp_path) -> None:
    with opened(place, tmp_path, token_guard) as (door, origin):
        study = Asked(origin)
        study.moved("05:30")
        answer = study.moved("06:00")
        about = study.about()
        until(lambda: door.is_resting, "it never rests")
        # A page left open asks on; nothing is started for it.
        assert study.about() == about
        assert door.is_resting
        assert study.moved("06:00", commit=False) == answer
        assert not door.is_resting
        assert study.about() == about
        undone = requests.post(f"{study.at}/undo", json={}, timeout=MOST_S).json()
        assert undone["draft"]["changes"]["shifts"][0]["start"] == "05:30"
        assert (undone["undo"], undone["redo"]) == (True, True)


def test_it_does_not_rest_while_something_is_computed(place, tmp_path) -> None:
    with opened(place, tmp_path, token_guard, rest_s=0.2) as (_, origin):
        study = Asked(origin)
        asked = {"kind": "run", "target": "", "language": "en"}
        assert requests.post(f"{study.at}/job", json=asked, timeout=MOST_S).status_code == 200
        time.sleep(1)  # nobody asks
        ended = ("done", "failed", "interrupted", "cancelled")

        def job():
            return requests.get(f"{study.at}/job", timeout=MOST_S).json()["job"]

        until(lambda: job()["state"] in ended, "the job never ends")
        assert job()["state"] == "done", job()


def test_a_workshop_on_its_way_to_rest_is_awaited_at_the_end(place, tmp_path) -> None:
    """The studio ends while its workshop, told to rest, still writes the steps made."""
    with opened(place, tmp_path, token_guard, rest_s=0.2) as (door, origin):
        Asked(origin).moved("05:30")
        process, end = door._process, door._end
        assert process is not None

        async def slow() -> None:
            if door._process is not None:
                os.kill(process.pid, signal.SIGSTOP)
            await end()

        door._end = slow
        until(lambda: door._process is None, "it is not told to rest")
        Timer(1, os.kill, (process.pid, signal.SIGCONT)).start()
    assert not Path(f"/proc/{process.pid}").exists()


def test_a_workshop_that_is_killed_is_replaced(place, tmp_path) -> None:
    with opened(place, tmp_path, token_guard, rest_s=60) as (door, origin):
        study = Asked(origin)
        study.moved("05:30")
        until((place / "usine" / "scenarios" / "draft.toml").is_file, "no draft is kept")
        assert door._process is not None
        os.kill(door._process.pid, signal.SIGKILL)
        until(lambda: door.is_resting, "the door does not see it")
        assert requests.get(f"{study.at}/data", timeout=MOST_S).status_code == 200
        study = Asked(origin)
        assert study.about()["draft"]["changes"]["shifts"][0]["start"] == "05:30"


def test_the_workshop_answers_its_door_alone(place, tmp_path) -> None:
    with opened(place, tmp_path, token_guard) as (door, origin):
        study = Asked(origin)
        assert (
            requests.get(f"http://127.0.0.1:{door._port}/state", timeout=MOST_S).status_code == 403
        )
        kept = requests.get(study.at, headers={USER: "other", "x-studio-secret": "x"}, timeout=9)
        assert kept.json() == study.about()


def test_what_the_workshop_says_later_is_for_the_terminal(place, tmp_path) -> None:
    """The pipe to the door is closed once the port is told, not when the workshop ends."""
    with opened(place, tmp_path, token_guard) as (door, _):
        assert door._process is not None
        said = Path(f"/proc/{door._process.pid}/fd")
        until(lambda: (said / "1").readlink() == (said / "2").readlink(), "it still holds the pipe")


def test_files_and_errors_pass_the_door(place, tmp_path) -> None:
    homes = (place / "usine" / "homes.csv").read_bytes()
    with opened(place, tmp_path, token_guard) as (_, origin):
        study = Asked(origin)
        lines = homes.splitlines(keepends=True)
        sent = requests.post(
            f"{study.at}/files/homes?name=lieux é.csv", data=iter(lines), timeout=MOST_S
        )
        assert sent.status_code == 200, sent.text
        written = [path for path in (place / "usine").rglob("*.csv") if "lieux" in path.name]
        assert [path.read_bytes() for path in written] == [homes]
        wrong = requests.post(f"{study.at}/live", data=b"[", timeout=MOST_S)
        assert (wrong.status_code, "cannot be read" in wrong.json()["en"]) == (422, True)
        assert requests.get(f"{study.at}/get/none%2Fhere.csv", timeout=MOST_S).status_code == 404


def test_users_keep_to_their_own_studies(tmp_path) -> None:
    passwords = Passwords(tmp_path / "users")
    for user, study in (("ana", "usine"), ("bob", "atelier")):
        passwords.add(user, "a long password")
        write_territory(tmp_path / "studies" / user / study)

    def shared(door: Door, host: str) -> SharedGuard:
        return SharedGuard(door.of, passwords=passwords, origin=f"http://{host}")

    with opened(tmp_path / "studies", tmp_path, shared, many=True) as (_, origin):
        for user, study in (("ana", "usine"), ("bob", "atelier")):
            session = requests.Session()
            session.headers.update({"Origin": origin, USER: "bob" if user == "ana" else "ana"})
            told = {"name": user, "password": "a long password"}
            assert session.post(f"{origin}/login", data=told, timeout=MOST_S).status_code == 200
            listed = session.get(f"{origin}/state", timeout=MOST_S).json()["studies"]
            assert [one["id"] for one in listed] == [study]


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "mobility", "studio", "--no-browser", "--lang", "en", *words]


def test_the_workshop_holds_nothing_of_the_door() -> None:
    """Each module takes memory of the process that holds the studies."""
    names = {"mobility.studio.door", "h11"}
    code = f"import sys, mobility.studio.workshop; print({names} & {{*sys.modules}})"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"


def test_the_workshop_ends_with_a_door_that_is_killed(place, tmp_path) -> None:
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        command(str(place)), stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert len(children) == 1
        process.kill()
    until(lambda: not Path(f"/proc/{children[0]}").exists(), "the workshop lives on")


def test_a_folder_that_cannot_be_is_told_in_one_line(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    done = subprocess.run(
        command(str(tmp_path / "file" / "studies"), "--demo"),
        capture_output=True, text=True, timeout=MOST_S, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert not done.stdout


@pytest.mark.parametrize("name", ["none.toml", "homes.csv"])
def test_a_file_that_is_no_territory_is_told_in_one_line(tmp_path, name) -> None:
    """No studio is started, and no folder of that name made."""
    (tmp_path / "homes.csv").write_text("id,workers\na,3\n")
    done = subprocess.run(
        command(str(tmp_path / name)),
        capture_output=True, text=True, timeout=MOST_S, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert name in done.stderr
    assert not done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["homes.csv"]
