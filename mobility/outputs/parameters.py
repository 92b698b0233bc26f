"""Parameters of a run in words, with their units."""

from __future__ import annotations

from mobility.outputs.words import Words
from mobility.territory.project import Site, Territory

#: Dotted name in the territory file → (meaning, unit), English templates.
MEANINGS = {
    "limits.max_total_min": ("Longest time from home to shift start, or shift end to home", "min"),
    "limits.max_walk_min": ("Longest walking in all, in one direction", "min"),
    "limits.max_transfers": ("Most changes of vehicle", ""),
    "limits.max_wait_min": ("Longest single wait, at a stop or at the gate", "min"),
    "limits.margin_in_min": ("Time kept from the gate to the work station", "min"),
    "limits.margin_out_min": ("Time kept from the work station to the gate", "min"),
    "limits.max_transfer_walk_min": ("Longest walk between two vehicles", "min"),
    "limits.min_change_s": ("Time kept at each change, on top of the walk", "s"),
    "limits.max_bike_min": ("Longest ride by bicycle, all the way", "min"),
    "limits.max_bike_to_stop_min": ("Longest ride by bicycle to a stop", "min"),
    "limits.max_drive_to_stop_min": ("Longest drive to a park-and-ride", "min"),
    "limits.white_site_share": ("A site is white below this share of its pool", ""),
    "limits.min_workers_shown": ("Fewest employees of a file counted in one area", "workers"),
    "limits.safe_at_night": ("Walks and bicycle rides in the dark keep to safe streets", ""),
    "speeds.walk_kmh": ("Walking speed", "km/h"),
    "speeds.bike_kmh": ("Cycling speed", "km/h"),
    "speeds.e_bike_kmh": ("Electric bicycle speed", "km/h"),
    "modes.evaluated": ("Modes computed", ""),
    "modes.cycling_counts": ("Cycling takes a home out of a white zone", ""),
    "night.assume_lit": ("Streets without a lighting tag are taken to be lit", ""),
    "days.country": ("Country of the public holidays", ""),
    "days.school_zone": ("School holiday zone", ""),
    "timezone": ("Time zone of every clock time", ""),
}  # fmt: skip


#: Values that are symbols, in words.
ASSUMED = {"built_up": "in built-up areas", "always": "always", "never": "never"}

Row = tuple[str, str, str, str]


def parameter_rows(territory: Territory, sites: tuple[Site, ...], words: Words) -> list[Row]:
    """Return (meaning, value, unit, name in the file) of each parameter of a run."""
    rows = []
    for name, (meaning, unit) in MEANINGS.items():
        value: object = territory
        for part in name.split("."):
            value = getattr(value, part)
        if value is not None:
            rows.append((words.t(meaning), _value(value, words), words.t(unit), name))
    for site in sites:
        for field in ("margin_in_min", "margin_out_min"):
            own = getattr(site, field)
            if own is not None:
                meaning, unit = MEANINGS[f"limits.{field}"]
                text = f"{words.t(meaning)} ({site.name})"
                rows.append((text, _value(own, words), words.t(unit), f"sites.{field}"))
    return rows


def _value(value: object, words: Words) -> str:
    if isinstance(value, bool):
        return words.t("yes" if value else "no")
    if isinstance(value, list):
        return ", ".join(words.known("mode", str(item)) for item in value)
    if isinstance(value, float | int):
        text = f"{value:g}"
        return text.replace(".", ",") if words.language == "fr" else text
    return words.t(ASSUMED.get(str(value), str(value)))
