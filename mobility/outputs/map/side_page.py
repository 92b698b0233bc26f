"""A small offline page: a map with a column beside it, drawn by a script from its data."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mobility.outputs.map.assets import leaflet, page_file, safe_script
from mobility.outputs.map.pack import compact_json, quantised

_SLOT = re.compile(r"@@mb-(\w+)@@")


def side_page(title: str, data: dict[str, Any], script: str, language: str) -> str:
    """Return the page that one of the scripts beside `side.js` draws; the same data, the same text.

    Raises
    ------
    SourceNotFoundError
        Leaflet's distribution is not installed.
    """
    code, style = leaflet()
    texts = {
        "language": html.escape(language),
        "title": html.escape(title),
        "leaflet": code,
        "leaflet_style": style,
        "data": compact_json(data),
        "code": safe_script(page_file("side.js") + page_file(script)),
    }
    # What is put in is not looked at again: data never passes as a template.
    return _SLOT.sub(lambda slot: texts[slot[1]], page_file("side.html"))


def flat_paths(lines: Sequence[NDArray[np.float64]]) -> list[list[int]]:
    """Return latitudes and longitudes in hundred-thousandths, each as a step from the last."""
    if not lines:
        return []
    at = quantised(np.concatenate(lines)[:, ::-1])
    steps = np.diff(at, axis=0, prepend=0)
    ends = np.cumsum([len(line) for line in lines])
    first = np.append(0, ends[:-1])[np.diff(ends, prepend=0) > 0]
    steps[first] = at[first]
    flat = steps.ravel().tolist()
    return [flat[2 * (end - len(line)) : 2 * end] for line, end in zip(lines, ends, strict=True)]
