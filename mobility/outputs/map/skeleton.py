"""The page as Folium draws it, with slots for what `mobility.outputs.map.page` puts in."""

from __future__ import annotations

from collections.abc import Iterator

import folium
from branca.element import Element, Figure, MacroElement
from folium.template import Template

from mobility.base.errors import SourceNotFoundError

#: Streets are drawn to some metres: closer, the map says nothing more.
_MOST_ZOOM = 16


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


def drawn(location: tuple[float, float], tiles: str | None) -> str:
    """Return the page with its slots.

    Folium renders what a template gives as a template again. Its templates hold slots only,
    ``@@mb-name@@``; texts are put into them once the page is rendered.

    Parameters
    ----------
    location
        Latitude and longitude of the middle of the map, degrees.
    tiles
        Name of an `xyzservices` provider, None for none.

    Raises
    ------
    SourceNotFoundError
        There are no such tiles.
    """
    place = _Map(
        location=location,
        zoom_start=11,
        tiles=None,
        zoom_control=False,
        zoom_snap=0.25,
        max_zoom=_MOST_ZOOM,
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
    return str(page.render())


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


def _walk(element: Element) -> Iterator[Element]:
    """Yield an element and all below it, in the order they were added."""
    yield element
    for child in element._children.values():
        yield from _walk(child)
    if isinstance(element, Figure):
        for part in (element.header, element.html, element.script):
            yield from _walk(part)
