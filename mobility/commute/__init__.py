"""From times to answers: commutes, white zones, indicators."""

from __future__ import annotations

from typing import ClassVar

from mobility.territory.factors import Factors


class DelayFactors(Factors):
    """Delays of vehicles of which none were observed, beside the factors of the modes."""

    PACKAGE: ClassVar[str] = "mobility.commute"
