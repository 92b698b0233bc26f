"""What a search tried, kept: the levers by which someone turns, with what they change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from mobility.base.arrays import Int32
from mobility.base.cache import Bundle, cached
from mobility.remedies.model import EdgeEffect, Effects

if TYPE_CHECKING:
    from mobility.remedies.candidates import SearchOptions
    from mobility.remedies.search import Workbench

#: Places of levers among those tried, and what each changes.
Turning = list[tuple[int, Effects]]
_NOBODY = np.zeros(0, np.int32)


def found_again(
    bench: Workbench, options: SearchOptions, tried: int, search: Callable[[], Turning]
) -> Turning:
    """Return what ``search`` finds, from the cache where that is known.

    Parameters
    ----------
    tried
        Number of levers.
    """
    plain = all(window.is_plain for window in bench.windows)
    if not bench.content or not plain:
        return search()
    asked = [
        (np.array(w.study.sites[w.site].gates, np.float64), w.day.kind, w.mode, *map(int, w.bounds))
        for w in bench.windows
    ]
    returning = [w.edge.returning for w in bench.windows]
    key = [bench.content, "levers", bench.study.workers, repr(options), tried, returning, asked]
    return _unpacked(cached("results", key, lambda: _packed(search())))


def _packed(found: Turning) -> Bundle:
    effects = [effect for _, one in found for effect in one.values()]
    sides = [side for effect in effects for side in (effect.gained, effect.lost)]
    return {
        "lever": np.array([lever for lever, _ in found], np.int64),
        "windows": np.array([len(one) for _, one in found], np.int64),
        "window": np.array([effect.window for effect in effects], np.int64),
        "saved_s": np.array([effect.saved_s for effect in effects], np.float64),
        "size": np.array([side.size for side in sides], np.int64),
        "home": np.concatenate([_NOBODY, *sides]).astype(np.int32, copy=False),
    }


def _unpacked(bundle: Bundle) -> Turning:
    array = {name: np.asarray(column) for name, column in bundle.items()}
    ends = np.cumsum(np.concatenate([[0], array["size"]])).tolist()
    sides = [_some(array["home"], *span) for span in pairwise(ends)]
    windows, saved_s = array["window"].tolist(), array["saved_s"].tolist()
    rows = zip(windows, sides[::2], sides[1::2], saved_s, strict=True)
    effects = [EdgeEffect(*row, _NOBODY, _NOBODY) for row in rows]
    parts = np.cumsum(np.concatenate([[0], array["windows"]])).tolist()
    each: Sequence[Effects] = [
        {effect.window: effect for effect in effects[low:high]} for low, high in pairwise(parts)
    ]
    return list(zip(array["lever"].tolist(), each, strict=True))


def _some(homes: Int32, low: int, high: int) -> Int32:
    return homes[low:high] if high > low else _NOBODY
