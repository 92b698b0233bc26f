"""The windows of a study, one per site, kind of day and distinct shift edge: the runs around it.

A run can only matter to an edge whose window of departures it touches, before or after it
is moved. So each edge keeps the part of the timetable inside its window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mobility.base.arrays import Bool, Int32, Int64
from mobility.commute.door_to_door import at_gate, home_in_dark, street_times, transit_seconds
from mobility.commute.feeder_modes import Carried, carried_times, ridden_from
from mobility.commute.study import Study, engine_limits
from mobility.commute.variants import after_dark, open_at
from mobility.engine.journeys import Edge, EngineLimits, OneWay, deadline_of, earliest_of, relaxed
from mobility.remedies.model import DayNetwork
from mobility.remedies.modes import Reader, carried_modes, readers_of, times_of
from mobility.sources.days import ChosenDay
from mobility.streets.graph import State
from mobility.timetable.arrays import (
    INF,
    FootArrays,
    RunArrays,
    Timetable,
    mirror_runs,
    pick_calls,
    stop_index,
    take_runs,
)
from mobility.timetable.footpaths import WalkTable

if TYPE_CHECKING:
    from mobility.remedies.labels import Labelled, Limits


def used_runs(
    runs: RunArrays, index: tuple[Int64, Int32, Int32, Int32], scanned: tuple[Int64, Int64, Int32]
) -> Int64:
    """Return the runs with a label, ascending."""
    first, shift, label = scanned
    stops = np.repeat(np.arange(shift.size - 1), np.diff(shift))
    position = np.arange(shift[-1]) + (first - shift[:-1])[stops]
    calls = index[2][position[label[-1] < INF]]
    used = np.zeros(runs.run_ptr.size - 1, bool)
    used[runs.run_ptr.searchsorted(calls, side="right") - 1] = True
    return np.flatnonzero(used)


def only_walks(walks: WalkTable, kept: Bool) -> WalkTable:
    """Return some walks of a table."""
    # Loading the compiler takes half a second, which nobody waits for who asks nothing.
    from mobility.remedies.kernel import kept_rows

    ptr, places = kept_rows(walks.ptr, kept)
    return WalkTable(ptr, walks.stop[places], walks.walk_s[places])


def departure_keys(stop: Int32, dep_s: Int32) -> Int64:
    """Return one sortable number per departure: by stop, then by time."""
    return (stop.astype(np.int64) << 32) + dep_s.astype(np.int64) + 2**31


def _clip_runs(runs: RunArrays, low_s: int, high_s: int) -> RunArrays:
    """Return the runs with the calls that leave from ``low_s`` on and arrive by ``high_s``."""
    kept = (runs.call_dep >= low_s) & (runs.call_arr <= high_s)
    ptr = np.concatenate([[0], np.cumsum(kept)])[runs.run_ptr].astype(np.int64)
    return pick_calls(runs, np.flatnonzero(kept), ptr, runs.run_day)


@dataclass(frozen=True, eq=False)
class Window:
    """The runs around one edge, as the kernel sees them.

    Attributes
    ----------
    index
        Its place among the windows of a search.
    run_ids : int64[]
        Runs of the day's timetable that have a call inside, ascending.
    runs
        Their calls inside the window, on the mirrored axis for a return.
    home_walks
        Walks (rides by a bicycle taken along) from homes to stops, those over the limit left
        out.
    gate
        The study whose tables hold at the gate's end: after dark where the territory asks
        for safe streets.
    mode
        ``transit``, or the mode of a bicycle taken along.
    """

    index: int
    study: Study
    site: int
    day: ChosenDay
    edge: Edge
    limits: EngineLimits
    run_ids: Int64
    runs: RunArrays
    home_walks: WalkTable
    gate: Study
    mode: str = "transit"

    @cached_property
    def _carried(self) -> Carried | None:
        way = self.gate.feeders.get(self.mode)
        return way if isinstance(way, Carried) else None

    @cached_property
    def oriented(self) -> Timetable:
        """The timetable whose footpaths point the kernel's way."""
        two_way = self.gate.timetables[self.day.kind]
        one_way: OneWay = two_way.mirror if self.edge.returning else two_way.onward
        return one_way.timetable

    @cached_property
    def egress_s(self) -> Int32:
        """Walk (ride) between each stop and the nearest gate, int32 (S,)."""
        if self._carried is not None:
            two_way, side = self.gate.timetables[self.day.kind], int(self.edge.returning)
            return ridden_from(self._carried, two_way, self.site, side)
        found: Int32 = self.gate.egress_s[self.site]
        return found

    @cached_property
    def readers(self) -> dict[str, Reader]:
        """What other modes read from the scan of this edge."""
        if self._carried is not None:
            return {}
        return readers_of(self.study, self.gate, self.site, self.day, self.edge, self.limits)

    @cached_property
    def base_read(self) -> dict[str, Int32]:
        """What they read as things are."""
        return self.read(self._base_scan, self.index_arrays[1], tuple(self.readers))

    @cached_property
    def span_s(self) -> tuple[int, int]:
        """First and last second of the window on the axis of the date."""
        low, high = earliest_of(self.edge, self.limits), deadline_of(self.edge)
        return (-high, -low) if self.edge.returning else (low, high)

    @cached_property
    def index_arrays(self) -> tuple[Int64, Int32, Int32, Int32]:
        """``dep_ptr, dep_time, dep_call, call_pos`` of the window's runs."""
        runs = self.runs
        return stop_index(self.oriented.n_stops, runs.call_stop, runs.call_dep, runs.call_board)

    @cached_property
    def keys(self) -> Int64:
        """Sort keys of the window's departures, ascending."""
        runs, calls = self.runs, self.index_arrays[2]
        return departure_keys(runs.call_stop[calls], runs.call_dep[calls])

    @cached_property
    def walked_s(self) -> Int32:
        """Elapsed seconds of walking all the way, int32 (H,)."""
        if self._carried is not None:
            return np.full(self.study.n_homes, INF, np.int32)
        times = street_times(self.study, self.site, self.day, "walk", self.edge, self.limits)
        return times.elapsed_s

    @cached_property
    def base_s(self) -> Int32:
        """Elapsed seconds as things are, int32 (H,)."""
        if self._carried is not None:
            two_way = self.gate.timetables[self.day.kind]
            return carried_times(
                self._carried, two_way, self.site, self.edge, self.limits
            ).elapsed_s
        return transit_seconds(self.study, self.site, self.day, self.edge, self.limits)

    @cached_property
    def holds(self) -> Bool:
        """Whether the edge holds as things are, bool (H,)."""
        return np.asarray(self.base_s < INF)

    @cached_property
    def is_plain(self) -> bool:
        """Whether its answers follow from the labels of its departures alone.

        Not so where other modes are read from the scan, and where streets walked in the dark
        count: those depend on when one leaves.
        """
        return not self.readers and not self.study.territory.limits.safe_at_night

    @cached_property
    def labelled(self) -> Labelled:
        """The window with its labels by call, to be changed."""
        from mobility.remedies.labels import (
            Labelled,
            fill_newcomers,
            floors,
            newcomers_of,
            useful_times,
        )

        tt, runs, index = self.oriented, self.runs, self.index_arrays
        first, shift, label = self._base_scan
        alight = np.flatnonzero(runs.call_alight)
        order = np.lexsort((runs.call_arr[alight], runs.call_stop[alight]))
        calls = alight[order].astype(np.int32)
        ptr = np.concatenate(
            [[0], np.cumsum(np.bincount(runs.call_stop[calls], minlength=tt.n_stops))]
        ).astype(np.int64)
        stops = np.repeat(np.arange(shift.size - 1), np.diff(shift))
        position = np.arange(shift[-1]) + (first - shift[:-1])[stops]
        reach = np.full((label.shape[0], runs.call_stop.size), INF, np.int32)
        reach[:, index[2][position]] = label
        walks = self.home_walks
        # Windows of the same hours share a table, and so the same turned round.
        near = walks.by_stop
        near_ptr = np.full(tt.n_stops + 1, near.ptr[-1], np.int64)
        near_ptr[: near.ptr.size] = near.ptr
        floor = np.empty((reach.shape[0], tt.n_stops), np.int32)
        ridden = self.looked_up(self._base_scan, index[1], walks)
        at_s = self.bounds.at_s
        leave_s = np.where(ridden < INF, at_s - ridden, self.bounds.earliest_s - 1)
        found = Labelled(
            runs,
            np.repeat(np.arange(self.run_ids.size, dtype=np.int32), np.diff(runs.run_ptr)),
            index[0], index[1], index[2], ptr, runs.call_arr[calls], calls,
            tt.feet, tt.foot_into, self.egress_s, walks.ptr, walks.stop, walks.walk_s,
            near_ptr, near.stop, near.walk_s, leave_s.astype(np.int32), self.base_s, self.walked_s,
            reach, floor, floor.copy(),
            np.empty(tt.n_stops, np.int32), np.empty(tt.n_stops, np.int32),
            newcomers_of(*reach.shape, tt.n_stops),
        )  # fmt: skip
        floors(found, reach, floor, found.hope)
        useful_times(found, self.bounds)
        fill_newcomers(found, self.bounds, found.newcomers)
        # The same labels by departure: another scan finds them where they are asked for again.
        vars(self).pop("_base_scan", None)
        return found

    def lighten(self) -> None:
        """Free the labels, which are found again when next asked for."""
        for name in ("labelled", "_base_scan", "_change_labels", "index_arrays", "keys"):
            vars(self).pop(name, None)

    @cached_property
    def bounds(self) -> Limits:
        """The limits of the edge."""
        from mobility.remedies.labels import Limits

        limits, at_s = self.limits, self.edge.at_s
        return Limits(
            bool(limits.gate_walk_counts),
            bool(limits.home_walk_counts),
            int(earliest_of(self.edge, limits)),
            int(deadline_of(self.edge)),
            int(limits.max_walk_s),
            int(limits.max_wait_s),
            int(-at_s if self.edge.returning else at_s),
        )

    @cached_property
    def workers(self) -> NDArray[np.float64]:
        """Workers of each home, float64 (H,)."""
        return self.study.workers

    @cached_property
    def _base_scan(self) -> tuple[Int64, Int64, Int32]:
        return self.scan(self.runs, self.index_arrays, self.runs.call_alight)

    @cached_property
    def _change_labels(self) -> tuple[Int32, Int32]:
        """Labels with one ride less than the limit, and their least at each stop."""
        _, shift, label = self._base_scan
        floor = np.full(shift.size - 1, INF, np.int32)
        if label.shape[0] == 1:
            return np.full(label.shape[1], INF, np.int32), floor
        row = label[-2]
        stops = np.repeat(np.arange(shift.size - 1), np.diff(shift))
        np.minimum.at(floor, stops, row)
        return row, floor

    @cached_property
    def is_used(self) -> Bool:
        """Whether some boarding of each run of the window leads to a gate, bool (runs,)."""
        used = np.zeros(self.run_ids.size, bool)
        used[used_runs(self.runs, self.index_arrays, self._base_scan)] = True
        return used

    def useful(self, runs: RunArrays) -> Bool:
        """Return the runs put in by which some departure is labelled sooner, bool (runs,)."""
        if runs.run_ptr.size == 1:
            return np.zeros(0, bool)
        from mobility.remedies.kernel import useful_runs

        tt = self.oriented
        first, shift, _ = self._base_scan
        label, floor = self._change_labels
        found: Bool = useful_runs(
            *runs[:6], tt.foot_ptr, tt.foot_stop, tt.foot_walk_s, tt.foot_need_s,
            self.index_arrays[1], first, shift, label, floor, self.egress_s,
            self.limits.gate_walk_counts,
            earliest_of(self.edge, self.limits), deadline_of(self.edge),
            self.limits.max_walk_s, self.limits.max_wait_s,
        )  # fmt: skip
        return found

    def feet_to(self, stops: Bool) -> FootArrays:
        """Return the footpaths to some stops, those over the limit left out."""
        from mobility.remedies.kernel import kept_rows

        tt = self.oriented
        kept = stops[tt.foot_stop] & (tt.foot_walk_s <= self.limits.max_walk_s)
        ptr, place = kept_rows(tt.foot_ptr, kept)
        return FootArrays(ptr, tt.foot_stop[place], tt.foot_walk_s[place], tt.foot_need_s[place])

    def scan(
        self,
        runs: RunArrays,
        index: tuple[Int64, Int32, Int32, Int32],
        alight: Bool,
        feet: FootArrays | None = None,
    ) -> tuple[Int64, Int64, Int32]:
        """Label the departures of some runs, see `mobility.engine.scan.scan_rides`."""
        # Loading the compiler takes half a second, which nobody waits for who asks nothing.
        from mobility.engine.scan import scan_rides

        tt, limits = self.oriented, self.limits
        if feet is None:
            feet = FootArrays(tt.foot_ptr, tt.foot_stop, tt.foot_walk_s, tt.foot_need_s)
        _, dep_time, _, call_pos = index
        first, shift, label = scan_rides(
            (runs.run_ptr, runs.call_stop, runs.call_arr, runs.call_dep, alight, call_pos,
             feet.ptr, feet.stop, feet.walk_s, feet.need_s, *tt.foot_into, dep_time),
            0, runs.run_ptr.size - 1, self.egress_s, limits.gate_walk_counts,
            earliest_of(self.edge, limits), deadline_of(self.edge),
            limits.max_walk_s, limits.max_wait_s, limits.max_transfers + 1,
        )  # fmt: skip
        return first, shift, label

    def looked_up(
        self, scanned: tuple[Int64, Int64, Int32], dep_time: Int32, walks: WalkTable
    ) -> Int32:
        """Return the elapsed seconds of points with walks to stops, ``INF`` where none."""
        from mobility.engine.scan import reach_homes

        limits = self.limits
        leave_s, _, _, _ = reach_homes(
            *scanned, dep_time, walks.ptr, walks.stop, walks.walk_s, limits.home_walk_counts,
            earliest_of(self.edge, limits), limits.max_walk_s,
        )  # fmt: skip
        at_s = -self.edge.at_s if self.edge.returning else self.edge.at_s
        return np.where(leave_s == INF, INF, at_s - leave_s).astype(np.int32)

    def elapsed(
        self, scanned: tuple[Int64, Int64, Int32], dep_time: Int32, walks: WalkTable
    ) -> Int32:
        """Return the elapsed seconds of every home, walking all the way included."""
        ridden = self.looked_up(scanned, dep_time, walks)
        if self._carried is None and self.study.territory.limits.safe_at_night:
            dark = home_in_dark(self.study, self.day, self.edge, times_of(ridden))
            careful = self.looked_up(scanned, dep_time, after_dark(self.study).home_walks)
            ridden = np.where(dark, careful, ridden)
        return np.minimum(ridden, self.walked_s).astype(np.int32)

    def read(
        self, scanned: tuple[Int64, Int64, Int32], dep_time: Int32, modes: Sequence[str]
    ) -> dict[str, Int32]:
        """Return what other modes read from a scan."""

        def at(walks: WalkTable) -> Int32:
            return self.looked_up(scanned, dep_time, walks)

        return {mode: self.readers[mode].read(at) for mode in modes if mode in self.readers}


