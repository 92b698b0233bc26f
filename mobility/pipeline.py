"""The main job: from a territory file to tables, maps and the run's record."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mobility.base.cache import SEAL, cache_dir, content_hash, is_sound, mark_used, open_cache, seal
from mobility.base.errors import MobilityError
from mobility.base.files import staging
from mobility.base.machine import trim_memory
from mobility.commute.access import Access, assess
from mobility.commute.any_hour import Hours
from mobility.commute.changes import with_timetable
from mobility.commute.comparison import asked_alike, check_comparable, comparison, differences
from mobility.commute.door_to_door import MOST_HELD_BYTES
from mobility.commute.loading import load
from mobility.commute.modes import check_riding, riding
from mobility.commute.side_by_side import with_each
from mobility.commute.study import Progress, Study, quiet
from mobility.commute.white_zones import WhiteZones, white_zones
from mobility.settings import check_outputs, check_settings, read_territory
from mobility.streets.hour_times import forget_hours
from mobility.territory.changes import Changes
from mobility.territory.project import Language, Territory, source_files

if TYPE_CHECKING:
    import pandas as pd

    from mobility.shuttles.plans import Plans


@dataclass(frozen=True)
class Results:
    """What one run found and where it wrote it.

    ``before`` holds the present where the run evaluated a variant of it, ``plans`` the
    shuttle plans where it designed some.
    """

    study: Study
    access: Access
    zones: WhiteZones
    folder: Path
    files: tuple[str, ...]
    before: Access | None = None
    plans: Plans | None = None

    @property
    def map_path(self) -> Path:
        """The map page."""
        return self.folder / "map.html"


def run(
    territory: Territory | str | Path, out: str | Path | None = None, *,
    plans: Sequence[str | Path] = (), shuttles: bool = False, lighter: bool = False,
    every_plan: bool = False, report: str | None = None, seed: int = 0, keep: bool = True,
    progress: Progress = quiet,
) -> Results:  # fmt: skip
    """Compute a territory and write its map, tables and record into a folder.

    Everything is written aside and takes its place at once when complete.

    Parameters
    ----------
    territory
        The territory, or its file.
    out
        Folder of the results; the territory's own by default.
    plans
        GTFS feeds running on top of the territory's: the tables tell the territory with
        them, and the map and ``comparison.csv`` set it against the present.
    shuttles
        Also design shuttle lines for the white zones, into ``shuttles/``; the map then shows
        every plan, and ``comparison.csv`` sets the advised one against the present.
    lighter
        Also compare each white area's shuttle with a new stop, an extended line, on-demand
        transport and car-pool (``shuttles/lighter.csv``).
    every_plan
        Evaluate the territory with each shuttle plan, so that the map tells what any of them
        gains; only with the advised one otherwise.
    report
        Language of the report to write too, if any.
    seed
        Of the design; the same seed gives the same plans.
    keep
        Keep what is found of each site for other commands on the same inputs.

    Raises
    ------
    MobilityError
        A source or the territory is wrong; earlier outputs stay as they were.
    """
    territory = _checked(territory)
    folder = territory.resolve(territory.output.dir) if out is None else Path(out)
    check_outputs(territory, out=folder, also=map(Path, plans))
    study = load(territory, progress=progress)
    if not keep:
        study = replace(study)  # a study of unknown content
    if shuttles or plans:  # a line may be the first one
        check_riding(study.territory, has_timetable=study.has_timetable)
        asked = riding(study.territory, has_timetable=study.has_timetable)
        if asked is not study.territory:  # else its content stays known
            study = replace(study, territory=asked)
    present = evaluate(study, progress=progress)
    costs = _scenario_costs(territory, present[0], progress)
    if shuttles:
        return _with_shuttles(
            folder, present, costs=costs, lighter=lighter, every_plan=every_plan, seed=seed,
            progress=progress,
        )  # fmt: skip
    for path in plans:
        study = with_timetable(study, Path(path), scenario=Path(path).stem)
    variants = [evaluate(study, progress=progress)] if plans else []
    feeds = [Path(path) for path in plans]
    return _written(
        folder, present, variants, feeds=feeds, report=report, costs=costs, progress=progress
    )


def _scenario_costs(
    territory: Territory, access: Access, progress: Progress,
    known: tuple[Territory, Study] | None = None,
) -> pd.DataFrame | None:  # fmt: skip
    """Return what a scenario's changes cost a year, a row each; None where it changes nothing.

    They are counted against the territory without them, which may be ``known``, and read.
    """

    def read(told: Territory) -> Study:
        if known is not None and _is_alike(known[0], told):
            return known[1]
        return load(told, progress=progress)

    first = None if territory.base is None else Territory.from_toml(territory.base)
    zoned = first is not None and first.on_demand != territory.on_demand
    if territory.changes == Changes() and not zoned:
        return None
    from mobility.remedies.bill import bill_frame
    from mobility.remedies.scenario import ScenarioPrices, booked_trips

    plain = territory.model_copy(update={"changes": Changes()})
    booked = 0.0
    if zoned:
        assert first is not None
        booked = booked_trips(access)
        if "on_demand" in first.modes.evaluated:
            booked -= booked_trips(assess(read(first), progress=progress))
    bill = ScenarioPrices(read(plain)).bill(territory, booked)
    frame = bill_frame([("", bill)], territory.language, of="rank").drop(columns="rank")
    against = territory.base or territory.path
    return frame.assign(against="" if against is None else against.name)


def _is_alike(one: Territory, other: Territory) -> bool:
    """Whether two territories say the same of the same files, whatever they are called."""
    names: Any = {"name": True, "output": {"dir"}}
    first, second = (territory.model_dump(exclude=names) for territory in (one, other))
    return first == second and one.resolve(Path()).resolve() == other.resolve(Path()).resolve()


def _checked(territory: Territory | str | Path) -> Territory:
    if not isinstance(territory, Territory):
        return read_territory(territory)
    check_settings(territory)
    return territory


def _with_shuttles(
    folder: Path, present: Evaluation, *, costs: pd.DataFrame | None, lighter: bool,
    every_plan: bool, seed: int, progress: Progress,
) -> Results:  # fmt: skip
    """Design shuttles, evaluate the advised plan, or each, and write everything."""
    from mobility.shuttles.after import feed_parts
    from mobility.shuttles.design import design_shuttles
    from mobility.shuttles.lighter import with_lighter

    access, zones = present
    found = design_shuttles(access.study, access, zones, seed=seed, progress=progress)
    if found.knee is None:
        return _written(folder, present, found=found, costs=costs, progress=progress)
    variants = []
    asked = [found.knee, *(p for p in found.plans if every_plan and p is not found.knee)]
    feeds = dict(zip((plan.name for plan in asked), found.feeds(asked), strict=True))
    for study, hours in with_each(access.study, feeds):
        if access.study.content:  # what is found of a plan follows from the two alone
            parts = access.study.content, *feed_parts(feeds[study.scenario])
            object.__setattr__(study, "content", content_hash(parts))
        after = evaluate(study, before=access, known=hours, progress=progress)[1].told()
        variants.append((after.access, after))
        trim_memory()
    answers = None
    if lighter:
        progress("lighter answers")
        found, answers = with_lighter(found, zones)
        trim_memory()
    return _written(
        folder, present, variants, found=found, answers=answers, costs=costs, progress=progress
    )


def compare(
    before: Territory | str | Path,
    after: Territory | str | Path,
    out: str | Path,
    *,
    progress: Progress = quiet,
) -> Results:
    """Compute two scenarios of one territory and write what the second changes, and its costs.

    Raises
    ------
    MobilityError
        A source is wrong, or the scenarios differ in homes, sites, shifts or kinds of day.
    """
    scenarios = _checked(before), _checked(after)
    for territory in scenarios:
        check_outputs(territory, out=Path(out))
    read = [load(territory, progress=progress) for territory in scenarios]
    first, second = asked_alike(*read), asked_alike(*reversed(read))
    check_comparable(first, second)
    names = _scenario_names(first.territory, second.territory)
    told = second.findings + differences(first, second)
    second = replace(second, scenario=names[1], findings=told)
    present, after_it = (evaluate(study, progress=progress) for study in (first, second))
    return _written(
        Path(out),
        present,
        [after_it],
        name=names[0],
        costs=_scenario_costs(scenarios[1], after_it[0], progress, (scenarios[0], read[0])),
        progress=progress,
    )


def _scenario_names(before: Territory, after: Territory) -> tuple[str, str]:
    """Return what tells two territories apart: their names, else their files, else the folders."""
    one, other = (territory.path or Path() for territory in (before, after))
    told = [(before.name, after.name)]
    told += [
        (f"{before.name} ({a})", f"{after.name} ({b})")
        for a, b in (
            (one.stem, other.stem),
            (one.resolve().parent.name, other.resolve().parent.name),
        )
    ]
    return next((names for names in told if names[0] != names[1]), told[0])


Evaluation = tuple[Access, WhiteZones]


def evaluate(
    study: Study,
    *,
    before: Access | None = None,
    known: Hours | None = None,
    progress: Progress = quiet,
) -> Evaluation:
    """Return the commutes of a study and its white zones.

    Parameters
    ----------
    before
        Those of a study that differs in public transport at most.
    known
        What was found of the best hours of the day.
    """
    access = assess(study, on_streets=before, progress=progress)
    zones = white_zones(access, known=known, progress=progress)
    if 4 * len(study.sites) * study.n_homes > MOST_HELD_BYTES:  # a walk between each of them
        study.views.lighten()
    # All hours have been asked for.
    forget_hours(study.streets)
    trim_memory()
    return access, zones


def _written(
    folder: Path, present: Evaluation, variants: Sequence[Evaluation] = (), *,
    found: Plans | None = None, answers: pd.DataFrame | None = None, name: str = "",
    feeds: Sequence[Path] = (), report: str | None = None, costs: pd.DataFrame | None = None,
    progress: Progress,
) -> Results:  # fmt: skip
    """Write everything a run gives, and keep the shuttle plans of an earlier one.

    The present is set against the first variant, which the tables tell if it is the user's
    own, not a shuttle plan; the map shows them all.
    """
    from mobility.outputs import record as records
    from mobility.outputs.render import INDEX, OF_LEVERS, write_index
    from mobility.outputs.table_files import write_tables
    from mobility.outputs.tables import write_csv

    access, zones = variants[0] if variants and found is None else present
    territory = access.study.territory
    gone = [] if territory.output.geopackage else ["results.gpkg"]
    gone += ["scenario_costs.csv"] if costs is None else []
    if found is not None:
        from mobility.shuttles.outputs import outdated, write_plans

        gone += [f"shuttles/{name}" for name in outdated(folder / "shuttles", found)]
    earlier = records.earlier_plans(folder, present[0].study)
    keeps = found is None and not variants and earlier is not None and earlier.usable
    findings = access.study.findings + (() if found is None else found.findings)
    kept = records.other_outputs(folder, access.study)
    before = present[0] if variants else None
    evaluated = [access.study.territory for access, _ in (present, *variants)]
    reads = [*feeds, *(path for one in evaluated for path in source_files(one))]
    with staging(folder, reads=reads, gone=gone) as part:
        progress("tables")
        write_tables(access, zones, part)
        if costs is not None:
            write_csv(part, "scenario_costs", costs)
        if variants:
            write_csv(part, "comparison", comparison(present[0], variants[0][0]))
        if found is not None:
            language = found.study.territory.language
            write_plans(found, part / "shuttles", lighter=answers, language=language)
        trim_memory()
        if not keeps:
            progress("map")
            _draw(part / records.MAP, present, variants, found, name, earlier=folder / records.MAP)
        if report is not None:
            from mobility.outputs.report import add_report

            places = (folder, *(path.parent.parent for path in feeds))
            failed = add_report(
                access, zones, part, before=before, language=report, plans_in=places, costs=costs,
                progress=progress,
            )  # fmt: skip
            findings = (*findings, *failed)
            gone += [finding.source for finding in failed]
        plans_in = part if found is not None else folder
        old = records.is_advice_outdated(folder, present[0].study, plans_in=plans_in)
        findings += (records.ADVICE_OUTDATED,) if old else ()
        files = [p.relative_to(part).as_posix() for p in part.rglob("*") if p.is_file()]
        if earlier is not None and keeps:
            kept += earlier.bring_back(part)
        elif earlier is not None and found is None:
            kept += earlier.set_aside(part)
            findings = (*findings, earlier.finding(access.study.scenario))
        names = sorted({*files, *kept, records.RECORD, INDEX})
        told = earlier.record if earlier is not None and keeps else None
        records.write_record(
            access.study, names, part / records.RECORD, findings=findings, earlier=told
        )
        if earlier is not None:
            gone += earlier.gone(names, shown=found is not None or keeps)
        write_index(
            part, folder, report or territory.language, territory.name,
            reads=source_files(present[0].study.territory), gone=gone,
            current=[*names, *OF_LEVERS], outdated=OF_LEVERS if old else (),
        )  # fmt: skip
    return Results(access.study, access, zones, folder, tuple(names), before, found)


def _draw(
    path: Path, present: Evaluation, variants: Sequence[Evaluation], found: Plans | None, name: str,
    *, earlier: Path,
) -> None:  # fmt: skip
    """Draw the map of the present, called ``name``, and its variants, with the plans if any.

    Levers on an ``earlier`` page of the same inputs stay on it.
    """
    from mobility.outputs.map.from_results import map_model
    from mobility.outputs.map.page import write_map

    after = tuple((v[0].study.scenario, *v) for v in variants)
    model = map_model(*present, name=name, after=after)
    if found is not None:
        from mobility.outputs.map.from_plans import map_plans

        evaluated = {name: k for k, (name, *_) in enumerate(after, start=1)}
        model = replace(model, plans=map_plans(found, scenarios=evaluated))
    told = present[0].study.territory
    write_map(model, path, language=told.language, tiles=told.output.tiles, earlier=earlier)


def demo(
    territory: Path,
    out: str | Path,
    *,
    language: Language = "fr",
    code: Path | None = None,
    progress: Progress = quiet,
) -> Path:
    """Run the embedded demo into a folder, shuttles included, once per version and language of it.

    The demo never changes, so its outputs are kept in the user's cache under the hash of its
    files and of the software's own; a second demo copies them.

    Returns
    -------
    Path
        The folder.
    """
    code = Path(__file__).parent if code is None else code
    written = (".py", ".js", ".css", ".toml", ".html", ".po")
    own = [p for p in sorted(code.rglob("*")) if p.suffix in written]
    sources = [p for p in sorted(territory.parent.rglob("*")) if p.is_file()]
    key = content_hash([*own, *sources, language])
    kept = cache_dir() / "demo" / key
    if not is_sound(kept):
        shutil.rmtree(kept, ignore_errors=True)
        told = read_territory(territory).told_in(language)
        run(told, open_cache("demo") / key, shuttles=True, lighter=True, progress=progress)
        seal(kept)
    mark_used(kept)
    with staging(out) as part:
        shutil.copytree(kept, part, dirs_exist_ok=True, ignore=shutil.ignore_patterns(SEAL))
    return Path(out)


def demo_territory() -> Path:
    """Return the territory file of the embedded demo, in the package or in a checkout."""
    package = Path(__file__).parent
    for folder in (package / "demo_data", package.parent / "data"):
        if (folder / "demo.toml").is_file():
            return folder / "demo.toml"
    raise MobilityError("The embedded demo is missing.", mend="Install the package again.")
