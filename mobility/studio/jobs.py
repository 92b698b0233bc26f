"""Long commands asked for in the browser: one after the other, each the command line's own.

A job is a process of ``mobility``, so that it can be cancelled at any moment and gives what the
command line gives. What was under way when the studio ended is told, to be asked for again.
Beside them: where results lie, which files of them may be taken away, and whether they are older
than the data they follow from.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any, Literal

from mobility.base.errors import MobilityError
from mobility.base.files import write_text
from mobility.base.i18n import LANGUAGES, translate
from mobility.settings import read_territory
from mobility.terminal import INIT_STEPS, LEVER_STEPS, REPORT_STEPS, SHUTTLE_STEPS, STEPS
from mobility.territory.project import source_files

if TYPE_CHECKING:
    from mobility.studio.studies import Opened

State = Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]
#: Commands that may be asked for, with their named steps.
_COMMANDS: dict[str, tuple[str, ...]] = {
    "run": STEPS,
    "report": REPORT_STEPS,
    "levers": LEVER_STEPS,
    "shuttles": SHUTTLE_STEPS,
    "compare": STEPS,
    "init": INIT_STEPS,
}
#: What runs a command: this very software.
PROGRAM = (sys.executable, "-m", "mobility")
_KEPT, _MOST_QUEUED = ".studio-job.json", 20
#: Half side of the area of a first study, km: by default, least and most.
_RADIUS_KM, _LEAST_KM, _MOST_KM = 12.0, 1.0, 60.0
#: Folder of comparisons, beside the scenarios of a study.
_COMPARED = "compared"
#: Kinds of files worth taking away.
_TAKEN = {
    ".html", ".pdf", ".docx", ".xlsx", ".csv", ".gpkg", ".geojson", ".zip", ".md", ".json",
    ".parquet", ".toml",
}  # fmt: skip


@dataclass(eq=False)
class Job:
    """One command, asked for a study or one of its scenarios.

    Attributes
    ----------
    folder
        Of the study.
    target, other
        Scenario it is run on, empty for the study itself; of ``compare``, the two that are
        compared; of ``init``, the place and the radius in km.
    given
        What the command is given: a territory file, or two that are compared; of ``init``, the
        place.
    options
        Options of the command, besides the folder of its results and the language.
    share
        Of its steps, how many are done.
    words
        What the command said last, where it failed; of ``init``, what it could not have.
    """

    kind: str
    target: str
    folder: Path
    given: tuple[str, ...]
    out: Path
    language: str
    options: tuple[str, ...] = ()
    other: str = ""
    state: State = "queued"
    step: str = ""
    share: float = 0.0
    words: str = ""
    started: float = 0.0
    ended: float = 0.0
    process: subprocess.Popen[str] | None = field(default=None, repr=False)

    def told(self) -> dict[str, Any]:
        """Return what a page shows of it."""
        spent = (self.ended or time.monotonic()) - self.started if self.started else 0.0
        left = spent * (1 - self.share) / self.share if self.share > 0 else None
        return {
            "kind": self.kind,
            "target": self.target,
            "other": self.other,
            "state": self.state,
            "step": {code: translate(self.step, code) for code in LANGUAGES},
            "share": self.share,
            "spent_s": round(spent),
            "left_s": None if left is None or self.state != "running" else round(left),
            "words": self.words,
        }


class Queue:
    """The jobs of every study; one runs, the others wait for their turn."""

    def __init__(self) -> None:
        self._waiting: deque[Job] = deque()
        self._last: dict[Path, Job] = {}
        self._changed = Condition()
        self._running: Job | None = None
        Thread(target=self._work, daemon=True).start()

    @property
    def is_busy(self) -> bool:
        """Whether a job runs or waits."""
        with self._changed:
            return self._running is not None or bool(self._waiting)

    def add(self, job: Job) -> None:
        """Put a job at the end of the queue.

        Raises `MobilityError`: there is no such command, or the study has one under way.
        """
        with self._changed:
            last = self._last.get(job.folder)
            if job.kind not in _COMMANDS:
                raise MobilityError("There is no such command.", value=job.kind)
            if last is not None and last.state in ("queued", "running"):
                raise MobilityError(
                    "A computation of this study is under way.", mend="Wait for it, or cancel it."
                )
            if len(self._waiting) >= _MOST_QUEUED:
                raise MobilityError("Too many computations wait already.", mend="Ask again later.")
            self._last[job.folder] = job
            self._waiting.append(job)
            _keep(job)
            self._changed.notify_all()

    def cancel(self, folder: Path) -> None:
        """End the job of a study, by its folder; its results stay as they were."""
        with self._changed:
            job = self._last.get(folder)
            if job is None or job.state not in ("queued", "running"):
                return
            job.state = "cancelled"
            if job in self._waiting:
                self._waiting.remove(job)
            if job.process is not None:
                job.process.terminate()
            _keep(job)

    def told(self, folder: Path) -> dict[str, Any] | None:
        """Return the last job of a study, by its folder; of an earlier studio's, how it ended."""
        with self._changed:
            job = self._last.get(folder)
            if job is not None:
                ahead = list(self._waiting).index(job) if job in self._waiting else 0
                return job.told() | {"ahead": ahead}
        with suppress(OSError, ValueError):
            known = json.loads((folder / _KEPT).read_text(encoding="utf-8"))
            ended = known["state"] not in ("queued", "running")
            return {
                "kind": str(known["kind"]),
                "target": str(known["target"]),
                "other": str(known.get("other", "")),
                "state": known["state"] if ended else "interrupted",
            }
        return None

    def close(self) -> None:
        """End what runs."""
        with self._changed:
            if self._running is not None and self._running.process is not None:
                self._running.process.terminate()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._waiting:
                    self._changed.wait()
                job = self._running = self._waiting.popleft()
                job.state, job.started = "running", time.monotonic()
            _keep(job)
            try:
                self._run(job)
            except OSError as error:
                job.state, job.words = "failed", str(error)
            job.ended = time.monotonic()
            _keep(job)
            self._running = None

    def _run(self, job: Job) -> None:
        """Run a command to its end, and follow its steps."""
        names = {translate(name, job.language): name for name in _COMMANDS[job.kind]}
        steps = list(_COMMANDS[job.kind])
        command = [*PROGRAM, job.kind, "--out", str(job.out), "--lang", job.language]
        # A place that begins with a hyphen is no option.
        command += [*job.options, "--", *job.given]
        # Its steps are told line by line as they come, and no line is folded.
        environment = os.environ | {"PYTHONUNBUFFERED": "1", "COLUMNS": "200", "NO_COLOR": "1"}
        with subprocess.Popen(  # noqa: S603 (this very software, a list, no shell)
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=environment,
        ) as process:
            job.process = process
            # It was cancelled after its turn had come, before there was a process to end.
            if job.state == "cancelled":
                process.terminate()
            said: deque[str] = deque(maxlen=12)
            assert process.stderr is not None
            for line in process.stderr:
                _, _, name = line.strip().partition(" ")
                if name in names:
                    job.step, job.share = names[name], steps.index(names[name]) / len(steps)
                    said.clear()
                else:
                    said.append(line.strip())
        if job.state == "cancelled":
            return
        job.state = "done" if process.returncode == 0 else "failed"
        if job.state == "done":
            job.share = 1.0
        if job.state == "failed" or job.kind == "init":
            # Files are named as seen from the study, as everywhere in the studio.
            job.words = " ".join(said).replace(f"{job.folder}/", "")


