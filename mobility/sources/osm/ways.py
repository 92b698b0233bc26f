"""What OpenStreetMap's tags come to: the class of a street, its ways, who may pass, and when.

``opening_hours`` of a street or a gate closes it to everybody outside them. A key like
``access:conditional`` has clauses ``value @ (condition)`` parted by ``;``; the last one that
holds takes the place of the plain tag (OpenStreetMap wiki, Conditional restrictions).

OpenStreetMap says the same in several keys: a street that cars may not take backward is
``oneway=yes`` with ``oneway:bicycle=no``, ``motor_vehicle:backward=no`` or
``oneway:motor_vehicle=yes`` (wiki, Key:oneway and Forward & backward). Here it is said once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product

import numpy as np
import pandas as pd

from mobility.base.ledger import SourceLedger

# "way", "node" (barriers, elevators) or "turn"; id; the tag whose value depends on the hour, or
# ``opening_hours``; its clauses, or the hours.
Condition = tuple[str, int, str, str]

OPENING_HOURS = "opening_hours"
#: Keys by which a street or a barrier is closed, in the order of `streets.tags.permission`.
ACCESS = ("access", "vehicle", "motor_vehicle", "motorcar", "bicycle", "foot")
#: Values that let one pass.
OPEN = frozenset(
    {"yes", "designated", "permissive", "official", "permit", "destination", "delivery"}
)
_WAYS = {"forward": "-1", "backward": "yes"}
_CONDITIONAL = frozenset(
    f"{key}:conditional" for key in (*ACCESS, "oneway", "oneway:bicycle", "maxspeed", "locked")
)
# What depends on the hour one way only, and the tag that tells it.
_BY_WAY = {
    **{f"oneway:{key}:conditional": ("oneway", "") for key in ACCESS[1:4]},
    **{
        f"{key}:{way}:conditional": ("oneway:bicycle" if key == "bicycle" else "oneway", way)
        for key in ACCESS[:5]
        for way in _WAYS
    },
}
#: Keys of a street or a barrier that may depend on the hour.
BY_HOUR = _CONDITIONAL | {OPENING_HOURS, "oneway"} | _BY_WAY.keys()
_TURNS = ("restriction:motorcar", "restriction:motor_vehicle", "restriction:vehicle", "restriction")
_DAYS = {
    "monday": "Mo", "tuesday": "Tu", "wednesday": "We", "thursday": "Th", "friday": "Fr",
    "saturday": "Sa", "sunday": "Su",
}  # fmt: skip
# Barriers on a street that may stop somebody.
ELEVATOR = "elevator"
_BARRIERS: tuple[str, ...] = (
    ELEVATOR,
    "bar", "barrier_board", "block", "bollard", "bus_trap", "chain", "chicane", "cycle_barrier",
    "debris", "fence", "full-height_turnstile", "gate", "guard_rail", "hampshire_gate", "hedge",
    "jersey_barrier", "kissing_gate", "lift_gate", "log", "motorcycle_barrier", "planter",
    "rising_bollard", "rope", "sally_port", "sliding_gate", "spikes", "stile", "sump_buster",
    "swing_gate", "turnstile", "wall", "wicket_gate", "yes",
)  # fmt: skip
# Barriers that stop nobody unless their tags say so; kerbs and height limits never do.
OPEN_BARRIERS = ("border_control", "cattle_grid", "door", "entrance", "toll_booth")
# A point of a street that is no barrier and says who may pass it.
PASSAGE = "passage"
_BARRIER_COLUMNS: tuple[str, ...] = ("barrier", *ACCESS, "locked")
# Keys of whatever else stands on a street: access to a crossing is for who crosses, to a car
# park for who parks, to an emergency bay for who stops there.
_ELSE = (
    "highway", "railway", "amenity", "public_transport", "emergency", "parking", "shop", "tourism",
    "leisure",
)  # fmt: skip
_PASS = OPEN - {"destination", "delivery"}
#: Keys of nodes that may be a barrier, or another point where some may not pass.
BARRIER_KEYS = ("barrier", *ACCESS, *(f"{key}:conditional" for key in ACCESS))
# Why a restriction is not for a car, or not at any hour, or cannot be placed.
CONDITIONAL, OTHERS, INCOMPLETE = "conditional", "others", "incomplete"
# Id, kind ("no", "only", "no_u" or none), way, node (0: ways), way, why it is left out, and the
# ids of the ways it leads over.
Row = tuple[int, str, int, int, int, str, str]
# Type ("n", "w", "r"), id and role.
_Member = tuple[str, int, str]


def conditions_of(kind: str, osm_id: int, tags: Mapping[str, str]) -> list[Condition]:
    """Return what depends on the hour among the tags of a way, a node or a turn restriction."""
    if kind == "turn":
        text = _turn_clauses(tags)
        return [(kind, osm_id, "restriction", text)] if text else []
    found = [
        (kind, osm_id, key.removesuffix(":conditional"), value)
        for key, value in tags.items()
        if key in _CONDITIONAL
    ]
    for key, (plain, way) in _BY_WAY.items() if kind == "way" else ():
        if key in tags:
            told = _as_one_way(tags[key], way)
            found.append((kind, osm_id, plain, _clauses(told)))
            if "motor" in key and not {"oneway", "oneway:bicycle"} & tags.keys():
                # Bicycles go on both ways.
                both = _clauses(("no", hours) for _, hours in told)
                found.append((kind, osm_id, "oneway:bicycle", both))
    if tags.get("oneway") == "reversible" and "oneway:conditional" not in tags:
        # By hours that are not told.
        found.append((kind, osm_id, "oneway", "reversible"))
    hours = tags.get(OPENING_HOURS, "24/7")
    return found if hours == "24/7" else [*found, (kind, osm_id, OPENING_HOURS, hours)]


def _as_one_way(text: str, way: str) -> list[tuple[str, str]]:
    """Return clauses of access one way as clauses of ``oneway``."""
    told = clauses(text)
    return [("no" if v in OPEN else _WAYS[way], hours) for v, hours in told] if way else told


def _clauses(told: Iterable[tuple[str, str]]) -> str:
    return "; ".join(f"{value} @ ({hours})" for value, hours in told)


def _turn_clauses(tags: Mapping[str, str]) -> str:
    """Return the clauses by which a turn restriction holds for cars, "" where it has none.

    The older ``day_on``, ``day_off``, ``hour_on`` and ``hour_off`` are written as a clause.
    """
    for key in _TURNS:
        if f"{key}:conditional" in tags:
            return tags[f"{key}:conditional"]
        if "@" in tags.get(key, ""):
            return tags[key]
    on, off = tags.get("hour_on"), tags.get("hour_off")
    first, last = (
        _DAYS.get(tags.get(k, "").split(";")[0].strip().lower()) for k in ("day_on", "day_off")
    )
    value = next((tags[key] for key in _TURNS if key in tags), "")
    days = f"{first}-{last}" if first and last else ""
    # One of the two alone means nothing, which is told where hours are worked out.
    hours = f"{on}-{off}" if on and off else on or off or ""
    return f"{value} @ ({days} {hours})" if value and (days or hours) else ""


def clauses(text: str) -> list[tuple[str, str]]:
    """Return the (value, condition) pairs of a conditional tag, in their order."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter == ";" and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    # Some leave out the parentheses of a condition that holds a ";" itself.
    joined: list[str] = []
    for part in parts:
        if "@" in part or not joined:
            joined.append(part)
        else:
            joined[-1] += f";{part}"
    pairs = [part.partition("@") for part in joined]
    return [(value.strip().lower(), _bare(condition)) for value, at, condition in pairs if at]


