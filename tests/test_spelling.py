"""Every French text is spelt as hunspell's dictionary has it, or as the project's own words."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from texts import PACKAGE, forms

OWN_WORDS = Path(__file__).with_name("french_words.txt")
#: What is no prose: fields to fill in, addresses, names of files, options and parameters.
NO_PROSE = re.compile(
    r"\{[^{}]*\}|`[^`]*`|https?://\S+|--?[a-z][\w-]*|[\w*/<>-]+\.[a-z_]+\w*|\w+_\w+|\w+=\S*|[\w-]+/\S*"
    r"|\w+ = \S+|#\S+|\\w"
)


def told() -> Iterator[str]:
    for texts in forms("fr").values():
        yield from texts
    registry = tomllib.loads((PACKAGE / "outputs" / "tables.toml").read_text(encoding="utf-8"))
    yield from _leaves(registry, french=False)


def _leaves(node: object, *, french: bool) -> Iterator[str]:
    if isinstance(node, dict):
        for key, part in node.items():
            yield from _leaves(part, french=french or key == "fr")
    elif isinstance(node, list):
        for part in node:
            yield from _leaves(part, french=french)
    elif isinstance(node, str) and french:
        yield node


def unknown(texts: str) -> set[str]:
    """Return the words that neither hunspell nor the project knows."""
    command = ["hunspell", "-d", "fr", "-i", "utf-8", "-l"]
    done = subprocess.run(command, input=texts, capture_output=True, text=True, check=True)
    words = {re.sub(r"^[ldLD]'", "", word.strip(".")) for word in done.stdout.split()}
    own = set(OWN_WORDS.read_text(encoding="utf-8").split())
    return {word for word in words - own if word and not any(map(str.isdigit, word))}


@pytest.fixture
def hunspell() -> None:
    if shutil.which("hunspell") is None:
        pytest.skip("no hunspell on this machine: apt-get install hunspell hunspell-fr")
    if unknown("maison"):
        pytest.skip("hunspell has no French dictionary: apt-get install hunspell-fr")


@pytest.mark.usefixtures("hunspell")
def test_french_is_spelt_right() -> None:
    assert unknown(NO_PROSE.sub(" ", "\n".join(told())).replace("’", "'")) == set()


@pytest.mark.usefixtures("hunspell")
def test_a_misspelt_word_is_found() -> None:
    assert unknown("La navete part a l'heure.") == {"navete"}


def test_own_words_are_in_order_and_once() -> None:
    words = OWN_WORDS.read_text(encoding="utf-8").split("\n")[:-1]
    assert words == sorted(set(words), key=lambda word: (word.casefold(), word))
