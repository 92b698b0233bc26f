"""Excel sheets and projected coordinates are read as a CSV of degrees is."""

import datetime as dt
import io
import zipfile

import geopandas as gpd
import openpyxl
import pyproj
import pytest
import shapely

from mobility.base.errors import SourceError
from mobility.sources.columns import OTHER_LAYER
from mobility.sources.homes.read import read_homes
from mobility.sources.sites import read_sites_file
from mobility.sources.tables import read_table, read_workbook
from mobility.territory.project import Territory

SITES = [
    ["Nom", "Employeur", "Lon", "Lat", "Équipe", "Début", "Fin", "Effectif"],
    ["Usine", "Boulonnerie", -1.38, 46.69, "matin", dt.time(5, 0), dt.time(13, 0), 40.0],
    ["Usine", None, None, None, "soir", "13h00", "21h00", 35],
]


def workbook(path, *sheets):
    """Write sheets of rows: (title, rows) each."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets:
        page = book.create_sheet(title)
        for row in rows:
            page.append(row)
    book.save(path)
    return path


def test_sites_of_a_workbook_are_those_of_its_csv(tmp_path):
    found = read_sites_file(workbook(tmp_path / "sites.xlsx", ("Sites", [[], *SITES])))
    text = "\n".join(
        ";".join("" if v is None else str(v).replace(".", ",") for v in row) for row in SITES
    )
    (tmp_path / "sites.csv").write_text(text.replace(":00:00", ":00"), encoding="utf-8")
    assert found == read_sites_file(tmp_path / "sites.csv")
    (site,) = found
    assert site.gates == [(-1.38, 46.69)]
    assert [(s.start, s.end, s.headcount) for r in site.rosters for s in r.shifts] == [
        (5 * 3600, 13 * 3600, 40),
        (13 * 3600, 21 * 3600, 35),
    ]


def test_a_sheet_is_chosen_by_its_name(tmp_path):
    path = workbook(tmp_path / "s.xlsx", ("Notes", [["a"], ["b"]]), ("Sites", SITES))
    assert read_sites_file(path, layer="Sites")[0].name == "Usine"
    with pytest.raises(SourceError, match="'Shifts'; the layers are: Notes, Sites"):
        read_sites_file(path, layer="Shifts")


def test_an_error_names_the_row_of_the_sheet(tmp_path):
    rows = [*SITES, ["Autre", None, "x", 46.7, "3x8", None, None, 1]]
    with pytest.raises(SourceError, match="row 4, field Lon, value 'x'"):
        read_sites_file(workbook(tmp_path / "s.xlsx", ("S", rows)))


def test_employees_of_a_workbook_are_counted_and_never_quoted(tmp_path):
    head = ["lon", "lat", "site", "équipe"]
    rows = [head, *([-1.43 + k / 1e3, 46.67, "Usine", "3x8"] for k in range(40))]
    workbook(tmp_path / "e.xlsx", ("RH", rows))
    source = {"file": str(tmp_path / "e.xlsx"), "kind": "employees"}
    territory = Territory.from_dict({"name": "t", "sources": {"homes": source}}, tmp_path / "t")
    homes = read_homes(territory.sources.homes, territory)
    assert homes.workers.sum() == pytest.approx(40, abs=15)
    assert homes.personal
    rows[3][0] = "12 rue du Secret"
    workbook(tmp_path / "e.xlsx", ("RH", rows))
    with pytest.raises(SourceError, match="row 4") as caught:
        read_homes(territory.sources.homes, territory)
    assert "Secret" not in caught.value.render("fr")


def test_sites_in_a_projected_system(tmp_path):
    """Lambert 93, decimal commas, as an intercommunalité's spreadsheet gives them."""
    x, y = pyproj.Transformer.from_crs(4326, 2154, always_xy=True).transform(-1.38, 46.69)
    text = f"nom;x;y;équipe;effectif\nUsine;{x:.2f};{y:.2f};3x8;240\n".replace(".", ",")
    (tmp_path / "s.csv").write_text(text, encoding="cp1252")
    (site,) = read_sites_file(tmp_path / "s.csv", crs="EPSG:2154")
    assert site.gates[0] == pytest.approx((-1.38, 46.69), abs=1e-6)
    with pytest.raises(SourceError, match="Write longitude and latitude"):
        read_sites_file(tmp_path / "s.csv")
    data = {
        "name": "t",
        "sources": {"homes": {"file": "h"}, "sites": "s.csv", "sites_crs": "EPSG:2154"},
    }
    assert Territory.from_dict(data).sources.sites_crs == "EPSG:2154"


