"""Pictures kept of first views, and how near a page must come to them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

PICTURES = Path(__file__).with_name("pictures")
#: Fonts and drawing differ a little from machine to machine: pictures are small and blurred.
SIZE, BLUR = (350, 225), 2
#: Differences of the three colours, of 255: over the picture, and of its worst hundredth.
MOST_MEAN, MOST_ANYWHERE = 4.0, 60.0


def small(path: Path) -> Image.Image:
    """Return a picture as it is kept."""
    return Image.open(path).convert("RGB").resize(SIZE, Image.Resampling.LANCZOS)


def assert_alike(seen: Path, name: str) -> None:
    """Compare a picture with the one kept of that name, as an eye does from some way off.

    A new picture is kept by ``small(seen).quantize(128).save(PICTURES / f"{name}.png")``.
    """
    blurred = [
        np.asarray(image.filter(ImageFilter.GaussianBlur(BLUR)), int)
        for image in (small(seen), small(PICTURES / f"{name}.png"))
    ]
    apart = np.abs(blurred[0] - blurred[1]).mean(axis=2)
    assert apart.mean() < MOST_MEAN, f"{seen} is {apart.mean():.1f} from the picture of {name}"
    assert np.percentile(apart, 99) < MOST_ANYWHERE
