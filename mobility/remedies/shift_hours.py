"""Shift hours: how many workers could come if a shift began or ended a little elsewhere.

The timetable stays; the hours move, by up to half an hour in steps of five minutes: one
edge at a time, both, a whole roster, or the rosters of neighbouring sites together.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mobility.base.arrays import Bool
from mobility.base.cache import Bundle
from mobility.base.clock import DAY_S
from mobility.base.machine import thread_count
from mobility.base.projection import WGS84, transformer
from mobility.commute.access import Access, counting_modes, roster_shifts
from mobility.commute.door_to_door import transit_times
from mobility.commute.ledger import roster_jobs
from mobility.commute.study import Study, engine_limits
from mobility.commute.variants import variant
from mobility.engine.journeys import Edge
from mobility.sources.days import ChosenDay
from mobility.timetable.arrays import INF

Float = NDArray[np.float64]

#: Offsets tried, minutes.
OFFSETS_MIN = tuple(range(-30, 31, 5))
#: A plateau holds the offsets that reach at least this share of the best.
_PLATEAU_SHARE = 0.98
#: Sites whose gates are closer than this are neighbours, metres.
_NEIGHBOUR_M = 2000.0
Held = dict[tuple[int, str, bool], Bool]
Others = dict[tuple[int, str], Bool]


@dataclass(frozen=True)
class ShiftCurve:
    """Reachable workers of one shift against its hours.

    Attributes
    ----------
    offsets_min
        Offsets of start and end, minutes; later when positive.
    workers : float64[n, n]
        Workers whose commute holds: rows are offsets of the start, columns of the end,
        averaged over the days of the year on which the shift works.
    """

    shift_id: int
    offsets_min: tuple[int, ...]
    workers: Float

    @property
    def now(self) -> float:
        """Workers reached at the present hours."""
        zero = self.offsets_min.index(0)
        return float(self.workers[zero, zero])

    @property
    def start(self) -> Float:
        """Curve of the start alone, float64 (n,)."""
        return np.asarray(self.workers[:, self.offsets_min.index(0)])

    @property
    def end(self) -> Float:
        """Curve of the end alone, float64 (n,)."""
        return np.asarray(self.workers[self.offsets_min.index(0)])

    @property
    def together(self) -> Float:
        """Curve of both moved by as much, the shift keeping its length, float64 (n,)."""
        return np.diagonal(self.workers).copy()

    @property
    def best(self) -> tuple[int, int, float]:
        """Start and end offsets that reach most workers, the smallest such change."""
        top = self.workers.max()
        places = np.argwhere(self.workers >= top - 1e-9)
        moved = [sum(abs(self.offsets_min[i]) for i in place) for place in places]
        row, column = places[int(np.argmin(moved))]
        return self.offsets_min[row], self.offsets_min[column], float(top)


@dataclass(frozen=True)
class HoursCurve:
    """Reachable workers of one roster, or of neighbouring ones, when all their hours slide.

    Attributes
    ----------
    rosters
        Site index and roster name of those that slide together.
    workers : float64[n]
        Workers for whom the roster holds on every shift and kind of day, summed over
        rosters.
    jobs : float64[R, 2, n]
        Jobs of each of the rosters gained and lost against the present hours.
    """

    rosters: tuple[tuple[int, str], ...]
    offsets_min: tuple[int, ...]
    workers: Float
    jobs: Float

    @property
    def now(self) -> float:
        """Workers reached at the present hours."""
        return float(self.workers[self.offsets_min.index(0)])

    def jobs_moved(self, offset: int) -> tuple[float, float]:
        """Return the jobs gained and lost when the hours slide by an offset."""
        gained, lost = self.jobs[:, :, self.offsets_min.index(offset)].sum(axis=0)
        return float(gained), float(lost)

    def gaining(self, offset: int) -> list[float]:
        """Return the jobs that each roster gains when the hours slide by an offset."""
        return [float(n) for n in self.jobs[:, 0, self.offsets_min.index(offset)]]

    @property
    def best(self) -> tuple[int, float]:
        """The smallest offset that reaches most workers, and their number."""
        top = self.workers.max()
        best = [o for o, w in zip(self.offsets_min, self.workers, strict=True) if w >= top - 1e-9]
        offset = min(best, key=lambda o: (abs(o), o))
        return offset, float(top)

    @property
    def plateau(self) -> tuple[int, int]:
        """First and last offset of the plateau, see `plateau`."""
        return plateau(self.offsets_min, self.workers)


def plateau(offsets_min: Sequence[int], workers: Float) -> tuple[int, int]:
    """Return the unbroken range of offsets around the best that reaches almost as many."""
    best = int(np.argmax(workers))
    enough = workers >= _PLATEAU_SHARE * workers[best]
    first = last = best
    while first > 0 and enough[first - 1]:
        first -= 1
    while last + 1 < len(enough) and enough[last + 1]:
        last += 1
    return offsets_min[first], offsets_min[last]


@dataclass(frozen=True, eq=False)
class ShiftHours:
    """Every curve of a study."""

    study: Study
    shifts: tuple[ShiftCurve, ...]
    rosters: tuple[HoursCurve, ...]
    neighbours: tuple[HoursCurve, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return one row per curve and offset.

        Columns: ``what`` (``start``, ``end``, ``both``, ``roster``, ``neighbours``),
        ``site``, ``roster``, ``shift``, ``offset_min``, ``workers``.
        """
        rows: list[tuple[object, ...]] = []
        for curve in self.shifts:
            row = self.study.shift_rows[curve.shift_id]
            for what, values in (
                ("start", curve.start),
                ("end", curve.end),
                ("both", curve.together),
            ):
                rows += [
                    (what, row.site_name, row.roster, row.shift, offset, value)
                    for offset, value in zip(curve.offsets_min, values, strict=True)
                ]
        for what, curves in (("roster", self.rosters), ("neighbours", self.neighbours)):
            for hours in curves:
                sites = " + ".join(
                    dict.fromkeys(self.study.sites[s].name for s, _ in hours.rosters)
                )
                names = " + ".join(dict.fromkeys(name for _, name in hours.rosters))
                rows += [
                    (what, sites, names, "", offset, value)
                    for offset, value in zip(hours.offsets_min, hours.workers, strict=True)
                ]
        return pd.DataFrame(
            rows, columns=["what", "site", "roster", "shift", "offset_min", "workers"]
        )


