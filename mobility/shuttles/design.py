"""From white zones to a frontier of shuttle plans, proven by the engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from mobility.base.errors import Finding
from mobility.commute.access import Access
from mobility.commute.study import Study
from mobility.commute.white_zones import WhiteZones
from mobility.shuttles.config import Factors, ShuttleConfig
from mobility.shuttles.costs import calendar_days
from mobility.shuttles.demand import Demand, find_demand, kind_weekdays
from mobility.shuttles.edit import cost_lines, read_lines
from mobility.shuttles.frontier import build_frontier, knee
from mobility.shuttles.groundwork import Groundwork
from mobility.shuttles.plans import Plans, proven

Progress = Callable[[str], None]


def _quiet(_step: str) -> None:
    """Report no progress."""


def design_shuttles(
    study: Study,
    access: Access,
    zones: WhiteZones,
    *,
    present: Access | None = None,
    config: ShuttleConfig | None = None,
    seed: int = 0,
    progress: Progress = _quiet,
    should_stop: Callable[[], bool] | None = None,
) -> Plans:
    """Design shuttle lines for the white zones of a territory.

    Parameters
    ----------
    access, zones
        What the lines are for: the territory as it is, or with what costs less.
    present
        The territory as it is, where ``access`` is another: jobs gained are counted against it.
    config
        Settings; the territory's ``[shuttles]`` table when None.
    seed
        Of every search; same seed, same plans.
    should_stop
        Asked between and within searches; true keeps the best found so far.

    Raises
    ------
    TerritoryError
        The ``[shuttles]`` or ``[factors]`` table is wrong.
    """
    config = config or ShuttleConfig.from_territory(study.territory)
    factors = Factors.load(study.territory.factors, file=study.territory.path)
    seasons = [row.season for row in study.shift_rows]
    days = calendar_days(factors, kind_weekdays(study), seasons)
    progress("shuttle demand")
    demand = find_demand(study, zones, days)
    site = Groundwork.build(study, demand, config, progress=progress)
    progress("shuttle lines")
    candidates = site.candidates(factors, days, seed=seed, should_stop=should_stop)
    progress("shuttle plans")
    scene = site.scene.counted()
    plans = build_frontier(scene, candidates, config, factors, days, should_stop=should_stop)
    found = Plans(
        study, access, config, factors, scene, demand.homes, tuple(days), site.graph,
        tuple(plans), knee(plans), tuple(site.selections), (), site.homes_xy,
        lacking=demand.lacking, present=present,
    )  # fmt: skip
    if plans:
        progress("shuttle proof")
        found = proven(found)
    if not found.plans:
        found = replace(found, findings=(*found.findings, _nothing(demand)))
    return found if config.lines is None else _with_drawn(found, config.lines)


def _with_drawn(found: Plans, path: Path) -> Plans:
    """Return the plans with the planner's own lines beside them."""
    path = found.study.territory.resolve(path)
    stops = found.study.feed.stops
    stops = stops[stops["lon"].notna() & (stops["location_type"] == 0)]
    columns = (stops[c] for c in ("stop_name", "lon", "lat"))
    known = {str(n): (float(x), float(y)) for n, x, y in zip(*columns, strict=True)}
    lines = read_lines(path, known)
    drawn = cost_lines(found, lines, file=str(path))
    if not drawn.plans:
        finding = Finding(
            "warning",
            "drawn_lines_unused",
            "No run of the drawn lines has enough riders.",
            source=path.name,
        )
        return replace(found, findings=(*found.findings, finding))
    told = _without_riders([line.name for line in lines], drawn, path.name)
    return replace(found, drawn=drawn, findings=(*found.findings, *told))


def _without_riders(names: Sequence[str], drawn: Plans, source: str) -> list[Finding]:
    """Name the drawn lines of which no run has enough riders, where others have."""
    plan = drawn.plans[0]
    used = {plan.lines[run.line].name for run in plan.runs}
    idle = [name for name in names if name not in used]
    if not idle:
        return []
    message = "{count} drawn lines have no run with enough riders: the plan is without them."
    return [
        Finding(
            "warning", "drawn_line_unused", message, source, len(idle), examples=tuple(idle[:5])
        )
    ]


def _nothing(demand: Demand) -> Finding:
    return Finding(
        "info",
        "no_shuttle",
        "No shuttle line can be justified: {workers} white workers, none of them served by "
        "a run with enough riders.",
        params={"workers": round(demand.total)},
    )
