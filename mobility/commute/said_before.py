"""What was said of a territory, kept by the content of all it follows from.

A command asked again on the same files says the same without reading them into tables, and what
checking them found is found again. What is said of persons is not kept.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mobility.base.cache import Bundle, cached, code_hash, keep, kept, place_of
from mobility.base.clock import today
from mobility.base.errors import Finding
from mobility.base.i18n import Word, Words
from mobility.sources.holidays import read_holidays
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


def kept_findings(
    study: Study, check: Callable[[], tuple[list[Finding], ...]]
) -> tuple[list[Finding], ...]:
    """Return the lists of what checking the sources of a study finds, as found before.

    They follow from its settings, sources and homes, its dates and their calendars, and today.
    """
    if study.homes.personal:
        return check()
    territory, period = study.territory, study.feed.period
    known = None if period is None else read_holidays(territory.days, *period)
    calendars = [] if known is None else [known.public, known.school, known.uncertain]
    key = [
        "findings", code_hash(), today().isoformat(), territory.model_dump_json(),
        str(territory.path), study.streets.digest, study.homes.lonlat,
        study.homes.frame[["home_id", "commune", "workers"]],
        *(site.model_dump_json() for site in study.sites),
        *((source.role, source.name, source.sha256) for source in study.sources),
        *((day.kind, day.date.isoformat(), *day.weekdays) for day in study.days),
        *(tuple(sorted(date.isoformat() for date in dates)) for dates in calendars),
    ]  # fmt: skip

    def compute() -> Bundle:
        rows = [[vars(found) | {"params": _plain(found.params)} for found in r] for r in check()]
        return {"json": np.frombuffer(json.dumps(rows, default=np.generic.item).encode(), np.uint8)}

    rows = json.loads(np.asarray(cached("checks", key, compute)["json"]).tobytes())
    return tuple([_finding(**found) for found in told] for told in rows)


def _plain(params: Mapping[str, Any]) -> dict[str, tuple[str, Any]]:
    """Return parameters as JSON holds them: dates and words to be translated by their kind."""
    kinds = {dt.date: "date", Word: "word", Words: "words"}
    return {
        name: (kinds.get(type(value), ""), str(value) if type(value) is dt.date else value)
        for name, value in params.items()
    }


def _finding(params: Mapping[str, tuple[str, Any]], examples: list[str], **told: Any) -> Finding:
    """Return what was found, see `_plain`."""
    kinds: dict[str, Callable[[Any], Any]]
    kinds = {"date": dt.date.fromisoformat, "word": Word, "words": Words, "": lambda value: value}
    again = {name: kinds[kind](value) for name, (kind, value) in params.items()}
    return Finding(**told, examples=tuple(examples), params=again)


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
