"""What a user may read stands in every language, its fields and its plurals with it."""

from __future__ import annotations

import datetime as dt
import re
import string
import tomllib

import pytest
from texts import PACKAGE, extracted, forms, french, leaves, quoted

from mobility.base.errors import Finding, MobilityError
from mobility.base.i18n import MONTHS, WEEKDAY_NAMES, number, signed, translate, typeset
from mobility.outputs import report, shuttle_tables, table_files, words
from mobility.outputs.map.assets import page_french
from mobility.outputs.tables import registry
from mobility.shuttles.config import Factors
from mobility.sources.days import KIND_LABELS
from mobility.studio.app import french as studio_french
from mobility.territory.rosters import roster_label, shift_label

#: Families of symbols the page puts together; their members are texts.
FAMILIES = {
    "mode ", "by ", "day ", "measure ", "legend ", "question ", "reason ", "source ", "roster ",
    "group ", "shift ",
}  # fmt: skip
#: Help of options that come with the library of the command line.
LIBRARY = {
    "Show this message and exit.",
    "Install completion for the current shell.",
    "Show completion for the current shell, to copy it or customize the installation.",
}
#: Endings a template may be given while the software runs.
ENDINGS = ("earlier", "later", "earlier)", "later)", "{streets}", "min)", "15", "30", "60")


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def tables() -> set[str]:
    """Texts kept in tables, where no call tells that they are texts."""
    said = tomllib.loads((PACKAGE / "outputs" / "words.toml").read_text(encoding="utf-8"))
    del said["levers"]  # the French of their names is in the catalogue
    texts = {words.WORST_OF, *words.DEFINITIONS, *words.CONTENTS, *(t for t in leaves(said) if t)}
    for table in (KIND_LABELS, shuttle_tables.UNITS, words.SHORT_DAYS):
        texts |= set(table.values())
    texts |= {row.unit for row in Factors.load().rows.values()}
    texts |= {heading for heading, _ in (*shuttle_tables.TABLES, *shuttle_tables.LAST)}
    return texts | {*WEEKDAY_NAMES, *MONTHS, *report.LEGEND, *table_files.STATUS_LABELS}


def test_every_text_has_its_french() -> None:
    assert len(extracted()) > 800
    missing = {text: file for text, file in extracted().items() if text not in french()}
    assert missing.keys() == FAMILIES
    assert tables() <= french().keys()


@pytest.mark.parametrize("language", ["fr", "en"])
def test_texts_keep_their_fields(language: str) -> None:
    for template, texts in forms(language).items():
        assert all(texts), template
        assert fields(texts[-1]) == fields(template), template
        assert fields(texts[0]) >= fields(template) - {"count"}, template


def test_no_catalogue_holds_what_nothing_says() -> None:
    page = "".join(
        path.read_text(encoding="utf-8")
        for path in sorted(PACKAGE.rglob("*"))
        if path.suffix in (".js", ".html")
    )
    said = extracted().keys() | quoted() | tables() | LIBRARY
    unused = {t for t in french() if t not in said and f'"{t}"' not in page}
    assert {t for t in unused if not t.endswith(ENDINGS)} == set()
    assert forms("en").keys() <= french().keys()


#: English words that mean other things, or agree with others, in pages and in tables.
HOMONYMS = {
    "Name", "Ride", "Lost", "Change", "Departures", "First", "Last", "Difference", "Share",
    "Halts", "Gate",
}  # fmt: skip


def test_pages_and_tables_say_a_term_in_one_way() -> None:
    """A column is called in French as pages call the same thing."""
    pages = {text.casefold(): told for text, told in french().items()}
    columns = [column for spec in registry().values() for column in spec.columns]
    labels = {(c.label("en").partition(" (")[0], c.label("fr").partition(" (")[0]) for c in columns}
    twice = {
        english
        for english, told in labels
        if english.casefold() in pages
        and typeset(pages[english.casefold()], "fr").casefold() != typeset(told, "fr").casefold()
    }
    assert twice == HOMONYMS


def test_what_check_counts_has_a_singular() -> None:
    """Every finding that starts with a number of things, so that none reads "1 lines"."""
    counted = {text for text in extracted() if text.startswith("{count} ") and text[-1] in ".)"}
    for language in ("fr", "en"):
        singular = {t for t, texts in forms(language).items() if len(texts) > 1}
        assert counted <= singular
        assert singular == forms("en").keys()


def test_a_count_takes_the_plural_of_its_language() -> None:
    text = "{count} layers: {path}"
    told = {(c, x): translate(text, x, count=c, path="a") for c in (0, 1, 2) for x in ("fr", "en")}
    assert told == {
        (0, "fr"): "0 couche\u00a0: a", (1, "fr"): "1 couche\u00a0: a",
        (2, "fr"): "2 couches\u00a0: a",
        (0, "en"): "0 layers: a", (1, "en"): "1 layer: a", (2, "en"): "2 layers: a",
    }  # fmt: skip


