"""The commutes of a territory in long form: a row per home, site, roster, shift and kind of day.

Names of sites are values, not columns, so that the files of many territories read as one table
(GeoParquet). The rows of a home follow each other: its place is stored once for all of them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyproj
import shapely
from numpy.typing import NDArray
from pyarrow import parquet

from mobility.commute.access import STATUSES, Access
from mobility.commute.white_zones import REASONS, WhiteZones
from mobility.timetable.arrays import INF

#: Rows held at a time.
BATCH = 500_000


def write_shifts(access: Access, zones: WhiteZones, path: Path) -> None:
    """Write ``home_id``, ``commune``, ``workers``, what was asked, and what was found.

    ``site``, ``roster``, ``shift``, ``day_kind`` are what was asked; ``status`` and ``reason`` as
    in ``homes.parquet``; ``out_min``, ``back_min`` by public transport, null where none holds;
    ``lon``, ``lat`` and ``geometry`` the place, EPSG:4326.
    """
    study = access.study
    n_keys, n_homes = zones.status.shape
    step = max(1, BATCH // max(n_keys, 1))
    names = [study.shift_rows[shift] for shift in zones.keys["shift_id"]]
    asked = {
        "site": [row.site_name for row in names],
        "roster": [row.roster for row in names],
        "shift": [row.shift for row in names],
        "day_kind": list(zones.keys["day_kind"]),
    }
    lonlat = study.homes.lonlat.round(6)
    places = shapely.to_wkb(shapely.points(lonlat))
    communes = study.homes.frame["commune"].fillna("").astype(str).to_numpy()
    geo = json.dumps(_geo())
    minutes = [_minutes(access, zones, seconds) for seconds in ("outbound_s", "return_s")]
    writer: parquet.ParquetWriter | None = None
    try:
        for low in range(0, n_homes, step):
            here = slice(low, min(low + step, n_homes))
            count = here.stop - low
            columns: dict[str, Any] = {
                "home_id": _words([str(i) for i in study.homes.ids[here]], _each(count, n_keys)),
                "commune": _words(list(communes[here]), _each(count, n_keys)),
                "workers": np.repeat(study.workers[here].round(3), n_keys),
            }
            columns |= {n: _words(v, _turn(count, n_keys)) for n, v in asked.items()}
            columns["status"] = _codes(STATUSES, zones.status[:, here])
            columns["reason"] = _codes(REASONS, zones.reason[:, here])
            for name, found in zip(("out_min", "back_min"), minutes, strict=True):
                flat = found[:, here].T.ravel()
                columns[name] = pa.array(flat, mask=np.isnan(flat))
            for name, axis in (("lon", 0), ("lat", 1)):
                columns[name] = np.repeat(lonlat[here, axis], n_keys)
            columns["geometry"] = pa.array(np.repeat(places[here], n_keys), pa.binary())
            table = pa.table(columns).replace_schema_metadata({"geo": geo})
            writer = writer or parquet.ParquetWriter(path, table.schema, compression="zstd")
            writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()


def _geo() -> dict[str, Any]:
    """Return what GeoParquet 1.0 wants to be told of the column of places."""
    place = {
        "encoding": "WKB",
        "geometry_types": ["Point"],
        "crs": pyproj.CRS.from_epsg(4326).to_json_dict(),
    }
    return {"version": "1.0.0", "primary_column": "geometry", "columns": {"geometry": place}}


def _minutes(access: Access, zones: WhiteZones, field: str) -> NDArray[np.float32]:
    """Return float32[Z, H], minutes by public transport; NaN where none holds."""
    found = np.full(zones.status.shape, np.nan, np.float32)
    seconds = getattr(access, field)
    for z, (shift, day) in enumerate(zones.keys.itertuples(index=False)):
        row = access.row(shift, day, "transit")
        if row is not None:
            held = seconds[row] < INF
            found[z, held] = np.round(seconds[row, held] / 60, 1)
    return found


def _each(count: int, times: int) -> NDArray[np.int32]:
    return np.repeat(np.arange(count, dtype=np.int32), times)


def _turn(times: int, count: int) -> NDArray[np.int32]:
    return np.tile(np.arange(count, dtype=np.int32), times)


def _words(values: list[str], codes: NDArray[np.int32]) -> pa.DictionaryArray:
    distinct = {value: k for k, value in enumerate(dict.fromkeys(values))}
    place = np.array([distinct[value] for value in values], np.int32)
    return pa.DictionaryArray.from_arrays(place[codes], pa.array(list(distinct), pa.string()))


def _codes(words: tuple[str, ...], found: NDArray[np.int8]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(found.T.ravel().astype(np.int32), pa.array(words))
