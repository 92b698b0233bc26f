"""Travel times of street pieces by mode, from OpenStreetMap tags.

Access follows the tags ``access``, ``vehicle``, ``motor_vehicle``, ``motorcar``,
``bicycle`` and ``foot``, the most particular one first, and else the class of the street.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely

from mobility.errors import Finding
from mobility.network.streets import Streets
from mobility.territory import Speeds, StreetMode

_YES = ("yes", "designated", "permissive", "official", "destination", "customers", "permit")
_NO = ("no", "private", "use_sidepath", "agricultural", "forestry", "military", "emergency")
_CAR_NO = (*_NO, "psv", "bus", "delivery")
_MOTORWAYS = ("motorway", "motorway_link")
_TRUNKS = ("trunk", "trunk_link")
_CAR_STREETS = (
    "motorway", "motorway_link", "trunk", "trunk_link", "primary", "primary_link", "secondary",
    "secondary_link", "tertiary", "tertiary_link", "unclassified", "residential",
    "living_street", "service", "road",
)  # fmt: skip
_PUSHED = ("footway", "pedestrian", "platform", "corridor")
_UNPAVED = (
    "unpaved", "compacted", "gravel", "fine_gravel", "pebblestone", "ground", "dirt", "earth",
    "grass", "mud", "sand", "woodchips", "rock", "cobblestone",
)  # fmt: skip
_OPPOSITE = ("opposite", "opposite_lane", "opposite_track", "opposite_share_busway")
_SIDEWALKS = ("both", "left", "right", "yes", "separate")

# Pace on stairs against level walking: an assumption, half the speed along the slope.
STEPS_FACTOR = 0.5
# Riding on loose ground against asphalt: an assumption.
UNPAVED_FACTOR = 0.7

# km/h in and outside built-up areas where no limit is tagged. Limits: Code de la route
# R413-2 (motorways 130, roads with a central reservation 110, other roads 80), R413-3
# (built-up areas 50), R110-2 (zones de rencontre 20). Lower values on minor streets are
# the speeds their width allows: assumptions.
DEFAULT_KMH: dict[str, tuple[float, float]] = {
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
    "urban": 50.0, "rural": 80.0, "motorway": 130.0, "trunk": 110.0, "zone30": 30.0,
    "living_street": 20.0, "zone": 30.0,
}  # fmt: skip


@dataclass(frozen=True)
class Driving:
    """How driving falls short of the speed limit.

    Attributes
    ----------
    built_up_factor, rural_factor
        Mean speed over a piece against its limit, junction delays included, in and outside
        built-up areas and on motorways (``motorway_factor``). Assumptions to be calibrated
        on observed times.
    congestion
        Multiplies times in built-up areas: 1 by night and on free roads.
    """

    built_up_factor: float = 0.65
    rural_factor: float = 0.85
    motorway_factor: float = 0.90
    congestion: float = 1.0


def edge_times(
    streets: Streets, mode: StreetMode, speeds: Speeds, *, driving: Driving | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the seconds to travel each street piece, both ways.

    Parameters
    ----------
    streets
        The network.
    mode
        ``walk`` (both ways whatever ``oneway`` says), ``bike``, ``e_bike`` or ``car``.
    speeds
        Walking and cycling speeds.
    driving
        How driving falls short of speed limits.

    Returns
    -------
    tuple of float32 (m,)
        From u to v and from v to u; infinite where forbidden.
    """
    tags = streets.tags
    if mode == "walk":
        ms = np.where(tags["highway"].eq("steps"), STEPS_FACTOR, 1.0) * speeds.walk_kmh / 3.6
        forward = backward = walkable(tags, paths_missing=paths_missing(streets))
    elif mode == "car":
        ms = _car_ms(streets, driving or Driving())
        forward, backward = _car_ways(tags)
    else:
        kmh = speeds.bike_kmh if mode == "bike" else speeds.e_bike_kmh
        ms = _bike_ms(tags, kmh / 3.6, speeds.walk_kmh / 3.6)
        forward, backward = _bike_ways(tags, paths_missing=paths_missing(streets))
    seconds = streets.length_m / ms
    uv = np.where(forward, seconds, np.inf).astype(np.float32)
    vu = np.where(backward, seconds, np.inf).astype(np.float32)
    return uv, vu