def shift_hours(access: Access, *, offsets_min: Sequence[int] = OFFSETS_MIN) -> ShiftHours:
    """Return the curves of every shift, roster and group of neighbouring sites.

    Parameters
    ----------
    access
        The present.
    offsets_min
        Offsets tried, minutes; 0 must be among them.
    """
    study, offsets = access.study, tuple(offsets_min)
    holds = _held_at_offsets(study, offsets)
    others = {key: _other_modes(access, *key) for key in {(s, d) for s, d, _ in holds}}
    shifts = tuple(
        ShiftCurve(row.shift_id, offsets, _matrix(study, row.shift_id, offsets, holds, others))
        for row in study.shift_rows
    )
    rosters = {
        key: _slide(study, key, ids, offsets, holds, others)
        for key, ids in roster_shifts(study).items()
    }
    groups = [tuple(k for k in rosters if k[0] in group) for group in neighbours(study)]
    return ShiftHours(
        study,
        shifts,
        tuple(
            HoursCurve((key,), offsets, workers, jobs[None])
            for key, (workers, jobs) in rosters.items()
        ),
        tuple(
            HoursCurve(
                group,
                offsets,
                np.sum([rosters[k][0] for k in group], axis=0),
                np.array([rosters[k][1] for k in group]),
            )
            for group in groups
            if len({site for site, _ in group}) > 1
        ),
    )


def _held_at_offsets(study: Study, offsets: tuple[int, ...]) -> Held:
    """Return, per shift, kind of day and direction, who holds it at each offset (n, H)."""
    limits = engine_limits(study.territory.limits)
    asked: dict[tuple[int, str, Edge], tuple[int, ChosenDay, Edge]] = {}
    wanted: dict[tuple[int, str, bool], list[tuple[int, str, Edge]]] = {}
    for day in study.days:
        for row in study.shift_rows:
            if not study.works_on(row.shift_id, day):
                continue
            for edge in study.edges(row.shift_id, day):
                moved = [replace(edge, at_s=edge.at_s + 60 * o) for o in offsets]
                keys = [(row.site, day.kind, one) for one in moved]
                wanted[row.shift_id, day.kind, edge.returning] = keys
                asked |= {k: (row.site, day, one) for k, one in zip(keys, moved, strict=True)}

    def answer(question: tuple[int, ChosenDay, Edge]) -> Bool:
        held: Bool = transit_times(study, *question, limits).elapsed_s < INF
        return held

    def compute() -> Bundle:
        for two_way in study.timetables.values():
            _ = two_way.onward.longest_s, two_way.mirror.longest_s
        with ThreadPoolExecutor(max_workers=thread_count()) as pool:
            held = list(pool.map(answer, asked.values()))
        return {"held": np.packbits(np.array(held, bool).reshape(-1, study.n_homes), axis=-1)}

    gates = [np.array(site.gates, np.float64) for site in study.sites]
    questions = [(site, kind, *astuple(edge)) for site, kind, edge in asked]
    bits = np.asarray(study.kept(["offsets", gates, questions], compute)["held"])
    held = np.unpackbits(bits, axis=-1, count=study.n_homes).view(bool)
    found = dict(zip(asked, held, strict=True))
    return {key: np.array([found[k] for k in keys]) for key, keys in wanted.items()}


