"""The search for marked persons finds them wherever they are written."""

import zipfile

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from privacy_trace import assert_no_trace


def test_the_trace_finder_finds_marked_coordinates_everywhere(tmp_path):
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
