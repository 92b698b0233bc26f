"""Every sentence a user may meet has its French text, with the same named fields."""

import ast
import string
import tomllib
from pathlib import Path

import pytest

from mobility.base.i18n import french, number, singular, translate

PACKAGE = Path(__file__).parents[1] / "mobility"


def sentences():
    """English templates given to errors and findings, with the file they stand in."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name.endswith("Error") and name not in ("ValueError", "AssertionError"):
                found = [
                    *node.args[: 1 + (name == "RefusedError")],
                    *(k.value for k in node.keywords if k.arg == "mend"),
                ]
            elif name in ("Finding", "_finding"):
                found = [*node.args[2:3], *(k.value for k in node.keywords if k.arg == "message")]
            else:
                continue
            for value in found:
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    yield path.relative_to(PACKAGE).as_posix(), value.value


SENTENCES = sorted({(f, s) for f, s in sentences() if " " in s})


def fields(template):
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def test_sentences_are_found():
    assert len(SENTENCES) > 60


@pytest.mark.parametrize(
    ("file", "sentence"), SENTENCES, ids=[f"{f}:{s[:40]}" for f, s in SENTENCES]
)
def test_has_a_french_text(file, sentence):
    assert sentence in french(), file


def test_french_texts_keep_their_fields():
    for english, text in french().items():
        assert fields(text) <= fields(english), english


def test_catalogues_do_not_contradict_each_other():
    seen = {}
    for path in sorted((PACKAGE / "base" / "i18n").glob("fr_*.toml")):
        for key, text in tomllib.loads(path.read_text(encoding="utf-8"))["texts"].items():
            assert seen.setdefault(key, text) == text, f"{key!r} differs in {path.name}"


def test_fields_are_filled_in_both_languages():
    template = "The territory file does not exist."
    assert translate(template, "en") == template
    assert translate(template, "fr").startswith("Le fichier")


@pytest.mark.parametrize("language", ["fr", "en"])
def test_one_is_told_in_the_singular(language):
    texts = singular()[language]
    assert texts.keys() == singular()["en"].keys()
    for template, text in texts.items():
        assert template in french(), template
        assert fields(text) == fields(template) - {"count", *LESS.get(template, ())}, template
        told = translate(template, language, count=1, **dict.fromkeys(fields(text), "x"))
        assert "{" not in told


#: Fields that say nothing of one thing.
LESS: dict[str, tuple[str, ...]] = {}


def test_what_check_counts_has_a_singular():
    """Every finding that starts with a number of things, so that none reads "1 lines"."""
    counted = {s for _, s in SENTENCES if s.startswith("{count} ")}
    assert not counted - singular()["fr"].keys()


def test_numbers_are_written_as_the_language_does():
    assert number(1234567.25, "fr", 1) == "1\u202f234\u202f567,2"
    assert number(10_000, "en") == "10,000"
    assert translate("{count} layers: {path}", "fr", count=1, path="a") == "1 couche : a"
    assert translate("{count} layers: {path}", "fr", count=2, path="a") == "2 couches : a"
