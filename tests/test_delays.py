"""Rosters on days with delays: by hand, against brute force, and what can never happen."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from feeds import service, trip, write_gtfs
from hypothesis import given, settings
from hypothesis import strategies as st
from small import PLACES_M, lonlat, write_territory
from timetables import timetable_from_runs
from typer.testing import CliRunner

import mobility
from mobility.base.errors import SourceError, TerritoryError
from mobility.cli import app
from mobility.commute.access import counted_rows
from mobility.engine.delays import PlannedRide, RealRuns, ride_late, ride_of_mirror
from mobility.settings import read_territory
from mobility.sources.delays import read_delays
from mobility.sources.trip_updates import CANCELLED_S
from mobility.timetable.arrays import INF, mirrored
from mobility.timetable.late import DelayDraws

# --- two lines and a connection, every delay that can be ---

#: Stops: 0 home's, 1 the change, 2 the gate's. A feeder, then three vehicles of the trunk.
RUNS = [[(0, 0), (1, 600)], [(1, 720), (2, 1200)], [(1, 1020), (2, 1500)], [(1, 1320), (2, 1620)]]
CHANGE_S = 60
#: (delay, weight) of each vehicle; those of the trunk are late from their first stop on.
FEEDER = ((0, 4), (60, 2), (120, 1), (900, 1))
TRUNK = ((0, 5), (240, 2), (600, 1))


def timetable():
    return timetable_from_runs(3, RUNS, min_change_s=CHANGE_S)


def brute(feeder_s: int, *trunk_s: int) -> int:
    """When the rider is there: the first of the trunk that really leaves once he is there."""
    ready_s = 600 + feeder_s + CHANGE_S
    coming = [(run[0][1] + late, k, run[1][1] + late)
              for k, (run, late) in enumerate(zip(RUNS[1:], trunk_s, strict=True))]  # fmt: skip
    return min((c for c in coming if c[0] >= ready_s), default=(0, 0, INF))[2]


def draws_of(late_s: np.ndarray):
    """Real times of runs that are as late all the way, int (runs, draws)."""
    tt = timetable()

    def real(run):
        calls = slice(tt.run_ptr[run], tt.run_ptr[run + 1])
        late = late_s[run].astype(np.int32)
        return tt.call_arr[calls, None] + late, tt.call_dep[calls, None] + late

    return RealRuns(tt, real, np.arange(3), 3600)


def ridden(late_s: np.ndarray):
    return ride_late(draws_of(late_s), [PlannedRide(0, 1, 0), PlannedRide(2, 3, CHANGE_S)], 0)


def test_all_combinations_of_discrete_delays_as_by_brute_force():
    cases = list(itertools.product(FEEDER, TRUNK, TRUNK, TRUNK))
    late_s = np.array([[delay for delay, _ in case] for case in cases]).T
    weight = np.array([np.prod([w for _, w in case]) for case in cases])
    arrival_s, missed = ridden(late_s)
    expected = [brute(*row) for row in late_s.T.tolist()]
    assert arrival_s.tolist() == expected
    # In time by 1200 + 240 s. Feeder in time (6 of 8, its 60 s being the slack): on the first
    # vehicle, at most 240 s late (7 of 8); at 600 s it leaves at 1320, after the second one
    # (1020, 1260 or 1620), which is there at 1500 or later. Feeder 120 s late: the first vehicle
    # only when 240 s late. Else never.
    chance = weight @ (arrival_s <= 1440) / weight.sum()
    assert chance == pytest.approx(6 / 8 * 7 / 8 + 1 / 8 * 2 / 8)
    # Missed: 120 s late and the first vehicle on time (5 of 8); 900 s late, always.
    assert weight @ missed[1] / weight.sum() == pytest.approx(1 / 8 * 5 / 8 + 1 / 8)
    assert not missed[0].any()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 900), min_size=4, max_size=4), st.integers(1, 4))
def test_one_connection_missed_stays_missed_when_delays_grow(late, times):
    now, more = (np.array(late)[:, None] * k for k in (1, times))
    missed, later = ridden(now)[1][1], ridden(more)[1][1]
    assert (later >= missed).all()
    assert ridden(now)[0][0] == brute(*late)


def test_a_vehicle_overtaken_is_let_go_and_one_that_left_before_is_not_counted_on():
    runs = [
        [(0, 0), (1, 600)],
        [(1, 700), (2, 3000)],  # overtaken by the planned one, and before it
        [(1, 720), (2, 1200)],  # planned
        [(1, 800), (2, 2900)],  # overtaken by the next
        [(1, 900), (2, 1400)],
    ]
    tt = timetable_from_runs(3, runs)
    found = RealRuns(tt, lambda _: pytest.fail("asked"), np.arange(3), 3600)
    assert [run for run, *_ in found.choices(4, 5)] == [2, 4]


# --- a territory ---


@pytest.fixture(scope="module")
def toml(tmp_path_factory):
    return write_territory(tmp_path_factory.mktemp("delays"))


@pytest.fixture(scope="module")
def access(toml):
    return mobility.assess(mobility.load(toml))


def promised(access):
    return access.rosters.share[counted_rows(access.rosters)]


def connected(folder):
    """The street with a change at B for H1, each way, and a second try some minutes later."""
    trips = [
        trip("in1", [("A", "12:10"), ("B", "12:20")]),
        trip("in2", [("B", "12:27"), ("C", "12:37")]),
        trip("in3", [("B", "12:34"), ("C", "12:44")]),
        trip("back1", [("C", "21:15"), ("B", "21:25")]),
        trip("back2", [("B", "21:30"), ("A", "21:42")]),
    ]  # fmt: skip
    rosters = '[{ name = "late", shifts = [{ name = "l", start = "13:00", end = "21:00" }] }]'
    toml = write_territory(folder, rosters=rosters)
    places = {"A": PLACES_M["A"], "B": 6000.0, "C": PLACES_M["B"]}
    write_gtfs(folder / "gtfs.zip", stops={k: lonlat(m) for k, m in places.items()}, trips=trips,
               services={"S": service("1111111", "20260105", "20261218")})  # fmt: skip
    return toml


@pytest.fixture(scope="module")
def changing(tmp_path_factory):
    return mobility.assess(mobility.load(connected(tmp_path_factory.mktemp("changing"))))


@pytest.mark.parametrize("which", ["access", "changing"])
def test_without_delays_it_is_what_the_timetable_promises(which, request):
    here = request.getfixturevalue(which)
    found = mobility.delays(here, scale=0, draws=7)
    np.testing.assert_array_equal(found.chance, promised(here))
    np.testing.assert_array_equal(found.sure, found.planned)
    assert (found.connections["missed_share"] == 0).all()
    shifts = found.table[found.table["shift"] != ""]
    assert (shifts[["out_share", "back_share"]] == 1).all(axis=None)


def test_no_draw_makes_a_roster_hold_that_never_held_and_more_delay_never_helps_the_mean(changing):
    means = []
    for scale in (0, 0.5, 1, 2, 4, 8):
        found = mobility.delays(changing, scale=scale)
        assert (found.chance <= promised(changing) + 1e-12).all()
        means.append(found.chance.mean())
    assert means == sorted(means, reverse=True)
    assert means[0] > means[-1] > 0


def test_a_territory_gives_delays_of_its_own(tmp_path):
    toml = write_territory(tmp_path, extra='[factors]\n"delay.start" = 0\n"delay.hour" = 0\n')
    study = mobility.load(read_territory(toml))
    found = mobility.delays(study)
    assert found.chance.max() == 1
    np.testing.assert_array_equal(found.sure, found.planned)


def test_a_connection_at_risk_is_told(changing):
    found = mobility.delays(changing)
    told = found.connections.set_index("direction")
    assert told.loc["outbound", ["stop", "workers"]].tolist() == ["Stop B", 10]
    # The feeder comes with 7 min of slack, less what a change takes; it is missed now and then.
    assert 0 < told.loc["outbound", "missed_share"] < told.loc["return", "missed_share"] < 0.5
    row = found.table[found.table["shift"] == "l"].iloc[0]
    assert max(told["missed_share"]) < row["missed_share"] < told["missed_share"].sum()
    # Nothing goes back after 21:30: who misses it is not home, and it is the last.
    assert row["last_at_risk"] == 10
    assert row["back_share"] <= 1 - told.loc["return", "missed_share"]


def test_days_are_the_same_again_whatever_is_asked_and_in_any_order(access, monkeypatch):
    study = access.study
    whole = mobility.delays(access)
    site = study.sites[0]
    shifts = tuple(reversed(site.rosters[0].shifts))
    other = site.rosters[0].model_copy(update={"shifts": shifts})
    turned = replace(study, sites=(site.model_copy(update={"rosters": (other,)}),))
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    again = mobility.delays(turned)
    np.testing.assert_allclose(again.chance, whole.chance)
    pd.testing.assert_frame_equal(mobility.delays(access).table, whole.table)
    assert not mobility.delays(access, seed=2).table.equals(whole.table)


def test_a_trip_starts_as_late_as_its_vehicle_came(tmp_path):
    study = mobility.load(write_territory(tmp_path))
    # One vehicle, two trips: 20 min late at the end of the first, 2 min of layover.
    tt = replace(timetable_from_runs(3, [[(0, 0), (1, 600), (1, 600, 720), (2, 1200)]]),
                 call_trip=np.array([0, 0, 1, 1], np.int32))  # fmt: skip
    drawn = DelayDraws(study.feed, 500, 1, 600.0, 0.0)
    arrival_s, departure_s = drawn.real_times(tt, 0, (dt.date(2026, 11, 17), study.territory.zone))
    assert (departure_s[2] >= arrival_s[1]).all()
    pushed = departure_s[2] == arrival_s[1]
    assert 0 < pushed.mean() < 1
    # Both trips draw exponential delays of mean 600 s of their own, to within 5 standard errors.
    assert abs((arrival_s[1] - 600).mean() - 600) < 5 * 600 / 500**0.5
    np.testing.assert_array_equal(arrival_s[3] - 1200, departure_s[2] - 720)


# --- observed delays ---

HEAD = "trip_id,date,delay_s\n"


def write(tmp_path, text, name="delays.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_observed_days_are_drawn_and_the_share_is_theirs(access, tmp_path):
    # The noon bus reaches B at 12:35, the gate at 12:39; due at 12:50. Late in one day of two.
    rows = "".join(f"{name},2026-11-{d:02d},{1200 if name == 'noon' and d % 2 else -30}\n"
                   for name in ("noon", "home21", "early", "home13", "night", "home05")
                   for d in range(1, 9))  # fmt: skip
    seen = read_delays(write(tmp_path, HEAD + rows), access.study.feed)
    found = mobility.delays(access, observed=seen, draws=400)
    row = found.table.set_index("shift")
    assert row.loc["matin", "out_share"] == row.loc["nuit", "out_share"] == 1
    assert row.loc["après-midi", "out_share"] == pytest.approx(0.5, abs=0.1)
    assert row.loc["après-midi", "back_share"] == 1
    assert "44 observations are early" in " ".join(found.sentences("en"))


def test_one_date_and_one_trip_observed_are_told_in_the_singular(access, tmp_path):
    seen = read_delays(write(tmp_path, HEAD + "noon,2026-11-17,-60\n"), access.study.feed)
    found = mobility.delays(access, observed=seen, draws=5)
    told = " ".join(found.sentences("fr"))
    assert "1 date observée. 1 course observée, des " in told
    assert "1 observation est en avance" in told
    assert "1 date observed. 1 trip observed, of " in " ".join(found.sentences("en"))


def test_dates_are_written_as_in_a_list_of_hours(access, tmp_path):
    text = HEAD + "noon,2026-11-17,1\nnoon,20261118,2\nnoon,19/11/2026,3\nearly,1.12.2026,4\n"
    rows = read_delays(write(tmp_path, text), access.study.feed).rows.sort_values("arrival_s")
    told = [dt.date(2026, 11, 17), dt.date(2026, 11, 18), dt.date(2026, 11, 19)]
    assert rows["date"].tolist() == [*told, dt.date(2026, 12, 1)]


def test_delays_at_stops_carry_on_until_the_next(access, tmp_path):
    feed = access.study.feed
    text = "trip_id,date,stop_id,arrival_delay_s,departure_delay_s\nnoon,20261117,A,0,60\n"
    seen = read_delays(write(tmp_path, text), feed)
    noon = next(iter(seen.by_trip))
    at_a, at_b = (int(np.flatnonzero(feed.stops["stop_id"] == s)[0]) for s in "AB")
    arrival_s, departure_s = seen.profile(noon, np.array([at_a, at_b]))
    assert arrival_s.ravel().tolist() == [0, 60]
    assert departure_s.ravel().tolist() == [60, 60]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD + "noon,2026-11-17,0\nghost,2026-11-17,60\n", "row 3, field trip_id, value 'ghost'"),
        (HEAD + "noon,17 Nov,60\n", "field date, value '17 Nov'"),
        (HEAD + "noon,2026-11-17,soon\n", "field delay_s, value 'soon'"),
        (HEAD + "noon,2026-11-17,1e9\n", "A delay is within a day"),
        (HEAD + "noon,2026-11-17,0\nnoon,20261117,60\n", "two delays on one date"),
        ("trip_id,date,delay_min\nnoon,2026-11-17,5\n", "are: trip_id, date, delay_min. → Give d"),
        ("trip_id,date,arrival_delay_s\nnoon,2026-11-17,5\n", "Give delay_s, or both"),
        (HEAD + "noon,13/13/2026,0\n", "value '13/13/2026': It is no date. → Write it as 2026-11"),
        (HEAD + "noon,17/11/2026,0\nnoon,20261117,60\n", "two delays on one date"),
        (HEAD, "It holds no rows"),
        ("", "It holds no rows"),
        ("trip_id,date,stop_id,arrival_delay_s,departure_delay_s\nnoon,20261117,A,300,60\n",
         "row 2, field departure_delay_s, value '60': The vehicle leaves before it has come"),
        ("trip_id,date,stop_id,delay_s\nnoon,20261117,Z,300\n", "does not call at this stop"),
    ],
)  # fmt: skip
def test_a_bad_table_is_one_line(toml, tmp_path, text, words):
    path = write(tmp_path, text)
    command = ["delays", str(toml), "-o", str(tmp_path / "out"), "--observed", str(path)]
    done = CliRunner().invoke(app, [*command, "--lang", "en"])
    assert done.exit_code == 2
    assert words in " ".join(done.output.split())
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("gone", ["CANCELED", "DELETED"])
def test_trip_updates_are_read(access, tmp_path, gone):
    messages = pytest.importorskip("google.transit.gtfs_realtime_pb2")
    feed = access.study.feed

    def update(name, trip_id, *, relationship=0, **late):
        message = messages.FeedMessage()
        message.header.gtfs_realtime_version = "2.0"
        message.header.timestamp = 1_794_913_200  # 2026-11-17 11:00 UTC, noon in Paris
        told = message.entity.add(id="1").trip_update
        told.trip.trip_id = trip_id
        told.trip.schedule_relationship = relationship
        for stop, (field, value) in late.items():
            call = told.stop_time_update.add(stop_id=stop)
            setattr(call.departure if stop == "A" else call.arrival, field, value)
        (tmp_path / name).write_bytes(message.SerializeToString())

    update("1.pb", "noon", A=("delay", 30))
    update("2.pb", "noon", A=("delay", 90))
    # Told as a time: 12:41 in Paris, planned for 12:35.
    update("3.pb", "noon", B=("time", 1_794_913_200 - 3600 + 3600 + 41 * 60))
    update("4.pb", "ghost", A=("delay", 1))
    update("5.pb", "night", relationship=messages.TripDescriptor.ScheduleRelationship.Value(gone))
    seen = read_delays(tmp_path, feed)
    names = feed.trips["trip_id"].iloc[seen.rows["trip"]]
    told = seen.rows.assign(name=names.to_numpy()).set_index("name")
    assert told.loc["noon", "departure_s"].tolist() == [90, 360]
    assert told.loc["night", "departure_s"] == CANCELLED_S
    assert seen.unknown == 1
    found = mobility.delays(access, observed=seen).table.set_index("shift")
    assert found.loc["nuit", "out_share"] == 0
    write(tmp_path, "no message", "6.pb")
    with pytest.raises(SourceError, match=r"6\.pb: It is no message"):
        read_delays(tmp_path, feed)


@pytest.mark.parametrize(("lang", "words"), [("en", "hold on 19 working days"),
                                             ("fr", "19 jours travaillés")])  # fmt: skip
def test_the_command_writes_its_tables(toml, tmp_path, lang, words):
    command = ["delays", str(toml), "-o", str(tmp_path), "--draws", "20", "--lang", lang]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert words in " ".join(done.output.split())
    table = pd.read_csv(tmp_path / "delays.csv")
    assert table["promised"].tolist() == [10, 10, 10, 10]
    assert (table["days_of_20"] <= 20).all()
    homes = gpd.read_file(tmp_path / "delays.gpkg", layer="homes").set_index("home_id")
    assert homes.loc["H1", "Usine | 3x8 | share"] == pytest.approx(
        table["days_of_20"][0] / 20, abs=1e-3
    )
    assert homes.loc["H2", "Usine | 3x8 | share"] == 0
    page = (tmp_path / "delays.html").read_text(encoding="utf-8")
    assert words in page
    assert (tmp_path / "delay_connections.csv").exists()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('gtfs = ["gtfs.zip"]', "gtfs = []", ("sources.gtfs", "Name the GTFS")),
        ('"transit", "walk"', '"walk"', ("modes.evaluated", 'Add "transit".')),
    ],
)
def test_where_nothing_can_be_late_nothing_is_told(tmp_path, old, new, told):
    path = write_territory(tmp_path, extra="[limits]\nmax_walk_min = 180\nmax_total_min = 360")
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    command = ["delays", str(path), "-o", str(tmp_path / "out"), "--lang", "en"]
    result = CliRunner().invoke(app, command)
    said = " ".join(result.output.split())
    assert result.exit_code == 2, said
    assert "No way to work studied goes by a timetable" in said
    for text in (path.name, *told):
        assert text in said
    assert not (tmp_path / "out").exists()
    with pytest.raises(TerritoryError):
        mobility.delays(mobility.load(path))


def test_a_ride_of_the_mirror_is_found_in_the_timetable():
    tt = timetable()
    mirror = mirrored(tt)
    # Aboard at the mirror's last call, off at its first.
    found = {ride_of_mirror(tt, mirror, int(c) + 1, int(c)) for c in mirror.run_ptr[:-1]}
    assert found == {(2 * run, 2 * run + 1) for run in range(tt.n_runs)}
