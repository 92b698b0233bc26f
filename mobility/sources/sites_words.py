"""Words of a sites table, French and English: headers, rosters, days, times."""

from __future__ import annotations

import re

from mobility.sources.columns import fold
from mobility.territory.project import ROSTER_TEMPLATES

# fmt: off
ALIASES: dict[str, tuple[str, ...]] = {
    "name": (
        "nom", "site", "nom du site", "nom de site", "établissement", "usine", "site_name",
        "site name",
    ),
    "commune": ("code insee", "insee", "code commune"),
    "employer": ("employeur", "entreprise", "société", "raison sociale", "company"),
    "lon": ("longitude", "lng", "x"),
    "lat": ("latitude", "y"),
    "gate": ("portail", "porte", "entrée", "accès", "entrance"),
    "roster": (
        "roulement", "roulements", "équipe", "équipes", "rythme", "horaire", "horaires", "régime",
        "cycle", "rotation", "type de poste", "régime de travail", "rythme de travail", "team",
    ),
    "shift": ("poste", "vacation", "faction", "nom du poste", "shift name"),
    "start": (
        "début", "heure de début", "heure début", "début de poste", "début du poste",
        "prise de poste", "heure de prise de poste", "embauche", "from", "begin",
        "start time",
    ),
    "end": (
        "fin", "heure de fin", "heure fin", "fin de poste", "fin du poste", "débauche",
        "to", "end time",
    ),
    "days": ("jours", "jour", "jours travaillés", "jours de travail", "weekdays", "working days"),
    "headcount": (
        "effectif", "effectifs", "salariés", "nombre de salariés", "nb salariés", "nb de salariés",
        "nombre d'employés", "employés", "emplois", "workers", "employees", "staff", "nombre",
    ),
    "margin_in_min": ("marge_entrée", "marge_entrée_min", "marge avant"),
    "margin_out_min": ("marge_sortie", "marge_sortie_min", "marge après"),
}
# fmt: on
ROSTER_ALIASES: dict[str, str] = {
    "3*8": "3x8",
    "2*8": "2x8",
    "5*8": "5x8",
    "3×8": "3x8",
    "2×8": "2x8",
    "5×8": "5x8",
    "nuit": "night",
    "journée": "day",
    "jour": "day",
    "bureau": "office",
    "week-end": "vsd",
}
_WORDS_OF_TIME = {"minuit": "00:00", "midnight": "00:00", "midi": "12:00", "noon": "12:00"}


def roster_template(name: str) -> str | None:
    """Return the roster template a name stands for, in English or French, or None."""
    for known in ROSTER_TEMPLATES:
        if fold(known) == fold(name):
            return known
    plain = name.strip().casefold().replace(" ", "")
    return next((t for a, t in ROSTER_ALIASES.items() if plain == a.casefold()), None)


def clock_text(text: str, *, ends: bool = False) -> str:
    """Return ``05:00`` of ``5``, ``500``, ``5 am``, ``29:00``, ``0.208333``; else unchanged.

    Below 1 a number is a fraction of a day, as a sheet without a time format gives it. Any
    other with decimals could be hours and minutes or hours and tenths, and stays as it is. An
    end may be reckoned on past midnight.
    """
    dated = re.fullmatch(r"\d{4}-\d\d-\d\d[T ](\d\d:\d\d)(?::\d\d)?", text.strip())
    if dated is not None:  # a cell that holds a day too, of which the shift tells nothing
        return dated[1]
    plain = "".join(text.casefold().split()).replace(",", ".").removesuffix("min")
    if plain in _WORDS_OF_TIME:
        return _WORDS_OF_TIME[plain]
    half = re.fullmatch(r"(\d{1,2})((?::\d\d)*)([ap])\.?m\.?", plain)
    if half is not None and 1 <= int(half[1]) <= 12:
        return f"{int(half[1]) % 12 + 12 * (half[3] == 'p'):02}{half[2] or ':00'}"
    if re.fullmatch(r"\d{1,2}", plain):
        return f"{plain}:00"
    if re.fullmatch(r"\d{3,4}", plain):
        return f"{plain[:-2]}:{plain[-2:]}"
    if re.fullmatch(r"0?\.\d+(?:e-\d+)?", plain):
        minutes = round(float(plain) * 24 * 60)
        return f"{minutes // 60:02}:{minutes % 60:02}"
    late = re.fullmatch(r"(\d{2})([:h](\d{0,2}).*)", plain) if ends else None
    if late is not None and 24 <= int(late[1]) < 48 and (late[1] != "24" or int(late[3] or 0)):
        return f"{int(late[1]) - 24:02}{late[2]}"
    return plain


__all__ = ["ALIASES", "clock_text", "roster_template"]
