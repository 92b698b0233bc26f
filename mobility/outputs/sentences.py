"""The present and what is advised, in words: the same sentences on every page that tells them.

The first page opens with the present's three sentences and the decisions that gain most.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any

import pandas as pd

from mobility.commute.modes import counting
from mobility.outputs.advice import Advice
from mobility.outputs.document import Block, Bullets, Table, Text
from mobility.outputs.words import Words
from mobility.remedies.remedy import whole_plans
from mobility.territory.project import Territory

#: Pieces of advice told one by one.
_FIRST = 3
TOGETHER = (
    "Advised: {count} remedies that together gain {jobs} jobs whose whole roster can be held, for "
    "{eur} EUR a year, {job} EUR a year a job; about {users} users, {each} EUR a year each."
)
ALONE = (
    "Advised: one remedy, which gains {jobs} jobs whose whole roster can be held, for {eur} EUR a "
    "year, {job} EUR a year a job; about {users} users, {each} EUR a year each."
)
_NOTHING_ADVISED = "Nothing is advised: no remedy found gains a whole roster of a job."
_SURE = "The same set is advised with every price and uptake at either end of its band."
_UNSURE = (
    "Within the bands of prices and uptake the advice changes: where all is cheap and much taken "
    "up, of the list: {cheap}; where all is dear and little taken up: {dear}."
)
PLAN = (
    "Shuttle plan {plan} (lines: {lines}, vehicles: {vehicles}): {eur} EUR a year for {jobs} jobs "
    "whose whole roster can be held, {job} EUR a year a job; about {riders} riders, {each} EUR a "
    "year each."
)
PLAN_ADVISED = "It is advised, among the remedies of the set advised."
_NOT_ADVISED = "It is not advised: {why}."
NOT_COMPARED = "It was not set against what costs less: whether it is advised is not known."
_EMITS = "It emits {tonnes} t of CO2e a year more than it saves."
#: Decisions told on the first page; the others are in the list of remedies.
_MOST_DECISIONS = 3
_ONE = (
    "{n} of the {pool} workers of the pool ({share}) can hold without a car a job of the roster "
    "{roster} at {site}, which has {jobs} jobs."
)
_SOME_WHITE = (
    "Of {rosters} rosters, {count} are out of reach for all but {threshold} of the pool: "
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


def advice_blocks(advice: Advice, words: Words) -> Iterator[Block]:
    """Yield the set advised, its first remedies, and where the advice would change."""
    point = advice.point
    yield Text(advice_sentence(advice, words), "lead")
    if not point:
        return
    told = (r.sentence(words.language) for r in advice.advised[:_FIRST])
    yield Bullets(tuple(("", words.set_spaces(sentence)) for sentence in told))
    frame = advice.tables["frontier"]
    found = {
        end: str(frame.loc[frame[f"advised_{end}"].astype(bool), "set"].iloc[0])
        for end in ("cheap", "dear")
    }
    same = found["cheap"] == found["dear"] == str(point["set"])
    ends = {end: ", ".join(ranks.split()) for end, ranks in found.items()}
    yield Text(words.t(_SURE) if same else words.t(_UNSURE, **ends), "note")


def advice_sentence(advice: Advice, words: Words) -> str:
    """Return the set advised in one sentence: how many remedies, jobs, EUR and users."""
    point, number = advice.point, words.number
    if not point:
        return words.t(_NOTHING_ADVISED)
    return words.t(
        ALONE if len(advice.advised) == 1 else TOGETHER,
        count=number(len(advice.advised)),
        jobs=number(point["jobs"]),
        eur=number(point["eur_year"]),
        job=number(point["eur_per_job"]),
        users=number(point["users"]),
        each=number(point["eur_per_user"]),
    )


def plan_sentence(row: pd.Series[Any], advice: Advice | None, words: Words) -> str:
    """Return a shuttle plan in words: lines, vehicles, EUR, who gains, and what is against it."""
    told = [
        words.t(
            PLAN,
            plan=row["plan"],
            lines=words.number(row["lines"]),
            vehicles=words.number(row["vehicles"]),
            eur=words.number(row["eur_year"]),
            jobs=words.number(row["jobs_gained"]),
            job=words.number(row["eur_per_job"]),
            riders=words.number(row["employees_gained"]),
            each=words.number(row["eur_per_user"]),
        )
    ]
    refused = row["refused"] if isinstance(row["refused"], str) else ""
    why = refused or _against(str(row["plan"]), advice)
    if why:
        told.append(words.t(_NOT_ADVISED, why=words.t(why)))
    else:
        told.append(words.t(NOT_COMPARED if why is None else PLAN_ADVISED))
    if row["co2_saved_kg"] < 0:
        told.append(words.t(_EMITS, tonnes=words.number(-row["co2_saved_kg"] / 1000, 1)))
    return " ".join(told)


def _against(plan: str, advice: Advice | None) -> str | None:
    """Return why a plan is not advised, empty where it is; None where it was not compared."""
    place = None if advice is None else whole_plans(advice.remedies).get(plan)
    return None if advice is None or place is None else advice.against[place]


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
    """
    t, number = words.t, words.number
    white = summary[summary["is_white"].astype(bool)]
    counts = {
        "rosters": number(len(summary)),
        "count": len(white),
        "threshold": words.percent(threshold),
        "jobs": number(white["headcount"].sum()),
        "all": number(summary["headcount"].sum()),
    }
    first = t(
        _ONE,
        n=number(row["reachable"]),
        pool=number(row["pool"]),
        share=words.percent(row["share"]),
        roster=words.roster(str(row["roster"])),
        site=row["site"],
        jobs=number(row["headcount"]),
    )
    if row["main_reason"]:
        first += " " + t(_OBSTACLE, reason=words.reason(str(row["main_reason"])))
    of_all = t(_SOME_WHITE if len(white) else _NONE_WHITE, **counts)
    mine = shifts[(shifts["site"] == row["site"]) & (shifts["roster"] == row["roster"])]
    if not len(mine):
        return first, of_all
    worst = mine.sort_values("share", kind="stable").iloc[0]
    hardest = t(
        _HARDEST,
        shift=words.shift(worst["shift"]),
        hours=words.hours(worst["start_s"], worst["end_s"]),
        share=words.percent(worst["share"]),
        day=words.day(str(worst["day_kind"])),
    )
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
