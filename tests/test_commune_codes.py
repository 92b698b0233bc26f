"""Codes of communes of other years and levels: nobody is lost between flows and layer."""

import geopandas as gpd
import pytest
import shapely

from mobility.base.errors import SourceError
from mobility.sources.homes.read import read_homes
from mobility.sources.homes.zones import read_changes
from mobility.territory.project import Site, Territory


def layer(folder, **zones):
    """Write a layer of square zones side by side, by code (without its z) and name."""
    squares = [shapely.box(k, 45, k + 0.9, 45.9) for k in range(len(zones))]
    columns = {"code": [code[1:] for code in zones], "nom": list(zones.values())}
    gpd.GeoDataFrame(columns, geometry=squares, crs=4326).to_file(folder / "zones.geojson")


def read(folder, rows, *, sites=(), head="CODGEO;LIBGEO;DCLT;L_DCLT;NBFLUX_C21_ACTOCC15P", **more):
    lines = [head, *(";".join(map(str, row)) for row in rows)]
    (folder / "flux.csv").write_text("\n".join(lines), encoding="utf-8")
    source = {"file": "flux.csv", "kind": "flows", "zones": "zones.geojson", "zones_id": "code"}
    territory = Territory.from_dict(
        {"name": "t", "sources": {"homes": source | more}}, folder / "territory.toml"
    )
    return read_homes(territory.sources.homes, territory, sites=sites)


def workers(homes):
    return dict(zip(homes.frame["home_id"], homes.workers, strict=True))


def told(homes, code):
    return next(f for f in homes.findings if f.code == code)


def test_arrondissements_of_the_flows_are_in_the_commune_of_the_layer(tmp_path):
    layer(tmp_path, z69029="Bron", z69123="Lyon")
    rows = [
        ("69029", "", "69383", "", 400.5), ("69383", "", "69029", "", 300),
        ("69387", "", "69029", "", 250), ("69029", "", "69029", "", 500),
    ]  # fmt: skip
    homes = read(tmp_path, rows, work_commune=["69029"])
    assert workers(homes) == {"69029": 500, "69123": 550}
    finding = told(homes, "communes_matched")
    assert finding.count == 2
    assert "550 workers" in finding.render("en")
    # Lyon as a place of work is its nine arrondissements.
    assert workers(read(tmp_path, rows, work_commune=["69123"])) == {"69029": 400.5}


def test_the_commune_of_the_flows_is_the_arrondissements_of_the_layer(tmp_path):
    zones = {f"z{code}": f"Paris {n}e Arrondissement" for n, code in ((2, 75102), (3, 75103))}
    layer(tmp_path, **zones, z92012="Boulogne")
    homes = read(tmp_path, [("75056", "", "92012", "", 30), ("92012", "", "92012", "", 10)])
    assert workers(homes) == {"75056": 30, "92012": 10}
    assert homes.frame["name"].tolist() == ["Paris", "Boulogne"]
    assert homes.cells.iloc[0].bounds == (0, 45, 1.9, 45.9)


@pytest.mark.parametrize(
    ("codes", "twice"),
    [
        (["69123", "69381", "69382"], 2),
        (["69123", "75101"], 0),
        (["69381", "69382"], 0),
        (["69123"], 0),
    ],
)
def test_a_city_beside_its_arrondissements_is_told(tmp_path, codes, twice):
    layer(tmp_path, z69029="Bron", z69123="Lyon")
    rows = [("69029", "", "x", "", 40), *((code, "", "x", "", 100) for code in codes)]
    told_now = [f for f in read(tmp_path, rows).findings if f.code == "city_beside_its_parts"]
    assert [f.count for f in told_now] == [twice] * (twice > 0)
    if twice:
        assert "(200 workers)" in told_now[0].render("en")
        assert "deux fois" in told_now[0].render("fr")


def test_codes_found_as_they_stand_keep_their_zones(tmp_path):
    layer(tmp_path, z75102="Paris 2e", z75103="Paris 3e")
    homes = read(tmp_path, [("75102", "", "x", "", 3), ("75103", "", "x", "", 4)])
    assert workers(homes) == {"75102": 3, "75103": 4}
    assert "communes_matched" not in {f.code for f in homes.findings}


def test_a_merged_commune_is_its_commune_of_today_at_home_and_at_work(tmp_path):
    layer(tmp_path, z49021="Beaufort-en-Anjou", z49007="Angers")
    rows = [("49147", "Gée", "49007", "", 40), ("49021", "", "49007", "", 300)]
    assert workers(read(tmp_path, rows, work_commune=["49007"])) == {"49021": 340}
    rows = [("49007", "", "49147", "Gée", 7), ("49007", "", "49007", "", 9)]
    assert workers(read(tmp_path, rows, work_commune=["49021"])) == {"49007": 7}
    # The other way round, and with the reader told that the whole commune is counted.
    rows = [("49007", "", "49021", "", 7)]
    homes = read(tmp_path, rows, work_commune=["49147", "49015"])
    assert workers(homes) == {"49007": 7}
    assert told(homes, "work_communes_matched").examples == ("49147",)
    assert told(homes, "work_communes_empty").examples == ("49015",)


