#!/bin/sh
# The same tag with SH (school holidays) is ignored by one opening_hours reader and refused whole
# by the other from summer 2027.
#
# Library:   opening-hours-py 2.1.4 (PyPI), opening_hours 3.15.0 (npm)
# Expected:  "Mo-Fr 07:00-19:00; SH off" in the Vendee (zone B): both readers close it on 20 July
#            2026 and 2027, or say alike that they do not know.
# Observed:  Both know the country. The Python one is open on 20 July of both years without a
#            word. The JavaScript one is closed in 2026; for 20 July 2027 it raises (no school
#            holidays for 2027), though it answers for 17 February 2027.
# Matters:   School terms decide bus timetables in rural areas. A check made with one tool in the
#            browser and the other in a script disagrees today, and the browser page stops
#            answering next summer.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check "opening-hours-py==2.1.4"
npm install --silent --no-audit --no-fund opening_hours@3.15.0

venv/bin/python - >python.txt <<'PY'
from datetime import datetime

from opening_hours import OpeningHours

hours = OpeningHours("Mo-Fr 07:00-19:00; SH off", country="FR")
print(*(hours.is_open(datetime(year, 7, 20, 10)) for year in (2026, 2027)))
PY
cat >read.mjs <<'JS'
import opening_hours from "opening_hours";

const place = { lat: 46.67, lon: -1.43, address: { country_code: "fr", state: "Pays de la Loire" } };
const open = (when) => {
  try {
    return new opening_hours("Mo-Fr 07:00-19:00; SH off", place).getState(new Date(when));
  } catch (error) {
    return "refused";
  }
};
console.log(["2026-07-20T10:00", "2027-02-17T10:00", "2027-07-20T10:00"].map(open).join(" "));
JS
TZ=Europe/Paris node read.mjs >javascript.txt 2>/dev/null
echo "Python, open on 20 July 2026 and 2027: $(cat python.txt)"
echo "JavaScript, 20 July 2026, 17 February 2027, 20 July 2027: $(cat javascript.txt)"
if [ "$(cat python.txt)" != "True True" ] || [ "$(cat javascript.txt)" != "false true refused" ]; then
    echo "Changed: the readers treat school holidays otherwise now." >&2
    exit 1
fi
