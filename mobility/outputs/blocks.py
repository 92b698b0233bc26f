"""What a report is made of, independent of whether it becomes a page or a PDF."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Heading:
    """A title of level 1 (a part) or 2; ``new_page`` where print turns the page."""

    text: str
    level: int = 1
    new_page: bool = False


@dataclass(frozen=True)
class Text:
    """A paragraph; ``look`` is ``body``, ``lead``, ``note`` or ``callout``."""

    text: str
    look: str = "body"


@dataclass(frozen=True)
class Bullets:
    """A list; each item is a bold beginning, possibly empty, and its text."""

    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Table:
    """Rows of ready texts; ``numeric`` columns are set flush right, ``wide`` is a share."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]
    caption: str = ""


@dataclass(frozen=True)
class Figure:
    """A PNG picture, what it shows in words, and its caption (bold beginning, text)."""

    png: bytes
    alt: str
    title: str
    caption: str = ""


@dataclass(frozen=True)
class Part:
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
class Card:
    """A roster in one line: name, headline figure, and the split of its pool as a bar."""

    title: str
    subtitle: str
    headline: str
    sentence: str
    parts: tuple[Part, ...]
    flag: str = ""


@dataclass(frozen=True)
class Cards:
    """Cards under each other."""

    cards: tuple[Card, ...]


@dataclass(frozen=True)
class Panel:
    """A picture beside the split of the pool, with notes under it."""

    figure: Figure
    card: Card
    notes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Strip:
    """Small pictures side by side."""

    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Legend:
    """What colours and hatches mean: (index of the style, label)."""

    entries: tuple[tuple[int, str], ...]


Block = Heading | Text | Bullets | Table | Figure | Cards | Panel | Strip | Legend


@dataclass(frozen=True)
class Document:
    """A whole report in one language."""

    language: str
    title: str
    subtitle: str
    footer: str
    blocks: tuple[Block, ...]
