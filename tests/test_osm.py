import bz2
import gzip

import numpy as np
import osmium
import pytest
import shapely
from street_cases import DATA, osm_text

from mobility.base.errors import SourceError, SourceNotFoundError
from mobility.sources.osm import background as bg
from mobility.sources.osm import opl, reader
from mobility.sources.osm.clip import clip_areas
from mobility.sources.osm.reader import read_osm

RESIDENTIAL = {"highway": "residential", "name": "Rue A"}


def write(tmp_path, text, name="x.osm"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def ends(tables):
    """Pairs of node ids of the pieces, with the ids of the ways they come from."""
    u, v = tables.node_id[tables.edge_u], tables.node_id[tables.edge_v]
    return list(zip(tables.tags["osm_id"].tolist(), u.tolist(), v.tolist(), strict=True))


def test_ways_are_split_at_shared_nodes_only(tmp_path):
    """
    Way 10: 1 - 2 - 3 - 4; way 11: 3 - 5. Node 2 is a bend, node 3 a junction.

        1 --2-- 3 --- 4
                |
                5
    """
    nodes = {1: (0, 0), 2: (50, 10), 3: (100, 0), 4: (200, 0), 5: (100, -80)}
    ways = [(10, [1, 2, 3, 4], RESIDENTIAL), (11, [3, 5], {"highway": "service"})]
    tables = read_osm(write(tmp_path, osm_text(nodes, ways)))
    assert ends(tables) == [(10, 1, 3), (10, 3, 4), (11, 3, 5)]
    assert tables.geom_ptr.tolist() == [0, 3, 5, 7]
    assert tables.tags["highway"].tolist() == ["residential", "residential", "service"]
    assert tables.tags["name"].isna().tolist() == [False, False, True]
    assert tables.node_id.tolist() == [1, 3, 4, 5]


def test_a_node_shared_with_something_else_is_no_junction(tmp_path):
    nodes = {1: (0, 0), 2: (50, 0), 3: (100, 0), 4: (50, 50)}
    ways = [
        (10, [1, 2, 3], RESIDENTIAL),
        (11, [2, 4], {"waterway": "river"}),
        (12, [2, 4], {"highway": "construction"}),
    ]
    tables = read_osm(write(tmp_path, osm_text(nodes, ways)))
    assert ends(tables) == [(10, 1, 3)]


def test_loops_and_repeated_nodes(tmp_path):
    """A closed way is one piece from its first node to itself; 5-6-6-7 has one node 6."""
    nodes = {k: (x, y) for k, (x, y) in enumerate([(0, 0), (9, 0), (9, 9), (0, 9)], start=1)}
    nodes |= {5: (100, 0), 6: (150, 0), 7: (200, 0)}
    ways = [
        (10, [1, 2, 3, 4, 1], {"highway": "service", "junction": "roundabout"}),
        (11, [5, 6, 6, 7], RESIDENTIAL),
    ]
    tables = read_osm(write(tmp_path, osm_text(nodes, ways)))
    assert ends(tables) == [(10, 1, 1), (11, 5, 7)]
    assert np.diff(tables.geom_ptr).tolist() == [5, 3]


def test_a_way_that_crosses_itself_is_split_there(tmp_path):
    nodes = {1: (0, 0), 2: (50, 0), 3: (50, 50), 4: (100, 0)}
    tables = read_osm(write(tmp_path, osm_text(nodes, [(10, [1, 2, 3, 2, 4], RESIDENTIAL)])))
    assert ends(tables) == [(10, 1, 2), (10, 2, 2), (10, 2, 4)]


def test_nodes_outside_the_extract_cut_a_way(tmp_path):
    """Nodes 3 and 6 are referred to, but not in the file: 1-2 and 4-5 remain."""
    nodes = {1: (0, 0), 2: (10, 0), 4: (30, 0), 5: (40, 0)}
    ways = [(10, [1, 2, 3, 4, 5, 6], RESIDENTIAL), (11, [6, 3], RESIDENTIAL)]
    assert ends(read_osm(write(tmp_path, osm_text(nodes, ways)))) == [(10, 1, 2), (10, 4, 5)]


def test_way_ids_need_not_be_sorted(tmp_path):
    nodes = {9: (0, 0), 1: (100, 0), 5: (200, 0)}
    ways = [(20, [9, 1], RESIDENTIAL), (3, [1, 5], RESIDENTIAL)]
    assert ends(read_osm(write(tmp_path, osm_text(nodes, ways)))) == [(20, 9, 1), (3, 1, 5)]


SQUARE = {1: (0, 0), 2: (100, 0), 3: (100, 100), 4: (0, 100)}
HOLE = {5: (40, 40), 6: (60, 40), 7: (60, 60), 8: (40, 60)}


def test_multipolygons_from_unsorted_pieces_with_a_hole(tmp_path):
    """A 100 m square in two ways, of which one is reversed, less a 20 m square: 9600 m2."""
    ways = [
        (30, [1, 2, 3], {}),
        (12, [5, 6, 7, 8, 5], {}),
        (7, [1, 4, 3], {}),
        (1, [1, 2], RESIDENTIAL),
    ]
    relation = (
        5,
        [(30, "outer"), (12, "inner"), (7, "outer")],
        {"type": "multipolygon", "landuse": "industrial", "name": "ZI Nord"},
    )
    tables = read_osm(write(tmp_path, osm_text(SQUARE | HOLE, ways, [relation])))
    zone = tables.background["industrial"]
    assert zone["name"].tolist() == ["ZI Nord"]
    assert bg.area_m2(zone.geometry.to_numpy())[0] == pytest.approx(9600, rel=0.005)


def test_an_outer_way_tagged_like_its_area_counts_once(tmp_path):
    zone = {"landuse": "industrial"}
    ways = [(30, [1, 2, 3, 4, 1], zone), (12, [5, 6, 7, 8, 5], {}), (40, [1, 2], RESIDENTIAL)]
    relation = (5, [(30, "outer"), (12, "inner")], zone | {"type": "multipolygon"})
    layer = read_osm(write(tmp_path, osm_text(SQUARE | HOLE, ways, [relation])))
    found = layer.background["industrial"]
    assert found["osm_id"].tolist() == [-5]
    assert len(found.geometry.iloc[0].interiors) == 1


def test_a_ring_cut_by_the_extract_gives_no_area(tmp_path):
    ways = [(30, [1, 2, 3], {}), (1, [1, 2], RESIDENTIAL)]
    relation = (5, [(30, "outer"), (31, "outer")], {"type": "multipolygon", "natural": "water"})
    tables = read_osm(write(tmp_path, osm_text(SQUARE, ways, [relation])))
    assert len(tables.background["water"]) == 0


def background_file(tmp_path):
    nodes = SQUARE | {
        10: (500, 0, {"place": "village", "name": "Beaupuy", "population": "1 250"}),
        11: (510, 0, {"highway": "bus_stop", "name": "Mairie"}),
        12: (520, 0, {"amenity": "car_pooling", "name": "Aire"}),
        13: (530, 0, {"amenity": "parking"}),
        14: (600, 0),
    }
    ring = [1, 2, 3, 4, 1]
    ways = [
        (1, [1, 14], RESIDENTIAL),
        (2, ring, {"landuse": "residential"}),
        (3, ring, {"landuse": "retail"}),
        (4, ring, {"amenity": "parking", "park_ride": "yes", "capacity": "80"}),
        (5, ring, {"building": "yes"}),
        (6, [1, 2, 3], {"waterway": "river", "name": "Yon"}),
        (7, [1, 2, 3], {"railway": "rail"}),
        (8, [1, 2, 3], {"railway": "abandoned"}),
        (9, [1, 2, 3], {"landuse": "industrial"}),
    ]
    return write(tmp_path, osm_text(nodes, ways))


def test_background_layers(tmp_path):
    layers = read_osm(background_file(tmp_path)).background
    assert {k: len(f) for k, f in layers.items() if len(f)} == {
        "residential": 1,
        "built": 1,
        "places": 1,
        "bus_stops": 1,
        "car_parks": 2,
        "water": 1,
        "railway": 1,
    }
    assert all(f.crs == "EPSG:4326" for f in layers.values())
    assert layers["places"]["population"].tolist() == [1250.0]
    assert layers["car_parks"]["kind"].tolist() == ["carpool", "park_ride"]
    assert (layers["car_parks"].geom_type == "Point").all()
    assert layers["water"].geom_type.tolist() == ["LineString"]


def test_buildings_are_points_with_their_area_when_asked(tmp_path):
    layer = read_osm(background_file(tmp_path), buildings=True).background["buildings"]
    assert layer.geom_type.tolist() == ["Point"]
    assert layer["area_m2"].iloc[0] == pytest.approx(10_000, rel=0.005)


@pytest.mark.parametrize("suffix", ["osm", "osm.gz", "osm.bz2", "osm.pbf"])
def test_every_format_reads_the_same(tmp_path, suffix):
    plain = background_file(tmp_path)
    path = tmp_path / f"y.{suffix}"
    if suffix == "osm.pbf":
        with osmium.SimpleWriter(str(path)) as writer:
            for item in osmium.FileProcessor(str(plain)):
                writer.add(item)
    else:
        pack = {"osm": bytes, "osm.gz": gzip.compress, "osm.bz2": bz2.compress}[suffix]
        path.write_bytes(pack(plain.read_bytes()))
    a, b = read_osm(plain), read_osm(path)
    np.testing.assert_array_equal(a.geom_xy, b.geom_xy)
    assert a.tags.equals(b.tags)


def test_missing_file_names_the_file(tmp_path):
    with pytest.raises(SourceNotFoundError) as caught:
        read_osm(tmp_path / "none.osm.pbf")
    assert caught.value.file.endswith("none.osm.pbf")
    assert "n’existe pas" in caught.value.render("fr")


@pytest.mark.parametrize("name", ["x.osm.pbf", "x.osm", "x.osm.gz", "x.osm.bz2", "x.txt"])
def test_not_openstreetmap_is_one_clear_error(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"stop_id,stop_name\n1,Gare\n" * 50)
    with pytest.raises(SourceError) as caught:
        read_osm(path)
    assert caught.value.mend
    assert "OpenStreetMap" in caught.value.render("en")


def test_a_truncated_pbf_is_an_error(tmp_path):
    source = DATA / "nantes" / "streets.osm.pbf"
    if not source.is_file():
        pytest.skip("real extracts are absent")
    path = tmp_path / "cut.osm.pbf"
    path.write_bytes(source.read_bytes()[:400_000])
    with pytest.raises(SourceError):
        read_osm(path)


def test_an_extract_without_streets_is_an_error(tmp_path):
    path = write(tmp_path, osm_text({1: (0, 0, {"place": "town"})}))
    with pytest.raises(SourceError, match="no street") as caught:
        read_osm(path)
    assert "aucune rue" in caught.value.render("fr")


def test_ways_without_any_node_are_an_empty_extract(tmp_path):
    with pytest.raises(SourceError, match="1 street ways, but none of their nodes"):
        read_osm(write(tmp_path, osm_text({1: (0, 0)}, [(5, [7, 8], RESIDENTIAL)])))


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ({"natural": "water"}, "water"),
        ({"waterway": "riverbank"}, "water"),
        ({"natural": "wood"}, "forest"),
        ({"landuse": "commercial"}, "built"),
        ({"building": "yes"}, None),
        ({"amenity": "parking", "park_ride": "no"}, None),
        ({"landuse": "meadow"}, None),
    ],
)
def test_area_kind(tags, kind):
    assert bg.area_kind(tags) == kind


