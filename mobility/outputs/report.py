"""The report of a run: its sentences, pictures and tables in one language, and its files."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from mobility.base import __version__
from mobility.base.errors import Finding
from mobility.base.files import read_json, staging
from mobility.commute.access import Access, counted_rows, roster_shifts, rosters
from mobility.commute.study import Progress, ShiftRow, Study, quiet
from mobility.commute.white_zones import REASONS, WhiteZones
from mobility.outputs import tables as blocks
from mobility.outputs.advice import (
    Advice,
    advice_sentence,
    decisions,
    has_advice,
    modes_that_count,
    plan_sentence,
    present_sentences,
    read_advice,
)
from mobility.outputs.pictures import Painter
from mobility.outputs.record import NO_PDF, RECORD, is_of, write_record
from mobility.outputs.render import docx_bytes, html_page, pdf_bytes
from mobility.outputs.shuttle_tables import Shuttles, read_shuttles, shuttle_part, shuttle_sheets
from mobility.outputs.tables import MOST_ROWS, Sheet, sheet_of, table_block
from mobility.outputs.words import DEFINITIONS, MARKS, METHODS, NOTHING, REMEDIES, WORST_OF, Words
from mobility.outputs.workbook import all_sheets, workbook_bytes
from mobility.territory.project import source_files

#: Pictures of shifts side by side.
_ABREAST = 3
#: Of the rosters of most jobs a report shows these, on the first page and with their maps; the
#: spreadsheet has every one of them.
_MOST_PAGES, _MOST_CARDS, _MOST_MAPS = 12, 6, 4
_NOT_SEARCHED = (
    "What costs less than a shuttle has not been searched for: the command “mobility levers” does "
    "so, and this page then tells what is advised."
)
_OUTDATED = (
    "The remedies found in this folder are of other inputs, or of before these shuttles: run "
    "the command “mobility levers” again, and this page then tells what is advised."
)
_LAST_RETURN = (
    "How long one may stay after the end of the shift and still get home by public transport or on "
    "foot within the limits, by steps of 15 minutes up to three hours."
)
LEGEND = ("There and back", "Outbound only", "Return only", "Neither direction")


@dataclass(frozen=True)
class Writer:
    """Turns results into blocks; ``outdated`` where advice was found for something else."""

    access: Access
    zones: WhiteZones
    words: Words
    sheets: dict[str, Sheet]
    shuttles: Shuttles | None = None
    advice: Advice | None = None
    outdated: bool = False

    @property
    def study(self) -> Study:
        """The study of the results."""
        return self.access.study

    @cached_property
    def painter(self) -> Painter:
        """The maps, which share one background."""
        found = {s.attribution: None for s in self.study.sources if s.role == "streets"}
        return Painter(self.study, " · ".join(filter(None, found)) or "")

    def document(self) -> blocks.Document:
        """Return the whole report."""
        t, name = self.words.t, self.study.territory.name
        return blocks.Document(
            language=self.words.language,
            title=name,
            subtitle=t("Who can get to work and back home, on every shift"),
            footer=t("{territory} · mobility {version}", territory=name, version=__version__),
            blocks=(
                *self.essentials(),
                *self._sites(),
                *self._white_zones(),
                *self._themed("late", t("Last return"), t(_LAST_RETURN)),
                *self._themed("groups", t("Groups of the population")),
                *self._remedies(),
                *self._shuttles(),
                *self._themed("comparison", t("Before and after the plan")),
                *self._grounds(),
            ),
            most_pages=_MOST_PAGES,
        )

    # --- the first page ---

    def essentials(self) -> Iterator[blocks.Block]:
        """Yield the first page."""
        t, frame = self.words.t, self.sheets["summary"].frame
        yield blocks.Heading(t("In one page"))
        if self.study.scenario:
            yield blocks.Text(t("The figures include the plan: {plan}.", plan=self.study.scenario))
        k = self._largest(1)[0]
        row = frame.to_dict("records")[k]
        threshold = self.study.territory.limits.white_site_share
        told = present_sentences(row, frame, self.sheets["shifts"].frame, self.words, threshold)
        yield blocks.Text(told[0], "lead")
        yield from map(blocks.Text, told[1:])
        yield self._panel(k)
        yield blocks.Legend(self._legend(LEGEND))
        yield blocks.Heading(t("What is advised, what it costs, whom it helps"), 2)
        yield from self._decisions()
        white = f"{t('White zone')}. {t(DEFINITIONS['White zone'])}"
        yield blocks.Text(white, "callout")
        counting = modes_that_count(self.study.territory, self.words)
        yield blocks.Text(f"{self._limits()} {counting}", "note")

    def _decisions(self) -> Iterator[blocks.Block]:
        if self.advice is not None:
            yield blocks.Text(advice_sentence(self.advice, self.words))
            table = decisions(self.advice, self.words)
            if table is not None:
                yield table
        else:
            yield blocks.Text(self.words.t(_OUTDATED if self.outdated else _NOT_SEARCHED))
        if self.shuttles is not None:
            yield blocks.Text(self._plan())

    def _plan(self) -> str:
        assert self.shuttles is not None
        return plan_sentence(self.shuttles.row, self.advice, self.words)

    def _panel(self, k: int) -> blocks.Panel:
        """Return the map of a roster beside its card."""
        words, (site, roster), shift_ids = self.words, *list(roster_shifts(self.study).items())[k]
        found = rosters(self.access)
        name, place = words.roster(roster), self.study.sites[site]
        figure = blocks.Figure(
            self.painter.png(found.status(list(counted_rows(found))[k]), site),
            self._alt(place.name, name, words.t("all working days")),
            words.t("Roster {roster}: every shift, every kind of working day", roster=name),
        )
        card = self._card(self.sheets["summary"].frame.to_dict("records")[k])
        return blocks.Panel(figure, card, self._notes(shift_ids))

    def _legend(self, labels: tuple[str, ...]) -> tuple[tuple[int, str], ...]:
        styles = (0, 1, 3) if len(labels) == 3 else range(4)
        return tuple((i, self.words.t(label)) for i, label in zip(styles, labels, strict=True))

    def _card(self, row: dict[Hashable, Any]) -> blocks.Card:
        t, words = self.words.t, self.words
        roster = words.roster(str(row["roster"]))
        parts = tuple(
            self._part(style, label, row[key], row["pool"])
            for style, label, key in (
                (0, "There and back", "reachable"),
                (1, "One way only", "one_way_only"),
                (3, "Neither direction", "neither"),
            )
        )
        sentence = t(
            "{n} of {pool} workers can go and come back",
            n=words.number(row["reachable"]),
            pool=words.number(row["pool"]),
        )
        jobs, reason = t("{n} jobs", n=words.number(row["headcount"])), str(row["main_reason"])
        if reason:
            sentence += t("; main obstacle: {reason}", reason=words.reason(reason))
        return blocks.Card(
            title=f"{row['site']} · {roster}",
            subtitle=" · ".join(filter(None, [str(row["employer"]), jobs])),
            headline=words.percent(row["share"]),
            sentence=sentence,
            parts=parts,
            flag=t("White site") if row["is_white"] else "",
        )

    def _part(self, style: int, label: str, count: int, pool: int) -> blocks.Part:
        words, share = self.words, count / pool if pool else 0.0
        return blocks.Part(style, words.t(label), words.number(count), words.percent(share), share)

    def _limits(self) -> str:
        limits, words = self.study.territory.limits, self.words
        return words.t(
            "A direction holds within these limits: {total} min door to door, {walk} min on foot, "
            "{changes} changes, no wait over {wait} min; {margin_in} min from the gate to the "
            "work station, {margin_out} min back.",
            total=words.number(limits.max_total_min),
            walk=words.number(limits.max_walk_min),
            changes=limits.max_transfers,
            wait=words.number(limits.max_wait_min),
            margin_in=words.number(limits.margin_in_min),
            margin_out=words.number(limits.margin_out_min),
        )

    # --- site by site ---

    def _sites(self) -> Iterator[blocks.Block]:
        t, study = self.words.t, self.study
        cards = self.sheets["summary"].frame.to_dict("records")
        shifts = list(roster_shifts(study).items())
        wanted, first = self._largest(_MOST_MAPS), self._largest(1)[0]
        yield blocks.Heading(t("Site by site"), new_page=True)
        yield blocks.Text(t(WORST_OF))
        yield blocks.Cards(tuple(self._card(cards[k]) for k in self._largest(_MOST_CARDS)))
        yield blocks.Legend(self._legend(("There and back", "One way only", "Neither direction")))
        if len(wanted) < len(cards):
            told = t(
                "Rosters without a map here: {number}; their figures are in the spreadsheet, "
                "their map in map.html.",
                number=len(cards) - len(wanted),
            )
            yield blocks.Text(told, "note")
        site_before = -1
        for k in wanted:
            (site, roster), shift_ids = shifts[k]
            if site != site_before:
                yield blocks.Heading(study.sites[site].name, 2)
            site_before = site
            if k != first:
                yield self._panel(k)
                yield blocks.Legend(self._legend(LEGEND))
            yield from self._shifts(site, roster, shift_ids)

    def _largest(self, most: int) -> list[int]:
        """Return the rows of the rosters of most jobs that are studied, in the summary's order."""
        frame = self.sheets["summary"].frame.reset_index(drop=True)
        studied = frame[frame["reachable"].notna()]
        largest = studied["headcount"].sort_values(ascending=False, kind="stable")
        return sorted(int(k) for k in largest.index[:most])

    def _notes(self, shift_ids: list[int]) -> tuple[tuple[str, str], ...]:
        rows = [self.study.shift_rows[i] for i in shift_ids]
        return tuple(
            (
                self.words.shift(row.shift),
                f"{self.words.hours(row.start_s, row.end_s)}, {self.words.weekdays(row.days)}",
            )
            for row in rows
        )

    def _alt(self, site: str, work: str, day: str) -> str:
        return self.words.t(
            "Map of the homes by what holds: {site}, {work}, {day}", site=site, work=work, day=day
        )

    def _shifts(self, site: int, roster: str, shift_ids: list[int]) -> Iterator[blocks.Block]:
        words, study = self.words, self.study
        pictures = [p for i in shift_ids if (p := self._shift_picture(study.shift_rows[i]))]
        if len(shift_ids) > 1:
            for k in range(0, len(pictures), _ABREAST):
                yield blocks.Strip(tuple(pictures[k : k + _ABREAST]))
        sheet = self.sheets["shifts"]
        mine = (sheet.frame["site"] == study.sites[site].name) & (sheet.frame["roster"] == roster)
        yield table_block(
            sheet.brief(rows=mine),
            words,
            most=MOST_ROWS,
            caption=words.t(
                "Workers by what holds, on each kind of day; labour pool: {pool} workers.",
                pool=words.number(sheet.frame.loc[mine, "pool"].iloc[0]),
            ),
        )

    def _shift_picture(self, row: ShiftRow) -> blocks.Figure | None:
        """Return the map of a shift on the first kind of day on which it works."""
        day = next((d for d in self.study.days if self.study.works_on(row.shift_id, d)), None)
        if day is None:
            return None
        z = self.zones.row(row.shift_id, day.kind)
        share, words = self.sheets["shifts"].frame["share"].iloc[z], self.words
        kind = words.day(day.kind)
        return blocks.Figure(
            self.painter.png(self.zones.status[z], row.site, small=True),
            self._alt(row.site_name, words.shift(row.shift), kind),
            f"{words.shift(row.shift)} {words.hours(row.start_s, row.end_s)}",
            words.t("{day}: {share} there and back", day=kind, share=words.percent(share)),
        )

    def _table(self, key: str) -> blocks.Table:
        return table_block(self.sheets[key].brief(), self.words, most=MOST_ROWS)

    # --- themes ---

    def _white_zones(self) -> Iterator[blocks.Block]:
        t, sheet = self.words.t, self.sheets["shifts"]
        seen = [n for n in REASONS if n and (sheet.frame[f"reason_{n}"] > 0).any()]
        yield blocks.Heading(t("White zones: what binds, and what to examine"))
        yield blocks.Text(
            t("The first limit that, relaxed alone, makes the missing directions hold.")
        )
        yield blocks.Heading(t("Remedy to examine first, for each reason"), 2)
        reasons = [(self.words.reason(n), t(REMEDIES[n])) for n in seen]
        yield blocks.Bullets(tuple((why[:1].upper() + why[1:], mend) for why, mend in reasons))
        if seen:
            wanted = ("site", "roster", "shift", "day_kind", *(f"reason_{n}" for n in seen))
            told = t("Workers in a white zone by the first limit that binds.")
            yield table_block(sheet.only(*wanted), self.words, caption=told, most=MOST_ROWS)

    def _themed(self, key: str, title: str, meant: str = "") -> Iterator[blocks.Block]:
        """Yield a part that is one table, and what it means, where there is one."""
        if key in self.sheets:
            yield blocks.Heading(title)
            if meant:
                yield blocks.Text(meant)
            yield self._table(key)

    def _remedies(self) -> Iterator[blocks.Block]:
        table = None if self.advice is None else decisions(self.advice, self.words, most=15)
        if table is None:
            return
        yield blocks.Heading(self.words.t("What to do, and what it costs"))
        yield table
        told = self.words.t("Every remedy, its bill and the frontier are in the spreadsheet.")
        yield blocks.Text(told, "note")

    def _shuttles(self) -> Iterator[blocks.Block]:
        if self.shuttles is not None:
            drawn = self.study, self.painter.attribution
            yield from shuttle_part(self.shuttles, self.sheets, self.words, self._plan(), *drawn)

    def _grounds(self) -> Iterator[blocks.Block]:
        t = self.words.t
        yield blocks.Heading(t("What the figures rest on"), new_page=True)
        yield blocks.Heading(t("Kinds of day"), 2)
        yield self._table("days")
        if "findings" in self.sheets:
            yield blocks.Heading(t("What to know about the data"), 2)
            rows = self.sheets["findings"].frame.astype(str).itertuples(index=False, name=None)
            told = ((" · ".join(filter(None, where)), text) for *where, text in rows)
            yield blocks.Bullets(tuple(told))
        yield blocks.Heading(t("Parameters"), 2)
        yield replace(table_block(self.sheets["parameters"], self.words), whole=True)
        yield blocks.Heading(t("Sources and licences"), 2)
        yield self._table("sources")
        yield blocks.Heading(t("Definitions"), 2)
        yield blocks.Bullets(tuple((t(name), t(text)) for name, text in DEFINITIONS.items()))
        yield blocks.Heading(t("Methods in short"), 2)
        yield blocks.Bullets(tuple(("", t(text)) for text in METHODS))
        yield blocks.Text(t(MARKS, mark=NOTHING), "note")


