"""Inside an area: a gate behind a canal, its missing link, what is dangerous on the way."""

from __future__ import annotations

import json

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from feeds import service, trip, write_gtfs
from small import LOCAL, NORTH, WEST
from typer.testing import CliRunner

import mobility
from mobility.base.errors import TerritoryError
from mobility.cli import app
from mobility.needs.zone import Wants, zone_of
from mobility.outputs.needs_ways import zone_answer

#: A U of streets, metres east and north: from the stop S along a bridge to the gate G.
#:   S (0, 0) - (600, 0) - (600, 200) - G (0, 200); a fast road crosses at (600, 0).
NODES = {"s": (0, 0), "c": (600, 0), "d": (600, 200), "g": (0, 200), "x": (600, -300),
         "w": (1700, 0)}  # fmt: skip
WAYS = [
    ("s", "c", {"highway": "residential", "lit": "yes", "sidewalk": "both"}),
    ("c", "d", {"highway": "service"}),
    ("d", "g", {"highway": "unclassified", "maxspeed": "50", "lit": "no"}),
    ("x", "c", {"highway": "trunk", "maxspeed": "90"}),
    ("c", "w", {"highway": "trunk", "maxspeed": "90"}),
]


def lonlat(place):
    import pyproj

    to = pyproj.Transformer.from_crs(LOCAL, "EPSG:4326", always_xy=True)
    return to.transform(WEST + place[0], NORTH + place[1])


def territory(folder, extra=""):
    ids = {name: k + 1 for k, name in enumerate(NODES)}
    lines = ['<?xml version="1.0"?>', '<osm version="0.6">']
    for name, place in NODES.items():
        lon, lat = lonlat(place)
        lines.append(f'<node id="{ids[name]}" lat="{lat:.9f}" lon="{lon:.9f}" version="1"/>')
    for k, (a, b, tags) in enumerate(WAYS):
        told = "".join(f'<tag k="{key}" v="{value}"/>' for key, value in tags.items())
        refs = f'<nd ref="{ids[a]}"/><nd ref="{ids[b]}"/>'
        lines.append(f'<way id="{k + 1}" version="1">{refs}{told}</way>')
    (folder / "s.osm").write_text("\n".join([*lines, "</osm>"]), encoding="utf-8")
    write_gtfs(
        folder / "f.zip",
        stops={"S": lonlat(NODES["s"]), "W": lonlat(NODES["w"])},
        trips=[trip("t", [("W", "04:00"), ("S", "04:10")], service="w"),
               trip("u", [("S", "05:30"), ("W", "05:40")], service="w")],
        services={"w": service("1111111", "20260101", "20261231")},
    )  # fmt: skip
    lon, lat = lonlat((300, 0))
    (folder / "h.csv").write_text(f"id,lon,lat,workers\nH,{lon},{lat},10\n", encoding="utf-8")
    lon, lat = lonlat(NODES["g"])
    path = folder / "t.toml"
    path.write_text(
        f"""name = "Zone"
crs = "{LOCAL}"
[sources]
osm = "s.osm"
gtfs = ["f.zip"]
[sources.homes]
file = "h.csv"
personal = false
[days]
kinds = ["school_weekday"]
dates = {{ school_weekday = 2026-11-17 }}
[speeds]
walk_kmh = 3.6
[night]
assume_lit = "never"
{extra}
[[sites]]
name = "Usine"
gates = [[{lon:.9f}, {lat:.9f}]]
rosters = [{{ template = "3x8", headcount = 30 }}, {{ template = "office", headcount = 12 }}]
""",
        encoding="utf-8",
    )
    return path


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return mobility.load(territory(tmp_path_factory.mktemp("zone")))


def test_the_missing_link_by_hand(study) -> None:
    """1,400 m of streets for 200 m across: a factor of 7; the link saves 20 min of 23."""
    zone = zone_of(study, Wants())
    links = zone.links_table()
    assert links[["chosen", "one", "two", "metres", "jobs"]].to_numpy().tolist() == [
        [True, "Usine", "Stop S", 200, 42]]  # fmt: skip
    assert links["detour"].iloc[0] == pytest.approx(7.0, abs=0.02)
    assert links["saved_min"].iloc[0] == pytest.approx(20.0, abs=0.1)
    # Starts at 05:00 and ends at 21:00 are in the dark in November; office hours are not.
    assert links["night_jobs"].iloc[0] == 30


def test_dangers_on_the_way_to_the_stop(study) -> None:
    row = zone_of(study, Wants()).gates_table().iloc[0]
    assert row[["stop", "crossings", "near"]].tolist() == ["Stop S", 1, True]
    assert row["walk_min"] == pytest.approx(23.3, abs=0.1)
    assert row["after_min"] == pytest.approx(3.3, abs=0.1)
    # Along the unclassified road, unlit and without a pavement: 600 m of both.
    assert row[["unsafe_m", "no_pavement_m"]].tolist() == [600, 600]


