"""What OpenStreetMap says holds at some hours only, of streets, barriers and turns, as text.

``opening_hours`` of a street or a gate closes it to everybody outside them. A key like
``access:conditional`` has clauses ``value @ (condition)`` parted by ``;``; the last one that
holds takes the place of the plain tag (OpenStreetMap wiki, Conditional restrictions).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

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


def conditions_of(kind: str, osm_id: int, tags: Mapping[str, str]) -> list[Condition]:
    """Return what depends on the hour among the tags of a way, a node or a turn restriction."""
    if kind == "turn":
        text = turn_clauses(tags)
        return [(kind, osm_id, "restriction", text)] if text else []
    found = [
        (kind, osm_id, key.removesuffix(":conditional"), value)
        for key, value in tags.items()
        if key in _CONDITIONAL
    ]
    for key, (plain, way) in _BY_WAY.items() if kind == "way" else ():
        if key in tags:
            told = _one_way(tags[key], way)
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


def _one_way(text: str, way: str) -> list[tuple[str, str]]:
    """Return clauses of access one way as clauses of ``oneway``."""
    told = clauses(text)
    return [("no" if v in OPEN else _WAYS[way], hours) for v, hours in told] if way else told


def _clauses(told: Iterable[tuple[str, str]]) -> str:
    return "; ".join(f"{value} @ ({hours})" for value, hours in told)


def turn_clauses(tags: Mapping[str, str]) -> str:
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