def windows(study: Study, nets: dict[str, DayNetwork]) -> tuple[Window, ...]:
    """Return one window per site, kind of day and distinct shift edge.

    Modes by which a bicycle is taken along have windows of their own.
    """
    found: dict[tuple[int, str, Edge, str], Window] = {}
    limits = engine_limits(study.territory.limits)
    walks: dict[State, WalkTable] = {}
    for mode in ("transit", *carried_modes(study)):
        for day in study.days:
            for row in study.shift_rows:
                if not study.works_on(row.shift_id, day):
                    continue
                for edge in study.edges(row.shift_id, day):
                    key = (row.site, day.kind, edge, mode)
                    if key not in found:
                        place = (len(found), row.site, mode)
                        here = open_at(study, day, edge)
                        if here.hours not in walks:
                            near = here.home_walks.walk_s <= limits.max_walk_s
                            walks[here.hours] = only_walks(here.home_walks, near)
                        known = walks[here.hours]
                        found[key] = _window(here, nets[day.kind], place, day, edge, limits, known)
    return tuple(found.values())


def _window(
    study: Study,
    network: DayNetwork,
    place: tuple[int, int, str],
    day: ChosenDay,
    edge: Edge,
    limits: EngineLimits,
    walks: WalkTable,
) -> Window:
    low, high = earliest_of(edge, limits), deadline_of(edge)
    if edge.returning:
        low, high = -high, -low
    ids = np.flatnonzero((network.start_s <= high) & (network.end_s >= low)).astype(np.int64)
    runs = _clip_runs(take_runs(network.runs, ids), low, high)
    filled = np.flatnonzero(np.diff(runs.run_ptr) > 0)
    ids, runs = ids[filled], take_runs(runs, filled)
    if edge.returning:
        runs = mirror_runs(runs)
    # First calls let nobody off and last ones nobody on, as in a whole timetable.
    board, alight = runs.call_board.copy(), runs.call_alight.copy()
    board[runs.run_ptr[1:] - 1] = False
    alight[runs.run_ptr[:-1]] = False
    runs = runs._replace(call_board=board, call_alight=alight)
    gate, mode = at_gate(study, day, edge), place[2]
    way = gate.feeders.get(mode)
    if isinstance(way, Carried):
        walks = way.access[int(edge.returning)]
        limits = relaxed(limits, home_walk_counts=False, gate_walk_counts=False)
    return Window(place[0], study, place[1], day, edge, limits, ids, runs, walks, gate, mode)
