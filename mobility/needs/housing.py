"""The inverse map: from which places a job, or two, can be held without a car.

The engine is anchored at the workplace: one scan for each site, edge of a shift and kind of day
answers every place by a look-up, inhabited or not. A place that is a home has the same answer
as the home.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from mobility.base.arrays import Bool, Float, Int32
from mobility.base.errors import Finding, TerritoryError
from mobility.commute.access import check_worked, counting_modes, roster_shifts
from mobility.commute.door_to_door import both_ways
from mobility.commute.study import Progress, Study, engine_limits, quiet
from mobility.commute.variants import with_homes
from mobility.needs.places import lattice, sparse_ground, with_points
from mobility.sources.days import ChosenDay
from mobility.timetable.arrays import INF

#: Places so near a stop, as the crow flies, count as served by it.
_NEAR_STOP_M = 300.0


@dataclass(frozen=True)
class Housing:
    """What can be held from each place.

    Attributes
    ----------
    study
        Its homes are the places: those of the lattice, then the points given by hand.
    ground
        What land they are on.
    jobs
        Each must be held by somebody of the household.
    shift_s : int32[S, P]
        By a counting mode, the longer of the two directions on the worst kind of day, seconds,
        per shift; ``INF`` where the shift does not hold on one of them.
    holds, share : bool[R, P], float64[R, P]
        Per roster: whether it holds; share of the cycle's working days that do.
    residences
        Of each point given by hand, a row per shift and kind of day.
    findings
        What is to be known of the land.
    """

    study: Study
    ground: str
    jobs: tuple[Job, ...]
    shift_s: Int32
    holds: Bool
    share: Float
    residences: pd.DataFrame
    findings: tuple[Finding, ...] = ()

    @property
    def n_lattice(self) -> int:
        """Number of places that were not given by hand."""
        ids = self.study.homes.frame["home_id"]
        return int((~ids.str.startswith("@")).sum())

    def job_holds(self) -> Bool:
        """Return whether each job can be held, by any of its rosters, bool[J, P]."""
        return np.array([self.holds[list(job.rosters)].any(axis=0) for job in self.jobs])

    def places(self) -> gpd.GeoDataFrame:
        """Return the lattice, EPSG:4326: jobs held, whether all, and each roster."""
        study, n = self.study, self.n_lattice
        held = self.job_holds()[:, :n]
        columns: dict[str, object] = {
            "place_id": study.homes.ids[:n],
            "commune": study.homes.frame["commune"].to_numpy()[:n],
            "jobs_held": held.sum(axis=0),
            "all_held": held.all(axis=0),
        }
        for r, (site, roster) in enumerate(roster_shifts(study)):
            name = f"{study.sites[site].name} | {roster}"
            columns[name] = self.holds[r, :n]
            columns[f"{name} | share"] = self.share[r, :n].round(3)
        shapes = study.homes.shapes.iloc[:n].to_numpy()
        return gpd.GeoDataFrame(columns, geometry=shapes, crs="EPSG:4326")

    def points(self) -> gpd.GeoDataFrame:
        """Return the residences given by hand, EPSG:4326, and whether each roster holds there."""
        frame, n = self.study.homes.frame.iloc[self.n_lattice :], self.n_lattice
        columns: dict[str, object] = {"residence": frame["name"].to_list()}
        for r, (site, roster) in enumerate(roster_shifts(self.study)):
            columns[f"{self.study.sites[site].name} | {roster}"] = self.holds[r, n:]
        return gpd.GeoDataFrame(columns, geometry=frame.geometry.to_numpy(), crs="EPSG:4326")

    def communes(self) -> pd.DataFrame:
        """Return the communes, best first: see `_ranked`."""
        names = self.study.homes.frame["commune"].to_numpy(object)[: self.n_lattice]
        groups: dict[tuple[str, ...], NDArray[np.intp]] = {
            (str(name),): np.flatnonzero(names == name) for name in np.unique(names) if name
        }
        return self._ranked(groups, ["commune"])

    def stops(self) -> pd.DataFrame:
        """Return the stops with places within `_NEAR_STOP_M`, best first: see `_ranked`."""
        study, n = self.study, self.n_lattice
        stops = study.feed.stops
        own = ((stops["location_type"] == 0) & (stops["copy_of"] < 0)).to_numpy()
        own = own & np.isfinite(study.feed.lonlat()).all(axis=1)
        lonlat = study.feed.lonlat()[own]
        if not len(lonlat) or not n:
            return self._ranked({}, ["stop", "commune"])
        project = study.streets.project
        tree = cKDTree(project(*study.homes.lonlat[:n].T))
        near = tree.query_ball_point(project(*lonlat.T), _NEAR_STOP_M)
        communes = study.homes.frame["commune"].to_numpy(object)
        groups: dict[tuple[str, ...], list[int]] = {}
        for name, found in zip(stops["stop_name"].to_numpy(object)[own], near, strict=True):
            if found:
                groups.setdefault((str(name), str(communes[found[0]])), []).extend(found)
        return self._ranked(
            {key: np.unique(found) for key, found in groups.items()}, ["stop", "commune"]
        )

    def _ranked(
        self, groups: dict[tuple[str, ...], NDArray[np.intp]], names: list[str]
    ) -> pd.DataFrame:
        """Return one row a group of places, best first.

        Share of its places from which every job is held, mean number of jobs held, and for each
        shift the median minutes of the longer direction where it holds.
        """
        held, rows = self.job_holds(), []
        titles = [f"{row.site_name} · {row.roster} · {row.shift}" for row in self.study.shift_rows]
        for key, places in groups.items():
            mine = self.shift_s[:, places].astype(float)
            mine[mine >= INF] = np.nan
            medians = [np.nanmedian(m) / 60 if np.isfinite(m).any() else np.nan for m in mine]
            rows.append((
                *key, len(places), held[:, places].all(axis=0).mean(),
                held[:, places].sum(axis=0).mean(), *np.round(medians, 1),
            ))  # fmt: skip
        fixed = [*names, "places", "all_held", "jobs_held"]
        frame = pd.DataFrame(rows, columns=[*fixed, *titles])
        order = ["all_held", "jobs_held", "places", *names]
        frame = frame.sort_values(order, ascending=[False] * 3 + [True] * len(names))
        frame[["all_held", "jobs_held"]] = frame[["all_held", "jobs_held"]].astype(float).round(3)
        frame = frame.reset_index(drop=True)
        frame.insert(0, "rank", np.arange(1, len(frame) + 1))
        return frame


def housing(
    study: Study, jobs: Sequence[Job], *, cell_m: float = 200.0, ground: str | None = None,
    points: Sequence[tuple[str, float, float]] = (), progress: Progress = quiet,
) -> Housing:  # fmt: skip
    """Return from which places the jobs can be held without a car.

    Parameters
    ----------
    cell_m, ground
        See `mobility.needs.places.lattice`.
    points
        Candidate residences: name, longitude, latitude.

    Raises
    ------
    TerritoryError
        There is no such land, a point is off the streets, or nobody works on the dates studied.
    """
    check_worked(study)
    progress("places")
    found, kind = lattice(study, cell_m=cell_m, ground=ground)
    places = with_points(study, found, points)
    progress("commutes")
    answer = answered(with_homes(without_car(study), places), kind, jobs)
    return replace(answer, findings=sparse_ground(study, found, kind, cell_m))


def without_car(study: Study) -> Study:
    """Return the study with the modes only that rescue from a white zone."""
    modes = study.territory.modes.model_copy(update={"evaluated": counting_modes(study)})
    territory = study.territory.model_copy(update={"modes": modes})
    wanted = {"walk", *modes.evaluated}
    times = dict(study.street_times)
    for mode in times.keys() - wanted:
        del times[mode]
    return replace(study, territory=territory, street_times=times)


class _Answers:
    """What each shift on each kind of day asks of every place, asked once."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.limits = engine_limits(study.territory.limits)
        self.by_hand = np.flatnonzero(study.homes.frame["home_id"].str.startswith("@"))
        self._known: dict[tuple[int, int, int, str], tuple[Int32, list[Way]]] = {}

    def of(self, shift_id: int, day: ChosenDay) -> tuple[Int32, list[Way]]:
        """Return the longer direction of each place, and of the points by hand both and the mode.

        Of several modes, the one whose longer direction is shortest.
        """
        row = self.study.shift_rows[shift_id]
        # Rosters share shifts: the same hours at one site are one question.
        key = (row.site, row.start_s, row.end_s, day.kind)
        if key not in self._known:
            best_s = np.full(self.study.n_homes, INF, np.int32)
            ways = [Way(INF, INF, "")] * self.by_hand.size
            for mode in self.study.territory.modes.evaluated:
                onward, homeward = both_ways(self.study, shift_id, day, mode, self.limits)
                both_s = np.maximum(onward.elapsed_s, homeward.elapsed_s)
                for k, p in enumerate(self.by_hand):
                    way = Way(int(onward.elapsed_s[p]), int(homeward.elapsed_s[p]), mode)
                    ways[k] = min(ways[k], way, key=lambda w: (max(w.out_s, w.back_s), w.out_s))
                best_s = np.minimum(best_s, both_s)
            self._known[key] = best_s, ways
        return self._known[key]


