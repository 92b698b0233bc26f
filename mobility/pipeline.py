"""The main job: from a territory file to tables, maps and the run's record."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mobility.analysis.commutes import Access, assess
from mobility.analysis.loading import load
from mobility.analysis.study import Progress, Study, quiet
from mobility.analysis.white_zones import WhiteZones, white_zones
from mobility.files import staging
from mobility.territory import Territory


@dataclass(frozen=True)
class Results:
    """What one run found and where it wrote it."""

    study: Study
    access: Access
    zones: WhiteZones
    folder: Path
    files: tuple[str, ...]

    @property
    def map_path(self) -> Path:
        """The map page."""
        return self.folder / "map.html"


def run(
    territory: Territory | str | Path, out: str | Path | None = None, *, progress: Progress = quiet
) -> Results:
    """Compute a territory and write its map, tables and record into a folder.

    Everything is written aside and renamed into place once complete.

    Raises
    ------
    MobilityError
        A source or the territory is wrong; earlier outputs stay as they were.
    """
    if not isinstance(territory, Territory):
        territory = Territory.from_toml(territory)
    folder = territory.resolve(territory.output.dir) if out is None else Path(out)
    study = load(territory, progress=progress)
    access = assess(study, progress=progress)
    zones = white_zones(access, progress=progress)
    files = write_results(access, zones, folder, progress=progress)
    return Results(study, access, zones, folder, tuple(files))


def write_results(
    access: Access, zones: WhiteZones, folder: Path, *, progress: Progress = quiet
) -> list[str]:
    """Write everything a run gives; return the names of the files, sorted."""
    from mobility.maps.from_results import map_model
    from mobility.maps.page import write_map
    from mobility.report.record import write_record
    from mobility.report.tables import write_tables

    with staging(folder) as part:
        progress("tables")
        write_tables(access, zones, part)
        progress("map")
        write_map(map_model(access, zones), part / "map.html")
        names = sorted([*(p.name for p in part.iterdir()), "run.json"])
        write_record(access.study, names, part / "run.json")
    return names
