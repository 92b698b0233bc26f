"""Places of a design, the walks to them, and its scene: gates, depot, where a shuttle may stop.

Existing stops come first, then villages, car parks, safe roadsides.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mobility.base.errors import TerritoryError
from mobility.base.i18n import translate
from mobility.commute.study import Study, engine_limits
from mobility.shuttles.config import Factors, ShuttleConfig
from mobility.shuttles.demand import Demand
from mobility.shuttles.model import PLACE_KINDS, UNREACHED, Drive, Floats, Ints, Place, PlaceKind
from mobility.shuttles.scene import RideLimits, Scene
from mobility.streets.modes import edge_times
from mobility.streets.snap import snap, usable_edges
from mobility.streets.tags import has_sidewalk
from mobility.timetable.footpaths import WalkTable, home_walks

_GATE_WALK_S = 600
_AREA_M = 2_000.0


def depot_place(study: Study, depot: tuple[float, float]) -> Place:
    """Return the place where vehicles start and end.

    Raises
    ------
    TerritoryError
        It is far from any street open to cars.
    """
    times = edge_times(study.streets, "car", study.territory.speeds)
    lon, lat = (np.array([x]) for x in depot)
    if snap(study.streets, lon, lat, usable_edges(study.streets, times)).edge[0] < 0:
        raise _depot_error(study, "The depot is more than 500 m from any street open to cars.")
    return Place(translate("Depot", study.territory.language), *depot, "depot")


def check_depot(study: Study, drive: Drive, depot: int, gates: Sequence[int]) -> None:
    """Check that vehicles get from the depot to the gates and back.

    Raises
    ------
    TerritoryError
        No street leads there.
    """
    ways = drive.seconds[depot, gates], drive.seconds[gates, depot]
    if any((way >= UNREACHED).any() for way in ways):
        raise _depot_error(study, "No street leads from the depot to the gates and back.")


def _depot_error(study: Study, message: str) -> TerritoryError:
    return TerritoryError(
        message,
        file=study.territory.path,
        column="shuttles.depot",
        value=study.territory.shuttles.get("depot"),
        mend="Write [longitude, latitude] of a place on the streets of the extract; the two may "
        "be swapped.",
    )


def lonlat_of(places: Sequence[Place]) -> Floats:
    """Return float64[P,2]: longitude and latitude of places."""
    return np.array([(p.lon, p.lat) for p in places], np.float64).reshape(-1, 2)


def walk_matrix(study: Study, lonlat: Floats, places: Sequence[Place], limit_s: float) -> Ints:
    """Return int32[H,P] walks between homes and places, `UNREACHED` beyond the limit."""
    out = np.full((len(lonlat), len(places)), UNREACHED, np.int32)
    if not out.size:
        return out
    table = home_walks(study.streets, lonlat, lonlat_of(places), limit_s, study.territory.speeds)
    rows = table.rows
    out[rows, table.stop] = table.walk_s
    return out


def gate_name(study: Study, site: int, number: int | None = None) -> str:
    """Return the name of a stop at a gate, as riders read it in the shuttles' timetable."""
    template = "{site} – gate" if number is None else "{site} – gate {number}"
    language = study.territory.language
    return translate(template, language, site=study.sites[site].name, number=number)


def gate_places(study: Study, demand: Demand) -> tuple[list[Place], list[int]]:
    """Return a place at every gate of the sites with demand, and the site of each."""
    sites = sorted({e.site for e in demand.edges})
    places, owner = [], []
    for s in sites:
        several = len(study.sites[s].gates) > 1
        for k, (lon, lat) in enumerate(study.sites[s].gates):
            name = gate_name(study, s, k + 1 if several else None)
            places.append(Place(name, lon, lat, "gate"))
            owner.append(s)
    return places, owner


def gate_walks(study: Study, places: Sequence[Place], gates: dict[int, int]) -> dict[int, int]:
    """Return the walk between each site's gate and the stop put there."""
    sites = sorted(gates)
    points = np.array([g for s in sites for g in study.sites[s].gates], np.float64)
    owner = np.repeat(np.arange(len(sites)), [len(study.sites[s].gates) for s in sites])
    if not sites:
        return {}
    at = lonlat_of([places[gates[s]] for s in sites])
    table: WalkTable = home_walks(
        study.streets, points, at, _GATE_WALK_S, study.territory.speeds, cache=False
    )
    own = np.repeat(owner, np.diff(table.ptr)) == table.stop
    walks = np.full(len(sites), _GATE_WALK_S)
    np.minimum.at(walks, table.stop[own], table.walk_s[own])
    # A gate no street leads to is where its stop is.
    met = np.isin(np.arange(len(sites)), table.stop[own])
    return {s: int(walks[k]) if met[k] else 0 for k, s in enumerate(sites)}


