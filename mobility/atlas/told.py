"""What is known of one territory of an atlas, from its files alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import shapely

from mobility.atlas.figures import OUTLINE, drawn_outline
from mobility.atlas.folder import FAILURE, FIGURES, MISSING, SHIFTS, Atlas, read_json
from mobility.atlas.manifest import is_done, is_whole
from mobility.base.errors import MobilityError, SourceError
from mobility.base.literal import read_csv_text
from mobility.outputs.record import ADVICE, read_record
from mobility.territory.toml_text import read_toml

COMPUTED, OUTDATED, FAILED, NOT_RUN = "computed", "outdated", "failed", "not_run"
NOT_PREPARED = "not_prepared"


@dataclass(frozen=True)
class Told:
    """What is known of one territory.

    Attributes
    ----------
    state
        ``computed``, ``outdated`` (its files or the software changed since), ``failed``,
        ``not_run``, or ``not_prepared`` (it was asked for, and has no files).
    figures
        See `figures.territory_figures`; empty where there are none.
    message
        Of a failure, by language.
    """

    unit: str
    name: str
    state: str
    figures: dict[str, Any]
    message: dict[str, str]
    outline: dict[str, Any] | None = None
    remedy: tuple[str, float] | None = None


def tell_all(atlas: Atlas) -> list[Told]:
    """Return what is known of every territory asked for, by identifier."""
    told = {unit: tell(atlas, unit) for unit in atlas.units}
    for unit, why in (read_json(atlas.folder / MISSING) or {}).items():
        if unit not in told:
            message = {language: str(text) for language, text in why.items() if language != "name"}
            told[unit] = Told(unit, str(why.get("name") or unit), NOT_PREPARED, {}, message)
    return [told[unit] for unit in sorted(told)]


def tell(atlas: Atlas, unit: str) -> Told:
    """Return what is known of a territory, from its files alone."""
    run = atlas.run(unit)
    failure, figures = read_json(run / FAILURE), read_json(run / FIGURES)
    if failure is None and figures is not None and is_whole(atlas, unit, (SHIFTS, FIGURES)):
        state = COMPUTED if is_done(atlas, unit) else OUTDATED
        return Told(unit, figures["name"], state, figures, {}, figures["outline"], _remedy(run))
    try:
        drawn = drawn_outline(atlas.file(unit).with_name(OUTLINE))
    except SourceError:  # `run` tells of it
        drawn = None
    outline = drawn and shapely.geometry.mapping(drawn)
    state = NOT_RUN if failure is None else FAILED
    return Told(unit, _name(atlas, unit), state, {}, failure or {}, outline)


def _name(atlas: Atlas, unit: str) -> str:
    """Return the name of a territory that has no figures, as far as its file tells it."""
    try:
        return str(read_toml(atlas.file(unit)).get("name") or unit)
    except MobilityError:  # of a file that is no TOML, the failure tells
        return unit


def _remedy(run: Path) -> tuple[str, float] | None:
    """Return the cheapest remedy advised for the same inputs, and its euros a job gained."""
    advice, record = read_json(run / ADVICE), read_record(run)
    if advice is None or record is None or advice.get("inputs") != record.get("inputs"):
        return None
    try:
        found = read_csv_text(run / "remedies.csv")
        best = found[found["advised"].astype(bool)].iloc[0]
        return str(best["sentence"]), float(best["eur_per_job"])
    except (OSError, ValueError, KeyError, IndexError):
        return None
