"""Walks around stops put beside those of a study, measured once for all sets of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from mobility.base.cache import content_hash
from mobility.commute.study import Study
from mobility.commute.walks import mode_times, walks_between_stops, walks_to_places
from mobility.sources.gtfs.read import Feed
from mobility.streets.arcs import times_key
from mobility.timetable.footpaths import WalkTable, joined_walks

Points = NDArray[np.float64]
Tables = tuple[WalkTable, ...]
#: Sets of places the walks around which are kept with a study.
MOST_SETS = 2


class NewStops:
    """Some sets of stops, each put beside those of a study by itself.

    Parameters
    ----------
    study
        The study; its views are asked for later.
    sets
        Degrees, float64 (stops, 2) each.
    """

    def __init__(self, study: Study, sets: Sequence[Points]) -> None:
        self._territory, self._feed = study.territory, study.feed
        # Sets share places, each of which is asked once.
        self._lonlat, place = np.unique(np.concatenate(sets), axis=0, return_inverse=True)
        self._every = place.ravel()
        self._own = np.split(self._every, np.cumsum([*map(len, sets)])[:-1])
        self._known = _measured(study, self._lonlat)
        self._joined: dict[tuple[object, ...], tuple[Tables, Tables]] = {}

    def walks_to(self, view: Study, k: int | None) -> tuple[WalkTable, WalkTable]:
        """Return the walks of homes and of gates in a view, to a set too; to all if None."""

        def measure() -> Tables:
            points = view.homes.lonlat, view.gates_lonlat
            return tuple(self._walks(view, some, self._lonlat) for some in points)

        old, own, tables = len(self._feed.stops), self._of(k), (view.home_walks, view.gate_walks)
        # Views with the same tables take the same seconds.
        key = (k, *map(id, tables))
        if key not in self._joined:
            pairs = zip(tables, self._once(view, "to", measure), strict=True)
            self._joined[key] = (
                tables,
                tuple(
                    joined_walks([(table, 0, 0), (more.taken(stops=own), 0, old)], table.n_rows)
                    for table, more in pairs
                ),
            )
        home, gate = self._joined[key][1]
        return home, gate

    def walks_between(self, view: Study, k: int | None, feed: Feed) -> WalkTable:
        """Return the walks between stops in a view.

        Parameters
        ----------
        feed
            The study's with one more, whose stops are a set and come last.
        """
        territory, streets, safe = self._territory, view.streets, view.kept_safe
        if not feed.pathways.empty:  # ways lead through entrances of stations
            return walks_between_stops(territory, streets, feed, safe=safe)
        limit_s = territory.limits.max_transfer_walk_min * 60

        def measure() -> Tables:
            old, new = self._feed.lonlat(), self._lonlat
            return (
                walks_between_stops(territory, streets, self._feed, safe=safe),
                self._walks(view, old, new, limit_s),
                self._walks(view, new, old, limit_s),
                self._walks(view, new, new, limit_s),
            )

        among, onto, off, new = self._once(view, "between", measure)
        n, own = among.n_rows, self._of(k)
        parts = [
            (among, 0, 0),
            (onto.taken(stops=own), 0, n),
            (off.taken(rows=own), n, 0),
            (new.taken(rows=own, stops=own).to_itself(), n, n),
        ]
        return joined_walks(parts, feed.n_stops)

    def _of(self, k: int | None) -> NDArray[np.intp]:
        """Return the places of the stops of a set, of all if None."""
        return self._every if k is None else self._own[k]

    def _walks(
        self, view: Study, points: Points, places: Points, limit_s: float | None = None
    ) -> WalkTable:
        return walks_to_places(
            self._territory, view.streets, points, places, safe=view.kept_safe, limit_s=limit_s
        )

    def _once(self, view: Study, what: str, measure: Callable[[], Tables]) -> Tables:
        """Return what is measured, shared by views in which walking takes the same seconds."""
        lights = (False, True) if view.kept_safe else (False,)
        times = [mode_times(self._territory, view.streets, "walk", safe=s) for s in lights]
        key = (what, *times_key(*times))
        if key not in self._known:
            self._known[key] = measure()
        return self._known[key]


def _measured(study: Study, lonlat: Points) -> dict[tuple[object, ...], Tables]:
    """Return what was measured around some places before, to be completed."""
    beside, key = study.views.beside, content_hash([lonlat])
    if key not in beside:
        while len(beside) >= MOST_SETS:
            beside.pop(next(iter(beside)))
        beside[key] = {}
    return beside[key]
