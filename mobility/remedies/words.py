"""Levers in words: line, departure, present and proposed time."""

from __future__ import annotations

from dataclasses import fields
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mobility.base.clock import axis_to_local
from mobility.commute.study import Study
from mobility.remedies.model import DayNetwork, Lever, days_of, departures
from mobility.remedies.score import Score

if TYPE_CHECKING:
    from mobility.remedies.search import Retiming, Workbench

LEVER_COLUMNS = (
    "kind", "line", "headsign", "trips", "present", "proposed", "shift_min", "stop", "day_kinds",
    "workers_gained", "workers_lost", "commutes_gained", "commutes_lost", "rosters_gained",
    "rosters_lost", "jobs_gained", "jobs_lost", "directions_lost", "saved_h", "vehicle_min",
    "per_vehicle_min", "feasible", "conflict_min", "vehicle_rule",
)  # fmt: skip

#: Figures of a score.
_FIGURES = [figure.name for figure in fields(Score)]

#: Trips of one lever that are named; the others are counted.
_NAMED_TRIPS = 40


def clock(study: Study, kind: str, axis_s: int) -> str:
    """Return the local clock time, ``HH:MM``, of an axis second of a kind of day."""
    date = next(day.date for day in study.days if day.kind == kind)
    return axis_to_local(date, axis_s, study.territory.zone).strftime("%H:%M")


def _reference_time(bench: Workbench, lever: Lever) -> tuple[str, int]:
    """Return the kind of day and the axis second that name a lever's trip.

    It is the first departure of its trips on the first kind of day on which they run; where
    a trip is held, its departure from that stop.
    """
    for kind in _kinds(bench, lever):
        network = bench.nets[kind]
        times = (_at_stop if lever.kind == "hold" else departures)(network, lever)
        if times:
            return kind, times[0]
    return next(iter(bench.nets)), 0


def _kinds(bench: Workbench, lever: Lever) -> list[str]:
    if lever.kind == "lift_school":
        return [lever.source_day]
    return list(days_of(bench.nets, lever))


def _at_stop(network: DayNetwork, lever: Lever) -> list[int]:
    tt, pieces = network.timetable, network.pieces
    found = []
    for k in network.own_places(lever.trips):
        calls = np.arange(pieces.first_call[k], pieces.last_call[k] + 1)
        here = calls[tt.call_stop[calls] == lever.stop]
        if here.size:
            found.append(int(tt.call_dep[here[0]]))
    return sorted(found)


class Names:
    """What names levers, remembered by their trips: many moves are of the same ones."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._known: dict[object, tuple[str, int, str, str]] = {}
        self._clock = cache(partial(clock, bench.study))

    def of(self, lever: Lever) -> dict[str, object]:
        """Return kind, line, trips, times, stop and kinds of day of a lever."""
        at = lever.stop if lever.kind == "hold" else -1
        key = lever.trips, lever.kind, at, lever.source_day, lever.day_kinds
        bench = self._bench
        if key not in self._known:
            days, ids = days_of(bench.nets, lever), _trip_ids(bench.study, lever.trips)
            self._known[key] = *_reference_time(bench, lever), " ".join(days), ids
        kind, at_s, day_kinds, ids = self._known[key]
        moved = lever.kind not in ("extend", "lift_school")
        proposed_s = at_s + (lever.shift_s if moved else 0)
        feed, head = bench.study.feed, lever.trips[0]
        # A new stop is for every trip of its line.
        whole = lever.kind == "stop"
        return {
            "kind": lever.kind,
            "line": feed.line_names[head],
            "headsign": feed.headsigns[head],
            "trips": ids,
            "present": "" if whole else self._clock(kind, at_s),
            "proposed": "" if whole else self._clock(kind, proposed_s),
            "shift_min": 0 if whole else lever.shift_s // 60,
            "stop": "" if lever.stop < 0 else feed.stop_names[lever.stop],
            "day_kinds": day_kinds,
        }


def _trip_ids(study: Study, trips: tuple[int, ...]) -> str:
    """Return the ids of trips; of many, the first ones and how many more there are."""
    ids = [study.feed.trip_ids[t] for t in trips[:_NAMED_TRIPS]]
    if len(study.territory.sources.gtfs) > 1:
        # Of several feeds, ids bear the number of theirs: operators do not know it.
        ids = [name.partition(":")[2] or name for name in ids]
    more = len(trips) - len(ids)
    return " ".join([*ids, f"(+{more})"] if more else ids)


def levers_frame(found: Retiming) -> pd.DataFrame:
    """Return one row per lever that changes something, best first: `LEVER_COLUMNS`."""
    names = [*map(Names(found.bench).of, (o.lever for o in found.outcomes))]
    scores = pd.DataFrame(
        [[getattr(o.score, name) for name in _FIGURES] for o in found.outcomes], columns=_FIGURES
    )
    told = [
        {
            "vehicle_min": round(o.vehicle_min, 1),
            "per_vehicle_min": round(o.worth, 3),
            "feasible": o.feasible,
            "conflict_min": round(o.conflict_min, 1),
            "vehicle_rule": o.vehicle_rule,
        }
        for o in found.outcomes
    ]
    decimals = {"commutes_gained": 3, "commutes_lost": 3, "saved_h": 2}
    frame = pd.concat([pd.DataFrame(names), scores.round(decimals), pd.DataFrame(told)], axis=1)
    frame = frame.reindex(columns=list(LEVER_COLUMNS))
    frame.insert(0, "rank", np.arange(1, len(frame) + 1))
    return frame
