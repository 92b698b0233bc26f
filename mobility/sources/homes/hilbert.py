"""Cells along a Hilbert curve: neighbours on it are neighbours on the ground.

Hilbert (1891), "Ueber die stetige Abbildung einer Linie auf ein Flächenstück", Math. Ann. 38.
A stretch of the curve is one piece of ground, and its multiples of ``4^j`` are the borders of
squares of ``2^j`` cells, whatever lies in them.
"""

from __future__ import annotations

import numpy as np

ORDER = 20
END = 1 << (2 * ORDER)
"""Length of the curve."""
_MASK = (1 << ORDER) - 1


def curve_index(cells: np.ndarray) -> np.ndarray:
    """Return int64[n], the place on the curve of int64[n, 2] columns and rows."""
    x, y = (np.asarray(cells, np.int64) & _MASK).reshape(-1, 2).T.copy()
    found = np.zeros(len(x), np.int64)
    for level in range(ORDER - 1, -1, -1):
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
    for level in range(ORDER):
        part = (index >> (2 * level)) & 3
        right = part >> 1
        up = (part ^ right) & 1
        x, y = _turned(x, y, right, up, (1 << level) - 1)
        x, y = x + (right << level), y + (up << level)
    return np.column_stack([x, y]) + (np.array(near) >> ORDER << ORDER)


def _turned(
    x: np.ndarray, y: np.ndarray, right: np.ndarray, up: np.ndarray, last: int
) -> tuple[np.ndarray, np.ndarray]:
    """Turn the quadrants in which the curve runs another way."""
    flip = (up == 0) & (right == 1)
    x, y = np.where(flip, last - x, x), np.where(flip, last - y, y)
    return np.where(up == 0, y, x), np.where(up == 0, x, y)


def round_cut(low: int, high: int) -> int:
    """Return the multiple of the largest power of four above ``low`` and up to ``high``."""
    step = 0
    while (high >> (step + 2)) << (step + 2) > low:
        step += 2
    return (high >> step) << step
