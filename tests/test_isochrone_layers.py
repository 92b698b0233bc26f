"""Isochrones of a site: on the street of `small`, lengths are minutes."""

import geopandas as gpd
import pyogrio
import pytest
import shapely
from small import LOCAL, WEST, write_territory
from test_feeder_modes import climb
from typer.testing import CliRunner

from mobility.base.errors import SourceError, TerritoryError
from mobility.cli import app
from mobility.commute.isochrone_layers import isochrone_layers, parse_minutes, write_isochrones
from mobility.commute.loading import load

BUFFER = 80


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = write_territory(tmp_path_factory.mktemp("isochrones"))
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('["transit", "walk"]', '["transit", "walk", "bike"]'))
    return path


@pytest.fixture(scope="module")
def layers(path):
    return {i.layer: i.areas for i in isochrone_layers(load(path), "school_weekday", (20, 50))}


def spans(areas, minutes):
    """West and east end of each part along the street, metres from its start."""
    (shape,) = areas.to_crs(LOCAL).geometry[areas["minutes"] == minutes]
    found = []
    for part in shapely.get_parts(shape):
        west, _, east, _ = part.bounds
        found.append((west - WEST, east - WEST))
    return sorted(found)


def test_one_layer_per_edge_and_mode(layers):
    assert len(layers) == 3 * 2 * 3
    assert "Usine | 05:00 | outbound | transit" in layers
    areas = layers["Usine | 13:00 | return | walk"]
    assert areas["minutes"].tolist() == [20, 50]
    assert set(areas["site"]) == {"Usine"}


def test_walking_area_reaches_as_far_as_the_minutes(layers):
    # 20 minutes less the margin of ten: 600 m from the gate at 11,239.5 m; then 20 minutes
    # of walking at most, to the end of the street on the other side.
    ((west, east),) = spans(layers["Usine | 05:00 | outbound | walk"], 20)
    assert west == pytest.approx(11_239.5 - 600 - BUFFER, abs=12)
    assert east == pytest.approx(11_239.5 + 600 + BUFFER, abs=12)
    ((west, _),) = spans(layers["Usine | 05:00 | outbound | walk"], 50)
    assert west == pytest.approx(11_239.5 - 1200 - BUFFER, abs=12)


def test_transit_area_is_around_the_stop_that_reaches_the_shift(layers):
    # Bus at A 04:20, 40 min before the shift: ten minutes are left, 600 m either side of A.
    parts = spans(layers["Usine | 05:00 | outbound | transit"], 50)
    assert parts[0][0] == pytest.approx(1000 - 600 - BUFFER, abs=12)
    assert parts[0][1] == pytest.approx(1000 + 600 + BUFFER, abs=12)
    # Within 20 minutes only the walk.
    assert spans(layers["Usine | 05:00 | outbound | transit"], 20) == spans(
        layers["Usine | 05:00 | outbound | walk"], 20
    )


def test_homes_inside_are_those_that_hold(path, layers):
    study = load(path)
    inside = layers["Usine | 05:00 | outbound | transit"].geometry.iloc[-1]
    held = [shapely.contains_xy(inside, *p.coords[0]) for p in study.homes.frame.geometry]
    assert held == [True, False]


def test_layers_are_written_and_the_same_again(path, tmp_path):
    runner = CliRunner()
    for name in ("one.gpkg", "two.gpkg"):
        arguments = ["isochrones", str(path), "-o", str(tmp_path / name), "--mode", "walk"]
        result = runner.invoke(app, [*arguments, "--minutes", "20", "--lang", "en"])
        assert result.exit_code == 0, result.output
        assert "6 layers" in result.output
    names = pyogrio.list_layers(tmp_path / "one.gpkg")[:, 0]
    assert len(names) == 6
    frame = gpd.read_file(tmp_path / "one.gpkg", layer=names[0])
    assert frame["minutes"].tolist() == [20]
    assert (tmp_path / "one.gpkg").read_bytes() == (tmp_path / "two.gpkg").read_bytes()


