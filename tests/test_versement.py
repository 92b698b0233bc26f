"""Rates of the versement mobilité, looked up in the URSSAF's table or in one's own."""

import datetime as dt
from dataclasses import replace

import pytest
from small import write_territory

from mobility.base.errors import SourceError, TerritoryError
from mobility.commute.loading import load
from mobility.commute.placing import rates_missing
from mobility.outputs.plan_tables import site_rates, versement
from mobility.remedies.factors import load_factors
from mobility.sources.homes.zones import Changes
from mobility.sources.sites import read_sites_file
from mobility.sources.versement import rate_of, read_rates

TODAY = dt.date(2026, 11, 17)
URSSAF = """Code commune;Libellé;Taux AOT;Taux syndicat mixte;Date effet;Codes postaux afférents;
'02024';CA DU PAYS DE LAON ;0.55;0;20180101;'02860';
'02024';CA DU PAYS DE LAON ;0.6;0;20190101;'02860';
'02024';CA DU PAYS DE LAON ;1.6;0;20270101;'02860';
'02087';CC RETZ EN VALOIS ;0.6;0;20170801;'02290';
'02087';SMIRT ;0;0.1;20180901;'02290';'02291';'02292';
'2A004';CA AJACCIO ;0,8;0;20160701;'20000';
"""


def write(folder, text, encoding="cp1252"):
    path = folder / "taux.csv"
    path.write_text(text, encoding=encoding)
    return path


def test_the_table_of_the_urssaf(tmp_path):
    rates = read_rates(write(tmp_path, URSSAF), TODAY)
    # The newest in force of one authority; the sum of two authorities; a decimal comma.
    assert rates == {"02024": 0.006, "02087": 0.007, "2A004": 0.008}
    assert read_rates(tmp_path / "taux.csv", dt.date(2018, 6, 1))["02024"] == 0.0055


def test_a_table_of_ones_own(tmp_path):
    rates = read_rates(write(tmp_path, "commune,taux\n1004,0.45\n85191,1\n", "utf-8"), TODAY)
    assert rates == {"01004": 0.0045, "85191": 0.01}


@pytest.mark.parametrize(
    ("text", "row", "column"),
    [
        ("commune;taux\n85191;0.8\nRoche;1\n", 3, "commune"),
        ("commune;taux\n85191;80\n", 2, "rate"),
        ("commune;taux\n85191;beaucoup\n", 2, "rate"),
        ("commune;taux;date effet\n85191;1;hier\n", 2, "date"),
        ("commune;montant\n85191;1\n", None, "rate"),
    ],
)
def test_an_error_names_row_and_column(tmp_path, text, row, column):
    with pytest.raises(SourceError) as caught:
        read_rates(write(tmp_path, text), TODAY)
    assert (caught.value.row, caught.value.column) == (row, column)


@pytest.fixture
def study(tmp_path):
    territory = write_territory(tmp_path, rosters='[{ template = "3x8", headcount = 30 }]')
    return load(territory), tmp_path


def with_table(study, folder, commune):
    write(folder, URSSAF)
    territory = study.territory
    sources = territory.sources.model_copy(update={"versement_mobilite": folder / "taux.csv"})
    (site,) = study.sites
    return replace(
        study,
        territory=territory.model_copy(update={"sources": sources}),
        sites=(site.model_copy(update={"commune": commune}),),
    )


def test_the_rate_is_that_of_the_commune_of_the_site(study):
    study, folder = study
    factors = load_factors()
    assert site_rates(study, factors) == [None]
    assert versement(study, factors)["versement"].isna().all()
    laon = with_table(study, folder, "02024")
    row = versement(laon, factors).iloc[0]
    pay = factors["payroll_worker_year"]
    assert (row["vm_percent"], row["versement"]) == (0.6, round(30 * pay * 0.006))
    # No authority names this commune: nothing is owed there.
    assert versement(with_table(study, folder, "85191"), factors)["versement"].iloc[0] == 0


def test_a_table_of_sites_tells_their_communes(tmp_path):
    path = tmp_path / "sites.csv"
    path.write_text(
        "nom;code insee;lon;lat;équipe\nUsine;85191;-1.4;46.6;3x8\nUsine;;-1.41;46.6;\n", "utf-8"
    )
    (site,) = read_sites_file(path)
    assert (site.commune, len(site.gates)) == ("85191", 2)


def test_a_site_without_a_commune_is_named(study):
    study, folder = study
    with pytest.raises(TerritoryError) as caught:
        site_rates(with_table(study, folder, ""), load_factors())
    assert (caught.value.row, caught.value.column) == (1, "sites.commune")
    assert "Usine" in caught.value.render("fr")


@pytest.mark.parametrize(
    ("commune", "percent", "told"),
    [
        ("69383", 1.85, 0),  # Lyon 3e, an arrondissement
        ("49147", 0.9, 0),  # Gée, part of Beaufort-en-Anjou since 2016
        ("01001", 0.4, 0),  # the table has the code that stood before a merger: its own
        ("85191", 0, 1),  # in no table: nothing is counted, and it is said
    ],
)
def test_rates_are_found_under_any_code_of_the_ground(study, commune, percent, told):
    study, folder = study
    found = with_table(study, folder, commune)
    write(folder, "commune,rate\n69123,1.85\n49021,0.9\n01001,0.4\n", "utf-8")
    (rate,) = site_rates(found, load_factors())
    assert rate == pytest.approx(percent / 100)
    days = found.days[0].date
    missing = list(rates_missing(found.territory, found.sites, found.homes, days))
    assert [(f.code, f.examples) for f in missing] == [
        ("vm_commune_unknown", ("Usine (85191)",))
    ] * told


def test_former_communes_of_one_have_its_rate_only_where_they_agree():
    changes = Changes({"49147": "49021", "49149": "49021"})
    assert rate_of({"49147": 0.01, "49149": 0.01}, "49021", changes) == 0.01
    assert rate_of({"49147": 0.01, "49149": 0.02}, "49021", changes) is None
