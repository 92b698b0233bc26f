"""Reading GTFS: what is in the field, bad input, cache, merging."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from feeds import gtfs_tables, service, to_csv, trip, write_gtfs

from mobility.base.errors import MobilityError, SourceError, SourceNotFoundError
from mobility.sources.gtfs.feed import route_mode
from mobility.sources.gtfs.read import Feed, merge_feeds, read_feed
from mobility.timetable.runs import feed_runs

STOPS = {"A": (4.00, 45.00), "B": (4.01, 45.00), "C": (4.02, 45.00)}
LINE = trip("t1", [("A", "05:00"), ("B", "05:10", "05:11"), ("C", "05:20")])


def read(path: Path, **tables: Any) -> Feed:
    tables = {"stops": STOPS, "trips": [LINE]} | tables
    return read_feed(write_gtfs(path, **tables), cache=False)


def times(feed: Feed) -> list[tuple[int, int]]:
    columns = feed.stop_times[["arrival_s", "departure_s"]]
    return [tuple(row) for row in columns.to_numpy().tolist()]


def codes(feed: Feed) -> list[tuple[str, int]]:
    return [(f.code, f.count) for f in feed.findings]


# --- what is in the field ----------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("feed", {}),
        ("feed.zip", {}),
        ("feed.zip", {"bom": True}),
        ("x.zip", {"inner_folder": "in"}),
    ],
)
def test_folder_zip_inner_folder_and_bom(
    tmp_path: Path, name: str, options: dict[str, Any]
) -> None:
    feed = read(tmp_path / name, **options)
    assert feed.stops["stop_id"].tolist() == ["A", "B", "C"]
    assert times(feed) == [(18_000, 18_000), (18_600, 18_660), (19_200, 19_200)]
    assert feed.networks == (name.removesuffix(".zip"),)
    assert not feed.findings


def test_a_folder_holding_the_feeds_folder(tmp_path: Path) -> None:
    write_gtfs(tmp_path / "outer" / "inner", stops=STOPS, trips=[LINE])
    assert len(read_feed(tmp_path / "outer", cache=False).stop_times) == 3


def test_blank_lines_trailing_spaces_and_quotes(tmp_path: Path) -> None:
    text = (
        " trip_id , arrival_time,departure_time,stop_id,stop_sequence \n"
        "t1 , 5:00:00,05:00:00 ,A,1\n\n"
        '"t1",05:10:00, 05:11:00," B ",2\n'
        "   \n"
        "t1,05:20:00,05:20:00,C, 3\n"
    )
    feed = read(tmp_path / "f", texts={"stop_times": text})
    assert times(feed) == [(18_000, 18_000), (18_600, 18_660), (19_200, 19_200)]
    assert feed.stop_times["stop"].tolist() == [0, 1, 2]


def test_a_row_with_more_values_than_headings_is_no_table(tmp_path: Path) -> None:
    head = "stop_id,stop_name,stop_lon,stop_lat\n"
    commas = head + "A,a,4.00,45.00\nB,b,4,01,45,00\nC,c,4.02,45.00\n"
    with pytest.raises(SourceError, match="line 3: 6 values, 4 headings"):
        read(tmp_path / "f", texts={"stops": commas})
    blank = head + "A,a,4.00,45.00,\nB,b,4.01,45.00, \nC,c,4.02,45.00\n"
    assert read(tmp_path / "g", texts={"stops": blank}).n_stops == 3


def test_ids_are_text(tmp_path: Path) -> None:
    feed = read(
        tmp_path / "f",
        stops={"007": (4.0, 45.0), "7": (4.01, 45.0)},
        trips=[trip("00", [("007", "05:00"), ("7", "05:10")], service="01")],
        services={"01": service()},
    )
    assert feed.stops["stop_id"].tolist() == ["007", "7"]
    assert feed.trips["trip_id"].tolist() == ["00"]
    assert feed.stop_times["stop"].tolist() == [0, 1]


def test_unsorted_stop_times_and_gaps_in_the_sequence(tmp_path: Path) -> None:
    rows = [
        {"stop_id": "C", "arrival_time": "05:20", "departure_time": "05:20", "stop_sequence": 30},
        {"stop_id": "A", "arrival_time": "05:00", "departure_time": "05:00", "stop_sequence": 2},
        {"stop_id": "B", "arrival_time": "05:10", "departure_time": "05:10", "stop_sequence": 10},
    ]
    feed = read(tmp_path / "f", trips=[trip("t2", []), trip("t1", rows)])
    assert feed.stop_times["trip"].tolist() == [1, 1, 1]
    assert feed.stop_times["sequence"].tolist() == [2, 10, 30]
    assert feed.stop_times["stop"].tolist() == [0, 1, 2]
    assert feed.trip_ptr.tolist() == [0, 0, 3]
    assert feed.runnable.tolist() == [False, True]


def test_times_beyond_midnight(tmp_path: Path) -> None:
    feed = read(tmp_path / "f", trips=[trip("t", [("A", "24:00:00"), ("B", "28:40:30")])])
    assert times(feed) == [(86_400, 86_400), (103_230, 103_230)]


def test_missing_times_go_by_straight_lines(tmp_path: Path) -> None:
    """A 05:00, B and C untimed, A again 05:30, a minute there: A, B, C on one line, 1:1:2."""
    calls = [("A", "05:00"), ("B", None), ("C", ""), ("A", "05:30", "05:31")]
    stops = {"A": (4.00, 45.0), "B": (4.01, 45.0), "C": (4.02, 45.0)}
    feed = read(tmp_path / "f", stops=stops, trips=[trip("t", calls)])
    assert times(feed) == [(18_000, 18_000), (18_450, 18_450), (18_900, 18_900), (19_800, 19_860)]
    assert feed.stop_times["timepoint"].tolist() == [True, False, False, True]
    assert feed.stop_times["filled"].tolist() == [False, True, True, False]
    (told,) = [f for f in feed.findings if f.code == "times_filled"]
    assert (told.count, told.params) == (2, {"all": 4, "share": 50.0})


def test_missing_times_go_evenly_between_stops_without_a_place(tmp_path: Path) -> None:
    rows = [{"stop_id": s, "stop_name": s} for s in "ABC"]
    calls = [("A", "05:00"), ("B", None), ("C", ""), ("A", "05:30")]
    feed = read(tmp_path / "f", stops=rows, trips=[trip("t", calls)])
    assert [a for a, _ in times(feed)] == [18_000, 18_600, 19_200, 19_800]


@pytest.mark.parametrize("name", ["f.zip", "f"])
def test_missing_times_go_along_shapes(tmp_path: Path, name: str) -> None:
    """From A to B the line makes a detour by the north, from B to C it goes straight."""
    stops = {"A": (4.00, 45.0), "B": (4.01, 45.0), "C": (4.04, 45.0)}
    corner = [(4.00, 45.0), (4.00, 45.01), (4.01, 45.01), (4.01, 45.0), (4.04, 45.0)]
    shapes = [
        {"shape_id": "NA", "shape_pt_lon": x, "shape_pt_lat": y, "shape_pt_sequence": k}
        for k, (x, y) in enumerate(corner)
    ]
    cos = np.cos(np.radians(45.0))
    first, rest = 0.02 + 0.01 * cos, 0.03 * cos
    calls = [("A", "05:00"), ("B", None), ("C", "05:30")]
    feed = read(
        tmp_path / name, stops=stops, shapes=shapes, trips=[trip("t", calls, shape_id="NA")]
    )
    assert times(feed)[1][0] == pytest.approx(18_000 + 1800 * first / (first + rest), abs=1)


def timed(stop: str, time: str | None, distance: float | str) -> dict[str, Any]:
    return {
        "stop_id": stop,
        "arrival_time": time,
        "departure_time": time,
        "shape_dist_traveled": distance,
    }


def test_missing_times_go_by_distance(tmp_path: Path) -> None:
    """900 of 1,000 m are covered at C: 05:00 + 27 min of 30."""
    calls = [timed("A", "05:00", 0), timed("B", None, 100), timed("C", None, 900)]
    feed = read(tmp_path / "f", trips=[trip("t", [*calls, timed("A", "05:30", 1000)])])
    assert [a for a, _ in times(feed)] == [18_000, 18_180, 19_620, 19_800]


@pytest.mark.parametrize("bad", ["", 2000])
def test_missing_or_shrinking_distances_fall_back(tmp_path: Path, bad: float | str) -> None:
    """Then the straight lines decide, which are 1:1:2 here."""
    calls = [timed("A", "05:00", 0), timed("B", None, bad), timed("C", None, 900)]
    stops = {"A": (4.00, 45.0), "B": (4.01, 45.0), "C": (4.02, 45.0)}
    rows = [*calls, timed("A", "05:30", 1000)]
    feed = read(tmp_path / "f", stops=stops, trips=[trip("t", rows)])
    assert [a for a, _ in times(feed)] == [18_000, 18_450, 18_900, 19_800]


def test_one_time_of_two_serves_as_both(tmp_path: Path) -> None:
    rows = [{"stop_id": "A", "departure_time": "05:00"}, {"stop_id": "B", "arrival_time": "05:10"}]
    assert times(read(tmp_path / "f", trips=[trip("t", rows)])) == [
        (18_000, 18_000),
        (18_600, 18_600),
    ]


def test_interpolation_never_leaves_its_trip(tmp_path: Path) -> None:
    """Trip 1 lacks its last time, trip 2 its first one: neither borrows from the other."""
    trips = [
        trip("t1", [("A", "05:00"), ("B", "05:10"), ("C", None)]),
        trip("t2", [("A", None), ("B", "06:10"), ("C", "06:20")]),
        trip("t3", [("A", "07:00"), ("B", None), ("C", "07:20")]),
    ]
    feed = read(tmp_path / "f", trips=trips)
    assert feed.stop_times["trip"].tolist() == [2, 2, 2]
    assert codes(feed) == [("trips_untimed", 2), ("times_filled", 1)]


def test_trips_that_go_back_in_time_are_left_out(tmp_path: Path) -> None:
    trips = [
        trip("t1", [("A", "05:00"), ("B", "04:59")]),
        trip("t2", [("A", "05:00", "04:00"), ("B", "05:30")]),
        LINE | {"trip": LINE["trip"] | {"trip_id": "t1b"}, "calls": []},
        trip("t3", [("A", "05:00"), ("B", "05:00")]),
    ]
    feed = read(tmp_path / "f", trips=trips)
    assert feed.stop_times["trip"].unique().tolist() == [3]
    assert codes(feed) == [("trips_back_in_time", 2)]
    assert feed.findings[0].examples == ("t1", "t2")


def test_broken_references_are_counted_with_examples(tmp_path: Path) -> None:
    trips = [
        LINE,
        trip("t2", [("A", "05:00"), ("Z", "05:05"), ("B", "05:10")], route="X", service="none"),
    ]
    extra = [{"trip_id": "ghost", "stop_id": "A", "stop_sequence": 1, "arrival_time": "05:00:00"}]
    rows = [r for t in trips for r in t["calls"]]
    feed = read(
        tmp_path / "f",
        trips=trips,
        routes=[{"route_id": "R", "route_type": 3, "agency_id": "?"}],
        texts={"stop_times": to_csv(rows + extra)},
    )
    found = {(f.params.get("file"), f.params.get("column")): f for f in feed.findings}
    assert found["stop_times.txt", "stop_id"].examples == ("Z",)
    assert found["stop_times.txt", "trip_id"].examples == ("ghost",)
    assert found["trips.txt", "route_id"].examples == ("X",)
    assert found["trips.txt", "service_id"].examples == ("none",)
    assert found["routes.txt", "agency_id"].examples == ("?",)
    # The trip keeps its sound calls, under a route of its own.
    assert len(feed.stop_times) == 5
    assert feed.routes["route_id"].tolist() == ["R", "X"]
    assert feed.trips["service"].tolist() == [0, -1]


def test_repeated_ids_keep_the_first_row(tmp_path: Path) -> None:
    stops = [
        {"stop_id": s, "stop_name": n, "stop_lat": 45, "stop_lon": 4}
        for s, n in [("A", "first"), ("B", "b"), ("A", "second"), ("", "none")]
    ]
    feed = read(tmp_path / "f", stops=stops, trips=[trip("t", [("A", "05:00"), ("B", "05:10")])])
    assert feed.stops["stop_name"].tolist() == ["first", "b"]
    assert codes(feed) == [("duplicate_ids", 1), ("missing_ids", 1)]


def test_calls_on_demand_are_no_stop_times(tmp_path: Path) -> None:
    window = {"start_pickup_drop_off_window": "05:00:00", "end_pickup_drop_off_window": "06:00:00"}
    calls = [("A", "05:00"), {"location_id": "zone"}, {"stop_id": "B"} | window, ("C", "05:20")]
    feed = read(tmp_path / "f", trips=[trip("t", calls)])
    assert times(feed) == [(18_000, 18_000), (19_200, 19_200)]
    (rows,) = [r for r in feed.rows if r.source.endswith("stop_times.txt")]
    assert (rows.read, rows.used, rows.left_out) == (4, 2, {"a call on demand": 2})


def test_a_call_without_any_place_is_told(tmp_path: Path) -> None:
    feed = read(tmp_path / "f", trips=[trip("t", [("A", "05:00"), ("", "05:10"), ("C", "05:20")])])
    assert codes(feed) == [("stop_times_nowhere", 1)]


PLACEHOLDERS = ["NA", "NULL", "None", "nan", "n/a", "null", "#N/A", "B 1"]


@pytest.mark.parametrize("name", PLACEHOLDERS)
@pytest.mark.parametrize("quoted", [False, True])
def test_every_id_is_text(tmp_path: Path, name: str, quoted: bool) -> None:
    """A stop, its station, a route, a service, a trip and a block may be called NULL."""
    stops = [
        {"stop_id": "A", "stop_lat": 45.0, "stop_lon": 4.0, "parent_station": "st"},
        {"stop_id": name, "stop_lat": 45.0, "stop_lon": 4.1, "parent_station": f"{name}s"},
        {"stop_id": f"{name}s", "stop_name": name, "stop_lat": 45.0, "stop_lon": 4.1,
         "location_type": 1},
        {"stop_id": "st", "stop_lat": 45.0, "stop_lon": 4.0, "location_type": 1},
    ]  # fmt: skip
    trips = [
        trip(name, [("A", "05:00"), (name, "05:10")], route=name, service=name, block_id=name),
        trip("u", [(name, "05:15"), ("A", "05:25")], route=name, service=name, block_id=name),
    ]
    rules = [{"from_stop_id": name, "to_stop_id": name, "transfer_type": 4, "from_route_id": "NULL",
              "min_transfer_time": "NA", "from_trip_id": name, "to_trip_id": "u"}]  # fmt: skip
    tables = gtfs_tables(stops=stops, trips=trips, services={name: service()}, transfers=rules)
    # A quoted line break takes another way through the reader than plain lines do.
    texts = {k: to_csv(rows) for k, rows in tables.items()}
    if quoted:
        texts["stops"] = texts["stops"].replace(f",{name},", f',"{name}",')
    feed = read(tmp_path / "f", stops=stops, trips=trips, texts=texts)
    assert feed.stops["stop_id"].tolist()[:4] == ["A", name, f"{name}s", "st"]
    assert feed.stops["parent"].tolist()[:4] == [3, 2, -1, -1]
    assert feed.trips["trip_id"].tolist() == [name, "u"]
    assert feed.trips["block_id"].tolist() == [name, name]
    assert feed.services.ids == (name,)
    assert feed.trips_on(day("2024-01-16")).tolist() == [0, 1]
    assert feed.transfers["from_trip"].tolist() == [0]
    # "NULL" is the route where a route is called so.
    assert feed.transfers["from_route"].tolist() == [0 if name == "NULL" else -1]
    assert codes(feed) == []
    assert all(r.read == r.used + sum(r.left_out.values()) for r in feed.rows)


def test_placeholders_in_optional_columns_are_missing(tmp_path: Path) -> None:
    """NULL as parent, number, time or block of two vehicles at once stands for nothing."""
    stops = [
        {"stop_id": s, "stop_lat": 45.0, "stop_lon": x, "parent_station": "NULL",
         "wheelchair_boarding": "NA"}
        for s, x in (("A", 4.0), ("B", 4.1))
    ]  # fmt: skip
    calls = [{"stop_id": "A", "arrival_time": "NULL", "departure_time": "05:00:00"}, ("B", "05:10")]
    trips = [trip(n, calls, block_id="NULL") for n in ("t", "u")]
    feed = read(tmp_path / "f", stops=stops, trips=trips)
    assert feed.stops["parent"].tolist() == [-1, -1]
    assert times(feed)[0] == (18_000, 18_000)
    assert feed.trips["block_id"].isna().all()
    assert codes(feed) == [("blocks_unnamed", 2)]


def test_a_service_no_calendar_knows_is_told_even_when_blank(tmp_path: Path) -> None:
    trips = [trip(n, [("A", "05:00"), ("B", "05:10")], service=s) for n, s in
             (("t", "S"), ("u", "NULL"), ("v", ""))]  # fmt: skip
    feed = read(tmp_path / "f", trips=trips)
    assert codes(feed) == [("broken_reference", 2)]


def test_hail_and_ride_is_told(tmp_path: Path) -> None:
    routes = [{"route_id": "R", "route_type": 3, "continuous_pickup": 0}]
    feed = read(tmp_path / "f", routes=routes, trips=[trip("t", [("A", "05:00"), ("B", "05:10")])])
    assert codes(feed) == [("hail_and_ride", 1)]


def test_what_a_call_says_of_hailing_comes_before_its_route(tmp_path: Path) -> None:
    """Routes are hailed all along; trip n says of each call that it is not, m of one only."""
    never = {"continuous_pickup": 1, "continuous_drop_off": 1}

    def calls(*first: dict[str, int]) -> list[dict[str, Any]]:
        more = [*first, {}, {}][:2]
        return [
            {"stop_id": s, "arrival_time": t, "departure_time": t} | what
            for s, t, what in zip("AB", ("05:00", "05:10"), more, strict=True)
        ]

    routes = [{"route_id": "R", "route_type": 3, "continuous_pickup": 0}]
    trips = [trip("n", calls(never, never)), trip("m", calls(never)), trip("u", calls())]
    lost = trip("lost", calls({"continuous_pickup": 0}))
    trips.append(lost | {"calls": [row | {"trip_id": "?"} for row in lost["calls"]]})
    window = {"start_pickup_drop_off_window": "05:00:00", "end_pickup_drop_off_window": "06:00:00"}
    trips.append(trip("booked", [{"stop_id": s} | window for s in "AB"]))
    feed = read_feed(
        write_gtfs(tmp_path / "f", stops=STOPS, trips=trips, routes=routes), cache=False
    )
    (told,) = [f for f in feed.findings if f.code == "hail_and_ride"]
    # A call on demand is booked, not hailed.
    assert told.examples == ("m", "u")


def test_periods_of_headways_that_say_nothing_new_are_counted_apart(tmp_path: Path) -> None:
    """The same period twice makes its vehicles once; a trip without calls makes none."""
    period = {"start_time": "06:00:00", "end_time": "07:00:00", "headway_secs": 1200}
    rows = [{"trip_id": t} | period for t in ("t", "t", "none")]
    trips = [trip("t", [("A", "05:00"), ("B", "05:10")]), trip("none", [])]
    path = write_gtfs(tmp_path / "f", stops=STOPS, trips=trips, frequencies=rows)
    feed = read_feed(path, cache=False)
    (account,) = [r for r in feed.rows if r.name.endswith("frequencies.txt")]
    assert (account.used, account.left_out) == (
        1, {"a trip without stop times": 1, "written twice": 1}
    )  # fmt: skip
    assert (feed.frequencies["end_s"] > feed.frequencies["start_s"]).tolist() == [
        True, False, False,
    ]  # fmt: skip


def test_parents_lend_their_place_to_platforms(tmp_path: Path) -> None:
    stops = [
        {"stop_id": "P", "stop_lat": "", "stop_lon": "", "parent_station": "S"},
        {"stop_id": "S", "stop_lat": 45, "stop_lon": 4, "location_type": 1},
        {"stop_id": "Q", "stop_lat": 46, "stop_lon": 5, "parent_station": "nowhere"},
    ]
    feed = read(tmp_path / "f", stops=stops, trips=[trip("t", [("P", "05:00"), ("Q", "05:10")])])
    assert feed.lonlat().tolist() == [[4, 45], [4, 45], [5, 46]]
    assert feed.stops["parent"].tolist() == [1, -1, -1]
    assert codes(feed) == [("broken_reference", 1)]


@pytest.mark.parametrize(
    ("number", "mode"),
    [(0, "tram"), (1, "metro"), (2, "rail"), (3, "bus"), (106, "rail"), (401, "metro"),
     (700, "bus"), (712, "bus"), (900, "tram"), (11, "trolleybus"), (204, "coach"), (9999, "bus")],
)  # fmt: skip
def test_extended_route_types(number: int, mode: str) -> None:
    assert route_mode(number) == mode


def test_extended_route_types_are_kept(tmp_path: Path) -> None:
    routes = [{"route_id": "R", "route_type": 712}]
    assert read(tmp_path / "f", routes=routes).routes["route_type"].tolist() == [712]


# --- calendars ---------------------------------------------------------------


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def test_a_week_pattern_with_exceptions(tmp_path: Path) -> None:
    """Mondays of January 2024 but the 8th, and Sunday the 14th."""
    monday = service("1000000", "20240101", "20240131", removed=["20240108"], added=["20240114"])
    feed = read(tmp_path / "f", services={"S": monday})
    dates = ["2024-01-01", "2024-01-14", "2024-01-15", "2024-01-22", "2024-01-29"]
    assert feed.services.dates("S") == [day(d) for d in dates]
    assert feed.period == (day("2024-01-01"), day("2024-01-29"))
    assert feed.trips_on(day("2024-01-08")).size == 0


def test_only_calendar_dates(tmp_path: Path) -> None:
    dates = service(calendar=False, added=["20240301", "20240304"])
    feed = read(tmp_path / "f", services={"S": dates})
    assert feed.services.dates("S") == [day("2024-03-01"), day("2024-03-04")]


def test_every_day_cut_by_exceptions(tmp_path: Path) -> None:
    """1111111 over a week, five days removed."""
    cut = [f"2024010{k}" for k in range(2, 7)]
    feed = read(tmp_path / "f", services={"S": service(end="20240107", removed=cut)})
    assert feed.services.dates("S") == [day("2024-01-01"), day("2024-01-07")]
    assert feed.trips_per_day()[0].tolist() == [1, 0, 0, 0, 0, 0, 1]


def test_a_removal_wins_over_an_addition(tmp_path: Path) -> None:
    both = service("0000000", added=["20240105"], removed=["20240105"])
    assert read(tmp_path / "f", services={"S": both}).services.dates("S") == []


def test_an_endless_calendar_is_cut_to_its_exceptions(tmp_path: Path) -> None:
    endless = service(start="20000101", end="20991231", removed=["20240101", "20240630"])
    feed = read(tmp_path / "f", services={"S": endless})
    assert feed.period == (day("2024-01-02"), day("2024-06-29"))


# --- bad input ---------------------------------------------------------------


def error(path: Path, kind: type[MobilityError] = SourceError) -> MobilityError:
    with pytest.raises(kind) as caught:
        read_feed(path, cache=False)
    assert caught.value.mend
    return caught.value


def test_missing_file(tmp_path: Path) -> None:
    assert str(tmp_path / "no.zip") in str(error(tmp_path / "no.zip", SourceNotFoundError))


def test_not_a_zip(tmp_path: Path) -> None:
    path = tmp_path / "f.zip"
    path.write_text("<html>404</html>")
    assert "no readable zip" in str(error(path))


def test_a_cut_zip(tmp_path: Path) -> None:
    path = write_gtfs(tmp_path / "f.zip", stops=STOPS, trips=[LINE])
    path.write_bytes(path.read_bytes()[:400])
    assert "no readable zip" in str(error(path))


def test_a_zip_with_a_damaged_member(tmp_path: Path) -> None:
    path = write_gtfs(tmp_path / "f.zip", stops=STOPS, trips=[LINE])
    data = bytearray(path.read_bytes())
    data[60:70] = bytes(10)
    path.write_bytes(data)
    assert error(path).file == str(path)


@pytest.mark.parametrize("name", ["stop_times", "stops", "trips", "routes", "agency"])
def test_without_a_table(tmp_path: Path, name: str) -> None:
    path = write_gtfs(tmp_path / "f.zip", stops=STOPS, trips=[LINE], omit=[name])
    assert f"{name}.txt is missing" in str(error(path))


def test_missing_column(tmp_path: Path) -> None:
    text = "trip_id,arrival_time,departure_time,stop_sequence\nt1,05:00:00,05:00:00,1\n"
    texts = {"stop_times": text}
    found = error(write_gtfs(tmp_path / "f", stops=STOPS, trips=[LINE], texts=texts))
    assert found.column == "stop_id"
    assert str(found.file).endswith("f/stop_times.txt")


@pytest.mark.parametrize("value", ["5h10", "05:61:00", "-1:00:00", "noon", "05:10"])
def test_unreadable_time_names_row_column_and_value(tmp_path: Path, value: str) -> None:
    rows = [dict(r) for r in LINE["calls"]]
    rows[1]["arrival_time"] = value
    texts = {"stop_times": to_csv(rows)}
    found = error(write_gtfs(tmp_path / "f", stops=STOPS, trips=[LINE], texts=texts))
    assert (found.row, found.column, found.value) == (3, "arrival_time", value)


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("stops", "stop_lat", "far north"),
        ("stops", "stop_lat", "4858000"),
        ("stops", "stop_lon", "nan"),
        ("stop_times", "stop_sequence", "first"),
        ("stop_times", "pickup_type", "9"),
        ("routes", "route_type", "bus"),
        ("calendar", "monday", "yes"),
        ("calendar", "start_date", "2024-01-01"),
        ("calendar", "end_date", "20240231"),
        ("agency", "agency_timezone", "Paris"),
    ],
)
def test_unreadable_values_name_their_place(
    tmp_path: Path, table: str, column: str, value: str
) -> None:
    files = gtfs_tables(stops=STOPS, trips=[LINE])
    rows = [dict(r) for r in files[table]]
    rows[0][column] = value
    texts = {table: to_csv(rows)}
    path = write_gtfs(tmp_path / "f", stops=STOPS, trips=[LINE], texts=texts)
    if value == "nan":  # a missing value in so many words
        assert np.isnan(read_feed(path, cache=False).lonlat()[0, 0])
        return
    found = error(path)
    assert (found.row, found.column, found.value) == (2, column, value)


def test_a_feed_without_usable_trips(tmp_path: Path) -> None:
    path = write_gtfs(tmp_path / "f", stops=STOPS, trips=[trip("t", [])])
    texts = {"stop_times": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"}
    path = write_gtfs(path, stops=STOPS, trips=[LINE], texts=texts)
    assert "No trip has usable stop times" in str(error(path))


def test_an_empty_file(tmp_path: Path) -> None:
    path = write_gtfs(tmp_path / "f", stops=STOPS, trips=[LINE], texts={"stop_times": ""})
    assert "No trip has usable stop times" in str(error(path))


@pytest.mark.parametrize("name", ["../stops.txt", "/etc/stops.txt", "a/../../x.txt", "..\\x.txt"])
def test_path_traversal_is_refused(tmp_path: Path, name: str) -> None:
    path = write_gtfs(tmp_path / "f.zip", stops=STOPS, trips=[LINE])
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, "stop_id\n")
    assert error(path).value == name
    assert sorted(p.name for p in tmp_path.iterdir()) == ["f.zip"]


def test_a_zip_bomb_is_refused(tmp_path: Path) -> None:
    path = write_gtfs(tmp_path / "f.zip", stops=STOPS, trips=[LINE], omit=["transfers"])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("transfers.txt", b"0" * 80_000_000)
    assert "unpacks to more than" in str(error(path))


def test_two_feeds_in_one_zip_are_refused(tmp_path: Path) -> None:
    path = write_gtfs(tmp_path / "f.zip", stops=STOPS, trips=[LINE])
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("other/stops.txt", "stop_id\n")
    assert "more than one feed" in str(error(path))


def test_rubbish_around_the_tables_is_ignored(tmp_path: Path) -> None:
    path = write_gtfs(tmp_path / "f.zip", stops=STOPS, trips=[LINE])
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("__MACOSX/._stops.txt", b"\x00\x05")
        archive.writestr("readme.pdf", b"%PDF")
    assert len(read_feed(path, cache=False).stop_times) == 3


def test_latin_1_text_is_understood(tmp_path: Path) -> None:
    path = write_gtfs(tmp_path / "f", stops=STOPS, trips=[LINE])
    name = "Hôtel de Ville, Préfecture, Côte fleurie, Château d'Eau"
    text = f'stop_id,stop_name,stop_lat,stop_lon\nA,"{name}",45,4\nB,é,45,4.01\nC,c,45,4.02\n'
    (path / "stops.txt").write_bytes(text.encode("latin-1"))
    assert read_feed(path, cache=False).stops["stop_name"].iloc[0] == name


@pytest.mark.parametrize("tail", [b"A,\xff\xfe\x00,45,4\n", b'A,"open,45,4\n', b"A,b,1,2,3,4,5\n"])
def test_broken_tables_give_one_error_or_a_sound_feed(tmp_path: Path, tail: bytes) -> None:
    path = write_gtfs(tmp_path / "f", stops=STOPS, trips=[LINE])
    (path / "stops.txt").write_bytes(b"stop_id,stop_name,stop_lat,stop_lon\n" + tail)
    outcome: Feed | SourceError
    try:
        outcome = read_feed(path, cache=False)
    except SourceError as found:
        outcome = found
    # Either way the user is told.
    assert outcome.findings if isinstance(outcome, Feed) else outcome.file and outcome.mend


# --- cache -------------------------------------------------------------------


def test_the_cache_gives_the_same_feed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOBILITY_CACHE_DIR", str(tmp_path / "cache"))
    trips = [LINE, trip("t2", [("A", "05:00"), ("Z", "05:10")], service="none")]
    extras = {"transfers": [{"from_stop_id": "A", "to_stop_id": "B", "transfer_type": 0}]}
    path = write_gtfs(tmp_path / "f.zip", stops=STOPS, trips=trips, **extras)
    plain, first, second = read_feed(path, cache=False), read_feed(path), read_feed(path)
    for feed in (first, second):
        for table in ("stops", "routes", "trips", "stop_times", "transfers", "agencies"):
            assert getattr(feed, table).equals(getattr(plain, table)), table
        assert feed.findings == plain.findings
        assert feed.services.dates("S") == plain.services.dates("S")
        assert feed.networks == plain.networks
    # A feed of other content under the same name is another entry.
    write_gtfs(path, stops=STOPS, trips=[trip("t9", [("A", "06:00"), ("B", "06:10")])])
    assert read_feed(path).trips["trip_id"].tolist() == ["t9"]


# --- merging -----------------------------------------------------------------


def test_colliding_ids_and_time_zones(tmp_path: Path) -> None:
    paris = read(tmp_path / "fr")
    london = read(
        tmp_path / "uk",
        timezone="Europe/London",
        services={"S": service("0000011")},
        transfers=[{"from_stop_id": "A", "to_stop_id": "B", "transfer_type": 3}],
    )
    feed = merge_feeds([paris, london])
    assert feed.stops["stop_id"].tolist() == ["0:A", "0:B", "0:C", "1:A", "1:B", "1:C"]
    assert feed.trips["trip_id"].tolist() == ["0:t1", "1:t1"]
    assert feed.stop_times["stop"].tolist() == [0, 1, 2, 3, 4, 5]
    assert feed.trip_ptr.tolist() == [0, 3, 6]
    assert feed.routes["timezone"].tolist() == ["Europe/Paris", "Europe/London"]
    assert feed.transfers[["from_stop", "to_stop"]].to_numpy().tolist() == [[3, 4]]
    assert feed.transfers["from_trip"].tolist() == [-1]
    assert feed.networks == ("fr", "uk")
    assert feed.trips_on(day("2024-01-02")).tolist() == [0]  # a Tuesday
    assert feed.trips_on(day("2024-01-06")).tolist() == [0, 1]  # a Saturday
    assert feed.services.dates("1:S")[0] == day("2024-01-06")


def test_one_feed_merges_into_itself(tmp_path: Path) -> None:
    feed = read(tmp_path / "f")
    assert merge_feeds([feed]) is feed
    with pytest.raises(SourceError, match="no timetable"):
        merge_feeds([])


def test_a_zip_in_memory_order_does_not_matter(tmp_path: Path) -> None:
    """The same files in another order inside the zip give the same tables."""
    one = write_gtfs(tmp_path / "a.zip", stops=STOPS, trips=[LINE])
    with zipfile.ZipFile(one) as archive:
        files = {n: archive.read(n) for n in reversed(archive.namelist())}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    two = tmp_path / "b.zip"
    two.write_bytes(buffer.getvalue())
    first, second = read_feed(one, cache=False), read_feed(two, cache=False)
    assert first.stop_times.equals(second.stop_times)


def test_a_feed_without_any_calendar_is_none(tmp_path: Path) -> None:
    found = error(write_gtfs(tmp_path / "f.zip", stops=STOPS, trips=[LINE], omit=["calendar"]))
    assert "neither calendar.txt nor calendar_dates.txt" in found.problem
    assert found.file is not None
    assert found.file.endswith("f.zip")


def test_a_zip_within_a_zip_is_named(tmp_path: Path) -> None:
    inner = write_gtfs(tmp_path / "gtfs.zip", stops=STOPS, trips=[LINE])
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as archive:
        archive.write(inner, "export/gtfs.zip")
    found = error(tmp_path / "outer.zip")
    assert "export/gtfs.zip" in str(found)
    assert "contient un autre zip" in found.render("fr")


def test_hours_that_begin_again_after_midnight_go_on(tmp_path: Path) -> None:
    """23:50, 00:10 and 01:00 are 23:50, 24:10 and 25:00; the second trip is as it stands."""
    calls = [("A", "23:50"), ("B", "00:10"), ("C", "01:00")]
    other = trip("u", [("A", "08:00"), ("B", "08:10")])
    path = write_gtfs(tmp_path / "f", stops=STOPS, trips=[trip("t", calls), other])
    feed = read_feed(path, cache=False)
    hours = feed.stop_times["arrival_s"].to_numpy() / 3600
    np.testing.assert_allclose(hours, [23 + 5 / 6, 24 + 1 / 6, 25, 8, 8 + 1 / 6], atol=1e-3)
    (told,) = [f for f in feed.findings if f.code == "times_over_midnight"]
    assert (told.count, told.examples) == (1, ("t",))


@pytest.mark.parametrize(
    ("calls", "why"),
    [
        ([("A", ""), ("B", "")], "a trip without times at its ends"),
        ([("Z", "08:00"), ("Y", "08:10")], "an unknown stop_id"),
        ([("A", "08:10"), ("B", "08:00")], "a trip that goes back in time"),
    ],
)
def test_a_feed_without_usable_calls_says_why(tmp_path: Path, calls, why) -> None:
    path = write_gtfs(tmp_path / "f", stops=STOPS, trips=[trip("t", calls)])
    assert f"2 of 2 rows are left out ({why})" in str(error(path))


@pytest.mark.parametrize("name", ["f.zip", "f"])
def test_names_of_files_in_capitals_are_theirs(tmp_path: Path, name: str) -> None:
    files = gtfs_tables(stops=STOPS, trips=[LINE])
    path = tmp_path / name
    if name == "f":
        path.mkdir()
        for table, rows in files.items():
            (path / f"{table.upper()}.TXT").write_text(to_csv(rows), encoding="utf-8")
    else:
        with zipfile.ZipFile(path, "w") as archive:
            for table, rows in files.items():
                archive.writestr(f"Reseau/{table.upper()}.TXT", to_csv(rows))
    assert len(read_feed(path, cache=False).stop_times) == len(LINE["calls"])


def test_a_feed_under_other_names_is_told_with_its_own(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "f.zip", "w") as archive:
        archive.writestr("stops.csv", "stop_id")
        archive.writestr("horaires/stop_times.csv", "trip_id")
    found = error(tmp_path / "f.zip").render("en")
    assert "stop_times.txt is missing" in found
    assert "the files found here are: stop_times.csv, stops.csv" in found


@pytest.mark.parametrize(("sign", "word"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")])
def test_columns_parted_by_another_sign_are_told(tmp_path: Path, sign: str, word: str) -> None:
    text = to_csv(gtfs_tables(stops=STOPS, trips=[LINE])["stops"]).replace(",", sign)
    path = write_gtfs(tmp_path / "f.zip", stops=STOPS, trips=[LINE], texts={"stops": text})
    assert word in error(path).render("en")


def test_headings_in_capitals_are_headings(tmp_path: Path) -> None:
    texts = {"stops": "STOP_ID,Stop_Name,STOP_LAT,stop_lon \nA,a,45,4\nB,b,45.1,4\nC,c,45.2,4\n"}
    path = write_gtfs(tmp_path / "f", stops=STOPS, trips=[LINE], texts=texts)
    assert read_feed(path, cache=False).lonlat().tolist() == [[4, 45], [4, 45.1], [4, 45.2]]


def runs_of(feed: Feed, date: dt.date, prefix: str = "") -> set[tuple[tuple[str, int], ...]]:
    """Calls (trip, arrival) of each run of a date, with a feed's number before its ids."""
    runs = feed_runs(feed, date, ZoneInfo("Europe/Paris"), findings=[])
    calls = list(zip(runs.call_trip.tolist(), runs.call_arr.tolist(), strict=True))
    return {
        tuple((prefix + feed.trip_ids[trip], at) for trip, at in calls[low:high])
        for low, high in pairwise(runs.run_ptr.tolist())
    }


