"""Networks that two feeds hold: told, and left out once where the territory asks for it."""

import datetime as dt

from feeds import service, trip, write_gtfs
from small import PLACES_M, SERVICES, TRIPS, lonlat, write_territory

from mobility.commute.access import assess
from mobility.commute.loading import load
from mobility.commute.sources import read_timetables
from mobility.sources.gtfs.quality import check_feed
from mobility.territory.project import Territory

DAY = dt.date(2026, 11, 17)
AGENCIES = [
    {"agency_id": i, "agency_name": name, "agency_url": "http://example.org",
     "agency_timezone": "Europe/Paris"}
    for i, name in (("L", "Local"), ("C", "Coaches"))
]  # fmt: skip


def usual():
    return [
        trip(f"x{name}", [("pA", leave), ("pB", arrive)] if a == "A" else
             [("pB", leave), ("pA", arrive)], service=which, route="l")
        for name, a, leave, _, arrive, which in TRIPS
    ]  # fmt: skip


def aggregate(folder, trips, *, beside_m=30, services=None, duplicates=""):
    """Write the usual territory with a second feed, its stops some metres beside the first's."""
    path = write_territory(folder)
    write_gtfs(
        folder / "region.zip",
        stops={f"p{name}": lonlat(PLACES_M[name] + beside_m) for name in ("A", "B")},
        trips=trips,
        services=SERVICES if services is None else services,
        agencies=AGENCIES,
        routes=[
            {"route_id": r, "agency_id": a, "route_short_name": r, "route_type": 3}
            for r, a in (("l", "L"), ("c", "C"))
        ],
    )
    text = path.read_text(encoding="utf-8")
    text = text.replace('["gtfs.zip"]', '["gtfs.zip", "region.zip"]' + duplicates)
    path.write_text(text, encoding="utf-8")
    return path


def read(path):
    feed = read_timetables(Territory.from_toml(path))
    return feed, [f for f in feed.findings if f.code == "feeds_overlap"]


DROP = '\nduplicates = "drop"'


def test_a_network_in_two_feeds_is_told_with_its_trips_and_names(tmp_path):
    coach = trip("coach", [("pA", "09:00"), ("pB", "09:20")], service="week", route="c")
    feed, (told,) = read(aggregate(tmp_path, [*usual(), coach]))
    assert told.count == len(TRIPS) == 6
    assert told.severity == "warning"
    assert told.params["later"] == "Local (region)"
    assert told.params["earlier"].startswith("Agency (")
    assert told.params["share"] == "100"
    for word in ("6 courses", "Local (region)", 'duplicates = "drop"'):
        assert word in told.render("fr")
    # Told, not done: 5 trips of the week, one of the evening, twice, and the coach.
    assert feed.trips_on(DAY).size == 13


def test_dropped_it_counts_once_and_the_others_stay(tmp_path):
    coach = trip("coach", [("pA", "09:00"), ("pB", "09:20")], service="week", route="c")
    path = aggregate(tmp_path, [*usual(), coach], duplicates=DROP)
    feed, (told,) = read(path)
    assert told.severity == "info"
    kept = feed.trips["trip_id"].to_numpy()[feed.trips_on(DAY)]
    assert sorted(kept) == sorted([*(f"0:{t[0]}" for t in TRIPS), "1:coach"])
    # Who has no trips left was not without any.
    assert "networks_without_trips" not in {f.code for f in check_feed(feed, dates=[DAY])}
    (_, account) = [row for row in feed.rows if row.source.endswith("trips.txt")]
    assert (account.read, account.used) == (7, 1)
    assert account.left_out == {"in an earlier feed too": 6}
    once = assess(load(path))
    alone = assess(load(write_territory(tmp_path / "alone")))
    assert once.outbound_s.tolist() == alone.outbound_s.tolist()
    assert "feeds_overlap" in {f.code for f in once.study.findings}


def test_only_the_dates_in_common_are_left_out(tmp_path):
    # The aggregate goes on in 2027, when the local feed is over.
    services = {k: v | {"end": "20270630"} for k, v in SERVICES.items()}
    feed, (told,) = read(aggregate(tmp_path, usual(), services=services, duplicates=DROP))
    assert told.count == 6
    assert feed.trips_on(DAY).size == 6
    assert feed.trips_on(dt.date(2027, 3, 16)).size == 6


