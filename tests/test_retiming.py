"""Retiming on the street of `small`, where the best move is known, and on the demo.

Morning (05:00, due at the gate 04:50): the bus takes 20 min and the walk at the end 4, so it
must leave A by 04:26; nobody may leave home (5 min from A) before 04:00, nor wait over
30 min at the gate.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small import TRIPS, write_territory
from timetables import same

from mobility.commute.access import SERVED, assess, rosters
from mobility.commute.ledger import Ledger
from mobility.commute.loading import load
from mobility.commute.white_zones import white_zones
from mobility.remedies.candidates import SearchOptions, candidates
from mobility.remedies.fixes import fixes_of
from mobility.remedies.full_runs import what_if
from mobility.remedies.model import Lever
from mobility.remedies.recommendations import distinct
from mobility.remedies.search import access_after, search, workbench
from mobility.remedies.words import levers_frame

DEMO = Path(__file__).parents[1] / "data" / "demo.toml"
ONLY_TRIPS = SearchOptions(kinds=("move_trip",))


def trips(**times):
    """The trips of the street, some of them at other times: name=(depart, arrive)."""
    return [(n, a, *(times.get(n, (t, u))[:1]), b, times.get(n, (t, u))[1], s)
            for n, a, t, b, u, s in TRIPS]  # fmt: skip


def bench_of(folder, **times):
    return workbench(assess(load(write_territory(folder, trips=trips(**times)))))


def index(bench, name):
    ids = bench.study.feed.trips["trip_id"].astype(str)
    return int(np.flatnonzero(ids.str.endswith(name))[0])


@pytest.fixture(scope="module")
def late(tmp_path_factory):
    """The dawn bus at 04:45 reaches the gate at 05:09: the morning fails, and the roster."""
    return bench_of(tmp_path_factory.mktemp("late"), early=("28:45", "29:05"))


@pytest.fixture(scope="module")
def found(late):
    return search(late.access, options=ONLY_TRIPS, bench=late)


def test_the_best_move_is_the_known_one(late, found):
    best = found.outcomes[0]
    assert best.lever == Lever("move_trip", (index(late, "early"),), shift_s=-20 * 60)
    assert (best.score.workers_gained, best.score.workers_lost) == (10, 0)
    assert (best.score.commutes_gained, best.score.rosters_gained) == (10, 10)
    row = levers_frame(found).iloc[0]
    assert (row["present"], row["proposed"], row["shift_min"]) == ("04:45", "04:25", -20)
    assert row["day_kinds"] == "school_weekday"


def test_every_move_that_works_and_no_other(late, found):
    mine = {
        o.lever.shift_s // 60: o.score.workers_gained
        for o in found.useful
        if o.lever.trips == (index(late, "early"),)
    }
    # 04:26 at the latest; 04:05 at the earliest (home left at 04:00).
    assert mine == dict.fromkeys((-40, -35, -30, -25, -20), 10)


def test_a_search_asked_again_is_not_made_again(late, found, monkeypatch):
    def made_anew(*_):
        raise RuntimeError("made anew")

    monkeypatch.setattr("mobility.remedies.search._turning", made_anew)
    again = search(late.access, options=ONLY_TRIPS, bench=late)
    assert [(o.lever, o.score) for o in again.outcomes] == [
        (o.lever, o.score) for o in found.outcomes
    ]
    for one, two in zip(found.outcomes, again.outcomes, strict=True):
        assert one.effects.keys() == two.effects.keys()
        for window, effect in one.effects.items():
            for name in ("gained", "lost", "saved_s"):
                assert np.array_equal(getattr(effect, name), getattr(two.effects[window], name))
    assert any(e.gained.size for o in again.outcomes for e in o.effects.values())
    # Other moves are another search, though they are as many.
    others = replace(ONLY_TRIPS, moves_s=tuple(s + 60 for s in ONLY_TRIPS.moves_s))
    with pytest.raises(RuntimeError, match="made anew"):
        search(late.access, options=others, bench=late)


def test_minutes_to_fix(late, found):
    keys = late.present.keys
    morning = int(np.flatnonzero(keys["shift_id"] == 0)[0])
    # H1 needs 20 min; H2 walks too far for any move; the other shifts hold for H1.
    fixes = fixes_of(found)
    assert fixes.minutes[morning].tolist() == [20, -1]
    others = np.delete(fixes.minutes, morning, axis=0)
    assert others.tolist() == [[0, -1], [0, -1]]


def test_a_move_that_hurts_is_shown_to_hurt(found, late):
    # The afternoon bus (12:15, gate 12:39, due 12:50) may leave at 12:26 at the latest.
    noon = index(late, "noon")
    hurt = {o.lever.shift_s // 60: o for o in found.outcomes if o.lever.trips == (noon,)}
    assert hurt[15].score.workers_lost == 10
    assert hurt[15].score.net == -10
    assert hurt[15].score.directions_lost == 10
    assert not {o.lever.shift_s for o in found.useful if o.lever.trips == (noon,)}
    assert 10 not in hurt


def test_moving_by_nothing_changes_nothing(late):
    for name in ("early", "noon", "home05"):
        unit = (Lever("move_trip", (index(late, name),), shift_s=0),)
        assert late.try_units([unit], keep_times=True)[0] == [{}]


def test_there_and_back_again(late):
    trip = index(late, "early")
    there = what_if(late.study, [Lever("move_trip", (trip,), shift_s=-1200)])
    back = what_if(there, [Lever("move_trip", (trip,), shift_s=1200)])
    assert not same(
        there.timetables["school_weekday"].timetable,
        late.study.timetables["school_weekday"].timetable,
    )
    assert same(
        back.timetables["school_weekday"].timetable,
        late.study.timetables["school_weekday"].timetable,
    )


def test_the_mirror_case(tmp_path):
    # Return from the night (out of the gate 05:10): a bus at 05:10 leaves B before the walk
    # of 4 min is done; 5 min later it is caught.
    bench = bench_of(tmp_path, home05=("05:10", "05:30"))
    best = search(bench.access, options=ONLY_TRIPS, bench=bench).outcomes[0]
    assert best.lever == Lever("move_trip", (index(bench, "home05"),), shift_s=300)
    assert best.score.workers_gained == 10


def test_added_run_and_its_minutes(tmp_path):
    # The first trip of A→B on its own service day is the noon bus: 45 min of it earlier is
    # no help; the last one (28:45) later neither. A copy of the dawn bus 30 min later helps
    # where the present one comes too early.
    bench = bench_of(tmp_path, early=("27:40", "28:00"))
    trip = index(bench, "early")
    unit = tuple(Lever("add_run", (trip,), shift_s=60 * m) for m in (30, 45, 60))
    scores = [bench.scores.score(e) for e in bench.try_units([unit])[0]]
    # 04:10 holds (home left 04:05), 04:25 too, 04:40 is late; the early bus stays.
    assert [s.workers_gained for s in scores] == [10, 10, 0]
    assert [s.workers_lost for s in scores] == [0, 0, 0]


def test_extension_to_the_gate(tmp_path):
    # H2 walks 1000 s to A: with the 240 s of walking at the other end it is over 20 min.
    bench = bench_of(tmp_path)
    gate = len(bench.study.feed.stops) - 1
    stay = Lever("extend", (index(bench, "early"),), stop=gate, drive_s=60)
    home = Lever("extend", (index(bench, "home13"),), stop=gate, drive_s=60, at_start=True)
    alone = bench.scores.score(bench.try_units([(stay,)])[0][0])
    both = bench.scores.score(bench.try_together([stay, home]))
    assert alone.commutes_gained == 0
    # 04:20 + 20 + 1 min of driving: the gate at 04:41; left home at 04:03:20.
    assert both.commutes_gained == 10
    assert both.rosters_gained == 0


def test_two_moves_are_needed_and_found_as_a_pair(tmp_path):
    # The dawn bus too late and the 13:20 bus too early (13:10): neither move alone helps.
    late = trips(early=("28:45", "29:05"), home13=("13:10", "13:30"))
    staff = '[{ template = "3x8", headcount = 30 }]'
    bench = workbench(assess(load(write_territory(tmp_path, trips=late, rosters=staff))))
    found = search(bench.access, options=ONLY_TRIPS, bench=bench)
    assert not found.useful
    assert {o.score.jobs for o in found.pairs} == {15.0}
    pair = found.pairs[0]
    assert {lever.trips[0] for lever in pair.levers} == {
        index(bench, "early"), index(bench, "home13")
    }  # fmt: skip
    full = Ledger.of(bench.study).held(assess(what_if(bench.study, pair.levers)))
    assert np.array_equal(bench.scores.rosters_after(pair.effects), full)


def test_vehicle_of_the_block_is_needed_twice(tmp_path):
    # Bus B→A of 13:20 ends at A at 13:40. If the vehicle came in with the noon bus
    # (12:15–12:35), that may arrive at 13:20 at the latest.
    bench = bench_of(tmp_path)
    trips_ = bench.study.feed.trips.copy()
    trips_["block_id"] = ["b" if t.endswith(("noon", "home13")) else "" for t in trips_["trip_id"]]
    study = replace(bench.study, feed=replace(bench.study.feed, trips=trips_))
    bench = workbench(replace(bench.access, study=study))
    found = search(bench.access, options=ONLY_TRIPS, bench=bench)
    conflicts = {
        o.lever.shift_s // 60: (o.conflict_min, o.vehicle_rule)
        for o in found.outcomes
        if o.lever.trips == (index(bench, "home13"),)
    }
    # 13:20 less 45 min is 12:35: just in time.
    assert conflicts[-45] == (0, "block")
    noon = {o.lever.shift_s: o for o in found.outcomes if o.lever.trips == (index(bench, "noon"),)}
    assert noon[45 * 60].conflict_min == 0


@pytest.fixture(scope="module")
def demo():
    return workbench(assess(load(DEMO)))


def test_workbench_answers_as_before(demo):
    again = assess(demo.study)
    assert np.array_equal(again.outbound_s, demo.access.outbound_s)
    assert np.array_equal(again.return_s, demo.access.return_s)


KINDS = ["move_trip", "move_line", "extend", "add_run", "hold", "lift_school", "stop"]


@pytest.mark.parametrize("kind", KINDS)
def test_incremental_equals_full_run(demo, kind):
    rng = np.random.default_rng(8)
    options = SearchOptions(kinds=(kind,))
    units = candidates(demo.study, demo.nets, demo.windows, options, demo.new_stops)
    assert len(units) > 5
    changed = 0
    for place in rng.choice(len(units), 6, replace=False):
        unit = units[place]
        pick = int(rng.integers(len(unit)))
        effects = demo.try_units([unit], keep_times=True)[0][pick]
        full = assess(what_if(demo.study, [unit[pick]]))
        after = access_after(demo, effects)
        assert np.array_equal(full.outbound_s, after.outbound_s), unit[pick]
        assert np.array_equal(full.return_s, after.return_s), unit[pick]
        changed += bool(effects)
    if kind in ("move_trip", "move_line"):
        assert changed


@pytest.mark.parametrize("kind", KINDS)
def test_a_search_loses_no_lever_that_turns_someone(demo, kind):
    """What the bounds of a family rule out changes nobody's hold; all else is whole."""
    options = SearchOptions(kinds=(kind,))
    units = candidates(demo.study, demo.nets, demo.windows, options, demo.new_stops)
    ruled_out = 0
    for unit in units[:: max(1, len(units) // 25)]:
        pairs = zip(demo.try_units([unit])[0], demo.try_units([unit], turning=True)[0], strict=True)
        for whole, asked in pairs:
            turned = any(e.gained.size or e.lost.size for e in whole.values())
            told, full = ({w: _plain(e) for w, e in one.items()} for one in (asked, whole))
            assert told == full if turned else told in ({}, full)
            ruled_out += bool(full and not told)
    if kind in ("move_trip", "move_line", "stop"):
        assert ruled_out


def _plain(effect):
    return effect.gained.tolist(), effect.lost.tolist(), effect.saved_s


def test_figures_equal_those_of_a_full_run(demo):
    rng = np.random.default_rng(4)
    units = candidates(demo.study, demo.nets, demo.windows, SearchOptions(kinds=("move_line",)))
    for place in rng.choice(len(units), 4, replace=False):
        lever = units[place][int(rng.integers(18))]
        score = demo.scores.score(demo.try_units([(lever,)])[0][0])
        after = assess(what_if(demo.study, [lever]))
        before_rosters, after_rosters = rosters(demo.access), rosters(after)
        gained = lost = 0.0
        for r in np.flatnonzero(before_rosters.keys["mode"] == "counted"):
            held, holds = before_rosters.holds[r], after_rosters.holds[r]
            gained += demo.study.workers @ (holds & ~held)
            lost += demo.study.workers @ (held & ~holds)
        assert (score.rosters_gained, score.rosters_lost) == (gained, lost)


def test_several_levers_together_are_exact(demo):
    found = search(demo.access, options=ONLY_TRIPS, bench=demo)
    levers = [o.lever for o in distinct(found.useful, 3)]
    full = assess(what_if(demo.study, levers))
    after = access_after(demo, demo.try_together(levers, keep_times=True))
    assert np.array_equal(full.outbound_s, after.outbound_s)
    assert np.array_equal(full.return_s, after.return_s)


def test_search_order_is_stable(demo):
    options = SearchOptions(kinds=("hold",))
    # Nothing is kept of a bench without content: both search.
    afresh = replace(demo, content="")
    one = search(demo.access, options=options, bench=afresh)
    two = search(demo.access, options=options, bench=afresh)
    assert [o.lever for o in one.outcomes] == [o.lever for o in two.outcomes]


def test_distinct_levers_share_no_trip(demo):
    found = search(demo.access, options=ONLY_TRIPS, bench=demo)
    trips_ = [t for o in distinct(found.useful, 10) for t in o.lever.trips]
    assert len(trips_) == len(set(trips_)) > 0


def test_each_move_named_by_the_minutes_to_fix_connects_its_home(demo):
    found = search(demo.access, options=SearchOptions(kinds=("move_trip", "move_line")), bench=demo)
    quick = fixes_of(found)
    assert (quick.minutes > 0).any()
    zones = white_zones(demo.access)
    fix = quick.aligned(zones.keys)
    assert ((fix == 0) == (zones.status == SERVED)).all()
    # The move named does connect the home.
    key, home = (int(k[0]) for k in np.nonzero(quick.minutes > 0))
    lever = quick.levers[quick.move[key, home]]
    assert abs(lever.shift_s) // 60 == quick.minutes[key, home]
    changes = demo.scores.changes(demo.try_units([(lever,)])[0][0])
    assert any(c.key == key and home in c.gained for c in changes)
