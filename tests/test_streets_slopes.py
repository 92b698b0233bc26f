import builtins

import numpy as np
import pytest
from street_cases import METRE_A_SECOND, X0, Y0, streets_of

from mobility.base.errors import SourceError, SourceNotFoundError
from mobility.commute.walks import heights_findings
from mobility.streets.modes import edge_times
from mobility.streets.slopes import edge_grades, elevations, slope_ms
from mobility.territory.project import Territory

rasterio = pytest.importorskip("rasterio")


def plane(tmp_path, crs="EPSG:32631"):
    """Write a raster of 20 m cells rising 5 m every 100 m to the east, from x = -200 to 400."""
    path = tmp_path / "dem.tif"
    east = np.arange(30) * 20 + 10 - 200
    grid = np.tile(east * 0.05, (30, 1)).astype(np.float32)
    transform = rasterio.transform.from_origin(X0 - 200, Y0 + 400, 20, 20)
    with rasterio.open(
        path, "w", driver="GTiff", height=30, width=30, count=1, dtype="float32", crs=crs,
        transform=transform,
    ) as raster:  # fmt: skip
        raster.write(grid, 1)
    return path


STREETS = streets_of(
    {"a": (0, 0), "b": (100, 0), "c": (0, 100), "far": (0, 5000)},
    [
        ("a", "b"),
        ("b", "a"),
        ("a", "c"),
        ("a", "b", {"bridge": "yes"}),
        ("c", "far"),
        ("a", "b", {"tunnel": "no"}),
    ],
)


def test_grades_are_percent_from_u_to_v(tmp_path):
    """5 m up over 100 m to the east: 5 %, -5 % back, 0 to the north, on bridges and outside."""
    grades = edge_grades(STREETS, plane(tmp_path))
    assert grades == pytest.approx([5, -5, 0, 0, 0, 5], abs=1e-3)


def test_a_step_of_a_few_metres_is_no_wall(tmp_path):
    """2 m of street rise 0.1 m: told over 10 m at least, 1 %; 20 m rise 1 m: 5 % as they are."""
    short = streets_of({"a": (0, 0), "b": (2, 0), "c": (22, 0)}, [("a", "b"), ("b", "c")])
    assert edge_grades(short, plane(tmp_path)) == pytest.approx([1, 5], abs=1e-3)


def test_speeds_follow_parkin_and_rotheram():
    """At 21.6 km/h flat: 1.44 km/h less per percent up, 0.86 more per percent down."""
    flat = np.full(6, 6.0)
    kmh = slope_ms(flat, np.array([0, 5, -5, 12, -12, np.nan]), 1.25, assisted=False) * 3.6
    assert kmh == pytest.approx([21.6, 14.4, 25.9, 4.5, 27.0, 21.6], abs=0.2)
    assert slope_ms(flat, np.full(6, 5.0), 1.25, assisted=True)[0] > 5.0


def test_nobody_rides_slower_than_pushing_nor_pushes_faster_for_a_slope():
    assert slope_ms(np.array([5.0, 1.0]), np.array([12.0, 12.0]), 1.5, assisted=False).tolist() == [
        1.5, 1.0,
    ]  # fmt: skip


def test_up_takes_longer_than_down_for_bicycles_only(tmp_path):
    grades = edge_grades(STREETS, plane(tmp_path))
    uv, vu = edge_times(STREETS, "bike", METRE_A_SECOND, grades=grades)
    assert uv[0] == pytest.approx(20 / (1 - 7.2 / 21.6), rel=1e-4)
    assert vu[0] == pytest.approx(20 / (1 + 4.3 / 21.6), rel=1e-4)
    assert (uv[1], vu[1]) == (vu[0], uv[0])
    walk = edge_times(STREETS, "walk", METRE_A_SECOND, grades=grades)
    np.testing.assert_array_equal(walk, edge_times(STREETS, "walk", METRE_A_SECOND))


def test_rasters_that_cannot_be_used(tmp_path):
    with pytest.raises(SourceNotFoundError):
        edge_grades(STREETS, tmp_path / "none.tif")
    bad = tmp_path / "bad.tif"
    bad.write_text("no raster")
    with pytest.raises(SourceError, match="raster"):
        edge_grades(STREETS, bad)
    with pytest.raises(SourceError, match="coordinate reference system"):
        edge_grades(STREETS, plane(tmp_path, crs=None))


def test_without_rasterio_the_error_says_what_to_do(tmp_path, monkeypatch):
    path = plane(tmp_path)
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "rasterio":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SourceError, match="rasterio") as caught:
        edge_grades(STREETS, path)
    assert "Install rasterio" in caught.value.mend


