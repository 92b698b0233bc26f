"""What is walked, cycled and driven on the streets between homes, stops and gates.

Seconds per street piece are as a territory asks: speeds, slopes, safe ways.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Lock
from typing import TypedDict

import numpy as np

from mobility.base.arrays import Float, Int32, Int64
from mobility.base.cache import Bundle
from mobility.base.errors import Finding, Severity
from mobility.base.ledger import SourceLedger
from mobility.commute.feeder_modes import Carried, Feeder, Ways, feeders
from mobility.sources.gtfs.read import Feed
from mobility.streets.arcs import Times, times_bundle, times_key, times_of
from mobility.streets.graph import Streets
from mobility.streets.hour_times import reference, street_times_at
from mobility.streets.hours import seen_by
from mobility.streets.modes import edge_times
from mobility.streets.paths import street_times
from mobility.streets.slopes import MAX_GRADE, edge_grades, elevations, grades_between
from mobility.territory.project import Site, StreetMode, Territory
from mobility.timetable.arrays import INF, FootArrays
from mobility.timetable.footpaths import WalksBefore, WalkTable, home_walks, stop_walks, walk_snaps
from mobility.timetable.transfers import access_points, build_footpaths, fold_points, slower

#: Walks are known this many times further than the limit, so that it can be relaxed.
RELAXED_WALK = 2.0


_FEW_HEIGHTS = 0.02
"""Share of the ends of streets that may lie beyond a raster without a warning."""
_MANY_STEEP = 0.25
"""Share of the streets' length steeper than any is taken to be, beyond which the raster is no
map of heights in metres: an assumption."""


def heights_findings(
    territory: Territory, streets: Streets, ledger: list[SourceLedger]
) -> list[Finding]:
    """Say how much of the streets the elevation raster has no height for, and note it."""
    if territory.sources.elevation is None:
        return []
    path = territory.resolve(territory.sources.elevation)
    heights = elevations(streets, path)
    lost = int(np.isnan(heights).sum())
    left = {"no height there": lost}
    ledger.append(SourceLedger.balanced(path, streets.n_nodes - lost, left, "ends of streets"))
    found = _steep(streets, heights, path)
    if not lost:
        return found
    message = (
        "{count} of {total} ends of streets have no height in the elevation raster: they lie "
        "outside it, or where it holds none or one that cannot be; streets there are taken as flat."
    )
    severity: Severity = "warning" if lost > _FEW_HEIGHTS * streets.n_nodes else "info"
    params = {"total": streets.n_nodes}
    missing = Finding(severity, "heights_missing", message, path.name, lost, params=params)
    return [missing, *found]


def _steep(streets: Streets, heights: Float, path: Path) -> list[Finding]:
    """Say where heights would make walls of the streets: of another unit, or none at all."""
    steep = np.abs(grades_between(streets, heights)) > MAX_GRADE
    share = streets.length_m[steep].sum() / max(streets.length_m.sum(), 1e-9)
    if share <= _MANY_STEEP:
        return []
    message = (
        "{share} % of the length of the streets would be steeper than {most} %: does the raster "
        "hold heights in metres, or a picture of them?"
    )
    params = {"share": f"{100 * share:.0f}", "most": f"{MAX_GRADE:g}"}
    return [Finding("warning", "heights_steep", message, path.name, params=params)]


def mode_times(
    territory: Territory, streets: Streets, mode: StreetMode, *, safe: bool = False
) -> Times:
    """Return the seconds per street piece of a mode, both ways.

    Cycling slows down uphill where the territory has an elevation raster.

    Parameters
    ----------
    safe
        Leave out streets where walking or cycling in the dark is unsafe.

    Raises
    ------
    SourceNotFoundError, SourceError
        The raster is missing or cannot be used.
    """
    raster = territory.sources.elevation if mode in ("bike", "e_bike") else None
    raster = None if raster is None else territory.resolve(raster)
    streets = seen_by(streets, mode)
    speeds, assume_lit = territory.speeds, territory.night.assume_lit
    asked = (mode, safe, speeds.model_dump_json(), assume_lit, raster)
    known = streets.worked_out.seconds
    if asked not in known:
        grades = None if raster is None else _grades(streets.any_hour, raster)

        def anew() -> Times:
            return edge_times(
                streets, mode, speeds, safe_at_night=safe, assume_lit=assume_lit, grades=grades
            )

        def compute() -> Bundle:
            return times_bundle(anew())

        if streets.at is None:
            key = ["times", mode, speeds.model_dump_json(), safe, assume_lit, grades]
            known[asked] = times_of(streets.kept(key, compute))
        else:
            # What the hour changes is found in less time than what was found of it before.
            found, usual = anew(), streets.any_hour.worked_out.seconds.get(asked)
            # At many hours they are those of any hour, and held once.
            same = usual is not None and times_key(usual) == times_key(found)
            known[asked] = usual if same else found
    kept: Times = known[asked]
    return kept


def _grades(streets: Streets, raster: Path) -> Float:
    """Return the slope of each street piece, see `edge_grades`; the raster is read once."""
    known = streets.worked_out.grades
    if raster not in known:
        known[raster] = edge_grades(streets, raster)
    return known[raster]


def walks_to_stops(
    territory: Territory,
    streets: Streets,
    feed: Feed,
    lonlat: Float,
    *,
    safe: bool = False,
    relaxed: float = RELAXED_WALK,
    before: WalksBefore | None = None,
) -> WalkTable:
    """Return the walks between points and stops, through a station's entrances where given.

    They reach ``relaxed`` times further than the limit. Where a feed describes pathways, the
    slower of the ways in and out counts, and a platform that can only be entered, or only left,
    is not used: one table serves both directions.

    Parameters
    ----------
    safe
        Keep to streets safe at night; points stay attached where they are by day.
    before
        The same walks on much the same streets, see `walked_before`.
    """
    speeds, limit_s = territory.speeds, relaxed * territory.limits.max_walk_min * 60
    times, snap_times = _on_foot(territory, streets, safe=safe)
    if feed.pathways.empty:
        return home_walks(
            streets, lonlat, feed.lonlat(), limit_s, speeds,
            times=times, snap_times=snap_times, before=before,
        )  # fmt: skip
    points = access_points(feed, walk_speed_ms=speeds.walk_kmh / 3.6)
    table = home_walks(
        streets, lonlat, points.lonlat, limit_s, speeds, times=times, snap_times=snap_times
    )
    into, out = (
        fold_points(table, points, leaving=way, limit_s=round(limit_s)) for way in (False, True)
    )
    return slower(into, out, feed.n_stops)


def walks_to_places(
    territory: Territory,
    streets: Streets,
    lonlat: Float,
    places: Float,
    *,
    safe: bool = False,
    limit_s: float | None = None,
) -> WalkTable:
    """Return the walks between points and new places, as `walks_to_stops` does, kept nowhere."""
    times, snap_times = _on_foot(territory, streets, safe=safe)
    limit_s = RELAXED_WALK * territory.limits.max_walk_min * 60 if limit_s is None else limit_s
    return home_walks(
        streets, lonlat, places, limit_s, territory.speeds,
        times=times, snap_times=snap_times, cache=False,
    )  # fmt: skip


def walks_between_stops(
    territory: Territory,
    streets: Streets,
    feed: Feed,
    *,
    safe: bool = False,
    before: WalksBefore | None = None,
) -> WalkTable:
    """Return the walks between stops that may be part of a change, out of a station and into it."""
    speeds, (times, snap_times) = territory.speeds, _on_foot(territory, streets, safe=safe)
    limit_s = territory.limits.max_transfer_walk_min * 60
    if feed.pathways.empty:
        return stop_walks(
            streets,
            feed.lonlat(),
            limit_s,
            speeds,
            times=times,
            snap_times=snap_times,
            before=before,
        )
    points = access_points(feed, walk_speed_ms=speeds.walk_kmh / 3.6)
    table = home_walks(
        streets, points.lonlat, points.lonlat, limit_s, speeds, times=times, snap_times=snap_times
    )
    return fold_points(table, points, between=feed.n_stops, limit_s=round(limit_s))


def footpaths_of(territory: Territory, feed: Feed, between: WalkTable) -> FootArrays:
    """Return the footpaths of a feed's timetables, the same on every date, as a territory asks."""
    limits = territory.limits
    return build_footpaths(
        feed,
        between,
        min_change_s=limits.min_change_s,
        max_walk_s=round(limits.max_transfer_walk_min * 60),
        walk_speed_ms=territory.speeds.walk_kmh / 3.6,
    )


