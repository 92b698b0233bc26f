"""Parts of a page that are kept as they are packed: journeys of homes, and the background."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mobility.base.arrays import Float, Int64
from mobility.base.cache import Bundle
from mobility.outputs.map.pack import Manifest, Store, add_paths, printed, quantised

#: Blobs by their names in a manifest, and what else stands there.
_Pack = tuple[Manifest, Any]
#: Gives what a page makes of a part, by what that follows from beside the part, see
#: `mobility.commute.study.Study.kept`.
Kept = Callable[[Sequence[object], Callable[[], Bundle]], Bundle]


def _made(_follows_from: Sequence[object], make: Callable[[], Bundle]) -> Bundle:
    """Make what is kept nowhere."""
    return make()


class MapLeg(NamedTuple):
    """One part of an example journey; clock times as shown (``"04:38"``, ``"≈ 04:38"``)."""

    kind: str
    depart: str
    arrive: str
    from_name: str
    to_name: str
    line: str = ""


#: Legs of one direction.
MapWay = tuple[MapLeg, ...]


@dataclass(frozen=True)
class MapJourneys:
    """Examples of both directions for some homes, of one key of the first scenario.

    Attributes
    ----------
    ways
        Gives the outbound and the return of each of the homes.
    """

    key: int
    homes: NDArray[np.intp]
    ways: Callable[[], Iterable[tuple[MapWay, MapWay]]]
    kept: Kept = _made


@dataclass(frozen=True)
class Place:
    """A named place; rank 0 is a city, 3 a hamlet."""

    name: str
    lon: float
    lat: float
    rank: int


@dataclass(frozen=True)
class Background:
    """What is drawn under the results, in EPSG:4326.

    ``roads`` by class (``motorway`` to ``minor``, or ``street``), ``areas`` by kind; rings and
    lines are float64[n, 2] (lon, lat), an area being a tuple of rings filled by the even-odd rule.
    """

    roads: Mapping[str, tuple[Float, ...]] = field(default_factory=dict)
    areas: Mapping[str, tuple[tuple[Float, ...], ...]] = field(default_factory=dict)
    rivers: tuple[Float, ...] = ()
    railways: tuple[Float, ...] = ()
    places: tuple[Place, ...] = ()


@dataclass(frozen=True)
class MapGround:
    """The background, drawn where a page does not find what it made of it before."""

    draw: Callable[[], Background] = Background
    kept: Kept = _made


def add_journeys(store: Store, found: Iterable[MapJourneys], order: Int64) -> dict[str, int]:
    """Put journeys into a store; return the blob of each key.

    Parameters
    ----------
    order : int64[H]
        Of the homes on the page.
    """
    place = np.argsort(order)
    blobs: dict[str, int] = {}
    for journeys in sorted(found, key=lambda journeys: journeys.key):
        places = place[journeys.homes]
        pack = partial(_pack_journeys, journeys, places)
        blobs |= _packed(store, journeys.kept, [journeys.key, places], pack)[0]
    return blobs


def add_background(store: Store, ground: MapGround) -> Manifest:
    """Put a background into a store; return what the manifest says of it."""
    packed, places = _packed(store, ground.kept, [], partial(_pack_background, ground))
    return {**packed, "places": places}


def _packed(
    store: Store, kept: Kept, follows_from: Sequence[object], pack: Callable[[Store], _Pack]
) -> _Pack:
    """Return what ``pack`` makes, its blobs put into ``store``; it is kept, for it takes long."""

    def compute() -> Bundle:
        own = Store()
        text = json.dumps([*pack(own), own.blobs()])
        return {"json": np.frombuffer(text.encode(), np.uint8)}

    found = kept([*follows_from, zlib.ZLIB_RUNTIME_VERSION], compute)
    packed, plain, blobs = json.loads(np.asarray(found["json"]).tobytes())
    at = store.take(blobs)

    def moved(value: Any) -> Any:
        return at[value] if isinstance(value, int) else {k: moved(v) for k, v in value.items()}

    return moved(packed), plain


def _pack_journeys(journeys: MapJourneys, places: Int64, store: Store) -> _Pack:
    """Return the journeys of one key: the rides that homes share, then each home's own walk.

    A home is [place, outbound chain, leaves, reaches its stop, return chain, leaves, is home];
    -1 stands for no journey.
    """
    chains: dict[MapWay, int] = {}
    homes = [
        [place, *_way(chains, out, out[:1], out[1:]), *_way(chains, back, back[-1:], back[:-1])]
        for place, (out, back) in zip(places.tolist(), journeys.ways(), strict=True)
    ]
    chained = [list(map(_leg, chain)) for chain in chains]
    return {str(journeys.key): store.add_json({"chains": chained, "homes": homes})}, None


def _way(chains: dict[MapWay, int], way: MapWay, own: MapWay, shared: MapWay) -> list[object]:
    if not way:
        return [-1, "", ""]
    if own[0].kind != "walk":
        own, shared = (), way
    chain = chains.setdefault(shared, len(chains))
    return [chain, own[0].depart, own[0].arrive] if own else [chain, "", ""]


def _leg(leg: MapLeg) -> list[str]:
    names = map(printed, (leg.from_name, leg.to_name, leg.line))
    return [leg.kind, leg.depart, leg.arrive, *names]


def _pack_background(ground: MapGround, store: Store) -> _Pack:
    drawn = ground.draw()
    areas = {}
    for kind, shapes in sorted(drawn.areas.items()):
        rings = [ring for shape in shapes for ring in shape]
        counts = store.add_ints([len(shape) for shape in shapes])
        areas[kind] = {"rings": counts, **add_paths(store, rings)}
    roads = {k: add_paths(store, list(v)) for k, v in sorted(drawn.roads.items()) if v}
    rivers, railways = (add_paths(store, list(v)) for v in (drawn.rivers, drawn.railways))
    places = [[printed(p.name), *quantised([p.lon, p.lat]).tolist(), p.rank] for p in drawn.places]
    return {"roads": roads, "areas": areas, "rivers": rivers, "railways": railways}, places
