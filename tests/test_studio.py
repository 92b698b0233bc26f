"""The studio as browsers ask it: who may, what is answered, what is kept."""

from __future__ import annotations

import copy
import os
import re
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain
from pathlib import Path
from threading import Event, Semaphore, Thread

import numpy as np
import pandas as pd
import pytest
import requests
import shapely
from feeds import trip, write_gtfs
from privacy_trace import assert_no_trace
from small import LOCAL, PLACES_M, SERVICES, TRIPS, lonlat, write_territory
from starlette.routing import Route
from studio_server import TOKEN, Served, served, step
from test_download import FAST
from test_employee_privacy import MARKED, employees_csv
from test_init_cli import site as stand_in  # noqa: F401 (a fixture)

from mobility.base.errors import Finding, MobilityError, SourceError, TerritoryError
from mobility.base.literal import read_csv_text, slug
from mobility.commute.access import Access, assess
from mobility.commute.loading import load, read_sources
from mobility.commute.study import quiet
from mobility.commute.white_zones import white_zones
from mobility.outputs.map.from_results import map_model
from mobility.outputs.map.pack import Store, along_curve
from mobility.outputs.map.page import build
from mobility.outputs.workbook import mode_tables
from mobility.pipeline import _scenario_costs, demo_territory, run
from mobility.shuttles.config import ShuttleConfig
from mobility.sources.gtfs.read import read_feed
from mobility.sources.sites import read_sites_file
from mobility.studio import data, edits, jobs
from mobility.studio import studies as studies_module
from mobility.studio.app import Studio
from mobility.studio.drafts import History, stepped
from mobility.studio.edits import mends_of
from mobility.studio.lines import lines_on
from mobility.studio.live import Live
from mobility.studio.studies import Studies
from mobility.territory.project import Territory
from mobility.territory.validation import read_toml


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("studies")
    write_territory(folder / "usine")
    return folder


@pytest.fixture(scope="module")
def studio(root):
    with served(Studies(root)) as found:
        found.ready("usine")
        yield found


@pytest.fixture(autouse=True)
def _as_it_is(request):
    """Every test starts from the study as it is."""
    if "studio" in request.fixturenames:
        request.getfixturevalue("studio").live("usine", {"do": "clear"})


# --- who may ask ---


