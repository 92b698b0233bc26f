"""The product's own routing on a public benchmark: school buses with fixed bells.

``python -m benchmarks sbrp [INSTANCE...]`` solves the instances of Park, Tae and Kim (RSRB and
CSCB 01 to 08), as distributed with the code of Bertsimas, Delarue and Martin (PNAS 116(13),
2019), keeps each plan in ``benchmarks/sbrp/`` and tells it beside the best published there.
Schools are sites, bells are shift starts. One core, one seed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.chains.solve import MOST_WORK, solve_chains
from benchmarks.sbrp_check import BOARD_S, EMPTY_S, FEET_S, RIDER_S, SEATS, check, rows
from benchmarks.timing import say
from mobility.base.errors import SourceError
from mobility.shuttles.chained import Chain, ChainProblem, out_of_reach

FOLDER = Path(__file__).parents[2] / "shared" / "sbrp" / "data" / "input"
PLANS = Path(__file__).with_name("sbrp")
PUBLISHED = {
    ("RSRB", 2700): (31, 29, 55, 62, 100, 103, 161, 173),
    ("CSCB", 2700): (33, 37, 64, 69, 143, 140, 206, 186),
    ("RSRB", 5400): (31, 26, 50, 49, 91, 76, 151, 152),
    ("CSCB", 5400): (30, 28, 51, 48, 121, 114, 162, 136),
}
RIDES = (2700, 5400)
NAMES = [f"{kind}{k:02d}" for k in range(1, 9) for kind in ("RSRB", "CSCB")]
# By longest ride and number of stops: five minutes at most.
ROUNDS = {
    2700: {250: 8000, 500: 4000, 1000: 2000, 2000: 400},
    5400: {250: 8000, 500: 4000, 1000: 1000, 2000: 200},
}
DIVES = {2700: 5, 5400: 2}
WORK = {2700: MOST_WORK, 5400: 0}  # long rides: too many trips of a school to choose among
SEED = 1


def problem_of(folder: Path, longest_s: float) -> tuple[ChainProblem, list[str]]:
    """Return an instance as the product's problem, and the ids of its stops.

    Raises
    ------
    SourceError
        A stop that no bus can serve, or that goes to no school of the instance.
    """
    schools = sorted(rows(folder / "Schools.txt"), key=lambda r: (int(r["AMEARLY"]), r["ID"]))
    end = {r["ID"]: k for k, r in enumerate(schools)}
    stops = rows(folder / "Stops.txt")
    for r in stops:
        if r["EP_ID"] not in end:
            raise SourceError(
                "A stop goes to a school that the instance does not have.",
                file=folder / "Stops.txt", column="EP_ID", value=r["EP_ID"],
                mend="Correct the school of the stop.",
            )  # fmt: skip
    stops.sort(key=lambda r: (end[r["EP_ID"]], int(r["ID"])))
    xy = np.array(
        [(float(r["X_COORD"]), float(r["Y_COORD"])) for r in stops]
        + [(float(r["X"]), float(r["Y"])) for r in schools]
    )
    load = np.array([int(r["STUDENT_COUNT"]) for r in stops], np.int32)
    bell = [divmod(int(r["AMEARLY"]), 100) for r in schools]
    problem = ChainProblem(
        drive_s=np.abs(xy[:, None, :] - xy[None]).sum(axis=2) / FEET_S,
        end_of=np.array([end[r["EP_ID"]] for r in stops], np.int32),
        load=load,
        halt_s=BOARD_S + RIDER_S * load,
        limit_s=np.full(len(stops), float(longest_s)),
        inbound=np.ones(len(schools), bool),
        at_s=np.array([h * 3600.0 + m * 60 for h, m in bell]) - EMPTY_S,
        busy_s=np.full(len(schools), EMPTY_S),
        seats=SEATS,
    )
    for call in out_of_reach(problem):
        raise SourceError(
            "No bus can serve a stop: it has more riders than seats, or its ride is too long.",
            file=folder / "Stops.txt", column="ID", value=stops[call]["ID"],
            mend="Allow a longer ride, or split the stop.",
        )  # fmt: skip
    return problem, [r["ID"] for r in stops]


def written(name: str, longest_s: int, chains: Sequence[Chain], ids: Sequence[str]) -> str:
    """Return a plan as the checker's text."""
    lines = [f"{name} {longest_s}"]
    lines += ["; ".join(" ".join(ids[c] for c in trip) for trip in chain) for chain in chains]
    return "\n".join(lines) + "\n"


def measure(name: str, longest_s: int) -> dict[str, Any]:
    """Solve one instance, keep its plan once the checker accepts it, and return its row."""
    problem, ids = problem_of(FOLDER / name, longest_s)
    began = time.process_time()
    plan = solve_chains(
        problem, rounds=ROUNDS[longest_s][len(ids)], seed=SEED, dives=DIVES[longest_s],
        most_work=WORK[longest_s],
    )  # fmt: skip
    seconds = time.process_time() - began
    text = written(name, longest_s, plan.chains, ids)
    buses, wrong = check(FOLDER, text)
    if wrong:
        raise ValueError(f"{name}: {wrong[0]}")
    PLANS.mkdir(exist_ok=True)
    (PLANS / f"{name}-{longest_s}.txt").write_text(text, encoding="ascii")
    published = PUBLISHED[name[:4], longest_s][int(name[4:]) - 1]
    row = {
        "instance": name, "longest_ride_s": longest_s, "buses": buses, "published": published,
        "bound": plan.bound, "seconds": seconds,
    }  # fmt: skip
    say("  ".join(f"{v:.1f}" if isinstance(v, float) else f"{v}" for v in row.values()))
    return row


def run(
    names: Sequence[str], known: Sequence[dict[str, Any]] = (), rides: Sequence[int] = ()
) -> Iterator[list[dict[str, Any]]]:
    """Yield, after each instance, the rows of all: those not yet solved as they were."""
    found = {(r["longest_ride_s"], r["instance"]): r for r in known}
    warm, _ = problem_of(FOLDER / NAMES[0], RIDES[0])
    solve_chains(warm, rounds=1)
    for longest_s in rides or RIDES:
        for name in names or NAMES:
            found[longest_s, name] = measure(name, longest_s)
            yield [found[key] for key in sorted(found)]


def totals(found: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Return the buses of all 16 instances for each longest ride."""
    return {
        f"sbrp_buses_total_{ride}": sum(r["buses"] for r in found if r["longest_ride_s"] == ride)
        for ride in RIDES
        if sum(r["longest_ride_s"] == ride for r in found) == len(NAMES)
    }
