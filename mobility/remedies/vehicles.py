"""Can the present vehicles do it? Blocks where the feed tells them, layovers where not.

Assumption without ``block_id``: at the end of a trip the vehicle waits there for the next
trip of its line that leaves from that place (stop or station), first come first served, for
an hour at most. A trip without such a neighbour comes from, or goes to, the depot and is
free to move.
"""

from __future__ import annotations

from collections import deque
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mobility.commute.study import Study
from mobility.remedies.model import DayNetwork, Lever, Pieces

Int64 = NDArray[np.int64]

#: Longest layover between two trips of one vehicle, seconds.
MAX_LAYOVER_S = 3600


class Vehicles:
    """Trips before and after each trip of the same vehicle, per kind of day."""

    def __init__(self, study: Study, nets: dict[str, DayNetwork]) -> None:
        self.study, self.nets = study, nets

    @cached_property
    def _blocks(self) -> NDArray[np.object_]:
        blocks = self.study.feed.trips["block_id"].fillna("").astype(str).to_numpy(object)
        return np.asarray(blocks, object)

    @cached_property
    def _links(self) -> dict[str, dict[int, tuple[int, int]]]:
        """Place, among the day's pieces, of the piece before and after each (-1: none)."""
        return {kind: self._linked(network) for kind, network in self.nets.items()}

    def _linked(self, network: DayNetwork) -> dict[int, tuple[int, int]]:
        pieces, tt = network.pieces, network.timetable
        own = np.flatnonzero(tt.run_day[pieces.run] == 0)
        blocks = self._blocks[pieces.trip[own]]
        before: dict[int, int] = {}
        after: dict[int, int] = {}
        for mine in _groups(blocks.tolist(), own):
            mine.sort(key=lambda k: (int(pieces.start_s[k]), int(pieces.end_s[k])))
            for one, two in pairwise(mine):
                after[one], before[two] = two, one
        for one, two in self._layovers(network, own[blocks == ""]):
            after[one], before[two] = two, one
        return {int(k): (before.get(int(k), -1), after.get(int(k), -1)) for k in own}

    def _layovers(self, network: DayNetwork, own: Int64) -> list[tuple[int, int]]:
        """Pair each arrival with the next departure of its line from the same place."""
        pieces, tt = network.pieces, network.timetable
        feed = self.study.feed
        parent = feed.stops["parent"].to_numpy()
        station = np.where(parent >= 0, parent, feed.own_stop)
        route = self.study.feed.trips["route"].to_numpy()
        events: list[tuple[int, int, int]] = []
        for k in own.tolist():
            events.append((int(pieces.end_s[k]), 0, k))
            events.append((int(pieces.start_s[k]), 1, k))
        waiting: dict[tuple[int, int], deque[int]] = {}
        found = []
        for at_s, leaving, k in sorted(events):
            call = pieces.first_call[k] if leaving else pieces.last_call[k]
            key = (int(route[pieces.trip[k]]), int(station[tt.call_stop[call]]))
            queue = waiting.setdefault(key, deque())
            if not leaving:
                queue.append(k)
                continue
            while queue and at_s - pieces.end_s[queue[0]] > MAX_LAYOVER_S:
                queue.popleft()
            if queue:
                found.append((queue.popleft(), k))
        return found

    def conflict(self, lever: Lever) -> tuple[float, str]:
        """Return the worst overlap, minutes, of the vehicles a lever moves, and the rule used.

        A vehicle may leave again in the second in which it arrives.
        """
        if lever.kind in ("add_run", "lift_school"):
            return 0.0, "new"
        worst, rule = 0.0, "none"
        for kind, network in self.nets.items():
            pieces = network.pieces
            links = self._links[kind]
            moved = set(lever.trips)
            for place in _places(pieces, lever.trips):
                before, after = links.get(place, (-1, -1))
                if before < 0 and after < 0:
                    continue
                known = bool(self._blocks[pieces.trip[place]])
                rule = "block" if known or rule == "block" else "layover"
                start_s, end_s = _moved_ends(pieces, place, lever)
                if before >= 0 and int(pieces.trip[before]) not in moved:
                    worst = max(worst, float(pieces.end_s[before] - start_s))
                if after >= 0 and int(pieces.trip[after]) not in moved:
                    worst = max(worst, float(end_s - pieces.start_s[after]))
        return max(worst, 0.0) / 60, rule

    def added_minutes(self, lever: Lever) -> float:
        """Return the driving a lever adds on one day, minutes.

        An extension drives to the gate and back; a run added, or run on more days, drives
        its own length; a trip held keeps its vehicle that much longer, a new stop that of
        each trip that calls there; a move adds nothing.
        """
        if lever.is_move:
            return 0.0
        if lever.kind == "hold":
            return lever.shift_s / 60
        if lever.kind == "stop":
            calls = max((self._own(n, lever.trips) for n in self.nets.values()), default=0)
            return calls * lever.shift_s / 60
        if lever.kind == "extend":
            return 2 * lever.drive_s / 60
        longest = 0.0
        for network in self.nets.values():
            places = _places(network.pieces, lever.trips)
            for place in places:
                length_s = int(network.pieces.end_s[place]) - int(network.pieces.start_s[place])
                longest = max(longest, length_s / 60)
        return longest

    @staticmethod
    def _own(network: DayNetwork, trips: tuple[int, ...]) -> int:
        """Return how many runs of the service day itself are some trips."""
        pieces = network.pieces
        own = network.timetable.run_day[pieces.run] == 0
        return int(np.isin(pieces.trip[own], trips).sum())


def _groups(blocks: list[str], own: Int64) -> list[list[int]]:
    found: dict[str, list[int]] = {}
    for block, place in zip(blocks, own.tolist(), strict=True):
        if block:
            found.setdefault(block, []).append(place)
    return list(found.values())


def _places(pieces: Pieces, trips: tuple[int, ...]) -> list[int]:
    found: list[int] = []
    for trip in trips:
        low = int(pieces.trip.searchsorted(trip, side="left"))
        high = int(pieces.trip.searchsorted(trip, side="right"))
        found += range(low, high)
    return found


def _moved_ends(pieces: Pieces, place: int, lever: Lever) -> tuple[int, int]:
    """Return when the vehicle is needed from and until, after the lever is pulled."""
    start_s, end_s = int(pieces.start_s[place]), int(pieces.end_s[place])
    if lever.is_move:
        return start_s + lever.shift_s, end_s + lever.shift_s
    if lever.kind in ("hold", "stop"):
        return start_s, end_s + lever.shift_s
    if lever.at_start:
        return start_s - 2 * lever.drive_s, end_s
    return start_s, end_s + 2 * lever.drive_s
