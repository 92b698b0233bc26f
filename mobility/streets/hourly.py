"""Arcs of streets at some hour, chosen among those of all hours.

Hours open and close few streets, gates and turns. What may be open at one hour or another is
listed once, every turn that may be barred with a copy of its junction and an arc of its own; the
arcs of an hour are some of these. So are the components of its streets joined of those of what
is open at all hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from threading import RLock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mobility.streets.arcs import (
    Arcs,
    Times,
    TurnTimes,
    arcs,
    barred_of,
    by_number,
    in_three,
    local_of,
    sequences_of,
    with_turns,
)
from mobility.streets.graph import Streets
from mobility.streets.hours import pieces_by_hour
from mobility.streets.turns import turns_by_hour

Int = NDArray[np.integer]

#: Arcs of all hours, and components of what stays open, that were last asked for.
_LATEST: list[EveryHour] = []
_LASTING: list[_Lasting] = []
MOST_LATEST = 10
_LOCK = RLock()
# Times that differ in more than this share of their arcs have nothing in common.
_MOST_APART = 0.02


@dataclass(frozen=True, eq=False)
class EveryHour:
    """Arcs that are open at some hour.

    Attributes
    ----------
    of
        The ends of the pieces they are arcs of.
    local
        See `mobility.streets.arcs.TurnTimes`; the same at all hours.
    open_ways
        bool (2, m): pieces whose arcs are there, from u to v and from v to u.
    barred
        Turns barred at some hour, as `_keys`.
    tail, ptr, head, edge, forward, place, among, again
        See `mobility.streets.arcs.Arcs`.
    turning, turn
        The arcs that are there only where a turn is not barred, and the turn of each.
    """

    of: np.ndarray
    local: np.ndarray | None
    open_ways: np.ndarray
    barred: np.ndarray
    tail: np.ndarray
    ptr: np.ndarray
    head: np.ndarray
    edge: np.ndarray
    forward: np.ndarray
    place: np.ndarray
    among: np.ndarray | None
    again: int
    turning: np.ndarray
    turn: np.ndarray

    def is_alike(self, times: Times) -> bool:
        """Whether some times close the same pieces to through traffic."""
        local = local_of(times)
        if local is None or self.local is None:
            return local is self.local
        return bool(np.array_equal(local, self.local))

    def n_missing(self, times: Times) -> int:
        """Return how many arcs, or turns, of times that are alike are not there."""
        pairs = zip(times, self.open_ways, strict=True)
        closed = sum(int((np.isfinite(seconds) & ~way).sum()) for seconds, way in pairs)
        known = np.isin(_keys(barred_of(times), len(self.of)), self.barred)
        return closed + int((~known).sum())

    @cached_property
    def _by_piece(self) -> tuple[Int, Int]:
        """Arcs but ``turning`` in the order of pieces and ways, and pointers, (2m + 1,)."""
        code = (1 - self.forward) * len(self.of) + self.edge
        code[self.turning] = 2 * len(self.of)
        counts = np.bincount(code, minlength=2 * len(self.of) + 1)
        return by_number(code, len(counts)), np.append(0, np.cumsum(counts))

    def along(self, ways: np.ndarray) -> np.ndarray:
        """Return the arcs but ``turning`` along some pieces, bool (2, m), as ``open_ways``."""
        order, ptr = self._by_piece
        parts = [order[ptr[k] : ptr[k + 1]] for k in np.flatnonzero(ways).tolist()]
        return np.concatenate([order[:0], *parts])

    def seconds(self, times: Times) -> np.ndarray:
        """Return the seconds of each arc, float64; infinite where some times bar it."""
        uv, vu = times
        found = np.where(self.forward, uv[self.edge], vu[self.edge]).astype(np.float64)
        barred = np.isin(self.turn, _keys(barred_of(times), len(self.of)))
        found[self.turning[barred]] = np.inf
        return np.asarray(found)


class _Lasting(NamedTuple):
    """What is open at all of some hours.

    Attributes
    ----------
    arcs
        Of these.
    ways
        bool (2, m): pieces open from u to v and from v to u; turns barred at some hour are shut.
    label
        The component of each node.
    of_piece
        That of each piece, -1 where it leads from one to another.
    between
        Arcs that do so.
    """

    arcs: EveryHour
    ways: np.ndarray
    label: np.ndarray
    of_piece: np.ndarray
    between: np.ndarray


def forget_arcs() -> None:
    """Free the arcs of all hours, listed again when an hour is next asked for."""
    with _LOCK:
        _LATEST.clear()
        _LASTING.clear()


def _keys(turns: np.ndarray, n_edges: int) -> np.ndarray:
    return np.asarray(turns[:, 0] * (2 * n_edges) + turns[:, 1])


def can_choose(streets: Streets, times: Times) -> bool:
    """Whether streets are those of some hour, and no sequences of arcs are barred.

    What may follow a sequence begun depends on the turns that are barred.
    """
    return streets.at is not None and not sequences_of(times)


def every_hour(streets: Streets, times: Times, *, with_times: Times | None = None) -> EveryHour:
    """Return arcs among which those of some times are, found once for the hours alike.

    ``with_times`` are other times, alike, whose arcs are to be there too.
    """
    asked = [times] if with_times is None else [times, with_times]
    with _LOCK:
        return _known(streets, asked)


def is_known(every: EveryHour) -> bool:
    """Whether arcs are still among those that `every_hour` may return."""
    return any(one is every for one in _LATEST)


def _known(streets: Streets, asked: list[Times]) -> EveryHour:
    grown: EveryHour | None = None
    for number, known in enumerate(_LATEST):
        if known.of is streets.edge_u and known.is_alike(asked[0]):
            n_missing = sum(map(known.n_missing, asked))
            if not n_missing:
                return known
            if n_missing <= _MOST_APART * len(known.tail):
                grown = _LATEST.pop(number)
                _LASTING[:] = [one for one in _LASTING if one.arcs is not grown]
                break
    found = _every_hour(streets, asked, grown)
    _LATEST.insert(0, found)
    del _LATEST[MOST_LATEST:]
    return found


def _every_hour(streets: Streets, asked: list[Times], grown: EveryHour | None) -> EveryHour:
    """Return the arcs of some times and of those that were known before."""
    open_ways = np.zeros((2, streets.n_edges), dtype=bool)
    for times in asked:
        open_ways |= np.isfinite(times)
    open_ways[:, pieces_by_hour(streets)] = True
    turns = [turns_by_hour(streets), *map(barred_of, asked)]
    if grown is not None:
        open_ways |= grown.open_ways
        turns.append(np.column_stack(np.divmod(grown.barred, 2 * streets.n_edges)))
    barred = np.unique(np.concatenate(turns), axis=0)
    uv, vu = np.where(open_ways, 0.0, np.inf)
    flat = with_turns(streets, TurnTimes(uv, vu, barred))
    plain = int(open_ways.sum())
    at = np.full(2 * streets.n_edges, -1, dtype=np.int64)
    at[2 * flat.edge[:plain].astype(np.int64) + ~flat.forward[:plain]] = np.arange(plain)
    into, out = at[barred].T
    row = np.flatnonzero((into >= 0) & (out >= 0))
    into, out = into[row], out[row]
    # In the place of seconds, which depend on the hour, stands the turn of an arc.
    flat = flat._replace(
        tail=np.concatenate([flat.tail, flat.head[into]]),
        head=np.concatenate([flat.head, flat.head[out]]),
        time=np.concatenate([np.full(len(flat.tail), -1.0), row]),
        edge=np.concatenate([flat.edge, flat.edge[out]]),
        forward=np.concatenate([flat.forward, flat.forward[out]]),
    )
    found = in_three(flat, local_of(asked[0]))
    keys = _keys(barred, streets.n_edges)
    order = by_number(found.tail, len(found.place))
    tail, turn = found.tail[order], found.time[order].astype(np.int64)
    turning = np.flatnonzero(turn >= 0)
    return EveryHour(
        of=streets.edge_u,
        local=local_of(asked[0]),
        open_ways=open_ways,
        barred=keys,
        tail=tail,
        ptr=np.searchsorted(tail, np.arange(len(found.place) + 1)),
        head=found.head[order],
        edge=found.edge[order],
        forward=found.forward[order],
        place=found.place,
        among=found.among,
        again=found.again,
        turning=turning,
        turn=keys[turn[turning]],
    )


def arcs_at(streets: Streets, times: Times) -> Arcs:
    """Return `mobility.streets.arcs.arcs`, for streets at some hour in less time.

    There may be copies of junctions at which no turn is barred, which change no time.
    """
    if not can_choose(streets, times):
        return arcs(streets, times)
    every = every_hour(streets, times)
    return arcs_of(streets, every, every.seconds(times))


def arcs_of(streets: Streets, every: EveryHour, seconds: np.ndarray) -> Arcs:
    """Return the arcs that take finite seconds, see `EveryHour.seconds`."""
    rows = np.isfinite(seconds)
    ptr = np.append(0, np.cumsum(rows))[every.ptr]
    return Arcs(
        ptr, every.head[rows], seconds[rows], every.edge[rows], every.forward[rows],
        every.place, streets.n_nodes, every.among, every.again,
    )  # fmt: skip


def components_at(streets: Streets, times: Times) -> np.ndarray:
    """Return the component of each street piece at some hour, see `snap.components`."""
    every = every_hour(streets, times)
    ways = np.isfinite(times)
    with _LOCK:
        lasting = _lasting(streets, every, ways)
    edge, way = every.edge[every.turning], 1 - every.forward[every.turning]
    barred = np.isin(every.turn, _keys(barred_of(times), streets.n_edges))
    more = [
        lasting.between,
        every.along(ways & ~lasting.ways),
        every.turning[~barred & ways[way, edge]],
    ]
    rows = np.concatenate(more)
    tail, head = lasting.label[every.tail[rows]], lasting.label[every.head[rows]]
    parts, at = np.unique(np.concatenate([tail, head]), return_inverse=True)
    tail, head = np.split(at, 2)
    part = strong(tail, head, len(parts))
    # The components that these arcs join take the number of one of them.
    joined = np.arange(int(lasting.label.max(initial=-1)) + 2, dtype=np.int32)
    joined[-1] = -1
    first = np.zeros(len(parts), dtype=np.int32)
    first[part] = parts
    joined[parts] = first[part]
    found = joined[lasting.of_piece]
    same = part[tail] == part[head]
    found[every.edge[rows[same]]] = first[part[head[same]]]
    return np.asarray(found)


def _lasting(streets: Streets, every: EveryHour, ways: np.ndarray) -> _Lasting:
    """Return what is open at an hour, and at others like it."""
    most = _MOST_APART * len(every.tail)
    stays = ways.copy()
    stays[:, pieces_by_hour(streets)] = False
    for number, known in enumerate(_LASTING):
        if known.arcs is not every or np.count_nonzero(ways & ~known.ways) > most:
            continue
        n_shut = np.count_nonzero(known.ways & ~ways)
        if not n_shut:
            return known
        if n_shut <= most:
            del _LASTING[number]
            stays = known.ways & ways
            break
    is_open = stays[1 - every.forward, every.edge]
    is_open[every.turning] = False
    rows = np.flatnonzero(is_open)
    tail, head = every.tail[rows], every.head[rows]
    label = strong(tail, head, len(every.place))
    same = label[tail] == label[head]
    of_piece = np.full(streets.n_edges, -1, dtype=np.int32)
    of_piece[every.edge[rows[same]]] = label[head[same]]
    _LASTING.insert(0, _Lasting(every, stays, label, of_piece, rows[~same]))
    del _LASTING[MOST_LATEST:]
    return _LASTING[0]


def strong(tail: np.ndarray, head: np.ndarray, n_nodes: int) -> np.ndarray:
    """Return the strongly connected component of each node between which arcs lead, int32."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(head), dtype=np.int8), (tail, head)), shape=(n_nodes, n_nodes))
    _, label = connected_components(graph.tocsr(), directed=True, connection="strong")
    return np.asarray(label)
