"""France overseas: the clock and the calendar of a territory that does not name them.

Boxes (west, south, east, north) in degrees hold each department with its islands.
"""

from __future__ import annotations

from mobility.base.errors import Finding
from mobility.territory.project import Site, Territory

Box = tuple[float, float, float, float]

#: By INSEE's code (Corsica, by ISO's): the clock and the box.
PARTS: dict[str, tuple[str, Box]] = {
    "971": ("America/Guadeloupe", (-61.9, 15.8, -60.9, 16.6)),
    "972": ("America/Martinique", (-61.3, 14.3, -60.7, 15.0)),
    "973": ("America/Cayenne", (-54.7, 2.0, -51.5, 5.9)),
    "974": ("Indian/Reunion", (55.1, -21.5, 55.9, -20.8)),
    "975": ("America/Miquelon", (-56.5, 46.7, -56.1, 47.2)),
    "976": ("Indian/Mayotte", (44.9, -13.1, 45.4, -12.5)),
    "977": ("America/St_Barthelemy", (-62.96, 17.8, -62.7, 18.0)),
    "978": ("America/Marigot", (-63.2, 18.0, -62.96, 18.2)),
    "986": ("Pacific/Wallis", (-178.3, -14.5, -176.0, -13.1)),
    "987": ("Pacific/Tahiti", (-155.0, -28.5, -134.0, -7.5)),
    "988": ("Pacific/Noumea", (158.0, -23.5, 172.5, -18.5)),
    "20R": ("Europe/Paris", (8.5, 41.3, 9.6, 43.1)),
}
_ISO_PARTS = {
    "GP": "971", "MQ": "972", "GF": "973", "RE": "974", "PM": "975", "YT": "976", "BL": "977",
    "MF": "978", "WF": "986", "PF": "987", "NC": "988",
}  # fmt: skip
#: Departments with two more public holidays (Good Friday, 26 December).
_ALSACE_MOSELLE = ("57", "67", "68")


def part_at(lon: float, lat: float) -> str | None:
    """Return the code of the part of `PARTS` a point lies in."""
    for code, (_, (west, south, east, north)) in PARTS.items():
        if west <= lon <= east and south <= lat <= north:
            return code
    return None


def clock_of(department: str) -> str:
    """Return the time zone of a French department, by its code."""
    return PARTS.get(_ISO_PARTS.get(department, department), ("Europe/Paris",))[0]


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
    clock = clock_of(part)
    if clock != territory.timezone and "timezone" not in territory.model_fields_set:
        changed["timezone"] = clock
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
    return (
        departments.pop() if len(departments) == 1 and departments <= {*_ALSACE_MOSELLE} else None
    )
