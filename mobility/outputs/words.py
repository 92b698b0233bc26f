"""Words of the outputs: numbers, dates and names in one language, and sentences that stay."""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass
from decimal import Decimal

import pandas as pd

from mobility.base.clock import format_clock
from mobility.base.i18n import (
    HARD_SPACE,
    NARROW_SPACE,
    WEEKDAY_NAMES,
    long_date,
    number,
    translate,
    typeset,
)
from mobility.outputs.map.assets import ENGLISH
from mobility.sources.days import ChosenDay
from mobility.territory.rosters import roster_label, shift_label

_NARROW, HARD = NARROW_SPACE, HARD_SPACE
#: Shown where nothing is computed, or where there is nothing to show.
NOTHING = "–"
MARKS = (
    "“{mark}” stands where a figure is not computed or does not apply. Figures are rounded to be "
    "read: totals, shares and prices follow from the whole values, which the CSV files keep."
)
SHORT_DAYS = {
    "mon": "Mon", "tue": "Tue", "wed": "Wed", "thu": "Thu", "fri": "Fri", "sat": "Sat",
    "sun": "Sun",
}  # fmt: skip
#: A name that stands for something in the program; one without a hyphen may be a word.
_SYMBOL = re.compile(r"[a-z]+(?:_[a-z]+)*")

#: English of kinds of remedies whose name says too little; the catalogue has the French.
LEVERS = {
    "move_trip": "trip moved",
    "move_line": "departures of a line moved",
    "add_run": "trip added",
    "extend": "extension to the site",
    "remove": "trip taken out",
    "hold": "connection held",
    "lift_school": "school trip run all year",
    "shift_hours": "shift hours moved",
    "pair": "two changes of hours together",
    "stop": "new stop on a line",
}

WORST_OF = (
    "Worst-of rule: a roster holds for a worker only when every one of its shifts can be reached "
    "on time and left again, on every kind of day on which it works; one shift without a bus "
    "makes the whole job unreachable."
)

#: Remedy to examine first, per binding reason (English templates, as all that follow).
REMEDIES = {
    "no_stop_home": "A stop or a shuttle nearer to the homes, cycling or driving to a stop, "
    "car-pooling from the village.",
    "no_stop_gate": "Extend a line to the gate, open a gate or a footpath towards the stop, a "
    "short shuttle from the stop.",
    "no_service_hour": "Move or add a trip before the shift starts or after it ends, run a "
    "shuttle for that shift, or move the shift by a quarter of an hour.",
    "no_service_day": "Run the weekday trips on that day too, at the hours of the shift; failing "
    "that, on-demand transport or a shuttle for that day.",
    "no_return": "A trip after the end of the shift: the way there exists already. Until then, "
    "a guaranteed ride home or car-pooling for the return.",
    "too_long": "A more direct or faster trip, a shuttle, a shorter wait at the connection.",
    "too_many_transfers": "A direct trip, or a line prolonged so that one change less is needed.",
    "only_school_days": "Keep the school-term trip running in the holidays.",
    "unsafe_night": "Light the road, build a pavement, or move the stop to the gate.",
    "several": "No single measure is enough: a shuttle or car-pooling to examine first.",
}

DEFINITIONS = {
    "White zone": "In this report, homes from where no mode that counts leads to work and back at "
    "the hours of the shift (service sense). It is not the institutional sense, an area outside "
    "any mobility authority.",
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


def _missing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))


