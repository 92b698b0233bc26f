"""Car-pooling of a shift, as `mobility run` tells it of a scenario with a table [carpool]."""

from __future__ import annotations

from typing import Any

from mobility.base.errors import MobilityError
from mobility.commute.carpool import SIZES, carpool_table, chances
from mobility.commute.drives import MOST_KEPT, drives_between
from mobility.commute.indicators import whole_persons
from mobility.studio.live import Live
from mobility.territory.project import Territory


def sharing(live: Live, territory: Territory, shift: int) -> dict[str, Any] | None:
    """Return the row of ``carpool.csv`` of a shift, None where its headcount is not known.

    Parameters
    ----------
    territory
        Of the scenario, with a table [carpool].
    shift
        Id of the shift.

    Raises
    ------
    MobilityError
        There is no such shift, car-pooling is not switched on, or places are too many to be
        asked at once.
    """
    study = live.changed(territory)
    if not 0 <= shift < len(study.shift_rows):
        raise MobilityError("There is no such shift.", value=shift)
    if territory.carpool is None:
        raise MobilityError("Car-pooling is not switched on.", mend="Load the page again.")
    if study.n_homes > MOST_KEPT:
        raise MobilityError(
            "Car-pooling of so many places is not told here.",
            mend="Keep the scenario and compute its map and tables: carpool.csv.",
        )
    found = chances(study, drives_between(study), territory.carpool, only=[shift])
    if shift not in found:
        return None
    counts = ["headcount", *(f"with_{k}" for k in SIZES)]
    [row] = whole_persons(carpool_table(study, found), counts).to_dict("records")
    return {key: int(row[key]) for key in ("shifts", *counts)}


__all__ = ["sharing"]
