"""What an attacker who knows the mechanism, and every output, can say of an employee file.

The file is made up: 360 employees in 60 cells along the street of `small`, with sites, rosters and
a group. The attacker is given more than any output tells: the areas and their counts themselves,
of which every figure of a run is a function.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from mobility.sources.homes import protected
from mobility.sources.homes.hilbert import curve_cells, curve_index
from mobility.sources.homes.protected import EPSILON, TEAM, Area, Door, Ground, protect

K, CELL_M, CELLS = 5, 200.0, 60
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
    cells = np.array([(x, y) for x in range(CELLS) for y in (0, 1)])
    weight = np.random.default_rng(9).uniform(0.2, 1.0, len(cells))
    land = Ground.of(cells, (cells + 0.5) * CELL_M, weight)
    return Door(K, key, [land], CELL_M, (0, 0, 64, 32))


def release(persons: pd.DataFrame, key: bytes) -> pd.DataFrame:
    """What leaves the door, the key following the content as that of a file does."""
    text = persons.sort_values([*TEAM, "x", "no_car"]).to_csv(index=False).encode()
    own = protected.hashlib.sha256(key + text).digest()
    return protect(persons, ["no_car"], TEAMS, door(own))


@pytest.fixture
def told(monkeypatch):
    """Every area that is made, with its cells' true counts, in order."""
    found = []
    real = protected.areas_of

    def areas_of(index, count, tokens, k, rng):
        areas, apart = real(index, count, tokens, k, rng)
        found.append((index, count, areas, apart))
        return areas, apart

    monkeypatch.setattr(protected, "areas_of", areas_of)
    return found


