"""Simulated days of booked rides: one by hand, others checked by code that shares none."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from booked_check import wrong_day
from shuttle_scenes import KINDS, H, anchor_for, config, make_scene, shift_edges, vehicle

from mobility.remedies.bill import total
from mobility.shuttles.booked import TAXI
from mobility.shuttles.booking import TOO_FAR, TOO_LONG, Bookings, waves
from mobility.shuttles.booking_tables import booking_findings, rides_of
from mobility.shuttles.config import Factors
from mobility.shuttles.demand import calendar_days
from mobility.shuttles.drive import drive_graph, drive_matrix
from mobility.shuttles.model import Drive, Line
from mobility.shuttles.on_demand import Simulation
from mobility.shuttles.plan import evaluate_plan
from mobility.shuttles.schedule import arrival_slack
from mobility.streets.graph import streets_from_lines
from mobility.territory.project import Speeds

FACTORS = Factors.load()
DAYS = calendar_days(FACTORS, KINDS)
MONTPELLIER = Path(__file__).parents[2] / "shared" / "data" / "montpellier" / "streets.shp"


def simulation(scene, *, sites=(0,), gates=None, **settings):
    gates = gates or [0]
    anchor = anchor_for(scene.edges, 0, sites=sites, places=gates)
    kinds = dict.fromkeys(("school_weekday", "holiday_weekday"), scene.needs)
    asked = Bookings(scene, anchor, kinds, 900, 1.0)
    return Simulation(asked, config(**settings), FACTORS, DAYS)


def everyone(scene):
    return np.ones(scene.workers.shape, bool)


def village(people=4.0, x=6000, **changes):
    """One stop on a street from the gate, which is the depot; a shift from 5 to 13."""
    edges, rows = shift_edges([(5, 13)])
    return make_scene([(0, 0), (x, 0)], [(x, 100)], edges, rows, [people], **changes)


def test_a_village_by_hand():
    """Four riders 6 km out: 600 s of driving and 30 s of halt, empty one way, on 252 days.

    In at 04:48, out at 13:12. The vehicle is out twice for 180 + 600 + 630 s; its driver signs
    on and off in 1,200 s and is paid a quarter of the time between.
    """
    scene = village()
    services = {s.by: s for s in simulation(scene).services(everyone(scene))}
    own, taxi = services["minibus"], services[TAXI]
    assert own.vehicles == 1
    assert own.boardings == pytest.approx(2 * 4 * 252)
    assert own.expected == pytest.approx(own.boardings)
    assert own.served == 1
    assert own.km == pytest.approx(24 * 252)
    split = (13 * H + 720 - 180) - (5 * H - 720)
    hours = 252 * (2 * 1410 + 1200 + FACTORS["driver_break_share"] * split) / 3600
    assert own.driver_hours == pytest.approx(hours)
    eur = (
        FACTORS["vehicle_fixed.minibus"]
        + FACTORS["vehicle_km.minibus"] * 24 * 252
        + FACTORS["driver_hour"] * hours
    ) * (1 + FACTORS["overhead"]) + FACTORS["light.booking_trip"] * 8 * 252
    assert total(own.bill) == pytest.approx(eur)
    assert own.eur_year == pytest.approx(eur)
    # A taxi carries four; by night into work, by day back.
    base, booked = 2 * FACTORS["light.taxi_base"], 8 * FACTORS["light.booking_trip"]
    km = 6 * (FACTORS["light.taxi_km.night"] + FACTORS["light.taxi_km.day"])
    assert total(taxi.bill) == pytest.approx(252 * (base + km + booked))
    assert taxi.km == pytest.approx(own.km)
    assert taxi.co2_kg == pytest.approx(own.km * FACTORS["car_co2"] / 1000)
    assert own.co2_kg == pytest.approx(own.km * FACTORS["vehicle_co2.minibus"] / 1000)
    ride_in, ride_out = rides_of(own.days[0])
    assert (ride_in.on_s, ride_in.off_s) == (5 * H - 720 - 630, 5 * H - 720)
    assert (ride_out.on_s, ride_out.off_s) == (13 * H + 720, 13 * H + 720 + 630)
    assert ride_in.wait_s == ride_out.wait_s == 0


def test_who_always_books_costs_what_a_shuttle_does_and_the_bookings():
    """Same riders each day, same vehicle: the kilometres are the shuttle's."""
    scene = village()
    line = Line("N1", (1,), (1,), anchor_for(scene.edges, 0), 0, (0, 1))
    plan = evaluate_plan(scene, [line], config(), FACTORS, DAYS)
    own = next(s for s in simulation(scene).services(plan.service.reached) if s.by == "minibus")
    assert own.km == pytest.approx(plan.costs.run_km + plan.costs.empty_km)
    assert own.vehicles == plan.operations.vehicles
    assert own.boardings == pytest.approx(plan.boardings)
    apart = abs(total(own.bill) - plan.costs.total - FACTORS["light.booking_trip"] * own.boardings)
    assert apart < 0.01 * plan.costs.total  # the shuttle leaves at whole minutes