def _bare(condition: str) -> str:
    """Return a condition without parentheses around the whole of it."""
    text = condition.strip().rstrip(";").strip()
    if not (text.startswith("(") and text.endswith(")")):
        return text
    depth = 0
    for k, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and k < len(text) - 1:
            return text
    return text[1:-1].strip()


def condition_table(rows: Iterable[Condition] = ()) -> pd.DataFrame:
    """Return conditions as a table: ``kind``, ``osm_id``, ``key`` and ``text``."""
    frame = pd.DataFrame(sorted(set(rows)), columns=["kind", "osm_id", "key", "text"])
    return frame.astype({"kind": "str", "osm_id": np.int64, "key": "str", "text": "str"})


def restriction_rows(
    relation: int, tags: Mapping[str, str], members: Iterable[_Member]
) -> list[Row]:
    """Return a turn restriction for cars, one row per way it leads from and to.

    A restriction that is left out is one row, which says why: it is for other vehicles, or is
    not whole. One that depends on the hour is left out until its hour comes.
    """
    kind, why = _turn_kind(tags)
    roles: dict[str, list[_Member]] = {}
    for member in members:
        roles.setdefault(member[2], []).append(member)
    via = roles.get("via", [])
    from_ways, to_ways = (
        [ref for kind_of, ref, _ in roles.get(r, []) if kind_of == "w"] for r in ("from", "to")
    )
    over_ways = bool(via) and all(m[0] == "w" for m in via)
    at_node = len(via) == 1 and via[0][0] == "n"
    if why != OTHERS and not ((over_ways or at_node) and from_ways and to_ways):
        why = INCOMPLETE
    if why in (OTHERS, INCOMPLETE):
        return [(relation, "", 0, 0, 0, why, "")]
    node = via[0][1] if at_node else 0
    over = " ".join(str(ref) for _, ref, _ in via) if over_ways else ""
    return [(relation, kind, a, node, b, why, over) for a, b in product(from_ways, to_ways)]


