"""One study kept open: what a change of it means for what the map shows, at once.

Each answer is that of `assess` and `white_zones` on the study with the changes made, asked for
the shift and the kind of day that are shown only; `mobility run` on the saved scenario gives
the same figures for all of them. `TripSpans` says at which hours changed trips may matter: all
others keep the answers of the study without them.
"""

from __future__ import annotations

import gc
from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from mobility.base.arrays import Bool, Int64
from mobility.base.machine import give_back_memory
from mobility.commute.access import Access, assess
from mobility.commute.any_hour import Hours
from mobility.commute.changes import with_timetable_changes
from mobility.commute.loading import ReadSources, read_sources
from mobility.commute.on_demand_rides import on_demand_services
from mobility.commute.study import Held, Progress, Study, quiet
from mobility.commute.untouched import HoursBeside, Spans, run_spans
from mobility.commute.variants import variant
from mobility.commute.white_zones import WhiteZones, white_zones
from mobility.outputs.map.from_results import map_model
from mobility.outputs.map.model import MapModel
from mobility.remedies.bill import Bill
from mobility.remedies.scenario import ScenarioPrices, booked_on, booked_trips
from mobility.sources.sites import changed_sites
from mobility.streets.hour_times import forget_hours
from mobility.studio.asking import Answer, Asking, Part, Shown
from mobility.territory.changes import Changes, ShiftChange, TripChange, on_base
from mobility.territory.project import Territory
from mobility.territory.validation import read_toml

if TYPE_CHECKING:
    from mobility.shuttles.edit import Asked

