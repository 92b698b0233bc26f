"""What the territories of an atlas say together: ranking, map, tables; nothing is computed anew.

A territory that failed, or was not run, or has no roster of a kind is a row all the same: a
ranking that leaves it out would say that all is well there.
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from mobility.atlas.folder import (
    FAILURE,
    FIGURES,
    KINDS,
    MANIFEST,
    MISSING,
    OUTLINE,
    PREFIX,
    SHIFTS,
    Atlas,
    drawn_outline,
    is_done,
    is_whole,
    software,
)
from mobility.base.cache import file_hash
from mobility.base.errors import MobilityError, SourceError
from mobility.base.files import json_text, read_json, staging, write_text
from mobility.base.i18n import translate
from mobility.base.literal import read_csv_text
from mobility.outputs.map.side_pages import RAMP, side_page, told_shape
from mobility.outputs.record import ADVICE, RECORD
from mobility.outputs.tables import sheet_of, write_csv
from mobility.outputs.words import REMEDIES, Words
from mobility.outputs.workbook import book_bytes
from mobility.territory.validation import read_toml

#: The territory has figures and no such roster.
_NO_ROSTER = "no_roster"
_COVERAGE = (
    "workers", "homes", "sites", "stops", "feeds", "feeds_valid", "first_date", "last_date",
    "warnings", "assumed",
)  # fmt: skip
_COMPUTED, _OUTDATED, _FAILED, _NOT_RUN = "computed", "outdated", "failed", "not_run"
_NOT_PREPARED = "not_prepared"
#: Outlines are told to about 200 m and to 10 m: a country is seen at once.
_TOLERANCE_DEG, _DEGREES = 0.002, 4
#: Classes of shares, and of their changes, by their upper ends.
_SHARES, _CHANGES = (0.05, 0.10, 0.20, 0.40, 1.0), (-0.05, -0.01, 0.01, 0.05, 1.0)
#: ColorBrewer's PuOr, five classes: told apart without red and green.
_FALL_AND_RISE = ("#e66101", "#fdb863", "#f7f7f7", "#b2abd2", "#5e3c99")


def merge(
    atlas: Atlas, *, before: Atlas | None = None, language: str = "fr"
) -> tuple[list[Told], pd.DataFrame]:
    """Write the national tables and map; return what is known of each territory, and the ranking.

    ``before`` is an earlier atlas of the same territories, such as last year's: ``changes.csv`` and
    the map then tell what changed.
    """
    told = _tell_all(atlas)
    ranking = _ranked(told, language)
    earlier = None if before is None else _ranked(_tell_all(before), language)
    changed = None if earlier is None else _changes(earlier, ranking)
    national = atlas.national
    words = Words(language)
    kept = {f"shifts/{PREFIX}{t.unit}/{SHIFTS}" for t in told if t.figures}
    found = (national / "shifts").glob(f"{PREFIX}*/{SHIFTS}")
    gone = sorted({path.relative_to(national).as_posix() for path in found} - kept)
    gone += [] if changed is not None else ["changes.csv"]
    with staging(national, gone=gone) as part:
        sheets = {"ranking": ranking, "failures": _failures(told, language)}
        if changed is not None:
            sheets["changes"] = changed
        for key, frame in sheets.items():
            write_csv(part, key, frame)
        filled = [sheet_of(key, frame) for key, frame in sheets.items()]
        title = translate("Atlas of territories", language)
        (part / "ranking.xlsx").write_bytes(book_bytes(filled, words, title=title))
        _territories(told, part / "territories.parquet")
        for one in (t for t in told if t.figures):
            _linked(atlas.run(one.unit) / SHIFTS, part / "shifts" / f"{PREFIX}{one.unit}" / SHIFTS)
        _write_national_map(told, ranking, changed, part / "map.html", language)
        (part / "atlas.json").write_text(json_text(_record(atlas, told)), encoding="utf-8")
    return told, ranking


def _ranked(told: Sequence[Told], language: str) -> pd.DataFrame:
    """Return a row per territory and kind of roster, those that hold the fewest jobs first."""
    frame = pd.DataFrame(
        [_ranking_row(one, kind, language) for kind in KINDS for one in told],
        columns=[c.key for c in sheet_of("ranking", pd.DataFrame()).spec.columns],
    )
    for column in sheet_of("ranking", frame).columns:
        if column.kind in ("count", "share"):
            frame[column.key] = frame[column.key].astype("Float64")
        if column.kind == "count":
            frame[column.key] = frame[column.key].astype("Int64")
    share = frame["share_jobs"]
    frame["rank"] = share.groupby(frame["kind"]).rank(method="min").astype("Int64")
    order = frame["kind"].map(KINDS.index)
    return (
        frame.assign(order=order)
        .sort_values(["order", "rank", "ti"], na_position="last", kind="stable")
        .drop(columns="order")
        .reset_index(drop=True)
    )


def _changes(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return what changed from one ranking to another; a territory of one of them only is told."""
    names = ["ti", "kind", "territory", "state", "jobs_held", "share_jobs", "share_inhabitants"]
    both = before[names].merge(
        after[names], on=["ti", "kind"], how="outer", suffixes=("_before", "_after")
    )
    both["territory"] = both["territory_after"].fillna(both["territory_before"])
    for side in ("before", "after"):
        both[f"state_{side}"] = both[f"state_{side}"].fillna("absent")
    for name in ("share_jobs", "share_inhabitants", "jobs_held"):
        one, two = (both[f"{name}_{side}"].astype("Float64") for side in ("before", "after"))
        both[f"{name}_change"] = (two - one).round(6)
    both = both[[c.key for c in sheet_of("changes", pd.DataFrame()).spec.columns]]
    both["order"] = both["kind"].map(KINDS.index)
    both = both.sort_values(["order", "share_jobs_change", "ti"], kind="stable")
    return both.drop(columns="order").reset_index(drop=True)


