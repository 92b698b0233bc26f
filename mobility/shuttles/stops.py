"""Which stops to open: maximum coverage under a walking limit and a minimum spacing.

The selection is the maximal covering location problem with conflicts (Church and ReVelle,
1974): choose at most *n* candidates, no two closer than the spacing, so that as many
workers as possible have a chosen one within their walk. Branch and bound (HiGHS) proves it
optimal on all but large cases, where its bound gives the gap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from mobility.shuttles.model import Bools, Floats, Ints

PREFERENCE = 1e-3  # of a worker: how much a better kind of place counts between equals
#: Candidates of the exact search: the best singles and what a greedy search takes.
_KEPT = 250
#: Most nodes of the branch and bound.
_NODES = 200


@dataclass(frozen=True)
class Selection:
    """Chosen stops.

    Attributes
    ----------
    chosen
        Candidate indices, ascending.
    covered
        Workers who have a chosen stop within their walk.
    bound
        No selection covers more.
    """

    chosen: Ints
    covered: float
    bound: float

    @property
    def gap(self) -> float:
        """Relative distance to the bound, 0 when the selection is proven optimal."""
        return 0.0 if self.bound <= 0 else max(0.0, 1.0 - self.covered / self.bound)


def too_close(xy: Floats, spacing_m: float) -> list[tuple[int, int]]:
    """Return the pairs of candidates nearer than ``spacing_m``, in straight line."""
    from scipy.spatial import cKDTree

    if len(xy) < 2 or spacing_m <= 0:
        return []
    pairs = cKDTree(xy).query_pairs(spacing_m, output_type="ndarray")
    apart = np.hypot(*(xy[pairs[:, 0]] - xy[pairs[:, 1]]).T)
    kept = pairs[apart < spacing_m]
    return sorted((int(min(p)), int(max(p))) for p in kept)


def select_stops(
    within: Bools,
    workers: Floats,
    xy: Floats,
    *,
    spacing_m: float,
    max_stops: int,
    preference: Floats | None = None,
) -> Selection:
    """Choose stops that put the most workers within their walk.

    Parameters
    ----------
    within
        bool[C,H]: home *h* can walk to candidate *c*.
    workers
        float64[H].
    xy
        float64[C,2], metres.
    spacing_m
        No two chosen stops are nearer.
    max_stops
        At most as many are chosen.
    preference
        float64[C] in 0..1, lower is a better kind of place; decides between equals.
    """
    preference = np.zeros(len(within)) if preference is None else preference
    used = (within @ workers) > 0
    if not used.any() or max_stops == 0:
        return Selection(np.empty(0, np.int32), 0.0, 0.0)
    pool = np.flatnonzero(used)
    start = _greedy(within, workers, xy, spacing_m, max_stops, preference, pool)
    exact_pool = pool
    if len(pool) > _KEPT:
        single = within @ workers - PREFERENCE * preference
        best = pool[np.argsort(-single[pool], kind="stable")[:_KEPT]]
        exact_pool = np.unique(np.concatenate([best, start]))
    chosen, bound = _exact(
        within[exact_pool], workers, xy[exact_pool], spacing_m, max_stops, preference[exact_pool]
    )
    picked = exact_pool[chosen].astype(np.int32)
    covered = float(workers[within[picked].any(axis=0)].sum())
    greedy = float(workers[within[start].any(axis=0)].sum())
    if greedy > covered + PREFERENCE * (max_stops + 1):
        picked, covered = start.astype(np.int32), greedy
    if len(exact_pool) < len(pool):
        bound = _outside_bound(within, workers, max_stops)
    return Selection(np.sort(picked), covered, max(bound, covered))


def _outside_bound(within: Bools, workers: Floats, max_stops: int) -> float:
    """Bound without spacing: all coverable workers, or the best singles added up."""
    singles = np.sort(within @ workers)[::-1][:max_stops]
    return float(min(workers[within.any(axis=0)].sum(), singles.sum()))


def _greedy(
    within: Bools,
    workers: Floats,
    xy: Floats,
    spacing_m: float,
    max_stops: int,
    preference: Floats,
    pool: np.ndarray,
) -> np.ndarray:
    left = workers.astype(np.float64).copy()
    free = np.zeros(len(within), bool)
    free[pool] = True
    chosen: list[int] = []
    matrix = sparse.csr_matrix(within, dtype=np.float64)
    while len(chosen) < max_stops and free.any():
        gain = matrix @ left
        score = np.where(free & (gain > 0), gain - PREFERENCE * preference, -np.inf)
        best = int(np.argmax(score))
        if not np.isfinite(score[best]):
            break
        chosen.append(best)
        left[within[best]] = 0.0
        free &= np.hypot(*(xy - xy[best]).T) >= spacing_m
        free[best] = False
    return np.array(sorted(chosen), np.int64)


def _exact(
    within: Bools, workers: Floats, xy: Floats, spacing_m: float, max_stops: int, preference: Floats
) -> tuple[np.ndarray, float]:
    """Solve by branch and bound; return the chosen rows and a bound on the workers covered."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    # Homes with the same candidates are one.
    columns, home_group = distinct_columns(within)
    weight = np.bincount(home_group, weights=workers, minlength=columns.shape[1])
    useful = columns.any(axis=0) & (weight > 0)
    columns, weight = columns[:, useful], weight[useful]
    n, groups = columns.shape
    pairs = np.array(too_close(xy, spacing_m), np.int64).reshape(-1, 2)
    covers = sparse.hstack([-sparse.csr_matrix(columns.T, dtype=float), sparse.eye(groups)])
    apart = sparse.csr_matrix(
        (np.ones(pairs.size), (np.repeat(np.arange(len(pairs)), 2), pairs.ravel())),
        shape=(len(pairs), n + groups),
    )
    count = sparse.csr_matrix(np.r_[np.ones(n), np.zeros(groups)])
    ceiling = np.r_[np.zeros(groups), np.ones(len(pairs)), max_stops]
    result = milp(
        np.r_[PREFERENCE * (0.1 + preference), -weight],
        constraints=LinearConstraint(sparse.vstack([covers, apart, count]), -np.inf, ceiling),
        bounds=Bounds(0, 1),
        integrality=np.r_[np.ones(n), np.zeros(groups)],
        options={"node_limit": _NODES, "mip_rel_gap": 1e-6},
    )
    bound = float(weight.sum())
    if result.mip_dual_bound is not None:
        bound = min(bound, -float(result.mip_dual_bound) + PREFERENCE * 1.1 * max_stops)
    if result.x is None:
        return np.empty(0, np.int64), bound
    rows = np.flatnonzero(result.x[:n] > 0.5)
    if result.status == 0:
        bound = float(workers[within[rows].any(axis=0)].sum())
    return rows, bound


