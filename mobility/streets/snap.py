"""Points on streets: the nearest place on an edge, what is too far from any, and what is cut off.

Streets closed to through traffic are used at the start and at the end of a way only.
"""

from __future__ import annotations

import numpy as np
import shapely

from mobility.base.cache import Bundle
from mobility.base.errors import Finding
from mobility.sources.osm.ways import FERRY
from mobility.streets.arcs import (
    Times,
    TurnTimes,
    barred_of,
    listed,
    open_key,
    sequences_of,
    with_through_traffic,
)
from mobility.streets.ends import Snaps
from mobility.streets.graph import Streets
from mobility.streets.hourly import can_choose, components_at, strong
from mobility.streets.tags import is_tagged

# What barriers cut off is a part of its own from this share of all streets on.
_ENCLOSED_SHARE = 0.1
#: Where more than this share of the pieces opens or closes, all points are looked for again.
MOST_CHANGED = 0.02
#: Pieces are looked for so far around each point first, then so many times farther.
FIRST_REACH_M, WIDER = 30.0, 4.0
#: Components last asked for: the ends of the pieces, where the times let one go, and the labels.
_LATEST: list[tuple[np.ndarray, str, np.ndarray]] = []
MOST_LATEST = 8
#: A set of streets that cannot be left is an island where it is shorter, and a lesser share of all.
MIN_ISLAND_M, MIN_ISLAND_SHARE = 2000.0, 0.01
#: Points farther than this from any usable piece are not snapped.
MAX_SNAP_M = 500.0


def snap(
    streets: Streets,
    lon: np.ndarray,
    lat: np.ndarray,
    usable: np.ndarray,
    *,
    max_m: float = MAX_SNAP_M,
) -> Snaps:
    """Find the nearest place on a usable street piece for each point.

    Parameters
    ----------
    streets
        The network.
    lon, lat
        Degrees, (p,).
    usable
        bool (m,): pieces to consider.
    max_m
        Points farther than this from any usable piece are not snapped.

    Notes
    -----
    Among pieces equally near, the first one is taken.
    """
    xy = streets.project(np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64))
    edge = np.full(len(xy), -1, dtype=np.int32)
    offset = np.zeros(len(xy))
    distance = np.full(len(xy), np.inf)
    rows = np.flatnonzero(usable)
    finite = np.flatnonzero(np.isfinite(xy).all(axis=1))
    if len(rows) == 0 or len(finite) == 0:
        return Snaps(edge, offset, distance)
    points = shapely.points(xy[finite])
    near = _nearest(streets, points, xy[finite], usable, max_m)
    at, on = finite[near[0]], near[1]
    edge[at], distance[at] = on, near[2]
    along = shapely.line_locate_point(streets.lines[on], points[near[0]])
    offset[at] = np.clip(along, 0.0, streets.length_m[on])
    return Snaps(edge, offset, distance)


