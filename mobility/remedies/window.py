"""One shift edge and the runs around it: where levers are tried without a new timetable.

A run can only matter to an edge whose window of departures it touches, before or after it
is moved. So each edge keeps the part of the timetable inside its window; the changed runs
of a whole family of levers are inserted into it once, and each lever switches its own runs
on. The answers are those of a scan of the whole changed timetable, to the second.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mobility.commute.door_to_door import home_in_dark, street_times, transit_times
from mobility.commute.feeder_modes import Carried, carried_times, ridden_from
from mobility.commute.study import Study
from mobility.commute.variants import after_dark
from mobility.engine.journeys import (
    Edge,
    EngineLimits,
    OneWay,
    deadline_of,
    earliest_of,
)
from mobility.remedies.family import Family
from mobility.remedies.modes import (
    Changed,
    Reader,
    readers_of,
    riding_modes,
    times_of,
)
from mobility.remedies.runs import (
    departure_keys,
    labelled_stops,
    only_walks,
    some_rows,
    used_runs,
)
from mobility.sources.days import ChosenDay
from mobility.timetable.arrays import (
    INF,
    FootArrays,
    RunArrays,
    Timetable,
    mirror_runs,
    stop_index,
    take_runs,
)
from mobility.timetable.footpaths import WalkTable
from mobility.timetable.trips import join_runs

Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]


#: An array of its own: an empty slice would keep what it was cut from.
_NOBODY = np.zeros(0, np.int32)


@dataclass(frozen=True)
class EdgeEffect:
    """What one lever does to one edge.

    Attributes
    ----------
    window
        Index of the edge's window.
    gained, lost : int32[]
        Homes whose direction holds after and not before, and the reverse.
    saved_s
        Seconds times workers saved by those who hold before and after (less than zero:
        lost).
    homes, elapsed_s : int32[]
        Homes whose time changes and their new time; kept on request only, else empty.
    others
        What changes for modes that are read from the same scan, see `levers_modes`.
    """

    window: int
    gained: Int32
    lost: Int32
    saved_s: float
    homes: Int32
    elapsed_s: Int32
    others: Mapping[str, Changed] = field(default_factory=dict)


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
        return transit_times(self.study, self.site, self.day, self.edge, self.limits).elapsed_s

    @cached_property
    def workers(self) -> NDArray[np.float64]:
        """Workers of each home, float64 (H,)."""
        return self.study.workers

    @cached_property
    def by_hold(self) -> tuple[tuple[Int32, WalkTable], tuple[Int32, WalkTable]]:
        """Homes that do not hold this edge, and those that do by riding alone, with their walks."""
        rides = (self.base_s < INF) & (self.walked_s == INF)
        out_of_reach, riders = (
            np.flatnonzero(some).astype(np.int32) for some in (self.base_s == INF, rides)
        )
        walks = self.home_walks
        return (out_of_reach, some_rows(walks, out_of_reach)), (riders, some_rows(walks, riders))

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

    def effects(self, tried: Family, *, keep_times: bool = False) -> dict[int, EdgeEffect]:
        """Return the members that change this edge's answers, with what they change."""
        trial = self.trial(tried)
        return {} if trial is None else trial.effects(keep_times=keep_times)

    def trial(self, tried: Family) -> Trial | None:
        """Return a family put into the window; None where it changes no answer."""
        place = self.run_ids.searchsorted(tried.removed)
        inside = place < self.run_ids.size
        inside[inside] = self.run_ids[place[inside]] == tried.removed[inside]
        gone = place[inside]
        low, high = self.span_s
        near = np.flatnonzero((tried.start_s <= high) & (tried.end_s >= low))
        added = take_runs(tried.added, near)
        if self.edge.returning:
            added = mirror_runs(added)
        useful = self._useful(added)
        live = np.unique(tried.member[near[useful]])
        loses = bool(self.is_used[gone].any())
        if not loses and not live.size:
            return None
        # All runs of a live member: one may be of use through another.
        kept = np.flatnonzero(np.isin(tried.member[near], live))
        put = take_runs(added, kept), tried.member[near[kept]]
        return Trial(self, *put, gone, live, tried.count if loses else 0)

    def _useful(self, runs: RunArrays) -> Bool:
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
            runs.run_ptr, runs.call_stop, runs.call_arr, runs.call_dep, alight, call_pos,
            feet.ptr, feet.stop, feet.walk_s, feet.need_s, *tt.foot_into, dep_time,
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


