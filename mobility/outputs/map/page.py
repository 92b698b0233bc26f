"""Write a map model as one self-contained page: a manifest, and blobs of the arrays it names."""

from __future__ import annotations

import html
import json
import re
import zlib
from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from mobility.base.cache import Bundle, cached, code_hash
from mobility.base.files import write_text
from mobility.base.i18n import translate, typeset
from mobility.commute.door_to_door import OVERTIME_MAX_S
from mobility.commute.indicators import round_persons
from mobility.outputs.map.assets import ENGLISH, leaflet, page_file, page_french, page_script
from mobility.outputs.map.figures import Counter, Rows, directions
from mobility.outputs.map.model import (
    Kept,
    MapGround,
    MapJourneys,
    MapLeg,
    MapLever,
    MapModel,
    MapPlan,
    MapRun,
    MapWay,
    Scenario,
    UInt8,
)
from mobility.outputs.map.pack import (
    Store,
    add_paths,
    along_curve,
    carry,
    compact_json,
    quantised,
    read_page,
)
from mobility.shuttles.written import COLOURS

Manifest = dict[str, Any]
#: Blobs by their names in a manifest, and what else stands there.
_Pack = tuple[Manifest, Any]
_Ints = NDArray[np.int64]


def build(model: MapModel, store: Store) -> Manifest:
    """Return the manifest of a page, its arrays put into ``store``."""
    order = along_curve(model.homes.lon, model.homes.lat)
    communes, area = np.unique(np.array(model.homes.commune, object), return_inverse=True)
    days = [{"kind": d.kind, "date": d.date, "label": _printed(d.label)} for d in model.days]
    return {
        "territory": _printed(model.territory),
        "version": model.version,
        "inputs": model.inputs,
        "limits": {k: float(v) for k, v in sorted(model.limits.items())},
        "homes": _homes(model, store, order, communes.tolist(), area),
        "sites": [
            {"name": _printed(s.name), "employer": _printed(s.employer),
             "gates": [[float(lon), float(lat)] for lon, lat in s.gates],
             "margins": list(s.margins)}
            for s in model.sites
        ],
        "rosters": [
            {"site": r.site, "name": _printed(r.name), "headcount": r.headcount}
            for r in model.rosters
        ],
        "shifts": [
            {
                "roster": s.roster, "name": _printed(s.name), "start": s.start_s, "end": s.end_s,
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
        "itineraries": _itineraries(model, store, order),
        "stops": _stops(model, store),
        "background": _background(model, store),
        "sources": [
            {"role": s.role, "name": s.name, "by": _printed(s.attribution), "licence": s.licence,
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
        "sites": list(map(_printed, lever.sites)),
        "measure": lever.measure,
        "pick": lever.pick,
        "plan": lever.plan,
    }


def _lines(model: MapModel, store: Store) -> Manifest:
    days = [trips for line in model.lines for trips in line.trips]
    trips = np.concatenate(days) if days else np.zeros((0, 2), np.int64)
    return {
        "names": [_printed(line.name) for line in model.lines],
        "paths": add_paths(store, [line.path for line in model.lines]),
        "counts": store.add_ints([len(day) for day in days]),
        "start": store.add_ints(trips[:, 0], delta=True),
        "lasts": store.add_ints(trips[:, 1]),
    }


@cache
def _printed(name: str) -> str:
    """Return a name of the user's or of a source as it is printed, in either language."""
    return typeset(name, "en")


def _triples(*columns: NDArray[np.int64]) -> list[list[int]]:
    return [[int(v) for v in row] for row in zip(*columns, strict=True)]


def _homes(
    model: MapModel, store: Store, order: _Ints, names: Sequence[str], area: _Ints
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
        "names": store.add_json([_printed(homes.name[i]) for i in order]),
        "ids": store.add_json([homes.home_id[i] for i in order]) if homes.home_id else None,
        "communes": list(map(_printed, names)),
        "commune": store.add_ints(area[order], delta=True),
        "per": per,
        "pools": [store.add_ints(part.astype(np.int64)) for part in parts],
        "groups": list(homes.groups),
    }


def _cells(
    cells: tuple[shapely.Polygon | shapely.MultiPolygon, ...] | None, store: Store, order: _Ints
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
    model: MapModel, scenario: Scenario, store: Store, order: _Ints, counter: Counter
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
        "name": _printed(scenario.name),
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
            "name": _printed(line.name),
            "path": _flat(line.path),
            "stops": [
                [
                    _printed(s.name),
                    *_flat([s.lon, s.lat]),
                    None if s.riders is None else round(s.riders),
                ]
                for s in line.stops
            ],
        }
        for line in plan.lines
    ]
    return {
        "name": _printed(plan.name), "told": plan.told, "cost": round(plan.cost_eur),
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


def _packed(
    store: Store, kept: Kept, follows_from: Sequence[object], pack: Callable[[Store], _Pack]
) -> _Pack:
    """Return what ``pack`` makes, its blobs put into ``store``; it is kept, for it takes long."""

    def compute() -> Bundle:
        own = Store()
        text = json.dumps([*pack(own), own.blobs()])
        return {"json": np.frombuffer(text.encode(), np.uint8)}

    found = kept([*follows_from, zlib.ZLIB_RUNTIME_VERSION], compute)
    packed, plain, blobs = json.loads(np.asarray(found["json"]).tobytes())
    at = store.take(blobs)

    def moved(value: Any) -> Any:
        return at[value] if isinstance(value, int) else {k: moved(v) for k, v in value.items()}

    return moved(packed), plain


def _itineraries(model: MapModel, store: Store, order: _Ints) -> dict[str, int]:
    """Return the journeys of each key."""
    place = np.argsort(order)
    found: dict[str, int] = {}
    for journeys in sorted(model.itineraries, key=lambda journeys: journeys.key):
        places = place[journeys.homes]
        pack = partial(_pack_journeys, journeys, places)
        found |= _packed(store, journeys.kept, [journeys.key, places], pack)[0]
    return found


def _pack_journeys(journeys: MapJourneys, places: _Ints, store: Store) -> _Pack:
    """Return the journeys of one key: the rides that homes share, then each home's own walk.

    A home is [place, outbound chain, leaves, reaches its stop, return chain, leaves, is home];
    -1 stands for no journey.
    """
    chains: dict[MapWay, int] = {}
    homes = [
        [place, *_way(chains, out, out[:1], out[1:]), *_way(chains, back, back[-1:], back[:-1])]
        for place, (out, back) in zip(places.tolist(), journeys.ways(), strict=True)
    ]
    chained = [list(map(_leg, chain)) for chain in chains]
    return {str(journeys.key): store.add_json({"chains": chained, "homes": homes})}, None


def _way(chains: dict[MapWay, int], way: MapWay, own: MapWay, shared: MapWay) -> list[object]:
    if not way:
        return [-1, "", ""]
    if own[0].kind != "walk":
        own, shared = (), way
    chain = chains.setdefault(shared, len(chains))
    return [chain, own[0].depart, own[0].arrive] if own else [chain, "", ""]


def _leg(leg: MapLeg) -> list[str]:
    names = map(_printed, (leg.from_name, leg.to_name, leg.line))
    return [leg.kind, leg.depart, leg.arrive, *names]


def _stops(model: MapModel, store: Store) -> Manifest:
    stops = model.stops
    return {
        "n": len(stops.name),
        "names": store.add_json(list(map(_printed, stops.name))),
        "lon": store.add_ints(quantised(stops.lon), delta=True),
        "lat": store.add_ints(quantised(stops.lat), delta=True),
        "trips": [store.add_ints(column) for column in stops.trips.T] if stops.name else [],
    }


def _background(model: MapModel, store: Store) -> Manifest:
    packed, places = _packed(
        store, model.background.kept, [], partial(_pack_background, model.background)
    )
    return {**packed, "places": places}


def _pack_background(ground: MapGround, store: Store) -> _Pack:
    drawn = ground.draw()
    areas = {}
    for kind, shapes in sorted(drawn.areas.items()):
        rings = [ring for shape in shapes for ring in shape]
        counts = store.add_ints([len(shape) for shape in shapes])
        areas[kind] = {"rings": counts, **add_paths(store, rings)}
    roads = {k: add_paths(store, list(v)) for k, v in sorted(drawn.roads.items()) if v}
    rivers, railways = (add_paths(store, list(v)) for v in (drawn.rivers, drawn.railways))
    places = [[_printed(p.name), *_flat([p.lon, p.lat]), p.rank] for p in drawn.places]
    return {"roads": roads, "areas": areas, "rivers": rivers, "railways": railways}, places


#: Where texts are put into what Folium drew, see `mobility.outputs.map.skeleton`.
_SLOT = re.compile(r"@@mb-(\w+)@@")


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
    code, style = leaflet()
    texts = {
        "language": html.escape(language), "title": html.escape(f"{model.territory} – mobility"),
        "leaflet": code, "leaflet_style": style, "style": page_file("page.css"),
        "markup": page_file("panel.html"), "code": page_script(),
        "manifest": compact_json(manifest), "blobs": "\n".join(store.texts),
    }  # fmt: skip
    return _SLOT.sub(lambda slot: texts[slot[1]], _skeleton(middle, tiles))


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
