"""Streets as they are at one moment: what `mobility.sources.osm.ways` says, worked out.

The syntax of hours is that of ``opening_hours``, read by the library opening-hours-py; public
holidays and sunrise are those of the place.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, fields, replace
from functools import cached_property, lru_cache
from typing import Any, Literal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from mobility.base.errors import Finding
from mobility.sources.osm.ways import ACCESS, CONDITIONAL, OPENING_HOURS, clauses, kind_of
from mobility.streets.graph import State, Streets, WorkedOut
from mobility.territory.fields import StreetMode

_YES = ("yes", "designated", "permissive", "official")
# A limit on weight or size that a commuter's car keeps.
_LARGE = re.compile(r"\s*(max)?(weight|weightrating|length|height|width|axles|trailers?)\s*>=?.*")
# What no clock tells.
_AND = re.compile(r"\s+and\s+", re.IGNORECASE)
#: Tags by the hour that are nothing to each mode, see `mobility.streets.modes`.
_NOTHING_TO: dict[StreetMode, tuple[str, ...]] = {
    "walk": ("vehicle", "motor_vehicle", "motorcar", "bicycle", "oneway:bicycle"),
    "bike": ("motor_vehicle", "motorcar"),
    "car": ("foot", "bicycle", "oneway:bicycle"),
}
#: Tables that depend on the hour.
_OF_HOUR = ("tags", "barriers", "turns")


@dataclass(frozen=True)
class Place:
    """Where hours are meant: latitude and longitude, degrees, and time zone."""

    lat: float
    lon: float
    zone: ZoneInfo


def place_of(streets: Streets, zone: ZoneInfo) -> Place:
    """Return the middle of the streets, to a tenth of a degree, in a time zone."""
    west, south, east, north = streets.bounds_lonlat
    return Place(round((south + north) / 2, 1), round((west + east) / 2, 1), zone)


@lru_cache(maxsize=4096)
def _hours(text: str, place: Place) -> Any:
    """Return hours as the library has them, None where it does not understand them."""
    from opening_hours import OpeningHours, ParserError  # type: ignore[attr-defined]

    try:
        return OpeningHours(
            text,
            timezone=place.zone,
            coords=(place.lat, place.lon),
            # Looking the country up takes 30 ms, for its public holidays alone.
            auto_country="PH" in text,
        )
    except ParserError:
        return None


def _is_within(text: str, moment: dt.datetime, place: Place) -> bool | None:
    """Whether a moment (local, without zone) lies within hours; None where nobody can tell."""
    if _LARGE.fullmatch(text):
        return False
    parts = _AND.split(text)
    if len(parts) > 1:
        told = [_is_within(part.strip(" ()"), moment, place) for part in parts]
        return False if False in told else (None if None in told else True)
    hours = _hours(text, place)
    if hours is None:
        return None
    state = str(hours.state(moment)[0]).rpartition(".")[2].lower()
    return None if state == "unknown" else state == "open"


def value_at(key: str, text: str, moment: dt.datetime, place: Place) -> str | None:
    """Return the value a tag takes at a moment, None where the plain tag holds.

    Of ``opening_hours``: ``no`` outside them. What cannot be told does not hold.
    """
    if key == OPENING_HOURS:
        return "no" if _is_within(text, moment, place) is False else None
    found = None
    told = clauses(text)
    for value, condition in told:
        if _is_within(condition, moment, place):
            found = value
    if found is None and told and all(value in _YES for value, _ in told):
        # Open at some hours is closed at the others, unless the plain tag says otherwise.
        return "" if all(_is_within(c, moment, place) is False for _, c in told) else None
    return found


def state_at(streets: Streets, moment: dt.datetime, place: Place) -> State:
    """Return the value of each row of ``streets.conditions`` at a moment, see `value_at`."""
    pairs = _conditions(streets)[1]
    known = {pair: value_at(*pair, moment, place) for pair in set(pairs)}
    return tuple(known[pair] for pair in pairs)


def _conditions(streets: Streets) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the kind of each row of ``streets.conditions``, and its key and text; read once."""
    known = streets.worked_out.by_hour
    if "conditions" not in known:
        columns = (streets.conditions[name].tolist() for name in ("kind", "key", "text"))
        kinds, keys, texts = columns
        known["conditions"] = kinds, list(zip(keys, texts, strict=True))
    found: tuple[list[str], list[tuple[str, str]]] = known["conditions"]
    return found


