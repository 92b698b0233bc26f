"""Which vehicle runs what: the fewest vehicles, then the least empty driving.

Runs are chained into vehicle blocks by a minimum-cost matching, the textbook single-depot
vehicle-scheduling problem (Bunte and Kliewer, 2009): every run has one predecessor, the
depot or a run it can follow; opening a vehicle costs more than all empty driving
together, so the number of blocks is the least possible.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from mobility.base.clock import DAY_S
from mobility.shuttles.model import DAY_CUT_S, UNREACHED, Drive, Floats, Ints, Run
from mobility.territory.rosters import ALL_YEAR

_IDLE_AT_STOP_S = 2700


@dataclass(frozen=True)
class Trip:
    """A run on one calendar day: the run's index and its times on that day's axis."""

    run: int
    start_s: int
    end_s: int
    origin: int
    destination: int
    metres: float
    vehicle: int


@dataclass(frozen=True)
class Move:
    """One thing a vehicle does: ``run`` with riders, ``empty`` driving or ``wait``."""

    kind: Literal["run", "empty", "wait"]
    start_s: int
    end_s: int
    origin: int
    destination: int
    metres: float
    run: int = -1


@dataclass(frozen=True)
class Block:
    """The day of one vehicle: pieces between two visits of the depot, each a list of moves."""

    pieces: tuple[tuple[Move, ...], ...]
    vehicle: int

    @property
    def trips(self) -> tuple[int, ...]:
        """Indices of the runs, in order."""
        return tuple(m.run for piece in self.pieces for m in piece if m.kind == "run")

    @property
    def start_s(self) -> int:
        """Leaving the depot."""
        return self.pieces[0][0].start_s

    @property
    def end_s(self) -> int:
        """Back at the depot."""
        return self.pieces[-1][-1].end_s

    def metres(self, kind: str) -> float:
        """Return the metres driven as ``run`` or ``empty``."""
        return self._metres[kind]

    @cached_property
    def _metres(self) -> dict[str, float]:
        found = dict.fromkeys(("run", "empty", "wait"), 0.0)
        for piece in self.pieces:
            for move in piece:
                found[move.kind] += move.metres
        return found


def day_trips(
    runs: Sequence[Run], weekday: int, kinds: Sequence[str], season: int = ALL_YEAR
) -> list[Trip]:
    """Return the trips of one operating day, from 03:00 to 03:00.

    Parameters
    ----------
    runs
        Runs on the axis of their shift's date.
    weekday
        0 Monday to 6 Sunday.
    kinds
        Kind of day of each weekday of the week, seven of them.
    season
        Part of the year, see `rosters.season_of`.
    """
    trips = []
    for index, run in enumerate(runs):
        late = (run.start_s - DAY_CUT_S) // DAY_S
        date = (weekday - late) % 7
        if date in run.weekdays and kinds[date] in run.day_kinds and run.season & season:
            shift = late * DAY_S
            trips.append(
                Trip(index, run.start_s - shift, run.end_s - shift, run.calls[0], run.calls[-1],
                     run.metres, run.vehicle)
            )  # fmt: skip
    return sorted(trips, key=lambda t: (t.start_s, t.end_s, t.run))


def chain_trips(
    trips: Sequence[Trip], drive: Drive, depot: int, *, turnaround_s: int, vehicle: int
) -> list[Block]:
    """Chain one day's trips into the fewest blocks with the least empty metres.

    Parameters
    ----------
    trips
        Sorted by start.
    drive
        Between places.
    depot
        Where blocks start and end.
    turnaround_s
        Kept between two trips.
    vehicle
        Size that runs these blocks.
    """
    follow = _successors(trips, drive, depot, turnaround_s)
    blocks = []
    starts = sorted(set(range(len(trips))) - set(follow.values()))
    for first in starts:
        chain = [first]
        while chain[-1] in follow:
            chain.append(follow[chain[-1]])
        blocks.append(block_of([trips[k] for k in chain], drive, depot, turnaround_s, vehicle))
    return blocks


def _empty(drive: Drive, a: int, b: int) -> tuple[int, float]:
    if a == b:
        return 0, 0.0
    seconds = int(drive.seconds[a, b])
    return seconds, float(drive.metres[a, b]) if seconds < UNREACHED else 0.0


def _via_depot(one: Trip, two: Trip, drive: Drive, depot: int, turnaround_s: int) -> bool:
    """Whether the vehicle goes home between two trips: it would idle too long where it is."""
    back, _ = _empty(drive, one.destination, depot)
    out, _ = _empty(drive, depot, two.origin)
    gap = two.start_s - one.end_s
    return back + out + turnaround_s + _IDLE_AT_STOP_S <= gap


def _successors(
    trips: Sequence[Trip], drive: Drive, depot: int, turnaround_s: int
) -> dict[int, int]:
    """Match each trip with the one its vehicle does next.

    Rows are trips; columns are trips, then the depot once for each. Following costs what it
    adds to going home and taking another vehicle out; going home costs nothing.
    """
    from scipy.optimize import linear_sum_assignment

    n = len(trips)
    if n < 2:
        return {}
    start, end, origin, destination = (
        np.array([getattr(t, field) for t in trips], np.int32)
        for field in ("start_s", "end_s", "origin", "destination")
    )
    base = np.array([depot], np.int32)
    home, out = _empties(drive, destination, base)[:, 0], _empties(drive, base, origin)[0]
    empty, gap = _empties(drive, destination, origin), start - end[:, None]
    can = _seconds(drive, destination, origin) + turnaround_s <= gap
    np.fill_diagonal(can, val=False)
    there = _seconds(drive, destination, base) + _seconds(drive, base, origin)
    empty = np.where(there + turnaround_s + _IDLE_AT_STOP_S <= gap, home[:, None] + out, empty)
    # Between equals, the shorter wait.
    more = np.rint(empty) + gap / DAY_S - home[:, None] - out
    vehicle = 1.0 + 2 * n * float(max(np.abs(more).max(), home.max(), out.max()))
    cost = np.zeros((n, 2 * n))
    cost[:, :n] = np.where(can, more - vehicle, np.inf)
    rows, columns = linear_sum_assignment(cost)
    return {int(i): int(j) for i, j in zip(rows, columns, strict=True) if j < n}


def _empties(drive: Drive, a: Ints, b: Ints) -> Floats:
    """Return float64[a,b]: metres of empty driving, none where there is no way to drive."""
    metres = np.where(drive.seconds[np.ix_(a, b)] < UNREACHED, drive.metres[np.ix_(a, b)], 0.0)
    return np.where(a[:, None] == b, 0.0, metres)


def _seconds(drive: Drive, a: Ints, b: Ints) -> Ints:
    """Return int64[a,b]: seconds of empty driving."""
    same = a[:, None] == b
    return np.where(same, 0, drive.seconds[np.ix_(a, b)].astype(np.int64))


def block_of(chain: list[Trip], drive: Drive, depot: int, turnaround_s: int, vehicle: int) -> Block:
    """Return the block that drives a chain of trips; see `chain_trips`."""
    pieces: list[tuple[Move, ...]] = []
    moves: list[Move] = []

    def leave(trip: Trip) -> None:
        seconds, metres = _empty(drive, depot, trip.origin)
        start = trip.start_s - turnaround_s - seconds
        moves.append(Move("empty", start, start + seconds, depot, trip.origin, metres))
        moves.append(Move("wait", start + seconds, trip.start_s, trip.origin, trip.origin, 0.0))

    def come_home(trip: Trip) -> None:
        seconds, metres = _empty(drive, trip.destination, depot)
        moves.append(
            Move("empty", trip.end_s, trip.end_s + seconds, trip.destination, depot, metres)
        )
        pieces.append(tuple(moves))
        moves.clear()

    leave(chain[0])
    for one, two in zip(chain, [*chain[1:], None], strict=True):
        moves.append(
            Move("run", one.start_s, one.end_s, one.origin, one.destination, one.metres, one.run)
        )
        if two is None or _via_depot(one, two, drive, depot, turnaround_s):
            come_home(one)
            if two is not None:
                leave(two)
            continue
        seconds, metres = _empty(drive, one.destination, two.origin)
        there = one.end_s + seconds
        if seconds or metres:
            moves.append(Move("empty", one.end_s, there, one.destination, two.origin, metres))
        if two.start_s > there:
            moves.append(Move("wait", there, two.start_s, two.origin, two.origin, 0.0))
    return Block(tuple(pieces), vehicle)


def fleet_size(spans: Sequence[tuple[int, int]]) -> int:
    """Return the most vehicles out at once; a vehicle may leave at the second one is back."""
    events = sorted([(s, 1) for s, _ in spans] + [(e, -1) for _, e in spans])
    out = most = 0
    for _, step in events:
        out += step
        most = max(most, out)
    return most
