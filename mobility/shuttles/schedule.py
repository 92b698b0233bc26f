"""Timetable of a line: one run in before each shift start, one out after each end."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import pairwise
from operator import or_

import numpy as np

from mobility.base.kernels import entry
from mobility.shuttles.model import UNREACHED, Anchor, Bools, Direction, Edge, Ints, Line, Run
from mobility.shuttles.scene import Scene

MINUTE = 60


def group_edges(
    edges: Sequence[Edge], served: Sequence[int], anchor: Anchor, tolerance_s: int
) -> list[tuple[int, ...]]:
    """Group the shift ends one run can serve.

    Ends of the same direction go together when their times at the anchor differ by at most
    the tolerance from the first of the group; each group is in ascending order of time.
    """
    groups: list[tuple[int, ...]] = []
    for direction in ("in", "out"):
        timed = sorted(
            (int(anchor.at_s[e, anchor.call_of(e)]), e)
            for e in served
            if edges[e].direction == direction and anchor.call_of(e) >= 0
        )
        group: list[int] = []
        first = 0
        for at, e in timed:
            if group and at - first > tolerance_s:
                groups.append(tuple(group))
                group = []
            if not group:
                first = at
            group.append(e)
        if group:
            groups.append(tuple(group))
    return groups


def build_run(scene: Scene, line: Line, index: int, group: tuple[int, ...]) -> Run | None:
    """Time one run of ``line`` for the shift ends of ``group``; None where no road leads.

    Inbound the bus is at each gate no later than its earliest deadline, as late as
    possible but for the slack of `arrival_slack`; outbound it leaves each gate no earlier
    than its latest. Published times are whole minutes, rounded so that they hold.
    """
    edges = [scene.edges[e] for e in group]
    direction = edges[0].direction
    used = [
        i
        for i in range(len(line.anchor.places))
        if (line.anchor.at_s[list(group), i] < UNREACHED).any()
    ]
    gates = [line.anchor.places[i] for i in used]
    if direction == "in":
        calls = (*line.stops_in, *gates)
        due = [_earliest(line.anchor, group, i) for i in used]
    else:
        calls = (*reversed(gates), *line.stops_out)
        due = [_latest(line.anchor, group, i) for i in reversed(used)]
    legs = [int(scene.drive.seconds[a, b]) for a, b in pairwise(calls)]
    if any(leg >= UNREACHED for leg in legs) or not calls:
        return None
    slack_s = arrival_slack(scene, sum(legs), min(due)) if direction == "in" else 0
    due = [at - slack_s for at in due]
    times = (_inbound if direction == "in" else _outbound)(legs, due, scene.dwell_s)
    arrive_s, depart_s = _with_waits(times, legs, scene.dwell_s, direction)
    metres = sum(scene.drive.metres[a, b] for a, b in pairwise(calls))
    return Run(
        line=index,
        edges=group,
        direction=direction,
        calls=calls,
        arrive_s=arrive_s,
        depart_s=depart_s,
        metres=float(metres),
        weekdays=tuple(sorted({d for e in edges for d in e.weekdays})),
        day_kinds=tuple(sorted({k for e in edges for k in e.day_kinds})),
        vehicle=line.vehicle,
        season=reduce(or_, (e.season for e in edges)),
        slack_s=slack_s,
    )


def arrival_slack(scene: Scene, drive_s: int, due_s: int) -> int:
    """Return how much sooner an inbound run leaves so that it is in time at the p95 of its drive.

    The buffer at the gate is used up first; whole minutes.
    """
    return int(arrival_slacks(scene, np.array(drive_s), due_s))


def arrival_slacks(scene: Scene, drive_s: Ints, due_s: int) -> Ints:
    """Return `arrival_slack` of several drives."""
    late = drive_s * (scene.p95_drive[due_s // 3600 % 24] - 1) - scene.gate_buffer_s
    return np.asarray(np.maximum(0, np.ceil(late / MINUTE) * MINUTE), np.int32)


def build_runs(scene: Scene, line: Line, index: int) -> list[Run]:
    """Time every run of ``line``."""
    groups = group_edges(scene.edges, line.edges, line.anchor, scene.pool_tolerance_s)
    runs = (build_run(scene, line, index, group) for group in groups)
    return [run for run in runs if run is not None]


def _earliest(anchor: Anchor, group: tuple[int, ...], place: int) -> int:
    return int(anchor.at_s[list(group), place].min())


def _latest(anchor: Anchor, group: tuple[int, ...], place: int) -> int:
    at = anchor.at_s[list(group), place]
    return int(at[at < UNREACHED].max())


def _inbound(legs: list[int], due: list[int], dwell_s: int) -> tuple[int, ...]:
    """Latest times: the last ``len(due)`` calls are the gates."""
    n = len(legs) + 1
    exact = [0] * n
    for k in range(n - 1, -1, -1):
        latest = exact[k + 1] - legs[k] - dwell_s if k < n - 1 else UNREACHED
        gate = k - (n - len(due))
        exact[k] = min(latest, due[gate]) if gate >= 0 else latest
    return tuple(t // MINUTE * MINUTE for t in exact)


def _outbound(legs: list[int], due: list[int], dwell_s: int) -> tuple[int, ...]:
    """Earliest times: the first ``len(due)`` calls are the gates."""
    exact: list[int] = []
    for k in range(len(legs) + 1):
        earliest = exact[-1] + legs[k - 1] + dwell_s if k else -UNREACHED
        exact.append(max(earliest, due[k]) if k < len(due) else earliest)
    return tuple(-(-t // MINUTE) * MINUTE for t in exact)


def _with_waits(
    times: tuple[int, ...], legs: list[int], dwell_s: int, direction: Direction
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return arrivals and departures, a minute or more between two gates being a wait at one.

    Inbound the bus leaves the first gate as late as the next one allows; outbound it is at the
    second gate when it can be, and waits for its riders there.
    """
    arrive, depart = list(times), list(times)
    for k, leg in enumerate(legs):
        slack = times[k + 1] - times[k] - leg - dwell_s
        if slack < MINUTE:
            continue
        if direction == "in":
            depart[k] = (times[k + 1] - leg) // MINUTE * MINUTE
        else:
            arrive[k + 1] = -(-(times[k] + leg) // MINUTE) * MINUTE
    return tuple(arrive), tuple(depart)


def ride_on(
    scene: Scene, line: Line, run: Run, edge: int, number: int, best: tuple[Ints, Ints, Ints]
) -> None:
    """Put each home on a run for one shift end where it takes less time than so far.

    Parameters
    ----------
    number
        Of the run.
    best
        int32[H] each: whole time between home and shift end so far, `UNREACHED` where none keeps
        every limit (walk, ride, detour, wait and total), the number of the run and the call
        used at the home's side, -1 both.
    """
    anchor, limits = line.anchor, scene.limits
    gate = anchor.call_of(edge)
    gate_place, inbound = anchor.places[gate], run.direction == "in"
    at_gate = run.calls.index(gate_place, len(line.stops_in) if inbound else 0)
    arrive, depart = (np.array(t, np.int64) for t in (run.arrive_s, run.depart_s))
    first, last = 0, len(line.stops_in)
    if not inbound:
        first, last = len(run.calls) - len(line.stops_out), len(run.calls)
    calls = np.arange(first, last, dtype=np.int32)
    due = int(anchor.at_s[edge, gate])
    wait = due - int(arrive[at_gate]) if inbound else int(depart[at_gate]) - due
    if not len(calls) or wait < 0 or wait > limits.max_wait_s:
        return
    places = np.array(run.calls, np.int32)[calls]
    ride = arrive[at_gate] - depart[calls] if inbound else arrive[calls] - depart[at_gate]
    ways = (places, gate_place) if inbound else (gate_place, places)
    # Whole published minutes may add one to the ride; the limits are on the ride itself.
    ridden = ride <= limits.longest_ride(scene.drive.seconds[ways]) + MINUTE
    beyond = (ride + int(anchor.used_s[edge, gate]) + wait).astype(np.int32)
    most_walk_s = min(limits.max_stop_walk_s, limits.max_walk_s - int(anchor.walk_s[edge, gate]))
    take_run(
        scene.walk_s, calls, places, beyond, ridden, most_walk_s, limits.max_total_s, number, *best
    )


def run_cover(scene: Scene, line: Line, run: Run, edge: int) -> tuple[Ints, Ints]:
    """Return who a run serves for one shift end.

    Returns
    -------
    total_s
        int32[H] whole time between home and shift end by this run, `UNREACHED` where it
        breaks a limit.
    call
        int32[H] index of the call used at the home's side, -1 where not served.
    """
    total_s, run_of, call = nobody(scene.n_homes)
    ride_on(scene, line, run, edge, 0, (total_s, run_of, call))
    return total_s, call


def covered_homes(scene: Scene, line: Line, run: Run, edge: int) -> Bools:
    """Return bool[H]: the homes a run serves for one shift end."""
    return np.asarray(run_cover(scene, line, run, edge)[0] < UNREACHED)


def nobody(*shape: int) -> tuple[Ints, Ints, Ints]:
    """Return the times, runs and calls of homes that no run serves, see `ride_on`."""
    none = np.full(shape, -1, np.int32)
    return np.full(shape, UNREACHED, np.int32), none, none.copy()


@entry
def take_run(  # noqa: PLR0913 - flat arrays
    walk_s: Ints, calls: Ints, places: Ints, beyond_s: Ints, ridden: Bools, most_walk_s: int,
    most_total_s: int, run: int, total_s: Ints, run_of: Ints, call_of: Ints,
) -> None:  # fmt: skip
    """Put each home on a run where it takes less time than what it has so far.

    Parameters
    ----------
    walk_s
        int32[H,P] walk from home to place.
    calls, places
        int32[k] calls of the home's side, and their places.
    beyond_s
        int32[k] what follows the walk to each call: ride, wait, and what is beyond the gate.
    ridden
        bool[k] whether the ride from the call is within its limit.
    run
        Number of the run.
    total_s, run_of, call_of
        int32[H] whole time so far, by which run and at which call of it.
    """
    for home in range(len(walk_s)):
        for k in range(len(calls)):
            walk = walk_s[home, places[k]]
            if not ridden[k] or walk > most_walk_s:
                continue
            total = walk + beyond_s[k]
            if total <= most_total_s and total < total_s[home]:
                total_s[home], run_of[home], call_of[home] = total, run, calls[k]
