"""On-demand rides as a remedy of each site: simulated days of booking, where no line is designed.

Whoever no counting mode takes to a shift and back may book. They are met at home, or at the home
with the most workers of their square, see `booking`; the rest is `on_demand`'s.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mobility.base.cache import Bundle
from mobility.base.clock import DAY_S, service_clock
from mobility.base.i18n import translate
from mobility.commute.additions import with_feed
from mobility.commute.door_to_door import transit_times
from mobility.commute.ledger import Ledger, capture_band, capture_rate
from mobility.commute.study import Study, engine_limits
from mobility.commute.white_zones import WhiteZones
from mobility.remedies.bill import Bill, CostLine, total
from mobility.remedies.remedy import LEAST_WORKERS, Remedy, Rescued
from mobility.shuttles.after import read_tables, running
from mobility.shuttles.booked import TAXI, Booked, BookedTour, SimulatedDay
from mobility.shuttles.booking import Bookings, Request, who_books
from mobility.shuttles.booking_tables import service_row
from mobility.shuttles.config import Factors, ShuttleConfig
from mobility.shuttles.demand import Demand, find_demand, year_of
from mobility.shuttles.drive import drive_graph, drive_matrix, drive_seconds
from mobility.shuttles.gtfs_out import TABLES, Table, stop_row
from mobility.shuttles.model import UNREACHED, Bools, Floats, Ints, Place
from mobility.shuttles.on_demand import Simulation
from mobility.shuttles.places import (
    busiest_gate,
    check_depot,
    depot_place,
    gate_places,
    lonlat_of,
    make_scene,
    site_weight,
)
from mobility.sources.days import ChosenDay
from mobility.timetable.arrays import INF

ITERATIONS = 25  # of the searches for who rides together: whole sites are many requests
ACTIONS = {
    "vehicles": "Run on-demand trips to {site} for the homes that nothing else serves: "
    "{vehicles} vehicles ({size})",
    "taxis": "Pay taxis to {site} for the homes that nothing else serves",
}
SITES = [
    "site", "jobs", "by", "cheapest", "vehicles", "served", "proven", "boardings_year", "eur_year",
    "eur_per_boarding", "driven_km", "driver_hours", "co2_kg", "mean_ride_min",
    "longest_ride_min", "mean_direct_min", "mean_wait_min", "refused",
]  # fmt: skip


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
        alike = (
            s
            for s in simulated
            if (s.day.weekday, s.day.kinds, s.day.season) == (weekday, first.kinds, first.season)
        )
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
    tables["routes"] = [
        {"route_id": "booked", "agency_id": "booked", "route_short_name": "booked", "route_type": 3}
    ]
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


@dataclass(frozen=True, eq=False)
class BookedSite:
    """What booked rides to one site take.

    Attributes
    ----------
    site
        Its index.
    homes
        bool[H] of the study: those all of whose lacking shift ends can be booked.
    jobs
        Of these homes and the site, those whose roster does not hold.
    ways
        Every way to serve them, columns of `SITES` in English, the best first; never empty.
    bill
        EUR a year of the best.
    """

    site: int
    homes: Bools
    jobs: float
    ways: pd.DataFrame
    bill: Bill


def booked_sites(zones: WhiteZones) -> list[BookedSite]:
    """Return what booked rides take for each site that enough people lack, kept by content.

    Parameters
    ----------
    zones
        White zones of the territory as it is.

    Raises
    ------
    TerritoryError
        The ``[shuttles]`` or ``[factors]`` table is wrong.
    """
    study, ledger = zones.access.study, Ledger.of(zones.access.study)
    lacking = ledger.jobs * ledger.lacking(zones.access)
    if not lacking.any():
        return []

    def compute() -> Bundle:
        found = served_sites(zones, lacking)
        ways = [
            {"site": site, "jobs": jobs}
            | service_row(service, cheapest=k == 0, language="en")
            | {"bill": json.dumps([[*vars(line).values()] for line in service.bill])}
            for site, _, jobs, services in found
            for k, service in enumerate(services)
        ]
        return {
            "homes": np.array([homes for _, homes, *_ in found]),
            "ways": pd.DataFrame(ways, columns=[*SITES, "bill"]),
        }

    told = [site.model_dump_json() for site in study.sites]
    asked = zones.keys.to_numpy().tolist()
    kept = study.kept(["booked", told, ledger.jobs, lacking, asked, zones.status], compute)
    every = pd.DataFrame(kept["ways"])
    found = []
    for site, homes in zip(every["site"].unique().tolist(), kept["homes"], strict=True):
        ways = every[every["site"] == site]
        best = ways.iloc[0]
        bill = tuple(CostLine(*line) for line in json.loads(best["bill"]))
        found.append(BookedSite(site, homes, float(best["jobs"]), ways[SITES], bill))
    return found


def served_sites(
    zones: WhiteZones, lacking: Floats
) -> list[tuple[int, Bools, float, list[Booked]]]:
    """Return site, homes, jobs and every way to serve them, the best first, see `BookedSite`.

    Parameters
    ----------
    lacking
        float64[R,H] jobs of each roster of the ledger whose holder's home lacks it.
    """
    study, ledger = zones.access.study, Ledger.of(zones.access.study)
    config = ShuttleConfig.from_territory(study.territory)
    factors = Factors.load(study.territory.factors, file=study.territory.path)
    days = year_of(study, factors)
    demand = find_demand(study, zones, days)
    bookings = bookings_of(study, demand, config)
    simulation = Simulation(bookings, config, factors, days, iterations=ITERATIONS)
    scene, bookable = bookings.scene, bookings.bookable
    site_of = np.array([study.shift_rows[shift].site for shift in scene.shift_ids])
    found = []
    for site in sorted(set(site_of.tolist())):
        ends = [e for e, edge in enumerate(scene.edges) if edge.site == site]
        able = np.all(bookable[ends] | ~scene.needs[ends], axis=0)
        homes = np.zeros(study.n_homes, bool)
        homes[demand.homes] = able & scene.needs[ends].any(axis=0)
        mine = [r for r, (at, _) in enumerate(ledger.rosters) if at == site]
        jobs = float(lacking[mine].sum(axis=0) @ homes)
        if jobs * capture_rate(study) < LEAST_WORKERS:
            continue
        services = simulation.services(scene.white & able & (site_of == site)[:, None])
        if services and not services[0].why:
            found.append((site, homes, jobs, services))
    best = [services[0] for *_, services in found]
    shares = proven_shares(study, bookings, demand.homes, best) if best else []
    for (*_, services), share in zip(found, shares, strict=True):
        services[0] = replace(services[0], proven=share)
    return found


def bookings_of(study: Study, demand: Demand, config: ShuttleConfig) -> Bookings:
    """Return who may book where nothing is designed, and where they are met.

    Raises
    ------
    TerritoryError
        The depot that the territory gives cannot be used.
    """
    gates = _gates(study, demand, config)
    places = list(gates.values())
    depot = busiest_gate(demand, {site: k for k, site in enumerate(gates)})
    if config.depot is not None:
        places, depot = [*places, depot_place(study, config.depot)], len(places)
    speeds, factor = study.territory.speeds, config.drive_factor
    graph = drive_graph(study.streets, speeds, lonlat_of(places), factor=factor)
    drive = drive_matrix(graph, np.arange(len(places)))
    if config.depot is not None:
        check_depot(study, drive, depot, list(range(len(gates))))
    walk = np.full((len(demand.homes), len(places)), UNREACHED, np.int32)
    scene = make_scene(study, demand, config, places, drive, depot, walk).counted()
    wanted = np.ones(scene.n_homes, bool)
    return who_books(study, scene, demand.homes, wanted, demand.lacking, config, graph.times)


def _gates(study: Study, demand: Demand, config: ShuttleConfig) -> dict[int, Place]:
    """Return for each site the gate that most of its white workers are driven to soonest."""
    gates, owner = gate_places(study, demand)
    chosen = {site: owner.index(site) for site in owner}
    if len(chosen) < len(gates):
        homes = study.homes.lonlat[demand.homes]
        points = np.concatenate([homes, lonlat_of(gates)])
        graph = drive_graph(
            study.streets, study.territory.speeds, points, factor=config.drive_factor
        )
        for site in chosen:
            own = [k for k, at in enumerate(owner) if at == site]
            there = [drive_seconds(graph, len(homes) + k, to_place=True)[: len(homes)] for k in own]
            soonest = np.bincount(
                np.argmin(there, axis=0), site_weight(demand, site), minlength=len(own)
            )
            chosen[site] = own[int(np.argmax(soonest))]
    return {site: gates[k] for site, k in chosen.items()}


def booked_remedies(study: Study, sites: Sequence[BookedSite]) -> list[Remedy]:
    """Return the cheapest booked rides to each site as a remedy that serves its homes whole."""
    return [_remedy(study, one) for one in sites]


def _remedy(study: Study, one: BookedSite) -> Remedy:
    best, name, uptake = one.ways.iloc[0], study.sites[one.site].name, capture_rate(study)
    action = ACTIONS["taxis" if best["by"] == TAXI else "vehicles"]
    params: dict[str, object] = {
        "site": name, "vehicles": int(best["vehicles"]), "size": best["by"],
    }  # fmt: skip
    return Remedy(
        "on_demand", action, params, one.jobs, 0.0, total(one.bill), bill=one.bill,
        jobs=one.jobs, users=uptake * one.jobs, uptake=capture_band(study), sites=(name,),
        rescued=(Rescued(one.site, one.homes, uptake=uptake),),
    )  # fmt: skip


def sites_table(study: Study, sites: Sequence[BookedSite], language: str) -> pd.DataFrame:
    """Return one row per site and way to serve it by booking, the cheapest first."""
    if not sites:
        return pd.DataFrame(columns=SITES)
    frame = pd.concat([one.ways for one in sites], ignore_index=True)
    return frame.assign(
        site=[study.sites[site].name for site in frame["site"]],
        by=frame["by"].replace(TAXI, translate(TAXI, language)),
        refused=[translate(why, language) if why else "" for why in frame["refused"]],
    )
