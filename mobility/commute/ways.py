"""Seconds per street piece of each mode, as a territory asks: speeds, slopes, safe ways."""

from __future__ import annotations

from mobility.base.cache import Bundle
from mobility.streets.arcs import Times, times_bundle, times_of
from mobility.streets.graph import Streets
from mobility.streets.modes import edge_times
from mobility.streets.slopes import edge_grades
from mobility.territory.project import StreetMode, Territory


def mode_times(
    territory: Territory, streets: Streets, mode: StreetMode, *, safe: bool = False
) -> Times:
    """Return the seconds per street piece of a mode, both ways.

    Cycling slows down uphill where the territory has an elevation raster.

    Parameters
    ----------
    safe
        Leave out streets where walking or cycling in the dark is unsafe.

    Raises
    ------
    SourceNotFoundError, SourceError
        The raster is missing or cannot be used.
    """
    grades = None
    if mode in ("bike", "e_bike") and territory.sources.elevation is not None:
        grades = edge_grades(streets, territory.resolve(territory.sources.elevation))
    lit = territory.night.assume_lit
    key = ["times", mode, territory.speeds.model_dump_json(), safe, lit, grades]

    def compute() -> Bundle:
        found = edge_times(
            streets, mode, territory.speeds, safe_at_night=safe, assume_lit=lit, grades=grades
        )
        return times_bundle(found)

    return times_of(streets.kept(key, compute))
