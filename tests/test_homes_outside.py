"""Homes none of which stands on the streets: the file, the first place and the likely cause."""

import pytest
from small import PLACES_M, lonlat, write_territory

from mobility.base.errors import SourceError
from mobility.commute.loading import load

LON, LAT = lonlat(PLACES_M["H1"])


def refused(folder, lon, lat, *changes):
    toml = write_territory(folder, homes=f"id,name,commune,lon,lat,workers\na,A,D,{lon},{lat},9\n")
    text = toml.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    toml.write_text(text, encoding="utf-8")
    with pytest.raises(SourceError) as caught:
        load(toml)
    return caught.value


@pytest.mark.parametrize(
    ("lon", "lat", "changes", "cause"),
    [
        (LON + 10, LAT, [], "extrait plus large"),
        (LON, LAT, [('id = "id"', 'id = "id"\ncrs = "EPSG:2154"')], "pas en EPSG:2154"),
        (4e5, 2.3e6, [('id = "id"', 'id = "id"\ncrs = "EPSG:2154"')], "lues en EPSG:2154"),
        (LAT, LON, [("[sources]", 'timezone = "UTC"\n[sources]')], "échangez les deux colonnes"),
    ],
)
def test_the_likely_cause_is_named(tmp_path, lon, lat, changes, cause):
    error = refused(tmp_path, lon, lat, *changes)
    text = error.render("fr")
    assert error.file.endswith("homes.csv")
    assert cause in text
    assert "Tous les domiciles sont hors de la voirie" in text
    assert "valeur" in text
