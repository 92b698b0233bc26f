"""Booked rides as a remedy of a site: who is served, how many ride, every euro from factors."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from test_money import write_scene

from mobility.commute.access import assess
from mobility.commute.ledger import Ledger
from mobility.commute.loading import load
from mobility.commute.white_zones import white_zones
from mobility.remedies.bill import total
from mobility.remedies.factors import load_factors
from mobility.remedies.search import workbench
from mobility.remedies.street_remedies import street_remedies
from mobility.shuttles import booked_remedy
from mobility.shuttles.booked import TAXI
from mobility.shuttles.booked_remedy import (
    booked_remedies,
    booked_sites,
    bookings_of,
    proven_share,
    proven_shares,
    served_sites,
    sites_table,
)
from mobility.shuttles.config import Factors, ShuttleConfig
from mobility.shuttles.demand import find_demand
from mobility.shuttles.design import design_shuttles
from mobility.shuttles.portfolio import Portfolio

SETTINGS = "[shuttles]\ncapture_rate = 0.3\ncapture_low = 0.2\ncapture_high = 0.5\n"


@pytest.fixture(scope="module")
def zones(tmp_path_factory):
    folder = tmp_path_factory.mktemp("villages")
    return white_zones(assess(load(write_scene(folder, extra=SETTINGS))))


def test_three_employers_by_hand(zones):
    """From the first two villages a rider's whole commute would be too long.

    E1 lacks 30 jobs of the third, which is 10.3 km away, on the way in alone, and 40 of the
    fourth, 5.3 km away, both ways: 9, 12 and 12 riders on 252 days, in three taxis each.
    """
    first, second, third = booked_sites(zones)
    for one, jobs in ((first, 70), (second, 35), (third, 35)):
        assert one.homes.tolist() == [False, False, True, True]
        assert one.jobs == pytest.approx(jobs)
        assert one.ways["proven"].iloc[0] == 1
    taxi = first.ways.iloc[0]
    assert taxi["by"] == TAXI
    assert taxi["served"] == 1
    assert taxi["boardings_year"] == pytest.approx((9 + 12 + 12) * 252)
    paid = {line.item: line.quantity for line in first.bill}
    assert paid["taxis: pick-up charge"] == pytest.approx(9 * 252)
    assert paid["taxis: by day"] == pytest.approx((3 * 10.3 + 6 * 5.3) * 252, rel=1e-3)
    assert paid["bookings"] == pytest.approx(33 * 252)


def test_the_cheapest_way_is_the_remedy_and_each_euro_is_a_product_of_factors(zones):
    study, sites = zones.access.study, booked_sites(zones)
    remedies, table = booked_remedies(study, sites), sites_table(study, sites, "en")
    factors = Factors.load(study.territory.factors).rows
    assert table.loc[table["cheapest"], "site"].tolist() == ["E1", "E2", "E3"]
    for one, remedy in zip(sites, remedies, strict=True):
        mine = table[table["site"] == remedy.site_names[0]]
        assert remedy.eur_year == pytest.approx(mine["eur_year"].min())
        assert remedy.jobs == pytest.approx(one.jobs)
        assert remedy.users == pytest.approx(0.3 * one.jobs)
    for *_, services in served(zones):
        for service in services:
            assert {line.factors for line in service.bill} <= {*factors}
            assert sum(line.quantity * factors[line.factors].value for line in service.bill if
                       line.item != "structure costs") == pytest.approx(
                total(line for line in service.bill if line.item != "structure costs")
            )  # fmt: skip


def served(zones):
    ledger = Ledger.of(zones.access.study)
    return served_sites(zones, ledger.jobs * ledger.lacking(zones.access))


def test_what_is_found_is_kept_and_every_input_counts(tmp_path, monkeypatch):
    monkeypatch.setenv("MOBILITY_CACHE_DIR", str(tmp_path / "cache"))
    computed = []
    monkeypatch.setattr(
        booked_remedy, "served_sites", lambda *of: computed.append(of) or served_sites(*of)
    )

    def asked(file="territory.toml", *change):
        place = write_scene(tmp_path, extra=SETTINGS).with_name(file)
        before = place.read_text(encoding="utf-8")
        place.write_text(before.replace(*change, 1) if change else before, encoding="utf-8")
        assert not change or place.read_text(encoding="utf-8") != before
        zones = white_zones(assess(load(tmp_path / "territory.toml")))
        told = [vars(one) for one in booked_sites(zones)]
        return [{k: v.tolist() if k == "homes" else v for k, v in one.items()} for one in told]

    first, again = asked(), asked()
    assert len(computed) == 1
    for one, other in zip(first, again, strict=True):
        pd.testing.assert_frame_equal(one.pop("ways"), other.pop("ways"))
    assert first == again
    for n, change in enumerate((
        ("homes.csv", ",40\n", ",41\n"),
        ("territory.toml", "headcount = 100", "headcount = 90"),
        ("territory.toml", 'end = "16:00"', 'end = "16:10"'),
        ("territory.toml", 'name = "jour", start', 'name = "jour", days = ["mon"], start'),
        ("territory.toml", "capture_rate = 0.3", "capture_rate = 0.4"),
        ("territory.toml", "[days]", "[factors]\ndriver_hour = 50\n[days]"),
        ("territory.toml", "gates = [[", "margin_out_min = 7\ngates = [["),
    ), 2):  # fmt: skip
        asked(*change)
        assert len(computed) == n, change


def test_the_engine_finds_no_ride_that_comes_late(zones):
    """Of 33 riders, the 21 on the way in are late by half an hour."""
    (*_, services), study = served(zones)[0], zones.access.study
    config = ShuttleConfig.from_territory(study.territory)
    demand = find_demand(study, zones, [s.day for s in services[0].days])
    bookings, taxi = bookings_of(study, demand, config), services[0]

    def later(day):
        tours = tuple(
            replace(t, calls=tuple(replace(c, time_s=c.time_s + 1800) for c in t.calls))
            for t in day.tours
        )
        return replace(day, tours=tours)

    late = replace(taxi, days=tuple(map(later, taxi.days)))
    assert proven_share(study, bookings, demand.homes, taxi) == 1
    alone = proven_share(study, bookings, demand.homes, late)
    assert alone <= 12 / 33
    assert proven_shares(study, bookings, demand.homes, [taxi, late]) == [1, alone]


def test_nothing_is_gained_of_a_roster_of_days_that_are_not_studied(tmp_path):
    """The first employer works at the week-end alone, and weekdays are studied."""
    path = write_scene(tmp_path, extra=SETTINGS + "iterations = 2\nplans = 2\n")
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace('name = "jour", ', 'name = "jour", days = ["sat", "sun"], ', 1),
        encoding="utf-8",
    )
    access = assess(load(path))
    zones = white_zones(access)
    assert [access.study.sites[one.site].name for one in booked_sites(zones)] == ["E2", "E3"]
    bench = workbench(access, stops=False)
    driven = [r for r in street_remedies(access, load_factors()) if r.kind == "carpool"]
    assert {r.site_names for r in driven} == {("E2",), ("E3",)}
    every = Portfolio(bench, driven).point(frozenset(range(len(driven))))
    assert every.by_roster[0] == 0
    assert every.jobs == pytest.approx(sum(r.jobs for r in driven))
    plans = design_shuttles(access.study, access, zones)
    assert plans.knee is not None
    assert plans.knee.jobs[0] == 0
    assert sum(plans.knee.jobs) > 0


def test_nobody_lacking_anything_asks_for_no_rides(tmp_path):
    access = assess(load(write_scene(tmp_path, headcounts=(0, 0, 0))))
    assert not booked_sites(white_zones(access))
    assert np.all(access.study.homes.frame["workers"] > 0)
