"""From a territory file to a study: read every source, then build what the engine needs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mobility.analysis.feeder_modes import Carried, Feeder, Ways, feeders
from mobility.analysis.night import safe_times
from mobility.analysis.on_demand import on_demand_services
from mobility.analysis.study import Progress, SourceRecord, Study, idle_rosters, quiet
from mobility.engine.journeys import TwoWay
from mobility.errors import Finding, SourceError, TerritoryError
from mobility.inputs.calendars import choose_days
from mobility.inputs.car_parks import read_car_parks, with_car_parks
from mobility.inputs.gtfs import Feed, merge_feeds, read_feed
from mobility.inputs.gtfs_empty import empty_feed
from mobility.inputs.gtfs_quality import check_feed
from mobility.inputs.homes import Homes, read_homes
from mobility.inputs.layers import read_layer
from mobility.inputs.plain_days import plain_days
from mobility.inputs.sites import read_sites
from mobility.network.changes import with_streets
from mobility.network.footpaths import WalkTable, home_walks, stop_walks, walk_snaps
from mobility.network.modes import edge_times, paths_missing_finding
from mobility.network.paths import PairTable, Times, street_times
from mobility.network.slopes import edge_grades
from mobility.network.snap import Snaps, far_finding, island_finding
from mobility.network.station import access_points, fold_points
from mobility.network.streets import Streets, streets_from_lines, streets_from_osm
from mobility.network.timetable import INF
from mobility.network.timetable_build import build_timetable
from mobility.territory import Site, Speeds, Territory

Int32 = NDArray[np.int32]
Float = NDArray[np.float64]

#: Walks are known this many times further than the limit, so that it can be relaxed.
RELAXED_WALK = 2.0
OSM_LICENCE, OSM_ATTRIBUTION = "ODbL 1.0", "© OpenStreetMap contributors"


def load(territory: Territory | str | Path, *, progress: Progress = quiet) -> Study:
    """Read and build everything a territory file names.

    Raises
    ------
    MobilityError
        A source is missing or wrong; the error names file, row, field, value and mend.
    """
    if not isinstance(territory, Territory):
        territory = Territory.from_toml(territory)
    territory, told = without_timetables(territory)
    progress("streets")
    streets = read_streets(territory)
    progress("timetables")
    feed = read_timetables(territory)
    progress("homes and sites")
    sites = read_sites(territory)
    homes = read_homes(
        territory.sources.homes,
        territory,
        land=streets.background.get("residential"),
        crs=streets.crs,
        bbox=streets.bounds_lonlat,
        sites=sites,
    )
    return build_study(territory, streets, feed, sites, homes, progress=progress, findings=told)


#: Modes that ride by a timetable.
TIMED_MODES = ("transit", "bike_transit", "park_and_ride")


def without_timetables(territory: Territory) -> tuple[Territory, tuple[Finding, ...]]:
    """Leave out the modes that need a timetable where none is given, and say so."""
    if territory.sources.gtfs:
        return territory, ()
    modes = territory.modes
    left = [m for m in modes.evaluated if m not in TIMED_MODES] or ["walk"]
    changed = modes.model_copy(update={"evaluated": left})
    finding = Finding(
        "warning",
        "no_timetable",
        "No timetable is given: nothing is said of public transport; only modes on streets "
        "are studied.",
        source="sources.gtfs",
    )
    return territory.model_copy(update={"modes": changed}), (finding,)


def build_study(
    territory: Territory,
    streets: Streets,
    feed: Feed,
    sites: tuple[Site, ...],
    homes: Homes,
    *,
    progress: Progress = quiet,
    scenario: str = "",
    findings: Sequence[Finding] = (),
) -> Study:
    """Build walks, timetables and street times from sources already read.

    Raises
    ------
    SourceError
        A gate, or every home, lies outside the streets.
    """
    limits, speeds = territory.limits, territory.speeds
    findings = list(findings)
    if feed.trips.empty and not territory.sources.gtfs:
        days = tuple(plain_days(territory.days))
    else:
        days = tuple(choose_days(feed, territory.days, territory.zone, findings=findings))
    progress("walks")
    walking = edge_times(streets, "walk", speeds)
    stops_lonlat = feed.stops[["lon", "lat"]].to_numpy(np.float64)
    homes_lonlat = lonlat_of(homes)
    gates_lonlat = np.array([gate for site in sites for gate in site.gates], np.float64)
    findings += list(_place_findings(streets, walking, feed, homes, sites, gates_lonlat))
    reach_s = RELAXED_WALK * limits.max_walk_min * 60
    home_table = walks_to_stops(streets, feed, homes_lonlat, reach_s, speeds, walking)
    gate_table = walks_to_stops(streets, feed, gates_lonlat, reach_s, speeds, walking)
    transfer_s = limits.max_transfer_walk_min * 60
    between = stop_walks(streets, stops_lonlat, transfer_s, speeds, times=walking)
    findings += unreachable_stops(feed, home_table, gate_table)
    progress("days")
    timetables = {
        day.kind: TwoWay(
            build_timetable(
                feed,
                day.date,
                territory.zone,
                between,
                min_change_s=limits.min_change_s,
                max_transfer_walk_s=round(transfer_s),
                walk_speed_ms=speeds.walk_kmh / 3.6,
                findings=findings if day is days[0] else None,
            )
        )
        for day in days
    }
    findings += feed.findings
    if not feed.trips.empty:
        findings += check_feed(feed, dates=[day.date for day in days])
    progress("streets to work")
    modes = dict.fromkeys(["walk", *territory.modes.evaluated])
    study = Study(
        territory=territory,
        homes=homes,
        sites=sites,
        streets=streets,
        feed=feed,
        days=days,
        timetables=timetables,
        home_walks=home_table,
        gate_walks=gate_table,
        feeders=feeders_of(territory, streets, feed, sites, homes_lonlat),
        on_demand=on_demand_services(territory, streets, feed, sites, homes, findings),
        street_times={
            mode: street_commutes(territory, streets, mode, sites, gates_lonlat, homes_lonlat)
            for mode in modes
            if mode in ("walk", "bike", "e_bike", "car")
        },
        findings=tuple(findings),
        sources=tuple(source_records(territory, feed)),
        scenario=scenario,
    )
    return replace(study, findings=study.findings + idle_rosters(study))


def read_streets(territory: Territory) -> Streets:
    """Read the streets of a territory: OpenStreetMap, or a line layer where there is none.

    Raises
    ------
    TerritoryError
        The territory names neither.
    """
    sources = territory.sources
    if sources.osm is not None:
        found = streets_from_osm(territory.resolve(sources.osm), crs=territory.crs)
        return _changed(territory, _parked(territory, found))
    if sources.lines is not None:
        found = streets_from_lines(territory.resolve(sources.lines), crs=territory.crs)
        return _changed(territory, _parked(territory, found))
    raise TerritoryError(
        "There are no streets.",
        file=territory.path,
        column="sources.osm",
        mend="Name an OpenStreetMap extract (osm) or a layer of lines (lines).",
    )


def _parked(territory: Territory, streets: Streets) -> Streets:
    """Add the territory's own car parks to those of the streets' file."""
    if territory.sources.car_parks is None:
        return streets
    own = read_car_parks(territory.resolve(territory.sources.car_parks))
    parks = with_car_parks(streets.background.get("car_parks"), own, streets.crs)
    return replace(streets, background={**streets.background, "car_parks": parks})


def _changed(territory: Territory, streets: Streets) -> Streets:
    """Draw the territory's changes: new tracks and paths, and roads that get lit.

    A feature with ``lit=yes`` and no ``highway`` lights what it covers; any other line is
    added, a path for walkers and cyclists unless its ``highway`` says otherwise.
    """
    if territory.sources.street_changes is None:
        return streets
    layer = read_layer(territory.resolve(territory.sources.street_changes))
    lights = np.zeros(len(layer), bool)
    if "lit" in layer:
        lights = (layer["lit"] == "yes").to_numpy(bool)
        if "highway" in layer:
            lights = lights & layer["highway"].isna().to_numpy()
    return with_streets(
        streets,
        added=layer[~lights] if (~lights).any() else None,
        lit=layer[lights] if lights.any() else None,
    )


def read_timetables(territory: Territory) -> Feed:
    """Read and merge the feeds of a territory, or return an empty one where it names none."""
    paths = [territory.resolve(p) for p in territory.sources.gtfs]
    return merge_feeds([read_feed(path) for path in paths]) if paths else empty_feed()


def lonlat_of(homes: Homes) -> Float:
    """Return longitude and latitude of every home, float64 (homes, 2)."""
    points = homes.frame.geometry
    return np.column_stack([points.x.to_numpy(), points.y.to_numpy()])


def _place_findings(
    streets: Streets,
    walking: tuple[NDArray[np.float32], NDArray[np.float32]],
    feed: Feed,
    homes: Homes,
    sites: tuple[Site, ...],
    gates_lonlat: Float,
) -> Iterator[Finding]:
    """Check that gates and homes stand on the streets; say which stops and homes do not."""
    gates = walk_snaps(streets, walking, gates_lonlat)
    names = [site.name for site in sites for _ in site.gates]
    west, south, east, north = streets.bounds_lonlat
    for index in np.flatnonzero(gates.edge < 0):
        raise SourceError(
            "The gate of site {name} is over 500 m from any street; the streets span longitudes "
            "{west:.3f} to {east:.3f} and latitudes {south:.3f} to {north:.3f}.",
            column="gates",
            value=f"{gates_lonlat[index, 0]:.5f}, {gates_lonlat[index, 1]:.5f}",
            mend="Correct the coordinates (longitude first), place the gate on a public street "
            "less than 500 m away, or take a larger extract.",
            name=names[index],
            west=west,
            south=south,
            east=east,
            north=north,
        )
    at_home = walk_snaps(streets, walking, lonlat_of(homes))
    if (at_home.edge < 0).all():
        raise SourceError(
            "Every home lies outside the streets, which span longitudes {west:.3f} to "
            "{east:.3f} and latitudes {south:.3f} to {north:.3f}.",
            mend="Check the coordinates and the CRS of the homes, or take a larger extract.",
            west=west,
            south=south,
            east=east,
            north=north,
        )
    stops = feed.stops[feed.stops["location_type"] == 0]
    at_stop = walk_snaps(streets, walking, stops[["lon", "lat"]].to_numpy(np.float64))
    home_names = homes.frame["home_id"].astype(str).tolist()
    for finding in (
        paths_missing_finding(streets),
        island_finding(streets, walking, "walk"),
        far_finding(at_stop, stops["stop_name"].astype(str).tolist(), what="stops"),
        far_finding(at_home, home_names, what="homes"),
    ):
        if finding is not None:
            yield finding


def walks_to_stops(
    streets: Streets,
    feed: Feed,
    lonlat: Float,
    limit_s: float,
    speeds: Speeds,
    walking: Times,
    *,
    snap_times: Times | None = None,
) -> WalkTable:
    """Return the walks between points and stops, through a station's entrances where given.

    Where a feed describes pathways, the slower of the ways in and out counts, and a way that
    is open in one direction only is not used: one table serves both directions.
    """
    if feed.pathways.empty:
        stops = feed.stops[["lon", "lat"]].to_numpy(np.float64)
        return home_walks(
            streets, lonlat, stops, limit_s, speeds, times=walking, snap_times=snap_times
        )
    points = access_points(feed, walk_speed_ms=speeds.walk_kmh / 3.6)
    slower_s = np.maximum(points.in_s, points.out_s)
    table = home_walks(
        streets, lonlat, points.lonlat, limit_s, speeds, times=walking, snap_times=snap_times
    )
    return fold_points(table, replace(points, in_s=slower_s), limit_s=round(limit_s))


def unreachable_stops(feed: Feed, *tables: WalkTable) -> list[Finding]:
    """Say how many stops nobody of the study can walk to."""
    reached = np.zeros(len(feed.stops), bool)
    for table in tables:
        reached[table.stop] = True
    alone = np.flatnonzero(~reached & (feed.stops["location_type"] == 0).to_numpy())
    if not alone.size:
        return []
    names = feed.stops["stop_name"].iloc[alone[:5]].astype(str)
    return [
        Finding(
            "info",
            "stops_without_homes",
            "{count} stops are within walking reach of no home and no gate.",
            count=int(alone.size),
            examples=tuple(names),
        )
    ]


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
        walk, bike, car = (
            edge_times(streets, mode, territory.speeds) for mode in ("walk", "bike", "car")
        )
        if not safe:
            return Ways(walk, bike, car)
        safe_walk, safe_bike = (safe_times(territory, streets, m) for m in ("walk", "bike"))
        return Ways(safe_walk, safe_bike, car, snap_walk=walk, snap_bike=bike)

    gates = tuple(np.array(site.gates, np.float64) for site in sites)
    return feeders(territory, streets, feed, homes_lonlat, gates, ways)


def street_commutes(
    territory: Territory,
    streets: Streets,
    mode: str,
    sites: Sequence[Site],
    gates_lonlat: Float,
    homes_lonlat: Float,
    *,
    times: Times | None = None,
) -> tuple[Int32, Int32]:
    """Return seconds to work and back home by a street mode, int32 (sites, homes) each.

    ``times`` stand for the mode's own seconds per street piece (e.g. safe at night); points
    stay attached where the mode attaches them.
    """
    grades = None
    if mode in ("bike", "e_bike") and territory.sources.elevation is not None:
        grades = edge_grades(streets, territory.resolve(territory.sources.elevation))
    usual = edge_times(streets, mode, territory.speeds, grades=grades)  # type: ignore[arg-type]
    times = usual if times is None else times
    gates = walk_snaps(streets, usual, gates_lonlat)
    homes = walk_snaps(streets, usual, homes_lonlat)
    return (
        _nearest(_pairs(territory, streets, times, gates, homes, to_work=True), sites, len(homes)),
        _nearest(_pairs(territory, streets, times, gates, homes, to_work=False), sites, len(homes)),
    )


def _pairs(
    territory: Territory,
    streets: Streets,
    times: tuple[NDArray[np.float32], NDArray[np.float32]],
    gates: Snaps,
    homes: Snaps,
    *,
    to_work: bool,
) -> PairTable:
    return street_times(
        streets,
        times,
        gates,
        homes,
        limit_s=territory.limits.max_total_min * 60,
        connector_speed_ms=territory.speeds.walk_kmh / 3.6,
        reverse=to_work,
    )


def _nearest(pairs: PairTable, sites: Sequence[Site], n_homes: int) -> Int32:
    best_s = np.full((len(sites), n_homes), INF, np.int32)
    gate = 0
    for index, site in enumerate(sites):
        rows = slice(pairs.ptr[gate], pairs.ptr[gate + len(site.gates)])
        np.minimum.at(best_s[index], pairs.target[rows], pairs.time_s[rows])
        gate += len(site.gates)
    return best_s


def publishers(feed: Feed, network: int) -> str:
    """Return who publishes a feed: its attribution, its publisher, else its agencies."""
    info = feed.feed_info[feed.feed_info["network"] == network]
    for column in ("attribution", "publisher"):
        names = [name for name in info[column] if name]
        if names:
            return ", ".join(dict.fromkeys(names))
    agencies = feed.agencies[feed.agencies["network"] == network]
    return ", ".join(dict.fromkeys(agencies["agency_name"].astype(str)))


def source_records(territory: Territory, feed: Feed) -> Iterator[SourceRecord]:
    """Yield what identifies each source file of a territory."""
    sources = territory.sources
    files: list[tuple[str, Path | None, str, str]] = [
        (
            "streets",
            sources.osm,
            _given(sources.streets_licence, OSM_LICENCE),
            _given(sources.streets_attribution, OSM_ATTRIBUTION),
        ),
        (
            "streets",
            sources.lines,
            sources.streets_licence or "",
            sources.streets_attribution or "",
        ),
        *(("timetable", path, "", publishers(feed, k)) for k, path in enumerate(sources.gtfs)),
        ("homes", sources.homes.file, "", ""),
        ("sites", sources.sites, "", ""),
        ("car_parks", sources.car_parks, "", ""),
        ("street_changes", sources.street_changes, "", ""),
        ("elevation", sources.elevation, "", ""),
        *(("on_demand", zone.file, "", "") for zone in territory.on_demand),
    ]
    if territory.path is not None:
        yield SourceRecord("territory", territory.path.name, _sha256(territory.path))
    for role, path, licence, attribution in files:
        if path is not None:
            found = territory.resolve(path)
            yield SourceRecord(role, found.name, _sha256(found), licence, attribution)


def _given(text: str | None, default: str) -> str:
    return default if text is None else text


def _sha256(path: Path) -> str:
    """Hash a file, or the files of a folder in the order of their names."""
    if path.is_dir():
        parts = [_sha256(p) for p in sorted(path.iterdir()) if p.is_file()]
        return hashlib.sha256("".join(parts).encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