def bomb():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * (600 << 20))
    return buffer.getvalue()


def entities(path):
    """A workbook whose texts expand without end."""
    workbook(path, ("S", SITES))
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    lol = "".join(f'<!ENTITY l{k} "{f"&l{k - 1};" * 10}">' for k in range(1, 12))
    head = f'<!DOCTYPE worksheet [<!ENTITY l0 "lol">{lol}]>'.encode()
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = head + parts[sheet].replace(b"Usine", b"&l11;")
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)


@pytest.mark.parametrize("kind", ["bomb", "entities", "nonsense", "empty", "header only"])
def test_a_workbook_that_cannot_be_read_is_one_error(tmp_path, kind):
    path = tmp_path / "s.xlsx"
    if kind == "bomb":
        path.write_bytes(bomb())
    elif kind == "entities":
        entities(path)
    elif kind == "nonsense":
        path.write_bytes(b"PK\x03\x04 no workbook")
    else:
        workbook(path, ("S", SITES[:1] if kind == "header only" else []))
    with pytest.raises(SourceError) as caught:
        read_workbook(path)
    assert caught.value.mend
    assert caught.value.render("fr") != caught.value.render("en")


def test_other_workbooks_say_what_to_save(tmp_path):
    (tmp_path / "s.ods").write_bytes(b"PK")
    with pytest.raises(SourceError, match=r"\.xlsx"):
        read_sites_file(tmp_path / "s.ods")


def test_rows_are_those_the_spreadsheet_shows(tmp_path):
    """Blank rows above and among the rows count, as Excel counts them."""
    rows = [[None] * 8, *SITES, [None] * 8, ["Autre", None, "x", 46.7, "3x8", None, None, 1]]
    with pytest.raises(SourceError) as caught:
        read_sites_file(workbook(tmp_path / "s.xlsx", ("S", rows)))
    assert caught.value.row == len(rows)
    assert f"ligne {len(rows)}" in caught.value.render("fr")


@pytest.mark.parametrize(
    ("start", "end", "clocks"),
    [
        (dt.time(21), dt.datetime(1900, 1, 1, 5), (21, 5)),
        (dt.time(21), dt.timedelta(hours=29), (21, 5)),
        (dt.time(16), dt.datetime(1900, 1, 1), (16, 0)),
        (dt.datetime(1904, 1, 1, 21), dt.datetime(1904, 1, 2, 5), (21, 5)),
        (dt.datetime(2026, 11, 17, 21), dt.datetime(2026, 11, 18, 5), (21, 5)),
        (0.875, 0.20833333333333334, (21, 5)),
        (21, 5, (21, 5)),
        (2100, 500, (21, 5)),
        ("21h", "5 h 00", (21, 5)),
        ("21h00", "29:00", (21, 5)),
        ("21:00:00", "24:00", (21, 24)),
        ("16h", "24h", (16, 24)),
        ("16:30", "24:30", (16.5, 0.5)),
        (dt.time(4, 59, 59, 999_000), "midi", (5, 12)),
        ("12h", "minuit", (12, 0)),
        ("5:00 AM", "1 pm", (5, 13)),
        ("12:00 a.m.", "12:00 PM", (0, 12)),
    ],
)
def test_clock_times_however_a_sheet_holds_them(tmp_path, start, end, clocks):
    rows = [SITES[0], ["Usine", "", -1.38, 46.69, "r", start, end, 40]]
    (site,) = read_sites_file(workbook(tmp_path / "sites.xlsx", ("Sites", rows)))
    (shift,) = site.rosters[0].shifts
    assert (shift.start, shift.end) == tuple(3600 * h for h in clocks)


@pytest.mark.parametrize("cell", [5.5, "5.30", "25:00", "2575", dt.datetime(2026, 1, 1)])
def test_times_that_could_be_read_two_ways_are_refused(tmp_path, cell):
    rows = [SITES[0], ["Usine", "", -1.38, 46.69, "r", cell, "13:00", 40]]
    with pytest.raises(SourceError) as caught:
        read_sites_file(workbook(tmp_path / "sites.xlsx", ("Sites", rows)))
    assert (caught.value.row, caught.value.column) == (2, "Début")


