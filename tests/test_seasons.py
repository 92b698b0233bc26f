"""Seasonal rosters: the days of the year they work, and what a shuttle for them costs and runs."""

import dataclasses
import datetime as dt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shuttle_scenes import KINDS, anchor_for, config, make_scene, shift_edges
from small import write_territory
from test_shuttle_gtfs import MONDAY, PERIOD, published

from mobility.commute.access import assess
from mobility.commute.indicators import summary
from mobility.commute.loading import load
from mobility.commute.white_zones import white_zones
from mobility.shuttles.config import Factors
from mobility.shuttles.costs import operate, yearly_costs
from mobility.shuttles.demand import calendar_days, find_demand, kind_weekdays, parts_of_year
from mobility.shuttles.model import Line
from mobility.shuttles.plan import evaluate_plan
from mobility.shuttles.schedule import build_runs
from mobility.sources.gtfs.read import read_feed
from mobility.territory.rosters import (
    ALL_YEAR,
    DAYS_A_YEAR,
    day_of_year,
    season_label,
    season_of,
    share_of_year,
)

FACTORS = Factors.load()
DEMO = Path(__file__).parents[1] / "data" / "demo.toml"
SUMMER = season_of((dt.date(2026, 6, 1), dt.date(2026, 8, 31)))
WINTER = season_of((dt.date(2026, 12, 15), dt.date(2027, 1, 15)))


def test_the_days_of_a_season() -> None:
    assert season_of(None) == ALL_YEAR
    assert season_of((dt.date(2026, 1, 1), dt.date(2026, 12, 31))) == ALL_YEAR
    assert season_of((dt.date(2026, 3, 1), dt.date(2028, 3, 1))) == ALL_YEAR
    assert SUMMER.bit_count() == 30 + 31 + 31
    assert share_of_year(SUMMER) == 92 / 365
    assert WINTER.bit_count() == 17 + 15
    assert WINTER >> day_of_year(dt.date(2030, 1, 1)) & 1
    # In a leap year, the 29th of February is the 28th's; March and December keep their places.
    assert season_of((dt.date(2028, 2, 28), dt.date(2028, 3, 1))).bit_count() == 2
    assert day_of_year(dt.date(2028, 3, 1)) == day_of_year(dt.date(2026, 3, 1)) == 59
    assert day_of_year(dt.date(2028, 12, 31)) == day_of_year(dt.date(2026, 12, 31)) == 364


@pytest.mark.parametrize("year", [2024, 2026, 2031])
def test_a_season_is_studied_on_the_same_days_of_any_year(tmp_path, year) -> None:
    """The bus runs on 17 November 2026, which is in the season of November, not in that of May."""
    rosters = ", ".join(
        f'{{ name = "{name}", period = [{year}-{month}-01, {year}-{month}-28], shifts = '
        '[{ name = "s", start = "13:00", end = "21:00", headcount = 9 }] }'
        for name, month in (("autumn", "11"), ("spring", "05"))
    )
    access = assess(load(write_territory(tmp_path, rosters=f"[{rosters}]")))
    table = summary(access, white_zones(access)).set_index("roster")
    assert table.loc["autumn", "reachable"] == 10
    # Of the other nothing is known: it is neither reachable nor white.
    assert table.loc["spring", ["reachable", "white", "share"]].isna().all()
    assert not table.loc["spring", "is_white"]


def test_a_season_is_told_by_its_ends() -> None:
    assert season_label(ALL_YEAR) == ""
    assert season_label(SUMMER) == "01/06–31/08"
    assert season_label(WINTER) == "15/12–15/01"
    assert season_label(SUMMER | WINTER) == "01/06–31/08, 15/12–15/01"
    assert season_label(ALL_YEAR & ~SUMMER) == "01/09–31/05"


seasons = st.builds(
    lambda first, days: season_of((first, first + dt.timedelta(days=days))),
    st.dates(dt.date(2024, 1, 1), dt.date(2028, 12, 31)),
    st.integers(0, 400),
)


@given(st.lists(seasons, max_size=4))
def test_parts_of_a_year_cover_it_once_and_split_no_season(drawn: list[int]) -> None:
    parts = parts_of_year(drawn)
    assert sum(p.bit_count() for p in parts) == DAYS_A_YEAR
    union = 0
    for part in parts:
        assert not union & part
        union |= part
        assert all(part & season in (0, part) for season in drawn)
    assert union == ALL_YEAR
    whole = sum(d.count for d in calendar_days(FACTORS, KINDS))
    assert sum(d.count for d in calendar_days(FACTORS, KINDS, drawn)) == pytest.approx(whole)


