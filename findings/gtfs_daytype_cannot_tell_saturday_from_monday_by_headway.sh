#!/bin/sh
# Days that differ only in how often the bus comes, or in whether it may be boarded, are one day
# type to gtfs-daytype.
#
# Library:   gtfs-daytype 0.1.0, pandas 3.1.1 (PyPI)
# Expected:  Two dates are of one day type when the same service is offered: every ten minutes
#            from 04:00 to 22:00 differs from hourly from 09:00 to 12:00, and a trip that sets
#            down only differs from one that takes riders.
# Observed:  frequencies.txt and pickup_type are not looked at: weekdays and Saturday come out as
#            one type, represented by the first Monday, in both cases.
# Matters:   Kinds of days are how shift weeks are judged. The representative day carries the
#            early buses of a weekday into Saturdays that have none before 09:00.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "gtfs-daytype==0.1.0"

venv/bin/python -W ignore - <<'PY'
import sys
import zipfile


def feed(path, **tables):
    """Write a GTFS zip: the tables given, over one agency, three stops and one route."""
    base = {
        "agency": "agency_id,agency_name,agency_url,agency_timezone\n"
        "A,A,http://example.org,Europe/Paris\n",
        "stops": "stop_id,stop_name,stop_lat,stop_lon\n"
        "S1,Town,46.67,-1.43\nS2,Bridge,46.68,-1.42\nS3,Plant,46.70,-1.40\n",
        "routes": "route_id,agency_id,route_short_name,route_type\nR1,A,1,3\n",
        "calendar": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,"
        "start_date,end_date\nW,1,1,1,1,1,0,0,20261102,20261127\n",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {**base, **tables}.items():
            archive.writestr(name if "." in name else name + ".txt", text)


from gtfs_daytype import extract_daytypes

calendar = (
    "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n"
    "W,1,1,1,1,1,0,0,20261102,20261108\nX,0,0,0,0,0,1,0,20261102,20261108\n"
)
trips = "route_id,service_id,trip_id\nR1,W,T1\nR1,X,T2\n"


def stop_times(pickup, saturday_pickup):
    return (
        "trip_id,arrival_time,departure_time,stop_id,stop_sequence,pickup_type\n"
        f"T1,05:00:00,05:00:00,S1,1,{pickup}\nT1,05:20:00,05:20:00,S3,2,{pickup}\n"
        f"T2,05:00:00,05:00:00,S1,1,{saturday_pickup}\nT2,05:20:00,05:20:00,S3,2,{saturday_pickup}\n"
    )


feed(
    "headway.zip", trips=trips, calendar=calendar, stop_times=stop_times(0, 0),
    frequencies="trip_id,start_time,end_time,headway_secs\n"
    "T1,04:00:00,22:00:00,600\nT2,09:00:00,12:00:00,3600\n",
)
feed("pickup.zip", trips=trips, calendar=calendar, stop_times=stop_times(0, 1))
kinds = {}
for name in ("headway.zip", "pickup.zip"):
    types = extract_daytypes(name).daytypes
    kinds[name] = len(types)
    print(name, [(str(kind.representative_date), len(kind.dates)) for kind in types])
if kinds != {"headway.zip": 1, "pickup.zip": 1}:
    sys.exit("Changed: headways or boarding rules now make day types differ.")
PY
