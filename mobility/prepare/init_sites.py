"""Candidate sites of a first study: industrial estates, named, the nearest and largest first."""

from __future__ import annotations

import csv
import dataclasses
import io

import geopandas as gpd
import numpy as np
import shapely

from mobility.base.literal import csv_cell
from mobility.sources.osm.industrial import CandidateSite, candidate_sites
from mobility.streets.graph import Streets
from mobility.streets.modes import edge_times
from mobility.territory.project import Speeds

_NO_ENTRANCE = ("motorway", "motorway_link", "trunk", "trunk_link")


def industrial_sites(streets: Streets) -> list[CandidateSite]:
    """Return the industrial estates of a street network, gates at their road entrances."""
    there, back = edge_times(streets, "car", Speeds())
    open_ = np.isfinite(there) | np.isfinite(back)
    open_ &= ~streets.tags["highway"].isin(_NO_ENTRANCE).to_numpy()
    lines = np.asarray(streets.lines, dtype=object)[open_]
    industrial = streets.background.get("industrial")
    if industrial is None:
        return []
    return candidate_sites(industrial, gpd.GeoSeries(lines, crs=streets.crs))


def nearest_first(sites: list[CandidateSite], centre: tuple[float, float]) -> list[CandidateSite]:
    """Return sites by size discounted by distance: half the weight at five kilometres."""
    lon, lat = centre

    def weight(site: CandidateSite) -> float:
        x = (site.centre[0] - lon) * np.cos(np.radians(lat))
        km = 111.2 * float(np.hypot(x, site.centre[1] - lat))
        return -site.area_ha / (1 + km / 5)

    return sorted(sites, key=weight)


def named(sites: list[CandidateSite], places: gpd.GeoDataFrame | None) -> list[CandidateSite]:
    """Return sites with a name each: their own, numbered when shared, or the nearest place's."""
    tree = None
    if places is not None:
        places = places[places["name"].notna()]
        tree = shapely.STRtree(np.asarray(places.geometry.array, dtype=object))
    taken: dict[str, int] = {}
    out = []
    for site in sites:
        name = site.name
        if not name:
            near = (
                None if tree is None or not len(tree) else tree.nearest(shapely.Point(site.centre))
            )
            where = "" if near is None or places is None else f" {places['name'].iloc[near]}"
            name = f"Zone industrielle{where}"
        taken[name] = taken.get(name, 0) + 1
        number = f" {taken[name]}" if taken[name] > 1 else ""
        out.append(dataclasses.replace(site, name=name + number))
    return out


def sites_csv(sites: list[CandidateSite]) -> str:
    """Return the sites table: one row per gate, the first with a roster to be corrected."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\n")
    writer.writerow(["nom", "employeur", "lon", "lat", "portail", "roulement", "effectif"])
    for site in sites:
        name = csv_cell(site.name)
        for k, (lon, lat) in enumerate(site.gates):
            roster = ["3x8", "0"] if k == 0 else ["", ""]
            writer.writerow([name, "", f"{lon:.6f}", f"{lat:.6f}", str(k + 1), *roster])
    return text.getvalue()
