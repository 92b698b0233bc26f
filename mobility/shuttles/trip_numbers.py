"""How many trips each end has in a plan of some vehicles: until no plan can have so few.

An end has k trips at most, or k + 1 at least. Where the relaxation (`trip_master`) of one side
needs more vehicles, the other holds for every plan that has no more. Ends of which the
relaxation takes a fraction of a trip are looked at one after another, and what holds is kept.
"""

from __future__ import annotations

import math

import numpy as np

from mobility.shuttles.trip_master import TripMaster

_PART = 1e-3  # of a trip: less is whole


def needs_more(master: TripMaster, vehicles: int) -> bool:
    """Return whether every plan needs more vehicles; no end's trips stay limited.

    Parameters
    ----------
    vehicles
        Where the answer is no, a plan may still need more.
    """
    holds = [(float(least), math.inf) for least in master.fewest]
    done: set[int] = set()
    found = master.relax() > vehicles
    while not found:
        trips = master.trips()
        part = np.abs(trips - np.rint(trips))
        part[list(done)] = 0.0
        end = int(part.argmax())
        if part[end] < _PART:
            break
        done.add(end)
        least, most = holds[end]
        k = math.floor(trips[end])
        for side, other in (((least, k), (k + 1, most)), ((k + 1, most), (least, k))):
            master.limit_trips(end, *side)
            if master.relax() > vehicles:
                holds[end] = other
                break
        master.limit_trips(end, *holds[end])
        found = master.relax() > vehicles
    for end, least in enumerate(master.fewest):
        master.limit_trips(end, least, math.inf)
    return found
