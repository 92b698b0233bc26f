"""What a notebook uses: public names, what they show of themselves, their layers."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import mobility
from mobility.commute.inventory import find_shift
from mobility.notebook import to_graph
from mobility.territory.fields import Sources

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "data" / "demo.toml"


@pytest.fixture(scope="module")
def access() -> mobility.Access:
    return mobility.assess(mobility.load(DEMO))


def test_the_public_names_are_listed_and_there() -> None:
    told = "import mobility; print(sorted(dir(mobility)) == sorted(mobility.__all__))"
    found = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "True"
    for name in mobility.__all__:
        assert getattr(mobility, name)
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    for name in set(mobility.__all__) - {"__version__"}:
        assert f"::: mobility.{name}\n" in page


def test_results_show_themselves_in_a_few_lines(access: mobility.Access) -> None:
    zones = mobility.white_zones(access)
    for shown in (access.study, access, zones, access.study.streets):
        assert len(repr(shown).splitlines()) <= 10
        assert len(repr(shown)) < 600
    assert "14,542 workers" in repr(access.study)


def test_results_are_layers(access: mobility.Access) -> None:
    study, zones = access.study, mobility.white_zones(access)
    found = mobility.rosters(access)
    homes, cells = access.to_gdf(), zones.to_gdf()
    assert len(homes) == len(cells) == study.n_homes
    site, roster = found.keys.loc[0, ["site_name", "roster"]]
    assert (homes[f"{site} | {roster} | share"] == found.share[0].round(3)).all()
    served = homes[f"{site} | {roster} | status"] == "served"
    assert (served == found.holds[0]).all()
    streets = study.streets.to_gdf()
    assert streets.crs == homes.crs == "EPSG:4326"
    assert streets["length_m"].sum() == pytest.approx(study.streets.length_m.sum(), rel=1e-3)


def test_a_graph_of_ones_own_gives_the_same_commutes(access: mobility.Access) -> None:
    study = mobility.load(DEMO, streets=to_graph(access.study.streets))
    assert "streets" not in {source.role for source in study.sources}
    assert len(study.street_times["walk"][0]) == len(study.sites)
    again = study.street_times["walk"][0]
    assert abs(again - access.study.street_times["walk"][0]).mean() < 60


def test_isochrones_are_one_table(access: mobility.Access) -> None:
    areas = mobility.isochrones(access.study, minutes=[30, 45], modes=["walk"])
    assert set(areas["minutes"]) == {30, 45}
    assert set(areas["mode"]) == {"walk"}


def test_the_first_notebook_runs(tmp_path: Path) -> None:
    notebook = nbformat.read(ROOT / "examples" / "first_steps.ipynb", as_version=4)
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    assert len([line for line in code.splitlines() if line.strip()]) <= 15
    (tmp_path / "examples").mkdir()
    (tmp_path / "data").symlink_to(ROOT / "data")
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": tmp_path / "examples"}}
                   ).execute()  # fmt: skip
    kinds = {
        kind for c in notebook.cells for o in c.get("outputs", ()) for kind in o.get("data", ())
    }
    assert {"image/png", "text/html"} <= kinds
    assert (tmp_path / "examples" / "out" / "first_steps.html").stat().st_size > 100_000


def test_a_day_of_ones_own_bears_its_label_on_the_map(access: mobility.Access) -> None:
    from mobility.outputs.map.from_results import map_model

    study = access.study
    days = (replace(study.days[0], label="Vendredi"), *study.days[1:])
    own = replace(days[0], kind="friday")
    times = {**study.timetables, "friday": study.timetables[days[0].kind]}
    access = replace(access, study=replace(study, days=(*days, own), timetables=times))
    labels = [day.label for day in map_model(access, mobility.white_zones(access)).days]
    assert labels == ["", "", "", "", "Vendredi"]


def test_a_shift_is_found_by_its_name_in_either_language(access: mobility.Access) -> None:
    study = access.study
    row = next(row for row in study.shift_rows if row.shift == "matin")
    for name in ("matin", "morning"):
        found = find_shift(study, row.site_name, name, row.roster, "school_weekday")
        assert found == row.shift_id


def test_every_source_may_be_credited() -> None:
    texts = {"homes": {"file": "h.csv"}, "versement_mobilite": "vm.csv", "background": "b.osm"}
    credited = {"vm.csv": {"licence": "Licence Ouverte"}, "b.osm": {"attribution": "OSM"}}
    sources = Sources.model_validate(texts | {"credits": credited})
    assert sources.credit(Path("vm.csv")).licence == "Licence Ouverte"
    assert ("versement_mobilite", Path("vm.csv")) in sources.named()
