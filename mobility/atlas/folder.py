"""The folder of an atlas: where inputs, runs and national tables of each territory lie."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from mobility.base.errors import SourceError, SourceNotFoundError

PREFIX = "ti="
#: An identifier is a name of a folder, on any system.
_ID = re.compile(r"\w[\w.+-]{0,80}")
MANIFEST, FAILURE, FIGURES, SHIFTS = (
    "manifest.json", "failure.json", "territory.json", "shifts.parquet",
)  # fmt: skip
#: Of the whole atlas: territories asked for that could not be prepared, and why.
MISSING = "missing.json"


def is_id(text: str) -> bool:
    """Whether a text may be the identifier of a territory."""
    return _ID.fullmatch(text) is not None


@dataclass(frozen=True)
class Atlas:
    """An atlas, by its folder.

    ``inputs/ti=ID`` holds a territory file and its sources, ``runs/ti=ID`` what was found,
    ``national`` the tables of them all.
    """

    folder: Path

    @classmethod
    def at(cls, folder: str | Path) -> Atlas:
        """Return the atlas in a folder.

        Raises
        ------
        SourceNotFoundError
            No territory is prepared there.
        """
        atlas = cls(Path(folder).resolve())
        if not atlas.units:
            raise SourceNotFoundError(
                "No territory is prepared in this folder.",
                file=folder,
                mend="Prepare it with: mobility atlas prepare; or put each territory's file at "
                "inputs/ti=ID/territory.toml.",
            )
        return atlas

    @property
    def units(self) -> list[str]:
        """The identifiers of the territories, sorted."""
        found = (self.folder / "inputs").glob(f"{PREFIX}*/territory.toml")
        return sorted(name for name in (p.parent.name.removeprefix(PREFIX) for p in found)
                      if is_id(name))  # fmt: skip

    @property
    def national(self) -> Path:
        """The folder of the national tables."""
        return self.folder / "national"

    def file(self, unit: str) -> Path:
        """Return the territory file of a unit."""
        return self.folder / "inputs" / f"{PREFIX}{unit}" / "territory.toml"

    def run(self, unit: str) -> Path:
        """Return the folder of a unit's results."""
        return self.folder / "runs" / f"{PREFIX}{unit}"

    def chosen(self, only: Collection[str] = ()) -> list[str]:
        """Return some units, all when none is named.

        Raises
        ------
        SourceError
            There is no such unit.
        """
        units = self.units
        for unit in only:
            if unit not in units:
                near = get_close_matches(unit, units, n=5, cutoff=0.4) or units[:5]
                raise SourceError(
                    "There is no such territory in the atlas.",
                    file=self.folder,
                    value=unit,
                    mend="Choose one of: {known}.",
                    known=", ".join(near),
                )
        return [unit for unit in units if not only or unit in only]


def read_json(path: Path) -> dict[str, Any] | None:
    """Return what a file of an atlas says, None where there is none that can be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def json_text(value: object) -> str:
    """Return a value as JSON, the same bytes each time."""
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
