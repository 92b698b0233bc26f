"""From national files to one folder of sources per territory, ready to be computed anywhere.

Streets are cut in one read, timetables chosen by their stops and cut, sites taken from a table or
from industrial land. What is wrong with a territory is told, and the others are prepared.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import tomlkit

from mobility.atlas.folder import ASSUMED, MISSING, OUTLINE, Atlas
from mobility.atlas.territories import Communes, Lost, Perimeter, read_communes, read_territories
from mobility.base.cache import file_hash
from mobility.base.clock import format_clock
from mobility.base.errors import Finding, MobilityError, SourceError, SourceNotFoundError
from mobility.base.files import json_text, make_folder, write_bytes, write_text, writing
from mobility.base.i18n import LANGUAGES, translate
from mobility.prepare.first_files import industrial_sites, named, nearest_first, territory_text
from mobility.prepare.init import MAX_SITES
from mobility.prepare.offers import FeedOffer
from mobility.prepare.service import Commune
from mobility.sources.gtfs.cut import cut, places, read_whole, write_feed
from mobility.sources.homes.model import utm_crs
from mobility.sources.osm.clip import clip_areas
from mobility.sources.sites import read_sites_file
from mobility.streets.graph import streets_from_osm
from mobility.territory.project import Language, Site

_STREETS, _SITES, _HOMES, _LOCK = "streets.osm.pbf", "sites.toml", "communes.geojson", "feeds.lock"
#: Of a territory, besides its file and timetables.
_WRITTEN = (_STREETS, _SITES, _HOMES, OUTLINE)
#: Streets and stops are taken so far around a territory.
_MARGIN_KM = 3.0
_TEMPLATES = ("3x8", "2x8", "day")


@dataclass(frozen=True)
class Sources:
    """What a preparation reads.

    Attributes
    ----------
    osm, gtfs
        A file, or a folder of them: extracts (``.osm.pbf``), feeds (``.zip``).
    communes, population
        Layer of the communes, or a folder of layers; people by code where it has none.
    sites
        A table of sites with their rosters; industrial land where there is none.
    """

    osm: Path
    gtfs: Path
    communes: Path
    population: Path | None = None
    sites: Path | None = None


@dataclass
class Prepared:
    """The territories asked for and prepared; what is wrong, and what is to be known."""

    asked: int
    units: list[str] = field(default_factory=list)
    problems: list[MobilityError] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def prepare(
    territories: str,
    out: Path,
    sources: Sources,
    *,
    margin_km: float = _MARGIN_KM,
    language: Language = "fr",
    today: dt.date | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Prepared:
    """Write ``inputs/ti=ID`` for each territory, ``feeds.lock`` and ``atlas.toml``.

    ``missing.json`` names those that could not be prepared, which `merge` ranks as such.

    Parameters
    ----------
    territories
        A table of communes and territories, a layer of polygons, or ``epci``.
    today
        Feeds that end before are told; none when None.
    progress
        Called with each step.

    Raises
    ------
    MobilityError
        A source that all of them need cannot be read.
    """
    progress("communes")
    extracts, feeds = _files(sources.osm, ".pbf"), _files(sources.gtfs, ".zip")
    communes = read_communes(sources.communes, sources.population)
    perimeters, problems, lost = read_territories(territories, communes)
    found = Prepared(len(perimeters) + len(lost), problems=problems)
    atlas = Atlas(out.resolve())
    areas = _areas(perimeters, margin_km)
    folders = [atlas.file(one.unit).parent for one in perimeters]
    progress("streets")
    for folder in folders:
        make_folder(folder)
    targets = [folder / _STREETS for folder in folders]
    ways = clip_areas(extracts, dict(zip(targets, areas, strict=True)))
    progress("timetables")
    lock = _cut_feeds(feeds, folders, areas, found, today)
    known, left_out = None, dict[str, int]()
    if sources.sites is not None:
        known = read_sites_file(sources.sites, findings=found.findings)
    progress("industrial land" if known is None else "homes and sites")
    for one, folder, target in zip(perimeters, folders, targets, strict=True):
        file = atlas.file(one.unit)
        # A territory that cannot be prepared any more is not run from earlier files.
        file.unlink(missing_ok=True)
        try:
            if not ways[target]:
                raise _lacking(
                    one,
                    "Nothing of the extracts lies in this territory.",
                    "Add the OpenStreetMap extract of its region to --osm.",
                )
            sites = _assumed(one, target, language, left_out) if known is None else _own(one, known)
            _write_inputs(one, folder, communes, sites, lock["feeds"], language)
        except MobilityError as error:
            found.problems.append(error)
            lost.append(Lost(one.unit, one.name, error))
            _clear(folder)
            continue
        if uncounted := communes.uncounted(one.codes):
            found.problems.append(
                _lacking(
                    one,
                    "Nothing tells how many people live in {number} of its communes: {names}.",
                    "Add them to --population, or to the layer of communes; nobody is counted "
                    "there.",
                    number=len(uncounted),
                    names=", ".join(uncounted[:5]),
                )
            )
        if not list((folder / "gtfs").glob("*.zip")):
            found.problems.append(
                _lacking(
                    one,
                    "No timetable has stops in this territory.",
                    "Add its networks' GTFS to --gtfs; it is computed without public transport.",
                )
            )
        found.units.append(one.unit)
    _tell_unplaced(known, perimeters, found)
    _tell_left_out(left_out, found)
    others = sorted(set(atlas.units) - {one.unit for one in perimeters})
    if others:
        found.problems.append(
            SourceError(
                "Territories that were not asked for now lie in the folder: {number} ({names}).",
                file=out,
                number=len(others),
                names=", ".join(others[:5]),
                mend="Remove their folders from inputs; else they are run and ranked with the "
                "others.",
            )
        )
    write_text(atlas.folder / MISSING, json_text(_missing(lost, found.units)))
    there = {atlas.file(unit).parent.name for unit in found.units}
    for feed in lock["feeds"].values():
        feed["territories"] = [name for name in feed["territories"] if name in there]
    lock["osm"] = {path.name: file_hash(path) for path in extracts}
    write_text(atlas.folder / _LOCK, json_text(lock))
    given = {"territories": Path(territories).name, "margin_km": margin_km, "language": language}
    write_text(atlas.folder / "atlas.toml", tomlkit.dumps(given))
    return found


def _files(path: Path, suffix: str) -> list[Path]:
    found = sorted(path.glob(f"*{suffix}")) if path.is_dir() else [path]
    if not found or not found[0].exists():
        raise SourceNotFoundError(
            "There is no file of this kind: {suffix}.",
            file=path,
            mend="Name a folder that holds some, or one of them.",
            suffix=suffix,
        )
    return found


def _areas(perimeters: Sequence[Perimeter], margin_km: float) -> list[shapely.Geometry]:
    """Return outlines widened by a margin, EPSG:4326."""
    if not perimeters:
        return []
    shapes = gpd.GeoSeries([one.outline for one in perimeters], crs=4326)
    wide = [shapes.iloc[[k]] for k in range(len(shapes))]
    return [
        one.to_crs(utm_crs(one)).buffer(1000 * margin_km, quad_segs=4).to_crs(4326).iloc[0]
        for one in wide
    ]


def _cut_feeds(
    feeds: Sequence[Path],
    folders: Sequence[Path],
    areas: Sequence[shapely.Geometry],
    found: Prepared,
    today: dt.date | None,
) -> dict[str, Any]:
    """Write, for each territory, what of each feed calls there; return what was read."""
    lock: dict[str, Any] = {}
    written: dict[Path, set[str]] = {folder: set() for folder in folders}
    for path in feeds:
        try:
            tables, zones = read_whole(path)
        except MobilityError as error:
            found.problems.append(error)
            continue
        points, served = places(tables), []
        tree = shapely.STRtree(points)
        for folder, area in zip(folders, areas, strict=True):
            inside = np.zeros(len(points), bool)
            inside[tree.query(area, predicate="intersects")] = True
            part = cut(tables, inside, zones=zones is not None) if inside.sum() > 1 else None
            if part is not None:
                (folder / "gtfs").mkdir(exist_ok=True)
                with writing(folder / "gtfs" / path.name) as target:
                    write_feed(part, target, zones)
                written[folder].add(path.name)
                served.append(folder.name)
        first, last = _dates(tables)
        lock[path.name] = {
            "sha256": file_hash(path),
            "first": first,
            "last": last,
            "calls": len(tables["stop_times"]),
            "territories": served,
        }
        if today is not None and last and last < today.isoformat():
            found.problems.append(
                SourceError(
                    "The timetable ended on {last}.",
                    file=path,
                    last=dt.date.fromisoformat(last),
                    mend="Fetch the present one; until then dates are chosen within the old one.",
                )
            )
    for folder, names in written.items():
        for old in (p for p in (folder / "gtfs").glob("*.zip") if p.name not in names):
            old.unlink()
    return {"feeds": lock}


def _dates(tables: dict[str, pd.DataFrame]) -> tuple[str, str]:
    """Return the first and the last date of a feed's calendars, ISO; empty where it has none."""
    spans = tables["calendar"]
    added = tables["calendar_dates"]
    added = added[added["exception_type"] == "1"] if len(added) else added
    texts = [*spans.get("start_date", ()), *spans.get("end_date", ()), *added.get("date", ())]
    dates = sorted(text for text in texts if isinstance(text, str) and len(text) == 8)
    if not dates:
        return "", ""
    first, last = (f"{d[:4]}-{d[4:6]}-{d[6:]}" for d in (dates[0], dates[-1]))
    return first, last