@pytest.mark.parametrize("block", ["1", "", None])
def test_feeds_of_the_same_names_run_as_each_does_alone(tmp_path: Path, block: str | None) -> None:
    """Blocks, in-seat transfers, shapes and services of one name are not of the other feed."""
    column = {} if block is None else {"block_id": block}

    def network(name: str, kind: int, days: str) -> Feed:
        trips = [
            trip("go", [("A", "05:00"), ("B", "05:10")], shape_id="F", **column),
            trip("on", [("B", "05:12"), ("C", "05:20")], shape_id="F", **column),
            trip("late", [("C", "05:25"), ("A", "05:40")], shape_id="F", **column),
            trip("other", [("C", "05:26"), ("A", "05:41")], shape_id="F"),
        ]
        pair = {"from_stop_id": "C", "to_stop_id": "C", "from_trip_id": "on",
                "to_trip_id": "other" if kind == 4 else "late", "transfer_type": kind}  # fmt: skip
        return read(tmp_path / name, trips=trips, services={"S": service(days)}, transfers=[pair])

    one, two = network("x", 4, "1111100"), network("y", 5, "1000010")
    both = merge_feeds([one, two])
    for text in ("2024-01-08", "2024-01-09", "2024-01-13", "2024-01-14"):  # Mo, Tu, Sa, Su
        date = day(text)
        alone = runs_of(one, date, "0:") | runs_of(two, date, "1:")
        assert runs_of(both, date) == alone, text
    names = [tuple(t for t, _ in run) for run in runs_of(both, day("2024-01-09"))]
    ride = ("0:go", "0:go", "0:on", "0:on") if block else ("0:on", "0:on")
    assert (*ride, "0:other", "0:other") in names
    assert both.trips["shape_id"].tolist() == ["0:F"] * 4 + ["1:F"] * 4
    if block:
        assert both.trips["block_id"].tolist()[::4] == ["0:1", "1:1"]
