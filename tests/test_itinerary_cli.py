"""`mobility itinerary` and `mobility isochrones` answer what was asked, or say what to ask."""

import re
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from feeds import trip, write_gtfs
from hypothesis import given, settings
from hypothesis import strategies as st
from small import SERVICES, lonlat, write_territory
from typer.testing import CliRunner

from mobility.base.clock import format_clock
from mobility.cli import app
from mobility.commute.access import assess
from mobility.commute.examples import answers
from mobility.commute.loading import load

DAYS = "dates = { school_weekday = 2026-11-17, saturday = 2026-11-21 }\n"
DAYS += 'kinds = ["school_weekday", "saturday"]'
SAME = """[
{ name = "A", shifts = [{ name = "nuit", start = "21:00", end = "05:00" }] },
{ name = "B", shifts = [{ name = "nuit", start = "21:00", end = "05:00", days = "all" }] },
]"""
ASK = ["--home", "H1", "--site", "Usine", "--shift", "nuit", "--lang", "fr"]


def ask(toml, *more):
    return CliRunner().invoke(app, ["itinerary", str(toml), *ASK, *more])


def with_saturdays(folder, rosters):
    from small import SERVICES

    services = SERVICES | {"week": SERVICES["week"] | {"days": "1111110"}}
    return write_territory(folder, rosters=rosters, days=DAYS, services=services)


def test_a_shift_that_rests_that_day_is_told(tmp_path):
    result = ask(with_saturdays(tmp_path, '["3x8"]'), "--day", "saturday")
    assert result.exit_code == 2
    assert "nuit ne travaille pas ce jour type" in result.stderr
    assert "school_weekday" in result.stderr


def test_a_shift_of_two_rosters_asks_which(tmp_path):
    toml = with_saturdays(tmp_path, SAME)
    result = ask(toml)
    assert result.exit_code == 2
    assert "--roster\u00a0: A, B" in result.stderr
    assert ask(toml, "--roster", "A", "--day", "saturday").exit_code == 2
    found = ask(toml, "--roster", "B", "--day", "saturday")
    assert found.exit_code == 0, found.output
    assert "Aller" in found.stdout
    assert ask(toml, "--roster", "B", "--day", "Samedi").stdout == found.stdout


def test_what_was_said_of_the_same_files_is_said_again(tmp_path, monkeypatch):
    toml = with_saturdays(tmp_path, '["3x8"]')
    first = ask(toml)
    assert first.exit_code == 0

    def refused(*_args, **_more):
        raise AssertionError("read again")

    with monkeypatch.context() as here:
        here.setattr("mobility.commute.loading.load", refused)
        assert ask(toml).stdout == first.stdout
        assert isinstance(ask(toml, "--home", "H2").exception, AssertionError)
        assert isinstance(ask(toml, "--lang", "en").exception, AssertionError)
        toml.write_text(toml.read_text() + "\n[limits]\nmax_walk_min = 1\n", encoding="utf-8")
        assert isinstance(ask(toml).exception, AssertionError)
    for _ in range(2):
        said = ask(toml).stdout
        assert said.count("aucun trajet") == 2
        assert "Motif principal\u00a0: pas d’arrêt près de l’entrée du site" in said


def test_where_another_mode_serves_there_is_no_reason(tmp_path):
    """Nobody waits, so that no vehicle brings anyone; H1 and the gate are 10.5 km apart by bike."""
    toml = with_saturdays(tmp_path, '["3x8"]')
    text = toml.read_text(encoding="utf-8").replace(
        '"walk"]', '"walk", "bike"]\ncycling_counts = true'
    )
    assert "cycling_counts" in text
    limits = "max_total_min = 90\nmax_wait_min = 0\nmax_bike_min = {minutes}\n"
    for minutes, white in ((60, False), (20, True)):
        toml.write_text(f"{text}\n[limits]\n{limits.format(minutes=minutes)}", encoding="utf-8")
        said = ask(toml).stdout
        assert ("aucun trajet" in said) == white
        assert ("43 min à vélo" in said) != white
        assert ("Motif principal" in said) == white


def test_clock_times_never_promise_more_than_the_seconds(tmp_path):
    """At 4.4 km/h walks last no whole minutes."""
    toml = write_territory(tmp_path, rosters='["3x8"]')
    text = toml.read_text(encoding="utf-8").replace("walk_kmh = 3.6", "walk_kmh = 4.4")
    toml.write_text(text, encoding="utf-8")
    study = load(toml)
    access = assess(study)
    minutes = 0
    for shift in study.shift_rows:
        for answer in answers(study, shift.shift_id, "school_weekday"):
            for home in range(2):
                found = answer.itinerary(home)
                before = None
                for leg, shown in zip(found.legs if found else (), answer.texts(home), strict=True):
                    hour, minute = map(int, shown.depart.split(":"))
                    if before is None or leg.kind == "ride":
                        assert 0 <= (leg.depart_s - hour * 3600 - minute * 60) % 86_400 < 60
                    else:
                        assert shown.depart == before
                    before = shown.arrive
                    hour, minute = map(int, shown.arrive.split(":"))
                    assert 0 <= (hour * 3600 + minute * 60 - leg.arrive_s) % 86_400 < 60
                    minutes += leg.arrive_s % 60 > 0
    assert minutes, "every time is a whole minute, so nothing was tested"
    night = study.shift_rows[2].shift_id
    keys = access.keys
    row = keys[(keys["shift_id"] == night) & (keys["mode"] == "transit")].index[0]
    shown = answers(study, night, "school_weekday")[1].texts(0)[-1].arrive
    elapsed = int(shown[:2]) * 60 + int(shown[3:]) - 5 * 60
    assert 0 <= elapsed - access.return_s[row, 0] / 60 < 1


