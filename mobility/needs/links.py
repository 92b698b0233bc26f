"""The shortest set of new links after which every gate is near a stop.

Points are gates and stops with the seconds between them on the streets; a link joins two of them in
a straight line. Few links are searched through whole; many by a greedy choice, beside a length that
no set can undercut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from mobility.base.arrays import Float

#: Up to so many links every set is looked at, shorter ones first where it matters.
_EXACT = 12
#: Stands for no way at all in a sum of seconds: so long that any link helps, and finite, so that
#: of two sums the one with fewer such gates is the smaller.
_NO_WAY_S = 1e6
#: How much farther each gate is from a stop than it may be, seconds, by a table of all ways.
_Over = Callable[..., Float]


@dataclass(frozen=True)
class Link:
    """A new way between two points: metres, and seconds along it."""

    one: int
    two: int
    metres: float
    seconds: float


@dataclass(frozen=True)
class LinkSet:
    """A choice of links.

    Attributes
    ----------
    chosen
        Places in the list of links, ascending.
    metres
        Their length.
    bound
        No set does it with less; equal to ``metres`` where every set was looked at. NaN where no
        set brings any gate near that is not.
    beyond
        Gates that no set brings near.
    """

    chosen: tuple[int, ...]
    metres: float
    bound: float
    beyond: int = 0


def with_link(seconds: Float, link: Link) -> Float:
    """Return the shortest seconds between points once a link is there too.

    The table must be closed: no way through a third point is shorter.
    """
    a, b, w = link.one, link.two, link.seconds
    through = np.minimum(
        seconds[:, a][:, None] + w + seconds[b][None], seconds[:, b][:, None] + w + seconds[a][None]
    )
    return np.asarray(np.minimum(seconds, through))


def closed(seconds: Float) -> Float:
    """Return a table in which no way through a third point is shorter."""
    found = np.minimum(seconds, seconds.T).astype(np.float64)
    np.fill_diagonal(found, 0.0)
    for k in range(len(found)):
        found = np.minimum(found, found[:, k][:, None] + found[k][None])
    return found


def nearest_s(seconds: Float, gates: Sequence[int], stops: Sequence[int]) -> Float:
    """Return the seconds between each gate and its nearest stop, inf where there is none."""
    if not len(stops):
        return np.full(len(gates), np.inf)
    return np.asarray(seconds[np.ix_(gates, stops)].min(axis=1))


def shortest_links(
    seconds: Float,
    gates: Sequence[int],
    stops: Sequence[int],
    links: Sequence[Link],
    limit_s: float,
) -> LinkSet:
    """Return the shortest set of links after which each gate that can be is near a stop.

    Parameters
    ----------
    seconds
        Between all points, closed.
    """

    def over_s(table: Float, most_s: float = np.inf) -> Float:
        """Return how much farther each gate is from a stop than it may be, of so much at most."""
        away_s = np.minimum(nearest_s(table, able, stops), most_s)
        return np.asarray(np.maximum(away_s - limit_s, 0))

    near = nearest_s(_with(seconds, links), gates, stops) <= limit_s
    able = [g for g, ok in zip(gates, near, strict=True) if ok]
    beyond = len(gates) - len(able)
    if not over_s(seconds).any():
        return LinkSet((), 0.0, np.nan if beyond else 0.0, beyond)
    chosen = (_exact if len(links) <= _EXACT else _greedy)(seconds, links, over_s)
    metres = sum(links[k].metres for k in chosen)
    bound = metres if len(links) <= _EXACT else _bound(seconds, links, over_s)
    return LinkSet(chosen, metres, bound, beyond)


def _with(seconds: Float, links: Iterable[Link]) -> Float:
    for link in links:
        seconds = with_link(seconds, link)
    return seconds


def _exact(seconds: Float, links: Sequence[Link], over_s: _Over) -> tuple[int, ...]:
    """Return the shortest set, looking at all of them from the shortest on."""
    sets = [s for n in range(1, len(links) + 1) for s in combinations(range(len(links)), n)]
    sets.sort(key=lambda s: (round(sum(links[k].metres for k in s), 6), s))
    return next(s for s in sets if not over_s(_with(seconds, (links[k] for k in s))).any())


def _greedy(seconds: Float, links: Sequence[Link], over_s: _Over) -> tuple[int, ...]:
    """Return a set found link by link: most seconds over the limit taken off a metre."""
    chosen: list[int] = []
    table = seconds

    def lacking_s(table: Float) -> float:
        return float(over_s(table, _NO_WAY_S).sum())

    while lacking_s(table) > 0:
        left = [k for k in range(len(links)) if k not in chosen]
        gains = [(lacking_s(table) - lacking_s(with_link(table, links[k]))) for k in left]
        rates = [g / max(links[k].metres, 1.0) for g, k in zip(gains, left, strict=True)]
        best = left[int(np.argmax(rates))]
        if max(rates) <= 0:  # only several links together help: the shortest comes first
            best = min(left, key=lambda k: links[k].metres)
        chosen.append(best)
        table = with_link(table, links[best])
    # A link taken early may be needless beside later ones; the longest goes first.
    for k in sorted(chosen, key=lambda k: -links[k].metres):
        if not over_s(_with(seconds, (links[j] for j in chosen if j != k))).any():
            chosen.remove(k)
    return tuple(sorted(chosen))


def _bound(seconds: Float, links: Sequence[Link], over_s: _Over) -> float:
    """Return a length that no set undercuts.

    Along a way with links, taking the streets instead of each link is a way too: what the links of
    a set save, added up, is at least what the gate that lacks most is over the limit. The least
    length for so much is that of a knapsack that may cut its last piece.
    """
    most_s = over_s(seconds).max(initial=0.0)
    saved = np.array([seconds[x.one, x.two] - x.seconds for x in links])
    metres = np.array([x.metres for x in links])
    if not np.isfinite(most_s) or not np.isfinite(saved).all():
        return float(metres.min(initial=0.0)) if most_s > 0 else 0.0
    order = np.argsort(-saved / np.maximum(metres, 1e-9))
    before = np.append(0.0, np.cumsum(saved[order])[:-1])
    part = np.clip((most_s - before) / np.maximum(saved[order], 1e-9), 0.0, 1.0)
    return float(part @ metres[order])
