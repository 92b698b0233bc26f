"""The shuttle plans that stand in a folder, read from the tables that their run wrote there."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mobility.base.literal import read_csv_text
from mobility.commute.study import Study
from mobility.outputs.earlier import SHUTTLES, earlier_plans
from mobility.shuttles.outputs import read_plan_table

WANTED = ("knee", "rosters_estimate", "eur_per_worker", "co2_saved_kg")


@dataclass(frozen=True)
class Shuttles:
    """The plans of a territory and the one that a report tells.

    Attributes
    ----------
    name
        The plan told: the variant studied if it is one of them, else the advised one.
    plans, rosters, sensitivity, vehicles, factors, lighter, harmonise
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
    sensitivity: pd.DataFrame
    vehicles: pd.DataFrame
    factors: pd.DataFrame
    lighter: pd.DataFrame
    harmonise: pd.DataFrame
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
        earlier = earlier_plans(folder, study)
        if earlier is not None and earlier.same:
            return _read(folder / SHUTTLES, study.scenario)
    return None


def _read(folder: Path, scenario: str) -> Shuttles | None:
    plans = read_plan_table(folder / "plans.csv", WANTED)
    if plans.empty:
        return None
    advised = plans.loc[plans["knee"].astype(bool), "plan"].tolist()
    names = [n for n in (scenario, *advised, plans["plan"].iloc[0]) if n in set(plans["plan"])]
    layer = folder / f"{names[0]}.geojson"
    features = json.loads(layer.read_text(encoding="utf-8"))["features"] if layer.is_file() else []
    rows = [f["properties"] | {"lonlat": f["geometry"]["coordinates"]} for f in features]
    common = ("rosters", "sensitivity", "vehicles", "factors", "lighter", "harmonise")
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
