"""Every value of a territory file that the figures of a report depend on, as rows of a table.

Which those are stands in the table ``parameters`` of ``words.toml``: dotted name, meaning, unit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from mobility.base.i18n import long_date
from mobility.commute.study import Study
from mobility.needs import ALL_FACTORS
from mobility.outputs.words import ASSUMED, PARAMETERS, Words, factor_label
from mobility.shuttles.config import ShuttleConfig
from mobility.territory.factors import factor_names
from mobility.territory.fields import WEEKDAYS

Row = tuple[str, str, str, str]

#: Seconds since midnight, told as times of day.
_CLOCKS = ("driving.peak_hours", "on_demand.start", "on_demand.end")
#: What another value stands in for, where that is given.
_UNLESS = {"driving.peak_factor": "driving.hourly", "driving.peak_hours": "driving.hourly"}


def parameter_rows(study: Study, words: Words, *, designed: bool) -> list[Row]:
    """Return (meaning, value, unit, name in the territory file) of each parameter.

    Parameters
    ----------
    designed
        Whether something is told that the settings of shuttles decide; of those that the file
        gives itself it is taken to be so.
    """
    rows: list[Row] = []
    for name, (meaning, unit) in PARAMETERS.items():
        table, *rest = name.split(".")
        if table == "shuttles" and not designed and rest[0] not in study.territory.shuttles:
            continue
        if name in _UNLESS and any(_values(study, _UNLESS[name])):
            continue
        for item, value in _values(study, name):
            text = words.t(meaning) + (f" ({item})" if item else "")
            told = _told(value, words, clock=name in _CLOCKS)
            rows.append((text, told, words.t(unit), name))
    return rows + _factors(study, words)


def _values(study: Study, name: str) -> Iterator[tuple[str, object]]:
    """Yield what a dotted name stands for, with the item of a list; nothing where it is empty."""
    root, *path = name.split(".")
    start: object = getattr(study.territory, root)
    if root == "sites":
        start = study.sites
    elif root == "shuttles":
        start = ShuttleConfig.from_territory(study.territory)
    return _below(start, path, ())


def _below(value: object, path: list[str], items: tuple[str, ...]) -> Iterator[tuple[str, object]]:
    if not path:
        if value is not None and value not in ([], ()):
            yield ", ".join(items), value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _below(getattr(one, path[0]), path[1:], (*items, one.name))
    elif value is not None:
        yield from _below(getattr(value, path[0]), path[1:], items)


def _told(value: object, words: Words, *, clock: bool = False) -> str:
    """Return a value as people read it."""
    if isinstance(value, bool):
        return words.t("yes" if value else "no")
    if isinstance(value, list | tuple):
        if len(value) == 2 and all(isinstance(end, dt.date) for end in value):
            return " – ".join(long_date(end, words.language) for end in value)
        if clock:
            return ", ".join(words.hours(*span) for span in value)
        if set(value) <= set(WEEKDAYS):
            return words.weekdays(tuple(value))
        # In French a comma stands in numbers.
        apart = ", " if any(isinstance(one, str) for one in value) else words.t("; ")
        return apart.join(_told(one, words) for one in value)
    if isinstance(value, float | int):
        return words.clock(value) if clock else words.exact(value)
    text = str(value)
    return words.t(ASSUMED[text]) if text in ASSUMED else words.known("mode", text)


def _factors(study: Study, words: Words) -> list[Row]:
    """Return the factors that the territory file gives, whatever room uses them."""
    territory, rows = study.territory, []
    tables = [room.load(territory.factors, file=territory.path).rows for room in ALL_FACTORS]
    for name in factor_names(territory.factors):
        factor = next(table[name] for table in tables if name in table)
        label = factor_label(name, words)
        rows.append((label, words.exact(factor.value), words.t(factor.unit), f"factors.{name}"))
    return rows
