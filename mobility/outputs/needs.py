"""Writes the answer to a need: its tables, a layer for QGIS and an offline page, whole or not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from mobility.base.errors import Finding
from mobility.base.files import refuse_inputs, staging, write_gpkg
from mobility.base.i18n import translate
from mobility.commute.access import Access, roster_shifts
from mobility.commute.fairness import EVERYBODY, fairness, rosters_held
from mobility.commute.study import Study
from mobility.outputs.map.needs_page import RAMP, PageLayer, merged, write_needs_page
from mobility.outputs.tables import Table, registry, sheet_of, table_block, write_csv
from mobility.outputs.words import Words
from mobility.territory.project import source_files

if TYPE_CHECKING:  # each answer loads its own need alone
    from mobility.commute.delays import Delays
    from mobility.commute.irregular import Irregular
    from mobility.needs.apprentices import Triangles
    from mobility.needs.housing import Housing
    from mobility.needs.job_bus import Tour

#: Tables of a need that do not bear its name.
_FURTHER = {"lines": ("swaps",)}
_GREEN, _PINK = "#1a7f5a", "#d6276b"
#: Rows of a table beside a map.
MOST_ROWS = 15
_GROUND = {
    "residential": "residential land",
    "buildings": "land with dwellings",
    "streets": "land with a street",
}
#: From this share of the workers on, that they live off the land that is ranked is told.
_LITTLE_LAND = 0.1


@dataclass(frozen=True)
class Answer:
    """What is written of a need.

    Attributes
    ----------
    study
        What was asked: its sites are drawn.
    name
        Of its files.
    title, note
        Of its page, in the language.
    layers
        Drawn on it.
    tables
        By key of the registry; the first are told beside the map, each with the columns that are
        shown briefly.
    gis
        Layers of a GeoPackage, by name; none is written without any.
    said, findings
        Printed after the tables.
    """

    study: Study
    name: str
    title: str
    note: str
    layers: Sequence[PageLayer]
    tables: Mapping[str, pd.DataFrame]
    gis: Mapping[str, gpd.GeoDataFrame] = field(default_factory=dict)
    said: Sequence[str] = ()
    findings: Sequence[Finding] = ()


def write_answer(
    answer: Answer, folder: Path, language: str, *, reads: Iterable[Path] = ()
) -> list[Path]:
    """Write the files of an answer into a folder, all or none, and return their paths.

    What an earlier answer to the same need told, and this one does not, leaves the folder with it.

    Raises
    ------
    SourceError
        The folder cannot be written to, or a file is one of those read.
    """
    study, words = answer.study, Words(language, answer.study.days)
    shown = [_shown(key, frame, words) for key, frame in answer.tables.items() if len(frame)]
    reads = [*source_files(study.territory), *reads]
    gone = {f"{answer.name}.gpkg"} | {
        spec.file
        for key, spec in registry().items()
        if key.startswith(answer.name) or key in _FURTHER.get(answer.name, ())
    }
    refuse_inputs((folder / name for name in gone), reads)
    with staging(folder, reads=reads, gone=gone) as part:
        for key, frame in answer.tables.items():
            write_csv(part, key, frame)
        if answer.gis:
            write_gpkg(part / f"{answer.name}.gpkg", answer.gis.items())
        write_needs_page(
            study,
            part / f"{answer.name}.html",
            answer.layers,
            title=answer.title,
            note=answer.note,
            tables=shown,
            language=language,
        )
        names = sorted(path.name for path in part.iterdir() if path.is_file())
    return [folder / name for name in names]


def _shown(key: str, frame: pd.DataFrame, words: Words) -> Table:
    """Return the first rows of a table, and how many its file has besides."""
    sheet = sheet_of(key, frame.head(MOST_ROWS)).brief()
    told, left = [words.set_spaces(sheet.spec.note[words.language])], len(frame) - MOST_ROWS
    if left > 0:
        text = "Rows left out here: {number}; all are in {file}."
        told.append(words.t(text, number=words.number(left), file=sheet.spec.file))
    return table_block(sheet, words, caption=" ".join(told))


def housing_answer(found: Housing, language: str) -> Answer:
    """Return the inverse map: places by the jobs they hold, ranked communes and stops."""
    t, places, jobs = partial(translate, language=language), found.places(), len(found.jobs)
    layers = []
    if len(places):
        held = places["jobs_held"].to_numpy()
        classes = np.minimum((held * (len(RAMP) - 1) + jobs - 1) // max(jobs, 1), len(RAMP) - 1)
        for k, shape in merged(places, classes).items():
            least, most = held[classes == k].min(), held[classes == k].max()
            span = str(least) if least == most else f"{least}–{most}"
            name = t("{span} of {jobs} jobs can be held", span=span, jobs=jobs)
            layers.append(PageLayer(name, shape, RAMP[k], shown=bool(k > 0)))
        layers += _by_roster(found, places, Words(language))
    tables = {"housing_stops": found.stops(), "housing_communes": found.communes()}
    gis = {"places": places}
    if len(found.residences):
        tables = {"housing_residences": found.residences, **tables}
    if found.n_lattice < found.study.n_homes:
        layers.append(PageLayer(t("Residences asked about"), _points(found, language), _PINK))
        gis["residences"] = found.points()
    note = t(
        "Each square of {ground} by the jobs that can be held from it on every shift and kind "
        "of working day, without a car. Jobs: {jobs}. Nobody's home is drawn.",
        ground=t(_GROUND[found.ground]),
        jobs=", ".join(job.name for job in found.jobs),
    )
    title, said = t("Where could one live and hold this job without a car?"), list[str]()
    if found.off_land >= _LITTLE_LAND and found.ground != "streets":
        text = (
            "{share} of the workers live over {metres} m from every square of {ground}: the "
            "extract has it in part only, and what is missing is not ranked. Ask again with "
            "--ground streets."
        )
        words, ground = Words(language), t(_GROUND[found.ground])
        share, metres = words.percent(found.off_land), words.number(found.off_land_m)
        said.append(words.t(text, share=share, metres=metres, ground=ground))
    note = " ".join([note, *said])
    return Answer(found.study, "housing", title, note, layers, tables, gis, said)


def shapes_of(shapes: Any, /, **columns: Any) -> gpd.GeoDataFrame:
    """Return shapes in EPSG:4326 with some columns."""
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=4326)


def _by_roster(found: Housing, places: gpd.GeoDataFrame, words: Words) -> Iterator[PageLayer]:
    """Yield where each roster holds, to be switched on."""
    for r, (site, roster) in enumerate(roster_shifts(found.study)):
        held = found.holds[r, : found.n_lattice]
        if held.any():
            name = f"{found.study.sites[site].name}, {words.roster(roster)}"
            shape = merged(places[held], np.zeros(held.sum(), int))[0]
            yield PageLayer(name, shape, _GREEN, shown=False)


def _points(found: Housing, language: str) -> gpd.GeoDataFrame:
    """Return the residences asked about, with the rosters that hold there."""
    study, n, words = found.study, found.n_lattice, Words(language)
    names = [f"{study.sites[s].name}, {words.roster(r)}" for s, r in roster_shifts(study)]
    said = [translate(word, language) for word in ("no", "yes")]
    lines = [
        "\n".join(f"{name}: {said[int(h)]}" for name, h in zip(names, held, strict=True))
        for held in found.holds[:, n:].T
    ]
    frame = study.homes.frame.iloc[n:]
    names = frame["name"].to_list()
    return shapes_of(list(frame.geometry), title=names, lines=lines, size=[9] * len(frame))


def _share_layers(
    study: Study, share: NDArray[np.float64], name: str, language: str, *, shown: bool = True
) -> list[PageLayer]:
    """Return the homes by a share, in five classes: cells, or points where there are none."""
    classes = np.minimum((share * len(RAMP)).astype(int), len(RAMP) - 1)
    words, layers = Words(language), []
    for k in np.unique(classes):
        least, most = share[classes == k].min(), share[classes == k].max()
        span = words.percent(least) + ("" if least == most else f"–{words.percent(most)}")
        label = f"{name}{translate(': ', language)}{span}"
        layers.append(PageLayer(label, _homes(study, classes == k), RAMP[k], shown=shown))
    return layers


def _homes(study: Study, which: NDArray[np.bool_]) -> gpd.GeoDataFrame:
    """Return some homes as one shape where they are cells, as they are where they are points."""
    shapes = shapes_of(study.homes.shapes.to_numpy()[which])
    return shapes if study.homes.cells is None else merged(shapes, np.zeros(len(shapes), int))[0]


def _roster_shares(
    study: Study, shares: Mapping[tuple[int, str], NDArray[np.float64]], language: str
) -> tuple[list[PageLayer], dict[str, gpd.GeoDataFrame]]:
    """Return homes by a share for each site and roster, as layers of a page and of QGIS."""
    layers: list[PageLayer] = []
    words = Words(language)
    columns: dict[str, Any] = {"home_id": study.homes.ids}
    for (site, roster), share in shares.items():
        names = [study.sites[site].name, roster] if roster else [study.sites[site].name]
        told = ", ".join([*names[:1], *map(words.roster, names[1:])])
        layers += _share_layers(study, share, told, language, shown=not layers)
        columns[" | ".join([*names, "share"])] = share.round(3)
    return layers, {"homes": shapes_of(study.homes.shapes.to_numpy(), **columns)}


def delays_answer(found: Delays, language: str) -> Answer:
    """Return on how many working days rosters hold at each home when vehicles are late."""
    study, said = found.access.study, found.sentences(language)
    shares = dict(zip(roster_shifts(study), found.chance, strict=True))
    layers, gis = _roster_shares(study, shares, language)
    title = translate("On how many days does it hold when buses are late?", language)
    tables = {"delays": found.table, "delay_connections": found.connections}
    return Answer(study, "delays", title, " ".join(said), layers, tables, gis, said)


def fairness_answer(
    situations: Sequence[tuple[str, Access]],
    line: float | None,
    language: str,
    *,
    told: Sequence[str] = (),
) -> Answer:
    """Return how fairly rosters can be held: the present first, then what is set beside it.

    Parameters
    ----------
    told
        What else is said of the situations, in the language.
    """
    t, study = partial(translate, language=language), situations[0][1].study
    table, rosters = fairness(situations, line=line), len(roster_shifts(study))
    held = {name: rosters_held(access)[0] for name, access in situations}
    (_, now), *others = held.items()
    name = t("Share of the rosters that can be held")
    layers = _share_layers(study, now / rosters, name, language)
    for name, then in others:
        if (then > now).any():
            text = t("{remedy}: more rosters held", remedy=name)
            layers.append(PageLayer(text, _homes(study, then > now), _PINK, shown=False))
    worse = table[(table["group"] == EVERYBODY) & (table["widens"] != "")]["situation"]
    widens = "{remedy}: it helps the average and widens the gap."
    said = [*(t(widens, remedy=name) for name in worse), *told]
    note = t(
        "Homes by the share of all rosters that can be held from them without a car, on every "
        "shift and kind of working day."
    )
    title = t("Who can hold how many rosters without a car?")
    gis = {
        "homes": shapes_of(study.homes.shapes.to_numpy(), **({"home_id": study.homes.ids} | held))
    }
    note = " ".join([note, *said])
    return Answer(study, "fairness", title, note, layers, {"fairness": table}, gis, said)


def irregular_answer(found: Irregular, language: str) -> Answer:
    """Return the share of a list's days that hold at each home."""
    shares = {(site, roster): found.share(site, roster) for site, roster in found.rosters()}
    layers, gis = _roster_shares(found.study, shares, language)
    title = translate("On how many of these days does it hold?", language)
    note = translate(
        "Share of the listed days on which one gets there on time and back without a car, "
        "each on the timetable of its own date.",
        language,
    )
    tables = {"irregular": found.summary(), "irregular_dates": found.by_date()}
    return Answer(
        found.study, "irregular", title, note, layers, tables, gis, findings=found.findings
    )


