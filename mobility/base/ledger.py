"""What became of what a source holds: read, used, and left out by reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import PurePath
from typing import Any


@dataclass(frozen=True)
class SourceLedger:
    """The account of one source: ``read`` is ``used`` plus all that was left out.

    Attributes
    ----------
    source
        The file, as the user named it.
    read, used
        How many there are, and how many make a result.
    left_out
        Reasons, English templates, with how many each of them took.
    unit
        What is counted: ``rows``, ``ways``, ``workers``...
    remarks
        Further counts that a reader keeps, by name; they are part of no sum.
    """

    source: str
    read: int
    used: int
    left_out: Mapping[str, int] = field(default_factory=dict)
    unit: str = "rows"
    remarks: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse an account that does not close."""
        if self.read != self.used + sum(self.left_out.values()):
            raise ValueError(f"the account of {self.source} does not close: {asdict(self)}")

    @classmethod
    def balanced(
        cls, source: object, used: float, left_out: Mapping[str, float], unit: str = "rows"
    ) -> SourceLedger:
        """Return the account of what was used and left out, in whole numbers."""
        whole = {why: round(count) for why, count in left_out.items() if round(count)}
        return cls(str(source), round(used) + sum(whole.values()), round(used), whole, unit)

    def leaving(self, reason: str, count: float) -> SourceLedger:
        """Return the account after some more of what was used is left out."""
        less = min(round(count), self.used)
        if not less:
            return self
        left = {**self.left_out, reason: self.left_out.get(reason, 0) + less}
        return replace(self, used=self.used - less, left_out=left)

    @property
    def name(self) -> str:
        """The file without its folders; a table of a feed with the feed's name."""
        path = PurePath(self.source)
        inside = path.suffix == ".txt" and len(path.parts) > 1
        return "/".join(path.parts[-2:]) if inside else path.name

    def to_json(self) -> dict[str, Any]:
        """Return the account without any folder of the machine."""
        return asdict(replace(self, source=self.name))


def from_json(rows: Iterable[Mapping[str, Any]]) -> tuple[SourceLedger, ...]:
    """Return the accounts that ``to_json`` or `dataclasses.asdict` wrote."""
    return tuple(SourceLedger(**row) for row in rows)
