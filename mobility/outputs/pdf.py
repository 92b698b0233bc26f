"""The report as a PDF, drawn with fpdf2 and the DejaVu fonts that Matplotlib brings along."""

from __future__ import annotations

import datetime as dt
import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from mobility.base.literal import one_line
from mobility.outputs import blocks
from mobility.outputs.pictures import RATIO, STYLES

if TYPE_CHECKING:
    from fpdf import FPDF

Colour = tuple[int, int, int]
INK, SOFT, RULE = (23, 33, 42), (82, 96, 107), (216, 221, 225)
WASH, FLAG, SENSE = (243, 245, 246), (138, 50, 18), (201, 105, 74)
#: Millimetres: A4 portrait.
LEFT, TOP, BOTTOM, WIDTH = 16.0, 16.0, 17.0, 178.0
LINE = 1.38
BODY_PT, NOTE_PT, TABLE_PT = 8.6, 7.4, 6.9
HEAD_PT = {1: 15.5, 2: 11.0}
BAR_MM, GUTTER, SINGLE_MM = 3.6, 2.8, 112.0
#: A PDF holds the time it was made; a fixed one keeps the bytes the same.
NO_TIME = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
#: Stands for the number of pages until it is known; fpdf2's own, {nb}, may stand in a text.
PAGES = "\x02\x03"
#: Glyphs missing from the fonts are drawn as this one.
UNKNOWN = "□"


def pdf_bytes(document: blocks.Document) -> bytes:
    """Return a report as an A4 PDF: the same document gives the same bytes."""
    return _Press(document).press()


