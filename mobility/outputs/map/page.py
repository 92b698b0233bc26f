"""Write a map model as one self-contained page."""

from __future__ import annotations

import html
import re
from importlib.metadata import version
from pathlib import Path

import numpy as np

from mobility.base.cache import Bundle, cached, code_hash
from mobility.base.files import write_text
from mobility.base.i18n import translate
from mobility.outputs.map.assets import ENGLISH, leaflet, page_file, page_french, page_script
from mobility.outputs.map.model import MapModel
from mobility.outputs.map.pack import Store, carry, compact_json, read_page
from mobility.outputs.map.payload import Manifest, build

#: Where texts are put into what Folium drew, see `mobility.outputs.map.skeleton`.
_SLOT = re.compile(r"@@mb-(\w+)@@")


def write_map(
    model: MapModel,
    path: str | Path,
    *,
    language: str = "fr",
    tiles: str | None = None,
    earlier: Path | None = None,
) -> Path:
    """Write the page of a territory.

    Parameters
    ----------
    path
        The HTML file, replaced whole.
    language
        The language it opens in, ``"fr"`` or ``"en"``; the reader can switch.
    tiles
        Name of an `xyzservices` provider (``"GeoportailFrance.plan"``) drawn from the
        network under the results; where they do not come, the model's own background shows.
        None draws that background and asks nothing of any host.
    earlier
        A page of which levers or plans are carried over, where the inputs are the same.

    Returns
    -------
    Path
        The file written. The same model gives the same bytes.

    Raises
    ------
    SourceNotFoundError
        Leaflet's distribution is not installed, or there are no such tiles.
    SourceError
        The file cannot be written.
    """
    path = Path(path)
    write_text(path, render(model, language=language, tiles=tiles, earlier=earlier))
    return path


def render(
    model: MapModel, *, language: str = "fr", tiles: str | None = None, earlier: Path | None = None
) -> str:
    """Return the page of a territory as text."""
    store = Store()
    manifest = build(model, store) | {
        "language": language,
        "tiles": tiles is not None,
        "en": ENGLISH,
    }
    carry(manifest, store, None if earlier is None else read_page(earlier))
    manifest["fr"] = page_french() | _facts(manifest)
    homes = model.homes
    middle = float(homes.lat.mean().round(5)), float(homes.lon.mean().round(5))
    code, style = leaflet()
    texts = {
        "language": html.escape(language), "title": html.escape(f"{model.territory} – mobility"),
        "leaflet": code, "leaflet_style": style, "style": page_file("page.css"),
        "markup": page_file("panel.html"), "code": page_script(),
        "manifest": compact_json(manifest), "blobs": "\n".join(store.texts),
    }  # fmt: skip
    return _SLOT.sub(lambda slot: texts[slot[1]], _skeleton(middle, tiles))


def _skeleton(middle: tuple[float, float], tiles: str | None) -> str:
    """Return what Folium draws, kept: loading it takes longer than all that is put in."""

    def compute() -> Bundle:
        from mobility.outputs.map.skeleton import drawn

        return {"page": np.frombuffer(drawn(middle, tiles).encode(), np.uint8)}

    drawing = [version(name) for name in ("folium", "branca", "jinja2", "xyzservices")]
    found = cached("pages", [code_hash(), *drawing, middle, tiles], compute)
    return np.asarray(found["page"]).tobytes().decode()


def _facts(manifest: Manifest) -> dict[str, str]:
    """Return the French labels of the plans' further figures."""
    labels = sorted({label for plan in manifest["plans"] for label, _ in plan["facts"]})
    return {label: translate(label, "fr") for label in labels}
