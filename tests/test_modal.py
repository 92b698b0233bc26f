"""The comparison of modes on the street of `small`, by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from small import PLACES_M, lonlat, write_territory

from mobility.base.errors import TerritoryError
from mobility.commute.access import assess
from mobility.commute.loading import load
from mobility.commute.modal import _mean, _ratio, modal_table, transit_grams
from mobility.outputs.workbook import MEANS, mode_tables, rounded_modal
from mobility.territory.factors import Factors

ROSTERS = (
    '[{ name = "3x8", shifts = [{ name = "m", start = "05:00", end = "13:00", headcount = 30 },'
    ' { name = "day", start = "11:00", end = "13:00", headcount = 30 }]}]'
)
EXTRA = """[limits]
max_walk_min = 60
max_bike_min = 60
[factors]
"co2.bus" = 100
"co2.car" = { value = 200, unit = "gCO2e per vehicle-km", year = 2026, source = "here" }
"cost.transit_year" = 300
"cost.car_km" = 0.5
"""


@pytest.fixture(scope="module")
def access(tmp_path_factory):
    path = write_territory(tmp_path_factory.mktemp("modal"), rosters=ROSTERS, extra=EXTRA)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('["transit", "walk"]', '["transit", "walk", "bike", "car"]'))
    return assess(load(path))


@pytest.fixture(scope="module")
def table(access):
    frame = modal_table(access)
    return frame[frame["shift"] == "m"].set_index("mode")


def test_workers_within_minutes(table):
    assert table["pool"].tolist() == [20, 20, 20, 20]
    # H1 takes 45 min by bus both ways; H2 walks 1000 s to the stop: 56 min 40 s.
    assert table.loc["transit", ["within_30", "within_45", "within_60"]].tolist() == [0, 10, 20]
    assert table.loc["walk", "holds"] == 0


def test_kilometres_euros_and_emissions(table):
    # 10,539 and 11,239 m to the gate, both ways; on five days a week, 52 weeks, the shift is
    # manned, and a worker comes on 218 days of these 260.
    assert table.loc["car", "km"] == pytest.approx((10.539 + 11.239) / 2, abs=0.002)
    assert table.loc["car", "eur_year"] == pytest.approx(10.889 * 2 * 218 * 0.5, rel=1e-3)
    assert table.loc["car", "kgco2e_year"] == pytest.approx(10.889 * 2 * 218 * 0.2, rel=1e-3)
    assert table.loc["transit", "kgco2e_year"] == pytest.approx(10.889 * 2 * 218 * 0.1, rel=1e-3)
    # Half of the pass is the employer's.
    assert table.loc["transit", "eur_year"] == 150
    assert table.loc["bike", "kgco2e_year"] == pytest.approx(
        table.loc["bike", "km"] * 2 * 218 * 0.17 / 1000, rel=1e-3
    )
    assert np.isnan(table.loc["walk", "eur_year"])


@pytest.mark.parametrize("modes", ['"walk", "transit"', '"transit"'])
def test_who_walks_all_the_way_needs_no_ticket_and_emits_nothing(tmp_path, modes):
    """H1 rides both ways; N, 500 m from the gate, holds by walking, which no bus betters."""
    x, y = lonlat(PLACES_M["H1"])
    u, v = lonlat(PLACES_M["G"] - 500)
    homes = f"id,name,commune,lon,lat,workers\nH1,a,c,{x},{y},30\nN,b,c,{u},{v},10\n"
    path = write_territory(tmp_path, rosters=ROSTERS, extra=EXTRA, homes=homes)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"transit", "walk"', modes), encoding="utf-8")
    frame = modal_table(assess(load(path)))
    row = frame[(frame["shift"] == "m") & (frame["mode"] == "transit")].iloc[0]
    assert row["holds"] == 40
    assert row["eur_year"] == pytest.approx(150 * 30 / 40)
    assert row["kgco2e_year"] == pytest.approx(10.539 * 2 * 218 * 0.1 * 30 / 40, rel=1e-3)


def test_ratio_to_the_car_door_to_door(access, table):
    row = access.row(0, "school_weekday", "car")
    transit = access.row(0, "school_weekday", "transit")
    ratios = sorted(
        (access.outbound_s[transit] + access.return_s[transit])
        / (access.outbound_s[row] + access.return_s[row])
    )
    assert table.loc["transit", "ratio_to_car"] == pytest.approx(ratios[0])
    assert table.loc["car", "ratio_to_car"] == 1.0


def test_kilometres_in_the_dark(access):
    frame = modal_table(access).set_index(["shift", "mode"])
    # From 04:50 back, the drive of the morning shift is dark all year long; the way home at
    # 13:10 never is. The shift from 11:00 to 13:00 never meets the dark.
    km = frame.loc[("m", "car"), "km"]
    assert frame.loc[("m", "car"), "night_km_year"] == pytest.approx(km * 218, rel=1e-6)
    assert frame.loc[("m", "car"), "night_vkm_year"] == pytest.approx(km * 218 * 30, rel=1e-6)
    assert frame.loc[("day", "car"), "night_km_year"] == 0
    assert np.isnan(frame.loc[("m", "transit"), "night_km_year"])


def test_a_car_shared_divides_cost_and_emissions(access):
    chance = np.array([1.0, 0.5])
    frame = modal_table(access, {0: chance}).set_index(["shift", "mode"])
    car, pool = frame.loc[("m", "car")], frame.loc[("m", "carpool")]
    assert (pool["pool"], pool["holds"]) == (20, 15)
    assert ("day", "carpool") not in frame.index
    # Ten workers at 10.539 km and five at 11.239 km, two and a half to a car.
    km = (10 * 10.539 + 5 * 11.239) / 15
    assert pool["km"] == pytest.approx(km, abs=0.002)
    assert pool["eur_year"] == pytest.approx(km * 2 * 218 * 0.5 / 2.5, rel=1e-3)
    assert pool["kgco2e_year"] == pytest.approx(km * 2 * 218 * 0.2 / 2.5, rel=1e-3)
    assert pool["night_vkm_year"] == pytest.approx(km * 218 * 30 / 2.5, rel=1e-3)
    assert car["holds"] == 20


def test_a_worker_comes_on_no_more_days_than_one_works_or_the_shift_is_manned(access):
    def euros(factors):
        study = access.study
        territory = study.territory.model_copy(update={"factors": factors})
        own = replace(access, study=replace(study, territory=territory))
        return modal_table(own).set_index(["shift", "mode"]).loc[("m", "car"), "eur_year"]

    km_eur = 10.889 * 2 * 0.473
    assert euros({"worked_days_year": 130}) == pytest.approx(km_eur * 130, rel=1e-3)
    assert euros({"worked_days_year": 300}) == pytest.approx(km_eur * 260, rel=1e-3)


def test_weighted_median_and_mean():
    i32 = lambda *v: np.array(v, np.int32)  # noqa: E731
    users = np.array([1.0, 1.0, 5.0, 0.0])
    car = np.array([10.0, 10.0, 10.0, 10.0])
    assert _ratio(i32(5, 10, 15, 99), i32(5, 10, 15, 99), car, users) == 3.0
    assert np.isnan(_ratio(i32(5), i32(5), np.array([np.nan]), np.array([1.0])))
    assert _mean(np.array([1.0, np.nan, 4.0, 9.0]), users) == pytest.approx((1 + 20) / 6)
    assert np.isnan(_mean(np.array([1.0]), np.array([0.0])))


def test_counts_are_whole_and_means_rounded():
    frame = pd.DataFrame(
        {"mode": ["car", "bike"], "pool": [100.0, 100.0], "holds": [50.25, 0.0]}
        | {f"within_{m}": [10.5, 3.0] for m in (30, 45, 60)}
        | {c: [1.26, np.nan] for c in MEANS}
    )
    out = rounded_modal(frame)
    assert out["holds"].tolist() == [50, 0]
    assert out["within_30"].tolist() == [11, 3]
    assert out.iloc[0][["ratio_to_car", "km", "eur_year"]].tolist() == [1.26, 1.3, 1.0]
    assert out["eur_year"].isna().tolist() == [False, True]


def test_factors_are_rows_with_source_and_year(access):
    rows = mode_tables(access)["factors"].set_index("name")
    said = rows.loc["co2.car", ["value", "unit", "year", "source", "check"]]
    assert said.tolist() == [200.0, "gCO₂e par véhicule-km", 2026, "here", False]
    assert rows.loc["co2.bus", "source"] == "Fichier de territoire"
    assert (rows["source"] != "").all()
    assert (rows["unit"] != "").all()
    with pytest.raises(TerritoryError, match=r"co2\.car"):
        Factors.load({"co2": {"car": -1}})


def test_vehicles_of_the_feed_weigh_by_trips(access):
    factors = Factors.load()
    assert transit_grams(access.study, factors) == factors["co2.bus"]
    routes = access.study.feed.routes.assign(route_type=np.int16(0))
    trams = replace(access.study, feed=replace(access.study.feed, routes=routes))
    assert transit_grams(trams, factors) == factors["co2.tram"]
