#!/bin/sh
# In 2024, 2027 and 2032 Easter Monday, Ascension and Whit Monday begin at 01:00 in the French
# holidays of @socialgouv/jours-feries, all other days at midnight.
#
# Library:   @socialgouv/jours-feries 2.0.0 (npm)
# Expected:  Holidays are dates at midnight, so that one looks whether a day is among them by its
#            time, as it works for all of 2025 and 2026.
# Observed:  In Paris, Easter Monday, Ascension and Whit Monday of 2024, 2027 and 2032 are at 01:00,
#            and no day at midnight equals them; under UTC, and in 2025, 2026 and 2028, none is. In
#            those years Easter is the Sunday on which clocks go forward, and 24 hours are added to
#            it for each day after it.
# Matters:   Code that found every holiday in two years of use, and in tests under UTC, takes three
#            days off of 2027 for working days: shifts and shuttles are planned on them.
# Instead:   Compare year, month and day.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

npm install --silent --no-audit --no-fund @socialgouv/jours-feries@2.0.0
cat >holidays.cjs <<'JS'
const holidays = require("@socialgouv/jours-feries");

const missed = [];
for (const year of [2024, 2025, 2026, 2027, 2028, 2032]) {
  const midnights = new Set();
  for (let day = 1; day <= 366; day++) midnights.add(new Date(year, 0, day).getTime());
  for (const [name, at] of Object.entries(holidays(year, { alsace: true }))) {
    if (midnights.has(at.getTime())) continue;
    missed.push(`${year} ${name} ${at.getHours()}h`);
  }
}
console.log(missed.join(", ") || "none");
JS
paris=$(TZ=Europe/Paris node holidays.cjs)
utc=$(TZ=UTC node holidays.cjs)
echo "no midnight in Paris: $paris"
echo "no midnight under UTC: $utc"
expected=""
for year in 2024 2027 2032; do
    expected="$expected${expected:+, }$year Lundi de Pâques 1h, $year Ascension 1h"
    expected="$expected, $year Lundi de Pentecôte 1h"
done
if [ "$paris" != "$expected" ] || [ "$utc" != none ]; then
    echo "Changed: other holidays begin at another hour." >&2
    exit 1
fi
