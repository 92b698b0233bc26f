"""A report as sections of sentences and tables, written in Markdown, HTML and CSV."""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mobility.base.files import write_text
from mobility.base.i18n import translate
from mobility.base.literal import markdown

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;"
    "color:#1b1b1b}h1{font-size:1.7rem}h2{font-size:1.25rem;margin-top:2.2rem;"
    "border-bottom:2px solid #1b5e8c}table{border-collapse:collapse;width:100%;font-size:.85rem}"
    "th,td{border-bottom:1px solid #ddd;padding:.3rem .5rem;text-align:left}"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}"
    "td.n{white-space:nowrap}h1,h2,p,li{overflow-wrap:anywhere}"
    ".scroll{overflow-x:auto}.scroll:focus-visible{outline:3px solid #d97706}"
    "@media print{body{margin:0}h2{break-after:avoid}tr{break-inside:avoid}"
    ".scroll{overflow:visible}}"
)


@dataclass(frozen=True)
class Section:
    """A heading, sentences, and tables with their captions; texts are ready to print."""

    title: str
    sentences: tuple[str, ...] = ()
    tables: tuple[tuple[str, pd.DataFrame], ...] = ()
    is_list: bool = False


@dataclass(frozen=True)
class Report:
    """A title and its sections, in one language."""

    title: str
    language: str
    sections: tuple[Section, ...]

    def to_markdown(self) -> str:
        """Return the report as Markdown."""
        lines = [f"# {markdown(self.title)}", ""]
        for section in self.sections:
            lines += [f"## {markdown(section.title)}", ""]
            for sentence in section.sentences:
                text = markdown(sentence)
                lines += [f"- {text}"] if section.is_list else [text, ""]
            if section.is_list:
                lines.append("")
            for caption, frame in section.tables:
                lines += [f"**{markdown(caption)}**", ""]
                lines += [*_markdown_table(frame, self.language), ""]
        return "\n".join(lines).rstrip() + "\n"

    def to_html(self) -> str:
        """Return the report as one page that needs nothing else."""
        body = [f"<h1>{html.escape(self.title)}</h1>"]
        for section in self.sections:
            body.append(f"<h2>{html.escape(section.title)}</h2>")
            tag = "li" if section.is_list else "p"
            texts = "".join(f"<{tag}>{html.escape(s)}</{tag}>" for s in section.sentences)
            body.append(f"<ol>{texts}</ol>" if section.is_list else texts)
            for caption, frame in section.tables:
                body.append(f"<p><strong>{html.escape(caption)}</strong></p>")
                body.append(_html_table(frame, self.language))
        return (
            f'<!doctype html><html lang="{self.language}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width">'
            f"<title>{html.escape(self.title)}</title><style>{STYLE}</style></head>"
            f"<body>{''.join(body)}</body></html>\n"
        )

    def write(self, folder: Path, name: str) -> list[Path]:
        """Write ``<name>.html`` and ``<name>.md`` into a folder."""
        written = [folder / f"{name}.html", folder / f"{name}.md"]
        write_text(written[0], self.to_html())
        write_text(written[1], self.to_markdown())
        return written


def cell(value: object, language: str) -> str:
    """Return a table cell as people read it; missing values as a dash."""
    if value is None or value is pd.NA or (isinstance(value, float) and pd.isna(value)):
        return "–"
    if isinstance(value, bool):
        return translate("yes" if value else "no", language)
    if isinstance(value, int | float):
        whole = float(value).is_integer()
        text = f"{value:,.0f}" if whole else f"{value:,.2f}".rstrip("0").rstrip(".")
        if language == "fr":
            return text.replace(",", "\u202f").replace(".", ",")
        return text
    return translate(str(value), language)


def _heads(frame: pd.DataFrame, language: str) -> list[str]:
    return [translate(str(column), language) for column in frame.columns]


def _numeric(frame: pd.DataFrame) -> list[bool]:
    return [
        pd.api.types.is_numeric_dtype(frame[c]) and not pd.api.types.is_bool_dtype(frame[c])
        for c in frame.columns
    ]


def _rows(frame: pd.DataFrame, language: str) -> list[list[str]]:
    columns = [frame[c].astype(object).tolist() for c in frame.columns]
    return [[cell(v, language) for v in row] for row in zip(*columns, strict=True)]


def _markdown_table(frame: pd.DataFrame, language: str) -> list[str]:
    marks = ["---:" if numeric else "---" for numeric in _numeric(frame)]
    lines = [_heads(frame, language), *_rows(frame, language)]
    heads, *rows = (" | ".join(map(markdown, line)) for line in lines)
    return [f"| {line} |" for line in (heads, " | ".join(marks), *rows)]


def _html_table(frame: pd.DataFrame, language: str) -> str:
    classes = [' class="n"' if numeric else "" for numeric in _numeric(frame)]
    head = "".join(
        f"<th{c}>{html.escape(h)}</th>"
        for c, h in zip(classes, _heads(frame, language), strict=True)
    )
    rows = "".join(
        "<tr>"
        + "".join(f"<td{c}>{html.escape(v)}</td>" for c, v in zip(classes, row, strict=True))
        + "</tr>"
        for row in _rows(frame, language)
    )
    return (
        f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )
