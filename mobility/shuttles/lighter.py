"""Lighter answers first: a new stop, a line taken to the gate, on-demand trips, car-pooling.

A new stop and an extension are tried on the engine: calls are put into the existing runs
and the commutes computed again. On-demand trips are simulated days of booked rides, see
`on_demand`; car-pooling is an estimate from factors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from mobility.base.machine import trim_memory
from mobility.commute.additions import with_stops
from mobility.commute.study import Study
from mobility.commute.variants import with_timetables
from mobility.commute.white_zones import REASONS, WhiteZones
from mobility.engine.journeys import TwoWay
from mobility.shuttles.after import gains
from mobility.shuttles.drive import drive_graph, drive_towards
from mobility.shuttles.model import UNREACHED, Bools, Floats, Ints
from mobility.shuttles.on_demand import Simulation
from mobility.shuttles.places import areas_of, gate_name
from mobility.shuttles.plans import Plans
from mobility.timetable.arrays import FootArrays, RunArrays, Timetable, index_timetable

_NEAR_LINE_M = 250.0
SHORTEST_LEG_M = 400.0
_WINDOW_S = 3_600
_EXTENSION_M = 4_000.0
_AREA_ITERATIONS = 25  # of the searches for who rides together: there are many areas
REMEDIES = ("new_stop", "extension", "on_demand", "carpool", "shuttle")


class Insert(NamedTuple):
    """A call put into a run, after call ``after`` of it (-1: before the first)."""

    run: int
    after: int
    stop: int
    time_s: int


def insert_calls(timetable: Timetable, inserts: Sequence[Insert], n_stops: int) -> Timetable:
    """Return a timetable with more calls and more stops; other calls keep their times.

    Parameters
    ----------
    n_stops
        Stops in all; new ones can be changed at, but have no footpath to others.
    """
    ptr = timetable.run_ptr
    run, after, stop, time = np.array(inserts, np.int64).reshape(-1, 4).T
    order = np.lexsort((time, after, run))
    run, after, stop, time = (column[order] for column in (run, after, stop, time))
    at, trip = ptr[run] + after + 1, timetable.call_trip[ptr[run]]
    # The engine forbids the ends of a run; inside, both are allowed.
    board, alight = timetable.call_board.copy(), timetable.call_alight.copy()
    board[ptr[run + 1][at >= ptr[run + 1]] - 1] = True
    alight[ptr[run][after < 0]] = True
    yes = np.ones(len(run), bool)
    added = np.bincount(run, minlength=timetable.n_runs)
    runs = RunArrays(
        np.r_[0, np.cumsum(np.diff(ptr) + added)].astype(np.int64),
        np.insert(timetable.call_stop, at, stop.astype(np.int32)),
        np.insert(timetable.call_arr, at, time.astype(np.int32)),
        np.insert(timetable.call_dep, at, time.astype(np.int32)),
        np.insert(board, at, yes),
        np.insert(alight, at, yes),
        np.insert(timetable.call_trip, at, trip),
        timetable.run_day,
    )
    more = n_stops - timetable.n_stops
    last = int(timetable.foot_ptr[-1])
    feet = FootArrays(
        np.r_[timetable.foot_ptr, last + 1 + np.arange(more)].astype(np.int64),
        np.r_[timetable.foot_stop, timetable.n_stops + np.arange(more)].astype(np.int32),
        np.r_[timetable.foot_walk_s, np.zeros(more)].astype(np.int32),
        np.r_[timetable.foot_need_s, np.full(more, 60)].astype(np.int32),
    )
    return index_timetable(n_stops, runs, feet)


def _stops_on_the_way(
    timetable: Timetable, stops_xy: Floats, points_xy: Floats, *, near_m: float = _NEAR_LINE_M
) -> list[Insert]:
    """Return calls at new points for the runs that pass by, at the time they pass.

    A leg between two calls passes a point when the straight line between its stops does,
    inside the leg, within ``near_m``; legs shorter than `SHORTEST_LEG_M` are left alone.
    New stops are numbered after the existing ones.
    """
    last = timetable.run_ptr[1:] - 1
    first = np.ones(timetable.n_calls, bool)
    first[last] = False
    call = np.flatnonzero(first)
    one, two = timetable.call_stop[call], timetable.call_stop[call + 1]
    # Both ends as one number: numbers are told apart many times quicker than pairs.
    leg_of, legs = pd.factorize(one.astype(np.int64) * timetable.n_stops + two)
    a, b = (stops_xy[ends] for ends in np.divmod(legs, timetable.n_stops))
    way = b - a
    length2 = np.maximum((way**2).sum(axis=1), 1.0)
    inserts = []
    for k, point in enumerate(points_xy):
        share = ((point - a) * way).sum(axis=1) / length2
        off = np.hypot(*(a + share[:, None] * way - point).T)
        passing = (share > 0.1) & (share < 0.9) & (off <= near_m)
        passing &= length2 >= SHORTEST_LEG_M**2
        if not passing.any():
            continue
        rows = np.flatnonzero(passing[leg_of])
        here = call[rows]
        runs = np.searchsorted(timetable.run_ptr, here, side="right") - 1
        start = timetable.call_dep[here].astype(np.int64)
        time_s = start + np.rint(share[leg_of[rows]] * (timetable.call_arr[here + 1] - start))
        asked = zip(runs, here - timetable.run_ptr[runs], time_s.astype(np.int64), strict=True)
        stop = timetable.n_stops + k
        inserts += [Insert(int(run), int(after), stop, int(at)) for run, after, at in asked]
    return inserts


def _extended_runs(
    timetable: Timetable, drive_s: Ints, stop: int, *, inbound_s: Ints, outbound_s: Ints
) -> list[Insert]:
    """Return calls at a gate for runs that end or start near it around shift hours.

    Parameters
    ----------
    drive_s
        int32[S] seconds from each stop to the gate, `UNREACHED` where too far.
    stop
        Index of the new stop at the gate.
    inbound_s, outbound_s
        Latest arrivals wanted at the gate, and earliest departures from it.
    """
    start, end = timetable.run_ptr[:-1], timetable.run_ptr[1:] - 1
    there, back = (drive_s[timetable.call_stop[at]].astype(np.int64) for at in (end, start))
    arrive = timetable.call_arr[end] + there + 60
    leave = timetable.call_dep[start] - back - 60
    wait = inbound_s[None] - arrive[:, None], leave[:, None] - outbound_s[None]
    into, out = (((late >= 0) & (late <= _WINDOW_S)).any(axis=1) for late in wait)
    into, out = into & (there < UNREACHED), out & (back < UNREACHED)
    inserts = []
    for run in np.flatnonzero(into | out).tolist():
        if into[run]:
            inserts.append(Insert(run, int(end[run] - start[run]), stop, int(arrive[run])))
        if out[run]:
            inserts.append(Insert(run, -1, stop, int(leave[run])))
    return inserts


def _with_stops(study: Study, lonlat: Floats, names: Sequence[str]) -> Study:
    return with_stops(study, [f"new:{k}" for k in range(len(names))], names, lonlat)


def with_lighter(plans: Plans, zones: WhiteZones) -> tuple[Plans, pd.DataFrame | None]:
    """Return plans that know whether lighter answers beat them, and `lighter_answers`."""
    if plans.knee is None:
        return plans, None
    answers = lighter_answers(plans, zones)
    if not answers["shuttle_justified"].any():
        plans = replace(plans, beaten="a lighter answer serves every area for less")
    return plans, answers


def lighter_answers(plans: Plans, zones: WhiteZones) -> pd.DataFrame:
    """Compare the remedies of each white area of each site.

    Returns
    -------
    DataFrame
        One row per area and site, most white workers first: ``area, site, white_workers,
        reason``, then for each of `REMEDIES` ``<remedy>_workers`` (white shift-places reached)
        and ``<remedy>_eur_worker`` (EUR a year for each who would use it), ``on_demand_by`` and
        ``on_demand_vehicles`` (the size of vehicle, or taxi, and how many), ``best`` and
        ``shuttle_justified``: no lighter remedy reaches four fifths of the shuttle's
        workers for less. A plan that is not advised is no answer anywhere.
    """
    study, scene = plans.study, plans.scene
    assert plans.homes_xy is not None
    area = np.array(areas_of(study, plans.homes, plans.homes_xy))
    names = sorted(set(area))
    white = scene.white
    site_of = np.array([study.shift_rows[s].site for s in scene.shift_ids])
    points = _thickest(plans, area, names)
    sites = sorted({e.site for e in scene.edges})
    gates = np.array([study.sites[s].gates[0] for s in sites], np.float64)
    # Both are tried on one study: the walks around their stops are measured once.
    variant = _with_stops(
        study,
        np.concatenate([study.streets.unproject(points), gates]),
        [*(f"Nouvel arrêt {n}" for n in names), *(gate_name(study, s) for s in sites)],
    )
    stop_gain, stop_eur = _new_stops(plans, variant, points)
    gate_gain, gate_eur = _extensions(plans, variant, sites, gates)
    variant.views.forget()
    del variant
    trim_memory()
    told = None if plans.refused else plans.knee
    simulation = plans.simulation(white, iterations=_AREA_ITERATIONS)
    shuttle = np.zeros_like(white) if told is None else told.service.reached
    rows = []
    for site in sorted(set(site_of.tolist())):
        mine = site_of == site
        for name in names:
            here = (area == name)[None] & mine[:, None] & white
            people = float(scene.workers[here].sum())
            if people * plans.config.capture_rate < plans.config.min_workers:
                continue
            row: dict[str, object] = {
                "area": name,
                "site": study.sites[site].name,
                "white_workers": people,
                "reason": _main_reason(zones, plans, area == name, site),
            }
            row |= _booked(simulation, plans, here, people) | _carpool(plans, here)
            for remedy, gain, eur in (
                ("new_stop", stop_gain, stop_eur),
                ("extension", gate_gain, gate_eur.get(site, float("nan"))),
            ):
                reached = float(scene.workers[here & gain].sum())
                row[f"{remedy}_workers"] = reached
                used = reached * plans.config.capture_rate
                row[f"{remedy}_eur_worker"] = eur / used if used > 0 else float("nan")
            row["shuttle_workers"] = float(scene.workers[here & shuttle].sum())
            row["shuttle_eur_worker"] = (
                told.eur_per_place if told is not None and row["shuttle_workers"] else float("nan")
            )
            rows.append(row | _verdict(row))
    columns = [
        "area", "site", "white_workers", "reason",
        *(f"{r}_{what}" for r in REMEDIES for what in ("workers", "eur_worker")),
        "on_demand_by", "on_demand_vehicles", "best", "shuttle_justified",
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    return frame.sort_values(
        ["white_workers", "area", "site"], ascending=[False, True, True], ignore_index=True
    )


def _booked(simulation: Simulation, plans: Plans, here: Bools, people: float) -> dict[str, object]:
    """Return the cheapest service of booked rides for the white of an area and site."""
    found = [service for service in simulation.services(here) if not service.why]
    users = people * plans.config.capture_rate * found[0].served if found else 0.0
    return {
        "on_demand_workers": people * found[0].served if found else 0.0,
        "on_demand_eur_worker": found[0].eur_year / users if users else float("nan"),
        "on_demand_by": found[0].by if users else "",
        "on_demand_vehicles": found[0].vehicles if users else 0,
    }


def _carpool(plans: Plans, here: Bools) -> dict[str, object]:
    """Return car-pooling for those who have a colleague nearby."""
    scene, factors = plans.scene, plans.factors
    matched = 0.0
    for row in range(len(scene.workers)):
        crew = float(scene.workers[row][here[row]].sum())
        matched += crew if crew >= factors["light.carpool_crew"] else 0.0
    return {
        "carpool_workers": matched * factors["light.carpool_adoption"],
        "carpool_eur_worker": factors["light.carpool_worker_year"] if matched else float("nan"),
    }


def _verdict(row: dict[str, object]) -> dict[str, object]:
    def number(name: str) -> float:
        return float(row[name])  # type: ignore[arg-type]

    priced = {
        r: number(f"{r}_eur_worker")
        for r in REMEDIES
        if number(f"{r}_workers") > 0 and not np.isnan(number(f"{r}_eur_worker"))
    }
    wanted = number("shuttle_workers")
    lighter = [
        r
        for r, eur in priced.items()
        if r != "shuttle"
        and number(f"{r}_workers") >= 0.8 * wanted
        and eur < priced.get("shuttle", float("inf"))
    ]
    most = max((number(f"{r}_workers") for r in priced), default=0.0)
    enough = {r: eur for r, eur in priced.items() if number(f"{r}_workers") >= 0.5 * most}
    return {
        "best": min(enough, key=lambda r: (enough[r], r)) if enough else "",
        "shuttle_justified": "shuttle" in priced and not lighter,
    }


def _main_reason(zones: WhiteZones, plans: Plans, here: Bools, site: int) -> str:
    """Return the reason that holds the most workers of an area."""
    weight = np.zeros(len(REASONS))
    rank = {int(s): k for k, s in enumerate(plans.scene.shift_ids)}
    for z, shift in enumerate(zones.keys["shift_id"]):
        if int(shift) in rank and plans.study.shift_rows[int(shift)].site == site:
            people = np.where(here, plans.scene.workers[rank[int(shift)]], 0.0)
            weight += np.bincount(
                zones.reason[z, plans.homes], weights=people, minlength=len(REASONS)
            )
    weight[0] = 0.0
    return REASONS[int(np.argmax(weight))] if weight.any() else ""


def _thickest(plans: Plans, area: np.ndarray, names: Sequence[str]) -> Floats:
    """Return where the white workers of each area are thickest, float64 (areas, 2), projected."""
    total, xy = plans.scene.workers.sum(axis=0), plans.homes_xy
    assert xy is not None
    mine = [area == name for name in names]
    return np.array([np.average(xy[here], axis=0, weights=total[here] + 1e-9) for here in mine])


def _new_stops(plans: Plans, variant: Study, points: Floats) -> tuple[Bools, float]:
    """Try one new stop in each area, where its white workers are thickest.

    Parameters
    ----------
    variant
        The study with a stop at each of these points after its own, then others.
    """
    study = plans.study
    stops = study.feed.stops
    stops_xy = study.streets.project(
        stops["lon"].fillna(0).to_numpy(np.float64), stops["lat"].fillna(0).to_numpy(np.float64)
    )

    def calling(kind: str) -> TwoWay:
        tt = study.timetables[kind].timetable
        new = _stops_on_the_way(tt, stops_xy, points)
        return TwoWay(insert_calls(tt, new, len(variant.feed.stops)))

    return _gain(plans, variant, calling), plans.factors["light.new_stop_eur_year"]


def _extensions(
    plans: Plans, variant: Study, sites: Sequence[int], gates: Floats
) -> tuple[Bools, dict[int, float]]:
    """Take to each gate the runs that end or start within `_EXTENSION_M` of it, at shift hours.

    Parameters
    ----------
    variant
        The study with more stops, the last of which are at the gates of the sites.
    """
    study, scene = plans.study, plans.scene
    drive_s, drive_m = _drives_to(plans, gates)
    n = len(variant.feed.stops) - len(sites)
    longer: dict[str, list[Insert]] = {}
    km = dict.fromkeys(sites, 0.0)
    hours = dict.fromkeys(sites, 0.0)
    for day in study.days:
        timetable = study.timetables[day.kind].timetable
        inserts: list[Insert] = []
        count = sum(d.count for d in plans.days if d.kinds[d.weekday] == day.kind)
        for k, site in enumerate(sites):
            wanted = [
                scene.edges[e] for e in range(len(scene.edges)) if scene.edges[e].site == site
            ]
            into = np.array([e.clock_s - 600 for e in wanted if e.direction == "in"], np.int32)
            out = np.array([e.clock_s + 600 for e in wanted if e.direction == "out"], np.int32)
            found = _extended_runs(timetable, drive_s[:, k], n + k, inbound_s=into, outbound_s=out)
            taken = {(i.run, i.after < 0) for i in inserts}
            found = [i for i in found if (i.run, i.after < 0) not in taken]
            inserts += found
            for i in found:
                row = timetable.run_ptr[i.run] if i.after < 0 else timetable.run_ptr[i.run + 1] - 1
                stop = int(timetable.call_stop[row])
                km[site] += count * 2 * drive_m[stop, k] / 1000
                hours[site] += count * 2 * drive_s[stop, k] / 3600
        longer[day.kind] = inserts
    more = 1 + plans.factors["overhead"]
    eur = {
        s: more
        * (
            km[s] * plans.factors["light.extension_km"]
            + hours[s] * plans.factors["light.extension_driver_hour"]
        )
        for s in sites
    }

    def extended(kind: str) -> TwoWay:
        tt = study.timetables[kind].timetable
        return TwoWay(insert_calls(tt, longer[kind], n + len(sites)))

    return _gain(plans, variant, extended), eur


def _drives_to(plans: Plans, gates: Floats) -> tuple[Ints, Floats]:
    """Return seconds and metres from each stop to each gate, `UNREACHED` beyond `_EXTENSION_M`."""
    study = plans.study
    stops = study.feed.stops[["lon", "lat"]].fillna(0).to_numpy(np.float64)
    stops_xy = study.streets.project(stops[:, 0], stops[:, 1])
    gates_xy = study.streets.project(gates[:, 0], gates[:, 1])
    away = np.hypot(*(stops_xy[:, None] - gates_xy[None]).transpose(2, 0, 1))
    near = np.flatnonzero((away <= _EXTENSION_M).any(axis=1))
    places = np.concatenate([stops[near], gates])
    graph = drive_graph(
        study.streets, study.territory.speeds, places, factor=plans.config.drive_factor
    )
    drive = drive_towards(graph, np.arange(len(near)), np.arange(len(near), len(places)))
    seconds = np.full(away.shape, UNREACHED, np.int32)
    metres = np.full(away.shape, np.inf)
    seconds[near], metres[near] = drive.seconds, drive.metres
    far = metres > _EXTENSION_M
    return np.where(far, UNREACHED, seconds).astype(np.int32), np.where(far, 0.0, metres)


def _gain(plans: Plans, variant: Study, timetable: Callable[[str], TwoWay]) -> Bools:
    """Return bool[shifts of the scene, its homes]: reached in a variant of the network.

    Parameters
    ----------
    timetable
        The one of a kind of day.
    """

    def after(kind: str) -> Study:
        trim_memory()
        return with_timetables(variant, {kind: timetable(kind)})

    gained = gains(plans.access, after, [int(s) for s in plans.scene.shift_ids])
    return np.asarray(gained[plans.scene.shift_ids][:, plans.homes])
