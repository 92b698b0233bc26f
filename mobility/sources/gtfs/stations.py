"""Stations of a feed: which stops are platforms, and which platforms a station has."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

PLATFORM, ENTRANCE, BOARDING_AREA = 0, 2, 4


def is_platform(stops: pd.DataFrame) -> NDArray[np.bool_]:
    """Return bool[stops]: where vehicles stop (platforms and boarding areas)."""
    return np.isin(stops["location_type"].to_numpy(), (PLATFORM, BOARDING_AREA))


def for_platforms(rules: pd.DataFrame, column: str, stops: pd.DataFrame) -> pd.DataFrame:
    """Return rows that name stops in a column, stations replaced by each of their platforms."""
    parent = stops["parent"].to_numpy()
    members = np.flatnonzero(is_platform(stops))
    station = np.where(parent[members] >= 0, parent[members], members)
    # A boarding area hangs under a platform, which hangs under the station.
    above = np.where(parent[station] >= 0, parent[station], station)
    links = pd.DataFrame(
        {
            column: np.concatenate([members, station, above]),
            "member": np.concatenate([members, members, members]),
        }
    ).drop_duplicates()
    found = rules.reset_index().merge(links, on=column, how="inner")
    found[column] = found["member"]
    return found.drop(columns=["member"]).set_index("index").sort_index(kind="stable")


__all__ = ["ENTRANCE", "PLATFORM", "for_platforms", "is_platform"]
