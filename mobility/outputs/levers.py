"""The outputs of a search of levers: tables, recommendations, examples, before/after map."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pyogrio

from mobility.base.files import staging, write_text
from mobility.base.i18n import translate
from mobility.commute.access import Access, assess
from mobility.commute.indicators import whole_persons
from mobility.commute.ledger import capture_band
from mobility.commute.loading import load
from mobility.commute.sources import source_files
from mobility.commute.study import Progress, Study, quiet
from mobility.commute.white_zones import WhiteZones, white_zones
from mobility.outputs.document import Bullets, Document, Heading
from mobility.outputs.illustrations import Illustration, example_blocks, illustrate
from mobility.outputs.lever_shuttles import shuttle_remedies, written_remedies
from mobility.outputs.map.model import MapLever
from mobility.outputs.record import MAP
from mobility.outputs.render import write_document
from mobility.outputs.tables import write_csv
from mobility.remedies.bill import bill_frame, spread
from mobility.remedies.factors import LeverFactors, load_factors
from mobility.remedies.recommendations import advised, recommend, remedies_frame
from mobility.remedies.remedy import Remedy, round_eur
from mobility.remedies.search import Retiming, search
from mobility.remedies.shift_hours import ShiftHours, shift_hours
from mobility.remedies.street_remedies import tracks_layer
from mobility.shuttles.design import design_shuttles
from mobility.shuttles.portfolio import Combined, access_left, combined_frontier
from mobility.territory.project import Territory

#: Recommendations shown with their journeys and put on the map, at most.
ILLUSTRATED = 20
COUNTS = [
    "workers_gained", "workers_lost", "commutes_gained", "commutes_lost", "rosters_gained",
    "rosters_lost", "directions_lost",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class LeverResults:
    """What `mobility levers` finds and writes.

    Attributes
    ----------
    zones
        White zones of the present.
    remedies
        Every recommendation, the cheapest per job gained first.
    combined
        The frontier over the remedies.
    illustrations
        The first of them, with the territory that each makes.
    """

    found: Retiming
    hours: ShiftHours
    zones: WhiteZones
    remedies: tuple[Remedy, ...]
    illustrations: tuple[Illustration, ...]
    combined: Combined

    @property
    def advised(self) -> list[bool]:
        """Which of the remedies are advised."""
        return advised(self.remedies, self.combined.members)

    def table(self, language: str) -> pd.DataFrame:
        """Return the ranked remedies."""
        study = self.found.bench.study
        return remedies_frame(
            self.remedies, language, lever_factors(study),
            on_frontier=self.combined.members, capture_band=capture_band(study),
        )  # fmt: skip


def find_levers(
    territory: Territory,
    *,
    folder: Path | None = None,
    limit: int = 20,
    shuttles: bool = False,
    seed: int = 0,
    illustrated: int = ILLUSTRATED,
    progress: Progress = quiet,
) -> LeverResults:
    """Search the levers of a territory.

    Parameters
    ----------
    folder
        The outputs, where shuttles of an earlier run may stand; the territory's by default.
    limit
        Levers of the timetable listed at most.
    shuttles
        Design shuttles too, and rank them among the levers; without it, the plan that an
        earlier `mobility shuttles` wrote into the outputs is ranked, if any.
    seed
        Of that design.
    illustrated
        Recommendations whose territory and journeys are computed, at most.

    Raises
    ------
    MobilityError
        A source or the territory is wrong.
    """
    access = assess(load(territory, progress=progress), progress=progress)
    found = search(access, progress=progress)
    hours = shift_hours(access)
    bench = found.bench
    zones = white_zones(replace(access, study=bench.study), progress=progress)
    folder = territory.resolve(territory.output.dir) if folder is None else folder
    remedies, combined = ranked(
        access, found, hours, folder, design=shuttles, seed=seed, limit=limit, progress=progress
    )
    shown = illustrate(bench, zones, remedies[:illustrated], progress=progress)
    return LeverResults(found, hours, zones, tuple(remedies), tuple(shown), combined)


def ranked(
    access: Access,
    found: Retiming,
    hours: ShiftHours | None,
    folder: Path,
    *,
    design: bool,
    seed: int = 0,
    limit: int = 20,
    progress: Progress = quiet,
) -> tuple[list[Remedy], Combined]:
    """Return every remedy, cheapest per job first, and the frontier of their sets.

    Shuttles are designed for what the timetable's cheaper changes leave white, or are those that
    stand in the outputs.
    """
    factors = lever_factors(access.study)
    if design:
        lighter = recommend(found, hours, limit=limit, factors=factors)
        left = access_left(found.bench, lighter, factors)
        zones = white_zones(left, progress=progress)
        plans = design_shuttles(access.study, left, zones, seed=seed, progress=progress)
        others = shuttle_remedies(plans, access)
    else:
        others = written_remedies(access, folder / "shuttles")
    remedies = recommend(found, hours, others=others, limit=limit, factors=factors)
    progress("levers")
    return remedies, combined_frontier(found.bench, remedies, factors)


def lever_factors(study: Study) -> LeverFactors:
    """Return the factors of the levers, the territory's own over them."""
    return load_factors(study.territory.factors, file=study.territory.path)


