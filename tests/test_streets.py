import shutil
from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import osmnx as ox
import pytest
import shapely
from street_cases import DATA, METRE_A_SECOND, UTM, X0, Y0, osm_text, streets_of

from mobility.base.errors import SourceError, SourceNotFoundError
from mobility.commute.placing import reading_findings
from mobility.notebook import to_graph
from mobility.streets.graph import (
    morton_order,
    polyline_lengths,
    streets_from_graph,
    streets_from_lines,
    streets_from_osm,
)
from mobility.streets.modes import edge_times
from mobility.streets.snap import island_finding


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MOBILITY_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


NODES = {1: (0, 0), 2: (50, 10), 3: (100, 0), 4: (200, 0), 5: (100, -80)}
WAYS = [
    (10, [1, 2, 3, 4], {"highway": "residential", "name": "Rue A", "lit": "yes"}),
    (11, [3, 5], {"highway": "service", "oneway": "yes"}),
]


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.osm"
    path.write_text(osm_text(NODES, WAYS), encoding="utf-8")
    return path


def test_lengths_are_metres_of_the_polyline(small):
    """1-2-3 has two legs of sqrt(50² + 10²); the zone's scale of 0.9996 is not corrected."""
    streets = streets_from_osm(small)
    assert streets.length_m == pytest.approx([2 * 2600**0.5, 100, 80], abs=0.02)
    assert streets.crs == UTM
    assert streets.bounds_lonlat == pytest.approx((3.0, 45.1524, 3.0025, 45.1534), abs=1e-3)
    assert streets.project(*streets.unproject(streets.node_xy).T) == pytest.approx(streets.node_xy)


def test_nodes_follow_a_z_shaped_curve():
    """The four corners of a square in the order of the letter Z, from its foot."""
    corners = np.array([(1, 1), (0, 0), (0, 1), (1, 0)], dtype=float)
    assert morton_order(corners).tolist() == [1, 3, 2, 0]
    grid = np.array([(x, y) for x in range(8) for y in range(8)], dtype=float)
    steps = np.hypot(*np.diff(grid[morton_order(grid)], axis=0).T)
    assert sorted(morton_order(grid).tolist()) == list(range(64))
    assert (steps == 1).mean() > 0.5
    assert morton_order(np.zeros((3, 2))).tolist() == [0, 1, 2]


def test_polyline_lengths_of_several_lines():
    xy = np.array([(0, 0), (3, 4), (100, 100), (100, 101), (101, 101)], dtype=float)
    assert polyline_lengths(np.array([0, 2, 5]), xy).tolist() == [5, 2]


