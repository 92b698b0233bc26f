"""Groups of workers drawn as polygons (QPV and the like), laid over the homes."""

from __future__ import annotations

import dataclasses

import geopandas as gpd
import numpy as np
import shapely

from mobility.base.errors import Finding, SourceError
from mobility.base.ledger import SourceLedger
from mobility.sources.homes.model import Homes, HomesRequest
from mobility.sources.layers import read_layer, to_lonlat


def _overlay_specs(request: HomesRequest) -> list[tuple[str, str]]:
    """Return (name, file) of the groups written ``name=file`` in ``groups``."""
    specs = []
    for group in request.source.groups:
        name, equal, rest = group.partition("=")
        _, colon, _ = rest.partition(":")
        if equal and (not colon or any(sign in rest for sign in "/\\.")):
            specs.append((name.strip(), rest.strip()))
    return specs


def with_overlays(homes: Homes, request: HomesRequest) -> Homes:
    """Return the homes with a group for each ``name=file`` of the source.

    Raises
    ------
    SourceNotFoundError, SourceError
        A layer is missing or wrong, or a group has the name of a column.
    """
    for name, file in _overlay_specs(request):
        path = request.resolve(request.path.__class__(file))
        if not name or name in homes.frame.columns:
            raise SourceError(
                "A group cannot bear this name.",
                file=path,
                column="groups",
                value=name,
                mend="Rename the column.",
            )
        layer = to_lonlat(read_layer(path), path)
        homes = add_overlay_group(homes, name, layer)
        used = SourceLedger.balanced(path, len(layer), {})
        homes = dataclasses.replace(homes, ledger=(*homes.ledger, used))
    return homes


def add_overlay_group(homes: Homes, name: str, polygons: gpd.GeoDataFrame) -> Homes:
    """Return the homes with one more group: the workers living inside polygons.

    A home with a cell counts for the part of its area that lies inside; a point counts
    whole or not at all.

    Parameters
    ----------
    name
        Name of the new column, in workers.
    polygons
        Any CRS; overlaps count once.
    """
    parts = np.asarray(polygons.geometry.to_crs(4326).array, dtype=object)
    area = shapely.union_all(shapely.make_valid(parts))
    shapely.prepare(area)
    inside = homes.frame.geometry.within(area).to_numpy().astype(np.float64)
    if homes.cells is not None:
        # Within one cell the degree is an even measure: a share needs no projection.
        shapes = shapely.make_valid(np.asarray(homes.cells.array, dtype=object))
        whole = shapely.area(shapes)
        cut = shapely.area(shapely.intersection(shapes, area))
        inside = np.divide(cut, whole, out=inside, where=whole > 0)
    frame = homes.frame.copy()
    frame[name] = frame["workers"] * np.clip(inside, 0.0, 1.0)
    findings = homes.findings
    if not inside.any():
        message = "No home lies inside the polygons of the group {name}."
        findings = (
            *findings,
            Finding("warning", "group_empty", message, name, params={"name": name}),
        )
    return dataclasses.replace(homes, frame=frame, groups=(*homes.groups, name), findings=findings)
