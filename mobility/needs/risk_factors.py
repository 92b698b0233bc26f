"""Accident rates by road and light, beside the factors of the modes."""

from __future__ import annotations

from typing import ClassVar

from mobility.territory.factors import Factors


class RiskFactors(Factors):
    """Accident rates by road and light, see `mobility.needs.risk`."""

    PACKAGE: ClassVar[str] = "mobility.needs"
