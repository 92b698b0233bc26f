"""What `mobility check` answers first, on the street drawn in `small`."""

from __future__ import annotations

import datetime as dt
import json
import re

import geopandas as gpd
import numpy as np
import pytest
import shapely
from feeds import service, trip, write_gtfs
from small import PLACES_M, TRIPS, lonlat, write_territory
from typer.testing import CliRunner

from mobility.base.clock import format_clock
from mobility.base.i18n import translate
from mobility.cli import app
from mobility.commute import walks
from mobility.commute.access import assess
from mobility.commute.data_sheet import (
    day_gaps,
    edge_text,
    edges_tables,
    gates_table,
    hours_table,
    ledger_table,
)
from mobility.commute.loading import load
from mobility.commute.said_before import place_of_answer
from mobility.commute.white_zones import REASONS, white_zones
from mobility.outputs.map.assets import leaflet
from mobility.streets import graph, snap
from mobility.streets.arcs import TurnTimes, local_of, times_bundle, times_key, times_of
from mobility.territory.project import Territory
from mobility.timetable import footpaths


def test_stops_and_vehicles_around_the_shifts(tmp_path):
    """Of the day's six runs, those that reach B within the hour before a start, and the returns.

    Gate G is 240 s from B, margins are 10 min: 04:40 serves the start at 05:00 (it reaches the
    gate at 04:44), 12:35 the start at 13:00, 20:35 that at 21:00; 05:20 leaves after the end at
    05:00, and so on.
    """
    study = load(write_territory(tmp_path))
    sheet = study.sheet
    (gate,) = sheet.gates
    assert study.feed.stops["stop_id"].iloc[gate.stops].tolist() == ["B"]
    assert (gate.nearest, gate.nearest_s) == ("Stop B", 240)
    served = {
        edge_text(s, study.territory.zone).replace("\u00a0", " "): (
            s.count,
            format_clock(s.first_s),
        )
        for s in sheet.services
    }
    assert served == {
        "→ 05:00": (1, "04:40"),
        "→ 13:00": (1, "12:35"),
        "→ 21:00": (1, "20:35"),
        "05:00 →": (1, "05:20"),
        "13:00 →": (1, "13:20"),
        "21:00 →": (1, "21:20"),
    }
    assert not sheet.cut_off.any()


def test_hours_are_told_as_clocks_show_them_when_they_are_turned_back(tmp_path):
    """The night of 24 October lasts an hour longer; its shift ends at 04:00 all the same.

    The bus of 29:30 of that Saturday, counted from noon, leaves at 04:30 by the new time.
    """
    night = (
        '[{ name = "N", shifts = [{ name = "n", start = "21:00", end = "04:00", days = "all" }] }]'
    )
    path = write_territory(
        tmp_path, rosters=night, trips=[("home", "B", "29:30", "A", "29:50", "week")],
        days='kinds = ["saturday"]\ndates = { saturday = 2026-10-24 }',
        services={"week": service("1111111", "20260101", "20261231")},
    )  # fmt: skip
    study = load(path)
    ((_, table),) = edges_tables(study.sheet, study, "en")
    told = {row.iloc[0].replace("\u00a0", " "): row.iloc[1] for _, row in table.iterrows()}
    assert told == {"→ 21:00": "0", "04:00 →": "1 04:30–04:30"}


@pytest.mark.parametrize(("minute", "count"), [("46", 1), ("47", 0)])
def test_a_vehicle_serves_a_start_when_its_riders_walk_to_the_gate_in_time(tmp_path, minute, count):
    """05:00 less 10 min and a walk of 4 min is 04:46."""
    late = ("early", "A", "28:20", "B", f"28:{minute}", "eve")
    study = load(write_territory(tmp_path, trips=[late, *TRIPS[1:]]))
    (first,) = [
        s for s in study.sheet.services if edge_text(s, study.territory.zone).endswith("05:00")
    ]
    assert first.count == count


