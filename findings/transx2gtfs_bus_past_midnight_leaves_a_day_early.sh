#!/bin/sh
# The bus of half past midnight leaves 24 hours early in the GTFS that transx2gtfs makes of a
# TransXChange timetable, and stops where it was to pass.
#
# Library:   transx2gtfs 0.6.0, pandas 3.1.1, numpy 2.3.5 (PyPI)
# Expected:  A Friday service with buses at 23:30 and at 00:30 with DepartureDayShift 1, the night
#            from Friday to Saturday. In GTFS the second leaves at 24:30:00 of Friday. Between plant
#            and town both pass a point without a stop (Activity pass), take up at the plant only
#            and set down in town only.
# Observed:  The second leaves at 00:30:00 of Friday, before the shift. The point that is passed is
#            a stop like the others and the feed has no pickup_type or drop_off_type at all.
#            Elements that are not understood raise an error elsewhere (an unknown day of the week,
#            a negative headway); these are read past without a word.
# Matters:   Who leaves the late shift on Friday night waits for a bus that left the night before.
#            A works bus that passes the villages seems to serve them.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "transx2gtfs==0.6.0" "pandas==3.1.1" "numpy==2.3.5"

mkdir timetable
cat >timetable/night.xml <<'XML'
<?xml version="1.0" encoding="UTF-8"?>
<TransXChange xmlns="http://www.transxchange.org.uk/" SchemaVersion="2.4" RevisionNumber="1"
  CreationDateTime="2026-10-01T00:00:00" ModificationDateTime="2026-10-01T00:00:00"
  Modification="new" FileName="night.xml">
  <StopPoints>
    <AnnotatedStopPointRef>
      <StopPointRef>S1</StopPointRef><CommonName>Plant</CommonName>
    </AnnotatedStopPointRef>
    <AnnotatedStopPointRef>
      <StopPointRef>S2</StopPointRef><CommonName>Village</CommonName>
    </AnnotatedStopPointRef>
    <AnnotatedStopPointRef>
      <StopPointRef>S3</StopPointRef><CommonName>Town</CommonName>
    </AnnotatedStopPointRef>
  </StopPoints>
  <RouteSections>
    <RouteSection id="RS1">
      <RouteLink id="RL1">
        <From><StopPointRef>S1</StopPointRef></From><To><StopPointRef>S2</StopPointRef></To>
      </RouteLink>
      <RouteLink id="RL2">
        <From><StopPointRef>S2</StopPointRef></From><To><StopPointRef>S3</StopPointRef></To>
      </RouteLink>
    </RouteSection>
  </RouteSections>
  <Routes>
    <Route id="R1">
      <Description>Plant - Town</Description><RouteSectionRef>RS1</RouteSectionRef>
    </Route>
  </Routes>
  <JourneyPatternSections>
    <JourneyPatternSection id="JPS1">
      <JourneyPatternTimingLink id="L1">
        <From>
          <Activity>pickUp</Activity>
          <StopPointRef>S1</StopPointRef>
          <TimingStatus>principalTimingPoint</TimingStatus>
        </From>
        <To>
          <Activity>pass</Activity>
          <StopPointRef>S2</StopPointRef>
          <TimingStatus>otherPoint</TimingStatus>
        </To>
        <RouteLinkRef>RL1</RouteLinkRef>
        <RunTime>PT10M</RunTime>
      </JourneyPatternTimingLink>
      <JourneyPatternTimingLink id="L2">
        <From>
          <Activity>pass</Activity>
          <StopPointRef>S2</StopPointRef>
          <TimingStatus>otherPoint</TimingStatus>
        </From>
        <To>
          <Activity>setDown</Activity>
          <StopPointRef>S3</StopPointRef>
          <TimingStatus>principalTimingPoint</TimingStatus>
        </To>
        <RouteLinkRef>RL2</RouteLinkRef>
        <RunTime>PT10M</RunTime>
      </JourneyPatternTimingLink>
    </JourneyPatternSection>
  </JourneyPatternSections>
  <Operators>
    <Operator id="O1">
      <OperatorCode>O1</OperatorCode><OperatorShortName>Bus</OperatorShortName>
    </Operator>
  </Operators>
  <Services>
    <Service>
      <ServiceCode>SV1</ServiceCode>
      <Lines><Line id="LN1"><LineName>N1</LineName></Line></Lines>
      <OperatingPeriod>
        <StartDate>2026-11-02</StartDate><EndDate>2026-11-27</EndDate>
      </OperatingPeriod>
      <OperatingProfile>
        <RegularDayType><DaysOfWeek><Friday/></DaysOfWeek></RegularDayType>
      </OperatingProfile>
      <RegisteredOperatorRef>O1</RegisteredOperatorRef>
      <Mode>bus</Mode>
      <StandardService>
        <Origin>Plant</Origin><Destination>Town</Destination>
        <JourneyPattern id="JP1">
          <Direction>outbound</Direction>
          <RouteRef>R1</RouteRef>
          <JourneyPatternSectionRefs>JPS1</JourneyPatternSectionRefs>
        </JourneyPattern>
      </StandardService>
    </Service>
  </Services>
  <VehicleJourneys>
    <VehicleJourney>
      <PrivateCode>1</PrivateCode><VehicleJourneyCode>VJ1</VehicleJourneyCode>
      <ServiceRef>SV1</ServiceRef><LineRef>LN1</LineRef><JourneyPatternRef>JP1</JourneyPatternRef>
      <DepartureTime>23:30:00</DepartureTime>
    </VehicleJourney>
    <VehicleJourney>
      <PrivateCode>2</PrivateCode><VehicleJourneyCode>VJ2</VehicleJourneyCode>
      <ServiceRef>SV1</ServiceRef><LineRef>LN1</LineRef><JourneyPatternRef>JP1</JourneyPatternRef>
      <DepartureTime>00:30:00</DepartureTime><DepartureDayShift>1</DepartureDayShift>
    </VehicleJourney>
  </VehicleJourneys>
