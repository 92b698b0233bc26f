"""Every way of going to work that is told apart, in one place: what is asked of a mode, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mobility.base.errors import TerritoryError
from mobility.territory.project import Mode, StreetMode, Territory

#: How its times are found (see `door_to_door.both_ways`): on streets alone; walking to a
#: timetable; to a timetable otherwise than on foot; by a vehicle booked beforehand.
Kind = Literal["street", "transit", "feeder", "booked"]
#: Modes on streets that keep to safe ways in the dark.
EXPOSED: tuple[StreetMode, ...] = ("walk", "bike", "e_bike")


@dataclass(frozen=True)
class ModeRow:
    """What holds of one mode.

    Attributes
    ----------
    label
        English name; French in the catalogue of the page.
    by
        In English, how one goes by it.
    rides
        The modes on streets that it rests on, walking apart.
    counts
        Whether it rescues a home from being white: always, only where the territory lets cycling
        count, or never. Driving is what those without a car lack, and car-pooling is a remedy
        shown apart.
    fare
        What it costs besides kilometres: a yearly pass, or each booked trip.
    co2
        Factor of its kilometres; "feed" that of the feed's vehicles, empty none.
    """

    kind: Kind
    label: str
    by: str
    rides: tuple[StreetMode, ...] = ()
    counts: Literal["always", "cycling", "never"] = "always"
    fare: Literal["pass", "trip", ""] = ""
    co2: str = ""


MODES: Mapping[Mode, ModeRow] = {
    "transit": ModeRow(
        "transit", "public transport", "by public transport", fare="pass", co2="feed"
    ),
    "bike_transit": ModeRow(
        "feeder", "bicycle and public transport", "by bicycle and public transport",
        ("bike",), "cycling", fare="pass", co2="feed",
    ),
    "park_and_ride": ModeRow(
        "feeder", "park and ride", "by park and ride", ("car",), "never", fare="pass", co2="feed"
    ),
    "on_demand": ModeRow(
        "booked", "on-demand transport", "by on-demand transport",
        ("car",), fare="trip", co2="co2.car",
    ),
    "walk": ModeRow("street", "walking", "on foot"),
    "bike": ModeRow("street", "bicycle", "by bicycle", ("bike",), "cycling", co2="co2.bike"),
    "e_bike": ModeRow(
        "street", "electric bicycle", "by electric bicycle", ("e_bike",), "cycling",
        co2="co2.e_bike",
    ),
    "car": ModeRow("street", "car", "by car", ("car",), "never", co2="co2.car"),
}  # fmt: skip


def evaluated(territory: Territory, *kinds: Kind) -> list[Mode]:
    """Return the modes of some kinds that a territory asks for, in its order."""
    return [mode for mode in territory.modes.evaluated if MODES[mode].kind in kinds]


def riding(territory: Territory, *, has_timetable: bool) -> Territory:
    """Return a territory that asks for public transport where a first line is added to it.

    Parameters
    ----------
    has_timetable
        Whether there are trips already: leaving them out is then the territory's own wish.
    """
    modes = territory.modes.evaluated
    if has_timetable or "transit" in modes:
        return territory
    changed = territory.modes.model_copy(update={"evaluated": ["transit", *modes]})
    return territory.model_copy(update={"modes": changed})


def check_riding(territory: Territory, *, has_timetable: bool) -> None:
    """Check that a line may be added: alone it would be given what trips that run already do.

    Raises
    ------
    TerritoryError
        Public transport runs and is not asked for.
    """
    modes = territory.modes.evaluated
    if has_timetable and "transit" not in modes:
        raise TerritoryError(
            "A line is added, and public transport is not among the modes studied.",
            file=territory.path,
            column="modes.evaluated",
            value=", ".join(modes),
            mend='Add "transit" to them.',
        )


def counting(territory: Territory) -> list[Mode]:
    """Return the modes asked for that rescue a home from being white."""
    modes = territory.modes
    accepted = {"always", "cycling"} if modes.cycling_counts else {"always"}
    return [mode for mode in modes.evaluated if MODES[mode].counts in accepted]
