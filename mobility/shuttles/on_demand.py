"""On demand instead of a shuttle: the same riders, hours and vehicles, served by booking.

Simulated days of requests are served by `dial_a_ride`; tours are chained into blocks, staffed
and costed by the code that does so for a shuttle's runs. Below so many riders a day, or where
it costs less, taxis drive the same requests instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, cached_property
from itertools import pairwise

import numpy as np

from mobility.base.clock import DAY_S
from mobility.remedies.bill import priced
from mobility.shuttles.blocks import Block, Trip, chain_trips
from mobility.shuttles.booked import TAXI, Asked, Booked, BookedTour, Call, Drawn
from mobility.shuttles.booking import Bookings, Request, waves
from mobility.shuttles.config import Factors, ShuttleConfig
from mobility.shuttles.costs import Operations, Rates, duties_of, fleet_of, plan_bill, yearly_costs
from mobility.shuttles.dial_a_ride import ITERATIONS, RidePrice, Rides, plan_rides
from mobility.shuttles.duties import DutyRules
from mobility.shuttles.model import ALWAYS_S, Bools, Day, Floats, Ints

_MOST_DRAWS, _RIDERS_DRAWN = 3, 30  # draws of a day: so many, fewer where they give so many riders
_NIGHT_H = (7, 19)  # hours between which a taxi's day price holds


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

    @cached_property
    def _ends(self) -> list[list[tuple[int, int, str]]]:
        """The shift ends of each day, see `Bookings.ends`."""
        return [self.bookings.ends(day) for day in self.days]

    @cached_property
    def _everybody(self) -> tuple[list[tuple[int, str]], Ints, Floats]:
        """The shift ends and kinds of day asked, the shift of each, and its riders at each home.

        float64[K,H], every home of every shift being served.
        """
        bookings = self.bookings
        asked = sorted({(e, kind) for day in self._ends for e, _, kind in day})
        every = np.ones(bookings.scene.workers.shape, bool)
        people = [bookings.expected(every, e, kind) for e, kind in asked]
        shifts = [bookings.scene.edge_shift[e] for e, _ in asked]
        shape = len(asked), bookings.scene.n_homes
        return asked, np.array(shifts, np.int32), np.array(people, np.float64).reshape(shape)

    def services(self, served: Bools) -> list[Booked]:
        """Return every way to serve some shifts and homes by booking, the best first.

        None where nobody books; taxis alone below ``taxi_below`` riders on the busiest day.

        Parameters
        ----------
        served
            bool[S,H].
        """
        keys, shifts, everybody = self._everybody
        people = np.where(served[shifts], everybody, 0.0)
        riders = dict(zip(keys, people.sum(axis=1).tolist(), strict=True))
        expected = [sum(riders[e, kind] for e, _, kind in day) for day in self._ends]
        busiest = max(expected, default=0.0)
        if busiest <= 0:
            return []
        draws = max(1, min(_MOST_DRAWS, int(np.ceil(_RIDERS_DRAWN / busiest))))
        drawn = self._drawn(dict(zip(keys, people, strict=True)), riders, draws)
        if not any(d.asked.requests for d in drawn):
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

    def _drawn(
        self,
        people: Mapping[tuple[int, str], Floats],
        riders: Mapping[tuple[int, str], float],
        draws: int,
    ) -> list[Drawn]:
        """Return each draw of each day; days with the same shift ends have the same riders.

        Parameters
        ----------
        people, riders
            Expected of each shift end on a kind of day: float64[H], and in all.
        """
        queue = cache(lambda e, kind: self.bookings.queue(people[e, kind], e))

        @cache
        def requests(e: int, before: int, kind: str, draw: int) -> list[Request]:
            return self.bookings.requests(queue(e, kind), e, before, (draw + 0.5) / draws)

        @cache
        def asked(ends: tuple[tuple[int, int, str], ...], draw: int) -> Asked:
            found = sorted(
                (r for end in ends for r in requests(*end, draw)),
                key=lambda r: (r.span_s, r.edge, r.place),
            )
            return Asked(tuple(r for r in found if not r.why), tuple(r for r in found if r.why))

        return [
            Drawn(replace(day, count=day.count / draws), k, asked(ends, k))
            for day, on in zip(self.days, self._ends, strict=True)
            for ends in [tuple((e, ago, kind) for e, ago, kind in on if riders[e, kind])]
            for k in range(draws)
        ]

    def _sizes(self, drawn: Sequence[Drawn]) -> list[int]:
        """Return the sizes worth trying: none larger than one that seats a whole wave."""
        fullest = max(
            sum(r.riders for r in wave) for one in _each(drawn) for wave in waves(one.requests)
        )
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
        tours = {
            one: self._day_tours(one, vehicle.passengers, scene.depot, price)
            for one in _each(drawn)
        }
        simulated = [one.served(tours[one.asked]) for one in drawn]
        chained = {one: self._day_blocks(one, tours[one], size) for one in tours}
        blocks = [chained[one.asked] for one in drawn]
        days = [d.day for d in drawn]
        fleets = [
            fleet_of(
                [b for b, d in zip(blocks, drawn, strict=True) if d.draw == draw],
                [d.day for d in drawn if d.draw == draw],
                len(self.config.vehicles),
            )
            for draw in sorted({d.draw for d in drawn})
        ]
        fleet = tuple(int(n) for n in np.max(fleets, axis=0))
        operations = Operations(
            tuple(days), tuple(tuple(b) for b in blocks), duties_of(blocks, rules), fleet
        )
        costs = yearly_costs(operations, self.config, factors, new_stops=0)
        riders = sum(d.day.count * d.riders for d in simulated)
        booked = priced(factors, "bookings", riders, "boardings", "light.booking_trip")
        bill = (*plan_bill(operations, self.config, factors, new_stops=0, costs=costs), booked)
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
        price = RidePrice(base, by_day / 1000, 0.0)
        tours = {one: self._day_tours(one, seats, -1, price) for one in _each(drawn)}
        for one in drawn:
            simulated.append(one.served(tours[one.asked]))
            for tour in tours[one.asked]:
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

    def _day_blocks(self, asked: Asked, tours: Sequence[BookedTour], size: int) -> list[Block]:
        """Return the blocks of vehicles of one size that do the tours of a day."""
        key = (size, asked.rides)
        if key not in self._blocks:
            trips = (
                Trip(k, t.calls[0].time_s, t.calls[-1].time_s, t.calls[0].place,
                     t.calls[-1].place, t.metres, size) for k, t in enumerate(tours)
            )  # fmt: skip
            scene = self.bookings.scene
            self._blocks[key] = chain_trips(
                sorted(trips, key=lambda t: (t.start_s, t.end_s, t.run)),
                scene.drive,
                scene.depot,
                turnaround_s=scene.turnaround_s,
                vehicle=size,
            )
        return self._blocks[key]

    def _day_tours(
        self, asked: Asked, seats: int, depot: int, price: RidePrice
    ) -> tuple[BookedTour, ...]:
        whole = (seats, depot, asked.rides)
        if whole in self._days:
            return self._days[whole]
        tours: list[BookedTour] = []
        first = 0
        for wave in waves(asked.requests):
            key = (seats, depot, asked.rides[first : first + len(wave)])
            if key not in self._tours:
                self._tours[key] = self._wave_tours(wave, seats, depot, price)
            tours += [tour.numbered(first) for tour in self._tours[key]]
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
        # Place and window of where each gets on, and then off: one of the two is the gate.
        gates = [(r.gate, r.early_s, r.late_s) for r in mine]
        homes = [(r.place, -ALWAYS_S, ALWAYS_S) for r in mine]
        into = [r.inbound for r in mine]
        on = [home if i else gate for i, home, gate in zip(into, homes, gates, strict=True)]
        off = [gate if i else home for i, home, gate in zip(into, homes, gates, strict=True)]
        place, early, late = np.array([*on, *off], np.int32).T
        rides = Rides(
            scene.drive, depot, place, early, late, np.array([n for _, n in parts], np.int32),
            np.array([r.limit_s for r in mine], np.int32), scene.dwell_s, seats, price,
        )  # fmt: skip
        n, places, tours = rides.n, place.tolist(), []
        for tour in plan_rides(rides, iterations=self._iterations):
            calls = tuple(
                Call(at, places[x], *parts[x % n], x < n)
                for x, at in zip(tour.nodes, tour.times_s, strict=True)
            )
            metres = sum(
                float(scene.drive.metres[a.place, b.place])
                for a, b in pairwise(calls)
                if a.place != b.place
            )
            tours.append(BookedTour(calls, metres))
        return tours


def _each(drawn: Sequence[Drawn]) -> list[Asked]:
    """Return those who book on some draws of days, each once."""
    return list(dict.fromkeys(one.asked for one in drawn))
