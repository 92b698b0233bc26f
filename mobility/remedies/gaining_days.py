"""A lever kept to the kinds of day on which those work who gain by it.

A departure that a feed writes once per calendar is tried on all of them at once. Its copies of
days on which no shift is worked that gains stay as they are: nobody asks, or pays, for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mobility.engine.journeys import Edge
from mobility.remedies.model import DayNetwork, Effects, Lever

if TYPE_CHECKING:
    from mobility.remedies.search import Workbench


def on_gaining_days(
    bench: Workbench, tried: Sequence[tuple[Lever, Effects]]
) -> list[tuple[Lever, Effects]]:
    """Return levers, and their effects, without trips of days on which nobody who gains works.

    A trip that runs on several kinds of day under one id stays whole. The effects are those of
    the lever returned, as if it were tried anew: on each kind of day it changes either all the
    trips that it changed before or none. Where that cannot be told, it stays as it is.
    """
    worked: dict[tuple[int, Edge], set[str]] = {}
    for window in bench.windows:
        worked.setdefault((window.site, window.edge), set()).add(window.day.kind)
    return [_kept(bench, worked, lever, effects) for lever, effects in tried]


def _kept(
    bench: Workbench, worked: dict[tuple[int, Edge], set[str]], lever: Lever, effects: Effects
) -> tuple[Lever, Effects]:
    # What other modes gain is not looked into.
    at = [bench.windows[w] for w, effect in effects.items() if effect.gained.size or effect.others]
    gaining = {kind for window in at for kind in worked[window.site, window.edge]}
    # A new stop is for all trips of its line.
    if lever.kind == "stop" or len(lever.trips) == 1 or not gaining:
        return lever, effects
    running = {kind: _own_trips(network, lever) for kind, network in bench.nets.items()}
    kept = {trip for kind in gaining for trip in running[kind]}
    whole = {kind for kind, trips in running.items() if trips <= kept}
    # A trip that runs on none of the dates studied is of another date of one of their kinds.
    left_out = {trip for trips in running.values() for trip in trips} - kept
    if not left_out or any(trips & kept and kind not in whole for kind, trips in running.items()):
        return lever, effects
    # What runs on the day before or after a date studied may serve an edge of another date.
    if any(_serves_neighbours(bench, kind, lever) for kind in bench.nets):
        return lever, effects
    trips = tuple(trip for trip in lever.trips if trip not in left_out)
    left = {w: e for w, e in effects.items() if bench.windows[w].day.kind in whole}
    return replace(lever, trips=trips), left


def _own_trips(network: DayNetwork, lever: Lever) -> set[int]:
    """Return the trips of a lever that run on the service day itself."""
    return set(network.pieces.trip[network.own_places(lever.trips)].tolist())


def _serves_neighbours(bench: Workbench, kind: str, lever: Lever) -> bool:
    """Return whether a trip of the service day before, or after, touches a window of the day.

    Before or after the lever is pulled.
    """
    network = bench.nets[kind]
    pieces, places = network.pieces, network.places(lever.trips)
    places = places[network.timetable.run_day[pieces.run[places]] != 0]
    low_s, high_s = bench.spans[kind]
    begin_s = pieces.start_s[places] + min(lever.shift_s, 0) - lever.drive_s
    end_s = pieces.end_s[places] + max(lever.shift_s, 0) + lever.drive_s
    return bool(np.any((begin_s[:, None] <= high_s) & (end_s[:, None] >= low_s)))
