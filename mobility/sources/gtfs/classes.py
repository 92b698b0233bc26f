"""Transfer rules for certain routes or trips: stops told apart by who calls there.

A rule of transfers.txt may hold for the riders of some routes or trips alone. The calls that
such rules name get a stop of their own at the same place, a *copy*; every rule is then one
between two stops, the most particular one as GTFS would choose it, and holds rider by rider.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mobility.base.errors import Finding, Severity
from mobility.sources.gtfs.feed import IMPOSSIBLE, MINIMUM, TIMED, for_platforms, is_platform

#: Rules times the callers they may be for; beyond it stops stay whole.
MAX_COMBINATIONS = 1_000_000
_SIDES = ("from", "to")
_CALLERS = ["from_route", "to_route", "from_trip", "to_trip"]
_CLASS = ["stop", "route", "trip"]


def split_stops(
    stops: pd.DataFrame,
    trips: pd.DataFrame,
    stop_times: pd.DataFrame,
    transfers: pd.DataFrame,
    findings: list[Finding],
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return stops, stop times and transfers in which rules on walks name stops alone.

    Parameters
    ----------
    stops, trips, stop_times, transfers
        As in `mobility.sources.gtfs.feed.Feed`.
    findings
        What the user should know is appended here.

    Returns
    -------
    stops
        Copies stand at the end; ``copy_of`` (int32) names the stop each is a copy of, -1 for
        the feed's own.
    stop_times, transfers
        Calls and rules at the stops as they are now.
    """
    stops = stops.assign(copy_of=np.int32(-1))
    ends = transfers[[f"{s}_stop" for s in _SIDES]].to_numpy(np.int64)
    walks = (transfers["kind"] <= IMPOSSIBLE).to_numpy() & (ends >= 0).all(axis=1)
    bound = walks & (transfers[_CALLERS] >= 0).any(axis=1).to_numpy()
    if not bound.any():
        return stops, stop_times, transfers
    rules = _between_platforms(transfers[walks], stops)
    told = _pairs_told_apart(rules)
    calls = _callers(rules[rules["pair"].isin(told)], trips, stop_times)
    classes = calls.drop_duplicates().sort_values(_CLASS, ignore_index=True)
    copies = classes["stop"].duplicated().to_numpy()
    # Rules for everybody hold for all the copies.
    at_copies = (
        rules[[f"{s}_stop" for s in _SIDES]].isin(classes["stop"].to_numpy()[copies]).any(axis=1)
    )
    decided = np.union1d(told, rules.loc[at_copies, "pair"])
    rules = rules[rules["pair"].isin(decided)]
    ids = stops["stop_id"].to_numpy()
    examples = tuple(f"{ids[a]} → {ids[b]}" for a, b in ends[bound][:5])
    if _combinations(rules, classes) > MAX_COMBINATIONS:
        message = (
            "{count} transfer rules hold for certain routes or trips only; the walk between "
            "their stops is kept for all"
        )
        findings.append(_finding("warning", "transfers_by_route", message, bound, examples))
        return stops, stop_times, transfers[~bound].reset_index(drop=True)
    classes["place"] = classes["stop"].where(~copies, len(stops) + np.cumsum(copies) - 1)
    own = classes["stop"].to_numpy()[copies]
    names = [f"{ids[s]}#{k + 1}" for k, s in enumerate(own)]
    more = stops.iloc[own].assign(stop_id=names, copy_of=own.astype(np.int32))
    stop = stop_times["stop"].to_numpy().copy()
    stop[calls.index] = calls.merge(classes, how="left", on=_CLASS)["place"].to_numpy()
    replaced = bound | (walks & np.isin(ends @ [len(stops), 1], decided))
    message = "{count} transfer rules hold for certain routes or trips only, rider by rider"
    findings.append(_finding("info", "transfers_told_apart", message, bound, examples))
    return (
        pd.concat([stops, more], ignore_index=True),
        stop_times.assign(stop=stop.astype(np.int32)),
        pd.concat([transfers[~replaced], _chosen(rules, classes)], ignore_index=True),
    )


def _finding(
    severity: Severity, code: str, message: str, bound: NDArray[np.bool_], examples: tuple[str, ...]
) -> Finding:
    return Finding(
        severity, code, message, source="transfers.txt", count=int(bound.sum()), examples=examples
    )


