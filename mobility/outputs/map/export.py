"""A picture of a page, drawn by a browser without a window."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

from mobility.base.errors import MobilityError, SourceError, SourceNotFoundError, system_reason
from mobility.base.files import check_suffix, writing
from mobility.base.i18n import LANGUAGES, Word
from mobility.outputs.map.pack import EarlierPage, read_page

_BROWSERS = (  # the lightest first
    "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome",
    "google-chrome-stable", "chrome", "microsoft-edge", "msedge",
)  # fmt: skip
_TIMEOUT_S = 120
#: What every map page holds, and what its address can tell.
_MARK = b"window.mobilityMap"
SELECTED = (
    "site", "pick", "day", "direction", "mode", "measure", "scenario", "compare", "swipe", "plan",
    "area", "group", "clock", "view", "lang", "layout",
)  # fmt: skip
#: Values that the address may tell, and what of the page counts those told by number.
WORDS = {
    "direction": ("both", "out", "back"),
    "measure": ("holds", "time", "white", "reason", "share", "late", "gain", "fix"),
    "lang": LANGUAGES,
    "layout": ("A4", "A3", "picture"),
}
COUNTED = {name: f"{name}s" for name in ("site", "day", "mode", "scenario", "plan")}
LAYERS = ("background", "stops", "lines", "shuttles", "labels", "isochrones")


def find_browser() -> str | None:
    """Return the path of a Chromium-like browser on this machine, or None."""
    return next((path for name in _BROWSERS if (path := shutil.which(name))), None)


def export_png(
    page: str | Path, png: str | Path, *, size: tuple[int, int] = (1600, 1000),
    select: Mapping[str, object] | None = None, controls: bool = False, browser: str | None = None,
) -> Path:  # fmt: skip
    """Write a picture of a map page.

    Parameters
    ----------
    page
        A file written by `mobility.outputs.map.page.write_map`.
    png
        The picture, replaced whole.
    size
        Width and height, pixels.
    select
        What is shown, as in the page's address: ``site``, ``pick`` (``"s2"`` a shift,
        ``"r0"`` a roster), ``day``, ``direction``, ``mode``, ``measure``, ``scenario``,
        ``compare``, ``plan``, ``clock`` (seconds), ``lang``...
    controls
        Draw the controls too, as on a screen; otherwise title, map, figures and legend.
    browser
        Path of a Chromium-like browser; found on the machine by default.

    Raises
    ------
    SourceNotFoundError
        There is no such page, or no browser.
    SourceError
        The file is no map page, or the browser drew nothing.
    MobilityError
        Something selected is none of the page's.
    """
    page, png = Path(page).resolve(), Path(png)
    check_suffix(png, ".png")
    if not page.is_file():
        raise SourceNotFoundError(
            "The map page does not exist.", file=page, mend="Write the map first."
        )
    if _MARK not in page.read_bytes():
        raise SourceError(
            "This file is no map page of mobility.",
            file=page,
            mend="Give the map.html that `mobility run` wrote.",
        )
    _check_values(select or {}, read_page(page))
    unknown = [name for name in select or () if name not in (*SELECTED, *LAYERS)]
    if unknown:
        raise MobilityError(
            "The page's address tells no such thing.",
            value=unknown[0],
            mend="Select one of: {names}.",
            names=", ".join((*SELECTED, *LAYERS)),
        )
    browser = browser or find_browser()
    if browser is None or not Path(browser).is_file():
        raise SourceNotFoundError(
            "No Chromium or Chrome was found to draw the picture.",
            file=browser,
            mend="Install Chromium, or give the path of a browser: --browser.",
        )
    address = dict(select or {}) | ({} if controls else {"layout": "picture"})
    url = f"{page.as_uri()}#{urlencode(address)}"
    with writing(png, reads=[page]) as part, tempfile.TemporaryDirectory() as profile:
        reason = _draw(browser, url, part, size, profile)
        if not part.is_file() or not part.stat().st_size:
            raise SourceError(
                "The browser drew no picture: {reason}.",
                file=page,
                mend="Open the page in a browser and print it, or try another browser.",
                reason=reason,
            )
    return png


def _check_values(select: Mapping[str, object], page: EarlierPage | None) -> None:
    """Refuse what the page has not: it would show something else instead."""
    for name, value in select.items():
        known = list(WORDS.get(name, ()))
        if name in COUNTED and page is not None:
            known = [str(k) for k in range(len(page.manifest.get(COUNTED[name], ())))] or ["–"]
        if known and str(value) not in known:
            raise MobilityError(
                "The page has no such thing to show.",
                column="--select",
                value=f"{name}={value}",
                mend="Choose one of: {known}.",
                known=", ".join(known),
            )


def _draw(browser: str, url: str, png: Path, size: tuple[int, int], profile: str) -> str:
    """Run the browser; return why it drew nothing: its own last words, or ours."""
    # The page draws by timers: with virtual time they run out at once, before the picture.
    command = [
        browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
        "--disable-background-networking", "--no-first-run", f"--user-data-dir={profile}",
        f"--window-size={size[0]},{size[1]}", "--force-device-scale-factor=1",
        "--virtual-time-budget=20000", f"--screenshot={png}", url,
    ]  # fmt: skip
    try:
        done = subprocess.run(  # noqa: S603 (the browser of this machine, no shell)
            command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return Word("it took too long")
    except OSError as error:
        return system_reason(error)
    said = done.stderr.strip().splitlines()
    return said[-1] if said else Word("it says nothing")
