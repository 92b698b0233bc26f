"""A map model as what the page embeds: a manifest and a store of blobs."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from mobility.commute.door_to_door import OVERTIME_MAX_S
from mobility.outputs.map.figures import Counter, Rows, directions
from mobility.outputs.map.model import NONE, MapModel, MapPlan, MapRun, Scenario, UInt8
from mobility.outputs.map.pack import Store, add_paths, along_curve, quantised
from mobility.shuttles.gtfs_out import COLOURS

Manifest = dict[str, Any]


def build(model: MapModel, store: Store) -> Manifest:
    """Return the manifest of a page, its arrays put into ``store``."""
    order = along_curve(model.homes.lon, model.homes.lat)
    communes = sorted(set(model.homes.commune))
    return {
        "territory": model.territory,
        "version": model.version,
        "limits": {k: float(v) for k, v in sorted(model.limits.items())},
        "homes": _homes(model, store, order, communes),
        "sites": [
            {"name": s.name, "employer": s.employer,
             "gates": [[float(lon), float(lat)] for lon, lat in s.gates]}
            for s in model.sites
        ],
        "rosters": [
            {"site": r.site, "name": r.name, "headcount": r.headcount} for r in model.rosters
        ],
        "shifts": [
            {
                "roster": s.roster, "name": s.name, "start": s.start_s, "end": s.end_s,
                "headcount": s.headcount,
            }
            for s in model.shifts
        ],
        "days": [{"kind": d.kind, "date": d.date, "label": d.label} for d in model.days],
        "modes": list(model.modes),
        "keys": _triples(model.key_shift, model.key_day, model.key_mode),
        "zones": _triples(model.zone_shift, model.zone_day),
        "scenarios": _scenarios(model, store, order, communes),
        "colours": [f"#{colour}" for colour in COLOURS],
        "overtime_most": OVERTIME_MAX_S // 60,
        "plans": [_plan(p, store) for p in model.plans],
        "itineraries": _itineraries(model, store, order),
        "stops": _stops(model, store),
        "background": _background(model, store),
        "sources": [
            {"role": s.role, "name": s.name, "by": s.attribution, "licence": s.licence,
             "sha": s.sha256[:12]}
            for s in model.sources
        ],
        "findings": [list(f) for f in model.findings],
    }  # fmt: skip


def _triples(*columns: NDArray[np.int64]) -> list[list[int]]:
    return [[int(v) for v in row] for row in zip(*columns, strict=True)]


def _homes(model: MapModel, store: Store, order: NDArray[np.intp], communes: list[str]) -> Manifest:
    homes = model.homes
    index = {name: i for i, name in enumerate(communes)}
    # In tenths: a cell may hold less than one worker, and is drawn as it is not empty.
    pools = [
        store.add_ints(np.ceil(np.round(10 * homes.pool(r)[order], 6)).astype(np.int64))
        for r in range(len(model.rosters))
    ]
    return {
        "n": len(homes),
        "lon": store.add_ints(quantised(homes.lon[order]), delta=True),
        "lat": store.add_ints(quantised(homes.lat[order]), delta=True),
        "cells": _cells(homes.cells, store, order),
        "names": store.add_json([homes.name[i] for i in order]),
        "ids": store.add_json([homes.home_id[i] for i in order]) if homes.home_id else None,
        "communes": communes,
        "commune": store.add_ints([index[homes.commune[i]] for i in order], delta=True),
        "pools": pools,
        "groups": list(homes.groups),
    }


def _cells(
    cells: tuple[shapely.Polygon | shapely.MultiPolygon, ...] | None,
    store: Store,
    order: NDArray[np.intp],
) -> Manifest | None:
    if cells is None:
        return None
    ordered = np.array(cells, dtype=object)[order]
    parts, home = shapely.get_parts(ordered, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    paths = [shapely.get_coordinates(ring)[:-1] for ring in rings]
    per_home = np.bincount(home[part], minlength=len(cells))
    return {"rings": store.add_ints(per_home), **add_paths(store, paths)}


def _scenario(
    model: MapModel, scenario: Scenario, store: Store, order: NDArray[np.intp], counter: Counter
) -> Manifest:
    rows, first = Rows(model, scenario), Rows(model, model.scenarios[0])
    out, back, over = [], [], []
    for row in range(rows.n_rows()):
        there, home = _both(rows, row)
        out.append(store.add_bytes(there[order]))
        back.append(store.add_bytes(home[order]))
        late = rows.minutes(row, "overtime_min")
        over.append(None if late is None else store.add_bytes(late[order]))
        classes, roster = directions(there, home), rows.roster_of(row)
        counter.add_mode(classes, roster)
        if scenario is not model.scenarios[0]:
            counter.add_change(directions(*_both(first, row)) == 0, classes == 0, roster)
    zone = []
    for row in range(rows.n_zones()):
        status, reason = rows.status(row), rows.reason(row)
        zone.append(store.add_bytes((status | (reason << 2))[order]))
        main = rows.main_reason(row, model.homes.pool(rows.roster_of_zone(row)))
        counter.add_zone(status, reason, rows.roster_of_zone(row), main)
    share = scenario.share
    return {
        "name": scenario.name,
        "dates": list(scenario.dates),
        "out": out, "back": back, "over": over, "zone": zone,
        "fix": None if scenario.fix_min is None else [
            store.add_bytes(row[order]) for row in scenario.fix_min
        ],
        "share": None if share is None else [
            store.add_bytes(share[r, m][order])
            for r in range(share.shape[0]) for m in range(share.shape[1])
        ],
        "figures": {
            "modes": store.add_json(counter.modes), "zones": store.add_json(counter.zones),
            "gains": store.add_json(counter.gains),
            "area_modes": store.add_ints(np.array(counter.area_modes)),
            "area_zones": store.add_ints(np.array(counter.area_zones)),
        },
    }  # fmt: skip


def _scenarios(
    model: MapModel, store: Store, order: NDArray[np.intp], communes: list[str]
) -> list[Manifest]:
    index = {name: i for i, name in enumerate(communes)}
    area = np.array([index[c] for c in model.homes.commune])
    return [
        _scenario(model, scenario, store, order, Counter(model, area, len(communes)))
        for scenario in model.scenarios
    ]


def _both(rows: Rows, row: int) -> tuple[UInt8, UInt8]:
    there, home = rows.minutes(row, "outbound_min"), rows.minutes(row, "return_min")
    if there is None or home is None:
        raise AssertionError("minutes of both directions are mandatory")
    return there, home


def _plan(plan: MapPlan, store: Store) -> Manifest:
    lines = [
        {
            "name": line.name,
            "path": _flat(line.path),
            "stops": [
                [s.name, *_point(s.lon, s.lat), None if s.riders is None else round(s.riders)]
                for s in line.stops
            ],
        }
        for line in plan.lines
    ]
    return {
        "name": plan.name,
        "told": plan.told,
        "cost": round(plan.cost_eur),
        "workers": round(plan.workers),
        "vehicles": plan.vehicles,
        "km": round(plan.km_per_year),
        "scenario": plan.scenario,
        "facts": [list(f) for f in plan.facts],
        "lines": store.add_json(lines),
        "runs": store.add_json([_run(r) for r in plan.runs]),
    }


def _run(run: MapRun) -> Manifest:
    return {
        "line": run.line,
        "vehicle": run.vehicle,
        "dir": run.direction,
        "stops": list(run.stops),
        "times": list(run.times_s),
        "riders": [round(r) for r in run.riders],
        "days": list(run.days),
        "path": None if run.path is None else _flat(run.path),
    }


def _flat(path: NDArray[np.float64]) -> list[int]:
    return [int(v) for v in quantised(path).ravel()]


def _point(lon: float, lat: float) -> list[int]:
    return [int(v) for v in quantised([lon, lat])]


def _itineraries(model: MapModel, store: Store, order: NDArray[np.intp]) -> dict[str, int]:
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    by_key: dict[int, list[object]] = {}
    for trip in model.itineraries:
        legs = [
            [[leg.kind, leg.depart, leg.arrive, leg.from_name, leg.to_name, leg.line]
             for leg in way]
            for way in (trip.outbound, trip.back)
        ]  # fmt: skip
        by_key.setdefault(trip.key, []).append([int(place[trip.home]), *legs])
    return {str(key): store.add_json(found) for key, found in sorted(by_key.items())}


def _stops(model: MapModel, store: Store) -> Manifest:
    stops = model.stops
    return {
        "n": len(stops.name),
        "names": store.add_json(list(stops.name)),
        "lon": store.add_ints(quantised(stops.lon), delta=True),
        "lat": store.add_ints(quantised(stops.lat), delta=True),
        "trips": [store.add_ints(column) for column in stops.trips.T] if stops.name else [],
    }


def _background(model: MapModel, store: Store) -> Manifest:
    ground = model.background
    areas = {}
    for kind, shapes in sorted(ground.areas.items()):
        rings = [ring for shape in shapes for ring in shape]
        counts = store.add_ints([len(shape) for shape in shapes])
        areas[kind] = {"rings": counts, **add_paths(store, rings)}
    return {
        "roads": {k: add_paths(store, list(v)) for k, v in sorted(ground.roads.items()) if v},
        "areas": areas,
        "rivers": add_paths(store, list(ground.rivers)),
        "railways": add_paths(store, list(ground.railways)),
        "places": [[p.name, *_point(p.lon, p.lat), p.rank] for p in ground.places],
    }


__all__ = ["NONE", "Manifest", "build"]
