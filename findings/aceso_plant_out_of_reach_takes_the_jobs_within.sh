#!/bin/sh
# A second plant that nobody can reach in time changes who has the jobs of the first, in aceso's
# three-step catchment.
#
# Library:   aceso 0.1.0, numpy 2.3.5 (PyPI)
# Expected:  Two villages of 100 workers, each 20 minutes from a plant with 100 jobs, in a catchment
#            of 30 minutes: half a job for each worker. A plant at 31 minutes from one of them and a
#            day from the other is outside every catchment, so nothing changes. The shares among
#            plants are shares among those in reach (Wan and others, 2012).
# Observed:  Without it, and with TwoStepFCA in any case, 0.5 and 0.5. ThreeStepFCA gives the first
#            village 0.381 and the second 0.619 once the plant at 31 minutes is in the matrix: its
#            workers are taken to wish for it, though none can go there. Written as infinite, it
#            changes nothing.
# Matters:   Matrices hold all pairs within an hour or two, plants far beyond the catchment too. The
#            more a village has around it that it cannot reach, the fewer jobs it seems to have.
# Instead:   Set times beyond the catchment to infinity.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check "aceso==0.1.0" "numpy==2.3.5"

venv/bin/python -W ignore - <<'PY'
import sys

import aceso
import numpy as np

CATCHMENT = 30.0
MODELS = {
    "two steps": aceso.TwoStepFCA(radius=CATCHMENT),
    "three steps": aceso.ThreeStepFCA("uniform", {"scale": CATCHMENT}),
}


def jobs(minutes, plants):
    """Return the jobs for each worker of the two villages, by model."""
    return {
        name: model.calculate_accessibility_scores(
            np.array(minutes, float), np.array([100.0, 100.0]), np.array(plants, float)
        )
        .round(3)
        .tolist()
        for name, model in MODELS.items()
    }


alone = jobs([[20], [20]], [100])
beside = jobs([[20, 31], [20, 1440]], [100, 500])
infinite = jobs([[20, np.inf], [20, np.inf]], [100, 500])
print("one plant:", alone)
print("a second one out of reach:", beside)
print("the same, as infinite:", infinite)
half = [0.5, 0.5]
if alone != dict.fromkeys(MODELS, half) or infinite != alone or beside["two steps"] != half:
    sys.exit("Changed: jobs within reach are shared otherwise.")
if beside["three steps"] != [0.381, 0.619]:
    sys.exit("Changed: a plant out of reach takes no part, or another one.")
PY
