"""What the written results of a territory say of money, page against table.

``python -m tests.money_told FOLDER [fr|en]`` lists where the files of a folder of results tell
other jobs, euros or euros a job for the same plan than its tables do, and what of its advice
gains no whole roster. What a command did not write there is passed over.
"""

import html
import json
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from openpyxl import load_workbook

from mobility.base.literal import read_csv_text
from mobility.outputs.advice import ALONE, NOT_COMPARED, PLAN, PLAN_ADVISED, TOGETHER
from mobility.outputs.letter import ASKED
from mobility.outputs.tables import registry
from mobility.outputs.words import Words

#: Folders of shuttle plans: those designed after the levers, then those of `mobility shuttles`.
PLANS = ("levers_shuttles", "shuttles")
FIRST = 3


def text_of(page):
    """The words of a page, or of a Markdown text, without what sets them."""
    page = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", page, flags=re.DOTALL)
    plain = (
        html.unescape(re.sub(r"</?[a-zA-Z!][^>]*>", " ", page)).replace("\\", "").replace("|", " ")
    )
    # Names are printed as they are given, or set as the text around them.
    plain = plain.replace("’", "'").replace("×", "x")
    return re.sub(r"\s+", " ", plain).strip()


class Told:
    """The files of a folder of results, by what they tell."""

    def __init__(self, folder, language):
        self.folder, self.words = Path(folder), Words(language)
        self.remedies, self.sets = self.table("remedies"), self.table("frontier")
        self.net = self.remedies["jobs"] - self.remedies["jobs_lost"]
        self.record = json.loads((self.folder / "levers.json").read_text(encoding="utf-8"))
        self.advised = self.remedies[self.remedies["advised"]]
        self.plans = {
            row["plan"]: row
            for name in PLANS[::-1]
            if (self.folder / name / "plans.csv").is_file()
            for row in self.table(f"{name}/plans").to_dict("records")
        }

    def table(self, name):
        return read_csv_text(self.folder / f"{name}.csv")

    def text(self, *names):
        """The words of the first of some files that is there, None where none is."""
        there = [self.folder / name for name in names if (self.folder / name).is_file()]
        return text_of(there[0].read_text(encoding="utf-8")) if there else None

    def said(self, template, **figures):
        """A sentence of the pages, its figures from a table."""
        told = {k: v if isinstance(v, str) else self.words.number(v) for k, v in figures.items()}
        return text_of(self.words.t(template, **told))

    def book(self):
        """The sheets of the report's workbook, each a list of rows, by the keys of the tables."""
        whole = load_workbook(self.folder / "report.xlsx", read_only=True)
        found, unknown = {}, set(whole.sheetnames[1:])
        for key, spec in registry().items():
            name = spec.name.get(self.words.language, "")[:31]
            if name not in whole.sheetnames or not spec.columns:
                continue
            label = {self.words.set_spaces(c.label(self.words.language)): c.key
                     for c in spec.columns}  # fmt: skip
            head, *rows = whole[name].iter_rows(values_only=True)
            if set(head) <= set(label):
                found[key] = [dict(zip([label[h] for h in head], r, strict=True)) for r in rows]
                unknown.discard(name)
            elif spec.open is not None:
                unknown.discard(name)
        assert not unknown
        return found

    def first_page(self):
        """The words of the report's first page."""
        whole = self.text("report.html")
        first, then = (text_of(self.words.t(x)) for x in ("In one page", "Site by site"))
        # The contents of the page name its parts first.
        return re.search(rf".*{re.escape(first)}(.*?){re.escape(then)}", whole)[1]


def contradictions(folder, language="fr"):
    """Every place where a page tells other money than the tables, in words; none is right."""
    told = Told(folder, language)
    found = [*_advice(told), *_sentences(told), *_set(told), *_one_plan(told), *_emissions(told)]
    if told.text("report.html"):
        found += _report(told)
    if told.text("letter.md"):
        found += _letter(told)
    if (told.folder / "map.html").is_file():
        found += _map(told)
    return found


def _advice(told):
    """The first pieces of advice gain whole rosters."""
    for k in told.advised.index[:FIRST]:
        if told.net[k] < 1 or pd.isna(told.remedies["eur_per_job"][k]):
            yield f"{told.remedies['sentence'][k]} is advised and gains no whole roster"
    if len(told.advised) < FIRST:
        yield f"only {len(told.advised)} remedies are advised"


def _sentences(told):
    """Each remedy's sentence tells its row."""
    number = told.words.number
    for row, net in zip(told.remedies.itertuples(), told.net, strict=True):
        priced = f"{number(row.eur_year)} "
        each = f"{number(row.eur_year / net)} " if net >= 1 else ""
        sentence = text_of(row.sentence)
        for figure in filter(None, (priced, each)):
            if f" {text_of(figure)} " not in f" {sentence} ":
                yield f"no {figure!r} in {sentence!r}"
        if net > 0 and not np.isclose(row.eur_per_job, row.eur_year / net, atol=0.01):
            yield f"{row.eur_per_job} EUR a job of {row.eur_year} for {net} jobs"
        if re.search(r"(?<![\d, ])0 (EUR|€)", sentence):
            yield f"something is free: {sentence}"


