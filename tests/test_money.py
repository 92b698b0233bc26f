"""Euros are divided by jobs and users, and the best set for each budget is the enumerated one.

Three employers at one end of a street, four villages along it. In the villages live 10, 20, 30
and 40 of 100 workers; the employers give 100, 50 and 50 jobs, so 20, 40, 60 and 80 jobs are held
from the villages. One bus of each village comes 20 min late for the shift; that of the fourth also
leaves too early in the afternoon.
"""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from feeds import service, trip, write_gtfs
from hypothesis import given, settings
from hypothesis import strategies as st
from small import lonlat, write_osm

from mobility.base.errors import TerritoryError
from mobility.commute.access import assess
from mobility.commute.ledger import Counts, Ledger
from mobility.commute.loading import load
from mobility.outputs.plan_tables import versement
from mobility.remedies.bill import CostLine, priced, spread, total
from mobility.remedies.candidates import SearchOptions
from mobility.remedies.factors import load_factors
from mobility.remedies.full_runs import what_if
from mobility.remedies.model import Lever
from mobility.remedies.recommendations import (
    BEATEN,
    CLASHES,
    DEARER,
    NO_ROSTER,
    REPLACED,
    TOO_FEW,
    objections,
    recommend,
    remedies_frame,
)
from mobility.remedies.remedy import Remedy, Rescued, whole_plans
from mobility.remedies.search import search, workbench
from mobility.remedies.shift_hours import shift_hours
from mobility.shuttles.combined import advised_point
from mobility.shuttles.portfolio import NOTHING, Portfolio, frontier
from mobility.shuttles.sharing import overcharged, shapley, stable_shares, to_the_cent

VILLAGES = {"V1": (5_000, 10), "V2": (10_000, 20), "V3": (15_000, 30), "V4": (20_000, 40)}
JOBS = np.array([20.0, 40.0, 60.0, 80.0])
#: Trip → what puts it right, and what that is taken to cost.
MOVES = {
    "in1": (-1200, 400.0), "in2": (-1200, 1200.0), "in3": (-1200, 900.0), "in4": (-1200, 500.0),
    "out4": (900, 600.0),
}  # fmt: skip


