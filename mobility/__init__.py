"""Shift-aware commute accessibility of industrial sites.

>>> import mobility
>>> study = mobility.load("territory.toml")
>>> access = mobility.assess(study)
>>> zones = mobility.white_zones(access)
>>> mobility.summary(access, zones)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

# Public name -> module; imported when first used, so that `import mobility` is quick.
_HOME = {
    "Access": "mobility.analysis.commutes",
    "MobilityError": "mobility.errors",
    "Study": "mobility.analysis.study",
    "Territory": "mobility.territory",
    "WhiteZones": "mobility.analysis.white_zones",
    "assess": "mobility.analysis.commutes",
    "by_shift": "mobility.analysis.indicators",
    "design_shuttles": "mobility.shuttles.design",
    "load": "mobility.analysis.loading",
    "rosters": "mobility.analysis.commutes",
    "run": "mobility.pipeline",
    "summary": "mobility.analysis.indicators",
    "white_zones": "mobility.analysis.white_zones",
}

if TYPE_CHECKING:
    from mobility.analysis.commutes import Access as Access
    from mobility.analysis.commutes import assess as assess
    from mobility.analysis.commutes import rosters as rosters
    from mobility.analysis.indicators import by_shift as by_shift
    from mobility.analysis.indicators import summary as summary
    from mobility.analysis.loading import load as load
    from mobility.analysis.study import Study as Study
    from mobility.analysis.white_zones import WhiteZones as WhiteZones
    from mobility.analysis.white_zones import white_zones as white_zones
    from mobility.errors import MobilityError as MobilityError
    from mobility.pipeline import run as run
    from mobility.shuttles.design import design_shuttles as design_shuttles
    from mobility.territory import Territory as Territory

__all__ = ["__version__", *_HOME]  # noqa: PLE0604


def __getattr__(name: str) -> object:
    """Import a public name from its room on first use."""
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'mobility' has no attribute {name!r}")
