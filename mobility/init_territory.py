"""From a place name to a first study: fetch open data, write a commented territory file.

What cannot be fetched is said, with what to put where; the file is written all the same.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import urlsplit

import geopandas as gpd
import numpy as np
import shapely

from mobility.errors import DownloadError, MobilityError, SourceError, TerritoryError
from mobility.files import write_text
from mobility.init_text import territory_text
from mobility.inputs.catalogues import (
    Commune,
    Desk,
    FeedOffer,
    around,
    communes_within,
    find_commune,
    french_feeds,
    geofabrik_extract,
    overpass_query,
    world_feeds,
)
from mobility.inputs.clip import clip_osm
from mobility.inputs.download import fetch
from mobility.inputs.industrial import CandidateSite, candidate_sites
from mobility.network.modes import edge_times
from mobility.network.streets import Streets, streets_from_osm
from mobility.territory import Speeds

Language = Literal["fr", "en"]
T = TypeVar("T")
SMALL_AREA_KM2 = 400.0
MAX_FEEDS = 8
MAX_SITES = 12
NO_ENTRANCE = ("motorway", "motorway_link", "trunk", "trunk_link")


@dataclass(frozen=True)
class Gathered:
    """What `init_territory` wrote.

    Attributes
    ----------
    territory
        The territory file.
    files
        Fetched and written sources, relative to its folder.
    feeds
        The timetables chosen, in the order of ``files``.
    sites
        Candidate sites found on industrial land.
    missing
        What could not be had, each with its mend.
    """

    territory: Path
    files: tuple[Path, ...]
    feeds: tuple[FeedOffer, ...]
    sites: tuple[CandidateSite, ...]
    missing: tuple[MobilityError, ...]


def init_territory(
    place: str,
    folder: str | Path,
    *,
    radius_km: float = 12.0,
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
    language
        Of the comments of the file.
    osm
        Address or path of an OpenStreetMap extract to clip, instead of looking for one.
    gtfs
        Addresses of timetables, instead of looking for them.
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
            mend="Choose another folder, or move this file away.",
        )
    desk = desk or Desk()
    work = _Work(folder, desk, progress or _quiet)
    work.say("commune")
    commune = find_commune(place, desk)
    box = around(commune.centre, radius_km)
    homes = work.attempt(lambda: work.communes(box))
    streets = work.attempt(lambda: work.streets(box, osm))
    feeds = work.timetables(box, gtfs)
    sites = [] if streets is None else (work.attempt(lambda: work.sites(streets, commune)) or [])
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
        missing=tuple(work.missing),
    )


def _quiet(_: str) -> None:
    """Say nothing."""


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


class _Work:
    """The steps of one preparation, and what they met."""

    def __init__(self, folder: Path, desk: Desk, say: Callable[[str], None]) -> None:
        self.folder = folder
        self.desk = desk
        self.say = say
        self.files: list[Path] = []
        self.missing: list[MobilityError] = []

    def attempt(self, step: Callable[[], T]) -> T | None:
        """Do a step; keep its error for the report when a source cannot be had."""
        try:
            return step()
        except (DownloadError, SourceError) as error:
            self.missing.append(error)
            return None

    def _kept(self, path: Path) -> Path:
        self.files.append(path.relative_to(self.folder))
        return path

    def communes(self, box: tuple[float, float, float, float]) -> Path:
        """Write the communes of the area, with their population."""
        self.say("communes")
        collection = communes_within(box, self.desk)
        target = self.folder / "data" / "homes" / "communes.geojson"
        write_text(target, json.dumps(collection, ensure_ascii=False, sort_keys=True) + "\n")
        return self._kept(target)

    def streets(self, box: tuple[float, float, float, float], osm: str | None) -> Path:
        """Fetch the streets: a query for a small area, a clipped extract for a large one."""
        self.say("streets")
        into = self.folder / "data" / "osm"
        if osm is None and _area_km2(box) <= SMALL_AREA_KM2:
            target = into / "streets.osm"
            query = {"data": overpass_query(box)}
            fetch(
                self.desk.services.overpass,
                target,
                kind="osm",
                data=query,
                patience=self.desk.patience,
                cache=self.desk.cache,
            )
            return self._kept(target)
        target = into / "streets.osm.pbf"
        source = Path(osm or "")
        if osm is None or urlsplit(osm).scheme in {"http", "https"}:
            address = osm or geofabrik_extract(box, self.desk)
            source = self.desk.answers / Path(urlsplit(address).path).name
            fetch(
                address,
                source,
                kind="osm.pbf",
                patience=self.desk.patience,
                cache=self.desk.cache,
            )
        self.say("clipping")
        clip_osm(source, target, box)
        return self._kept(target)

    def timetables(
        self, box: tuple[float, float, float, float], gtfs: Sequence[str]
    ) -> list[tuple[str, FeedOffer]]:
        """Fetch the timetables asked for, or those that have stops in the area."""
        self.say("timetables")
        offers = [FeedOffer(_title(url), url, "", "", "", "", url) for url in gtfs]
        if not offers:
            offers = self.attempt(lambda: french_feeds(box, self.desk)) or []
        if not offers:
            offers = self.attempt(lambda: world_feeds(box, self.desk)) or []
        if not offers:
            self.missing.append(
                DownloadError(
                    "No timetable was found for this area.",
                    file=self.folder / "territory.toml",
                    mend="Save a GTFS file in data/gtfs and name it as gtfs in [sources].",
                )
            )
        feeds: list[tuple[str, FeedOffer]] = []
        taken: set[str] = set()
        for offer in offers[:MAX_FEEDS]:
            name = _file_name(offer.title, taken)
            target = self.folder / "data" / "gtfs" / name

            def step(offer: FeedOffer = offer, target: Path = target) -> Path:
                desk = self.desk
                fetch(offer.url, target, kind="zip", patience=desk.patience, cache=desk.cache)
                return self._kept(target)

            if self.attempt(step) is not None:
                feeds.append((name, offer))
        return feeds

    def sites(self, path: Path, commune: Commune) -> list[CandidateSite]:
        """Write the industrial estates of the extract as candidate sites."""
        self.say("industrial land")
        streets = streets_from_osm(path)
        found = nearest_first(industrial_sites(streets), commune.centre)[:MAX_SITES]
        if found:
            places = streets.background.get("places")
            target = self.folder / "sites.csv"
            write_text(target, sites_csv(named(found, places)))
            self._kept(target)
        return found


def industrial_sites(streets: Streets) -> list[CandidateSite]:
    """Return the industrial estates of a street network, gates at their road entrances."""
    there, back = edge_times(streets, "car", Speeds())
    open_ = np.isfinite(there) | np.isfinite(back)
    open_ &= ~streets.tags["highway"].isin(NO_ENTRANCE).to_numpy()
    lines = np.asarray(streets.lines, dtype=object)[open_]
    industrial = streets.background.get("industrial")
    if industrial is None:
        return []
    return candidate_sites(industrial, gpd.GeoSeries(lines, crs=streets.crs))


def nearest_first(sites: list[CandidateSite], centre: tuple[float, float]) -> list[CandidateSite]:
    """Return sites by size discounted by distance: half the weight at five kilometres."""
    lon, lat = centre

    def weight(site: CandidateSite) -> float:
        x = (site.centre[0] - lon) * np.cos(np.radians(lat))
        km = 111.2 * float(np.hypot(x, site.centre[1] - lat))
        return -site.area_ha / (1 + km / 5)

    return sorted(sites, key=weight)


def named(sites: list[CandidateSite], places: gpd.GeoDataFrame | None) -> list[CandidateSite]:
    """Return sites with a name each: their own, numbered when shared, or the nearest place's."""
    tree = None
    if places is not None:
        places = places[places["name"].notna()]
        tree = shapely.STRtree(np.asarray(places.geometry.array, dtype=object))
    taken: dict[str, int] = {}
    out = []
    for site in sites:
        name = site.name
        if not name:
            near = (
                None if tree is None or not len(tree) else tree.nearest(shapely.Point(site.centre))
            )
            where = "" if near is None or places is None else f" {places['name'].iloc[near]}"
            name = f"Zone industrielle{where}"
        taken[name] = taken.get(name, 0) + 1
        number = f" {taken[name]}" if taken[name] > 1 else ""
        out.append(dataclasses.replace(site, name=name + number))
    return out


def sites_csv(sites: list[CandidateSite]) -> str:
    """Return the sites table: one row per gate, the first with a roster to be corrected."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\n")
    writer.writerow(["nom", "employeur", "lon", "lat", "portail", "équipe", "effectif"])
    for site in sites:
        for k, (lon, lat) in enumerate(site.gates):
            roster = ["3x8", "0"] if k == 0 else ["", ""]
            writer.writerow([site.name, "", f"{lon:.6f}", f"{lat:.6f}", str(k + 1), *roster])
    return text.getvalue()


def _area_km2(box: tuple[float, float, float, float]) -> float:
    west, south, east, north = box
    middle = np.cos(np.radians((south + north) / 2))
    return float((east - west) * middle * (north - south) * 111.2**2)


def _title(url: str) -> str:
    return Path(urlsplit(url).path).stem or urlsplit(url).netloc


def _file_name(title: str, taken: set[str]) -> str:
    """Return a plain file name for a feed, unlike those taken; a title cannot leave the folder."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:50] or "gtfs"
    name, k = f"{stem}.zip", 2
    while name in taken:
        name, k = f"{stem}-{k}.zip", k + 1
    taken.add(name)
    return name
