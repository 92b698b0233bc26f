"""The door: persons counted by cell become protected counts by area, spread over public places.

Three published steps, drawn once per file from a seed that is a hash of it (docs/privacy.md):

1. *Totals.* The workers of each site and roster, and those of each of their groups, get two-sided
   geometric noise (Ghosh, Roughgarden, Sundararajan 2012, "Universally utility-maximizing
   privacy mechanisms", SIAM J. Comput. 41(6); the discrete Laplace mechanism): no total tells
   whether one person is counted in it. What is left of 1 to k-1 becomes 0 or k at random.
2. *Areas.* Cells are put along a Hilbert curve and grouped into areas that each hold k persons or
   more, as INSEE's gridded data are (Branchu, Costemalle, Fontaine 2018, "Données carroyées et
   confidentialité"). Counts get there by systematic sampling of the curve with a random start, so
   that any stretch of it keeps its share.
3. *Places.* The workers of an area go to the public places inside it, wherever in it they live.

A stretch of the curve is one piece of ground, and its multiples of ``4^j`` are the borders of
squares of ``2^j`` cells, whatever lies in them (Hilbert 1891, "Ueber die stetige Abbildung einer
Linie auf ein Flächenstück", Math. Ann. 38).

All staff are placed first, over residential land; each roster is then placed on its own areas,
where the staff as a whole was, and each group where its roster was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

#: Of each noisy total: adding a person changes no probability by more than a factor e^0.5.
EPSILON = 0.5
#: Of where a worker is told: of two neighbouring areas, neither is e^1.5 times as likely.
PLACE_EPSILON = 1.5
_MAX_FALLBACK = 64
TEAM = ["site", "roster"]
#: Levels of the curve: it has 2^20 cells a side, more than any country's, on which it repeats.
_ORDER = 20
#: Length of the curve.
END = 1 << (2 * _ORDER)
_MASK = (1 << _ORDER) - 1


@dataclass(frozen=True)
class Ground:
    """Public places, sorted along the curve.

    Attributes
    ----------
    index
        int64[n], place on the curve, ascending and unique.
    xy
        float64[n, 2], metres.
    weight
        float64[n], > 0.
    area
        int64[n], area of each place, numbered along the curve, where all staff were placed.
    """

    index: np.ndarray
    xy: np.ndarray
    weight: np.ndarray
    area: np.ndarray | None = None

    @classmethod
    def of(cls, cells: np.ndarray, xy: np.ndarray, weight: np.ndarray) -> Ground:
        """Return places of cells, those of one cell as one at their weighted centre."""
        index, inverse = np.unique(curve_index(cells), return_inverse=True)
        total = np.bincount(inverse, weights=weight, minlength=len(index))
        centre = [
            np.bincount(inverse, weights=weight * v, minlength=len(index)) / total for v in xy.T
        ]
        return cls(index, np.column_stack(centre), total)

    def inside(self, area: Area, apart: np.ndarray) -> np.ndarray:
        """Return the rows of the places in an area, other areas' own cells left out."""
        rows = np.arange(*np.searchsorted(self.index, [area.start, area.stop]))
        if area.stop - area.start == 1:
            return rows
        return rows[~np.isin(self.index[rows], apart)]


@dataclass(frozen=True)
class Area:
    """A stretch of the curve, ``start`` to ``stop``; the cells of persons there, and its workers.

    ``workers`` are told cell by cell, int64 places on the curve, one for each worker.
    """

    start: int
    stop: int
    cells: np.ndarray

    @property
    def workers(self) -> int:
        """Number of workers told."""
        return len(self.cells)


@dataclass(frozen=True)
class Door:
    """How counts are protected.

    Attributes
    ----------
    k
        Least number of persons of an area.
    key
        Seed of every draw.
    grounds
        Public places, those to be taken first coming first.
    cell_m
        Side of a cell, metres.
    box
        Columns and rows (west, south, east, north) around all persons, roughly.
    """

    k: int
    key: bytes
    grounds: Sequence[Ground]
    cell_m: float
    box: tuple[int, int, int, int]

    def draw(self, *label: str) -> np.random.Generator:
        """Return a generator of its own for what ``label`` names."""
        text = "\0".join(label).encode()
        return np.random.default_rng(
            int.from_bytes(hashlib.blake2b(text, key=self.key, digest_size=16).digest(), "big")
        )

    def total(self, true: float, rng: np.random.Generator) -> int:
        """Return a total with noise: 0, or ``k`` and more."""
        p = 1 - np.exp(-EPSILON)
        noisy = max(0, round(true) + int(rng.geometric(p)) - int(rng.geometric(p)))
        if 0 < noisy < self.k:
            return self.k if rng.random() < noisy / self.k else 0
        return noisy


