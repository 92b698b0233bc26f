"""Inside an industrial area: ways between gates and stops, what is missing, what is dangerous.

A way is *missing* between two points near each other when the streets take more than twice the
straight line. The way from a gate to its nearest stop is looked at piece by piece: fast roads that
it crosses, and stretches unlit or along traffic without a pavement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mobility.base.arrays import Bool, Float
from mobility.base.errors import TerritoryError
from mobility.commute.night import daylight_of, in_the_dark
from mobility.commute.study import Study
from mobility.commute.variants import gate_s
from mobility.commute.walks import mode_times
from mobility.needs.links import Link, LinkSet, closed, nearest_s, shortest_links, with_link
from mobility.remedies.factors import factors_of
from mobility.streets.arcs import Times
from mobility.streets.paths import StreetPath, street_paths, street_times
from mobility.streets.tags import (
    CAR_STREETS,
    built_up,
    has_sidewalk,
    is_tagged,
    max_kmh,
    night_safe,
    tells,
)
from mobility.territory.project import StreetMode
from mobility.timetable.footpaths import walk_snaps

#: A link is missing where the way on the streets is longer than this many straight lines.
_DETOUR = 2.0
#: Points so near each other may be joined; stops so near a gate are of the area.
_LINK_M, _AREA_M = 800.0, 1500.0
# An hour: a longer way inside one area counts as none.
_SEARCH_S = 3600.0
#: From this limit on, a road is dangerous to cross where nothing helps.
_FAST_KMH = 70.0
#: Kept for meeting a shuttle at the stop, besides its drive.
_MEET_S = 300


@dataclass(frozen=True)
class Wants:
    """What is asked of the area.

    Attributes
    ----------
    mode
        ``walk`` or ``bike``.
    within_min
        Every gate is to be so near a stop.
    """

    mode: StreetMode = "walk"
    within_min: float = 10.0


class Danger(NamedTuple):
    """Junctions at which a way crosses a fast road; its pieces unlit along traffic, or bare.

    None where it has such pieces as no street of the file would tell of.
    """

    crossings: tuple[int, ...]
    unsafe: NDArray[np.intp] | None
    no_pavement: NDArray[np.intp] | None


@dataclass(frozen=True)
class Zone:
    """The gates and stops of an area, and the ways between them.

    Attributes
    ----------
    gate_site
        Row of `Study.sites` of each gate, the first points.
    stops
        Rows of the feed's stops, the points after the gates.
    seconds
        Between all points on the streets, closed.
    links, chosen
        Missing links, and the shortest set of them.
    paths
        From each gate to its nearest stop, None where there is no way.
    """

    study: Study
    wants: Wants
    gate_site: tuple[int, ...]
    stops: NDArray[np.intp]
    lonlat: Float
    seconds: Float
    links: tuple[Link, ...]
    chosen: LinkSet
    paths: tuple[StreetPath | None, ...]

    @cached_property
    def dangers(self) -> list[Danger]:
        """What is dangerous on the way from each gate to its nearest stop."""
        return _dangers(self)

    @property
    def gates(self) -> range:
        """The points that are gates."""
        return range(len(self.gate_site))

    @property
    def after(self) -> Float:
        """Seconds between all points once the chosen links are there."""
        table = self.seconds
        for k in self.chosen.chosen:
            table = with_link(table, self.links[k])
        return table

    def names(self) -> list[str]:
        """Return the name of each point: site and number of its gate, or stop."""
        sites, found = self.study.sites, []
        seen: dict[int, int] = {}
        for site in self.gate_site:
            seen[site] = seen.get(site, 0) + 1
            many = len(sites[site].gates) > 1
            found.append(f"{sites[site].name} ({seen[site]})" if many else sites[site].name)
        named = self.study.feed.stops["stop_name"].astype(str).to_numpy()
        return [*found, *named[self.stops].tolist()]

    def workers(self) -> tuple[list[float], list[float]]:
        """Return the jobs of each gate's site, and of those the ones of shifts in the dark."""
        jobs, dark = _jobs(self.study)
        share = [1 / self.gate_site.count(s) for s in self.gate_site]
        return tuple(  # type: ignore[return-value]
            [found[s] * p for s, p in zip(self.gate_site, share, strict=True)]
            for found in (jobs, dark)
        )

    def gates_table(self) -> pd.DataFrame:
        """Return the gates: nearest stop, minutes at present and with the links, dangers."""
        names, n = self.names(), len(self.gate_site)
        jobs, dark = self.workers()
        now, then = (
            nearest_s(t, self.gates, range(n, len(names))) / 60 for t in (self.seconds, self.after)
        )
        length_m, speed = self.study.streets.length_m, _speed(self.study, self.wants.mode)
        rows = []
        for g in self.gates:
            stop = n + int(np.argmin(self.seconds[g, n:])) if len(names) > n else -1
            crow_m = self._apart_m(g, stop) if stop >= 0 else np.nan
            path, danger = self.paths[g], self.dangers[g]
            # Of the first and the last piece a part is walked: the path's length bounds the sum.
            told = (
                [np.nan] * 3
                if path is None
                else [len(danger.crossings)]
                + [
                    np.nan if edges is None else min(float(length_m[edges].sum()), path.length_m)
                    for edges in danger[1:]
                ]
            )
            away = now[g] if np.isfinite(now[g]) else np.nan
            rows.append(
                (
                    names[g],
                    names[stop] if np.isfinite(now[g]) else "",
                    jobs[g],
                    dark[g],
                    away,
                    away * 60 * speed / crow_m if crow_m else np.nan,
                    *told,
                    then[g] if np.isfinite(then[g]) else np.nan,
                    bool(then[g] * 60 <= self._limit_s),
                )
            )
        columns = ["gate", "stop", "jobs", "night_jobs", "walk_min", "detour", "crossings",
                   "unsafe_m", "no_pavement_m", "after_min", "near"]  # fmt: skip
        frame = pd.DataFrame(rows, columns=columns)
        whole = ["jobs", "night_jobs", "unsafe_m", "no_pavement_m"]
        frame[whole] = frame[whole].round().astype("Int64")
        return frame.round({"walk_min": 1, "detour": 2, "after_min": 1})

    @property
    def _limit_s(self) -> float:
        return self.wants.within_min * 60

    def _apart_m(self, one: int, other: int) -> float:
        xy = self.study.streets.project(*self.lonlat[[one, other]].T)
        return float(np.linalg.norm(xy[0] - xy[1]))

    def links_table(self) -> pd.DataFrame:
        """Return the missing links, those of the shortest set first, then by what they save.

        Its index is the place of each in `Zone.links`.
        """
        names, (jobs, dark), n = self.names(), self.workers(), len(self.gate_site)
        rows = []
        for k, link in enumerate(self.links):
            ends = [p for p in (link.one, link.two) if p < n]
            now_s = self.seconds[link.one, link.two]
            rows.append(
                (
                    k in self.chosen.chosen,
                    names[link.one],
                    names[link.two],
                    link.metres,
                    now_s / 60 if np.isfinite(now_s) else np.nan,
                    now_s / link.seconds if np.isfinite(now_s) else np.nan,
                    (now_s - link.seconds) / 60 if np.isfinite(now_s) else np.nan,
                    max(jobs[p] for p in ends),
                    max(dark[p] for p in ends),
                )
            )
        columns = ["chosen", "one", "two", "metres", "walk_min", "detour", "saved_min", "jobs",
                   "night_jobs"]  # fmt: skip
        frame = pd.DataFrame(rows, columns=columns)
        whole = ["metres", "jobs", "night_jobs"]
        frame[whole] = frame[whole].astype(float).round().astype("Int64")
        order = ["chosen", "saved_min", "one", "two"]
        frame = frame.sort_values(order, ascending=[False, False, True, True])
        return frame.round({"walk_min": 1, "detour": 2, "saved_min": 1})

    def answers_table(self) -> pd.DataFrame:
        """Return the set of links beside a shuttle from each gate's nearest stop."""
        jobs = np.array(self.workers()[0])
        n = len(self.gate_site)
        now, then = (
            nearest_s(t, self.gates, range(n, len(self.lonlat))) for t in (self.seconds, self.after)
        )
        factors = factors_of(self.study)
        # No set is none of no length.
        links_m = np.nan if np.isnan(self.chosen.bound) else self.chosen.metres
        links_eur = links_m * factors["cycle_track_m"] / factors["cycle_track_years"]
        far = now > self._limit_s
        ride_s, runs = _shuttled(self, far)
        hours = max(float(ride_s[far].sum()) * 2 / 3600, factors["driver_turn"] / 2)
        shuttle_eur = runs * hours * factors["bus_hour"]
        rows = [
            (
                "links",
                links_m,
                self.chosen.bound,
                _saved(now, then, jobs),
                links_eur,
                int((then[far] <= self._limit_s).sum()),
                int(far.sum()),
            ),
            (
                "shuttle",
                np.nan,
                np.nan,
                _saved(now, np.where(far, ride_s + _MEET_S, now), jobs),
                shuttle_eur if far.any() else 0.0,
                int((ride_s[far] + _MEET_S <= self._limit_s).sum()),
                int(far.sum()),
            ),
        ]
        whole = ["metres", "bound_m", "saved_job_min", "eur_year"]
        frame = pd.DataFrame(rows, columns=["answer", *whole, "brought_near", "far"])
        frame[whole] = frame[whole].astype(float).round().astype("Int64")
        return frame


