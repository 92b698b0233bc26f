"""On-demand transport on the street of `small`: zones, hours, hubs and GTFS-Flex."""

import datetime as dt
import itertools
import json
import zipfile

import numpy as np
import pytest
import shapely
from feeds import trip, write_gtfs
from small import PLACES_M, SERVICES, lonlat, write_territory
from typer.testing import CliRunner

from mobility.base.errors import SourceError, TerritoryError
from mobility.cli import app
from mobility.commute.access import STATUSES, assess
from mobility.commute.loading import load
from mobility.commute.on_demand import inside
from mobility.commute.white_zones import white_zones
from mobility.sources.gtfs.flex import read_flex
from mobility.sources.gtfs.read import read_feed
from mobility.territory.project import Territory
from mobility.timetable.arrays import INF

MORNING, AFTERNOON, NIGHT = 0, 1, 2
MODES = '["transit", "walk", "car", "on_demand"]'


def ring(west_m, east_m):
    """A box along the street, as a territory file writes it."""
    box = shapely.box(
        lonlat(west_m)[0], lonlat(0)[1] - 0.01, lonlat(east_m)[0], lonlat(0)[1] + 0.01
    )
    return [[float(x), float(y)] for x, y in shapely.get_coordinates(box)[:-1]]


def fast_road(folder):
    """The street of `small` as a secondary road."""
    path = write_territory(folder)
    osm = folder / "streets.osm"
    osm.write_text(osm.read_text(encoding="utf-8").replace("residential", "secondary"))
    return path


def write(folder, zone):
    path = fast_road(folder)
    text = path.read_text(encoding="utf-8").replace('["transit", "walk"]', MODES)
    path.write_text(text + "\n[[on_demand]]\n" + zone, encoding="utf-8")
    return path


def zone(polygon, **fields):
    rows = {"name": '"TAD"', "polygon": json.dumps(polygon), "wait_min": 5, "detour": 1.5} | fields
    return "\n".join(f"{k} = {v}" for k, v in rows.items())


def seconds(access, shift=MORNING, home=0, mode="on_demand"):
    row = access.row(shift, "school_weekday", mode)
    return int(access.outbound_s[row, home]), int(access.return_s[row, home])


