"""Levers tried on one shift edge: its labels are mended, or its changed window scanned whole.

The answers are those of a scan of the whole changed timetable, to the second. Where nothing but
the labels of departures counts, `Repair` finds them soonest. Else the changed runs of a whole
family of levers are inserted into the window once, and each lever switches its own on: `Trial`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import cached_property
from itertools import pairwise
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from mobility.base.arrays import Bool, Int32, Int64
from mobility.remedies.family import Families, Family
from mobility.remedies.model import EdgeEffect
from mobility.remedies.modes import Changed, riding_modes
from mobility.remedies.window import Window, departure_keys, only_walks, used_runs
from mobility.timetable.arrays import (
    INF,
    FootArrays,
    RunArrays,
    join_runs,
    mirror_runs,
    stop_index,
    take_runs,
)
from mobility.timetable.footpaths import WalkTable

#: An array of its own: an empty slice would keep what it was cut from.
_NOBODY = np.zeros(0, np.int32)
#: What most effects change for modes read from the same scan: one mapping for all of them.
_NOTHING: Mapping[str, Changed] = MappingProxyType({})


class Repair:
    """Families tried on a window of which `Window.is_plain` is true: its labels are mended.

    The answers are those of `Trial`.

    Parameters
    ----------
    near : int64[]
        Those that have a run in the window; all by default.
    """

    def __init__(self, window: Window, tried: Families, near: Int64 | None = None) -> None:
        self.window, self._tried = window, tried
        count, self._n_members = tried.first.size - 1, int(tried.first[-1])
        #: Families of which not all is known yet.
        self._left = np.zeros(count, bool)
        self._left[np.arange(count) if near is None else near] = True
        #: Row of each member, then of the rest of each family; -1 where there is none.
        self._row = np.full(self._n_members + count, -1, np.int64)
        #: Where each row ends; homes that change and their new times, row after row.
        self._ends = np.zeros(1, np.int64)
        self._homes, self._elapsed_s = _NOBODY, _NOBODY

    def turning(self) -> set[int]:
        """Return the members by which a home may begin, or cease, to hold this edge."""
        turned = self._try(np.flatnonzero(self._left), np.zeros(0, bool))
        found = set(turned[turned >= 0].tolist())
        for family in (-1 - turned[turned < 0]).tolist():
            low, high = self._tried.first[[family, family + 1]].tolist()
            found.update((low + np.flatnonzero(self._row[low:high] < 0)).tolist())
        return found

    def effects(
        self, members: Collection[int] | None = None, *, keep_times: bool = False
    ) -> dict[int, EdgeEffect]:
        """Return the members that change the edge's answers, all or some asked for."""
        n_members = self._n_members
        wanted = np.array(sorted(range(n_members) if members is None else members), np.int64)
        number = self._tried.first.searchsorted(wanted, side="right") - 1
        asked = np.zeros(n_members, bool)
        asked[wanted] = self._row[wanted] < 0
        self._try(np.unique(number[self._left[number] & asked[wanted]]), asked)
        row = self._row[wanted]
        row = np.where(row < 0, self._row[n_members + number], row)
        some = row >= 0
        some[some] = np.diff(self._ends)[row[some]] > 0
        rows, place = np.unique(row[some], return_inverse=True)
        told = self._told(rows, keep_times)
        return dict(zip(wanted[some].tolist(), (told[k] for k in place.tolist()), strict=True))

    def _try(self, numbers: Int64, asked: Bool) -> Int64:
        """Try some families; return the members, or the rest of some, by which someone turns.

        The rest of a family, all its members that put in nothing that matters, is ``-1 - family``.
        """
        if not numbers.size:
            return numbers
        # Loading the compiler takes half a second, which nobody waits for who asks nothing.
        from mobility.remedies.members import IDLE, PARTLY, try_families

        window, tried = self.window, self._tried
        state, member_of, ptr, turned, homes, elapsed_s = try_families(
            window.labelled,
            window.bounds,
            _Tried(tried.removed, tried.removed_ptr, tried.added_ptr, tried.member, tried.first),
            tried.mirrored if window.edge.returning else tried.added,
            window.run_ids,
            numbers,
            asked,
        )
        # Of those asked for by name, others of the family may be asked for later.
        known = state == IDLE if asked.size else state != PARTLY
        self._left[numbers[known]] = False
        slot = np.where(member_of >= 0, member_of, self._n_members - 1 - member_of)
        self._row[slot] = self._ends.size - 1 + np.arange(slot.size)
        self._ends = np.concatenate([self._ends, self._ends[-1] + ptr[1:]])
        self._homes = np.concatenate([self._homes, homes])
        self._elapsed_s = np.concatenate([self._elapsed_s, elapsed_s])
        return np.asarray(member_of[turned], np.int64)

    def _told(self, rows: Int64, keep_times: bool) -> list[EdgeEffect]:
        """Return what changes by each of some rows, none of which is empty."""
        if not rows.size:
            return []
        sizes = self._ends[rows + 1] - self._ends[rows]
        place = np.repeat(np.arange(rows.size), sizes)
        at = np.arange(place.size) + np.repeat(self._ends[rows + 1] - np.cumsum(sizes), sizes)
        order = np.argsort(place * self.window.study.n_homes + self._homes[at])
        homes, elapsed_s = self._homes[at][order], self._elapsed_s[at][order]
        return _effects_of(self.window, homes, elapsed_s, place, keep_times)


