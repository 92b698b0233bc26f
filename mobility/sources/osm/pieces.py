"""Street pieces: ways cut at their junctions, with the tags of each and an account of all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import geopandas as gpd
import numpy as np
import pandas as pd

from mobility.base.ledger import SourceLedger
from mobility.sources.osm.conditions import condition_table
from mobility.sources.osm.gather import KEY_CODE, Bbox, Gathered
from mobility.sources.osm.restrictions import barrier_table, turn_table
from mobility.sources.osm.states import UNDEFINED
from mobility.sources.osm.ways import NO_WAYS, OTHER_WAYS, TAG_COLUMNS


@dataclass(frozen=True)
class StreetTables:
    """Street pieces between junctions, in longitude and latitude.

    Attributes
    ----------
    node_id
        int64 (n,), sorted.
    node_xy
        float64 (n, 2).
    edge_u, edge_v
        int32 (m,), rows of ``node_id``.
    geom_ptr, geom_xy
        int64 (m + 1,) and float64 (k, 2): the polyline of each piece, from u to v.
    tags
        m rows: ``osm_id`` int64 and `TAG_COLUMNS` as text, missing where not tagged.
    background
        Layers by kind, see `mobility.sources.osm.background`.
    turns, barriers
        Turn restrictions and barriers, see `mobility.sources.osm.restrictions`.
    conditions
        What depends on the hour, see `mobility.sources.osm.conditions`.
    ledger
        What became of each way read; its remark ``cut`` counts the streets used that lack some
        node, ``nodes_missing`` the nodes.
    """

    node_id: np.ndarray
    node_xy: np.ndarray
    edge_u: np.ndarray
    edge_v: np.ndarray
    geom_ptr: np.ndarray
    geom_xy: np.ndarray
    tags: pd.DataFrame
    background: dict[str, gpd.GeoDataFrame]
    turns: pd.DataFrame = field(default_factory=turn_table)
    barriers: pd.DataFrame = field(default_factory=barrier_table)
    conditions: pd.DataFrame = field(default_factory=condition_table)
    ledger: SourceLedger = NO_WAYS


def split(stream: Gathered, bbox: Bbox | None) -> StreetTables:
    """Split every way at its ends, at each node used twice by streets and at barriers."""
    refs = np.array(stream.refs, dtype=np.int64)
    x, y = np.array(stream.x, dtype=np.int32), np.array(stream.y, dtype=np.int32)
    lonlat = np.column_stack([x, y]) / 1e7
    known = x != UNDEFINED
    way = np.repeat(np.arange(len(stream.way_id)), stream.way_len)
    # A node listed twice in a row is one node.
    again = np.zeros(len(refs), dtype=bool)
    again[1:] = (refs[1:] == refs[:-1]) & (way[1:] == way[:-1])
    refs, lonlat, known, way = refs[~again], lonlat[~again], known[~again], way[~again]

    _, inverse, uses = np.unique(refs, return_inverse=True, return_counts=True)
    cut = (uses[inverse] > 1) | np.isin(refs, list(stream.barriers))
    segment = np.flatnonzero((way[1:] == way[:-1]) & known[1:] & known[:-1])
    stream.counts["cut"] = len(np.intersect1d(way[~known], way[segment]))
    stream.counts["nodes_missing"] = len(np.unique(refs[~known]))
    stream.counts["without_nodes"] = len(stream.way_id) - stream.counts["written_twice"]
    stream.counts["without_nodes"] -= len(np.unique(way[segment]))
    if len(segment) == 0:
        empty = np.zeros(0, dtype=np.int64)
        return _tables(stream, empty, empty, refs, lonlat, way, bbox)
    starts = np.ones(len(segment), dtype=bool)
    starts[1:] = cut[segment[1:]] | (segment[1:] != segment[:-1] + 1)
    first = segment[starts]
    last = segment[np.append(np.flatnonzero(starts)[1:] - 1, len(segment) - 1)] + 1
    return _tables(stream, first, last, refs, lonlat, way, bbox)


def _tables(
    stream: Gathered,
    first: np.ndarray,
    last: np.ndarray,
    refs: np.ndarray,
    lonlat: np.ndarray,
    way: np.ndarray,
    bbox: Bbox | None,
) -> StreetTables:
    if bbox is not None:
        west, south, east, north = bbox
        inside = (lonlat >= (west, south)).all(axis=1) & (lonlat <= (east, north)).all(axis=1)
        upto = np.append(0, np.cumsum(inside))
        kept = upto[last + 1] > upto[first]
        before = len(np.unique(way[first]))
        first, last = first[kept], last[kept]
        stream.counts["outside"] = before - len(np.unique(way[first]))
    stream.counts["street"] = len(np.unique(way[first]))
    node_id, ends = np.unique(np.concatenate([refs[first], refs[last]]), return_inverse=True)
    node_xy = np.zeros((len(node_id), 2))
    node_xy[ends] = lonlat[np.concatenate([first, last])]
    sizes = last - first + 1
    geom_ptr = np.append(0, np.cumsum(sizes)).astype(np.int64)
    points = np.repeat(first - geom_ptr[:-1], sizes) + np.arange(geom_ptr[-1])
    tags = _way_tags(stream).take(way[first]).reset_index(drop=True)
    barriers = barrier_table(stream.barriers)
    on_street = np.isin(barriers["node_id"].to_numpy(), node_id)
    return StreetTables(
        node_id=node_id,
        node_xy=node_xy,
        edge_u=ends[: len(first)].astype(np.int32),
        edge_v=ends[len(first) :].astype(np.int32),
        geom_ptr=geom_ptr,
        geom_xy=lonlat[points],
        tags=tags,
        background=stream.rows.frames(bbox),
        barriers=barriers[on_street].reset_index(drop=True),
        ledger=_ledger(stream.counts),
    )


def _ledger(counts: Mapping[str, int]) -> SourceLedger:
    left = {reason: counts.get(kind, 0) for kind, reason in OTHER_WAYS.items()}
    found = SourceLedger.balanced("", counts["street"], left, "ways")
    return replace(found, remarks={k: counts.get(k, 0) for k in ("cut", "nodes_missing")})


def _way_tags(stream: Gathered) -> pd.DataFrame:
    count = len(stream.way_id)
    way = np.array(stream.tag_way, dtype=np.int64)
    key = np.array(stream.tag_key, dtype=np.int64)
    value = np.array(stream.tag_value, dtype=object)
    columns: dict[str, object] = {"osm_id": np.array(stream.way_id, dtype=np.int64)}
    for name, code in KEY_CODE.items():
        texts = np.full(count, None, dtype=object)
        mine = key == code
        texts[way[mine]] = value[mine]
        columns[name] = pd.Series(texts, dtype="str")
    return pd.DataFrame(columns)


def empty_tags(osm_id: Iterable[int] | np.ndarray) -> pd.DataFrame:
    """Return a tag table without any tag, one row per id."""
    ids = np.asarray(osm_id, dtype=np.int64)
    columns: dict[str, object] = {"osm_id": ids}
    for name in TAG_COLUMNS:
        columns[name] = pd.Series(np.full(len(ids), None, dtype=object), dtype="str")
    return pd.DataFrame(columns)
