"""Rosters that can hardly be meant are told, and those that cannot be are refused."""

import pytest
from small import write_territory
from typer.testing import CliRunner

from mobility.base.errors import TerritoryError
from mobility.cli import app
from mobility.commute.loading import load
from mobility.sources.sites import read_sites_file
from mobility.territory.project import Site, Territory
from mobility.territory.rosters import ROSTER_TEMPLATES, roster_findings


def site(*rosters):
    data = {"name": "Usine", "gates": [[0, 47]], "rosters": list(rosters)}
    territory = {"name": "t", "sources": {"homes": {"file": "h.csv"}}, "sites": [data]}
    return Territory.from_dict(territory).sites[0]


def roster(*shifts, name="R"):
    return {
        "name": name,
        "shifts": [
            {"name": f"s{k}", "start": a, "end": b, "days": days, "headcount": 9}
            for k, (a, b, days) in enumerate(shifts)
        ],
    }


def codes(*rosters):
    return [f.code for f in roster_findings([site(*rosters)])]


def test_templates_and_handovers_are_normal():
    assert codes(*({"template": t, "headcount": 9} for t in ROSTER_TEMPLATES)) == []
    hospital = [("06:45", "14:15", "all"), ("13:45", "21:15", "all"), ("21:00", "07:00", "all")]
    assert codes(roster(*hospital)) == []
    assert codes(roster(("07:00", "19:00", "all"), ("19:00", "07:00", "all"))) == []


@pytest.mark.parametrize(
    ("shifts", "found"),
    [
        ([("13:30", "05:30", "mon-fri")], ["long_shift"]),
        ([("05:00", "17:01", "mon-fri")], ["long_shift"]),
        ([("05:30", "13:30", "mon-fri"), ("06:00", "14:00", "fri")], ["overlapping_shifts"]),
        ([("05:30", "13:30", "mon-thu"), ("06:00", "14:00", "fri")], []),
        ([("21:00", "05:00", "sun"), ("04:00", "12:00", "mon")], ["overlapping_shifts"]),
        ([("21:00", "05:00", "mon"), ("04:00", "12:00", "mon")], []),
        ([("05:00", "13:00", "all"), ("12:29", "20:00", "all")], ["overlapping_shifts"]),
    ],
)
def test_long_and_overlapping_shifts_are_told(shifts, found):
    assert codes(roster(*shifts)) == found


def test_a_roster_without_headcount_is_told_once():
    found = roster_findings([site("3x8", "day", {"template": "office", "headcount": 8})])
    assert [(f.code, f.count, f.examples) for f in found] == [
        ("no_headcount", 2, ("Usine, 3x8", "Usine, day"))
    ]


@pytest.mark.parametrize("given", [False, True])
def test_a_roster_whose_headcount_is_the_default_is_no_warning(tmp_path, given):
    path = write_territory(tmp_path)
    with path.open("a", encoding="utf-8") as file:
        file.write("[shuttles]\ndefault_headcount = 12\n" if given else "")
    told = {finding.code for finding in load(path).findings}
    assert ("no_headcount" in told) is not given


@pytest.mark.parametrize(("start", "end"), [("05:30", "05:30"), ("00:00", "24:00")])
def test_a_shift_of_a_day_is_none(start, end):
    with pytest.raises(TerritoryError, match=r"rosters\.1\.shifts\.1\.end.*last 24 h") as caught:
        site(roster((start, end, "all")))
    assert f"{start}–" in str(caught.value)


def test_a_roster_name_stands_once_at_a_site(tmp_path):
    with pytest.raises(TerritoryError, match=r"rosters\.2\.name, value '3x8'") as caught:
        site({"template": "3x8", "headcount": 420}, {"template": "3x8", "headcount": 20})
    assert "Deux roulements d’un même site" in caught.value.render("fr")
    two = site("3x8", {"template": "3x8", "name": "3x8 été", "headcount": 20})
    assert isinstance(two, Site)
    (tmp_path / "s.csv").write_text("nom;lon;lat;début;fin\nU;0,5;47;05:00;05:00\n", "utf-8")
    with pytest.raises(ValueError, match=r"row 2, field fin, value '05:00'.*24 h"):
        read_sites_file(tmp_path / "s.csv")


def test_check_tells_them(tmp_path):
    toml = write_territory(tmp_path, rosters='["3x8"]')
    result = CliRunner().invoke(app, ["check", str(toml), "--lang", "fr"])
    assert result.exit_code == 0
    assert "default_headcount" in result.stderr
