"""Limits never lose a feasible journey: small cases computed by hand.

In each the journey that leaves last (outbound) or is home first (return) breaks one limit,
and a slower one keeps them all: filtering the fastest journey afterwards would lose the
home. Minutes in the drawings; stops are letters; ``A 0=30 B`` is a ride that leaves A at
0 and reaches B at 30, ``~5~`` a walk of 5 minutes. The oracle must give the same answers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from oracle import Call, Case, Rules, leave_home, reach_home
from strategies import as_question

from mobility.engine.journeys import Edge, EngineLimits, walk_directly
from mobility.timetable.arrays import INF

STOPS = "ABCDEFG"
LOOSE = {"total": 120, "walk": 30, "transfers": 3, "wait": 60}


@dataclass(frozen=True)
class Drawing:
    """A case in minutes.

    ``lines`` are ``"A 0 30 B"`` or longer (``"A 0 10 B 12 20 C"``), ``feet`` ``"B 5 C"``,
    ``home`` and ``gate`` ``"A 2"``. ``edge`` is the shift's start or end, margin 0 unless given.
    """

    lines: tuple[str, ...]
    home: tuple[str, ...]
    gate: tuple[str, ...]
    edge: int
    feet: tuple[str, ...] = ()
    margin: int = 0

    def case(self, **limits: int) -> Case:
        """Return the case in seconds under the loose limits, but for those given."""
        rules = LOOSE | limits
        return Case(
            n_stops=len(STOPS),
            runs=tuple(as_calls(line) for line in self.lines),
            footpaths=(
                *((s, s, 0, 0) for s in range(len(STOPS))),
                *((STOPS.index(f[0]), STOPS.index(f[-1]), *(2 * (minutes(f),))) for f in self.feet),
            ),
            homes=({STOPS.index(w[0]): minutes(w) for w in self.home},),
            gate={STOPS.index(w[0]): minutes(w) for w in self.gate},
            edge=60 * self.edge,
            margin=60 * self.margin,
            rules=Rules(
                60 * rules["total"], 60 * rules["walk"], rules["transfers"], 60 * rules["wait"]
            ),
        )


def minutes(text: str) -> int:
    """Seconds of ``"A 2"`` or ``"B 5 C"``."""
    return 60 * int(text.split()[1])


def as_calls(line: str) -> tuple[Call, ...]:
    """Turn ``"A 0 10 B 12 20 C"`` into calls."""
    words = line.split()
    calls, arrival = [], 60 * int(words[1])
    for k in range(0, len(words), 3):
        departure = 60 * int(words[k + 1]) if k + 1 < len(words) else arrival
        calls.append(Call(STOPS.index(words[k]), arrival, departure))
        arrival = 60 * int(words[k + 2]) if k + 2 < len(words) else arrival
    return tuple(calls)


def outbound(drawing: Drawing, **limits: int) -> int | None:
    """Minutes from leaving home to the shift's start, by engine and oracle."""
    case = drawing.case(**limits)
    found = as_question(case).ask(returning=False).elapsed_s[0]
    (expected,) = leave_home(case)
    assert found == (INF if expected is None else case.edge - expected.time)
    return None if found == INF else int(found) // 60


def homeward(drawing: Drawing, **limits: int) -> int | None:
    """Minutes from the shift's end to reaching home, by engine and oracle."""
    case = drawing.case(**limits)
    found = as_question(case).ask(returning=True).elapsed_s[0]
    (expected,) = reach_home(case)
    assert found == (INF if expected is None else expected.time - case.edge)
    return None if found == INF else int(found) // 60


@pytest.mark.parametrize(("walk", "expected"), [(13, 40), (12, 55), (7, 55), (6, None)])
def test_walk_outbound(walk: int, expected: int | None) -> None:
    """The late bus is a long walk away, the early one near.

    home ~10~ A 30=55 D ~3~ gate: leaves at 20 of 60, 13 walked.
    home ~ 4~ B  9=50 D ~3~ gate: leaves at  5 of 60,  7 walked.
    """
    drawing = Drawing(("A 30 55 D", "B 9 50 D"), ("A 10", "B 4"), ("D 3",), 60)
    assert outbound(drawing, walk=walk) == expected


