"""The command that opens the studio, for one user or for several."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mobility.base.errors import MobilityError
from mobility.command import COMPUTE, Lang, argument, option, said
from mobility.terminal import out

studios = typer.Typer()


@studios.command(rich_help_panel=COMPUTE)
def studio(  # noqa: PLR0913 (one parameter an option)
    place: Annotated[Path | None, argument("Folder of the studies, or one territory file.")] = None,
    demo_too: Annotated[bool, option("Open the demo, copied into the folder.", "--demo")] = False,
    port: Annotated[int | None, option("Port; a free one by default.")] = None,
    browser: Annotated[bool, option("Open the browser.")] = True,
    host: Annotated[str | None, option("Serve several users, on this address.")] = None,
    passwords: Annotated[Path | None, option("File of users and hashed passwords.")] = None,
    origin: Annotated[
        str | None, option("Where browsers find it, e.g. https://studio.example.")
    ] = None,
    prefix: Annotated[str, option("Path before every address.")] = "",
    add_user: Annotated[str | None, option("Add a user to the file of passwords, and end.")] = None,
    rest_min: Annotated[
        float, option("Minutes without a question, then its memory is given back.", min=0.05)
    ] = 10.0,
    lang: Lang = "fr",
) -> None:
    """Open the studio in the browser: data, what-ifs on the map, scenarios."""
    from mobility.studio.door import serve, serve_many
    from mobility.studio.guard import PORT, Passwords
    from mobility.territory.validation import read_territory_toml

    if host is not None or add_user is not None:
        if passwords is None or (add_user is None and origin is None):
            raise MobilityError(
                "A shared studio needs a file of passwords and the address browsers use.",
                mend="Give --passwords FILE and --origin https://…",
            )
        if add_user is not None:
            asked = typer.prompt(said("Password"), hide_input=True, confirmation_prompt=True)
            Passwords(passwords).add(add_user, asked)
            return
        served = serve_many(
            place or Path("mobility-studies"),
            host=host or "127.0.0.1",
            port=port or PORT,
            passwords=passwords,
            origin=origin or "",
            prefix=prefix,
            rest_s=60 * rest_min,
            language=lang,
        )
    else:
        is_file = place is not None and (place.is_file() or place.suffix == ".toml")
        if place is not None and is_file and not place.is_dir():
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
