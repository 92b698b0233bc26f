"""The canonical GTFS rules, as a second opinion on a feed where a validator is installed.

The rules are those of https://gtfs-validator.mobilitydata.org/rules.html, as the package
``gtfs-guru`` applies them: compiled, offline, 1.5 s and 250 MB for 424,000 stop times. Most
of them, on spelling and fares, change no travel time, so they stand beside
`mobility.sources.gtfs.quality`, not in its place.
"""

from __future__ import annotations

import datetime as dt
import importlib
from pathlib import Path
from typing import Any

from mobility.base.errors import Finding, Severity, SourceError
from mobility.sources.gtfs.read import existing

_PACKAGE = "gtfs_guru"
_SEVERITY: dict[str, Severity] = {"ERROR": "warning", "WARNING": "warning", "INFO": "info"}
_UNREADABLE = frozenset({"i_o_error", "runtime_exception_in_loader_error"})
_NAMED = ("tripId", "stopId", "routeId", "serviceId", "shapeId", "fieldValue", "filename")
#: Rules that compare a feed with the day of the check: studied dates are chosen from it.
_ABOUT_TODAY = frozenset(
    {"expired_calendar", "feed_expiration_date7_days", "feed_expiration_date30_days"}
)


def canonical_findings(path: str | Path, *, date: dt.date, country: str = "ZZ") -> list[Finding]:
    """Return what the canonical rules say about a feed, a zip or a folder, worst first.

    ``date`` stands for today in the rules, of which those on expiry alone are left out; ``country``
    is a two-letter code, for phone numbers, ``"ZZ"`` when unknown.

    Raises
    ------
    SourceError
        The validator is not installed, or it cannot open the feed.
    """
    path = existing(path)
    try:
        validator = importlib.import_module(_PACKAGE)
    except ImportError:
        raise SourceError(
            "The canonical rules need the package gtfs-guru, which is not installed.",
            mend="Install it with: pip install {package}",
            package="gtfs-guru",
        ) from None
    result = validator.validate(str(path), country_code=country, date=date.isoformat()).to_dict()
    if any(notice["code"] in _UNREADABLE for notice in result["notices"]):
        raise SourceError(
            "The canonical rules cannot be applied to it.",
            file=path,
            mend="Check that it is a GTFS zip or folder.",
        )
    notices = [n for n in result["notices"] if n["code"] not in _ABOUT_TODAY]
    order = list(_SEVERITY)
    notices.sort(key=lambda n: (order.index(n["severity"]), n["code"]))
    return [_finding(n, path.name) for n in notices]


def _finding(notice: dict[str, Any], source: str) -> Finding:
    names = [
        next((str(sample[k]) for k in _NAMED if sample.get(k)), "")
        for sample in notice["sampleNotices"]
    ]
    return Finding(
        _SEVERITY[notice["severity"]],
        f"canonical_{notice['code']}",
        "{count} times the canonical rule {rule}",
        source=source,
        count=int(notice["totalNotices"]),
        examples=tuple(dict.fromkeys(n[:80] for n in names if n))[:5],
        params={"rule": notice["code"]},
    )