@pytest.mark.parametrize(("walk", "expected"), [(12, 32), (11, 50), (6, 50), (5, None)])
def test_walk_return(walk: int, expected: int | None) -> None:
    """gate ~2~ D 4=22 A ~10~ home at 32, or D 4=46 B ~4~ home at 50."""
    drawing = Drawing(("D 4 22 A", "D 4 46 B"), ("A 10", "B 4"), ("D 2",), 0)
    assert homeward(drawing, walk=walk) == expected


@pytest.mark.parametrize(("walk", "expected"), [(9, 50), (8, 55), (1, 55), (0, None)])
def test_walk_between_vehicles(walk: int, expected: int | None) -> None:
    """The walk of a change counts, not only those of the ends.

    home ~1~ A 11=20 B ~8~ C 30=55 D gate: 9 walked.
    home ~1~ A  6=20 E 22=58 D gate: 1 walked, no walk to change.
    """
    drawing = Drawing(
        ("A 11 20 B", "C 30 55 D", "A 6 20 E", "E 22 58 D"), ("A 1",), ("D 0",), 60, ("B 8 C",)
    )
    assert outbound(drawing, walk=walk) == expected


def test_the_gate_walk_decides_where_to_get_off() -> None:
    """The bus goes on past D, 9 minutes from the gate, to E, 1 minute from it.

    home ~0~ A 10=30 D 30=50 E: off at D one waits longer but walks 9, off at E 1.
    """
    drawing = Drawing(("A 10 30 D 30 50 E",), ("A 0",), ("D 9", "E 1"), 60)
    assert outbound(drawing, walk=9) == 50
    assert outbound(drawing, walk=1) == 50
    assert outbound(drawing, walk=0) is None
    # Off at E the wait is 9, off at D it would be 21.
    assert outbound(drawing, walk=9, wait=9) == 50
    assert outbound(drawing, walk=9, wait=8) is None


@pytest.mark.parametrize(("transfers", "expected"), [(2, 30), (1, 45), (0, 58)])
def test_transfers_outbound(transfers: int, expected: int | None) -> None:
    """Each change of vehicle buys a later departure.

    A 30=35 B 36=42 C 44=60 D: leaves at 30.
    A 15=40 C 44=60 D: leaves at 15.
    A 2=60 D: leaves at 2.
    """
    drawing = Drawing(
        ("A 30 35 B", "B 36 42 C", "C 44 60 D", "A 15 40 C", "A 2 60 D"), ("A 0",), ("D 0",), 60
    )
    assert outbound(drawing, transfers=transfers) == expected


@pytest.mark.parametrize(("transfers", "expected"), [(2, 30), (1, 45), (0, 58)])
def test_transfers_return(transfers: int, expected: int | None) -> None:
    """D 0=16 C 18=24 B 25=30 A, or D 0=16 C 20=45 A, or D 0=58 A."""
    drawing = Drawing(
        ("D 0 16 C", "C 18 24 B", "B 25 30 A", "C 20 45 A", "D 0 58 A"), ("A 0",), ("D 0",), 0
    )
    assert homeward(drawing, transfers=transfers) == expected


def test_no_transfer_is_charged_for_staying_aboard() -> None:
    """A 0=10 B 20=30 C: the vehicle stands ten minutes at B, which is neither wait nor change."""
    drawing = Drawing(("A 0 10 B 20 30 C",), ("A 0",), ("C 0",), 30)
    assert outbound(drawing, transfers=0, wait=0) == 30


@pytest.mark.parametrize(("wait", "expected"), [(20, 50), (19, 58), (3, 58), (2, None)])
def test_wait_outbound(wait: int, expected: int | None) -> None:
    """The express waits long at the change, the slow bus hardly.

    A 10=20 B 40=60 D: leaves at 10, 20 waited at B.
    A  2=37 B 40=60 D: leaves at  2,  3 waited at B.
    """
    drawing = Drawing(("A 10 20 B", "A 2 37 B", "B 40 60 D"), ("A 0",), ("D 0",), 60)
    assert outbound(drawing, wait=wait) == expected


@pytest.mark.parametrize(("wait", "expected"), [(20, 50), (19, 55), (4, 55), (3, None)])
def test_wait_return(wait: int, expected: int | None) -> None:
    """D 0=10 B 30=50 A waits 20 at B; D 4=40 C 42=55 A waits 4 at D and 2 at C."""
    drawing = Drawing(("D 0 10 B", "B 30 50 A", "D 4 40 C", "C 42 55 A"), ("A 0",), ("D 0",), 0)
    assert homeward(drawing, wait=wait) == expected


