"""One study kept open: what a change of it means for what the map shows, at once.

Each answer is that of `assess` and `white_zones` on the study with the changes made, asked for
the shift and the kind of day that are shown only; `mobility run` on the saved scenario gives
the same figures for all of them.
"""

from __future__ import annotations

import gc
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mobility.base.errors import MobilityError
from mobility.commute.access import SERVED, Access, assess, roster_shifts
from mobility.commute.changes import with_timetable_changes
from mobility.commute.indicators import round_persons
from mobility.commute.loading import ReadSources, read_sources
from mobility.commute.on_demand_rides import on_demand_services
from mobility.commute.study import Held, Progress, Study, quiet
from mobility.commute.variants import variant
from mobility.commute.white_zones import Hours, WhiteZones, white_zones
from mobility.outputs.map.figures import Counter, Rows, directions
from mobility.outputs.map.from_results import map_model
from mobility.outputs.map.model import MapModel, Scenario, minutes
from mobility.outputs.map.pack import along_curve
from mobility.remedies.bill import Bill
from mobility.remedies.scenario import ScenarioPrices, booked_on, booked_trips
from mobility.streets.hours import forget_tables
from mobility.studio.answers import Answer, Pair, Shown, UInt8
from mobility.studio.untouched import HoursBeside, Spans
from mobility.territory.changes import Changes, changed_sites, on_base
from mobility.territory.project import Territory
from mobility.territory.toml_text import read_toml
from mobility.timetable.arrays import INF

if TYPE_CHECKING:
    from mobility.shuttles.edit import Asked

#: Limits that bind when a question is asked, not when a study is built.
ASKED = (
    "max_transfers", "max_wait_min", "margin_in_min", "margin_out_min", "max_bike_min",
    "white_site_share",
)  # fmt: skip
#: Studies of other settings kept, and bytes of answers.
MOST_STUDIES, MOST_BYTES = 3, 64_000_000
MINUTES = ("outbound_min", "return_min", "overtime_min")


