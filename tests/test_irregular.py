"""Work at hours of its own every day: the share of listed days that hold."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from feeds import service
from small import SERVICES, TRIPS, write_territory
from typer.testing import CliRunner

import mobility
from mobility.base.errors import SourceError, SourceNotFoundError, TerritoryError
from mobility.cli import app
from mobility.commute.access import counting_modes
from mobility.commute.irregular import dates_as_days, irregular, on_dates
from mobility.territory.project import source_files

#: The noon bus does not run on Wednesday 18 November; on Saturdays nothing does.
EXCEPT = SERVICES | {"noon": service("1111100", "20260105", "20261218", removed=["20261118"])}
LIST = """site;roster;date;start;end
Usine;marée;2026-11-17;13:00;21:00
Usine;marée;18/11/2026;13:00;21:00
Usine;marée;19/11/2026;13h;21h
Usine;marée;21/11/2026;13:00;21:00
Usine;nuit;2026-11-17;21:00;05:00
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    trips = [(*t[:-1], "noon") if t[0] == "noon" else t for t in TRIPS]
    folder = tmp_path_factory.mktemp("irregular")
    return mobility.load(write_territory(folder, trips=trips, services=EXCEPT))


def asked(study, tmp_path, text=LIST):
    path = tmp_path / "hours.csv"
    path.write_text(text, encoding="utf-8")
    return irregular(study, path)


def test_the_share_of_days_by_hand(study, tmp_path) -> None:
    """H1 gets there on two days of four; on the day without the noon bus it still gets home."""
    found = asked(study, tmp_path)
    assert found.share(0, "marée").tolist() == [0.5, 0.0]
    assert found.share(0, "nuit").tolist() == [1.0, 0.0]
    told = found.summary().set_index("roster")
    assert told.loc["marée", ["dates", "pool", "always", "half", "some"]].tolist() == [
        4, 20, 0, 10, 10]  # fmt: skip
    assert told["share_days"].tolist() == [0.25, 0.5]
    days = found.by_date().set_index(["roster", "date"])
    assert days.loc["marée", ["reachable", "return_only"]].to_numpy().tolist() == [
        [10, 0], [0, 10], [10, 0], [0, 0]]  # fmt: skip


def test_ways_of_a_day_add_up_and_nobody_is_told_twice(study, tmp_path) -> None:
    """Of 100.6 workers 40.3 get there by one mode and back by another; 101, not 100 nor 140."""
    found = asked(study, tmp_path, LIST.splitlines()[0] + "\nUsine;marée;2026-11-17;13:00;21:00\n")
    homes = replace(study.homes, frame=study.homes.frame.assign(workers=[40.3, 60.3]))
    ways = {"out": [[1, 1]], "back": [[1, 0]], "holds": [[0, 0]]}
    one = replace(
        found,
        study=replace(study, homes=homes),
        **{name: np.array(rows, bool) for name, rows in ways.items()},
    )
    day = one.by_date().iloc[0][["reachable", "outbound_only", "return_only"]]
    assert day.tolist() == [0, 101, 0]


def test_dates_with_the_same_trips_share_a_timetable(study) -> None:
    dates = [study.days[0].date.replace(day=k) for k in (10, 11, 18)]
    dated = on_dates(study, {date: [(0, 10**6)] for date in dates})
    one, two, other = (dated.timetables[day.kind] for day in dated.days)
    assert one is two
    assert one is not other


def test_a_listed_date_is_answered_as_a_kind_of_day_is(study, tmp_path) -> None:
    access = mobility.assess(study)
    found = asked(study, tmp_path, "date,start,end\n2026-11-17,13:00,21:00\n")
    row = next(r for r in study.shift_rows if r.start_s == 13 * 3600)
    assert (found.holds[0] == access.counted(row.shift_id, "school_weekday")[2]).all()


def test_in_the_dark_too(study, tmp_path) -> None:
    limits = study.territory.limits.model_copy(update={"safe_at_night": True})
    night = study.territory.night.model_copy(update={"assume_lit": "never"})
    territory = study.territory.model_copy(update={"limits": limits, "night": night})
    tags = study.streets.tags.assign(highway="secondary")
    dark = replace(study, territory=territory, streets=replace(study.streets, tags=tags))
    found = asked(dark, tmp_path)
    forward = mobility.assess(dark)
    assert counting_modes(dark) == ["transit", "walk"]
    night_row = next(r for r in dark.shift_rows if r.start_s == 21 * 3600)
    assert not found.share(0, "nuit").any()
    assert not forward.counted(night_row.shift_id, "school_weekday")[2].any()
    # By day the unlit street is walked; the way home at 21:00 in November is not by day.
    late = next(r for r in dark.shift_rows if r.start_s == 13 * 3600)
    expected = forward.counted(late.shift_id, "school_weekday")
    assert (found.out[0] == expected[0]).all()
    assert (found.back[0] == expected[1]).all()


def test_a_date_of_a_list_says_where_it_comes_from() -> None:
    (day,) = dates_as_days([dt.date(2026, 11, 17)])
    assert day.reason.code == "date_listed"
    assert day.reason.render("en").endswith("2026, from the list of dates")


def test_days_outside_the_calendar_are_told(study, tmp_path) -> None:
    found = asked(study, tmp_path, LIST + "Usine;marée;2027-05-04;13:00;21:00\n")
    assert [f.code for f in found.findings] == ["dates_outside"]
    assert len(found.worked) == 5


