"""Vehicle blocks and duties: hand-computed cases and invariants."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shuttle_scenes import KINDS, H, anchor_for, config, drive_of, make_scene, shift_edges, vehicle

from mobility.shuttles.blocks import Trip, chain_trips, day_trips
from mobility.shuttles.config import Factors
from mobility.shuttles.costs import operate, yearly_costs
from mobility.shuttles.demand import calendar_days
from mobility.shuttles.duties import DutyRules, Piece, allowed, build_duties, lower_bound, pieces_of
from mobility.shuttles.model import Line
from mobility.shuttles.schedule import build_runs

FACTORS = Factors.load()
RULES = DutyRules.from_factors(FACTORS)
THREE_SHIFTS = [(5, 13), (13, 21), (21, 5)]


def two_villages():
    """Two villages 12 km apart on both sides of a plant in 3x8; the depot is at the gate."""
    edges, rows = shift_edges(THREE_SHIFTS)
    scene = make_scene(
        [(0, 0), (-6000, 0), (6000, 0)], [(-6000, 100), (6000, 100)], edges, rows, [6.0, 6.0]
    )
    anchor = anchor_for(edges, 0)
    served = tuple(range(len(edges)))
    lines = [Line(f"L{k}", (k,), (k,), anchor, 0, served) for k in (1, 2)]
    return scene, [run for k, line in enumerate(lines) for run in build_runs(scene, line, k)]


def test_three_shifts_need_two_vehicles_where_a_naive_design_needs_six():
    scene, runs = two_villages()
    assert len(runs) == 12
    # Naive: each line and shift has a vehicle of its own, waiting eight hours for its way back.
    assert len(naive_spans(runs)) == 6
    blocks = chain_trips(
        day_trips(runs, 1, ["school_weekday"] * 5 + ["saturday", "sunday"]),
        scene.drive, scene.depot, turnaround_s=180, vehicle=0,
    )  # fmt: skip
    assert len(blocks) == 2
    assert sorted(t for b in blocks for t in b.trips) == list(range(12))
    # The vehicle that brings the morning shift in takes the night shift home.
    for block in blocks:
        first, second = (runs[t] for t in block.trips[:2])
        assert (first.direction, second.direction) == ("in", "out")
        assert second.start_s % 86_400 == 5 * H + 720


def naive_spans(runs):
    """One vehicle per line and shift, kept from its first run to its last."""
    spans = {}
    for run in runs:
        key = (run.line, run.edges[0] // 2)
        start, end = spans.get(key, (10**9, 0))
        spans[key] = (min(start, run.start_s), max(end, run.end_s))
    return sorted(spans.items())


def test_fleet_of_the_week_and_of_the_plan_is_two():
    scene, runs = two_villages()
    days = calendar_days(FACTORS, KINDS)
    done = operate(runs, scene.drive, scene.depot, days, config(), FACTORS)
    assert done.fleet == (2, 0, 0)
    assert all(allowed(d.pieces, RULES) for day in done.duties for d in day)
    costs = yearly_costs(done, config(), FACTORS, new_stops=0)
    # 252 weekdays x 12 runs x 6 km with riders; the night shift of Friday comes home on one
    # of the year's 52 Saturdays, where the other weekdays are 50.4.
    assert costs.run_km == pytest.approx(252 * 12 * 6 + 1.6 * 2 * 6)
    assert costs.vehicles == 2 * FACTORS["vehicle_fixed.minibus"]
    assert costs.total > costs.vehicles


def test_friday_night_comes_home_on_saturday():
    _, runs = two_villages()
    week = ["school_weekday"] * 5 + ["saturday", "sunday"]
    assert len(day_trips(runs, 5, week)) == 2
    assert len(day_trips(runs, 6, week)) == 0
    assert len(day_trips(runs, 0, week)) == 10
    assert len(day_trips(runs, 2, week)) == 12


def test_days_of_the_year_add_up():
    days = calendar_days(FACTORS, KINDS)
    assert sum(d.count for d in days) == pytest.approx(365)
    only = calendar_days(FACTORS, {"school_weekday": (0, 1, 2, 3, 4)})
    assert sum(d.count for d in only) == pytest.approx(252)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 9))
def test_blocks_are_feasible_and_as_few_as_possible(seed, n):
    rng = np.random.default_rng(seed)
    drive = drive_of(rng.uniform(0, 20_000, (5, 2)))
    trips = []
    for k in range(n):
        start = int(rng.integers(4, 22)) * H + int(rng.integers(0, 60)) * 60
        a, b = rng.integers(0, 5, 2)
        trips.append(Trip(k, start, start + int(drive.seconds[a, b]) + 60, int(a), int(b), 1.0, 0))
    trips.sort(key=lambda t: (t.start_s, t.end_s, t.run))
    blocks = chain_trips(trips, drive, 0, turnaround_s=120, vehicle=0)
    assert sorted(r for b in blocks for r in b.trips) == list(range(n))
    for block in blocks:
        moves = [m for piece in block.pieces for m in piece]
        for one, two in itertools.pairwise(moves):
            assert one.end_s <= two.start_s
            assert one.destination == two.origin
        for move in moves:
            if move.kind == "empty" and move.origin != move.destination:
                assert move.end_s - move.start_s >= drive.seconds[move.origin, move.destination]
        assert all(p[0].origin == 0 and p[-1].destination == 0 for p in block.pieces)
    assert len(blocks) == fewest_blocks(trips, drive)


def fewest_blocks(trips, drive):
    """Minimum path cover by bipartite matching (Dilworth)."""
    import networkx as nx

    graph = nx.Graph()
    graph.add_nodes_from((("out", k) for k in range(len(trips))), bipartite=0)
    for i, one in enumerate(trips):
        for j, two in enumerate(trips):
            gap = int(drive.seconds[one.destination, two.origin]) + 120
            if i != j and one.end_s + gap <= two.start_s:
                graph.add_edge(("out", i), ("in", j))
    match = nx.bipartite.hopcroft_karp_matching(graph, [("out", k) for k in range(len(trips))])
    return len(trips) - len(match) // 2


def test_empty_metres_are_least():
    # Two trips end at A, two start at A or B at the same time: who is there goes on from there.
    drive = drive_of(np.array([[0.0, 0.0], [5000.0, 0.0], [0.0, 9000.0]]))
    trips = [
        Trip(0, 5 * H, 5 * H + 600, 0, 1, 1.0, 0), Trip(1, 5 * H, 5 * H + 600, 0, 2, 1.0, 0),
        Trip(2, 6 * H, 6 * H + 600, 2, 0, 1.0, 0), Trip(3, 6 * H, 6 * H + 600, 1, 0, 1.0, 0),
    ]  # fmt: skip
    blocks = chain_trips(trips, drive, 0, turnaround_s=60, vehicle=0)
    assert sorted(b.trips for b in blocks) == [(0, 3), (1, 2)]
    assert sum(b.metres("empty") for b in blocks) == 0


def test_a_larger_vehicle_takes_over_when_it_is_cheaper():
    scene, runs = two_villages()
    import dataclasses

    mixed = [dataclasses.replace(r, vehicle=k % 2) for k, r in enumerate(runs)]
    fleet = [vehicle("minibus", 8), vehicle("midibus", 22)]
    done = operate(
        mixed,
        scene.drive,
        scene.depot,
        calendar_days(FACTORS, KINDS),
        config(vehicles=fleet),
        FACTORS,
    )
    assert done.vehicles <= 3
    costs = yearly_costs(done, config(vehicles=fleet), FACTORS, new_stops=0)
    assert costs.vehicles <= 2 * FACTORS["vehicle_fixed.midibus"] + FACTORS["vehicle_fixed.minibus"]


def piece(start, end, block=0):
    return Piece(round(start * H), round(end * H), ((round(start * H), round(end * H)),), block)


def test_spread_of_twelve_hours_splits_a_day_of_three_shifts():
    day = [piece(4, 6), piece(12, 14), piece(20, 22)]
    assert allowed(day[:2], RULES)
    assert not allowed(day, RULES)
    assert lower_bound(day, RULES) == 2
    duties = build_duties(day, RULES)
    assert len(duties) == 2
    assert all(allowed(d.pieces, RULES) for d in duties)


def test_driving_without_a_break_is_refused():
    assert allowed([piece(8, 10), piece(10.8, 13)], RULES)
    assert not allowed([piece(8, 10.5), piece(10.6, 13)], RULES)  # 4 h 54 with 6 min of break
    assert not allowed([piece(8, 12.6)], RULES)
    assert not allowed([piece(0, 4.2)], RULES)  # 4 h by night
    assert [d.pieces for d in build_duties([piece(8, 12.6)], RULES)] == [(piece(8, 12.6),)]


def test_paid_time_counts_work_and_part_of_the_split():
    duty = build_duties([piece(4, 6), piece(12, 14)], RULES)[0]
    assert duty.split_s == 6 * H
    assert duty.work_s(RULES) == 4 * H + 1200
    assert duty.paid_s(RULES) == 4 * H + 1200 + 0.25 * 6 * H
    short = build_duties([piece(4, 4.5)], RULES)[0]
    assert short.paid_s(RULES) == 2 * H


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 10))
def test_duties_are_lawful_and_cover_every_piece_once(seed, n):
    rng = np.random.default_rng(seed)
    starts = rng.uniform(3, 22, n)
    pieces = sorted(
        (piece(s, s + rng.uniform(0.3, 2.5), k) for k, s in enumerate(starts)),
        key=lambda p: (p.start_s, p.end_s, p.block),
    )
    duties = build_duties(pieces, RULES)
    assert sorted(p.block for d in duties for p in d.pieces) == list(range(n))
    assert all(allowed(d.pieces, RULES) for d in duties)
    assert len(duties) >= lower_bound(pieces, RULES)


def spells(rng, block):
    """A piece of one to three spells at the wheel, some too long, some with a break between."""
    times = 3 + np.cumsum(rng.uniform(0.05, 2.4, 2 * rng.integers(1, 4))) + rng.uniform(0, 14)
    drives = tuple((round(a * H), round(b * H)) for a, b in times.reshape(-1, 2))
    return Piece(drives[0][0], drives[-1][1], drives, block)


@given(st.integers(0, 10**6), st.integers(1, 14))
@settings(max_examples=60, deadline=None)
def test_the_bound_is_that_of_pairs_that_one_driver_may_do(seed, n):
    rng = np.random.default_rng(seed)
    pieces = sorted((spells(rng, k) for k in range(n)), key=lambda p: (p.start_s, p.end_s))
    best = 0
    for first in range(n):
        chosen = [first]
        for other in range(n):
            pairs = [sorted((c, other)) for c in chosen]
            if other != first and not any(allowed([pieces[a], pieces[b]], RULES) for a, b in pairs):
                chosen.append(other)
        best = max(best, len(chosen))
    assert lower_bound(pieces, RULES) == best


def test_pieces_of_blocks_count_driving_not_waiting():
    scene, runs = two_villages()
    trips = day_trips(runs, 1, ["school_weekday"] * 5 + ["saturday", "sunday"])
    blocks = chain_trips(trips, scene.drive, 0, turnaround_s=180, vehicle=0)
    for p in pieces_of(blocks):
        assert 0 < p.drive_s < p.end_s - p.start_s


def test_eight_hundred_trips_are_chained_at_once():
    """400 trips out and as many on from where they end: each vehicle does one of both."""
    drive = drive_of(np.array([[0.0, 0.0], [6000.0, 0.0]]))
    first = [Trip(k, 60 * k, 60 * k + 600, 0, 1, 6000.0, 0) for k in range(400)]
    second = [Trip(400 + k, 60 * k + 30_000, 60 * k + 30_600, 1, 0, 6000.0, 0) for k in range(400)]
    blocks = chain_trips([*first, *second], drive, 0, turnaround_s=180, vehicle=0)
    assert sorted(t for b in blocks for t in b.trips) == list(range(800))
    # A trip every minute of ten minutes and three of turnaround, ten of them to drive back:
    # 23 minutes from one start to the next.
    assert len(blocks) == 23
