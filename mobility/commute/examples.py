"""Itineraries in words: stop names, lines and clock times for one home and one shift."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from mobility.base.arrays import Bool
from mobility.base.clock import axis_to_local
from mobility.base.i18n import translate
from mobility.commute.door_to_door import ride, street_times
from mobility.commute.study import Study, engine_limits
from mobility.commute.variants import after_dark, open_at
from mobility.engine.itineraries import GATE, HOME, Itinerary, Leg, itinerary
from mobility.engine.journeys import Edge, HomeTimes, Scan
from mobility.sources.days import ChosenDay
from mobility.timetable.arrays import INF


class LegText(NamedTuple):
    """One leg as people read it.

    Attributes
    ----------
    kind
        ``walk``, ``ride`` or ``wait``.
    depart, arrive
        Local clock, ``HH:MM``: the minute in which one must leave, and that by which one has
        arrived. A walk or a wait after another leg starts when that one has ended, and none
        ends after the ride that follows has left.
    about
        Whether the time of leaving, and that of arriving, are approximate: the timetable does
        not give them, or promises a headway only.
    from_name, to_name
        Stop names; empty for the home, the site's name for its gate.
    line, headsign
        Of a ride.
    duration_s
        Seconds.
    """

    kind: str
    depart: str
    arrive: str
    from_name: str
    to_name: str
    line: str = ""
    headsign: str = ""
    duration_s: int = 0
    about: tuple[bool, bool] = (False, False)

    def clocks(self, language: str) -> str:
        """Return both times as one text, approximate ones told as such."""
        times = zip((self.depart, self.arrive), self.about, strict=True)
        return "–".join(
            translate("about {time}", language, time=time) if about else time
            for time, about in times
        )


@dataclass(frozen=True)
class EdgeAnswers:
    """The scan of one edge of a shift and its look-up, from which itineraries are read.

    Attributes
    ----------
    times, walked
        Riding, and walking all the way.
    dark : bool[H]
        Homes whose own end of the journey keeps to streets that are safe at night.
    told
        Legs put into words, which homes share.
    """

    study: Study
    site: int
    day: ChosenDay
    edge: Edge
    scanned: Scan
    times: HomeTimes
    walked: HomeTimes
    dark: Bool
    told: dict[tuple[Leg, int, int], LegText] = field(default_factory=dict, repr=False)

    def itinerary(self, home: int) -> Itinerary | None:
        """Return the public-transport or walking journey of a home, or None."""
        ridden, walked = int(self.times.elapsed_s[home]), int(self.walked.elapsed_s[home])
        if walked < INF and walked <= ridden:
            return _on_foot(self.edge, int(self.walked.walk_s[home]))
        if ridden == INF:
            return None
        study = after_dark(self.study) if self.dark[home] else self.study
        return itinerary(self.scanned, self.times, study.home_walks, home)

    def texts(self, home: int) -> tuple[LegText, ...]:
        """Return the journey of a home in words, empty where there is none."""
        found = self.itinerary(home)
        legs = () if found is None else found.legs
        texts: list[LegText] = []
        # From the end: what comes before a ride is over when that leaves.
        limit = None
        for leg in reversed(legs):
            leaves = leg is legs[0] or leg.kind == "ride"
            arrive = _minute(leg.arrive_s, up=True)
            arrive = arrive if limit is None else min(arrive, limit)
            limit = min(_minute(leg.depart_s, up=not leaves), arrive)
            key = leg, limit, arrive
            if key not in self.told:
                self.told[key] = self._text(*key)
            texts.append(self.told[key])
        return tuple(reversed(texts))

    def lines(self, home: int, language: str) -> list[str]:
        """Return the journey of a home, a line for each leg."""
        found = []
        for leg in self.texts(home):
            what = filter(None, [translate(leg.kind, language), leg.line, leg.headsign])
            places = [name or translate("home", language) for name in (leg.from_name, leg.to_name)]
            found.append(f"{leg.clocks(language)}  {' '.join(what)}  ({' → '.join(places)})")
        return found

    def _text(self, leg: Leg, depart_min: int, arrive_min: int) -> LegText:
        line, headsign, about = "", "", (False, False)
        if leg.kind == "ride" and leg.trip >= 0:
            feed = self.study.feed
            headsign, line = feed.headsigns[leg.trip], feed.line_names[leg.trip]
            last = int(self.scanned.timetable.call_trip[leg.to_call])
            about = (
                feed.is_approximate(leg.trip, leg.from_stop),
                feed.is_approximate(last, leg.to_stop),
            )
        return LegText(
            leg.kind,
            self._clock(depart_min),
            self._clock(arrive_min),
            self._place(leg.from_stop),
            self._place(leg.to_stop),
            line,
            headsign,
            leg.arrive_s - leg.depart_s,
            about,
        )

    def _clock(self, minute: int) -> str:
        return _clock(self.day.date, minute, self.study.territory.zone)

    def _place(self, stop: int) -> str:
        if stop == HOME:
            return ""
        if stop == GATE:
            return self.study.sites[self.site].name
        return self.study.feed.stop_names[stop]


@lru_cache(maxsize=1 << 16)
def _clock(date: dt.date, minute: int, zone: ZoneInfo) -> str:
    """Return the local clock of a minute of the axis of a date."""
    return axis_to_local(date, minute * 60, zone).strftime("%H:%M")


def _minute(axis_s: int, *, up: bool) -> int:
    return -(-axis_s // 60) if up else axis_s // 60


def _on_foot(edge: Edge, walk_s: int) -> Itinerary:
    if edge.returning:
        start = edge.at_s + edge.margin_s
        return Itinerary((Leg("walk", GATE, HOME, start, start + walk_s),))
    end = edge.at_s - edge.margin_s
    return Itinerary((Leg("walk", HOME, GATE, end - walk_s, end),))


def answer(study: Study, shift_id: int, day: ChosenDay, edge: Edge) -> EdgeAnswers:
    """Return the answer of one edge of a shift on a kind of day."""
    site, limits = study.shift_rows[shift_id].site, engine_limits(study.territory.limits)
    here = open_at(study, day, edge)
    scanned, ridden, dark = ride(here, site, day, edge, limits)
    walked = street_times(here, site, day, "walk", edge, limits)
    return EdgeAnswers(here, site, day, edge, scanned, ridden, walked, dark)


def answers(study: Study, shift_id: int, day_kind: str) -> tuple[EdgeAnswers, EdgeAnswers]:
    """Return the outbound and return answers of one shift on one kind of day."""
    day = next(d for d in study.days if d.kind == day_kind)
    onward, homeward = (answer(study, shift_id, day, edge) for edge in study.edges(shift_id, day))
    return onward, homeward
