"""What a design writes: GTFS of each plan, lines on a map layer, tables for a tender."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from mobility.base.clock import service_clock
from mobility.base.i18n import translate
from mobility.base.literal import csv_text, one_line
from mobility.commute.access import roster_shifts
from mobility.commute.ledger import roster_jobs
from mobility.remedies.bill import bill_frame
from mobility.shuttles.blocks import Move
from mobility.shuttles.booking_tables import bills_table, days_table, rides_table, services_table
from mobility.shuttles.duties import DutyRules
from mobility.shuttles.energies import ENERGY_TABLES, energy_tables
from mobility.shuttles.gtfs_out import write_gtfs
from mobility.shuttles.model import Day
from mobility.shuttles.plan import Plan, run_loads, stop_riders
from mobility.shuttles.plans import Plans
from mobility.shuttles.scene import RosterGain
from mobility.shuttles.sharing import employer_shares, group_cost, stable_shares, to_the_cent
from mobility.shuttles.written import COLOURS, DIRECTIONS, read_plan_table
from mobility.territory.rosters import season_label

Work = TypeVar("Work")
_PLAN_TABLES = ("timetable", "blocks", "duties", "shares")


def write_plans(
    plans: Plans, folder: Path, *, lighter: pd.DataFrame | None = None, language: str = "fr"
) -> list[str]:
    """Write every plan into ``folder``; return the names of the files, sorted.

    ``plans.csv``, ``rosters.csv``, ``vehicles.csv``, ``costs.csv``, ``sensitivity.csv``,
    ``harmonise.csv``, ``factors.csv``, ``lighter.csv``, ``on_demand.csv``, ``on_demand_days.csv``,
    ``on_demand_costs.csv``, ``on_demand_rides.csv``, those of `energies` where some are asked for,
    and, for each plan, ``<plan>.zip`` (GTFS),
    ``<plan>.geojson``, ``<plan>-timetable.csv``, ``<plan>-blocks.csv``, ``<plan>-duties.csv`` and
    ``<plan>-shares.csv``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tables: dict[str, pd.DataFrame] = {
        "plans": plans.to_frame(),
        "sensitivity": _sensitivity_table(plans),
        "rosters": _rosters_table(plans),
        "vehicles": vehicles_table(plans),
        "costs": _costs_table(plans, language),
        "harmonise": _moves_table(plans),
        "factors": plans.factors.to_frame(language),
    }
    if lighter is not None:
        tables["lighter"] = lighter
    every = [plan for _, plan in plans.every]
    tables["on_demand"] = services_table(every, language)
    tables["on_demand_days"] = days_table(every, plans.factors, language)
    tables["on_demand_costs"] = bills_table(every, language)
    tables["on_demand_rides"] = rides_table(plans.knee, plans.study, plans.scene.edges, language)
    if plans.config.energies:
        tables |= energy_tables(plans, language)
    if plans.drawn is not None:
        for name, table in (("rosters", _rosters_table), ("sensitivity", _sensitivity_table)):
            tables[name] = pd.concat([tables[name], table(plans.drawn)], ignore_index=True)
    for own, plan in plans.every:
        tables |= _write_plan(own, plan, folder, language)
    for name, frame in tables.items():
        # What is paid is found again to the cent: nothing of it is rounded.
        paid = name in ("plans", "costs", "on_demand_costs") or name.endswith("-shares")
        text = csv_text(frame, float_format=None if paid else "%.3f")
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return sorted(p.name for p in folder.iterdir())


def outdated(folder: Path, plans: Plans) -> list[str]:
    """Return the files in a folder of plans that an earlier design wrote and this one has not."""
    table = folder / "plans.csv"
    if not table.is_file():
        return []
    gone = set(read_plan_table(table)["plan"]) - {plan.name for _, plan in plans.every}
    ends = (".zip", ".geojson", *(f"-{t}.csv" for t in _PLAN_TABLES))
    energies = () if plans.config.energies else ENERGY_TABLES
    old = [f"{name}.csv" for name in energies if (folder / f"{name}.csv").is_file()]
    return [f"{name}{end}" for name in sorted(gone) for end in ends] + old


