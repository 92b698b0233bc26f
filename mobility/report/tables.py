"""Results as tables: GeoParquet, GeoPackage and CSV, with small counts withheld."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio

from mobility.analysis.commutes import Access, counted_rows, rosters
from mobility.analysis.comparison import comparison
from mobility.analysis.indicators import by_group, by_shift, summary
from mobility.analysis.shapes import home_labels, home_shapes
from mobility.analysis.white_zones import REASONS, STATUSES, WhiteZones
from mobility.files import write_text, writing
from mobility.network.timetable import INF
from mobility.privacy import suppress_counts


def write_tables(access: Access, zones: WhiteZones, folder: Path) -> list[Path]:
    """Write every table of a run.

    Returns
    -------
    list of Path
        ``summary.csv``, ``shifts.csv``, ``groups.csv`` (with groups only),
        ``commutes.parquet`` (a row per home, shift, kind of day and mode),
        ``homes.parquet`` (GeoParquet) and ``results.gpkg`` (homes, sites, stops).
    """
    homes = homes_layer(access, zones)
    tables = {"summary": summary_table(access, zones), "shifts": shifts_table(access, zones)}
    groups = by_group(access)
    if len(groups):
        tables["groups"] = _shown(groups, ["total", "reachable"], access)
    written = []
    for name, frame in tables.items():
        path = folder / f"{name}.csv"
        write_text(path, frame.to_csv(index=False))
        written.append(path)
    with writing(folder / "commutes.parquet") as part:
        access.to_frame().to_parquet(part, index=False, compression="zstd")
    with writing(folder / "homes.parquet") as part:
        homes.to_parquet(part, index=False, compression="zstd")
    # A GeoPackage holds the time of its last change; a fixed one keeps the bytes the same.
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "1970-01-01T00:00:00Z"})
    with writing(folder / "results.gpkg") as part:
        homes.to_file(part, layer="homes", driver="GPKG")
        gates_layer(access).to_file(part, layer="sites", driver="GPKG")
        stops_layer(access).to_file(part, layer="stops", driver="GPKG")
    return [
        *written,
        *(folder / n for n in ("commutes.parquet", "homes.parquet", "results.gpkg")),
    ]


def comparison_table(before: Access, after: Access) -> pd.DataFrame:
    """Return `comparison` with small counts withheld."""
    return _shown(comparison(before, after), ["pool", "before", "after", "gained", "lost"], before)


def write_comparison(before: Access, after: Access, path: Path) -> None:
    """Write `comparison_table` as CSV."""
    write_text(path, comparison_table(before, after).to_csv(index=False))


def _shown(frame: pd.DataFrame, columns: list[str], access: Access) -> pd.DataFrame:
    return suppress_counts(
        frame, columns, threshold=access.study.territory.limits.min_workers_shown
    )


def summary_table(access: Access, zones: WhiteZones) -> pd.DataFrame:
    """Return `summary` with small counts withheld."""
    frame = _shown(summary(access, zones), ["pool", "reachable", "one_way_only", "white"], access)
    frame["share"] = frame["share"].round(4)
    return frame


def shifts_table(access: Access, zones: WhiteZones) -> pd.DataFrame:
    """Return `by_shift` with small counts withheld."""
    frame = by_shift(access, zones)
    counts = ["pool", "reachable", "outbound_only", "return_only", "neither"]
    counts += [c for c in frame.columns if c.startswith("reason_")]
    frame = _shown(frame, counts, access)
    frame["share"] = frame["share"].round(4)
    return frame


def homes_layer(access: Access, zones: WhiteZones) -> gpd.GeoDataFrame:
    """Return one polygon per home cell, with what holds there.

    Columns are, per site and roster, ``<k>_share`` (share of the cycle's working days that
    hold), and per shift and kind of day ``<k>_out_min``, ``<k>_back_min``, ``<k>_status``,
    ``<k>_reason``; ``k`` is a short name listing site, roster, shift and kind of day.
    """
    study = access.study
    frame = study.homes.frame
    columns: dict[str, object] = {
        "home_id": home_labels(study),
        "commune": frame["commune"].to_numpy(),
    }
    shown = _shown(
        frame[["workers", *study.homes.groups]], ["workers", *study.homes.groups], access
    )
    columns |= {name: shown[name].to_numpy() for name in shown.columns}
    found = rosters(access)
    for r in counted_rows(found):
        site, roster = found.keys.loc[r, ["site_name", "roster"]].astype(str)
        columns[f"{site} | {roster} | share"] = found.share[r].round(3)
    for z, (shift_id, day_kind) in enumerate(zones.keys.itertuples(index=False)):
        shift = study.shift_rows[shift_id]
        name = " | ".join([shift.site_name, shift.roster, shift.shift, day_kind])
        row = access.row(shift_id, day_kind, "transit")
        if row is not None:
            columns[f"{name} | out_min"] = _minutes(access.outbound_s[row])
            columns[f"{name} | back_min"] = _minutes(access.return_s[row])
        columns[f"{name} | status"] = np.array(STATUSES)[zones.status[z]]
        columns[f"{name} | reason"] = np.array(REASONS)[zones.reason[z]]
    return gpd.GeoDataFrame(columns, geometry=home_shapes(study).to_numpy(), crs="EPSG:4326")


def _minutes(seconds: np.ndarray) -> pd.array:  # type: ignore[valid-type]
    return pd.array(np.where(seconds < INF, np.round(seconds / 60, 1), np.nan), dtype="Float32")


def gates_layer(access: Access) -> gpd.GeoDataFrame:
    """Return one point per gate."""
    rows = [
        (site.name, site.employer, lon, lat)
        for site in access.study.sites
        for lon, lat in site.gates
    ]
    frame = pd.DataFrame(rows, columns=["site", "employer", "lon", "lat"])
    return gpd.GeoDataFrame(
        frame[["site", "employer"]],
        geometry=gpd.points_from_xy(frame["lon"], frame["lat"]),
        crs="EPSG:4326",
    )


def stops_layer(access: Access) -> gpd.GeoDataFrame:
    """Return one point per stop, with its departures on each kind of day studied."""
    study = access.study
    stops = study.feed.stops
    frame = stops[["stop_id", "stop_name"]].copy()
    for day in study.days:
        frame[day.kind] = departures_per_stop(access, day.kind)
    frame = gpd.GeoDataFrame(
        frame, geometry=gpd.points_from_xy(stops["lon"], stops["lat"]), crs="EPSG:4326"
    )
    return frame[stops["lon"].notna().to_numpy()]


def departures_per_stop(access: Access, day_kind: str) -> np.ndarray:
    """Return the departures of the day's own service day, int64 (stops,)."""
    tt = access.study.timetables[day_kind].timetable
    own = np.repeat(tt.run_day == 0, np.diff(tt.run_ptr)) & tt.call_board
    return np.bincount(tt.call_stop[own], minlength=tt.n_stops)
