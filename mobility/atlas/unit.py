"""One unit of an atlas: a territory computed, or the reason why it could not be.

A unit may be computed any number of times, by any worker: the same files give the same bytes, and
what a kill leaves behind is never taken for whole. Errors are returned, not raised: a file that is
wrong is wrong on every worker, and no cluster should try it again.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mobility.atlas.figures import territory_figures
from mobility.atlas.folder import FAILURE, FIGURES, MANIFEST, SHIFTS, Atlas, json_text
from mobility.atlas.long import write_shifts
from mobility.atlas.manifest import inputs_of, is_done, manifest, software, stamps
from mobility.base.errors import MobilityError, SourceError
from mobility.base.failures import explained
from mobility.base.files import staging, write_text
from mobility.pipeline import run
from mobility.settings import read_territory

State = Literal["done", "kept", "failed"]


@dataclass(frozen=True)
class Outcome:
    """What became of a unit.

    Attributes
    ----------
    state
        ``done`` now, ``kept`` from an earlier run, or ``failed``.
    seconds
        It took, by the clock of the worker.
    told
        Of a failure: language → the message, one line.
    """

    unit: str
    state: State
    seconds: float = 0.0
    told: tuple[tuple[str, str], ...] = ()

    def message(self, language: str) -> str:
        """Return what is told of a failure."""
        return dict(self.told).get(language, "")


def run_unit(folder: str | Path, unit: str, *, code: str = "", in_parts: bool = False) -> Outcome:
    """Compute a unit, unless its results are there already.

    Parameters
    ----------
    folder
        Of the atlas, as the worker sees it.
    code
        Hash of the software that asks: another version on a worker is a failure of the unit.
    in_parts
        What `mobility.atlas.parts.run_part` found is in the cache.
    """
    atlas, start = Atlas(Path(folder)), time.perf_counter()
    try:
        _check_version(code)
        if is_done(atlas, unit):
            _forget(atlas, unit)
            return Outcome(unit, "kept")
        _compute(atlas, unit, in_parts=in_parts)
    except Exception as error:  # noqa: BLE001 (returned: other units go on)
        outcome = failed(unit, explained(error), time.perf_counter() - start)
        note_failure(atlas, outcome)
        return outcome
    _forget(atlas, unit)
    return Outcome(unit, "done", time.perf_counter() - start)


def failed(unit: str, error: MobilityError, seconds: float = 0.0) -> Outcome:
    """Return the outcome of a unit that an error stopped."""
    told = tuple((language, error.render(language)) for language in ("fr", "en"))
    return Outcome(unit, "failed", seconds, told)


def note_failure(atlas: Atlas, outcome: Outcome) -> None:
    """Write why a unit failed beside what it left; a full disk must not hide the reason."""
    with suppress(MobilityError, OSError):
        write_text(atlas.run(outcome.unit) / FAILURE, json_text(dict(outcome.told)))


def other_version() -> SourceError:
    """Return what is told of a worker that runs another version of the software."""
    return SourceError(
        "A worker runs another version of the software.",
        mend="Install the same version of mobility-shift where the workers are, and start them "
        "again.",
    )


def _check_version(code: str) -> None:
    if code and code != software()["code"]:
        raise other_version()


def _forget(atlas: Atlas, unit: str) -> None:
    with suppress(OSError):
        (atlas.run(unit) / FAILURE).unlink(missing_ok=True)


def _compute(atlas: Atlas, unit: str, *, in_parts: bool) -> None:
    """Compute a territory, then write its long tables, its figures and, last, the manifest."""
    territory = read_territory(atlas.file(unit))
    folder = atlas.run(unit)
    before = stamps(inputs_of(atlas, unit, territory))
    # What a manifest keeps needs no second place in the cache.
    results = run(territory, folder, keep=in_parts)
    with staging(folder) as part:
        write_shifts(results.access, results.zones, part / SHIFTS)
        figures = territory_figures(atlas.file(unit).parent, results.access, results.zones)
        (part / FIGURES).write_text(json.dumps(figures, sort_keys=True), encoding="utf-8")
    found = manifest(atlas, unit, territory, results.study.homes, (*results.files, SHIFTS, FIGURES))
    if stamps(inputs_of(atlas, unit, territory)) != before:
        raise SourceError(
            "A source changed while it was read.", file=folder.name, mend="Run it again."
        )
    write_text(folder / MANIFEST, json_text(found))
