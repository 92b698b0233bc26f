"""Communes without residential land are spread over the buildings of the extract."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from small import LOCAL, NORTH, WEST, write_territory

from mobility.commute.loading import load
from mobility.commute.sources import read_buildings
from mobility.sources.homes.spread import allocate, dwellings, land_cells
from mobility.sources.osm.reader import read_osm
from mobility.territory.project import Territory

MALTA = Path(__file__).parents[1].parent / "shared" / "data" / "malta" / "streets.osm.pbf"
#: East, north (metres from the street's start), side, tags.
GROUND = [
    (500, 20, 200, {"landuse": "residential"}),
    (4100, 20, 10, {"building": "house"}),
    (4500, 20, 20, {"building": "yes"}),
    (4700, 20, 40, {"building": "yes"}),
    (4800, 20, 4, {"building": "yes"}),
    (4900, 20, 100, {"building": "industrial"}),
]


def add_areas(path: Path) -> None:
    """Add square ways to an OSM file, ids from 1000 on."""
    to_lonlat = pyproj.Transformer.from_crs(LOCAL, "EPSG:4326", always_xy=True)
    nodes, ways = [], []
    for k, (east, north, side, tags) in enumerate(GROUND):
        ring = []
        for j, (dx, dy) in enumerate([(0, 0), (side, 0), (side, side), (0, side)]):
            lon, lat = to_lonlat.transform(WEST + east + dx, NORTH + north + dy)
            ring.append(1000 + 10 * k + j)
            nodes.append(f'<node id="{ring[-1]}" lat="{lat:.9f}" lon="{lon:.9f}" version="1"/>')
        refs = "".join(f'<nd ref="{r}"/>' for r in [*ring, ring[0]])
        said = "".join(f'<tag k="{key}" v="{value}"/>' for key, value in tags.items())
        ways.append(f'<way id="{1000 + k}" version="1">{refs}{said}</way>')
    head, way, rest = path.read_text(encoding="utf-8").partition("<way")
    rest = rest.replace("</osm>", "".join(ways) + "</osm>")
    path.write_text(head + "".join(nodes) + way + rest, encoding="utf-8")


def three_communes(folder: Path) -> Path:
    """West: residential land; middle: buildings only; east: neither. 101, 50 and 7 workers."""
    file = write_territory(folder)
    add_areas(folder / "streets.osm")
    shapes = [
        shapely.box(WEST + a, NORTH - 500, WEST + b, NORTH + 500)
        for a, b in ((0, 4000), (4000, 8000), (8000, 12000))
    ]
    names = ["Ouest", "Centre", "Est"]
    frame = gpd.GeoDataFrame(
        {"code": ["85001", "85002", "85003"], "nom": names, "workers": [101, 50, 7]},
        geometry=shapes,
        crs=LOCAL,
    )
    frame.to_crs(4326).to_file(folder / "communes.geojson")
    text = file.read_text(encoding="utf-8")
    text = text.replace(
        'file = "homes.csv"\nid = "id"\nname = "name"\ncommune = "commune"',
        'file = "communes.geojson"\nkind = "communes"\nid = "code"',
    )
    file.write_text(text, encoding="utf-8")
    return file


def test_a_commune_without_land_is_spread_over_its_dwellings(tmp_path):
    """100 m2 of house and 400 m2 of building share 50 workers as 10 and 40.

    The hall of 1,600 m2, the shed of 16 m2 and the factory house nobody.
    """
    study = load(three_communes(tmp_path))
    homes = study.homes.frame
    assert homes.groupby("commune")["workers"].sum().to_dict() == {
        "Ouest": 101, "Centre": 50, "Est": 7,
    }  # fmt: skip
    centre = homes[homes["commune"] == "Centre"].to_crs(LOCAL)
    east = (centre.geometry.x - WEST).round()
    assert sorted(zip(east, centre["workers"], strict=True)) == [(4105, 10), (4510, 40)]
    found = {f.code: f for f in study.homes.findings}
    assert found["zones_on_buildings"].render("en").endswith(": Centre")
    assert found["zones_on_buildings"].render("fr").startswith("1 zone sur 3")
    assert found["zones_without_land"].examples == ("Est",)


def test_buildings_are_not_read_where_every_zone_has_land():
    zone = gpd.GeoSeries([shapely.box(700_000, 6_600_000, 701_000, 6_601_000)], crs=2154)

    def read():
        pytest.fail("the buildings are read")

    land = gpd.GeoDataFrame(geometry=zone)
    cells = land_cells(zone, land, crs=pyproj.CRS(2154), cell_m=200.0, buildings=read)
    assert len(cells.built) == len(cells.fallback) == 0


def test_an_extract_without_streets_of_openstreetmap_has_no_buildings(tmp_path):
    data = {"name": "t", "sources": {"lines": "x.shp", "homes": {"file": "h.csv"}}}
    assert read_buildings(Territory.from_dict(data, tmp_path / "t.toml")) is None


@pytest.mark.real
@pytest.mark.skipif(not MALTA.exists(), reason="the real extracts are not here")
def test_maltese_without_residential_land_live_in_its_buildings():
    """A grid of 1 km over Malta: totals hold square by square, land or buildings."""
    layers = read_osm(MALTA, buildings=True).background
    west, south, east, north = layers["residential"].to_crs(32633).total_bounds
    xs, ys = np.arange(west, east, 1000), np.arange(south, north, 1000)
    boxes = [shapely.box(x, y, x + 1000, y + 1000) for x in xs for y in ys]
    zones = gpd.GeoSeries(boxes, crs=32633)
    cells = land_cells(
        zones,
        layers["residential"],
        crs=zones.crs,
        cell_m=200.0,
        buildings=lambda: dwellings(layers["buildings"]),
    )
    assert len(cells.built) > 10
    assert not set(cells.built) & set(cells.fallback)
    totals = np.random.default_rng(7).integers(0, 500, len(zones)).astype(float)
    parts = pd.Series(allocate(totals, cells)).groupby(cells.zone).sum()
    assert (parts == pd.Series(totals).reindex(parts.index)).all()
    assert len(parts) == len(zones)
