"""What decides a study before anything is computed, as records: see `data_sheet`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mobility.engine.journeys import Edge
from mobility.sources.days import ChosenDay

Bool = NDArray[np.bool_]
Int64 = NDArray[np.int64]


@dataclass(frozen=True)
class GateStops:
    """The stops around one gate.

    Attributes
    ----------
    stops
        Stops within the walking limit, each once.
    nearest, nearest_s
        Name of the stop nearest on foot and the walk, None where none is known.
    nearest_m
        Straight line to the stop nearest as the crow flies, infinite without any stop.
    """

    site: int
    lon: float
    lat: float
    stops: NDArray[np.int64]
    nearest: str
    nearest_s: int | None
    nearest_m: float


@dataclass(frozen=True)
class EdgeService:
    """What stops at a site's gates around one edge of its shifts, on one kind of day.

    ``first_s`` and ``last_s``, axis seconds, are those of the ``count`` calls that serve it.
    """

    site: int
    edge: Edge
    day: ChosenDay
    count: int
    first_s: int = 0
    last_s: int = 0


@dataclass(frozen=True)
class DataSheet:
    """What decides a study.

    Attributes
    ----------
    gates
        The stops around each gate, in the order of sites and gates.
    services
        What calls at each site's gates in the time a commute may take, by day and shift edge.
    departures
        For each network and kind of day its departures, sorted seconds of the service day.
    cut_off
        bool[homes]: from which no street mode reaches any gate, however long it may take.
    stop_departures
        int64[stops]: departures on the first day, those of a stop's copies at the stop.
    """

    gates: tuple[GateStops, ...]
    services: tuple[EdgeService, ...]
    departures: tuple[tuple[Int64, ...], ...]
    cut_off: Bool
    stop_departures: Int64
