"""What the lines cost today, who rides on each, and what a scenario changes of both.

Kilometres, hours and vehicles come from the timetable: trips of a vehicle are chained by its
``block_id``, else by layovers (`remedies.vehicles`), so that waiting between trips is paid for and
a vehicle counts once. A line's riders at risk are those whom the engine no longer finds without it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mobility.base.errors import TerritoryError
from mobility.base.i18n import number, signed, translate
from mobility.commute.access import Access, counted_rows, roster_shifts
from mobility.commute.indicators import changed_counts, whole_persons
from mobility.commute.ledger import LEAST_JOBS
from mobility.commute.line_found import trips_of_line
from mobility.commute.study import Study
from mobility.remedies.bill import Bill, priced, total
from mobility.remedies.factors import LeverFactors, factors_of
from mobility.remedies.gains import Gains, gains_between
from mobility.remedies.model import Lever, networks
from mobility.remedies.search import workbench
from mobility.remedies.vehicles import Vehicles
from mobility.sources.holidays import read_holidays
from mobility.territory.fields import WEEKDAYS
from mobility.timetable.change import DayNetwork
from mobility.timetable.runs import headways, that_leave

#: Columns of `supply` beside the line.
_SUPPLY = ["trips_year", "trips_calendar", "km_year", "hours_year", "wait_year", "vehicles"]


@dataclass(frozen=True)
class Lines:
    """The lines of a timetable.

    Attributes
    ----------
    table
        A row for the whole network (``line`` empty), then one per line: `_SUPPLY`, ``eur_year``,
        ``jobs_at_risk``, ``workers_at_risk``.
    bill
        What the whole network costs.
    """

    access: Access
    table: pd.DataFrame
    bill: Bill


@dataclass(frozen=True)
class Changed:
    """What a scenario changes.

    Attributes
    ----------
    table
        The lines that differ, and the whole network: differences of `_SUPPLY` and ``eur_year``.
    bill
        Of the differences of the whole network.
    groups
        For each roster and group (empty: everyone), workers who hold it before and after.
    lines_removed
        Those that ran on some day studied and run on none any more.
    """

    gains: Gains
    table: pd.DataFrame
    bill: Bill
    groups: pd.DataFrame
    lines_removed: tuple[str, ...]


def lines_of(access: Access) -> Lines:
    """Return what the lines of an assessed study cost, and who would be lost without each.

    Raises
    ------
    TerritoryError
        There is no timetable.
    """
    study = access.study
    if study.feed.stops.empty:
        raise TerritoryError(
            "There is no timetable, hence no line.",
            file=study.territory.path,
            column="sources.gtfs",
            mend="Name the GTFS of the networks there.",
        )
    factors = factors_of(study)
    table = _priced(supply(study), factors)
    bench = workbench(access, stops=False)
    risks: list[tuple[float, float]] = [(np.nan, np.nan)]
    loose = study.feed.frequencies.loc[~study.feed.frequencies["exact"], "trip"]
    for line, trips_year in table[["line", "trips_year"]].iloc[1:].itertuples(index=False):
        trips = trips_of_line(study.feed, line)
        # Of the others no time can be taken out.
        if not trips_year or np.isin(trips, loose).any():
            risks.append((np.nan, np.nan))
            continue
        lever = Lever("remove", tuple(trips.tolist()))
        score = bench.scores.score(bench.try_together([lever]))
        risks.append((score.jobs_lost, score.workers_lost))
    table[["jobs_at_risk", "workers_at_risk"]] = risks
    whole, rest = table.iloc[:1], table.iloc[1:]
    rest = rest.sort_values(
        ["jobs_at_risk", "workers_at_risk", "line"], ascending=[False, False, True]
    )
    found = pd.concat([whole, rest], ignore_index=True)
    return Lines(access, found, _bill(table.iloc[0], factors))


def supply(study: Study) -> pd.DataFrame:
    """Return what runs in a year: the whole network (``line`` empty), then each line by name.

    Returns
    -------
    DataFrame
        ``line``; ``trips_year``; ``trips_calendar``, see `_calendar_trips`; ``km_year`` and
        ``hours_year`` with riders; ``wait_year``, hours between trips of a vehicle; ``vehicles``,
        the most out at once on a day studied: the network's are fewer than the sum of its lines'
        where these are not all out at once. A line that runs on no day studied has trips by the
        calendar alone.
    """
    detour = factors_of(study).rows["line_detour"].value
    nets = networks(study)
    vehicles = Vehicles(study, nets)
    names = np.array(study.feed.line_names, object)
    parts = [
        _of_day(study, network, vehicles.links[kind], names).assign(
            days=study.days_of_kind(kind), kind=kind
        )
        for kind, network in nets.items()
    ]
    calls = pd.concat(parts, ignore_index=True)
    calls["km"] *= detour
    calendar = _calendar_trips(study)
    runs = calendar["studied"] > 0
    days = calendar[runs].assign(calendar=lambda c: c["year"] / c["studied"])
    calls = calls.merge(days[["kind", "line", "calendar"]], on=["kind", "line"], how="left")
    calls["calendar"] = calls["calendar"].fillna(calls["days"])
    others = calendar[~runs].groupby("line")["year"].sum()
    by_line = {str(line): mine for line, mine in calls.groupby("line")}
    rows = [_year("", calls, float(others.sum()))]
    rows += [
        _year(line, by_line.get(line, calls.iloc[:0]), float(others.get(line, 0.0)))
        for line in sorted({*by_line, *_lines_that_run(study)})
    ]
    return pd.DataFrame(rows, columns=["line", *_SUPPLY])


def _lines_that_run(study: Study) -> set[str]:
    """Return the lines with a timetable that run on some date of its calendar."""
    feed = study.feed
    if feed.period is None:
        return set()
    first, last = (date.toordinal() for date in feed.period)
    service = feed.trips["service"].to_numpy()
    # Booked trips that call at two stops at least by the clock run as any other.
    timed = np.flatnonzero(feed.runnable & (service >= 0))
    runs = np.asarray(feed.services.between(first, last).any(axis=1))
    return {feed.line_names[trip] for trip in timed if runs[service[trip]]}


def _calendar_trips(study: Study) -> pd.DataFrame:
    """Return how many trips of a line run in a year, if weekdays are not taken to be alike.

    Each weekday has the trips of a date of its own: of those within a week or so of the day studied
    and of its kind, the one with most nearly as many trips, so that a public holiday that nobody
    told is none of them. Where there is none, it has those of the day studied. A line that rests
    on Fridays has fewer trips than on the days of its kind, see `Study.days_of_kind`; one that runs
    on Fridays alone has some, though none on the day studied.

    Returns
    -------
    DataFrame
        ``kind``, ``line``, ``studied`` (trips of the day studied) and ``year``, float64.
    """
    feed, names = study.feed, pd.Series(study.feed.line_names, dtype=object)

    def trips(date: dt.date) -> pd.Series:
        on = feed.trips_on(date)
        return pd.Series(feed.departures[on], dtype=float).groupby(names[on].to_numpy()).sum()

    first, last = feed.period or (dt.date.max, dt.date.min)
    parts = []
    for day in study.days:
        monday = day.date - dt.timedelta(days=day.date.weekday())
        near = [monday + dt.timedelta(days=k) for k in (*range(7), *range(-7, 0), *range(7, 14))]
        holidays = read_holidays(study.territory.days, min(near), max(near))
        like = {
            date: trips(date)
            for date in near
            if holidays.kind(date) == holidays.kind(day.date) and first <= date <= last
        }
        studied = trips(day.date)
        year = studied * 0.0
        for weekday in day.weekdays:
            own = [t for date, t in like.items() if WEEKDAYS[date.weekday()] == weekday]
            that = min(own or [studied], key=lambda t: abs(float(t.sum() - studied.sum())))
            year = year.add(that * study.weeks(day), fill_value=0.0)
        both = pd.DataFrame({"studied": studied, "year": year}).fillna(0.0)
        parts.append(both.rename_axis("line").reset_index().assign(kind=day.kind))
    return pd.concat(parts, ignore_index=True)


def _of_day(
    study: Study, network: DayNetwork, links: dict[int, tuple[int, int]], names: np.ndarray
) -> pd.DataFrame:
    """Return the trips of a day: line, straight km, hours, hours of waiting, start and end."""
    tt, pieces = network.timetable, network.pieces
    own = np.flatnonzero(tt.run_day[pieces.run] == 0)
    stops = study.feed.stops
    xy = study.streets.project(stops["lon"].to_numpy(), stops["lat"].to_numpy())[tt.call_stop]
    leg = np.hypot(*np.diff(xy, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(np.where(np.isfinite(leg), leg, 0.0))])
    start, end = pieces.start_s[own].astype(np.int64), pieces.end_s[own].astype(np.int64)
    after = np.array([links[int(k)][1] for k in own], np.int64)
    leaves = np.where(after >= 0, pieces.start_s[after], end)
    first, last, trip = pieces.first_call[own], pieces.last_call[own], pieces.trip[own]
    # Trips at a headway without exact times: what they drive is known, where a vehicle waits not.
    late = headways(tt)
    loose = that_leave(tt, np.flatnonzero((tt.run_day == 0) & (late > 0)))
    calls, ends = tt.run_ptr[loose], tt.run_ptr[loose + 1] - 1
    first, last = np.append(first, calls), np.append(last, ends)
    trip = np.append(trip, tt.call_trip[calls])
    start = np.append(start, tt.call_dep[calls])
    end = np.append(end, tt.call_arr[ends] - late[loose])
    leaves = np.append(leaves, end[own.size :])
    return pd.DataFrame(
        {
            "line": names[trip],
            "km": (along[last] - along[first]) / 1000,
            "hours": (end - start) / 3600,
            "wait": (leaves - end) / 3600,
            "start": start,
            "end": np.maximum(leaves, end),
        }
    )


def _year(line: str, calls: pd.DataFrame, others: float) -> tuple[object, ...]:
    """Return the row of a line; ``others`` are trips on days like none of those studied."""
    days = calls["days"]
    most = max((_out_at_once(mine) for _, mine in calls.groupby("kind")), default=0)
    sums = [float((calls[name] * days).sum()) for name in ("km", "hours", "wait")]
    return (line, float(days.sum()), float(calls["calendar"].sum()) + others, *sums, most)


def _out_at_once(calls: pd.DataFrame) -> int:
    """Return the most vehicles out at once; one may leave in the second another is back."""
    start, end = np.sort(calls["start"].to_numpy()), np.sort(calls["end"].to_numpy())
    out = start.searchsorted(start, side="right") - end.searchsorted(start, side="right")
    return int(out.max(initial=0))


def _bill(row: pd.Series, factors: LeverFactors) -> Bill:
    """Return what driving, waiting and vehicles cost, or would save where they are fewer."""
    return (
        priced(factors, "Driving with riders", row["hours_year"], "hours", "bus_hour"),
        priced(factors, "Waiting between trips", row["wait_year"], "hours", "bus_wait_hour"),
        priced(factors, "Vehicles", row["vehicles"], "vehicles", "bus_vehicle_year"),
    )


def _priced(table: pd.DataFrame, factors: LeverFactors) -> pd.DataFrame:
    eur = [total(_bill(row, factors)) for _, row in table.iterrows()]
    return table.assign(eur_year=eur)


def changed(before: Access, after: Access) -> Changed:
    """Return what a scenario changes of the lines, their cost and who holds a roster."""
    factors = factors_of(after.study)
    was, now = (
        supply(a.study).set_index("line").drop(columns="trips_calendar") for a in (before, after)
    )
    # Sums of many legs differ by less than a metre, or a second, from run to run.
    more = now.sub(was, fill_value=0.0)
    more = more.mask(more.round(3) == 0, 0.0)
    more = more[(more != 0).any(axis=1) | (more.index == "")]
    table = _priced(more.reset_index(), factors)
    ran = was.index[(was["trips_year"] > 0) & (was.index != "")]
    removed = ran.difference(now.index[now["trips_year"] > 0])
    return Changed(
        gains_between(before, after), table, _bill(table.iloc[0], factors), _groups(before, after),
        tuple(map(str, removed)),
    )  # fmt: skip


def _groups(before: Access, after: Access) -> pd.DataFrame:
    """Return who holds each roster before and after, everyone and by group."""
    study = before.study
    pairs = zip(
        roster_shifts(study), counted_rows(before.rosters), counted_rows(after.rosters), strict=True
    )
    rows = []
    for (site, roster), r, s in pairs:
        was, now = before.rosters.holds[r], after.rosters.holds[s]
        for group in ("", *study.homes.groups):
            people = study.members(group, site, roster) if group else study.pool(site, roster)
            name = {"site": study.sites[site].name, "roster": roster, "group": group}
            rows.append({**name, **changed_counts(people, was, now)})
    return whole_persons(pd.DataFrame(rows), ["pool", "before", "after", "gained", "lost"])


def sentences(found: Changed, language: str) -> list[str]:
    """Return what a scenario changes, in a language."""
    whole = found.table.iloc[0]
    texts = [
        translate(
            "A year: {km} km, {hours} vehicle-hours and {eur} EUR more or less, vehicles "
            "{vehicles}.",
            language,
            **{
                name: signed(whole[key], language)
                for name, key in (
                    ("km", "km_year"),
                    ("hours", "hours_year"),
                    ("eur", "eur_year"),
                    ("vehicles", "vehicles"),
                )
            },
        )
    ]
    gained, lost = found.gains.rosters.jobs, found.gains.rosters_lost.jobs
    if max(gained, lost) < LEAST_JOBS:
        return [*texts, translate("No job gains or loses its whole roster.", language)]
    text = "{gained} jobs gain their whole roster, {lost} lose theirs."
    told = {"gained": number(gained, language), "lost": number(lost, language)}
    return [*texts, translate(text, language, **told)]
