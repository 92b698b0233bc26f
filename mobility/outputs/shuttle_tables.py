"""The shuttle plans that stand in a folder: read from what their run wrote, told as tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mobility.base.clock import day_clock
from mobility.base.i18n import LANGUAGES, signed, translate
from mobility.base.literal import read_csv_text
from mobility.commute.study import Study
from mobility.outputs import tables as blocks
from mobility.outputs.pictures import Painter, frontier_png
from mobility.outputs.record import SHUTTLES, designed_plans, earlier_plans
from mobility.outputs.tables import MOST_ROWS, Sheet, sheet_of, table_block
from mobility.outputs.words import HARD, PLACES, Words, factor_label, natural
from mobility.shuttles.written import DIRECTIONS, read_plan_table
from mobility.territory.fields import WEEKDAYS

#: Units that read better than the factor's own.
UNITS = {"days": "days a year"}
#: Kinds of place where a line begins or ends: all its riders get on or off there.
_ENDS = ("gate", "hub")
#: Columns without which a report cannot tell the plans.
_WANTED = (
    "knee", "refused", "jobs_gained", "jobs_estimate", "eur_per_job", "eur_per_user", "co2_saved_kg"
)  # fmt: skip


@dataclass(frozen=True)
class Shuttles:
    """The plans of a territory and the one that a report tells.

    Attributes
    ----------
    name
        The plan told: the variant studied if it is one of them, else the one told.
    plans, rosters, costs, sensitivity, vehicles, factors, lighter, harmonise, on_demand
        Of every plan, as `mobility.shuttles.outputs.write_plans` wrote them; those that are
        not there are empty.
    timetable, shares
        Of the plan told.
    ways, stops
        Properties of its lines and of their stops, from its layer, and ``lonlat``: the
        coordinates of each.
    """

    name: str
    plans: pd.DataFrame
    rosters: pd.DataFrame
    costs: pd.DataFrame
    sensitivity: pd.DataFrame
    vehicles: pd.DataFrame
    factors: pd.DataFrame
    lighter: pd.DataFrame
    harmonise: pd.DataFrame
    on_demand: pd.DataFrame
    timetable: pd.DataFrame
    shares: pd.DataFrame
    ways: pd.DataFrame
    stops: pd.DataFrame

    @property
    def row(self) -> pd.Series:
        """The figures of the plan told."""
        return self.plans.loc[self.plans["plan"] == self.name].iloc[0]


def read_shuttles(folders: Iterable[Path], study: Study) -> Shuttles | None:
    """Return the shuttle plans of the first folder that has some for the inputs of a study.

    Those designed with what is advised stand before those of `mobility shuttles`; the variant
    studied, where it is one of either, before all.

    Parameters
    ----------
    folders
        Folders of results.
    study
        The territory, or a variant of it.

    Raises
    ------
    SourceError
        A table lacks a column.
    """
    for folder in folders:
        earlier, own = earlier_plans(folder, study), designed_plans(folder, study)
        places = [] if own is None else [own]
        if earlier is not None and earlier.same:
            places.append(folder / SHUTTLES)
        read = (_read_shuttles(place, study.scenario) for place in places)
        found = [plans for plans in read if plans is not None]
        if found:
            return next((plans for plans in found if plans.name == study.scenario), found[0])
    return None


def _read_shuttles(folder: Path, scenario: str) -> Shuttles | None:
    plans = read_plan_table(folder / "plans.csv", _WANTED)
    if plans.empty:
        return None
    told = plans.loc[plans["knee"].astype(bool), "plan"].tolist()
    names = [n for n in (scenario, *told, plans["plan"].iloc[0]) if n in set(plans["plan"])]
    layer = folder / f"{names[0]}.geojson"
    features = json.loads(layer.read_text(encoding="utf-8"))["features"] if layer.is_file() else []
    rows = [f["properties"] | {"lonlat": f["geometry"]["coordinates"]} for f in features]
    common = ("rosters", "costs", "sensitivity", "vehicles", "factors", "lighter", "harmonise",
              "on_demand")  # fmt: skip
    return Shuttles(
        name=names[0],
        plans=plans,
        timetable=_table(folder / f"{names[0]}-timetable.csv"),
        shares=_table(folder / f"{names[0]}-shares.csv"),
        ways=pd.DataFrame([row for row in rows if "to" in row]),
        stops=pd.DataFrame([row for row in rows if "stop" in row]),
        **{name: _table(folder / f"{name}.csv") for name in common},
    )


def _table(path: Path) -> pd.DataFrame:
    """Return a table; an empty one where the plans have none of that name."""
    try:
        return read_csv_text(path)
    except (FileNotFoundError, pd.errors.EmptyDataError):
        return pd.DataFrame()


def shuttle_sheets(found: Shuttles, study: Study, words: Words) -> dict[str, Sheet]:
    """Return every table of the shuttle plans, by key; empty ones are left out."""
    rosters, vehicles, costs = (
        frame[frame["plan"] == found.name] if len(frame) else frame
        for frame in (found.rosters, found.vehicles, found.costs)
    )
    frames = {
        "plans": told_plans(found.plans, words.language), "plan_rosters": rosters,
        "vehicles": vehicles, "plan_costs": costs, "plan_lines": _lines(found, study),
        "plan_stops": _stops(found, words), "plan_runs": _runs(found, study, words),
        "timetable": _calls(found, study, words), "shares": found.shares,
        "on_demand": found.on_demand, "lighter": found.lighter,
        "harmonise": _saving(found.harmonise), "shuttle_factors": _factors(found, words),
    }  # fmt: skip
    return {k: sheet_of(k, frame, fill=True) for k, frame in frames.items() if len(frame)}


def told_plans(plans: pd.DataFrame, language: str) -> pd.DataFrame:
    """Return the plans with what speaks against each in words."""
    against = [translate(why, language) if isinstance(why, str) else "" for why in plans["refused"]]
    return plans.assign(refused=against)


def _lines(found: Shuttles, study: Study) -> pd.DataFrame:
    """Return one row per line; its length is that of its first way, to work where it has one."""
    frame, stops, table = found.ways, _away(found.stops), found.timetable
    if frame.empty:
        return frame
    runs = table.groupby("line")["run"].nunique()
    shifts = table.groupby("line")["shift"].unique()
    frame = _by_line(frame.drop_duplicates("line"))
    return frame.assign(
        stops=[int((stops["line"] == line).sum()) for line in frame["line"]],
        runs=frame["line"].map(runs),
        shifts=[_listed(shifts.get(line, ()), study) for line in frame["line"]],
    )


def _listed(shifts: Iterable[str], study: Study) -> str:
    """Return the shifts named in texts such as ``matin, nuit``, each once; one may hold commas."""
    told = [f", {text}, " for text in shifts]
    names = dict.fromkeys(row.shift for row in study.shift_rows)
    return ", ".join(name for name in names if any(f", {name}, " in text for text in told))


def _away(stops: pd.DataFrame) -> pd.DataFrame:
    """Return the stops away from the gates and hubs, where all riders of a run get on or off."""
    return stops[~stops["kind"].isin(_ENDS)] if len(stops) else stops


def _stops(found: Shuttles, words: Words) -> pd.DataFrame:
    frame = _away(found.stops)
    if frame.empty:
        return frame
    order = _call_order(found.timetable)
    frame = frame.assign(
        place=[words.t(PLACES.get(str(kind), str(kind))) for kind in frame["kind"]],
        at=[order.get(key, 99) for key in zip(frame["line"], frame["stop"], strict=True)],
    )
    return _by_line(frame.sort_values(["at", "stop"]))


def _by_line(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows line by line, N2 before N10, as they stand within a line."""
    order = sorted(range(len(frame)), key=lambda k: natural(str(frame["line"].iloc[k])))
    return frame.iloc[order]


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
    return {translate(DIRECTIONS[direction], language) for language in LANGUAGES}