def _is(tags: pd.DataFrame, column: str, values: tuple[str, ...]) -> np.ndarray:
    """Return whether a tag has one of some values; False where it is missing."""
    if column not in tags:
        return np.zeros(len(tags), dtype=bool)
    return np.array(tags[column].isin(values), dtype=bool)


def _permission(
    tags: pd.DataFrame, columns: tuple[str, ...], yes: tuple[str, ...], no: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Return (allowed, forbidden) by tags, later columns overruling earlier ones."""
    allowed = np.zeros(len(tags), dtype=bool)
    forbidden = np.zeros(len(tags), dtype=bool)
    for column in columns:
        is_yes, is_no = _is(tags, column, yes), _is(tags, column, no)
        allowed = (allowed & ~is_no) | is_yes
        forbidden = (forbidden & ~is_yes) | is_no
    return allowed, forbidden


def has_sidewalk(tags: pd.DataFrame) -> np.ndarray:
    """Return whether a sidewalk is tagged on either side, bool (m,)."""
    found = _is(tags, "sidewalk", _SIDEWALKS)
    for side in ("left", "right", "both"):
        found |= _is(tags, f"sidewalk:{side}", ("yes", "separate"))
    return found


def paths_missing(streets: Streets) -> bool:
    """Return whether an extract was cut down to motor roads, without footways and paths.

    So it is taken to be when they make under 1 % of the length of all streets, and classes
    are known at all.
    """
    paths = _is(streets.tags, "highway", ("footway", "path", "pedestrian", "cycleway", "steps"))
    known = ~_is(streets.tags, "highway", ("road",))
    total = float(streets.length_m[known].sum())
    return total > 0 and float(streets.length_m[paths].sum()) < 0.01 * total


def paths_missing_finding(streets: Streets) -> Finding | None:
    """Return a finding when walking and cycling have to follow motor roads."""
    if not paths_missing(streets):
        return None
    return Finding(
        "warning",
        "paths_missing",
        "The extract holds almost no footway, path or cycle track: walking and cycling follow "
        "the roads, also those barred to them, motorways apart.",
    )


def walkable(tags: pd.DataFrame, *, paths_missing: bool = False) -> np.ndarray:
    """Return whether one may walk along each piece, bool (m,).

    With ``paths_missing``, roads barred to walkers (``foot=no`` or ``use_sidepath``, trunk
    roads) are open, motorways and ``motorroad=yes`` apart: the footway beside them, drawn
    apart in OpenStreetMap, is not in the extract.
    """
    _, closed = _permission(tags, ("access",), _YES, _NO)
    foot_yes, foot_no = _permission(tags, ("foot",), _YES, _NO)
    fast = _is(tags, "highway", (*_MOTORWAYS, *_TRUNKS, "busway"))
    fast |= _is(tags, "motorroad", ("yes",))
    barred = closed | (fast & ~has_sidewalk(tags))
    found: np.ndarray = ~foot_no & (foot_yes | ~barred)
    if paths_missing:
        beside = _is(tags, "foot", ("no", "use_sidepath")) | _is(tags, "highway", _TRUNKS)
        never = _is(tags, "highway", _MOTORWAYS) | _is(tags, "motorroad", ("yes",))
        found |= beside & ~never & ~closed
    return found


def general_ways(tags: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return where general traffic may go from u to v and from v to u, bool (m,) twice."""
    only_forward = _is(tags, "oneway", ("yes", "true", "1"))
    only_backward = _is(tags, "oneway", ("-1", "reverse"))
    implied = _is(tags, "junction", ("roundabout", "circular"))
    implied |= _is(tags, "highway", ("motorway",))
    implied &= ~only_backward & ~_is(tags, "oneway", ("no", "false", "0"))
    return ~only_backward, ~(only_forward | implied)


def _car_ways(tags: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    columns = ("access", "vehicle", "motor_vehicle", "motorcar")
    _, forbidden = _permission(tags, columns, _YES, _CAR_NO)
    named_yes, _ = _permission(tags, ("motor_vehicle", "motorcar"), _YES, _CAR_NO)
    by_class = _is(tags, "highway", _CAR_STREETS)
    by_class |= _is(tags, "highway", ("track", "pedestrian")) & named_yes
    usable = by_class & ~forbidden
    forward, backward = general_ways(tags)
    return usable & forward, usable & backward


def has_cycleway(tags: pd.DataFrame, values: tuple[str, ...]) -> np.ndarray:
    """Return whether ``cycleway`` or a side of it has one of some values, bool (m,)."""
    found: np.ndarray = _is(tags, "cycleway", values)
    for side in ("left", "right", "both"):
        found |= _is(tags, f"cycleway:{side}", values)
    return found


def _pushed(tags: pd.DataFrame) -> np.ndarray:
    """Return where a bicycle is walked: paths for pedestrians and ``bicycle=dismount``."""
    yes = _is(tags, "bicycle", _YES)
    pushed: np.ndarray = (_is(tags, "highway", _PUSHED) & ~yes) | _is(
        tags, "bicycle", ("dismount",)
    )
    return pushed


def _bike_ways(tags: pd.DataFrame, *, paths_missing: bool) -> tuple[np.ndarray, np.ndarray]:
    yes = _is(tags, "bicycle", _YES)
    _, forbidden = _permission(tags, ("access", "vehicle", "bicycle"), (*_YES, "dismount"), _NO)
    pushed = _pushed(tags)
    # A vehicle ban does not bar a bicycle pushed by a walker.
    forbidden = np.where(pushed, ~walkable(tags) | _is(tags, "bicycle", _NO), forbidden)
    lane = has_cycleway(tags, ("lane", "track", "shared_lane", "separate"))
    barred = _is(tags, "highway", (*_MOTORWAYS, "steps", "bridleway", "busway"))
    barred |= _is(tags, "motorroad", ("yes",))
    barred |= _is(tags, "highway", _TRUNKS) & ~lane
    usable = ~forbidden & (yes | ~barred)
    if paths_missing:
        # The cycle track beside the road, drawn apart, is not in the extract.
        beside = _is(tags, "bicycle", ("no", "use_sidepath")) | _is(tags, "highway", _TRUNKS)
        usable |= beside & walkable(tags, paths_missing=True)
    forward, backward = general_ways(tags)
    both = _is(tags, "oneway:bicycle", ("no",)) | has_cycleway(tags, _OPPOSITE) | pushed
    only = _is(tags, "oneway:bicycle", ("yes",))
    return usable & (forward | both), usable & ((backward & ~only) | both)


def _bike_ms(tags: pd.DataFrame, riding: float, walking: float) -> np.ndarray:
    loose = _is(tags, "surface", _UNPAVED)
    track = _is(tags, "highway", ("track", "path", "bridleway")) & tags["surface"].isna()
    paved_track = _is(tags, "tracktype", ("grade1",)) | _is(tags, "bicycle", ("designated",))
    loose |= np.array(track, dtype=bool) & ~paved_track
    speed = riding * np.where(loose, UNPAVED_FACTOR, 1.0)
    return np.where(_pushed(tags), min(walking, riding), speed)


def _car_ms(streets: Streets, driving: Driving) -> np.ndarray:
    town = built_up(streets)
    kmh = max_kmh(streets.tags, town)
    motorway = _is(streets.tags, "highway", ("motorway", "trunk"))
    factor = np.where(motorway, driving.motorway_factor, driving.rural_factor)
    factor = np.where(town & ~motorway, driving.built_up_factor / driving.congestion, factor)
    return np.asarray(np.maximum(kmh * factor, 1.0) / 3.6)


def max_kmh(tags: pd.DataFrame, town: np.ndarray) -> np.ndarray:
    """Return the speed limit of each piece: tagged, else French defaults, float64 (m,)."""
    highway = tags["highway"]
    table = pd.DataFrame.from_dict(DEFAULT_KMH, orient="index", columns=["in", "out"])
    inside = highway.map(table["in"]).fillna(20.0).to_numpy(dtype=np.float64)
    outside = highway.map(table["out"]).fillna(20.0).to_numpy(dtype=np.float64)
    default = np.where(town, inside, outside)
    texts = tags["maxspeed"]
    limits = {text: parse_kmh(text) for text in texts.dropna().unique()}
    tagged = texts.map(limits).to_numpy(dtype=np.float64)
    return np.where(np.isnan(tagged), default, tagged)


def parse_kmh(text: str) -> float:
    """Return the km/h of a ``maxspeed`` value, NaN when it is not understood."""
    value = text.split(";", maxsplit=1)[0].strip().lower()
    if value == "none":
        return 130.0
    if value == "walk":
        return 6.0
    if ":" in value:
        name = value.rpartition(":")[2]
        return float(name) if name.isdigit() else _NAMED_KMH.get(name, float("nan"))
    number = value.removesuffix("mph").removesuffix("km/h").removesuffix("kmh").strip()
    try:
        kmh = float(number) * (1.609344 if value.endswith("mph") else 1.0)
    except ValueError:
        return float("nan")
    return kmh if kmh > 0 else float("nan")


def built_up(streets: Streets, *, cell_m: float = 250.0, km_per_km2: float = 4.0) -> np.ndarray:
    """Return which pieces lie in a built-up area, bool (m,).

    A piece is in a built-up area when its tags say so (``zone:traffic``, ``maxspeed:type``,
    ``source:maxspeed``), when its middle lies on residential, commercial or retail land, or
    when residential streets around it (the cell of ``cell_m`` metres and its eight
    neighbours) are denser than ``km_per_km2``. The density is an assumption, for extracts
    without land use.
    """
    tags = streets.tags
    said_in = np.zeros(len(tags), dtype=bool)
    said_out = np.zeros(len(tags), dtype=bool)
    for column in ("zone:traffic", "maxspeed:type", "source:maxspeed", "maxspeed"):
        if column in tags:
            text = tags[column].str.lower()
            said_in |= text.str.endswith(("urban", "zone30"), na=False).to_numpy(dtype=bool)
            said_out |= text.str.endswith("rural", na=False).to_numpy(dtype=bool)
    middle = streets.geom_xy[(streets.geom_ptr[:-1] + streets.geom_ptr[1:] - 1) // 2]
    found = _dense(streets, middle, cell_m, km_per_km2) | _on_built_land(streets, middle)
    return np.asarray((found | said_in) & ~said_out)


def _dense(streets: Streets, middle: np.ndarray, cell_m: float, km_per_km2: float) -> np.ndarray:
    home = _is(streets.tags, "highway", ("residential", "living_street", "pedestrian"))
    cell = np.floor((middle - middle.min(axis=0)) / cell_m).astype(np.int64) + 1
    grid = np.zeros(cell.max(axis=0) + 2)
    np.add.at(grid, (cell[home, 0], cell[home, 1]), streets.length_m[home])
    around = sum(np.roll(grid, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1))
    assert isinstance(around, np.ndarray)
    area_km2 = (3 * cell_m / 1000) ** 2
    return np.asarray(around[cell[:, 0], cell[:, 1]] / 1000 / area_km2 >= km_per_km2)


def _on_built_land(streets: Streets, middle: np.ndarray) -> np.ndarray:
    inside = np.zeros(streets.n_edges, dtype=bool)
    for kind in ("residential", "built"):
        layer = streets.background.get(kind)
        if layer is not None and len(layer):
            tree = shapely.STRtree(shapely.points(middle))
            land = layer.geometry.to_crs(streets.crs).to_numpy()
            inside[tree.query(land, predicate="contains")[1]] = True
    return inside
