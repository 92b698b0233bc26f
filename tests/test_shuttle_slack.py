"""Runs leave early enough for a slow day: hand-computed slack, its cost, and the ride of a wait."""

from dataclasses import replace

import pytest
from shuttle_scenes import KINDS, H, anchor_for, config, make_scene, shift_edges

from mobility.shuttles.config import Factors
from mobility.shuttles.demand import calendar_days
from mobility.shuttles.model import Line
from mobility.shuttles.places import hourly_p95
from mobility.shuttles.plan import evaluate_plan, plan_table
from mobility.shuttles.schedule import arrival_slack, build_runs, run_cover

FACTORS = Factors.load()
DAYS = calendar_days(FACTORS, KINDS)


def village(ratio):
    """A village 12 km (20 min) from a gate where work is from 08:00 to 16:00."""
    edges, rows = shift_edges([(8, 16)])
    scene = make_scene([(0, 0), (12_000, 0)], [(12_000, 100)], edges, rows, [4.0])
    line = Line("N1", (1,), (1,), anchor_for(edges, 0), 0, (0, 1))
    return replace(scene, p95_drive=(ratio,) * 24), line


def test_a_run_leaves_so_much_sooner_that_the_slow_day_is_in_time():
    scene, line = village(1.2)
    # 1,200 s of driving take 240 s more at p95; 120 s of it are in the buffer at the gate.
    assert arrival_slack(scene, 1200, 8 * H) == 120
    plain, slow = (build_runs(village(r)[0], line, 0) for r in (1.0, 1.2))
    assert plain[0].arrive_s[-1] - slow[0].arrive_s[-1] == slow[0].slack_s == 120
    assert slow[0].depart_s[0] + 1200 * 1.2 + scene.dwell_s <= line.anchor.at_s[0, 0] + 120
    # The way home is nobody's deadline; the ride itself is no longer.
    assert slow[1].arrive_s == plain[1].arrive_s
    assert slow[0].arrive_s[-1] - slow[0].depart_s[0] == (
        plain[0].arrive_s[-1] - plain[0].depart_s[0]
    )
    total = [int(run_cover(s, line, r[0], 0)[0][0]) for s, r in ((scene, plain), (scene, slow))]
    assert total[1] - total[0] == 120


def test_the_slack_is_told_beside_what_it_costs():
    scene, line = village(1.2)
    told = plan_table([evaluate_plan(scene, [line], config(), FACTORS, DAYS)], FACTORS).iloc[0]
    assert told["slack_min"] == 2
    price = FACTORS["driver_hour"] * (1 + FACTORS["overhead"])
    assert told["slack_eur_year"] == pytest.approx(252 * 120 / 3600 * price)


def test_a_buffer_that_is_large_enough_leaves_no_slack():
    scene, line = village(1.05)
    assert build_runs(scene, line, 0)[0].slack_s == 0


def test_hours_have_their_factor():
    by_hour = hourly_p95(FACTORS)
    assert len(by_hour) == 24
    assert (by_hour[5], by_hour[8], by_hour[13], by_hour[21]) == (1.05, 1.2, 1.1, 1.05)


def test_a_wait_aboard_counts_in_the_longest_ride():
    """12 km, then 9 min at the first gate: 20 min of driving, 36 min aboard for the second gate."""
    edges, rows = shift_edges([(5, 13)])
    more, more_rows = shift_edges([(5.25, 13.25)], site=1, first=1)
    edges, rows = edges + more, rows + more_rows
    scene = make_scene(
        [(0, 0), (-3600, 0), (12_000, 0)], [(12_000, 100)], edges, rows, [4.0], needs=None
    )
    line = Line("N1", (2,), (2,), anchor_for(edges, 0, sites=(0, 1), places=[0, 1]), 0, (0, 2))
    run = build_runs(scene, line, 0)[0]
    wait = run.depart_s[1] - run.arrive_s[1]
    assert wait == 9 * 60
    ride = run.arrive_s[2] - run.depart_s[0]
    assert ride >= wait + 1200 + 360
    short = replace(scene, limits=replace(scene.limits, max_ride_s=ride - 120))
    assert run_cover(scene, line, run, 2)[1][0] == 0
    assert run_cover(short, line, run, 2)[1][0] == -1
    # Who gets off at the first gate does not wait.
    assert run_cover(short, line, run, 0)[1][0] == 0
