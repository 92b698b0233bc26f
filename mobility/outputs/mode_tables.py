"""The comparison of modes and car-pooling as tables."""

from __future__ import annotations

import pandas as pd

from mobility.commute.access import Access
from mobility.commute.carpool import SIZES, carpool_table, chances, measure, meeting_points
from mobility.commute.indicators import whole_persons
from mobility.commute.modal import WITHIN_MIN, modal_table
from mobility.territory.factors import Factors

#: Means over the workers who hold.
MEANS = ("ratio_to_car", "km", "eur_year", "kgco2e_year", "night_km_year", "night_vkm_year")
_DECIMALS = {"ratio_to_car": 2, "km": 1}


def mode_tables(access: Access) -> dict[str, pd.DataFrame]:
    """Return ``modal`` and ``factors``; with a table [carpool] also ``carpool`` and its points."""
    study = access.study
    settings = study.territory.carpool
    if settings is None:
        tables = {"modal": rounded_modal(modal_table(access))}
    else:
        drives, places, there = measure(study)
        found = chances(study, drives, settings)
        shared = {k: v[1][0] for k, v in found.items()}
        points = meeting_points(study, drives, places, there, settings)
        counts = ["headcount", "own_site_2", *(f"with_{k}" for k in SIZES)]
        table = whole_persons(carpool_table(study, found), counts)
        table = table.round({f"share_{k}": 3 for k in SIZES})
        tables = {
            "modal": rounded_modal(modal_table(access, shared)),
            "carpool": table,
            "carpool_points": whole_persons(points, ["near", *(f"in_{k}" for k in SIZES)]),
        }
    territory = study.territory
    rows = Factors.load(territory.factors, file=territory.path).to_frame(territory.output.language)
    return tables | {"factors": rows}


def rounded_modal(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the comparison in whole persons, its means rounded."""
    out = whole_persons(frame, ["pool", "holds", *(f"within_{m}" for m in WITHIN_MIN)])
    for name in MEANS:
        out[name] = frame[name].astype("Float64").round(_DECIMALS.get(name, 0))
    return out


__all__ = ["MEANS", "mode_tables", "rounded_modal"]
