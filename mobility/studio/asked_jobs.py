"""What a browser asks to be computed, as a job of the queue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mobility.base.errors import MobilityError
from mobility.base.i18n import LANGUAGES
from mobility.studio.jobs import Job
from mobility.studio.results import COMPARED, results_folder
from mobility.studio.studies import Opened

#: Half side of the area of a first study, km: by default, least and most.
RADIUS_KM, LEAST_KM, MOST_KM = 12.0, 1.0, 60.0


def computation(opened: Opened, asked: Mapping[str, Any]) -> Job:
    """Return a command on a study, or one of its scenarios.

    Raises
    ------
    MobilityError
        The study cannot be read, or there is no such scenario.
    """
    if opened.error is not None:
        raise opened.error
    target, kind, folder = str(asked.get("target", "")), str(asked.get("kind")), opened.file.parent
    named = [target, str(asked.get("other", ""))] if kind == "compare" else [target]
    files = tuple(str(opened.history.path(n) if n else opened.file) for n in named)
    out = results_folder(opened, target)
    if kind == "compare":
        out = folder / COMPARED / "-".join(n or "study" for n in named)
    other = named[1] if kind == "compare" else ""
    return Job(kind, target, folder, files, out, _language(asked), other=other)


def gathering(opened: Opened, asked: Mapping[str, Any]) -> Job:
    """Return ``mobility init``, which fetches the sources around a place into a study's folder.

    Raises
    ------
    MobilityError
        The study names sources already, which would be lost; no place is given, or the radius
        is none.
    """
    place, folder = str(asked.get("target", "")).strip(), opened.file.parent
    radius = asked.get("radius_km", RADIUS_KM)
    if opened.live is not None:
        raise MobilityError(
            "This study has its sources already.",
            mend="Make a new study for the sources of another place.",
        )
    if not place:
        raise MobilityError("A place is needed.", mend="Write the name of a commune.")
    if not isinstance(radius, int | float) or not LEAST_KM <= radius <= MOST_KM:
        raise MobilityError("This is no radius.", value=radius, mend="Write 1 to 60 km.")
    options = ("--radius-km", str(radius), "--overwrite")
    return Job(
        "init", place, folder, (place,), folder, _language(asked), options, other=str(radius)
    )


def _language(asked: Mapping[str, Any]) -> str:
    language = asked.get("language")
    return language if language in LANGUAGES else LANGUAGES[0]


__all__ = ["computation", "gathering"]