def test_trips_alike_by_accident_are_not_a_network(tmp_path):
    alike = usual()[2:4]
    others = [
        trip(f"o{k}", [("pA", f"{7 + k}:03"), ("pB", f"{7 + k}:23")], service="week", route="l")
        for k in range(5)
    ]
    feed, told = read(aggregate(tmp_path, [*alike, *others], duplicates=DROP))
    assert told == []
    assert feed.trips_on(DAY).size == 6 + 7


def test_other_stops_other_times_and_other_dates_are_other_trips(tmp_path):
    assert read(aggregate(tmp_path / "far", usual(), beside_m=200))[1] == []
    late = {k: service(v["days"], "20270101", "20270630") for k, v in SERVICES.items()}
    assert read(aggregate(tmp_path / "late", usual(), services=late))[1] == []
    later = [
        trip(f"m{k}", [("pA", f"{k}:00"), ("pB", f"{k}:21")], service="week", route="l")
        for k in range(6, 12)
    ]
    assert read(aggregate(tmp_path / "times", later))[1] == []


def test_headways_are_part_of_what_is_alike(tmp_path):
    def runs(headway):
        return [{"trip_id": t, "start_time": "06:00:00", "end_time": "10:00:00",
                 "headway_secs": headway} for t in ("f0", "f1")]  # fmt: skip

    calls = {"f0": ("A", "B"), "f1": ("B", "A")}
    for headway, same in ((600, 1), (900, 0)):
        folder = tmp_path / str(headway)
        path = aggregate(folder, [])
        for name, prefix, seconds in (("gtfs", "", 600), ("region", "p", headway)):
            write_gtfs(
                folder / f"{name}.zip",
                stops={f"{prefix}{s}": lonlat(PLACES_M[s]) for s in ("A", "B")},
                trips=[trip(t, [(prefix + a, "00:00"), (prefix + b, "00:20")], service="week")
                       for t, (a, b) in calls.items()],
                services=SERVICES, frequencies=runs(seconds),
            )  # fmt: skip
        assert len(read(path)[1]) == same


def expanded(folder, *, departures=6, headways_first=True, exact=1):
    """A line every 20 min from 06:00 to 08:00, in one feed at a headway, in the other as trips."""
    path = aggregate(folder, [])
    often = {"trip_id": "f", "start_time": "06:00:00", "end_time": "08:00:00",
             "headway_secs": 1200, "exact_times": exact}  # fmt: skip
    each = [trip(f"t{k}", [("B", 21_600 + 1200 * k), ("A", 22_800 + 1200 * k)], service="week")
            for k in range(departures)]  # fmt: skip
    pattern = [trip("f", [("B", "00:00"), ("A", "00:20")], service="week")]
    feeds = [("headways", pattern, {"frequencies": [often]}), ("trips", each, {})]
    for (_, trips, tables), name in zip(
        feeds if headways_first else feeds[::-1], ("gtfs", "region"), strict=True
    ):
        write_gtfs(folder / f"{name}.zip", stops={s: lonlat(PLACES_M[s]) for s in ("A", "B")},
                   trips=trips, services=SERVICES, **tables)  # fmt: skip
    path.write_text(path.read_text(encoding="utf-8").replace('region.zip"]', f'region.zip"]{DROP}'))
    feed, told = read(path)
    return feed.trips.loc[feed.trips["service"] >= 0, "trip_id"].tolist(), told


def test_a_headway_with_exact_times_is_the_trips_it_makes(tmp_path):
    ridden, (told,) = expanded(tmp_path / "a")
    assert (ridden, told.count) == (["0:f"], 6)
    ridden, (told,) = expanded(tmp_path / "b", headways_first=False)
    assert (ridden, told.count) == ([f"0:t{k}" for k in range(6)], 1)
    # With a departure that only the headway makes, it stays whole; without exact times too.
    ridden, told = expanded(tmp_path / "c", headways_first=False, departures=5)
    assert (ridden, told) == ([*(f"0:t{k}" for k in range(5)), "1:f"], [])
    assert len(expanded(tmp_path / "d", exact=0)[0]) == 7
