"""The command that opens the studio, for one user or for several."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mobility.base.errors import MobilityError
from mobility.command import COMPUTE, Lang, friendly, said
from mobility.terminal import out

studios = typer.Typer()


def _share(
    place: Path | None,
    host: str | None,
    port: int | None,
    passwords: Path,
    origin: str,
    prefix: str,
    add_user: str | None,
    rest_s: float,
    language: str,
) -> None:
    """Serve several users, or add one to the file of passwords."""
    from mobility.studio.serve import serve_many
    from mobility.studio.shared import Passwords
    from mobility.studio.sockets import PORT

    if add_user is not None:
        asked = typer.prompt(said("Password"), hide_input=True, confirmation_prompt=True)
        Passwords(passwords).add(add_user, asked)
        return
    root = place or Path("mobility-studies")
    served = serve_many(
        root,
        host=host or "127.0.0.1",
        port=port or PORT,
        passwords=passwords,
        origin=origin,
        prefix=prefix,
        rest_s=rest_s,
        language=language,
    )
    if not served:
        raise typer.Exit(2)


@studios.command(rich_help_panel=COMPUTE)
def studio(  # noqa: PLR0913 (one parameter an option)
    place: Annotated[
        Path | None,
        typer.Argument(help=said("Folder of the studies, or one territory file.")),
    ] = None,
    demo_too: Annotated[
        bool, typer.Option("--demo", help=said("Open the demo, copied into the folder."))
    ] = False,
    port: Annotated[int | None, typer.Option(help=said("Port; a free one by default."))] = None,
    browser: Annotated[bool, typer.Option(help=said("Open the browser."))] = True,
    host: Annotated[
        str | None, typer.Option(help=said("Serve several users, on this address."))
    ] = None,
    passwords: Annotated[
        Path | None, typer.Option(help=said("File of users and hashed passwords."))
    ] = None,
    origin: Annotated[
        str | None,
        typer.Option(help=said("Where browsers find it, e.g. https://studio.example.")),
    ] = None,
    prefix: Annotated[str, typer.Option(help=said("Path before every address."))] = "",
    add_user: Annotated[
        str | None, typer.Option(help=said("Add a user to the file of passwords, and end."))
    ] = None,
    rest_min: Annotated[
        float,
        typer.Option(
            min=0.05, help=said("Minutes without a question, then its memory is given back.")
        ),
    ] = 10.0,
    lang: Lang = "fr",
) -> None:
    """Open the studio in the browser: data, what-ifs on the map, scenarios."""
    with friendly(lang):
        if host is not None or add_user is not None:
            if passwords is None or (add_user is None and origin is None):
                raise MobilityError(
                    "A shared studio needs a file of passwords and the address browsers use.",
                    mend="Give --passwords FILE and --origin https://…",
                )
            _share(
                place, host, port, passwords, origin or "", prefix, add_user, 60 * rest_min, lang
            )
            return
        from mobility.studio.serve import serve
        from mobility.territory.validation import read_territory_toml

        if (
            place is not None
            and not place.is_dir()
            and (place.is_file() or place.suffix == ".toml")
        ):
            read_territory_toml(place)  # what is no territory file is told at once

        served = serve(
            place,
            demo=demo_too,
            port=port,
            opens=browser,
            rest_s=60 * rest_min,
            language=lang,
            say=lambda address: out.print(address, soft_wrap=True),
        )
        if not served:
            raise typer.Exit(2)
