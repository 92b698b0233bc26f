"""What is drawn by hand: places, main roads, water, sites. Every name is invented.

Coordinates are metres around the town hall of Valbrune, x east, y north.
"""

from __future__ import annotations

from dataclasses import dataclass

from demo.geometry import XY


@dataclass(frozen=True)
class Place:
    """A settlement: OSM ``place`` value, commune it belongs to, inhabitants."""

    name: str
    x: float
    y: float
    radius: float
    kind: str
    population: int
    commune: str = ""


TOWN = "Valbrune"
PLACES = (
    Place(TOWN, 0, 0, 1480, "town", 15_400),
    Place("Les Hauts d'Aubrelle", 380, 2950, 720, "suburb", 2_900, TOWN),
    Place("Les Genêts", 2150, 2350, 640, "suburb", 2_300, TOWN),
    Place("La Tuilière", 2750, -680, 680, "suburb", 2_500, TOWN),
    Place("Bellefontaine", -2350, -1950, 640, "suburb", 2_400, TOWN),
    Place("Mortebrune", -9500, 620, 560, "village", 2_150),
    Place("Vernouzay", 11800, 820, 600, "village", 2_420),
    Place("Pontaubrelle", 560, -8180, 500, "village", 1_640),
    Place("Saint-Ourbain", 5200, 6100, 470, "village", 1_450),
    Place("La Fresnouère", -6900, 6400, 440, "village", 1_260),
    Place("Chanvrelle", -1200, 8800, 400, "village", 980),
    Place("Bréchaumes", 8600, -7800, 390, "village", 890),
    Place("Saint-Gaubry", -6400, -6800, 370, "village", 760),
    Place("Coudrelles", -14500, 1760, 350, "village", 690),
    Place("Lurvigné", 11400, 7300, 350, "village", 640),
    Place("Crisselane", -2450, -12450, 330, "village", 540),
)
HAMLET_NAMES = (
    "Le Bois-Hardouin", "La Gaudrouère", "Les Landrelles", "Puyfrelon", "La Renaudasse",
    "Le Moulin-Gris", "Les Épinettes-Hautes", "La Croix-Bertaud", "Fontenaube", "Le Plessis-Orbe",
    "La Chalouère", "Bourg-Ravet",
)  # fmt: skip

# Quarters of the town, for the names of its cells and stops.
QUARTERS: tuple[tuple[str, float, float], ...] = (
    ("Hôtel de Ville", 0, 0),
    ("Gare", -150, 1000),
    ("Hôpital", -1350, 720),
    ("Saint-Éloi", -1150, -60),
    ("Les Tanneries", -150, -820),
    ("Clos-Fleuri", 1000, -420),
    ("Lycée", 800, 640),
    ("Faubourg du Levant", 1300, 100),
)


@dataclass(frozen=True)
class Road:
    """A main road: OSM class, name, reference, control points, lateral sway in metres."""

    highway: str
    name: str
    ref: str
    points: tuple[XY, ...]
    sway: float = 22.0
    over: bool = False  # passes over what it crosses, without a junction


