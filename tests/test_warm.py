"""The question that compiles the kernels has an answer one can compute."""

import subprocess
import sys

from mobility.engine.warm import compile_kernels


def test_one_home_and_one_bus():
    # Due at the gate at 300; the bus leaves the door at 100 and the shift starts at 400.
    assert compile_kernels() == 300


def test_checking_loads_neither_the_compiler_nor_scipy():
    """With what the streets give in the cache nothing is searched, and both are slow to load."""
    code = "import sys, mobility.cli, mobility.commute.data_sheet; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "mobility.engine.journeys" in loaded
    assert not {"numba", "scipy", "matplotlib", "folium"} & set(loaded)
