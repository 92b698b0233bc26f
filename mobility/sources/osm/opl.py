"""Nodes and ways of a file as lines of text, which osmium writes quickly.

Taking its objects one by one, in Python, needs several times as long. The lines are OPL
(osmcode.org/opl-file-format): fields parted by blanks, each named by its first letter; signs of
meaning stand in a text as ``%code%``. A process of its own writes them, for a writer of osmium
that fails takes its process with it. It loads osmium alone.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import osmium

if TYPE_CHECKING:
    import numpy as np

#: Of a smaller file, to begin a process that writes it as text takes longer than reading it.
LEAST_BYTES = 1_000_000
#: Bytes of text read at a time.
BLOCK = 1 << 23
_OPTIONS = "opl,locations_on_ways=true,add_metadata=version"
_PLAIN = re.compile(r"[^\w.:;/-]")
_SIGN = re.compile("%([0-9a-f]+)%")
_TO_TABLE = bytes.maketrans(b"xy,", b",,\n")
_UNIT = 1e7
#: Coordinate of a node that is not in the file.
UNDEFINED = 2**31 - 1
#: Kind and id, version, whether visible, tags, place (of a way its nodes).
Row = list[bytes]


class Node(NamedTuple):
    """A node with tags; degrees."""

    id: int
    tags: dict[str, str]
    lon: float
    lat: float


class Way(NamedTuple):
    """A way; int64 ids of its nodes, and int32 their places in degrees times 1e7."""

    id: int
    version: int
    tags: dict[str, str]
    refs: np.ndarray
    x: np.ndarray
    y: np.ndarray

    def is_closed(self) -> bool:
        """Whether the way ends where it begins."""
        return len(self.refs) > 1 and bool(self.refs[0] == self.refs[-1])


class NoTextError(Exception):
    """osmium cannot write the file as text, or not all of it: it is to be read otherwise."""


def objects(path: Path, keys: tuple[str, ...]) -> Iterator[Node | Way]:
    """Yield the nodes that have one of some keys, and all ways, in the order of a file.

    Raises
    ------
    NoTextError
        The file is damaged, or has an object that osmium does not write; part of it may have
        been yielded.
    """
    for rows in blocks(path, keys):
        yield from _objects(rows)


def blocks(path: Path, keys: tuple[str, ...], store: str = "flex_mem") -> Iterator[list[Row]]:
    """Yield the same as rows of fields, many at a time.

    Parameters
    ----------
    store
        Where osmium keeps the places of nodes, as it names it.

    Raises
    ------
    NoTextError
        As of `objects`.
    """
    command = [sys.executable, "-m", __name__, store, str(path), *keys]
    with subprocess.Popen(  # noqa: S603 (this very software, a list, no shell)
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as writer:
        assert writer.stdout is not None
        while lines := writer.stdout.readlines(BLOCK):
            yield [line.rstrip(b"\n").split(b" ", 4) for line in lines]
    if writer.returncode:
        raise NoTextError(path.name)


def fields_of(item: Any) -> Row:
    """Return the fields of a node or a way, as osmium gives it, or a `Node` or a `Way`."""
    own = isinstance(item, Node | Way)
    pairs = item.tags.items() if own else [(t.k, t.v) for t in item.tags]
    tags = ",".join(f"{_as_text(key)}={_as_text(value)}" for key, value in pairs)
    if isinstance(item, Node):
        ref, place = f"n{item.id}", f"x{item.lon:.7f} y{item.lat:.7f}"
    elif not own and item.is_node():
        ref, place = f"n{item.id}", _place(item.location.x, item.location.y, " ")
    else:
        nodes: Iterable[tuple[int, int, int]] = (
            zip(item.refs, item.x, item.y, strict=True)
            if own
            else ((n.ref, n.x, n.y) for n in item.nodes)
        )
        ref, place = f"w{item.id}", "N" + ",".join(f"n{n}{_place(x, y)}" for n, x, y in nodes)
    return [text.encode() for text in (ref, "v", "dV", f"T{tags}", place)]


def _place(x: int, y: int, between: str = "") -> str:
    return f"x{between}y" if x == UNDEFINED else f"x{x / _UNIT:.7f}{between}y{y / _UNIT:.7f}"


def _as_text(text: str) -> str:
    return _PLAIN.sub(lambda found: f"%{ord(found[0]):x}%", text)


def _objects(rows: list[Row]) -> Iterator[Node | Way]:
    import numpy as np

    nodes = [row[4][1:] for row in rows if row[0].startswith(b"w")]
    refs, x, y = places(nodes)
    ends = np.cumsum([text.count(b"n") for text in nodes]).tolist()
    start, ways = 0, iter(ends)
    for row in rows:
        ref, tags = int(row[0][1:]), tags_of(row)
        if row[0].startswith(b"n"):
            lon, lat = row[4].split(b" ")
            yield Node(ref, tags, float(lon[1:]), float(lat[1:]))
            continue
        end = next(ways)
        here = slice(start, end)
        yield Way(ref, int(row[1][1:]), tags, refs[here], x[here], y[here])
        start = end


def places(texts: Iterable[bytes]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ids and places of ``n1x8.2y49.1,n2xy``: the second node is not in the file."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import csv

    text = b",".join(text for text in texts if text)
    if not text:
        return np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int32)
    kinds = {"ref": pa.int64(), "x": pa.float64(), "y": pa.float64()}
    table = csv.read_csv(
        pa.BufferReader(text.translate(_TO_TABLE, b"n")),
        csv.ReadOptions(use_threads=False, column_names=list(kinds)),
        convert_options=csv.ConvertOptions(column_types=kinds, null_values=[""]),
    )
    refs, *degrees = (column.to_numpy() for column in table.columns)
    x, y = (np.where(np.isnan(d), UNDEFINED, np.rint(d * _UNIT)).astype(np.int32) for d in degrees)
    return refs, x, y


def tags_of(row: Row) -> dict[str, str]:
    """Return the tags of ``Thighway=service,name=Am%20%Hang``."""
    text = row[3][1:].decode()
    tags = dict([pair.split("=") for pair in text.split(",")]) if text else {}
    if "%" in text:
        return {_plain(key): _plain(value) for key, value in tags.items()}
    return tags


def _plain(text: str) -> str:
    return _SIGN.sub(lambda found: chr(int(found[1], 16)), text) if "%" in text else text


def _write_opl(store: str, path: str, *keys: str) -> None:
    """Write a file as text to the standard output."""
    found = osmium.NodeLocationsForWays(osmium.index.create_map(store))
    found.ignore_errors()
    tagged = osmium.filter.KeyFilter(*keys)
    tagged.enable_for(osmium.osm.NODE)
    writer = osmium.SimpleWriter(osmium.io.File("-", _OPTIONS))
    with osmium.io.Reader(path, osmium.osm.NODE | osmium.osm.WAY) as reader:
        osmium.apply(reader, found, tagged, writer)
    writer.close()


if __name__ == "__main__":
    _write_opl(*sys.argv[1:])
