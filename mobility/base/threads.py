"""How many threads a computation may take."""

from __future__ import annotations

import os

THREADS = "MOBILITY_THREADS"
"""Environment variable that says so; workers of a cluster have it say 1."""


def thread_count() -> int:
    """Return the processors this process may run on, or what ``MOBILITY_THREADS`` says."""
    asked = os.environ.get(THREADS, "")
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    if hasattr(os, "sched_getaffinity"):  # a container or a batch system gives fewer than there are
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
