"""Jobs named on the command line: a site, or one roster of a site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mobility.base.errors import TerritoryError
from mobility.commute.access import roster_shifts
from mobility.commute.study import Study


@dataclass(frozen=True)
class Job:
    """A site and those of its rosters any of which will do.

    Attributes
    ----------
    name
        As it was asked for.
    rosters
        Places in the order of `roster_shifts`.
    """

    name: str
    rosters: tuple[int, ...]


def jobs_of(study: Study, texts: Sequence[str], *, option: str = "--job") -> list[Job]:
    """Return the jobs that texts name: ``Site`` or ``Site/roster``; without any, every roster.

    Raises
    ------
    TerritoryError
        There is no such site, or the site has no such roster.
    """
    known = [(study.sites[site].name, roster) for site, roster in roster_shifts(study)]
    if not texts:
        return [Job(f"{site}/{roster}", (k,)) for k, (site, roster) in enumerate(known)]
    found = []
    for text in texts:
        mine = [k for k, (site, roster) in enumerate(known) if text in (site, f"{site}/{roster}")]
        if not mine:
            names = dict.fromkeys([site for site, _ in known] + ["/".join(row) for row in known])
            raise TerritoryError(
                "There is no such site, or no such roster of it.",
                column=option,
                value=text,
                mend="Write one of: {known}.",
                known=", ".join(names),
            )
        found.append(Job(text, tuple(mine)))
    return found