MAIN_ROADS = (
    Road("tertiary", "Boulevard des Remparts", "", (
        (470, 40), (380, 370), (40, 500), (-330, 400), (-500, 60), (-400, -260), (-60, -300),
        (320, -280), (470, 40)), 0),
    Road("primary", "Rue Grande", "D 948", (
        (0, 0), (470, 40), (1000, -200), (2000, -420), (3200, -760), (4350, -900), (5600, -880),
        (7400, -420), (9400, 350), (11800, 800), (13600, 1200), (15700, 1050)), 14),
    Road("primary", "Avenue de l'Ouest", "D 948", (
        (0, 0), (-500, 60), (-1100, 40), (-2100, 60), (-4300, 500), (-6900, 250), (-9500, 600),
        (-12000, 1250), (-14600, 1700), (-15900, 1600)), 18),
    Road("secondary", "Rue de la Haute-Porte", "D 27", (
        (0, 0), (40, 500), (140, 1000), (260, 1600), (330, 2900), (-200, 5200), (-1200, 8800),
        (-1750, 11000), (-1400, 13100)), 24),
    Road("secondary", "Rue du Pont-Neuf", "D 27", (
        (0, 0), (-60, -300), (-180, -900), (80, -2200), (-100, -3500), (300, -5600),
        (600, -8200), (-600, -10300), (-2450, -12450), (-3300, -13600)), 24),
    Road("secondary", "Rue des Frères-Lambrouin", "D 61", (
        (380, 370), (800, 720), (1500, 1380), (2150, 2320), (3500, 4100), (5200, 6100),
        (8200, 6450), (11400, 7300), (14300, 8900)), 22),
    Road("tertiary", "Rue de l'Hôpital", "D 112", (
        (-330, 400), (-900, 800), (-1900, 1480), (-3800, 3300), (-6900, 6400), (-9900, 8900),
        (-11300, 10000)), 26),
    Road("tertiary", "Rue de Bellefontaine", "D 83", (
        (-400, -260), (-1000, -800), (-2300, -1900), (-3550, -3350), (-6400, -6800),
        (-9000, -9500), (-10400, -11000)), 26),
    Road("tertiary", "Rue des Coteaux", "D 54", (
        (320, -280), (760, -800), (1500, -1750), (2350, -2800), (4500, -4800), (8600, -7800),
        (11500, -10000)), 26),
    Road("trunk", "Rocade de Valbrune", "N 348", (
        (-15900, -5400), (-11500, -4350), (-7500, -3600), (-4200, -3250), (-1200, -3520),
        (1600, -3150), (3600, -2050), (4380, -700), (4700, 1500), (4950, 3600), (6750, 6350),
        (9000, 9800), (10200, 11600)), 0),
    Road("tertiary", "Rue de la Gare", "", (
        (-330, 400), (-240, 760), (-190, 990), (140, 1000)), 0),
    Road("tertiary", "Boulevard de Ceinture", "", (
        (-900, 800), (-1150, 480), (-1180, 40), (-1150, -480), (-1000, -800), (-640, -960),
        (-180, -900), (320, -960), (760, -800), (1040, -560), (1080, -210), (1060, 240),
        (800, 720), (480, 900), (140, 1000)), 0),
    Road("tertiary", "Avenue du Midi", "D 98", (
        (5600, -880), (5650, -1500), (5720, -2400), (6800, -4700), (8600, -7800)), 8),
    Road("unclassified", "Rue des Fondeurs", "", (
        (5640, -1260), (6150, -1330), (6720, -1260), (7020, -1560), (6860, -1960), (6260, -2060),
        (5690, -1960)), 0),
    Road("unclassified", "Rue des Minotiers", "", (
        (5650, -1560), (5380, -1590), (5180, -1480), (5090, -1180), (5130, -900)), 0),
    Road("tertiary", "", "D 33", ((11800, 800), (11950, 3700), (11400, 7300)), 28),
    Road("tertiary", "", "D 33", ((11800, 800), (12300, -2600), (11000, -5600), (8600, -7800)), 28),
    Road("tertiary", "", "D 15", ((-1200, 8800), (-4000, 8000), (-6900, 6400)), 28),
    Road("tertiary", "", "D 15", ((-1200, 8800), (2200, 7800), (5200, 6100)), 28),
    Road("tertiary", "", "D 41", ((-9500, 600), (-8900, 3500), (-6900, 6400)), 28),
    Road("tertiary", "", "D 41", ((-9500, 600), (-9000, -2200), (-7900, -4400), (-6400, -6800)),
         24, True),
    Road("tertiary", "", "D 77", ((-6400, -6800), (-4900, -9800), (-2450, -12450)), 28),
    Road("tertiary", "", "D 77", ((-6400, -6800), (-2900, -7200), (600, -8200)), 28),
    Road("tertiary", "", "D 77", ((600, -8200), (4300, -8900), (8600, -7800)), 28),
    Road("tertiary", "", "D 15", ((-12000, 1250), (-11750, -1600), (-11500, -4350)), 22),
    Road("tertiary", "", "D 15", ((-14500, 1720), (-13200, 4600), (-9900, 8900)), 28),
)  # fmt: skip

# The green way follows the river; the two others are stubs that end before the gates.
CYCLEWAYS = (
    Road("cycleway", "Voie verte de l'Aubrelle", "", (
        (780, -830), (1060, -1330), (1420, -2250), (1130, -3400), (1020, -4350), (1600, -6250),
        (900, -7500), (600, -7950))),
    Road("cycleway", "Piste de la Tuilière", "", ((3420, -800), (3800, -850), (4120, -865))),
    Road("cycleway", "Piste des Quatre-Vents", "", ((5660, -1010), (5690, -1400), (5700, -1780))),
)  # fmt: skip

ROUNDABOUTS: tuple[XY, ...] = (
    (5600, -880), (-11500, -4350), (-3550, -3300), (-100, -3450), (2450, -2850), (4380, -900),
    (6700, 6330), (-1180, 40), (1080, -210)
)  # fmt: skip

