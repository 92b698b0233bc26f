"""What a computation takes of the machine: threads it is spread over, memory it gives back."""

from __future__ import annotations

import ctypes
import gc
import os
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

#: Environment variable that says so; workers of a cluster have it say 1.
THREADS = "MOBILITY_THREADS"


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


def give_back_memory() -> None:
    """Return what lies unused to the system, where its C library can."""
    gc.collect()
    trim_memory()


def trim_memory() -> None:
    """Return what is freed already, of which the C library keeps a store for each thread.

    It takes some milliseconds.
    """
    import pyarrow as pa  # whose pool there is nothing in until tables are read

    pa.default_memory_pool().release_unused()
    with suppress(OSError, AttributeError):  # only glibc has it
        ctypes.CDLL("libc.so.6").malloc_trim(0)
