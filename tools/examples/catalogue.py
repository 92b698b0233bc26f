"""The example territories: sources, sites, rosters and dates.

Sites stand on real industrial land; the rosters, headcounts and the spread of workers are
illustrative and say nothing about any employer.
"""

from __future__ import annotations

from dataclasses import dataclass

Gate = tuple[float, float]


@dataclass(frozen=True)
class ExampleSite:
    """A site, its gates in degrees (moved to the nearest street) and its rosters in TOML."""

    name: str
    gates: tuple[Gate, ...]
    rosters: tuple[str, ...]


@dataclass(frozen=True)
class Example:
    """One territory."""

    folder: str
    title: str
    timezone: str
    streets: str
    gtfs: tuple[str, ...]
    spread: str
    cell_m: int
    workers: int
    days: str
    sites: tuple[ExampleSite, ...]
    at_least: int = 1
    language: str = "fr"
    homes: str = "homes.csv"


def three(headcount: int, name: str = "") -> str:
    """Return a 3x8 roster."""
    label = f'name = "{name}", ' if name else ""
    return f'{{ {label}template = "3x8", headcount = {headcount} }}'


def five(headcount: int) -> str:
    """Return a continuous 5x8 roster at 6, 14 and 22 h."""
    share = headcount // 3
    hours = (
        ("matin", "06:00", "14:00"),
        ("après-midi", "14:00", "22:00"),
        ("nuit", "22:00", "06:00"),
    )
    shifts = ", ".join(
        f'{{ name = "{n}", start = "{a}", end = "{b}", days = "all", headcount = {share} }}'
        for n, a, b in hours
    )
    return f'{{ name = "5x8", shifts = [{shifts}] }}'


def template(name: str, headcount: int) -> str:
    """Return a roster template with its headcount."""
    return f'{{ template = "{name}", headcount = {headcount} }}'


_GERMANY = """\
country = "DE"
kinds = ["school_weekday", "holiday_weekday", "saturday", "sunday"]
[days.dates]
school_weekday = 2016-11-15
holiday_weekday = 2016-11-03      # vacances d'automne du Bade-Wurtemberg
saturday = 2016-11-19
sunday = 2016-11-20
"""
_ITALY = """\
country = "IT"
kinds = ["school_weekday", "saturday", "sunday"]
[days.dates]
school_weekday = 2014-10-21
saturday = 2014-10-25
sunday = 2014-10-26               # le seul dimanche entouré d'horaires : passage à l'heure d'hiver
"""
_NANTES = """\
country = "FR"
school_holidays = [[2014-04-26, 2014-05-11], [2014-07-05, 2014-08-31]]
[days.dates]
school_weekday = 2014-06-17
holiday_weekday = 2014-05-06
saturday = 2014-06-21
sunday = 2014-06-22
"""
_MONTPELLIER_2024 = """\
country = "FR"
school_zone = "C"
[days.dates]
school_weekday = 2024-01-16
holiday_weekday = 2024-02-20
saturday = 2024-01-20
sunday = 2024-01-21
"""
_MONTPELLIER_2025 = """\
country = "FR"
school_zone = "C"                 # les dates sont choisies dans les calendriers du GTFS
"""
_MALTA = """\
country = "MT"
kinds = ["school_weekday"]
[days.dates]
school_weekday = 2016-11-15
"""
_GENEVA = """\
country = "CH"
kinds = ["school_weekday"]
[days.dates]
school_weekday = 2025-01-14
"""

_MONTPELLIER_SITES = (
    ExampleSite("Garosud", ((3.8555, 43.5835),), (three(180), template("day", 90))),
    ExampleSite("Marché-Gare", ((3.8590, 43.5905),), (
        ('{ name = "marché", shifts = [{ name = "nuit", start = "03:00", end = "11:00",'
        ' headcount = 120 }] }'),)),
    ExampleSite("Parc du Millénaire", ((3.9085, 43.6035),), (
        template("2x8", 120), template("office", 260))),
    ExampleSite("Hôpital Lapeyronie", ((3.8525, 43.6316),), (five(420), template("day", 200))),
)  # fmt: skip

