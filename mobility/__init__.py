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

from mobility.base import __version__

# Public name -> module; imported when first used, so that `import mobility` is quick.
_HOME = {
    "Access": "mobility.commute.access",
    "MobilityError": "mobility.base.errors",
    "Study": "mobility.commute.study",
    "Territory": "mobility.territory.project",
    "WhiteZones": "mobility.commute.white_zones",
    "assess": "mobility.commute.access",
    "by_shift": "mobility.commute.indicators",
    "compare": "mobility.pipeline",
    "delays": "mobility.commute.delays",
    "design_shuttles": "mobility.shuttles.design",
    "isochrones": "mobility.notebook",
    "levers": "mobility.notebook",
    "load": "mobility.commute.loading",
    "matrix": "mobility.commute.matrix",
    "report": "mobility.notebook",
    "rosters": "mobility.commute.access",
    "run": "mobility.pipeline",
    "summary": "mobility.commute.indicators",
    "to_graph": "mobility.notebook",
    "white_zones": "mobility.commute.white_zones",
    "write_map": "mobility.notebook",
}

if TYPE_CHECKING:
    from mobility.base.errors import MobilityError as MobilityError
    from mobility.commute.access import Access as Access
    from mobility.commute.access import assess as assess
    from mobility.commute.access import rosters as rosters
    from mobility.commute.delays import delays as delays
    from mobility.commute.indicators import by_shift as by_shift
    from mobility.commute.indicators import summary as summary
    from mobility.commute.loading import load as load
    from mobility.commute.matrix import matrix as matrix
    from mobility.commute.study import Study as Study
    from mobility.commute.white_zones import WhiteZones as WhiteZones
    from mobility.commute.white_zones import white_zones as white_zones
    from mobility.notebook import isochrones as isochrones
    from mobility.notebook import levers as levers
    from mobility.notebook import report as report
    from mobility.notebook import to_graph as to_graph
    from mobility.notebook import write_map as write_map
    from mobility.pipeline import compare as compare
    from mobility.pipeline import run as run
    from mobility.shuttles.design import design_shuttles as design_shuttles
    from mobility.territory.project import Territory as Territory

__all__ = ["__version__", *_HOME]  # noqa: PLE0604


def __getattr__(name: str) -> object:
    """Import a public name from its room on first use."""
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'mobility' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names, whether or not they were used yet."""
    return sorted(__all__)
