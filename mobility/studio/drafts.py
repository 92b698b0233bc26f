"""What a user has changed so far: steps that can be undone, and scenario files of them.

A draft is what a scenario file says besides its base. Browsers send steps, never a whole draft,
so that two on one study lose nothing of each other's.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from threading import Lock, RLock, Timer
from typing import Any

import tomlkit

from mobility.base.errors import MobilityError, SourceNotFoundError, TerritoryError
from mobility.base.files import write_text
from mobility.base.i18n import LANGUAGES
from mobility.base.literal import slug
from mobility.territory.validation import read_toml

Draft = dict[str, Any]
Step = dict[str, Any]

#: Tables of which a step may set fields.
_TABLES = ("limits", "speeds", "modes", "carpool")
_MOST_STEPS = 500
#: Seconds after a step in which its draft is written: writing takes time from the answer.
_KEPT_S = 0.3
_DRAFT = "draft"


def stepped(draft: Draft, step: Step) -> Draft:
    """Return a draft after one step.

    Raises `MobilityError`: there is no such step.

    Parameters
    ----------
    step
        ``{"do": "set", "table", "field", "value"}``, where no value is the study's own;
        ``{"do": "shift", "site", "roster", "shift", "start", "end"}``, hours as ``"05:15"``,
        None for the study's own; ``{"do": "trips", "trips", "how", "minutes"}``;
        ``{"do": "feed", "name", "file", ...}``, no file to leave it out again;
        ``{"do": "zones", "on_demand", "evaluated"}``, all zones and modes, none for the study's;
        ``{"do": "lines", "lines"}``, every change of lines;
        ``{"do": "drop", "kind", "index"}`` of a change; ``{"do": "clear"}``.
    """
    # The states that can be gone back to share nothing with what comes after them.
    new: Draft = copy.deepcopy(draft)
    kind = step.get("do")
    if kind == "clear":
        return {}
    if kind == "set" and step.get("table") in _TABLES:
        _set(new, str(step["table"]), str(step.get("field")), step.get("value"))
    elif kind == "shift":
        _put(new, "shifts", step, ("site", "roster", "shift"), ("start", "end"))
    elif kind == "trips":
        _put(new, "trips", step, ("trips", "how"), ("minutes",))
    elif kind == "feed":
        feeds = new.setdefault("changes", {}).setdefault("feeds", [])
        feeds[:] = [feed for feed in feeds if feed["name"] != step["name"]]
        feeds += [{k: v for k, v in step.items() if k != "do"}] if step.get("file") else []
    elif kind == "zones":
        new["on_demand"] = step["on_demand"]
        _set(new, "modes", "evaluated", step["evaluated"])
    elif kind == "lines":
        new.setdefault("changes", {})["lines"] = step["lines"]
    elif kind == "drop":
        rows = new.get("changes", {}).get(str(step.get("kind")), [])
        index = step.get("index")
        if isinstance(index, int) and 0 <= index < len(rows):
            del rows[index]
    else:
        raise MobilityError("There is no such step.", value=kind, mend="Load the page again.")
    return _bare(new)


def _set(draft: Draft, table: str, field: str, value: object) -> None:
    fields = draft.setdefault(table, {})
    if value is None:
        fields.pop(field, None)
    else:
        fields[field] = value


def _put(
    draft: Draft, kind: str, step: Step, names: tuple[str, ...], values: tuple[str, ...]
) -> None:
    """Put a change in place of an earlier one of the same thing; none is left of no change."""
    rows = draft.setdefault("changes", {}).setdefault(kind, [])
    key = {name: step.get(name) for name in names}
    place = next((k for k, r in enumerate(rows) if all(r.get(n) == key[n] for n in names)), None)
    row = key if place is None else rows.pop(place)
    row |= {name: step[name] for name in values if name in step}
    row = {name: value for name, value in row.items() if value is not None}
    moved = any(row.get(name) for name in values)
    if moved or row.get("how") == "remove":
        rows.insert(len(rows) if place is None else place, row)


def _bare(draft: Draft) -> Draft:
    """Return a draft without its empty tables."""
    changes = {k: v for k, v in draft.get("changes", {}).items() if v}
    kept = {k: v for k, v in draft.items() if v and k != "changes"}
    return kept | ({"changes": changes} if changes else {})


class History:
    """The steps of one study: the draft as it is, as it was, and its file.

    Parameters
    ----------
    folder
        Where the scenarios of the study are kept; the draft lies there too, so that it
        survives the studio.
    base
        The study's territory file.
    """

    def __init__(self, folder: Path, base: Path) -> None:
        self.folder, self.base = folder, base
        self.lock = RLock()
        self.revision = 0
        self._states: list[Draft] = [self._kept()]
        self._place = 0
        #: The draft as it is.
        self.draft: Draft = self._states[0]
        self._writing, self._written, self._is_due = Lock(), 0, False

    def told(self) -> dict[str, Any]:
        """Return what a page shows of it."""
        with self.lock:
            return {
                "revision": self.revision,
                "draft": self.draft,
                "undo": self._place > 0,
                "redo": self._place + 1 < len(self._states),
            }

    def steps(self) -> dict[str, Any]:
        """Return the steps made, for `resume`."""
        with self.lock:
            return {"states": self._states, "place": self._place, "revision": self.revision}

    def resume(self, steps: Mapping[str, Any]) -> None:
        """Take up steps made before, unless the draft's file was changed since."""
        with self.lock:
            states, place = list(steps["states"]), int(steps["place"])
            self.revision = self._written = int(steps["revision"])
            if states[place] == self.draft:
                self._states, self._place = states, place
            else:
                self.revision += 1

    def commit(self, draft: Draft) -> None:
        """Make a draft the present one."""
        with self.lock:
            if draft == self.draft:
                return
            # A step made after some were undone takes their place.
            del self._states[self._place + 1 :]
            self._states.append(draft)
            del self._states[:-_MOST_STEPS]
            self._place = len(self._states) - 1
            self.draft = draft
            self.revision += 1

    def move(self, by: int) -> None:
        """Undo (-1) or redo (1) a step, where there is one."""
        with self.lock:
            place = self._place + by
            if 0 <= place < len(self._states):
                self._place = place
                self.draft = self._states[place]
                self.revision += 1

    def keep(self) -> None:
        """Write the draft to its file; steps made meanwhile wait for nothing."""
        self._is_due = False
        with self._writing:
            revision, draft = self.revision, self.draft
            if revision != self._written and (draft or self._file(_DRAFT).is_file()):
                self._write(_DRAFT, "", draft)
            self._written = revision

    def keep_soon(self) -> None:
        """Write the draft to its file once its step is answered, and others made until then."""
        with self.lock:
            due, self._is_due = self._is_due, True
        if not due:
            Timer(_KEPT_S, self.keep).start()

    def scenarios(self) -> list[dict[str, Any]]:
        """Return the scenarios kept: ``id``, ``name`` and, where it cannot be read, ``error``."""
        found: list[dict[str, Any]] = []
        for path in sorted(self.folder.glob("*.toml")):
            if path.stem == _DRAFT:
                continue
            try:
                name = str(read_toml(path).get("name", path.stem))
                _read(path)
                found.append({"id": path.stem, "name": name})
            except MobilityError as error:
                said = {code: error.render(code) for code in LANGUAGES}
                found.append({"id": path.stem, "name": path.stem, "error": said})
        return found

    def save(self, name: str, draft: Draft, *, anew: bool = False) -> str:
        """Keep a draft as a scenario; return what its file is called.

        A scenario of the same name is replaced; one kept anew gets a number instead.
        One of another name stays, also where its file would be called the same.

        Raises `MobilityError`: the name holds no letter or digit.
        """
        name = name.strip()
        if not slug(name):
            raise MobilityError(
                "A scenario needs a name of its own.",
                value=name,
                mend="Write at least one letter or digit.",
            )
        with self.lock:
            known = {one["id"]: one["name"] for one in self.scenarios()}
            taken = {*known, _DRAFT}
            if anew and name in known.values():
                name = next(one for k in count(2) if (one := f"{name} {k}") not in known.values())
            stems = (slug(name), *(f"{slug(name)[:56]}-{k}" for k in range(2, len(taken) + 3)))
            same = next((stem for stem, other in known.items() if other == name), None)
            stem = same or next(stem for stem in stems if stem not in taken)
            self._write(stem, name, draft)
        return stem

    def read(self, stem: str) -> Draft:
        """Return what a scenario changes."""
        return _read(self.path(stem))

    def remove(self, stem: str) -> None:
        """Delete a scenario's file; its results stay."""
        with self.lock:
            self.path(stem).unlink()

    def path(self, stem: str) -> Path:
        """Return the file of a scenario."""
        if stem != slug(stem) or not self._file(stem).is_file():
            raise SourceNotFoundError(
                "There is no such scenario.", value=stem, mend="Load the page again."
            )
        return self._file(stem)

    def _file(self, stem: str) -> Path:
        return self.folder / f"{stem}.toml"

    def _kept(self) -> Draft:
        """Return the draft of the file; one that cannot be read stands among the scenarios."""
        path = self._file(_DRAFT)
        if not path.is_file():
            return {}
        try:
            return _read(path)
        except MobilityError:
            aside = (self._file(f"{_DRAFT}-{k}") for k in count(2))
            path.rename(next(place for place in aside if not place.exists()))
            return {}

    def _write(self, stem: str, name: str, draft: Draft) -> None:
        document = tomlkit.document()
        document.add(tomlkit.comment(f"mobility run scenarios/{stem}.toml"))
        document["base"] = f"../{self.base.name}"
        if name:
            document["name"] = name
        for key, value in draft.items():
            document[key] = value
        write_text(self._file(stem), tomlkit.dumps(document))


def _read(path: Path) -> Draft:
    """Return what a scenario's file changes.

    Raises `TerritoryError`: it cannot be read, or is not built as one.
    """
    draft = {k: v for k, v in read_toml(path).items() if k not in ("base", "name")}
    tables = {name: draft[name] for name in (*_TABLES, "changes") if name in draft}
    changes = tables.get("changes")
    lists = {f"changes.{k}": v for k, v in changes.items()} if isinstance(changes, dict) else {}
    if "on_demand" in draft:
        lists["on_demand"] = draft["on_demand"]
    wrong = [name for name, value in tables.items() if not isinstance(value, dict)]
    wrong += [
        name
        for name, value in lists.items()
        if not isinstance(value, list) or not all(isinstance(row, dict) for row in value)
    ]
    if wrong:
        raise TerritoryError(
            "It is no table.",
            file=path,
            column=wrong[0],
            mend="Write its fields one by one, name = value.",
        )
    return draft
