"""Turn restrictions and barriers of OpenStreetMap, as tables of ids and tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product

import numpy as np
import pandas as pd

# Barriers on a street that may stop somebody; others (kerbs, entrances, toll booths, cattle
# grids, border posts, height limits) stop nobody.
BARRIERS: tuple[str, ...] = (
    "bar", "barrier_board", "block", "bollard", "bus_trap", "chain", "chicane", "cycle_barrier",
    "debris", "fence", "full-height_turnstile", "gate", "guard_rail", "hampshire_gate", "hedge",
    "jersey_barrier", "kissing_gate", "lift_gate", "log", "motorcycle_barrier", "planter", "rope",
    "sally_port", "sliding_gate", "spikes", "stile", "sump_buster", "swing_gate", "turnstile",
    "wall", "wicket_gate", "yes",
)  # fmt: skip
BARRIER_COLUMNS: tuple[str, ...] = (
    "barrier", "access", "vehicle", "motor_vehicle", "motorcar", "bicycle", "foot", "locked",
)  # fmt: skip
# Why a restriction is not for a car at any hour, or cannot be placed.
CONDITIONAL, OTHERS, INCOMPLETE = "conditional", "others", "incomplete"
_CARS = ("motorcar", "motor_vehicle", "vehicle")
_HOURS = frozenset({"day_on", "day_off", "hour_on", "hour_off"})

# Id, kind ("no", "only", "no_u" or none), way, node (0: ways), way, why it is left out, and the
# ids of the ways it leads over.
Row = tuple[int, str, int, int, int, str, str]
# Type ("n", "w", "r"), id and role.
Member = tuple[str, int, str]


def restriction_rows(
    relation: int, tags: Mapping[str, str], members: Iterable[Member]
) -> list[Row]:
    """Return a turn restriction for cars, one row per way it leads from and to.

    A restriction that is left out is one row, which says why: it depends on the hour, is for
    other vehicles, or is not whole.
    """
    kind, why = _kind(tags)
    roles: dict[str, list[Member]] = {}
    for member in members:
        roles.setdefault(member[2], []).append(member)
    via = roles.get("via", [])
    from_ways, to_ways = (
        [ref for kind_of, ref, _ in roles.get(r, []) if kind_of == "w"] for r in ("from", "to")
    )
    over_ways = bool(via) and all(m[0] == "w" for m in via)
    at_node = len(via) == 1 and via[0][0] == "n"
    if not why and not ((over_ways or at_node) and from_ways and to_ways):
        why = INCOMPLETE
    if why:
        return [(relation, "", 0, 0, 0, why, "")]
    node = via[0][1] if at_node else 0
    over = " ".join(str(ref) for _, ref, _ in via) if over_ways else ""
    return [(relation, kind, a, node, b, "", over) for a, b in product(from_ways, to_ways)]


def _kind(tags: Mapping[str, str]) -> tuple[str, str]:
    """Return ``no``, ``only`` or ``no_u``, and why the restriction is left out."""
    values = [tags.get(f"restriction:{v}") for v in _CARS] + [tags.get("restriction")]
    value = next((v for v in values if v is not None), None)
    if value is None:
        by_hour = any(key.endswith(":conditional") for key in tags)
        return "", CONDITIONAL if by_hour else OTHERS
    if "@" in value or not _HOURS.isdisjoint(tags):
        return "", CONDITIONAL
    spared = {part.strip() for part in tags.get("except", "").split(";")}
    if not spared.isdisjoint(_CARS):
        return "", OTHERS
    kind = "no_u" if value == "no_u_turn" else value.partition("_")[0]
    return (kind, "") if kind in ("no", "only", "no_u") else ("", INCOMPLETE)


def turn_table(rows: Iterable[Row] = ()) -> pd.DataFrame:
    """Return rows of restrictions as a table; ``left_out`` is empty where they are of use.

    ``via_ways`` are ids parted by spaces, "" where the restriction leads over ``via_node``.
    """
    columns = ["osm_id", "kind", "from_way", "via_node", "to_way", "left_out", "via_ways"]
    types = dict.fromkeys(["osm_id", "from_way", "via_node", "to_way"], np.int64)
    frame = pd.DataFrame(sorted(rows), columns=columns)
    return frame.astype({**types, "kind": "str", "left_out": "str", "via_ways": "str"})


def barrier_table(rows: Mapping[int, Mapping[str, str]] | None = None) -> pd.DataFrame:
    """Return barriers by node id, ``node_id`` and `BARRIER_COLUMNS`, missing where not tagged."""
    rows = dict(sorted((rows or {}).items()))
    columns: dict[str, object] = {"node_id": np.array(list(rows), dtype=np.int64)}
    for name in BARRIER_COLUMNS:
        texts = [tags.get(name) for tags in rows.values()]
        columns[name] = pd.Series(texts, dtype="str")
    return pd.DataFrame(columns)
