"""Any line layer as streets: noded where lines meet or cross, open both ways."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from mobility.base.errors import SourceError
from mobility.base.ledger import SourceLedger
from mobility.base.projection import WGS84, transformer
from mobility.sources.layers import read_layer
from mobility.sources.osm.pieces import StreetTables, empty_tags
from mobility.sources.osm.ways import TAG_COLUMNS


def read_lines(
    path: str | Path,
    *,
    layer: str | None = None,
    crs: str | None = None,
    tolerance_m: float = 0.5,
) -> StreetTables:
    """Read a line layer and node it into street pieces.

    Parameters
    ----------
    path
        Any layer GeoPandas reads; columns named like OpenStreetMap tags are kept
        (``highway``, ``name``, ``oneway``, ``maxspeed``, ``lit``...), others are not.
    layer
        Name of the layer in a file that holds several.
    crs
        Coordinate system of a file that does not say its own.
    tolerance_m
        Points within about this distance are one point, so that lines drawn almost to
        each other meet.

    Raises
    ------
    SourceNotFoundError, SourceError
        The file is missing, unreadable, without lines or coordinate system.
    """
    path = Path(path)
    frame = read_layer(path, layer=layer, crs=crs, key="lines_layer")
    read = len(frame)
    frame = frame[frame.geom_type.isin(["LineString", "MultiLineString"])]
    if frame.empty:
        raise SourceError(
            "The layer holds no line.",
            file=path,
            mend="Give the layer of street centrelines, as lines.",
        )
    long = int((shapely.length(frame.geometry.to_numpy()) > 0).sum())
    left = {"not a line": read - len(frame), "a line without length": len(frame) - long}
    ledger = SourceLedger.balanced(path.name, long, left, "lines")
    return replace(_node_lines(frame, tolerance_m=tolerance_m), ledger=ledger)


def _node_lines(frame: gpd.GeoDataFrame, *, tolerance_m: float = 0.5) -> StreetTables:
    """Cut lines where they meet or cross, and return them as street pieces.

    Tunnels and bridges cannot be told from crossings: every crossing is a junction.
    ``osm_id`` is the 0-based row of the line a piece comes from. Lines without a
    ``highway`` are ``road``, the class of a street whose class is unknown.
    """
    frame = frame.explode(index_parts=False).reset_index(drop=True)
    local = frame.estimate_utm_crs()
    frame = frame.to_crs(local)
    lines = shapely.force_2d(frame.geometry.to_numpy())
    pieces = shapely.get_parts(shapely.union_all(lines, grid_size=tolerance_m))
    pieces = pieces[shapely.length(pieces) > 0]
    middle = shapely.line_interpolate_point(pieces, 0.5, normalized=True)
    nearest, row = shapely.STRtree(lines).query_nearest(middle, all_matches=False)
    source = np.zeros(len(pieces), dtype=np.int64)
    source[nearest] = row
    return _tables(pieces, _line_tags(frame, source), local)


def _tables(pieces: np.ndarray, tags: pd.DataFrame, local: pyproj.CRS) -> StreetTables:
    xy, piece = shapely.get_coordinates(pieces, return_index=True)
    geom_ptr = np.append(0, np.cumsum(np.bincount(piece, minlength=len(pieces))))
    ends = np.vstack([xy[geom_ptr[:-1]], xy[geom_ptr[1:] - 1]])
    node_xy, node = np.unique(ends, axis=0, return_inverse=True)
    to_lonlat = transformer(local, WGS84)
    return StreetTables(
        node_id=np.arange(len(node_xy), dtype=np.int64),
        node_xy=np.column_stack(to_lonlat.transform(node_xy[:, 0], node_xy[:, 1])),
        edge_u=node[: len(pieces)].astype(np.int32),
        edge_v=node[len(pieces) :].astype(np.int32),
        geom_ptr=geom_ptr.astype(np.int64),
        geom_xy=np.column_stack(to_lonlat.transform(xy[:, 0], xy[:, 1])),
        tags=tags,
        background={},
    )


def _line_tags(frame: gpd.GeoDataFrame, source: np.ndarray) -> pd.DataFrame:
    tags = empty_tags(source)
    for column in TAG_COLUMNS:
        if column in frame.columns:
            texts = frame[column].astype("str").where(frame[column].notna())
            tags[column] = texts.take(source).reset_index(drop=True)
    tags["highway"] = tags["highway"].fillna("road")
    return tags