def test_ride_to_the_gate_to_the_second(tmp_path):
    access = assess(load(write(tmp_path, zone(ring(-100, 12_000)))))
    drive_s = int(access.study.street_times["car"][0][0, 0])
    ride_s = -(-drive_s * 3 // 2)
    # Margin of ten minutes, the ride with its detour, five minutes of time slot.
    assert seconds(access) == (600 + ride_s + 300,) * 2
    assert seconds(access, home=1)[0] > seconds(access)[0]


def test_an_itinerary_tells_the_booked_ride_where_no_bus_goes(tmp_path):
    path = write(tmp_path, zone(ring(-100, 12_000), start='"06:00"', end='"21:00"'))
    home = "H2"  # farther from the stop than its limit
    asked = ["itinerary", str(path), "--home", home, "--site", "Usine", "--lang", "en"]
    access = assess(load(path))
    names, told_both = {"morning": MORNING, "afternoon": AFTERNOON}, set()
    for shift, number in names.items():
        done = CliRunner().invoke(app, [*asked, "--shift", shift])
        assert done.exit_code == 0, done.output
        told = done.output[done.output.index("Outbound") :].replace("\n", " ").split("Return")
        buses, bookings = (seconds(access, number, 1, mode) for mode in ("transit", "on_demand"))
        for text, bus_s, booked_s in zip(told, buses, bookings, strict=True):
            # Without the ten minutes between gate and shift, as the legs of a bus are told.
            ride = f"{-(-(booked_s - 600) // 60)} min by on-demand transport"
            assert (ride in text) == (bus_s == INF and booked_s < INF)
            assert ("no journey" in text) == (bus_s == INF and booked_s == INF)
            told_both |= {"ride"} if ride in text else {"none"} if "no journey" in text else set()
    assert told_both == {"ride", "none"}


def test_a_gate_or_a_home_outside_has_no_ride(tmp_path):
    no_gate = assess(load(write(tmp_path / "a", zone(ring(-100, 11_000)))))
    assert seconds(no_gate) == (INF, INF)
    no_home = assess(load(write(tmp_path / "b", zone(ring(600, 12_000)))))
    assert seconds(no_home, home=1) == (INF, INF)
    assert seconds(no_home)[0] < INF


def test_longest_ride_and_wait_bind(tmp_path):
    short = assess(load(write(tmp_path / "a", zone(ring(-100, 12_000), max_ride_min=5))))
    assert seconds(short) == (INF, INF)
    slow = assess(load(write(tmp_path / "b", zone(ring(-100, 12_000), wait_min=31))))
    assert seconds(slow) == (INF, INF)


def test_hours_hold_the_whole_ride(tmp_path):
    access = assess(
        load(write(tmp_path / "a", zone(ring(-100, 12_000), start='"06:00"', end='"21:00"')))
    )
    # Morning: there by 04:50, back from 13:15. Afternoon: there by 12:50, back from 21:15.
    assert [t < INF for t in seconds(access, MORNING)] == [False, True]
    assert [t < INF for t in seconds(access, AFTERNOON)] == [True, False]
    assert [t < INF for t in seconds(access, NIGHT)] == [True, False]
    # From 20:00 over midnight to 06:00: the night shift both ways, the morning's outbound.
    night = assess(
        load(write(tmp_path / "b", zone(ring(-100, 12_000), start='"20:00"', end='"06:00"')))
    )
    assert [t < INF for t in seconds(night, NIGHT)] == [True, True]
    assert [t < INF for t in seconds(night, MORNING)] == [True, False]


def test_days_hold_for_every_working_day(tmp_path):
    week = assess(load(write(tmp_path / "a", zone(ring(-100, 12_000), days='"mon-fri"'))))
    assert [t < INF for t in seconds(week, MORNING)] == [True, True]
    # Friday's night shift ends on Saturday morning, when a mon-fri service does not run.
    assert [t < INF for t in seconds(week, NIGHT)] == [True, False]
    four = assess(load(write(tmp_path / "b", zone(ring(-100, 12_000), days='"mon-thu"'))))
    assert seconds(four, MORNING) == (INF, INF)


def test_communes_name_homes_and_their_gates(tmp_path):
    area = 'name = "TAD"\ncommunes = ["Droiteville"]'
    access = assess(load(write(tmp_path / "a", area)))
    assert seconds(access)[0] < INF
    with pytest.raises(TerritoryError, match="Droiteville"):
        load(write(tmp_path / "b", 'name = "TAD"\ncommunes = ["Droitevile"]'))


def test_hub_continues_by_public_transport(tmp_path):
    # The gate lies outside; the zone meets the bus at A, and H2 is driven there.
    area = zone(ring(-100, 1100), hubs='["Stop A"]')
    access = assess(load(write(tmp_path / "a", area)))
    assert seconds(access, home=1, mode="transit") == (INF, INF)
    out_s, back_s = seconds(access, home=1)
    assert 40 * 60 + 300 < out_s < 40 * 60 + 300 + 300
    assert 40 * 60 + 300 < back_s < 40 * 60 + 300 + 300
    with pytest.raises(TerritoryError, match="Stop A"):
        load(write(tmp_path / "b", zone(ring(-100, 1100), hubs='["Stop AA"]')))


def test_on_demand_rescues_from_a_white_zone(tmp_path):
    access = assess(load(write(tmp_path, zone(ring(-100, 12_000)))))
    zones = white_zones(access)
    row = zones.row(MORNING, "school_weekday")
    assert [STATUSES[s] for s in zones.status[row]] == ["served", "served"]


def test_one_area_is_needed():
    for fields in ({}, {"communes": ["a"], "polygon": [(0, 0), (1, 0), (1, 1)]}):
        with pytest.raises(TerritoryError, match="area once"):
            Territory.from_dict(
                {
                    "name": "x",
                    "sources": {"homes": {"file": "h.csv"}},
                    "on_demand": [{"name": "z", **fields}],
                }
            )


def test_windows_touching_are_one(tmp_path):
    study = load(write(tmp_path, zone(ring(-100, 12_000))))
    (service,) = study.on_demand
    # Round the clock: three service days make one window, without a seam at midnight.
    windows = service.windows(study.days[0], ["tue"], study.territory.zone)
    assert windows == [(-86_400, 172_800) * 2]
    assert inside(windows, np.array([86_000, -90_000]), np.array([87_000, -80_000])).tolist() == [
        True,
        False,
    ]


STOP_TIMES = (
    "trip_id,location_id,stop_sequence,start_pickup_drop_off_window,"
    "end_pickup_drop_off_window,pickup_type,drop_off_type,pickup_booking_rule_id\n"
)


def with_flex(path, *, window=("04:00:00", "22:00:00"), raw=None):
    """Add an on-demand trip to the feed of a territory."""
    feature = {
        "id": "z1",
        "type": "Feature",
        "properties": {"stop_name": "Plaine"},
        "geometry": {
            "type": "Polygon",
            "coordinates": [[*ring(-100, 12_000), ring(-100, 12_000)[0]]],
        },
    }
    feed = path.parent / "gtfs.zip"
    with zipfile.ZipFile(feed) as archive:
        files = {n: archive.read(n).decode() for n in archive.namelist()}
    files["locations.geojson"] = raw or json.dumps(
        {"type": "FeatureCollection", "features": [feature]}
    )
    files["booking_rules.txt"] = (
        "booking_rule_id,booking_type,prior_notice_duration_min,phone_number\nb1,1,60,0200000000\n"
    )
    header = files["trips.txt"].splitlines()[0].split(",")
    row = {"trip_id": "flex", "route_id": "R", "service_id": "week"}
    files["trips.txt"] = (
        files["trips.txt"].rstrip() + "\n" + ",".join(row.get(c, "") for c in header) + "\n"
    )
    names = files["stop_times.txt"].splitlines()[0].split(",")
    extra = STOP_TIMES.strip().split(",")
    header = names + [c for c in extra if c not in names]
    lines = [",".join([*line.split(","), *[""] * (len(header) - len(names))])
             for line in files["stop_times.txt"].splitlines()[1:]]  # fmt: skip
    for k, (pickup, drop) in enumerate(((2, 1), (1, 2))):
        call = {
            "trip_id": "flex", "location_id": "z1", "stop_sequence": str(k + 1),
            "start_pickup_drop_off_window": window[0], "end_pickup_drop_off_window": window[1],
            "pickup_type": str(pickup), "drop_off_type": str(drop), "pickup_booking_rule_id": "b1",
        }  # fmt: skip
        lines.append(",".join(call.get(c, "") for c in header))
    files["stop_times.txt"] = "\n".join([",".join(header), *lines]) + "\n"
    with zipfile.ZipFile(feed, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def flex_territory(folder, **options):
    path = fast_road(folder)
    text = path.read_text(encoding="utf-8").replace('["transit", "walk"]', MODES)
    path.write_text(text, encoding="utf-8")
    return with_flex(path, **options)


def test_flex_zone_is_read_reported_and_ridden(tmp_path):
    path = flex_territory(tmp_path)
    (found,) = read_flex(tmp_path / "gtfs.zip")
    assert (found.name, found.start_s, found.end_s) == ("Plaine", 4 * 3600, 22 * 3600)
    assert (found.booking, found.notice) == ("0200000000", "60 min")
    assert dt.date(2026, 11, 17) in found.dates
    assert dt.date(2026, 11, 21) not in found.dates
    access = assess(load(path))
    assert [f.count for f in access.study.findings if f.code == "flex_zones"] == [1]
    assert [t < INF for t in seconds(access, MORNING)] == [True, True]
    # Back from the night shift at 05:15: inside the window of the next day, a Wednesday.
    assert [t < INF for t in seconds(access, NIGHT)] == [True, True]


def test_services_that_are_not_asked_for_are_told_to_be_unused(tmp_path):
    path = flex_territory(tmp_path)
    text = path.read_text(encoding="utf-8").replace(MODES, '["transit", "walk"]')
    path.write_text(text, encoding="utf-8")
    (told,) = [f for f in load(path).findings if f.code == "flex_zones"]
    assert "qui n’est pas utilisé" in told.render("fr")


def test_a_zone_far_from_homes_and_gates_is_told(tmp_path):
    square = [[2.3, 48.8], [2.4, 48.8], [2.4, 48.9], [2.3, 48.8]]
    zone = {"id": "z1", "geometry": {"type": "Polygon", "coordinates": [square]}}
    path = flex_territory(tmp_path, raw=json.dumps({"features": [zone]}))
    assert [f.examples for f in load(path).findings if f.code == "flex_idle"] == [("z1",)]


def test_feeds_without_zones_have_none(tmp_path):
    write_territory(tmp_path)
    assert read_flex(tmp_path / "gtfs.zip") == []


def no_area(geometry):
    return f'{{"features": [{{"id": "z1", "geometry": {geometry}}}]}}'


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"raw": "{"}, "no GeoJSON"),
        ({"raw": "{}"}, "no list of features"),
        ({"raw": "null"}, "no list of features"),
        ({"raw": '{"features": [{"geometry": null}]}'}, "row 1, field id: The zone has no id"),
        ({"raw": '{"features": [{"id": null}]}'}, "locations.geojson, row 1, field id: The zone"),
        ({"raw": '{"features": [{"id": " "}]}'}, "row 1, field id, value ' ': The zone has no id"),
        ({"raw": '{"features": [{"id": ["z1"]}]}'}, r"field id, value .*z1.*: The zone has no id"),
        ({"raw": no_area("null")}, "row 1.*z1.*is a polygon"),
        ({"raw": no_area('{"type": "Point", "coordinates": [0, 1]}')}, "is a polygon"),
        ({"raw": no_area('{"type": "Polygon", "coordinates": 1}')}, "is a polygon"),
        ({"window": ("4h", "22:00:00")}, "cannot be read"),
    ],
)
def test_damaged_flex_files_name_the_file(tmp_path, options, words):
    flex_territory(tmp_path, **options)
    with pytest.raises(SourceError, match=words):
        read_flex(tmp_path / "gtfs.zip")


