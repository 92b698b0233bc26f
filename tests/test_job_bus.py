"""A job seekers' bus: halts by hand, the tour by clock, what binds."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from small import lonlat, write_territory
from typer.testing import CliRunner

import mobility
from mobility.base.errors import TerritoryError
from mobility.cli import app
from mobility.needs import job_bus as job_bus_module
from mobility.needs.job_bus import Wishes, _timed, job_bus
from mobility.outputs.needs import job_bus_answer
from mobility.outputs.tables import registry
from mobility.shuttles.model import Place

#: Two hamlets of seekers 5 and 8 km along the street; nobody else is near a bus.
HOMES = "id,name,commune,lon,lat,workers,job_seekers\n" + "".join(
    f"{name},{name},D,{lonlat(m)[0]:.9f},{lonlat(m)[1]:.9f},{n},{seekers}\n"
    for name, m, n, seekers in (
        ("P", 5000.5, 30, 9), ("Q", 8000.5, 20, 4), ("H1", 700.5, 50, 2), ("Z", 3000.5, 10, 0),
    )
)  # fmt: skip


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    path = write_territory(tmp_path_factory.mktemp("bus"), homes=HOMES)
    text = path.read_text(encoding="utf-8")
    text = text.replace("personal = false\n", 'personal = false\ngroups = ["job_seekers"]\n')
    path.write_text(text, encoding="utf-8")
    return mobility.load(path)


@pytest.fixture(autouse=True)
def places(monkeypatch):
    """A shuttle may stop beside the hamlets and at H1; the street has no junction of its own."""
    at = [Place(name, *lonlat(m), "node") for name, m in (("p", 5100), ("q", 8200), ("h", 900))]
    monkeypatch.setattr(job_bus_module, "candidate_places", lambda *_, **__: at)


def wishes(**changes):
    asked = {"halts": 2, "start_s": 9 * 3600, "visit_min": 60, "sites": (0,)}
    return Wishes(**(asked | {"group": "job_seekers"} | changes))


def test_halts_stand_where_most_seekers_are(study) -> None:
    """Two halts: the hamlets of nine and four; one: that of nine. On foot, 1 m a second."""
    day = study.days[0]
    for halts, reached in ((1, 9), (2, 13), (3, 15)):
        tour = job_bus(study, wishes(halts=halts), day)
        assert tour.seekers @ tour.reached == reached
        assert tour.bound == pytest.approx(reached, abs=0.01)
        row = tour.summary().iloc[0]
        assert row[["halts", "seekers", "reachable"]].tolist() == [halts, 15, reached]
        assert row["share"] == pytest.approx(reached / 15)


def test_nobody_reaches_more_than_is_told_at_most(tmp_path, monkeypatch) -> None:
    """H1 reaches the second halt by a bus that is too late for the hour of the first."""
    at = (("P", 5000.5, 9), ("R", 10_500.5, 1), ("H1", 700.5, 2))
    rows = [f"{k},{k},D,{lonlat(m)[0]:.9f},{lonlat(m)[1]:.9f},{n}\n" for k, m, n in at]
    trips = [("there", "A", "12:15", "B", "12:35", "week")]
    trips += [("back", "B", "14:00", "A", "14:20", "week")]
    homes = "id,name,commune,lon,lat,workers\n" + "".join(rows)
    study = mobility.load(write_territory(tmp_path, homes=homes, trips=trips))
    halts = [Place(name, *lonlat(m), "node") for name, m in (("p", 5100), ("b", 10_900))]
    monkeypatch.setattr(job_bus_module, "candidate_places", lambda *_, **__: halts)
    start_s = 12 * 3600 + 25 * 60
    tour = job_bus(study, wishes(group="", start_s=start_s), study.days[0])
    assert tour.calls["stop"].tolist() == ["p", "b", "Usine", "b", "p"]
    assert tour.summary()[["reachable", "bound"]].to_numpy().tolist() == [[12, 12]]
    # An hour later no bus is of use: neither is told.
    late = job_bus(study, wishes(group="", start_s=start_s + 3600), study.days[0])
    assert late.summary()[["reachable", "bound"]].to_numpy().tolist() == [[10, 10]]


def test_who_reaches_two_halts_is_counted_at_each_and_once_in_all(study) -> None:
    tour = job_bus(study, wishes(), study.days[0])
    everywhere = np.ones(study.n_homes, bool)
    calls = tour.calls.assign(
        within=[None if w is None else everywhere for w in tour.calls["within"]]
    )
    twice = replace(tour, calls=calls, reached=everywhere)
    assert twice.told_calls()["seekers"].dropna().tolist() == [15] * 4
    assert twice.summary()["reachable"].tolist() == [15]
    # Headings and the page say so.
    heading = next(c for c in registry()["job_bus"].columns if c.key == "seekers").texts["en"]
    assert "counted at each" in " ".join(heading)
    assert "counted at each" in job_bus_answer(twice, "en").note


def test_the_tour_by_the_clock(study) -> None:
    """West to east, then the gate, an hour there, and back; the street is open at 30 km/h."""
    tour = job_bus(study, wishes(), study.days[0])
    calls = tour.told_calls()
    assert calls["direction"].tolist() == ["outbound"] * 3 + ["return"] * 2
    assert calls["lon"].iloc[:3].is_monotonic_increasing
    clock = calls["clock_s"].tolist()
    assert clock[0] == 9 * 3600
    assert clock[3] - clock[2] > 3600  # the visit, and the drive
    assert all(c % 60 == 0 for c in clock)
    assert calls["seekers"].iloc[2] is pd.NA
    # From the first halt to the gate and back to the first is twice the way.
    assert tour.km == pytest.approx(2 * (11.24 - 5.0), abs=2.5)
    assert all(d.weekday() == 1 for d in tour.dates)  # Tuesdays, one a month, all year
    assert len({(d.year, d.month) for d in tour.dates}) == len(tour.dates) >= 8


def test_the_tour_is_the_shortest_of_all_orders() -> None:
    rng = np.random.default_rng(3)
    seconds = rng.integers(60, 900, (7, 7)).astype(np.int32)
    halts, gates = np.array([0, 1, 2, 3]), (4, 5, 6)
    _, there, _ = _timed(wishes(), seconds, seconds.astype(float), halts, gates)
    cost = {
        (*p, *g): sum(seconds[a, b] for a, b in zip((*p, *g), (*p, *g)[1:], strict=False))
        for p in permutations(halts.tolist())
        for g in permutations(gates)
    }
    assert cost[there] == min(cost.values())


def test_a_place_that_no_road_joins_is_passed_over(study, monkeypatch) -> None:
    """The best halt is far from any street: the others are chosen."""
    off = Place("off", lonlat(5100)[0], lonlat(5100)[1] + 0.02, "node")
    near = job_bus_module.candidate_places()
    monkeypatch.setattr(job_bus_module, "candidate_places", lambda *_, **__: [off, *near])
    tour = job_bus(study, wishes(halts=1), study.days[0])
    assert tour.calls["stop"].tolist() == ["p", "Usine", "p"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"group": "poets"}, "There is no such group"), ({"start_s": 5 * 60}, None)],
)
def test_bad_wishes_are_one_line(study, changes, words) -> None:
    if words is None:  # on foot one reaches a halt at any hour
        assert job_bus(study, wishes(**changes), study.days[0]).reached.any()
        return
    with pytest.raises(TerritoryError, match=words):
        job_bus(study, wishes(**changes), study.days[0])


def test_the_command_writes_its_files(study, tmp_path) -> None:
    command = ["jobbus", str(study.territory.path), "-o", str(tmp_path / "o"), "--halts", "2"]
    result = CliRunner().invoke(app, [*command, "--group", "job_seekers", "--lang", "en"])
    assert result.exit_code == 0, result.output
    assert {p.name for p in (tmp_path / "o").iterdir()} == {
        "job_bus.csv", "job_bus_summary.csv", "job_bus.html", "job_bus.gpkg"}  # fmt: skip
    bad = CliRunner().invoke(app, [*command, "--from", "25:99", "--lang", "en"])
    assert bad.exit_code == 2
    assert "It is no time of day." in bad.output
