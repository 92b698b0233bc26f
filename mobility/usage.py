"""What is wrong with a command line, in the language asked for: the parser says it in English."""

from __future__ import annotations

import re

from mobility.base.i18n import translate

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


def usage_problem(message: str, language: str, meant: str = "") -> str:
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
