"""Figures that a mayor reads: who is reached, who is not, and why, by site and roster."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mobility.commute.access import Access, counted_rows, roster_shifts
from mobility.commute.white_zones import NEITHER, OUTBOUND_ONLY, REASONS, RETURN_ONLY, WhiteZones
from mobility.sources.homes.read import Homes


def summary(access: Access, zones: WhiteZones) -> pd.DataFrame:
    """Return the figures of each site and roster under the worst-of rule.

    Returns
    -------
    DataFrame
        ``site``, ``employer``, ``roster``, ``headcount``, ``pool`` (workers), ``reachable``,
        ``white`` (all others), of them ``one_way_only`` and ``neither`` (no direction on some
        working day), ``share`` (reachable over pool), ``is_white`` (share under
        ``white_site_share``) and ``main_reason``.
    """
    study = access.study
    found = access.rosters
    rows = []
    for r, ((site, roster), mine) in zip(
        counted_rows(found), roster_shifts(study).items(), strict=True
    ):
        workers = study.pool(site, roster)
        holds = found.holds[r]
        one_way = ~holds & (found.out_always[r] | found.back_always[r])
        rows.append(
            {
                "site": study.sites[site].name,
                "employer": study.sites[site].employer,
                "roster": roster,
                "headcount": sum(study.shift_rows[i].headcount for i in mine),
                "pool": workers.sum(),
                "reachable": workers @ holds,
                "white": workers @ ~holds,
                "one_way_only": workers @ one_way,
                "neither": workers @ ~(holds | one_way),
                "share": _share(workers @ holds, workers.sum()),
                "main_reason": main_reason(zones, mine, workers),
            }
        )
    frame = pd.DataFrame(rows)
    frame["is_white"] = frame["share"] < study.territory.limits.white_site_share
    return frame


def by_shift(access: Access, zones: WhiteZones) -> pd.DataFrame:
    """Return the figures of each site, roster, shift and kind of day.

    Returns
    -------
    DataFrame
        Identification columns of the shift, ``day_kind``, ``pool``, ``reachable``, ``white``, of
        them ``outbound_only``, ``return_only`` and ``neither``; ``share``, ``is_white``,
        ``main_reason`` and one ``reason_*`` column of workers per reason.
    """
    study = access.study
    rows = []
    for z, (shift_id, day_kind) in enumerate(zones.keys.itertuples(index=False)):
        shift = study.shift_rows[shift_id]
        workers = study.pool(shift.site, shift.roster)
        status = np.bincount(zones.status[z], weights=workers, minlength=4)
        reason = np.bincount(zones.reason[z], weights=workers, minlength=len(REASONS))
        rows.append(
            {
                "site": shift.site_name,
                "roster": shift.roster,
                "shift": shift.shift,
                "day_kind": day_kind,
                "headcount": shift.headcount,
                "pool": workers.sum(),
                "reachable": status[0],
                "white": status[1:].sum(),
                "outbound_only": status[OUTBOUND_ONLY],
                "return_only": status[RETURN_ONLY],
                "neither": status[NEITHER],
                "share": _share(status[0], workers.sum()),
                "main_reason": _main(reason),
            }
            | {f"reason_{name}": reason[i] for i, name in enumerate(REASONS) if name}
        )
    frame = pd.DataFrame(rows)
    frame["is_white"] = frame["share"] < study.territory.limits.white_site_share
    return frame


def by_group(access: Access) -> pd.DataFrame:
    """Return, per site and roster, how many of each group can hold the roster.

    Returns
    -------
    DataFrame
        ``site``, ``roster``, ``group``, ``total``, ``reachable``, ``share``; empty without
        groups.
    """
    study = access.study
    homes: Homes = study.homes
    found = access.rosters
    rows = []
    for r in counted_rows(found):
        for group in homes.groups:
            people = homes.frame[group].to_numpy(np.float64)
            reached = people @ found.holds[r]
            rows.append(
                (
                    found.keys.at[r, "site_name"],
                    found.keys.at[r, "roster"],
                    group,
                    people.sum(),
                    reached,
                    _share(reached, people.sum()),
                )
            )
    return pd.DataFrame(rows, columns=["site", "roster", "group", "total", "reachable", "share"])


def main_reason(zones: WhiteZones, shift_ids: list[int], workers: NDArray[np.float64]) -> str:
    """Return the reason that keeps most workers away over some shifts, empty when none does."""
    total = np.zeros(len(REASONS))
    for z in np.flatnonzero(zones.keys["shift_id"].isin(shift_ids)):
        total += np.bincount(zones.reason[z], weights=workers, minlength=len(REASONS))
    return _main(total)


def _main(reason: NDArray[np.generic]) -> str:
    return REASONS[int(reason[1:].argmax()) + 1] if reason[1:].any() else ""


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0
