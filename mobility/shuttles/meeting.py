"""Places where riders who book are met: the shuttles' stops, and one more where none is near."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mobility.shuttles.drive import drive_graph, drive_matrix
from mobility.shuttles.model import UNREACHED, Place
from mobility.shuttles.places import lonlat_of, walk_matrix
from mobility.shuttles.plans import Plans
from mobility.shuttles.scene import Scene

SQUARE_M = 1_000.0  # one more place for each square with homes far from every stop
MOST = 150  # of them, those with the most workers


def met(plans: Plans) -> Scene:
    """Return the scene of some plans with the places where riders who book are met.

    Where homes are too far from every stop to walk there, riders are met at the home with the
    most workers of their square of `SQUARE_M`.
    """
    scene, study = plans.scene, plans.study
    assert plans.homes_xy is not None
    limit = scene.limits.max_stop_walk_s
    far = np.flatnonzero((scene.walk_s > limit).all(axis=1))
    if not len(far):
        return scene
    total = scene.staff.sum(axis=0)[far]
    _, square = np.unique(np.floor(plans.homes_xy[far] / SQUARE_M), axis=0, return_inverse=True)
    square = square.ravel()
    weight = np.bincount(square, weights=total)
    kept = np.argsort(-weight, kind="stable")[:MOST]
    order = np.lexsort((-total, square))
    first = np.unique(square[order], return_index=True)[1]
    chosen = far[order[first[np.sort(kept)]]]
    lonlat = study.homes.lonlat
    points = lonlat[plans.homes[chosen]]
    more = [Place("", float(lon), float(lat), "node") for lon, lat in points]
    places = (*scene.places, *more)
    graph = drive_graph(
        study.streets, study.territory.speeds, lonlat_of(places),
        factor=plans.config.drive_factor, times=plans.graph.times,
    )  # fmt: skip
    walk = np.full((len(scene.walk_s), len(more)), UNREACHED, np.int32)
    walk[far] = walk_matrix(study, lonlat[plans.homes[far]], more, limit)
    return replace(
        scene, places=places, drive=drive_matrix(graph, np.arange(len(places))),
        xy=study.streets.project(*lonlat_of(places).T), walk_s=np.hstack([scene.walk_s, walk]),
    )  # fmt: skip
