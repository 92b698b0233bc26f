"""Can the present vehicles do it? Blocks where the feed tells them, layovers where not.

Assumption without ``block_id``: at the end of a trip the vehicle waits there for the next
trip of its line that leaves from that place (stop or station), first come first served, for
an hour at most. A trip without such a neighbour comes from, or goes to, the depot and is
free to move.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mobility.commute.study import Study
from mobility.remedies.model import DayNetwork, Lever
from mobility.timetable.arrays import INF

Int64 = NDArray[np.int64]

#: Longest layover between two trips of one vehicle, seconds.
MAX_LAYOVER_S = 3600
#: Night of the French labour code, clock hours (Code du travail L3122-2: 21:00 to 06:00).
NIGHT_FROM_S, NIGHT_TO_S, DAY_S = 21 * 3600, 6 * 3600, 24 * 3600


@dataclass(frozen=True)
class Extra:
    """What a lever asks for on one day.

    Attributes
    ----------
    driving_h
        Driving added.
    waiting_h
        Time by which the day of a vehicle and its driver grows: the first trip of a block
        earlier, the last one later.
    night_h
        Driving that was not by night before.
    drivers, vehicles
        Drivers needed beside those there are, where a vehicle would be needed twice at once;
        vehicles, where besides as many are out as the day ever needs.
    """

    driving_h: float
    waiting_h: float
    night_h: float
    drivers: int
    vehicles: int


class Vehicles:
    """Trips before and after each trip of the same vehicle, per kind of day."""

    def __init__(self, study: Study, nets: dict[str, DayNetwork]) -> None:
        self.study, self.nets = study, nets
        # Many moves are of the same trips.
        self._rule, self._overlaps = cache(self._rule_of), cache(self._overlaps_of)

    @cached_property
    def _blocks(self) -> NDArray[np.object_]:
        blocks = self.study.feed.trips["block_id"].fillna("").astype(str).to_numpy(object)
        return np.asarray(blocks, object)

    @cached_property
    def links(self) -> dict[str, dict[int, tuple[int, int]]]:
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
                # A copy of a trip may bear the block of another vehicle.
                if pieces.start_s[two] >= pieces.end_s[one]:
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
        worst = max((self._overlap_s(kind, lever) for kind in self.nets), default=0)
        return max(worst, 0) / 60, self._rule(lever.trips)

    def _rule_of(self, trips: tuple[int, ...]) -> str:
        linked = [
            bool(self._blocks[network.pieces.trip[place]])
            for kind, network in self.nets.items()
            for place in network.places(trips).tolist()
            if self.links[kind].get(place, (-1, -1)) != (-1, -1)
        ]
        return ("block" if any(linked) else "layover") if linked else "none"

    def _overlap_s(self, kind: str, lever: Lever) -> int:
        """Return by how much a day's vehicles are needed twice at once, seconds."""
        before_s, after_s = self._overlaps(kind, lever.trips)
        start_by, end_by = _ends_moved(lever)
        return max(0, before_s - start_by, after_s + end_by)

    def _overlaps_of(self, kind: str, trips: tuple[int, ...]) -> tuple[int, int]:
        """Return by how much, at present, the trips before and after some overlap them, seconds.

        Less than nothing where a vehicle waits between them; the most of all counts.
        """
        pieces, links = self.nets[kind].pieces, self.links[kind]
        moved, before_s, after_s = set(trips), -INF, -INF
        for place in self.nets[kind].places(trips).tolist():
            before, after = links.get(place, (-1, -1))
            if before >= 0 and int(pieces.trip[before]) not in moved:
                before_s = max(before_s, int(pieces.end_s[before]) - int(pieces.start_s[place]))
            if after >= 0 and int(pieces.trip[after]) not in moved:
                after_s = max(after_s, int(pieces.end_s[place]) - int(pieces.start_s[after]))
        return before_s, after_s

    def departs(self, lever: Lever) -> tuple[int, int]:
        """Return line and way of a lever's first trip, and the second at which a copy leaves."""
        trips = self.study.feed.trips
        head = lever.trips[0]
        line = int(trips["route"].iloc[head]) * 4 + int(trips["direction_id"].iloc[head])
        for network in self.nets.values():
            for place in network.places(lever.trips[:1]).tolist():
                return line, int(network.pieces.start_s[place]) + lever.shift_s
        return line, lever.shift_s

    def added_minutes(self, lever: Lever) -> float:
        """Return the driving a lever adds on the day on which it adds most, minutes.

        An extension drives to the gate and back; a run added, or run on more days, drives
        its own length; a trip held keeps its vehicle that much longer, a new stop that of
        each trip that calls there; a move adds nothing.
        """
        if lever.is_move:
            return 0.0
        return max((self._driving_min(n, lever) for n in self.nets.values()), default=0.0)

    def _driving_min(self, network: DayNetwork, lever: Lever) -> float:
        if lever.is_move:
            return 0.0
        if lever.kind in ("hold", "stop"):
            return network.own_places(lever.trips).size * lever.shift_s / 60
        if lever.kind == "extend":
            return network.own_places(lever.trips).size * 2 * lever.drive_s / 60
        pieces = network.pieces
        mine = network.places(lever.trips)
        return float((pieces.end_s[mine] - pieces.start_s[mine]).max(initial=0)) / 60

    def added(self, kind: str, lever: Lever) -> Extra:
        """Return what a lever asks for on one day of a kind on which it is pulled."""
        source = self.nets[lever.source_day or kind]
        pieces = source.pieces
        own = source.own_places(lever.trips).tolist()
        spans = [(int(pieces.start_s[k]), int(pieces.end_s[k])) for k in own]
        by = lever.shift_s if lever.is_move or lever.kind == "add_run" else 0
        moved = [(start + by, end + by) for start, end in spans]
        night_s = sum(map(_night_s, moved))
        if lever.kind not in ("add_run", "lift_school"):
            night_s = max(0, night_s - sum(map(_night_s, spans)))
        new_run = lever.kind in ("add_run", "lift_school")
        short = not new_run and self._overlap_s(kind, lever) > 0
        return Extra(
            self._driving_min(source, lever) / 60,
            sum(self._longer_s(kind, k, lever.shift_s) for k in own) / 3600 if lever.is_move else 0,
            night_s / 3600,
            int(short),
            int((new_run or short) and self._beyond_peak(kind, moved)),
        )

    def _longer_s(self, kind: str, place: int, shift_s: int) -> int:
        """Return by how much the day of a vehicle and its driver grows with a trip's move."""
        before, after = self.links[kind].get(place, (-1, -1))
        alone = before < 0 and after < 0
        grows = (before < 0 and shift_s < 0) or (after < 0 and shift_s > 0)
        return abs(shift_s) if grows and not alone else 0

    def _beyond_peak(self, kind: str, spans: Sequence[tuple[int, int]]) -> bool:
        """Whether as many vehicles as the day ever needs are out already at some of the hours."""
        start, end = self._out[kind]
        if not start.size:
            return True
        out = start.searchsorted(start, side="right") - end.searchsorted(start, side="right")
        peak = int(out.max())
        for low, high in spans:
            within = (start >= low) & (start < high)
            here = start.searchsorted(low, side="right") - end.searchsorted(low, side="right")
            if max(int(here), int(out[within].max(initial=0))) >= peak:
                return True
        return False

    @cached_property
    def _out(self) -> dict[str, tuple[Int64, Int64]]:
        """Departures and arrivals of the trips of each kind of day, each sorted."""
        found = {}
        for kind, network in self.nets.items():
            pieces = network.pieces
            own = network.timetable.run_day[pieces.run] == 0
            found[kind] = (np.sort(pieces.start_s[own]), np.sort(pieces.end_s[own]))
        return found


def _night_s(span: tuple[int, int]) -> int:
    """Return how much of a span of time lies between 21:00 and 06:00, seconds."""
    start, end = span
    nights = [(d * DAY_S + NIGHT_FROM_S, (d + 1) * DAY_S + NIGHT_TO_S) for d in range(-2, 3)]
    return sum(max(0, min(end, high) - max(start, low)) for low, high in nights)


def _groups(blocks: list[str], own: Int64) -> list[list[int]]:
    found: dict[str, list[int]] = {}
    for block, place in zip(blocks, own.tolist(), strict=True):
        if block:
            found.setdefault(block, []).append(place)
    return list(found.values())


def _ends_moved(lever: Lever) -> tuple[int, int]:
    """Return by how much later a lever needs a trip's vehicle from and until, seconds."""
    if lever.is_move:
        return lever.shift_s, lever.shift_s
    if lever.kind in ("hold", "stop"):
        return 0, lever.shift_s
    return (-2 * lever.drive_s, 0) if lever.at_start else (0, 2 * lever.drive_s)
