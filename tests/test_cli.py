"""The command line speaks the language asked for, its help included."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pandas as pd
import pytest
from rich.console import Console
from texts import french

from mobility import terminal
from mobility.cli import app, said

ENGLISH = "Language: fr or en."


@pytest.mark.parametrize(
    ("argv", "variable", "expected"),
    [
        (["run", "--help"], None, "Langue : fr ou en."),
        (["run", "--help"], "en", ENGLISH),
        (["run", "--lang", "en", "--help"], None, ENGLISH),
        (["run", "--help", "--lang=en"], "fr", ENGLISH),
        (["run", "--lang", "fr", "--help"], "en", "Langue : fr ou en."),
        (["run", "--help", "--lang"], "en", ENGLISH),
    ],
)
def test_help_in_the_language_asked_for(monkeypatch, argv, variable, expected):
    monkeypatch.setattr(sys, "argv", ["mobility", *argv])
    monkeypatch.delenv("MOBILITY_LANG", raising=False)
    if variable is not None:
        monkeypatch.setenv("MOBILITY_LANG", variable)
    assert said(ENGLISH) == expected


@pytest.mark.parametrize("command", [c.callback for c in app.registered_commands])
def test_each_command_has_its_help_in_both_languages(command):
    assert inspect.getdoc(command) in french()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_number_is_parted_and_no_heading_cut(monkeypatch, capsys, width):
    rows = [
        ["P01", 6, 5, 1_113_188.0, 14_428.0, 10_128.0, 14_145.0, True],
        ["P02", 6, 5, 637_723.0, 447.0, None, None, False],
    ]
    monkeypatch.setattr(terminal, "out", Console(highlight=False, width=width))
    frame = pd.DataFrame(rows, columns=list(terminal.PLANS))
    terminal.print_table(frame, "plans", "fr", only=terminal.PLANS)
    said_ = capsys.readouterr().out
    for whole in ("1\u202f113\u202f188", "14\u202f428", "14\u202f145", "Conseillé", "Véhicules"):
        assert whole in said_
    assert "…" not in said_
    if width == 120:
        assert all(len(line) <= width for line in said_.splitlines())


def test_a_table_of_a_run_fits_a_small_terminal(monkeypatch, capsys):
    row = ["Biscuiterie des Quatre-Vents", "journée", 14_542, 5_896, 0.41, 11_862, 14_448,
           "no_stop_home"]  # fmt: skip
    monkeypatch.setattr(terminal, "out", Console(highlight=False, width=80))
    terminal.print_table(pd.DataFrame([row], columns=list(terminal.SUMMARY)), "summary", "fr")
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert any("14\u202f542" in line and "14\u202f448" in line for line in lines)


def test_the_package_and_its_help_open_without_pandas():
    told = "import sys, mobility, mobility.cli; print({'pandas', 'geopandas'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
