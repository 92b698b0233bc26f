"""The data of a study: files that are dropped, sites and rosters in a table, templates.

A file is read as `mobility check` reads it before it is kept; what is refused leaves what was
there as it was. The territory file is edited in place: its comments and its order stay.
"""

from __future__ import annotations

import csv
import io
import shutil
import tempfile
import tomllib
from collections.abc import AsyncIterator
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import tomlkit
from pydantic import ValidationError

from mobility.base.clock import format_clock
from mobility.base.errors import Finding, MobilityError, SourceError, TerritoryError
from mobility.base.files import write_text, writing
from mobility.base.literal import csv_cell, slug
from mobility.base.projection import Box
from mobility.commute.loading import read_sources
from mobility.settings import read_territory
from mobility.sources.columns import fold
from mobility.sources.gtfs.read import read_feed
from mobility.sources.homes.employees import write_counts
from mobility.sources.homes.model import Homes
from mobility.sources.layers import home_box
from mobility.sources.sites import check_sites, read_sites, read_sites_file
from mobility.streets.graph import streets_from_lines, streets_from_osm
from mobility.studio.edits import document_of, said_by
from mobility.territory.project import Site, Territory
from mobility.territory.validation import explain_validation, read_toml

#: What a file may be, by its role.
_SUFFIXES = {
    "streets": (".osm.pbf", ".pbf", ".osm", ".osm.gz", ".osm.bz2", ".graphml", ".gpkg", ".geojson"),
    "timetable": (".zip",),
    "sites": (".csv", ".xlsx", ".gpkg", ".geojson"),
    "homes": (".csv", ".xlsx", ".gpkg", ".geojson", ".parquet"),
    "employees": (".csv", ".xlsx", ".gpkg", ".geojson"),
}
_LINES = (".gpkg", ".geojson")
_MOST_FILES = 60
#: What is kept of persons: their protected counts.
COUNTS = "data/homes/protected-counts.csv"
_SAME_NAME = "{now} takes the place of {before}; to keep two timetables of one name, rename one."
_ONE_FILE = "{now} takes the place of {before}: where workers live is told by one file."
TEMPLATES: dict[str, dict[str, list[list[object]]]] = tomllib.loads(
    (files(__package__) / "templates.toml").read_text(encoding="utf-8")
)


def about(file: Path) -> dict[str, Any]:
    """Return the files a study names, its sites, and what keeps it from being read, if anything.

    Returns
    -------
    dict
        ``sources``: role, name, bytes (None where it is missing); ``lacks``, the roles without
        which there is no study; ``sites``; ``error``, an `MobilityError` or None.
    """
    data = said_by(file)
    named = data.get("sources", {})
    paths = [("streets", named.get(k)) for k in ("osm", "lines")]
    paths += [("timetable", path) for path in named.get("gtfs", [])]
    homes = named.get("homes", {})
    people = "employees" if homes.get("kind") in ("employees", "protected") else "homes"
    paths += [("sites", named.get("sites")), (people, homes.get("file"))]
    sources = []
    for role, name in paths:
        if name:
            path = file.parent / str(name)
            size = path.stat().st_size if path.is_file() else None
            sources.append({"role": role, "name": str(name), "bytes": size})
    try:
        sites, error = [_told(site) for site in read_sites(read_territory(file))], None
    except MobilityError as found:
        sites, error = _sites_of(file), found
    has = {
        "streets": named.get("osm") or named.get("lines"),
        "sites": named.get("sites") or data.get("sites"),
        "homes": homes,
    }
    lacks = [role for role, there in has.items() if not there]
    return {"sources": sources, "lacks": lacks, "sites": sites, "error": error}


def _sites_of(file: Path) -> list[dict[str, Any]]:
    """Return the sites of a territory file that cannot be read as a whole yet."""
    data = read_toml(file)
    try:
        table = data.get("sources", {}).get("sites")
        sites = [Site.model_validate(row) for row in data.get("sites", [])]
        sites += read_sites_file(file.parent / str(table)) if table else []
    except (ValidationError, MobilityError, TypeError):
        return []
    return [_told(site) for site in sites]


def _told(site: Site) -> dict[str, Any]:
    """Return a site as its table is edited: all it says, hours as clocks and days as one text."""
    told = site.model_dump(mode="json", exclude_none=True)
    for roster in told["rosters"]:
        roster.pop("headcount", None)  # its shifts have it among them, and are edited one by one
        for shift in roster["shifts"]:
            shift |= {edge: format_clock(shift[edge]) for edge in ("start", "end")}
            shift["days"] = ",".join(shift["days"])
    return told


