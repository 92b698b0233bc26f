"""How the kernels of searches are compiled: those that Python calls, those that kernels call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

_Kernel = TypeVar("_Kernel", bound=Callable[..., Any])


def entry(kernel: _Kernel) -> _Kernel:
    """Compile a kernel that makes no array.

    By default numba counts the references of each array at each call, which took nine tenths of
    a search.
    """
    compiled: _Kernel = njit(  # type: ignore[call-overload]
        cache=True, nogil=True, _nrt=False, no_cfunc_wrapper=True
    )(kernel)
    return compiled


def inner(kernel: _Kernel) -> _Kernel:
    """Compile an `entry` that kernels alone call, without what Python needs to call it."""
    compiled: _Kernel = njit(  # type: ignore[call-overload]
        cache=True, nogil=True, _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True
    )(kernel)
    return compiled


def maker(kernel: _Kernel) -> _Kernel:
    """Compile a kernel that makes arrays and that kernels alone call."""
    compiled: _Kernel = njit(  # type: ignore[call-overload]
        cache=True, nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True
    )(kernel)
    return compiled