def _assumed(
    one: Perimeter, streets: Path, language: Language, left_out: dict[str, int]
) -> list[Site]:
    """Return sites on industrial land inside a territory, the largest and most central first.

    How many more there are goes to ``left_out``, by territory.
    """
    read = streets_from_osm(streets)
    inside = [s for s in industrial_sites(read) if shapely.intersects_xy(one.outline, *s.centre)]
    middle = one.outline.representative_point()
    chosen = nearest_first(inside, (middle.x, middle.y))[:MAX_SITES]
    if len(inside) > len(chosen):
        left_out[f"{one.unit} ({one.name})"] = len(inside) - len(chosen)
    if not chosen:
        raise _lacking(
            one,
            "No industrial land is mapped in this territory.",
            "Give a table of sites with --sites.",
        )
    employer = translate(ASSUMED, language)
    return [
        Site.model_validate(
            {
                "name": site.name,
                "employer": employer,
                "gates": site.gates,
                "rosters": list(_TEMPLATES),
            }
        )
        for site in named(chosen, read.background.get("places"))
    ]


def _own(one: Perimeter, sites: Sequence[Site]) -> list[Site]:
    found = [site for site in sites if _is_in(site, one)]
    if not found:
        raise _lacking(
            one,
            "The table has no site in this territory.",
            "Add its sites to the table, or leave --sites out: industrial land is taken then.",
        )
    return found


