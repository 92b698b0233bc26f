"""Which driver does what: pieces of work joined into duties under driving-time rules.

A piece is what a vehicle does between two visits of the depot. Duties are the fewest sets
of pieces a driver may do in a day: no overlap, spread, work and driving within limits, and
a break in time. Regular lines up to 50 km are outside Regulation (EC) 561/2006 (article
3 a); its driving limits are kept for them too, with the spread and the ten hours of work
of the French Code des transports.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mobility.shuttles.blocks import Block
from mobility.shuttles.config import Factors
from mobility.shuttles.model import Bools

HOUR = 3600
NIGHT_S = (22 * HOUR, 29 * HOUR)
_MOST_SETS = 20_000


@dataclass(frozen=True)
class DutyRules:
    """Driving-time rules, in seconds."""

    max_continuous_drive_s: int
    max_night_drive_s: int
    break_s: int
    max_daily_drive_s: int
    max_work_s: int
    max_spread_s: int
    sign_on_s: int
    break_share: float
    min_paid_s: int

    @classmethod
    def from_factors(cls, factors: Factors) -> DutyRules:
        """Read the rules from the factor rows ``duty.*`` and ``driver_*``."""

        def seconds(name: str) -> int:
            return round(factors[f"duty.{name}"] * 60)

        return cls(
            seconds("max_continuous_drive"),
            seconds("max_night_drive"),
            seconds("break"),
            seconds("max_daily_drive"),
            seconds("max_work"),
            seconds("max_spread"),
            seconds("sign_on"),
            factors["driver_break_share"],
            round(factors["driver_min_hours"] * HOUR),
        )


@dataclass(frozen=True)
class Piece:
    """Work between two visits of the depot.

    Attributes
    ----------
    start_s, end_s
        Leaving the depot, being back.
    drives
        Spells at the wheel, as (start, end).
    block
        Index of its block.
    """

    start_s: int
    end_s: int
    drives: tuple[tuple[int, int], ...]
    block: int

    @cached_property
    def drive_s(self) -> int:
        """Time at the wheel."""
        return sum(e - s for s, e in self.drives)


@dataclass(frozen=True)
class Duty:
    """The day of one driver."""

    pieces: tuple[Piece, ...]

    @property
    def spread_s(self) -> int:
        """From the first departure to the last return, signing on and off apart."""
        return self.pieces[-1].end_s - self.pieces[0].start_s

    @property
    def split_s(self) -> int:
        """Time between pieces."""
        return sum(
            b.start_s - a.end_s for a, b in zip(self.pieces[:-1], self.pieces[1:], strict=True)
        )

    def work_s(self, rules: DutyRules) -> int:
        """Return the working time, signing on and off included."""
        return self.spread_s - self.split_s + 2 * rules.sign_on_s

    def paid_s(self, rules: DutyRules) -> float:
        """Return the time paid: work, part of the splits, at least the minimum."""
        return max(self.work_s(rules) + rules.break_share * self.split_s, rules.min_paid_s)


def pieces_of(blocks: Sequence[Block]) -> list[Piece]:
    """Return the pieces of work of one day's blocks, by time."""
    pieces = [
        Piece(
            piece[0].start_s,
            piece[-1].end_s,
            tuple((m.start_s, m.end_s) for m in piece if m.kind != "wait" and m.end_s > m.start_s),
            index,
        )
        for index, block in enumerate(blocks)
        for piece in block.pieces
    ]
    return sorted(pieces, key=lambda p: (p.start_s, p.end_s, p.block))


def allowed(pieces: Sequence[Piece], rules: DutyRules) -> bool:
    """Whether one driver may do these pieces, in ascending order of time."""
    if pieces[-1].end_s - pieces[0].start_s + 2 * rules.sign_on_s > rules.max_spread_s:
        return False
    if any(a.end_s > b.start_s for a, b in itertools.pairwise(pieces)):
        return False
    return (
        Duty(tuple(pieces)).work_s(rules) <= rules.max_work_s
        and sum(p.drive_s for p in pieces) <= rules.max_daily_drive_s
        and _longest_drive_ok([d for p in pieces for d in p.drives], rules)
    )


def _longest_drive_ok(drives: Sequence[tuple[int, int]], rules: DutyRules) -> bool:
    """Whether no spell at the wheel is too long without a break, by night in particular."""
    driven = 0
    night = False
    before = None
    for start, end in drives:
        if before is not None and start - before >= rules.break_s:
            driven, night = 0, False
        driven += end - start
        night = night or _touches_night(start, end)
        if driven > (rules.max_night_drive_s if night else rules.max_continuous_drive_s):
            return False
        before = end
    return True


def _touches_night(start: int, end: int) -> bool:
    spans = (NIGHT_S, (NIGHT_S[0] - 24 * HOUR, NIGHT_S[1] - 24 * HOUR))
    return any(start < high and end > low for low, high in spans)


