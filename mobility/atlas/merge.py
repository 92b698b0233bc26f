"""What the territories of an atlas say together: ranking, map, tables; nothing is computed anew.

A territory that failed, or was not run, or has no roster of a kind is a row all the same: a
ranking that leaves it out would say that all is well there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from mobility.atlas.figures import KINDS
from mobility.atlas.folder import MANIFEST, PREFIX, SHIFTS, Atlas, json_text
from mobility.atlas.manifest import software
from mobility.atlas.national_map import write_national_map
from mobility.atlas.told import COMPUTED, NOT_RUN, OUTDATED, Told, tell_all
from mobility.base.cache import file_hash
from mobility.base.files import staging
from mobility.base.i18n import translate
from mobility.outputs.tables import sheet_of, write_csv
from mobility.outputs.words import REMEDIES, Words
from mobility.outputs.workbook import book_bytes

#: The territory has figures and no such roster.
NO_ROSTER = "no_roster"
_COVERAGE = (
    "workers", "homes", "sites", "stops", "feeds", "feeds_valid", "first_date", "last_date",
    "warnings", "assumed",
)  # fmt: skip


def merge(
    atlas: Atlas, *, before: Atlas | None = None, language: str = "fr"
) -> tuple[list[Told], pd.DataFrame]:
    """Write the national tables and map.

    Parameters
    ----------
    before
        An earlier atlas of the same territories, such as last year's: ``changes.csv`` and the map
        tell what changed.

    Returns
    -------
    list of Told, DataFrame
        What is known of each territory; the ranking.
    """
    told = tell_all(atlas)
    ranking = ranked(told, language)
    earlier = None if before is None else ranked(tell_all(before), language)
    changed = None if earlier is None else changes(earlier, ranking)
    national = atlas.national
    words = Words(language)
    kept = {f"shifts/{PREFIX}{t.unit}/{SHIFTS}" for t in told if t.figures}
    gone = [name for name in _shifts(national) if name not in kept]
    gone += [] if changed is not None else ["changes.csv"]
    with staging(national, gone=gone) as part:
        write_csv(part, "ranking", ranking)
        write_csv(part, "failures", failures(told, language))
        sheets = {"ranking": ranking, "failures": failures(told, language)}
        if changed is not None:
            write_csv(part, "changes", changed)
            sheets["changes"] = changed
        filled = [sheet_of(key, frame) for key, frame in sheets.items()]
        title = translate("Atlas of territories", language)
        (part / "ranking.xlsx").write_bytes(book_bytes(filled, words, title=title))
        _territories(told, part / "territories.parquet")
        for one in (t for t in told if t.figures):
            _linked(atlas.run(one.unit) / SHIFTS, part / "shifts" / f"{PREFIX}{one.unit}" / SHIFTS)
        write_national_map(told, ranking, changed, part / "map.html", language)
        (part / "atlas.json").write_text(json_text(_record(atlas, told)), encoding="utf-8")
    return told, ranking


def ranked(told: Sequence[Told], language: str) -> pd.DataFrame:
    """Return a row per territory and kind of roster, those that hold the fewest jobs first."""
    frame = pd.DataFrame(
        [_row(one, kind, language) for kind in KINDS for one in told],
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


def changes(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
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


def failures(told: Iterable[Told], language: str) -> pd.DataFrame:
    """Return the territories without figures, and those whose figures are outdated, and why."""
    why = {
        NOT_RUN: "It was not run: mobility atlas run computes it.",
        OUTDATED: "Its files or the software changed since: mobility atlas run computes it again.",
    }
    rows = [
        (one.unit, one.name, one.state,
         one.message.get(language) or translate(why.get(one.state, ""), language))
        for one in told if one.state != COMPUTED
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["ti", "territory", "state", "message"], dtype=object)


def _row(one: Told, kind: str, language: str) -> dict[str, Any]:
    found = one.figures.get("kinds", {}).get(kind, {})
    known = bool(found.get("rosters"))
    state = NO_ROSTER if one.figures and not known else one.state
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


def _shifts(national: Path) -> list[str]:
    found = (national / "shifts").glob(f"{PREFIX}*/{SHIFTS}")
    return [path.relative_to(national).as_posix() for path in found]


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
