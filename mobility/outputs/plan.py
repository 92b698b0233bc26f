"""The employer mobility plan: what exists, who could come, what to do, who pays, when.

Headings are those of the French plan de mobilité employeur (Code des transports,
L1214-8-2): supply and its evaluation, commuting and its potential, programme of actions,
financing plan, calendar, follow-up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mobility.base import __version__
from mobility.base.files import staging
from mobility.base.i18n import long_date, translate
from mobility.commute.access import Access, assess
from mobility.commute.indicators import whole_persons
from mobility.commute.last_return import LastReturn, last_return
from mobility.commute.loading import load
from mobility.commute.study import Progress, quiet
from mobility.outputs import plan_tables
from mobility.outputs.advice import (
    Advice,
    advice_blocks,
    advice_sentence,
    decisions,
    modes_that_count,
    read_advice,
)
from mobility.outputs.render import write_document, write_index
from mobility.outputs.tables import (
    Block,
    Bullets,
    Document,
    Heading,
    Sheet,
    Text,
    registry,
    sheet_of,
    table_block,
    write_csv,
)
from mobility.outputs.words import MARKS, NOTHING, STEPS, Words
from mobility.outputs.workbook import mode_tables
from mobility.remedies.factors import LeverFactors, factors_of
from mobility.remedies.remedy import Remedy
from mobility.territory.project import Territory

_SHORT = (
    "Today {jobs_now} of {jobs} jobs can be held without a car from where their holders live; with "
    "what is advised, {jobs_target}."
)
_NO_HEADCOUNT = (
    "No roster has a headcount: how many jobs can be held is not known, and nothing is advised for "
    "them. Give it, or shuttles.default_headcount."
)
_LACKING = "{count} rosters have no headcount, and are in none of these figures: {rosters}."
_FOLLOW_UP = (
    "Run the same territory file again with each new timetable: the indicators below are "
    "computed the same way every time. The plan is sent to the mobility authority."
)
_VM_NOTE = (
    "An employer that has reached 11 workers in the authority's area for less than five calendar "
    "years owes nothing yet (URSSAF, neutralisation of thresholds since 2020); this is not "
    "taken into account."
)
_REACH_NOTE = (
    "A shift is within reach when both the way to work and the way home hold within the "
    "limits; a roster when every one of its shifts is."
)
_PLANNED_NOTE = (
    "Planned lines are studied by adding their GTFS to the territory (mobility run --with)."
)
_WHITE_NOTE = (
    "White zone here means: no usable trip at the hours of the shift, not a place outside "
    "every mobility authority."
)
#: The parts that only show tables: heading, sentences, keys of the tables.
_SUPPLY = (
    "Transport supply",
    ("Lines that stop within the walking limit of a gate, on each kind of day.", _PLANNED_NOTE),
    ("supply",),
)
_POTENTIAL = (
    "Location and potential",
    (
        _REACH_NOTE,
        _WHITE_NOTE,
        "Business trips are not studied here: a survey of the staff completes this part.",
    ),
    ("reach", "potential", "carpool", "carpool_points", "driving", "last_return", "recruitment"),
)
_MONEY = (
    "Jobs are those whose holder's home can hold the whole roster, users those who would come.",
    "Sets are computed together, never added up.",
)
_CALENDAR = ("Calendar", (), ("calendar",))
_FOLLOWING = ("Follow-up", (_FOLLOW_UP,), ("followup",))
#: Tables of the plan whose words are those of another one.
_SAME_AS = {"actions": "remedies"}


@dataclass(frozen=True)
class MobilityPlan:
    """The plan: a document to read, and its tables.

    Attributes
    ----------
    tables
        Name of each CSV file, without ``plan_`` → table.
    """

    document: Document
    tables: Mapping[str, pd.DataFrame]

    def write(self, folder: Path, *, reads: Iterable[Path] = ()) -> list[Path]:
        """Write ``plan.html``, ``.md``, ``plan_<table>.csv`` into a folder, over none of these."""
        reads = list(reads)
        gone = {f"plan_{name}.csv" for name in registry()}
        with staging(folder, reads=reads, gone=gone) as part:
            written = write_document(self.document, part, "plan")
            written += [
                write_csv(part, _SAME_AS.get(name, name), frame, name=f"plan_{name}.csv")
                for name, frame in self.tables.items()
            ]
            about, language = self.document.about, self.document.language
            write_index(part, folder, language, about, reads=reads)
        return [folder / path.name for path in written]


def mobility_plan(
    access: Access,
    advice: Advice,
    *,
    language: str = "fr",
    late: LastReturn | None = None,
    modes: Mapping[str, pd.DataFrame] | None = None,
) -> MobilityPlan:
    """Return the mobility plan of the sites of a study.

    Parameters
    ----------
    access
        The present.
    advice
        The remedies, ranked, and the sets of the frontier.
    language
        ``fr`` or ``en``.
    late
        Last returns; their part is left out where they are not given.
    modes
        Tables of `mode_tables`: comparison of modes, car-pooling.
    """
    study = access.study
    factors = factors_of(study)
    dues = plan_tables.versement(study, factors)
    found = advice.frames(factors, language)
    tables = {
        "supply": plan_tables.supply(study),
        "reach": _whole(plan_tables.reach_by_mode(access), after="day_kind"),
        "potential": _whole(plan_tables.modal_potential(access), after="roster"),
        "driving": plan_tables.driving(access, factors),
        "actions": found["remedies"],
        "financing": _financing(advice.tables["employers"], dues),
        "calendar": _calendar(advice.advised, language),
        "followup": _followup(advice.tables["followup"]),
        "factors": found["lever_factors"],
        "frontier": found["frontier"],
        "employers": _with_dues(advice.tables["employers"], dues),
    }
    if late is not None:
        tables["last_return"] = _whole(late.to_frame(), after="day_kind")
    if "recruitment" in advice.tables:
        tables["recruitment"] = _whole(advice.tables["recruitment"], after="group")
    tables |= {name: frame for name, frame in (modes or {}).items() if name != "factors"}
    tables = {name: frame for name, frame in tables.items() if len(frame)}
    words = Words(language, study.days)
    sheets = {k: sheet_of(_SAME_AS.get(k, k), frame).brief() for k, frame in tables.items()}
    blocks = (
        *_opening(advice, words),
        *_section(_SUPPLY, sheets, words),
        *_section(_potential(study.territory, words), sheets, words),
        *_actions(advice, sheets, words),
        *_financing_part(factors, plan_tables.staff_by_employer(study), sheets, words),
        *_section(_CALENDAR, sheets, words),
        *_section(_FOLLOWING, sheets, words),
        *_notes(access, sheets, words),
    )
    title = words.t("Mobility plan: {name}", name=study.territory.name)
    return MobilityPlan(Document(language, title, blocks, about=study.territory.name), tables)


def _section(
    part: tuple[str, tuple[str, ...], tuple[str, ...]], sheets: Mapping[str, Sheet], words: Words
) -> Iterator[Block]:
    title, sentences, keys = part
    yield Heading(words.t(title))
    yield from (Text(words.t(sentence)) for sentence in sentences)
    yield from (table_block(sheets[key], words) for key in keys if key in sheets)


def _potential(territory: Territory, words: Words) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Return the part on who can come, with the modes that make a roster hold."""
    title, sentences, keys = _POTENTIAL
    return title, (*sentences[:1], modes_that_count(territory, words), *sentences[1:]), keys


