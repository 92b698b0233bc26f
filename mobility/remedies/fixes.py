"""Minutes to fix: the smallest change of the timetable that would connect each white home."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mobility.base.i18n import translate
from mobility.remedies.model import Lever, departures
from mobility.remedies.search import Retiming, Workbench
from mobility.remedies.words import Names


@dataclass(frozen=True, eq=False)
class Fixes:
    """The smallest move of one trip, or of one line, that makes each commute hold.

    Attributes
    ----------
    bench
        What the moves were tried on; ``bench.present.keys`` tells shift and kind of day of
        each row.
    minutes : int16[K, H]
        Minutes of the move; 0 where the commute holds already, -1 where no single move of up
        to 45 min does it.
    move : int32[K, H]
        Row of ``levers``, -1 where there is none.
    levers
        The moves named.
    """

    bench: Workbench
    minutes: NDArray[np.int16]
    move: NDArray[np.int32]
    levers: tuple[Lever, ...]

    @cached_property
    def names(self) -> tuple[dict[str, object], ...]:
        """What names each move, see `words.Names`."""
        return tuple(map(Names(self.bench).of, self.levers))

    def row(self, shift_id: int, day_kind: str) -> int | None:
        """Return the row of a shift on a kind of day, none where it does not work."""
        keys = self.bench.present.keys
        mine = (keys["shift_id"] == shift_id) & (keys["day_kind"] == day_kind)
        found = np.flatnonzero(mine.to_numpy())
        return int(found[0]) if found.size else None

    def aligned(self, keys: pd.DataFrame) -> NDArray[np.int16]:
        """Return the minutes in the order of other keys, e.g. those of the white zones.

        Parameters
        ----------
        keys
            ``shift_id`` and ``day_kind`` of each row wanted.
        """
        rows = [self.row(int(s), str(k)) for s, k in keys[["shift_id", "day_kind"]].to_numpy()]
        none = np.full(self.minutes.shape[1], -1, np.int16)
        return np.array([none if row is None else self.minutes[row] for row in rows], np.int16)

    def text(self, move: int, language: str) -> str:
        """Return a move in words: ``line 3: 05:10 → 04:50 (20 min earlier)``."""
        lever, names = self.levers[move], self.names[move]
        way = "earlier" if lever.shift_s < 0 else "later"
        params = {
            "line": names["line"],
            "present": names["present"],
            "proposed": names["proposed"],
            "minutes": abs(lever.shift_s) // 60,
        }
        template = f"line {{line}}: {{present}} → {{proposed}} ({{minutes}} min {way})"
        if lever.kind == "move_line" and self._count(lever) > 1:
            template = f"line {{line}} from {{present}} on: {{minutes}} min {way}"
        return translate(template, language, **params)

    def _count(self, lever: Lever) -> int:
        return max(len(departures(net, lever)) for net in self.bench.nets.values())

    def to_frame(self, language: str = "fr") -> pd.DataFrame:
        """Return one row per white home that one move connects, shift and kind of day.

        Columns: ``home_id``, ``site``, ``roster``, ``shift``, ``day_kind``, ``minutes``,
        ``line``, ``trips``, ``move``; homes without workers are left out.
        """
        study, keys = self.bench.study, self.bench.present.keys
        key, home = np.nonzero((self.minutes > 0) & (study.workers > 0))
        shifts = [study.shift_rows[self.bench.present.shift_of(int(k))] for k in key]
        moves = self.move[key, home]
        texts = [self.text(m, language) for m in range(len(self.levers))]
        return pd.DataFrame(
            {
                "home_id": study.homes.ids[home],
                "site": [s.site_name for s in shifts],
                "roster": [s.roster for s in shifts],
                "shift": [s.shift for s in shifts],
                "day_kind": keys["day_kind"].to_numpy()[key],
                "minutes": self.minutes[key, home],
                "line": [self.names[m]["line"] for m in moves],
                "trips": [self.names[m]["trips"] for m in moves],
                "move": [texts[m] for m in moves],
            }
        ).drop_duplicates(ignore_index=True)

    def to_layer(self) -> gpd.GeoDataFrame:
        """Return the shape of each home and one column of minutes per shift and kind of day.

        Columns are named ``site | roster | shift | day kind``; 0 where the commute holds,
        missing where no single move makes it hold.
        """
        study, keys = self.bench.study, self.bench.present.keys
        columns: dict[str, object] = {"home_id": study.homes.ids}
        for key, (shift_id, kind) in enumerate(
            keys[["shift_id", "day_kind"]].itertuples(index=False)
        ):
            shift = study.shift_rows[int(shift_id)]
            name = " | ".join([shift.site_name, shift.roster, shift.shift, str(kind)])
            minutes = pd.Series(self.minutes[key]).astype("Int16")
            columns[name] = minutes.mask(minutes < 0)
        shapes = study.homes.shapes.to_numpy()
        return gpd.GeoDataFrame(columns, geometry=shapes, crs="EPSG:4326")


def fixes_of(found: Retiming) -> Fixes:
    """Return the smallest move found for each commute; of equal ones, the best ranked."""
    bench, served = found.bench, found.bench.present.served
    moves = [outcome for outcome in found.outcomes if outcome.lever.is_move]
    size = np.array([abs(outcome.lever.shift_s) // 60 for outcome in moves], np.int16)
    order = np.argsort(size, kind="stable")
    rank = np.min_scalar_type(order.size)  # There are many commutes: two bytes each do.
    place = np.empty(order.size, rank)
    place[order] = np.arange(order.size)
    best = np.full(served.shape, order.size, rank)
    for lever, key, home in bench.scores.gained([outcome.effects for outcome in moves]):
        np.minimum.at(best, (key, home), place[lever])
    minutes, move = np.full(served.shape, -1, np.int16), np.full(served.shape, -1, np.int32)
    fixed = best < order.size
    chosen = order[best[fixed]]
    minutes[fixed], minutes[served] = size[chosen], 0
    named, move[fixed] = np.unique(chosen, return_inverse=True)
    return Fixes(bench, minutes, move, tuple(moves[k].lever for k in named.tolist()))
