"""What a layer of homes can hold: a column for every figure of every shift grows large."""

from __future__ import annotations

from collections.abc import Iterator

from mobility.base.errors import Finding
from mobility.commute.study import Study

#: SQLite, of which a GeoPackage is one file, knows 2,000 columns of a table; some hold the homes.
_MOST_COLUMNS = 1_900
#: Values of a layer, columns times homes, that are written at a time, and that a GeoPackage gets.
MOST_VALUES = 40_000_000


def shift_columns(study: Study) -> int:
    """Return how many columns tell of shifts: four of each, on each kind of day it works."""
    shifts = range(len(study.shift_rows))
    return 4 * sum(study.works_on(shift, day) for shift in shifts for day in study.days)


def too_wide(study: Study) -> bool:
    """Whether the shifts are too many for a table of a GeoPackage, or with the homes too large."""
    columns = shift_columns(study) + 2 * len({(r.site, r.roster) for r in study.shift_rows})
    return columns > _MOST_COLUMNS or columns * study.n_homes > MOST_VALUES


def wide_layer(study: Study) -> Iterator[Finding]:
    """Say that the GeoPackage tells of rosters alone."""
    if study.territory.output.geopackage and too_wide(study):
        yield Finding(
            "info",
            "shifts_not_in_geopackage",
            "{columns} columns tell of shifts, of {homes} homes: too many for a table of "
            "results.gpkg, which tells of rosters alone. homes.parquet and commutes.parquet tell "
            "of shifts too.",
            source="output",
            count=shift_columns(study),
            params={"columns": shift_columns(study), "homes": study.n_homes},
        )