def protect(
    persons: pd.DataFrame, groups: Sequence[str], teams: pd.DataFrame, door: Door
) -> pd.DataFrame:
    """Return protected counts by place and team.

    Parameters
    ----------
    persons
        ``x``, ``y`` (cell, int64), ``outside`` (of the study area, bool), ``site``, ``roster``,
        ``workers`` and one column per group; any number of rows, e.g. one per person.
    teams
        Every ``site`` and ``roster`` there may be, known before the file is read.

    Returns
    -------
    DataFrame
        ``index`` (place on the curve), ``x``, ``y`` (metres), ``site``, ``roster``,
        ``workers`` and the groups, float64. Empty where fewer than k persons are left.
    """
    values = ["workers", *groups]
    index = curve_index(persons[["x", "y"]].to_numpy(np.int64))
    # Those who live beyond the study area are on a curve of their own, where no public place is.
    persons = persons.assign(index=index + END * persons["outside"].to_numpy(np.int64))
    staff = _placed(persons, "workers", door.grounds, door, door.draw("staff"))
    if staff is None:
        return pd.DataFrame(columns=["index", "x", "y", *TEAM, *values])
    by_team = dict(list(persons.groupby(TEAM)))
    nobody = persons.iloc[:0]
    parts, few = [], []
    for team in teams[TEAM].drop_duplicates().sort_values(TEAM).itertuples(index=False, name=None):
        rows, rng = by_team.get(team, nobody), door.draw("team", *team)
        total = door.total(rows["workers"].sum(), rng)
        placed = _placed(rows, "workers", (staff, *door.grounds), door, rng, total)
        if total and placed is None:
            few.append((team, total, rows))
        elif placed is not None:
            parts.append(_with_groups(team, rows, placed, groups, door))
    parts += _few_together(few, staff, groups, door)
    return (
        pd.concat(parts, ignore_index=True)
        if parts
        else pd.DataFrame(columns=["index", "x", "y", *TEAM, *values])
    )


def _few_together(
    few: list[tuple[tuple[str, str], int, pd.DataFrame]],
    staff: Ground,
    groups: Sequence[str],
    door: Door,
) -> list[pd.DataFrame]:
    """Place teams of fewer than k persons where they live together, else where all staff do."""
    if not few:
        return []
    together = pd.concat([rows for _, _, rows in few])
    whole = _placed(together, "workers", (staff, *door.grounds), door, door.draw("few"))
    whole = staff if whole is None else whole
    share = whole.weight / whole.weight.sum()
    return [
        _with_groups(team, rows, Ground(whole.index, whole.xy, total * share), groups, door)
        for team, total, rows in few
    ]


def _with_groups(
    team: tuple[str, str], rows: pd.DataFrame, placed: Ground, groups: Sequence[str], door: Door
) -> pd.DataFrame:
    """Return the places of a team as a table, each group among its workers."""
    frame = pd.DataFrame({"index": placed.index, "x": placed.xy[:, 0], "y": placed.xy[:, 1]})
    frame = frame.assign(site=team[0], roster=team[1], workers=placed.weight)
    for name in groups:
        rng = door.draw("group", *team, name)
        total = min(door.total(rows[name].sum(), rng), placed.weight.sum())
        found = _placed(rows, name, (placed,), door, rng, total)
        members = placed.weight * (total / placed.weight.sum())
        if found is not None:
            members = np.zeros(len(placed.index))
            members[np.searchsorted(placed.index, found.index)] = found.weight
        frame[name] = within(members, placed.weight)
    return frame


def within(members: np.ndarray, workers: np.ndarray) -> np.ndarray:
    """Return members of a group by place, none with more than its workers, the sum kept."""
    kept = np.minimum(members, workers)
    left = workers - kept
    over = members.sum() - kept.sum()
    return np.asarray(kept + (left * (over / left.sum()) if over > 0 and left.any() else 0.0))


