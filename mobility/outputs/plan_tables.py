"""The tables of the employer mobility plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mobility.base.arrays import Bool, Float
from mobility.base.clock import DAY_S
from mobility.base.errors import TerritoryError
from mobility.commute.access import Access, counted_rows, rosters
from mobility.commute.ledger import days_manned, worked_share
from mobility.commute.modal import road_km
from mobility.commute.placing import INSEE_CODE, changes_of, site_commune
from mobility.commute.study import Study
from mobility.outputs.words import natural
from mobility.remedies.factors import VM_RATE, LeverFactors
from mobility.remedies.words import clock
from mobility.shuttles.sharing import to_the_cent
from mobility.sources.versement import rate_of, read_rates
from mobility.timetable.arrays import INF
from mobility.timetable.runs import departures

if TYPE_CHECKING:  # the search of sets, which a plan only reads
    from mobility.shuttles.combined import Combined
    from mobility.shuttles.portfolio import Point, Portfolio


#: Night of the French labour code, clock hours (Code du travail L3122-2: 21:00 to 06:00).
_NIGHT_FROM_S, _NIGHT_TO_S = 21 * 3600, 6 * 3600
#: Workers from which an employer owes the versement mobilité (CGCT L2333-64).
_VM_LEAST = 11


def supply(study: Study) -> pd.DataFrame:
    """Return what serves each site on each kind of day.

    Columns: ``site``, ``day_kind``, ``stops`` (within the walking limit of a gate),
    ``nearest_walk_min``, ``lines``, ``departures``, ``first``, ``last``.
    """
    rows = []
    cap_s = round(study.territory.limits.max_walk_min * 60)
    for site, place in enumerate(study.sites):
        near = np.flatnonzero(study.egress_s[site] <= cap_s)
        for day in study.days:
            tt = study.timetables[day.kind].timetable
            own = np.repeat(tt.run_day == 0, np.diff(tt.run_ptr))
            calls = np.flatnonzero(own & np.isin(tt.call_stop, near))
            near_calls = pd.DataFrame(
                {
                    "run": np.searchsorted(tt.run_ptr, calls, side="right") - 1,
                    "trip": tt.call_trip[calls],
                    "leave_s": tt.call_dep[calls],
                }
            )
            # A trip is there once for each run it is part of, and for each of its departures.
            rides = near_calls[near_calls["trip"] >= 0].drop_duplicates(["run", "trip"])
            rides = rides.drop_duplicates(["trip", "leave_s"])
            trips = rides["trip"].unique()
            heads = pd.Series(trips).groupby(study.feed.trips["route"].to_numpy()[trips]).first()
            times, served = tt.call_dep[calls], np.unique(tt.call_stop[calls])
            walk_s = study.egress_s[site][served]
            lines = {study.feed.line_names[int(t)] for t in heads}
            rows.append(
                {
                    "site": place.name,
                    "day_kind": day.kind,
                    "stops": len(served),
                    "nearest_walk_min": round(float(walk_s.min()) / 60, 1) if walk_s.size else None,
                    "lines": ", ".join(sorted(lines, key=natural)),
                    "departures": round(departures(tt)[rides["run"].to_numpy(np.int64)].sum()),
                    "first": _clock(study, day.kind, times.min()) if times.size else "",
                    "last": _clock(study, day.kind, times.max()) if times.size else "",
                }
            )
    return pd.DataFrame(rows)


def _clock(study: Study, kind: str, axis_s: int) -> str:
    """Return a clock time, marked when it is on the day after."""
    text = clock(study, kind, int(axis_s))
    return f"{text} (+1)" if axis_s >= DAY_S else text


def reach_by_mode(access: Access) -> pd.DataFrame:
    """Return workers of the pool who hold each shift, by mode: one column per mode."""
    study = access.study
    rows = []
    for shift_id, kind in (
        access.keys[["shift_id", "day_kind"]].drop_duplicates().itertuples(index=False, name=None)
    ):
        row = study.shift_rows[int(shift_id)]
        pool = study.pool(row.site, row.roster)
        figures: dict[str, object] = {
            "site": row.site_name,
            "roster": row.roster,
            "shift": row.shift,
            "day_kind": kind,
            "pool": pool.sum(),
        }
        for mode in study.territory.modes.evaluated:
            place = access.row(int(shift_id), str(kind), mode)
            if place is not None:
                figures[mode] = float(pool @ access.holds[place])
        rows.append(figures)
    return pd.DataFrame(rows)


def modal_potential(access: Access) -> pd.DataFrame:
    """Return workers for whom each roster holds on all its shifts, by mode."""
    study, found = access.study, rosters(access)
    frame = found.keys.copy()
    pools = [
        study.pool(int(s), str(r)) for s, r in zip(frame["site"], frame["roster"], strict=True)
    ]
    frame["workers"] = [float(p @ h) for p, h in zip(pools, found.holds, strict=True)]
    frame["pool"] = [float(p.sum()) for p in pools]
    modes = ["counted", *study.territory.modes.evaluated]
    wide = frame.pivot_table(
        index=["site", "site_name", "roster", "pool"], columns="mode", values="workers", sort=False
    ).reset_index()
    wide = wide.drop(columns="site").rename(columns={"site_name": "site"})
    wide.columns.name = None
    return wide[["site", "roster", "pool", *[m for m in modes if m in wide]]]


def driving(access: Access, factors: LeverFactors) -> pd.DataFrame:
    """Return what driving to work costs and emits a year, by roster, and what transit spares.

    The staff of a roster is taken to live as its labour pool does. Columns: ``site``,
    ``roster``, ``headcount``, ``car_km`` (one way, mean), ``eur_worker_car``,
    ``eur_worker_transit`` (after the employer's refund), ``eur_employer_transit``,
    ``tco2e_car`` (everyone drives), ``tco2e_spared`` (those who can hold the roster without
    a car do), ``night_trips`` (a year, to or from work between 21:00 and 06:00, on
    the days worked). What follows from a headcount is missing where none is given, what follows
    from days where the roster works on none of those studied.
    """
    study, found = access.study, rosters(access)
    if "car" not in study.street_times:
        return pd.DataFrame()
    rows = []
    ticket, refund = factors["cost.transit_year"], factors["cost.transit_employer"]
    for r in counted_rows(found):
        site, roster = int(found.keys["site"].to_numpy()[r]), str(found.keys.at[r, "roster"])
        shifts = [s for s in study.shift_rows if (s.site, s.roster) == (site, roster)]
        staff = sum(s.headcount for s in shifts)
        km, share = _car_km(study, site, study.pool(site, roster), found.holds[r])
        # Who holds the roster works so many of the days on which its shifts are manned.
        part = worked_share(study, site, roster, factors["worked_days_year"])
        days = part * days_manned(study, site, roster)
        nights = sum(_night_trips(study, s.shift_id) for s in shifts)
        per_day = 2 * km / factors["car_occupancy"]
        grams = per_day * factors["co2.car"]
        is_known = bool(staff and days)
        rows.append(
            {
                "site": study.sites[site].name,
                "roster": roster,
                "headcount": staff or None,
                "car_km": round(km, 1),
                "eur_worker_car": round(per_day * days * factors["cost.car_km"]) if days else None,
                "eur_worker_transit": round(ticket * (1 - refund)),
                "eur_employer_transit": round(ticket * refund),
                "tco2e_car": round(staff * days * grams / 1e6, 1) if is_known else None,
                "tco2e_spared": round(staff * share * days * grams / 1e6, 1) if is_known else None,
                "night_trips": round(nights * part) if is_known else None,
            }
        )
    whole = ("headcount", "eur_worker_car", "night_trips")
    frame = pd.DataFrame(rows).astype(dict.fromkeys(whole, "Int64"))
    return frame.astype(dict.fromkeys(("tco2e_car", "tco2e_spared"), float))


def _car_km(study: Study, site: int, pool: Float, holds: Bool) -> tuple[float, float]:
    """Return the mean driving distance, km, and the share of it driven by those who need not.

    The distance is that of the comparison of modes, of those within the limit of a commute by car.
    """
    road = road_km(study)[site]
    known = (study.street_times["car"][0][site] < INF) & np.isfinite(road)
    weight = pool * known
    if not weight.sum():
        return 0.0, 0.0
    km = np.where(known, road, 0.0)
    total = float(weight @ km)
    return total / float(weight.sum()), float(weight @ (km * holds)) / total if total else 0.0


def _night_trips(study: Study, shift_id: int) -> float:
    """Return the trips a year to or from a shift at hours of the night, on all its days."""
    row = study.shift_rows[shift_id]
    night = sum(
        at_s % 86_400 < _NIGHT_TO_S or at_s % 86_400 >= _NIGHT_FROM_S
        for at_s in (row.start_s, row.end_s)
    )
    days = sum(study.days_per_year(shift_id, d) for d in study.days if study.works_on(shift_id, d))
    return row.headcount * night * days


def versement(study: Study, factors: LeverFactors) -> pd.DataFrame:
    """Return the payroll and the versement mobilité of each employer.

    Columns: ``employer``, ``headcount``, ``payroll``, ``vm_percent`` (mean rate over its
    sites) and ``versement`` (EUR a year); missing where no rate is given or found, or no headcount
    is given. Employers under 11 workers do not pay it (CGCT L2333-64).
    """
    rates = site_rates(study, factors)
    staff = staff_by_employer(study)
    pay = factors["payroll_worker_year"]
    rows = []
    for name, count in staff.items():
        mine = [row for row in study.shift_rows if (row.employer or row.site_name) == name]
        heads = sum(row.headcount for row in mine)
        known = [(row.headcount, rates[row.site]) for row in mine]
        due = percent = None
        if all(rate is not None for _, rate in known):
            whole = sum(n * float(rate or 0.0) for n, rate in known)
            percent = round(100 * whole / heads, 3) if heads else None
            # Without headcount neither pay nor contribution is known: they are not nothing.
            due = None if not count else round(pay * whole) if count >= _VM_LEAST else 0
        rows.append((name, count, round(count * pay) if count else None, percent, due))
    frame = pd.DataFrame(
        rows, columns=["employer", "headcount", "payroll", "vm_percent", "versement"]
    )
    return frame.astype(dict.fromkeys(("payroll", "vm_percent", "versement"), "Float64"))


def site_rates(study: Study, factors: LeverFactors) -> list[float | None]:
    """Return the rate of the versement mobilité at each site, None where it is not known.

    It is looked up in ``sources.versement_mobilite`` by the commune of the site, its own or
    that of the nearest home; without a table it is the factor ``versement_mobilite_rate``.

    Raises
    ------
    TerritoryError
        A table is given, and a site has no INSEE code by which to look in it.
    """
    given = factors[VM_RATE] or None
    source = study.territory.sources.versement_mobilite
    if source is None:
        return [given] * len(study.sites)
    path = study.territory.resolve(source)
    rates = read_rates(path, min(day.date for day in study.days))
    changes = changes_of(study.territory)
    found: list[float | None] = []
    for number, site in enumerate(study.sites, start=1):
        commune = site_commune(site, study.homes)
        several = INSEE_CODE.findall(commune) if len(commune) % 5 == 0 else []
        if len({rate_of(rates, code, changes) for code in several}) == 1:
            commune = several[0]  # A cell on a border, where the communes have one rate.
        if not INSEE_CODE.fullmatch(commune):
            raise TerritoryError(
                "The commune of site {name} is not known: its rate of versement mobilité cannot "
                "be looked up.",
                file=study.territory.path,
                row=number,
                column="sites.commune",
                value=commune or None,
                mend='Write the INSEE code of its commune, e.g. commune = "85191".',
                name=site.name,
            )
        # A commune that no authority's table names has no versement mobilité, which is told.
        found.append(rate_of(rates, commune, changes) or 0.0)
    return found


def employer_steps(study: Study, sets: Combined) -> pd.DataFrame:
    """Return the jobs of each site that can be held, and what its employer pays, step by step.

    A step is a remedy of the set advised, on top of those before. EUR a year are those of the set
    so far by headcount, by jobs gained, and by the stable key: each remedy is shared in equal
    parts among the employers that it serves, which is the Shapley value where a group on its own
    would pay for every remedy that serves some of it; no group can then pay more than alone.
    """
    portfolio, names = sets.portfolio, [site.employer or site.name for site in study.sites]
    ledger = portfolio.ledger
    heads = np.array([ledger.site_jobs(k) for k in range(len(names))])
    owner = np.array([site for site, _ in ledger.rosters], np.intp)
    before = np.array(portfolio.point(sets.steps[0]).by_roster)
    rows = []
    for step, chosen in enumerate(sets.steps):
        point = portfolio.point(chosen)
        held = np.array(point.by_roster)
        now = np.bincount(owner, weights=held, minlength=len(names))
        gained = np.bincount(owner, weights=np.maximum(held - before, 0), minlength=len(names))
        parts = {
            "headcount": heads,
            "jobs": gained,
            "stable": _equal_parts(portfolio, point, names, heads),
        }
        euros = {by: to_the_cent(part, point.eur_year) for by, part in parts.items()}
        for k, site in enumerate(study.sites):
            paid = {f"eur_{by}": float(eur[k]) for by, eur in euros.items()}
            rows.append({
                "step": step, "set": sets.name(chosen), "site": site.name,
                "employer": site.employer or site.name, "headcount": round(heads[k]),
                "jobs_reachable": round(float(now[k]), 2), **paid,
            })  # fmt: skip
    return pd.DataFrame(rows)


def _equal_parts(portfolio: Portfolio, point: Point, names: list[str], heads: Float) -> Float:
    """Return what each site bears when each remedy is shared equally among employers served.

    The sites of one employer share by headcount.
    """
    places = {site.name: k for k, site in enumerate(portfolio.ledger.study.sites)}
    parts = np.zeros(len(names))
    for number, line in point.bill:
        remedy = portfolio.remedies[number]
        served = [places[name] for name in remedy.site_names] or list(places.values())
        owners = sorted({names[k] for k in served})
        for owner in owners:
            mine = [k for k in served if names[k] == owner]
            weight = heads[mine] / heads[mine].sum() if heads[mine].sum() else 1 / len(mine)
            parts[mine] += line.eur_year / len(owners) * weight
    return parts


def staff_by_employer(study: Study) -> dict[str, int]:
    """Return the workers of each employer."""
    staff: dict[str, int] = {}
    for row in study.shift_rows:
        name = row.employer or row.site_name
        staff[name] = staff.get(name, 0) + row.headcount
    return staff
