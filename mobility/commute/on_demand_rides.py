"""The rides of on-demand services, measured on the streets: to gates, and to stops they meet."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from mobility.base.arrays import Bool, Float, Int32, Int64
from mobility.base.clock import DAY_S, format_clock
from mobility.base.errors import Finding, TerritoryError
from mobility.base.ledger import SourceLedger
from mobility.commute.feeder_modes import Feeder, drives, pairs_of
from mobility.commute.on_demand import OnDemandService
from mobility.sources.columns import nearest
from mobility.sources.gtfs.flex import FlexZone, read_flex
from mobility.sources.gtfs.read import Feed
from mobility.sources.homes.model import Homes
from mobility.sources.layers import read_layer, to_lonlat
from mobility.streets.arcs import Times, turned
from mobility.streets.graph import Streets
from mobility.streets.modes import edge_times
from mobility.territory.project import OnDemand, Site, Territory
from mobility.timetable.arrays import INF
from mobility.timetable.footpaths import WalkTable, home_walks


def on_demand_services(
    territory: Territory,
    streets: Streets,
    feed: Feed,
    sites: Sequence[Site],
    homes: Homes,
    findings: list[Finding],
    ledger: list[SourceLedger],
) -> tuple[OnDemandService, ...]:
    """Return the services of the territory file and of its feeds; say which feeds have some.

    Rides are computed only when the mode ``on_demand`` is evaluated.

    Raises
    ------
    TerritoryError
        A zone's hub is no stop, or no home carries the name of its commune.
    """
    booked = feed.trips.loc[feed.trips["on_demand"], "network"].unique()
    zones = [
        zone
        for network, path in enumerate(territory.sources.gtfs)
        if network in booked
        for zone in read_flex(territory.resolve(path), findings)
    ]
    if zones:
        findings.append(
            Finding(
                "info",
                "flex_zones",
                "The timetables hold {count} on-demand services (GTFS-Flex); the mode "
                "on_demand uses them."
                if "on_demand" in territory.modes.evaluated
                else "The timetables hold {count} on-demand services (GTFS-Flex), which are not "
                "used: write on_demand among modes.evaluated.",
                count=len(zones),
                examples=tuple(_service_words(z) for z in zones[:5]),
            )
        )
    late = [f"{z.name}: {z.opens}" for z in zones if z.opens]
    if late:
        findings.append(
            Finding(
                "warning",
                "flex_booking_late",
                "{count} on-demand services take bookings on the day of the ride only: rides "
                "before the first booking are left out, and who works has to book while at work",
                count=len(late),
                examples=tuple(late[:5]),
            )
        )
    missed = _missed(zones, territory, sites)
    if missed:
        findings.append(
            Finding(
                "warning",
                "flex_edges_missed",
                "{count} starts and ends of shifts lie in the hours of an on-demand service, "
                "before the first ride that can be booked: nobody rides then",
                count=len(missed),
                examples=tuple(missed[:5]),
            )
        )
    if "on_demand" not in territory.modes.evaluated:
        if territory.on_demand:
            names = tuple(zone.name for zone in territory.on_demand)
            message = (
                "The territory file describes {count} on-demand zones, which are not used: write "
                "on_demand among modes.evaluated"
            )
            findings.append(
                Finding("warning", "on_demand_unused", message, "on_demand", len(names), names[:5])
            )
        return ()
    builder = _Builder(territory, streets, feed, sites, homes, ledger)
    own = [builder.service(row, zone) for row, zone in enumerate(territory.on_demand)]
    if builder.idle:
        findings.append(
            Finding(
                "warning",
                "on_demand_idle",
                "{count} on-demand zones hold no home, or neither a gate nor a hub: nobody rides "
                "there; check their outlines, longitude first",
                source="on_demand",
                count=len(builder.idle),
                examples=tuple(builder.idle[:5]),
            )
        )
    fed = [builder.flex(zone) for zone in zones]
    nobodys = [
        service.name for service in fed if min(service.out_s.min(), service.back_s.min()) >= INF
    ]
    if nobodys:
        findings.append(
            Finding(
                "warning",
                "flex_idle",
                "{count} on-demand services of the timetables take nobody between a home and a "
                "gate: none of their places lies near both, or the rides are too long; check "
                "locations.geojson, longitude first",
                count=len(nobodys),
                examples=tuple(dict.fromkeys(nobodys))[:5],
            )
        )
    return (*own, *fed)


def _service_words(zone: FlexZone) -> str:
    """Return a service's name, how to book it and how long before, in the feed's words."""
    return " ".join(filter(None, [zone.name, zone.booking, zone.notice]))


def _missed(zones: list[FlexZone], territory: Territory, sites: Sequence[Site]) -> list[str]:
    """Return the shift edges within a service's hours and before its first bookable ride."""
    found = []
    for site, shift in ((s, shift) for s in sites for r in s.rosters for shift in r.shifts):
        before, after = territory.limits.margins_min(site)
        for edge_s, gate_s in (
            (shift.start, shift.start - before * 60),
            (shift.end, shift.end + after * 60),
        ):
            days = (gate_s % DAY_S, gate_s % DAY_S + DAY_S)
            found += [
                f"{site.name} {shift.name} {format_clock(edge_s)}: {zone.name}"
                for zone in zones
                if any(zone.window_s <= at_s < zone.start_s for at_s in days)
            ]
    return found


