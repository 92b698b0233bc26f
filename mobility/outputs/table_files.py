"""Writes the tables of a run."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from geopandas import GeoDataFrame

from mobility.base.files import writing
from mobility.base.geopackage import write_gpkg
from mobility.commute.access import Access
from mobility.commute.comparison import comparison
from mobility.commute.indicators import by_group, by_shift, summary
from mobility.commute.layer_size import MOST_VALUES, shift_columns, too_wide
from mobility.commute.white_zones import WhiteZones
from mobility.outputs.layers import add_styles, gates_layer, stops_layer
from mobility.outputs.report_tables import mode_tables
from mobility.outputs.tables import write_csv

#: Rows of a Parquet file that are held at a time.
_ROW_GROUP = 1 << 20


def write_tables(access: Access, zones: WhiteZones, folder: Path) -> list[Path]:
    """Write every table of a run.

    Returns
    -------
    list of Path
        ``summary.csv``, ``shifts.csv``, ``groups.csv`` (with groups only), ``modal.csv`` and
        its ``factors.csv``, ``carpool.csv`` and ``carpool_points.csv`` (when asked for),
        ``commutes.parquet`` (a row per home, shift, kind of day and mode),
        ``homes.parquet`` (GeoParquet) and, unless it is switched off, ``results.gpkg`` (homes,
        sites, stops, with the styles that QGIS opens them with).
    """
    tables = {"summary": summary(access, zones), "shifts": by_shift(access, zones)}
    groups = by_group(access)
    if len(groups):
        tables["groups"] = groups
    tables |= mode_tables(access)
    written = [write_csv(folder, key, frame) for key, frame in tables.items()]
    with writing(folder / "commutes.parquet") as part:
        _write_commutes(access, part)
    return [*written, folder / "commutes.parquet", *_write_layers(access, zones, folder)]


def _write_layers(access: Access, zones: WhiteZones, folder: Path) -> list[Path]:
    """Write the homes, and with sites and stops as a GeoPackage where it is wanted."""
    with writing(folder / "homes.parquet") as part:
        homes = _write_homes(zones, part)
    if not access.study.territory.output.geopackage:
        return [folder / "homes.parquet"]
    layers = {"homes": homes, "sites": gates_layer(access), "stops": stops_layer(access)}
    with writing(folder / "results.gpkg") as part:
        write_gpkg(part, layers.items())
        add_styles(part, access.study.territory.language)
    return [folder / "homes.parquet", folder / "results.gpkg"]


def _write_homes(zones: WhiteZones, path: Path) -> GeoDataFrame:
    """Write the homes, some at a time where they are many; return the layer of a GeoPackage."""
    study = zones.access.study
    if not too_wide(study):
        homes = zones.to_gdf()
        homes.to_parquet(path, index=False, compression="zstd")
        return homes
    from pyarrow import parquet

    rosters = zones.access.to_gdf()
    some = max(MOST_VALUES // 4 // (shift_columns(study) + len(rosters.columns)), 1)
    writer: parquet.ParquetWriter | None = None
    try:
        for low in range(0, study.n_homes, some):
            file = BytesIO()
            zones.to_gdf(slice(low, low + some)).to_parquet(file, index=False)
            table = parquet.read_table(file)
            if writer is None:
                # The extent and the kinds of shapes that it tells are those of all homes.
                whole = BytesIO()
                rosters[["geometry"]].to_parquet(whole, index=False)
                geo = {b"geo": parquet.read_schema(whole).metadata[b"geo"]}
                schema = table.schema.with_metadata(table.schema.metadata | geo)
                writer = parquet.ParquetWriter(path, schema, compression="zstd")
            writer.write_table(table.replace_schema_metadata(schema.metadata))
    finally:
        if writer is not None:
            writer.close()
    return rosters


def _write_commutes(access: Access, path: Path) -> None:
    """Write the long table, a group of rows at a time."""
    import pyarrow as pa
    from pyarrow import parquet

    rows = access.outbound_s.size
    writer: parquet.ParquetWriter | None = None
    try:
        for low in range(0, max(rows, 1), _ROW_GROUP):
            frame = access.to_frame(slice(low, low + _ROW_GROUP))
            table = pa.Table.from_pandas(frame, preserve_index=False)
            if writer is None:
                # Every group has nearly every home: the first and the last of them tell nothing.
                told = [name for name in table.column_names if name != "home_id"]
                writer = parquet.ParquetWriter(
                    path, table.schema, compression="zstd", write_statistics=told
                )
            writer.write_table(table, row_group_size=_ROW_GROUP)
    finally:
        if writer is not None:
            writer.close()


def write_comparison(before: Access, after: Access, folder: Path) -> Path:
    """Write the comparison of two situations as CSV."""
    return write_csv(folder, "comparison", comparison(before, after))