NAMES = ("report.html", "report.pdf", "report.docx", "report.xlsx")


def write_report(
    access: Access, zones: WhiteZones, folder: str | Path, *, language: str = "fr"
) -> tuple[Path, ...]:
    """Write ``report.html``, ``.pdf``, ``.docx`` and ``.xlsx``, and list them in ``run.json``.

    Parameters
    ----------
    access, zones
        The results.
    folder
        Where they go; shuttle plans of a run that stand there are told too.
    language
        ``fr`` or ``en``.

    Returns
    -------
    tuple of Path
        The files; without the PDF where its library fails.
    """
    study, folder = access.study, Path(folder)
    record = read_json(folder / RECORD)
    own = record if record is not None and is_of(record, study) else None
    gone: list[str] = []
    with staging(folder, reads=source_files(study.territory), gone=gone) as part:
        failed = add_report(access, zones, part, before=None, language=language, plans_in=[folder])
        gone += [finding.source for finding in failed]
        names = [name for name in NAMES if name not in gone]
        findings = (*study.findings, *failed)
        write_record(study, [*names, RECORD], part / RECORD, findings=findings, earlier=own)
    return tuple(folder / name for name in names)


def add_report(
    access: Access, zones: WhiteZones, part: Path, *, before: Access | None, language: str,
    plans_in: Sequence[Path], costs: pd.DataFrame | None = None, progress: Progress = quiet,
) -> tuple[Finding, ...]:  # fmt: skip
    """Add the files of a report to a set of outputs that is being written; see above.

    Parameters
    ----------
    costs
        What the changes of a scenario cost, for the spreadsheet.

    Returns
    -------
    tuple of Finding
        That there is no PDF, where the library that makes it fails.
    """
    study = access.study
    words = Words(language, study.days)
    progress("report")
    shuttles = read_shuttles(plans_in, study)
    # What is advised is for the territory as it is.
    advice = None if study.scenario else read_advice(plans_in, study)
    designed = shuttles is not None or advice is not None
    sheets = all_sheets(access, zones, before, words, designed=designed)
    if costs is not None:
        sheets["scenario_costs"] = sheet_of("scenario_costs", costs)
    if shuttles is not None:
        sheets |= shuttle_sheets(shuttles, study, words)
    if advice is not None:
        sheets |= advice.sheets(study, language)
    outdated = advice is None and has_advice(plans_in)
    document = Writer(access, zones, words, sheets, shuttles, advice, outdated).document()
    (part / "report.html").write_bytes(html_page(document).encode("utf-8"))
    (part / "report.docx").write_bytes(docx_bytes(document))
    (part / "report.xlsx").write_bytes(workbook_bytes(sheets, study, words))
    try:
        (part / "report.pdf").write_bytes(pdf_bytes(document))
    except (ImportError, RuntimeError) as error:
        # A library that is there but does not run takes no other file with it.
        message = "The PDF could not be made: {reason}. Page, text and spreadsheet are whole"
        params = {"reason": str(error) or type(error).__name__}
        return (Finding("warning", NO_PDF, message, source="report.pdf", params=params),)
    return ()
