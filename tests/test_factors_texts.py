"""Units and sources of every factor, in both languages."""

from __future__ import annotations

import re

import pytest
from texts import french

from mobility.base.errors import TerritoryError
from mobility.commute import DelayFactors
from mobility.needs import RiskFactors
from mobility.outputs.tables import cell_text
from mobility.outputs.words import FACTORS, Words
from mobility.remedies.factors import load_factors
from mobility.shuttles.config import EnergyFactors
from mobility.shuttles.config import Factors as ShuttleFactors
from mobility.territory.factors import ONE_FIGURE, Factors

ROOMS = {
    "modes": Factors.load, "delays": DelayFactors.load, "levers": load_factors,
    "shuttles": ShuttleFactors.load, "risk": RiskFactors.load,
    "energies": EnergyFactors.load,
}  # fmt: skip
# A number with its sign, thousands and decimals as each language writes them.
NUMBER = re.compile(r"\d(?:[\d.,\s\u202f]*\d)?")


@pytest.mark.parametrize("room", ROOMS)
def test_every_source_is_told_in_french_with_the_same_figures(room: str) -> None:
    for factor in ROOMS[room]().rows.values():
        for text in (factor.unit, factor.source):
            told = french().get(text, text if text == "min" else "")
            assert told, text
            assert figures(told) == figures(text), text


def figures(text: str) -> list[str]:
    """Digits of the numbers of a text, in order of size."""
    return sorted(re.sub(r"\D", "", n) for n in NUMBER.findall(text))


def test_a_frame_speaks_the_language_asked_for() -> None:
    rows = ShuttleFactors.load({"driver_hour": 31})
    frame = rows.to_frame("fr").set_index("name")
    assert frame.loc["driver_hour", ["value", "unit", "source"]].tolist() == [
        31, "€ par heure", "Fichier de territoire"
    ]  # fmt: skip
    assert rows.to_frame().set_index("name").loc["driver_hour", "source"] == "Territory file"


def test_one_unit_has_one_name() -> None:
    """EUR/h and EUR per hour are one unit."""
    units = {row.unit for load in ROOMS.values() for row in load().rows.values()}
    whole = [re.sub(r"/h\b", " per hour", unit).replace("/", " per ") for unit in units]
    assert len(set(whole)) == len(units)


def test_no_factor_of_a_shuttle_is_told_by_its_key() -> None:
    for name in ShuttleFactors.load().rows:
        assert name in FACTORS or name.rpartition(".")[0] in FACTORS, name


@pytest.mark.parametrize("room", ["modes", "levers", "shuttles", "risk"])
def test_every_factor_of_a_page_is_named_in_both_languages(room: str) -> None:
    """By what it is, its name in the territory file in brackets."""
    for name in ROOMS[room]().rows:
        told = [cell_text(Words(language), "factor", name) for language in ("en", "fr")]
        assert all(text.endswith(f" ({name})") for text in told), told
        assert len(set(told)) == 2, told


@pytest.mark.parametrize(("one", "other"), ONE_FIGURE)
def test_one_figure_of_two_names_is_told_once(one: str, other: str) -> None:
    """What a territory says of either holds for both, unless it says both."""

    def both(given: dict[str, object]) -> list[tuple[float, str]]:
        rows = [row for load in ROOMS.values() for row in load(given).rows.values()]
        found = {row.name: (row.value, row.source) for row in rows}
        return [found[one], found[other]]

    usual = both({})
    assert usual[0][0] == usual[1][0]
    value = usual[0][0] / 2
    row = {"value": value, "source": "tender"}
    assert both({one: row}) == both({other: row}) == [(value, "tender")] * 2
    told = both({one: value, other: usual[0][0] / 4})
    assert [v for v, _ in told] == [value, usual[0][0] / 4]


def test_a_refused_factor_names_its_unit_in_the_language_asked_for() -> None:
    """A share above 1 was refused in French with the English unit."""
    with pytest.raises(TerritoryError) as caught:
        load_factors({"versement_mobilite_rate": 2})
    assert "part de la masse salariale" in caught.value.render("fr")
    assert "share of the payroll" in caught.value.render("en")
