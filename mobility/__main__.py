"""The way into the `mobility` command: Ctrl-C ends it in one line, from its first import on."""

from __future__ import annotations

import os
import signal
import sys

INTERRUPTED = 128 + signal.SIGINT


class _InterruptedExit(SystemExit):
    """Leaves through every ``finally``, and past every ``except Exception``."""


def _interrupt(*_: object) -> None:
    """Unwind on the first Ctrl-C, so that unfinished outputs are removed; leave on the second."""
    signal.signal(signal.SIGINT, _leave)
    raise _InterruptedExit(INTERRUPTED)


def _leave(*_: object) -> None:
    os._exit(INTERRUPTED)


def main() -> int:
    """Run the command line and return its exit code; 130 and one line after Ctrl-C."""
    # A shell that starts the command in the background has it ignore Ctrl-C.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    try:
        from mobility.cli import app

        app()
    except (_InterruptedExit, KeyboardInterrupt):
        _tell()
        return INTERRUPTED
    return 0


def _tell() -> None:
    from mobility.base.i18n import chosen_language, translate

    sys.stderr.write(translate("Interrupted.", chosen_language(sys.argv)) + "\n")


if __name__ == "__main__":
    sys.exit(main())