def _keep(job: Job) -> None:
    """Note a job in its study's folder, for a studio started later."""
    told = {"kind": job.kind, "target": job.target, "other": job.other, "state": job.state}
    with suppress(MobilityError, OSError):
        write_text(job.folder / _KEPT, json.dumps(told))


def computation(opened: Opened, asked: Mapping[str, Any]) -> Job:
    """Return a command on a study, or one of its scenarios.

    Raises `MobilityError`: the study cannot be read, or there is no such scenario.
    """
    if opened.error is not None:
        raise opened.error
    target, kind, folder = str(asked.get("target", "")), str(asked.get("kind")), opened.file.parent
    named = [target, str(asked.get("other", ""))] if kind == "compare" else [target]
    files = tuple(str(opened.history.path(n) if n else opened.file) for n in named)
    out = results_folder(opened, target)
    if kind == "compare":
        out = folder / _COMPARED / "-".join(n or "study" for n in named)
    other = named[1] if kind == "compare" else ""
    return Job(kind, target, folder, files, out, _language(asked), other=other)


def gathering(opened: Opened, asked: Mapping[str, Any]) -> Job:
    """Return ``mobility init``, which fetches the sources around a place into a study's folder.

    Raises `MobilityError`: the study names sources already, which would be lost; no place is given,
    or the radius is none.
    """
    place, folder = str(asked.get("target", "")).strip(), opened.file.parent
    radius = asked.get("radius_km", _RADIUS_KM)
    if opened.live is not None:
        raise MobilityError(
            "This study has its sources already.",
            mend="Make a new study for the sources of another place.",
        )
    if not place:
        raise MobilityError("A place is needed.", mend="Write the name of a commune.")
    if not isinstance(radius, int | float) or not _LEAST_KM <= radius <= _MOST_KM:
        raise MobilityError("This is no radius.", value=radius, mend="Write 1 to 60 km.")
    options = ("--radius-km", str(radius), "--overwrite")
    return Job(
        "init", place, folder, (place,), folder, _language(asked), options, other=str(radius)
    )


