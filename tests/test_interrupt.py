"""Ctrl-C, early or late, ends the command in one line with exit code 130."""

import os
import re
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
    from mobility.outputs import table_files
    from mobility import pipeline
    module, name = place.split(".")
    setattr({"table_files": table_files, "pipeline": pipeline}[module], name, press)
else:
    sys.meta_path.insert(0, Early())
from mobility.__main__ import main
sys.exit(main())
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("place", "language", "says"),
    [
        ("typer", "fr", "Interrompu."), ("typer", "en", "Interrupted."),
        ("pandas", "fr", "Interrompu."), ("numba", "en", "Interrupted."),
        ("pipeline.load", "fr", "Interrompu."), ("pipeline.assess", "en", "Interrupted."),
        ("table_files.write_tables", "fr", "Interrompu."),
    ],
)  # fmt: skip
def test_one_line_and_exit_code_130(tmp_path, place, language, says):
    toml = write_territory(tmp_path)
    run = subprocess.run(
        [sys.executable, "-c", PREPARED, place, "run", str(toml), "--lang", language],
        # Of a territory known already nothing is compiled.
        env={**os.environ, "MOBILITY_CACHE_DIR": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    *steps, last = run.stderr.splitlines()
    assert (run.returncode, last) == (130, says), run.stderr
    assert all(re.match(r"\d\d:\d\d ", line) for line in steps), run.stderr
    assert not [p for p in tmp_path.rglob("*") if p.name.startswith(".part-")]
    assert not list(tmp_path.glob("out/*"))


#: Raises an error that nobody foresaw, or another that the system raises.
FAILING = """
import errno, sys
from mobility import settings
from mobility.__main__ import main
what = sys.argv.pop(1)
def fail(*_, **__):
    if what == "TERM":
        import os, signal
        os.kill(os.getpid(), signal.SIGTERM)
    raise {
        "bug": ZeroDivisionError("in\\nDupont's row"),
        "memory": MemoryError(),
        "disk": OSError(errno.ENOSPC, "full", "homes.parquet"),
    }[what]
import mobility.cli
mobility.cli.read_territory = fail
sys.exit(main())
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("what", "code", "says"),
    [
        ("TERM", 143, "Interrupted."),
        ("bug", 1, "The software failed: ZeroDivisionError: in Dupont's row."),
        ("memory", 1, "The memory of this machine is not enough."),
        ("disk", 1, "file homes.parquet: The system refuses to read or write it: the disk is full"),
    ],
)
def test_whatever_ends_a_command_is_told_in_one_line(tmp_path, what, code, says):
    run = subprocess.run(
        [sys.executable, "-c", FAILING, what, "run", "t.toml", "--lang", "en"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=os.environ | {"MOBILITY_CACHE_DIR": str(tmp_path)},
    )
    assert run.returncode == code, run.stderr
    line = run.stderr.strip()
    assert line.startswith(says)
    assert "\n" not in line
    told = [p.read_text() for p in tmp_path.rglob("failure-*.txt")]
    assert len(told) == (what == "bug")
    # It says where, and quotes nothing of the user's.
    assert all("in fail" in text and "Dupont" not in text for text in told)
