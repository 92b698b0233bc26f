"""Compile the kernels of a run into numba's cache: ``python -m mobility.engine.warm``.

Workers that share that cache then start with them (`mobility.atlas.cluster`).
"""

import numpy as np

from mobility.engine.batches import FEWEST, travel_together
from mobility.engine.journeys import Edge, EngineLimits, TwoWay, travel
from mobility.streets.search import all_pairs
from mobility.timetable.arrays import RunArrays, footpath_rows, index_timetable
from mobility.timetable.footpaths import WalkTable


def compile_kernels() -> int:
    """Answer a question of one home and one bus; return its outbound seconds (300).

    The search on streets, of one arc of 60 s from one source to one goal, is asked before.
    """
    ptr, one = np.array([0, 1, 1]), np.array([1], np.int32)
    net, seeds = (ptr, one, np.array([60.0])), (ptr[:2], np.array([0], np.int32), np.zeros(1))
    goals = (np.array([0, 0, 1]), np.array([0], np.int32), np.zeros(1))
    none = (np.array([0, 0]), np.zeros(0, np.int32), np.zeros(0))
    all_pairs(net, seeds, goals, none, 1, 100.0)
    stop, at_once, at = (np.array(pair, np.int32) for pair in ([0, 1], [0, 0], [100, 300]))
    yes = np.ones(2, np.bool_)
    bus = RunArrays(np.array([0, 2]), stop, at, at, yes, yes, at_once, np.zeros(1, np.int8))
    two_way = TwoWay(index_timetable(2, bus, footpath_rows(2, stop, stop, at_once, at_once)))
    access = WalkTable(np.array([0, 1]), np.zeros(1, np.int32), np.zeros(1, np.int32))
    egress_s = np.array([[2**30, 0]], np.int32)[0]
    edge = Edge(returning=False, at_s=400, margin_s=100)
    alone = travel(two_way, egress_s, edge, EngineLimits(), access)
    together = travel_together(two_way, [(egress_s, edge)] * FEWEST, EngineLimits(), access)
    return max(int(times.elapsed_s[0]) for times in (alone, *together))


if __name__ == "__main__":
    compile_kernels()
