"""What OpenStreetMap tags say of streets: permissions, directions, limits, surroundings, safety.

Walking and cycling are stressful by day, or unsafe by night, where the tags say so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
import pandas as pd
import shapely

from mobility.streets.graph import Streets
from mobility.territory.fields import StreetMode

CAR_STREETS = (
    "motorway", "motorway_link", "trunk", "trunk_link", "primary", "primary_link", "secondary",
    "secondary_link", "tertiary", "tertiary_link", "unclassified", "residential",
    "living_street", "service", "road",
)  # fmt: skip
_SIDEWALKS = ("both", "left", "right", "yes", "separate")

# km/h in and outside built-up areas where no limit is tagged. Limits: Code de la route
# R413-2 (motorways 130, roads with a central reservation 110, other roads 80), R413-3
# (built-up areas 50), R110-2 (zones de rencontre 20). Lower values on minor streets are
# the speeds their width allows: assumptions.
_DEFAULT_KMH: dict[str, tuple[float, float]] = {
    "motorway": (110, 130),
    "motorway_link": (70, 70),
    "trunk": (70, 110),
    "trunk_link": (50, 70),
    "primary": (50, 80),
    "primary_link": (50, 60),
    "secondary": (50, 80),
    "secondary_link": (50, 60),
    "tertiary": (50, 80),
    "tertiary_link": (50, 60),
    "unclassified": (50, 70),
    "residential": (30, 50),
    "living_street": (20, 20),
    "service": (20, 20),
    "road": (50, 70),
}
_NAMED_KMH = {
    "urban": 50.0, "rural": 80.0, "motorway": 130.0, "trunk": 110.0, "walk": 6.0,
    "living_street": 20.0, "zone": 30.0,
}  # fmt: skip


# What tags say of a way, of a list of values the most permissive: nothing, that it is closed,
# that it is open to those who stop on it and not to through traffic, that it is open.
UNSAID, CLOSED, LOCAL, OPEN = range(4)
_MEANING = {
    **dict.fromkeys(("yes", "designated", "permissive", "official", "permit", "public"), OPEN),
    **dict.fromkeys(
        ("destination", "customers", "delivery", "residents", "resident", "employees", "visitors"),
        LOCAL,
    ),
    **dict.fromkeys(
        ("no", "private", "use_sidepath", "agricultural", "forestry", "military", "emergency"),
        CLOSED,
    ),
}


# Residential streets are dense from so many km per km² of cells of such a side on: an assumption,
# for extracts without land use.
_CELL_M, DENSE_KM_PER_KM2 = 250.0, 4.0
#: Columns of tags last asked for, each with its different texts and which of them each row has.
#: They hold on to their column, so that no other takes its address.
_PLACES: dict[int, tuple[object, np.ndarray, pd.Index]] = {}
MOST_PLACES = 128

#: Access tags that bear on each mode, the most particular one last.
ACCESS_OF: dict[StreetMode, tuple[str, ...]] = {
    "walk": ("access", "foot"),
    "bike": ("access", "vehicle", "bicycle"),
    "e_bike": ("access", "vehicle", "bicycle"),
    "car": ("access", "vehicle", "motor_vehicle", "motorcar"),
}
_FOR_CARS = dict.fromkeys(
    ("psv", "bus", "taxi", "hgv", "goods", "coach", "tourist_bus", "disabled"), CLOSED
)
#: What values mean beside that to some modes.
MEANING_OF: dict[StreetMode, dict[str, int]] = {
    "walk": {},
    "bike": {"dismount": OPEN},
    "e_bike": {"dismount": OPEN},
    "car": _FOR_CARS,
}
AssumeLit = Literal["built_up", "always", "never"]
# At this limit and below, drivers and walkers share the street (zones 30, Code de la
# route R110-2).
_CALM_KMH = 30.0
_SEPARATE = ("track", "separate", "opposite_track")
_LANES = ("lane", "opposite_lane", "share_busway", "opposite_share_busway", "buffered_lane")
_UNLIT = ("no", "disused")


def _parts_of(value: str) -> list[str]:
    """Return the values of a tag, which may be a list parted by ``;``, or by commas."""
    return [part.strip() for part in value.replace(",", ";").split(";")]


def is_tagged(tags: pd.DataFrame, column: str, values: tuple[str, ...]) -> np.ndarray:
    """Return whether a tag has, or lists, one of some values; False where it is missing."""
    if column not in tags:
        return np.zeros(len(tags), dtype=bool)
    wanted = set(values)
    return by_text(
        tags[column],
        lambda text: text in wanted or bool(wanted.intersection(_parts_of(text))),
        missing=False,
    )


def by_text(texts: pd.Series, value_of: Callable[[str], float], *, missing: float) -> np.ndarray:
    """Return a value for each text of a column, worked out once for each different text."""
    place, different = _places(texts)
    return np.asarray(np.array([*map(value_of, different), missing])[place])


def _places(texts: pd.Series) -> tuple[np.ndarray, pd.Index]:
    """Return `pd.factorize` of a column, whose answer is kept: it is asked some fifty times."""
    same = getattr(texts.array, "__arrow_array__", lambda: None)()
    known = _PLACES.get(id(same))
    if known is None or same is None:
        place, different = pd.factorize(texts)
        small = place.astype(np.min_scalar_type(-len(different) - 1))
        known = same, small, different
        if same is not None:
            _PLACES[id(same)] = known
        while len(_PLACES) > MOST_PLACES:
            _PLACES.pop(next(iter(_PLACES)), None)
    return known[1], known[2]


def permission(
    tags: pd.DataFrame, columns: tuple[str, ...], meaning: Mapping[str, int] | None = None
) -> np.ndarray:
    """Return `UNSAID`, `CLOSED`, `LOCAL` or `OPEN` by tags, int8 (m,).

    Later columns overrule earlier ones; ``meaning`` adds to what values mean.
    """
    means = _MEANING if meaning is None else {**_MEANING, **meaning}
    found = np.zeros(len(tags), dtype=np.int8)
    for column in columns:
        if column in tags:
            said = by_text(
                tags[column],
                lambda text: max(means.get(part, UNSAID) for part in _parts_of(text)),
                missing=UNSAID,
            )
            found = np.where(said == UNSAID, found, said).astype(np.int8)
    return found


def access_of(tags: pd.DataFrame, mode: StreetMode) -> np.ndarray:
    """Return what all access tags together say to a mode, see `permission`."""
    return permission(tags, ACCESS_OF[mode], MEANING_OF[mode])


def has_sidewalk(tags: pd.DataFrame) -> np.ndarray:
    """Return whether a sidewalk is tagged on either side, bool (m,)."""
    found = is_tagged(tags, "sidewalk", _SIDEWALKS)
    for side in ("left", "right", "both"):
        found |= is_tagged(tags, f"sidewalk:{side}", ("yes", "separate"))
    return found


def tells(tags: pd.DataFrame, key: str) -> bool:
    """Return whether any piece has a tag, or one of a side of it; see `has_sidewalk`."""
    keys = (key, *(f"{key}:{side}" for side in ("left", "right", "both")))
    return any(key in tags and bool(tags[key].notna().any()) for key in keys)


def unknown_access(tags: pd.DataFrame) -> pd.Series:
    """Return the texts of access tags of which no part is understood, a row for each."""
    known = {"unknown", "discouraged"}.union(_MEANING, *MEANING_OF.values())
    columns = dict.fromkeys(key for keys in ACCESS_OF.values() for key in keys)
    texts = [tags[c].dropna() for c in columns if c in tags]
    said = pd.concat(texts) if texts else pd.Series(dtype="str")
    different = {text: known.isdisjoint(_parts_of(text)) for text in said.unique()}
    return said[said.map(different).astype(bool)]


def general_ways(tags: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return where general traffic may go from u to v and from v to u, bool (m,) twice."""
    only_forward = is_tagged(tags, "oneway", ("yes", "true", "1"))
    only_backward = is_tagged(tags, "oneway", ("-1", "reverse"))
    implied = is_tagged(tags, "junction", ("roundabout", "circular"))
    implied |= is_tagged(tags, "highway", ("motorway",))
    implied &= ~only_backward & ~is_tagged(tags, "oneway", ("no", "false", "0"))
    return ~only_backward, ~(only_forward | implied)