async def received(chunks: AsyncIterator[bytes], role: str, name: str) -> Path:
    """Write what a browser sends to a folder nobody else reads, under a plain name.

    Raises `SourceError`: a file of this kind cannot be of this role.
    """
    lower = name.lower()
    known = _SUFFIXES.get(role, ())
    suffix = next((s for s in sorted(known, key=len, reverse=True) if lower.endswith(s)), None)
    if suffix is None:
        raise SourceError(
            "A file of this kind is not read here.",
            file=Path(name).name,
            mend="Drop one of: {known}.",
            known=", ".join(known),
        )
    plain = (slug(Path(name).name[: -len(suffix)]) or role) + suffix
    path = Path(tempfile.mkdtemp(prefix="mobility-")) / plain
    try:
        with path.open("wb") as stream:
            async for chunk in chunks:
                stream.write(chunk)
    except BaseException:  # whatever ends it, nothing is left behind
        shutil.rmtree(path.parent, ignore_errors=True)
        raise
    return path


def put_file(file: Path, role: str, part: Path) -> tuple[Finding, ...]:
    """Read a file as `mobility check` does, then keep it in the study and name it there.

    Persons pass the door of `mobility.sources.homes.door` while they are read; their protected
    counts are kept, and nothing else of them.

    Raises `MobilityError`: it is refused, in the words of the check; nothing changes then.

    Returns
    -------
    tuple of Finding
        What became of persons, or which columns of sites are not read.
    """
    name = f"data/{role}/{part.name}"
    told: list[Finding] = []
    document = document_of(file)
    sources: Any = document.setdefault("sources", tomlkit.table())
    if role == "streets":
        lines = part.suffix in _LINES
        (streets_from_lines if lines else streets_from_osm)(part)
        sources.pop("osm" if lines else "lines", None)
        sources["lines" if lines else "osm"] = name
    elif role == "timetable":
        read_feed(part, cache=False)
        feeds = [str(f) for f in sources.get("gtfs", [])]
        if len(feeds) >= _MOST_FILES:
            raise SourceError("The study names too many timetables.", file=name)
        told += _replaced(name if name in feeds else "", name, _SAME_NAME)
        sources["gtfs"] = [*feeds, name] if name not in feeds else feeds
    elif role == "sites":
        zone = str(document.get("timezone", "Europe/Paris"))
        there = read_sites_file(part, box=home_box(zone), findings=told)
        told += _without_sites(document, [site.name for site in there])
        sources["sites"] = name
    else:
        homes = _read_homes(file, part, "employees" if role == "employees" else "auto")
        table = tomlkit.table()
        table["file"] = COUNTS if homes.personal else name
        table |= {"kind": "protected"} if homes.personal else {"personal": False}
        before = str(sources.get("homes", {}).get("file", ""))
        told += _replaced(before if before != table["file"] else "", str(table["file"]), _ONE_FILE)
        sources["homes"] = table
        if homes.personal:
            write_counts(homes, file.parent / COUNTS)
            write_text(file, tomlkit.dumps(document))
            return (*homes.findings, *told)
    with writing(file.parent / name) as place:
        shutil.copyfile(part, place)
    write_text(file, tomlkit.dumps(document))
    return tuple(told)


def _replaced(before: str, now: str, message: str) -> list[Finding]:
    """Tell that a file takes the place of another, if it does."""
    params = {"now": now, "before": before}
    return [Finding("info", "file_replaced", message, params=params)] if before else []


def _without_sites(document: tomlkit.TOMLDocument, names: list[str]) -> list[Finding]:
    """Take the sites out that a file dropped has under the same names, and tell which."""
    rows: Any = document.get("sites", [])
    same = {fold(name) for name in names}
    gone = [k for k, row in enumerate(rows) if fold(str(row.get("name"))) in same]
    replaced = [str(rows[k]["name"]) for k in gone]
    for k in reversed(gone):
        del rows[k]
    if not rows:
        document.pop("sites", None)
    message = (
        "{count} sites of the territory file are replaced by those of the same names in the file "
        "dropped."
    )
    found = Finding(
        "info", "sites_replaced", message, count=len(replaced), examples=tuple(replaced[:5])
    )
    return [found] if replaced else []


