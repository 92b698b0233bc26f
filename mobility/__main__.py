"""The way into the `mobility` command: whatever ends it, one line says so."""

from __future__ import annotations

import atexit
import gc
import os
import re
import signal
import sys
from types import FrameType
from typing import Any

from mobility.base.i18n import translate

_FAILED = 1
#: Objects made before memory is searched for what nothing uses any more. Starting up and compiling
#: make a great many that stay: at the usual rate, searching them takes some tenths of a second.
_GARBAGE_AFTER = 500_000
#: Words of the parser, and ours for them; named groups become the fields of our text.
_PROBLEMS = (
    ((r"No such option:? (?P<name>\S+?)\.?[ (]+(?:Did you mean|Possible options:) "
     r"(?P<known>.+?)[?)]*"),
     "There is no option {name}; did you mean {known}?"),
    (r"No such command '(?P<name>.*?)'\. Did you mean (?P<known>.+)\?",
     "There is no command {name}; did you mean {known}?"),
    (r"No such option:? (?P<name>\S+?)\.?(?: .*)?", "There is no option {name}."),
    (r"No such command '(?P<name>.*?)'.*", "There is no command {name}."),
    (r"Missing \w+ '(?P<name>.*?)'.*", "{name} is missing: {help}"),
    (r"Got unexpected extra arguments?(?:\(s\))? \((?P<name>.*)\)", "Too much is given: {name}"),
    (r"Option '(?P<name>.*?)' requires an? .*", "The option {name} wants a value."),
    (r"Option '(?P<name>.*?)' does not take a value.*", "The option {name} takes no value."),
    (r"Invalid value for '(?P<name>.*?)'.*?: .*?'(?P<value>[^']*)' is not one of (?P<known>.*?)\.?",
     "{value} is no value of {name}; choose one of: {known}."),
    (r"Invalid value for '(?P<name>.*?)'.*?: .*greater than or equal to (?P<limit>\S+)",
     "{name} must be {limit} at the least."),
    (r"Invalid value for '(?P<name>.*?)'.*?: .*less than or equal to (?P<limit>\S+)",
     "{name} must be {limit} at the most."),
    (r"Invalid value for '(?P<name>.*?)'.*?: .*valid.*",
     "{name} is no number that may stand here."),
    (r"Invalid value for '(?P<name>.*?)'.*", "The value of {name} is not accepted."),
)  # fmt: skip


class _InterruptedExit(SystemExit):
    """Leaves through every ``finally``, and past every ``except Exception``."""


def _interrupt(number: int, _: FrameType | None) -> None:
    """Unwind on the first signal, so that unfinished outputs are removed; leave on the second."""
    signal.signal(number, _leave)
    raise _InterruptedExit(128 + number)


def _leave(number: int, _: FrameType | None) -> None:
    os._exit(128 + number)


def main() -> int:
    """Run the command line and return its exit code; one line tells what stopped it.

    After Ctrl-C that code is 130, after SIGTERM 143, after a failure 1.
    """
    gc.set_threshold(_GARBAGE_AFTER)
    # Leaving, Python searches all objects once more before it drops them: as long as a short
    # command takes to read its sources.
    atexit.register(gc.freeze)
    # Sums over homes are short: sharing each among processors takes ten times theirs, and adds
    # up in another order on another machine.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Arrow's own pool keeps what tables leave: a tenth of the memory of a run.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    # A shell that starts the command in the background has it ignore Ctrl-C.
    for number, usual in (
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGTERM, signal.SIG_DFL),
    ):
        if signal.getsignal(number) is usual:
            signal.signal(number, _interrupt)
    try:
        from mobility.cli import app

        return app(standalone_mode=False) or 0
    except _InterruptedExit as stop:
        _tell("Interrupted.")
        return int(str(stop.code))
    except KeyboardInterrupt:
        _tell("Interrupted.")
        return 128 + signal.SIGINT
    except Exception as error:  # noqa: BLE001 (the last one that can say anything)
        if hasattr(error, "format_message"):
            return _misused(error)
        from mobility.base.failures import explained
        from mobility.base.i18n import chosen_language

        sys.stderr.write(explained(error).render(chosen_language(sys.argv)) + "\n")
        return _FAILED


def _misused(error: Any) -> int:
    """Tell what is wrong with the command line, and where its help is."""
    from mobility.base.i18n import chosen_language, translate

    language = chosen_language(sys.argv)
    said = error.format_message()
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
    else:
        command = error.ctx.command_path if getattr(error, "ctx", None) else "mobility"
        meant = getattr(getattr(error, "param", None), "help", None) or "?"
        problem = _usage_problem(said, language, meant)
        sys.stderr.write(f"{translate('Error', language)} {problem}\n")
        sys.stderr.write(translate("Help: {command} --help", language, command=command) + "\n")
    return int(error.exit_code)


def _tell(text: str) -> None:
    from mobility.base.i18n import chosen_language, translate

    sys.stderr.write(translate(text, chosen_language(sys.argv)) + "\n")


def _usage_problem(message: str, language: str, meant: str = "") -> str:
    """Return the parser's complaint in a language, as it is where it is not known.

    Parameters
    ----------
    meant
        What the option or the argument is for, in the language.
    """
    line = " ".join(message.split())
    for pattern, template in _PROBLEMS:
        match = re.fullmatch(pattern, line)
        if match:
            return translate(template, language, **match.groupdict(), help=meant)
    return line


if __name__ == "__main__":
    sys.exit(main())
