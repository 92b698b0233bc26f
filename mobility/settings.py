"""What a territory file says to the later rooms, checked before the first one opens.

Factors, ``[shuttles]`` and map tiles are read where they are used, after minutes of work; here
their names and values are checked at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from mobility.base.errors import TerritoryError
from mobility.base.files import refuse_inputs
from mobility.needs import ALL_FACTORS
from mobility.shuttles.config import ShuttleConfig
from mobility.sources.layers import home_box, refuse_exchanged_place
from mobility.territory.factors import factor_names
from mobility.territory.project import Territory

_USUAL_TILES = ("OpenStreetMap.Mapnik", "GeoportailFrance.plan")
#: Files that are written beside the tables.
OTHERS = (
    "map.html", "run.json", "homes.parquet", "results.gpkg", "report.html", "report.pdf",
    "report.docx", "report.xlsx", "index.html", "letter.pdf", "minutes_to_fix.gpkg",
    "cycle_tracks.geojson", "isochrones.gpkg", "requests.geojson",
    *(f"{name}.{kind}" for name in ("apprentices", "delays", "fairness", "housing", "irregular",
      "job_bus", "lines", "risk", "zone") for kind in ("gpkg", "html")),
    *(f"{name}.{kind}" for name in ("recommendations", "plan", "letter")
      for kind in ("html", "md", "docx")),
)  # fmt: skip


def read_territory(path: str | Path) -> Territory:
    """Read a territory file and check all of it.

    Raises
    ------
    SourceNotFoundError, TerritoryError
        See `Territory.from_toml` and `check_settings`.
    """
    territory = Territory.from_toml(path)
    check_settings(territory)
    return territory


def check_outputs(
    territory: Territory, *, out: Path | None = None, also: Iterable[Path] = ()
) -> None:
    """Check, before anything is computed, that no output would take the place of a source.

    Parameters
    ----------
    out
        The folder, or the file, to be written; the territory's own folder by default.
    also
        Other files that are read.

    Raises
    ------
    SourceError
        One would; the error names it.
    """
    # What a file is read without: it takes a second to import.
    from mobility.outputs.tables import registry
    from mobility.territory.project import source_files

    folder = territory.resolve(territory.output.dir) if out is None else out
    names = [*(spec.file for spec in registry().values() if spec.file), *OTHERS]
    plans = (folder / "shuttles").glob("[PD][0-9][0-9]*")
    outputs = [folder, *(folder / name for name in names)]
    refuse_inputs([*outputs, *plans], source_files(territory))
    # A plan of before may be added to a run that writes beside it: `run --with shuttles/P01.zip`.
    refuse_inputs(outputs, also)


def check_settings(territory: Territory) -> None:
    """Check the names and values of factors, of ``[shuttles]`` and of the map tiles.

    Raises
    ------
    TerritoryError
        One is unknown or wrong; the error names it.
    """
    depot = ShuttleConfig.from_territory(territory).depot
    if depot is not None:
        box = home_box(territory.timezone)
        refuse_exchanged_place(depot, box, territory.path, "shuttles.depot")
    known: dict[str, None] = {}
    for room in ALL_FACTORS:
        known |= dict.fromkeys(room.load(territory.factors, file=territory.path).rows)
    for name in factor_names(territory.factors):
        if name not in known:
            raise _unknown(territory, f"factors.{name}", name, list(known))
    tiles = territory.output.tiles
    if tiles is not None and not _has_tiles(tiles):
        raise _unknown(territory, "output.tiles", tiles, _tile_names(), _USUAL_TILES)


def _has_tiles(name: str) -> bool:
    """Whether a map background is known by this name, and needs no key."""
    from xyzservices import providers

    try:
        found = providers.query_name(
            _USUAL_TILES[0] if name.casefold() == "openstreetmap" else name
        )
    except ValueError:
        return False
    return not found.requires_token()


def _tile_names() -> list[str]:
    from xyzservices import providers

    return [name for name, found in providers.flatten().items() if not found.requires_token()]


def _unknown(
    territory: Territory, field: str, name: str, known: list[str], usual: tuple[str, ...] = ()
) -> TerritoryError:
    by_key = {k.casefold(): k for k in known}
    near = [by_key[k] for k in get_close_matches(name.casefold(), by_key, n=5, cutoff=0.6)]
    return TerritoryError(
        "There is no such name.",
        file=territory.path,
        column=field,
        value=name,
        mend="Choose one of: {known}." if near or usual else "Remove it, or see docs/formats.md.",
        known=", ".join(near or usual),
    )
