"""The inverse map: from where a job can be held without a car."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from small import PLACES_M, lonlat, write_territory
from typer.testing import CliRunner

import mobility
from mobility.cli import app
from mobility.commute.access import counted_rows
from mobility.commute.variants import with_homes
from mobility.needs.housing import answered, housing, jobs_of
from mobility.needs.places import read_point
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


@pytest.mark.parametrize(("west_m", "ground"), [(5000, "streets"), (300, "residential")])
def test_land_where_hardly_anybody_lives_is_told_or_passed_over(tmp_path, west_m, ground):
    """Half a kilometre of residential land, away from both homes or around them."""
    path = write_territory(tmp_path)
    osm = tmp_path / "streets.osm"
    (west, south), (east, north) = lonlat(west_m), lonlat(west_m + 500)
    ring = [(west, south - 0.001), (east, south - 0.001), (east, north + 0.001)]
    ring += [(west, north + 0.001)]
    nodes = "".join(
        f'<node id="{901 + k}" lat="{lat:.7f}" lon="{lon:.7f}" version="1"/>'
        for k, (lon, lat) in enumerate(ring)
    )
    refs = "".join(f'<nd ref="{901 + k % 4}"/>' for k in range(5))
    way = f'<way id="9" version="1">{refs}<tag k="landuse" v="residential"/></way>'
    text = osm.read_text(encoding="utf-8").replace('<way id="1"', f'{nodes}<way id="1"')
    osm.write_text(text.replace("</osm>", f"{way}</osm>"), encoding="utf-8")
    study = mobility.load(path)
    jobs = jobs_of(study, [])
    assert housing(study, jobs).ground == ground
    asked = housing(study, jobs, ground="residential")
    told = [f.code for f in asked.findings]
    assert told == (["ground_sparse"] if ground == "streets" else [])


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
