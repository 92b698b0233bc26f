"""What report, plan and letter are made of, and the registry of tables.

A document holds ready texts, whether a page, a PDF or a text comes of it: each output writes them
as they are, so that nothing in them is ever taken for markup or for a template.

``tables.toml`` says once what each table holds, column by column, in both languages; CSV files,
spreadsheet, pages, terminal and ``docs/outputs.md`` follow it. A table is added by its entry there
and by the function that computes it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from mobility.base.files import write_text
from mobility.base.i18n import LANGUAGES, typeset
from mobility.base.literal import csv_text
from mobility.outputs.words import NOTHING, Words, factor_text


@dataclass(frozen=True)
class Block:
    """A part of a document; templates know it by its kind."""

    @property
    def kind(self) -> str:
        """The name of its class."""
        return type(self).__name__


@dataclass(frozen=True)
class Heading(Block):
    """A title of level 1 (a part) or 2; ``new_page`` where print turns the page."""

    text: str
    level: int = 1
    new_page: bool = False


@dataclass(frozen=True)
class Text(Block):
    """A paragraph; ``look`` is ``body``, ``lead``, ``note``, ``callout`` or, in letters, ``right``.

    Lines of one that stands on the right, such as an address, are parted by line ends.
    """

    text: str
    look: str = "body"


@dataclass(frozen=True)
class Bullets(Block):
    """A list; each item is a bold beginning, possibly empty, and its text."""

    items: tuple[tuple[str, str], ...]
    numbered: bool = False


@dataclass(frozen=True)
class Table(Block):
    """Rows of ready texts; ``numeric`` columns are set flush right.

    One that is ``whole`` keeps its rows where a document is printed on fewer pages.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]
    caption: str = ""
    whole: bool = False


@dataclass(frozen=True)
class Figure(Block):
    """A PNG picture, what it shows in words, and its caption (bold beginning, text)."""

    png: bytes
    alt: str
    title: str
    caption: str = ""


@dataclass(frozen=True)
class Part(Block):
    """One class of a split of the labour pool.

    Attributes
    ----------
    style
        Index into ``mobility.outputs.pictures.STYLES``.
    value, percent
        Ready texts.
    share
        Of the bar, 0 to 1.
    """

    style: int
    label: str
    value: str
    percent: str
    share: float


@dataclass(frozen=True)
class Card(Block):
    """A roster in one line: name, headline figure, and the split of its pool as a bar."""

    title: str
    subtitle: str
    headline: str
    sentence: str
    parts: tuple[Part, ...]
    flag: str = ""


@dataclass(frozen=True)
class Cards(Block):
    """Cards under each other."""

    cards: tuple[Card, ...]


@dataclass(frozen=True)
class Panel(Block):
    """A picture beside the split of the pool, with notes under it."""

    figure: Figure
    card: Card
    notes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Strip(Block):
    """Small pictures side by side."""

    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Legend(Block):
    """What colours and hatches mean: (index of the style, label)."""

    entries: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Document:
    """A whole report, plan or letter in one language, its texts set as in print.

    Cells of tables are ready: some hold what is copied, such as the name of a file.

    Attributes
    ----------
    about
        The territory it is about, which names the index of its folder.
    most_pages
        Of its PDF; 0 for as many as it takes.
    """

    language: str
    title: str
    blocks: tuple[Block, ...]
    subtitle: str = ""
    footer: str = ""
    about: str = ""
    most_pages: int = 0

    def __post_init__(self) -> None:
        """Set every text as in print, names of the user's own included."""
        for name in ("title", "subtitle", "footer", "blocks"):
            object.__setattr__(self, name, _printed(getattr(self, name), self.language))

    @property
    def parts(self) -> tuple[Heading, ...]:
        """The headings of its parts."""
        return tuple(b for b in self.blocks if isinstance(b, Heading) and b.level == 1)


