"""Sets of runs asked together are told what each is told alone."""

import datetime as dt
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from light_plans import write_cut
from test_night_safety import write
from timetables import timetable_from_runs

from mobility.base.clock import service_clock
from mobility.commute.access import assess
from mobility.commute.additions import with_feed
from mobility.commute.loading import load
from mobility.commute.side_by_side import SideBySide, alone, with_each
from mobility.commute.study import engine_limits
from mobility.commute.variants import stops_served
from mobility.commute.white_zones import REASONS, white_zones
from mobility.engine.journeys import Edge, EngineLimits, TwoWay, reach, scan
from mobility.shuttles.after import read_tables
from mobility.shuttles.gtfs_out import TABLES
from mobility.timetable.arrays import INF
from mobility.timetable.change import muted, with_runs
from mobility.timetable.footpaths import WalkTable

SETS = 4


def lines(study, rng, count):
    """Return random lines between homes and a gate, in time for a shift: calls with times."""
    found = []
    for _ in range(count):
        row = study.shift_rows[int(rng.integers(len(study.shift_rows)))]
        gate = study.sites[row.site].gates[0]
        places = [
            tuple(study.homes.lonlat[h])
            for h in rng.integers(study.n_homes, size=rng.integers(1, 4))
        ]
        inbound, leg = bool(rng.integers(2)), int(rng.integers(200, 700))
        n = len(places)
        if inbound:
            end = row.start_s - int(rng.integers(0, 40)) * 60
            times = [end - leg * (n - k) for k in range(n + 1)]
            calls = [*places, gate]
        else:
            start = row.end_s + int(rng.integers(0, 40)) * 60
            times = [start + leg * k for k in range(n + 1)]
            calls = [gate, *places]
        if min(times) > 0:
            found.append(tuple(zip(calls, times, strict=True)))
    return found


def feed(study, some):
    """Return a feed with a trip for each of some lines, on every studied date."""
    tables = {name: [] for name in TABLES}
    tables["agency"] = [{"agency_id": "a", "agency_name": "a", "agency_url": "https://example.org/",
                         "agency_timezone": study.territory.timezone}]  # fmt: skip
    tables["routes"] = [
        {"route_id": "r", "agency_id": "a", "route_short_name": "r", "route_type": 3}
    ]
    stops = {}
    for trip, line in enumerate(some):
        tables["trips"].append({"route_id": "r", "service_id": "s", "trip_id": f"t{trip}"})
        for k, (place, at) in enumerate(line):
            stop = stops.setdefault(place, f"s{len(stops)}")
            tables["stop_times"].append(
                {"trip_id": f"t{trip}", "arrival_time": service_clock(at, seconds=True),
                 "departure_time": service_clock(at, seconds=True),
                 "stop_id": stop, "stop_sequence": k + 1}
            )  # fmt: skip
    tables["stops"] = [
        {"stop_id": name, "stop_name": name, "stop_lat": f"{y:.6f}", "stop_lon": f"{x:.6f}",
         "location_type": 0}
        for (x, y), name in stops.items()
    ]  # fmt: skip
    tables["calendar_dates"] = [
        {"service_id": "s", "date": f"{day.date + dt.timedelta(days=k):%Y%m%d}",
         "exception_type": 1}
        for day in study.days for k in (-1, 0, 1)
    ]  # fmt: skip
    return read_tables(tables)


def random_sets(study, seed):
    """Return feeds that share some lines; the last one has none of its own."""
    rng = np.random.default_rng(seed)
    pool = lines(study, rng, 12)
    # The same ways a quarter of an hour earlier, or later: alike in all but their times.
    pool += [
        tuple((place, at + 900 * (1 - 2 * (k % 2))) for place, at in pool[k]) for k in range(6)
    ]
    sets = [[x for x in pool if rng.random() < 0.4] or pool[:1] for _ in range(SETS - 1)]
    sets.append(sets[0][:1] or pool[:1])
    return {f"P{k}": feed(study, some) for k, some in enumerate(sets)}


def told(study, known=None):
    access = assess(study)
    zones = white_zones(access, known=known)
    return access.outbound_s, access.return_s, access.overtime_s, zones.status, zones.reason


@pytest.fixture(scope="module", params=[False, True], ids=["any way", "safe at night"])
def study(request, tmp_path_factory):
    found = load(write_cut(tmp_path_factory.mktemp("in"), "school_weekday"))
    territory = found.territory
    limits = territory.limits.model_copy(update={"safe_at_night": request.param})
    modes = territory.modes.model_copy(update={"evaluated": ["transit", "walk", "bike"]})
    territory = territory.model_copy(update={"limits": limits, "modes": modes})
    return replace(found, territory=territory)


@pytest.mark.parametrize("seed", range(3))
def test_each_set_is_told_what_it_is_told_alone(study, seed):
    feeds = random_sets(study, seed)
    before, changed = told(study), Counter()
    for one, hours in with_each(study, feeds):
        name = one.scenario
        found = told(one, hours)
        expected = told(with_feed(study, feeds[name], scenario="alone"))
        for what, mine, theirs, base in zip(
            ("out", "back", "overtime", "status", "reason"), found, expected, before, strict=True
        ):
            assert np.array_equal(mine, theirs), (name, what)
            changed[what] += int((theirs != base).sum())
    assert all(changed[what] for what in ("out", "back", "overtime", "status", "reason")), changed
    assert "no_service_hour" in {REASONS[k] for k in np.unique(before[-1])}


