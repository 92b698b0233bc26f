"""On-demand transport: a booked vehicle within a zone, to a gate or to a stop.

The vehicle comes at the time that suits the shift, some minutes of its time slot being
lost. The ride takes the direct drive times a detour for other passengers. It must lie
wholly inside the service's hours; whether a vehicle is free is not known.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from mobility.base.arrays import Bool, Int32, Int64
from mobility.base.clock import DAY_S, local_to_axis
from mobility.commute.feeder_modes import Feeder, door_seconds
from mobility.engine.journeys import Edge, EngineLimits, HomeTimes, TwoWay, travel
from mobility.sources.days import ChosenDay
from mobility.territory.fields import WEEKDAYS, Weekday
from mobility.timetable.arrays import INF

Window = tuple[int, int, int, int]
"""From when to when one is taken up, and set down, axis seconds."""


@dataclass(frozen=True)
class OnDemandService:
    """One zone with its hours, and the rides it offers.

    Attributes
    ----------
    name
        As the territory, or the feed, calls it.
    days
        Weekdays on which it runs; None where ``dates`` tell.
    dates
        Service days of a feed's zone.
    start_s, end_s
        Hours, seconds since local midnight; past 86,400 on the next day.
    drop
        Hours in which riders are set down, where they are others.
    walks : int32[4, sites, H]
        Walks to and from stops that the rides hold: at home and at the gate on the way there,
        at home and at the gate on the way back; None where the vehicle comes to the door.
    wait_s
        Kept for the vehicle's time slot.
    out_s, back_s : int32[sites, H]
        Ride from home to the nearest gate inside the zone, and back; ``INF`` where there is
        none.
    hubs
        Rides between homes and the stops it meets, its wait included; None without hubs.
    booking
        How to book, in words.
    """

    name: str
    days: tuple[Weekday, ...] | None
    dates: frozenset[dt.date]
    start_s: int
    end_s: int
    wait_s: int
    out_s: Int32
    back_s: Int32
    hubs: Feeder | None = None
    booking: str = ""
    drop: tuple[int, int] | None = None
    walks: Int32 | None = None

    def windows(self, day: ChosenDay, worked: Iterable[str], zone: ZoneInfo) -> list[Window]:
        """Return when it runs around a study date, axis seconds.

        Parameters
        ----------
        worked
            Weekdays on which the shift starts on this kind of day: the service must run on
            each of them.
        """
        found = []
        for offset in (-1, 0, 1):
            if self.days is None:
                runs = day.date + dt.timedelta(days=offset) in self.dates
            else:
                runs = all(WEEKDAYS[(WEEKDAYS.index(w) + offset) % 7] in self.days for w in worked)
            if runs:
                hours = (self.start_s, self.end_s, *(self.drop or (self.start_s, self.end_s)))
                low, high, first, last = (_axis_s(day.date, s, offset, zone) for s in hours)
                found.append((low, high, first, last))
        return _joined(found)


def _axis_s(date: dt.date, clock_s: int, offset: int, zone: ZoneInfo) -> int:
    days, second = divmod(clock_s, DAY_S)
    return local_to_axis(date, second, zone, day_offset=offset + days)


def _joined(windows: list[Window]) -> list[Window]:
    """Join windows that touch, so that a service round the clock has no seam at midnight."""
    found: list[Window] = []
    for low, high, first, last in sorted(windows):
        if found and low <= found[-1][1] and first <= found[-1][3]:
            found[-1] = (
                found[-1][0],
                max(high, found[-1][1]),
                found[-1][2],
                max(last, found[-1][3]),
            )
        else:
            found.append((low, high, first, last))
    return found


def inside(windows: Sequence[Window], start_s: NDArray, end_s: NDArray) -> Bool:  # type: ignore[type-arg]
    """Return whether each ride is taken up and set down inside one of the windows."""
    held = np.zeros(np.shape(start_s), bool)
    for low, high, first, last in windows:
        held |= (start_s >= low) & (start_s <= high) & (end_s >= first) & (end_s <= last)
    return held


def booked_times(
    service: OnDemandService,
    windows: Sequence[Window],
    site: int,
    edge: Edge,
    limits: EngineLimits,
    two_way: TwoWay,
    egress_s: Int32,
) -> Int32:
    """Return the elapsed seconds of one direction by one service, int32 (homes,).

    The better of a ride all the way and of a ride to a hub continued by public transport.
    """
    hubs = service.hubs
    leg = None
    if hubs is not None and len(hubs.place):
        leg = travel(two_way, egress_s, edge, limits, hubs.walks[int(edge.returning)])
    return booked_with(service, windows, site, edge, limits, leg)


def booked_with(
    service: OnDemandService,
    windows: Sequence[Window],
    site: int,
    edge: Edge,
    limits: EngineLimits,
    leg: HomeTimes | None,
) -> Int32:
    """Return what `booked_times` does from the times between its hubs and the edge."""
    ride_s = (service.back_s if edge.returning else service.out_s)[site]
    elapsed_s = np.full(ride_s.size, INF, np.int32)
    if service.wait_s > limits.max_wait_s or not windows:
        return elapsed_s
    whole_s = np.minimum(ride_s, INF // 2) + service.wait_s + edge.margin_s
    gate_s = edge.at_s + edge.margin_s if edge.returning else edge.at_s - edge.margin_s
    zero = np.zeros((4, *service.out_s.shape), np.int32)
    walks = (zero if service.walks is None else service.walks)[:, site]
    at_home, at_gate = walks[2:] if edge.returning else walks[:2]
    if edge.returning:
        runs = inside(windows, gate_s + at_gate + service.wait_s, edge.at_s + whole_s - at_home)
    else:
        runs = inside(windows, gate_s - ride_s + at_home, gate_s - at_gate)
    holds = (ride_s < INF) & (whole_s <= limits.max_total_s) & runs
    elapsed_s[holds] = whole_s[holds]
    if service.hubs is not None and leg is not None:
        fed_s = _by_hub(service, service.hubs, windows, edge, limits, leg)
        elapsed_s = np.minimum(elapsed_s, fed_s)
    return elapsed_s


def _by_hub(
    service: OnDemandService,
    hubs: Feeder,
    windows: Sequence[Window],
    edge: Edge,
    limits: EngineLimits,
    leg: HomeTimes,
) -> Int32:
    side = int(edge.returning)

    def allowed(at: Edge, whole_s: Int64, ride_s: Int32) -> Bool:
        if at.returning:
            home_s = at.at_s + whole_s
            return inside(windows, home_s - ride_s + service.wait_s, home_s)
        leave_s = at.at_s - whole_s
        return inside(windows, leave_s + service.wait_s, leave_s + ride_s)

    door_s = door_seconds(hubs, side, leg, edge, limits, allowed)
    best_s = np.full(len(hubs.ptr) - 1, INF, np.int32)
    np.minimum.at(best_s, hubs.home, door_s)
    return best_s
