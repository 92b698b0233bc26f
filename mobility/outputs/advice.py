"""What is advised: found once by the search, kept as ``levers.json``, told alike by every page.

The file holds the ranked remedies, why each is advised or not, and the sets of the frontier. Plan,
letter and report read it where it was written for the same inputs and the same shuttle plans, so
that all of them tell the same figures.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mobility.base.files import write_text
from mobility.commute.study import Study
from mobility.outputs.record import ADVICE as FILE
from mobility.outputs.record import OWN_PLANS, advice_key, inputs_hash
from mobility.outputs.tables import Sheet, sheet_of
from mobility.remedies.bill import CostLine, bill_frame, spread
from mobility.remedies.factors import LeverFactors, factors_of
from mobility.remedies.recommendations import remedies_frame
from mobility.remedies.remedy import Effect, Remedy

#: Parts of a remedy that are records of their own, and how they are read again.
_PARTS = {"bill": CostLine, "effects": Effect}


@dataclass(frozen=True, eq=False)
class Advice:
    """The ranked remedies and the sets of the frontier, as plain data.

    Attributes
    ----------
    remedies, against
        Cheapest per job first; why each is not advised, an English text, empty for those that are.
    bills
        What each set of the frontier, and each step of the one advised, pays for: its ranks, the
        rank of the remedy, the line.
    tables
        ``frontier``, ``employers``, ``followup`` and, with groups, ``recruitment``.
    """

    remedies: tuple[Remedy, ...]
    against: tuple[str, ...]
    bills: tuple[tuple[str, int, CostLine], ...]
    tables: Mapping[str, pd.DataFrame]

    @property
    def advised(self) -> list[Remedy]:
        """The remedies advised, cheapest per job first."""
        return [r for r, why in zip(self.remedies, self.against, strict=True) if not why]

    @property
    def point(self) -> Mapping[str, Any]:
        """The point of the frontier that is advised; empty where none is."""
        frame = self.tables["frontier"]
        rows = frame[frame["advised"].astype(bool)].to_dict("records")
        return {str(k): v for k, v in rows[0].items()} if rows else {}

    def frames(self, factors: LeverFactors, language: str) -> dict[str, pd.DataFrame]:
        """Return every table of the remedies, by its key."""
        ranks = enumerate((r.bill for r in self.remedies), start=1)
        lines = [line for *_, line in self.bills]
        sets = bill_frame(((k, (line,)) for k, line in enumerate(lines)), language, of="set")
        sets["set"] = [name for name, *_ in self.bills]
        sets.insert(1, "rank", [rank for _, rank, _ in self.bills])
        return {
            "remedies": remedies_frame(self.remedies, self.against, language),
            "remedy_costs": bill_frame(ranks, language, of="rank"),
            "frontier": self.tables["frontier"],
            "set_costs": sets,
            "to_check": spread([r.bill for r in self.remedies], factors),
            "lever_factors": factors.to_frame(language),
        }

    def sheets(self, study: Study, language: str) -> dict[str, Sheet]:
        """Return those tables, and who pays, as sheets of a report."""
        frames = self.frames(factors_of(study), language)
        frames["employers"] = self.tables["employers"]
        return {key: sheet_of(key, frame) for key, frame in frames.items() if len(frame)}


def write_advice(advice: Advice, study: Study, part: Path, *, folder: Path, designed: bool) -> None:
    """Write ``levers.json`` among the outputs that take their place in ``folder``."""
    record = advice_key(study, folder, designed=designed) | {
        "remedies": [_plain(r) for r in advice.remedies],
        "against": advice.against,
        "bills": [(name, rank, vars(line)) for name, rank, line in advice.bills],
        "tables": {
            name: frame.astype(object).where(frame.notna(), None).to_dict("list")
            for name, frame in advice.tables.items()
        },
    }
    text = json.dumps(record, ensure_ascii=False, indent=1, default=lambda number: number.item())
    write_text(part / FILE, text + "\n")


def _plain(remedy: Remedy) -> dict[str, object]:
    found = {f.name: getattr(remedy, f.name) for f in fields(remedy) if f.compare}
    found |= {name: [vars(one) for one in getattr(remedy, name)] for name in _PARTS}
    return found | {"also": [_plain(one) for one in remedy.also]}


def _read(found: dict[str, Any]) -> Remedy:
    found |= {name: tuple(part(**one) for one in found[name]) for name, part in _PARTS.items()}
    found["also"] = tuple(_read(one) for one in found["also"])
    for name in ("words", "sites", "uptake"):
        found[name] = tuple(found[name])
    found["rosters"] = tuple(map(tuple, found["rosters"]))
    return Remedy(**found)


def designed_plans(folder: Path, study: Study) -> Path | None:
    """Return the folder of the shuttles designed with the advice for the inputs of a study."""
    try:
        found = json.loads((folder / FILE).read_text(encoding="utf-8"))
        same = found["designed"] and found["inputs"] == inputs_hash(study)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    place = folder / OWN_PLANS
    return place if same and (place / "plans.csv").is_file() else None


def has_advice(folders: Iterable[Path]) -> bool:
    """Whether advice was found in a folder, be it for other inputs."""
    return any((folder / FILE).is_file() for folder in folders)


def read_advice(
    folders: Iterable[Path], study: Study, *, designed: bool | None = None
) -> Advice | None:
    """Return the advice of the first folder that has some for the inputs of a study.

    Parameters
    ----------
    designed
        Whether shuttles must have been designed with it; either way by default.

    Returns
    -------
    Advice or None
        None where there is none, or where the inputs or the shuttle plans have changed since.
    """
    for folder in folders:
        try:
            found = json.loads((folder / FILE).read_text(encoding="utf-8"))
            key = advice_key(study, folder, designed=bool(found["designed"]))
            if {name: found[name] for name in key} != key:
                continue
            if designed is not None and found["designed"] != designed:
                continue
            tables = {
                name: pd.DataFrame(columns).replace({None: np.nan})
                for name, columns in found["tables"].items()
            }
            return Advice(
                tuple(map(_read, found["remedies"])),
                tuple(found["against"]),
                tuple((name, rank, CostLine(**line)) for name, rank, line in found["bills"]),
                tables,
            )
        # Written by another version, or by hand: as good as none.
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return None
