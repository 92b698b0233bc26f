"""Factors of shuttles, as rows of ``factors.toml`` beside this module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from mobility.remedies.factors import LeverFactors
from mobility.territory.factors import Factor
from mobility.territory.factors import Factors as Rows

#: Prices of the levers that plans are compared with.
COMPARED = ("light.on_demand_trip",)


@dataclass(frozen=True)
class Factors(Rows):
    """Every factor of a plan, by name."""

    PACKAGE: ClassVar[str] = "mobility.shuttles"

    @classmethod
    def load(cls, overrides: Mapping[str, Any] | None = None, *, file: object = None) -> Self:
        """Return the factors of plans, and those of the levers that plans are compared with."""
        levers = LeverFactors.load(overrides, file=file).rows
        own = super().load(overrides, file=file).rows
        return cls(own | {name: levers[name] for name in COMPARED})


class EnergyFactors(Rows):
    """Prices, uses, ranges and emissions of energies, see `mobility.shuttles.energies`."""

    PACKAGE: ClassVar[str] = "mobility.shuttles"
    FILE: ClassVar[str] = "energies.toml"


__all__ = ["EnergyFactors", "Factor", "Factors"]
