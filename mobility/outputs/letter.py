"""The letter to the mobility authority: which trips, which days, what time, for whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import pandas as pd

from mobility.base.clock import parse_clock
from mobility.base.errors import TerritoryError
from mobility.base.files import staging, write_bytes
from mobility.commute.access import assess
from mobility.commute.loading import load
from mobility.commute.study import Progress, Study, quiet
from mobility.outputs.advice import Advice, read_advice
from mobility.outputs.render import pdf_bytes, write_document, write_index
from mobility.outputs.tables import Document, Text, sheet_of, table_block
from mobility.outputs.words import Words
from mobility.remedies.remedy import Remedy, count_text
from mobility.territory.project import Territory

_OPENING = (
    "The employers of these sites ask the mobility authority to examine the changes of timetable "
    "listed below: {sites}. They follow from a computation of the way to work and back, at the "
    "hours of each shift, on the published timetables."
)
_BENEFICIARIES = (
    "They are those of the remedies advised, which were set against one another and computed "
    "together. A job gains its whole roster where its holder's home begins to allow each of its "
    "shifts, there and back, on every day worked; a job that loses it is counted beside."
)
NONE = (
    "No change of timetable is advised: none found gains a whole roster of a job for less than "
    "other remedies do."
)
_NONE_MEND = "Read in the plan what speaks against each change, or study other days or hours."
_TOGETHER = "Changes of one number are one request: their jobs count once."
_FURTHER = "{count} further changes of timetable are advised; the plan lists them."
#: Kinds of remedies that a mobility authority can be asked for.
ASKED = ("move_trip", "move_line", "pair", "hold", "extend", "add_run", "lift_school", "stop")
# The letter has one page; what is left over is counted, and stands in the plan.
_MOST = 5
#: Left for whoever signs to fill in: a computation knows neither place nor day.
_BLANK = "…………………"
_CLOSING = (
    "We ask for an answer before the next change of timetables, and are at your disposal to "
    "share the computation, which can be run again from its territory file."
)


def requests(asked: Sequence[Remedy], language: str) -> pd.DataFrame:
    """Return one row per change asked for, with the columns of the table ``requests``.

    The two changes of a pair stand in two rows, with the jobs that they gain together.
    """
    rows, words = [], Words(language)
    for number, remedy in enumerate(asked, start=1):
        for one in (remedy, *remedy.also):
            told = {
                name: one.params[name]
                for name in ("line", "headsign", "trips", "day_kinds", "present", "proposed")
            }
            if one.kind == "add_run":  # the departure that it is timed on stays
                told["present"] = ""
            several = one.params.get("last", "") not in ("", one.params["present"])
            if one.params["kind"] == "move_line" and several:
                told |= _first_to_last(one.params)
            rows.append(
                {
                    "request": number,
                    **told,
                    "change": _change(one, words),
                    "rosters": ", ".join(
                        f"{words.roster(roster)} ({site})" for site, roster in remedy.rosters
                    ),
                    "jobs_gained": count_text(remedy.jobs, language),
                    "jobs_lost": count_text(remedy.jobs_lost, language),
                    "eur_per_job": round(remedy.eur_per_job, 2),
                }
            )
    return pd.DataFrame(rows)


def _change(one: Remedy, words: Words) -> str:
    """Return what is asked for; of an extension its direction, and the hour at the gate."""
    if "leaves_gate" in one.params:
        return words.t("start at the site at {time}", time=one.params["leaves_gate"])
    if "at_gate" in one.params:
        return words.t("extension to the site, there at {time}", time=one.params["at_gate"])
    return str(one.params["kind"])


def _first_to_last(params: Mapping[str, object]) -> dict[str, object]:
    """Return the present and the proposed times of a line's departures, the first to the last."""
    first, last, proposed = (parse_clock(str(params[k])) for k in ("present", "last", "proposed"))
    moved = proposed - first
    return {
        "present": Words("en").hours(first, last),
        "proposed": Words("en").hours(first + moved, last + moved),
    }


def request_letter(advice: Advice, study: Study, language: str = "fr") -> Document:
    """Return the letter that asks for the changes of timetable that are advised.

    Parameters
    ----------
    language
        ``fr`` or ``en``.

    Raises
    ------
    TerritoryError
        None is advised.
    """
    words = Words(language, study.days)
    t = words.t
    possible = [r for r in advice.advised if r.kind in ASKED and r.feasible]
    if not possible:
        raise TerritoryError(NONE, file=study.territory.path, mend=_NONE_MEND)
    asked, more = possible[:_MOST], len(possible[_MOST:])
    sites = sorted({site for r in asked for site, _ in r.rosters})
    signed = ", ".join(dict.fromkeys(s.employer or s.name for s in study.sites if s.name in sites))
    networks = dict.fromkeys(s.attribution for s in study.sources if s.role == "timetable")
    addressee = [t("To the head of the mobility authority"), *filter(None, networks)]
    blocks = (
        Text(signed),
        Text("\n".join([*addressee, t("(address)")]), "right"),
        Text(t("{place}, on {date}", place=_BLANK, date=_BLANK), "right"),
        Text(t("Subject: request for changes of timetable"), "lead"),
        Text(t("Dear Sir or Madam,")),
        Text(t(_OPENING, sites=", ".join(sites))),
        table_block(sheet_of("requests", requests(asked, language)), words),
        *([Text(t(_FURTHER, count=more), "note")] if more else []),
        Text(f"{t(_BENEFICIARIES)} {t('Costs are orders of magnitude.')}", "note"),
        *([Text(t(_TOGETHER), "note")] if any(r.also for r in asked) else []),
        Text(t(_CLOSING)),
        Text(t("Yours faithfully,")),
        Text("\n".join([t("For the employers: {employers}", employers=signed),
                        t("(name, office and signature)")]), "right"),
    )  # fmt: skip
    title = t("To the mobility authority: {name}", name=study.territory.name)
    return Document(language, title, blocks, about=study.territory.name)


def write_letter(letter: Document, folder: Path, *, reads: Iterable[Path] = ()) -> list[Path]:
    """Write ``letter.html``, ``.md``, ``.docx`` and ``.pdf`` into a folder, none of ``reads``.

    Without the PDF where the library that makes it fails.
    """
    reads = list(reads)
    with staging(folder, reads=reads) as part:
        written = write_document(letter, part, "letter")
        with suppress(ImportError, RuntimeError):
            write_bytes(part / "letter.pdf", pdf_bytes(letter))
            written.append(part / "letter.pdf")
        write_index(part, folder, letter.language, letter.about, reads=reads)
    return [folder / path.name for path in written]


def letter_of(
    territory: Territory,
    *,
    language: str = "fr",
    folder: Path | None = None,
    progress: Progress = quiet,
) -> Document:
    """Return the letter of a territory, from what `mobility levers` advised or found now.

    Raises
    ------
    MobilityError
        A source or the territory is wrong.
    """
    study = load(territory, progress=progress)
    folder = territory.resolve(territory.output.dir) if folder is None else folder
    advice = read_advice([folder], study)
    if advice is None:
        from mobility.outputs.levers import searched  # slow to load: only where there are none

        advice = searched(assess(study, progress=progress), folder, progress=progress).advice
    return request_letter(advice, study, language)
