#!/bin/sh
# In ADEME's model of personal footprints, cycling to work instead of driving saves as much as the
# bicycle emits, and an electric bicycle saves more than one without a motor.
#
# Library:   @incubateur-ademe/nosgestesclimat 4.10.2, publicodes 1.10.3 (npm)
# Expected:  The action of going to work otherwise than by car is worth what it saves: the car's
#            emissions on the way to work less those of the other mode, for each mode. For 8 km,
#            five days a week, alone (3,760 km a year, 1,021 kg of CO2e), cycling saves the most.
# Observed:  Bus 597 kg, TER train 917, metro or tram 993, bicycle 10, electric bicycle 30. Twice
#            as far the first three double; the bicycle stays at 10, the electric one makes 39.
#            For public transport the difference is told, for the others the footprint alone: the
#            more a bicycle emits, the more it saves.
# Matters:   A mobility plan that ranks its measures by this model, with the national factors, puts
#            the cycle track last, sixty times behind the bus, and electric bicycles before others.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

# the package's own install script asks for another package manager
npm install --silent --no-audit --no-fund --ignore-scripts \
    @incubateur-ademe/nosgestesclimat@4.10.2 publicodes@1.10.3
cat >actions.mjs <<'JS'
import { readFileSync } from "node:fs";
import Engine from "publicodes";

const folder = "node_modules/@incubateur-ademe/nosgestesclimat/public/";
const rules = JSON.parse(readFileSync(folder + "co2-model.FR-lang.fr.json", "utf8"));
const silent = { log() {}, warn() {}, error() {} };
const engine = new Engine(rules, { logger: silent, strict: { situation: false } });
const car = "transport . voiture . ";
const work = car + "boulot . ";

const modes = {
  bus: "bus", TER: "train", "métro ou tramway": "tram",
  "vélo classique": "bicycle", "vélo électrique": "electric bicycle",
};

/** What is saved in a year by each mode, in kg of CO2e, for a worker who drives alone. */
function saved(km) {
  const told = [];
  for (const [mode, name] of Object.entries(modes)) {
    engine.setSituation({
      [car + "utilisateur"]: "'propriétaire'",
      [car + "km"]: 12000,
      [car + "voyageurs"]: 1,
      [work + "voyageurs"]: 1,
      [work + "jours travaillés en voiture"]: 5,
      [work + "distance . km aller"]: km,
      [work + "sans voiture . type"]: `'${mode}'`,
    });
    told.push(`${name} ${Math.round(engine.evaluate(work + "sans voiture").nodeValue)}`);
  }
  const driven = engine.evaluate(work + "faire du covoiturage . empreinte boulot").nodeValue;
  return `${told.join(", ")} of ${Math.round(driven)}`;
}

console.log("8 km: " + saved(8));
console.log("16 km: " + saved(16));
JS
node actions.mjs >told.txt
cat told.txt
cat >expected.txt <<'TXT'
8 km: bus 597, train 917, tram 993, bicycle 10, electric bicycle 30 of 1021
16 km: bus 1195, train 1834, tram 1986, bicycle 10, electric bicycle 39 of 2042
TXT
if ! cmp -s told.txt expected.txt; then
    echo "Changed: other amounts are saved." >&2
    exit 1
fi
