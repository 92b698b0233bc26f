"""The run's record: versions, parameters, hashes and licences behind every figure."""

from __future__ import annotations

import json
import platform
from importlib.metadata import version
from pathlib import Path

from mobility import __version__
from mobility.analysis.study import Study
from mobility.errors import Finding
from mobility.files import write_text

LIBRARIES = ("geopandas", "networkx", "numba", "numpy", "osmium", "pandas", "partridge", "shapely")


def record(
    study: Study, outputs: list[str], findings: tuple[Finding, ...] = ()
) -> dict[str, object]:
    """Return what identifies a run; it holds no clock and no path of this machine."""
    territory = study.territory
    return {
        "mobility": __version__,
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
        "territory": territory.model_dump(mode="json", exclude={"sites"}),
        "sites": [site.model_dump(mode="json") for site in study.sites],
        "scenario": study.scenario,
        "days": [
            {"kind": d.kind, "date": d.date.isoformat(), "weekdays": list(d.weekdays)}
            for d in study.days
        ],
        "sources": [vars(source) for source in study.sources],
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


def write_record(
    study: Study, outputs: list[str], path: Path, *, findings: tuple[Finding, ...] = ()
) -> None:
    """Write `record` as JSON; ``findings`` are the study's own when none are given."""
    text = json.dumps(
        record(study, outputs, findings), ensure_ascii=False, indent=1, sort_keys=True
    )
    write_text(path, text + "\n")
