"""Who pays what of a plan: three usual keys, and one that leaves no group better off alone.

The stable key is the Shapley value of the game in which a group of employers pays for the runs
that serve them, chained, staffed and costed without the others' (Shapley, 1953). Where that would
charge some group more than it costs alone, the nearest sharing that does not is taken instead,
if there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from math import factorial

import numpy as np

from mobility.shuttles.config import Factors, ShuttleConfig
from mobility.shuttles.costs import operate, yearly_costs
from mobility.shuttles.model import Day, Floats
from mobility.shuttles.plan import Plan
from mobility.shuttles.scene import Scene
from mobility.shuttles.service import opened_stops

#: Employers up to which every group is costed; above, orders of joining are drawn.
EXACT, _ORDERS = 10, 200
_EPS_EUR = 0.005

Cost = Callable[[frozenset[int]], float]


def group_cost(
    plan: Plan,
    scene: Scene,
    owner: Sequence[int],
    config: ShuttleConfig,
    factors: Factors,
    days: Sequence[Day],
) -> Cost:
    """Return what the runs that serve a group of employers cost a year without the others.

    Parameters
    ----------
    owner
        Employer of each site.
    """
    serves = [frozenset(owner[scene.edges[e].site] for e in run.edges) for run in plan.runs]
    costs: dict[tuple[int, ...], float] = {}

    def cost(group: frozenset[int]) -> float:
        kept = tuple(k for k, mine in enumerate(serves) if mine & group)
        if len(kept) == len(plan.runs):
            return plan.costs.total
        if kept not in costs:
            runs = [plan.runs[k] for k in kept]
            operations = operate(runs, scene.drive, scene.depot, days, config, factors)
            stops = len(opened_stops(runs, scene))
            costs[kept] = yearly_costs(operations, config, factors, new_stops=stops).total
        return costs[kept]

    return cost


def shapley(members: Sequence[int], cost: Cost, *, seed: int = 0) -> dict[int, float]:
    """Return the Shapley value of a cost, exact up to ten members, from drawn orders above."""
    n = len(members)
    shares = dict.fromkeys(members, 0.0)
    if n <= EXACT:
        for k in range(n):
            weight = factorial(k) * factorial(n - k - 1) / factorial(n)
            for group in combinations(members, k):
                with_none = cost(frozenset(group)) if group else 0.0
                for one in set(members) - set(group):
                    shares[one] += weight * (cost(frozenset((*group, one))) - with_none)
        return shares
    draw = np.random.default_rng(seed)
    for _ in range(_ORDERS):
        before, joined = 0.0, frozenset[int]()
        for one in draw.permutation(list(members)).tolist():
            joined |= {one}
            after = cost(joined)
            shares[one] += (after - before) / _ORDERS
            before = after
    return shares


def _groups_of(members: Sequence[int]) -> list[frozenset[int]]:
    """Return the groups whose shares are checked: all up to ten members, else each alone."""
    most = len(members) - 1 if len(members) <= EXACT else 1
    return [frozenset(g) for k in range(1, most + 1) for g in combinations(members, k)]


def overcharged(shares: dict[int, float], cost: Cost) -> list[frozenset[int]]:
    """Return the groups that pay more than they would alone."""
    return [
        group
        for group in _groups_of(sorted(shares))
        if sum(shares[one] for one in group) > cost(group) + _EPS_EUR
    ]


def stable_shares(
    members: Sequence[int], cost: Cost, *, seed: int = 0
) -> tuple[dict[int, float], bool]:
    """Return the stable key in EUR a year, and whether no group pays more than alone."""
    shares = shapley(members, cost, seed=seed)
    if not overcharged(shares, cost):
        return shares, True
    # A second of loading that hardly any sharing needs.
    from scipy.optimize import linprog

    # The sharing nearest to it, in euros moved, that no group can refuse.
    n, groups = len(members), _groups_of(members)
    value = np.array([shares[one] for one in members])
    held = np.array([[one in group for one in members] for group in groups], np.float64)
    eye = np.eye(n)
    found = linprog(
        np.r_[np.zeros(n), np.ones(n)],
        A_ub=np.block([[held, np.zeros((len(groups), n))], [eye, -eye], [-eye, -eye]]),
        b_ub=np.r_[[cost(group) for group in groups], value, -value],
        A_eq=np.r_[np.ones(n), np.zeros(n)][None],
        b_eq=[cost(frozenset(members))],
        bounds=[(0, None)] * (2 * n),
        method="highs",
    )
    if found.status != 0 or found.x is None:
        return shares, False
    return dict(zip(members, found.x[:n].tolist(), strict=True)), True


def to_the_cent(parts: Floats, total: float) -> Floats:
    """Return amounts in proportion to parts, in whole cents that add up to the total's.

    Equal amounts where every part is nothing: somebody pays.
    """
    cents = round(100 * total)
    whole = float(np.sum(parts))
    if whole <= 0:
        parts, whole = np.ones(len(parts)), float(len(parts))
    exact = np.asarray(parts, np.float64) / whole * cents
    floor = np.floor(exact).astype(np.int64)
    left = cents - int(floor.sum())
    order = np.argsort(-(exact - floor), kind="stable")
    floor[order[:left]] += 1
    return floor / 100


def employer_shares(
    plan: Plan, scene: Scene, *, by: str, headcounts: Sequence[float]
) -> dict[int, float]:
    """Return each site's share of a plan's cost.

    Parameters
    ----------
    by
        ``"boardings"``, ``"headcount"`` (workers of the served sites) or ``"km"`` (each
        run's kilometres a year, shared by the riders of its shift ends).
    headcounts
        Workers of each site.
    """
    weight: dict[int, float] = {}
    for run in plan.runs:
        riders = {e: float(plan.service.rider_edge[e]) for e in run.edges}
        total = sum(riders.values())
        for e in run.edges:
            site = scene.edges[e].site
            if by == "headcount":
                weight[site] = float(headcounts[site])
            elif by == "km":
                part = riders[e] / total if total else 1 / len(run.edges)
                per_year = len(run.weekdays) * run.metres
                weight[site] = weight.get(site, 0.0) + part * per_year
    if by == "boardings":
        for e, boardings in enumerate(plan.service.boardings_edge):
            if boardings > 0:
                site = scene.edges[e].site
                weight[site] = weight.get(site, 0.0) + float(boardings)
    total = sum(weight.values())
    return {s: w / total for s, w in sorted(weight.items())} if total else {}
