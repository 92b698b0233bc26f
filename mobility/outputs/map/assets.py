"""Scripts, styles and words of the page: Leaflet from its installed distribution, and our own."""

from __future__ import annotations

import base64
import html
import re
from functools import cache
from importlib.metadata import PackageNotFoundError, files
from importlib.resources import files as resources
from pathlib import Path

from mobility.base.errors import SourceNotFoundError
from mobility.base.i18n import translate, typeset
from mobility.commute.modes import MODES
from mobility.territory.rosters import ROSTER_LABELS, SHIFT_LABELS

#: The distribution that carries Leaflet 1.9.4 (BSD-2-Clause) as plain files.
DISTRIBUTION = "django-js-lib-leaflet"
_SCRIPTS = (
    "store", "texts", "state", "draw", "homes", "pixels", "figures", "popups", "lines", "plans",
    "answers", "tools", "panel",
)  # fmt: skip
_SLOT = re.compile(r"@@mb-(\w+)@@")
_URL = re.compile(r"url\((?!data:|#)['\"]?([^)'\"]+)['\"]?\)")
#: English texts of what the page knows by a symbol.
ENGLISH = {
    **{f"mode {name}": mode.label for name, mode in MODES.items()},
    "mode carpool": "car-pool",
    "mode safe_transit": "public transport, lit ways only",
    **{f"by {name}": mode.by for name, mode in MODES.items()},
    "by carpool": "by car-pool",
    "by safe_transit": "by public transport, along lit ways only",
    "day school_weekday": "school-term weekday",
    "day holiday_weekday": "school-holiday weekday",
    "day saturday": "Saturday",
    "day sunday": "Sunday or public holiday",
    "measure holds": "who can go and come back",
    "measure time": "travel time",
    "measure white": "white zones",
    "measure reason": "reason it is white",
    "measure share": "share of working days",
    "measure late": "last way home",
    "measure gain": "gained and lost",
    "measure fix": "minutes to fix",
    "legend holds": "Commute within the limits",
    "legend time": "Time between home and shift",
    "legend white": "White zones",
    "legend reason": "What binds, where the zone is white",
    "legend share": "Working days that hold",
    "legend late": "Overtime that still leaves a way home",
    "legend gain": "Change against the present",
    "legend fix": "Smallest move of a trip or line that connects",
    "question both": "Who can take {work} at {site} {mode}, and get back?",
    "question out": "Who can reach {work} at {site} on time {mode}?",
    "question back": "Who can get home {mode} after {work} at {site}?",
    "question time": "How long does {work} at {site} take {mode}?",
    "question white": "Who can hold {work} at {site} without a car?",
    "question reason": "Why can {work} at {site} not be held without a car?",
    "question share": "On how many working days does {work} at {site} hold {mode}?",
    "question late": "How long can one stay after {work} at {site} and still get home {mode}?",
    "question fix": "By how little must a timetable move for {work} at {site} to be held?",
    "question gain": "Who gains a way to {work} at {site}: {plan}?",
    "reason no_stop_home": "no stop near home",
    "reason no_stop_gate": "no stop near the gate",
    "reason no_service_hour": "no service at that hour",
    "reason no_service_day": "no service on that day",
    "reason no_return": "no way back",
    "reason too_long": "too long",
    "reason too_many_transfers": "too many changes",
    "reason only_school_days": "only on school days",
    "reason unsafe_night": "unsafe walk at night",
    "reason several": "several limits at once",
    **{f"roster {name}": label for name, label in ROSTER_LABELS.items()},
    **{f"shift {name}": label for name, label in SHIFT_LABELS.items()},
    "group without_car": "without a car",
    "group job_seekers": "job seekers",
    "source territory": "Territory",
    "source streets": "Streets",
    "source timetable": "Timetable",
    "source homes": "Homes",
    "source sites": "Sites",
}


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

    def inlined(found: re.Match[str]) -> str:
        image = base64.b64encode((folder / found[1]).read_bytes()).decode("ascii")
        return f"url(data:image/png;base64,{image})"

    return safe_script(script), _URL.sub(inlined, style)


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


def page_script() -> str:
    """Return the page's own script, in one function of its own."""
    folder = resources("mobility.outputs.map") / "static"
    parts = [(folder / f"{name}.js").read_text(encoding="utf-8") for name in _SCRIPTS]
    return safe_script("\n".join(parts))


def filled(template: str, *, language: str, title: str, **texts: str) -> str:
    """Return a page with Leaflet, its title and other texts put into its slots, ``@@mb-name@@``.

    What is put in is not looked at again: data never passes as a template.
    """
    code, style = leaflet()
    texts |= {"language": html.escape(language), "title": html.escape(title)}
    texts |= {"leaflet": code, "leaflet_style": style}
    return _SLOT.sub(lambda slot: texts[slot[1]], template)


def page_file(name: str) -> str:
    """Return one of the page's own files as text."""
    return (resources("mobility.outputs.map") / "static" / name).read_text(encoding="utf-8")


def safe_script(text: str) -> str:
    """Return a script that cannot end its element early."""
    return text.replace("</script", "<\\/script").replace("<!--", "<\\!--")


@cache
def page_french() -> dict[str, str]:
    """Return the French of every English text of the page: `ENGLISH`, and what its code quotes."""
    quoted = re.findall(r'(?="([^"\n_]{3,})")', page_script() + page_file("panel.html"))
    french = {text: translate(text, "fr") for text in sorted({*ENGLISH.values(), *quoted})}
    return {text: told for text, told in french.items() if told != typeset(text, "fr")}
