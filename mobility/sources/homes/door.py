"""The one door of personal data: persons come in, homes of protected counts go out.

Nothing else sees the cell someone lives in: what leaves here is public places and protected
counts (`mobility.sources.homes.protected`), as in a census table, and every later figure, map,
cache and log is a function of them.

Areas of k persons straddle the line between those who can come and those who cannot, and a roster
of fifty is told wrong by several points. So the two sides of that line are taken as two areas
more: protected counts are raked to them (Deville and Särndal 1992, "Calibration estimators in
survey sampling", JASA 87(418)), every place of a side by the same factor. The noise is drawn from
those who live on a side, as cell keys are (Thompson, Broadfoot, Elazar 2013, "Methodology for the
automatic confidentialisation of statistical outputs from remote servers at the ABS"): the same
persons get the same noise whatever the settings of the run, and a side of one person more gets
another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from mobility.base.cache import file_hash
from mobility.base.errors import Finding, SourceError
from mobility.base.ledger import SourceLedger
from mobility.base.projection import WGS84, transformer
from mobility.sources.homes.grid import cell_boxes
from mobility.sources.homes.model import PERSONS, Homes, HomesRequest
from mobility.sources.homes.protected import (
    END,
    EPSILON,
    TEAM,
    Door,
    Ground,
    curve_cells,
    protect,
    within,
)
from mobility.sources.homes.spread import land_cells
from mobility.sources.homes.zones import read_zones
from mobility.sources.layers import need_file

# Beyond, no local system keeps lengths: squares of homes would be none.
_MAX_SIDE_M = 1.5e6
#: So far from the streets a home is still one of theirs, as everywhere in this package.
_BESIDE_M = 500.0
_ROUND = 5  # the study of some persons is cut out by squares of 32 cells
#: Of a side: of two homes on either side, neither is more than e^3 times as likely.
SIDE_EPSILON = 3.0
#: So often, at most, does a side seem to hold k persons that holds fewer.
_CERTAIN = 0.01
#: Of each site and roster, whether its commute holds at each place, bool[n].
_Sides = Mapping[tuple[str, str], np.ndarray]


def protected_homes(
    request: HomesRequest,
    persons: pd.DataFrame,
    groups: tuple[str, ...],
    crs: pyproj.CRS,
    *,
    teams: pd.DataFrame | None = None,
) -> Homes:
    """Return homes that tell of nobody.

    Parameters
    ----------
    persons
        ``x``, ``y`` (column and row of the cell of ``cell_m`` metres in ``crs``), ``workers``,
        the groups and, with ``teams``, ``site`` and ``roster``.
    teams
        Every ``site`` and ``roster`` there may be; None where all work anywhere.

    Raises
    ------
    SourceError
        There are too few persons to be protected.
    """
    known = teams is not None
    if teams is None:
        teams = pd.DataFrame({"site": [""], "roster": [""]})
        persons = persons.assign(site="", roster="")
    cell_m = request.source.cell_m
    cells = persons[["x", "y"]].to_numpy(np.int64)
    persons = persons.assign(outside=_outside(cells, request, crs))
    box = _box(cells)
    if max(box[2] - box[0], box[3] - box[1]) * cell_m > _MAX_SIDE_M:
        raise SourceError(
            "The homes lie too far apart to be drawn in one local system.",
            file=request.path,
            row=_farthest(persons),
            mend="Keep the homes of one region, or check their coordinates.",
        )
    door = Door(request.least, _key(request), _grounds(request, crs, box), cell_m, box)
    counts = protect(persons, groups, teams, door)
    if counts.empty:
        raise SourceError(
            "It counts too few persons for none of them to be told apart.",
            file=request.path,
            mend="Give a file of more persons, at least some {least} at each site and roster; or "
            "lower min_workers_shown in [limits], where those concerned agree. If its rows are "
            "published figures, write personal = false in [sources.homes].",
            least=2 * request.least,
        )
    if known and request.sides is not None:
        counts[["x", "y"]] = counts.groupby(counts["index"] % END)[["x", "y"]].transform("first")
        drawn, place = np.unique(counts[["x", "y"]], axis=0, return_inverse=True)
        public = np.vstack([ground.xy for ground in door.grounds] or [drawn])
        sides = request.sides(_public(np.vstack([public, drawn]), crs))
        counts = counts.assign(place=len(public) + place.ravel())
        counts = told_by_side(counts, persons, groups, public, sides, door)
    homes, frame = _homes(request, counts, groups, crs, box)
    pool = frame[["home", *TEAM, "workers", *groups]] if known else None
    # Of persons only protected counts are told, also of how many there are.
    shown = SourceLedger.balanced(request.path, counts["workers"].sum(), {}, PERSONS)
    told = _told(request, counts, teams)
    return replace(homes, pool=pool, personal=True, findings=told, ledger=(shown,))


def protected_total(request: HomesRequest, label: str, true: int) -> int:
    """Return how many rows of a file are so, with the noise of every total: never 1 to k-1."""
    door = Door(request.least, _key(request), (), request.source.cell_m, (0, 0, 0, 0))
    return door.total(true, door.draw(label))


def _farthest(persons: pd.DataFrame) -> int | None:
    """Return the row of the file farthest from the others; None where cells are of no row."""
    away = (persons[["x", "y"]] - persons[["x", "y"]].median()).abs().max(axis=1)
    # Rows of a file count from 1, those of persons spread over the land of communes from 0.
    rows = persons.index.to_numpy(np.int64)
    return int(rows[int(away.argmax())]) if rows.min() > 0 else None


def _outside(cells: np.ndarray, request: HomesRequest, crs: pyproj.CRS) -> np.ndarray:
    """Return whether each cell lies too far beyond the study area to be of it."""
    if request.bbox is None:
        return np.zeros(len(cells), bool)
    to_local = transformer(WGS84, crs)
    west, south, east, north = to_local.transform_bounds(*request.bbox)
    x, y = ((cells + 0.5) * request.source.cell_m).T
    beyond = np.maximum.reduce([west - x, x - east, south - y, y - north])
    return np.asarray(beyond > _BESIDE_M)


def _box(cells: np.ndarray) -> tuple[int, int, int, int]:
    west, south = cells.min(axis=0) >> _ROUND << _ROUND
    east, north = (cells.max(axis=0) >> _ROUND) + 1 << _ROUND
    return int(west), int(south), int(east), int(north)


def _key(request: HomesRequest) -> bytes:
    """Return the seed of every draw: the file, and what the territory keeps secret beside it."""
    digest = hashlib.sha256(file_hash(request.path).encode())
    if request.source.secret is not None:
        path = request.resolve(request.source.secret)
        need_file(path)
        digest.update(path.read_bytes())
    return digest.digest()


def _grounds(
    request: HomesRequest, crs: pyproj.CRS, box: tuple[int, int, int, int]
) -> list[Ground]:
    """Return where people may live: on residential land, in buildings, else along streets."""
    cell_m = request.source.cell_m
    zone = gpd.GeoSeries([shapely.box(*(np.array(box) * cell_m))], crs=crs)
    layers = [request.land, *(read() for read in (request.buildings, request.streets) if read)]
    found = []
    for layer in layers:
        cells = land_cells(zone, layer, crs=crs, cell_m=cell_m)
        if not len(cells.fallback):
            found.append(Ground.of(cells.cell, cells.xy, cells.weight))
    return found


def _public(xy: np.ndarray, crs: pyproj.CRS) -> Homes:
    """Return public places as homes of one worker each."""
    points = gpd.GeoSeries(gpd.points_from_xy(*xy.T), crs=crs).to_crs(4326)
    ids = [str(k) for k in range(len(xy))]
    columns: dict[str, object] = {"home_id": ids, "workers": np.ones(len(xy))}
    columns |= {"name": "", "commune": ""}
    return Homes.at(points, columns)


def _homes(
    request: HomesRequest,
    counts: pd.DataFrame,
    groups: tuple[str, ...],
    crs: pyproj.CRS,
    box: tuple[int, int, int, int],
) -> tuple[Homes, pd.DataFrame]:
    """Return homes of all teams together, and the counts with the row of their home."""
    values = ["workers", *groups]
    index, home = np.unique(counts["index"].to_numpy(np.int64) % END, return_inverse=True)
    frame = counts.assign(home=home).sort_values(["home", *TEAM], ignore_index=True)
    whole = frame.groupby("home")[["x", "y"]].first().join(frame.groupby("home")[values].sum())
    cells = curve_cells(index, box[:2])
    points = gpd.GeoSeries(gpd.points_from_xy(whole["x"], whole["y"]), crs=crs).to_crs(4326)
    ids = [f"{x}_{y}" for x, y in cells]
    columns: dict[str, object] = {name: whole[name].to_numpy() for name in values}
    columns |= {"home_id": ids, "name": ids, "commune": _communes(request, points)}
    boxes = gpd.GeoSeries(cell_boxes(cells, request.source.cell_m), crs=crs).to_crs(4326)
    return Homes.at(points, columns, groups, boxes), frame.astype(dict.fromkeys(TEAM, "str"))


def _communes(request: HomesRequest, points: gpd.GeoSeries) -> list[str]:
    """Return the commune of each public place, empty where none is given or it is beyond them."""
    if request.source.zones is None:
        return [""] * len(points)
    zones = read_zones(request)
    place, zone = shapely.STRtree(np.asarray(zones.polygons.array, dtype=object)).query(
        np.asarray(points.array, dtype=object), predicate="intersects"
    )
    found = np.full(len(points), "", object)
    found[place] = zones.names.to_numpy(object)[zone]
    return [str(name) for name in found]


def _told(request: HomesRequest, counts: pd.DataFrame, teams: pd.DataFrame) -> tuple[Finding, ...]:
    """Say what was done, in protected counts."""
    source = str(request.path)
    message = (
        "{count} persons, a protected count, are spread over public places ({cells}): areas hold "
        "{least} persons or more, totals have noise (see docs/privacy.md); no address is kept."
    )
    params = {"cells": counts["index"].nunique(), "least": request.least, "epsilon": EPSILON}
    told = [Finding("info", "homes_protected", message, source,
                    round(counts["workers"].sum()), params=params)]  # fmt: skip
    # Said also where nobody lives there: that somebody does would tell of few.
    if request.bbox is not None and (counts["index"] < END).all():
        message = (
            "Fewer than some {least} persons of a roster, or none, live beyond the streets: no so "
            "small a number is told, and they count within the streets."
        )
        few = {"least": 2 * request.least}
        told.append(Finding("info", "homes_beyond_few", message, source, params=few))
    there = set(counts[TEAM].itertuples(index=False, name=None))
    gone = [t for t in teams[TEAM].itertuples(index=False, name=None) if t not in there and t[1]]
    if gone:
        message = "{count} rosters of few employees, or none, count as nobody once protected."
        names = tuple(f"{site}, {roster}" for site, roster in gone[:5])
        told.append(Finding("warning", "rosters_of_few", message, source, len(gone), names))
    return tuple(told)


def told_by_side(
    counts: pd.DataFrame,
    persons: pd.DataFrame,
    groups: Sequence[str],
    public: np.ndarray,
    sides: _Sides,
    door: Door,
) -> pd.DataFrame:
    """Return protected counts that add up, of each roster, to its noisy count on either side.

    Where one side would be told of fewer than k persons, with some certainty, they stay as they
    are.

    Parameters
    ----------
    counts
        Protected counts by ``place`` (one of those of ``sides``), ``site`` and ``roster``.
    persons
        Cells ``x``, ``y`` of ``workers``, their ``site`` and ``roster``.
    public
        Places where people live, the first of ``sides``, float64[n, 2], metres: of each person
        the nearest to their cell counts.
    """
    cells = (persons[["x", "y"]].to_numpy(np.float64) + 0.5) * door.cell_m
    persons = persons.assign(
        place=shapely.STRtree(shapely.points(public)).nearest(shapely.points(cells))
    )
    true = {(str(s), str(r)): rows for (s, r), rows in persons.groupby(TEAM)}
    parts = []
    for (site, roster), rows in counts.groupby(TEAM):
        team = (str(site), str(roster))
        side, mine = sides.get(team), true.get(team)
        if side is not None and mine is not None:
            parts.append(_raked(rows, mine, side, groups, door))
        else:
            parts.append(rows)
    return pd.concat(parts, ignore_index=True)


def _raked(
    rows: pd.DataFrame, mine: pd.DataFrame, side: np.ndarray, groups: Sequence[str], door: Door
) -> pd.DataFrame:
    """Return the counts of one roster, in keeping with its two sides."""
    workers, here = rows["workers"].to_numpy(np.float64), side[rows["place"].to_numpy()]
    total, known = workers.sum(), mine["workers"].sum()
    inside = mine[side[mine["place"].to_numpy()]].sort_values(["x", "y"])
    named = hashlib.sha256(inside[["x", "y", "workers"]].to_numpy(np.float64).tobytes())
    rng = door.draw("side", *mine[TEAM].iloc[0], named.hexdigest())
    noisy = inside["workers"].sum() + rng.laplace(scale=1 / SIDE_EPSILON)
    least = door.k - np.log(_CERTAIN) / SIDE_EPSILON
    now = workers[here].sum()
    if min(noisy, known - noisy) < least or min(now, total - now) <= 0:
        return rows
    told = round(total * noisy / known, 2)
    factor = np.where(here, told / now, (total - told) / (total - now))
    raked = {"workers": workers * factor}
    for name in groups:
        members = rows[name].to_numpy(np.float64)
        whole = np.sum(members * factor)
        members = members * factor * (members.sum() / whole if whole else 0.0)
        raked[name] = within(members, raked["workers"])
    return rows.assign(**raked)
