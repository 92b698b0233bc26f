import os
import random
import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from mobility.base import cache
from mobility.base.cache import cached, content_hash, file_hash
from mobility.cli import app


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
    first, second = cached("walks", ["a", 1], make), cached("walks", ["a", 1], make)
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
    for kind, key in [
        ("walks", [1]),
        ("walks", [1.0]),
        ("walks", ["1"]),
        ("walks", [True]),
        ("gtfs", [1]),
    ]:
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
    cached("walks", [1], make)
    (file,) = own_cache.rglob(name)
    file.write_bytes(b"damaged")
    again = cached("walks", [1], make)
    assert make.calls == 2
    assert again["rows"].tolist() == [0, 1, 2, 3, 4]
    cached("walks", [1], make)
    assert make.calls == 2


@pytest.mark.parametrize(("name", "again"), [("numpy", 2), ("Shapely", 2), ("numpydoc", 1)])
def test_what_another_version_of_a_library_made_is_made_again(
    own_cache, tmp_path, monkeypatch, name, again
):
    make = Maker()
    cached("walks", [1], make)
    (tmp_path / f"{name}-99.0.dist-info").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    cache.libraries.cache_clear()
    try:
        cached("walks", [1], make)
    finally:
        cache.libraries.cache_clear()
    assert make.calls == again


def harmed(data, rng):
    """Return the bytes of a file with one thing wrong: a bit, a cut, zeros, a repetition."""
    k = rng.randrange(len(data))
    return rng.choice([
        data[:k] + bytes([data[k] ^ 1 << rng.randrange(8)]) + data[k + 1 :],
        data[:k],
        data[:k] + bytes(len(data) - k),
        data[:k] + data[: k + 1],
        b"",
        rng.randbytes(len(data)),
    ])  # fmt: skip


def test_no_damage_gives_other_content(own_cache):
    """Files harmed, lost, exchanged with another entry's: the entry is made again, and right."""
    make, rng = Maker(), random.Random(13)
    other = cached("walks", [0], lambda: {**make(), "rows": np.arange(6, dtype=np.int32)})
    first = cached("walks", [1], make)
    (place,) = own_cache.glob(f"*/walks/{cache.place_of('walks', [1]).name}")
    (stranger,) = (p for p in own_cache.glob("*/walks/*") if p != place)
    for case in range(120):
        file = rng.choice(sorted(place.iterdir()))
        what = rng.randrange(6)
        if what == 0:
            file.unlink()
        elif what == 1:
            shutil.copyfile(stranger / file.name, file)
        elif what == 2:
            shutil.rmtree(place)
            shutil.copytree(stranger, place)
        elif what == 3:
            (place / "added.feather").write_bytes(file.read_bytes())
        else:
            file.write_bytes(harmed(file.read_bytes(), rng))
        again = cached("walks", [1], make)
        assert again.keys() == first.keys(), case
        np.testing.assert_array_equal(again["rows"], first["rows"])
        pd.testing.assert_frame_equal(again["t"], first["t"])
        assert again["g"].geometry.geom_equals(first["g"].geometry).all(), case
    assert other["rows"].tolist() == [0, 1, 2, 3, 4, 5]


