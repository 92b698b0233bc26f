"""France overseas: the clock and the calendar of a territory that does not name them.

Boxes (west, south, east, north) in degrees hold each department with its islands.
"""

from __future__ import annotations

from mobility.base.projection import Box

#: By INSEE's code (Corsica, by ISO's): the clock and the box.
_PARTS: dict[str, tuple[str, Box]] = {
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


def part_at(lon: float, lat: float) -> str | None:
    """Return the code of the part of `_PARTS` a point lies in."""
    for code, (_, (west, south, east, north)) in _PARTS.items():
        if west <= lon <= east and south <= lat <= north:
            return code
    return None


def clock_of(department: str) -> str:
    """Return the time zone of a French department, by its code."""
    return _PARTS.get(_ISO_PARTS.get(department, department), ("Europe/Paris",))[0]
