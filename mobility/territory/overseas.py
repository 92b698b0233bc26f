"""France overseas: the clock and the calendar of a territory that does not name them.

Boxes (west, south, east, north) in degrees hold each department with its islands.
"""

from __future__ import annotations

from mobility.base.errors import Finding
from mobility.territory.project import Site, Territory

Box = tuple[float, float, float, float]

PARTS: dict[str, tuple[str, Box]] = {
    "971": ("America/Guadeloupe", (-61.9, 15.8, -60.9, 16.6)),
    "972": ("America/Martinique", (-61.3, 14.3, -60.7, 15.0)),
    "973": ("America/Cayenne", (-54.7, 2.0, -51.5, 5.9)),
    "974": ("Indian/Reunion", (55.1, -21.5, 55.9, -20.8)),
    "976": ("Indian/Mayotte", (44.9, -13.1, 45.4, -12.5)),
}
#: Clocks of what else is overseas, by INSEE's codes.
OTHER_CLOCKS = {
    "975": "America/Miquelon",
    "977": "America/St_Barthelemy",
    "978": "America/Marigot",
    "986": "Pacific/Wallis",
    "987": "Pacific/Tahiti",
    "988": "Pacific/Noumea",
}
#: Departments with two more public holidays (Good Friday, 26 December).
ALSACE_MOSELLE = ("57", "67", "68")


def part_at(lon: float, lat: float) -> str | None:
    """Return the code of the overseas department a point lies in."""
    for code, (_, (west, south, east, north)) in PARTS.items():
        if west <= lon <= east and south <= lat <= north:
            return code
    return None


def clock_of(department: str) -> str:
    """Return the time zone of a French department, by its code."""
    part = PARTS.get(department)
    return part[0] if part else OTHER_CLOCKS.get(department, "Europe/Paris")


def localised(territory: Territory, sites: tuple[Site, ...]) -> tuple[Territory, list[Finding]]:
    """Return the territory with the clock and the public holidays of where its sites are.

    What the territory file states stays as it is.
    """
    named = territory.days.country.upper()
    stated = "country" in territory.days.model_fields_set
    part = named.partition("-")[2] if stated else _part_of(sites)
    if part is None or not named.startswith("FR"):
        return territory, []
    changed: dict[str, object] = {}
    if not stated:
        changed["days"] = territory.days.model_copy(update={"country": f"FR-{part}"})
    if part in PARTS and "timezone" not in territory.model_fields_set:
        changed["timezone"] = PARTS[part][0]
    if not changed:
        return territory, []
    territory = territory.model_copy(update=changed)
    return territory, [
        Finding(
            "info",
            "local_calendar",
            "The sites are in department {part}: the time zone {timezone} and the public holidays "
            "of {country} are used; timezone and days.country say otherwise where needed.",
            params={
                "part": part,
                "timezone": territory.timezone,
                "country": territory.days.country,
            },
        )
    ]


def _part_of(sites: tuple[Site, ...]) -> str | None:
    """Return the department all sites are in, where it has days or a clock of its own."""
    found = {part_at(*gate) for site in sites for gate in site.gates}
    if len(found) == 1 and found != {None}:
        return found.pop()
    departments = {site.commune[:2] for site in sites}
    return departments.pop() if len(departments) == 1 and departments <= {*ALSACE_MOSELLE} else None
