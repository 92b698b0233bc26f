"""The public school bus benchmark: the checker, the plans kept, and what an instance may lack."""

import json
from pathlib import Path

import pytest

from benchmarks import sbrp
from benchmarks.chains.solve import solve_chains
from benchmarks.sbrp_check import check
from mobility.base.errors import SourceError

PLANS = sorted(sbrp.PLANS.glob("*.txt"))


@pytest.fixture
def folder(tmp_path):
    """Two schools half an hour apart, with three stops on a line; 29.3 ft are a second."""
    where = tmp_path / "TINY01"
    where.mkdir()
    (where / "Schools.txt").write_text(
        "ID\tX\tY\tAMEARLY\tAMLATE\n1\t0\t0\t700\t710\n2\t2933.33333\t0\t800\t810\n"
    )
    (where / "Stops.txt").write_text(
        "ID\tX_COORD\tY_COORD\tEP_ID\tSTUDENT_COUNT\n"
        "11\t0\t2933.33333\t1\t20\n12\t0\t5866.66666\t1\t40\n21\t2933.33333\t2933.33333\t2\t10\n"
    )
    return tmp_path


def test_one_bus_serves_two_schools(folder):
    problem, ids = sbrp.problem_of(folder / "TINY01", 2700)
    plan = solve_chains(problem, rounds=20, seed=1)
    text = sbrp.written("TINY01", 2700, plan.chains, ids)
    assert text == "TINY01 2700\n12 11; 21\n"
    assert check(folder, text) == (1, [])
    assert plan.bound == 1


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("TINY01 2700\n12 11\n", "not every stop is served once"),
        ("TINY01 2700\n12 11; 21\n21\n", "not every stop is served once"),
        ("TINY01 2700\n12 11 21\n", "bus 1: a trip to two schools"),
        ("TINY01 2700\n21; 12 11\n", "bus 1: late"),
        # From 12: 100 s of driving, 71 s at 11, 100 s more.
        ("TINY01 270\n12 11; 21\n", "bus 1: a ride of 271 s"),
        ("TINY01 2700\n12 99; 21\n", "bus 1: a trip without stops, or an unknown stop"),
    ],
)
def test_the_checker_refuses_what_breaks_a_rule(folder, text, wrong):
    assert wrong in check(folder, text)[1]


def test_an_overfull_bus_is_refused(folder):
    stops = folder / "TINY01" / "Stops.txt"
    stops.write_text(stops.read_text().replace("\t40\n", "\t47\n"))
    assert "bus 1: overfull" in check(folder, "TINY01 2700\n12 11; 21\n")[1]


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("\t40\n", "\t67\n", "value '12': No bus can serve a stop"),
        ("5866.66666", "99999999", "value '12': No bus can serve a stop"),
        ("\t1\t20", "\t9\t20", "value '9': A stop goes to a school"),
    ],
)
def test_an_instance_that_cannot_be_served_is_one_clear_line(folder, old, new, match):
    stops = folder / "TINY01" / "Stops.txt"
    stops.write_text(stops.read_text().replace(old, new))
    with pytest.raises(SourceError, match=match) as told:
        sbrp.problem_of(folder / "TINY01", 2700)
    assert "\n" not in str(told.value)


@pytest.mark.skipif(not sbrp.FOLDER.is_dir(), reason="the public instances are not at hand")
def test_the_plans_kept_hold_and_count_what_is_told():
    told = json.loads((Path(sbrp.__file__).with_name("figures.json")).read_text())
    found = {(r["instance"], r["longest_ride_s"]): r for r in told["sbrp"]}
    assert PLANS
    assert len(PLANS) == len(found)
    for path in PLANS:
        name, ride = path.stem.split("-")
        buses, wrong = check(sbrp.FOLDER, path.read_text())
        assert wrong == []
        row = found[name, int(ride)]
        assert row["bound"] <= buses == row["buses"] <= row["published"]
    for key, total in sbrp.totals(told["sbrp"]).items():
        assert told[key] == total


@pytest.mark.skipif(not sbrp.FOLDER.is_dir(), reason="the public instances are not at hand")
def test_a_public_instance_is_solved_to_its_optimum():
    problem, _ = sbrp.problem_of(sbrp.FOLDER / "RSRB04", 2700)
    plan = solve_chains(problem, rounds=100, seed=sbrp.SEED)
    assert len(plan.chains) == plan.bound == 62
