"""What-ifs on streets: drawn cycle tracks and footpaths, and roads that get lights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.ops import substring

from mobility.base.errors import SourceError
from mobility.sources.osm.ways import TAG_COLUMNS
from mobility.streets.graph import Streets, polyline_lengths

# A drawn line without tags is open to walkers and cyclists, paved and unlit.
DRAWN: dict[str, str] = {
    "highway": "path",
    "foot": "designated",
    "bicycle": "designated",
    "surface": "asphalt",
    "lit": "no",
}
_LIT_M = 15.0
# An end of a line is joined to a street so near.
_JOIN_M = 25.0
# Places nearer to each other than this are one junction.
_MERGE_M = 1.0


@dataclass(frozen=True)
class _Join:
    """Where a drawn line meets a street piece: metres along both."""

    edge: int
    edge_m: float
    line_m: float


def with_streets(
    streets: Streets, *, added: gpd.GeoDataFrame | None = None, lit: gpd.GeoDataFrame | None = None
) -> Streets:
    """Return the streets with lines added and roads lit; the given streets stay as they are.

    Parameters
    ----------
    added
        Lines with a coordinate system. Columns named like OpenStreetMap tags (``highway``,
        ``lit``, ``oneway``...) are kept; without ``highway`` a line is a paved path for
        walkers and cyclists. A line meets every street it crosses, unless one of the two
        is a bridge or tunnel, and each of its ends is joined to the nearest street within
        25 m.
    lit
        Areas or lines: street pieces whose middle lies in or within 15 m of them get
        ``lit=yes``.

    Raises
    ------
    SourceError
        An added geometry is no line, or a line meets no street.
    """
    found = streets
    if added is not None:
        local = added.to_crs(streets.crs)
        for row, (_, feature) in enumerate(local.iterrows()):
            for line in _lines(feature["geometry"], row):
                found = _put_line(found, line, _tags_drawn(feature), row)
    return found if lit is None else _light(found, lit)


def _lines(geometry: shapely.Geometry | None, row: int) -> list[shapely.LineString]:
    parts = [] if geometry is None else list(shapely.get_parts(shapely.force_2d(geometry)))
    if not parts or any(p.geom_type != "LineString" or p.length == 0 for p in parts):
        raise SourceError(
            "An added street is no line.", row=row + 1, mend="Draw the new street as a line."
        )
    return parts


def _tags_drawn(feature: pd.Series) -> dict[str, str]:
    given = {c: str(feature[c]) for c in TAG_COLUMNS if c in feature.index and pd.notna(feature[c])}
    return given if "highway" in given else DRAWN | given


def _put_line(
    streets: Streets, line: shapely.LineString, tags: Mapping[str, str], row: int
) -> Streets:
    line, joins = _joined_ends(streets, line)
    joins += _crossings(streets, line, tags)
    if not joins:
        raise SourceError(
            "An added street meets no other street.",
            row=row + 1,
            mend="Draw its ends on, or within {join_m:.0f} m of, the streets it joins.",
            join_m=_JOIN_M,
        )
    return _noded(streets, line, tags, joins)


def _joined_ends(
    streets: Streets, line: shapely.LineString
) -> tuple[shapely.LineString, list[_Join]]:
    """Lengthen a line to the nearest street at each end."""
    tree = shapely.STRtree(streets.lines)
    xy = shapely.get_coordinates(line)
    start, stop = (_nearest(streets, tree, xy[end]) for end in (0, -1))
    parts = [xy]
    if start is not None:
        parts.insert(0, start[2])
    if stop is not None:
        parts.append(stop[2])
    joined = shapely.remove_repeated_points(shapely.LineString(np.vstack(parts)), 1e-6)
    joins = [] if start is None else [_Join(start[0], start[1], 0.0)]
    if stop is not None:
        joins.append(_Join(stop[0], stop[1], float(joined.length)))
    return joined, joins


def _nearest(
    streets: Streets, tree: shapely.STRtree, xy: np.ndarray
) -> tuple[int, float, np.ndarray] | None:
    """Return the street piece nearest to a point, metres along it, and the place (1, 2)."""
    point = shapely.Point(xy)
    near = tree.query_nearest(point, max_distance=_JOIN_M)
    if len(near) == 0:
        return None
    edge = int(near.min())
    along = float(streets.lines[edge].project(point))
    return edge, along, shapely.get_coordinates(streets.lines[edge].interpolate(along))


def _crossings(streets: Streets, line: shapely.LineString, tags: Mapping[str, str]) -> list[_Join]:
    """Return where a line crosses streets on the ground."""
    if _off_ground(tags):
        return []
    joins = []
    for edge in np.sort(shapely.STRtree(streets.lines).query(line, predicate="intersects")):
        row = streets.tags.iloc[int(edge)]
        if _off_ground({c: row[c] for c in ("bridge", "tunnel") if pd.notna(row[c])}):
            continue
        street = streets.lines[edge]
        for xy in shapely.get_coordinates(line.intersection(street)):
            point = shapely.Point(xy)
            along = float(street.project(point))
            joins.append(_Join(int(edge), along, float(line.project(point))))
    return joins


def _off_ground(tags: Mapping[str, str]) -> bool:
    return any(tags.get(key, "no") != "no" for key in ("bridge", "tunnel"))


def _noded(
    streets: Streets, line: shapely.LineString, tags: Mapping[str, str], joins: list[_Join]
) -> Streets:
    """Cut the streets and the line where they meet."""
    work = _Nodes(streets)
    cuts = [(j.line_m, work.node_on(j.edge, j.edge_m)) for j in joins]
    # A line that joins nothing at an end has a dead end there.
    for end_m in (0.0, float(line.length)):
        if all(abs(end_m - m) > _MERGE_M for m, _ in cuts):
            cuts.append((end_m, work.new(shapely.get_coordinates(line.interpolate(end_m))[0])))
    pieces = _pieces(line, sorted(cuts), work.xy)
    kept = np.setdiff1d(np.arange(streets.n_edges), list(work.splits))
    source = list(kept)
    lines = [streets.geom_xy[streets.geom_ptr[e] : streets.geom_ptr[e + 1]] for e in kept]
    ends = [(int(streets.edge_u[e]), int(streets.edge_v[e])) for e in kept]
    for edge, places in sorted(work.splits.items()):
        length = float(streets.length_m[edge])
        whole = [(0.0, int(streets.edge_u[edge])), *places, (length, int(streets.edge_v[edge]))]
        for u, v, xy in _pieces(streets.lines[edge], sorted(whole), work.xy):
            source.append(edge)
            ends.append((u, v))
            lines.append(xy)
    rows = streets.tags.iloc[source]
    drawn = {c: tags.get(c) for c in rows.columns} | {"osm_id": work.next_id}
    new_rows = pd.DataFrame([drawn] * len(pieces)).astype(rows.dtypes.to_dict())
    ends += [(u, v) for u, v, _ in pieces]
    lines += [xy for _, _, xy in pieces]
    return _rebuilt(streets, work, ends, lines, pd.concat([rows, new_rows], ignore_index=True))


class _Nodes:
    """Nodes of the streets, and those that cuts add."""

    def __init__(self, streets: Streets) -> None:
        self.streets = streets
        self.xy: list[np.ndarray] = list(streets.node_xy)
        self.splits: dict[int, list[tuple[float, int]]] = {}
        self.next_id = min(int(streets.node_id.min()), 0) - 1

    def new(self, xy: np.ndarray) -> int:
        self.xy.append(xy)
        return len(self.xy) - 1

    def node_on(self, edge: int, along_m: float) -> int:
        """Return the node at a place of a piece: one of its ends within a metre, or a new one."""
        if along_m < _MERGE_M:
            return int(self.streets.edge_u[edge])
        if along_m > self.streets.length_m[edge] - _MERGE_M:
            return int(self.streets.edge_v[edge])
        places = self.splits.setdefault(edge, [])
        for metres, node in places:
            if abs(metres - along_m) < _MERGE_M:
                return node
        place = shapely.get_coordinates(self.streets.lines[edge].interpolate(along_m))[0]
        places.append((along_m, self.new(place)))
        return places[-1][1]


def _pieces(
    line: shapely.LineString, cuts: list[tuple[float, int]], xy: list[np.ndarray]
) -> list[tuple[int, int, np.ndarray]]:
    """Return (u, v, polyline) between successive cuts, ends drawn to the nodes themselves."""
    found = []
    for (start, u), (stop, v) in pairwise(cuts):
        if u == v and stop - start < 2 * _MERGE_M:
            continue
        part = shapely.get_coordinates(substring(line, start, stop))
        part = np.vstack([part, part]) if len(part) == 1 else part.copy()
        part[0], part[-1] = xy[u], xy[v]
        found.append((u, v, part))
    return found


def _rebuilt(
    streets: Streets,
    work: _Nodes,
    ends: list[tuple[int, int]],
    lines: list[np.ndarray],
    tags: pd.DataFrame,
) -> Streets:
    ptr = np.append(0, np.cumsum([len(x) for x in lines])).astype(np.int64)
    geom = np.vstack(lines)
    more = len(work.xy) - streets.n_nodes
    new_ids = work.next_id - np.arange(more, dtype=np.int64)
    return replace(
        streets,
        node_id=np.append(streets.node_id, new_ids),
        node_xy=np.vstack(work.xy),
        edge_u=np.array([u for u, _ in ends], dtype=np.int32),
        edge_v=np.array([v for _, v in ends], dtype=np.int32),
        length_m=polyline_lengths(ptr, geom),
        geom_ptr=ptr,
        geom_xy=geom,
        tags=tags,
    )


def _light(streets: Streets, lit: gpd.GeoDataFrame) -> Streets:
    area = shapely.union_all(shapely.buffer(lit.to_crs(streets.crs).geometry.to_numpy(), _LIT_M))
    middle = shapely.line_interpolate_point(streets.lines, 0.5, normalized=True)
    shapely.prepare(area)
    inside = shapely.contains(area, middle)
    tags = streets.tags.copy()
    tags["lit"] = tags["lit"].mask(inside, "yes")
    return replace(streets, tags=tags)
