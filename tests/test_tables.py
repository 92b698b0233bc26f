"""Tables of counts by hand, and the same counts on the map."""

import base64
import json
import math
import zlib
from itertools import product

import numpy as np
import pandas as pd
import pytest
from feeds import trip, write_gtfs
from hypothesis import example, given
from hypothesis import strategies as st
from small import PLACES_M, SERVICES, lonlat, write_territory

from mobility.commute.access import assess
from mobility.commute.comparison import comparison
from mobility.commute.indicators import (
    LATE_BREAKS,
    by_group,
    by_overtime,
    by_shift,
    changed_counts,
    round_persons,
    summary,
    whole_changes,
    whole_parts,
    whole_persons,
)
from mobility.commute.loading import load
from mobility.commute.white_zones import white_zones
from mobility.outputs.map.from_results import map_model
from mobility.outputs.map.model import NONE
from mobility.outputs.map.pack import Store
from mobility.outputs.map.page import build
from mobility.pipeline import run

#: Three homes that differ only in distance: H1 rides, H2 walks too far to the stop.
HOMES = "id,name,commune,lon,lat,workers,young\n"


def homes(*workers, young=(0, 0)):
    rows = []
    for k, (count, group) in enumerate(zip(workers, young, strict=True)):
        lon, lat = lonlat((700.5, 0.5)[k])
        rows.append(f"H{k + 1},H{k + 1},Droiteville,{lon:.9f},{lat:.9f},{count},{group}")
    return HOMES + "\n".join(rows) + "\n"


def results(folder, text, *, extra=""):
    path = write_territory(folder, homes=text, extra=extra)
    toml = path.read_text(encoding="utf-8")
    toml = toml.replace('commune = "commune"', 'commune = "commune"\ngroups = ["young"]')
    path.write_text(toml, encoding="utf-8")
    access = assess(load(path))
    return access, white_zones(access)


def test_large_counts_are_shown_whole(tmp_path):
    access, zones = results(tmp_path, homes(40, 60, young=(10, 20)))
    row = summary(access, zones).iloc[0]
    assert row[["pool", "reachable", "white", "one_way_only", "neither"]].tolist() == [
        100,
        40,
        60,
        0,
        60,
    ]
    assert row["share"] == pytest.approx(0.4)
    group = by_group(access).iloc[0]
    assert group[["total", "reachable"]].tolist() == [30, 10]
    assert group["share"] == pytest.approx(1 / 3, abs=1e-6)
    shift = by_shift(access, zones).iloc[0]
    reasons = [c for c in shift.index if c.startswith("reason_")]
    assert shift[reasons].sum() == 60


@pytest.mark.parametrize("workers", [(3, 97), (97, 3)])
def test_small_counts_are_told_like_any_other(tmp_path, workers):
    access, zones = results(tmp_path, homes(*workers, young=(1, 2)))
    row = summary(access, zones).iloc[0]
    assert row[["pool", "reachable", "white", "neither"]].tolist() == [100, *workers, workers[1]]
    assert row["share"] == pytest.approx(workers[0] / 100)
    shifts = by_shift(access, zones)
    assert shifts["reachable"].tolist() == [workers[0]] * len(shifts)
    assert by_group(access).iloc[0][["total", "reachable"]].tolist() == [3, 1]


def test_persons_are_whole_and_halves_go_up_however_they_were_added():
    near = 2.5 - 1e-12  # What adding tenths in another order makes of two and a half.
    assert round_persons(np.array([0.4, 0.5, 1.5, 2.4999, near])).tolist() == [0, 1, 2, 2, 3]
    frame = whole_persons(pd.DataFrame({"a": [1.5, np.nan], "b": [0.25, 0.75]}), ["a"])
    assert frame["a"].tolist() == [2, pd.NA]
    assert frame["b"].tolist() == [0.25, 0.75]


def test_parts_of_persons_add_up_to_the_whole_wherever_they_stand_together(tmp_path):
    """Of 100.6 workers 40.3 are reachable and 60.3 are not: 101, 40 and the other 61."""
    access, zones = results(tmp_path, homes(40.3, 60.3))
    row = summary(access, zones).iloc[0]
    assert row[["pool", "reachable", "white", "neither"]].tolist() == [101, 40, 61, 61]
    shifts, late = by_shift(access, zones), by_overtime(access)
    ways = shifts[["reachable", "outbound_only", "return_only", "neither"]].sum(axis=1)
    reasons = shifts[[name for name in shifts if name.startswith("reason_")]].sum(axis=1)
    assert shifts["pool"].tolist() == ways.tolist() == [101] * len(shifts)
    assert shifts["white"].tolist() == reasons.tolist() == [61] * len(shifts)
    classes = late[["no_return", *(f"late_{m}" for m in LATE_BREAKS)]]
    assert classes.sum(axis=1).tolist() == late["pool"].tolist() == [101] * len(late)


def test_parts_with_the_largest_remainders_go_up():
    parts = np.array([[1.4, 2.4, 0.2], [3.0, 1.5, 1.5], [0.25, 0.0, 0.25]])
    told = whole_parts(np.array([[4.0], [6.0], [1.0]]), parts)
    assert told.tolist() == [[2, 2, 0], [3, 2, 1], [1, 0, 0]]


