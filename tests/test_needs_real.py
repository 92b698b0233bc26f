"""Needs of a basin on a real extract: each agrees with the assessment it is read from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mobility
from mobility.commute.access import counted_rows
from mobility.commute.fairness import EVERYBODY, fairness
from mobility.commute.irregular import irregular
from mobility.commute.matrix import PARTS, matrix
from mobility.needs.apprentices import Rules, triangles, with_centres
from mobility.needs.housing import housing, jobs_of
from mobility.needs.job_bus import Wishes, job_bus
from mobility.needs.risk import risk
from mobility.needs.zone import Wants, zone_of
from mobility.settings import read_territory
from mobility.timetable.arrays import INF

ROOT = Path(__file__).parents[1]
TERRITORY = ROOT / "examples" / "rhein-neckar" / "territory.toml"

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not (ROOT.parent / "shared" / "data").is_dir(),
        reason="the real extracts are not beside the project",
    ),
]


@pytest.fixture(scope="module")
def access():
    territory = read_territory(TERRITORY)
    kinds = ["school_weekday"]
    dates = {kind: territory.days.dates[kind] for kind in kinds}
    days = territory.days.model_copy(update={"kinds": kinds, "dates": dates})
    return mobility.assess(mobility.load(territory.model_copy(update={"days": days})))


def test_a_residence_that_is_a_home_has_its_answer(access) -> None:
    homes = access.study.homes
    some = np.arange(0, access.study.n_homes, 60)
    points = [(f"p{k}", *homes.lonlat[k].tolist()) for k in some]
    found = housing(access.study, jobs_of(access.study, []), cell_m=2000, points=points)
    own = access.rosters.holds[counted_rows(access.rosters)][:, some]
    assert (found.holds[:, found.n_lattice :] == own).all()
    assert own.any()


def test_the_matrix_is_the_assessment_pair_by_pair(access) -> None:
    table = matrix(access, modes=["transit"])
    held = table[table["travel_time"].notna()]
    assert np.allclose(held[list(PARTS)].sum(axis=1), held["travel_time"], atol=0.03)
    early = held["direction"].eq("outbound") * held["early_time"]
    margin_min = (held["shift_time"] - held["travel_time"] - early).unique()
    assert np.allclose(margin_min, 10, atol=0.02)
    rode = held["n_rides"] > 0
    assert (held.loc[rode, "routes"] != "[WALK]").all()
    assert (held.loc[~rode, "routes"] == "[WALK]").all()
    onward = table[table["direction"] == "outbound"]
    asked = access.outbound_s[(access.keys["mode"] == "transit").to_numpy()]
    # Edges are told once; every time of the assessment is told.
    told = set(np.round(onward["shift_time"].dropna().astype(float), 2))
    assert told == set(
        np.round(asked[asked < INF] / 60, 2).astype(np.float32).astype(float).round(2)
    )


def test_fairness_counts_whom_the_rosters_count(access) -> None:
    everybody = fairness([("now", access)]).set_index("group").loc[EVERYBODY]
    holds = access.rosters.holds[counted_rows(access.rosters)]
    workers = access.study.workers
    assert everybody["held"] == pytest.approx(workers @ holds.sum(axis=0) / workers.sum(), abs=1e-4)
    assert everybody["share_any"] == pytest.approx(
        workers @ holds.any(axis=0) / workers.sum(), abs=1e-4
    )
    assert everybody["held_car"] > everybody["held"]


def test_a_pair_holds_where_school_and_work_do(access, tmp_path) -> None:
    path = tmp_path / "schools.csv"
    path.write_text(
        "name,lon,lat,start,end,days\nBerufsschule,8.469,49.496,08:00,15:00,mon-fri\n", "utf-8"
    )
    study = with_centres(access.study, path)
    found = triangles(mobility.assess(study), len(access.study.sites), Rules())
    day = access.rosters.keys
    office = access.rosters.holds[
        ((day["mode"] == "counted") & (day["roster"] == "office")).to_numpy()
    ][0]
    row = found.pairs["company"].eq("Usine pharmaceutique de Waldhof").to_numpy()
    assert (found.holds[row][0] <= office).all()
    assert found.holds[row].any()
    assert (
        found.pairs["pair_reach"] <= found.pairs[["centre_reach", "company_reach"]].min(axis=1)
    ).all()


def test_a_listed_day_is_answered_as_its_kind_of_day_is(access, tmp_path) -> None:
    day = next(day for day in access.study.days if day.kind == "school_weekday")
    site = access.study.sites[2]
    path = tmp_path / "hours.csv"
    path.write_text(
        f"site,roster,date,start,end\n{site.name},tide,{day.date},13:00,21:00\n", "utf-8"
    )
    found = irregular(access.study, path)
    shift = next(
        row.shift_id for row in access.study.shift_rows
        if row.site == 2 and row.start_s == 13 * 3600 and row.end_s == 21 * 3600
    )  # fmt: skip
    assert (found.holds[0] == access.counted(shift, "school_weekday")[2]).all()


def test_a_bus_that_no_choice_of_halts_beats(access) -> None:
    wishes = Wishes(3, 9 * 3600, 45, (0, 2))
    tour = job_bus(access.study, wishes, access.study.days[0])
    row = tour.summary().iloc[0]
    assert 0 < row["reachable"] <= row["bound"] <= row["seekers"]
    clocks = tour.calls["clock_s"].to_numpy()
    assert (np.diff(clocks) >= 0).all()
    assert clocks[0] == 9 * 3600


def test_missing_links_are_detours_and_shorten_the_ways(access) -> None:
    found = zone_of(access.study, Wants("walk", 8))
    assert found.links
    for link in found.links:
        assert link.metres <= 800
        assert found.seconds[link.one, link.two] > 2 * link.seconds
    assert (found.after <= found.seconds).all()
    assert found.chosen.bound <= found.chosen.metres + 1e-6


def test_kilometres_of_the_light_add_up_to_those_driven(access) -> None:
    table = risk(access).table()
    light = table[["day_km", "twilight_km", "night_km", "small_hours_km"]].sum(axis=1)
    road = table[["motorway_km", "outside_km", "inside_km"]].sum(axis=1)
    assert np.allclose(light, table["vehicle_km"], atol=3)
    assert np.allclose(road, table["vehicle_km"], atol=3)
    assert (table["accidents_low"] <= table["accidents"]).all()
    assert (table["accidents"] <= table["accidents_high"]).all()
