"""The lines that run today: where each goes, and when its trips of each kind of day run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from mobility.base.cache import Bundle
from mobility.commute.study import Study
from mobility.outputs.map.model import ExistingLine
from mobility.timetable.arrays import Timetable
from mobility.timetable.runs import headways, that_leave


def existing_lines(study: Study) -> tuple[ExistingLine, ...]:
    """Return each line of the timetable that runs on a day studied, by name.

    The path is that of the stops of its longest trip. Lines of one name are one line, as riders
    see it.
    """

    def compute() -> Bundle:
        lines, none = list(_lines(study)), np.zeros((0, 2))
        trips = [trips for line in lines for trips in line.trips]
        return {
            "names": np.frombuffer(json.dumps([line.name for line in lines]).encode(), np.uint8),
            "path": np.concatenate([none, *(line.path for line in lines)]),
            "path_ptr": np.cumsum([0, *(len(line.path) for line in lines)]),
            "trip": np.concatenate([none, *trips]).astype(np.int64),
            "trip_ptr": np.cumsum([0, *map(len, trips)]),
        }

    kept = study.kept(["lines"], compute)
    found = {name: np.asarray(array) for name, array in kept.items()}
    paths, trips = (np.split(found[name], found[f"{name}_ptr"][1:-1]) for name in ("path", "trip"))
    days = len(study.days)
    return tuple(
        ExistingLine(name, paths[k], tuple(trips[k * days : (k + 1) * days]))
        for k, name in enumerate(json.loads(found["names"].tobytes()))
    )


def _lines(study: Study) -> Iterator[ExistingLine]:
    days = [study.timetables[day.kind].timetable for day in study.days]
    found: dict[str, list[NDArray[np.int64]]] = {}
    paths: dict[str, NDArray[np.float64]] = {}
    lonlat, names = study.feed.lonlat(), study.feed.line_names
    for d, tt in enumerate(days):
        runs = np.flatnonzero((tt.run_day == 0) & (np.diff(tt.run_ptr) > 1))
        for name, mine in _by_name(tt, that_leave(tt, runs), names).items():
            start_s, end_s = tt.call_dep[tt.run_ptr[mine]], tt.call_arr[tt.run_ptr[mine + 1] - 1]
            end_s = end_s - headways(tt)[mine]
            minutes = np.column_stack([start_s // 60, (end_s - start_s) // 60]).astype(np.int64)
            empty = np.zeros((0, 2), np.int64)
            trips = found.setdefault(name, [empty for _ in days])
            trips[d] = minutes[np.argsort(minutes[:, 0], kind="stable")]
            path = _longest(study, tt, mine, lonlat)
            if name not in paths or len(path) > len(paths[name]):
                paths[name] = path
    for name in sorted(found):
        if len(paths[name]) > 1:
            yield ExistingLine(name, paths[name], tuple(found[name]))


def _by_name(
    tt: Timetable, runs: NDArray[np.intp], names: Sequence[str]
) -> dict[str, NDArray[np.intp]]:
    grouped: dict[str, list[int]] = {}
    for run, trip in zip(runs.tolist(), tt.call_trip[tt.run_ptr[runs]].tolist(), strict=True):
        if trip >= 0:
            grouped.setdefault(names[trip], []).append(run)
    return {name: np.array(mine) for name, mine in grouped.items()}


def _longest(
    study: Study, tt: Timetable, runs: NDArray[np.intp], lonlat: NDArray[np.float64]
) -> NDArray[np.float64]:
    run = runs[int(np.argmax(tt.run_ptr[runs + 1] - tt.run_ptr[runs]))]
    stops = study.feed.own_stop[tt.call_stop[tt.run_ptr[run] : tt.run_ptr[run + 1]]]
    points = lonlat[stops]
    return points[np.isfinite(points).all(axis=1)]
