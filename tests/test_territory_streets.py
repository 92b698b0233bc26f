"""What a territory file says of its streets: drawn changes, traffic of the hour, parking."""

import json

import numpy as np
from small import lonlat, write_territory

from mobility.commute.access import assess
from mobility.commute.loading import load
from mobility.timetable.arrays import INF

ROSTER = '[{ name = "j", shifts = [{ name = "jour", start = "08:00", end = "14:00" }] }]'


def car_seconds(folder, driving):
    toml = write_territory(folder, rosters=ROSTER)
    text = toml.read_text(encoding="utf-8")
    text = text.replace('evaluated = ["transit", "walk"]', f'evaluated = ["car"]\n{driving}')
    toml.write_text(text, encoding="utf-8")
    access = assess(load(toml))
    return int(access.outbound_s[0, 0]), int(access.return_s[0, 0])


def test_peak_traffic_slows_the_outbound_and_parking_both(tmp_path):
    # In at 07:50, inside the morning peak; out at 14:10, outside any.
    out_s, back_s = car_seconds(tmp_path / "free", "")
    margin_s = 600
    assert out_s == back_s
    driving = "[driving]\npeak_factor = 1.25\nparking_min = 3\n"
    slow_s, parked_s = car_seconds(tmp_path / "slow", driving)
    assert slow_s == margin_s + np.ceil((out_s - margin_s) * 1.25) + 180
    assert parked_s == back_s + 180


def test_a_drawn_path_and_a_lit_street_are_part_of_the_network(tmp_path):
    toml = write_territory(tmp_path)
    before = load(toml)
    (x0, y0), (x1, y1) = lonlat(2000), lonlat(2600)
    changes = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"highway": "cycleway"},
                "geometry": {
                    "type": "LineString",
                    "coordinates": [[x0, y0], [x0, y0 + 0.002], [x1, y1]],
                },
            },
            {
                "type": "Feature",
                "properties": {"lit": "yes"},
                "geometry": {"type": "LineString", "coordinates": [[x0, y0], [x1, y1]]},
            },
        ],
    }
    (tmp_path / "changes.geojson").write_text(json.dumps(changes), encoding="utf-8")
    text = toml.read_text(encoding="utf-8")
    text = text.replace("[sources]", '[sources]\nstreet_changes = "changes.geojson"')
    toml.write_text(text, encoding="utf-8")
    after = load(toml)
    assert "cycleway" not in set(before.streets.tags["highway"])
    assert "cycleway" in set(after.streets.tags["highway"])
    assert before.streets.tags["lit"].isna().all()
    assert (after.streets.tags["lit"] == "yes").any()
    # Nobody walks further for it.
    now, then = after.street_times["walk"][0], before.street_times["walk"][0]
    assert ((now <= then) | (then == INF)).all()
    assert "street_changes" in {source.role for source in after.sources}