def holding(area: Area, apart: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Which cells an area is about."""
    inside = (index >= area.start) & (index < area.stop)
    return inside if area.stop - area.start == 1 else inside & ~np.isin(index, apart)


def test_every_area_holds_k_persons_and_k_are_told(told):
    release(staff(), b"a")
    assert len(told) > len(SIZES)
    for index, count, areas, apart in told:
        true = [count[holding(a, apart, index)].sum() for a in areas]
        assert min(true) >= K
        assert min(a.workers for a in areas) >= K
        assert sum(true) == count.sum()


def test_no_cell_of_few_is_singled_out(told):
    """Whoever is matched to a place of an area may be any of its persons, at any place of it."""
    counts = release(staff(), b"a")
    index, count, areas, apart = told[0]
    public = door(b"").grounds[0].index
    here = counts.groupby("index")["workers"].sum()
    hidden = 0
    for cell, n in zip(index, count, strict=True):
        if n < K:
            (area,) = [a for a in areas if holding(a, apart, np.array([cell]))[0]]
            places = public[holding(area, apart, public)]
            assert len(places) > 1
            assert (here.reindex(places).fillna(0) > 0).sum() > 1
            assert count[holding(area, apart, index)].sum() >= K
            hidden += 1
    assert hidden > 10


def programme(told_by):
    """Return the unknowns by cell and team, the sums the areas tell of, and their bounds."""
    cells = curve_index(np.column_stack([np.arange(CELLS), np.zeros(CELLS, int)]))
    names = list(SIZES)
    column = {(c, t): i for i, (c, t) in enumerate((c, t) for t in names for c in cells)}
    rows, low, high = [], [], []
    noise = int(np.ceil(np.log(100) / EPSILON))  # not passed in 99 draws of 100
    for team, (index, count, areas, apart) in told_by:
        total = sum(a.workers for a in areas)
        for area in areas:
            mine = [c for c in cells if holding(area, apart, np.array([c]))[0]]
            own = area.stop - area.start == 1
            pieces = 1 if own else 1 + ((apart >= area.start) & (apart < area.stop)).sum()
            # The sample rounds each stretch by less than one; the true total is within the noise.
            most = (area.workers + pieces) * (total + noise) / total
            least = max(K, (area.workers - pieces) * max(total - noise, K) / total)
            teams = names if team is None else [team]
            rows.append([column[c, t] for c in mine for t in teams])
            low.append(np.ceil(least))
            high.append(np.floor(most))
            assert low[-1] <= count[holding(area, apart, index)].sum() <= high[-1]
    return column, rows, np.array(low), np.array(high)


def test_no_small_true_count_is_pinned(told):
    """An integer programme over all areas, of the staff and of each roster."""
    persons = staff()
    release(persons, b"a")
    order = [t for t in sorted(map(tuple, TEAMS[TEAM].to_numpy())) if SIZES.get(t, 0) >= K]
    told_by = [(None, told[0])]
    for entry in told[1:]:
        # A group's areas follow its roster's; those of rosters are known by their totals.
        match = [t for t in order if SIZES[t] == entry[1].sum() and t not in dict(told_by)]
        if match:
            told_by.append((match[0], entry))
    assert len(told_by) > 5
    column, rows, low, high = programme(told_by)
    data = np.ones(sum(map(len, rows)))
    ptr = np.cumsum([0, *map(len, rows)])
    entries = (data, np.concatenate(rows).astype(int), ptr)
    matrix = csr_array(entries, shape=(len(rows), len(column)))
    about = LinearConstraint(matrix, low, high)
    where = curve_index(np.column_stack([persons["x"], persons["y"]]))
    truth = persons.assign(index=where).groupby(["index", *TEAM]).size()
    small = truth[truth < K]
    assert len(small) > 100
    rng = np.random.default_rng(1)
    for place in rng.choice(len(small), 60, replace=False):
        index, site, roster = small.index[place]
        goal = np.zeros(len(column))
        goal[column[index, (site, roster)]] = 1
        whole = {"bounds": Bounds(0, np.inf), "integrality": np.ones(len(column))}
        ends = [milp(sign * goal, constraints=about, **whole) for sign in (1, -1)]
        assert all(e.success for e in ends)
        least, most = ends[0].fun, -ends[1].fun
        assert round(most) - round(least) + 1 >= K, (site, roster, least, most)


def test_two_runs_that_differ_by_one_employee_tell_neither_roster_nor_cell():
    persons = staff()
    first = release(persons, b"a")
    rng = np.random.default_rng(2)
    was = first.groupby(TEAM)["workers"].sum()
    was_here = first.groupby("index")["workers"].sum()
    names = list(SIZES)
    rosters = cells = 0
    trials = 60
    for _ in range(trials):
        team, x = names[rng.integers(len(names))], int(rng.integers(CELLS))
        new = {"x": x, "y": 0, "site": team[0], "roster": team[1], "workers": 1.0, "no_car": 0.0}
        after = release(pd.concat([persons, pd.DataFrame([new | {"outside": False}])]), b"a")
        now = after.groupby(TEAM)["workers"].sum()
        # The best guess without a prior: what grew most.
        rosters += now.sub(was, fill_value=0).idxmax() == team
        grown = after.groupby("index")["workers"].sum().sub(was_here, fill_value=0)
        cells += grown.idxmax() == int(curve_index(np.array([[x, 0]]))[0])
    # e^(2 epsilon) bounds the odds of a roster against any other, whatever the guess.
    odds = np.exp(2 * EPSILON)
    assert rosters / trials <= odds / (odds + len(names) - 1) + 0.1
    assert cells / trials <= 0.1
    unchanged = was.index[np.isclose(now.sub(was, fill_value=0).reindex(was.index), 0)]
    assert len(unchanged) < len(names) - 1


def test_the_same_file_gives_the_same_release_and_a_secret_another():
    one, two, other = release(staff(), b"a"), release(staff(), b"a"), release(staff(), b"b")
    pd.testing.assert_frame_equal(one, two)
    assert not other["workers"].equals(one["workers"])


def test_what_protection_costs_over_many_draws():
    """The share of a roster that lives on some stretches of the street, told and true."""
    persons = staff()

    def holds(x):
        return (x < 11) | (x >= 55)

    found = {}
    for draw in range(24):
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
            # Points: within two on average; the mean of all draws tells that none is skewed.
            assert np.abs(errors).mean() <= 2.0
            assert abs(np.mean(errors)) <= 1.5
