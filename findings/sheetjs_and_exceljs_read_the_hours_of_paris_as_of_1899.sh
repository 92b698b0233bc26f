#!/bin/sh
# In Paris the shift of 05:00 begins at 05:09 for ExcelJS, and with its date at 04:59 for SheetJS.
#
# Library:   xlsx 0.18.5 (SheetJS, the latest on npm), exceljs 4.4.0 (npm)
# Expected:  A cell of a workbook has no time zone: 05:00 is five o'clock wherever it is read
#            (ECMA-376, 18.17.4: a serial value of days since the end of 1899).
# Observed:  In UTC both read 05:00 from both cells. In Europe/Paris ExcelJS gives the bare hour as
#            05:09:21, and SheetJS (cellDates) the dated one as 04:59:39. Hours without a date lie
#            in December 1899, when Paris was 9 minutes and 21 seconds ahead of Greenwich: ExcelJS
#            adds them, SheetJS mends whole minutes and leaves 21 seconds, in dates of today too. In
#            La Réunion ExcelJS has the shift at 08:41:12, in Martinique at 00:55:40.
# Matters:   Rosters come as workbooks. A page or a server in France finds each shift a minute early
#            or nine late: a bus that comes at 05:00 misses it or has time left, and tests that run
#            in UTC never see it.
# Instead:   With ExcelJS read getUTCHours and getUTCMinutes; with SheetJS leave cellDates out and
#            take the fraction of a day itself.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

npm install --silent --no-audit --no-fund xlsx@0.18.5 exceljs@4.4.0
cat >read.js <<'JS'
const SheetJS = require("xlsx");
const ExcelJS = require("exceljs");

const FIVE = 5 / 24;
const DAY = (Date.UTC(2026, 10, 6) - Date.UTC(1899, 11, 30)) / 86_400_000;
const sheet = {
  "!ref": "A1:B1",
  A1: { t: "n", v: FIVE, z: "hh:mm" },
  B1: { t: "n", v: DAY + FIVE, z: "yyyy-mm-dd hh:mm" },
};
SheetJS.writeFile({ SheetNames: ["roster"], Sheets: { roster: sheet } }, "roster.xlsx");

const two = (n) => String(n).padStart(2, "0");
const clock = (t) => [t.getHours(), t.getMinutes(), t.getSeconds()].map(two).join(":");

(async () => {
  const read = SheetJS.readFile("roster.xlsx", { cellDates: true }).Sheets.roster;
  const book = new ExcelJS.Workbook();
  await book.xlsx.readFile("roster.xlsx");
  const row = book.worksheets[0].getRow(1);
  const sheetjs = [read.A1.v, read.B1.v].map(clock).join(" ");
  const exceljs = [1, 2].map((column) => clock(row.getCell(column).value)).join(" ");
  const days = SheetJS.readFile("roster.xlsx").Sheets.roster.A1.v;
  const utc = row.getCell(1).value.toISOString().slice(11, 19);
  console.log(`SheetJS ${sheetjs}, ExcelJS ${exceljs}, as stored ${24 * days} h, in UTC ${utc}`);
})();
JS
seen() { # time zone, what it is to be
    found=$(TZ=$1 node read.js)
    echo "$1: $found"
    if [ "$found" != "$2, as stored 5 h, in UTC 05:00:00" ]; then
        echo "Changed: the hours of a workbook are read otherwise in $1." >&2
        exit 1
    fi
}
seen UTC "SheetJS 05:00:00 05:00:00, ExcelJS 05:00:00 05:00:00"
seen Europe/Paris "SheetJS 05:00:00 04:59:39, ExcelJS 05:09:21 06:00:00"
seen Indian/Reunion "SheetJS 05:00:00 04:59:48, ExcelJS 08:41:12 09:00:00"
seen America/Martinique "SheetJS 05:00:00 05:00:20, ExcelJS 00:55:40 01:00:00"
