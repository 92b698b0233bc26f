#!/bin/sh
# A bus of Saturdays in TransXChange runs from Monday to Friday in the GTFS of transit-parser.
#
# Library:   transit-parser 0.2.0 (PyPI)
# Expected:  A VehicleJourney's own OperatingProfile stands in place of that of its Service
#            (TransXChange schema guide). In a service of Monday to Friday a journey with the
#            profile Saturday runs on Saturdays, one with HolidaysOnly on no day of the week.
# Observed:  Both run from Monday to Friday, as does one that is taken out of a week by
#            SpecialDaysOperation: profiles of journeys are not read, and "warnings" is empty. The
#            same profile on the Service gives Saturdays.
# Matters:   British operators write one service a line and the days at its journeys. The morning
#            shift has buses that run at the week-end only, and the week-end has none.
# Instead:   Split services by the profiles of their journeys first.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check "transit-parser==0.2.0"

venv/bin/python - <<'PY'
import sys

from transit_parser import ConversionOptions, TxcDocument, TxcToGtfsConverter

STOPS = "".join(
    f"<AnnotatedStopPointRef><StopPointRef>{stop}</StopPointRef><CommonName>{stop}</CommonName>"
    f"<Location><Longitude>-1.4{k}</Longitude><Latitude>52.6{k}</Latitude></Location>"
    "</AnnotatedStopPointRef>"
    for k, stop in enumerate(("TOWN", "PLANT"))
)
LINK = """<JourneyPatternTimingLink id="L1">
<From SequenceNumber="1"><StopPointRef>TOWN</StopPointRef><TimingStatus>PTP</TimingStatus></From>
<To SequenceNumber="2"><StopPointRef>PLANT</StopPointRef><TimingStatus>PTP</TimingStatus></To>
<RunTime>PT20M</RunTime></JourneyPatternTimingLink>"""
DOCUMENT = """<?xml version="1.0" encoding="UTF-8"?>
<TransXChange xmlns="http://www.transxchange.org.uk/" SchemaVersion="2.4" Modification="new"
 CreationDateTime="2026-10-01T00:00:00" ModificationDateTime="2026-10-01T00:00:00"
 RevisionNumber="1" FileName="line.xml" RegistrationDocument="false">
<StopPoints>{stops}</StopPoints>
<JourneyPatternSections><JourneyPatternSection id="JPS1">{link}</JourneyPatternSection>
</JourneyPatternSections>
<Operators><Operator id="O1"><NationalOperatorCode>OP</NationalOperatorCode>
<OperatorCode>OP</OperatorCode><OperatorShortName>Bus</OperatorShortName></Operator></Operators>
<Services><Service><ServiceCode>S1</ServiceCode>
<Lines><Line id="L1"><LineName>1</LineName></Line></Lines>
<OperatingPeriod><StartDate>2026-11-02</StartDate><EndDate>2026-11-27</EndDate></OperatingPeriod>
{service}<RegisteredOperatorRef>O1</RegisteredOperatorRef><Mode>bus</Mode>
<StandardService><Origin>Town</Origin><Destination>Plant</Destination>
<JourneyPattern id="JP1"><Direction>outbound</Direction>
<JourneyPatternSectionRefs>JPS1</JourneyPatternSectionRefs></JourneyPattern>
</StandardService></Service></Services>
<VehicleJourneys><VehicleJourney>{journey}<VehicleJourneyCode>VJ1</VehicleJourneyCode>
<ServiceRef>S1</ServiceRef><LineRef>L1</LineRef><JourneyPatternRef>JP1</JourneyPatternRef>
<DepartureTime>04:30:00</DepartureTime></VehicleJourney></VehicleJourneys>
</TransXChange>"""
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def profile(days, special=""):
    """Return an operating profile."""
    regular = f"<RegularDayType>{days}</RegularDayType>"
    return f"<OperatingProfile>{regular}{special}</OperatingProfile>"


def week(service, journey=""):
    """Return the days of the week and the exceptions of the bus, and the warnings given."""
    text = DOCUMENT.format(stops=STOPS, link=LINK, service=service, journey=journey)
    done = TxcToGtfsConverter(ConversionOptions()).convert(TxcDocument.from_string(text))
    [runs], exceptions = done.feed.calendars, len(done.feed.calendar_dates)
    return "".join(str(int(getattr(runs, day))) for day in DAYS), exceptions, len(done.warnings)


WORKING = profile("<DaysOfWeek><MondayToFriday/></DaysOfWeek>")
SATURDAY = profile("<DaysOfWeek><Saturday/></DaysOfWeek>")
OFF = (
    "<SpecialDaysOperation><DaysOfNonOperation><DateRange><StartDate>2026-11-09</StartDate>"
    "<EndDate>2026-11-13</EndDate></DateRange></DaysOfNonOperation></SpecialDaysOperation>"
)
seen = {
    "Saturday at the service": week(SATURDAY),
    "Saturday at the journey": week(WORKING, SATURDAY),
    "holidays only at the journey": week(WORKING, profile("<HolidaysOnly/>")),
    "a week off at the journey": week(
        WORKING, profile("<DaysOfWeek><MondayToFriday/></DaysOfWeek>", OFF)
    ),
}
for what, (days, exceptions, warnings) in seen.items():
    print(f"{what}: {days}, {exceptions} exceptions, {warnings} warnings")
at_service, *at_journey = seen.values()
if at_service != ("0000010", 0, 0):
    sys.exit("Changed: the profile of a service is not read either.")
if at_journey != [("1111100", 0, 0)] * 3:
    sys.exit("Changed: the profile of a journey is read, or told.")
PY
