"""Connections missed by a little: departures that could wait for riders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from mobility.commute.study import Study
from mobility.remedies.model import DayNetwork, Lever
from mobility.remedies.window import Window

#: How long a trip may wait for riders at one stop, seconds.
_HOLDS_S = (60, 120, 180, 240, 300)
#: A connection is worth holding where the next departure of the line is later than this.
_NEXT_DEPARTURE_S = 600


def held(
    study: Study,
    nets: dict[str, DayNetwork],
    windows: Sequence[Window],
    twins: dict[int, tuple[int, ...]],
) -> Iterator[tuple[Lever, ...]]:
    """Yield trips held at a stop for riders of another line who miss them by a little.

    Only where the riders come by train or metro, or at the end of their trip, and where the
    next departure of the held line is more than ten minutes away: elsewhere holding a
    vehicle costs those aboard more than it brings.
    """
    wanted: dict[tuple[tuple[int, ...], int], set[int]] = {}
    for window in windows:
        for trip, stop, hold_s in _missed(study, nets[window.day.kind], window):
            wanted.setdefault((twins[trip], stop), set()).add(hold_s)
    for (trips, stop), holds in sorted(wanted.items()):
        yield tuple(Lever("hold", trips, shift_s=h, stop=stop) for h in sorted(holds))


def _is_rail(route_type: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return whether route types are trains or metros (basic and extended GTFS types)."""
    kind = np.asarray(route_type, np.int64)
    return np.asarray(
        (kind == 1) | (kind == 2) | ((kind >= 100) & (kind < 200)) | (kind // 100 == 4)
    )


def _missed(study: Study, network: DayNetwork, window: Window) -> Iterator[tuple[int, int, int]]:
    """Yield (trip, stop, seconds to hold) of connections missed by five minutes at most.

    On the way to work the missed vehicle must lead to the gate in time; on the way home the
    late one must come from it.
    """
    tt = network.timetable
    low, high = window.span_s
    route = study.feed.trips["route"].to_numpy()
    rail = _is_rail(study.feed.routes["route_type"].to_numpy())
    used = np.zeros(tt.n_runs, bool)
    used[window.run_ids[window.is_used]] = True
    returning = window.edge.returning
    runs = window.run_ids[used[window.run_ids]] if returning else window.run_ids
    spans = [np.arange(tt.run_ptr[r], tt.run_ptr[r + 1]) for r in runs]
    calls = np.concatenate(spans) if spans else np.zeros(0, np.int64)
    run = tt.run_ptr.searchsorted(calls, side="right") - 1
    trip = tt.call_trip[calls]
    at_end = calls == tt.run_ptr[1:][run] - 1
    near = tt.call_alight[calls] & (trip >= 0)
    near &= (tt.call_arr[calls] >= low) & (tt.call_arr[calls] <= high)
    near &= at_end | rail[route[trip]]
    late = calls[near]
    # Every change from a late vehicle, and the departures just before one is there.
    feet = np.diff(tt.foot_ptr)[tt.call_stop[late]]
    late = np.repeat(late, feet)
    foot = np.arange(late.size) - np.repeat(np.cumsum(feet) - feet, feet)
    foot += tt.foot_ptr[tt.call_stop[late]]
    stop, ready_s = tt.foot_stop[foot], tt.call_arr[late] + tt.foot_need_s[foot]
    # Loading the compiler takes half a second, which nobody waits for who asks nothing.
    from mobility.remedies.kernel import just_left

    line = np.where(tt.call_trip >= 0, route[tt.call_trip], -1).astype(np.int64)
    row, left = just_left(
        stop, ready_s, line[late], line, tt.dep_ptr, tt.dep_time, tt.dep_call,
        _HOLDS_S[-1], _NEXT_DEPARTURE_S,
    )  # fmt: skip
    if not returning:
        led = used[tt.run_ptr.searchsorted(left, side="right") - 1]
        row, left = row[led], left[led]
    hold_s = -(-(ready_s[row] - tt.call_dep[left]) // 60) * 60
    trips = tt.call_trip[left]
    yield from zip(trips.tolist(), stop[row].tolist(), hold_s.tolist(), strict=True)