@pytest.mark.parametrize(
    ("mode", "words"),
    [("velo", ["velo", "transit, walk"]), ("bike", ["modes.evaluated", "transit, walk"])],
)
def test_an_unknown_mode_of_isochrones_is_told(tmp_path, mode, words):
    toml = write_territory(tmp_path)
    result = CliRunner().invoke(app, ["isochrones", str(toml), "--mode", mode, "--lang", "fr"])
    assert result.exit_code == 2
    for word in words:
        assert word in result.stderr
    assert not re.findall(r"couches", result.stdout)
    assert not list(tmp_path.glob("out/*"))


def filled_feed(folder):
    """A bus 07:10–07:30:30 from A over M to B, whose time at M, half-way, is not given."""
    rows = [("A", "07:10:00"), ("M", ""), ("B", "07:30:30")]
    stops = {"A": lonlat(1000), "M": lonlat(6000), "B": lonlat(11_000)}
    back = trip("r", [("B", "16:20:00"), ("A", "16:40:00")], service="week")
    write_gtfs(folder / "gtfs.zip", stops=stops, services=SERVICES, trips=[
        trip("m", rows, service="week"), back])  # fmt: skip


def test_times_that_the_feed_leaves_out_are_told_as_approximate(tmp_path):
    toml = write_territory(tmp_path, rosters='["day"]')
    filled_feed(tmp_path)
    homes = tmp_path / "homes.csv"
    lon, lat = lonlat(6003.5)
    homes.write_text(f"id,name,commune,lon,lat,workers\nH1,H1,D,{lon},{lat},10\n", encoding="utf-8")
    (out, _) = answers(load(toml), 0, "school_weekday")
    walk, ride, *_ = out.texts(0)
    # At M half-way between 07:10:00 and 07:30:30: 07:20:15. The walk of 3.5 s ends then.
    assert (walk.arrive, ride.depart, ride.arrive) == ("07:20", "07:20", "07:31")
    assert ride.about == (True, False)
    assert ride.clocks("fr") == "environ 07:20–07:31"
    assert ride.clocks("en") == "about 07:20–07:31"


@settings(max_examples=6, deadline=None)
@given(
    st.integers(30, 60), st.integers(0, 59), st.integers(0, 59), st.integers(1000, 10_999)
)  # fmt: skip
def test_no_ride_is_told_to_leave_before_its_walk_has_ended(speed, first, last, home_m):
    """Odd speeds, homes and seconds, with a stop whose time is filled in between them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        toml = write_territory(folder, rosters='["day"]')
        text = toml.read_text(encoding="utf-8").replace("3.6", str(speed / 10))
        toml.write_text(text + "\n", encoding="utf-8")
        stops = {"A": lonlat(1000), "M": lonlat(6000.3), "B": lonlat(11_000)}
        out = [("A", f"07:10:{first:02d}"), ("M", ""), ("B", f"07:30:{last:02d}")]
        back = [("B", f"16:20:{last:02d}"), ("M", ""), ("A", f"16:40:{first:02d}")]
        trips = [trip("m", out, service="week"), trip("r", back, service="week")]
        write_gtfs(folder / "gtfs.zip", stops=stops, services=SERVICES, trips=trips)
        lon, lat = lonlat(home_m)
        rows = f"id,name,commune,lon,lat,workers\nH1,H1,D,{lon},{lat},10\n"
        (folder / "homes.csv").write_text(rows, encoding="utf-8")
        for answer in answers(load(toml), 0, "school_weekday"):
            legs = answer.itinerary(0)
            texts = answer.texts(0)
            for before, after in pairwise(texts):
                assert before.depart <= before.arrive <= after.depart
            for leg, shown in zip(legs.legs if legs else (), texts, strict=True):
                # Nobody is told to be at a stop after the vehicle has left it.
                if leg.kind == "ride":
                    assert shown.depart == format_clock(leg.depart_s)


def test_a_headway_without_exact_times_is_told_as_approximate(tmp_path):
    """A vehicle every 20 min in 20 min: at A by 07:06, at B at 07:46, at the gate at 07:50.

    A whole headway may be waited: the ride leaves at 07:26 at the latest.
    """

    def clock(second: int) -> str:
        return f"{second // 3600:02d}:{second % 3600 // 60:02d}"

    toml = write_territory(tmp_path, rosters='["day"]')
    pattern = [("A", "00:00:00"), ("B", "00:20:00")]
    period = {"start_time": "05:00:00", "end_time": "20:00:00", "headway_secs": 1200}
    write_gtfs(
        tmp_path / "gtfs.zip",
        stops={"A": lonlat(1000), "B": lonlat(11_000)},
        services=SERVICES,
        trips=[trip("m", pattern, service="week")],
        frequencies=[{"trip_id": "m", "exact_times": 0} | period],
    )
    study = load(toml)
    (out, _) = answers(study, 0, "school_weekday")
    egress_s = int(study.egress_s[0][1])
    wait, ride = out.texts(0)[1:3]
    start_s = study.shift_rows[0].start_s - 600 - egress_s
    assert (wait.kind, wait.depart, wait.arrive) == ("wait", clock(start_s - 2400), ride.depart)
    assert (ride.kind, ride.depart) == ("ride", clock(start_s - 1200))
    assert ride.about == (True, True)