#: Limits that bind when a question is asked, not when a study is built.
_ASKED = (
    "max_transfers",
    "max_wait_min",
    "margin_in_min",
    "margin_out_min",
    "max_bike_min",
    "white_site_share",
)
#: Studies of other settings kept, and bytes of answers.
_MOST_STUDIES, _MOST_BYTES = 3, 64_000_000
#: A trip is taken to run anywhere within so many seconds of its times, more if it moves further:
#: so all positions of a slider leave the same hours untouched.
_AROUND_S = 3600


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
        self._rest: dict[object, Bool] = {}
        self.zones: WhiteZones = white_zones(self.access, known=self._hours[""], progress=progress)
        self._studies: OrderedDict[str, Study] = OrderedDict()
        #: What was asked for last: settings read, a study with moved shifts, a scenario's key.
        self._settings: tuple[dict[str, Any], Territory] | None = None
        self._moved: tuple[str, list[ShiftChange], Study] | None = None
        self._keyed: tuple[Territory, str] | None = None
        self._spans: tuple[Hashable, TripSpans] | None = None
        self._drawing: tuple[tuple[str, str], Asked] | None = None
        self._lock = RLock()

    def rest(self) -> None:
        """Free what is soon made again: answers, scenarios tried, mirrors, streets at an hour."""
        with self._lock:
            self._moved = self._keyed = self._spans = self._drawing = None
            for key in self._studies:
                self._hours.pop(key, None)
            for kept in (self._studies, self._rest):
                kept.clear()
            self.asking.forget()
            for two_way in self.study.timetables.values():
                two_way.forget_mirror()
            forget_hours(self.sources.streets)
        gc.unfreeze()
        give_back_memory()
        gc.freeze()  # later collections do not look at what is kept, and take milliseconds

    @cached_property
    def model(self) -> MapModel:
        """What the map page shows of the study as it is, but journeys."""
        return map_model(self.access, self.zones, journeys=False)

    @cached_property
    def asking(self) -> Asking:
        """What answers of a shift and a kind of day."""
        return Asking(self.model, self.access, self.zones, self._hours, booked_on)

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
        found = self.asking.pairs(study, self._key(territory), pairs)
        return sum(pair.booked for pair in found.values()) - self._booked_now

    def territory(self, draft: Mapping[str, Any]) -> Territory:
        """Return the territory with what a draft says in place of its own.

        Raises `MobilityError`: a value cannot be; the error names its field.
        """
        path = self.sources.territory.path
        settings = {name: value for name, value in draft.items() if name != "changes"}
        if self._settings is None or self._settings[0] != settings:
            self._settings = settings, Territory.from_dict(on_base(settings, self.data), path)
        try:
            asked = on_base(draft.get("changes", {}), self.data.get("changes", {}))
            changes = Changes.model_validate(asked)
        except ValidationError:  # told of the whole, by its place in it
            return Territory.from_dict(on_base(dict(draft), self.data), path)
        return self._settings[1].model_copy(update={"changes": changes})

    def changed(self, territory: Territory) -> Study:
        """Return the study of a scenario's territory.

        Raises `MobilityError`: a change cannot be.
        """
        key, shifts = self._key(territory), territory.changes.shifts
        with self._lock:
            study = self._settled(territory)
            if self._moved is not None and self._moved[:2] == (key, shifts):
                return self._moved[2]
        sites = changed_sites(self.sources.sites, shifts, territory.path)
        if sites == study.sites:
            return study
        found = variant(study, lambda one: replace(one, sites=sites))
        # An edge holds for the same homes whichever shift it is of.
        found.views.held = study.views.held
        self._moved = key, shifts, found
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
            forget_hours(self.sources.streets)
        found.views.held = self._untouched(plain, key)
        self._studies[key] = found
        if len(self._studies) > _MOST_STUDIES:
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
        spans_key = TripSpans.key(trips)
        if self._spans is None or self._spans[0] != spans_key:
            self._spans = spans_key, TripSpans(self.study, trips)
        spans = self._spans[1]
        if len(self._rest) * self.study.n_homes > _MOST_BYTES:
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
        if self._keyed is None or self._keyed[0] is not territory:
            mine = self._told(territory)
            self._keyed = territory, "" if mine == self._own_told else mine
        return self._keyed[1]

    @cached_property
    def _own_told(self) -> str:
        return self._told(self._own)

    @staticmethod
    def _told(territory: Territory) -> str:
        return territory.model_dump_json(
            exclude={
                "name": True,
                "output": True,
                "sites": True,
                "carpool": True,
                "changes": {"shifts"},
            }
        )

    def _built_alike(self, territory: Territory) -> bool:
        """Whether nothing differs but trips, zones and what binds when a question is asked."""

        def told(one: Territory) -> str:
            limits = one.limits.model_copy(
                update={name: getattr(self._own.limits, name) for name in _ASKED}
            )
            plain = [mode for mode in one.modes.evaluated if mode != "on_demand"]
            asked = {"cycling_counts": False, "evaluated": plain}
            modes = one.modes.model_copy(update=asked)
            bare = one.model_copy(update={"limits": limits, "modes": modes, "on_demand": []})
            return bare.model_dump_json(exclude={"name", "output", "sites", "carpool", "changes"})

        booked = any(one.how == "on_demand" for one in territory.changes.lines)
        return not booked and told(territory) == told(self._own)

    def answer(self, territory: Territory, shown: Shown, part: Part = "all") -> Answer:
        """Return what the map shows of a scenario, or a part of it.

        Raises `MobilityError`: a change cannot be.
        """
        with self._lock:
            return self.asking.answer(self.changed(territory), self._key(territory), shown, part)


class TripSpans(Spans):
    """When the runs of changed trips are on the way, before the change or after it.

    Parameters
    ----------
    study
        The study without the changes.
    changes
        Its trips moved, added or taken out.
    """

    def __init__(self, study: Study, changes: Sequence[TripChange]) -> None:
        names = study.feed.trips["trip_id"].astype(str)
        trips = [(np.flatnonzero(names.isin(c.trips)), _around_s(c)) for c in changes]

        def find(kind: str) -> Int64:
            tt, found = study.timetables[kind].timetable, [np.zeros((0, 2), np.int64)]
            for mine, around in trips:
                calls = np.flatnonzero(np.isin(tt.call_trip, mine))
                runs = np.unique(np.searchsorted(tt.run_ptr, calls, side="right") - 1)
                found.append(run_spans(tt, runs) + np.array([-around, around], np.int64))
            return np.concatenate(found)

        super().__init__(find)

    @staticmethod
    def key(changes: Sequence[TripChange]) -> Hashable:
        """Return what tells changes whose runs are on the way at other times."""
        return tuple((tuple(c.trips), _around_s(c)) for c in changes)


def _around_s(change: TripChange) -> int:
    return max(_AROUND_S, 60 * abs(change.minutes))
