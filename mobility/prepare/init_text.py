"""The commented text of a first territory file, in French or English."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Literal

from mobility.base.i18n import translate
from mobility.prepare.offers import FeedOffer
from mobility.prepare.service import Commune
from mobility.territory.overseas import clock_of

_STREETS = "Streets: OpenStreetMap extract (© OpenStreetMap contributors, ODbL)."
_NO_STREETS = "To fill in: save an .osm.pbf extract in data/osm and name it here."
_NO_FEEDS = "To fill in: save the networks' GTFS files in data/gtfs and name them here."
_SITES = (
    "Candidate sites found on OpenStreetMap's industrial land. Correct names, gates, rosters "
    '("3x8", "2x8", "5x8", "night", "vsd", "day", "office") and headcounts.'
)
_NO_SITES = "Sites: name a CSV file (name,lon,lat,roster,headcount), or describe them here:"
_HOMES = (
    "Homes: population of the communes (INSEE, through geo.api.gouv.fr). About four residents in "
    'ten have a job: an order of magnitude, to be replaced by MOBPRO flows (kind = "flows"), the '
    'INSEE grid (kind = "insee_grid") or a file of employees (kind = "employees"), read straight '
    "into counts by cell."
)
_GIVEN_HOMES = (
    "Homes: population of the communes. About four residents in ten have a job: an order of "
    "magnitude, to be replaced by flows, a grid or a file of employees (docs/formats.md)."
)
_GIVEN_SITES = (
    "Sites of the table given, or industrial land; the employer says where they are assumed."
)
_CREDITS = "Licences and mentions, shown on the map and in the report; complete them."
_SITE_EXAMPLE = """# [[sites]]
# name = "Usine"
# gates = [[{lon}, {lat}]]
# rosters = [{{ template = "3x8", headcount = 120 }}]
"""
# Arrêté du 16 avril 2015: académies of each zone, as departments.
_ZONE_A = (
    "01 03 07 15 16 17 19 21 23 24 25 26 33 38 39 40 42 43 47 58 63 64 69 70 "
    "71 73 74 79 86 87 89 90"
)
_ZONE_B = (
    "02 04 05 06 08 10 13 14 18 22 27 28 29 35 36 37 41 44 45 49 50 51 52 53 "
    "54 55 56 57 59 60 61 62 67 68 72 76 80 83 84 85 88"
)
_ZONE_C = "09 11 12 30 31 32 34 46 48 65 66 75 77 78 81 82 91 92 93 94 95"


def territory_text(
    commune: Commune,
    *,
    language: Literal["fr", "en"],
    osm: str | None,
    gtfs: Sequence[tuple[str, FeedOffer]],
    homes: str | None,
    sites: str | None,
    homes_by: str = "INSEE, geo.api.gouv.fr",
    more: Mapping[str, str] | None = None,
) -> str:
    """Return the text of ``territory.toml``.

    Parameters
    ----------
    osm, homes, sites
        Paths from the file; None leaves a comment saying what to put there.
    gtfs
        Paths of the timetables and what is known of them.
    homes_by
        Who is named with the homes; empty where homes and sites are the user's own.
    more
        A line to add at the head of each of some tables.
    """
    say, zone = partial(_comment, language), school_zone(commune.department)
    lines = [
        *say("Territory file: everything a study depends on. Paths start from this file."),
        f"name = {_quoted(commune.name)}",
        f"timezone = {_quoted(clock_of(commune.department))}",
        "",
        "[sources]",
        *say(_STREETS if osm else _NO_STREETS),
        f"{'' if osm else '# '}osm = {_quoted(osm or 'data/osm/streets.osm.pbf')}",
        "",
        *_feeds(language, gtfs),
        "",
        *say((_SITES if homes_by else _GIVEN_SITES) if sites else _NO_SITES),
        f"{'' if sites else '# '}sites = {_quoted(sites or 'sites.csv')}",
        "",
        *_credits(language, gtfs, homes if homes_by else None, homes_by),
        "[sources.homes]",
        *say(
            (_HOMES if homes_by else _GIVEN_HOMES)
            if homes
            else "To fill in: a file of homes (see docs/formats.md)."
        ),
        f"file = {_quoted(homes or 'data/homes/communes.geojson')}",
        'kind = "communes"',
        'id = "code"',
        'workers = "population"',
        "workers_share = 0.4",
        "cell_m = 200",
        "",
        "[days]",
        *say("Kinds of day studied; dates are chosen from the timetables, or fixed here."),
        'kinds = ["school_weekday", "holiday_weekday", "saturday", "sunday"]',
        *say("School holiday zone: A, B or C."),
        '# school_zone = "A"' if zone is None else f'school_zone = "{zone}"',
        "",
        "[limits]",
        *say("What a worker accepts, door to door."),
        "max_total_min = 60",
        "max_walk_min = 20",
        "max_transfers = 2",
        "max_wait_min = 30",
        "min_workers_shown = 5",
        "",
        "[output]",
        *say("Results."),
        'dir = "resultats"' if language == "fr" else 'dir = "results"',
        f'language = "{language}"',
        "",
    ]
    text = "\n".join(lines)
    for table, line in (more or {}).items():
        text = text.replace(f"[{table}]\n", f"[{table}]\n{line}\n", 1)
    if sites is None:
        text += "\n" + _SITE_EXAMPLE.format(lon=commune.centre[0], lat=commune.centre[1])
    return text


def _comment(language: str, text: str) -> list[str]:
    """Return a text of ours as lines of a comment."""
    return [f"# {line}" for line in textwrap.wrap(translate(text, language), 88)]


def _feeds(language: str, gtfs: Sequence[tuple[str, FeedOffer]]) -> list[str]:
    say = partial(_comment, language)
    if not gtfs:
        return [*say(_NO_FEEDS), "gtfs = []"]
    lines = [*say("Timetables: GTFS files. Remove those of no use, add your own."), "gtfs = ["]
    for path, offer in gtfs:
        about = [offer.title, offer.source]
        if offer.licence:
            about.append(f"{translate('licence', language)} {offer.licence}")
        if offer.valid_from or offer.valid_to:
            about.append(f"{translate('valid', language)} {offer.valid_from} – {offer.valid_to}")
        # TOML forbids control characters in comments.
        comment = "".join(
            c if c.isprintable() else " " for c in " ".join(" ; ".join(about).split())
        )
        lines.append(f"    {_quoted(path)},  # {comment}")
    return [*lines, "]"]


def _credits(
    language: str, gtfs: Sequence[tuple[str, FeedOffer]], homes: str | None, homes_by: str
) -> list[str]:
    """Return the table of licences and mentions, as far as they are known."""
    known = [(path, offer.licence, offer.publisher) for path, offer in gtfs]
    if homes is not None:
        known.append((homes, "", homes_by))
    if not known:
        return []
    lines = ["[sources.credits]", *_comment(language, _CREDITS)]
    for path, licence, by in known:
        lines.append(
            f"{_quoted(path)} = {{ licence = {_quoted(licence)}, attribution = {_quoted(by)} }}"
        )
    return [*lines, ""]


def _quoted(text: str) -> str:
    """Return a TOML basic string; JSON's is one, save for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def school_zone(department: str) -> str | None:
    """Return the school holiday zone of a department, None overseas and in Corsica."""
    zones = {"A": _ZONE_A, "B": _ZONE_B, "C": _ZONE_C}
    return next((z for z, known in zones.items() if department in known.split()), None)
