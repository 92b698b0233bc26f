"""Walking tables: from homes or gates to stops, and between stops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from mobility.base.cache import Bundle, cached, content_hash
from mobility.streets.arcs import Times, joined, local_of, open_key, times_key
from mobility.streets.ends import Snaps
from mobility.streets.graph import Streets
from mobility.streets.hour_times import junctions_changed, pieces_near
from mobility.streets.modes import edge_times
from mobility.streets.paths import PairTable, street_times
from mobility.streets.snap import MAX_SNAP_M, snap, snap_again, usable_edges
from mobility.territory.project import Speeds
from mobility.timetable.arrays import Timetable, footpath_rows

# Raised when what is kept of it changes: entries of before are then not found.
FORMAT = 4
#: Longest straight line between a point and its street; beyond, the point has no walk.
# On which of two streets a corner lies is not known within these metres; taken for the one open
# to through traffic, it gives no right to drive along the other: an assumption.
_CORNER_M = 20.0
#: Usable pieces and where points met them, by points and streets, for the modes and hours asked
#: last.
_LATEST: dict[str, tuple[tuple[np.ndarray, Snaps], ...]] = {}
MOST_POINTS, MOST_LATEST = 6, 8
#: Where more than this share of the homes may walk otherwise than before, all are asked.
MOST_CONCERNED = 0.5


@dataclass(frozen=True)
class WalkTable:
    """Walks from rows (homes, gates or stops) to stops.

    Attributes
    ----------
    ptr
        int64 (n + 1,): walks of row i are ``ptr[i]:ptr[i + 1]``.
    stop
        int32: index of the stop.
    walk_s
        int32: seconds; within a row sorted by (walk_s, stop).
    """

    ptr: np.ndarray
    stop: np.ndarray
    walk_s: np.ndarray

    @property
    def n_rows(self) -> int:
        """Number of homes, gates or stops."""
        return len(self.ptr) - 1

    @property
    def rows(self) -> np.ndarray:
        """int64: the row of each walk."""
        return np.repeat(np.arange(self.n_rows), np.diff(self.ptr))

    def taken(
        self, *, rows: np.ndarray | None = None, stops: np.ndarray | None = None
    ) -> WalkTable:
        """Return the walks from some rows, or to some stops, numbered as they are listed.

        One may be listed more than once.
        """
        row, stop, walk_s = self.rows, self.stop, self.walk_s
        n_rows, n_stops = self.n_rows, int(stop.max(initial=-1)) + 1
        if stops is not None:
            place, walk = joined(stop, np.arange(len(stop)), stops)
            row, stop, walk_s, n_stops = row[walk], place, walk_s[walk], len(stops)
        if rows is not None:
            place, walk = joined(row, np.arange(len(row)), rows)
            row, stop, walk_s, n_rows = place, stop[walk], walk_s[walk], len(rows)
        return sorted_walks(row, stop, walk_s, n_rows, n_stops)

    def parted_rows(self, row: int) -> tuple[WalkTable, WalkTable]:
        """Return the walks from the rows before one, and from the others."""
        cut = self.ptr[row]
        return (
            WalkTable(self.ptr[: row + 1], self.stop[:cut], self.walk_s[:cut]),
            WalkTable(self.ptr[row:] - cut, self.stop[cut:], self.walk_s[cut:]),
        )

    def parted_stops(self, stop: int) -> tuple[WalkTable, WalkTable]:
        """Return the walks to the stops before one, and to the others."""
        tables = []
        for kept, before in ((self.stop < stop, 0), (self.stop >= stop, stop)):
            ptr = np.concatenate([[0], np.cumsum(kept, dtype=np.int64)])[self.ptr]
            tables.append(WalkTable(ptr, self.stop[kept] - np.int32(before), self.walk_s[kept]))
        return tables[0], tables[1]

    def to_itself(self) -> WalkTable:
        """Return the walks between stops where each one's to itself takes no time."""
        count, row = self.n_rows, self.rows
        other = row != self.stop
        row = np.concatenate([np.arange(count), row[other]])
        stop = np.concatenate([np.arange(count, dtype=np.int32), self.stop[other]])
        walk_s = np.concatenate([np.zeros(count, dtype=np.int32), self.walk_s[other]])
        return sorted_walks(row, stop, walk_s, count, count)

    @cached_property
    def content(self) -> str:
        """Hash of all walks; hundreds of questions compare the walks of one hour."""
        return content_hash((self.ptr, self.stop, self.walk_s))

    @cached_property
    def by_stop(self) -> WalkTable:
        """The same walks turned round: a row per stop, ``stop`` being the rows of this table."""
        n_stops = int(self.stop.max(initial=-1)) + 1
        return sorted_walks(self.stop, self.rows, self.walk_s, n_stops, self.n_rows)


