"""The inverse map: from where a job can be held without a car."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from small import PLACES_M, lonlat, write_territory
from typer.testing import CliRunner

import mobility
from mobility.cli import app
from mobility.commute.access import counted_rows
from mobility.commute.variants import with_homes
from mobility.needs.housing import answered, housing, jobs_of
from mobility.needs.places import read_point
from mobility.outputs.needs import housing_answer
from mobility.timetable.arrays import INF

ROSTERS = '["3x8", { name = "late", shifts = [{ name = "l", start = "13:00", end = "21:00" }] }]'


@pytest.fixture(scope="module")
def toml(tmp_path_factory):
    return write_territory(tmp_path_factory.mktemp("housing"), rosters=ROSTERS)


@pytest.fixture(scope="module")
def study(toml):
    return mobility.load(toml)


def test_places_along_the_street_by_hand(study):
    """1 m takes 1 s to walk. The bus of 04:20 reaches the gate 6 min early: 60 min less 16 leave
    24 min for the walk to A, but walking ends at 20 min in all, 4 of them at the gate: places from
    A - 960 m to A + 960 m hold; beyond, only those who can walk to the gate do."""
    found = housing(study, jobs_of(study, ["Usine/3x8"]))
    assert found.ground == "streets"
    lon = np.array(lonlat(0.0)[0])
    east = (study.streets.project(*study.homes.lonlat.T)[:, 0]
            - study.streets.project(lon, lonlat(0.0)[1])[0, 0])  # fmt: skip
    assert east == pytest.approx([PLACES_M["H1"], PLACES_M["H2"]], abs=1)
    places = found.study.homes.lonlat[: found.n_lattice]
    x = study.streets.project(*places.T)[:, 0] - study.streets.project(*lonlat(0.0))[0, 0]
    by_bus, on_foot = np.abs(x - 1000) <= 959, np.abs(x - 11_239.5) <= 1199
    assert (found.holds[0, : found.n_lattice] == (by_bus | on_foot)).all()
    at = int(np.argmin(np.abs(x - 700)))
    walk_s = abs(x[at] - 1000)
    # Night shift: out 20:15 at A for 20:50, home at 05:40; the longer is 45 min at 300 m.
    assert found.shift_s[0, at] == pytest.approx(45 * 60 + walk_s - 300, abs=2)


def test_a_place_that_is_a_home_has_the_homes_answer(study):
    access = mobility.assess(study)
    lean = with_homes(study, study.homes)
    back = answered(lean, "streets", jobs_of(study, []))
    rows = counted_rows(access.rosters)
    assert (back.holds == access.rosters.holds[rows]).all()
    assert np.allclose(back.share, access.rosters.share[rows])
    again = mobility.assess(lean)
    assert (again.outbound_s == access.outbound_s).all()
    assert (again.return_s == access.return_s).all()


def test_two_jobs_must_both_hold(study):
    found = housing(study, jobs_of(study, ["Usine/3x8", "Usine/late"]))
    held = found.job_holds()
    places = found.places()
    assert (places["all_held"].to_numpy() == held[:, : found.n_lattice].all(axis=0)).all()
    assert set(places["jobs_held"]) <= {0, 1, 2}
    # The site alone: any of its rosters.
    either = housing(study, jobs_of(study, ["Usine"])).job_holds()
    assert (either[0] == held.any(axis=0)).all()


def test_stops_and_residences_are_ranked_and_told(study):
    point = read_point("Foyer=" + ",".join(map(str, lonlat(700.5))))
    found = housing(study, jobs_of(study, ["Usine/3x8"]), points=[point])
    stops = found.stops()
    assert stops["stop"].tolist() == ["Stop B", "Stop A"]  # as good; more squares beside B
    assert stops["all_held"].tolist() == [1.0, 1.0]
    told = found.residences
    first = told[(told["shift"] == "matin") & (told["roster"] == "3x8")].iloc[0]
    assert first["residence"] == "Foyer"
    assert first[["holds", "outbound_min", "return_min"]].tolist() == [True, 45.0, 45.0]
    assert first["mode"] == "transit"
    communes = found.communes()
    assert communes["commune"].tolist() == ["Droiteville"]


@pytest.mark.parametrize(
    ("west", "cell_m", "told"),
    [
        (600.5, 200, "50% of the workers live over 300 m from every square of residential land"),
        (600.5, 400, "50% of the workers live over 600 m from every square of residential land"),
        (0.5, 200, ""),  # the land reaches the other home as well
    ],
)
def test_land_that_is_drawn_in_part_is_told(study, west, cell_m, told):
    """Residential land around H1 alone: the ten workers at H2, 700 m from it, live off it."""
    from_, to = lonlat(west), lonlat(800.5)
    land = gpd.GeoDataFrame(geometry=[shapely.box(*from_, to[0], to[1] + 0.001)], crs=4326)
    background = study.streets.background | {"residential": land}
    here = replace(study, streets=replace(study.streets, background=background))
    answer = housing_answer(housing(here, jobs_of(here, []), cell_m=cell_m), "en")
    assert [text.partition(":")[0] for text in answer.said] == [told] * bool(told)
    assert ("--ground streets" in answer.note) == bool(told)
    # Squares with a street leave nobody out.
    assert not housing_answer(housing(here, jobs_of(here, []), ground="streets"), "en").said


def test_after_dark_places_keep_to_safe_streets(study):
    """An unlit street without pavement, out of town: at night nobody walks along it."""
    limits = study.territory.limits.model_copy(update={"safe_at_night": True})
    night = study.territory.night.model_copy(update={"assume_lit": "never"})
    territory = study.territory.model_copy(update={"limits": limits, "night": night})
    tags = study.streets.tags.assign(highway="secondary")
    dark = replace(study, territory=territory, streets=replace(study.streets, tags=tags))
    forward = mobility.assess(dark)
    back = answered(with_homes(dark, dark.homes), "streets", jobs_of(dark, []))
    assert (back.holds == forward.rosters.holds[counted_rows(forward.rosters)]).all()
    assert not back.holds[0].any()
    assert (mobility.assess(study).outbound_s < INF).any()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--at", "Foyer=12"], "It is no longitude and latitude."),
        (["--at", "Foyer=3,45"], "The place Foyer is over 500 m from any street"),
        (["--job", "Usine/5x8"], "There is no such site, or no such roster of it."),
        (["--ground", "moon"], "The extract has no land of this kind."),
        (["--ground", "residential"], "The extract has no land of this kind."),
    ],
)
def test_bad_wishes_are_one_line(toml, tmp_path, options, words):
    command = ["housing", str(toml), "-o", str(tmp_path), "--lang", "en", *options]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 2
    assert words in result.output
    assert not list(tmp_path.iterdir())


def test_the_command_writes_tables_layer_and_page(toml, tmp_path):
    place = ",".join(map(str, lonlat(700.5)))
    command = ["housing", str(toml), "-o", str(tmp_path / "out"), "--at", f"<b>Foyer</b>={place}"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"housing.html", "housing.gpkg", "housing_stops.csv", "housing_communes.csv",
                     "housing_residences.csv"}  # fmt: skip
    page = (tmp_path / "out" / "housing.html").read_text(encoding="utf-8")
    assert "<b>Foyer</b>" not in page  # a name is text, never markup
    assert "http://" not in page.replace("http://www.w3.org", "")
    stops = pd.read_csv(tmp_path / "out" / "housing_stops.csv")
    assert "Usine · 3x8 · matin" in stops.columns


def test_what_was_asked_before_is_not_told_beside_a_later_answer(toml, tmp_path):
    place, out = ",".join(map(str, lonlat(700.5))), tmp_path / "out"
    command = ["housing", str(toml), "-o", str(out)]
    assert CliRunner().invoke(app, [*command, "--at", f"Foyer={place}"]).exit_code == 0
    (out / "mine.csv").touch()
    assert (out / "housing_residences.csv").exists()
    assert CliRunner().invoke(app, command).exit_code == 0
    names = {path.name for path in out.iterdir()}
    assert names == {"housing.html", "housing.gpkg", "housing_stops.csv", "housing_communes.csv",
                     "mine.csv"}  # fmt: skip
