#!/bin/sh
# Cells of one H3 resolution differ by a third between the Antilles and La Reunion, and by a fifth
# between Lille and Bastia.
#
# Library:   h3 4.5.0 (PyPI)
# Expected:  Cells of a resolution are nearly of one size: average_hexagon_area(9), 0.105 km2,
#            turns a count per cell into a density.
# Observed:  At resolution 9: Lille 0.091, La Roche-sur-Yon 0.101, Bastia 0.109, Pointe-a-Pitre
#            0.087, La Reunion 0.114 km2. The average is wrong by -18 % to +8 %, and edges of one
#            cell in Guadeloupe go from 173 to 193 m.
# Matters:   Workers or stops per cell are compared between territories and used as walking
#            catchments: the same density looks a fifth thinner in Lille than in Bastia.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "h3==4.5.0"

venv/bin/python -W ignore - <<'PY'
import sys

import h3

places = {
    "Lille": (50.6, 3.06), "La Roche-sur-Yon": (46.67, -1.43), "Bastia": (42.7, 9.45),
    "Pointe-a-Pitre": (16.24, -61.5), "La Reunion": (-21.0, 55.4),
}
average = h3.average_hexagon_area(9)
areas = {name: h3.cell_area(h3.latlng_to_cell(*at, 9)) for name, at in places.items()}
for name, area in areas.items():
    print(f"{name}: {area:.4f} km2, {area / average - 1:+.0%} of the average {average:.4f}")
mainland = areas["Bastia"] / areas["Lille"]
overseas = areas["La Reunion"] / areas["Pointe-a-Pitre"]
print(f"Bastia / Lille {mainland:.2f}, La Reunion / Pointe-a-Pitre {overseas:.2f}")
if not (1.15 < mainland < 1.25 and 1.25 < overseas < 1.4):
    sys.exit("Changed: cells of one resolution no longer differ so across France.")
PY
