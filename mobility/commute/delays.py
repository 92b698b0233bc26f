"""What a roster is worth when buses are late: rehearsed on many days, planned by the timetable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mobility.base.arrays import Bool, Float, Int32
from mobility.base.clock import format_clock
from mobility.base.errors import TerritoryError
from mobility.base.i18n import number, translate
from mobility.commute import DelayFactors
from mobility.commute.access import Access, assess, counted_rows, counting_modes, roster_shifts
from mobility.commute.door_to_door import at_gate
from mobility.commute.examples import EdgeAnswers, answer
from mobility.commute.matrix import EdgeRows, edge_rows, shared_journeys
from mobility.commute.study import Study, engine_limits
from mobility.engine.delays import PlannedRide, RealRuns, ride_late, ride_of_mirror
from mobility.engine.itineraries import GATE, Itinerary
from mobility.sources.trip_updates import ObservedDelays
from mobility.timetable.arrays import INF, Timetable
from mobility.timetable.late import DelayDraws

_DRAWS = 200
SURE = 19 / 20
"""A roster that holds on this share of working days is counted on."""


@dataclass(frozen=True, eq=False)
class _EdgeDraws:
    """One edge of a shift on all days drawn.

    Attributes
    ----------
    edge
        Site, day, direction and time.
    journey : int32[H]
        Row of ``late_s`` and of ``journeys`` that a home rides, -1 where it rides none.
    late_s : int32[J, N]
        Seconds by which each journey is later than planned; far above a day where nothing came.
    spare_s : int32[H]
        Lateness that still is in time, or within the limits.
    on_foot : bool[H]
        Homes that walk all the way.
    missed : list of bool[rides, N]
        Whether the planned vehicle of each ride was missed.
    """

    edge: EdgeRows
    journey: Int32
    late_s: Int32
    spare_s: Int32
    on_foot: Bool
    journeys: list[Itinerary]
    missed: list[Bool]

    @cached_property
    def on_time(self) -> Bool:
        """Whether each home is in time, bool (H, N)."""
        late_s = np.vstack([self.late_s, np.full((1, self.late_s.shape[1]), INF, np.int32)])
        on_time: Bool = late_s[self.journey] <= self.spare_s[:, None]
        on_time[self.on_foot] = True
        return on_time

    @cached_property
    def misses(self) -> Bool:
        """Whether each home misses a planned connection, bool (H, N)."""
        none = np.zeros((1, self.late_s.shape[1]), bool)
        rows = [one[1:].any(axis=0, keepdims=True) for one in self.missed]
        return np.vstack([*rows, none])[self.journey]


def _edge_draws(access: Access, drawn: DelayDraws) -> Iterator[_EdgeDraws]:
    """Yield every edge that is ridden to, of one kind of day after the other."""
    study = access.study
    asked = [rows for rows in edge_rows(access) if rows.mode == "transit"]
    for day in study.days:
        known: dict[int, RealRuns] = {}
        for rows in asked:
            if rows.day.kind == day.kind:
                yield _edge(study, rows, drawn, known)


def _edge(
    study: Study, rows: EdgeRows, drawn: DelayDraws, known: dict[int, RealRuns]
) -> _EdgeDraws:
    found = answer(study, rows.shift_id, rows.day, rows.edge)
    two_way = at_gate(found.study, rows.day, rows.edge).timetables[rows.day.kind]
    tt = two_way.onward.timetable
    limits = engine_limits(study.territory.limits)
    runs = known.get(id(tt))
    if runs is None:
        place, origin = study.feed.own_stop, (rows.day.date, study.territory.zone)
        runs = known[id(tt)] = RealRuns(
            tt, lambda run: drawn.real_times(tt, run, origin), place, limits.max_total_s
        )
    # A journey that homes share is made late once.
    shared, ridden = shared_journeys(found), found.times.elapsed_s
    at, told = shared.homes, shared.journeys
    late = [_late(runs, found, one) for one in told]
    journey = np.full(study.n_homes, -1, np.int32)
    journey[at] = shared.journey
    spare_s = np.zeros(study.n_homes, np.int32)
    if rows.edge.returning:
        spare_s[at] = limits.max_total_s - ridden[at]
    else:
        early_s = np.array([_early_s(one) for one in told], np.int32)
        spare_s[at] = early_s[journey[at]] if told else 0
    late_s = np.array([row for row, _ in late], np.int32).reshape(-1, drawn.draws)
    return _EdgeDraws(rows, journey, late_s, spare_s, shared.on_foot, told, [m for _, m in late])


def _early_s(journey: Itinerary) -> int:
    last = journey.legs[-1]
    waits = last.kind == "wait" and last.from_stop == GATE
    return last.arrive_s - last.depart_s if waits else 0


def _late(runs: RealRuns, found: EdgeAnswers, journey: Itinerary) -> tuple[Int32, Bool]:
    """Return how much later than planned a journey ends, and which vehicles were missed."""
    tt, rides = runs.timetable, list[PlannedRide]()
    for leg in journey.legs:
        if leg.kind != "ride":
            continue
        board, alight = leg.from_call, leg.to_call
        if found.edge.returning:
            board, alight = ride_of_mirror(tt, found.scanned.timetable, board, alight)
        need_s = _need_s(tt, rides[-1].alight, board) if rides else 0
        rides.append(PlannedRide(board, alight, need_s))
    ready_s = int(tt.call_dep[rides[0].board])
    arrival_s, missed = ride_late(runs, rides, ready_s)
    return arrival_s - tt.call_arr[rides[-1].alight], missed


def _need_s(tt: Timetable, alight: int, board: int) -> int:
    stop = tt.call_stop[alight]
    feet = slice(tt.foot_ptr[stop], tt.foot_ptr[stop + 1])
    return int(tt.foot_need_s[feet][tt.foot_stop[feet] == tt.call_stop[board]].min())


@dataclass(frozen=True, eq=False)
class Delays:
    """Commutes and rosters on days with delays.

    Attributes
    ----------
    access
        What the timetable promises.
    chance : float64[R, H]
        Share of the working days of each roster (in the order of `access.roster_shifts`) on
        which its commute holds at each home; never above what the timetable promises.
    table
        A row per roster, then per shift and kind of day, see ``docs/outputs.md``.
    connections
        A row per connection that someone's journey counts on, the most missed first.
    draws, observed
        Days rehearsed, and the delays observed, None where all are drawn.
    """

    access: Access
    chance: Float
    table: pd.DataFrame
    connections: pd.DataFrame
    draws: int
    observed: ObservedDelays | None = None

    @property
    def sure(self) -> Bool:
        """Which rosters hold by the timetable and on 19 working days of 20, bool (R, H)."""
        return self.planned & (self.chance >= SURE - 1e-9)

    @property
    def planned(self) -> Bool:
        """Which rosters hold by the timetable, bool (R, H)."""
        found = self.access.rosters
        return np.asarray(found.holds[counted_rows(found)])

    def sentences(self, language: str) -> list[str]:
        """Return what was found, and on what delays it rests, in a few lines."""
        rosters = self.table[self.table["shift"] == ""]
        promised, sure = float(rosters["promised"].sum()), float(rosters["sure"].sum())
        found = [
            translate(
                "Of {promised} roster-places held by the timetable, {sure} hold on 19 working days "
                "of 20 or more ({draws} days rehearsed).",
                language,
                promised=number(promised, language),
                sure=number(sure, language),
                draws=self.draws,
            )
        ]
        seen = self.observed
        if seen is None:
            text = "No observed delays: drawn from the factors delay.start and delay.hour."
            return [*found, translate(text, language)]
        trips = len(self.access.study.feed.trips)
        dates = translate("{count} dates observed.", language, count=seen.n_dates)
        text = "{count} trips observed, of {all} in the timetables; the others are drawn."
        found.append(f"{dates} {translate(text, language, count=len(seen.by_trip), all=trips)}")
        early = "{count} observations are early: a vehicle is taken to wait for its time."
        unknown = "{count} updates are about trips or stops that the timetables do not have."
        no_start = (
            "{count} updates of trips at a headway do not say of which run (start_time): left out."
        )
        unplanned = "{count} updates are about runs beside the timetables: left out."
        for count, text in (
            (seen.early, early),
            (seen.unknown, unknown),
            (seen.no_start, no_start),
            (seen.unplanned, unplanned),
        ):
            if count:
                found.append(translate(text, language, count=count))
        return found


def delays(
    study: Study | Access,
    *,
    observed: ObservedDelays | None = None,
    draws: int = _DRAWS,
    seed: int = 1,
    scale: float = 1.0,
) -> Delays:
    """Return how often commutes and rosters hold when vehicles are late.

    Riders keep the departure from home that the timetable asks for, and board at each stop of
    the planned journey the first vehicle that really comes (see `mobility.engine.delays`). A way
    without a timetable, e.g. on foot, is on time; so are bicycle and ride, and booked vehicles.

    Parameters
    ----------
    study
        The study, or what was already computed of it.
    observed
        Observed delays, see `mobility.sources.delays.read_delays`. Trips that they lack are drawn
        from the factors ``delay.start`` and ``delay.hour``.
    draws, seed
        Days rehearsed, and what makes them the same again.
    scale
        Multiplies every delay; 0 gives what the timetable promises.

    Raises
    ------
    TerritoryError
        No way studied goes by a timetable.
    """
    _refuse_untimed(study.study if isinstance(study, Access) else study)
    access = study if isinstance(study, Access) else assess(study)
    study = access.study
    factors = DelayFactors.load(study.territory.factors, file=study.territory.path)
    drawn = DelayDraws(
        study.feed, draws, seed, factors["delay.start"], factors["delay.hour"], scale, observed
    )
    edges = {key: one for one in _edge_draws(access, drawn) for key in [_key(study, one.edge)]}
    commutes = list(_commutes(access, edges))
    chance = _chances(access, commutes)
    table = _table(access, commutes, chance)
    return Delays(access, chance, table, _connections(study, edges), draws, observed)


def _refuse_untimed(study: Study) -> None:
    """Refuse a study of which nothing can be late: certainty is not to be told of it."""
    modes = study.territory.modes.evaluated
    if "transit" in modes:
        return
    named = not study.feed.stops.empty
    raise TerritoryError(
        "No way to work studied goes by a timetable: no delay can be told.",
        file=study.territory.path,
        column="modes.evaluated" if named else "sources.gtfs",
        value=", ".join(modes) if named else None,
        mend='Add "transit".' if named else "Name the GTFS of the networks there.",
    )


def _key(study: Study, rows: EdgeRows) -> tuple[int, str, bool, int]:
    site = study.shift_rows[rows.shift_id].site
    return site, rows.day.kind, rows.edge.returning, rows.edge.at_s


@dataclass(frozen=True, eq=False)
class Commute:
    """One shift on one kind of day: per home, shares of days.

    ``out``, ``back`` and ``both`` are 0 where the timetable promises nothing; ``last`` are homes
    whose only ride home is the last one.
    """

    shift_id: int
    kind: str
    promised: Bool
    out: Float
    back: Float
    both: Float
    missed: Float
    last: Bool


def _commutes(
    access: Access, edges: dict[tuple[int, str, bool, int], _EdgeDraws]
) -> Iterator[Commute]:
    study = access.study
    others = [mode for mode in counting_modes(study) if mode != "transit"]
    for day in study.days:
        for row in study.shift_rows:
            if not study.works_on(row.shift_id, day):
                continue
            sides = access.counted(row.shift_id, day.kind)
            asked = [access.row(row.shift_id, day.kind, mode) for mode in others]
            rows = [r for r in asked if r is not None]
            # What has no timetable keeps its promise; a commute is by one mode both ways.
            kept = [
                np.asarray(held[rows].any(axis=0))
                for held in (access.holds_out, access.holds_back, access.holds)
            ]
            r = access.row(row.shift_id, day.kind, "transit")
            ways = [
                edges.get((row.site, day.kind, bool(k), edge.at_s))
                for k, edge in enumerate(study.edges(row.shift_id, day))
            ]
            yield _commute(access, (row.shift_id, day.kind), sides, kept, r, ways)


def _commute(
    access: Access,
    of: tuple[int, str],
    sides: tuple[Bool, Bool, Bool],
    kept: list[NDArray[Any]],
    row: int | None,
    ways: list[_EdgeDraws | None],
) -> Commute:
    if row is None or ways[0] is None or ways[1] is None:
        none = np.zeros(access.study.n_homes)
        shares = [np.asarray(one, np.float64) for one in kept]
        return Commute(*of, sides[2], shares[0], shares[1], shares[2], none, none > 0)
    onward, homeward = ways[0].on_time, ways[1].on_time
    both = (onward & homeward).mean(axis=1)
    out, back, both = (
        np.where(one, 1.0, share)
        for one, share in zip(kept, (onward.mean(axis=1), homeward.mean(axis=1), both), strict=True)
    )
    missed = (ways[0].misses | ways[1].misses).mean(axis=1)
    last = access.holds[row] & (access.overtime_s[row] == 0) & ~kept[2]
    return Commute(*of, sides[2], out, back, both, np.where(kept[2], 0.0, missed), last)


def _chances(access: Access, commutes: list[Commute]) -> Float:
    """Return the share of each roster's working days that hold, float64 (rosters, homes)."""
    study = access.study
    days = {day.kind: day for day in study.days}
    found = []
    for shift_ids in roster_shifts(study).values():
        mine = [one for one in commutes if one.shift_id in shift_ids]
        weight = np.array([study.days_per_year(one.shift_id, days[one.kind]) for one in mine])
        held = np.array([one.both for one in mine])
        found.append(weight @ held / weight.sum() if mine else np.zeros(study.n_homes))
    return np.array(found)


