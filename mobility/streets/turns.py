"""Turns that are barred: by restrictions, for cars, and by barriers, for whom they stop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.base.errors import Finding
from mobility.sources.osm.ways import (
    CONDITIONAL,
    ELEVATOR,
    INCOMPLETE,
    OPEN_BARRIERS,
    OTHERS,
    PASSAGE,
)
from mobility.streets.arcs import Sequences, Times, arcs, joined, open_key
from mobility.streets.graph import State, Streets
from mobility.streets.hours import part_of
from mobility.streets.tags import CLOSED, LOCAL, UNSAID, access_of, is_tagged
from mobility.territory.fields import StreetMode

if TYPE_CHECKING:
    import networkx as nx

# Where no tag tells who may pass: gates are open to all, walls to nobody, whatever narrows
# the way stops cars, and what must be climbed or pushed through also stops bicycles. After
# the meaning of each value in the OpenStreetMap wiki (Key:barrier).
_SOLID = ("fence", "guard_rail", "hedge", "wall")
_ON_FOOT = (*_SOLID, "full-height_turnstile", "kissing_gate", "stile", "turnstile")
_GATES = (
    *OPEN_BARRIERS,
    PASSAGE,
    "gate",
    "hampshire_gate",
    "lift_gate",
    "sally_port",
    "sliding_gate",
    "swing_gate",
    "yes",
)
# A driver who may not turn at a junction does not turn round within these metres beyond it,
# but at a dead end or a barrier: an assumption, without which restrictions cost nothing.
_NO_TURNING_M = 250.0


def stopped_by(barriers: pd.DataFrame, mode: StreetMode) -> np.ndarray:
    """Return which barriers stop a mode, bool.

    Tags of access decide, the most particular one first. Without any, a gate is open unless
    ``locked=yes``, and other barriers stop whom their kind stops.
    """
    state = access_of(barriers, mode)
    kind = barriers["barrier"]
    if mode == "car":
        shut = ~kind.isin(_GATES)
    else:
        shut = kind.isin(_SOLID if mode == "walk" else _ON_FOOT)
    closed = np.asarray(shut, dtype=bool) | is_tagged(barriers, "locked", ("yes",))
    if mode != "car":
        closed &= ~is_tagged(barriers, "barrier", (ELEVATOR,))
    return np.asarray((state == CLOSED) | (closed & (state == UNSAID)))


def turns_past_local_barriers(streets: Streets, mode: StreetMode) -> np.ndarray:
    """Return the turns past barriers that are closed to through traffic, int64 (t, 2)."""
    return _at_barriers(streets, _barriers(streets, mode)[1])


def _barriers(streets: Streets, mode: StreetMode) -> tuple[np.ndarray, np.ndarray]:
    """Return which barriers stop a mode, and which are closed to its through traffic, bool."""
    part = part_of(streets, "node")
    known = part.worked_out.barriers
    if mode not in known:
        table = part.barriers
        known[mode] = stopped_by(table, mode), np.asarray(access_of(table, mode) == LOCAL)
    return known[mode]


def barred_turns(streets: Streets, mode: StreetMode, times: Times) -> tuple[np.ndarray, Sequences]:
    """Return the turns a mode may not take, int64 (t, 2), and sequences, see `arcs.TurnTimes`.

    A barrier lets one turn back and nothing else. Restrictions hold for cars only: cyclists
    may get off and walk.
    """
    shut, _ = _barriers(streets, mode)
    if mode != "car" or streets.turns.empty:
        return np.unique(_at_barriers(streets, shut), axis=0), ()
    known = streets.any_hour.worked_out.barred
    # At most hours it is as at any.
    key = open_key(times), shut.tobytes(), _rules_at(streets)
    if key not in known:
        known[key] = _barred(streets, times, _at_barriers(streets, shut))
    found: tuple[np.ndarray, Sequences] = known[key]
    return found


def _rules_at(streets: Streets) -> State:
    """Return what the state of some streets says of their turn restrictions."""
    if streets.at is None:
        return ()
    is_rule = streets.conditions["kind"].eq("turn")
    told = tuple(value for value, rule in zip(streets.at[1], is_rule, strict=True) if rule)
    return told if any(value is not None for value in told) else ()


def _barred(streets: Streets, times: Times, stopped: np.ndarray) -> tuple[np.ndarray, Sequences]:
    sequences = _over_ways(streets)[0]
    pairs = [s for s in sequences if len(s) == 2]
    restricted = np.concatenate(
        [_restricted(streets)[0], np.array(pairs, dtype=np.int64).reshape(-1, 2)]
    )
    back = _no_turning(streets, times, restricted, stopped)
    barred = np.unique(np.concatenate([stopped, restricted, back]), axis=0)
    return barred, tuple(s for s in sequences if len(s) > 2)


def _no_turning(
    streets: Streets, times: Times, restricted: np.ndarray, stopped: np.ndarray
) -> np.ndarray:
    """Return the turns back beyond restricted junctions that have another way on."""
    net = arcs(streets, times)
    n_codes = 2 * streets.n_edges
    is_open, head = np.zeros(n_codes, dtype=bool), np.zeros(n_codes, dtype=np.int64)
    is_open[net.code], head[net.code] = True, net.head
    restricted = restricted[is_open[restricted].all(axis=1)]
    barred = np.unique(restricted @ [n_codes, 1])
    ways_on = np.bincount(net.tail, minlength=streets.n_nodes)[head]
    ways_on -= np.bincount(restricted[:, 0], minlength=n_codes)
    turns_back = is_open & is_open[np.arange(n_codes) ^ 1] & (ways_on > 1)
    turns_back[stopped[:, 0]] = False
    reach_m = np.full(n_codes, np.inf)
    front = np.unique(restricted[:, 0])
    reach_m[front] = 0.0
    while len(front):
        row, out = joined(net.tail, net.code, head[front])
        on = (out != front[row] ^ 1) & ~np.isin(front[row] * n_codes + out, barred)
        row, out = row[on], out[on]
        metres = reach_m[front[row]] + streets.length_m[out // 2]
        nearer = (metres <= _NO_TURNING_M) & (metres < reach_m[out])
        np.minimum.at(reach_m, out[nearer], metres[nearer])
        front = np.unique(out[nearer])
    found = np.flatnonzero(np.isfinite(reach_m) & turns_back)
    return np.column_stack([found, found ^ 1])


def _into_and_out(streets: Streets, node: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the arcs into and out of some nodes: ``node``, ``arc`` and ``way``."""
    wanted = np.zeros(streets.n_nodes, dtype=bool)
    wanted[node] = True
    way = streets.any_hour.tags["osm_id"].to_numpy(dtype=np.int64)
    starts, ends = np.flatnonzero(wanted[streets.edge_u]), np.flatnonzero(wanted[streets.edge_v])
    edge = np.concatenate([starts, ends])
    at = np.concatenate([streets.edge_u[starts], streets.edge_v[ends]])
    side = np.concatenate([np.zeros(len(starts), np.int64), np.ones(len(ends), np.int64)])
    out = pd.DataFrame({"node": at, "arc": 2 * edge + side, "way": way[edge]})
    return out.assign(arc=out["arc"] ^ 1), out


