"""Speed on the real territories: against the oracle, the memory and reading the tables."""

from __future__ import annotations

import io
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numba import njit

from benchmarks.against_peer import against_peer, more_homes
from benchmarks.datasets import (
    DATASETS,
    LIMITS,
    MARGIN_S,
    SPEEDS,
    STARTS_H,
    Dataset,
    Network,
    arrive_by_edges,
    ask_all,
    ready,
    roster_edges,
    smaller,
)
from benchmarks.timing import REPEATS, say, seconds
from mobility.engine.journeys import Edge, HomeTimes, TwoWay, deadline_of, earliest_of, scan, travel
from mobility.sources.gtfs.read import read_feed
from mobility.timetable.arrays import (
    INF,
    RunArrays,
    Timetable,
    index_timetable,
    mirrored,
    take_runs,
)
from mobility.timetable.change import with_runs
from mobility.timetable.footpaths import home_walks

TESTS = Path(__file__).parents[1] / "tests"
#: Tables of a feed that a timetable needs.
READ = (
    "agency",
    "calendar",
    "calendar_dates",
    "routes",
    "stop_times",
    "stops",
    "transfers",
    "trips",
)


def against_oracle(dataset: Dataset) -> dict[str, Any]:
    """Ask the oracle a sample under the product's limits; answers must be equal.

    One home of each of five sites, with a journey where there is one, at 06:00: the oracle
    needs seconds to minutes a home, and longer still at the busier deadlines, so that the
    ratio scaled from 06:00 is a lower bound.
    """
    network = ready(Network.build(dataset))
    edge, edges = arrive_by_edges()[1], arrive_by_edges()
    ours = seconds(lambda: ask_all(network, edges, LIMITS))
    taken, equal = [], 0
    for site, row in enumerate(network.egress_s[-REPEATS:], start=len(network.egress_s) - REPEATS):
        found = travel(network.two_way, row, edge, LIMITS, network.access).elapsed_s
        home = int(np.flatnonzero(found < INF)[0]) if (found < INF).any() else 0
        case = as_case(network, site, edge)
        start = time.perf_counter()
        (answer,) = oracle().leave_home(case, [home])
        taken.append(time.perf_counter() - start)
        equal += int(found[home] == (INF if answer is None else case.edge - answer.time))
    questions = len(network.egress_s) * len(edges) * dataset.n_homes
    return {
        "dataset": dataset.name,
        "networkx_s_per_home": float(np.median(taken)),
        "networkx_s_scaled": float(np.median(taken)) * questions,
        "ours_s": ours,
        "ratio": float(np.median(taken)) * questions / ours,
        "sampled": len(taken),
        "equal": equal,
    }


def oracle() -> Any:
    """Return the tests' oracle module."""
    if str(TESTS) not in sys.path:
        sys.path.insert(0, str(TESTS))
    import oracle as module

    return module


def as_case(network: Network, site: int, edge: Edge) -> Any:
    """Turn one site and edge of a real network into the oracle's plain data."""
    module, tt = oracle(), network.two_way.timetable
    low = edge.at_s - LIMITS.max_total_s
    runs = []
    for r in range(tt.n_runs):
        part = range(tt.run_ptr[r], tt.run_ptr[r + 1])
        if tt.call_dep[part[0]] <= edge.at_s and tt.call_arr[part[-1]] >= low:
            runs.append(
                tuple(
                    module.Call(
                        int(tt.call_stop[c]),
                        int(tt.call_arr[c]),
                        int(tt.call_dep[c]),
                        bool(tt.call_board[c]),
                        bool(tt.call_alight[c]),
                    )
                    for c in part
                )
            )
    source = np.repeat(np.arange(tt.n_stops), np.diff(tt.foot_ptr))
    feet = zip(
        source.tolist(),
        tt.foot_stop.tolist(),
        tt.foot_walk_s.tolist(),
        tt.foot_need_s.tolist(),
        strict=True,
    )
    access, row = network.access, network.egress_s[site]
    homes = []
    for h in range(access.n_rows):
        part = slice(access.ptr[h], access.ptr[h + 1])
        homes.append(
            dict(zip(access.stop[part].tolist(), access.walk_s[part].tolist(), strict=True))
        )
    return module.Case(
        n_stops=tt.n_stops,
        runs=tuple(runs),
        footpaths=tuple(feet),
        homes=tuple(homes),
        gate={int(s): int(row[s]) for s in np.flatnonzero(row < INF)},
        edge=edge.at_s,
        margin=edge.margin_s,
        rules=module.Rules(
            LIMITS.max_total_s, LIMITS.max_walk_s, LIMITS.max_transfers, LIMITS.max_wait_s
        ),
    )


