"""Small inputs that went wrong once, in ``../shared/cases``, each with its right value.

Minutes are those of one shift there and back, the ten minutes of margin included.
"""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import numpy as np
import pytest

from mobility.base.errors import TerritoryError
from mobility.commute.access import Access, assess, counted_rows, rosters
from mobility.commute.loading import load
from mobility.commute.white_zones import STATUSES, white_zones
from mobility.outputs.plan_tables import site_rates
from mobility.remedies.factors import load_factors
from mobility.shuttles.design import design_shuttles
from mobility.sources.homes.read import read_homes
from mobility.sources.sites import read_sites_file
from mobility.territory.project import Territory
from mobility.timetable.arrays import INF

ROOT = Path(__file__).parents[1]
CASES = ROOT.parent / "shared" / "cases"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not CASES.is_dir(), reason="../shared/cases is absent"),
]
NOTHING = (None, None)


def case(name: str, *modes: str, **limits: float) -> Access:
    """Assess a case, with other modes than it evaluates itself, and other limits."""
    path = CASES / name / "territory.toml"
    data = tomllib.loads(path.read_text("utf-8"))
    if modes:
        data["modes"]["evaluated"] = list(modes)
    data["limits"] = {**data.get("limits", {}), **limits}
    return assess(load(Territory.from_dict(data, path)))


def minutes(access: Access, mode: str, shift: int = 0, home: int = 0) -> tuple[float | None, ...]:
    """Return minutes there and back to a tenth, None where there is no journey."""
    row = access.row(shift, "school_weekday", mode)
    both = (int(access.outbound_s[row, home]), int(access.return_s[row, home]))
    return tuple(None if s == INF else round(s / 60, 1) for s in both)


def told(access: Access) -> set[str]:
    return {f.code for f in access.study.findings}


BUS = (55.0, 50.0)


@pytest.mark.parametrize(
    ("name", "mode", "shift", "right", "codes"),
    [
        ("base-line-and-road", "transit", 0, BUS, ()),
        ("osm-ways-before-nodes", "transit", 0, BUS, ()),
        ("osm-drawn-nodes-only", "transit", 0, BUS, ()),
        ("osm-deleted-in-editor", "walk", 0, (60.3, 60.3), ()),
        ("osm-access-list-for-cars", "car", 0, (22.4, 22.4), ()),
        # The index has 22.4: that is the detour of the case above. Here the same file gives 20.7
        # with motor_vehicle=no too, which is the way round without any doubt.
        ("osm-destination-only-street", "car", 0, (20.7, 20.7), ()),
        ("osm-contraflow-cycle-lane", "bike", 0, (13.9, 13.9), ()),
        # The index has 60.3. The only way round is 5 km, 83 min on foot, over the 60 min of
        # walking that the file allows: at the hours the path is closed there is no journey.
        ("osm-path-closed-at-night", "walk", 0, NOTHING, ("by_the_hour",)),
        ("osm-gate-closed-at-night", "walk", 0, NOTHING, ("by_the_hour",)),
        ("osm-gate-closed-at-night", "walk", 1, (26.4, 26.4), ()),
        ("osm-gate-closed-at-night", "car", 0, (29.9, 29.9), ()),
        ("osm-gate-closed-at-night", "car", 1, (12.2, 12.2), ()),
        ("osm-way-written-twice", "car", 0, (42.4, 42.4), ("streets_written_twice",)),
        ("gtfs-guaranteed-connection", "transit", 0, (55.0, 40.0), ()),
        ("gtfs-service-called-null", "transit", 0, BUS, ()),
        ("gtfs-feed-end-before-calendar", "transit", 0, BUS, ("feed_info_period",)),
        ("gtfs-expired", "transit", 0, BUS, ("timetable_expired",)),
        ("gtfs-flex-location-groups", "transit", 0, BUS, ("flex_zones",)),
        ("homes-at-zero-zero", "transit", 0, BUS, ("homes_far_from_streets",)),
    ],
)
def test_minutes(name, mode, shift, right, codes):
    access = case(name)
    assert minutes(access, mode, shift) == right
    assert set(codes) <= told(access)
    assert not told(access) & {"trips_without_stop_times", "stops_without_trips"}


@pytest.mark.parametrize(
    ("name", "is_told"),
    [("gtfs-frequencies-to-29h", False), ("gtfs-frequencies-over-midnight", True)],
)
def test_headways_over_midnight_hold_all_three_shifts(name, is_told):
    access = case(name)
    assert [minutes(access, "transit", shift) for shift in range(3)] == [(45.0, 45.0)] * 3
    found = rosters(access)
    assert found.holds[list(counted_rows(found))][0, 0]
    assert ("frequencies_over_midnight" in told(access)) is is_told


