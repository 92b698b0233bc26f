"""What `mobility check` says of a territory, as texts, see `mobility.commute.said_before`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mobility.base.errors import Finding
from mobility.base.i18n import translate
from mobility.commute.said_before import keep_words, kept_words, place_of_answer

if TYPE_CHECKING:
    import pandas as pd

    from mobility.commute.study import Study


@dataclass(frozen=True)
class SaidTable:
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

    tables: list[SaidTable]
    findings: list[tuple[str, str, str]]


def findings_in_order(study: Study) -> list[Finding]:
    """Return what was found of a study, why its dates were chosen too, errors first."""
    reasons = (day.reason for day in study.days)
    order = ("error", "warning", "info")
    return sorted((*study.findings, *reasons), key=lambda found: order.index(found.severity))


def check_answer(study: Study, language: str) -> CheckAnswer:
    """Return what is said of a study."""
    tables = [
        SaidTable(
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
    tables = [SaidTable(**table) for table in told["tables"]]
    return CheckAnswer(tables, [(kind, source, text) for kind, source, text in told["findings"]])


def keep_answer(place: Path | None, study: Study, answer: CheckAnswer) -> None:
    """Keep what is said of a study, unless it is of persons."""
    keep_words(place, study, asdict(answer))


__all__ = ["CheckAnswer", "check_answer", "keep_answer", "kept_answer", "place_of_answer"]
