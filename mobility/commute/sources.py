"""The sources a territory file names: read, and recorded with their hashes and licences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from mobility.base.cache import file_hash
from mobility.base.errors import Finding, MobilityError, TerritoryError
from mobility.base.ledger import SourceLedger
from mobility.commute.modes import evaluated
from mobility.commute.study import SourceRecord
from mobility.sources.gtfs.overlap import without_overlaps
from mobility.sources.gtfs.read import Feed, empty_feed, merge_feeds, read_feed
from mobility.sources.homes.model import Homes
from mobility.sources.homes.spread import dwellings
from mobility.sources.layers import need_file, read_layer
from mobility.sources.osm.background import read_car_parks, with_car_parks
from mobility.streets.changes import with_streets
from mobility.streets.graph import Streets, streets_from_lines, streets_from_osm
from mobility.territory.project import Territory

OSM_LICENCE, OSM_ATTRIBUTION = "ODbL 1.0", "© OpenStreetMap contributors"


def read_streets(territory: Territory, ledger: list[SourceLedger] | None = None) -> Streets:
    """Read the streets of a territory: OpenStreetMap, or a line layer where there is none.

    Parameters
    ----------
    ledger
        Gets the accounts of the files read.

    Raises
    ------
    TerritoryError
        The territory names neither.
    """
    sources = territory.sources
    path = sources.osm or sources.lines
    if path is None:
        raise TerritoryError(
            "There are no streets.",
            file=territory.path,
            column="sources.osm",
            mend="Name an OpenStreetMap extract (osm) or a layer of lines (lines).",
        )
    file = territory.resolve(path)
    try:
        if sources.osm is not None:
            found = streets_from_osm(file, crs=territory.crs)
        else:
            found = streets_from_lines(file, layer=sources.lines_layer, crs=territory.crs)
    except MobilityError as error:  # of the territory's crs, which the reader takes as a word
        error.file = error.file or (None if territory.path is None else str(territory.path))
        raise
    accounts = [] if ledger is None else ledger
    # What is kept by content knows no name of a file.
    accounts.append(replace(found.ledger, source=str(path)))
    return with_changes(territory, found, accounts)


def read_buildings(territory: Territory) -> gpd.GeoDataFrame | None:
    """Return the buildings people may live in, of the OpenStreetMap extract; None without one."""
    osm = territory.sources.osm
    if osm is None:
        return None
    streets = streets_from_osm(territory.resolve(osm), crs=territory.crs, buildings=True)
    found = streets.background.get("buildings")
    return None if found is None else dwellings(found)


def street_points(streets: Streets, step_m: float = 50.0) -> gpd.GeoDataFrame:
    """Return points along the streets, at most ``step_m`` apart, one in each square of it."""
    line = np.repeat(np.arange(len(streets.geom_ptr) - 1), np.diff(streets.geom_ptr))
    lines = shapely.linestrings(streets.geom_xy, indices=line)
    # Two nodes of one place make a line without length, which GEOS does not part.
    xy = shapely.get_coordinates(shapely.segmentize(lines[shapely.length(lines) > 0], step_m))
    x, y = np.floor(xy / step_m).astype(np.int64).T
    # One number a square, in the order of its two: much quicker to sort.
    _, first = np.unique(x * (np.ptp(y) + 1) + y - y.min(), return_index=True)
    return gpd.GeoDataFrame(geometry=gpd.points_from_xy(*xy[first].T), crs=streets.crs)


def with_changes(territory: Territory, streets: Streets, ledger: list[SourceLedger]) -> Streets:
    """Return streets with the car parks and the changes the territory names."""
    return _changed(territory, _parked(territory, streets, ledger), ledger)


def _parked(territory: Territory, streets: Streets, ledger: list[SourceLedger]) -> Streets:
    """Add the territory's own car parks to those of the streets' file."""
    if territory.sources.car_parks is None:
        return streets
    own = read_car_parks(territory.resolve(territory.sources.car_parks), ledger=ledger)
    parks = with_car_parks(streets.background.get("car_parks"), own, streets.crs)
    return replace(streets, background={**streets.background, "car_parks": parks})


def _changed(territory: Territory, streets: Streets, ledger: list[SourceLedger]) -> Streets:
    """Draw the territory's changes: new tracks and paths, and roads that get lit.

    A feature with ``lit=yes`` and no ``highway`` lights what it covers; any other line is
    added, a path for walkers and cyclists unless its ``highway`` says otherwise.
    """
    if territory.sources.street_changes is None:
        return streets
    layer = read_layer(territory.resolve(territory.sources.street_changes))
    ledger.append(SourceLedger.balanced(territory.sources.street_changes, len(layer), {}))
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
    if not paths:
        return empty_feed()
    feed = merge_feeds([read_feed(path) for path in paths])
    return without_overlaps(feed, drop=territory.sources.duplicates == "drop")


def without_timetables(territory: Territory) -> tuple[Territory, tuple[Finding, ...]]:
    """Leave out the modes that need a timetable where none is given, and say so."""
    if territory.sources.gtfs or territory.changes.feeds:
        return territory, ()
    left = evaluated(territory, "street", "booked") or ["walk"]
    changed = territory.modes.model_copy(update={"evaluated": left})
    finding = Finding(
        "warning",
        "no_timetable",
        "No timetable is given: nothing is said of public transport; only modes on streets "
        "are studied.",
        source="sources.gtfs",
    )
    return territory.model_copy(update={"modes": changed}), (finding,)


def _publishers(feed: Feed, network: int) -> str:
    """Return who publishes a feed: its attribution, its publisher, else its agencies."""
    info = feed.feed_info[feed.feed_info["network"] == network]
    for column in ("attribution", "publisher"):
        names = [name for name in info[column] if name]
        if names:
            return ", ".join(dict.fromkeys(names))
    agencies = feed.agencies[feed.agencies["network"] == network]
    return ", ".join(dict.fromkeys(agencies["agency_name"].astype(str)))


def _named(territory: Territory) -> list[tuple[str, Path]]:
    zones = [("on_demand", zone.file) for zone in territory.on_demand if zone.file is not None]
    feeds = [("timetable", feed.file) for feed in territory.changes.feeds]
    return [*territory.sources.named(), *zones, *feeds]


def source_records(territory: Territory, feed: Feed, homes: Homes) -> Iterator[SourceRecord]:
    """Yield what identifies each source file of a territory.

    Of persons, it is the hash of their protected counts: that of the file would tell whether a
    guess of its rows is right.

    Raises
    ------
    SourceNotFoundError
        A file is not there.
    """
    for path in (territory.path, territory.base):
        if path is not None:
            yield SourceRecord("territory", path.name, file_hash(path))
    network = 0
    for role, path in _named(territory):
        publisher = ""
        if role == "timetable":
            publisher, network = _publishers(feed, network), network + 1
        found = territory.resolve(path)
        if not found.exists():  # what the study does not need, or a scenario adds, is not read yet
            need_file(found)
        persons = homes.personal and path == territory.sources.homes.file
        hashed = homes.hash() if persons else file_hash(found)
        yield SourceRecord(role, found.name, hashed, *_credited(territory, role, path, publisher))


def _credited(territory: Territory, role: str, path: Path, publisher: str) -> tuple[str, str]:
    """Return the licence and attribution of a source, else those that go with its kind."""
    sources, credit = territory.sources, territory.sources.credit(path)
    licence, attribution = "", publisher
    if role == "streets":
        usual = (OSM_LICENCE, OSM_ATTRIBUTION) if path == sources.osm else ("", "")
        licence = usual[0] if sources.streets_licence is None else sources.streets_licence
        given = sources.streets_attribution
        attribution = usual[1] if given is None else given
    return credit.licence or licence, credit.attribution or attribution
