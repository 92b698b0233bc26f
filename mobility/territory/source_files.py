"""The files that a territory names, wherever it does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from mobility.territory.project import Territory


def source_files(territory: Territory) -> list[Path]:
    """Return the files a territory names, wherever it does, and its own."""
    overlays = [Path(g.partition("=")[2]) for g in territory.sources.homes.groups if "=" in g]
    lines = territory.shuttles.get("lines")
    named = [*_paths(territory), *overlays, *([Path(lines)] if isinstance(lines, str) else [])]
    found = [territory.resolve(path) for path in named]
    return found if territory.path is None else [*found, territory.path]


def _paths(value: object) -> Iterator[Path]:
    """Yield every path that a model holds."""
    if isinstance(value, Path):
        yield value
    elif isinstance(value, BaseModel | dict):
        for held in vars(value).values() if isinstance(value, BaseModel) else value.values():
            yield from _paths(held)
    elif isinstance(value, list | tuple):
        for held in value:
            yield from _paths(held)


__all__ = ["source_files"]
