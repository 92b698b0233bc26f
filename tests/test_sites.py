import geopandas as gpd
import pytest
import shapely
from pydantic import ValidationError

from mobility.base.errors import MobilityError, SourceError, TerritoryError
from mobility.sources.sites import read_sites, read_sites_file
from mobility.sources.sites_rows import both_hours, roster_template
from mobility.territory.fields import days_of
from mobility.territory.project import Territory
from mobility.territory.rosters import Roster

TABLE = (
    "Nom;Employeur;Longitude;Latitude;Portail;Équipe;Poste;Début;Fin;Jours;Effectif\n"
    "Usine A;Acier;-1,43;46,67;nord;3×8;;;;;121\n"
    "usine a;;-1,431;46,671;sud;;;;;;\n"
    "Usine B;Béton;-1,4;46,7;;rotation;matin;5h;13h;lundi à vendredi;30\n"
    "Usine B;;;;;rotation;soir;13:00;21:00;lun-ven;30\n"
    "Usine B;;;;;;nuit fixe;21h;5h00;lun, mar et mer;10\n"
)


def sites_of(tmp_path, text, name="sites.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return read_sites_file(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_rows_of_a_site_are_merged_into_gates_and_rosters(tmp_path, encoding):
    first, second = sites_of(tmp_path, TABLE, encoding=encoding)
    assert (first.name, first.employer) == ("Usine A", "Acier")
    assert first.gates == [(-1.43, 46.67), (-1.431, 46.671)]
    assert [s.headcount for s in first.rosters[0].shifts] == [41, 40, 40]
    assert second.gates == [(-1.4, 46.7)]
    rotation, fixed = second.rosters
    assert [(s.name, s.start, s.end, s.headcount) for s in rotation.shifts] == [
        ("matin", 5 * 3600, 13 * 3600, 30),
        ("soir", 13 * 3600, 21 * 3600, 30),
    ]
    assert fixed.name == "nuit fixe"
    assert fixed.shifts[0].days == ["mon", "tue", "wed"]
    assert fixed.shifts[0].crosses_midnight


def test_english_headers_and_margins(tmp_path):
    text = "name,lon,lat,roster,headcount,margin_in_min\nPlant,-1.4,46.7,2x8,40,15\n"
    (plant,) = sites_of(tmp_path, text)
    assert plant.margin_in_min == 15
    assert plant.rosters[0].template == "2x8"


@pytest.mark.parametrize(
    ("old", "new", "row", "column", "value"),
    [
        ("5h;13h", "25:00;13h", 4, "Début", "25:00"),
        ("5h;13h", "5h;", 4, "Fin", None),
        ("13:00;21:00", "13:75;21:00", 5, "Début", "13:75"),
        (";121", ";-3", 2, "Effectif", "-3"),
        (";121", ";12,5", 2, "Effectif", "12,5"),
        (";121", ";beaucoup", 2, "Effectif", "beaucoup"),
        ("3×8", "4x8", 2, "Équipe", "4x8"),
        ("-1,4;46,7;", ";;", 4, "lon, lat", None),
        ("-1,431;46,671", "-1,431;", 3, "Latitude", None),
        ("-1,431;46,671", "46,671;-1,431", 3, "Longitude, Latitude", "46.671, -1.431"),
        ("-1,43;46,67", "360000;6600000", 2, "Longitude, Latitude", "360000, 6.6e+06"),
        ("lun-ven", "lun-zen", 5, "Jours", "lun-zen"),
        ("usine a;", "usine a;Autre", 3, "Employeur", "Autre"),
        ("soir", "matin", 5, "Poste", "matin"),
        ("Usine A;Acier", ";Acier", 2, "Nom", None),
        ("3×8;;;;;121", ";;;;;121", 2, "Équipe", None),
        ("3×8;;;;;121", ";;;;;", 2, "roster", None),
        ("Nom;", "Nam;", None, "name", None),
        ("Longitude", "Lo", None, "lon", None),
    ],
)
def test_errors_name_row_field_value_and_mend(tmp_path, old, new, row, column, value):
    assert old in TABLE
    with pytest.raises(SourceError) as caught:
        sites_of(tmp_path, TABLE.replace(old, new, 1))
    error = caught.value
    assert (error.row, error.column, error.value) == (row, column, value)
    assert error.file.endswith("sites.csv")
    assert error.mend


def test_the_same_roster_twice_is_an_error(tmp_path):
    with pytest.raises(SourceError, match="twice"):
        sites_of(tmp_path, TABLE + "Usine A;;;;;3x8;;;;;5\n".replace("3x8", "3×8"))


def territory(tmp_path, sites=(), file=None):
    sources = {"homes": {"file": "h.csv"}} | ({} if file is None else {"sites": file})
    data = {"name": "t", "sources": sources, "sites": list(sites)}
    return Territory.from_dict(data, tmp_path / "territory.toml")


PLANT = {"name": "Usine A", "gates": [[-1.4, 46.7]], "rosters": ["3x8"]}


def test_sites_of_the_territory_come_before_those_of_the_table(tmp_path):
    (tmp_path / "sites.csv").write_text(TABLE, encoding="utf-8")
    own = PLANT | {"name": "Usine C"}
    sites = read_sites(territory(tmp_path, [own], "sites.csv"))
    assert [s.name for s in sites] == ["Usine C", "Usine A", "Usine B"]


def test_two_sites_of_one_name_and_no_site_at_all(tmp_path):
    (tmp_path / "sites.csv").write_text(TABLE, encoding="utf-8")
    with pytest.raises(TerritoryError, match="same name"):
        read_sites(territory(tmp_path, [PLANT], "sites.csv"))
    with pytest.raises(TerritoryError, match="same name"):
        read_sites(territory(tmp_path, [PLANT, PLANT | {"name": "USINE A"}]))
    with pytest.raises(TerritoryError, match="no site"):
        read_sites(territory(tmp_path))


def test_sites_of_a_point_layer_and_of_a_toml_file(tmp_path):
    frame = gpd.GeoDataFrame(
        {"nom": ["Usine"], "équipe": ["3x8"], "effectif": [9]},
        geometry=[shapely.Point(360_000, 6_630_000)],
        crs=2154,
    )
    frame.to_file(tmp_path / "sites.gpkg")
    (site,) = read_sites_file(tmp_path / "sites.gpkg")
    assert -2 < site.gates[0][0] < 0
    assert site.rosters[0].headcount == 9
    toml = '[[sites]]\nname = "U"\ngates = [[-1.4, 46.7]]\nrosters = ["2x8"]\n'
    (tmp_path / "s.toml").write_text(toml)
    assert read_sites_file(tmp_path / "s.toml")[0].rosters[0].name == "2x8"
    (tmp_path / "s.toml").write_text(toml + toml.replace("46.7", "146.7"))
    with pytest.raises(MobilityError) as caught:
        read_sites_file(tmp_path / "s.toml")
    assert (caught.value.entry, caught.value.column) == (("site", 2), "gates.1.2")
    assert "site no. 2, field gates.1.2, value '146.7'" in str(caught.value)


def test_hours_of_a_geojson_file_name_a_shift_as_those_of_a_csv_do(tmp_path):
    rows = {"name": ["Plant"], "start": ["05:00"], "end": ["13:30"], "headcount": [20]}
    layer = gpd.GeoDataFrame(rows, geometry=[shapely.Point(-1.4, 46.7)], crs=4326)
    layer.to_file(tmp_path / "sites.geojson")
    (mapped,) = read_sites_file(tmp_path / "sites.geojson")
    (typed,) = sites_of(
        tmp_path, "name,lon,lat,start,end,headcount\nPlant,-1.4,46.7,05:00,13:30,20\n"
    )
    shift = mapped.rosters[0].shifts[0]
    assert (shift.name, shift.start, shift.end) == ("05:00–13:30", 5 * 3600, 13 * 3600 + 1800)
    assert mapped == typed


@pytest.mark.parametrize(
    ("name", "template"),
    [("3x8", "3x8"), ("3 × 8", "3x8"), ("Nuit", "night"), ("JOURNÉE", "day"), ("4x8", None)],
)
def test_roster_names_in_french(name, template):
    assert roster_template(name) == template


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("lundi au vendredi", "mon tue wed thu fri"),
        ("du lundi au vendredi", "mon tue wed thu fri"),
        ("L-V", "mon tue wed thu fri"),
        ("lun–ven", "mon tue wed thu fri"),
        ("Sam. / Dim.", "sat sun"),
        ("week-end", "sat sun"),
        ("ven;sam et dim", "fri sat sun"),
        ("les mardis", "tue"),
        ("7j/7", "mon tue wed thu fri sat sun"),
        ("tous", "mon tue wed thu fri sat sun"),
        ("mon-fri", "mon tue wed thu fri"),
        ("fri-mon", "fri sat sun mon"),
        ("jours ouvrables", "mon tue wed thu fri sat"),
        ("lun-mer-ven", None),
        ("demain", None),
        ("", None),
    ],
)
def test_days_as_people_write_them(text, days):
    assert days_of(text) == (None if days is None else days.split())