def remove_study(folder) -> None:
    """Delete a study, whose draft may still be on its way to its file."""
    until = time.monotonic() + 10
    while folder.exists():
        try:
            shutil.rmtree(folder)
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def test_every_route_without_the_token_is_refused(studio: Served) -> None:
    routes = [r for r in studio.studio.app().routes if isinstance(r, Route)]
    assert len(routes) > 10
    for route in routes:
        path = route.path.replace(":path", "").format(study="usine", name="studio.js", role="homes")
        for method in route.methods or ():
            for before in ("", "/t", "/t/", "/t/another-token", f"/t/{TOKEN}x"):
                answer = requests.request(method, f"http://{studio.host}{before}{path}", timeout=9)
                assert answer.status_code == 403, (method, before, path)
                assert answer.text in ("403", "")


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "rebound.example:80"},
        {"Origin": "http://other.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_other_hosts_and_origins_are_refused(studio: Served, headers) -> None:
    assert requests.get(studio.url + "state", headers=headers, timeout=9).status_code == 403


def test_answers_allow_no_other_site(studio: Served) -> None:
    answer = requests.get(studio.url, timeout=9)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in answer.headers


def test_a_body_too_large_is_refused(studio: Served) -> None:
    body = b" " * 2_000_001
    assert requests.post(studio.url + "studies", data=body, timeout=9).status_code == 413


@pytest.mark.parametrize(
    "path",
    [
        "studies/..%2fusine", "studies/%2e%2e", "studies/nothing", "static/..%2fapp.py",
        "studies/usine/get/..%2f..%2fsecret.txt", "studies/usine/get/%2fetc%2fhostname",
        "studies/usine/get/link.txt",
    ],
)  # fmt: skip
def test_paths_do_not_leave_the_studies(studio: Served, root, path) -> None:
    (root.parent / "secret.txt").write_text("secret")
    link = root / "usine" / "link.txt"
    if not link.is_symlink():
        link.symlink_to(root.parent / "secret.txt")
    answer = requests.get(studio.url + path, timeout=9)
    assert answer.status_code == 404
    assert "secret" not in answer.text.replace("secret.txt", "")


# --- what is answered ---


def test_a_moved_shift_is_answered_at_once(studio: Served) -> None:
    # H1 (10 workers) rides at 04:15 for 05:00; an hour at most holds until 05:15.
    assert studio.live("usine")["mode"][0] == [20, 10, 0, 0, 10]
    tried = studio.live("usine", step("matin", start="05:20"), commit=False)
    assert tried["mode"][0] == [20, 0, 0, 10, 10]
    assert tried["gain"][0] == [0, 10, 0, 10]
    assert studio.get("studies/usine")["draft"] == {}


def test_times_come_before_reasons_and_a_study_rests(studio: Served) -> None:
    """Both parts are what the whole is, also once nothing is kept of what was asked."""
    for shown in ({"pick": "s1", "day": 0, "mode": 0}, {"pick": "r0", "day": 0, "mode": 1}):
        moved = step("nuit", start="20:55")
        times, zones = (
            studio.live("usine", moved, shown=shown, part=part) for part in ("times", "zones")
        )
        assert "zone" not in times["arrays"]
        assert "out" not in zones["arrays"]
        opened = studio.studio.studies.open("usine")
        assert opened.live is not None
        searched = opened.live.sources.streets.worked_out.searched
        searched["at an hour"] = None
        opened.used_s -= 1000
        opened.rest()
        assert opened.used_s == 0
        assert not searched
        whole = studio.live("usine", moved, shown=shown)
        for name, values in (times["arrays"] | zones["arrays"]).items():
            assert np.array_equal(values, whole["arrays"][name]), name
        for name in ("mode", "gain", "served", "eur", "zone", "area_zone"):
            assert (times | zones)[name] == whole[name], name
    with pytest.raises(ValueError, match="no such step"):
        studio.live("usine", part="other")


def test_figures_equal_those_of_the_saved_scenario(tmp_path) -> None:
    """Every row that the page can show, of a scenario with every kind of change."""
    studies = Studies(tmp_path)
    studies.add_demo(demo_territory())
    feed_trip = "AM_wd_03_1"
    with served(studies) as studio:
        studio.ready("demo")
        live = studio.studio.studies.open("demo").live
        assert live is not None
        tt = live.study.timetables["school_weekday"].timetable
        call = np.flatnonzero((tt.call_dep > 4 * 3600) & (tt.call_trip >= 0))[0]
        feed_trip = str(live.study.feed.trips["trip_id"].iloc[int(tt.call_trip[call])])
        site = "Fonderie des Quatre-Vents"
        most = np.argsort(-live.study.workers, kind="stable")[[0, 60]]
        stops = [{"lon": x, "lat": y} for x, y in live.study.homes.lonlat[most].tolist()]
        # Nobody of a white zone lives at the gate.
        lon, lat = live.study.sites[0].gates[0]
        idle = {"do": "line", "name": "L0", "site": site, "stops": [{"lon": lon, "lat": lat}]}
        with pytest.raises(ValueError, match="too few riders"):
            studio.live("demo", idle)
        # A first stop is no fault; a line that cannot be is one.
        assert [
            studio.refused("demo", s)["unfinished"] for s in (idle, idle | {"vehicle": "x"})
        ] == [True, False]
        told = studio.live(
            "demo",
            step("matin", site=site, start="05:15"),
            step("nuit", site=site, start="21:10"),
            {"do": "line", "name": "L1", "site": site, "stops": stops},
            {"do": "set", "table": "limits", "field": "max_wait_min", "value": 45},
            {"do": "set", "table": "modes", "field": "cycling_counts", "value": True},
            {"do": "trips", "trips": [feed_trip], "how": "move", "minutes": 10},
            shown={"pick": "s2", "day": 0, "mode": 0},
        )
        saved = studio.post("studies/demo/scenarios", {"do": "save", "name": "Tout à la fois"})
        assert saved.json()["scenarios"][0]["id"] == "tout-a-la-fois"
        path = tmp_path / "demo" / "scenarios" / "tout-a-la-fois.toml"
        (feed,) = read_toml(path)["changes"]["feeds"]
        assert feed["lines"] == [{"name": "L1", "site": site, "stops": stops}]
        # It meets the hours of the draft, ten minutes before 21:10.
        assert told["gain"][0][0] > 0
        arrivals = read_feed(path.parents[1] / feed["file"]).stop_times["arrival_s"]
        assert ((arrivals > 20 * 3600 + 50 * 60) & (arrivals <= 21 * 3600)).any()
        # What it costs is what the command line writes beside the other tables.
        costs = pd.read_csv(run(path, tmp_path / "out").folder / "scenario_costs.csv")
        items = {" ".join(item.split()) for item in costs["item"]}
        assert items >= {"navettes", "accord sur les heures de poste"}
        assert told["eur"]["year"] == round(costs["eur_year"].sum())
        study = load(path)
        access = assess(study)
        model = map_model(access, white_zones(access))
        store = Store()
        manifest = build(model, store)
        figures = manifest["scenarios"][0]["figures"]
        modes, zones = (_json(store, figures[k]) for k in ("modes", "zones"))
        order = along_curve(model.homes.lon, model.homes.lat)
        asked = [
            {"pick": f"s{s}", "day": d, "mode": 0}
            for s, d in zip(model.zone_shift.tolist(), model.zone_day.tolist(), strict=True)
        ]
        asked += [{"pick": f"r{r}", "day": 0, "mode": 2} for r in range(len(model.rosters))]
        for shown in asked:
            found = studio.live("demo", commit=False, shown=shown)
            assert found["mode"] == modes[found["row"]], shown
            assert found["zone"] == zones[found["zone_row"]], shown
            if shown["pick"][0] == "s":
                row, now = found["row"], model.scenarios[0]
                assert np.array_equal(found["arrays"]["out"], now.outbound_min[row][order])
                assert np.array_equal(found["arrays"]["back"], now.return_min[row][order])
                assert np.array_equal(
                    found["arrays"]["zone"] >> 2, now.reason[found["zone_row"]][order]
                )
            else:
                share = now.share[int(shown["pick"][1:]), 2][order]
                assert np.array_equal(found["arrays"]["share"], share)


def test_plans_of_shuttles_are_tried_together(studio: Served, root) -> None:
    """Two plans of one bus each, whose feeds the scenarios keep whatever is designed later."""
    shuttles = root / "usine" / "out" / "shuttles"
    shuttles.mkdir(parents=True, exist_ok=True)
    trips = {"P01": ("late", "A", "4:30", "B", "4:44"), "P02": ("home", "B", "13:15", "A", "13:30")}
    for name, (one, a, leave, b, arrive) in trips.items():
        write_gtfs(
            shuttles / f"{name}.zip",
            stops={stop: lonlat(PLACES_M[stop]) for stop in ("A", "B")},
            trips=[trip(one, [(a, leave), (b, arrive)], service="week")],
            services=SERVICES,
        )
    columns = "plan,lines,vehicles,eur_year,eur_low,eur_high,jobs_gained,knee"
    rows = [f"{name},1,1,{eur},{eur},{2 * eur},3,True" for name, eur in (("P01", 100), ("P02", 50))]
    (shuttles / "plans.csv").write_text("\n".join([columns, *rows]) + "\n")
    found = studio.get("studies/usine/plans")["plans"]
    assert [(one["name"], one["eur_year"], one["jobs"]) for one in found] == [
        ("P01", 100.0, 3.0), ("P02", 50.0, 3.0)]  # fmt: skip
    told = studio.live("usine", *({"do": "plan", "name": n, "on": True} for n in ("P01", "P02")))
    assert told["eur"] == {"year": 150, "low": 150, "high": 300}
    kept = [feed["file"] for feed in told["draft"]["changes"]["feeds"]]
    assert all((root / "usine" / name).is_file() for name in kept)
    shutil.rmtree(shuttles)
    assert studio.live("usine", commit=False)["mode"] == told["mode"]
    told = studio.live("usine", {"do": "plan", "name": "P01", "on": False})
    assert [feed["name"] for feed in told["draft"]["changes"]["feeds"]] == ["P02"]
    with pytest.raises(ValueError, match="no such plan"):
        studio.live("usine", {"do": "plan", "name": "P01", "on": True})
    with pytest.raises(ValueError, match="no such step"):
        studio.live("usine", {"do": "feed", "name": "x", "file": "../usine/territory.toml"})


@pytest.fixture(scope="module")
def staffed(studio: Served, root):
    """A study whose roster has a headcount."""
    rosters = '[{ template = "3x8", headcount = 40 }]'
    path = write_territory(root / "zone", rosters=rosters, extra="[limits]\nmax_total_min = 90")
    studio.ready("zone")
    yield path
    remove_study(path.parent)


def equals_saved(studio: Served, study: str, access: Access) -> None:
    """Compare the statuses and reasons of every shift with those of the saved scenario."""
    zones, live = white_zones(access), studio.studio.studies.open(study).live
    assert live is not None
    kinds = [one.kind for one in access.study.days]
    for shift, kind in zip(zones.keys["shift_id"], zones.keys["day_kind"], strict=True):
        shown = {"pick": f"s{shift}", "day": kinds.index(kind), "mode": 0}
        zone = studio.live(study, shown=shown)["arrays"]["zone"]
        z = zones.row(shift, kind)
        assert np.array_equal(zone & 3, zones.status[z][live.asking.order])
        assert np.array_equal(zone >> 2, zones.reason[z][live.asking.order])


def test_a_zone_and_shared_cars_are_those_of_the_saved_scenario(studio: Served, staffed) -> None:
    """A zone around both homes and the gate: H2, who walks too far to a stop, is fetched."""
    (west, south), (east, north) = lonlat(PLACES_M["H2"]), lonlat(PLACES_M["G"])
    polygon = [[west - 0.01, south - 0.02], [east + 0.01, south - 0.02],
               [east + 0.01, north + 0.02], [west - 0.01, north + 0.02]]  # fmt: skip
    zone = {"do": "zone", "name": "Z1", "polygon": polygon, "start": "03:00", "max_ride_min": 60}
    shares = {"do": "set", "table": "carpool", "field": "detour_min", "value": 5}
    assert studio.live("zone")["served"] == [10, 10]
    told = studio.live("zone", zone, shares)
    assert told["served"] == [20, 10]
    assert told["mode"][0] == [20, 10, 0, 0, 10]  # public transport as before
    costs = told["eur"]
    found = studio.get("studies/zone/carpool?shift=0")["carpool"]
    studio.post("studies/zone/scenarios", {"do": "save", "name": "Zone"})
    study = load(staffed.parent / "scenarios" / "zone.toml")
    access = assess(study)
    row = mode_tables(access)["carpool"].iloc[0]
    assert found == {name: int(row[name]) for name in found}
    assert found["with_2"] > 0
    # H2, half of the 40 jobs, books both ways on the shifts that the zone's hours let it reach.
    rows = [access.row(s.shift_id, "school_weekday", "on_demand") for s in study.shift_rows]
    shifts = int(access.holds[rows, 1].sum())
    heads = sum(s.headcount for s in study.shift_rows) / len(rows)
    days = study.days_per_year(0, study.days[0])
    assert shifts > 0
    assert costs["year"] == round(25 * 2 * days * shifts * heads / 2 * 0.3)
    written = _scenario_costs(study.territory, access, quiet)
    assert written is not None
    assert round(written["eur_year"].sum()) == costs["year"]
    equals_saved(studio, "zone", access)
    with pytest.raises(ValueError, match=r"field polygon\.2\.1, value '400'"):
        studio.live("zone", zone | {"polygon": [[2, 47], [400, "x"], [2, 48]]})
    with pytest.raises(ValueError, match="no such step"):
        studio.live("zone", {"do": "zones", "on_demand": [{"file": "/etc"}], "evaluated": None})
    assert studio.live("zone", {"do": "zone", "name": "Z1"})["served"] == [10, 10]
    assert studio.get("studies/zone")["draft"] == {"carpool": {"detour_min": 5}}
    studio.live("zone", {"do": "clear"})


def test_a_stop_on_a_line_is_that_of_the_saved_scenario(studio: Served, staffed) -> None:
    """At 11,200 m, past B, 40 m from the gate: H2 then walks 1,040 s in all, no more 1,240."""
    [line] = studio.get("studies/zone/lines?day=0")["lines"]
    assert (line["line"], line["stops"]) == ("R", True)
    (lon, lat), (away, north) = lonlat(11_200), lonlat(60_000)
    stop = {"do": "stop", "line": "R", "name": "Porte", "lon": lon, "lat": lat}
    assert studio.live("zone")["mode"][0][1] == 10
    with pytest.raises(ValueError, match="does not pass"):
        studio.live("zone", stop | {"lon": away, "lat": north})
    with pytest.raises(ValueError, match="no such step"):
        studio.live("zone", {"do": "lines", "lines": [{"line": "R", "how": "remove"}]})
    told = studio.live("zone", stop | {"lon": lonlat(6000)[0]}, stop)
    assert told["mode"][0][1] == 20
    rows = told["draft"]["changes"]["lines"]
    assert [(row["from_stop"], row["to_stop"]) for row in rows] == [("B", "A"), ("A", "B")]
    studio.post("studies/zone/scenarios", {"do": "save", "name": "Porte"})
    study = load(staffed.parent / "scenarios" / "porte.toml")
    access = assess(study)
    assert len(study.feed.stops) == 3
    written = _scenario_costs(study.territory, access, quiet)
    assert written is not None
    assert {"nouvel arrêt"} <= {" ".join(item.split()) for item in written["item"]}
    assert told["eur"]["year"] == round(written["eur_year"].sum()) > 800
    equals_saved(studio, "zone", access)
    # A second one on the same leg stands in its order; taken out, both leave nothing.
    second = stop | {"name": "Milieu", "lon": lonlat(6000)[0]}
    rows = studio.live("zone", second)["draft"]["changes"]["lines"]
    assert [[s["name"] for s in row["stops"]] for row in rows] == [
        ["Porte", "Milieu"], ["Milieu", "Porte"]]  # fmt: skip
    gone = [{"do": "stop", "line": "R", "name": name} for name in ("Porte", "Milieu")]
    assert studio.live("zone", *gone)["draft"] == {}


def test_the_first_and_last_departures_of_a_line_are_told(studio: Served) -> None:
    [line] = studio.get("studies/usine/lines?day=0")["lines"]
    ends = [(w["to"], w["first"]["trip"], w["last"]["trip"], w["last"]["time"])
            for w in line["ways"]]  # fmt: skip
    assert ends == [
        ("Stop A", "home05", "home21", "21:20"), ("Stop B", "noon", "early", "04:20")]  # fmt: skip
    assert (
        studio.get("studies/usine/lines?day=0")["lines"][0]["ways"][0]["first"]["time"] == "05:20"
    )
    more = {"do": "trips", "trips": ["home21"], "how": "add", "minutes": 30}
    assert studio.live("usine", more)["draft"]["changes"]["trips"][0]["how"] == "add"
    assert studio.live("usine", more | {"minutes": 0})["draft"] == {}


def test_ways_of_a_line_can_be_told_apart(tmp_path) -> None:
    """Without directions: platforms of one name are one end, and so is not one headsign."""
    path = write_territory(tmp_path / "usine")
    stops = {stop: lonlat(PLACES_M[stop]) for stop in ("A", "B", "H1")}
    feed = path.parent / "gtfs.zip"
    write_gtfs(
        feed,
        stops=[
            {"stop_id": stop, "stop_lon": lon, "stop_lat": lat, "stop_name": name}
            for (stop, (lon, lat)), name in zip(
                stops.items(), ("Gare", "Usine", "Gare"), strict=True
            )
        ],
        trips=[
            trip("t1", [("B", "6:00"), ("A", "6:20")], service="week", trip_headsign="Ville"),
            trip("t2", [("B", "7:00"), ("H1", "7:20")], service="week", trip_headsign="Ville"),
            trip("t3", [("A", "8:00"), ("B", "8:20")], service="week", trip_headsign="Ville"),
        ],
        services=SERVICES,
    )
    [line] = lines_on(load(path), 0)
    ends = [(w["to"], w["first"]["trip"], w["last"]["trip"]) for w in line["ways"]]
    assert ends == [("Ville (Gare)", "t1", "t2"), ("Ville (Usine)", "t3", "t3")]


def test_the_depot_is_written_beside_what_the_file_says(tmp_path) -> None:
    path = write_territory(tmp_path / "usine")
    text = path.read_text(encoding="utf-8")
    more = "# Our own.\n[shuttles]\nmax_calls = 5 # few\n[[shuttles.vehicles]]\n"
    path.write_text(f'{text}{more}name = "van"\nseats = 9\npassengers = 8\n', encoding="utf-8")
    edits.put_depot(path, [-0.5, 47.1])
    config = ShuttleConfig.from_territory(Territory.from_toml(path))
    assert (config.depot, config.max_calls, len(config.vehicles)) == ((-0.5, 47.1), 5, 1)
    assert "# Our own.\n[shuttles]\nmax_calls = 5 # few\n" in path.read_text(encoding="utf-8")
    with pytest.raises(TerritoryError, match=r"shuttles\.depot"):
        edits.put_depot(path, [400, 47])
    edits.put_depot(path, None)
    assert ShuttleConfig.from_territory(Territory.from_toml(path)).depot is None


def test_a_mend_that_is_a_setting_is_written_on_a_click(studio: Served, root) -> None:
    path = write_territory(root / "mends")
    path.write_text("# My own note.\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    studio.ready("mends")
    buttons = studio.get("studies/mends/mends")["mends"]
    [finding] = [k for k, found in enumerate(buttons) if found]
    assert [label["fr"] for label in buttons[finding]] == [f"Zone scolaire {z}" for z in "ABC"]
    asked = {"finding": finding, "mend": 1}
    assert studio.post("studies/mends/mends", {"finding": 99, "mend": 0}).status_code == 422
    assert studio.post("studies/mends/mends", asked).json()["value"] == "B"
    assert read_toml(path)["days"]["school_zone"] == "B"
    assert path.read_text(encoding="utf-8").startswith("# My own note.")
    remove_study(path.parent)


def test_mends_are_the_settings_that_findings_ask_for(tmp_path) -> None:
    territory = Territory.from_toml(write_territory(tmp_path / "usine"))
    kind = {"kind": "school_weekday"}
    for code, params, told in [
        ("feeds_overlap", {}, [("sources", "duplicates", "drop")]),
        ("school_routes", {}, [("modes", "school_services", False)]),
        ("flex_zones", {}, [("modes", "evaluated", ["transit", "walk", "on_demand"])]),
        ("day_kind_absent", kind, []),  # the only one studied
        ("homes_taken_as_personal", {}, []),  # nobody says so but who answers for the file
    ]:
        found = mends_of(Finding("warning", code, "", params=params), territory)
        assert [(m.table, m.field, m.value) for m in found] == told


def test_a_line_without_riders_says_so_and_changes_nothing(studio: Served) -> None:
    line = {"do": "line", "name": "L1", "site": "Usine", "stops": [{"lon": 2.0, "lat": 47.0}]}
    with pytest.raises(ValueError, match="nobody to carry"):
        studio.live("usine", line)
    with pytest.raises(ValueError, match="no such step"):
        studio.live("usine", line | {"stops": [{"lon": 400, "lat": "x"}]})
    assert studio.get("studies/usine")["draft"] == {}


def _json(store: Store, index: int):
    import base64
    import json
    import zlib

    return json.loads(zlib.decompress(base64.b64decode(store.texts[index])))


def test_a_walk_limit_rebuilds_what_rests_on_it(studio: Served, root) -> None:
    # H2 walks 1,000 s to the stop and 240 s to the gate: 20 min 40 s in all.
    more = {"do": "set", "table": "limits", "field": "max_walk_min", "value": 25}
    long = {"do": "set", "table": "limits", "field": "max_total_min", "value": 90}
    assert studio.live("usine", more, long, commit=False)["mode"][0] == [20, 20, 0, 0, 0]


def test_a_study_read_by_itself_leaves_its_page_to_the_studio(tmp_path) -> None:
    path, told = write_territory(tmp_path / "seule"), []
    studies_module.read_first(path, told.append)
    assert (told[0], told[-1]) == ("streets", "map")
    assert b"mb-manifest" in studies_module.page_path(Territory.from_toml(path)).read_bytes()


def test_a_study_with_days_of_its_own_department_is_not_built_again(tmp_path) -> None:
    path = write_territory(tmp_path / "usine")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('employer = "', 'commune = "67482"\nemployer = "'))
    live = Live(Territory.from_toml(path))
    assert live.study.territory.days.country == "FR-67"
    assert live.changed(live.territory({})) is live.study
    longer = live.changed(live.territory({"limits": {"max_wait_min": 50}}))
    assert longer.home_walks is live.study.home_walks
    assert longer.territory.days.country == "FR-67"
    assert longer.territory.limits.max_wait_min == 50


def test_a_moved_trip_gives_what_a_whole_computation_gives(studio: Served) -> None:
    """What no changed run meets is not asked again: the answer is that of all asked anew."""
    live = studio.studio.studies.open("usine").live
    assert live is not None
    for trip_id, how, minutes in [
        ("early", "move", -10), ("noon", "add", 45), ("home13", "move", 20), ("night", "remove", 0),
    ]:  # fmt: skip
        change = {"trips": [trip_id], "how": how, "minutes": minutes}
        territory = live.territory({"changes": {"trips": [change]}})
        study = live.changed(territory)
        assert study.views.held  # something stands
        pairs = [(shift, study.days[0].kind) for shift in range(3)]
        found = live.asking.pairs(study, live._key(territory), pairs)
        reasons = live.asking.reasons(study, live._key(territory), pairs)
        access = assess(replace(study))  # of which nothing is known
        zones = white_zones(access)
        for pair in pairs:
            whole = vars(live.asking._pair(access, *pair))
            for name, values in vars(found[pair]).items():
                assert np.array_equal(values, whole[name]), (change, pair, name)
            assert np.array_equal(reasons[pair], zones.reason[zones.row(*pair)]), (change, pair)


# --- what is kept ---


def test_two_browsers_lose_nothing_of_each_other(studio: Served) -> None:
    one = studio.live("usine", step("matin", start="05:05"))
    two = studio.live("usine", step("nuit", end="05:10"))
    assert two["revision"] == one["revision"] + 1
    rows = studio.get("studies/usine")["draft"]["changes"]["shifts"]
    assert [(r["shift"], r.get("start"), r.get("end")) for r in rows] == [
        ("matin", "05:05", None),
        ("nuit", None, "05:10"),
    ]
    undone = studio.post("studies/usine/undo", {}).json()
    assert [r["shift"] for r in undone["draft"]["changes"]["shifts"]] == ["matin"]
    again = studio.post("studies/usine/undo", {"redo": True}).json()
    assert len(again["draft"]["changes"]["shifts"]) == 2


def test_a_step_that_cannot_be_says_why_and_changes_nothing(studio: Served) -> None:
    studio.live("usine", step("matin", start="05:05"))
    before = studio.get("studies/usine")["draft"]
    for bad, said in [
        (step("matin", start="13:00"), "24 h"),
        (step("soir", start="13:00"), "matin, après-midi, nuit"),
        ({"do": "set", "table": "limits", "field": "max_wait_min", "value": -1}, "at least 0"),
        ({"do": "set", "table": "limits", "field": "<b>", "value": 1}, "No such field"),
        ({"do": "trips", "trips": ["none"], "how": "move", "minutes": 5}, "trips.txt"),
        ({"do": "set", "table": "sources", "field": "osm", "value": "/etc"}, "no such step"),
    ]:
        with pytest.raises(ValueError, match=said):
            studio.live("usine", bad)
    shown = {"pick": "s0", "day": 0, "mode": 0}
    for asked in ({"steps": ["x"], "shown": shown}, {"shown": shown | {"day": "a"}}):
        assert studio.post("studies/usine/live", asked).status_code == 422
    for path in ("trips?shift=a", "lines?day=x", "carpool?shift=x"):
        assert requests.get(f"{studio.url}studies/usine/{path}", timeout=9).status_code == 422
    assert studio.get("studies/usine")["draft"] == before


def test_what_is_not_there_is_told(studio: Served, root) -> None:
    for shown in [
        {"pick": "s99", "day": 0, "mode": 0},
        {"pick": "x0", "day": 0, "mode": 0},
        {"pick": "r0", "day": 7, "mode": 0},
        {"pick": "r0", "day": 0, "mode": -1},
    ]:
        with pytest.raises(ValueError, match="no such shift"):
            studio.live("usine", shown=shown)
    assert studio.post("studies/usine/live", {}).status_code == 400
    for body in ("{", "[]", "null", '"x"'):
        answer = requests.post(f"{studio.url}studies/usine/live", data=body, timeout=9)
        assert answer.status_code in (400, 422), (body, answer.text)
    broken = root / "usine" / "scenarios" / "broken.toml"
    broken.parent.mkdir(exist_ok=True)
    broken.write_text("base = ")
    found = {s["id"]: s for s in studio.get("studies/usine")["scenarios"]}
    assert "broken.toml" in found["broken"]["error"]["en"]
    broken.unlink()


def test_steps_merge_by_what_they_change() -> None:
    draft = stepped({}, step("matin", start="05:05"))
    draft = stepped(draft, step("matin", end="13:10"))
    assert draft["changes"]["shifts"] == [
        {"site": "Usine", "roster": "3x8", "shift": "matin", "start": "05:05", "end": "13:10"}
    ]
    draft = stepped(draft, {"do": "trips", "trips": ["a"], "how": "move", "minutes": 5})
    assert "trips" not in stepped(draft, {"do": "trips", "trips": ["a"], "how": "move",
                                          "minutes": 0})["changes"]  # fmt: skip
    draft = stepped(draft, {"do": "drop", "kind": "shifts", "index": 0})
    assert list(draft["changes"]) == ["trips"]
    assert stepped(draft, {"do": "drop", "kind": "trips", "index": 0}) == {}


def test_the_draft_and_the_scenarios_survive_the_studio(tmp_path) -> None:
    base = write_territory(tmp_path / "usine")
    history = History(base.parent / "scenarios", base)
    history.commit(stepped({}, step("matin", start="05:05")))
    history.keep()
    history.save('Matin <b>"5 h 05"</b>', history.draft)
    later = History(base.parent / "scenarios", base)
    assert later.draft == history.draft
    [one] = later.scenarios()
    assert (one["id"], one["name"]) == ("matin-b-5-h-05-b", 'Matin <b>"5 h 05"</b>')
    assert load(later.path(one["id"])).shift_rows[0].start_s == 5 * 3600 + 300
    assert slug("../..") == ""


def test_a_draft_is_told_as_it_is_before_a_step_or_after_it(tmp_path) -> None:
    """Asked when a step is half made, it waits for the other half."""
    base = write_territory(tmp_path / "usine")
    history = History(base.parent / "scenarios", base)
    told: list[dict] = []
    asking = Thread(target=lambda: told.append(history.told()))

    class Slow(list):
        def append(self, item) -> None:
            super().append(item)
            asking.start()
            asking.join(0.3)

    history._states = Slow(history._states)
    history.commit(stepped({}, step("matin", start="05:05")))
    asking.join()
    assert told == [history.told()]
    assert told[0]["revision"] == 1


@pytest.mark.parametrize(
    "text", ["[changes", "changes = 3", 'limits = "x"', "[changes]\nfeeds = [1]", "on_demand = 3"]
)
def test_a_draft_that_cannot_be_read_stands_among_the_scenarios(tmp_path, text) -> None:
    base = write_territory(tmp_path / "usine")
    folder = base.parent / "scenarios"
    folder.mkdir()
    for name in ("draft", "other"):
        (folder / f"{name}.toml").write_text(f'base = "../territory.toml"\n{text}\n')
    history = History(folder, base)
    assert history.draft == {}
    aside, other = history.scenarios()
    assert (aside["id"], other["id"]) == ("draft-2", "other")
    for one in (aside, other):
        assert f"{one['id']}.toml" in one["error"]["en"]
        with pytest.raises(TerritoryError):
            history.read(one["id"])
    assert (folder / "draft-2.toml").read_text().endswith(f"{text}\n")
    history.commit(stepped({}, step("matin", start="05:05")))
    history.keep()
    assert History(folder, base).draft == history.draft


def test_a_scenario_takes_the_place_of_its_own_name_alone(tmp_path) -> None:
    """Other names stay, also where their files would be called the same."""
    base = write_territory(tmp_path / "usine")
    history = History(base.parent / "scenarios", base)
    early, late = (stepped({}, step("matin", start=start)) for start in ("05:05", "05:20"))
    names = ["Plus tôt", "Plus tôt !", "draft", "a" * 70, "a" * 69]
    stems = [history.save(name, early) for name in names]
    assert stems[:3] == ["plus-tot", "plus-tot-2", "draft-2"]
    assert len(set(stems)) == len({one["id"] for one in history.scenarios()}) == len(names)
    assert (history.save(" Plus tôt ! ", late), history.read("plus-tot")) == ("plus-tot-2", early)
    assert history.save("Plus tôt", early, anew=True) == "plus-tot-2-2"
    assert {one["name"] for one in history.scenarios()} == {*names, "Plus tôt 2"}
    assert history.read("plus-tot-2") == late


def test_a_study_of_a_hostile_name_is_a_plain_folder(studio: Served, root) -> None:
    made = studio.post("studies", {"name": "<img src=x> ../../né"}).json()
    assert made == {"id": "img-src-x-ne"}
    assert (root / "img-src-x-ne" / "territory.toml").is_file()
    assert {s["name"] for s in studio.get("state")["studies"]} >= {"<img src=x> ../../né"}
    assert studio.post("studies", {"name": "img src x né"}).status_code == 422
    assert studio.post("studies", {"name": "???"}).status_code == 422
    remove_study(root / "img-src-x-ne")


# --- data ---


def dropped(studio: Served, study: str, role: str, path, name: str = "") -> requests.Response:
    address = f"{studio.url}studies/{study}/files/{role}"
    with path.open("rb") as stream:
        return requests.post(address, params={"name": name or path.name}, data=stream, timeout=60)


@pytest.fixture
def empty(studio: Served, root):
    made = studio.post("studies", {"name": "vide"}).json()["id"]
    yield made
    remove_study(root / made)


def test_a_wrong_file_is_refused_in_the_words_of_the_check(studio, root, empty, tmp_path) -> None:
    source = root / "usine"
    assert dropped(studio, empty, "streets", source / "streets.osm").status_code == 200
    assert dropped(studio, empty, "timetable", source / "gtfs.zip").status_code == 200
    before = (root / empty / "territory.toml").read_bytes()
    bad = tmp_path / "gtfs.zip"
    bad.write_bytes(b"no zip")
    answer = dropped(studio, empty, "timetable", bad)
    with pytest.raises(SourceError) as said:
        read_feed(bad)
    assert answer.status_code == 422
    assert answer.json()["en"] == said.value.render("en").replace(f"{tmp_path}/", "")
    assert dropped(studio, empty, "timetable", bad, "../../x.exe").status_code == 422
    assert dropped(studio, empty, "homes", source / "gtfs.zip").status_code == 422
    assert (root / empty / "territory.toml").read_bytes() == before


def test_homes_and_gates_off_the_streets_are_told_where_the_files_are(
    studio, root, tmp_path
) -> None:
    """One home of three, then all, then the gate, then homes without a number of workers."""
    names = []
    away = "H9,H9,Ailleurs,2.5,49.5,30\n"
    for k, change in enumerate(("", "some", "all", "gate", "none")):
        folder = tmp_path / f"w{k}"
        path = write_territory(folder)
        homes = (folder / "homes.csv").read_text(encoding="utf-8")
        if change == "some":
            (folder / "homes.csv").write_text(homes + away, encoding="utf-8")
        elif change == "all":
            (folder / "homes.csv").write_text(homes.splitlines()[0] + "\n" + away, encoding="utf-8")
        elif change == "none":
            (folder / "homes.csv").write_text("a,b\n1,2\n", encoding="utf-8")
        if change == "gate":
            text = re.sub(r"gates = .*", "gates = [[2.6, 49.6]]", path.read_text(encoding="utf-8"))
            path.write_text(text, encoding="utf-8")
        names.append(f"off-{k}")
        shutil.copytree(folder, root / names[-1])
    found = [placed(studio, name) for name in names]
    whole, some, *failed = found
    assert whole == {"reading": False, "error": None, "off": []}
    assert [one["en"].split(" (")[0] for one in some["off"]] == ["1 of 3 homes"]
    assert "Every home lies outside the streets" in failed[0]["error"]["en"]
    assert "The gate of site Usine is over 500 m" in failed[1]["error"]["en"]
    # What cannot be read at all is told, and not that all is well.
    assert "homes.csv" in failed[2]["error"]["en"]
    assert all(said["fr"] != said["en"] for said in (*some["off"], *(f["error"] for f in failed)))
    for name in names:
        assert studio.get(f"studies/{name}/data")["lacks"] == []
        remove_study(root / name)
    studio.ready("usine")  # which had to make room


def placed(studio: Served, name: str) -> dict:
    """Return what is told of the places of a study, once it is read."""
    while True:
        found = studio.get(f"studies/{name}/places")
        if not found["reading"]:
            return found
        time.sleep(0.05)


def test_places_are_asked_of_the_study_that_is_read(studio, root, monkeypatch) -> None:
    """Asked again, nothing is read; written again, nothing is told until it is read again."""
    path = write_territory(root / "lieux")
    assert placed(studio, "lieux")["off"] == []
    with monkeypatch.context() as patch:
        patch.setattr(studies_module, "Live", None)
        assert placed(studio, "lieux") == placed(studio, "lieux")
    studies = studio.studio.studies
    stale = studies.open("lieux")
    with (path.parent / "homes.csv").open("a", encoding="utf-8") as file:
        file.write("H9,H9,Ailleurs,2.5,49.5,30\n")
    with monkeypatch.context() as patch:  # written just after it was opened
        patch.setattr(studies, "open", lambda _: stale)
        assert studio.get("studies/lieux/places") == {"reading": True}
    assert studio.get("studies/lieux/places") == {"reading": True}
    assert len(placed(studio, "lieux")["off"]) == 1
    (path.parent / "gtfs.zip").rename(path.parent / "away.zip")  # as while it is written
    assert len(placed(studio, "lieux")["off"]) == 1
    os.utime(path)
    assert studio.get("studies/lieux/places") == {"reading": True}
    remove_study(path.parent)


def test_places_of_a_study_that_names_files_outside_are_not_read(tmp_path) -> None:
    """It is refused each time, and no page waits for its reading."""
    path = write_territory(tmp_path / "studies" / "dehors")
    homes = (path.parent / "homes.csv").rename(tmp_path / "homes.csv")
    path.write_text(path.read_text(encoding="utf-8").replace("homes.csv", str(homes)), "utf-8")
    studio = Studio(Studies(tmp_path / "studies", confined=True))
    told = [studio.places({}, "dehors") for _ in range(2)]
    assert [one["reading"] for one in told] == [False, False]
    assert all("outside the folder of the studies" in one["error"]["en"] for one in told)


def test_what_opens_no_study_is_answered_while_many_questions_wait(studio, monkeypatch) -> None:
    """As many as there are threads to answer them."""
    studies, gate, asked = studio.studio.studies, Event(), Semaphore(0)

    def slow(_study: str) -> None:
        asked.release()
        gate.wait(60)
        raise MobilityError("late")

    monkeypatch.setattr(studies, "open", slow)
    with ThreadPoolExecutor(40) as pool:
        waiting = [pool.submit(requests.get, f"{studio.url}studies/usine") for _ in range(40)]
        try:
            assert all(asked.acquire(timeout=30) for _ in waiting)
            for path in ("", "static/data.js", "words", "state", "studies/usine/job"):
                assert requests.get(studio.url + path, timeout=10).status_code == 200, path
        finally:
            gate.set()
    assert {one.result().status_code for one in waiting} == {422}


def test_names_of_files_stay_in_the_study(studio, root, empty) -> None:
    source = root / "usine" / "streets.osm"
    answer = dropped(studio, empty, "streets", source, "../../<i>Ma voirie.osm")
    assert answer.json()["sources"][0]["name"] == "data/streets/i-ma-voirie.osm"
    assert not list(root.parent.glob("*.osm"))


def test_of_persons_protected_counts_are_kept(studio, root, empty, tmp_path) -> None:
    source = root / "usine"
    lon, lat = lonlat(PLACES_M["G"])
    sites = tmp_path / "sites.csv"
    # Named as a formula is written: its text stays a text.
    sites.write_text(f"name,lon,lat,roster,tour\n=Usine,{lon},{lat},3x8,long\n")
    assert dropped(studio, empty, "streets", source / "streets.osm").json()["told"] == []
    (told,) = dropped(studio, empty, "sites", sites).json()["told"]
    assert "1 column of the sites table is not read" in told["en"]
    persons = tmp_path / "people.csv"
    places = [lonlat(700.5 + 3 * k) for k in range(80)]
    rows = "".join(f"p{k},{x:.6f},{y:.6f},1\n" for k, (x, y) in enumerate(places))
    persons.write_text("id,lon,lat,workers\n" + rows)
    answer = dropped(studio, empty, "homes", persons)
    assert "protected" in answer.json()["told"][0]["en"]
    staff = tmp_path / "people.csv"
    staff.write_text(employees_csv().replace("Usine", "=Usine"), encoding="utf-8")
    answer = dropped(studio, empty, "homes", staff)
    assert answer.status_code == 422
    assert "drop it on Employees" in answer.json()["en"]
    assert "déposez-le sur Salariés" in answer.json()["fr"]
    answer = dropped(studio, empty, "employees", staff)
    assert answer.json()["error"] is None
    assert "a protected count" in answer.json()["told"][0]["en"]
    assert not list((root / empty).rglob("people*"))
    assert ",'=Usine," in (root / empty / data.COUNTS).read_text(encoding="utf-8")
    assert_no_trace(root / empty, [MARKED], crs=[LOCAL])
    # They are those of the command line on the file itself, and are read again the same.
    file = root / empty / "territory.toml"
    data_ = read_toml(file)
    kept = read_sources(Territory.from_dict(data_, file))
    assert data_["sources"]["homes"] == {"file": data.COUNTS, "kind": "protected"}
    data_["sources"]["homes"] = {"file": str(staff), "kind": "employees"}
    door = read_sources(Territory.from_dict(data_, file), streets=kept.streets).homes
    assert kept.homes.hash() == door.hash()
    assert (kept.homes.personal, kept.homes.decided) == (True, "kept")
    assert shapely.equals_exact(kept.homes.cells, door.cells).all()
    (root / empty / data.COUNTS).write_text("place\nx\n", encoding="utf-8")
    with pytest.raises(SourceError, match="not as they were written"):
        read_sources(Territory.from_dict(read_toml(file), file), streets=kept.streets)
    assert dropped(studio, empty, "homes", source / "homes.csv").status_code == 200
    assert studio.get(f"studies/{empty}/data")["error"] is None


def test_the_table_keeps_what_else_the_file_says(tmp_path) -> None:
    path = write_territory(tmp_path / "usine")
    text = path.read_text(encoding="utf-8")
    other = """
[[sites]]
name = "Atelier"
commune = "34172"
margin_in_min = 3
gates = [[0.1, 46.5]]
rosters = ["3x8"]   # as it is
"""
    path.write_text(text.replace("[[sites]]", "# My own note.\n[[sites]]  # the plant") + other)
    seen = data.about(path)["sites"]
    told = copy.deepcopy(seen)
    told[0]["rosters"][0]["shifts"][0]["start"] = "05:10"
    data.put_sites(path, told, seen)
    after = path.read_text(encoding="utf-8")
    assert "# My own note." in after
    assert other.partition("gates")[0] in after
    assert 'rosters = ["3x8"]   # as it is' in after
    assert after.index("[sources]") < after.index("[days]") < after.index("[speeds]")
    assert read_toml(path)["sites"][0]["rosters"][0]["shifts"][0]["start"] == "05:10"
    with pytest.raises(MobilityError, match="changed elsewhere"):
        data.put_sites(path, told, seen)
    seen = copy.deepcopy(told)
    told[0]["rosters"][0]["shifts"][0]["start"] = "25:10"
    with pytest.raises(TerritoryError) as said:
        data.put_sites(path, told, seen)
    assert "25:10" in said.value.render("en")
    assert path.read_text(encoding="utf-8") == after


def edited(path: Path, change) -> list:
    """Edit the sites as the table shows them; return them as it shows them then."""
    seen = data.about(path)["sites"]
    rows = copy.deepcopy(seen)
    change(rows)
    data.put_sites(path, rows, seen)
    return data.about(path)["sites"]


def test_the_headcount_of_a_template_is_edited_shift_by_shift(tmp_path) -> None:
    path = write_territory(tmp_path / "usine")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('["3x8"]', '[{ template = "3x8", headcount = 240 }]'))
    [site] = edited(path, lambda rows: rows[0]["rosters"][0]["shifts"][2].update(headcount=60))
    assert [shift["headcount"] for shift in site["rosters"][0]["shifts"]] == [80, 80, 60]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda rows: rows[1]["rosters"][0]["shifts"][2].update(headcount=-1), "row 6, field head"),
        (lambda rows: rows[1]["rosters"][0]["shifts"][1].update(end="13:00"), "row 5, field end"),
        (lambda rows: rows[1].update(gates=[[1.0, None]]), "row 4, field gates"),
        (lambda rows: rows[1].update(name="USINE"), "row 4, field name, value 'USINE'"),
        (lambda rows: rows[1].update(gates=[[46.5, 0.1]]), "row 4, field gates, value '46.5, 0.1'"),
    ],
)
def test_a_table_that_no_command_would_read_is_refused_by_its_row(tmp_path, change, told) -> None:
    path = write_territory(tmp_path / "usine")
    edited(path, lambda rows: rows.append(copy.deepcopy(rows[0]) | {"name": "Atelier"}))
    before = path.read_bytes()
    with pytest.raises(TerritoryError, match=f"^{told}"):
        edited(path, change)
    assert path.read_bytes() == before