def _table(access: Access, commutes: list[Commute], chance: Float) -> pd.DataFrame:
    """Return a row per roster, then its shifts and kinds of day."""
    study, found = access.study, access.rosters
    rows = []
    for r, ((site, roster), shift_ids) in enumerate(roster_shifts(study).items()):
        pool = study.pool(site, roster)
        head = {"site": study.sites[site].name, "roster": roster}
        holds = found.holds[counted_rows(found)[r]]
        whole = _row(pool * holds, chance[r])
        rows.append({**head, "shift": "", "day_kind": "", **whole})
        for shift_id in shift_ids:
            for one in (c for c in commutes if c.shift_id == shift_id):
                people = pool * one.promised
                risky = one.last & (one.back < SURE - 1e-9)
                rows.append(
                    {
                        **head,
                        "shift": study.shift_rows[shift_id].shift,
                        "day_kind": one.kind,
                        **_row(people, one.both),
                        "out_share": _mean(one.out, people),
                        "back_share": _mean(one.back, people),
                        "missed_share": _mean(one.missed, people),
                        "last_at_risk": float(people @ risky),
                    }
                )
    return pd.DataFrame(rows)


def _row(people: Float, share: Float) -> dict[str, float]:
    sure = float(people @ (share >= SURE - 1e-9))
    days = 20 * _mean(share, people)
    return {"promised": float(people.sum()), "sure": sure, "days_of_20": round(days, 2)}


