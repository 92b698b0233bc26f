"""Streets as directed arcs, with barred turns built into the nodes.

A node-based search cannot bar a turn. So an arc into a junction from which some turn is
barred ends in a copy of the junction of its own, from which the other arcs leave; all other
arcs meet in the junction itself. One may turn round at any junction unless that turn is barred.
(Node splitting: after Kirby and Potts (1969), The minimum route problem for networks with turn
penalties and prohibitions.)

Where arcs are barred in sequence, as by a restriction that leads over a street, there is a copy
for each way of having begun the sequence, and arcs lead to the longest one begun. (Villeneuve
and Desaulniers (2005), The shortest path problem with forbidden paths; the automaton is that of
Aho and Corasick (1975), Efficient string matching.)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from mobility.base.cache import Bundle, content_hash
from mobility.streets.graph import Streets

#: Seconds of each street piece from u to v and from v to u; infinite where forbidden.
Times = tuple[np.ndarray, np.ndarray]
Sequences = tuple[tuple[int, ...], ...]


class TurnTimes(Times):
    """Times with turns that are barred.

    Attributes
    ----------
    barred
        int64 (t, 2): the arc that leads to a junction, the arc one may not go on by. An arc is
        twice its piece, plus one from v to u.
    sequences
        Three arcs or more that may not be travelled one after the other.
    local
        bool (m,): pieces closed to through traffic, which are used one after the other from
        where one starts, and again to where one ends; None where there are none.
    key, open_key
        Hashes of all this, and of where one may go whatever time it takes, kept by who asks
        first; empty before.
    """

    barred: np.ndarray
    sequences: Sequences
    local: np.ndarray | None
    key: str = ""
    open_key: str = ""

    def __new__(
        cls,
        uv: np.ndarray,
        vu: np.ndarray,
        barred: np.ndarray,
        sequences: Sequences = (),
        local: np.ndarray | None = None,
    ) -> TurnTimes:
        """Join times and turns."""
        times = super().__new__(cls, (uv, vu))
        times.barred = barred
        times.sequences = sequences
        times.local = local
        return times


def barred_of(times: Times) -> np.ndarray:
    """Return the barred turns of some times, int64 (t, 2)."""
    return times.barred if isinstance(times, TurnTimes) else np.zeros((0, 2), dtype=np.int64)


def sequences_of(times: Times) -> Sequences:
    """Return the sequences of arcs that some times bar."""
    return times.sequences if isinstance(times, TurnTimes) else ()


def local_of(times: Times) -> np.ndarray | None:
    """Return the pieces that some times close to through traffic."""
    return times.local if isinstance(times, TurnTimes) else None


def times_key(*times: Times) -> list[object]:
    """Return a hash of all that each of some times says, as a key of the cache."""
    return [_content(one) for one in times]


def _content(times: Times) -> object:
    if isinstance(times, TurnTimes) and times.key:
        return times.key
    found = content_hash([*times, barred_of(times), sequences_of(times), local_of(times)])
    if isinstance(times, TurnTimes):
        times.key = found
    return found


def open_key(times: Times) -> str:
    """Return a hash of where some times let one go, whatever time it takes."""
    if isinstance(times, TurnTimes) and times.open_key:
        return times.open_key
    open_ways = [np.packbits(np.isfinite(seconds)) for seconds in times]
    found = content_hash(
        [len(times[0]), *open_ways, barred_of(times), sequences_of(times), local_of(times)]
    )
    if isinstance(times, TurnTimes):
        times.open_key = found
    return found


def times_bundle(times: Times) -> Bundle:
    """Return times as arrays for the cache."""
    sequences = sequences_of(times)
    bundle = {
        "uv": times[0],
        "vu": times[1],
        "barred": barred_of(times),
        "sequence_len": np.array([len(s) for s in sequences], dtype=np.int64),
        "sequence_arc": np.array([arc for s in sequences for arc in s], dtype=np.int64),
    }
    local = local_of(times)
    return bundle if local is None else bundle | {"local": local}


def times_of(bundle: Bundle) -> Times:
    """Return the times that `times_bundle` took apart."""
    arrays = {name: np.asarray(item) for name, item in bundle.items()}
    ends = np.cumsum(arrays["sequence_len"])[:-1]
    parts = np.split(arrays["sequence_arc"], ends) if len(arrays["sequence_len"]) else []
    sequences = tuple(tuple(part.tolist()) for part in parts)
    return TurnTimes(arrays["uv"], arrays["vu"], arrays["barred"], sequences, arrays.get("local"))


def like(times: Times, uv: np.ndarray, vu: np.ndarray) -> Times:
    """Return other seconds with the same barred turns and streets without through traffic."""
    return TurnTimes(uv, vu, barred_of(times), sequences_of(times), local_of(times))


def with_through_traffic(times: Times) -> Times:
    """Return the same times with through traffic everywhere."""
    return TurnTimes(*times, barred_of(times), sequences_of(times))


def turned(times: Times) -> Times:
    """Return the times of travelling every way backwards, barred turns included."""
    sequences = tuple(tuple(a ^ 1 for a in reversed(s)) for s in sequences_of(times))
    barred = barred_of(times)[:, ::-1] ^ 1
    return TurnTimes(times[1], times[0], barred, sequences, local_of(times))


@dataclass(frozen=True)
class Arcs:
    """Directed arcs by start node (CSR).

    Attributes
    ----------
    ptr, head, time
        Arcs that leave node i are ``ptr[i]:ptr[i + 1]``; nodes from ``n_nodes`` on are copies.
    edge, forward
        The piece each arc came from, and whether it runs from u to v.
    place
        The junction of each node: itself, or what it is a copy of.
    n_nodes
        Junctions of the streets.
    among
        For each junction the node, itself or a copy, of who comes by a street open to through
        traffic; None where all are open. Nodes from ``again`` on are those of who has left
        such streets.
    """

    ptr: np.ndarray
    head: np.ndarray
    time: np.ndarray
    edge: np.ndarray
    forward: np.ndarray
    place: np.ndarray
    n_nodes: int
    among: np.ndarray | None = None
    again: int = 0

    @cached_property
    def tail(self) -> np.ndarray:
        """Node each arc leaves, int32."""
        return np.repeat(np.arange(len(self.ptr) - 1, dtype=np.int32), np.diff(self.ptr))

    @cached_property
    def code(self) -> np.ndarray:
        """Twice the piece of each arc, plus one from v to u, int64."""
        return np.asarray(2 * self.edge.astype(np.int64) + ~self.forward)

    @property
    def has_copies(self) -> bool:
        """Whether some turn is barred, or some street closed to through traffic."""
        return len(self.place) > self.n_nodes

    def reached_by(self, code: np.ndarray) -> np.ndarray:
        """Return the node in which each of some arcs ends, int32; the arcs must be open."""
        _, head = joined(self.code, self.head, code, first=True)
        return head

    def left_by(self, code: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (row of ``code``, node) of every node from which an arc may be entered."""
        return joined(self.code, self.tail, code)

    def copies_of(self, node: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (row of ``node``, node) of every junction given and its copies."""
        return joined(self.place, np.arange(len(self.place)), node)


def joined(
    key: np.ndarray, value: np.ndarray, wanted: np.ndarray, *, first: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return (row of ``wanted``, value) of all values whose key is wanted, or of the first ones.

    Keys are whole numbers from 0; only those wanted are sorted.
    """
    asked = np.zeros(max(key.max(initial=-1), wanted.max(initial=-1)) + 1, dtype=bool)
    asked[wanted] = True
    kept = np.flatnonzero(asked[key])
    order = kept[by_number(key[kept], len(asked))]
    ordered = key[order]
    start = np.searchsorted(ordered, wanted, side="left")
    if first:
        return np.arange(len(wanted)), value[order[start]]
    counts = np.searchsorted(ordered, wanted, side="right") - start
    row = np.repeat(np.arange(len(wanted)), counts)
    within = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    return row, value[order[start[row] + within]]


#: Arcs last asked for: the ends of the pieces, where the times let one go, and the arcs.
_LATEST: list[tuple[np.ndarray, str, Arcs]] = []
MOST_LATEST = 4


def arcs(streets: Streets, times: Times) -> Arcs:
    """Return the arcs allowed by ``times``."""
    if not isinstance(times, TurnTimes):
        return _arcs(streets, times)
    ends, said = streets.edge_u, open_key(times)
    for kept, key, known in _LATEST:
        if kept is ends and key == said:
            uv, vu = times
            seconds = np.where(known.forward, uv[known.edge], vu[known.edge]).astype(np.float64)
            return replace(known, time=seconds)
    found = _arcs(streets, times)
    _LATEST.insert(0, (ends, said, found))
    del _LATEST[MOST_LATEST:]
    return found


def _arcs(streets: Streets, times: Times) -> Arcs:
    found = listed(streets, times)
    order = by_number(found.tail, len(found.place))
    counts = np.bincount(found.tail, minlength=len(found.place))
    ptr = np.append(0, np.cumsum(counts)).astype(np.int64)
    head, time, edge, forward = (
        a[order] for a in (found.head, found.time, found.edge, found.forward)
    )
    return Arcs(
        ptr, head, time, edge, forward, found.place, streets.n_nodes, found.among, found.again
    )


class Listed(NamedTuple):
    """Arcs as `Arcs` has them, with the node each one leaves, in no order."""

    tail: np.ndarray
    head: np.ndarray
    time: np.ndarray
    edge: np.ndarray
    forward: np.ndarray
    place: np.ndarray
    among: np.ndarray | None
    again: int


def listed(streets: Streets, times: Times) -> Listed:
    """Return the arcs allowed by ``times``; sorting them takes as long as finding them."""
    return in_three(with_turns(streets, times), local_of(times))


def with_turns(streets: Streets, times: Times) -> Listed:
    """Return the arcs allowed by ``times``, as if through traffic were allowed everywhere.

    First come those from u to v, then those from v to u, then those that leave copies.
    """
    uv, vu = times
    n = streets.n_nodes
    ahead, back = np.flatnonzero(np.isfinite(uv)), np.flatnonzero(np.isfinite(vu))
    tail = np.concatenate([streets.edge_u[ahead], streets.edge_v[back]])
    head = np.concatenate([streets.edge_v[ahead], streets.edge_u[back]])
    edge = np.concatenate([ahead, back]).astype(np.int32)
    time = np.concatenate([uv[ahead], vu[back]]).astype(np.float64)
    forward = np.arange(len(edge)) < len(ahead)
    code = 2 * edge.astype(np.int64) + ~forward
    place = np.arange(n, dtype=np.int32)
    is_open = np.zeros(2 * streets.n_edges, dtype=bool)
    is_open[code] = True
    long = [s for s in sequences_of(times) if is_open[list(s)].all()]
    ins, rows, outs = _copies(tail, head, code, barred_of(times), long, streets.n_edges)
    if len(ins):
        place = np.concatenate([place, head[ins]])
        head = head.copy()
        head[ins] = n + np.arange(len(ins), dtype=np.int32)
        tail = np.concatenate([tail, (n + rows).astype(np.int32)])
        head, time = np.concatenate([head, head[outs]]), np.concatenate([time, time[outs]])
        edge, forward = np.concatenate([edge, edge[outs]]), np.concatenate([forward, forward[outs]])
    if long:
        first = {int(c): n + k for k, c in enumerate(code[ins])}
        flat = np.concatenate([code, code[outs]]), tail, head
        taken, tails, heads, more = _begun(flat, len(code), first, barred_of(times), long, place)
        tail, head = np.append(tail, tails).astype(np.int32), np.append(head, heads)
        head = head.astype(np.int32)
        time, edge = np.concatenate([time, time[taken]]), np.concatenate([edge, edge[taken]])
        forward = np.concatenate([forward, forward[taken]])
        place = np.append(place, more).astype(np.int32)
    return Listed(tail, head, time, edge, forward, place, None, len(place))


def in_three(flat: Listed, local: np.ndarray | None) -> Listed:
    """Return the arcs of `with_turns` where some pieces are closed to through traffic."""
    if local is None or not local[flat.edge].any():
        return flat
    tail, head, arc, place, among, again = _in_three(
        flat.tail, flat.head, local[flat.edge], flat.place
    )
    time, edge, forward = flat.time[arc], flat.edge[arc], flat.forward[arc]
    return Listed(tail, head, time, edge, forward, place, among, again)


def by_number(numbers: np.ndarray, most: int) -> np.ndarray:
    """Return what sorts whole numbers below ``most``, stably; many are counted, not compared."""
    from scipy.sparse import csr_array

    if 16 * len(numbers) < most:
        return np.argsort(numbers, kind="stable")
    # Rows of a table of one entry each, turned round, list those entries by their column.
    ptr = np.arange(len(numbers) + 1, dtype=np.int32)
    table = csr_array(
        (np.ones(len(numbers), np.int8), numbers.astype(np.int32), ptr), shape=(len(numbers), most)
    )
    return np.asarray(table.tocsc().indices)


def _in_three(
    tail: np.ndarray, head: np.ndarray, local: np.ndarray, place: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, int]:
    """Return tail, head and former row of the arcs, and the places, without through traffic.

    A node that a local arc touches stands for not having left the local arcs one started on;
    it gets a copy for being among the others, and one for being on local arcs again, which
    only local arcs leave.
    """
    n = len(place)
    touched = np.unique(np.concatenate([tail[local], head[local]]))
    among = np.arange(n, dtype=np.int64)
    among[touched] = n + np.arange(len(touched))
    again = among + len(touched)
    rows = np.arange(len(tail))
    on = rows[local]
    off = rows[~local & (among[tail] >= n)]
    tails = [tail, among[tail[off]], among[tail[on]], again[tail[on]]]
    heads = [np.where(local, head, among[head]), among[head[off]], *2 * [again[head[on]]]]
    return (
        np.concatenate(tails).astype(np.int32),
        np.concatenate(heads).astype(np.int32),
        np.concatenate([rows, off, on, on]),
        np.concatenate([place, place[touched], place[touched]]).astype(np.int32),
        among,
        n + len(touched),
    )


def _copies(
    tail: np.ndarray,
    head: np.ndarray,
    code: np.ndarray,
    barred: np.ndarray,
    long: list[tuple[int, ...]],
    n_edges: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the arcs that get a copy of their end, and (copy, arc) of what leaves each."""
    at = np.full(2 * n_edges, -1, dtype=np.int64)
    at[code] = np.arange(len(code))
    pairs = at[barred]
    pairs = pairs[(pairs >= 0).all(axis=1)]
    ins = np.union1d(pairs[:, 0], at[[s[0] for s in long]].astype(np.int64))
    of_pair = np.searchsorted(ins, pairs[:, 0])
    rows, outs = joined(tail, np.arange(len(tail)), head[ins])
    closed = np.isin(rows * len(tail) + outs, of_pair * len(tail) + pairs[:, 1])
    return ins, rows[~closed], outs[~closed]


def _begun(
    flat: tuple[np.ndarray, np.ndarray, np.ndarray],
    n_arcs: int,
    first: dict[int, int],
    barred: np.ndarray,
    long: list[tuple[int, ...]],
    place: np.ndarray,
) -> tuple[list[int], list[int], list[int], list[int]]:
    """Put in the copies of having begun two arcs and more of a sequence.

    Parameters
    ----------
    flat
        Code, tail and head of the arcs, the first ``n_arcs`` of them without copies. Heads are
        changed where an arc goes on with a sequence.
    first
        Copy in which each arc that begins a sequence, or leads to a barred turn, ends.

    Returns
    -------
    taken, tails, heads
        Arcs to be repeated, and between which nodes.
    more
        Junctions of the new copies.
    """
    code, tail, head = flat
    plain_tail, plain_head = tail[:n_arcs], head[:n_arcs]
    forbidden = {tuple(pair) for pair in barred.tolist()} | set(long)
    prefixes = sorted({s[:k] for s in long for k in range(2, len(s))}, key=lambda s: (len(s), s))
    node = {prefix: len(place) + k for k, prefix in enumerate(prefixes)}
    taken: list[int] = []
    tails: list[int] = []
    heads: list[int] = []
    more: list[int] = []
    for prefix in prefixes:
        (last,) = np.flatnonzero(code[:n_arcs] == prefix[-1])
        junction = int(place[plain_head[last]])
        more.append(junction)
        for arc in np.flatnonzero(plain_tail == junction).tolist():
            whole = (*prefix, int(code[arc]))
            parts = [whole[k:] for k in range(len(whole) - 1)]
            if forbidden.isdisjoint(parts):
                taken.append(arc)
                tails.append(node[prefix])
                heads.append(next((node[p] for p in parts if p in node), int(plain_head[arc])))
        if len(prefix) == 2:
            head[(tail == first[prefix[0]]) & (code == prefix[1])] = node[prefix]
    return taken, tails, heads, more
