"""Remedies on streets: cycle tracks where stress alone keeps cyclists away, cycling, car-pooling.

Someone cycles to work calmly when the whole way, there and back, is on streets that most
adults accept (level of traffic stress 1 or 2, see `mobility.streets.tags`) and within the
cycling limits. A cycle track along a stressful road makes it calm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from mobility.commute.access import Access
from mobility.commute.ledger import Ledger
from mobility.commute.sources import read_streets
from mobility.commute.study import Study
from mobility.commute.walks import street_commutes
from mobility.remedies.bill import Bill, priced, total
from mobility.remedies.factors import LeverFactors
from mobility.remedies.remedy import LEAST_WORKERS, Remedy, Rescued
from mobility.sources.layers import read_layer
from mobility.streets.graph import Streets
from mobility.streets.modes import edge_times
from mobility.streets.paths import street_paths
from mobility.streets.tags import traffic_stress
from mobility.territory.factors import Factor
from mobility.territory.project import StreetMode
from mobility.timetable.footpaths import walk_snaps

Bool = NDArray[np.bool_]
Float = NDArray[np.float64]

#: Highest level of traffic stress that most adults accept (Mekuria, Furth and Nixon, 2012).
CALM = 2
#: Homes whose way is drawn to look for a track, those of most workers first, per site.
_DRAWN_HOMES = 150
#: Tracks proposed per site.
_TRACKS = 2
#: Streets named in one sentence.
NAMED = 3


@dataclass(frozen=True, eq=False)
class CycleTrack:
    """A stretch of stressful road that a cycle track would make calm.

    Attributes
    ----------
    site
        Index of the site that it leads to.
    edges : int32[]
        Street pieces, ascending.
    homes : bool[H]
        Homes from which cycling becomes calm both ways.
    """

    site: int
    edges: NDArray[np.int32]
    metres: float
    homes: Bool


def street_remedies(access: Access, factors: LeverFactors) -> list[Remedy]:
    """Return cycle tracks, cycling and car-pooling for those whom no counting mode takes.

    What would bring fewer workers than are shown is left out: its cost would tell them.
    """
    study = access.study
    white = [white_of(access, site) for site in range(len(study.sites))]
    lacking = _lacking_jobs(access)
    mode = _cycling_mode(study)
    found: list[Remedy | None] = []
    if mode is not None:
        calm = calm_reach(study, study.streets, mode)
        cycling = [w & calm[site] for site, w in enumerate(white)]
        found += [
            _simple(study, site, "bike", homes, lacking, factors)
            for site, homes in enumerate(cycling)
        ]
        for site, homes in enumerate(white):
            found += [
                _track_remedy(study, track, lacking, factors)
                for track in find_tracks(
                    study, mode, site, homes, calm[site], factors, lacking[site]
                )
            ]
        found.append(_drawn(access, mode, white, calm, lacking, factors))
    for site, homes in enumerate(white):
        ids = [row.shift_id for row in study.shift_rows if row.site == site]
        driven = _reached(access, ids, "car") & homes
        found.append(_simple(study, site, "car", driven, lacking, factors))
    return [r for r in found if r is not None and r.users >= LEAST_WORKERS]


def _lacking_jobs(access: Access) -> list[Float]:
    """Return the jobs of each site by home whose roster does not hold, float64 (H,) each."""
    ledger = Ledger.of(access.study)
    jobs = ledger.jobs * ledger.lacking(access)
    sites = np.array([site for site, _ in ledger.rosters], np.intp)
    return [jobs[sites == site].sum(axis=0) for site in range(len(access.study.sites))]


def _cycling_mode(study: Study) -> StreetMode | None:
    """Return the mode of cycling that is studied, the electric one before the other."""
    modes = study.territory.modes.evaluated
    if "e_bike" in modes:
        return "e_bike"
    return "bike" if "bike" in modes else None


def white_of(access: Access, site: int) -> Bool:
    """Return the homes that fail on some shift and kind of day of a site, bool (H,)."""
    ids = [row.shift_id for row in access.study.shift_rows if row.site == site]
    white = np.zeros(access.study.n_homes, bool)
    keys = access.keys[access.keys["shift_id"].isin(ids)]
    for shift_id, kind in keys[["shift_id", "day_kind"]].drop_duplicates().itertuples(index=False):
        white |= ~access.counted(int(shift_id), str(kind))[2]
    return white


def _reached(access: Access, shift_ids: Sequence[int], mode: str) -> Bool:
    """Return the homes from which a mode holds on every shift; none when it is not computed."""
    rows = np.flatnonzero(
        (access.keys["mode"] == mode) & access.keys["shift_id"].isin(list(shift_ids))
    )
    if not rows.size:
        return np.zeros(access.study.n_homes, bool)
    return np.asarray(access.holds[rows].all(axis=0))


def calm_reach(
    study: Study, streets: Streets, mode: StreetMode, treated: NDArray[np.int32] | None = None
) -> Bool:
    """Return from which homes each site is cycled to calmly both ways, bool (sites, H).

    Parameters
    ----------
    streets
        Those of the study, or a variant of them.
    treated
        Stressful pieces taken to be calm.
    """
    calm = traffic_stress(streets) <= CALM
    if treated is not None:
        calm[treated] = True
    times = edge_times(streets, mode, study.territory.speeds)
    kept = (np.where(calm, times[0], np.inf), np.where(calm, times[1], np.inf))
    return _within(study, streets, mode, kept)


def _within(
    study: Study,
    streets: Streets,
    mode: StreetMode,
    times: tuple[NDArray, NDArray] | None,  # type: ignore[type-arg]
) -> Bool:
    """Return from which homes cycling holds both ways in some times, bool (sites, H)."""
    limits = study.territory.limits
    gates = np.array([gate for site in study.sites for gate in site.gates], np.float64)
    ways = street_commutes(
        study.territory, streets, mode, study.sites, gates, _lonlat(study), times=times
    )
    held = np.ones(ways[0].shape, bool)
    for k, site in enumerate(study.sites):
        for way, margin_min in zip(ways, limits.margins_min(site), strict=True):
            left_min = min(limits.max_bike_min, limits.max_total_min - margin_min)
            held[k] &= way[k] <= round(60 * left_min)
    return held


def _lonlat(study: Study) -> Float:
    points = study.homes.frame.geometry
    return np.column_stack([points.x.to_numpy(), points.y.to_numpy()])


def find_tracks(
    study: Study,
    mode: StreetMode,
    site: int,
    white: Bool,
    calm: Bool,
    factors: LeverFactors,
    lacking: Float,
) -> list[CycleTrack]:
    """Return the tracks towards a site that cost least per worker, each beside the others.

    A candidate makes calm every stressful piece of one home's shortest way; it serves all
    homes whose stressful pieces are among them. What it brings is then measured anew on the
    changed streets.

    Parameters
    ----------
    white, calm : bool[H]
        Homes that no counting mode serves, and those that cycle calmly already.
    lacking : float64[H]
        Jobs of the site by home, whose roster does not hold.
    """
    streets, pool = study.streets, lacking
    reach = _within(study, streets, mode, None)[site]
    blocked = np.flatnonzero(white & reach & ~calm & (pool > 0))
    blocked = blocked[np.argsort(-pool[blocked], kind="stable")][:_DRAWN_HOMES]
    wanted = _stressful(study, mode, site, blocked)
    found: list[CycleTrack] = []
    treated = np.zeros(0, np.int32)
    known = calm.copy()
    for _ in range(_TRACKS):
        best = _cheapest(study, pool, wanted, treated, known, factors)
        if best is None:
            break
        edges = np.setdiff1d(best, treated).astype(np.int32)
        treated = np.union1d(treated, edges).astype(np.int32)
        after = calm_reach(study, streets, mode, treated)[site] & reach
        homes = after & ~known & white
        known |= after
        if homes.any():
            metres = float(streets.length_m[edges].sum())
            found.append(CycleTrack(site, edges, metres, homes))
    return found


def _stressful(
    study: Study, mode: StreetMode, site: int, homes: NDArray[np.intp]
) -> dict[int, frozenset[int]]:
    """Return the stressful pieces of the shortest way to a site, by home."""
    streets = study.streets
    times = edge_times(streets, mode, study.territory.speeds)
    stress = traffic_stress(streets) > CALM
    lonlat = _lonlat(study)[homes]
    gates = np.array(study.sites[site].gates, np.float64)
    gate_xy = streets.project(gates[:, 0], gates[:, 1])
    home_xy = streets.project(lonlat[:, 0], lonlat[:, 1])
    nearest = np.linalg.norm(home_xy[:, None] - gate_xy[None], axis=2).argmin(axis=1)
    paths = street_paths(
        streets,
        times,
        walk_snaps(streets, times, lonlat),
        walk_snaps(streets, times, gates[nearest]),
        connector_speed_ms=study.territory.speeds.walk_kmh / 3.6,
        limit_s=study.territory.limits.max_bike_min * 60,
    )
    return {
        int(home): frozenset(path.edges[stress[path.edges]].tolist())
        for home, path in zip(homes, paths, strict=True)
        if path is not None
    }


def _cheapest(
    study: Study,
    pool: Float,
    wanted: dict[int, frozenset[int]],
    treated: NDArray[np.int32],
    known: Bool,
    factors: LeverFactors,
) -> NDArray[np.int32] | None:
    """Return the pieces of the candidate that costs least per user, none where too few gain."""
    length_m = study.streets.length_m
    done = set(treated.tolist())
    left = {home: pieces - done for home, pieces in wanted.items() if not known[home]}
    best: tuple[float, list[int]] | None = None
    for pieces in sorted({tuple(sorted(p)) for p in left.values() if p}):
        served = [home for home, mine in left.items() if mine <= set(pieces)]
        workers = float(pool[served].sum()) * factors["bike_adoption"]
        eur = _track_eur(float(length_m[list(pieces)].sum()), factors)
        if workers >= LEAST_WORKERS and (best is None or eur / workers < best[0]):
            best = (eur / workers, list(pieces))
    return None if best is None else np.array(best[1], np.int32)


def _track_eur(metres: float, factors: LeverFactors) -> float:
    return metres * factors["cycle_track_m"] / factors["cycle_track_years"]


def _track_bill(factors: LeverFactors, metres: float, users: float) -> Bill:
    over = ("cycle_track_years",)
    return (
        priced(factors, "cycle track", metres, "metres", "cycle_track_m", over=over),
        priced(factors, "cycling allowance", users, "users", "bike_worker_year"),
    )


def _taken_up(
    study: Study,
    kind: str,
    action: str,
    params: dict[str, object],
    rescued: Sequence[Rescued],
    lacking: Sequence[Float],
    bill: Callable[[float], Bill],
    adoption: Factor,
    lines: Sequence[BaseGeometry] = (),
) -> Remedy:
    """Return a remedy that helps those who take it up: it gains as many jobs as it has users."""
    gained = [float(lacking[one.site] @ one.homes) for one in rescued]
    users = adoption.value * sum(gained)
    owed = bill(users)
    whole = adoption.value or 1.0
    return Remedy(
        kind, action, params, users, 0.0, total(owed), bill=owed, jobs=users, users=users,
        sites=tuple(study.sites[one.site].name for one in rescued), rescued=tuple(rescued),
        lines=tuple(lines), uptake=(adoption.low / whole, adoption.high / whole),
    )  # fmt: skip


def _track_remedy(
    study: Study, track: CycleTrack, lacking: Sequence[Float], factors: LeverFactors
) -> Remedy:
    names = study.streets.tags["name"].iloc[track.edges]
    length = study.streets.length_m[track.edges]
    by_name = names.to_frame("name").assign(m=length).dropna().groupby("name")["m"].sum()
    longest = by_name.sort_values(ascending=False, kind="stable").index[:NAMED].tolist()
    action = "Build {metres} m of cycle track towards {site}"
    if longest:
        action += ", along {streets}"
    params: dict[str, object] = {
        "metres": round(track.metres / 10) * 10,
        "site": study.sites[track.site].name,
        "streets": ", ".join(map(str, longest)),
    }
    return _taken_up(
        study,
        "cycle_track",
        action,
        params,
        [Rescued(track.site, track.homes, factors["bike_adoption"])],
        lacking,
        lambda users: _track_bill(factors, track.metres, users),
        factors.rows["bike_adoption"],
        [study.streets.lines[e] for e in track.edges],
    )


def _simple(
    study: Study, site: int, mode: str, homes: Bool, lacking: Sequence[Float], factors: LeverFactors
) -> Remedy:
    """Return cycling (for those who can do so calmly), or car-pooling, to a site."""
    kind, name, action, item = {
        "bike": ("cycling", "bike", "Make cycling to {site} welcome", "cycling allowance"),
        "car": ("carpool", "carpool", "Organise car-pooling to {site}", "car-pooling service"),
    }[mode]
    return _taken_up(
        study,
        kind,
        action,
        {"site": study.sites[site].name},
        [Rescued(site, homes, factors[f"{name}_adoption"])],
        lacking,
        lambda users: (priced(factors, item, users, "users", f"{name}_worker_year"),),
        factors.rows[f"{name}_adoption"],
    )


def _drawn(
    access: Access,
    mode: StreetMode,
    white: Sequence[Bool],
    calm: Bool,
    lacking: Sequence[Float],
    factors: LeverFactors,
) -> Remedy | None:
    """Return the tracks that the territory draws (``sources.street_changes``), if any.

    They stand in the study's streets; what they bring is the difference from the streets
    without them.
    """
    study = access.study
    source = study.territory.sources.street_changes
    if source is None:
        return None
    sources = study.territory.sources.model_copy(update={"street_changes": None})
    bare = study.territory.model_copy(update={"sources": sources})
    layer = read_layer(study.territory.resolve(source))
    lines = layer.geometry[layer.geom_type.isin(["LineString", "MultiLineString"])]
    if "lit" in layer and "highway" in layer:
        lines = lines[~((layer["lit"] == "yes") & layer["highway"].isna())[lines.index]]
    elif "lit" in layer:
        lines = lines[~(layer["lit"] == "yes")[lines.index]]
    if lines.empty:
        return None
    before = calm_reach(study, read_streets(bare), mode)
    gained = [w & calm[site] & ~before[site] for site, w in enumerate(white)]
    local = lines.to_crs(study.streets.crs)
    metres = float(local.length.sum())
    return _taken_up(
        study, "cycle_track", "Build the {metres} m of tracks drawn in {file}",
        {"metres": round(metres / 10) * 10, "file": source.name},
        [Rescued(k, homes, factors["bike_adoption"])
         for k, homes in enumerate(gained) if homes.any()],
        lacking, lambda users: _track_bill(factors, metres, users),
        factors.rows["bike_adoption"], local.tolist(),
    )  # fmt: skip


def tracks_layer(study: Study, remedies: Sequence[Remedy], language: str) -> gpd.GeoDataFrame:
    """Return one line per cycle track recommended: ``action``, ``metres``, ``eur_year``."""
    mine = [r for r in remedies if r.kind == "cycle_track" and r.lines]
    frame = gpd.GeoDataFrame(
        {
            "action": [r.head(language) for r in mine],
            "metres": [int(str(r.params["metres"])) for r in mine],
            "eur_year": [round(r.eur_year) for r in mine],
        },
        geometry=[shapely.line_merge(shapely.union_all(list(r.lines))) for r in mine],
        crs=study.streets.crs,
    )
    return frame.to_crs("EPSG:4326")
