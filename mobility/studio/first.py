"""A study read a first time, by itself: ``python -m mobility.studio.first FILE``.

What is read, measured and compiled is kept on disk, and so is the map page; the studio finds it
there. The memory that reading takes, twice what is kept of it, goes with the process.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from mobility.base.cache import cache_dir, content_hash, open_cache
from mobility.base.files import write_text
from mobility.settings import read_territory
from mobility.studio.live import Live
from mobility.territory.project import Territory, source_files

#: One such process at a time, however many studies are opened.
_ONE = Lock()


def page_path(territory: Territory) -> Path:
    """Return where the map page of a study is kept, by what it and the software hold."""
    package = Path(__file__).parents[1]
    code = [p for p in sorted(package.rglob("*")) if p.suffix in (".py", ".js", ".css", ".html")]
    files = [p for p in source_files(territory) if p.is_file()]
    return cache_dir() / "pages" / content_hash([*code, *files])


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


def read_aside(file: Path, tell: Callable[[str], None]) -> None:
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


def read(file: Path, tell: Callable[[str], None]) -> None:
    """Read a study and draw its page; ``tell`` is called with the name of each step."""
    territory = read_territory(file)
    live = Live(territory, progress=tell)
    tell("map")
    drawn(live, page_path(territory))


def _tell(step: str) -> None:
    sys.stdout.write(f"{step}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    read(Path(sys.argv[1]), _tell)
