"""The real territories that the benchmarks run on, and the question asked of each."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from benchmarks.one_timetable import build_timetable
from mobility.engine.batches import even_parts, travel_together
from mobility.engine.journeys import Edge, EngineLimits, HomeTimes, TwoWay
from mobility.sources.gtfs.read import Feed, read_feed
from mobility.streets.graph import Streets, streets_from_lines, streets_from_osm
from mobility.territory.project import Speeds
from mobility.timetable.arrays import INF, Timetable
from mobility.timetable.footpaths import WalkTable, home_walks, stop_walks

DATA = Path(__file__).parents[2] / "shared" / "data"
SPEEDS = Speeds()
#: The product's default limits on one direction.
LIMITS = EngineLimits()
#: What the peer can be asked as well: two hours in all, four vehicles, any wait, any sum of
#: walks (each of them is bounded by its table).
ALIGNED = EngineLimits(7200, 100_000, 3, 100_000)
WALK_S, TRANSFER_S, MARGIN_S = 1200, 600, 600
#: Six edges of shifts at which one has to be at work, hours.
STARTS_H = (5, 6, 9, 13, 14, 21)
#: Six edges of a 3x8 roster: starts, then ends.
EDGES_H = ((False, 5), (False, 13), (False, 21), (True, 13), (True, 21), (True, 29))


@dataclass(frozen=True)
class Dataset:
    """One territory: sources, study date, homes and gates drawn from a seed."""

    name: str
    gtfs: str
    streets_file: str
    date: dt.date
    timezone: str = "Europe/Paris"
    gates: tuple[tuple[float, float], ...] = ()
    n_homes: int = 1000
    n_sites: int = 10

    @property
    def gtfs_path(self) -> Path:
        """The feed."""
        return DATA / self.name / self.gtfs

    @property
    def osm_path(self) -> Path:
        """The streets."""
        return DATA / self.name / self.streets_file

    @property
    def zone(self) -> ZoneInfo:
        """Time zone."""
        return ZoneInfo(self.timezone)

    @cached_property
    def streets(self) -> Streets:
        """Streets as the product reads them."""
        read = streets_from_osm if self.streets_file.endswith(".pbf") else streets_from_lines
        return read(self.osm_path)

    @cached_property
    def feed(self) -> Feed:
        """Timetables as the product reads them."""
        return read_feed(self.gtfs_path)

    @cached_property
    def stops_lonlat(self) -> np.ndarray:
        """Places of the stops."""
        return self.feed.stops[["lon", "lat"]].to_numpy(np.float64)

    @cached_property
    def points(self) -> np.ndarray:
        """Junctions within walking distance of a stop, degrees, in a seeded order."""
        import pyproj

        streets = self.streets
        lonlat = np.column_stack(
            pyproj.Transformer.from_crs(streets.crs, 4326, always_xy=True).transform(
                *streets.node_xy.T
            )
        )
        rng = np.random.default_rng(1)
        lonlat = lonlat[rng.permutation(len(lonlat))[:10_000]]
        near = np.diff(self.walks_of(lonlat).ptr) > 0
        return lonlat[near]

    @cached_property
    def homes(self) -> np.ndarray:
        """Homes, degrees, (n_homes, 2): junctions, moved by up to some 50 m."""
        rng = np.random.default_rng(2)
        beside = rng.uniform(-5e-4, 5e-4, (self.n_homes, 2))
        return np.resize(self.points, (self.n_homes, 2)) + beside

    @cached_property
    def sites(self) -> np.ndarray:
        """One gate per site, degrees, (n_sites, 2)."""
        drawn = self.points[-(self.n_sites - len(self.gates)) :]
        return np.concatenate([np.array(self.gates).reshape(-1, 2), drawn])

    def walks_of(self, lonlat: np.ndarray, *, limit_s: float = WALK_S) -> WalkTable:
        """Return walks to the stops."""
        return home_walks(self.streets, lonlat, self.stops_lonlat, limit_s, SPEEDS, cache=False)

    def footpaths(self) -> WalkTable:
        """Return walks between stops."""
        return stop_walks(self.streets, self.stops_lonlat, TRANSFER_S, SPEEDS)

    def timetable(self, walks: WalkTable, *, min_change_s: int = 60) -> Timetable:
        """Return the study date's timetable."""
        return build_timetable(self.feed, self.date, self.zone, walks, min_change_s=min_change_s)


