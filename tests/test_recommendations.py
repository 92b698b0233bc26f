"""Sentences say the figures, in both languages."""

import re
from dataclasses import replace

import pytest
from light_plans import write_cut
from small import TRIPS, write_territory
from texts import french

from mobility.base.errors import TerritoryError
from mobility.commute.access import assess
from mobility.commute.indicators import round_persons
from mobility.commute.loading import load
from mobility.remedies.candidates import SearchOptions
from mobility.remedies.factors import load_factors
from mobility.remedies.model import Lever
from mobility.remedies.recommendations import ACTIONS, recommend, remedies_frame, retiming_remedy
from mobility.remedies.remedy import Effect, Remedy, alternatives, count_text
from mobility.remedies.search import search
from mobility.remedies.shift_hours import shift_hours


@pytest.fixture(scope="module")
def late(tmp_path_factory):
    trips = [t if t[0] != "early" else ("early", "A", "28:45", "B", "29:05", "eve") for t in TRIPS]
    folder = tmp_path_factory.mktemp("late")
    staff = '[{ template = "3x8", headcount = 30 }]'
    access = assess(load(write_territory(folder, trips=trips, rosters=staff)))
    return search(access, options=SearchOptions(kinds=("move_trip",)))


def test_sentence_of_the_known_best_move(late):
    remedy = retiming_remedy(late.bench, late.outcomes[0], load_factors())
    assert remedy.sentence("fr") == (
        "Avancer de 20 min le dernier départ de la ligne R (04:45 → 04:25)\u00a0: 15 emplois "
        "gagnent tout leur roulement\u202f; roulements\u00a0: 3×8 (Usine)\u202f; environ 400 € par "
        "an, soit 27 € par emploi gagné."
    )
    assert remedy.sentence("en") == (
        "Move the last departure of line R 20 min earlier (04:45 → 04:25): 15 jobs gain their "
        "whole roster; rosters: 3×8 (Usine); about 400 EUR a year, 27 EUR a job."
    )
    # Half of the labour pool gains: half of the 30 jobs, of whose holders 30 in 100 would ride.
    assert (remedy.jobs, remedy.users, remedy.inhabitants) == (15, 4.5, 10)
    assert remedy.eur_per_job == pytest.approx(400 / 15)
    assert remedy.eur_per_user == pytest.approx(400 / 4.5)


def test_what_completes_most_rosters_is_recommended(late):
    gains = [o.score.jobs for o in late.outcomes if o.feasible]
    listed = recommend(late, limit=1)
    assert listed[0].jobs == max(gains) == 15
    table = remedies_frame(listed, [""] * len(listed), "en")
    assert table["jobs"].tolist() == [r.jobs for r in listed]


def test_remedies_of_the_same_departures_are_alternatives():
    def remedy(*trips):
        return Remedy("move_trip", "", {}, 1.0, 0.0, 1000.0, lever=Lever("move_trip", trips))

    other = Remedy("carpool", "", {}, 1.0, 0.0, 1000.0)
    listed = [remedy(1), other, remedy(2, 3), remedy(3, 1), remedy(4), remedy(4)]
    assert alternatives(listed) == [(0, 3), (4, 5)]


def test_losers_are_said(late):
    worst = next(o for o in late.outcomes if o.score.net < 0)
    remedy = retiming_remedy(late.bench, worst, load_factors())
    assert "; 10 actifs du bassin perdent un trajet qu’ils avaient" in remedy.sentence("fr")
    alone = replace(remedy, lost=1.2)
    assert "; 1 actif du bassin perd un trajet qu’il avait" in alone.sentence("fr")
    assert "; 1 worker of the labour pool loses a commute they had" in alone.sentence("en")
    assert remedy.net == -10
    assert remedy.eur_per_job == float("inf")


def test_small_counts_are_said_and_parts_of_a_person_are_not():
    remedy = Remedy(
        "move_trip", "Organise car-pooling to {site}", {"site": "X"}, 3, 0.4, 1000.0,
        (Effect("X", "3x8", "nuit", 3, 2), Effect("X", "3x8", "matin", 0.3, 0)),
    )  # fmt: skip
    text = remedy.sentence("fr")
    assert "+3 actifs" in text
    assert "matin" not in text
    assert "perdent" not in text
    assert count_text(2.5, "en") == "3"


def test_a_shift_that_two_rosters_share_is_named_once():
    effects = (Effect("X", "3x8", "matin", 20, 0), Effect("X", "2x8", "matin", 30, 0))
    remedy = Remedy("move_trip", "the departure", {}, 30, 0, 0.0, effects)
    assert remedy.sentence("fr").count("matin") == 1
    assert "+30 actifs" in remedy.sentence("fr")


def test_missing_vehicle_is_said():
    remedy = Remedy("move_trip", "the departure", {}, 10, 0, 0.0, feasible=False, conflict_min=12)
    assert "il manque 12 min au véhicule" in remedy.sentence("fr")


def test_every_action_is_translated():
    known = french()
    for action in ACTIONS.values():
        assert action in known
        fields = re.findall(r"{(\w+)}", action)
        assert sorted(fields) == sorted(re.findall(r"{(\w+)}", known[action]))


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    cut = write_cut(tmp_path_factory.mktemp("demo"), "school_weekday", "sunday")
    access = assess(load(cut))
    return search(access), shift_hours(access)


def test_recommendations_are_in_the_order_of_cost_per_job(demo):
    found, hours = demo
    remedies = recommend(found, hours)
    kinds = {"move_trip", "shift_hours", "extend", "add_run", "stop", "carpool"}
    assert kinds <= {r.kind for r in remedies}
    costs = [r.eur_per_job for r in remedies]
    assert costs == sorted(costs)
    # The first three pieces of advice each gain whole rosters.
    assert all(r.net_jobs >= 1 for r in remedies[:3])
    trips = [t for r in remedies if r.lever and r.kind != "stop" for t in r.lever.trips]
    assert len(set(trips)) == len(trips)
    # No departure is told twice, under another name or price.
    told = [(r.params["line"], r.params["proposed"]) for r in remedies if r.kind == "add_run"]
    assert len(set(told)) == len(told)
    frame = remedies_frame(remedies, [""] * len(remedies), "fr")
    for row, remedy in zip(frame.itertuples(), remedies, strict=True):
        assert row.workers == round_persons(remedy.workers)
        digits = row.sentence.replace("\u202f", "")
        jobs = f"{round_persons(remedy.jobs):.0f} emploi"
        assert jobs in digits or (remedy.jobs < 0.5 and "aucun roulement" in digits)


def test_other_rooms_remedies_take_their_place(demo):
    found, hours = demo
    shuttle = Remedy(
        "shuttle", "Organise car-pooling to {site}", {"site": "X"}, 50, 0, 1.0, jobs=50
    )
    assert recommend(found, hours, others=[shuttle])[0] == shuttle


def test_factors_are_rows_that_a_territory_overrides():
    factors = load_factors({"bus_hour": 80, "versement_mobilite_rate": 0.02, "driver_hour": 3})
    assert factors["bus_hour"] == 80
    assert factors.rows["bus_hour"].source == "Territory file"
    assert factors["versement_mobilite_rate"] == 0.02
    assert load_factors()["versement_mobilite_rate"] == 0
    assert (factors.to_frame()["source"] != "").all()
    with pytest.raises(TerritoryError, match="bus_hour"):
        load_factors({"bus_hour": "dear"})
