"""What levers, moved hours and scenarios cost a year."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

import numpy as np

from mobility.commute.access import Access, counting_modes
from mobility.commute.ledger import capture_rate, roster_jobs, shift_jobs
from mobility.commute.line_changes import called_between
from mobility.commute.study import Study
from mobility.remedies.bill import Bill, CostLine, priced
from mobility.remedies.factors import LeverFactors, load_factors
from mobility.remedies.model import Lever, LeverKind, days_of, departures, networks
from mobility.remedies.vehicles import Extra, Vehicles
from mobility.territory.changes import FeedChange, LineChange, NewCall, ShiftChange, TripChange
from mobility.territory.project import Territory

#: How a scenario changes trips, and the lever of that price. What a trip taken out saves is not
#: counted, for the vehicle and its driver may be needed still.
_LEVERS: dict[str, LeverKind] = {"move": "move_trip", "add": "add_run"}

#: What the trips of on-demand zones are called on a bill.
BOOKED = "on-demand trips"


def timetable_bill(vehicles: Vehicles, lever: Lever, factors: LeverFactors) -> Bill:
    """Return what a lever costs a year: driving, waiting, night, drivers, vehicles, planning."""
    running = _running_bill(vehicles, lever, factors)
    if lever.kind == "stop":
        return (*running, _new_stops_line(1, factors))
    nets = vehicles.nets
    changed = max((len(departures(nets[kind], lever)) for kind in days_of(nets, lever)), default=1)
    what = "departures planned anew"
    planned = priced(factors, what, changed, "departures", "retiming_year")
    return (*running, planned) if changed > 0 else running


def _new_stops_line(count: int, factors: LeverFactors) -> CostLine:
    """Return what stops that are built cost a year."""
    return priced(factors, "new stop", count, "stops", "new_stop", over=["new_stop_years"])


def _running_bill(vehicles: Vehicles, lever: Lever, factors: LeverFactors) -> Bill:
    """Return what a lever costs a year in driving, waiting, night, drivers and vehicles."""
    nets = vehicles.nets
    days = {kind: vehicles.study.days_of_kind(kind) for kind in set(days_of(nets, lever))}
    extra = {kind: vehicles.added(kind, lever) for kind in days}

    def yearly(what: Callable[[Extra], float]) -> float:
        return sum(count * what(extra[kind]) for kind, count in sorted(days.items()))

    asked: list[tuple[str, float, str, tuple[str, ...]]] = [
        ("driving added", yearly(lambda e: e.driving_h), "vehicle-hours", ("bus_hour",)),
        ("longer working day", yearly(lambda e: e.waiting_h), "hours", ("bus_wait_hour",)),
        ("driving by night", yearly(lambda e: e.night_h), "hours",
         ("bus_wait_hour", "night_premium")),
        ("another driver", yearly(lambda e: e.drivers), "turns", ("bus_wait_hour", "driver_turn")),
        ("another vehicle", max((e.vehicles for e in extra.values()), default=0), "vehicles",
         ("bus_vehicle_year",)),
    ]  # fmt: skip
    if lever.kind in ("add_run", "lift_school"):
        asked.insert(1, ("empty driving", *asked[0][1:3], ("bus_hour", "empty_run_share")))
    lines = [priced(factors, item, many, unit, *names) for item, many, unit, names in asked]
    return tuple(line for line in lines if line.quantity > 0)


def hours_bill(study: Study, rosters: Iterable[tuple[int, str]], factors: LeverFactors) -> CostLine:
    """Return what other hours of some rosters, by site and name, cost a year."""
    staff = sum(float(roster_jobs(study, *name).sum()) for name in rosters)
    return priced(factors, "agreement on hours", staff, "workers", "shift_change_worker")


class ScenarioPrices:
    """What prices the changes that scenarios make of one study.

    Parameters
    ----------
    study
        The territory without the changes.
    """

    def __init__(self, study: Study) -> None:
        self.study = study
        self._between: dict[str, tuple[tuple[int, ...], int]] = {}

    @cached_property
    def vehicles(self) -> Vehicles:
        """The vehicles of its timetables."""
        return Vehicles(self.study, networks(self.study))

    def bill(self, territory: Territory, booked: float = 0.0) -> Bill:
        """Return what the changes of a scenario cost a year, line by line.

        Parameters
        ----------
        territory
            The scenario's.
        booked
            Trips a year that its on-demand zones carry, see `booked_trips`.
        """
        factors = load_factors(territory.factors, file=territory.path)
        changes = territory.changes
        lines = [line for change in changes.trips for line in self._trips(change, factors)]
        lines += self._calls(changes.lines, factors)
        lines += self._hours(changes.shifts, factors)
        if booked > 0:
            lines.append(priced(factors, BOOKED, booked, "trips", "light.on_demand_trip"))
        lines += [_plan(feed) for feed in changes.feeds if feed.eur_year is not None]
        return tuple(lines)

    def _trips(self, change: TripChange, factors: LeverFactors) -> Bill:
        if change.how not in _LEVERS:
            return ()
        found = np.flatnonzero(self.study.feed.trips["trip_id"].astype(str).isin(change.trips))
        trips = tuple(int(trip) for trip in found)
        lever = Lever(_LEVERS[change.how], trips, 60 * change.minutes)
        return timetable_bill(self.vehicles, lever, factors)

    def _calls(self, changes: Iterable[LineChange], factors: LeverFactors) -> Iterator[CostLine]:
        """Yield what stops put on the way of lines cost: driving, and each of them once."""
        new: set[NewCall] = set()
        for change in changes:
            if change.how != "reroute" or change.from_stop is None or change.days:
                continue
            key = change.model_dump_json()
            if key not in self._between:
                self._between[key] = called_between(self.study, change)
            trips, longer_s = self._between[key]
            yield from _running_bill(self.vehicles, Lever("stop", trips, longer_s), factors)
            new |= {stop for stop in change.stops if isinstance(stop, NewCall)}
        if new:
            yield _new_stops_line(len(new), factors)

    def _hours(self, changes: Iterable[ShiftChange], factors: LeverFactors) -> Iterator[CostLine]:
        named = {(change.site, change.roster) for change in changes}
        rosters = {
            (row.site, row.roster)
            for row in self.study.shift_rows
            if (row.site_name, row.roster) in named
        }
        if rosters:
            yield hours_bill(self.study, sorted(rosters), factors)


def _plan(feed: FeedChange) -> CostLine:
    """Return the line of a plan, whose own bill is told where it was designed."""
    eur = feed.eur_year or 0.0
    low, high = (eur if end is None else end for end in (feed.eur_low, feed.eur_high))
    return CostLine("shuttles", 1.0, "plans", eur, low, high)


def booked_on(access: Access, shift_id: int, day_kind: str) -> float:
    """Return the on-demand trips a year, both ways, on a shift and kind of day.

    They are of those whom no other counted way brings there and back, as many as would take a
    service up (the capture rate).
    """
    study = access.study
    row = access.row(shift_id, day_kind, "on_demand")
    if row is None:
        return 0.0
    others = (access.row(shift_id, day_kind, m) for m in counting_modes(study) if m != "on_demand")
    known = [other for other in others if other is not None]
    alone = access.holds[row] & ~access.holds[known].any(axis=0)
    days = {day.kind: day for day in study.days}
    users = float(shift_jobs(study, shift_id) @ alone) * capture_rate(study)
    return 2 * study.days_per_year(shift_id, days[day_kind]) * users


def booked_trips(access: Access) -> float:
    """Return the on-demand trips a year of every shift, see `booked_on`."""
    pairs = access.keys[["shift_id", "day_kind"]].drop_duplicates()
    named = pairs.itertuples(index=False)
    return sum(booked_on(access, int(shift_id), str(kind)) for shift_id, kind in named)
