#!/bin/sh
# An on-demand line of a NeTEx file is lost in gtfs-parquet, or becomes a bus that always comes: it
# depends on the element that names the line.
#
# Library:   gtfs-parquet 0.7.2, polars 2.1.0 (PyPI)
# Expected:  A FlexibleLine is a line, to be booked by telephone the day before. Its two journeys
#            become trips with its number, and the calls ask for a telephone call (pickup_type 2).
# Observed:  The journey whose Route says FlexibleLineRef is skipped, with a warning that speaks of
#            "pattern, line, dates or times". The one that says LineRef to the same FlexibleLine
#            becomes a trip of a route without name or number, pickup_type 0: nothing tells it from
#            a timetable.
# Matters:   In thin areas the ride to the early shift is on demand. It is missing and the district
#            a white zone, or it is counted as a bus for which nobody has to call by the evening
#            before.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "gtfs-parquet==0.7.2" "polars==2.1.0"

cat >line.xml <<'XML'
<?xml version="1.0" encoding="UTF-8"?>
<PublicationDelivery xmlns="http://www.netex.org.uk/netex" version="1.1">
  <PublicationTimestamp>2026-11-01T00:00:00</PublicationTimestamp>
  <ParticipantRef>X</ParticipantRef>
  <dataObjects>
    <CompositeFrame id="X:CompositeFrame:1" version="1">
      <FrameDefaults>
        <DefaultLocale><TimeZone>Europe/Paris</TimeZone></DefaultLocale>
      </FrameDefaults>
      <frames>
        <ResourceFrame id="X:ResourceFrame:1" version="1">
          <organisations>
            <Operator id="X:Operator:1" version="1"><Name>Operator</Name></Operator>
          </organisations>
        </ResourceFrame>
        <ServiceFrame id="X:ServiceFrame:1" version="1">
          <routes>
            <Route id="X:Route:1" version="1">
              <Name>Bus</Name>
              <LineRef ref="X:Line:1" version="1"/>
            </Route>
            <Route id="X:Route:2" version="1">
              <Name>On demand</Name>
              <FlexibleLineRef ref="X:FlexibleLine:2" version="1"/>
            </Route>
            <Route id="X:Route:3" version="1">
              <Name>On demand</Name>
              <LineRef nameOfRefClass="FlexibleLine" ref="X:FlexibleLine:2" version="1"/>
            </Route>
          </routes>
          <lines>
            <Line id="X:Line:1" version="1">
              <Name>Bus</Name>
              <TransportMode>bus</TransportMode>
              <PublicCode>1</PublicCode>
              <OperatorRef ref="X:Operator:1" version="1"/>
            </Line>
            <FlexibleLine id="X:FlexibleLine:2" version="1">
              <Name>On demand</Name>
              <TransportMode>bus</TransportMode>
              <PublicCode>2</PublicCode>
              <OperatorRef ref="X:Operator:1" version="1"/>
              <FlexibleLineType>fixed</FlexibleLineType>
              <BookingMethods>callOffice</BookingMethods>
              <BookWhen>untilPreviousDay</BookWhen>
            </FlexibleLine>
          </lines>
          <scheduledStopPoints>
            <ScheduledStopPoint id="X:ScheduledStopPoint:1" version="1">
              <Name>Village</Name>
              <Location><Longitude>-1.43</Longitude><Latitude>46.67</Latitude></Location>
            </ScheduledStopPoint>
            <ScheduledStopPoint id="X:ScheduledStopPoint:2" version="1">
              <Name>Plant</Name>
              <Location><Longitude>-1.40</Longitude><Latitude>46.70</Latitude></Location>
            </ScheduledStopPoint>
          </scheduledStopPoints>
          <journeyPatterns>