@pytest.mark.parametrize(("wait", "expected"), [(12, 50), (11, None)])
def test_the_walk_of_a_change_is_no_wait(wait: int, expected: int | None) -> None:
    """A 10=20 B ~8~ C 40=60 D: 20 minutes between vehicles, 8 walked, 12 waited."""
    drawing = Drawing(("A 10 20 B", "C 40 60 D"), ("A 0",), ("D 0",), 60, ("B 8 C",))
    assert outbound(drawing, wait=wait) == expected


@pytest.mark.parametrize(("wait", "expected"), [(25, 40), (24, 50), (3, 50), (2, None)])
def test_gate_wait(wait: int, expected: int | None) -> None:
    """The later departure is a fast bus that comes early; the slow one comes just in time.

    A 20=33 D ~2~ gate at 35: leaves at 20, 25 waited at the gate.
    A 10=55 D ~2~ gate at 57: leaves at 10,  3 waited at the gate.
    """
    drawing = Drawing(("A 20 33 D", "A 10 55 D"), ("A 0",), ("D 2",), 60)
    assert outbound(drawing, wait=wait) == expected


@pytest.mark.parametrize(("wait", "expected"), [(20, 36), (19, 50), (3, 50), (2, None)])
def test_wait_for_the_first_bus_home(wait: int, expected: int | None) -> None:
    """gate ~2~ D: the bus at 22 (20 waited) is home at 36, that at 5 (3 waited) at 50."""
    drawing = Drawing(("D 22 36 A", "D 5 50 A"), ("A 0",), ("D 2",), 0)
    assert homeward(drawing, wait=wait) == expected


def test_the_first_wait_from_home_is_free() -> None:
    """One leaves home for the bus: A 10=20 D at the gate at 20, nothing waited."""
    drawing = Drawing(("A 10 20 D",), ("A 5",), ("D 0",), 20)
    assert outbound(drawing, wait=0) == 15


def test_margins_are_no_wait_but_count_in_the_total() -> None:
    """Gate at 50, shift at 60: 10 minutes of margin, none waited, 45 in all."""
    drawing = Drawing(("A 20 50 D",), ("A 5",), ("D 0",), 60, margin=10)
    assert outbound(drawing, wait=0, total=45) == 45
    assert outbound(drawing, total=44) is None
    back = Drawing(("D 10 40 A",), ("A 5",), ("D 0",), 0, margin=10)
    assert homeward(back, wait=0, total=45) == 45
    assert homeward(back, total=44) is None


@pytest.mark.parametrize(("total", "expected"), [(50, 50), (49, None)])
def test_total(total: int, expected: int | None) -> None:
    """The best journey has the least total, so that none slower can keep this limit."""
    drawing = Drawing(("A 10 55 D", "A 5 60 D"), ("A 0",), ("D 0",), 60)
    assert outbound(drawing, total=total) == expected


def test_total_is_judged_per_home_not_per_departure() -> None:
    """The bus leaves within the total, home is a walk too far: 50 aboard and 5 on foot."""
    drawing = Drawing(("A 10 60 D",), ("A 5",), ("D 0",), 60)
    assert outbound(drawing, total=55) == 55
    assert outbound(drawing, total=54) is None


def test_two_limits_at_once() -> None:
    """Three ways; each of the better two breaks one limit, and only the last keeps both.

    home ~9~ A 40=60 D (9 walked); home ~1~ B 30=35 E 36=60 D (1 change); B 10=60 D.
    """
    drawing = Drawing(
        ("A 40 60 D", "B 30 35 E", "E 36 60 D", "B 10 60 D"), ("A 9", "B 1"), ("D 0",), 60
    )
    assert outbound(drawing) == 29
    assert outbound(drawing, walk=8) == 31
    assert outbound(drawing, walk=8, transfers=0) == 51
    assert outbound(drawing, walk=8, transfers=0, total=50) is None