@dataclass(frozen=True)
class WalksBefore:
    """Walks between the same points at another hour, or in another light.

    Attributes
    ----------
    table
        Between the points, within the same limit.
    times, snap_times
        What it was found with, see `home_walks`.
    """

    table: WalkTable
    times: Times
    snap_times: Times | None = None

    @property
    def snapping(self) -> Times:
        """Seconds by which points were attached."""
        return self.times if self.snap_times is None else self.snap_times


def home_walks(
    streets: Streets,
    homes_lonlat: np.ndarray,
    stops_lonlat: np.ndarray,
    limit_s: float,
    speeds: Speeds,
    *,
    times: Times | None = None,
    snap_times: Times | None = None,
    before: WalksBefore | None = None,
    cache: bool = True,
) -> WalkTable:
    """Return the walks from each home (or gate) to the stops within a limit.

    Parameters
    ----------
    homes_lonlat, stops_lonlat
        Degrees, (h, 2) and (s, 2). Points with NaN, or too far from any street, have no walk.
    limit_s
        Longest walk, connectors from point to street included.
    speeds
        Walking speed.
    times
        Seconds per street piece both ways, instead of plain walking (e.g. safe at night).
    snap_times
        Points are attached to pieces open in these times, ``times`` by default. Where they
        are given, a point on a piece closed in ``times`` has no walk.
    before
        Walks of much the same streets: those that nothing changed for are taken from there.
    cache
        Keep the table in the user's cache.
    """
    walking = edge_times(streets, "walk", speeds) if times is None else times
    snapping = walking if snap_times is None else snap_times

    def compute() -> dict[str, np.ndarray]:
        def attached(by: Times) -> tuple[Snaps, Snaps]:
            homes, stops = (walk_snaps(streets, by, p) for p in (homes_lonlat, stops_lonlat))
            return homes, stops

        here = attached(snapping)
        if before is None:
            table = _walks(streets, walking, *here, limit_s, speeds)
        else:
            then = attached(before.snapping)
            concerned = _concerned(streets, before.times, walking, then, here, limit_s)
            table = _walks_again(streets, walking, here, before.table, concerned, limit_s, speeds)
        return {"ptr": table.ptr, "stop": table.stop, "walk_s": table.walk_s}

    if not cache:
        return WalkTable(**compute())
    key = [
        FORMAT, streets.digest, *times_key(walking), homes_lonlat, stops_lonlat, float(limit_s),
        speeds.walk_kmh, MAX_SNAP_M,
    ]  # fmt: skip
    if snap_times is not None:
        key += times_key(snap_times)
    found = cached("walks", key, compute)
    return WalkTable(*(np.asarray(found[name]) for name in ("ptr", "stop", "walk_s")))


def stop_walks(
    streets: Streets,
    stops_lonlat: np.ndarray,
    limit_s: float,
    speeds: Speeds,
    *,
    times: Times | None = None,
    snap_times: Times | None = None,
    before: WalksBefore | None = None,
) -> WalkTable:
    """Return the walks between stops within a limit, each stop to itself (0 s) included.

    Parameters are those of `home_walks`.
    """
    table = home_walks(
        streets, stops_lonlat, stops_lonlat, limit_s, speeds,
        times=times, snap_times=snap_times, before=before,
    )  # fmt: skip
    return table.to_itself()


def walk_snaps(streets: Streets, times: Times, lonlat: np.ndarray) -> Snaps:
    """Return where points meet the streets one can travel in ``times``, islands left out.

    A street closed to through traffic is passed over for one open to all that is hardly
    farther, see `_CORNER_M`.
    """
    if streets.at is not None:
        # From those of other hours they are found in less time than in the cache.
        return _walk_snaps(streets, times, lonlat)
    key = ["snaps", open_key(times), lonlat, MAX_SNAP_M]

    def compute() -> Bundle:
        return vars(_walk_snaps(streets, times, lonlat))

    found = streets.kept(key, compute)
    return Snaps(**{name: np.asarray(found[name]) for name in found})


