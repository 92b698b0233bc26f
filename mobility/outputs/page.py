"""The report as one HTML page that needs no network: styles and pictures stand inside it."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

from mobility.outputs import blocks
from mobility.outputs.pictures import STYLES

#: Letters of the longest word that a table keeps whole.
LONGEST_WORD = 30


def html_page(document: blocks.Document) -> str:
    """Return a report as a self-contained page."""
    parts = [b.text for b in document.blocks if isinstance(b, blocks.Heading) and b.level == 1]
    links = "".join(f'<li><a href="#{_anchor(text)}">{escape(text)}</a></li>' for text in parts[1:])
    body = "\n".join(RENDERERS[type(block)](block) for block in document.blocks)
    return (
        f'<!DOCTYPE html>\n<html lang="{document.language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(document.title)} · {escape(document.subtitle)}</title>\n"
        f"<style>\n{_css()}</style>\n</head>\n<body>\n"
        f"<header><h1>{escape(document.title)}</h1><p>{escape(document.subtitle)}</p></header>\n"
        f'<nav aria-label="{escape(document.subtitle)}"><ul>{links}</ul></nav>\n'
        f"<main>\n{body}\n</main>\n<footer>{escape(document.footer)}</footer>\n</body>\n</html>\n"
    )


@cache
def _css() -> str:
    """Return the styles, the hatches of the map page included."""
    fills = []
    for i, (colour, hatch, ink) in enumerate(STYLES):
        angles = {"": (), "/": (-45,), "\\": (45,), "x": (45, -45)}[hatch[:1]]
        lines = ", ".join(
            f"repeating-linear-gradient({a}deg, transparent 0 3px, {ink} 3px 4px)" for a in angles
        )
        image = f"background-image: {lines};" if lines else ""
        fills.append(f".s{i} {{ background-color: {colour}; {image} }}")
    css = (files(__package__) / "static" / "report.css").read_text(encoding="utf-8")
    return css + "\n".join(fills) + "\n"


def _anchor(text: str) -> str:
    return "part-" + re.sub(r"\W+", "-", text.lower()).strip("-")


def _heading(heading: blocks.Heading) -> str:
    mark = f' id="{_anchor(heading.text)}"' if heading.level == 1 else ""
    turn = ' class="turn"' if heading.new_page else ""
    return f"<h{heading.level + 1}{mark}{turn}>{escape(heading.text)}</h{heading.level + 1}>"


def _text(text: blocks.Text) -> str:
    return f'<p class="{text.look}">{escape(text.text)}</p>'


def _bullets(bullets: blocks.Bullets) -> str:
    return f"<ul>{''.join(_item(*item) for item in bullets.items)}</ul>"


def _cards(cards: blocks.Cards) -> str:
    return f'<div class="cards">{"".join(_card(card) for card in cards.cards)}</div>'


def _panel(panel: blocks.Panel) -> str:
    notes = "".join(f"<dt>{escape(a)}</dt><dd>{escape(b)}</dd>" for a, b in panel.notes)
    return (
        f'<div class="panel">{_figure(panel.figure)}'
        f'<div>{_card(panel.card, detailed=True)}<dl class="notes">{notes}</dl></div></div>'
    )


def _strip(strip: blocks.Strip) -> str:
    return f'<div class="strip">{"".join(_figure(f) for f in strip.figures)}</div>'


def _item(start: str, text: str) -> str:
    bold = f"<b>{escape(start)}</b> " if start else ""
    return f"<li>{bold}{escape(text)}</li>"


def _table(table: blocks.Table) -> str:
    classes = [' class="n"' if numeric else "" for numeric in table.numeric]
    head = "".join(
        f'<th scope="col"{c}>{escape(h)}</th>' for c, h in zip(classes, table.heads, strict=True)
    )
    rows = "".join(
        "<tr>"
        + "".join(_cell(v, numeric) for v, numeric in zip(row, table.numeric, strict=True))
        + "</tr>"
        for row in table.rows
    )
    return (
        f'<div class="scroll" tabindex="0"><table><caption>{escape(table.caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _cell(text: str, numeric: bool) -> str:
    """Return a cell; a word too long for any column, such as a hash, may break anywhere."""
    long = max((len(word) for word in text.split()), default=0) > LONGEST_WORD
    kind = ' class="n"' if numeric else ' class="long"' if long else ""
    return f"<td{kind}>{escape(text)}</td>"


def _card(card: blocks.Card, *, detailed: bool = False) -> str:
    flag = f' <span class="flag">{escape(card.flag)}</span>' if card.flag else ""
    rows = "".join(_part(part) for part in card.parts) if detailed else ""
    return (
        f'<section class="card"><h3>{escape(card.title)}{flag}</h3>'
        f'<p class="sub">{escape(card.subtitle)}</p>'
        f'<p class="key"><strong>{escape(card.headline)}</strong>'
        f"<span>{escape(card.sentence)}</span></p>{_bar(card.parts)}"
        + (f'<dl class="parts">{rows}</dl>' if rows else "")
        + "</section>"
    )


def _bar(parts: tuple[blocks.Part, ...]) -> str:
    spans = "".join(
        f'<span class="s{p.style}" style="flex-grow:{p.share:.4f}"></span>'
        for p in parts
        if p.share
    )
    return f'<div class="bar" aria-hidden="true">{spans}</div>'


def _part(part: blocks.Part) -> str:
    return (
        f'<div><dt><i class="swatch s{part.style}"></i>{escape(part.label)}</dt>'
        f"<dd>{escape(part.value)}<small>{escape(part.percent)}</small></dd></div>"
    )


def _figure(figure: blocks.Figure) -> str:
    data = base64.b64encode(figure.png).decode("ascii")
    return (
        f'<figure><img alt="{escape(figure.alt)}" src="data:image/png;base64,{data}">'
        f"<figcaption><b>{escape(figure.title)}</b> {escape(figure.caption)}</figcaption></figure>"
    )


def _single(figure: blocks.Figure) -> str:
    return f'<div class="single">{_figure(figure)}</div>'


def _legend(legend: blocks.Legend) -> str:
    entries = "".join(
        f'<li><i class="swatch s{i}"></i>{escape(label)}</li>' for i, label in legend.entries
    )
    return f'<ul class="legend">{entries}</ul>'


#: How each kind of block is written.
RENDERERS: dict[type[blocks.Block], Callable[[Any], str]] = {
    blocks.Heading: _heading,
    blocks.Text: _text,
    blocks.Bullets: _bullets,
    blocks.Table: _table,
    blocks.Figure: _single,
    blocks.Cards: _cards,
    blocks.Panel: _panel,
    blocks.Strip: _strip,
    blocks.Legend: _legend,
}