#: What a drop puts in the place of something is told, by the codes of its findings.
PLACE_TAKEN = {
    "sites_replaced": ["in the file dropped. (Usine)"],
    "file_replaced": ["two timetables of one name", "takes the place of data/homes/homes.csv"],
}


def test_a_scenario_is_read_again_once_its_base_is_written(tmp_path) -> None:
    base = write_territory(tmp_path / "usine")
    scenario = tmp_path / "essai.toml"
    scenario.write_text('base = "usine/territory.toml"\n', encoding="utf-8")
    with served(Studies(tmp_path, file=scenario)) as found:
        [study] = [one["id"] for one in found.studio.studies.listed()]
        found.ready(study)
        studies = found.studio.studies
        first = studies.open(study)
        assert studies.open(study) is first
        assert first.live.sources.territory.limits.max_total_min == 60
        text = base.read_text(encoding="utf-8")
        base.write_text("[limits" + text, encoding="utf-8")  # and broken for a moment
        until = time.monotonic() + 60
        while studies.open(study).step and time.monotonic() < until:
            time.sleep(0.05)
        broken = studies.open(study)
        assert broken is not first
        assert broken.error is not None
        base.write_text(text + "\n[limits]\nmax_total_min = 41\n", encoding="utf-8")
        assert studies.open(study) is not broken
        found.ready(study)
        assert studies.open(study).live.sources.territory.limits.max_total_min == 41


