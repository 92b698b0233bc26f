"""Which of some areas places lie in: by squares, and by polygon where a border crosses one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely

#: Coordinates of OpenStreetMap a degree.
UNIT = 1e7
#: Side of a square, in units of a coordinate: 0.01 degrees.
CELL = 100_000


class AreaIndex:
    """Which of some areas a place lies in: by squares, and by the polygon where one crosses."""

    def __init__(self, areas: Sequence[shapely.Geometry]) -> None:
        self.shapes = [shapely.transform(area, lambda xy: np.round(xy * UNIT)) for area in areas]
        shapely.prepare(self.shapes)
        squares: list[np.ndarray] = []
        for k, shape in enumerate(self.shapes):
            west, south, east, north = np.floor(shapely.bounds(shape) / CELL).astype(int)
            i, j = (axis.ravel() for axis in np.meshgrid(np.arange(west, east + 1),
                                                         np.arange(south, north + 1)))  # fmt: skip
            x, y = i * CELL, j * CELL
            boxes = shapely.box(x, y, x + CELL, y + CELL)
            touching = shapely.intersects(shape, boxes)
            whole = shapely.covers(shape, boxes)
            columns = (_square(x, y), np.full(len(x), k), whole)
            squares.append(np.column_stack(columns)[touching])
        rows = np.concatenate(squares)
        #: Square, area, and whether the area holds the whole of it; by square.
        self.square, self.area, self.whole = rows[np.argsort(rows[:, 0], kind="stable")].T

    def touched(
        self, owner: np.ndarray, x: np.ndarray, y: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return pairs of an owner of places and an area that one of them lies in, in order.

        Parameters
        ----------
        owner
            Of each place, the number of what it belongs to.
        x, y
            Longitude and latitude, degrees times `UNIT`; one that is missing lies in no area.
        """
        squares = _square(x, y)
        first, end = (np.searchsorted(self.square, squares, side) for side in ("left", "right"))
        count = end - first
        place = np.repeat(np.arange(len(x)), count)
        row = np.arange(len(place)) + np.repeat(first - np.cumsum(count) + count, count)
        area, inside = self.area[row], self.whole[row] > 0
        asked = np.flatnonzero(~inside)
        for k in np.unique(area[asked]):
            some = asked[area[asked] == k]
            inside[some] = shapely.intersects_xy(self.shapes[k], x[place[some]], y[place[some]])
        pairs = np.unique(owner[place[inside]] * len(self.shapes) + area[inside])
        return pairs // len(self.shapes), pairs % len(self.shapes)


def _square(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the number of the square a place lies in."""
    number: np.ndarray = x.astype(np.int64) // CELL * 2**32 + y // CELL
    return number
