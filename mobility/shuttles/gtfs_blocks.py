"""Which trips of a published feed one vehicle runs: their ``block_id``.

Vehicles are chained anew for each day of the week and kind of week, while a trip has one
block for all its days. Trips share a block when one vehicle runs them on every day on which
both run, so that no day's block ever holds two trips at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from mobility.shuttles.blocks import DAY_CUT_S, DAY_S
from mobility.shuttles.costs import Operations
from mobility.shuttles.model import Run


@dataclass(frozen=True)
class TripBlocks:
    """Who drives which trips.

    Attributes
    ----------
    names
        ``B1``, ``B2``… for each run.
    following
        (run, next run) of one block, the second starting where the first ends: riders would
        be taken to stay aboard, which they do not.
    """

    names: tuple[str, ...]
    following: frozenset[tuple[int, int]]


def trip_blocks(runs: Sequence[Run], operations: Operations) -> TripBlocks:
    """Return the block of each run of a plan."""
    together, apart, links = _days(runs, operations)
    group = list(range(len(runs)))
    members = {k: {k} for k in group}
    for a, b in sorted(links, key=lambda pair: (-links[pair], pair)):
        one, two = group[a], group[b]
        pairs = {(min(x, y), max(x, y)) for x in members[one] for y in members[two]}
        if one == two or pairs & apart or not pairs & together:
            continue
        members[one] |= members.pop(two)
        for k in members[one]:
            group[k] = one
    names: dict[int, str] = {}
    blocks = tuple(names.setdefault(g, f"B{len(names) + 1}") for g in group)
    following = frozenset(
        (a, b)
        for a, b in links
        if group[a] == group[b] and runs[a].calls[-1] == runs[b].calls[0]
    )  # fmt: skip
    return TripBlocks(blocks, following)


def _days(
    runs: Sequence[Run], operations: Operations
) -> tuple[set[tuple[int, int]], set[tuple[int, int]], dict[tuple[int, int], int]]:
    """Return the pairs of runs one vehicle does on some day, those two do, and successions.

    A run of the small hours belongs to the service day before, where it meets no other.
    """
    late = [((run.start_s - DAY_CUT_S) // DAY_S, run.days_before) for run in runs]
    together: set[tuple[int, int]] = set()
    apart: set[tuple[int, int]] = set()
    links: dict[tuple[int, int], int] = {}
    for blocks in operations.blocks:
        of = {t: k for k, block in enumerate(blocks) for t in block.trips}
        for block in blocks:
            for a, b in pairwise(block.trips):
                if late[a] == late[b]:
                    links[a, b] = links.get((a, b), 0) + 1
        known = sorted(of)
        for i, a in enumerate(known):
            for b in known[i + 1 :]:
                same = of[a] == of[b] and late[a] == late[b]
                (together if same else apart).add((a, b))
    return together, apart | _other_days(late), links


def _other_days(late: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """Return the pairs of runs that start on different operating days of their service day."""
    return {(a, b) for a in range(len(late)) for b in range(a + 1, len(late)) if late[a] != late[b]}
