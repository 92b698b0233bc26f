"""Whatever is wrong in a territory file is told in the user's language, with value and mend."""

import datetime as dt

import pytest
from small import write_territory
from texts import french
from typer.testing import CliRunner

from mobility.base.errors import MobilityError, TerritoryError
from mobility.cli import app
from mobility.shuttles.config import ShuttleConfig
from mobility.territory.project import Territory
from mobility.territory.validation import read_toml

GOOD = {
    "name": "x",
    "sources": {"homes": {"file": "h.csv"}},
    "sites": [{"name": "U", "gates": [[0, 47]], "rosters": ["3x8"]}],
    "on_demand": [{"name": "z", "communes": ["A"]}],
    "carpool": {},
    "days": {"extra": [{"name": "e"}], "dates": {}},
}
WRONG = (
    *(None, True, -3, 10**9, 0.5, float("nan"), float("inf"), "", "x", "25:99", "lun-ven"),
    *([], [1], ["x"], [[1]], {}, {"zz": 1}, dt.date(2027, 1, 1), dt.time(5), [1, 2, 3, 4]),
    *([{"name": "a"}], [{"zz": 1}], [[200, 1]], [["x", "y"]], dt.datetime(2027, 1, 1, 5), 10**30),
)  # fmt: skip


def tables(model, path=()):
    """Yield the path of every field of a model, its tables' own included."""
    from mobility.territory.validation import _is_model, _wanted_at

    for name in model.model_fields:
        yield (*path, name)
        inner = _wanted_at(model, [name])
        for way in ((), (0,)):
            found = _wanted_at(model, [name, *way]) if way else inner
            if found is not None and _is_model(found):
                yield from tables(found, (*path, name, *way))


def changed(data, path, value):
    """Return a deep copy of nested tables with one value set, lists extended as needed."""
    if not path:
        return value
    key, *rest = path
    if isinstance(key, int):
        return [changed(data[0] if data else {}, rest, value)]
    data = dict(data) if isinstance(data, dict) else {}
    return data | {key: changed(data.get(key), rest, value)}


def complaints():
    for path in tables(Territory):
        for value in WRONG:
            try:
                Territory.from_dict(changed(GOOD, path, value))
            except MobilityError as error:
                yield path, value, error
    for path in tables(ShuttleConfig):
        for value in WRONG:
            try:
                ShuttleConfig.from_dict(changed({}, path, value))
            except MobilityError as error:
                yield path, value, error


def test_every_complaint_has_its_french_sentence_and_mend():
    seen = set()
    for path, value, error in complaints():
        where = f"{path} = {value!r}: {error}"
        assert error.problem in french(), where
        assert error.mend in french(), where
        assert error.column, where
        text = error.render("fr")
        assert "Input" not in text, where
        assert "{" not in text.replace(str(value), ""), where
        assert "not accepted" not in error.problem, where
        seen.add(error.problem)
    assert len(seen) > 20


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("limits", "max_walk_min"), 100_000, ["limits.max_walk_min", "100000", "180"]),
        (("limits", "max_walk_mn"), 20, ["limits.max_walk_mn", "max_walk_min"]),
        (("sites", 0, "gates"), [], ["sites.1.gates", "au moins 1"]),
        (("sites", 0, "gates"), [-0.5, 47.1], ["sites.1.gates", "[[-0.5, 47.1]]", "liste"]),
        (("sites", 0, "gates"), [[-0.5, 147.1]], ["sites.1.gates.1.2", "147.1", "90"]),
        (("sites", 0, "gates"), [[-0.5]], ["sites.1.gates.1", "2 valeurs"]),
        (
            ("days", "school_holidays"),
            [["2026-12-20", "2026-10-17"]],
            ["days.school_holidays", "2026-12-20 – 2026-10-17", "finissent avant"],
        ),
        (("sites", 0, "rosters"), ["4x8"], ["rosters.1.template", "4x8", "3x8, 2x8"]),
        (("timezone",), "Europe/Pariss", ["Europe/Pariss", "fuseau"]),
        (("modes", "evaluated"), ["velo"], ["modes.evaluated.1", "velo", "bike_transit"]),
        (("days", "school_zone"), "D", ["days.school_zone", "'D'", "A, B, C"]),
        (("days", "dates"), {"saturday": "30/01/2027"}, ["days.dates.saturday", "30/01/2027"]),
        (("output", "language"), "de", ["'de'", "fr, en"]),
        (("sources", "gtfs"), "a.zip", ["sources.gtfs", "a.zip", "crochets"]),
    ],
)
def test_names_field_value_and_mend(path, value, words):
    with pytest.raises(TerritoryError) as caught:
        Territory.from_dict(changed(GOOD, path, value))
    for word in words:
        assert word in caught.value.render("fr")


@pytest.mark.parametrize(
    ("text", "row", "words"),
    [
        ('name = "a"\nwalk = 20 min\n', 2, ["walk = 20 min", "un champ par ligne"]),
        ('name = "a"\nname = "b"\n', 2, ["deux fois"]),
        ('a = "b\nc = 1\n', 1, ["guillemets"]),
        ("a = [1,\n2\n", 2, ["crochet"]),
        ('a = "C:\\users"\n', 1, ["apostrophes"]),
        ("a = Paris\n", 1, ["guillemets"]),
        ("a = \n", 1, ["guillemets"]),
    ],
)
def test_toml_that_cannot_be_read(tmp_path, text, row, words):
    path = tmp_path / "t.toml"
    path.write_text(text)
    with pytest.raises(TerritoryError) as caught:
        read_toml(path)
    error = caught.value
    assert error.row == row
    assert error.problem in french()
    assert error.mend in french()
    for word in words:
        assert word in error.render("fr")


def test_toml_that_is_no_utf8(tmp_path):
    path = tmp_path / "t.toml"
    path.write_bytes("a = 1\nb = 'été'\n".encode("cp1252"))
    with pytest.raises(TerritoryError, match="UTF-8") as caught:
        read_toml(path)
    assert caught.value.row == 2


def test_second_site_of_one_name_is_told_by_its_place(tmp_path):
    toml = write_territory(tmp_path)
    text = toml.read_text(encoding="utf-8")
    start = text.index("[[sites]]")
    site = text[start:].split("\n\n")[0].split("\n[", 1)[0]
    toml.write_text(text[:start] + site + "\n" + text[start:], encoding="utf-8")
    result = CliRunner().invoke(app, ["check", str(toml)])
    assert result.exit_code == 2
    assert "site n° 2, champ name" in result.stderr


def test_the_number_of_an_entry_names_it_and_is_not_grouped():
    error = TerritoryError("It is empty.", entry=("site", 1200))
    assert "site n° 1200" in error.render("fr").replace("\xa0", " ").replace("\u202f", " ")
    assert "site no. 1200" in error.render("en").replace("\xa0", " ")
