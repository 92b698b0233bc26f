"""On-demand zones drawn in the browser, as a scenario holds them: beside those of its study."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from mobility.base.errors import MobilityError
from mobility.studio.drafts import Draft, Step
from mobility.studio.live import Live
from mobility.territory.project import OnDemand
from mobility.territory.validation import explain_validation

MOST_ZONES, MOST_CORNERS = 10, 100
#: What a browser may say of a zone; the rest is as a territory file has it by default.
FIELDS = ("name", "polygon", "start", "end", "wait_min", "max_ride_min", "detour")


def with_zones(live: Live, draft: Draft, step: Step) -> Step:
    """Return a step of a zone drawn as one that a draft knows: every zone, every mode.

    Parameters
    ----------
    step
        ``{"do": "zone", "name", "polygon", ...}``, see `FIELDS`: corners as longitude and
        latitude, none to take it out; hours as ``"05:00"``.

    Raises
    ------
    MobilityError
        The zone cannot be, or is one of the study's own.
    """
    own = live.data.get("on_demand", [])
    drawn = draft.get("on_demand", [])[len(own) :]
    row = {name: step[name] for name in FIELDS if step.get(name) is not None}
    if row.get("name") in [zone.get("name") for zone in own]:
        raise MobilityError(
            "A zone of the study has this name.", value=row["name"], mend="Choose another name."
        )
    place = next((k for k, z in enumerate(drawn) if z["name"] == row.get("name")), len(drawn))
    zones: list[dict[str, Any]] = list(drawn)
    zones[place : place + 1] = [row] if row.get("polygon") else []
    if not zones:
        return {"do": "zones", "on_demand": [], "evaluated": None}
    try:
        for zone in zones:
            OnDemand.model_validate(zone)
    except ValidationError as error:
        raise explain_validation(error, None, OnDemand) from None
    if len(zones) > MOST_ZONES or any(len(zone["polygon"]) > MOST_CORNERS for zone in zones):
        raise MobilityError("These are too many zones or corners.", mend="Draw fewer.")
    modes = live.study.territory.modes.evaluated
    evaluated = None if "on_demand" in modes else [*modes, "on_demand"]
    return {"do": "zones", "on_demand": [*own, *zones], "evaluated": evaluated}


__all__ = ["with_zones"]
