"""From results to the model of a page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache, partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mobility.base import __version__
from mobility.base.arrays import Float, Int64
from mobility.base.cache import Bundle
from mobility.commute.access import Access, roster_shifts, site_key
from mobility.commute.examples import EdgeAnswers, LegText, answers
from mobility.commute.study import Study
from mobility.commute.white_zones import WhiteZones
from mobility.outputs.map import model
from mobility.outputs.map.background import background_key, background_of
from mobility.outputs.map.kept_parts import MapGround, MapJourneys, MapLeg, MapWay
from mobility.outputs.record import inputs_hash
from mobility.sources.days import KIND_LABELS
from mobility.territory.project import Site
from mobility.timetable.arrays import INF, Timetable
from mobility.timetable.runs import departures, headways, that_leave

#: Journeys kept in a page, shared equally among shifts and kinds of day: those of the homes with
#: most workers.
_JOURNEYS = 20_000


def map_model(
    access: Access,
    zones: WhiteZones,
    *,
    name: str = "",
    after: tuple[tuple[str, Access, WhiteZones], ...] = (),
    fix: NDArray[np.int16] | None = None,
    journeys: bool = True,
) -> model.MapModel:
    """Return what a page shows of the results.

    Parameters
    ----------
    access, zones
        The present, or the scenario the others are compared with.
    name
        Name of that scenario; none for the present.
    after
        Further scenarios over the same homes, sites and days: name, access, white zones.
    fix : int16[Z, H], optional
        Minutes to fix of the present, in the rows of the white zones: 0 where the commute
        holds, -1 where no single move makes it hold.
    journeys
        Whether journeys are told; they take most of the room.
    """
    study = access.study
    days = [day.kind for day in study.days]
    modes: list[str] = list(study.territory.modes.evaluated)
    roster_of = {key: i for i, key in enumerate(roster_shifts(study))}
    named = [(name, access, zones), *after]
    scenarios = [_scenario(known, a, z, roster_of, modes) for known, a, z in named]
    if fix is not None:
        fix_min = np.where(fix < 0, model.NONE, np.minimum(fix, model.NONE - 1)).astype(np.uint8)
        scenarios[0] = replace(scenarios[0], fix_min=fix_min)
    return model.MapModel(
        territory=study.territory.name,
        homes=_homes(study, roster_of),
        sites=tuple(_site(study, s) for s in study.sites),
        rosters=tuple(
            model.MapRoster(site, name, _headcount(study, site, name)) for site, name in roster_of
        ),
        shifts=tuple(
            model.MapShift(roster_of[s.site, s.roster], s.shift, s.start_s, s.end_s, s.headcount)
            for s in study.shift_rows
        ),
        days=tuple(
            model.MapDay(d.kind, d.date.isoformat(), "" if d.kind in KIND_LABELS else d.label)
            for d in study.days
        ),
        modes=tuple(modes),
        key_shift=access.keys["shift_id"].to_numpy(np.int64),
        key_day=_index(access.keys["day_kind"].tolist(), days),
        key_mode=_index(access.keys["mode"].tolist(), modes),
        zone_shift=zones.keys["shift_id"].to_numpy(np.int64),
        zone_day=_index(zones.keys["day_kind"].tolist(), days),
        scenarios=tuple(scenarios),
        itineraries=tuple(_examples(access, zones)) if journeys else (),
        stops=_stops(study),
        lines=_existing_lines(study),
        employees=study.homes.personal,
        inputs=inputs_hash(study),
        background=MapGround(
            partial(background_of, study),
            lambda more, make: study.kept(["background", *background_key(study), *more], make),
        ),
        limits=study.territory.limits.model_dump(),
        sources=tuple(
            model.MapSource(s.role, s.name, s.attribution, s.licence, s.sha256)
            for s in study.sources
        ),
        findings=tuple(
            (f.render("fr"), f.render("en")) for f in study.findings if f.severity != "info"
        ),
        version=__version__,
    )


def _site(study: Study, site: Site) -> model.MapSite:
    margins = study.territory.limits.margins_min(site)
    return model.MapSite(site.name, site.employer, tuple(site.gates), margins)


def _index(names: list[str], known: list[str]) -> Int64:
    return np.array([known.index(name) for name in names], np.int64)


def _headcount(study: Study, site: int, roster: str) -> int:
    return sum(study.shift_rows[i].headcount for i in roster_shifts(study)[site, roster])


def _homes(study: Study, roster_of: dict[tuple[int, str], int]) -> model.MapHomes:
    frame, cells = study.homes.frame, study.homes.cells
    # In metres: the middle of a shape's degrees is not its own.
    middle = study.homes.shapes.to_crs(study.streets.crs).centroid.to_crs("EPSG:4326")
    known = study.homes.pool is not None
    return model.MapHomes(
        lon=middle.x.to_numpy(),
        lat=middle.y.to_numpy(),
        name=tuple(_texts(frame["name"])),
        home_id=tuple(study.homes.ids),
        commune=tuple(_texts(frame["commune"])),
        workers=study.workers,
        cells=None if cells is None else tuple(cells),
        pools={i: study.pool(*key) for key, i in roster_of.items()} if known else {},
        groups={g: frame[g].to_numpy(np.float64) for g in study.homes.groups},
    )


def _texts(column: pd.Series) -> list[str]:
    return column.fillna("").astype(str).tolist()


def _scenario(
    name: str,
    access: Access,
    zones: WhiteZones,
    roster_of: dict[tuple[int, str], int],
    modes: list[str],
) -> model.Scenario:
    found = access.rosters
    share = np.zeros((len(roster_of), len(modes), access.study.n_homes), np.uint8)
    for r, (site, _, roster, mode) in enumerate(found.keys.itertuples(index=False)):
        if mode in modes:
            row = roster_of[int(site), str(roster)]
            # A hundred only where every day holds; sums may miss it by a rounding error.
            share[row, modes.index(mode)] = np.floor(found.share[r] * 100 + 1e-9)
    return model.Scenario(
        name=name,
        outbound_min=model.minutes(access.outbound_s, unreached=INF),
        return_min=model.minutes(access.return_s, unreached=INF),
        status=zones.status.astype(np.uint8),
        reason=zones.reason.astype(np.uint8),
        overtime_min=model.minutes(access.overtime_s, unreached=INF),
        share=share,
        dates=tuple(day.date.isoformat() for day in access.study.days),
    )


def _stops(study: Study) -> model.Stops:
    stops = study.feed.stops
    trips = np.array([departures_per_stop(study, day.kind) for day in study.days]).T
    shown = stops["lon"].notna().to_numpy() & (trips.sum(axis=1) > 0)
    return model.Stops(
        name=tuple(stops["stop_name"].fillna("").astype(str)[shown]),
        lon=stops["lon"].to_numpy(np.float64)[shown],
        lat=stops["lat"].to_numpy(np.float64)[shown],
        trips=trips[shown],
    )


def departures_per_stop(study: Study, day_kind: str) -> np.ndarray:
    """Return the departures of the day's own service day, int64 (stops,)."""

    def compute() -> Bundle:
        tt = study.timetables[day_kind].timetable
        sizes = np.diff(tt.run_ptr)
        own = np.repeat(tt.run_day == 0, sizes) & tt.call_board
        weights = np.repeat(departures(tt), sizes)[own]
        stops = study.feed.own_stop[tt.call_stop[own]]
        n = np.rint(np.bincount(stops, weights, minlength=tt.n_stops)).astype(np.int64)
        return {"departures": n}

    return np.asarray(study.kept(["departures", day_kind], compute)["departures"])


