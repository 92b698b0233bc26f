"""The report's table of parameters: none of a territory file is forgotten."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from small import write_territory

import mobility
from mobility.commute.white_zones import white_zones
from mobility.needs import ALL_FACTORS
from mobility.outputs.parameters import parameter_rows
from mobility.outputs.words import PARAMETERS, Words
from mobility.outputs.workbook import all_sheets
from mobility.shuttles.config import ShuttleConfig
from mobility.territory.project import Territory

#: Fields, or the tables that hold them, that are no row of the table, and why.
ELSEWHERE = {
    "name": "the title",
    "crs": "how lengths are projected, not how long they are",
    "sources.osm": "the table of sources",
    "sources.lines": "the table of sources",
    "sources.lines_layer": "how a source is read",
    "sources.streets_attribution": "the table of sources",
    "sources.streets_licence": "the table of sources",
    "sources.gtfs": "the table of sources",
    "sources.sites": "the table of sources",
    "sources.sites_crs": "how a source is read",
    "sources.sites_layer": "how a source is read",
    "sources.background": "the table of sources",
    "sources.street_changes": "the table of sources",
    "sources.elevation": "the table of sources",
    "sources.car_parks": "the table of sources",
    "sources.versement_mobilite": "the table of sources",
    "sources.credits": "the table of sources",
    "sources.homes.file": "the table of sources",
    "sources.homes.zones": "the table of sources",
    "sources.homes.changes": "the table of sources",
    "sources.homes.groups": "the table of groups",
    "sources.homes.secret": "a secret",
    **{f"sources.homes.{name}": "how a source is read" for name in (
        "kind", "layer", "id", "name", "workers", "lon", "lat", "crs", "commune", "zones_id",
        "zones_layer")},
    "sites.name": "the summary",
    "sites.employer": "the summary",
    "sites.commune": "by which a rate is looked up, which the plan tells",
    "sites.gates": "the maps",
    "sites.rosters.name": "the summary",
    "sites.rosters.template": "the table of shifts",
    "sites.rosters.headcount": "the summary",
    "sites.rosters.shifts": "the table of shifts, and the notes beside it",
    "sites.rosters.dates": "a list that `irregular` alone reads",
    "days.kinds": "the table of days",
    "days.dates": "the table of days",
    "days.extra": "the table of days",
    "on_demand.name": "stands beside each value of the zone",
    "on_demand.file": "the table of sources",
    "on_demand.layer": "how a source is read",
    "on_demand.polygon": "the map",
    "on_demand.booking_min": "told, not computed with",
    "output": "where results go, not what they are",
    "shuttles.enabled": "without it no plan is told",
    "shuttles.lines": "a file of lines, which the plans tell",
    "shuttles.vehicles.name": "stands beside each value of the vehicle",
    "factors": "those that the file gives are rows of their own",
    "changes": "what a scenario changes is told by the comparison",
}  # fmt: skip


def _model(kind: Any) -> type[BaseModel] | None:
    """Return the model that a field holds, be it in a list or beside None."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind
    return next((found for arg in get_args(kind) if (found := _model(arg))), None)


def fields(model: type[BaseModel] = Territory, prefix: str = "") -> list[str]:
    """Return the dotted names of all that a territory file may say."""
    found = []
    for name, field in model.model_fields.items():
        inner = ShuttleConfig if prefix + name == "shuttles" else _model(field.annotation)
        found += fields(inner, f"{prefix}{name}.") if inner else [prefix + name]
    return found


def elsewhere(name: str) -> list[str]:
    return [key for key in ELSEWHERE if name == key or name.startswith(f"{key}.")]


def test_every_field_is_a_parameter_or_told_elsewhere() -> None:
    every = fields()
    forgotten = [name for name in every if name not in PARAMETERS and not elsewhere(name)]
    assert forgotten == [], "give each a row in words.toml [parameters], or a reason here"
    assert [name for name in PARAMETERS if name not in every or elsewhere(name)] == []
    assert [key for key in ELSEWHERE if not any(elsewhere(name) == [key] for name in every)] == []


SAID: dict[str, Any] = {
    "name": "T",
    "sources": {"homes": {"file": "h.csv", "workers_share": 0.45, "work_commune": ["85191"],
                          "personal": False}, "duplicates": "drop"},
    "days": {"school_zone": "B", "school_holidays": [["2026-07-04", "2026-08-31"]]},
    "driving": {"peak_factor": 1.5, "peak_hours": [["07:30", "09:00"]], "parking_min": 4},
    "feeders": {"bike": "carried", "locking_s": 45},
    "carpool": {"detour_min": 7},
    "on_demand": [{"name": "Nord", "communes": ["Aizenay"], "days": "mon-fri", "start": "05:00",
                   "end": "22:30", "hubs": ["Gare"], "detour": 1.4}],
    "shuttles": {"default_headcount": 12, "depot": [-1.25, 46.5], "energies": ["electric"],
                 "harmonise_min": [-15, 15],
                 "vehicles": [{"name": "van", "seats": 9, "passengers": 8, "available": 3,
                               "fixed_eur_year": 9000, "eur_km": 0.255, "co2_g_km": 180}]},
    "factors": {"car_occupancy": 1.2, "delay.start": {"value": 90, "unit": "s"}},
    "sites": [{"name": "Usine", "gates": [[-1.4, 46.6]], "margin_in_min": 12, "margin_out_min": 3,
               "rosters": [{"template": "2x8", "period": ["2026-06-01", "2026-09-30"]}]}],
}  # fmt: skip


