#!/bin/sh
# In an ODS sheet read with calamine, shift ends before midnight are times and later ones are the
# letters PT29H00M00S.
#
# Library:   python-calamine 0.9.1, odfpy 1.4.1 to write the file, pandas 3.1.1 (PyPI)
# Expected:  A column of durations comes as durations, as python-calamine gives them from XLSX
#            ([h]:mm becomes a timedelta).
# Observed:  13:00 is datetime.time(13, 0); 24:00 and 29:00 are texts in ISO 8601 notation, in the
#            same column.
# Matters:   Rosters come from LibreOffice too. Only the night shift changes type, so a reader
#            tried on a day roster breaks, or drops the rows, on the shift that matters.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "python-calamine==0.9.1" "odfpy==1.4.1" "pandas==3.1.1"

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


workbook("roster.ods", [("PT13H00M00S", "13:00"), ("PT24H00M00S", "24:00"), ("PT29H00M00S", "29:00")])
ends = pd.read_excel("roster.ods", engine="calamine").end.tolist()
print(ends)
if [type(end).__name__ for end in ends] != ["time", "str", "str"] or ends[2] != "PT29H00M00S":
    sys.exit("Changed: durations of a day and more now come like the others.")
PY
