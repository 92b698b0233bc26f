"""Ctrl-C, early or late, ends the command in one line with exit code 130."""

import os
import subprocess
import sys

import pytest
from small import write_territory

#: Sends the signal of Ctrl-C when a module is looked for, or when a function is called.
PREPARED = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
place = sys.argv.pop(1)
press = lambda *_, **__: os.kill(os.getpid(), signal.SIGINT)

class Early:
    def find_spec(self, name, *_):
        if name == place:
            press()

if "." in place:
    from mobility.outputs import tables
    from mobility import pipeline
    module, name = place.split(".")
    setattr({"tables": tables, "pipeline": pipeline}[module], name, press)
else:
    sys.meta_path.insert(0, Early())
from mobility.__main__ import main
sys.exit(main())
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(
    "place", ["typer", "pandas", "numba", "pipeline.load", "pipeline.assess", "tables.write_tables"]
)
@pytest.mark.parametrize(("language", "says"), [("fr", "Interrompu."), ("en", "Interrupted.")])
def test_one_line_and_exit_code_130(tmp_path, place, language, says):
    toml = write_territory(tmp_path)
    run = subprocess.run(
        [sys.executable, "-c", PREPARED, place, "run", str(toml), "--lang", language],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (run.returncode, run.stderr.strip()) == (130, says), run.stderr
    assert not [p for p in tmp_path.rglob("*") if p.name.startswith(".part-")]
    assert not list(tmp_path.glob("out/*"))
