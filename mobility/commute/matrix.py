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

from mobility.base.arrays import Bool, Float, Int32, Int64
from mobility.base.clock import axis_origin_utc, format_clock
from mobility.base.errors import TerritoryError
from mobility.base.files import check_suffix, writing
from mobility.base.literal import csv_text
from mobility.commute.access import Access, assess, site_key
from mobility.commute.examples import EdgeAnswers, answer
from mobility.commute.modes import MODES
from mobility.commute.study import Study
from mobility.commute.variants import after_dark
from mobility.engine.itineraries import GATE, Itinerary
from mobility.engine.journeys import Edge
from mobility.sources.days import ChosenDay
from mobility.timetable.arrays import INF
from mobility.timetable.footpaths import WalkTable

_WALKED = "[WALK]"
#: Parts of a journey between its ends, and all of them: their sum is `travel_time`.
_INSIDE = ("wait_time", "ride_time", "transfer_time")
PARTS = ("access_time", *_INSIDE, "egress_time")
ENDS = ("from_id", "to_id")
_FIXED = ("direction", "edge", "day_kind", "date", "mode", "shifts")
_MOMENTS = ("departure_time", "arrival_time")
TIMES = ("travel_time", *PARTS, "early_time", "shift_time")
LINES = ("routes", "first_line", "last_line")
#: Lines of who rides none: nothing is told, or all of it is walked.
_NO_LINES = (["", _WALKED], ["", ""], ["", ""])


@dataclass(frozen=True)
class EdgeRows:
    """The homes of one site, edge, kind of day and mode."""

    shift_id: int
    day: ChosenDay
    mode: str
    edge: Edge
    elapsed_s: Int32
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
    columns = _Columns(access.study)
    for rows in edge_rows(access):
        if rows.mode in wanted:
            columns.add(rows)
    return columns.frame()


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


class _Texts:
    """A column of texts, each of which stands once: a number for every row."""

    def __init__(self) -> None:
        self._number: dict[str, int] = {}
        self._rows: list[Int32] = []

    def add(self, texts: Sequence[str], of: NDArray[np.intp]) -> None:
        """Add rows: the places of their texts among some, of which those unused are left out."""
        used = np.flatnonzero(np.bincount(of, minlength=len(texts))).tolist()
        for text in sorted({texts[k] for k in used}):
            self._number.setdefault(text, len(self._number))
        numbers = [self._number.get(text, -1) for text in texts]
        self._rows.append(np.array(numbers, np.int32)[of])

    def column(self) -> pd.Categorical[Any]:
        return pd.Categorical.from_codes(np.concatenate(self._rows), pd.Index(list(self._number)))


