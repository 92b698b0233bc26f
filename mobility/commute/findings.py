"""What is to be said of a study once it is built: rosters, layers, drives."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np

from mobility.base.clock import axis_to_local
from mobility.base.errors import Finding
from mobility.commute.study import Study
from mobility.commute.variants import gate_s
from mobility.streets.hours import place_of, state_at
from mobility.streets.tags import CAR_STREETS, is_tagged, tells

#: SQLite, of which a GeoPackage is one file, knows 2,000 columns of a table; some hold the homes.
_MOST_COLUMNS = 1_900
#: Values of a layer, columns times homes, that are written at a time, and that a GeoPackage gets.
MOST_VALUES = 40_000_000
#: Keys of tags whose condition may close a street, a gate or a turn to cars.
_CLOSING = ("access", "vehicle", "motor_vehicle", "motorcar", "oneway", "opening_hours",
            "restriction")  # fmt: skip
#: Gates of one site further apart than this may be of two sites: an assumption. The largest
#: plants of Europe are some 6 km long.
_GATES_APART_M = 7000.0


def shift_columns(study: Study) -> int:
    """Return how many columns tell of shifts: four of each, on each kind of day it works."""
    shifts = range(len(study.shift_rows))
    return 4 * sum(study.works_on(shift, day) for shift in shifts for day in study.days)


def too_wide(study: Study) -> bool:
    """Whether the shifts are too many for a table of a GeoPackage, or with the homes too large."""
    columns = shift_columns(study) + 2 * len({(r.site, r.roster) for r in study.shift_rows})
    return columns > _MOST_COLUMNS or columns * study.n_homes > MOST_VALUES


def wide_layer(study: Study) -> Iterator[Finding]:
    """Say that the GeoPackage tells of rosters alone."""
    if study.territory.output.geopackage and too_wide(study):
        yield Finding(
            "info",
            "shifts_not_in_geopackage",
            "{columns} columns tell of shifts, of {homes} homes: too many for a table of "
            "results.gpkg, which tells of rosters alone. homes.parquet and commutes.parquet tell "
            "of shifts too.",
            source="output",
            count=shift_columns(study),
            params={"columns": shift_columns(study), "homes": study.n_homes},
        )


def drives_any_hour(study: Study) -> Iterator[Finding]:
    """Say which streets, gates and turns are closed to cars at the hour of some shift.

    On-demand vehicles, car-pools and shuttles do not know the hour: their drives are measured
    once, on the streets of any hour, and serve many shifts.
    """
    territory, table = study.territory, study.streets.conditions
    driven = "on_demand" in territory.modes.evaluated or territory.carpool or territory.shuttles
    if not driven or table.empty:
        return
    place, closed = place_of(study.streets, territory.zone), np.zeros(len(table), bool)
    for moment in _moments(study):
        state = state_at(study.streets, moment, place)
        closed |= np.array([value is not None for value in state])
    roads = study.streets.tags["osm_id"][is_tagged(study.streets.tags, "highway", CAR_STREETS)]
    closed &= table["key"].isin(_CLOSING).to_numpy(dtype=bool)
    closed &= (table["kind"].ne("way") | table["osm_id"].isin(roads)).to_numpy(dtype=bool)
    if closed.any():
        yield Finding(
            "warning",
            "drives_any_hour",
            "{count} streets, gates and turn restrictions are otherwise at the hours of some "
            "shifts: on-demand, car-pool and shuttle vehicles are driven as if they were not.",
            count=int(closed.sum()),
            examples=tuple(dict.fromkeys(table["text"][closed]))[:5],
        )


def _moments(study: Study) -> set[dt.datetime]:
    """Return the local times at which gates are to be reached, or may be left."""
    edges = (
        (day, edge)
        for row in study.shift_rows
        for day in study.days
        if study.works_on(row.shift_id, day)
        for edge in study.edges(row.shift_id, day)
    )
    zone = study.territory.zone
    return {axis_to_local(d.date, gate_s(e), zone).replace(tzinfo=None) for d, e in edges}


def safety_untold(study: Study) -> Iterator[Finding]:
    """Say that no street tells what is safe in the dark, unless the territory says it is lit."""
    tags = study.streets.tags
    if study.territory.night.assume_lit != "always" and not any(
        tells(tags, key) for key in ("lit", "sidewalk")
    ):
        yield Finding(
            "warning",
            "safety_untold",
            "No street of the file says whether it is lit or has a sidewalk: which ways are safe "
            "in the dark is not known. Streets with the tags lit=* and sidewalk=* tell, as those "
            "of OpenStreetMap do; without them [night] assume_lit decides.",
            source="streets",
        )


def idle_rosters(study: Study) -> Iterator[Finding]:
    """Name the rosters that work on none of the dates studied, e.g. out of their season."""
    worked: dict[str, bool] = {}
    for row in study.shift_rows:
        name = f"{row.site_name}, {row.roster}"
        works = any(study.works_on(row.shift_id, day) for day in study.days)
        worked[name] = worked.get(name, False) or works
    idle = [name for name, works in worked.items() if not works]
    if idle:
        yield Finding(
            "warning",
            "idle_rosters",
            "{count} rosters work on none of the dates studied, and nothing is known of them: add "
            "their kind of day to days.kinds, or a date within their period to days.extra.",
            count=len(idle),
            examples=tuple(idle[:5]),
        )


def margins_too_long(study: Study) -> Iterator[Finding]:
    """Say at which sites the margin leaves no time to travel."""
    limits = study.territory.limits
    names = tuple(
        site.name for site in study.sites if max(limits.margins_min(site)) >= limits.max_total_min
    )
    if names:
        yield Finding(
            "warning",
            "margins_too_long",
            "At {count} sites the margin between gate and work station is no shorter than "
            "max_total_min, {minutes} min: nobody can come in time, or be home. Correct "
            "margin_in_min, margin_out_min or max_total_min",
            "limits",
            len(names),
            names[:5],
            {"minutes": f"{limits.max_total_min:g}"},
        )


def gates_apart(study: Study) -> Iterator[Finding]:
    """Name sites whose gates lie so far apart that one may be wrong, or of another site."""
    apart = []
    for site in study.sites:
        xy = study.streets.project(*np.array(site.gates, np.float64).T)
        longest_m = float(np.hypot(*(xy[:, None] - xy[None]).T).max())
        if longest_m > _GATES_APART_M:
            apart.append(f"{site.name}, {longest_m / 1000:.1f} km")
    if apart:
        yield Finding(
            "warning",
            "gates_far_apart",
            "Gates of {count} sites lie more than {km} km apart, and whoever reaches one of them "
            "is taken to be at work; check them, or make each a site of its own:",
            count=len(apart),
            examples=tuple(apart[:5]),
            params={"km": round(_GATES_APART_M / 1000)},
        )