def test_a_plan_is_refused_where_booking_serves_its_riders_for_less():
    scene = village()
    line = Line("N1", (1,), (1,), anchor_for(scene.edges, 0), 0, (0, 1))
    plan = evaluate_plan(scene, [line], config(), FACTORS, DAYS)
    assert plan.refused == ""
    booked = simulation(scene).services(plan.service.reached)
    assert booked[0].by == TAXI
    assert booked[0].eur_per_boarding < plan.eur_per_boarding
    assert replace(plan, booked=tuple(booked)).refused.startswith("on-demand")
    dear = tuple(replace(b, why="more vehicles are needed than can be had") for b in booked)
    assert replace(plan, booked=dear).refused == ""
    assert replace(plan, booked=tuple(b for b in booked if b.by != TAXI)).refused == ""


def test_draws_give_the_expected_riders_on_average():
    edges, rows = shift_edges([(5, 13)])
    scene = make_scene(
        [(0, 0), (4000, 0), (8000, 0)], [(4000, 50), (8000, 50)], edges, rows, [0.3, 1.6]
    )
    bookings = simulation(scene).bookings
    queue = bookings.queue(bookings.expected(everyone(scene), 1, "school_weekday"), 1)
    draws = [bookings.requests(queue, 1, 0, (k + 0.5) / 200) for k in range(200)]
    assert {sum(r.riders for r in draw) for draw in draws} == {1, 2}
    for place, expected in ((1, 0.3), (2, 1.6)):
        drawn = np.mean([sum(r.riders for r in draw if r.place == place) for draw in draws])
        assert drawn == pytest.approx(expected, abs=0.011)


def test_taxis_alone_below_so_many_riders():
    scene = village()
    assert [s.by for s in simulation(scene, taxi_below=9).services(everyone(scene))] == [TAXI]
    assert not simulation(scene).services(np.zeros(scene.workers.shape, bool))


def test_who_cannot_be_served_is_told_with_why():
    edges, rows = shift_edges([(5, 13)])
    scene = make_scene(
        [(0, 0), (6000, 0), (0, 40_000)], [(6000, 50), (0, 40_050), (9000, 9000)], edges, rows,
        [4.0, 3.0, 2.0],
    )  # fmt: skip
    booking = simulation(scene)
    service = booking.services(everyone(scene))[0]
    assert service.served == pytest.approx(4 / 9)
    assert booking.bookings.bookable.tolist() == 2 * [[True, False, False]]
    assert {(r.riders, r.why) for r in service.days[0].left} == {(3, TOO_LONG), (2, TOO_FAR)}
    assert not service.serves_all
    # Five people, both ways, on 252 days.
    line = Line("N1", (1,), (1,), anchor_for(scene.edges, 0), 0, (0, 1))
    plan = evaluate_plan(scene, [line], config(), FACTORS, DAYS, name="P01")
    (told,) = booking_findings(replace(plan, booked=(service,)), config())
    assert told.code == "on_demand_left"
    assert told.params["boardings"] == pytest.approx(2520)
    assert told.render("en").startswith("2,520 boardings a year of the riders of P01 cannot")