def _printed(part: Any, language: str) -> Any:
    if isinstance(part, str):
        return typeset(part, language)
    if isinstance(part, tuple):
        return tuple(_printed(one, language) for one in part)
    if not is_dataclass(part) or isinstance(part, type):
        return part
    ready = {"rows", "look"}
    found = {f.name: getattr(part, f.name) for f in fields(part) if f.name not in ready}
    return replace(part, **{name: _printed(one, language) for name, one in found.items()})


Kind = Literal[
    "text", "count", "expected", "value", "exact", "money", "share", "clock", "date", "flag",
    "symbol", "factor", "reason", "roster", "shift", "day", "group", "network", "copied",
]  # fmt: skip
#: Rows of a table on a page that must stay short; the spreadsheet has them all.
MOST_ROWS = 12
#: Units, in English, of counts that their headings explain.
_PEOPLE = ("", "workers", "persons", "employees", "jobs", "riders")
_NUMERIC = ("count", "expected", "value", "exact", "money", "share", "clock")


@dataclass(frozen=True)
class Column:
    """A column: its key in the frame, what it holds, and its words by language.

    Attributes
    ----------
    said
        Language → heading, unit and meaning as they are written; the two latter may be empty.
    """

    key: str
    kind: Kind
    said: Mapping[str, Sequence[str]]

    @cached_property
    def texts(self) -> Mapping[str, tuple[str, str, str]]:
        """Language → heading, unit and meaning as they are printed."""
        found = {}
        for lang in LANGUAGES:
            heading, unit, meaning = (typeset(text, lang) for text in self.said[lang])
            found[lang] = heading, unit, meaning
        return found

    def heading(self, language: str) -> str:
        """Return the heading without its unit."""
        return self.texts[language][0]

    def measure(self, language: str) -> str:
        """Return the heading, with its unit where what is counted is no people."""
        heading, unit, _ = self.texts[language]
        return heading if self.texts["en"][1] in _PEOPLE else f"{heading} ({unit})"

    def label(self, language: str) -> str:
        """Return the heading with its unit, e.g. ``Labour pool (workers)``."""
        heading, unit, _ = self.texts[language]
        return f"{heading} ({unit})" if unit else heading


@dataclass(frozen=True)
class Spec:
    """What ``tables.toml`` says of a table.

    Attributes
    ----------
    file, command
        Where it is written and by which command; empty for one that only fills a sheet.
    name, note
        Language → short name, and what the table tells.
    row
        What a row stands for, in English.
    shown
        Keys of the columns on pages and in the terminal; all when empty.
    sheet_only
        Keys of columns that its file does not have.
    open
        Kind of further columns that may follow, which are their own headings.
    """

    key: str
    name: Mapping[str, str]
    note: Mapping[str, str]
    row: str
    columns: tuple[Column, ...]
    file: str = ""
    command: str = ""
    shown: tuple[str, ...] = ()
    sheet_only: tuple[str, ...] = ()
    open: Kind | None = None


@dataclass(frozen=True)
class Sheet:
    """A table: what it is, those of its columns that are wanted, and its rows."""

    spec: Spec
    columns: tuple[Column, ...]
    frame: pd.DataFrame

    def only(self, *keys: str, rows: Iterable[bool] | None = None) -> Sheet:
        """Return the sheet with some columns, in their order, and some rows only."""
        frame = self.frame if rows is None else self.frame[list(rows)]
        known = {c.key: c for c in self.columns}
        columns = tuple(known[key] for key in keys if key in known) if keys else self.columns
        return replace(self, columns=columns, frame=frame)

    def brief(self, *, rows: Iterable[bool] | None = None) -> Sheet:
        """Return the sheet with the columns that pages and terminal show."""
        return self.only(*self.spec.shown, rows=rows)


@cache
def registry() -> Mapping[str, Spec]:
    """Return every table by its key."""
    read = tomllib.loads((files(__package__) / "tables.toml").read_text(encoding="utf-8"))
    return {key: _spec(key, said, read["columns"]) for key, said in read["tables"].items()}


def _spec(key: str, said: dict[str, Any], columns: Mapping[str, Any]) -> Spec:
    own = said.pop("own", {})
    for part in ("name", "note"):
        said[part] = {lang: typeset(text, lang) for lang, text in said.get(part, {}).items()}
    said["columns"] = tuple(
        _column(name, own.get(name) or columns[name]) for name in said["columns"]
    )
    said |= {name: tuple(said[name]) for name in ("shown", "sheet_only") if name in said}
    return Spec(key=key, **said)


