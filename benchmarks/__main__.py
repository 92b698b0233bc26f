"""Run every benchmark, print its tables and write ``figures.json``.

``python -m benchmarks`` takes about an hour and a half on two idle cores, an hour of it the
commands and the peer in turn. ``python -m benchmarks run report`` measures some commands alone
(see `benchmarks.commands.NAMES`; ``run`` is ``run_warm`` and ``run_cold``), ``--only what_if
growth`` runs some parts, ``python -m benchmarks studio`` the studio in a browser, ``python -m
benchmarks atlas`` many territories (a quarter of an hour), ``python -m benchmarks sbrp`` the
public school bus instances (an hour); all keep the other figures. ``pip install -e ".[benchmark]"``
installs what they need beside the software.
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path
from typing import Any

from benchmarks import atlas, commands, compare, growth, inverse_map, night, sbrp, speed, studio
from benchmarks.timing import machine, say, table

FIGURES = Path(__file__).with_name("figures.json")
MEASURES = [measure.__name__ for measure in speed.MEASURES]
PARTS = [*MEASURES, "growth", "compare", "night", "inverse_map", "commands", "growth_commands"]


NOTES = {
    "arrive_by_vs_cafein_ratio": "same walks, bounds and rule for walking on; see equal and "
    "within_60_s of against_peer; neither side limits a single wait or the sum of walks",
    "exact_pass_vs_cafein_ratio": "the least of the four territories; ten sites of one deadline "
    "are asked together, as commands do from eight on",
    "run_vs_cafein_ratio": "processor seconds of the peer's door-to-door times alone over those of "
    "the whole command",
    "arrive_by_vs_cafein_ratio_public_call": "the peer also searches its walks; streets differ",
    "arrive_by_vs_cafein_ratio_product_limits": "limits that the peer cannot apply",
    "arrive_by_vs_networkx_ratio": "scaled from five homes at 06:00; the oracle answers one "
    "home at a time and is written to be obvious, not quick",
    "what_if_ms": "on the runs around the shift's edge, cut out once (cut_once_ms), outbound",
    "timetable_vs_pandas_read_ratio": "first read, pandas guessing types",
    "timetable_vs_pandas_text_ratio": "first read, pandas reading text",
    "scan_vs_memory_read_ratio": "whole scan of up to three rides; per sweep in the table",
}


def main() -> None:
    """Run the parts asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = [*commands.NAMES, "run", "studio", "atlas", "sbrp", []]
    parser.add_argument("commands", choices=names, nargs="*")
    parser.add_argument("--only", choices=PARTS, nargs="*")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each command")
    parser.add_argument("--instances", choices=sbrp.NAMES, nargs="*", help="of sbrp; all if none")
    parser.add_argument("--rides", type=int, choices=sbrp.RIDES, nargs="*", help="of sbrp, in s")
    asked = parser.parse_args()
    chosen = asked.only or ([] if asked.commands else PARTS)
    warnings.simplefilter("ignore")
    figures: dict[str, Any] = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    if "sbrp" in asked.commands:
        known = figures.get("sbrp", [])
        for rows in sbrp.run(asked.instances or [], known, asked.rides or []):
            figures |= {"sbrp": rows} | sbrp.totals(rows)
            FIGURES.write_text(json.dumps(rounded(figures), indent=1) + "\n", encoding="utf-8")
        say(table("School buses", figures["sbrp"]))
        return
    figures["machine"] = machine()
    if "studio" in asked.commands:
        figures["studio"] = studio.run() | {f"limit_{k}": v for k, v in studio.LIMITS.items()}
        say(json.dumps(rounded(figures["studio"]), indent=1))
        asked.commands.remove("studio")
    if "atlas" in asked.commands:
        figures["atlas"] = atlas.run()
        figures |= {
            name: figures["atlas"][name] for name in atlas.GOALS if name in figures["atlas"]
        }
        asked.commands.remove("atlas")
    if asked.commands or "commands" in chosen:
        figures["commands"] = _commands(figures, asked.commands, asked.repeats)
        figures |= commands.headlines(figures["commands"])
    if "growth_commands" in chosen:
        figures["growth_commands"] = commands.grown()
    if set(MEASURES) & set(chosen):
        figures["datasets"] = speed.sizes()
        figures["speed"] = figures.get("speed", {}) | speed.run(chosen)
    if "growth" in chosen:
        figures["growth"] = growth.run()
    if "compare" in chosen:
        figures["compare"] = {k: v for k, v in compare.run().items() if k != "machine"}
    if "night" in chosen:
        figures["night_suite_by_cafein"] = night.run()
    if "inverse_map" in chosen:
        figures["inverse_map"] = inverse_map.run()
    if set(MEASURES) <= set(figures.get("speed", {})):
        figures |= headlines(figures["speed"])
    FIGURES.write_text(json.dumps(rounded(figures), indent=1) + "\n", encoding="utf-8")
    show(figures)