def _turn_kind(tags: Mapping[str, str]) -> tuple[str, str]:
    """Return ``no``, ``only`` or ``no_u``, and why the restriction is left out."""
    values = [tags.get(f"restriction:{v}") for v in _CARS] + [tags.get("restriction")]
    value = next((v for v in values if v is not None), None)
    by_hour = _turn_clauses(tags)
    if value is None and not by_hour:
        return "", OTHERS
    spared = {part.strip() for part in tags.get("except", "").split(";")}
    if not spared.isdisjoint(_CARS):
        return "", OTHERS
    at_hours = value is None or "@" in value or (by_hour and value == clauses(by_hour)[0][0])
    kind = kind_of(clauses(by_hour)[0][0] if at_hours and clauses(by_hour) else value or "")
    return (kind, CONDITIONAL if at_hours else "") if kind else ("", INCOMPLETE)


def kind_of(value: str) -> str:
    """Return ``no``, ``only`` or ``no_u`` for the value of a restriction, "" for any other."""
    kind, _, turn = value.partition("_")
    if kind not in ("no", "only") or not turn:
        return ""
    return "no_u" if value == "no_u_turn" else kind


def barrier_of(tags: Mapping[str, str]) -> str | None:
    """Return the barrier, elevator or passage a node is; None where it stops nobody."""
    if tags.get("highway") == ELEVATOR:
        return ELEVATOR
    if "barrier" in tags:
        barrier = tags["barrier"].lower()
        told = not BY_HOUR.isdisjoint(tags) or any(key in tags for key in _BARRIER_COLUMNS[1:])
        return barrier if barrier in _BARRIERS or (barrier in OPEN_BARRIERS and told) else None
    told = any(key in tags and tags[key].lower() not in _PASS for key in BARRIER_KEYS)
    return PASSAGE if told and not any(key in tags for key in _ELSE) else None


def turn_table(rows: Iterable[Row] = ()) -> pd.DataFrame:
    """Return rows of restrictions as a table; ``left_out`` is empty where they are of use.

    ``via_ways`` are ids parted by spaces, "" where the restriction leads over ``via_node``.
    """
    columns = ["osm_id", "kind", "from_way", "via_node", "to_way", "left_out", "via_ways"]
    types = dict.fromkeys(["osm_id", "from_way", "via_node", "to_way"], np.int64)
    frame = pd.DataFrame(sorted(rows), columns=columns)
    return frame.astype({**types, "kind": "str", "left_out": "str", "via_ways": "str"})


def barrier_table(rows: Mapping[int, Mapping[str, str]] | None = None) -> pd.DataFrame:
    """Return barriers by node id, ``node_id`` and `_BARRIER_COLUMNS`, missing where not tagged."""
    rows = dict(sorted((rows or {}).items()))
    columns: dict[str, object] = {"node_id": np.array(list(rows), dtype=np.int64)}
    for name in _BARRIER_COLUMNS:
        texts = [tags[name].lower() if name in tags else None for tags in rows.values()]
        columns[name] = pd.Series(texts, dtype="str")
    return pd.DataFrame(columns)


# Ways that carry one of these values are no street one can travel today.
_NOT_STREETS = frozenset(
    {
        "abandoned", "bus_guideway", "construction", "demolished", "disused", "dismantled",
        "emergency_bay", "escape", "no", "planned", "proposed", "raceway", "razed",
        "removed", "rest_area", "services", "via_ferrata",
    }
)  # fmt: skip
TAG_COLUMNS: tuple[str, ...] = (
    "highway", "name", "ref", "oneway", "maxspeed", "lit", "sidewalk", "surface", "access",
    "foot", "bicycle", "motor_vehicle", "junction", "cycleway", "lanes", "service", "tunnel",
    "bridge", "incline", "vehicle", "motorcar", "motorroad", "oneway:bicycle", "cycleway:left",
    "cycleway:right", "cycleway:both", "sidewalk:left", "sidewalk:right", "sidewalk:both",
    "segregated", "tracktype", "source:maxspeed", "maxspeed:type", "zone:traffic", "bus",
    "duration", "oneway:foot",
)  # fmt: skip
# Why a way of a file is no street of the study.
OTHER_WAYS = {
    "background": "drawn on maps only",
    "not_travelled": "planned, disused or no street to travel on",
    "ferry": "a ferry not said to take cars: public transport, from a timetable",
    "other": "no street",
    "written_twice": "written once more",
    "without_nodes": "its nodes are not in the file",
}
NO_WAYS = SourceLedger("", 0, 0, unit="ways")
# A ferry is a street of this class, where cars are said to go aboard.
FERRY = "ferry"
# Where one waits for a train is a street of this class, whether or not it has a highway tag.
_PLATFORM = "platform"
# Values whose letters matter; others are compared in small letters.
AS_WRITTEN = frozenset({"name", "ref", "duration"})
# Kept as tags of a way that is no street, or none to travel on, today.
_NOT_TODAY = frozenset(
    {"construction", "disused", "abandoned", "demolished", "razed", "impassable"}
)
# A lane of one's own against the traffic of a one-way street.
_CONTRAFLOW = (
    "cycleway:oneway",
    "cycleway:left:oneway",
    "cycleway:right:oneway",
    "cycleway:both:oneway",
)
_CARS = ("motorcar", "motor_vehicle", "vehicle")
_BICYCLES = ("bicycle", "vehicle", "access")
_PARTICULAR = frozenset(
    {
        *_CONTRAFLOW,
        "bicycle:oneway",
        "conveying",
        "smoothness",
        *(f"oneway:{key}" for key in (*_CARS, "access")),
        *(f"{key}:{way}" for key in ACCESS for way in ("forward", "backward")),
    }
)
_MOVING = {"forward": "yes", "backward": "-1"}


