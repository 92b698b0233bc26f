"""Layers of homes whose shifts are too many for a GeoPackage, or that are written in parts."""

from __future__ import annotations

import geopandas as gpd
import pytest
from geopandas.testing import assert_geodataframe_equal
from pyarrow import parquet
from small import with_many_sites, write_territory

from mobility import pipeline
from mobility.base.errors import SourceError
from mobility.base.files import write_gpkg
from mobility.commute import findings
from mobility.commute.access import assess
from mobility.commute.loading import load
from mobility.commute.study import Views
from mobility.commute.white_zones import white_zones
from mobility.outputs import table_files


def results(path):
    access = assess(load(path))
    return access, white_zones(access)


@pytest.fixture(scope="module")
def two_sites(tmp_path_factory):
    return results(with_many_sites(write_territory(tmp_path_factory.mktemp("two")), 2))


def test_more_columns_than_sqlite_knows(tmp_path):
    """146 sites have 2,044 columns of rosters and shifts: GDAL refuses the 1,999th."""
    found = results(with_many_sites(write_territory(tmp_path / "in"), 146))
    table_files.write_tables(*found, tmp_path)
    layer = gpd.read_file(tmp_path / "results.gpkg", layer="homes")
    told = [c for c in layer.columns if " | " in c]
    assert len(told) == 146 * 2
    assert {c.split(" | ")[-1] for c in told} == {"share", "status"}
    assert len([c for c in parquet.read_schema(tmp_path / "homes.parquet").names if "|" in c]) == (
        146 * (2 + 3 * 4)
    )
    codes = [f.code for f in found[0].study.findings]
    assert codes.count("shifts_not_in_geopackage") == 1


def test_homes_written_in_parts_are_those_written_at_once(two_sites, tmp_path, monkeypatch):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for folder in (whole, parts):
        folder.mkdir()
    table_files.write_tables(*two_sites, whole)
    for module in (findings, table_files):
        monkeypatch.setattr(module, "MOST_VALUES", 4)
    table_files.write_tables(*two_sites, parts)
    one, other = (parquet.ParquetFile(f / "homes.parquet") for f in (whole, parts))
    assert (one.num_row_groups, other.num_row_groups) == (1, 2)
    assert one.schema_arrow.equals(other.schema_arrow, check_metadata=True)
    found = [gpd.read_parquet(f / "homes.parquet") for f in (whole, parts)]
    assert len(found[0]) == 2
    assert_geodataframe_equal(*found)


def test_a_share_of_the_homes(two_sites):
    _, zones = two_sites
    assert_geodataframe_equal(
        zones.to_gdf(slice(1, 2)).reset_index(drop=True),
        zones.to_gdf().iloc[1:].reset_index(drop=True),
    )


def test_streets_of_each_hour_are_found_again(tmp_path, monkeypatch):
    """Let go after the commutes were found, they are asked for again by the map's examples."""
    path = write_territory(tmp_path / "in", extra="[limits]\nsafe_at_night = true")
    folders = [tmp_path / "held", tmp_path / "let_go"]
    let_go, lighten = [], Views.lighten

    def counted(views):
        let_go.append(views.dark is not None)
        lighten(views)
        assert views.dark is None

    monkeypatch.setattr(Views, "lighten", counted)
    for most, folder in zip((pipeline.MOST_HELD_BYTES, -1), folders, strict=True):
        monkeypatch.setattr(pipeline, "MOST_HELD_BYTES", most)
        # What is known of the same territory asks for no streets.
        monkeypatch.setenv("MOBILITY_CACHE_DIR", str(tmp_path / f"cache of {folder.name}"))
        assert pipeline.run(path, folder).study.views.dark is not None
        assert let_go[:1] == ([True] if most < 0 else [])
    one, other = ({p.name: p.read_bytes() for p in f.iterdir()} for f in folders)
    assert one == other


def test_a_layer_of_too_many_columns(tmp_path):
    columns = {f"c{k}": [0.0] for k in range(2_100)}
    frame = gpd.GeoDataFrame(columns, geometry=gpd.points_from_xy([0], [0]), crs=4326)
    with pytest.raises(SourceError, match="layer wide has 2,101 columns, more than"):
        write_gpkg(tmp_path / "wide.gpkg", [("wide", frame)])
