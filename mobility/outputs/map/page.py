"""Write a map model as one self-contained page."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import folium
from branca.element import Element, Figure, MacroElement
from folium.template import Template

from mobility.base.errors import SourceNotFoundError
from mobility.base.files import write_text
from mobility.base.i18n import translate
from mobility.outputs.map.assets import leaflet, page_file, page_script
from mobility.outputs.map.earlier import carry, read_page
from mobility.outputs.map.model import MapModel
from mobility.outputs.map.pack import Store, compact_json
from mobility.outputs.map.payload import Manifest, build
from mobility.outputs.map.texts import ENGLISH, page_french

#: Folium renders what a template gives as a template again. Its templates hold slots only; texts
#: are put into them once the page is rendered.
_SLOT = re.compile(r"@@mb-(\w+)@@")


#: Streets are drawn to some metres: closer, the map says nothing more.
MOST_ZOOM = 16


class _Page(Figure):
    """A figure with a language, one title and nothing that reaches out."""

    _template = Template(
        "<!DOCTYPE html>\n"
        '<html lang="@@mb-language@@">\n<head>\n<meta charset="utf-8">\n'
        "<title>@@mb-title@@</title>\n{{ this.header.render(**kwargs) }}\n</head>\n"
        "<body>\n{{ this.html.render(**kwargs) }}\n"
        "<script>\n{{ this.script.render(**kwargs) }}\n</script>\n</body>\n</html>\n"
    )


class _Map(folium.Map):
    """A Folium map without third-party links, that can be zoomed by the reader."""

    default_js: list[tuple[str, str]] = []  # noqa: RUF012 (Folium's own type)
    default_css: list[tuple[str, str]] = []  # noqa: RUF012
    _template = Template(
        """
        {% macro header(this, kwargs) %}
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <script>L_NO_TOUCH = false; L_DISABLE_3D = false;</script>
        {% endmacro %}
        {% macro html(this, kwargs) %}
        @@mb-markup@@
        <main class="mb-main"><div class="folium-map" id="{{ this.get_name() }}"
          tabindex="0" role="application" data-t-label="Map"></div></main>
        {% endmacro %}
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = L.map({{ this.get_name()|tojson }}, {
          center: {{ this.location|tojson }}, ...{{ this.options|tojavascript }}});
        {% endmacro %}
        """
    )


class _Leaflet(MacroElement):
    """Leaflet's script and style, inlined."""

    _template = Template(
        "{% macro header(this, kwargs) %}"
        "<style>@@mb-leaflet_style@@</style><script>@@mb-leaflet@@</script>"
        "{% endmacro %}"
    )


class _Panel(MacroElement):
    """Controls, figures and legend; the data they read; the script that binds them."""

    _template = Template(
        """
        {% macro header(this, kwargs) %}<style>@@mb-style@@</style>{% endmacro %}
        {% macro html(this, kwargs) %}
        <script type="application/json" id="mb-manifest">@@mb-manifest@@</script>
        <script type="text/plain" id="mb-blobs">@@mb-blobs@@</script>
        {% endmacro %}
        {% macro script(this, kwargs) %}
        (function () {
        "use strict";
        const map = {{ this.map_name }};
        @@mb-code@@
        start();
        })();
        {% endmacro %}
        """
    )

    def __init__(self, map_name: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.map_name = map_name


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
    place = _Map(
        location=(float(homes.lat.mean().round(5)), float(homes.lon.mean().round(5))),
        zoom_start=11,
        tiles=None,
        zoom_control=False,
        zoom_snap=0.25,
        max_zoom=MOST_ZOOM,
        wheel_px_per_zoom_level=90,
    )
    place._id = "main"
    if tiles is not None:
        _tile_layer(tiles).add_to(place)
    page = _Page()
    page.add_child(_Leaflet())  # type: ignore[no-untyped-call]
    page.add_child(place)
    place.add_child(_Panel(place.get_name()))
    for number, element in enumerate(_walk(page)):
        if element is not place:
            element._id = f"{number:x}"
    code, style = leaflet()
    texts = {
        "language": html.escape(language),
        "title": html.escape(f"{model.territory} – mobility"),
        "leaflet": code,
        "leaflet_style": style,
        "style": page_file("page.css"),
        "markup": page_file("panel.html"),
        "code": page_script(),
        "manifest": compact_json(manifest),
        "blobs": "\n".join(store.texts),
    }
    return _SLOT.sub(lambda slot: texts[slot[1]], page.render())


def _tile_layer(name: str) -> folium.TileLayer:
    try:
        return folium.TileLayer(name)
    except ValueError:
        raise SourceNotFoundError(
            "No tiles of that name are known.",
            column="tiles",
            value=name,
            mend="Give the name of an xyzservices provider that needs no key, such as "
            "GeoportailFrance.plan or OpenStreetMap.Mapnik.",
        ) from None


def _facts(manifest: Manifest) -> dict[str, str]:
    """Return the French labels of the plans' further figures."""
    labels = sorted({label for plan in manifest["plans"] for label, _ in plan["facts"]})
    return {label: translate(label, "fr") for label in labels}


def _walk(element: Element) -> Iterator[Element]:
    """Yield an element and all below it, in the order they were added."""
    yield element
    for child in element._children.values():
        yield from _walk(child)
    if isinstance(element, Figure):
        for part in (element.header, element.html, element.script):
            yield from _walk(part)