def test_a_cache_that_cannot_be_written_is_passed_over(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    monkeypatch.setenv("MOBILITY_CACHE_DIR", str(blocked / "cache"))
    make = Maker()
    cached("walks", [1], make)
    assert cached("walks", [1], make)["rows"].tolist() == [0, 1, 2, 3, 4]
    assert make.calls == 2


def test_no_half_written_entry_stays_when_making_fails(own_cache):
    def broken():
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        cached("walks", [1], broken)
    assert not own_cache.exists()


def test_clear_frees_what_was_stored(own_cache):
    cached("walks", [1], Maker())
    stored = sum(p.stat().st_size for p in own_cache.rglob("walks/*/*") if p.is_file())
    assert cache.clear_cache() == stored > 0
    assert [p.name for p in own_cache.rglob("*") if p.is_file()] == ["CACHEDIR.TAG"]
    assert cache.clear_cache() == 0


def test_only_what_the_cache_wrote_is_counted_or_deleted(own_cache, monkeypatch):
    """The folder named is a user's: a study, a sub-folder called like ours, links, a repository."""
    cached("walks", [1], Maker())
    theirs = [
        own_cache / "study.toml",
        own_cache / "walks" / ("0" * 64) / "arrays.npz",
        own_cache / "mobility-shift" / "walks" / "mine.csv",
        own_cache / "mobility-shift" / "walks" / "photos" / "1.jpg",
        own_cache / "mobility-shift" / "streets" / "notes.txt",
        own_cache / "mobility-shift" / "else" / ("0" * 64) / "1.csv",
    ]
    for path in theirs:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    (own_cache / "mobility-shift" / "gtfs").symlink_to(own_cache / "walks")
    (own_cache / "mobility-shift" / "walks" / ("1" * 64)).symlink_to(own_cache / "walks")
    monkeypatch.setenv("MOBILITY_CACHE_MB", "0")
    assert len(cache.cache_entries()) == 1
    assert cache.trim_cache() > 0
    cached("walks", [1], Maker())
    assert cache.clear_cache() > 0
    assert cache.cache_entries() == []
    assert all(path.read_text() == "mine" for path in theirs)


def test_a_folder_without_the_mark_is_nobodys_cache(own_cache):
    cached("walks", [1], Maker())
    (own_cache / "mobility-shift" / "CACHEDIR.TAG").unlink()
    assert cache.clear_cache() == 0
    assert list(own_cache.rglob("arrays.npz"))


def test_a_kind_that_would_never_be_deleted_is_refused():
    with pytest.raises(ValueError, match="never delete"):
        cached("odd", [1], Maker())


def test_the_platform_has_its_own_place(monkeypatch):
    monkeypatch.setenv("MOBILITY_CACHE_DIR", "/y")
    assert cache.cache_dir() == Path("/y/mobility-shift")
    monkeypatch.delenv("MOBILITY_CACHE_DIR")
    assert cache.cache_dir().is_absolute()
    assert "mobility-shift" in cache.cache_dir().parts


def sized(megabytes):
    return lambda: {"rows": np.zeros(megabytes * 125_000)}


def kept(names):
    """Return which of the entries are there: those that are not made again."""

    def missing():
        raise LookupError

    found = []
    for name in names:
        try:
            cached("walks", [name], missing)
        except LookupError:
            continue
        found.append(name)
    return found


def age(own_cache, seconds):
    """Make every entry older."""
    for path in own_cache.rglob("*"):
        used = path.stat().st_mtime - seconds
        os.utime(path, (used, used))


def test_what_was_used_longest_ago_goes_past_the_limit(own_cache, monkeypatch):
    """Three entries of 1 MB, a limit of 3 MB, the first used again: the second goes."""
    monkeypatch.setenv("MOBILITY_CACHE_MB", "3")
    for name in ("one", "two"):
        cached("walks", [name], sized(1))
        age(own_cache, 100)
    cached("walks", ["one"], sized(1))
    age(own_cache, 100)
    cached("walks", ["three"], sized(1))
    assert cache.cache_limit() == 3_000_000
    assert kept(["one", "two", "three"]) == ["one", "three"]


def test_an_entry_larger_than_the_limit_is_kept_until_the_next(own_cache, monkeypatch):
    monkeypatch.setenv("MOBILITY_CACHE_MB", "1")
    cached("walks", ["large"], sized(2))
    assert kept(["large"]) == ["large"]
    age(own_cache, 100)
    cached("walks", ["small"], sized(1))
    assert kept(["large", "small"]) == ["small"]


def test_the_limit_has_a_default(monkeypatch):
    monkeypatch.setenv("MOBILITY_CACHE_MB", "much")
    assert cache.cache_limit() == cache.LIMIT_MB * 1_000_000
    cached("walks", ["one"], sized(1))
    assert cache.trim_cache() == 0


def test_downloads_and_their_second_names_count_once(own_cache):
    name = "ab" * 32
    content = cache.open_cache("downloads") / "content" / name
    content.parent.mkdir(parents=True)
    content.write_bytes(bytes(1000))
    (cache.open_cache("answers") / "a.json").hardlink_to(content)
    assert {(e.kind, e.path.name, e.size) for e in cache.cache_entries()} == {
        ("downloads", name, 500),
        ("answers", "a.json", 500),
    }


def test_the_command_tells_and_clears(own_cache):
    cached("walks", ["one"], sized(1))
    shown = CliRunner().invoke(app, ["cache", "--lang", "en"]).output
    assert "1.0 MB" in shown
    assert "10,000 MB" in shown
    cleared = CliRunner().invoke(app, ["cache", "--clear", "--lang", "en"]).output
    assert cleared == shown + "1.0 MB freed\n"
    assert cache.cache_entries() == []


def test_factors_and_texts_of_another_version_are_other_code(tmp_path, monkeypatch):
    """Answers are kept as they are printed, and follow from the factors of the software."""
    package = tmp_path / "mobility"
    for name in ("base/cache.py", "base/i18n/fr.po", "territory/factors.toml"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text("1", encoding="utf-8")
    monkeypatch.setattr(cache, "__file__", str(package / "base" / "cache.py"))
    known = [cache.code_hash.__wrapped__()]
    for file in sorted(package.rglob("*.*")):
        file.write_text("2", encoding="utf-8")
        known.append(cache.code_hash.__wrapped__())
    assert len(set(known)) == 4
