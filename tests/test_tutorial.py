"""What the tutorial shows is what its commands print."""

import re
from pathlib import Path
from unittest.mock import patch

import pytest
from typer.testing import CliRunner

from mobility.cli import app
from mobility.terminal import err, out

ROOT = Path(__file__).parents[1]
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
DATA = ROOT.parent / "shared" / "data"


def shown_after(command):
    """Return the lines of the block that follows a command in the tutorial."""
    rest = TUTORIAL[TUTORIAL.index(command) :]
    return re.search(r"\n```\n.*?\n```\n(.*?)\n```", rest, re.DOTALL)[1].splitlines()


def printed(*arguments):
    with patch.object(out, "_width", 92), patch.object(err, "_width", 92):
        done = CliRunner().invoke(app, [*arguments])
    assert done.exit_code == 0, done.output
    # Steps with their time, which go to messages where these are no terminal, are not quoted.
    lines = [line.rstrip() for line in done.output.splitlines() if line.strip()]
    return [line for line in lines if not re.match(r"\d\d:\d\d [a-z]", line)]


def test_the_itinerary(monkeypatch):
    monkeypatch.chdir(ROOT)
    command = re.search(r"mobility itinerary .*", TUTORIAL)[0]
    words = re.findall(r'"([^"]+)"|(\S+)', command.removeprefix("mobility "))
    assert printed(*(quoted or plain for quoted, plain in words)) == shown_after(command)


def test_the_summary_of_the_demo(tmp_path):
    """The demo's table is that of a run of its territory file."""
    rows = printed("run", str(ROOT / "data" / "demo.toml"), "--out", str(tmp_path), "--lang", "en")
    *table, bottom, where = shown_after("mobility demo --lang en")
    assert rows[: len(table)] == table
    assert bottom in rows
    assert where == "Map: mobility-demo/map.html"


@pytest.mark.real
@pytest.mark.skipif(not DATA.is_dir(), reason="the real sources are not here")
def test_the_check_of_a_real_territory(monkeypatch):
    monkeypatch.chdir(ROOT)
    command = "mobility check examples/rhein-neckar/territory.toml --lang en"
    # The tutorial leaves out the tables above what was found.
    shown = shown_after(command)
    assert printed(*command.split()[1:])[-len(shown) :] == shown


def test_the_lines_of_a_first_study():
    """Its names and numbers are those of the day; its sentences those of the program."""
    source = (ROOT / "mobility" / "terminal.py").read_text(encoding="utf-8")
    for line in shown_after('mobility init "La Roche-sur-Yon" --lang en'):
        assert f'"{line.split(": ")[0]}: ' in source, line