EXAMPLES = (
    Example(
        "rhein-neckar", "Rhein-Neckar (Mannheim, Ludwigshafen, Heidelberg)", "Europe/Berlin",
        "rhein-neckar/streets.osm.pbf", ("rhein-neckar/gtfs.zip",),
        "residential streets", 500, 420_000, _GERMANY,
        (
            ExampleSite("Usine chimique de Ludwigshafen", ((8.431, 49.497), (8.420, 49.516)),
                        (five(2400), template("day", 1600))),
            ExampleSite("Usine de véhicules de Waldhof", ((8.479, 49.516),),
                        (three(1500), template("2x8", 500))),
            ExampleSite("Usine de tracteurs de Mannheim", ((8.456, 49.479),), (three(720),)),
            ExampleSite("Usine pharmaceutique de Waldhof", ((8.487, 49.523),),
                        (five(600), template("office", 500))),
        ),
        at_least=20,
    ),
    Example(
        "milan", "Milan et sa première couronne", "Europe/Rome",
        "milan/streets.osm.pbf", ("milan/gtfs.zip",),
        "places with population along residential streets", 400, 760_000, _ITALY,
        (
            ExampleSite("Zone industrielle de Famagosta", ((9.152173, 45.4458198),),
                        (three(300), template("night", 120))),
            ExampleSite("Zone industrielle de Porto di Mare", ((9.2374921, 45.4395588),), (
                ('{ name = "conducteurs", shifts = ['
                 '{ name = "matin", start = "04:30", end = "12:30", days = "all", '
                 'headcount = 90 }, '
                 '{ name = "après-midi", start = "12:30", end = "20:30", days = "all", '
                 'headcount = 90 }, '
                 '{ name = "soir", start = "18:00", end = "02:00", days = "all", '
                 'headcount = 60 }] }'),)),
            ExampleSite("Centre de contrôle de Molino Dorino", ((9.0945063, 45.5038594),),
                        (template("2x8", 80), template("office", 120))),
            ExampleSite("Centre de collecte de Crescenzago", ((9.2671119, 45.5097827),),
                        (three(240),)),
            ExampleSite("Zone industrielle de Bussero", ((9.3630033, 45.530152),),
                        (template("2x8", 160), template("day", 140))),
        ),
        at_least=15,
    ),
    Example(
        "montpellier-2024", "Montpellier, hiver 2023-2024", "Europe/Paris",
        "montpellier/streets.shp", ("montpellier/gtfs-2024.zip",),
        "population of sub-districts along streets", 250, 96_000, _MONTPELLIER_2024,
        _MONTPELLIER_SITES, at_least=5, homes="../montpellier/homes.csv",
    ),
    Example(
        "montpellier-2025", "Montpellier, automne 2025", "Europe/Paris",
        "montpellier/streets.shp", ("montpellier/gtfs-2025.zip",),
        "population of sub-districts along streets", 250, 96_000, _MONTPELLIER_2025,
        _MONTPELLIER_SITES, at_least=5, homes="../montpellier/homes.csv",
    ),
    Example(
        "nantes", "Nantes, centre (horaires incomplets)", "Europe/Paris",
        "nantes/streets.osm.pbf", ("nantes/gtfs.zip",),
        "buildings", 100, 9_000, _NANTES,
        (
            ExampleSite("Hôpital de Nantes", ((-1.5535, 47.2100),), (five(300),)),
            ExampleSite("Gare de Nantes", ((-1.5420, 47.2175),), (three(120), template("day", 80))),
        ),
    ),
    Example(
        "malta", "Malte (sans horaires)", "Europe/Malta",
        "malta/streets.osm.pbf", (),
        "residential land", 300, 185_000, _MALTA,
        (
            ExampleSite("Bulebel", (), (three(600), template("day", 300))),
            ExampleSite("Marsa Industrial Estate", (), (template("2x8", 300),)),
            ExampleSite("Mriehel industrial Estate", (), (template("day", 400),)),
            ExampleSite("Qasam Industrijali San Gwann", (), (three(240),)),
            ExampleSite("Malta Freeport Terminal", (), (five(600),)),
        ),
        at_least=3,
    ),
    Example(
        "geneva", "Genève, centre (sans horaires)", "Europe/Zurich",
        "geneva/streets.osm.pbf", (),
        "buildings", 150, 90_000, _GENEVA,
        (
            ExampleSite("Dépôt de la Jonction", ((6.1290, 46.2010),), (template("5x8", 150),)),
            ExampleSite("Zone industrielle des Charmilles", ((6.1150, 46.2090),),
                        (template("2x8", 90), template("office", 200))),
        ),
    ),
)  # fmt: skip
