"""Our times beside others': another engine's matrix, or times that were observed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mobility.base.clock import format_clock
from mobility.base.errors import SourceError
from mobility.base.i18n import translate
from mobility.base.literal import unmarked
from mobility.commute.examples import LegText, answers
from mobility.commute.study import Study
from mobility.sources.columns import Table
from mobility.sources.layers import need_file
from mobility.sources.tables import read_table

#: How other tools call the time of a pair, and how many of its units make a minute.
TIMES = (("travel_time", 1), ("total_time", 1), ("travel_time_p50", 1), ("travel_time_s", 60))
KEYS = ("direction", "edge", "day_kind", "mode")
_WORST = 10


@dataclass(frozen=True)
class Against:
    """Two matrices of one study, pair by pair.

    Attributes
    ----------
    agreement
        A row per site, direction, edge, kind of day and mode that the other matrix has; a pair that
        it leaves out is one that it does not reach (`_with_absent`).
    worst
        Pairs of the largest differences first, then those that only one of the two reaches, with
        our itinerary in words and the lines the other gives.
    """

    agreement: pd.DataFrame
    worst: pd.DataFrame


def against(
    study: Study, ours: pd.DataFrame, path: Path, *, worst: int = _WORST, language: str = "en"
) -> Against:
    """Compare a matrix of a study with one from a file.

    Parameters
    ----------
    ours
        What `mobility.matrix` returns.
    path
        CSV, workbook or Parquet with ``from_id``, ``to_id`` and a time (`TIMES`). ``direction``
        is told by which of the two is the home; ``edge``, ``day_kind`` and ``mode`` may be left
        out where ours has one only of that pair, the mode being public transport if evaluated.
    worst
        Pairs told one by one, at most.

    Raises
    ------
    SourceError
        The file is wrong; names row, column, value and mend.
    """
    table = _read(path)
    theirs = _with_absent(_theirs(study, table, ours))
    asked = [ours[name].isin(theirs[name].unique()).to_numpy() for name in KEYS]
    some = ours[np.logical_and.reduce(asked)]
    sides = some.assign(home_id=_end(some, home=True), site=_end(some, home=False))
    keys = ["home_id", "site", *KEYS]
    sides = sides[[*keys, "travel_time"]].astype(dict.fromkeys(KEYS, str))
    both = theirs.merge(sides, on=keys, how="left", validate="many_to_one")
    both = both.rename(columns={"travel_time": "ours_min"})
    both["ours_min"] = both["ours_min"].astype(float)
    both["diff_min"] = both["ours_min"] - both["theirs_min"]
    return Against(_agreement(both), _worst(study, both, worst, language))


def _end(ours: pd.DataFrame, *, home: bool) -> pd.Series:
    """Return the home, or the site, of each pair."""
    outbound = (ours["direction"] == "outbound").to_numpy()
    start, end = ours["from_id"].astype(str), ours["to_id"].astype(str)
    return start.where(outbound, end) if home else end.where(outbound, start)


def _read(path: Path) -> Table:
    need_file(path)
    if path.suffix.lower() != ".parquet":
        return read_table(path)
    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise SourceError(
            "It cannot be read: {reason}.",
            file=path,
            mend="Write it again as Parquet or as CSV.",
            reason=str(error).splitlines()[0][:120],
        ) from None
    return Table(path, frame.set_axis(range(1, len(frame) + 1)))


def _theirs(study: Study, table: Table, ours: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the other matrix, each with the site, home and edge it is about."""
    # What `mobility matrix` wrote as CSV is read back as it was.
    start, end = (table.texts(table.need(name)).map(unmarked) for name in ("from_id", "to_id"))
    homes, sites = set(study.homes.ids), {site.name for site in study.sites}
    outbound = (start.isin(homes) & end.isin(sites)).to_numpy()
    inbound = (start.isin(sites) & end.isin(homes)).to_numpy()
    lost = np.flatnonzero(~(outbound | inbound))
    if lost.size:
        k = int(lost[0])
        value = f"{start.iloc[k]} → {end.iloc[k]}"
        raise table.error(
            "This pair is no home and site of the territory.",
            row=table.frame.index[k],
            column="from_id, to_id",
            value=value,
            mend="Use the identifiers of mobility matrix: home_id and the name of the site.",
        )
    frame = pd.DataFrame(
        {
            "row": table.frame.index,
            "home_id": np.where(outbound, start, end),
            "site": np.where(outbound, end, start),
            "direction": np.where(outbound, "outbound", "return"),
            "theirs_min": _minutes(table),
            "theirs": _lines(table),
        }
    )
    for name in KEYS[1:]:
        column = table.find(name)
        frame[name] = "" if column is None else table.texts(column).to_numpy()
    return _completed(frame, table, ours)


def _minutes(table: Table) -> np.ndarray:
    """Return their minutes, NaN where they have no journey."""
    name, per_min = next(((n, u) for n, u in TIMES if table.find(n)), TIMES[0])
    column = table.need(name)
    texts = table.texts(column)
    empty = texts.isin(["", "NA", "nan", "NaN", "<NA>"]).to_numpy()
    filled = Table(table.file, table.frame[~empty], decimal_comma=table.decimal_comma)
    minutes = np.full(len(texts), np.nan)
    if not empty.all():
        minutes[~empty] = filled.numbers(column, minimum=0) / per_min
    return minutes


def _lines(table: Table) -> np.ndarray:
    column = table.find("routes", ["route_id", "route_short_name"])
    if column is None:
        return np.full(len(table.frame), "", object)
    return table.texts(column).to_numpy(object)