def test_newer_flows_join_the_zones_of_an_older_layer(tmp_path):
    layer(tmp_path, z49147="Gée", z49021="Beaufort-en-Vallée", z49018="Baugé")
    (tmp_path / "passage.csv").write_text(
        "CODGEO_INI,CODGEO_2025,LIBGEO_2025\n49147,49999,N\n49021,49999,N\n", encoding="utf-8"
    )
    rows = [("49999", "", "49018", "", 40)]
    homes = read(tmp_path, rows, changes="passage.csv")
    assert workers(homes) == {"49999": 40}
    assert homes.cells.iloc[0].bounds == (0, 45, 1.9, 45.9)


MOVEMENTS = (
    "MOD,DATE_EFF,TYPECOM_AV,COM_AV,TYPECOM_AP,COM_AP\n"
    "32,2019-01-01,COM,49018,COM,49021\n"
    "41,2017-01-01,COM,49300,COM,49018\n"
    "21,2020-01-01,COM,49021,COM,49777\n"
    "35,2020-01-01,COMD,49555,COM,49021\n"
)


def test_insees_movements_are_followed_splits_apart(tmp_path):
    path = tmp_path / "mvtcommune.csv"
    path.write_text(MOVEMENTS, encoding="utf-8")
    changes = read_changes(path)
    assert changes.of("49300") == changes.of("49018") == "49021"
    # A commune re-established leaves the code of the other as it was.
    assert changes.of("49021") == "49021"
    assert changes.of("49555") == "49555"


def test_all_workers_of_the_case_with_the_users_table(tmp_path):
    layer(tmp_path, z49021="Beaufort-en-Anjou", z49002="Autre")
    (tmp_path / "mvt.csv").write_text(MOVEMENTS, encoding="utf-8")
    rows = [(c, "", "49007", "", n) for c, n in (("49018", 300), ("49147", 40), ("49002", 100))]
    without = read(tmp_path, rows, work_commune=["49007"])
    assert workers(without) == {"49021": 40, "49002": 100}
    assert told(without, "homes_without_zone").examples == ("49018: 300",)
    homes = read(tmp_path, rows, work_commune=["49007"], changes="mvt.csv")
    assert workers(homes) == {"49021": 340, "49002": 100}


