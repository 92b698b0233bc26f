"""Candidate lines, and the groups of homes their runs can give a whole roster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mobility.shuttles.estimate import RunCost
from mobility.shuttles.model import Bools, Line, Run
from mobility.shuttles.rosters import edges_of
from mobility.shuttles.scene import Scene

LIGHT_SHARE = 0.002  # of the workers: the lightest groups are left out of the choice,
_LIGHT_WORKERS = 1.0  # one worker in all at most


@dataclass(frozen=True)
class Candidate:
    """A line and its runs, with who each covers (``cover[k]`` of ``runs[k]``, by edge)."""

    line: Line
    runs: tuple[Run, ...]
    cover: tuple[dict[int, Bools], ...]
    costs: tuple[RunCost, ...]

    @property
    def eur(self) -> float:
        """EUR a year of its runs, vehicles apart, before calibration."""
        return sum(x.km + x.hours for x in self.costs)


@dataclass(frozen=True)
class Group:
    """Homes that one set of runs gives a whole roster: staff, runs for each missing end."""

    weight: float
    ways: tuple[tuple[int, ...], ...]


def find_groups(scene: Scene, candidates: Sequence[Candidate]) -> list[Group]:
    """Return the groups that the candidates' runs, numbered in order, can give a roster."""
    covers = [cover for cand in candidates for cover in cand.cover]
    found: list[Group] = []
    for roster, staff in enumerate(scene.staff):
        edges = edges_of(scene, roster)
        need = scene.needs[edges]
        people = np.flatnonzero(need.any(axis=0) & (staff > 0))
        runs = [[v for v, cover in enumerate(covers) if e in cover] for e in edges]
        layers = [need[:, people]]
        for k, e in enumerate(edges):
            layers += [(covers[v][e] & need[k])[people][None] for v in runs[k]]
        table = np.concatenate(layers)
        first, inverse = _alike(table)
        weight = np.bincount(inverse, weights=staff[people], minlength=len(first))
        ends = np.cumsum([len(edges), *(len(r) for r in runs)])
        for g, at in enumerate(first):
            column = table[:, at]
            ways = tuple(
                tuple(v for v, on in zip(runs[k], column[ends[k] : ends[k + 1]], strict=True) if on)
                for k in range(len(edges))
                if column[k]
            )
            if all(ways):
                found.append(Group(float(weight[g]), ways))
    return found


def _alike(table: Bools) -> tuple[np.ndarray, np.ndarray]:
    """Return the first column of each kind, and the kind of every column."""
    packed = np.ascontiguousarray(np.packbits(table, axis=0).T)
    whole = packed.view([("", packed.dtype, packed.shape[1])]).ravel()
    _, first, inverse = np.unique(whole, return_index=True, return_inverse=True)
    return first, inverse.ravel()


def served(group: Group, on: set[int]) -> bool:
    """Whether every missing end of a group has a run among ``on``."""
    return all(on.intersection(way) for way in group.ways)


def heavy(groups: Sequence[Group]) -> tuple[list[Group], float]:
    """Return the groups without the lightest, and what these weigh in all."""
    order = sorted(range(len(groups)), key=lambda g: (groups[g].weight, g))
    most = min(LIGHT_SHARE * sum(g.weight for g in groups), _LIGHT_WORKERS)
    left = 0.0
    dropped: set[int] = set()
    for g in order:
        if left + groups[g].weight > most:
            break
        left += groups[g].weight
        dropped.add(g)
    return [g for k, g in enumerate(groups) if k not in dropped], left


def several(groups: Sequence[Group]) -> list[tuple[int, ...]]:
    """Return the sets of runs, of two and more, that serve an end of some group."""
    return sorted({way for g in groups for way in g.ways if len(way) > 1})


def riders_by_way(
    scene: Scene, covers: Sequence[Mapping[int, Bools]], run: int
) -> tuple[float, list[tuple[float, tuple[int, ...]]]]:
    """Return the workers a run can carry: those for sure, and those by who serves their way back.

    Parameters
    ----------
    covers
        Homes each run serves, by shift end.

    Returns
    -------
    sure, parts
        Workers of the homes that lack no other direction of the shift; and, for each set of
        runs that serve the other direction, those of the homes that lack it too.
    """
    sure = 0.0
    parts: dict[tuple[int, ...], float] = {}
    for e, mine in covers[run].items():
        row = scene.edge_shift[e]
        people = np.where(mine, scene.workers[row], 0.0)
        back = [int(k) for k in np.flatnonzero(scene.edge_shift == row) if k != e]
        both = scene.needs[back[0]] if back else np.zeros_like(mine)
        sure += float(people[~both].sum())
        homes = np.flatnonzero(both & (people > 0))
        runs = [v for v, cover in enumerate(covers) if back and back[0] in cover]
        if not len(homes) or not runs:
            continue
        table = np.array([covers[v][back[0]][homes] for v in runs])
        first, inverse = _alike(table)
        weight = np.bincount(inverse, weights=people[homes], minlength=len(first))
        for k, at in enumerate(first):
            way = tuple(v for v, on in zip(runs, table[:, at], strict=True) if on)
            if way:
                parts[way] = parts.get(way, 0.0) + float(weight[k])
    return sure, [(parts[way], way) for way in sorted(parts)]


def beside(
    scene: Scene, covers: Sequence[Mapping[int, Bools]], run: int, on: Sequence[int]
) -> tuple[list[int], list[int]]:
    """Return the chosen runs that share a run's riders, and those not chosen that add to them.

    Parameters
    ----------
    covers
        Homes each run serves, by shift end.
    on
        Runs chosen.
    """
    rivals: set[int] = set()
    helpers: set[int] = set()
    for e, mine in covers[run].items():
        rivals |= {v for v in on if v != run and e in covers[v] and (covers[v][e] & mine).any()}
        for back in np.flatnonzero(scene.edge_shift == scene.edge_shift[e]).tolist():
            if back == e:
                continue
            missing = mine & scene.needs[back]
            for v in on:
                if back in covers[v]:
                    missing = missing & ~covers[v][back]
            helpers |= {
                v
                for v, cover in enumerate(covers)
                if v not in on and back in cover and (cover[back] & missing).any()
            }
    return sorted(rivals), sorted(helpers)