def test_a_table_dropped_again_takes_the_place_of_sites_edited(studio, empty, tmp_path) -> None:
    source = write_territory(tmp_path / "source").parent
    file = studio.studio.studies.path(empty)
    assert studio.get(f"studies/{empty}/data")["lacks"] == ["streets", "sites", "homes"]
    lon, lat = lonlat(PLACES_M["G"])
    sites = tmp_path / "sites.csv"
    sites.write_text(f"nom,lon,lat,équipe,effectif\nUsine,{lon},{lat},3x8,30\n", encoding="utf-8")
    for role, path in [
        ("streets", "streets.osm"),
        ("timetable", "gtfs.zip"),
        ("homes", "homes.csv"),
    ]:
        sent = dropped(studio, empty, role, sites if role == "sites" else source / path)
        if role == "streets":
            sent = dropped(studio, empty, "sites", sites)
        assert (sent.status_code, sent.json()["told"]) == (200, []), sent.text
    edited(file, lambda rows: rows.append(copy.deepcopy(rows[0]) | {"name": "Atelier"}))
    other = shutil.copy(source / "homes.csv", tmp_path / "lieux.csv")
    again = [
        dropped(studio, empty, role, path).json()
        for role, path in [
            ("sites", sites), ("timetable", source / "gtfs.zip"), ("homes", Path(other)),
        ]
    ]  # fmt: skip
    assert (again[-1]["error"], again[-1]["lacks"]) == (None, [])
    # A page that still shows the file of before removes nothing.
    at = f"{studio.url}studies/{empty}/files/homes"
    for name, status in [("homes.csv", 422), ("lieux.csv", 200)]:
        sent = requests.delete(at, params={"name": f"data/homes/{name}"}, timeout=9)
        assert sent.status_code == status
    assert sent.json()["lacks"] == ["homes"]
    assert sorted(site["name"] for site in again[-1]["sites"]) == ["Atelier", "Usine"]
    for answer, told in zip(again, chain.from_iterable(PLACE_TAKEN.values()), strict=True):
        assert told in answer["told"][0]["en"]


