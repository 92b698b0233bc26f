"""How the kernels of searches are compiled: those that Python calls, those that kernels call.

What numba keeps of a kernel follows from the kernel's own file alone: one that calls into another
file would stay as it was when that changes, and what is kept of a module that is gone cannot be
read. Here it follows from all files with kernels.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit

from mobility.base.cache import content_hash

_Kernel = TypeVar("_Kernel", bound=Callable[..., Any])


def entry(kernel: _Kernel) -> _Kernel:
    """Compile a kernel that makes no array.

    By default numba counts the references of each array at each call, which took nine tenths of
    a search.
    """
    return _compiled(kernel, _nrt=False, no_cfunc_wrapper=True)


def inner(kernel: _Kernel) -> _Kernel:
    """Compile an `entry` that kernels alone call, without what Python needs to call it."""
    return _compiled(kernel, _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def entry_maker(kernel: Callable[..., Any]) -> Any:
    """Compile a kernel that makes arrays; what it takes need not be told to the type checker."""
    return _compiled(kernel)


def maker(kernel: _Kernel) -> _Kernel:
    """Compile an `entry_maker` that kernels alone call."""
    return _compiled(kernel, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def _compiled(kernel: _Kernel, **options: Any) -> _Kernel:
    options |= {"cache": True, "nogil": True}
    compiled: Any = njit(**options)(kernel)
    kept = getattr(compiled._cache, "_cache_file", None)
    if kept is not None:
        # Of another version numba reads nothing but the version.
        kept._version = f"{kept._version} {_kernels_hash()}"
    return cast("_Kernel", compiled)


@cache
def _kernels_hash() -> str:
    """Return a hash of all files with kernels."""
    package = Path(__file__).parents[1]
    marks = (b"njit", b"base.kernels import")
    sources = ((path, path.read_bytes()) for path in sorted(package.rglob("*.py")))
    return content_hash(path for path, text in sources if any(mark in text for mark in marks))
