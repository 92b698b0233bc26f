"""Build the timetable of one study date from a feed and the walks between its stops."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from mobility.base.errors import Finding
from mobility.sources.gtfs.read import Feed
from mobility.timetable.arrays import Timetable, index_timetable
from mobility.timetable.footpaths import WalkTable
from mobility.timetable.runs import feed_runs
from mobility.timetable.transfers import build_footpaths


def build_timetable(
    feed: Feed,
    date: dt.date,
    zone: ZoneInfo,
    stop_walks: WalkTable,
    *,
    min_change_s: int = 60,
    max_transfer_walk_s: int = 600,
    walk_speed_ms: float = 1.25,
    findings: list[Finding] | None = None,
) -> Timetable:
    """Return the runs of service days d-1, d and d+1 and the footpaths between stops.

    Times of every agency become seconds on the axis of ``date`` in ``zone``; each service
    day counts from its own noon minus 12 h, so that the days of a clock change come out
    right. Trips of one block, or linked by an in-seat transfer, make one run.

    Parameters
    ----------
    feed
        From `mobility.sources.gtfs.read.read_feed` or ``merge_feeds``.
    date, zone
        Study date and the territory's time zone.
    stop_walks
        Walks between the feed's stops, one row per stop, at least up to
        ``max_transfer_walk_s``.
    min_change_s
        Seconds kept at each change of vehicle on top of the walk.
    max_transfer_walk_s
        Longest walk between two vehicles.
    walk_speed_ms
        Metres per second, for walks the streets do not tell.
    findings
        What the user should know is appended here.

    Raises
    ------
    SourceError
        Headways so short that they make a million runs a day.
    ValueError
        ``stop_walks`` is not about the stops of ``feed``.
    """
    told = [] if findings is None else findings
    runs = feed_runs(feed, date, zone, findings=told)
    feet = build_footpaths(
        feed,
        stop_walks,
        min_change_s=min_change_s,
        max_walk_s=max_transfer_walk_s,
        walk_speed_ms=walk_speed_ms,
    )
    return index_timetable(feed.n_stops, runs, feet)


__all__ = ["build_timetable"]
