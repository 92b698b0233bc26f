"""Lines drawn by a planner: stops in order, shifts served, a vehicle.

A TOML file lists lines by stop name or coordinates; a GeoJSON file holds one LineString or
MultiPoint per line, each vertex a stop. They are timed, chained, costed and proven like
designed ones.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mobility.base.errors import SourceError, SourceNotFoundError
from mobility.base.literal import one_line
from mobility.commute.access import Access
from mobility.commute.white_zones import WhiteZones
from mobility.shuttles.anchors import gate_anchor
from mobility.shuttles.config import Factors, ShuttleConfig
from mobility.shuttles.costs import fleet_findings
from mobility.shuttles.demand import Demand, find_demand, year_of
from mobility.shuttles.drive import drive_graph, drive_matrix
from mobility.shuttles.model import Day, Line, Place
from mobility.shuttles.places import (
    check_depot,
    depot_place,
    gate_name,
    gate_walks,
    longest_walk_s,
    lonlat_of,
    make_scene,
    walk_matrix,
)
from mobility.shuttles.plan import evaluate_plan
from mobility.shuttles.plans import Plans, proven

DRAWN = "D01"


@dataclass(frozen=True)
class DrawnLine:
    """One line as drawn.

    Attributes
    ----------
    name
        Short name.
    stops
        Places in inbound order, the gate apart.
    site
        Name of the site it serves.
    shifts
        Names of the shifts, all of the site's when empty.
    vehicle
        Name of the vehicle size.
    outbound
        Positions in ``stops`` in outbound order; mirrored when empty.
    """

    name: str
    stops: tuple[Place, ...]
    site: str
    shifts: tuple[str, ...] = ()
    vehicle: str = ""
    outbound: tuple[int, ...] = ()


def read_lines(
    path: str | Path, known: dict[str, tuple[float, float]] | None = None
) -> list[DrawnLine]:
    """Read drawn lines from a TOML or GeoJSON file.

    Parameters
    ----------
    known
        Longitude and latitude of stops that a TOML file may name.

    Raises
    ------
    SourceNotFoundError
        The file does not exist.
    SourceError
        It cannot be read, or a line lacks its stops or its site.
    """
    path = Path(path)
    if not path.is_file():
        raise SourceNotFoundError(
            "The file of drawn lines does not exist.",
            file=path,
            mend="Check the path; a TOML or GeoJSON file is expected.",
        )
    is_toml = path.suffix.lower() == ".toml"
    with _readable(path):
        text = path.read_text(encoding="utf-8-sig")
        found = tomllib.loads(text) if is_toml else json.loads(text)
        rows = list(found.get("lines" if is_toml else "features") or [])
    if not rows:
        raise SourceError(
            "It holds no line.", file=path, mend="Add a [[lines]] table, or a line feature."
        )
    lines = []
    for k, row in enumerate(rows):
        with _readable(path, k):
            one = _from_toml(row, k, path, known or {}) if is_toml else _from_geojson(row, k, path)
            _check(one, k, path)
            lines.append(one)
    return lines


@contextmanager
def _readable(path: Path, k: int | None = None) -> Iterator[None]:
    """Turn what the libraries say of a file, or of its k-th line, into an error that names it."""
    try:
        yield
    except SourceError:
        raise
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError, OSError) as error:
        raise SourceError(
            "It cannot be read: {reason}.",
            file=path,
            entry=None if k is None else ("drawn line", k + 1),
            mend="Save it again as TOML or GeoJSON.",
            reason=" ".join(str(error).split()).rstrip("."),
        ) from None


def _check(line: DrawnLine, k: int, path: Path) -> None:
    """Raise when a stop lies nowhere on Earth, or the way back calls at a stop there is not."""
    for stop in line.stops:
        if not (abs(stop.lon) <= 180 and abs(stop.lat) <= 90):
            raise SourceError(
                "These are no longitude and latitude in degrees.",
                file=path,
                entry=("drawn line", k + 1),
                column="stops",
                value=f"{stop.lon:g}, {stop.lat:g}",
                mend="Write longitude, then latitude, in degrees.",
            )
    if not all(0 <= i < len(line.stops) for i in line.outbound):
        raise SourceError(
            "The way back names a stop that the line does not have.",
            file=path,
            entry=("drawn line", k + 1),
            column="outbound",
            mend="Number the stops from 1, in the order of the way in.",
        )


def _need(row: dict[str, Any], field: str, k: int, path: Path) -> Any:
    value = row.get(field)
    if not value:
        raise SourceError(
            "A drawn line lacks this field.",
            file=path,
            entry=("drawn line", k + 1),
            column=field,
            mend="Give every line a name, a site and at least one stop.",
        )
    return value


def _from_toml(
    row: dict[str, Any], k: int, path: Path, known: dict[str, tuple[float, float]]
) -> DrawnLine:
    stops = []
    for stop in _need(row, "stops", k, path):
        if isinstance(stop, str):
            if stop not in known:
                raise SourceError(
                    "No stop of the timetables has this name.",
                    file=path,
                    entry=("drawn line", k + 1),
                    column="stops",
                    value=stop,
                    mend="Correct the name, or write a table with name, lon and lat.",
                )
            stops.append(Place(stop, *known[stop], "stop"))
        else:
            stops.append(
                Place(
                    one_line(str(stop.get("name", f"Arrêt {len(stops) + 1}"))),
                    float(_need(stop, "lon", k, path)),
                    float(_need(stop, "lat", k, path)),
                    "node",
                )
            )
    return DrawnLine(
        one_line(str(_need(row, "name", k, path))),
        tuple(stops),
        one_line(str(_need(row, "site", k, path))),
        tuple(one_line(str(s)) for s in row.get("shifts", ())),
        one_line(str(row.get("vehicle", ""))),
        tuple(int(i) - 1 for i in row.get("outbound", ())),
    )


def _from_geojson(row: dict[str, Any], k: int, path: Path) -> DrawnLine:
    properties = row.get("properties") or {}
    geometry = row.get("geometry") or {}
    points = _need(geometry, "coordinates", k, path)
    if geometry.get("type") not in ("LineString", "MultiPoint"):
        raise SourceError(
            "A drawn line must be a LineString or a MultiPoint.",
            file=path,
            entry=("drawn line", k + 1),
            value=geometry.get("type"),
            mend="Draw one vertex for each stop, the gate apart.",
        )
    names = properties.get("stops") or []
    stops = tuple(
        Place(
            str(names[i]) if i < len(names) else f"Arrêt {i + 1}", float(p[0]), float(p[1]), "node"
        )
        for i, p in enumerate(points)
    )
    shifts = properties.get("shifts") or ()
    return DrawnLine(
        one_line(str(_need(properties, "name", k, path))),
        stops,
        one_line(str(_need(properties, "site", k, path))),
        tuple(shifts.split(",")) if isinstance(shifts, str) else tuple(shifts),
        str(properties.get("vehicle") or ""),
    )


def cost_lines(plans: Plans, drawn: Sequence[DrawnLine], *, file: str | None = None) -> Plans:
    """Return the drawn lines as one plan: timed, chained, costed and proven by the engine.

    There is none when no run of them has enough riders.

    Parameters
    ----------
    plans
        Any design of the same territory, for its demand and settings.
    file
        Where the lines come from, for errors.

    Raises
    ------
    SourceError
        A line names an unknown site, shift or vehicle.
    """
    old = plans.scene
    demand = Demand(
        plans.homes, old.edges, old.edge_shift, old.shift_ids, old.roster, old.workers,
        old.staff, old.needs, old.days, plans.lacking,
    )  # fmt: skip
    asked = Asked(plans.access, demand, plans.config, plans.factors, plans.days)
    found = replace(_costed(asked, drawn, file), homes_xy=plans.homes_xy)
    if not found.plans:
        return found
    found = proven(found, drawn=True)
    told = fleet_findings(DRAWN, found.plans[0].operations, found.config)
    return replace(found, findings=(*found.findings, *told))


@dataclass(frozen=True)
class Asked:
    """What lines are drawn for: a territory, whom it lacks, and the settings of a design."""

    access: Access
    demand: Demand
    config: ShuttleConfig
    factors: Factors
    days: tuple[Day, ...]

    @classmethod
    def of(cls, access: Access, zones: WhiteZones) -> Asked:
        """Return what a territory asks for by its own settings."""
        study = access.study
        config = ShuttleConfig.from_territory(study.territory)
        factors = Factors.load(study.territory.factors, file=study.territory.path)
        days = year_of(study, factors)
        return cls(access, find_demand(study, zones, days), config, factors, tuple(days))

    def plan(self, drawn: Sequence[DrawnLine]) -> Plans:
        """Return drawn lines as one plan: timed, chained and costed at once, not proven.

        Its vehicles are those of the riders that its timetable serves, see `cost_lines`.
        """
        return _costed(self, drawn, None)


def _costed(asked: Asked, drawn: Sequence[DrawnLine], file: str | None) -> Plans:
    study, config, demand = asked.access.study, asked.config, asked.demand
    sites = {s.name: k for k, s in enumerate(study.sites)}
    used = sorted({_index(sites, d.site, "site", file) for d in drawn})
    places: list[Place] = []
    gates: dict[int, int] = {}
    for s in used:
        gates[s] = len(places)
        lon, lat = study.sites[s].gates[0]
        places.append(Place(gate_name(study, s), lon, lat, "gate"))
    first = []
    for d in drawn:
        first.append(len(places))
        places += d.stops
    depot = 0
    if config.depot is not None:
        depot = len(places)
        places.append(depot_place(study, config.depot))
    graph = drive_graph(
        study.streets, study.territory.speeds, lonlat_of(places), factor=config.drive_factor
    )
    drive = drive_matrix(graph, np.arange(len(places)))
    check_depot(study, drive, depot, sorted(gates.values()))
    points = study.homes.frame.geometry.iloc[demand.homes]
    lonlat = np.column_stack([points.x.to_numpy(), points.y.to_numpy()])
    walk = walk_matrix(study, lonlat, places, longest_walk_s(study, config))
    scene = make_scene(study, demand, config, places, drive, depot, walk).counted()
    walks = gate_walks(study, places, gates)
    lines = [
        _line(asked, d, first[k], sites[d.site], gates, walks, file) for k, d in enumerate(drawn)
    ]
    plan = evaluate_plan(scene, lines, config, asked.factors, asked.days, name=DRAWN)
    return Plans(
        study, asked.access, config, asked.factors, scene, demand.homes, asked.days, graph,
        (plan,) if plan.runs else (), 0 if plan.runs else -1, lacking=demand.lacking,
    )  # fmt: skip


def _index(table: dict[str, int], name: str, field: str, file: str | None) -> int:
    if name not in table:
        raise SourceError(
            "A drawn line names something unknown; known are: {known}.",
            file=file,
            column=field,
            value=name,
            mend="Correct the name.",
            known=", ".join(sorted(table)),
        )
    return table[name]


def _line(
    asked: Asked,
    drawn: DrawnLine,
    first: int,
    site: int,
    gates: dict[int, int],
    walks: dict[int, int],
    file: str | None,
) -> Line:
    edges, config, study = asked.demand.edges, asked.config, asked.access.study
    rows = study.shift_rows
    names = {rows[e.shift_id].shift: 0 for e in edges if e.site == site}
    for shift in drawn.shifts:
        _index(names, shift, "shifts", file)
    served = tuple(
        k
        for k, e in enumerate(edges)
        if e.site == site and (not drawn.shifts or rows[e.shift_id].shift in drawn.shifts)
    )
    sizes = {v.name: k for k, v in enumerate(config.vehicles)}
    vehicle = _index(sizes, drawn.vehicle, "vehicle", file) if drawn.vehicle else 0
    stops = tuple(range(first, first + len(drawn.stops)))
    back = tuple(stops[i] for i in drawn.outbound) or stops[::-1]
    anchor = gate_anchor(study, edges, gates, walks, [site], config)
    return Line(drawn.name, stops, back, anchor, vehicle, served, own_vehicle=bool(drawn.vehicle))