def stop_service(folder, *, group=True, windows=("05:00:00", "20:00:00") * 2):
    """A booked vehicle between stops: G1 beside H2, G2 beside the gate."""
    path = fast_road(folder)
    text = path.read_text(encoding="utf-8").replace('["transit", "walk"]', MODES)
    path.write_text(text.replace('["3x8"]', '["day"]'), encoding="utf-8")
    stops = {"A": lonlat(1000), "G1": lonlat(100), "G2": lonlat(11_000)}
    flex = [
        {
            "stop_sequence": k + 1, "location_group_id": "LG" if group else "",
            "stop_id": "" if group else name, "pickup_type": pick, "drop_off_type": drop,
            "start_pickup_drop_off_window": low, "end_pickup_drop_off_window": high,
        }
        for k, (name, pick, drop, low, high) in enumerate((
            ("G1", 2, 1, *windows[:2]), ("G2", 1, 2, *windows[2:]),
        ))
    ]  # fmt: skip
    members = [{"location_group_id": "LG", "stop_id": s} for s in ("G1", "G2")]
    write_gtfs(
        folder / "gtfs.zip", stops=stops, services={"week": SERVICES["week"]},
        trips=[trip("fx", flex, service="week")],
        location_groups=[{"location_group_id": "LG", "location_group_name": "Groupe"}],
        location_group_stops=members,
    )  # fmt: skip
    return path