def build_duties(pieces: Sequence[Piece], rules: DutyRules) -> list[Duty]:
    """Join pieces into few duties.

    First fit by time, then, where the bound leaves room, the exact fewest by branch and
    bound over all lawful sets (up to `_MOST_SETS` of them). A piece that breaks a rule by
    itself stays a duty of its own.
    """
    groups: list[list[Piece]] = []
    for piece in pieces:
        fits = [g for g in groups if allowed([*g, piece], rules)]
        if fits:
            max(fits, key=lambda g: g[-1].end_s).append(piece)
        else:
            groups.append([piece])
    if len(groups) > lower_bound(pieces, rules):
        groups = _exact(pieces, rules, len(groups)) or groups
    return [Duty(tuple(g)) for g in groups]


def lower_bound(pieces: Sequence[Piece], rules: DutyRules) -> int:
    """Return a number of duties that cannot be beaten: pieces no two of which go together.

    From each piece on, those that go with none of the chosen ones are taken in order.
    """
    apart = ~_pairs(pieces, rules)
    chosen, free = np.ones(len(pieces), np.int64), apart.copy()
    for other in range(len(pieces)):
        mine = free[:, other]
        chosen += mine
        free[mine] &= apart[other]
    return int(chosen.max(initial=0))


def _pairs(pieces: Sequence[Piece], rules: DutyRules) -> Bools:
    """Return which pieces, in ascending order of time, one driver may do after which, bool[n,n].

    Both ways; a piece goes with itself.
    """
    start, end, drive, alone = (
        np.array(
            [(p.start_s, p.end_s, p.drive_s, _longest_drive_ok(p.drives, rules)) for p in pieces],
            np.int64,
        )
        .reshape(len(pieces), 4)
        .T
    )
    both = (
        (end[:, None] <= start)
        & (end - start[:, None] + 2 * rules.sign_on_s <= rules.max_spread_s)
        & ((end - start)[:, None] + (end - start) + 2 * rules.sign_on_s <= rules.max_work_s)
        & (drive[:, None] + drive <= rules.max_daily_drive_s)
    )
    # A break between the two makes their spells at the wheel apart.
    rested = start - end[:, None] >= rules.break_s
    both &= ~rested | (alone[:, None] & alone).astype(bool)
    for a, b in np.argwhere(both & ~rested):
        both[a, b] = _longest_drive_ok([*pieces[a].drives, *pieces[b].drives], rules)
    return np.asarray(both | both.T | np.eye(len(pieces), dtype=bool))


def _exact(pieces: Sequence[Piece], rules: DutyRules, most: int) -> list[list[Piece]]:
    """Return the fewest lawful groups by branch and bound over all lawful sets of pieces.

    Empty when there are too many sets to list.
    """
    from scipy import sparse
    from scipy.optimize import Bounds, LinearConstraint, milp

    sets = _lawful_sets(pieces, rules)
    if sets is None:
        return []
    rows = np.concatenate([np.array(s) for s in sets])
    columns = np.repeat(np.arange(len(sets)), [len(s) for s in sets])
    cover = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)))
    # The fewest duties, then the least time between pieces.
    idle = np.array([Duty(tuple(pieces[i] for i in s)).split_s for s in sets])
    result = milp(
        1.0 + idle / (24.0 * HOUR * (len(pieces) + 1)),
        constraints=LinearConstraint(cover, 1, 1),
        bounds=Bounds(0, 1),
        integrality=np.ones(len(sets), np.int64),
        options={"node_limit": 200},
    )
    if result.x is None:
        return []
    chosen = [sets[k] for k in np.flatnonzero(result.x > 0.5)]
    return [[pieces[i] for i in s] for s in chosen] if len(chosen) <= most else []


def _lawful_sets(pieces: Sequence[Piece], rules: DutyRules) -> list[tuple[int, ...]] | None:
    """List every set of pieces one driver may do; None beyond `_MOST_SETS`.

    A part of a lawful set is not always lawful (it may lose a break), so sets grow from
    any set that fits in the day and are kept when lawful.
    """
    kept: list[tuple[int, ...]] = [(i,) for i in range(len(pieces))]
    layer = list(kept)
    while layer:
        grown = []
        for s in layer:
            for i in range(s[-1] + 1, len(pieces)):
                first, last = pieces[s[0]], pieces[s[-1]]
                if (
                    last.end_s <= pieces[i].start_s
                    and pieces[i].end_s - first.start_s + 2 * rules.sign_on_s <= rules.max_spread_s
                ):
                    grown.append((*s, i))
        kept += [s for s in grown if allowed([pieces[i] for i in s], rules)]
        if len(kept) + len(grown) > _MOST_SETS:
            return None
        layer = grown
    return kept
