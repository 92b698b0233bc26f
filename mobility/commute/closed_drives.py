"""Drives for others that do not know the hour: on-demand vehicles, car-pools and shuttles.

They are measured once, on the streets of any hour, and serve many shifts. Where a street, a gate
or a turn is closed to cars at the hour of a shift, that is told.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np

from mobility.base.clock import axis_to_local
from mobility.base.errors import Finding
from mobility.commute.study import Study
from mobility.commute.variants import gate_s
from mobility.streets.hours import place_of, state_at
from mobility.streets.tags import CAR_STREETS, is_tagged

_CLOSING = ("access", "vehicle", "motor_vehicle", "motorcar", "oneway", "opening_hours",
            "restriction")  # fmt: skip


def drives_any_hour(study: Study) -> Iterator[Finding]:
    """Say which closed streets these drives take at the hours of the shifts."""
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
