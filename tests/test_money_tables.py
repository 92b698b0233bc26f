"""Every euro and job of three territories, found again in the written tables alone.

The embedded demo, and cuts of two real territories: a few hundred homes, one kind of day, two of
their sites. What `mobility levers --shuttles` wrote is read; nothing of the search is used, and
plan, letter and report are made from those files as the commands make them.
"""

import io
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from light_plans import write_cut
from money_told import contradictions, figures_of_page_one, stands_in
from openpyxl import load_workbook

from mobility.commute.access import assess
from mobility.commute.loading import load
from mobility.commute.white_zones import white_zones
from mobility.outputs.advice import plan_sentence, read_advice
from mobility.outputs.letter import ASKED, request_letter, write_letter
from mobility.outputs.lever_shuttles import illustrate
from mobility.outputs.levers import searched, write_levers
from mobility.outputs.map.from_plans import map_plans
from mobility.outputs.plan import mobility_plan
from mobility.outputs.render import markdown_text
from mobility.outputs.report import Writer, write_report
from mobility.outputs.shuttle_tables import read_shuttles
from mobility.outputs.tables import Bullets, Document, Table, Text
from mobility.outputs.words import Words
from mobility.outputs.workbook import all_sheets, workbook_bytes
from mobility.remedies.candidates import SearchOptions
from mobility.shuttles.sharing import group_cost, overcharged
from mobility.territory.project import Territory

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data"
SLOW = ("montpellier-2025", "rhein-neckar")
NAMES = ("demo", *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW))
#: Every how many homes one is kept.
THINNED = {"montpellier-2025": 8, "rhein-neckar": 12}
FEW = SearchOptions(
    kinds=("move_trip", "add_run"), moves_s=tuple(60 * m for m in (-30, -15, 15, 30))
)


def territory_of(name, folder):
    """The demo, or a cut of a real territory."""
    if name == "demo":
        return Territory.from_toml(write_cut(folder / "in", "school_weekday", "sunday"))
    if not SHARED.is_dir():
        pytest.skip("the real extracts are not in ../shared/data")
    whole = Territory.from_toml(ROOT / "examples" / name / "territory.toml")
    homes = pd.read_csv(whole.resolve(whole.sources.homes.file))
    homes[:: THINNED[name]].to_csv(folder / "homes.csv", index=False)
    own = whole.sources.homes.model_copy(update={"file": folder / "homes.csv"})
    dates = {k: v for k, v in whole.days.dates.items() if k == "school_weekday"}
    days = whole.days.model_copy(update={"kinds": ["school_weekday"], "dates": dates})
    cut = {"sources": whole.sources.model_copy(update={"homes": own}), "days": days}
    return whole.model_copy(update=cut | {"sites": whole.sites[:2]})


class Written:
    """What the levers of a territory wrote, and the study that they are of."""

    def __init__(self, name, folder, shown=0):
        self.folder = folder
        self.access = assess(load(territory_of(name, folder)))
        self.zones = white_zones(self.access)
        self.study = self.access.study
        made = searched(self.access, folder, design=True, options=FEW)
        self.plans = made.plans
        bench = made.found.bench
        drawn = illustrate(bench, self.zones, made.remedies[:shown]) if shown else ()
        write_levers(replace(made, illustrations=tuple(drawn)), folder, "en", maps=bool(shown))
        self.advice = read_advice([folder], self.study, designed=True)
        words = Words("en", self.study.days)
        self.sheets = all_sheets(self.access, self.zones, None, words)

    def table(self, name):
        return pd.read_csv(self.folder / f"{name}.csv")