def _write_plan(plans: Plans, plan: Plan, folder: Path, language: str) -> dict[str, pd.DataFrame]:
    """Write a plan's feed and layer; return its tables by name."""
    write_gtfs(plans.gtfs(plan), folder / f"{plan.name}.zip")
    layer = _lines_layer(plans, plan)
    (folder / f"{plan.name}.geojson").write_text(_geojson(layer), encoding="utf-8")
    tables = (
        _timetable_table(plans, plan, language=language),
        blocks_table(plans, plan),
        duties_table(plans, plan),
        _shares_table(plans, plan),
    )
    return {f"{plan.name}-{t}": table for t, table in zip(_PLAN_TABLES, tables, strict=True)}


def _sensitivity_table(plans: Plans) -> pd.DataFrame:
    """Return one row per plan: low and high of each interval."""
    fields = ("rosters", "gained", "eur_per_user", "co2_saved_kg")
    return pd.DataFrame(
        [
            {"plan": s.plan}
            | {
                f"{f}_{end}": getattr(s, f)[k]
                for f in fields
                for k, end in enumerate(("low", "high"))
            }
            | {"left_behind_high": s.left_behind}
            for s in plans.intervals
        ]
    )


def _rosters_table(plans: Plans) -> pd.DataFrame:
    """Return one row per plan and roster that it is for or that gains: who does, in two units.

    ``staff`` is the roster's headcount; ``jobs_gained`` those of it whose every shift holds
    thanks to the plan, by the engine, ``jobs_estimate`` by the plan's own model, and
    ``employees_gained`` those who would ride. ``pool`` are the inhabitants of the labour
    pool, ``pool_gained`` those newly able to hold the roster, as in ``comparison.csv``.
    """
    study, rows = plans.study, []
    for plan in plans.plans:
        asked = {plans.roster_names[gain.roster]: gain for gain in plan.rosters}
        for k, (site, roster) in enumerate(roster_shifts(study)):
            gain = asked.get((site, roster))
            jobs = None if plan.jobs is None else plan.jobs[k]
            if gain is None and not jobs:
                continue
            known = gain or RosterGain(-1, 0.0)
            rows.append(
                {
                    "plan": plan.name,
                    "site": study.sites[site].name,
                    "roster": roster,
                    "staff": float(roster_jobs(study, site, roster).sum()),
                    "jobs_gained": known.gained if jobs is None else jobs,
                    "jobs_estimate": known.estimate,
                    "employees_gained": known.riding * plan.capture_rate,
                    "pool": study.pool(site, roster).sum(),
                    "pool_gained": known.pool
                    if plan.roster_places is None
                    else plan.roster_places[k],
                }
            )
    return pd.DataFrame(rows)


def vehicles_table(plans: Plans) -> pd.DataFrame:
    """Return one row per plan, the drawn one included, and size of vehicle that it uses."""
    rows = [
        {
            "plan": plan.name,
            "vehicle": own.config.vehicles[k].name,
            "seats": own.config.vehicles[k].seats,
            "passengers": own.config.vehicles[k].passengers,
            "number": number,
        }
        for own, plan in plans.every
        for k, number in enumerate(plan.operations.fleet)
        if number
    ]
    return pd.DataFrame(rows, columns=["plan", "vehicle", "seats", "passengers", "number"])


def _moves_table(plans: Plans) -> pd.DataFrame:
    """Return what moving each site's hours would change, best first."""
    return pd.DataFrame(
        [
            {
                "site": plans.study.sites[m.site].name,
                "minutes": m.minutes,
                "eur_saved": m.eur_saved,
                "vehicles_saved": m.vehicles_saved,
                "workers_change": m.workers_change,
            }
            for m in plans.moves
        ],
        columns=["site", "minutes", "eur_saved", "vehicles_saved", "workers_change"],
    )


