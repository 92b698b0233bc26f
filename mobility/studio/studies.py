"""The studies' folder: ordinary folders with a ``territory.toml`` each, and nothing outside it.

A study is read a first time by a process of its own (``python -m mobility.studio.studies FILE``):
the memory that reading takes, twice what is kept of it, goes with the process. What is read,
measured and compiled is kept on disk, and so is the map page; the studio finds it there.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock, RLock, Thread
from typing import Any

import tomlkit

from mobility.base.cache import cache_dir, code_hash, content_hash, open_cache
from mobility.base.errors import MobilityError, SourceNotFoundError, TerritoryError
from mobility.base.failures import explained
from mobility.base.files import staging, write_text
from mobility.base.literal import slug
from mobility.settings import read_territory
from mobility.studio.drafts import History
from mobility.studio.live import Live
from mobility.territory.project import Territory, source_files
from mobility.territory.validation import read_toml

#: One such process at a time, however many studies are opened.
_ONE = Lock()
_FILE = "territory.toml"
#: Studies held in memory at once, and seconds without a question after which one rests.
_MOST_OPEN, _REST_S = 3, 60
#: Seconds between looks at whether a study is read.
_LOOK_S = 0.05


def page_path(territory: Territory) -> Path:
    """Return where the map page of a study is kept, by what it and the software hold."""
    package = Path(__file__).parents[1]
    page = [p for p in sorted(package.rglob("*")) if p.suffix in (".js", ".css", ".html")]
    files = [p for p in source_files(territory) if p.is_file()]
    return cache_dir() / "pages" / content_hash([code_hash(), *page, *files])


def drawn(live: Live, kept: Path) -> bytes:
    """Return the map page of a study, and keep it."""
    from mobility.outputs.map.from_results import map_model
    from mobility.outputs.map.page import render

    told = live.sources.territory
    model = map_model(live.access, live.zones)
    page = render(model, language=told.language, tiles=told.output.tiles)
    open_cache("pages")
    write_text(kept, page)
    return page.encode()


def _read_aside(file: Path, tell: Callable[[str], None]) -> None:
    """Read a study in a process of its own; what goes wrong is found again by who reads it next.

    Parameters
    ----------
    tell
        Called with the name of each step.
    """
    with _ONE, subprocess.Popen(  # noqa: S603 (this very software, a list, no shell)
        [sys.executable, "-m", __spec__.name, str(file)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        for line in process.stdout:
            tell(line.strip())


@dataclass(eq=False)
class Opened:
    """A study that is being read, or has been: what answers its questions.

    Attributes
    ----------
    file
        Its territory file.
    step
        What is being done to read it; empty once done.
    live, page
        What answers, and the map page as it is; None until then.
    error
        What went wrong instead.
    aside
        Whether what was never read is read in a process of its own first.
    seen
        What its files were when they were read; empty before.
    used_s
        When it was last asked for, seconds of the monotonic clock; 0 once it rests.
    """

    file: Path
    history: History
    aside: bool = False
    step: str = "streets"
    live: Live | None = None
    page: bytes | None = None
    error: MobilityError | None = None
    seen: dict[Path, object] = field(default_factory=dict)
    used_s: float = 0.0

    def read(self) -> None:
        """Read the study; what goes wrong is kept to be told."""
        try:
            self.seen = {path: _state(path) for path in _own_files(self.file)}
            territory = read_territory(self.file)
            read = {*source_files(territory)} - {territory.resolve(territory.output.dir)}
            self.seen |= {path: _state(path) for path in read}
            kept = page_path(territory)
            if self.aside and not kept.is_file():
                _read_aside(self.file, self._tell)
            if kept.is_file():
                self.page = kept.read_bytes()
            live = Live(territory, progress=self._tell)
            if self.page is None:
                self._tell("map")
                self.page = drawn(live, kept)
            live.rest()
            self.live, self.error = live, None
        except Exception as error:  # noqa: BLE001 (told to the browser, which waits for it)
            self.error = explained(error)
        self.step = ""

    def _tell(self, step: str) -> None:
        self.step = step

    def rest(self) -> None:
        """Free what a study soon makes again, where it was asked for and is no more."""
        if self.live is not None and 0 < self.used_s < time.monotonic() - _REST_S:
            self.used_s = 0.0
            self.live.rest()

    @property
    def is_outdated(self) -> bool:
        """Whether a source, its territory file or its base was written since it was read."""
        now = ((_state(path), was) for path, was in self.seen.items())
        # A file that is gone for now is perhaps just being written.
        return not self.seen or any(state is not None and state != was for state, was in now)


def _own_files(file: Path) -> list[Path]:
    """Return a territory file and, of a scenario, that of its base, whatever is wrong in them."""
    base = None
    with suppress(MobilityError):
        base = read_toml(file).get("base")
    return [file, (file.parent / base).resolve()] if isinstance(base, str) else [file]


def _state(path: Path) -> object:
    """Return what changes when a file, or one of a folder, is written; None where there is none."""
    with suppress(OSError):
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        return [(file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in files]
    return None


class Studies:
    """The studies of one folder.

    Parameters
    ----------
    root
        The folder; made where it is missing.
    file
        A territory file that is the only study, whatever its folder holds.
    confined
        Whether a study may name files of the folder only: where others than the owner of the
        machine use it.
    aside
        Whether a study that was never read is read in a process of its own first, to keep the
        memory of this one small.
    """

    def __init__(
        self, root: Path, *, file: Path | None = None, confined: bool = False, aside: bool = False
    ) -> None:
        self.root, self.file, self.confined, self.aside = root.resolve(), file, confined, aside
        self._opened: dict[str, Opened] = {}
        self._histories: dict[str, History] = {}
        self._resumed: dict[str, Any] = {}
        self._lock = RLock()
        self._resting = False

    @property
    def is_reading(self) -> bool:
        """Whether some study is being read."""
        with self._lock:
            return any(one.step for one in self._opened.values())

    def steps(self) -> dict[str, Any]:
        """Return the steps made on each study and whether it is open, for those that follow."""
        with self._lock:
            for history in self._histories.values():
                history.keep()
            done = {study for study, one in self._opened.items() if one.live is not None}
            made = {study: one.steps() for study, one in self._histories.items()}
        known = {study: one | {"open": False} for study, one in self._resumed.items()}
        return known | {study: one | {"open": study in done} for study, one in made.items()}

    def resume(self, steps: Mapping[str, Any]) -> None:
        """Take up the steps made on each study, once it is opened."""
        self._resumed = dict(steps)

    def read_open(self, steps: Mapping[str, Any]) -> None:
        """Read the studies that were open when steps were kept."""
        opened = []
        for study in (study for study, one in steps.items() if one["open"]):
            with suppress(MobilityError):  # it is there no more
                opened.append(self.open(study))
        for one in opened:
            while one.step:
                time.sleep(_LOOK_S)

    def listed(self) -> list[dict[str, Any]]:
        """Return what there is to open: ``id`` and ``name``."""
        if self.file is not None:
            return [{"id": slug(self.file.parent.name) or "study", "name": _name(self.file)}]
        files = sorted(self.root.glob(f"*/{_FILE}")) if self.root.is_dir() else []
        return [{"id": p.parent.name, "name": _name(p)} for p in files if self._is_inside(p)]

    def path(self, study: str) -> Path:
        """Return the territory file of a study.

        Raises `SourceNotFoundError`: there is no such study in the folder.
        """
        if self.file is not None and study == self.listed()[0]["id"]:
            return self.file
        path = self.root / study / _FILE
        known = Path(study).name == study and study not in ("", ".", "..")
        if self.file is not None or not known or not path.is_file() or not self._is_inside(path):
            raise SourceNotFoundError(
                "There is no such study.", value=study, mend="Choose one of the list."
            )
        return path

    def inside(self, study: str, name: str) -> Path:
        """Return a file of a study's folder by its path there.

        Raises `SourceNotFoundError`: it is not there, or would lie outside.
        """
        folder = self.path(study).parent
        path = (folder / name).resolve()
        if not path.is_relative_to(folder.resolve()) or not path.is_file():
            raise SourceNotFoundError("There is no such file.", value=name)
        return path

    def create(self, name: str) -> str:
        """Make an empty study; return its id.

        Raises `MobilityError`: the name holds no letter or digit, or is taken.
        """
        study = self._free(name)
        document = tomlkit.document()
        document["name"] = name.strip()
        document["sources"] = {"gtfs": []}
        write_text(self.root / study / _FILE, tomlkit.dumps(document))
        return study

    def _free(self, name: str) -> str:
        study = slug(name)
        if not study:
            raise MobilityError(
                "A study needs a name of its own.",
                value=name,
                mend="Write at least one letter or digit.",
            )
        if (self.root / study).exists():
            raise MobilityError(
                "There is a study of this name already.", value=name, mend="Choose another name."
            )
        return study

    def add_demo(self, demo: Path) -> str:
        """Copy the embedded demo into the folder, where it is not yet; return its id."""
        folder = self.root / "demo"
        if not (folder / _FILE).is_file():
            document = tomlkit.parse(demo.read_text(encoding="utf-8"))
            document["output"]["dir"] = "out"
            with staging(folder) as part:
                for name in ("osm", "gtfs"):
                    shutil.copytree(demo.parent / name, part / name)
                shutil.copy(demo.parent / "homes.csv", part)
                (part / _FILE).write_text(tomlkit.dumps(document), encoding="utf-8")
        return "demo"

    def open(self, study: str) -> Opened:
        """Return a study, read in the background when first asked for or once a file changed."""
        file = self.path(study)
        with self._lock:
            found = self._opened.pop(study, None)
            if found is None or (not found.step and found.is_outdated):
                if study not in self._histories:
                    self._histories[study] = History(file.parent / "scenarios", file)
                    if study in self._resumed:
                        self._histories[study].resume(self._resumed.pop(study))
                found = Opened(file, self._histories[study], self.aside)
                try:
                    self.refuse_outside(file)
                except TerritoryError as error:
                    found.step, found.error = "", error
                else:
                    Thread(target=found.read, daemon=True).start()
                if not self._resting:
                    self._resting = True
                    Thread(target=self._rest, daemon=True).start()
            self._opened[study] = found
            # Those asked for last stand last; one being read goes on in its thread anyway.
            for name in list(self._opened)[:-_MOST_OPEN]:
                if not self._opened[name].step:
                    del self._opened[name]
            return found

    def _rest(self) -> None:
        while True:
            time.sleep(_REST_S / 2)
            with self._lock:
                known = list(self._opened.values())
            for opened in known:
                opened.rest()

    def refuse_outside(self, file: Path) -> None:
        """Check that a study names files inside the folder, where it has to.

        Raises
        ------
        TerritoryError
            It names another.
        """
        if not self.confined:
            return
        try:
            territory = read_territory(file)
        except MobilityError:
            return
        for path in source_files(territory):
            if not path.resolve().is_relative_to(self.root):
                raise TerritoryError(
                    "It lies outside the folder of the studies.",
                    file=file,
                    value=path.name,
                    mend="Copy it into the study.",
                )

    def _is_inside(self, path: Path) -> bool:
        return path.resolve().is_relative_to(self.root)


def studies_of(place: Path | None) -> Studies:
    """Return the studies of a folder, or the one of a file or of a study's own folder."""
    if place is not None and place.is_file():
        return Studies(place.parent, file=place.resolve(), aside=True)
    if place is not None and (place / _FILE).is_file():
        return Studies(place, file=(place / _FILE).resolve(), aside=True)
    return Studies(place or Path("mobility-studies"), aside=True)


def _name(file: Path) -> str:
    """Return what a study is called, whether or not it can be read."""
    try:
        return str(read_toml(file).get("name") or file.parent.name)
    except MobilityError:
        return file.parent.name


def read_first(file: Path, tell: Callable[[str], None]) -> None:
    """Read a study and draw its page; ``tell`` is called with the name of each step."""
    territory = read_territory(file)
    live = Live(territory, progress=tell)
    tell("map")
    drawn(live, page_path(territory))


if __name__ == "__main__":
    read_first(Path(sys.argv[1]), lambda step: print(step, flush=True))  # noqa: T201