def test_what_a_ride_leaves_sooner_is_part_of_the_whole_time():
    """A direct drive of 1,200 s; a ride of so long and half again must keep the hour."""
    scene = replace(village(x=12_000, max_ride_s=5400, detour_ratio=3.0), p95_drive=(1.5,) * 24)
    limits, bookings = scene.limits, simulation(scene).bookings
    queue = bookings.queue(bookings.expected(everyone(scene), 0, "school_weekday"), 0)
    (ride,) = bookings.requests(queue, 0, 0, 0.5)
    used, walk = int(bookings.gates.used_s[0, 0]), int(scene.walk_s[0, 1])
    slack = arrival_slack(scene, ride.limit_s, ride.late_s)
    assert slack > 600
    assert slack + ride.limit_s + walk + used <= limits.max_total_s
    assert ride.late_s == int(bookings.gates.at_s[0, 0]) - slack


@pytest.mark.parametrize(("max_ride_s", "place", "walk"), [(1950, 2, 480), (100, 1, 320)])
def test_riders_walk_on_to_a_stop_from_where_the_drive_is_short_enough(max_ride_s, place, walk):
    """Stops 20 and 19 km out, 400 and 600 m from the home: 2,030 and 1,930 s of driving."""
    edges, rows = shift_edges([(5, 13)])
    scene = make_scene(
        [(0, 0), (20_000, 0), (19_000, 0)], [(19_600, 0)], edges, rows, [1.0],
        max_ride_s=max_ride_s,
    )  # fmt: skip
    found = simulation(scene).bookings.stops
    assert [column.tolist() for column in found] == [[[place]] * 2, [[walk]] * 2]


def test_who_gets_on_together_rides_no_longer_than_the_farthest_may():
    """2,000 s in all: 720 at the gate, and 400 of walk for one of the two."""
    edges, rows = shift_edges([(5, 13)])
    places, homes = [(0, 0), (6000, 0)], [(6000, 0), (6000, 500)]
    bookings = simulation(
        make_scene(places, homes, edges, rows, [1.0, 1.0], max_total_s=2000)
    ).bookings
    queue = bookings.queue(bookings.expected(np.ones((1, 2), bool), 1, "school_weekday"), 1)
    (ride,) = bookings.requests(queue, 1, 0, 0.5)
    assert (ride.riders, ride.limit_s) == (2, 2000 - 720 - 400)


def test_too_few_vehicles_are_told_in_one_line():
    scene = village(12.0)
    fleet = [vehicle("minibus", 8, available=1)]
    line = Line("N1", (1,), (1,), anchor_for(scene.edges, 0), 0, (0, 1))
    settings = config(vehicles=fleet)
    plan = evaluate_plan(scene, [line], settings, FACTORS, DAYS, name="P01")
    services = simulation(scene, vehicles=fleet).services(everyone(scene))
    assert {s.by: bool(s.why) for s in services} == {TAXI: False, "minibus": True}
    (told,) = booking_findings(replace(plan, booked=tuple(services)), settings)
    assert told.code == "on_demand_fleet"
    assert told.render("en").startswith(
        "Booked rides for the riders of P01 need 2 vehicles of the size minibus, and 1 can be had"
    )
    assert "minibus" in told.render("fr")
    assert not booking_findings(plan, settings)


def wrong_blocks(service, scene):  # noqa: C901 - reads as one list
    """Return what is wrong with the vehicles of a service: they drive every tour, in time."""
    wrong, km, out = [], 0.0, 0.0
    for day, blocks in zip(service.days, service.operations.blocks, strict=True):
        tours = [t for block in blocks for t in block.trips]
        if sorted(tours) != list(range(len(day.tours))):
            wrong.append("a tour is not driven once")
        for block in blocks:
            for piece in block.pieces:
                if (piece[0].origin, piece[-1].destination) != (scene.depot, scene.depot):
                    wrong.append("a vehicle does not come home")
                for one, two in pairwise(piece):
                    if one.end_s > two.start_s or one.destination != two.origin:
                        wrong.append("a vehicle is in two places")
                for move in piece:
                    km += day.day.count * move.metres / 1000
                    if move.kind == "run":
                        calls = day.tours[move.run].calls
                        if (move.start_s, move.end_s) != (calls[0].time_s, calls[-1].time_s):
                            wrong.append("a tour is not driven in its time")
                    elif move.kind == "empty" and move.origin != move.destination:
                        way = move.origin, move.destination
                        if move.end_s - move.start_s < scene.drive.seconds[way]:
                            wrong.append("a vehicle drives faster than it can")
                        if move.metres != scene.drive.metres[way]:
                            wrong.append("an empty way has another length")
                out += day.day.count * (piece[-1].end_s - piece[0].start_s) / 3600
    if abs(km - service.km) > 1e-6 * km:
        wrong.append("kilometres do not add up")
    # Drivers are paid for all the time out, and more.
    if out > service.driver_hours + 1e-9:
        wrong.append("hours do not add up")
    return wrong