@pytest.mark.real
def test_malta_has_its_named_estates():
    path = DATA / "malta" / "streets.osm.pbf"
    if not path.is_file():
        pytest.skip("real extracts are absent")
    layers = read_osm(path).background
    assert len(layers["industrial"]) == 180
    assert len(layers["residential"]) > 1000
    assert {"Bulebel", "Marsa Industrial Estate"} <= set(layers["industrial"]["name"])
    assert shapely.is_valid(layers["industrial"].geometry.to_numpy()).mean() > 0.98


@pytest.mark.slow
@pytest.mark.real
def test_milan_is_read_though_its_way_ids_are_not_sorted():
    path = DATA / "milan" / "streets.osm.pbf"
    if not path.is_file():
        pytest.skip("real extracts are absent")
    tables = read_osm(path)
    assert len(tables.background["bus_stops"]) == 2457
    assert len(tables.background["places"]) == 32
    assert tables.background["places"]["population"].max() > 1_000_000
    # No junction is missed: every node used by two pieces' polylines is an end of both.
    inner = np.ones(len(tables.geom_xy), dtype=bool)
    inner[tables.geom_ptr[:-1]] = inner[tables.geom_ptr[1:] - 1] = False
    assert inner.sum() + len(tables.edge_u) * 2 == len(tables.geom_xy)