def street_class(tags: Mapping[str, str]) -> str | None:
    """Return the class of street a way, or the area of a relation, is; None if it is none.

    Of a list of classes the first counts.
    """
    highway = tags.get("highway")
    if highway is not None:
        return highway.partition(";")[0].strip().lower()
    if carries_cars(tags):
        return FERRY
    if "platform" in (tags.get("railway"), tags.get("public_transport")):
        return _PLATFORM
    return None


def is_ferry(tags: Mapping[str, str]) -> bool:
    """Return whether a way is a ferry, alone or among other routes."""
    return FERRY in tags.get("route", "").split(";")


def carries_cars(tags: Mapping[str, str]) -> bool:
    """Return whether a way is a ferry said to take cars aboard."""
    if not is_ferry(tags):
        return False
    said = next((tags[key] for key in _CARS if key in tags), "")
    return any(part.strip() in OPEN or part.strip() == "customers" for part in said.split(";"))


def is_travelled(tags: Mapping[str, str], highway: str) -> bool:
    """Return whether a street of some class is there to be travelled today."""
    if highway in _NOT_STREETS:
        return False
    return _NOT_TODAY.isdisjoint(tags) or all(tags.get(key) != "yes" for key in _NOT_TODAY)


def plain(tags: dict[str, str]) -> dict[str, str]:
    """Return the tags of a street with its directions under ``oneway``, by kind of traveller.

    ``oneway`` is for vehicles, ``oneway:bicycle`` and ``oneway:foot`` for those whose ways
    are others.
    """
    if _PARTICULAR.isdisjoint(tags):
        return tags
    found = dict(tags)
    bicycles = found.get("bicycle:oneway") or _one_way(tags, _BICYCLES)
    # A lane of their own against the traffic lets bicycles go both ways.
    if any(_is_contraflow(tags, key) for key in _CONTRAFLOW):
        bicycles = "no"
    cars = next(
        (tags[k] for k in (f"oneway:{key}" for key in (*_CARS, "access")) if k in tags), None
    )
    cars = cars or _one_way(tags, (*_CARS, "access"))
    if cars is not None and cars != tags.get("oneway", "no"):
        found["oneway"] = cars
        # What is said of cars alone leaves bicycles as the street has it.
        bicycles = bicycles or tags.get("oneway:vehicle") or tags.get("oneway", "no")
    if bicycles is not None:
        found.setdefault("oneway:bicycle", bicycles)
    on_foot = _one_way(tags, ("foot",)) or _MOVING.get(tags.get("conveying", ""))
    if on_foot is not None:
        found.setdefault("oneway:foot", on_foot)
    # No wheel passes there; feet may.
    if tags.get("smoothness") == "impassable":
        found.setdefault("vehicle", "no")
    return found


def _one_way(tags: Mapping[str, str], keys: tuple[str, ...]) -> str | None:
    """Return ``oneway`` as the access each way tells, None where neither is told."""
    forward, backward = (
        next((tags[k] in OPEN for k in (f"{key}:{way}" for key in keys) if k in tags), None)
        for way in ("forward", "backward")
    )
    if backward is False:
        return "yes"
    if forward is False:
        return "-1"
    return "no" if backward else None


def _is_contraflow(tags: Mapping[str, str], key: str) -> bool:
    lane = tags.get(key.removesuffix(":oneway"), "yes")
    return tags.get(key) in ("no", "-1") and lane not in ("no", "none")
