"""A small builder that writes GTFS from Python literals.

``write_gtfs(tmp_path / "feed.zip", stops=..., trips=...)`` writes a zip, any other name a
folder. Only what a test needs to say has to be said:

>>> write_gtfs(
...     path,
...     stops={"A": (4.00, 45.0), "B": (4.01, 45.0)},
...     trips=[trip("t1", [("A", "05:00"), ("B", "05:10", "05:11")])],
... )
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]
WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def clock(text: str | int | None) -> str:
    """``"5:00"`` or 18000 -> ``"05:00:00"``; None or "" stays empty."""
    if text is None or text == "":
        return ""
    if isinstance(text, int):
        return f"{text // 3600:02d}:{text % 3600 // 60:02d}:{text % 60:02d}"
    return text + ":00" if text.count(":") == 1 else text


def trip(
    trip_id: str, calls: Sequence[Any], *, route: str = "R", service: str = "S", **columns: Any
) -> dict[str, Any]:
    """One trip; each call is ``(stop, time)``, ``(stop, arrival, departure)`` or a dict row.

    A dict row holds stop_times columns (``stop_id``, ``arrival_time``, ...). ``columns`` are
    more columns of trips.txt, e.g. ``block_id="b1"``.
    """
    rows = []
    for k, call in enumerate(calls):
        row: dict[str, Any] = {"stop_sequence": k + 1}
        if isinstance(call, Mapping):
            row |= call
        else:
            stop, arrival, *departure = call
            row |= {
                "stop_id": stop,
                "arrival_time": arrival,
                "departure_time": departure[0] if departure else arrival,
            }
        for column in ("arrival_time", "departure_time"):
            row[column] = clock(row.get(column))
        rows.append({"trip_id": trip_id} | row)
    head = {"trip_id": trip_id, "route_id": route, "service_id": service} | columns
    return {"trip": head, "calls": rows}


def service(
    days: str = "1111111",
    start: str = "20240101",
    end: str = "20241231",
    *,
    added: Sequence[str] = (),
    removed: Sequence[str] = (),
    calendar: bool = True,
) -> dict[str, Any]:
    """One service: a week pattern of seven 0/1, a period, and exceptions (``YYYYMMDD``)."""
    return {
        "days": days,
        "start": start,
        "end": end,
        "added": list(added),
        "removed": list(removed),
        "calendar": calendar,
    }


def gtfs_tables(
    *,
    stops: Mapping[str, tuple[float, float]] | Sequence[Row],
    trips: Sequence[dict[str, Any]],
    services: Mapping[str, dict[str, Any]] | None = None,
    routes: Sequence[Row] | None = None,
    agencies: Sequence[Row] | None = None,
    timezone: str = "Europe/Paris",
    **tables: Sequence[Row],
) -> dict[str, list[Row]]:
    """Rows of each GTFS file; ``tables`` are further files, e.g. ``transfers=[{...}]``."""
    services = {"S": service()} if services is None else services
    if isinstance(stops, Mapping):
        stops = [
            {"stop_id": s, "stop_name": f"Stop {s}", "stop_lat": lat, "stop_lon": lon}
            for s, (lon, lat) in stops.items()
        ]
    if routes is None:
        ids = sorted({t["trip"]["route_id"] for t in trips}) or ["R"]
        routes = [
            {"route_id": r, "route_short_name": r, "route_long_name": "", "route_type": 3}
            for r in ids
        ]
    if agencies is None:
        agencies = [
            {
                "agency_id": "1",
                "agency_name": "Agency",
                "agency_url": "http://example.org",
                "agency_timezone": timezone,
            }
        ]
    calendar = [
        {"service_id": s, "start_date": v["start"], "end_date": v["end"]}
        | dict(zip(WEEK, v["days"], strict=True))
        for s, v in services.items()
        if v["calendar"]
    ]
    exceptions = [
        {"service_id": s, "date": date, "exception_type": kind}
        for s, v in services.items()
        for kind, dates in ((1, v["added"]), (2, v["removed"]))
        for date in dates
    ]
    files: dict[str, list[Row]] = {
        "agency": list(agencies),
        "stops": list(stops),
        "routes": list(routes),
        "trips": [t["trip"] for t in trips],
        "stop_times": [row for t in trips for row in t["calls"]],
    }
    if calendar:
        files["calendar"] = calendar
    if exceptions:
        files["calendar_dates"] = exceptions
    return files | {name: list(rows) for name, rows in tables.items()}


def to_csv(rows: Sequence[Row]) -> str:
    """CSV text of dict rows; columns in order of first appearance."""
    columns = list(dict.fromkeys(c for row in rows for c in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def write_gtfs(
    path: Path,
    *,
    texts: Mapping[str, str] | None = None,
    omit: Sequence[str] = (),
    bom: bool = False,
    inner_folder: str = "",
    **tables: Any,
) -> Path:
    """Write a feed and return ``path``.

    Parameters
    ----------
    path
        ``*.zip`` writes a zip, anything else a folder.
    texts
        Raw text of whole files, by name without ``.txt``; replaces what the tables give.
    omit
        Names of files to leave out.
    bom
        Start each file with a byte order mark.
    inner_folder
        Put the files of a zip into this folder.
    tables
        See `gtfs_tables`.
    """
    files = {name: to_csv(rows) for name, rows in gtfs_tables(**tables).items()}
    files |= dict(texts or {})
    encoded = {
        f"{name}.txt": text.encode("utf-8-sig" if bom else "utf-8")
        for name, text in files.items()
        if name not in omit
    }
    if path.suffix == ".zip":
        prefix = f"{inner_folder}/" if inner_folder else ""
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in encoded.items():
                archive.writestr(zipfile.ZipInfo(prefix + name), content)
        return path
    path.mkdir(parents=True, exist_ok=True)
    for name, content in encoded.items():
        (path / name).write_bytes(content)
    return path
