"""No output of a run tells where a marked employee lives."""

import re

import numpy as np
import pytest
from privacy_trace import assert_no_trace
from small import LOCAL, lonlat, write_territory
from typer.testing import CliRunner

from mobility.cli import app
from mobility.pipeline import run

MARKED = lonlat(1033.37)


def employees_csv():
    rng = np.random.default_rng(1)
    rows = ["nom;site;roulement;lon;lat"]
    places = [*(lonlat(float(m)) for m in rng.uniform(200, 1900, 40)), MARKED]
    rows += [f"Salarié {k};Usine;3x8;{lon:.7f};{lat:.7f}" for k, (lon, lat) in enumerate(places)]
    return "\n".join(rows) + "\n"


def staff_territory(folder):
    toml = write_territory(folder, homes=employees_csv())
    text = toml.read_text(encoding="utf-8")
    old = 'id = "id"\nname = "name"\ncommune = "commune"\npersonal = false\n'
    assert old in text
    toml.write_text(text.replace(old, 'kind = "employees"\n'), encoding="utf-8")
    return toml


#: A person of `employees_csv`.
NAMED = re.compile("Salarié \\d".encode())
#: Every command that writes, besides `run`.
COMMANDS = ("report", "shuttles", "levers", "plan", "letter", "isochrones")


def test_no_command_writes_a_trace_of_a_marked_employee(tmp_path, monkeypatch):
    monkeypatch.setenv("MOBILITY_CACHE_DIR", str(tmp_path / "cache"))
    toml = staff_territory(tmp_path / "in")
    for command in COMMANDS:
        out = tmp_path / "out" / command / ("i.gpkg" if command == "isochrones" else "")
        done = CliRunner().invoke(app, [command, str(toml), "--out", str(out)])
        assert done.exit_code == 0, f"{command}: {done.output}"
        assert any(p.is_file() for p in (tmp_path / "out" / command).rglob("*")), command
        assert not NAMED.search(done.output.encode()), command
    assert_no_trace(tmp_path / "out", [MARKED], crs=[LOCAL])
    assert_no_trace(tmp_path / "cache", [MARKED], crs=[LOCAL])
    for path in (tmp_path / "out").rglob("*"):
        assert not path.is_file() or not NAMED.search(path.read_bytes()), path.name


def test_no_trace_of_a_marked_employee(tmp_path, monkeypatch):
    monkeypatch.setenv("MOBILITY_CACHE_DIR", str(tmp_path / "cache"))
    toml = staff_territory(tmp_path / "in")
    results = run(toml, tmp_path / "out")
    assert results.study.workers.sum() == pytest.approx(41, abs=15)
    assert_no_trace(tmp_path / "out", [MARKED], crs=[LOCAL])
    assert_no_trace(tmp_path / "cache", [MARKED], crs=[LOCAL])


def test_the_search_finds_what_is_there(tmp_path):
    lon, lat = MARKED
    (tmp_path / "leak.csv").write_text(f"a,{lon:.6f},{lat:.6f}\n", encoding="utf-8")
    try:
        assert_no_trace(tmp_path, [MARKED])
    except AssertionError:
        return
    raise AssertionError("the leak was not seen")
