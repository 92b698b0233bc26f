"""Results as files for other tools: GeoParquet, GeoPackage and CSV."""

from __future__ import annotations

from pathlib import Path

import pyogrio

from mobility.base.files import write_text, writing
from mobility.base.literal import csv_text
from mobility.commute.access import Access
from mobility.commute.comparison import comparison
from mobility.commute.indicators import by_group, by_shift, summary
from mobility.commute.white_zones import WhiteZones
from mobility.outputs.layers import gates_layer, stops_layer
from mobility.outputs.mode_tables import mode_tables
from mobility.outputs.styles import add_styles


def write_tables(access: Access, zones: WhiteZones, folder: Path) -> list[Path]:
    """Write every table of a run.

    Returns
    -------
    list of Path
        ``summary.csv``, ``shifts.csv``, ``groups.csv`` (with groups only), ``modal.csv`` and
        its ``factors.csv``, ``carpool.csv`` and ``carpool_points.csv`` (when asked for),
        ``commutes.parquet`` (a row per home, shift, kind of day and mode),
        ``homes.parquet`` (GeoParquet) and ``results.gpkg`` (homes, sites, stops, with the
        styles that QGIS opens them with).
    """
    homes = zones.to_gdf()
    tables = {"summary": summary(access, zones), "shifts": by_shift(access, zones)}
    groups = by_group(access)
    if len(groups):
        tables["groups"] = groups
    tables |= mode_tables(access)
    written = []
    for name, frame in tables.items():
        path = folder / f"{name}.csv"
        write_text(path, csv_text(frame))
        written.append(path)
    with writing(folder / "commutes.parquet") as part:
        access.to_frame().to_parquet(part, index=False, compression="zstd")
    with writing(folder / "homes.parquet") as part:
        homes.to_parquet(part, index=False, compression="zstd")
    # A GeoPackage holds the time of its last change; a fixed one keeps the bytes the same.
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "1970-01-01T00:00:00Z"})
    with writing(folder / "results.gpkg") as part:
        # Version 1.2 is read without a warning by the QGIS of older distributions too.
        homes.to_file(part, layer="homes", driver="GPKG", dataset_options={"VERSION": "1.2"})
        gates_layer(access).to_file(part, layer="sites", driver="GPKG")
        stops_layer(access).to_file(part, layer="stops", driver="GPKG")
        add_styles(part, access.study.territory.output.language)
    return [
        *written,
        *(folder / n for n in ("commutes.parquet", "homes.parquet", "results.gpkg")),
    ]


def write_comparison(before: Access, after: Access, path: Path) -> None:
    """Write the comparison of two situations as CSV."""
    write_text(path, csv_text(comparison(before, after)))