def test_a_gate_out_of_reach_is_the_reason_whatever_the_home(tmp_path):
    """G is 240 s from its stop, H1 300 s and H2 1000 s from theirs: none within 3 min."""
    limits = "[limits]\nmax_walk_min = 3"
    study = load(write_territory(tmp_path, extra=limits))
    found = next(f for f in study.findings if f.code == "gates_without_stop")
    assert found.examples == ("Usine: Stop B, 0.2 km",)
    zones = white_zones(assess(study))
    assert {REASONS[k] for k in np.unique(zones.reason)} == {"no_stop_gate"}


def test_hours_without_departures():
    """As in a file cut to some hours: 03:00 to 08:59, then 20:00 and 24:30."""
    hours = np.array([3 * 3600, 7 * 3600, 8 * 3600 + 59 * 60, 20 * 3600, 24 * 3600 + 1800])
    assert day_gaps(hours) == ["08:59–20:00"]
    assert day_gaps(np.array([11 * 3600 + 1200, 14 * 3600, 17 * 3600 + 3000])) == [
        "05:00–11:20", "14:00–17:50", "17:50–22:00",
    ]  # fmt: skip
    assert day_gaps(np.zeros(0, np.int64)) == []
    # 32:30 of a service day is half past eight too.
    late = np.array([5.5, 12, 14.5, 17, 19.5, 32.5, 32.5]) * 3600
    assert day_gaps(late.astype(np.int64)) == ["08:30–12:00"]


def test_accounts_are_shown_with_their_reasons(tmp_path):
    """One stop time of twelve names no stop."""
    path = write_territory(tmp_path)
    rides = [trip(n, [(a, d), (b, r)], service="week") for n, a, d, b, r, _ in TRIPS]
    rides[0]["calls"].insert(1, rides[0]["calls"][0] | {"stop_id": "Z", "stop_sequence": 1})
    write_gtfs(
        tmp_path / "gtfs.zip", stops={n: lonlat(PLACES_M[n]) for n in "AB"}, trips=rides,
        services={"week": service("1111100", "20260105", "20261218")},
    )  # fmt: skip
    table = ledger_table(load(path), "fr").set_index("source")
    row = table.loc["gtfs.zip/stop_times.txt"]
    assert (row["read"], row["used"]) == ("13", "12")
    below = table.index[table.index.get_loc("gtfs.zip/stop_times.txt") + 1]
    assert (below, table.loc[below, "used"]) == ("· stop_id inconnu", "−1")


def below(table, source):
    """What stands below a source in the account: reasons and how many."""
    names, used = table.index.tolist(), table["used"].tolist()
    first = last = names.index(source) + 1
    while last < len(names) and names[last].startswith("· "):
        last += 1
    return dict(zip(names[first:last], used[first:last], strict=True))


def test_trips_that_nobody_can_ride_are_not_counted_as_used(tmp_path):
    """Of nine trips one has no stop time, one a single one, one no service: six are ridden."""
    path = write_territory(tmp_path)
    rides = [trip(n, [(a, d), (b, r)], service="week") for n, a, d, b, r, _ in TRIPS]
    rides += [trip("bare", [], service="week"), trip("one", [("A", "10:00")], service="week")]
    rides += [trip("lost", [("A", "10:00"), ("B", "10:20")], service="gone")]
    write_gtfs(
        tmp_path / "gtfs.zip", stops={n: lonlat(PLACES_M[n]) for n in "AB"}, trips=rides,
        services={"week": service("1111100", "20260105", "20261218")},
    )  # fmt: skip
    table = ledger_table(load(path), "en").set_index("source")
    row = table.loc["gtfs.zip/trips.txt"]
    assert (row["read"], row["used"]) == ("9", "6")
    assert below(table, "gtfs.zip/trips.txt") == {
        "· an unknown service_id": "−1", "· no usable stop time": "−1", "· one stop only": "−1",
    }  # fmt: skip
    row = table.loc["gtfs.zip/stop_times.txt"]
    assert (row["read"], row["used"]) == ("15", "12")
    assert below(table, "gtfs.zip/stop_times.txt") == {
        "· a trip of an unknown service_id": "−2", "· its only stop": "−1",
    }  # fmt: skip


