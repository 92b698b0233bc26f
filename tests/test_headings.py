"""A title or notes above the headings of a table are told, with the row of the headings."""

import openpyxl
import pytest

from mobility.base.errors import SourceError
from mobility.sources.homes.read import read_homes
from mobility.sources.tables import read_csv, read_table
from mobility.territory.project import Territory

HEAD = ["id", "lon", "lat", "workers"]
ROWS = [["a", "-1.43", "46.67", "7"], ["b", "-1.42", "46.67", "8"]]


def text(rows, sign):
    return "".join(sign.join(map(str, r)) + "\n" for r in rows)


def refused(path):
    with pytest.raises(SourceError) as caught:
        read_table(path)
    return caught.value


@pytest.mark.parametrize("sign", [",", ";", "\t"])
@pytest.mark.parametrize(
    "above",
    [
        [["Salariés au 1er janvier"]],
        [["Salariés au 1er janvier"], [], ["Source : RH, 2026"]],
        [["Salariés", "", "", ""], ["", "", "", ""]],
    ],
)
def test_a_title_above_a_csv(tmp_path, sign, above):
    path = tmp_path / "h.csv"
    path.write_text(text([*above, HEAD, *ROWS], sign), encoding="utf-8")
    error = refused(path)
    assert error.row == len(above) + 1
    assert "Les intitulés de colonnes sont à cette ligne" in error.render("fr")


@pytest.mark.parametrize("blank", [0, 1, 4])
def test_a_title_above_a_sheet(tmp_path, blank):
    book = openpyxl.Workbook()
    for row in (["Salariés au 1er janvier"], *[[]] * blank, HEAD, *ROWS):
        book.active.append(row)
    book.save(tmp_path / "h.xlsx")
    assert refused(tmp_path / "h.xlsx").row == blank + 2


def test_a_title_as_wide_as_the_headings_is_told_by_the_column_wanted(tmp_path):
    rows = [["RH", "2026", "janvier", "v2"], HEAD, *ROWS]
    (tmp_path / "h.csv").write_text(text(rows, ";"), encoding="utf-8")
    data = {"name": "t", "sources": {"homes": {"file": "h.csv", "kind": "points"}}}
    territory = Territory.from_dict(data, tmp_path / "t.toml")
    with pytest.raises(SourceError) as caught:
        read_homes(territory.sources.homes, territory)
    assert caught.value.row == 2
    assert "headings" in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        "id,lon,lat,workers\na,1,2,3\n",
        "nom,note\nUsine,\nAtelier,a b c d\n",
        "code;1;2\nx;3;4\n",
        '"a title, quoted"\n"x, y"\n',
    ],
)
def test_tables_without_a_title_are_read(tmp_path, content):
    path = tmp_path / "h.csv"
    path.write_text(content, encoding="utf-8")
    assert len(read_csv(path).frame)