@dataclass(frozen=True)
class Way:
    """Both directions of one place and the mode, ``INF`` where one does not hold."""

    out_s: int
    back_s: int
    mode: str


def answered(study: Study, ground: str, jobs: Sequence[Job]) -> Housing:
    """Return what can be held from each home of a study."""
    answers, nowhere = _Answers(study), np.full(study.n_homes, INF, np.int32)
    shift_s = np.full((len(study.shift_rows), study.n_homes), INF, np.int32)
    holds, shares, rows = [], [], []
    for shift_ids in roster_shifts(study).values():
        worked = [(s, d) for s in shift_ids for d in study.days if study.works_on(s, d)]
        found = [answers.of(s, d)[0] for s, d in worked] or [nowhere]
        weight = np.array([study.days_per_year(s, d) for s, d in worked] or [1.0])
        held = np.array(found) < INF
        holds.append(held.all(axis=0))
        shares.append(weight @ held / weight.sum())
        for shift in shift_ids:
            mine = [f for f, (s, _) in zip(found, worked, strict=False) if s == shift]
            shift_s[shift] = np.max(mine or [nowhere], axis=0)
        rows += [
            (k, *_row(study, p, s, day, answers.of(s, day)[1][k]))
            for s, day in worked
            for k, p in enumerate(answers.by_hand.tolist())
        ]
    names = ["k", "residence", "site", "roster", "shift", "day_kind", "holds", "outbound_min",
             "return_min", "mode"]  # fmt: skip
    residences = pd.DataFrame(rows, columns=names).sort_values("k", kind="stable").drop(columns="k")
    residences = residences.reset_index(drop=True)
    return Housing(
        study, ground, tuple(jobs), shift_s, np.array(holds), np.array(shares), residences
    )


