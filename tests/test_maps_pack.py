"""Blobs decode to what was put in; JSON cannot leave its script element."""

from __future__ import annotations

import base64
import json
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobility.outputs.map.pack import Store, add_paths, along_curve, compact_json, quantised


def raw(store: Store, index: int) -> bytes:
    return zlib.decompress(base64.b64decode(store.texts[index]))


def decode_bytes(store: Store, index: int) -> list[int]:
    data = raw(store, index)
    values = np.frombuffer(data[1:], np.uint8)
    return (np.cumsum(values, dtype=np.uint8) if data[0] else values).tolist()


def decode_ints(store: Store, index: int) -> list[int]:
    data = raw(store, index)
    folded = np.frombuffer(data[1:], np.uint8).reshape(4, -1).T.copy().view("<u4").ravel()
    steps = (folded >> 1).astype(np.int64) ^ -(folded & 1).astype(np.int64)
    return (np.cumsum(steps) if data[0] else steps).tolist()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 255), min_size=1, max_size=300))
def test_bytes_come_back(values: list[int]) -> None:
    store = Store()
    assert decode_bytes(store, store.add_bytes(values)) == values


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-(2**29), 2**29), max_size=200), st.booleans())
def test_whole_numbers_come_back(values: list[int], delta: bool) -> None:
    store = Store()
    assert decode_ints(store, store.add_ints(values, delta=delta)) == values


def test_the_same_content_is_kept_once() -> None:
    store = Store()
    first = store.add_bytes([1, 2, 3])
    assert store.add_bytes([9]) == 1
    assert store.add_bytes([1, 2, 3]) == first
    assert len(store.texts) == 2


def test_smooth_values_are_kept_as_differences() -> None:
    store = Store()
    store.add_bytes(np.arange(200))
    assert raw(store, 0)[0] == 1
    assert len(store.texts[0]) < 60


@pytest.mark.parametrize("name", ["</script>", "<!--", "a & b", 'l\'été "x"', "\u2028"])
def test_json_is_safe_inside_a_script(name: str) -> None:
    text = compact_json({"name": name})
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"name": name}


def test_paths_keep_points_and_counts() -> None:
    store = Store()
    blob = add_paths(store, [np.array([[1.0, 2.0], [1.00001, 2.0]]), np.array([[-3.5, 4.0]])])
    assert decode_ints(store, blob["n"]) == [2, 1]
    assert decode_ints(store, blob["x"]) == [100_000, 100_001, -350_000]
    assert decode_ints(store, blob["y"]) == [200_000, 200_000, 400_000]


def test_no_path_at_all() -> None:
    store = Store()
    assert decode_ints(store, add_paths(store, [])["x"]) == []


def test_degrees_are_rounded_to_a_metre() -> None:
    assert quantised([1.234567, -1.234567]).tolist() == [123457, -123457]


def test_the_curve_visits_quarters_one_after_another() -> None:
    """A 4 x 4 grid: each quarter's four points stand together.

    ::

        y 3 | c c d d
          2 | c c d d
          1 | a a b b
          0 | a a b b
              0 1 2 3 x
    """
    x, y = (v.ravel().astype(float) for v in np.meshgrid(np.arange(4), np.arange(4)))
    order = along_curve(x, y)
    quarter = (x >= 2) + 2 * (y >= 2)
    assert quarter[order].tolist() == [0] * 4 + [1] * 4 + [2] * 4 + [3] * 4
