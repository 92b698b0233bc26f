"""Files that osmium does not read as they are meant, each giving the network as drawn."""

import gzip

import pytest
from street_cases import osm_text

from mobility.base.errors import SourceError
from mobility.sources.osm.reader import read_osm
from mobility.sources.osm.ways import OTHER_WAYS

NODES = {1: (0, 0), 2: (100, 0), 3: (200, 0)}
WAYS = [(10, [1, 2], {"highway": "residential"}), (11, [2, 3], {"highway": "footway"})]


def read(tmp_path, text, name="s.osm"):
    path = tmp_path / name
    data = text.encode()
    path.write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    return read_osm(path)


def drawn(tables):
    """Return id and class of each piece, its ends told by their place."""
    ends = tables.node_xy[[tables.edge_u, tables.edge_v]].round(6).transpose(1, 0, 2)
    return sorted(
        (int(ref), kind, end.tolist())
        for ref, kind, end in zip(
            tables.tags["osm_id"].abs(), tables.tags["highway"], ends, strict=True
        )
    )


def read_ways(tables):
    """Return what became of the ways, by the short name of the reason."""
    names = {reason: kind for kind, reason in OTHER_WAYS.items()}
    ledger = tables.ledger
    left = {names[reason]: count for reason, count in ledger.left_out.items()}
    return {"street": ledger.used, **left, **ledger.remarks}


PLAIN = osm_text(NODES, WAYS)


def behind(text):
    """Put the nodes of a document behind its ways."""
    lines = text.replace("</osm>", "").split("\n")
    nodes = [line for line in lines if line.startswith("<node")]
    return "\n".join([line for line in lines if line not in nodes] + nodes + ["</osm>"])


def negative(text):
    return text.replace('id="', 'id="-').replace('ref="', 'ref="-')


def some_negative(text):
    """Node 3 and way 11 were drawn, the others are uploaded."""
    text = text.replace('id="3"', 'id="-3"').replace('ref="3"', 'ref="-3"')
    return text.replace('id="11"', 'id="-11"')


def on_the_ways(text):
    """Write places on the ways, no node, and one inside a relation, as ``out geom`` does."""
    lines, places = text.split("\n"), {}
    for line in lines:
        if line.startswith("<node"):
            parts = line.split('"')
            places[parts[1]] = f'lon="{parts[5]}" lat="{parts[7]}"'
    for ref, place in places.items():
        text = text.replace(f'<nd ref="{ref}"/>', f'<nd ref="{ref}" {place}/>')
    kept = [line for line in text.split("\n") if not line.startswith("<node")]
    member = '<member type="way" ref="10" role="outer"><nd lat="1" lon="2"/></member>'
    relation = f'<relation id="5" version="1">{member}<tag k="type" v="multipolygon"/></relation>'
    return "\n".join([*kept[:-1], relation, "</osm>"])


def deleted(mark):
    def with_deleted(text):
        gone = f'<way id="12" version="1" {mark}><nd ref="1"/><nd ref="3"/>'
        return text.replace("</osm>", f'{gone}<tag k="highway" v="path"/></way></osm>')

    return with_deleted


def twice(text):
    """The same ways once more, as in merged extracts."""
    ways = "".join(line for line in text.split("\n") if line.startswith("<way"))
    return text.replace("</osm>", ways + "</osm>")


def history(text):
    """An older state of node 3 and of way 11, which was a street, and a way that is gone."""
    older = text.replace('version="1"', 'version="7"').split("\n")
    node = next(line for line in older if line.startswith('<node id="3"'))
    way = next(line for line in older if line.startswith('<way id="11"'))
    old_node = node.replace('version="7"', 'version="2"').replace('lon="', 'lon="1')
    old_way = way.replace('version="7"', 'version="2"').replace("footway", "primary")
    lost = way.replace('"11"', '"12"').replace('version="7"', 'version="2"')
    gone = '<way id="12" version="3" visible="false"/>'
    return "\n".join([*older[:-1], old_node, old_way, lost, gone, "</osm>"])


