"""The frontier of shuttle plans as a picture: what each amount of money brings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mobility.outputs.pictures import DPI, GATE, GATE_DOT, INCHES, LABEL, RATIO, RC, STYLES, as_png
from mobility.outputs.words import Words

#: Points between a mark and its label.
APART = 5


def frontier_png(plans: pd.DataFrame, told: str, words: Words) -> bytes | None:
    """Return jobs gained against thousands of EUR a year, the plan told marked.

    None where there are fewer than two.

    Parameters
    ----------
    plans
        ``plans.csv``: ``plan``, ``eur_year``, ``rosters_gained``, ``knee``.
    told
        Name of the plan that is marked.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if len(plans) < 2:
        return None
    with mpl.rc_context(RC):
        figure: Any = Figure(figsize=(INCHES, INCHES / RATIO), dpi=DPI, facecolor="white")
        canvas: Any = FigureCanvasAgg(figure)
        axes = figure.add_axes((0.12, 0.14, 0.85, 0.82))
        _draw(axes, plans, told)
        axes.set_xlabel(words.t("EUR a year (thousands)"), fontsize=8, color=LABEL)
        axes.set_ylabel(words.t("Jobs whose whole roster is gained"), fontsize=8, color=LABEL)
        canvas.draw()
        return as_png(np.asarray(canvas.buffer_rgba()))


def _draw(axes: Any, plans: pd.DataFrame, told: str) -> None:
    blue = STYLES[0][0]
    eur, jobs = plans["eur_year"].to_numpy() / 1000, plans["rosters_gained"].to_numpy()
    ordered = np.argsort(eur, kind="stable")
    axes.plot([0, *eur[ordered]], [0, *jobs[ordered]], "-", color=blue, lw=1, alpha=0.5)
    for x, y, name in zip(eur, jobs, plans["plan"], strict=True):
        chosen = name == told
        axes.plot(
            [x], [y], "D" if chosen else "o", ms=9 if chosen else 4.5,
            mfc=GATE_DOT if chosen else blue, mec=GATE if chosen else blue,
        )  # fmt: skip
        axes.annotate(
            name, (x, y), (APART, -APART - 5), textcoords="offset points", fontsize=7,
            color=LABEL, fontweight="bold" if chosen else "normal",
        )  # fmt: skip
    axes.set_xlim(0, eur.max() * 1.08)
    axes.set_ylim(0, jobs.max() * 1.08)
    axes.grid(color="#e3e6e8", lw=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=7, colors=LABEL)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
