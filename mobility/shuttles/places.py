"""Gates, depot and stops as places of a design, and the walks to them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mobility.base.errors import TerritoryError
from mobility.base.i18n import translate
from mobility.commute.study import Study
from mobility.shuttles.demand import Demand
from mobility.shuttles.model import UNREACHED, Drive, Floats, Ints, Place
from mobility.streets.modes import edge_times
from mobility.streets.snap import snap, usable_edges
from mobility.timetable.footpaths import WalkTable, home_walks

_GATE_WALK_S = 600


def depot_place(study: Study, depot: tuple[float, float]) -> Place:
    """Return the place where vehicles start and end.

    Raises
    ------
    TerritoryError
        It is far from any street open to cars.
    """
    times = edge_times(study.streets, "car", study.territory.speeds)
    lon, lat = (np.array([x]) for x in depot)
    if snap(study.streets, lon, lat, usable_edges(study.streets, times)).edge[0] < 0:
        raise _depot_error(study, "The depot is more than 500 m from any street open to cars.")
    return Place(translate("Depot", study.territory.language), *depot, "depot")


def check_depot(study: Study, drive: Drive, depot: int, gates: Sequence[int]) -> None:
    """Check that vehicles get from the depot to the gates and back.

    Raises
    ------
    TerritoryError
        No street leads there.
    """
    ways = drive.seconds[depot, gates], drive.seconds[gates, depot]
    if any((way >= UNREACHED).any() for way in ways):
        raise _depot_error(study, "No street leads from the depot to the gates and back.")


def _depot_error(study: Study, message: str) -> TerritoryError:
    return TerritoryError(
        message,
        file=study.territory.path,
        column="shuttles.depot",
        value=study.territory.shuttles.get("depot"),
        mend="Write [longitude, latitude] of a place on the streets of the extract; the two may "
        "be swapped.",
    )


def lonlat_of(places: Sequence[Place]) -> Floats:
    """Return float64[P,2]: longitude and latitude of places."""
    return np.array([(p.lon, p.lat) for p in places], np.float64).reshape(-1, 2)


def walk_matrix(study: Study, lonlat: Floats, places: Sequence[Place], limit_s: float) -> Ints:
    """Return int32[H,P] walks between homes and places, `UNREACHED` beyond the limit."""
    out = np.full((len(lonlat), len(places)), UNREACHED, np.int32)
    if not out.size:
        return out
    table = home_walks(study.streets, lonlat, lonlat_of(places), limit_s, study.territory.speeds)
    rows = table.rows
    out[rows, table.stop] = table.walk_s
    return out


def gate_name(study: Study, site: int, number: int | None = None) -> str:
    """Return the name of a stop at a gate, as riders read it in the shuttles' timetable."""
    template = "{site} – gate" if number is None else "{site} – gate {number}"
    language = study.territory.language
    return translate(template, language, site=study.sites[site].name, number=number)


def gate_places(study: Study, demand: Demand) -> tuple[list[Place], list[int]]:
    """Return a place at every gate of the sites with demand, and the site of each."""
    sites = sorted({e.site for e in demand.edges})
    places, owner = [], []
    for s in sites:
        several = len(study.sites[s].gates) > 1
        for k, (lon, lat) in enumerate(study.sites[s].gates):
            name = gate_name(study, s, k + 1 if several else None)
            places.append(Place(name, lon, lat, "gate"))
            owner.append(s)
    return places, owner


def gate_walks(study: Study, places: Sequence[Place], gates: dict[int, int]) -> dict[int, int]:
    """Return the walk between each site's gate and the stop put there."""
    sites = sorted(gates)
    points = np.array([g for s in sites for g in study.sites[s].gates], np.float64)
    owner = np.repeat(np.arange(len(sites)), [len(study.sites[s].gates) for s in sites])
    if not sites:
        return {}
    at = lonlat_of([places[gates[s]] for s in sites])
    table: WalkTable = home_walks(
        study.streets, points, at, _GATE_WALK_S, study.territory.speeds, cache=False
    )
    own = np.repeat(owner, np.diff(table.ptr)) == table.stop
    walks = np.full(len(sites), _GATE_WALK_S)
    np.minimum.at(walks, table.stop[own], table.walk_s[own])
    # A gate no street leads to is where its stop is.
    met = np.isin(np.arange(len(sites)), table.stop[own])
    return {s: int(walks[k]) if met[k] else 0 for k, s in enumerate(sites)}
