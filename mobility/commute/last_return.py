"""Last-return guarantee: who is still home when the shift ends late, or a connection is missed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from mobility.base.arrays import Bool
from mobility.base.cache import Bundle
from mobility.base.machine import spread, thread_count
from mobility.commute.access import site_key
from mobility.commute.door_to_door import at_gate, home_in_dark, ride, transit_times
from mobility.commute.study import Study, engine_limits
from mobility.commute.variants import after_dark, open_at
from mobility.engine.itineraries import Itinerary, itinerary
from mobility.engine.journeys import Edge, EngineLimits, HomeTimes, Scan, travel
from mobility.sources.days import ChosenDay
from mobility.timetable.arrays import INF

#: How late the shift may end, minutes.
_LATE_MIN = (15, 30, 60)


@dataclass(frozen=True, eq=False)
class LastReturn:
    """Who comes home after each shift, on time and when something goes wrong.

    Attributes
    ----------
    keys
        One row per shift and kind of day: ``shift_id``, ``day_kind``.
    on_time : bool[K, H]
        Whether the return by public transport (or on foot) holds.
    late : bool[K, L, H]
        Whether it holds when the shift ends late; the limits then count from that end.
    missed : bool[K, H]
        Whether it still holds, within the limits of the first plan, whichever one of its
        connections is missed; the wait is then counted from the missed departure.
    """

    study: Study
    keys: pd.DataFrame
    on_time: Bool
    late: Bool
    missed: Bool

    def to_frame(self) -> pd.DataFrame:
        """Return workers per shift and kind of day.

        Columns: ``site``, ``roster``, ``shift``, ``day_kind``, ``pool``, ``on_time``,
        ``late_<m>`` (of those, still home when the shift ends m minutes late) and
        ``missed_connection`` (of those, still home).
        """
        rows = []
        for k, (shift_id, kind) in enumerate(self.keys.itertuples(index=False, name=None)):
            row = self.study.shift_rows[shift_id]
            pool = self.study.pool(row.site, row.roster)
            held = self.on_time[k]
            figures = {
                "site": row.site_name,
                "roster": row.roster,
                "shift": row.shift,
                "day_kind": kind,
                "pool": pool.sum(),
                "on_time": pool @ held,
            }
            for m, late in zip(_LATE_MIN, self.late[k], strict=True):
                figures[f"late_{m}"] = pool @ (held & late)
            figures["missed_connection"] = pool @ (held & self.missed[k])
            rows.append(figures)
        return pd.DataFrame(rows)


def last_return(study: Study) -> LastReturn:
    """Ask, for every shift and kind of day, who comes home when things go wrong."""
    limits = engine_limits(study.territory.limits)
    pairs = [
        (row.shift_id, day)
        for row in study.shift_rows
        for day in study.days
        if study.works_on(row.shift_id, day)
    ]
    found: list[Bundle] = []
    with ThreadPoolExecutor(max_workers=thread_count()) as pool:
        for site in range(len(study.sites)):
            mine = [(s, d) for s, d in pairs if study.shift_rows[s].site == site]
            key = site_key(study, site, [(s, d, "") for s, d in mine])
            make = partial(_of_site, study, site, mine, limits, pool)
            found += [study.kept(["last return", *_LATE_MIN, *key], make)] if mine else []
    on_time, late, missed = (
        np.concatenate([bundle[name] for bundle in found]) for name in ("on_time", "late", "missed")
    )
    keys = pd.DataFrame([(s, d.kind) for s, d in pairs], columns=["shift_id", "day_kind"])
    return LastReturn(study, keys, on_time, late, missed)


def _of_site(
    study: Study,
    site: int,
    pairs: Sequence[tuple[int, ChosenDay]],
    limits: EngineLimits,
    pool: ThreadPoolExecutor,
) -> Bundle:
    """Return who comes home after the shifts and kinds of day of one site, see `LastReturn`."""
    asked = {(d.kind, study.edges(s, d)[1]): d for s, d in pairs}
    for two_way in study.timetables.values():
        _ = two_way.mirror.longest_s

    def answer(key: tuple[str, Edge]) -> tuple[Bool, Bool, Bool]:
        return _answer(study, site, asked[key], key[1], limits)

    found = dict(zip(asked, spread(pool, answer, asked), strict=True))
    rows = [found[d.kind, study.edges(s, d)[1]] for s, d in pairs]
    names = ("on_time", "late", "missed")
    return {name: np.array(part) for name, part in zip(names, zip(*rows, strict=True), strict=True)}


def _answer(
    study: Study, site: int, day: ChosenDay, edge: Edge, limits: EngineLimits
) -> tuple[Bool, Bool, Bool]:
    on_time = transit_times(study, site, day, edge, limits)
    held = on_time.elapsed_s < INF
    late = [
        transit_times(study, site, day, replace(edge, at_s=edge.at_s + 60 * m), limits).elapsed_s
        < INF
        for m in _LATE_MIN
    ]
    study = open_at(study, day, edge)
    scanned, times, dark = ride(study, site, day, edge, limits)
    riding = held & (on_time.rides > 1)
    return held, np.array(late), held & ~_stranded(study, day, scanned, times, riding, dark)


@dataclass(frozen=True)
class _Missed:
    """A connection that may be missed: where one stands, after what, with what left."""

    stop: int
    departure_s: int
    walked_s: int
    rides: int


def _stranded(
    study: Study, day: ChosenDay, scanned: Scan, times: HomeTimes, riding: Bool, dark: Bool
) -> Bool:
    """Return the homes that some missed connection keeps away.

    ``dark`` tells the homes reached in the dark, where walks keep to safe streets.
    """
    groups: dict[tuple[int, int, int, int], list[int]] = {}
    for home in np.flatnonzero(riding).tolist():
        walks = after_dark(study).home_walks if dark[home] else study.home_walks
        row = slice(walks.ptr[home], walks.ptr[home + 1])
        stop = int(times.stop[home])
        walk_s = int(walks.walk_s[row][walks.stop[row] == stop].min())
        at_s = int(times.elapsed_s[home]) - walk_s
        key = (stop, at_s, int(times.rides[home]), int(times.walk_s[home]) - walk_s)
        groups.setdefault(key, []).append(home)
    answers: dict[_Missed, Bool] = {}
    stranded = np.zeros(riding.size, bool)
    for homes in groups.values():
        first = homes[0]
        walks = after_dark(study).home_walks if dark[first] else study.home_walks
        found = itinerary(scanned, times, walks, first)
        for missed in _connections(found):
            if missed not in answers:
                answers[missed] = _onward(study, day, scanned, missed)
            stranded[homes] |= ~answers[missed][homes]
    return stranded


def _connections(found: Itinerary | None) -> Iterator[_Missed]:
    """Yield the departures on which a journey home depends after its first ride."""
    rides = walked_s = 0
    for leg in found.legs if found is not None else ():
        if leg.kind == "walk":
            walked_s += leg.arrive_s - leg.depart_s
        elif leg.kind == "ride":
            if rides:
                yield _Missed(leg.from_stop, leg.depart_s, walked_s, rides)
            rides += 1


def _onward(study: Study, day: ChosenDay, scanned: Scan, missed: _Missed) -> Bool:
    """Return the homes reached from the stop where the connection was missed."""
    limits, edge = scanned.limits, scanned.edge
    two_way = at_gate(study, day, edge).timetables[day.kind]
    tt = two_way.timetable
    from_s = np.full(tt.n_stops, INF, np.int32)
    row = slice(tt.foot_ptr[missed.stop], tt.foot_ptr[missed.stop + 1])
    from_s[tt.foot_stop[row]] = tt.foot_walk_s[row]
    from_s[missed.stop] = 0
    left = replace(
        limits,
        max_walk_s=limits.max_walk_s - missed.walked_s,
        max_transfers=limits.max_transfers - missed.rides,
    )
    later = replace(edge, margin_s=missed.departure_s + 1 - edge.at_s)
    found = travel(two_way, from_s, later, left, study.home_walks)
    held: Bool = found.elapsed_s < INF
    if study.territory.limits.safe_at_night:
        careful = travel(two_way, from_s, later, left, after_dark(study).home_walks)
        held = np.where(home_in_dark(study, day, edge, found), careful.elapsed_s < INF, held)
    return held
