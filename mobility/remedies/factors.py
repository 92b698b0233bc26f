"""Factors of the levers and of the mobility plan, beside those of the modes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from mobility.commute.study import Study
from mobility.territory.factors import Factors

#: Rate of the versement mobilité on the payroll (e.g. 0.02); 0 where it is not given.
VM_RATE = "versement_mobilite_rate"


class LeverFactors(Factors):
    """Costs of changes of timetable and hours, payroll, car use."""

    PACKAGE: ClassVar[str] = "mobility.remedies"


def load_factors(
    overrides: Mapping[str, Any] | None = None, *, file: object = None
) -> LeverFactors:
    """Return the factors of the levers and of the modes, a territory's own values over them.

    Parameters
    ----------
    overrides, file
        The ``[factors]`` table of a territory, and its file for the error.

    Raises
    ------
    TerritoryError
        An override is no number of at least zero.
    """
    modes = Factors.load(overrides, file=file).rows
    return LeverFactors(modes | LeverFactors.load(overrides, file=file).rows)


def factors_of(study: Study) -> LeverFactors:
    """Return these factors for a study, see `load_factors`."""
    return load_factors(study.territory.factors, file=study.territory.path)