def _row(study: Study, place: int, shift_id: int, day: ChosenDay, way: Way) -> tuple[object, ...]:
    row = study.shift_rows[shift_id]
    out, back = (round(s / 60, 1) if s < INF else np.nan for s in (way.out_s, way.back_s))
    holds = max(way.out_s, way.back_s) < INF
    name = study.homes.frame["name"].iloc[place]
    mode = way.mode if min(way.out_s, way.back_s) < INF else ""
    return name, row.site_name, row.roster, row.shift, day.kind, holds, out, back, mode


@dataclass(frozen=True)
class Job:
    """A site and those of its rosters any of which will do.

    Attributes
    ----------
    name
        As it was asked for.
    rosters
        Places in the order of `roster_shifts`.
    """

    name: str
    rosters: tuple[int, ...]


def jobs_of(study: Study, texts: Sequence[str]) -> list[Job]:
    """Return the jobs that texts name: ``Site`` or ``Site/roster``; without any, every roster.

    Raises
    ------
    TerritoryError
        There is no such site, or the site has no such roster.
    """
    known = [(study.sites[site].name, roster) for site, roster in roster_shifts(study)]
    if not texts:
        return [Job(f"{site}/{roster}", (k,)) for k, (site, roster) in enumerate(known)]
    found = []
    for text in texts:
        mine = [k for k, (site, roster) in enumerate(known) if text in (site, f"{site}/{roster}")]
        if not mine:
            names = dict.fromkeys([site for site, _ in known] + ["/".join(row) for row in known])
            raise TerritoryError(
                "There is no such site, or no such roster of it.",
                column="--job",
                value=text,
                mend="Write one of: {known}.",
                known=", ".join(names),
            )
        found.append(Job(text, tuple(mine)))
    return found
