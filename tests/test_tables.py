"""Tables of counts: what is withheld, and what cannot be worked out from the rest."""

import base64
import json
import zlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from feeds import trip, write_gtfs
from small import PLACES_M, SERVICES, lonlat, write_territory

from mobility.commute.access import assess
from mobility.commute.loading import load
from mobility.commute.white_zones import white_zones
from mobility.outputs.counts import (
    LATE_COLUMNS,
    comparison_table,
    groups_table,
    late_table,
    shifts_table,
    summary_table,
)
from mobility.outputs.map.from_results import map_model
from mobility.outputs.map.model import NONE
from mobility.outputs.map.pack import Store
from mobility.outputs.map.payload import build
from mobility.pipeline import run
from mobility.timetable.arrays import INF

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
    row = summary_table(access, zones).iloc[0]
    assert row[["pool", "reachable", "white", "one_way_only", "neither"]].tolist() == [
        100,
        40,
        60,
        0,
        60,
    ]
    assert row["share"] == pytest.approx(0.4)
    group = groups_table(access).iloc[0]
    assert group[["total", "reachable"]].tolist() == [30, 10]
    assert group["share"] == pytest.approx(1 / 3, abs=1e-6)
    shift = shifts_table(access, zones).iloc[0]
    reasons = [c for c in shift.index if c.startswith("reason_")]
    assert shift[reasons].sum() == 60


@pytest.mark.parametrize("workers", [(3, 97), (97, 3)])
def test_neither_a_small_count_nor_what_tells_it_is_shown(tmp_path, workers):
    access, zones = results(tmp_path, homes(*workers, young=workers))
    row = summary_table(access, zones).iloc[0]
    assert row["pool"] == 100
    assert row[["reachable", "white", "share"]].isna().all()
    shifts = shifts_table(access, zones)
    assert shifts[["reachable", "neither", "share"]].isna().all().all()
    group = groups_table(access).iloc[0]
    assert group["total"] == 100
    assert pd.isna(group["reachable"])
    assert pd.isna(group["share"])


def test_threshold_is_the_territory_s(tmp_path):
    access, zones = results(tmp_path, homes(3, 97), extra="[limits]\nmin_workers_shown = 2")
    assert summary_table(access, zones)["reachable"].tolist() == [3]


def test_last_return_classes_add_up_to_the_pool(tmp_path):
    access, _ = results(tmp_path, homes(40, 60))
    late = late_table(access)
    assert (late[list(LATE_COLUMNS)].sum(axis=1) == late["pool"]).all()
    # The bus of 13:20 is missed fifteen minutes late; H2 has no way home within the limits.
    assert late.iloc[0][["no_return", "late_0"]].tolist() == [60, 40]


@pytest.mark.parametrize(("h1", "h2", "shown"), [(40, 60, True), (40, 3, False), (3, 60, False)])
def test_gain_is_withheld_with_what_tells_it(tmp_path, h1, h2, shown):
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
    table = comparison_table(found.before, found.access)
    row = table[table["shift"] == ""].iloc[0]
    assert row["pool"] == h1 + h2
    assert pd.notna(row["gained"]) == shown
    assert pd.notna(row["before"]) == shown
    assert pd.notna(row["after"]) == shown
    assert pd.notna(row["lost"]) == shown
    if shown:
        assert row[["before", "after", "gained", "lost"]].tolist() == [h1, h1 + h2, h2, 0]


@pytest.mark.parametrize("workers", [(40, 60), (3, 97), (97, 3), (2, 2), (7, 5)])
def test_the_map_withholds_what_the_tables_withhold(tmp_path, workers):
    access, zones = results(tmp_path, homes(*workers))
    page = build(map_model(access, zones), store := Store())
    told = json.loads(zlib.decompress(base64.b64decode(
        store.texts[page["scenarios"][0]["figures"]["zones"]]
    )))  # fmt: skip
    shifts, summary = shifts_table(access, zones), summary_table(access, zones)
    columns = ["pool", "reachable", "outbound_only", "return_only", "neither"]
    rows = [row[0] for row in told]
    tables = shifts[columns].astype("Float64").fillna(-1).to_numpy().tolist()
    assert [row[:5] for row in rows[: len(shifts)]] == tables
    tables = summary[["pool", "reachable", "white"]].astype("Float64").fillna(-1)
    assert [[r[0], r[1], r[4]] for r in rows[len(shifts) :]] == tables.to_numpy().tolist()


@pytest.mark.parametrize(("gain", "shown"), [(60, True), (3, False)])
def test_a_plan_s_tables_do_not_tell_its_small_gain_beside_the_present(tmp_path, gain, shown):
    access, _zones = results(tmp_path, homes(40, gain))
    present = replace(access, outbound_s=np.full_like(access.outbound_s, INF))
    present.outbound_s[:, 0] = access.outbound_s[:, 0]
    access.outbound_s[:], access.return_s[:] = 600, 600
    row = summary_table(access, white_zones(access), before=present).iloc[0]
    assert row["pool"] == 40 + gain
    assert pd.notna(row["reachable"]) == shown


def test_minutes_to_fix_enter_the_map_by_white_zone(tmp_path):
    access, zones = results(tmp_path, homes(40, 60))
    fix = np.where(zones.status == 0, 0, -1).astype(np.int16)
    fix[0] = [5, 300]
    first = map_model(access, zones, fix=fix).scenarios[0]
    assert first.fix_min[0].tolist() == [5, 254]
    assert set(first.fix_min[1:].ravel().tolist()) <= {0, NONE}
    assert (first.fix_min[1:] == NONE).tolist() == (zones.status[1:] > 0).tolist()