def _runs(found: Shuttles, study: Study, words: Words) -> pd.DataFrame:
    table, stops = found.timetable, found.stops
    ends = stops[stops["kind"].isin(_ENDS)] if len(stops) else stops
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
                "start": day_clock(str(first["depart"])),
                "end": day_clock(str(last["arrive"])),
                "load": run["load"].iloc[_fullest(run, gates, inbound)],
                "seats": first["seats"],
            }
        )
    return _by_line(pd.DataFrame(rows)) if rows else pd.DataFrame()


def _fullest(run: pd.DataFrame, gates: set[tuple[str, str]], inbound: bool) -> int:
    """Return the call after which everybody is aboard: before the gates inbound, after them out."""
    at = [k for k, key in enumerate(zip(run["line"], run["stop"], strict=True)) if key in gates]
    if inbound:
        return max((at or [len(run) - 1])[0] - 1, 0)
    return (at or [0])[-1]


def _days(row: pd.Series, study: Study, words: Words) -> str:
    """Return when a run works, e.g. ``lun–ven · jour de semaine, école``."""
    days = [int(d) - 1 for d in str(row["weekdays"])]
    told = words.weekdays(tuple(WEEKDAYS[d] for d in days))
    if len(days) > 2 and days == list(range(days[0], days[-1] + 1)):
        told = "–".join(words.weekdays((WEEKDAYS[d],)) for d in (days[0], days[-1]))
    kinds = str(row["days"]).split()
    known = [words.day(d.kind) for d in study.days if d.kind in kinds]
    season = "" if pd.isna(row["season"]) else str(row["season"])
    return f"{HARD}· ".join(filter(None, [told, " / ".join(known), season]))