# ------------------------------------------------------------------------ against limits


@njit(cache=True)
def read_once(*arrays):  # type: ignore[no-untyped-def]
    """Add up every element: the time that memory alone takes."""
    total = 0
    for array in arrays:
        for value in array:
            total += value
    return total


def against_memory(dataset: Dataset) -> dict[str, Any]:
    """One pass, and reading once the arrays that it works on."""
    network = ready(Network.build(dataset))
    rows = []
    for edge in arrive_by_edges():
        one_way = network.two_way.onward
        tt = one_way.timetable
        lo, hi = one_way.runs_between(earliest_of(edge, LIMITS), deadline_of(edge))
        c = slice(tt.run_ptr[lo], tt.run_ptr[hi])
        arrays = (
            tt.run_ptr[lo : hi + 1], tt.call_stop[c], tt.call_arr[c], tt.call_dep[c],
            tt.call_alight[c].view(np.uint8), tt.call_pos[c], tt.foot_ptr, tt.foot_stop,
            tt.foot_walk_s, tt.foot_need_s,
        )  # fmt: skip
        labels = scan(network.two_way, network.egress_s[0], edge, LIMITS).label
        arrays += tuple(labels)

        def read(arrays: tuple[np.ndarray, ...] = arrays) -> None:
            for array in arrays:
                read_once(array)

        passes = [
            seconds(lambda: scan(network.two_way, row, edge, LIMITS))  # noqa: B023
            for row in network.egress_s
        ]
        rows.append((float(np.median(passes)), seconds(read), sum(a.nbytes for a in arrays)))
    scans, reads, sizes = (np.array(x) for x in zip(*rows, strict=True))
    return {
        "dataset": dataset.name,
        "pass_ms": 1e3 * float(np.median(scans)),
        "read_ms": 1e3 * float(np.median(reads)),
        "megabytes": float(np.median(sizes)) / 1e6,
        "ratio": float(np.median(scans / reads)),
        "ratio_per_sweep": float(np.median(scans / reads)) / (LIMITS.max_transfers + 1),
    }


def clipped(tt: Timetable, first_s: int, last_s: int) -> Timetable:
    """Return the timetable of the runs on the way at some moment of a time window."""
    starts, ends = tt.call_dep[tt.run_ptr[:-1]], tt.call_arr[tt.run_ptr[1:] - 1]
    kept = np.flatnonzero((starts <= last_s) & (ends >= first_s)).astype(np.int64)
    return index_timetable(tt.n_stops, take_runs(tt.runs, kept), tt.feet).with_feet_of(tt)


