"""The answers of an opened study: of a shift on a kind of day, computed once, told as the map asks.

Times come first: who can go and come back by each mode. Why others cannot takes as long again, and
is asked for apart.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from mobility.base.arrays import Bool, Int64
from mobility.base.errors import MobilityError
from mobility.commute.access import SERVED, Access, assess, roster_shifts
from mobility.commute.any_hour import Hours
from mobility.commute.indicators import round_persons
from mobility.commute.study import Study
from mobility.commute.white_zones import WhiteZones, status_of, white_zones
from mobility.outputs.map.figures import Counter, Rows, directions
from mobility.outputs.map.model import MapModel, Scenario, minutes
from mobility.outputs.map.pack import along_curve
from mobility.timetable.arrays import INF

UInt8 = NDArray[np.uint8]
#: What is told: who can go and come back and what it costs, why others cannot, or both.
Part = Literal["times", "zones", "all"]
#: Bytes of answers kept.
_MOST_BYTES = 64_000_000
_MINUTES = ("outbound_min", "return_min", "overtime_min")
#: A shift and a kind of day, and what tells it in some scenario.
Key = tuple[int, str]
Name = tuple[object, ...]
Kept = TypeVar("Kept", "Pair", UInt8)


@dataclass(frozen=True)
class Shown:
    """What the map shows: a shift (``"s2"``) or a whole roster (``"r0"``), a day, a mode."""

    pick: str
    day: int
    mode: int

    @property
    def index(self) -> int:
        """Which shift, or which roster."""
        return int(self.pick[1:])


@dataclass(frozen=True)
class Pair:
    """Times of one shift on one kind of day, in the units of the map.

    Attributes
    ----------
    out, back, over : uint8[M, H]
        Minutes by mode, see `outputs.map.model.Scenario`.
    status : uint8[H]
        Index into `STATUSES`.
    holds : bool[M, H]
        Whether the commute holds.
    booked
        On-demand trips a year, see `remedies.scenario.booked_on`.
    """

    out: UInt8
    back: UInt8
    over: UInt8
    status: UInt8
    holds: Bool
    booked: float

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(array.nbytes for name, array in vars(self).items() if name != "booked")


@dataclass(frozen=True)
class Answer:
    """What the map shows of a changed study: figures, and arrays in the order of its page."""

    figures: dict[str, Any]
    arrays: dict[str, UInt8]

    def packed(self, **told: Any) -> bytes:
        """Return it as bytes: the length of a JSON text, the text, then every array."""
        head = told | self.figures | {"arrays": [[k, len(v)] for k, v in self.arrays.items()]}
        text = json.dumps(head, separators=(",", ":")).encode()
        parts = [
            len(text).to_bytes(4, "little"),
            text,
            *(v.tobytes() for v in self.arrays.values()),
        ]
        return b"".join(parts)


class Asking:
    """What is known of a study and of the scenarios tried on it.

    Parameters
    ----------
    model
        What the map page shows of the study as it is.
    access, zones
        Of the study as it is.
    hours
        What was found of the best hours of the day, by the settings of a scenario.
    booked_on
        Counts the on-demand trips a year of a shift and a kind of day.
    """

    def __init__(
        self,
        model: MapModel,
        access: Access,
        zones: WhiteZones,
        hours: dict[str, Hours],
        booked_on: Callable[[Access, int, str], float],
    ) -> None:
        self.model = model
        self._access, self._zones, self._hours = access, zones, hours
        self._booked_on = booked_on
        #: Homes in the order of the page.
        self.order = along_curve(model.homes.lon, model.homes.lat)
        self._pairs: OrderedDict[Name, Pair] = OrderedDict()
        self._reasons: OrderedDict[Name, UInt8] = OrderedDict()
        #: What was computed last: its reasons may still be asked for.
        self._waiting: dict[Name, Access] = {}

    @cached_property
    def _area(self) -> tuple[Int64, int]:
        names = sorted(set(self.model.homes.commune))
        index = {name: i for i, name in enumerate(names)}
        return np.array([index[c] for c in self.model.homes.commune]), len(names)

    def answer(self, study: Study, key: str, shown: Shown, part: Part) -> Answer:
        """Return what the map shows of a study, whose settings a key tells.

        Raises `MobilityError`: there is no such shift.
        """
        if not self._is_there(shown):
            raise MobilityError("There is no such shift.", value=shown.pick)
        asked = self._keys_of(study, shown)
        pairs = self.pairs(study, key, asked)
        reasons = None if part == "times" else self.reasons(study, key, asked)
        return self._of_scenario(self._filled(study, pairs, reasons), shown, part)

    def forget(self) -> None:
        """Free every answer kept."""
        for kept in (self._pairs, self._reasons, self._waiting):
            kept.clear()

    def _is_there(self, shown: Shown) -> bool:
        """Whether the page has such a shift, or roster, day and mode."""
        known = {"s": len(self.model.shifts), "r": len(self.model.rosters)}
        index = shown.pick[1:]
        return (
            index.isdecimal()
            and int(index) < known.get(shown.pick[0], 0)
            and 0 <= shown.day < len(self.model.days)
            and 0 <= shown.mode < len(self.model.modes)
        )

    def _keys_of(self, study: Study, shown: Shown) -> list[Key]:
        """Return the shifts and kinds of day that what is shown rests on."""
        if shown.pick[0] == "s":
            shifts, kinds = [shown.index], [study.days[shown.day].kind]
        else:
            shifts = list(roster_shifts(study).values())[shown.index]
            kinds = [day.kind for day in study.days]
        days = {day.kind: day for day in study.days}
        return [(s, k) for s in shifts for k in kinds if study.works_on(s, days[k])]

    def pairs(self, study: Study, key: str, asked: Iterable[Key]) -> dict[Key, Pair]:
        """Return the times of some shifts and kinds of day, computed where they are not kept."""
        names = self._names(study, key, asked)
        missing = [pair for pair, name in names.items() if name not in self._pairs]
        for shift, kind in missing:
            if self._is_own(study, key, shift):
                self._pairs[names[shift, kind]] = self._pair(self._access, shift, kind)
        missing = [pair for pair in missing if names[pair] not in self._pairs]
        if missing:
            access = assess(study, only=missing)
            for pair in missing:
                self._pairs[names[pair]] = self._pair(access, *pair)
            self._waiting = dict.fromkeys((names[pair] for pair in missing), access)
        return _taken(self._pairs, names)

    def _names(self, study: Study, key: str, asked: Iterable[Key]) -> dict[Key, Name]:
        rows = study.shift_rows
        return {(s, k): (key, s, rows[s].start_s, rows[s].end_s, k) for s, k in asked}

    def _is_own(self, study: Study, key: str, shift: int) -> bool:
        """Whether a shift of a scenario is as it is in the study itself."""
        now, own = study.shift_rows[shift], self._access.study.shift_rows[shift]
        return not key and (now.start_s, now.end_s) == (own.start_s, own.end_s)

    def reasons(self, study: Study, key: str, asked: Iterable[Key]) -> dict[Key, UInt8]:
        """Return why homes fail on some shifts and kinds of day, computed where it is not kept."""
        names = self._names(study, key, asked)
        missing = [pair for pair, name in names.items() if name not in self._reasons]
        own = [pair for pair in missing if self._is_own(study, key, pair[0])]
        self._know(names, self._zones, own)
        missing = [pair for pair in missing if pair not in own]
        if any(names[pair] not in self._waiting for pair in missing):
            access = assess(study, only=missing)
            self._waiting |= {names[pair]: access for pair in missing}
        # Hours found for one pair serve the others of the same answer: each answer is asked once.
        by_access: dict[int, list[Key]] = {}
        for pair in missing:
            by_access.setdefault(id(self._waiting[names[pair]]), []).append(pair)
        for mine in by_access.values():
            access = self._waiting[names[mine[0]]]
            known = self._hours.setdefault(key, Hours())
            self._know(names, white_zones(access, known=known), mine)
        return _taken(self._reasons, names)

    def _know(self, names: Mapping[Key, Name], zones: WhiteZones, asked: Iterable[Key]) -> None:
        """Keep the reasons of some shifts and kinds of day."""
        for pair in asked:
            self._reasons[names[pair]] = np.asarray(zones.reason[zones.row(*pair)], np.uint8)

    def _pair(self, access: Access, shift: int, kind: str) -> Pair:
        """Return the times of one shift and kind of day, for the modes of the map."""
        rows = [access.row(shift, kind, mode) for mode in self.model.modes]
        assert None not in rows
        at = np.array(rows, np.intp)
        out, back, over = (
            minutes(seconds[at], unreached=INF)
            for seconds in (access.outbound_s, access.return_s, access.overtime_s)
        )
        status = np.asarray(status_of(access, shift, kind), np.uint8)
        return Pair(out, back, over, status, access.holds[at], self._booked_on(access, shift, kind))

    def _filled(
        self, study: Study, found: Mapping[Key, Pair], reasons: Mapping[Key, UInt8] | None
    ) -> Scenario:
        """Return a scenario of which the rows of some pairs are known, and no others."""
        model = self.model
        shape = (len(model.key_shift), len(model.homes))
        zones = (len(model.zone_shift), len(model.homes))
        out, back, over = (np.zeros(shape, np.uint8) for _ in range(3))
        status, reason = (np.zeros(zones, np.uint8) for _ in range(2))
        share = np.zeros((len(model.rosters), len(model.modes), len(model.homes)), np.uint8)
        kinds = [day.kind for day in model.days]
        days = {day.kind: day for day in study.days}
        weights: dict[int, float] = {}
        sums: dict[int, Any] = {}
        for (shift, kind), pair in found.items():
            rows = np.flatnonzero((model.key_shift == shift) & (model.key_day == kinds.index(kind)))
            order = model.key_mode[rows]
            out[rows], back[rows], over[rows] = pair.out[order], pair.back[order], pair.over[order]
            zone = (model.zone_shift == shift) & (model.zone_day == kinds.index(kind))
            status[zone] = pair.status
            if reasons is not None:
                reason[zone] = reasons[shift, kind]
            roster = model.shifts[shift].roster
            weight = study.days_per_year(shift, days[kind])
            weights[roster] = weights.get(roster, 0.0) + weight
            sums[roster] = sums.get(roster, 0.0) + weight * pair.holds
        # Sums of weights may miss a whole per cent by a rounding error.
        for roster, total in sums.items():
            share[roster] = np.floor(total / weights[roster] * 100 + 1e-9)
        return Scenario("", out, back, status, reason, over, share)

    def _of_scenario(self, scenario: Scenario, shown: Shown, part: Part) -> Answer:
        """Return figures and arrays, as the page keeps them for every scenario."""
        model = self.model
        row, zone = self._rows(shown)
        if row is None or zone is None:
            return Answer({"row": None, "zone_row": None}, {})
        figures: dict[str, object] = {"row": row, "zone_row": zone}
        arrays: dict[str, UInt8] = {}
        rows, first = Rows(model, scenario), Rows(model, model.scenarios[0])
        roster = rows.roster_of_zone(zone)
        pool, status = model.homes.pool(roster), rows.status(zone)
        counter = Counter(model, *self._area)
        if part != "zones":
            there, home, late = (_minutes(rows, row, kind) for kind in _MINUTES)
            was = [_minutes(first, row, kind) for kind in _MINUTES[:2]]
            counter.add_mode(directions(there, home), roster)
            counter.add_change(
                directions(was[0], was[1]) == 0, directions(there, home) == 0, roster
            )
            arrays |= {"out": there, "back": home, "over": late}
            if shown.pick[0] == "r" and scenario.share is not None:
                arrays["share"] = scenario.share[roster, shown.mode]
            both = status, first.status(zone)
            figures |= {
                "mode": counter.modes[0],
                "gain": counter.gains[0],
                "served": [int(round_persons(pool @ (one == SERVED))) for one in both],
                "area_mode": np.ravel(counter.area_modes[0]).tolist(),
            }
        if part != "times":
            reason = rows.reason(zone)
            counter.add_zone(status, reason, roster, rows.main_reason(zone, pool))
            arrays["zone"] = np.asarray(status | (reason << 2), np.uint8)
            figures |= {
                "zone": counter.zones[0],
                "area_zone": np.ravel(counter.area_zones[0]).tolist(),
            }
        return Answer(figures, {k: np.ascontiguousarray(v[self.order]) for k, v in arrays.items()})

    def _rows(self, shown: Shown) -> tuple[int | None, int | None]:
        """Return the page's rows of minutes and of statuses; None where there are none."""
        model = self.model
        if shown.pick[0] == "r":
            n_keys, n_zones = len(model.key_shift), len(model.zone_shift)
            return n_keys + shown.index * len(model.modes) + shown.mode, n_zones + shown.index
        key = (model.key_shift == shown.index) & (model.key_day == shown.day)
        rows = np.flatnonzero(key & (model.key_mode == shown.mode))
        zones = np.flatnonzero((model.zone_shift == shown.index) & (model.zone_day == shown.day))
        return (int(rows[0]) if rows.size else None), (int(zones[0]) if zones.size else None)


def _taken(kept: OrderedDict[Name, Kept], names: Mapping[Key, Name]) -> dict[Key, Kept]:
    """Return what is kept of some pairs; past so many bytes, forget what was asked longest ago."""
    found = {pair: kept[name] for pair, name in names.items()}
    for name in names.values():
        kept.move_to_end(name)
    one = next(iter(found.values()), None)
    most = max(len(found), _MOST_BYTES // one.nbytes) if one is not None else 0
    while len(kept) > most:
        kept.popitem(last=False)
    return found


def _minutes(rows: Rows, row: int, kind: str) -> UInt8:
    found = rows.minutes(row, kind)
    assert found is not None
    return found