PERSONS = st.integers(0, 400).map(lambda hundredths: hundredths / 100)


@given(st.lists(PERSONS, min_size=4, max_size=4))
@example([0.45, 0.45, 0.0, 0.0])
@example([10.45, 5.45, 0.0, 0.0])
@example([1.5, 2.7, 0.0, 0.0])
@example([10.45, 5.45, 3.0, 2.0])
def test_before_and_gained_less_lost_are_after_whatever_parts_of_persons_are(parts):
    gained, lost, both, _ = parts
    told = whole_changes(np.array(parts))
    assert told[2] + told[1] == round_persons(both + lost)
    assert told[2] + told[0] == round_persons(both + gained)
    assert told.sum() == round_persons(sum(parts))
    assert (told >= 0).all()
    assert (np.abs(told - parts) < 2).all()
    # Each is a whole number beside its own: nobody is told where there is nobody.
    beside = [{math.floor(part), math.ceil(part)} for part in parts]
    sums = told[2] + told[1], told[2] + told[0], told.sum()
    add_up = any((k + b, k + a, a + b + k + n) == sums for a, b, k, n in product(*beside))
    assert add_up == all(one in two for one, two in zip(told, beside, strict=True))


def test_a_home_that_gains_is_told_with_the_rest_of_the_persons():
    """Of 10.4 and 0.4 workers who hold it after, 10 and 0 by themselves, there are 11."""
    was, now = np.array([True, False, True]), np.array([True, True, False])
    told = changed_counts(np.array([10.4, 0.4, 0.2]), was, now)
    assert told == {"pool": 11, "before": 11, "after": 11, "gained": 0, "lost": 0}
    told = changed_counts(np.array([10.3, 0.4, 0.0]), was, now)
    assert told == {"pool": 11, "before": 10, "after": 11, "gained": 1, "lost": 0}


def test_last_return_classes_add_up_to_the_pool(tmp_path):
    access, _ = results(tmp_path, homes(40, 60))
    late = by_overtime(access)
    classes = ["no_return", *(f"late_{m}" for m in LATE_BREAKS)]
    assert (late[classes].sum(axis=1) == late["pool"]).all()
    # The bus of 13:20 is missed fifteen minutes late; H2 has no way home within the limits.
    assert late.iloc[0][["no_return", "late_0"]].tolist() == [60, 40]


@pytest.mark.parametrize(("h1", "h2"), [(40, 60), (40, 3), (3, 60)])
def test_a_plan_gains_the_home_that_it_serves(tmp_path, h1, h2):
    # A stop at the second home, and buses that serve it on every shift, make it gain.
    path = write_territory(tmp_path, homes=homes(h1, h2))
    times = [("04:15", "A2", "B"), ("12:10", "A2", "B"), ("20:10", "A2", "B")]
    backs = [("13:20", "B", "A2"), ("21:20", "B", "A2"), ("05:20", "B", "A2")]
    plan = write_gtfs(
        tmp_path / "plan.zip",
        stops={"A2": lonlat(0.5), "B": lonlat(PLACES_M["B"])},
        trips=[
            trip(
                f"p{k}", [(a, at), (b, f"{int(at[:2]):02d}:{int(at[3:]) + 25:02d}")], service="week"
            )
            for k, (at, a, b) in enumerate([*times, *backs])
        ],
        services={"week": SERVICES["week"]},
    )
    found = run(path, tmp_path / "out", plans=[plan])
    table = comparison(found.before, found.access)
    row = table[table["shift"] == ""].iloc[0]
    told = row[["pool", "before", "after", "gained", "lost"]].tolist()
    assert told == [h1 + h2, h1, h1 + h2, h2, 0]


@pytest.mark.parametrize("workers", [(40, 60), (3, 97), (97, 3), (2, 2), (0.5, 2.25)])
def test_the_map_tells_what_the_tables_tell(tmp_path, workers):
    access, zones = results(tmp_path, homes(*workers))
    page = build(map_model(access, zones), store := Store())
    told = json.loads(zlib.decompress(base64.b64decode(
        store.texts[page["scenarios"][0]["figures"]["zones"]]
    )))  # fmt: skip
    shifts, whole = by_shift(access, zones), summary(access, zones)
    columns = ["pool", "reachable", "outbound_only", "return_only", "neither", "white"]
    rows = [row[0] for row in told]
    assert [row[:6] for row in rows[: len(shifts)]] == shifts[columns].to_numpy().tolist()
    tables = whole[["pool", "reachable", "neither", "white"]].to_numpy().tolist()
    assert [[r[0], r[1], r[4], r[5]] for r in rows[len(shifts) :]] == tables
    assert rows[0][:2] == [int(sum(workers) + 0.5), int(workers[0] + 0.5)]


def test_minutes_to_fix_enter_the_map_by_white_zone(tmp_path):
    access, zones = results(tmp_path, homes(40, 60))
    fix = np.where(zones.status == 0, 0, -1).astype(np.int16)
    fix[0] = [5, 300]
    first = map_model(access, zones, fix=fix).scenarios[0]
    assert first.fix_min[0].tolist() == [5, 254]
    assert set(first.fix_min[1:].ravel().tolist()) <= {0, NONE}
    assert (first.fix_min[1:] == NONE).tolist() == (zones.status[1:] > 0).tolist()
