"""One unit of an atlas: a territory computed, or the reason why it could not be.

A unit may be computed any number of times, by any worker: the same files give the same bytes, and
what a kill leaves behind is never taken for whole. Errors are returned, not raised: a file that is
wrong is wrong on every worker, and no cluster should try it again.

Its commutes are written in long form, a row per home, site, roster, shift and kind of day. Names
of sites are values, not columns, so that the files of many territories read as one table
(GeoParquet). The rows of a home follow each other: its place is stored once for all of them.

What an atlas tells of it is by kind of roster, and a kind follows what a roster is, not what it is
called: two plants may call anything 3x8. By rosters, ``3x8`` rotates through three shifts or more,
one of them by night, ``2x8`` through several of which none is, ``day`` is one shift on working
days. By shifts, ``night`` are the night shifts of all rosters, ``weekend`` what they work on a
Saturday or a Sunday.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyproj
import shapely
from numpy.typing import NDArray
from pyarrow import parquet

from mobility.atlas.folder import (
    ASSUMED,
    FAILURE,
    FIGURES,
    KINDS,
    MANIFEST,
    OUTLINE,
    SHIFTS,
    Atlas,
    drawn_outline,
    inputs_of,
    is_done,
    manifest,
    software,
    stamps,
)
from mobility.base.arrays import Bool, Float, Int8, Int32
from mobility.base.clock import DAY_S
from mobility.base.errors import MobilityError, SourceError
from mobility.base.failures import explained
from mobility.base.files import json_text, staging, write_text
from mobility.base.i18n import LANGUAGES, translate
from mobility.commute.access import STATUSES, Access, roster_shifts
from mobility.commute.indicators import round_persons
from mobility.commute.ledger import Ledger
from mobility.commute.study import ShiftRow, Study
from mobility.commute.white_zones import REASONS, WhiteZones
from mobility.pipeline import run
from mobility.settings import read_territory
from mobility.sources.days import ChosenDay
from mobility.sources.gtfs.overlap import withdrawn
from mobility.timetable.arrays import INF

_State = Literal["done", "kept", "failed"]
#: Rows held at a time.
_BATCH = 500_000


@dataclass(frozen=True)
class Outcome:
    """What became of a unit.

    Attributes
    ----------
    state
        ``done`` now, ``kept`` from an earlier run, or ``failed``.
    seconds
        It took, by the clock of the worker.
    told
        Of a failure: language → the message, one line.
    """

    unit: str
    state: _State
    seconds: float = 0.0
    told: tuple[tuple[str, str], ...] = ()

    def message(self, language: str) -> str:
        """Return what is told of a failure."""
        return dict(self.told).get(language, "")


def run_unit(folder: str | Path, unit: str, *, code: str = "", in_parts: bool = False) -> Outcome:
    """Compute a unit of the atlas in ``folder``, unless its results are there already.

    ``code`` is a hash of the software that asks: another version on a worker is a failure of the
    unit. With ``in_parts``, what `mobility.atlas.cluster.run_part` found is in the cache.
    """
    atlas, start = Atlas(Path(folder)), time.perf_counter()
    try:
        _check_version(code)
        if is_done(atlas, unit):
            _forget(atlas, unit)
            return Outcome(unit, "kept")
        _compute(atlas, unit, in_parts=in_parts)
    except Exception as error:  # noqa: BLE001 (returned: other units go on)
        outcome = failed(unit, explained(error), time.perf_counter() - start)
        note_failure(atlas, outcome)
        return outcome
    _forget(atlas, unit)
    return Outcome(unit, "done", time.perf_counter() - start)


def failed(unit: str, error: MobilityError, seconds: float = 0.0) -> Outcome:
    """Return the outcome of a unit that an error stopped."""
    told = tuple((language, error.render(language)) for language in LANGUAGES)
    return Outcome(unit, "failed", seconds, told)


def note_failure(atlas: Atlas, outcome: Outcome) -> None:
    """Write why a unit failed beside what it left; a full disk must not hide the reason."""
    with suppress(MobilityError, OSError):
        write_text(atlas.run(outcome.unit) / FAILURE, json_text(dict(outcome.told)))


def other_version() -> SourceError:
    """Return what is told of a worker that runs another version of the software."""
    return SourceError(
        "A worker runs another version of the software.",
        mend="Install the same version of mobility-shift where the workers are, and start them "
        "again.",
    )


def _check_version(code: str) -> None:
    if code and code != software()["code"]:
        raise other_version()


def _forget(atlas: Atlas, unit: str) -> None:
    with suppress(OSError):
        (atlas.run(unit) / FAILURE).unlink(missing_ok=True)


def _compute(atlas: Atlas, unit: str, *, in_parts: bool) -> None:
    """Compute a territory, then write its long tables, its figures and, last, the manifest."""
    territory = read_territory(atlas.file(unit))
    folder = atlas.run(unit)
    before = stamps(inputs_of(atlas, unit, territory))
    # What a manifest keeps needs no second place in the cache.
    results = run(territory, folder, keep=in_parts)
    with staging(folder) as part:
        _write_shifts(results.access, results.zones, part / SHIFTS)
        figures = territory_figures(atlas.file(unit).parent, results.access, results.zones)
        (part / FIGURES).write_text(json.dumps(figures, sort_keys=True), encoding="utf-8")
    found = manifest(atlas, unit, territory, results.study.homes, (*results.files, SHIFTS, FIGURES))
    if stamps(inputs_of(atlas, unit, territory)) != before:
        raise SourceError(
            "A source changed while it was read.", file=folder.name, mend="Run it again."
        )
    write_text(folder / MANIFEST, json_text(found))


def _write_shifts(access: Access, zones: WhiteZones, path: Path) -> None:
    """Write ``home_id``, ``commune``, ``workers``, what was asked, and what was found.

    ``site``, ``roster``, ``shift``, ``day_kind`` are what was asked; ``status`` and ``reason`` as
    in ``homes.parquet``; ``out_min``, ``back_min`` by public transport, null where none holds;
    ``lon``, ``lat`` and ``geometry`` the place, EPSG:4326.
    """
    study = access.study
    n_keys, n_homes = zones.status.shape
    step = max(1, _BATCH // max(n_keys, 1))
    names = [study.shift_rows[shift] for shift in zones.keys["shift_id"]]
    asked = {
        "site": [row.site_name for row in names],
        "roster": [row.roster for row in names],
        "shift": [row.shift for row in names],
        "day_kind": list(zones.keys["day_kind"]),
    }
    lonlat = study.homes.lonlat.round(6)
    places = shapely.to_wkb(shapely.points(lonlat))
    communes = study.homes.frame["commune"].fillna("").astype(str).to_numpy()
    geo = json.dumps(_geo())
    minutes = [_minutes(access, zones, seconds) for seconds in ("outbound_s", "return_s")]
    writer: parquet.ParquetWriter | None = None
    try:
        for low in range(0, n_homes, step):
            here = slice(low, min(low + step, n_homes))
            count = here.stop - low
            each = np.repeat(np.arange(count, dtype=np.int32), n_keys)
            turn = np.tile(np.arange(n_keys, dtype=np.int32), count)
            columns: dict[str, Any] = {
                "home_id": _words([str(i) for i in study.homes.ids[here]], each),
                "commune": _words(list(communes[here]), each),
                "workers": np.repeat(study.workers[here].round(3), n_keys),
            }
            columns |= {n: _words(v, turn) for n, v in asked.items()}
            columns["status"] = _codes(STATUSES, zones.status[:, here])
            columns["reason"] = _codes(REASONS, zones.reason[:, here])
            for name, found in zip(("out_min", "back_min"), minutes, strict=True):
                flat = found[:, here].T.ravel()
                columns[name] = pa.array(flat, mask=np.isnan(flat))
            for name, axis in (("lon", 0), ("lat", 1)):
                columns[name] = np.repeat(lonlat[here, axis], n_keys)
            columns["geometry"] = pa.array(np.repeat(places[here], n_keys), pa.binary())
            table = pa.table(columns).replace_schema_metadata({"geo": geo})
            writer = writer or parquet.ParquetWriter(path, table.schema, compression="zstd")
            writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()


def _geo() -> dict[str, Any]:
    """Return what GeoParquet 1.0 wants to be told of the column of places."""
    place = {
        "encoding": "WKB",
        "geometry_types": ["Point"],
        "crs": pyproj.CRS.from_epsg(4326).to_json_dict(),
    }
    return {"version": "1.0.0", "primary_column": "geometry", "columns": {"geometry": place}}


def _minutes(access: Access, zones: WhiteZones, field: str) -> NDArray[np.float32]:
    """Return float32[Z, H], minutes by public transport; NaN where none holds."""
    found = np.full(zones.status.shape, np.nan, np.float32)
    seconds = getattr(access, field)
    for z, (shift, day) in enumerate(zones.keys.itertuples(index=False)):
        row = access.row(shift, day, "transit")
        if row is not None:
            held = seconds[row] < INF
            found[z, held] = np.round(seconds[row, held] / 60, 1)
    return found


def _words(values: list[str], codes: Int32) -> pa.DictionaryArray:
    distinct = {value: k for k, value in enumerate(dict.fromkeys(values))}
    place = np.array([distinct[value] for value in values], np.int32)
    return pa.DictionaryArray.from_arrays(place[codes], pa.array(list(distinct), pa.string()))


def _codes(words: tuple[str, ...], found: Int8) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(found.T.ravel().astype(np.int32), pa.array(words))


#: A shift is by night with three hours of it or more between 21:00 and 06:00 (Code du travail,
#: L3122-5 and L3122-20).
_NIGHT_S, _LEAST_NIGHT_S = (21 * 3600, 30 * 3600), 3 * 3600
#: Where a territory comes without its outline, it is drawn this far around homes and gates.
_AROUND_DEG = 0.01

_Pairs = list[tuple[int, ChosenDay]]


def territory_figures(inputs: Path, access: Access, zones: WhiteZones) -> dict[str, Any]:
    """Return the figures of a territory, as plain values.

    Parameters
    ----------
    inputs
        Folder of its file, where its outline may lie as ``territory.geojson``.
    """
    study = access.study
    ledger = Ledger.of(study)
    return {
        "name": study.territory.name,
        "kinds": {kind: _kind_figures(access, zones, ledger, kind) for kind in KINDS},
        "coverage": _coverage(study),
        "outline": shapely.geometry.mapping(_outline(inputs, study)),
    }


def _is_night(shift: ShiftRow) -> bool:
    """Whether a shift is one by night."""
    end_s = shift.end_s + DAY_S * shift.crosses_midnight
    hours = sum(
        max(0, min(end_s, late + k * DAY_S) - max(shift.start_s, early + k * DAY_S))
        for early, late in (_NIGHT_S,)
        for k in (-1, 0, 1)
    )
    return hours >= _LEAST_NIGHT_S


def of_kind(shifts: Sequence[ShiftRow], kind: str) -> list[ShiftRow]:
    """Return the shifts of a roster that a kind is about; none where the roster is not of it."""
    nights = [shift for shift in shifts if _is_night(shift)]
    weekly = any(set(shift.days) - {"sat", "sun"} for shift in shifts)
    chosen = {
        "3x8": bool(nights) and len(shifts) >= 3,
        "2x8": not nights and len(shifts) >= 2,
        "day": not nights and len(shifts) == 1 and weekly,
    }
    if kind == "night":
        return nights
    if kind == "weekend":
        return [shift for shift in shifts if set(shift.days) & {"sat", "sun"}]
    return list(shifts) if chosen[kind] else []


def _kind_figures(access: Access, zones: WhiteZones, ledger: Ledger, kind: str) -> dict[str, Any]:
    """Return jobs and inhabitants of a kind, and those who can hold it without a car."""
    study = access.study
    asked = [
        _pairs_of_kind(study, [study.shift_rows[i] for i in shifts], kind)
        for shifts in roster_shifts(study).values()
    ]
    rows = [r for r, pairs in enumerate(asked) if pairs]
    if not rows:
        return {"rosters": 0}
    held = np.array(
        [
            np.all([access.counted(shift, day.kind)[2] for shift, day in asked[r]], axis=0)
            for r in rows
        ]
    )
    jobs, people = ledger.jobs[rows], ledger.people[rows]
    shares = [float(p @ h / p.sum()) if p.sum() else 0.0 for p, h in zip(people, held, strict=True)]
    known = float(jobs.sum())
    total, able = _once(study, [ledger.rosters[r][0] for r in rows], people, held)
    return {
        "rosters": len(rows),
        "sites": len({ledger.rosters[r][0] for r in rows}),
        "jobs": round(known, 3),
        "jobs_held": round(float(jobs[held].sum()), 3),
        # Where no headcount is known, every roster weighs the same.
        "share_jobs": round(float(jobs[held].sum()) / known if known else np.mean(shares), 6),
        "inhabitants": float(round_persons(total)),
        "inhabitants_held": float(round_persons(able)),
        "share_inhabitants": round(able / total if total else 0.0, 6),
        "main_reason": _reason(study, zones, [asked[r] for r in rows]),
    }


def _pairs_of_kind(study: Study, shifts: Sequence[ShiftRow], kind: str) -> _Pairs:
    """Return the shifts and days of a roster that a kind asks of."""
    return [
        (shift.shift_id, day)
        for shift in of_kind(shifts, kind)
        for day in study.days
        if study.works_on(shift.shift_id, day)
        and (kind != "weekend" or set(day.weekdays) <= {"sat", "sun"})
    ]


def _once(study: Study, sites: Sequence[int], people: Float, held: Bool) -> tuple[float, float]:
    """Return the inhabitants, and those who hold one of the rosters, each person once.

    One pool for all sites is one group of people; known employees are one a site.
    """
    group = np.zeros(len(sites), int) if study.homes.pool is None else np.array(sites)
    total = able = 0.0
    for one in np.unique(group):
        mine = group == one
        most = people[mine].max(axis=0)
        total += float(most.sum())
        able += float(most @ held[mine].any(axis=0))
    return total, able


def _reason(study: Study, zones: WhiteZones, asked: Sequence[_Pairs]) -> str:
    """Return what keeps most workers away, empty where nothing does."""
    sums = np.zeros(len(REASONS))
    for shift_id, day in (pair for pairs in asked for pair in pairs):
        row = study.shift_rows[shift_id]
        pool = study.pool(row.site, row.roster)
        reasons = zones.reason[zones.row(shift_id, day.kind)]
        sums += np.bincount(reasons, weights=pool, minlength=len(REASONS))
    return REASONS[int(sums[1:].argmax()) + 1] if sums[1:].any() else ""


def _coverage(study: Study) -> dict[str, Any]:
    """Return what the answer rests on: homes, stops served, feeds valid on the dates studied."""
    feed = study.feed
    dates = [day.date for day in study.days]
    valid = 0
    assumed = {translate(ASSUMED, language) for language in LANGUAGES}
    counts = feed.trips_per_day(feed.trips["network"].to_numpy(np.int64))
    networks = set(range(len(feed.networks))) - withdrawn(feed)
    for k in networks:
        days = list(counts.index[counts[k] > 0]) if k in counts else []
        low, high = feed.announced.get(k, (0, dates[0].max.toordinal()))
        valid += bool(len(days)) and all(
            days[0] <= date <= days[-1] and low <= date.toordinal() <= high for date in dates
        )
    return {
        "workers": float(round_persons(float(study.workers.sum()))),
        "homes": int(study.n_homes),
        "sites": len(study.sites),
        "stops": int(feed.stop_times["stop"].nunique()),
        "feeds": len(networks),
        "feeds_valid": int(valid),
        "first_date": min(dates).isoformat(),
        "last_date": max(dates).isoformat(),
        "warnings": sum(f.severity == "warning" for f in study.findings),
        "assumed": all(site.employer in assumed for site in study.sites),
    }


def _outline(inputs: Path, study: Study) -> shapely.Geometry:
    """Return the territory's outline, its own or one around homes and gates; EPSG:4326."""
    drawn = drawn_outline(inputs / OUTLINE)
    if drawn is not None:
        return drawn
    gates = [gate for site in study.sites for gate in site.gates]
    points = shapely.MultiPoint(np.vstack([study.homes.lonlat, np.array(gates)]))
    return shapely.set_precision(points.convex_hull.buffer(_AROUND_DEG, quad_segs=4), 1e-5)
