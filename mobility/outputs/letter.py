"""The letter to the mobility authority: which trips, which days, what time, for whom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from mobility.base.files import staging
from mobility.commute.access import assess
from mobility.commute.loading import load
from mobility.commute.study import Progress, quiet
from mobility.outputs.document import Block, Bullets, Document, Heading, Text
from mobility.outputs.render import write_document
from mobility.outputs.tables import sheet_of, table_block
from mobility.outputs.words import Words
from mobility.remedies.factors import load_factors
from mobility.remedies.model import days_of
from mobility.remedies.recommendations import distinct, effects_by_shift, retiming_remedy
from mobility.remedies.remedy import count_text
from mobility.remedies.search import Outcome, Retiming, Workbench, search
from mobility.remedies.words import lever_names
from mobility.territory.project import Territory

OPENING = (
    "The employers of these sites ask the mobility authority to examine the changes of timetable "
    "listed below: {sites}. They follow from a computation of the way to work and back, at the "
    "hours of each shift, on the published timetables."
)
BENEFICIARIES = (
    "Beneficiaries are workers of the labour pool whose commute begins to hold both ways; "
    "those who lose a commute they had are counted beside them."
)
CLOSING = (
    "We ask for an answer before the next change of timetables, and are at your disposal to "
    "share the computation, which can be run again from its territory file."
)


def requests(bench: Workbench, outcomes: Sequence[Outcome], language: str) -> pd.DataFrame:
    """Return one row per change asked for, with the columns of the table ``requests``."""
    rows = []
    for outcome in outcomes:
        names = lever_names(bench, outcome.lever)
        rows.append({
            "line": names["line"],
            "headsign": names["headsign"],
            "trips": names["trips"],
            "day_kinds": " ".join(days_of(bench.nets, outcome.lever)),
            "change": outcome.lever.kind,
            "present": names["present"],
            "proposed": names["proposed"],
            "beneficiaries": count_text(outcome.score.workers_gained, language),
            "losers": count_text(outcome.score.workers_lost, language),
        })  # fmt: skip
    return pd.DataFrame(rows)


def request_letter(
    found: Retiming, *, language: str = "fr", limit: int = 5, only_feasible: bool = True
) -> Document:
    """Return the letter that asks for the best changes of timetable.

    Parameters
    ----------
    found
        Search of the timetable.
    language
        ``fr`` or ``en``.
    limit
        Changes asked for at most.
    only_feasible
        Leave out changes for which a vehicle lacks.
    """
    bench = found.bench
    study = bench.study
    words = Words(language, study.days)
    t = words.t
    offered = [o for o in found.useful if o.feasible or not only_feasible]
    outcomes = distinct(offered, limit)
    sites = sorted({e.site for o in outcomes for e in effects_by_shift(bench, o) if e.gained > 0})
    signed = ", ".join(
        dict.fromkeys(s.employer or s.name for s in study.sites if not sites or s.name in sites)
    )
    blocks = (
        Heading(t("Subject: request for changes of timetable")),
        Text(t("Dear Sir or Madam,")),
        Text(t(OPENING, sites=", ".join(sites) or study.territory.name)),
        Text(f"{t(BENEFICIARIES)} {t('Costs are orders of magnitude.')}"),
        Heading(t("Changes asked for")),
        *_asked(bench, outcomes, words),
        Heading(t("Follow-up")),
        Text(t(CLOSING)),
        Text(t("Yours faithfully,")),
        Text(t("For the employers: {employers}", employers=signed)),
    )
    title = t("To the mobility authority: {name}", name=study.territory.name)
    return Document(language, title, blocks)


def _asked(bench: Workbench, outcomes: Sequence[Outcome], words: Words) -> tuple[Block, ...]:
    if not outcomes:
        return (Text(words.t("No change of one trip brings anyone.")),)
    territory = bench.study.territory
    factors = load_factors(territory.factors, file=territory.path)
    remedies = [retiming_remedy(bench, outcome, factors) for outcome in outcomes]
    table = sheet_of("requests", requests(bench, outcomes, words.language))
    return (
        Bullets(tuple(("", r.sentence(words.language)) for r in remedies), numbered=True),
        table_block(table, words),
    )


def write_letter(letter: Document, folder: Path, *, reads: Iterable[Path] = ()) -> list[Path]:
    """Write ``letter.html`` and ``letter.md`` into a folder, none of ``reads``."""
    with staging(folder, reads=reads) as part:
        written = write_document(letter, part, "letter")
    return [folder / path.name for path in written]


def letter_of(
    territory: Territory, *, language: str = "fr", progress: Progress = quiet
) -> Document:
    """Read and search a territory; return its letter.

    Raises
    ------
    MobilityError
        A source or the territory is wrong.
    """
    access = assess(load(territory, progress=progress), progress=progress)
    return request_letter(search(access, progress=progress), language=language)
