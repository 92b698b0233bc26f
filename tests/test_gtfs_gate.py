"""The quality gate in a real run: school services, and the canonical rules beside it."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

import numpy as np
import pytest
from feeds import service, trip, write_gtfs
from small import PLACES_M, SERVICES, TRIPS, lonlat, write_territory
from typer.testing import CliRunner

from mobility.base.errors import SourceError, SourceNotFoundError
from mobility.cli import app
from mobility.commute.access import assess
from mobility.commute.loading import load
from mobility.sources.gtfs.quality import canonical_findings
from mobility.timetable.arrays import INF

NANTES = Path(__file__).parents[1].parent / "shared" / "data" / "nantes" / "gtfs.zip"


def school_territory(folder: Path, extra: str = "") -> Path:
    """Droiteville whose bus of noon, line K, rests in the school holidays of zone B."""
    file = write_territory(
        folder,
        extra=extra,
        days='school_zone = "B"\nkinds = ["school_weekday"]\n'
        "dates = { school_weekday = 2026-11-17 }",
    )
    holidays = [(2, 14, 16), (4, 11, 16), (10, 17, 16)]
    off = [
        f"{dt.date(2026, month, day) + dt.timedelta(days=k):%Y%m%d}"
        for month, day, count in holidays
        for k in range(count)
    ]
    summer = [f"{dt.date(2026, 7, 4) + dt.timedelta(days=k):%Y%m%d}" for k in range(59)]
    week = service("1111100", "20260105", "20261218", removed=[*off, *summer])
    write_gtfs(
        folder / "gtfs.zip",
        stops={name: lonlat(PLACES_M[name]) for name in ("A", "B")},
        trips=[
            trip(
                name,
                [(a, depart), (b, arrive)],
                service="term" if name == "noon" else which,
                route="K" if name == "noon" else "R",
            )
            for name, a, depart, b, arrive, which in TRIPS
        ],
        services=SERVICES | {"term": week},
    )
    return file


@pytest.mark.parametrize(("lang", "words"), [("en", "only serves schools"), ("fr", "scolaires")])
def test_check_tells_school_services_apart(tmp_path, lang, words):
    """By nothing but the calendar: neither name nor type of line K speaks of schools."""
    shown = CliRunner().invoke(app, ["check", str(school_territory(tmp_path)), "--lang", lang])
    assert shown.exit_code == 0
    (line,) = [row for row in shown.output.splitlines() if words in row]
    assert "1 " in line
    assert line.endswith("(K)")


def test_workers_kept_off_school_services_lose_the_bus_of_noon(tmp_path):
    """The afternoon shift starts at 13:00: it is reached at 12:39 by line K alone."""
    holds = []
    for name, extra in (("open", ""), ("kept off", "school_services = false")):
        study = load(school_territory(tmp_path / name, extra))
        access = assess(study)
        keys = access.keys
        afternoon = study.shifts.loc[study.shifts["start_s"] == 13 * 3600, "shift_id"].iloc[0]
        row = np.flatnonzero((keys["shift_id"] == afternoon) & (keys["mode"] == "transit"))[0]
        holds.append(bool(access.outbound_s[row, 0] < INF))
        assert [f.count for f in study.findings if f.code == "school_routes"] == [1]
    assert holds == [True, False]


def test_canonical_rules_name_the_rule_and_the_rows(tmp_path):
    pytest.importorskip("gtfs_guru")
    stops = {"A": (4.00, 45.0), "B": (4.01, 45.0), "Z": (4.02, 45.0)}
    trips = [trip("good", [("A", "05:00"), ("B", "05:10")]), trip("lone", [("A", "06:00")])]
    path = write_gtfs(tmp_path / "f.zip", stops=stops, trips=trips)
    found = {f.code: f for f in canonical_findings(path, date=dt.date(2024, 1, 16))}
    unusable = found["canonical_unusable_trip"]
    assert (unusable.severity, unusable.count, unusable.examples) == ("warning", 1, ("lone",))
    assert unusable.render("en") == "once the canonical rule unusable_trip (lone)"
    assert found["canonical_stop_without_stop_time"].examples == ("Z",)
    severities = [f.severity for f in canonical_findings(path, date=dt.date(2024, 1, 16))]
    assert severities == sorted(severities, key=["warning", "info"].index)


def test_check_applies_the_rules_when_asked(tmp_path):
    pytest.importorskip("gtfs_guru")
    file = school_territory(tmp_path)
    plain = CliRunner().invoke(app, ["check", str(file), "--lang", "en"])
    ruled = CliRunner().invoke(app, ["check", str(file), "--rules", "--lang", "en"])
    assert "canonical rule" not in plain.output
    assert "canonical rule missing_recommended_file" in ruled.output


def test_canonical_rules_cannot_be_applied(tmp_path, monkeypatch):
    with pytest.raises(SourceNotFoundError, match="does not exist"):
        canonical_findings(tmp_path / "none.zip", date=dt.date(2024, 1, 16))
    bad = tmp_path / "bad.zip"
    bad.write_bytes(b"no zip")
    if pytest.importorskip("gtfs_guru"):
        with pytest.raises(SourceError, match="cannot be applied"):
            canonical_findings(bad, date=dt.date(2024, 1, 16))
    monkeypatch.setitem(sys.modules, "gtfs_guru", None)
    with pytest.raises(SourceError, match="not installed") as caught:
        canonical_findings(bad, date=dt.date(2024, 1, 16))
    assert "pip install gtfs-guru" in str(caught.value)


@pytest.mark.real
@pytest.mark.skipif(not NANTES.exists(), reason="the real feeds are not here")
def test_both_gates_count_the_same_faults_at_nantes():
    """33,038 trips cannot be ridden, 66 stops have no trip."""
    pytest.importorskip("gtfs_guru")
    found = {f.code: f for f in canonical_findings(NANTES, date=dt.date(2014, 5, 13))}
    assert found["canonical_unusable_trip"].count == 33_038
    assert found["canonical_unused_trip"].count == 32_841
    assert found["canonical_stop_without_stop_time"].count == 66
