"""The studio: from the release of a slider to the recoloured map, and many clients at once.

``python -m benchmarks.studio`` opens Rhein-Neckar in headless Chromium, every other address cut
off; ``python -m benchmarks.studio load 300`` lets twenty clients ask two studies for as many
seconds and checks every answer.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import requests

from benchmarks.commands import homes_and_sites
from benchmarks.datasets import DATASETS, STARTS_H
from benchmarks.peer import Peer
from benchmarks.timing import seconds
from mobility.outputs.map.export import find_browser

ROOT = Path(__file__).parents[1]
TERRITORY = ROOT / "examples" / "rhein-neckar" / "territory.toml"
LIMITS = {
    "slider_ms": 50, "slider_95th_ms": 100, "slider_50000_homes_ms": 150, "trip_ms": 100,
    "line_ms": 500, "paint_s": 1.5, "rss_mb": 300,
}  # fmt: skip
STEPS, CLIENTS = 30, 20
#: Seconds without a question after which the studio gives its memory back; ten minutes by default.
REST_S = 20


@contextmanager
def studio(place: Path) -> Iterator[tuple[str, int]]:
    """Start the studio as a user does; yield its address and its process."""
    command = [sys.executable, "-m", "mobility", "studio", str(place), "--no-browser"]
    command += ["--rest-min", str(REST_S / 60)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip().partition("#")[0], process.pid
        finally:
            process.terminate()


def processes(pid: int) -> list[int]:
    """Return a process and those it has started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in processes(int(child)))]


def memory_mb(pid: int) -> float:
    """Return the resident memory of a process and of those it has started."""
    texts = [Path(f"/proc/{one}/status").read_text() for one in processes(pid)]
    return sum(int(text.split("VmRSS:")[1].split()[0]) for text in texts) / 1e3


def spent_s(pid: int) -> float:
    """Return the processor seconds of a process, and of those it has started, so far."""
    texts = [Path(f"/proc/{one}/stat").read_text() for one in processes(pid)]
    fields = [text.rpartition(")")[2].split() for text in texts]
    return sum(int(f[11]) + int(f[12]) for f in fields) / os.sysconf("SC_CLK_TCK")


def ready(url: str, study: str) -> None:
    """Wait until a study is read."""
    while not requests.get(f"{url}studies/{study}", timeout=60).json()["ready"]:
        time.sleep(0.2)


def measure(page: Any, slider: str, values: list[int]) -> list[float]:
    """Release a slider at each value; return the milliseconds until the map is recoloured."""
    return page.evaluate(
        """async ([name, values]) => {
          const took = [];
          for (const value of values) {
            const node = document.getElementById(name), before = document.body.dataset.step;
            node.value = value;
            node.dispatchEvent(new Event("change"));
            while (document.body.dataset.step === before) await new Promise(r => setTimeout(r, 4));
            took.push(window.studioTook);
          }
          return took;
        }""",
        [slider, values],
    )


@contextmanager
def explored(place: Path) -> Iterator[tuple[Any, int, float, str]]:
    """Open a study's map in a browser; yield the page, the server, the first paint, the address."""
    from playwright.sync_api import sync_playwright

    with studio(place / "territory.toml") as (url, pid), sync_playwright() as play:
        # Names of hosts are cut off in the browser itself: asked here, each request would wait.
        asked = ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
        browser = play.chromium.launch(executable_path=find_browser(), args=asked)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        ready(url, place.name)
        start = time.perf_counter()
        page.goto(f"{url}#{place.name}/explore")
        page.wait_for_selector("iframe")
        page.frame_locator("iframe").locator("body[data-ready]").wait_for()
        paint_s = time.perf_counter() - start
        page.wait_for_selector("body[data-live]")
        page.wait_for_selector("#shift-0-start")
        yield page, pid, paint_s, f"{url}studies/{place.name}/live"
        browser.close()


def _offsets() -> list[int]:
    offsets = [v for v in range(-60, 65, 5) if v]
    random.Random(0).shuffle(offsets)
    return offsets