def levers_table(found: Retiming) -> pd.DataFrame:
    """Return every lever that changes something, ranked."""
    return whole_persons(found.to_frame(), COUNTS)


def recommendations_report(results: LeverResults, language: str) -> Document:
    """Return the recommendations as a document, with the journeys of those illustrated."""
    study = results.found.bench.study
    blocks = [
        Heading(translate("Recommendations, cheapest per job gained first", language)),
        Bullets(tuple(("", r.sentence(language)) for r in results.remedies), numbered=True),
    ]
    for one in results.illustrations:
        blocks += example_blocks(study, one, language)
    title = translate("Levers of the timetable: {name}", language, name=study.territory.name)
    return Document(language, title, tuple(blocks))


def write_levers(
    results: LeverResults, folder: Path, language: str, *, maps: bool = True
) -> list[str]:
    """Write every table, the recommendations, and the map with each of them.

    ``levers.csv``, ``minutes_to_fix.csv`` and ``.gpkg``, ``shift_hours.csv``, ``remedies.csv``,
    ``remedy_costs.csv``, ``to_check.csv``, ``frontier.csv``, ``recommendations.*`` and, where
    some are recommended, ``cycle_tracks.geojson``.

    Parameters
    ----------
    maps
        Also put each recommendation on ``map.html``, beside the present and the shuttle plans.
    """
    study = results.found.bench.study
    hours = whole_persons(results.hours.to_frame(), ["workers"])
    # A page of their own, as earlier versions wrote it, would tell older levers.
    with staging(folder, reads=source_files(study.territory), gone=["levers.html"]) as part:
        write_csv(part, "levers", levers_table(results.found))
        write_csv(part, "minutes_to_fix", results.found.fixes.to_frame(language))
        # A GeoPackage holds the time of its last change; a fixed one keeps the bytes the same.
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "1970-01-01T00:00:00Z"})
        layer = results.found.fixes.to_layer()
        layer.to_file(part / "minutes_to_fix.gpkg", layer="minutes_to_fix", driver="GPKG")
        write_csv(part, "shift_hours", hours)
        write_csv(part, "remedies", results.table(language))
        factors, bills = lever_factors(study), [r.bill for r in results.remedies]
        ranks = enumerate(bills, start=1)
        write_csv(part, "remedy_costs", bill_frame(ranks, factors, language, of="rank"))
        write_csv(part, "to_check", spread(bills, factors))
        write_csv(part, "frontier", results.combined.to_frame())
        write_document(recommendations_report(results, language), part, "recommendations")
        tracks = tracks_layer(study, results.remedies, language)
        if len(tracks):
            write_text(part / "cycle_tracks.geojson", tracks.to_json() + "\n")
        if maps and results.illustrations:
            write_levers_map(results, part / MAP, language, folder / MAP)
        return sorted(p.name for p in part.iterdir())


def write_levers_map(results: LeverResults, path: Path, language: str, earlier: Path) -> None:
    """Write the map of the present and of the recommendations, one scenario each.

    Shuttle plans on an ``earlier`` page of the same inputs stay on it.
    """
    from mobility.outputs.map.from_results import map_model
    from mobility.outputs.map.page import write_map

    zones = results.zones
    shown = results.illustrations
    after = tuple((one.remedy.head("en"), one.access, one.zones) for one in shown)
    model = map_model(zones.access, zones, after=after, fix=results.found.fixes.aligned(zones.keys))
    told = dict(zip(map(id, results.remedies), results.advised, strict=True))
    study = zones.access.study
    levers = tuple(
        _map_lever(study, k, one, advised=told[id(one.remedy)]) for k, one in enumerate(shown, 1)
    )
    output = study.territory.output
    model = replace(model, levers=levers)
    write_map(model, path, language=language, tiles=output.tiles, earlier=earlier)


def _map_lever(study: Study, scenario: int, one: Illustration, *, advised: bool) -> MapLever:
    """Return a recommendation as the map lists it, opened where it gains most."""
    remedy = one.remedy
    shifts = {(s.site_name, s.roster, s.shift): s.shift_id for s in study.shift_rows}
    best = max(remedy.effects, key=lambda e: e.gained, default=None)
    shift = None if best is None else shifts.get((best.site, best.roster, best.shift))
    return MapLever(
        scenario=scenario,
        head=(remedy.head("fr"), remedy.head("en")),
        told=(remedy.sentence("fr"), remedy.sentence("en")),
        jobs=remedy.net_jobs,
        users=remedy.users,
        eur_year=round_eur(remedy.eur_year),
        kind=remedy.kind,
        advised=advised,
        sites=remedy.site_names,
        # A remedy on streets moves no vehicle: white zones alone know of it.
        measure="white" if remedy.rescued else "gain",
        pick="" if shift is None else f"s{shift}",
    )
