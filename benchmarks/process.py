"""Run one command and print what its processes took: ``python process.py COMMAND...``.

A process of its own, that has loaded nothing: a child's peak of memory begins with its parent's.
"""

import json
import os
import resource
import subprocess
import sys

# Reading compiled Python again is part of no installed command.
environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
done = subprocess.run(
    sys.argv[1:],
    env=environment,
    stdout=subprocess.DEVNULL,
    stderr=subprocess.PIPE,
    text=True,
    check=False,
)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(
    json.dumps(
        {
            "code": done.returncode,
            "error": done.stderr[-2000:] if done.returncode else "",
            "cpu_s": used.ru_utime + used.ru_stime,
            "peak_mb": used.ru_maxrss / 1024,
        }
    )
)
