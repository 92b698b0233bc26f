"""Codes of communes that name the same ground: arrondissements, mergers, IRIS, lost zeros.

Flows, layers and territory files come from different years and levels: Lyon 3e is 69383 in one
and part of 69123 in another, Gée is 49147 until 2016 and part of 49021 since. A code found as
it stands is used as it is; the others are matched through the commune of today.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import pandas as pd

from mobility.base.errors import SourceError
from mobility.sources.columns import Table
from mobility.sources.tables import read_table

#: Municipal arrondissements of Paris, Lyon and Marseille (INSEE, Code officiel géographique).
DISTRICTS = {
    str(code): city
    for city, codes in (
        ("75056", range(75101, 75121)),
        ("69123", range(69381, 69390)),
        ("13055", range(13201, 13217)),
    )
    for code in codes
}
#: Codes of places abroad, as INSEE writes them in flows: a country, or a commune behind the border.
ABROAD = r"99\d{3}|(?:AD|BE|CH|DE|ES|IT|LU|MC|UK)\w*"
#: Kinds of event (MOD) after which an old code stands for several communes, or for the same one.
_SPLITS = ("10", "20", "21")


@dataclass(frozen=True)
class Changes:
    """Former code → later code of the same ground."""

    later: Mapping[str, str]

    def of(self, code: str) -> str:
        """Return the commune of today of a commune, arrondissement or IRIS; else ``code``."""
        code = plain_code(code)
        if len(code) == 9 and code[5:].isdigit():
            code = code[:5]
        seen: set[str] = set()
        while code in self.later and code not in seen:
            seen.add(code)
            code = self.later[code]
        return code

    def today(self, codes: pd.Series) -> pd.Series:
        """Return `of` each code."""
        return codes.map({code: self.of(code) for code in set(codes)}).astype("str")


def plain_code(code: str) -> str:
    """Return a code as INSEE writes it: ``2a004`` and ``1001.0`` are 2A004 and 01001."""
    code = code.upper().removesuffix(".0")
    return f"0{code}" if len(code) == 4 and code.isdigit() else code


def written_alike(code: str) -> str:
    """Return what the ways to write a code share: capitals, and no zeros ahead of its figures."""
    code = plain_code(code)
    return code.lstrip("0") if code.isdigit() else code


@cache
def _shipped() -> Mapping[str, str]:
    """Return INSEE's changes up to 2026, and the arrondissements."""
    text = (files(__package__) / "communes_changed.csv").read_text(encoding="utf-8")
    pairs = [line.split(",") for line in text.split()[1:]]
    return DISTRICTS | dict(pairs)


def read_changes(path: Path | None) -> Changes:
    """Return the changes known, those of the user's own table first.

    Parameters
    ----------
    path
        INSEE's movements of communes (``COM_AV``, ``COM_AP``, with ``TYPECOM_AV``,
        ``TYPECOM_AP``, ``MOD`` and ``DATE_EFF`` where given), or its *table de passage*
        (``CODGEO_INI`` or the earliest ``CODGEO_<year>``, and the latest ``CODGEO_<year>``).

    Raises
    ------
    SourceNotFoundError, SourceError
        The file is missing, or has neither pair of columns.
    """
    if path is None:
        return Changes(_shipped())
    table = read_table(path)
    old, new = _pair(table)
    rows = pd.DataFrame({"old": table.texts(old), "new": table.texts(new)})
    for name, kept in (("TYPECOM_AV", {"COM", "ARM"}), ("TYPECOM_AP", {"COM"})):
        column = table.find(name)
        if column is not None:
            rows = rows[table.texts(column)[rows.index].isin(kept)]
    kind, date = table.find("MOD"), table.find("DATE_EFF")
    if kind is not None:
        rows = rows[~table.texts(kind)[rows.index].isin(_SPLITS)]
    if date is not None:
        rows = rows.iloc[table.texts(date)[rows.index].argsort(kind="stable")]
    rows = rows[(rows["old"] != rows["new"]) & (rows["old"] != "") & (rows["new"] != "")]
    return Changes({**_shipped(), **dict(zip(rows["old"], rows["new"], strict=True))})


def _pair(table: Table) -> tuple[str, str]:
    """Return the columns of the former and of the later code."""
    old, new = table.find("COM_AV", ("old",)), table.find("COM_AP", ("new",))
    if old is not None and new is not None:
        return old, new
    years = sorted(c for c in table.frame.columns if c.upper().startswith("CODGEO_2"))
    first = table.find("CODGEO_INI") or next(iter(years), None)
    if first is None or not years or first == years[-1]:
        raise SourceError(
            "It is no table of changes of communes.",
            file=table.file,
            mend="Give INSEE's movements of communes (COM_AV, COM_AP) or its table de passage "
            "(CODGEO_INI, CODGEO_<year>).",
        )
    return first, years[-1]
