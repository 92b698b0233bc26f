"""The kernel of who rides: the best call of each home on one run."""

from __future__ import annotations

from mobility.base.kernels import entry
from mobility.shuttles.model import Bools, Ints


@entry
def take_run(  # noqa: PLR0913 - flat arrays
    walk_s: Ints, calls: Ints, places: Ints, beyond_s: Ints, ridden: Bools, most_walk_s: int,
    most_total_s: int, run: int, total_s: Ints, run_of: Ints, call_of: Ints,
) -> None:  # fmt: skip
    """Put each home on a run where it takes less time than what it has so far.

    Parameters
    ----------
    walk_s
        int32[H,P] walk from home to place.
    calls, places
        int32[k] calls of the home's side, and their places.
    beyond_s
        int32[k] what follows the walk to each call: ride, wait, and what is beyond the gate.
    ridden
        bool[k] whether the ride from the call is within its limit.
    run
        Number of the run.
    total_s, run_of, call_of
        int32[H] whole time so far, by which run and at which call of it.
    """
    for home in range(len(walk_s)):
        for k in range(len(calls)):
            walk = walk_s[home, places[k]]
            if not ridden[k] or walk > most_walk_s:
                continue
            total = walk + beyond_s[k]
            if total <= most_total_s and total < total_s[home]:
                total_s[home], run_of[home], call_of[home] = total, run, calls[k]
