"""The answer of `mobility risk`: kilometres, accidents, and the roads driven in the dark."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import geopandas as gpd
import numpy as np
import shapely

from mobility.base.i18n import translate
from mobility.needs.driven import ROADS, road_class
from mobility.needs.risk import Risk, Spared
from mobility.outputs.factor_words import factor_text
from mobility.outputs.map.needs_page import PageLayer
from mobility.outputs.needs import Answer
from mobility.outputs.words import Words
from mobility.remedies.factors import factors_of
from mobility.territory.factors import Factors

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


def risk_answer(found: Risk, spared: Sequence[Spared], language: str) -> Answer:
    """Return kilometres driven and accidents expected, the roads they are driven on, the rates."""
    roads = _roads(found)
    worn = roads[roads["dark_cars_day"] >= _LEAST_CARS]
    cuts = [_LEAST_CARS, *(worn["dark_cars_day"].quantile([0.5, 0.75, 0.9, 0.97])), np.inf]
    layers, words = [], Words(language)
    for k, (least, most) in enumerate(pairwise(cuts)):
        mine = worn[(worn["dark_cars_day"] >= least) & (worn["dark_cars_day"] < most)]
        text = translate("cars a day not by daylight: {least} or more", language,
                         least=words.number(least))  # fmt: skip
        if len(mine):
            whole = [shapely.union_all(mine.geometry.to_numpy())]
            line = gpd.GeoDataFrame({"size": [1 + 1.5 * k]}, geometry=whole, crs=4326)
            layers.append(PageLayer(text, line, _DARK_RAMP[k]))
    tables = {"risk": found.table(), "risk_remedies": found.removed(spared)}
    rows = _factors(found).to_frame(language)
    told = translate("; ", language).join(
        factor_text(str(name), words) for name in rows.loc[rows["check"], "name"]
    )
    note = translate(_RISK_NOTE, language, names=told)
    return Answer(
        found.study,
        "risk",
        translate("How much is driven to work in the dark, and at what risk?", language),
        note,
        layers,
        {key: frame for key, frame in tables.items() if len(frame)} | {"risk_factors": rows},
        {"roads": roads},
        [note],
    )


def _factors(found: Risk) -> Factors:
    """Return the rates, and what turns jobs and those who share a car into kilometres."""
    others = factors_of(found.study).rows
    return Factors(found.factors.rows | {name: others[name] for name in _OF_DRIVERS})


def _roads(found: Risk) -> gpd.GeoDataFrame:
    """Return the street pieces that some car drives along, EPSG:4326, with cars a day."""
    streets, (every, dark) = found.study.streets, found.on_roads()
    rows = np.flatnonzero(every > 0)
    lines = gpd.GeoSeries(streets.lines[rows], crs=streets.crs).to_crs(4326)
    columns = {
        "osm_id": streets.tags["osm_id"].to_numpy()[rows],
        "name": streets.tags["name"].to_numpy()[rows],
        "road": np.array(ROADS)[road_class(streets)[rows]],
        "cars_day": (every[rows] / 365).round(1),
        "dark_cars_day": (dark[rows] / 365).round(1),
    }
    return gpd.GeoDataFrame(columns, geometry=lines.to_numpy(), crs=4326)
