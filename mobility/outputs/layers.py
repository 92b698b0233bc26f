"""Geographic layers of the results, and the QGIS styles that a GeoPackage brings.

QGIS reads the table ``layer_styles`` on its own: a style marked as default is applied when
the layer is opened, the others are offered in its properties; colours and hatches are those
of the map page.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import geopandas as gpd
import numpy as np
import pandas as pd

from mobility.base.cache import Bundle
from mobility.base.i18n import translate
from mobility.commute.access import STATUSES, Access
from mobility.commute.study import Study
from mobility.outputs.pictures import STYLES
from mobility.timetable.runs import departures

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
NO_TIME = "1970-01-01T00:00:00.000Z"

_TABLE = """CREATE TABLE layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT, f_table_catalog TEXT(256), f_table_schema TEXT(256),
    f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(256), styleQML TEXT,
    styleSLD TEXT, useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30),
    update_time DATETIME)"""


def gates_layer(access: Access) -> gpd.GeoDataFrame:
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


def departures_per_stop(study: Study, day_kind: str) -> np.ndarray:
    """Return the departures of the day's own service day, int64 (stops,)."""

    def compute() -> Bundle:
        tt = study.timetables[day_kind].timetable
        sizes = np.diff(tt.run_ptr)
        own = np.repeat(tt.run_day == 0, sizes) & tt.call_board
        weights = np.repeat(departures(tt), sizes)[own]
        stops = study.feed.own_stop[tt.call_stop[own]]
        n = np.rint(np.bincount(stops, weights, minlength=tt.n_stops)).astype(np.int64)
        return {"departures": n}

    return np.asarray(study.kept(["departures", day_kind], compute)["departures"])


def add_styles(path: str | Path, language: str) -> None:
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
        styles += [
            ("sites", translate("Sites", language), _gates_qml()),
            ("stops", translate("Public transport stops", language), _stops_qml()),
        ]
        file.execute(_TABLE)
        seen: set[str] = set()
        for layer, name, qml in styles:
            file.execute(
                "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, "
                "f_geometry_column, styleName, styleQML, styleSLD, useAsDefault, description, "
                "owner, ui, update_time) VALUES ('', '', ?, ?, ?, ?, '', ?, '', '', '', ?)",
                (layer, geometry[layer], name, qml, int(layer not in seen), NO_TIME),
            )
            seen.add(layer)
        file.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, "
            "last_change, srs_id) VALUES ('layer_styles', 'attributes', 'layer_styles', '', ?, 0)",
            (NO_TIME,),
        )


def status_qml(column: str, language: str, *, points: bool = False) -> str:
    """Return a style that tells the white status of one column apart, of cells or points."""
    symbols, categories = [], []
    for i, (name, label) in enumerate(zip(STATUSES, STATUS_LABELS, strict=True)):
        colour, _, ink = STYLES[i]
        if points:
            symbols.append(_symbol(i, "marker", _marker(_MARKERS[i], colour, ink, 2.4, 0.3)))
        else:
            layers = _simple_fill(colour) + "".join(_hatch(ink, a) for a in HATCH_ANGLES[i])
            symbols.append(_symbol(i, "fill", layers))
        text = quoteattr(translate(label, language))
        categories.append(
            f'<category render="true" symbol="{i}" value="{name}" type="string" label={text}/>'
        )
    return _qml(
        f'<renderer-v2 type="categorizedSymbol" attr={quoteattr(_field(column))} '
        'enableorderby="0" forceraster="0" symbollevels="0">'
        f"<categories>{''.join(categories)}</categories><symbols>{''.join(symbols)}</symbols>"
        "</renderer-v2>"
    )


def _field(name: str) -> str:
    """Return a column as a QGIS expression."""
    return '"' + name.replace('"', '""') + '"'


def _gates_qml() -> str:
    outer = _marker("diamond", "#111820", "#ffffff", 5.0, 0.5)
    inner = _marker("diamond", "#ffd166", "#111820", 1.8, 0.2)
    return _qml(_single("marker", outer + inner) + _labels("site"))


def _stops_qml() -> str:
    return _qml(_single("marker", _marker("circle", "#ffffff", "#1c4f66", 1.8, 0.4)))


def _qml(body: str) -> str:
    return (
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>"
        f'<qgis version="3.22.0" styleCategories="Symbology|Labeling" '
        f'labelsEnabled="{int("<labeling" in body)}">{body}</qgis>'
    )


def _single(kind: str, layers: str) -> str:
    return (
        '<renderer-v2 type="singleSymbol" enableorderby="0" forceraster="0" symbollevels="0">'
        f"<symbols>{_symbol(0, kind, layers)}</symbols></renderer-v2>"
    )


def _symbol(name: object, kind: str, layers: str) -> str:
    return (
        f'<symbol name="{escape(str(name))}" type="{kind}" alpha="1" clip_to_extent="1" '
        f'force_rhr="0">{layers}</symbol>'
    )


def _layer(kind: str, options: dict[str, object], inside: str = "") -> str:
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


def _simple_fill(colour: str) -> str:
    return _layer("SimpleFill", {"color": _rgb(colour), "style": "solid", "outline_style": "no"})


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
            "name": shape, "color": _rgb(fill), "outline_color": _rgb(edge),
            "outline_style": "solid", "outline_width": width, "outline_width_unit": "MM",
            "size": size, "size_unit": "MM",
        },
    )  # fmt: skip


def _labels(field: str) -> str:
    return (
        '<labeling type="simple"><settings calloutType="simple">'
        f'<text-style fieldName="{escape(field)}" fontSize="9" fontSizeUnit="Point" '
        'fontWeight="75" textColor="23,33,42,255"><text-buffer bufferDraw="1" bufferSize="1" '
        'bufferSizeUnits="MM" bufferColor="255,255,255,255"/></text-style>'
        '<placement placement="6" dist="2" distUnits="MM"/></settings></labeling>'
    )
