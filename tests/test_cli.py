"""The command line speaks the language asked for, its help included."""

from __future__ import annotations

import inspect
import sys

import pytest

from mobility.cli import app, said
from mobility.locale import french

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
