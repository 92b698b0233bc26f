"""What the commands of single needs write of an employee file: nothing finer than its areas."""

from __future__ import annotations

from privacy_trace import assert_no_trace
from small import lonlat
from test_privacy_runs import LOCAL, scene
from typer.testing import CliRunner

from mobility.cli import app

__all__ = ["scene"]
PLACE = "{:.7f},{:.7f}".format(*lonlat(1100.5))
LISTS = {
    "centres.csv": f"name,lon,lat,start,end\nCFA,{PLACE},09:00,16:00\n",
    "hours.csv": "site,date,start,end\nUsine,2026-11-17,13:00,21:00\n",
}
COMMANDS = {
    "matrix": [],
    "housing": [],
    "fairness": [],
    "irregular": ["hours.csv"],
    "apprentices": ["centres.csv", "--retimings", "1"],
    "jobbus": ["--halts", "2", "--group", "no_car"],
    "zone": [],
    "lines": ["--swaps", "1"],
    "delays": ["--draws", "5"],
    "risk": ["--carpool"],
}


def test_files_hold_nothing_finer_than_the_areas(scene, tmp_path, monkeypatch) -> None:
    toml, _, places = scene
    for name in ("cache", "tmp", "lists"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("MOBILITY_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    for name, text in LISTS.items():
        (tmp_path / "lists" / name).write_text(text, encoding="utf-8")
    for command, options in COMMANDS.items():
        asked = [str(tmp_path / "lists" / o) if o in LISTS else o for o in options]
        out = tmp_path / "out" / command
        out = out / "matrix.csv" if command == "matrix" else out
        result = CliRunner().invoke(app, [command, str(toml), *asked, "-o", str(out)])
        assert result.exit_code == 0, result.output
        assert "Salarié 1" not in result.output
    for folder in ("out", "cache", "tmp"):
        assert_no_trace(tmp_path / folder, places[::48], crs=[LOCAL])
        for path in (tmp_path / folder).rglob("*"):
            assert not path.is_file() or "Salarié 1".encode() not in path.read_bytes()
    assert {p.name for p in (tmp_path / "out").iterdir()} == set(COMMANDS)
