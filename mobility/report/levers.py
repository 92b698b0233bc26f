"""The outputs of a search of levers: tables, recommendations, examples, before/after map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from mobility.analysis.commutes import assess
from mobility.analysis.examples import LegText
from mobility.analysis.levers_patch import what_if
from mobility.analysis.levers_remedy import Remedy
from mobility.analysis.loading import load
from mobility.analysis.recommendations import (
    Example,
    distinct,
    examples,
    recommend,
    remedies_frame,
)
from mobility.analysis.retiming import Outcome, Retiming, search
from mobility.analysis.shift_hours import ShiftHours, shift_hours
from mobility.analysis.study import Progress, quiet
from mobility.analysis.white_zones import white_zones
from mobility.files import staging, write_text
from mobility.locale import translate
from mobility.privacy import suppress_counts
from mobility.report.sections import Report, Section
from mobility.territory import Territory

#: Levers shown with their journeys, and put on the map.
ILLUSTRATED = 3
COUNTS = [
    "workers_gained", "workers_lost", "commutes_gained", "commutes_lost", "rosters_gained",
    "rosters_lost", "directions_lost",
]  # fmt: skip


@dataclass(frozen=True)
class LeverResults:
    """What `mobility levers` finds and writes.

    Attributes
    ----------
    shown
        Distinct levers that gain, best first.
    """

    found: Retiming
    hours: ShiftHours
    remedies: tuple[Remedy, ...]
    shown: tuple[Outcome, ...]
    folder: Path

    @property
    def table(self) -> pd.DataFrame:
        """The ranked remedies, small counts withheld."""
        limits = self.found.bench.study.territory.limits
        language = self.found.bench.study.territory.output.language
        frame = remedies_frame(self.remedies, language, limits.min_workers_shown)
        return suppress_counts(frame, ["workers", "lost"], threshold=limits.min_workers_shown)


def find_levers(
    territory: Territory, *, limit: int = 20, progress: Progress = quiet
) -> LeverResults:
    """Search the levers of a territory.

    Raises
    ------
    MobilityError
        A source or the territory is wrong.
    """
    access = assess(load(territory, progress=progress), progress=progress)
    found = search(access, progress=progress)
    hours = shift_hours(access)
    remedies = recommend(found, hours, limit=limit)
    folder = territory.resolve(territory.output.dir)
    return LeverResults(found, hours, tuple(remedies), tuple(distinct(found.useful, limit)), folder)


def levers_table(found: Retiming) -> pd.DataFrame:
    """Return every lever that changes something, ranked, small counts withheld."""
    threshold = found.bench.study.territory.limits.min_workers_shown
    frame = suppress_counts(found.to_frame(), COUNTS, threshold=threshold)
    # The ratio and the hours would give a withheld count away.
    hidden = frame[COUNTS].isna().any(axis=1)
    for column in ("per_vehicle_min", "saved_h"):
        frame[column] = frame[column].mask(hidden)
    return frame


def fix_table(found: Retiming) -> pd.DataFrame:
    """Return the minutes to fix of each white home that one move would connect.

    Columns: ``home_id``, ``site``, ``roster``, ``shift``, ``day_kind``, ``minutes``.
    """
    study, keys = found.bench.study, found.bench.scores.keys
    place, home = np.nonzero(found.minutes_to_fix > 0)
    shifts = [study.shift_rows[found.bench.scores.shift_of(int(k))] for k in place]
    return pd.DataFrame({
        "home_id": study.homes.frame["home_id"].to_numpy()[home],
        "site": [s.site_name for s in shifts],
        "roster": [s.roster for s in shifts],
        "shift": [s.shift for s in shifts],
        "day_kind": keys["day_kind"].to_numpy()[place],
        "minutes": found.minutes_to_fix[place, home],
    })  # fmt: skip


def recommendations_report(results: LeverResults, language: str) -> Report:
    """Return the recommendations as a report, with the journeys of the first levers."""
    bench = results.found.bench
    threshold = bench.study.territory.limits.min_workers_shown
    sections = [
        Section(
            translate("Recommendations, cheapest per worker first", language),
            tuple(r.sentence(language, threshold=threshold) for r in results.remedies),
            is_list=True,
        )
    ]
    wording = {r.lever: r for r in results.remedies if r.lever is not None}
    for outcome in results.shown[:ILLUSTRATED]:
        for example in examples(bench, outcome):
            remedy = wording.get(outcome.lever)
            if remedy is not None:
                sections.append(_example_section(results, remedy, example, language))
    title = translate("Levers of the timetable: {name}", language, name=bench.study.territory.name)
    return Report(title, language, tuple(sections))


def _example_section(
    results: LeverResults, remedy: Remedy, example: Example, language: str
) -> Section:
    study = results.found.bench.study
    shift = study.shift_rows[example.shift_id]
    lines = [
        translate(
            "From {home} to {site}, shift {shift}, {day}:",
            language,
            home=example.home_id,
            site=shift.site_name,
            shift=shift.shift,
            day=translate(example.day_kind, language),
        )
    ]
    for moment, (out, back) in (("before", example.before), ("after", example.after)):
        for way, legs in (("Outbound", out), ("Return", back)):
            head = f"{translate(way, language)}, {translate(moment, language)}"
            lines.append(head + translate(": ", language) + _journey(legs, language))
    return Section(remedy.head(language), tuple(lines))


def _journey(legs: Sequence[LegText], language: str) -> str:
    if not legs:
        return translate("no journey within the limits", language)
    parts = []
    for leg in legs:
        what = " ".join(filter(None, [translate(leg.kind, language), leg.line]))
        parts.append(f"{leg.depart}–{leg.arrive} {what}")
    return ", ".join(parts)


def write_levers(
    results: LeverResults, folder: Path, language: str, *, maps: bool = True
) -> list[str]:
    """Write ``levers.csv``, ``minutes_to_fix.csv``, ``shift_hours.csv``, ``recommendations.*``.

    Parameters
    ----------
    maps
        Also write ``levers.html``, the map before and after the first levers.
    """
    threshold = results.found.bench.study.territory.limits.min_workers_shown
    hours = suppress_counts(results.hours.to_frame(), ["workers"], threshold=threshold)
    with staging(folder) as part:
        write_text(part / "levers.csv", levers_table(results.found).to_csv(index=False))
        write_text(part / "minutes_to_fix.csv", fix_table(results.found).to_csv(index=False))
        write_text(part / "shift_hours.csv", hours.to_csv(index=False))
        recommendations_report(results, language).write(part, "recommendations")
        if maps and results.shown:
            write_levers_map(results, part / "levers.html", language)
        return sorted(p.name for p in part.iterdir())


def write_levers_map(results: LeverResults, path: Path, language: str) -> None:
    """Write the map of the present and of the first levers, one scenario each."""
    from mobility.maps.from_results import map_model
    from mobility.maps.page import write_map

    bench = results.found.bench
    wording = {r.lever: r for r in results.remedies if r.lever is not None}
    after = []
    for outcome in results.shown[:ILLUSTRATED]:
        variant = assess(what_if(bench.study, [outcome.lever]))
        remedy = wording.get(outcome.lever)
        name = "" if remedy is None else remedy.head(language)
        after.append((name, variant, white_zones(variant)))
    access = replace(bench.access, study=bench.study)
    write_map(map_model(access, white_zones(access), after=tuple(after)), path, language=language)
