"""What decides a study before anything is computed: stops at the gates, hours, cut-off homes.

Read by `mobility check`, first; its findings lead those of the study.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import get_args
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mobility.base.arrays import Bool, Int64
from mobility.base.clock import DAY_S, axis_to_local, format_clock, service_clock
from mobility.base.errors import Finding
from mobility.base.i18n import HARD_SPACE, number, translate
from mobility.commute.study import Study
from mobility.commute.walks import mode_times
from mobility.engine.journeys import Edge
from mobility.sources.days import ChosenDay
from mobility.sources.gtfs.feed import Feed
from mobility.streets.graph import Streets
from mobility.streets.snap import components
from mobility.territory.project import StreetMode
from mobility.timetable.arrays import INF, RunArrays
from mobility.timetable.footpaths import walk_snaps
from mobility.timetable.runs import departures


@dataclass(frozen=True)
class GateStops:
    """The stops around one gate.

    Attributes
    ----------
    stops
        Stops within the walking limit, each once.
    nearest, nearest_s
        Name of the stop nearest on foot and the walk, None where none is known.
    nearest_m
        Straight line to the stop nearest as the crow flies, infinite without any stop.
    """

    site: int
    lon: float
    lat: float
    stops: Int64
    nearest: str
    nearest_s: int | None
    nearest_m: float


@dataclass(frozen=True)
class EdgeService:
    """What stops at a site's gates around one edge of its shifts, on one kind of day.

    ``first_s`` and ``last_s``, axis seconds, are those of the ``count`` calls that serve it.
    """

    site: int
    edge: Edge
    day: ChosenDay
    count: int
    first_s: int = 0
    last_s: int = 0


@dataclass(frozen=True)
class DataSheet:
    """What decides a study.

    Attributes
    ----------
    gates
        The stops around each gate, in the order of sites and gates.
    services
        What calls at each site's gates in the time a commute may take, by day and shift edge.
    departures
        For each network and kind of day its departures, sorted seconds of the service day.
    cut_off
        bool[homes]: from which no street mode reaches any gate, however long it may take.
    stop_departures
        int64[stops]: departures on the first day, those of a stop's copies at the stop.
    """

    gates: tuple[GateStops, ...]
    services: tuple[EdgeService, ...]
    departures: tuple[tuple[Int64, ...], ...]
    cut_off: Bool
    stop_departures: Int64


#: Between these hours a network that lets `_GAP_S` pass without a departure may lack trips: an
#: assumption.
_WAKING_S = (5 * 3600, 22 * 3600)
_GAP_S = 3 * 3600
#: Above this share of all workers, homes that are cut off change results: an assumption.
_MANY_CUT_OFF = 0.01


def data_sheet(study: Study, runs: Mapping[str, RunArrays]) -> DataSheet:
    """Return the data sheet of a study; ``runs`` are those around each kind of day."""
    runs = {kind: _ridden(of_day) for kind, of_day in runs.items()}
    services = [s for day in study.days for s in _services(study, day, runs[day.kind])]
    networks = study.feed.trips["network"].to_numpy()
    by_day = [_departures(runs[day.kind], networks, study) for day in study.days]
    return DataSheet(
        tuple(_gate_stops(study)),
        tuple(services),
        tuple(zip(*by_day, strict=True)),
        _homes_cut_off(study),
        _stop_departures(study, runs[study.days[0].kind]),
    )


def sheet_findings(sheet: DataSheet, study: Study) -> tuple[Finding, ...]:
    """Return what a planner should know before all else."""
    cut_off = _cut_off(sheet, study)
    if study.feed.trips.empty:
        return tuple(cut_off)
    first = (*misplaced(study.streets, study.feed), *_gates(sheet, study), *_edges(sheet, study))
    return (*first, *_hours(sheet, study), *cut_off)


def _ridden(runs: RunArrays) -> RunArrays:
    """Return runs that nobody boards at their last call, or leaves at their first."""
    board, alight = runs.call_board.copy(), runs.call_alight.copy()
    board[runs.run_ptr[1:] - 1] = False
    alight[runs.run_ptr[:-1]] = False
    return runs._replace(call_board=board, call_alight=alight)


def _gate_stops(study: Study) -> Iterator[GateStops]:
    own = study.feed.own_stop
    names = study.feed.stops["stop_name"].astype(str).to_numpy()
    there = np.flatnonzero(np.isfinite(study.feed.lonlat()).all(axis=1))
    xy = study.streets.project(*study.feed.lonlat()[there].T)
    limit_s, walks, gate = study.territory.limits.max_walk_min * 60, study.gate_walks, 0
    for index, site in enumerate(study.sites):
        for lon, lat in site.gates:
            rows = slice(walks.ptr[gate], walks.ptr[gate + 1])
            stop, walk_s = walks.stop[rows], walks.walk_s[rows]
            away = xy - study.streets.project(np.array([lon]), np.array([lat]))
            away_m = np.hypot(*away.T)
            by_air = int(there[np.argmin(away_m)]) if len(there) else -1
            first = int(stop[0]) if len(stop) else by_air
            yield GateStops(
                site=index,
                lon=float(lon),
                lat=float(lat),
                stops=np.unique(own[stop[walk_s <= limit_s]]),
                nearest=str(names[first]) if first >= 0 else "",
                nearest_s=int(walk_s[0]) if len(stop) else None,
                nearest_m=float(away_m.min(initial=np.inf)),
            )
            gate += 1


def _services(study: Study, day: ChosenDay, runs: RunArrays) -> Iterator[EdgeService]:
    limits = study.territory.limits
    window_s = round(limits.max_total_min * 60)
    stands_for = departures(runs)
    # Calls at a stop from which one walks to some gate: few of all.
    reach = study.egress_s.min(axis=0, initial=INF) <= limits.max_walk_min * 60
    close = np.flatnonzero(reach[runs.call_stop])
    stop, vehicle = runs.call_stop[close], np.searchsorted(runs.run_ptr, close, "right") - 1
    asked: dict[tuple[int, bool], dict[int, Edge]] = {}
    for row in study.shift_rows:
        if study.works_on(row.shift_id, day):
            for edge in study.edges(row.shift_id, day):
                asked.setdefault((row.site, edge.returning), {})[edge.at_s] = edge
    for (site, returning), edges in sorted(asked.items(), key=lambda item: item[0]):
        walk_s = study.egress_s[site].astype(np.int64)
        usable = (runs.call_board if returning else runs.call_alight)[close]
        near = usable & (walk_s <= limits.max_walk_min * 60)[stop]
        walk, ridden = walk_s[stop[near]], vehicle[near]
        at_s = (runs.call_dep if returning else runs.call_arr)[close[near]]
        for edge in (edges[at] for at in sorted(edges)):
            gate_s = edge.at_s + edge.margin_s if returning else edge.at_s - edge.margin_s
            spare_s = at_s - walk - gate_s if returning else gate_s - at_s - walk
            serves = (spare_s >= 0) & (spare_s < window_s)
            # A vehicle that calls at several stops of the site comes once.
            vehicles, once = np.unique(ridden[serves], return_index=True)
            times = at_s[serves][once]
            count = math.ceil(stands_for[vehicles].sum() - 1e-6)
            span = (int(times.min()), int(times.max())) if len(times) else (0, 0)
            yield EdgeService(site, edge, day, count, *span)


def _departures(runs: RunArrays, networks: NDArray[np.int16], study: Study) -> list[Int64]:
    calls = np.repeat(runs.run_day, np.diff(runs.run_ptr)) == 0
    calls &= runs.call_board & (runs.call_trip >= 0)
    network, at_s = networks[runs.call_trip[calls]], runs.call_dep[calls]
    return [np.sort(at_s[network == k]).astype(np.int64) for k in range(len(study.feed.networks))]


def _stop_departures(study: Study, runs: RunArrays) -> Int64:
    sizes = np.diff(runs.run_ptr)
    calls = (np.repeat(runs.run_day, sizes) == 0) & runs.call_board
    own = study.feed.own_stop[runs.call_stop[calls]]
    weight = np.repeat(departures(runs), sizes)[calls]
    return np.rint(np.bincount(own, weight, study.feed.n_stops)).astype(np.int64)


def _homes_cut_off(study: Study) -> Bool:
    territory, streets = study.territory, study.streets
    gates = np.array([gate for site in study.sites for gate in site.gates], np.float64)
    reached = np.zeros(study.n_homes, bool)
    for mode in get_args(StreetMode):
        if mode not in study.street_times:
            continue
        times = mode_times(territory, streets, mode)
        # Row -1 stands for what is on no street.
        part = np.append(components(streets, times), -1)
        here, there = (
            part[walk_snaps(streets, times, place).edge] for place in (study.homes.lonlat, gates)
        )
        reached |= (here >= 0) & np.isin(here, there[there >= 0])
    return ~reached


def _gates(sheet: DataSheet, study: Study) -> Iterator[Finding]:
    lone = [gate for gate in sheet.gates if not len(gate.stops)]
    if not lone:
        return
    away = (f"{g.nearest}, {g.nearest_m / 1000:.1f} km" if g.nearest else "–" for g in lone)
    names = (f"{study.sites[g.site].name}: {text}" for g, text in zip(lone, away, strict=True))
    yield Finding(
        "warning",
        "gates_without_stop",
        "Nobody can walk from a stop to {count} gates within {minutes} min; the nearest stop as "
        "the crow flies:",
        count=len(lone),
        examples=tuple(names)[:5],
        params={"minutes": round(study.territory.limits.max_walk_min)},
    )


def misplaced(streets: Streets, feed: Feed) -> Iterator[Finding]:
    """Say where stops would lie on the streets if exchanged, and which feed is of elsewhere."""
    west, south, east, north = streets.bounds_lonlat
    lon, lat = feed.lonlat().T
    away = (lon < west) | (lon > east) | (lat < south) | (lat > north)
    turned = away & (lat > west) & (lat < east) & (lon > south) & (lon < north)
    if turned.any():
        names = feed.stops["stop_name"].astype(str).to_numpy()[turned]
        yield Finding(
            "error",
            "stops_exchanged",
            "Longitude and latitude of {count} stops look exchanged: correct stop_lon and "
            "stop_lat.",
            source="stops.txt",
            count=int(turned.sum()),
            examples=tuple(names[:5]),
        )
    network = feed.stops["network"].to_numpy()
    for k, name in enumerate(feed.networks):
        known = (network == k) & np.isfinite(lon) & np.isfinite(lat)
        if known.any() and (away & ~turned)[known].all():
            yield Finding(
                "error",
                "network_elsewhere",
                "No stop of {name} lies within the streets: it is the timetable of another place, "
                "or the extract that of another. Its stops are around {lon} {lat}, the streets "
                "around {street_lon} {street_lat}.",
                source="stops.txt",
                params={
                    "name": name,
                    "lon": f"{np.median(lon[known]):.2f}",
                    "lat": f"{np.median(lat[known]):.2f}",
                    "street_lon": f"{(west + east) / 2:.2f}",
                    "street_lat": f"{(south + north) / 2:.2f}",
                },
            )


def _edges(sheet: DataSheet, study: Study) -> Iterator[Finding]:
    near = study.egress_s.min(axis=1, initial=INF) <= study.territory.limits.max_walk_min * 60
    bare = [s for s in sheet.services if not s.count and near[s.site]]
    if not bare:
        return
    yield Finding(
        "warning",
        "edges_without_service",
        "No vehicle serves the stops of the gates at {count} edges of shifts, in the {minutes} "
        "min before the start or after the end:",
        count=len(bare),
        examples=tuple(
            f"{s.day.date} {study.sites[s.site].name} {edge_text(s, study.territory.zone)}"
            for s in bare[:5]
        ),
        params={"minutes": round(study.territory.limits.max_total_min)},
    )


def _hours(sheet: DataSheet, study: Study) -> Iterator[Finding]:
    """Say of which networks the file holds a part of the day only, or no trip on some days."""
    for name, days in zip(study.feed.networks, sheet.departures, strict=True):
        gaps = day_gaps(np.concatenate(days))
        if gaps:
            yield Finding(
                "warning",
                "network_hours",
                "{name} has no departure at these hours on any day studied: {gaps}. Is the file "
                "complete?",
                params={"name": name, "gaps": ", ".join(gaps)},
            )
        idle = [day for day, at in zip(study.days, days, strict=True) if not len(at)]
        if idle and len(idle) < len(days):
            yield Finding(
                "warning",
                "network_days",
                "{name} has no trip on {count} of the kinds of day studied. Is the file complete?",
                count=len(idle),
                examples=tuple(str(day.date) for day in idle[:5]),
                params={"name": name},
            )


def day_gaps(departures_s: Int64) -> list[str]:
    """Return the long stretches of waking hours without a departure, as ``17:50–22:00``."""
    if not len(departures_s):
        return []
    low, high = _WAKING_S
    # A service day goes on after midnight: 28:30 is 04:30 too.
    leaves = np.zeros(DAY_S, bool)
    leaves[departures_s % DAY_S] = True
    clock = np.flatnonzero(leaves)
    times = np.concatenate([[low], clock[(clock > low) & (clock < high)], [high]])
    wide = np.flatnonzero(np.diff(times) > _GAP_S)
    return [f"{format_clock(times[k])}–{format_clock(times[k + 1])}" for k in wide]


def _cut_off(sheet: DataSheet, study: Study) -> Iterator[Finding]:
    cut = sheet.cut_off
    if not cut.any():
        return
    workers = float(study.workers[cut].sum())
    share = workers / max(float(study.workers.sum()), 1e-9)
    # Where a few employees live is told to nobody.
    shown = () if study.homes.personal else tuple(study.homes.ids[cut][:5])
    yield Finding(
        "warning" if share > _MANY_CUT_OFF else "info",
        "homes_cut_off",
        "{count} homes ({workers} workers, {share} %) stand on streets from which no gate is "
        "reached by any street mode: pieces cut off at the edge of the extract, or not joined.",
        count=int(cut.sum()),
        examples=shown,
        params={"workers": round(workers), "share": 100 * share},
    )


def edge_text(service: EdgeService, zone: ZoneInfo) -> str:
    """Return an edge of a shift: ``→ 06:00`` to be there, ``14:00 →`` to leave."""
    clock = _clock(service, service.edge.at_s, zone)
    return f"{clock}{HARD_SPACE}→" if service.edge.returning else f"→{HARD_SPACE}{clock}"


def _clock(service: EdgeService, second: int, zone: ZoneInfo) -> str:
    """Return a second of the axis as clocks show it, on the day of a clock change too."""
    return axis_to_local(service.day.date, second, zone).strftime("%H:%M")


def gates_table(sheet: DataSheet, study: Study, language: str) -> pd.DataFrame:
    """Return the stops around each gate, as a table for people."""

    def nearest(gate: GateStops) -> str:
        if not gate.nearest:
            return "–"
        if gate.nearest_s is None:
            return f"{gate.nearest}, {number(gate.nearest_m / 1000, language, 1)}{HARD_SPACE}km"
        return f"{gate.nearest}, {-(-gate.nearest_s // 60)}{HARD_SPACE}min"

    rows = [
        (
            study.sites[gate.site].name,
            f"{gate.lon:.4f} {gate.lat:.4f}",
            number(len(gate.stops), language),
            nearest(gate),
        )
        for gate in sheet.gates
    ]
    return pd.DataFrame(rows, columns=["site", "gate", "stops in reach", "nearest stop"])


def edges_tables(
    sheet: DataSheet, study: Study, language: str
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield for each site what serves its shift edges: number, first and last by kind of day."""
    heads = {day.kind: translate(day.label, language) for day in study.days}
    zone = study.territory.zone
    for index, site in enumerate(study.sites):
        rows: dict[str, dict[str, str]] = {}
        for service in (s for s in sheet.services if s.site == index):
            text = edge_text(service, zone)
            row = rows.setdefault(text, {"edge": text} | dict.fromkeys(heads.values(), "–"))
            first, last = (_clock(service, s, zone) for s in (service.first_s, service.last_s))
            span = f" {first}–{last}"
            row[heads[service.day.kind]] = str(service.count) + (span if service.count else "")
        if rows:
            yield site.name, pd.DataFrame([rows[text] for text in sorted(rows)])