def _saved(now: Float, then: Float, jobs: Float) -> float:
    """Return jobs times minutes saved one way; a gate without any way counts none."""
    gain = np.where(np.isfinite(now) & np.isfinite(then), np.maximum(now - then, 0), 0)
    return float(gain @ jobs / 60)


def _shuttled(zone: Zone, far: Bool) -> tuple[Float, float]:
    """Return the drive from each far gate's nearest stop, and runs a year at the shifts' edges."""
    study, n = zone.study, len(zone.gate_site)
    times = mode_times(study.territory, study.streets, "car")
    table = _table(study, times, zone.lonlat, study.territory.speeds.walk_kmh / 3.6)
    ride_s = table[:n, n:].min(axis=1) if len(zone.stops) else np.full(n, np.inf)
    served = {zone.gate_site[g] for g in np.flatnonzero(far)}
    clocks = {
        (day.kind, clock): study.days_per_year(row.shift_id, day)
        for row in study.shift_rows
        for day in study.days
        if row.site in served and study.works_on(row.shift_id, day)
        for clock in (row.start_s, row.end_s)
    }
    return np.asarray(ride_s, np.float64), float(sum(clocks.values()))


def zone_of(study: Study, wants: Wants) -> Zone:
    """Return what is missing between the gates of a study and the stops around them.

    Raises
    ------
    TerritoryError
        No stop is around any gate, or another mode is asked for.
    """
    if wants.mode not in ("walk", "bike"):
        raise TerritoryError(
            "A link is walked or cycled.",
            column="--mode",
            value=wants.mode,
            mend="Write walk or bike.",
        )
    gates = study.gates_lonlat
    gate_site = tuple(k for k, site in enumerate(study.sites) for _ in site.gates)
    stops = _stops_around(study, gates)
    if not stops.size:
        raise TerritoryError(
            "No stop is within {away} m of a gate.",
            column="sites.gates",
            mend="Check the gates, or give the timetables of the network that serves them.",
            away=_AREA_M,
        )
    lonlat = np.vstack([gates, study.feed.lonlat()[stops]])
    times = mode_times(study.territory, study.streets, wants.mode)
    speed = _speed(study, wants.mode)
    seconds = closed(_table(study, times, lonlat, study.territory.speeds.walk_kmh / 3.6))
    links = _missing(study, lonlat, len(gates), seconds, speed)
    n = len(gates)
    chosen = shortest_links(seconds, range(n), range(n, len(lonlat)), links, wants.within_min * 60)
    nearest = n + seconds[:n, n:].argmin(axis=1)
    ends = [walk_snaps(study.streets, times, points) for points in (gates, lonlat[nearest])]
    paths = street_paths(
        study.streets, times, *ends, connector_speed_ms=study.territory.speeds.walk_kmh / 3.6
    )
    return Zone(study, wants, gate_site, stops, lonlat, seconds, links, chosen, tuple(paths))


