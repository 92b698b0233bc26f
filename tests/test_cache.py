from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from mobility import cache
from mobility.cache import cached, content_hash, file_hash


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MOBILITY_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


class Maker:
    """Counts how often the entry is made."""

    def __init__(self):
        self.calls = 0

    def __call__(self):
        self.calls += 1
        layer = gpd.GeoDataFrame(
            {"name": ["a", None]}, geometry=gpd.points_from_xy([1, 2], [3, 4]), crs="EPSG:4326"
        )
        table = pd.DataFrame({"x": [1, 2], "t": pd.Series(["a", None], dtype="str")})
        return {"rows": np.arange(5, dtype=np.int32), "text": np.array("é"), "t": table, "g": layer}


def test_the_second_call_reads_equal_content():
    make = Maker()
    first, second = cached("k", ["a", 1], make), cached("k", ["a", 1], make)
    assert make.calls == 1
    assert second["rows"].dtype == np.int32
    np.testing.assert_array_equal(first["rows"], second["rows"])
    assert str(second["text"]) == "é"
    pd.testing.assert_frame_equal(first["t"], second["t"])
    assert isinstance(second["g"], gpd.GeoDataFrame)
    assert second["g"].crs == "EPSG:4326"
    assert second["g"].geometry.geom_equals(first["g"].geometry).all()


def test_another_key_or_kind_is_another_entry():
    make = Maker()
    for kind, key in [("k", [1]), ("k", [1.0]), ("k", ["1"]), ("k", [True]), ("j", [1])]:
        cached(kind, key, make)
    assert make.calls == 5


def test_the_key_is_the_content_not_the_path(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    a.write_text("same")
    b.write_text("same")
    assert content_hash([a]) == content_hash([b])
    b.write_text("other")
    assert content_hash([a]) != content_hash([b])


def test_parts_do_not_run_together():
    assert content_hash(["ab", "c"]) != content_hash(["a", "bc"])
    assert content_hash([("a",), "b"]) != content_hash([("a", "b")])


def test_arrays_differ_by_type_and_shape():
    zeros = np.zeros(4, dtype=np.int32)
    hashes = {content_hash([a]) for a in (zeros, zeros.view(np.float32), zeros.reshape(2, 2))}
    assert len(hashes) == 3


def test_a_folder_is_hashed_with_its_names(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "x").write_text("1")
    before = file_hash(tmp_path / "d")
    (tmp_path / "d" / "x").rename(tmp_path / "d" / "y")
    assert file_hash(tmp_path / "d") != before


def test_no_hash_for_what_has_no_stable_bytes():
    with pytest.raises(TypeError, match="object"):
        content_hash([object()])


@pytest.mark.parametrize("name", ["arrays.npz", "t.feather", "g@geo.feather"])
def test_a_damaged_entry_is_made_again(own_cache, name):
    make = Maker()
    cached("k", [1], make)
    (file,) = own_cache.rglob(name)
    file.write_bytes(b"damaged")
    again = cached("k", [1], make)
    assert make.calls == 2
    assert again["rows"].tolist() == [0, 1, 2, 3, 4]
    cached("k", [1], make)
    assert make.calls == 2


def test_a_cache_that_cannot_be_written_is_passed_over(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    monkeypatch.setenv("MOBILITY_CACHE_DIR", str(blocked / "cache"))
    make = Maker()
    cached("k", [1], make)
    assert cached("k", [1], make)["rows"].tolist() == [0, 1, 2, 3, 4]
    assert make.calls == 2


def test_no_half_written_entry_stays_when_making_fails(own_cache):
    def broken():
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        cached("k", [1], broken)
    assert not own_cache.exists()


def test_clear_frees_what_was_stored(own_cache):
    cached("k", [1], Maker())
    stored = sum(p.stat().st_size for p in own_cache.rglob("*") if p.is_file())
    assert cache.clear_cache() == stored > 0
    assert not own_cache.exists()
    assert cache.clear_cache() == 0


def test_the_platform_has_its_own_place(monkeypatch):
    monkeypatch.delenv("MOBILITY_CACHE_DIR")
    monkeypatch.setattr(cache.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert cache.cache_dir() == Path("/x/mobility-shift")
    monkeypatch.setattr(cache.sys, "platform", "darwin")
    assert cache.cache_dir().parts[-3:] == ("Library", "Caches", "mobility-shift")
    monkeypatch.setattr(cache.sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", "/local")
    assert cache.cache_dir() == Path("/local/mobility-shift")
