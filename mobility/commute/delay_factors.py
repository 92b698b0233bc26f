"""Factors of delays, beside those of the modes."""

from __future__ import annotations

from typing import ClassVar

from mobility.territory.factors import Factors


class DelayFactors(Factors):
    """Delays of vehicles of which none were observed."""

    PACKAGE: ClassVar[str] = "mobility.commute"
