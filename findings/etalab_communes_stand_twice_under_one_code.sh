#!/bin/sh
# In Etalab's table of French communes 584 codes stand twice, and the inhabitants of Paris, Lyon and
# Marseille are counted twice.
#
# Library:   @etalab/decoupage-administratif 6.0.0 (npm), the communes of 2026
# Expected:  communes.json has one row a commune: a lookup by code finds its inhabitants, a join of
#            workers with it keeps their number, and Paris (75) has 2.1 million inhabitants.
# Observed:  584 codes, Annecy and Saint-Denis among them, are also those of a delegated commune:
#            the former commune of that name, which comes later and has no inhabitants. A Map by
#            code ends with it; a join makes 200 workers of 100. The 45 arrondissements have their
#            inhabitants beside those of their city: 4.2 million in Paris.
# Matters:   2.1 million people live in the 584. Their workers weigh twice in a study, or their
#            commune has nobody; rates by département are wrong in the three with the largest cities
#            alone. Everywhere else the same code is right, which is where it is tried.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

npm install --silent --no-audit --no-fund @etalab/decoupage-administratif@6.0.0
cat >read.cjs <<'JS'
const communes = require("@etalab/decoupage-administratif/data/communes.json");

const rows = new Map();
for (const { code } of communes) rows.set(code, (rows.get(code) ?? 0) + 1);
const twice = [...rows].filter(([, count]) => count > 1).map(([code]) => code);
console.log(`codes that stand twice: ${twice.length}`);

const [annecy, laRoche] = ["74010", "85191"];
const byCode = new Map(communes.map((commune) => [commune.code, commune]));
console.log(`Annecy by its code: ${byCode.get(annecy).type}, ${byCode.get(annecy).population}`);
console.log(`La Roche-sur-Yon by its code: ${byCode.get(laRoche).type}`);

const workers = [
  { home: annecy, count: 100 },
  { home: laRoche, count: 100 },
];
for (const { home, count } of workers) {
  const joined = communes.filter((commune) => commune.code === home).map(() => count);
  console.log(`workers of ${home} after a join: ${joined.reduce((a, b) => a + b)} of ${count}`);
}

const population = (chosen) => chosen.reduce((sum, { population = 0 }) => sum + population, 0);
const paris = communes.filter(({ departement }) => departement === "75");
const city = paris.filter(({ type }) => type === "commune-actuelle");
console.log(`inhabitants of Paris: ${population(paris)}, by the commune ${population(city)}`);
JS
node read.cjs >told
cat told
cat >expected <<'TEXT'
codes that stand twice: 584
Annecy by its code: commune-deleguee, undefined
La Roche-sur-Yon by its code: commune-actuelle
workers of 74010 after a join: 200 of 100
workers of 85191 after a join: 100 of 100
inhabitants of Paris: 4207556, by the commune 2103778
TEXT
if ! cmp -s told expected; then
    echo "Changed: each code stands once, or each inhabitant." >&2
    exit 1
fi
