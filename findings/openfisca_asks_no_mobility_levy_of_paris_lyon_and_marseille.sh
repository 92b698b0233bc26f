#!/bin/sh
# OpenFisca-France asks no versement mobilité of an employer in Paris, Lyon or Marseille, if its
# commune is given by the code of the commune.
#
# Library:   OpenFisca-France 176.1.8, OpenFisca-Core 44.7.1, numpy 2.3.5 (PyPI)
# Expected:  50 workers, 2,000 euros a month each, in November 2026: with depcom_entreprise 75056,
#            69123 and 13055, which are Paris, Lyon and Marseille for INSEE, the rate of the place,
#            as for 85191 (La Roche-sur-Yon, 0.6 %) - or a refusal.
# Observed:  0 %, 0 euros. With the code of an arrondissement it is 2.95 % in Paris 1er (the rate
#            of 2017; it is 3.20 % since February 2024), 1.85 % and 2 %. A code that does not exist
#            has 0 % as well.
# Matters:   The levy, and its refund to an employer that carries its staff, decide who pays for a
#            shuttle. Files of sites carry the commune: the three largest cities then count as
#            places without a mobility authority, and nothing tells a nil from a code not found.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "OpenFisca-France==176.1.8" "OpenFisca-Core==44.7.1" "numpy==2.3.5"

venv/bin/python -W ignore - <<'PY'
import sys

from openfisca_core.simulation_builder import SimulationBuilder
from openfisca_france import FranceTaxBenefitSystem

MONTH = "2026-11"
PLACES = {
    "Paris": "75056",
    "Lyon": "69123",
    "Marseille": "13055",
    "Paris 1er": "75101",
    "Lyon 1er": "69381",
    "Marseille 1er": "13201",
    "La Roche-sur-Yon": "85191",
    "nowhere": "99999",
}
FRANCE = FranceTaxBenefitSystem()


def levy(commune):
    """Return the rate in percent and the euros a month of a worker in this commune."""
    given = {
        "depcom_entreprise": commune,
        "effectif_entreprise": 50,
        "categorie_salarie": "prive_non_cadre",
        "salaire_de_base": 2000,
    }
    case = {
        "individus": {"worker": {name: {MONTH: value} for name, value in given.items()}},
        "familles": {"family": {"parents": ["worker"]}},
        "foyers_fiscaux": {"household": {"declarants": ["worker"]}},
        "menages": {"home": {"personne_de_reference": ["worker"]}},
    }
    simulation = SimulationBuilder().build_from_entities(FRANCE, case)
    rate, paid = (
        float(simulation.calculate(name, MONTH)[0])
        for name in ("taux_versement_transport", "versement_transport")
    )
    return round(100 * rate, 2), round(0 - paid, 2)


seen = {place: levy(code) for place, code in PLACES.items()}
for place, (percent, euros) in seen.items():
    print(f"{place} ({PLACES[place]}): {percent:g} %, {euros:g} euros a month")
if [percent for percent, _ in seen.values()] != [0, 0, 0, 2.95, 1.85, 2, 0.6, 0]:
    sys.exit("Changed: the three cities have a rate under their own codes, or another one.")
PY
