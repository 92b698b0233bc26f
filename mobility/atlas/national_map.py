"""The national map: one shape a territory, by what can be held of each kind of roster."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import shapely

from mobility.atlas.figures import KINDS
from mobility.atlas.folder import PREFIX
from mobility.atlas.told import Told
from mobility.base.files import write_text
from mobility.outputs.map.needs_page import RAMP, side_page, told_shape
from mobility.outputs.words import Words

#: Outlines are told to about 200 m and to 10 m: a country is seen at once.
TOLERANCE_DEG, DEGREES = 0.002, 4
#: Classes of shares, and of their changes, by their upper ends.
SHARES, CHANGES = (0.05, 0.10, 0.20, 0.40, 1.0), (-0.05, -0.01, 0.01, 0.05, 1.0)
#: ColorBrewer's PuOr, five classes: told apart without red and green.
_FALL_AND_RISE = ("#e66101", "#fdb863", "#f7f7f7", "#b2abd2", "#5e3c99")


def write_national_map(
    told: Sequence[Told],
    ranking: pd.DataFrame,
    changed: pd.DataFrame | None,
    path: Path,
    language: str,
) -> None:
    """Write the page; it asks nothing of any host, and each shape leads to its own map."""
    words = Words(language)
    rows = {(row["ti"], row["kind"]): row for row in ranking.to_dict("records")}
    moved: dict[tuple[str, str], float] = {}
    if changed is not None:
        moved = {
            (ti, kind): float(by) for ti, kind, by in zip(
                changed["ti"], changed["kind"], changed["share_jobs_change"], strict=True)
            if pd.notna(by)
        }  # fmt: skip
    views = [_view(words.t("Share of jobs"), "share", SHARES, RAMP, words)]
    if moved:
        name = words.t("Change since the earlier atlas")
        views.append(_view(name, "change", CHANGES, _FALL_AND_RISE, words))
    data = {
        "note": words.t(
            "Share of the jobs that can be held without a car, on every shift of the roster. "
            "Territories that failed, or have no such roster, are shown as such."
        ),
        "kinds": [{"key": kind, "name": words.roster(kind)} for kind in KINDS],
        "views": views,
        "none": words.t("No figure: failed, not run, or no such roster"),
        "open": words.t("Open its map"),
        "heads": [words.t("Rank"), words.t("Territory"), words.t("Share of jobs")],
        "territories": [_territory(one, rows, moved, words) for one in told],
    }  # fmt: skip
    title = words.t("Who can staff its shifts without a car?")
    write_text(path, side_page(title, data, "atlas.js", language))


def _view(
    name: str, key: str, ends: Sequence[float], colours: Sequence[str], words: Words
) -> dict[str, Any]:
    """Return a measure with its classes."""
    unit = words.t("points") if key == "change" else "%"
    shown = [f"{100 * end:{'+.0f' if key == 'change' else '.0f'}}" for end in ends[:-1]]
    labels = [f"< {shown[0]}", *map(" – ".join, itertools.pairwise(shown)), f"≥ {shown[-1]}"]
    labels = [words.set_spaces(f"{label} {unit}") for label in labels]
    classes = [
        {"end": end, "colour": colour, "name": label}
        for end, colour, label in zip(ends, colours, labels, strict=True)
    ]
    return {"key": key, "name": name, "classes": classes}


def _territory(
    one: Told,
    rows: dict[tuple[str, str], dict[Any, Any]],
    moved: dict[tuple[str, str], float],
    words: Words,
) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for kind in KINDS:
        row = rows[one.unit, kind]
        share = None if pd.isna(row["share_jobs"]) else float(row["share_jobs"])
        told[kind] = {
            "share": share,
            "change": moved.get((one.unit, kind)),
            "rank": None if pd.isna(row["rank"]) else int(row["rank"]),
            "text": words.symbol(str(row["state"])) if share is None else words.percent(share),
            "lines": _lines(one, row, words),
        }
    return {
        "name": one.name,
        "map": f"../runs/{PREFIX}{one.unit}/map.html" if one.figures else "",
        "shape": None if one.outline is None else _thin(one.outline),
        "kinds": told,
    }


def _lines(one: Told, row: dict[Any, Any], words: Words) -> list[str]:
    """Return what the popup of a territory says of a kind of roster."""
    if one.message:
        return [one.message[words.language]]
    lines = []
    if pd.notna(row["share_jobs"]):
        told = {
            "Share of jobs": words.percent(row["share_jobs"]),
            "Share of inhabitants": words.percent(row["share_inhabitants"]),
        }
        if row["main_reason"]:
            told["Main reason"] = words.reason(row["main_reason"])
        lines += [f"{words.t(name)}{words.t(': ')}{value}" for name, value in told.items()]
        lines.append(str(row["remedy"] or ""))
    else:
        lines.append(words.symbol(str(row["state"])))
    if one.figures:
        lines.append(
            words.t(
                "{workers} workers, {stops} stops, timetables valid at the dates: {valid} of "
                "{feeds}",
                workers=words.number(row["workers"]),
                stops=words.number(row["stops"]),
                valid=int(row["feeds_valid"]),
                feeds=int(row["feeds"]),
            )
        )
        if row["assumed"]:
            lines.append(words.t("Sites and rosters are assumed from industrial land."))
    return [line for line in lines if line]


def _thin(outline: dict[str, Any]) -> Any:
    shape = shapely.simplify(shapely.geometry.shape(outline), TOLERANCE_DEG)
    return told_shape(shape, DEGREES)
