"""The answer of `mobility lines`: what lines cost, who depends on them, and where they run."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from mobility.base.i18n import translate
from mobility.commute.line_found import trips_of_line
from mobility.commute.study import Study
from mobility.needs.lines import Changed, Lines, sentences
from mobility.needs.swaps import Swap, swap_table
from mobility.outputs.map.needs_page import PageLayer
from mobility.outputs.needs import Answer
from mobility.outputs.words import Words
from mobility.remedies.bill import bill_frame


def lines_answer(
    found: Lines, changed: Changed | None, swaps: Sequence[Swap], language: str
) -> Answer:
    """Return what lines cost and who rides them, what a scenario changes, and swaps."""
    study = found.access.study
    words = Words(language, study.days)
    shapes = _line_shapes(study, found.table, words)
    tables = {"lines": found.table}
    here = "present" if changed is None else "scenario"
    bills = [(translate(here, language), found.bill)]
    note = translate(
        "Kilometres, hours and vehicles by the timetable; who could no longer come without a line.",
        language,
    )
    said: list[str] = []
    if changed is not None:
        tables |= {"lines_changed": changed.table, "lines_groups": changed.groups}
        bills.append((translate("difference", language), changed.bill))
        said = sentences(changed, language)
        note = " ".join(said)
    unknown = found.table.loc[found.table["jobs_at_risk"].isna() & (found.table["line"] != "")]
    if len(unknown):
        text = (
            "Lines at a headway without exact times: what they drive is counted; where a vehicle "
            "waits, and who depends on them, nobody can tell: {lines}."
        )
        said = [*said, translate(text, language, lines=", ".join(unknown["line"]))]
    if swaps:
        tables["swaps"] = swap_table(found.access, swaps)
    tables["lines_costs"] = bill_frame(bills, language, of="situation")
    name = translate("Lines by the jobs at risk without them: the wider, the more", language)
    layers = [PageLayer(name, shapes, "#b5358f")] if len(shapes) else []
    title = translate("What do the lines cost, and who depends on them?", language)
    gis = {"lines": shapes} if len(shapes) else {}
    return Answer(study, "lines", title, note, layers, tables, gis, said)


def _line_shapes(study: Study, table: pd.DataFrame, words: Words) -> gpd.GeoDataFrame:
    """Return lines without which a job is lost, straight from stop to stop."""
    lonlat = study.feed.stops[["lon", "lat"]].to_numpy(np.float64)
    stop, ptr = study.feed.stop_times["stop"].to_numpy(), study.feed.trip_ptr
    rows, shapes, widths = [], [], []
    needed = table[table["jobs_at_risk"] > 0]
    for line, at_risk in zip(needed["line"], needed["jobs_at_risk"].tolist(), strict=True):
        trips = trips_of_line(study.feed, line)
        ways = [stop[ptr[t] : ptr[t + 1]] for t in trips]
        legs = np.unique(np.concatenate([np.column_stack([w[:-1], w[1:]]) for w in ways]), axis=0)
        shapes.append(shapely.MultiLineString(lonlat[legs].tolist()))
        jobs = words.number(at_risk)
        widths.append(2 + round(6 * at_risk / needed["jobs_at_risk"].max()))
        rows.append((line, translate("{jobs} jobs at risk", words.language, jobs=jobs)))
    return gpd.GeoDataFrame(
        {"title": [r[0] for r in rows], "lines": [r[1] for r in rows], "size": widths},
        geometry=shapes, crs=4326,
    )  # fmt: skip
