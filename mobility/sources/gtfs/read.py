"""Read timetables: GTFS zips or folders, checked, cached by content, merged."""

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
from mobility.sources.gtfs.feed import Feed, Services, network_name, route_mode

FORMAT = 11
_TABLES = (
    "stops", "routes", "trips", "stop_times", "transfers", "frequencies", "pathways",
    "agencies", "feed_info",
)  # fmt: skip
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


def read_feed(path: str | Path, *, prefix: str = "", cache: bool = True) -> Feed:
    """Read a GTFS feed through partridge, check and link its tables.

    Text stays text, times become int32 seconds once (missing ones interpolated). Rows that
    cannot be used are left out and reported in ``findings``.

    Parameters
    ----------
    path
        A zip, whose files may lie in one inner folder, or a folder.
    prefix
        Put before every id, e.g. ``"0:"``.
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
        bundle = cached("gtfs", (FORMAT, path), lambda: _to_bundle(parsed()))
        feed = _from_bundle(bundle, path)
    else:
        feed = parsed()
    return _prefixed(feed, prefix) if prefix else feed


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


__all__ = ["Feed", "Services", "merge_feeds", "read_feed", "route_mode"]