def _mean(values: Float, people: Float) -> float:
    total = people.sum()
    return round(float(values @ people / total), 4) if total > 0 else float("nan")


def _connections(study: Study, edges: dict[tuple[int, str, bool, int], _EdgeDraws]) -> pd.DataFrame:
    """Return every connection that is counted on, by workers times the share that is missed."""
    rows = []
    for (site, kind, returning, _), one in edges.items():
        row = study.shift_rows[one.edge.shift_id]
        workers = np.bincount(one.journey + 1, study.pool(site), len(one.journeys) + 1)[1:]
        for j, journey in enumerate(one.journeys):
            rides = [leg for leg in journey.legs if leg.kind == "ride"]
            for k, (before, after) in enumerate(pairwise(rides)):
                rows.append(
                    {
                        "site": row.site_name,
                        "direction": "return" if returning else "outbound",
                        "edge": format_clock(row.end_s if returning else row.start_s),
                        "day_kind": kind,
                        "stop": study.feed.stop_names[after.from_stop],
                        "from_line": study.feed.line_names[before.trip],
                        "to_line": study.feed.line_names[after.trip],
                        "workers": workers[j],
                        "missed": workers[j] * one.missed[j][k + 1].mean(),
                    }
                )
    keys = ["site", "direction", "edge", "day_kind", "stop", "from_line", "to_line"]
    frame = pd.DataFrame(rows, columns=[*keys, "workers", "missed"])
    frame = frame.groupby(keys, as_index=False, sort=True)[["workers", "missed"]].sum()
    frame["missed_share"] = (frame["missed"] / frame["workers"].where(frame["workers"] > 0)).round(
        4
    )
    frame = frame[frame["workers"] > 0]
    frame = frame.sort_values(["missed", *keys], ascending=[False] + [True] * len(keys))
    return frame.drop(columns="missed").reset_index(drop=True)
