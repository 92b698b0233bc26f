"""The peer comparison: the same homes, sites and deadlines, pair by pair.

Twice: with the same walks given to both sides (only the timetable search is compared), and
with each side walking on its own street network. Writes docs/peer-comparison.md.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.datasets import DATASETS, MARGIN_S, STARTS_H, Dataset, Network, egress_rows, smaller
from benchmarks.one_timetable import build_timetable
from benchmarks.peer import Peer
from benchmarks.timing import machine, say, table
from mobility.base.clock import format_clock
from mobility.engine.itineraries import Itinerary, itinerary
from mobility.engine.journeys import Edge, EngineLimits, TwoWay, reach, scan, travel
from mobility.timetable.arrays import INF

PAGE = Path(__file__).parents[1] / "docs" / "peer-comparison.md"
#: Two hours before the shift; the peer has no limit on waits nor on the sum of walks.
WINDOW = EngineLimits(7200, 100_000, 3, 100_000)
CLOSE_S = 60
N_HOMES = 300


@dataclass(frozen=True)
class Pairs:
    """Latest departures of both sides for one deadline, int64 (homes, sites), INF if none."""

    hour: int
    ours: np.ndarray
    theirs: np.ndarray

    @property
    def reached(self) -> np.ndarray:
        """Pairs that either side reaches within the window."""
        return (self.ours < INF) | (self.theirs < INF)

    @property
    def apart(self) -> np.ndarray:
        """Pairs on which they differ by more than a minute."""
        return self.reached & (np.abs(self.ours - self.theirs) > CLOSE_S)

    @property
    def exact(self) -> np.ndarray:
        """Pairs on which they agree to the second."""
        return self.reached & (self.ours == self.theirs)


def our_departures(network: Network, hour: int, on_foot: np.ndarray) -> np.ndarray:
    """Latest departures of the engine, or of walking all the way in ``on_foot`` seconds."""
    edge = Edge(returning=False, at_s=3600 * hour, margin_s=MARGIN_S)
    elapsed = np.stack(
        [
            travel(network.two_way, row, edge, WINDOW, network.access).elapsed_s
            for row in network.egress_s
        ],
        axis=1,
    ).astype(np.int64)
    walked = MARGIN_S + on_foot
    elapsed = np.minimum(elapsed, np.where(walked <= WINDOW.max_total_s, walked, INF))
    return np.where(elapsed < INF, edge.at_s - elapsed, INF)


def walks_by_a_stop(network: Network) -> np.ndarray:
    """Seconds from each home to each gate by way of the best stop, int64 (homes, sites)."""
    access = egress_rows(network.access, network.egress_s.shape[1]).astype(np.int64)
    return np.stack([(access + row).min(axis=1) for row in network.egress_s], axis=1)


def chained(network: Network) -> Network:
    """Return the network with walks to the gate that may pass by another stop."""
    tt = network.two_way.timetable
    source = np.repeat(np.arange(tt.n_stops), np.diff(tt.foot_ptr))
    egress = network.egress_s.astype(np.int64)
    further = egress.copy()
    for row, out in zip(egress, further, strict=True):
        np.minimum.at(out, source, tt.foot_walk_s + row[tt.foot_stop])
    return replace(network, egress_s=np.minimum(further, INF).astype(np.int32))


def compare(network: Network, peer: Peer, *, asked: Network | None = None) -> list[Pairs]:
    """Ask both sides with the network's walks; the peer with those of ``asked``."""
    found = []
    asked = asked or network
    on_foot = walks_by_a_stop(asked)
    for hour in STARTS_H:
        theirs = peer.departures(asked.access, asked.egress_s, hour)
        earliest = 3600 * hour - WINDOW.max_total_s
        theirs = np.where(theirs < earliest, INF, theirs)
        found.append(Pairs(hour, our_departures(network, hour, on_foot), theirs))
    return found


