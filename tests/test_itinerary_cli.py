"""`mobility itinerary` and `mobility isochrones` answer what was asked, or say what to ask."""

import re

import pytest
from small import write_territory
from typer.testing import CliRunner

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
    assert "--roster : A, B" in result.stderr
    assert ask(toml, "--roster", "A", "--day", "saturday").exit_code == 2
    found = ask(toml, "--roster", "B", "--day", "saturday")
    assert found.exit_code == 0, found.output
    assert "Aller" in found.stdout


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
