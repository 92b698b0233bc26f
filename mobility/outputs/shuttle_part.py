"""The report's part on shuttles: the plan told, who gains, what it takes, what it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from mobility.commute.study import Study
from mobility.outputs import document as blocks
from mobility.outputs.pictures import Painter, frontier_png
from mobility.outputs.shuttle_tables import Shuttles
from mobility.outputs.tables import MOST_ROWS, Sheet, table_block
from mobility.outputs.words import Words

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
    found: Shuttles,
    sheets: Mapping[str, Sheet],
    words: Words,
    told: str,
    drawing: blocks.Figure | None = None,
) -> Iterator[blocks.Block]:
    """Yield the part on shuttles.

    Parameters
    ----------
    sheets
        Those of `shuttle_sheets`, by key.
    told
        The plan in words, see `plan_sentence`.
    drawing
        Map of the lines.
    """
    t = words.t
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
    spans = found.sensitivity
    span = (
        {} if spans.empty else next(iter(spans[spans["plan"] == found.name].to_dict("records")), {})
    )

    def amount(name: str, decimals: int = 0) -> str:
        return number(row[name], decimals)

    def between(name: str) -> str:
        low, high = span.get(f"{name}_low"), span.get(f"{name}_high")
        known = not (pd.isna(low) or pd.isna(high))
        return t("{low} to {high}", low=number(low), high=number(high)) if known else ""

    estimate = t("Jobs that the design is for, estimated")
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
        (
            t("Kilometres a year, with riders and empty"),
            f"{amount('run_km')} / {amount('empty_km')}",
            "",
        ),
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
    frame = found.vehicles
    mine = frame[frame["plan"] == found.name] if len(frame) else frame
    sizes = [
        words.t(
            "{number} {vehicle} ({seats} riders)",
            number=words.number(row.number),
            vehicle=row.vehicle,
            seats=words.number(row.passengers),
        )
        for row in mine.itertuples()
    ]
    return ", ".join(sizes) or words.number(found.row["vehicles"])
