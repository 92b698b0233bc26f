"""HiGHS without a word, on one core: the same answer on every machine."""

from __future__ import annotations

from typing import Any

import highspy


def quiet_solver(**options: object) -> Any:
    """Return a solver with some options of HiGHS."""
    found: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    for option, value in ({"output_flag": False, "threads": 1} | options).items():
        found.setOptionValue(option, value)
    return found