def check(scene, simulation_):
    """Check every simulated day of every service of a scene; return the services."""
    gates, limits = simulation_.bookings.gates, scene.limits

    def due(request):
        return int(gates.at_s[request.edge, gates.call_of(request.edge)])

    def windows(request):
        at, wait = due(request), 900
        at -= (at - 3 * H) // (24 * H) * 24 * H
        return (at - wait, at) if request.inbound else (at, at + wait)

    def longest(request):
        way = (request.place, request.gate) if request.inbound else (request.gate, request.place)
        return min(
            scene.drive.seconds[way] * limits.detour_ratio + limits.detour_s, limits.max_ride_s
        )

    services = simulation_.services(everyone(scene))
    for service in services:
        seats = {v.name: v.passengers for v in simulation_.config.vehicles} | {TAXI: 4}
        for day in service.days:
            wrong = wrong_day(
                day, scene.drive, dwell_s=scene.dwell_s, seats=seats[service.by],
                longest=longest, windows=windows,
            )  # fmt: skip
            assert wrong == []
            assert sum(map(len, waves(day.requests))) == len(day.requests)
        if service.operations is not None:
            assert wrong_blocks(service, scene) == []
    return services


@pytest.mark.parametrize("seed", range(3))
def test_every_simulated_day_keeps_every_limit(seed):
    """Two sites, three shifts round the clock, groups larger than a taxi."""
    rng = np.random.default_rng(seed)
    first, rows = shift_edges([(5, 13), (21, 5)])
    second, more = shift_edges([(13.25, 21)], site=1, first=2)
    stops = rng.uniform(-7000, 7000, (7, 2)).round()
    scene = make_scene(
        [(0, 0), (1500, 0), *stops], stops + 50, [*first, *second], [*rows, *more],
        rng.uniform(0.2, 5.0, (3, 7)),
    )  # fmt: skip
    services = check(scene, simulation(scene, sites=(0, 1), gates=[0, 1]))
    assert {s.by for s in services} >= {TAXI, "minibus", "midibus"}
    boardings = 252 * 2 * scene.workers.sum()
    for service in services:
        # A Friday night ends on one of 52 Saturdays; there are 50.4 such Fridays.
        assert service.expected == pytest.approx(boardings, rel=0.005)
        assert service.boardings == pytest.approx(boardings, rel=0.1)


@pytest.mark.real
@pytest.mark.skipif(not MONTPELLIER.is_file(), reason="the real extracts are not in ../shared/data")
def test_simulated_days_on_the_streets_of_montpellier():
    streets = streets_from_lines(MONTPELLIER)
    rng = np.random.default_rng(1)
    nodes = rng.choice(len(streets.node_xy), 24, replace=False)
    xy = streets.node_xy[nodes]
    graph = drive_graph(streets, Speeds(), streets.unproject(xy), factor=1.15)
    drive = drive_matrix(graph, np.arange(len(xy)))
    edges, rows = shift_edges([(5, 13), (13, 21)])
    scene = make_scene(xy, xy[1:], edges, rows, rng.uniform(0.2, 2.0, len(xy) - 1))
    there = drive.seconds < 2**30
    scene = replace(scene, drive=Drive(drive.seconds, np.where(there, drive.metres, 0.0)))
    services = check(scene, simulation(scene))
    assert services[0].served > 0.8
    assert all(s.boardings > 5000 for s in services)