def _rows_of(streets: Streets, node_id: np.ndarray) -> np.ndarray:
    """Return the row of each node id, -1 where the streets have none."""
    order = streets.by_node_id
    place = np.searchsorted(streets.node_id, node_id, sorter=order)
    row = order[np.minimum(place, len(order) - 1)]
    return np.where(streets.node_id[row] == node_id, row, -1)


def _at_barriers(streets: Streets, stopped: np.ndarray) -> np.ndarray:
    """Return the turns past some barriers but back, int64 (t, 2); known once asked for."""
    known = streets.any_hour.worked_out.past_barriers
    key = stopped.tobytes()
    if key not in known:
        known[key] = _past(streets, stopped)
    return np.asarray(known[key])


def _past(streets: Streets, stopped: np.ndarray) -> np.ndarray:
    known = streets.any_hour.worked_out.past_barriers
    row = _rows_of(streets, streets.any_hour.barriers["node_id"].to_numpy())
    if "all" not in known:
        known["all"] = _through_nodes(streets, row[row >= 0])
    node, pairs = np.hsplit(known["all"], [1])
    wanted = np.zeros(streets.n_nodes, dtype=bool)
    wanted[row[stopped & (row >= 0)]] = True
    return np.asarray(pairs[wanted[node[:, 0]]])


