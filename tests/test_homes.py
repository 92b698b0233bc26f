import math
import zipfile
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from mobility.base.errors import MobilityError, SourceError, SourceNotFoundError
from mobility.commute.sources import street_points
from mobility.sources.homes.grid import cell_boxes
from mobility.sources.homes.read import add_overlay_group, read_homes
from mobility.sources.homes.spread import allocate, land_cells
from mobility.sources.osm.reader import read_osm
from mobility.territory.project import Site, Territory

DATA = Path(__file__).parents[1].parent / "shared" / "data"
real = pytest.mark.real
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is absent")


def read(tmp_path, content=None, name="homes.csv", *, land=None, sites=(), bbox=None, **source):
    """Read homes of a file with this content (text, bytes or a frame)."""
    path = tmp_path / name
    if isinstance(content, str):
        path.write_text(content, encoding="utf-8")
    elif isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        content.to_file(path)
    data = {"name": "t", "sources": {"homes": {"file": name, **source}}}
    territory = Territory.from_dict(data, tmp_path / "territory.toml")
    homes = territory.sources.homes
    return read_homes(homes, territory, land=land, sites=sites, bbox=bbox)


def refused(tmp_path, *args, **kwargs):
    with pytest.raises(MobilityError) as caught:
        read(tmp_path, *args, **kwargs)
    error = caught.value
    assert error.mend
    assert error.render("fr") != error.render("en")
    return error


def codes(homes):
    return [f.code for f in homes.findings]


PLAIN = "id,name,lon,lat,workers\na,Ici,3.87,43.61,12\nb,Là,3.88,43.62,7.5\n"


def test_points_of_a_csv(tmp_path):
    homes = read(tmp_path, PLAIN)
    assert list(homes.frame["home_id"]) == ["a", "b"]
    assert list(homes.frame["name"]) == ["Ici", "Là"]
    assert homes.workers.tolist() == [12, 7.5]
    assert homes.lonlat.tolist() == [[3.87, 43.61], [3.88, 43.62]]
    assert homes.cells is None
    assert homes.pool is None
    assert homes.frame.crs.to_epsg() == 4326


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_a_french_spreadsheet_export_is_read_as_it_is(tmp_path, encoding):
    text = "identité;Nom;Longitude;Latitude;Effectif\r\n1;Béziers;3,87;43,61;1 250,5\r\n"
    homes = read(tmp_path, text.encode(encoding), id="identite")
    assert homes.frame["name"].iloc[0] == "Béziers"
    assert homes.workers[0] == 1250.5
    assert homes.lonlat.tolist() == [[3.87, 43.61]]


def test_rows_without_ids_are_numbered_and_blank_lines_passed_over(tmp_path):
    homes = read(tmp_path, "lon,lat,workers\n3.87,43.61,10\n\n3.88,43.61,20\n")
    assert list(homes.frame["home_id"]) == ["2", "4"]


def test_coordinates_in_a_projected_system(tmp_path):
    homes = read(tmp_path, "x;y;workers\n770000;6280000;3\n", crs="EPSG:2154")
    expected = gpd.GeoSeries(gpd.points_from_xy([770000], [6280000]), crs=2154).to_crs(4326)
    assert np.allclose(homes.lonlat[0], [expected.x[0], expected.y[0]])


def test_cells_are_squares_of_cell_m_metres(tmp_path):
    homes = read(tmp_path, PLAIN, kind="cells", cell_m=200)
    areas = homes.cells.to_crs(homes.cells.estimate_utm_crs()).area
    assert np.allclose(areas, 40_000, rtol=1e-6)
    assert homes.cells.contains(homes.frame.geometry).all()


def test_groups_are_columns_scaled_with_the_workers(tmp_path):
    text = "lon,lat,workers,no_car\n3.87,43.61,10,4\n3.88,43.61,20,0\n"
    homes = read(tmp_path, text, groups=["no_car"], workers_share=0.5)
    assert homes.groups == ("no_car",)
    assert homes.workers.tolist() == [5, 10]
    assert homes.frame["no_car"].tolist() == [2, 0]


def test_a_group_larger_than_the_workers_is_said(tmp_path):
    homes = read(tmp_path, "lon,lat,workers,qpv\n3.8,43.6,10,40\n", groups=["qpv"])
    assert codes(homes) == ["group_exceeds_workers"]


FEW = "lon,lat,workers\n" + "3.8,43.6,1\n3.81,43.61,2\n" * 20 + "3.9,43.6,9\n"


def test_rows_of_one_or_two_workers_are_taken_for_persons(tmp_path):
    homes = read(tmp_path, FEW)
    assert (homes.personal, homes.decided) == (True, "small_counts")
    assert "homes_taken_as_personal" in codes(homes)
    homes = read(tmp_path, FEW, personal=False)
    assert (homes.personal, homes.decided) == (False, "stated")
    assert homes.workers.sum() == 69
    assert not codes(homes)


