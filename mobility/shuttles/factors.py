"""Factors of shuttles, as rows of ``factors.toml`` beside this module."""

from __future__ import annotations

from typing import ClassVar

from mobility.territory.factors import Factor
from mobility.territory.factors import Factors as Rows


class Factors(Rows):
    """Every factor of a plan, by name."""

    PACKAGE: ClassVar[str] = "mobility.shuttles"


class EnergyFactors(Rows):
    """Prices, uses, ranges and emissions of energies, see `mobility.shuttles.energies`."""

    PACKAGE: ClassVar[str] = "mobility.shuttles"
    FILE: ClassVar[str] = "energies.toml"


__all__ = ["EnergyFactors", "Factor", "Factors"]
