"""What an attacker who knows the mechanism, and every output, can say of an employee file.

The file is made up: 360 employees in 60 cells along the street of `small`, with sites, rosters and
a group. The attacker is given more than any output tells: the areas and their counts themselves,
of which every figure of a run is a function. That the attacks bite is seen on the same file behind
a door left open: areas of one person, next to no noise.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from mobility.sources.homes import door as homes_door
from mobility.sources.homes import protected
from mobility.sources.homes.door import told_by_side
from mobility.sources.homes.protected import (
    TEAM,
    Area,
    Door,
    Ground,
    curve_cells,
    curve_index,
    protect,
)

K, CELL_M, CELLS = 5, 200.0, 60
ROWS = 2
LEAST = K
SIZES = {
    ("Usine", "3x8"): 110, ("Usine", "day"): 70, ("Dépôt", "2x8"): 60, ("Dépôt", "night"): 50,
    ("Garage", "day"): 40, ("Garage", "vsd"): 24, ("Atelier", "day"): 6,
}  # fmt: skip
TEAMS = pd.DataFrame([*SIZES, ("Atelier", "night")], columns=TEAM)


def staff(seed: int = 0) -> pd.DataFrame:
    """360 employees: villages of unlike sizes, most cells holding fewer than ten."""
    rng = np.random.default_rng(seed)
    weight = rng.gamma(0.8, size=CELLS)
    frames = []
    for (site, roster), n in SIZES.items():
        x = rng.choice(CELLS, n, p=weight / weight.sum())
        poor = (rng.random(n) < 0.2).astype(float)
        frames.append(pd.DataFrame({"x": x, "site": site, "roster": roster, "no_car": poor}))
    frame = pd.concat(frames, ignore_index=True)
    return frame.assign(y=0, workers=1.0, outside=False)


def door(key: bytes) -> Door:
    """Residential land in every cell of the street and in one beside each."""
    cells = np.array([(x, y) for x in range(CELLS) for y in range(ROWS)])
    weight = np.random.default_rng(9).uniform(0.2, 1.0, len(cells))
    land = Ground.of(cells, (cells + 0.5) * CELL_M, weight)
    return Door(K, key, [land], CELL_M, (0, 0, 64, 32))


def holds(x):
    """Where on the street the commute holds, for every roster."""
    return (np.asarray(x) < 11) | (np.asarray(x) >= 55)


@pytest.fixture
def door_open(monkeypatch):
    """The door with nothing done at it; for the tests, to see that an attack would bite."""
    monkeypatch.setattr(protected, "EPSILON", 50.0)
    monkeypatch.setattr(protected, "PLACE_EPSILON", 50.0)
    monkeypatch.setattr(homes_door, "SIDE_EPSILON", 1e6)
    monkeypatch.setattr(f"{__name__}.K", 1)
    monkeypatch.setattr(f"{__name__}.ROWS", 1)


def release(persons: pd.DataFrame, key: bytes) -> pd.DataFrame:
    """What leaves the door, the key following the content as that of a file does."""
    text = persons.sort_values([*TEAM, "x", "no_car"]).to_csv(index=False).encode()
    own = door(protected.hashlib.sha256(key + text).digest())
    counts = protect(persons, ["no_car"], TEAMS, own)
    public, told = own.grounds[0].xy, counts[["x", "y"]].to_numpy()
    side = holds(np.vstack([public, told])[:, 0] // CELL_M)
    counts = counts.assign(place=len(public) + np.arange(len(counts)))
    return told_by_side(counts, persons, ["no_car"], public, dict.fromkeys(SIZES, side), own)


@pytest.fixture
def told(monkeypatch):
    """Every area that is made: of which roster (None of all) and value, its cells' true counts."""
    found, asked = [], []
    areas_of, placed = protected.areas_of, protected._placed

    def spy_areas(index, count, tokens, k, rng):
        areas, apart = areas_of(index, count, tokens, k, rng)
        found.append((*asked[-1], (index, count, areas, apart)))
        return areas, apart

    def spy_placed(rows, value, *rest):
        teams = {*map(tuple, rows[TEAM].to_numpy())}
        asked.append((teams.pop() if len(teams) == 1 else None, value))
        return placed(rows, value, *rest)

    monkeypatch.setattr(protected, "areas_of", spy_areas)
    monkeypatch.setattr(protected, "_placed", spy_placed)
    return found


