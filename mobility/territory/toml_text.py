"""A TOML file as nested dictionaries; what cannot be read is told by its line."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from mobility.base.errors import SourceNotFoundError, TerritoryError
from mobility.base.files import system_reason

_PLACE = re.compile(r"\(at (?:line (\d+), column \d+|end of document)\)")
_ONE_A_LINE = "Write one field a line, name = value; text stands between quotes, numbers bare."

#: What to do, by words of the parser's complaint.
_MENDS: tuple[tuple[str, str], ...] = (
    (r"overwrite|twice|duplicate|already", "This name stands twice; keep one of the two."),
    (r"unterminated|illegal character", "Close the quotes on the line where they open."),
    (r"unclosed|at end of document", "Close the bracket, the brace or the quotes left open above."),
    (r"escape|hex|unicode", r"In paths write / instead of \, or put the text in single quotes."),
    (r"invalid value|initial character", "Put text between quotes; numbers take no unit."),
)


def read_toml(path: Path) -> dict[str, Any]:
    """Return what a TOML file says.

    Raises
    ------
    TerritoryError
        It is no TOML in UTF-8; the error names the line and quotes it.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise TerritoryError(
            "Its text is not encoded in UTF-8.",
            file=path,
            row=error.object.count(b"\n", 0, error.start) + 1,
            mend="Save it again as UTF-8.",
        ) from None
    except OSError as error:
        raise TerritoryError(
            "It cannot be read: {reason}.",
            file=path,
            mend="Check the rights on the file.",
            reason=system_reason(error),
        ) from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        lines = text.splitlines() or [""]
        place = _PLACE.search(str(error))
        row = int(place[1]) if place and place[1] else len(lines)
        raise TerritoryError(
            "This line cannot be read as TOML.",
            file=path,
            row=row,
            value=lines[min(row, len(lines)) - 1].strip() or None,
            mend=_mend(str(error).lower()),
        ) from None


def _mend(reason: str) -> str:
    return next((mend for words, mend in _MENDS if re.search(words, reason)), _ONE_A_LINE)


def read_territory_toml(path: Path) -> dict[str, Any]:
    """Return what a territory file says, see `read_toml`.

    Raises
    ------
    SourceNotFoundError
        There is none.
    """
    if not path.is_file():
        raise SourceNotFoundError(
            "The territory file does not exist.",
            file=path,
            mend="Check the path, or write a first file with: mobility init",
        )
    return read_toml(path)


__all__ = ["read_territory_toml", "read_toml"]