@pytest.mark.parametrize("share", [1, 0.45])
def test_persons_of_whom_a_share_works_are_no_workers(tmp_path, share):
    """Twenty persons in two homes, of whom nine work; one home of ten more is off the streets."""
    away = f"X,X,D,{lonlat(0)[0]:.6f},{lonlat(0)[1] + 0.02:.6f},10\n"
    rows = [f"{n},{n},D,{lonlat(PLACES_M[n])[0]:.9f},{lonlat(PLACES_M[n])[1]:.9f},10\n"
            for n in ("H1", "H2")]  # fmt: skip
    path = write_territory(
        tmp_path, homes="id,name,commune,lon,lat,workers\n" + "".join(rows) + away
    )
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("personal =", f"workers_share = {share}\npersonal ="), "utf-8")
    table = ledger_table(load(path), "en").set_index("source")
    (account,) = table[table["unit"].isin(["workers", "persons"])].itertuples()
    if share == 1:
        assert (account.read, account.used, account.unit) == ("30", "20", "workers")
    else:
        assert (account.read, account.used, account.unit) == ("30", "9", "persons")
        assert table.loc["· they do not work", "used"] == "−16"
        assert table["used"].tolist().count("−5") == 1  # ten of whom 4.5 work, off the streets


def test_the_first_lines_of_check_are_the_stops_of_the_gates(tmp_path):
    output = CliRunner().invoke(app, ["check", str(write_territory(tmp_path))]).stdout
    assert output.strip().startswith("Arrêts à portée de marche des entrées de site")
    assert all(len(line) <= 80 for line in output.splitlines() if "│" in line)


HOSTILE = "</script><img src=x onerror=alert(1)> {{ 7*7 }} @@mb-code@@"


def test_the_page_holds_what_was_read_as_text(tmp_path):
    """Names that look like markup or a template stand in the data, escaped, and nowhere else."""
    path = write_territory(tmp_path)
    text = path.read_text(encoding="utf-8").replace('name = "Usine"', f'name = "{HOSTILE}"')
    path.write_text(text.replace('name = "Droiteville"', f'name = "{HOSTILE}"'), encoding="utf-8")
    page = tmp_path / "check.html"
    result = CliRunner().invoke(app, ["check", str(path), "--html", str(page), "--lang", "en"])
    assert result.exit_code == 0, result.output
    written = page.read_text(encoding="utf-8")
    assert "<img" not in written
    own = written.replace(leaflet()[0], "").replace(leaflet()[1], "")
    assert not re.search(r"https?:", own)
    data = json.loads(re.search(r'id="data">(.*?)</script>', written, re.DOTALL)[1])
    (gate,) = data["gates"]
    assert (gate["site"], gate["count"], gate["stops"]) == (HOSTILE, 1, ["Stop B"])
    # Each stop has three departures of the day: on A at 12:15, 20:15 and, the eve's, 28:20.
    assert {name: calls for _, _, name, calls in data["stops"]} == {"Stop A": 3, "Stop B": 3}
    assert [(line["trips"], line["hours"]) for line in data["lines"]] == [(6, "05:20–28:20")]
    assert [(workers, kind) for _, _, workers, kind in data["homes"]] == [(10, 0), (10, 0)]
    assert data["cut"] == []
    before = page.read_bytes()
    CliRunner().invoke(app, ["check", str(path), "--html", str(page), "--lang", "en"])
    assert page.read_bytes() == before


def test_findings_of_the_page_know_their_places(tmp_path):
    limits = "[limits]\nmax_walk_min = 3"
    page = tmp_path / "check.html"
    path = write_territory(tmp_path, extra=limits)
    CliRunner().invoke(app, ["check", str(path), "--html", str(page), "--lang", "en"])
    data = json.loads(re.search(r'id="data">(.*?)</script>', page.read_text("utf-8"), re.DOTALL)[1])
    lon, lat = lonlat(PLACES_M["G"])
    (first, *_) = [f for f in data["findings"] if "Nobody can walk" in f["text"]]
    assert first["at"] == [[round(lat, 5), round(lon, 5)]]


def test_what_streets_give_is_kept_and_equal(tmp_path, monkeypatch):
    """The second reading works nothing out, and finds the same seconds."""
    monkeypatch.setenv("MOBILITY_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(graph, "KEPT_FROM", 0)
    path = write_territory(tmp_path, extra="[shuttles]\nenabled = false")
    first = load(path)
    ways = {mode: [*both] for mode, both in first.street_times.items()}
    for name in ("edge_times", "_walk_snaps", "_components", "street_times"):
        for module in (footpaths, snap, walks):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, None)
    again = load(path)
    assert again.findings == first.findings
    for mode, both in ways.items():
        for one, two in zip(both, again.street_times[mode], strict=True):
            np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(first.home_walks.walk_s, again.home_walks.walk_s)