def test_numbers_are_written_as_the_language_does() -> None:
    assert number(1234567.25, "fr", 1) == "1\u202f234\u202f567,2"
    assert number(10_000, "en") == "10,000"
    assert number(-0.5, "en", 2) == "−0.50"
    # What rounds to nothing is no negative number.
    assert (number(-0.4, "fr"), signed(-0.4, "en"), number(-0.6, "en")) == ("0", "+0", "−1")


def test_changes_rosters_and_lines_are_written_as_people_do():
    assert (signed(1200, "fr"), signed(-3, "en"), signed(0, "en")) == ("+1\u202f200", "−3", "+0")
    told = [roster_label(name, "fr") for name in ("3x8", "day", "Équipe d'été")]
    assert told == ["3×8", "journée", "Équipe d’été"]
    told = [shift_label(name, x) for x in ("fr", "en") for name in ("matin", "morning", "Tôt 2x8")]
    assert told == ["matin", "matin", "Tôt 2×8", "morning", "morning", "Tôt 2×8"]
    lines = ["N10", "N2", "N", "13", "4"]
    assert sorted(lines, key=words.natural) == ["4", "13", "N", "N2", "N10"]


def test_examples_follow_a_colon_or_stand_in_brackets():
    told = [
        Finding("info", "a", text, examples=("x", "y")).render("en")
        for text in ("Of these:", "Some.")
    ]
    assert told == ["Of these: x, y", "Some. (x, y)"]
    dates = ("2027-02-01 Usine", "b-2027-02-01", "2027-02-31")
    dated = Finding("info", "a", "Some.", examples=dates)
    assert dated.render("fr") == "Some. (1er\u00a0février 2027 Usine, b-2027-02-01, 2027-02-31)"


@pytest.mark.parametrize("language", ["fr", "en"])
def test_one_typography_at_every_exit(language: str) -> None:
    """What the catalogues, the tables, the map page and the studio say is set as in print."""
    said = [translate(text, language) for text in french()]
    for spec in registry().values():
        said += [spec.name[language], spec.note.get(language, "")]
        said += [text for column in spec.columns for text in column.texts[language]]
    if language == "fr":
        said += [*page_french().values(), *studio_french().values()]
    for text in said:
        assert not re.search(r"\w'\w|CO2e?\b", text), text
        assert language == "en" or not re.search(r" [:;!?»]|« ", text), text


def test_what_is_to_be_written_stays_as_it_is() -> None:
    told = translate('Give template = "3x8", or a list of shifts.', "fr")
    assert told == 'Donnez template = "3x8", ou une liste de postes (shifts).'
    told = translate("Report of {path}: {name}", "fr", path="l'a : b", name="3x8")
    assert "l'a : b" in told
    assert "3x8" in told
    assert typeset("3x8 d'usine, CO2e", "en") == "3×8 d’usine, CO₂e"


def test_what_has_no_text_stays_as_it_is() -> None:
    assert translate("Atelier 7", "fr") == "Atelier 7"
    assert translate("", "fr") == ""
    assert translate("The territory file does not exist.", "fr").startswith("Le fichier")


def test_measured_parameters_are_written_as_the_language_writes_numbers():
    message = "{share} % of the length of streets one may walk along is cut off from the rest "
    message += "({count} pieces)."
    said = [
        Finding("info", "street_islands", message, count=2, params={"share": share}).render("fr")
        for share in (20.0437, 0.0334, 100.0, 7.25)
    ]
    assert [text.split(" %")[0] for text in said] == ["20,0", "0,0", "100", "7,25"]
    assert translate("{hours:g} h", "en", hours=7.25) == "7.25 h"


def test_whole_numbers_of_a_sentence_have_their_thousands_apart_and_mends_are_copied():
    message = "{count} stops lie more than {km} km from any other stop"
    far = Finding("warning", "stops_far", message, count=14542, params={"km": 1800})
    assert far.render("fr").startswith("14\u202f542 arrêts sont à plus de 1\u202f800 km")
    assert far.render("en").startswith("14,542 stops lie more than 1,800 km")
    assert translate("Homes: {count} communes", "en", count=14542) == "Homes: 14,542 communes"
    error = MobilityError("It is more than {le}.", mend="Write {le}.", value=20000, le=14542)
    assert error.render("fr") == "valeur '20000'\u00a0: C’est plus que 14\u202f542. → Write 14542."


def test_dates_of_an_error_are_told_in_words():
    message = "The timetables' calendar goes from {first} to {last}; only dates from {low} to "
    message += "{high} are looked at"
    days = {name: dt.date(2026, 3, k) for k, name in enumerate(("first", "last", "low", "high"), 1)}
    told = MobilityError(message, mend="From {first}.", **days).render("en")
    assert told.startswith(
        "The timetables' calendar goes from 1\u00a0March 2026 to 2\u00a0March 2026;"
    )
    assert told.endswith("→ From 2026-03-01.")


def test_a_kind_of_day_has_one_name() -> None:
    """The same alone, beside others and in a column of its own."""
    for kind, label in KIND_LABELS.items():
        for language in ("fr", "en"):
            said = words.Words(language)
            name = said.t(label)
            assert (said.symbol(kind), said.day(kind)) == (name, name)
            assert said.symbol(f"{kind} {kind}") == said.t("; ").join([name, name])