@pytest.mark.parametrize("suffix", ["xlsx", "csv"])
def test_plain_numbers_of_a_csv_too(tmp_path, suffix):
    if suffix == "csv":
        path = tmp_path / "sites.csv"
        path.write_text("nom;lon;lat;début;fin\nU;-1,4;46,7;0,875;530\n", encoding="utf-8")
    else:
        rows = [["nom", "lon", "lat", "début", "fin"], ["U", -1.4, 46.7, 0.875, 530]]
        path = workbook(tmp_path / "sites.xlsx", ("S", rows))
    (shift,) = read_sites_file(path)[0].rosters[0].shifts
    assert (shift.start, shift.end) == (21 * 3600, 5 * 3600 + 1800)


@pytest.mark.parametrize("word", ["Total", "ENSEMBLE", "Somme"])
def test_the_sum_that_closes_a_sheet_of_sites_is_no_site(tmp_path, word):
    """A site of that name has a place, and stays."""
    path = workbook(
        tmp_path / "sites.xlsx",
        (
            "Sites",
            [*SITES, [word, *[None] * 6, 300], [word, "", -1.38, 46.69, "3x8", None, None, 9]],
        ),
    )
    ledger = []
    sites = read_sites_file(path, ledger=ledger)
    plain = read_sites_file(workbook(tmp_path / "plain.xlsx", ("Sites", SITES)))
    assert [site.name for site in sites] == [*(site.name for site in plain), word]
    assert [account.left_out for account in ledger] == [{}, {"a sum of other rows": 1}]


def test_the_sum_that_closes_a_sheet_of_employees_is_no_person(tmp_path):
    staff = [["matricule", "lon", "lat", "site"]] + [[k, 3.87, 43.6, "U"] for k in range(300)]
    path = workbook(tmp_path / "staff.xlsx", ("RH", [*staff, ["Total", None, None, 300]]))
    source = {"file": path.name, "kind": "employees"}
    territory = Territory.from_dict(
        {"name": "t", "sources": {"homes": source}}, tmp_path / "territory.toml"
    )
    homes = read_homes(territory.sources.homes, territory)
    assert homes.ledger[-1].left_out == {"a sum of other rows": 1}
    # Protected counts are drawn; the draw follows the file, whose time of writing differs.
    assert homes.workers.sum() == pytest.approx(300, abs=60)


@pytest.mark.parametrize("formula", ["=20+20", "=SUM(A1:A2)"])
def test_a_formula_never_reckoned_is_refused(tmp_path, formula):
    """As programs write them that only write: without a value, hence a headcount of 0."""
    rows = [SITES[0], [*SITES[1][:7], formula]]
    with pytest.raises(SourceError, match="H2") as caught:
        read_sites_file(workbook(tmp_path / "s.xlsx", ("S", rows)))
    assert caught.value.row == 2


def test_columns_without_a_heading_are_told(tmp_path):
    """A heading merged over two columns stands above the first of them alone."""
    rows = [[*SITES[0], None, "Note"], [*SITES[1], 7], [*SITES[2], None, "x", "beyond"]]
    ledger = []
    read_sites_file(workbook(tmp_path / "s.xlsx", ("S", rows)), ledger=ledger)
    assert [(a.left_out, a.unit) for a in ledger[1:]] == [({"no heading above it": 2}, "columns")]


def test_the_feature_ids_of_a_geopackage_are_the_column_qgis_shows(tmp_path):
    frame = gpd.GeoDataFrame(
        {"workers": [3, 4]}, geometry=gpd.points_from_xy([3.87, 3.88], [43.6, 43.6]), crs=4326
    )
    frame.to_file(tmp_path / "homes.gpkg")
    source = {"file": "homes.gpkg", "id": "fid"}
    territory = Territory.from_dict(
        {"name": "t", "sources": {"homes": source}}, tmp_path / "territory.toml"
    )
    homes = read_homes(territory.sources.homes, territory)
    assert homes.frame["home_id"].tolist() == ["1", "2"]


def test_the_first_sheet_to_be_seen_with_rows_is_read_and_others_told(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["secret"])
    book.active.sheet_state = "hidden"
    book.create_sheet("vide")
    book.create_sheet("Lisez-moi").append(["Effectifs au 1er janvier"])
    for name, workers in (("2026", 7), ("2025", 9)):
        sheet = book.create_sheet(name)
        sheet.append(["id", "lon", "lat", "workers"])
        sheet.append(["a", 3.9, 43.6, workers])
        sheet.append(["TOTAL", None, None, workers])
    path = tmp_path / "homes.xlsx"
    book.save(path)
    data = {"name": "t", "sources": {"homes": {"file": "homes.xlsx", "personal": False}}}
    territory = Territory.from_dict(data, tmp_path / "t.toml")
    homes = read_homes(territory.sources.homes, territory)
    assert homes.workers.tolist() == [7]
    left = {why: n for account in homes.ledger for why, n in account.left_out.items()}
    assert left == {OTHER_LAYER: 2, "a sum of other rows": 1}


