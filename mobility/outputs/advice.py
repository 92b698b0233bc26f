"""What is advised: found once by the search, kept as ``levers.json``, told alike by every page.

The file holds the ranked remedies, why each is advised or not, and the sets of the frontier. Plan,
letter and report read it where it was written for the same inputs and the same shuttle plans, so
that all of them tell the same figures. The sentences on the present and on what is advised are here
too: every first page opens with those, and with the decisions that gain most.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mobility.base.files import write_text
from mobility.commute.modes import counting
from mobility.commute.study import Study
from mobility.outputs.record import ADVICE as FILE
from mobility.outputs.record import advice_key
from mobility.outputs.tables import Block, Bullets, Sheet, Table, Text, sheet_of
from mobility.outputs.words import Words
from mobility.remedies.bill import CostLine, bill_frame, spread
from mobility.remedies.factors import LeverFactors, factors_of
from mobility.remedies.recommendations import remedies_frame
from mobility.remedies.remedy import Effect, Remedy, whole_plans
from mobility.territory.project import Territory

#: Parts of a remedy that are records of their own, and how they are read again.
_PARTS = {"bill": CostLine, "effects": Effect}


@dataclass(frozen=True, eq=False)
class Advice:
    """The ranked remedies and the sets of the frontier, as plain data.

    Attributes
    ----------
    remedies, against
        Cheapest per job first; why each is not advised, an English text, empty for those that are.
    bills
        What each set of the frontier, and each step of the one advised, pays for: its ranks, the
        rank of the remedy, the line.
    tables
        ``frontier``, ``employers``, ``followup`` and, with groups, ``recruitment``.
    """

    remedies: tuple[Remedy, ...]
    against: tuple[str, ...]
    bills: tuple[tuple[str, int, CostLine], ...]
    tables: Mapping[str, pd.DataFrame]

    @property
    def advised(self) -> list[Remedy]:
        """The remedies advised, cheapest per job first."""
        return [r for r, why in zip(self.remedies, self.against, strict=True) if not why]

    @property
    def point(self) -> Mapping[str, Any]:
        """The point of the frontier that is advised; empty where none is."""
        frame = self.tables["frontier"]
        rows = frame[frame["advised"].astype(bool)].to_dict("records")
        return {str(k): v for k, v in rows[0].items()} if rows else {}

    def frames(self, factors: LeverFactors, language: str) -> dict[str, pd.DataFrame]:
        """Return every table of the remedies, by its key."""
        ranks = enumerate((r.bill for r in self.remedies), start=1)
        lines = [line for *_, line in self.bills]
        sets = bill_frame(((k, (line,)) for k, line in enumerate(lines)), language, of="set")
        sets["set"] = [name for name, *_ in self.bills]
        sets.insert(1, "rank", [rank for _, rank, _ in self.bills])
        return {
            "remedies": remedies_frame(self.remedies, self.against, language),
            "remedy_costs": bill_frame(ranks, language, of="rank"),
            "frontier": self.tables["frontier"],
            "set_costs": sets,
            "to_check": spread([r.bill for r in self.remedies], factors),
            "lever_factors": factors.to_frame(language),
        }

    def sheets(self, study: Study, language: str) -> dict[str, Sheet]:
        """Return those tables, and who pays, as sheets of a report."""
        frames = self.frames(factors_of(study), language)
        frames["employers"] = self.tables["employers"]
        return {key: sheet_of(key, frame) for key, frame in frames.items() if len(frame)}


def write_advice(advice: Advice, study: Study, part: Path, *, folder: Path, designed: bool) -> None:
    """Write ``levers.json`` among the outputs that take their place in ``folder``."""
    record = advice_key(study, folder, designed=designed) | {
        "remedies": [_plain(r) for r in advice.remedies],
        "against": advice.against,
        "bills": [(name, rank, vars(line)) for name, rank, line in advice.bills],
        "tables": {
            name: frame.astype(object).where(frame.notna(), None).to_dict("list")
            for name, frame in advice.tables.items()
        },
    }
    text = json.dumps(record, ensure_ascii=False, indent=1, default=lambda number: number.item())
    write_text(part / FILE, text + "\n")


def _plain(remedy: Remedy) -> dict[str, object]:
    # What is left out of comparisons says how a remedy is run again, not what is told of it.
    found = {f.name: getattr(remedy, f.name) for f in fields(remedy) if f.compare}
    found |= {name: [vars(one) for one in getattr(remedy, name)] for name in _PARTS}
    return found | {"also": [_plain(one) for one in remedy.also]}


def _read(found: dict[str, Any]) -> Remedy:
    found |= {name: tuple(part(**one) for one in found[name]) for name, part in _PARTS.items()}
    found["also"] = tuple(_read(one) for one in found["also"])
    for name in ("words", "sites", "uptake"):
        found[name] = tuple(found[name])
    found["rosters"] = tuple(map(tuple, found["rosters"]))
    return Remedy(**found)


def has_advice(folders: Iterable[Path]) -> bool:
    """Whether advice was found in a folder, be it for other inputs."""
    return any((folder / FILE).is_file() for folder in folders)


def read_advice(
    folders: Iterable[Path], study: Study, *, designed: bool | None = None
) -> Advice | None:
    """Return the advice of the first folder that has some for the inputs of a study.

    Parameters
    ----------
    designed
        Whether shuttles must have been designed with it; either way by default.

    Returns
    -------
    Advice or None
        None where there is none, or where the inputs or the shuttle plans have changed since.
    """
    for folder in folders:
        try:
            found = json.loads((folder / FILE).read_text(encoding="utf-8"))
            key = advice_key(study, folder, designed=bool(found["designed"]))
            if {name: found[name] for name in key} != key:
                continue
            if designed is not None and found["designed"] != designed:
                continue
            tables = {
                name: pd.DataFrame(columns).replace({None: np.nan})
                for name, columns in found["tables"].items()
            }
            return Advice(
                tuple(map(_read, found["remedies"])),
                tuple(found["against"]),
                tuple((name, rank, CostLine(**line)) for name, rank, line in found["bills"]),
                tables,
            )
        # Written by another version, or by hand: as good as none.
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return None


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
_ALSO = "Advised too, by their numbers in the list of all remedies: {ranks}."
_RANKS = "Their numbers are their ranks in the list of all remedies."
_HARDEST = (
    "The hardest shift of that roster is {shift}, {hours}: {share} can take it and come back, on "
    "the day that serves it least ({day})."
)


def advice_blocks(advice: Advice, words: Words) -> Iterator[Block]:
    """Yield the set advised, its largest decisions, and where the advice would change."""
    point = advice.point
    yield Text(advice_sentence(advice, words), "lead")
    if not point:
        return
    largest, also = _largest(advice, _MOST_DECISIONS)
    told = {rank: advice.remedies[rank - 1].sentence(words.language) for rank in largest}
    yield Bullets(tuple((f"{rank}.", words.set_spaces(text)) for rank, text in told.items()))
    if also:
        yield Text(words.t(_ALSO, ranks=", ".join(map(str, also))))
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


def present_sentences(
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
    summary = summary[summary["reachable"].notna()]  # those that work on some day studied
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


def _largest(advice: Advice, most: int | None) -> tuple[list[int], list[int]]:
    """Return the ranks of the decisions advised that gain most jobs, and of the others."""
    advised = [rank for rank, why in enumerate(advice.against, start=1) if not why]
    first = sorted(advised, key=lambda rank: -advice.remedies[rank - 1].net_jobs)[:most]
    return sorted(first), [rank for rank in advised if rank not in first]


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
    largest, also = _largest(advice, most)
    rows = tuple(
        (
            words.set_spaces(f"{rank}. {one.head(words.language)}"),
            words.set_spaces(", ".join(one.site_names)),
            number(one.net_jobs),
            number(one.eur_year),
            number(one.eur_per_job),
        )
        for rank, one in ((rank, advice.remedies[rank - 1]) for rank in largest)
    )
    heads = ("Decision", "For", "Jobs gained", "EUR a year", "EUR a job gained")
    if not rows:
        return None
    caption = f"{t(_LARGEST if also else _EACH_ALONE)} {t(_RANKS)}"
    return Table(tuple(map(t, heads)), rows, (False, False, True, True, True), caption)