class _Tried(NamedTuple):
    """Families as kernels see them, see `Families`."""

    removed: Int64
    removed_ptr: Int64
    added_ptr: Int64
    member: Int32
    first: Int64


def _effects_of(
    window: Window, homes: Int32, elapsed_s: Int32, place: Int64, keep_times: bool
) -> list[EdgeEffect]:
    """Return what some levers change, one after the other.

    Parameters
    ----------
    homes, elapsed_s
        The homes whose time changes, and their new time, by lever and ascending.
    place : int64[]
        Lever of each; every one has some.
    """
    before = window.base_s[homes]
    held, holds = before < INF, elapsed_s < INF
    both = held & holds
    saved = (before - elapsed_s)[both] * window.workers[homes[both]]
    count = int(place[-1]) + 1
    saved_s = np.asarray(np.bincount(place[both], saved, count), np.float64).tolist()
    ends = np.arange(count + 1)

    def parts(values: Int32, kept: Bool) -> list[Int32]:
        values, cuts = values[kept], place[kept].searchsorted(ends).tolist()
        # One empty array for all: most levers gain, or lose, nobody.
        return [values[low:high] if high > low else _NOBODY for low, high in pairwise(cuts)]

    kept = np.full(homes.size, keep_times)
    times = parts(homes, kept), parts(elapsed_s, kept)
    rows = zip(
        parts(homes, holds & ~held), parts(homes, held & ~holds), saved_s, *times, strict=True
    )
    return [EdgeEffect(window.index, *row, _NOTHING) for row in rows]


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
    count
        Members of the family.
    """

    def __init__(
        self,
        window: Window,
        added: RunArrays,
        member: Int32,
        gone: Int64,
        live: Int32,
        losing: int,
        count: int,
    ) -> None:
        self.window, self.live, self.losing, self.count = window, live, losing, count
        self._index = _inserted(window, added)
        self._runs = join_runs([window.runs, added])
        self._member, self._alight = member, self._runs.call_alight.copy()
        for run in gone:
            self._alight[window.runs.run_ptr[run] : window.runs.run_ptr[run + 1]] = False
        self._bound = window.scan(self._runs, self._index, self._alight)

    def turning(self) -> set[int]:
        """Return the members that may change an answer: here none of them is ruled out.

        What walks in the dark depends on when one leaves, and other modes are read from the scan.
        """
        return {*self.live.tolist(), *range(self.losing)}

    def _scan(self, member: int) -> tuple[Int64, Int64, Int32]:
        """Return the labels with one member's runs alone (-1: with none)."""
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
        """Whether each stop has a departure that some member may label."""
        _, shift, label = self._bound
        labelled = np.zeros(shift.size - 1, bool)
        stops = np.repeat(np.arange(shift.size - 1), np.diff(shift))
        labelled[stops[label[-1] < INF]] = True
        return labelled

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
        place = np.zeros(homes.size, np.int64)
        if not homes.size:
            return EdgeEffect(window.index, _NOBODY, _NOBODY, 0.0, _NOBODY, _NOBODY, others)
        (effect,) = _effects_of(window, homes, elapsed_s[homes], place, keep_times)
        return replace(effect, others=others or _NOTHING)

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


def put_in(window: Window, tried: Family) -> Trial | None:
    """Return a family put into a window; None where it changes no answer."""
    place = window.run_ids.searchsorted(tried.removed)
    inside = place < window.run_ids.size
    inside[inside] = window.run_ids[place[inside]] == tried.removed[inside]
    gone = place[inside]
    low, high = window.span_s
    runs = tried.added
    start_s, end_s = runs.call_dep[runs.run_ptr[:-1]], runs.call_arr[runs.run_ptr[1:] - 1]
    near = np.flatnonzero((start_s <= high) & (end_s >= low))
    added = take_runs(runs, near)
    if window.edge.returning:
        added = mirror_runs(added)
    mine = tried.member[near]
    is_live = np.zeros(tried.count, bool)
    is_live[mine[window.useful(added)]] = True
    live = np.flatnonzero(is_live).astype(np.int32)
    loses = bool(window.is_used[gone].any())
    if not loses and not live.size:
        return None
    # All runs of a live member: one may be of use through another.
    kept = np.flatnonzero(is_live[mine])
    put = take_runs(added, kept), mine[kept]
    return Trial(window, *put, gone, live, tried.count if loses else 0, tried.count)


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
