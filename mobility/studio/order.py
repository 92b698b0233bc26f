"""What the door asks of the workshop, so that neither knows the other's rooms."""

from __future__ import annotations

from dataclasses import dataclass

#: Headers that name the user and prove that the door asks; the address that tells whether something
#: is computed.
USER, SECRET, BUSY = "x-studio-user", "x-studio-secret", "/workshop/busy"


@dataclass(frozen=True)
class Order:
    """What a workshop is to serve.

    Attributes
    ----------
    place
        Folder of the studies, or one territory file; of several users, the folder of all.
    many
        Whether each user has studies of their own, in a folder of their name.
    demo
        Whether the demo is copied into the folder.
    boot
        Tells pages left open whether the studio was started again.
    language
        Of what goes wrong at the start, which the terminal is told.
    secret
        What every request must carry.
    kept
        The file of the steps made.
    """

    place: str
    many: bool
    demo: bool
    boot: str
    language: str
    secret: str
    kept: str


__all__ = ["BUSY", "SECRET", "USER", "Order"]
