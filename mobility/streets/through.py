"""Streets closed to through traffic: used at the start and at the end of a way only."""

from __future__ import annotations

import numpy as np

from mobility.base.cache import Bundle
from mobility.streets.arcs import TurnTimes, open_key
from mobility.streets.graph import Streets
from mobility.streets.snap import components


def without_through_traffic(
    streets: Streets, times: TurnTimes, local: np.ndarray, gates: np.ndarray
) -> TurnTimes:
    """Return times by which some pieces, bool (m,), are not for through traffic.

    What can be come to and left again over such pieces alone, like the streets of an estate
    behind them, lies on them: it is not for through traffic either. So is what lies behind
    ``gates``, int64 (t, 2), turns that are not for through traffic; one that leads from a street
    open to all to another is barred.
    """
    local = local & (np.isfinite(times[0]) | np.isfinite(times[1]))
    if not local.any() and not len(gates):
        return times
    known = streets.any_hour.worked_out.local
    # Where one may go says it all: at most hours it is as at any.
    key = open_key(times), local.tobytes(), gates.tobytes()
    if key not in known:
        said = ["through", key[0], local, gates]
        found = streets.kept(said, lambda: _without(streets, times, local, gates))
        known[key] = np.asarray(found["barred"]), found.get("local")
    barred, closed = known[key]
    return TurnTimes(*times, barred, times.sequences, closed)


def _without(streets: Streets, times: TurnTimes, local: np.ndarray, gates: np.ndarray) -> Bundle:
    """Return the barred turns, and the pieces closed to through traffic where there are some."""
    uv, vu = times
    whole = components(streets, times)
    open_uv, open_vu = (np.where(local, np.inf, seconds) for seconds in (uv, vu))
    barred = np.unique(np.concatenate([times.barred, gates]), axis=0)
    apart = components(streets, TurnTimes(open_uv, open_vu, barred, times.sequences))
    # The longest part of each connected whole is where through traffic is.
    known = (apart >= 0) & (whole >= 0)
    length = np.bincount(apart[known], streets.length_m[known], minlength=1)
    part, first = np.unique(apart[known], return_index=True)
    around = whole[known][first]
    order = np.lexsort((-length[part], around))
    longest = np.full(int(whole.max(initial=0)) + 1, -2)
    heads = np.r_[True, around[order][1:] != around[order][:-1]] if len(order) else []
    longest[around[order][heads]] = part[order][heads]
    behind = (whole >= 0) & (apart != longest[whole]) & (longest[whole] >= 0)
    local = local | behind
    past = gates[~local[gates // 2].any(axis=1)]
    barred = np.unique(np.concatenate([times.barred, past]), axis=0)
    return {"barred": barred, "local": local} if local.any() else {"barred": barred}