@pytest.mark.parametrize("name", ["sites-fr.csv", "sites-fr.xlsx", "sites-en.csv", "sites-en.xlsx"])
def test_templates_are_read_as_they_are(studio, tmp_path, name) -> None:
    path = tmp_path / name
    path.write_bytes(requests.get(f"{studio.url}templates/{name}", timeout=9).content)
    foundry, workshop = read_sites_file(path)
    assert [s.name for s in foundry.rosters[0].shifts] == ["matin", "après-midi", "nuit"]
    assert [s.headcount for s in workshop.rosters[0].shifts] == [90, 90]


# --- computations ---


def finished(studio: Served, study: str) -> dict:
    while (job := studio.get(f"studies/{study}/job")["job"])["state"] in ("queued", "running"):
        time.sleep(0.1)
    return job


def test_a_scenario_is_computed_and_taken_away(studio: Served, root) -> None:
    studio.live("usine", step("matin", start="05:10"))
    studio.post("studies/usine/scenarios", {"do": "save", "name": "Plus tard"})
    asked = {"kind": "run", "target": "plus-tard", "language": "fr"}
    first = studio.post("studies/usine/job", asked)
    assert first.json()["job"]["state"] in ("queued", "running")
    assert studio.post("studies/usine/job", asked).status_code == 422
    assert finished(studio, "usine")["state"] == "done"
    found = {r["id"]: [f["path"] for f in r["files"]] for r in studio.get("studies/usine/results")}
    assert "scenarios/plus-tard/map.html" in found["plus-tard"]
    assert "scenarios/plus-tard.toml" in found["plus-tard"]
    page = requests.get(studio.url + "studies/usine/get/scenarios/plus-tard/map.html", timeout=9)
    assert "attachment" in page.headers["content-disposition"]
    assert b"mb-manifest" in page.content
    # A change of the data makes the results those of before; a new computation mends it.
    file = root / "usine" / "homes.csv"
    [old] = [r["outdated"] for r in studio.get("studies/usine/results") if r["id"] == "plus-tard"]
    os.utime(file)
    [new] = [r["outdated"] for r in studio.get("studies/usine/results") if r["id"] == "plus-tard"]
    assert (old, new) == (False, True)
    assert studio.post("studies/usine/job", {"kind": "demo"}).status_code == 422
    studio.ready("usine")  # which is read again


