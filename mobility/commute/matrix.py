"""The door-to-door matrix: home × site × edge of a shift × mode, for whoever continues elsewhere.

Columns bear the names that users of r5r (``arrival_travel_time_matrix`` with a breakdown), r5py
(``TravelTimeMatrix``) and cafein know: times in minutes, one row per pair.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mobility.base.clock import axis_origin_utc, format_clock
from mobility.base.errors import TerritoryError
from mobility.base.files import writing
from mobility.base.literal import csv_text
from mobility.commute.access import Access, assess
from mobility.commute.examples import EdgeAnswers, answers
from mobility.commute.modes import MODES
from mobility.commute.study import Study
from mobility.commute.variants import after_dark
from mobility.engine.itineraries import GATE, Itinerary
from mobility.engine.journeys import Edge
from mobility.sources.days import ChosenDay
from mobility.timetable.arrays import INF
from mobility.timetable.footpaths import WalkTable

Float = NDArray[np.float64]
WALKED = "[WALK]"
#: Minutes of each part of a journey, whose sum is `travel_time`.
PARTS = ("access_time", "wait_time", "ride_time", "transfer_time", "egress_time")


@dataclass(frozen=True)
class EdgeRows:
    """The homes of one site, edge, kind of day and mode."""

    shift_id: int
    day: ChosenDay
    mode: str
    edge: Edge
    elapsed_s: NDArray[np.int32]
    shifts: tuple[str, ...]


def matrix(study: Study | Access, *, modes: Sequence[str] | None = None) -> pd.DataFrame:
    """Return the door-to-door matrix of a study.

    Parameters
    ----------
    study
        The study, or what was already computed of it.
    modes
        Among those evaluated, all of which by default.

    Returns
    -------
    DataFrame
        A row per home, site, direction, edge, kind of day and mode, columns as in
        ``docs/outputs.md``. ``from_id`` and ``to_id`` are the home and the site, the other way
        round for a return. ``travel_time`` is minutes from leaving home to reaching the gate, or
        from being ready at the gate to reaching home; ``shift_time`` is what the limits bound: to
        the start of the shift, or from its end. Both are missing where the direction does not
        hold. Parts of a journey are told of public transport and of walking.

    Raises
    ------
    TerritoryError
        A mode is not evaluated.
    """
    access = study if isinstance(study, Access) else assess(study)
    wanted = _wanted(access.study, modes)
    frames = [_frame(access.study, rows) for rows in edge_rows(access) if rows.mode in wanted]
    columns = {str(name): _told(frames, str(name)) for name in frames[0].columns}
    return pd.DataFrame(columns)


def _wanted(study: Study, modes: Sequence[str] | None) -> list[str]:
    known = list(study.territory.modes.evaluated)
    for mode in modes or ():
        if mode not in known:
            raise TerritoryError(
                "This mode is not evaluated.",
                file=study.territory.path,
                column="modes.evaluated",
                value=mode,
                mend="Choose one of: {known}.",
                known=", ".join(known),
            )
    return list(modes or known)


def _told(frames: Sequence[pd.DataFrame], name: str) -> pd.Series:
    """Return one column of all frames; texts as categories, which take little room."""
    parts = [frame[name] for frame in frames]
    if isinstance(parts[0].dtype, pd.CategoricalDtype):
        return pd.Series(pd.api.types.union_categoricals(parts), name=name)
    return pd.concat(parts, ignore_index=True)


def edge_rows(access: Access) -> Iterator[EdgeRows]:
    """Yield each edge once: shifts that start, or end, together ask the same question.

    By a vehicle left at a stop, the way back depends on the way out: each shift is apart.
    """
    study = access.study
    groups: dict[tuple[object, ...], list[tuple[int, int]]] = {}
    for k, (shift_id, kind, mode) in enumerate(access.keys.itertuples(index=False, name=None)):
        edges = study.edges(shift_id, _day(study, kind))
        row = study.shift_rows[shift_id]
        for returning, edge in enumerate(edges):
            other = edges[1 - returning].at_s if MODES[mode].kind == "feeder" else None
            key = (row.site, kind, mode, bool(returning), edge.at_s, other)
            groups.setdefault(key, []).append((k, shift_id))
    for asked, found in groups.items():
        first, one = found[0]
        day, mode, returning = _day(study, str(asked[1])), str(asked[2]), bool(asked[3])
        rows = [study.shift_rows[s] for _, s in found]
        yield EdgeRows(
            one,
            day,
            mode,
            study.edges(one, day)[int(returning)],
            (access.return_s if returning else access.outbound_s)[first],
            tuple(dict.fromkeys(f"{row.roster}/{row.shift}" for row in rows)),
        )


def _day(study: Study, kind: str) -> ChosenDay:
    return next(day for day in study.days if day.kind == kind)


def _frame(study: Study, rows: EdgeRows) -> pd.DataFrame:
    row, edge, n = study.shift_rows[rows.shift_id], rows.edge, study.n_homes
    site = study.sites[row.site].name
    homes = pd.Categorical(study.homes.ids)
    here = _same(site, n)
    clock = format_clock(row.end_s if edge.returning else row.start_s)
    fixed = {
        "direction": "return" if edge.returning else "outbound",
        "edge": clock,
        "day_kind": rows.day.kind,
        "date": rows.day.date.isoformat(),
        "mode": rows.mode,
        "shifts": " ".join(rows.shifts),
    }
    columns: dict[str, Any] = {
        "from_id": here if edge.returning else homes,
        "to_id": homes if edge.returning else here,
    }
    columns |= {name: _same(text, n) for name, text in fixed.items()}
    holds = rows.elapsed_s < INF
    elapsed_s = np.where(holds, rows.elapsed_s, np.nan)
    early_s = np.zeros(n)
    parts: dict[str, Any] = {name: np.full(n, np.nan) for name in PARTS}
    lines: dict[str, Any] = {name: np.full(n, "", object) for name in ("first", "last", "routes")}
    rides = np.where(holds, 0.0, np.nan)
    if rows.mode == "walk":
        parts = dict.fromkeys(PARTS, np.where(holds, 0.0, np.nan))
        parts["access_time"] = elapsed_s - edge.margin_s
        lines["routes"] = np.where(holds, WALKED, "")
    elif rows.mode == "transit":
        early_s, parts, lines, rides = _journeys(study, rows)
    elif MODES[rows.mode].kind != "street":  # type: ignore[index]
        rides = np.full(n, np.nan)
    travel_s = elapsed_s - edge.margin_s - early_s
    left_s, there_s = edge.at_s - elapsed_s, edge.at_s - edge.margin_s - early_s
    if edge.returning:
        left_s, there_s = edge.at_s + edge.margin_s + np.zeros(n), edge.at_s + elapsed_s
    moments = _clocks(study, rows.day, np.where(holds, left_s, np.nan))
    columns |= {
        "departure_time": moments,
        "arrival_time": _clocks(study, rows.day, np.where(holds, there_s, np.nan)),
        "travel_time": _minutes(travel_s),
        **{name: _minutes(values) for name, values in parts.items()},
        "early_time": _minutes(np.where(holds, early_s, np.nan)),
        "shift_time": _minutes(elapsed_s),
        "n_rides": pd.array(rides, dtype="Float64").astype("Int8"),
        "routes": pd.Categorical(lines["routes"]),
        "first_line": pd.Categorical(lines["first"]),
        "last_line": pd.Categorical(lines["last"]),
    }
    return pd.DataFrame(columns)


def _same(text: str, n: int) -> Any:
    return pd.Categorical.from_codes(np.zeros(n, np.int8), pd.Index([text]))


def _minutes(seconds: Float) -> pd.Series:
    return pd.Series(seconds / 60).round(2).astype("Float32")


def _clocks(study: Study, day: ChosenDay, axis_s: Float) -> pd.Series:
    """Return local dates and times of axis seconds, to the second, missing where they are."""
    zone = study.territory.zone
    utc = pd.Series(axis_s + axis_origin_utc(day.date, zone))
    local = pd.to_datetime(utc, unit="s", utc=True).dt.tz_convert(str(zone)).dt.tz_localize(None)
    return local.dt.round("s").astype("datetime64[s]")


def _journeys(study: Study, rows: EdgeRows) -> tuple[Float, dict[str, Any], dict[str, Any], Float]:
    """Return seconds early, parts, lines and rides of the journeys by public transport.

    Homes that board, or alight, at one stop at one time share all but the walk between: the
    journey of one of them is unfolded for all.
    """
    found = answers(study, rows.shift_id, rows.day.kind)[int(rows.edge.returning)]
    n = study.n_homes
    ridden, walked = found.times.elapsed_s, found.walked.elapsed_s
    on_foot = (walked < INF) & (walked <= ridden)
    riding = (ridden < INF) & ~on_foot
    early_s, rides = np.zeros(n), np.where(riding | on_foot, 0.0, np.nan)
    parts = {name: np.where(on_foot, 0.0, np.nan) for name in PARTS}
    parts["access_time"][on_foot] = found.walked.walk_s[on_foot]
    lines = {name: np.full(n, "", object) for name in ("first", "last", "routes")}
    lines["routes"][on_foot] = WALKED
    home_s = home_ends(found)
    keys = np.stack([
        found.times.stop, found.times.elapsed_s - home_s, found.times.rides,
        found.times.walk_s - home_s, found.dark,
    ], axis=1)  # fmt: skip
    at = np.flatnonzero(riding)
    _, first, group = np.unique(keys[at], axis=0, return_index=True, return_inverse=True)
    journeys = [found.itinerary(int(at[k])) for k in first]
    table = [_parts(study, found, j) for j in journeys if j is not None]
    of = group.reshape(-1)
    back = rows.edge.returning
    for k, name in enumerate(("wait_time", "ride_time", "transfer_time")):
        parts[name][at] = np.array([row[0][k] for row in table], np.float64)[of] if table else 0
    gate_s = np.array([row[0][3] for row in table], np.float64)[of] if table else np.zeros(0)
    parts["egress_time" if not back else "access_time"][at] = gate_s
    parts["access_time" if not back else "egress_time"][at] = home_s[at]
    early_s[at] = np.array([row[0][4] for row in table], np.float64)[of] if table else 0
    rides[at] = found.times.rides[at]
    for k, name in enumerate(("first", "last", "routes")):
        lines[name][at] = np.array([row[1][k] for row in table], object)[of] if table else ""
    return early_s, parts, lines, rides


def home_ends(found: EdgeAnswers) -> NDArray[np.int32]:
    """Return the walk between each home and the stop of its journey, 0 where there is none."""
    study, stop = found.study, found.times.stop
    usual = _walk_to(study.home_walks, stop)
    if not found.dark.any():
        return usual
    return np.where(found.dark, _walk_to(after_dark(study).home_walks, stop), usual)


def _walk_to(walks: WalkTable, stop: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the least walk of each row to a stop of its own, 0 where it has none."""
    row = walks.rows
    here = np.flatnonzero(walks.stop == stop[row])
    least = np.full(walks.n_rows, INF, np.int32)
    np.minimum.at(least, row[here], walks.walk_s[here])
    return np.where(least < INF, least, 0).astype(np.int32)


