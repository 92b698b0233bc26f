"""A territory file as it is edited: its comments and its order stay."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit

from mobility.base.errors import TerritoryError
from mobility.territory.validation import read_toml

#: What is edited, and whether it is a list; anything else is a table.
_EDITED = {
    "sources": False, "sources.gtfs": True, "sources.homes": False, "sites": True,
    "shuttles": False,
}  # fmt: skip


def said_by(file: Path) -> dict[str, Any]:
    """Return what a territory file says, whether or not a study can be made of it.

    Raises
    ------
    TerritoryError
        It cannot be read, or what is edited is neither the table nor the list that it has to be.
    """
    data = read_toml(file)
    for name, is_list in _EDITED.items():
        value: Any = data
        for key in name.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        if value is not None and not isinstance(value, list if is_list else Mapping):
            raise TerritoryError(
                "It is no list." if is_list else "It is no table.",
                file=file,
                column=name,
                value=value,
                mend="Put the values between square brackets, commas between them: [a, b]."
                if is_list
                else "Write its fields one by one, name = value.",
            )
    return data


def document_of(file: Path) -> tomlkit.TOMLDocument:
    """Return a territory file to be edited.

    Raises
    ------
    TerritoryError
        See `said_by`.
    """
    said_by(file)
    return tomlkit.parse(file.read_text(encoding="utf-8-sig"))


__all__ = ["document_of", "said_by"]