def raster_of(tmp_path, grid, *, scale=1.0, offset=0.0, unit=None, nodata=None, crs="EPSG:32631"):
    path = tmp_path / "dem.tif"
    transform = rasterio.transform.from_origin(X0 - 200, Y0 + 400, 20, 20)
    with rasterio.open(
        path, "w", driver="GTiff", height=30, width=30, count=1, dtype=grid.dtype, crs=crs,
        transform=transform, nodata=nodata,
    ) as raster:  # fmt: skip
        raster.write(grid, 1)
        raster.scales, raster.offsets = (scale,), (offset,)
        if unit:
            raster.units = (unit,)
    return path


#: Metres along the raster: 5 m up every 100 m to the east.
RISE_M = np.tile((np.arange(30) * 20 + 10 - 200) * 0.05, (30, 1))


@pytest.mark.parametrize(
    ("grid", "how"),
    [
        (((RISE_M + 100) * 10).astype(np.int16), {"scale": 0.1, "offset": -100.0}),
        ((RISE_M / 0.3048).astype(np.float32), {"unit": "ft"}),
        ((RISE_M * 3937 / 1200).astype(np.float32), {"unit": "US survey foot"}),
        ((RISE_M * 100).astype(np.float32), {"unit": "cm"}),
        ((RISE_M * 10).astype(np.float32), {"unit": "dm"}),
        (RISE_M.astype(np.float32), {"unit": "metre"}),
        (RISE_M.astype(np.float32), {}),
    ],
)
def test_scale_offset_and_unit_are_heeded(tmp_path, grid, how):
    grades = edge_grades(STREETS, raster_of(tmp_path, grid, **how))
    assert grades[:3] == pytest.approx([5, -5, 0], abs=0.02)


def test_what_is_no_raster_of_heights_is_refused(tmp_path):
    """A picture of heights in three colours; a unit nobody knows."""
    path = tmp_path / "picture.tif"
    with rasterio.open(
        path, "w", driver="GTiff", height=30, width=30, count=3, dtype="uint8", crs="EPSG:32631",
        transform=rasterio.transform.from_origin(X0 - 200, Y0 + 400, 20, 20),
    ) as raster:  # fmt: skip
        raster.write(np.zeros((3, 30, 30), np.uint8))
    with pytest.raises(SourceError, match="3 bands"):
        edge_grades(STREETS, path)
    with rasterio.open(
        path, "w", driver="GTiff", height=30, width=30, count=1, dtype="uint8", crs="EPSG:32631",
        transform=rasterio.transform.from_origin(X0 - 200, Y0 + 400, 20, 20),
    ) as raster:  # fmt: skip
        raster.write(np.zeros((30, 30), np.uint8), 1)
        raster.write_colormap(1, {0: (255, 0, 0, 255)})
    with pytest.raises(SourceError, match="a picture of colours"):
        edge_grades(STREETS, path)
    with pytest.raises(SourceError, match="'toises'"):
        edge_grades(STREETS, raster_of(tmp_path, RISE_M.astype(np.float32), unit="toises"))


@pytest.mark.parametrize(
    ("void", "nodata", "scale"),
    [
        (-32768, None, 1), (-9999, None, 1), (9999, None, 1), (-1, -1, 1), (np.nan, None, 1),
        (np.nan, np.nan, 1),
        # Heights that could be, once scaled.
        (-9999, None, 0.01), (32767, None, 0.1), (65535, None, 0.1),
    ],
)  # fmt: skip
def test_voids_are_no_heights_and_are_counted(tmp_path, void, nodata, scale):
    """Everything east of x = 60 is void: of four nodes b has no height, and far is outside."""
    grid = ((RISE_M + 100) / scale).astype(np.float32)
    grid[:, 13:] = void
    path = raster_of(tmp_path, grid, nodata=nodata, scale=scale)
    assert edge_grades(STREETS, path).tolist() == [0] * 6
    heights = elevations(STREETS, path)
    assert np.isnan(heights).tolist() == [False, True, False, True]
    data = {"name": "t", "sources": {"homes": {"file": "h.csv"}, "elevation": str(path)}}
    ledger = []
    (told,) = heights_findings(Territory.from_dict(data), STREETS, ledger)
    (account,) = ledger
    assert account.read == STREETS.n_nodes
    assert account.left_out == {"no height there": told.count}
    assert (told.count, told.params["total"], told.severity) == (2, 4, "warning")
    assert "2 des 4" in told.render("fr")
