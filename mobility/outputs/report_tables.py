"""The tables of a run's report, as typed frames; ``tables.toml`` gives their words."""

from __future__ import annotations

import pandas as pd

from mobility.commute.access import Access
from mobility.commute.carpool import SIZES, carpool_table, chances, measure, meeting_points
from mobility.commute.comparison import comparison
from mobility.commute.indicators import by_group, by_overtime, by_shift, summary, whole_persons
from mobility.commute.modal import WITHIN_MIN, modal_table
from mobility.commute.study import Study
from mobility.commute.white_zones import WhiteZones
from mobility.outputs.tables import Sheet, sheet_of
from mobility.outputs.words import Words
from mobility.territory.factors import Factors
from mobility.territory.project import Site, Territory

#: Dotted name in the territory file → (meaning, unit), English templates.
MEANINGS = {
    "limits.max_total_min": ("Longest time from home to shift start, or shift end to home", "min"),
    "limits.max_walk_min": ("Longest walking in all, in one direction", "min"),
    "limits.max_transfers": ("Most changes of vehicle", ""),
    "limits.max_wait_min": ("Longest single wait, at a stop or at the gate", "min"),
    "limits.margin_in_min": ("Time kept from the gate to the work station", "min"),
    "limits.margin_out_min": ("Time kept from the work station to the gate", "min"),
    "limits.max_transfer_walk_min": ("Longest walk between two vehicles", "min"),
    "limits.min_change_s": ("Time kept at each change, on top of the walk", "s"),
    "limits.max_bike_min": ("Longest ride by bicycle, all the way", "min"),
    "limits.max_bike_to_stop_min": ("Longest ride by bicycle to a stop", "min"),
    "limits.max_drive_to_stop_min": ("Longest drive to a park-and-ride", "min"),
    "limits.white_site_share": ("A site is white below this share of its pool", ""),
    "limits.min_workers_shown": ("Fewest employees of a file counted in one area", "workers"),
    "limits.safe_at_night": ("Walks and bicycle rides in the dark keep to safe streets", ""),
    "speeds.walk_kmh": ("Walking speed", "km/h"),
    "speeds.bike_kmh": ("Cycling speed", "km/h"),
    "speeds.e_bike_kmh": ("Electric bicycle speed", "km/h"),
    "modes.evaluated": ("Modes computed", ""),
    "modes.cycling_counts": ("Cycling takes a home out of a white zone", ""),
    "night.assume_lit": ("Streets without a lighting tag are taken to be lit", ""),
    "days.country": ("Country of the public holidays", ""),
    "days.school_zone": ("School holiday zone", ""),
    "timezone": ("Time zone of every clock time", ""),
}


#: Values that are symbols, in words.
ASSUMED = {"built_up": "in built-up areas", "always": "always", "never": "never"}

#: What a source is used for.
ROLES = {
    "territory": "Territory",
    "streets": "Streets",
    "timetable": "Timetable",
    "homes": "Homes",
    "sites": "Sites",
}

#: Means over the workers who hold, and their decimals.
MEANS = {
    "ratio_to_car": 2,
    "km": 1,
    "eur_year": 0,
    "kgco2e_year": 0,
    "night_km_year": 0,
    "night_vkm_year": 0,
}

Row = tuple[str, str, str, str]


def all_sheets(
    access: Access, zones: WhiteZones, before: Access | None, words: Words
) -> dict[str, Sheet]:
    """Return every table of a report, by key; empty ones are left out."""
    study = access.study
    frames = {
        "summary": summary(access, zones),
        "shifts": _with_hours(by_shift(access, zones), study),
        "late": by_overtime(access),
        "groups": by_group(access),
        "days": _days(study, words),
        "findings": _findings(study, words),
        "parameters": pd.DataFrame(
            _parameter_rows(study.territory, study.sites, words),
            columns=["meaning", "value", "unit", "name"],
        ),
        "sources": _sources(study, words),
    }
    if before is not None:
        frames["comparison"] = comparison(before, access)
    return {key: sheet_of(key, frame) for key, frame in frames.items() if len(frame)}


