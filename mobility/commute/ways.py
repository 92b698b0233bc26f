"""Seconds per street piece of each mode, as a territory asks: speeds, slopes, safe ways."""

from __future__ import annotations

import numpy as np

from mobility.base.cache import Bundle
from mobility.base.errors import Finding, Severity
from mobility.streets.arcs import Times, times_bundle, times_of
from mobility.streets.graph import Streets
from mobility.streets.modes import edge_times
from mobility.streets.slopes import edge_grades, elevations
from mobility.territory.project import StreetMode, Territory

FEW_HEIGHTS = 0.02
"""Share of the ends of streets that may lie beyond a raster without a warning."""


def heights_findings(territory: Territory, streets: Streets) -> list[Finding]:
    """Say how much of the streets the elevation raster has no height for."""
    if territory.sources.elevation is None:
        return []
    path = territory.resolve(territory.sources.elevation)
    lost = int(np.isnan(elevations(streets, path)).sum())
    if not lost:
        return []
    message = (
        "{count} of {total} ends of streets have no height in the elevation raster: they lie "
        "outside it, or where it holds none or one that cannot be; streets there are taken as flat."
    )
    severity: Severity = "warning" if lost > FEW_HEIGHTS * streets.n_nodes else "info"
    params = {"total": streets.n_nodes}
    return [Finding(severity, "heights_missing", message, str(path), lost, params=params)]


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
