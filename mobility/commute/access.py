"""Commute accessibility: outbound and return, for every site, shift, kind of day and mode."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mobility.base.arrays import Bool, Float, Int8, Int32
from mobility.base.cache import Bundle
from mobility.base.errors import TerritoryError
from mobility.base.literal import one_line
from mobility.base.machine import thread_count
from mobility.commute.asked_together import Rides, in_turn
from mobility.commute.door_to_door import OVERTIME_MAX_S, both_ways, overtime, transit_seconds
from mobility.commute.modes import counting, evaluated
from mobility.commute.study import Progress, Study, engine_limits, quiet
from mobility.commute.variants import after_dark, open_at
from mobility.sources.days import ChosenDay
from mobility.timetable.arrays import INF

if TYPE_CHECKING:
    import geopandas as gpd

SERVED, OUTBOUND_ONLY, RETURN_ONLY, NEITHER = 0, 1, 2, 3
STATUSES = ("served", "outbound_only", "return_only", "neither")

#: Shift, kind of day and mode; site, start, end, name of the kind of day and mode.
Key = tuple[int, ChosenDay, str]
Question = tuple[int, int, int, str, str]
#: What is computed of each combination.
TYPES: dict[str, type[np.generic]] = {
    "outbound_s": np.int32,
    "return_s": np.int32,
    "overtime_s": np.int16,
}


@dataclass(frozen=True)
class Access:
    """Times of every home for every combination.

    Attributes
    ----------
    keys
        One row per combination: ``shift_id``, ``day_kind``, ``mode``.
    outbound_s, return_s : int32[K, H]
        Seconds; ``INF`` where the direction does not hold within the limits.
    overtime_s : int16[K, H]
        Transit only: overtime after which the return still holds, by steps of 15 min up to
        3 h; -1 where the return does not hold at all.
    """

    study: Study
    keys: pd.DataFrame
    outbound_s: Int32
    return_s: Int32
    overtime_s: NDArray[np.int16]

    def __repr__(self) -> str:
        combinations, homes = self.outbound_s.shape
        return (
            f"Access of {self.study.territory.name}: {combinations:,} combinations of shift, day "
            f"and mode, {homes:,} homes"
        )

    @cached_property
    def holds_out(self) -> Bool:
        """Whether the outbound direction holds, bool (K, H)."""
        return self.outbound_s < INF

    @cached_property
    def holds_back(self) -> Bool:
        """Whether the return direction holds, bool (K, H)."""
        return self.return_s < INF

    @cached_property
    def holds(self) -> Bool:
        """Whether the commute holds, bool (K, H)."""
        return self.holds_out & self.holds_back

    def row(self, shift_id: int, day_kind: str, mode: str) -> int | None:
        """Return the row of a combination, or None when it was not computed."""
        return self._rows.get((shift_id, day_kind, mode))

    @cached_property
    def _rows(self) -> dict[tuple[int, str, str], int]:
        columns = [self.keys[name].tolist() for name in ("shift_id", "day_kind", "mode")]
        return {key: k for k, key in enumerate(zip(*columns, strict=True))}

    def counted(self, shift_id: int, day_kind: str) -> tuple[Bool, Bool, Bool]:
        """Return (outbound, return, commute) held by a mode that rescues from a white zone.

        The commute holds when one mode holds both ways.
        """
        asked = [(shift_id, day_kind, mode) for mode in counting_modes(self.study)]
        rows = [self._rows[key] for key in asked if key in self._rows]
        return tuple(  # type: ignore[return-value]
            np.asarray(held[rows].any(axis=0))
            for held in (self.holds_out, self.holds_back, self.holds)
        )

    @cached_property
    def rosters(self) -> RosterAccess:
        """The worst-of rule over the shifts of each roster."""
        return rosters(self)

    def to_gdf(self, rows: slice = slice(None)) -> gpd.GeoDataFrame:
        """Return the place of each home, EPSG:4326, and what holds there of each roster's cycle.

        Parameters
        ----------
        rows
            Which of the homes, in their order; all by default.

        Returns
        -------
        GeoDataFrame
            Columns ``home_id``, ``commune``, ``workers`` and groups of workers; per roster, named
            by site and roster, ``<name> | share`` (of the working days that hold by a counting
            mode) and ``<name> | status`` (on every one of them).
        """
        import geopandas as gpd

        homes = self.study.homes
        columns: dict[str, object] = {
            "home_id": homes.ids[rows],
            "commune": homes.frame["commune"].to_numpy()[rows],
        }
        for name in ("workers", *homes.groups):
            columns[one_line(name)] = homes.frame[name].to_numpy(np.float64).round(3)[rows]
        found = self.rosters
        for r in counted_rows(found):
            name = " | ".join(one_line(str(n)) for n in found.keys.loc[r, ["site_name", "roster"]])
            columns[f"{name} | share"] = found.share[r, rows].round(3)
            status = found.status(r, rows)
            columns[f"{name} | status"] = pd.array(STATUSES, dtype="str").take(status)
        return gpd.GeoDataFrame(columns, geometry=homes.shapes.to_numpy()[rows], crs="EPSG:4326")

    @cached_property
    def _home_ids(self) -> pd.Categorical:
        ids = np.asarray(self.study.homes.ids)
        return pd.Categorical(ids, categories=pd.unique(ids))

    def to_frame(self, rows: slice = slice(None)) -> pd.DataFrame:
        """Return the long table: a row per combination and home, minutes, <NA> where none.

        Parameters
        ----------
        rows
            Which of its rows; all by default, which take some gigabytes of a large territory.
        """
        study = self.study
        n_keys, n_homes = self.outbound_s.shape
        flat = slice(*rows.indices(n_keys * n_homes)[:2])
        key, home = np.divmod(np.arange(flat.start, flat.stop), max(n_homes, 1))
        shift = study.shifts.loc[self.keys["shift_id"], ["site_name", "roster", "shift"]]
        asked = [*shift.items(), *self.keys[["day_kind", "mode"]].items()]
        columns: dict[str, object] = {
            str(name): pd.Categorical(values.to_numpy()).take(key) for name, values in asked
        }
        columns["home_id"] = self._home_ids.take(home)
        columns["outbound_min"] = minutes(self.outbound_s.ravel()[flat])
        columns["return_min"] = minutes(self.return_s.ravel()[flat])
        columns["holds"] = self.holds.ravel()[flat]
        return pd.DataFrame(columns)


def minutes(seconds: Int32) -> pd.arrays.FloatingArray:
    """Return seconds as minutes to a tenth, <NA> where there are none."""
    told = np.round(seconds / 60, 1).astype(np.float32)
    return pd.arrays.FloatingArray(told, mask=seconds >= INF)


def counting_modes(study: Study) -> list[str]:
    """Return the modes that rescue a home from being white, see `modes.ModeRow.counts`."""
    return [*counting(study.territory)]


def check_worked(study: Study) -> None:
    """Check that some shift works on some of the dates studied.

    Raises
    ------
    TerritoryError
        None does: whatever is asked of the study, its answer would be empty.
    """
    shifts = range(len(study.shift_rows))
    if not any(study.works_on(shift_id, day) for shift_id in shifts for day in study.days):
        raise _idle(study)


def _idle(study: Study) -> TerritoryError:
    return TerritoryError(
        "No shift works on any of the dates studied.",
        file=study.territory.path,
        column="days",
        mend="Add kinds of day, or a date within the rosters' period to days.extra.",
    )


def assess(
    study: Study,
    *,
    only: Collection[tuple[int, str]] | None = None,
    on_streets: Access | None = None,
    progress: Progress = quiet,
) -> Access:
    """Compute the commute accessibility of every site, shift, kind of day and mode.

    Parameters
    ----------
    study
        See `mobility.load`.
    only
        Shifts, by their ids, and kinds of day that are asked for; all by default.
    on_streets
        What was found of a study that differs in public transport at most: its ways on streets
        alone stand.
    progress
        Called with the name of each step.

    Returns
    -------
    Access
        Rows sorted by shift, day kind and mode, whatever the number of threads.
    """
    keys = [
        (shift_id, day, mode)
        for shift_id in range(len(study.shift_rows))
        for day in study.days
        if study.works_on(shift_id, day) and (only is None or (shift_id, day.kind) in only)
        for mode in study.territory.modes.evaluated
    ]
    if not study.territory.modes.evaluated:
        raise TerritoryError(
            "No mode is studied.",
            file=study.territory.path,
            column="modes.evaluated",
            mend='Name one at least, e.g. evaluated = ["transit", "walk"].',
        )
    if not keys:
        raise _idle(study)
    progress("commutes")
    # By site and kind of day: what is found of each is kept, and asked for, by itself.
    asked: dict[tuple[int, str], dict[Question, Key]] = {}
    rows: dict[Question, list[int]] = {}
    stand: dict[int, int] = {}
    streets = () if on_streets is None else evaluated(study.territory, "street")
    assert on_streets is None or on_streets.study.shift_rows == study.shift_rows
    for row, key in enumerate(keys):
        if on_streets is not None and key[2] in streets:
            known = on_streets.row(key[0], key[1].kind, key[2])
            if known is not None:
                stand[row] = known
                continue
        question = _question(study, *key)
        asked.setdefault((question[0], key[1].kind), {}).setdefault(question, key)
        rows.setdefault(question, []).append(row)
    shape = len(keys), study.n_homes
    found = {name: np.empty(shape, kind) for name, kind in TYPES.items()}
    for name, array in found.items() if stand else ():
        array[list(stand)] = getattr(on_streets, name)[list(stand.values())]
    with ThreadPoolExecutor(max_workers=thread_count()) as pool:
        groups = [*asked.items()]
        rides = [_rides(study, site, mine) for (site, _), mine in groups]
        for group in in_turn(study, rides, engine_limits(study.territory.limits), pool):
            (site, _), mine = groups[group]
            bundle = _answers_of(study, site, mine, pool)
            for k, question in enumerate(mine):
                for name, array in found.items():
                    array[rows[question]] = np.asarray(bundle[name])[k]
    return Access(
        study=study,
        keys=pd.DataFrame(
            {
                "shift_id": [shift_id for shift_id, _, _ in keys],
                "day_kind": [day.kind for _, day, _ in keys],
                "mode": [mode for _, _, mode in keys],
            }
        ),
        **found,
    )


def _rides(study: Study, site: int, asked: Mapping[Question, Key]) -> Rides:
    """Return which rides some questions about one site and kind of day ask for."""
    keys = [*asked.values()]
    edges = [study.edges(shift_id, day) for shift_id, day, mode in keys if mode == "transit"]
    return Rides(site, keys[0][1], edges, bool(edges) and study.is_kept(_key(study, site, asked)))


def _key(study: Study, site: int, asked: Mapping[Question, Key]) -> list[object]:
    return ["access", *site_key(study, site, asked.values())]


def _answers_of(
    study: Study, site: int, asked: Mapping[Question, Key], pool: ThreadPoolExecutor
) -> Bundle:
    """Return the answers to some questions about one site, an array of each kind of `TYPES`."""

    def compute() -> Bundle:
        # Computed once, before threads ask for it: unless others answer.
        for shift_id, day, _ in asked.values() if study.views.stand_in is None else ():
            for edge in study.edges(shift_id, day):
                here = open_at(study, day, edge)
                if study.territory.limits.safe_at_night:
                    after_dark(here).egress_s  # noqa: B018
        found = {name: np.empty((len(asked), study.n_homes), kind) for name, kind in TYPES.items()}
        # Ways on streets alone are measured already: threads would take longer to begin.
        on_streets = evaluated(study.territory, "street")
        searched = sum(mode not in on_streets for _, _, mode in asked.values())
        each = pool.map if searched > 1 else map
        answers = each(lambda key: _answer(study, *key), asked.values())
        for k, answer in enumerate(answers):
            for array, values in zip(found.values(), answer, strict=True):
                array[k] = values
        return found

    return study.kept(_key(study, site, asked), compute)


def site_key(study: Study, site: int, asked: Iterable[tuple[int, ChosenDay, str]]) -> list[object]:
    """Return what the commutes of one site, asked of shifts, days and modes, follow from."""
    place = study.sites[site]
    rows = [
        (study.edges(shift_id, day), study.shift_rows[shift_id], day.kind, mode)
        for shift_id, day, mode in asked
    ]
    questions = [
        (out.at_s, out.margin_s, back.at_s, back.margin_s, (*row.days, str(row.period)), kind, mode)
        for (out, back), row, kind, mode in rows
    ]
    return [np.array(place.gates, np.float64), *questions]


def _question(study: Study, shift_id: int, day: ChosenDay, mode: str) -> Question:
    """Two shifts of one site with the same hours ask the same question."""
    row = study.shift_rows[shift_id]
    return row.site, row.start_s, row.end_s, day.kind, mode


def _answer(study: Study, shift_id: int, day: ChosenDay, mode: str) -> tuple[Int32, Int32, Int32]:
    """Return the seconds of both ways, and of overtime, of every home; see `TYPES`."""
    limits = engine_limits(study.territory.limits)
    if mode == "transit":
        site, edges = study.shift_rows[shift_id].site, study.edges(shift_id, day)
        out_s, back_s = (transit_seconds(study, site, day, edge, limits) for edge in edges)
        return out_s, back_s, overtime(study, site, day, edges[1], limits, back_s)
    onward, homeward = both_ways(study, shift_id, day, mode, limits)
    late_s = np.where(homeward.elapsed_s < INF, OVERTIME_MAX_S, -1)
    return onward.elapsed_s, homeward.elapsed_s, late_s


@dataclass(frozen=True)
class RosterAccess:
    """The worst-of rule over the shifts of each roster.

    Attributes
    ----------
    keys
        One row per roster: ``site``, ``site_name``, ``roster``, ``mode`` (``counted`` is the
        best counting mode of each shift).
    holds, out_always, back_always : bool[R, H]
        Whether the commute, its outbound and its return hold on every shift and kind of day.
    share : float64[R, H]
        Share of the cycle's working days on which the commute holds.
    """

    keys: pd.DataFrame
    holds: Bool
    out_always: Bool
    back_always: Bool
    share: Float

    def status(self, row: int, homes: slice = slice(None)) -> Int8:
        """Return what holds of one roster on every working day, int8[H], an index of `STATUSES`."""
        one_way = np.where(
            self.out_always[row, homes],
            OUTBOUND_ONLY,
            np.where(self.back_always[row, homes], RETURN_ONLY, NEITHER),
        )
        return np.where(self.holds[row, homes], SERVED, one_way).astype(np.int8)


def roster_shifts(study: Study) -> dict[tuple[int, str], list[int]]:
    """Return the shifts of each roster, by (site, roster name)."""
    found: dict[tuple[int, str], list[int]] = {}
    for row in study.shift_rows:
        found.setdefault((row.site, row.roster), []).append(row.shift_id)
    return found


def rosters(access: Access) -> RosterAccess:
    """Apply the worst-of rule: one shift that fails makes the roster fail."""
    study = access.study
    days = {day.kind: day for day in study.days}
    rows, holds, outs, backs, shares = [], [], [], [], []
    modes: list[str] = ["counted", *study.territory.modes.evaluated]
    for (site, roster), shift_ids in roster_shifts(study).items():
        worked = [
            (shift_id, day.kind)
            for shift_id in shift_ids
            for day in study.days
            if study.works_on(shift_id, day)
        ]
        weight = np.array([study.days_per_year(s, days[k]) for s, k in worked])
        for mode in modes:
            found = [_held(access, s, k, mode) for s, k in worked]
            if not worked:  # on none of the days studied: nothing is known to hold
                found, weight = [(np.zeros(study.n_homes, bool),) * 3], np.ones(1)
            held = np.array([f[2] for f in found])
            rows.append((site, study.sites[site].name, roster, mode))
            holds.append(held.all(axis=0))
            outs.append(np.all([f[0] for f in found], axis=0))
            backs.append(np.all([f[1] for f in found], axis=0))
            shares.append(weight @ held / weight.sum())
    return RosterAccess(
        pd.DataFrame(rows, columns=["site", "site_name", "roster", "mode"]),
        np.array(holds, bool),
        np.array(outs, bool),
        np.array(backs, bool),
        np.array(shares),
    )


def counted_rows(found: RosterAccess) -> list[int]:
    """Return the rows of the best counting mode, one per roster, in the order of rosters."""
    return [int(r) for r in np.flatnonzero(found.keys["mode"] == "counted")]


def _held(access: Access, shift_id: int, day_kind: str, mode: str) -> tuple[Bool, Bool, Bool]:
    if mode == "counted":
        return access.counted(shift_id, day_kind)
    row = access.row(shift_id, day_kind, mode)
    if row is None:
        none = np.zeros(access.study.n_homes, bool)
        return none, none, none
    return access.holds_out[row], access.holds_back[row], access.holds[row]