RAIL: tuple[XY, ...] = (
    (-15900, 2500), (-14500, 2120), (-9600, 1180), (-5000, 1450), (-2200, 1520), (-250, 1130),
    (1600, 1500), (4600, 1950), (8000, 1620), (11700, 1380), (15800, 2200),
)  # fmt: skip
STATIONS = (
    ("Coudrelles", -14500.0),
    ("Mortebrune", -9560.0),
    (TOWN, -200.0),
    ("Vernouzay", 11750.0),
)

RIVER_NAME = "L'Aubrelle"
RIVER: tuple[XY, ...] = (
    (-15900, 6200), (-11500, 4700), (-7900, 3200), (-5200, 2000), (-2900, 700), (-1500, -420),
    (-300, -560), (700, -1150), (1250, -2300), (850, -4200), (1450, -6300), (420, -8450),
    (1400, -10700), (800, -13700),
)  # fmt: skip
LAKE = ("Étang de Crisselane", -3750.0, -11500.0, 520.0)
FORESTS = (
    ("Forêt de Chanvrelle", -4300.0, 11000.0, 1500.0),
    ("Bois de Lurvigné", 8500.0, 3600.0, 1150.0),
    ("Forêt de Saint-Gaubry", -11300.0, -8000.0, 1700.0),
    ("Bois de la Brède-Noire", 4400.0, -6600.0, 800.0),
    ("Bois de Bréchaumes", 13000.0, -7400.0, 1250.0),
    ("Bois des Landes", -12700.0, -1500.0, 750.0),
    ("Bois du Loup-Gris", 2300.0, 10600.0, 900.0),
)

ZONE_NAME = "Parc industriel des Quatre-Vents"
ZONE_RING: tuple[XY, ...] = (
    (5000, -960), (5560, -960), (5720, -1120), (6900, -1060), (7250, -1400), (7220, -2050),
    (6750, -2560), (5780, -2620), (5560, -1800), (5080, -1750), (4960, -1350),
)  # fmt: skip


@dataclass(frozen=True)
class Plant:
    """A site: gate on the street, way inside, fenced land, and its rosters in TOML."""

    name: str
    employer: str
    way_in: tuple[XY, ...]
    land: tuple[XY, ...]
    landuse: str
    rosters: tuple[str, ...]


PLANTS = (
    Plant(
        "Fonderie des Quatre-Vents", "Fonderies Orbrenac",
        ((6560, -1285), (6560, -1340), (6540, -1500), (6450, -1600)),
        ((6080, -1420), (6780, -1360), (6900, -1580), (6800, -1850), (6150, -1920)),
        "industrial",
        ('{ template = "3x8", headcount = 420 }',),
    ),
    Plant(
        "Biscuiterie des Quatre-Vents", "Biscuiterie Tillouène",
        ((5400, -1588), (5405, -1540), (5420, -1380)),
        ((5210, -1500), (5250, -1160), (5540, -1180), (5580, -1490)),
        "industrial",
        (('{ name = "2x8", shifts = ['
         '{ name = "matin", start = "05:30", end = "13:30", headcount = 90 }, '
         '{ name = "après-midi", start = "13:30", end = "21:30", headcount = 90 }] }'),),
    ),
    Plant(
        "Atelier des Quatre-Vents", "Mécanique Norvéane",
        ((6200, -2060), (6205, -2110), (6230, -2260)),
        ((5830, -2140), (6500, -2130), (6680, -2350), (6600, -2480), (5900, -2500)),
        "industrial",
        ('{ template = "day", headcount = 150 }',),
    ),
    Plant(
        "Hôpital du Val d'Aubrelle", "Centre hospitalier du Val d'Aubrelle",
        ((-1165, 480), (-1240, 500), (-1400, 560)),
        ((-1640, 420), (-1230, 400), (-1230, 640), (-1420, 780), (-1660, 690)),
        "hospital",
        (('{ name = "5x8", shifts = ['
         '{ name = "matin", start = "06:45", end = "14:15", days = "all", headcount = 110 }, '
         '{ name = "après-midi", start = "13:45", end = "21:15", days = "all", headcount = 90 }, '
         '{ name = "nuit", start = "21:00", end = "07:00", days = "all", headcount = 50 }] }'),
         '{ template = "office", headcount = 60 }'),
    ),
)  # fmt: skip

PARK_AND_RIDE: tuple[str, XY] = ("P+R La Tuilière", (3560, -880))
CAR_POOLS: tuple[tuple[str, XY], ...] = (
    ("Aire de covoiturage de la Rocade", (-3480, -3120)),
    ("Aire de covoiturage des Quatre-Vents", (5480, -790)),
    ("Aire de covoiturage de Mortebrune", (-9050, 430)),
    ("Aire de covoiturage de Pontaubrelle", (660, -7560)),
)