@dataclass(frozen=True)
class Network:
    """What the engine needs of a territory, built."""

    dataset: Dataset
    two_way: TwoWay
    access: WalkTable
    egress_s: np.ndarray

    @classmethod
    def build(cls, dataset: Dataset, *, min_change_s: int = 60) -> Network:
        """Build every table of a territory."""
        two_way = TwoWay(dataset.timetable(dataset.footpaths(), min_change_s=min_change_s))
        access = dataset.walks_of(dataset.homes)
        egress = egress_rows(dataset.walks_of(dataset.sites), len(dataset.feed.stops))
        return cls(dataset, two_way, access, egress)


def egress_rows(walks: WalkTable, n_stops: int) -> np.ndarray:
    """Return the walk between each gate and every stop, int32 (gates, stops)."""
    rows = np.full((walks.n_rows, n_stops), INF, np.int32)
    rows[np.repeat(np.arange(walks.n_rows), np.diff(walks.ptr)), walks.stop] = walks.walk_s
    return rows


def arrive_by_edges() -> list[Edge]:
    """Return the six starts."""
    return [Edge(returning=False, at_s=3600 * h, margin_s=MARGIN_S) for h in STARTS_H]


def roster_edges() -> list[Edge]:
    """Return three starts and three ends."""
    return [Edge(returning=back, at_s=3600 * h, margin_s=MARGIN_S) for back, h in EDGES_H]


def smaller(dataset: Dataset, n_homes: int) -> Dataset:
    """Return the same territory with another number of homes."""
    return replace(dataset, n_homes=n_homes)


def ask_all(
    network: Network, edges: list[Edge], limits: EngineLimits, *, threads: int = 1
) -> list[HomeTimes]:
    """Answer every site and edge, site by site; sites of one edge are asked together."""
    sites = [*range(len(network.egress_s))]
    jobs = [(edge, part) for edge in edges for part in even_parts(sites)]

    def answer(job: tuple[Edge, list[int]]) -> list[HomeTimes]:
        questions = [(network.egress_s[site], job[0]) for site in job[1]]
        return travel_together(network.two_way, questions, limits, network.access)

    if threads == 1:
        answers = [answer(job) for job in jobs]
    else:
        with ThreadPoolExecutor(threads) as pool:
            answers = [*pool.map(answer, jobs)]
    found: dict[tuple[int, Edge], HomeTimes] = {}
    for (edge, part), times in zip(jobs, answers, strict=True):
        found.update(zip(((site, edge) for site in part), times, strict=True))
    return [found[site, edge] for site in sites for edge in edges]


def ready(network: Network) -> Network:
    """Prepare what is computed once per timetable (mirror, longest run)."""
    for way in (network.two_way.onward, network.two_way.mirror):
        _ = way.start_s, way.longest_s, way.timetable.foot_into
    return network


DATASETS = {
    d.name: d
    for d in (
        Dataset(
            "rhein-neckar",
            "gtfs.zip",
            "streets.osm.pbf",
            dt.date(2016, 11, 15),
            "Europe/Berlin",
            gates=(
                (8.431, 49.497),
                (8.420, 49.516),
                (8.479, 49.516),
                (8.456, 49.479),
                (8.487, 49.523),
            ),
        ),
        Dataset("milan", "gtfs.zip", "streets.osm.pbf", dt.date(2014, 10, 21), "Europe/Rome"),
        Dataset("montpellier", "gtfs-2025.zip", "streets.shp", dt.date(2025, 11, 18)),
        Dataset("nantes", "gtfs.zip", "streets.osm.pbf", dt.date(2014, 4, 15)),
    )
}
