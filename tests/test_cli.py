"""The command line speaks the language asked for, its help included."""

from __future__ import annotations

import inspect
import json
import os
import re
import signal
import subprocess
import sys

import pandas as pd
import pytest
from rich.console import Console
from small import write_territory
from texts import french
from typer.testing import CliRunner

from mobility import pipeline, terminal
from mobility.__main__ import main
from mobility.base.i18n import translate
from mobility.cli import app, said
from mobility.terminal import STEPS, progress_bar

ENGLISH = "Language: fr or en."


@pytest.mark.parametrize(
    ("argv", "variable", "expected"),
    [
        (["run", "--help"], None, "Langue\u00a0: fr ou en."),
        (["run", "--help"], "en", ENGLISH),
        (["run", "--lang", "en", "--help"], None, ENGLISH),
        (["run", "--help", "--lang=en"], "fr", ENGLISH),
        (["run", "--lang", "fr", "--help"], "en", "Langue\u00a0: fr ou en."),
        (["run", "--help", "--lang"], "en", ENGLISH),
    ],
)
def test_help_in_the_language_asked_for(monkeypatch, argv, variable, expected):
    monkeypatch.setattr(sys, "argv", ["mobility", *argv])
    monkeypatch.delenv("MOBILITY_LANG", raising=False)
    if variable is not None:
        monkeypatch.setenv("MOBILITY_LANG", variable)
    assert said(ENGLISH) == expected


@pytest.mark.parametrize("own", ["fr", "en"])
@pytest.mark.parametrize("asked", [None, "fr", "en"])
def test_every_file_is_in_the_language_asked_for_else_the_territory_s(
    tmp_path, monkeypatch, own, asked
):
    monkeypatch.delenv("MOBILITY_LANG", raising=False)
    path = write_territory(tmp_path)
    path.write_text(
        path.read_text(encoding="utf-8") + f'\n[output]\nlanguage = "{own}"\n', encoding="utf-8"
    )
    out = tmp_path / "out"
    told = ["--lang", asked] if asked else []
    done = CliRunner().invoke(app, ["report", str(path), "-o", str(out), *told])
    assert done.exit_code == 0, done.output
    language = asked or own
    pages = [out / f"{name}.html" for name in ("index", "map", "report")]
    spoken = {re.search('<html lang="(..)"', page.read_text(encoding="utf-8"))[1] for page in pages}
    assert spoken == {language}
    factors = pd.read_csv(out / "factors.csv")["unit"].tolist()
    assert ("EUR per km" in factors) == (language == "en")
    report = pages[2].read_text(encoding="utf-8")
    names = [name for name in ("matin", "morning") if f">{name}<" in report]
    assert names == ["morning" if language == "en" else "matin"]
    # What is asked for renames no shift of the tables, and follows from the same inputs.
    assert set(pd.read_csv(out / "shifts.csv")["shift"]) >= {"morning" if own == "en" else "matin"}
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert record["territory"]["output"]["language"] == own


def test_the_demo_is_kept_for_each_language_and_text(tmp_path, monkeypatch):
    monkeypatch.setenv("MOBILITY_CACHE_DIR", str(tmp_path / "cache"))
    told = []

    def run(territory, out, **_):
        told.append(territory.language)
        out.mkdir(parents=True)
        (out / "map.html").write_text(territory.language)

    monkeypatch.setattr(pipeline, "run", run)
    code, made = tmp_path / "code", []
    code.mkdir()
    for text, language in (("a", "fr"), ("a", "en"), ("a", "fr"), ("b", "fr")):
        (code / "fr.po").write_text(text)
        folder = pipeline.demo(
            pipeline.demo_territory(), tmp_path / "out", language=language, code=code
        )
        made.append((folder / "map.html").read_text())
    assert made == ["fr", "en", "fr", "fr"]
    assert told == ["fr", "en", "fr"]


@pytest.mark.parametrize("command", [c.callback for c in app.registered_commands])
def test_each_command_has_its_help_in_both_languages(command):
    assert inspect.getdoc(command) in french()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_number_is_parted_and_no_heading_cut(monkeypatch, capsys, width):
    rows = [
        ["P01", 6, 5, 1_113_188.0, 14_428.0, 10_128.0, 14_145.0, 47_150.0, True],
        ["P02", 6, 5, 637_723.0, 447.0, None, None, None, False],
    ]
    monkeypatch.setattr(terminal, "out", Console(highlight=False, width=width))
    frame = pd.DataFrame(rows, columns=list(terminal.PLANS))
    terminal.print_table(frame, "plans", "fr", only=terminal.PLANS)
    said_ = capsys.readouterr().out
    for whole in ("1\u202f113\u202f188", "14\u202f428", "14\u202f145", "Présenté", "Véhicules"):
        assert whole in said_
    assert "…" not in said_
    if width == 120:
        assert all(len(line) <= width for line in said_.splitlines())


