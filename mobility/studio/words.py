"""Words of the studio's pages: what their scripts and markup quote, in French."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from mobility.base.i18n import translate, typeset


@cache
def french() -> dict[str, str]:
    """Return the French of every English text of the studio's own pages."""
    folder = files("mobility.studio") / "static"
    code = "\n".join(
        entry.read_text(encoding="utf-8")
        for entry in folder.iterdir()
        if entry.name.endswith((".js", ".html"))
    )
    quoted = re.findall(r'(?="([^"\n]{2,})")', code)
    told = {text: translate(text, "fr") for text in sorted(set(quoted))}
    return {text: word for text, word in told.items() if word != typeset(text, "fr")}