def _placed(
    rows: pd.DataFrame,
    value: str,
    grounds: Sequence[Ground],
    door: Door,
    rng: np.random.Generator,
    total: int | None = None,
) -> Ground | None:
    """Return a total on the places where its persons live; None for fewer than k of them."""
    counts = rows.loc[rows[value] > 0].groupby("index")[value].sum()
    total = door.total(counts.sum(), rng) if total is None else total
    if min(total, counts.sum()) < door.k:
        return None
    index, count = counts.index.to_numpy(np.int64), counts.to_numpy(np.float64)
    areas, apart = areas_of(index, count, _tokens(count, total, rng), door.k, rng)
    found = [_spread(area, apart, grounds, door, rng) for area in areas]
    found.sort(key=lambda places: float(places[:, 0].mean()))
    frame = pd.DataFrame(np.vstack(found), columns=["index", "x", "y", "workers"])
    frame["area"] = np.repeat(np.arange(len(found)), [len(places) for places in found])
    first = {"x": "first", "y": "first", "area": "first", "workers": "sum"}
    frame = frame[frame["workers"] > 0].groupby("index", as_index=False).agg(first)
    place, xy = frame["index"].to_numpy(np.int64), frame[["x", "y"]].to_numpy(np.float64)
    return Ground(place, xy, frame["workers"].to_numpy(np.float64), frame["area"].to_numpy())


def _spread(
    area: Area, apart: np.ndarray, grounds: Sequence[Ground], door: Door, rng: np.random.Generator
) -> np.ndarray:
    """Return index, x, y and workers of the public places of an area, float64[n, 4].

    Where none is known, they are cells of the area, evenly, whoever lives in them.
    """
    for ground in grounds:
        rows = ground.inside(area, apart)
        if len(rows):
            weight = ground.weight[rows]
            workers = area.workers * weight / weight.sum()
            if ground.area is not None:
                workers = _moved(area, ground.index[rows], ground.area[rows], weight, rng)
            return np.column_stack([ground.index[rows], ground.xy[rows], workers])
    index = _cells_in(area, apart, door.box)
    cells = curve_cells(index, door.box[:2])
    workers = np.full(len(index), area.workers / len(index))
    return np.column_stack([index, (cells + 0.5) * door.cell_m, workers])


