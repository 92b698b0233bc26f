"""The mobility plan, the letter and the files of the levers, on the embedded demo."""

import io
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from feeds import trip, write_gtfs
from pypdf import PdfReader
from small import PLACES_M, SERVICES, TRIPS, lonlat, write_territory
from typer.testing import CliRunner

from mobility.base.errors import TerritoryError
from mobility.cli import app
from mobility.commute.access import assess
from mobility.commute.examples import answers
from mobility.commute.indicators import by_shift
from mobility.commute.last_return import last_return
from mobility.commute.ledger import Ledger
from mobility.commute.loading import load
from mobility.commute.white_zones import white_zones
from mobility.outputs.advice import advice_sentence
from mobility.outputs.letter import request_letter, requests, write_letter
from mobility.outputs.levers import levers_table, searched
from mobility.outputs.map.export import find_browser
from mobility.outputs.plan import _opening, mobility_plan
from mobility.outputs.plan_tables import driving, supply, versement
from mobility.outputs.render import html_page, markdown_text, pdf_bytes, write_document, write_index
from mobility.outputs.tables import Document, Heading, Table, Text
from mobility.outputs.words import Words
from mobility.outputs.workbook import mode_tables
from mobility.remedies.candidates import SearchOptions
from mobility.remedies.factors import load_factors
from mobility.remedies.fixes import fixes_of
from mobility.remedies.model import Lever
from mobility.remedies.recommendations import retiming_remedy
from mobility.remedies.search import Outcome, workbench
from mobility.territory.project import Territory

DEMO = Path(__file__).parents[1] / "data" / "demo.toml"
HEADINGS = [
    "L’essentiel",
    "Offre de transport",
    "Localisation et potentiel",
    "Programme d’actions",
    "Plan de financement",
    "Calendrier",
    "Suivi",
    "Méthode et sources",
]


@pytest.fixture(scope="module")
def access():
    territory = Territory.from_toml(DEMO)
    factors = territory.factors | {"versement_mobilite_rate": 0.02}
    return assess(load(territory.model_copy(update={"factors": factors})))


@pytest.fixture(scope="module")
def made(access, tmp_path_factory):
    options = SearchOptions(kinds=("move_trip",), moves_s=(-1200, -600, 600, 1200))
    return searched(access, tmp_path_factory.mktemp("none"), options=options)


@pytest.fixture(scope="module")
def found(made):
    return made.found


@pytest.fixture(scope="module")
def plan(access, made):
    return mobility_plan(access, made.advice, late=last_return(access.study))


def test_headings_of_the_employer_plan(plan):
    assert [part.text for part in plan.document.parts] == HEADINGS
    html = html_page(plan.document)
    assert html.count("<h2") == len(HEADINGS)
    assert "http" not in re.sub(r"<p>.*?</p>", "", html)


def test_no_english_left_in_the_french_headers(plan):
    text = markdown_text(plan.document)
    heads = {
        h.strip() for line in text.splitlines() if line.startswith("| ") for h in line.split("|")
    }
    for column in ("day_kind", "eur_year", "nearest_walk_min", "tco2e_car", "on_time", "payroll"):
        assert column not in heads


def test_payroll_and_versement(access):
    frame = versement(access.study, load_factors(access.study.territory.factors))
    for row in frame.itertuples():
        assert row.payroll == row.headcount * 31_656
        assert row.versement == round(row.payroll * 0.02)


def test_employers_share_the_whole_cost(plan):
    """Each step's euros, by each key, are those of its set to the cent."""
    steps, point = plan.tables["employers"], plan.tables["frontier"].query("advised")
    for key in ("headcount", "jobs", "stable"):
        paid = steps.groupby("step")[f"eur_{key}"].sum().round(2)
        assert paid.iloc[0] == 0
        assert paid.iloc[-1] == point["eur_year"].item()
        assert paid.is_monotonic_increasing
    financing = plan.tables["financing"]
    assert round(financing["remedies"].sum(), 2) == point["eur_year"].item()


