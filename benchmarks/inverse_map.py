"""The inverse map of `mobility housing` on many places and rosters of Rhein-Neckar."""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.timing import say
from mobility.commute.loading import load
from mobility.commute.study import Study
from mobility.commute.variants import with_homes
from mobility.needs.housing import housing, jobs_of
from mobility.outputs.needs import housing_answer, write_answer
from mobility.territory.rosters import Roster

TERRITORY = Path(__file__).parents[1] / "examples" / "rhein-neckar" / "territory.toml"
#: Gives a hundred thousand squares with a street.
CELL_M = 44.0
#: First hour of five rosters at each of the four sites: four of three shifts, one by day.
FIRST_H = (4, 5, 6, 7)


def twenty_rosters(study: Study) -> Study:
    """Return the study with five rosters at each site, no two of a site at the same hours."""
    turns = [[((h + 8 * k) % 24, (h + 8 * (k + 1)) % 24) for k in range(3)] for h in FIRST_H] + [
        [(9, 17)]
    ]
    rosters = [
        Roster.model_validate({
            "name": f"r{turn[0][0]}",
            "shifts": [
                {"name": f"s{k}", "start": f"{a:02d}:00", "end": f"{b:02d}:00", "days": "all"}
                for k, (a, b) in enumerate(turn)
            ],
        })
        for turn in turns
    ]  # fmt: skip
    sites = tuple(site.model_copy(update={"rosters": rosters}) for site in study.sites)
    return with_homes(study, study.homes, sites=sites)


def run() -> dict[str, Any]:
    """Return processor seconds of asking every place and of writing tables, layer and page."""
    study = twenty_rosters(load(TERRITORY))
    jobs = jobs_of(study, [])
    housing(replace(study), jobs, cell_m=500)  # compiles, and reads what is kept
    begun = time.process_time()
    found = housing(study, jobs, cell_m=CELL_M)
    asked = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        write_answer(housing_answer(found, "en"), Path(folder), "en")
    told = {
        "places": found.n_lattice,
        "rosters": len(jobs),
        "shifts": len(study.shift_rows),
        "kinds_of_day": len(study.days),
        "asked_cpu_s": asked - begun,
        "written_cpu_s": time.process_time() - asked,
        "load_average": round(os.getloadavg()[0], 1),
    }
    say(str(told))
    return told
