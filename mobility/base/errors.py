"""Errors and findings: each names file, row, field, value and the mend.

A message is an English template with named parameters (``"{count} stops ..."``).
The template is the key of the French catalogue in ``mobility.base.i18n``.
"""

from __future__ import annotations

import datetime as dt
import errno
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from mobility.base.i18n import Word, copied, long_date, measured, translate
from mobility.base.literal import one_line

Severity = Literal["error", "warning", "info"]
#: A date that stands alone in an example.
_DATE = re.compile(r"(?<!\S)\d{4}-\d\d-\d\d(?!\S)")
#: Of the system, not of the software: each has its own words.
STORAGE = frozenset(
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EACCES", "EPERM", "ENAMETOOLONG", "EIO")
    if hasattr(errno, name)
)
#: What the system means, which says it in English whatever the language.
_SAID = {
    errno.ENOENT: "no such file or folder", errno.EACCES: "permission denied",
    errno.EPERM: "permission denied", errno.EROFS: "the disk is read-only",
    errno.EISDIR: "it is a folder", errno.ENOTDIR: "a part of the path is a file",
    errno.EEXIST: "a part of the path is a file", errno.ENOSPC: "the disk is full",
    errno.EFBIG: "the file grows too large", errno.ENAMETOOLONG: "the name is too long",
    errno.EIO: "the disk fails", errno.EBUSY: "it is in use",
}  # fmt: skip


class MobilityError(Exception):
    """Base of every error a user can cause and mend.

    Parameters
    ----------
    problem
        What is wrong: an English template, formatted with ``params``.
    file, row, column, value
        Where it stands: source file, row (the file's own line or the sheet's own row, the
        header being row 1; in a layer, which has none, the first feature is), column or field
        name, and the offending value.
    entry
        Instead of a row: what kind of thing a list or a layer holds, and which of them,
        counted from 1; e.g. ``("site", 2)``.
    mend
        What to do about it: an English template, formatted with ``params``.
    params
        Values of the named fields of both templates.
    """

    def __init__(
        self,
        problem: str,
        *,
        file: str | Path | None = None,
        row: int | str | None = None,
        entry: tuple[str, int] | None = None,
        column: str | None = None,
        value: object = None,
        mend: str | None = None,
        **params: object,
    ) -> None:
        self.problem = problem
        self.file = None if file is None else str(file)
        self.row = row
        self.entry = entry
        self.column = column
        self.value = value
        self.mend = mend
        self.params = params
        super().__init__(self.render("en"))

    def __str__(self) -> str:
        return self.render("en")

    def render(self, language: str) -> str:
        """Return the whole message in ``language`` (``"fr"`` or ``"en"``), on one line."""
        labels = [("file", self.file), ("row", self.row), ("field", self.column)]
        where = [f"{translate(k, language)} {v}" for k, v in labels if v is not None]
        if self.entry is not None:
            kind, number = self.entry
            text = translate(
                "{what} no. {number}", language, number=str(number), what=translate(kind, language)
            )
            where.insert(int(self.file is not None), text)
        if self.value is not None:
            # A cell may hold a whole page; its beginning tells which.
            where.append(f"{translate('value', language)} {str(self.value)[:120]!r}")
        text = translate(self.problem, language, **measured(self.params, language))
        if where:
            text = f"{', '.join(where)}{translate(': ', language)}{text}"
        if self.mend:
            text = f"{text} → {translate(self.mend, language, **copied(self.params))}"
        return one_line(text)


class TerritoryError(MobilityError, ValueError):
    """The territory file is wrong."""


class SourceNotFoundError(MobilityError, FileNotFoundError):
    """A source file does not exist."""


class SourceError(MobilityError, ValueError):
    """A source file exists but cannot be used as it is."""


class DownloadError(MobilityError, OSError):
    """A source could not be fetched."""


def system_reason(error: OSError) -> Word:
    """Return why the system refuses, to be told in any language."""
    known = _SAID.get(error.errno or 0)
    return Word(known or error.strerror or type(error).__name__)


def library_words(error: Exception, most: int = 160) -> str:
    """Return what a library says of a failure, on one line of so many characters at most."""
    return " ".join(str(error).split())[:most]


def _dated(example: str, language: str) -> str:
    """Return an example with its dates in words; what is no date stays as it is."""

    def told(match: re.Match[str]) -> str:
        try:
            return long_date(dt.date.fromisoformat(match[0]), language)
        except ValueError:
            return match[0]

    return _DATE.sub(told, example)


@dataclass(frozen=True)
class Finding:
    """Something a user should know before the work starts.

    Attributes
    ----------
    severity
        ``error`` stops the run, ``warning`` changes how results read, ``info`` informs.
    code
        Stable machine name, e.g. ``"stops_far_from_streets"``.
    message
        English template, formatted with ``params``; key of the French catalogue.
    source
        File or section it is about.
    count
        How many rows are concerned.
    examples
        A few of them, at most five.
    """

    severity: Severity
    code: str
    message: str
    source: str = ""
    count: int = 0
    examples: tuple[str, ...] = ()
    params: dict[str, Any] = field(default_factory=dict)

    def render(self, language: str) -> str:
        """Return the message in ``language``, its dates in words."""
        text = translate(
            self.message, language, count=self.count, **measured(self.params, language)
        )
        if self.examples:
            named = ", ".join(_dated(example, language) for example in self.examples)
            text += f" {named}" if text.endswith(":") else f" ({named})"
        return one_line(text)