def test_driving_figures(access):
    frame = driving(access, load_factors())
    # The same roads as in the comparison of modes, whoever holds by car.
    modal = mode_tables(access)["modal"].query("mode == 'car'")
    km = modal.groupby(["site", "roster"])["km"].agg(["min", "max"])
    for row in frame.itertuples():
        told = km.loc[(row.site, row.roster)]
        assert told["min"] - 0.3 <= row.car_km <= told["max"] + 0.3
    for row in frame.itertuples():
        assert row.eur_worker_transit + row.eur_employer_transit == 400
        assert 0 <= row.tco2e_spared <= row.tco2e_car
        # Two ways a day, 218 days at most, shared by 1.08 persons, at 228 g.
        most = row.headcount * 218 * 2 * (row.car_km + 0.05) / 1.08 * 228 / 1e6
        assert row.tco2e_car <= most + 0.06
    # Four of the six edges of 3x8 lie in the night, on as many days as are driven.
    three = frame[frame["roster"] == "3x8"].iloc[0]
    assert three["night_trips"] == pytest.approx(three["headcount"] * 218 * 4 / 3, abs=1)
    day = frame[frame["roster"].isin(["office", "bureau", "day", "journée"])]
    assert (day["night_trips"] == 0).all()
    assert frame["night_trips"].max() > 0


@pytest.mark.parametrize("none", [False, True])
def test_jobs_that_nobody_counted_are_not_told_as_none(made, none):
    """The first roster without a headcount, or all of them."""
    rosters = made.advice.tables["followup"].copy()
    lacking = rosters.index if none else rosters.index[:1]
    rosters.loc[lacking, ["jobs", "jobs_now", "jobs_target"]] = 0.0
    advice = replace(made.advice, tables={**made.advice.tables, "followup": rosters})
    _, *told = (block.text for block in _opening(advice, Words("en")) if hasattr(block, "text"))
    if none:
        assert len(told) == 1
        assert "how many jobs can be held is not known" in told[0]
    else:
        first = f"{rosters['site'][0]}, {Words('en').roster(rosters['roster'][0])}"
        assert told[0].startswith("Today ")
        assert told[1] == f"1 roster has no headcount, and is in none of these figures: {first}."


def test_target_is_no_less_than_today(plan):
    frame = plan.tables["followup"].dropna()
    assert (frame["target"] >= frame["now"]).all()


def test_target_of_the_jobs_is_that_of_the_frontier(plan):
    frame, point = plan.tables["followup"], plan.tables["frontier"].query("advised")
    gained = (frame["jobs_target"] - frame["jobs_now"]).sum()
    # Whole jobs, roster by roster.
    assert gained == pytest.approx(point["jobs"].item(), abs=len(frame))
    assert (frame["jobs_target"] <= frame["jobs"]).all()
    # What the first sentence says is the sum of the table.
    said = markdown_text(plan.document).split("\n")
    first = next(line for line in said if "tenables sans voiture" in line)
    words = Words("fr")
    for name in ("jobs", "jobs_now", "jobs_target"):
        assert f" {words.number(frame[name].sum())}" in first
    assert frame["jobs_target"].sum() == pytest.approx(
        frame["jobs_now"].sum() + point["jobs"].item(), abs=0.02 * len(frame)
    )


def test_letter_asks_for_what_is_advised_in_jobs(access, made, tmp_path):
    said = Words("fr").set_spaces
    text = said(markdown_text(request_letter(made.advice, access.study)))
    asked = [r for r in made.advice.advised if r.kind == "move_trip"][:5]
    assert asked
    for number, row in enumerate(requests(asked, "fr").to_dict("records"), start=1):
        assert row["request"] == number
        for key in ("line", "trips", "present", "proposed", "rosters", "jobs_gained"):
            assert said(str(row[key])) in text
    assert "À l’autorité organisatrice" in text
    # What a letter needs: an addressee, a place and a day to fill in, a signature; on one page.
    for part in ("À l’attention de", "(adresse)", ", le …", "Objet", "(nom, qualité et signature)"):
        assert part in text
    letter = request_letter(made.advice, access.study)
    written = {path.name for path in write_letter(letter, tmp_path)}
    assert {"letter.md", "letter.html", "letter.docx"} <= written
    assert (tmp_path / "index.html").stat().st_size > 100
    assert len(PdfReader(io.BytesIO(pdf_bytes(letter))).pages) == 1
    nobody = replace(made.advice, against=("no whole roster is gained",) * len(made.remedies))
    with pytest.raises(TerritoryError, match="No change of timetable is advised"):
        request_letter(nobody, access.study)