def test_any_homes_are_protected_where_the_territory_says_they_are_persons(tmp_path):
    homes = read(tmp_path, PLAIN, personal=True)
    assert (homes.personal, homes.decided, homes.pool) == (True, "stated", None)
    assert not set(homes.frame["name"]) & {"Ici", "Là"}
    assert not read(tmp_path, PLAIN).personal


@pytest.mark.parametrize(
    ("text", "row", "column", "value", "says"),
    [
        (PLAIN.replace("12", "-3"), 2, "workers", "-3", "less than 0"),
        (PLAIN.replace("7.5", "many"), 3, "workers", "many", "no number"),
        (PLAIN.replace("7.5", "NaN"), 3, "workers", "NaN", "no number"),
        (PLAIN.replace("7.5", "1e300"), 3, "workers", "1e300", "more than"),
        (PLAIN.replace("7.5", '"1,234"'), 3, "workers", "1,234", "two ways"),
        ("lon;lat;workers\n3,8;43,6;850\n3,9;43,6;1.200\n", 3, "workers", "1.200", "two ways"),
        (PLAIN.replace("3.88", ""), 3, "lon", None, "empty"),
        (PLAIN.replace("3.88", "388"), 3, "lon, lat", "388, 43.62", "degrees"),
        (PLAIN.replace("3.88,43.62", "43.62,3.88"), 3, "lon, lat", "43.62, 3.88", "exchanged"),
        (PLAIN.replace("b,Là", "a,Là"), 3, "id", "a", "row 2"),
        (PLAIN.replace("workers", "workrs"), None, "workers", None, "did you mean 'workrs'"),
        (PLAIN.replace("lon", "easting"), None, "lon", None, "id, name, easting, lat, workers"),
        (PLAIN.replace("12", "0").replace("7.5", "0"), None, "workers", None, "no worker"),
        (PLAIN.replace("7.5", "7.5,9"), 3, None, None, "5 columns"),
        (PLAIN.replace("name", "id"), None, "id", None, "same name"),
        ("id,lon,lat,workers\n", None, None, None, "no rows"),
        ("", None, None, None, "no rows"),
    ],
)
def test_each_wrong_field_is_one_clear_error(tmp_path, text, row, column, value, says):
    error = refused(tmp_path, text)
    assert (error.row, error.column, error.value) == (row, column, value)
    assert error.file.endswith("homes.csv")
    assert says in str(error)


@pytest.mark.parametrize(
    ("counts", "total"),
    [(("1.25", "850"), 851.25), (("1.250", "2.500"), 3.75), (("1 200", "850"), 2050)],
)
def test_points_among_commas_are_decimal_where_nothing_speaks_against_it(tmp_path, counts, total):
    rows = "".join(f"3,8{k};43,6;{n}\n" for k, n in enumerate(counts))
    assert read(tmp_path, f"lon;lat;workers\n{rows}").workers.sum() == total


def test_a_study_outside_europe_has_no_exchanged_coordinates(tmp_path):
    (tmp_path / "homes.csv").write_text("lon,lat,workers\n45.3,2.05,10\n")
    data = {
        "name": "t",
        "timezone": "Africa/Mogadishu",
        "sources": {"homes": {"file": "homes.csv"}},
    }
    territory = Territory.from_dict(data, tmp_path / "t.toml")
    assert len(read_homes(territory.sources.homes, territory)) == 1


def test_a_missing_file_names_its_neighbour(tmp_path):
    (tmp_path / "homes.csv").write_text(PLAIN)
    with pytest.raises(SourceNotFoundError, match=r"did you mean 'homes\.csv'"):
        read(tmp_path, name="home.csv")


