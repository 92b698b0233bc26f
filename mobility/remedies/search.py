"""Retiming: small changes of the timetable, tried by the thousand and ranked.

For every lever the engine answers again for each shift edge that it can touch, over all
sites and shifts; the rest of the answers is known to stay. See `window`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from mobility.base.cache import content_hash
from mobility.base.machine import thread_count, trim_memory
from mobility.commute.access import Access
from mobility.commute.study import Progress, Study, engine_limits, quiet
from mobility.engine.journeys import Edge, EngineLimits
from mobility.remedies.candidates import SearchOptions, Unit, candidates
from mobility.remedies.family import Families, families, together
from mobility.remedies.full_runs import FullRuns
from mobility.remedies.gaining_days import on_gaining_days
from mobility.remedies.kept_search import Turning, found_again
from mobility.remedies.model import DayNetwork, EdgeEffect, Effects, Lever, networks
from mobility.remedies.modes import riding_modes
from mobility.remedies.present import Present
from mobility.remedies.score import Score, Scores
from mobility.remedies.stops import NewStop, with_gate_stops, with_new_stops
from mobility.remedies.trial import Repair, Trial, put_in
from mobility.remedies.vehicles import Vehicles
from mobility.remedies.window import Window, windows

Int32 = NDArray[np.int32]

#: A lever that adds no driving still costs the planning of a minute, for the ranking.
_LEAST_MINUTES = 1.0

#: Jobs that two levers must gain beyond the better one to be told as a pair.
LEAST_JOBS = 0.5

#: Trips put into a timetable at once: one call of a kernel does much, and holds little.
MOST_TRIPS = 8000

#: Halves of pairs looked at for each edge of a shift.
_HALVES = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """One lever, tried; or two together.

    Attributes
    ----------
    also
        A lever pulled with it, without which it repairs one direction only.
    departs
        Of a run added: its line, way and time of departure.
    effects
        What it changes, by window; windows that it does not change are left out.
    vehicle_min
        Driving added on one day, minutes.
    conflict_min
        Minutes by which its vehicle would be needed twice at once; 0 where it is free.
    vehicle_rule
        How that is known: ``block``, ``layover``, ``new`` (a run added) or ``none``.
    """

    lever: Lever
    effects: Effects
    score: Score
    vehicle_min: float = 0.0
    conflict_min: float = 0.0
    vehicle_rule: str = "none"
    also: tuple[Lever, ...] = ()
    departs: tuple[int, int] | None = None

    @property
    def levers(self) -> tuple[Lever, ...]:
        """Everything that is pulled."""
        return (self.lever, *self.also)

    @property
    def kind(self) -> str:
        """Kind of the lever, or ``pair``."""
        return "pair" if self.also else self.lever.kind

    @property
    def feasible(self) -> bool:
        """Whether the present vehicles can do it."""
        return self.conflict_min <= 0

    @property
    def worth(self) -> float:
        """Commutes gained, less those lost, per vehicle-minute added."""
        return self.score.net / max(self.vehicle_min, _LEAST_MINUTES)

    @property
    def value(self) -> float:
        """What it is worth per vehicle-minute added: whole rosters first, then commutes."""
        return self.score.value / max(self.vehicle_min, _LEAST_MINUTES)


@dataclass(frozen=True, eq=False)
class Workbench:
    """What evaluations share: the study, its networks, its windows and their scores.

    ``content`` is a hash of all that its results follow from but the sites, see `Study.content`.
    """

    study: Study
    access: Access
    nets: dict[str, DayNetwork]
    windows: tuple[Window, ...]
    new_stops: tuple[NewStop, ...] = ()
    content: str = ""

    @cached_property
    def present(self) -> Present:
        """The commutes as they are."""
        return Present(self.access, self.windows)

    @cached_property
    def scores(self) -> Scores:
        """What levers are worth against them."""
        return Scores(self.present)

    @cached_property
    def full_runs(self) -> FullRuns:
        """Full runs of the study changed."""
        return FullRuns(self.study, self.nets, self.content)

    @cached_property
    def vehicles(self) -> Vehicles:
        """The vehicles of the present timetable."""
        return Vehicles(self.study, self.nets)

    @cached_property
    def by_day(self) -> dict[str, tuple[Window, ...]]:
        """Windows of each kind of day."""
        return {kind: tuple(w for w in self.windows if w.day.kind == kind) for kind in self.nets}

    @cached_property
    def spans(self) -> dict[str, tuple[Int32, Int32]]:
        """First and last second of the windows of each kind of day."""
        found = {}
        for kind, mine in self.by_day.items():
            pairs = np.array([w.span_s for w in mine], np.int32).reshape(-1, 2)
            found[kind] = (pairs[:, 0], pairs[:, 1])
        return found

    def lighten(self) -> None:
        """Free what levers are tried with, which is made again when next asked for."""
        for window in self.windows:
            window.lighten()
        vars(self).pop("vehicles", None)

    def effects(
        self, tried: dict[str, Families], *, keep_times: bool = False, turning: bool = False
    ) -> list[Effects]:
        """Return, for each member of families on the kinds of day, what it changes.

        Parameters
        ----------
        turning
            Only of the members by which someone may begin, or cease, to hold some edge.
        """
        count = max((int(f.first[-1]) for f in tried.values()), default=0)
        found: list[dict[int, EdgeEffect]] = [{} for _ in range(count)]
        trials = [one for kind, several in tried.items() for one in self._trials(kind, several)]
        members = list(range(count))
        if turning:
            members = sorted({at + member for at, trial in trials for member in trial.turning()})
        for at, trial in trials:
            mine = members
            if isinstance(trial, Trial):
                mine = [m - at for m in members if at <= m < at + trial.count]
            for member, effect in trial.effects(mine, keep_times=keep_times).items():
                found[at + member][trial.window.index] = effect
        return list[Effects](found)

    def _trials(self, kind: str, tried: Families) -> Iterator[tuple[int, Trial | Repair]]:
        """Yield what families are tried with on each window of a day, and its first member."""
        near = tried.near(self.nets[kind], *self.spans[kind])
        for window, row in zip(self.by_day[kind], near, strict=True):
            numbers = np.flatnonzero(row)
            if window.is_plain and numbers.size:
                yield 0, Repair(window, tried, numbers)
                continue
            for number in numbers.tolist():
                trial = put_in(window, tried.family(number))
                if trial is not None:
                    yield int(tried.first[number]), trial

    def try_units(
        self, units: Sequence[Unit], *, keep_times: bool = False, turning: bool = False
    ) -> list[list[Effects]]:
        """Return what each lever of some units changes, see `effects`."""
        tried = families(self.nets, units)
        found = iter(self.effects(tried, keep_times=keep_times, turning=turning))
        return [list(islice(found, len(unit))) for unit in units]

    def try_together(self, levers: Sequence[Lever], *, keep_times: bool = False) -> Effects:
        """Return what levers on different trips change when all are pulled."""
        return self.try_sets([levers], keep_times=keep_times)[0]

    def try_sets(
        self, sets: Sequence[Sequence[Lever]], *, keep_times: bool = False
    ) -> list[Effects]:
        """Return what each set of levers on different trips changes when all of it are pulled."""
        found = self.effects(together(self.nets, sets), keep_times=keep_times)
        return found or [{} for _ in sets]


def workbench(access: Access, *, stops: bool = True) -> Workbench:
    """Prepare the evaluation of levers on an assessed study.

    The study gets a stop at every gate, where extensions end, and candidates of new stops;
    its answers stay the same.

    Parameters
    ----------
    stops
        Whether new stops are looked for.
    """
    study, new_stops = with_new_stops(access) if stops else (access.study, ())
    study, content = with_gate_stops(study), access.study.content
    if content:
        places = study.feed.stops[["lon", "lat"]].to_numpy(np.float64)
        content = content_hash(
            [content, places, repr([(one.route, one.legs) for one in new_stops])]
        )
    access = replace(access, study=study)
    _tell_times(access)
    nets = networks(study)
    found = windows(study, nets)
    return Workbench(study, access, nets, found, new_stops, content)


def _tell_times(access: Access) -> None:
    """Have a study know the seconds of its edges by transit, as it was assessed."""
    study, known = access.study, dict[tuple[int, str, Edge, EngineLimits], Int32]()
    limits, days = engine_limits(study.territory.limits), {day.kind: day for day in study.days}
    for k, (shift_id, kind, mode) in enumerate(access.keys.itertuples(index=False, name=None)):
        if mode == "transit":
            site, edges = study.shift_rows[shift_id].site, study.edges(shift_id, days[kind])
            for edge, times in zip(edges, (access.outbound_s, access.return_s), strict=True):
                known[site, kind, edge, limits] = times[k]
    study.views.elapsed_s = known


@dataclass(frozen=True, eq=False)
class Retiming:
    """The levers that change something, best first.

    Attributes
    ----------
    bench
        What they were tried on.
    outcomes
        Levers that gain or lose someone a direction, best first.
    tried
        Number of levers tried.
    """

    bench: Workbench
    outcomes: tuple[Outcome, ...]
    tried: int

    @cached_property
    def pairs(self) -> tuple[Outcome, ...]:
        """Two levers, on the edges of one shift, that gain more jobs together than either."""
        return tuple(_pairs(self.bench, [o for o in self.outcomes if o.feasible]))

    @property
    def useful(self) -> tuple[Outcome, ...]:
        """Levers that gain more jobs, or more commutes, than they lose."""
        return tuple(o for o in self.outcomes if o.score.jobs > 0 or o.score.net > 0)


def search(
    access: Access,
    *,
    options: SearchOptions | None = None,
    bench: Workbench | None = None,
    progress: Progress = quiet,
) -> Retiming:
    """Try every lever near the shift edges of a study and rank those that change something.

    Returns
    -------
    Retiming
        Levers the present vehicles can do come first, by whole rosters gained less those lost
        per vehicle-minute added, then commutes, then the smaller change. The order does not
        depend on the number of threads.
    """
    progress("levers")
    bench = workbench(access) if bench is None else bench
    options = options or SearchOptions()
    units = candidates(bench.study, bench.nets, bench.windows, options, bench.new_stops)
    levers = [lever for unit in units for lever in unit]
    found = found_again(bench, options, len(levers), partial(_turning, bench, units))
    pulled = on_gaining_days(bench, [(levers[number], effects) for number, effects in found])
    scores = bench.scores.score_all([effects for _, effects in pulled])
    outcomes = [
        _with_vehicles(bench.vehicles, Outcome(lever, effects, score))
        for (lever, effects), score in zip(pulled, scores, strict=True)
        if score.net or score.directions_lost or _gains_direction(effects)
    ]
    outcomes.sort(key=rank_of)
    tried = len(levers)
    del units, levers, found, pulled, scores
    trim_memory()
    return Retiming(bench, tuple(outcomes), tried)


def _turning(bench: Workbench, units: Sequence[Unit]) -> Turning:
    """Return which levers, by their place among all of the units, change what for whom."""
    _warm(bench)
    with ThreadPoolExecutor(max_workers=thread_count()) as pool:
        parts = pool.map(lambda several: _tried(bench, several), _batches(units))
        return [pair for part in parts for pair in part]


def _warm(bench: Workbench) -> None:
    """Compute what threads share before they start."""
    for window in bench.windows:
        _ = window.workers, window.holds
        if window.is_plain:
            _ = window.labelled, window.bounds
            continue
        _ = window.is_used, window.walked_s, window.keys, window.egress_s
        if window.readers:
            _ = window.base_read
    now = bench.present
    _ = now.served, now.other_holds, now.pools, now.weight, now.keys_of, bench.spans
    for network in bench.nets.values():
        _ = network.pieces, network.is_single, network.runs, network.start_s, network.end_s


def _batches(units: Sequence[Unit]) -> Iterator[tuple[int, list[Unit]]]:
    """Yield units, in their order, that together put about `MOST_TRIPS` trips in.

    Beside them stands the place of their first lever.
    """
    batch, trips, first, last = list[Unit](), 0, 0, 0
    for unit in units:
        batch.append(unit)
        last += len(unit)
        trips += sum(len(lever.trips) for lever in unit)
        if trips >= MOST_TRIPS:
            yield first, batch
            batch, trips, first = [], 0, last
    if batch:
        yield first, batch


def _tried(bench: Workbench, batch: tuple[int, Sequence[Unit]]) -> Turning:
    first, units = batch
    tried = bench.try_units(units, turning=True)
    each = (effects for unit in tried for effects in unit)
    return [(number, effects) for number, effects in enumerate(each, first) if effects]


def _gains_direction(effects: Effects) -> bool:
    return any(e.gained.size or e.lost.size for e in effects.values())


def _with_vehicles(vehicles: Vehicles, outcome: Outcome) -> Outcome:
    lever = outcome.lever
    conflict_min, rule = vehicles.conflict(lever)
    return replace(
        outcome,
        departs=vehicles.departs(lever) if lever.kind == "add_run" else None,
        vehicle_min=vehicles.added_minutes(lever),
        conflict_min=conflict_min,
        vehicle_rule=rule,
    )


def rank_of(outcome: Outcome) -> tuple[object, ...]:
    """Return what sorts outcomes, best first."""
    lever = outcome.lever
    return (
        outcome.score.net <= 0 and outcome.score.jobs <= 0,
        not outcome.feasible,
        -round(outcome.value, 9),
        -round(outcome.score.saved_h, 6),
        abs(lever.shift_s),
        len(lever.trips),
        lever.kind,
        lever.trips,
        lever.shift_s,
        lever.stop,
    )


def _pairs(bench: Workbench, outcomes: Sequence[Outcome]) -> Iterator[Outcome]:
    """Yield pairs of levers, one for each edge of a shift, evaluated together."""
    now = bench.present
    halves: dict[int, list[tuple[float, int]]] = {}
    for k, outcome in enumerate(outcomes):
        for window, effect in outcome.effects.items():
            pool = now.pools[now.keys_of[window][0]]
            gain = float(pool[effect.gained].sum() - pool[effect.lost].sum())
            if gain > 0:
                halves.setdefault(window, []).append((-gain, k))
    best = {w: [k for _, k in sorted(mine)[:_HALVES]] for w, mine in halves.items()}
    wanted: dict[tuple[int, int], None] = {}
    for out, back in now.keys[["out", "back"]].itertuples(index=False, name=None):
        for i in best.get(out, []):
            for j in best.get(back, []):
                if not set(outcomes[i].lever.trips) & set(outcomes[j].lever.trips):
                    wanted[min(i, j), max(i, j)] = None
    pairs = [(outcomes[i], outcomes[j]) for i, j in wanted]
    each = bench.try_sets([(one.lever, two.lever) for one, two in pairs]) if pairs else []
    scores = bench.scores.score_all(each)
    for (one, two), effects, score in zip(pairs, each, scores, strict=True):
        if score.jobs >= max(one.score.jobs, two.score.jobs, 0.0) + LEAST_JOBS:
            minutes = one.vehicle_min + two.vehicle_min
            yield replace(one, effects=effects, score=score, vehicle_min=minutes, also=(two.lever,))


def access_after(bench: Workbench, effects: Effects) -> Access:
    """Return the assessment with a lever pulled, from effects that kept their times.

    Outbound and return seconds are those of a full new run, for every mode that rides the
    timetable; rides, walking and overtime stay those of the present.
    """
    access, now = bench.access, bench.present
    out, back = access.outbound_s.copy(), access.return_s.copy()
    modes = riding_modes(bench.study, counting=False)
    keys = now.keys[["shift_id", "day_kind", "out", "back"]]
    for key, (shift_id, kind, *ends) in enumerate(keys.itertuples(index=False)):
        row = access.row(int(shift_id), str(kind), "transit")
        for table, window in zip((out, back), ends, strict=True):
            effect = effects.get(int(window))
            if effect is not None and row is not None:
                table[row, effect.homes] = effect.elapsed_s
        for mode in modes:
            row = access.row(int(shift_id), str(kind), mode)
            if row is not None:
                out[row], back[row] = now.riding(key, mode, effects)
    return replace(access, outbound_s=out, return_s=back)
