"""What the pages are told of an opened study: its findings, its check, what a draft may change.

And of a draft: what it costs, and the chances to share a car on one shift.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mobility.base.errors import MobilityError
from mobility.base.i18n import LANGUAGES
from mobility.commute.carpool import SIZES, carpool_table, chances
from mobility.commute.drives import MOST_KEPT, drives_between
from mobility.commute.indicators import whole_persons
from mobility.commute.said_before import findings_in_order
from mobility.remedies.bill import Bill, total
from mobility.remedies.scenario import BOOKED
from mobility.territory.project import Carpool, Territory

if TYPE_CHECKING:
    from mobility.studio.live import Live
    from mobility.studio.studies import Opened


def live_of(opened: Opened) -> Live:
    """Return what answers of a study.

    Raises `MobilityError`: it is still being read.
    """
    if opened.live is None:
        raise MobilityError("The study is still being read.", mend="Wait, and ask again.")
    opened.used_s = time.monotonic()
    return opened.live


@contextmanager
def of_draft(file: Path) -> Iterator[None]:
    """Have what is wrong with a draft told without the study's file, which does not hold it."""
    try:
        yield
    except MobilityError as error:
        if error.file is not None and Path(error.file).resolve() == file.resolve():
            error.file = None
        raise


def checked_page(opened: Opened, language: str) -> str:
    """Return the page of `mobility check --html` of a study; the first language where unknown."""
    from mobility.outputs.map.check_page import check_page

    study = live_of(opened).study
    assert study.sheet is not None
    language = language if language in LANGUAGES else LANGUAGES[0]
    return check_page(study, study.sheet, findings_in_order(study), language)


def settings(opened: Opened) -> dict[str, Any]:
    """Return the hours and settings of a study that a draft may change."""
    assert opened.live is not None
    study = opened.live.study
    territory = opened.live.sources.territory
    return {
        "limits": territory.limits.model_dump(),
        "speeds": territory.speeds.model_dump(),
        "modes": territory.modes.model_dump(),
        "carpool": (territory.carpool or Carpool()).model_dump(),
        "zones": len(opened.live.data.get("on_demand", [])),
        "depot": territory.shuttles.get("depot"),
        "carpools": territory.carpool is not None,
        "shifts": [
            {
                "site": row.site_name,
                "roster": row.roster,
                "shift": row.shift,
                "start": row.start_s,
                "end": row.end_s,
            }
            for row in study.shift_rows
        ],
    }


def costs(bill: Bill, *, zoned: bool) -> dict[str, Any]:
    """Return what a draft costs, and the trips of its zones apart; EUR a year."""
    booked = [line for line in bill if line.item == BOOKED]
    eur, zones = (
        {end: round(total(lines, end)) for end in ("year", "low", "high")}
        for lines in (bill, booked)
    )
    trips = round(sum(line.quantity for line in booked))
    return {"eur": eur, "booked": zones | {"trips": trips} if zoned else None}


def sharing(live: Live, territory: Territory, shift: int) -> dict[str, Any] | None:
    """Return the row of ``carpool.csv`` of a shift, None where its headcount is not known.

    Raises `MobilityError`: there is no such shift, car-pooling is not switched on, or places are
    too many to be asked at once.

    Parameters
    ----------
    territory
        Of the scenario, with a table [carpool].
    shift
        Id of the shift.
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