def test_headings_below_a_title_and_merged_cells_are_named_at_once(tmp_path):
    rows = [
        ["Effectif au 1er octobre"],
        ["Identité", None, "Domicile", None, "Travail"],
        ["matricule", "nom", "lon", "lat", "site", "équipe"],
        [1, "X", 3.87, 43.6, "U", "3x8"],
    ]
    path = workbook(tmp_path / "staff.xlsx", ("RH", rows))
    with pytest.raises(SourceError, match="headings of the columns stand") as caught:
        read_table(path)
    assert caught.value.row == 3


def employees(tmp_path, rows):
    path = workbook(tmp_path / "staff.xlsx", ("RH", [["lon", "lat", "site"], *rows]))
    site = {"name": "U", "gates": [[3.87, 43.6]], "rosters": ["3x8"]}
    source = {"file": path.name, "kind": "employees"}
    territory = Territory.from_dict(
        {"name": "t", "sources": {"homes": source}, "sites": [site]}, tmp_path / "territory.toml"
    )
    return read_homes(territory.sources.homes, territory, sites=territory.sites)


def test_an_employee_at_zero_zero_and_one_without_a_site_are_named_by_their_row(tmp_path):
    rows = [[3.87, 43.6, "U"] for _ in range(30)]
    with pytest.raises(SourceError, match="too far apart") as caught:
        employees(tmp_path, [*rows[:7], [0.0, 0.0, "U"], *rows])
    assert caught.value.row == 9
    with pytest.raises(SourceError, match="This field is empty") as caught:
        employees(tmp_path, [*rows, [3.87, 43.6, None]])
    assert (caught.value.row, caught.value.column) == (32, "site")


def test_employees_left_out_are_told_in_the_account(tmp_path):
    rows = [[3.87 + (k % 2), 43.6, "U"] for k in range(80)]
    homes = employees(tmp_path, rows)
    near = homes.lonlat[:, 0] < 4.0
    (account,) = homes.leaving(near, "far").ledger
    left = homes.workers[~near].sum()
    assert left > 20
    assert account.left_out == {"far": round(left)}
    assert account.used == round(homes.workers.sum()) - round(left)


def test_without_a_place_what_to_add_is_said_and_postal_codes_are_not_taken(tmp_path):
    rows = [["nom", "CP", "ville", "site"], *([k, 34000, "MONTPELLIER", "U"] for k in range(30))]
    path = workbook(tmp_path / "staff.xlsx", ("RH", rows))
    source = {"file": path.name, "kind": "employees"}
    data = {"name": "t", "sources": {"homes": source}}
    territory = Territory.from_dict(data, tmp_path / "territory.toml")
    with pytest.raises(SourceError, match="where the employees live") as caught:
        read_homes(territory.sources.homes, territory)
    assert "nom, CP, ville, site" in caught.value.render("fr")
    assert "postal codes" in caught.value.render("en")


def test_communes_without_land_are_told_wherever_employees_live(tmp_path):
    """Their number, of those where employees live, would tell of one person."""
    squares = [shapely.box(3.8 + k / 10, 43.5, 3.9 + k / 10, 43.6) for k in range(3)]
    frame = {"code": ["34172", "34173", "34174"], "nom": ["Alpha", "Beta", "Gamma"]}
    gpd.GeoDataFrame(frame, geometry=squares, crs=4326).to_file(tmp_path / "zones.gpkg")
    source = {"kind": "employees", "zones": "zones.gpkg", "zones_id": "code"}
    told = []
    for name in ("Alpha", "Beta"):
        rows = [["commune", "site"], *([one, "U"] for one in ["Alpha"] * 40 + [name])]
        path = workbook(tmp_path / f"{name}.xlsx", ("RH", rows))
        data = {"name": "t", "sources": {"homes": source | {"file": path.name}}}
        territory = Territory.from_dict(data, tmp_path / "territory.toml")
        near = (3.79, 43.49, 4.05, 43.61)
        homes = read_homes(territory.sources.homes, territory, bbox=near)
        told += [f for f in homes.findings if f.code == "zones_without_land"]
    assert [(found.count, found.examples) for found in told] == [(2, ("Alpha", "Beta"))] * 2