def _opening(advice: Advice, words: Words) -> Iterator[Block]:
    """Yield the plan in short: jobs that can be held now and then, what is advised, its price."""
    rosters = advice.tables["followup"]
    jobs = {name: rosters[name].sum() for name in ("jobs", "jobs_now", "jobs_target")}
    told = words.t(_SHORT, **{name: words.number(count) for name, count in jobs.items()})
    yield Heading(words.t("In one page"))
    lacking = rosters[rosters["jobs"] <= 0]
    if len(lacking) == len(rosters):
        yield Text(words.t(_NO_HEADCOUNT), "lead")
        return
    yield Text(told, "lead")
    if len(lacking):
        pairs = lacking[["site", "roster"]].itertuples(index=False)
        names = words.t("; ").join(f"{site}, {words.roster(roster)}" for site, roster in pairs)
        yield Text(words.t(_LACKING, count=len(lacking), rosters=names))
    yield Text(advice_sentence(advice, words))
    table = decisions(advice, words)
    if table is not None:
        yield table


def _actions(advice: Advice, sheets: Mapping[str, Sheet], words: Words) -> Iterator[Block]:
    yield Heading(words.t("Programme of actions"))
    yield from advice_blocks(advice, words)
    yield Text(words.t("All remedies examined, the cheapest per job first:"))
    told = (remedy.sentence(words.language) for remedy in advice.remedies)
    yield Bullets(tuple(("", sentence) for sentence in told), numbered=True)
    if "actions" in sheets:
        yield table_block(sheets["actions"], words, caption=words.t("Figures"))