def _set(told):
    """The set advised and every remedy are told alike wherever they are."""
    (point,) = told.sets[told.sets["advised"]].to_dict("records") or [None]
    if point is None:
        return
    told_set = told.said(
        ALONE if len(told.advised) == 1 else TOGETHER,
        count=len(told.advised), jobs=point["jobs"], eur=point["eur_year"],
        job=point["eur_per_job"], users=point["users"], each=point["eur_per_user"],
    )  # fmt: skip
    for names in (("report.html",), ("plan.md",), ("recommendations.md",)):
        text = told.text(*names)
        if text is not None and told_set not in text:
            yield f"{names[0]} does not say {told_set!r}"
    for name in ("plan.md", "recommendations.md"):
        text = told.text(name) or ""
        for sentence in told.remedies["sentence"] if text else ():
            if text_of(told.words.set_spaces(sentence)) not in text:
                yield f"{name} does not say {sentence!r}"


def whole_plans(record):
    """Place of the remedy that runs each plan of shuttles whole: the one of most lines."""
    found, rows = {}, [remedy["params"] for remedy in record["remedies"]]
    for k, row in sorted(enumerate(rows), key=lambda pair: pair[1].get("lines", 0)):
        if "plan" in row:
            found[row["plan"]] = k
    return found


def _one_plan(told):
    """A plan of shuttles has one price a job in its own table and among the remedies."""
    record = told.record
    for name, k in whole_plans(record).items():
        remedy = record["remedies"][k]
        row, net = told.plans[name], remedy["jobs"] - remedy["jobs_lost"]
        pairs = {
            "eur_year": (row["eur_year"], remedy["eur_year"]),
            "jobs_gained": (row["jobs_gained"], net),
            "employees_gained": (row["employees_gained"], remedy["users"]),
            "eur_per_job": (row["eur_per_job"], remedy["eur_year"] / net if net > 0 else np.nan),
        }
        for what, (one, other) in pairs.items():
            if not np.isclose(one, other, rtol=1e-6, atol=0.01, equal_nan=True):
                yield f"{what} of {name}: {one} in its table, {other} among the remedies"


def _emissions(told):
    """What a plan saves follows from its table and the factors published beside it."""
    for folder in PLANS:
        if not (told.folder / folder / "plans.csv").is_file():
            continue
        factors = told.table(f"{folder}/factors").set_index("name")["value"]
        sizes = told.table(f"{folder}/vehicles")
        for row in told.table(f"{folder}/plans").itertuples():
            cars = row.car_km * factors["car_co2"] / factors["car_occupancy"] / 1000
            names = sizes.loc[sizes["plan"] == row.plan, "vehicle"].unique()
            rates = [factors[f"vehicle_co2.{name}"] / 1000 for name in names]
            driven = row.run_km + row.empty_km
            if not np.isclose(row.co2_saved_kg, cars - row.shuttle_co2_kg, rtol=1e-6, atol=0.01):
                yield f"{row.plan} saves {row.co2_saved_kg} kg, not {cars - row.shuttle_co2_kg}"
            if not min(rates) * driven - 1 <= row.shuttle_co2_kg <= max(rates) * driven + 1:
                yield f"{row.plan} emits {row.shuttle_co2_kg} kg on {driven} km at {rates}"


def _report(told):
    """The first page prices what gains most, and one plan, as the tables do."""
    page, number = told.first_page(), told.words.number
    largest = told.advised.loc[
        told.net[told.advised.index].sort_values(ascending=False, kind="stable").index[:FIRST]
    ].sort_index()
    for k, row in largest.iterrows():
        figures = " ".join([number(told.net[k]), number(row["eur_year"]),
                            number(row["eur_per_job"])])  # fmt: skip
        if text_of(figures) not in page:
            yield f"page 1 does not say {figures!r} of {row['sentence']!r}"
    own = next((told.table(f"{name}/plans") for name in PLANS
                if (told.folder / name / "plans.csv").is_file()), None)  # fmt: skip
    if own is None or not own["knee"].any():
        return
    row = own[own["knee"]].iloc[0]
    sentence = told.said(
        PLAN, plan=row["plan"], lines=row["lines"], vehicles=row["vehicles"], eur=row["eur_year"],
        jobs=row["jobs_gained"], job=row["eur_per_job"], riders=row["employees_gained"],
        each=row["eur_per_user"],
    )  # fmt: skip
    place = whole_plans(told.record).get(row["plan"])
    # What page 1 does not set against the others, it calls neither advised nor not.
    if place is not None and told.remedies["advised"][place]:
        sentence += " " + told.said(PLAN_ADVISED)
    if sentence not in page or (place is not None and told.said(NOT_COMPARED) in page):
        yield f"page 1 does not say {sentence!r}"


