"""What every command of the command line shares: the app, its options, its errors."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from mobility.base.errors import MobilityError
from mobility.base.i18n import LANGUAGES, chosen_language, translate
from mobility.terminal import Language, err

if TYPE_CHECKING:
    from mobility.territory.project import Territory


def said(text: str) -> str:
    """Return a help text in the language asked for: ``--lang``, else ``MOBILITY_LANG``, else fr."""
    return translate(text, chosen_language(sys.argv))


def option(text: str, *names: str, **how: Any) -> Any:
    """Return an option of a command with its help, in the language asked for."""
    return typer.Option(*names, help=said(text), **how)


def argument(text: str, **how: Any) -> Any:
    """Return an argument of a command, likewise."""
    return typer.Argument(help=said(text), **how)


class _OwnHelp:
    """A command whose options that come with the library speak the language asked for too."""

    def get_params(self, ctx: Any) -> list[Any]:
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            if getattr(param, "help", None):
                param.help = said(" ".join(param.help.split()))
        return params


class Group(_OwnHelp, TyperGroup):
    """The command as a whole."""


class Command(_OwnHelp, TyperCommand):
    """One of its commands: an error of the user's own is told in one line, with exit code 2."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except MobilityError as error:
            language = ctx.params["lang"]
            err.print(translate("Error", language), style="bold red", end=" ")
            err.print(error.render(language), soft_wrap=True)
            raise typer.Exit(2) from None


PREPARE, COMPUTE = said("Prepare"), said("Compute")
IMPROVE, SHARE = said("Improve"), said("Share")
NEEDS = said("Needs of a basin")
app = typer.Typer(
    name="mobility",
    help=said("Who can get to work, on time and back home, on every shift?"),
    no_args_is_help=True,
    cls=Group,
    pretty_exceptions_enable=False,
)
File = Annotated[Path, argument("The territory file (TOML).")]


def _language(context: typer.Context, param: typer.CallbackParam, asked: Language) -> Language:
    """Return the language asked for, else that of the territory file of the command."""
    source = context.get_parameter_source(str(param.name))
    file = context.params.get("file", context.params.get("before"))
    if file is None or source is None or source.name != "DEFAULT":
        return asked
    try:
        # Read with the standard library alone: the command is not yet known to need more.
        own = tomllib.loads(Path(file).read_text(encoding="utf-8"))["output"]["language"]
    except (TypeError, KeyError, OSError, ValueError):  # the command says what is wrong with it
        return asked
    return own if own in LANGUAGES else asked


Lang = Annotated[
    Language, option("Language: fr or en.", "--lang", envvar="MOBILITY_LANG", callback=_language)
]
OUT = option("Folder of the results.", "--out", "-o")
Out = Annotated[Path | None, OUT]
Day = Annotated[str, option("Kind of day.")]
Modes = Annotated[list[str] | None, option("Mode, may be repeated; all by default.")]


def read_territory(file: Path, *writes: Path | None, lang: Language) -> Territory:
    """Read and check a territory file, to be told in a language.

    What does so is imported when a command needs it.

    A command that ``writes`` a folder or a file (None: the territory's own folder) is refused at
    once where one of its outputs would take the place of a source.
    """
    from mobility.settings import check_outputs
    from mobility.settings import read_territory as read

    territory = read(file).told_in(lang)
    for out in writes:
        check_outputs(territory, out=out)
    return territory


def read_with_folder(file: Path, out: Path | None, lang: Language) -> tuple[Territory, Path]:
    """Read a territory file, as `read_territory` does, and tell the folder of its results."""
    territory = read_territory(file, out, lang=lang)
    return territory, out or territory.resolve(territory.output.dir)
