"""Bus and train feeds written as GTFS, times computed on the streets drawn."""

from __future__ import annotations

import csv
import datetime as dt
import io
import itertools
import math
import unicodedata
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import networkx as nx

from demo import service
from demo.basin import Basin
from demo.geometry import XY, dist, length, lonlat, simplify
from demo.network import drive_graph
from demo.service import LINES, STOPS, Line, Runs

Row = Sequence[object]
DWELL_S = 18
SLACK = 1.12
LICENCE = (
    "Données fictives du bassin imaginaire de Valbrune ; licence MIT, comme le programme. "
    "Aucun lieu, aucune ligne, aucun horaire n'existe."
)


def slug(name: str) -> str:
    """Return ``name`` in lower-case ASCII with dashes."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return "-".join("".join(c if c.isalnum() else " " for c in plain).split())


@dataclass(frozen=True)
class Quay:
    """Where a bus halts, on the right side of the road."""

    stop_id: str
    name: str
    point: XY


@dataclass
class Paths:
    """Bus stops on the network and the paths between them."""

    basin: Basin
    graph: nx.DiGraph
    nodes: dict[str, int]
    quays: dict[tuple[str, str], Quay]
    sides: dict[str, float]

    def leg(self, a: str, b: str) -> tuple[list[int], float]:
        """Return the nodes and driving seconds from stop ``a`` to stop ``b``."""
        seconds, nodes = nx.single_source_dijkstra(
            self.graph, self.nodes[a], self.nodes[b], weight="s"
        )
        return nodes, seconds

    def quay(self, name: str, heading: float) -> Quay:
        """Return the quay of stop ``name`` for buses that leave with ``heading``."""
        side = "A"
        if name in self.sides:
            side = "A" if math.cos(self.sides[name] - heading) >= 0 else "B"
        else:
            self.sides[name] = heading
        if (name, side) not in self.quays:
            x, y = self.basin.net.xy[self.nodes[name]]
            p = (x + 6 * math.sin(heading), y - 6 * math.cos(heading))
            self.quays[name, side] = Quay(f"{slug(name)}-{side}", name, p)
        return self.quays[name, side]


def bus_paths(basin: Basin, oneways: set[int]) -> Paths:
    """Put the bus stops on two-way streets and prepare the driving graph."""
    graph = drive_graph(basin, oneways)
    net = basin.net
    nodes = {}
    for name, p in STOPS.items():
        near = [
            n
            for n in net.nodes_near(p, 300)
            if n in graph
            and len(net.at_node[n]) == 2
            and all(m in graph[n] for m in net.at_node[n])
            and _class(basin, n) in ("primary", "secondary", "tertiary", "unclassified")
        ]  # fmt: skip
        nodes[name] = near[0]
    return Paths(basin, graph, nodes, {}, {})


def _class(basin: Basin, n: int) -> str:
    m = basin.net.at_node[n][0]
    return basin.net.ways[basin.net.owner[(min(n, m), max(n, m))]].tags["highway"]


@dataclass(frozen=True)
class Course:
    """One way of a line: its quays, seconds from the first stop, and its drawing."""

    quays: tuple[Quay, ...]
    arrive: tuple[int, ...]
    depart: tuple[int, ...]
    points: tuple[XY, ...]
    along: tuple[float, ...]


def course(paths: Paths, names: Sequence[str]) -> Course:
    """Drive along ``names`` and note times and path; times are whole minutes."""
    xy = paths.basin.net.xy
    arrive, depart, along = [0], [0], [0.0]
    track: list[int] = [paths.nodes[names[0]]]
    headings = []
    clock = 0.0
    for a, b in itertools.pairwise(names):
        nodes, seconds = paths.leg(a, b)
        headings.append(_heading(xy[nodes[0]], xy[nodes[1]]))
        track += nodes[1:]
        clock += seconds * SLACK
        along.append(length([xy[n] for n in track]))
        arrive.append(max(60 * math.ceil(clock / 60 - 0.35), depart[-1] + 60))
        depart.append(arrive[-1])
        clock += DWELL_S
        last = _heading(xy[nodes[-2]], xy[nodes[-1]])
    headings.append(last)
    quays = tuple(paths.quay(n, h) for n, h in zip(names, headings, strict=True))
    return Course(quays, tuple(arrive), tuple(depart), tuple(xy[n] for n in track), tuple(along))


def _heading(a: XY, b: XY) -> float:
    return math.atan2(b[1] - a[1], b[0] - a[0])


def _names(line: Line, runs: Runs) -> list[str]:
    names = list(line.stops) if runs.direction == 0 else list(line.stops[::-1])
    first = names.index(runs.start) if runs.start else 0
    last = names.index(runs.end) if runs.end else len(names) - 1
    return names[first : last + 1]


def seconds(text: str) -> int:
    """Return the seconds of ``HH:MM``."""
    return int(text[:2]) * 3600 + int(text[3:]) * 60


def hms(value: int) -> str:
    """Return ``HH:MM:SS``, beyond 24 h as GTFS does."""
    return f"{value // 3600:02d}:{value % 3600 // 60:02d}:{value % 60:02d}"


def write_bus(paths: Paths, target: Path) -> None:
    """Write the bus feed."""
    trips: list[Row] = []
    times: list[Row] = []
    shapes: dict[str, Course] = {}
    for line in LINES:
        count = 0
        for runs in line.runs:
            names = _names(line, runs)
            drawn = course(paths, names)
            shape = f"{line.number}-{runs.direction}-{slug(names[0])}-{slug(names[-1])}"
            shapes[shape] = drawn
            anchor = names.index(runs.at)
            offset = drawn.arrive[anchor] if anchor == len(names) - 1 else drawn.depart[anchor]
            for service_id in runs.services:
                for hour in runs.hours.split():
                    count += 1
                    trip = f"{line.number}-{service_id}-{count:03d}"
                    trips.append((line.number, service_id, trip, names[-1], runs.direction, shape))
                    start = seconds(hour) - offset
                    times += [
                        (trip, hms(start + a), hms(start + d), q.stop_id, k + 1, round(m, 1))
                        for k, (q, a, d, m) in enumerate(
                            zip(drawn.quays, drawn.arrive, drawn.depart, drawn.along, strict=True)
                        )
                    ]
    tables = {
        "agency.txt": _agency("RA", "Réseau Aubrelle (fictif)"),
        "stops.txt": _stops(paths),
        "routes.txt": [
            ("route_id", "agency_id", "route_short_name", "route_long_name", "route_type",
             "route_color", "route_text_color"),
            *((n.number, "RA", n.number, n.name, 3, n.color, "FFFFFF") for n in LINES),
        ],
        "trips.txt": [
            ("route_id", "service_id", "trip_id", "trip_headsign", "direction_id", "shape_id"),
            *sorted(trips, key=lambda r: str(r[2])),
        ],
        "stop_times.txt": [
            ("trip_id", "arrival_time", "departure_time", "stop_id", "stop_sequence",
             "shape_dist_traveled"),
            *sorted(times, key=lambda r: (str(r[0]), int(str(r[4])))),
        ],
        "calendar.txt": _calendar(),
        "calendar_dates.txt": _calendar_dates(),
        "shapes.txt": _shapes(shapes),
        "transfers.txt": _transfers(paths),
        "feed_info.txt": _feed_info("Réseau Aubrelle (fictif)"),
    }  # fmt: skip
    write_zip(target, tables)


def _agency(key: str, name: str) -> list[Row]:
    return [
        ("agency_id", "agency_name", "agency_url", "agency_timezone", "agency_lang"),
        (key, name, "https://valbrune.example/", "Europe/Paris", "fr"),
    ]


def _feed_info(publisher: str) -> list[Row]:
    return [
        ("feed_publisher_name", "feed_publisher_url", "feed_lang", "feed_start_date",
         "feed_end_date", "feed_version", "feed_license"),
        (publisher, "https://valbrune.example/", "fr", f"{service.FIRST:%Y%m%d}",
         f"{service.LAST:%Y%m%d}", "1", LICENCE),
    ]  # fmt: skip


def _stops(paths: Paths) -> list[Row]:
    rows: list[Row] = [
        ("stop_id", "stop_name", "stop_lat", "stop_lon", "location_type", "parent_station")
    ]
    for hub in service.HUBS:
        lon, lat = lonlat(paths.basin.net.xy[paths.nodes[hub]])
        rows.append((slug(hub), hub, f"{lat:.6f}", f"{lon:.6f}", 1, ""))
    for quay in sorted(paths.quays.values(), key=lambda q: q.stop_id):
        lon, lat = lonlat(quay.point)
        parent = slug(quay.name) if quay.name in service.HUBS else ""
        rows.append((quay.stop_id, quay.name, f"{lat:.6f}", f"{lon:.6f}", 0, parent))
    return rows


def _transfers(paths: Paths) -> list[Row]:
    rows: list[Row] = [("from_stop_id", "to_stop_id", "transfer_type", "min_transfer_time")]
    for hub in service.HUBS:
        ids = sorted(q.stop_id for q in paths.quays.values() if q.name == hub)
        rows += [(a, b, 2, 120) for a in ids for b in ids if a != b]
    return rows


def _shapes(shapes: dict[str, Course]) -> list[Row]:
    rows: list[Row] = [
        ("shape_id", "shape_pt_lat", "shape_pt_lon", "shape_pt_sequence", "shape_dist_traveled")
    ]
    for key in sorted(shapes):
        points = shapes[key].points
        along = [0.0]
        for a, b in itertools.pairwise(points):
            along.append(along[-1] + dist(a, b))
        for k, i in enumerate(simplify(points, 2.0)):
            lon, lat = lonlat(points[i])
            rows.append((key, f"{lat:.6f}", f"{lon:.6f}", k + 1, round(along[i], 1)))
    return rows


def days() -> Iterable[dt.date]:
    """Return every date of the feeds."""
    for k in range((service.LAST - service.FIRST).days + 1):
        yield service.FIRST + dt.timedelta(days=k)


def runs_on(service_id: str, day: dt.date) -> bool:
    """Whether a service runs on a date."""
    public = day in service.PUBLIC_HOLIDAYS
    school_off = any(a <= day <= b for a, b in service.SCHOOL_HOLIDAYS)
    if (day.month, day.day) == (5, 1):
        return False
    if service_id == "SCO":
        return day.weekday() < 5 and not public and not school_off
    if service_id == "VAC":
        return day.weekday() < 5 and not public and school_off
    if service_id == "LV":
        return day.weekday() < 5 and not public
    if service_id == "SAM":
        return day.weekday() == 5 and not public
    if service_id == "DIM":
        return day.weekday() == 6 or public
    # NUIT: the evenings before Monday to Friday, when the next day is a working day.
    ahead = day + dt.timedelta(days=1)
    return ahead.weekday() < 5 and ahead not in service.PUBLIC_HOLIDAYS


_WEEKDAYS = {
    "SCO": "1111100", "VAC": "0000000", "SAM": "0000010", "DIM": "0000001", "NUIT": "1111001",
}  # fmt: skip


def _calendar() -> list[Row]:
    names = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    first, last = f"{service.FIRST:%Y%m%d}", f"{service.LAST:%Y%m%d}"
    return [
        ("service_id", *names, "start_date", "end_date"),
        *((key, *mask, first, last) for key, mask in sorted(_WEEKDAYS.items())),
    ]


def _calendar_dates() -> list[Row]:
    rows: list[Row] = [("service_id", "date", "exception_type")]
    for key, mask in sorted(_WEEKDAYS.items()):
        for day in days():
            usual = mask[day.weekday()] == "1"
            if runs_on(key, day) != usual:
                rows.append((key, f"{day:%Y%m%d}", 2 if usual else 1))
    return rows


def write_train(basin: Basin, target: Path) -> None:
    """Write the regional train's feed; its calendar is dates only."""
    names = sorted(basin.stations, key=lambda n: basin.net.xy[basin.stations[n]][0])
    places = [basin.net.xy[basin.stations[n]] for n in names]
    offsets = [0]
    for a, b in itertools.pairwise(places):
        offsets.append(offsets[-1] + 60 * math.ceil(dist(a, b) / 22.0 / 60 + 1.2))
    stops: list[Row] = [("stop_id", "stop_name", "stop_lat", "stop_lon", "location_type")]
    for name, p in zip(names, places, strict=True):
        lon, lat = lonlat(p)
        stops.append((f"gare-{slug(name)}", f"Gare de {name}", f"{lat:.6f}", f"{lon:.6f}", 0))
    trips: list[Row] = []
    times: list[Row] = []
    for key, both in service.TRAINS.items():
        for direction, hours in enumerate(both):
            order = range(len(names)) if direction == 0 else range(len(names) - 1, -1, -1)
            for count, hour in enumerate(hours.split(), 1):
                trip = f"{key}-{direction}-{count:02d}"
                head = names[order[-1]]
                trips.append(("train", key, trip, head, direction))
                for k, i in enumerate(order):
                    run = offsets[i] if direction == 0 else offsets[-1] - offsets[i]
                    clock = seconds(hour) + run
                    stay = 60 if 0 < k < len(names) - 1 else 0
                    row = (trip, hms(clock - stay), hms(clock), f"gare-{slug(names[i])}", k + 1)
                    times.append(row)
    tables = {
        "agency.txt": _agency("TRA", "Train régional de l'Aubrelle (fictif)"),
        "stops.txt": stops,
        "routes.txt": [
            ("route_id", "agency_id", "route_short_name", "route_long_name", "route_type",
             "route_color", "route_text_color"),
            ("train", "TRA", "TR", "Coudrelles – Valbrune – Vernouzay", 2, "444444", "FFFFFF"),
        ],
        "trips.txt": [
            ("route_id", "service_id", "trip_id", "trip_headsign", "direction_id"), *sorted(trips),
        ],
        "stop_times.txt": [
            ("trip_id", "arrival_time", "departure_time", "stop_id", "stop_sequence"),
            *sorted(times, key=lambda r: (str(r[0]), int(str(r[4])))),
        ],
        "calendar_dates.txt": [
            ("service_id", "date", "exception_type"),
            *((k, f"{d:%Y%m%d}", 1) for k in ("DIM", "LV", "SAM") for d in days() if runs_on(k, d)),
        ],
        "feed_info.txt": _feed_info("Train régional de l'Aubrelle (fictif)"),
    }  # fmt: skip
    write_zip(target, tables)


def write_zip(target: Path, tables: dict[str, Sequence[Row]]) -> None:
    """Write tables as CSV files of a zip archive whose bytes depend on the rows only."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(tables):
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows(tables[name])
            entry = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, text.getvalue().encode())