def hours_table(sheet: DataSheet, study: Study, language: str) -> pd.DataFrame:
    """Return the first and last departure of each network, a column for each kind of day."""
    feed = study.feed
    filled = feed.stop_times["filled"].to_numpy()
    network = feed.trips["network"].to_numpy()[feed.stop_times["trip"].to_numpy()]
    rows = []
    for k, (name, days) in enumerate(zip(feed.networks, sheet.departures, strict=True)):
        row = {"network": name}
        for day, at_s in zip(study.days, days, strict=True):
            span = f"{service_clock(at_s[0])}–{service_clock(at_s[-1])}" if len(at_s) else "–"
            row[translate(day.label, language)] = span
        share = float(filled[network == k].mean()) if (network == k).any() else 0.0
        row["times filled"] = f"{number(100 * share, language, 1)}{HARD_SPACE}%"
        rows.append(row)
    return pd.DataFrame(rows)


def ledger_table(study: Study, language: str) -> pd.DataFrame:
    """Return the account of each source, a line for it and one for each reason below it."""
    rows = []
    for account in (account for account in study.ledger if account.read):
        unit = translate(account.unit, language)
        rows.append(
            (account.name, number(account.read, language), number(account.used, language), unit)
        )
        rows += [
            (f"· {translate(why, language)}", "", f"−{number(count, language)}", "")
            for why, count in account.left_out.items()
        ]
    return pd.DataFrame(rows, columns=["source", "read", "used", "unit"])
