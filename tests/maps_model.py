"""A made-up basin as a map model: small, seeded, with names that try to break a page."""

from __future__ import annotations

from functools import partial
from itertools import repeat

import numpy as np
import shapely

from mobility.outputs.map.kept_parts import Background, MapGround, MapJourneys, MapLeg, Place
from mobility.outputs.map.model import (
    NONE,
    LineStop,
    MapDay,
    MapHomes,
    MapLine,
    MapModel,
    MapPlan,
    MapRoster,
    MapRun,
    MapShift,
    MapSite,
    MapSource,
    Scenario,
    Stops,
)

LON, LAT = -1.30, 46.70
KM_LON, KM_LAT = 1 / 76.2, 1 / 111.2
HOSTILE = 'L\'Aciérie "du Val" & Fils </script><script>window.hacked=1</script>'
#: As a page shows it.
SHOWN = HOSTILE.replace("L'A", "L’A")
VILLAGES = (
    ("Valmont-sur-Orle", 0.0, 0.0, 1),
    ("Saint-Éloi", -6.5, 4.0, 2),
    ("La Ferté", 6.0, 6.5, 2),
    ("Brézolles", -7.5, -5.0, 2),
    ("Œuilly", 4.5, -7.0, 2),
    ("Les Hauts-d'Orle", 8.5, -1.5, 3),
)
MODES = ("transit", "walk", "bike", "car")
DAYS = (
    MapDay("school_weekday", "2026-03-17"),
    MapDay("holiday_weekday", "2026-02-17"),
    MapDay("saturday", "2026-03-21"),
    MapDay("sunday", "2026-03-22"),
)


def at(x_km: float, y_km: float) -> tuple[float, float]:
    return LON + x_km * KM_LON, LAT + y_km * KM_LAT


def path(*points: tuple[float, float]) -> np.ndarray:
    return np.array([at(x, y) for x, y in points])


def _homes(rng: np.random.Generator, step_km: float) -> tuple[MapHomes, np.ndarray]:
    axis = np.arange(-10, 10, step_km)
    x, y = (v.ravel() for v in np.meshgrid(axis, axis))
    centres = np.array([(v[1], v[2]) for v in VILLAGES])
    far = np.hypot(x[:, None] - centres[:, 0], y[:, None] - centres[:, 1])
    size = np.array([3.2, 1.3, 1.4, 1.1, 1.2, 0.8])
    people = (np.array([260, 70, 80, 50, 60, 25]) * np.exp(-((far / size) ** 2))).sum(axis=1)
    people = np.rint(people * rng.uniform(0.5, 1.3, len(x)) * (step_km / 0.5) ** 2)
    people += rng.integers(0, 4, len(x)) * (rng.random(len(x)) < 0.15)
    kept = people > 0
    x, y, people, village = x[kept], y[kept], people[kept], far.argmin(axis=1)[kept]
    lon, lat = LON + (x + step_km / 2) * KM_LON, LAT + (y + step_km / 2) * KM_LAT
    cells = tuple(
        shapely.box(*at(a, b), *at(a + step_km, b + step_km)) for a, b in zip(x, y, strict=True)
    )
    homes = MapHomes(
        lon,
        lat,
        tuple(f"Maille {i}" if i else '<b>Maille</b> "0" & l\'été' for i in range(len(x))),
        tuple(VILLAGES[v][0] for v in village),
        people,
        cells,
        groups={"Sans voiture <i>": np.floor(people * 0.18)},
    )
    return homes, np.column_stack([x, y])


def _transit(xy: np.ndarray, site: tuple[float, float], hour: float, day: int, rng) -> np.ndarray:
    """Minutes by bus along four corridors that run from 06:00 to 21:00, less at week-ends."""
    corridors = [(-6.5, 4.0), (6.0, 6.5), (-7.5, -5.0), (4.5, -7.0)]
    running = {0: (5.5, 21.5), 1: (6.5, 20.5), 2: (7.5, 20.0), 3: (9.0, 18.0)}[day]
    best = np.full(len(xy), np.inf)
    for k, end in enumerate(corridors):
        if not running[0] <= hour <= running[1] - (k % 2) * 1.2:
            continue
        line = shapely.linestrings([(0, 0), end])
        walk = shapely.distance(shapely.points(xy), line) * 13.3
        ride = np.hypot(*xy.T) * 2.2 + np.hypot(*site) * 2.6 + 9
        best = np.minimum(best, np.where(walk <= 17, walk + ride + rng.integers(0, 3), np.inf))
    return best


