"""Places where riders who book are met: the shuttles' stops, and one more where none is near."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mobility.commute.study import Study
from mobility.shuttles.config import ShuttleConfig
from mobility.shuttles.drive import drive_graph, drive_matrix
from mobility.shuttles.model import UNREACHED, Bools, Ints, Place
from mobility.shuttles.places import lonlat_of, walk_matrix
from mobility.shuttles.scene import Scene
from mobility.streets.arcs import Times

SQUARE_M = 1_000.0  # one more place for each square with homes far from every stop
MOST = 300  # of them, those with the most workers


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
    the most workers of their square of `SQUARE_M`.

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
    far = np.flatnonzero(wanted & (scene.walk_s > limit_s).all(axis=1))
    if not len(far):
        return scene
    lonlat = study.homes.lonlat[homes]
    total = scene.staff.sum(axis=0)[far]
    xy = study.streets.project(*lonlat[far].T)
    _, square = np.unique(np.floor(xy / SQUARE_M), axis=0, return_inverse=True)
    square = square.ravel()
    weight = np.bincount(square, weights=total)
    kept = np.sort(np.argsort(-weight, kind="stable")[:MOST])
    order = np.lexsort((-total, square))
    first = np.unique(square[order], return_index=True)[1]
    chosen = far[order[first[kept]]]
    points = lonlat[chosen].tolist()
    more = [Place(f"{lat:.4f}, {lon:.4f}", lon, lat, "node") for lon, lat in points]
    places = (*scene.places, *more)
    graph = drive_graph(
        study.streets, study.territory.speeds, lonlat_of(places), factor=config.drive_factor,
        times=times,
    )  # fmt: skip
    walk = np.full((len(scene.walk_s), len(more)), UNREACHED, np.int32)
    walk[far] = walk_matrix(study, lonlat[far], more, limit_s)
    return replace(
        scene, places=places, drive=drive_matrix(graph, np.arange(len(places))),
        xy=study.streets.project(*lonlat_of(places).T), walk_s=np.hstack([scene.walk_s, walk]),
    )  # fmt: skip
