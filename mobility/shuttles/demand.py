"""Who lacks which direction of which shift: the demand a shuttle may serve."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mobility.base.clock import DAY_S
from mobility.base.errors import TerritoryError
from mobility.commute.access import NEITHER, OUTBOUND_ONLY, RETURN_ONLY
from mobility.commute.ledger import shift_jobs
from mobility.commute.study import Study
from mobility.commute.white_zones import WhiteZones
from mobility.shuttles.config import Factors
from mobility.shuttles.model import Bools, Day, Edge, Floats, Ints, by_shift
from mobility.territory.rosters import ALL_YEAR, share_of_year

_WEEK_KINDS = ("school_weekday", "holiday_weekday")


@dataclass(frozen=True)
class Demand:
    """White workers by shift end and home; fields as in `scene.Scene`.

    Attributes
    ----------
    homes
        int32[H] rows of the study's homes that are white for some shift.
    lacking
        For each kind of day of the calendar, bool[E,H]: the homes that lack each end on it.
    """

    homes: Ints
    edges: tuple[Edge, ...]
    edge_shift: Ints
    shift_ids: Ints
    roster: Ints
    workers: Floats
    staff: Floats
    needs: Bools
    days: Floats
    lacking: Mapping[str, Bools]

    @property
    def total(self) -> float:
        """White workers over all shifts."""
        white = by_shift(self.needs, self.edge_shift, len(self.workers))
        return float(self.workers[white].sum())


def kind_weekdays(study: Study) -> dict[str, tuple[int, ...]]:
    """Return the weekdays (0 Monday) of each kind of day of a study."""
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    return {d.kind: tuple(names.index(w) for w in d.weekdays) for d in study.days}


def find_demand(study: Study, zones: WhiteZones, calendar: list[Day]) -> Demand:
    """Return the white workers of every shift end.

    A home needs a direction when it lacks it on some kind of day on which the shift works;
    it is counted for the days of the year on which it does.

    Raises
    ------
    TerritoryError
        Nobody lacks anything, or no roster has a headcount.
    """
    workers = np.array([shift_jobs(study, row.shift_id) for row in study.shift_rows])
    weekdays = {row.shift_id: _weekdays(row.days) for row in study.shift_rows}
    kinds = kind_weekdays(study)
    lacks: dict[tuple[int, str], dict[str, Bools]] = {}
    for z, (shift, kind) in enumerate(zones.keys.itertuples(index=False)):
        status = zones.status[z]
        lacks[int(shift), "in"] = lacks.get((int(shift), "in"), {})
        lacks[int(shift), "out"] = lacks.get((int(shift), "out"), {})
        lacks[int(shift), "in"][str(kind)] = (status == RETURN_ONLY) | (status == NEITHER)
        lacks[int(shift), "out"][str(kind)] = (status == OUTBOUND_ONLY) | (status == NEITHER)
    edges: list[Edge] = []
    rows: list[int] = []
    needs: list[Bools] = []
    days: list[Floats] = []
    lacking: list[dict[str, Bools]] = []
    for (shift, direction), by_kind in sorted(lacks.items()):
        some = np.any(list(by_kind.values()), axis=0) & (workers[shift] > 0)
        if not some.any():
            continue
        served = [k for k, lack in by_kind.items() if (lack & (workers[shift] > 0)).any()]
        row = study.shift_rows[shift]
        counted = _counted_as(served, kinds, calendar)
        told = {*served, *(k for as_kinds in counted.values() for k in as_kinds)}
        clock = row.start_s if direction == "in" else row.end_s
        clock += DAY_S * int(direction == "out" and row.crosses_midnight)
        on = tuple(d for d in weekdays[shift] if any(d in kinds[k] for k in served))
        edges.append(
            Edge(shift, row.site, "in" if direction == "in" else "out", clock, on,
                 tuple(sorted(told)), row.season)
        )  # fmt: skip
        rows.append(shift)
        needs.append(some)
        counts = {k: _days_on(calendar, edges[-1], kinds[k], counted[k]) for k in served}
        days.append(np.asarray(sum(counts[k] * by_kind[k] for k in served), np.float64))
        lacking.append(
            {
                kind: np.any([by_kind[k] for k in served if kind in counted[k]], axis=0) & some
                for kind in {name for names in counted.values() for name in names}
            }
        )
    if not edges:
        raise TerritoryError(
            "There is nobody to carry: no roster with a headcount has workers in a white zone.",
            file=study.territory.path,
            column="sites.rosters.headcount",
            mend="Give the headcount of each roster, or default_headcount under [shuttles].",
        )
    return _pack(study, workers, edges, rows, needs, days, lacking)


def _weekdays(names: tuple[str, ...]) -> tuple[int, ...]:
    order = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    return tuple(sorted(order.index(d) for d in names))


def _counted_as(
    served: list[str], kinds: dict[str, tuple[int, ...]], calendar: list[Day]
) -> dict[str, list[str]]:
    """Return the kinds of the calendar that tell how many days a year each kind has.

    A further kind of the territory's, as of a season, has the weekdays of the usual ones: where
    nothing but such kinds is asked for, it stands for them.
    """
    usual = {k for d in calendar for k in d.kinds if k}
    if usual.intersection(served):
        return {k: [k] if k in usual else [] for k in served}
    return {k: sorted(u for u in usual if set(kinds[u]) & set(kinds[k])) for k in served}


def _days_on(calendar: list[Day], edge: Edge, weekdays: tuple[int, ...], kinds: list[str]) -> float:
    return sum(
        d.count
        for d in calendar
        if d.has(edge) and d.weekday in weekdays and d.kinds[d.weekday] in kinds
    )


def _staff(study: Study, workers: Floats, site: int, roster: str) -> Floats:
    """Return float64[H]: workers of a roster over all its shifts."""
    same = [r.shift_id for r in study.shift_rows if (r.site, r.roster) == (site, roster)]
    return np.asarray(workers[same].sum(axis=0), np.float64)


def _pack(
    study: Study,
    workers: Floats,
    edges: list[Edge],
    rows: list[int],
    needs: list[Bools],
    days: list[Floats],
    lacking: list[dict[str, Bools]],
) -> Demand:
    if not edges:
        empty = np.zeros((0, 0))
        none = np.empty(0, np.int32)
        return Demand(none, (), none, none, none, empty, empty, empty.astype(bool), empty, {})
    homes = np.flatnonzero(np.any(needs, axis=0)).astype(np.int32)
    shift_ids = np.unique(rows).astype(np.int32)
    nobody = np.zeros(study.n_homes, bool)
    names = [(study.shift_rows[s].site, study.shift_rows[s].roster) for s in shift_ids]
    rosters = sorted(set(names))
    return Demand(
        homes=homes,
        edges=tuple(edges),
        edge_shift=np.searchsorted(shift_ids, rows).astype(np.int32),
        shift_ids=shift_ids,
        roster=np.array([rosters.index(n) for n in names], np.int32),
        workers=workers[shift_ids][:, homes],
        staff=np.array([_staff(study, workers, *name) for name in rosters])[:, homes],
        needs=np.array(needs)[:, homes],
        days=np.array(days, np.float64)[:, homes],
        lacking={
            kind: np.array([told.get(kind, nobody) for told in lacking])[:, homes]
            for kind in sorted({kind for told in lacking for kind in told})
        },
    )


def parts_of_year(seasons: Iterable[int]) -> list[int]:
    """Return the parts into which seasons cut the year, each a season."""
    parts = [ALL_YEAR]
    for season in sorted(set(seasons)):
        parts = [p for part in parts for p in (part & season, part & ~season) if p]
    return parts


def calendar_days(
    factors: Factors, kinds: Mapping[str, Sequence[int]], seasons: Iterable[int] = ()
) -> list[Day]:
    """Return the days of a year: school weeks and holiday weeks, each weekday once.

    Parameters
    ----------
    factors
        Rows ``days_per_year.*``.
    kinds
        Weekdays of each kind of day in the study.
    seasons
        Seasons of the rosters. Each part of the year between their ends has its own days: its
        share of those of every kind.
    """
    whole = _whole_year(factors, kinds)
    return [
        replace(day, count=day.count * share_of_year(part), season=part)
        for part in parts_of_year(seasons)
        for day in whole
    ]


def year_of(study: Study, factors: Factors) -> list[Day]:
    """Return `calendar_days` of a study."""
    return calendar_days(factors, kind_weekdays(study), [row.season for row in study.shift_rows])


def _whole_year(factors: Factors, kinds: Mapping[str, Sequence[int]]) -> list[Day]:
    weekday_kinds = [k for k in _WEEK_KINDS if k in kinds] or [k for k in kinds if 0 in kinds[k]][
        :1
    ]
    per_kind = {k: factors.get(f"days_per_year.{k}", 52.0 * len(kinds[k])) for k in kinds}
    if len(weekday_kinds) == 1 and weekday_kinds[0] in _WEEK_KINDS:
        # One kind of weekday studied stands for all of them.
        per_kind[weekday_kinds[0]] = sum(factors[f"days_per_year.{k}"] for k in _WEEK_KINDS)
    total = sum(per_kind[k] for k in weekday_kinds)
    days = []
    for kind in weekday_kinds or [""]:
        share = per_kind[kind] / total if total else 1.0
        week = [_kind_of(d, kind, kinds) for d in range(7)]
        for d in range(7):
            if not week[d]:
                continue
            count = per_kind[week[d]] / len(kinds[week[d]])
            days.append(Day(d, tuple(week), count if week[d] == kind else count * share))
    return days


def _kind_of(weekday: int, kind: str, kinds: Mapping[str, Sequence[int]]) -> str:
    if kind and weekday in kinds[kind]:
        return kind
    others = [k for k in kinds if k not in _WEEK_KINDS and weekday in kinds[k]]
    return others[0] if others else ""