def write_scene(folder: Path, *, headcounts=(100, 50, 50), extra="") -> Path:
    write_osm(folder / "streets.osm", length_m=26_000)
    trips = []
    for k in range(1, 5):
        back = ("16:05", "16:25") if k == 4 else ("16:20", "16:40")
        trips += [
            trip(f"in{k}", [(f"V{k}", "07:45"), ("B", "08:05")], route=f"L{k}", direction_id=0),
            trip(f"out{k}", [("B", back[0]), (f"V{k}", back[1])], route=f"L{k}", direction_id=1),
        ]
    write_gtfs(
        folder / "gtfs.zip",
        stops={"B": lonlat(24_760)} | {v: lonlat(m) for v, (m, _) in VILLAGES.items()},
        trips=trips,
        services={"S": service("1111100", "20260105", "20261218")},
    )
    rows = ["id,name,commune,lon,lat,workers"]
    for name, (metres, workers) in VILLAGES.items():
        lon, lat = lonlat(metres - 300)
        rows.append(f"{name},{name},{name},{lon:.9f},{lat:.9f},{workers}")
    (folder / "homes.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    lon, lat = lonlat(25_000)
    sites = "".join(
        f'[[sites]]\nname = "E{k}"\nemployer = "Maison {k}"\ngates = [[{lon:.9f}, {lat:.9f}]]\n'
        f'rosters = [{{ name = "day", shifts = [{{ name = "jour", start = "08:00", end = "16:00", '
        f"headcount = {count} }}] }}]\n"
        for k, count in enumerate(headcounts, 1)
    )
    path = folder / "territory.toml"
    path.write_text(
        'name = "Quatre villages"\ncrs = "EPSG:2154"\n[sources]\nosm = "streets.osm"\n'
        'gtfs = ["gtfs.zip"]\n[sources.homes]\nfile = "homes.csv"\nid = "id"\nname = "name"\n'
        'commune = "commune"\npersonal = false\n[days]\nkinds = ["school_weekday"]\n'
        "dates = { school_weekday = 2026-11-17 }\n[speeds]\nwalk_kmh = 3.6\n[modes]\n"
        f'evaluated = ["transit", "walk", "car"]\n{extra}\n{sites}',
        encoding="utf-8",
    )
    return path


@pytest.fixture(scope="module")
def access(tmp_path_factory):
    return assess(load(write_scene(tmp_path_factory.mktemp("villages"))))


@pytest.fixture(scope="module")
def bench(access):
    return workbench(access, stops=False)


def menu(bench):
    """The five moves, and car-pooling to the first employer for 15 in a hundred."""
    names = bench.study.feed.trips["trip_id"].astype(str).tolist()
    found = [
        Remedy(
            "move_trip", "", {}, 0.0, 0.0, eur, bill=(CostLine("move", 1, "moves", eur, eur, eur),),
            lever=Lever("move_trip", (names.index(name),), shift_s=by),
        )
        for name, (by, eur) in MOVES.items()
    ]  # fmt: skip
    users = 0.15 * 100
    factors = load_factors()
    bill = (priced(factors, "car-pooling service", users, "users", "carpool_worker_year"),)
    adoption = factors.rows["carpool_adoption"]
    ends = (adoption.low / adoption.value, adoption.high / adoption.value)
    everyone = np.ones(bench.study.n_homes, bool)
    found.append(
        Remedy(
            "carpool", "", {}, users, 0.0, total(bill), bill=bill, users=users, uptake=ends,
            jobs=users, rescued=(Rescued(0, everyone, 0.15),),
        )
    )  # fmt: skip
    return found


def by_hand(chosen):
    """Jobs and EUR of a set of the menu, by the arithmetic of the scene."""
    right = np.array([0 in chosen, 1 in chosen, 2 in chosen, {3, 4} <= chosen])
    jobs, eur = float(JOBS @ right), sum(list(MOVES.values())[k][1] for k in chosen if k < 5)
    if 5 in chosen:
        # Half of all jobs are the first employer's.
        users = 0.15 * 0.5 * float(JOBS @ ~right)
        jobs, eur = jobs + users, eur + 120 * users
    return jobs, eur


def test_jobs_are_the_headcount_spread_over_the_pool(access):
    ledger = Ledger.of(access.study)
    assert ledger.jobs.sum(axis=0).tolist() == JOBS.tolist()
    assert [ledger.site_jobs(site) for site in range(3)] == [100, 50, 50]
    nobody = ledger.held(access)
    assert not nobody.any()
    some = nobody.copy()
    some[:, 1] = True
    # 40 jobs are held from the second village, by its 20 inhabitants, in three rosters each.
    assert ledger.gained(nobody, some) == Counts(40.0, 20.0, 60.0)


def test_the_frontier_is_the_enumerated_one(bench):
    portfolio = Portfolio(bench, menu(bench))
    sets = [frozenset(c) for k in range(7) for c in combinations(range(6), k)]
    for chosen in sets:
        point = portfolio.point(chosen)
        assert (point.jobs, point.eur_year) == pytest.approx(by_hand(chosen)), chosen
    points = frontier(portfolio)
    assert points[0].chosen == NOTHING
    for budget in range(0, 6000, 50):
        best = max(by_hand(c)[0] for c in sets if by_hand(c)[1] <= budget)
        mine = max(p.jobs for p in points if p.eur_year <= budget)
        assert mine == pytest.approx(best)
    jobs = [p.jobs for p in points]
    assert jobs == sorted(jobs)
    assert all(p.bound == p.jobs for p in points)
    assert 0 < advised_point(points) < len(points)


def test_every_point_is_what_a_full_run_finds(bench):
    portfolio = Portfolio(bench, menu(bench))
    for point in frontier(portfolio)[::3]:
        assert portfolio.prove(point).proven == pytest.approx(point.jobs)


def test_grown_sets_stay_under_their_bound_and_near_the_best(bench):
    portfolio = Portfolio(bench, menu(bench))
    exact, grown = frontier(portfolio), frontier(portfolio, exact=0)
    assert {p.chosen for p in grown} <= {p.chosen for p in exact} | {p.chosen for p in grown}
    for point in grown:
        assert point.bound >= point.jobs
        best = max(p.jobs for p in exact if p.eur_year <= point.eur_year)
        assert point.jobs >= 0.5 * best


def test_a_larger_menu_never_makes_the_frontier_worse(bench):
    remedies = menu(bench)
    before: list = []
    for count in range(1, 7):
        points = frontier(Portfolio(bench, remedies[:count]))
        for old in before:
            assert max(p.jobs for p in points if p.eur_year <= old.eur_year) >= old.jobs - 1e-9
        before = points


def test_no_remedy_serves_or_costs_more_than_there_are_jobs(access):
    found = search(access, options=SearchOptions(kinds=("move_trip",)))
    remedies = recommend(found)
    assert {"move_trip", "carpool"} <= {r.kind for r in remedies}
    for remedy in remedies:
        staff = sum({"E1": 100, "E2": 50, "E3": 50}[s] for s in remedy.site_names)
        assert 0 <= remedy.users <= staff
        assert remedy.jobs <= staff
        assert remedy.eur_per_job >= 0
    carpool = next(r for r in remedies if r.kind == "carpool" and r.site_names == ("E1",))
    # A car from the first village, 20 km away, takes too long: 90 jobs, 15 in a hundred.
    assert (carpool.jobs, carpool.users, carpool.eur_year) == pytest.approx((13.5, 13.5, 1620))
    frame = remedies_frame(remedies, [""] * len(remedies), "en")
    assert set(frame.loc[frame["kind"] == "move_trip", "line"]) == {"L1", "L2", "L3"}
    # The fourth village needs both of its trips: they are told as a pair, of 80 jobs.
    (pair,) = [r for r in remedies if r.kind == "pair"]
    assert (pair.jobs, len(pair.levers), pair.eur_year) == (pytest.approx(80), 2, 800)
    assert frame["jobs"].iloc[:3].gt(0).all()
    assert (frame["rank_best"] <= frame["rank"]).all()
    assert (frame["rank"] <= frame["rank_worst"]).all()


def test_euros_are_recomputed_from_the_tables(access):
    remedies = recommend(search(access, options=SearchOptions(kinds=("move_trip", "add_run"))))
    factors = load_factors()
    table = factors.to_frame().set_index("name")["value"]
    for remedy in remedies:
        euros = 0.0
        for line in remedy.bill:
            names = line.factors.split()
            price = np.prod([table[f] for f in names if f[0] != "/"])
            euros += line.quantity * price / np.prod([table[f[1:]] for f in names if f[0] == "/"])
        assert remedy.eur_year == pytest.approx(euros)
        assert total(remedy.bill, "low") <= euros <= total(remedy.bill, "high")
    moved = spread([r.bill for r in remedies], factors)
    assert (moved["eur_low"] < moved["eur_high"]).all()


def test_what_a_retiming_asks_for_is_paid(access):
    """A trip alone is free to move; the first of a block lengthens the day, an overlap adds one."""
    found = search(access, options=SearchOptions(kinds=("move_trip",)))
    moves = {
        (r.params["line"], r.lever.shift_s): r for r in recommend(found) if r.kind == "move_trip"
    }
    one = moves["L1", -1200]
    # 36 + 16 weeks of five days; the same departure is planned anew once.
    assert {line.item: line.quantity for line in one.bill} == {"departures planned anew": 1}
    assert one.eur_year == 400


def test_one_rule_advises_the_set_and_says_why_not_the_others():
    def remedy(eur, jobs, trip=None, **more):
        lever = None if trip is None else Lever("move_trip", (trip,))
        return Remedy("shuttle", "", {}, jobs, 0.0, eur, jobs=jobs, lever=lever, **more)

    listed = [remedy(100.0, 10.0, 1), remedy(200.0, 5.0), remedy(300.0, 20.0, 1),
              remedy(50.0, 30.0, refused="dear"), remedy(10.0, 0.2), remedy(900.0, 40.0),
              remedy(400.0, 3.0, 2)]  # fmt: skip
    listed.append(remedy(500.0, 4.0, 3))
    told = objections(listed, [set(), {7}, {0, 1}, {0, 1, 5, 7}], advised=2)
    assert told == ["", "", CLASHES, "dear", TOO_FEW, DEARER, BEATEN, REPLACED]
    # Nothing is advised: what a set pays for asks for a larger budget.
    assert objections(listed, [set(), {0}], advised=-1)[:2] == [DEARER, BEATEN]


def test_the_ends_of_a_point_take_prices_and_uptake_at_theirs(bench):
    """Car-pooling: 15 in a hundred, between 10.5 and 19.5, at 120 EUR, between 84 and 156."""
    portfolio = Portfolio(bench, menu(bench))
    point = portfolio.prove(portfolio.point(frozenset({0, 5})))
    # The first village's 20 jobs; of the first employer's 90 others the users.
    little, much = point.ends
    assert point.jobs == pytest.approx(20 + 13.5)
    assert (little.jobs, much.jobs) == pytest.approx((20 + 9.45, 20 + 17.55))
    assert point.eur_year == pytest.approx(400 + 120 * 13.5)
    assert little.eur_at("low") == pytest.approx(400 + 84 * 9.45)
    assert much.eur_at("high") == pytest.approx(400 + 156 * 17.55)


def test_emitting_more_than_is_saved_is_said():
    dirty = Remedy("shuttle", "the departure", {}, 9.0, 0.0, 1000.0, jobs=9.0, co2_saved_kg=-7900.0)
    assert "émet 7,9 t de CO₂e de plus" in dirty.sentence("fr").replace("\u202f", " ")
    assert "7.9 t of CO₂e more" in dirty.sentence("en")


def airport(needs):
    """What a group pays for the dearest of its members' needs."""
    return lambda group: max((needs[m] for m in group), default=0.0)


def test_shapley_of_a_known_game():
    # Littlechild and Owen (1973): each pays an equal part of every step that it needs.
    shares = shapley([0, 1, 2], airport([30.0, 60.0, 100.0]))
    assert shares == pytest.approx({0: 10.0, 1: 25.0, 2: 65.0})


@settings(deadline=None)
@given(st.lists(st.floats(1, 1e6), min_size=1, max_size=6))
def test_shares_are_stable_and_sum_to_the_cent(needs):
    cost = airport(needs)
    shares, stable = stable_shares(range(len(needs)), cost)
    assert stable
    assert not overcharged(shares, cost)
    cents = to_the_cent(np.array(list(shares.values())), max(needs))
    assert round(100 * cents.sum()) == round(100 * max(needs))


def test_a_sharing_that_a_group_would_refuse_is_mended():
    # One of two owners of the same key is enough: Shapley would charge the one who needs it most.
    prices = {0b001: 10, 0b010: 10, 0b100: 10, 0b011: 11, 0b101: 18, 0b110: 18, 0b111: 20}
    cost = lambda group: float(prices[sum(1 << m for m in group)]) if group else 0.0  # noqa: E731
    shares, stable = stable_shares([0, 1, 2], cost)
    assert stable
    assert not overcharged(shares, cost)
    assert sum(shares.values()) == pytest.approx(20)


@pytest.mark.parametrize("unit", ["kEUR/h", "EUR/km", "EUR per minute", "%"])
def test_a_factor_in_another_unit_is_refused(unit):
    row = {"value": 80, "unit": unit, "year": 2026, "source": "here"}
    with pytest.raises(TerritoryError, match="another unit") as caught:
        load_factors({"bus_hour": row})
    assert "bus_hour" in str(caught.value)
    assert "autre unité" in caught.value.render("fr")
    assert load_factors({"bus_hour": row | {"unit": "EUR/h"}})["bus_hour"] == 80


def test_a_band_holds_its_value():
    with pytest.raises(TerritoryError, match="band"):
        load_factors({"bus_hour": {"value": 80, "low": 90, "high": 100}})
    row = load_factors({"bus_hour": {"value": 80, "low": 70, "high": 100}}).rows["bus_hour"]
    assert (row.low, row.high) == (70, 100)
    assert load_factors().rows["bike_adoption"].high <= 1


@pytest.mark.parametrize("name", ["carpool_adoption", "bike_adoption", "versement_mobilite_rate"])
@pytest.mark.parametrize("entry", [1.2, {"value": 0.5, "low": 0.1, "high": 1.1}])
def test_no_more_than_all_take_something_up(name, entry):
    with pytest.raises(TerritoryError, match="share of a whole") as caught:
        load_factors({name: entry})
    assert name in str(caught.value)
    assert "dépasse 1" in caught.value.render("fr")
    # A night may cost more than twice a day.
    assert load_factors({"night_premium": 1.2, name: 1.0})["night_premium"] == 1.2


def test_what_nobody_rides_is_paid_in_equal_parts():
    assert to_the_cent(np.zeros(3), 100.0).sum() == pytest.approx(100)


def test_a_plan_of_shuttles_is_told_by_the_remedy_that_runs_it_whole():
    """Its direct lines alone may be cheaper per job, and advised where the whole is not."""
    parts = [Remedy("shuttle", "{plan}", {"plan": "P2L", "lines": n}, 1, 0, 1.0) for n in (3, 8, 5)]
    others = [Remedy("shuttle", "{plan}", {"plan": "P1", "lines": 1}, 1, 0, 1.0),
              Remedy("carpool", "", {}, 1, 0, 1.0)]  # fmt: skip
    assert whole_plans([*others, *parts]) == {"P1": 0, "P2L": 3}


def test_nothing_is_ranked_on_a_roster_without_headcount(tmp_path):
    access = assess(load(write_scene(tmp_path, headcounts=(0, 0, 0))))
    found = search(access, options=SearchOptions(kinds=("move_trip",)))
    remedies = recommend(found, shift_hours(access))
    against = objections(remedies, [range(len(remedies))], 0)
    assert set(against) == {NO_ROSTER}
    frame = remedies_frame(remedies, against, "fr")
    assert frame["eur_per_job"].isna().all()
    # What is not known is not told as nothing.
    assert (frame["eur_year"] > 0).all()
    dues = versement(access.study, load_factors({"versement_mobilite_rate": 0.02}))
    assert dues[["payroll", "versement"]].isna().all(axis=None)


def test_levers_of_the_scene_are_those_that_put_it_right(access, bench):
    names = bench.study.feed.trips["trip_id"].astype(str).tolist()
    levers = [
        Lever("move_trip", (names.index(name),), shift_s=by) for name, (by, _) in MOVES.items()
    ]
    after = assess(what_if(bench.study, levers))
    assert Ledger.of(bench.study).held(after).all()
