"""Write docs/outputs.md from the registry of tables: ``python tools/make_outputs_doc.py``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from mobility.outputs.tables import Column, Spec, registry

PAGE = Path(__file__).parents[1] / "docs" / "outputs.md"
#: A column that so many files have is told once, above them.
COMMON = 4
UNITS = {"share": "0 to 1", "flag": "true, false", "clock": "hh:mm"}
INTRODUCTION = """# Outputs

Every table that is written, column by column. Counts are workers (inhabitants of the labour pool
unless said otherwise), in whole persons; what is not computed is empty. Minutes are empty where a
direction does not hold within the limits. Times of day are local, hours beyond 24 on the day
after. CSV files are UTF-8 with commas and points; `report.xlsx` holds the main tables with
headings in words, their units and their number formats. `index.html` links every file of the folder
with a line on each.

This page is written by `python tools/make_outputs_doc.py` from `mobility/outputs/tables.toml`,
which pages, spreadsheet and terminal follow too, in French and in English.

Columns that several tables have:
"""
#: What the files that are no tables hold, by command.
OTHERS = {
    "run": """**`homes.parquet`**, **`results.gpkg`**: cells with their `workers`, groups, and per
roster `share` of working days held and `status`, per shift and kind of day `out_min`, `back_min`,
`status`, `reason`; sites; stops with their departures.

**`run.json`**: versions, parameters, dates, hashes, licences, findings.
""",
    "shuttles": """For each plan also `<plan>.zip` (GTFS) and `<plan>.geojson` (lines and stops).
""",
    "levers": """**`minutes_to_fix.gpkg`**: the same per home. **`cycle_tracks.geojson`**: tracks
advised.
**`recommendations.html`**, `.md`: the remedies in words, with a journey of each.
""",
    "plan": """`plan_modal.csv`, `plan_carpool.csv` and `plan_carpool_points.csv` are as those
of `mobility run`.
**`plan.html`**, `.md`: the plan to read.
""",
    "matrix": "",
    "risk": """**`risk.gpkg`**: `roads`, the street pieces driven along: `osm_id`, `name`, `road`
(`motorway`, `outside`, `inside`), `cars_day` and, not by daylight, `dark_cars_day`, means over the
year. **`risk.html`**: the map.
""",
    "zone": """**`zone.gpkg`**: `links` with the columns of `zone_links.csv`, `ways` to the nearest
stop with those of `zone_gates.csv`, `stops` by name (`stop`). **`zone.html`**: the map.
""",
    "jobbus": """**`job_bus.gpkg`**: `halts` with the columns of `job_bus.csv`, `way` of
the bus there. **`job_bus.html`**: the map.
""",
    "apprentices": """**`apprentices.gpkg`**: `homes` with `home_id`, `pairs_held` (how many) and,
for each `centre + company`, whether the pair holds. **`apprentices.html`**: the map.
""",
    "irregular": """**`irregular.gpkg`**: `homes` with `home_id` and, for each roster,
`site | roster | share` of the listed days that hold (0 to 1).
**`irregular.html`**: the map of it.
""",
    "fairness": """**`fairness.gpkg`**: `homes` with `home_id` and, by the name of each
situation, how many rosters hold. **`fairness.html`**: the map of them.
""",
    "lines": """**`lines.gpkg`**, **`lines.html`**: the lines without which a job is lost.
""",
    "delays": """**`delays.gpkg`**: `homes` with `home_id` and, for each roster,
`site | roster | share` of the working days that hold (0 to 1). **`delays.html`**: the map of it.
""",
    "atlas merge": """In `national/`. **`ranking.xlsx`**: these tables. **`territories.parquet`**: a
row per territory with its outline (GeoParquet). **`map.html`**: the map of them all.
**`shifts/ti=ID/shifts.parquet`**: a row per home, site, roster, shift and kind of day (`home_id`,
`commune`, `workers`, `site`, `roster`, `shift`, `day_kind`, `status`, `reason`, `out_min`,
`back_min`, `lon`, `lat`, `geometry`), of each territory, read as one table. **`atlas.json`**: the
software, and each territory's state and manifest.
""",
    "housing": """**`housing.gpkg`**: `places`, squares with `place_id`, `commune`,
`jobs_held` of those asked for, `all_held` and, for each roster, `site | roster`: whether it holds,
and `site | roster | share` of the cycle's working days that do (0 to 1); `residences` given
with `--at`, with `residence` and `site | roster`. **`housing.html`**: the inverse map.
""",
}


def page() -> str:
    """Return the text of docs/outputs.md."""
    written = [spec for spec in registry().values() if spec.file]
    seen = Counter(c.key for spec in written for c in _in_file(spec))
    common = {key for key, count in seen.items() if count >= COMMON}
    columns: dict[str, Column] = {}
    for spec in written:
        for column in _in_file(spec):
            columns.setdefault(column.key, column)
    lines = [INTRODUCTION, *_table(columns[key] for key in columns if key in common)]
    for command, others in OTHERS.items():
        lines += ["", f"## `mobility {command}`", ""]
        for spec in (s for s in written if s.command == command):
            lines += [f"**`{spec.file}`**, a row per {spec.row}. {_sentence(spec.note['en'])}", ""]
            told = [c for c in _in_file(spec) if c.key in common and c == columns[c.key]]
            own = [c for c in _in_file(spec) if c not in told]
            if told:
                lines += [
                    f"Columns {', '.join(f'`{c.key}`' for c in told)}{' and' if own else ''}",
                    "",
                ]
            lines += [*_table(own), ""] if own else []
        lines.append(others.rstrip())
    return "\n".join(lines) + "\n"


def _in_file(spec: Spec) -> list[Column]:
    return [c for c in spec.columns if c.key not in spec.sheet_only]


def _table(columns: Iterable[Column]) -> Iterator[str]:
    yield from ("| column | | unit | |", "|---|---|---|---|")
    for column in columns:
        heading, unit, meaning = column.texts["en"]
        yield f"| `{column.key}` | {heading} | {unit or UNITS.get(column.kind, '')} | {meaning} |"


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
