"""Small counts are withheld and homes of few workers are grouped, in every output.

Two rules decide which counts are shown.

*Primary suppression*: a count above zero and below the threshold is withheld. Zero is shown:
it names nobody, and "no worker of this cell is reached" is what the study is about.

*Complementary suppression*: where a total is published beside its parts, withheld parts can
be worked out by subtraction. So wherever parts are withheld under a published total, at least
two are, and what they add up to is no less than the threshold; the smallest shown parts are
withheld until that holds. The parts are given up rather than the total: totals by site and by
territory are what decisions rest on, and each lost part costs one cell of the table only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

DEFAULT_THRESHOLD = 5
_MAX_LEVEL = 12


def is_small(counts: np.ndarray, threshold: float = DEFAULT_THRESHOLD) -> np.ndarray:
    """Return where a count is above 0 and below ``threshold`` (bool, same shape)."""
    counts = np.asarray(counts, dtype=np.float64)
    return np.asarray((counts > 0) & (counts < threshold))


def round_counts(counts: np.ndarray, step: float = 1.0) -> np.ndarray:
    """Return counts rounded to a multiple of ``step``, halves away from zero; NaN stays."""
    counts = np.asarray(counts, dtype=np.float64)
    return np.asarray(np.sign(counts) * np.floor(np.abs(counts) / step + 0.5) * step)


def suppress_counts(
    frame: pd.DataFrame,
    columns: Sequence[str],
    *,
    threshold: float = DEFAULT_THRESHOLD,
    parts: Mapping[str, Sequence[str]] | None = None,
    within: Sequence[str] | None = None,
    step: float | None = 1.0,
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
        Published total → columns that add up to it, row by row. Totals that are columns
        too are withheld by the first rule only.
    within
        Columns by which totals down the rows are published elsewhere (``[]``: one total of
        the whole table; ``None``: none). Each count column is then also protected downwards.
    step
        Shown counts are rounded to a multiple of it; ``None`` leaves them.

    Returns
    -------
    DataFrame
        A copy whose count columns are ``Float64``, withheld counts ``<NA>``.
    """
    columns = list(columns)
    counts = frame[columns].to_numpy(dtype=np.float64, na_value=np.nan)
    hidden = is_small(counts, threshold) | np.isnan(counts)
    groups = _row_groups(frame, within)
    blocks = _blocks(columns, parts or {})
    while True:
        before = int(hidden.sum())
        for total, block in blocks:
            for i in range(len(frame)):
                if total is None or not hidden[i, total]:
                    _protect(counts[i], hidden[i], block, threshold)
        for rows in groups:
            for j in range(len(columns)):
                _protect(counts[:, j], hidden[:, j], rows, threshold)
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


def _blocks(
    columns: list[str], parts: Mapping[str, Sequence[str]]
) -> list[tuple[int | None, np.ndarray]]:
    """Return (column of the total, or None when it stands elsewhere; columns of its parts)."""
    return [
        (
            columns.index(total) if total in columns else None,
            np.array([columns.index(p) for p in of], dtype=np.intp),
        )
        for total, of in parts.items()
    ]


def _protect(counts: np.ndarray, hidden: np.ndarray, block: np.ndarray, threshold: float) -> None:
    """Withhold more of ``block`` (in place) until its withheld parts cannot be worked out."""
    while True:
        mask = hidden[block] & ~(counts[block] == 0)
        if not mask.any():
            return
        withheld = counts[block][mask]
        if np.isnan(withheld).any() or (mask.sum() >= 2 and withheld.sum() >= threshold):
            return
        shown = block[~hidden[block] & (counts[block] > 0)]
        if not len(shown):
            return
        hidden[shown[np.argmin(counts[shown])]] = True


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
