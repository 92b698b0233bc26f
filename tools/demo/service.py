"""What is drawn by hand of the public transport: stops, lines, hours, calendars."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from demo.geometry import XY

FIRST, LAST = dt.date(2026, 9, 1), dt.date(2027, 7, 3)

# French public holidays and school holidays (zone B) of the school year 2026-2027.
PUBLIC_HOLIDAYS = tuple(
    dt.date.fromisoformat(d)
    for d in (
        "2026-11-01", "2026-11-11", "2026-12-25", "2027-01-01", "2027-03-29", "2027-05-01",
        "2027-05-06", "2027-05-08", "2027-05-17",
    )
)  # fmt: skip
SCHOOL_HOLIDAYS = tuple(
    (dt.date.fromisoformat(a), dt.date.fromisoformat(b))
    for a, b in (
        ("2026-10-17", "2026-11-01"), ("2026-12-19", "2027-01-03"), ("2027-02-20", "2027-03-07"),
        ("2027-04-17", "2027-05-02"), ("2027-05-07", "2027-05-08"),
    )
)  # fmt: skip

# Services: SCO school weekdays, VAC school-holiday weekdays, SAM Saturdays, DIM Sundays and
# public holidays, NUIT the evenings before Monday to Friday.
WEEK = ("SCO", "VAC")

STOPS: dict[str, XY] = {
    "Hôtel de Ville": (70, 5),
    "Gare": (-215, 900),
    "Haute-Porte": (75, 700),
    "Hôpital": (-1165, 440),
    "Saint-Éloi": (-760, 60),
    "Porte de l'Ouest": (-1500, 60),
    "Clos-Fleuri": (780, -110),
    "Faubourg du Levant": (1480, -320),
    "Tuilière Ouest": (2380, -520),
    "La Tuilière": (2850, -660),
    "P+R La Tuilière": (3480, -820),
    "Quatre-Vents Giratoire": (5380, -895),
    "Quatre-Vents Avenue": (5640, -1420),
    "Quatre-Vents Fonderie": (6480, -1280),
    "Quatre-Vents Sud": (6320, -2060),
    "Pont de la Voie": (235, 1500),
    "Hauts d'Aubrelle Sud": (310, 2450),
    "Hauts d'Aubrelle": (335, 2980),
    "Hauts d'Aubrelle Nord": (290, 3480),
    "Tanneries": (-170, -780),
    "Faubourg du Pont": (-120, -1300),
    "Remparts": (-420, -240),
    "Ceinture": (-980, -790),
    "Les Prairies": (-1650, -1330),
    "Bellefontaine": (-2250, -1860),
    "Bellefontaine Sud": (-2650, -2330),
    "Lycée": (830, 760),
    "Genêts Sud": (1850, 1920),
    "Les Genêts": (2180, 2380),
    "Genêts Nord": (2480, 2760),
    "Coudrelles Mairie": (-14480, 1700),
    "Mortebrune Place": (-9520, 600),
    "Mortebrune Levant": (-9080, 520),
    "La Fresnouère Église": (-6880, 6390),
    "Chanvrelle Mairie": (-1190, 8770),
    "Saint-Ourbain Place": (5180, 6070),
    "Lurvigné Église": (11380, 7280),
    "Vernouzay Mairie": (11790, 800),
    "Vernouzay Couchant": (11250, 690),
    "Pontaubrelle Pont": (560, -8090),
    "Pontaubrelle Nord": (520, -7720),
    "Crisselane Église": (-2430, -12420),
}
HUBS = ("Hôtel de Ville", "Gare")


@dataclass(frozen=True)
class Runs:
    """Departures of one line, one way, on some services.

    ``hours`` are the times at stop ``at`` (arrival at a last stop, departure elsewhere);
    ``start`` and ``end`` cut the line short.
    """

    services: tuple[str, ...]
    direction: int
    at: str
    hours: str
    start: str = ""
    end: str = ""


@dataclass(frozen=True)
class Line:
    """A bus line: its stops in direction 0 and its runs."""

    number: str
    name: str
    color: str
    stops: tuple[str, ...]
    runs: tuple[Runs, ...]


def every(first: str, last: str, minutes: int) -> str:
    """Return the hours from ``first`` to ``last`` every ``minutes``."""
    a, b = (int(t[:2]) * 60 + int(t[3:]) for t in (first, last))
    return " ".join(f"{m // 60:02d}:{m % 60:02d}" for m in range(a, b + 1, minutes))


_EAST = ("Clos-Fleuri", "Faubourg du Levant", "Tuilière Ouest", "La Tuilière", "P+R La Tuilière")
_ZONE = ("Quatre-Vents Giratoire", "Quatre-Vents Avenue", "Quatre-Vents Fonderie",
         "Quatre-Vents Sud")  # fmt: skip
_HAUTS = ("Hauts d'Aubrelle Nord", "Hauts d'Aubrelle", "Hauts d'Aubrelle Sud", "Pont de la Voie")

LINES = (
    Line("1", "Hôpital – Hôtel de Ville – La Tuilière", "C8102E",
        ("Hôpital", "Porte de l'Ouest", "Saint-Éloi", "Hôtel de Ville", *_EAST),
        (
            Runs(("SCO",), 0, "Hôpital", every("06:32", "19:52", 20)),
            Runs(("SCO",), 1, "P+R La Tuilière", every("06:28", "19:48", 20)),
            Runs(("VAC",), 0, "Hôpital", every("06:32", "19:32", 30)),
            Runs(("VAC",), 1, "P+R La Tuilière", every("06:28", "19:28", 30)),
            Runs(("SAM",), 0, "Hôpital", every("07:32", "19:12", 40)),
            Runs(("SAM",), 1, "P+R La Tuilière", every("07:28", "19:08", 40)),
            Runs(("DIM",), 0, "Hôpital", every("09:02", "19:02", 60)),
            Runs(("DIM",), 1, "P+R La Tuilière", every("08:58", "18:58", 60)),
        )),
    Line("2", "Bellefontaine – Gare – Les Genêts", "0067B1",
        ("Bellefontaine Sud", "Bellefontaine", "Les Prairies", "Ceinture", "Remparts",
         "Hôtel de Ville", "Haute-Porte", "Gare", "Lycée", "Genêts Sud", "Les Genêts",
         "Genêts Nord"),
        (
            Runs(WEEK, 0, "Bellefontaine Sud", every("06:35", "19:35", 30)),
            Runs(WEEK, 1, "Genêts Nord", every("06:30", "19:30", 30)),
            Runs(("SAM",), 0, "Bellefontaine Sud", every("08:05", "18:05", 60)),
            Runs(("SAM",), 1, "Genêts Nord", every("08:30", "18:30", 60)),
        )),
    Line("3", "Les Hauts d'Aubrelle – Gare – Faubourg du Pont", "2E8540",
        (*_HAUTS, "Gare", "Haute-Porte", "Hôtel de Ville", "Tanneries", "Faubourg du Pont"),
        (
            Runs(WEEK, 0, "Hauts d'Aubrelle Nord", every("06:30", "19:30", 30)),
            Runs(WEEK, 1, "Faubourg du Pont", every("06:45", "19:45", 30)),
            Runs(("SAM",), 0, "Hauts d'Aubrelle Nord", every("08:00", "18:00", 60)),
            Runs(("SAM",), 1, "Faubourg du Pont", every("08:30", "18:30", 60)),
        )),
    Line("4", "Les Hauts d'Aubrelle – Gare – Quatre-Vents", "6F2C91",
        (*_HAUTS, "Gare", "Haute-Porte", "Hôtel de Ville", *_EAST, *_ZONE),
        (
            Runs(WEEK, 0, "Quatre-Vents Sud", "04:44"),
            Runs(WEEK, 0, "Quatre-Vents Sud", "07:14 07:45 08:42 12:38 13:06", "Gare"),
            Runs(("SCO",), 0, "Quatre-Vents Sud", "08:12 17:02", "Gare"),
            Runs(WEEK, 0, "Quatre-Vents Sud", "20:38", "Gare"),
            Runs(WEEK, 1, "Quatre-Vents Sud", "05:16", "", "Tuilière Ouest"),
            Runs(WEEK, 1, "Quatre-Vents Sud", "07:46 12:42 13:30 16:18 17:16 18:10", "", "Gare"),
            Runs(WEEK, 1, "Quatre-Vents Sud", "21:16"),
        )),
    Line("11", "Coudrelles – Mortebrune – Valbrune", "E07B00",
        ("Coudrelles Mairie", "Mortebrune Place", "Mortebrune Levant", "Porte de l'Ouest",
         "Saint-Éloi", "Hôtel de Ville", "Haute-Porte", "Gare"),
        (
            Runs(WEEK, 0, "Coudrelles Mairie", "06:34 07:34 09:04 12:20 13:34 16:34 17:34"),
            Runs(("SCO",), 0, "Mortebrune Place", "07:14", "Mortebrune Place"),
            Runs(WEEK, 1, "Gare", "07:20 11:40 12:35 16:20 17:10 18:05 19:05"),
            Runs(("SCO",), 1, "Gare", "17:35", "", "Mortebrune Place"),
            Runs(("SAM",), 0, "Coudrelles Mairie", "08:34 13:34 16:34"),
            Runs(("SAM",), 1, "Gare", "12:15 15:40 18:30"),
        )),
    Line("12", "La Fresnouère – Chanvrelle – Valbrune", "8C5A2B",
        ("La Fresnouère Église", "Chanvrelle Mairie", *_HAUTS, "Gare", "Haute-Porte",
         "Hôtel de Ville"),
        (
            Runs(("SCO",), 0, "La Fresnouère Église", "06:40 07:05 13:05"),
            Runs(("SCO",), 1, "Hôtel de Ville", "12:20 16:50 17:45"),
            Runs(WEEK, 0, "La Fresnouère Église", "09:10"),
            Runs(WEEK, 1, "Hôtel de Ville", "18:20"),
        )),
    Line("13", "Vernouzay – Quatre-Vents – Valbrune", "00857C",
        ("Vernouzay Mairie", "Vernouzay Couchant", "Quatre-Vents Giratoire", "P+R La Tuilière",
         "La Tuilière", "Faubourg du Levant", "Clos-Fleuri", "Hôtel de Ville", "Haute-Porte",
         "Gare"),
        (
            Runs(WEEK, 0, "Vernouzay Mairie",
                 "06:35 07:20 07:35 08:35 10:35 12:20 13:35 15:35 17:05 18:35"),
            Runs(WEEK, 1, "Gare",
                 "06:50 07:10 09:00 11:35 12:25 13:10 15:50 16:40 17:25 18:10 19:10"),
            Runs(("SAM",), 0, "Vernouzay Mairie", "08:35 13:35 16:35"),
            Runs(("SAM",), 1, "Gare", "12:10 15:10 18:10"),
        )),
    Line("14", "Crisselane – Pontaubrelle – Valbrune", "B5007C",
        ("Crisselane Église", "Pontaubrelle Pont", "Pontaubrelle Nord", "Faubourg du Pont",
         "Tanneries", "Hôtel de Ville", "Haute-Porte", "Gare"),
        (
            Runs(("SCO",), 0, "Crisselane Église", "06:45 13:15"),
            Runs(("SCO",), 1, "Gare", "12:30 17:20"),
            Runs(WEEK, 0, "Pontaubrelle Pont", "07:25 09:25 12:05 17:25", "Pontaubrelle Pont"),
            Runs(WEEK, 1, "Gare", "08:40 13:35 16:35 18:15", "", "Pontaubrelle Pont"),
        )),
    Line("15", "Lurvigné – Saint-Ourbain – Lycée (scolaire)", "5B6770",
        ("Lurvigné Église", "Saint-Ourbain Place", "Genêts Nord", "Les Genêts", "Lycée", "Gare"),
        (
            Runs(("SCO",), 0, "Gare", "07:21"),
            Runs(("SCO",), 1, "Gare", "12:40 16:42 17:40"),
        )),
    Line("N", "Noctambus Pontaubrelle – Valbrune – Quatre-Vents", "1B1B3A",
        ("Pontaubrelle Pont", "Pontaubrelle Nord", "Faubourg du Pont", "Tanneries",
         "Hôtel de Ville", *_EAST, *_ZONE),
        (
            Runs(("NUIT",), 1, "Hôtel de Ville", "24:40", "Hôtel de Ville"),
            Runs(("NUIT",), 0, "Quatre-Vents Sud", "28:40"),
        )),
)  # fmt: skip

# The regional train: hours at the first station, both ways; Saturday and Sunday apart.
TRAINS: dict[str, tuple[str, str]] = {
    "LV": ("04:04 06:12 07:04 08:04 12:12 16:40 17:40 18:40 22:40",
           "05:48 06:40 07:40 12:06 13:06 16:10 17:10 18:10 19:10 23:50"),
    "SAM": ("08:04 12:12 17:40", "09:10 13:06 18:10"),
    "DIM": ("10:04 18:40", "11:10 20:10"),
}  # fmt: skip