def _failures(told: Iterable[Told], language: str) -> pd.DataFrame:
    """Return the territories without figures, and those whose figures are outdated, and why."""
    why = {
        _NOT_RUN: "It was not run: mobility atlas run computes it.",
        _OUTDATED: "Its files or the software changed since: mobility atlas run computes it again.",
    }
    rows = [
        (
            one.unit,
            one.name,
            one.state,
            one.message.get(language) or translate(why.get(one.state, ""), language),
        )
        for one in told
        if one.state != _COMPUTED
    ]
    return pd.DataFrame(rows, columns=["ti", "territory", "state", "message"], dtype=object)


def _ranking_row(one: Told, kind: str, language: str) -> dict[str, Any]:
    found = one.figures.get("kinds", {}).get(kind, {})
    known = bool(found.get("rosters"))
    state = _NO_ROSTER if one.figures and not known else one.state
    row: dict[str, Any] = {"ti": one.unit, "territory": one.name, "kind": kind, "state": state}
    if known:
        row |= {name: value for name, value in found.items() if name != "sites"}
        # No headcount is no count of jobs.
        row |= {} if found["jobs"] else {"jobs": None, "jobs_held": None}
        row["remedy"] = translate(REMEDIES.get(found["main_reason"], ""), language)
        if one.remedy is not None and found["share_jobs"] < 1:
            row["remedy"], row["eur_per_job"] = one.remedy
    return row | {name: one.figures.get("coverage", {}).get(name) for name in _COVERAGE}


def _territories(told: Sequence[Told], path: Path) -> None:
    """Write a row per territory: coverage, shares by kind, outline (GeoParquet)."""
    rows, shapes = [], []
    for one in told:
        row: dict[str, Any] = {"ti": one.unit, "territory": one.name, "state": one.state}
        row |= {name: one.figures.get("coverage", {}).get(name) for name in _COVERAGE}
        for kind in KINDS:
            found = one.figures.get("kinds", {}).get(kind, {})
            for name in ("share_jobs", "share_inhabitants", "main_reason"):
                row[f"{name}_{kind}"] = found.get(name)
        rows.append(row)
        shapes.append(None if one.outline is None else shapely.geometry.shape(one.outline))
    frame = pd.DataFrame(rows).convert_dtypes(dtype_backend="numpy_nullable")
    gpd.GeoDataFrame(frame, geometry=shapes, crs="EPSG:4326").to_parquet(path, index=False)