@pytest.fixture
def signs(tmp_path):
    """Signs of meaning in tags, nodes that are missing, no tags, a barrier, an area, a stop."""
    nodes = {k: (60 * k, k % 3) for k in range(1, 9)}
    nodes[3] += ({"barrier": "gate", "access": "private", "note": "a b,c=d%20%é@"},)
    nodes[6] += ({"highway": "bus_stop", "name": "Am Tor, West 100%"},)
    ways = [
        (10, [1, 2, 3, 4, 99], {"highway": "residential", "name": "Rue d'A, 5=6 %", "ref": ""}),
        (11, [3, 5, 6], {"highway": "service", "opening_hours": "Mo-Fr 06:00-20:00"}),
        (12, [5, 7, 8, 5], {"landuse": "industrial", "name": "Port @ 1"}),
        (13, [98, 97], {"highway": "track"}),
        (14, [7, 8], {}),
    ]
    return write(tmp_path, osm_text(nodes, ways))


def test_a_large_file_is_read_as_text_and_says_the_same(signs, monkeypatch):
    one_by_one = read_osm(signs)
    monkeypatch.setattr(opl, "LEAST_BYTES", 0)
    monkeypatch.setattr(opl, "BLOCK", 100)
    assert len(list(opl.objects(signs, reader.NODE_KEYS))) == 7
    as_text = read_osm(signs)
    for name in ("node_id", "node_xy", "edge_u", "edge_v", "geom_ptr", "geom_xy"):
        assert getattr(as_text, name).tolist() == getattr(one_by_one, name).tolist()
    for name in ("tags", "barriers", "conditions"):
        assert getattr(as_text, name).equals(getattr(one_by_one, name))
    assert as_text.ledger == one_by_one.ledger
    for kind, layer in one_by_one.background.items():
        assert as_text.background[kind].equals(layer)