def test_an_english_study_names_the_shifts_of_templates_in_english(tmp_path):
    site = {"name": "A", "gates": [[0, 47]], "rosters": ["3x8", "day"]}
    own = {"name": "own", "shifts": [{"name": "matin", "start": "05:00", "end": "12:00"}]}
    found = territory(tmp_path, sites=[site | {"rosters": ["3x8", "day", own]}])
    english = found.model_copy(
        update={"output": found.output.model_copy(update={"language": "en"})}
    )
    names = [[s.name for s in r.shifts] for r in read_sites(english)[0].rosters]
    assert names == [["morning", "afternoon", "night"], ["day"], ["matin"]]
    assert [s.name for s in read_sites(found)[0].rosters[0].shifts] == [
        "matin", "après-midi", "nuit"
    ]  # fmt: skip


@pytest.mark.parametrize("gone", [("Longitude",), ("Longitude", "Latitude"), ("Latitude",)])
def test_a_table_without_coordinates_is_one_clear_error(tmp_path, gone):
    rows = [line.split(";") for line in TABLE.splitlines()]
    kept = [k for k, name in enumerate(rows[0]) if name not in gone]
    text = "\n".join(";".join(row[k] for k in kept) for row in rows)
    with pytest.raises(MobilityError) as caught:
        sites_of(tmp_path, text)
    for language in ("fr", "en"):
        line = caught.value.render(language)
        assert "sites.csv" in line
        assert "\n" not in line
    # A table of headings alone names no site.
    with pytest.raises(MobilityError):
        sites_of(tmp_path, TABLE.splitlines()[0] + "\n")


