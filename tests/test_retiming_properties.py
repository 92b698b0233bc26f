"""What must hold of any lever on any timetable; and exactness on the largest real network."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small import write_territory
from timetables import same

from mobility.base.errors import SourceNotFoundError
from mobility.commute.access import assess
from mobility.commute.loading import load
from mobility.remedies.candidates import SearchOptions, candidates
from mobility.remedies.family import families, patch
from mobility.remedies.full_runs import what_if
from mobility.remedies.model import Lever, networks
from mobility.remedies.search import access_after, workbench
from mobility.remedies.stops import with_gate_stops
from mobility.timetable.arrays import mirror_runs, take_runs

REAL = Path(__file__).parents[1] / "examples" / "rhein-neckar" / "territory.toml"
N_TRIPS = 6
MINUTES = st.integers(-60, 60).map(lambda m: 60 * m)


@pytest.fixture(scope="module")
def street(tmp_path_factory):
    """The street of `small`, with stops at its gates and room to walk further."""
    extra = "[limits]\nmax_walk_min = 25\nmax_total_min = 75"
    return with_gate_stops(load(write_territory(tmp_path_factory.mktemp("street"), extra=extra)))


@settings(max_examples=25, deadline=None)
@given(st.lists(MINUTES, min_size=N_TRIPS, max_size=N_TRIPS), st.integers(0, N_TRIPS - 1), MINUTES)
def test_one_move_equals_a_full_run(street, drawn, trip, by_s):
    moves = [Lever("move_trip", (t,), shift_s=s) for t, s in enumerate(drawn)]
    bench = workbench(assess(what_if(street, moves)))
    lever = Lever("move_trip", (trip,), shift_s=by_s)
    after = access_after(bench, bench.try_units([(lever,)], keep_times=True)[0][0])
    full = assess(what_if(bench.study, [lever]))
    assert np.array_equal(full.outbound_s, after.outbound_s)
    assert np.array_equal(full.return_s, after.return_s)


@settings(max_examples=15, deadline=None)
@given(st.lists(MINUTES, min_size=N_TRIPS, max_size=N_TRIPS))
def test_what_one_gains_the_way_back_loses(street, drawn):
    """Pulling levers and undoing them exchange who gains and who loses."""
    moves = [Lever("move_trip", (t,), shift_s=s) for t, s in enumerate(drawn)]
    there = workbench(assess(street))
    gone = there.scores.score(there.try_together(moves))
    back = [Lever("move_trip", (t,), shift_s=-s) for t, s in enumerate(drawn)]
    here = workbench(assess(what_if(street, moves)))
    come = here.scores.score(here.try_together(back))
    assert (gone.commutes_gained, gone.commutes_lost) == (come.commutes_lost, come.commutes_gained)
    assert (gone.rosters_gained, gone.rosters_lost) == (come.rosters_lost, come.rosters_gained)
    assert gone.saved_h == pytest.approx(-come.saved_h)


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(N_TRIPS)), st.lists(MINUTES, min_size=N_TRIPS, max_size=N_TRIPS))
def test_the_order_of_levers_does_not_matter(street, order, drawn):
    moves = [Lever("move_trip", (t,), shift_s=s) for t, s in enumerate(drawn)]
    one = what_if(street, moves).timetables["school_weekday"].timetable
    two = what_if(street, [moves[k] for k in order]).timetables["school_weekday"].timetable
    assert same(one, two)


def test_a_family_holds_what_its_members_do_alone(street):
    nets = networks(street)
    unit = tuple(Lever("move_trip", (2,), shift_s=s) for s in (-600, 0, 900))
    whole = families(nets, [unit])["school_weekday"].family(0)
    for k, lever in enumerate(unit):
        alone = families(nets, [(lever,)])["school_weekday"].family(0)
        mine = take_runs(whole.added, np.flatnonzero(whole.member == k))
        for one, two in zip(mine, alone.added, strict=True):
            assert np.array_equal(one, two)
        assert np.array_equal(whole.removed, alone.removed)


@pytest.mark.parametrize(
    "lever",
    [
        Lever("move_trip", (2,), shift_s=-300),
        Lever("add_run", (1,), shift_s=1200),
        Lever("hold", (2,), shift_s=120, stop=2),
        Lever("hold", (2,), shift_s=120, stop=99),
        Lever("extend", (2,), stop=9, drive_s=240),
        Lever("extend", (2,), stop=9, drive_s=240, at_start=True),
    ],
)
def test_whole_runs_are_changed_as_any_others(street, lever):
    nets = networks(street)
    plain, whole = (
        patch(nets, "school_weekday", [lever]),
        families(nets, [(lever,)])["school_weekday"],
    )
    assert plain.added.run_day.size
    assert np.array_equal(whole.removed, plain.removed)
    for one, two in zip(whole.added, plain.added, strict=True):
        assert np.array_equal(one, two)


def test_runs_mirrored_twice_are_themselves(street):
    runs = networks(street)["school_weekday"].runs
    for one, two in zip(runs, mirror_runs(mirror_runs(runs)), strict=True):
        assert np.array_equal(one, two)


@pytest.mark.slow
@pytest.mark.real
def test_random_moves_on_the_largest_network():
    try:
        access = assess(load(REAL))
    except SourceNotFoundError:
        pytest.skip("the real extracts are absent")
    bench = workbench(access)
    options = SearchOptions(kinds=("move_trip", "move_line"))
    units = candidates(bench.study, bench.nets, bench.windows, options)
    rng = np.random.default_rng(11)
    changed = 0
    for place in rng.choice(len(units), 12, replace=False):
        unit = units[place]
        pick = int(rng.integers(len(unit)))
        effects = bench.try_units([unit], keep_times=True)[0][pick]
        if not effects:
            continue
        changed += 1
        if changed > 2:
            break
        full = assess(what_if(bench.study, [unit[pick]]))
        after = access_after(bench, effects)
        assert np.array_equal(full.outbound_s, after.outbound_s), unit[pick]
        assert np.array_equal(full.return_s, after.return_s), unit[pick]
    assert changed
