"""The comparison of modes and car-pooling as tables, small counts withheld."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mobility.base.privacy import is_small, suppress_counts
from mobility.commute.access import Access
from mobility.commute.carpool import SIZES, carpool_table, chances, measure, meeting_points
from mobility.commute.modal import WITHIN_MIN, modal_table
from mobility.territory.factors import Factors

#: Means over the workers who hold, withheld with their number.
MEANS = ("ratio_to_car", "km", "eur_year", "kgco2e_year", "night_km_year", "night_vkm_year")
_DECIMALS = {"ratio_to_car": 2, "km": 1}


def mode_tables(access: Access) -> dict[str, pd.DataFrame]:
    """Return ``modal`` and ``factors``; with a table [carpool] also ``carpool`` and its points."""
    study = access.study
    settings = study.territory.carpool
    if settings is None:
        tables = {"modal": shown_modal(modal_table(access), access)}
    else:
        drives, places, there = measure(study)
        found = chances(study, drives, settings)
        shared = {k: v[1][0] for k, v in found.items()}
        points = meeting_points(study, drives, places, there, settings)
        counts = ["near", *(f"in_{k}" for k in SIZES)]
        tables = {
            "modal": shown_modal(modal_table(access, shared), access),
            "carpool": _shown_carpool(carpool_table(study, found), access),
            "carpool_points": suppress_counts(points, counts, threshold=_threshold(access)),
        }
    territory = study.territory
    rows = Factors.load(territory.factors, file=territory.path).to_frame(territory.output.language)
    return tables | {"factors": rows}


def _threshold(access: Access) -> int:
    return access.study.territory.limits.min_workers_shown


def shown_modal(frame: pd.DataFrame, access: Access) -> pd.DataFrame:
    """Return the comparison with small counts, and the means over few workers, withheld."""
    counts = ["pool", "holds", *(f"within_{m}" for m in WITHIN_MIN)]
    few = is_small(frame["holds"].to_numpy(np.float64), _threshold(access))
    shown = suppress_counts(frame, counts, threshold=_threshold(access))
    for name in MEANS:
        values = frame[name].to_numpy(np.float64).round(_DECIMALS.get(name, 0))
        shown[name] = pd.array(np.where(few, np.nan, values), dtype="Float64")
    return shown


def _shown_carpool(frame: pd.DataFrame, access: Access) -> pd.DataFrame:
    counts = ["headcount", "own_site_2", *(f"with_{k}" for k in SIZES)]
    few = {k: is_small(frame[f"with_{k}"].to_numpy(np.float64), _threshold(access)) for k in SIZES}
    shown = suppress_counts(frame, counts, threshold=_threshold(access))
    for k in SIZES:
        values = frame[f"share_{k}"].to_numpy(np.float64).round(3)
        shown[f"share_{k}"] = pd.array(np.where(few[k], np.nan, values), dtype="Float64")
    return shown


__all__ = ["MEANS", "mode_tables", "shown_modal"]