def test_less_walking_after_more_rides() -> None:
    """With one ride 8 are walked after it, with two rides none: the budget asks for the second.

    A 10=40 B ~8~ gate, or A 10=40 B 45=58 D gate.
    """
    drawing = Drawing(("A 10 40 B", "B 45 58 D"), ("A 2",), ("B 8", "D 0"), 60)
    assert outbound(drawing, walk=10, transfers=0) == 52
    assert outbound(drawing, walk=9, transfers=0) is None
    assert outbound(drawing, walk=9, transfers=1) == 52
    assert outbound(drawing, walk=2, transfers=1) == 52


def test_fewer_rides_are_enough_where_all_the_time_before_may_be_walked() -> None:
    """10 are walked to A, as long as there is time, and 8 after one ride, none after two.

    A 10=40 B ~8~ gate, or A 10=40 B 45=58 D gate: 18 may be walked, or a second less.
    """
    drawing = Drawing(("A 10 40 B", "B 45 58 D"), ("A 10",), ("B 8", "D 0"), 60)
    case = drawing.case(total=60)
    for walk_s, rides in ((18 * 60, 1), (18 * 60 - 1, 2)):
        kept = replace(case, rules=replace(case.rules, max_walk=walk_s))
        found = as_question(kept).ask(returning=False)
        assert (found.elapsed_s[0], found.rides[0]) == (60 * 60, rides)
        (expected,) = leave_home(kept)
        assert expected is not None
        assert (expected.time, expected.rides) == (0, rides)


def test_a_wait_kept_by_taking_an_earlier_onward_bus() -> None:
    """Off B at 30 one bus leaves at 32 and comes early, one at 55 in time; both waits count.

    A 10=30 B 32=40 D: 2 and 20 waited; A 10=30 B 55=60 D: 25 and 0 waited.
    """
    drawing = Drawing(("A 10 30 B", "B 32 40 D", "B 55 60 D"), ("A 0",), ("D 0",), 60)
    assert outbound(drawing, wait=25) == 50
    assert outbound(drawing, wait=20) == 50
    assert outbound(drawing, wait=19) is None


def test_ties_prefer_fewer_rides_then_less_walking() -> None:
    """Three journeys leave at 10: two rides; one ride and 5 walked; one ride and 3 walked."""
    lines = ("A 10 20 B", "B 21 50 D", "A 10 50 C", "A 10 51 E")
    case = Drawing(lines, ("A 0",), ("D 0", "C 5", "E 3"), 60).case()
    found = as_question(case).ask(returning=False)
    assert (found.elapsed_s[0], found.rides[0], found.walk_s[0]) == (50 * 60, 1, 3 * 60)


def test_going_all_the_way_on_foot_holds_at_the_limits_themselves() -> None:
    """20 min may be walked and 25 taken, 5 of margin: 1,200 s hold, one second more does not."""
    limits = EngineLimits(max_total_s=1_500, max_walk_s=1_200, max_transfers=2, max_wait_s=1_800)
    edge = Edge(returning=False, at_s=18_000, margin_s=300)
    walk_s = np.array([0, 1_200, 1_201, INF], dtype=np.int32)
    assert walk_directly(walk_s, edge, limits).tolist() == [300, 1_500, INF, INF]
    short = EngineLimits(max_total_s=1_499, max_walk_s=9_999, max_transfers=2, max_wait_s=1_800)
    assert walk_directly(walk_s, edge, short).tolist() == [300, INF, INF, INF]


@pytest.mark.parametrize("change", ["A 10 20 B", "A 10 32 B"])
def test_of_two_buses_at_one_minute_the_one_without_a_change(change: str) -> None:
    """Whichever stands first in the stop's index: the direct one arrives at 30."""
    lines = ("A 10 30 C", change, "B 35 45 C")
    case = Drawing(lines, home=("A 5",), gate=("C 1",), edge=50).case()
    found = as_question(case).ask(returning=False)
    assert (found.elapsed_s[0], found.rides[0], found.walk_s[0]) == (45 * 60, 1, 6 * 60)


def test_of_two_stops_left_for_at_one_minute_the_one_with_less_walking() -> None:
    """Home is left at 5 for either."""
    case = Drawing(("A 10 30 C", "B 15 30 C"), home=("A 5", "B 10"), gate=("C 1",), edge=50).case()
    found = as_question(case).ask(returning=False)
    assert (found.elapsed_s[0], found.walk_s[0], found.stop[0]) == (45 * 60, 6 * 60, 0)