def _linked(source: Path, target: Path) -> None:
    """Give a file a second name, or copy it where the system has no such thing."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _record(atlas: Atlas, told: Sequence[Told]) -> dict[str, Any]:
    """Return what identifies the national tables: the software, and each unit's manifest."""
    return {
        "software": software(),
        "territories": {
            one.unit: {
                "state": one.state,
                "manifest": file_hash(atlas.run(one.unit) / MANIFEST) if one.figures else None,
            }
            for one in told
        },
    }


@dataclass(frozen=True)
class Told:
    """What is known of one territory.

    Attributes
    ----------
    state
        ``computed``, ``outdated`` (its files or the software changed since), ``failed``,
        ``not_run``, or ``not_prepared`` (it was asked for, and has no files).
    figures
        See `unit.territory_figures`; empty where there are none.
    message
        Of a failure, by language.
    """

    unit: str
    name: str
    state: str
    figures: dict[str, Any]
    message: dict[str, str]
    outline: dict[str, Any] | None = None
    remedy: tuple[str, float] | None = None


def _tell_all(atlas: Atlas) -> list[Told]:
    """Return what is known of every territory asked for, by identifier."""
    told = {unit: _told_of(atlas, unit) for unit in atlas.units}
    for unit, why in (read_json(atlas.folder / MISSING) or {}).items():
        if unit not in told:
            message = {language: str(text) for language, text in why.items() if language != "name"}
            told[unit] = Told(unit, str(why.get("name") or unit), _NOT_PREPARED, {}, message)
    return [told[unit] for unit in sorted(told)]


def _told_of(atlas: Atlas, unit: str) -> Told:
    """Return what is known of a territory, from its files alone."""
    run = atlas.run(unit)
    failure, figures = read_json(run / FAILURE), read_json(run / FIGURES)
    if failure is None and figures is not None and is_whole(atlas, unit, (SHIFTS, FIGURES)):
        state = _COMPUTED if is_done(atlas, unit) else _OUTDATED
        return Told(unit, figures["name"], state, figures, {}, figures["outline"], _remedy(run))
    try:
        drawn = drawn_outline(atlas.file(unit).with_name(OUTLINE))
    except SourceError:  # `run` tells of it
        drawn = None
    outline = drawn and shapely.geometry.mapping(drawn)
    state = _NOT_RUN if failure is None else _FAILED
    return Told(unit, _name(atlas, unit), state, {}, failure or {}, outline)


def _name(atlas: Atlas, unit: str) -> str:
    """Return the name of a territory that has no figures, as far as its file tells it."""
    try:
        return str(read_toml(atlas.file(unit)).get("name") or unit)
    except MobilityError:  # of a file that is no TOML, the failure tells
        return unit


def _remedy(run: Path) -> tuple[str, float] | None:
    """Return the cheapest remedy advised for the same inputs, and its euros a job gained."""
    advice, record = read_json(run / ADVICE), read_json(run / RECORD)
    if advice is None or record is None or advice.get("inputs") != record.get("inputs"):
        return None
    try:
        found = read_csv_text(run / "remedies.csv")
        best = found[found["advised"].astype(bool)].iloc[0]
        return str(best["sentence"]), float(best["eur_per_job"])
    except (OSError, ValueError, KeyError, IndexError):
        return None


def _write_national_map(
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
            (ti, kind): float(by)
            for ti, kind, by in zip(
                changed["ti"], changed["kind"], changed["share_jobs_change"], strict=True
            )
            if pd.notna(by)
        }
    views = [_view(words.t("Share of jobs"), "share", _SHARES, RAMP, words)]
    if moved:
        name = words.t("Change since the earlier atlas")
        views.append(_view(name, "change", _CHANGES, _FALL_AND_RISE, words))
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
    }
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
    drawn = None
    if one.outline is not None:
        drawn = shapely.simplify(shapely.geometry.shape(one.outline), _TOLERANCE_DEG)
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
        "shape": None if drawn is None else told_shape(drawn, _DEGREES),
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
