"""The peer: cafein, asked the same questions.

Everything that imports it lives here; it is an optional dependency of the benchmarks alone.
"""

from __future__ import annotations

import datetime as dt
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.datasets import MARGIN_S, TRANSFER_S, WALK_S, Dataset, Network
from mobility.timetable.arrays import INF
from mobility.timetable.footpaths import WalkTable

MAX_RIDES = 4
SNAP_M = 500.0
WALK_KMH = 4.5
NONE = 2**32 - 1


@dataclass(frozen=True)
class Peer:
    """cafein's network of a territory, with its own streets or with our tables."""

    network: Any
    dataset: Dataset
    stop_ids: list[str]

    @classmethod
    def own_streets(cls, dataset: Dataset) -> Peer:
        """Build it from the feed and the OpenStreetMap extract, as its users do."""
        return cls._build(
            dataset,
            osm_pbf=str(dataset.osm_path),
            walking_speed_kmph=WALK_KMH,
            max_walking_time=TRANSFER_S / 60,
            snap_distance=SNAP_M,
            street_modes=(),
        )

    @classmethod
    def our_tables(cls, network: Network) -> Peer:
        """Build it from the feed alone, then give it our footpaths."""
        peer = cls._build(network.dataset)
        tt = network.two_way.timetable
        source = np.repeat(np.arange(tt.n_stops), np.diff(tt.foot_ptr))
        known = peer.known()
        rows = [
            (peer.stop_ids[a], peer.stop_ids[b], int(s), float(s))
            for a, b, s in zip(source, tt.foot_stop, tt.foot_need_s, strict=True)
            if a != b and peer.stop_ids[a] in known and peer.stop_ids[b] in known
        ]
        peer.network.set_transfers(rows)
        return peer

    @classmethod
    def _build(cls, dataset: Dataset, **options: Any) -> Peer:
        from cafein import TransportNetwork

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = TransportNetwork.from_gtfs(
                str(dataset.gtfs_path), trip_distances=False, **options
            )
        return cls(made, dataset, dataset.feed.stops["stop_id"].astype(str).tolist())

    def known(self) -> set[str]:
        """Ids of the stops it keeps (those that some trip calls at)."""
        return {stop[0] for stop in self.network.stops}

    def travel_times(self, homes: np.ndarray, sites: np.ndarray, hours: tuple[int, ...]) -> Any:
        """Its public answer: a long frame of seconds, for several deadlines at once."""
        from cafein import TravelTimeMatrix

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return TravelTimeMatrix(
                self.network,
                as_points(homes, "h"),
                as_points(sites, "s"),
                arrival=[str(moment(self.dataset, h)) for h in hours],
                max_rides=MAX_RIDES,
                walking_speed_kmph=WALK_KMH,
                max_walking_time=WALK_S / 60,
                snap_distance=SNAP_M,
                output_time_units="seconds",
            )

    def departures(self, access: WalkTable, egress_s: np.ndarray, hour: int) -> np.ndarray:
        """Latest departures (axis seconds) for given walks, int64 (homes, sites), ``INF`` if none.

        The same reverse search as behind `travel_times`, with the walks handed over instead
        of searched on its own streets. Walking to a stop and on to the gate without any
        ride is part of its answer; so it is of ours in the comparison.
        """
        rows = self.prepared(access, egress_s)
        left = np.array(self.search(*rows, hour)["departure"], np.int64)
        left = left.reshape(access.n_rows, len(egress_s))
        return np.where(left == NONE, INF, left)

    def prepared(self, access: WalkTable, egress_s: np.ndarray) -> tuple[Any, Any]:
        """Return given walks as its search takes them."""
        known = self.known()
        return self.rows(access, known), [self.row(row, known) for row in egress_s]

    def search(self, access: Any, egress: Any, hour: int) -> dict[str, Any]:
        """Run its search alone, on prepared walks."""
        deadline = moment(self.dataset, hour)
        return dict(
            self.network._core._arrive_by_time_matrix_with_access(
                access, egress, str(deadline.date()), deadline.strftime("%H:%M:%S"), MAX_RIDES - 1
            )
        )

    def journeys(
        self, access: WalkTable, egress_s: np.ndarray, home: int, site: int, hour: int
    ) -> list[dict[str, Any]]:
        """Its journeys for one pair, latest departure first, with their legs."""
        known, deadline = self.known(), moment(self.dataset, hour)
        found = self.network._core._reverse_route_with_access(
            self.rows(access, known)[home],
            self.row(egress_s[site], known),
            str(deadline.date()),
            deadline.strftime("%H:%M:%S"),
            MAX_RIDES - 1,
        )
        return list(found)

    def own_walks(self, lonlat: np.ndarray, limit_s: float) -> WalkTable:
        """Return walks between points and stops on its own streets, by our stop indices."""
        index = {stop: k for k, stop in enumerate(self.stop_ids)}
        linked = self.network._core._link_walking_stops(
            [(float(lat), float(lon)) for lon, lat in lonlat], WALK_KMH, float(limit_s), SNAP_M
        )
        rows = [
            sorted((int(s), index[stop]) for stop, s, _metres in point or ()) for point in linked
        ]
        flat = np.array([pair for row in rows for pair in row], np.int32).reshape(-1, 2)
        ptr = np.cumsum([0, *map(len, rows)]).astype(np.int64)
        return WalkTable(ptr, flat[:, 1].copy(), flat[:, 0].copy())

    def own_footpaths(self) -> WalkTable:
        """Return walks between stops on its own streets, by our stop indices, and 0 to itself."""
        index = {stop: k for k, stop in enumerate(self.stop_ids)}
        rows = [[(0, k)] for k in range(len(self.stop_ids))]
        for a, b, walk_s in self.network._core._transfer_edges():
            if a != b:
                rows[index[a]].append((int(walk_s), index[b]))
        flat = np.array([pair for row in rows for pair in sorted(row)], np.int32)
        ptr = np.cumsum([0, *map(len, rows)]).astype(np.int64)
        return WalkTable(ptr, flat[:, 1].copy(), flat[:, 0].copy())

    def row(self, egress_s: np.ndarray, known: set[str]) -> list[tuple[str, int]]:
        """One gate's walks, by its stop ids."""
        near = np.flatnonzero(egress_s < INF)
        return [(self.stop_ids[s], int(egress_s[s])) for s in near if self.stop_ids[s] in known]

    def rows(self, walks: WalkTable, known: set[str]) -> list[list[tuple[str, int]]]:
        """Every home's walks, by its stop ids."""
        rows = []
        for k in range(walks.n_rows):
            part = slice(walks.ptr[k], walks.ptr[k + 1])
            pairs = zip(walks.stop[part], walks.walk_s[part], strict=True)
            rows.append([(self.stop_ids[s], int(w)) for s, w in pairs if self.stop_ids[s] in known])
        return rows


def moment(dataset: Dataset, hour: int) -> dt.datetime:
    """Return the deadline at the gate of a shift starting at an hour of the study date."""
    midnight = dt.datetime.combine(dataset.date, dt.time())
    return midnight + dt.timedelta(seconds=3600 * hour - MARGIN_S)


def as_points(lonlat: np.ndarray, prefix: str) -> Any:
    """Return points as the peer wants them."""
    import geopandas as gpd

    names = [f"{prefix}{k}" for k in range(len(lonlat))]
    return gpd.GeoDataFrame(
        {"id": names}, geometry=gpd.points_from_xy(lonlat[:, 0], lonlat[:, 1]), crs=4326
    )
