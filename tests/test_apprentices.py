"""Apprentices' triangles: a home, a training centre and a company, by hand."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pandas as pd
import pytest
from feeds import service, trip, write_gtfs
from small import TRIPS, lonlat, write_territory
from typer.testing import CliRunner

import mobility
from mobility.base.errors import MobilityError
from mobility.cli import app
from mobility.commute.additions import with_feed
from mobility.needs.apprentices import Rules, after_remedies, is_night_work, triangles, with_centres
from mobility.sources.gtfs.read import read_feed
from mobility.territory.rosters import Shift

ROSTERS = """["3x8", { name = "late", shifts = [
  { name = "l", start = "13:00", end = "21:00", headcount = 10 }] }]"""
PLACE = "{:.9f},{:.9f}".format(*lonlat(1100.5))
CENTRE = f"name,lon,lat,start,end,days\nCFA,{PLACE},09:00,16:00,mon-fri\n"


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return mobility.load(write_territory(tmp_path_factory.mktemp("cfa"), rosters=ROSTERS))


def centres(tmp_path, text=CENTRE):
    path = tmp_path / "cfa.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("start", "end", "age", "night"),
    [
        ("05:00", "13:00", 16, True), ("06:00", "14:00", 16, False), ("13:00", "21:00", 16, False),
        ("13:00", "21:00", 15, True), ("14:00", "22:00", 17, False), ("14:00", "22:15", 17, True),
        ("21:00", "05:00", 18, False), ("22:00", "06:00", 16, True), ("20:00", "00:00", 16, True),
    ],
)  # fmt: skip
def test_the_night_of_young_workers(start, end, age, night) -> None:
    """Code du travail L3163-1: 22:00 to 6:00 from 16 to 18 years, 20:00 to 6:00 below."""
    assert is_night_work(Shift(name="s", start=start, end=end), age) is night


def test_a_pair_holds_only_where_both_hold(base, tmp_path) -> None:
    """The centre is 400 m from H1 and 1,100 m from H2, both in walking reach. The company's 3x8 is
    night work; its late shift holds from H1 by bus, from H2 by nothing."""
    table, told = centres(tmp_path), []
    head, *rows = table.read_text(encoding="utf-8").splitlines()
    table.write_text("\n".join([f"{head},tour", *(f"{row},long" for row in rows)]), "utf-8")
    study = with_centres(base, table, told)
    assert [(one.code, one.examples) for one in told] == [("site_columns_not_read", ("tour",))]
    found = triangles(mobility.assess(study), 1, Rules())
    row = found.pairs.iloc[0]
    assert row[["centre", "company", "allowed", "barred"]].tolist() == [
        "CFA", "Usine", "late", "3x8"]  # fmt: skip
    assert row["apart_km"] == pytest.approx(10.14, abs=0.05)
    assert row[["total", "centre_reach", "company_reach", "pair_reach", "share"]].tolist() == [
        20, 20, 10, 10, 0.5]  # fmt: skip
    assert found.holds.tolist() == [[True, False]]
    adult = triangles(mobility.assess(study), 1, Rules(age=18)).pairs.iloc[0]
    assert adult["barred"] == ""
    # Below sixteen the night begins at 20:00: no roster of the company is left.
    young = triangles(mobility.assess(study), 1, Rules(age=15)).pairs.iloc[0]
    assert young[["allowed", "company_reach", "pair_reach"]].tolist() == ["", 0, 0]


def test_boarding_allows_a_longer_way_once_a_week(tmp_path) -> None:
    """To a lycée beside the company: 50 min from H1, more than the 40 of this territory."""
    limits = "[limits]\nmax_total_min = 40\n"
    base = mobility.load(write_territory(tmp_path, rosters=ROSTERS, extra=limits))
    place = "{:.9f},{:.9f}".format(*lonlat(11_200.5))
    text = f"name,lon,lat,start,end,days\nLycée,{place},13:00,21:00,mon-fri\n"
    access = mobility.assess(with_centres(base, centres(tmp_path, text)))
    assert triangles(access, 1, Rules()).pairs.iloc[0]["centre_reach"] == 0
    assert triangles(access, 1, Rules(boarding_min=49)).pairs.iloc[0]["centre_reach"] == 0
    assert triangles(access, 1, Rules(boarding_min=60)).pairs.iloc[0]["centre_reach"] == 10


def test_which_feed_opens_most_pairs(base, tmp_path) -> None:
    """A shuttle past H2 at the hours of the late shift opens the pair there; another does not."""
    study = with_centres(base, centres(tmp_path))
    stops = {"X": lonlat(10.0), "Y": lonlat(11_200.0)}
    for name, hour in (("good", 12), ("bad", 9)):
        write_gtfs(
            tmp_path / f"{name}.zip",
            stops=stops,
            trips=[
                trip("in", [("X", f"{hour}:20"), ("Y", f"{hour}:40")], service="w"),
                trip("out", [("Y", "21:15"), ("X", "21:35")], service="w"),
            ],
            services={"w": service("1111100", "20260105", "20261218")},
        )
    feeds = {n: read_feed(tmp_path / f"{n}.zip") for n in ("bad", "good")}
    variants = [
        (n, partial(mobility.assess, with_feed(study, f, scenario=n))) for n, f in feeds.items()
    ]
    table = after_remedies(mobility.assess(study), 1, Rules(), variants=variants)
    assert table["remedy"].tolist() == ["good", "bad"]
    assert table[["opened", "closed", "pairs"]].to_numpy().tolist() == [[10, 0, 1], [0, 0, 0]]


@pytest.mark.parametrize(
    ("text", "rules", "words"),
    [
        (f"name,lon,lat\nCFA,{PLACE}\n", Rules(), "The site 'CFA' has no shift."),
        (CENTRE.replace("CFA,", "Usine,"), Rules(), "A training centre has the name of a site."),
        (CENTRE.replace(PLACE, "2.35,48.85"), Rules(), "CFA is over 500 m from any street"),
        (CENTRE, Rules(group="apprentices"), "There is no such group. → Name the column"),
        (
            CENTRE.replace("mon-fri", "sat"),
            Rules(),
            "The training centre CFA has hours on none of the school days studied.",
        ),
        (CENTRE, Rules(apart_km=5), "No company is within 5 km"),
    ],
)
def test_bad_input_is_one_line(base, tmp_path, text, rules, words) -> None:
    with pytest.raises(MobilityError, match=words):
        triangles(mobility.assess(with_centres(base, centres(tmp_path, text))), 1, rules)


def test_the_command_writes_its_files_and_tries_levers(base, tmp_path) -> None:
    out, toml = tmp_path / "out", str(base.territory.path)
    command = ["apprentices", toml, str(centres(tmp_path)), "-o", str(out), "--retimings", "3"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    names = {path.name for path in out.iterdir()}
    assert {"apprentices.csv", "apprentices.gpkg", "apprentices.html"} <= names
    assert pd.read_csv(out / "apprentices.csv")["pair_reach"].tolist() == [10]
    # That no trip moved opens a pair is said, not left to be guessed.
    for text in (" ".join(result.output.split()), (out / "apprentices.html").read_text("utf-8")):
        assert "Aucun levier à recommander" in text


def test_the_trip_moved_that_opens_the_pair(tmp_path) -> None:
    """The bus home at 21:05 leaves before the late shift's workers, out at 21:10, reach the stop
    at 21:14; with ten minutes more H1 holds the pair. The 3x8 is barred: its hours move nothing."""
    trips = [("home21", "B", "21:05", "A", "21:25", "week") if t[0] == "home21" else t
             for t in TRIPS]  # fmt: skip
    base = mobility.load(write_territory(tmp_path, rosters=ROSTERS, trips=trips))
    study = with_centres(base, centres(tmp_path))
    access = mobility.assess(study)
    assert not triangles(access, 1, Rules()).holds.any()
    tables = [after_remedies(access, 1, Rules(), retimings=2) for _ in range(2)]
    assert tables[0].equals(tables[1])
    first = tables[0].iloc[0]
    assert first[["opened", "closed", "pairs"]].tolist() == [10, 0, 1]
    assert "21:05 → 21:15" in first["remedy"]


def test_a_group_of_nobody_is_refused(base, tmp_path) -> None:
    study = with_centres(base, centres(tmp_path))
    homes = replace(
        study.homes, frame=study.homes.frame.assign(apprentices=0.0), groups=("apprentices",)
    )
    access = mobility.assess(replace(study, homes=homes))
    with pytest.raises(MobilityError, match="'apprentices': The group counts nobody"):
        triangles(access, 1, Rules(group="apprentices"))
