"""The units of an atlas on a Dask cluster: one task each, futures only.

Locally a cluster of processes with one thread each; or one somebody else started, found by the
address of its scheduler. What Dask does well is left to it: placing, losing and replacing
workers, and starting a unit again whose worker died.

A slow unit is computed in parts first: each site on each kind of day by whichever worker is free.
What a part finds goes into the cache that workers of one machine share, by what it follows from;
the unit then finds it there. It is the same to the byte as without parts: they compute nothing
that the unit would not, and what one could not is left to it.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from mobility.atlas.folder import Atlas, is_done, software
from mobility.atlas.unit import Outcome, failed, note_failure, other_version, run_unit
from mobility.base.cache import cache_limit
from mobility.base.errors import MobilityError, SourceNotFoundError
from mobility.base.failures import explained
from mobility.base.machine import THREADS, thread_count
from mobility.commute.access import assess
from mobility.commute.loading import load
from mobility.commute.white_zones import white_zones
from mobility.settings import read_territory
from mobility.sources.sites import read_sites
from mobility.territory.project import source_files

if TYPE_CHECKING:
    from distributed import Client

_Told = Callable[[Outcome], None]
#: Seconds after which a scheduler does not answer.
PATIENCE_S = 20
#: Room in the cache for the tables of one unit, so that no worker's are deleted by another's.
_UNIT_MB = 2_500
#: Ctrl-C reaches every process of a terminal; the workers are ended by the one that started them.
_DEAF = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
#: What Dask watches at leisure: a unit takes seconds, and has no calls of its own to look into.
_CALM = {
    "distributed.worker.profile.enabled": False,
    "distributed.worker.memory.monitor-interval": "500ms",
    "distributed.admin.system-monitor.interval": "5s",
    # Not Dask's own MALLOC_TRIM_THRESHOLD_: with it the system maps every table anew.
    "distributed.nanny.pre-spawn-environ": dict.fromkeys(
        ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), 1
    ),
}
#: A unit that took so many workers with it is told as failed.
_LOSSES = 2
#: A unit is slow when it is taken to need this many times what the one in the middle does.
_SLOW = 4.0


def run_atlas(
    atlas: Atlas,
    units: Sequence[str],
    *,
    workers: int | None = None,
    scheduler: str = "",
    memory: str = "auto",
    told: _Told,
    opened: Callable[[str], None] = lambda _: None,
) -> list[Outcome]:
    """Compute the units that are not done, and tell of each as it ends.

    Parameters
    ----------
    workers
        Processes of a cluster of our own, as many as processors by default; 0 computes one unit
        after the other in this process, without Dask.
    scheduler
        Address of a cluster that runs already; its workers see the folder at the same path.
    memory
        Most memory of a worker of our own, e.g. ``"6GB"``; one that needs more is stopped.
    told
        Called with each outcome.
    opened
        Called with the address of Dask's dashboard.

    Raises
    ------
    MobilityError
        Dask is not installed, the scheduler does not answer, or its workers run another version.
    """
    kept = [unit for unit in units if is_done(atlas, unit)]
    outcomes = [Outcome(unit, "kept") for unit in kept]
    for outcome in outcomes:
        told(outcome)
    left = [unit for unit in units if unit not in set(kept)]
    if workers == 0 and not scheduler:
        ended: Iterator[Outcome] = (run_unit(atlas.folder, unit) for unit in left)
        outcomes += _each(ended, told)
    elif left:
        count = min(workers or thread_count(), len(left))
        with _client(count, scheduler, memory) as client:
            opened(str(client.dashboard_link))
            # Only workers of one machine share the cache that holds what parts find.
            slow = slow_units(atlas, left) if count > 1 and not scheduler else set()
            outcomes += _each(_results(client, atlas, left, dict.fromkeys(slow, count)), told)
    return sorted(outcomes, key=lambda outcome: outcome.unit)


def _each(ended: Iterator[Outcome], told: _Told) -> list[Outcome]:
    found = []
    for outcome in ended:
        told(outcome)
        found.append(outcome)
    return found


def _results(
    client: Client, atlas: Atlas, units: Sequence[str], parts: Mapping[str, int]
) -> Iterator[Outcome]:
    """Yield the outcome of each unit as it ends; some are computed in a number of parts first."""
    from distributed import as_completed

    folder, code = str(atlas.folder), software()["code"]
    futures = {}
    # What takes longest begins first.
    for unit in sorted(units, key=lambda unit: unit not in parts):
        count = parts.get(unit, 0)
        first = [
            client.submit(_compute_part, folder, unit, k, count, key=f"part-{unit}-{k}", pure=False)
            for k in range(count)
        ]
        task = client.submit(_task, folder, unit, code, first, key=f"unit-{unit}", pure=False)
        futures[task] = unit
    for future in as_completed(list(futures)):
        if future.status == "finished":
            yield future.result()
        elif future.status == "error":
            outcome = failed(futures[future], _stopped(future.exception()))
            note_failure(atlas, outcome)
            yield outcome
        else:
            raise MobilityError(
                "The scheduler of the cluster was lost; what was computed is whole.",
                mend="Start the cluster again, then the same command: it goes on.",
            )
        future.release()


def _task(folder: str, unit: str, code: str, parts: Sequence[None]) -> Outcome:
    """Compute a unit on a worker, which may be one of several on its machine: with one thread."""
    os.environ[THREADS] = "1"
    return run_unit(folder, unit, code=code, in_parts=bool(parts))


def _compute_part(folder: str, unit: str, part: int, parts: int) -> None:
    """Compute a part of a unit on a worker."""
    os.environ[THREADS] = "1"
    run_part(folder, unit, part, parts)


def _stopped(error: BaseException | None) -> MobilityError:
    """Return what is told of a unit that ended without an outcome of its own."""
    if type(error).__name__ == "KilledWorker":
        return MobilityError(
            "It took {number} workers with it, one after the other: most likely it needs more "
            "memory.",
            mend="Allow it more with --memory, and fewer --workers.",
            number=_LOSSES + 1,
        )
    return explained(error if isinstance(error, Exception) else RuntimeError(str(error)))


@contextmanager
def _client(workers: int, scheduler: str, memory: str) -> Iterator[Client]:
    """Yield a client of the cluster asked for, whose workers run this version."""
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError:
        raise SourceNotFoundError(
            "Dask is not installed.",
            mend='Install it with: pip install "mobility-shift[atlas]"; or run one unit after '
            "the other with --workers 0.",
        ) from None
    # What Dask would say of a lost worker is said here, in one line, where its unit is lost.
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with dask.config.set(_CALM | {"distributed.scheduler.allowed-failures": _LOSSES}):
        if scheduler:
            with _answered(Client, scheduler) as client:
                _check_versions(client)
                yield client
            return
        _check_memory(memory)
        if workers > 1:
            # Each would compile them otherwise.
            subprocess.run(
                [sys.executable, "-m", "mobility.engine.warm"],
                check=False,
                stderr=subprocess.DEVNULL,
            )
        megabytes = max(cache_limit() // 1_000_000, workers * _UNIT_MB)
        with (
            LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                memory_limit=memory,
                dashboard_address="127.0.0.1:0",
                silence_logs="CRITICAL",
                env={THREADS: "1", "MOBILITY_CACHE_MB": str(megabytes)},
                preload=_DEAF,
            ) as cluster,
            Client(cluster) as client,
        ):
            yield client


def _check_memory(memory: str) -> None:
    from dask.utils import parse_bytes

    try:
        if memory != "auto":
            parse_bytes(memory)
    except ValueError:
        raise MobilityError(
            "It is no amount of memory.", column="--memory", value=memory, mend="Write e.g. 6GB."
        ) from None


def _answered(client: Any, scheduler: str) -> Any:
    try:
        return client(scheduler, timeout=PATIENCE_S)
    except (OSError, ValueError):
        raise MobilityError(
            "No Dask scheduler answers at this address.",
            column="--scheduler",
            value=scheduler,
            mend="Start it with: dask scheduler; give the address it prints, e.g. tcp://host:8786.",
        ) from None


def _check_versions(client: Client) -> None:
    """Refuse workers of another version at once; those that come later refuse by themselves."""
    try:
        found = client.run(software)
    except Exception:  # noqa: BLE001 (whatever their version lacks)
        raise other_version() from None
    own = software()
    if any(one != own for one in found.values()):
        raise other_version()


def slow_units(atlas: Atlas, units: Sequence[str]) -> set[str]:
    """Return the units that are taken to need far longer than most."""
    work = {unit: _work(atlas, unit) for unit in units}
    most = _SLOW * median(work.values()) if work else 0
    return {unit for unit, needed in work.items() if needed > most}


def _work(atlas: Atlas, unit: str) -> float:
    """Return the megabytes a unit reads times the shifts and kinds of day it asks for.

    An order of magnitude, found without reading them; 0 where nobody can tell.
    """
    try:
        territory = read_territory(atlas.file(unit))
        shifts = sum(len(roster.shifts) for s in read_sites(territory) for roster in s.rosters)
        files = [path for path in source_files(territory) if path.is_file()]
        megabytes = sum(path.stat().st_size for path in files) / 1e6
    except (MobilityError, OSError):
        return 0.0
    return megabytes * shifts * len(territory.days.kinds)


def run_part(folder: str | Path, unit: str, part: int, parts: int) -> None:
    """Compute every so many of a unit's sites and kinds of day into the cache.

    What is wrong with a unit is told when it is computed itself.
    """
    with suppress(MobilityError):
        study = load(read_territory(Atlas(Path(folder)).file(unit)))
        places = [(site, day) for site in range(len(study.sites)) for day in study.days]
        asked = {
            (row.shift_id, day.kind)
            for site, day in places[part::parts]
            for row in study.shift_rows
            if row.site == site and study.works_on(row.shift_id, day)
        }
        if asked:
            white_zones(assess(study, only=asked))
