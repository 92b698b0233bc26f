"""Workers by square cell, spread over what an extract says of where people live."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from mobility.streets.graph import Streets

DWELLING_STREETS = ("residential", "living_street", "unclassified", "tertiary")
FIELDS = ("id", "name", "lon", "lat", "workers")


@dataclass(frozen=True)
class Weights:
    """Points in the streets' metres, each with the dwelling weight it stands for."""

    xy: np.ndarray
    weight: np.ndarray


def along_streets(streets: Streets, classes: tuple[str, ...] = ()) -> Weights:
    """Weigh by street length: all streets, or those of some OSM classes."""
    keep = np.ones(len(streets.lines), dtype=bool)
    if classes:
        keep = streets.tags["highway"].isin(classes).to_numpy()
    lines = streets.lines[keep]
    middle = shapely.get_coordinates(shapely.line_interpolate_point(lines, 0.5, normalized=True))
    return Weights(middle, shapely.length(lines))


def on_land(streets: Streets, *, step_m: float = 50.0) -> Weights:
    """Weigh by residential land: one point every ``step_m`` in both directions."""
    land = streets.background["residential"].to_crs(streets.crs)
    patches = shapely.make_valid(land.geometry.to_numpy())
    west, south, east, north = shapely.total_bounds(patches)
    x, y = np.meshgrid(
        np.arange(np.floor(west / step_m), east / step_m) * step_m + step_m / 2,
        np.arange(np.floor(south / step_m), north / step_m) * step_m + step_m / 2,
    )
    xy = np.column_stack([x.ravel(), y.ravel()])
    found, _ = shapely.STRtree(patches).query(shapely.points(xy), predicate="within")
    inside = xy[np.unique(found)]
    return Weights(inside, np.ones(len(inside)))


def in_buildings(streets: Streets, *, at_least_m2: float = 30.0) -> Weights:
    """Weigh by the ground area of buildings, very large ones capped."""
    built = streets.background["buildings"].to_crs(streets.crs)
    built = built[built["area_m2"] >= at_least_m2]
    xy = shapely.get_coordinates(built.geometry.to_numpy())
    return Weights(xy, built["area_m2"].clip(upper=1500.0).to_numpy())


def by_zone(weights: Weights, zones: gpd.GeoSeries, totals: pd.Series) -> Weights:
    """Scale weights so that each zone holds its total; points outside weigh nothing."""
    scaled = np.zeros(len(weights.weight))
    for shape, total in zip(zones, totals, strict=True):
        inside = shapely.contains_xy(shape, weights.xy[:, 0], weights.xy[:, 1])
        held = weights.weight[inside].sum()
        if held > 0:
            scaled[inside] = weights.weight[inside] * float(total) / held
    return Weights(weights.xy, scaled)


def by_place(streets: Streets, weights: Weights) -> Weights:
    """Scale weights so that the points nearest to a place share its population."""
    places = streets.background["places"].to_crs(streets.crs)
    places = places[places["population"] > 0]
    _, place = shapely.STRtree(places.geometry.to_numpy()).query_nearest(
        shapely.points(weights.xy), all_matches=False
    )
    held = np.bincount(place, weights.weight, minlength=len(places))
    factor = places["population"].to_numpy(dtype=float) / np.maximum(held, 1.0)
    return Weights(weights.xy, weights.weight * factor[place])


def cells(
    streets: Streets, weights: Weights, *, cell_m: float, workers: int, at_least: int = 1
) -> pd.DataFrame:
    """Gather weights in cells and turn them into whole workers that add up to ``workers``.

    Cells that would hold fewer than ``at_least`` workers are left out first.
    """
    grid = np.floor(weights.xy / cell_m).astype(int)
    frame = pd.DataFrame({"i": grid[:, 0], "j": grid[:, 1], "weight": weights.weight})
    frame = frame.groupby(["i", "j"], as_index=False)["weight"].sum()
    frame = frame[frame["weight"] * workers / frame["weight"].sum() >= at_least]
    exact = (frame["weight"] * workers / frame["weight"].sum()).to_numpy()
    whole = np.floor(exact).astype(int)
    rest = np.argsort(-(exact - whole), kind="stable")[: workers - whole.sum()]
    whole[rest] += 1
    middle = (frame[["i", "j"]].to_numpy() + 0.5) * cell_m
    lonlat = streets.unproject(middle)
    out = pd.DataFrame({"lon": lonlat[:, 0].round(5), "lat": lonlat[:, 1].round(5)})
    out["name"] = nearest_name(streets, middle)
    out["workers"] = whole
    out = out[out["workers"] > 0].sort_values(["lat", "lon"], ascending=[False, True])
    out.insert(0, "id", [f"c{k:04d}" for k in range(1, len(out) + 1)])
    return out


def nearest_name(streets: Streets, xy: np.ndarray) -> list[str]:
    """Return the name of the nearest place of the extract, empty when it has none."""
    places = streets.background.get("places")
    if places is None or len(places) == 0:
        return [""] * len(xy)
    named = places.dropna(subset="name").to_crs(streets.crs)
    tree = shapely.STRtree(named.geometry.to_numpy())
    _, nearest = tree.query_nearest(shapely.points(xy), all_matches=False)
    return named["name"].iloc[nearest].astype(str).tolist()


def write_homes(frame: pd.DataFrame, path: Path) -> None:
    """Write the cells as CSV, without the name column when no place is known."""
    fields = [f for f in FIELDS if f != "name" or frame["name"].ne("").any()]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(fields)
        for row in frame[fields].itertuples(index=False):
            writer.writerow([f"{v:.5f}" if isinstance(v, float) else v for v in row])