def rows_of(said: dict[str, Any], language: str = "en", **options: bool) -> dict[str, Any]:
    """Return the rows of a territory by name, of its sites by the first."""
    territory = Territory.from_dict(said)
    study = SimpleNamespace(territory=territory, sites=tuple(territory.sites))
    found = parameter_rows(study, Words(language), **({"designed": True} | options))
    return {name: (meaning, value, unit) for meaning, value, unit, name in found}


def test_every_parameter_stands_there_with_its_value() -> None:
    rows = rows_of(SAID)
    hourly = rows_of(SAID | {"driving": {"hourly": [1, 1.25] * 12}})
    assert set(PARAMETERS) - set(rows) == {"driving.hourly"}
    # A factor for each hour stands in for the peak hours.
    assert set(rows) - set(hourly) == {"driving.peak_factor", "driving.peak_hours"}
    assert hourly["driving.hourly"][1] == "; ".join(["1; 1.25"] * 12)
    told = {
        "sources.homes.workers_share": ("0.45", ""),
        "sources.homes.work_commune": ("85191", ""),
        "sources.homes.personal": ("no", ""),
        "sources.duplicates": ("left out once", ""),
        "days.school_holidays": ("4\u00a0July 2026 – 31\u00a0August 2026", ""),
        "driving.peak_factor": ("1.5", ""),
        "driving.peak_hours": ("07:30–09:00", ""),
        "driving.parking_min": ("4", "min"),
        "feeders.bike": ("carried aboard", ""),
        "feeders.locking_s": ("45", "s"),
        "carpool.detour_min": ("7", "min"),
        "on_demand.days": ("Mon, Tue, Wed, Thu, Fri", ""),
        "on_demand.end": ("22:30", ""),
        "on_demand.detour": ("1.4", ""),
        "shuttles.default_headcount": ("12", "workers"),
        "shuttles.depot": ("−1.25; 46.5", ""),
        "shuttles.energies": ("electricity", ""),
        "shuttles.mip_gap": ("0.015", ""),
        "shuttles.vehicles.eur_km": ("0.255", "EUR per km"),
        "sites.margin_in_min": ("12", "min"),
        "sites.rosters.period": ("1\u00a0June 2026 – 30\u00a0September 2026", ""),
        "factors.car_occupancy": ("1.2", "persons per commuting car"),
        "factors.delay.start": ("90", "s"),
    }
    assert {name: rows[name][1:] for name in told} == told
    for name, item in (("sites.margin_in_min", "(Usine)"), ("on_demand.end", "(Nord)"),
                       ("sites.rosters.period", "(Usine, 2x8)"),
                       ("shuttles.vehicles.seats", "(van)")):  # fmt: skip
        assert rows[name][0].endswith(item)


def test_numbers_of_a_list_are_told_apart_in_french() -> None:
    assert rows_of(SAID, "fr")["shuttles.depot"][1] == "−1,25\u202f; 46,5"


def test_settings_of_shuttles_are_told_where_they_decide_something() -> None:
    given = {n for n in rows_of(SAID, designed=False) if n.startswith("shuttles.")}
    assert {name.split(".")[1] for name in given} == set(SAID["shuttles"])
    none = rows_of({k: v for k, v in SAID.items() if k != "shuttles"}, designed=False)
    assert not [name for name in none if name.startswith("shuttles.")]


def test_any_factor_may_be_given_and_is_told() -> None:
    names = {name for room in ALL_FACTORS for name in room.load({}).rows}
    assert len(names) > 100
    given = {name: row.value for room in ALL_FACTORS for name, row in room.load({}).rows.items()}
    rows = rows_of(SAID | {"factors": given})
    assert {f"factors.{name}" for name in names} <= set(rows)


@pytest.mark.parametrize("designed", [True, False])
def test_the_report_holds_them(tmp_path, designed) -> None:
    path = write_territory(tmp_path, extra="[driving]\npeak_factor = 1.4\n")
    access = mobility.assess(mobility.load(path))
    sheets = all_sheets(access, white_zones(access), None, Words("fr"), designed=designed)
    frame = sheets["parameters"].frame.set_index("name")
    assert frame.loc["driving.peak_factor", "value"] == "1,4"
    assert ("shuttles.capture_rate" in frame.index) == designed