def _is_in(site: Site, one: Perimeter) -> bool:
    return any(shapely.intersects_xy(one.outline, *gate) for gate in site.gates)


def _tell_unplaced(
    sites: Sequence[Site] | None, perimeters: Sequence[Perimeter], found: Prepared
) -> None:
    lost = [s.name for s in sites or () if not any(_is_in(s, one) for one in perimeters)]
    if lost:
        found.problems.append(
            SourceError(
                "Sites that lie in no territory: {number} ({names}).",
                number=len(lost),
                names=", ".join(lost[:5]),
                mend="Correct their places, or the territories.",
            )
        )


def _tell_left_out(left_out: dict[str, int], found: Prepared) -> None:
    """Tell of the industrial areas that were left out beside the most taken of a territory."""
    if left_out:
        most_first = sorted(left_out.items(), key=lambda one: -one[1])
        found.problems.append(
            SourceError(
                "Only {most} industrial areas are taken of a territory, the largest and most "
                "central. Left out: {areas}, first of all in {names}.",
                most=MAX_SITES,
                areas=sum(left_out.values()),
                names=", ".join(name for name, _ in most_first[:5]),
                mend="To choose the sites yourself, give a table of them with --sites.",
            )
        )


def _missing(lost: Sequence[Lost], units: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return name and reason of each territory lost, by an identifier that no other has."""
    told: dict[str, dict[str, str]] = {}
    for one in lost:
        names = (one.unit, *(f"{one.unit} ({k})" for k in range(2, len(lost) + 3)))
        unit = next(name for name in names if name not in told and name not in units)
        told[unit] = {"name": one.name, **{x: one.why.render(x) for x in LANGUAGES}}
    return told


def _lacking(one: Perimeter, problem: str, mend: str, **params: Any) -> SourceError:
    value = f"{one.unit} ({one.name})"
    return SourceError(problem, column="id_ti", value=value, mend=mend, **params)


def _write_inputs(
    one: Perimeter,
    folder: Path,
    communes: Communes,
    sites: Sequence[Site],
    feeds: dict[str, Any],
    language: Language,
) -> None:
    """Write outline, homes and sites of a territory and, last, its file."""
    drawn = shapely.geometry.mapping(shapely.set_precision(one.outline, 1e-5))
    outline = {"type": "Feature", "properties": {"name": one.name}, "geometry": drawn}
    collection = {"type": "FeatureCollection", "features": [outline]}
    write_text(folder / OUTLINE, json.dumps(collection, ensure_ascii=False) + "\n")
    homes = communes.collection(one.codes)
    write_text(folder / _HOMES, json.dumps(homes, ensure_ascii=False) + "\n")
    write_bytes(folder / _SITES, tomlkit.dumps({"sites": [_plain(s) for s in sites]}).encode())
    middle = one.outline.representative_point()
    code = one.codes[0]
    place = Commune(
        one.name,
        code,
        code[:3] if code.startswith(("97", "98")) else code[:2],
        0,
        (round(middle.x, 5), round(middle.y, 5)),
    )
    paths = sorted((folder / "gtfs").glob("*.zip"))
    # Of a network in two feeds the first is kept: its own, not that of the region.
    paths.sort(key=lambda path: (feeds[path.name]["calls"], path.name))
    offers = [(f"gtfs/{path.name}", FeedOffer(path.stem, "", source=path.name)) for path in paths]
    text = territory_text(
        place,
        language=language,
        osm=_STREETS,
        gtfs=offers,
        homes=_HOMES,
        sites=_SITES,
        homes_by="",
        # The same network stands in a regional feed and in its own.
        more={"sources": 'duplicates = "drop"', "output": "geopackage = false"},
    )
    write_text(folder / "territory.toml", text)


def _clear(folder: Path) -> None:
    """Remove what was written of a territory that could not be prepared, and nothing else."""
    for path in (*(folder / "gtfs").glob("*.zip"), *(folder / name for name in _WRITTEN)):
        path.unlink(missing_ok=True)
    for emptied in (folder / "gtfs", folder):
        with suppress(OSError):  # not there, or something of the user's is left in it
            emptied.rmdir()


def _plain(site: Site) -> dict[str, Any]:
    """Return a site as its table in a TOML file says it."""
    plain: dict[str, Any] = site.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    for roster in plain["rosters"]:
        for shift in roster.get("shifts", ()):
            shift |= {name: format_clock(shift[name]) for name in ("start", "end")}
    return plain
