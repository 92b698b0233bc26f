"""Levers, small changes of an existing timetable, and what they do to shift edges, as data.

A lever names trips of the feed and what is done to them. It holds on every service day on
which those trips run, so that a trip moved for a morning shift is moved for whoever else
rides it too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from mobility.base.arrays import Int32
from mobility.commute.study import Study
from mobility.timetable.change import DayNetwork

if TYPE_CHECKING:
    from mobility.remedies.modes import Changed

LeverKind = Literal[
    "move_trip", "move_line", "extend", "add_run", "hold", "lift_school", "stop", "remove"
]


@dataclass(frozen=True, slots=True)
class Lever:
    """One change of the timetable.

    Attributes
    ----------
    kind
        ``move_trip`` and ``move_line`` move whole trips; ``extend`` carries a trip on to a
        gate; ``add_run`` adds a copy of a trip; ``hold`` makes a trip wait for riders at one
        stop; ``lift_school`` runs a school-days trip on other days too; ``stop`` makes the
        trips of a line call at a new stop on their way; ``remove`` takes trips out.
    trips
        Trips concerned (indices into the feed's trips).
    shift_s
        Seconds by which the trips, or the copy, are later (negative: earlier), by which
        the trip is held, or that calling at a new stop takes.
    stop
        The gate's stop of an extension, the stop where a trip is held, the new stop; else -1.
    drive_s
        Of an extension: driving time between the end of the trip and the gate.
    at_start
        Of an extension: the trip starts at the gate instead of ending there.
    source_day, day_kinds
        Of ``lift_school``: the kind of day whose trips are taken, and those that get them.
    legs
        Of ``stop``: from stop, to stop and the share of the way between them, for each leg
        that passes the new stop.
    """

    kind: LeverKind
    trips: tuple[int, ...]
    shift_s: int = 0
    stop: int = -1
    drive_s: int = 0
    at_start: bool = False
    source_day: str = ""
    day_kinds: tuple[str, ...] = ()
    legs: tuple[tuple[int, int, float], ...] = ()

    @property
    def is_move(self) -> bool:
        """Whether it moves existing trips, adding no driving."""
        return self.kind in ("move_trip", "move_line")


@dataclass(frozen=True, slots=True)
class EdgeEffect:
    """What one lever does to one edge.

    Attributes
    ----------
    window
        Index of the edge's window.
    gained, lost : int32[]
        Homes whose direction holds after and not before, and the reverse.
    saved_s
        Seconds times workers saved by those who hold before and after (less than zero:
        lost).
    homes, elapsed_s : int32[]
        Homes whose time changes and their new time; kept on request only, else empty.
    others
        What changes for modes that are read from the same scan, see `modes`.
    """

    window: int
    gained: Int32
    lost: Int32
    saved_s: float
    homes: Int32
    elapsed_s: Int32
    others: Mapping[str, Changed] = field(default_factory=dict)


#: What one lever changes, by window.
Effects = Mapping[int, EdgeEffect]


def networks(study: Study) -> dict[str, DayNetwork]:
    """Return the timetable of each studied kind of day."""
    return {kind: DayNetwork(kind, two_way.timetable) for kind, two_way in study.timetables.items()}


def days_of(nets: dict[str, DayNetwork], lever: Lever) -> Iterator[str]:
    """Yield the kinds of day on which a lever changes the service of the day itself."""
    for kind, network in nets.items():
        if lever.kind == "lift_school":
            if kind in lever.day_kinds:
                yield kind
        elif network.own_places(lever.trips).size:
            yield kind


def departures(network: DayNetwork, lever: Lever) -> list[int]:
    """Return the departures of a lever's trips on the service day itself, axis seconds."""
    return sorted(network.pieces.start_s[network.own_places(lever.trips)].tolist())


__all__ = [
    "DayNetwork", "EdgeEffect", "Effects", "Lever", "LeverKind", "days_of", "departures",
    "networks",
]  # fmt: skip
