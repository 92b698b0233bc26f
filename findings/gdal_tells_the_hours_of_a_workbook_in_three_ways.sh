#!/bin/sh
# Read through GDAL, one column of shift ends holds 05:00:00 for 29 hours, or 1.2083, by the
# cell's format alone.
#
# Library:   pyogrio 0.13.0 with its GDAL 3.12.4 (PyPI), geopandas 1.2.0, pandas 3.1.1, openpyxl
#            3.1.5 to write the file
# Expected:  29 hours in an XLSX cell (1.2083 days) are told as a duration, or alike for each
#            format of time.
# Observed:  With the format hh:mm the text 05:00:00 comes, the day gone; with [h]:mm, the format
#            meant for more than 24 hours, the text 1.208333333333333; a 24:00 in hh:mm is
#            00:00:00, the same as midnight at the start of the day. All in one column of texts.
# Matters:   QGIS opens a roster so. The careful planner's [h]:mm is the one that stops being a
#            time, and the careless hh:mm moves the end of a night shift a day earlier.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "pyogrio==0.13.0" "geopandas==1.2.0" "pandas==3.1.1" "openpyxl==3.1.5"

venv/bin/python -W ignore - <<'PY'
import sys

import openpyxl
import pyogrio

book = openpyxl.Workbook()
sheet = book.active
sheet.append(["shift", "end"])
for row, (days, style) in enumerate(
    [(13 / 24, "hh:mm"), (29 / 24, "hh:mm"), (29 / 24, "[h]:mm"), (1.0, "hh:mm"), (0.0, "hh:mm")], 2
):
    sheet.append([style, days])
    sheet.cell(row, 2).number_format = style
book.save("roster.xlsx")
ends = pyogrio.read_dataframe("roster.xlsx").end.tolist()
print("13 h, 29 h, 29 h as [h]:mm, 24 h, 0 h:", ends)
if ends != ["13:00:00", "05:00:00", "1.208333333333333", "00:00:00", "00:00:00"]:
    sys.exit("Changed: GDAL tells the hours of a workbook in another way.")
PY
