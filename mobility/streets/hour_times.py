"""Shortest times from few points at some hour, from those at another, and where they differ.

What an hour opens, closes, slows down or speeds up concerns a source if its shortest ways use it,
or would. From the others times are as before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mobility.base.cache import content_hash
from mobility.streets.arcs import (
    Arcs,
    Times,
    arcs,
    barred_of,
    like,
    local_of,
    sequences_of,
    times_key,
    turned,
)
from mobility.streets.ends import Snaps, connectors, ends, same_edge
from mobility.streets.graph import Streets
from mobility.streets.hourly import (
    EveryHour,
    arcs_of,
    can_choose,
    every_hour,
    forget_arcs,
    is_known,
)
from mobility.streets.hours import forget_tables
from mobility.streets.paths import TOLERANCE_S, PairTable, search_rows, seeds_of, ways_to

#: Times of so many pairs of a source and a junction, or a point, are held for the hours to come.
MOST_HELD = 1 << 20
#: For so many sets of points.
MOST_SEARCHED = 12


@dataclass(frozen=True, eq=False)
class _Usual:
    """What was found at the hour that others are compared with.

    Attributes
    ----------
    arcs, arc_s
        The arcs of all hours, and the seconds of each.
    node_s, pair_s
        float64 (ns, n), (ns, nt): seconds from each source to each node, and target.
    into
        int32 (ns, n): the arc by which each node is come to that lies on the shortest way to
        one from which a target may be entered; -1 of others, and at sources.
    """

    arcs: EveryHour
    arc_s: np.ndarray
    node_s: np.ndarray
    pair_s: np.ndarray
    into: np.ndarray


@dataclass(frozen=True)
class _Asked:
    """From where to where, see `mobility.streets.paths.street_times`; limit with its tolerance."""

    streets: Streets
    sources: Snaps
    targets: Snaps
    limit_s: float
    connector_speed_ms: float

    def reached(self, net: Arcs, times: Times, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the seconds from some sources to each node, and the arc into it, (rows, n)."""
        some = self.sources.take(rows)
        access = connectors(some, self.connector_speed_ms)
        return search_rows(net, seeds_of(self.streets, net, times, some, access), self.limit_s)

    def entries(self, every: EveryHour, times: Times) -> np.ndarray:
        """Return the nodes from which a target may be entered at some hour."""
        net = arcs_of(self.streets, every, np.zeros(len(every.tail)))
        none = np.zeros(self.streets.n_edges, np.float32)
        at_once = connectors(self.targets, np.inf)
        open_times = like(times, none, none)
        return ends(
            self.streets, net, open_times, self.targets, at_once, leaving=False
        ).node.astype(np.int32)

    def pair_s(self, net: Arcs, times: Times, node_s: np.ndarray, some: np.ndarray) -> np.ndarray:
        """Return the seconds from every source to some targets, infinite beyond the limit."""
        targets = self.targets.take(some)
        access = connectors(self.sources, self.connector_speed_ms)
        egress = connectors(targets, self.connector_speed_ms)
        into = ends(self.streets, net, times, targets, egress, leaving=False)
        found = np.full((len(targets), len(self.sources)), np.inf)
        np.minimum.at(found, into.point, node_s.T[into.node] + into.seconds[:, None])
        source, target, along = same_edge(self.streets, times, self.sources, targets)
        np.minimum.at(found, (target, source), along + (access[source] + egress[target]))
        found[found > self.limit_s] = np.inf
        return found.T


def forget_hours(streets: Streets) -> None:
    """Free what is kept for hours still to be asked for, who find it again if there are any."""
    usual = streets.any_hour
    forget_tables(usual)
    for one in list(usual.states.values()):
        one.worked_out.seconds.clear()
    usual.worked_out.searched.clear()
    usual.worked_out.alike.clear()
    forget_arcs()


def reference(
    streets: Streets, usual: Times, times: Times, sources: Snaps, targets: Snaps
) -> Times | None:
    """Return times from which `street_times_at` finds those at an hour, None if it cannot.

    They are those at any hour or, where the hour closes other pieces to through traffic, the
    first times asked for that close the same.
    """
    too_many = len(sources) * (streets.n_nodes + len(targets)) > MOST_HELD
    if too_many or sequences_of(usual) or not can_choose(streets, times):
        return None
    local = local_of(times)
    if np.array_equal(local_of(usual), local):  # type: ignore[arg-type]
        return usual
    key = content_hash([*times_key(usual), local])
    found: Times = streets.any_hour.worked_out.alike.setdefault(key, times)
    return found


