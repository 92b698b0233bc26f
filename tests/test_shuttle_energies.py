"""Plans with other energies: two villages by hand, cuts against brute force, a design."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shuttle_scenes import KINDS, H, config, drive_of, make_scene
from test_shuttle_blocks import two_villages

from mobility.shuttles.blocks import Trip, block_of
from mobility.shuttles.config import EnergyFactors, Factors
from mobility.shuttles.costs import Operations, Rates, operate, yearly_costs
from mobility.shuttles.demand import calendar_days
from mobility.shuttles.energies import CUT, KEPT, Energies, Tank, cut_chain, levels

FACTORS = Factors.load()
ENERGIES = ("hvo", "biogas", "electric", "hydrogen")


def villages(overrides=None):
    """The plant in 3x8 between two villages, with the plan of two minibuses."""
    scene, runs = two_villages()
    done = operate(runs, scene.drive, scene.depot, calendar_days(FACTORS, KINDS), config(), FACTORS)
    costs = yearly_costs(done, config(), FACTORS, new_stops=0)
    plan = SimpleNamespace(name="P01", runs=tuple(runs), operations=done, costs=costs)
    rows = EnergyFactors.load(overrides)
    return Energies(scene, config(), FACTORS, rows), plan, rows


def driven_km(operations: Operations) -> float:
    return sum(
        d.count * (b.metres("run") + b.metres("empty")) / 1000
        for d, blocks in zip(operations.days, operations.blocks, strict=True)
        for b in blocks
    )


def test_diesel_is_the_plan_itself() -> None:
    energies, plan, _ = villages()
    diesel = energies.drive(plan, "diesel")
    assert diesel.eur_year[0] == pytest.approx(plan.costs.total)
    assert diesel.co2_kg[0] == pytest.approx(plan.costs.co2_kg)
    assert diesel.eur_year[1] < diesel.eur_year[0] < diesel.eur_year[2]


def test_batteries_by_hand() -> None:
    """60 kWh last 146 km at 0.41 kWh/km: every block, and a charger for each of two vehicles."""
    energies, plan, rows = villages()
    found = energies.drive(plan, "electric")
    assert found.operations.fleet == (0, 0, 0, 2, 0, 0)
    assert not found.refused
    assert found.chargers == 2
    own = Rates(6700, 0.13, 279)
    litres = 0.279 / 3.1
    used = litres * 4.0 * (1 + 0.42 * 0.14)
    km = driven_km(plan.operations)
    eur_km = own.km - litres * 1.40 + (own.km - litres * 1.40) * (0.8 - 1) + used * 0.18
    structure = 1 + FACTORS["overhead"]
    more = (2 * own.fixed * (2.1 - 1) + km * (eur_km - own.km) + 2 * 4000) * structure
    assert found.eur_year[0] == pytest.approx(plan.costs.total + more)
    assert found.co2_kg[0] == pytest.approx(km * used * rows["energy_co2.electric"])
    assert found.co2_kg[0] < plan.costs.co2_kg / 10


def test_a_small_battery_cuts_blocks_and_a_tiny_one_leaves_runs_to_diesel() -> None:
    """A run and its way back to the gate is 12 km, 4.93 kWh in the cold."""
    need = 12 * 0.09 * 4 * 1.14
    slow = {"energy_charge.depot_kw": 0.5, "energy_charge.gate_kw": 0, "energy_battery.usable": 1}
    energies, plan, _ = villages(slow | {"energy_battery.minibus": need * 1.01})
    cut = energies.drive(plan, "electric")
    assert cut.operations.fleet[0] == 0
    assert cut.operations.vehicles > 2
    assert {r.reason for r in cut.refused} == {CUT}
    energies, plan, _ = villages(slow | {"energy_battery.minibus": need * 0.99})
    kept = energies.drive(plan, "electric")
    assert kept.operations.fleet == (*plan.operations.fleet, 0, 0, 0)
    assert {r.reason for r in kept.refused} == {KEPT}
    assert kept.eur_year[0] == pytest.approx(plan.costs.total)
    assert kept.chargers == 0


@pytest.mark.parametrize("energy", ENERGIES)
def test_every_run_is_driven_once_and_bands_hold_the_value(energy: str) -> None:
    energies, plan, _ = villages({"energy_battery.minibus": 20, "energy_range.biogas": 20})
    found = energies.drive(plan, energy)
    for now, was in zip(found.operations.blocks, plan.operations.blocks, strict=True):
        assert sorted(t for b in now for t in b.trips) == sorted(t for b in was for t in b.trips)
    for value, low, high in (found.eur_year, found.co2_kg):
        assert low <= value <= high
    if energy != "hydrogen":
        assert found.co2_kg[0] < plan.costs.co2_kg


def test_a_stop_at_the_depot_and_a_wait_at_a_gate_charge() -> None:
    scene = make_scene([(0, 0), (10_000, 0)], [(0, 0)], [], [], [1.0])
    trips = [Trip(k, at, at + 1000, 1, 0, 10_000, 0) for k, at in enumerate((6 * H, 12 * H))]
    block = block_of(trips, scene.drive, scene.depot, 180, 0)
    assert len(block.pieces) == 2
    tank = Tank(30.0, 1.0, 2.0)
    # 20 km, five hours and more at the depot give 2 kWh each hour, then 20 km again.
    rest = (block.pieces[1][0].start_s - block.pieces[0][-1].end_s) / 3600
    assert levels(block, tank, frozenset()) == pytest.approx((10 + 2 * rest - 20,) * 2, abs=0.01)
    assert levels(block, Tank(30.0), frozenset())[0] == pytest.approx(-10)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6), st.floats(5, 60))
def test_cuts_are_as_few_as_brute_force_finds(seed: int, n: int, held: float) -> None:
    rng = np.random.default_rng(seed)
    scene = make_scene(rng.uniform(0, 15_000, (4, 2)), [(0, 0)], [], [], [1.0])
    drive, at, chain = drive_of(scene.xy), 5 * H, []
    for k in range(n):
        a, b = (int(x) for x in rng.integers(0, 4, 2))
        end = at + int(drive.seconds[a, b]) + 60
        chain.append(Trip(k, at, end, a, b, float(drive.metres[a, b]), 0))
        at = end + 3000 + int(rng.integers(0, 9000))
    tank, gates = Tank(held, 1.0, 8.0), frozenset({0})

    def holds(low: int, high: int) -> bool:
        block = block_of(chain[low:high], scene.drive, scene.depot, 180, 0)
        return levels(block, tank, gates)[0] >= 0

    blocks, left = cut_chain(chain, scene, tank, gates, 0)
    assert [t.run for t in left] == [k for k in range(n) if not holds(k, k + 1)]
    assert sorted([r for b in blocks for r in b.trips] + [t.run for t in left]) == list(range(n))
    fewest = [0] + [n + 1] * n
    for high in range(1, n + 1):
        options = [fewest[low] + 1 for low in range(high) if holds(low, high)]
        alone = [] if holds(high - 1, high) else [fewest[high - 1]]
        fewest[high] = min(options + alone)
    assert len(blocks) == fewest[n]
    assert all(levels(b, tank, gates)[0] >= 0 for b in blocks)
