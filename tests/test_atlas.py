"""An atlas: units computed on real clusters, the same bytes on all, failures told beside them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import duckdb
import geopandas as gpd
import pandas as pd
import psutil
import pytest
from small import write_territory
from typer.testing import CliRunner

from mobility.atlas import cluster
from mobility.atlas import folder as atlas_folder
from mobility.atlas.cluster import run_atlas, run_part, slow_units
from mobility.atlas.folder import Atlas
from mobility.atlas.merge import merge
from mobility.atlas.unit import Outcome, of_kind, run_unit
from mobility.base.errors import MobilityError
from mobility.base.literal import read_csv_text
from mobility.cli import app
from mobility.commute import access, white_zones
from mobility.commute.study import ShiftRow

UNITS = ("a", "b", "c", "d")
JOBS = """[{ name = "3x8", shifts = [
  { name = "matin", start = "05:00", end = "13:00", headcount = 20 },
  { name = "après-midi", start = "13:00", end = "21:00", headcount = 20 },
  { name = "nuit", start = "21:00", end = "05:00", headcount = 20 }] }]"""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> Path:
    """Four units: the third has a damaged timetable."""
    folder = tmp_path_factory.mktemp("atlas")
    for k, unit in enumerate(UNITS):
        extra = "[output]\ngeopackage = false" if unit != "a" else ""
        rosters = '["3x8"]' if k else JOBS
        write_territory(folder / "inputs" / f"ti={unit}", rosters=rosters, extra=extra)
    (folder / "inputs" / "ti=c" / "gtfs.zip").write_bytes(b"damaged")
    return folder


@pytest.fixture(scope="module")
def alone(inputs) -> tuple[Atlas, list[Outcome]]:
    """The atlas computed by one process, without Dask."""
    atlas = Atlas.at(inputs)
    return atlas, run_atlas(atlas, UNITS, workers=0, told=lambda _: None)


def copied(alone: tuple[Atlas, list[Outcome]], folder: Path, runs: bool = False) -> Atlas:
    """Return an atlas of the same inputs elsewhere."""
    for part in ("inputs", "runs") if runs else ("inputs",):
        shutil.copytree(alone[0].folder / part, folder / part)
    return Atlas.at(folder)


def content(atlas: Atlas) -> dict[str, str]:
    """Every file of the runs, by its bytes; the texts of failures without the folder."""
    found = {}
    for path in sorted((atlas.folder / "runs").rglob("*")):
        if path.is_file():
            data = path.read_bytes().replace(str(atlas.folder).encode(), b"")
            found[path.relative_to(atlas.folder).as_posix()] = hashlib.sha256(data).hexdigest()
    return found


def test_a_broken_territory_fails_alone_and_in_one_line(alone):
    atlas, outcomes = alone
    assert [o.state for o in outcomes] == ["done", "done", "failed", "done"]
    told = outcomes[2].message("fr")
    assert "ti=c/gtfs.zip" in told
    assert "\n" not in told
    said = json.loads((atlas.run("c") / "failure.json").read_text(encoding="utf-8"))
    assert said == dict(outcomes[2].told)
    assert not (atlas.run("c") / "manifest.json").exists()


def test_the_manifest_holds_the_digests_of_all_that_is_read_and_written(alone):
    atlas, _ = alone
    found = json.loads((atlas.run("a") / "manifest.json").read_text(encoding="utf-8"))
    named = {"gtfs.zip", "homes.csv", "streets.osm", "territory.toml"}
    assert set(found["inputs"]) == {f"inputs/ti=a/{name}" for name in named}
    for name, digest in found["inputs"].items():
        assert digest == hashlib.sha256((atlas.folder / name).read_bytes()).hexdigest()
    written = {p.name for p in atlas.run("a").iterdir()} - {"manifest.json"}
    assert set(found["outputs"]) == written >= {"map.html", "results.gpkg", "shifts.parquet"}
    for name, said in found["outputs"].items():
        data = (atlas.run("a") / name).read_bytes()
        assert said == {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    assert not (atlas.run("b") / "results.gpkg").exists()


def test_employees_have_no_digest_of_their_file(tmp_path):
    """Their hash would tell whether a guess of the rows is right."""
    toml = write_territory(tmp_path / "inputs" / "ti=x")
    text = toml.read_text(encoding="utf-8").replace("personal = false", "personal = true")
    toml.write_text(text, encoding="utf-8")
    atlas = Atlas.at(tmp_path)
    assert run_unit(tmp_path, "x").state == "done"
    found = json.loads((atlas.run("x") / "manifest.json").read_text(encoding="utf-8"))["inputs"]
    plain = hashlib.sha256((toml.parent / "homes.csv").read_bytes()).hexdigest()
    assert found["inputs/ti=x/homes.csv"] != plain
    assert atlas_folder.is_done(atlas, "x")


def test_a_resume_opens_no_source(alone, tmp_path, monkeypatch):
    atlas = copied(alone, tmp_path, runs=True)
    for unit in ("a", "b", "d"):
        # A copy is younger than its manifest: its bytes are compared once, then no more.
        assert atlas_folder.is_done(atlas, unit)
    monkeypatch.setattr(atlas_folder, "file_hash", lambda path: pytest.fail(f"{path} is opened"))
    assert all(atlas_folder.is_done(atlas, unit) for unit in ("a", "b", "d"))


def test_what_changed_is_computed_again(alone, tmp_path):
    atlas = copied(alone, tmp_path, runs=True)
    homes = atlas.file("a").with_name("homes.csv")
    kept = homes.stat()
    homes.write_bytes(homes.read_bytes().replace(b",10\n", b",11\n", 1))
    # The same size, and a time of its own older than the manifest.
    os.utime(homes, ns=(kept.st_atime_ns, kept.st_mtime_ns - 10**12))
    assert not atlas_folder.is_done(atlas, "a")
    assert atlas_folder.is_done(atlas, "b")
    (atlas.run("b") / "map.html").unlink()
    assert not atlas_folder.is_done(atlas, "b")


@pytest.mark.slow
def test_two_workers_one_of_which_is_killed_give_the_same_bytes(alone, tmp_path):
    atlas = copied(alone, tmp_path)
    killed: list[int] = []

    def told(_: Outcome) -> None:
        if not killed:
            own = psutil.Process().children(recursive=True)
            worker = next(p for p in own if "spawn_main" in " ".join(p.cmdline()))
            killed.append(worker.pid)
            worker.kill()

    outcomes = run_atlas(atlas, UNITS, workers=2, told=told)
    assert killed
    assert [o.state for o in outcomes] == [o.state for o in alone[1]]
    assert content(atlas) == content(alone[0])


def test_a_slow_unit_in_parts_gives_the_same_bytes_and_computes_nothing_twice(
    alone, tmp_path, monkeypatch
):
    atlas = copied(alone, tmp_path)
    for part in range(2):
        run_part(atlas.folder, "b", part, 2)
    with monkeypatch.context() as patch:
        # The study differs in nothing that its content does not tell: all of it is found.
        patch.setattr(access, "_answer", lambda *_: pytest.fail("computed twice"))
        patch.setattr(white_zones, "_reasons", lambda *_: pytest.fail("computed twice"))
        assert run_unit(atlas.folder, "b", in_parts=True).state == "done"
    # The same on workers, one of which computes each part, and one the unit.
    monkeypatch.setattr(cluster, "slow_units", lambda *_: {"a", "c"})
    outcomes = run_atlas(atlas, UNITS, workers=2, told=lambda _: None)
    assert [o.state for o in outcomes] == ["done", "kept", "failed", "done"]
    assert content(atlas) == content(alone[0])


def test_a_unit_of_many_shifts_is_slow(inputs, tmp_path):
    shutil.copytree(inputs / "inputs", tmp_path / "inputs")
    atlas = Atlas.at(tmp_path)
    assert slow_units(atlas, UNITS) == set()
    path = atlas.file("b")
    text = path.read_text(encoding="utf-8")
    sites = text[text.index("[[sites]]") :].replace("[output]\ngeopackage = false", "")
    more = "".join(sites.replace('name = "', f'name = "{k} ', 1) for k in range(5))
    path.write_text(text + more, encoding="utf-8")
    assert slow_units(atlas, UNITS) == {"b"}


@pytest.mark.slow
def test_a_scheduler_started_by_its_own_command(alone, tmp_path, monkeypatch):
    atlas = copied(alone, tmp_path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setattr(cluster, "PATIENCE_S", 1)
    with pytest.raises(MobilityError, match="No Dask scheduler answers"):
        run_atlas(atlas, UNITS, scheduler=address, told=lambda _: None)
    monkeypatch.setattr(cluster, "PATIENCE_S", 60)
    port = address.rpartition(":")[2]
    commands = [
        ["dask_scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard"],
        ["dask_worker", address, "--nthreads", "1", "--no-dashboard", "--no-nanny"],
    ]
    own = {**os.environ, "PYTHONPATH": str(Path(cluster.__file__).parents[2])}
    started = [
        subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{name}", *options],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path, env=own,
        )
        for name, *options in commands
    ]  # fmt: skip
    try:
        outcomes = run_atlas(atlas, UNITS, scheduler=address, told=lambda _: None)
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(30)
    assert [o.state for o in outcomes] == [o.state for o in alone[1]]
    assert content(atlas) == content(alone[0])


def test_the_commands_tell_of_failures_and_leave_with_three(alone, tmp_path):
    atlas = copied(alone, tmp_path, runs=True)
    asked = ["atlas", "run", str(atlas.folder), "--workers", "0", "--lang", "en"]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 3
    assert done.stdout.strip() == "territories: 3 done, 1 failed, 0 left"
    assert "gtfs.zip" in done.stderr
    assert CliRunner().invoke(app, [*asked, "--only", "a", "--only", "b"]).exit_code == 0
    assert CliRunner().invoke(app, ["atlas", "unit", str(atlas.folder), "a"]).exit_code == 0
    wrong = CliRunner().invoke(app, ["atlas", "unit", str(atlas.folder), "aa"])
    assert wrong.exit_code == 2
    none = CliRunner().invoke(app, ["atlas", "run", str(tmp_path / "none")])
    assert none.exit_code == 2
    assert "Aucun territoire" in none.stderr


def test_another_version_of_the_software_is_refused(alone):
    outcome = run_unit(alone[0].folder, "a", code="0" * 64)
    assert outcome.state == "failed"
    assert "another version" in outcome.message("en")
    (alone[0].run("a") / "failure.json").unlink()


def test_a_source_that_changes_while_it_is_read(tmp_path, monkeypatch):
    toml = write_territory(tmp_path / "inputs" / "ti=x")
    from mobility.atlas import unit

    plain = unit.run

    def meddled(*args, **options):
        results = plain(*args, **options)
        with (toml.parent / "homes.csv").open("a", encoding="utf-8") as file:
            file.write("H3,H3,Droiteville,-0.6,47.34,1\n")
        return results

    monkeypatch.setattr(unit, "run", meddled)
    assert "changed while it was read" in run_unit(tmp_path, "x").message("en")
    monkeypatch.setattr(unit, "run", plain)
    assert run_unit(tmp_path, "x").state == "done"


def test_jobs_and_inhabitants_by_kind_of_roster(alone):
    """H1 walks five minutes to the stop, H2 a thousand seconds: only H1 holds the 3x8."""
    found = json.loads((alone[0].run("a") / "territory.json").read_text(encoding="utf-8"))
    kinds = found["kinds"]
    assert (kinds["3x8"]["jobs"], kinds["3x8"]["jobs_held"]) == (60, 30)
    assert (kinds["3x8"]["inhabitants"], kinds["3x8"]["inhabitants_held"]) == (20, 10)
    assert kinds["night"]["jobs"] == 60
    for absent in ("weekend", "2x8", "day"):
        assert kinds[absent] == {"rosters": 0}
    assert found["coverage"] | {"warnings": 0} == {
        "workers": 20, "homes": 2, "sites": 1, "stops": 2, "feeds": 1, "feeds_valid": 1,
        "first_date": "2026-11-17", "last_date": "2026-11-17", "warnings": 0, "assumed": False,
    }  # fmt: skip
    unknown = json.loads((alone[0].run("b") / "territory.json").read_text(encoding="utf-8"))
    # Without headcounts every roster weighs the same.
    assert unknown["kinds"]["3x8"]["jobs"] == 0
    assert unknown["kinds"]["3x8"]["share_jobs"] == 0.5


def shift(start_h: float, end_h: float, days: str) -> ShiftRow:
    start_s, end_s = int(start_h * 3600), int(end_h * 3600)
    crosses = end_s <= start_s
    return ShiftRow(0, 0, "", "", "", "", start_s, end_s, crosses, 0, tuple(days.split()))


@pytest.mark.parametrize(
    ("hours", "days", "kinds"),
    [
        ([(5, 13), (13, 21), (21, 5)], "mon tue", {"3x8", "night"}),
        ([(6, 14), (14, 22), (22, 6)], "mon sat sun", {"3x8", "night", "weekend"}),
        ([(5, 13), (13, 21)], "mon", {"2x8"}),
        ([(5, 15)], "fri sat sun", {"weekend", "day"}),
        ([(7, 19)], "sat sun", {"weekend"}),
        # 21:00 to 06:00 holds three hours of it from 03:00 and until 24:00, not from 03:01.
        ([(3, 11)], "mon", {"night"}),
        ([(3.02, 11)], "mon", {"day"}),
        ([(16, 24)], "mon", {"night"}),
        ([(8, 16)], "mon", {"day"}),
        ([(19, 7)], "mon", {"night"}),
    ],
)
def test_kinds_follow_what_a_roster_is(hours, days, kinds):
    shifts = [shift(*pair, days) for pair in hours]
    assert {k for k in ("3x8", "night", "weekend", "2x8", "day") if of_kind(shifts, k)} == kinds


def test_the_long_table_is_read_by_geopandas_and_duckdb(alone):
    """Two homes by three shifts on one kind of day: six rows, H2 white on each."""
    path = alone[0].run("a") / "shifts.parquet"
    frame = gpd.read_parquet(path)
    assert len(frame) == 6
    assert frame.crs == "EPSG:4326"
    assert frame.geometry.x.round(6).tolist() == frame["lon"].tolist()
    served = frame[frame["status"] == "served"]
    assert set(served["home_id"]) == {"H1"}
    morning = served[served["shift"] == "matin"].iloc[0]
    # 05:00 less 04:20 and five minutes on foot; 13:40 and five minutes, from 13:00.
    assert (morning["out_min"], morning["back_min"]) == (45, 45)
    question = f"select home_id, count(*), sum(workers) from '{path}' group by 1 order by 1"
    assert duckdb.sql(question).fetchall() == [("H1", 3, 30.0), ("H2", 3, 30.0)]


@pytest.fixture(scope="module")
def merged(alone, tmp_path_factory) -> Atlas:
    """The atlas merged after an earlier one in which territory b had no night bus."""
    before = copied(alone, tmp_path_factory.mktemp("before"), runs=True)
    path = before.run("b") / "territory.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    found["kinds"]["3x8"] |= {"share_jobs": 0.1, "share_inhabitants": 0.2}
    path.write_text(json.dumps(found), encoding="utf-8")
    atlas = copied(alone, tmp_path_factory.mktemp("merged"), runs=True)
    (atlas.run("d") / "manifest.json").unlink()
    merge(atlas, before=before, language="en")
    return atlas


def test_a_ranking_hides_neither_failures_nor_gaps(merged):
    ranking = read_csv_text(merged.national / "ranking.csv")
    assert ranking.groupby("kind")["ti"].apply(sorted).tolist() == [list(UNITS)] * 5
    states = ranking.set_index(["ti", "kind"])["state"]
    assert [states[u, "3x8"] for u in UNITS] == ["computed", "computed", "failed", "not_run"]
    assert states["a", "weekend"] == "no_roster"
    row = ranking.set_index(["ti", "kind"]).loc[("a", "3x8")]
    assert (row["jobs"], row["jobs_held"], row["share_jobs"]) == (60, 30, 0.5)
    assert (row["inhabitants"], row["inhabitants_held"], row["stops"]) == (20, 10, 2)
    assert row["remedy"]
    failed = read_csv_text(merged.national / "failures.csv").set_index("ti")
    assert list(failed.index) == ["c", "d"]
    assert "gtfs.zip" in failed.at["c", "message"]
    assert "mobility atlas run" in failed.at["d", "message"]
    book = pd.read_excel(merged.national / "ranking.xlsx", sheet_name=None)
    assert list(book) == ["Ranking", "Without figures", "Changes"]
    assert len(book["Ranking"]) == 20


def test_what_changed_since_an_earlier_atlas(merged):
    changed = read_csv_text(merged.national / "changes.csv").set_index(["kind", "ti"])
    row = changed.loc[("3x8", "b")]
    assert (row["share_jobs_before"], row["share_jobs_after"]) == (0.1, 0.5)
    assert (row["share_jobs_change"], row["share_inhabitants_change"]) == (0.4, 0.3)
    assert changed.loc[("3x8", "a"), "share_jobs_change"] == 0
    assert changed.loc[("3x8", "d"), ["state_before", "state_after"]].tolist() == [
        "computed", "not_run",
    ]  # fmt: skip


def test_the_national_tables_are_one_table_of_many_files(merged):
    places = gpd.read_parquet(merged.national / "territories.parquet").set_index("ti")
    assert places["share_jobs_3x8"].dropna().to_dict() == {"a": 0.5, "b": 0.5}
    assert places.geometry.notna().to_dict() == {"a": True, "b": True, "c": False, "d": False}
    shifts = gpd.read_parquet(merged.national / "shifts")
    assert shifts["ti"].astype(str).value_counts().to_dict() == {"a": 6, "b": 6}
    files = f"{merged.national}/shifts/*/*.parquet"
    asked = f"select ti, count(*) from read_parquet('{files}', hive_partitioning=true) group by 1"
    assert sorted(duckdb.sql(asked).fetchall()) == [("a", 6), ("b", 6)]


def test_a_territory_that_left_the_atlas_leaves_its_tables(merged, tmp_path):
    atlas = copied((merged, []), tmp_path, runs=True)
    shutil.copytree(merged.national, atlas.national)
    shutil.rmtree(atlas.file("b").parent)
    first = merge(atlas)[1]
    assert set(first["ti"]) == {"a", "c", "d"}
    assert not (atlas.national / "shifts" / "ti=b" / "shifts.parquet").exists()
    assert not (atlas.national / "changes.csv").exists()
    assert CliRunner().invoke(app, ["atlas", "merge", str(atlas.folder)]).exit_code == 0


def test_the_questions_of_the_documentation_are_answered(merged):
    """Of 20 workers ten hold the 3x8 in both territories; c failed, d was not run."""
    page = Path(__file__).parents[1] / "docs" / "atlas.md"
    asked = re.findall(r"```sql\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    base = duckdb.connect()
    base.execute(f"SET file_search_path = '{merged.folder}'")
    share, reasons, minutes, communes, gaps = (base.sql(text).fetchall() for text in asked)
    assert sorted(share) == [("a", 0.5), ("b", 0.5)]
    # Ten workers on each of three shifts, by one reason or another.
    assert {ti: sum(row[2] for row in reasons if row[0] == ti) for ti in "ab"} == {"a": 30, "b": 30}
    assert ("a", "matin", 45.0, 45.0) in minutes
    assert communes == []
    assert [row[:2] for row in gaps] == [("c", "failed"), ("d", "not_run")]
    assert "gtfs.zip" in gaps[0][4]


@pytest.mark.parametrize(
    ("name", "text"),
    [("shifts.parquet", None), ("shifts.parquet", "cut"), ("territory.json", "{}"),
     ("manifest.json", '{"outputs": []}')],
)  # fmt: skip
def test_results_that_are_damaged_are_no_figures(alone, tmp_path, name, text):
    atlas = copied(alone, tmp_path, runs=True)
    file = atlas.run("a") / name
    file.unlink() if text is None else file.write_text(text, encoding="utf-8")
    told, ranking = merge(atlas)
    assert [one.state for one in told] == ["not_run", "computed", "failed", "computed"]
    assert set(ranking.loc[ranking["ti"] == "a", "state"]) == {"not_run"}
    assert not (atlas.national / "shifts" / "ti=a").exists()
    assert not atlas_folder.is_done(atlas, "a")


def test_an_outline_that_is_none_stops_no_merge(alone, tmp_path):
    atlas = copied(alone, tmp_path)
    drawn = atlas.file("a").with_name("territory.geojson")
    drawn.write_text('{"features": [{}]}', encoding="utf-8")
    assert merge(atlas)[0][0].outline is None