def seen_by(streets: Streets, mode: StreetMode) -> Streets:
    """Return streets with no more of their state than what bears on a mode.

    States that differ in what is nothing to the mode are then one.
    """
    if streets.at is None:
        return streets
    base, state = streets.at
    nothing = _NOTHING_TO["bike" if mode == "e_bike" else mode]
    bears = [
        mode == "car" if kind == "turn" else key not in nothing
        for kind, (key, _) in zip(*_conditions(base), strict=True)
    ]
    own = tuple(value if here else None for value, here in zip(state, bears, strict=True))
    return streets if own == state else streets_in(base, own)


def part_of(streets: Streets, kind: Literal["way", "node", "turn"]) -> Streets:
    """Return streets with no more of their state than what is said of ways, nodes or turns.

    There are few such states, and what is worked out of one is kept with it.
    """
    if streets.at is None:
        return streets
    base, state = streets.at
    kinds = _conditions(base)[0]
    own = tuple(value if here == kind else None for value, here in zip(state, kinds, strict=True))
    return streets if own == state else streets_in(base, own)


def streets_in(streets: Streets, state: State) -> Streets:
    """Return the streets with every tag that depends on the hour at a state of `state_at`."""
    if not any(value is not None for value in state):
        return streets
    if state not in streets.states:
        found = object.__new__(StreetsAtHour)
        kept = {f.name: getattr(streets, f.name) for f in fields(streets)}
        own = {"worked_out": WorkedOut(), "states": {}, "at": (streets, state)}
        vars(found).update({name: kept[name] for name in kept if name not in _OF_HOUR} | own)
        streets.states[state] = found
    return streets.states[state]


def by_hour(streets: Streets) -> tuple[np.ndarray, Streets]:
    """Return the pieces of streets at some hour whose tags depend on it, and these alone.

    Returns
    -------
    int64
        Rows of the pieces: all those of each way of which something depends on the hour.
    Streets
        The pieces as they are at the hour, with the nodes and barriers of all streets, and
        what is known of the surroundings of each.
    """
    usual = streets.any_hour
    known = usual.worked_out.by_hour
    if "pieces" not in known:
        rows = pieces_by_hour(usual)
        arrays = {name: getattr(usual, name)[rows] for name in ("edge_u", "edge_v", "length_m")}
        known["pieces"] = rows, replace(usual, tags=usual.tags.iloc[rows], **arrays)
    rows, part = known["pieces"]
    assert isinstance(streets, StreetsAtHour)
    found = replace(part, tags=streets.retagged(part.tags))
    around = list(usual.worked_out.around.items())
    found.worked_out.around.update((key, near[rows]) for key, near in around)
    return rows, found


def pieces_by_hour(streets: Streets) -> np.ndarray:
    """Return the pieces of each way of which something depends on the hour, rows, int64."""
    usual = streets.any_hour
    known = usual.worked_out.by_hour
    if "rows" not in known:
        ways = usual.conditions.loc[usual.conditions["kind"].eq("way"), "osm_id"]
        known["rows"] = np.flatnonzero(np.isin(usual.tags["osm_id"].to_numpy(), ways))
    return np.asarray(known["rows"])


def staying(streets: Streets) -> Streets:
    """Return streets that no hour changes any more."""
    found = copy(streets)
    vars(found)["conditions"] = streets.conditions.iloc[:0]
    return found


def forget_tables(streets: Streets) -> None:
    """Forget the tables of every state, put together again when they are next read."""
    for one in list(streets.states.values()):
        for name in (*_OF_HOUR, "_changes"):
            vars(one).pop(name, None)