@pytest.mark.parametrize(
    ("tags", "assume_lit", "unsafe_m", "no_pavement_m", "said"),
    [
        ({}, "never", None, None, True),
        ({}, "always", 0, None, False),
        # Lamps alone, then pavements alone, of a street off the way.
        ({"lit": "yes"}, "never", 1400, None, False),
        ({"sidewalk:left": "yes"}, "never", 1400, 1400, False),
    ],
)
def test_lengths_that_no_street_tells_of_are_empty(
    tmp_path, tags, assume_lit, unsafe_m, no_pavement_m, said
) -> None:
    """A layer of lines: 1,400 m of streets to the stop, of which tags tell nothing."""
    path = territory(tmp_path)
    lines = [shapely.LineString([lonlat(NODES[a]), lonlat(NODES[b])]) for a, b, _ in WAYS]
    columns = {key: [None] * (len(WAYS) - 1) + [value] for key, value in tags.items()}
    gpd.GeoDataFrame(columns, geometry=lines, crs=4326).to_file(tmp_path / "l.gpkg")
    text = path.read_text(encoding="utf-8").replace('osm = "s.osm"', 'lines = "l.gpkg"')
    path.write_text(text.replace('"never"', f'"{assume_lit}"'), encoding="utf-8")
    zone = zone_of(mobility.load(path), Wants())
    row = zone.gates_table().iloc[0]
    told = [None if pd.isna(row[name]) else row[name] for name in ("unsafe_m", "no_pavement_m")]
    assert told == [unsafe_m, no_pavement_m]
    answer = zone_answer(zone, "en")
    assert [finding.code for finding in answer.findings] == ["safety_untold"] * said
    drawn = [layer.name for layer in answer.layers]
    assert ("Of these, unlit along traffic" in drawn) == bool(unsafe_m)


def test_links_beside_a_shuttle(study) -> None:
    """200 m at 636 EUR over 30 years; a shuttle at the shifts' edges costs a driver's turn."""
    table = zone_of(study, Wants()).answers_table().set_index("answer")
    assert table.loc["links", ["metres", "bound_m", "brought_near", "far"]].tolist() == [
        200, 200, 1, 1]  # fmt: skip
    assert table.loc["links", "eur_year"] == round(200 * 636 / 30)
    assert table.loc["links", "saved_job_min"] == pytest.approx(42 * 20, abs=3)
    # Six edges on some 260 weekdays, an hour of a vehicle each: 05, 13, 21 o'clock, 9 and 17.
    edges = 5 * 52 * 5
    assert table.loc["shuttle", "eur_year"] == edges * 72
    assert table.loc["shuttle", "brought_near"] == 1


def test_no_link_is_asked_for_where_the_gate_is_near(study) -> None:
    zone = zone_of(study, Wants(within_min=25))
    assert zone.chosen.chosen == ()
    assert zone.links_table()["chosen"].tolist() == [False]
    by_bike = zone_of(study, Wants(mode="bike", within_min=3))
    assert by_bike.chosen.metres == pytest.approx(200, abs=1)


def test_where_no_set_of_links_does_it_that_is_told(study, tmp_path) -> None:
    """The link of 200 m is walked in 3.3 min: within 2 min nothing brings the gate."""
    zone = zone_of(study, Wants(within_min=2))
    row = zone.answers_table().set_index("answer").loc["links"]
    assert row[["metres", "bound_m", "eur_year"]].isna().all()
    assert row[["brought_near", "far"]].tolist() == [0, 1]
    told = {}
    for at in ("2", "10"):
        command = ["zone", str(study.territory.path), "-o", str(tmp_path / at), "--within-min", at]
        result = CliRunner().invoke(app, [*command, "--lang", "en"])
        page = (tmp_path / at / "zone.html").read_text("utf-8")
        told[at] = [" ".join(text.split()) for text in (result.output, page)]
    words = "1 gate is brought within 2 min of a stop by no set of links."
    assert all(words in text for text in told["2"])
    assert not any("by no set" in text for text in told["10"])


def test_bad_wishes_are_one_line(study, tmp_path) -> None:
    with pytest.raises(TerritoryError, match="A link is walked or cycled"):
        zone_of(study, Wants(mode="car"))
    path = territory(tmp_path)
    text = path.read_text(encoding="utf-8").replace('gtfs = ["f.zip"]\n', "")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TerritoryError, match="No stop is within 1,500 m of a gate"):
        zone_of(mobility.load(path), Wants())


def test_the_command_writes_its_files(study, tmp_path) -> None:
    out = tmp_path / "o"
    result = CliRunner().invoke(app, ["zone", str(study.territory.path), "-o", str(out)])
    assert result.exit_code == 0, result.output
    names = {p.name for p in out.iterdir()}
    assert names == {f"zone_{k}.csv" for k in ("gates", "links", "answers")} | {
        "zone.html", "zone.gpkg"}  # fmt: skip
    links, ways = (gpd.read_file(out / "zone.gpkg", layer=name) for name in ("links", "ways"))
    assert links[["chosen", "one", "two", "metres", "night_jobs"]].to_numpy().tolist() == [
        [True, "Usine", "Stop S", 200, 30]]  # fmt: skip
    assert ways[["gate", "crossings", "unsafe_m"]].to_numpy().tolist() == [["Usine", 1, 600]]
    data = json.loads((out / "zone.html").read_text("utf-8").split('id="data">')[1].split("</")[0])
    drawn = {layer["name"]: layer["features"] for layer in data["layers"]}
    # Where the bridge meets the fast road.
    lon, lat = lonlat(NODES["c"])
    (crossing,) = drawn["Routes rapides à traverser"]
    assert crossing["geometry"]["coordinates"] == pytest.approx([lon, lat], abs=1e-5)
    (unlit,) = drawn["Dont non éclairés, le long de la circulation"]
    assert len(unlit["geometry"]["coordinates"]) == 2