def _calls(found: Shuttles, study: Study, words: Words) -> pd.DataFrame:
    table = found.timetable
    if table.empty:
        return table
    table = _by_line(table)
    ways = ["in" if d in _spoken("in") else "out" for d in table["direction"]]
    return table.assign(
        direction=[words.t(DIRECTIONS[way]) for way in ways],
        days=[_days(row, study, words) for _, row in table.iterrows()],
    )


def _saving(frame: pd.DataFrame) -> pd.DataFrame:
    if frame.empty:
        return frame
    saving = frame[frame["eur_saved"] > 0]
    return saving.assign(moved=[signed(int(minutes), "en") for minutes in saving["minutes"]])


def _factors(found: Shuttles, words: Words) -> pd.DataFrame:
    frame = found.factors
    if frame.empty:
        return frame
    return frame.assign(
        meaning=[factor_label(str(name), words) for name in frame["name"]],
        unit=[words.t(UNITS.get(str(unit), str(unit))) for unit in frame["unit"]],
    )


#: Headings of level 2 and the tables under them, in order.
TABLES = (
    ("Who gains a whole roster", ("plan_rosters",)),
    ("Lines and stops", ("plan_lines", "plan_stops")),
    ("Runs and load", ("plan_runs",)),
    ("What it costs", ("plan_costs",)),
    ("Shared among the employers", ("shares",)),
)
LAST = (
    ("Is a shuttle the right answer?", ("on_demand", "lighter", "harmonise")),
    ("What the costs rest on", ("shuttle_factors",)),
)
#: Shown whole, however long.
_WHOLE = ("shuttle_factors",)
_PROVEN = (
    "A whole roster is gained where every shift of it can be reached and left, on every kind of "
    "working day, thanks to the shuttles. The proven figure is found by computing the territory "
    "again with their timetable; the estimate is the design's own, before that proof."
)
_MEANT = (
    "The plan is a proposal to be put out to tender, not a service that runs. Riders are a share "
    "of those who gain: the capture rate of the territory file."
)


def shuttle_part(
    found: Shuttles, sheets: Mapping[str, Sheet], words: Words, told: str, study: Study,
    attribution: str,
) -> Iterator[blocks.Block]:  # fmt: skip
    """Yield the part on shuttles.

    Parameters
    ----------
    sheets
        Those of `shuttle_sheets`, by key.
    told
        The plan in words, see `plan_sentence`.
    study, attribution
        See `lines_figure`.
    """
    t, drawing = words.t, lines_figure(found, study, attribution, words)
    yield blocks.Heading(t("Shuttles"))
    yield blocks.Text(told, "lead")
    yield blocks.Text(t(_MEANT), "callout")
    yield _figures(found, words)
    yield blocks.Text(t(_PROVEN), "note")
    if drawing is not None:
        yield drawing
    yield from _tables(TABLES, sheets, words)
    yield blocks.Heading(t("More or less money: the frontier"), 2)
    png = frontier_png(found.plans, found.name, words)
    if png is not None:
        alt = t("Chart of the jobs that each plan gains against its cost")
        yield blocks.Figure(
            png,
            alt,
            t("What each plan costs and brings"),
            t(
                "The marked plan is {plan}. The plan told is where each further euro begins to "
                "bring less.",
                plan=found.name,
            ),
        )
    yield table_block(sheets["plans"].brief(), words, most=MOST_ROWS)
    yield from _tables(LAST, sheets, words)