class Trial:
    """The runs of a family put into a window, to be switched on member by member.

    One scan with the runs of every member switched on bounds the labels of each of them
    from below: runs and homes that it does not reach are left out of the members' scans.

    Parameters
    ----------
    added, member
        Runs of the members that may change an answer by what they put in, and whose they are.
    gone
        Places in the window of the runs that every member takes out.
    live
        Those members.
    losing
        Members that may change an answer by what they take out: the first so many.
    """

    def __init__(
        self,
        window: Window,
        added: RunArrays,
        member: Int32,
        gone: Int64,
        live: Int32,
        losing: int,
    ) -> None:
        self.window, self.live, self.losing = window, live, losing
        self._scanned: dict[int, tuple[Int64, Int64, Int32]] = {}
        self._index = _inserted(window, added)
        self._runs = join_runs([window.runs, added])
        self._member, self._alight = member, self._runs.call_alight.copy()
        for run in gone:
            self._alight[window.runs.run_ptr[run] : window.runs.run_ptr[run + 1]] = False
        self._bound = window.scan(self._runs, self._index, self._alight)

    def turning(self) -> set[int]:
        """Return the members by which a home may begin, or cease, to hold this edge.

        None begins that does not with every member's runs at once, and none ceases that holds
        with none of them: members are asked for the homes between. What walks in the dark depends
        on when one leaves: there, and where other modes are read from the scan, none is ruled out.
        """
        window, live = self.window, self.live.tolist()
        if window.readers or window.study.territory.limits.safe_at_night:
            return {*live, *range(self.losing)}
        homes = self._between()
        if not homes.size:
            return set()
        walks, held = some_rows(window.home_walks, homes), window.base_s[homes] < INF
        found = {m for m in live if self._turns(m, walks, held)}
        alike = set(range(self.losing)).difference(live)
        return found | alike if alike and self._turns(-1, walks, held) else found

    def _between(self) -> Int32:
        """Return the homes that begin to hold with every member's runs, or cease with none."""
        window = self.window
        (out_of_reach, walks), (riders, their_walks) = window.by_hold
        begins = window.looked_up(self._bound, self._index[1], walks) < INF
        if not self.losing:
            return out_of_reach[begins]
        size = window.runs.call_stop.size
        without = window.scan(window.runs, window.index_arrays, self._alight[:size])
        ceases = window.looked_up(without, window.index_arrays[1], their_walks) == INF
        return np.concatenate([out_of_reach[begins], riders[ceases]])

    def _turns(self, member: int, walks: WalkTable, held: Bool) -> bool:
        scanned = self._scan(member)
        times = self.window.looked_up(scanned, self._kept[1][1], walks)
        turns = bool(((times < INF) != held).any())
        if turns:
            self._scanned[member] = scanned
        return turns

    def _scan(self, member: int) -> tuple[Int64, Int64, Int32]:
        """Return the labels with one member's runs alone (-1: with none)."""
        if member in self._scanned:
            return self._scanned[member]
        runs, index, owner = self._kept
        on = (owner == -1) | (owner == member)
        return self.window.scan(runs, index, runs.call_alight & on, self._feet)

    @cached_property
    def _kept(self) -> tuple[RunArrays, tuple[Int64, Int32, Int32, Int32], Int32]:
        """Runs that some member's scan could label, their index, whose each call is."""
        window = self.window
        used = used_runs(self._runs, self._index, self._bound)
        runs = take_runs(self._runs, used)
        index = stop_index(window.oriented.n_stops, runs.call_stop, runs.call_dep, runs.call_board)
        owner = np.concatenate([np.full(window.run_ids.size, -1, np.int32), self._member])[used]
        return runs, index, np.repeat(owner, np.diff(runs.run_ptr))

    @cached_property
    def _labelled(self) -> Bool:
        return labelled_stops(self._bound)

    @cached_property
    def _feet(self) -> FootArrays:
        """Walks between stops that lead to a labelled departure."""
        return self.window.feet_to(self._labelled)

    @cached_property
    def _walks(self) -> WalkTable:
        """Walks from homes to a labelled departure."""
        walks = self.window.home_walks
        return only_walks(walks, self._labelled[walks.stop])

    def effects(
        self, members: Collection[int] | None = None, *, keep_times: bool = False
    ) -> dict[int, EdgeEffect]:
        """Return the members that change the edge's answers, all or some asked for."""
        live = self.live.tolist()
        asked = range(self.losing) if members is None else sorted(members)
        found = {m: self._effect(m, keep_times) for m in live if members is None or m in members}
        alike = [m for m in asked if m < self.losing and m not in found]
        if alike:
            found |= dict.fromkeys(alike, self._effect(-1, keep_times))
        return {m: e for m, e in sorted(found.items()) if e is not None}

    def _effect(self, member: int, keep_times: bool) -> EdgeEffect | None:
        """Return what changes with one member's runs alone (-1: with none)."""
        window, dep_time, scanned = self.window, self._kept[1][1], self._scan(member)
        elapsed_s = window.elapsed(scanned, dep_time, self._walks)
        before = window.base_s
        homes = np.flatnonzero(elapsed_s != before).astype(np.int32)
        others = self._others(scanned, dep_time, keep_times) if window.readers else {}
        if not homes.size and not others:
            return None
        held, holds = before[homes] < INF, elapsed_s[homes] < INF
        both = homes[held & holds]
        saved = (before[both] - elapsed_s[both]) @ window.workers[both]
        return EdgeEffect(
            window.index,
            homes[holds & ~held],
            homes[held & ~holds],
            float(saved),
            homes if keep_times else _NOBODY,
            elapsed_s[homes] if keep_times else _NOBODY,
            others,
        )

    def _others(
        self, scanned: tuple[Int64, Int64, Int32], dep_time: Int32, keep_times: bool
    ) -> dict[str, Changed]:
        """Return what changes for the other modes that count, or for all with their times."""
        window = self.window
        modes = riding_modes(window.study, counting=not keep_times)
        found = {}
        for mode, after in window.read(scanned, dep_time, modes).items():
            rows = np.flatnonzero(after != window.base_read[mode]).astype(np.int32)
            if rows.size:
                found[mode] = Changed(rows, after[rows])
        return found


def _inserted(window: Window, added: RunArrays) -> tuple[Int64, Int32, Int32, Int32]:
    """Return the stop-major index of the window's runs followed by the added ones."""
    dep_ptr, dep_time, dep_call, _ = window.index_arrays
    size = window.runs.call_stop.size
    is_last = np.zeros(added.call_stop.size, bool)
    is_last[added.run_ptr[1:] - 1] = True
    calls = np.flatnonzero(added.call_board & ~is_last)
    stop, dep = added.call_stop[calls], added.call_dep[calls]
    order = np.lexsort((dep, stop))
    calls, stop, dep = calls[order], stop[order], dep[order]
    at = window.keys.searchsorted(departure_keys(stop, dep), side="right")
    new_call = np.insert(dep_call, at, calls + size).astype(np.int32)
    counts = np.bincount(stop, minlength=dep_ptr.size - 1)
    new_ptr = dep_ptr + np.concatenate([[0], np.cumsum(counts)])
    positions = np.full(size + added.call_stop.size, -1, np.int32)
    positions[new_call] = np.arange(new_call.size, dtype=np.int32)
    return new_ptr, np.insert(dep_time, at, dep).astype(np.int32), new_call, positions
