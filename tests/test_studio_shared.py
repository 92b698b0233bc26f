"""A studio for several users: passwords, sessions, studies of one's own."""

from __future__ import annotations

import asyncio
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Thread

import pytest
import requests
import uvicorn
from small import write_territory

from mobility.base.errors import MobilityError
from mobility.studio.app import Studio
from mobility.studio.guard import Passwords, SharedGuard, free_socket
from mobility.studio.jobs import Queue
from mobility.studio.studies import Studies

WORDS = {"ana": "one long password", "bob": "another password"}


@pytest.fixture(scope="module")
def passwords(tmp_path_factory):
    known = Passwords(tmp_path_factory.mktemp("secret") / "users")
    for name, password in WORDS.items():
        known.add(name, password)
    return known


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("studies")
    write_territory(folder / "ana" / "usine")
    write_territory(folder / "bob" / "atelier")
    outside = folder / "bob" / "dehors"
    write_territory(outside)
    text = (outside / "territory.toml").read_text()
    other = folder / "ana" / "usine" / "homes.csv"
    (outside / "territory.toml").write_text(text.replace('"homes.csv"', f'"{other}"'))
    return folder


@contextmanager
def shared(root, passwords, *, prefix="/atelier"):
    found = free_socket(0)
    host = f"127.0.0.1:{found.getsockname()[1]}"
    queue = Queue()
    guard = SharedGuard(
        lambda user: Studio(Studies(root / user, confined=True), queue).app(),
        passwords=passwords,
        origin=f"http://{host}",
        prefix=prefix,
    )
    server = uvicorn.Server(uvicorn.Config(guard, log_level="error", lifespan="off"))
    thread = Thread(target=server.run, kwargs={"sockets": [found]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://{host}"
    server.should_exit = True
    thread.join(10)
    found.close()


@pytest.fixture(scope="module")
def origin(root, passwords):
    with shared(root, passwords) as found:
        yield found


def signed_in(origin: str, name: str, password: str | None = None) -> requests.Session:
    session = requests.Session()
    session.headers["Origin"] = origin
    form = {"name": name, "password": WORDS[name] if password is None else password}
    session.answer = session.post(f"{origin}/atelier/login", data=form, timeout=30)
    return session


def test_each_user_sees_their_own_studies(origin) -> None:
    for name, own, other in [("ana", "usine", "atelier"), ("bob", "atelier", "usine")]:
        session = signed_in(origin, name)
        state = session.get(f"{origin}/atelier/state", timeout=30).json()
        assert own in [s["id"] for s in state["studies"]]
        assert other not in [s["id"] for s in state["studies"]]
        for path in (other, f"..%2f{'bob' if name == 'ana' else 'ana'}%2f{other}"):
            answer = session.get(f"{origin}/atelier/studies/{path}", timeout=30)
            assert answer.status_code == 404


def test_computations_of_studies_of_one_name_are_apart(origin, root) -> None:
    for name in ("ana", "bob"):
        write_territory(root / name / "meme")
    one, two = signed_in(origin, "ana"), signed_in(origin, "bob")
    address = f"{origin}/atelier/studies/meme/job"
    assert one.post(address, json={"kind": "run"}, timeout=30).status_code == 200
    assert two.get(address, timeout=30).json() == {"job": None}
    two.delete(address, timeout=30)
    assert one.get(address, timeout=30).json()["job"]["state"] != "cancelled"
    assert one.delete(address, timeout=30).json()["job"]["state"] == "cancelled"


def test_a_study_that_names_anothers_file_is_not_read(origin) -> None:
    session = signed_in(origin, "bob")
    about = session.get(f"{origin}/atelier/studies/dehors", timeout=30).json()
    assert "outside the folder" in about["error"]["en"]
    job = session.post(f"{origin}/atelier/studies/dehors/job", json={"kind": "run"}, timeout=30)
    assert job.status_code == 422


def test_nobody_passes_without_a_session(origin) -> None:
    for path in ("/atelier/state", "/atelier/studies/usine", "/atelier/static/studio.js", "/"):
        assert requests.get(origin + path, timeout=30).status_code == 403
    answer = requests.get(f"{origin}/atelier/", timeout=30, allow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/atelier/login")
    wrong = signed_in(origin, "ana", "no password of hers")
    assert wrong.answer.status_code == 403
    assert not wrong.cookies
    stranger = {"name": "<b>", "password": "x"}
    page = requests.post(
        f"{origin}/atelier/login", data=stranger, headers={"Origin": origin}, timeout=30
    )
    assert page.status_code == 403
    assert "<b>" not in page.text


def test_other_origins_cannot_act_for_a_user(origin) -> None:
    session = signed_in(origin, "ana")
    cookie = session.cookies.get_dict()
    for headers in ({"Origin": "http://other.example"}, {}, {"Host": "other.example"}):
        answer = requests.post(
            f"{origin}/atelier/studies", json={"name": "x"}, cookies=cookie, headers=headers,
            timeout=30,
        )  # fmt: skip
        assert answer.status_code == 403
    header = session.answer.history[0].headers["set-cookie"].lower()
    assert "httponly" in header
    assert "samesite=strict" in header
    assert "path=/atelier/" in header


def test_signing_out_ends_the_session(origin) -> None:
    session = signed_in(origin, "ana")
    cookie = session.cookies.get_dict()
    session.post(f"{origin}/atelier/logout", timeout=30)
    again = requests.get(f"{origin}/atelier/state", cookies=cookie, timeout=30)
    assert again.status_code == 403


def test_guessing_ends_after_a_few_tries(root, passwords) -> None:
    with shared(root, passwords) as origin:
        codes = [signed_in(origin, "bob", f"guess {k}").answer.status_code for k in range(6)]
        assert codes == [403] * 5 + [429]
        assert signed_in(origin, "bob").answer.status_code == 429
        assert signed_in(origin, "ana").answer.status_code == 200


def test_the_file_of_passwords_holds_hashes_and_is_its_owners(passwords) -> None:
    text = passwords.path.read_text()
    assert [line.split(":")[0] for line in text.splitlines()] == ["ana", "bob"]
    assert all("$argon2id$" in line for line in text.splitlines())
    assert not any(word in text for word in WORDS.values())
    assert passwords.path.stat().st_mode & 0o077 == 0
    passwords.path.chmod(0o644)
    with pytest.raises(MobilityError, match="Others than its owner"):
        passwords.read()
    passwords.path.chmod(0o600)
    for name, password in [("../x", "long enough word"), ("eve", "short")]:
        with pytest.raises(MobilityError):
            passwords.add(name, password)


def test_answers_are_sent_at_once() -> None:
    # The body of an answer waits for the browser's word on its head otherwise.
    async def accepted() -> int:
        told: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def come(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            own = writer.get_extra_info("socket")
            told.set_result(own.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        with free_socket(0) as found:
            server = await asyncio.start_server(come, sock=found)
            _, writer = await asyncio.open_connection(*found.getsockname())
            answer = await asyncio.wait_for(told, 30)
            writer.close()
            server.close()
        return answer

    # In a thread of its own: a browser's tests leave a loop running in this one.
    with ThreadPoolExecutor(1) as apart:
        assert apart.submit(asyncio.run, accepted()).result() != 0
