"""Modes compared: who is within reach, how long, at what cost, with what emissions.

Kilometres are those of the shortest way on roads open to cars, for every mode: a few percent
under the way driven, and the drive to a park-and-ride counts as ridden. Means are over the
workers of the labour pool whose commute holds by the mode, who differ from mode to mode.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import cast
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from mobility.base.arrays import Bool, Float, Int32
from mobility.base.cache import Bundle
from mobility.base.clock import local_to_axis
from mobility.commute.access import Access, site_key
from mobility.commute.door_to_door import street_times
from mobility.commute.feeder_modes import drives
from mobility.commute.ledger import worked_share
from mobility.commute.modes import MODES
from mobility.commute.night import dark_share, daylight, place_of_sites
from mobility.commute.study import ShiftRow, Study, engine_limits
from mobility.sources.days import ChosenDay
from mobility.sources.gtfs.feed import route_mode
from mobility.streets.arcs import like
from mobility.streets.modes import edge_times
from mobility.territory.factors import Factors
from mobility.territory.project import Mode
from mobility.timetable.arrays import INF

_DriveKey = tuple[int, int, int, str]

WITHIN_MIN = (30, 45, 60)
#: Emission rows of vehicles that have none of their own.
_LIKE = {"trolleybus": "tram", "monorail": "metro", "cable": "tram", "funicular": "tram",
        "ferry": "bus", "taxi": "car"}  # fmt: skip
#: Drives between homes and gates that are put together at a time.
AT_ONCE = 1 << 20
#: The year's light is averaged over the 21st of each month.
YEAR, DAY_OF_MONTH = 2026, 21
#: Every way out and back is by the vehicle of its mode.
_BOTH = np.True_, np.True_


@dataclass(frozen=True)
class Ground:
    """What the comparison needs besides the commutes.

    Attributes
    ----------
    km : float64[sites, H]
        Road distance one way, NaN where there is none within reach.
    driven
        By site, hours and kind of day, float64 (2, H): door-to-door seconds by car, both
        directions, NaN where there is no drive; kilometres in the dark per day over those of
        one way (0 to 2).
    transit_g
        Grams per passenger-km of the feed's vehicles.
    worked
        By site and roster, on what share of the days manned a worker comes, see `worked_share`.
    """

    km: Float
    driven: Mapping[_DriveKey, Float]
    transit_g: float
    factors: Factors
    worked: Mapping[tuple[int, str], float]


def modal_table(access: Access, shared: Mapping[int, Float] | None = None) -> pd.DataFrame:
    """Return the comparison of modes, a row per site, roster, shift, kind of day and mode.

    Parameters
    ----------
    access
        The commutes.
    shared
        Chance, by shift and home, of a colleague to share a car with: adds the mode
        ``carpool``, of those who hold by car and find one.

    Returns
    -------
    DataFrame
        Identification; ``pool`` (workers), ``holds`` (those whose commute holds by the mode),
        ``within_30``, ``within_45``, ``within_60`` (both directions, limits kept);
        ``ratio_to_car`` (median of door-to-door time, both directions, over that by car);
        ``km`` (mean road distance one way of those who hold); ``eur_year`` and ``kgco2e_year``
        (per worker who holds, for the days of that kind on which they come to work); modes that
        drive only: ``night_km_year`` (kilometres a worker is driven in the dark) and
        ``night_vkm_year`` (vehicle-km in the dark of the shift's headcount).
    """
    study = access.study
    days = {day.kind: day for day in study.days}
    asked = access.keys[["shift_id", "day_kind"]].drop_duplicates().itertuples(index=False)
    ground = _ground(study, [(study.shift_rows[shift], days[kind]) for shift, kind in asked])
    rows = list(_figures(access, ground, days, shared or {}))
    columns = ["site", "roster", "shift", "day_kind", "mode", "pool", "holds"]
    columns += [f"within_{m}" for m in WITHIN_MIN]
    columns += ["ratio_to_car", "km", "eur_year", "kgco2e_year", "night_km_year"]
    columns += ["night_vkm_year"]
    return pd.DataFrame(rows, columns=columns)


def _figures(
    access: Access, ground: Ground, days: Mapping[str, ChosenDay], shared: Mapping[int, Float]
) -> Iterator[dict[str, object]]:
    study = access.study
    for k, (shift_id, kind, mode) in enumerate(access.keys.itertuples(index=False)):
        row, day = study.shift_rows[int(shift_id)], days[str(kind)]
        times = (access.outbound_s[k], access.return_s[k])
        pool = study.pool(row.site, row.roster)
        ridden = _ridden(access, row, day, times) if mode == "transit" else _BOTH
        yield _figures_of(study, ground, row, day, str(mode), times, pool, ridden)
        if mode == "car" and row.shift_id in shared:
            riders = pool * shared[row.shift_id]
            found = _figures_of(study, ground, row, day, "carpool", times, riders)
            yield found | {"pool": pool.sum()}


def _ridden(
    access: Access, row: ShiftRow, day: ChosenDay, times: tuple[Int32, Int32]
) -> tuple[Bool, Bool]:
    """Return whether each home's way out, and back, by public transport rides at all.

    Who walks all the way, no slower, needs no ticket and emits nothing.
    """
    study = access.study
    k = access.row(row.shift_id, day.kind, "walk")
    if k is not None:
        return times[0] < access.outbound_s[k], times[1] < access.return_s[k]
    limits = engine_limits(study.territory.limits)
    out, back = (
        time < street_times(study, row.site, day, "walk", edge, limits).elapsed_s
        for time, edge in zip(times, study.edges(row.shift_id, day), strict=True)
    )
    return out, back


def _figures_of(
    study: Study,
    ground: Ground,
    row: ShiftRow,
    day: ChosenDay,
    mode: str,
    times: tuple[Int32, Int32],
    pool: Float,
    ridden: tuple[Bool | np.bool_, Bool | np.bool_] = _BOTH,
) -> dict[str, object]:
    """Return one line of the table for the workers of ``pool`` by home.

    ``ridden`` are the homes whose way out, and back, is by the mode's vehicle at all.
    """
    out, back = times
    car_s, in_the_dark = ground.driven[_drive_key(row, day)]
    longest = np.maximum(out, back)
    users = np.where(longest < INF, pool, 0.0)
    km = ground.km[row.site]
    # A worker does not come on every day on which the shifts of the roster are manned.
    year_days = ground.worked[row.site, row.roster] * study.days_per_year(row.shift_id, day)
    ways = np.add(*ridden, dtype=np.float64)
    grams = _grams(mode, km, ground) * ways * year_days
    found: dict[str, object] = {
        "site": row.site_name,
        "roster": row.roster,
        "shift": row.shift,
        "day_kind": day.kind,
        "mode": mode,
        "pool": pool.sum(),
        "holds": users.sum(),
    }
    found |= {f"within_{m}": pool @ (longest <= m * 60) for m in WITHIN_MIN}
    found |= {
        "ratio_to_car": _ratio(out, back, car_s, users),
        "km": _mean(km, users),
        "eur_year": _mean(
            _eur(mode, km, year_days, _pass_share(study, row, day), ground) * (ways > 0), users
        ),
        "kgco2e_year": _mean(grams / 1000, users),
        "night_km_year": np.nan,
        "night_vkm_year": np.nan,
    }
    if mode in ("car", "carpool"):
        cars = 1.0 / (ground.factors["carpool.crew"] if mode == "carpool" else 1.0)
        night_km = _mean(km * in_the_dark * year_days, users)
        found["night_km_year"] = night_km
        if row.headcount:
            found["night_vkm_year"] = night_km * row.headcount * cars
    return found


def _mean(values: Float, weights: Float) -> float:
    known = np.isfinite(values) & (weights > 0)
    return float(np.average(values[known], weights=weights[known])) if known.any() else np.nan


def _ratio(out: Int32, back: Int32, car_s: Float, users: Float) -> float:
    """Return the weighted median of door-to-door time over that by car, NaN without users."""
    both = out.astype(np.float64) + back
    known = (users > 0) & np.isfinite(car_s)
    if not known.any():
        return np.nan
    ratio, weight = both[known] / car_s[known], users[known]
    order = np.argsort(ratio, kind="stable")
    upto = np.cumsum(weight[order])
    return float(ratio[order][np.searchsorted(upto, upto[-1] / 2)])


def _grams(mode: str, km: Float, ground: Ground) -> Float:
    """Return grams of CO2e per worker and direction."""
    factors = ground.factors
    if mode == "carpool":
        return km * factors["co2.car"] / factors["carpool.crew"]
    co2 = MODES[cast("Mode", mode)].co2
    if co2 == "feed":
        return km * ground.transit_g
    return km * (factors[co2] if co2 else 0.0)


def _eur(mode: str, km: Float, year_days: float, share: float, ground: Ground) -> Float:
    """Return euros per worker and year, for the days of one kind."""
    factors = ground.factors
    pass_eur = factors["cost.transit_year"] * (1 - factors["cost.transit_employer"]) * share
    per_km = {
        "car": factors["cost.car_km"],
        "carpool": factors["cost.car_km"] / factors["carpool.crew"],
        "bike": factors["cost.bike_km"],
        "e_bike": factors["cost.e_bike_km"],
    }
    eur = km * 2 * year_days * per_km.get(mode, 0.0)
    fare = MODES[cast("Mode", mode)].fare if mode != "carpool" else ""
    if fare == "pass":
        eur = eur + pass_eur
    if fare == "trip":
        eur = eur + factors["cost.on_demand_trip"] * 2 * year_days
    return np.asarray(eur)


def _pass_share(study: Study, row: ShiftRow, day: ChosenDay) -> float:
    """Return the share of a yearly pass borne by one kind of day."""
    total = sum(study.days_per_year(row.shift_id, d) for d in study.days)
    return study.days_per_year(row.shift_id, day) / total if total else 0.0


def road_km(study: Study) -> Float:
    """Return kilometres on the roads from each home to each site's nearest gate, NaN if none.

    Returns
    -------
    float64[sites, H]
        By the shortest road that cars may take.
    """
    key = ["road km", *_gates_key(study)]
    return np.asarray(study.kept(key, lambda: {"km": _road_km(study)})["km"])


def _gates_key(study: Study) -> list[object]:
    """Gates of any site may be the nearest of a site, and move the sun by their place."""
    return [[len(site.gates) for site in study.sites], study.gates_lonlat]


def _road_km(study: Study) -> Float:
    territory = study.territory
    car = edge_times(study.streets, "car", territory.speeds)
    length = study.streets.length_m.astype(np.float32)
    metres = like(
        car,
        np.where(np.isfinite(car[0]), length, np.inf).astype(np.float32),
        np.where(np.isfinite(car[1]), length, np.inf).astype(np.float32),
    )
    # Seconds that are metres; no commute within the limits is longer than at 130 km/h.
    reach_m = territory.limits.max_total_min * 60 * 130 / 3.6
    homes, gates = study.homes.lonlat, study.gates_lonlat
    table = drives(territory, study.streets, metres, homes, gates, reach_m)
    site_of_gate = np.repeat(np.arange(len(study.sites)), [len(s.gates) for s in study.sites])
    km = np.full((len(study.sites), study.n_homes), np.inf)
    home = table.rows
    for low in range(0, home.size, AT_ONCE):
        some = slice(low, low + AT_ONCE)
        cells = site_of_gate[table.stop[some]], home[some]
        np.minimum.at(km, cells, table.walk_s[some] / 1000)
    return np.where(np.isfinite(km), km, np.nan)


def transit_grams(study: Study, factors: Factors) -> float:
    """Return grams per passenger-km of the feed, its vehicles weighted by trips."""
    feed = study.feed
    if feed.trips.empty:
        return factors["co2.bus"]
    kinds = feed.routes["route_type"].to_numpy()[feed.trips["route"].to_numpy()]
    values, counts = np.unique(kinds, return_counts=True)
    grams = []
    for value in values:
        mode = route_mode(int(value))
        mode = _LIKE.get(mode, mode)
        name = f"co2.{mode}"
        grams.append(factors[name] if name in factors.rows else factors["co2.bus"])
    return float(np.average(grams, weights=counts))


def _drive_key(row: ShiftRow, day: ChosenDay) -> _DriveKey:
    """Shifts of one site with the same hours are driven to alike."""
    return row.site, row.start_s, row.end_s, day.kind


def _ground(study: Study, asked: Sequence[tuple[ShiftRow, ChosenDay]]) -> Ground:
    """Measure the roads and the drives of some shifts, once for the same places and hours."""
    shifts = {_drive_key(row, day): (row, day) for row, day in asked}
    of_site = [
        site_key(study, row.site, [(row.shift_id, day, "car")]) for row, day in shifts.values()
    ]
    by_car = "car" in study.street_times

    def compute() -> Bundle:
        drives = np.empty((len(shifts) if by_car else 0, 2, study.n_homes))
        for k, (row, day) in enumerate(shifts.values() if by_car else ()):
            drives[k] = _driven(study, row, day)
        return {"drives": drives}

    found = study.kept(["driving", *_gates_key(study), *of_site], compute)
    factors = Factors.load(study.territory.factors, file=study.territory.path)
    if by_car:
        driven = dict(zip(shifts, np.asarray(found["drives"]), strict=True))
    else:  # nobody drives, on whatever shift
        driven = dict.fromkeys(shifts, np.array([[np.nan], [0.0]]).repeat(study.n_homes, axis=1))
    most_days = factors["worked_days_year"]
    worked = {
        (site, roster): worked_share(study, site, roster, most_days)
        for site, roster in {(row.site, row.roster) for row, _ in asked}
    }
    return Ground(road_km(study), driven, transit_grams(study, factors), factors, worked)


def _driven(study: Study, row: ShiftRow, day: ChosenDay) -> tuple[Float, Float]:
    """Return what `Ground.driven` holds of one shift on one kind of day."""
    limits = engine_limits(study.territory.limits)
    both, share = np.zeros(study.n_homes), np.zeros(study.n_homes)
    for edge in study.edges(row.shift_id, day):
        times = street_times(study, row.site, day, "car", edge, limits).elapsed_s
        both += np.where(times < INF, times, np.nan)
        drive_s = np.where(times < INF, times - edge.margin_s, 0).astype(np.int64)
        clock = (row.end_s, int(row.crosses_midnight)) if edge.returning else (row.start_s, 0)
        where = study.territory.zone, *place_of_sites(study)
        dark = _dark(*where, *clock, edge.margin_s, limits.max_total_s, edge.returning)
        share += dark[drive_s]
    return both, share


@lru_cache(maxsize=64)
def _dark(
    zone: ZoneInfo,
    lon: float,
    lat: float,
    clock_s: int,
    day_offset: int,
    margin_s: int,
    longest_s: int,
    returning: bool,
) -> Float:
    """Return the share in the dark of drives of 0, 1, 2... seconds, averaged over a year's months.

    Drives of as many seconds are alike: a few thousand of them, whatever the homes and the day.
    """
    drive_s = np.arange(longest_s + 1)
    months = []
    for month in range(1, 13):
        date = dt.date(YEAR, month, DAY_OF_MONTH)
        light = daylight(date, zone, lon, lat)
        at_s = local_to_axis(date, clock_s, zone, day_offset=day_offset)
        if returning:
            start = np.full(drive_s.shape, at_s + margin_s, np.int64)
            months.append(dark_share(light, start, start + drive_s))
        else:
            end = np.full(drive_s.shape, at_s - margin_s, np.int64)
            months.append(dark_share(light, end - drive_s, end))
    return np.asarray(np.mean(months, axis=0))
