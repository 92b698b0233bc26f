#!/bin/sh
# A line described by headways gets one bus too many from gtfs-utils: its template at the hour
# written in stop_times.txt.
#
# Library:   gtfs-utils 5.1.0 (npm)
# Expected:  For a trip in frequencies.txt with exact_times 0, the times of stop_times.txt are
#            only offsets: a period from 21:00 to 22:00 every 30 minutes gives departures at 21:00
#            and 21:30.
# Observed:  compute-stopovers gives 21:00, 21:30 and a departure at 05:00, the hour the template
#            happens to be written at.
# Matters:   A template may be written at any hour. A night line then seems to serve the morning
#            shift with a bus that does not exist.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

npm install --silent --no-audit --no-fund gtfs-utils@5.1.0
cat >stops.txt <<'CSV'
stop_id,stop_name,stop_lat,stop_lon
S1,Town,46.67,-1.43
S2,Plant,46.70,-1.40
CSV
cat >routes.txt <<'CSV'
route_id,route_short_name,route_type
R1,N,3
CSV
cat >trips.txt <<'CSV'
route_id,service_id,trip_id
R1,W,T1
CSV
cat >stop_times.txt <<'CSV'
trip_id,arrival_time,departure_time,stop_id,stop_sequence
T1,05:00:00,05:00:00,S1,1
T1,05:20:00,05:20:00,S2,2
CSV
cat >calendar.txt <<'CSV'
service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date
W,0,0,0,0,1,0,0,20261127,20261127
CSV
cat >calendar_dates.txt <<'CSV'
service_id,date,exception_type
CSV
cat >frequencies.txt <<'CSV'
trip_id,start_time,end_time,headway_secs,exact_times
T1,21:00:00,22:00:00,1800,0
CSV
cat >read.mjs <<'JS'
import readCsv from "gtfs-utils/read-csv.js";
import computeStopovers from "gtfs-utils/compute-stopovers.js";

const departures = [];
for await (const call of computeStopovers((name) => readCsv(`${name}.txt`), "Europe/Paris")) {
  if (call.stop_id !== "S1") continue;
  const at = new Date(call.departure * 1000);
  departures.push(at.toLocaleTimeString("fr-FR", { timeZone: "Europe/Paris" }));
}
console.log(departures.sort().join(" "));
JS
departures=$(node read.mjs)
echo "departures: $departures"
if [ "$departures" != "05:00:00 21:00:00 21:30:00" ]; then
    echo "Changed: the template of a headway service is no longer run as well." >&2
    exit 1
fi
