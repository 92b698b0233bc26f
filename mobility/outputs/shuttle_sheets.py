"""The tables of the shuttle plans in words and units, for the page, the PDF and the workbook."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from mobility.base.i18n import translate
from mobility.commute.study import Study
from mobility.outputs.sheets import Column, Sheet
from mobility.outputs.shuttle_tables import Shuttles
from mobility.outputs.words import HARD, Words
from mobility.shuttles.outputs import DIRECTIONS

#: What each factor is: the name up to its size of vehicle or kind of day → English template.
FACTORS = {
    "driver_hour": "An hour of a driver's work",
    "driver_min_hours": "Least pay of a driver's duty",
    "driver_break_share": "Pay of a driver between two parts of a day",
    "driver_year_hours": "Hours of a full-time driver",
    "overhead": "Structure costs of the operator",
    "vehicle_fixed": "Vehicle, whatever it drives",
    "vehicle_km": "Vehicle, each kilometre",
    "vehicle_co2": "Vehicle, emissions",
    "car_co2": "Car, emissions",
    "car_occupancy": "Workers in a car",
    "stop_eur_year": "New stop of a shuttle",
    "days_per_year": "Days of this kind",
    "duty.max_continuous_drive": "Longest driving without a break",
    "duty.max_night_drive": "The same by night",
    "duty.break": "Break after it",
    "duty.max_daily_drive": "Longest driving in a day",
    "duty.max_work": "Longest work in a day",
    "duty.max_spread": "Longest day from start to end",
    "duty.sign_on": "Taking and leaving the service",
    "duty.min_rest": "Least rest between two days",
    "light.new_stop_eur_year": "Lighter answer: a new stop",
    "light.extension_driver_hour": "Lighter answer: a line extended, an hour",
    "light.extension_km": "Lighter answer: a line extended, a kilometre",
    "light.on_demand_trip": "Lighter answer: an on-demand trip",
    "light.carpool_worker_year": "Lighter answer: car-pooling",
    "light.carpool_adoption": "Lighter answer: those who car-pool",
    "light.carpool_crew": "Lighter answer: persons in a shared car",
}
#: Units that read better than the factor's own.
UNITS = {"days": "days a year"}
#: Where a shuttle stops, in order of preference of the design.
PLACES = {
    "stop": "existing bus stop",
    "village": "village centre",
    "carpool": "car-pool area",
    "park_ride": "park and ride",
    "node": "new stop",
}
#: Kinds of place where a line begins or ends: all its riders get on or off there.
ENDS = ("gate", "hub")
PLAN = Column("plan", "Plan")
LINE = Column("line", "Line of the shuttle")


def shuttle_sheets(found: Shuttles, study: Study, words: Words) -> dict[str, Sheet]:
    """Return every table of the shuttle plans, by key; empty ones are left out."""
    sheets = {
        "shuttle_plans": _plans(found),
        "shuttle_rosters": _rosters(found),
        "shuttle_vehicles": _vehicles(found),
        "shuttle_lines": _lines(found, study),
        "shuttle_stops": _stops(found, words),
        "shuttle_runs": _runs(found, study, words),
        "shuttle_calls": _calls(found, study, words),
        "shuttle_shares": _shares(found),
        "shuttle_lighter": _lighter(found, words),
        "shuttle_hours": _hours(found),
        "shuttle_factors": _factors(found, study, words),
    }
    return {key: sheet for key, sheet in sheets.items() if len(sheet.frame)}


def _sheet(name: str, note: str, columns: tuple[Column, ...], frame: pd.DataFrame) -> Sheet:
    """Return a table whose counts are whole; columns that its file lacks are missing values."""
    frame = frame.reindex(columns=[c.key for c in columns])
    for column in columns:
        if column.kind == "count":
            numbers = frame[column.key].to_numpy(np.float64, na_value=np.nan)
            frame[column.key] = pd.array(np.round(numbers), dtype="Float64")
    return Sheet(name, note, columns, frame)


def _plans(found: Shuttles) -> Sheet:
    return _sheet(
        "Shuttle plans",
        "What each amount of money brings: plans that no other one beats, cheapest first.",
        (
            PLAN,
            Column("knee", "Advised", "flag"),
            Column("lines", "Lines of shuttles", "count"),
            Column("vehicles", "Vehicles", "count"),
            Column("drivers_fte", "Drivers (full time)", "value"),
            Column("eur_year", "EUR a year", "count"),
            Column("rosters_gained", "Jobs whose whole roster is gained, proven", "count"),
            Column("rosters_estimate", "The same, estimated by the design", "count"),
            Column("employees_gained", "Of them, expected riders", "count"),
            Column("eur_per_worker", "EUR a year per rider gained", "count"),
            Column("pool_gained", "Inhabitants who gain a roster", "count"),
            Column("co2_saved_kg", "CO2e saved (kg a year)", "count"),
        ),
        found.plans.assign(knee=found.plans["knee"].astype(bool)),
    )


def _rosters(found: Shuttles) -> Sheet:
    return _sheet(
        "Shuttles who gains",
        "Who gains a whole roster with the plan, site by site.",
        (
            Column("site", "Site"),
            Column("roster", "Roster", "roster"),
            Column("staff", "Jobs", "count"),
            Column("rosters_gained", "Jobs whose whole roster is gained, proven", "count"),
            Column("rosters_estimate", "The same, estimated by the design", "count"),
            Column("employees_gained", "Of them, expected riders", "count"),
            Column("pool", "Labour pool (workers)", "count"),
            Column("pool_gained", "Inhabitants who gain a roster", "count"),
        ),
        _of_plan(found.rosters, found.name),
    )


def _vehicles(found: Shuttles) -> Sheet:
    return _sheet(
        "Shuttles vehicles",
        "Vehicles of the plan by size.",
        (
            Column("vehicle", "Vehicle"),
            Column("passengers", "Seats for workers", "count"),
            Column("number", "Vehicles", "count"),
        ),
        _of_plan(found.vehicles, found.name),
    )


def _lines(found: Shuttles, study: Study) -> Sheet:
    """Return one row per line; its length is that of its first way, to work where it has one."""
    frame, stops, table = found.ways, _away(found.stops), found.timetable
    if len(frame):
        runs = table.groupby("line")["run"].nunique()
        shifts = table.groupby("line")["shift"].unique()
        frame = frame.drop_duplicates("line")
        frame = frame.assign(
            stops=[int((stops["line"] == line).sum()) for line in frame["line"]],
            runs=frame["line"].map(runs),
            shifts=[_listed(shifts.get(line, ()), study) for line in frame["line"]],
        )
    return _sheet(
        "Shuttles lines",
        "Lines of the plan; a run works on the days told below.",
        (
            LINE,
            Column("to", "To"),
            Column("shifts", "Shifts served"),
            Column("vehicle", "Vehicle"),
            Column("stops", "Stops", "count"),
            Column("km", "Length (km)", "value"),
            Column("runs", "Runs", "count"),
        ),
        frame,
    )


def _listed(shifts: Iterable[str], study: Study) -> str:
    """Return the shifts named in texts such as ``matin, nuit``, each once; one may hold commas."""
    told = [f", {text}, " for text in shifts]
    names = dict.fromkeys(row.shift for row in study.shift_rows)
    return ", ".join(name for name in names if any(f", {name}, " in text for text in told))


def _away(stops: pd.DataFrame) -> pd.DataFrame:
    """Return the stops away from the gates and hubs, where all riders of a run get on or off."""
    return stops[~stops["kind"].isin(ENDS)] if len(stops) else stops


def _stops(found: Shuttles, words: Words) -> Sheet:
    frame = _away(found.stops)
    if len(frame):
        order = _call_order(found.timetable)
        frame = frame.assign(
            kind=[words.t(PLACES.get(str(kind), str(kind))) for kind in frame["kind"]],
            at=[order.get(key, 99) for key in zip(frame["line"], frame["stop"], strict=True)],
        ).sort_values(["line", "at", "stop"])
    return _sheet(
        "Shuttles stops",
        "Stops of the plan, on the way to work; riders on and off on the busiest kind of day.",
        (
            LINE,
            Column("stop", "Stop of the shuttle"),
            Column("kind", "What is there"),
            Column("riders_day", "Riders a day", "count"),
        ),
        frame,
    )


def _call_order(timetable: pd.DataFrame) -> dict[tuple[str, str], int]:
    """Return the place of each stop on its line, in the order of the runs to work."""
    order: dict[tuple[str, str], int] = {}
    if timetable.empty:
        return order
    inbound = timetable["direction"].isin(_spoken("in"))
    for rows in (timetable[inbound], timetable[~inbound]):
        for _, run in rows.groupby("run", sort=True):
            for k, (line, stop) in enumerate(zip(run["line"], run["stop"], strict=True)):
                order.setdefault((line, stop), k)
    return order


def _spoken(direction: str) -> set[str]:
    """Return the words of a direction in either language: tables hold one of them."""
    return {translate(DIRECTIONS[direction], language) for language in ("fr", "en")}


def _runs(found: Shuttles, study: Study, words: Words) -> Sheet:
    table, stops = found.timetable, found.stops
    ends = stops[stops["kind"].isin(ENDS)] if len(stops) else stops
    gates = set(zip(ends["line"], ends["stop"], strict=True)) if len(ends) else set()
    rows = []
    for _, run in table.groupby("run", sort=True) if len(table) else ():
        first, last = run.iloc[0], run.iloc[-1]
        inbound = first["direction"] in _spoken("in")
        rows.append(
            {
                "line": first["line"],
                "direction": words.t(DIRECTIONS["in" if inbound else "out"]),
                "shift": first["shift"],
                "days": _days(first, study, words),
                "start": first["time"],
                "end": last["time"],
                "load": run["load"].iloc[_fullest(run, gates, inbound)],
                "seats": first["seats"],
            }
        )
    return _sheet(
        "Shuttles runs",
        "Runs of the plan: riders aboard where the vehicle is fullest.",
        (
            LINE,
            Column("direction", "Direction"),
            Column("shift", "Shift"),
            Column("days", "Days"),
            Column("start", "First stop"),
            Column("end", "Last stop"),
            Column("load", "Riders aboard", "count"),
            Column("seats", "Seats for workers", "count"),
        ),
        pd.DataFrame(rows),
    )


def _fullest(run: pd.DataFrame, gates: set[tuple[str, str]], inbound: bool) -> int:
    """Return the call after which everybody is aboard: before the gates inbound, after them out."""
    at = [k for k, key in enumerate(zip(run["line"], run["stop"], strict=True)) if key in gates]
    if inbound:
        return max((at or [len(run) - 1])[0] - 1, 0)
    return (at or [0])[-1]


def _days(row: pd.Series, study: Study, words: Words) -> str:
    """Return when a run works, e.g. ``lun–ven · jour de semaine, école``."""
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    days = [int(d) - 1 for d in str(row["weekdays"])]
    told = words.weekdays(tuple(names[d] for d in days))
    if len(days) > 2 and days == list(range(days[0], days[-1] + 1)):
        told = "–".join(words.weekdays((names[d],)) for d in (days[0], days[-1]))
    kinds = str(row["days"]).split()
    known = [words.day(d) for d in study.days if d.kind in kinds]
    season = "" if pd.isna(row["season"]) else str(row["season"])
    return f"{HARD}· ".join(filter(None, [told, " / ".join(known), season]))


def _calls(found: Shuttles, study: Study, words: Words) -> Sheet:
    table = found.timetable
    if len(table):
        table = table.assign(
            direction=[
                words.t(DIRECTIONS["in" if d in _spoken("in") else "out"])
                for d in table["direction"]
            ],
            days=[_days(row, study, words) for _, row in table.iterrows()],
        )
    return _sheet(
        "Shuttles timetable",
        "Every call of every run of the plan, with riders on or off and riders aboard.",
        (
            LINE,
            Column("run", "Run", "count"),
            Column("direction", "Direction"),
            Column("shift", "Shift"),
            Column("days", "Days"),
            Column("stop", "Stop of the shuttle"),
            Column("time", "Time"),
            Column("riders", "Riders on or off", "count"),
            Column("load", "Riders aboard", "count"),
            Column("seats", "Seats for workers", "count"),
        ),
        table,
    )


def _shares(found: Shuttles) -> Sheet:
    return _sheet(
        "Shuttles shares",
        "Who could pay what: three keys to share the cost, the EUR by the one of the territory "
        "file (boardings by default).",
        (
            Column("site", "Site"),
            Column("employer", "Employer"),
            Column("share_boardings", "By boardings", "share"),
            Column("share_headcount", "By headcount", "share"),
            Column("share_km", "By kilometres", "share"),
            Column("eur_year", "EUR a year", "count"),
        ),
        found.shares.assign(employer=found.shares["employer"].fillna(""))
        if len(found.shares)
        else found.shares,
    )


def _lighter(found: Shuttles, words: Words) -> Sheet:
    frame = found.lighter
    if len(frame):
        frame = frame.assign(
            best=[words.t(str(best)) for best in frame["best"]],
            shuttle_justified=frame["shuttle_justified"].astype(bool),
        )
    return _sheet(
        "Lighter than a shuttle",
        "For each white area, the best answer found. A shuttle is justified where no lighter one "
        "reaches four fifths of its workers for less. Workers are counted once for each shift "
        "they work (shift-places).",
        (
            Column("area", "Area"),
            Column("site", "Site"),
            Column("white_workers", "White (shift-places)", "count"),
            Column("reason", "Main reason", "reason"),
            Column("shuttle_workers", "Reached by the shuttle (shift-places)", "count"),
            Column("best", "Best answer"),
            Column("shuttle_justified", "Shuttle justified", "flag"),
        ),
        frame,
    )


def _hours(found: Shuttles) -> Sheet:
    frame = found.harmonise
    return _sheet(
        "Shuttles shift hours",
        "What moving the hours of one site would save.",
        (
            Column("site", "Site"),
            Column("moved", "Moved by (min)"),
            Column("eur_saved", "EUR saved a year", "count"),
            Column("vehicles_saved", "Vehicles saved", "count"),
        ),
        _saving(frame) if len(frame) else frame,
    )


def _saving(frame: pd.DataFrame) -> pd.DataFrame:
    saving = frame[frame["eur_saved"] > 0]
    return saving.assign(moved=[f"{int(minutes):+d}" for minutes in saving["minutes"]])


def _factors(found: Shuttles, study: Study, words: Words) -> Sheet:
    frame = found.factors
    if len(frame):
        frame = frame.assign(
            meaning=[_meaning(str(name), study, words) for name in frame["name"]],
            unit=[words.t(UNITS.get(str(unit), str(unit))) for unit in frame["unit"]],
            year=frame["year"].astype(str),
            check=frame["check"].astype(bool),
        )
    return _sheet(
        "Shuttles factors",
        "What the costs and the emissions rest on; rows to check are orders of magnitude that a "
        "tender or a local figure replaces, under [factors] of the territory file.",
        (
            Column("meaning", "Factor"),
            Column("value", "Value", "value"),
            Column("unit", "Unit"),
            Column("year", "Year"),
            Column("check", "To check", "flag"),
            Column("source", "Source"),
            Column("name", "Name in the territory file"),
        ),
        frame,
    )


def _meaning(name: str, study: Study, words: Words) -> str:
    """Return what a factor is, with its size of vehicle or its kind of day."""
    if name in FACTORS:
        return words.t(FACTORS[name])
    head, _, tail = name.rpartition(".")
    kinds = {day.kind: words.day(day) for day in study.days}
    return f"{words.t(FACTORS.get(head, head))} ({kinds.get(tail, tail)})" if head else name


def _of_plan(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    return frame[frame["plan"] == name] if len(frame) else frame