class _Columns:
    """The columns of a matrix, edge by edge: texts by number, times as seconds."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._homes = [str(home) for home in study.homes.ids]
        self._home = np.arange(study.n_homes)
        self._texts = {name: _Texts() for name in (*ENDS, *_FIXED, *LINES)}
        self._seconds: dict[str, list[Float]] = {
            name: [] for name in (*_MOMENTS, *TIMES, "n_rides")
        }

    def add(self, rows: EdgeRows) -> None:
        """Add the homes of an edge."""
        study, edge = self._study, rows.edge
        row, same = study.shift_rows[rows.shift_id], _same(study.n_homes)
        ends = [(self._homes, self._home), ([study.sites[row.site].name], same)]
        for name, (texts, of) in zip(ENDS, reversed(ends) if edge.returning else ends, strict=True):
            self._texts[name].add(texts, of)
        fixed = {
            "direction": "return" if edge.returning else "outbound",
            "edge": format_clock(row.end_s if edge.returning else row.start_s),
            "day_kind": rows.day.kind,
            "date": rows.day.date.isoformat(),
            "mode": rows.mode,
            "shifts": " ".join(rows.shifts),
        }
        for name, text in fixed.items():
            self._texts[name].add([text], same)
        found = _journeys(study, rows) if rows.mode == "transit" else _on_streets(study, rows)
        for name, lines in zip(LINES, found.lines, strict=True):
            self._texts[name].add(lines, found.line)
        for name, seconds in _seconds(study, rows, found).items():
            self._seconds[name].append(seconds)

    def frame(self) -> pd.DataFrame:
        """Return the table."""
        texts = {name: column.column() for name, column in self._texts.items()}
        values = {name: np.concatenate(parts) for name, parts in self._seconds.items()}
        zone = str(self._study.territory.zone)
        columns: dict[str, Any] = {
            **{name: texts[name] for name in (*ENDS, *_FIXED)},
            **{name: _clocks(values[name], zone) for name in _MOMENTS},
            **{name: _minutes(values[name]) for name in TIMES},
            "n_rides": pd.array(values["n_rides"], dtype="Float64").astype("Int8"),
            **{name: texts[name] for name in LINES},
        }
        return pd.DataFrame(columns)


@dataclass(frozen=True)
class _Journeys:
    """What is told of the journeys of an edge, float64 (homes,), missing where there are none.

    ``lines`` are texts of each of `LINES`, among which ``line`` is the place of each home's own.
    """

    early_s: Float
    parts_s: dict[str, Float]
    rides: Float
    lines: tuple[list[str], ...]
    line: NDArray[np.intp]


def _on_streets(study: Study, rows: EdgeRows) -> _Journeys:
    """Return the journeys by a mode that is told by its times alone; walking has its parts."""
    n, holds = study.n_homes, rows.elapsed_s < INF
    none, unknown = np.where(holds, 0.0, np.nan), np.full(n, np.nan)
    rides = none if MODES[rows.mode].kind == "street" else unknown  # type: ignore[index]
    if rows.mode != "walk":
        return _Journeys(np.zeros(n), dict.fromkeys(PARTS, unknown), rides, _NO_LINES, _same(n))
    parts = dict.fromkeys(PARTS, none)
    parts["access_time"] = none + rows.elapsed_s - rows.edge.margin_s
    return _Journeys(np.zeros(n), parts, rides, _NO_LINES, holds.astype(np.intp))


def _same(n: int) -> NDArray[np.intp]:
    return np.zeros(n, np.intp)


def _seconds(study: Study, rows: EdgeRows, found: _Journeys) -> dict[str, Float]:
    """Return the moments (POSIX), times and rides of the homes of an edge."""
    edge = rows.edge
    elapsed_s = np.where(rows.elapsed_s < INF, rows.elapsed_s, np.nan)
    none = np.where(rows.elapsed_s < INF, 0.0, np.nan)
    left_s, there_s = edge.at_s - elapsed_s, edge.at_s - edge.margin_s - found.early_s
    if edge.returning:
        left_s, there_s = none + edge.at_s + edge.margin_s, edge.at_s + elapsed_s
    origin_s = axis_origin_utc(rows.day.date, study.territory.zone)
    return {
        "departure_time": origin_s + left_s + none,
        "arrival_time": origin_s + there_s + none,
        "travel_time": elapsed_s - edge.margin_s - found.early_s,
        **found.parts_s,
        "early_time": found.early_s + none,
        "shift_time": elapsed_s,
        "n_rides": found.rides,
    }


def _minutes(seconds: Float) -> pd.Series:
    return pd.Series(seconds / 60).round(2).astype("Float32")


def _clocks(posix_s: Float, zone: str) -> pd.DatetimeIndex:
    """Return local dates and times of whole seconds, missing where they are."""
    known = np.isfinite(posix_s)
    utc = np.where(known, posix_s, 0).astype(np.int64).astype("datetime64[s]")
    utc[~known] = np.datetime64("NaT")
    return pd.DatetimeIndex(utc, tz="UTC").tz_convert(zone).tz_localize(None)


def _journeys(study: Study, rows: EdgeRows) -> _Journeys:
    """Return the journeys by public transport, kept by the content of all they follow from."""
    site = study.shift_rows[rows.shift_id].site
    key = site_key(study, site, [(rows.shift_id, rows.day, rows.mode)])

    def compute() -> dict[str, NDArray[Any]]:
        found = _unfolded(study, rows)
        lines = {name: np.array(texts) for name, texts in zip(LINES, found.lines, strict=True)}
        parts = {"early_s": found.early_s, **found.parts_s, "rides": found.rides}
        return {**parts, **lines, "line": found.line}

    kept = study.kept(["matrix", *key, rows.edge.returning], compute)
    found = {name: np.asarray(values) for name, values in kept.items()}
    return _Journeys(
        found["early_s"],
        {name: found[name] for name in PARTS},
        found["rides"],
        tuple(found[name].tolist() for name in LINES),
        found["line"],
    )


def _unfolded(study: Study, rows: EdgeRows) -> _Journeys:
    """Return the journeys by public transport, or on foot where that is as quick."""
    found = answer(study, rows.shift_id, rows.day, rows.edge)
    n, times, walked, shared = study.n_homes, found.times, found.walked, shared_journeys(found)
    on_foot, at, home_s = shared.on_foot, shared.homes, shared.home_s
    table = [_parts(study, found, journey) for journey in shared.journeys]
    seconds = np.array([row[0] for row in table], np.float64).reshape(-1, 5)[shared.journey].T
    none = np.full(n, np.nan)
    none[on_foot] = none[at] = 0.0
    early_s, rides, parts = np.zeros(n), none.copy(), {name: none.copy() for name in PARTS}
    parts["access_time"][on_foot] = walked.walk_s[on_foot]
    at_home, at_gate = PARTS[0], PARTS[-1]
    if rows.edge.returning:
        at_home, at_gate = at_gate, at_home
    for name, values in zip((*_INSIDE, at_gate), seconds[:4], strict=True):
        parts[name][at] = values
    parts[at_home][at] = home_s[at]
    early_s[at], rides[at] = seconds[4], times.rides[at]
    line = on_foot.astype(np.intp)
    line[at] = 2 + shared.journey
    lines = tuple([*known, *(row[1][k] for row in table)] for k, known in enumerate(_NO_LINES))
    return _Journeys(early_s, parts, rides, lines, line)


@dataclass(frozen=True, eq=False)
class SharedJourneys:
    """The journeys of an edge's homes, each unfolded once for all who share it.

    Attributes
    ----------
    on_foot : bool[H]
        Homes that walk all the way, which is as quick.
    homes : int64[M]
        Those that ride.
    journey : int64[M]
        The place of the journey of each in ``journeys``.
    home_s : int32[H]
        The walk between home and the stop of its journey, which is not shared.
    """

    on_foot: Bool
    homes: Int64
    journey: Int64
    journeys: list[Itinerary]
    home_s: Int32


def shared_journeys(found: EdgeAnswers) -> SharedJourneys:
    """Return the journeys of an edge: homes that go on alike from one stop share the rest."""
    times, walked = found.times, found.walked
    on_foot = (walked.elapsed_s < INF) & (walked.elapsed_s <= times.elapsed_s)
    at, home_s = np.flatnonzero((times.elapsed_s < INF) & ~on_foot), _home_ends(found)
    keys = np.stack(
        [times.stop, times.elapsed_s - home_s, times.rides, times.walk_s - home_s, found.dark],
        axis=1,
    )
    _, first, group = np.unique(keys[at], axis=0, return_index=True, return_inverse=True)
    journeys = [found.itinerary(int(home)) for home in at[first]]
    told = [one for one in journeys if one is not None]
    return SharedJourneys(on_foot, at, group.reshape(-1), told, home_s)


def _home_ends(found: EdgeAnswers) -> Int32:
    """Return the walk between each home and the stop of its journey, 0 where there is none."""
    study, stop = found.study, found.times.stop
    usual = _walk_to(study.home_walks, stop)
    if not found.dark.any():
        return usual
    return np.where(found.dark, _walk_to(after_dark(study).home_walks, stop), usual)


def _walk_to(walks: WalkTable, stop: Int32) -> Int32:
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
    gate; all lines, the first and the last.
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
    return (wait, ride, change, gate, early), ("|".join(names), names[0], names[-1])


def write_matrix(frame: pd.DataFrame, path: Path, *, reads: Sequence[Path] = ()) -> Path:
    """Write a matrix as Parquet, or as CSV where the name ends so.

    Raises
    ------
    TerritoryError
        The name ends in something else.
    SourceError
        It is a file that the study reads, or cannot be written.
    """
    suffix = check_suffix(path, ".parquet", ".csv")
    with writing(path, reads=reads) as part:
        if suffix == ".csv":
            part.write_text(csv_text(frame), encoding="utf-8")
        else:
            frame.to_parquet(part, index=False, compression="zstd")
    return path
