"""How many threads a computation may take, and what is spread over them."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

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


def spread(
    pool: ThreadPoolExecutor, function: Callable[[_Item], _Result], items: Collection[_Item]
) -> list[_Result]:
    """Return what a function gives of each item, found in threads; one item waits for none."""
    return list(pool.map(function, items) if len(items) > 1 else map(function, items))
