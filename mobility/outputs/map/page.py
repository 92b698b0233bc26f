"""Write a map model as one self-contained page."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

from mobility.base.errors import SourceNotFoundError
from mobility.base.files import write_text
from mobility.base.i18n import translate
from mobility.outputs.map.assets import leaflet, page_file, page_script
from mobility.outputs.map.earlier import carry, read_page
from mobility.outputs.map.model import MapModel
from mobility.outputs.map.pack import Store, compact_json
from mobility.outputs.map.payload import Manifest, build
from mobility.outputs.map.texts import ENGLISH, page_french

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
    model: MapModel,
    *,
    language: str = "fr",
    tiles: str | None = None,
    earlier: Path | None = None,
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
    code, style = leaflet()
    texts = {
        "language": html.escape(language),
        "centre": json.dumps([float(at.mean().round(5)) for at in (homes.lat, homes.lon)]),
        "tiles": "" if tiles is None else _tile_layer(tiles),
        "title": html.escape(f"{model.territory} – mobility"),
        "leaflet": code,
        "leaflet_style": style,
        "style": page_file("page.css"),
        "markup": page_file("panel.html"),
        "code": page_script(),
        "manifest": compact_json(manifest),
        "blobs": "\n".join(store.texts),
    }
    return _SLOT.sub(lambda slot: texts[slot[1]], page_file("page.html"))


def _tile_layer(name: str) -> str:
    """Return the script that draws tiles under the map."""
    # It takes half a second to load, and few maps have tiles.
    import folium

    place = folium.Map(tiles=None)
    place._id = "main"
    try:
        layer = folium.TileLayer(name).add_to(place)
    except ValueError:
        raise SourceNotFoundError(
            "No tiles of that name are known.",
            column="tiles",
            value=name,
            mend="Give the name of an xyzservices provider that needs no key, such as "
            "GeoportailFrance.plan or OpenStreetMap.Mapnik.",
        ) from None
    layer._id = "3"
    template: Any = layer._template
    script, shown = template.module.script(layer, {}), f"{layer.get_name()}.addTo(map_main);"
    return f"{script}\n    \n            {shown}\n        \n    "


def _facts(manifest: Manifest) -> dict[str, str]:
    """Return the French labels of the plans' further figures."""
    labels = sorted({label for plan in manifest["plans"] for label, _ in plan["facts"]})
    return {label: translate(label, "fr") for label in labels}
