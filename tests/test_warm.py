"""The question that compiles the kernels has an answer one can compute."""

import subprocess
import sys

from mobility.engine.warm import compile_kernels


def test_one_home_and_one_bus():
    # Due at the gate at 300; the bus leaves the door at 100 and the shift starts at 400.
    assert compile_kernels() == 300


def test_what_is_known_is_written_without_what_reads_searches_and_draws():
    """All these are slow to load; with what they gave in the cache nothing asks for them."""
    rooms = "cli, pipeline, commute.data_sheet, outputs.table_files, outputs.map.page"
    code = "import sys, " + ", ".join(f"mobility.{room}" for room in rooms.split(", "))
    loaded = subprocess.run(
        [sys.executable, "-c", f"{code}; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert "mobility.engine.journeys" in loaded
    slow = {"numba", "scipy", "matplotlib", "folium", "networkx", "partridge", "osmium"}
    assert not slow & set(loaded)


def test_on_leaving_nothing_is_searched_for_what_nothing_uses():
    code = (
        "import atexit, gc, sys; atexit.register(lambda: print(gc.get_freeze_count() > 0)); "
        "from mobility.__main__ import main; sys.argv = ['mobility', '--version']; main()"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split()[-1] == "True"