def _speed(study: Study, mode: StreetMode) -> float:
    speeds = study.territory.speeds
    return (speeds.walk_kmh if mode == "walk" else speeds.bike_kmh) / 3.6


def _stops_around(study: Study, gates: Float) -> NDArray[np.intp]:
    """Return the stops where something leaves on some day studied, near a gate."""
    stops, lonlat = study.feed.stops, study.feed.lonlat()
    own = ((stops["location_type"] == 0) & (stops["copy_of"] < 0)).to_numpy()
    served = np.zeros(len(stops), bool)
    for day in study.days:
        tt = study.timetables[day.kind].timetable
        served[study.feed.own_stop[tt.call_stop[tt.call_board]]] = True
    rows = np.flatnonzero(own & served & np.isfinite(lonlat).all(axis=1))
    project = study.streets.project
    away = np.linalg.norm(project(*lonlat[rows].T)[:, None] - project(*gates.T)[None], axis=2)
    return np.asarray(rows[away.min(axis=1, initial=np.inf) <= _AREA_M])


def _table(study: Study, times: Times, lonlat: Float, connector_ms: float) -> Float:
    """Return seconds between all points on the streets, the slower of both directions."""
    snaps = walk_snaps(study.streets, times, lonlat)
    pairs = street_times(
        study.streets, times, snaps, snaps, limit_s=_SEARCH_S, connector_speed_ms=connector_ms
    )
    table = np.full((len(lonlat),) * 2, np.inf)
    table[np.repeat(np.arange(len(lonlat)), np.diff(pairs.ptr)), pairs.target] = pairs.time_s
    return np.asarray(np.maximum(table, table.T))