def _examples(access: Access, zones: WhiteZones) -> Iterator[MapJourneys]:
    """Yield the journeys of the homes that hold a direction, those with most workers first.

    They are kept where the study's results are.
    """
    study = access.study
    most = _JOURNEYS // max(1, len(zones.keys))
    for shift_id, day_kind in zones.keys.itertuples(index=False):
        key = access.row(shift_id, day_kind, "transit")
        if key is None:
            continue
        homes = np.flatnonzero(access.holds_out[key] | access.holds_back[key])
        homes = homes[np.argsort(-study.workers[homes], kind="stable")][:most]
        if not len(homes):
            continue
        row, day = study.shift_rows[shift_id], next(d for d in study.days if d.kind == day_kind)
        follows_from = ["journeys", *site_key(study, row.site, [(shift_id, day, "")])]
        follows_from += [row.site_name, homes]
        yield MapJourneys(
            key,
            homes,
            partial(_ways, study, shift_id, day_kind, homes),
            lambda more, make, key=follows_from: study.kept([*key, *more], make),  # type: ignore[misc]
        )


def _ways(
    study: Study, shift_id: int, day_kind: str, homes: NDArray[np.intp]
) -> Iterator[tuple[MapWay, MapWay]]:
    """Yield outbound and return of some homes."""
    both = answers(study, shift_id, day_kind)
    for home in homes.tolist():
        outbound, back = (_legs(way, home) for way in both)
        yield outbound, back


