"""New stops, runs timed on a shift edge and cycle tracks, on the street of `small`."""

import json

import geopandas as gpd
import numpy as np
import pytest
import shapely
from small import TRIPS, lonlat, write_territory

from mobility.commute.access import assess
from mobility.commute.loading import load
from mobility.commute.white_zones import REASONS, white_zones
from mobility.remedies.candidates import SearchOptions, candidates
from mobility.remedies.factors import load_factors
from mobility.remedies.model import Lever
from mobility.remedies.recommendations import retiming_remedy
from mobility.remedies.search import search, workbench
from mobility.remedies.street_remedies import street_remedies

ONLY_STOPS = SearchOptions(kinds=("stop",))


def homes(**places):
    rows = ["id,name,commune,lon,lat,workers"]
    for name, (east, workers) in places.items():
        lon, lat = lonlat(east)
        rows.append(f"{name},{name},Droiteville,{lon:.9f},{lat:.9f},{workers}")
    return "\n".join(rows) + "\n"


#: H1 near stop A, H3 in the middle of the ten kilometres to B.
MIDDLE = homes(H1=(700.5, 10), H3=(6000.5, 20))


def index(bench, name):
    ids = bench.study.feed.trips["trip_id"].astype(str)
    return int(np.flatnonzero(ids.str.endswith(name))[0])


def test_a_new_stop_serves_those_whom_the_line_drives_past(tmp_path):
    access = assess(load(write_territory(tmp_path, homes=MIDDLE)))
    found = search(access, options=ONLY_STOPS)
    best = found.outcomes[0]
    # Every trip of the line calls there, 20 workers gain all three shifts, nobody loses.
    assert (best.lever.kind, len(best.lever.trips)) == ("stop", len(TRIPS))
    assert (best.score.workers_gained, best.score.workers_lost) == (20, 0)
    assert best.score.rosters_gained == 20
    place = found.bench.study.feed.stops.iloc[best.lever.stop]
    assert place["lon"] == pytest.approx(lonlat(6000)[0], abs=0.003)
    # Half a minute for each of the six trips of a day.
    assert best.vehicle_min == 3
    remedy = retiming_remedy(found.bench, best, load_factors())
    assert remedy.head("fr") == "Créer un arrêt de la ligne R entre Stop A et Stop B"
    assert remedy.eur_year > 16_000 / 20


def test_a_new_stop_that_makes_others_late_is_shown_to_hurt(tmp_path):
    # At the gate at 04:50 sharp: half a minute more is too late for those of A.
    trips = [t if t[0] != "early" else ("early", "A", "28:26", "B", "28:46", "eve") for t in TRIPS]
    access = assess(load(write_territory(tmp_path, homes=MIDDLE, trips=trips)))
    best = search(access, options=ONLY_STOPS).outcomes[0]
    assert best.score.workers_lost == 10
    assert best.score.commutes_lost == 10
    # The morning fails for H3 too; two shifts of three are gained.
    assert best.score.commutes_gained == 40


def test_a_new_stop_takes_half_a_minute_from_each_later_call(tmp_path):
    access = assess(load(write_territory(tmp_path, homes=MIDDLE)))
    found = search(access, options=ONLY_STOPS)
    bench, lever = found.bench, found.outcomes[0].lever
    from mobility.remedies.full_runs import what_if

    tt = what_if(bench.study, [lever]).timetables["school_weekday"].timetable
    noon = index(bench, "noon")
    calls = np.flatnonzero(tt.call_trip == noon)[:3]
    share = next(s for one, _, s in lever.legs if one == tt.call_stop[calls[0]])
    passing = 12 * 3600 + 15 * 60 + round(share * 1200)
    assert (tt.call_arr[calls] % 86_400).tolist()[1:] == [passing, 12 * 3600 + 35 * 60 + 30]
    assert tt.call_dep[calls[1]] % 86_400 == passing + 30


def test_a_run_is_timed_on_the_shift(tmp_path):
    # Without the dawn bus the noon one is copied: at B at 04:46, at the gate at 04:50.
    trips = [t for t in TRIPS if t[0] != "early"]
    bench = workbench(assess(load(write_territory(tmp_path, trips=trips))))
    units = candidates(bench.study, bench.nets, bench.windows, SearchOptions(kinds=("add_run",)))
    noon = index(bench, "noon")
    exact = Lever("add_run", (noon,), shift_s=(4 * 60 + 46 - 12 * 60 - 35) * 60)
    tried = {lever for unit in units for lever in unit}
    assert exact in tried
    score = bench.scores.score(bench.try_units([(exact,)])[0][0])
    assert (score.workers_gained, score.rosters_gained) == (10, 10)
    # A minute later is too late.
    late = Lever("add_run", (noon,), shift_s=exact.shift_s + 60)
    assert bench.scores.score(bench.try_units([(late,)])[0][0]).workers_gained == 0


