"""Copies of one departure on several kinds of day: changed where someone gains by it alone."""

import numpy as np
import pytest
from feeds import service
from small import write_territory

from mobility.commute.access import assess
from mobility.commute.ledger import Ledger
from mobility.commute.loading import load
from mobility.remedies.candidates import SearchOptions
from mobility.remedies.factors import load_factors
from mobility.remedies.full_runs import what_if
from mobility.remedies.model import days_of
from mobility.remedies.recommendations import retiming_remedy
from mobility.remedies.scenario import timetable_bill
from mobility.remedies.search import search, workbench

DAYS = """kinds = ["school_weekday", "saturday"]
dates = { school_weekday = 2026-11-17, saturday = 2026-11-21 }"""
#: The office works on weekdays, the market on all days, at hours when no bus runs.
_SHIFT = """{{ name = "{}", headcount = 30, \
    shifts = [{{ name = "a", start = "{}", end = "{}", days = "{}" }}] }}"""
SERVICES = {
    "week": service("1111100", "20260105", "20261218"),
    "tue": service("0100000", "20260105", "20261218"),
    "wed": service("0010000", "20260105", "20261218"),
    "sat": service("0000010", "20260105", "20261218"),
    "both": service("1111110", "20260105", "20261218"),
}


def found_of(folder, morning, hours=("09:00", "17:00"), times=("08:40", "09:00")):
    """Search on a street whose only bus there comes too late for the office."""
    office = _SHIFT.format("office", *hours, "mon-fri")
    market = _SHIFT.format("market", "12:00", "14:00", "all")
    trips = [(name, "A", times[0], "B", times[1], which) for name, which in morning.items()]
    home = ("home", "B", hours[1][:3] + "20", "A", hours[1][:3] + "40", "both")
    path = write_territory(
        folder, trips=[*trips, home], services=SERVICES, rosters=f"[{office}, {market}]", days=DAYS
    )
    bench = workbench(assess(load(path)))
    return search(bench.access, options=SearchOptions(kinds=("add_run",)), bench=bench)


def test_saturday_is_left_out_where_the_office_gains(tmp_path):
    found = found_of(tmp_path, {"week": "week", "sat": "sat"})
    bench, best = found.bench, found.outcomes[0]
    assert best.score.jobs > 0
    assert list(days_of(bench.nets, best.lever)) == ["school_weekday"]
    factors = load_factors(None)
    driven = next(x for x in timetable_bill(bench.vehicles, best.lever, factors) if x.quantity > 1)
    # 20 min of driving on each weekday, of which there are 260 in a year, not on 52 Saturdays.
    assert driven.quantity == pytest.approx(bench.study.days_of_kind("school_weekday") / 3)
    asked = retiming_remedy(bench, best, factors).params
    assert (asked["trips"], asked["day_kinds"]) == ("week", "school_weekday")
    # What is told of the lever is what a full run with it finds.
    full = Ledger.of(bench.study).held(assess(what_if(bench.study, [best.lever])))
    assert np.array_equal(bench.scores.rosters_after(best.effects), full)


def test_a_trip_of_one_id_on_both_kinds_of_day_stays_whole(tmp_path):
    found = found_of(tmp_path, {"one": "both"})
    best = found.outcomes[0]
    assert best.score.jobs > 0
    assert list(days_of(found.bench.nets, best.lever)) == ["school_weekday", "saturday"]


def test_a_copy_of_another_weekday_goes_with_that_of_the_date_studied(tmp_path):
    """The date is a Tuesday; what runs on Wednesdays alone is of the same kind of day."""
    found = found_of(tmp_path, {"wed": "wed", "tue": "tue", "sat": "sat"})
    ids = found.bench.study.feed.trip_ids
    assert [ids[trip] for trip in found.outcomes[0].lever.trips] == ["wed", "tue"]


def test_what_serves_the_day_after_keeps_all_its_copies(tmp_path):
    """The bus after midnight is of the service day before: which evening runs it is not told."""
    late = {"hours": ("01:00", "09:00"), "times": ("24:30", "24:50")}
    best = found_of(tmp_path, {"week": "week", "sat": "sat"}, **late).outcomes[0]
    assert best.score.jobs > 0
    assert len(best.lever.trips) == 2
