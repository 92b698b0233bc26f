"""Speed of the retiming search on the largest real network, against its limits.

Every trip near a shift edge × 18 moves, over all sites, shifts and kinds of day, must take
under two minutes on two cores, at 500 full evaluations per second and core at least.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path

from mobility.base.errors import SourceNotFoundError
from mobility.commute.access import assess
from mobility.commute.loading import load
from mobility.remedies.candidates import MOVES_S, SearchOptions
from mobility.remedies.search import search, workbench

TERRITORY = Path(__file__).parents[1] / "examples" / "rhein-neckar" / "territory.toml"
LIMIT_S, LIMIT_RATE = 120, 500


def run() -> dict[str, object]:
    """Measure the single-move search; return seconds, evaluations and their rate."""
    try:
        access = assess(load(TERRITORY))
    except SourceNotFoundError:
        return {"skipped": "the real extracts are absent"}
    bench = replace(workbench(access), content="")  # what another search found is not known
    # A first small search compiles the kernels.
    search(access, options=SearchOptions(kinds=("add_run",)), bench=bench)
    begin, cpu = time.perf_counter(), time.process_time()
    found = search(access, options=SearchOptions(kinds=("move_trip",)), bench=bench)
    seconds, cpu_s = time.perf_counter() - begin, time.process_time() - cpu
    return {
        "departures": found.tried // len(MOVES_S),
        "windows": len(bench.windows),
        "days": len(bench.study.days),
        "homes": bench.study.n_homes,
        "evaluations": found.tried,
        "seconds": round(seconds, 1),
        "limit_seconds": LIMIT_S,
        "cpu_seconds": round(cpu_s, 1),
        "evaluations_per_s_core": round(found.tried / seconds / (os.cpu_count() or 1)),
        "evaluations_per_cpu_second": round(found.tried / cpu_s),
        "limit_evaluations_per_s_core": LIMIT_RATE,
        "levers_that_change_someone": len(found.outcomes),
        "levers_that_gain": len(found.useful),
    }


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