def test_two_scenarios_are_compared(studio: Served, root) -> None:
    studio.live("usine", step("matin", start="05:20"))
    studio.post("studies/usine/scenarios", {"do": "save", "name": "Trop tard"})
    asked = {"kind": "compare", "target": "", "other": "trop-tard"}
    assert studio.post("studies/usine/job", asked).status_code == 200
    assert finished(studio, "usine")["state"] == "done"
    table = root / "usine" / "compared" / "study-trop-tard" / "comparison.csv"
    told = read_csv_text(table)
    row = told[(told["shift"] == "matin")].iloc[0]
    assert (row["before"], row["after"], row["lost"]) == (10, 0, 10)
    paths = [f["path"] for r in studio.get("studies/usine/results") for f in r["files"]]
    assert "compared/study-trop-tard/map.html" in paths
    other = root / "usine" / "scenarios" / "a-pied.toml"
    other.write_text('base = "../territory.toml"\nmodes = { evaluated = ["walk"] }\n')
    assert studio.post("studies/usine/job", asked | {"other": "a-pied"}).status_code == 200
    failed = finished(studio, "usine")
    assert (failed["state"], failed["target"], failed["other"]) == ("failed", "", "a-pied")
    assert "fichier scenarios/a-pied.toml" in failed["words"]
    assert str(root) not in failed["words"]
    other.unlink()