def _legs(found: EdgeAnswers, home: int) -> MapWay:
    """Return the legs of a journey, but changes from a stop to itself within the minute."""
    return tuple(
        _leg(leg)
        for leg in found.texts(home)
        if leg.depart != leg.arrive or leg.from_name != leg.to_name
    )


@lru_cache(maxsize=1 << 16)
def _leg(leg: LegText) -> MapLeg:
    depart, arrive = (
        f"≈ {time}" if about else time
        for time, about in zip((leg.depart, leg.arrive), leg.about, strict=True)
    )
    return MapLeg(leg.kind, depart, arrive, leg.from_name, leg.to_name, leg.line)


def _existing_lines(study: Study) -> tuple[model.ExistingLine, ...]:
    """Return each line of the timetable that runs on a day studied, by name.

    The path is that of the stops of its longest trip. Lines of one name are one line, as riders
    see it.
    """

    def compute() -> Bundle:
        lines, none = list(_lines(study)), np.zeros((0, 2))
        trips = [trips for line in lines for trips in line.trips]
        return {
            "names": np.frombuffer(json.dumps([line.name for line in lines]).encode(), np.uint8),
            "path": np.concatenate([none, *(line.path for line in lines)]),
            "path_ptr": np.cumsum([0, *(len(line.path) for line in lines)]),
            "trip": np.concatenate([none, *trips]).astype(np.int64),
            "trip_ptr": np.cumsum([0, *map(len, trips)]),
        }

    kept = study.kept(["lines"], compute)
    found = {name: np.asarray(array) for name, array in kept.items()}
    paths, trips = (np.split(found[name], found[f"{name}_ptr"][1:-1]) for name in ("path", "trip"))
    days = len(study.days)
    return tuple(
        model.ExistingLine(name, paths[k], tuple(trips[k * days : (k + 1) * days]))
        for k, name in enumerate(json.loads(found["names"].tobytes()))
    )


def _lines(study: Study) -> Iterator[model.ExistingLine]:
    days = [study.timetables[day.kind].timetable for day in study.days]
    found: dict[str, list[Int64]] = {}
    paths: dict[str, Float] = {}
    lonlat, names = study.feed.lonlat(), study.feed.line_names
    for d, tt in enumerate(days):
        runs = np.flatnonzero((tt.run_day == 0) & (np.diff(tt.run_ptr) > 1))
        for name, mine in _by_name(tt, that_leave(tt, runs), names).items():
            first, last = mine.T
            start_s, end_s = tt.call_dep[first], tt.call_arr[last]
            end_s = end_s - headways(tt)[tt.run_ptr.searchsorted(first, side="right") - 1]
            spans = np.column_stack([start_s // 60, (end_s - start_s) // 60]).astype(np.int64)
            empty = np.zeros((0, 2), np.int64)
            trips = found.setdefault(name, [empty for _ in days])
            trips[d] = spans[np.argsort(spans[:, 0], kind="stable")]
            path = _longest(study, tt, mine, lonlat)
            if name not in paths or len(path) > len(paths[name]):
                paths[name] = path
    for name in sorted(found):
        if len(paths[name]) > 1:
            yield model.ExistingLine(name, paths[name], tuple(found[name]))


def _by_name(tt: Timetable, runs: NDArray[np.intp], names: Sequence[str]) -> dict[str, Int64]:
    """Return the first and last call of each trip of a line: a vehicle may go on as another."""
    begins = np.diff(tt.call_trip, prepend=-2) != 0
    begins[tt.run_ptr[:-1]] = True
    first = np.flatnonzero(begins)
    last = np.append(first[1:], tt.n_calls) - 1
    run = tt.run_ptr.searchsorted(first, side="right") - 1
    mine = np.isin(run, runs) & (tt.call_trip[first] >= 0)
    grouped: dict[str, list[tuple[int, int]]] = {}
    for one, end in zip(first[mine].tolist(), last[mine].tolist(), strict=True):
        grouped.setdefault(names[tt.call_trip[one]], []).append((one, end))
    return {name: np.array(calls) for name, calls in grouped.items()}


def _longest(study: Study, tt: Timetable, trips: Int64, lonlat: Float) -> Float:
    first, last = trips[int(np.argmax(trips[:, 1] - trips[:, 0]))]
    stops = study.feed.own_stop[tt.call_stop[first : last + 1]]
    points = lonlat[stops]
    return points[np.isfinite(points).all(axis=1)]
