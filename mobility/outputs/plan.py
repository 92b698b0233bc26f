"""The employer mobility plan: what exists, who could come, what to do, who pays, when.

Headings are those of the French plan de mobilité employeur (Code des transports,
L1214-8-2): supply and its evaluation, commuting and its potential, programme of actions,
financing plan, calendar, follow-up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mobility import __version__
from mobility.base.files import staging, write_text
from mobility.base.i18n import long_date, number, translate
from mobility.base.literal import csv_text
from mobility.commute.access import Access, assess
from mobility.commute.indicators import whole_persons
from mobility.commute.last_return import LastReturn, last_return
from mobility.commute.loading import load
from mobility.commute.study import Progress, quiet
from mobility.outputs.levers import ranked_shuttles
from mobility.outputs.mode_tables import mode_tables
from mobility.outputs.plan_tables import (
    driving,
    modal_potential,
    reach_by_mode,
    shares,
    staff_by_employer,
    supply,
    versement,
)
from mobility.outputs.sections import Report, Section
from mobility.remedies.combine import Combination, combine
from mobility.remedies.factors import LeverFactors, load_factors
from mobility.remedies.recommendations import (
    best_for_rosters,
    recommend,
    remedies_frame,
    retiming_remedy,
)
from mobility.remedies.recruitment import accesses_after, recruitment
from mobility.remedies.remedy import Remedy, alternatives
from mobility.remedies.search import Retiming, access_after, search
from mobility.remedies.shift_hours import ShiftHours, shift_hours
from mobility.territory.project import Territory

#: Remedies whose financing is shown.
FINANCED = 10

#: What each kind of remedy asks for, and the months it takes: an order of magnitude.
STEPS: dict[str, tuple[str, int]] = {
    "move_trip": ("Request to the mobility authority, next timetable change", 6),
    "move_line": ("Request to the mobility authority, next timetable change", 6),
    "hold": ("Agreement between operators, next timetable change", 6),
    "extend": ("Request to the mobility authority, turning place and stop to check", 9),
    "add_run": ("Request to the mobility authority, amendment of the contract", 12),
    "lift_school": ("Request to the mobility authority, next timetable change", 6),
    "shift_hours": ("Negotiation with the staff representatives", 6),
    "carpool": ("Agreement with a matching service, reserved parking", 4),
    "cycling": ("Parking, lockers, allowance; talks with the municipality on routes", 6),
    "cycle_track": ("Study, land and works by the road manager", 30),
    "stop": ("Request to the mobility authority and the road manager", 9),
    "feeder": ("Tender or agreement with the mobility authority", 12),
    "shuttle": ("Tender among employers", 12),
}


@dataclass(frozen=True)
class MobilityPlan:
    """The plan: a report to read, and its tables.

    Attributes
    ----------
    tables
        Name of each CSV file → table.
    """

    report: Report
    tables: Mapping[str, pd.DataFrame]

    def write(self, folder: Path, *, reads: Iterable[Path] = ()) -> list[Path]:
        """Write ``plan.html``, ``.md``, ``plan_<table>.csv`` into a folder, over none of these."""
        with staging(folder, reads=reads) as part:
            written = self.report.write(part, "plan")
            for name, frame in self.tables.items():
                path = part / f"plan_{name}.csv"
                write_text(path, csv_text(frame))
                written.append(path)
        return [folder / path.name for path in written]


def mobility_plan(
    access: Access,
    found: Retiming,
    *,
    language: str = "fr",
    hours: ShiftHours | None = None,
    late: LastReturn | None = None,
    combination: Combination | None = None,
    recruits: pd.DataFrame | None = None,
    modes: Mapping[str, pd.DataFrame] | None = None,
    others: Sequence[Remedy] = (),
) -> MobilityPlan:
    """Return the mobility plan of the sites of a study.

    Parameters
    ----------
    access
        The present.
    found
        Search of the timetable.
    language
        ``fr`` or ``en``.
    hours, late, combination, recruits
        Curves of shift hours, last returns, levers chosen together and the recruitment
        view; their parts are left out where they are not given.
    modes
        Tables of `mobility.outputs.mode_tables`: comparison of modes, car-pooling.
    others
        Remedies of other rooms, such as shuttles.
    """
    study = access.study
    territory = study.territory
    factors = load_factors(territory.factors, file=territory.path)
    remedies = recommend(found, hours, others=others, factors=factors)
    tables = {
        "supply": supply(study),
        "reach": _whole(reach_by_mode(access), after="day_kind"),
        "potential": _whole(modal_potential(access), after="roster"),
        "driving": driving(access, factors),
        "actions": remedies_frame(remedies, language),
        "financing": _financing(access, remedies, factors),
        "calendar": _calendar(remedies),
        "followup": _followup(found, combination),
        # A year is no number to be written with its thousands apart.
        "factors": factors.to_frame(language).astype({"year": "str"}),
    }
    if late is not None:
        tables["last_return"] = _whole(late.to_frame(), after="day_kind")
    if recruits is not None and len(recruits):
        tables["recruitment"] = _whole(recruits, after="group")
    tables |= {name: frame for name, frame in (modes or {}).items() if name != "factors"}
    tables = {name: frame for name, frame in tables.items() if len(frame)}
    sections = [
        _supply_section(tables, language),
        _potential_section(tables, language),
        _actions_section(remedies, tables, language),
        _financing_section(remedies, factors, staff_by_employer(study), tables, language),
        _section("Calendar", [], [("Steps and delays (months)", "calendar")], tables, language),
        _section("Follow-up", [FOLLOW_UP], [("Indicators", "followup")], tables, language),
        _notes(access, tables, language),
    ]
    title = translate("Mobility plan: {name}", language, name=territory.name)
    return MobilityPlan(Report(title, language, tuple(sections)), tables)


FOLLOW_UP = (
    "Run the same territory file again with each new timetable: the indicators below are "
    "computed the same way every time. The plan is sent to the mobility authority."
)
VM_NOTE = (
    "An employer that has reached 11 workers in the authority's area for less than five calendar "
    "years owes nothing yet (URSSAF, neutralisation of thresholds since 2020); this is not "
    "taken into account."
)
REACH_NOTE = (
    "A shift is within reach when both the way to work and the way home hold within the "
    "limits; a roster when every one of its shifts is."
)
PLANNED_NOTE = (
    "Planned lines are studied by adding their GTFS to the territory (mobility run --with)."
)
WHITE_NOTE = (
    "White zone here means: no usable trip at the hours of the shift, not a place outside "
    "every mobility authority."
)


def _section(
    title: str,
    sentences: Sequence[str],
    wanted: Sequence[tuple[str, str]],
    tables: Mapping[str, pd.DataFrame],
    language: str,
) -> Section:
    return Section(
        translate(title, language),
        tuple(translate(s, language) for s in sentences),
        tuple((translate(c, language), tables[name]) for c, name in wanted if name in tables),
    )


def _supply_section(tables: Mapping[str, pd.DataFrame], language: str) -> Section:
    return _section(
        "Transport supply",
        [
            "Lines that stop within the walking limit of a gate, on each kind of day.",
            PLANNED_NOTE,
        ],
        [("Lines and hours at the gates", "supply")],
        tables,
        language,
    )


def _potential_section(tables: Mapping[str, pd.DataFrame], language: str) -> Section:
    return _section(
        "Location and potential",
        [
            REACH_NOTE,
            WHITE_NOTE,
            "Business trips are not studied here: a survey of the staff completes this part.",
        ],
        [
            ("Workers within reach of each shift, by mode", "reach"),
            ("Workers for whom a whole roster holds, by mode", "potential"),
            ("Workers with a colleague to share a car with", "carpool"),
            ("Where cars could fill up", "carpool_points"),
            ("Driving: cost, emissions and night trips a year", "driving"),
            ("Workers still home if the shift ends late or a connection is missed", "last_return"),
            ("Recruitment: persons who can hold each roster", "recruitment"),
        ],
        tables,
        language,
    )


def _actions_section(
    remedies: Sequence[Remedy],
    tables: Mapping[str, pd.DataFrame],
    language: str,
) -> Section:
    return Section(
        translate("Programme of actions", language),
        tuple(r.sentence(language) for r in remedies),
        ((translate("Figures", language), tables["actions"].drop(columns="sentence")),)
        if "actions" in tables
        else (),
        is_list=True,
    )


def _financing_section(
    remedies: Sequence[Remedy],
    factors: LeverFactors,
    staff: Mapping[str, int],
    tables: Mapping[str, pd.DataFrame],
    language: str,
) -> Section:
    paid = financed(remedies)
    total = sum(r.eur_year for r in paid)
    sentences = [
        translate(
            "The first {count} actions cost about {eur} EUR a year together, alternatives counted "
            "once.",
            language,
            count=len(paid),
            eur=number(round(total, -2), language),
        )
    ]
    sentences += [
        translate(
            "Actions {one} and {two} change the same departures: one or the other.",
            language,
            one=one + 1,
            two=two + 1,
        )
        for one, two in alternatives(remedies)
    ]
    due = tables["financing"]["versement"].sum(min_count=1) if "financing" in tables else None
    if due is None or pd.isna(due):
        sentences.append(
            translate(
                "The rate of the versement mobilité is not given: write it in the territory "
                "file, under [factors], as versement_mobilite_rate, or name the URSSAF's table of "
                "rates under [sources], as versement_mobilite.",
                language,
            )
        )
    else:
        sentences.append(
            translate(
                "The employers owe about {eur} EUR of versement mobilité a year, for "
                "{staff} workers and a payroll of {pay} EUR per worker.",
                language,
                eur=number(round(float(due), -2), language),
                staff=number(sum(staff.values()), language),
                pay=number(factors["payroll_worker_year"], language),
            )
        )
        sentences.append(translate(VM_NOTE, language))
    return Section(
        translate("Financing", language),
        tuple(sentences),
        tuple(
            (translate(c, language), tables[n])
            for c, n in (("By employer, EUR a year", "financing"),)
            if n in tables
        ),
    )


def _notes(access: Access, tables: Mapping[str, pd.DataFrame], language: str) -> Section:
    study = access.study
    days = ", ".join(
        f"{translate(d.kind, language)} {long_date(d.date, language)}" for d in study.days
    )
    sources = ", ".join(dict.fromkeys(s.name for s in study.sources))
    return Section(
        translate("Method and sources", language),
        (
            translate(
                "mobility {version}; days studied: {days}; sources: {sources}.",
                language,
                version=__version__,
                days=days,
                sources=sources,
            ),
            translate(
                "Factors marked to check are orders of magnitude that local figures replace.",
                language,
            ),
        ),
        ((translate("Factors", language), tables["factors"]),),
    )


def _whole(frame: pd.DataFrame, *, after: str) -> pd.DataFrame:
    """Return the persons in the columns that follow ``after`` as whole numbers."""
    columns = list(frame.columns)
    return whole_persons(frame, columns[columns.index(after) + 1 :])


def financed(remedies: Sequence[Remedy]) -> list[Remedy]:
    """Return the first remedies, of those that change the same departures the first alone."""
    either = {later for _, later in alternatives(remedies)}
    return [r for k, r in enumerate(remedies) if k not in either][:FINANCED]


def _financing(access: Access, remedies: Sequence[Remedy], factors: LeverFactors) -> pd.DataFrame:
    frame = versement(access.study, factors)
    cost = shares(access.study, financed(remedies)).set_index("employer")["eur_year"]
    frame["remedies"] = frame["employer"].map(cost).astype("Float64")
    return frame


def _calendar(remedies: Sequence[Remedy]) -> pd.DataFrame:
    kinds = list(dict.fromkeys(r.kind for r in remedies))
    rows = [(kind, *STEPS[kind]) for kind in kinds if kind in STEPS]
    frame = pd.DataFrame(rows, columns=["kind", "step", "months"])
    return frame.sort_values(["months", "kind"]).reset_index(drop=True)


def _followup(found: Retiming, combination: Combination | None) -> pd.DataFrame:
    """Return, per site and roster, the workers reached now and with the chosen levers."""
    now = modal_potential(found.bench.access)[["site", "roster", "pool", "counted"]]
    now = now.rename(columns={"counted": "now"})
    if combination is not None and combination.levers:
        effects = found.bench.try_together(combination.levers, keep_times=True)
        after = modal_potential(access_after(found.bench, effects))
        now["target"] = after["counted"].to_numpy()
    return _whole(now, after="roster")


def plan_of(
    territory: Territory,
    *,
    language: str = "fr",
    folder: Path | None = None,
    shuttles: bool = False,
    progress: Progress = quiet,
) -> MobilityPlan:
    """Read, assess and search a territory; return its mobility plan, every part included.

    Parameters
    ----------
    folder, shuttles
        Where shuttles come from, as in `mobility.outputs.levers.find_levers`.

    Raises
    ------
    MobilityError
        A source or the territory is wrong.
    """
    access = assess(load(territory, progress=progress), progress=progress)
    found = search(access, progress=progress)
    folder = territory.resolve(territory.output.dir) if folder is None else folder
    combination = combine(found)
    best = best_for_rosters(found)
    names = [retiming_remedy(found.bench, o, load_factors()).head(language) for o in best]
    after = dict(zip(names, accesses_after(found.bench, best), strict=True))
    if combination.levers:
        effects = found.bench.try_together(combination.levers, keep_times=True)
        after[translate("All the levers chosen", language)] = access_after(found.bench, effects)
    return mobility_plan(
        access,
        found,
        language=language,
        hours=shift_hours(access),
        late=last_return(access.study),
        combination=combination,
        recruits=recruitment(access, after),
        modes=mode_tables(access),
        others=ranked_shuttles(access, folder, design=shuttles, progress=progress),
    )
