#!/bin/sh
# pandas reads the text an ODS cell shows, not the hours it stores: the same 29 hours are 05:00 or
# an error.
#
# Library:   pandas 3.1.1 with odfpy 1.4.1 (PyPI)
# Expected:  Numbers, dates and durations are read from the stored value (office:time-value),
#            whatever the cell's format.
# Observed:  PT29H00M00S shown as 05:00 is read as 05:00, the day lost without a word; shown as
#            29:00 it raises and the whole sheet is refused (hour must be in 0..23), the day
#            shifts with it.
# Matters:   The format of one cell, invisible to the employer, chooses between a night shift that
#            ends before it starts and a roster that does not open.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "odfpy==1.4.1" "pandas==3.1.1"

venv/bin/python -W ignore - <<'PY'
import sys

import odf.opendocument
import odf.table
import odf.text
import pandas as pd


def workbook(path, cells):
    """Write an ODS sheet: one column of durations, each as (stored value, text shown)."""
    document = odf.opendocument.OpenDocumentSpreadsheet()
    table = odf.table.Table(name="shifts")
    document.spreadsheet.addElement(table)
    for stored, shown in [(None, "end"), *cells]:
        kind = {"valuetype": "time", "timevalue": stored} if stored else {"valuetype": "string"}
        cell = odf.table.TableCell(**kind)
        cell.addElement(odf.text.P(text=shown))
        row = odf.table.TableRow()
        row.addElement(cell)
        table.addElement(row)
    document.save(path)


workbook("short.ods", [("PT13H00M00S", "13:00"), ("PT29H00M00S", "05:00")])
workbook("long.ods", [("PT13H00M00S", "13:00"), ("PT29H00M00S", "29:00")])
ends = [str(end) for end in pd.read_excel("short.ods", engine="odf").end]
try:
    pd.read_excel("long.ods", engine="odf")
    refused = ""
except ValueError as error:
    refused = f"{type(error).__name__}: {error}"
print("29 h shown as 05:00:", ends, "- shown as 29:00:", refused)
if ends != ["13:00:00", "05:00:00"] or "hour must be in 0..23" not in refused:
    sys.exit("Changed: the stored hours are read now.")
PY