def _timetable_table(plans: Plans, plan: Plan, *, language: str = "fr") -> pd.DataFrame:
    """Return one row per call of every run: times, riders on and off, load after the call."""
    rows = []
    for number, run in enumerate(plan.runs):
        load = run_loads(run)
        shifts = ", ".join(
            sorted({plans.study.shift_rows[plans.scene.edges[e].shift_id].shift for e in run.edges})
        )
        for k, place in enumerate(run.calls):
            rows.append(
                {
                    "line": plan.lines[run.line].name,
                    "run": number + 1,
                    "direction": translate(DIRECTIONS[run.direction], language),
                    "shift": shifts,
                    "weekdays": "".join(str(d + 1) for d in run.service_weekdays),
                    "days": " ".join(run.day_kinds),
                    "season": season_label(run.season),
                    "stop": plans.scene.places[place].name,
                    "arrive": service_clock(run.service_s(run.arrive_s[k])),
                    "depart": service_clock(run.service_s(run.depart_s[k])),
                    "riders": float(run.riders[k]),
                    "load": load[k] if k < len(run.calls) - 1 else 0.0,
                    "seats": plans.config.vehicles[run.vehicle].passengers,
                }
            )
    return pd.DataFrame(rows)


def blocks_table(plans: Plans, plan: Plan) -> pd.DataFrame:
    """Return one row per move of every vehicle and kind of day.

    ``days_year`` are such days a year: kilometres times days add up to the plan's.
    """
    return pd.DataFrame(
        [
            _move_row(plans, plan, day, b, move)
            | {"vehicle": plans.config.vehicles[block.vehicle].name, "days_year": day.count}
            for day, blocks in _distinct_days(plan.operations.days, plan.operations.blocks)
            for b, block in enumerate(blocks)
            for piece in block.pieces
            for move in piece
        ]
    )


def _distinct_days(days: Sequence[Day], work: Sequence[Work]) -> list[tuple[Day, Work]]:
    """Return days with what is done on them, those alike as one that counts for all.

    A Saturday stands once in the school weeks and once in the holidays.
    """
    found: dict[tuple[object, ...], tuple[Day, Work]] = {}
    for day, done in zip(days, work, strict=True):
        key = (day.weekday, day.kinds[day.weekday], day.season, done)
        known = found.get(key)
        count = day.count + (known[0].count if known else 0.0)
        found[key] = (replace(day, count=count), done)
    return list(found.values())


def _move_row(plans: Plans, plan: Plan, day: Day, block: int, move: Move) -> dict[str, object]:
    places = plans.scene.places
    line = plan.lines[plan.runs[move.run].line].name if move.run >= 0 else ""
    return {
        "weekday": day.weekday + 1, "day": day.kinds[day.weekday],
        "season": season_label(day.season), "block": block + 1, "what": move.kind,
        "line": line, "from": places[move.origin].name, "to": places[move.destination].name,
        "start": service_clock(move.start_s), "end": service_clock(move.end_s),
        "km": move.metres / 1000,
    }  # fmt: skip


def duties_table(plans: Plans, plan: Plan) -> pd.DataFrame:
    """Return one row per duty and day: start, end, work, driving, paid hours.

    ``days_year`` are such days a year: hours times days add up to the plan's.
    """
    rules = DutyRules.from_factors(plans.factors)
    rows = [
        {
            "weekday": day.weekday + 1,
            "day": day.kinds[day.weekday],
            "season": season_label(day.season),
            "duty": k + 1,
            "start": service_clock(duty.pieces[0].start_s - rules.sign_on_s),
            "end": service_clock(duty.pieces[-1].end_s + rules.sign_on_s),
            "work_h": duty.work_s(rules) / 3600,
            "driving_h": sum(p.drive_s for p in duty.pieces) / 3600,
            "split_h": duty.split_s / 3600,
            "paid_h": duty.paid_s(rules) / 3600,
            "days_year": day.count,
        }
        for day, duties in _distinct_days(plan.operations.days, plan.operations.duties)
        for k, duty in enumerate(duties)
    ]
    return pd.DataFrame(rows)