def walked_before(
    territory: Territory, streets: Streets, table: WalkTable, *, safe: bool = False
) -> WalksBefore:
    """Return walks found on streets as they are at another hour, or in another light."""
    return WalksBefore(table, *_on_foot(territory, streets, safe=safe))


def _on_foot(territory: Territory, streets: Streets, *, safe: bool) -> tuple[Times, Times | None]:
    """Return the seconds of walking, and those by which points are attached where they differ."""
    usual = mode_times(territory, streets, "walk")
    return (mode_times(territory, streets, "walk", safe=True), usual) if safe else (usual, None)


def feeders_of(
    territory: Territory,
    streets: Streets,
    feed: Feed,
    sites: Sequence[Site],
    homes_lonlat: Float,
    *,
    safe: bool = False,
) -> dict[str, Feeder | Carried]:
    """Return what the feeder modes need; with ``safe``, kept to streets safe at night."""

    def ways() -> Ways:
        walk, bike, car = (mode_times(territory, streets, mode) for mode in ("walk", "bike", "car"))
        if not safe:
            return Ways(walk, bike, car)
        safe_walk, safe_bike = (
            mode_times(territory, streets, mode, safe=True) for mode in ("walk", "bike")
        )
        return Ways(safe_walk, safe_bike, car, snap_walk=walk, snap_bike=bike)

    gates = tuple(np.array(site.gates, np.float64) for site in sites)
    return feeders(territory, streets, feed, homes_lonlat, gates, ways)