def test_a_table_of_anything_else_is_no_table_of_changes(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("code;nom\n49018;Baugé\n", encoding="utf-8")
    with pytest.raises(SourceError) as caught:
        read_changes(path)
    assert "COM_AV" in caught.value.render("fr")


def test_iris_of_the_layer_are_joined_and_lost_zeros_found(tmp_path):
    layer(tmp_path, z010010101="IRIS 1", z010010102="IRIS 2", z340020000="Béziers")
    rows = [("1001", "", "34002", "", 5), ("34002", "", "34002", "", 6)]
    assert workers(read(tmp_path, rows)) == {"01001": 5, "34002": 6}


def test_people_who_live_abroad_are_told_apart(tmp_path):
    layer(tmp_path, z67482="Strasbourg")
    rows = [
        ("67482", "", "67482", "", 9),
        ("DE0311", "", "67482", "", 4),
        ("99109", "", "67482", "", 2),
    ]
    finding = told(read(tmp_path, rows), "homes_abroad")
    assert finding.count == 2
    assert finding.examples == ("DE0311: 4", "99109: 2")


@pytest.mark.parametrize(
    "head",
    [
        "CODGEO;LIBGEO;DCLT;L_DCLT;NBFLUX_C06_ACTOCC15P",
        "CODGEO;LIBGEO;DCLT;L_DCLT;nbflux_c16_actocc15p",
        "CODGEO;LIBGEO;DCLT;L_DCLT;NBFLUX_C23_ACTOCC15P",
        "COMMUNE;ARM;DCLT;ILT;IPONDI",
        "commune_residence;x;commune_travail;y;flux",
    ],
)
def test_every_vintage_of_the_flow_columns(tmp_path, head):
    layer(tmp_path, z69029="Bron")
    homes = read(tmp_path, [("69029", "ZZZZZ", "69383", "", 7)], head=head, work_commune=["69123"])
    assert workers(homes) == {"69029": 7}


def test_the_newest_census_of_several_counts(tmp_path):
    layer(tmp_path, z69029="Bron")
    head = "CODGEO;DCLT;NBFLUX_C99_ACTOCC15P;NBFLUX_C22_ACTOCC15P;NBFLUX_C16_ACTOCC15P"
    assert workers(read(tmp_path, [("69029", "69029", 1, 2, 3)], head=head)) == {"69029": 2}


def test_workers_of_other_places_are_told(tmp_path):
    layer(tmp_path, z69029="Bron")
    rows = [("69029", "", "75101", "", 500), ("69029", "", "69383", "", 20)]
    site = Site(name="U", gates=[(4.8, 45.7)], rosters=["day"], commune="69123")
    finding = told(read(tmp_path, rows, sites=(site,)), "flows_all_work_places")
    assert finding.examples == ("75101: 500",)
    assert "500 of them in other communes" in finding.render("en")
    assert told(read(tmp_path, rows), "flows_all_work_places").count == 2
    half = told(read(tmp_path, rows, sites=(site,), workers_share=0.5), "flows_all_work_places")
    assert half.examples == ("75101: 250",)
    assert "All 260 workers" in half.render("en")


def test_an_error_lists_the_files_own_columns(tmp_path):
    layer(tmp_path, z69029="Bron")
    with pytest.raises(SourceError) as caught:
        read(tmp_path, [("69029", "69029", 3)], head="CODGEO;DCLT;EFFECTIFS_2021")
    assert "CODGEO, DCLT, EFFECTIFS_2021" in caught.value.render("en")


def test_employees_of_a_former_commune_or_arrondissement_live_in_that_of_today(tmp_path):
    """Gée is part of Beaufort-en-Anjou, Lyon 3e of Lyon: nobody is refused, nobody moves."""
    layer(tmp_path, z49021="Beaufort-en-Anjou", z69123="Lyon", z49007="Angers")
    codes = ["49147"] * 40 + ["49021"] * 30 + ["69383"] * 50
    text = "\n".join(["site;commune", *(f"A;{code}" for code in codes)]) + "\n"
    (tmp_path / "staff.csv").write_text(text, encoding="utf-8")
    source = {"file": "staff.csv", "kind": "employees", "zones": "zones.geojson"}
    territory = Territory.from_dict(
        {"name": "t", "sources": {"homes": source | {"zones_id": "code", "cell_m": 2000}}},
        tmp_path / "territory.toml",
    )
    homes = read_homes(territory.sources.homes, territory)
    by_name = homes.frame.groupby("commune")["workers"].sum()
    # What the door adds to 70 and 50 is noise of three persons or so.
    assert by_name["Beaufort-en-Anjou"] == pytest.approx(70, abs=12)
    assert by_name["Lyon"] == pytest.approx(50, abs=12)
    assert by_name.get("Angers", 0) == 0


def test_codes_however_a_program_writes_them(tmp_path):
    """Decimals of another program, small letters of Corsica, a lost zero at the place of work."""
    layer(tmp_path, z01001="Abergement", z2A004="Ajaccio")
    rows = [
        ("1001.0", "", "2a004", "", 3),
        ("2a004", "", "2A004", "", 4),
        ("01001 ", "", "9", "", 5),
    ]
    assert workers(read(tmp_path, rows, work_commune=["2A004"])) == {"01001": 3, "2A004": 4}


PLACES = [
    # German districts, Italian communes, and Corsica: lost zeros, capitals.
    ("07314000", "08222000", "7314000", "8222000"),
    ("015209", "015146", "15209", "015146"),
    ("2A004", "2A008", "2a004", "2a008"),
]


@pytest.mark.parametrize(("home", "work", "home_row", "work_row"), PLACES)
def test_codes_of_any_country_are_found_however_written(tmp_path, home, work, home_row, work_row):
    layer(tmp_path, **{f"z{home}": "Home", f"z{work}": "Work"})
    rows = [(home_row, work_row, 70), (work, work, 30)]
    for asked in (work, work_row):
        homes = read(tmp_path, rows, head="residence;travail;flux", work_commune=[asked])
        assert workers(homes) == {home: 70, work: 30}


def test_codes_that_differ_by_their_zeros_are_two(tmp_path):
    layer(tmp_path, z0012345="A", z012345="B")
    rows = [("0012345", "", 5), ("012345", "", 7), ("12345", "", 9)]
    homes = read(tmp_path, rows, head="residence;travail;flux")
    assert workers(homes) == {"0012345": 5, "012345": 7}
    assert "9 workers" in told(homes, "homes_without_zone").render("en")
    # Of persons a share works: what is told of workers is of those alone.
    third = read(tmp_path, rows, head="residence;travail;flux", workers_share=1 / 3)
    assert "3 workers" in told(third, "homes_without_zone").render("en")


@pytest.mark.parametrize("word", ["Total", "ENSEMBLE", "Total général", "Sous-total"])
def test_the_sum_that_closes_a_table_is_no_commune(tmp_path, word):
    layer(tmp_path, z01001="Abergement")
    rows = [("01001", "", "01001", "", 3), (word, "", "", "", 3)]
    homes = read(tmp_path, rows, work_commune=["01001"])
    assert workers(homes) == {"01001": 3}
    assert [a.left_out for a in homes.ledger] == [{}, {}, {}, {"a sum of other rows": 1}]
    rows = [("01001", "", "01001", "", 3), ("Total-Raffinage", "", "01001", "", 3)]
    assert told(read(tmp_path, rows), "homes_without_zone").count == 1
