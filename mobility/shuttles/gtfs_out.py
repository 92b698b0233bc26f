"""A plan as a GTFS feed that any engine reads: the same bytes for the same plan.

Trips that one vehicle drives share a ``block_id`` (`trip_blocks`).
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from mobility.base.clock import DAY_S, service_clock
from mobility.base.i18n import WEEKDAY_NAMES
from mobility.base.literal import one_line
from mobility.shuttles.costs import Operations
from mobility.shuttles.drive import Ways
from mobility.shuttles.model import DAY_CUT_S, Line, Place, Run
from mobility.shuttles.written import COLOURS
from mobility.sources.gtfs.cut import write_zip
from mobility.territory.rosters import ALL_YEAR, day_of_year

Table = list[dict[str, object]]
DAYS = tuple(map(str.lower, WEEKDAY_NAMES))
TABLES = (
    "agency", "stops", "routes", "trips", "stop_times", "calendar", "calendar_dates", "shapes",
    "transfers", "feed_info",
)  # fmt: skip
_HEADERS = {
    "calendar_dates": ("service_id", "date", "exception_type"),
    "calendar": ("service_id", *DAYS, "start_date", "end_date"),
}


@dataclass(frozen=True)
class TripBlocks:
    """Who drives which trips.

    Attributes
    ----------
    names
        ``B1``, ``B2``… for each run.
    following
        (run, next run) of one block, the second starting where the first ends: riders would
        be taken to stay aboard, which they do not.
    """

    names: tuple[str, ...]
    following: frozenset[tuple[int, int]]


def trip_blocks(runs: Sequence[Run], operations: Operations) -> TripBlocks:
    """Return the block of each run of a plan."""
    together, apart, links = _days(runs, operations)
    group = list(range(len(runs)))
    members = {k: {k} for k in group}
    # A trip has one block for all days: runs that most days chain are joined first, and never two
    # that some day gives to two vehicles.
    for a, b in sorted(links, key=lambda pair: (-links[pair], pair)):
        one, two = group[a], group[b]
        pairs = {(min(x, y), max(x, y)) for x in members[one] for y in members[two]}
        if one == two or pairs & apart or not pairs & together:
            continue
        members[one] |= members.pop(two)
        for k in members[one]:
            group[k] = one
    names: dict[int, str] = {}
    blocks = tuple(names.setdefault(g, f"B{len(names) + 1}") for g in group)
    following = frozenset(
        (a, b) for a, b in links if group[a] == group[b] and runs[a].calls[-1] == runs[b].calls[0]
    )
    return TripBlocks(blocks, following)


def _days(
    runs: Sequence[Run], operations: Operations
) -> tuple[set[tuple[int, int]], set[tuple[int, int]], dict[tuple[int, int], int]]:
    """Return the pairs of runs one vehicle does on some day, those two do, and successions.

    A run of the small hours belongs to the service day before, where it meets no other.
    """
    late = [((run.start_s - DAY_CUT_S) // DAY_S, run.days_before) for run in runs]
    together: set[tuple[int, int]] = set()
    apart: set[tuple[int, int]] = set()
    links: dict[tuple[int, int], int] = {}
    for blocks in operations.blocks:
        of = {t: k for k, block in enumerate(blocks) for t in block.trips}
        for block in blocks:
            for a, b in pairwise(block.trips):
                if late[a] == late[b]:
                    links[a, b] = links.get((a, b), 0) + 1
        known = sorted(of)
        for i, a in enumerate(known):
            for b in known[i + 1 :]:
                same = of[a] == of[b] and late[a] == late[b]
                (together if same else apart).add((a, b))
    return together, apart | _other_days(late), links


def _other_days(late: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """Return the pairs of runs that start on different operating days of their service day."""
    return {(a, b) for a in range(len(late)) for b in range(a + 1, len(late)) if late[a] != late[b]}


@dataclass(frozen=True)
class Period:
    """When the feed is valid and which kind each special date is.

    Attributes
    ----------
    first, last
        Both included.
    kinds
        Kind of day of dates: the studied ones at least, better all of the period.
    stand_ins
        Studied date of each kind of day: a run works on it if it works on that kind, even
        where the weekday differs (a Friday shift studied on the typical Tuesday). Empty for
        a feed that is published.
    """

    first: dt.date
    last: dt.date
    kinds: Mapping[dt.date, str]
    stand_ins: Mapping[dt.date, str]

    @property
    def dates(self) -> list[dt.date]:
        """All dates, in order."""
        return [self.first + dt.timedelta(days=k) for k in range((self.last - self.first).days + 1)]


def _trip_id(line: Line, run: Run) -> str:
    """Return the id of a run: line, direction, first departure, days."""
    days = "".join(str(d + 1) for d in run.service_weekdays)
    kinds = "".join(k[0] for k in run.day_kinds)
    key = service_clock(run.service_s(run.start_s)).replace(":", "")
    return f"{line.name}-{'A' if run.direction == 'in' else 'R'}-{key}-{days}{kinds}"


def gtfs_tables(
    lines: Sequence[Line],
    runs: Sequence[Run],
    places: Sequence[Place],
    ways: Ways | None,
    period: Period,
    *,
    agency: str,
    timezone: str,
    language: str = "fr",
    blocks: TripBlocks | None = None,
) -> dict[str, Table]:
    """Return the tables of a feed holding ``runs`` of ``lines``.

    Riders get on at the stops and off at the gate inbound, the other way round outbound.

    Parameters
    ----------
    ways
        What shapes follow; none are told where None, as of a feed that nobody draws.
    blocks
        ``block_id`` of the trips; none when None. Everybody gets off between two trips of a
        block (in-seat transfers are forbidden): a run serves one change of shifts.
    """
    order = sorted(range(len(runs)), key=lambda r: (runs[r].line, runs[r].start_s, r))
    services: dict[tuple[tuple[int, ...], tuple[str, ...], int, int], str] = {}
    shapes: dict[tuple[int, ...], str] = {}
    tables: dict[str, Table] = {name: [] for name in TABLES}
    tables["agency"] = [{
        "agency_id": "navettes", "agency_name": agency, "agency_url": "https://example.org/",
        "agency_timezone": timezone, "agency_lang": language,
    }]  # fmt: skip
    for k, line in enumerate(lines):
        tables["routes"].append(_route(k, line, places))
    used: set[int] = set()
    seen: dict[str, int] = {}
    names: dict[int, str] = {}
    for r in order:
        run, line = runs[r], lines[runs[r].line]
        used |= set(run.calls)
        when = (run.weekdays, run.day_kinds, run.season, run.days_before)
        service = services.setdefault(when, f"S{len(services) + 1}")
        shape = shapes.setdefault(run.calls, f"F{len(shapes) + 1}")
        name = _trip_id(line, run)
        seen[name] = seen.get(name, 0) + 1
        name += f"-{seen[name]}" if seen[name] > 1 else ""
        names[r] = name
        tables["trips"].append({
            "route_id": line.name, "service_id": service, "trip_id": name,
            "trip_headsign": places[run.calls[-1]].name,
            "direction_id": int(run.direction == "out"),
        } | ({"shape_id": shape} if ways is not None else {})
          | ({"block_id": blocks.names[r]} if blocks else {}))  # fmt: skip
        tables["stop_times"] += _stop_times(name, line, run)
    tables["stops"] = [stop_row(p, places[p]) for p in sorted(used)]
    if ways is not None:
        tables["shapes"] = [x for s in shapes.items() for x in _shape(*s, ways)]
    for (weekdays, kinds, season, before), service in services.items():
        _service(tables, service, weekdays, kinds, season, period, dt.timedelta(days=before))
    early = dt.timedelta(days=max((run.days_before for run in runs), default=0))
    tables["transfers"] = [
        {
            "from_stop_id": f"N{runs[a].calls[-1]}",
            "to_stop_id": f"N{runs[b].calls[0]}",
            "from_trip_id": names[a],
            "to_trip_id": names[b],
            "transfer_type": 5,
        }
        for a, b in sorted(blocks.following if blocks else ())
    ]
    tables["feed_info"] = [{
        "feed_publisher_name": agency, "feed_publisher_url": "https://example.org/",
        "feed_lang": language, "feed_start_date": f"{period.first - early:%Y%m%d}",
        "feed_end_date": f"{period.last:%Y%m%d}", "feed_version": "1",
    }]  # fmt: skip
    return tables


def _route(index: int, line: Line, places: Sequence[Place]) -> dict[str, object]:
    ends = [places[s].name for s in (line.stops_in or line.stops_out)[:1]]
    return {
        "route_id": line.name,
        "agency_id": "navettes",
        "route_short_name": line.name,
        "route_long_name": " – ".join([*ends, line.anchor.name]),
        "route_type": 3,
        "route_color": COLOURS[index % len(COLOURS)],
        "route_text_color": "FFFFFF",
    }


def stop_row(index: int, place: Place) -> dict[str, object]:
    """Return the row of ``stops.txt`` of a place."""
    return {
        "stop_id": f"N{index}",
        "stop_name": place.name,
        "stop_lat": f"{place.lat:.6f}",
        "stop_lon": f"{place.lon:.6f}",
        "location_type": 0,
    }


def _stop_times(name: str, line: Line, run: Run) -> Table:
    inbound = run.direction == "in"
    rows: Table = []
    for k, place in enumerate(run.calls):
        at_gate = k >= len(line.stops_in) if inbound else k < len(run.calls) - len(line.stops_out)
        board = at_gate != inbound
        arrive, depart = (
            service_clock(run.service_s(times[k]), seconds=True)
            for times in (run.arrive_s, run.depart_s)
        )
        rows.append({
            "trip_id": name, "arrival_time": arrive, "departure_time": depart,
            "stop_id": f"N{place}", "stop_sequence": k + 1, "pickup_type": 0 if board else 1,
            "drop_off_type": 1 if board else 0, "timepoint": 1,
        })  # fmt: skip
    return rows


def _shape(calls: tuple[int, ...], name: str, ways: Ways) -> Table:
    lonlat = ways.lonlat(calls)
    return [
        {
            "shape_id": name,
            "shape_pt_lat": f"{lat:.6f}",
            "shape_pt_lon": f"{lon:.6f}",
            "shape_pt_sequence": k + 1,
        }
        for k, (lon, lat) in enumerate(lonlat.tolist())
    ]


def _service(
    tables: dict[str, Table],
    service: str,
    weekdays: tuple[int, ...],
    kinds: tuple[str, ...],
    season: int,
    period: Period,
    before: dt.timedelta,
) -> None:
    """Add the dates of a service: those its shifts start on, less the days it leaves ``before``."""
    special = {*period.kinds, *period.stand_ins}
    dates = period.dates if season == ALL_YEAR else [d for d in period.dates if _in(season, d)]
    first, last = (dates[0], dates[-1]) if dates else (period.first, period.last)
    if season != ALL_YEAR:
        special |= {d for d in period.dates if first <= d <= last}
    row: dict[str, object] = {"service_id": service}
    row |= {day: int((d + before.days) % 7 in weekdays) for d, day in enumerate(DAYS)}
    row |= {"start_date": f"{first - before:%Y%m%d}", "end_date": f"{last - before:%Y%m%d}"}
    tables["calendar"].append(row)
    for date in sorted(special):
        usual = date.weekday() in weekdays and first <= date <= last
        kind = period.stand_ins.get(date) or period.kinds.get(date)
        works = date.weekday() in weekdays and _in(season, date)
        works = (works or date in period.stand_ins) and (kind is None or kind in kinds)
        if works != usual:
            tables["calendar_dates"].append(
                {
                    "service_id": service,
                    "date": f"{date - before:%Y%m%d}",
                    "exception_type": 1 if works else 2,
                }
            )


def _in(season: int, date: dt.date) -> bool:
    return bool(season >> day_of_year(date) & 1)


def write_gtfs(tables: Mapping[str, Table], path: Path) -> Path:
    """Write the tables as a zip whose bytes depend on nothing else."""
    path.parent.mkdir(parents=True, exist_ok=True)
    told = (name for name in TABLES if tables[name] or name in _HEADERS)
    write_zip(path, ((f"{name}.txt", _csv(name, tables[name])) for name in told))
    return path


def _csv(name: str, rows: Table) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0] if rows else _HEADERS[name]), lineterminator="\n")
    writer.writeheader()
    # Nothing else is done to texts: a feed is read by machines, which forbid line ends.
    writer.writerows(
        {k: one_line(v) if isinstance(v, str) else v for k, v in row.items()} for row in rows
    )
    return text.getvalue()