def test_days_given_twice_are_told_and_count_once(study, tmp_path) -> None:
    # However it is written; at other hours it is another day's work.
    more = "Usine;marée;17/11/2026;13h;21h\nUsine;marée;17/11/2026;5h;9h\n"
    found = asked(study, tmp_path, LIST + more)
    assert [(f.code, f.count, f.examples) for f in found.findings] == [
        ("dates_repeated", 1, ("2026-11-17",))]  # fmt: skip
    assert "1 row of the list repeats another" in found.findings[0].render("en")
    assert len(found.worked) == 6
    assert asked(study, tmp_path).findings == ()


def test_days_that_a_roster_gives_twice_are_told(tmp_path) -> None:
    row = "2026-11-17,13:00,21:00\n"
    found = irregular(mobility.load(given(tmp_path, "date,start,end\n" + 3 * row)))
    assert [(f.code, f.count) for f in found.findings] == [("dates_repeated", 2)]
    assert len(found.worked) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("date,start\n2026-11-17,13:00\n", "There is no column 'end'"),
        ("date,start,end\n2026-13-17,13:00,21:00\n", "row 2, field date, .* It is no date"),
        ("date,start,end\n2026-11-17,25:99,21:00\n", "row 2, field start, .* no time of day"),
        ("date,start,end\n2026-11-17,25:00,29:00\n", "row 2, field start, .* no time of day"),
        ("date,start,end\n2026-11-17,24:00,05:00\n", "row 2, field start, .* no time of day"),
        ("date,start,end\n2026-11-17,13:00,13:00\n", "It ends when it starts"),
        ("date,start,end\n2030-11-17,13:00,21:00\n", "None of its dates is within"),
        ("site,date,start,end\nUsin,2026-11-17,13:00,21:00\n", "did you mean 'Usine'"),
    ],
)
def test_a_bad_list_is_one_line(study, tmp_path, text, words) -> None:
    with pytest.raises(SourceError, match=words):
        asked(study, tmp_path, text)


def test_columns_that_are_not_read_are_told(study, tmp_path) -> None:
    text = "date,start,end,gang,empty\n2026-11-17,13:00,21:00,tide,\n"
    (told,) = asked(study, tmp_path, text).findings
    assert (told.code, told.examples) == ("list_columns_not_read", ("gang",))
    assert "1 column of the list is not read" in told.render("en")


def test_the_command_writes_its_files(study, tmp_path) -> None:
    (tmp_path / "h.csv").write_text(LIST, encoding="utf-8")
    toml, out = str(study.territory.path), tmp_path / "out"
    result = CliRunner().invoke(app, ["irregular", toml, str(tmp_path / "h.csv"), "-o", str(out)])
    assert result.exit_code == 0, result.output
    assert {p.name for p in out.iterdir()} == {
        "irregular.csv", "irregular_dates.csv", "irregular.gpkg", "irregular.html"}  # fmt: skip


USUAL = """shifts = [
  { name = "t", start = "13:00", end = "21:00" }], """
GIVEN = f"""[{{ name = "tide", {USUAL}dates = "tides.csv" }}, "day"]"""


def given(tmp_path, text: str) -> Path:
    """Return a territory one of whose rosters gives a list."""
    toml = write_territory(tmp_path, services=EXCEPT, rosters=GIVEN)
    (tmp_path / "tides.csv").write_text(text, encoding="utf-8")
    return toml


def test_a_roster_gives_its_list(tmp_path) -> None:
    """Its own dates are answered as those of the command line, without naming them there."""
    text = "date,start,end\n2026-11-17,13:00,21:00\n2026-11-21,13:00,21:00\n"
    toml = given(tmp_path, text)
    base = mobility.load(toml)
    found, named = irregular(base), irregular(base, tmp_path / "tides.csv")
    assert found.rosters() == [(0, "tide")]
    assert found.share(0, "tide").tolist() == named.share(0, "").tolist() == [0.5, 0.0]
    # The usual hours stay those of all other commands.
    assert {(r.roster, r.start_s) for r in base.shift_rows} >= {("tide", 13 * 3600)}
    assert tmp_path / "tides.csv" in source_files(base.territory)
    result = CliRunner().invoke(app, ["irregular", str(toml), "-o", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("date,start,end\n2026-13-17,13:00,21:00\n", "tides.csv, row 2, field date"),
        ("date,start,end,roster\n2026-11-17,13:00,21:00,day\n", "field roster.*tide"),
        ("site,date,start,end\nUsin,2026-11-17,13:00,21:00\n", "did you mean 'Usine'"),
        ("date,start,end\n", "tides.csv"),
    ],
)
def test_a_wrong_list_of_a_roster_is_refused_by_every_command(tmp_path, text, words) -> None:
    toml = given(tmp_path, text)
    with pytest.raises(SourceError, match=words):
        mobility.load(toml)


def test_a_missing_list_and_none_at_all_are_told(tmp_path, study) -> None:
    toml = given(tmp_path, "")
    (tmp_path / "tides.csv").unlink()
    with pytest.raises(SourceNotFoundError, match=r"tides\.csv"):
        mobility.load(toml)
    with pytest.raises(TerritoryError, match=r"No list of dates .* dates = "):
        irregular(study)
    bare = GIVEN.replace(USUAL, "")
    with pytest.raises(TerritoryError, match="Give its usual hours"):
        mobility.load(write_territory(tmp_path / "bare", rosters=bare))


def test_a_site_is_found_however_it_is_written(study, tmp_path) -> None:
    rows = [(w.site, w.roster, w.date, w.start_s) for w in asked(study, tmp_path).worked]
    other = asked(study, tmp_path, LIST.replace("Usine", "USINE")).worked
    assert rows == [(w.site, w.roster, w.date, w.start_s) for w in other]
    assert "Usine" in LIST
