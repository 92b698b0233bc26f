"""A slow and obvious answer to the engine's question, on a time-expanded graph.

Each node is an event of the timetable with the resources used so far: *(run, call, "dep" or
"arr", rides, walk)*. An edge exists only where it keeps every limit that can be checked on
the spot, so that any path of the graph is a journey within the limits and a plain Dijkstra
(`networkx`) finds the best one. The total time is what Dijkstra minimises: when the best
journey is too long, every other one is.

Outbound starts at the home, return at the gate, and both are spelled out: neither is the
other one reversed. Nothing here is shared with the engine; everything is plain Python.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field

import networkx as nx

Node = tuple[Hashable, ...]
# Seconds, then rides, then walking: one integer that compares like the triple.
SECOND, RIDE = 10**12, 10**7


@dataclass(frozen=True)
class Call:
    """One call: stop, arrival, departure, whether one may board or alight.

    A run at a headway arrives at each call a headway later than it leaves it: the rider comes
    at the departure, waits a headway at most, and is then brought along.
    """

    stop: int
    arr: int
    dep: int
    board: bool = True
    alight: bool = True


@dataclass(frozen=True)
class Rules:
    """The limits of one direction, seconds."""

    max_total: int
    max_walk: int
    max_transfers: int
    max_wait: int
    home_walk_counts: bool = True
    gate_walk_counts: bool = True


@dataclass(frozen=True)
class Case:
    """A whole question.

    ``footpaths`` are ``(from stop, to stop, walk, need)``; changing at a stop is a footpath
    from the stop to itself. At a guaranteed connection the departing vehicle waits for the
    walk: it needs nothing. ``homes`` hold, per home, the walk to each stop near it;
    ``gate`` the walk between each stop near the gate and the gate. ``edge`` is the start
    of the shift (outbound) or its end (return).
    """

    n_stops: int
    runs: tuple[tuple[Call, ...], ...]
    footpaths: tuple[tuple[int, int, int, int], ...]
    homes: tuple[dict[int, int], ...]
    gate: dict[int, int]
    edge: int
    margin: int
    rules: Rules


@dataclass(frozen=True)
class Answer:
    """Time of leaving (outbound) or reaching (return) the home, rides and walking, or None."""

    time: int
    rides: int
    walk: int


def cost(seconds: int, rides: int = 0, walk: int = 0) -> int:
    """Weight of an edge."""
    return seconds * SECOND + rides * RIDE + walk


@dataclass
class Tables:
    """Look-ups over a case: where one may board, and the footpaths from each stop."""

    case: Case
    boardings: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    feet: dict[int, list[tuple[int, int, int]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for r, calls in enumerate(self.case.runs):
            for c, call in enumerate(calls[:-1]):
                if call.board:
                    self.boardings.setdefault(call.stop, []).append((r, c))
        for x, y, walk, need in self.case.footpaths:
            self.feet.setdefault(x, []).append((y, walk, need))

    def changes(self, run: int, call: int, rides: int, walk: int) -> Iterator[tuple[Node, int]]:
        """Yield the events that follow alighting: boarding another vehicle."""
        rules, here = self.case.rules, self.case.runs[run][call]
        if not here.alight or call == 0 or rides > rules.max_transfers:
            return
        for other, foot, need in self.feet.get(here.stop, ()):
            for r, c in self.boardings.get(other, ()):
                dep = self.case.runs[r][c].dep
                if dep < here.arr + need or dep - here.arr - foot > rules.max_wait:
                    continue
                if walk + foot <= rules.max_walk:
                    node = (r, c, "dep", rides + 1, walk + foot)
                    yield node, cost(dep - here.arr, 1, foot)

    def rides_on(self, node: Node, latest: int) -> Iterator[tuple[Node, int]]:
        """Yield where a vehicle boarded may be left."""
        run, call, kind, rides, walk = node
        if kind == "arr":
            return
        calls = self.case.runs[run]
        for k in range(call + 1, len(calls)):
            if calls[k].arr <= latest:
                yield (run, k, "arr", rides, walk), cost(calls[k].arr - calls[call].dep)


def grow(graph: nx.DiGraph, start: Node, follow) -> None:
    """Add every node that can be reached from ``start``, breadth first."""
    todo, seen = [start], {start}
    while todo:
        node = todo.pop()
        for other, weight in follow(node):
            old = graph.get_edge_data(node, other, {"weight": weight})
            graph.add_edge(node, other, weight=min(weight, old["weight"]))
            if other not in seen:
                seen.add(other)
                todo.append(other)


def decode(weight: int) -> tuple[int, int, int]:
    """Seconds, rides and walking of a path."""
    seconds, rest = divmod(weight, SECOND)
    return (seconds, *divmod(rest, RIDE))


# ---------------------------------------------------------------- outbound


def leave_home(case: Case, homes: Iterable[int] | None = None) -> list[Answer | None]:
    """Latest time of leaving each home (all of them, or those listed)."""
    tables = Tables(case)
    chosen = range(len(case.homes)) if homes is None else homes
    return [_leave_one(tables, home) for home in chosen]


def _leave_one(tables: Tables, home: int) -> Answer | None:
    case, rules = tables.case, tables.case.rules
    deadline = case.edge - case.margin

    def follow(node: Node) -> Iterator[tuple[Node, int]]:
        if node == ("home",):
            yield from _first_rides(tables, home)
        elif node != ("work",):
            run, call, kind, rides, walk = node
            yield from tables.rides_on(node, deadline)
            if kind == "arr":
                yield from tables.changes(run, call, rides, walk)
                yield from _walk_to_work(case, case.runs[run][call], walk)

    graph = nx.DiGraph()
    graph.add_nodes_from([("home",), ("work",)])
    grow(graph, ("home",), follow)
    try:
        weight = nx.dijkstra_path_length(graph, ("home",), ("work",))
    except nx.NetworkXNoPath:
        return None
    seconds, rides, walk = decode(weight)
    leave = deadline - seconds
    if case.edge - leave > rules.max_total:
        return None
    return Answer(leave, rides, walk)


def _first_rides(tables: Tables, home: int) -> Iterator[tuple[Node, int]]:
    """Yield the boardings after the walk from home, which starts the clock."""
    case, rules = tables.case, tables.case.rules
    for stop, foot in case.homes[home].items():
        used = foot if rules.home_walk_counts else 0
        for r, c in tables.boardings.get(stop, ()):
            dep = case.runs[r][c].dep
            # Leaving earlier breaks the total, whatever follows.
            in_time = case.edge - rules.max_total <= dep - foot and dep <= case.edge - case.margin
            if used <= rules.max_walk and in_time:
                yield (r, c, "dep", 1, used), cost(foot, 1, foot)


def _walk_to_work(case: Case, here: Call, walk: int) -> Iterator[tuple[Node, int]]:
    """Yield the end of the journey: the walk to the gate, and the wait until the deadline."""
    if not here.alight or here.stop not in case.gate:
        return
    rules, foot = case.rules, case.gate[here.stop]
    used = walk + (foot if rules.gate_walk_counts else 0)
    left = case.edge - case.margin - here.arr
    if used <= rules.max_walk and 0 <= left - foot <= rules.max_wait:
        yield ("work",), cost(left, 0, foot)


# ---------------------------------------------------------------- return


def reach_home(case: Case) -> list[Answer | None]:
    """Earliest time of reaching each home."""
    tables, rules = Tables(case), case.rules
    near: dict[int, list[tuple[int, int]]] = {}
    for home, walks in enumerate(case.homes):
        for stop, foot in walks.items():
            near.setdefault(stop, []).append((home, foot))

    def follow(node: Node) -> Iterator[tuple[Node, int]]:
        if node == ("gate",):
            yield from _rides_from_work(tables)
        elif len(node) == 5:
            run, call, kind, rides, walk = node
            here = case.runs[run][call]
            yield from tables.rides_on(node, case.edge + rules.max_total)
            if kind == "arr":
                yield from tables.changes(run, call, rides, walk)
                for home, foot in near.get(here.stop, ()) if here.alight else ():
                    used = walk + (foot if rules.home_walk_counts else 0)
                    if used <= rules.max_walk:
                        yield ("home", home), cost(foot, 0, foot)

    graph = nx.DiGraph()
    graph.add_node(("gate",))
    grow(graph, ("gate",), follow)
    lengths = nx.single_source_dijkstra_path_length(graph, ("gate",))
    answers: list[Answer | None] = []
    for home in range(len(case.homes)):
        answer = None
        if ("home", home) in lengths:
            seconds, rides, walk = decode(lengths["home", home])
            if case.margin + seconds <= rules.max_total:
                answer = Answer(case.edge + case.margin + seconds, rides, walk)
        answers.append(answer)
    return answers


def _rides_from_work(tables: Tables) -> Iterator[tuple[Node, int]]:
    """Yield the boardings after the walk from the gate and the wait at the stop."""
    case, rules = tables.case, tables.case.rules
    free = case.edge + case.margin
    for stop, foot in case.gate.items():
        used = foot if rules.gate_walk_counts else 0
        for r, c in tables.boardings.get(stop, ()):
            dep = case.runs[r][c].dep
            if used <= rules.max_walk and 0 <= dep - foot - free <= rules.max_wait:
                yield (r, c, "dep", 1, used), cost(dep - free, 1, foot)
