#!/bin/sh
# In rosters, a night crew from 21:00 to 05:00 is on call at no minute of the night; split at
# midnight, it is missing in the hour after midnight.
#
# Library:   rosters 0.0.1 (npm), on Node.js 20
# Expected:  Layers give a start and an end as hours, the last one that holds wins. Morning from
#            05:00, afternoon from 13:00 and night from 21:00 to 05:00 share the day without a gap.
#            A layer without hours underneath, who is called otherwise, is never reached.
# Observed:  From 21:00 to 05:00 the layer underneath answers: an end before the start never holds.
#            With the night in two layers, 21:00 to 24:00 and 00:00 to 05:00, it answers from 00:00
#            to 00:59, which the library writes as 24:00 to 24:59 before it compares.
# Matters:   Who books a ride home, or is told that the bus does not come, at night reaches who is
#            asleep, and the night crew nobody.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

npm install --silent --no-audit --no-fund rosters@0.0.1
cat >calls.cjs <<'JS'
// the library asks for the hour that it is now: a clock that can be set
const RealDate = Date;
let now = 0;
globalThis.Date = class extends RealDate {
  constructor(...given) {
    super(...(given.length ? given : [now]));
  }
};
const { getOnCallPerson } = require("rosters");

const crew = (start, end, name) => ({ start, end, user: { name } });
const underneath = { user: { name: "asleep" } };
const day = [crew("05:00", "13:00", "morning"), crew("13:00", "21:00", "afternoon")];
const rosters = {
  "one night": [underneath, ...day, crew("21:00", "05:00", "night")],
  "night in two": [
    underneath, ...day, crew("21:00", "24:00", "night"), crew("00:00", "05:00", "night"),
  ],
};
for (const [title, layers] of Object.entries(rosters)) {
  const told = [];
  for (const hour of ["04:30", "05:30", "13:30", "21:30", "00:30", "01:30"]) {
    now = RealDate.parse(`2026-11-10T${hour}:00Z`);
    told.push(`${hour} ${getOnCallPerson({ layers }).name}`);
  }
  console.log(`${title}: ${told.join(", ")}`);
}
JS
TZ=UTC node calls.cjs >told.txt
cat told.txt
cat >expected.txt <<'TXT'
one night: 04:30 asleep, 05:30 morning, 13:30 afternoon, 21:30 asleep, 00:30 asleep, 01:30 asleep
night in two: 04:30 night, 05:30 morning, 13:30 afternoon, 21:30 night, 00:30 asleep, 01:30 night
TXT
if ! cmp -s told.txt expected.txt; then
    echo "Changed: others are on call." >&2
    exit 1
fi
