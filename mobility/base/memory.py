"""Memory that is free again, given back: what is read takes more than what is kept of it."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress

import pyarrow as pa


def give_back_memory() -> None:
    """Return what lies unused to the system, where its C library can.

    What is in use stays so: later collections do not look at it, and take milliseconds.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    trim_memory()


def trim_memory() -> None:
    """Return what is freed already, of which the C library keeps a store for each thread.

    It takes some milliseconds.
    """
    pa.default_memory_pool().release_unused()
    with suppress(OSError, AttributeError):  # only glibc has it
        ctypes.CDLL("libc.so.6").malloc_trim(0)
