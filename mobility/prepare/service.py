"""Where questions to open-data services are asked, and how patiently."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mobility.base.cache import cache_dir
from mobility.base.errors import DownloadError
from mobility.sources.download import OnBytes, Patience, fetch
from mobility.sources.file_kind import Kind

Box = tuple[float, float, float, float]
"""West, south, east, north, degrees."""


@dataclass(frozen=True)
class Services:
    """Addresses of the services; another set serves tests and mirrors."""

    communes: str = "https://geo.api.gouv.fr"
    timetables: str = "https://transport.data.gouv.fr/api"
    mobility_database: str = "https://files.mobilitydatabase.org/feeds_v2.csv"
    geofabrik: str = "https://download.geofabrik.de/index-v1.json"
    overpass: str = "https://overpass-api.de/api/interpreter"


@dataclass(frozen=True)
class Desk:
    """How questions are asked: which services, where answers are kept, how patiently.

    Attributes
    ----------
    services
        Their addresses.
    cache
        Cache folder; the user's by default.
    patience
        Time limits and tries.
    on_bytes
        Called with the bytes so far and in all (None when unknown) of each download.
    told
        What a user should know of the answers, one entry a service: earlier copies that were
        used.
    """

    services: Services = Services()
    cache: Path | None = None
    patience: Patience = field(default_factory=Patience)
    on_bytes: OnBytes | None = None
    told: list[DownloadError] = field(default_factory=list)

    @property
    def answers(self) -> Path:
        """Folder of the services' answers."""
        return (self.cache or cache_dir()) / "answers"

    def fetch(
        self, url: str, target: Path, kind: Kind, *, data: dict[str, str] | None = None
    ) -> Path:
        """Fetch ``url`` into ``target``; an earlier copy taken for want of an answer is told.

        Raises
        ------
        DownloadError
            It could not be fetched.
        """
        got = fetch(
            url,
            target,
            kind=kind,
            data=data,
            patience=self.patience,
            cache=self.cache,
            on_bytes=self.on_bytes,
        )
        host = urlsplit(url).netloc
        if got.state == "offline" and host not in {note.params["host"] for note in self.told}:
            note = DownloadError(
                "{host} gave no answer; what it gave an earlier time was used.",
                file=url,
                mend="To renew it, run the command again later with --overwrite.",
                host=host,
            )
            self.told.append(note)
        return got.path

    def ask_json(self, url: str, name: str) -> Any:
        """Fetch a JSON answer into ``answers / name`` and parse it.

        Raises
        ------
        DownloadError
            It could not be fetched or parsed.
        """
        path = self.fetch(url, self.answers / name, "json")
        try:
            return json.loads(path.read_text(encoding="utf-8-sig"))
        except (ValueError, RecursionError):
            raise unexpected(url) from None


def unexpected(url: str) -> DownloadError:
    """Return the error about an answer that is not of the documented form."""
    return DownloadError(
        "The service answered in an unexpected form.",
        file=url,
        mend="Try later; or prepare the files by hand, as docs/formats.md describes.",
    )


def listed(answer: Any, url: str) -> list[Any]:
    """Return an answer that must be a list.

    Raises
    ------
    DownloadError
        It is none.
    """
    if not isinstance(answer, list):
        raise unexpected(url)
    return answer
