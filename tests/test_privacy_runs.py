"""A whole run of an employee file: what its files hold, and what protection costs in accuracy."""

from __future__ import annotations

import json
import re
import tomllib
import zlib
from base64 import b64decode
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from privacy_trace import assert_no_trace
from scipy.spatial import cKDTree
from small import LOCAL as STREET
from small import TRIPS, lonlat, write_territory
from test_privacy_attacks import CELL_M, SIZES, door_open, holding, staff, told

from mobility.base.cache import file_hash
from mobility.commute.access import assess
from mobility.commute.indicators import by_group
from mobility.commute.loading import build_study, load
from mobility.commute.sources import street_points
from mobility.commute.white_zones import white_zones
from mobility.pipeline import run
from mobility.shuttles.design import design_shuttles
from mobility.sources.homes.grid import cell_index
from mobility.sources.homes.model import Homes
from mobility.sources.homes.protected import curve_index
from mobility.territory.project import Territory

__all__ = ["door_open", "told"]
#: In the system of `small` the street would be a border of the cells.
LOCAL = "EPSG:32630"
VALUES = ["workers", "no_car"]
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
    toml.write_text(content.replace(STREET, LOCAL), encoding="utf-8")
    return toml, persons, places


def cells_of(points):
    """The cell of each point, int64[n, 2]."""
    return cell_index(points.to_crs(LOCAL).get_coordinates().to_numpy(), CELL_M)


def by_cell(study):
    """The cells of the street, and the middle of its points in each."""
    street = street_points(study.streets).to_crs(LOCAL)
    middle = street.get_coordinates().groupby(list(cells_of(street.geometry).T)).mean()
    return np.array(middle.index.to_list()), middle.to_numpy()


def study_of(study, xy, persons, **more):
    """The same study with homes at metres ``xy``."""
    points = gpd.GeoSeries(gpd.points_from_xy(*xy.T), crs=LOCAL).to_crs(4326)
    columns = {name: persons[name].to_numpy() for name in VALUES}
    columns |= {"home_id": [str(k) for k in range(len(xy))], "name": "", "commune": ""}
    homes = replace(Homes.at(points, columns, ("no_car",)), **more)
    return build_study(study.territory, study.streets, study.feed, study.sites, homes)


def unprotected(study, persons, places):
    """The same study with everyone at the street of their own cell, nothing else done to them."""
    lived = gpd.GeoSeries(gpd.points_from_xy(*np.array(places).T), crs=4326)
    _, middle = by_cell(study)
    xy = middle[cKDTree(middle).query((cells_of(lived) + 0.5) * CELL_M)[1]]
    pool = persons.assign(home=range(len(persons)))[["home", "site", "roster", *VALUES]]
    return study_of(study, xy, persons, pool=pool)


@pytest.mark.slow
def test_what_protection_costs(scene):
    """Of each roster of 50 and more, and of a shuttle through the villages, over some draws."""
    toml, persons, places = scene
    stops = [dict(zip(("lon", "lat"), lonlat(m), strict=True)) for m in range(3000, 9001, 1500)]
    shown = ", ".join(f"{{ lon = {s['lon']:.6f}, lat = {s['lat']:.6f} }}" for s in stops)
    line = f'[[lines]]\nname = "L"\nsite = "Usine"\nstops = [{shown}]\n'
    (toml.parent / "lines.toml").write_text(line, encoding="utf-8")
    content = toml.read_text(encoding="utf-8") + SHUTTLES
    content = content.replace('"employees"', '"employees"\nsecret = "secret"')
    errors, sizes = [], []
    for draw in range(6):
        (toml.parent / "secret").write_text(str(draw))
        study = load(Territory.from_dict(tomllib.loads(content), toml))
        if not draw:
            truth = unprotected(study, persons, places)
            was, size = by_roster(assess(truth)), vehicle(truth)
        errors.append(by_roster(assess(study))["share"] - was["share"])
        if draw < 2:
            sizes.append(vehicle(study))
    errors = pd.DataFrame(errors)[was.index[was["pool"] >= 50]].abs()
    assert errors.shape == (6, 4)
    assert (errors.median() <= 0.01).all()
    assert (errors.max() <= 0.02).all()
    assert all(abs(other - size) <= 1 for other in sizes)


SHUTTLES = """[shuttles]
lines = "lines.toml"
iterations = 5
plans = 2
max_hubs = 0
capture_rate = 0.5
capture_high = 0.5
"""


def vehicle(study):
    """The class of the vehicle that seats the fullest run of the drawn line."""
    access = assess(study)
    (plan,) = design_shuttles(study, access, white_zones(access)).drawn.plans
    return plan.lines[0].vehicle


def by_roster(access):
    found, study = access.rosters, access.study
    rows = found.keys[found.keys["mode"] == "counted"]
    out = {}
    for r, key in rows.iterrows():
        pool = study.pool(int(key["site"]), str(key["roster"]))
        out[key["site_name"], key["roster"]] = (pool.sum(), pool @ found.holds[r] / pool.sum())
    return pd.DataFrame(out, index=["pool", "share"]).T