@PATTERNS@
          </journeyPatterns>
        </ServiceFrame>
        <ServiceCalendarFrame id="X:ServiceCalendarFrame:1" version="1">
          <dayTypes>
            <DayType id="X:DayType:1" version="1">
              <properties>
                <PropertyOfDay><DaysOfWeek>Weekdays</DaysOfWeek></PropertyOfDay>
              </properties>
            </DayType>
          </dayTypes>
          <operatingPeriods>
            <OperatingPeriod id="X:OperatingPeriod:1" version="1">
              <FromDate>2026-11-02T00:00:00</FromDate>
              <ToDate>2026-11-06T00:00:00</ToDate>
            </OperatingPeriod>
          </operatingPeriods>
          <dayTypeAssignments>
            <DayTypeAssignment id="X:DayTypeAssignment:1" version="1" order="1">
              <OperatingPeriodRef ref="X:OperatingPeriod:1" version="1"/>
              <DayTypeRef ref="X:DayType:1" version="1"/>
            </DayTypeAssignment>
          </dayTypeAssignments>
        </ServiceCalendarFrame>
        <TimetableFrame id="X:TimetableFrame:1" version="1">
          <vehicleJourneys>
@JOURNEYS@
          </vehicleJourneys>
        </TimetableFrame>
      </frames>
    </CompositeFrame>
  </dataObjects>
</PublicationDelivery>
XML
cat >pattern.xml <<'XML'
            <ServiceJourneyPattern id="X:ServiceJourneyPattern:@" version="1">
              <RouteRef ref="X:Route:@" version="1"/>
              <pointsInSequence>
                <StopPointInJourneyPattern id="X:StopPoint:@1" version="1" order="1">
                  <ScheduledStopPointRef ref="X:ScheduledStopPoint:1" version="1"/>
                </StopPointInJourneyPattern>
                <StopPointInJourneyPattern id="X:StopPoint:@2" version="1" order="2">
                  <ScheduledStopPointRef ref="X:ScheduledStopPoint:2" version="1"/>
                </StopPointInJourneyPattern>
              </pointsInSequence>
            </ServiceJourneyPattern>
XML
cat >journey.xml <<'XML'
            <ServiceJourney id="X:ServiceJourney:@" version="1">
              <dayTypes><DayTypeRef ref="X:DayType:1" version="1"/></dayTypes>
              <ServiceJourneyPatternRef ref="X:ServiceJourneyPattern:@" version="1"/>
              <passingTimes>
                <TimetabledPassingTime>
                  <StopPointInJourneyPatternRef ref="X:StopPoint:@1" version="1"/>
                  <DepartureTime>04:30:00</DepartureTime>
                </TimetabledPassingTime>
                <TimetabledPassingTime>
                  <StopPointInJourneyPatternRef ref="X:StopPoint:@2" version="1"/>
                  <ArrivalTime>04:50:00</ArrivalTime>
                </TimetabledPassingTime>
              </passingTimes>
            </ServiceJourney>
XML

venv/bin/python - <<'PY'
import logging
import pathlib
import sys

from gtfs_parquet.netex import parse_netex

logging.basicConfig(stream=sys.stdout, format="warning: %(message)s")
netex = pathlib.Path("line.xml").read_text()
for place in ("pattern", "journey"):
    text = pathlib.Path(f"{place}.xml").read_text()
    all_three = "".join(text.replace("@", number) for number in "123").rstrip("\n")
    netex = netex.replace(f"@{place.upper()}S@", all_three)
pathlib.Path("netex.xml").write_text(netex)

feed = parse_netex("netex.xml")
routes = {row["route_id"]: row["route_short_name"] for row in feed.routes.to_dicts()}
trips = {row["trip_id"]: row["route_id"] for row in feed.trips.to_dicts()}
pickups = {}
for row in feed.stop_times.to_dicts():
    pickups.setdefault(row["trip_id"], set()).add(int(row["pickup_type"]))
seen = {
    named: (trip in trips, routes.get(trips.get(trip)), pickups.get(trip))
    for named, trip in (
        ("the bus", "X:ServiceJourney:1"),
        ("on demand, by FlexibleLineRef", "X:ServiceJourney:2"),
        ("on demand, by LineRef", "X:ServiceJourney:3"),
    )
}
for named, (there, number, pickup) in seen.items():
    print(f"{named}: " + (f"a trip of line {number}, pickup_type {pickup}" if there else "no trip"))
if list(seen.values()) != [(True, "1", {0}), (False, None, None), (True, None, {0})]:
    sys.exit("Changed: a FlexibleLine is read, or otherwise.")
PY
