"""Several sets of runs more, each put on a study by itself, asked together.

A run matters to a question only where one of its departures leads to the gate in time. With the
runs of all sets on the way at once there is every such way there is with some of them, so runs
none of whose departures is labelled then are labelled with no set either. What a set is told
follows from those of its runs that are: from none of them, what the study is told without any;
and sets that have the same ones, e.g. a line that two plans share, are told the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from threading import RLock

import numpy as np

from mobility.base.arrays import Bool, Float, Int64
from mobility.base.machine import trim_memory
from mobility.commute.additions import with_feeds_together
from mobility.commute.any_hour import BEST_HOURS_S, Hours, Moved, as_open, at_hour
from mobility.commute.door_to_door import MOST_HELD_BYTES, at_gate, ever_held
from mobility.commute.study import StandIn, Study, Timetables
from mobility.commute.untouched import Spans, run_spans
from mobility.commute.variants import with_timetables
from mobility.engine.journeys import Edge, EngineLimits, Scan, TwoWay, held_by, scan
from mobility.sources.days import ChosenDay
from mobility.sources.gtfs.feed import IMPOSSIBLE
from mobility.sources.gtfs.read import Feed
from mobility.timetable.arrays import INF, Timetable
from mobility.timetable.change import muted


class Added:
    """The runs that all sets bring, in one direction of a timetable.

    Parameters
    ----------
    tt
        The timetable with all of them.
    set_of
        int64[trips of the feed]: the set of each trip, -1 for those that always run.
    count
        How many sets there are.
    places
        float64[S, 3] of the stops, by which the runs of two sets are alike.

    Attributes
    ----------
    member
        bool[sets, runs]: which runs each set has, those alike being one.
    """

    def __init__(self, tt: Timetable, set_of: Int64, count: int, places: Float) -> None:
        trip = tt.call_trip[tt.run_ptr[:-1]]
        own = np.where(trip >= 0, set_of[trip], -1)
        runs = np.flatnonzero(own >= 0)
        _, place = np.unique(places, axis=0, return_inverse=True)
        columns = (
            place.ravel()[tt.call_stop],
            tt.call_arr,
            tt.call_dep,
            tt.call_board,
            tt.call_alight,
        )
        calls = np.stack([column.astype(np.int32) for column in columns], axis=1)
        known: dict[bytes, int] = {}
        number = np.array(
            [
                known.setdefault(calls[low:high].tobytes(), len(known))
                for low, high in zip(tt.run_ptr[runs], tt.run_ptr[runs + 1], strict=True)
            ],
            np.int64,
        )
        self.member = np.zeros((count, len(known)), bool)
        self.member[own[runs], number] = True
        # Their departures, in the order of the calls.
        of_call = np.full(tt.n_runs, -1, np.int64)
        of_call[runs] = number
        of_call = np.repeat(of_call, np.diff(tt.run_ptr))
        self._call = np.flatnonzero((of_call >= 0) & (tt.call_pos >= 0))
        self._number = of_call[self._call]
        self._stop, self._pos = tt.call_stop[self._call], tt.call_pos[self._call]
        self.spans = run_spans(tt, runs)

    def labelled(self, found: Scan, window: tuple[int, int]) -> Int64:
        """Return the runs with a departure that a scan of a range of calls labels, int64[]."""
        low, high = np.searchsorted(self._call, window)
        stop, pos = self._stop[low:high], self._pos[low:high]
        at = found.shift[stop] + pos - found.first[stop]
        inside = (pos >= found.first[stop]) & (at < found.shift[stop + 1])
        last = found.label[-1]
        return np.unique(self._number[low:high][inside][last[at[inside]] < INF])


@dataclass(frozen=True)
class _EdgeAsked:
    """What is asked of the gates of a site.

    Attributes
    ----------
    site, day, edge, limits
        See `door_to_door.transit_times`.
    at_all
        Whether the edge holds is all that is asked for.
    some_hour
        Of an edge at another hour than the shift's own: the direction asked at every hour, and
        the shift's edge, at which streets stay as they are.
    """

    site: int
    day: ChosenDay
    edge: Edge
    limits: EngineLimits
    at_all: bool
    some_hour: tuple[Moved, Edge] | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """What the answer follows from."""
        moved = None if self.some_hour is None else self.some_hour[0]
        return moved, self.site, self.day.kind, self.edge, self.limits, self.at_all


class SideBySide:
    """Sets of runs more than a study's own, each asked by itself.

    Parameters
    ----------
    base
        The study without them.
    union
        A variant of it with all of them, whose trips stand after its own.
    set_of
        int64[trips of ``union.feed``]: the set of each, -1 for those of ``base``.
    count
        How many sets there are.
    """

    def __init__(self, base: Study, union: Study, set_of: Int64, count: int) -> None:
        self._base, self.union, self._set_of = base, union, set_of
        self._places = _places(union.feed, len(base.feed.stops))
        self._count = count
        self._lock = RLock()
        self._added: dict[tuple[str, bool], Added] = {}
        self._useful: dict[tuple[object, ...], tuple[Int64, Int64 | None]] = {}
        self._first: dict[tuple[object, ...], int] = {}
        self._held: dict[tuple[object, ...], Bool] = {}
        self._before = Hours()
        self._room = MOST_HELD_BYTES  # for the homes of `_useful_runs`; beyond, it may be any
        self._hours: dict[Moved, list[_EdgeAsked]] = {}
        self._spans = Spans(lambda kind: self._runs(kind, returning=False).spans)
        self._alone = cache(self._with_set)
        self._views: dict[tuple[int, Moved], Study] = {}
        for one in (base, union):
            one.views.held, one.views.elapsed_s = one.views.held or {}, one.views.elapsed_s or {}

    def stand_in(self, k: int) -> StandIn:
        """Return who answers for the study with a set."""

        def asked(
            site: int, day: ChosenDay, edge: Edge, limits: EngineLimits, among: Bool | None
        ) -> Study:
            like = self._like(k, _EdgeAsked(site, day, edge, limits, among is not None), among)
            return self._base if like < 0 else self._alone(like)

        return asked

    def study(self, k: int) -> Study:
        """Return the study with a set, as others answer for it."""
        found = replace(self.union)
        found.views.stand_in = self.stand_in(k)
        return found

    def hours(self, k: int) -> Hours:
        """Return the best hours of the study with a set."""
        return _HoursOfSet(self, k)

    def some_hour(
        self, k: int, moved: Moved, day: ChosenDay, edge: Edge, limits: EngineLimits
    ) -> Bool:
        """Return who can go, or return, at some hour with a set."""
        found = self._held_before(moved, day, edge, limits).copy()
        for asked in self._hours_told(moved, day, edge, limits):
            like, at = self._like(k, asked, ~found), asked.edge
            if like < 0:
                continue
            key = like, moved, at, limits
            held = self._held.get(key)
            if held is None:
                here = self._open(like, moved, day, edge)
                held = ever_held(here, moved.site, day, [at], limits)
                if (len(self._held) + 1) * held.nbytes > MOST_HELD_BYTES:
                    self._held.clear()
                self._held[key] = held
            found |= held
        return found

    def _hours_told(
        self, moved: Moved, day: ChosenDay, edge: Edge, limits: EngineLimits
    ) -> list[_EdgeAsked]:
        """Return an edge at the hours at which some set tells more than is known without."""
        if moved not in self._hours:
            hours = (at_hour(self._base, day, edge, second) for second in BEST_HOURS_S)
            each = (_EdgeAsked(moved.site, day, at, limits, True, (moved, edge)) for at in hours)
            everybody = np.ones(self._base.n_homes, bool)
            runs = range(self._count)
            self._hours[moved] = [
                asked for asked in each if any(self._like(k, asked, everybody) >= 0 for k in runs)
            ]
        return self._hours[moved]

    def _held_before(self, moved: Moved, day: ChosenDay, edge: Edge, limits: EngineLimits) -> Bool:
        if moved not in self._before:
            base, known = self._base, self._before
            key = ["some hour", np.array(base.sites[moved.site].gates, np.float64), edge.margin_s]
            key += [moved.day_kind, moved.returning, moved.dark, repr(moved.light_of)]
            key += [moved.hours, repr(limits)]
            found = base.kept(key, lambda: {"held": known.ask(base, moved, day, edge, limits)})
            self._before[moved] = np.asarray(found["held"])
        return self._before[moved]

    def _like(self, k: int, asked: _EdgeAsked, among: Bool | None) -> int:
        """Return the first set that is told what this one is, -1 where that is as without any.

        Where it is asked of some homes alone, as without any of each of them.
        """
        if not self._spans.meets(asked.day.kind, asked.edge, asked.limits):
            return -1
        if self._count == 1:
            return k
        useful = self._useful.get(asked.key)
        if useful is None:
            useful = self._useful[asked.key] = self._useful_runs(asked)
        runs, brought = useful
        if among is not None and brought is not None and not among[brought].any():
            return -1
        member = self._runs(asked.day.kind, returning=asked.edge.returning).member
        mine = runs[member[k, runs]]
        return self._first.setdefault((*asked.key, mine.tobytes()), k) if mine.size else -1

    def _useful_runs(self, asked: _EdgeAsked) -> tuple[Int64, Int64 | None]:
        """Return the runs of all sets that matter to a question, and the homes that they bring.

        Homes are known where it is asked whether an edge holds at all, and more runs never harm.
        """
        day, edge, limits = asked.day, asked.edge, asked.limits
        added = self._runs(day.kind, returning=edge.returning)
        here = self.union
        if asked.some_hour is not None:
            here = self._open(-1, asked.some_hour[0], day, asked.some_hour[1])
        gate = at_gate(here, day, edge)
        two_way = gate.timetables[day.kind]
        found = scan(two_way, gate.egress_s[asked.site], edge, limits)
        brought = None
        if asked.at_all and not here.territory.limits.safe_at_night:
            # More runs never harm: whom all of them together do not bring, who could not go
            # before (at some hour), no set does. In the dark they may: who can leave later may
            # have to walk where it is not safe.
            if asked.some_hour is not None:
                before = self._held_before(asked.some_hour[0], day, asked.some_hour[1], limits)
            else:
                before = ever_held(self._base, asked.site, day, [edge], limits)
            brought = np.flatnonzero(held_by([found], gate.home_walks) & ~before)
            if not brought.size:
                return np.zeros(0, np.int64), brought
            self._room -= brought.nbytes
            brought = brought if self._room > 0 else None
        one_way = two_way.mirror if edge.returning else two_way.onward
        window = one_way.runs_between(found.earliest_s, found.deadline_s)
        low, high = one_way.timetable.run_ptr[list(window)].tolist()
        return added.labelled(found, (low, high)), brought

    def _runs(self, kind: str, *, returning: bool) -> Added:
        with self._lock:
            if (kind, returning) not in self._added:
                two_way = self.union.timetables[kind]
                one_way = two_way.mirror if returning else two_way.onward
                self._added[kind, returning] = Added(
                    one_way.timetable, self._set_of, self._count, self._places
                )
            return self._added[kind, returning]

    def _with_set(self, k: int) -> Study:
        """Return the study with a set, -1 being all."""
        if k < 0 or self._count == 1:
            return self.union
        kept = (self._set_of < 0) | (self._set_of == k)
        tables = {kind: partial(self._muted, kind, kept) for kind in self.union.timetables}
        found = with_timetables(self.union, Timetables(tables))
        found.views.held, found.views.elapsed_s = {}, {}
        return found

    def _muted(self, kind: str, kept: Bool) -> TwoWay:
        return alone(self.union.timetables[kind], kept)

    def _open(self, k: int, moved: Moved, day: ChosenDay, edge: Edge) -> Study:
        if (k, moved) not in self._views:
            self._views[k, moved] = as_open(self._alone(k), moved, day, edge)
        return self._views[k, moved]

    def forget(self) -> None:
        """Free what was found: studies and their views hold each other."""
        for k in range(-1, self._count):
            self._alone(k).views.forget()
        # These too hold what asks them.
        self._alone.cache_clear()
        for known in (
            self._views, self._added, self._useful, self._first, self._held, self._hours,
            self._before,
        ):  # fmt: skip
            known.clear()
        self.union = self._base
        trim_memory()


def with_each(study: Study, extras: Mapping[str, Feed]) -> Iterator[tuple[Study, Hours]]:
    """Yield a study with each of some feeds, and its best hours; see `additions.with_feeds`."""
    union, each = with_feeds_together(study, extras)
    counts = [len(study.feed.trips), *(len(extra.trips) for extra in extras.values())]
    every = SideBySide(study, union, np.repeat(np.arange(-1, len(extras)), counts), len(extras))
    for k, one in enumerate(each):
        one.views.stand_in, one.views.on_streets = every.stand_in(k), study
        yield one, every.hours(k)
    every.forget()


def _places(feed: Feed, n_before: int) -> Float:
    """Return what the ways to and from each stop follow from, float64[S, 3].

    That is where it stands, unless stations or transfers.txt tell of stops after some.
    """
    new = np.arange(feed.n_stops) >= n_before
    rules = feed.transfers[feed.transfers["kind"] <= IMPOSSIBLE]
    stations = feed.stops["parent"].to_numpy()[new]
    told = (rules["from_stop"].to_numpy() >= n_before).any() or (stations >= 0).any()
    alike = np.where(told, np.arange(feed.n_stops), 0.0)
    return np.column_stack([np.nan_to_num(feed.lonlat()), alike])


def alone(two_way: TwoWay, kept: Bool) -> TwoWay:
    """Return a timetable and its mirror in which some trips alone take riders, bool[trips]."""
    there, back = (muted(one.timetable, kept) for one in (two_way.onward, two_way.mirror))
    return TwoWay(there, known_mirror=back)


class _HoursOfSet(Hours):
    def __init__(self, every: SideBySide, k: int) -> None:
        super().__init__()
        self._every, self._k = every, k

    def walked(self, study: Study) -> Study:
        """Return the study with all sets, whose stops are those of each."""
        del study  # that of the set
        return self._every.union

    def ask(
        self, study: Study, moved: Moved, day: ChosenDay, edge: Edge, limits: EngineLimits
    ) -> Bool:
        """Return who can go, or return, at some hour."""
        del study  # that of the set
        return self._every.some_hour(self._k, moved, day, edge, limits)
