"""What was said of a territory, kept by the content of all it follows from.

A command asked again on the same files says the same without reading them into tables, and what
checking them found is found again. What is said of persons is not kept.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mobility.base.cache import Bundle, cached, code_hash, keep, kept, place_of
from mobility.base.clock import today
from mobility.base.errors import Finding
from mobility.base.i18n import Word, Words, translate
from mobility.territory.project import Territory, source_files

if TYPE_CHECKING:
    import pandas as pd

    from mobility.commute.study import Study
    from mobility.sources.holidays import Holidays

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
    study: Study, holidays: Holidays | None, check: Callable[[], tuple[list[Finding], ...]]
) -> tuple[list[Finding], ...]:
    """Return the lists of what checking the sources of a study finds, as found before.

    They follow from its settings, sources and homes, its dates, the holidays, and today.
    """
    if study.homes.personal:
        return check()
    territory, calendars = study.territory, []
    if holidays is not None:
        calendars = [holidays.public, holidays.school, holidays.uncertain]
    key = [
        "findings", code_hash(), today().isoformat(), territory.model_dump_json(),
        str(territory.path), study.streets.digest, study.homes.lonlat,
        study.homes.frame[["home_id", "commune", "workers"]],
        *(site.model_dump_json() for site in study.sites),
        *((source.role, source.name, source.sha256) for source in study.sources),
        *((day.kind, day.date.isoformat(), *day.weekdays) for day in study.days),
        *(tuple(sorted(date.isoformat() for date in known)) for known in calendars),
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
    """Return all that an answer follows from: code, settings, today, files."""
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
    head = [code_hash(), language, today().isoformat(), settings]
    return [*head, *names, *files, *layers]


@dataclass(frozen=True)
class _SaidTable:
    """A table as it is printed."""

    title: str
    heads: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class CheckAnswer:
    """What is said, in the order in which it is.

    Attributes
    ----------
    findings
        Severity, source and text of each.
    """

    tables: list[_SaidTable]
    findings: list[tuple[str, str, str]]


def findings_in_order(study: Study) -> list[Finding]:
    """Return what was found of a study, why its dates were chosen too, errors first."""
    reasons = (day.reason for day in study.days)
    order = ("error", "warning", "info")
    return sorted((*study.findings, *reasons), key=lambda found: order.index(found.severity))


def check_answer(study: Study, language: str) -> CheckAnswer:
    """Return what is said of a study."""
    tables = [
        _SaidTable(
            title,
            [translate(str(name), language) for name in frame.columns],
            [[str(cell) for cell in row] for row in frame.itertuples(index=False)],
        )
        for title, frame in _tables(study, language)
    ]
    return CheckAnswer(
        tables, [(str(f.severity), f.source, f.render(language)) for f in findings_in_order(study)]
    )


def _tables(study: Study, language: str) -> Iterator[tuple[str, pd.DataFrame]]:
    # What was found before is said without all that these need.
    from mobility.commute import data_sheet
    from mobility.commute.inventory import inventory

    sheet = study.sheet
    if sheet is not None and not study.feed.trips.empty:
        title = translate("Stops within walking reach of the gates", language)
        yield title, data_sheet.gates_table(sheet, study, language)
        for site, edges in data_sheet.edges_tables(sheet, study, language):
            title = translate("{site}: vehicles that serve each shift", language, site=site)
            yield title, edges
        title = translate("Departures of each network, first and last", language)
        yield title, data_sheet.hours_table(sheet, study, language)
    held = inventory(study, language)
    held["what"] = [translate(what, language) for what in held["what"]]
    yield translate("What was found", language), held
    yield translate("What was read", language), data_sheet.ledger_table(study, language)


def kept_answer(place: Path | None) -> CheckAnswer | None:
    """Return what was said of the same territory, with all its files as they are now."""
    told = kept_words(place)
    if told is None:
        return None
    tables = [_SaidTable(**table) for table in told["tables"]]
    return CheckAnswer(tables, [(kind, source, text) for kind, source, text in told["findings"]])


def keep_answer(place: Path | None, study: Study, answer: CheckAnswer) -> None:
    """Keep what is said of a study, unless it is of persons."""
    keep_words(place, study, asdict(answer))
