"""Factors, shuttles and tiles of a territory file are checked before anything is computed."""

import pytest
from small import write_territory
from typer.testing import CliRunner

from mobility.base.errors import TerritoryError
from mobility.cli import app
from mobility.pipeline import compare, run
from mobility.settings import check_settings
from mobility.territory.project import Territory

CASES = [
    ("[factors]\nbus_hourr = 82", ["factors.bus_hourr", "bus_hour"]),
    ('[factors]\n"co2.carr" = 82', ["factors.co2.carr", "co2.car"]),
    ("[factors]\nbus_hour = -1", ["factors.bus_hour", "-1"]),
    ("[factors]\ndriver_hour = nan", ["factors.driver_hour", "nan"]),
    ("[factors]\ndriver_hour = { value = 3, anné = 2026 }".replace("é", "e"), ["driver_hour.anne"]),
    ('[factors]\ndriver_hour = { value = 3, year = "2026" }', ["driver_hour.year", "2026"]),
    ("[shuttles]\nmax_stop = 14", ["shuttles.max_stop", "max_stops"]),
    ("[shuttles]\ndepot = [47.1, -0.6]", ["shuttles.depot", "[-0.6, 47.1]"]),
    ("[shuttles]\ncapture_rate = 30", ["shuttles.capture_rate", "30"]),
    ('[output]\ntiles = "GeoportailFrance.plann"', ["output.tiles", "GeoportailFrance.plan"]),
    ('[output]\ntiles = "Thunderforest.Transport"', ["output.tiles", "Thunderforest.Transport"]),
]


@pytest.mark.parametrize(("text", "words"), CASES)
@pytest.mark.parametrize("command", ["check", "run"])
def test_a_slip_is_told_by_every_command(tmp_path, text, words, command):
    toml = write_territory(tmp_path, extra=text)
    result = CliRunner().invoke(app, [command, str(toml)])
    assert result.exit_code == 2, result.output
    for word in words:
        assert word in result.stderr, result.stderr
    assert not (tmp_path / "out").exists()


def test_every_command_reads_the_file_the_same_way(tmp_path):
    """No command but `compare`, which names two files, reads a territory by another door."""
    toml = str(write_territory(tmp_path, extra="[factors]\nbus_hourr = 82"))
    rest = {"itinerary": ["--home", "H1", "--site", "Usine", "--shift", "nuit"]}
    for name in ("shuttles", "report", "itinerary", "levers", "plan", "letter", "isochrones"):
        result = CliRunner().invoke(app, [name, toml, *rest.get(name, [])])
        assert result.exit_code == 2, name
        assert "bus_hourr" in result.stderr, name
    result = CliRunner().invoke(app, ["compare", toml, toml, "--out", str(tmp_path / "out")])
    assert "bus_hourr" in result.stderr


def test_a_notebook_is_told_too(tmp_path):
    toml = write_territory(tmp_path, extra="[factors]\nbus_hourr = 82")
    with pytest.raises(TerritoryError, match="bus_hourr"):
        run(Territory.from_toml(toml), tmp_path / "out")
    with pytest.raises(TerritoryError, match="bus_hourr"):
        compare(toml, toml, tmp_path / "out")


def test_what_is_right_passes(tmp_path):
    text = '[factors]\nbus_hour = 82\n"co2.car" = { value = 1, unit = "g", year = 2026 }\n'
    text += 'driver_hour = 30\n[shuttles]\nmax_stops = 14\n[output]\ntiles = "openstreetmap"'
    check_settings(Territory.from_toml(write_territory(tmp_path, extra=text)))
