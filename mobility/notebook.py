"""What a notebook calls beside a study: levers, isochrones, the map, the report, its streets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import shapely

from mobility.commute.access import Access
from mobility.commute.isochrone_layers import isochrone_layers
from mobility.commute.study import Study
from mobility.commute.white_zones import WhiteZones
from mobility.streets.graph import Streets
from mobility.streets.tags import general_ways

if TYPE_CHECKING:
    import networkx as nx


_KEPT = ("highway", "name", "ref", "maxspeed", "lanes", "junction", "access", "service", "lit")


def levers(access: Access, *, limit: int = 20, language: str = "en") -> pd.DataFrame:
    """Search for levers cheaper than a shuttle and return them, the cheapest per job gained first.

    Parameters
    ----------
    access
        What holds at present.
    limit
        Levers of the timetable listed at most.
    language
        Of the sentences, ``"fr"`` or ``"en"``.

    Returns
    -------
    DataFrame
        One row per remedy: its kind, the workers who gain and lose a commute, EUR a year, and
        the whole of it as a ``sentence``.
    """
    from mobility.outputs.levers import searched
    from mobility.remedies.factors import factors_of

    territory = access.study.territory
    found = searched(access, territory.resolve(territory.output.dir), limit=limit)
    return found.advice.frames(factors_of(access.study), language)["remedies"]


def isochrones(
    study: Study,
    *,
    minutes: Sequence[float] = (30, 45, 60),
    day: str = "school_weekday",
    modes: Sequence[str] | None = None,
) -> gpd.GeoDataFrame:
    """Return from where each site is reached, and left, at the edges of its shifts.

    Parameters
    ----------
    minutes
        Between home and the shift's edge, margin and waits included.
    day
        Kind of day.
    modes
        Among those evaluated, all of which by default.

    Returns
    -------
    GeoDataFrame
        ``site``, ``clock``, ``direction``, ``mode``, ``minutes`` and polygons, EPSG:4326.

    Raises
    ------
    TerritoryError
        The kind of day is not studied, or a mode is not evaluated.
    """
    areas = [layer.areas for layer in isochrone_layers(study, day, minutes, modes)]
    return gpd.GeoDataFrame(pd.concat(areas, ignore_index=True), crs="EPSG:4326")


def write_map(access: Access, zones: WhiteZones, path: str | Path, *, language: str = "en") -> Path:
    """Write the page of a study: one HTML file that opens without a network.

    Parameters
    ----------
    access, zones
        The results.
    path
        The file, replaced whole.
    language
        The language it opens in, ``"fr"`` or ``"en"``; the reader can switch.
    """
    from mobility.outputs.map.from_results import map_model
    from mobility.outputs.map.page import write_map as write_page

    tiles = access.study.territory.output.tiles
    return write_page(map_model(access, zones), path, language=language, tiles=tiles)


def report(
    access: Access, zones: WhiteZones, folder: str | Path, *, language: str = "en"
) -> tuple[Path, ...]:
    """Write ``report.html``, ``report.pdf`` and ``report.xlsx`` into a folder; return their paths.

    Parameters
    ----------
    access, zones
        The results.
    folder
        Where they go; shuttle plans of a run that stand there are told too.
    language
        ``"fr"`` or ``"en"``.
    """
    from mobility.outputs.report import write_report

    return write_report(access, zones, folder, language=language)


def to_graph(streets: Streets) -> nx.MultiDiGraph[Any]:
    """Return the streets as an OSMnx-convention ``MultiDiGraph`` in EPSG:4326.

    Nodes have ``x`` and ``y``; edges ``osmid``, ``length`` (metres), ``oneway``,
    ``reversed``, tags where there are some, and ``geometry`` where they bend. One-way
    streets, as general traffic meets them, have one edge; the others have two.
    """
    import networkx as nx

    graph: nx.MultiDiGraph[Any] = nx.MultiDiGraph(crs="epsg:4326", simplified=True)
    lonlat = streets.unproject(streets.node_xy)
    ids = [int(i) for i in streets.node_id]
    graph.add_nodes_from(
        (i, {"x": float(x), "y": float(y)}) for i, (x, y) in zip(ids, lonlat, strict=True)
    )
    forward, backward = general_ways(streets.tags)
    geom = streets.unproject(streets.geom_xy)
    kept = {c: streets.tags[c].tolist() for c in _KEPT if c in streets.tags}
    osm_id = streets.tags["osm_id"].tolist()
    for e in range(streets.n_edges):
        data = {c: values[e] for c, values in kept.items() if isinstance(values[e], str)}
        data |= {"osmid": osm_id[e], "length": float(streets.length_m[e])}
        data["oneway"] = not (forward[e] and backward[e])
        line = geom[streets.geom_ptr[e] : streets.geom_ptr[e + 1]]
        u, v = ids[streets.edge_u[e]], ids[streets.edge_v[e]]
        if forward[e]:
            graph.add_edge(u, v, **data, reversed=False, **_drawn(line))
        if backward[e]:
            graph.add_edge(v, u, **data, reversed=True, **_drawn(line[::-1]))
    return graph


def _drawn(line: Any) -> dict[str, Any]:
    return {"geometry": shapely.LineString(line)} if len(line) > 2 else {}
