"""What an atlas tells of one territory: jobs and inhabitants by kind of roster, and coverage.

Kinds follow what a roster is, not what it is called: two plants may call anything 3x8. By rosters,
``3x8`` rotates through three shifts or more, one of them by night, ``2x8`` through several of
which none is, ``day`` is one shift on working days. By shifts, ``night`` are the night shifts of
all rosters, ``weekend`` what they work on a Saturday or a Sunday.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from mobility.base.clock import DAY_S
from mobility.base.errors import SourceError
from mobility.base.i18n import LANGUAGES, translate
from mobility.commute.access import Access, roster_shifts
from mobility.commute.indicators import round_persons
from mobility.commute.ledger import Ledger
from mobility.commute.study import ShiftRow, Study
from mobility.commute.white_zones import REASONS, WhiteZones
from mobility.sources.days import ChosenDay
from mobility.sources.gtfs.overlap import withdrawn

KINDS = ("3x8", "night", "weekend", "2x8", "day")
#: A shift is by night with three hours of it or more between 21:00 and 06:00 (Code du travail,
#: L3122-5 and L3122-20).
_NIGHT_S, _LEAST_NIGHT_S = (21 * 3600, 30 * 3600), 3 * 3600
#: Where a territory comes without its outline, it is drawn this far around homes and gates.
_AROUND_DEG = 0.01
OUTLINE = "territory.geojson"
#: Employer of a site that is assumed, so that each page says it.
ASSUMED = "assumed: industrial land, rosters 3x8, 2x8 and day"

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
        "kinds": {kind: _kind(access, zones, ledger, kind) for kind in KINDS},
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


def _kind(access: Access, zones: WhiteZones, ledger: Ledger, kind: str) -> dict[str, Any]:
    """Return jobs and inhabitants of a kind, and those who can hold it without a car."""
    study = access.study
    asked = [
        _asked(study, [study.shift_rows[i] for i in shifts], kind)
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


def _asked(study: Study, shifts: Sequence[ShiftRow], kind: str) -> _Pairs:
    """Return the shifts and days of a roster that a kind asks of."""
    return [
        (shift.shift_id, day)
        for shift in of_kind(shifts, kind)
        for day in study.days
        if study.works_on(shift.shift_id, day)
        and (kind != "weekend" or set(day.weekdays) <= {"sat", "sun"})
    ]


def _once(
    study: Study, sites: Sequence[int], people: NDArray[np.float64], held: NDArray[np.bool_]
) -> tuple[float, float]:
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


def drawn_outline(file: Path) -> shapely.Geometry | None:
    """Return the outline that a file draws, EPSG:4326; None where there is no such file.

    Raises
    ------
    SourceError
        It draws none.
    """
    if not file.is_file():
        return None
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return shapely.geometry.shape(found["features"][0]["geometry"])
    except (ValueError, KeyError, IndexError, TypeError, AttributeError,
            shapely.errors.GEOSException):  # fmt: skip
        raise SourceError(
            "It is no outline of a territory.",
            file=file,
            mend="Prepare the territory again, or remove the file.",
        ) from None


def _outline(inputs: Path, study: Study) -> shapely.Geometry:
    """Return the territory's outline, its own or one around homes and gates; EPSG:4326."""
    drawn = drawn_outline(inputs / OUTLINE)
    if drawn is not None:
        return drawn
    gates = [gate for site in study.sites for gate in site.gates]
    points = shapely.MultiPoint(np.vstack([study.homes.lonlat, np.array(gates)]))
    return shapely.set_precision(points.convex_hull.buffer(_AROUND_DEG, quad_segs=4), 1e-5)