def turns_by_hour(streets: Streets) -> np.ndarray:
    """Return the turns past barriers that depend on the hour, int64 (t, 2); known once asked for.

    Turned round, they are the same turns.
    """
    usual = streets.any_hour
    known = usual.worked_out.by_hour
    if "turns" not in known:
        table = usual.conditions
        ids = table.loc[table["kind"].eq("node"), "osm_id"]
        known["turns"] = _past(usual, np.isin(usual.barriers["node_id"].to_numpy(), ids))
    return np.asarray(known["turns"])


def _through_nodes(streets: Streets, node: np.ndarray) -> np.ndarray:
    """Return the turns at some nodes but back: the node, the arc in and the arc out, int64."""
    into, out = _into_and_out(streets, node)
    both = into.merge(out, on="node", suffixes=("_in", "_out"))
    turns = both[["node", "arc_in", "arc_out"]].to_numpy(dtype=np.int64)
    return np.asarray(turns[turns[:, 2] != turns[:, 1] ^ 1])


def _restricted(streets: Streets) -> tuple[np.ndarray, np.ndarray]:
    """Return the turns barred by restrictions, and the ids of those that could be placed.

    A restriction is placed where one piece of its first way, and one of its last, touch the
    junction; a ban on turning round needs its way only.
    """
    rules = streets.turns[streets.turns["left_out"].eq("") & streets.turns["via_ways"].eq("")]
    node = _rows_of(streets, rules["via_node"].to_numpy())
    rules = rules.assign(node=node)[node >= 0]
    into, out = _into_and_out(streets, rules["node"].to_numpy())
    starts = into.rename(columns={"way": "from_way", "arc": "arc_in"})
    ends = out.rename(columns={"way": "to_way", "arc": "arc_out"})
    placed = rules.merge(starts, on=["node", "from_way"]).merge(ends, on=["node", "to_way"])
    back = placed["arc_out"].eq(placed["arc_in"] ^ 1)
    turning = placed["kind"].eq("no_u") & placed["from_way"].eq(placed["to_way"])
    alone = ~placed.duplicated(["osm_id", "from_way", "to_way"], keep=False)
    placed = placed[np.where(turning, back, alone)]
    bans = placed[~placed["kind"].eq("only")][["arc_in", "arc_out"]]
    only = placed[placed["kind"].eq("only")][["node", "arc_in", "arc_out"]].to_numpy(np.int64)
    every = np.unique(only[:, :2], axis=0)
    of, arc = joined(out["node"].to_numpy(), out["arc"].to_numpy(), every[:, 0])
    others = np.column_stack([every[of, 1], arc])
    size = 2 * streets.n_edges
    shut = ~np.isin(others @ [size, 1], only[:, 1:] @ [size, 1])
    barred = np.concatenate([bans.to_numpy(np.int64), others[shut]])
    return barred, np.unique(placed["osm_id"].to_numpy())