def what_if(dataset: Dataset) -> dict[str, Any]:
    """One trip moved, and a line of six runs added, for one site and shift over all homes.

    The runs around the shift's edge are cut out once; that time is told apart.
    """
    network = Network.build(dataset)
    edge, row = arrive_by_edges()[2], network.egress_s[0]
    tt = network.two_way.timetable
    first, last = earliest_of(edge, LIMITS), deadline_of(edge)
    cut = clipped(tt, first, last)
    middle = cut.n_runs // 2
    stops = np.tile(cut.call_stop[cut.run_ptr[middle] : cut.run_ptr[middle] + 6], 6)
    times = (first + 600 * np.arange(6)[:, None] + 120 * np.arange(stops.size // 6)).ravel()
    line = RunArrays(
        np.arange(7) * (stops.size // 6), stops, *[times.astype(np.int32)] * 2,
        *np.ones((2, stops.size), bool), np.full(stops.size, -1, np.int32), np.zeros(6, np.int8),
    )  # fmt: skip

    def moved(whole: Any) -> HomeTimes:
        run = whole.n_runs // 2
        return travel(
            TwoWay(with_runs(whole, shifted={run: 300})), row, edge, LIMITS, network.access
        )

    def added() -> HomeTimes:
        return travel(TwoWay(with_runs(cut, added=line)), row, edge, LIMITS, network.access)

    return {
        "dataset": dataset.name,
        "trip_moved_ms": 1e3 * seconds(lambda: moved(cut), repeats=21),
        "line_of_6_added_ms": 1e3 * seconds(added, repeats=21),
        "trip_moved_whole_day_ms": 1e3 * seconds(lambda: moved(tt), repeats=21),
        "cut_once_ms": 1e3 * seconds(lambda: clipped(tt, first, last)),
        "cut_and_moved_ms": 1e3 * seconds(lambda: moved(clipped(tt, first, last)), repeats=21),
        "homes": dataset.n_homes,
        "connections": tt.n_calls - tt.n_runs,
    }


def building(dataset: Dataset) -> dict[str, Any]:
    """From the feed to the timetable, against reading its tables with pandas.

    Pandas reads the same tables and all of their columns: guessing types (its quickest way),
    or as text, which is how partridge and this package want it.
    """
    walks = dataset.footpaths()
    content = dataset.gtfs_path.read_bytes()

    def with_pandas(**options: Any) -> None:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = {Path(n).stem: n for n in archive.namelist()}
            for table in READ:
                if table in names:
                    pd.read_csv(archive.open(names[table]), low_memory=False, **options)

    read = seconds(lambda: read_feed(dataset.gtfs_path, cache=False))
    again = seconds(lambda: read_feed(dataset.gtfs_path))
    build = seconds(lambda: dataset.timetable(walks))
    mirror = seconds(lambda: mirrored(dataset.timetable(walks))) - build
    csv = seconds(with_pandas)
    text = seconds(lambda: with_pandas(dtype="str"))
    return {
        "dataset": dataset.name,
        "read_s": read,
        "read_cached_s": again,
        "build_s": build,
        "mirror_s": max(mirror, 0.0),
        "pandas_s": csv,
        "pandas_text_s": text,
        "ratio": (read + build) / csv,
        "ratio_text": (read + build) / text,
        "ratio_cached": (again + build) / csv,
    }


def walking_table(dataset: Dataset, *, n_homes: int = 50_000) -> dict[str, Any]:
    """50,000 homes to the stops, computed and then from the cache."""
    large = smaller(dataset, n_homes)
    homes, streets, stops = large.homes, dataset.streets, dataset.stops_lonlat
    once = seconds(lambda: large.walks_of(homes), repeats=REPEATS)
    with tempfile.TemporaryDirectory() as folder:
        with_cache = _with_env("MOBILITY_CACHE_DIR", folder)
        with with_cache:
            home_walks(streets, homes, stops, 1200, SPEEDS)
            cached = seconds(lambda: home_walks(streets, homes, stops, 1200, SPEEDS))
    return {
        "dataset": dataset.name,
        "homes": n_homes,
        "stops": len(stops),
        "table_s": once,
        "cached_s": cached,
        "pairs": int(large.walks_of(homes).stop.size),
    }


def _with_env(name: str, value: str) -> Any:
    from unittest.mock import patch

    return patch.dict("os.environ", {name: value})


def threads(dataset: Dataset, *, n_homes: int = 20_000) -> dict[str, Any]:
    """Ask the same 60 questions on one and two threads; the answers must be equal.

    Of many homes: questions of a tenth of a millisecond are over before a thread is woken.
    """
    network = ready(Network.build(smaller(dataset, n_homes)))
    edges = roster_edges()
    one, two = (ask_all(network, edges, LIMITS, threads=n) for n in (1, 2))
    same = all(np.array_equal(a.elapsed_s, b.elapsed_s) for a, b in zip(one, two, strict=True))
    taken = {n: seconds(lambda: ask_all(network, edges, LIMITS, threads=n)) for n in (1, 2)}  # noqa: B023
    return {
        "dataset": dataset.name,
        "homes": n_homes,
        "one_thread_ms": 1e3 * taken[1],
        "two_threads_ms": 1e3 * taken[2],
        "speed_up": taken[1] / taken[2],
        "equal": same,
    }


MEASURES = (
    against_peer,
    more_homes,
    against_oracle,
    against_memory,
    what_if,
    building,
    walking_table,
    threads,
)


def run(chosen: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Take the measures named, on every dataset."""
    figures: dict[str, list[dict[str, Any]]] = {}
    for measure in MEASURES:
        name = measure.__name__
        if name not in chosen:
            continue
        figures[name] = []
        for dataset in list(DATASETS.values())[: 1 if measure is more_homes else None]:
            figures[name].append(measure(dataset))
            say(f"  {name}, {dataset.name}")
    return figures


def sizes() -> list[dict[str, Any]]:
    """Return what the datasets hold."""
    rows = []
    for d in DATASETS.values():
        tt = d.timetable(d.footpaths())
        rows.append(
            {
                "dataset": d.name,
                "date": d.date.isoformat(),
                "stops": len(d.feed.stops),
                "runs on d-1..d+1": tt.n_runs,
                "connections": tt.n_calls - tt.n_runs,
                "street pieces": int(d.streets.edge_u.size),
                "homes": d.n_homes,
                "sites": d.n_sites,
                "deadlines": len(STARTS_H),
                "margin_s": MARGIN_S,
            }
        )
    return rows
