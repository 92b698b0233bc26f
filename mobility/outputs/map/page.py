"""Write a map model as one self-contained page: a manifest, and blobs of the arrays it names."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import ArrayLike

from mobility.base.arrays import Int64
from mobility.base.cache import Bundle, cached, code_hash
from mobility.base.files import write_text
from mobility.base.i18n import translate
from mobility.commute.door_to_door import OVERTIME_MAX_S
from mobility.commute.indicators import round_persons
from mobility.outputs.map.assets import ENGLISH, filled, page_file, page_french, page_script
from mobility.outputs.map.figures import Counter, Rows, directions
from mobility.outputs.map.kept_parts import add_background, add_journeys
from mobility.outputs.map.model import MapLever, MapModel, MapPlan, MapRun, Scenario, UInt8
from mobility.outputs.map.pack import (
    Manifest,
    Store,
    add_paths,
    along_curve,
    carry,
    compact_json,
    printed,
    quantised,
    read_page,
)
from mobility.shuttles.written import COLOURS


def build(model: MapModel, store: Store) -> Manifest:
    """Return the manifest of a page, its arrays put into ``store``."""
    order = along_curve(model.homes.lon, model.homes.lat)
    communes, area = np.unique(np.array(model.homes.commune, object), return_inverse=True)
    days = [{"kind": d.kind, "date": d.date, "label": printed(d.label)} for d in model.days]
    return {
        "territory": printed(model.territory),
        "version": model.version,
        "inputs": model.inputs,
        "limits": {k: float(v) for k, v in sorted(model.limits.items())},
        "homes": _homes(model, store, order, communes.tolist(), area),
        "sites": [
            {"name": printed(s.name), "employer": printed(s.employer),
             "gates": [[float(lon), float(lat)] for lon, lat in s.gates],
             "margins": list(s.margins)}
            for s in model.sites
        ],
        "rosters": [
            {"site": r.site, "name": printed(r.name), "headcount": r.headcount}
            for r in model.rosters
        ],
        "shifts": [
            {
                "roster": s.roster, "name": printed(s.name), "start": s.start_s, "end": s.end_s,
                "headcount": s.headcount,
            }
            for s in model.shifts
        ],
        "days": days,
        "modes": list(model.modes),
        "keys": _triples(model.key_shift, model.key_day, model.key_mode),
        "zones": _triples(model.zone_shift, model.zone_day),
        "scenarios": [
            _scenario(model, scenario, store, order, Counter(model, area, len(communes)))
            for scenario in model.scenarios
        ],
        "colours": [f"#{colour}" for colour in COLOURS],
        "overtime_most": OVERTIME_MAX_S // 60,
        "plans": [_plan(p, store) for p in model.plans],
        "levers": [_lever(lever) for lever in model.levers],
        "lines": _lines(model, store),
        "people": "employees" if model.employees else "pool",
        "first": _first(model),
        "itineraries": add_journeys(store, model.itineraries, order),
        "stops": _stops(model, store),
        "background": add_background(store, model.background),
        "sources": [
            {"role": s.role, "name": s.name, "by": printed(s.attribution), "licence": s.licence,
             "sha": s.sha256[:12]}
            for s in model.sources
        ],
        "findings": [list(f) for f in model.findings],
    }  # fmt: skip


def _first(model: MapModel) -> str:
    """Return what the page opens on: as the report's first page, who holds a roster without a car.

    Public transport tells it by times, unless another way counts too. A page that compares two
    named scenarios opens on who gains.
    """
    if model.scenarios[0].name and len(model.scenarios) > 1:
        return "gain"
    if "transit" not in model.modes:
        return "holds"
    rows, transit = Rows(model, model.scenarios[0]), model.modes.index("transit")
    n_keys, n_zones, n_modes = len(model.key_shift), len(model.zone_shift), len(model.modes)
    for roster in range(len(model.rosters)):
        held = directions(*_both(rows, n_keys + roster * n_modes + transit)) == 0
        if not np.array_equal(held, rows.status(n_zones + roster) == 0):
            return "white"
    return "holds"


def _lever(lever: MapLever) -> Manifest:
    return {
        "scenario": lever.scenario,
        "head": list(lever.head),
        "told": list(lever.told),
        "jobs": int(round_persons(lever.jobs)),
        "users": int(round_persons(lever.users)),
        "eur": round(lever.eur_year),
        # Of the jobs before they are rounded, as the report has it.
        "job": round(lever.eur_year / lever.jobs) if lever.jobs > 0 else 0,
        "kind": lever.kind,
        "advised": lever.advised,
        "sites": list(map(printed, lever.sites)),
        "measure": lever.measure,
        "pick": lever.pick,
        "plan": lever.plan,
    }


def _lines(model: MapModel, store: Store) -> Manifest:
    days = [trips for line in model.lines for trips in line.trips]
    trips = np.concatenate(days) if days else np.zeros((0, 2), np.int64)
    return {
        "names": [printed(line.name) for line in model.lines],
        "paths": add_paths(store, [line.path for line in model.lines]),
        "counts": store.add_ints([len(day) for day in days]),
        "start": store.add_ints(trips[:, 0], delta=True),
        "lasts": store.add_ints(trips[:, 1]),
    }


def _triples(*columns: Int64) -> list[list[int]]:
    return [[int(v) for v in row] for row in zip(*columns, strict=True)]


def _homes(
    model: MapModel, store: Store, order: Int64, names: Sequence[str], area: Int64
) -> Manifest:
    homes = model.homes
    pools = [homes.pool(r)[order] for r in range(len(model.rosters))]
    # In thousandths where a cell may hold less than one worker; it is drawn as it is not empty.
    per = 1 if all(np.array_equal(pool, np.rint(pool)) for pool in pools) else 1000
    parts = [np.where(pool > 0, np.maximum(1, np.rint(per * pool)), 0) for pool in pools]
    return {
        "n": len(homes),
        "lon": store.add_ints(quantised(homes.lon[order]), delta=True),
        "lat": store.add_ints(quantised(homes.lat[order]), delta=True),
        "cells": _cells(homes.cells, store, order),
        "names": store.add_json([printed(homes.name[i]) for i in order]),
        "ids": store.add_json([homes.home_id[i] for i in order]) if homes.home_id else None,
        "communes": list(map(printed, names)),
        "commune": store.add_ints(area[order], delta=True),
        "per": per,
        "pools": [store.add_ints(part.astype(np.int64)) for part in parts],
        "groups": list(homes.groups),
    }


def _cells(
    cells: tuple[shapely.Polygon | shapely.MultiPolygon, ...] | None, store: Store, order: Int64
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
    model: MapModel, scenario: Scenario, store: Store, order: Int64, counter: Counter
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
        "name": printed(scenario.name),
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


def _both(rows: Rows, row: int) -> tuple[UInt8, UInt8]:
    there, home = rows.minutes(row, "outbound_min"), rows.minutes(row, "return_min")
    assert there is not None
    assert home is not None
    return there, home


def _plan(plan: MapPlan, store: Store) -> Manifest:
    lines = [
        {
            "name": printed(line.name),
            "path": _flat(line.path),
            "stops": [
                [
                    printed(s.name),
                    *_flat([s.lon, s.lat]),
                    None if s.riders is None else round(s.riders),
                ]
                for s in line.stops
            ],
        }
        for line in plan.lines
    ]
    return {
        "name": printed(plan.name), "told": plan.told, "cost": round(plan.cost_eur),
        "workers": round(plan.workers),
        "job": round(plan.cost_eur / plan.workers) if plan.workers > 0 else 0,
        "vehicles": plan.vehicles, "km": round(plan.km_per_year), "scenario": plan.scenario,
        "facts": [list(f) for f in plan.facts], "lines": store.add_json(lines),
        "runs": store.add_json([_run(r) for r in plan.runs]),
    }  # fmt: skip


def _run(run: MapRun) -> Manifest:
    return {
        "line": run.line, "vehicle": run.vehicle, "dir": run.direction, "stops": list(run.stops),
        "times": list(run.times_s), "riders": [round(r) for r in run.riders],
        "days": list(run.days), "path": None if run.path is None else _flat(run.path),
    }  # fmt: skip


def _flat(path: ArrayLike) -> list[int]:
    return [int(v) for v in quantised(path).ravel()]


def _stops(model: MapModel, store: Store) -> Manifest:
    stops = model.stops
    return {
        "n": len(stops.name),
        "names": store.add_json(list(map(printed, stops.name))),
        "lon": store.add_ints(quantised(stops.lon), delta=True),
        "lat": store.add_ints(quantised(stops.lat), delta=True),
        "trips": [store.add_ints(column) for column in stops.trips.T] if stops.name else [],
    }


def write_map(
    model: MapModel,
    path: str | Path,
    *,
    language: str = "fr",
    tiles: str | None = None,
    earlier: Path | None = None,
) -> Path:
    """Write the page of a territory.

    Parameters
    ----------
    path
        The HTML file, replaced whole.
    language
        The language it opens in, ``"fr"`` or ``"en"``; the reader can switch.
    tiles
        Name of an `xyzservices` provider (``"GeoportailFrance.plan"``) drawn from the
        network under the results; where they do not come, the model's own background shows.
        None draws that background and asks nothing of any host.
    earlier
        A page of which levers or plans are carried over, where the inputs are the same.

    Returns
    -------
    Path
        The file written. The same model gives the same bytes.

    Raises
    ------
    SourceNotFoundError
        Leaflet's distribution is not installed, or there are no such tiles.
    SourceError
        The file cannot be written.
    """
    path = Path(path)
    write_text(path, render(model, language=language, tiles=tiles, earlier=earlier))
    return path


def render(
    model: MapModel, *, language: str = "fr", tiles: str | None = None, earlier: Path | None = None
) -> str:
    """Return the page of a territory as text."""
    store = Store()
    manifest = build(model, store) | {
        "language": language,
        "tiles": tiles is not None,
        "en": ENGLISH,
    }
    carry(manifest, store, None if earlier is None else read_page(earlier))
    manifest["fr"] = page_french() | _facts(manifest)
    homes = model.homes
    middle = float(homes.lat.mean().round(5)), float(homes.lon.mean().round(5))
    return filled(
        _skeleton(middle, tiles), language=language, title=f"{model.territory} – mobility",
        style=page_file("page.css"), markup=page_file("panel.html"), code=page_script(),
        manifest=compact_json(manifest), blobs="\n".join(store.texts),
    )  # fmt: skip


def _skeleton(middle: tuple[float, float], tiles: str | None) -> str:
    """Return what Folium draws, kept: loading it takes longer than all that is put in."""

    def compute() -> Bundle:
        from mobility.outputs.map.skeleton import drawn

        return {"page": np.frombuffer(drawn(middle, tiles).encode(), np.uint8)}

    drawing = [version(name) for name in ("folium", "branca", "jinja2", "xyzservices")]
    found = cached("pages", [code_hash(), *drawing, middle, tiles], compute)
    return np.asarray(found["page"]).tobytes().decode()


def _facts(manifest: Manifest) -> dict[str, str]:
    """Return the French labels of the plans' further figures."""
    labels = sorted({label for plan in manifest["plans"] for label, _ in plan["facts"]})
    return {label: translate(label, "fr") for label in labels}
