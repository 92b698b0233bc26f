"""What is advised, in words: the same sentences on every page that tells it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from mobility.outputs.advice import Advice
from mobility.outputs.document import Block, Bullets, Text
from mobility.outputs.words import Words
from mobility.remedies.remedy import whole_plans

#: Pieces of advice told one by one.
FIRST = 3
TOGETHER = (
    "Advised: {count} remedies that together gain {jobs} jobs whose whole roster can be held, for "
    "{eur} EUR a year, {job} EUR a year a job; about {users} users, {each} EUR a year each."
)
ALONE = (
    "Advised: one remedy, which gains {jobs} jobs whose whole roster can be held, for {eur} EUR a "
    "year, {job} EUR a year a job; about {users} users, {each} EUR a year each."
)
_NOTHING_ADVISED = "Nothing is advised: no remedy found gains a whole roster of a job."
SURE = "The same set is advised with every price and uptake at either end of its band."
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


def advice_blocks(advice: Advice, words: Words) -> Iterator[Block]:
    """Yield the set advised, its first remedies, and where the advice would change."""
    point = advice.point
    yield Text(advice_sentence(advice, words), "lead")
    if not point:
        return
    told = (r.sentence(words.language) for r in advice.advised[:FIRST])
    yield Bullets(tuple(("", words.set_spaces(sentence)) for sentence in told))
    frame = advice.tables["frontier"]
    found = {
        end: str(frame.loc[frame[f"advised_{end}"].astype(bool), "set"].iloc[0])
        for end in ("cheap", "dear")
    }
    same = found["cheap"] == found["dear"] == str(point["set"])
    ends = {end: ", ".join(ranks.split()) for end, ranks in found.items()}
    yield Text(words.t(SURE) if same else words.t(_UNSURE, **ends), "note")


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