class _Builder:
    """Measures the rides of each service on the streets."""

    def __init__(
        self,
        territory: Territory,
        streets: Streets,
        feed: Feed,
        sites: Sequence[Site],
        homes: Homes,
        ledger: list[SourceLedger],
    ) -> None:
        self.ledger = ledger
        self.territory, self.streets, self.feed, self.homes = territory, streets, feed, homes
        points = homes.frame.geometry
        self.homes_lonlat = np.column_stack([points.x.to_numpy(), points.y.to_numpy()])
        self.gates_lonlat = np.array([g for s in sites for g in s.gates], np.float64)
        self.site_of_gate = np.repeat(np.arange(len(sites)), [len(s.gates) for s in sites])
        self.n_sites = len(sites)
        self.car = edge_times(streets, "car", territory.speeds)
        #: Names of zones of the territory file within which nobody can ride to work.
        self.idle: list[str] = []

    def service(self, row: int, zone: OnDemand) -> OnDemandService:
        """Return a zone of the territory file."""
        if zone.communes:
            at_home, at_gate = self._by_commune(row, zone)
        else:
            area = self._area(zone)
            at_home = shapely.contains_xy(area, self.homes_lonlat)
            at_gate = shapely.contains_xy(area, self.gates_lonlat)
        if not at_home.any() or not (at_gate.any() or zone.hubs):
            self.idle.append(zone.name)
        out_s, back_s = self._rides(zone, (at_home, at_home), (at_gate, at_gate))
        end_s = zone.end if zone.end > zone.start else zone.end + DAY_S
        return OnDemandService(
            zone.name, tuple(zone.days), frozenset(), zone.start, end_s,
            round(zone.wait_min * 60), out_s, back_s, self._hubs(row, zone, at_home),
            f"{zone.booking_min} min" if zone.booking_min else "",
        )  # fmt: skip

    def flex(self, zone: FlexZone) -> OnDemandService:
        """Return a zone of a feed; what it does not say is as in the territory file's zones."""
        usual = OnDemand(name=zone.name, communes=[zone.name])
        # A feed knows no longest ride: what a worker accepts in all bounds it.
        longest_s = self.territory.limits.max_total_min * 60
        pace = (zone.factor or usual.detour, zone.offset_s, longest_s)
        ways = [
            self._walked_rides(pace, times, home, gate)
            for times, home, gate in (
                (self.car, zone.pickup, zone.dropoff),
                (turned(self.car), zone.dropoff, zone.pickup),
            )
        ]
        return OnDemandService(
            zone.name, None, zone.dates, zone.start_s, zone.end_s, round(usual.wait_min * 60),
            ways[0][0], ways[1][0], None, zone.booking,
            (zone.drop_start_s, zone.drop_end_s), np.concatenate([ways[0][1:], ways[1][1:]]),
        )  # fmt: skip

    def _walked_rides(
        self,
        pace: tuple[float, float, float],
        times: Times,
        at_home: shapely.Geometry,
        at_gate: shapely.Geometry,
    ) -> Int32:
        """Return rides between homes and sites, from door to door or by way of stops.

        ``pace`` is what a ride takes of the drive, the seconds on top, and the longest ride.

        Returns
        -------
        int32[3, sites, H]
            The whole way, and the walks at home and at the gate that it holds; ``INF`` where
            there is none.
        """
        factor, offset_s, longest_s = pace
        limit_s = self.territory.limits.max_walk_min * 60
        homes, near_home = self._ends(self.homes_lonlat, at_home, limit_s)
        gates, near_gate = self._ends(self.gates_lonlat, at_gate, limit_s)
        found = np.full((3, self.n_sites, len(self.homes_lonlat)), INF, np.int32)
        if not len(homes) or not len(gates):
            return found
        table = drives(
            self.territory, self.streets, times, homes, gates, max(longest_s - offset_s, 0) / factor
        )
        rides = pd.DataFrame(
            {
                "home_point": table.rows,
                "gate_point": table.stop,
                "ride_s": np.ceil(table.walk_s * factor + offset_s - 1e-9),
            }
        )
        ways = rides.merge(near_home.add_prefix("home_")).merge(near_gate.add_prefix("gate_"))
        ways = ways[ways["home_walk_s"] + ways["gate_walk_s"] <= limit_s]
        ways["whole_s"] = ways["home_walk_s"] + ways["ride_s"] + ways["gate_walk_s"]
        ways["site"] = self.site_of_gate[ways["gate_place"].to_numpy(np.int64)]
        best = ways.sort_values("whole_s", kind="stable").drop_duplicates(["site", "home_place"])
        place = (best["site"].to_numpy(np.int64), best["home_place"].to_numpy(np.int64))
        for k, name in enumerate(("whole_s", "home_walk_s", "gate_walk_s")):
            found[k][place] = best[name].to_numpy(np.int32)
        return found

    def _ends(
        self, lonlat: Float, area: shapely.Geometry, limit_s: float
    ) -> tuple[Float, pd.DataFrame]:
        """Return where the vehicle may stop for some places, and who walks how far to it.

        The table has ``place``, ``point`` and ``walk_s``: places inside an area are their own
        point, others walk to the stops.
        """
        parts = shapely.get_parts(area)
        is_stop = shapely.get_type_id(parts) == shapely.GeometryType.POINT
        stops = shapely.get_coordinates(parts[is_stop])
        inside_area = shapely.contains_xy(shapely.union_all(parts[~is_stop]), lonlat)
        doors = np.flatnonzero(inside_area)
        near = pd.DataFrame({"place": doors, "point": np.arange(doors.size), "walk_s": 0})
        if len(stops):
            walks = home_walks(self.streets, lonlat, stops, limit_s, self.territory.speeds)
            place = walks.rows
            on_foot = pd.DataFrame(
                {"place": place, "point": walks.stop + doors.size, "walk_s": walks.walk_s}
            )
            near = pd.concat([near, on_foot], ignore_index=True)
        return np.concatenate([lonlat[doors], stops]), near

    def _area(self, zone: OnDemand) -> shapely.Geometry:
        if zone.file is None:
            return shapely.make_valid(shapely.Polygon(zone.polygon))
        path = self.territory.resolve(zone.file)
        layer: gpd.GeoDataFrame = to_lonlat(read_layer(path, layer=zone.layer, key="layer"), path)
        flat = shapely.get_dimensions(layer.geometry.to_numpy()) == 2
        left = {"no polygon": int((~flat).sum())}
        self.ledger.append(SourceLedger.balanced(path, flat.sum(), left))
        return shapely.union_all(layer.geometry.to_numpy()[flat])

    def _by_commune(self, row: int, zone: OnDemand) -> tuple[Bool, Bool]:
        named = self.homes.frame["commune"].fillna("").astype(str)
        unknown = [c for c in zone.communes if c not in set(named)]
        if unknown:
            near = nearest(unknown[0], sorted(set(named)))
            raise TerritoryError(
                "No home is in this commune.",
                file=self.territory.path,
                entry=("zone", row + 1),
                column="on_demand.communes",
                value=unknown[0],
                mend="Write the name as the homes carry it; the nearest is {near}."
                if near
                else "Write the name as the homes carry it.",
                near=near,
            )
        at_home = named.isin(zone.communes).to_numpy(bool)
        xy = self.streets.project(*self.homes_lonlat.T)
        gates = self.streets.project(*self.gates_lonlat.T)
        tree = shapely.STRtree(shapely.points(xy))
        return at_home, at_home[tree.nearest(shapely.points(gates))]

    def _rides(
        self, zone: OnDemand, at_home: tuple[Bool, Bool], at_gate: tuple[Bool, Bool]
    ) -> tuple[Int32, Int32]:
        found = []
        for k, times in enumerate((self.car, turned(self.car))):
            best_s = np.full((self.n_sites, len(self.homes_lonlat)), INF, np.int32)
            gates, rows = np.flatnonzero(at_gate[k]), np.flatnonzero(at_home[k])
            if gates.size and rows.size:
                table = self._driven(zone, times, rows, self.gates_lonlat[gates])
                home = rows[table.rows]
                np.minimum.at(best_s, (self.site_of_gate[gates][table.stop], home), table.walk_s)
            found.append(best_s)
        return found[0], found[1]

    def _driven(self, zone: OnDemand, times: Times, rows: Int64, places: Float) -> WalkTable:
        """Return the rides between some homes and places, detour included."""
        limit_s = zone.max_ride_min * 60
        table = drives(
            self.territory,
            self.streets,
            times,
            self.homes_lonlat[rows],
            places,
            limit_s / zone.detour,
        )
        ride_s = np.ceil(table.walk_s * zone.detour - 1e-9).astype(np.int32)
        return WalkTable(table.ptr, table.stop, ride_s)

    def _hubs(self, row: int, zone: OnDemand, at_home: Bool) -> Feeder | None:
        rows = np.flatnonzero(at_home)
        if not zone.hubs or self.feed.stops.empty:
            return None
        lonlat = self.feed.lonlat()
        stops = np.concatenate([self._stops(row, name) for name in zone.hubs])
        if not rows.size:
            return None
        walk_s = self.territory.feeders.park_walk_min * 60
        walks = home_walks(self.streets, lonlat[stops], lonlat, walk_s, self.territory.speeds)
        there, back = (
            self._driven(zone, times, rows, lonlat[stops]) for times in (self.car, turned(self.car))
        )
        return _hub_feeder(there, back, rows, at_home.size, round(zone.wait_min * 60), walks)

    def _stops(self, row: int, name: str) -> Int64:
        stops = self.feed.stops
        ids, names = stops["stop_id"].astype(str), stops["stop_name"].astype(str)
        found = np.flatnonzero((ids == name) | (names == name))
        found = found[np.isfinite(self.feed.lonlat()[found]).all(axis=1)]
        if not found.size:
            near = nearest(name, sorted(set(names)))
            raise TerritoryError(
                "There is no such stop.",
                file=self.territory.path,
                entry=("zone", row + 1),
                column="on_demand.hubs",
                value=name,
                mend="Write a stop_id or a stop's name; the nearest is {near}."
                if near
                else "Write a stop_id or a stop's name.",
                near=near,
            )
        return found


def _hub_feeder(
    there: WalkTable, home: WalkTable, rows: Int64, n_homes: int, wait_s: int, walks: WalkTable
) -> Feeder:
    """Return the rides of some homes as a feeder over all homes."""
    n = walks.n_rows
    out, back = (
        (rows[t.rows] * n + t.stop, (t.walk_s + wait_s).astype(np.int32)) for t in (there, home)
    )
    return pairs_of(out, back, n_homes, (walks, walks))
