"""A timetable cut to an area: what calls there at least twice, told in the feed's own texts.

A trip is kept from its first call inside to its last, with what lies between; where such a call
has no time, on to the nearest that has one. Trips at a headway, whose hours count from their first
stop, and those that come when booked are kept whole. Shapes, fares and pathways are left out.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from mobility.sources.gtfs.files import EXTRA_COLUMNS, REQUIRED_COLUMNS, read_extra
from mobility.sources.gtfs.unpack import ZONES

_TABLES = tuple(n for n in (*REQUIRED_COLUMNS, *EXTRA_COLUMNS) if n not in ("shapes", "pathways"))
_Tables = dict[str, pd.DataFrame]


def read_whole(path: Path) -> tuple[_Tables, str | None]:
    """Return the tables of a feed as text, calls in the order of their trips, and its zones.

    Raises
    ------
    SourceNotFoundError, SourceError
        It is missing, or no GTFS.
    """
    tables, zones = read_extra(path, _TABLES)
    calls = tables["stop_times"]
    for column in ("trip_id", "stop_id"):  # the only table whose values are as they stand
        calls[column] = calls[column].str.strip()
    if len(calls):
        number = pd.to_numeric(calls["stop_sequence"], errors="coerce")
        order = np.lexsort((number, pd.factorize(calls["trip_id"])[0]))
        tables["stop_times"] = calls.iloc[order].reset_index(drop=True)
    return tables, zones


def places(tables: Mapping[str, pd.DataFrame]) -> NDArray[np.object_]:
    """Return the point of each stop, None where it has no place."""
    stops = tables["stops"]
    if "stop_lon" not in stops or "stop_lat" not in stops:
        return np.full(len(stops), None, object)
    lonlat = stops[["stop_lon", "stop_lat"]].apply(pd.to_numeric, errors="coerce").to_numpy(float)
    points = np.full(len(stops), None, object)
    known = np.isfinite(lonlat).all(axis=1)
    points[known] = shapely.points(lonlat[known])
    return points


def cut(
    tables: Mapping[str, pd.DataFrame], inside: NDArray[np.bool_], *, zones: bool = False
) -> _Tables | None:
    """Return the tables of what calls at some stops at least twice; None where nothing does.

    ``inside`` is bool[stops], in the order of the table; with ``zones`` trips that come when booked
    are kept.
    """
    stops, calls = tables["stops"], tables["stop_times"]
    here = calls["stop_id"].isin(set(stops["stop_id"][inside])).to_numpy()
    trip, names = pd.factorize(calls["trip_id"])
    kept = np.bincount(trip[here], minlength=len(names)) >= 2
    whole = np.isin(names, tables["frequencies"].get("trip_id", []))
    if zones:
        booked = [c for c in ("location_id", "location_group_id") if c in calls]
        on_demand = calls[booked].notna().any(axis=1).to_numpy() if booked else np.zeros(0, int)
        whole = np.isin(np.arange(len(names)), trip[np.flatnonzero(on_demand)]) | (whole & kept)
        kept = kept | whole
    if not kept.any():
        return None
    found = dict(tables)
    found["stop_times"] = calls[_span(calls, trip, here, whole) & kept[trip]]
    found["trips"] = _of(tables["trips"], "trip_id", found["stop_times"]["trip_id"])
    found["frequencies"] = _of(tables["frequencies"], "trip_id", found["trips"]["trip_id"])
    found["routes"] = _of(tables["routes"], "route_id", found["trips"]["route_id"])
    for name in ("calendar", "calendar_dates"):
        found[name] = _of(tables[name], "service_id", found["trips"]["service_id"])
    if "agency_id" in found["routes"] and found["routes"]["agency_id"].notna().all():
        found["agency"] = _of(tables["agency"], "agency_id", found["routes"]["agency_id"])
    used = set(found["stop_times"]["stop_id"].dropna())
    if zones:
        used |= set(tables["location_group_stops"].get("stop_id", ()))
    # Platforms go with their station, by which riders change.
    parents = stops[stops["stop_id"].isin(used)].get("parent_station", pd.Series(dtype=str))
    found["stops"] = stops[stops["stop_id"].isin(used | set(parents.dropna()))]
    known = set(found["stops"]["stop_id"])
    found["transfers"] = tables["transfers"]
    for column in ("from_stop_id", "to_stop_id"):
        if column in found["transfers"]:
            at = found["transfers"][column]
            found["transfers"] = found["transfers"][at.isna() | at.isin(known)]
    return found


def write_feed(tables: Mapping[str, pd.DataFrame], path: Path, zones: str | None = None) -> None:
    """Write tables as a zip whose bytes depend on nothing else."""
    texts = (
        (f"{name}.txt", tables[name].to_csv(index=False, lineterminator="\n"))
        for name in _TABLES
        if name in tables and len(tables[name])
    )
    write_zip(path, texts if zones is None else chain(texts, [(ZONES, zones)]))


def write_zip(path: Path, texts: Iterable[tuple[str, str]]) -> None:
    """Write texts, each with its name, as a zip whose bytes depend on nothing else."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in texts:
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, text.encode())


def _of(table: pd.DataFrame, column: str, values: pd.Series) -> pd.DataFrame:
    return table[table[column].isin(set(values))] if column in table else table


def _span(
    calls: pd.DataFrame, trip: NDArray[np.int64], here: NDArray[np.bool_], whole: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return the calls from the first inside to the last, out to such as have a time; all of some.

    The calls of a trip follow each other.
    """
    row = np.arange(len(calls))
    n = int(trip.max(initial=-1)) + 1
    timed = calls[["arrival_time", "departure_time"]].notna().any(axis=1).to_numpy()
    first, last = np.full(n, len(calls)), np.full(n, -1)
    np.minimum.at(first, trip[here], row[here])
    np.maximum.at(last, trip[here], row[here])
    # The last timed call up to each row, and the first from it on; a trip's ends have times.
    before = np.maximum.accumulate(np.where(timed, row, 0))
    after = np.minimum.accumulate(np.where(timed, row, len(calls) - 1)[::-1])[::-1]
    reached = last >= 0
    first[reached], last[reached] = before[first[reached]], after[last[reached]]
    start = np.full(n, len(calls))
    np.minimum.at(start, trip, row)
    end = np.full(n, -1)
    np.maximum.at(end, trip, row)
    low, high = np.maximum(first, start)[trip], np.minimum(last, end)[trip]
    return np.asarray(whole[trip] | ((low <= row) & (row <= high)))