def _minutes(values: np.ndarray, limit: float = 60) -> np.ndarray:
    return np.where(values <= limit, np.ceil(values), NONE).astype(np.uint8)


def make_model(*, step_km: float = 0.5, seed: int = 7, hostile: bool = False) -> MapModel:
    """Return the basin; ``hostile`` puts quotes and tags into its names."""
    rng = np.random.default_rng(seed)
    homes, xy = _homes(rng, step_km)
    places = [(3.4, -2.6), (4.4, -3.2), (2.6, -3.6)]
    names = ["Fonderie de l'Orle", "Aciérie du Val", "Plasturgie Martin"]
    if hostile:
        names[1] = HOSTILE
    sites = tuple(
        MapSite(n, f"{n} SAS", (at(*p), at(p[0] + 0.35, p[1] - 0.2)))
        for n, p in zip(names, places, strict=True)
    )
    rosters = (MapRoster(0, "3x8", 180), MapRoster(1, "2x8", 90), MapRoster(2, "journée", 60))
    shifts = (
        MapShift(0, "matin", 5 * 3600, 13 * 3600, 60),
        MapShift(0, "après-midi", 13 * 3600, 21 * 3600, 60),
        MapShift(0, "nuit", 21 * 3600, 5 * 3600, 60),
        MapShift(1, "matin", 6 * 3600, 14 * 3600, 45),
        MapShift(1, "après-midi", 14 * 3600, 22 * 3600, 45),
        MapShift(2, "journée", 8 * 3600, 16 * 3600, 60),
    )
    keys = [
        (s, d, m)
        for s in range(6)
        for d in range(4 if shifts[s].roster == 0 else 2)
        for m in range(len(MODES))
    ]
    zones = sorted({k[:2] for k in keys})
    now = _scenario("Situation actuelle", homes, xy, places, shifts, keys, zones, None)
    plans = _plans(places[0])
    after = _scenario("Avec le plan 2", homes, xy, places, shifts, keys, zones, plans[1])
    key = np.array(keys)
    trips = np.rint(rng.uniform(2, 90, (60, 1)) * np.array([[1, 0.8, 0.5, 0.1]])).astype(np.int64)
    spots = rng.uniform(-8, 8, (60, 2))
    return MapModel(
        territory="Bassin de l'Orle",
        homes=homes,
        sites=sites,
        rosters=rosters,
        shifts=shifts,
        days=DAYS,
        modes=MODES,
        key_shift=key[:, 0],
        key_day=key[:, 1],
        key_mode=key[:, 2],
        zone_shift=np.array([z[0] for z in zones]),
        zone_day=np.array([z[1] for z in zones]),
        scenarios=(now, after),
        plans=plans,
        itineraries=_examples(keys, now, homes, hostile),
        stops=Stops(
            tuple(f"Arrêt {i}" for i in range(60)),
            LON + spots[:, 0] * KM_LON,
            LAT + spots[:, 1] * KM_LAT,
            trips,
        ),
        background=MapGround(partial(_background, places)),
        limits={"max_total_min": 60, "max_walk_min": 20, "max_transfers": 2, "max_wait_min": 30},
        sources=(
            MapSource(
                "streets",
                "orle.osm.pbf",
                "© les contributeurs d'OpenStreetMap",
                "ODbL 1.0",
                "ab" * 32,
            ),
            MapSource(
                "timetable", "orle.zip", "Réseau Orle <test>", "Licence ouverte 2.0", "cd" * 32
            ),
        ),
        findings=(
            ("3 arrêts sont à plus de 500 m d'une rue.", "3 stops are over 500 m from a street."),
        ),
        version="0.1.0",
    )