def lines_figure(
    found: Shuttles, study: Study, attribution: str, words: Words
) -> blocks.Figure | None:
    """Return the map of the lines of the plan told, None where their layer is not there."""
    if found.ways.empty or found.stops.empty:
        return None
    paths = [np.array(path, np.float64) for path in found.ways["lonlat"]]
    ends = np.concatenate(paths)
    painter = Painter(study, attribution, np.concatenate([ends.min(axis=0), ends.max(axis=0)]))
    ways = zip(paths, found.ways["color"], found.ways["line"], strict=True)
    png = painter.lines(ways, np.array(found.stops["lonlat"].tolist()))
    title = words.t("Lines of the plan {plan}", plan=found.name)
    caption = words.t("Circles: stops; diamonds: gates of the sites.")
    return blocks.Figure(png, title, title, caption)


def _tables(
    wanted: tuple[tuple[str, tuple[str, ...]], ...], sheets: Mapping[str, Sheet], words: Words
) -> Iterator[blocks.Block]:
    for heading, keys in wanted:
        there = [
            table_block(sheets[key].brief(), words, most=None if key in _WHOLE else MOST_ROWS)
            for key in keys
            if key in sheets
        ]
        if there:
            yield blocks.Heading(words.t(heading), 2)
        yield from there


def _figures(found: Shuttles, words: Words) -> blocks.Table:
    """Return the figures of the plan told, with their intervals."""
    t, row, number = words.t, found.row, words.number
    spans = found.sensitivity.to_dict("records")
    span = next((span for span in spans if span["plan"] == found.name), {})

    def amount(name: str, decimals: int = 0) -> str:
        return number(row[name], decimals)

    def between(name: str) -> str:
        low, high = span.get(f"{name}_low"), span.get(f"{name}_high")
        known = not (pd.isna(low) or pd.isna(high))
        return t("{low} to {high}", low=number(low), high=number(high)) if known else ""

    estimate = t("Jobs that the design is for, estimated")
    km = f"{amount('run_km')} / {amount('empty_km')}"
    ride = f"{amount('mean_ride_min')} / {amount('longest_ride_min')}"
    rows = (
        (t("Vehicles by size"), _vehicles(found, words), ""),
        (t("Drivers (full time)"), amount("drivers_fte", 1), ""),
        (t("Runs"), number(found.timetable["run"].nunique() if len(found.timetable) else 0), ""),
        (t("EUR a year"), amount("eur_year"), ""),
        (t("Jobs whose whole roster is gained, proven"), amount("jobs_gained"), ""),
        (estimate, amount("jobs_estimate"), between("rosters")),
        (t("Of them, expected riders"), amount("employees_gained"), between("gained")),
        (t("EUR a year per user"), amount("eur_per_user"), between("eur_per_user")),
        (t("EUR a year per job gained"), amount("eur_per_job"), ""),
        (t("Inhabitants who gain their first roster"), amount("inhabitants_gained"), ""),
        (t("Boardings a year"), amount("boardings_year"), ""),
        (t("EUR per boarding"), amount("eur_per_boarding", 2), ""),
        (t("Ride, mean and longest (min)"), ride, ""),
        (t("Kilometres a year, with riders and empty"), km, ""),
        (t("CO2e saved (kg a year)"), amount("co2_saved_kg"), between("co2_saved_kg")),
    )
    note = t(
        "The interval says how far a figure depends on what is not known: the share of those who "
        "would ride, and where workers live inside their cell. Below zero, shuttles emit more "
        "than the cars they replace."
    )
    heads = (t("The plan {plan}", plan=found.name), t("Figure"), t("Interval"))
    return blocks.Table(heads, rows, (False, True, True), note)


def _vehicles(found: Shuttles, words: Words) -> str:
    text, number = "{number} {vehicle} ({seats} riders)", words.number
    sizes = [
        words.t(text, number=number(row.number), vehicle=row.vehicle, seats=number(row.passengers))
        for row in found.vehicles.itertuples()
        if row.plan == found.name
    ]
    return ", ".join(sizes) or words.number(found.row["vehicles"])
