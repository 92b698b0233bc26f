"""What a scenario costs a year: the prices of the levers, and the bills of its plans."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mobility.commute.study import Study
from mobility.remedies.bill import Bill, CostLine
from mobility.remedies.factors import LeverFactors
from mobility.remedies.model import Lever, LeverKind
from mobility.remedies.recommendations import hours_bill, timetable_bill
from mobility.remedies.vehicles import Vehicles
from mobility.territory.changes import Changes, FeedChange, TripChange

#: How a scenario changes trips, and the lever of that price. What a trip taken out saves is not
#: counted, for the vehicle and its driver may be needed still.
LEVERS: dict[str, LeverKind] = {"move": "move_trip", "add": "add_run"}


def scenario_bill(
    study: Study, changes: Changes, vehicles: Vehicles, factors: LeverFactors
) -> Bill:
    """Return what the changes of a scenario cost a year, line by line.

    Parameters
    ----------
    study
        The territory without the changes.
    vehicles
        Of its timetables.
    """
    lines = [line for change in changes.trips for line in _trips(study, change, vehicles, factors)]
    named = {(change.site, change.roster) for change in changes.shifts}
    rosters = {
        (row.site, row.roster) for row in study.shift_rows if (row.site_name, row.roster) in named
    }
    if rosters:
        lines.append(hours_bill(study, sorted(rosters), factors))
    lines += [_plan(feed) for feed in changes.feeds if feed.eur_year is not None]
    return tuple(lines)


def _trips(
    study: Study, change: TripChange, vehicles: Vehicles, factors: LeverFactors
) -> Iterator[CostLine]:
    if change.how not in LEVERS:
        return
    found = np.flatnonzero(study.feed.trips["trip_id"].astype(str).isin(change.trips))
    trips = tuple(int(trip) for trip in found)
    yield from timetable_bill(
        vehicles, Lever(LEVERS[change.how], trips, 60 * change.minutes), factors
    )


def _plan(feed: FeedChange) -> CostLine:
    """Return the line of a plan, whose own bill is told where it was designed."""
    eur = feed.eur_year or 0.0
    low, high = (eur if end is None else end for end in (feed.eur_low, feed.eur_high))
    return CostLine("shuttles", 1.0, "plans", eur, low, high)


__all__ = ["scenario_bill"]