def test_dates_inside_what_the_feed_says_of_itself():
    (day,) = case("gtfs-feed-end-before-calendar").study.days
    assert day.date.isoformat() <= "2026-06-30"


def test_homes_left_out_are_told_and_no_white_zone():
    access = case("homes-at-zero-zero")
    assert access.study.homes.workers.sum() == 60
    (finding,) = [f for f in access.study.findings if f.code == "homes_far_from_streets"]
    assert finding.count == 2
    zones = white_zones(access)
    assert zones.status.shape[1] == len(access.study.homes.workers)
    assert all(STATUSES[s] == STATUSES[zones.status[0, 0]] for s in zones.status[0])


def test_workers_of_arrondissements_and_former_communes_are_counted_or_told():
    lyon = case("homes-flows-by-arrondissement").study
    assert lyon.homes.workers.sum() == pytest.approx(1050, abs=0.5)
    former = case("homes-old-commune-codes").study
    # 40 of Gée and 100 elsewhere; 49018 is no former code of INSEE's, and its 300 are told.
    assert former.homes.workers.sum() == pytest.approx(140)
    (lost,) = [f for f in former.findings if f.code == "homes_without_zone"]
    assert "300" in lost.render("fr")


def test_a_field_of_two_communes_is_shown_as_it_stands():
    study = case("vm-two-codes-in-one-field").study
    with pytest.raises(TerritoryError) as caught:
        site_rates(study, load_factors())
    assert caught.value.value == "8500185002"
    assert 'commune = "85191"' in caught.value.render("fr")


def test_an_end_reckoned_in_the_sheet_is_a_time():
    sites = read_sites_file(CASES / "sites-workbook-end-of-shift" / "sites.xlsx")
    ends = {shift.end for site in sites for roster in site.rosters for shift in roster.shifts}
    assert 5 * 3600 in ends


def test_the_feature_ids_of_a_geopackage_are_its_fid():
    data = {
        "name": "t",
        "sources": {"homes": {"file": "homes.gpkg", "id": "fid", "personal": False}},
    }
    territory = Territory.from_dict(data, CASES / "homes-geopackage-fid" / "t.toml")
    found = read_homes(territory.sources.homes, territory)
    ids = [str(k + 1) for k in range(len(found.workers))]
    assert [str(k) for k in found.frame["home_id"]] == ids


def test_a_zone_of_flex_beside_the_demo_is_used(tmp_path):
    shutil.copytree(ROOT / "data", tmp_path / "data")
    shutil.copy(CASES / "gtfs-flex-only" / "flex.zip", tmp_path / "data" / "gtfs")
    path = tmp_path / "data" / "demo.toml"
    data = tomllib.loads(path.read_text("utf-8"))
    data["sources"]["gtfs"].append("gtfs/flex.zip")
    data["modes"]["evaluated"] = ["on_demand"]
    access = assess(load(Territory.from_dict(data, path)))
    assert "flex_zones" in told(access)
    (service,) = access.study.on_demand
    assert (service.out_s < INF).any()
    assert not any("fx" in f.examples for f in access.study.findings)


def test_groups_of_stops_bring_who_lives_near_them():
    """H1 walks 541 s to G1 and from G2, H2 241 s; the 11 km between take 2,032 s by car.

    With the detour of 1.3 the ride takes 2,641 s; ten minutes each go to the time slot and to
    the margin: 4,382 s and 4,082 s, over the hour that the file allows, within 90 min.
    """
    access = case("gtfs-flex-location-groups", "on_demand")
    assert [minutes(access, "on_demand", home=k) for k in range(2)] == [NOTHING] * 2
    access = case("gtfs-flex-location-groups", "on_demand", max_total_min=90)
    assert minutes(access, "on_demand", home=0) == (73.0, 73.0)
    assert minutes(access, "on_demand", home=1) == (68.0, 68.0)


def test_a_pooled_run_waits_in_its_timetable():
    access = case("shuttle-pooled-wait-aboard")
    plans = design_shuttles(access.study, access, white_zones(access))
    runs = [
        r for plan in plans.plans for r in plan.runs if r.direction == "in" and len(r.calls) > 2
    ]
    assert runs
    for run in runs:
        legs = np.subtract(run.arrive_s[1:], run.depart_s[:-1])
        drives = [
            plans.scene.drive.seconds[a, b] for a, b in zip(run.calls, run.calls[1:], strict=False)
        ]
        assert (legs - drives < 60 + plans.scene.dwell_s).all()
        assert max(np.subtract(run.depart_s, run.arrive_s)) >= 480