def test_times_come_back_from_the_cache_as_they_went():
    barred = np.array([[1, 2]])
    times = TurnTimes(
        np.float32([1, np.inf]), np.float32([2, 3]), barred, ((1, 2, 3), (4, 5, 6, 7)),
        np.array([True, False]),
    )  # fmt: skip
    for one, two in zip(times_key(times), times_key(times_of(times_bundle(times))), strict=True):
        np.testing.assert_array_equal(one, two) if isinstance(one, np.ndarray) else None
        assert isinstance(one, np.ndarray) or one == two
    assert local_of(times_of(times_bundle(TurnTimes(*times, barred)))) is None


def test_headings_speak_french(tmp_path):
    study = load(write_territory(tmp_path))
    assert study.sheet is not None
    tables = (
        gates_table(study.sheet, study, "fr"), hours_table(study.sheet, study, "fr"),
        ledger_table(study, "fr"),
    )  # fmt: skip
    heads = {str(name) for table in tables for name in table.columns}
    kinds = {translate(day.label, "fr") for day in study.days}
    alike = {name for name in heads - kinds if translate(name, "fr") == name}
    assert alike == {"site", "source"}


def test_what_was_said_is_said_again_until_something_changes(tmp_path, monkeypatch):
    """Of streets, timetable, homes, settings, the parts of a layer, or the date."""
    monkeypatch.setenv("MOBILITY_CACHE_DIR", str(tmp_path / "cache"))
    path = write_territory(tmp_path / "t")
    folder = path.parent
    gpd.GeoDataFrame({"n": [1]}, geometry=[shapely.box(0, 45, 1, 46)], crs=4326).to_file(
        folder / "qpv.shp"
    )
    text = path.read_text(encoding="utf-8").replace(
        'commune = "commune"', 'commune = "commune"\ngroups = ["qpv=qpv.shp"]'
    )
    path.write_text(text, encoding="utf-8")

    def check(*more):
        return CliRunner().invoke(app, ["check", str(path), "--lang", "en", *more])

    first = check()
    assert "Stops within walking reach" in first.stdout
    monkeypatch.setattr("mobility.commute.loading.load", None)
    again = check()
    assert again.exit_code == first.exit_code == 0
    assert again.stdout == first.stdout
    # The steps of the work are not told where there is none.
    assert again.stderr in first.stderr
    assert check("--html", str(tmp_path / "page.html")).exception is not None

    def place():
        return place_of_answer(Territory.from_toml(path), "en")

    known = {place()}
    for name in ("streets.osm", "gtfs.zip", "homes.csv", "territory.toml", "qpv.dbf"):
        whole = (folder / name).read_bytes()
        changed = whole.replace(b"walk_kmh = 3.6", b"walk_kmh = 3.5")
        (folder / name).write_bytes(changed if changed != whole else whole + b"\n")
        known.add(place())
        (folder / name).write_bytes(whole)
    monkeypatch.setattr("mobility.commute.said_before.today", lambda: dt.date(2030, 1, 1))
    known.add(place())
    assert len(known) == 7


def test_what_is_said_of_persons_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("MOBILITY_CACHE_DIR", str(tmp_path / "cache"))
    x, y = lonlat(700)
    rows = "".join(f"{x + k * 1e-5},{y},1\n" for k in range(40))
    path = write_territory(tmp_path / "t", homes=f"lon,lat,workers\n{rows}")
    keys = 'id = "id"\nname = "name"\ncommune = "commune"\npersonal = false'
    path.write_text(path.read_text(encoding="utf-8").replace(keys, ""), encoding="utf-8")
    assert CliRunner().invoke(app, ["check", str(path)]).exit_code == 0
    assert (tmp_path / "cache" / "mobility-shift" / "streets").is_dir()
    assert not (tmp_path / "cache" / "mobility-shift" / "checks").exists()
