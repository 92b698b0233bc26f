"""A TOML file read, and what is wrong in it said by line, field, value and mend.

What pydantic refuses is said in one sentence of ours.
"""

from __future__ import annotations

import re
import tomllib
import types
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from mobility.base.errors import SourceNotFoundError, TerritoryError, system_reason

if TYPE_CHECKING:
    # A file is read long before its models are needed.
    from pydantic import ValidationError

_Sentence = tuple[str, str]
_NUMBER = ("It is no number.", "Write a plain number, e.g. 12 or 12.5.")
_WHOLE = ("It is no whole number.", "Write a whole number, without a decimal point or quotes.")
_YES_NO = ("It is neither yes nor no.", "Write true or false, without quotes.")
_DATE = ("It is no date.", "Write it as year, month and day, without quotes: 2027-01-30.")
_LIST = ("It is no list.", "Put the values between square brackets, commas between them: [a, b].")
_TABLE = ("It is no table.", "Write its fields one by one, name = value.")
_CHOICE = ("It is none of the values known here.", "Write one of: {known}.")
_PATH = ("It is no path of a file.", "Write the path between quotes.")
_TEXT = ("It is no text.", "Write it between quotes.")

#: A problem and a mend for every kind of complaint the models of this package give rise to.
_SENTENCES: dict[str, _Sentence] = {
    "less_than_equal": ("It is more than {le}.", "Write a number of at most {le}."),
    "less_than": ("It is {lt} or more.", "Write a number under {lt}."),
    "greater_than_equal": ("It is less than {ge}.", "Write a number of at least {ge}."),
    "greater_than": ("It is {gt} or less.", "Write a number above {gt}."),
    "finite_number": _NUMBER,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "bool_type": _YES_NO,
    "bool_parsing": _YES_NO,
    "string_type": _TEXT,
    "string_unicode": _TEXT,
    "string_too_short": ("It is empty.", "Write at least one letter."),
    "path_type": _PATH,
    "literal_error": _CHOICE,
    "date_type": _DATE,
    "date_parsing": _DATE,
    "date_from_datetime_parsing": _DATE,
    "date_from_datetime_inexact": _DATE,
    "list_type": _LIST,
    "tuple_type": _LIST,
    "too_short": ("The list is too short.", "Give at least {min_length}."),
    "too_long": ("The list is too long.", "Give at most {max_length}."),
    "dict_type": _TABLE,
    "model_type": _TABLE,
    "model_attributes_type": _TABLE,
    "missing": ("This field is missing.", "Add it; docs/formats.md describes it."),
}
_UNFORESEEN = ("This value is not accepted.", "See this field in docs/formats.md.")
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


def explain_validation(
    error: ValidationError, file: Path | str | None, model: Any = None
) -> TerritoryError:
    """Turn pydantic's first complaint into an error that names field, value and mend.

    Parameters
    ----------
    error
        What pydantic said.
    file
        The file it is about.
    model
        The model that was checked, by which the fields known beside a wrong one are named.
    """
    from mobility.territory.fields import RefusedError

    # One at a time: what follows is often wrong for the same reason.
    first = error.errors()[0]
    kind, loc, value = first["type"], list(first["loc"]), first["input"]
    params: dict[str, Any] = {
        k: f"{v:g}" if isinstance(v, float) else v for k, v in first.get("ctx", {}).items()
    }
    refused = first.get("ctx", {}).get("error")
    if isinstance(refused, RefusedError):
        problem, mend, params = refused.problem, refused.mend, refused.params
        value = value if refused.value is None else refused.value
        loc += refused.field
    elif kind == "extra_forbidden":
        table = _wanted_at(model, loc[:-1])
        known = list(table.model_fields) if _is_model(table) else []
        problem, mend, params = _unknown_field(str(loc[-1]), known)
    elif kind == "missing" and isinstance(loc[-1], int):
        loc, value = loc[:-1], None
        problem, mend, params = _too_few(error, loc, model)
    else:
        problem, mend = _SENTENCES.get(kind, _UNFORESEEN)
        if kind == "literal_error":
            choices = [str(choice) for choice in get_args(_wanted_at(model, loc))]
            params = {"known": ", ".join(choices or [str(params.get("expected"))])}
    plain = kind != "missing" and not isinstance(value, Mapping | list | tuple)
    return TerritoryError(
        problem,
        file=file,
        column=".".join(str(p + 1) if isinstance(p, int) else str(p) for p in loc) or None,
        value=value if plain else None,
        mend=mend,
        **params,
    )


def _unknown_field(name: str, known: Sequence[str]) -> tuple[str, str, dict[str, Any]]:
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    params = {"known": ", ".join(known), "near": near[0] if near else ""}
    problem = "No such field; did you mean {near}?" if near else "No such field."
    mend = "Remove it or correct its spelling; the fields here are: {known}."
    return problem, mend if known else "Remove it or correct its spelling.", params


def _too_few(
    error: ValidationError, loc: list[int | str], model: Any
) -> tuple[str, str, dict[str, Any]]:
    """Return the complaint about a tuple that lacks a value."""
    wanted = _wanted_at(model, loc)
    count = len(get_args(wanted)) or 1 + sum(list(e["loc"])[:-1] == loc for e in error.errors())
    return "The list is too short.", "Give {count} values here.", {"count": count}


def _wanted_at(annotation: Any, loc: Sequence[int | str]) -> Any:
    """Return what a model wants at a place, None where that cannot be told."""
    wanted = _bare(annotation)
    for part in loc:
        if _is_model(wanted) and part in wanted.model_fields:
            wanted = _bare(wanted.model_fields[part].annotation)
            continue
        inner = get_args(wanted)
        if not inner or get_origin(wanted) not in (list, tuple, dict):
            return None
        if get_origin(wanted) is tuple and isinstance(part, int) and part < len(inner):
            wanted = _bare(inner[0 if inner[-1] is Ellipsis else part])
        else:
            wanted = _bare(inner[-1] if get_origin(wanted) is dict else inner[0])
    return wanted


def _bare(annotation: Any) -> Any:
    """Return a type without its constraints and without None."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return _bare(next(a for a in get_args(annotation) if a is not type(None)))
    return annotation


def _is_model(found: Any) -> bool:
    return isinstance(found, type) and hasattr(found, "model_fields")


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
        place, reason = _PLACE.search(str(error)), str(error).lower()
        row = int(place[1]) if place and place[1] else len(lines)
        raise TerritoryError(
            "This line cannot be read as TOML.",
            file=path,
            row=row,
            value=lines[min(row, len(lines)) - 1].strip() or None,
            mend=next((mend for words, mend in _MENDS if re.search(words, reason)), _ONE_A_LINE),
        ) from None


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
