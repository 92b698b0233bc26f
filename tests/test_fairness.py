"""Measures of fair access: by hand, against another library, before and after a remedy."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from small import TRIPS, lonlat, write_territory
from typer.testing import CliRunner

import mobility
from mobility.base.errors import SourceError, TerritoryError
from mobility.cli import app
from mobility.commute.fairness import fairness, fgt, gini, palma
from mobility.needs.apprentices import Rules, triangles
from mobility.needs.job_bus import Wishes, job_bus
from mobility.outputs.map.side_pages import merged, told_shape

LATE = """[{ name = "late", headcount = 10, shifts = [
  { name = "l", start = "13:00", end = "21:00", headcount = 10 }] }]"""
VALUES, WEIGHTS = np.array([0.0, 1.0, 4.0]), np.array([2.0, 5.0, 3.0])
#: H1 has the bus; H2 is out of everybody's reach on foot, but for the gate's own neighbours, N.
HOMES = "id,name,commune,lon,lat,workers,job_seekers\n" + "".join(
    f"{name},{name},D,{lonlat(m)[0]:.9f},{lonlat(m)[1]:.9f},{n},{seekers}\n"
    for name, m, n, seekers in (("H1", 700.5, 10, 1), ("H2", 5000.5, 30, 9), ("N", 11_000.5, 10, 0))
)


def test_measures_by_hand() -> None:
    # Lorenz points (0.2, 0), (0.7, 5/17), (1, 1): area 0.5 × 5/34 + 0.3 × 22/34.
    assert gini(VALUES, WEIGHTS) == pytest.approx(1 - 2 * (0.5 * 5 / 34 + 0.3 * 22 / 34))
    # Best tenth: 4. Worst four of ten: two with nothing, two with one.
    assert palma(VALUES, WEIGHTS) == pytest.approx(4 / 0.5)
    assert fgt(VALUES, WEIGHTS, 2.0, 0) == pytest.approx(0.7)
    assert fgt(VALUES, WEIGHTS, 2.0, 1) == pytest.approx((2 * 1 + 5 * 0.5) / 10)
    assert fgt(VALUES, WEIGHTS, 2.0, 2) == pytest.approx((2 * 1 + 5 * 0.25) / 10)
    assert np.isnan(palma(np.zeros(3), WEIGHTS))
    assert np.isnan(gini(np.zeros(3), WEIGHTS))


numbers = st.integers(0, 20).map(float)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(numbers, st.floats(0.1, 20)), min_size=2, max_size=12))
def test_measures_agree_with_another_library(pairs) -> None:
    equity = pytest.importorskip("cafein.equity")
    values, weights = (np.array(column) for column in zip(*pairs, strict=True))
    frame = pd.DataFrame({"from_id": range(len(values)), "accessibility": values})
    people = pd.DataFrame({"id": range(len(values)), "population": weights})
    given_ = {"sociodemographic_data": people, "population": "population"}
    if (values @ weights) > 1e-6:
        theirs = equity.gini_index(frame, **given_)
        assert gini(values, weights) == pytest.approx(theirs, abs=1e-9)
        theirs = equity.share_ratio(frame, **given_)
        ours = palma(values, weights)
        if np.isfinite(theirs):
            assert ours == pytest.approx(theirs, rel=1e-6)
    for alpha in (0, 1, 2):
        theirs = equity.fgt_poverty(frame, poverty_line=7.0, alpha=alpha, **given_)
        ours = fgt(values, weights, 7.0, alpha)
        assert ours == pytest.approx(theirs, abs=1e-9)


def territory(folder, homes=HOMES):
    rosters = (
        '["3x8", { name = "late", shifts = [{ name = "l", start = "13:00", end = "21:00" }] }]'
    )
    path = write_territory(folder, homes=homes, rosters=rosters)
    text = path.read_text(encoding="utf-8")
    text = text.replace("personal = false\n", 'personal = false\ngroups = ["job_seekers"]\n')
    text = text.replace('["transit", "walk"]', '["transit", "walk", "car"]')
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def access(tmp_path_factory):
    return mobility.assess(mobility.load(territory(tmp_path_factory.mktemp("fair"))))


def test_who_holds_what_by_group(access) -> None:
    """H1 and N hold both rosters, H2 none: 20 of 50 workers, 1 of 10 job seekers."""
    table = fairness([("now", access)]).set_index("group")
    told = table.loc["", ["total", "share_any", "held", "share_any_car", "held_car", "fgt0"]]
    assert told.tolist() == [50, 0.4, 0.8, 1.0, 2.0, 0.6]
    seekers = table.loc["job_seekers"]
    assert seekers[["total", "share_any", "held", "gap"]].tolist() == [10, 0.1, 0.2, 0.6]
    assert seekers["fgt1"] == pytest.approx(0.9)
    assert (table["widens"] == "").all()


def test_a_remedy_that_helps_the_average_and_widens_the_gap_says_so(access) -> None:
    holds = access.rosters.holds.copy()
    rosters = replace(access.rosters, holds=holds)
    late = np.flatnonzero((rosters.keys["mode"] == "counted").to_numpy())[1]
    holds[late] = False  # before: the late roster reaches nobody
    before = replace(access)
    before.__dict__["rosters"] = rosters
    table = fairness([("before", before), ("after", access)], line=1)
    after = table[table["situation"] == "after"].set_index("group")
    # The mean rises from 0.4 to 0.8, that of the seekers from 0.1 to 0.2: the gap doubles.
    assert after["held"].tolist() == [0.8, 0.2]
    assert after.loc["job_seekers", "widens"] == "gap"
    assert after.loc["", "widens"] == ""


def test_a_group_larger_than_its_home_is_one_line(tmp_path) -> None:
    study = mobility.load(territory(tmp_path, HOMES.replace("30,9", "30,31")))
    with pytest.raises(
        SourceError, match="At the home H2 the group counts more persons than the 30"
    ):
        fairness([("now", mobility.assess(study))])
    with pytest.raises(SourceError, match="field job_seekers, value '31'"):
        job_bus(study, Wishes(2, 9 * 3600, 60, (0,), "job_seekers"), study.days[0])
    rules = Rules(group="job_seekers")
    with pytest.raises(SourceError, match="the 30 workers who live there"):
        triangles(mobility.assess(study), 1, rules)


def test_a_line_above_all_rosters_is_one_line(access) -> None:
    with pytest.raises(TerritoryError, match="has no more rosters than"):
        fairness([("now", access)], line=9)


def test_the_command_compares_with_a_feed(access, tmp_path) -> None:
    path = access.study.territory.path
    command = ["fairness", str(path), "-o", str(tmp_path), "--lang", "en"]
    result = CliRunner().invoke(app, [*command, "--with", str(path.parent / "gtfs.zip")])
    assert result.exit_code == 0, result.output
    table = pd.read_csv(tmp_path / "fairness.csv")
    assert table["situation"].tolist() == ["present", "present", "gtfs", "gtfs"]
    assert table["gini"].nunique() == 2
    homes = gpd.read_file(tmp_path / "fairness.gpkg", layer="homes").set_index("home_id")
    assert homes["present"].to_dict() == {"H1": 2, "H2": 0, "N": 2}
    assert homes["gtfs"].tolist() == homes["present"].tolist()  # the same buses once more
    page = (tmp_path / "fairness.html").read_text(encoding="utf-8")
    assert "Share of the rosters that can be held: 100%" in page


def test_the_command_tells_each_recommended_lever(tmp_path) -> None:
    """The bus home from the late shift leaves too early: a lever moves it, and more are held."""
    trips = [(*t[:2], "21:05", t[3], "21:25", t[5]) if t[0] == "home21" else t for t in TRIPS]
    path = write_territory(tmp_path / "t", trips=trips, rosters=LATE)
    out = tmp_path / "o"
    result = CliRunner().invoke(app, ["fairness", str(path), "-o", str(out), "--levers"])
    assert result.exit_code == 0, result.output
    table = pd.read_csv(out / "fairness.csv").set_index("situation")
    assert table["held"].iloc[0] == 0
    assert table["held"].iloc[1:].max() == 0.5


@pytest.mark.parametrize("command", ["fairness", "risk"])
@pytest.mark.parametrize("levers", [True, False])
def test_levers_asked_for_in_vain_are_told(command, levers, tmp_path) -> None:
    """Everybody holds the roster already: nothing is left to recommend, and that is said."""
    homes = "id,name,commune,lon,lat,workers\nH1,H1,D,{:.9f},{:.9f},10\n".format(*lonlat(700.5))
    path = write_territory(tmp_path, rosters=LATE, homes=homes)
    told = [command, str(path), "-o", str(tmp_path / "o"), "--lang", "en"]
    result = CliRunner().invoke(app, [*told, *(["--levers"] if levers else [])])
    assert result.exit_code == 0, result.output
    page = (tmp_path / "o" / f"{command}.html").read_text(encoding="utf-8")
    for text in (" ".join(result.output.split()), page):
        assert ("No lever was found to recommend" in text) == levers


def test_cells_are_joined_whether_they_meet_or_overlap() -> None:
    """Corners that differ by less than is drawn, squares over one another, squares apart."""
    step = 0.002
    for shift, area in ((0.0, 3), (1e-12, 3), (-0.25 * step, 2.75), (step, 3)):
        squares = [shapely.box(x, 47, x + step, 47 + step) for x in (0.0, step + shift, 1.0)]
        frame = gpd.GeoDataFrame(geometry=squares, crs=4326)
        shape = merged(frame, np.zeros(3, int))[0].geometry.iloc[0]
        assert shape.is_valid
        assert shape.area == pytest.approx(area * step**2, rel=1e-6)
        assert told_shape(shapely.set_precision(shape, 1e-5))["type"] == "MultiPolygon"