PREFERENCE: dict[PlaceKind, float] = {
    "stop": 0.0,
    "village": 0.25,
    "park_ride": 0.4,
    "carpool": 0.5,
    "node": 1.0,
}
_SAME_PLACE_M = 60.0
_ROADSIDE_CELL_M = 500.0
_NO_STOP = ("motorway", "motorway_link", "trunk", "trunk_link")
_ROADSIDE = ("unclassified", "residential", "tertiary", "secondary", "living_street")


def candidate_places(study: Study, homes_xy: Floats, *, reach_m: float) -> list[Place]:
    """Return the places near white homes where a shuttle could stop.

    Existing stops come first; a village centre, car park or roadside point stands only
    where none of the kinds before it is within `_SAME_PLACE_M`.

    Parameters
    ----------
    homes_xy
        float64[H,2] white homes, projected metres.
    reach_m
        Straight-line distance to a home beyond which a place is of no use.
    """
    from scipy.spatial import cKDTree

    places = [*_stops(study), *_villages(study), *_car_parks(study), *_roadsides(study, homes_xy)]
    if not places or not len(homes_xy):
        return []
    xy = study.streets.project(np.array([p.lon for p in places]), np.array([p.lat for p in places]))
    near = cKDTree(homes_xy).query(xy, k=1)[0] <= reach_m
    order = sorted(np.flatnonzero(near), key=lambda k: (PLACE_KINDS.index(places[k].kind), k))
    if not order:
        return []
    close = cKDTree(xy[order]).query_pairs(_SAME_PLACE_M)
    # The later of two places that are one: kinds are in order of preference.
    dropped: set[int] = set()
    for a, b in sorted((min(p), max(p)) for p in close):
        if a not in dropped:
            dropped.add(b)
    return [places[k] for n, k in enumerate(order) if n not in dropped]


def _stops(study: Study) -> list[Place]:
    stops = study.feed.stops
    rows = stops[(stops["location_type"] == 0) & stops["lon"].notna()]
    columns = (rows[c] for c in ("stop_name", "lon", "lat", "stop_id"))
    return [
        Place(str(name), float(lon), float(lat), "stop", str(stop_id))
        for name, lon, lat, stop_id in zip(*columns, strict=True)
    ]


def _background(study: Study, layer: str) -> list[tuple[dict[str, object], float, float]]:
    frame = study.streets.background.get(layer)
    if frame is None or not len(frame):
        return []
    points = frame.geometry.representative_point()
    rows = frame.drop(columns="geometry").to_dict("records")
    return [
        ({str(k): v for k, v in row.items()}, float(p.x), float(p.y))
        for row, p in zip(rows, points, strict=True)
    ]


def _named(row: dict[str, object], default: str) -> str:
    name = row.get("name")
    return str(name) if isinstance(name, str) and name else default


def _villages(study: Study) -> list[Place]:
    return [
        Place(f"{_named(row, 'Centre')} (centre)", lon, lat, "village")
        for row, lon, lat in _background(study, "places")
    ]


def _car_parks(study: Study) -> list[Place]:
    kinds: dict[str, tuple[PlaceKind, str]] = {
        "carpool": ("carpool", "Aire de covoiturage"),
        "park_ride": ("park_ride", "Parc relais"),
    }
    found = []
    for row, lon, lat in _background(study, "car_parks"):
        kind, default = kinds.get(str(row.get("kind")), ("carpool", "Aire de covoiturage"))
        found.append(Place(_named(row, default), lon, lat, kind))
    return found


def _roadsides(study: Study, homes_xy: Floats) -> list[Place]:
    """One safe junction for each cell of the plane that holds white homes: the most central."""
    streets = study.streets
    tags = streets.tags
    safe = (has_sidewalk(tags) | tags["lit"].eq("yes").to_numpy(bool)) & tags["highway"].isin(
        _ROADSIDE
    ).to_numpy(bool)
    nodes = np.unique(np.concatenate([streets.edge_u[safe], streets.edge_v[safe]]))
    fast = tags["highway"].isin(_NO_STOP).to_numpy(bool)
    unsafe = np.unique(np.concatenate([streets.edge_u[fast], streets.edge_v[fast]]))
    nodes = np.setdiff1d(nodes, unsafe)
    if not len(nodes) or not len(homes_xy):
        return []
    from scipy.spatial import cKDTree

    _cells, inverse = np.unique(
        np.floor(homes_xy / _ROADSIDE_CELL_M).astype(np.int64), axis=0, return_inverse=True
    )
    count = np.bincount(inverse.ravel())
    centre = np.column_stack(
        [np.bincount(inverse.ravel(), weights=homes_xy[:, k]) / count for k in (0, 1)]
    )
    away, nearest = cKDTree(streets.node_xy[nodes]).query(centre, k=1)
    chosen = np.unique(nodes[np.asarray(nearest)[np.asarray(away) <= _ROADSIDE_CELL_M]])
    names = _street_names(study, chosen)
    lonlat = streets.unproject(streets.node_xy[chosen])
    return [
        Place(name, float(lon), float(lat), "node")
        for name, (lon, lat) in zip(names, lonlat, strict=True)
    ]


