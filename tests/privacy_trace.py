"""Search the outputs of a run for the coordinates of marked persons."""

import base64
import contextlib
import io
import re
import struct
import zipfile
import zlib
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import pyproj

DECIMALS = 4
RADIUS_M = 5.0


def assert_no_trace(folder, coordinates, *, crs=()):
    """Fail when a file below ``folder`` holds one of the ``(lon, lat)`` given.

    Text is searched for both numbers to four decimals (some ten metres) or more, with a
    point or a comma; zip archives (xlsx too) member by member; deflated and base64 arrays of
    pages after decoding; geographic layers and Parquet by geometry and by value; everything
    for the eight bytes of the doubles. ``crs`` names projected systems to search in as well.
    """
    marks = [tuple(map(float, c)) for c in coordinates]
    for path in sorted(Path(folder).rglob("*")):
        if path.is_file():
            for where, data in _contents(path):
                for mark in marks:
                    reason = _found(data, mark, where, path, crs)
                    assert reason is None, f"{where}: {mark} found {reason}"


def _contents(path):
    data = path.read_bytes()
    yield str(path), data
    yield from _members(str(path), data)
    for k, match in enumerate(re.finditer(rb"[A-Za-z0-9+/]{200,}={0,2}", data)):
        yield from _decoded(f"{path}#base64-{k}", match.group())


def _members(where, data):
    if data[:2] != b"PK":
        return
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            inner = archive.read(name)
            yield f"{where}!{name}", inner
            yield from _members(f"{where}!{name}", inner)


def _decoded(where, text):
    try:
        raw = base64.b64decode(text + b"=" * (-len(text) % 4))
    except ValueError:
        return
    yield where, raw
    for window in (15, -15, 31):
        with contextlib.suppress(zlib.error):
            yield f"{where}/inflated", zlib.decompress(raw, window)


def _found(data, mark, where, path, crs):
    lon, lat = mark
    for x, y in [mark, *(_projected(mark, c) for c in crs)]:
        if struct.pack("<d", x) in data and struct.pack("<d", y) in data:
            return "as doubles"
    if _number_in(data, lon) and _number_in(data, lat):
        return "as text"
    if "!" in where or "#" in where:
        return None
    return _in_layer(path, mark)


def _projected(mark, crs):
    return pyproj.Transformer.from_crs(4326, crs, always_xy=True).transform(*mark)


def _number_in(data, value):
    """Whether a number within half a unit of the fourth decimal of ``value`` is written."""
    whole, shown = int(value), f"{abs(value):.{DECIMALS}f}"
    sign = b"-" if value < 0 else b""
    stem = sign + str(abs(whole)).encode()
    pattern = rb"(?<![\d.])" + re.escape(stem) + rb"[.,](\d{%d,})" % DECIMALS
    for match in re.finditer(pattern, data):
        number = float(f"{abs(whole)}.{match.group(1).decode()}")
        if abs(number - abs(value)) < 10**-DECIMALS or f"{number:.{DECIMALS}f}" == shown:
            return True
    return False


def _in_layer(path, mark):
    suffix = path.suffix.lower()
    if suffix in {".gpkg", ".fgb", ".geojson", ".shp"}:
        frames = [gpd.read_file(path, layer=n) for n in pyogrio.list_layers(path)[:, 0]]
    elif suffix in {".parquet", ".geoparquet"}:
        if b"geo" in (pq.read_schema(path).metadata or {}):
            frames = [gpd.read_parquet(path)]
        else:
            frames = [pd.read_parquet(path)]
    elif suffix in {".feather", ".arrow"}:
        frames = [pd.read_feather(path)]
    elif suffix in {".npy", ".npz"}:
        return None
    else:
        return None
    return next((r for r in (_in_frame(f, mark) for f in frames) if r), None)


def _in_frame(frame, mark):
    lon, lat = mark
    geometry = frame.geometry if isinstance(frame, gpd.GeoDataFrame) else None
    if geometry is not None and geometry.crs is not None and len(frame):
        points = geometry.to_crs(4326).get_coordinates().to_numpy()
        metres = (
            np.hypot((points[:, 0] - lon) * np.cos(np.radians(lat)), points[:, 1] - lat) * 111_200
        )
        if (metres < RADIUS_M).any():
            return "in a geometry"
    values = frame.select_dtypes("number").to_numpy(dtype=float, na_value=np.nan)
    near = 0.5 * 10**-DECIMALS
    rows = (np.abs(values - lon) < near).any(axis=1) & (np.abs(values - lat) < near).any(axis=1)
    return "in a row" if rows.any() else None
