"""On demand instead of a shuttle: the same riders, hours and vehicles, served by booking.

Simulated days of requests are served by `dial_a_ride`; tours are chained into blocks, staffed
and costed by the code that does so for a shuttle's runs. Below so many riders a day, or where
it costs less, taxis drive the same requests instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import pairwise

import numpy as np

from mobility.remedies.bill import Bill, priced, total
from mobility.shuttles.blocks import DAY_S, Block, Trip, chain_trips
from mobility.shuttles.booking import Bookings, Request, waves
from mobility.shuttles.config import ShuttleConfig
from mobility.shuttles.costs import (
    Day,
    Operations,
    Rates,
    duties_of,
    fleet_of,
    plan_bill,
    yearly_costs,
)
from mobility.shuttles.dial_a_ride import ALWAYS_S, ITERATIONS, RidePrice, Rides, plan_rides
from mobility.shuttles.duties import DutyRules, unlawful
from mobility.shuttles.factors import Factors
from mobility.shuttles.model import Bools, Place

TAXI = "taxi"
MOST_DRAWS, RIDERS_DRAWN = 3, 30  # draws of a day: so many, fewer where they give so many riders
_SERVES_ALL = 0.99
_NIGHT_H = (7, 19)  # hours between which a taxi's day price holds


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
        Share of the riders of a simulated week whose ride the engine finds, see `booked_proof`;
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


@dataclass(frozen=True)
class Drawn:
    """One draw of a day before it is served: its part of the year, its number, who books."""

    day: Day
    draw: int
    requests: tuple[Request, ...]
    left: tuple[Request, ...]


class Simulation:
    """Serves the same bookings by any size of vehicle and by taxi.

    Parameters
    ----------
    bookings
        Who may book.
    days
        Of the year.
    iterations
        Of each search, see `dial_a_ride.plan_rides`.
    """

    def __init__(
        self,
        bookings: Bookings,
        config: ShuttleConfig,
        factors: Factors,
        days: Sequence[Day],
        *,
        iterations: int = ITERATIONS,
    ) -> None:
        self.bookings, self.config, self.factors, self.days = bookings, config, factors, days
        self._iterations = iterations
        self._tours: dict[object, list[BookedTour]] = {}
        self._days: dict[object, tuple[BookedTour, ...]] = {}
        self._blocks: dict[object, list[Block]] = {}

    def services(self, served: Bools) -> list[Booked]:
        """Return every way to serve some shifts and homes by booking, the best first.

        None where nobody books; taxis alone below ``taxi_below`` riders on the busiest day.

        Parameters
        ----------
        served
            bool[S,H].
        """
        ends = [self.bookings.ends(day) for day in self.days]
        people = {
            (e, kind): self.bookings.expected(served, e, kind)
            for e, kind in {(e, kind) for day in ends for e, _, kind in day}
        }
        riders = {key: float(n.sum()) for key, n in people.items()}
        expected = [sum(riders[e, kind] for e, _, kind in day) for day in ends]
        busiest = max(expected, default=0.0)
        if busiest <= 0:
            return []
        draws = max(1, min(MOST_DRAWS, int(np.ceil(RIDERS_DRAWN / busiest))))

        @cache
        def asked(e: int, before: int, kind: str, draw: int) -> list[Request]:
            return self.bookings.requests(people[e, kind], e, before, (draw + 0.5) / draws)

        drawn = []
        for day, on in zip(self.days, ends, strict=True):
            for k in range(draws):
                found = sorted(
                    (r for e, before, kind in on for r in asked(e, before, kind, k)),
                    key=lambda r: (r.span_s, r.edge, r.place),
                )
                drawn.append(
                    Drawn(replace(day, count=day.count / draws), k,
                          tuple(r for r in found if not r.why), tuple(r for r in found if r.why))
                )  # fmt: skip
        if not any(d.requests for d in drawn):
            return []
        boardings = sum(n * day.count for n, day in zip(expected, self.days, strict=True))
        services = [self._by_taxi(drawn, boardings)]
        if busiest >= self.config.taxi_below:
            for size in self._sizes(drawn):
                one = self._by_vehicle(drawn, boardings, size)
                before = services[-1]
                services.append(one)
                if before.operations and not before.why and one.eur_year >= before.eur_year:
                    break  # larger ones cost more still
        return sorted(services, key=lambda s: (bool(s.why), s.eur_year, s.by))

    def _sizes(self, drawn: Sequence[Drawn]) -> list[int]:
        """Return the sizes worth trying: none larger than one that seats a whole wave."""
        fullest = max(sum(r.riders for r in wave) for d in drawn for wave in waves(d.requests))
        sizes: list[int] = []
        for k in sorted(
            range(len(self.config.vehicles)), key=lambda k: self.config.vehicles[k].passengers
        ):
            if self.config.vehicles[k].available == 0:
                continue
            sizes.append(k)
            if self.config.vehicles[k].passengers >= fullest:
                break
        return sizes

    def _by_vehicle(self, drawn: Sequence[Drawn], expected: float, size: int) -> Booked:
        scene, vehicle, factors = self.bookings.scene, self.config.vehicles[size], self.factors
        rates, rules = Rates.of(vehicle, factors), DutyRules.from_factors(factors)
        hour = factors["driver_hour"]
        out = sum(day.count for day in self.days)
        sign = 2 * rules.sign_on_s / 3600 * hour
        price = RidePrice(rates.fixed / out + sign, rates.km / 1000, hour / 3600)
        simulated, blocks = [], []
        for one in drawn:
            tours = self._day_tours(one.requests, vehicle.passengers, scene.depot, price)
            simulated.append(SimulatedDay(one.day, one.requests, one.left, tours))
            trips = tuple(
                sorted(
                    (Trip(k, t.calls[0].time_s, t.calls[-1].time_s, t.calls[0].place,
                          t.calls[-1].place, t.metres, size) for k, t in enumerate(tours)),
                    key=lambda t: (t.start_s, t.end_s, t.run),
                )
            )  # fmt: skip
            key = (size, trips)
            if key not in self._blocks:
                self._blocks[key] = chain_trips(
                    trips, scene.drive, scene.depot, turnaround_s=scene.turnaround_s, vehicle=size
                )
            blocks.append(self._blocks[key])
        days = [d.day for d in drawn]
        duties = duties_of(blocks, rules)
        fleets = [
            fleet_of(
                [b for b, d in zip(blocks, drawn, strict=True) if d.draw == draw],
                [d.day for d in drawn if d.draw == draw], len(self.config.vehicles),
            )
            for draw in sorted({d.draw for d in drawn})
        ]  # fmt: skip
        fleet = tuple(int(n) for n in np.max(fleets, axis=0))
        operations = Operations(
            tuple(days), tuple(tuple(b) for b in blocks), duties, fleet,
            sum(len(unlawful(day, rules)) for day in duties),
        )  # fmt: skip
        costs = yearly_costs(operations, self.config, factors, new_stops=0)
        riders = sum(d.day.count * d.riders for d in simulated)
        booked = priced(factors, "bookings", riders, "boardings", "light.booking_trip")
        bill = (*plan_bill(operations, self.config, factors, new_stops=0), booked)
        why = "" if operations.within(self.config) else "more vehicles are needed than can be had"
        return Booked(
            vehicle.name, tuple(simulated), operations, bill, costs.run_km + costs.empty_km,
            costs.driver_hours, costs.co2_kg, expected, scene.places, why,
        )  # fmt: skip

    def _by_taxi(self, drawn: Sequence[Drawn], expected: float) -> Booked:
        factors = self.factors
        seats = int(factors["light.taxi_passengers"])
        base, by_day = factors["light.taxi_base"], factors["light.taxi_km.day"]
        simulated = []
        km, trips = {"day": 0.0, "night": 0.0}, 0.0
        for one in drawn:
            tours = self._day_tours(one.requests, seats, -1, RidePrice(base, by_day / 1000, 0.0))
            simulated.append(SimulatedDay(one.day, one.requests, one.left, tours))
            for tour in tours:
                hour = tour.calls[0].time_s % DAY_S / 3600
                by = "day" if _NIGHT_H[1] > hour >= _NIGHT_H[0] and one.day.weekday < 6 else "night"
                km[by] += one.day.count * tour.metres / 1000
                trips += one.day.count
        riders = sum(d.day.count * d.riders for d in simulated)
        bill = (
            priced(factors, "taxis: pick-up charge", trips, "taxis", "light.taxi_base"),
            priced(factors, "taxis: by day", km["day"], "km", "light.taxi_km.day"),
            priced(factors, "taxis: by night", km["night"], "km", "light.taxi_km.night"),
            priced(factors, "bookings", riders, "boardings", "light.booking_trip"),
        )
        driven = 2 * (km["day"] + km["night"])
        return Booked(
            TAXI, tuple(simulated), None, tuple(line for line in bill if line.quantity > 0),
            driven, 0.0, driven * factors["car_co2"] / 1000, expected,
            self.bookings.scene.places,
        )  # fmt: skip

    def _day_tours(
        self, requests: tuple[Request, ...], seats: int, depot: int, price: RidePrice
    ) -> tuple[BookedTour, ...]:
        tours: list[BookedTour] = []
        first = 0
        whole = (seats, depot, *(r.ride for r in requests))
        if whole in self._days:
            return self._days[whole]
        for wave in waves(requests):
            key = (seats, depot, *(r.ride for r in wave))
            if key not in self._tours:
                self._tours[key] = self._wave_tours(wave, seats, depot, price)
            for tour in self._tours[key]:
                calls = tuple(replace(c, request=c.request + first) for c in tour.calls)
                tours.append(replace(tour, calls=calls))
            first += len(wave)
        self._days[whole] = tuple(tours)
        return self._days[whole]

    def _wave_tours(
        self, wave: Sequence[Request], seats: int, depot: int, price: RidePrice
    ) -> list[BookedTour]:
        """Return the tours of requests that may overlap; groups larger than a vehicle are split."""
        scene = self.bookings.scene
        parts = [
            (k, min(seats, r.riders - left))
            for k, r in enumerate(wave)
            for left in range(0, r.riders, seats)
        ]
        mine = [wave[k] for k, _ in parts]
        inbound = np.array([r.inbound for r in mine])
        home, gate = np.array([r.place for r in mine]), np.array([r.gate for r in mine])
        early, late = np.array([r.early_s for r in mine]), np.array([r.late_s for r in mine])
        rides = Rides(
            scene.drive, depot,
            np.r_[np.where(inbound, home, gate), np.where(inbound, gate, home)],
            np.r_[np.where(inbound, -ALWAYS_S, early), np.where(inbound, early, -ALWAYS_S)],
            np.r_[np.where(inbound, ALWAYS_S, late), np.where(inbound, late, ALWAYS_S)],
            np.array([n for _, n in parts]), np.array([r.limit_s for r in mine]),
            scene.dwell_s, seats, price,
        )  # fmt: skip
        n, tours = rides.n, []
        for tour in plan_rides(rides, iterations=self._iterations):
            calls = tuple(
                Call(at, int(rides.place[x]), *parts[x % n], x < n)
                for x, at in zip(tour.nodes, tour.times_s, strict=True)
            )
            metres = sum(
                float(scene.drive.metres[a.place, b.place])
                for a, b in pairwise(calls)
                if a.place != b.place
            )
            tours.append(BookedTour(calls, metres))
        return tours
