"""A run killed with SIGKILL leaves the earlier results or its own, never a mixture."""

import json
import os
import subprocess
import sys

import pytest
from small import write_territory

#: Runs a territory once for its time, then again and again over the results of another, each in a
#: process of its own that is killed after a share of that time; tells what each left.
KILLED = """
import hashlib, json, os, pathlib, signal, sys, time
from mobility.pipeline import run
old, new, base, *shares = sys.argv[1:]
out = pathlib.Path(base) / "out"

def child(toml):
    process = os.fork()
    if not process:
        run(toml, out)
        os._exit(0)
    return process

def done(process):
    return os.waitpid(process, 0)[1] == 0

def found():
    files = [p for p in out.rglob("*") if p.is_file()]
    return {str(p.relative_to(out)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}

run(old, out)
start = time.monotonic()
assert done(child(new))
whole_s, after = time.monotonic() - start, found()
assert done(child(old))
before, told, remains = found(), [], 0
for share in map(float, shares):
    process = child(new)
    time.sleep(share * whole_s)
    os.kill(process, signal.SIGKILL)
    done(process)
    left = found()
    remains += len(list(out.parent.glob(".part-*")))
    assert done(child(old))
    told.append(["old" if left == before else "new" if left == after else "mixed",
                 found() == before, sorted(p.name for p in out.parent.iterdir())])
print(json.dumps([told, remains, before != after]))
"""
SHARES = os.environ.get("KILLED_AT", "0.3 0.6 0.75 0.85 0.9 0.95").split()


@pytest.mark.skipif(sys.platform != "linux", reason="SIGKILL and the exchange of folders")
def test_a_killed_run_leaves_one_whole_set_and_the_next_clears_the_rest(tmp_path):
    old, new = (write_territory(tmp_path / name) for name in ("old", "new"))
    new.write_text(new.read_text(encoding="utf-8").replace("Droiteville", "Neuville"), "utf-8")
    base = tmp_path / "results"
    base.mkdir()
    run = subprocess.run(
        [sys.executable, "-c", KILLED, str(old), str(new), str(base), *SHARES],
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
        env=os.environ | {"MOBILITY_CACHE_DIR": str(tmp_path / "cache")},
    )
    assert run.returncode == 0, run.stderr
    told, _, differ = json.loads(run.stdout.splitlines()[-1])
    assert differ
    assert len(told) == len(SHARES)
    for set_left, again, names in told:
        assert set_left in ("old", "new")
        assert again
        assert names == ["out"]
