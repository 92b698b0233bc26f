"""Single needs of a basin: housing, apprentices, job seekers, paths in the zone."""

from __future__ import annotations

from typing import ClassVar

from mobility.territory.factors import Factors


class RiskFactors(Factors):
    """Accident rates by road and light, see `mobility.needs.risk`, which takes longer to load."""

    PACKAGE: ClassVar[str] = "mobility.needs"