@pytest.mark.parametrize("name", ["s.osm", "s.osm.gz"])
@pytest.mark.parametrize(
    "written",
    [
        behind, negative, some_negative, on_the_ways, deleted('action="delete"'),
        deleted("action='delete'"), deleted('visible="false"'), twice, history,
        lambda text: behind(some_negative(deleted('action="delete"')(text))),
    ],
)  # fmt: skip
def test_the_network_is_read_as_drawn(tmp_path, written, name):
    assert drawn(read(tmp_path, written(PLAIN), name)) == drawn(read(tmp_path, PLAIN))


def test_a_way_written_twice_counts_once_with_its_restrictions(tmp_path):
    rule = [(1, [(10, "from"), (2, "via"), (11, "to")],
             {"type": "restriction", "restriction": "no_left_turn"})]  # fmt: skip
    tables = read(tmp_path, twice(osm_text(NODES, WAYS, rule)))
    assert len(tables.turns) == 1
    assert read_ways(tables)["written_twice"] == 2


def test_missing_nodes_are_counted_and_the_ledger_closes(tmp_path):
    """Way 12 lacks one node of three, way 13 both; a forest, a pipe and a planned road besides."""
    ways = [
        *WAYS,
        (12, [1, 2, 77], {"highway": "path"}),
        (13, [78, 79], {"highway": "path"}),
        (14, [1, 2, 3, 1], {"natural": "wood"}),
        (15, [1, 2], {"man_made": "pipeline"}),
        (16, [1, 2], {"highway": "proposed"}),
    ]
    found = read_ways(read(tmp_path, osm_text(NODES, ways)))
    assert (found.pop("cut"), found.pop("nodes_missing")) == (1, 3)
    told = {"street": 3, "without_nodes": 1, "background": 1, "other": 1, "not_travelled": 1}
    assert {k: v for k, v in found.items() if v} == told
    assert sum(found.values()) == len(ways)


def test_squares_of_relations_and_platforms_are_walked(tmp_path):
    nodes = NODES | {4: (100, 100)}
    ways = [
        (10, [1, 2, 3], {}),
        (11, [3, 4, 1], {}),
        (12, [1, 4], {"railway": "platform"}),
        (13, [2, 4], {"public_transport": "platform", "highway": "footway"}),
    ]
    tags = {"type": "multipolygon", "highway": "pedestrian"}
    square = [(5, [(10, "outer"), (11, "outer")], tags)]
    tables = read(tmp_path, osm_text(nodes, ways, square))
    kinds = dict(zip(tables.tags["osm_id"], tables.tags["highway"], strict=True))
    assert kinds == {10: "pedestrian", 11: "pedestrian", 12: "platform", 13: "footway"}


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"cycleway:left": "track", "cycleway:left:oneway": "no"}, "no"),
        ({"cycleway:right": "lane", "cycleway:right:oneway": "-1"}, "no"),
        ({"cycleway:both": "lane", "cycleway:both:oneway": "no"}, "no"),
        ({"cycleway:left": "no", "cycleway:left:oneway": "no"}, None),
        ({"cycleway:right": "lane", "cycleway:right:oneway": "yes"}, None),
        ({"cycleway:left:oneway": "no", "oneway:bicycle": "yes"}, "yes"),
    ],
)
def test_lanes_against_the_traffic(tmp_path, tags, expected):
    road = {"highway": "residential", "oneway": "yes"} | tags
    (found,) = read(tmp_path, osm_text(NODES, [(10, [1, 2], road)])).tags["oneway:bicycle"]
    assert (found if isinstance(found, str) else None) == expected


@pytest.mark.parametrize(
    ("name", "packed"), [("map.osm", True), ("MAP.OSM", False), ("MAP.OSM.GZ", True)]
)
def test_a_file_is_what_it_holds_whatever_its_name(tmp_path, name, packed):
    path = tmp_path / name
    path.write_bytes(gzip.compress(PLAIN.encode()) if packed else PLAIN.encode())
    assert drawn(read_osm(path)) == drawn(read(tmp_path, PLAIN))


def test_an_answer_in_json_says_how_to_ask_for_xml(tmp_path):
    with pytest.raises(SourceError, match=r"\[out:xml\]"):
        read(tmp_path, '\n{"version": 0.6, "elements": []}', "export.osm")