def _other_modes(access: Access, shift_id: int, kind: str) -> Bool:
    """Return who holds the commute by a counting mode other than transit: any hour does."""
    held = np.zeros(access.study.n_homes, bool)
    for mode in counting_modes(access.study):
        row = access.row(shift_id, kind, mode)
        if mode != "transit" and row is not None:
            held |= access.holds[row]
    return held


def _worked(study: Study, shift_id: int) -> list[ChosenDay]:
    return [day for day in study.days if study.works_on(shift_id, day)]


def _matrix(
    study: Study, shift_id: int, offsets: tuple[int, ...], holds: Held, others: Others
) -> Float:
    row = study.shift_rows[shift_id]
    pool = study.pool(row.site, row.roster)
    days = _worked(study, shift_id)
    weights = np.array([study.days_per_year(shift_id, day) for day in days])
    total = np.zeros((len(offsets), len(offsets)))
    for day, weight in zip(days, weights / max(weights.sum(), 1e-9), strict=True):
        out = holds[shift_id, day.kind, False]
        back = holds[shift_id, day.kind, True]
        other = others[shift_id, day.kind]
        both = (out & ~other).astype(np.float64) @ ((back & ~other) * pool).T
        total += weight * (both + float(pool @ other))
    return total


def _slide(
    study: Study,
    key: tuple[int, str],
    shift_ids: list[int],
    offsets: tuple[int, ...],
    holds: Held,
    others: Others,
) -> tuple[Float, Float]:
    """Return the workers for whom every shift holds when all hours slide; jobs gained, lost."""
    every = np.ones((len(offsets), study.n_homes), bool)
    for shift_id in shift_ids:
        for day in _worked(study, shift_id):
            out = holds[shift_id, day.kind, False]
            back = holds[shift_id, day.kind, True]
            every &= (out & back) | others[shift_id, day.kind]
    now, jobs = every[offsets.index(0)], roster_jobs(study, *key)
    moved = np.array([(every & ~now) @ jobs, (~every & now) @ jobs], np.float64)
    return np.asarray(every @ study.pool(*key), np.float64), moved


def neighbours(study: Study, *, within_m: float = _NEIGHBOUR_M) -> list[tuple[int, ...]]:
    """Return groups of sites linked by gates closer than ``within_m``, each ascending."""
    project = transformer(WGS84, study.streets.crs)
    gates = [np.column_stack(project.transform(*np.array(s.gates, float).T)) for s in study.sites]
    group = list(range(len(gates)))
    for i, one in enumerate(gates):
        for j in range(i):
            apart = np.linalg.norm(one[:, None] - gates[j][None], axis=2).min()
            if apart <= within_m:
                old, new = max(group[i], group[j]), min(group[i], group[j])
                group = [new if g == old else g for g in group]
    return [tuple(k for k, g in enumerate(group) if g == one) for one in sorted(set(group))]


def with_hours(study: Study, rosters: Sequence[tuple[int, str]], minutes: int) -> Study:
    """Return the study with all shifts of some rosters begun and ended later.

    Parameters
    ----------
    rosters
        Site index and roster name.
    minutes
        Later when positive.
    """
    sites = []
    for index, site in enumerate(study.sites):
        mine = [
            roster.model_copy(
                update={
                    "shifts": [
                        shift.model_copy(
                            update={
                                "start": (shift.start + 60 * minutes) % DAY_S,
                                "end": (shift.end + 60 * minutes) % DAY_S,
                            }
                        )
                        for shift in roster.shifts
                    ]
                }
            )
            if (index, roster.name) in rosters
            else roster
            for roster in site.rosters
        ]
        sites.append(site.model_copy(update={"rosters": mine}))
    return variant(study, lambda one: replace(one, sites=tuple(sites)))