def test_groups_of_stops_are_ridden_with_the_walks_to_them(tmp_path):
    """A feed of on-demand calls alone."""
    access = assess(load(stop_service(tmp_path)))
    study = access.study
    (service,) = study.on_demand
    assert service.walks is not None
    out_s, back_s = seconds(access, shift=0, home=1)
    at_home, at_gate = (int(w) for w in service.walks[:2, 0, 1])
    home_m, stop_m = PLACES_M["H2"], 100
    assert at_home == pytest.approx(abs(home_m - stop_m), abs=2)
    assert at_gate == pytest.approx(abs(PLACES_M["G"] - 11_000), abs=2)
    assert out_s == int(service.out_s[0, 1]) + service.wait_s + 600
    assert out_s < INF
    assert back_s < INF


def test_pick_up_and_set_down_have_their_own_hours(tmp_path):
    """Taken up until 07:20 and set down from 07:30: the ride of the day shift fits both."""
    fits = stop_service(tmp_path / "a", group=False,
                        windows=("05:00:00", "07:45:00", "07:30:00", "09:00:00"))  # fmt: skip
    (zone,) = read_flex(tmp_path / "a" / "gtfs.zip")
    assert (zone.start_s, zone.end_s) == (5 * 3600, 7 * 3600 + 2700)
    assert (zone.drop_start_s, zone.drop_end_s) == (7 * 3600 + 1800, 9 * 3600)
    assert seconds(assess(load(fits)), shift=0, home=1)[0] < INF
    late = stop_service(tmp_path / "b", group=False,
                        windows=("05:00:00", "07:45:00", "07:50:00", "09:00:00"))  # fmt: skip
    assert seconds(assess(load(late)), shift=0, home=1)[0] == INF


