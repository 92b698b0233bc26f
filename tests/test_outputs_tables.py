"""The registry of tables: complete in both languages, followed by its page and by every output."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mobility.base import literal
from mobility.outputs.tables import cell_text, registry, sheet_of, table_block, write_csv
from mobility.outputs.words import LEVERS, STEPS, Words

ROOT = Path(__file__).parents[1]


def test_the_page_of_outputs_is_up_to_date():
    spec = importlib.util.spec_from_file_location("doc", ROOT / "tools" / "make_outputs_doc.py")
    doc = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(doc)
    written = (ROOT / "docs" / "outputs.md").read_text(encoding="utf-8")
    assert written == doc.page(), "run: python tools/make_outputs_doc.py"


@pytest.mark.parametrize("key", registry())
def test_a_table_has_its_words_in_both_languages(key):
    spec = registry()[key]
    for language in ("fr", "en"):
        assert spec.name[language]
        assert spec.note[language]
        labels = [c.label(language) for c in spec.columns]
        assert all(labels)
    keys = [c.key for c in spec.columns]
    assert len(set(keys)) == len(keys)
    assert {*spec.shown, *spec.sheet_only} <= set(keys)
    for column in spec.columns:
        assert bool(column.texts["fr"][2]) == bool(column.texts["en"][2]), column.key


def test_a_value_is_told_by_what_its_column_holds():
    french, english = Words("fr"), Words("en")
    told = {
        ("count", 1234.4): "1\u202f234", ("value", 0.5): "0,5", ("share", 0.0549): "5,5\u202f%",
        ("clock", 18_000): "05:00", ("flag", False): "non",
        ("reason", "no_return"): "pas de retour",
        ("roster", "3x8"): "3×8", ("day", ""): "tous les jours travaillés",
        ("symbol", "move_trip"): "course déplacée", ("symbol", "outbound"): "aller",
        ("symbol", "links"): "liaisons", ("text", 2025.0): "2025",
        ("text", "site"): "site", ("text", None): "–", ("count", float("nan")): "–",
    }  # fmt: skip
    assert {key: cell_text(french, *key) for key in told} == told
    assert cell_text(english, "symbol", "school_weekday saturday") == (
        "school-term weekday; Saturday"
    )
    assert cell_text(english, "symbol", "move_trip") == "trip moved"
    # A site may be called as a word of the program is.
    assert cell_text(french, "text", "pool") == "pool"


def test_a_column_that_no_table_knows_is_refused(tmp_path):
    frame = pd.DataFrame({"site": ["A"], "rosters": ["3x8"]})
    with pytest.raises(KeyError, match="rosters"):
        write_csv(tmp_path, "summary", frame)
    assert not list(tmp_path.iterdir())


def test_further_columns_are_their_own_headings():
    frame = pd.DataFrame({"stop": ["A"], "places": [3.0], "Move a trip": [1234.0]})
    table = table_block(sheet_of("housing_stops", frame), Words("en"))
    assert table.heads[-1] == "Move a trip"
    assert table.rows == (("A", "3", "1,234"),)
    assert table.numeric == (False, True, True)


def test_a_long_table_is_written_as_a_short_one(monkeypatch):
    rng, n = np.random.default_rng(0), 300
    frame = pd.DataFrame({
        "share": rng.choice([0.0, -0.0, 1.5, np.nan, 1e-9, 1e20], n),
        "site": pd.Categorical(rng.choice(["x", "=1", 'q,"z', ""], n)),
        "name": rng.choice(["é;=2", "", "-5", "a\nb"], n).astype(object),
        "rides": pd.array(rng.choice([1, 2, None], n), dtype="Int8"),
        "minutes": pd.array(rng.choice([0.1, -0.0, None], n), dtype="Float32"),
        "left": pd.to_datetime(rng.integers(0, 10**9, n), unit="s").where(rng.random(n) > 0.1),
        "none": [None] * n,
    })  # fmt: skip
    for options in ({}, {"float_format": "%.3f"}):
        short = literal.csv_text(frame, **options)
        monkeypatch.setattr(literal, "LONG", 10)
        monkeypatch.setattr(literal, "BLOCK", 70)
        assert literal.csv_text(frame, **options) == short
        monkeypatch.undo()


@pytest.mark.parametrize(
    ("value", "french", "english"),
    [
        (0.0297, "0,0297", "0.0297"),
        (0.278, "0,278", "0.278"),
        (0.9 * 0.278, "0,2502", "0.2502"),
        (31_656.0, "31\u202f656", "31,656"),
        (218, "218", "218"),
        (2.0, "2", "2"),
        (float("nan"), "–", "–"),
    ],
)
def test_factors_and_their_bands_are_printed_whole(value, french, english) -> None:
    for column in ("value", "low", "high"):
        for key in ("factors", "lever_factors", "risk_factors", "energy_factors"):
            frame = pd.DataFrame([{"name": "x", column: value}])
            for language, text in (("fr", french), ("en", english)):
                told = table_block(sheet_of(key, frame), Words(language))
                assert told.rows[0][-1] == text


def test_kinds_of_remedies_are_told_in_words_in_both_languages() -> None:
    for kind in STEPS | dict.fromkeys(LEVERS):
        english, french = (cell_text(Words(language), "symbol", kind) for language in ("en", "fr"))
        assert "_" not in english + french, kind
        assert kind not in LEVERS or english == LEVERS[kind]
        assert french != english, kind
    both = [cell_text(Words(language), "symbol", "add_run move_trip") for language in ("en", "fr")]
    assert both == ["trip added; trip moved", "course ajoutée\u202f; course déplacée"]
