"""The report's first page in words: what is wrong, what is advised, for whom, for how much."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from mobility.commute.modes import counting
from mobility.outputs.advice import Advice
from mobility.outputs.document import Table
from mobility.outputs.words import Words
from mobility.territory.project import Territory

#: Decisions told on the first page; the others are in the list of remedies.
_MOST_DECISIONS = 3

ONE = (
    "{n} of the {pool} workers of the pool ({share}) can hold without a car a job of the roster "
    "{roster} at {site}, which has {jobs} jobs."
)
_SOME_WHITE = (
    "Of {rosters} rosters, {white} are out of reach for all but {threshold} of the pool: "
    "{jobs} jobs of {all}."
)
_NONE_WHITE = (
    "None of the {rosters} rosters ({all} jobs) is out of reach of {threshold} of the pool."
)
_OBSTACLE = "What stands in the way first there: {reason}."
_MODES = "Modes that count: {modes}."
_EACH_ALONE = "Each decision is counted alone."
_LARGEST = "The decisions advised that gain most jobs, each counted alone."
_RANKS = "Their numbers are their ranks in the list of all remedies."
_HARDEST = (
    "The hardest shift of that roster is {shift}, {hours}: {share} can take it and come back, on "
    "the day that serves it least ({day})."
)


def sentences(
    row: Mapping[Hashable, Any],
    summary: pd.DataFrame,
    shifts: pd.DataFrame,
    words: Words,
    threshold: float,
) -> tuple[str, ...]:
    """Return three sentences on the present.

    Parameters
    ----------
    row
        Of the summary: the roster of most jobs.
    summary, shifts
        Tables of the report.
    threshold
        Share of the pool under which a roster is white.
    """  # fmt: skip
    t, number = words.t, words.number
    white = summary[summary["is_white"].astype(bool)]
    counts = {
        "rosters": number(len(summary)), "white": number(len(white)),
        "threshold": words.percent(threshold),
        "jobs": number(white["headcount"].sum()), "all": number(summary["headcount"].sum()),
    }  # fmt: skip
    first = t(
        ONE, n=number(row["reachable"]), pool=number(row["pool"]),
        share=words.percent(row["share"]), roster=words.roster(str(row["roster"])),
        site=row["site"], jobs=number(row["headcount"]),
    )  # fmt: skip
    if row["main_reason"]:
        first += " " + t(_OBSTACLE, reason=words.reason(str(row["main_reason"])))
    of_all = t(_SOME_WHITE if len(white) else _NONE_WHITE, **counts)
    mine = shifts[(shifts["site"] == row["site"]) & (shifts["roster"] == row["roster"])]
    if not len(mine):
        return first, of_all
    worst = mine.sort_values("share", kind="stable").iloc[0]
    hardest = t(
        _HARDEST, shift=words.shift(worst["shift"]),
        hours=words.hours(worst["start_s"], worst["end_s"]), share=words.percent(worst["share"]),
        day=words.day(str(worst["day_kind"])),
    )  # fmt: skip
    return first, hardest, of_all


def modes_that_count(territory: Territory, words: Words) -> str:
    """Return the sentence on the modes by which a roster may be held."""
    modes = [words.known("mode", mode) for mode in counting(territory)]
    return words.t(_MODES, modes=", ".join(modes))


def decisions(advice: Advice, words: Words, *, most: int | None = _MOST_DECISIONS) -> Table | None:
    """Return the decisions advised, priced, with what they gain and for whom; None for none.

    Parameters
    ----------
    advice
        Its remedies are numbered as everywhere else: by their ranks in the whole list.
    most
        Decisions told: those that gain most jobs, the cheapest per job first.
    """
    t, number = words.t, words.number
    advised = {k: r for k, r in enumerate(advice.remedies, 1) if not advice.against[k - 1]}
    largest = sorted(advised, key=lambda k: -advised[k].net_jobs)[:most]
    rows = tuple(
        (
            words.set_spaces(f"{rank}. {advised[rank].head(words.language)}"),
            words.set_spaces(", ".join(advised[rank].site_names)),
            number(advised[rank].net_jobs),
            number(advised[rank].eur_year),
            number(advised[rank].eur_per_job),
        )
        for rank in sorted(largest)
    )
    heads = ("Decision", "For", "Jobs gained", "EUR a year", "EUR a job gained")
    if not rows:
        return None
    caption = f"{t(_LARGEST if len(rows) < len(advised) else _EACH_ALONE)} {t(_RANKS)}"
    return Table(tuple(map(t, heads)), rows, (False, False, True, True, True), caption)
