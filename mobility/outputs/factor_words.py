"""What each factor is, in words."""

from __future__ import annotations

from mobility.outputs.words import Words

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