def one_village(seasons_of_shifts: list[int]):
    """Shifts 5–13, all at once at one gate, each of a season; a stop and its line for each."""
    edges, rows, villages = [], [], [(0, 0)]
    for k, season in enumerate(seasons_of_shifts):
        own, at = shift_edges([(5, 13)], first=k)
        edges += [dataclasses.replace(e, season=season) for e in own]
        rows += at
        villages.append((-6000.0 + 12_000 * k, 0.0))
    needs = np.zeros((len(edges), len(seasons_of_shifts)), bool)
    for e, row in enumerate(rows):
        needs[e, row] = True
    homes = [(x, 100.0) for x, _ in villages[1:]]
    scene = make_scene(villages, homes, edges, rows, [6.0] * len(homes), needs=needs)
    lines = [
        Line(f"N{k}", (k + 1,), (k + 1,), anchor_for(edges, 0), 0, (2 * k, 2 * k + 1))
        for k in range(len(seasons_of_shifts))
    ]
    return scene, lines


def operated(seasons_of_shifts: list[int]):
    scene, lines = one_village(seasons_of_shifts)
    runs = [run for k, line in enumerate(lines) for run in build_runs(scene, line, k)]
    days = calendar_days(FACTORS, KINDS, seasons_of_shifts)
    done = operate(runs, scene.drive, scene.depot, days, config(), FACTORS)
    return done, yearly_costs(done, config(), FACTORS, new_stops=0)


def test_a_season_is_paid_for_its_days() -> None:
    _, whole = operated([ALL_YEAR])
    _, summer = operated([SUMMER])
    # One run in and one out of 6 km on 252 weekdays; in summer on their 92 / 365.
    assert whole.run_km == pytest.approx(252 * 2 * 6)
    assert summer.run_km == pytest.approx(252 * 2 * 6 * 92 / 365)
    assert summer.driver_hours == pytest.approx(whole.driver_hours * 92 / 365)
    # The vehicle is kept all year: nobody hires one out for the rest.
    assert summer.vehicles == whole.vehicles == FACTORS["vehicle_fixed.minibus"]


def test_seasons_that_never_meet_share_a_vehicle() -> None:
    assert operated([SUMMER, WINTER])[0].fleet == (1, 0, 0)
    assert operated([SUMMER, SUMMER])[0].fleet == (2, 0, 0)
    assert operated([SUMMER, ALL_YEAR])[0].fleet == (2, 0, 0)


def test_the_feed_runs_in_season_only(tmp_path: Path) -> None:
    scene, lines = one_village([SUMMER, WINTER])
    days = calendar_days(FACTORS, KINDS, [SUMMER, WINTER])
    plan = evaluate_plan(scene, lines, config(), FACTORS, days)
    assert len(plan.runs) == 4
    _, path = published(scene, plan, tmp_path / "a.zip")
    read = read_feed(path, cache=False)
    holds = {SUMMER: 0, WINTER: 0}
    for k in range(364):
        date = MONDAY + dt.timedelta(days=k)
        weekday = date.weekday() < 5 and PERIOD.kinds[date] == "school_weekday"
        on = [s for s in holds if weekday and s >> day_of_year(date) & 1]
        for season in on:
            holds[season] += 1
        assert len(read.trips_on(date)) == 2 * len(on), date
    # 1 June to 31 August 2026 has 66 weekdays, 15 December to 15 January 24.
    assert holds == {SUMMER: 66, WINTER: 24}


def seasonal_demo(period: tuple[dt.date, dt.date] | None, **days: object):
    study = load(DEMO)
    foundry = study.sites[0]
    rosters = [r.model_copy(update={"period": period}) for r in foundry.rosters]
    sites = (foundry.model_copy(update={"rosters": rosters}),)
    study = dataclasses.replace(study, sites=sites, **days)
    kinds = kind_weekdays(study)
    calendar = calendar_days(FACTORS, kinds, [row.season for row in study.shift_rows])
    demand = find_demand(study, white_zones(assess(study)), calendar)
    return study, demand


def test_riders_of_a_season_are_counted_on_its_days() -> None:
    study, whole = seasonal_demo(None)
    dates = sorted(d.date for d in study.days)
    period = (dates[0] - dt.timedelta(days=20), dates[-1] + dt.timedelta(days=20))
    seasonal, part = seasonal_demo(period)
    share = share_of_year(season_of(period))
    assert 0 < share < 1
    assert {e.season for e in part.edges} == {season_of(period)}
    np.testing.assert_allclose(part.days, whole.days * share)
    shift, day = study.shift_rows[0].shift_id, study.days[0]
    assert seasonal.days_per_year(shift, day) == pytest.approx(
        study.days_per_year(shift, day) * share
    )


def test_a_kind_of_day_of_its_own_stands_for_the_weekdays_of_the_season() -> None:
    study, _ = seasonal_demo(None)
    usual = study.days[0]
    own = dataclasses.replace(usual, kind="campaign", date=usual.date + dt.timedelta(days=7))
    _, demand = seasonal_demo(
        (own.date - dt.timedelta(days=3), own.date + dt.timedelta(days=3)),
        days=(*study.days, own),
        timetables={**study.timetables, "campaign": study.timetables[usual.kind]},
    )
    # The studied weekdays are out of the season: the campaign's own week counts for them.
    assert {e.day_kinds for e in demand.edges} == {
        ("campaign", "holiday_weekday", "school_weekday")
    }
    assert demand.days.max() == pytest.approx(252 * 7 / 365)
