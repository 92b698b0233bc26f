"""Booked rides as they are simulated: what vehicles do on the days drawn, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from mobility.remedies.bill import Bill, total
from mobility.shuttles.booking import Request
from mobility.shuttles.costs import Operations
from mobility.shuttles.model import Day, Place

TAXI = "taxi"
_SERVES_ALL = 0.99


@dataclass(frozen=True)
class Call:
    """A vehicle calls at a place: riders of one request get on or off."""

    time_s: int
    place: int
    request: int
    riders: int
    on: bool


@dataclass(frozen=True)
class BookedTour:
    """What a vehicle does between two visits of the depot or two waves: calls and metres."""

    calls: tuple[Call, ...]
    metres: float

    def numbered(self, first: int) -> BookedTour:
        """Return the tour, its requests standing after so many others."""
        if not first:
            return self
        calls = (Call(c.time_s, c.place, c.request + first, c.riders, c.on) for c in self.calls)
        return BookedTour(tuple(calls), self.metres)


@dataclass(frozen=True)
class SimulatedDay:
    """One draw of a day that operates.

    Attributes
    ----------
    day
        Its ``count`` is this draw's part of the year.
    requests, left
        Those served, and those that cannot be.
    tours
        What vehicles do; `Call.request` indexes ``requests``.
    """

    day: Day
    requests: tuple[Request, ...]
    left: tuple[Request, ...]
    tours: tuple[BookedTour, ...]

    def counted(self, count: float) -> SimulatedDay:
        """Return the day for another number of days a year."""
        return replace(self, day=replace(self.day, count=count))

    @cached_property
    def riders(self) -> int:
        """Riders served."""
        return sum(r.riders for r in self.requests)


@dataclass(frozen=True)
class Booked:
    """A simulated service and what it costs a year.

    Attributes
    ----------
    by
        Name of the size of vehicle, or `TAXI`.
    days
        Simulated.
    operations
        Vehicles and drivers; None for taxis.
    bill
        EUR a year.
    km, driver_hours, co2_kg
        A year; a taxi's kilometres without riders are counted as those with.
    expected
        Boardings expected a year; the draws give about as many.
    places
        Where riders get on and off: what `Request.place` indexes.
    why
        Why it cannot be had, an English text; empty where it can.
    proven
        Share of the riders of a simulated week whose ride the engine finds, see `booked_remedy`;
        not a number where it was not run.
    """

    by: str
    days: tuple[SimulatedDay, ...]
    operations: Operations | None
    bill: Bill
    km: float
    driver_hours: float
    co2_kg: float
    expected: float
    places: tuple[Place, ...]
    why: str = ""
    proven: float = float("nan")

    @property
    def vehicles(self) -> int:
        """Vehicles needed; none for taxis."""
        return 0 if self.operations is None else self.operations.vehicles

    @cached_property
    def boardings(self) -> float:
        """Boardings served a year."""
        return sum(d.day.count * d.riders for d in self.days)

    @cached_property
    def served(self) -> float:
        """Share of the riders who can be served."""
        left = sum(d.day.count * r.riders for d in self.days for r in d.left)
        return self.boardings / (self.boardings + left) if self.boardings else 0.0

    @property
    def serves_all(self) -> bool:
        """Whether it can be had and leaves at most one rider in a hundred."""
        return not self.why and self.served >= _SERVES_ALL

    @property
    def eur_per_boarding(self) -> float:
        """EUR per boarding."""
        return total(self.bill) / self.boardings if self.boardings else float("nan")

    @property
    def eur_year(self) -> float:
        """EUR a year for the expected boardings that can be served."""
        return self.eur_per_boarding * self.expected * self.served


@dataclass(frozen=True, eq=False)
class Asked:
    """Who books on one draw of a day, and who cannot be served: the same on many days."""

    requests: tuple[Request, ...]
    left: tuple[Request, ...]

    @cached_property
    def rides(self) -> tuple[tuple[int, ...], ...]:
        """What vehicles are asked, whoever rides."""
        return tuple(r.ride for r in self.requests)


@dataclass(frozen=True)
class Drawn:
    """One draw of a day before it is served: its part of the year, its number, who books."""

    day: Day
    draw: int
    asked: Asked

    def served(self, tours: tuple[BookedTour, ...]) -> SimulatedDay:
        """Return the day with what vehicles do."""
        return SimulatedDay(self.day, self.asked.requests, self.asked.left, tours)
