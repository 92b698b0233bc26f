"""The whole job on every real dataset that has streets and timetables."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from golden import assert_alike
from pdf_pages import assert_printed_whole, report_of

from mobility.commute.door_to_door import both_ways
from mobility.commute.study import engine_limits
from mobility.outputs.map.export import export_png, find_browser
from mobility.pipeline import run
from mobility.timetable.arrays import INF

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
NAMES = [
    "montpellier-2025", "nantes",
    *(pytest.param(name, marks=pytest.mark.slow) for name in (
        "rhein-neckar", "milan", "montpellier-2024",
    )),
]  # fmt: skip

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not DATA.is_dir(), reason="the real extracts are not beside the project"),
]


@pytest.fixture(scope="module", params=NAMES)
def results(request, tmp_path_factory):
    out = tmp_path_factory.mktemp(request.param)
    return run(ROOT / "examples" / request.param / "territory.toml", out)


def test_outputs_are_complete(results):
    assert set(results.files) >= {
        "map.html",
        "summary.csv",
        "shifts.csv",
        "homes.parquet",
        "commutes.parquet",
        "results.gpkg",
        "run.json",
    }
    assert "<html" in results.map_path.read_text(encoding="utf-8")[:200]
    layer = gpd.read_file(results.folder / "results.gpkg", layer="homes")
    assert len(layer) == results.study.n_homes
    assert layer.crs.to_epsg() == 4326


def test_counts_add_up_to_the_pool(results):
    frame = pd.read_csv(results.folder / "summary.csv")
    parts = frame[["reachable", "one_way_only", "neither"]]
    known = parts.notna().all(axis=1)
    assert known.any()
    # Each count is rounded to a whole worker.
    assert (frame["pool"] - parts.sum(axis=1))[known].abs().max() <= 2


def test_times_respect_the_limits(results):
    access, limits = results.access, results.study.territory.limits
    for times in (access.outbound_s, access.return_s):
        held = times[times < INF]
        assert held.min() >= 0
        assert held.max() <= limits.max_total_min * 60
    study = access.study
    shift = next(k for k in range(len(study.shift_rows)) if study.works_on(k, study.days[0]))
    for way in both_ways(study, shift, study.days[0], "transit", engine_limits(limits)):
        assert way.walk_s[way.elapsed_s < INF].max(initial=0) <= limits.max_walk_min * 60
        assert way.rides.max() <= limits.max_transfers + 1


def test_someone_is_reached_and_someone_is_white(results):
    status = results.zones.status
    assert (status == 0).any()
    assert (status != 0).any()
    # A reason for each white home, none for the others.
    assert np.array_equal(results.zones.reason > 0, status > 0)


@pytest.mark.browser
def test_the_map_of_rhein_neckar_opens_as_its_picture(results, tmp_path):
    if results.folder.name.rstrip("0123456789") != "rhein-neckar":
        pytest.skip("a picture is kept of Rhein-Neckar only")
    if find_browser() is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    seen = export_png(
        results.map_path, tmp_path / "seen.png", size=(1400, 900), controls=True, select={}
    )
    assert_alike(seen, "rhein-neckar")


@pytest.mark.parametrize("language", ["fr", pytest.param("en", marks=pytest.mark.slow)])
def test_the_report_prints_on_twelve_pages_without_a_broken_number(results, language):
    if not results.folder.name.startswith(("rhein-neckar", "montpellier-2025")):
        pytest.skip("one German and one French territory are enough")
    found = report_of(results.access, results.zones, language)
    assert_printed_whole(found)
