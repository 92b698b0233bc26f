"""Homes none of which stands on the streets: the file, the first place and the likely cause."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from small import PLACES_M, lonlat, write_territory

from mobility.base.errors import SourceError
from mobility.commute.loading import load
from mobility.sources.homes.model import Homes

LON, LAT = lonlat(PLACES_M["H1"])


def refused(folder, lon, lat, *changes):
    toml = write_territory(folder, homes=f"id,name,commune,lon,lat,workers\na,A,D,{lon},{lat},9\n")
    text = toml.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    toml.write_text(text, encoding="utf-8")
    with pytest.raises(SourceError) as caught:
        load(toml)
    return caught.value


@pytest.mark.parametrize(
    ("lon", "lat", "changes", "cause"),
    [
        (LON + 10, LAT, [], "extrait plus large"),
        (LON, LAT, [('id = "id"', 'id = "id"\ncrs = "EPSG:2154"')], "pas en EPSG:2154"),
        (4e5, 2.3e6, [('id = "id"', 'id = "id"\ncrs = "EPSG:2154"')], "lues en EPSG:2154"),
        (LAT, LON, [("[sources]", 'timezone = "UTC"\n[sources]')], "échangez les deux colonnes"),
    ],
)
def test_the_likely_cause_is_named(tmp_path, lon, lat, changes, cause):
    error = refused(tmp_path, lon, lat, *changes)
    text = error.render("fr")
    assert error.file.endswith("homes.csv")
    assert cause in text
    assert "Tous les domiciles sont hors de la voirie" in text
    assert "valeur" in text


def test_homes_among_streets_that_nobody_may_walk_are_told_so(tmp_path):
    toml = write_territory(tmp_path)
    streets = tmp_path / "streets.osm"
    text = streets.read_text(encoding="utf-8")
    assert 'k="highway" v="residential"' in text
    streets.write_text(text.replace('v="residential"', 'v="motorway"'), encoding="utf-8")
    with pytest.raises(SourceError, match="stands within the streets' bounds"):
        load(toml)


ROW = "{0},{0},Droiteville,{1:.7f},{2:.7f},10\n"


def test_homes_off_the_streets_are_left_out_and_told(tmp_path):
    rows = [("H", LON, LAT), ("FAR", LON + 0.8, LAT + 0.4), ("ZERO", 0, 0)]
    homes = "id,name,commune,lon,lat,workers\n" + "".join(ROW.format(*row) for row in rows)
    study = load(write_territory(tmp_path, homes=homes))
    assert study.homes.frame["home_id"].tolist() == ["H"]
    assert study.workers.tolist() == [10]
    told = next(f for f in study.findings if f.code == "homes_far_from_streets")
    assert (told.count, told.examples) == (2, ("FAR", "ZERO"))
    assert "2 of 3 homes (20 workers)" in told.render("en")


@pytest.mark.parametrize("beyond", [0, 2, 40])
def test_employees_beyond_the_streets_are_told_where_they_are_many(tmp_path, beyond):
    rows = [f"Usine;3x8;{LON + (k < beyond):.6f};{LAT:.6f}" for k in range(90)]
    toml = write_territory(tmp_path, homes="\n".join(["site;roster;lon;lat", *rows]))
    text = toml.read_text(encoding="utf-8")
    old = 'id = "id"\nname = "name"\ncommune = "commune"\npersonal = false\n'
    assert old in text
    toml.write_text(text.replace(old, 'kind = "employees"\n'), encoding="utf-8")
    study = load(toml)
    told = {f.code: f for f in study.findings}
    few, many = told.get("homes_beyond_few"), told.get("homes_far_from_streets")
    # Of two, of nobody as well: the same words.
    assert (few is None, many is None) == (beyond == 40, beyond < 40)
    if few:
        assert few.render("en").startswith(
            "Fewer than some 10 persons of a roster, or none, live beyond the streets"
        ), few.render("en")
    else:
        assert many.count == pytest.approx(beyond, abs=12)
        assert many.count + study.workers.sum() == pytest.approx(told["homes_protected"].count)
        assert f"{many.count} persons, a protected count, live over" in many.render("en")


def test_a_labour_pool_keeps_its_homes_when_some_are_left_out():
    pool = pd.DataFrame(
        {"home": [0, 1, 2, 2], "site": "U", "roster": "", "workers": [1.0, 2, 3, 4]}
    )
    frame = gpd.GeoDataFrame(
        {"workers": [1.0, 2, 7]}, geometry=gpd.points_from_xy([0, 1, 2], [0, 0, 0]), crs=4326
    )
    left = Homes(frame, pool=pool).only(np.array([True, False, True]))
    assert left.frame["workers"].tolist() == [1, 7]
    assert left.pool["home"].tolist() == [0, 1, 1]
    assert left.pool["workers"].tolist() == [1, 3, 4]
