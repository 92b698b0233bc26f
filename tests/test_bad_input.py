"""Each wrong input gets one clear error, exit code 2, and leaves earlier outputs alone."""

import zipfile
from pathlib import Path

import pytest
from small import lonlat, write_territory
from typer.testing import CliRunner

from mobility.cli import app


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def missing_file(folder, toml):
    (folder / "homes.csv").unlink()
    return ["homes.csv"]


def missing_territory(folder, toml):
    toml.unlink()
    return ["territory.toml", "mobility init"]


def not_a_zip(folder, toml):
    (folder / "gtfs.zip").write_text("hello")
    return ["gtfs.zip", "zip"]


def netex(folder, toml):
    with zipfile.ZipFile(folder / "gtfs.zip", "w") as archive:
        archive.writestr("offre.xml", "<PublicationDelivery/>")
    return ["gtfs.zip", "NeTEx", "GTFS"]


def netex_unpacked(folder, toml):
    (folder / "offre.xml").write_text("<PublicationDelivery/>", encoding="utf-8")
    edit(toml, "gtfs.zip", "offre.xml")
    return ["offre.xml", "NeTEx", "GTFS"]


def streets_twice(folder, toml):
    edit(toml, "[sources]", '[sources]\nlines = "rues.shp"')
    return ["territory.toml", "sources.lines", "rues.shp"]


def no_system(folder, toml):
    edit(toml, 'crs = "', 'crs = "EPSG:99999" #')
    return ["territory.toml", "crs", "EPSG:99999"]


def without_stop_times(folder, toml):
    source = folder / "gtfs.zip"
    with zipfile.ZipFile(source) as archive:
        kept = {n: archive.read(n) for n in archive.namelist() if n != "stop_times.txt"}
    with zipfile.ZipFile(source, "w") as archive:
        for name, data in kept.items():
            archive.writestr(name, data)
    return ["gtfs.zip", "stop_times.txt"]


def no_trip_on_the_date(folder, toml):
    edit(toml, "2026-11-17", "2026-12-31")
    return ["2026-12-31"]


def unknown_column(folder, toml):
    edit(folder / "homes.csv", "workers", "wrkers")
    return ["homes.csv", "workers"]


def unknown_key(folder, toml):
    edit(toml, "walk_kmh", "walk_kph")
    return ["speeds.walk_kph"]


def shift_at_25(folder, toml):
    edit(
        toml,
        'rosters = ["3x8"]',
        'rosters = [{ shifts = [{ name = "a", start = "25:00", end = "05:00" }] }]',
    )
    return ["territory.toml", "sites.1.rosters.1.shifts.1.start", "25:00"]


def negative_headcount(folder, toml):
    edit(toml, 'rosters = ["3x8"]', 'rosters = [{ template = "3x8", headcount = -3 }]')
    return ["territory.toml", "headcount", "−3"]


def gate_elsewhere(folder, toml):
    edit(toml, "gates = [[", "gates = [[2.35, 48.85], [")
    return ["territory.toml", "gates", "2.35000, 48.85000"]


def gate_of_a_table_elsewhere(folder, toml):
    text = toml.read_text(encoding="utf-8").partition("[[sites]]")[0]
    toml.write_text(text.replace("[sources]", '[sources]\nsites = "sites.csv"'), encoding="utf-8")
    (folder / "sites.csv").write_text("name,lon,lat,roster\nPlant,2.35,48.85,3x8\n")
    return ["sites.csv", "gates", "2.35000, 48.85000"]


def changes_of_communes_gone(folder, toml):
    edit(toml, "[sources.homes]", '[sources.homes]\nchanges = "none.csv"')
    return ["none.csv"]


def feed_of_a_scenario_gone(folder, toml):
    toml.write_text(
        toml.read_text(encoding="utf-8") + '[[changes.feeds]]\nfile = "none.zip"\nname = "P"\n',
        encoding="utf-8",
    )
    return ["none.zip"]


def headcount_of_a_country(folder, toml):
    edit(toml, 'rosters = ["3x8"]', 'rosters = [{ template = "3x8", headcount = 30000000 }]')
    return ["territory.toml", "headcount", "30000000", "1000000"]


def site_outside(folder, toml):
    lon, lat = lonlat(11_239.5)
    edit(toml, f"gates = [[{lon:.9f}, {lat:.9f}]]", "gates = [[2.35, 48.85]]")
    return ["Usine", "2.35000, 48.85000"]


def homes_without_crs(folder, toml):
    import geopandas as gpd

    points = gpd.points_from_xy([420_700.0], [6_700_000.0])
    frame = gpd.GeoDataFrame({"workers": [10]}, geometry=points)
    frame.to_file(folder / "homes.shp")
    edit(toml, 'file = "homes.csv"\nid = "id"\nname = "name"\ncommune = "commune"',
         'file = "homes.shp"')  # fmt: skip
    return ["homes.shp", "crs"]


def empty_extract(folder, toml):
    (folder / "streets.osm").write_text('<?xml version="1.0"?><osm version="0.6"></osm>')
    return ["streets.osm"]


CASES = [
    missing_file,
    missing_territory,
    not_a_zip,
    netex,
    netex_unpacked,
    streets_twice,
    no_system,
    without_stop_times,
    no_trip_on_the_date,
    unknown_column,
    unknown_key,
    shift_at_25,
    negative_headcount,
    headcount_of_a_country,
    changes_of_communes_gone,
    feed_of_a_scenario_gone,
    gate_elsewhere,
    gate_of_a_table_elsewhere,
    site_outside,
    homes_without_crs,
    empty_extract,
]


@pytest.mark.parametrize("spoil", CASES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_one_clear_error(tmp_path, spoil, language):
    toml = write_territory(tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    (out / "map.html").write_text("yesterday's map")
    words = spoil(tmp_path, toml)
    result = CliRunner().invoke(app, ["run", str(toml), "--out", str(out), "--lang", language])
    assert result.exit_code == 2, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    message = result.stderr
    assert "Traceback" not in message
    assert ("Erreur" if language == "fr" else "Error") in message
    for word in words:
        assert word in message, message
    assert "→" in message, "the mend is missing"
    assert [p.name for p in out.iterdir()] == ["map.html"]
    assert (out / "map.html").read_text() == "yesterday's map"
