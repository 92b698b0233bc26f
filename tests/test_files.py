import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import pytest
from pyogrio.errors import DataSourceError, FeatureError

from mobility.base import files
from mobility.base.errors import MobilityError, SourceError, library_words
from mobility.base.failures import explained
from mobility.base.files import staging, write_bytes, write_gpkg, write_text, writing
from mobility.sources.layers import read_layer


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def test_a_failed_write_keeps_the_earlier_file_and_leaves_nothing(tmp_path):
    target = tmp_path / "a" / "result.csv"
    write_text(target, "old\n")

    def fail():
        with writing(target) as part:
            part.write_text("half of it")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert target.read_text() == "old\n"
    assert names(target.parent) == ["result.csv"]


def test_a_write_replaces_the_file_at_once(tmp_path):
    target = tmp_path / "result.csv"
    write_bytes(target, b"old")
    with writing(target) as part:
        part.write_bytes(b"new")
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"
    assert names(tmp_path) == ["result.csv"]


def test_the_temporary_file_bears_the_final_name(tmp_path):
    with writing(tmp_path / "homes.gpkg") as part:
        assert part.name == "homes.gpkg"
        part.write_bytes(b"x")
        part.with_name("homes.gpkg-wal").write_bytes(b"companion")
    assert names(tmp_path) == ["homes.gpkg"]


def test_a_folder_takes_the_place_of_a_folder(tmp_path):
    target = tmp_path / "bundle"
    target.mkdir()
    (target / "stale").write_text("1")
    with writing(target) as part:
        part.mkdir()
        (part / "fresh").write_text("2")
    assert names(target) == ["fresh"]
    assert names(tmp_path) == ["bundle"]


def test_text_is_utf8_with_its_own_line_ends(tmp_path):
    write_text(tmp_path / "t", "é\n")
    assert (tmp_path / "t").read_bytes() == b"\xc3\xa9\n"


def test_a_path_below_a_file_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MobilityError, match="cannot be written"):
        write_text(tmp_path / "file" / "below.txt", "x")


def content(folder):
    """Return every file below a folder, hidden ones too, with its text."""
    return {
        p.relative_to(folder).as_posix(): p.read_text() for p in folder.rglob("*") if p.is_file()
    }


OLD = {"map.html": "old", "run.json": "old", "shuttles/P1.csv": "old", "stale.csv": "old"}
NEW = {"map.html": "new", "run.json": "new", "shuttles/P2.csv": "new", "sub/x.csv": "new"}
THEIRS = {"notes.txt": "mine", "shuttles/notes.txt": "mine", "own/deep/photo.jpg": "mine"}
BEFORE = OLD | THEIRS
AFTER = {n: t for n, t in BEFORE.items() if n not in ("stale.csv", "shuttles/P1.csv")} | NEW


def put(folder, texts):
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def replace_set(folder):
    gone = ["stale.csv"]
    with staging(folder, gone=gone) as part:
        put(part, NEW)
        gone.append("shuttles/P1.csv")


@pytest.mark.parametrize("at_once", [True, False])
def test_a_set_takes_the_place_of_a_set_and_leaves_what_is_not_its_own(
    tmp_path, monkeypatch, at_once
):
    monkeypatch.setattr(files, "_is_stood_in", lambda _: not at_once)
    folder = tmp_path / "out"
    replace_set(folder)
    assert content(tmp_path) == {f"out/{name}": text for name, text in NEW.items()}
    put(folder, BEFORE)
    (folder / "link").symlink_to("notes.txt")
    folder.chmod(0o750)
    (folder / "sub" / "x.csv").unlink()
    replace_set(folder)
    assert content(folder) == AFTER | {"link": "mine"}
    assert (folder / "link").is_symlink()
    assert folder.stat().st_mode & 0o777 == 0o750
    assert names(tmp_path) == ["out"]


def test_a_folder_that_someone_works_in_stays_the_same_folder(tmp_path, monkeypatch):
    put(tmp_path, BEFORE)
    monkeypatch.chdir(tmp_path)
    replace_set(tmp_path)
    assert content(tmp_path) == AFTER
    assert Path().samefile(tmp_path)
    assert names(Path()) == names(tmp_path)