def test_a_large_file_is_cut_as_text_and_gives_the_same(signs, tmp_path, monkeypatch):
    """To the byte, and what is kept is as it stands in the file."""
    everywhere, found = shapely.box(0, 40, 10, 50), []
    for least in (opl.LEAST_BYTES, 0):
        monkeypatch.setattr(opl, "LEAST_BYTES", least)
        target = tmp_path / f"{least}.osm.pbf"
        assert clip_areas([signs], {target: everywhere}) == {target: 3}
        found.append(target.read_bytes())
    assert found[0] == found[1]
    whole, kept = (
        {(item.type_str(), item.id): dict(item.tags) for item in osmium.FileProcessor(str(path))}
        for path in (signs, target)
    )
    assert [ref for kind, ref in kept if kind == "w"] == [10, 11, 12]
    assert kept == {key: whole[key] for key in kept}


def test_a_large_file_that_is_damaged_is_told_as_any(tmp_path, monkeypatch):
    text = osm_text({1: (0, 0), 2: (50, 0)}, [(10, [1, 2], RESIDENTIAL)])
    path = write(tmp_path, text[:-20])
    monkeypatch.setattr(opl, "LEAST_BYTES", 0)
    with pytest.raises(opl.NoTextError):
        list(opl.objects(path, reader.NODE_KEYS))
    with pytest.raises(SourceError, match="cannot be read as OpenStreetMap data"):
        read_osm(path)
