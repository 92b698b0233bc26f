"""Before and after: who gains and who loses between two scenarios of one territory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from mobility.base.clock import service_clock
from mobility.base.errors import Finding, TerritoryError
from mobility.base.i18n import WEEKDAY_NAMES, Period, Word, Words
from mobility.commute.access import Access, counted_rows, roster_shifts
from mobility.commute.indicators import changed_counts, whole_persons
from mobility.commute.modes import MODES
from mobility.commute.study import ShiftRow, Study
from mobility.territory.fields import WEEKDAYS

#: Settings that differ named at most, and letters of each at most.
_MOST_TOLD, _LONGEST = 5, 80


def asked_alike(study: Study, other: Study) -> Study:
    """Return a study asked for the modes of another that it has nothing of.

    A scenario that adds the first zone of on-demand transport, or the first timetable, of a
    territory adds these modes, and nothing else.
    """
    modes, theirs = study.territory.modes, other.territory.modes.evaluated
    lacks: set[str] = set() if "on_demand" in modes.evaluated else {"on_demand"}
    if not study.has_timetable:
        lacks |= {mode for mode, row in MODES.items() if row.kind in ("transit", "feeder")}
    more = set(theirs) - set(modes.evaluated)
    if not more or not more <= lacks or not set(modes.evaluated) <= set(theirs):
        return study
    modes = modes.model_copy(update={"evaluated": theirs})
    return replace(study, territory=study.territory.model_copy(update={"modes": modes}))


def check_comparable(before: Study, after: Study) -> None:
    """Check that two studies ask the same question of the same people.

    Raises
    ------
    TerritoryError
        Homes, their workers, shifts, kinds of day or modes differ.
    """
    facts, theirs = _facts(asked_alike(before, after)), _facts(asked_alike(after, before))
    for what, was in facts.items():
        now = theirs[what]
        if list(was.items()) == list(now.items()):
            continue
        where = next((key for key in {**was, **now} if was.get(key) != now.get(key)), None)
        told = [Word("not there") if where not in f else f[where] for f in (was, now)]
        raise TerritoryError(
            "The two scenarios do not have the same {what}."
            if where is None or told[0] == told[1]
            else "The two scenarios do not have the same {what}: {first} in the first, {second} "
            "in the second.",
            file=after.territory.path,
            column=what,
            value=where,
            mend="Compare scenarios of one territory: same homes, sites, shifts, kinds of day "
            "and modes; hours, timetables, streets and limits may differ.",
            what=Word(what),
            first=told[0],
            second=told[1],
        )


def _facts(study: Study) -> dict[str, dict[str, object]]:
    """Return what two studies have to share, in its order: what is asked, of what, its value.

    Of shifts that is everything but the hours.
    """
    homes, kinds = map(str, study.homes.ids), [d.kind for d in study.days]
    shifts = {f"{r.site_name}, {r.roster}, {r.shift}": r for r in study.shift_rows}
    return {
        "homes": {home: home for home in map(str, study.homes.ids)},
        "workers": dict(zip(homes, study.workers.tolist(), strict=True)),
        "shifts": {name: name for name in shifts},
        "employer": {name: row.employer or Word("not there") for name, row in shifts.items()},
        "headcount": {name: row.headcount for name, row in shifts.items()},
        "days worked": {name: _weekdays(row) for name, row in shifts.items()},
        "season": {name: _season(row) for name, row in shifts.items()},
        "days": {kind: Word(kind) for kind in kinds},
        "modes": {mode: Word(mode) for mode in study.territory.modes.evaluated},
    }


def _weekdays(row: ShiftRow) -> Words:
    return Words(name for day, name in zip(WEEKDAYS, WEEKDAY_NAMES, strict=True) if day in row.days)


def _season(row: ShiftRow) -> object:
    return Word("all year") if row.period is None else Period(row.period)


def differences(before: Study, after: Study) -> tuple[Finding, ...]:
    """Return what is told of the hours and settings in which two comparable studies differ.

    A gain is of all of them together.
    """
    was, now = (dict(_settings(study)) for study in (before, after))
    changed = [key for key in {**was, **now} if was.get(key) != now.get(key)]
    if not changed:
        return ()
    told = [f"{key}: {was.get(key, '–')} → {now.get(key, '–')}" for key in changed[:_MOST_TOLD]]
    return (
        Finding(
            "warning",
            "scenarios_differ",
            "{count} settings differ between the two scenarios; what is gained and lost is of all "
            "of them together:",
            after.territory.path.name if after.territory.path else "",
            count=len(changed),
            examples=tuple(told),
        ),
    )


def _settings(study: Study) -> Iterator[tuple[str, str]]:
    """Yield the hours of each shift, then every other setting, and how it is told."""
    for row in study.shift_rows:
        hours = f"{service_clock(row.start_s)}–{service_clock(row.end_s)}"
        yield f"{row.site_name}, {row.roster}, {row.shift}", hours
    # Rosters and days worked are in the shifts; names and folders change no figure.
    rest: Any = {"name": True, "output": True, "sites": True, "changes": {"shifts"}}
    yield from _flat("", study.territory.model_dump(mode="json", exclude=rest))
    for site in study.sites:
        yield from _flat(site.name, site.model_dump(mode="json", exclude={"name", "rosters"}))


def _flat(name: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{name}.{key}" if name else key, inner)
    else:
        # A list of drawn changes may be a page long; its beginning tells which it is.
        yield name, str(value) if len(str(value)) <= _LONGEST else f"{str(value)[:_LONGEST]}…"


def comparison(before: Access, after: Access) -> pd.DataFrame:
    """Return workers gained and lost, per shift and kind of day and per roster.

    Returns
    -------
    DataFrame
        ``site``, ``roster``, ``shift`` and ``day_kind`` (empty for a whole roster, under the
        worst-of rule), ``pool``, ``before``, ``after``, ``gained``, ``lost`` (workers): after is
        before and those gained, less those lost.
    """
    check_comparable(before.study, after.study)
    study = before.study
    rows = []
    was, now = before.rosters, after.rosters
    for key, r, s in zip(roster_shifts(study), counted_rows(was), counted_rows(now), strict=True):
        rows.append(_row(study, *key, "", "", was.holds[r], now.holds[s]))
    keys = before.keys[["shift_id", "day_kind"]].drop_duplicates()
    for shift_id, day_kind in keys.itertuples(index=False):
        shift = study.shift_rows[shift_id]
        held = before.counted(shift_id, day_kind)[2], after.counted(shift_id, day_kind)[2]
        rows.append(_row(study, shift.site, shift.roster, shift.shift, day_kind, *held))
    counts = ["pool", "before", "after", "gained", "lost"]
    return whole_persons(pd.DataFrame(rows), counts)


def _row(
    study: Study,
    site: int,
    roster: str,
    shift: str,
    day_kind: str,
    was: np.ndarray,
    now: np.ndarray,
) -> dict[str, object]:
    name = {"site": study.sites[site].name, "roster": roster, "shift": shift, "day_kind": day_kind}
    return {**name, **changed_counts(study.pool(site, roster), was, now)}
