"""What a command said of a territory, kept by the content of all it follows from.

Asked again on the same files, it says the same without reading them into tables. What is said of
persons is not kept.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mobility.base.cache import code_hash, keep, kept, place_of
from mobility.base.clock import today
from mobility.territory.project import Territory, source_files

if TYPE_CHECKING:
    from mobility.commute.study import Study

_LAYER_PARTS = (".shp", ".tab", ".mif")
"""Layers that other files of their name complete."""


def place_of_answer(territory: Territory, language: str, *asked: str) -> Path | None:
    """Return where an answer about a territory is kept, None where a file cannot be read.

    Parameters
    ----------
    asked
        What is asked besides.
    """
    try:
        return place_of("checks", [*_key(territory, language), *asked])
    except OSError:
        return None


def kept_words(place: Path | None) -> Any:
    """Return what was said, None where nothing was."""
    found = None if place is None else kept(place)
    return None if found is None else json.loads(np.asarray(found["answer"]).tobytes())


def keep_words(place: Path | None, study: Study, words: object) -> None:
    """Keep what is said of a study as JSON holds it, unless it is of persons."""
    if place is not None and not study.homes.personal:
        keep(place, {"answer": np.frombuffer(json.dumps(words).encode(), np.uint8)})


def _key(territory: Territory, language: str) -> list[object]:
    """Return all that an answer follows from: code, calendars, settings, today, files."""
    gtfs = {territory.resolve(path) for path in territory.sources.gtfs}
    files = [path for path in source_files(territory) if path.is_file() or path in gtfs]
    files += [
        part
        for path in files
        if path.suffix.lower() in _LAYER_PARTS
        for part in sorted(path.parent.glob(f"{path.stem}.*"))
    ]
    layers = [path for path in source_files(territory) if path.suffix.lower() == ".gdb"]
    settings = territory.model_dump_json()
    names = [str(path) for path in (territory.path, territory.base)]
    calendars = [version(name) for name in ("holidays", "vacances-scolaires-france")]
    head = [code_hash(), *calendars, language, today().isoformat(), settings]
    return [*head, *names, *files, *layers]
