"""The example territories: they parse, fit their extracts and can be rebuilt."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import partridge as ptg
import pytest

from mobility.pipeline import run
from mobility.sources.homes.read import read_homes
from mobility.streets.graph import streets_from_lines, streets_from_osm
from mobility.streets.modes import edge_times
from mobility.streets.snap import snap, usable_edges
from mobility.territory.project import Speeds, Territory

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data"
NAMES = (
    "geneva", "malta", "milan", "montpellier-2024", "montpellier-2025", "nantes", "rhein-neckar",
)  # fmt: skip
LARGE = ("milan", "montpellier-2024", "rhein-neckar")

needs_extracts = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the real extracts are not in ../shared/data"
)


def territory_of(name):
    return Territory.from_toml(ROOT / "examples" / name / "territory.toml")


@pytest.fixture(scope="module")
def streets_of():
    """Return a function that reads a territory's streets once for this module."""
    read = {}

    def get(name):
        sources = territory_of(name).sources
        path = territory_of(name).resolve(sources.osm or sources.lines)
        if path not in read:
            read[path] = streets_from_osm(path) if sources.osm else streets_from_lines(path)
        return read[path]

    return get


def test_every_example_is_listed():
    found = sorted(p.parent.name for p in (ROOT / "examples").glob("*/territory.toml"))
    assert found == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_territory_parses_and_names_rotating_rosters(name):
    territory = territory_of(name)
    hours = {s.label() for site in territory.sites for r in site.rosters for s in r.shifts}
    assert len(hours) >= 3
    assert any(len(r.shifts) >= 2 for site in territory.sites for r in site.rosters)
    assert all(s.headcount > 0 for site in territory.sites for r in site.rosters for s in r.shifts)


@pytest.mark.parametrize("name", NAMES)
def test_homes_are_small_whole_and_unique(name):
    territory = territory_of(name)
    path = territory.resolve(territory.sources.homes.file)
    assert path.stat().st_size < 200_000
    frame = pd.read_csv(path)
    assert 500 <= len(frame) <= 3000
    assert frame["id"].is_unique
    assert (frame["workers"] >= 1).all()
    assert frame["workers"].dtype == np.int64
    assert not frame.duplicated(["lon", "lat"]).any()


@pytest.mark.real
@needs_extracts
@pytest.mark.parametrize("name", NAMES)
def test_homes_read_as_cells_with_their_total(name):
    territory = territory_of(name)
    homes = read_homes(territory.sources.homes, territory)
    written = pd.read_csv(territory.resolve(territory.sources.homes.file))
    assert homes.frame["workers"].sum() == written["workers"].sum()
    areas = homes.cells.to_crs(homes.cells.estimate_utm_crs()).area
    assert areas.median() == pytest.approx(territory.sources.homes.cell_m**2, rel=0.01)


@pytest.mark.real
@needs_extracts
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if n in LARGE else n for n in NAMES]
)
def test_sites_and_homes_lie_on_the_streets(name, streets_of):
    territory, streets = territory_of(name), streets_of(name)
    walk = usable_edges(streets, edge_times(streets, "walk", Speeds()))
    drive = usable_edges(streets, edge_times(streets, "car", Speeds()))
    gates = np.array([g for site in territory.sites for g in site.gates])
    for usable in (walk, drive):
        on = snap(streets, gates[:, 0], gates[:, 1], usable)
        assert on.distance_m.max() < 1.0
    frame = pd.read_csv(territory.resolve(territory.sources.homes.file))
    # In Nantes 13 homes of 577 are further, three of them behind closed gates.
    near = snap(streets, frame["lon"].to_numpy(), frame["lat"].to_numpy(), walk, max_m=2000)
    assert np.quantile(near.distance_m, 0.97) < territory.sources.homes.cell_m


@pytest.mark.real
@needs_extracts
@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("geneva", "malta")])
def test_fixed_dates_have_trips(name):
    territory = territory_of(name)
    for source in territory.sources.gtfs:
        dates = ptg.read_service_ids_by_date(str(territory.resolve(source)))
        for kind, date in territory.days.dates.items():
            assert dates.get(date), (kind, date)
            assert (date.weekday() == 5) == (kind == "saturday")
            assert (date.weekday() == 6) == (kind == "sunday")


@pytest.mark.real
@needs_extracts
@pytest.mark.parametrize(
    "name",
    ["malta", *(pytest.param(n, marks=pytest.mark.slow) for n in ("nantes", "montpellier-2025"))],
)
def test_generator_writes_the_committed_files(name, tmp_path):
    tool = ROOT / "tools" / "make_examples.py"
    command = [sys.executable, str(tool), name, "--out", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)
    made = [f for f in tmp_path.rglob("*.*") if f.is_file()]
    assert made
    for file in made:
        kept = ROOT / "examples" / file.relative_to(tmp_path)
        assert file.read_bytes() == kept.read_bytes(), file.name


@pytest.mark.real
@needs_extracts
@pytest.mark.parametrize(
    "name",
    [
        *("montpellier-2025", "nantes"),
        *(pytest.param(name, marks=pytest.mark.slow) for name in LARGE),
    ],
)
def test_whole_run_conserves_workers(name, tmp_path):
    territory = territory_of(name)
    results = run(territory, tmp_path / "out")
    assert results.map_path.stat().st_size > 50_000
    total = pd.read_csv(territory.resolve(territory.sources.homes.file))["workers"].sum()
    summary = pd.read_csv(tmp_path / "out" / "summary.csv")
    # Homes off the streets are left out, and told with their workers.
    for finding in results.study.findings:
        if finding.code == "homes_far_from_streets":
            total -= int(str(finding.params["workers"]))
    assert (summary["pool"] == total).all()
    parts = summary[["reachable", "one_way_only", "neither"]].sum(axis=1)
    assert (parts - total).abs().max() <= 1
    assert len(summary) == sum(len(site.rosters) for site in territory.sites)
    shifts = pd.read_csv(tmp_path / "out" / "shifts.csv")
    assert shifts["reachable"].max() > 0.05 * total
    worst = shifts.groupby(["site", "roster"])["reachable"].min()
    best = summary.set_index(["site", "roster"])["reachable"]
    assert (best <= worst.reindex(best.index) + 0.5).all()
