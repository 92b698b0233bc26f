"""Places where riders who book are met: the shuttles' stops, and one more where none is near."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mobility.commute.study import Study
from mobility.shuttles.config import ShuttleConfig
from mobility.shuttles.drive import drive_graph, drive_matrix
from mobility.shuttles.model import UNREACHED, Bools, Floats, Ints, Place
from mobility.shuttles.places import lonlat_of, walk_matrix
from mobility.shuttles.scene import Scene
from mobility.streets.arcs import Times

_SQUARE_M = 1_000.0  # one more place for each square with homes far from every stop
MOST = 200  # of them, those with the most workers
ROUNDS = 3  # the last ones for homes too far from the place of their square


def is_stop(scene: Scene) -> Bools:
    """Return bool[P]: the places where riders may be met, neither gates nor the depot."""
    return np.array([p.kind not in ("gate", "depot") for p in scene.places])


def met(
    study: Study,
    scene: Scene,
    homes: Ints,
    wanted: Bools,
    limit_s: int,
    config: ShuttleConfig,
    times: Times,
) -> Scene:
    """Return a scene with the places where riders who book are met.

    Where wanted homes are too far from every stop to walk there, riders are met at the home with
    the most workers of their square of `_SQUARE_M`.

    Parameters
    ----------
    homes
        Row of the study's homes of each home of the scene.
    wanted
        bool[H] homes that may book.
    limit_s
        Longest walk to a stop.
    times
        A car's seconds per street piece.
    """
    lonlat = study.homes.lonlat[homes]
    xy = study.streets.project(*lonlat.T)
    total = scene.staff.sum(axis=0)
    walk, more = scene.walk_s[:, is_stop(scene)], list[Place]()
    for _ in range(ROUNDS):
        far = np.flatnonzero(wanted & (walk > limit_s).all(axis=1))
        if not len(far):
            break
        chosen = far[_heaviest(xy[far], total[far])]
        new = [Place(f"{y:.4f}, {x:.4f}", x, y, "node") for x, y in lonlat[chosen].tolist()]
        reach = np.full((len(walk), len(new)), UNREACHED, np.int32)
        reach[far] = walk_matrix(study, lonlat[far], new, limit_s)
        walk, more = np.hstack([walk, reach]), [*more, *new]
    if not more:
        return scene
    places = (*scene.places, *more)
    graph = drive_graph(
        study.streets, study.territory.speeds, lonlat_of(places), factor=config.drive_factor,
        times=times,
    )  # fmt: skip
    return replace(
        scene, places=places, drive=drive_matrix(graph, np.arange(len(places))),
        xy=study.streets.project(*lonlat_of(places).T),
        walk_s=np.hstack([scene.walk_s, walk[:, walk.shape[1] - len(more) :]]),
    )  # fmt: skip


def _heaviest(xy: Floats, people: Floats) -> Ints:
    """Return the home with the most people of each square, `MOST` squares at most."""
    _, square = np.unique(np.floor(xy / _SQUARE_M), axis=0, return_inverse=True)
    square = square.ravel()
    kept = np.sort(np.argsort(-np.bincount(square, weights=people), kind="stable")[:MOST])
    order = np.lexsort((-people, square))
    first = np.unique(square[order], return_index=True)[1]
    return np.asarray(order[first[kept]], np.int32)
