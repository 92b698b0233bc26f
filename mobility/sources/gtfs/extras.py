"""The smaller tables of a GTFS feed: transfers, frequencies, pathways, credits."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mobility.base.errors import Finding
from mobility.sources.gtfs.columns import index_of, integers, numbers, seconds
from mobility.sources.gtfs.files import RawTables


def examples(values: Any) -> tuple[str, ...]:
    """Return at most five distinct values as text, in order of appearance."""
    return tuple(dict.fromkeys(str(v)[:60] for v in list(values)[:200]))[:5]


def report_unknown(
    places: NDArray[Any],
    values: pd.Series,
    raw: RawTables,
    table: str,
    column: str,
    findings: list[Finding],
) -> None:
    """Add a finding for values that name no row of the table they refer to (place -2)."""
    unknown = places == -2
    if unknown.any():
        findings.append(
            Finding(
                "warning",
                "broken_reference",
                "{count} rows of {file} name an unknown {column}",
                source=raw.file(table),
                count=int(unknown.sum()),
                examples=examples(values[unknown]),
                params={"file": f"{table}.txt", "column": column},
            )
        )


def read_transfers(
    raw: RawTables,
    stops: pd.DataFrame,
    routes: pd.DataFrame,
    trips: pd.DataFrame,
    findings: list[Finding],
) -> pd.DataFrame:
    """Return transfers.txt linked by index."""
    file, table = raw.file("transfers"), "transfers"
    ids = {"stop": stops["stop_id"], "route": routes["route_id"], "trip": trips["trip_id"]}
    columns: dict[str, NDArray[Any]] = {}
    for what, known in ids.items():
        for side in ("from", "to"):
            values = raw.column(table, f"{side}_{what}_id")
            columns[f"{side}_{what}"] = index_of(values, known)
            report_unknown(
                columns[f"{side}_{what}"], values, raw, table, f"{side}_{what}_id", findings
            )
    columns["kind"] = integers(raw.column(table, "transfer_type"), 0, file=file, high=5).astype(
        np.int8
    )
    columns["min_s"] = integers(
        raw.column(table, "min_transfer_time"), -1, file=file, high=86_400
    ).astype(np.int32)
    frame = pd.DataFrame(columns)
    links = [c for c in frame if c not in ("kind", "min_s")]
    return frame[(frame[links] > -2).all(axis=1)].reset_index(drop=True)


def read_frequencies(raw: RawTables, trips: pd.DataFrame, findings: list[Finding]) -> pd.DataFrame:
    """Return frequencies.txt linked by index."""
    file, table = raw.file("frequencies"), "frequencies"
    column = partial(raw.column, table)
    trip = index_of(column("trip_id"), trips["trip_id"])
    report_unknown(trip, column("trip_id"), raw, table, "trip_id", findings)
    start, end = (seconds(column(f"{k}_time"), file=file) for k in ("start", "end"))
    headway = integers(column("headway_secs"), -1, file=file, low=1, high=86_400)
    keep = (trip >= 0) & (headway > 0) & ~np.isnan(start) & ~np.isnan(end)
    exact = integers(column("exact_times"), 0, file=file, high=1)
    return pd.DataFrame(
        {
            "trip": trip[keep],
            "start_s": start[keep].astype(np.int32),
            "end_s": end[keep].astype(np.int32),
            "headway_s": headway[keep].astype(np.int32),
            "exact": exact[keep] == 1,
        }
    )


def read_pathways(raw: RawTables, stops: pd.DataFrame, findings: list[Finding]) -> pd.DataFrame:
    """Return pathways.txt linked by index."""
    file, table = raw.file("pathways"), "pathways"
    ends = {
        s: index_of(raw.column(table, f"{s}_stop_id"), stops["stop_id"]) for s in ("from", "to")
    }
    for side, places in ends.items():
        values = raw.column(table, f"{side}_stop_id")
        report_unknown(places, values, raw, table, f"{side}_stop_id", findings)
    both = integers(raw.column(table, "is_bidirectional"), 0, file=file, high=1)
    mode = integers(raw.column(table, "pathway_mode"), 1, file=file, high=7)
    frame = pd.DataFrame(
        {
            "from_stop": ends["from"],
            "to_stop": ends["to"],
            "mode": mode.astype(np.int8),
            "both_ways": both == 1,
            "traversal_s": numbers(
                raw.column(table, "traversal_time"), file=file, low=0, high=7200
            ),
            "length_m": numbers(raw.column(table, "length"), file=file, low=0, high=20_000),
        }
    )
    keep = (frame["from_stop"] >= 0) & (frame["to_stop"] >= 0)
    return frame[keep].reset_index(drop=True)


def read_feed_info(raw: RawTables) -> pd.DataFrame:
    """Return who publishes the feed and which words must credit it."""
    rows = [
        {
            "publisher": str(row.get("feed_publisher_name", "") or ""),
            "url": str(row.get("feed_publisher_url", "") or ""),
            "version": str(row.get("feed_version", "") or ""),
            "attribution": "",
        }
        for row in raw.tables["feed_info"].fillna("").to_dict("records")
    ]
    rows += [
        {
            "publisher": "",
            "url": str(row.get("attribution_url", "") or ""),
            "version": "",
            "attribution": str(row.get("organization_name", "") or ""),
        }
        for row in raw.tables["attributions"].fillna("").to_dict("records")
    ]
    columns = ["publisher", "url", "version", "attribution"]
    return pd.DataFrame(rows, columns=columns, dtype="str").assign(network=np.int16(0))


__all__ = [
    "examples",
    "read_feed_info",
    "read_frequencies",
    "read_pathways",
    "read_transfers",
    "report_unknown",
]