@pytest.mark.parametrize("heading", ["Adresse complète", "Address", "adresse_1"])
def test_addresses_are_told_not_to_be_located(tmp_path, heading):
    with pytest.raises(MobilityError, match="Addresses are not located here: add the longitude"):
        sites_of(tmp_path, f"nom;{heading};équipe\nA;1 rue Haute;3x8\n")
    with pytest.raises(MobilityError, match="than 1000000"):
        sites_of(tmp_path, "nom;lon;lat;équipe;effectif\nA;-1.4;46.7;3x8;2e6\n")


def test_the_product_s_own_word_for_a_roster_is_a_heading(tmp_path):
    text = TABLE.replace("Équipe", "Roulement")
    assert sites_of(tmp_path, text) == sites_of(tmp_path, TABLE)


def test_columns_that_hold_something_and_are_not_read_are_told(tmp_path):
    (tmp_path / "s.csv").write_text(
        "nom,lon,lat,roulement,effectif,heure d'embauche du matin,remarque,vide\n"
        "Usine,-1.4,46.7,2x8,40,05:30,à revoir,\n"
    )
    findings = []
    read_sites_file(tmp_path / "s.csv", findings=findings)
    (one,) = findings
    assert (one.code, one.count) == ("site_columns_not_read", 2)
    assert one.examples == ("heure d'embauche du matin", "remarque")
    (tmp_path / "s.csv").write_text(TABLE)
    findings = []
    read_sites_file(tmp_path / "s.csv", findings=findings)
    assert not findings


def test_gates_of_a_territory_file_with_lat_first_are_refused(tmp_path):
    swapped = PLANT | {"gates": [[46.67, -1.43]]}
    with pytest.raises(TerritoryError, match=r"Write longitude first: \[-1.43, 46.67\]"):
        read_sites(territory(tmp_path, [swapped]))


@pytest.mark.parametrize("count", [120, 120.0, "120"])
def test_a_roster_s_headcount_is_spread_however_it_is_written(count):
    roster = Roster.model_validate({"template": "3x8", "headcount": count})
    assert [s.headcount for s in roster.shifts] == [40, 40, 40]
    again = Roster.model_validate(roster.model_dump())
    assert again == roster


def test_a_roster_s_headcount_that_its_shifts_contradict_is_refused():
    shifts = [
        {"name": name, "start": start, "end": start + 8 * 3600, "headcount": n}
        for name, start, n in (("matin", 5 * 3600, 20), ("soir", 13 * 3600, 40))
    ]
    with pytest.raises(ValidationError, match="counts"):
        Roster.model_validate({"name": "2x8", "headcount": 50, "shifts": shifts})
    assert Roster.model_validate({"name": "2x8", "headcount": 60, "shifts": shifts}).headcount == 60
    del shifts[1]["headcount"]  # the rest is for those that give none
    roster = Roster.model_validate({"name": "2x8", "headcount": 50, "shifts": shifts})
    assert [s.headcount for s in roster.shifts] == [20, 30]