def test_after_an_error_a_set_is_as_it_was(tmp_path):
    def fail():
        with staging(tmp_path / "out", gone=["notes.txt"]) as part:
            put(part, NEW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert names(tmp_path) == []
    put(tmp_path / "out", BEFORE)
    with pytest.raises(RuntimeError):
        fail()
    assert content(tmp_path / "out") == BEFORE
    assert names(tmp_path) == ["out"]


#: Is killed with SIGKILL before the n-th change of files, for each n, and tells what it left.
KILLED = """
import json, os, pathlib, shutil, signal, sys
sys.path.insert(0, sys.argv[1])
import test_files as t
from mobility.base import files
base, at_once = pathlib.Path(sys.argv[2]), sys.argv[3] == "at once"
files._is_stood_in = lambda _: not at_once
os.fsync = lambda _: None
CHANGES = {"ctypes.call_function", "ctypes.dlsym"} | {
    "os." + name for name in "mkdir rename link remove rmdir chmod chown utime".split()
}
told, n, alive = [], 0, False
while not alive:
    n += 1
    shutil.rmtree(base, ignore_errors=True)
    t.put(base / "out", t.BEFORE)
    child = os.fork()
    if not child:
        count = 0
        def hook(event, args):
            global count
            changes = event in CHANGES or (event == "open" and "w" in str(args[1]))
            count += changes
            if changes and count >= n:
                os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(hook)
        t.replace_set(base / "out")
        os._exit(0)
    alive = os.waitpid(child, 0)[1] == 0
    killed = t.content(base / "out")
    with files.staging(base / "out") as part:
        (part / "next").write_text("")
    told.append([killed, t.content(base)])
print(json.dumps(told))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="SIGKILL and the exchange of folders")
@pytest.mark.parametrize("how", ["at once", "one by one"])
def test_killed_at_any_instant_a_folder_holds_one_whole_set(tmp_path, how):
    here = str(Path(__file__).parent)
    run = subprocess.run(
        [sys.executable, "-c", KILLED, here, str(tmp_path / "room"), how],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    told = json.loads(run.stdout)
    assert len(told) > 25
    for killed, later in told:
        if how == "at once":
            assert killed in (BEFORE, AFTER)
        # The next writer clears the remains, or completes what was decided.
        found = {n.removeprefix("out/"): text for n, text in later.items() if n != "out/next"}
        assert found in (BEFORE, AFTER)
    assert told[0][0] == BEFORE
    assert told[-1][0] == AFTER


def test_a_room_in_use_is_left_alone(tmp_path):
    with staging(tmp_path / "out") as one:
        put(one, NEW)
        with staging(tmp_path / "out") as other:
            put(other, OLD)
        assert content(tmp_path / "out") == OLD
    assert content(tmp_path / "out") == OLD | NEW


@pytest.mark.skipif(sys.platform == "win32", reason="locks of POSIX")
def test_a_made_up_journal_reaches_nothing_outside_its_folder(tmp_path):
    put(tmp_path, {"mine.txt": "mine", "out/map.html": "old"})
    plan = {"folder": "out", "inode": 0, "exchange": False, "names": ["../mine.txt"], "gone": []}
    for change in ({}, {"names": [], "gone": ["../mine.txt"]}, {"names": 3}):
        journal = json.dumps(plan | change)
        put(tmp_path / ".part-mobility-out-x", {"journal.json": journal, "mine.txt": "other"})
        (tmp_path / ".part-mobility-out-x" / "set").mkdir(exist_ok=True)
        write_text(tmp_path / "out" / "next", "")
        with staging(tmp_path / "out") as part:
            (part / "map.html").write_text("new")
        assert (tmp_path / "mine.txt").read_text() == "mine"
        assert (tmp_path / "out" / "map.html").read_text() == "new"


@pytest.mark.parametrize("write", [write_text, None])
def test_an_output_is_not_one_of_the_inputs(tmp_path, write):
    put(tmp_path, {"summary.csv": "input"})
    (tmp_path / "link").symlink_to(".")

    def overwrite(folder):
        if write:
            with writing(folder / "summary.csv", reads=[tmp_path / "summary.csv"]) as part:
                part.write_text("output")
        else:
            with staging(folder, reads=[tmp_path / "summary.csv"]) as part:
                (part / "summary.csv").write_text("output")

    for folder in (tmp_path, tmp_path / "link"):
        with pytest.raises(MobilityError, match=r"summary.csv: It is read by the same command"):
            overwrite(folder)
    assert (tmp_path / "summary.csv").read_text() == "input"
    overwrite(tmp_path / "other")
    assert (tmp_path / "other" / "summary.csv").read_text() == "output"


@pytest.mark.parametrize("number", ["ENOSPC", "EROFS", "EACCES", "EFBIG"])
def test_what_the_system_refuses_is_one_clear_error(tmp_path, number):
    number = getattr(errno, number)

    def refuse():
        with staging(tmp_path / "out") as part:
            (part / "a").write_text("half")
            raise OSError(number, os.strerror(number), str(part / "a"))

    with pytest.raises(MobilityError, match=files.system_reason(OSError(number, "?"))):
        refuse()
    assert names(tmp_path) == []


def test_that_the_disk_is_full_is_told_whatever_the_driver_says(tmp_path, monkeypatch):
    usage = files.shutil.disk_usage(tmp_path)._replace(free=0)
    monkeypatch.setattr(files.shutil, "disk_usage", lambda _: usage)

    def refuse():
        with staging(tmp_path / "out"):
            raise RuntimeError("sqlite3_exec() failed")

    with pytest.raises(MobilityError, match="the disk is full"):
        refuse()


@pytest.mark.parametrize("error", [DataSourceError, FeatureError])
def test_what_stops_the_driver_of_a_geopackage_is_one_clear_error(tmp_path, monkeypatch, error):
    def refuse(*_args, **_kwargs):
        raise error("Failed to write")

    monkeypatch.setattr(gpd.GeoDataFrame, "to_file", refuse)
    layer = gpd.GeoDataFrame({"a": [1]}, geometry=gpd.points_from_xy([0], [47]), crs=4326)
    target = tmp_path / "results.gpkg"
    with pytest.raises(MobilityError, match="cannot be written"), writing(target) as part:
        write_gpkg(part, [("homes", layer)])
    assert not target.exists()


def test_why_the_system_refuses_is_told_in_the_language(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(MobilityError) as caught:
        files.make_folder(tmp_path / "file" / "out")
    said = caught.value.render("fr")
    assert "Écriture impossible\u00a0: une partie du chemin est un fichier." in said


@pytest.mark.parametrize(
    ("number", "english", "french"),
    [(errno.EACCES, "permission denied", "vous n’en avez pas le droit"),
     (errno.ENOSPC, "the disk is full", "le disque est plein")],
)  # fmt: skip
def test_reasons_of_the_system_have_words_in_both_languages(number, english, french):
    told = explained(OSError(number, "Words of the System", "/somewhere/map.html"))
    assert f"refuses to read or write it: {english}." in told.render("en")
    assert french in told.render("fr")
    assert "Words of the System" not in told.render("en") + told.render("fr")


def test_reasons_of_a_library_are_its_own_english_words_on_one_short_line(tmp_path):
    """They are quoted as they are: nobody can translate them all."""
    assert library_words(ValueError("Unsupported\n  driver \t 'x'")) == "Unsupported driver 'x'"
    assert library_words(ValueError("long " * 100)) == ("long " * 100)[:160]
    assert library_words(ValueError("abcdef"), 4) == "abcd"
    path = tmp_path / "sites.parquet"
    path.write_bytes(b"no table\n" * 9)
    with pytest.raises(SourceError) as caught:
        read_layer(path)
    quoted = caught.value.params["reason"]
    assert "\n" not in quoted
    assert f"It cannot be read as a layer: {quoted}." in caught.value.render("en")
    assert f"«\u202f{quoted}\u202f»." in caught.value.render("fr")
