"""Travel times of street pieces by mode, from OpenStreetMap tags.

Access follows the tags ``access``, ``vehicle``, ``motor_vehicle``, ``motorcar``,
``bicycle`` and ``foot``, the most particular one first, and else the class of the street.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from mobility.base.cache import content_hash
from mobility.base.errors import Finding
from mobility.sources.osm.ways import ELEVATOR, FERRY
from mobility.streets.arcs import Times, TurnTimes
from mobility.streets.graph import Streets
from mobility.streets.hours import by_hour, part_of
from mobility.streets.slopes import slope_ms
from mobility.streets.snap import without_through_traffic
from mobility.streets.tags import (
    ACCESS_OF,
    CAR_STREETS,
    CLOSED,
    LOCAL,
    MEANING_OF,
    UNSAID,
    AssumeLit,
    access_of,
    built_up,
    by_text,
    general_ways,
    has_cycleway,
    has_sidewalk,
    is_tagged,
    max_kmh,
    night_safe,
    own_ways,
    parse_duration,
    parse_kmh,
    permission,
    unknown_access,
)
from mobility.streets.turns import barred_turns, turns_past_local_barriers
from mobility.territory.fields import StreetMode
from mobility.territory.project import Speeds

_YES = ("yes", "designated", "permissive", "official", "destination", "customers", "permit")
_MOTORWAYS = ("motorway", "motorway_link")
_TRUNKS = ("trunk", "trunk_link")
_PUSHED = ("footway", "pedestrian", "platform", "corridor", "elevator")
_UNPAVED = (
    "unpaved", "compacted", "gravel", "fine_gravel", "pebblestone", "ground", "dirt", "earth",
    "grass", "mud", "sand", "woodchips", "rock", "cobblestone",
)  # fmt: skip
_OPPOSITE = ("opposite", "opposite_lane", "opposite_track", "opposite_share_busway")

# A trunk road faster than this is an express road: an assumption.
_EXPRESS_KMH = 90.0
# Pace on stairs against level walking: an assumption, half the speed along the slope.
_STEPS_FACTOR = 0.5
# A ferry without a usable ``duration``, and the time lost going aboard: assumptions. Neither
# its hours nor its fare are known.
_FERRY_KMH = 10.0
_FERRY_BOARDING_S = 300.0
# Waiting for an elevator, its doors included, and its speed: assumptions.
_ELEVATOR_WAIT_S = 60.0
_ELEVATOR_MS = 1.0
# Riding on loose ground against asphalt: an assumption.
_UNPAVED_FACTOR = 0.7
#: Seconds from u to v and from v to u, float32 (m,); pieces for local traffic only, bool (m,).
Pieces = tuple[np.ndarray, np.ndarray, np.ndarray]


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
    streets: Streets,
    mode: StreetMode,
    speeds: Speeds,
    *,
    driving: Driving | None = None,
    safe_at_night: bool = False,
    assume_lit: AssumeLit = "built_up",
    grades: np.ndarray | None = None,
) -> Times:
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
    safe_at_night
        Leave out streets where walking or cycling in the dark is unsafe, see
        `tags.night_safe`; driving is as by day.
    assume_lit
        What a street without ``lit`` tag is taken to be at night.
    grades
        float (m,): slope of each piece from u to v, percent, see `slopes.edge_grades`;
        changes cycling speeds.

    Returns
    -------
    tuple of float32 (m,)
        From u to v and from v to u; infinite where forbidden. The turns barred by restrictions
        and barriers come along, see `arcs.TurnTimes`.
    """
    driving = driving or Driving()
    missing = paths_missing(streets.any_hour)

    def pieces(of: Streets, grades: np.ndarray | None) -> Pieces:
        return _pieces(
            of, mode, speeds, driving, safe_at_night=safe_at_night, assume_lit=assume_lit,
            grades=grades, missing=missing,
        )  # fmt: skip

    if streets.at is None:
        uv, vu, local = pieces(streets, grades)
    else:
        hill = None if grades is None else content_hash([grades])
        key = mode, speeds.model_dump_json(), driving, safe_at_night, assume_lit, hill
        usual = streets.any_hour.worked_out.pieces
        if key not in usual:
            built_up(streets.any_hour)
            usual[key] = pieces(streets.any_hour, grades)
        uv, vu, local = usual[key]
        ways = part_of(streets, "way")
        if ways.at is not None:
            known = ways.worked_out.pieces
            if key not in known:
                rows, changed = by_hour(ways)
                of_rows = None if grades is None else grades[rows]
                known[key] = rows, pieces(changed, of_rows) if len(rows) else None
            rows, own = known[key]
            # A rule can be of a way of which the extract's edge left no piece.
            if own is not None:
                uv, vu, local = map(partial(_put, rows), usual[key], own)
    times = TurnTimes(uv, vu, *barred_turns(streets, mode, (uv, vu)))
    gates = turns_past_local_barriers(streets, mode)
    return without_through_traffic(streets, times, local, gates)