def test_rows_told_one_by_one_have_their_units(monkeypatch, capsys):
    monkeypatch.setattr(terminal, "out", Console(highlight=False, width=60))
    keys = ["site", "roster", "headcount", "vehicle_km", "night_km", "accidents", "bound_km"]
    row = ["Fonderie des Quatre-Vents", "3x8", 420, 2_310_691.0, 830_989.0, 0.3, 12.0]
    terminal.print_table(pd.DataFrame([row], columns=keys), "risk", "fr", only=keys)
    told = capsys.readouterr().out
    assert "En voiture (véhicule-km par an)\u00a0: 2\u202f310\u202f691" in told
    assert "Accidents (par an)\u00a0: 0,3" in told


def test_what_a_table_leaves_out_is_told_and_measures_have_their_units(monkeypatch, capsys):
    monkeypatch.setattr(terminal, "out", Console(highlight=False, width=120))
    rows = [["Usine", "Mairie", 762.0, 12.6, 420]] * 17
    keys = ["one", "two", "metres", "saved_min", "jobs"]
    frame = pd.DataFrame(rows, columns=keys)
    terminal.print_table(frame, "zone_links", "fr", only=keys, most=15)
    told = capsys.readouterr().out
    assert told.count("Usine") == 15
    assert "Longueur (m)" in told
    assert "Gagné (min)" in told
    assert "Emplois │" in told or "Emplois ┃" in told
    assert "Lignes omises ici : 2" in told
    assert "zone_links.csv" in told


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


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["chek"], "Il n’y a pas de commande chek\u202f; vouliez-vous dire"),
        (["run", "--nope"], "Il n’y a pas d’option --nope"),
        (["run"], "Il manque file\u00a0: Le fichier de territoire (TOML)."),
        (["png", "a.html"], "Il manque picture\u00a0: L’image à écrire (PNG)."),
        (["housing", "a", "--cell", "24"], "--cell doit être de 25 au moins."),
        (["jobbus", "a", "--halts", "8", "--lang", "en"], "--halts must be 7 at the most."),
        (["apprentices", "a", "b", "--apart-km", "nan"], "--apart-km doit être de 500 au plus."),
        (["run", "a", "b"], "C’est trop\u00a0: b"),
        (["run", "a", "--out"], "L’option --out attend une valeur."),
        (["run", "a", "--lang", "xx"], "xx n’est pas une valeur de --lang"),
        (["init", "a", "--radius-km", "z"], "--radius-km n’est pas un nombre accepté ici."),
        (["init", "a", "--radius-km", "z", "--lang", "en"], "--radius-km is no number"),
    ],
)
def test_a_slip_of_the_command_line_is_told_in_the_language_asked_for(
    monkeypatch, capsys, argv, words
):
    monkeypatch.setattr(sys, "argv", ["mobility", *argv])
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.delenv("MOBILITY_LANG", raising=False)
    assert main() == 2
    assert words in capsys.readouterr().err


def test_steps_are_lines_with_the_time_where_messages_go_to_a_file(capsys):
    with progress_bar("fr", STEPS) as step:
        step("streets")
        step("map")
    told = capsys.readouterr().err.splitlines()
    assert [line[:6] for line in told] == ["00:00 ", "00:00 "]
    assert [line[6:] for line in told] == [translate("streets", "fr"), translate("map", "fr")]


def test_a_table_too_wide_is_told_a_line_a_value(monkeypatch, capsys):
    monkeypatch.setattr(terminal, "out", Console(highlight=False, width=30))
    heads = ["one heading", "another heading", "a third heading"]
    terminal._print_records("Title", heads, [["1\u202f113\u202f188", "", "c"]], "fr")
    lines = capsys.readouterr().out.splitlines()
    assert lines[2:] == ["  one heading\u00a0: 1\u202f113\u202f188", "  a third heading\u00a0: c"]


def test_levers_fit_a_small_terminal_as_a_table(monkeypatch, capsys):
    row = [12, "départs d’une ligne déplacés", "4/4A", "Biscuiterie des Quatre-Vents + Val d'Orle",
           1_194, 1_134_228, 13_500, False]  # fmt: skip
    monkeypatch.setattr(terminal, "out", Console(highlight=False, width=80))
    frame = pd.DataFrame([row], columns=list(terminal.REMEDIES))
    terminal.print_table(frame, "remedies", "fr", only=terminal.REMEDIES)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert any("1\u202f194" in line and "1\u202f134\u202f228" in line for line in lines)
    assert "Val d’Orle" in " ".join(" ".join(lines).split())


def test_commands_stand_in_groups_and_complete_in_a_shell(monkeypatch):
    assert all(command.rich_help_panel for command in app.registered_commands)
    asked = {"_MOBILITY_COMPLETE": "complete_bash", "COMP_WORDS": "mobility che", "COMP_CWORD": "1"}
    found = subprocess.run(
        [sys.executable, "-c", "from mobility.cli import app; app(prog_name='mobility')"],
        capture_output=True, text=True, env=os.environ | asked, check=False,
    )  # fmt: skip
    assert found.stdout.split() == ["check"]