def _missing(
    study: Study, lonlat: Float, n_gates: int, seconds: Float, speed: float
) -> tuple[Link, ...]:
    """Return the pairs with a gate whose way is over `_DETOUR` times the straight line."""
    xy = study.streets.project(*lonlat.T)
    away = np.linalg.norm(xy[:, None] - xy[None], axis=2)
    found = []
    for a in range(n_gates):
        for b in range(a + 1, len(lonlat)):
            metres = float(away[a, b])
            if 1.0 <= metres <= _LINK_M and seconds[a, b] > _DETOUR * metres / speed:
                found.append(Link(a, b, metres, metres / speed))
    return tuple(found)


def _dangers(zone: Zone) -> list[Danger]:
    """Return what is dangerous on the way from each gate to its nearest stop.

    A road is crossed at a junction where it is none of the pieces before and after.
    """
    study, mode = zone.study, zone.wants.mode
    streets, tags = study.streets, study.streets.tags
    kmh, driven = max_kmh(tags, built_up(streets)), is_tagged(tags, "highway", CAR_STREETS)
    fast = (kmh >= _FAST_KMH) & driven
    at_fast = np.zeros(streets.n_nodes, bool)
    at_fast[streets.edge_u[fast]] = at_fast[streets.edge_v[fast]] = True
    safe = night_safe(streets, mode, assume_lit=study.territory.night.assume_lit)
    paved = tells(tags, "sidewalk")
    beside = paved if mode == "walk" else tells(tags, "cycleway")
    known = beside or tells(tags, "lit")
    bare = driven & ~has_sidewalk(tags) & (kmh > 30)

    def those(edges: NDArray[np.intp], bad: Bool, told: bool) -> NDArray[np.intp] | None:
        rows = edges[bad[edges]]
        return rows if told or not rows.size else None

    found = []
    for path in zone.paths:
        edges = np.zeros(0, np.intp) if path is None else path.edges.astype(np.intp)
        crossings = []
        for one, two in pairwise(edges.tolist()):
            shared = {int(streets.edge_u[one]), int(streets.edge_v[one])}
            shared &= {int(streets.edge_u[two]), int(streets.edge_v[two])}
            if not fast[one] and not fast[two]:
                crossings += [node for node in shared if at_fast[node]][:1]
        unsafe, no_pavement = those(edges, ~safe, known), those(edges, bare, paved)
        found.append(Danger(tuple(crossings), unsafe, no_pavement))
    return found


def _jobs(study: Study) -> tuple[list[float], list[float]]:
    """Return the jobs of each site, and those of its shifts that begin or end in the dark."""
    jobs, dark = ([0.0] * len(study.sites) for _ in range(2))
    for row in study.shift_rows:
        jobs[row.site] += row.headcount
        days: Sequence[object] = [d for d in study.days if study.works_on(row.shift_id, d)]
        at = [
            bool(in_the_dark(daylight_of(study, day), np.array([gate_s(edge)]))[0])  # type: ignore[arg-type]
            for day in days
            for edge in study.edges(row.shift_id, day)  # type: ignore[arg-type]
        ]
        dark[row.site] += row.headcount * any(at)
    return jobs, dark