def _shares_table(plans: Plans, plan: Plan) -> pd.DataFrame:
    """Return what each site's employer would pay by four keys, to the cent.

    The stable key is found between employers and shared among the sites of one by boardings.
    """
    study, total = plans.study, plan.costs.total
    heads = [
        float(sum(roster_jobs(study, s, r).sum() for x, r in roster_shifts(study) if x == s))
        for s in range(len(study.sites))
    ]
    keys = {
        by: employer_shares(plan, plans.scene, by=by, headcounts=heads)
        for by in ("boardings", "headcount", "km")
    }
    sites = sorted({s for shares in keys.values() for s in shares})
    names = [study.sites[s].employer or study.sites[s].name for s in range(len(study.sites))]
    owner = [names.index(name) for name in names]
    members = sorted({owner[s] for s in sites})
    cost = group_cost(plan, plans.scene, owner, plans.config, plans.factors, plans.days)
    paid, stable = stable_shares(members, cost)
    board = keys["boardings"]
    within = {m: sum(board.get(s, 0.0) for s in sites if owner[s] == m) for m in members}
    frame = pd.DataFrame(
        {
            "site": [study.sites[s].name for s in sites],
            "employer": [study.sites[s].employer for s in sites],
        }
        | {f"share_{by}": [shares.get(s, 0.0) for s in sites] for by, shares in keys.items()}
    )
    frame["share_stable"] = [
        paid[owner[s]]
        / total
        * (board.get(s, 0.0) / within[owner[s]] if within[owner[s]] else 1 / owner.count(owner[s]))
        for s in sites
    ]
    for by in ("boardings", "headcount", "km", "stable"):
        frame[f"eur_{by}"] = to_the_cent(frame[f"share_{by}"].to_numpy(), total)
    frame["eur_year"] = frame[f"eur_{plans.config.share_by}"]
    return frame.assign(stable=stable)


def _costs_table(plans: Plans, language: str) -> pd.DataFrame:
    """Return every line of what each plan costs: quantity, price, EUR a year, factor, source."""
    bills = ((plan.name, own.bill(plan)) for own, plan in plans.every)
    return bill_frame(bills, language, of="plan")


def _lines_layer(plans: Plans, plan: Plan) -> list[dict[str, object]]:
    """Return GeoJSON features: the way of each line and direction, then its stops with riders."""
    features: list[dict[str, object]] = []
    seen: set[tuple[int, tuple[int, ...]]] = set()
    for run in plan.runs:
        if (run.line, run.calls) in seen:
            continue
        seen.add((run.line, run.calls))
        way = np.round(plans.ways.lonlat(run.calls), 6).tolist()
        line = plan.lines[run.line]
        features.append(
            {
                "type": "Feature",
                "geometry": {"type": "LineString", "coordinates": way},
                "properties": {
                    "line": line.name,
                    "to": line.anchor.name,
                    "direction": run.direction,
                    "vehicle": plans.config.vehicles[line.vehicle].name,
                    "km": round(run.metres / 1000, 2),
                    "color": f"#{COLOURS[run.line % len(COLOURS)]}",
                },
            }
        )
    riders = stop_riders(plan)
    calls = {(run.line, place) for run in plan.runs for place in run.calls}
    for index, place in sorted(calls):
        n = riders.get((index, place))
        p = plans.scene.places[place]
        features.append(
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [round(p.lon, 6), round(p.lat, 6)]},
                "properties": {
                    "line": plan.lines[index].name,
                    "stop": one_line(p.name),
                    "kind": p.kind,
                    "riders_day": None if n is None else round(n, 2),
                },
            }
        )
    return features


def _geojson(features: Sequence[Mapping[str, object]]) -> str:
    import json

    return json.dumps({"type": "FeatureCollection", "features": list(features)}, ensure_ascii=False)
