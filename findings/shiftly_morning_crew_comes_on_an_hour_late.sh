#!/bin/sh
# shiftly tells the crews of a 3x8 roster right when its pattern starts with the morning, and two
# of three an hour late when the same roster starts with the night.
#
# Library:   @statengine/shiftly 0.0.131 (npm)
# Expected:  shiftDuration is the number of hours of each shift of the pattern. 8 hours, morning
#            from 05:00, afternoon from 13:00, night from 21:00: the same crews whether the
#            pattern is written MAN from 05:00 or NMA from 21:00 the evening before.
# Observed:  MAN changes crews at 05:00, 13:00 and 21:00, NMA at 06:00, 14:00 and 21:00. Before
#            the hour at which the pattern starts an hour is taken off, each day. MAN from 04:30
#            changes at 04:30, 12:00 and 20:00: only the first change knows of the half hour.
# Matters:   Rosters of a week often start with the night of Sunday. The night crew is then planned
#            onto the 06:00 bus, though its work ends at 05:00, and so is the morning crew, which
#            began an hour before.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

npm install --silent --no-audit --no-fund @statengine/shiftly@0.0.131
cat >changes.js <<'JS'
const { ShiftConfiguration } = require("@statengine/shiftly");

/** The changes of crew over a Tuesday, each as the minute it happens at and who comes on. */
function changes(firstDay, shiftStart, pattern) {
  const roster = new ShiftConfiguration({
    firstDay, shiftStart, pattern, shiftDuration: 8, timeZone: "Europe/Paris",
  });
  const found = [];
  let last;
  for (let minute = 0; minute < 1440; minute++) {
    const at = new Date(Date.UTC(2026, 10, 9, 23, minute)); // midnight in Paris is 23:00
    const crew = roster.calculateShift(at.toISOString());
    const clock = new Date(Date.UTC(2026, 10, 10, 0, minute)).toISOString().slice(11, 16);
    if (last !== undefined && crew !== last) found.push(`${clock} ${crew}`);
    last = crew;
  }
  return found.join(", ");
}

console.log("MAN from 05:00: " + changes("2026-11-02", "0500", "MAN"));
console.log("NMA from 21:00: " + changes("2026-11-01", "2100", "NMA"));
console.log("MAN from 04:30: " + changes("2026-11-02", "0430", "MAN"));
JS
node changes.js >told.txt
cat told.txt
cat >expected.txt <<'TXT'
MAN from 05:00: 05:00 M, 13:00 A, 21:00 N
NMA from 21:00: 06:00 M, 14:00 A, 21:00 N
MAN from 04:30: 04:30 M, 12:00 A, 20:00 N
TXT
if ! cmp -s told.txt expected.txt; then
    echo "Changed: the crews change at other hours." >&2
    exit 1
fi