BOTH, UP, DOWN = (2, 2), (2, 1), (1, 2)


@pytest.mark.parametrize(
    ("calls", "rides"),
    [
        ([("A", UP), ("B", UP), ("C", DOWN)], {"AC", "BC"}),
        ([("A", BOTH), ("B", BOTH), ("C", BOTH)], {"AB", "AC", "BC"}),
        ([("C", BOTH), ("A", BOTH), ("B", BOTH)], {"CA", "CB", "AB"}),
        ([("A", DOWN), ("B", BOTH), ("C", UP), ("A", DOWN)], {"BA", "CA"}),
        ([("A", BOTH), ("A", BOTH)], {"AA"}),
        ([("A", BOTH), ("B", UP)], set()),
    ],
)
def test_one_rides_from_a_call_to_a_later_one(tmp_path, calls, rides):
    """Zones in the order of a trip: a vehicle that goes from A to B and C brings nobody back."""
    middle = {name: shapely.Point(k, 45.5) for k, name in enumerate("ABC")}
    rows = [
        {
            "stop_sequence": k, "location_id": zone, "stop_id": "", "pickup_type": up,
            "drop_off_type": down, "start_pickup_drop_off_window": "04:00:00",
            "end_pickup_drop_off_window": "22:00:00",
        }
        for k, (zone, (up, down)) in enumerate(calls)
    ]  # fmt: skip
    write_gtfs(
        tmp_path / "flex.zip", stops=[{"stop_id": "", "stop_name": ""}], omit=["stops"],
        trips=[trip("fx", rows, service="week")], services={"week": SERVICES["week"]},
    )  # fmt: skip
    with zipfile.ZipFile(tmp_path / "flex.zip", "a") as archive:
        archive.writestr("locations.geojson", json.dumps({"features": [
            {"id": name, "type": "Feature", "properties": {},
             "geometry": shapely.geometry.mapping(point.buffer(0.3))}
            for name, point in middle.items()
        ]}))  # fmt: skip
    found = [
        a + b
        for zone in read_flex(tmp_path / "flex.zip")
        for a, b in itertools.product("ABC", repeat=2)
        if zone.pickup.contains(middle[a]) and zone.dropoff.contains(middle[b])
    ]
    assert sorted(found) == sorted(rides)


def booked(
    folder, *, windows=("04:00:00", "22:00:00"), place="Z", trips=None, booked_as="b", **rule
):
    """A feed of one zone alone, all of the street, beside the usual feed."""
    path = fast_road(folder)
    text = path.read_text(encoding="utf-8").replace('["transit", "walk"]', MODES)
    text = text.replace('["gtfs.zip"]', '["gtfs.zip", "flex.zip"]')
    path.write_text(text.replace('["3x8"]', '["day"]'), encoding="utf-8")
    calls = [
        {
            "stop_sequence": k + 1, "location_id": place, "stop_id": "", "pickup_type": pick,
            "drop_off_type": drop, "start_pickup_drop_off_window": windows[0],
            "end_pickup_drop_off_window": windows[1], "pickup_booking_rule_id": booked_as,
        }
        for k, (pick, drop) in enumerate(((2, 1), (1, 2)))
    ]  # fmt: skip
    write_gtfs(
        folder / "flex.zip", stops=[{"stop_id": "", "stop_name": ""}], omit=["stops"],
        trips=[trip("fx", calls, service="week", **(trips or {}))],
        services={"week": SERVICES["week"]}, booking_rules=[{"booking_rule_id": "b", **rule}],
    )  # fmt: skip
    area = shapely.geometry.mapping(shapely.Polygon(ring(-100, 12_000)))
    with zipfile.ZipFile(folder / "flex.zip", "a") as archive:
        archive.writestr("locations.geojson", json.dumps({"features": [
            {"id": "Z", "type": "Feature", "properties": {}, "geometry": area}
        ]}))  # fmt: skip
    return path


def test_a_feed_of_zones_alone_stands_beside_others_and_is_not_blamed(tmp_path):
    access = assess(load(booked(tmp_path, booking_type=1, prior_notice_duration_min=60)))
    drive_s = int(access.study.street_times["car"][0][0, 0])
    ride_s = int(np.ceil(drive_s * 1.3 - 1e-9))
    # Margin, ten minutes of time slot, the ride with the usual detour.
    assert seconds(access, shift=0) == (600 + 600 + ride_s,) * 2
    codes = {f.code for f in access.study.findings}
    assert "flex_zones" in codes
    wrong = {"trips_without_stop_times", "stops_without_trips", "networks_without_trips"}
    assert not codes & (wrong | {"flex_booking_late"})


