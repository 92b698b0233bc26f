"""Rides of many sites, asked together before each of them asks for its own.

Where many sites have a shift that begins or ends at the same time, `mobility.engine.batches`
answers them at once. Whoever then asks for one site, see `mobility.commute.door_to_door`, finds
its rides known. Overtime is asked site by site: `mobility.engine.hold` tells whether a direction
holds in less than its times take, together or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from mobility.base.arrays import Int32
from mobility.commute.study import Study
from mobility.commute.variants import open_at
from mobility.engine.batches import FEWEST, even_parts, travel_together
from mobility.engine.journeys import Edge, EngineLimits
from mobility.sources.days import ChosenDay

#: Seconds of every home by riding, int32[H], known by site, kind of day, edge and limits.
_Ahead = dict[tuple[int, str, Edge, EngineLimits], Int32]
#: Bytes of what is known at a time.
_MOST_BYTES = 1 << 27


@dataclass(frozen=True)
class Rides:
    """Which rides are asked for of a site on a kind of day.

    Attributes
    ----------
    edges
        Both edges of each shift; none where nobody rides.
    known
        Whether what is asked of them is known already.
    """

    site: int
    day: ChosenDay
    edges: Sequence[tuple[Edge, Edge]]
    known: bool


def in_turn(
    study: Study, rides: Sequence[Rides], limits: EngineLimits, pool: ThreadPoolExecutor
) -> Iterator[int]:
    """Yield the place of each of ``rides``, once those it shares with other sites are known."""
    waiting: dict[str, list[int]] = {}
    # What lies in the dark depends on the home, and others answer for a study with a stand-in.
    alike = study.views.stand_in is None and not study.territory.limits.safe_at_night
    for place, one in enumerate(rides):
        if alike and one.edges and not one.known:
            waiting.setdefault(one.day.kind, []).append(place)
        else:
            yield place
    for places in waiting.values():
        for part in _parts(study, rides, places):
            with _known(study, [rides[place] for place in part], limits, pool):
                yield from part


def _parts(study: Study, rides: Sequence[Rides], places: Iterable[int]) -> Iterator[list[int]]:
    """Yield as many as are asked at a time."""
    part: list[int] = []
    room = _MOST_BYTES
    each = study.n_homes * 2 * 4
    for place in places:
        taken = each * len(rides[place].edges)
        if part and taken > room:
            yield part
            part, room = [], _MOST_BYTES
        part.append(place)
        room -= taken
    if part:
        yield part


@contextmanager
def _known(
    study: Study, rides: Sequence[Rides], limits: EngineLimits, pool: ThreadPoolExecutor
) -> Iterator[None]:
    """Know, meanwhile, the rides of those sites of a kind of day whose edges are the same."""
    day = rides[0].day
    ahead: _Ahead = {}
    sites: dict[Edge, dict[int, None]] = {}
    for one in rides:
        for edges in one.edges:
            for edge in edges:
                sites.setdefault(edge, {})[one.site] = None
    jobs = []
    for edge, found in sites.items():
        if len(found) < FEWEST:
            continue
        open_at(study, day, edge)  # made once, before threads ask for it
        jobs += [(edge, part) for part in even_parts([*found])]

    def ask(job: tuple[Edge, list[int]]) -> None:
        _ask(study, day, job[0], job[1], limits, ahead)

    for _ in pool.map(ask, jobs):
        pass
    study.views.ahead = ahead
    try:
        yield
    finally:
        study.views.ahead = None


def _ask(
    study: Study, day: ChosenDay, edge: Edge, sites: list[int], limits: EngineLimits, ahead: _Ahead
) -> None:
    """Find the rides of an edge of some sites."""
    here = open_at(study, day, edge)
    questions = [(here.egress_s[site], edge) for site in sites]
    found = travel_together(here.timetables[day.kind], questions, limits, here.home_walks)
    for site, times in zip(sites, found, strict=True):
        ahead[site, day.kind, edge, limits] = times.elapsed_s
