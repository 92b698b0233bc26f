"""Modes that ride the timetable otherwise than on foot: what a lever changes for them.

Bicycles left at stops and on-demand vehicles that meet a line are read from the same scan as
plain transit; a bicycle taken along has a scan of its own. What is read of one edge are
seconds per home, or per place where a vehicle is left, which the commute joins afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from mobility.base.arrays import Int32
from mobility.commute.access import counting_modes
from mobility.commute.feeder_modes import Carried, Feeder, joined, mixed
from mobility.commute.on_demand import OnDemandService, Window, booked_with
from mobility.commute.study import Study
from mobility.engine.journeys import Edge, EngineLimits, HomeTimes
from mobility.sources.days import ChosenDay
from mobility.timetable.arrays import INF
from mobility.timetable.footpaths import WalkTable


class Changed(NamedTuple):
    """Rows whose seconds change, ascending, and their new seconds."""

    rows: Int32
    elapsed_s: Int32


class Scanned(Protocol):
    """A scanned edge, in which points with walks to stops are looked up."""

    def __call__(self, walks: WalkTable) -> Int32:
        """Return seconds between each point and the edge, ``INF`` where there is no way."""


@dataclass(frozen=True, eq=False)
class Legs:
    """Bicycles or cars left at a place: seconds between each place and the edge."""

    walks: WalkTable

    def read(self, scanned: Scanned) -> Int32:
        """Return seconds per place."""
        return scanned(self.walks)


@dataclass(frozen=True, eq=False)
class Booked:
    """On-demand services: seconds between each home and the edge."""

    services: tuple[tuple[OnDemandService, Sequence[Window]], ...]
    site: int
    edge: Edge
    limits: EngineLimits
    n_homes: int

    def read(self, scanned: Scanned) -> Int32:
        """Return seconds per home."""
        best_s = np.full(self.n_homes, INF, np.int32)
        for service, windows in self.services:
            hubs = service.hubs
            leg = None
            if hubs is not None and len(hubs.place):
                leg = times_of(scanned(hubs.walks[int(self.edge.returning)]))
            found = booked_with(service, windows, self.site, self.edge, self.limits, leg)
            best_s = np.minimum(best_s, found)
        return best_s


Reader = Legs | Booked


def times_of(elapsed_s: Int32) -> HomeTimes:
    """Return seconds as the engine's answer, its other columns empty."""
    none = np.zeros(elapsed_s.size, np.int32)
    return HomeTimes(elapsed_s, none.astype(np.int8), none, none - 1)


def riding_modes(study: Study, *, counting: bool) -> tuple[str, ...]:
    """Return the modes, plain transit apart, that a change of timetable may change.

    Parameters
    ----------
    counting
        Only those that rescue a home from being white.
    """
    asked = counting_modes(study) if counting else list(study.territory.modes.evaluated)
    booked = ["on_demand"] if study.on_demand else []
    return tuple(m for m in asked if m in study.feeders or m in booked)


def readers_of(
    study: Study, gate: Study, site: int, day: ChosenDay, edge: Edge, limits: EngineLimits
) -> dict[str, Reader]:
    """Return what is read of one edge for each mode on the scan of plain transit.

    Parameters
    ----------
    gate
        The study whose tables hold at the gate's end, see `door_to_door.at_gate`.
    """
    found: dict[str, Reader] = {}
    for mode in riding_modes(study, counting=False):
        feeder = gate.feeders.get(mode)
        if isinstance(feeder, Feeder):
            found[mode] = Legs(feeder.walks[int(edge.returning)])
    if study.on_demand and "on_demand" in study.territory.modes.evaluated:
        worked = _worked(study, site, day, edge)
        services = tuple((s, s.windows(day, worked, study.territory.zone)) for s in study.on_demand)
        found["on_demand"] = Booked(services, site, edge, limits, study.n_homes)
    return found


def _worked(study: Study, site: int, day: ChosenDay, edge: Edge) -> list[str]:
    """Return the weekdays of the shift of a site that has this edge (the last such one)."""
    rows = [
        row
        for row in study.shift_rows
        if row.site == site
        and study.works_on(row.shift_id, day)
        and edge in study.edges(row.shift_id, day)
    ]
    return [weekday for weekday in rows[-1].days if weekday in day.weekdays]


def left_at_places(
    gates: tuple[Study, Study],
    mode: str,
    legs_s: tuple[Int32, Int32],
    edges: tuple[Edge, Edge],
    limits: EngineLimits,
) -> tuple[Int32, Int32]:
    """Return outbound and return seconds of every home from those of the places.

    Parameters
    ----------
    gates
        The studies whose tables hold at the gate's end of both edges.
    legs_s
        Seconds between places and each edge.
    """
    ways = [gate.feeders[mode] for gate in gates]
    if not (isinstance(ways[0], Feeder) and isinstance(ways[1], Feeder)):
        raise TypeError(mode)
    feeder = mixed(ways[0], ways[1])
    onward, homeward = joined(feeder, [times_of(s) for s in legs_s], edges, limits)
    return onward.elapsed_s, homeward.elapsed_s


def carried_modes(study: Study) -> tuple[str, ...]:
    """Return the modes by which a bicycle is taken along."""
    modes = riding_modes(study, counting=False)
    return tuple(m for m in modes if isinstance(study.feeders.get(m), Carried))
