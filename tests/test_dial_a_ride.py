"""Booked rides: a street by hand, every route tried by force, limits kept by any answer."""

from itertools import pairwise, permutations

import numpy as np
import pytest

from mobility.shuttles.dial_a_ride import RidePrice, Rides, Routes, plan_rides
from mobility.shuttles.model import ALWAYS_S, Drive

NONE = -np.inf


def rides(seed, n, *, inbound=None, seats=4, riders=3):
    """Draw requests between random places and two gates, ends 15 min apart."""
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, 9000, (n + 3, 2))
    metres = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
    seconds = np.ceil(metres / 10).astype(np.int32)
    place = np.zeros(2 * n, np.int32)
    early, late = np.full(2 * n, -ALWAYS_S), np.full(2 * n, ALWAYS_S)
    for i in range(n):
        into = bool(rng.integers(2)) if inbound is None else inbound
        gate, home = (n + i, i) if into else (i, n + i)
        at = int(rng.choice([18_000, 18_900]))
        place[gate], place[home] = rng.integers(2), 3 + i
        early[gate], late[gate] = (at - 600, at) if into else (at, at + 600)
    limit = np.array([int(1.5 * seconds[place[i], place[n + i]]) + 400 for i in range(n)])
    load = rng.integers(1, riders + 1, n)
    return Rides(
        Drive(seconds, metres), 2, place, early, late, load, limit, 30, seats,
        RidePrice(20.0, 0.0004, 0.01),
    )  # fmt: skip


def leg(r, a, b):
    return (
        0 if r.place[a] == r.place[b] else r.dwell_s + int(r.drive.seconds[r.place[a], r.place[b]])
    )


def shortest(r, route):
    """The least duration of a route: the longest path between its ends in the graph of its limits.

    Node 0 is the clock's zero, node k + 1 the k-th call; an arc of weight w from x to y says
    that y is at least w after x.
    """
    m = len(route)
    least = np.full((m + 1, m + 1), NONE)
    np.fill_diagonal(least, 0.0)
    for k, node in enumerate(route):
        least[0, k + 1], least[k + 1, 0] = r.early_s[node], -r.late_s[node]
        if node >= r.n:
            at = route.index(node - r.n)
            least[k + 1, at + 1] = -r.limit_s[node - r.n]
    for k, (a, b) in enumerate(pairwise(route)):
        least[k + 1, k + 2] = leg(r, a, b)
    for k in range(m + 1):
        least = np.maximum(least, least[:, [k]] + least[[k]])
    return None if (np.diag(least) > 0).any() else float(least[1, m])


def eur(r, route):
    """EUR of a route by its definition, None where it cannot be driven."""
    aboard = np.cumsum([r.load[x] if x < r.n else -r.load[x - r.n] for x in route])
    lasting = shortest(r, route)
    if aboard.max() > r.seats or lasting is None:
        return None
    stops = [r.depot, *r.place[list(route)], r.depot]
    ends = r.drive.seconds[stops[0], stops[1]] + r.drive.seconds[stops[-2], stops[-1]]
    metres = sum(r.drive.metres[a, b] for a, b in pairwise(stops))
    return r.price.vehicle + r.price.metre * metres + r.price.second * (lasting + ends)


def partitions(items):
    if not items:
        yield []
        return
    for rest in partitions(items[1:]):
        yield [[items[0]], *rest]
        for k, part in enumerate(rest):
            yield [*rest[:k], [items[0], *part], *rest[k + 1 :]]


def by_force(r):
    """The least EUR over every partition into vehicles and every order of their calls."""
    best = {}
    for mask in range(1, 1 << r.n):
        mine = [i for i in range(r.n) if mask >> i & 1]
        nodes = [*mine, *(r.n + i for i in mine)]
        routes = (
            p for p in permutations(nodes) if all(p.index(i) < p.index(r.n + i) for i in mine)
        )
        best[mask] = min((e for p in routes if (e := eur(r, p)) is not None), default=np.inf)
    return min(
        sum(best[sum(1 << i for i in part)] for part in parts)
        for parts in partitions(list(range(r.n)))
    )


@pytest.mark.parametrize("seed", range(12))
def test_few_requests_are_served_for_the_least_that_force_finds(seed):
    r = rides(seed, 3, riders=2)
    found = sum(eur(r, list(t.nodes)) for t in plan_rides(r))
    assert found == pytest.approx(by_force(r))
    searched = sum(eur(r, list(route)) for route in Routes(r).search(40, 0))
    assert searched == pytest.approx(found)


@pytest.mark.parametrize("seed", range(8))
def test_the_search_is_near_the_exact_answer(seed):
    routes = Routes(rides(seed, 5, inbound=bool(seed % 2)))
    exact, found = (
        sum(routes.eur(route) for route in way) for way in (routes.exact(), routes.search(75, 0))
    )
    assert exact - 1e-6 <= found <= 1.02 * exact


