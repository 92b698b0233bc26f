"""Single needs of a basin: housing, apprentices, job seekers, paths in the zone."""

from __future__ import annotations

from typing import ClassVar

from mobility.commute import DelayFactors
from mobility.remedies.factors import LeverFactors
from mobility.shuttles.config import EnergyFactors
from mobility.shuttles.config import Factors as ShuttleFactors
from mobility.territory.factors import Factors


class RiskFactors(Factors):
    """Accident rates by road and light, see `mobility.needs.risk`, which takes longer to load."""

    PACKAGE: ClassVar[str] = "mobility.needs"


#: The factors of every room: a territory file may give one of any.
ALL_FACTORS: tuple[type[Factors], ...] = (
    Factors, DelayFactors, LeverFactors, ShuttleFactors, RiskFactors, EnergyFactors,
)  # fmt: skip
