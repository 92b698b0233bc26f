"""Whether gates, homes and stops stand where the streets are, and how these were read."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

import numpy as np

from mobility.base.errors import Finding, SourceError
from mobility.base.projection import WGS84, transformer
from mobility.sources.gtfs.read import Feed
from mobility.sources.homes.model import Homes
from mobility.sources.homes.zones import Changes, read_changes
from mobility.sources.osm.ways import OTHER_WAYS
from mobility.sources.versement import rate_of, read_rates
from mobility.streets.arcs import Times
from mobility.streets.graph import Streets
from mobility.streets.hours import hours_findings
from mobility.streets.modes import access_finding, paths_missing_finding
from mobility.streets.snap import far_finding, island_finding
from mobility.streets.turns import rules_findings
from mobility.territory.project import Site, Territory
from mobility.timetable.arrays import INF
from mobility.timetable.footpaths import WalkTable, snaps_of_some, walk_snaps
from mobility.timetable.transfers import access_points

INSEE_CODE = re.compile(r"\d[0-9AB]\d{3}")
NEAR_M = 1000.0
# Extracts lack some nodes at their edge; beyond this share of the streets it is no edge: an
# assumption.
_USUAL_SHARE = 0.02


def reading_findings(streets: Streets) -> list[Finding]:
    """Return what of the file was left out, counted once, or not known for certain."""
    ledger = streets.ledger
    lost, twice = (
        ledger.left_out.get(OTHER_WAYS[k], 0) for k in ("without_nodes", "written_twice")
    )
    cut, missing, partly, untold = (
        ledger.remarks.get(k, 0)
        for k in ("cut", "nodes_missing", "partly_closed", "contraflow_untold")
    )
    found = []
    if cut or (lost and missing):
        total = ledger.used + lost
        found.append(
            Finding(
                "warning" if cut + lost > _USUAL_SHARE * total else "info",
                "street_nodes_missing",
                "{count} of {total} street ways have nodes that the file does not hold ({nodes} "
                "nodes), as at the edge of an extract: {cut} are kept where their nodes are, "
                "{lost} are left out.",
                count=cut + lost,
                params={"total": total, "nodes": missing, "cut": cut, "lost": lost},
            )
        )
    if twice:
        found.append(
            Finding(
                "info",
                "streets_written_twice",
                "{count} street ways stand in the file once more: each counts once.",
                count=twice,
            )
        )
    if partly:
        found.append(
            Finding(
                "warning",
                "streets_partly_closed",
                "{count} streets are several ways in one, of which some are closed; which part is "
                "not known, so they are taken as open. The .osm.pbf file tells.",
                count=partly,
            )
        )
    if untold:
        found.append(
            Finding(
                "info",
                "contraflow_untold",
                "{count} one-way streets are one-way for cyclists too: the graph has no "
                "oneway:bicycle. OSMnx keeps it where its useful_tags_way names it; the .osm.pbf "
                "file tells.",
                count=untold,
            )
        )
    return found


def place_findings(streets: Streets, walking: Times, feed: Feed) -> Iterator[Finding]:
    """Say how the streets were read, and which stops do not stand on them."""
    stops = feed.stops[feed.stops["location_type"] == 0]
    at_stop = walk_snaps(streets, walking, stops[["lon", "lat"]].to_numpy(np.float64))
    yield from reading_findings(streets)
    yield from rules_findings(streets)
    yield from hours_findings(streets)
    for finding in (
        paths_missing_finding(streets),
        access_finding(streets),
        island_finding(streets, walking),
        far_finding(at_stop, stops["stop_name"].astype(str).tolist()),
    ):
        if finding is not None:
            yield finding


def check_gates(
    streets: Streets, walking: Times, sites: tuple[Site, ...], territory: Territory
) -> None:
    """Check that gates stand on the streets.

    Raises
    ------
    SourceError
        One does not.
    """
    gates_lonlat = np.array([gate for site in sites for gate in site.gates], np.float64)
    gates = walk_snaps(streets, walking, gates_lonlat)
    names = [site.name for site in sites for _ in site.gates]
    west, south, east, north = streets.bounds_lonlat
    for index in np.flatnonzero(gates.edge < 0):
        # Sites of the territory file come before those of its table.
        own = index < sum(len(site.gates) for site in territory.sites)
        table = territory.sources.sites
        raise SourceError(
            "The gate of site {name} is over 500 m from any street; the streets span longitudes "
            "{west:.3f} to {east:.3f} and latitudes {south:.3f} to {north:.3f}.",
            file=territory.path if own or table is None else territory.resolve(table),
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


def homes_on_streets(
    territory: Territory, streets: Streets, walking: Times, homes: Homes
) -> tuple[Homes, tuple[Finding, ...]]:
    """Return the homes that stand on the streets; say who is left out.

    A home at 0,0 or beyond the extract says nothing about who can get to work: it is no white
    home and no part of a labour pool.

    Raises
    ------
    SourceError
        None does.
    """
    near = walk_snaps(streets, walking, homes.lonlat).edge >= 0
    if near.all():
        return homes, ()
    if not near.any():
        raise _homes_outside(territory, homes, streets)
    snaps_of_some(streets, homes.lonlat, near)
    far = homes.frame[~near]
    workers = far["workers"].sum()
    params = {"total": len(homes), "workers": f"{workers:.0f}", "max_m": 500}
    if homes.personal:
        # Where one of a few employees lives is told to nobody; a public place stands for many.
        message = (
            "{count} persons, a protected count, live over {max_m} m from any street one may use "
            "and are left out: check their coordinates, or take a larger extract."
        )
        count, shown = max(1, round(workers)), ()
    else:
        message = (
            "{count} of {total} homes ({workers} workers) lie over {max_m} m from any street one "
            "may use and are left out: check their coordinates, or take a larger extract."
        )
        count, shown = len(far), tuple(far["home_id"].astype(str)[:5])
    told = Finding(
        "warning", "homes_far_from_streets", message, count=count, examples=shown, params=params
    )
    return homes.leaving(near, "over 500 m from any street"), (told,)


def _homes_outside(territory: Territory, homes: Homes, streets: Streets) -> SourceError:
    """Return the error about homes none of which stands on the streets, with its likely cause."""
    source = territory.sources.homes
    west, south, east, north = streets.bounds_lonlat
    lon, lat = homes.lonlat[0]
    mend = "Name the homes of this territory, or take a larger extract of the streets."
    if west <= lon <= east and south <= lat <= north:
        return SourceError(
            "No home is within {max_m} m of a street that one may walk, though the first one "
            "stands within the streets' bounds.",
            file=territory.resolve(source.file),
            column="sources.homes",
            value=f"{lon:.5f}, {lat:.5f}",
            mend="Check that the extract holds streets open to walkers, not only motorways or "
            "private ways, and reaches all around the homes.",
            max_m=500,
        )
    if west <= lat <= east and south <= lon <= north:
        mend = "Longitude and latitude look exchanged: exchange the two columns."
    elif source.crs is not None:
        x, y = transformer(WGS84, source.crs).transform(lon, lat)
        mend = "The coordinates were read as {crs}: correct crs in [sources.homes]."
        if west <= x <= east and south <= y <= north:
            mend = "The coordinates are degrees, not {crs}: remove crs from [sources.homes]."
    return SourceError(
        "Every home lies outside the streets, which span longitudes {west:.3f} to "
        "{east:.3f} and latitudes {south:.3f} to {north:.3f}; the value is where the first "
        "one stands.",
        file=territory.resolve(source.file),
        column="sources.homes",
        value=f"{lon:.5f}, {lat:.5f}",
        mend=mend,
        west=west,
        south=south,
        east=east,
        north=north,
        crs=source.crs,
    )


def misplaced_sites(sites: tuple[Site, ...], homes: Homes) -> list[Finding]:
    """Say which sites name a commune of which no home near any of their gates is.

    The commune decides the versement mobilité. Homes within `NEAR_M` tell where a gate lies, by
    the code of their commune, several for a cell on a border.
    """
    changes = read_changes(None)
    codes = [
        {changes.of(code) for code in INSEE_CODE.findall(text)} if len(text) % 5 == 0 else set()
        for text in _commune_codes(homes)
    ]
    wrong = []
    for site in sites:
        if not INSEE_CODE.fullmatch(site.commune):
            continue
        near: set[str] = set()
        for lon, lat in site.gates:
            east, north = (homes.lonlat - (lon, lat)).T * 111_200
            close = np.hypot(east * np.cos(np.radians(lat)), north) <= NEAR_M
            near = near.union(*(codes[k] for k in np.flatnonzero(close)))
        if near and changes.of(site.commune) not in near:
            wrong.append(f"{site.name}: {site.commune} ≠ {', '.join(sorted(near))}")
    if not wrong:
        return []
    message = (
        "{count} sites name a commune in which none of the homes near their gates is: correct "
        "commune, or the gates; the versement mobilité follows from it."
    )
    return [
        Finding("warning", "site_commune_elsewhere", message, "sites", len(wrong), tuple(wrong[:5]))
    ]


def _commune_codes(homes: Homes) -> list[str]:
    """Return the INSEE code of each home: its commune, or the zone in its identifier."""
    pairs = zip(homes.frame["commune"].astype(str), homes.frame["home_id"].astype(str), strict=True)
    return [c if INSEE_CODE.match(c) else h.partition("_")[0] for c, h in pairs]


def one_way_platforms(feed: Feed) -> list[Finding]:
    """Say which platforms the pathways of their station let riders enter only, or leave only."""
    if feed.pathways.empty:
        return []
    points = access_points(feed)
    ways = [
        np.isin(np.arange(feed.n_stops), points.stop[s < INF]) for s in (points.in_s, points.out_s)
    ]
    alone = np.flatnonzero((ways[0] ^ ways[1]) & (feed.stops["copy_of"] < 0).to_numpy())
    if not alone.size:
        return []
    return [
        Finding(
            "warning",
            "platforms_one_way",
            "{count} platforms can only be entered, or only be left, by the pathways of their "
            "station: nobody rides from there or to there. Complete pathways.txt, or remove it.",
            source="pathways.txt",
            count=int(alone.size),
            examples=tuple(feed.stops["stop_name"].iloc[alone[:5]].astype(str)),
        )
    ]


def unreachable_stops(feed: Feed, *tables: WalkTable) -> list[Finding]:
    """Say how many stops nobody of the study can walk to."""
    reached = np.zeros(len(feed.stops), bool)
    for table in tables:
        reached[table.stop] = True
    own = (feed.stops["location_type"] == 0) & (feed.stops["copy_of"] < 0)
    alone = np.flatnonzero(~reached & own.to_numpy())
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


def site_commune(site: Site, homes: Homes) -> str:
    """Return the commune of a site, its own or that of the nearest home."""
    if site.commune:
        return site.commune
    frame, gate = homes.frame, site.gates[0]
    east = np.cos(np.radians(gate[1]))
    away = np.hypot((frame.geometry.x - gate[0]) * east, frame.geometry.y - gate[1])
    return str(frame["commune"].fillna("").iloc[int(np.argmin(away.to_numpy()))])


def changes_of(territory: Territory) -> Changes:
    """Return the changes of communes that a territory knows."""
    path = territory.sources.homes.changes
    return read_changes(None if path is None else territory.resolve(path))


def rates_missing(
    territory: Territory, sites: tuple[Site, ...], homes: Homes, on: dt.date
) -> Iterator[Finding]:
    """Say which sites' communes the table of versement mobilité does not hold."""
    source = territory.sources.versement_mobilite
    if source is None:
        return
    rates, changes = read_rates(territory.resolve(source), on), changes_of(territory)
    lost = [
        f"{site.name} ({commune})"
        for site in sites
        if (INSEE_CODE.fullmatch(commune := site_commune(site, homes)) or site.commune)
        and rate_of(rates, commune, changes) is None
    ]
    if lost:
        yield Finding(
            "warning",
            "vm_commune_unknown",
            "The communes of {count} sites are not in the table of versement mobilité, under any "
            "of their codes: no versement is counted there. Check the code, or name a table that "
            "holds them",
            source="sources.versement_mobilite",
            count=len(lost),
            examples=tuple(lost[:5]),
        )
