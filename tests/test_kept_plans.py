"""Shuttle plans of a folder outlive the other commands, or are set aside and said to be."""

import json
import os
import re
import shutil

import pytest
from light_plans import write_light
from typer.testing import CliRunner

from mobility import pipeline
from mobility.base.cache import content_hash
from mobility.cli import app
from mobility.commute.loading import load
from mobility.outputs.record import inputs_hash
from mobility.territory.project import Territory


@pytest.fixture(scope="module")
def territory(tmp_path_factory):
    return write_light(tmp_path_factory.mktemp("in"))


@pytest.fixture(scope="module")
def designed(territory, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out")
    pipeline.run(territory, folder, shuttles=True)
    return folder


@pytest.fixture
def folder(designed, tmp_path):
    return shutil.copytree(designed, tmp_path / "out")


def record(folder):
    return json.loads((folder / "run.json").read_text(encoding="utf-8"))


def files(folder):
    """Bytes by name; ``index.html`` lists what there is, and follows every command."""
    found = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*")}
    return {name: held for name, held in found.items() if name != "index.html"}


def command(*words):
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done


def test_a_report_keeps_the_plans_their_map_and_their_record(territory, folder):
    before, listed = files(folder), record(folder)["outputs"]
    command("report", territory, "-o", folder)
    after = files(folder)
    assert {name for name in before if before[name] != after[name]} == {"run.json"}
    assert set(record(folder)["outputs"]) == {
        *listed, "report.docx", "report.html", "report.pdf", "report.xlsx"
    }  # fmt: skip
    command("run", territory, "-o", folder)
    assert files(folder) == after


def test_a_variant_sets_the_map_of_the_plans_aside_and_a_run_brings_it_back(territory, folder):
    before = files(folder)
    feed = min((folder / "shuttles").glob("P*.zip"))
    done = command("run", territory, "-o", folder, "--with", feed)
    assert f"La carte montre maintenant {feed.stem}" in done.output.replace("\n", " ")
    after = files(folder)
    for name in ("map.html", "comparison.csv", "run.json"):
        assert after[f"shuttles/{name}"] == before[name]
        assert after[name] != before[name]
    assert "shuttles/map.html" in record(folder)["outputs"]
    command("run", territory, "-o", folder, "--with", feed)
    assert files(folder) == after
    command("run", territory, "-o", folder)
    assert files(folder) == before


def test_plans_of_other_inputs_are_set_aside_and_said_to_be(territory, folder):
    before = files(folder)
    other = territory.with_name("other.toml")
    text = territory.read_text(encoding="utf-8")
    other.write_text(text.replace("max_total_min = 60", "max_total_min = 55"), encoding="utf-8")
    done = command("run", other, "-o", folder, "--lang", "en")
    assert "come from other inputs" in done.output.replace("\n", " ")
    assert "plans_set_aside" in [f["code"] for f in record(folder)["findings"]]
    after = files(folder)
    assert set(after) == {*before, "shuttles/map.html", "shuttles/run.json",
                          "shuttles/comparison.csv"} - {"comparison.csv"}  # fmt: skip
    assert after["shuttles/map.html"] == before["map.html"]
    assert not [name for name in record(folder)["outputs"] if name.startswith("shuttles")]
    # The first territory finds its plans again.
    command("run", territory, "-o", folder)
    assert files(folder) == before


def told_old(folder):
    """The files of which the index says that they are of before a change."""
    items = (folder / "index.html").read_text(encoding="utf-8").split("<li>")[1:]
    return {item.split('href="')[1].split('"')[0] for item in items if "avant le dernier" in item}


def test_an_index_links_what_is_there_and_tells_what_is_old(territory, folder):
    """Nothing of these plans is known to the advice beside them; other files go by their time."""
    found = {"inputs": record(folder)["inputs"], "plans": "", "designed": False}
    (folder / "levers.json").write_text(json.dumps(found), encoding="utf-8")
    for name in ("recommendations.html", "letter.pdf", "plan.html"):
        (folder / name).touch()
    os.utime(folder / "letter.pdf", (0, 0))
    done = command("run", territory, "-o", folder)
    assert "a été pour d’autres données, ou avant ces navettes" in done.output
    assert "advice_outdated" in [f["code"] for f in record(folder)["findings"]]
    assert told_old(folder) == {"levers.json", "recommendations.html", "letter.pdf"}
    found["plans"] = content_hash([folder / "shuttles" / "plans.csv"])
    (folder / "levers.json").write_text(json.dumps(found), encoding="utf-8")
    os.utime(folder / "levers.json", (0, 0))
    command("run", territory, "-o", folder)
    assert "advice_outdated" not in [f["code"] for f in record(folder)["findings"]]
    assert told_old(folder) == {"letter.pdf"}
    other = territory.with_name("other.toml")
    text = territory.read_text(encoding="utf-8")
    other.write_text(text.replace("max_total_min = 60", "max_total_min = 55"), encoding="utf-8")
    command("run", other, "-o", folder)
    assert {"plan.html", "shuttles/plans.csv", "recommendations.html"} <= told_old(folder)
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert "comparison.csv" not in page
    assert all((folder / name).exists() for name in re.findall('href="([^"]+)"', page))


@pytest.mark.slow
def test_a_new_design_leaves_nothing_set_aside(territory, folder):
    feed = min((folder / "shuttles").glob("P*.zip"))
    before = files(folder)
    command("run", territory, "-o", folder, "--with", feed)
    pipeline.run(territory, folder, shuttles=True)
    assert files(folder) == before


@pytest.mark.slow
def test_other_commands_leave_every_file_as_it_was(territory, folder):
    # Levers stand on the one map, beside the plans; the other two tell what was found.
    for name, drawn in (("levers", {"map.html"}), ("plan", set()), ("letter", set())):
        before = files(folder)
        command(name, territory, "-o", folder)
        after = files(folder)
        assert {n for n in before if after[n] != before[n]} == drawn, name


def test_inputs_are_told_apart_by_what_figures_follow_from(territory):
    study = load(territory)
    limits = study.territory.limits.model_copy(update={"max_walk_min": 19})
    changed = study.territory.model_copy(update={"limits": limits})
    assert isinstance(changed, Territory)
    assert inputs_hash(study) == inputs_hash(load(territory))
    assert inputs_hash(study) != inputs_hash(load(changed))
