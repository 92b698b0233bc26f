import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from privacy_trace import assert_no_trace

from mobility.base.privacy import display_cells, round_counts, suppress_counts, suppress_shares


def shown(frame, column):
    return [None if pd.isna(v) else float(v) for v in frame[column]]


def test_small_counts_are_withheld_and_zero_is_shown():
    frame = pd.DataFrame({"site": list("abcd"), "workers": [0, 4, 5, 12]})
    assert shown(suppress_counts(frame, ["workers"]), "workers") == [0, None, 5, 12]
    assert list(frame["workers"]) == [0, 4, 5, 12]


def test_a_part_below_a_published_total_takes_the_next_smallest_with_it():
    # 100 = 60 + 30 + 7 + 3: hiding 3 alone would give it away, so 7 is hidden too.
    frame = pd.DataFrame({"all": [100], "a": [60], "b": [30], "c": [7], "d": [3]})
    out = suppress_counts(frame, [*"abcd", "all"], parts={"all": list("abcd")})
    assert [shown(out, c)[0] for c in ("all", "a", "b", "c", "d")] == [100, 60, 30, None, None]


def test_hidden_parts_add_up_to_no_less_than_the_threshold():
    # 1 + 1 hidden under a total: their sum, 2, would say "two persons"; 6 goes too.
    frame = pd.DataFrame({"a": [1], "b": [1], "c": [6], "d": [50]})
    out = suppress_counts(frame, list("abcd"), parts={"elsewhere": list("abcd")})
    assert [shown(out, c)[0] for c in "abcd"] == [None, None, None, 50]


def test_totals_down_the_rows_are_protected_too():
    frame = pd.DataFrame({"site": ["A", "A", "A", "B"], "workers": [3, 8, 40, 9]})
    out = suppress_counts(frame, ["workers"], within=["site"])
    assert shown(out, "workers") == [None, None, 40, 9]


@given(
    st.lists(st.lists(st.integers(0, 30), min_size=3, max_size=3), min_size=1, max_size=6),
)
@settings(max_examples=150, deadline=None)
def test_no_hidden_count_follows_by_subtraction(rows):
    frame = pd.DataFrame(rows, columns=["a", "b", "c"])
    out = suppress_counts(frame, ["a", "b", "c"], parts={"t": ["a", "b", "c"]}, within=[])
    hidden = out.isna().to_numpy()
    counts = frame.to_numpy()
    assert not (counts[~hidden] % 31)[(counts[~hidden] > 0) & (counts[~hidden] < 5)].size
    for block_hidden, block in [
        *zip(hidden, counts, strict=True),
        *zip(hidden.T, counts.T, strict=True),
    ]:
        withheld = block[block_hidden]
        rest = block[~block_hidden]
        if len(withheld) and (rest > 0).any():
            assert len(withheld) >= 2
            assert withheld.sum() >= 5


def test_shares_that_give_away_a_part_or_the_rest_are_withheld():
    share = suppress_shares(
        np.array([3, 50, 97, 0, 100, 2]), np.array([100, 100, 100, 100, 100, 3])
    )
    assert np.isnan(share[[0, 2, 5]]).all()
    assert list(share[[1, 3, 4]]) == [0.5, 0.0, 1.0]


def test_rounding_is_away_from_zero_at_halves():
    assert list(round_counts(np.array([2.5, 7.4, -2.5, 12.0]), 5)) == [5, 5, -5, 10]
    assert list(round_counts(np.array([0.5, 1.5]))) == [1, 2]


def test_lonely_homes_are_grouped_in_larger_squares():
    # Squares of 100 m: six workers at home, three in the next one, three two squares further.
    xy = np.array([[50.0, 50.0], [150.0, 50.0], [350.0, 50.0], [90_000.0, 0.0]])
    group, squares = display_cells(xy, np.array([6.0, 3.0, 3.0, 1.0]), cell_m=100.0)
    assert group.tolist() == [0, 1, 1, -1]
    assert squares.tolist() == [[0.0, 0.0, 100.0], [0.0, 0.0, 400.0]]


@given(
    st.lists(
        st.tuples(st.integers(-5000, 5000), st.integers(-5000, 5000), st.integers(0, 9)),
        min_size=1,
        max_size=40,
    )
)
@settings(max_examples=100, deadline=None)
def test_every_square_shown_holds_enough_workers_and_its_homes(rows):
    data = np.array(rows, dtype=float)
    group, squares = display_cells(data[:, :2], data[:, 2], cell_m=200.0)
    for k, (west, south, side) in enumerate(squares):
        mine = group == k
        assert data[mine, 2].sum() >= 5
        assert (
            (data[mine, :2] >= [west, south]) & (data[mine, :2] < [west + side, south + side])
        ).all()
    if data[:, 2].sum() >= 5 and (group < 0).any():
        assert data[group < 0, 2].sum() < 5 or np.ptp(data[:, :2]) > 0


def test_the_trace_finder_finds_marked_coordinates_everywhere(tmp_path):
    import zipfile

    import geopandas as gpd

    lon, lat = 3.876512, 43.611397
    assert_no_trace(tmp_path, [(lon, lat)])
    point = gpd.GeoDataFrame(geometry=gpd.points_from_xy([lon], [lat]), crs=4326)
    writers = {
        "a.txt": lambda p: p.write_text(f"at {lon:.6f}; {lat}"),
        "b.json": lambda p: p.write_text('{"c": [3.8765, 43.6114]}'),
        "comma.csv": lambda p: p.write_text("3,87651;43,61140"),
        "c.gpkg": point.to_file,
        "d.parquet": point.to_parquet,
        "e.xlsx": lambda p: pd.DataFrame({"x": [lon], "y": [lat]}).to_excel(p),
        "f.npy": lambda p: np.save(p, np.array([lon, lat])),
        "g.zip": lambda p: zipfile.ZipFile(p, "w").writestr("in/x.csv", f"{lon},{lat}"),
        "h.fgb": point.to_file,
    }
    for name, write in writers.items():
        path = tmp_path / name
        write(path)
        with pytest.raises(AssertionError, match=name[0]):
            assert_no_trace(tmp_path, [(lon, lat)])
        path.unlink()
    (tmp_path / "fine.csv").write_text("3.87,43.61\n13.876512,143.611397\n3.88,43.62")
    assert_no_trace(tmp_path, [(lon, lat)])
