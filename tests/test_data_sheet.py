"""What `mobility check` answers first, on the street drawn in `small`."""

from __future__ import annotations

import numpy as np
import pytest
from feeds import service, trip, write_gtfs
from small import PLACES_M, TRIPS, lonlat, write_territory
from typer.testing import CliRunner

from mobility.base.clock import format_clock
from mobility.cli import app
from mobility.commute.access import assess
from mobility.commute.data_sheet import day_gaps, edge_text, ledger_table
from mobility.commute.loading import load
from mobility.commute.white_zones import REASONS, white_zones


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
        edge_text(s.edge).replace("\u00a0", " "): (s.count, format_clock(s.first_s))
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


@pytest.mark.parametrize(("minute", "count"), [("46", 1), ("47", 0)])
def test_a_vehicle_serves_a_start_when_its_riders_walk_to_the_gate_in_time(tmp_path, minute, count):
    """05:00 less 10 min and a walk of 4 min is 04:46."""
    late = ("early", "A", "28:20", "B", f"28:{minute}", "eve")
    study = load(write_territory(tmp_path, trips=[late, *TRIPS[1:]]))
    (first,) = [s for s in study.sheet.services if edge_text(s.edge).endswith("05:00")]
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


def test_the_first_lines_of_check_are_the_stops_of_the_gates(tmp_path):
    output = CliRunner().invoke(app, ["check", str(write_territory(tmp_path))]).output
    assert output.strip().startswith("Arrêts à portée de marche des accès")
    assert all(len(line) <= 80 for line in output.splitlines() if "│" in line)