class Asked(TypedDict):
    """Up to how many seconds, at which speed to the street, and whether to the sources."""

    limit_s: float
    connector_speed_ms: float
    reverse: bool


class BothWays:
    """Seconds to work [0] and back home [1], int32 (sites, homes), found when first asked for.

    At most hours a shift either starts or ends, and only one of the two is asked for.

    Parameters
    ----------
    find
        Returns the seconds back home if given True, to work if not.
    """

    def __init__(self, find: Callable[[bool], Int32]) -> None:
        self._find = find
        self._found: dict[int, Int32] = {}
        self._lock = Lock()

    def __getitem__(self, way: int) -> Int32:
        """Return the seconds of one way."""
        if way not in (0, 1):
            raise IndexError(way)
        with self._lock:
            if way not in self._found:
                self._found[way] = self._find(bool(way))
            return self._found[way]

    def __iter__(self) -> Iterator[Int32]:
        """Yield both."""
        yield self[0]
        yield self[1]


def street_commutes(
    territory: Territory,
    streets: Streets,
    mode: StreetMode,
    sites: Sequence[Site],
    gates_lonlat: Float,
    homes_lonlat: Float,
    *,
    times: Times | None = None,
    any_hour: Times | None = None,
) -> BothWays:
    """Return seconds to work and back home by a street mode.

    ``times`` stand for the mode's own seconds per street piece (e.g. safe at night); points
    stay attached where the mode attaches them. At some hour, ``any_hour`` are what they are at
    any.
    """
    usual = mode_times(territory, streets, mode)
    times = usual if times is None else times
    key = [*times_key(usual), *times_key(times), gates_lonlat, homes_lonlat]
    key += [tuple(len(site.gates) for site in sites)]
    key += [territory.limits.max_total_min, territory.speeds.walk_kmh]

    def asked(returning: bool) -> Asked:
        return {
            "limit_s": territory.limits.max_total_min * 60,
            "connector_speed_ms": territory.speeds.walk_kmh / 3.6,
            "reverse": not returning,
        }

    def find(returning: bool) -> Int32:
        def compute() -> Bundle:
            gates = walk_snaps(streets, usual, gates_lonlat)
            homes = walk_snaps(streets, usual, homes_lonlat)
            known = any_hour and reference(streets, any_hour, times, gates, homes)
            if known is None:
                p = street_times(streets, times, gates, homes, in_order=False, **asked(returning))
            else:
                p = street_times_at(streets, known, times, gates, homes, **asked(returning))
            return {"seconds": nearest_gate(p.ptr, p.target, p.time_s, sites, len(homes))}

        if any_hour is not None and streets.at is not None:
            # From what is known of any hour it is found in less time than in the cache.
            return np.asarray(compute()["seconds"])
        found = streets.kept(["commute", returning, *key], compute)
        return np.asarray(found["seconds"])

    return BothWays(find)


def nearest_gate(
    ptr: Int64, reached: Int32, seconds: Int32, sites: Sequence[Site], n: int
) -> Int32:
    """Return the least seconds between any gate of each site and each of ``n`` places.

    ``ptr``, ``reached`` and ``seconds`` are a table of the gates of all sites, in their order.
    """
    least_s = np.full((len(sites), n), INF, np.int32)
    gate = 0
    for index, site in enumerate(sites):
        rows = slice(ptr[gate], ptr[gate + len(site.gates)])
        np.minimum.at(least_s[index], reached[rows], seconds[rows])
        gate += len(site.gates)
    return least_s
