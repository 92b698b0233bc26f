"""Where walking and cycling are stressful by day or unsafe by night, from tags."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from mobility.streets.graph import Streets
from mobility.streets.tags import (
    CAR_STREETS,
    built_up,
    has_cycleway,
    has_sidewalk,
    is_tagged,
    max_kmh,
)
from mobility.territory.fields import StreetMode

AssumeLit = Literal["built_up", "always", "never"]
# At this limit and below, drivers and walkers share the street (zones 30, Code de la
# route R110-2).
_CALM_KMH = 30.0
_SEPARATE = ("track", "separate", "opposite_track")
_LANES = ("lane", "opposite_lane", "share_busway", "opposite_share_busway", "buffered_lane")
_UNLIT = ("no", "disused")


def lit(streets: Streets, *, assume_lit: AssumeLit = "built_up") -> np.ndarray:
    """Return which pieces are lit at night, bool (m,).

    Parameters
    ----------
    assume_lit
        Pieces without a ``lit`` tag are taken to be lit in built-up areas only, always, or
        never. Street lights switched off for part of the night are not known.
    """
    tags = streets.tags
    known = tags["lit"].notna().to_numpy(dtype=bool)
    says_lit = known & ~is_tagged(tags, "lit", _UNLIT)
    if assume_lit == "never":
        return np.asarray(says_lit)
    guess = built_up(streets) if assume_lit == "built_up" else np.ones(len(tags), dtype=bool)
    return np.where(known, says_lit, guess)


def night_safe(
    streets: Streets, mode: StreetMode, *, assume_lit: AssumeLit = "built_up"
) -> np.ndarray:
    """Return which pieces are safe to walk or cycle along in the dark, bool (m,).

    Unsafe is an unlit street open to motor traffic at more than `_CALM_KMH` without a
    sidewalk (on foot) or without a cycle track of its own (by bicycle). Footways, paths
    and cycle tracks away from traffic count as safe, lit or not.
    """
    tags = streets.tags
    fast = is_tagged(tags, "highway", CAR_STREETS)
    fast &= max_kmh(tags, built_up(streets)) > _CALM_KMH
    apart = has_sidewalk(tags) if mode == "walk" else has_cycleway(tags, _SEPARATE)
    return np.asarray(~fast | apart | lit(streets, assume_lit=assume_lit))


def traffic_stress(streets: Streets) -> np.ndarray:
    """Return the level of traffic stress of cycling along each piece, int8 (m,), 1 to 4.

    1 suits children, 2 most adults, 3 confident riders, 4 hardly anyone. After Mekuria,
    Furth and Nixon (2012), Low-Stress Bicycling and Network Connectivity (Mineta
    Transportation Institute report 11-19), with the tags OpenStreetMap has: separation,
    speed limit, lanes and class; parking, lane widths and traffic counts are not known.
    Says nothing of whether cycling is allowed.
    """
    tags = streets.tags
    kmh = max_kmh(tags, built_up(streets))
    lanes = _lanes(tags)
    quiet = is_tagged(tags, "highway", ("residential", "service", "living_street", "road"))
    quiet |= is_tagged(tags, "highway", ("unclassified",)) & (lanes <= 2)
    mixed = np.select(
        [
            (kmh <= 30) & (lanes <= 3),
            (kmh <= 50) & quiet & (lanes <= 2),
            (kmh <= 50) & (lanes <= 3),
        ],
        [np.where(quiet, 1, 2), 2, 3],
        default=4,
    )
    lane = np.select([(kmh <= 50) & (lanes <= 3), kmh <= 60], [2, 3], default=4)
    level = np.where(has_cycleway(tags, _LANES), np.minimum(mixed, lane), mixed)
    apart = ~is_tagged(tags, "highway", CAR_STREETS) | has_cycleway(tags, _SEPARATE)
    return np.where(apart, 1, level).astype(np.int8)


def _lanes(tags: pd.DataFrame) -> np.ndarray:
    """Return the number of lanes in both directions, 2 where not tagged, float64 (m,)."""
    number = pd.to_numeric(tags["lanes"], errors="coerce")
    return np.asarray(number.fillna(2.0), dtype=np.float64)