def test_letter_tells_all_departures_of_a_line_and_counts_a_pair_once(access, made):
    """A line moved shows its first and last departures; two rows of a pair say so."""
    one = next(r for r in made.advice.advised if r.kind == "move_trip")
    params = {"kind": "move_line", "present": "23:10", "last": "23:50", "proposed": "23:25"}
    # Of a pair, the kind of each change stands in its parameters.
    line = replace(one, kind="pair", params=one.params | params)
    (row,) = requests([line], "fr").to_dict("records")
    assert (row["present"], row["proposed"]) == ("23:10–23:50", "23:25–00:05")
    line = replace(line, params=line.params | {"last": "23:10"})
    (row,) = requests([line], "fr").to_dict("records")
    assert (row["present"], row["proposed"]) == ("23:10", "23:25")
    told = {}
    for also in ((), (one,)):
        asked = (replace(one, kind="pair", also=also),)
        advice = replace(made.advice, remedies=asked, against=("",))
        told[bool(also)] = markdown_text(request_letter(advice, access.study, "en"))
    assert "their jobs count once" in told[True]
    assert "their jobs count once" not in told[False]


def test_letter_tells_which_way_a_trip_is_extended_and_its_hour_at_the_gate(tmp_path):
    rosters = '[{ template = "3x8", headcount = 30 }]'
    bench = workbench(assess(load(write_territory(tmp_path, rosters=rosters))))
    gate, ids = len(bench.study.feed.stops) - 1, list(bench.study.feed.trip_ids)
    told = []
    for name, start in (("home13", True), ("noon", False)):
        lever = Lever("extend", (ids.index(name),), stop=gate, drive_s=360, at_start=start)
        outcome = Outcome(lever, {}, bench.scores.score({}))
        (row,) = requests([retiming_remedy(bench, outcome, load_factors())], "fr").to_dict(
            "records"
        )
        told.append((row["present"], row["change"]))
    # B→A leaves at 13:20, A→B arrives at 12:35.
    assert told == [
        ("13:20", "départ depuis le site à 13:14"),
        ("12:15", "prolongement jusqu’au site, arrivée à 12:41"),
    ]


def test_levers_table_tells_every_lever(found):
    frame = levers_table(found)
    assert frame["workers_gained"].notna().all()
    assert len(frame) == len(found.outcomes)


