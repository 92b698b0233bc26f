"""A slow unit in parts: each site on each kind of day by whichever worker is free.

What a part finds goes into the cache that workers of one machine share, by what it follows from;
the unit then finds it there. It is the same to the byte as without parts: they compute nothing
that the unit would not, and what one could not is left to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median

from mobility.atlas.folder import Atlas
from mobility.base.errors import MobilityError
from mobility.commute.access import assess
from mobility.commute.loading import load
from mobility.commute.white_zones import white_zones
from mobility.settings import read_territory
from mobility.sources.sites import read_sites
from mobility.territory.source_files import source_files

#: A unit is slow when it is taken to need this many times what the one in the middle does.
SLOW = 4.0


def slow_units(atlas: Atlas, units: Sequence[str]) -> set[str]:
    """Return the units that are taken to need far longer than most."""
    work = {unit: _work(atlas, unit) for unit in units}
    most = SLOW * median(work.values()) if work else 0
    return {unit for unit, needed in work.items() if needed > most}


def _work(atlas: Atlas, unit: str) -> float:
    """Return the megabytes a unit reads times the shifts and kinds of day it asks for.

    An order of magnitude, found without reading them; 0 where nobody can tell.
    """
    try:
        territory = read_territory(atlas.file(unit))
        shifts = sum(len(roster.shifts) for s in read_sites(territory) for roster in s.rosters)
        files = [path for path in source_files(territory) if path.is_file()]
        megabytes = sum(path.stat().st_size for path in files) / 1e6
    except (MobilityError, OSError):
        return 0.0
    return megabytes * shifts * len(territory.days.kinds)


def run_part(folder: str | Path, unit: str, part: int, parts: int) -> None:
    """Compute every so many of a unit's sites and kinds of day into the cache.

    What is wrong with a unit is told when it is computed itself.
    """
    with suppress(MobilityError):
        study = load(read_territory(Atlas(Path(folder)).file(unit)))
        places = [(site, day) for site in range(len(study.sites)) for day in study.days]
        asked = {
            (row.shift_id, day.kind)
            for site, day in places[part::parts]
            for row in study.shift_rows
            if row.site == site and study.works_on(row.shift_id, day)
        }
        if asked:
            white_zones(assess(study, only=asked))
