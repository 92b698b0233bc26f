"""A feed without a single stop, for territories of which no timetable is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mobility.sources.gtfs.feed import Feed, Services

_TABLES: dict[str, dict[str, str]] = {
    "stops": {
        "stop_id": "str", "stop_name": "str", "lon": "float64", "lat": "float64",
        "parent_station": "str", "location_type": "int8", "wheelchair_boarding": "int8",
        "platform_code": "str", "parent": "int32", "network": "int16",
        "on_demand": "bool", "copy_of": "int32",
    },
    "routes": {
        "route_id": "str", "agency_id": "str", "short_name": "str", "long_name": "str",
        "route_type": "int16", "color": "str", "text_color": "str", "timezone": "str",
        "network": "int16",
    },
    "trips": {
        "trip_id": "str", "route_id": "str", "service_id": "str", "headsign": "str",
        "direction_id": "int8", "block_id": "str", "shape_id": "str", "route": "int32",
        "service": "int32", "network": "int16", "on_demand": "bool",
    },
    "stop_times": {
        "trip": "int32", "stop": "int32", "sequence": "int32", "arrival_s": "int32",
        "departure_s": "int32", "pickup": "int8", "dropoff": "int8", "timepoint": "bool",
        "filled": "bool",
    },
    "transfers": {
        "from_stop": "int32", "to_stop": "int32", "from_route": "int32", "to_route": "int32",
        "from_trip": "int32", "to_trip": "int32", "kind": "int8", "min_s": "int32",
    },
    "frequencies": {
        "trip": "int32", "start_s": "int32", "end_s": "int32", "headway_s": "int32",
        "exact": "bool",
    },
    "pathways": {
        "from_stop": "int32", "to_stop": "int32", "mode": "int8", "both_ways": "bool",
        "traversal_s": "float64", "length_m": "float64",
    },
    "agencies": {
        "agency_id": "str", "agency_name": "str", "timezone": "str", "url": "str",
        "network": "int16",
    },
    "feed_info": {
        "publisher": "str", "url": "str", "version": "str", "attribution": "str",
        "start_day": "int32", "end_day": "int32", "network": "int16",
    },
}  # fmt: skip


def empty_feed() -> Feed:
    """Return a feed whose tables have every column and no row."""
    none = np.zeros(0, np.int32)
    services = Services(
        ids=(),
        row_service=none,
        row_start=none,
        row_end=none,
        row_week=np.zeros((0, 7), np.bool_),
        exception_service=none,
        exception_day=none,
        exception_added=np.zeros(0, np.bool_),
    )
    tables: dict[str, Any] = {
        name: pd.DataFrame({c: pd.Series([], dtype=kind) for c, kind in columns.items()})
        for name, columns in _TABLES.items()
    }
    return Feed(**tables, services=services, networks=(), findings=())


__all__ = ["empty_feed"]