def _over_ways(streets: Streets) -> tuple[list[tuple[int, ...]], set[int]]:
    """Return the arcs barred one after the other by restrictions over ways, and their ids.

    A restriction is placed where its first and last way each meet the streets between in one
    piece, with one way through.
    """
    rules = streets.turns[streets.turns["left_out"].eq("") & streets.turns["via_ways"].ne("")]
    barred: set[tuple[int, ...]] = set()
    placed: set[int] = set()
    way = streets.any_hour.tags["osm_id"].to_numpy(dtype=np.int64)
    columns = ("osm_id", "kind", "from_way", "via_ways", "to_way")
    for osm_id, kind, first, over, last in zip(*(rules[c].tolist() for c in columns), strict=True):
        between = np.isin(way, [int(ref) for ref in over.split()])
        found = _through(streets, way == first, between, way == last)
        if found is not None:
            placed.add(osm_id)
            barred |= set(_others(streets, found)) if kind == "only" else {found}
    return sorted(barred), placed


def _through(
    streets: Streets, first: np.ndarray, between: np.ndarray, last: np.ndarray
) -> tuple[int, ...] | None:
    """Return the arcs from one of some pieces to another over others; None if not one way."""
    import networkx as nx

    graph: nx.MultiGraph[int] = nx.MultiGraph()
    for edge in np.flatnonzero(between).tolist():
        graph.add_edge(int(streets.edge_u[edge]), int(streets.edge_v[edge]), edge)
    into, out = (_touching(streets, pieces, set(graph)) for pieces in (first, last))
    ways = [
        (a ^ 1, *_arcs_of(streets, path), b)
        for start, a in into.items()
        for end, b in out.items()
        if start != end and a >= 0 and b >= 0
        for path in islice(nx.all_simple_edge_paths(graph, start, end), 2)
    ]
    return ways[0] if len(ways) == 1 else None


def _arcs_of(streets: Streets, path: Iterable[Any]) -> Iterator[int]:
    """Yield the arcs of a path of (node, node, piece)."""
    for tail, _, edge in path:
        yield 2 * edge + int(streets.edge_u[edge] != tail)


def _touching(streets: Streets, pieces: np.ndarray, nodes: set[int]) -> dict[int, int]:
    """Return the arc away from each node that a piece touches there, -1 where several do."""
    found: dict[int, int] = {}
    for edge in np.flatnonzero(pieces).tolist():
        for side, ends in enumerate((streets.edge_u, streets.edge_v)):
            node = int(ends[edge])
            if node in nodes:
                found[node] = -1 if node in found else 2 * edge + side
    return found


def _others(streets: Streets, only: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return every way of leaving the only sequence one may take, once in its first arc."""
    found = []
    for k in range(1, len(only)):
        before = only[k - 1]
        ends = streets.edge_u if before % 2 else streets.edge_v
        out = _into_and_out(streets, ends[[before // 2]])[1]["arc"].to_numpy()
        found += [(*only[:k], int(arc)) for arc in np.unique(out) if arc != only[k]]
    return found


def rules_findings(streets: Streets) -> list[Finding]:
    """Return how many turn restrictions and barriers were read, and how many hold."""
    found = []
    turns, barriers = streets.turns, streets.barriers
    if len(turns):
        placed = {*_restricted(streets)[1].tolist(), *_over_ways(streets)[1]}
        left_out = turns.groupby("left_out")["osm_id"].nunique()
        told = {why: int(left_out.get(why, 0)) for why in (CONDITIONAL, OTHERS)}
        read = int(turns["osm_id"].nunique())
        told[INCOMPLETE] = read - len(placed) - sum(told.values())
        found.append(
            Finding(
                "info",
                "turn_restrictions",
                "{count} of {read} turn restrictions hold for cars at any hour, {conditional} at "
                "theirs; left out: {others} for other vehicles, {incomplete} that cannot be "
                "placed.",
                count=len(placed),
                params={"read": read, **told},
            )
        )
    if len(barriers):
        stops = {m: int(stopped_by(barriers, m).sum()) for m in ("walk", "bike", "car")}
        found.append(
            Finding(
                "info",
                "barriers",
                "{count} barriers stand on streets; {car} stop cars, {bike} bicycles, {walk} "
                "walkers.",
                count=len(barriers),
                params=stops,
            )
        )
    return found
