"""The national map in a browser with the network cut."""

from __future__ import annotations

import pytest

from mobility.atlas.folder import Atlas
from mobility.atlas.merge import merge

SQUARE = {"type": "Polygon", "coordinates": [[[0, 47], [0.2, 47], [0.2, 47.2], [0, 47]]]}
FIGURES = {
    "name": "<b>Flers</b>",
    "outline": SQUARE,
    "coverage": {"workers": 20, "stops": 2, "feeds": 1, "feeds_valid": 0, "assumed": True},
    "kinds": {
        "3x8": {"rosters": 1, "jobs": 0, "share_jobs": 0.03, "share_inhabitants": 0.04,
                "main_reason": "no_return"},
        "day": {"rosters": 1, "jobs": 0, "share_jobs": 0.52, "share_inhabitants": 0.5,
                "main_reason": ""},
    },
}  # fmt: skip


@pytest.mark.browser
def test_each_shape_tells_its_figures_and_leads_to_its_map(tmp_path, open_page):
    import json

    for unit in ("a", "b"):
        (tmp_path / "inputs" / f"ti={unit}").mkdir(parents=True)
        (tmp_path / "inputs" / f"ti={unit}" / "territory.toml").write_text(f'name = "{unit}"')
        (tmp_path / "runs" / f"ti={unit}").mkdir(parents=True)
    run = tmp_path / "runs" / "ti=a"
    (run / "territory.json").write_text(json.dumps(FIGURES))
    (run / "shifts.parquet").write_bytes(b"")
    outputs = {path.name: {"bytes": path.stat().st_size} for path in run.iterdir()}
    (run / "manifest.json").write_text(json.dumps({"outputs": outputs}))
    (tmp_path / "runs" / "ti=b" / "failure.json").write_text('{"en": "No stop.", "fr": "Aucun."}')
    atlas = Atlas.at(tmp_path)
    merge(atlas, language="en")
    opened = open_page(atlas.national / "map.html", wait="path.leaflet-interactive")
    page = opened.page
    rows = page.locator("#side tr").all_inner_texts()
    assert rows == ["Rank\tTerritory\tShare of jobs", "1\t<b>Flers</b>\t3.0%", "–\tb\tfailed"]
    shape = page.locator("path.leaflet-interactive")
    assert shape.get_attribute("fill") == "#ffffcc"
    page.get_by_label("day", exact=True).check()
    assert shape.get_attribute("fill") == "#253494"
    page.get_by_role("link", name="<b>Flers</b>").click()
    popup = page.locator(".leaflet-popup-content")
    assert "Share of jobs: 52%" in popup.inner_text()
    assert "timetables valid at the dates: 0 of 1" in popup.inner_text()
    assert popup.get_by_role("link").get_attribute("href") == "../runs/ti=a/map.html"