def test_a_folder_a_workbook_and_a_binary_are_refused(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    assert "folder" in str(refused(tmp_path, name="folder.csv"))
    assert "CSV" in str(refused(tmp_path, b"PK\x03\x04", name="homes.xlsx"))
    assert "no text" in str(refused(tmp_path, b"a\0b", name="b.csv"))
    assert "no kind that is read" in str(refused(tmp_path, b"nonsense", name="b.gpkg"))


def layer(geometry, crs=4326, **columns):
    return gpd.GeoDataFrame(columns, geometry=geometry, crs=crs)


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_a_layer_without_crs_is_refused_with_its_mend(tmp_path):
    points = layer(gpd.points_from_xy([770000.0], [6280000.0]), None, workers=[3])
    error = refused(tmp_path, points, name="homes.shp")
    assert 'crs = "EPSG:2154"' in str(error)
    homes = read(tmp_path, name="homes.shp", crs="EPSG:2154")
    assert 3 < homes.lonlat[0, 0] < 5
    assert "no coordinate reference system" in str(
        refused(tmp_path, name="homes.shp", crs="EPSG:1")
    )


def test_missing_geometry_lines_and_several_layers(tmp_path):
    points = layer([shapely.Point(3, 43), None], workers=[1, 2])
    assert refused(tmp_path, points, name="a.gpkg").row == 2
    lines = layer([shapely.LineString([(3, 43), (3.1, 43)])], workers=[1])
    assert "line" in str(refused(tmp_path, lines, name="b.gpkg"))
    good = layer([shapely.Point(3, 43)], workers=[9])
    good.to_file(tmp_path / "c.gpkg", layer="north")
    good.to_file(tmp_path / "c.gpkg", layer="south")
    assert "north, south" in str(refused(tmp_path, name="c.gpkg"))
    assert "no layer 'east'" in str(refused(tmp_path, name="c.gpkg", layer="east"))
    assert read(tmp_path, name="c.gpkg", layer="south").workers.tolist() == [9]


def test_a_layer_of_a_csv_is_refused(tmp_path):
    (tmp_path / "homes.csv").write_text("lon,lat,workers\n3,43,9\n", encoding="utf-8")
    assert read(tmp_path).workers.tolist() == [9]
    assert "there is no 'south'" in str(refused(tmp_path, layer="south"))


def test_polygons_are_cells_with_a_point_inside_and_broken_ones_are_mended(tmp_path):
    u = shapely.Polygon([(0, 0), (9, 0), (9, 9), (6, 9), (6, 1), (3, 1), (3, 9), (0, 9)])
    bow = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
    shapes = [shapely.affinity.translate(s, 20 * k, 0) for k, s in enumerate((u, bow))]
    shapes = [shapely.affinity.scale(s, 50, 50, origin=(0, 0)) for s in shapes]
    moved = [shapely.affinity.translate(s, 770000, 6280000) for s in shapes]
    homes = read(tmp_path, layer(moved, 2154, workers=[4, 5]), name="cells.gpkg")
    assert homes.cells.is_valid.all()
    assert homes.cells.intersects(homes.frame.geometry).all()


# --- INSEE grid -------------------------------------------------------------------------------

GRID = (
    "idcar_200m,idcar_1km,ind,ind_18_24,ind_25_39,ind_40_54,ind_55_64,men_pauv,i_est_200,lcog_geo\n"
    "CRS3035RES200mN2304000E3758800,CRS3035RES1000mN2304000E3758000,40,4,8,8,4,3,0,34172\n"
    "CRS3035RES200mN2304200E3758800,CRS3035RES1000mN2304000E3758000,10.5,1,2,2,1,0,1,34172\n"
)


def test_insee_cells_are_decoded_to_squares(tmp_path):
    homes = read(tmp_path, GRID, kind="insee_grid", workers="ind", groups=["men_pauv"])
    assert homes.workers.tolist() == [40, 10.5]
    assert homes.frame["men_pauv"].tolist() == [3, 0]
    assert list(homes.frame["commune"]) == ["34172", "34172"]
    corners = homes.cells.to_crs(3035).bounds.to_numpy()
    assert np.allclose(corners[0], [3758800, 2304000, 3759000, 2304200], atol=1e-4)
    assert codes(homes) == ["homes_imputed"]


def test_insee_residents_of_working_age_are_the_default(tmp_path):
    homes = read(tmp_path, GRID)
    assert homes.workers.tolist() == [24, 6]
    assert "homes_are_residents" in codes(homes)
    assert read(tmp_path, GRID, workers="ind_18_24+ind_25_39").workers.tolist() == [12, 3]


def test_one_kilometre_cells_and_wrong_identifiers(tmp_path):
    text = "id;ind\nCRS3035RES1000mN2304000E3758000;200\n"
    homes = read(tmp_path, text, kind="insee_grid", id="id")
    assert np.isclose(homes.cells.to_crs(3035).area[0], 1e6)
    error = refused(tmp_path, text + "CRS3035RES200mN23;1\n", kind="insee_grid", id="id")
    assert (error.row, error.value) == (3, "CRS3035RES200mN23")


def test_insee_cells_beyond_the_study_area_are_left_out(tmp_path):
    far = GRID + "CRS3035RES200mN2904000E3758800,x,99,9,9,9,9,0,0,59350\n"
    whole = read(tmp_path, far, workers="ind")
    west, south, east, north = whole.cells.iloc[:2].total_bounds
    assert read(tmp_path, far, workers="ind", bbox=(west, south, east, north)).workers.sum() == 50.5
    assert "study area" in str(refused(tmp_path, far, bbox=(0, 40, 0.1, 40.1)))


# --- communes and dasymetric spreading --------------------------------------------------------


def squares(*lower_left, side=1000.0):
    return [shapely.box(x, y, x + side, y + side) for x, y in lower_left]


def test_workers_are_spread_by_residential_area():
    """Two zones of 1 km; land in three squares of 200 m of the first, none in the second.

    Areas 40 000, 20 000 and 20 000 m2 share 10 workers as 5, 2.5, 2.5: 5 + 2 or 3 each.
    """
    zones = gpd.GeoSeries(squares((700_000, 6_600_000), (701_000, 6_600_000)), crs=2154)
    land = layer(
        [
            shapely.box(700_000, 6_600_000, 700_200, 6_600_200),
            shapely.box(700_400, 6_600_100, 700_600, 6_600_200),
            shapely.box(700_400, 6_600_400, 700_500, 6_600_600),
        ],
        2154,
    )
    cells = land_cells(zones, land, crs=zones.crs, cell_m=200.0)
    assert cells.zone.tolist() == [0, 0, 0, 1]
    assert sorted(cells.weight[:3]) == pytest.approx([20_000, 20_000, 40_000])
    assert cells.fallback.tolist() == [1]
    workers = allocate(np.array([10.0, 3.0]), cells)
    assert workers[:3].sum() == 10
    assert workers[np.argmax(cells.weight)] == 5
    assert sorted(workers[:3]) in ([2, 3, 5], [2.0, 3.0, 5.0])
    assert workers[3] == 3
    half = allocate(np.array([0.1, 0.7]), cells)
    assert math.fsum(half[:3]) == 0.1
    assert half[np.argmax(cells.weight[:3])] == pytest.approx(0.05)


def test_overlapping_land_counts_once_and_land_is_cut_by_the_border():
    zones = gpd.GeoSeries(squares((700_000, 6_600_000), (701_000, 6_600_000)), crs=2154)
    across = shapely.box(700_900, 6_600_000, 701_300, 6_600_100)
    land = layer([across, across], 2154)
    cells = land_cells(zones, land, crs=zones.crs, cell_m=200.0)
    by_zone = [cells.weight[cells.zone == z].sum() for z in (0, 1)]
    assert by_zone == pytest.approx([10_000, 30_000])


def test_thin_totals_are_spread_evenly_not_heaped():
    zones = gpd.GeoSeries(squares((700_000, 6_600_000), side=4000.0), crs=2154)
    land = layer(list(zones), 2154)
    cells = land_cells(zones, land, crs=zones.crs, cell_m=200.0)
    workers = allocate(np.array([40.0]), cells)
    assert len(cells.zone) == 400
    assert workers.sum() == 40
    assert workers.max() == 1
    quarters = (cells.xy > [702_000, 6_602_000]) @ [1, 2]
    assert np.bincount(quarters, weights=workers).tolist() == [10, 10, 10, 10]


def test_buildings_weigh_their_ground_area():
    zones = gpd.GeoSeries(squares((700_000, 6_600_000)), crs=2154)
    points = gpd.points_from_xy([700_050, 700_950], [6_600_050, 6_600_950])
    cells = land_cells(zones, layer(points, 2154, area_m2=[300.0, 100.0]), crs=2154, cell_m=200.0)
    assert sorted(allocate(np.array([8.0]), cells)) == [2, 6]


def test_a_grid_too_fine_is_refused():
    zones = gpd.GeoSeries(squares((700_000, 6_600_000), side=4000.0), crs=2154)
    with pytest.raises(SourceError, match="larger cell_m"):
        land_cells(zones, layer(list(zones), 2154), crs=zones.crs, cell_m=0.5)


def communes(tmp_path):
    shapes = squares((700_000, 6_600_000), (702_000, 6_600_000), side=2000.0)
    frame = layer(shapes, 2154, code=["01001", "34002"], nom=["Ain", "Hérault"])
    frame.to_file(tmp_path / "communes.gpkg")
    return frame


def test_communes_of_a_table_are_joined_and_lost_zeros_found(tmp_path):
    communes(tmp_path)
    text = "code;workers\n1001;50\n34002;70\n34999;5\n"
    homes = read(tmp_path, text, kind="communes", zones="communes.gpkg", zones_id="code")
    assert dict(zip(homes.frame["name"], homes.workers, strict=True)) == {"Ain": 50, "Hérault": 70}
    assert codes(homes) == ["homes_without_zone", "homes_at_points"]


def test_communes_of_another_table_are_refused(tmp_path):
    communes(tmp_path)
    error = refused(tmp_path, "code;workers\n7;5\n", kind="communes", zones="communes.gpkg")
    assert "communes.gpkg" in str(error)
    assert "zones" in str(refused(tmp_path, "code;workers\n7;5\n", kind="communes"))


def test_wide_polygons_are_communes_and_are_spread(tmp_path):
    frame = communes(tmp_path).assign(workers=[50, 70], qpv=[10, 0])
    land = layer([shapely.box(700_100, 6_600_100, 701_900, 6_601_900)], 2154)
    homes = read(tmp_path, frame, name="w.gpkg", land=land, groups=["qpv"])
    sums = homes.frame.groupby("commune")[["workers", "qpv"]].sum()
    assert sums.loc["Ain"].tolist() == [50, 10]
    assert sums.loc["Hérault"].tolist() == [70, 0]
    assert (homes.frame["qpv"] <= homes.frame["workers"]).all()
    assert homes.frame["home_id"].is_unique
    assert codes(homes) == ["zones_without_land"]
    assert len(homes) > 40


def test_communes_beyond_the_study_area_are_left_out(tmp_path):
    frame = communes(tmp_path).assign(workers=[50, 70])
    box = tuple(frame.iloc[[0]].buffer(-200).to_crs(4326).total_bounds)
    homes = read(tmp_path, frame, name="w.gpkg", bbox=box)
    assert list(homes.frame["name"]) == ["Ain"]
    assert "zones_cut" in codes(homes)


# --- flows ------------------------------------------------------------------------------------

FLOWS = (
    "COMMUNE;DCLT;IPONDI;TRANS;VOIT\n"
    "01001;34172;2,5;5;1\n01001;34172;1,5;6;0\n34002;34172;3;1;0\n34002;75056;8;6;2\n"
)


def test_flows_add_up_weights_by_commune_of_residence(tmp_path):
    communes(tmp_path)
    homes = read(
        tmp_path,
        FLOWS,
        kind="flows",
        zones="communes.gpkg",
        work_commune=["34172"],
        groups=["no_car=VOIT:0", "TRANS"],
    )
    rows = homes.frame.set_index("name")
    assert rows["workers"].to_dict() == {"Ain": 4.0, "Hérault": 3.0}
    assert rows["no_car"].to_dict() == {"Ain": 1.5, "Hérault": 3.0}
    assert homes.groups == ("no_car", "TRANS 1", "TRANS 5", "TRANS 6")
    assert rows["TRANS 6"].to_dict() == {"Ain": 1.5, "Hérault": 0.0}
    assert "flows_few" in codes(homes)


def test_flows_to_an_unknown_commune_and_without_choice(tmp_path):
    communes(tmp_path)
    error = refused(tmp_path, FLOWS, kind="flows", zones="communes.gpkg", work_commune=["1"])
    assert error.column == "DCLT"
    assert "flows_all_work_places" in codes(
        read(tmp_path, FLOWS, kind="flows", zones="communes.gpkg")
    )


# --- employees --------------------------------------------------------------------------------

SITES = (
    Site(name="Usine A", gates=[(3.9, 43.6)], rosters=["3x8", "day"]),
    Site(name="Usine B", gates=[(3.9, 43.6)], rosters=["2x8"]),
)
STAFF = (
    "nom;lon;lat;site;équipe;sans_voiture\n"
    "Alice Martin;3,876511;43,611392;Usine A;3x8;oui\n"
    "Bruno Petit;3,876513;43,611394;usine a;3×8;non\n"
    "Chloé Roux;3,976511;43,611392;Usine B;;non\n"
)
STAFF += "".join(STAFF.splitlines(keepends=True)[1:]) * 19


def test_an_employee_file_is_protected(tmp_path):
    homes = read(tmp_path, STAFF, kind="employees", sites=SITES, groups=["sans_voiture"])
    assert (homes.personal, homes.decided) == (True, "employees")
    totals = homes.pool.groupby(["site", "roster"])["workers"].sum()
    assert totals["Usine A", "3x8"] == pytest.approx(40, abs=12)
    assert totals["Usine B", ""] == pytest.approx(20, abs=12)
    by_home = homes.pool.groupby("home")[["workers", "sans_voiture"]].sum()
    assert np.allclose(by_home["workers"], homes.workers)
    assert np.allclose(by_home["sans_voiture"], homes.frame["sans_voiture"])
    assert (homes.pool["sans_voiture"] <= homes.pool["workers"] + 1e-9).all()
    assert "Alice" not in homes.frame.to_string() + str(homes.findings)
    assert "876511" not in homes.frame.to_json() + homes.cells.to_json() + homes.pool.to_json()


def test_employees_without_a_roster_count_for_every_one_and_that_is_told(tmp_path):
    bare = "".join(";".join(row.split(";")[:4]) + "\n" for row in STAFF.splitlines())
    homes = read(tmp_path, bare, kind="employees", sites=SITES)
    assert set(homes.pool["roster"]) == {""}
    totals = homes.pool.groupby("site")["workers"].sum()
    assert totals["Usine A"] == pytest.approx(40, abs=12)
    (told,) = (f for f in homes.findings if f.code == "employees_without_roster")
    assert told.examples == ("Usine A",)
    assert "employees_without_roster" not in codes(read(tmp_path, STAFF, kind="employees",
                                                        sites=SITES))  # fmt: skip


@pytest.mark.parametrize("blank", [30, 1, 0])
def test_blank_rosters_are_told_by_protected_counts(tmp_path, blank):
    first = STAFF.splitlines()[1]
    more = [first.replace("3x8", "" if k < blank else "day") for k in range(40)]
    homes = read(tmp_path, STAFF + "\n".join(more), kind="employees", sites=SITES)
    told = [(f.count, f.examples, f.render("en")) for f in homes.findings
            if f.code == "rosters_blank"]  # fmt: skip
    # Where a site has one roster, who tells none is of that one: the 20 of Usine B.
    if blank == 0:
        assert told == []
        return
    ((count, examples, text),) = told
    if blank == 30:
        blanks = homes.pool[homes.pool["roster"] == ""].groupby("site")["workers"].sum()
        assert count == round(blanks["Usine A"]) == pytest.approx(30, abs=12)
        assert examples == (f"Usine A {count}",)
    else:
        assert (count, examples) == (0, ())
        assert "fewer than some 10 at each site" in text


@pytest.mark.parametrize(
    ("again", "numbered", "low", "high"),
    [
        (60, True, 48, 72),
        *((few, True, 5, 13) for few in (1, 2, 3, 4)),
        (0, True, 0, 0),
        (60, False, 0, 0),
    ],
)
def test_rows_that_repeat_a_person_are_told_by_a_protected_count(
    tmp_path, again, numbered, low, high
):
    head, *rows = STAFF.splitlines()
    rows = [f"{k if numbered else ''};{row.partition(';')[2]}" for k, row in enumerate(rows)]
    text = "\n".join([head, *rows, *rows[:again]])
    homes = read(tmp_path, text, kind="employees", sites=SITES)
    # Without numbers or names, persons of one house and roster are alike.
    told = [f.count for f in homes.findings if f.code == "employees_twice"]
    assert len(told) == (high > 0)
    assert all(low <= count <= high for count in told)


def test_employees_taken_for_homes_are_known_by_their_site(tmp_path):
    error = refused(tmp_path, STAFF)
    assert (error.column, error.value) == ("site", None)
    assert "file of employees" in error.render("en")
    assert "drop it on Employees" in error.render("en")
    # A column of workers, or a name for it, is what was meant.
    head, *rows = STAFF.splitlines()
    counted = "\n".join([f"{head};salariés", *(f"{row};9" for row in rows)])
    assert len(read(tmp_path, counted)) == 60
    assert "effectif" in refused(tmp_path, STAFF, workers="effectif").render("en")


def test_too_few_employees_are_refused(tmp_path):
    text = "".join(STAFF.splitlines(keepends=True)[:4])
    assert refused(tmp_path, text, kind="employees", sites=SITES).value is None


def test_a_file_of_employees_cannot_be_called_public(tmp_path):
    error = refused(tmp_path, STAFF, kind="employees", personal=False)
    assert "personal" in error.column


@pytest.mark.parametrize(
    ("change", "column", "hidden"),
    [
        (("43,611392;Usine A", "x43;Usine A"), "lat", True),
        (("43,611392;Usine A", "143;Usine A"), "lon, lat", True),
        (("usine a", "Usine Z"), "site", False),
        (("3×8", "5x8"), "équipe", False),
        (("Usine A;3x8;oui", "Usine A;3x8;peut-être"), "sans_voiture", True),
    ],
)
def test_errors_about_employees_name_the_row_not_the_person(tmp_path, change, column, hidden):
    text = STAFF.replace(*change, 1)
    error = refused(tmp_path, text, kind="employees", sites=SITES, groups=["sans_voiture"])
    assert error.column == column
    assert error.row in {2, 3}
    assert (error.value is None) is hidden
    said = str(error).replace(str(tmp_path), "")  # its number may hold any digits
    assert "43" not in said.replace('"EPSG:4326"', "").replace("(EPSG:4326)", "")


def test_employees_by_commune_are_spread_team_by_team(tmp_path):
    frame = communes(tmp_path)
    text = "commune;site;équipe\n" + "01001;Usine A;3x8\n" * 30 + "Hérault;Usine B;2x8\n" * 12
    land = layer(list(frame.buffer(-300)), 2154)
    homes = read(tmp_path, text, kind="employees", zones="communes.gpkg", land=land, sites=SITES)
    pool = homes.pool.groupby(["site", "roster"])["workers"].sum()
    assert pool["Usine A", "3x8"] == pytest.approx(30, abs=12)
    total = homes.pool.groupby("home")["workers"].sum()
    assert np.allclose(total, homes.workers)
    assert set(homes.frame["commune"]) <= set(frame["nom"])
    error = refused(
        tmp_path, text.replace("Hérault", "Gard", 1), kind="employees", zones="communes.gpkg"
    )
    assert error.row == 32
    assert "Gard" not in str(error)


# --- overlays ---------------------------------------------------------------------------------


def test_an_overlay_group_takes_the_share_of_each_cell(tmp_path):
    text = "lon,lat,workers\n3.87,43.61,10\n3.95,43.61,8\n"
    homes = read(tmp_path, text, kind="cells")
    cell = homes.cells.iloc[0]
    west, south, east, north = cell.bounds
    half = shapely.box(west - 1e-3, south - 1e-3, (west + east) / 2, north + 1e-3)
    layer([half, half]).to_file(tmp_path / "qpv.geojson")
    homes = read(tmp_path, text, kind="cells", groups=["QPV=qpv.geojson"])
    assert homes.groups == ("QPV",)
    assert homes.frame["QPV"].tolist() == pytest.approx([5, 0], rel=2e-2)
    points = read(tmp_path, text)
    inside = add_overlay_group(points, "q", layer([shapely.Point(3.95, 43.61).buffer(0.01)]))
    assert inside.frame["q"].tolist() == [0, 8]


def test_overlays_that_are_missing_or_elsewhere(tmp_path):
    assert "does not exist" in str(refused(tmp_path, PLAIN, groups=["QPV=qpv.geojson"]))
    layer([shapely.box(0, 0, 1, 1)]).to_file(tmp_path / "qpv.geojson")
    assert "group_empty" in codes(read(tmp_path, PLAIN, groups=["QPV=qpv.geojson"]))
    assert "flow tables only" in str(refused(tmp_path, PLAIN, groups=["q=VOIT:0"]))
    assert "name" in str(refused(tmp_path, PLAIN, groups=["workers"]))


# --- real layers ------------------------------------------------------------------------------


@real
@needs_data
def test_the_communes_of_herault_are_spread_exactly(tmp_path):
    zones = DATA / "communes" / "communes-34-herault.geojson"
    polygons = gpd.read_file(zones)
    land = layer(polygons.representative_point().to_crs(2154).buffer(500), 2154)
    source = {
        "file": str(DATA / "communes" / "population.csv"),
        "workers": "population",
        "zones": str(zones),
    }
    data = {"name": "t", "sources": {"homes": source}}
    territory = Territory.from_dict(data, tmp_path / "t.toml")
    homes = read_homes(territory.sources.homes, territory, land=land)
    known = pd.read_csv(source["file"], dtype={"code": str}).set_index("code")["population"]
    spread = (
        homes.frame.assign(code=homes.frame["home_id"].str[:5]).groupby("code")["workers"].sum()
    )
    assert len(spread) > 330
    assert (spread == known.reindex(spread.index)).all()


@real
@needs_data
def test_workers_of_malta_live_on_its_residential_land(tmp_path):
    """The extract's land-use polygons overlap and cross themselves, as real ones do."""
    land = read_osm(DATA / "malta" / "streets.osm.pbf").background["residential"]
    assert not land.is_valid.all()
    west, south, east, north = land.total_bounds
    middle = (west + east) / 2
    halves = [shapely.box(west, south, middle, north), shapely.box(middle, south, east, north)]
    zones = layer(halves, code=["w", "e"], workers=[70_001, 120_000])
    homes = read(tmp_path, zones, name="z.gpkg", land=land, kind="communes")
    sums = homes.frame.groupby("commune")["workers"].sum()
    assert sums.to_dict() == {"w": 70_001, "e": 120_000}
    area = gpd.GeoSeries(land.make_valid().to_crs(32633).buffer(30).union_all(), crs=32633)
    inside = homes.frame.to_crs(32633).within(area.iloc[0])
    assert homes.workers[inside].sum() > 0.9 * 190_001


@real
@needs_data
def test_the_sub_districts_of_montpellier(tmp_path):
    folder = DATA / "montpellier"
    source = {
        "file": str(folder / "subdistricts_population.csv"),
        "id": "squartmno",
        "workers": "population_2009",
        "zones": str(folder / "subdistricts.shp"),
        "zones_id": "SQUARTMNO",
    }
    territory = Territory.from_dict({"name": "t", "sources": {"homes": source}}, tmp_path / "t")
    homes = read_homes(territory.sources.homes, territory)
    assert len(homes) == 31
    assert homes.workers.sum() == pd.read_csv(source["file"])["population_2009"].sum()
    west, south, east, north = homes.frame.total_bounds
    assert 3.8 < west < east < 3.95
    assert 43.56 < south < north < 43.66


def test_a_zipped_shapefile_is_a_layer(tmp_path):
    points = layer(gpd.points_from_xy([3.87], [43.61]), workers=[3])
    points.to_file(tmp_path / "homes.shp")
    with zipfile.ZipFile(tmp_path / "homes.zip", "w") as archive:
        for part in tmp_path.glob("homes.*"):
            if part.suffix != ".zip":
                archive.write(part, part.name)
    assert read(tmp_path, name="homes.zip").workers.tolist() == [3]


def test_cell_boxes_are_aligned_to_the_grid():
    assert cell_boxes(np.array([[3, -1]]), 200.0)[0].bounds == (600.0, -200.0, 800.0, 0.0)


@pytest.mark.parametrize(
    ("text", "residents", "side"),
    [
        ("idINSPIRE,Ind\nFR_CRS3035RES200mN2029800E4252400,9\n", 9, 200),
        ("IdINSPIRE;ind_c;men\nCRS3035RES1000mN2029000E4252000;9,5;4\n", 9.5, 1000),
        ("GRD_ID,TOT_P_2018\nCRS3035RES1000mN2029000E4252000,7\n", 7, 1000),
        ("GRD_ID,OBS_VALUE_T\nCRS3035RES1000mN2029000E4252000,7\n", 7, 1000),
        ("GRD_ID,T,M\nCRS3035RES1000mN2029000E4252000,7,3\n", 7, 1000),
        ("GRD_ID,TOT_P,CNTR_CODE\n1kmN2029E4252,7,FR\n", 7, 1000),
        ("GRD_ID,POP\n200mN20298E42524,7\n", 7, 200),
    ],
)
def test_grids_of_every_vintage(tmp_path, text, residents, side):
    homes = read(tmp_path, text)
    assert homes.workers.tolist() == [residents]
    assert codes(homes) == ["homes_are_residents"]
    west, south, east, _ = homes.cells.to_crs(3035).iloc[0].bounds
    assert (round(west), round(south)) == (
        (4252400, 2029800) if side == 200 else (4252000, 2029000)
    )
    assert round(east - west) == side


def test_what_eurostat_does_not_publish_counts_as_nobody(tmp_path):
    cell = "CRS3035RES1000mN2029000E{}"
    text = f"GRD_ID,OBS_VALUE_T\n{cell.format(4252000)},7\n{cell.format(4253000)},-9999\n"
    homes = read(tmp_path, text)
    assert homes.workers.tolist() == [7]
    assert codes(homes) == ["cells_unpublished", "homes_are_residents"]
    assert homes.findings[0].count == 1
    text = text.replace("-9999", "-3")
    assert "-3" in refused(tmp_path, text).render("fr")


def test_a_grid_of_households_is_no_count_of_workers(tmp_path):
    error = refused(tmp_path, "id,men\nCRS3035RES1000mN2029000E4252000,9\n", kind="insee_grid")
    assert "id, men" in error.render("fr")


def test_a_layer_of_grid_cells_needs_no_kind(tmp_path):
    frame = gpd.GeoDataFrame(
        {"GRD_ID": ["CRS3035RES1000mN2029000E4252000"], "T": [8]},
        geometry=[shapely.box(4252000, 2029000, 4253000, 2030000)], crs=3035,
    )  # fmt: skip
    assert read(tmp_path, frame, "grid.gpkg").workers.tolist() == [8]


def test_what_is_not_read_of_a_personal_file_is_told_too(tmp_path):
    """A row without a number and a closing sum, as of any other file."""
    rows = [f"{k},{3.87 + k / 1e4},43.6,1" for k in range(40)]
    text = "\n".join(["id,lon,lat,workers", *rows, "x,3.87,43.6,", "Total,,,40"]) + "\n"
    homes = read(tmp_path, text, kind="points")
    assert homes.personal
    (blank,) = [f for f in homes.findings if f.code == "workers_blank"]
    assert (blank.count, blank.examples) == (1, ("42",))
    assert [account.left_out for account in homes.ledger] == [{}, {"a sum of other rows": 1}]
    with pytest.raises(MobilityError, match="0 or less") as caught:
        read(tmp_path, text, kind="points", workers_share=0)
    assert caught.value.column == "sources.homes.workers_share"


def test_a_street_without_length_has_no_points_of_its_own():
    """Two nodes at one place are no line that GEOS parts; the file of employees crashed on it."""
    ptr, xy = np.array([0, 2, 4]), np.array([[0.0, 0.0], [100.0, 0.0], [100.0, 0.0], [100.0, 0.0]])
    points = street_points(SimpleNamespace(geom_ptr=ptr, geom_xy=xy, crs="EPSG:2154"))
    assert points.geometry.x.tolist() == [0.0, 50.0, 100.0]