def same_walks(dataset: Dataset) -> tuple[dict[str, Any], list[str]]:
    """Compare with the same walks; return the row and an example of each class."""
    network = Network.build(dataset, min_change_s=0)
    peer = Peer.our_tables(network)
    pairs = compare(network, peer)
    classes: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for one in pairs:
        for home, site in np.argwhere(one.apart):
            kind, shown = explain(network, peer, one, int(home), int(site))
            classes[kind] += 1
            examples.setdefault(kind, shown)
    aligned = counts(dataset, compare(chained(network), peer, asked=network))
    own = counts(dataset, pairs)
    row = aligned | {
        "within 60 s, our rule": own["within 60 s"],
        "apart, our rule": own["apart"],
        "classes": dict(classes),
    }
    return row, [f"**{kind}** ({dataset.name})\n\n{text}" for kind, text in examples.items()]


def counts(dataset: Dataset, pairs: list[Pairs]) -> dict[str, Any]:
    """Shares of a dataset."""
    reached = sum(int(p.reached.sum()) for p in pairs)
    exact = sum(int(p.exact.sum()) for p in pairs)
    apart = sum(int(p.apart.sum()) for p in pairs)
    return {
        "dataset": dataset.name,
        "pairs asked": sum(p.ours.size for p in pairs),
        "reached": reached,
        "to the second": f"{exact / reached:.3%}",
        "within 60 s": f"{1 - apart / reached:.3%}",
        "apart": apart,
    }


def explain(network: Network, peer: Peer, pairs: Pairs, home: int, site: int) -> tuple[str, str]:
    """Name the cause of one difference, and print both journeys."""
    journeys = peer.journeys(network.access, network.egress_s, home, site, pairs.hour)
    earliest = 3600 * pairs.hour - WINDOW.max_total_s
    journeys = [j for j in journeys if j["departure_s"] >= earliest]
    ours = our_itinerary(network, pairs.hour, home, site)
    shown = [
        f"Home {home}, site {site}, at the gate by {format_clock(3600 * pairs.hour - MARGIN_S)}.",
        "",
    ]
    shown += [f"- peer: {theirs_in_words(j)}" for j in journeys[:1]] or ["- peer: none"]
    shown += [f"- ours: {ours_in_words(peer, ours)}"]
    return cause(pairs, journeys, home, site), "\n".join(shown)


def cause(pairs: Pairs, journeys: list[dict[str, Any]], home: int, site: int) -> str:
    """Name the class of a difference."""
    theirs, ours = int(pairs.theirs[home, site]), int(pairs.ours[home, site])
    if theirs >= INF or theirs < ours < INF:
        return "only ours finds the later journey"
    kinds = [leg["type"] for leg in journeys[0]["legs"]] if journeys else []
    if len(kinds) > 1 and "transfer" in (kinds[1], kinds[-2]):
        return "two walks in a row"
    return "only the peer finds the later journey"


def our_itinerary(network: Network, hour: int, home: int, site: int) -> Itinerary | None:
    """Return the engine's journey of one pair."""
    edge = Edge(returning=False, at_s=3600 * hour, margin_s=MARGIN_S)
    scanned = scan(network.two_way, network.egress_s[site], edge, WINDOW)
    return itinerary(scanned, reach(scanned, network.access), network.access, home)


def theirs_in_words(journey: dict[str, Any]) -> str:
    """Return a journey of the peer on one line."""
    parts = []
    for leg in journey["legs"]:
        times = f"{clock(leg['departure_s'])}–{clock(leg['arrival_s'])}"
        name = f"trip {leg['trip_id']}" if leg["type"] == "transit" else f"walk ({leg['type']})"
        parts.append(f"{times} {name}")
    return ", ".join(parts)


def ours_in_words(peer: Peer, found: Itinerary | None) -> str:
    """Return a journey of the engine on one line."""
    if found is None:
        return "none"
    trips = peer.dataset.feed.trips["trip_id"].astype(str).tolist()
    return ", ".join(
        f"{clock(leg.depart_s)}–{clock(leg.arrive_s)} "
        + (f"trip {trips[leg.trip]}" if leg.kind == "ride" else leg.kind)
        for leg in found.legs
    )


