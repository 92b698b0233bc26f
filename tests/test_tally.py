"""Figures of many levers at once against those of each lever alone, on drawn territories."""

from dataclasses import asdict
from types import SimpleNamespace

import numpy as np
import pytest

from mobility.commute.ledger import Ledger
from mobility.remedies.model import EdgeEffect
from mobility.remedies.score import Scores

N_HOMES, N_WINDOWS, N_KEYS, N_SITES = 40, 9, 12, 2
#: Two more windows, of a bicycle taken along that does not count.
N_ALL = N_WINDOWS + 2
ROSTERS = [[0, 1, 2], [3, 4], [5, 6, 7, 8], [9, 10, 11]]


def drawn(rng, known):
    """Scores of a territory, with a labour pool of each site where employees are known."""
    ends = [tuple(int(w) for w in rng.choice(N_WINDOWS, 2, replace=False)) for _ in range(N_KEYS)]
    keys_of = {}
    for key, pair in enumerate(ends):
        for window in pair:
            keys_of.setdefault(window, []).append(key)
    for key in range(N_KEYS):
        for window in range(N_WINDOWS, N_ALL):
            keys_of.setdefault(window, []).append(key)
    base = rng.random((N_ALL, N_HOMES)) < 0.7
    street = rng.random((N_KEYS, N_HOMES)) < 0.2
    workers = rng.integers(0, 9, N_HOMES).astype(float)
    pools = rng.integers(0, 9, (N_KEYS, N_HOMES)).astype(float) if known else [workers] * N_KEYS
    sites = [0, 0, 1, 1]
    study = SimpleNamespace(
        n_homes=N_HOMES, homes=SimpleNamespace(pool=object() if known else None)
    )
    present = SimpleNamespace(
        study=study,
        riding_holds={},
        windows=[SimpleNamespace(index=w) for w in range(N_ALL)],
        ends=ends,
        keys_of=keys_of,
        base_holds=base,
        street_holds=street,
        served=np.array([base[a] & base[b] for a, b in ends]) | street,
        sites=[sites[r] for r, keys in enumerate(ROSTERS) for _ in keys],
        workers=workers,
        pools=np.array(pools),
        weight=rng.random(N_KEYS),
    )
    scores = Scores(present)
    people = np.array([present.pools[keys[0]] for keys in ROSTERS])
    names = tuple((site, str(r)) for r, site in enumerate(sites))
    ledger = Ledger(study, names, rng.random((len(ROSTERS), N_HOMES)), people)
    vars(scores).update(_roster_keys=ROSTERS, ledger=ledger)
    return scores


def pulled(rng, base):
    """What a lever does to some windows, or to none."""
    effects = {}
    for window in rng.choice(N_ALL, int(rng.integers(0, 5)), replace=False).tolist():
        turned = np.flatnonzero(rng.random(N_HOMES) < rng.choice([0, 0.1, 0.4])).astype(np.int32)
        held = base[window, turned]
        none = turned[:0]
        saved_s = float(rng.integers(-900, 900))
        effects[window] = EdgeEffect(window, turned[~held], turned[held], saved_s, none, none)
    return effects


@pytest.mark.parametrize("known", [False, True])
def test_many_levers_come_to_what_each_comes_to(known, monkeypatch):
    rng = np.random.default_rng(5)
    met = dict.fromkeys(asdict(drawn(rng, known).score({})), 0)
    for _ in range(20):
        scores = drawn(rng, known)
        each = [pulled(rng, scores.present.base_holds) for _ in range(12)]
        monkeypatch.setattr("mobility.remedies.score._AT_ONCE", 5)
        for told, effects in zip(scores.score_all(each), each, strict=True):
            alone = asdict(scores.score(effects))
            assert asdict(told) == pytest.approx(alone, rel=1e-12)
            met = {name: met[name] + bool(figure) for name, figure in alone.items()}
    assert min(met.values()) > 20, met


def test_no_lever_is_told_nothing():
    assert drawn(np.random.default_rng(1), known=False).score_all([]) == []
