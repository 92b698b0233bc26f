"""Scripts and styles of the page: Leaflet from its installed distribution, and our own."""

from __future__ import annotations

import base64
import re
from importlib.metadata import PackageNotFoundError, files
from importlib.resources import files as resources
from pathlib import Path

from mobility.base.errors import SourceNotFoundError

#: The distribution that carries Leaflet 1.9.4 (BSD-2-Clause) as plain files.
DISTRIBUTION = "django-js-lib-leaflet"
_SCRIPTS = (
    "store",
    "texts",
    "state",
    "draw",
    "homes",
    "pixels",
    "figures",
    "popups",
    "lines",
    "plans",
    "answers",
    "tools",
    "panel",
)
_URL = re.compile(r"url\((?!data:|#)['\"]?([^)'\"]+)['\"]?\)")


def leaflet() -> tuple[str, str]:
    """Return Leaflet's script and style sheet, its images inlined.

    Raises
    ------
    SourceNotFoundError
        The distribution that carries it is not installed.
    """
    folder = _leaflet_folder()
    script = (folder / "leaflet.js").read_text(encoding="utf-8")
    script = re.sub(r"//# sourceMappingURL=.*", "", script)
    style = (folder / "leaflet.css").read_text(encoding="utf-8")
    return safe_script(script), _URL.sub(lambda m: f"url({_data_url(folder / m[1])})", style)


def _leaflet_folder() -> Path:
    try:
        found = [f for f in files(DISTRIBUTION) or [] if f.name == "leaflet.js"]
    except PackageNotFoundError:
        found = []
    path = Path(str(found[0].locate())) if found else None
    if path is None or not path.is_file():
        raise SourceNotFoundError(
            "The map script Leaflet is not installed.",
            file=DISTRIBUTION,
            mend="Install it with: pip install {package}",
            package=DISTRIBUTION,
        )
    return path.parent


def _data_url(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")


def page_script() -> str:
    """Return the page's own script, in one function of its own."""
    folder = resources("mobility.outputs.map") / "static"
    parts = [(folder / f"{name}.js").read_text(encoding="utf-8") for name in _SCRIPTS]
    return safe_script("\n".join(parts))


def page_file(name: str) -> str:
    """Return one of the page's own files as text."""
    return (resources("mobility.outputs.map") / "static" / name).read_text(encoding="utf-8")


def safe_script(text: str) -> str:
    """Return a script that cannot end its element early."""
    return text.replace("</script", "<\\/script").replace("<!--", "<\\!--")
