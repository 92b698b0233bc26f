"""Answers drawn as ways: lines and who depends on them, roads driven, links missing in a zone."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from mobility.base.i18n import translate
from mobility.commute.findings import idle_rosters, safety_untold
from mobility.commute.line_found import trips_of_line
from mobility.commute.study import Study
from mobility.outputs.map.side_pages import PageLayer
from mobility.outputs.needs import Answer, shapes_of
from mobility.outputs.words import Words, factor_text
from mobility.remedies.factors import factors_of
from mobility.territory.factors import Factors

if TYPE_CHECKING:  # each answer loads its own need alone
    from mobility.needs.lines import Changed, Lines
    from mobility.needs.risk import Risk, Spared
    from mobility.needs.swaps import Swap
    from mobility.needs.zone import Zone

#: Roads with fewer cars a day in the dark are not drawn.
_LEAST_CARS = 1.0
#: From few to many, each told apart on white.
_DARK_RAMP = ("#9ebcda", "#8c96c6", "#8856a7", "#810f7c", "#4d004b")
#: How often, and how many in a car: figures of other commands that kilometres rest on too.
_OF_DRIVERS = ("worked_days_year", "car_occupancy", "carpool_adoption", "carpool.crew")
_RISK_NOTE = (
    "If everybody of each roster drove, alone in the car as often as commuters are. Accidents with "
    "an injury, of any driver, by published rates; their band is wide, as no rate by road and hour "
    "was found for France and most light accidents are not recorded. To check, each with its "
    "source in the table: {names}. Nothing is told of a person."
)
_UNCOUNTED = (
    "{count} rosters have no headcount: how much is driven to them is not known, and the map and "
    "what remedies avoid are without them. Give their headcount, or shuttles.default_headcount: "
    "{rosters}."
)


def lines_answer(
    found: Lines, changed: Changed | None, swaps: Sequence[Swap], language: str
) -> Answer:
    """Return what lines cost and who rides them, what a scenario changes, and swaps."""
    from mobility.needs.lines import sentences
    from mobility.needs.swaps import swap_table
    from mobility.remedies.bill import bill_frame

    study = found.access.study
    words = Words(language, study.days)
    shapes = _line_shapes(study, found.table, words)
    tables = {"lines": found.table}
    here = "present" if changed is None else "scenario"
    bills = [(translate(here, language), found.bill)]
    note = translate(
        "Kilometres, hours and vehicles by the timetable; who could no longer come without a line.",
        language,
    )
    said: list[str] = []
    if changed is not None:
        tables |= {"lines_changed": changed.table, "lines_groups": changed.groups}
        bills.append((translate("difference", language), changed.bill))
        said = sentences(changed, language)
        note = " ".join(said)
    lines = found.table[found.table["line"] != ""]
    runs = lines["trips_year"] > 0
    unknown = lines[lines["jobs_at_risk"].isna() & runs]
    if len(unknown):
        text = (
            "Lines at a headway without exact times: what they drive is counted; where a vehicle "
            "waits, and who depends on them, nobody can tell: {lines}."
        )
        said = [*said, translate(text, language, lines=", ".join(unknown["line"]))]
    if uneven := _uneven(lines[runs], words):
        said = [*said, uneven]
    gone = () if changed is None else changed.lines_removed
    if gone:
        text = "{count} lines do not run by a timetable any more in the scenario: {lines}."
        said = [*said, words.t(text, count=len(gone), lines=", ".join(gone))]
    if any(change.how == "on_demand" for change in study.territory.changes.lines):
        text = (
            "The vehicles booked in place of lines are not in these costs: see scenario_costs.csv "
            "of run and compare."
        )
        said = [*said, words.t(text)]
    idle = lines.loc[~runs & ~lines["line"].isin(gone), "line"]
    if len(idle):
        text = (
            "{count} lines run on none of the days studied; nothing is told of them but their "
            "trips a year by the calendar: {lines}."
        )
        said = [*said, words.t(text, count=len(idle), lines=", ".join(idle))]
    if swaps:
        tables["swaps"] = swap_table(found.access, swaps)
    tables["lines_costs"] = bill_frame(bills, language, of="situation")
    name = translate("Lines by the jobs at risk without them: the wider, the more", language)
    layers = [PageLayer(name, shapes, "#b5358f")] if len(shapes) else []
    title = translate("What do the lines cost, and who depends on them?", language)
    gis = {"lines": shapes} if len(shapes) else {}
    return Answer(study, "lines", title, note, layers, tables, gis, said)


def _uneven(lines: pd.DataFrame, words: Words) -> str:
    """Return which lines do not run alike on all days that a day studied stands for, if any."""
    off = (lines["trips_year"] - lines["trips_calendar"]).abs()
    most = lines.assign(off=off)[off > 0.5].nlargest(3, "off")
    if most.empty:
        return ""
    text = (
        "{count} lines do not run alike on all days for which the day studied stands, and their "
        "year goes by the day studied. Trips a year, then by the calendar: {lines}."
    )
    told = [
        f"{line} ({words.number(year)} → {words.number(calendar)})"
        for line, year, calendar in most[["line", "trips_year", "trips_calendar"]].to_numpy()
    ]
    return words.t(text, count=int((off > 0.5).sum()), lines=", ".join(told))


def _line_shapes(study: Study, table: pd.DataFrame, words: Words) -> gpd.GeoDataFrame:
    """Return lines without which a job is lost, straight from stop to stop."""
    lonlat = study.feed.stops[["lon", "lat"]].to_numpy(np.float64)
    stop, ptr = study.feed.stop_times["stop"].to_numpy(), study.feed.trip_ptr
    rows, shapes, widths = [], [], []
    needed = table[table["jobs_at_risk"] > 0]
    for line, at_risk in zip(needed["line"], needed["jobs_at_risk"].tolist(), strict=True):
        trips = trips_of_line(study.feed, line)
        ways = [stop[ptr[t] : ptr[t + 1]] for t in trips]
        legs = np.unique(np.concatenate([np.column_stack([w[:-1], w[1:]]) for w in ways]), axis=0)
        shapes.append(shapely.MultiLineString(lonlat[legs].tolist()))
        jobs = words.number(at_risk)
        widths.append(2 + round(6 * at_risk / needed["jobs_at_risk"].max()))
        rows.append((line, translate("{jobs} jobs at risk", words.language, jobs=jobs)))
    titles, told = ([row[k] for row in rows] for k in (0, 1))
    return shapes_of(shapes, title=titles, lines=told, size=widths)


def risk_answer(
    found: Risk, spared: Sequence[Spared], language: str, *, told: Sequence[str] = ()
) -> Answer:
    """Return kilometres driven and accidents expected, the roads they are driven on, the rates.

    Parameters
    ----------
    told
        What else is said of what is spared, in the language.
    """
    roads = _roads(found)
    worn = roads[roads["dark_cars_day"] >= _LEAST_CARS]
    cuts = [_LEAST_CARS, *(worn["dark_cars_day"].quantile([0.5, 0.75, 0.9, 0.97])), np.inf]
    layers, words = [], Words(language)
    for k, (least, most) in enumerate(pairwise(cuts)):
        mine = worn[(worn["dark_cars_day"] >= least) & (worn["dark_cars_day"] < most)]
        text = translate(
            "cars a day not by daylight: {least} or more", language, least=words.number(least)
        )
        if len(mine):
            whole = [shapely.union_all(mine.geometry.to_numpy())]
            layers.append(PageLayer(text, shapes_of(whole, size=[1 + 1.5 * k]), _DARK_RAMP[k]))
    tables = {"risk": found.table(), "risk_remedies": found.removed(spared)}
    rows = _rates(found).to_frame(language)
    names = rows.loc[rows["check"], "name"]
    checks = translate("; ", language).join(factor_text(str(name), words) for name in names)
    said = [translate(_RISK_NOTE, language, names=checks), *told]
    if uncounted := found.uncounted():
        sites = found.study.sites
        names = [f"{sites[site].name}, {words.roster(roster)}" for site, roster in uncounted]
        text = translate("; ", language).join(names)
        said.append(words.t(_UNCOUNTED, count=len(names), rosters=text))
    return Answer(
        found.study,
        "risk",
        translate("How much is driven to work in the dark, and at what risk?", language),
        " ".join(said),
        layers,
        {key: frame for key, frame in tables.items() if len(frame)} | {"risk_factors": rows},
        {"roads": roads},
        said,
        tuple(idle_rosters(found.study)),
    )


def _rates(found: Risk) -> Factors:
    """Return the rates, and what turns jobs and those who share a car into kilometres."""
    others = factors_of(found.study).rows
    return Factors(found.factors.rows | {name: others[name] for name in _OF_DRIVERS})


def _roads(found: Risk) -> gpd.GeoDataFrame:
    """Return the street pieces that some car drives along, EPSG:4326, with cars a day."""
    from mobility.needs.driven import ROADS, road_class

    streets, (every, dark) = found.study.streets, found.on_roads()
    rows = np.flatnonzero(every > 0)
    lines = gpd.GeoSeries(streets.lines[rows], crs=streets.crs).to_crs(4326)
    return shapes_of(
        lines.to_numpy(),
        osm_id=streets.tags["osm_id"].to_numpy()[rows],
        name=streets.tags["name"].to_numpy()[rows],
        road=np.array(ROADS)[road_class(streets)[rows]],
        cars_day=(every[rows] / 365).round(1),
        dark_cars_day=(dark[rows] / 365).round(1),
    )


def zone_answer(zone: Zone, language: str) -> Answer:
    """Return the missing links of an area, the shortest set of them, and the ways at present."""
    table, gates, words = zone.links_table(), zone.gates_table(), Words(language)
    streets, names, n = zone.study.streets, zone.names(), len(zone.gate_site)
    minutes = [
        f"{words.number(m)} m, {words.value(s)} min"
        for m, s in zip(table["metres"], table["saved_min"], strict=True)
    ]
    ends = [[zone.links[k].one, zone.links[k].two] for k in table.index]
    links = gpd.GeoDataFrame(
        table.assign(
            title=[f"{a} – {b}" for a, b in zip(table["one"], table["two"], strict=True)],
            lines=minutes,
        ),
        geometry=[shapely.LineString(zone.lonlat[two]) for two in ends],
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
    places = gpd.points_from_xy(*zone.lonlat[n:].T)
    stops = shapes_of(places, title=names[n:], size=[5] * len(zone.stops))
    known = [danger.unsafe for danger in zone.dangers if danger.unsafe is not None]
    dark = np.unique(np.concatenate([np.zeros(0, np.intp), *known]))
    unlit = gpd.GeoDataFrame(geometry=streets.lines[dark], crs=streets.crs).to_crs(4326)
    crossed = np.array(sorted({k for one in zone.dangers for k in one.crossings}), np.intp)
    at = gpd.points_from_xy(*streets.unproject(streets.node_xy[crossed]).T)
    danger = translate("A fast road to cross", language)
    crossings = shapes_of(at, title=[danger] * len(crossed))
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
    said, within = ["title", "lines"], words.value(zone.wants.within_min)
    beyond = "{count} gates are brought within {minutes} min of a stop by no set of links."
    count = zone.chosen.beyond
    left = [translate(beyond, language, count=count, minutes=within)] if count else []
    return Answer(
        zone.study,
        "zone",
        translate("Which ways are missing inside the area?", language),
        " ".join([translate(text, language, minutes=within), *left]),
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
        said=left,
        findings=tuple(safety_untold(zone.study)),
    )