KEYS = ["site_name", "roster", "shift", "day_kind", "mode"]


def times(frame):
    """The minutes of every site, shift, day, mode and direction, by home; 999 where none."""
    wide = frame.pivot_table(
        index="home_id", columns=KEYS, values=["outbound_min", "return_min"], observed=True,
        dropna=False, aggfunc="first",
    )  # fmt: skip
    return wide.astype(float).fillna(999.0)


def map_homes(path):
    """Workers by roster and home, and minutes both ways, as the map's page holds them."""
    page = path.read_text(encoding="utf-8")
    parts = [re.search(rf'id="{name}"[^>]*>(.*?)</script>', page, re.DOTALL)[1]
             for name in ("mb-manifest", "mb-blobs")]  # fmt: skip
    manifest = json.loads(parts[0])
    blobs = [zlib.decompress(b64decode(blob)) for blob in parts[1].split()]
    homes, scenario = manifest["homes"], manifest["scenarios"][0]
    pools = []
    for k in homes["pools"]:
        planes = np.frombuffer(blobs[k][1:], np.uint8).reshape(4, -1).astype(np.int64)
        pools.append((256 ** np.arange(4) @ planes >> 1) / 10)
    minutes = [np.frombuffer(blobs[k], np.uint8)[-homes["n"] :] for k in
               (*scenario["out"], *scenario["back"])]  # fmt: skip
    return json.loads(blobs[homes["ids"]]), np.sum(pools, axis=0), np.array(minutes).T


def matched(out, study):
    """Of each written output, the candidate cells that its homes with workers lead to.

    An attacker computes the times of every cell of the street, and looks where what is written
    of a home comes nearest.
    """
    cells, middle = by_cell(study)
    one = pd.DataFrame(dict.fromkeys(VALUES, np.ones(len(cells))))
    candidates = study_of(study, middle, one, pool=None)
    theirs = times(assess(candidates).to_frame())
    theirs = theirs.loc[[str(k) for k in range(len(cells))]]
    commutes = times(pd.read_parquet(out / "commutes.parquet"))[theirs.columns]
    layer = gpd.read_file(out / "results.gpkg", layer="homes")
    for homes in (gpd.read_parquet(out / "homes.parquet"), layer):
        told = homes[homes["workers"] > 0]
        yield near(cells, theirs.to_numpy(), commutes.loc[told["home_id"]].to_numpy())
    ids, workers, minutes = map_homes(out / "map.html")
    # The page's own vectors of the homes, by place: as fine as those of the tables.
    known = pd.Series(ids)[workers > 0]
    yield near(cells, theirs.to_numpy(), commutes.loc[known].to_numpy())
    assert len(np.unique(minutes, axis=0)) <= len(ids)


def near(cells, theirs, written):
    distance = np.abs(written[:, None, :] - theirs[None, :, :]).max(axis=2)
    best = distance.min(axis=1, keepdims=True)
    return [{*map(tuple, cells[row])} for row in distance <= best + 0.2]


def singled_out(scene, out, told):
    """The share of cells of few that something written leads to, and to no other of their area."""
    results = run(scene[0], out)
    index, count, areas, apart = told[0][-1]
    cells, _ = by_cell(results.study)
    at = {tuple(c): int(k) for c, k in zip(cells, curve_index(cells), strict=True)}
    found, few = [], index[count < 5]
    for leads in matched(out, results.study):
        led = np.array(sorted({at[c] for one in leads for c in one}))
        alone = 0
        for cell in few:
            (area,) = [a for a in areas if holding(a, apart, np.array([cell]))[0]]
            others = led[holding(area, apart, led)]
            alone += len(others) == 1 or count[holding(area, apart, index)].sum() < 5
        found.append(alone / len(few))
    return found


def test_what_is_written_singles_out_no_cell_of_few(scene, tmp_path, told):
    assert singled_out(scene, tmp_path / "out", told) == [0, 0, 0]


@pytest.mark.usefixtures("door_open")
def test_what_is_written_would_single_out_cells(scene, tmp_path, told):
    toml, *rest = scene
    text = toml.read_text(encoding="utf-8").replace("[limits]", "")
    open_door = toml.with_name("open.toml")
    open_door.write_text(text + "[limits]\nmin_workers_shown = 1\n", encoding="utf-8")
    assert min(singled_out((open_door, *rest), tmp_path / "out", told)) > 0.8


def test_files_hold_nothing_finer_than_the_areas(scene, tmp_path, monkeypatch):
    toml, persons, places = scene
    for name in ("cache", "tmp"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("MOBILITY_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    results = run(toml, tmp_path / "out")
    for folder in ("out", "cache", "tmp"):
        assert_no_trace(tmp_path / folder, places[::24], crs=[LOCAL])
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