class StreetsAtHour(Streets):
    """Streets in a state, whose tables are put together when they are first read.

    What is found in the cache again needs none of them.
    """

    @cached_property
    def _changes(self) -> pd.DataFrame:
        assert self.at is not None
        value = pd.Series(list(self.at[1]), dtype="object")
        table = self._plain.conditions.assign(value=value)
        return table[table["value"].notna()]

    @cached_property
    def tags(self) -> pd.DataFrame:
        """Tags at the hour."""
        return self.retagged(self._plain.tags)

    def retagged(self, tags: pd.DataFrame) -> pd.DataFrame:
        """Return tags of some pieces as they are at the hour."""
        table = self._changes
        return _retagged(tags, "osm_id", table[table["kind"].eq("way")])

    @cached_property
    def barriers(self) -> pd.DataFrame:
        """Barriers at the hour."""
        table = self._changes
        return _retagged(self._plain.barriers, "node_id", table[table["kind"].eq("node")])

    @cached_property
    def turns(self) -> pd.DataFrame:
        """Turn restrictions in force at the hour."""
        table = self._changes[self._changes["kind"].eq("turn")]
        values = dict(zip(table["osm_id"], table["value"], strict=True))
        return rules_in_force(self._plain.turns, values)

    @property
    def _plain(self) -> Streets:
        assert self.at is not None
        return self.at[0]


def _retagged(tags: pd.DataFrame, of: str, table: pd.DataFrame) -> pd.DataFrame:
    """Return tags with the values of a table put in; "" closes what has no plain tag."""
    ids = tags[of].to_numpy()
    changed: dict[str, pd.Series] = {}
    for key, rows in table.groupby("key", sort=True):
        if key == OPENING_HOURS:
            continue
        values = dict(zip(rows["osm_id"].tolist(), rows["value"], strict=True))
        at = np.flatnonzero(np.isin(ids, list(values)))
        column = tags[str(key)] if key in tags else pd.Series(None, tags.index, dtype="str")
        column = column.copy()
        plain = column.iloc[at].fillna("dismount" if key == "bicycle" else "no")
        told = [values[i] or text for i, text in zip(ids[at].tolist(), plain, strict=True)]
        column.iloc[at] = told
        changed[str(key)] = column
    shut = np.flatnonzero(np.isin(ids, table.loc[table["key"].eq(OPENING_HOURS), "osm_id"]))
    for key in ACCESS if len(shut) else ():
        if key in tags:
            changed[key] = changed.get(key, tags[key]).copy()
            changed[key].iloc[shut] = "no"
    return tags.assign(**changed)


def rules_in_force(turns: pd.DataFrame, values: Mapping[int, str]) -> pd.DataFrame:
    """Return turn restrictions where those of some ids take a value, ``none`` lifting them."""
    if not values:
        return turns
    kind = turns["osm_id"].map({ref: kind_of(value) for ref, value in values.items()})
    found = kind.notna() & turns["left_out"].isin(["", CONDITIONAL])
    left_out = turns["left_out"].mask(found, np.where(kind.eq(""), CONDITIONAL, ""))
    return turns.assign(
        kind=turns["kind"].mask(found & kind.ne(""), kind).astype("str"),
        left_out=left_out.astype("str"),
    )


def hours_findings(streets: Streets) -> list[Finding]:
    """Return how much depends on the hour, and what of it nobody could tell."""
    table = streets.conditions
    if table.empty:
        return []
    place, noon = (
        place_of(streets, ZoneInfo("UTC")),
        dt.datetime.combine(dt.date(2026, 6, 1), dt.time(12)),
    )
    texts: dict[tuple[str, str], list[str]] = {}
    for key, text in set(zip(table["key"], table["text"], strict=True)):
        parts = [text] if key == OPENING_HOURS else [c for _, c in clauses(text)] or [text]
        untold = [p for p in parts if _is_within(p, noon, place) is None or "SH" in p.split()]
        if untold:
            texts[key, text] = untold
    pairs = list(zip(table["key"], table["text"], strict=True))
    odd = np.array([pair in texts for pair in pairs])
    found = [
        Finding(
            "info",
            "by_the_hour",
            "{count} streets, gates and turn restrictions are open or closed by the hour; each "
            "way to work takes them as they are when the gate is reached or left.",
            count=int(len(table) - odd.sum()),
        )
    ]
    if odd.any():
        # A limit for wet roads closes nothing.
        shut = odd & table["key"].ne("maxspeed").to_numpy(dtype=bool)
        found.append(
            Finding(
                "warning" if shut.any() else "info",
                "hours_unknown",
                "{count} streets, gates and turn restrictions depend on something that is not "
                "known here (the weather, school holidays, hours written otherwise than in "
                "OpenStreetMap's way): they are taken as if it did not hold.",
                count=int(odd.sum()),
                examples=tuple(sorted({text for parts in texts.values() for text in parts})[:5]),
            )
        )
    return found