def test_stops_and_trips_on_demand_are_not_blamed_for_having_no_times(tmp_path):
    codes = {f.code for f in load(stop_service(tmp_path)).findings}
    assert not codes & {"trips_without_stop_times", "trips_of_one_stop"}
    # Stop A has no service at all, and is said to have none; those of the group are not.
    (idle,) = [f for f in load(stop_service(tmp_path)).findings if f.code == "stops_without_trips"]
    assert (idle.count, idle.examples) == (1, ("A Stop A",))


def test_calls_at_places_unknown_or_never_are_told(tmp_path):
    lost = load(booked(tmp_path / "a", place="elsewhere")).findings
    assert [(f.count, f.examples) for f in lost if f.code == "flex_place_unknown"] == [
        (2, ("elsewhere",))
    ]
    never = load(booked(tmp_path / "b", windows=("09:00:00", "09:00:00"))).findings
    assert [(f.count, f.examples) for f in never if f.code == "flex_window_missing"] == [
        (2, ("Z",))
    ]


@pytest.mark.parametrize(
    ("rule", "opens", "first_s"),
    [
        # Who calls from 08:00 on, an hour ahead, rides from 09:00 on: too late for the day shift.
        ({"booking_type": 1, "prior_notice_duration_min": 60, "prior_notice_start_day": 0,
          "prior_notice_start_time": "08:00:00"}, "08:00:00", 9 * 3600),
        ({"booking_type": 1, "prior_notice_duration_min": 60,
          "prior_notice_duration_max": 120}, "≤ 120 min", 4 * 3600),
        ({"booking_type": 2, "prior_notice_last_day": 1, "prior_notice_start_day": 7}, "",
         4 * 3600),
    ],
)  # fmt: skip
def test_bookings_of_the_day_itself_are_judged_against_the_commute(tmp_path, rule, opens, first_s):
    access = assess(load(booked(tmp_path, **rule)))
    (found,) = read_flex(tmp_path / "flex.zip")
    assert (found.opens, found.start_s) == (opens, first_s)
    told = [f for f in access.study.findings if f.code == "flex_booking_late"]
    assert [f.examples for f in told] == ([(f"Z: {opens}",)] if opens else [])
    out_s, back_s = seconds(access, shift=0)
    assert (out_s < INF) == (first_s == 4 * 3600)
    assert back_s < INF


SAME_DAY = {"booking_type": 1, "prior_notice_start_day": 0, "prior_notice_duration_min": 60}


@pytest.mark.parametrize(
    ("rule", "holds", "missed", "notice"),
    [
        # Known the day before, a planned shift is booked by then.
        ({"booking_type": 2, "prior_notice_last_day": 1, "prior_notice_last_time": "17:00:00"},
         (True, True), (), "prior_notice_last_day 1 17:00:00"),
        # First ride at 09:00: out of reach of the start at 08:00, not of the end at 16:00.
        (SAME_DAY | {"prior_notice_start_time": "08:00:00"},
         (False, True), ("day 08:00",), "60 min"),
        # First ride at 17:30, and both edges lie before.
        (SAME_DAY | {"prior_notice_start_time": "16:30:00"},
         (False, False), ("day 08:00", "day 16:00"), "60 min"),
        # By two hours before the ride, whatever the day: the whole of the night to book in.
        ({"booking_type": 1, "prior_notice_duration_min": 120}, (True, True), (), "120 min"),
        ({"booking_type": 0}, (True, True), (), ""),
    ],
)  # fmt: skip
def test_notice_is_compared_edge_by_edge(tmp_path, rule, holds, missed, notice):
    access = assess(load(booked(tmp_path, **rule)))
    assert tuple(t < INF for t in seconds(access, shift=0)) == holds
    (zone,) = read_flex(tmp_path / "flex.zip")
    assert zone.notice == notice
    told = [f.examples for f in access.study.findings if f.code == "flex_edges_missed"]
    site = access.study.sites[0]
    (shift,) = site.rosters[0].shifts
    clocks = [f"{site.name} {shift.name} {edge.split()[1]}: Z" for edge in missed]
    assert told == ([tuple(clocks)] if clocks else [])


