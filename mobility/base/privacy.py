"""Small counts are withheld and homes of few workers are grouped, in every output.

The tables, the report and the map page all use the rules of this module, and `POOL_PARTS`
says once how a labour pool splits: what one withholds, no other shows. Two rules decide which
counts are shown, a third where two situations stand side by side.

*Primary suppression*: a count above zero and below the threshold is withheld. Zero is shown:
it names nobody, and "no worker of this cell is reached" is what the study is about.

*Complementary suppression*: where a total is published beside its parts, withheld parts can
be worked out by subtraction. So wherever parts are withheld under a published total, at least
two are, and what they add up to is no less than the threshold; the smallest shown parts are
withheld until that holds. The parts are given up rather than the total: totals by site and by
territory are what decisions rest on, and each lost part costs one cell of the table only.

*Differences*: of a plan's counts beside those of the present, one whose change is a small
count is withheld, as the difference of both would tell it (`is_small_change`); and so is one
withheld in the present, which those gained would tell (`change_told`). Those gained and lost
are shown then, unless they are few or tell another count (`change_withheld`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

DEFAULT_THRESHOLD = 5
_MAX_LEVEL = 12

#: A labour pool by what holds: its counts, and each of them that is the sum of others. The
#: first level tells who can go and come back; each finer one splits the rest, so that a small
#: count costs no figure above its own level.
POOL_COUNTS = (
    "pool", "reachable", "white", "one_way_only", "neither", "outbound_only", "return_only",
)  # fmt: skip
#: The last is the finest split, whose withheld parts may not add up to a small count either.
POOL_PARTS = (
    ("pool", ("reachable", "white")),
    ("white", ("one_way_only", "neither")),
    ("one_way_only", ("outbound_only", "return_only")),
    ("pool", ("reachable", "neither", "outbound_only", "return_only")),
)


def is_small(counts: np.ndarray, threshold: float = DEFAULT_THRESHOLD) -> np.ndarray:
    """Return where a count is above 0 and below ``threshold`` (bool, same shape)."""
    counts = np.asarray(counts, dtype=np.float64)
    return np.asarray((counts > 0) & (counts < threshold))


def round_counts(counts: np.ndarray, step: float = 1.0) -> np.ndarray:
    """Return counts rounded to a multiple of ``step``, halves away from zero; NaN stays."""
    counts = np.asarray(counts, dtype=np.float64)
    return np.asarray(np.sign(counts) * np.floor(np.abs(counts) / step + 0.5) * step)


def is_small_change(
    counts: np.ndarray, earlier: np.ndarray, threshold: float = DEFAULT_THRESHOLD
) -> np.ndarray:
    """Return where counts differ from earlier ones by a small count (bool, same shape)."""
    return is_small(np.round(np.abs(np.asarray(counts) - earlier), 6), threshold)


def change_withheld(
    gained: np.ndarray,
    lost: np.ndarray,
    *,
    before: np.ndarray,
    after: np.ndarray,
    rest: np.ndarray,
    threshold: float = DEFAULT_THRESHOLD,
) -> np.ndarray:
    """Return where those gained and those lost by a plan are withheld, bool[..., 2].

    A zero is withheld too where it would tell that nothing has changed.

    Parameters
    ----------
    gained, lost
        Workers; either follows from the other where both situations are shown.
    before, after
        Whether what holds in the present, and with the plan, is withheld, bool.
    rest
        What the plan leaves of the pool: where nothing, all of it holds, shown or not.
    """
    told = (after & ~before) | (before & (rest == 0))
    few = is_small(gained, threshold) | is_small(lost, threshold)
    return np.stack([told | (few & (np.asarray(changed) > 0)) for changed in (gained, lost)], -1)


def change_told(
    counts: np.ndarray,
    earlier: np.ndarray,
    withheld: np.ndarray,
    *,
    threshold: float = DEFAULT_THRESHOLD,
) -> np.ndarray:
    """Return which counts of a plan are withheld because of the present's (bool, same shape).

    Parameters
    ----------
    counts, earlier
        Counts with the plan and in the present.
    withheld
        Counts withheld in the present, bool, same shape.
    """
    return np.asarray(withheld | is_small_change(counts, earlier, threshold))


def pool_counts(status: np.ndarray) -> np.ndarray:
    """Return `POOL_COUNTS` (last axis) of workers served, outbound only, return only, neither."""
    status = np.asarray(status, dtype=np.float64)
    served, out, back, none = np.moveaxis(status, -1, 0)
    one_way = out + back
    return np.stack(
        [served + one_way + none, served, one_way + none, one_way, none, out, back], axis=-1
    )


def pool_withheld(
    counts: np.ndarray, *, threshold: float = DEFAULT_THRESHOLD, also: np.ndarray | None = None
) -> np.ndarray:
    """Return which counts of labour pools are withheld, each pool for itself.

    Parameters
    ----------
    counts
        `POOL_COUNTS` along the last axis, float64[..., n].
    also
        Counts withheld for another reason, bool, same shape.

    Returns
    -------
    ndarray
        bool, same shape.
    """
    hidden = is_small(counts, threshold)
    if also is not None:
        hidden |= also
    return _pools_protected(np.asarray(counts, np.float64), hidden, threshold)


def areas_withheld(
    counts: np.ndarray,
    whole: np.ndarray,
    *,
    threshold: float = DEFAULT_THRESHOLD,
    also: np.ndarray | None = None,
) -> np.ndarray:
    """Return which counts of areas are withheld, their sum being published (bool).

    The sum shows what `pool_withheld` shows of it. So an area's count is given up only where
    another area has one too, or the sum itself is withheld; where that does not suffice, all
    areas are withheld. An area's pool is that of other rows too: it is shown in all or in none.

    Parameters
    ----------
    counts
        `POOL_COUNTS` of each area, float64[areas, n].
    whole
        What is withheld of their sum, bool[n].
    also
        Counts withheld for another reason, bool, same shape as ``counts``.
    """
    counts = np.asarray(counts, np.float64)
    if len(counts) == 1:
        return whole[None].copy()
    column = np.vstack([counts, counts.sum(axis=0)]).T
    below = np.append(np.ones(len(counts), bool), False)
    hidden = is_small(counts, threshold)
    if also is not None:
        hidden |= also
    pools = _protected(column[0], np.append(hidden[:, 0], whole[0]), threshold, below)[:-1]
    hidden[:, 0] = pools
    usable = ((counts > 0).sum(axis=0) >= 2) | whole
    usable[0] = False
    while True:
        before = int(hidden.sum())
        hidden = _pools_protected(counts, hidden, threshold, usable)
        told = np.vstack([hidden, whole]).T
        hidden = _protected(column, told, threshold, below)[:, :-1].T.copy()
        if int(hidden.sum()) == before:
            break
    rows = [_weak(counts[:, b], hidden[:, b], threshold).any() for b in _POOL_BLOCKS]
    if any(rows) or _weak(column, np.vstack([hidden, whole]).T, threshold).any():
        hidden[:, 1:] = True
    return hidden


def _pools_protected(
    counts: np.ndarray, hidden: np.ndarray, threshold: float, usable: np.ndarray | None = None
) -> np.ndarray:
    while hidden.any():
        before = int(hidden.sum())
        for block in _POOL_BLOCKS:
            hidden[..., block] = _protected(
                counts[..., block],
                hidden[..., block],
                threshold,
                None if usable is None else usable[block],
            )
        if int(hidden.sum()) == before:
            break
    return hidden


def suppress_counts(
    frame: pd.DataFrame,
    columns: Sequence[str],
    *,
    threshold: float = DEFAULT_THRESHOLD,
    parts: Mapping[str, Sequence[str]] | Sequence[tuple[str, Sequence[str]]] = (),
    within: Sequence[str] | None = None,
    step: float | None = 1.0,
    also: np.ndarray | None = None,
) -> pd.DataFrame:
    """Withhold the small counts of a table.

    Parameters
    ----------
    frame
        One row per thing counted.
    columns
        Columns holding counts (persons).
    threshold
        Counts above 0 and below it are withheld.
    parts
        Published total → columns that add up to it, row by row. A total that is a column too
        and withheld takes one of its shown parts with it. Pairs, where a total splits twice.
    within
        Columns by which totals down the rows are published elsewhere (``[]``: one total of
        the whole table; ``None``: none). Each count column is then also protected downwards.
    step
        Shown counts are rounded to a multiple of it; ``None`` leaves them.
    also
        Counts withheld for another reason, bool[rows, columns].

    Returns
    -------
    DataFrame
        A copy whose count columns are ``Float64``, withheld counts ``<NA>``.
    """
    columns = list(columns)
    counts = frame[columns].to_numpy(dtype=np.float64, na_value=np.nan)
    hidden = is_small(counts, threshold) | np.isnan(counts)
    if also is not None:
        hidden |= also
    groups = _row_groups(frame, within)
    blocks = _blocks(columns, parts.items() if isinstance(parts, Mapping) else parts)
    while True:
        before = int(hidden.sum())
        for block in blocks:
            hidden[:, block] = _protected(counts[:, block], hidden[:, block], threshold)
        for rows in groups:
            hidden[rows] = _protected(counts[rows].T, hidden[rows].T, threshold).T
        if int(hidden.sum()) == before:
            break
    out = frame.copy()
    shown = counts if step is None else round_counts(counts, step)
    for j, column in enumerate(columns):
        out[column] = pd.array(np.where(hidden[:, j], np.nan, shown[:, j]), dtype="Float64")
    return out


def _row_groups(frame: pd.DataFrame, within: Sequence[str] | None) -> list[np.ndarray]:
    if within is None or frame.empty:
        return []
    if not within:
        return [np.arange(len(frame))]
    codes = frame.groupby(list(within), sort=True, dropna=False).ngroup().to_numpy()
    return [np.flatnonzero(codes == k) for k in range(int(codes.max()) + 1)]


def _blocks(columns: Sequence[str], parts: Iterable[tuple[str, Sequence[str]]]) -> list[list[int]]:
    """Return the columns bound by each sum: the parts, then their total where it is one."""
    return [
        [columns.index(name) for name in (*of, total) if name in columns] for total, of in parts
    ]


_POOL_BLOCKS = _blocks(POOL_COUNTS, POOL_PARTS)


def _weak(counts: np.ndarray, hidden: np.ndarray, threshold: float) -> np.ndarray:
    """Return the lines whose withheld counts follow by subtraction from those shown."""
    mask = hidden & (counts != 0)
    withheld = np.where(mask, counts, 0).sum(axis=-1)
    few = mask.any(axis=-1) & ((mask.sum(axis=-1) < 2) | (withheld < threshold))
    return np.asarray(few & ~np.isnan(withheld) & (~hidden & (counts > 0)).any(axis=-1))


def _protected(
    counts: np.ndarray, hidden: np.ndarray, threshold: float, usable: np.ndarray | None = None
) -> np.ndarray:
    """Return what is withheld once nothing follows by subtraction along the last axis.

    Only ``usable`` places of a line (bool[n]) are given up for others.
    """
    hidden = hidden.copy()
    while True:
        shown = np.where(~hidden & (counts > 0), counts, np.inf)
        if usable is not None:
            shown = np.where(usable, shown, np.inf)
        weak = _weak(counts, hidden, threshold)
        weak &= np.isfinite(shown.min(axis=-1, initial=np.inf))
        if not weak.any():
            return hidden
        smallest = shown.argmin(axis=-1)[..., None] == np.arange(counts.shape[-1])
        hidden |= smallest & weak[..., None]


def suppress_shares(
    part: np.ndarray,
    total: np.ndarray,
    *,
    threshold: float = DEFAULT_THRESHOLD,
    decimals: int = 2,
) -> np.ndarray:
    """Return ``part / total`` (float64), NaN where it would give away a small count.

    A share is withheld where the total, the part or the rest is a small count, for any of
    them follows from the share and the other; and where the total is 0.
    """
    part, total = np.asarray(part, dtype=np.float64), np.asarray(total, dtype=np.float64)
    small = is_small(total, threshold) | is_small(part, threshold)
    small |= is_small(np.round(total - part, 6), threshold) | ~(total > 0)
    share = np.divide(
        part, total, out=np.full(np.broadcast(part, total).shape, np.nan), where=~small
    )
    return np.asarray(np.round(share, decimals))


def display_cells(
    xy: np.ndarray,
    workers: np.ndarray,
    *,
    cell_m: float,
    threshold: float = DEFAULT_THRESHOLD,
) -> tuple[np.ndarray, np.ndarray]:
    """Group homes into squares that each hold ``threshold`` workers, to be drawn or listed.

    Squares of ``cell_m`` holding enough are shown as they are. The homes left over are
    grouped with the other left-over homes of the same square of twice the side, and so on.
    Every home is in one group at most, so nothing follows by subtraction.

    Parameters
    ----------
    xy
        float64[n, 2], projected metres.
    workers
        float64[n], persons.
    cell_m
        Side of the smallest square.
    threshold
        Least number of workers of a square.

    Returns
    -------
    tuple of ndarray
        int64[n] index of each home's square, -1 where even the largest holds too few; and
        float64[k, 3] west, south and side of each square, metres. A square covers smaller
        ones shown apart; draw the large ones first.
    """
    xy, workers = np.asarray(xy, dtype=np.float64), np.asarray(workers, dtype=np.float64)
    cells = np.floor(xy / cell_m).astype(np.int64)
    group = np.full(len(xy), -1, dtype=np.int64)
    squares: list[np.ndarray] = []
    for level in range(_MAX_LEVEL + 1):
        left = np.flatnonzero(group < 0)
        if not len(left):
            break
        keys, inverse = np.unique(cells[left] >> level, axis=0, return_inverse=True)
        inverse = inverse.ravel()
        enough = np.bincount(inverse, weights=workers[left], minlength=len(keys)) >= threshold
        number = len(squares) + np.cumsum(enough) - 1
        group[left] = np.where(enough[inverse], number[inverse], -1)
        side = cell_m * 2**level
        squares += [np.array([x * side, y * side, side]) for x, y in keys[enough]]
    return group, np.array(squares, dtype=np.float64).reshape(-1, 3)
