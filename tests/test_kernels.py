"""Compiled kernels: what Python calls has what a call from Python needs."""

from __future__ import annotations

import importlib
import pkgutil

import mobility.remedies
import mobility.shuttles

KERNELS = {"ride_kernels", "ruin", "trip_state", "labels", "relabel", "members", "newcomers"}


def test_kernels_that_kernels_alone_call_are_imported_by_no_other_module() -> None:
    inner = []
    for room in (mobility.shuttles, mobility.remedies):
        for found in pkgutil.iter_modules(room.__path__):
            module = importlib.import_module(f"{room.__name__}.{found.name}")
            for name, value in vars(module).items():
                if getattr(value, "targetoptions", {}).get("no_cpython_wrapper"):
                    inner.append((found.name, name))
    assert {("ruin", "_ruin"), ("members", "settle")} <= set(inner)
    assert {module for module, _ in inner} <= KERNELS