def test_a_row_that_names_a_shift_of_a_known_roster_is_this_shift(tmp_path):
    head = "nom,lon,lat,roulement,poste,effectif,jours\n"
    rows = "A,0,47,3x8,matin,40,\nA,,,3x8,nuit,20,sam-dim\nA,,,2x8,,31,sam\n"
    (plant,) = sites_of(tmp_path, head + rows)
    three, two = plant.rosters
    assert [(s.name, s.start, s.headcount, s.days) for s in three.shifts] == [
        ("matin", 5 * 3600, 40, ["mon", "tue", "wed", "thu", "fri"]),
        ("nuit", 21 * 3600, 20, ["sat", "sun"]),
    ]
    assert [(s.headcount, s.days) for s in two.shifts] == [(16, ["sat"]), (15, ["sat"])]
    for wrong in ("A,,,3x8,soir,1,\n", "A,,,3x8,matin,1,\n", "A,,,2x8,matin,1,\n"):
        with pytest.raises(SourceError) as caught:
            sites_of(tmp_path, head + rows + wrong)
        assert (caught.value.row, caught.value.column) == (5, "poste")


def test_shifts_without_a_column_of_rosters_are_told_to_count_apart(tmp_path):
    text = "nom,lon,lat,poste,début,fin\nA,0,47,matin,5h,13h\nA,,,soir,13h,21h\n"
    (tmp_path / "s.csv").write_text(text)
    findings = []
    (plant,) = read_sites_file(tmp_path / "s.csv", findings=findings)
    assert len(plant.rosters) == 2
    assert [(f.code, f.examples) for f in findings] == [("shifts_count_apart", ("A",))]


def test_a_projected_place_names_the_setting_that_reads_it(tmp_path):
    with pytest.raises(SourceError) as caught:
        sites_of(tmp_path, "nom;lon;lat;roulement\nUsine;431250,5;6689740,2;3x8\n")
    assert 'sites_crs = "EPSG:2154"' in caught.value.render("fr")
    assert caught.value.row == 2


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("05h00-13h00", ("05h00", "13h00")),
        ("5h/13h", ("5h", "13h")),
        ("de 21 h à 5 h", ("21 h", "5 h")),
        ("0500–1300", ("0500", "1300")),
        ("5:30 → 13:30", ("5:30", "13:30")),
        # As people write 3x8.
        ("3/8", None),
        ("5h-13h / 13h-21h", None),
        ("matin", None),
    ],
)
def test_hours_that_stand_in_one_field(text, hours):
    assert both_hours(text) == hours


HEAD = "nom;lon;lat;effectif;"
ONE = "Usine;-1.4;46.7;40;"


@pytest.mark.parametrize(
    ("heads", "fields", "roster", "shift"),
    [
        ("horaires", "05h00-13h00", "05h00–13h00", "05h00–13h00"),
        ("équipe;horaires", "A;5h/13h", "A", "5h–13h"),
        ("équipe;poste;début", "A;matin;5h-13h", "A", "matin"),
        ("équipe;poste", "A;5h à 13h", "A", "5h à 13h"),
    ],
)
def test_a_column_may_hold_both_hours(tmp_path, heads, fields, roster, shift):
    findings = []
    (tmp_path / "s.csv").write_text(f"{HEAD}{heads}\n{ONE}{fields}\n", encoding="utf-8")
    (site,) = read_sites_file(tmp_path / "s.csv", findings=findings)
    (own,) = site.rosters
    assert (own.name, own.shifts[0].name) == (roster, shift)
    assert (own.shifts[0].start, own.shifts[0].end) == (5 * 3600, 13 * 3600)
    assert own.shifts[0].headcount == 40
    assert not [f for f in findings if f.code == "site_columns_not_read"]


def test_a_heading_of_hours_may_mean_the_roster(tmp_path):
    (site,) = sites_of(tmp_path, f"{HEAD}horaires\n{ONE}3/8\n")
    assert site.rosters[0].template == "3x8"
    with pytest.raises(SourceError, match="no hours of one shift") as caught:
        sites_of(tmp_path, f"{HEAD}équipe;horaires\n{ONE}3x8;5h-13h / 13h-21h\n")
    assert (caught.value.row, caught.value.column) == (2, "horaires")


def test_a_commune_without_its_zero_is_found(tmp_path):
    (site,) = sites_of(tmp_path, f"{HEAD}équipe;code insee\n{ONE}3x8;1004\n")
    assert site.commune == "01004"
