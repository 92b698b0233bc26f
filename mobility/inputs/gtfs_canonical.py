"""The canonical GTFS rules, as an optional second opinion on a feed.

They need the package ``gtfs-validator``, a pure Python version of MobilityData's
validator that works offline. It is complete (173 rules) but slow: 50 s for 155,000 stop
times and 100 s for 424,000, against 0.05 s for `mobility.inputs.gtfs_quality`, which is
why it does not stand in every run's way.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib
import io
import json
import tempfile
from pathlib import Path
from typing import Any

from mobility.errors import Finding, Severity, SourceError

_SEVERITY: dict[str, Severity] = {"ERROR": "warning", "WARNING": "warning", "INFO": "info"}
_NAMED = ("tripId", "stopId", "routeId", "serviceId", "shapeId", "filename", "fieldName")


def canonical_findings(path: str | Path, *, date: dt.date, country: str = "ZZ") -> list[Finding]:
    """Return what the canonical rules say about a feed, worst first.

    Parameters
    ----------
    path
        A GTFS zip or folder.
    date
        The date rules about validity refer to.
    country
        Two-letter code, for phone numbers; ``"ZZ"`` when unknown.

    Raises
    ------
    SourceError
        The validator is not installed, or it cannot open the feed.
    """
    try:
        main = importlib.import_module("gtfs_validator.cli").main
    except ImportError:
        raise SourceError(
            "The canonical rules need the package gtfs-validator, which is not installed.",
            mend="Install it with: pip install gtfs-validator",
        ) from None
    with tempfile.TemporaryDirectory(prefix="mobility-rules-") as work:
        arguments = ["-i", str(path), "-o", work, "-d", date.isoformat(), "-c", country]
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            code = main(arguments)
        report = Path(work) / "report.json"
        if code or not report.is_file():
            raise SourceError(
                "The canonical rules cannot be applied to it.",
                file=path,
                mend="Check that it is a GTFS zip or folder.",
            )
        notices = json.loads(report.read_text(encoding="utf-8"))["notices"]
    order = list(_SEVERITY)
    notices.sort(key=lambda n: (order.index(n["severity"]), n["code"]))
    return [_finding(n, Path(path).name) for n in notices]


def _finding(notice: dict[str, Any], source: str) -> Finding:
    samples = notice.get("sampleNotices", [])[:5]
    names = [next((str(s[k]) for k in _NAMED if s.get(k)), "") for s in samples]
    return Finding(
        _SEVERITY[notice["severity"]],
        f"canonical_{notice['code']}",
        "{count} times the canonical rule {rule}",
        source=source,
        count=int(notice["totalNotices"]),
        examples=tuple(dict.fromkeys(n for n in names if n)),
        params={"rule": notice["code"]},
    )


__all__ = ["canonical_findings"]
