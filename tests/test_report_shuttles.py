"""The report's part on shuttles: the written tables in words."""

import dataclasses
import io
import re
import shutil
from types import SimpleNamespace
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
from light_plans import write_light
from openpyxl import load_workbook
from PIL import Image
from printed import figure, not_printed, plain, word_tables
from pypdf import PdfReader
from test_report import Page
from typer.testing import CliRunner

from mobility import pipeline
from mobility.base.clock import DAY_S
from mobility.base.errors import SourceError
from mobility.base.i18n import typeset
from mobility.cli import app
from mobility.commute.loading import load
from mobility.outputs.pictures import GATE_DOT, frontier_png
from mobility.outputs.shuttle_tables import lines_figure, read_shuttles, shuttle_sheets
from mobility.outputs.words import Words
from mobility.shuttles.outputs import vehicles_table
from mobility.shuttles.plan import run_loads


@pytest.fixture(scope="module")
def territory(tmp_path_factory):
    return write_light(tmp_path_factory.mktemp("in"))


@pytest.fixture(scope="module")
def designed(territory, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out")
    results = pipeline.run(territory, folder, shuttles=True, lighter=True)
    report(territory, folder)
    return results, folder


def report(territory, folder, *words):
    done = CliRunner().invoke(app, ["report", str(territory), "-o", str(folder), *words])
    assert done.exit_code == 0, done.output


def page(folder):
    return Page((folder / "report.html").read_text(encoding="utf-8"))


def table(found, head):
    return next(t for t in found.tables if t[0][0] == head)


def test_page_tells_the_plan(designed):
    results, folder = designed
    plan, words = results.plans.knee, Words("fr")
    found = page(folder)
    text = " ".join(found.words)
    assert "Navettes" in found.words
    assert f"Plan de navettes {plan.name}\u00a0: " in text
    # Nothing is advised before the levers have been searched.
    assert "on ne sait s’il est conseillé" in text
    told = {row[0]: row[1] for row in table(found, f"Le plan {plan.name}")[1:]}
    assert told["€ par an"] == words.number(plan.costs.total)
    assert told["Emplois au roulement entier gagné, vérifié"] == words.number(plan.jobs_gained)
    assert told["Emplois visés par la conception, estimés"] == words.number(plan.rosters_estimate)
    assert told["€ par an et par usager"] == words.number(plan.eur_per_user)
    assert told["Courses"] == str(len(plan.runs))
    sizes = [v.name for v, n in zip(results.plans.config.vehicles, plan.operations.fleet,
                                    strict=True) if n]  # fmt: skip
    assert all(size in told["Véhicules par taille"] for size in sizes)


def test_booked_rides_are_told_beside_the_shuttle_and_add_up(designed):
    results, folder = designed
    plan, names = results.plans.knee, ("", "_days", "_costs", "_rides")
    ways, days, costs, rides = (
        pd.read_csv(folder / "shuttles" / f"on_demand{name}.csv") for name in names
    )
    assert set(ways["plan"]) >= {plan.name}
    mine = ways[ways["plan"] == plan.name].set_index("by")
    assert mine.index.tolist() == [b.by for b in plan.booked]
    assert mine["cheapest"].tolist() == [True] + [False] * (len(mine) - 1)
    # Run as a timetable, the engine takes each rider to the shift and home, by night too.
    assert mine["proven"].tolist()[0] == 1
    cheapest = mine.iloc[0]
    assert bool(plan.refused) == (cheapest["eur_per_boarding"] <= plan.eur_per_boarding)
    assert (costs["quantity"] * costs["price"]).to_numpy() == pytest.approx(costs["eur_year"])
    for key, way in ways.set_index(["plan", "by"]).iterrows():
        bill = costs[(costs["plan"] == key[0]) & (costs["by"] == key[1])]
        assert bill["eur_year"].sum() == pytest.approx(way["eur_year"], abs=1e-3)
        kinds = days[(days["plan"] == key[0]) & (days["by"] == key[1])]
        for column in ("boardings_year", "driven_km", "driver_hours"):
            assert kinds[column].sum() == pytest.approx(way[column], abs=0.02)
    served = rides[rides["refused"].isna()]
    assert (served["booked_riders"] * served["days_year"]).sum() == pytest.approx(
        cheapest["boardings_year"], rel=1e-3
    )
    # The longest ride accepted is one by the same rule for shuttles: detour, ride and whole time.
    assert (served["ride_min"] <= served["most_min"] + 1e-3).all()
    assert served["wait_min"].between(0, results.plans.config.on_demand_wait_min + 1e-3).all()
    assert (served["ride_min"] >= served["direct_min"] - 1e-3).all()
    head, *rows = table_with(page(folder), "Conduits en")
    assert [row[head.index("Conduits en")] for row in rows] == ways["by"].tolist()


def table_with(found, head):
    return next(t for t in found.tables if head in t[0])


def test_frontier_marks_the_plan_told(designed):
    results, folder = designed
    rows = table(page(folder), "Plan")
    marked = [row[0] for row in rows[1:] if row[1] == "oui"]
    assert marked == [results.plans.knee.name]
    assert [row[0] for row in rows[1:]] == [p.name for p in results.plans.plans]


def test_lines_runs_and_shares_are_those_of_the_plan(designed):
    results, folder = designed
    plan = results.plans.knee
    tables = [t for t in page(folder).tables if t[0][0] == "Ligne"]
    lines, stops, runs = tables
    assert [row[0] for row in lines[1:]] == [line.name for line in plan.lines]
    assert len(runs) - 1 == min(len(plan.runs), 12)
    places = {
        (plan.lines[run.line].name, results.plans.scene.places[place].name)
        for run in plan.runs
        for place in run.calls
        if place not in plan.lines[run.line].anchor.places
    }
    places = {(line, typeset(name, "fr")) for line, name in places}
    assert {(row[0], row[1]) for row in stops[1:]} <= places
    assert len(stops) - 1 == min(len(places), 12)
    for row, run in zip(runs[1:], plan.runs[:12], strict=True):
        aboard = sum(run.riders)
        assert row[-2] == Words("fr").number(aboard)
    factors = table(page(folder), "Facteur")
    assert len(factors) - 1 == len(results.plans.factors.rows)
    assert {row[6] for row in factors[1:]} == {"oui", "non"}


def test_the_calls_of_the_table_are_those_that_are_published(designed):
    results, folder = designed
    weekdays = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    for plan in results.plans.plans:
        feed = {
            name: pd.read_csv(io.BytesIO(zipped.read(f"{name}.txt")), dtype=str)
            for zipped in [ZipFile(folder / "shuttles" / f"{plan.name}.zip")]
            for name in ("stops", "trips", "calendar", "stop_times")
        }
        works = feed["calendar"].set_index("service_id")[weekdays] == "1"
        days = {s: "".join(str(d + 1) for d in np.flatnonzero(row)) for s, row in works.iterrows()}
        calls = feed["stop_times"].merge(feed["trips"], on="trip_id").merge(feed["stops"])
        published = zip(
            calls["service_id"].map(days), calls["stop_name"], calls["arrival_time"].str[:-3],
            calls["departure_time"].str[:-3], strict=True,
        )  # fmt: skip
        told = pd.read_csv(folder / "shuttles" / f"{plan.name}-timetable.csv", dtype=str)
        told = told[["weekdays", "stop", "arrive", "depart"]].itertuples(index=False, name=None)
        assert sorted(told) == sorted(published)


def test_a_return_after_midnight_is_told_to_be_on_the_day_after(designed):
    results, folder = designed
    late = [run.start_s >= DAY_S for run in results.plans.knee.runs]
    runs = [t for t in page(folder).tables if t[0][0] == "Ligne"][2]
    assert any(late[: len(runs) - 1])
    assert [row[4].endswith("(+1)") for row in runs[1:]] == late[: len(runs) - 1]


def test_page_word_file_and_pdf_print_the_same_figures(designed):
    folder = designed[1]
    told = [[[plain(cell) for cell in row] for row in t] for t in page(folder).tables]
    assert len(told) > 15
    assert word_tables(folder / "report.docx") == told
    assert not_printed(told, folder / "report.pdf", 12) == []


#: Head of a printed table's first column → its file, and keys of its figures by their heads.
PRINTED = {
    "Plan": ("shuttles/plans.csv", {
        "Lignes": "lines", "Véhicules": "vehicles", "€ par an": "eur_year",
        "Emplois gagnés": "jobs_gained", "Dont usagers attendus": "employees_gained",
        "€ par an et par emploi gagné": "eur_per_job", "€ par an et par usager": "eur_per_user",
        "Habitants qui gagnent leur premier roulement": "inhabitants_gained",
        "CO₂e évité (kg par an)": "co2_saved_kg",
    }),
    "Poste de coût": ("shuttles/costs.csv", {
        "Quantité (par an)": "quantity", "Prix (€)": "price", "€ par an": "eur_year",
        "€ par an, bas": "eur_low", "€ par an, haut": "eur_high",
    }),
    "Poste": ("shifts.csv", {
        "Aller et retour (actifs)": "reachable", "Aller seulement (actifs)": "outbound_only",
        "Retour seulement (actifs)": "return_only", "Ni aller ni retour (actifs)": "neither",
    }),
}  # fmt: skip
EXACT = ("quantity", "price")


def test_the_figures_of_the_word_file_are_those_of_the_tables(designed):
    """Read off the document, and off the CSV files, by nothing of the package."""
    results, folder = designed
    printed = word_tables(folder / "report.docx")
    for first, (name, keys) in PRINTED.items():
        frame = pd.read_csv(folder / name)
        if "item" in frame:
            frame = frame[frame["plan"] == results.plans.knee.name]
        mine = [t for t in printed if t[0][0] == first and set(keys) <= set(t[0])]
        assert mine, first
        for head, key in keys.items():
            told = [figure(row[t[0].index(head)]) for t in mine for row in t[1:]]
            # Two decimals, or whole to read; the files hold the rest.
            apart = np.abs(np.array(told) - frame[key].head(len(told)))
            assert (apart <= (0.005001 if key in EXACT else 0.500001)).all(), (first, head)


def test_lines_are_drawn_in_their_colours(designed):
    results, folder = designed
    found = read_shuttles([folder], results.study)
    args = (results.study, "© rues", Words("fr"))
    figure = lines_figure(found, *args)
    assert figure == lines_figure(found, *args)
    pixels = np.asarray(Image.open(io.BytesIO(figure.png)).convert("RGB"), np.int64)
    for colour in set(found.ways["color"]):
        ink = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
        assert (np.abs(pixels - ink).sum(axis=2) < 40).sum() > 100
    bare = dataclasses.replace(found, ways=found.ways.iloc[:0])
    assert lines_figure(bare, *args) is None


def test_pdf_and_workbook_have_the_part(designed):
    results, folder = designed
    plan = results.plans.knee
    pages = PdfReader(folder / "report.pdf").pages
    assert len(pages) <= 12
    text = "\n".join(p.extract_text() for p in pages)
    assert re.search(rf"Plan de navettes {plan.name}\s*:", text)
    book = load_workbook(folder / "report.xlsx")
    sheet = book["Plans de navettes"]
    head = [cell.value for cell in sheet[1]]
    rows = [dict(zip(head, (c.value for c in row), strict=True)) for row in sheet.iter_rows(2)]
    row = next(r for r in rows if r["Plan"] == plan.name)
    assert row["€ par an"] == pytest.approx(plan.costs.total, abs=0.01)
    assert row["Présenté"] == "oui"
    calls = book["Navettes, horaires"]
    assert calls.max_row - 1 == sum(len(run.calls) for run in plan.runs)


def test_calls_tell_the_riders_and_loads_of_the_plan(designed):
    results, folder = designed
    found = read_shuttles([folder], results.study)
    told = shuttle_sheets(found, results.study, Words("fr"))["timetable"].frame
    runs = results.plans.knee.runs
    riders = np.concatenate([run.riders for run in runs])
    assert told["riders"].to_numpy() == pytest.approx(riders, abs=0.501)
    assert told.groupby("run")["load"].max().to_numpy() == pytest.approx(
        [sum(run.riders) for run in runs], abs=0.501
    )


@pytest.mark.parametrize(
    ("direction", "riders", "loads"), [("in", (3, 2, 0), [3, 5, 5]), ("out", (0, 3, 2), [5, 2, 0])]
)
def test_loads_are_those_on_board_after_each_call(direction, riders, loads):
    run = SimpleNamespace(direction=direction, riders=riders)
    assert run_loads(run).tolist() == loads


def test_a_variant_tells_its_own_plan_from_another_folder(designed, territory, tmp_path):
    results, folder = designed
    other = next(p for p in results.plans.plans if p is not results.plans.knee)
    feed = folder / "shuttles" / f"{other.name}.zip"
    report(territory, tmp_path, "--with", str(feed), "--lang", "en")
    text = " ".join(page(tmp_path).words)
    assert f"Shuttle plan {other.name} (lines: " in text
    assert "Advised shuttle plan" not in text
    assert not set("éèêàç") & set("".join(
        cell for row in table(page(tmp_path), f"The plan {other.name}") for cell in row
    ))  # fmt: skip


def test_plans_of_other_inputs_are_not_told(designed, territory, tmp_path):
    _, folder = designed
    shutil.copytree(folder, tmp_path / "out")
    other = territory.with_name("other.toml")
    text = territory.read_text(encoding="utf-8")
    other.write_text(re.sub(r"max_total_min = \d+", "max_total_min = 59", text), encoding="utf-8")
    report(other, tmp_path / "out")
    assert "Navettes" not in page(tmp_path / "out").words


def test_tables_of_an_older_version_are_refused_or_left_out(designed, tmp_path):
    results, folder = designed
    shutil.copytree(folder, tmp_path / "out")
    (tmp_path / "out" / "shuttles" / "vehicles.csv").unlink()
    found = read_shuttles([tmp_path / "out"], results.study)
    assert "vehicles" not in shuttle_sheets(found, results.study, Words("fr"))
    path = tmp_path / "out" / "shuttles" / "plans.csv"
    pd.read_csv(path).drop(columns="jobs_estimate").to_csv(path, index=False)
    with pytest.raises(SourceError, match="jobs_estimate"):
        read_shuttles([tmp_path / "out"], results.study)


def test_vehicles_add_up_to_those_of_each_plan(designed):
    plans = designed[0].plans
    total = vehicles_table(plans).groupby("plan")["number"].sum()
    assert total.to_dict() == {p.name: p.operations.vehicles for p in plans.plans}


def test_chart_marks_one_plan():
    plans = pd.DataFrame(
        {
            "plan": ["P01", "P02", "P03"],
            "eur_year": [30e3, 60e3, 200e3],
            "jobs_gained": [40.0, 90.0, 110.0],
        }
    )
    png = frontier_png(plans, "P02", Words("fr"))
    assert png == frontier_png(plans, "P02", Words("fr"))
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), np.int64)
    mark = np.array([int(GATE_DOT[i : i + 2], 16) for i in (1, 3, 5)])
    assert (np.abs(pixels - mark).sum(axis=2) < 40).sum() > 50
    assert frontier_png(plans.iloc[:1], "P01", Words("fr")) is None


def test_report_without_plans_has_no_part(territory, tmp_path):
    report(territory, tmp_path)
    assert "Navettes" not in page(tmp_path).words
    assert read_shuttles([tmp_path], load(territory)) is None
