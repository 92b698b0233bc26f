"""What pages are told of an opened study, and the territory file as they edit it.

They are told its findings, its check, what a draft may change and costs. A click changes one field
of the file, whose comments and order are kept: some mends of the check are such a setting, and so
is the depot of the shuttles.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomlkit

from mobility.base.errors import Finding, MobilityError, TerritoryError
from mobility.base.files import write_text
from mobility.base.i18n import LANGUAGES, translate
from mobility.commute.carpool import SIZES, carpool_table, chances
from mobility.commute.drives import MOST_KEPT, drives_between
from mobility.commute.indicators import whole_persons
from mobility.commute.said_before import findings_in_order
from mobility.remedies.bill import Bill, total
from mobility.remedies.scenario import BOOKED
from mobility.territory.project import Carpool, Territory
from mobility.territory.validation import read_toml

if TYPE_CHECKING:
    from mobility.studio.live import Live
    from mobility.studio.studies import Opened

#: What is edited, and whether it is a list; anything else is a table.
_EDITED = {
    "sources": False,
    "sources.gtfs": True,
    "sources.homes": False,
    "sites": True,
    "shuttles": False,
}
_ZONES = {"A": "School zone A", "B": "School zone B", "C": "School zone C"}


def said_by(file: Path) -> dict[str, Any]:
    """Return what a territory file says, whether or not a study can be made of it.

    Raises `TerritoryError`: it cannot be read, or what is edited is neither the table nor the list
    that it has to be.
    """
    data = read_toml(file)
    for name, is_list in _EDITED.items():
        value: Any = data
        for key in name.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        if value is not None and not isinstance(value, list if is_list else Mapping):
            raise TerritoryError(
                "It is no list." if is_list else "It is no table.",
                file=file,
                column=name,
                value=value,
                mend="Put the values between square brackets, commas between them: [a, b]."
                if is_list
                else "Write its fields one by one, name = value.",
            )
    return data


def document_of(file: Path) -> tomlkit.TOMLDocument:
    """Return a territory file to be edited.

    Raises `TerritoryError`: see `said_by`.
    """
    said_by(file)
    return tomlkit.parse(file.read_text(encoding="utf-8-sig"))


@dataclass(frozen=True)
class Mend:
    """A field of the territory file, the value that mends, and what its button says."""

    table: str
    field: str
    value: Any
    message: str


def mends_of(finding: Finding, territory: Territory) -> list[Mend]:
    """Return the settings that mend a finding; none where a person has to judge or to fetch."""
    code, days = finding.code, territory.days
    if code == "feeds_overlap" and territory.sources.duplicates != "drop":
        return [Mend("sources", "duplicates", "drop", message="Leave them out once")]
    if code == "school_routes" and territory.modes.school_services:
        return [Mend("modes", "school_services", False, message="Workers may not ride them")]
    if code == "school_zone_unknown":
        return [Mend("days", "school_zone", zone, text) for zone, text in _ZONES.items()]
    if code == "day_kind_absent" and len(days.kinds) > 1:
        left: list[str] = [kind for kind in days.kinds if kind != finding.params["kind"]]
        known = len(left) < len(days.kinds)
        return (
            [Mend("days", "kinds", left, message="Do not study this kind of day")] if known else []
        )
    if code == "flex_zones" and "on_demand" not in territory.modes.evaluated:
        modes: list[str] = [*territory.modes.evaluated, "on_demand"]
        return [Mend("modes", "evaluated", modes, message="Count on-demand services")]
    return []


def labels(findings: Iterable[Finding], territory: Territory) -> list[list[dict[str, str]]]:
    """Return what the buttons of each finding say, in both languages."""
    return [
        [
            {code: translate(mend.message, code) for code in LANGUAGES}
            for mend in mends_of(finding, territory)
        ]
        for finding in findings
    ]


def put_mend(file: Path, mend: Mend) -> None:
    """Write a mend into the territory file, whose comments and order stay.

    Raises `TerritoryError`: the file cannot be with it; nothing changes then.
    """
    document = document_of(file)
    table: Any = document.setdefault(mend.table, tomlkit.table())
    table[mend.field] = mend.value
    Territory.from_dict(document.unwrap(), file)
    write_text(file, tomlkit.dumps(document))


def mend_asked(
    findings: list[Finding], territory: Territory, index: object, choice: object
) -> Mend:
    """Return the mend that a button stands for: of which finding, and which of its buttons.

    Raises `MobilityError`: there is none, as when the study was read again meanwhile.
    """
    mends: list[Mend] = []
    if isinstance(index, int) and 0 <= index < len(findings):
        mends = mends_of(findings[index], territory)
    if not isinstance(choice, int) or not 0 <= choice < len(mends):
        raise MobilityError("There is no such mend.", mend="Load the page again.")
    return mends[choice]


def put_depot(file: Path, depot: list[float] | None) -> None:
    """Write where the vehicles of shuttles start and end into the territory file.

    Raises `TerritoryError`: it is no place; nothing changes then.

    Parameters
    ----------
    depot
        Longitude and latitude; None for the gate of each line.
    """
    from mobility.shuttles.config import ShuttleConfig

    document = document_of(file)
    table: Any = document.setdefault("shuttles", tomlkit.table())
    table.pop("depot", None)
    if depot is not None:
        table["depot"] = depot
    ShuttleConfig.from_dict(document["shuttles"].unwrap(), file)
    write_text(file, tomlkit.dumps(document))


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
    from mobility.outputs.map.side_pages import check_page

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