def _walk_snaps(streets: Streets, times: Times, lonlat: np.ndarray) -> Snaps:
    usable, local = _usable(streets, times), local_of(times)
    found = _snapped(streets, lonlat, usable)
    if local is None:
        return found
    open_to_all = _snapped(streets, lonlat, usable & ~local)
    corner = open_to_all.distance_m <= found.distance_m + _CORNER_M
    return Snaps(
        *(
            np.where(corner, getattr(open_to_all, f.name), getattr(found, f.name))
            for f in fields(Snaps)
        )
    )


def _snapped(streets: Streets, lonlat: np.ndarray, usable: np.ndarray) -> Snaps:
    """Return `snap`, from that of the same points on pieces much like these where there is one."""
    key, at = _points_key(streets, lonlat), (lonlat[:, 0], lonlat[:, 1])
    known = _LATEST.pop(key, ())
    before = min(known, key=lambda one: np.count_nonzero(one[0] != usable), default=None)
    if before is None:
        found = snap(streets, *at, usable)
    else:
        found = snap_again(streets, *at, usable, before)
    _LATEST[key] = ((usable, found), *known)[:MOST_LATEST]
    while len(_LATEST) > MOST_POINTS:
        _LATEST.pop(next(iter(_LATEST)), None)
    return found


def snaps_of_some(streets: Streets, lonlat: np.ndarray, rows: np.ndarray) -> None:
    """Let what was last found of points be known of some of them, which are asked from now on."""
    known = _LATEST.get(_points_key(streets, lonlat), ())
    key = _points_key(streets, lonlat[rows])
    _LATEST[key] = tuple((usable, found.take(rows)) for usable, found in known)


def _points_key(streets: Streets, lonlat: np.ndarray) -> str:
    return content_hash([streets.digest, lonlat, MAX_SNAP_M])


def _usable(streets: Streets, times: Times) -> np.ndarray:
    """Return `usable_edges`, found once wherever the same ways are open."""
    known = streets.any_hour.worked_out.usable
    key = open_key(times)
    if key not in known:
        found = streets.kept(["usable", key], lambda: {"usable": usable_edges(streets, times)})
        known[key] = np.asarray(found["usable"])
    return known[key]


def _walks(
    streets: Streets, times: Times, homes: Snaps, stops: Snaps, limit_s: float, speeds: Speeds
) -> WalkTable:
    # One search per point of the shorter side.
    from_stops = len(stops) < len(homes)
    first, second = (stops, homes) if from_stops else (homes, stops)
    pairs = street_times(
        streets, times, first, second, limit_s=limit_s, reverse=from_stops,
        connector_speed_ms=speeds.walk_kmh / 3.6, in_order=False,
    )  # fmt: skip
    row, stop = _rows(pairs), pairs.target
    if from_stops:
        row, stop = stop, row
    return sorted_walks(row, stop, pairs.time_s, len(homes), len(stops))


def _concerned(
    streets: Streets,
    usual: Times,
    times: Times,
    then: tuple[Snaps, Snaps],
    here: tuple[Snaps, Snaps],
    limit_s: float,
) -> np.ndarray:
    """Return the homes whose walks to stops may be others than in usual times, bool (h,).

    Whoever meets no junction that changed within the limit walks where nothing did. Points
    attached elsewhere count as changes of the pieces they were and are on.
    """
    homes, stops = (_moved(*pair) for pair in zip(then, here, strict=True))
    changed = [junctions_changed(streets, usual, times)]
    for snaps in (then[1], here[1]):
        on = snaps.edge[stops & (snaps.edge >= 0)]
        changed += [streets.edge_u[on], streets.edge_v[on]]
    junctions = np.unique(np.concatenate(changed))
    if len(junctions):
        near = pieces_near(streets, usual, junctions, limit_s)
        homes |= (then[0].edge >= 0) & near[then[0].edge]
    return homes


def _moved(then: Snaps, here: Snaps) -> np.ndarray:
    """Return which points are attached elsewhere, bool (p,)."""
    return np.asarray((then.edge != here.edge) | (then.offset_m != here.offset_m))