@pytest.fixture(scope="module", params=NAMES)
def written(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    return Written(request.param, folder, shown=4 if request.param == "demo" else 0)


@pytest.fixture(scope="module")
def pages(written):
    """The folder of the demo with every page, as the commands write them."""
    if not (written.folder / "map.html").is_file():
        pytest.skip("the pages are those of the demo")
    study, folder = written.study, written.folder
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mobility.outputs.report.pdf_bytes", no_pdf)
        patch.setattr("mobility.outputs.letter.pdf_bytes", no_pdf)
        write_report(written.access, written.zones, folder, language="en")
        mobility_plan(written.access, written.advice, language="en").write(folder)
        write_letter(request_letter(written.advice, study, "en"), folder)
    return folder


def no_pdf(document):
    raise RuntimeError


def recomputed(costs, factors):
    """EUR a year of each line, from its quantity and the values of its factors."""
    euros = []
    for row in costs.itertuples():
        price = 1.0
        for name in row.factors.split():
            price = price / factors[name[1:]] if name[0] == "/" else price * factors[name]
        assert row.price == pytest.approx(price, rel=1e-12)
        assert row.eur_low <= row.eur_year <= row.eur_high
        euros.append(row.quantity * price)
    return np.array(euros)


def test_every_euro_is_computed_again_to_the_cent(written):
    remedies, costs, sets = map(written.table, ("remedies", "remedy_costs", "set_costs"))
    rows = pd.concat([written.table("lever_factors"), written.table("levers_shuttles/factors")])
    factors = rows.drop_duplicates("name").set_index("name")["value"]
    paid = pd.Series(recomputed(costs, factors)).groupby(costs["rank"]).sum().round(2)
    assert paid.tolist() == remedies["eur_year"].tolist()
    # Each set of the frontier too, with the users that the rest of it leaves.
    told = written.table("frontier").fillna({"set": ""})
    name = sets["set"].astype(str)
    paid = pd.Series(recomputed(sets, factors)).groupby(name).sum().round(2)
    assert (
        paid.reindex(told["set"].astype(str), fill_value=0.0).tolist() == told["eur_year"].tolist()
    )
    # Both ends too: they mean the same of a remedy, of a set and of a line of a bill.
    for end in ("eur_low", "eur_high"):
        paid = costs.groupby("rank")[end].sum()
        assert np.allclose(paid, remedies[end], rtol=0, atol=0.01)
        paid = sets.groupby(name)[end].sum().reindex(told["set"].astype(str), fill_value=0.0)
        assert np.allclose(paid, told[end], rtol=0, atol=0.01)
    # And the plans of shuttles.
    plans, costs = written.table("levers_shuttles/plans"), written.table("levers_shuttles/costs")
    paid = pd.Series(recomputed(costs, factors)).groupby(costs["plan"]).sum()
    assert np.allclose(paid[plans["plan"]], plans["eur_year"], rtol=0, atol=0.005)
    some = plans[plans["jobs_gained"] > 0]
    assert np.allclose(some["eur_per_job"], some["eur_year"] / some["jobs_gained"])
    # Roster by roster too, and more money never gains less.
    rosters = written.table("levers_shuttles/rosters").groupby("plan")["jobs_gained"].sum()
    assert np.allclose(rosters[plans["plan"]], plans["jobs_gained"], rtol=0, atol=0.01)
    assert plans["jobs_gained"].is_monotonic_increasing


def test_jobs_users_and_what_they_cost_hang_together(written):
    remedies, sets = written.table("remedies"), written.table("frontier")
    heads = {site.name: sum(r.headcount for r in written.study.shift_rows if r.site == k)
             for k, site in enumerate(written.study.sites)}  # fmt: skip
    for row in remedies.itertuples():
        staff = sum(heads[name] for name in row.site.split(" + "))
        # Nobody is counted above the headcount of the sites served.
        assert 0 <= row.jobs <= staff + 1e-6
        assert 0 <= row.users <= row.jobs + 1e-6
        net = row.jobs - row.jobs_lost
        if net > 0:
            assert row.eur_per_job == pytest.approx(row.eur_year / net, abs=0.01)
            assert row.eur_per_job_low <= row.eur_per_job <= row.eur_per_job_high
        assert row.rank_best <= row.rank <= row.rank_worst
        # Nothing is free: "0 EUR" is written of no remedy.
        assert row.eur_year > 0
        assert not re.search(r"\b0 EUR", row.sentence)
    # More money never gains less; every point is what a full run finds.
    assert np.allclose(sets["jobs"], sets["jobs_proven"])
    assert sets["jobs"].is_monotonic_increasing
    assert sets["eur_year"].is_monotonic_increasing
    assert (sets["jobs_bound"] >= sets["jobs"] - 1e-9).all()
    assert sets["jobs"].max() <= sum(heads.values())
    assert len(sets) >= 12
    for what in ("eur", "jobs", "users"):
        middle = sets["eur_year" if what == "eur" else what]
        assert (sets[f"{what}_low"] <= middle + 0.01).all()
        assert (middle <= sets[f"{what}_high"] + 0.01).all()


def test_the_first_three_pieces_of_advice_gain_whole_rosters(written):
    remedies, sets = written.table("remedies"), written.table("frontier")
    advised = remedies[remedies["advised"]]
    assert len(advised) >= 3
    assert ((advised["jobs"] - advised["jobs_lost"]).iloc[:3] >= 1).all()
    # One rule: what is advised is the set advised, and all else says why not.
    chosen = sets.loc[sets["advised"], "set"].item().split()
    assert [str(rank) for rank in advised["rank"]] == chosen
    assert remedies.loc[~remedies["advised"], "refused"].notna().all()


def test_every_page_tells_the_same_euros_a_job(written):
    """Plan, letter, report, its workbook and the map, of the levers' written tables."""
    study, words = written.study, Words("en", written.study.days)
    remedies = written.table("remedies")
    plan = mobility_plan(written.access, written.advice, language="en")
    assert plan.tables["actions"]["eur_per_job"].tolist() == pytest.approx(
        remedies["eur_per_job"].tolist(), nan_ok=True
    )
    writer = Writer(written.access, written.zones, words, written.sheets, None, written.advice)
    told = tuple(one for one in writer.essentials() if isinstance(one, Text | Bullets))
    report = Document("en", "One page", told)
    letter = request_letter(written.advice, study, "en")
    page, whole = (words.set_spaces(markdown_text(one)) for one in (report, plan.document))
    point = written.advice.point
    lead = words.number(point["eur_per_job"])
    assert f"{lead} EUR a year a job" in page
    assert f"{lead} EUR a year a job" in whole
    advised = remedies[remedies["advised"]]
    for row in advised.head(3).itertuples():
        assert words.set_spaces(row.sentence) in whole
    # The letter asks for what the authority of the timetables can change.
    wished = advised[advised["kind"].isin(ASKED)].head(5)
    listed = [row[-1] for one in letter.blocks if isinstance(one, Table) for row in one.rows]
    assert set(listed) == {words.number(x) for x in wished["eur_per_job"]}
    # The first page prices the three that gain most jobs.
    (priced,) = (one for one in writer.essentials() if isinstance(one, Table))
    jobs = advised["jobs"] - advised["jobs_lost"]
    largest = advised.loc[jobs.sort_values(ascending=False, kind="stable").index[:3]].sort_index()
    figures = [jobs[largest.index], largest["eur_year"], largest["eur_per_job"]]
    # Each bears the rank it has in the list of all remedies.
    assert [int(row[0].partition(".")[0]) for row in priced.rows] == largest["rank"].tolist()
    assert [row[2:] for row in priced.rows] == list(
        zip(*([words.number(value) for value in column] for column in figures), strict=True)
    )


def test_a_plan_of_shuttles_has_one_price_a_job(written):
    """In its own tables, among the remedies, in the report and on the map."""
    words = Words("en", written.study.days)
    knee, plans = written.plans.knee, written.table("levers_shuttles/plans").set_index("plan")
    mine = [r for r in written.advice.remedies if r.params.get("plan") == knee.name]
    whole_plan = max(mine, key=lambda r: r.eur_year)  # Its two kinds of lines are told alone too.
    row = plans.loc[knee.name]
    assert row["jobs_gained"] == pytest.approx(whole_plan.net_jobs, abs=1e-6)
    for column in ("eur_year", "eur_per_job", "eur_per_user"):
        assert row[column] == pytest.approx(getattr(whole_plan, column), rel=1e-9)
    facts = dict(next(p for p in map_plans(written.plans) if p.name == knee.name).facts)
    assert facts["EUR a year per job gained"] == f"{whole_plan.eur_per_job:.0f}"
    # The report tells the plan that the advice was given with, and what the advice says of it.
    found = read_shuttles([written.folder], written.study)
    told = plan_sentence(found.row, written.advice, words)
    assert f"Shuttle plan {knee.name} (" in told
    assert f"{words.number(whole_plan.eur_per_job)} EUR a year a job" in told
    assert ("It is advised" in told) == (whole_plan in written.advice.advised)
    assert "not known" not in told


def test_a_set_of_one_remedy_is_that_remedy(written):
    remedies, sets = written.table("remedies").set_index("rank"), written.table("frontier")
    for row in sets.fillna({"set": ""}).itertuples():
        if not (name := str(row.set)).isdecimal():
            continue
        alone = remedies.loc[int(name)]
        assert row.jobs == pytest.approx(alone["jobs"] - alone["jobs_lost"], abs=1e-6)
        for what in ("eur_year", "users", "users_low", "users_high"):
            assert getattr(row, what) == pytest.approx(alone[what], abs=0.01)


def test_three_figures_drawn_by_lot_are_found_in_the_workbook(written):
    """As a finance director does: figures of the pages, from the spreadsheet alone."""
    study, draw = written.study, np.random.default_rng(16)
    sheets = written.advice.sheets(study, "en")
    book = load_workbook(io.BytesIO(workbook_bytes(sheets, study, Words("en", study.days))))

    def rows(name):
        head, *rest = book[name].iter_rows(values_only=True)
        return [dict(zip(head, row, strict=True)) for row in rest]

    factors = {row["Factor"]: row["Value"] for row in rows("Factors of the remedies")}
    lines, remedies = rows("Costs of the remedies"), rows("Remedies")
    for k in draw.choice(len(remedies), 3, replace=False):
        remedy, mine = remedies[k], [x for x in lines if x["Rank"] == remedies[k]["Rank"]]
        euros = sum(x["Quantity (a year)"] * x["Price (EUR)"] for x in mine)
        assert remedy["EUR a year"] == pytest.approx(euros, abs=0.01)
        net = remedy["Jobs gained"] - (remedy["Jobs lost"] or 0)
        if remedy["EUR a year per job gained"] is not None:
            assert remedy["EUR a year per job gained"] == pytest.approx(euros / net, abs=0.01)
        for x in mine:
            names = (x["Factors"] or "").split()
            if len(names) == 1 and names[0] in factors:
                assert x["Price (EUR)"] == pytest.approx(factors[names[0]])


def test_no_group_of_employers_pays_more_than_alone(written):
    """By the stable key of the plan told, and to the cent by every key of every plan."""
    plans, found = written.plans, written.table("levers_shuttles/plans")
    for plan in plans.plans:
        shares = written.table(f"levers_shuttles/{plan.name}-shares")
        for key in ("boardings", "headcount", "km", "stable"):
            cents = round(100 * shares[f"eur_{key}"].sum())
            assert cents == round(100 * plan.costs.total)
    told = plans.knee
    shares = written.table(f"levers_shuttles/{told.name}-shares")
    assert found.loc[found["knee"], "plan"].item() == told.name
    if shares["stable"].all():
        names = [site.employer or site.name for site in written.study.sites]
        owner = [names.index(name) for name in names]
        cost = group_cost(told, plans.scene, owner, plans.config, plans.factors, plans.days)
        places = {site.name: owner[k] for k, site in enumerate(written.study.sites)}
        paid = shares.groupby(shares["site"].map(places))["eur_stable"].sum()
        assert not [
            group for group in overcharged(paid.to_dict(), cost)
            if paid[list(group)].sum() > cost(group) + 0.02
        ]  # fmt: skip


def test_advice_of_other_inputs_is_not_told(written, tmp_path):
    """A plan designed on other inputs, or other shuttle plans: nothing is ranked on it."""
    assert read_advice([written.folder], written.study) is not None
    other = written.study.territory.model_copy(update={"name": "Elsewhere"})
    assert read_advice([written.folder], replace(written.study, territory=other)) is None
    (tmp_path / "levers.json").write_text("{}", encoding="utf-8")
    assert read_advice([tmp_path], written.study) is None


def test_every_file_of_the_demo_tells_the_money_of_its_tables(pages):
    assert contradictions(pages, "en") == []


def test_a_file_that_tells_other_money_is_found(pages, tmp_path):
    """What the check above is worth: one euro changed in a table, and pages differ from it."""
    shutil.copytree(pages, tmp_path / "out")
    table = pd.read_csv(tmp_path / "out" / "frontier.csv")
    table["eur_year"] += 1.0
    table.to_csv(tmp_path / "out" / "frontier.csv", index=False)
    found = contradictions(tmp_path / "out", "en")
    assert [x for x in found if x.startswith("report.html")]
    assert [x for x in found if x.startswith("plan.md")]
    page = (pages / "map.html").read_text(encoding="utf-8")
    page = re.sub(r'("eur": ?)(\d+)', lambda m: m[1] + str(int(m[2]) + 1), page, count=1)
    (tmp_path / "out" / "map.html").write_text(page, encoding="utf-8")
    assert [x for x in contradictions(tmp_path / "out", "en") if x.startswith("the map says")]


def test_the_money_of_page_one_is_found_again_in_the_workbook(pages):
    """Three figures of the report's first page drawn by lot, from ``report.xlsx`` alone."""
    page, figures = figures_of_page_one(pages, "en")
    assert len(figures) >= 12
    drawn = np.random.default_rng(16).choice(sorted(figures), 3, replace=False)
    for what in (*drawn, *figures):
        assert stands_in(page, figures[what]), what
