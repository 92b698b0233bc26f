"""Memory that is free again, given back to the system."""

from __future__ import annotations

import ctypes
import sys


def give_back() -> None:
    """Give freed memory back where the C library would keep it for later, as glibc does.

    Each thread has its own store of freed blocks, which another thread's arrays do not take: after
    much was computed in threads and let go, hundreds of megabytes stay unused.
    """
    if sys.platform != "linux":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # not every Linux has glibc
    if trim is not None:
        trim(0)


__all__ = ["give_back"]
