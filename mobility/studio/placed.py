"""Whether what a study names lies together: its homes and gates on its streets."""

from __future__ import annotations

from pathlib import Path

from mobility.base.errors import Finding, MobilityError
from mobility.commute.loading import read_sources
from mobility.commute.placing import check_gates, homes_on_streets
from mobility.commute.walks import mode_times
from mobility.settings import read_territory


def off_streets(file: Path) -> list[Finding | MobilityError]:
    """Return what is said of homes, and of a gate, too far from any street to be attached.

    Without timetables, which have no part in it.

    Raises
    ------
    MobilityError
        A source cannot be read.
    """
    territory = read_territory(file)
    alone = territory.sources.model_copy(update={"gtfs": []})
    found = read_sources(territory.model_copy(update={"sources": alone}))
    walking = mode_times(found.territory, found.streets, "walk")
    told: list[Finding | MobilityError] = []
    try:
        told += homes_on_streets(found.territory, found.streets, walking, found.homes)[1]
    except MobilityError as error:
        told.append(error)
    try:
        check_gates(found.streets, walking, found.sites, found.territory)
    except MobilityError as error:
        told.append(error)
    return told


__all__ = ["off_streets"]
