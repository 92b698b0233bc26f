"""Requests of a simulated day: who books which ride, between which place and which gate.

Riders of a day are whole people drawn from the expected ones of each shift end by systematic
sampling: along the homes in order, one at each whole step of their sum. Several draws of a day
stand for its chances, and on average give exactly the expected riders.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby

import numpy as np

from mobility.base.clock import DAY_S
from mobility.commute.study import Study
from mobility.shuttles.anchors import gate_anchor
from mobility.shuttles.config import ShuttleConfig
from mobility.shuttles.drive import drive_graph, drive_matrix
from mobility.shuttles.model import DAY_CUT_S, UNREACHED, Anchor, Bools, Day, Floats, Ints, Place
from mobility.shuttles.places import gate_walks, lonlat_of, walk_matrix
from mobility.shuttles.scene import Scene
from mobility.shuttles.schedule import arrival_slacks
from mobility.streets.arcs import Times

_SQUARE_M = 1_000.0  # one more place for each square with homes far from every stop
MOST = 200  # of them, those with the most workers
ROUNDS = 3  # the last ones for homes too far from the place of their square
_GOLDEN = 0.6180339887498949  # steps of the draws' starts from one shift end to the next
TOO_FAR = "no stop within a walk"
_NO_WAY = "no street leads there"
TOO_LONG = "the direct drive is longer than a rider accepts"
# Window at the gate, direct and longest ride, why it cannot be: see `Request`.
_Terms = tuple[int, int, int, int, str]


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
        study.streets,
        study.territory.speeds,
        lonlat_of(places),
        factor=config.drive_factor,
        times=times,
    )
    return replace(
        scene,
        places=places,
        drive=drive_matrix(graph, np.arange(len(places))),
        xy=study.streets.project(*lonlat_of(places).T),
        walk_s=np.hstack([scene.walk_s, walk[:, walk.shape[1] - len(more) :]]),
    )


def _heaviest(xy: Floats, people: Floats) -> Ints:
    """Return the home with the most people of each square, `MOST` squares at most."""
    _, square = np.unique(np.floor(xy / _SQUARE_M), axis=0, return_inverse=True)
    square = square.ravel()
    kept = np.sort(np.argsort(-np.bincount(square, weights=people), kind="stable")[:MOST])
    order = np.lexsort((-people, square))
    first = np.unique(square[order], return_index=True)[1]
    return np.asarray(order[first[kept]], np.int32)


@dataclass(frozen=True)
class Request:
    """Riders of one shift end who book between one place and the gate.

    Attributes
    ----------
    edge, place, gate
        Shift end; places, ``place`` on the home's side, -1 where there is none.
    homes
        Of its riders, whole people: rows of the scene's, one for each.
    inbound
        To the gate.
    early_s, late_s
        Window at the gate, seconds on the axis of the day that operates.
    direct_s, limit_s
        Ride without a detour, and the longest one; the halt at its first stop included.
    why
        Why it cannot be served, an English text; empty where it can.
    """

    edge: int
    place: int
    gate: int
    homes: tuple[int, ...]
    inbound: bool
    early_s: int
    late_s: int
    direct_s: int
    limit_s: int
    why: str = ""

    @property
    def riders(self) -> int:
        """Whole people."""
        return len(self.homes)

    @cached_property
    def ride(self) -> tuple[int, int, int, bool, int, int, int]:
        """What a vehicle is asked, whoever rides: place, gate, riders, direction, times, limit."""
        return (
            self.place, self.gate, self.riders, self.inbound, self.early_s, self.late_s,
            self.limit_s,
        )  # fmt: skip

    @property
    def span_s(self) -> tuple[int, int]:
        """The earliest its ride may start, and the latest it may end."""
        if self.inbound:
            return self.early_s - self.limit_s, self.late_s
        return self.early_s, self.late_s + self.limit_s


def _gates_of(study: Study, scene: Scene, config: ShuttleConfig) -> Anchor:
    """Return the gates of the sites of a scene, and when their shift ends are due there.

    A site none of whose gates is a place of the scene is left out.
    """
    at = {(p.lon, p.lat): k for k, p in enumerate(scene.places) if p.kind == "gate"}
    gates = {
        site: at[gate]
        for site in sorted({e.site for e in scene.edges})
        for gate in study.sites[site].gates
        if gate in at
    }
    walks = gate_walks(study, scene.places, gates)
    return gate_anchor(study, scene.edges, gates, walks, list(gates), config)


@dataclass(frozen=True, eq=False)
class Bookings:
    """Who may book, and what riders accept.

    Attributes
    ----------
    scene
        Places, drives, walks and shift ends.
    gates
        See `_gates_of`.
    lacking
        For each kind of day, bool[E,H]: the homes that lack each shift end on it.
    wait_s
        Longest wait at the gate.
    capture_rate
        Share of the workers who ride.
    """

    scene: Scene
    gates: Anchor
    lacking: Mapping[str, Bools]
    wait_s: int
    capture_rate: float

    @cached_property
    def stops(self) -> tuple[Ints, Ints]:
        """Where each home gets on or off, -1 where nowhere, and its walk there, of each shift end.

        int32[E,H] both: the nearest stop from where the direct drive is short enough, else the
        nearest.
        """
        shape = (len(self.scene.edges), self.scene.n_homes)
        place, walk = np.full(shape, -1, np.int32), np.zeros(shape, np.int32)
        known: dict[tuple[object, ...], tuple[Ints, Ints]] = {}
        for e, call in enumerate(self.calls):
            if call < 0:
                continue
            at_s, used_s, beyond_s = (
                int(a[e, call]) for a in (self.gates.at_s, self.gates.used_s, self.gates.walk_s)
            )
            key = (call, self.scene.edges[e].direction, used_s, beyond_s, at_s // 3600 % 24)
            if key not in known:
                known[key] = self._nearest(e, beyond_s)
            place[e], walk[e] = known[key]
        return place, walk

    def _nearest(self, e: int, beyond_s: int) -> tuple[Ints, Ints]:
        """Return the stop of each home at one shift end, and the walk there."""
        scene, gate, limits = self.scene, self.gates.places[self.calls[e]], self.scene.limits
        home, at, walk_s = self._near
        kept = walk_s <= min(limits.max_stop_walk_s, limits.max_walk_s - beyond_s)
        home, at, walk_s = home[kept], at[kept], walk_s[kept]
        inbound = scene.edges[e].direction == "in"
        drive = (scene.drive.seconds[:, gate] if inbound else scene.drive.seconds[gate])[at]
        direct = np.minimum(drive, UNREACHED // 2) + scene.dwell_s
        late = direct > self._longest(e, drive, walk_s)
        # Any stop near is worse than all from where one is there in time.
        order = np.lexsort((at, walk_s, late, home))
        some, first = np.unique(home[order], return_index=True)
        place, walk = np.full(scene.n_homes, -1, np.int32), np.zeros(scene.n_homes, np.int32)
        place[some], walk[some] = at[order[first]], walk_s[order[first]]
        return place, walk

    @cached_property
    def _near(self) -> tuple[Ints, Ints, Ints]:
        """Every home with each stop within a walk, int32[N]: home, stop and walk."""
        walk_s = self.scene.walk_s
        near = is_stop(self.scene) & (walk_s <= self.scene.limits.max_stop_walk_s)
        home, at = np.nonzero(near)
        return home.astype(np.int32), at.astype(np.int32), walk_s[home, at]

    @cached_property
    def calls(self) -> list[int]:
        """The position among ``gates`` of each shift end's, -1 where it has none."""
        return [self.gates.call_of(e) for e in range(len(self.scene.edges))]

    @cached_property
    def bookable(self) -> Bools:
        """Whether each home can be driven at each shift end, bool[E,H].

        It has a stop, vehicles come from the depot to the gate and back, and the direct drive is
        no longer than a rider accepts.
        """
        scene = self.scene
        out = np.zeros((len(scene.edges), scene.n_homes), bool)
        for e, call in enumerate(self.calls):
            if call < 0:
                continue
            gate, place = self.gates.places[call], self.stops[0][e]
            at = np.where(place >= 0, place, gate)
            seconds = scene.drive.seconds
            drive = seconds[at, gate] if scene.edges[e].direction == "in" else seconds[gate, at]
            direct = np.minimum(drive, UNREACHED // 2) + np.where(at == gate, 0, scene.dwell_s)
            least = self._longest(e, drive, self.stops[1][e])
            near = max(seconds[scene.depot, gate], seconds[gate, scene.depot]) < UNREACHED
            out[e] = near & (place >= 0) & (drive < UNREACHED) & (direct <= least)
        return out

    def ends(self, day: Day) -> list[tuple[int, int, str]]:
        """Return the shift ends of a day that operates.

        Each with the days its shift began before, and the kind of day on which it did.
        """
        found = []
        for e, edge in enumerate(self.scene.edges):
            if self.calls[e] < 0:
                continue
            before = (int(self.gates.at_s[e, self.calls[e]]) - DAY_CUT_S) // DAY_S
            date = (day.weekday - before) % 7
            kind = day.kinds[date]
            runs = date in edge.weekdays and kind in edge.day_kinds and kind in self.lacking
            if runs and edge.season & day.season:
                found.append((e, before, kind))
        return found

    def expected(self, served: Bools, e: int, kind: str) -> Floats:
        """Return the riders expected from each home at a shift end, on a kind of day.

        Parameters
        ----------
        served
            bool[S,H] shifts and homes that may book.
        """
        row = self.scene.edge_shift[e]
        people = np.where(served[row] & self.lacking[kind][e], self.scene.workers[row], 0.0)
        return np.asarray(people * self.capture_rate, np.float64)

    def queue(self, people: Floats, e: int) -> tuple[list[int], list[float]]:
        """Return the homes of those who may book at a shift end, by their place, and their sums.

        Parameters
        ----------
        people
            See `expected`.
        """
        homes = np.flatnonzero(people)
        order = homes[np.argsort(self.stops[0][e, homes], kind="stable")]
        return order.tolist(), np.cumsum(people[order]).tolist()

    def requests(
        self, queue: tuple[list[int], list[float]], e: int, before: int, share: float
    ) -> list[Request]:
        """Return the requests of one draw of a shift end.

        Parameters
        ----------
        queue
            See `queue`.
        before
            Days its shift began before the day that operates.
        share
            Where the draw stands among those of the day, from 0 to 1.
        """
        order, total = queue
        if not order:
            return []
        place, walk_s, terms = self._terms[e]
        start, last = (share + _GOLDEN * e) % 1.0, len(order) - 1
        drawn = [
            order[min(bisect_right(total, start + k), last)]
            for k in range(math.ceil(total[-1] - start))
        ]
        gate, inbound = self.gates.places[self.calls[e]], self.scene.edges[e].direction == "in"
        found = []
        for at, mine in groupby(drawn, place.__getitem__):
            riders = tuple(mine)
            early, late, direct, limit, why = terms[max(riders, key=walk_s.__getitem__)]
            early, late = early - before * DAY_S, late - before * DAY_S
            found.append(Request(e, at, gate, riders, inbound, early, late, direct, limit, why))
        return found

    @cached_property
    def _terms(self) -> list[tuple[list[int], list[int], list[_Terms]]]:
        """Place and walk of each home, and the terms on which it is driven, of each shift end.

        Riders who get on or off together are driven on the terms of the one who walks farthest.
        """
        found = []
        for e, call in enumerate(self.calls):
            place, walk_s = self.stops[0][e], self.stops[1][e]
            terms = [] if call < 0 else self._asked(e, place, walk_s)
            found.append((place.tolist(), walk_s.tolist(), terms))
        return found

    def _asked(self, e: int, place: Ints, walk_s: Ints) -> list[_Terms]:
        """Return the terms of each home at a shift end that has a gate."""
        scene, limits, call = self.scene, self.scene.limits, self.calls[e]
        gate, inbound = self.gates.places[call], scene.edges[e].direction == "in"
        at_s, used_s = int(self.gates.at_s[e, call]), int(self.gates.used_s[e, call])
        drive = scene.drive.seconds[:, gate] if inbound else scene.drive.seconds[gate]
        drive = np.where(place >= 0, drive[place], 0)
        direct = drive + np.where(place != gate, scene.dwell_s, 0)
        longest = self._longest(e, drive, walk_s)
        why = np.where(direct > longest, TOO_LONG, "")
        why = np.where(place < 0, TOO_FAR, np.where(drive >= UNREACHED, _NO_WAY, why))
        slack = np.zeros_like(longest)
        if inbound:
            slack = np.where(why == "", arrival_slacks(scene, longest, at_s), slack)
        room = limits.max_total_s - walk_s - used_s
        wait = np.minimum(limits.max_wait_s, room - longest) - slack
        wait = np.minimum(self.wait_s, wait).clip(min=0)
        late = at_s - slack + (0 if inbound else wait)
        columns = late - wait, late, direct, longest.clip(min=0), why
        return list(zip(*(c.tolist() for c in columns), strict=True))

    def _longest(self, e: int, drive_s: Ints, walk_s: Ints) -> Ints:
        """Return the longest rides at a shift end by the direct drives and the walks.

        Inbound, what a ride leaves sooner for a slow day is part of the whole time too.
        """
        limits, call = self.scene.limits, self.calls[e]
        room = limits.max_total_s - walk_s - int(self.gates.used_s[e, call])
        longest = np.minimum(limits.longest_ride(drive_s), room)
        if self.scene.edges[e].direction == "in":
            due_s = int(self.gates.at_s[e, call])
            longest = np.minimum(longest, room - arrival_slacks(self.scene, longest, due_s))
        return np.asarray(longest, np.int32)


def who_books(
    study: Study,
    scene: Scene,
    homes: Ints,
    wanted: Bools,
    lacking: Mapping[str, Bools],
    config: ShuttleConfig,
    times: Times,
) -> Bookings:
    """Return who may book on a scene, with the places where they are met.

    Parameters
    ----------
    homes, wanted, times
        See `met`.
    lacking
        See `Bookings`.
    """
    gates, limits = _gates_of(study, scene, config), scene.limits
    walk_s = min(limits.max_walk_s - int(gates.walk_s.max(initial=0)), limits.max_stop_walk_s)
    scene = met(study, scene, homes, wanted, walk_s, config, times)
    wait_s = round(config.on_demand_wait_min * 60)
    return Bookings(scene, gates, lacking, wait_s, config.capture_rate)


def waves(requests: Sequence[Request]) -> list[list[Request]]:
    """Return the requests in groups whose rides cannot overlap in time; sorted by `span_s`."""
    groups: list[list[Request]] = []
    end = -UNREACHED
    for request in requests:
        start, last = request.span_s
        if start >= end:
            groups.append([])
        groups[-1].append(request)
        end = max(end, last) if len(groups[-1]) > 1 else last
    return groups