def own_ways(
    tags: pd.DataFrame, column: str, general: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return where some travellers may go each way: as their own ``oneway`` says, else as all."""
    both = is_tagged(tags, column, ("no", "false", "0"))
    ahead = is_tagged(tags, column, ("yes", "true", "1"))
    back = is_tagged(tags, column, ("-1", "reverse"))
    forward, backward = general
    return (forward | both | ahead) & ~back, (backward | both | back) & ~ahead


def has_cycleway(tags: pd.DataFrame, values: tuple[str, ...]) -> np.ndarray:
    """Return whether ``cycleway`` or a side of it has one of some values, bool (m,)."""
    found: np.ndarray = is_tagged(tags, "cycleway", values)
    for side in ("left", "right", "both"):
        found |= is_tagged(tags, f"cycleway:{side}", values)
    return found


def max_kmh(tags: pd.DataFrame, town: np.ndarray) -> np.ndarray:
    """Return the speed limit of each piece: tagged, else French defaults, float64 (m,)."""
    highway = tags["highway"]
    inside, outside = (
        by_text(highway, lambda text, k=k: _DEFAULT_KMH.get(text, (20.0, 20.0))[k], missing=20.0)  # type: ignore[misc]
        for k in (0, 1)
    )
    default = np.where(town, inside, outside)
    tagged = by_text(tags["maxspeed"], parse_kmh, missing=np.nan)
    return np.where(np.isnan(tagged), default, tagged)


def parse_kmh(text: str) -> float:
    """Return the km/h of a ``maxspeed`` value, of a list the lowest, NaN where not understood."""
    if ";" in text:
        limits = [parse_kmh(part) for part in _parts_of(text)]
        return min((kmh for kmh in limits if kmh > 0), default=float("nan"))
    value = text.strip().lower()
    if value == "none":
        return 130.0
    if value == "walk":
        return _NAMED_KMH[value]
    if ":" in value:
        name = value.rpartition(":")[2]
        number = name.removeprefix("zone")
        return float(number) if number.isdigit() else _NAMED_KMH.get(name, float("nan"))
    number = value.removesuffix("mph").removesuffix("km/h").removesuffix("kmh").strip()
    try:
        kmh = float(number) * (1.609344 if value.endswith("mph") else 1.0)
    except ValueError:
        return float("nan")
    return kmh if kmh > 0 else float("nan")


def parse_duration(text: str) -> float:
    """Return the seconds of a ``duration`` (``12``, ``1:45``, ``0:12:30``, ``PT12M``), else NaN.

    A single number is minutes.
    """
    iso = re.fullmatch(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?", text.strip().upper())
    if iso is not None:
        hours, minutes, seconds = (int(part or 0) for part in iso.groups())
    else:
        parts = text.strip().split(":")
        if not 1 <= len(parts) <= 3 or not all(part.isdigit() for part in parts):
            return float("nan")
        hours, minutes, seconds = [int(p) for p in ["0"] * (len(parts) == 1) + parts + ["0"]][:3]
    return float(hours * 3600 + minutes * 60 + seconds) or float("nan")


def built_up(streets: Streets) -> np.ndarray:
    """Return which pieces lie in a built-up area, bool (m,).

    A piece is in a built-up area when its tags say so (``zone:traffic``, ``maxspeed:type``,
    ``source:maxspeed``), when its middle lies on residential, commercial or retail land, or
    when residential streets around it (in its cell and the eight neighbours) are dense.
    """
    tags = streets.tags
    said_in = np.zeros(len(tags), dtype=bool)
    said_out = np.zeros(len(tags), dtype=bool)
    for column in ("zone:traffic", "maxspeed:type", "source:maxspeed", "maxspeed"):
        if column in tags:
            text = tags[column].str.lower()
            said_in |= text.str.endswith(("urban", "zone30"), na=False).to_numpy(dtype=bool)
            said_out |= text.str.endswith("rural", na=False).to_numpy(dtype=bool)
    # What lies around a street is the same at any hour.
    any_hour = streets.any_hour
    around = any_hour.worked_out.around
    if "built_up" not in around:
        middle = streets.geom_xy[(streets.geom_ptr[:-1] + streets.geom_ptr[1:] - 1) // 2]
        around["built_up"] = _dense(any_hour, middle) | _on_built_land(any_hour, middle)
    return np.asarray((around["built_up"] | said_in) & ~said_out)


def _dense(streets: Streets, middle: np.ndarray) -> np.ndarray:
    home = is_tagged(streets.tags, "highway", ("residential", "living_street", "pedestrian"))
    cell = np.floor((middle - middle.min(axis=0)) / _CELL_M).astype(np.int64) + 1
    grid = np.zeros(cell.max(axis=0) + 2)
    np.add.at(grid, (cell[home, 0], cell[home, 1]), streets.length_m[home])
    around = sum(np.roll(grid, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1))
    assert isinstance(around, np.ndarray)
    area_km2 = (3 * _CELL_M / 1000) ** 2
    return np.asarray(around[cell[:, 0], cell[:, 1]] / 1000 / area_km2 >= DENSE_KM_PER_KM2)


def _on_built_land(streets: Streets, middle: np.ndarray) -> np.ndarray:
    inside = np.zeros(streets.n_edges, dtype=bool)
    for kind in ("residential", "built"):
        layer = streets.background.get(kind)
        if layer is not None and len(layer):
            tree = shapely.STRtree(shapely.points(middle))
            land = layer.geometry.to_crs(streets.crs).to_numpy()
            inside[tree.query(land, predicate="contains")[1]] = True
    return inside


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
