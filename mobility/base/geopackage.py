"""Writes layers as a GeoPackage."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from mobility.base.errors import SourceError
from mobility.base.files import unwritable

if TYPE_CHECKING:
    from geopandas import GeoDataFrame


def write_gpkg(path: str | Path, layers: Iterable[tuple[str, GeoDataFrame]]) -> None:
    """Write layers, by name, as a GeoPackage; the same layers give the same bytes."""
    import pyogrio

    # A GeoPackage holds the time of its last change.
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "1970-01-01T00:00:00Z"})
    for name, frame in layers:
        try:
            # Version 1.2 is read without a warning by the QGIS of older distributions too.
            frame.to_file(
                path,
                layer=name,
                driver="GPKG",
                engine="pyogrio",
                use_arrow=True,
                dataset_options={"VERSION": "1.2"},
            )
        except pyogrio.errors.FieldError:
            raise SourceError(
                "The layer {layer} has {count} columns, more than a GeoPackage can hold.",
                file=path,
                mend="Study fewer sites at a time; of a run, Parquet holds the same: set "
                "geopackage = false under [output].",
                layer=name,
                count=len(frame.columns),
            ) from None
        except (pyogrio.errors.DataSourceError, pyogrio.errors.FeatureError):
            # The driver does not say what stopped it: a limit of the disk, of files, of a quota.
            raise unwritable(OSError(errno.EIO, os.strerror(errno.EIO)), path) from None