def natural(name: str) -> list[str | int]:
    """Return what sorts a name as people do: N2 before N10, figures before words."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]


@dataclass(frozen=True)
class Words:
    """Texts in one language.

    Attributes
    ----------
    language
        ``fr`` or ``en``.
    days
        Kinds of day of the study, which bring their names.
    """

    language: str
    days: tuple[ChosenDay, ...] = ()

    def t(self, template: str, **params: object) -> str:
        """Return an English template in the language, its fields filled in."""
        return self.set_spaces(translate(template, self.language, **params))

    def set_spaces(self, text: str) -> str:
        """Return a text as it is printed in the language."""
        return typeset(text, self.language)

    def known(self, kind: str, symbol: str) -> str:
        """Return the words of a symbol of `mobility.outputs.map.assets`, else the symbol."""
        return self.t(ENGLISH.get(f"{kind} {symbol}", symbol))

    def number(self, value: object, decimals: int = 0) -> str:
        """Return a number with its thousands apart, or `NOTHING` where it is not computed."""
        if _missing(value):
            return NOTHING
        return number(float(str(value)), self.language, decimals)

    def value(self, value: object) -> str:
        """Return a number with the two decimals, at most, that it has."""
        if _missing(value):
            return self.number(value)
        text = f"{float(str(value)):.2f}".rstrip("0").rstrip(".")
        return self.number(value, len(text.partition(".")[2]))

    def exact(self, value: object) -> str:
        """Return a number with all its decimals, to six digits."""
        if _missing(value):
            return self.number(value)
        text = format(Decimal(f"{float(str(value)):.6g}"), "f")
        return self.number(value, len(text.partition(".")[2]))

    def percent(self, share: object) -> str:
        """Return a share between 0 and 1 in per cent; near both ends with a decimal."""
        if _missing(share):
            return NOTHING
        per_cent = 100 * float(str(share))
        decimals = int(0 < per_cent < 10 or 99 < per_cent < 100)
        text = f"{per_cent:.{decimals}f}"
        if per_cent and float(text) == 0:
            text = f"<{HARD}0.1"
        elif per_cent < 100 and float(text) == 100:
            text = f">{HARD}99.9"
        return f"{text.replace('.', ',')}{_NARROW}%" if self.language == "fr" else f"{text}%"

    def date(self, date: dt.date) -> str:
        """Return e.g. ``mardi 17 novembre 2026``."""
        return f"{self.t(WEEKDAY_NAMES[date.weekday()])} {long_date(date, self.language)}"

    def hours(self, start_s: int, end_s: int) -> str:
        """Return e.g. ``05:00–13:00``."""
        return f"{format_clock(start_s)}–{format_clock(end_s)}"

    def clock(self, time_s: object) -> str:
        """Return e.g. ``05:00``."""
        return format_clock(int(str(time_s)))

    def day(self, kind: str) -> str:
        """Return the name of a kind of day; none of them stands for all."""
        if not kind:
            return self.t("all working days")
        label = next((day.label for day in self.days if day.kind == kind), None)
        return self.t(label) if label else self.known("day", kind)

    def symbol(self, name: str) -> str:
        """Return the words of a name known to the program alone, or of several of them."""
        text = self.t(name)
        parts = name.split()
        # Several words of the catalogue, such as "to work", are one phrase.
        phrase = len(parts) > 1 and translate(name, "fr") != name
        if text == name and parts and not phrase and all(map(_SYMBOL.fullmatch, parts)):
            text = self.t("; ").join(map(self._one_symbol, parts))
        return text

    def _one_symbol(self, name: str) -> str:
        known = [ENGLISH[key] for kind in ("mode", "day") if (key := f"{kind} {name}") in ENGLISH]
        text = self.t(known[0] if known else name)
        return (LEVERS.get(name, name) if text == name else text).replace("_", " ")

    def weekdays(self, days: tuple[str, ...]) -> str:
        """Return the short names of weekdays."""
        return ", ".join(self.t(SHORT_DAYS[day]) for day in days)

    def roster(self, name: str) -> str:
        """Return a roster's name as people write it."""
        return roster_label(name, self.language)

    def shift(self, names: str) -> str:
        """Return a shift's name as people write it, or several parted by commas."""
        return ", ".join(shift_label(name, self.language) for name in names.split(", "))

    def reason(self, symbol: str) -> str:
        """Return the words of a reason, empty for none."""
        return self.known("reason", symbol) if symbol else NOTHING


