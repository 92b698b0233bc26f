#!/bin/sh
# Read with selected plans only, MATSim plans come back with the journeys of the plans that were
# not selected too, and with those of the next person.
#
# Library:   matsim-tools 0.0.22, pandas 3.1.1 (PyPI)
# Expected:  selected_plans_only leaves the other plans out: anne, who chose the bus and kept a
#            plan by car, goes by bus; brice, who kept a plan by bicycle and chose to walk, walks.
#            plan_reader of the same package tells exactly that.
# Observed:  plan_reader_dataframe has one plan each, and all six legs. The legs and activities of
#            a plan that is left out are given to the last plan that was kept: anne goes by bus,
#            by car and by bicycle, which was brice's.
# Matters:   MATSim keeps about five plans a person. The shares of modes on the way to work are
#            those of what people tried, and trips a person come out several times too many.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
    "matsim-tools==0.0.22" "pandas==3.1.1"

venv/bin/python - <<'PY'
import sys

import matsim

# for each person the plans in the order of the file: whether selected, and the mode
PEOPLE = {
    "anne": [("yes", "pt"), ("no", "car")],
    "brice": [("no", "bike"), ("yes", "walk")],
}
HOME = '<activity type="home" x="0.0" y="0.0" end_time="{}"/>'
WORK = '<activity type="work" x="9000.0" y="0.0" end_time="13:00:00"/>'
LEG = '<leg mode="{}" trav_time="00:20:00"/>'


def plan(selected, mode):
    """Return a plan: to work before five, home after one, both by one mode."""
    leg = LEG.format(mode)
    home = HOME.format("04:30:00"), HOME.format("24:00:00")
    return f'<plan selected="{selected}">{home[0]}{leg}{WORK}{leg}{home[1]}</plan>'


with open("plans.xml", "w") as file:
    file.write("<population>")
    for person, plans in PEOPLE.items():
        file.write(f'<person id="{person}">' + "".join(plan(*one) for one in plans) + "</person>")
    file.write("</population>")

streamed = {
    person.attrib["id"]: [leg.attrib["mode"] for leg in chosen.findall("leg")]
    for person, chosen in matsim.plan_reader("plans.xml", selected_plans_only=True)
}
read = matsim.plan_reader_dataframe("plans.xml", selected_plans_only=True)
people = dict(zip(read.plans["id"], read.plans["person_id"], strict=True))
framed = {
    people[number]: legs["mode"].tolist() for number, legs in read.legs.groupby("plan_id")
}
print("plan_reader:", streamed)
print("plan_reader_dataframe:", framed)
if streamed != {"anne": ["pt", "pt"], "brice": ["walk", "walk"]}:
    sys.exit("Changed: the reader of plans tells otherwise.")
if framed != {"anne": ["pt", "pt", "car", "car", "bike", "bike"], "brice": ["walk", "walk"]}:
    sys.exit("Changed: the tables have other legs.")
PY