def _scenario(name, homes, xy, places, shifts, keys, zones, plan) -> Scenario:
    n = len(homes)
    out, back = np.zeros((len(keys), n), np.uint8), np.zeros((len(keys), n), np.uint8)
    over = np.full((len(keys), n), NONE, np.uint8)
    rng = np.random.default_rng(1)
    for k, (s, d, m) in enumerate(keys):
        site = places[shifts[s].roster]
        far = np.hypot(xy[:, 0] - site[0], xy[:, 1] - site[1])
        if MODES[m] == "transit":
            there = _transit(xy, site, shifts[s].start_s / 3600 - 0.5, d, rng)
            home = _transit(xy, site, shifts[s].end_s / 3600 + 0.4, d, rng)
            if plan is not None and shifts[s].roster == 0 and d < 2:
                for line in plan.lines:
                    near = shapely.distance(
                        shapely.points(homes.lon / KM_LON, homes.lat / KM_LAT),
                        shapely.linestrings(line.path / [KM_LON, KM_LAT]),
                    )
                    ride = np.where(near < 1.4, near * 13 + far * 2 + 12, np.inf)
                    there, home = np.minimum(there, ride), np.minimum(home, ride)
        else:
            pace = {"walk": 13.3, "bike": 4.0, "car": 1.6}[MODES[m]]
            most = {"walk": 20, "bike": 30, "car": 60}[MODES[m]]
            there = home = np.where(far * pace <= most, far * pace + 10, np.inf)
        out[k], back[k] = _minutes(there), _minutes(home)
        over[k] = np.where(back[k] == NONE, NONE, (np.hypot(*xy.T) * 9).astype(int) % 9 * 15)
    status = np.zeros((len(zones), n), np.uint8)
    reason = np.zeros((len(zones), n), np.uint8)
    for z, (s, d) in enumerate(zones):
        rows = [k for k, key in enumerate(keys) if key[:2] == (s, d) and key[2] < 2]
        there, home = (out[rows] < NONE).any(axis=0), (back[rows] < NONE).any(axis=0)
        both = ((out[rows] < NONE) & (back[rows] < NONE)).any(axis=0)
        status[z] = np.where(both, 0, np.where(there, 1, np.where(home, 2, 3)))
        corridor = np.abs(np.arctan2(xy[:, 1], xy[:, 0]) * 2 % 1.0)
        why = np.where(
            status[z] == 1, 4, np.where(corridor < 0.35, 1, np.where(corridor < 0.8, 3, 5))
        )
        reason[z] = np.where(status[z] == 0, 0, why)
    share = _share(keys, shifts, out, back)
    fix = np.where(status == 0, 0, np.where(status == 1, 5, NONE)).astype(np.uint8)
    return Scenario(name, out, back, status, reason, over, share, None if plan else fix)


def _share(keys, shifts, out, back) -> np.ndarray:
    share = np.zeros((3, len(MODES), out.shape[1]), np.uint8)
    for r in range(3):
        for m in range(len(MODES)):
            rows = [k for k, (s, _, mode) in enumerate(keys) if shifts[s].roster == r and mode == m]
            held = (out[rows] < NONE) & (back[rows] < NONE)
            share[r, m] = np.floor(held.mean(axis=0) * 100)
    return share


def _plans(gate: tuple[float, float]) -> tuple[MapPlan, ...]:
    routes = [
        ("Navette Nord", [(-6.5, 4.0), (-4.0, 2.2), (-0.3, 0.2), (1.8, -1.2), gate]),
        ("Navette Est", [(6.0, 6.5), (8.0, 2.0), (8.5, -1.5), (6.0, -2.2), gate]),
        ("Navette Sud", [(-7.5, -5.0), (-3.0, -5.6), (1.0, -5.0), gate]),
    ]
    lines = tuple(
        MapLine(
            name,
            path(*points),
            tuple(
                LineStop(f"{name} – arrêt {i + 1}", *at(*p), riders=3 + 7 * i)
                for i, p in enumerate(points)
            ),
        )
        for name, points in routes
    )
    plans = []
    for n in (1, 2, 3):
        runs = tuple(run for i in range(n) for run in _runs(i, lines[i]))
        plans.append(
            MapPlan(
                f"Plan {n}",
                140_000.0 * n,
                45 + 60 * n - 8 * n * n,
                n,
                52_000.0 * n,
                lines[:n],
                runs,
                scenario=1 if n == 2 else None,
                facts=(("Cost a trip", f"{4 + n},20 €"),),
            )
        )
    return tuple(plans)