def _letter(told):
    text = told.text("letter.md")
    wished = told.advised[told.advised["kind"].isin(ASKED) & told.advised["feasible"]].head(5)
    for row in wished.itertuples():
        if f" {text_of(told.words.number(row.eur_per_job))} " not in f"{text} ":
            yield f"letter.md prices no request at {row.eur_per_job}"


def _map(told):
    page = (told.folder / "map.html").read_text(encoding="utf-8")
    shown = json.loads(re.search(r'id="mb-manifest">(.*?)</script>', page, re.DOTALL)[1])
    rows = {row.sentence: (row, net) for row, net in zip(told.remedies.itertuples(), told.net,
                                                         strict=True)}  # fmt: skip
    side = ("fr", "en").index(told.words.language)
    for lever in shown["levers"]:
        row, net = rows.get(lever["told"][side], (None, 0.0))
        if row is None:
            yield f"no table knows what the map says: {lever['told'][side]}"
            continue
        wanted = [round(net), round(row.eur_year), row.advised]
        wanted.append(round(row.eur_year / net) if net > 0 else 0)
        drawn = [lever[name] for name in ("jobs", "eur", "advised", "job")]
        if drawn != wanted and abs(net % 1 - 0.5) > 1e-6:
            yield f"the map says {drawn} where the table says {wanted}: {row.sentence}"
    for plan in shown["plans"]:
        row = told.plans.get(plan["name"])
        if row is None:
            yield f"no table knows the plan {plan['name']} of the map"
            continue
        wanted = [round(row["eur_year"]), round(row["jobs_gained"]),
                  round(row["eur_per_job"]) if row["jobs_gained"] > 0 else 0]  # fmt: skip
        drawn = [plan[name] for name in ("cost", "workers", "job")]
        if drawn != wanted:
            yield f"the map says {drawn} of {plan['name']} where its table says {wanted}"


def figures_of_page_one(folder, language="fr"):
    """The money of the report's first page, each as printed and as the workbook gives it.

    Nothing but ``report.xlsx`` tells the figures: euros are quantities times prices, prices are
    products of factors where those are named, jobs and users are read, the rest is divided.
    """
    told = Told(folder, language)
    page, book, number = told.first_page(), told.book(), told.words.number
    factors = {row["name"]: row["value"] for row in book["lever_factors"]}
    factors |= {row["name"]: row["value"] for row in book.get("shuttle_factors", ())}

    def euros(lines):
        total = 0.0
        for line in lines:
            price = 1.0
            for name in (line["factors"] or "").split():
                price = price / factors[name[1:]] if name[0] == "/" else price * factors[name]
            price = price if line["factors"] else line["price"]
            assert abs(price - line["price"]) <= 1e-9 * price
            total += line["quantity"] * price
        return total

    (point,) = (row for row in book["frontier"] if row["advised"] in (True, told.words.t("yes")))
    paid = euros(x for x in book["set_costs"] if str(x["set"]) == str(point["set"]))
    found = {
        "EUR of the set": (paid, number(paid)),
        "EUR a job of the set": (paid / point["jobs"], number(paid / point["jobs"])),
        "EUR a user of the set": (paid / point["users"], number(paid / point["users"])),
        "jobs of the set": (point["jobs"], number(point["jobs"])),
    }
    ranks = [int(rank) for rank in str(point["set"]).split()]
    rows = {row["rank"]: row for row in book["remedies"]}
    net = {k: rows[k]["jobs"] - (rows[k]["jobs_lost"] or 0) for k in ranks}
    for k in sorted(ranks, key=lambda k: -net[k])[:FIRST]:
        paid = euros(x for x in book["remedy_costs"] if x["rank"] == k)
        found[f"jobs of {k}"] = (net[k], number(net[k]))
        found[f"EUR of {k}"] = (paid, number(paid))
        found[f"EUR a job of {k}"] = (paid / net[k], number(paid / net[k]))
    if "plans" in book:
        plan = next(row for row in book["plans"] if row["knee"] in (True, told.words.t("yes")))
        paid = euros(book["plan_costs"])
        found["EUR of the plan"] = (paid, number(paid))
        job, user = paid / plan["jobs_gained"], paid / plan["employees_gained"]
        found["EUR a job of the plan"] = (job, number(job))
        found["EUR a user of the plan"] = (user, number(user))
    return page, {what: text_of(printed) for what, (_, printed) in found.items()}


def stands_in(page, figure):
    """Whether a page tells a figure, not as a part of another."""
    return re.search(rf"(?<![\d,.]){re.escape(figure)}(?![\d,]|\.\d)", page) is not None


if __name__ == "__main__":
    wrong = contradictions(*sys.argv[1:])
    first, figures = figures_of_page_one(*sys.argv[1:])
    wrong += [f"{what}, {printed}, is not on page 1" for what, printed in figures.items()
              if not stands_in(first, printed)]  # fmt: skip
    sys.stdout.write("\n".join([*(f"{k}: {v}" for k, v in figures.items()), *wrong, ""]))
    sys.exit(bool(wrong))