def _put(rows: np.ndarray, usual: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Return an array with other values in some rows, itself where they are those it has."""
    if np.array_equal(usual[rows], own):
        return usual
    found = usual.copy()
    found[rows] = own
    return found


def _pieces(
    streets: Streets,
    mode: StreetMode,
    speeds: Speeds,
    driving: Driving,
    *,
    safe_at_night: bool,
    assume_lit: AssumeLit,
    grades: np.ndarray | None,
    missing: bool,
) -> Pieces:
    """Return the seconds of each piece both ways, and whether it is for local traffic only.

    A piece's follow from the tags of its own way.
    """
    tags = streets.tags
    ms_back: np.ndarray | None = None
    if mode == "walk":
        steps = tags["highway"].eq("steps")
        ms = np.where(steps, _STEPS_FACTOR, 1.0) * speeds.walk_kmh / 3.6
        ms = _in_elevators(streets, ms)
        everywhere = _walkable(tags, paths_missing=missing)
        forward, backward = own_ways(tags, "oneway:foot", (everywhere, everywhere))
        forward, backward = forward & everywhere, backward & everywhere
    elif mode == "car":
        ms = _car_ms(streets, driving)
        forward, backward = _car_ways(tags)
    else:
        kmh = speeds.bike_kmh if mode == "bike" else speeds.e_bike_kmh
        ms = _in_elevators(streets, _bike_ms(tags, kmh / 3.6, speeds.walk_kmh / 3.6))
        forward, backward = _bike_ways(tags, paths_missing=missing)
        if grades is not None:
            assisted, walking = mode == "e_bike", speeds.walk_kmh / 3.6
            ms_back = slope_ms(ms, -grades, walking, assisted=assisted)
            ms = slope_ms(ms, grades, walking, assisted=assisted)
    if mode != "car":
        # A ferry taken without a car is public transport.
        ashore = ~is_tagged(tags, "highway", (FERRY,))
        forward, backward = forward & ashore, backward & ashore
    if safe_at_night and mode != "car":
        safe = night_safe(streets, mode, assume_lit=assume_lit)
        forward, backward = forward & safe, backward & safe
    wait_s = 0.0 if mode == "car" else _at_elevators(streets)
    uv = np.where(forward, streets.length_m / ms + wait_s, np.inf).astype(np.float32)
    vu_ms = ms if ms_back is None else ms_back
    vu = np.where(backward, streets.length_m / vu_ms + wait_s, np.inf).astype(np.float32)
    return uv, vu, _local_only(tags, mode)


def _local_only(tags: pd.DataFrame, mode: StreetMode) -> np.ndarray:
    """Return the pieces open to those who stop there and closed to through traffic, bool (m,)."""
    if mode == "car":
        return np.asarray(access_of(tags, "car") == LOCAL)
    on_foot = access_of(tags, "walk") == LOCAL
    if mode == "walk":
        return np.asarray(on_foot, dtype=bool)
    riding = access_of(tags, mode) == LOCAL
    return np.asarray(np.where(_pushed(tags), on_foot, riding))


def _in_elevators(streets: Streets, ms: np.ndarray) -> np.ndarray:
    """Return speeds where elevators take as long as waiting and riding, over each whole way."""
    rows = np.flatnonzero(is_tagged(streets.tags, "highway", (ELEVATOR,)))
    if not len(rows):
        return ms
    whole_m = _whole_m(streets, rows)
    found = ms.copy() if ms.shape else np.full(streets.n_edges, float(ms))
    found[rows] = whole_m / (whole_m / _ELEVATOR_MS + _ELEVATOR_WAIT_S)
    return found


def _at_elevators(streets: Streets) -> np.ndarray | float:
    """Return half the wait for each end of a piece that is an elevator drawn as a point."""
    barriers = streets.barriers
    ids = barriers["node_id"][is_tagged(barriers, "barrier", (ELEVATOR,))]
    if not len(ids):
        return 0.0
    here = np.isin(streets.node_id, ids)
    ends = here[streets.edge_u].astype(np.float64) + here[streets.edge_v]
    return np.asarray(ends * _ELEVATOR_WAIT_S / 2)


def _whole_m(streets: Streets, rows: np.ndarray) -> np.ndarray:
    """Return the length of the whole way of each of some pieces."""
    way = streets.tags["osm_id"].to_numpy()[rows]
    whole = pd.Series(streets.length_m[rows]).groupby(way).transform("sum")
    return np.asarray(np.maximum(whole.to_numpy(dtype=np.float64), 1e-6))


def paths_missing(streets: Streets) -> bool:
    """Return whether an extract was cut down to motor roads, without footways and paths.

    So it is taken to be when they make under 1 % of the length of all streets, and classes
    are known at all.
    """
    paths = is_tagged(
        streets.tags, "highway", ("footway", "path", "pedestrian", "cycleway", "steps")
    )
    known = ~is_tagged(streets.tags, "highway", ("road",))
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


def access_finding(streets: Streets) -> Finding | None:
    """Return a finding when access tags have values that nobody knows."""
    odd = [unknown_access(table) for table in (streets.tags, streets.barriers)]
    texts = pd.concat(odd)
    if texts.empty:
        return None
    return Finding(
        "info",
        "access_unknown",
        "{count} streets and barriers have an access tag whose value is not understood; it counts "
        "as if it were not there.",
        count=len(texts),
        examples=tuple(texts.value_counts().index[:5]),
    )


def _express(tags: pd.DataFrame) -> np.ndarray:
    """Return where only motor traffic belongs: motorways, motor roads, express trunk roads.

    A trunk road with traffic both ways and no limit above `_EXPRESS_KMH` is a main road like
    others, open to all by OpenStreetMap's default access; one-way and faster ones are taken
    for express roads.
    """
    found = is_tagged(tags, "highway", _MOTORWAYS) | is_tagged(tags, "motorroad", ("yes",))
    limit = by_text(tags["maxspeed"], parse_kmh, missing=np.nan)
    plain = ~is_tagged(tags, "oneway", ("yes", "true", "1", "-1", "reverse"))
    plain &= ~(limit > _EXPRESS_KMH)
    return np.asarray(found | (is_tagged(tags, "highway", _TRUNKS) & ~plain))


def _walkable(tags: pd.DataFrame, *, paths_missing: bool = False) -> np.ndarray:
    """Return whether one may walk along each piece, bool (m,).

    With ``paths_missing``, roads barred to walkers (``foot=no`` or ``use_sidepath``, trunk
    roads) are open, motorways and ``motorroad=yes`` apart: the footway beside them, drawn
    apart in OpenStreetMap, is not in the extract.
    """
    closed = permission(tags, ("access",)) == CLOSED
    foot = permission(tags, ("foot",))
    fast = is_tagged(tags, "highway", ("busway",)) | _express(tags)
    barred = closed | (fast & ~has_sidewalk(tags))
    found: np.ndarray = (foot != CLOSED) & ((foot != UNSAID) | ~barred)
    if paths_missing:
        beside = is_tagged(tags, "foot", ("no", "use_sidepath")) | is_tagged(
            tags, "highway", _TRUNKS
        )
        never = is_tagged(tags, "highway", _MOTORWAYS) | is_tagged(tags, "motorroad", ("yes",))
        found |= beside & ~never & ~closed
    return found


def _car_ways(tags: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    forbidden = access_of(tags, "car") == CLOSED
    named_yes = permission(tags, ACCESS_OF["car"][1:]) >= LOCAL
    by_class = is_tagged(tags, "highway", CAR_STREETS)
    by_class |= is_tagged(tags, "highway", ("track", "pedestrian", FERRY)) & named_yes
    usable = by_class & ~forbidden
    forward, backward = general_ways(tags)
    return usable & forward, usable & backward


def _pushed(tags: pd.DataFrame) -> np.ndarray:
    """Return where a bicycle is walked: paths for pedestrians and ``bicycle=dismount``."""
    yes = is_tagged(tags, "bicycle", _YES)
    pushed: np.ndarray = (is_tagged(tags, "highway", _PUSHED) & ~yes) | is_tagged(
        tags, "bicycle", ("dismount",)
    )
    return pushed


def _bike_ways(tags: pd.DataFrame, *, paths_missing: bool) -> tuple[np.ndarray, np.ndarray]:
    yes = is_tagged(tags, "bicycle", _YES)
    forbidden = access_of(tags, "bike") == CLOSED
    pushed = _pushed(tags)
    # A vehicle ban does not bar a bicycle pushed by a walker.
    barred = ~_walkable(tags) | (permission(tags, ("bicycle",), MEANING_OF["bike"]) == CLOSED)
    forbidden = np.where(pushed, barred, forbidden)
    motorroad = is_tagged(tags, "motorroad", ("yes",))
    lane = has_cycleway(tags, ("lane", "track", "shared_lane", "separate"))
    barred = is_tagged(tags, "highway", ("steps", "bridleway", "busway"))
    barred |= _express(tags) & ~(is_tagged(tags, "highway", _TRUNKS) & lane & ~motorroad)
    usable = ~forbidden & (yes | ~barred)
    if paths_missing:
        # The cycle track beside the road, drawn apart, is not in the extract.
        beside = is_tagged(tags, "bicycle", ("no", "use_sidepath")) | is_tagged(
            tags, "highway", _TRUNKS
        )
        usable |= beside & _walkable(tags, paths_missing=True)
    forward, backward = general_ways(tags)
    both = has_cycleway(tags, _OPPOSITE) | pushed
    forward, backward = own_ways(tags, "oneway:bicycle", (forward, backward))
    return usable & (forward | both), usable & (backward | both)


def _bike_ms(tags: pd.DataFrame, riding: float, walking: float) -> np.ndarray:
    loose = is_tagged(tags, "surface", _UNPAVED)
    track = is_tagged(tags, "highway", ("track", "path", "bridleway")) & tags["surface"].isna()
    paved_track = is_tagged(tags, "tracktype", ("grade1",)) | is_tagged(
        tags, "bicycle", ("designated",)
    )
    loose |= np.array(track, dtype=bool) & ~paved_track
    speed = riding * np.where(loose, _UNPAVED_FACTOR, 1.0)
    return np.where(_pushed(tags), min(walking, riding), speed)


def _car_ms(streets: Streets, driving: Driving) -> np.ndarray:
    town = built_up(streets)
    kmh = max_kmh(streets.tags, town)
    motorway = is_tagged(streets.tags, "highway", ("motorway", "trunk"))
    factor = np.where(motorway, driving.motorway_factor, driving.rural_factor)
    factor = np.where(town & ~motorway, driving.built_up_factor / driving.congestion, factor)
    ms = np.asarray(np.maximum(kmh * factor, 1.0) / 3.6)
    aboard = np.flatnonzero(is_tagged(streets.tags, "highway", (FERRY,)))
    ms[aboard] = _ferry_ms(streets, aboard)
    return ms


def _ferry_ms(streets: Streets, aboard: np.ndarray) -> np.ndarray:
    """Return the speed of ferries, boarding included, over the whole of each way."""
    whole_m = _whole_m(streets, aboard)
    said = streets.tags["duration"].iloc[aboard].map(parse_duration, na_action="ignore")
    crossing_s = said.astype(np.float64).fillna(pd.Series(whole_m / _FERRY_KMH * 3.6, said.index))
    return np.asarray(whole_m / (crossing_s.to_numpy() + _FERRY_BOARDING_S))
