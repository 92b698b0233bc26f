"""Timetables whose clock is another one than the territory's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from zoneinfo import ZoneInfo

from mobility.base.clock import axis_origin_utc
from mobility.base.errors import Finding
from mobility.sources.gtfs.feed import Feed


def zone_findings(feed: Feed, dates: Iterable[dt.date], zone: ZoneInfo) -> list[Finding]:
    """Return a warning for each feed and zone whose hours differ from the territory's.

    Zones of the same hours on every date studied make no difference.
    """
    days = list(dates)
    pairs = feed.agencies[["network", "timezone"]].drop_duplicates()
    return [
        Finding(
            "warning",
            "timezone_differs",
            "the times of {network} are in the time zone {agency_zone} (agency_timezone), the "
            "shifts in {zone}: on the dates studied the two differ by {hours:+g} h. Correct "
            "agency.txt, or timezone in the territory file, unless the feed is from abroad",
            source="sources.gtfs",
            params={
                "network": feed.networks[int(network)],
                "agency_zone": name,
                "zone": zone.key,
                "hours": gap_s / 3600,
            },
        )
        for network, name in pairs.itertuples(index=False)
        if (gap_s := _largest_gap(days, ZoneInfo(name), zone))
    ]


def _largest_gap(days: Iterable[dt.date], one: ZoneInfo, other: ZoneInfo) -> int:
    gaps = (axis_origin_utc(day, other) - axis_origin_utc(day, one) for day in days)
    return max(gaps, key=abs, default=0)


__all__ = ["zone_findings"]
