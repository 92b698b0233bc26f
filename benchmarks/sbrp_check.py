"""Check school bus plans against their instance; shares no code with any solver.

A plan is compact text: a first line ``instance longest_ride_s``, then a line for each bus, its
trips parted by ``;``, each trip the ids of its stops in driving order. Every stop is served
once, whole, by a trip to its own school; at most 66 on board; a ride (own boarding excluded) is
no longer than allowed; a trip is emptied at its school exactly at the bell, and the next one of
its bus starts no sooner than the bus can be there.
"""

from __future__ import annotations

import csv
from pathlib import Path

FEET_S, SEATS, BOARD_S, RIDER_S, EMPTY_S, EPS = 29.3333333, 66, 19.0, 2.6, 154.4, 1e-6
Point = tuple[float, float]


def rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a tab-separated file."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def drive_s(a: Point, b: Point) -> float:
    """Return the seconds from one point to another, along the axes."""
    return (abs(a[0] - b[0]) + abs(a[1] - b[1])) / FEET_S


def check(folder: Path, text: str) -> tuple[int, list[str]]:
    """Return the buses of a plan and what is wrong with it.

    Parameters
    ----------
    folder
        Holds ``INSTANCE/Schools.txt`` and ``INSTANCE/Stops.txt``.
    text
        The plan.
    """
    first, *lines = text.strip().splitlines()
    name, longest = first.split()[0], float(first.split()[1])
    bells, gates, stops, wrong = {}, {}, {}, []
    for row in rows(folder / name / "Schools.txt"):
        hour, minute = divmod(int(row["AMEARLY"]), 100)
        bells[row["ID"]] = hour * 3600.0 + minute * 60
        gates[row["ID"]] = (float(row["X"]), float(row["Y"]))
    for row in rows(folder / name / "Stops.txt"):
        where = (float(row["X_COORD"]), float(row["Y_COORD"]))
        stops[row["ID"]] = (where, row["EP_ID"], int(row["STUDENT_COUNT"]))
    served: list[str] = []
    for number, line in enumerate(lines, 1):
        bus_at: tuple[float, Point] | None = None
        for trip in line.split(";"):
            ids = trip.split()
            if not ids or any(i not in stops for i in ids):
                wrong.append(f"bus {number}: a trip without stops, or an unknown stop")
                continue
            served += ids
            school = stops[ids[0]][1]
            if any(stops[i][1] != school for i in ids):
                wrong.append(f"bus {number}: a trip to two schools")
            if sum(stops[i][2] for i in ids) > SEATS:
                wrong.append(f"bus {number}: overfull")
            clock, place, ride = bells[school] - EMPTY_S, gates[school], 0.0
            for i in reversed(ids):
                clock -= drive_s(stops[i][0], place)
                ride = max(ride, bells[school] - EMPTY_S - clock)
                clock -= BOARD_S + RIDER_S * stops[i][2]
                place = stops[i][0]
            if ride > longest + EPS:
                wrong.append(f"bus {number}: a ride of {ride:.0f} s")
            if bus_at and bus_at[0] + drive_s(bus_at[1], place) > clock + EPS:
                wrong.append(f"bus {number}: late")
            bus_at = (bells[school], gates[school])
    if sorted(served) != sorted(stops):
        wrong.append("not every stop is served once")
    return len(lines), wrong
