"""Compiled kernels: what Python calls has what a call from Python needs."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import numpy as np

import mobility.remedies
import mobility.shuttles
from mobility.base import kernels

KERNELS = {"ride_kernels", "ruin", "trip_state", "labels", "relabel", "members"}


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


def test_what_is_kept_of_other_kernels_is_not_read(tmp_path, monkeypatch) -> None:
    # A kernel that calls one in another file, and takes a record of a third.
    (tmp_path / "a_record.py").write_text(
        "from typing import NamedTuple\nimport numpy as np\n"
        "class Row(NamedTuple):\n    times: np.ndarray\n"
    )
    (tmp_path / "a_kernel.py").write_text(
        "from a_called import once\nfrom mobility.base.kernels import entry\n"
        "@entry\ndef asked(row):\n    return once(row.times[0])\n"
    )
    called = tmp_path / "a_called.py"
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)

    def answer(factor: int, record: str) -> int:
        for name in ("a_record", "a_called", "a_kernel"):
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        called.write_text(
            "from mobility.base.kernels import inner\n"
            f"@inner\ndef once(time):\n    return {factor} * time\n"
        )
        monkeypatch.setattr(kernels, "_kernels_hash", lambda: f"{factor}")
        asked = importlib.import_module("a_kernel").asked
        return int(asked(importlib.import_module(record).Row(np.array([7]))))

    assert answer(2, "a_record") == 14
    (tmp_path / "a_record.py").rename(tmp_path / "another_record.py")
    assert answer(3, "another_record") == 21
