"""What the map asks of a changed study, and what it is answered."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

UInt8 = NDArray[np.uint8]
#: What is told: who can go and come back and what it costs, why others cannot, or both.
Part = Literal["times", "zones", "all"]


@dataclass(frozen=True)
class Shown:
    """What the map shows: a shift (``"s2"``) or a whole roster (``"r0"``), a day, a mode."""

    pick: str
    day: int
    mode: int

    @property
    def index(self) -> int:
        """Which shift, or which roster."""
        return int(self.pick[1:])


@dataclass(frozen=True)
class Pair:
    """Times of one shift on one kind of day, in the units of the map.

    Attributes
    ----------
    out, back, over : uint8[M, H]
        Minutes by mode, see `outputs.map.model.Scenario`.
    status : uint8[H]
        Index into `STATUSES`.
    holds : bool[M, H]
        Whether the commute holds.
    booked
        On-demand trips a year, see `remedies.scenario.booked_on`.
    """

    out: UInt8
    back: UInt8
    over: UInt8
    status: UInt8
    holds: NDArray[np.bool_]
    booked: float

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(array.nbytes for name, array in vars(self).items() if name != "booked")


@dataclass(frozen=True)
class Answer:
    """What the map shows of a changed study: figures, and arrays in the order of its page."""

    figures: dict[str, Any]
    arrays: dict[str, UInt8]

    def packed(self, **told: Any) -> bytes:
        """Return it as bytes: the length of a JSON text, the text, then every array."""
        head = told | self.figures | {"arrays": [[k, len(v)] for k, v in self.arrays.items()]}
        text = json.dumps(head, separators=(",", ":")).encode()
        parts = [
            len(text).to_bytes(4, "little"),
            text,
            *(v.tobytes() for v in self.arrays.values()),
        ]
        return b"".join(parts)


__all__ = ["Answer", "Pair", "Part", "Shown"]