def test_the_second_reading_comes_from_the_cache(small, own_cache):
    first = streets_from_osm(small)
    assert len(list(own_cache.rglob("complete"))) == 1
    copy = small.with_name("copy.osm")
    shutil.copy(small, copy)
    second = streets_from_osm(copy)
    assert len(list(own_cache.rglob("complete"))) == 1
    for name in ("node_id", "node_xy", "edge_u", "edge_v", "length_m", "geom_ptr", "geom_xy"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert first.tags.equals(second.tags)
    assert first.crs == second.crs
    assert first.background.keys() == second.background.keys()
    streets_from_osm(small, buildings=True)
    assert len(list(own_cache.rglob("complete"))) == 2


def test_a_changed_file_is_read_again(small):
    assert streets_from_osm(small).n_edges == 3
    small.write_text(osm_text(NODES, WAYS[:1]), encoding="utf-8")
    assert streets_from_osm(small).n_edges == 1


def test_osm_to_graph_and_back(small):
    streets = streets_from_osm(small)
    graph = to_graph(streets)
    assert graph.graph["crs"] == "epsg:4326"
    assert sorted((u, v) for u, v, _ in graph.edges(keys=True)) == [
        (1, 3), (3, 1), (3, 4), (3, 5), (4, 3),
    ]  # fmt: skip
    data = graph.edges[3, 5, 0]
    assert (data["osmid"], data["oneway"], data["highway"]) == (11, True, "service")
    assert data["length"] == pytest.approx(80, abs=0.05)
    again = streets_from_graph(graph)
    assert again.n_edges == 3
    assert sorted(again.length_m) == pytest.approx(sorted(streets.length_m), abs=1e-6)
    np.testing.assert_array_equal(np.isfinite(edge_times(again, "car", METRE_A_SECOND)[1]).sum(), 2)


def test_osmnx_accepts_the_graph(small):
    graph = to_graph(streets_from_osm(small))
    nodes, edges = ox.graph_to_gdfs(graph)
    assert len(nodes) == 4
    assert len(edges) == 5
    projected = ox.project_graph(graph)
    streets = streets_from_graph(projected)
    assert streets.length_m.sum() == pytest.approx(streets_from_osm(small).length_m.sum(), rel=1e-6)


def test_graphml_is_read(small, tmp_path):
    path = tmp_path / "g.graphml"
    ox.save_graphml(to_graph(streets_from_osm(small)), path)
    streets = streets_from_osm(path)
    assert streets.n_edges == 3
    assert sorted(streets.node_id.tolist()) == [1, 3, 4, 5]
    assert set(streets.tags["highway"]) == {"residential", "service"}


@pytest.mark.parametrize("turn", [1, -1])
def test_a_tag_of_a_part_does_not_close_a_merged_street(turn):
    """Of two ways merged one is private or for agriculture: open, and counted; else closed.

    The order in which a set lists its values decides nothing.
    """
    values = ["agricultural", "private"][::turn]
    ways = ["residential", "track"][::turn]
    edges = [
        ("a", "b", {"osmid": [1, 2][::turn], "highway": ways, "access": values}),
        ("a", "c", {"osmid": [4, 5], "highway": "road", "access": ["yes", "private"][::turn]}),
        ("b", "c", {"osmid": 3, "highway": "residential", "access": "private"}),
    ]
    streets = streets_from_graph(graph_of(edges))
    is_open = np.isfinite(edge_times(streets, "car", METRE_A_SECOND)[0])
    assert is_open.tolist() == [True, True, False]
    assert streets.tags["highway"].tolist() == ["residential", "road", "residential"]
    assert streets.ledger.remarks["partly_closed"] == 1


@pytest.mark.parametrize(("tag", "untold"), [({}, 2), ({"oneway:bicycle": "no"}, 0)])
def test_a_graph_without_a_word_on_cyclists_tells_its_one_way_streets(tag, untold):
    """Two one-way streets; a motorway, a roundabout and a street both ways are none of them."""
    street = {"highway": "residential"}
    edges = [
        ("a", "b", {"osmid": 1, **street, **tag}),
        ("b", "c", {"osmid": 2, **street}),
        ("c", "a", {"osmid": 3, "highway": "motorway_link"}),
        ("b", "a", {"osmid": 4, **street, "junction": "roundabout"}),
        ("a", "c", {"osmid": 5, **street}),
        ("c", "a", {"osmid": 5, **street}),
    ]
    streets = streets_from_graph(graph_of(edges), crs="EPSG:32631")
    assert streets.ledger.remarks["contraflow_untold"] == untold
    codes = [finding.code for finding in reading_findings(streets)]
    assert codes == ["contraflow_untold"] * bool(untold)
    back = edge_times(streets, "bike", METRE_A_SECOND)[1]
    assert np.isfinite(back[0]) == (not untold)


def graph_of(edges, *, crs=UTM):
    graph = nx.MultiDiGraph(crs=crs)
    for name, (x, y) in {"a": (0, 0), "b": (100, 0), "c": (100, 100)}.items():
        graph.add_node(name, x=X0 + x, y=Y0 + y)
    for u, v, data in edges:
        graph.add_edge(u, v, **data)
    return graph


def test_a_graph_of_a_user_with_text_nodes_lists_and_no_geometry():
    """Two-way a-b with lists in its tags; one-way b-c twice, as two parallel streets."""
    two = {"osmid": [7, 8], "highway": ["residential", "service"], "maxspeed": ["30", "50"]}
    back = two | {"osmid": [8, 7]}
    streets = streets_from_graph(
        graph_of([("a", "b", two), ("b", "a", back), ("b", "c", {}), ("b", "c", {})]),
        crs="EPSG:32631",
    )
    assert streets.n_edges == 3
    assert streets.length_m == pytest.approx([100, 100, 100])
    assert streets.tags["oneway"].tolist() == ["no", "yes", "yes"]
    assert streets.tags["highway"].tolist() == ["service", "road", "road"]
    assert streets.tags["maxspeed"].iloc[0] == "30;50"


def test_a_geometry_drawn_from_v_to_u_is_turned():
    line = shapely.LineString([(X0 + 100, Y0), (X0 + 90, Y0 + 30), (X0, Y0)])
    streets = streets_from_graph(graph_of([("a", "b", {"geometry": line})]), crs="EPSG:32631")
    np.testing.assert_allclose(streets.geom_xy[0], (X0, Y0), atol=1e-5)
    assert streets.length_m[0] == pytest.approx(line.length)


def test_graphs_that_cannot_be_used():
    with pytest.raises(SourceError, match="no street"):
        streets_from_graph(nx.MultiDiGraph())
    graph = nx.MultiDiGraph()
    graph.add_edge(1, 2)
    with pytest.raises(SourceError, match="no x and y"):
        streets_from_graph(graph)


def test_graphml_that_cannot_be_used(tmp_path):
    path = tmp_path / "g.graphml"
    path.write_text("no xml")
    with pytest.raises(SourceError, match="GraphML"):
        streets_from_osm(path)
    with pytest.raises(SourceNotFoundError):
        streets_from_osm(tmp_path / "none.graphml")


def layer_of(tmp_path, lines, file="lines.gpkg", **columns):
    path = tmp_path / file
    moved = [shapely.affinity.translate(shapely.LineString(x), X0, Y0) for x in lines]
    gpd.GeoDataFrame(columns, geometry=moved, crs=UTM).to_file(path)
    return path


@pytest.mark.parametrize("name", ["lines.gpkg", "lines.shp"])
def test_lines_are_noded_where_they_cross_and_where_they_end(tmp_path, name):
    """
    A cross and a T: the line 0 is cut at (50, 0) and (100, 0); line 2 ends 0.2 m short
    of it at (100, 0) and is joined.

              |1
        --0---+----+----
              |    |2
    """
    lines = [[(0, 0), (150, 0)], [(50, -50), (50, 50)], [(100, -80), (100, -0.2)]]
    path = layer_of(tmp_path, lines, name, name=["Rue A", None, "Rue C"])
    streets = streets_from_lines(path)
    assert streets.n_edges == 6
    assert streets.n_nodes == 7
    assert streets.length_m.sum() == pytest.approx(150 + 100 + 80, abs=0.5)
    assert sorted(streets.tags["osm_id"]) == [0, 0, 0, 1, 1, 2]
    assert set(streets.tags["name"].dropna()) == {"Rue A", "Rue C"}
    assert (streets.tags["highway"] == "road").all()
    times = edge_times(streets, "walk", METRE_A_SECOND)
    assert island_finding(streets, times) is None
    for mode in ("walk", "bike", "car"):
        assert np.isfinite(np.stack(edge_times(streets, mode, METRE_A_SECOND))).all()


def test_a_line_layer_is_cached_with_its_companions(tmp_path, own_cache):
    path = layer_of(tmp_path, [[(0, 0), (150, 0)]], "lines.shp", name=["A"])
    streets_from_lines(path)
    streets_from_lines(path)
    assert len(list((own_cache / "mobility-shift" / "lines").iterdir())) == 1
    path.with_suffix(".dbf").unlink()
    assert streets_from_lines(path).n_edges == 1
    assert len(list((own_cache / "mobility-shift" / "lines").iterdir())) == 2


def test_a_layer_without_lines_or_file_is_an_error(tmp_path):
    path = tmp_path / "points.gpkg"
    gpd.GeoDataFrame(geometry=[shapely.Point(0, 0)], crs=4326).to_file(path)
    with pytest.raises(SourceError, match="no line"):
        streets_from_lines(path)
    with pytest.raises(SourceNotFoundError):
        streets_from_lines(tmp_path / "none.gpkg")


def test_an_unknown_system_is_refused_before_anything_is_stored(small, own_cache):
    with pytest.raises(SourceError, match="projected"):
        streets_from_osm(small, crs="EPSG:4326")
    assert not own_cache.exists()


def test_streets_can_be_built_by_hand():
    streets = streets_of({"a": (0, 0), "b": (30, 40)}, [("a", "b")])
    assert streets.length_m.tolist() == [50]
    assert shapely.length(streets.lines).tolist() == [50]


def real(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip("real extracts are absent")
    return path


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "most"),
    # Gozo and Comino are islands; Nantes and Geneva are cut through their one-way streets.
    [
        ("rhein-neckar", 3),
        pytest.param("milan", 5, marks=pytest.mark.slow),
        ("nantes", 16),
        ("malta", 25),
        ("geneva", 16),
    ],
)
def test_real_extracts_are_whole_and_mostly_one_network(name, most):
    streets = streets_from_osm(real(f"{name}/streets.osm.pbf"))
    np.testing.assert_allclose(shapely.length(streets.lines), streets.length_m, atol=1e-6)
    start, end = streets.geom_ptr[:-1], streets.geom_ptr[1:] - 1
    np.testing.assert_array_equal(streets.geom_xy[start], streets.node_xy[streets.edge_u])
    np.testing.assert_array_equal(streets.geom_xy[end], streets.node_xy[streets.edge_v])
    for mode in ("walk", "bike", "car"):
        finding = island_finding(streets, edge_times(streets, mode, METRE_A_SECOND))
        assert float(finding.params["share"]) < most


@pytest.mark.real
def test_street_centrelines_without_attributes_make_a_network():
    streets = streets_from_lines(real("montpellier/streets.shp"), crs="EPSG:2154")
    assert 7_500 < streets.n_edges < 9_000
    finding = island_finding(streets, edge_times(streets, "walk", METRE_A_SECOND))
    assert float(finding.params["share"]) < 1