def _walks_again(
    streets: Streets,
    times: Times,
    snaps: tuple[Snaps, Snaps],
    before: WalkTable,
    concerned: np.ndarray,
    limit_s: float,
    speeds: Speeds,
) -> WalkTable:
    """Return `_walks`, taking those of homes that are not concerned from before."""
    homes, stops = snaps
    rows = np.flatnonzero(concerned)
    if not len(rows):
        return before
    if len(rows) > MOST_CONCERNED * len(homes):
        return _walks(streets, times, homes, stops, limit_s, speeds)
    again = _walks(streets, times, homes.take(rows), stops, limit_s, speeds)
    row, kept = before.rows, ~concerned[before.rows]
    return sorted_walks(
        np.concatenate([row[kept], rows[again.rows]]),
        np.concatenate([before.stop[kept], again.stop]),
        np.concatenate([before.walk_s[kept], again.walk_s]),
        len(homes),
        len(stops),
    )


def _rows(pairs: PairTable) -> np.ndarray:
    return np.repeat(np.arange(len(pairs.ptr) - 1), np.diff(pairs.ptr))


def sorted_walks(
    row: np.ndarray, stop: np.ndarray, walk_s: np.ndarray, n_rows: int, n_stops: int
) -> WalkTable:
    """Return the table sorted by (row, walk, stop), by one sort of packed integers."""
    walk_bits, stop_bits = int(walk_s.max(initial=0)).bit_length(), int(n_stops).bit_length()
    key = row.astype(np.int64) << (walk_bits + stop_bits)
    key |= walk_s.astype(np.int64) << stop_bits
    key |= stop
    key.sort()
    ptr = np.append(0, np.cumsum(np.bincount(row, minlength=n_rows))).astype(np.int64)
    stop = (key & ((1 << stop_bits) - 1)).astype(np.int32)
    walk_s = ((key >> stop_bits) & ((1 << walk_bits) - 1)).astype(np.int32)
    return WalkTable(ptr, stop, walk_s)


def safe_footpaths(tt: Timetable, plain: WalkTable, safe: WalkTable) -> Timetable:
    """Return a timetable whose footpaths along streets take as long as safe walks do.

    A footpath is one along streets when it takes what ``plain`` says; one that has no safe
    walk goes. Others (inside stations, or told by the feed) stay.
    """
    row = np.repeat(np.arange(tt.n_stops), np.diff(tt.foot_ptr))
    usual, careful = (_looked_up(table, row, tt.foot_stop) for table in (plain, safe))
    along = (usual == tt.foot_walk_s) & (row != tt.foot_stop)
    keep = ~along | (careful >= 0)
    longer = np.where(along & keep, careful - tt.foot_walk_s, 0).astype(np.int32)[keep]
    row, stop = row[keep], tt.foot_stop[keep]
    walk_s, need_s = tt.foot_walk_s[keep] + longer, tt.foot_need_s[keep] + longer
    return tt.on_feet(footpath_rows(tt.n_stops, row, stop, walk_s, need_s))


def _looked_up(table: WalkTable, row: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """Return the walk of each (row, stop), -1 where the table has none."""
    n = table.n_rows
    of = np.repeat(np.arange(n, dtype=np.int64), np.diff(table.ptr)) * n + table.stop
    order = np.argsort(of, kind="stable")
    wanted = row * n + stop
    at = np.minimum(np.searchsorted(of, wanted, sorter=order), max(len(of) - 1, 0))
    if not len(of):
        return np.full(len(row), -1, np.int32)
    place = order[at]
    return np.where(of[place] == wanted, table.walk_s[place], -1).astype(np.int32)


def joined_walks(parts: Sequence[tuple[WalkTable, int, int]], n_rows: int) -> WalkTable:
    """Return some tables as one, from (table, number of its first row, of its first stop)."""
    row = np.concatenate([table.rows + first for table, first, _ in parts])
    stop = np.concatenate([table.stop + np.int32(first) for table, _, first in parts])
    walk_s = np.concatenate([table.walk_s for table, _, _ in parts]).astype(np.int32)
    return sorted_walks(row, stop, walk_s, n_rows, int(stop.max(initial=0)) + 1)