def _moved(
    area: Area,
    index: np.ndarray,
    staff_area: np.ndarray,
    weight: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return the workers of an area by place, each told in an area of the staff near their own.

    That is their own with two-sided geometric noise on its number along the curve: any area of
    the staff within ``area`` may be theirs.
    """
    areas, which = np.unique(staff_area, return_inverse=True)
    right = np.clip(np.searchsorted(index, area.cells), 0, len(index) - 1)
    left = np.maximum(right - 1, 0)
    nearest = np.where(area.cells - index[left] < index[right] - area.cells, left, right)
    p = 1 - np.exp(-PLACE_EPSILON)
    steps = rng.geometric(p, area.workers) - rng.geometric(p, area.workers)
    told = np.clip(which[nearest] + steps, 0, len(areas) - 1)
    workers = np.bincount(told, minlength=len(areas))
    return np.asarray(workers[which] * weight / np.bincount(which, weights=weight)[which])


def _cells_in(area: Area, apart: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """Return some cells of an area within a box, int64[n], on a grid of their own."""
    if area.stop - area.start == 1:
        return np.array([area.start])
    west, south, east, north = box
    step = max(1, (east - west) // 256, (north - south) // 256)
    found = np.empty(0, np.int64)
    while not len(found):
        x, y = np.meshgrid(np.arange(west, east, step), np.arange(south, north, step))
        index = np.sort(curve_index(np.column_stack([x.ravel(), y.ravel()])))
        index = np.concatenate([index, index + END])
        found = np.setdiff1d(index[(index >= area.start) & (index < area.stop)], apart)
        step = max(1, step // 2)
    return found[:: -(-len(found) // _MAX_FALLBACK)]


def _tokens(count: np.ndarray, total: int, rng: np.random.Generator) -> np.ndarray:
    """Return whole counts adding up to ``total``, by a systematic sample with a random start."""
    running = np.cumsum(count) * (total / count.sum())
    running[-1] = total
    return np.asarray(np.diff(np.floor(running + rng.random()), prepend=0.0))


def areas_of(
    index: np.ndarray, count: np.ndarray, tokens: np.ndarray, k: int, rng: np.random.Generator
) -> tuple[list[Area], np.ndarray]:
    """Return areas that hold ``k`` persons and ``k`` tokens each, and the cells that are one.

    A cell is an area by itself where it holds a number drawn for it, ``k`` to ``2k - 1``; the
    others are grouped along the curve, and parted where the curve crosses the border of the
    largest square: at no place that depends on the very cell someone lives in.

    Parameters
    ----------
    index
        int64[n], cells with persons, ascending.
    count, tokens
        Persons, and protected workers, of each; both add up to ``k`` or more.
    """
    least = np.minimum(count, tokens)
    alone = least >= rng.integers(k, 2 * k, len(index))
    for cell in np.flatnonzero(alone):
        if alone.all() or min(count[~alone].sum(), tokens[~alone].sum()) >= k:
            break
        alone[cell] = False
    whole = tokens.astype(np.int64)
    areas = [
        Area(int(index[i]), int(index[i]) + 1, np.repeat(index[i], whole[i]))
        for i in np.flatnonzero(alone)
    ]
    rest = np.flatnonzero(~alone)
    if len(rest):
        ends = _block_ends(count[rest], tokens[rest], k, int(rng.integers(k, 2 * k)))
        starts = [0, *ends[:-1]]
        cuts = [_round_cut(int(index[rest[e - 1]]), int(index[rest[e]])) for e in ends[:-1]]
        cuts = [0, *cuts, 2 * END]
        areas += [
            Area(cuts[j], cuts[j + 1], np.repeat(index[rest[s:e]], whole[rest[s:e]]))
            for j, (s, e) in enumerate(zip(starts, ends, strict=True))
        ]
    return areas, index[alone]


def _block_ends(count: np.ndarray, tokens: np.ndarray, k: int, first: int) -> list[int]:
    """Return where blocks of ``k`` persons and tokens end; the first holds ``first``."""
    ends, persons, told, need = [], 0.0, 0.0, first
    for i in range(len(count)):
        persons, told = persons + count[i], told + tokens[i]
        if min(persons, told) >= need:
            ends.append(i + 1)
            persons, told, need = 0.0, 0.0, k
    if ends and min(persons, told) < k:
        ends.pop()
    return [*ends, len(count)] if not ends or ends[-1] < len(count) else ends


def curve_index(cells: np.ndarray) -> np.ndarray:
    """Return int64[n], the place on the curve of int64[n, 2] columns and rows."""
    x, y = (np.asarray(cells, np.int64) & _MASK).reshape(-1, 2).T.copy()
    found = np.zeros(len(x), np.int64)
    for level in range(_ORDER - 1, -1, -1):
        right, up = (x >> level) & 1, (y >> level) & 1
        found = (found << 2) | ((3 * right) ^ up)
        x, y = _turned(x, y, right, up, _MASK)
    return found


def curve_cells(index: np.ndarray, near: tuple[int, int]) -> np.ndarray:
    """Return int64[n, 2], the columns and rows of places on the curve, around ``near``.

    The curve forgets which multiple of its side a cell is in.
    """
    index = np.asarray(index) % END
    x = np.zeros(len(index), np.int64)
    y = x.copy()
    for level in range(_ORDER):
        part = (index >> (2 * level)) & 3
        right = part >> 1
        up = (part ^ right) & 1
        x, y = _turned(x, y, right, up, (1 << level) - 1)
        x, y = x + (right << level), y + (up << level)
    return np.column_stack([x, y]) + (np.array(near) >> _ORDER << _ORDER)


def _turned(
    x: np.ndarray, y: np.ndarray, right: np.ndarray, up: np.ndarray, last: int
) -> tuple[np.ndarray, np.ndarray]:
    """Turn the quadrants in which the curve runs another way."""
    flip = (up == 0) & (right == 1)
    x, y = np.where(flip, last - x, x), np.where(flip, last - y, y)
    return np.where(up == 0, y, x), np.where(up == 0, x, y)


def _round_cut(low: int, high: int) -> int:
    """Return the multiple of the largest power of four above ``low`` and up to ``high``."""
    step = 0
    while (high >> (step + 2)) << (step + 2) > low:
        step += 2
    return (high >> step) << step
