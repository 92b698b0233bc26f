"""Writes the tables of a run, and its QGIS layers in one GeoPackage with the styles they bear."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from io import BytesIO
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import geopandas as gpd
import pandas as pd
from geopandas import GeoDataFrame

from mobility.base.files import write_gpkg, writing
from mobility.base.i18n import translate
from mobility.commute.access import STATUSES, Access
from mobility.commute.findings import MOST_VALUES, shift_columns, too_wide
from mobility.commute.indicators import by_group, by_shift, summary
from mobility.commute.white_zones import WhiteZones
from mobility.outputs.map.from_results import departures_per_stop
from mobility.outputs.pictures import STYLES
from mobility.outputs.tables import write_csv
from mobility.outputs.workbook import mode_tables

#: Rows of a Parquet file that are held at a time.
_ROW_GROUP = 1 << 20
STATUS_LABELS = (
    "Served: not white",
    "White: no way back (outbound only)",
    "White: no way there (return only)",
    "White: neither direction",
)
#: Angles of the hatch of each status, degrees.
HATCH_ANGLES: tuple[tuple[int, ...], ...] = ((), (45,), (135,), (45, 135))
#: Marker of each status where homes are points: told apart without colours too.
_MARKERS = ("circle", "triangle", "square", "cross_fill")
#: A GeoPackage holds times; a fixed one keeps the bytes the same.
_NO_TIME = "1970-01-01T00:00:00.000Z"
_TABLE = """CREATE TABLE layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT, f_table_catalog TEXT(256), f_table_schema TEXT(256),
    f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(256), styleQML TEXT,
    styleSLD TEXT, useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30),
    update_time DATETIME)"""


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
    layers = {"homes": homes, "sites": _gates_layer(access), "stops": stops_layer(access)}
    with writing(folder / "results.gpkg") as part:
        write_gpkg(part, layers.items())
        _add_styles(part, access.study.territory.language)
    return [folder / "homes.parquet", folder / "results.gpkg"]


def _write_homes(zones: WhiteZones, path: Path) -> GeoDataFrame:
    """Write the homes, some at a time where they are many; return the layer of a GeoPackage."""
    study = zones.access.study
    if not too_wide(study):
        homes = zones.to_gdf()
        homes.to_parquet(path, index=False, compression="zstd")
        return homes
    import pyarrow as pa
    from pyarrow import parquet

    rosters = zones.access.to_gdf()
    some = max(MOST_VALUES // 4 // (shift_columns(study) + len(rosters.columns)), 1)

    def part(low: int) -> pa.Table:
        file = BytesIO()
        zones.to_gdf(slice(low, low + some)).to_parquet(file, index=False)
        return parquet.read_table(file)

    table, whole = part(0), BytesIO()
    # The extent and the kinds of shapes that are told are those of all homes.
    rosters[["geometry"]].to_parquet(whole, index=False)
    geo = {b"geo": parquet.read_schema(whole).metadata[b"geo"]}
    schema = table.schema.with_metadata(table.schema.metadata | geo)
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        writer.write_table(table.replace_schema_metadata(schema.metadata))
        for low in range(some, study.n_homes, some):
            table = part(low)
            writer.write_table(table.replace_schema_metadata(schema.metadata))
    return rosters


def _write_commutes(access: Access, path: Path) -> None:
    """Write the long table, a group of rows at a time."""
    import pyarrow as pa
    from pyarrow import parquet

    def group(low: int) -> pa.Table:
        frame = access.to_frame(slice(low, low + _ROW_GROUP))
        return pa.Table.from_pandas(frame, preserve_index=False)

    table = group(0)
    # Every group has nearly every home: the first and the last of them tell nothing.
    told = [name for name in table.column_names if name != "home_id"]
    with parquet.ParquetWriter(
        path, table.schema, compression="zstd", write_statistics=told
    ) as writer:
        writer.write_table(table, row_group_size=_ROW_GROUP)
        for low in range(_ROW_GROUP, access.outbound_s.size, _ROW_GROUP):
            table = group(low)
            writer.write_table(table, row_group_size=_ROW_GROUP)


def _gates_layer(access: Access) -> gpd.GeoDataFrame:
    """Return one point per gate."""
    rows = [
        (site.name, site.employer, lon, lat)
        for site in access.study.sites
        for lon, lat in site.gates
    ]
    frame = pd.DataFrame(rows, columns=["site", "employer", "lon", "lat"])
    return gpd.GeoDataFrame(
        frame[["site", "employer"]],
        geometry=gpd.points_from_xy(frame["lon"], frame["lat"]),
        crs="EPSG:4326",
    )


def stops_layer(access: Access) -> gpd.GeoDataFrame:
    """Return one point per stop, with its departures on each kind of day studied."""
    study = access.study
    stops = study.feed.stops
    frame = stops[["stop_id", "stop_name"]].copy()
    for day in study.days:
        frame[day.kind] = departures_per_stop(study, day.kind)
    frame = gpd.GeoDataFrame(
        frame, geometry=gpd.points_from_xy(stops["lon"], stops["lat"]), crs="EPSG:4326"
    )
    return frame[(stops["lon"].notna() & (stops["copy_of"] < 0)).to_numpy()]


def _add_styles(path: str | Path, language: str) -> None:
    """Add the styles of the layers ``homes``, ``sites`` and ``stops`` to a GeoPackage.

    Parameters
    ----------
    path
        File written with those layers.
    language
        ``fr`` or ``en``: language of the legends.
    """
    with closing(sqlite3.connect(path)) as file, file:
        columns = [row[1] for row in file.execute('PRAGMA table_info("homes")')]
        geometry = dict(
            file.execute("SELECT table_name, column_name FROM gpkg_geometry_columns").fetchall()
        )
        (kind,) = file.execute(
            "SELECT geometry_type_name FROM gpkg_geometry_columns WHERE table_name = 'homes'"
        ).fetchone()
        points = kind == "POINT"
        statuses = [c for c in columns if c.endswith(" | status")]
        styles = [
            ("homes", c.removesuffix(" | status"), status_qml(c, language, points=points))
            for c in statuses
        ]
        gate = _marker("diamond", "#111820", "#ffffff", 5.0, 0.5)
        gate += _marker("diamond", "#ffd166", "#111820", 1.8, 0.2)
        stop = _marker("circle", "#ffffff", "#1c4f66", 1.8, 0.4)
        styles += [
            ("sites", translate("Sites", language), _qml(_single(gate) + _labels("site"))),
            ("stops", translate("Public transport stops", language), _qml(_single(stop))),
        ]
        file.execute(_TABLE)
        seen: set[str] = set()
        for layer, name, qml in styles:
            file.execute(
                "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, "
                "f_geometry_column, styleName, styleQML, styleSLD, useAsDefault, description, "
                "owner, ui, update_time) VALUES ('', '', ?, ?, ?, ?, '', ?, '', '', '', ?)",
                (layer, geometry[layer], name, qml, int(layer not in seen), _NO_TIME),
            )
            seen.add(layer)
        # A GeoPackage lists every table that is no layer too.
        file.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, "
            "last_change, srs_id) VALUES ('layer_styles', 'attributes', 'layer_styles', '', ?, 0)",
            (_NO_TIME,),
        )


def status_qml(column: str, language: str, *, points: bool = False) -> str:
    """Return a style that tells the white status of one column apart, of cells or points."""
    symbols, categories = [], []
    for i, (name, label) in enumerate(zip(STATUSES, STATUS_LABELS, strict=True)):
        colour, _, ink = STYLES[i]
        if points:
            symbols.append(_symbol(i, "marker", _marker(_MARKERS[i], colour, ink, 2.4, 0.3)))
        else:
            plain = {"color": _rgb(colour), "style": "solid", "outline_style": "no"}
            hatches = (_hatch(ink, angle) for angle in HATCH_ANGLES[i])
            layers = _layer("SimpleFill", plain) + "".join(hatches)
            symbols.append(_symbol(i, "fill", layers))
        text = quoteattr(translate(label, language))
        categories.append(
            f'<category render="true" symbol="{i}" value="{name}" type="string" label={text}/>'
        )
    field = '"' + column.replace('"', '""') + '"'  # as a QGIS expression
    return _qml(
        f'<renderer-v2 type="categorizedSymbol" attr={quoteattr(field)} '
        'enableorderby="0" forceraster="0" symbollevels="0">'
        f"<categories>{''.join(categories)}</categories><symbols>{''.join(symbols)}</symbols>"
        "</renderer-v2>"
    )


def _qml(body: str) -> str:
    return (
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>"
        f'<qgis version="3.22.0" styleCategories="Symbology|Labeling" '
        f'labelsEnabled="{int("<labeling" in body)}">{body}</qgis>'
    )


def _single(markers: str) -> str:
    return (
        '<renderer-v2 type="singleSymbol" enableorderby="0" forceraster="0" symbollevels="0">'
        f"<symbols>{_symbol(0, 'marker', markers)}</symbols></renderer-v2>"
    )


def _symbol(name: object, kind: str, layers: str) -> str:
    return (
        f'<symbol name="{escape(str(name))}" type="{kind}" alpha="1" clip_to_extent="1" '
        f'force_rhr="0">{layers}</symbol>'
    )


def _layer(kind: str, options: Mapping[str, object], inside: str = "") -> str:
    rows = "".join(
        f'<Option name="{name}" type="QString" value={quoteattr(str(value))}/>'
        for name, value in options.items()
    )
    return (
        f'<layer class="{kind}" enabled="1" locked="0" pass="0">'
        f'<Option type="Map">{rows}</Option>{inside}</layer>'
    )


def _rgb(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"{red},{green},{blue},255"


def _hatch(ink: str, angle: int) -> str:
    line = _layer("SimpleLine", {"line_color": _rgb(ink), "line_width": 0.2, "line_style": "solid"})
    return _layer(
        "LinePatternFill",
        {"angle": angle, "distance": 1.6, "distance_unit": "MM", "line_width": 0.2},
        _symbol(f"@{angle}@1", "line", line),
    )


def _marker(shape: str, fill: str, edge: str, size: float, width: float) -> str:
    return _layer(
        "SimpleMarker",
        {
            "name": shape,
            "color": _rgb(fill),
            "outline_color": _rgb(edge),
            "outline_style": "solid",
            "outline_width": width,
            "outline_width_unit": "MM",
            "size": size,
            "size_unit": "MM",
        },
    )


def _labels(field: str) -> str:
    return (
        '<labeling type="simple"><settings calloutType="simple">'
        f'<text-style fieldName="{escape(field)}" fontSize="9" fontSizeUnit="Point" '
        'fontWeight="75" textColor="23,33,42,255"><text-buffer bufferDraw="1" bufferSize="1" '
        'bufferSizeUnits="MM" bufferColor="255,255,255,255"/></text-style>'
        '<placement placement="6" dist="2" distUnits="MM"/></settings></labeling>'
    )
