"""A whole run of an employee file: what its files hold, and what protection costs in accuracy."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from scipy.spatial import cKDTree
from privacy_trace import assert_no_trace
from small import LOCAL, TRIPS, lonlat, write_territory
from test_privacy_attacks import CELL_M, SIZES, staff

from mobility.base.cache import file_hash
from mobility.commute.access import assess
from mobility.commute.indicators import by_group
from mobility.commute.loading import build_study, load
from mobility.pipeline import run
from mobility.commute.sources import street_points
from mobility.sources.homes.grid import cell_index
from mobility.sources.homes.model import Places

SITES = "".join(
    f'''[[sites]]
name = "{site}"
gates = [[LON, LAT]]
rosters = [{", ".join(f'{{ template = "{r}", name = "{r}" }}' for s, r in SIZES if s == site)}]
'''
    for site in dict.fromkeys(site for site, _ in SIZES)
)


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """The employees of `staff` along the street of `small`, at random inside their cells."""
    folder = tmp_path_factory.mktemp("staff")
    persons, rng = staff(), np.random.default_rng(3)
    metres = (persons["x"] + rng.uniform(0.05, 0.95, len(persons))) * CELL_M
    places = [lonlat(float(m)) for m in metres]
    rows = [
        f"Salarié {k};{p.site};{p.roster};{int(p.no_car)};{lon:.7f};{lat:.7f}"
        for k, (p, (lon, lat)) in enumerate(zip(persons.itertuples(), places, strict=True))
    ]
    text = "\n".join(["nom;site;équipe;no_car;lon;lat", *rows]) + "\n"
    office = [
        ("day", "A", "07:15", "B", "07:35", "week"),
        ("home16", "B", "16:20", "A", "16:40", "week"),
    ]
    toml = write_territory(folder / "in", homes=text, trips=[*TRIPS, *office])
    content = toml.read_text(encoding="utf-8")
    old = 'id = "id"\nname = "name"\ncommune = "commune"\npersonal = false\n'
    assert old in content
    content = content.replace(old, 'kind = "employees"\ngroups = ["no_car"]\n')
    lon, lat = lonlat(11_239.5)
    content = content[: content.index("[[sites]]")] + SITES.replace("LON, LAT", f"{lon}, {lat}")
    toml.write_text(content, encoding="utf-8")
    return toml, persons, places


def unprotected(study, persons, places):
    """The same study with everyone at the street of their own cell, nothing else done to them."""
    lived = gpd.GeoSeries(gpd.points_from_xy(*np.array(places).T), crs=4326).to_crs(LOCAL)
    street = street_points(study.streets).to_crs(LOCAL).get_coordinates()
    of_street = street.groupby(list(cell_index(street.to_numpy(), CELL_M).T)).mean().to_numpy()
    centres = (cell_index(lived.get_coordinates().to_numpy(), CELL_M) + 0.5) * CELL_M
    xy = of_street[cKDTree(of_street).query(centres)[1]]
    points = gpd.GeoSeries(gpd.points_from_xy(*xy.T), crs=LOCAL).to_crs(4326)
    values = ["workers", "no_car"]
    pool = persons.assign(home=range(len(persons)))[["home", "site", "roster", *values]]
    columns = {name: persons[name].to_numpy() for name in values}
    columns |= {"home_id": [str(k) for k in range(len(persons))], "name": "", "commune": ""}
    homes = replace(Places(points, columns, ("no_car",)).to_homes(), pool=pool)
    return build_study(study.territory, study.streets, study.feed, study.sites, homes)


def test_what_protection_costs(scene):
    toml, persons, places = scene
    study = load(toml)
    truth = unprotected(study, persons, places)
    now, was = assess(study), assess(truth)
    table = pd.concat([by_roster(was), by_roster(now)], axis=1, keys=["true", "told"])
    large = table[table["true", "pool"] >= 50]
    assert len(large) == 4
    error = (large["told", "share"] - large["true", "share"]).abs()
    assert error.mean() <= 0.02
    assert error.max() <= 0.04


def by_roster(access):
    found, study = access.rosters, access.study
    rows = found.keys[found.keys["mode"] == "counted"]
    out = {}
    for r, key in rows.iterrows():
        pool = study.pool(int(key["site"]), str(key["roster"]))
        out[key["site_name"], key["roster"]] = (pool.sum(), pool @ found.holds[r] / pool.sum())
    return pd.DataFrame(out, index=["pool", "share"]).T


def test_files_hold_nothing_finer_than_the_areas(scene, tmp_path, monkeypatch):
    toml, persons, places = scene
    for name in ("cache", "tmp"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("MOBILITY_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    results = run(toml, tmp_path / "out")
    for folder in ("out", "cache", "tmp"):
        assert_no_trace(tmp_path / folder, places[::12], crs=[LOCAL])
        for path in (tmp_path / folder).rglob("*"):
            assert not path.is_file() or "Salarié 1".encode() not in path.read_bytes()
    record = (tmp_path / "out" / "run.json").read_text(encoding="utf-8")
    assert '"decided": "employees"' in record
    # The hash of the file would tell whether a guess of one row is right.
    assert file_hash(toml.parent / "homes.csv") not in record
    # Every cell of few is told with others; what is drawn are public places.
    assert len(results.study.homes) > persons["x"].nunique()


def test_a_group_follows_its_roster(scene):
    study = load(scene[0])
    table = by_group(assess(study))
    workers = study.homes.pool.groupby(["site", "roster"])["workers"].sum()
    for row in table.itertuples():
        assert row.total <= workers[row.site, row.roster] + 0.5
    # Told whole: half a person a row.
    assert table["total"].sum() == pytest.approx(study.homes.frame["no_car"].sum(), abs=4)
    # None is told the whole file's.
    assert table["total"].max() < study.homes.frame["no_car"].sum()