#: The name up to its size of vehicle or kind of day → English template.
FACTORS = {
    "driver_hour": "An hour of a driver's work",
    "driver_min_hours": "Least pay of a driver's duty",
    "driver_break_share": "Pay of a driver between two parts of a day",
    "driver_year_hours": "Hours of a full-time driver",
    "overhead": "Structure costs of the operator",
    "vehicle_fixed": "Vehicle, whatever it drives",
    "vehicle_km": "Vehicle, each kilometre",
    "vehicle_co2": "Vehicle, emissions",
    "drive_p95.night": "Driving on a slow day, by night",
    "drive_p95.day": "Driving on a slow day, by day",
    "drive_p95.peak": "Driving on a slow day, at peak hours",
    "car_co2": "Car, emissions",
    "car_occupancy": "Workers in a car",
    "stop_eur_year": "New stop of a shuttle",
    "days_per_year": "Days of this kind",
    "duty.max_continuous_drive": "Longest driving without a break",
    "duty.max_night_drive": "The same by night",
    "duty.break": "Break after it",
    "duty.max_daily_drive": "Longest driving in a day",
    "duty.max_work": "Longest work in a day",
    "duty.max_spread": "Longest day from start to end",
    "duty.sign_on": "Taking and leaving the service",
    "duty.min_rest": "Least rest between two days",
    "light.new_stop_eur_year": "Lighter answer: a new stop",
    "light.extension_driver_hour": "Lighter answer: a line extended, an hour",
    "light.extension_km": "Lighter answer: a line extended, a kilometre",
    "light.taxi_base": "Booked rides: hiring a taxi",
    "light.taxi_km.day": "Booked rides: a taxi’s kilometre by day",
    "light.taxi_km.night": "Booked rides: a taxi’s kilometre by night",
    "light.taxi_passengers": "Booked rides: riders in a taxi",
    "light.booking_trip": "Booked rides: taking a booking",
    "light.carpool_worker_year": "Lighter answer: car-pooling",
    "light.carpool_adoption": "Lighter answer: those who car-pool",
    "light.carpool_crew": "Lighter answer: persons in a shared car",
    "bus_hour": "An hour of a bus added",
    "line_detour": "Way of a line over the straight line",
    "empty_run_share": "Empty running of a run added",
    "retiming_year": "A departure retimed",
    "bus_wait_hour": "A driver’s day longer by an hour",
    "night_premium": "Night premium of drivers",
    "driver_turn": "Least pay of a driver’s turn",
    "bus_vehicle_year": "A vehicle added",
    "new_stop": "A stop built",
    "new_stop_years": "Years that a stop lasts",
    "shift_change_worker": "Shift hours moved",
    "carpool_worker_year": "Car-pooling, a worker",
    "carpool_adoption": "Car-pooling, those who take it up",
    "bike_worker_year": "Cycling, a worker",
    "bike_adoption": "Cycling, those who take it up",
    "cycle_track_m": "A cycle track, each metre",
    "cycle_track_years": "Years that a cycle track lasts",
    "payroll_worker_year": "Gross pay of a worker",
    "worked_days_year": "Days that a worker comes to work",
    "versement_mobilite_rate": "Rate of the versement mobilité",
    "light.on_demand_trip": "An on-demand trip, its whole cost",
    "co2.car": "Car, emissions",
    "co2.bus": "Bus, emissions",
    "co2.coach": "Coach, emissions",
    "co2.tram": "Tram, emissions",
    "co2.metro": "Metro, emissions",
    "co2.rail": "Train, emissions",
    "co2.bike": "Bicycle, emissions",
    "co2.e_bike": "Electric bicycle, emissions",
    "cost.car_km": "A kilometre by car",
    "cost.bike_km": "A kilometre by bicycle",
    "cost.e_bike_km": "A kilometre by electric bicycle",
    "cost.transit_year": "A yearly pass",
    "cost.transit_employer": "Employer’s share of the pass",
    "cost.on_demand_trip": "Fare of an on-demand trip",
    "carpool.crew": "Persons in a shared car",
    "risk.accidents": "Accidents, all roads and hours",
    "risk.motorway": "Risk on motorways",
    "risk.outside": "Risk on other roads outside towns",
    "risk.inside": "Risk in built-up areas",
    "risk.dark_outside": "Risk in the dark, outside towns",
    "risk.dark_inside": "Risk in the dark, built-up areas",
    "risk.twilight": "Risk at dawn and dusk",
    "risk.small_hours": "Risk from 3:00 to 5:00",
    "risk.dark_traffic": "Traffic without daylight",
}
_BY_DAY = "days_per_year"


def factor_label(name: str, words: Words) -> str:
    """Return what a factor is, with its size of vehicle or its kind of day."""
    if name in FACTORS:
        return words.t(FACTORS[name])
    head, _, tail = name.rpartition(".")
    if head not in FACTORS:
        return name
    return f"{words.t(FACTORS[head])} ({words.day(tail) if head == _BY_DAY else tail})"


def factor_text(name: str, words: Words) -> str:
    """Return what a factor is, and its name in the territory file, where it is changed."""
    label = factor_label(name, words)
    return name if label == name else f"{label} ({name})"