def test_names_a_geopackage_confuses_are_numbered(tmp_path, layers):
    from mobility.commute.isochrone_layers import Isochrone

    areas = layers["Usine | 05:00 | outbound | walk"]
    names = write_isochrones(
        iter([Isochrone("Usine", areas), Isochrone("usine", areas)]), tmp_path / "x.gpkg"
    )
    assert names == ["Usine", "usine (2)"]


@pytest.mark.parametrize("text", ["", "a", "0", "-5,10", "400"])
def test_minutes_must_be_minutes(text):
    with pytest.raises(TerritoryError, match="no minutes"):
        parse_minutes(text)


def test_minutes_are_sorted_and_days_must_be_known(path):
    assert parse_minutes("45, 30,45") == (30.0, 45.0)
    with pytest.raises(TerritoryError, match="school_weekday"):
        next(isochrone_layers(load(path), "carnival", (30,)))


def test_the_area_by_bicycle_is_smaller_uphill(path, layers, tmp_path):
    """From homes in the west, the way to the gate climbs 3 % to the east: 80 % of the speed."""
    climb(path.parent / "dem.tif", 3)
    text = path.read_text(encoding="utf-8").replace(
        "[sources]\n", '[sources]\nelevation = "dem.tif"\n'
    )
    hilly = path.with_name("hilly.toml")
    hilly.write_text(text, encoding="utf-8")
    name = "Usine | 05:00 | outbound | bike"
    study = load(hilly)
    (areas,) = [
        i.areas for i in isochrone_layers(study, "school_weekday", (20, 50)) if i.layer == name
    ]
    ((flat, _),), ((west, _),) = spans(layers[name], 20), spans(areas, 20)
    gate_m = 11_239.5
    assert (gate_m - west - BUFFER) / (gate_m - flat - BUFFER) == pytest.approx(0.8, abs=0.01)


def test_the_area_by_car_shrinks_in_the_peak(path):
    """In by 04:50, ten minutes of driving, all of it at half the speed: half as far."""
    text = path.read_text(encoding="utf-8").replace('"bike"]', '"bike", "car"]')
    free, busy = path.with_name("free.toml"), path.with_name("busy.toml")
    free.write_text(text, encoding="utf-8")
    peak = '\n[driving]\npeak_factor = 2\npeak_hours = [["04:00", "06:00"]]\n'
    busy.write_text(text + peak, encoding="utf-8")
    name, reach = "Usine | 05:00 | outbound | car", []
    for file in (free, busy):
        layers = isochrone_layers(load(file), "school_weekday", (15,), ["car"])
        (areas,) = [i.areas for i in layers if i.layer == name]
        ((west, _),) = spans(areas, 15)
        reach.append(11_239.5 - west - BUFFER)
    assert reach[1] == pytest.approx(reach[0] / 2, rel=0.02)


def test_isochrones_are_a_geopackage(tmp_path):
    with pytest.raises(SourceError, match=r"x.geojson: No file of this kind.*: .gpkg"):
        write_isochrones(iter(()), tmp_path / "x.geojson")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["isochrones", "housing", "run"])
def test_what_nobody_works_on_is_told_as_such(tmp_path, command):
    """It was told that no file could be written, or that no job can be held from anywhere."""
    sunday = (
        '[{ name = "D", shifts = [{ name = "d", start = "6:00", end = "14:00", days = "sun" }] }]'
    )
    path = write_territory(tmp_path, rosters=sunday)
    result = CliRunner().invoke(app, [command, str(path), "--lang", "en"])
    assert result.exit_code == 2
    assert "No shift works on any of the dates studied." in result.output
    assert not list(tmp_path.glob("out/*"))


def test_a_kind_of_day_without_work_is_told(tmp_path):
    path = write_territory(tmp_path, days='kinds = ["school_weekday", "saturday"]')
    result = CliRunner().invoke(app, ["isochrones", str(path), "--day", "saturday", "--lang", "en"])
    assert result.exit_code == 2
    assert "No shift works on this kind of day." in result.output
    assert "school_weekday" in result.output