def test_sources_are_fetched_around_a_place(
    studio: Served, root, request, tmp_path, monkeypatch
) -> None:
    """`mobility init` as a job, with a server in place of the open-data services."""
    services = request.getfixturevalue("stand_in")
    patience = replace(FAST, read_s=20.0, total_s=60.0)  # a busy machine answers late
    program = tmp_path / "program.py"
    program.write_text(
        "from functools import partial\nfrom pathlib import Path\n"
        "from mobility.prepare import service\nfrom mobility.sources.download import Patience\n"
        f"services = service.Services(*({services.url!r} + path for path in "
        "('/geo', '/api', '/feeds_v2.csv', '/index-v1.json', '/interpreter')))\n"
        f"cache, patience = Path({str(tmp_path / 'cache')!r}), {patience!r}\n"
        "service.Desk = partial(service.Desk, services, cache, patience)\n"
        "from mobility.cli import app\napp()\n"
    )
    monkeypatch.setattr(jobs, "PROGRAM", (sys.executable, str(program)))
    made = studio.post("studies", {"name": "Droiteville"}).json()["id"]
    asked = {"kind": "init", "target": "Droiteville", "radius_km": 9, "language": "en"}
    for wrong in ({"target": " "}, {"radius_km": 900}, {"radius_km": "x"}):
        assert studio.post(f"studies/{made}/job", asked | wrong).status_code == 422
    pages, services.pages = services.pages, {}
    studio.post(f"studies/{made}/job", asked)
    lost = finished(studio, made)
    assert (lost["state"], lost["target"], lost["other"]) == ("failed", "Droiteville", "9")
    assert services.url in lost["words"] or "127.0.0.1" in lost["words"]
    assert "Droiteville" in (root / made / "territory.toml").read_text(encoding="utf-8")
    services.pages = pages
    studio.post(f"studies/{made}/job", asked)
    assert finished(studio, made)["state"] == "done"
    found = studio.get(f"studies/{made}/data")
    assert found["error"] is None
    assert {one["role"] for one in found["sources"]} >= {"streets", "timetable", "homes", "sites"}
    assert studio.ready(made)
    assert studio.post(f"studies/{made}/job", asked).status_code == 422
    remove_study(root / made)


