"""The answer to missing links inside an area: its tables, its layers, its page."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely

from mobility.base.i18n import translate
from mobility.needs.zone import Zone
from mobility.outputs.map.needs_page import PageLayer
from mobility.outputs.needs import Answer
from mobility.outputs.words import Words


def zone_answer(zone: Zone, language: str) -> Answer:
    """Return the missing links of an area, the shortest set of them, and the ways at present."""
    table, gates, words = zone.links_table(), zone.gates_table(), Words(language)
    streets, names, n = zone.study.streets, zone.names(), len(zone.gate_site)
    minutes = [
        f"{words.number(m)} m, {words.value(s)} min"
        for m, s in zip(table["metres"], table["saved_min"], strict=True)
    ]
    links = gpd.GeoDataFrame(
        table.assign(
            title=[f"{a} – {b}" for a, b in zip(table["one"], table["two"], strict=True)],
            lines=minutes,
        ),
        geometry=[
            shapely.LineString(zone.lonlat[[zone.links[k].one, zone.links[k].two]])
            for k in table.index
        ],
        crs=4326,
    )
    drawn = [g for g, p in enumerate(zone.paths) if p is not None and len(p.lonlat) > 1]
    gates = gates.iloc[drawn]
    paths = gpd.GeoDataFrame(
        gates.assign(
            title=[f"{a} – {b}" for a, b in zip(gates["gate"], gates["stop"], strict=True)],
            lines=[f"{words.value(m)} min" for m in gates["walk_min"]],
        ),
        geometry=[shapely.LineString(zone.paths[g].lonlat) for g in drawn],  # type: ignore[union-attr]
        crs=4326,
    )
    stops = gpd.GeoDataFrame(
        {"title": names[n:], "size": [5] * len(zone.stops)},
        geometry=gpd.points_from_xy(*zone.lonlat[n:].T),
        crs=4326,
    )
    dark = np.unique(np.concatenate([danger.unsafe for danger in zone.dangers]))
    unlit = gpd.GeoDataFrame(geometry=streets.lines[dark], crs=streets.crs).to_crs(4326)
    crossed = np.array(sorted({k for one in zone.dangers for k in one.crossings}), np.intp)
    crossings = gpd.GeoDataFrame(
        {"title": [translate("A fast road to cross", language)] * len(crossed)},
        geometry=gpd.points_from_xy(*streets.unproject(streets.node_xy[crossed]).T),
        crs=4326,
    )
    chosen = table["chosen"].to_numpy(bool)
    layers = [
        PageLayer(translate(name, language), shapes, colour, dashed=dashed)
        for name, shapes, colour, dashed in (
            ("Ways from gates to their nearest stop", paths, "#2c7fb8", False),
            ("Of these, unlit along traffic", unlit, "#17212a", False),
            ("Fast roads to cross", crossings, "#b3261e", False),
            ("Missing links", links[~chosen], "#d97706", True),
            ("The shortest set of links", links[chosen], "#d6276b", False),
            ("Stops around", stops, "#ffffff", False),
        )
    ]
    text = (
        "Missing: the streets take more than twice the straight line. The shortest set brings "
        "every gate it can within {minutes} min of a stop."
    )
    said = ["title", "lines"]
    return Answer(
        zone.study,
        "zone",
        translate("Which ways are missing inside the area?", language),
        translate(text, language, minutes=words.value(zone.wants.within_min)),
        [layer for layer in layers if len(layer.shapes)],
        {
            "zone_answers": zone.answers_table(),
            "zone_gates": zone.gates_table(),
            "zone_links": table,
        },
        {
            "links": links.drop(columns=said),
            "ways": paths.drop(columns=said),
            "stops": stops.rename(columns={"title": "stop"}).drop(columns="size"),
        },
    )
