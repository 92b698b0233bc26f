"""Synthetic scenes: a plane where driving and walking times are multiplications."""

import numpy as np

from mobility.shuttles.config import ShuttleConfig, VehicleType
from mobility.shuttles.model import UNREACHED, Anchor, Drive, Edge, Place
from mobility.shuttles.scene import RideLimits, Scene

DRIVE_MS, WALK_MS = 10.0, 1.25
WEEK = (0, 1, 2, 3, 4)
KINDS = {
    "school_weekday": (0, 1, 2, 3, 4),
    "holiday_weekday": (0, 1, 2, 3, 4),
    "saturday": (5,),
    "sunday": (6,),
}
H = 3600


def manhattan(a, b):
    return np.abs(a[:, None, :] - b[None, :, :]).sum(axis=2)


def drive_of(xy):
    metres = manhattan(xy, xy)
    return Drive(np.rint(metres / DRIVE_MS).astype(np.int32), metres)


def shift_edges(
    shifts, *, site=0, first=0, weekdays=WEEK, kinds=("school_weekday", "holiday_weekday")
):
    """Both edges of each (start, end) in hours; an end at or before the start is next day."""
    edges, rows = [], []
    for k, (start, clock) in enumerate(shifts):
        end = clock if clock > start else clock + 24
        edges.append(Edge(first + k, site, "in", round(start * H), tuple(weekdays), tuple(kinds)))
        edges.append(Edge(first + k, site, "out", round(end * H), tuple(weekdays), tuple(kinds)))
        rows += [first + k, first + k]
    return edges, rows


def anchor_for(edges, gate, *, sites=(0,), places=None, margin_s=600, buffer_s=120, name="Porte"):
    places = places or [gate]
    at = np.full((len(edges), len(places)), UNREACHED, np.int32)
    used = np.zeros_like(at)
    for e, edge in enumerate(edges):
        if edge.site in sites:
            i = sites.index(edge.site) if len(places) > 1 else 0
            sign = -1 if edge.direction == "in" else 1
            at[e, i] = edge.clock_s + sign * (margin_s + buffer_s)
            used[e, i] = margin_s + buffer_s
    return Anchor(tuple(places), at, used, np.zeros_like(at), name)


def limits(**changes):
    values = {
        "max_total_s": 3600, "max_walk_s": 1200, "max_stop_walk_s": 720, "max_wait_s": 1800,
        "max_ride_s": 2700, "detour_ratio": 2.0, "detour_s": 600,
    }  # fmt: skip
    return RideLimits(**(values | changes))


def make_scene(
    places_xy,
    homes_xy,
    edges,
    rows,
    workers,
    *,
    gate=0,
    depot=None,
    needs=None,
    kinds=None,
    **changes,
):
    """A scene whose place ``gate`` is the gate and whose other places are stops."""
    places_xy, homes_xy = np.asarray(places_xy, float), np.asarray(homes_xy, float)
    walk = np.rint(manhattan(homes_xy, places_xy) / WALK_MS).astype(np.int32)
    shift_ids = np.unique(rows).astype(np.int32)
    rank = {s: k for k, s in enumerate(shift_ids)}
    workers = np.asarray(workers, float)
    if workers.ndim == 1:
        workers = np.tile(workers, (len(shift_ids), 1))
    if needs is None:
        needs = np.ones((len(edges), len(homes_xy)), bool)
    return Scene(
        places=tuple(
            Place(f"P{k}", 4.0 + x / 1e5, 46.0 + y / 1e5, "gate" if k == gate else "stop", f"s{k}")
            for k, (x, y) in enumerate(places_xy)
        ),
        xy=places_xy,
        drive=drive_of(places_xy),
        depot=gate if depot is None else depot,
        walk_s=np.where(walk <= 1800, walk, UNREACHED).astype(np.int32),
        edges=tuple(edges),
        edge_shift=np.array([rank[r] for r in rows], np.int32),
        shift_ids=shift_ids,
        roster=np.zeros(len(shift_ids), np.int32),
        workers=workers,
        staff=workers.sum(axis=0, keepdims=True),
        needs=needs,
        days=needs * 252.0,
        limits=limits(**changes),
    )


def config(**changes):
    return ShuttleConfig.from_dict(
        {"capture_low": 0.5, "capture_rate": 1.0, "capture_high": 1.0, "min_workers": 1} | changes
    )


def vehicle(name, seats, **changes):
    return VehicleType(name=name, seats=seats, passengers=seats, **changes).model_dump()