class _Press:
    """Lays the blocks of one document out, top to bottom."""

    def __init__(self, document: blocks.Document) -> None:
        from fpdf import FPDF

        class Sheet(FPDF):
            """A page with the document's footer."""

            def footer(self) -> None:
                self.set_y(-11)
                self.set_font("dejavu", size=6.6)
                self.set_text_color(*SOFT)
                self.cell(WIDTH - 20, 4, footer)
                self.cell(20, 4, f"{self.page_no()} / {PAGES}", align="R")

        self.document = document
        self.ahead = 0.0
        self.counted: dict[tuple[str, float, float, bool], int] = {}
        self.pdf: FPDF = Sheet(format="A4")
        fonts = _fonts()
        for style, file in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
            self.pdf.add_font("dejavu", style, str(fonts / file))
        self.glyphs = set(getattr(self.pdf.fonts["dejavu"], "cmap", ()))
        footer = self.clean(document.footer)
        self.pdf.alias_nb_pages(PAGES)
        self.pdf.set_margins(LEFT, TOP, LEFT)
        self.pdf.c_margin = 0
        self.pdf.set_auto_page_break(True, BOTTOM)
        self.pdf.set_creation_date(NO_TIME)
        self.pdf.set_title(one_line(document.title))
        self.pdf.set_lang(document.language)
        self.pdf.set_producer("mobility")

    def clean(self, text: str) -> str:
        """Return a text without control characters and glyphs the fonts lack."""
        return "".join(c if ord(c) in self.glyphs else UNKNOWN for c in one_line(text))

    def press(self) -> bytes:
        """Return the bytes of the document."""
        self.pdf.add_page()
        self._write(self.document.title, 20, bold=True, line=1.2)
        self._write(self.document.subtitle, 11, colour=SOFT)
        self._gap(1.5)
        self._rule(INK, 0.5)
        following = [*self.document.blocks[1:], None]
        for block, after in zip(self.document.blocks, following, strict=True):
            self.ahead = self._opening(after)
            self.RENDERERS[type(block)](self, block)
        return bytes(self.pdf.output())

    # --- text ---

    def _font(self, size: float, *, bold: bool = False, colour: Colour = INK) -> None:
        self.pdf.set_font("dejavu", "B" if bold else "", size)
        self.pdf.set_text_color(*colour)

    def _write(
        self,
        text: str,
        size: float = BODY_PT,
        *,
        bold: bool = False,
        colour: Colour = INK,
        x: float = LEFT,
        width: float = WIDTH,
        line: float = LINE,
        align: str = "L",
    ) -> float:
        """Write a paragraph at the current height; return the height after it."""
        self._font(size, bold=bold, colour=colour)
        self.pdf.set_x(x)
        self.pdf.multi_cell(
            width, size * line * 0.3528, self.clean(text), align=align, new_x="LEFT", new_y="NEXT",
        )  # fmt: skip
        return float(self.pdf.get_y())

    def _lines(self, text: str, size: float, width: float, *, bold: bool = False) -> int:
        """Return how many lines a text takes."""
        key = text, size, round(width, 3), bold
        if key not in self.counted:
            self._font(size, bold=bold)
            lines: Any = self.pdf.multi_cell(
                width, 4, self.clean(text), dry_run=True, output="LINES", align="L"
            )
            self.counted[key] = max(len(lines), 1)
        return self.counted[key]

    def _gap(self, mm: float) -> None:
        self.pdf.set_y(self.pdf.get_y() + mm)

    def _rule(self, colour: Colour, width: float) -> None:
        self.pdf.set_draw_color(*colour)
        self.pdf.set_line_width(width)
        y = self.pdf.get_y()
        self.pdf.line(LEFT, y, LEFT + WIDTH, y)

    def _room(self, mm: float) -> None:
        """Turn the page when fewer millimetres are left on it."""
        if self.pdf.get_y() + mm > self.pdf.h - BOTTOM and self.pdf.get_y() > TOP + 5:
            self.pdf.add_page()

    # --- blocks ---

    def _cards(self, cards: blocks.Cards) -> None:
        for card in cards.cards:
            self._room(25)
            self._gap(1.5)
            self._card(card, LEFT, WIDTH)

    def _heading(self, heading: blocks.Heading) -> None:
        if heading.new_page and self.pdf.get_y() > TOP + 16:
            self.pdf.add_page()
        size = HEAD_PT[heading.level]
        self._room(max(28, 14 + self.ahead))
        self._gap(0 if self.pdf.get_y() < TOP + 2 else 12 - 3 * heading.level)
        self._font(size, bold=True)
        self.pdf.start_section(self.clean(heading.text), heading.level - 1)
        self._write(heading.text, size, bold=True, line=1.25)
        self._gap(1.2)

    def _text(self, text: blocks.Text) -> None:
        if text.look == "callout":
            self._gap(1.5)
            lines = self._lines(text.text, BODY_PT, WIDTH - 8)
            high = lines * BODY_PT * LINE * 0.3528 + 4
            self._room(high)
            y = self.pdf.get_y()
            self.pdf.set_fill_color(*WASH)
            self.pdf.rect(LEFT, y, WIDTH, high, style="F")
            self.pdf.set_fill_color(*SENSE)
            self.pdf.rect(LEFT, y, 1.1, high, style="F")
            self.pdf.set_y(y + 2)
            self._write(text.text, x=LEFT + 4, width=WIDTH - 8)
            self.pdf.set_y(y + high + 1.5)
            return
        size, colour = {"lead": (11.0, INK), "note": (NOTE_PT, SOFT)}.get(text.look, (BODY_PT, INK))
        self._write(text.text, size, bold=text.look == "lead", colour=colour)
        self._gap(1.4)

    def _bullets(self, bullets: blocks.Bullets) -> None:
        for start, text in bullets.items:
            self._room(8)
            y = self.pdf.get_y()
            self.pdf.set_fill_color(*INK)
            self.pdf.ellipse(LEFT + 1, y + 1.5, 1, 1, style="F")
            if start:
                self._write(start, bold=True, x=LEFT + 4, width=WIDTH - 4)
            self._write(text, x=LEFT + 4, width=WIDTH - 4)
            self._gap(1.0)

    def _table(self, table: blocks.Table) -> None:
        widths = self._widths(table)
        self._room(self._opening(table))
        if table.caption:
            self._gap(1)
            self._write(table.caption, NOTE_PT, colour=SOFT)
            self._gap(0.6)
        self._row(table.heads, table, widths, bold=True)
        for row in table.rows:
            high = self._row_height(row, widths, bold=False)
            if self.pdf.get_y() + high > self.pdf.h - BOTTOM:
                self.pdf.add_page()
                self._row(table.heads, table, widths, bold=True)
            self._row(row, table, widths, bold=False)
        self._gap(2)

    def _opening(self, block: blocks.Block | None) -> float:
        """Return the millimetres that a heading keeps together with what follows it."""
        if isinstance(block, blocks.Figure):
            return SINGLE_MM / RATIO + 12
        if not isinstance(block, blocks.Table):
            return 0.0
        widths = self._widths(block)
        high = self._row_height(block.heads, widths, bold=True)
        high += sum(self._row_height(row, widths, bold=False) for row in block.rows[:1])
        lines = self._lines(block.caption, NOTE_PT, WIDTH) if block.caption else 0
        return high + lines * NOTE_PT * LINE * 0.3528 + 2

    def _widths(self, table: blocks.Table) -> list[float]:
        """Share the width out: what each column needs at least, then by its length."""
        wants, needs = [], []
        for j, head in enumerate(table.heads):
            self._font(TABLE_PT)
            texts = [self.clean(row[j]) for row in table.rows]
            full = max((self.pdf.get_string_width(t) for t in texts), default=0) + GUTTER + 0.2
            word = max(
                (self.pdf.get_string_width(w) for t in texts for w in t.split(" ")), default=0
            )
            self._font(TABLE_PT, bold=True)
            heads = max(self.pdf.get_string_width(w) for w in self.clean(head).split(" "))
            needs.append(min(max(word, heads) + GUTTER + 0.2, 60.0))
            wants.append(max(full, needs[-1]))
        same = max(
            (n for n, numeric in zip(needs, table.numeric, strict=True) if numeric), default=0
        )
        if sum(table.numeric) * same < WIDTH / 2:
            needs = [same if k else n for n, k in zip(needs, table.numeric, strict=True)]
            wants = [max(w, n) for w, n in zip(wants, needs, strict=True)]
        if sum(wants) <= WIDTH:
            spare = WIDTH - sum(wants)
            return [w + spare * w / sum(wants) for w in wants]
        total = sum(needs)
        if total >= WIDTH:
            return [WIDTH * n / total for n in needs]
        more = [w - n for w, n in zip(wants, needs, strict=True)]
        spare = WIDTH - total
        return [n + spare * m / sum(more) for n, m in zip(needs, more, strict=True)]

    def _row_height(self, cells: tuple[str, ...], widths: list[float], *, bold: bool) -> float:
        lines = max(
            self._lines(text, TABLE_PT, width - GUTTER, bold=bold)
            for text, width in zip(cells, widths, strict=True)
        )
        return lines * TABLE_PT * 1.3 * 0.3528 + 1.6

    def _row(
        self, cells: tuple[str, ...], table: blocks.Table, widths: list[float], *, bold: bool
    ) -> None:
        high = self._row_height(cells, widths, bold=bold)
        y, x = self.pdf.get_y(), LEFT
        for text, width, numeric in zip(cells, widths, table.numeric, strict=True):
            self.pdf.set_y(y + 0.8)
            self._write(
                text, TABLE_PT, bold=bold, x=x, width=width - GUTTER, line=1.3,
                align="R" if numeric else "L",
            )  # fmt: skip
            x += width
        self.pdf.set_y(y + high)
        self._rule(INK if bold else RULE, 0.35 if bold else 0.15)

    # --- figures ---

    def _card(self, card: blocks.Card, x: float, width: float, *, detailed: bool = False) -> None:
        self.pdf.set_y(self.pdf.get_y())
        y = self._write(card.title, 9.4, bold=True, x=x, width=width - 28)
        if card.flag:
            self._flag(card.flag, x + width, y - 5)
        y = self._write(card.subtitle, NOTE_PT, colour=SOFT, x=x, width=width)
        wide = 0.0 if detailed else 22.0
        self.pdf.set_y(y + 0.4)
        after_key = self._write(card.headline, 15, bold=True, x=x, width=width, line=1.15)
        self.pdf.set_y(after_key if detailed else y + 1.4)
        after = self._write(card.sentence, 8.2, x=x + wide, width=width - wide)
        self.pdf.set_y(max(after, after_key) + 0.8)
        self._bar(card.parts, x, width)
        if detailed:
            for part in card.parts:
                self._part(part, x, width)

    def _flag(self, text: str, right: float, y: float) -> None:
        self._font(6.6, bold=True, colour=(255, 255, 255))
        wide = self.pdf.get_string_width(self.clean(text)) + 4
        self.pdf.set_fill_color(*FLAG)
        self.pdf.rect(right - wide, y, wide, 4.2, style="F", round_corners=True, corner_radius=2)
        self.pdf.set_xy(right - wide, y)
        self.pdf.cell(wide, 4.2, self.clean(text), align="C")
        self.pdf.set_y(y + 5)

    def _bar(self, parts: tuple[blocks.Part, ...], x: float, width: float) -> None:
        y = self.pdf.get_y()
        for part in parts:
            wide = width * part.share
            if wide > 0.05:
                self._swatch(part.style, x, y, max(wide - 0.25, 0.1), BAR_MM)
            x += wide
        self.pdf.set_y(y + BAR_MM + 1.4)

    def _swatch(self, style: int, x: float, y: float, width: float, height: float) -> None:
        """Fill a rectangle with the colour and hatch of a status."""
        colour, hatch, ink = STYLES[style]
        pdf = self.pdf
        pdf.set_fill_color(*_rgb(colour))
        pdf.rect(x, y, width, height, style="F")
        pdf.set_draw_color(*_rgb(ink))
        pdf.set_line_width(0.16)
        with pdf.rect_clip(x, y, width, height):
            for k in range(math.ceil((width + height) / 1.3) if hatch else 0):
                at = x + 1.3 * k
                if hatch[0] in "/x":
                    pdf.line(at - height, y + height, at, y)
                if hatch[0] in "\\x":
                    pdf.line(at - height, y, at, y + height)

    def _part(self, part: blocks.Part, x: float, width: float) -> None:
        y = self.pdf.get_y()
        self._swatch(part.style, x, y + 0.5, 5, 3)
        self._write(part.label, 8, x=x + 7, width=width - 40)
        end = self.pdf.get_y()
        self.pdf.set_y(y)
        self._write(part.value, 8, bold=True, x=x + width - 40, width=25, align="R")
        self.pdf.set_y(y)
        self._write(part.percent, NOTE_PT, colour=SOFT, x=x + width - 16, width=16, align="R")
        self.pdf.set_y(end + 0.3)

    def _figure(self, figure: blocks.Figure, x: float, y: float, width: float) -> float:
        """Draw a picture and its caption; return the height after them."""
        high = width / RATIO
        self.pdf.image(io.BytesIO(figure.png), x, y, width, high, alt_text=self.clean(figure.alt))
        self.pdf.set_draw_color(*RULE)
        self.pdf.set_line_width(0.2)
        self.pdf.rect(x, y, width, high)
        self.pdf.set_y(y + high + 0.8)
        self._write(figure.title, NOTE_PT, bold=True, x=x, width=width)
        if figure.caption:
            self._write(figure.caption, NOTE_PT, colour=SOFT, x=x, width=width)
        return float(self.pdf.get_y())

    def _single(self, figure: blocks.Figure) -> None:
        self._room(self._opening(figure))
        self._figure(figure, LEFT, self.pdf.get_y() + 1, SINGLE_MM)
        self._gap(2)

    def _panel(self, panel: blocks.Panel) -> None:
        wide = 104.0
        self._room(wide / RATIO + 12)
        top = self.pdf.get_y() + 1
        end = self._figure(panel.figure, LEFT, top, wide)
        x, width = LEFT + wide + 6, WIDTH - wide - 6
        self.pdf.set_y(top)
        self._card(panel.card, x, width, detailed=True)
        self._gap(2)
        for start, text in panel.notes:
            self._write(start, NOTE_PT, bold=True, x=x, width=width)
            self._write(text, NOTE_PT, colour=SOFT, x=x, width=width)
        self.pdf.set_y(max(end, self.pdf.get_y()) + 1.5)

    def _strip(self, strip: blocks.Strip) -> None:
        wide = (WIDTH - 8) / 3
        self._room(wide / RATIO + 12)
        top = self.pdf.get_y() + 1
        ends = [
            self._figure(figure, LEFT + k * (wide + 4), top, wide)
            for k, figure in enumerate(strip.figures)
        ]
        self.pdf.set_y(max(ends) + 1)

    def _legend(self, legend: blocks.Legend) -> None:
        self._room(8)
        self._gap(1)
        x, y = LEFT, self.pdf.get_y()
        for style, label in legend.entries:
            self._font(NOTE_PT)
            wide = self.pdf.get_string_width(self.clean(label))
            if x + 8 + wide > LEFT + WIDTH:
                x, y = LEFT, y + 4.5
            self._swatch(style, x, y + 0.4, 5.5, 3.2)
            self.pdf.set_xy(x + 6.5, y)
            self._font(NOTE_PT)
            self.pdf.cell(wide + 1, 4, self.clean(label))
            x += wide + 13
        self.pdf.set_y(y + 5.5)

    #: How each kind of block is drawn.
    RENDERERS: ClassVar[dict[type[blocks.Block], Callable[[_Press, Any], None]]] = {
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


def _fonts() -> Path:
    """Return the folder of the fonts that Matplotlib brings along."""
    import matplotlib as mpl

    return Path(mpl.get_data_path()) / "fonts" / "ttf"


def _rgb(colour: str) -> Colour:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
