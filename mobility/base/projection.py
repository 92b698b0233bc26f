"""Transformers from one coordinate system to another, each made once: making one takes 20 ms."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyproj

WGS84 = "EPSG:4326"
#: West, south, east, north, degrees.
Box = tuple[float, float, float, float]


def transformer(source: str | pyproj.CRS, target: str | pyproj.CRS) -> pyproj.Transformer:
    """Return the transformer between two systems, x (longitude) before y (latitude)."""
    # Texts are quick keys of a cache; systems are slow to compare.
    return _made(*(crs if isinstance(crs, str) else crs.srs for crs in (source, target)))


@lru_cache(maxsize=64)
def _made(source: str, target: str) -> pyproj.Transformer:
    import pyproj

    return pyproj.Transformer.from_crs(source, target, always_xy=True)