def run() -> dict[str, float]:
    """Return the figures of Rhein-Neckar, and of as many homes as a large grid has cells."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "study"
        shutil.copytree(TERRITORY.parent, place)
        text = (place / "territory.toml").read_text(encoding="utf-8")
        data = str(ROOT.parent / "shared")
        text = text.replace("../../../shared", data)
        (place / "territory.toml").write_text(text, encoding="utf-8")
        offsets = _offsets()
        with explored(place) as (page, pid, paint_s, address):
            measure(page, "shift-0-start", offsets[:6])
            devtools = page.context.new_cdp_session(page)
            devtools.send("Performance.enable")
            was = spent_s(pid), _page_s(devtools)
            slider = measure(page, "shift-0-start", (offsets[6:] * 4)[:STEPS])
            edge = measure(page, "shift-0-end", (offsets * 3)[:STEPS])
            server, drawn = spent_s(pid) - was[0], _page_s(devtools) - was[1]
            page.click("#clear")
            page.wait_for_timeout(500)
            page.click("#trips summary")
            page.wait_for_selector("#trip-move")
            trip = measure(page, "trip-move", [5, 10, 15, 20, -5, -10, -15, 25, 30])
            page.click("#clear")
            page.wait_for_timeout(500)
            line = _lines_drawn(address, place)
            awake = memory_mb(pid)
            while len(processes(pid)) > 1:  # the page stays open
                time.sleep(1)
            rss = memory_mb(pid)
            woken = measure(page, "shift-0-start", [5])
    both = sorted(slider + edge)
    peer_ms = _peer_ms()
    return {
        "slider_ms": statistics.median(both),
        "slider_95th_ms": both[int(len(both) * 0.95)],
        "slider_server_cpu_ms": 1e3 * server / len(both),
        "slider_page_cpu_ms": 1e3 * drawn / len(both),
        "slider_50000_homes_ms": _slider_of_many(),
        "trip_ms": statistics.median(trip[1:]),
        "line_ms": statistics.median(line),
        "paint_s": paint_s,
        "rss_mb": rss,
        "rss_awake_mb": awake,
        "wake_s": woken[0] / 1e3,
        "cafein_deadline_ms": peer_ms,
        "slider_vs_cafein_ratio": peer_ms / statistics.median(both),
    }


def _peer_ms() -> float:
    """Return what one arrival deadline of 1,000 homes to 10 sites takes the peer, milliseconds.

    It is the mean of six deadlines asked at once. A slider's step answers 1,844 homes, 4 sites
    and both edges of their shifts, and is drawn.
    """
    dataset = DATASETS["rhein-neckar"]
    peer = Peer.own_streets(dataset)
    took = seconds(lambda: peer.travel_times(dataset.homes, dataset.sites, STARTS_H))
    return 1e3 * took / len(STARTS_H)


def _lines_drawn(address: str, place: Path) -> list[float]:
    """Draw a line of three stops, drag its first stop; return the milliseconds of each answer."""
    from mobility.sources.sites import read_sites
    from mobility.territory.project import Territory

    site = read_sites(Territory.from_toml(place / "territory.toml"))[0]
    lon, lat = site.gates[0]
    took = []
    for k in range(7):
        stops = [{"lon": lon + 0.02 * (3 - n) + 0.001 * k * (n == 0), "lat": lat} for n in range(3)]
        step = {"do": "line", "name": "L1", "site": site.name, "stops": stops}
        shown = {"pick": "s0", "day": 0, "mode": 0}
        body = {"steps": [step], "commit": False, "shown": shown, "part": "times"}
        start = time.perf_counter()
        answer = requests.post(address, json=body, timeout=60)
        took.append(1e3 * (time.perf_counter() - start))
        answer.raise_for_status()
        head = json.loads(answer.content[4 : 4 + int.from_bytes(answer.content[:4], "little")])
        assert head["eur"]["year"] > 0
    return took[1:]


def _slider_of_many() -> float:
    """Return the milliseconds of a step of a slider where there are 50,000 homes."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "many"
        place.mkdir()
        homes_and_sites(place, 50_000, 4)
        with explored(place) as (page, _, _, _):
            offsets = _offsets()
            measure(page, "shift-0-start", offsets[:6])
            return statistics.median(measure(page, "shift-0-start", (offsets[6:] * 2)[:STEPS]))


def _page_s(devtools: Any) -> float:
    """Return the seconds a page has worked so far."""
    told = devtools.send("Performance.getMetrics")["metrics"]
    return next(row["value"] for row in told if row["name"] == "TaskDuration")


def load(seconds: float) -> dict[str, float]:
    """Let clients ask two studies at random; every answer is checked against the first one."""
    from mobility.pipeline import demo_territory
    from mobility.studio.studies import Studies

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        Studies(root).add_demo(demo_territory())
        shutil.copytree(root / "demo", root / "other")
        file = root / "other" / "territory.toml"
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace("max_wait_min = 30", "max_wait_min = 12"), encoding="utf-8")
        with studio(root) as (url, pid):
            for study in ("demo", "other"):
                ready(url, study)
            asked = [
                (study, pick, minutes)
                for study in ("demo", "other")
                for pick in ("s0", "s1", "s2")
                for minutes in range(0, 60, 5)
            ]
            first = {one: _answer(url, *one) for one in asked}
            assert any(first["demo", p, m] != first["other", p, m] for _, p, m in asked)
            before, wrong, took = memory_mb(pid), [], []
            end = time.monotonic() + seconds

            def client(seed: int) -> None:
                chosen = random.Random(seed)
                while time.monotonic() < end:
                    one = chosen.choice(asked)
                    start = time.perf_counter()
                    try:
                        if _answer(url, *one) != first[one]:
                            wrong.append(one)
                    except (requests.RequestException, ValueError) as error:
                        wrong.append(error)
                    took.append(time.perf_counter() - start)
                    time.sleep(chosen.uniform(0, 0.4))

            clients = [Thread(target=client, args=(k,)) for k in range(CLIENTS)]
            for one in clients:
                one.start()
            for one in clients:
                one.join()
            after = memory_mb(pid)
    return {
        "clients": CLIENTS,
        "seconds": seconds,
        "answers": len(took),
        "wrong_or_failed": len(wrong),
        "median_ms": 1e3 * statistics.median(took),
        "rss_before_mb": before,
        "rss_after_mb": after,
    }


def _answer(url: str, study: str, pick: str, minutes: int) -> Any:
    """Return the figures of a study whose first shift starts some minutes later."""
    hour, minute = divmod(5 * 60 + minutes, 60)
    step = {
        "do": "shift", "site": "Fonderie des Quatre-Vents", "roster": "3x8", "shift": "matin",
        "start": f"{hour:02}:{minute:02}",
    }  # fmt: skip
    body = {"steps": [step], "commit": False, "shown": {"pick": pick, "day": 0, "mode": 0}}
    answer = requests.post(f"{url}studies/{study}/live", json=body, timeout=60)
    answer.raise_for_status()
    head = answer.content[4 : 4 + int.from_bytes(answer.content[:4], "little")]
    found = json.loads(head)
    return found["mode"], found["zone"], hash(answer.content[4 + len(head) :])


if __name__ == "__main__":
    if sys.argv[1:2] == ["load"]:
        print(json.dumps(load(float(sys.argv[2] if len(sys.argv) > 2 else 60)), indent=1))
    else:
        print(json.dumps(run() | {f"limit_{k}": v for k, v in LIMITS.items()}, indent=1))
