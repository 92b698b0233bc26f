"""Turn restrictions and barriers of OpenStreetMap, as tables of ids and tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product

import numpy as np
import pandas as pd

from mobility.sources.osm.conditions import ACCESS, BY_HOUR, OPEN, clauses, turn_clauses

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
_CARS = ("motorcar", "motor_vehicle", "vehicle")

# Id, kind ("no", "only", "no_u" or none), way, node (0: ways), way, why it is left out, and the
# ids of the ways it leads over.
Row = tuple[int, str, int, int, int, str, str]
# Type ("n", "w", "r"), id and role.
_Member = tuple[str, int, str]


def restriction_rows(
    relation: int, tags: Mapping[str, str], members: Iterable[_Member]
) -> list[Row]:
    """Return a turn restriction for cars, one row per way it leads from and to.

    A restriction that is left out is one row, which says why: it is for other vehicles, or is
    not whole. One that depends on the hour is left out until its hour comes.
    """
    kind, why = _kind(tags)
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


def _kind(tags: Mapping[str, str]) -> tuple[str, str]:
    """Return ``no``, ``only`` or ``no_u``, and why the restriction is left out."""
    values = [tags.get(f"restriction:{v}") for v in _CARS] + [tags.get("restriction")]
    value = next((v for v in values if v is not None), None)
    by_hour = turn_clauses(tags)
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
