"""A small offline page: some layers over the territory's streets, and a table beside them."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from mobility.base.files import write_text
from mobility.base.i18n import translate
from mobility.commute.study import Study
from mobility.outputs.map.assets import leaflet, page_file, safe_script
from mobility.outputs.map.background import roads_of
from mobility.outputs.map.pack import compact_json, quantised
from mobility.outputs.tables import Table

_SLOT = re.compile(r"@@mb-(\w+)@@")
#: Coordinates are told to this part of a degree, about a metre.
_DEGREE = 1e-5
#: From little to much, told apart in grey too (ColorBrewer's YlGnBu, five classes).
RAMP = ("#ffffcc", "#a1dab4", "#41b6c4", "#2c7fb8", "#253494")


def side_page(title: str, data: dict[str, Any], script: str, language: str) -> str:
    """Return the page that one of the scripts beside `side.js` draws; the same data, the same text.

    Raises
    ------
    SourceNotFoundError
        Leaflet's distribution is not installed.
    """
    code, style = leaflet()
    texts = {
        "language": html.escape(language),
        "title": html.escape(title),
        "leaflet": code,
        "leaflet_style": style,
        "data": compact_json(data),
        "code": safe_script(page_file("side.js") + page_file(script)),
    }
    # What is put in is not looked at again: data never passes as a template.
    return _SLOT.sub(lambda slot: texts[slot[1]], page_file("side.html"))


def flat_paths(lines: Sequence[NDArray[np.float64]]) -> list[list[int]]:
    """Return latitudes and longitudes in hundred-thousandths, each as a step from the last."""
    if not lines:
        return []
    at = quantised(np.concatenate(lines)[:, ::-1])
    steps = np.diff(at, axis=0, prepend=0)
    ends = np.cumsum([len(line) for line in lines])
    first = np.append(0, ends[:-1])[np.diff(ends, prepend=0) > 0]
    steps[first] = at[first]
    flat = steps.ravel().tolist()
    return [flat[2 * (end - len(line)) : 2 * end] for line, end in zip(lines, ends, strict=True)]


@dataclass(frozen=True)
class PageLayer:
    """What is drawn, and its line of the legend.

    Attributes
    ----------
    name
        In the language of the page.
    shapes
        EPSG:4326. Columns ``title`` and ``lines`` (texts of the popup, parted by line ends)
        and ``size`` (radius of a point, width of a line; pixels) may be left out.
    colour, dashed
        Of fill or line.
    shown
        Whether it is drawn when the page opens.
    """

    name: str
    shapes: gpd.GeoDataFrame
    colour: str
    dashed: bool = False
    shown: bool = True


def write_needs_page(
    study: Study, path: Path, layers: Sequence[PageLayer], *, title: str, note: str,
    tables: Sequence[Table] = (), language: str = "fr",
) -> Path:  # fmt: skip
    """Write the page; the same layers give the same bytes.

    Parameters
    ----------
    title, note
        What the page answers, and how it is read, in its language.
    tables
        Told beside the map.

    Raises
    ------
    SourceNotFoundError
        Leaflet's distribution is not installed.
    SourceError
        The file cannot be written.
    """
    some = [layer.shapes for layer in layers if layer.shown and len(layer.shapes)]
    boxes = np.array([frame.total_bounds for frame in some] or [study.streets.bounds_lonlat])
    west, south = boxes[:, :2].min(axis=0).tolist()
    east, north = boxes[:, 2:].max(axis=0).tolist()
    roads = [path for paths in roads_of(study.streets).values() for path in paths]
    data = {
        "bounds": [[south, west], [north, east]],
        "note": note,
        "streets": flat_paths(roads),
        "gates": [
            {"site": site.name, "at": [round(lat, 5), round(lon, 5)]}
            for site in study.sites
            for lon, lat in site.gates
        ],
        "gates_name": translate("Gates", language),
        "shown": translate("Shown on the map", language),
        "layers": [_layer(layer) for layer in layers],
        "tables": [
            {"caption": t.caption, "heads": t.heads, "rows": t.rows, "numeric": t.numeric}
            for t in tables
        ],
    }
    text = side_page(f"{title} – {study.territory.name}", data, "needs.js", language)
    write_text(path, text)
    return path


def merged(frame: gpd.GeoDataFrame, by: NDArray[Any]) -> dict[Any, gpd.GeoDataFrame]:
    """Return, by each value of ``by``, one shape of all polygons that have it."""
    found = {}
    for value in np.unique(by):
        # Corners of neighbours that differ by rounding alone would leave slits between them.
        shapes = shapely.transform(frame.geometry.to_numpy()[by == value], lambda xy: xy.round(5))
        if shapely.coverage_is_valid(shapes):  # squares that share their corners: much quicker
            shape = shapely.coverage_union_all(shapes)
        else:
            shape = shapely.union_all(shapes, grid_size=_DEGREE)
        found[value] = gpd.GeoDataFrame(geometry=[shape], crs=4326)
    return found


def _layer(layer: PageLayer) -> dict[str, Any]:
    shapes = shapely.set_precision(layer.shapes.geometry.to_numpy(), _DEGREE)
    told = [name for name in ("title", "lines", "size") if name in layer.shapes]
    columns = {name: layer.shapes[name] for name in told}
    rows = zip(*columns.values(), strict=True) if columns else ((),) * len(shapes)
    return {
        "name": layer.name,
        "colour": layer.colour,
        "dashed": layer.dashed,
        "shown": layer.shown,
        "features": [
            {
                "type": "Feature",
                "geometry": told_shape(shape),
                "properties": dict(zip(columns, row, strict=True)),
            }
            for shape, row in zip(shapes, rows, strict=True)
        ],
    }


def told_shape(shape: shapely.Geometry, decimals: int = 5) -> dict[str, Any]:
    """Return a shape as GeoJSON tells it, its numbers rounded."""
    found: dict[str, Any] = json.loads(
        shapely.to_geojson(shapely.transform(shape, lambda xy: xy.round(decimals)))
    )
    return found
