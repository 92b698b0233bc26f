"""The shortest set of new links: by hand, against every set, and beside its bound."""

from __future__ import annotations

from itertools import chain, combinations

import numpy as np
import pytest

from mobility.needs import links as links_module
from mobility.needs.links import Link, closed, nearest_s, shortest_links, with_link


def scene(seed: int, n_links: int):
    """Four gates and three stops at random, streets twice to five times the straight line."""
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, 1500, (7, 2))
    away = np.linalg.norm(xy[:, None] - xy[None], axis=2)
    seconds = closed(away * rng.uniform(2, 5, away.shape) + 1)
    pairs = [(a, b) for a in range(4) for b in range(a + 1, 7)]
    chosen = [pairs[k] for k in rng.permutation(len(pairs))[:n_links]]
    found = [Link(a, b, float(away[a, b]), float(away[a, b])) for a, b in chosen]
    return seconds, [0, 1, 2, 3], [4, 5, 6], found


def by_all_sets(seconds, gates, stops, links, limit_s):
    """The least length of all sets, each by a search of its own over the streets and the set."""
    import networkx as nx

    best = np.inf
    for some in chain.from_iterable(combinations(links, n) for n in range(len(links) + 1)):
        graph = nx.Graph()
        for a in range(len(seconds)):
            for b in range(a + 1, len(seconds)):
                graph.add_edge(a, b, weight=seconds[a, b])
        for link in some:
            if link.seconds < graph[link.one][link.two]["weight"]:
                graph[link.one][link.two]["weight"] = link.seconds
        away = nx.multi_source_dijkstra_path_length(graph, set(stops))
        if all(away[g] <= limit_s + 1e-9 for g in gates):
            best = min(best, sum(link.metres for link in some))
    return best


@pytest.mark.parametrize("seed", range(6))
def test_the_shortest_set_of_eight_links_is_that_of_all_sets(seed, monkeypatch) -> None:
    seconds, gates, stops, links = scene(seed, 8)
    everything = seconds
    for link in links:
        everything = with_link(everything, link)
    limit_s = float(nearest_s(everything, gates, stops).max()) * 1.2
    found = shortest_links(seconds, gates, stops, links, limit_s)
    least = by_all_sets(seconds, gates, stops, links, limit_s)
    assert found.metres == pytest.approx(least)
    monkeypatch.setattr(links_module, "_EXACT", 0)
    greedy = shortest_links(seconds, gates, stops, links, limit_s)
    assert greedy.bound <= least + 1e-6
    assert greedy.metres >= least - 1e-6
    after = seconds
    for k in greedy.chosen:
        after = with_link(after, links[k])
    assert (nearest_s(after, gates, stops) <= limit_s).all()


def test_a_chain_by_hand() -> None:
    """Gate 0 reaches stop 2 in 900 s; a link to gate 1 (100 m) and on to the stop (150 m) make 250.
    One direct link would be 240 m long, shorter than both together."""
    seconds = closed(np.array([[0, 500, 900], [500, 0, 400], [900, 400, 0]], float))
    chained = [Link(0, 1, 100, 100), Link(1, 2, 150, 150)]
    found = shortest_links(seconds, [0, 1], [2], chained, 300)
    assert (found.chosen, found.metres) == ((0, 1), 250)
    direct = [*chained, Link(0, 2, 240, 240)]
    # Gate 1 is within the limit by 400 s no more: it needs its own link, so the chain stays best.
    assert shortest_links(seconds, [0, 1], [2], direct, 300).metres == 250
    assert shortest_links(seconds, [0], [2], direct, 300).metres == 240


def test_for_what_no_link_brings_near_none_is_chosen() -> None:
    seconds = closed(np.array([[0, np.inf], [np.inf, 0]]))
    found = shortest_links(seconds, [0], [1], [], 300)
    assert found.chosen == ()
    assert np.isnan(found.bound)
    assert found.beyond == 1
    # Beside a gate that one brings near, the bound is of that one.
    apart = closed(np.array([[0, 900, np.inf], [900, 0, np.inf], [np.inf, np.inf, 0]], float))
    partly = shortest_links(apart, [0, 2], [1], [Link(0, 1, 200, 200)], 300)
    assert (partly.metres, partly.bound, partly.beyond) == (200, 200, 1)
    joined = shortest_links(seconds, [0], [1], [Link(0, 1, 200, 200)], 300)
    assert (joined.chosen, joined.metres, joined.beyond) == ((0,), 200, 0)