def test_stops_served_are_known_before_any_timetable_is_made(study):
    for one, _ in with_each(study, random_sets(study, 0)):
        known, new = stops_served(one.timetables), slice(study.feed.n_stops, None)
        assert np.array_equal(known, stops_served(dict(one.timetables)))
        assert known[new].all()
        assert known.sum() > known[new].sum()


def test_runs_that_are_quicker_alone_are_told(study):
    """Where all sets together bring nobody new, some are still told to be there sooner."""
    before = assess(study)
    row = before.row(0, study.days[0].kind, "transit")
    shift, found = study.shift_rows[0], 0
    gate = study.sites[shift.site].gates[0]
    for home in np.flatnonzero(before.holds_out[row])[:12]:
        place = tuple(study.homes.lonlat[home])
        ends = [shift.start_s - late * 60 for late in (12, 14)]
        feeds = {
            f"P{k}": feed(study, [((place, end - 240), (gate, end))]) for k, end in enumerate(ends)
        }
        limits, day = engine_limits(study.territory.limits), study.days[0]
        for one, _ in with_each(study, feeds):
            # Whether it holds is asked first, which is another question.
            everybody = np.ones(study.n_homes, bool)
            one.views.stand_in(shift.site, day, study.edges(0, day)[0], limits, everybody)
            access = assess(one)
            alone_s = assess(with_feed(study, feeds[one.scenario], scenario="alone")).outbound_s
            assert np.array_equal(access.outbound_s, alone_s)
            held = (access.outbound_s < INF) == before.holds_out
            found += bool(held[row].all() and (access.outbound_s != before.outbound_s)[row].any())
    assert found


def test_sets_share_what_they_share_and_are_scanned_apart_where_they_differ(study, monkeypatch):
    feeds = random_sets(study, 0)
    asked = Counter()
    like = SideBySide._like

    def counted(self, k, *args, **kwargs):
        found = like(self, k, *args, **kwargs)
        asked["before" if found < 0 else "own" if found == k else "other"] += 1
        return found

    monkeypatch.setattr(SideBySide, "_like", counted)
    for one, hours in with_each(study, feeds):
        told(one, hours)
    assert all(asked[who] for who in ("before", "own", "other")), asked


def test_hours_at_which_all_is_walked_alike_are_asked_once(tmp_path, monkeypatch):
    """Closed before 08:00, as two ends of shifts are; no driving from 20:00 to 23:00."""
    tags = (
        '<tag k="access:conditional" v="no @ (00:00-08:00)"/>'
        '<tag k="motor_vehicle:conditional" v="no @ (20:00-23:00)"/>'
    )
    study, asked, some_hour = (
        load(write(tmp_path, tags=tags, safe="false")),
        [],
        SideBySide.some_hour,
    )

    def noted(self, k, moved, *args):
        asked.append((k, moved.returning, moved.hours))
        return some_hour(self, k, moved, *args)

    monkeypatch.setattr(SideBySide, "some_hour", noted)
    home, gate = tuple(study.homes.lonlat[0]), study.sites[0].gates[0]
    feeds = {
        f"P{k}": feed(study, [((home, at - 600), (gate, at))])
        for k, at in enumerate((36_000, 45_000))
    }
    for one, hours in with_each(study, feeds):
        found = told(one, hours)
        assert len({moved.hours for moved in hours}) == 3
        expected = told(with_feed(study, feeds[one.scenario], scenario="alone"))
        assert all(map(np.array_equal, found, expected))
    assert Counter((k, returning) for k, returning, _ in asked) == {
        (k, returning): 2 for k in range(2) for returning in (False, True)
    }


@pytest.mark.parametrize("seed", range(20))
def test_runs_from_which_nobody_alights_are_as_good_as_gone(seed):
    rng = np.random.default_rng(seed)
    n_stops, n_runs = 8, 30
    runs = []
    for _ in range(n_runs):
        stops = rng.permutation(n_stops)[: rng.integers(2, 6)]
        times = np.cumsum(rng.integers(60, 900, len(stops))) + rng.integers(0, 6000)
        run = [(int(s), int(t)) for s, t in zip(stops, times, strict=True)]
        runs.append(run)
    tt = timetable_from_runs(n_stops, runs, [(0, 1, 120), (1, 0, 120), (2, 3, 60)])
    # Each run a trip of its own, in the order of the timetable.
    trip = np.repeat(np.arange(tt.n_runs, dtype=np.int32), np.diff(tt.run_ptr))
    tt = replace(tt, call_trip=trip)
    kept = rng.random(tt.n_runs) < 0.6
    whole = TwoWay(tt)
    fewer = TwoWay(with_runs(tt, removed=np.flatnonzero(~kept).tolist()))
    quiet = alone(whole, kept)
    assert muted(tt, kept).n_runs == tt.n_runs
    egress = np.full(n_stops, 2**30, np.int32)
    egress[[3, 5]] = 100, 400
    walks = WalkTable(np.arange(n_stops + 1), np.arange(n_stops, dtype=np.int32),
                      np.full(n_stops, 90, np.int32))  # fmt: skip
    reached = 0
    for returning in (False, True):
        for at_s in range(1000, 9000, 500):
            edge, limits = Edge(returning, at_s, 0), EngineLimits()
            one, other = (reach(scan(two, egress, edge, limits), walks) for two in (quiet, fewer))
            for name in ("elapsed_s", "rides", "walk_s", "stop"):
                assert np.array_equal(getattr(one, name), getattr(other, name)), name
            reached += int((other.rides > 0).sum())
    assert reached
