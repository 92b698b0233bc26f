import pytest

from mobility.base.errors import MobilityError
from mobility.base.files import write_bytes, write_text, writing


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