def apprentices_answer(found: Triangles, remedies: pd.DataFrame, language: str) -> Answer:
    """Return the pairs of centre and company, and from where they can be held."""
    study, pairs = found.study, found.pairs_held()
    name = translate("Share of the pairs that can be held", language)
    layers = _share_layers(study, pairs / len(found.holds), name, language)
    columns: dict[str, Any] = {"home_id": study.homes.ids, "pairs_held": pairs}
    for row, held in zip(found.pairs.to_dict("records"), found.holds, strict=True):
        name = f"{row['centre']} + {row['company']}"
        columns[name] = held
        if held.any():
            layers.append(PageLayer(name, _homes(study, held), _GREEN, shown=False))
    tables = {"apprentices": found.pairs}
    if len(remedies):
        tables["apprentices_remedies"] = remedies
    title = translate("Which training centre and which company, from one home?", language)
    note = translate(
        "A pair holds where both the hours of the centre and a roster of the company that is "
        "no night work hold without a car.",
        language,
    )
    gis = {"homes": shapes_of(study.homes.shapes.to_numpy(), **columns)}
    return Answer(study, "apprentices", title, note, layers, tables, gis)


def job_bus_answer(tour: Tour, language: str) -> Answer:
    """Return the halts of a job seekers' bus, its way, and who reaches it."""
    t, words = partial(translate, language=language), Words(language)
    calls = tour.told_calls()
    halts = calls[calls["direction"] == "outbound"].reset_index(drop=True)
    lines = [
        f"{words.clock(c)}\n{words.number(n)} {t('seekers')}"
        for c, n in zip(halts["clock_s"], halts["seekers"], strict=True)
    ]
    at = gpd.points_from_xy(halts["lon"], halts["lat"])
    points = shapes_of(at, title=halts["stop"].to_list(), lines=lines, size=[8] * len(halts))
    way = shapes_of([shapely.LineString(tour.path)])
    homes, some = tour.study.homes.shapes.to_numpy(), tour.seekers > 0
    reached, not_reached = (shapes_of(homes[some & k]) for k in (tour.reached, ~tour.reached))
    layers = [
        PageLayer(t("Seekers who reach a halt"), reached, RAMP[3]),
        PageLayer(t("Seekers who reach none"), not_reached, RAMP[1]),
        PageLayer(t("The bus"), way, _PINK),
        PageLayer(t("Halts"), points, _PINK),
    ]
    note = t(
        "Halts that most of those who look for work reach on foot or by public transport in "
        "time, and from which they get home. Who reaches several is counted at each of them."
    )
    title = t("Where should a bus for job seekers halt?")
    tables = {"job_bus_summary": tour.summary(), "job_bus": calls}
    gis = {"halts": shapes_of(at, **halts), "way": way}
    return Answer(tour.study, "job_bus", title, note, layers, tables, gis)