def holding(area: Area, apart: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Which cells an area is about."""
    inside = (index >= area.start) & (index < area.stop)
    return inside if area.stop - area.start == 1 else inside & ~np.isin(index, apart)


def test_every_area_holds_k_persons_and_k_are_told(told):
    release(staff(), b"a")
    assert len(told) > len(SIZES)
    for *_, (index, count, areas, apart) in told:
        true = [count[holding(a, apart, index)].sum() for a in areas]
        assert min(true) >= K
        assert min(a.workers for a in areas) >= K
        assert sum(true) == count.sum()


def singled_out(persons, told):
    """Cells of few whose area is told at no other place, or holds nobody else."""
    counts = release(persons, b"a")
    index, count, areas, apart = told[0][-1]
    here = counts.groupby("index")["workers"].sum()
    public = door(b"").grounds[0].index
    few = [cell for cell, n in zip(index, count, strict=True) if n < LEAST]
    found = 0
    for cell in few:
        (area,) = [a for a in areas if holding(a, apart, np.array([cell]))[0]]
        places = public[holding(area, apart, public)]
        alone = (here.reindex(places).fillna(0) > 0).sum() <= 1
        found += alone or count[holding(area, apart, index)].sum() < LEAST
    assert len(few) > 10
    return found / len(few)


def test_no_cell_of_few_is_singled_out(told):
    """Whoever is matched to a place of an area may be any of its persons, at any place of it."""
    assert singled_out(staff(), told) == 0


@pytest.mark.usefixtures("door_open")
def test_every_cell_of_few_would_be_singled_out(told):
    assert singled_out(staff(), told) > 0.9


def noise(epsilon):
    """What noise does not pass in 99 draws of 100."""
    return np.log(100) / epsilon


class Programme:
    """Unknown counts by cell, roster and value, and what the areas and sides tell of them."""

    def __init__(self, counts, told):
        x = np.arange(CELLS)
        self.cells = curve_index(np.column_stack([x, np.zeros(CELLS, int)]))
        names = [(c, t, v) for v in ("workers", "no_car") for t in SIZES for c in self.cells]
        self.column = {name: i for i, name in enumerate(names)}
        self.rows, self.low, self.high = [], [], []
        for c in self.cells:
            for team in SIZES:  # who is of a group is of its roster
                self.add([((c, team, "workers"), 1), ((c, team, "no_car"), -1)], 0, np.inf)
        seen = set()
        for team, value, areas in told:
            if (team, value) not in seen:
                seen.add((team, value))
                self.add_areas(team, value, *areas)
        self.told = seen
        for team in SIZES:
            self.add_sides(
                team, counts[(counts["site"] == team[0]) & (counts["roster"] == team[1])]
            )

    def add(self, terms, low, high):
        self.rows.append([(self.column[name], sign) for name, sign in terms])
        self.low.append(low)
        self.high.append(high)

    def add_areas(self, team, value, index, count, areas, apart):
        total, spread = sum(a.workers for a in areas), noise(protected.EPSILON)
        for area in areas:
            mine = [c for c in self.cells if holding(area, apart, np.array([c]))[0]]
            own = area.stop - area.start == 1
            pieces = 1 if own else 1 + ((apart >= area.start) & (apart < area.stop)).sum()
            # The sample rounds each stretch by less than one; the true total is within the noise.
            most = (area.workers + pieces) * (total + spread) / total
            least = max(K, (area.workers - pieces) * max(total - spread, K) / total)
            if K == 1:  # an open door tells all
                most, least = area.workers, area.workers
            assert np.ceil(least) <= count[holding(area, apart, index)].sum() <= most
            terms = [((c, t, value), 1) for c in mine for t in (SIZES if team is None else [team])]
            self.add(terms, np.ceil(least), np.floor(most))

    def add_sides(self, team, rows):
        """A side's share of the total that is told, whatever the true total is."""
        total = rows["workers"].sum()
        inside = rows.loc[holds(rows["x"] // CELL_M), "workers"].sum()
        if min(inside, total - inside) < K:
            return
        spread = noise(protected.EPSILON)
        most = inside * (total + spread) / total + noise(homes_door.SIDE_EPSILON)
        least = inside * max(total - spread, K) / total - noise(homes_door.SIDE_EPSILON)
        mine = self.cells[holds(np.arange(CELLS))]
        self.add([((c, team, "workers"), 1) for c in mine], np.ceil(least), np.floor(most))

    def values(self, name):
        """How many values a count may have."""
        data = np.concatenate([[sign for _, sign in row] for row in self.rows])
        at = np.concatenate([[i for i, _ in row] for row in self.rows]).astype(int)
        ptr = np.cumsum([0, *map(len, self.rows)])
        matrix = csr_array((data, at, ptr), shape=(len(self.rows), len(self.column)))
        about = LinearConstraint(matrix, self.low, self.high)
        goal = np.zeros(len(self.column))
        goal[self.column[name]] = 1
        whole = {"bounds": Bounds(0, np.inf), "integrality": np.ones(len(self.column))}
        ends = [milp(sign * goal, constraints=about, **whole) for sign in (1, -1)]
        assert all(e.success for e in ends)
        return round(-ends[1].fun) - round(ends[0].fun) + 1


def small_counts(persons, n):
    """Some true counts of 1 to k-1: cell, roster and value."""
    where = curve_index(np.column_stack([persons["x"], persons["y"]]))
    truth = persons.assign(index=where).groupby(["index", *TEAM])[["workers", "no_car"]].sum()
    rng, found = np.random.default_rng(1), []
    for value, few in (("workers", n - n // 3), ("no_car", n // 3)):
        small = truth.index[(truth[value] > 0) & (truth[value] < LEAST)]
        picked = small[rng.choice(len(small), few, replace=False)]
        found += [(index, (site, roster), value) for index, site, roster in picked]
    return found


def test_no_small_true_count_is_pinned(told):
    """An integer programme over all areas and sides, of the staff, each roster and its group."""
    persons = staff()
    programme = Programme(release(persons, b"a"), told)
    assert {value for _, value in programme.told} == {"workers", "no_car"}
    assert len(programme.told) > 10
    for name in small_counts(persons, 60):
        assert programme.values(name) >= LEAST, name


@pytest.mark.usefixtures("door_open")
def test_small_true_counts_would_be_pinned(told):
    persons = staff()
    programme = Programme(release(persons, b"a"), told)
    assert [programme.values(name) for name in small_counts(persons, 9)] == [1] * 9


def guessed(trials):
    """How often what grew most tells the roster, and the cell, of one employee more."""
    persons = staff()
    first = release(persons, b"a")
    rng = np.random.default_rng(2)
    was = first.groupby(TEAM)["workers"].sum()
    was_here = first.groupby("index")["workers"].sum()
    names = list(SIZES)
    rosters = cells = 0
    for _ in range(trials):
        team, x = names[rng.integers(len(names))], int(rng.integers(CELLS))
        new = {"x": x, "y": 0, "site": team[0], "roster": team[1], "workers": 1.0, "no_car": 0.0}
        after = release(pd.concat([persons, pd.DataFrame([new | {"outside": False}])]), b"a")
        grown = after.groupby(TEAM)["workers"].sum().sub(was, fill_value=0)
        rosters += grown.idxmax() == team
        here = after.groupby("index")["workers"].sum().sub(was_here, fill_value=0)
        cells += here.idxmax() == int(curve_index(np.array([[x, 0]]))[0])
    return rosters / trials, cells / trials


def test_two_runs_that_differ_by_one_employee_tell_neither_roster_nor_cell():
    rosters, cells = guessed(40)
    # e^(2 epsilon) bounds the odds of a roster against any other, whatever the guess.
    odds = np.exp(2 * protected.EPSILON)
    assert rosters <= odds / (odds + len(SIZES) - 1) + 0.1
    assert cells <= 0.1


@pytest.mark.usefixtures("door_open")
def test_two_runs_would_tell_roster_and_cell():
    rosters, cells = guessed(12)
    assert rosters == 1
    assert cells > 0.9


def test_the_same_file_gives_the_same_release_and_a_secret_another():
    one, two, other = release(staff(), b"a"), release(staff(), b"a"), release(staff(), b"b")
    pd.testing.assert_frame_equal(one, two)
    assert not other["workers"].equals(one["workers"])


@pytest.mark.parametrize("file", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_what_protection_costs_over_many_draws(file):
    """The share of a roster that lives where its commute holds, told and true, in points."""
    persons, found = staff(file), {}
    for draw in range(20):
        counts = release(persons, bytes([draw]))
        told = holds(curve_cells(counts["index"].to_numpy(), (0, 0))[:, 0])
        for (site, roster), n in SIZES.items():
            mine = ((counts["site"] == site) & (counts["roster"] == roster)).to_numpy()
            workers = counts["workers"].to_numpy()[mine]
            own = persons[(persons["site"] == site) & (persons["roster"] == roster)]
            error = workers @ told[mine] / workers.sum() - holds(own["x"]).mean()
            found.setdefault((site, roster, n), []).append(100 * error)
    for (*_, n), errors in found.items():
        if n >= 50:
            assert np.median(np.abs(errors)) <= 1.0
            assert np.quantile(np.abs(errors), 0.95) <= 2.0
            assert abs(np.mean(errors)) <= 0.5
