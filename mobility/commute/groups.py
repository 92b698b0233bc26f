"""Persons of a group of the homes' layer: job seekers, apprentices, households without a car."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mobility.base.errors import SourceError, TerritoryError
from mobility.commute.study import Study


def persons_of(study: Study, group: str = "") -> NDArray[np.float64]:
    """Return the persons of a group at each home, all workers where it has no name, float64[H].

    Raises
    ------
    TerritoryError
        There is no such group.
    SourceError
        It counts more persons than workers live somewhere; names the home and both counts.
    """
    if not group:
        return study.workers
    if group not in study.homes.groups:
        raise TerritoryError(
            "There is no such group.",
            file=study.territory.path,
            column="sources.homes.groups",
            value=group,
            mend="Write one of: {known}."
            if study.homes.groups
            else "Name the column that counts it under groups in [sources.homes].",
            known=", ".join(study.homes.groups),
        )
    persons = study.homes.frame[group].to_numpy(np.float64)
    over = np.flatnonzero(persons > study.workers * (1 + 1e-6) + 1e-6)
    if over.size and not study.homes.personal:  # protected counts have noise
        k = int(over[0])
        raise SourceError(
            "At the home {home} the group counts more persons than the {workers} workers "
            "who live there (homes of which this is true: {count}).",
            file=study.territory.resolve(study.territory.sources.homes.file),
            column=group,
            value=f"{persons[k]:g}",
            mend="Give the group in workers, part of those who live there.",
            home=str(study.homes.ids[k]),
            workers=float(study.workers[k]),
            count=int(over.size),
        )
    return np.asarray(persons)


def some_of(study: Study, group: str) -> NDArray[np.float64]:
    """Return `persons_of` a group that counts somebody.

    Raises
    ------
    TerritoryError
        There is no such group, or nobody of it.
    SourceError
        See `persons_of`.
    """
    persons = persons_of(study, group)
    if persons.sum() <= 0:
        raise TerritoryError(
            "The group counts nobody.",
            file=study.territory.path,
            column="sources.homes.groups",
            value=group,
            mend="Choose a group that counts some.",
        )
    return persons
