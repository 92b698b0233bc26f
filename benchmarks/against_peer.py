"""Speed against the peer: the same question asked of both sides."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

from benchmarks.compare import chained, walks_by_a_stop
from benchmarks.datasets import (
    ALIGNED,
    LIMITS,
    MARGIN_S,
    STARTS_H,
    Dataset,
    Network,
    arrive_by_edges,
    ask_all,
    ready,
    smaller,
)
from benchmarks.peer import Peer
from benchmarks.timing import seconds
from mobility.engine.journeys import EngineLimits
from mobility.timetable.arrays import INF

#: Numbers of homes of `more_homes`.
HOMES = (1_000, 10_000, 50_000)
#: Back to the start of the service day of any deadline.
UNBOUNDED = EngineLimits(86_400, 100_000, 3, 100_000)


def against_peer(dataset: Dataset) -> dict[str, Any]:
    """Ask 10 sites x 6 deadlines x all homes of both sides, each on all cores.

    ``same_walks``: both are given the same walks, the same rule for walking on (`chained`) and
    the same bounds (`ALIGNED`), none of which limits a walk or a wait; ``equal`` is the share of
    the pairs reached whose departures agree to the second, ``within_60_s`` to a minute.
    ``public``: the peer's public call, which searches its own walks; its
    answers differ where the streets do. ``product``: the same call against the product's own
    limits, which the peer cannot apply.
    """
    start = time.perf_counter()
    network = ready(Network.build(dataset, min_change_s=0))
    ours_built = time.perf_counter() - start
    edges, cores = arrive_by_edges(), os.cpu_count() or 1
    further = chained(network)
    aligned = seconds(lambda: ask_all(further, edges, ALIGNED, threads=cores))
    product = seconds(lambda: ask_all(network, edges, LIMITS, threads=cores))
    one_off = seconds(lambda: tables_once(dataset))

    given = Peer.our_tables(network)
    walks = given.prepared(network.access, network.egress_s)
    same = seconds(lambda: [given.search(*walks, hour) for hour in STARTS_H])
    row: dict[str, Any] = {
        "dataset": dataset.name,
        "ours_same_walks_s": aligned,
        "ours_product_s": product,
        "ours_tables_s": one_off,
        "ours_build_s": ours_built,
        "cafein_same_walks_s": same,
        "ratio_same_walks": same / aligned,
    } | agreement(network, further, given)
    if dataset.osm_path.suffix != ".pbf":
        return row
    start = time.perf_counter()
    peer = Peer.own_streets(dataset)
    theirs_built = time.perf_counter() - start
    public = seconds(lambda: peer.travel_times(dataset.homes, dataset.sites, STARTS_H))
    return row | {
        "cafein_public_s": public,
        "cafein_build_s": theirs_built,
        "ratio_public": public / aligned,
        "ratio_public_tables_in": public / (aligned + one_off),
        "ratio_public_builds_in": (public + theirs_built) / (aligned + ours_built),
        "ratio_product": public / product,
    }


def agreement(network: Network, further: Network, peer: Any) -> dict[str, Any]:
    """Compare the answers of a question with the peer's, pair by pair."""
    # The peer's answer holds walking to a stop and on to the gate; ours holds rides alone.
    walked = MARGIN_S + walks_by_a_stop(network)
    edges = arrive_by_edges()
    answers = [home.elapsed_s for home in ask_all(further, edges, ALIGNED)]
    # From (sites, edges, homes) to (homes, edges, sites).
    found = np.array(answers, np.int64).reshape(-1, len(edges), len(answers[0])).transpose(2, 1, 0)
    reached = exact = close = 0
    for k, hour in enumerate(STARTS_H):
        ours = np.minimum(found[:, k], np.where(walked <= ALIGNED.max_total_s, walked, INF))
        theirs = 3600 * hour - peer.departures(network.access, network.egress_s, hour)
        theirs = np.where((theirs < 0) | (theirs > ALIGNED.max_total_s), INF, theirs)
        either = (ours < INF) | (theirs < INF)
        reached += int(either.sum())
        exact += int((either & (ours == theirs)).sum())
        close += int((either & (np.abs(ours - theirs) <= 60)).sum())
    return {"reached": reached, "equal": exact / reached, "within_60_s": close / reached}


def more_homes(dataset: Dataset) -> dict[str, Any]:
    """Ask the same question for many more homes, and with no bound on the time taken.

    The peer searches from the gates as well, so that its time hardly depends on the homes; it
    always searches back to the start of the service day. ``unbounded`` does so on our side, a
    whole day back: it then also finds journeys that leave before midnight, which the peer does
    not; all others are equal.
    """
    row: dict[str, Any] = {"dataset": dataset.name}
    edges, cores = arrive_by_edges(), os.cpu_count() or 1
    for n_homes in HOMES:
        network = ready(Network.build(smaller(dataset, n_homes), min_change_s=0))
        given = Peer.our_tables(network)
        walks = given.prepared(network.access, network.egress_s)
        theirs = seconds(lambda: [given.search(*walks, hour) for hour in STARTS_H])  # noqa: B023
        row[f"cafein_{n_homes}_s"] = theirs
        for name, limits in (("bounded", ALIGNED), ("unbounded", UNBOUNDED)):
            ours = seconds(lambda: ask_all(network, edges, limits, threads=cores))  # noqa: B023
            row[f"ours_{n_homes}_{name}_s"] = ours
            row[f"ratio_{n_homes}_{name}"] = theirs / ours
    return row


def tables_once(dataset: Dataset) -> None:
    """Compute the one-off tables: walks of homes and gates, and between stops."""
    dataset.walks_of(dataset.homes)
    dataset.walks_of(dataset.sites)
    dataset.footpaths()