def distinct_columns(within: Bools) -> tuple[Bools, np.ndarray]:
    """Return the distinct columns in ascending order, and which of them each column is."""
    rows, columns = within.shape
    words = np.zeros((columns, -(-rows // 64) * 8), np.uint8)
    packed = np.packbits(within.T, axis=1)
    words[:, : packed.shape[1]] = packed
    # As whole numbers, the first rows being the highest bits.
    numbers = words.view(">u8").astype(np.uint64)
    order = np.lexsort(numbers.T[::-1])
    new = np.r_[True, (np.diff(numbers[order], axis=0) != 0).any(axis=1)][:columns]
    group = np.empty(columns, np.int64)
    group[order] = np.cumsum(new) - 1
    return within[:, order[new]], group


def nearest_stop(walk_s: Ints, chosen: Ints, limit_s: int) -> Ints:
    """Return for each home the chosen stop with the shortest walk, -1 beyond the limit.

    Parameters
    ----------
    walk_s
        int32[H,P] walking seconds.
    chosen
        Columns of ``walk_s``.
    limit_s
        Longest walk.
    """
    if not len(chosen):
        return np.full(len(walk_s), -1, np.int32)
    table = walk_s[:, chosen]
    best = np.argmin(table, axis=1)
    near = table[np.arange(len(table)), best] <= limit_s
    return np.where(near, chosen[best], -1).astype(np.int32)
