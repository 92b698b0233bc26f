"""Compiled kernels: what Python calls has what a call from Python needs."""

from __future__ import annotations

import importlib
import pkgutil

import mobility.shuttles

KERNELS = {"ride_kernels", "ruin", "trip_state"}


def test_kernels_that_kernels_alone_call_are_imported_by_no_other_module() -> None:
    inner = []
    for found in pkgutil.iter_modules(mobility.shuttles.__path__):
        module = importlib.import_module(f"mobility.shuttles.{found.name}")
        for name, value in vars(module).items():
            if getattr(value, "targetoptions", {}).get("no_cpython_wrapper"):
                inner.append((found.name, name))
    assert ("ruin", "_ruin") in inner
    assert {module for module, _ in inner} <= KERNELS