def _completed(frame: pd.DataFrame, table: Table, ours: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with what they leave out; a value that ours does not have is an error."""
    outbound = (ours["direction"] == "outbound").to_numpy()
    ends = ((outbound, "to_id"), (~outbound, "from_id"))
    sites = [ours.loc[way, [*KEYS, end]].drop_duplicates() for way, end in ends]
    known = pd.concat([one.set_axis([*KEYS, "site"], axis=1).astype(str) for one in sites])
    known = known.sort_index()
    modes = known["mode"].unique()
    frame.loc[frame["mode"] == "", "mode"] = "transit" if "transit" in modes else modes[0]
    found = []
    for asked, group in frame.groupby(["site", *KEYS], sort=False):
        rows = group.copy()
        match = known[known["site"] == asked[0]]
        for name, value in zip(KEYS, asked[1:], strict=True):
            have = sorted(match[name].unique())
            wanted = str(value).strip()[:5] if name == "edge" else str(value)
            if not wanted and len(have) == 1:
                wanted = have[0]
            if wanted not in have:
                raise table.error(
                    "Which of these is meant? {known}."
                    if not wanted
                    else "It is none of these: {known}.",
                    row=rows["row"].iloc[0],
                    column=name,
                    value=value or None,
                    mend="Write one of them in a column {name}.",
                    name=name,
                    known=", ".join(have),
                )
            rows.loc[:, name] = wanted
            match = match[match[name] == wanted]
        found.append(rows)
    frame = pd.concat(found, ignore_index=True)
    twice = frame.duplicated(["home_id", "site", *KEYS]).to_numpy()
    if twice.any():
        k = int(np.argmax(twice))
        raise table.error(
            "This pair stands twice.",
            row=frame["row"].iloc[k],
            column="from_id, to_id",
            value=f"{frame['home_id'].iloc[k]}, {frame['site'].iloc[k]}",
            mend="Keep one row a pair, e.g. the median of the departures.",
        )
    return frame


def _with_absent(theirs: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with those that a tool leaves out because it does not reach them.

    One that writes empty times leaves none out. Of any other each home is paired with whatever is
    asked of some home: site, direction, edge, kind of day and mode.
    """
    if theirs["theirs_min"].isna().any():
        return theirs
    asked = theirs[["site", *KEYS]].drop_duplicates()
    every = theirs[["home_id"]].drop_duplicates().merge(asked, how="cross")
    found = every.merge(theirs, how="left", on=["home_id", "site", *KEYS])
    return found.fillna({"theirs": ""})


def _agreement(both: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for asked, group in both.groupby(["site", *KEYS], sort=False):
        ours, theirs = (group[name].notna().to_numpy() for name in ("ours_min", "theirs_min"))
        away = group["diff_min"].to_numpy()[ours & theirs]
        figures = (np.median(away), np.quantile(np.abs(away), 0.9)) if away.size else (np.nan,) * 2
        near = [float(np.mean(np.abs(away) <= m)) if away.size else np.nan for m in (2, 5)]
        rows.append((
            *asked, len(group), int((ours & theirs).sum()), int((ours & ~theirs).sum()),
            int((~ours & theirs).sum()), *np.round(figures, 2), *np.round(near, 4),
        ))  # fmt: skip
    names = ["pairs", "both", "ours_only", "theirs_only", "median_diff_min", "p90_diff_min",
             "within_2_min", "within_5_min"]  # fmt: skip
    return pd.DataFrame(rows, columns=["site", *KEYS, *names])


def _worst(study: Study, both: pd.DataFrame, worst: int, language: str) -> pd.DataFrame:
    """Return the pairs that differ most: by minutes, then those that one side only reaches."""
    away = both["diff_min"].abs()
    one_only = both["ours_min"].notna() != both["theirs_min"].notna()
    order = np.lexsort((both["row"], -away.fillna(-1), one_only))
    chosen = both.iloc[order][(away.gt(0) | one_only).iloc[order].to_numpy()].head(worst)
    words = [_itinerary(study, row, language) for row in chosen.to_dict("records")]
    columns = ["home_id", "site", *KEYS, "ours_min", "theirs_min", "diff_min"]
    return chosen[columns].round(2).assign(ours=words, theirs=chosen["theirs"].to_numpy())


def _itinerary(study: Study, row: Mapping[Any, Any], language: str) -> str:
    """Return our journey of a pair in words, empty for modes that have none."""
    if row["mode"] != "transit":
        return ""
    returning = row["direction"] == "return"
    day = next(d for d in study.days if d.kind == row["day_kind"])
    shift_id = next(
        r.shift_id
        for r in study.shift_rows
        if r.site_name == row["site"]
        and format_clock(r.end_s if returning else r.start_s) == row["edge"]
        and study.works_on(r.shift_id, day)
    )
    edge = answers(study, shift_id, day.kind)[int(returning)]
    home = int(np.flatnonzero(study.homes.ids == row["home_id"])[0])
    return spoken(edge.texts(home), language)


def spoken(legs: Sequence[LegText], language: str) -> str:
    """Return a journey on one line: clock times, kind, line and places of each leg."""
    return " · ".join(_spoken(legs, language))


def _spoken(legs: Sequence[LegText], language: str) -> Iterator[str]:
    for leg in legs:
        what = " ".join(filter(None, [translate(leg.kind, language), leg.line]))
        yield f"{leg.clocks(language)} {what} ({leg.from_name or '⌂'} → {leg.to_name or '⌂'})"
