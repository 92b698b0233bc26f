"""The run's record: versions, parameters, hashes and licences behind every figure."""

from __future__ import annotations

import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path

from mobility import __version__
from mobility.base.errors import Finding
from mobility.base.files import write_text
from mobility.commute.study import Study

LIBRARIES = ("geopandas", "networkx", "numba", "numpy", "osmium", "pandas", "partridge", "shapely")


def record(
    study: Study, outputs: list[str], findings: tuple[Finding, ...] = ()
) -> dict[str, object]:
    """Return what identifies a run; it holds no clock and no path of this machine."""
    return {
        "inputs": inputs_hash(study),
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
        "scenario": study.scenario,
        **_inputs(study),
        "findings": [
            {
                "severity": f.severity,
                "code": f.code,
                "count": f.count,
                "source": f.source,
                "fr": f.render("fr"),
                "en": f.render("en"),
            }
            for f in findings or study.findings
        ],
        "outputs": sorted(outputs),
    }


def _inputs(study: Study) -> dict[str, object]:
    """Return what a run's figures follow from, a variant's own feed apart."""
    return {
        "mobility": __version__,
        "territory": study.territory.model_dump(mode="json", exclude={"sites"}),
        "sites": [site.model_dump(mode="json") for site in study.sites],
        "days": [
            {"kind": d.kind, "date": d.date.isoformat(), "weekdays": list(d.weekdays)}
            for d in study.days
        ],
        "sources": [vars(source) for source in study.sources],
        "homes": {"personal": study.homes.personal, "decided": study.homes.decided},
    }


def inputs_hash(study: Study) -> str:
    """Return the SHA-256 of what a run's figures follow from, a variant's own feed apart."""
    return hashlib.sha256(_text(_inputs(study)).encode("utf-8")).hexdigest()


def _text(found: dict[str, object]) -> str:
    return json.dumps(found, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def write_record(
    study: Study,
    outputs: list[str],
    path: Path,
    *,
    findings: tuple[Finding, ...] = (),
    earlier: dict[str, object] | None = None,
) -> None:
    """Write `record` as JSON.

    Parameters
    ----------
    findings
        The study's own when none are given.
    earlier
        Record of a run with the same inputs, whose findings hold still.
    """
    found = record(study, outputs, findings)
    if earlier is not None:
        found["findings"] = earlier["findings"]
    write_text(path, _text(found))
