"""A territory overseas or in Alsace-Moselle has its own clock and days, said once."""

import datetime as dt

import pytest

from mobility.prepare.first_files import territory_text
from mobility.prepare.service import Commune
from mobility.sources.holidays import localised, read_holidays
from mobility.sources.sites import read_sites_file
from mobility.territory.fields import DaysConfig
from mobility.territory.overseas import clock_of
from mobility.territory.project import Territory


def at(lon, lat, commune="", **more):
    site = {"name": "U", "gates": [[lon, lat]], "rosters": ["day"], "commune": commune}
    data = {"name": "t", "sources": {"homes": {"file": "h.csv"}}, "sites": [site]} | more
    territory = Territory.from_dict(data)
    return localised(territory, tuple(territory.sites))


@pytest.mark.parametrize(
    ("lon", "lat", "zone", "country"),
    [
        (-61.53, 16.24, "America/Guadeloupe", "FR-971"),
        (-61.05, 14.61, "America/Martinique", "FR-972"),
        (-52.32, 4.93, "America/Cayenne", "FR-973"),
        (55.29, -20.94, "Indian/Reunion", "FR-974"),
        (45.22, -12.78, "Indian/Mayotte", "FR-976"),
        (-56.18, 46.78, "America/Miquelon", "FR-975"),
        (-62.85, 17.90, "America/St_Barthelemy", "FR-977"),
        (-63.08, 18.07, "America/Marigot", "FR-978"),
        (-176.18, -13.28, "Pacific/Wallis", "FR-986"),
        (-149.57, -17.53, "Pacific/Tahiti", "FR-987"),
        (166.45, -22.27, "Pacific/Noumea", "FR-988"),
        (8.74, 41.93, "Europe/Paris", "FR-20R"),
    ],
)
def test_the_gates_tell_the_department(lon, lat, zone, country, tmp_path):
    territory, told = at(lon, lat)
    assert (territory.timezone, territory.days.country) == (zone, country)
    assert zone in told[0].render("fr")
    # Nor are its coordinates those of Europe exchanged.
    (tmp_path / "s.csv").write_text(f"nom,lon,lat,roster\nU,{lon},{lat},day\n", encoding="utf-8")
    assert read_sites_file(tmp_path / "s.csv")[0].gates == [(lon, lat)]


def test_what_the_file_states_stays():
    territory, told = at(55.29, -20.94, timezone="Europe/Paris", days={"country": "FR"})
    assert (territory.timezone, territory.days.country) == ("Europe/Paris", "FR")
    assert told == []
    territory, told = at(55.29, -20.94, days={"country": "FR-974"})
    assert territory.timezone == "Indian/Reunion"
    assert len(told) == 1


@pytest.mark.parametrize(
    ("part", "zone"),
    [("974", "Indian/Reunion"), ("RE", "Indian/Reunion"), ("MF", "America/Marigot"),
     ("988", "Pacific/Noumea"), ("2A", "Europe/Paris"), ("67", "Europe/Paris")],
)  # fmt: skip
def test_a_part_stated_by_any_of_its_codes_has_its_clock(part, zone):
    """Its public holidays are its own, its schools are said not to be known."""
    territory, _ = at(2.3, 48.9, days={"country": f"FR-{part}"})
    assert territory.timezone == zone
    year = (dt.date(2026, 1, 1), dt.date(2026, 12, 31))
    told = []
    found = read_holidays(territory.days, *year, findings=told)
    national = read_holidays(DaysConfig(school_zone="B"), *year)
    own = part in ("974", "RE", "MF", "988", "67")
    assert (found.public != national.public) == own
    unknown = part != "67"
    assert ([f.code for f in told] == ["school_calendar_unknown"]) == unknown


def test_alsace_by_the_code_of_the_commune_and_the_mainland_as_it_is():
    territory, _ = at(7.75, 48.58, commune="67482")
    assert (territory.timezone, territory.days.country) == ("Europe/Paris", "FR-67")
    assert at(-1.4, 46.7, commune="85191")[1] == []


def test_a_first_territory_file_has_the_clock_of_its_department():
    known = {d: clock_of(d) for d in ("44", "2A", "974", "971", "988")}
    assert known == {
        "44": "Europe/Paris", "2A": "Europe/Paris", "974": "Indian/Reunion",
        "971": "America/Guadeloupe", "988": "Pacific/Noumea",
    }  # fmt: skip
    at = Commune("Le Port", "97407", "974", 34_000, (55.3, -20.9))
    text = territory_text(at, language="fr", osm=None, gtfs=[], homes=None, sites=None)
    assert 'timezone = "Indian/Reunion"' in text