</TransXChange>
XML
cat >naptan.csv <<'CSV'
ATCOCode,CommonName,Latitude,Longitude
S1,Plant,51.50,-0.10
S2,Village,51.51,-0.11
S3,Town,51.52,-0.12
CSV

TRANSX2GTFS_NAPTAN_PATH="$dir/naptan.csv" TRANSX2GTFS_CACHE_DIR="$dir/cache" \
    venv/bin/python -W ignore - <<'PY'
import contextlib
import csv
import io
import sys
import zipfile

import transx2gtfs


def main():
    with contextlib.redirect_stdout(sys.stderr):
        transx2gtfs.convert("timetable", "feed.zip")
    with zipfile.ZipFile("feed.zip") as archive:
        tables = {
            name: list(csv.DictReader(io.TextIOWrapper(archive.open(f"{name}.txt"), "utf-8-sig")))
            for name in ("calendar", "stop_times")
        }
    [calendar] = tables["calendar"]
    days = [day for day in ("thursday", "friday", "saturday") if calendar[day] == "1"]
    calls = tables["stop_times"]
    leaving = sorted(call["departure_time"] for call in calls if call["stop_id"] == "S1")
    print("days:", *days, "- from the plant at", *leaving)
    print("calls at the point passed:", sum(call["stop_id"] == "S2" for call in calls))
    print("columns:", *calls[0])
    if (days, leaving) != (["friday"], ["00:30:00", "23:30:00"]):
        sys.exit("Changed: the shift of the day is read.")
    if sum(call["stop_id"] == "S2" for call in calls) != 2 or "pickup_type" in calls[0]:
        sys.exit("Changed: the activity at a stop is read.")


if __name__ == "__main__":
    main()
PY