def _between_platforms(rules: pd.DataFrame, stops: pd.DataFrame) -> pd.DataFrame:
    """Return the rules between platforms, ``pair`` and what decides among those of a pair.

    GTFS takes two trips before a trip and a route, then one trip, two routes, one route, and
    rules for everybody; among equals, those that name platforms come before stations'.
    """
    platform = is_platform(stops)
    rank = np.zeros(len(rules), np.int64)
    for side in _SIDES:
        trip, route = (rules[f"{side}_{what}"].to_numpy() >= 0 for what in ("trip", "route"))
        rank += 27 * trip + 3 * (route & ~trip) + platform[rules[f"{side}_stop"].to_numpy()]
    found = rules.assign(rank=rank)
    for side in _SIDES:
        found = for_platforms(found, f"{side}_stop", stops)
    pair = found["from_stop"].to_numpy(np.int64) * len(stops) + found["to_stop"].to_numpy()
    return found.assign(pair=pair)


def _pairs_told_apart(rules: pd.DataFrame) -> NDArray[np.int64]:
    """Return the pairs with a rule for some riders, and one that says more than "walk"."""
    some = rules.loc[(rules[_CALLERS] >= 0).any(axis=1), "pair"]
    return np.intersect1d(some, rules.loc[rules["kind"].isin((TIMED, MINIMUM, IMPOSSIBLE)), "pair"])


def _callers(rules: pd.DataFrame, trips: pd.DataFrame, stop_times: pd.DataFrame) -> pd.DataFrame:
    """Return the calls at the rules' stops: stop, and the route and trip if a rule names them.

    The index is the row of ``stop_times``; -1 stands for all that no rule names.
    """
    at = [rules[f"{s}_stop"] for s in _SIDES]
    rows = np.flatnonzero(stop_times["stop"].isin(pd.concat(at)))
    calls = pd.DataFrame(
        {"stop": stop_times["stop"].to_numpy()[rows], "trip": stop_times["trip"].to_numpy()[rows]},
        index=rows,
        dtype=np.int64,
    )
    calls["route"] = trips["route"].to_numpy(np.int64)[calls["trip"]]
    for what in ("route", "trip"):
        asked = pd.concat([rules[f"{s}_{what}"] for s in _SIDES]).to_numpy(np.int64)
        size = 1 + max(asked.max(initial=0), calls[what].max())
        named = (pd.concat(at).to_numpy(np.int64) * size + asked)[asked >= 0]
        calls[what] = calls[what].where((calls["stop"] * size + calls[what]).isin(named), -1)
    return calls[_CLASS]


def _with_rest(rules: pd.DataFrame, classes: pd.DataFrame) -> pd.DataFrame:
    """Return the classes, with one of its own for each stop of the rules that has none."""
    stops = np.unique(rules[[f"{s}_stop" for s in _SIDES]].to_numpy())
    rest = np.setdiff1d(stops, classes["stop"])
    whole = pd.DataFrame({"stop": rest, "route": -1, "trip": -1, "place": rest})
    return pd.concat([classes, whole], ignore_index=True)


def _combinations(rules: pd.DataFrame, classes: pd.DataFrame) -> int:
    size = classes["stop"].value_counts()
    many = [rules[f"{s}_stop"].map(size).fillna(1).to_numpy(np.int64) for s in _SIDES]
    return int((many[0] * many[1]).sum())


def _chosen(rules: pd.DataFrame, classes: pd.DataFrame) -> pd.DataFrame:
    """Return the rule that holds between each two classes of callers, as one between stops."""
    known = _with_rest(rules, classes)
    found = rules.assign(row=np.arange(len(rules)))
    for side in _SIDES:
        own = known.add_prefix(f"{side}_own_").rename(columns={f"{side}_own_stop": f"{side}_stop"})
        found = found.merge(own, on=f"{side}_stop")
        for what in ("route", "trip"):
            asked = found[f"{side}_{what}"]
            found = found[(asked < 0) | (asked == found[f"{side}_own_{what}"])]
    ends = [f"{s}_own_place" for s in _SIDES]
    found = found.sort_values(["rank", "row"]).drop_duplicates(ends, keep="last")
    found = found.sort_values(ends)
    place = {f"{s}_stop": found[f"{s}_own_place"].astype(np.int32) for s in _SIDES}
    return found.assign(**place, **dict.fromkeys(_CALLERS, np.int32(-1)))[
        [*place, *_CALLERS, "kind", "min_s"]
    ]
