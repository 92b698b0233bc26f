"""Booked rides run by the engine: what vehicles do on simulated days, as one more feed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mobility.base.clock import service_clock
from mobility.commute.additions import with_feed
from mobility.commute.door_to_door import transit_times
from mobility.commute.study import Study, engine_limits
from mobility.shuttles.after import read_tables, running
from mobility.shuttles.blocks import DAY_S
from mobility.shuttles.booked import Booked, BookedTour, SimulatedDay
from mobility.shuttles.booking import Bookings, Request
from mobility.shuttles.gtfs_out import TABLES, Table, stop_row
from mobility.shuttles.model import Ints, Place
from mobility.sources.days import ChosenDay
from mobility.timetable.arrays import INF


@dataclass(frozen=True)
class Driven:
    """What is driven for the shifts that start on the studied date of a kind of day.

    Attributes
    ----------
    day
        The studied one.
    tours
        Each with the seconds put to its times, so that they count from that date.
    requests
        Of these shifts, those that the tours serve.
    """

    day: ChosenDay
    tours: tuple[tuple[BookedTour, int], ...]
    requests: tuple[Request, ...]


def proven_share(study: Study, bookings: Bookings, homes: Ints, booked: Booked) -> float:
    """Return the share of riders whose ride the engine finds, see `proven_shares`."""
    return proven_shares(study, bookings, homes, [booked])[0]


def proven_shares(
    study: Study, bookings: Bookings, homes: Ints, services: Sequence[Booked]
) -> list[float]:
    """Return, for some services, the share of riders whose ride the engine finds in time.

    One simulated week of each runs in one feed, and each alone: of each kind of day, the tours
    of one weekday and those of the next morning.

    Parameters
    ----------
    homes
        Row of the study's homes of each home of the bookings.
    """
    driven = [
        (s, one)
        for s, booked in enumerate(services)
        for day in study.days
        for one in _driven(day, bookings, booked.days)
        if one.requests
    ]
    asked, met = np.zeros(len(services)), np.zeros(len(services))
    if not driven:
        return [float("nan")] * len(services)
    tables = _tables([one for _, one in driven], services[0].places, study.territory.timezone)
    after = with_feed(study, read_tables(tables), scenario="booked", feeders=False)
    ids = after.feed.trips["trip_id"].astype(str).to_numpy()
    kinds = np.array([name.partition(":")[2].partition("/")[0] for name in ids])
    old = np.arange(len(ids)) < len(study.feed.trips)
    limits = engine_limits(study.territory.limits)
    for k, (s, one) in enumerate(driven):
        variant = running(after, one.day.kind, old | (kinds == str(k)))
        for e in sorted({r.edge for r in one.requests}):
            edge = bookings.scene.edges[e]
            there, back = variant.edges(edge.shift_id, one.day)
            end = there if edge.direction == "in" else back
            held = transit_times(variant, edge.site, one.day, end, limits).elapsed_s < INF
            riders = [h for r in one.requests if r.edge == e for h in r.homes]
            asked[s] += len(riders)
            met[s] += held[homes[riders]].sum()
        variant.views.forget()
    after.views.forget()
    return [float(m / a) if a else float("nan") for m, a in zip(met, asked, strict=True)]


def _driven(
    day: ChosenDay, bookings: Bookings, simulated: Sequence[SimulatedDay]
) -> Iterator[Driven]:
    """Yield what is driven for the shifts of a kind of day; nothing where none is simulated."""
    mine = [s for s in simulated if s.day.kinds[s.day.weekday] == day.kind]
    mine.sort(key=lambda s: s.day.weekday != day.date.weekday())  # its own weekday before others
    if not mine:
        return
    first = mine[0].day
    tours: list[tuple[BookedTour, int]] = []
    requests: list[Request] = []
    for before in (-1, 0, 1):
        weekday = (first.weekday + before) % 7
        alike = (s for s in simulated if (s.day.weekday, s.day.kinds, s.day.season) ==
                 (weekday, first.kinds, first.season))  # fmt: skip
        one = next(alike, None)
        if one is None:
            continue
        ends = {e for e, ago, kind in bookings.ends(one.day) if (ago, kind) == (before, day.kind)}
        requests += [r for r in one.requests if r.edge in ends]
        wanted = {k for k, r in enumerate(one.requests) if r.edge in ends}
        tours += [(t, before * DAY_S) for t in one.tours if wanted & {c.request for c in t.calls}]
    yield Driven(day, tuple(tours), tuple(requests))


def _tables(
    driven: Sequence[Driven], places: Sequence[Place], timezone: str
) -> Mapping[str, Table]:
    """Return a feed in which each tour is a trip on its date."""
    tables: dict[str, Table] = {name: [] for name in TABLES}
    tables["agency"] = [{"agency_id": "booked", "agency_name": "booked",
                         "agency_url": "https://example.org/",
                         "agency_timezone": timezone}]  # fmt: skip
    tables["routes"] = [{"route_id": "booked", "agency_id": "booked",
                         "route_short_name": "booked", "route_type": 3}]  # fmt: skip
    used: set[int] = set()
    for k, one in enumerate(driven):
        for n, (tour, later_s) in enumerate(one.tours):
            trip = f"{k}/{n}"
            # A tour before midnight belongs to the service day before.
            ago = max(0, -((tour.calls[0].time_s + later_s) // DAY_S))
            date = f"{one.day.date - dt.timedelta(days=ago):%Y%m%d}"
            tables["trips"].append({"route_id": "booked", "service_id": date, "trip_id": trip})
            for s, call in enumerate(tour.calls):
                at = service_clock(call.time_s + later_s + ago * DAY_S, seconds=True)
                tables["stop_times"].append({
                    "trip_id": trip, "arrival_time": at, "departure_time": at,
                    "stop_id": f"N{call.place}", "stop_sequence": s + 1,
                    "pickup_type": 0 if call.on else 1, "drop_off_type": 1 if call.on else 0,
                })  # fmt: skip
            used |= {call.place for call in tour.calls}
    tables["stops"] = [stop_row(p, places[p]) for p in sorted(used)]
    tables["calendar_dates"] = [
        {"service_id": date, "date": date, "exception_type": 1}
        for date in sorted({str(row["service_id"]) for row in tables["trips"]})
    ]
    return tables