class Live:
    """A study with everything that answers changes of it.

    Parameters
    ----------
    territory
        The study's own territory.
    progress
        Called with the name of each step of the loading.
    """

    def __init__(self, territory: Territory, *, progress: Progress = quiet) -> None:
        #: As its file says it.
        self.data: dict[str, Any] = (
            read_toml(territory.path) if territory.path else territory.model_dump()
        )
        #: As its file says it; what is read may be localised.
        self._own = territory
        self.sources: ReadSources = read_sources(territory, progress=progress)
        self.study: Study = self.sources.study(self.sources.territory, progress=progress)
        self.study.views.held = {}
        self.access: Access = assess(self.study, progress=progress)
        self._hours: dict[str, Hours] = {"": Hours()}
        #: Best hours of the study as it is, without those that a changed trip meets.
        self._rest: dict[object, NDArray[np.bool_]] = {}
        self.zones: WhiteZones = white_zones(self.access, known=self._hours[""], progress=progress)
        self._studies: OrderedDict[str, Study] = OrderedDict()
        self._pairs: OrderedDict[tuple[object, ...], Pair] = OrderedDict()
        self._drawing: tuple[tuple[str, str], Asked] | None = None
        self._lock = RLock()
        forget_tables(self.sources.streets)

    @cached_property
    def model(self) -> MapModel:
        """What the map page shows of the study as it is, but journeys."""
        return map_model(self.access, self.zones, journeys=False)

    @cached_property
    def _order(self) -> NDArray[np.intp]:
        return along_curve(self.model.homes.lon, self.model.homes.lat)

    @cached_property
    def _area(self) -> tuple[NDArray[np.int64], int]:
        names = sorted(set(self.model.homes.commune))
        index = {name: i for i, name in enumerate(names)}
        return np.array([index[c] for c in self.model.homes.commune]), len(names)

    @cached_property
    def _prices(self) -> ScenarioPrices:
        return ScenarioPrices(self.study)

    @cached_property
    def _booked_now(self) -> float:
        return booked_trips(self.access)

    def drawing(self, territory: Territory) -> Asked:
        """Return what lines are drawn for: whom a scenario leaves out, at its hours."""
        from mobility.shuttles.edit import Asked  # its solver takes memory that few ask for

        key = (self._key(territory), str(territory.changes.shifts))
        with self._lock:
            if self._drawing is None or self._drawing[0] != key:
                study = self.changed(territory)
                access = self.access if study is self.study else assess(study)
                zones = self.zones if study is self.study else white_zones(access)
                self._drawing = key, Asked.of(access, zones)
            return self._drawing[1]

    def bill(self, territory: Territory) -> Bill:
        """Return what the changes of a scenario cost a year."""
        with self._lock:
            return self._prices.bill(territory, self._trips_booked(territory))

    def _trips_booked(self, territory: Territory) -> float:
        """Return the trips a year that the on-demand zones of a scenario carry beside the own."""
        if territory.on_demand == self._own.on_demand:
            return 0.0
        study = self.changed(territory)
        days = {day.kind: day for day in study.days}
        shifts = range(len(study.shift_rows))
        pairs = [(s, kind) for s in shifts for kind in days if study.works_on(s, days[kind])]
        found = self._answers(study, self._key(territory), pairs)
        return sum(pair.booked for pair in found.values()) - self._booked_now

    def territory(self, draft: Mapping[str, Any]) -> Territory:
        """Return the territory with what a draft says in place of its own.

        Raises
        ------
        MobilityError
            A value cannot be; the error names its field.
        """
        path = self.sources.territory.path
        return Territory.from_dict(on_base(dict(draft), self.data), path)

    def changed(self, territory: Territory) -> Study:
        """Return the study of a scenario's territory.

        Raises
        ------
        MobilityError
            A change cannot be.
        """
        with self._lock:
            study = self._settled(territory)
        sites = changed_sites(self.sources.sites, territory.changes.shifts, territory.path)
        if sites == study.sites:
            return study
        found = variant(study, lambda one: replace(one, sites=sites))
        # An edge holds for the same homes whichever shift it is of.
        found.views.held = study.views.held
        return found

    def _settled(self, territory: Territory) -> Study:
        """Return the study under the settings and trips of a scenario, hours of shifts as they are.

        What is told of trips names their place in the scenario.
        """
        key = self._key(territory)
        if not key:
            return self.study
        if key in self._studies:
            self._studies.move_to_end(key)
            return self._studies[key]
        plain = territory.model_copy(
            update={"changes": territory.changes.model_copy(update={"shifts": []})}
        )
        if self._built_alike(plain):
            found = with_timetable_changes(self._booked(plain))
        else:
            found = self.sources.study(plain)
            forget_tables(self.sources.streets)
        found.views.held = self._untouched(plain, key)
        self._studies[key] = found
        if len(self._studies) > MOST_STUDIES:
            gone = next(iter(self._studies))
            del self._studies[gone]
            self._hours.pop(gone, None)
            # A study and its views hold each other: nothing else would take them away soon.
            gc.collect()
        return found

    def _untouched(self, territory: Territory, key: str) -> Held:
        """Return what is known of a scenario that changes trips alone; nothing of others."""
        trips, known = territory.changes.trips, self.study.views.held
        alone = territory.model_copy(update={"changes": Changes()})
        others = territory.changes != Changes(trips=trips) or self._key(alone)
        if not trips or known is None or others:
            return {}
        spans = Spans(self.study, trips)
        if len(self._rest) * self.study.n_homes > MOST_BYTES:
            self._rest.clear()
        self._hours[key] = HoursBeside(self.study, spans, self._rest)
        return {
            asked: held
            for asked, held in list(known.items())
            if not any(spans.meets(asked[1], edge, asked[3]) for edge in asked[2])
        }

    def _booked(self, territory: Territory) -> Study:
        """Return the study under other limits and changes, and with other on-demand zones."""
        own = self.study.territory
        asked = {name: getattr(territory.modes, name) for name in ("cycling_counts", "evaluated")}
        kept = own.model_copy(
            update={
                "limits": territory.limits,
                "modes": own.modes.model_copy(update=asked),
                "changes": territory.changes,
                "on_demand": territory.on_demand,
            }
        )
        one, booked = self.study, self.study.on_demand
        if (kept.on_demand, kept.modes.evaluated) != (own.on_demand, own.modes.evaluated):
            booked = on_demand_services(kept, one.streets, one.feed, one.sites, one.homes, [], [])
        return variant(one, lambda view: replace(view, territory=kept, on_demand=booked))

    def _key(self, territory: Territory) -> str:
        """Return what tells the settings and trips of a scenario from the study's; "" if none."""
        mine, own = (self._told(t) for t in (territory, self._own))
        return "" if mine == own else mine

    @staticmethod
    def _told(territory: Territory) -> str:
        return territory.model_dump_json(
            exclude={
                "name": True, "output": True, "sites": True, "carpool": True,
                "changes": {"shifts"},
            }
        )  # fmt: skip

    def _built_alike(self, territory: Territory) -> bool:
        """Whether nothing differs but trips, zones and what binds when a question is asked."""

        def told(one: Territory) -> str:
            limits = one.limits.model_copy(
                update={name: getattr(self._own.limits, name) for name in ASKED}
            )
            plain = [mode for mode in one.modes.evaluated if mode != "on_demand"]
            asked = {"cycling_counts": False, "evaluated": plain}
            modes = one.modes.model_copy(update=asked)
            bare = one.model_copy(update={"limits": limits, "modes": modes, "on_demand": []})
            return bare.model_dump_json(exclude={"name", "output", "sites", "carpool", "changes"})

        booked = any(one.how == "on_demand" for one in territory.changes.lines)
        return not booked and told(territory) == told(self._own)

    def answer(self, territory: Territory, shown: Shown) -> Answer:
        """Return what the map shows of a scenario.

        Raises
        ------
        MobilityError
            A change cannot be.
        """
        if not self._is_there(shown):
            raise MobilityError("There is no such shift.", value=shown.pick)
        with self._lock:
            study = self.changed(territory)
            pairs = self._asked(study, shown)
            scenario = self._filled(study, self._key(territory), pairs)
        return self._told_of(scenario, shown)

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

    def _asked(self, study: Study, shown: Shown) -> list[tuple[int, str]]:
        """Return the shifts and kinds of day that what is shown rests on."""
        if shown.pick[0] == "s":
            shifts, kinds = [shown.index], [study.days[shown.day].kind]
        else:
            shifts = list(roster_shifts(study).values())[shown.index]
            kinds = [day.kind for day in study.days]
        days = {day.kind: day for day in study.days}
        return [(s, k) for s in shifts for k in kinds if study.works_on(s, days[k])]

    def _filled(self, study: Study, key: str, pairs: Iterable[tuple[int, str]]) -> Scenario:
        """Return a scenario of which the rows of some pairs are known, and no others."""
        model, found = self.model, self._answers(study, key, list(pairs))
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
            status[zone], reason[zone] = pair.status, pair.reason
            roster = model.shifts[shift].roster
            weight = study.days_per_year(shift, days[kind])
            weights[roster] = weights.get(roster, 0.0) + weight
            sums[roster] = sums.get(roster, 0.0) + weight * pair.holds
        for roster, total in sums.items():
            share[roster] = np.floor(total / weights[roster] * 100 + 1e-9)
        return Scenario("", out, back, status, reason, over, share)

    def _answers(
        self, study: Study, key: str, pairs: list[tuple[int, str]]
    ) -> dict[tuple[int, str], Pair]:
        """Return the answers of some pairs, computed where they are not kept."""
        rows = study.shift_rows
        names = {(s, k): (key, s, rows[s].start_s, rows[s].end_s, k) for s, k in pairs}
        missing = [pair for pair in pairs if names[pair] not in self._pairs]
        own = self.study.shift_rows
        for shift, kind in missing if not key else ():
            if (rows[shift].start_s, rows[shift].end_s) == (own[shift].start_s, own[shift].end_s):
                self._pairs[names[shift, kind]] = self._pair(self.access, self.zones, shift, kind)
        missing = [pair for pair in missing if names[pair] not in self._pairs]
        if missing:
            access = assess(study, only=missing)
            zones = white_zones(access, known=self._hours.setdefault(key, Hours()))
            for pair in missing:
                self._pairs[names[pair]] = self._pair(access, zones, *pair)
        found = {pair: self._pairs[names[pair]] for pair in pairs}
        for pair in pairs:
            self._pairs.move_to_end(names[pair])
        one = next(iter(found.values()), None)
        most = max(len(found), MOST_BYTES // one.nbytes) if one else 0
        while len(self._pairs) > most:
            self._pairs.popitem(last=False)
        held = study.views.held
        if held is not None and len(held) * study.n_homes > MOST_BYTES:
            held.clear()
        return found

    def _pair(self, access: Access, zones: WhiteZones, shift: int, kind: str) -> Pair:
        """Return the answers of one shift and kind of day, for the modes of the map."""
        rows = [access.row(shift, kind, mode) for mode in self.model.modes]
        assert None not in rows
        at = np.array(rows, np.intp)
        zone = zones.row(shift, kind)
        out, back, over = (
            minutes(seconds[at], unreached=INF)
            for seconds in (access.outbound_s, access.return_s, access.overtime_s)
        )
        status, reason = (np.asarray(a[zone], np.uint8) for a in (zones.status, zones.reason))
        booked = booked_on(access, shift, kind)
        return Pair(out, back, over, status, reason, access.holds[at], booked)

    def _told_of(self, scenario: Scenario, shown: Shown) -> Answer:
        """Return figures and arrays, as the page keeps them for every scenario."""
        model = self.model
        rows, first = Rows(model, scenario), Rows(model, model.scenarios[0])
        row, zone = self._rows(shown)
        if row is None or zone is None:
            return Answer({"row": None, "zone_row": None}, {})
        roster = rows.roster_of_zone(zone)
        there, home, late = (_minutes(rows, row, kind) for kind in MINUTES)
        was = [_minutes(first, row, kind) for kind in MINUTES[:2]]
        status, reason, before = rows.status(zone), rows.reason(zone), first.status(zone)
        counter = Counter(model, *self._area)
        counter.add_mode(directions(there, home), roster)
        pool = model.homes.pool(roster)
        main = rows.main_reason(zone, pool)
        counter.add_zone(status, reason, roster, main)
        counter.add_change(directions(was[0], was[1]) == 0, directions(there, home) == 0, roster)
        zones = status | (reason << 2)
        arrays = {"out": there, "back": home, "over": late, "zone": zones}
        if shown.pick[0] == "r" and scenario.share is not None:
            arrays["share"] = scenario.share[roster, shown.mode]
        figures = {
            "row": row,
            "zone_row": zone,
            "mode": counter.modes[0],
            "zone": counter.zones[0],
            "gain": counter.gains[0],
            "served": [int(round_persons(pool @ (s == SERVED))) for s in (status, before)],
            "area_mode": np.ravel(counter.area_modes[0]).tolist(),
            "area_zone": np.ravel(counter.area_zones[0]).tolist(),
        }
        return Answer(figures, {k: np.ascontiguousarray(v[self._order]) for k, v in arrays.items()})

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


def _minutes(rows: Rows, row: int, kind: str) -> UInt8:
    found = rows.minutes(row, kind)
    assert found is not None
    return found


__all__ = ["Live"]
