"""An output that a study reads is refused in one line, before anything is computed."""

import re
from pathlib import Path

import pytest
from small import write_territory
from typer.testing import CliRunner

from mobility import settings
from mobility.cli import app
from mobility.commute import loading
from mobility.outputs.tables import registry
from mobility.territory.project import Territory, source_files

#: Each command that writes, and an output of its own.
WRITES = {
    "run": "summary.csv", "report": "report.xlsx", "shuttles": "shuttles/P01.geojson",
    "levers": "levers.csv", "plan": "plan.html", "letter": "letter.md",
    "isochrones": "isochrones.gpkg", "matrix": "matrix.parquet", "housing": "housing.gpkg",
    "fairness": "fairness.csv", "delays": "delays.csv", "compare": "comparison.csv",
    "check": "page.html", "irregular": "irregular.csv", "apprentices": "apprentices.gpkg",
    "jobbus": "job_bus.gpkg", "zone": "zone.gpkg", "risk": "risk.csv", "lines": "lines.csv",
}  # fmt: skip
#: What a command is given beside the territory.
ALSO = {"irregular": "hours.csv", "apprentices": "centres.csv"}
#: Commands that write no study's outputs, or a folder they make themselves.
OTHERS = {"demo", "init", "cache", "png", "itinerary", "studio"}


def test_every_command_that_writes_is_tried():
    named = {c.name or c.callback.__name__ for c in app.registered_commands}
    assert named == {*WRITES, *OTHERS}


@pytest.mark.parametrize(("command", "output"), WRITES.items())
def test_it_is_refused_before_anything_is_computed(tmp_path, monkeypatch, command, output):
    toml = write_territory(tmp_path / "in")
    out = tmp_path / "out"
    source = out / output
    source.parent.mkdir(parents=True)
    source.write_bytes((toml.parent / "homes.csv").read_bytes())
    text = toml.read_text(encoding="utf-8")
    toml.write_text(text.replace('"homes.csv"', f"'{source}'"), encoding="utf-8")
    monkeypatch.setattr(loading, "read_streets", lambda *_: pytest.fail("it computes"))
    one_file = {"isochrones": "--out", "matrix": "--out", "check": "--html"}
    option = one_file.get(command)
    files = [str(toml), *([str(toml)] if command == "compare" else [])]
    files += [ALSO[command]] if command in ALSO else []
    more = [option, str(source)] if option else ["--out", str(out)]
    before = source.read_bytes()
    done = CliRunner().invoke(app, [command, *files, *more, "--lang", "en"])
    assert done.exit_code == 2, done.output
    assert Path(output).name in done.output
    assert "It is read by the same command" in " ".join(done.output.split())
    assert source.read_bytes() == before


def test_lines_and_layers_are_read_too(tmp_path):
    """Whatever the territory names: lines drawn by hand, areas of a group, areas of a service."""
    toml = write_territory(tmp_path, extra='[shuttles]\nlines = "drawn.geojson"\n')
    text = toml.read_text(encoding="utf-8")
    text = text.replace("personal = false", 'personal = false\ngroups = ["qpv=areas.gpkg"]')
    toml.write_text(text, encoding="utf-8")
    names = {path.name for path in source_files(Territory.from_toml(toml))}
    assert names >= {"drawn.geojson", "areas.gpkg", "gtfs.zip", "streets.osm", "territory.toml"}


def test_names_of_outputs_are_those_of_the_docs():
    docs = Path(__file__).parents[1].joinpath("docs", "outputs.md").read_text(encoding="utf-8")
    # Those of an atlas stand in a folder of their own, where no source may lie.
    docs = re.sub(r"(?ms)^## `mobility atlas merge`.*?(?=^## )", "", docs)
    told = set(re.findall(r"\*\*`([\w.]+)`\*\*", docs))
    tables = {spec.file for spec in registry().values() if spec.file}
    assert told <= tables | set(settings.OTHERS)