def street_times_at(
    streets: Streets,
    usual: Times,
    times: Times,
    sources: Snaps,
    targets: Snaps,
    *,
    limit_s: float,
    connector_speed_ms: float,
    reverse: bool = False,
) -> PairTable:
    """Return `mobility.streets.paths.street_times`.

    Parameters
    ----------
    usual
        Seconds per piece at another hour, see `reference`.
    """
    asked = _Asked(streets, sources, targets, float(limit_s) + TOLERANCE_S, connector_speed_ms)
    if reverse:
        usual, times = turned(usual), turned(times)
    known = _usually(asked, usual, times)
    every, here_s = known.arcs, known.arcs.seconds(times)
    changed = np.flatnonzero(known.arc_s != here_s)
    edges = np.unique(every.edge[changed])
    concerned = _uses(known, here_s, changed) | np.isin(sources.edge, edges)
    beside = np.isin(targets.edge, edges)
    pair_s = known.pair_s
    if concerned.any() or beside.any():
        net = arcs_of(streets, every, here_s)
        node_s, pair_s = known.node_s.copy(), pair_s.copy()
        rows, some = np.flatnonzero(concerned), np.flatnonzero(concerned.any() | beside)
        if len(rows):
            node_s[rows] = asked.reached(net, times, rows)[0]
        pair_s[:, some] = asked.pair_s(net, times, node_s, some)
    whole = np.ceil(pair_s - TOLERANCE_S)
    found = np.isfinite(pair_s)
    ptr = np.append(0, np.cumsum(found.sum(axis=1))).astype(np.int64)
    return PairTable(ptr, np.nonzero(found)[1].astype(np.int32), whole[found].astype(np.int32))


def _usually(asked: _Asked, usual: Times, times: Times) -> _Usual:
    """Return what is found in usual times, among arcs that some times have too; known once."""
    streets = asked.streets
    every = every_hour(streets, times, with_times=usual)
    searched = streets.any_hour.worked_out.searched
    points = [*vars(asked.sources).values(), *vars(asked.targets).values()]
    key = content_hash([*times_key(usual), *points, asked.limit_s, asked.connector_speed_ms])
    found: _Usual | None = searched.get(key)
    if found is None or found.arcs is not every:
        arc_s = every.seconds(usual)
        net = arcs_of(streets, every, arc_s)
        node_s, via = asked.reached(net, usual, np.arange(len(asked.sources)))
        pair_s = asked.pair_s(net, usual, node_s, np.arange(len(asked.targets)))
        into = ways_to(net, via, asked.entries(every, usual))
        into[into >= 0] = np.flatnonzero(np.isfinite(arc_s))[into[into >= 0]]
        found = _Usual(every, arc_s, node_s, pair_s, into)
        searched[key] = found
        of_no_use = [other for other, one in searched.copy().items() if not is_known(one.arcs)]
        for other in of_no_use or [*searched][:-MOST_SEARCHED]:
            searched.pop(other, None)
    return found


def _uses(known: _Usual, here_s: np.ndarray, changed: np.ndarray) -> np.ndarray:
    """Return the sources whose shortest ways to targets use a changed arc, or would, bool (ns,).

    Where no arc that became slower is on those ways, and none that became faster leads anywhere
    sooner, all nodes from which targets may be entered are reached as before.
    """
    tail, head = known.arcs.tail[changed], known.arcs.head[changed]
    slower = here_s[changed] > known.arc_s[changed]
    used = known.into[:, head] == changed
    of_use = known.node_s[:, tail] + here_s[changed] < known.node_s[:, head]
    return np.asarray(np.where(slower, used, of_use).any(axis=1))


def junctions_changed(streets: Streets, one: Times, other: Times) -> np.ndarray:
    """Return the junctions at which two sets of times differ, rows of ``node_id``, int64.

    They are the ends of street pieces that take other seconds, or are closed to through traffic
    in one alone, and where a turn is barred in one alone. A way that passes none of them is a
    way in both, and takes as long.
    """
    pieces = (one[0] != other[0]) | (one[1] != other[1])
    local = [local_of(times) for times in (one, other)]
    if any(closed is not None for closed in local):
        none = np.zeros(len(pieces), dtype=bool)
        here, there = (none if closed is None else closed for closed in local)
        pieces |= here != there
    for sequence in {*sequences_of(one)} ^ {*sequences_of(other)}:
        pieces[[arc // 2 for arc in sequence]] = True
    n_arcs = 2 * len(pieces)
    turns = [barred[:, 0] * n_arcs + barred[:, 1] for barred in map(barred_of, (one, other))]
    arc = np.setxor1d(*turns) // n_arcs
    ends = streets.edge_u, streets.edge_v
    turning = np.where(arc % 2, ends[0][arc // 2], ends[1][arc // 2])
    return np.unique(np.concatenate([*(end[pieces] for end in ends), turning]).astype(np.int64))


def pieces_near(
    streets: Streets, times: Times, junctions: np.ndarray, limit_s: float
) -> np.ndarray:
    """Return the pieces from an end of which a junction is reached within a limit, bool (m,)."""
    net = arcs(streets, turned(times))
    # Every arc leaves a junction itself, some leave copies of it too.
    seeds = np.array([0, len(junctions)]), junctions.astype(np.int32), np.zeros(len(junctions))
    (seconds,), _ = search_rows(net, seeds, limit_s)
    near = np.zeros(streets.n_nodes, dtype=bool)
    near[net.place[np.isfinite(seconds)]] = True
    return np.asarray(near[streets.edge_u] | near[streets.edge_v])
