"""What report, plan and letter are made of, whether a page, a PDF or a text comes of it.

A document holds ready texts: each output writes them as they are, so that nothing in them is
ever taken for markup or for a template.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from mobility.base.i18n import typeset


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
    """Rows of ready texts; ``numeric`` columns are set flush right."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]
    caption: str = ""


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