def _read_homes(file: Path, part: Path, kind: str) -> Homes:
    """Read homes with the study's other sources."""
    data = read_toml(file)
    named = {"file": str(part), "kind": kind}
    data["sources"] = data.get("sources", {}) | {"homes": named}
    if not data["sources"].get("osm") and not data["sources"].get("lines"):
        raise SourceError(
            "Homes are read once the streets are there.",
            file=part.name,
            mend="Drop the streets, the timetables and the sites first.",
        )
    return read_sources(Territory.from_dict(data, file)).homes


def drop_file(file: Path, role: str, name: str) -> None:
    """Name a source no longer; its file stays.

    Raises `MobilityError`: the study does not name it, as when another took its place meanwhile.
    """
    document = document_of(file)
    if (role, name) not in [(one["role"], one["name"]) for one in about(file)["sources"]]:
        raise MobilityError(
            "The study does not name this file any more; nothing was written.",
            value=name,
            mend="Load the page again.",
        )
    sources: Any = document.get("sources", {})
    if role == "timetable":
        sources["gtfs"] = [str(f) for f in sources.get("gtfs", []) if str(f) != name]
    else:
        keys = {
            "streets": ("osm", "lines"),
            "sites": ("sites",),
            "homes": ("homes",),
            "employees": ("homes",),
        }
        for key in keys.get(role, ()):
            sources.pop(key, None)
    write_text(file, tomlkit.dumps(document))


def put_sites(file: Path, rows: list[dict[str, Any]], seen: list[dict[str, Any]]) -> None:
    """Write the sites of a study into its territory file, in place of those it has.

    Raises `TerritoryError`: a field cannot be; the error names it, and nothing changes. Raises
    `MobilityError`: somebody else changed the sites meanwhile.

    Parameters
    ----------
    rows
        The sites, as `about` tells them.
    seen
        Those that the table showed before it was edited.
    """
    if about(file)["sites"] != seen:
        raise MobilityError(
            "The table was changed elsewhere meanwhile; nothing was written.",
            mend="Load the page again, and make the change once more.",
        )
    document = document_of(file)
    _check_table(rows, home_box(str(document.get("timezone", "Europe/Paris"))))
    by_name = {str(site.get("name")): site for site in document.get("sites", [])}
    tables = tomlkit.aot()
    for row in rows:
        known: Any = by_name.get(str(row["name"]))
        table: Any = known if isinstance(known, tomlkit.items.Table) else tomlkit.table()
        if known is None or row not in seen:
            table.update({key: value for key, value in row.items() if value not in ("", [])})
        elif table is not known:
            table.update(known)
        tables.append(table)
    document["sites"] = tables
    sources: Any = document.get("sources", {})
    sources.pop("sites", None)
    write_text(file, tomlkit.dumps(document))


def _check_table(rows: list[dict[str, Any]], box: Box | None) -> None:
    """Refuse a table of sites that no command would read; the error names its row and column."""
    first, firsts, sites = 1, [], []
    for row in rows:
        firsts.append(first)
        try:
            sites.append(Site.model_validate(row))
        except ValidationError as error:
            told = explain_validation(error, None, Site)
            loc = error.errors()[0]["loc"]
            before, last = first, 0
            for name, place in pairwise(loc):
                if name == "rosters" and isinstance(place, int):
                    before += sum(
                        len(roster.get("shifts", ())) for roster in row["rosters"][:place]
                    )
                last = place if name == "shifts" and isinstance(place, int) else last
            names = [name for name in (told.column or "").split(".") if not name.isdigit()]
            told.row, told.column = before + last, names[-1] if any(names) else None
            raise told from None
        first += sum(len(roster.shifts) for roster in sites[-1].rosters)
    try:
        check_sites(sites, None, box)
    except TerritoryError as told:
        if told.entry is not None:
            told.row, told.entry = firsts[told.entry[1] - 1], None
        raise


def template(kind: str, language: str, suffix: str) -> bytes:
    """Return a template of a sites or a homes table, as CSV or XLSX."""
    rows = TEMPLATES[kind][language]
    if suffix == ".csv":
        text = io.StringIO()
        writer = csv.writer(text, delimiter=";" if language == "fr" else ",", lineterminator="\n")
        writer.writerows([csv_cell(v) if isinstance(v, str) else v for v in row] for row in rows)
        return text.getvalue().encode("utf-8-sig")
    from openpyxl import Workbook

    book, stream = Workbook(), io.BytesIO()
    sheet = book.active
    for row in rows:
        sheet.append(row)
    book.save(stream)
    return stream.getvalue()