@pytest.mark.slow
def test_levers_found_are_tried(studio: Served, root) -> None:
    """The bus to the morning shift comes ten minutes late: moved, it gains who needs it."""
    late = [("early", "A", "28:30", "B", "28:50", "eve"), *TRIPS[1:]]
    rosters = '[{ template = "3x8", headcount = 30 }]'
    write_territory(root / "retard", trips=late, rosters=rosters)
    assert studio.ready("retard")["revision"] == 0
    assert studio.get("studies/retard/levers")["levers"] is None
    assert studio.live("retard")["mode"][0][1] == 0
    assert studio.post("studies/retard/job", {"kind": "levers"}).status_code == 200
    assert finished(studio, "retard")["state"] == "done"
    assert studio.get("studies/retard/levers")["outdated"] is False
    found = studio.get("studies/retard/levers")["levers"]
    moves = [one for one in found if one["steps"] and one["steps"][0]["do"] == "trips"]
    assert moves
    assert moves[0]["steps"][0]["trips"] == ["early"]
    assert moves[0]["steps"][0]["minutes"] < 0
    assert studio.live("retard", *moves[0]["steps"])["gain"][0] == [10, 0, 0, 10]
    # The studio may still be keeping the page that it drew.
    remove_study(root / "retard")
    (root / "retard" / "territory.toml").unlink(missing_ok=True)


def test_a_job_is_cancelled_and_told_after_a_kill(studio: Served, root) -> None:
    studio.post("studies/usine/job", {"kind": "run"})
    answer = requests.delete(studio.url + "studies/usine/job", timeout=9).json()
    assert answer["job"]["state"] == "cancelled"
    assert not (root / "usine" / "out" / "map.html").exists()
    while studio.studio.queue._running is not None:
        time.sleep(0.05)
    note = root / "usine" / ".studio-job.json"
    note.write_text(note.read_text().replace("cancelled", "running"))
    with served(Studies(root)) as later:
        assert later.get("studies/usine/job")["job"]["state"] == "interrupted"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("[limits", "value '[limits'"),
        ('gtfs = "gtfs.zip"', "field sources.gtfs"),
        ('homes = "homes.csv"', "field sources.homes"),
    ],
)
def test_a_file_that_its_owner_spoilt_is_told_and_left(studio, root, tmp_path, line, told) -> None:
    """Whatever is dropped or edited, in the words of the check."""
    path = write_territory(root / "abime")
    text = path.read_text(encoding="utf-8")
    kept = "" if line.startswith("[") else f"[sources]\n{line}\n"
    path.write_text(f'name = "T"\n{kept}' if kept else text.rstrip() + f"\n{line}\n", "utf-8")
    before = path.read_bytes()
    answers = [
        requests.get(f"{studio.url}studies/abime/data", timeout=9),
        dropped(studio, "abime", "timetable", path.parent / "gtfs.zip"),
        studio.post("studies/abime/sites", {"sites": [], "seen": []}),
        studio.post("studies/abime/depot", {"depot": None}),
        requests.delete(f"{studio.url}studies/abime/files/timetable?name=x", timeout=9),
    ]
    for answer in answers:
        assert answer.status_code == 422, answer.text
        assert told in answer.json()["en"]
    assert path.read_bytes() == before
    remove_study(root / "abime")


def test_a_file_with_a_byte_order_mark_is_edited(tmp_path) -> None:
    path = write_territory(tmp_path / "usine")
    path.write_text(path.read_text(encoding="utf-8"), encoding="utf-8-sig")
    [site] = edited(path, lambda rows: rows[0].update(employer="Autre"))
    assert site["employer"] == "Autre"
