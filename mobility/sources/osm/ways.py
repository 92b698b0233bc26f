"""What the tags of a way come to: which class of street it is, and which ways it may be taken.

OpenStreetMap says the same in several keys: a street that cars may not take backward is
``oneway=yes`` with ``oneway:bicycle=no``, ``motor_vehicle:backward=no`` or
``oneway:motor_vehicle=yes`` (wiki, Key:oneway and Forward & backward). Here it is said once.
"""

from __future__ import annotations

from collections.abc import Mapping

from mobility.base.ledger import SourceLedger
from mobility.sources.osm.conditions import ACCESS, OPEN

# Ways that carry one of these values are no street one can travel today.
_NOT_STREETS = frozenset(
    {
        "abandoned", "bus_guideway", "construction", "demolished", "disused", "dismantled",
        "emergency_bay", "escape", "no", "planned", "proposed", "raceway", "razed",
        "removed", "rest_area", "services", "via_ferrata",
    }
)  # fmt: skip
TAG_COLUMNS: tuple[str, ...] = (
    "highway", "name", "ref", "oneway", "maxspeed", "lit", "sidewalk", "surface", "access",
    "foot", "bicycle", "motor_vehicle", "junction", "cycleway", "lanes", "service", "tunnel",
    "bridge", "incline", "vehicle", "motorcar", "motorroad", "oneway:bicycle", "cycleway:left",
    "cycleway:right", "cycleway:both", "sidewalk:left", "sidewalk:right", "sidewalk:both",
    "segregated", "tracktype", "source:maxspeed", "maxspeed:type", "zone:traffic", "bus",
    "duration", "oneway:foot",
)  # fmt: skip
# Why a way of a file is no street of the study.
OTHER_WAYS = {
    "background": "drawn on maps only",
    "not_travelled": "planned, disused or no street to travel on",
    "ferry": "a ferry not said to take cars: public transport, from a timetable",
    "other": "no street",
    "written_twice": "written once more",
    "without_nodes": "its nodes are not in the file",
    "outside": "outside the study area",
}
NO_WAYS = SourceLedger("", 0, 0, unit="ways")
# A ferry is a street of this class, where cars are said to go aboard.
FERRY = "ferry"
# Where one waits for a train is a street of this class, whether or not it has a highway tag.
_PLATFORM = "platform"
# Values whose letters matter; others are compared in small letters.
AS_WRITTEN = frozenset({"name", "ref", "duration"})
# Kept as tags of a way that is no street, or none to travel on, today.
_NOT_TODAY = frozenset(
    {"construction", "disused", "abandoned", "demolished", "razed", "impassable"}
)
# A lane of one's own against the traffic of a one-way street.
_CONTRAFLOW = (
    "cycleway:oneway",
    "cycleway:left:oneway",
    "cycleway:right:oneway",
    "cycleway:both:oneway",
)
_CARS = ("motorcar", "motor_vehicle", "vehicle", "access")
_BICYCLES = ("bicycle", "vehicle", "access")
_PARTICULAR = frozenset(
    {
        *_CONTRAFLOW,
        "bicycle:oneway",
        "conveying",
        "smoothness",
        *(f"oneway:{key}" for key in _CARS),
        *(f"{key}:{way}" for key in ACCESS for way in ("forward", "backward")),
    }
)
_MOVING = {"forward": "yes", "backward": "-1"}


def street_class(tags: Mapping[str, str]) -> str | None:
    """Return the class of street a way, or the area of a relation, is; None if it is none.

    Of a list of classes the first counts.
    """
    highway = tags.get("highway")
    if highway is not None:
        return highway.partition(";")[0].strip().lower()
    if carries_cars(tags):
        return FERRY
    if "platform" in (tags.get("railway"), tags.get("public_transport")):
        return _PLATFORM
    return None


def is_ferry(tags: Mapping[str, str]) -> bool:
    """Return whether a way is a ferry, alone or among other routes."""
    return FERRY in tags.get("route", "").split(";")


def carries_cars(tags: Mapping[str, str]) -> bool:
    """Return whether a way is a ferry said to take cars aboard."""
    if not is_ferry(tags):
        return False
    said = next((tags[key] for key in _CARS[:3] if key in tags), "")
    return any(part.strip() in OPEN or part.strip() == "customers" for part in said.split(";"))


def is_travelled(tags: Mapping[str, str], highway: str) -> bool:
    """Return whether a street of some class is there to be travelled today."""
    if highway in _NOT_STREETS:
        return False
    return _NOT_TODAY.isdisjoint(tags) or all(tags.get(key) != "yes" for key in _NOT_TODAY)


def plain(tags: dict[str, str]) -> dict[str, str]:
    """Return the tags of a street with its directions under ``oneway``, by kind of traveller.

    ``oneway`` is for vehicles, ``oneway:bicycle`` and ``oneway:foot`` for those whose ways
    are others.
    """
    if _PARTICULAR.isdisjoint(tags):
        return tags
    found = dict(tags)
    bicycles = found.get("bicycle:oneway") or _one_way(tags, _BICYCLES)
    if any(_is_contraflow(tags, key) for key in _CONTRAFLOW):
        bicycles = "no"
    cars = next((tags[k] for k in (f"oneway:{key}" for key in _CARS) if k in tags), None)
    cars = cars or _one_way(tags, _CARS)
    if cars is not None and cars != tags.get("oneway", "no"):
        found["oneway"] = cars
        bicycles = bicycles or tags.get("oneway:vehicle") or tags.get("oneway", "no")
    if bicycles is not None:
        found.setdefault("oneway:bicycle", bicycles)
    on_foot = _one_way(tags, ("foot",)) or _MOVING.get(tags.get("conveying", ""))
    if on_foot is not None:
        found.setdefault("oneway:foot", on_foot)
    if tags.get("smoothness") == "impassable":
        found.setdefault("vehicle", "no")
    return found


def _one_way(tags: Mapping[str, str], keys: tuple[str, ...]) -> str | None:
    """Return ``oneway`` as the access each way tells, None where neither is told."""
    forward, backward = (
        next((tags[k] in OPEN for k in (f"{key}:{way}" for key in keys) if k in tags), None)
        for way in ("forward", "backward")
    )
    if backward is False:
        return "yes"
    if forward is False:
        return "-1"
    return "no" if backward else None


def _is_contraflow(tags: Mapping[str, str], key: str) -> bool:
    lane = tags.get(key.removesuffix(":oneway"), "yes")
    return tags.get(key) in ("no", "-1") and lane not in ("no", "none")
