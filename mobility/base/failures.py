"""What is told of an error that nobody foresaw: one line, and a file with the details."""

from __future__ import annotations

import os
import tempfile
import time
import traceback
from pathlib import Path

from mobility.base import __version__
from mobility.base.cache import open_cache
from mobility.base.errors import STORAGE, MobilityError, library_words, system_reason
from mobility.base.files import without_room

_HEAD = (
    "mobility {version}: where an error arose, {kind}.\n"
    "No value is written here, nor the error's own text, which may quote a file.\n\n"
)


def explained(error: Exception) -> MobilityError:
    """Return what a user is told of any error; the unforeseen leave their details in a file."""
    if isinstance(error, MobilityError):
        return error
    if isinstance(error, MemoryError):
        return MobilityError(
            "The memory of this machine is not enough.",
            mend="Close other programs, study a smaller area or fewer days, or use a larger "
            "machine.",
        )
    if isinstance(error, OSError) and error.errno in STORAGE:
        return MobilityError(
            "The system refuses to read or write it: {reason}.",
            file=error.filename and without_room(Path(os.fsdecode(error.filename))),
            mend="Check its path and its rights, and the room left on the disk.",
            reason=system_reason(error),
        )
    return MobilityError(
        "The software failed: {kind}: {text}. The details are in {details}",
        mend="Send that file to those who keep the software; it holds none of your data.",
        kind=type(error).__name__,
        text=library_words(error, 200),
        details=_written(error),
    )


def _written(error: Exception) -> str:
    """Write where an error arose, without any value; return the file, or a dash if none can be."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    text = _HEAD.format(version=__version__, kind=type(error).__name__) + frames
    name = f"failure-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    try:
        path = open_cache("failures") / name
        path.write_text(text, encoding="utf-8")
    except OSError:
        path = Path(tempfile.gettempdir()) / name
        try:
            path.write_text(text, encoding="utf-8")
        except OSError:
            return "–"
    return str(path)