def _parts(
    study: Study, found: EdgeAnswers, journey: Itinerary
) -> tuple[tuple[int, int, int, int, int], tuple[str, str, str]]:
    """Return what a journey holds besides its home's walk, and its lines.

    Seconds waited, ridden, walked between vehicles, walked at the gate's end, and early at the
    gate; first line, last line, and all of them.
    """
    wait = ride = change = gate = early = 0
    ends = (journey.legs[0], journey.legs[-1])
    for leg in journey.legs:
        seconds = leg.arrive_s - leg.depart_s
        if leg.kind == "ride":
            ride += seconds
        elif leg.kind == "walk" and GATE in (leg.from_stop, leg.to_stop):
            gate += seconds
        elif leg.kind == "walk" and leg not in ends:
            change += seconds
        elif leg.kind == "wait" and leg.from_stop == GATE and not found.edge.returning:
            early += seconds
        elif leg.kind == "wait":
            wait += seconds
    names = [study.feed.line_names[leg.trip] for leg in journey.legs if leg.kind == "ride"]
    return (wait, ride, change, gate, early), (names[0], names[-1], "|".join(names))


def write_matrix(frame: pd.DataFrame, path: Path, *, reads: Sequence[Path] = ()) -> Path:
    """Write a matrix as Parquet, or as CSV where the name ends so.

    Raises
    ------
    TerritoryError
        The name ends in something else.
    SourceError
        It is a file that the study reads, or cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in (".parquet", ".csv"):
        raise TerritoryError(
            "A matrix is written as Parquet or as CSV.",
            column="--out",
            value=path.name,
            mend="End the name in .parquet or .csv.",
        )
    with writing(path, reads=reads) as part:
        if suffix == ".csv":
            part.write_text(csv_text(frame), encoding="utf-8")
        else:
            frame.to_parquet(part, index=False, compression="zstd")
    return path