def _with_hours(frame: pd.DataFrame, study: Study) -> pd.DataFrame:
    hours = {(s.site_name, s.roster, s.shift): (s.start_s, s.end_s) for s in study.shift_rows}
    names = zip(frame["site"], frame["roster"], frame["shift"], strict=True)
    starts, ends = zip(*(hours[name] for name in names), strict=True)
    return frame.assign(start_s=starts, end_s=ends)


def _days(study: Study, words: Words) -> pd.DataFrame:
    rows = [
        (
            d.kind,
            d.date,
            words.weekdays(d.weekdays),
            d.trips,
            words.set_spaces(d.reason.render(words.language)),
        )
        for d in study.days
    ]
    return pd.DataFrame(rows, columns=["day_kind", "date", "weekdays", "trips", "why"])


def _findings(study: Study, words: Words) -> pd.DataFrame:
    rows = [
        (words.t(f.severity), f.source, words.set_spaces(f.render(words.language)))
        for f in study.findings
        if f.severity != "info"
    ]
    return pd.DataFrame(rows, columns=["severity", "source", "text"])


def _sources(study: Study, words: Words) -> pd.DataFrame:
    rows = [
        (words.t(ROLES.get(s.role, s.role)), s.name, s.attribution, s.licence, s.sha256)
        for s in study.sources
    ]
    return pd.DataFrame(rows, columns=["role", "file", "attribution", "licence", "sha256"])


def _parameter_rows(territory: Territory, sites: tuple[Site, ...], words: Words) -> list[Row]:
    """Return (meaning, value, unit, name in the file) of each parameter of a run."""
    rows = []
    for name, (meaning, unit) in MEANINGS.items():
        value: object = territory
        for part in name.split("."):
            value = getattr(value, part)
        if value is not None:
            rows.append((words.t(meaning), _parameter(value, words), words.t(unit), name))
    for site in sites:
        for field in ("margin_in_min", "margin_out_min"):
            own = getattr(site, field)
            if own is not None:
                meaning, unit = MEANINGS[f"limits.{field}"]
                text = f"{words.t(meaning)} ({site.name})"
                rows.append((text, _parameter(own, words), words.t(unit), f"sites.{field}"))
    return rows


def _parameter(value: object, words: Words) -> str:
    if isinstance(value, bool):
        return words.t("yes" if value else "no")
    if isinstance(value, list):
        return ", ".join(words.known("mode", str(item)) for item in value)
    if isinstance(value, float | int):
        return words.value(value)
    return words.t(ASSUMED.get(str(value), str(value)))


def mode_tables(access: Access) -> dict[str, pd.DataFrame]:
    """Return ``modal`` and ``factors``; with a table [carpool] also ``carpool`` and its points."""
    study = access.study
    settings = study.territory.carpool
    if settings is None:
        tables = {"modal": rounded_modal(modal_table(access))}
    else:
        drives, places, there = measure(study)
        found = chances(study, drives, settings)
        shared = {k: v[1][0] for k, v in found.items()}
        points = meeting_points(study, drives, places, there, settings)
        counts = ["headcount", "own_site_2", *(f"with_{k}" for k in SIZES)]
        table = whole_persons(carpool_table(study, found), counts)
        table = table.round({f"share_{k}": 3 for k in SIZES})
        tables = {
            "modal": rounded_modal(modal_table(access, shared)),
            "carpool": table,
            "carpool_points": whole_persons(points, ["near", *(f"in_{k}" for k in SIZES)]),
        }
    territory = study.territory
    rows = Factors.load(territory.factors, file=territory.path).to_frame(territory.language)
    return tables | {"factors": rows}


def rounded_modal(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the comparison in whole persons, its means rounded."""
    out = whole_persons(frame, ["pool", "holds", *(f"within_{m}" for m in WITHIN_MIN)])
    for name, decimals in MEANS.items():
        out[name] = frame[name].astype("Float64").round(decimals)
    return out