def _column(key: str, said: Mapping[str, Any]) -> Column:
    return Column(key, said.get("kind", "text"), {lang: said[lang] for lang in LANGUAGES})


def sheet_of(key: str, frame: pd.DataFrame, *, fill: bool = False) -> Sheet:
    """Return a frame as the table of a key.

    Parameters
    ----------
    fill
        Leave out what the registry does not know; columns that lack are missing values.

    Raises
    ------
    KeyError
        The registry does not know a column.
    """
    spec = registry()[key]
    known = {c.key: c for c in spec.columns}
    if fill:
        return Sheet(spec, spec.columns, frame.reindex(columns=list(known)))
    further = [name for name in map(str, frame.columns) if name not in known]
    if further and spec.open is None:
        raise KeyError(f"tables.toml does not know {further} of {key}")
    kind = spec.open or "text"
    columns = [c for c in spec.columns if c.key in frame]
    columns += [
        _column(name, {"kind": kind, "fr": (name, "", ""), "en": (name, "", "")})
        for name in further
    ]
    return Sheet(spec, tuple(columns), frame)


def cell_text(words: Words, kind: Kind, value: Any) -> str:
    """Return a value as people read it; what they copy, such as an identifier, as it is."""
    if pd.isna(value):
        return words.day("") if kind == "day" else NOTHING
    write = {
        "count": words.number,
        # Whole jobs and users to read; spreadsheets and files hold what euros are divided by.
        "expected": words.number,
        "value": words.value,
        # A factor, its band, a price: what people multiply by.
        "exact": words.exact,
        # Whole euros to read; spreadsheets and files hold the cents.
        "money": words.number,
        "share": words.percent,
        "clock": words.clock,
        "date": words.date,
        "flag": lambda flag: words.t("yes" if flag else "no"),
        "symbol": words.symbol,
        "factor": lambda name: factor_text(str(name), words),
        "reason": words.reason,
        "roster": words.roster,
        "shift": lambda names: words.shift(_plain(names)),
        "day": words.day,
        "group": lambda name: words.known("group", name).replace("_", " "),
        "network": lambda line: line or words.t("whole network"),
        "text": lambda text: words.set_spaces(_plain(text)),
        "copied": _plain,
    }[kind]
    return str(write(value))


def _plain(value: object) -> str:
    """Return a text as it is, and a whole number, such as a year, without decimals."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def table_block(
    sheet: Sheet, words: Words, *, caption: str | None = None, most: int | None = None
) -> Table:
    """Return a sheet as a table of a document.

    Parameters
    ----------
    caption
        What the table tells when None.
    most
        Rows kept; the caption says how many are left to the spreadsheet.
    """
    rows = [
        tuple(cell_text(words, c.kind, row[c.key]) for c in sheet.columns)
        for row in sheet.frame.head(most or len(sheet.frame)).to_dict("records")
    ]
    told = words.set_spaces(sheet.spec.note[words.language]) if caption is None else caption
    if len(rows) < len(sheet.frame):
        left = words.number(len(sheet.frame) - len(rows))
        name = sheet.spec.name[words.language]
        told += " " + words.t(
            "Rows left out here: {number}; all are in the spreadsheet, sheet “{sheet}”.",
            number=left,
            sheet=name,
        )
    return Table(
        tuple(words.set_spaces(c.label(words.language)) for c in sheet.columns),
        tuple(rows),
        tuple(c.kind in _NUMERIC for c in sheet.columns),
        told,
    )


def write_csv(folder: Path, key: str, frame: pd.DataFrame, *, name: str = "") -> Path:
    """Write a frame as the file of a table, or as one of a name of its own.

    Raises
    ------
    KeyError
        The registry does not know a column.
    """
    path = folder / (name or sheet_of(key, frame).spec.file)
    write_text(path, csv_text(frame))
    return path
