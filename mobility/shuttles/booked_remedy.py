"""On-demand rides as a remedy of each site: simulated days of booking, where no line is designed.

Whoever no counting mode takes to a shift and back may book. They are met at home, or at the home
with the most workers of their square, see `meeting`; the rest is `on_demand`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mobility.commute.ledger import Ledger, capture_band, capture_rate
from mobility.commute.study import Study
from mobility.commute.white_zones import WhiteZones
from mobility.remedies.bill import total
from mobility.remedies.remedy import LEAST_WORKERS, Remedy, Rescued
from mobility.shuttles.booked import TAXI, Booked
from mobility.shuttles.booked_proof import proven_shares
from mobility.shuttles.booking import Bookings, who_books
from mobility.shuttles.booking_tables import service_row
from mobility.shuttles.config import ShuttleConfig
from mobility.shuttles.costs import calendar_days
from mobility.shuttles.demand import Demand, find_demand, kind_weekdays
from mobility.shuttles.drive import drive_graph, drive_matrix, drive_seconds
from mobility.shuttles.factors import Factors
from mobility.shuttles.groundwork import busiest_gate, make_scene, site_weight
from mobility.shuttles.model import UNREACHED, Bools, Place
from mobility.shuttles.on_demand import Simulation
from mobility.shuttles.places import check_depot, depot_place, gate_places, lonlat_of

ITERATIONS = 25  # of the searches for who rides together: whole sites are many requests
ACTIONS = {
    "vehicles": "Run on-demand trips to {site} for the homes that nothing else serves: "
    "{vehicles} vehicles ({size})",
    "taxis": "Pay taxis to {site} for the homes that nothing else serves",
}


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
    services
        Every way to serve them, the best first; never empty.
    """

    site: int
    homes: Bools
    jobs: float
    services: tuple[Booked, ...]


def booked_sites(zones: WhiteZones) -> list[BookedSite]:
    """Return what booked rides take for each site that enough people lack.

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
    config = ShuttleConfig.from_territory(study.territory)
    factors = Factors.load(study.territory.factors, file=study.territory.path)
    days = calendar_days(factors, kind_weekdays(study), [row.season for row in study.shift_rows])
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
            found.append(BookedSite(site, homes, jobs, tuple(services)))
    best = [one.services[0] for one in found]
    shares = proven_shares(study, bookings, demand.homes, best) if best else []
    return [
        replace(one, services=(replace(one.services[0], proven=share), *one.services[1:]))
        for one, share in zip(found, shares, strict=True)
    ]


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
    best, name, uptake = one.services[0], study.sites[one.site].name, capture_rate(study)
    action = ACTIONS["taxis" if best.by == TAXI else "vehicles"]
    params: dict[str, object] = {"site": name, "vehicles": best.vehicles, "size": best.by}
    return Remedy(
        "on_demand", action, params, one.jobs, 0.0, total(best.bill), bill=best.bill,
        jobs=one.jobs, users=uptake * one.jobs, uptake=capture_band(study), sites=(name,),
        rescued=(Rescued(one.site, one.homes, uptake=uptake),),
    )  # fmt: skip


def sites_table(study: Study, sites: Sequence[BookedSite], language: str) -> pd.DataFrame:
    """Return one row per site and way to serve it by booking, the cheapest first."""
    rows = [
        {"site": study.sites[one.site].name, "jobs": one.jobs}
        | service_row(service, cheapest=k == 0, language=language)
        for one in sites
        for k, service in enumerate(one.services)
    ]
    return pd.DataFrame(rows, columns=SITES)


SITES = [
    "site", "jobs", "by", "cheapest", "vehicles", "served", "proven", "boardings_year", "eur_year",
    "eur_per_boarding", "driven_km", "driver_hours", "co2_kg", "mean_ride_min",
    "longest_ride_min", "mean_direct_min", "mean_wait_min", "refused",
]  # fmt: skip
