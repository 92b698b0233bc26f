"""Streets as arrays: junctions, street pieces between them, and their tags."""

from __future__ import annotations

import glob
import json
from collections.abc import Callable, Hashable, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from mobility.base.cache import Bundle, cached, content_hash
from mobility.base.errors import SourceError
from mobility.base.ledger import SourceLedger, from_json
from mobility.base.projection import WGS84, Box, transformer
from mobility.sources.osm.ways import NO_WAYS, barrier_table, condition_table, turn_table

if TYPE_CHECKING:
    import networkx as nx

    from mobility.sources.osm.pieces import StreetTables

FORMAT = 10
#: What is worked out on fewer street pieces is no slower than looking it up.
KEPT_FROM = 2000
_TABLES = ("tags", "turns", "barriers", "conditions")
#: The value each row of `Streets.conditions` takes, None where it does not hold.
State = tuple[str | None, ...]
_ARRAYS = ("node_id", "node_xy", "edge_u", "edge_v", "length_m", "geom_ptr", "geom_xy")


@dataclass(frozen=True)
class WorkedOut:
    """What was worked out of some streets, each by what it follows from beside them.

    All but seconds, and what the tags of ways and barriers alone say of pieces and barriers, is
    kept with the streets at any hour, for those at each hour alike.

    Attributes
    ----------
    seconds
        Of each piece, see `mobility.commute.walks.mode_times`.
    pieces
        The same before turns and through traffic, see `mobility.streets.modes.edge_times`.
    grades
        Slope of each piece, see `mobility.streets.slopes.edge_grades`.
    around
        Pieces with much built around them, see `mobility.streets.tags.built_up`.
    barred, past_barriers, barriers
        Turns, and whom barriers stop, see `mobility.streets.turns`.
    local
        Turns and pieces closed to through traffic, see `mobility.streets.snap`.
    usable
        Pieces that places are attached to, see `mobility.streets.snap.usable_edges`.
    searched, alike
        Times from some points, and those that others are compared with, see
        `mobility.streets.hour_times`.
    by_hour
        Of what depends on the hour, see `mobility.streets.hours`: its conditions, and the pieces;
        the turns, see `mobility.streets.turns`.
    """

    seconds: dict[Hashable, Any] = field(default_factory=dict)
    pieces: dict[Hashable, Any] = field(default_factory=dict)
    grades: dict[Hashable, np.ndarray] = field(default_factory=dict)
    around: dict[Hashable, np.ndarray] = field(default_factory=dict)
    barred: dict[Hashable, Any] = field(default_factory=dict)
    past_barriers: dict[Hashable, np.ndarray] = field(default_factory=dict)
    barriers: dict[Hashable, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    local: dict[Hashable, Any] = field(default_factory=dict)
    usable: dict[Hashable, np.ndarray] = field(default_factory=dict)
    searched: dict[Hashable, Any] = field(default_factory=dict)
    alike: dict[str, Any] = field(default_factory=dict)
    by_hour: dict[Literal["conditions", "pieces", "rows", "turns"], Any] = field(
        default_factory=dict
    )


@dataclass(frozen=True)
class Streets:
    """A street network in a local projected system.

    Lengths are those of the drawn polylines in that system. The scale of a UTM zone is off
    by at most 0.1 % within it, which is not corrected.

    Attributes
    ----------
    crs
        Projected coordinate system, metres.
    node_id
        int64 (n,): OpenStreetMap ids, or row numbers for other layers.
    node_xy
        float64 (n, 2), metres.
    edge_u, edge_v
        int32 (m,): the two ends of each street piece, rows of ``node_id``. A piece stands
        once, whatever its directions of travel.
    length_m
        float64 (m,).
    geom_ptr, geom_xy
        int64 (m + 1,), float64 (k, 2): polyline of each piece, from u to v, metres.
    tags
        m rows: ``osm_id`` and OpenStreetMap tags as text, missing where not tagged.
    background
        Layers in EPSG:4326 by kind, see `mobility.sources.osm.background`.
    turns, barriers
        Turn restrictions of cars and barriers, by OpenStreetMap ids, see
        `mobility.sources.osm.ways` and `mobility.streets.turns`.
    conditions
        What of all this depends on the hour, see `mobility.sources.osm.ways` and
        `mobility.streets.hours`; the tables hold what is said for any hour.
    ledger
        What became of each way read, see `mobility.sources.osm.pieces.StreetTables`.
    worked_out, states
        What was worked out of them before, and these streets at hours of some state, see
        `mobility.streets.hours.streets_in`. Never handed on: ``replace`` starts anew.
    at
        Of streets at some hour, those of any hour, and the state.
    """

    crs: pyproj.CRS
    node_id: np.ndarray
    node_xy: np.ndarray
    edge_u: np.ndarray
    edge_v: np.ndarray
    length_m: np.ndarray
    geom_ptr: np.ndarray
    geom_xy: np.ndarray
    tags: pd.DataFrame
    background: dict[str, gpd.GeoDataFrame] = field(default_factory=dict)
    turns: pd.DataFrame = field(default_factory=turn_table)
    barriers: pd.DataFrame = field(default_factory=barrier_table)
    conditions: pd.DataFrame = field(default_factory=condition_table)
    ledger: SourceLedger = NO_WAYS
    worked_out: WorkedOut = field(default_factory=WorkedOut, init=False, repr=False, compare=False)
    states: dict[State, Streets] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    at: tuple[Streets, State] | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def any_hour(self) -> Streets:
        """These streets with what is said of them for any hour."""
        return self if self.at is None else self.at[0]

    @cached_property
    def digest(self) -> str:
        """Hash of the network and its tags at any hour.

        What is worked out on it is kept by this, with the seconds per piece on which it rests.
        """
        if self.at is not None:
            return self.at[0].digest
        arrays = [getattr(self, name) for name in _ARRAYS]
        tables = [self.tags, self.turns, self.barriers]
        return content_hash([self.crs.to_string(), *arrays, *tables])

    def kept(self, key: Sequence[object], compute: Callable[[], Bundle]) -> Bundle:
        """Return what ``compute`` works out on these streets, kept in the cache under ``key``."""
        if self.n_edges < KEPT_FROM:
            return compute()
        return cached("walks", [FORMAT, self.digest, *key], compute)

    @property
    def n_nodes(self) -> int:
        """Number of junctions and dead ends."""
        return len(self.node_id)

    @property
    def n_edges(self) -> int:
        """Number of street pieces."""
        return len(self.edge_u)

    def __repr__(self) -> str:
        return f"Streets: {self.n_edges:,} pieces, {self.n_nodes:,} nodes, {self.crs.name}"

    def to_gdf(self) -> gpd.GeoDataFrame:
        """Return one line per street piece, EPSG:4326: ``length_m`` and its tags."""
        columns = self.tags.reset_index(drop=True).assign(length_m=self.length_m.round(1))
        return gpd.GeoDataFrame(columns, geometry=self.lines, crs=self.crs).to_crs(4326)

    @cached_property
    def lines(self) -> np.ndarray:
        """Street pieces as shapely lines, (m,), projected."""
        if self.at is not None:
            return self.at[0].lines
        rows = np.repeat(np.arange(self.n_edges), np.diff(self.geom_ptr))
        return np.asarray(shapely.linestrings(self.geom_xy, indices=rows))

    @cached_property
    def tree(self) -> shapely.STRtree:
        """The index of all street pieces in space."""
        return shapely.STRtree(self.lines) if self.at is None else self.at[0].tree

    @cached_property
    def by_node_id(self) -> np.ndarray:
        """Rows of ``node_id`` in the order of ids, int64 (n,)."""
        if self.at is not None:
            return self.at[0].by_node_id
        return np.argsort(self.node_id, kind="stable")

    @cached_property
    def _to_local(self) -> pyproj.Transformer:
        return transformer(WGS84, self.crs)

    def project(self, lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
        """Return local metres (p, 2) of longitudes and latitudes."""
        return np.column_stack(self._to_local.transform(np.asarray(lon), np.asarray(lat)))

    def unproject(self, xy: np.ndarray) -> np.ndarray:
        """Return longitude and latitude (p, 2) of local metres."""
        inverse = pyproj.enums.TransformDirection.INVERSE
        return np.column_stack(self._to_local.transform(xy[:, 0], xy[:, 1], direction=inverse))

    @cached_property
    def bounds_lonlat(self) -> Box:
        """West, south, east, north of all streets, degrees."""
        lonlat = self.unproject(self.geom_xy)
        (west, south), (east, north) = lonlat.min(axis=0), lonlat.max(axis=0)
        return float(west), float(south), float(east), float(north)


def local_crs(lon: float, lat: float, crs: str = "auto") -> pyproj.CRS:
    """Return the projected system of a study: ``crs``, or the UTM zone of a point.

    Raises
    ------
    SourceError
        ``crs`` is unknown or is not in metres.
    """
    if crs == "auto":
        zone = int((lon + 180) // 6) % 60 + 1
        return pyproj.CRS.from_epsg((32600 if lat >= 0 else 32700) + zone)
    try:
        found = pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError:
        found = None
    if found is None or not found.is_projected or found.axis_info[0].unit_name != "metre":
        raise SourceError(
            "It is no projected coordinate system in metres.",
            column="crs",
            value=crs,
            mend='Write "auto", or for instance "EPSG:2154" (Lambert-93).',
        )
    return found


def streets_from_osm(path: str | Path, *, crs: str = "auto", buildings: bool = False) -> Streets:
    """Read streets and map background from an OpenStreetMap or OSMnx file, kept by its content.

    Parameters
    ----------
    path
        ``.osm.pbf``, ``.osm``, ``.osm.gz``, ``.osm.bz2``, or an OSMnx ``.graphml``.
    crs
        Local projected system; ``"auto"`` takes the extract's UTM zone.
    buildings
        Also gather buildings as centroids with ground area.

    Raises
    ------
    SourceNotFoundError
        The file does not exist.
    SourceError
        It cannot be read, or holds no street.
    """
    path = Path(path)

    def compute() -> Bundle:
        # What reads a file as it comes needs libraries that prepared streets do without.
        from mobility.sources.osm.other_networks import read_graphml
        from mobility.sources.osm.reader import read_osm

        if path.suffix.lower() == ".graphml":
            return _bundle(streets_from_tables(read_graphml(path), crs))
        return _bundle(streets_from_tables(read_osm(path, buildings=buildings), crs))

    if not path.is_file():
        return _unbundle(compute())
    key = [FORMAT, path, path.suffix, crs, buildings]
    streets = _unbundle(cached("streets", key, compute))
    # The file tells what they are, in less time than their tables.
    vars(streets)["digest"] = content_hash(key)
    return streets


def streets_from_graph(graph: nx.MultiDiGraph[Any], crs: str = "auto") -> Streets:
    """Return the streets of an OSMnx-convention graph, projected or not, simplified or not.

    Raises
    ------
    SourceError
        The graph has no edge, or nodes without coordinates.
    """
    from mobility.sources.osm.other_networks import tables_from_graph

    return streets_from_tables(tables_from_graph(graph), crs)


def streets_from_lines(path: str | Path, *, layer: str | None = None, crs: str = "auto") -> Streets:
    """Read any line layer as a two-way network, noded where lines meet.

    It is kept by the content of the file and its companions (same name, other suffix).

    Parameters
    ----------
    path, layer
        See `mobility.sources.osm.other_networks.read_lines`.
    crs
        Local projected system of the streets.

    Raises
    ------
    SourceNotFoundError, SourceError
        The file is missing, unreadable, or has no lines or coordinate system.
    """
    path = Path(path)

    def compute() -> Bundle:
        from mobility.sources.osm.other_networks import read_lines

        return _bundle(streets_from_tables(read_lines(path, layer=layer), crs))

    if not path.is_file():
        return _unbundle(compute())
    parts = sorted(p for p in path.parent.glob(f"{glob.escape(path.stem)}.*") if p.is_file())
    names = tuple(p.name for p in parts)
    return _unbundle(cached("lines", [FORMAT, names, *parts, layer, crs], compute))


def streets_from_tables(tables: StreetTables, crs: str = "auto") -> Streets:
    """Project street tables in longitude and latitude to local metres."""
    lon, lat = np.median(tables.geom_xy, axis=0)
    local = local_crs(float(lon), float(lat), crs)
    to_local = transformer(WGS84, local)

    def project(lonlat: np.ndarray) -> np.ndarray:
        return np.column_stack(to_local.transform(lonlat[:, 0], lonlat[:, 1]))

    geom_xy, node_xy = project(tables.geom_xy), project(tables.node_xy)
    order = morton_order(node_xy)
    row = np.empty(len(order), dtype=np.int32)
    row[order] = np.arange(len(order), dtype=np.int32)
    return Streets(
        crs=local,
        node_id=tables.node_id[order],
        node_xy=node_xy[order],
        edge_u=row[tables.edge_u],
        edge_v=row[tables.edge_v],
        length_m=polyline_lengths(tables.geom_ptr, geom_xy),
        geom_ptr=tables.geom_ptr,
        geom_xy=geom_xy,
        tags=tables.tags,
        background=tables.background,
        turns=tables.turns,
        barriers=tables.barriers,
        conditions=tables.conditions,
        ledger=tables.ledger,
    )


def morton_order(xy: np.ndarray) -> np.ndarray:
    """Return the order of points along a Z-shaped curve: neighbours in place stay neighbours.

    Searches over nodes in this order read memory nearby. Morton (1966), A computer oriented
    geodetic data base and a new technique in file sequencing. Points in one of the 65,536
    by 65,536 cells keep their order.
    """
    low = xy.min(axis=0)
    span = max(float((xy.max(axis=0) - low).max()), 1e-9)
    return curve_order(np.minimum((xy - low) / span * 65_536, 65_535).astype(np.uint64))


def curve_order(cell: np.ndarray) -> np.ndarray:
    """Return the order of cells, uint64 (n, 2) of 16 bits, along the curve of `morton_order`."""
    # A zero is put between any two bits.
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        cell = (cell | (cell << np.uint64(shift))) & np.uint64(mask)
    return np.argsort(cell[:, 0] | (cell[:, 1] << np.uint64(1)), kind="stable")


def polyline_lengths(geom_ptr: np.ndarray, geom_xy: np.ndarray) -> np.ndarray:
    """Return the length of each polyline, float64 (m,)."""
    steps = np.hypot(*np.diff(geom_xy, axis=0).T)
    steps[geom_ptr[1:-1] - 1] = 0.0
    return np.asarray(np.add.reduceat(np.append(steps, 0.0), geom_ptr[:-1]))


def _bundle(streets: Streets) -> Bundle:
    bundle: dict[str, np.ndarray | pd.DataFrame] = {k: getattr(streets, k) for k in _ARRAYS}
    bundle["crs"] = np.array(streets.crs.to_wkt())
    bundle["bounds_lonlat"] = np.array(streets.bounds_lonlat)
    bundle |= {name: getattr(streets, name) for name in _TABLES}
    ledger = json.dumps([asdict(streets.ledger)])
    bundle["ledger"] = np.frombuffer(ledger.encode(), np.uint8)
    return bundle | {f"bg_{kind}": layer for kind, layer in streets.background.items()}


def _unbundle(bundle: Bundle) -> Streets:
    parts: dict[str, Any] = {name: bundle[name] for name in _TABLES}
    parts |= {name: np.asarray(bundle[name]) for name in _ARRAYS}
    layers = {
        name.removeprefix("bg_"): layer
        for name, layer in bundle.items()
        if name.startswith("bg_") and isinstance(layer, gpd.GeoDataFrame)
    }
    streets = Streets(
        crs=pyproj.CRS.from_wkt(str(bundle["crs"])),
        background=layers,
        ledger=from_json(json.loads(np.asarray(bundle["ledger"]).tobytes()))[0],
        **parts,
    )
    vars(streets)["bounds_lonlat"] = tuple(np.asarray(bundle["bounds_lonlat"]).tolist())
    return streets