def _nearest(
    streets: Streets, points: np.ndarray, xy: np.ndarray, usable: np.ndarray, max_m: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return points with a usable piece within reach, the nearest of each, and their metres.

    Squares around all points are asked of the index at once, and wider ones around those that
    had nothing within theirs: half the time of asking for the nearest of each.
    """
    left, reach_m = np.arange(len(xy)), min(FIRST_REACH_M, max_m)
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    while len(left):
        point, line = streets.tree.query(_squares(xy[left], np.full(len(left), reach_m)))
        point, line = point[usable[line]], line[usable[line]]
        metres = shapely.distance(points[left[point]], streets.lines[line])
        order = np.lexsort((line, metres, point))
        point, line, metres = point[order], line[order], metres[order]
        first = np.ones(len(point), dtype=bool)
        first[1:] = point[1:] != point[:-1]
        first &= metres <= reach_m
        found.append((left[point[first]], line[first], metres[first]))
        if reach_m == max_m:
            break
        left = np.delete(left, point[first])
        reach_m = min(WIDER * reach_m, max_m)
    point, line, metres = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return point, line, metres


def _squares(xy: np.ndarray, half_m: np.ndarray) -> np.ndarray:
    """Return the squares around points that hold all within a distance of each."""
    (x, y), half_m = xy.T, half_m + 1e-6
    return np.asarray(shapely.box(x - half_m, y - half_m, x + half_m, y + half_m))


def snap_again(
    streets: Streets,
    lon: np.ndarray,
    lat: np.ndarray,
    usable: np.ndarray,
    before: tuple[np.ndarray, Snaps],
    *,
    max_m: float = MAX_SNAP_M,
) -> Snaps:
    """Return what `snap` does, from what it found of the same points on other pieces.

    Parameters
    ----------
    before
        The pieces then usable, bool (m,), and where the points met them. Only points whose
        piece is closed since, or that have a piece opened since as near, are looked for again.
    """
    then, known = before
    n_changed = np.count_nonzero(usable != then)
    if not n_changed:
        return known
    if n_changed > MOST_CHANGED * len(usable):
        return snap(streets, lon, lat, usable, max_m=max_m)
    opened = np.flatnonzero(usable & ~then)
    moved = (known.edge >= 0) & ~usable[known.edge]
    xy = streets.project(np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64))
    finite = np.flatnonzero(np.isfinite(xy).all(axis=1))
    if len(opened) and len(finite):
        lines = streets.lines[opened]
        tree = shapely.STRtree(lines)
        about = finite[_in_cells_near(xy[finite], tree, max_m)]
        reach_m = np.minimum(known.distance_m[about], max_m)
        point, piece = tree.query(_squares(xy[about], reach_m))
        metres = shapely.distance(shapely.points(xy[about[point]]), lines[piece])
        moved[about[point[metres <= reach_m[point] + 1e-6]]] = True
    rows = np.flatnonzero(moved)
    again = snap(streets, lon[rows], lat[rows], usable, max_m=max_m)
    edge, offset, distance = known.edge.copy(), known.offset_m.copy(), known.distance_m.copy()
    edge[rows], offset[rows], distance[rows] = again.edge, again.offset_m, again.distance_m
    return Snaps(edge, offset, distance)


def _in_cells_near(xy: np.ndarray, tree: shapely.STRtree, max_m: float) -> np.ndarray:
    """Return which points lie in cells of a grid that have a line within a distance, bool (p,)."""
    column, row = np.floor(xy / max_m).astype(np.int64).T
    _, first, cell = np.unique(
        column << 32 | row & 0xFFFFFFFF, return_index=True, return_inverse=True
    )
    middle = (np.column_stack([column, row])[first] + 0.5) * max_m
    near = np.zeros(len(first), dtype=bool)
    near[tree.query(_squares(middle, np.full(len(first), 1.5 * max_m)))[0]] = True
    return near[cell]


def place_of(streets: Streets, snaps: Snaps) -> np.ndarray:
    """Return longitude and latitude (p, 2) of snapped places, NaN where there is none."""
    lonlat = np.full((len(snaps), 2), np.nan)
    on = np.flatnonzero(snaps.edge >= 0)
    lines = streets.lines[snaps.edge[on]]
    places = shapely.line_interpolate_point(lines, snaps.offset_m[on])
    lonlat[on] = streets.unproject(shapely.get_coordinates(places)) if len(on) else 0.0
    return lonlat


def components(streets: Streets, times: Times) -> np.ndarray:
    """Return the strongly connected component of each street piece, int32 (m,).

    Two pieces share a component when one can travel from either to the other, turns allowed
    for; those closed to through traffic join others like any. A piece that cannot be come back
    to, or that is forbidden, has -1.
    """
    times = with_through_traffic(times)
    key = open_key(times)
    if streets.at is None:
        found = streets.kept(["parts", key], lambda: {"label": _components(streets, times)})
        return np.asarray(found["label"])
    # What is worked out of those at some hour is kept, not they.
    ends = streets.edge_u
    for kept, of, label in _LATEST:
        if kept is ends and of == key:
            return label
    work_out = components_at if can_choose(streets, times) else _components
    label = work_out(streets, times)
    _LATEST.insert(0, (ends, key, label))
    del _LATEST[MOST_LATEST:]
    return label


def _components(streets: Streets, times: Times) -> np.ndarray:
    net = listed(streets, times)
    label = strong(net.tail, net.head, len(net.place))
    same = label[net.tail] == label[net.head]
    found = np.full(streets.n_edges, -1, dtype=np.int32)
    found[net.edge[same]] = label[net.head[same]]
    return found


def usable_edges(streets: Streets, times: Times) -> np.ndarray:
    """Return the pieces to snap to: allowed, and not on a small island, bool (m,).

    An island is passed over: points beside it go to the next street, and `island_finding`
    reports it. So is what barriers
    alone cut off, unless it makes a tenth of the streets: the grounds behind private gates.
    Nobody lives or works on a motorway, a motor road or a ferry.
    """
    label = components(streets, times)
    known = label >= 0
    length = np.bincount(label[known], streets.length_m[known], minlength=1)
    big = (length >= MIN_ISLAND_M) | (length >= MIN_ISLAND_SHARE * length.sum())
    big &= ~_enclosed(streets, times, label, length)
    tags = streets.any_hour.tags
    beside = ~is_tagged(tags, "highway", (FERRY, "motorway", "motorway_link"))
    beside &= ~is_tagged(tags, "motorroad", ("yes",))
    return np.asarray(known & beside & big[np.maximum(label, 0)])


def _enclosed(streets: Streets, times: Times, label: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Return which components are part of a longer one but for barred turns, bool."""
    if not len(barred_of(times)) and not sequences_of(times):
        return np.zeros(len(length), dtype=bool)
    open_label = components(streets, (times[0], times[1]))
    known = (label >= 0) & (open_label >= 0)
    whole = np.bincount(open_label[known], streets.length_m[known], minlength=1)
    around = np.zeros(len(length))
    np.maximum.at(around, label[known], whole[open_label[known]])
    return np.asarray((around > 1.01 * length) & (length < _ENCLOSED_SHARE * length.sum()))


def island_finding(streets: Streets, walking: Times) -> Finding | None:
    """Return a finding when streets are cut off from the biggest connected set."""
    label = components(streets, walking)
    allowed = np.isfinite(walking[0]) | np.isfinite(walking[1])
    known = label >= 0
    length = np.bincount(label[known], streets.length_m[known], minlength=1)
    total = float(streets.length_m[allowed].sum())
    if total == 0:
        return None
    off = allowed & (label != int(np.argmax(length)))
    share = float(streets.length_m[off].sum()) / total
    if share == 0:
        return None
    return Finding(
        "warning" if share > 0.02 else "info",
        "street_islands",
        "{share} % of the length of streets one may walk along is cut off from the rest "
        "({count} pieces).",
        count=int(off.sum()),
        examples=_places(streets, label, length, off),
        params={"share": 100 * share},
    )


def _places(
    streets: Streets, label: np.ndarray, length: np.ndarray, off: np.ndarray
) -> tuple[str, ...]:
    """Return longitude and latitude of one point on each of the five longest islands."""
    islands = np.unique(label[off & (label >= 0)])
    longest = islands[np.argsort(-length[islands], kind="stable")][:5]
    edges = [int(np.flatnonzero(label == k)[0]) for k in longest]
    if not edges:
        return ()
    lonlat = streets.unproject(streets.geom_xy[streets.geom_ptr[edges]])
    return tuple(f"{lon:.5f} {lat:.5f}" for lon, lat in lonlat)


def far_finding(snaps: Snaps, names: list[str]) -> Finding | None:
    """Return a finding when stops, each with its name, are too far from any street."""
    far = np.flatnonzero(snaps.edge < 0)
    if len(far) == 0:
        return None
    return Finding(
        "warning",
        "stops_far_from_streets",
        "{count} of {total} stops lie over {max_m} m from any street one may use.",
        count=len(far),
        examples=tuple(names[i] for i in far[:5]),
        params={"total": len(snaps), "max_m": f"{MAX_SNAP_M:.0f}"},
    )


def without_through_traffic(
    streets: Streets, times: TurnTimes, local: np.ndarray, gates: np.ndarray
) -> TurnTimes:
    """Return times by which some pieces, bool (m,), are not for through traffic.

    What can be come to and left again over such pieces alone, like the streets of an estate
    behind them, lies on them: it is not for through traffic either. So is what lies behind
    ``gates``, int64 (t, 2), turns that are not for through traffic; one that leads from a street
    open to all to another is barred.
    """
    local = local & (np.isfinite(times[0]) | np.isfinite(times[1]))
    if not local.any() and not len(gates):
        return times
    known = streets.any_hour.worked_out.local
    # Where one may go says it all: at most hours it is as at any.
    key = open_key(times), local.tobytes(), gates.tobytes()
    if key not in known:
        said = ["through", key[0], local, gates]
        found = streets.kept(said, lambda: _without(streets, times, local, gates))
        known[key] = np.asarray(found["barred"]), found.get("local")
    barred, closed = known[key]
    return TurnTimes(*times, barred, times.sequences, closed)


def _without(streets: Streets, times: TurnTimes, local: np.ndarray, gates: np.ndarray) -> Bundle:
    """Return the barred turns, and the pieces closed to through traffic where there are some."""
    uv, vu = times
    whole = components(streets, times)
    open_uv, open_vu = (np.where(local, np.inf, seconds) for seconds in (uv, vu))
    barred = np.unique(np.concatenate([times.barred, gates]), axis=0)
    apart = components(streets, TurnTimes(open_uv, open_vu, barred, times.sequences))
    # The longest part of each connected whole is where through traffic is.
    known = (apart >= 0) & (whole >= 0)
    length = np.bincount(apart[known], streets.length_m[known], minlength=1)
    part, first = np.unique(apart[known], return_index=True)
    around = whole[known][first]
    order = np.lexsort((-length[part], around))
    longest = np.full(int(whole.max(initial=0)) + 1, -2)
    heads = np.r_[True, around[order][1:] != around[order][:-1]] if len(order) else []
    longest[around[order][heads]] = part[order][heads]
    behind = (whole >= 0) & (apart != longest[whole]) & (longest[whole] >= 0)
    local = local | behind
    past = gates[~local[gates // 2].any(axis=1)]
    barred = np.unique(np.concatenate([times.barred, past]), axis=0)
    return {"barred": barred, "local": local} if local.any() else {"barred": barred}