def _commands(figures: dict[str, Any], asked: list[str], repeats: int) -> list[dict[str, Any]]:
    """Measure some commands, all by default; keep what was measured before of the others."""
    names = [n for n in commands.NAMES if not asked or n in asked]
    names += ["run_warm", "run_cold"] if "run" in asked else []
    known = {row["command"]: row for row in figures.get("commands", [])}
    known |= {row["command"]: row for row in commands.run(names, repeats=repeats)}
    return [known[name] for name in commands.NAMES if name in known]


def headlines(found: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Return the figures quoted elsewhere, on the largest real territory."""
    first = {name: rows[0] for name, rows in found.items() if rows}
    peer, oracle = first["against_peer"], first["against_oracle"]
    moved = first["what_if"]
    return {
        "dataset": peer["dataset"],
        "arrive_by_vs_cafein_ratio": peer["ratio_same_walks"],
        "exact_pass_vs_cafein_ratio": min(r["ratio_same_walks"] for r in found["against_peer"]),
        "arrive_by_vs_cafein_ratio_50000_homes": first["more_homes"]["ratio_50000_bounded"],
        "arrive_by_vs_cafein_ratio_public_call": peer["ratio_public"],
        "arrive_by_vs_cafein_ratio_tables_counted": peer["ratio_public_tables_in"],
        "arrive_by_vs_cafein_ratio_builds_counted": peer["ratio_public_builds_in"],
        "arrive_by_vs_cafein_ratio_product_limits": peer["ratio_product"],
        "arrive_by_vs_networkx_ratio": oracle["ratio"],
        "what_if_ms": max(moved["trip_moved_ms"], moved["line_of_6_added_ms"]),
        "scan_vs_memory_read_ratio": first["against_memory"]["ratio"],
        "timetable_vs_pandas_read_ratio": first["building"]["ratio"],
        "timetable_vs_pandas_text_ratio": first["building"]["ratio_text"],
        "walking_table_50000_homes_s": first["walking_table"]["table_s"],
        "threads_speed_up": first["threads"]["speed_up"],
        "notes": NOTES,
    }


def rounded(value: Any) -> Any:
    """Round every number to four figures."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    return [rounded(v) for v in value] if isinstance(value, list) else value


def show(figures: dict[str, Any]) -> None:
    """Print the tables."""
    if "datasets" in figures:
        say(table("Territories", figures["datasets"]))
    for name, rows in figures.get("speed", {}).items():
        say(table(name.replace("_", " ").capitalize(), rows))
    if "commands" in figures:
        say(table("Commands", figures["commands"]))
    if "growth_commands" in figures:
        say(table("Growth of a whole run", figures["growth_commands"]))
    if "growth" in figures:
        say(table("Growth", figures["growth"]))
    for name, rows in figures.get("compare", {}).items():
        say(table(name.replace("_", " ").capitalize(), rows))
    heads = {k: v for k, v in figures.items() if not isinstance(v, dict | list)}
    say(table("Headlines", [{"figure": k, "value": v} for k, v in heads.items()]))
    say(json.dumps(figures["machine"]))


if __name__ == "__main__":
    main()
