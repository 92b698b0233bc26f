"""Factors of shuttles, as rows of ``factors.toml`` beside this module."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mobility.territory.factors import Factor
from mobility.territory.factors import Factors as Rows


@dataclass(frozen=True)
class Factors(Rows):
    """Every factor of a plan, by name."""

    PACKAGE: ClassVar[str] = "mobility.shuttles"


__all__ = ["Factor", "Factors"]
