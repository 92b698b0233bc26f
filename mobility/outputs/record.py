"""The record of a run, and what an earlier one left in a folder of results.

A record holds the versions, parameters, hashes and licences behind every figure; by it a run
knows which shuttle plans and files of an earlier one hold still.
"""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mobility.base import __version__
from mobility.base.cache import content_hash
from mobility.base.errors import Finding
from mobility.base.files import json_text, read_json, write_text
from mobility.commute.sources import without_timetables
from mobility.commute.study import Study

SHUTTLES, RECORD, MAP, _COMPARISON = "shuttles", "run.json", "map.html", "comparison.csv"
PLANS = f"{SHUTTLES}/plans.csv"
ADVICE = "levers.json"
#: Folder of the shuttles designed for what the levers leave white.
OWN_PLANS = "levers_shuttles"
#: What tells of the plans outside their folder; it is put there where a run cannot keep it.
_BESIDE = (MAP, _COMPARISON, RECORD)
ADVICE_OUTDATED = Finding(
    "warning",
    "advice_outdated",
    "What is advised in this folder (recommendations.html) is of other inputs, or of before these "
    "shuttles. `mobility levers` finds it again",
    "levers",
)
NO_PDF = "no_pdf"
#: Codes of findings that are true of one run only.
_OF_ONE_RUN = (NO_PDF, ADVICE_OUTDATED.code)
_LIBRARIES = ("geopandas", "networkx", "numba", "numpy", "osmium", "pandas", "partridge", "shapely")


def record(
    study: Study, outputs: list[str], findings: tuple[Finding, ...] = ()
) -> dict[str, object]:
    """Return what identifies a run; it holds no clock and no path of this machine."""
    return {
        "inputs": inputs_hash(study),
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in _LIBRARIES},
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
        "ledger": [account.to_json() for account in study.ledger],
        "outputs": sorted(outputs),
    }


