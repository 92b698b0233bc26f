"""Sentences of the report that do not depend on the results (English templates)."""

from __future__ import annotations

WORST_OF = (
    "Worst-of rule: a roster holds for a worker only when every one of its shifts can be reached "
    "on time and left again, on every kind of day on which it works; one shift without a bus "
    "makes the whole job unreachable."
)

#: Remedy to examine first, per binding reason.
REMEDIES = {
    "no_stop_home": "A stop or a shuttle nearer to the homes, cycling or driving to a stop, "
    "car-pooling from the village.",
    "no_stop_gate": "Extend a line to the gate, open a gate or a footpath towards the stop, a "
    "short shuttle from the stop.",
    "no_service_hour": "Move or add a trip before the shift starts or after it ends, run a "
    "shuttle for that shift, or move the shift by a quarter of an hour.",
    "no_return": "A trip after the end of the shift: the way there exists already. Until then, "
    "a guaranteed ride home or car-pooling for the return.",
    "too_long": "A more direct or faster trip, a shuttle, a shorter wait at the connection.",
    "too_many_transfers": "A direct trip, or a line prolonged so that one change less is needed.",
    "only_school_days": "Keep the school-term trip running in the holidays.",
    "unsafe_night": "Light the road, build a pavement, or move the stop to the gate.",
    "several": "No single measure is enough: a shuttle or car-pooling to examine first.",
}

DEFINITIONS = {
    "White zone": "White zone, in this report: from there, no usable journey without a car at the "
    "hours of the shift (service sense). It is not the institutional sense, an area outside any "
    "mobility authority.",
    "Outbound": "Leave home as late as possible and be at a gate before the shift starts, the "
    "margin inside the plant kept. The wait at the gate counts.",
    "Return": "Leave the gate after the shift ends, the margin kept, and be home as early as "
    "possible. The wait for the bus counts.",
    "Roster": "The set of shifts one worker rotates through, such as 3×8: morning, afternoon, "
    "night.",
    "Labour pool": "Every worker who lives in the territory or, where an employee file says who "
    "they are, the site's own employees. Homes are cells, never addresses.",
    "White site": "A site that less than the threshold share of its labour pool can reach on a "
    "shift, or for a roster.",
}

METHODS = (
    (
        "Walks follow the streets of OpenStreetMap, from the nearest point on a street of each "
        "home, stop and gate."
    ),
    (
        "Timetables are GTFS feeds. The day before and the day after are on the same clock, so "
        "that a night shift comes home on the next morning's timetable."
    ),
    "Journeys are exact within the limits: an independent, slower method agrees to the second.",
    (
        "The binding reason is found by relaxing one limit at a time and computing again; it names "
        "what to examine first, not the whole remedy."
    ),
    (
        "The date of each kind of day is the most typical one in the timetables, unless the "
        "territory file fixes it."
    ),
    (
        "The same files and parameters give the same figures; run.json holds their hashes and the "
        "versions."
    ),
)