def stressful_street(folder, workers=100):
    """The street with a fast main road from 8 to 10 km; one home at 6 km, the gate at 11.24."""
    staff = f'[{{ template = "3x8", headcount = {workers} }}]'
    territory = write_territory(
        folder, homes=homes(H=(6000.5, workers)), extra="", trips=TRIPS, rosters=staff
    )
    text = territory.read_text("utf-8").replace(
        '["transit", "walk"]', '["transit", "walk", "bike"]'
    )
    territory.write_text(text, "utf-8")
    nodes = [lonlat(k * 500) for k in range(25)]
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<osm version="0.6">']
    lines += [
        f'<node id="{k + 1}" lat="{lat:.9f}" lon="{lon:.9f}" version="1"/>'
        for k, (lon, lat) in enumerate(nodes)
    ]
    for way, (first, last, kind) in enumerate(
        [(0, 16, "residential"), (16, 20, "primary"), (20, 24, "residential")], start=1
    ):
        refs = "".join(f'<nd ref="{k + 1}"/>' for k in range(first, last + 1))
        speed = '<tag k="maxspeed" v="80"/>' if kind == "primary" else ""
        lines.append(
            f'<way id="{way}" version="1">{refs}<tag k="highway" v="{kind}"/>{speed}'
            f'<tag k="name" v="Rue {way}"/></way>'
        )
    (folder / "streets.osm").write_text("\n".join([*lines, "</osm>"]), "utf-8")
    return territory


def tracks(territory):
    access = assess(load(territory))
    return [r for r in street_remedies(access, load_factors()) if r.kind == "cycle_track"]


def test_a_cycle_track_where_stress_alone_is_in_the_way(tmp_path):
    (track,) = tracks(stressful_street(tmp_path))
    # 5.2 km by bicycle are 21 min; two of them, on the main road, keep people away.
    assert track.params["metres"] == 2000
    assert track.params["streets"] == "Rue 2"
    assert track.workers == pytest.approx(15)
    assert track.eur_year == pytest.approx(2000 * 636 / 30 + 15 * 300, rel=0.01)
    assert "2\u202f000 m" in track.head("fr")
    assert track.rescued[0].homes.tolist() == [True]


def test_no_track_where_few_would_gain(tmp_path):
    assert not tracks(stressful_street(tmp_path, workers=20))


def test_a_drawn_track_is_measured_against_the_streets_without_it(tmp_path):
    territory = stressful_street(tmp_path)
    ends = [(lonlat(8000)[0], lonlat(8000)[1]), (lonlat(10_000)[0], lonlat(10_000)[1])]
    # Beside the main road, a few metres off.
    line = shapely.LineString([(x, y + 0.00003 * k) for x, y in ends for k in (1,)])
    gpd.GeoDataFrame(geometry=[line], crs="EPSG:4326").to_file(tmp_path / "pistes.geojson")
    text = territory.read_text("utf-8").replace(
        'osm = "streets.osm"', 'osm = "streets.osm"\nstreet_changes = "pistes.geojson"'
    )
    territory.write_text(text, "utf-8")
    (track,) = tracks(territory)
    assert track.action.startswith("Build the {metres} m of tracks drawn")
    assert track.params["file"] == "pistes.geojson"
    assert track.workers == pytest.approx(15)
    assert track.params["metres"] == pytest.approx(2000, abs=20)
    assert json.loads((tmp_path / "pistes.geojson").read_text("utf-8"))["features"]


def test_where_nothing_calls_there_is_no_stop(tmp_path):
    """Places that levers try, at the gate too, change no reason before a run calls there."""
    territory = write_territory(tmp_path, homes=MIDDLE, extra="[limits]\nmax_walk_min = 3")
    access = assess(load(territory))
    bench = search(access, options=ONLY_STOPS).bench
    assert len(bench.study.feed.stops) > len(access.study.feed.stops)
    zones, beside = white_zones(access), white_zones(bench.full_runs.access(())[0])
    assert set(zones.reason.ravel()) == {REASONS.index("no_stop_gate")}
    assert beside.reason.tolist() == zones.reason.tolist()