def _inputs(study: Study) -> dict[str, object]:
    """Return what a run's figures follow from, a variant's own feed apart."""
    territory, _ = without_timetables(study.territory)  # the feed may be the first one
    return {
        "mobility": __version__,
        "territory": territory.model_dump(mode="json", exclude={"sites"}),
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
    return hashlib.sha256(json_text(_inputs(study)).encode("utf-8")).hexdigest()


def write_record(
    study: Study,
    outputs: list[str],
    path: Path,
    *,
    findings: tuple[Finding, ...] = (),
    earlier: dict[str, Any] | None = None,
) -> None:
    """Write `record` as JSON.

    Parameters
    ----------
    findings
        The study's own when none are given.
    earlier
        Record of a run with the same inputs, whose findings hold still.
    """
    found: dict[str, Any] = record(study, outputs, findings)
    if earlier is not None:
        kept = [f for f in earlier["findings"] if f["code"] not in _OF_ONE_RUN]
        own = {f.code for f in findings} - {f.code for f in study.findings}
        found["findings"] = kept + [f for f in found["findings"] if f["code"] in own]
    write_text(path, json_text(found))


@dataclass(frozen=True)
class EarlierPlans:
    """The shuttle plans of an earlier run.

    Attributes
    ----------
    folder
        The results.
    record
        Of the run that designed them.
    aside
        Their map, comparison and record lie in ``shuttles/`` too.
    same
        That run had the inputs of the present one.
    """

    folder: Path
    record: dict[str, Any]
    aside: bool
    same: bool

    @property
    def usable(self) -> bool:
        """Whether a run without a variant finds its own map there, the plans on it."""
        return self.same and (self._home / MAP).is_file()

    @property
    def outputs(self) -> list[str]:
        """The files of the plans, as names below the folder of results."""
        found = (p for p in (self.folder / SHUTTLES).rglob("*") if p.is_file())
        return [p.relative_to(self.folder).as_posix() for p in found]

    @property
    def _home(self) -> Path:
        return self.folder / SHUTTLES if self.aside else self.folder

    def bring_back(self, part: Path) -> list[str]:
        """Copy what was set aside to its place; return the names of all that is kept."""
        names = [n for n in (MAP, _COMPARISON) if (self._home / n).is_file()]
        for name in names if self.aside else ():
            shutil.copyfile(self._home / name, part / name)
        gone = {f"{SHUTTLES}/{name}" for name in _BESIDE}
        return [*names, *(n for n in self.outputs if n not in gone)]

    def set_aside(self, part: Path) -> list[str]:
        """Copy map, comparison and record beside the plans, once; return names still true."""
        there = [n for n in _BESIDE if (self._home / n).is_file()]
        (part / SHUTTLES).mkdir(exist_ok=True)
        for name in () if self.aside else there:
            shutil.copyfile(self.folder / name, part / SHUTTLES / name)
        return [*self.outputs, *(f"{SHUTTLES}/{n}" for n in there)] if self.same else []

    def gone(self, names: Collection[str], *, shown: bool) -> list[str]:
        """Return what stands elsewhere now: in the results, or else beside the plans."""
        if shown:
            return [f"{SHUTTLES}/{name}" for name in _BESIDE if self.aside]
        return [] if self.aside or _COMPARISON in names else [_COMPARISON]

    def finding(self, scenario: str) -> Finding:
        """Return what a user should know where the map no longer shows the plans."""
        message = (
            "The map now shows {scenario}; the one with the shuttle plans is kept as {map}"
            if self.same and scenario
            else "The shuttle plans of this folder come from other inputs: the map does not show "
            "them, and theirs is kept as {map}. `mobility shuttles` designs them again"
        )
        params = {"map": f"{SHUTTLES}/{MAP}", "scenario": scenario}
        return Finding("warning", "plans_set_aside", message, source=SHUTTLES, params=params)


def earlier_plans(folder: Path, study: Study) -> EarlierPlans | None:
    """Return the plans that lie in a folder of results, None where there are none."""
    if not (folder / PLANS).is_file():
        return None
    for place, aside in ((folder / SHUTTLES, True), (folder, False)):
        record = read_json(place / RECORD)
        if record is not None and PLANS in record.get("outputs", ()):
            same = record.get("inputs") == inputs_hash(study)
            return EarlierPlans(folder, record, aside, same)
    return None


def other_outputs(folder: Path, study: Study) -> list[str]:
    """Return what an earlier run with the same inputs wrote and still holds, plans apart."""
    record = read_json(folder / RECORD)
    if record is None or not is_of(record, study):
        return []
    names = [str(name) for name in record.get("outputs", ())]
    return [
        name
        for name in names
        if name not in _BESIDE and not name.startswith(SHUTTLES) and (folder / name).is_file()
    ]


def is_of(record: dict[str, Any], study: Study) -> bool:
    """Whether a record is of a run with the same inputs and the same variant as a study."""
    asked = (inputs_hash(study), study.scenario)
    return (record.get("inputs"), record.get("scenario")) == asked


def advice_key(study: Study, folder: Path, *, designed: bool) -> dict[str, object]:
    """Return what advice holds for: the inputs, and the shuttle plans that it was given."""
    plans = folder / PLANS
    # Plans designed with the advice follow from it; only others were given to it.
    given = content_hash([plans]) if plans.is_file() and not designed else ""
    return {"inputs": inputs_hash(study), "plans": given, "designed": designed}


def is_advice_outdated(folder: Path, study: Study, *, plans_in: Path) -> bool:
    """Whether the advice of a folder is of other inputs, or of before the plans in another."""
    try:
        found = json.loads((folder / ADVICE).read_text(encoding="utf-8"))
        key = advice_key(study, plans_in, designed=bool(found["designed"]))
        return bool({name: found[name] for name in key} != key)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def designed_plans(folder: Path, study: Study) -> Path | None:
    """Return the folder of the shuttles designed with the advice for the inputs of a study."""
    try:
        found = json.loads((folder / ADVICE).read_text(encoding="utf-8"))
        same = found["designed"] and found["inputs"] == inputs_hash(study)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    place = folder / OWN_PLANS
    return place if same and (place / "plans.csv").is_file() else None
