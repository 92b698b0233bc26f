"""Read timetables: GTFS zips or folders, checked, cached by content, merged; or none at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mobility.base.cache import Bundle, cached
from mobility.base.errors import Finding, SourceError, SourceNotFoundError
from mobility.base.ledger import from_json
from mobility.sources.gtfs.feed import Feed, Services, network_name

# Raised when what is kept of it changes: entries of before are then not found.
_FORMAT = 13
#: Tables of a feed, their columns and types, in the order in which they are kept.
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
_SERVICES = (
    "row_service", "row_start", "row_end", "row_week", "exception_service", "exception_day",
    "exception_added",
)  # fmt: skip


def existing(path: str | Path) -> Path:
    """Return the path of a feed that is there.

    Raises
    ------
    SourceNotFoundError
        There is nothing at ``path``.
    """
    path = Path(path)
    if not path.exists():
        raise SourceNotFoundError(
            "The timetable does not exist.",
            file=path,
            mend="Check the path; one of the territory file starts at its folder.",
        )
    return path


def read_feed(path: str | Path, *, cache: bool = True) -> Feed:
    """Read a GTFS feed through partridge, check and link its tables.

    Text stays text, times become int32 seconds once (missing ones interpolated). Rows that
    cannot be used are left out and reported in ``findings``.

    Parameters
    ----------
    path
        A zip, whose files may lie in one inner folder, or a folder.
    cache
        Keep the checked tables in the user's cache, by content of the source.

    Raises
    ------
    SourceNotFoundError
        There is nothing at ``path``.
    SourceError
        It is no zip, it is dangerous or damaged, a table or a column is missing, or a value
        cannot be read.
    """
    path = existing(path)

    def parsed() -> Feed:
        # What reads a feed as it comes needs libraries that a prepared one does without.
        from mobility.sources.gtfs.files import read_tables
        from mobility.sources.gtfs.parse import parse_feed

        return parse_feed(read_tables(path))

    if cache:
        bundle = cached("gtfs", (_FORMAT, path), lambda: _to_bundle(parsed()))
        return _from_bundle(bundle, path)
    return parsed()


def merge_feeds(feeds: Sequence[Feed]) -> Feed:
    """Put several feeds into one; ids get the feed's number before them (``"0:stop"``).

    Feeds may lie in different time zones. One feed comes back as it is.

    Raises
    ------
    SourceError
        There is no feed.
    """
    if not feeds:
        raise SourceError(
            "There is no timetable to merge.", mend="Name at least one feed under gtfs."
        )
    if len(feeds) == 1:
        return feeds[0]
    return reduce(_joined, [_prefixed(f, f"{k}:") for k, f in enumerate(feeds)])


def merge_each(feed: Feed) -> Callable[[Feed], Feed]:
    """Return what `merge_feeds` makes of a feed and another one, for many others."""
    # Prefixed once: shuttle plans are merged with the same feed by the hundred.
    first = _prefixed(feed, "0:")
    return lambda other: _joined(first, _prefixed(other, "1:"))


def _prefixed(feed: Feed, prefix: str) -> Feed:
    """Return the feed with ``prefix`` before every id."""
    columns = {
        "stops": ("stop_id", "parent_station"),
        "routes": ("route_id", "agency_id"),
        "trips": ("trip_id", "route_id", "service_id", "block_id", "shape_id"),
        "agencies": ("agency_id",),
    }
    tables = {
        table: getattr(feed, table).assign(
            **{c: prefix + getattr(feed, table)[c].astype("str") for c in names}
        )
        for table, names in columns.items()
    }
    services = replace(feed.services, ids=tuple(prefix + i for i in feed.services.ids))
    return replace(feed, **tables, services=services)


def _joined(one: Feed, two: Feed) -> Feed:
    """Return two feeds of disjoint ids as one, the indices of the second moved up."""
    shift = {
        "stop": len(one.stops),
        "route": len(one.routes),
        "trip": len(one.trips),
        "service": len(one.services.ids),
        "network": len(one.networks),
        "parent": len(one.stops),
        "copy_of": len(one.stops),
    }

    def moved(frame: pd.DataFrame) -> pd.DataFrame:
        changes: dict[str, Any] = {}
        for name in frame.columns:
            amount = shift.get(str(name).removeprefix("from_").removeprefix("to_"))
            if amount is not None:
                values = frame[name].to_numpy()
                changes[name] = np.where(values >= 0, values + amount, values).astype(values.dtype)
        return frame.assign(**changes)

    tables = {
        name: pd.concat([getattr(one, name), moved(getattr(two, name))], ignore_index=True)
        for name in _TABLES
    }
    first, second = one.services, two.services
    parts: dict[str, Any] = {}
    for name in _SERVICES:
        extra = getattr(second, name)
        if name.endswith("_service"):
            extra = extra + np.int32(shift["service"])
        parts[name] = np.concatenate([getattr(first, name), extra])
    return Feed(
        **tables,
        services=Services(first.ids + second.ids, **parts),
        networks=one.networks + two.networks,
        findings=one.findings + two.findings,
        rows=one.rows + two.rows,
    )


def _to_bundle(feed: Feed) -> Bundle:
    """Return the feed as arrays and tables for the cache."""
    bundle: dict[str, Any] = {t: getattr(feed, t) for t in _TABLES if t != "stop_times"}
    bundle |= {f"stop_times.{c}": feed.stop_times[c].to_numpy() for c in feed.stop_times}
    bundle |= {f"services.{n}": getattr(feed.services, n) for n in _SERVICES}
    bundle["service_ids"] = pd.DataFrame({"id": pd.Series(feed.services.ids, dtype="str")})
    # Names of files belong to this reading, not to the content.
    findings = [asdict(f) | {"source": Path(f.source).name} for f in feed.findings]
    rows = [asdict(r) | {"source": Path(r.source).name} for r in feed.rows]
    for name, notes in (("findings", findings), ("rows", rows)):
        bundle[name] = np.frombuffer(json.dumps(notes).encode(), np.uint8)
    return bundle


def _from_bundle(bundle: Bundle, path: Path) -> Feed:
    """Return the feed that `_to_bundle` took apart, as read from ``path``."""
    columns = {
        name.removeprefix("stop_times."): array
        for name, array in bundle.items()
        if name.startswith("stop_times.")
    }
    tables: dict[str, Any] = {t: bundle[t] for t in _TABLES if t != "stop_times"}
    arrays: dict[str, Any] = {n: bundle[f"services.{n}"] for n in _SERVICES}
    findings, rows = (
        [note | {"source": f"{path}/{note['source']}"} for note in json.loads(text)]
        for text in (np.asarray(bundle[n]).tobytes() for n in ("findings", "rows"))
    )
    return Feed(
        stop_times=pd.DataFrame(columns, copy=False),
        **tables,
        services=Services(tuple(pd.DataFrame(bundle["service_ids"])["id"]), **arrays),
        networks=(network_name(path),),
        findings=tuple(Finding(**{**f, "examples": tuple(f["examples"])}) for f in findings),
        rows=from_json(rows),
    )


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


__all__ = ["Feed", "empty_feed", "existing", "merge_each", "merge_feeds", "read_feed"]
