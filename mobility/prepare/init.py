"""From a place name to a first study: fetch open data, write a commented territory file.

What cannot be fetched is said, with what to put where; the file is written all the same.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from mobility.base.errors import (
    DownloadError,
    MobilityError,
    SourceError,
    SourceNotFoundError,
    TerritoryError,
)
from mobility.base.files import write_text, writing
from mobility.base.i18n import translate
from mobility.base.literal import slug
from mobility.base.projection import Box
from mobility.prepare.first_files import (
    CandidateSite,
    industrial_sites,
    named,
    nearest_first,
    sites_csv,
    territory_text,
)
from mobility.prepare.offers import (
    FeedOffer,
    french_feeds,
    geofabrik_extracts,
    overpass_query,
    world_feeds,
)
from mobility.prepare.service import Commune, Desk, around, communes_within, find_commune
from mobility.sources.layers import need_file
from mobility.sources.osm.clip import clip_osm
from mobility.streets.graph import streets_from_osm
from mobility.territory.overseas import part_at
from mobility.territory.project import Language

#: Overpass answers so much in its time; a larger area is cut out of an extract.
_SMALL_AREA_KM2 = 400.0
_MAX_FEEDS = 8
MAX_SITES = 12
#: What to do by hand about a source that cannot be had.
_BY_HAND = {
    "communes": "Save the communes of the area (polygons with code, nom, population) as {target}, "
    "then run the same command with --overwrite.",
    "streets": "Save an .osm.pbf extract of the region, e.g. from download.geofabrik.de, then run "
    "the same command with --overwrite --osm and its path; in the studio, drop it on the data "
    "page.",
    "own streets": "Correct the path or the address after --osm, or give another extract; then run "
    "the same command with --overwrite. A layer of lines is named in the territory file, as lines.",
    "timetable": "Save the network's GTFS in {folder}, then run the same command with --overwrite; "
    "in the studio, drop it on the data page.",
    "commune": "Check the connection; or do without: name the centre (--centre=-1.43,46.67) and "
    "your own files (--osm, --gtfs); in the studio, drop them on the data page.",
}
#: Box of mainland France and Corsica.
_MAINLAND: Box = (-5.5, 41.2, 9.8, 51.3)


@dataclass(frozen=True)
class Gathered:
    """What `init_territory` wrote: the territory file; sources, relative to its folder; timetables.

    Then candidate sites on industrial land, the number of communes that touch the area, and what
    could not be had, or was taken from an earlier time, each with its mend.
    """

    territory: Path
    files: tuple[Path, ...]
    feeds: tuple[FeedOffer, ...]
    sites: tuple[CandidateSite, ...]
    communes: int
    missing: tuple[MobilityError, ...]


def init_territory(
    place: str,
    folder: str | Path,
    *,
    radius_km: float = 12.0,
    centre: tuple[float, float] | None = None,
    language: Language = "fr",
    osm: str | None = None,
    gtfs: Sequence[str] = (),
    desk: Desk | None = None,
    progress: Callable[[str], None] | None = None,
    overwrite: bool = False,
) -> Gathered:
    """Prepare a study around a French commune.

    Parameters
    ----------
    place
        A commune: name, ``"Saint-Denis (93)"`` or INSEE code.
    folder
        Where ``territory.toml`` and ``data/`` are written.
    radius_km
        Half the side of the area around the commune's centre.
    centre
        Longitude and latitude of the area's centre: the commune is not looked up.
    language
        Of the comments of the file.
    osm
        Address or path of an OpenStreetMap extract to clip, instead of looking for one.
    gtfs
        Addresses or paths of timetables, instead of looking for them.
    desk
        Which services are asked, how patiently, and where answers are cached.
    progress
        Called with each step's text: an English template of the catalogue.
    overwrite
        Whether an earlier ``territory.toml`` and ``sites.csv`` may be replaced.

    Raises
    ------
    TerritoryError
        A territory file is there already.
    DownloadError
        The commune is unknown or the service of communes cannot be reached.
    """
    folder = Path(folder)
    file = folder / "territory.toml"
    if file.exists() and not overwrite:
        raise TerritoryError(
            "There is a territory file already.",
            file=file,
            mend="Choose another folder, or replace it and sites.csv with --overwrite.",
        )
    desk = desk or Desk()
    work = _Work(folder, desk, progress or (lambda _: None), language)
    commune = work.commune(place, centre)
    box = around(commune.centre, radius_km)
    homes = work.communes(box)
    streets = work.streets(box, osm)
    feeds = work.timetables(box, gtfs)
    sites = [] if streets is None else work.sites(streets, commune)
    text = territory_text(
        commune,
        language=language,
        osm=None if streets is None else _relative(streets, folder),
        gtfs=[(f"data/gtfs/{name}", offer) for name, offer in feeds],
        homes=None if homes is None else _relative(homes, folder),
        sites="sites.csv" if sites else None,
    )
    write_text(file, text)
    return Gathered(
        territory=file,
        files=tuple(sorted(work.files)),
        feeds=tuple(offer for _, offer in feeds),
        sites=tuple(sites),
        communes=work.n_communes,
        missing=(*work.missing, *desk.told),
    )


def parse_centre(text: str) -> tuple[float, float]:
    """Read ``longitude,latitude``.

    Raises
    ------
    TerritoryError
        It is no such pair, or lies outside France, for which studies are prepared.
    """
    try:
        lon, lat = (float(part) for part in text.replace(";", ",").split(","))
    except ValueError:
        lon, lat = float("nan"), 0.0
    if not (-180 <= lon <= 180 and -89 <= lat <= 89):
        raise TerritoryError(
            "It is no longitude and latitude.",
            column="--centre",
            value=text,
            mend="Write both in degrees, longitude first: --centre=-1.4286,46.6659",
        )
    if not _in_france(lon, lat):
        raise TerritoryError(
            "Longitude and latitude look exchanged."
            if _in_france(lat, lon)
            else "This place is outside France.",
            column="--centre",
            value=text,
            mend="Write longitude first: --centre={lat:g},{lon:g}"
            if _in_france(lat, lon)
            else "Correct the coordinates; elsewhere write the territory file by hand.",
            lon=lon,
            lat=lat,
        )
    return lon, lat


def _in_france(lon: float, lat: float) -> bool:
    west, south, east, north = _MAINLAND
    on_mainland = west <= lon <= east and south <= lat <= north
    return on_mainland or part_at(lon, lat) is not None


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


class _Work:
    """The steps of one preparation, and what they met."""

    def __init__(
        self, folder: Path, desk: Desk, say: Callable[[str], None], language: Language
    ) -> None:
        self.folder = folder
        self.desk = desk
        self.say = say
        self.language = language
        self.files: list[Path] = []
        self.missing: list[MobilityError] = []
        self.n_communes = 0

    def commune(self, place: str, centre: tuple[float, float] | None) -> Commune:
        """Look the commune up, unless its centre is given."""
        if centre is not None:
            return Commune(place, "", "", 0, centre)
        self.say("commune")
        try:
            return find_commune(place, self.desk)
        except DownloadError as error:
            # The service answered that there is no such commune: its own mend is the one.
            if "place" in error.params:
                raise
            raise _with_mend(error, "commune") from None

    def attempt(self, step: Callable[[], Path], what: str, target: Path) -> Path | None:
        """Do a step that writes ``target``; say what to do when its source cannot be had.

        A file that stands there already, an earlier one or one saved by hand, is kept.
        """
        try:
            path = step()
        except (DownloadError, SourceError, SourceNotFoundError) as error:
            if not target.is_file():
                self.missing.append(_with_mend(error, what, target=target, folder=target.parent))
                return None
            path = target
        self.files.append(path.relative_to(self.folder))
        return path

    def communes(self, box: Box) -> Path | None:
        """Write the communes of the area, with their population."""
        self.say("communes")
        target = self.folder / "data" / "homes" / "communes.geojson"

        def step() -> Path:
            collection = communes_within(box, self.desk)
            self.n_communes = len(collection["features"])
            text = json.dumps(collection, ensure_ascii=False, sort_keys=True)
            write_text(target, text + "\n")
            return target

        return self.attempt(step, "communes", target)

    def streets(self, box: Box, osm: str | None) -> Path | None:
        """Fetch the streets: a query for a small area, a clipped extract for a large one."""
        self.say("streets")
        into = self.folder / "data" / "osm"
        if osm is None and _area_km2(box) <= _SMALL_AREA_KM2:
            target, url = into / "streets.osm", self.desk.services.overpass
            query = {"data": overpass_query(box)}
            return self.attempt(
                lambda: self.desk.fetch(url, target, "osm", data=query), "streets", target
            )
        target = into / "streets.osm.pbf"
        what = "streets" if osm is None else "own streets"
        return self.attempt(lambda: self._clipped(box, osm, target), what, target)

    def _clipped(self, box: Box, osm: str | None, target: Path) -> Path:
        sources = [Path(osm or "")]
        if osm is None or _is_address(osm):
            addresses = [osm] if osm else geofabrik_extracts(box, self.desk)
            names = [Path(urlsplit(address).path).name for address in addresses]
            sources = [self.desk.answers / name for name in names]
            for address, source in zip(addresses, sources, strict=True):
                self.desk.fetch(address, source, "osm.pbf")
        else:
            need_file(sources[0])
        self.say("clipping")

        def told(ways: int) -> None:
            self.say(translate("clipping: {count} ways read", self.language, count=ways))

        clip_osm(sources, target, box, progress=told)
        return target

    def timetables(self, box: Box, gtfs: Sequence[str]) -> list[tuple[str, FeedOffer]]:
        """Fetch the timetables asked for, or those that have stops in the area."""
        self.say("timetables")
        into = self.folder / "data" / "gtfs"
        offers = [FeedOffer(_title(url), url, source=url) for url in gtfs]
        offers = offers or self._not_too_many(self._offers(box, into))
        feeds: list[tuple[str, FeedOffer]] = []
        taken: set[str] = set()
        for offer in offers:
            name = _file_name(offer.title, taken)
            if self.attempt(partial(self._feed, offer, into / name), "timetable", into / name):
                feeds.append((name, offer))
        return feeds

    def _not_too_many(self, offers: list[FeedOffer]) -> list[FeedOffer]:
        """Return the first timetables, and say which others there are."""
        if left := offers[_MAX_FEEDS:]:
            told = MobilityError(
                "{count} further timetables have stops in the area and were left out: {names}.",
                mend="Name all that are wanted with --gtfs, and run the same command with "
                "--overwrite.",
                count=len(left),
                names=", ".join(offer.title for offer in left),
            )
            self.missing.append(told)
        return offers[:_MAX_FEEDS]

    def _offers(self, box: Box, into: Path) -> list[FeedOffer]:
        """Return what the catalogues offer; where they have nothing, what was saved by hand."""
        failures: list[MobilityError] = []
        for look in (french_feeds, world_feeds):
            try:
                offers = look(box, self.desk)
            except DownloadError as error:
                failures.append(_with_mend(error, "timetable", folder=into))
                continue
            if offers:
                self.missing += failures
                return offers
        saved = sorted(into.glob("*.zip"))
        if not saved:
            none = DownloadError(
                "No timetable was found for this area.", mend=_BY_HAND["timetable"], folder=into
            )
            self.missing += failures or [none]
        return [FeedOffer(path.stem, str(path), source=path.name) for path in saved]

    def _feed(self, offer: FeedOffer, target: Path) -> Path:
        """Fetch a timetable, or copy a local one."""
        if _is_address(offer.url):
            return self.desk.fetch(offer.url, target, "zip")
        source = Path(offer.url)
        need_file(source)
        if not zipfile.is_zipfile(source):
            raise SourceError("It is no readable zip.", file=source)
        if source.resolve() != target.resolve():
            with writing(target) as part:
                shutil.copyfile(source, part)
        return target

    def sites(self, path: Path, commune: Commune) -> list[CandidateSite]:
        """Write the industrial estates of the extract as candidate sites."""
        self.say("industrial land")
        try:
            streets = streets_from_osm(path)
        except SourceError as error:
            self.missing.append(error)
            return []
        found = nearest_first(industrial_sites(streets), commune.centre)
        areas = named(found, streets.background.get("places"))
        if left := areas[MAX_SITES:]:
            told = MobilityError(
                "{count} further industrial areas, smaller or farther away, were left out, the "
                "first of them: {names}.",
                mend="Add those that are wanted to sites.csv.",
                count=len(left),
                names=", ".join(area.name for area in left[:3]),
            )
            self.missing.append(told)
        found = found[:MAX_SITES]
        if not found:
            told = MobilityError(
                "No industrial land was found in these streets.",
                mend="Describe the sites in the territory file, or in a table named under sites.",
            )
            self.missing.append(told)
        else:
            target = self.folder / "sites.csv"
            write_text(target, sites_csv(areas[:MAX_SITES]))
            self.files.append(target.relative_to(self.folder))
        return found


def _area_km2(box: Box) -> float:
    west, south, east, north = box
    middle = np.cos(np.radians((south + north) / 2))
    return float((east - west) * middle * (north - south) * 111.2**2)


def _with_mend(error: MobilityError, what: str, **params: object) -> MobilityError:
    """Return an error that says what to do by hand."""
    error.mend = _BY_HAND[what]
    error.params |= params
    error.args = (error.render("en"),)
    return error


def _is_address(text: str) -> bool:
    return urlsplit(text).scheme in {"http", "https"}


def _title(url: str) -> str:
    return Path(urlsplit(url).path).stem or urlsplit(url).netloc


def _file_name(title: str, taken: set[str]) -> str:
    """Return a plain file name for a feed, unlike those taken; a title cannot leave the folder."""
    stem = slug(title)[:50] or "gtfs"
    name, k = f"{stem}.zip", 2
    while name in taken:
        name, k = f"{stem}-{k}.zip", k + 1
    taken.add(name)
    return name
