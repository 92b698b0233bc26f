"""What a scenario does to timetables: feeds beside them, trips and lines changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import numpy as np

from mobility.base.clock import format_clock
from mobility.base.errors import Finding, TerritoryError
from mobility.commute.additions import with_feed
from mobility.commute.data_sheet import DataSheet, data_sheet, misplaced, sheet_findings
from mobility.commute.line_changes import with_lines
from mobility.commute.modes import check_riding
from mobility.commute.study import Study, Timetables
from mobility.commute.variants import variant, with_timetables
from mobility.engine.journeys import TwoWay
from mobility.sources.gtfs.read import Feed, read_feed
from mobility.territory.changes import FeedChange, TripChange
from mobility.timetable.arrays import RunArrays, join_runs
from mobility.timetable.change import (
    FEW,
    DayNetwork,
    mended,
    moved,
    one_run,
    only_trips,
    with_runs,
    without_trips,
)

#: How, trips (indices into the feed's trips) and seconds later.
Edit = tuple[str, tuple[int, ...], int]


def with_timetable(study: Study, path: Path, *, scenario: str) -> Study:
    """Return the study with one more feed, read from its file; see `additions.with_feed`.

    Raises
    ------
    TerritoryError
        Public transport runs already and is not among the modes.
    """
    check_riding(study.territory, has_timetable=study.has_timetable)
    extra = read_feed(path)
    told = (*misplaced(study.streets, extra), *_idle(study, extra, path))
    return with_feed(study, extra, scenario=scenario, findings=told)


def _idle(study: Study, extra: Feed, path: Path) -> Iterator[Finding]:
    """Say on which of the dates studied, and worked, a feed does not run."""
    shifts = range(len(study.shift_rows))
    dates = {day.date for day in study.days if any(study.works_on(s, day) for s in shifts)}
    # What leaves in the evening arrives on the date after.
    idle = {
        date
        for date in dates
        if not any(extra.trips_on(date - dt.timedelta(days=k)).size for k in (0, 1))
    }
    if idle:
        # Beside other timetables a line for some days is usual.
        much = idle == dates or not study.has_timetable
        yield Finding(
            "warning" if much else "info",
            "feed_idle",
            "The timetable that is added does not run on {count} of the {all} dates studied, and "
            "changes nothing there. Give it services on them, or study others (days.dates)",
            path.name,
            count=len(idle),
            examples=tuple(date.isoformat() for date in sorted(idle)[:5]),
            params={"all": len(dates)},
        )


def _with_feed(study: Study, change: FeedChange) -> Study:
    """Return the study with one more feed; its own trips and stops keep their ids."""
    path = study.territory.resolve(change.file)
    found = with_timetable(study, path, scenario=study.scenario)
    feed, own = found.feed, study.feed
    names = {}
    for table, column in (("trips", "trip_id"), ("stops", "stop_id")):
        now, was = getattr(feed, table), getattr(own, table)[column]
        names[table] = now.assign(**{column: [*was, *now[column][len(was) :]]})
    return replace(found, feed=replace(feed, **names))


def with_trips(study: Study, changes: Sequence[TripChange]) -> Study:
    """Return the study with trips moved, added or taken out.

    Raises
    ------
    TerritoryError
        There is no such trip, it has no times of its own to move, or its vehicle would be in
        two places at once.
    """
    if not changes:
        return study
    edits = _edits(study, changes)
    makers = {kind: partial(_edited, study, kind, edits) for kind in study.timetables}
    return with_timetables(study, Timetables(makers))


def _edits(study: Study, changes: Sequence[TripChange]) -> list[Edit]:
    """Return the changes by the indices of their trips, once they can be."""
    feed, file = study.feed, study.territory.path
    names = feed.trips["trip_id"].astype(str)
    places = {
        n: int(k) for n in {t for c in changes for t in c.trips} for k in np.flatnonzero(names == n)
    }
    headway = set(feed.frequencies["trip"].tolist())
    edits: list[Edit] = []
    for number, change in enumerate(changes, 1):
        column = f"changes.trips.{number}.trips"
        for name in change.trips:
            if name not in places:
                raise TerritoryError(
                    "There is no trip of this trip_id in the timetables.",
                    file=file,
                    column=column,
                    value=name,
                    mend="Take it from trips.txt; with several timetables, write the number of "
                    "the timetable, from 0 on, and a colon before it.",
                )
            if places[name] in headway:
                raise TerritoryError(
                    "This trip keeps a headway; it has no times of its own to move.",
                    file=file,
                    column=column,
                    value=name,
                    mend="Name a trip that is not in frequencies.txt.",
                )
        trips = tuple(places[name] for name in change.trips)
        edits.append((change.how, trips, 60 * change.minutes))
        if change.how == "move":
            _refuse_overlap(feed, trips, 60 * change.minutes, file, column)
    return edits


def _refuse_overlap(
    feed: Feed, trips: tuple[int, ...], by_s: int, file: Path | None, column: str
) -> None:
    """Raise where a moved trip and another of its vehicle would be on the way at once."""
    blocks = feed.trips["block_id"].fillna("").astype(str).to_numpy(object)
    services = feed.trips["service"].to_numpy()
    ptr, times = feed.trip_ptr, feed.stop_times
    leave, reach = times["departure_s"].to_numpy(), times["arrival_s"].to_numpy()

    def span(trip: int) -> tuple[int, int]:
        by = by_s if trip in trips else 0
        return int(leave[ptr[trip]]) + by, int(reach[ptr[trip + 1] - 1]) + by

    for trip in trips:
        if not blocks[trip] or ptr[trip] == ptr[trip + 1]:
            continue
        mates = np.flatnonzero((blocks == blocks[trip]) & (services == services[trip]))
        start, end = span(trip)
        for mate in (int(m) for m in mates if m != trip and ptr[m] < ptr[m + 1]):
            other_start, other_end = span(mate)
            was = int(leave[ptr[trip]]) < int(reach[ptr[mate + 1] - 1]) and int(
                leave[ptr[mate]]
            ) < int(reach[ptr[trip + 1] - 1])
            if start < other_end and other_start < end and not was:
                raise TerritoryError(
                    "Its vehicle is then still, or already, on trip {other}, from {start} to "
                    "{end}.",
                    file=file,
                    column=column,
                    value=feed.trips["trip_id"].iloc[trip],
                    mend="Move it by less, or move both trips.",
                    other=feed.trips["trip_id"].iloc[mate],
                    start=format_clock(other_start),
                    end=format_clock(other_end),
                )


def _edited(study: Study, kind: str, edits: Sequence[Edit]) -> TwoWay:
    """Return the timetable of a kind of day with the changes in it."""
    two_way = study.timetables[kind]
    network = DayNetwork(kind, two_way.timetable)
    shifts = _whole_moves(network, edits)
    if shifts is not None:
        place = two_way.mirror_run
        back = {int(place[run]): -by_s for run, by_s in shifts.items()}
        mirror = with_runs(two_way.mirror.timetable, shifted=back)
        return TwoWay(with_runs(two_way.timetable, shifted=shifts), known_mirror=mirror)
    changed: dict[int, RunArrays] = {}
    added: list[RunArrays] = []
    for how, trips, by_s in edits:
        for run in network.runs_of(trips).tolist():
            now = changed.get(run, one_run(network, run))
            if how == "add":
                added.append(moved(only_trips(one_run(network, run), trips), trips, by_s))
            elif how == "move":
                changed[run] = moved(now, trips, by_s)
            else:
                changed[run] = without_trips(now, trips)
    added += [mended(run) for run in changed.values() if run.call_trip.size]
    new = with_runs(network.timetable, added=join_runs(added), removed=list(changed))
    return TwoWay(new)


def _whole_moves(network: DayNetwork, edits: Sequence[Edit]) -> dict[int, int] | None:
    """Return by how much runs move, where nothing else is done and each moves as a whole."""
    shifts: dict[int, int] = {}
    for how, trips, by_s in edits:
        runs = network.runs_of(trips).tolist()
        if how != "move" or len(shifts) + len(runs) > FEW:
            return None
        for run in runs:
            if run in shifts or not network.is_single[run]:
                return None
            shifts[run] = by_s
    return shifts


def with_timetable_changes(study: Study) -> Study:
    """Return a study with the feeds that its scenario adds, and the trips and lines it changes."""
    changes, changed = study.territory.changes, study
    for feed in changes.feeds:
        changed = _with_feed(changed, feed)
    changed = with_lines(with_trips(changed, changes.trips), changes.lines)
    if changed is study:
        return study
    made = changed

    @cache
    def sheet() -> DataSheet:
        day_runs = {k: DayNetwork(k, both.timetable).runs for k, both in made.timetables.items()}
        return data_sheet(made, day_runs)

    was = () if study.sheet is None else sheet_findings(study.sheet, study)
    now = sheet_findings(sheet(), made)
    kept = tuple(f for f in made.findings if f not in was and f not in now)
    return variant(changed, lambda one: replace(one, sheet_of=sheet, findings=(*now, *kept)))