def _language(asked: Mapping[str, Any]) -> str:
    language = asked.get("language")
    return language if language in LANGUAGES else LANGUAGES[0]


def results_folder(opened: Opened, target: str) -> Path:
    """Return where the results of a study, or of a scenario, lie: always within its folder."""
    if target:
        return opened.history.path(target).with_suffix("")
    folder = opened.file.parent.resolve()
    if opened.live is not None:
        territory = opened.live.sources.territory
        named = territory.resolve(territory.output.dir).resolve()
        if named.is_relative_to(folder) and named != folder:
            return named
    return folder / "out"


def is_outdated(opened: Opened, path: Path, *own: Path) -> bool:
    """Return whether a file is of before the last change of a study's data, or of its ``own``."""
    try:
        inputs = source_files(read_territory(opened.file))
    except MobilityError:  # it cannot be read: what it gave is of before
        inputs = [opened.file]
    times = [file.stat().st_mtime_ns for file in (*inputs, *own) if file.is_file()]
    return path.is_file() and path.stat().st_mtime_ns < max(times, default=0)


def results_of(opened: Opened) -> list[dict[str, Any]]:
    """Return what there is to take away, by the study and then its scenarios.

    Returns
    -------
    list of dict
        ``id``, ``name``, ``files`` (``path`` and ``bytes``) and ``outdated``, see `is_outdated`.
    """
    folder = opened.file.parent.resolve()
    found = []
    places = [("", "", results_folder(opened, ""), opened.file)]
    for one in opened.history.scenarios():
        path = opened.history.path(one["id"])
        places.append((one["id"], one["name"], path.with_suffix(""), path))
    places += [
        (f"{_COMPARED}/{p.name}", p.name, p, p) for p in sorted((folder / _COMPARED).glob("*"))
    ]
    for target, name, place, own in places:
        files = sorted(p for p in place.rglob("*") if p.is_file() and p.suffix in _TAKEN)
        # A link may lead elsewhere: nothing outside the study's folder is given away.
        inside = [p.resolve() for p in [*files, own] if p.is_file()]
        told = [
            {"path": p.relative_to(folder).as_posix(), "bytes": p.stat().st_size}
            for p in inside
            if p.is_relative_to(folder)
        ]
        outdated = is_outdated(opened, place / "run.json", own)
        found.append({"id": target, "name": name, "files": told, "outdated": outdated})
    return found