def _financing_part(
    factors: LeverFactors, staff: Mapping[str, int], sheets: Mapping[str, Sheet], words: Words
) -> Iterator[Block]:
    t = words.t
    yield Heading(t("Financing"))
    table = sheets.get("financing")
    due = table.frame["versement"].sum(min_count=1) if table else None
    if due is None or pd.isna(due):
        yield Text(
            t(
                "The rate of the versement mobilité is not given: write it in the territory "
                "file, under [factors], as versement_mobilite_rate, or name the URSSAF's table of "
                "rates under [sources], as versement_mobilite."
            )
        )
    else:
        yield Text(
            t(
                "The employers owe about {eur} EUR of versement mobilité a year, for "
                "{staff} workers and a payroll of {pay} EUR per worker.",
                eur=words.number(round(float(due), -2)),
                staff=words.number(sum(staff.values())),
                pay=words.number(factors["payroll_worker_year"]),
            )
        )
        yield Text(t(_VM_NOTE))
    if table:
        yield table_block(table, words)
    if "frontier" in sheets:
        yield from (Text(t(sentence)) for sentence in _MONEY)
        yield from (table_block(sheets[key], words) for key in ("frontier", "employers"))


def _notes(access: Access, sheets: Mapping[str, Sheet], words: Words) -> Iterator[Block]:
    study, language = access.study, words.language
    days = ", ".join(f"{words.day(d.kind)} {long_date(d.date, language)}" for d in study.days)
    yield Heading(words.t("Method and sources"))
    yield Text(
        words.t(
            "mobility {version}; days studied: {days}; sources: {sources}.",
            version=__version__,
            days=days,
            sources=", ".join(dict.fromkeys(s.name for s in study.sources)),
        )
    )
    yield Text(
        words.t("Factors marked to check are orders of magnitude that local figures replace.")
    )
    yield table_block(sheets["factors"], words)
    yield Text(words.t(MARKS, mark=NOTHING), "note")


def _whole(frame: pd.DataFrame, *, after: str) -> pd.DataFrame:
    """Return the persons in the columns that follow ``after`` as whole numbers."""
    columns = list(frame.columns)
    return whole_persons(frame, columns[columns.index(after) + 1 :])


def _followup(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the indicators, persons whole; jobs keep their parts, so that they add up."""
    whole = whole_persons(frame, ["pool", "now", "target"])
    jobs = ["jobs_now", "jobs_target"]
    return whole_persons(whole, ["jobs"]).assign(**{name: frame[name].round(2) for name in jobs})


def _financing(employers: pd.DataFrame, dues: pd.DataFrame) -> pd.DataFrame:
    """Return the versement mobilité of each employer beside its part of the set advised."""
    last = employers[employers["step"] == employers["step"].max()]
    cost = last.groupby("employer")["eur_headcount"].sum().round(2)
    return dues.assign(remedies=dues["employer"].map(cost).astype("Float64"))


def _with_dues(employers: pd.DataFrame, dues: pd.DataFrame) -> pd.DataFrame:
    due = dues.set_index("employer")["versement"]
    return employers.assign(versement=employers["employer"].map(due))


def _calendar(remedies: Sequence[Remedy], language: str) -> pd.DataFrame:
    kinds = [kind for kind in dict.fromkeys(r.kind for r in remedies) if kind in STEPS]
    rows = [(kind, translate(STEPS[kind][0], language), STEPS[kind][1]) for kind in kinds]
    frame = pd.DataFrame(rows, columns=["kind", "step", "months"])
    return frame.sort_values(["months", "kind"]).reset_index(drop=True)


def plan_of(
    territory: Territory,
    *,
    language: str = "fr",
    folder: Path | None = None,
    shuttles: bool = False,
    progress: Progress = quiet,
) -> MobilityPlan:
    """Return the mobility plan of a territory, every part included.

    Parameters
    ----------
    folder, shuttles
        Where `mobility levers` left what it found, and whether it must have designed shuttles;
        where it has not, the remedies are searched now, as `levers.searched` does.

    Raises
    ------
    MobilityError
        A source or the territory is wrong.
    """
    access = assess(load(territory, progress=progress), progress=progress)
    folder = territory.resolve(territory.output.dir) if folder is None else folder
    advice = read_advice([folder], access.study, designed=True if shuttles else None)
    if advice is None:
        # Loading the search takes half a second, which nobody waits for whose levers are there.
        from mobility.outputs.levers import searched

        advice = searched(access, folder, design=shuttles, progress=progress).advice
    return mobility_plan(
        access, advice, language=language, late=last_return(access.study), modes=mode_tables(access)
    )