def test_minutes_to_fix_are_those_of_a_lever(found):
    fixes = fixes_of(found)
    frame = fixes.to_frame("fr")
    assert set(frame["minutes"]) <= {abs(lever.shift_s) // 60 for lever in fixes.levers}
    row = frame.iloc[0]
    assert row["line"] in row["move"]
    assert f"{row['minutes']} min plus t" in row["move"]


def test_documents_show_texts_as_they_are():
    table = Table(("a|b", "n"), (("<x>", "1\u202f234,5"),), (False, True), "cap")
    made = Document("fr", "T & U {{ 7*7 }}", (Heading("S"), Text("one"), table))
    assert "T &amp; U {{ 7*7 }}" in html_page(made)
    assert "&lt;x&gt;" in html_page(made)
    assert "| a\\|b | n |\n| --- | ---: |" in markdown_text(made)
    assert "1\u202f234,5" in markdown_text(made)


def test_commands_write_their_files(tmp_path):
    trips = [t if t[0] != "early" else ("early", "A", "28:45", "B", "29:05", "eve") for t in TRIPS]
    territory = str(write_territory(tmp_path / "in", trips=trips))
    runner, out = CliRunner(), tmp_path / "out"
    # What earlier runs wrote and these do not leaves; what is not theirs stays.
    out.mkdir()
    older = ("plan_carpool.csv", "cycle_tracks.geojson", "levers.html")
    for name in (*older, "plan_notes.csv", "cycle_tracks.csv"):
        (out / name).write_text("of another time")
    for command, files in {
        "levers": (
            "levers.csv",
            "map.html",
            "minutes_to_fix.gpkg",
            "recommendations.md",
            "shift_hours.csv",
        ),
        "plan": ("plan.md", "plan.html", "plan_supply.csv", "plan_actions.csv"),
    }.items():
        done = runner.invoke(app, [command, territory, "-o", str(out), "--lang", "en"])
        assert done.exit_code == 0, done.output
        for name in files:
            assert (out / name).stat().st_size > 100
        assert "<h1>Droiteville</h1>" in (out / "index.html").read_text("utf-8")
    assert "20 min earlier (04:45 → 04:25)" in (out / "recommendations.md").read_text("utf-8")
    assert [name for name in older if (out / name).exists()] == []
    assert all((out / name).exists() for name in ("plan_notes.csv", "cycle_tracks.csv"))
    # Without headcounts no roster is gained by any job: there is nothing to ask for.
    done = runner.invoke(app, ["letter", territory, "-o", str(out), "--lang", "en"])
    assert done.exit_code == 2
    assert "No change of timetable is advised" in " ".join(done.output.split())
    assert not (out / "letter.md").exists()
    assert (out / "minutes_to_fix.csv").read_text("utf-8").splitlines()[1:] == [
        "H1,Usine,3x8,matin,school_weekday,20,R,early,line R: 04:45 → 04:25 (20 min earlier)"
    ]


@pytest.mark.browser
def test_wide_tables_scroll_inside_their_box(tmp_path):
    """On a phone, and axe-core finds nothing on the page of a document nor on the index."""
    playwright = pytest.importorskip("playwright.sync_api")
    browser = find_browser()
    if browser is None:
        pytest.skip("no Chromium on this machine")
    row = ("Rue de la Fonderie", *["1\u202f113\u202f188"] * 11)
    table = Table(tuple("abcdefghijkl"), (row,), (False, *[True] * 11), "Table")
    made = Document("fr", "Plan", (Heading("Part"), Text("x" * 90), table))
    path = write_document(made, tmp_path, "plan")[0]
    write_index(tmp_path, tmp_path, "fr", "Bassin")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()

    def visit():
        with playwright.sync_playwright() as driver:
            window = driver.chromium.launch(executable_path=browser, args=["--no-sandbox"])
            tab = window.new_page(viewport={"width": 390, "height": 800})
            tab.goto(path.as_uri())
            widths = tab.evaluate(
                "[document.documentElement.scrollWidth,"
                " document.querySelector('.scroll').scrollWidth]"
            )
            found = axe.run(tab).response["violations"]
            tab.goto((tmp_path / "index.html").as_uri())
            found += axe.run(tab).response["violations"]
            widths.append(tab.evaluate("document.documentElement.scrollWidth"))
            window.close()
            return widths, [one["id"] for one in found]

    with ThreadPoolExecutor(max_workers=1) as pool:
        (page, table, index), found = pool.submit(visit).result()
    assert max(page, index) <= 390 < table
    assert found == []


def test_supply_counts_the_departures_of_a_headway(tmp_path):
    """From A every 10 min from 07:00 to 08:00: 07:00 to 07:50 is sure, six departures."""
    path = write_territory(tmp_path, trips=[])
    often = trip("often", [("A", "00:00"), ("B", "00:20")], service="week")
    once = trip("once", [("A", "09:00"), ("B", "09:20")], service="week")
    row = {"trip_id": "often", "start_time": "07:00:00", "end_time": "08:00:00",
           "headway_secs": 600}  # fmt: skip
    for exact in (0, 1):
        write_gtfs(
            tmp_path / "gtfs.zip", stops={n: lonlat(PLACES_M[n]) for n in ("A", "B")},
            trips=[often, once], services=SERVICES, frequencies=[row | {"exact_times": exact}],
        )  # fmt: skip
        found = supply(load(path)).iloc[0]
        assert found["departures"] == 6 + 1
        assert found["lines"] == "R"


def test_a_ride_at_a_headway_is_a_wait_and_a_ride(tmp_path):
    """The day shift starts at 08:00, margin to 07:50: B by 07:46, so A's stop by 07:16 at most."""
    path = write_territory(tmp_path, trips=[], rosters='["day"]')
    often = trip("often", [("A", "00:00"), ("B", "00:20")], service="week")
    row = {"trip_id": "often", "start_time": "06:00:00", "end_time": "08:00:00",
           "headway_secs": 600, "exact_times": 0}  # fmt: skip
    write_gtfs(
        tmp_path / "gtfs.zip", stops={n: lonlat(PLACES_M[n]) for n in ("A", "B")},
        trips=[often], services=SERVICES, frequencies=[row],
    )  # fmt: skip
    out, _ = answers(load(path), 0, "school_weekday")
    assert [(leg.kind, leg.depart, leg.arrive) for leg in out.texts(0)] == [
        ("walk", "07:11", "07:16"), ("wait", "07:16", "07:26"), ("ride", "07:26", "07:46"),
        ("walk", "07:46", "07:50"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("count", "english", "french"),
    [
        (1, "Advised: one remedy, which gains 12 jobs", "Un seul remède conseillé : il rend"),
        (2, "Advised: 2 remedies that together", "Remèdes conseillés : 2. Ensemble, ils rendent"),
    ],
)
def test_one_remedy_is_told_in_the_singular(count, english, french):
    point = {"jobs": 12.0, "eur_year": 9000.0, "eur_per_job": 750.0, "users": 4.0,
             "eur_per_user": 2250.0}  # fmt: skip
    advice = SimpleNamespace(point=point, advised=[None] * count)
    assert advice_sentence(advice, Words("en")).startswith(english)
    assert advice_sentence(advice, Words("fr")).replace("\xa0", " ").startswith(french)


def test_factors_of_the_plan_are_named_by_what_they_are(plan):
    text = markdown_text(plan.document).replace("\\", "")
    assert "Jours travaillés par salarié (worked_days_year)" in text
    assert "Voiture, émissions (co2.car)" in text


@pytest.mark.parametrize("given", ["headcount", "default_headcount"])
def test_a_headcount_supposed_counts_wherever_one_given_does(tmp_path, given):
    """Fifty jobs a shift, in every table that tells jobs."""
    told = ", headcount = 50" if given == "headcount" else ""
    hours = [("05:00", "13:00"), ("13:00", "21:00")]
    shifts = ", ".join(
        f'{{ name = "{a[:2]}", start = "{a}", end = "{b}"{told} }}' for a, b in hours
    )
    extra = "" if told else "[shuttles]\ndefault_headcount = 50"
    path = write_territory(
        tmp_path, rosters=f'[{{ name = "r", shifts = [{shifts}] }}]', extra=extra
    )
    path.write_text(path.read_text(encoding="utf-8").replace('"walk"]', '"walk", "car"]'), "utf-8")
    study = load(path)
    access, factors = assess(study), load_factors()
    row = driving(access, factors).iloc[0]
    assert (row["headcount"], row["night_trips"]) == (100, 100 * 218)  # one edge each in the night
    assert row["tco2e_car"] > 50
    assert versement(study, factors)["headcount"].tolist() == [100]
    assert by_shift(access, white_zones(access))["headcount"].tolist() == [50, 50]
    assert Ledger.of(study).site_jobs(0) == pytest.approx(100)
    assert (mode_tables(access)["modal"].query("mode == 'car'")["night_vkm_year"] > 0).all()