@pytest.mark.parametrize(
    "rule",
    [
        {"booking_type": 2, "prior_notice_last_day": 1, "prior_notice_start_day": 0},
        {"booking_type": 1, "prior_notice_duration_min": 60, "prior_notice_duration_max": 30},
        SAME_DAY | {"prior_notice_start_time": "21:30:00"},
        SAME_DAY | {"prior_notice_start_time": "12:00:00", "prior_notice_last_day": 0,
                    "prior_notice_last_time": "11:00:00"},
    ],
)  # fmt: skip
def test_what_nobody_can_book_is_told(tmp_path, rule):
    told = []
    booked(tmp_path, **rule)
    assert read_flex(tmp_path / "flex.zip", told) == []
    assert [(f.code, f.count, f.examples) for f in told] == [("flex_never_bookable", 1, ("Z",))]


def test_a_notice_that_is_no_number_names_its_row(tmp_path):
    booked(tmp_path, booking_type=1, prior_notice_duration_min="une heure")
    with pytest.raises(SourceError, match="une heure"):
        read_flex(tmp_path / "flex.zip")


def test_a_feed_says_itself_how_long_its_rides_take(tmp_path):
    pace = {"safe_duration_factor": "1.5", "safe_duration_offset": "120"}
    access = assess(load(booked(tmp_path, trips=pace)))
    drive_s = int(access.study.street_times["car"][0][0, 0])
    ride_s = int(np.ceil(drive_s * 1.5 + 120 - 1e-9))
    assert seconds(access, shift=0) == (600 + 600 + ride_s,) * 2


@pytest.mark.parametrize("place", ["zone in stop_id", "area in stop_id", "former headings"])
def test_flex_as_it_was_written_before_its_adoption(tmp_path, place):
    """Zones and areas named in stop_id, ``dropoff`` in one word, ids among the properties."""
    name = {"zone in stop_id": "Z", "area in stop_id": "AR"}.get(place, "")
    calls = [
        {
            "stop_sequence": k + 1, "stop_id": name, "location_id": "" if name else "Z",
            "pickup_type": pick, "drop_off_type": drop,
            "start_pickup_dropoff_window": "22:00:00", "end_pickup_dropoff_window": "02:00:00",
        }
        for k, (pick, drop) in enumerate(((2, 1), (1, 2)))
    ]  # fmt: skip
    path = write_gtfs(
        tmp_path / "f.zip", stops={k: lonlat(PLACES_M[k]) for k in ("A", "B")},
        trips=[trip("fx", calls, service="week")], services={"week": SERVICES["week"]},
        stop_areas=[{"area_id": "AR", "stop_id": s} for s in ("A", "B")],
    )  # fmt: skip
    area = shapely.geometry.mapping(shapely.Polygon(ring(-100, 12_000)))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("locations.geojson", json.dumps({"features": [
            {"type": "Feature", "id": None, "properties": {"id": "Z"}, "geometry": area}
        ]}))  # fmt: skip
    told = []
    (found,) = read_flex(path, told)
    assert (found.start_s, found.end_s) == (22 * 3600, 26 * 3600)
    assert [(f.code, f.count) for f in told] == [("flex_window_over_midnight", 2)]
    assert found.pickup.geom_type == ("MultiPoint" if name == "AR" else "Polygon")


@pytest.mark.parametrize("columns", [["pickup"], ["drop_off"], ["pickup", "drop_off"]])
def test_calls_by_rules_that_are_not_there_are_told_once(tmp_path, columns) -> None:
    """Two calls in a zone, each with the same rule to board and to leave: two stop times."""
    window = {"start_pickup_drop_off_window": "08:00:00", "end_pickup_drop_off_window": "10:00:00"}
    rules = {f"{column}_booking_rule_id": "lost" for column in columns}
    calls = [{"stop_id": "", "location_id": "Z", **window, **rules} for _ in range(2)]
    write_gtfs(
        tmp_path / "flex.zip", stops={"A": lonlat(1000)}, services={"week": SERVICES["week"]},
        trips=[trip("fx", [("A", "07:00"), *calls], service="week")],
    )  # fmt: skip
    found = read_feed(tmp_path / "flex.zip", cache=False).findings
    told = [f for f in found if f.code == "booking_rules_unknown"]
    assert [(f.count, f.examples) for f in told] == [(2, ("lost",))]
