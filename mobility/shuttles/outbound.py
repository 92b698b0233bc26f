"""In which order a line's stops are served on the way home."""

from __future__ import annotations

from itertools import permutations

from mobility.shuttles.model import UNREACHED, Floats, Ints

_EXACT_ORDER = 7


def outbound_order(
    drive_s: Ints, from_anchor_s: Ints, order_in: tuple[int, ...], riders: Floats
) -> tuple[int, ...]:
    """Return the outbound order of a line's stops.

    The order minimises the run's duration, then the riders' seconds: over every order up to
    seven stops, by moving and reversing pieces of the mirrored inbound order above.

    Parameters
    ----------
    drive_s, from_anchor_s
        [P,P] and [P] seconds.
    order_in
        Stops in inbound order.
    riders
        float64[P] riders at each stop.
    """

    def cost(order: tuple[int, ...]) -> tuple[int, float]:
        clock, rider_s, before = 0, 0.0, -1
        for stop in order:
            clock += int(from_anchor_s[stop] if before < 0 else drive_s[before, stop])
            rider_s += float(riders[stop]) * clock
            before = stop
        return min(clock, UNREACHED), rider_s

    best = tuple(reversed(order_in))
    if len(best) <= _EXACT_ORDER:
        return min(permutations(sorted(best)), key=cost) if best else best
    value, better = cost(best), True
    while better:
        better = False
        for candidate in _neighbours(best):
            trial = cost(candidate)
            if trial < value:
                best, value, better = candidate, trial, True
    return best


def _neighbours(order: tuple[int, ...]) -> list[tuple[int, ...]]:
    n = len(order)
    out = [
        order[:i] + order[i : j + 1][::-1] + order[j + 1 :]
        for i in range(n)
        for j in range(i + 1, n)
    ]
    for i in range(n):
        rest = order[:i] + order[i + 1 :]
        out += [(*rest[:j], order[i], *rest[j:]) for j in range(n) if j != i]
    return out