def test_two_villages_on_one_street_share_a_vehicle():
    """Gate at 0, villages 4 and 8 km out at 10 m/s: 400 s a leg, 30 s of halt, depot at the gate.

    The far one rides 400 + 30 + 400 + 30 s; with 15 min at most it may. Out empty 8 km, back 8.
    """
    x = np.array([0.0, 4000.0, 8000.0])
    metres = np.abs(x[:, None] - x)
    drive = Drive((metres / 10).astype(np.int32), metres)
    window = np.array([-ALWAYS_S, -ALWAYS_S, 17_400, 17_400])
    late = np.array([ALWAYS_S, ALWAYS_S, 18_000, 18_000])

    def town(limit_s):
        return Rides(
            drive, 0, np.array([1, 2, 0, 0]), window, late, np.array([2, 3]),
            np.full(2, limit_s), 30, 8, RidePrice(10.0, 0.001, 0.01),
        )  # fmt: skip

    (tour,) = plan_rides(town(900))
    assert tour.nodes[:2] == (1, 0)
    assert tour.times_s == (17_140, 17_570, 18_000, 18_000)
    assert eur(town(900), list(tour.nodes)) == pytest.approx(10 + 16 + 0.01 * (860 + 800))
    # With 14 min they may not share: the near one is driven alone before or after.
    assert len(plan_rides(town(859))) == 2


def test_any_answer_keeps_seats_windows_and_ride_limits():
    r = rides(5, 14, seats=5)
    tours = plan_rides(r)
    assert sorted(x for t in tours for x in t.nodes) == list(range(2 * r.n))
    for t in tours:
        at = dict(zip(t.nodes, t.times_s, strict=True))
        aboard = np.cumsum([r.load[x] if x < r.n else -r.load[x - r.n] for x in t.nodes])
        assert aboard.max() <= r.seats
        assert aboard[-1] == 0
        for a, b in pairwise(t.nodes):
            assert at[b] >= at[a] + leg(r, a, b)
        for node, time in at.items():
            assert r.early_s[node] <= time <= r.late_s[node]
            if node >= r.n:
                assert 0 <= time - at[node - r.n] <= r.limit_s[node - r.n]
        assert t.times_s[-1] - t.times_s[0] == shortest(r, list(t.nodes))
    assert plan_rides(r) == tours


def test_a_request_alone_costs_what_its_route_costs():
    n, rng = 400, np.random.default_rng(0)
    early = rng.integers(18_000, 19_200, 2 * n)
    late = early + rng.integers(-200, 2_000, 2 * n)
    limit = rng.integers(200, 1_500, n)
    drawn = {"early_s": early, "late_s": late, "limit_s": limit}
    routes = Routes(Rides(**(vars(rides(3, n, seats=2)) | drawn)))
    alone = [routes.eur((i, n + i)) for i in range(n)]
    assert routes.single == alone
    assert 0.1 * n < sum(eur < 1e6 for eur in alone) < 0.9 * n


def test_a_request_that_no_vehicle_can_serve_is_told():
    r = rides(1, 3)
    with pytest.raises(ValueError, match=r"no vehicle can serve, even alone: \[0, 1, 2\]"):
        plan_rides(Rides(**(vars(r) | {"limit_s": np.ones(3, int)})))
    full = Rides(**(vars(r) | {"load": np.array([1, 9, 1])}))
    with pytest.raises(ValueError, match=r"even alone: \[1\]"):
        plan_rides(full)
    assert plan_rides(Rides(**{
        k: v[:0] if isinstance(v, np.ndarray) else v for k, v in vars(r).items()
    })) == []  # fmt: skip


def test_driving_differs_by_direction_and_stops_where_nothing_drives():
    """Two requests to gate 0; places 0 to 2, the depot at place 3, none drives from 1 to 2."""
    seconds = np.arange(16, dtype=np.int32).reshape(4, 4) * 100
    metres = np.where(np.eye(4, dtype=bool), 0.0, seconds * 10.0)
    seconds[1, 2], metres[1, 2] = 10**9, np.inf
    place = np.array([1, 2, 0, 0], np.int32)
    free = np.full(4, ALWAYS_S)
    r = Rides(
        Drive(seconds, metres), 3, place, -free, free, np.ones(2, int), free[:2], 30, 4,
        RidePrice(20.0, 0.0004, 0.01),
    )  # fmt: skip
    routes = Routes(r)
    assert routes.legs.tolist() == [
        [0, 2 * ALWAYS_S + 30, 430, 430, 700],
        [930, 0, 830, 830, 1100],
        [130, 230, 0, 0, 300],
        [130, 230, 0, 0, 300],
        [1300, 1400, 1200, 1200, 0],
    ]
    assert routes.metres.tolist() == [
        [0, 0, 4000, 4000, 7000],
        [9000, 0, 8000, 8000, 11000],
        [1000, 2000, 0, 0, 3000],
        [1000, 2000, 0, 0, 3000],
        [13000, 14000, 12000, 12000, 0],
    ]
    alone = Routes(Rides(**(vars(r) | {"depot": -1})))
    assert not alone.legs[-1].any()
    assert not alone.metres[:, -1].any()