def clock(second: int) -> str:
    """Return a time of day with its seconds."""
    return format_clock(int(second), seconds=True)


# ------------------------------------------------------------- each on its own streets


def own_streets(dataset: Dataset) -> dict[str, Any]:
    """Compare door to door, then swap one table at a time to see which one makes the difference."""
    ours = Network.build(dataset, min_change_s=0)
    peer = Peer.own_streets(dataset)
    theirs = replace(
        ours,
        two_way=TwoWay(
            build_timetable(
                dataset.feed,
                dataset.date,
                dataset.zone,
                peer.own_footpaths(),
                min_change_s=0,
                max_transfer_walk_s=10**6,
            )
        ),
        access=peer.own_walks(dataset.homes, 1200),
        egress_s=egress_rows(peer.own_walks(dataset.sites, 1200), len(dataset.feed.stops)),
    )
    answers = {"door to door": ours, "with the peer's walks": theirs}
    answers["with the peer's walks from home"] = replace(ours, access=theirs.access)
    answers["with the peer's walks to the gate"] = replace(ours, egress_s=theirs.egress_s)
    answers["with the peer's walks between stops"] = replace(ours, two_way=theirs.two_way)
    row: dict[str, Any] = {"dataset": dataset.name} | walk_differences(ours, theirs)
    left = {hour: peer.departures(theirs.access, theirs.egress_s, hour) for hour in STARTS_H}
    answers["with the peer's walks, chained"] = chained(theirs)
    for name, network in answers.items():
        on_foot = walks_by_a_stop(theirs if name.endswith("chained") else network)
        pairs = [
            Pairs(
                hour,
                our_departures(network, hour, on_foot),
                np.where(left[hour] < 3600 * hour - WINDOW.max_total_s, INF, left[hour]),
            )
            for hour in STARTS_H
        ]
        row[name] = counts(dataset, pairs)["within 60 s"]
    return row


def walk_differences(ours: Network, theirs: Network) -> dict[str, str]:
    """Return how far the walks from home of both sides are apart."""
    n_stops = ours.egress_s.shape[1]
    one, two = (egress_rows(n.access, n_stops).astype(np.int64) for n in (ours, theirs))
    both, either = (one < INF) & (two < INF), (one < INF) | (two < INF)
    return {
        "walks in both tables": f"{both.sum() / either.sum():.0%}",
        "median difference of a walk": f"{np.median(np.abs(one - two)[both]):.0f} s",
    }


# ------------------------------------------------------------------------------- page


def run() -> dict[str, Any]:
    """Compare every dataset, write the page and return the figures."""
    first, examples, second = [], [], []
    for dataset in DATASETS.values():
        small = smaller(dataset, N_HOMES)
        row, shown = same_walks(small)
        say(f"  same walks and rules, {dataset.name}: {row['within 60 s']} of {row['reached']:,}")
        first.append(row)
        examples += shown
        if dataset.osm_path.suffix == ".pbf":
            second.append(own_streets(small))
            say(f"  own streets, {dataset.name}: {second[-1]['door to door']}")
    figures = {"same_walks": first, "own_streets": second, "machine": machine()}
    PAGE.write_text(page(figures, examples), encoding="utf-8")
    return figures


def page(figures: dict[str, Any], examples: list[str]) -> str:
    """Return docs/peer-comparison.md."""
    from benchmarks.texts import PEER_PAGE

    versions = figures["machine"]["versions"]
    rows = [
        {k: v for k, v in row.items() if k != "classes"}
        | {"of which": ", ".join(f"{n} {k}" for k, n in row["classes"].items()) or None}
        for row in figures["same_walks"]
    ]
    return PEER_PAGE.format(
        cafein=versions["cafein"],
        mobility=versions["mobility"],
        date=figures["machine"]["date"],
        n_homes=N_HOMES,
        same=table("The same walks and the same rule for walking on", rows),
        own=table("Each side on its own streets: share within 60 s", figures["own_streets"]),
        examples="\n\n".join(examples) or "There is none.",
    )