def _street_names(study: Study, nodes: np.ndarray) -> list[str]:
    """Name each junction by a street that meets there."""
    streets = study.streets
    here = np.isin(streets.edge_u, nodes) | np.isin(streets.edge_v, nodes)
    rows = np.flatnonzero(here & streets.tags["name"].notna().to_numpy(bool))
    names = streets.tags["name"].iloc[rows].astype(str).to_numpy()
    ends = np.concatenate([streets.edge_u[rows], streets.edge_v[rows]])
    both = np.concatenate([names, names])
    order = np.lexsort((both, ends))
    ends, both = ends[order], both[order]
    at = np.searchsorted(ends, nodes)
    return [
        str(both[k]) if k < len(ends) and ends[k] == node else f"Arrêt {i + 1}"
        for i, (k, node) in enumerate(zip(at, nodes, strict=True))
    ]


def areas_of(study: Study, homes: Ints, homes_xy: Floats) -> list[str]:
    """Return the area of each home: its commune, or the stop nearest to its square of `_AREA_M`.

    Squares with the same nearest stop are one area; a territory without stops is one.
    """
    communes = study.homes.frame["commune"].fillna("").astype(str).to_numpy()[homes]
    _, square = np.unique(np.floor(homes_xy / _AREA_M), axis=0, return_inverse=True)
    square, places = square.ravel(), study.homes.lonlat[homes]
    stops = study.feed.stops.dropna(subset=["lon", "lat"])
    if stops.empty:
        return [name or study.territory.name for name in communes]
    middles = np.array([places[square == k].mean(axis=0) for k in range(square.max() + 1)])
    from scipy.spatial import cKDTree

    metric = (np.cos(np.radians(middles[:, 1].mean())), 1.0)
    _, near = cKDTree(stops[["lon", "lat"]].to_numpy() * metric).query(middles * metric)
    names = stops["stop_name"].astype(str).to_numpy()[near]
    return [name or str(names[k]) for name, k in zip(communes, square, strict=True)]


def longest_walk_s(study: Study, config: ShuttleConfig) -> float:
    """Return the longest walk to a stop that counts, in seconds."""
    return max(config.max_walk_min, study.territory.limits.max_walk_min) * 60


def site_weight(demand: Demand, site: int) -> Floats:
    """Return float64[H]: workers who lack some of their roster at a site, over its rosters."""
    edges = np.array([e.site == site for e in demand.edges])
    of = demand.roster[demand.edge_shift]
    out = np.zeros(len(demand.homes))
    for roster in np.unique(of[edges]):
        need = demand.needs[edges & (of == roster)].any(axis=0)
        out += np.where(need, demand.staff[roster], 0.0)
    return out


def busiest_gate(demand: Demand, gates: dict[int, int]) -> int:
    """Return the gate of the site with the most white workers: the depot by default."""
    if not gates:
        return 0
    return gates[max(gates, key=lambda s: (float(site_weight(demand, s).sum()), -s))]


def hourly_p95(factors: Factors) -> tuple[float, ...]:
    """Return for each hour of the day the 95th percentile of a driving time over its mean."""
    peak, night = {7, 8, 16, 17, 18}, {*range(6), *range(20, 24)}
    return tuple(
        factors[
            "drive_p95.peak" if h in peak else "drive_p95.night" if h in night else "drive_p95.day"
        ]
        for h in range(24)
    )


def make_scene(
    study: Study,
    demand: Demand,
    config: ShuttleConfig,
    places: Sequence[Place],
    drive: Drive,
    depot: int,
    walk: Ints,
) -> Scene:
    """Put demand, places and the territory's limits together."""
    limits = engine_limits(study.territory.limits)
    return Scene(
        places=tuple(places),
        xy=study.streets.project(*lonlat_of(places).T),
        drive=drive,
        depot=depot,
        walk_s=walk,
        edges=demand.edges,
        edge_shift=demand.edge_shift,
        shift_ids=demand.shift_ids,
        roster=demand.roster,
        workers=demand.workers,
        staff=demand.staff,
        needs=demand.needs,
        days=demand.days,
        limits=RideLimits(
            max_total_s=limits.max_total_s,
            max_walk_s=limits.max_walk_s,
            max_stop_walk_s=round(config.max_walk_min * 60),
            max_wait_s=limits.max_wait_s,
            max_ride_s=round(config.max_ride_min * 60),
            detour_ratio=config.detour_ratio,
            detour_s=round(config.detour_min * 60),
        ),
        dwell_s=config.dwell_s,
        turnaround_s=round(config.turnaround_min * 60),
        pool_tolerance_s=round(config.pool_tolerance_min * 60),
        p95_drive=hourly_p95(Factors.load(study.territory.factors, file=study.territory.path)),
        gate_buffer_s=round(config.gate_buffer_min * 60),
    )