def _runs(index: int, line: MapLine) -> list[MapRun]:
    calls, runs = len(line.stops), []
    order = tuple(range(calls))
    for edge in (5, 13, 21):
        base = edge * 3600 - 600 - 420 * (calls - 1)
        runs.append(
            MapRun(
                index,
                index,
                "in",
                order,
                tuple(base + 420 * i for i in order),
                tuple(4.0 * (i + 1) for i in order),
            )
        )
        base = edge * 3600 + 600
        runs.append(
            MapRun(
                index,
                index,
                "out",
                order[::-1],
                tuple(base + 420 * i for i in order),
                tuple(4.0 * (calls - i) for i in order),
            )
        )
    return runs


def _examples(keys, scenario: Scenario, homes: MapHomes, hostile: bool) -> tuple[MapJourneys, ...]:
    stop = HOSTILE if hostile else "Valmont Centre"
    found: list[MapJourneys] = []
    outbound = (
        MapLeg("walk", "04:08", "04:15", "domicile", stop),
        MapLeg("ride", "04:15", "04:41", stop, "ZI Orle", "12"),
        MapLeg("walk", "04:41", "04:46", "ZI Orle", "porte 1"),
    )
    back = (
        MapLeg("walk", "13:10", "13:15", "porte 1", "ZI Orle"),
        MapLeg("ride", "13:15", "13:42", "ZI Orle", stop, "12"),
    )
    for k, (_, _, m) in enumerate(keys):
        held = np.flatnonzero((scenario.outbound_min[k] < NONE) & (scenario.return_min[k] < NONE))
        if m == 0 and len(held):
            some = held[:: max(1, len(held) // 6)]
            found.append(MapJourneys(k, some, partial(repeat, (outbound, back), len(some))))
    return tuple(found)


def _background(places) -> Background:
    rng = np.random.default_rng(3)
    minor = []
    for _, x, y, rank in VILLAGES:
        size = (2.4, 1.4, 0.9, 0.6)[rank] if rank else 2.4
        for offset in np.arange(-size, size + 0.01, 0.3):
            minor.append(path((x - size, y + offset), (x + size, y + offset + 0.1)))
            minor.append(path((x + offset, y - size), (x + offset + 0.1, y + size)))
    spokes = tuple(
        path((0, 0), (x * 0.5 + 0.5, y * 0.5 - 0.3), (x, y)) for _, x, y, r in VILLAGES[1:]
    )
    around = [(7 * np.cos(a), 7 * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 40)]
    bend = [(x, 1.6 * np.sin(x / 2.2) - 1.5) for x in np.linspace(-11, 11, 60)]

    def blob(x: float, y: float, r: float) -> tuple[np.ndarray]:
        turn = np.linspace(0, 2 * np.pi, 18)[:-1]
        wide = r * (1 + rng.uniform(-0.2, 0.2, (2, len(turn))))
        edge = zip(x + wide[0] * np.cos(turn), y + wide[1] * np.sin(turn), strict=True)
        return (path(*edge),)

    return Background(
        roads={
            "motorway": (path((-11, 8.5), (0, 2.8), (11, 4.5)),),
            "primary": spokes,
            "secondary": (path(*around),),
            "tertiary": (path((-9, -9), (0, -4), (9, -9)),),
            "minor": tuple(minor),
        },
        areas={
            "built": tuple(blob(x, y, (2.2, 2.6, 1.3, 0.8)[r]) for _, x, y, r in VILLAGES),
            "forest": (blob(-3, 7.5, 1.8), blob(7.5, -5.5, 1.6), blob(-8.5, 0.0, 1.3)),
            "industrial": (blob(places[0][0] + 0.3, places[0][1] - 0.5, 1.3),),
            "water": (blob(-4.2, -2.6, 0.5),),
        },
        rivers=(path(*bend),),
        railways=(path((-11, -3), (0.4, -0.6), (11, 0.5)),),
        places=tuple(Place(n, *at(x, y), r) for n, x, y, r in VILLAGES),
    )
