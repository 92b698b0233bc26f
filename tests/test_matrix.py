"""The door-to-door matrix for other tools, and one of theirs read back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from small import write_territory
from typer.testing import CliRunner

import mobility
from mobility.base.errors import SourceError, TerritoryError
from mobility.cli import app
from mobility.commute.matrix import PARTS, write_matrix
from mobility.commute.matrix_against import against
from mobility.outputs.tables import registry
from mobility.timetable.arrays import INF


@pytest.fixture(scope="module")
def toml(tmp_path_factory):
    return write_territory(tmp_path_factory.mktemp("matrix"))


@pytest.fixture(scope="module")
def study(toml):
    return mobility.load(toml)


@pytest.fixture(scope="module")
def ours(study):
    return mobility.matrix(study)


def row(frame, **wanted):
    for name, value in wanted.items():
        frame = frame[frame[name].astype(str) == value]
    assert len(frame) == 1
    return frame.iloc[0]


def test_a_journey_is_told_minute_by_minute(ours):
    """H1 walks 5 min to A, rides 04:20 to 04:40, walks 4 min to the gate: six minutes early."""
    found = row(ours, from_id="H1", edge="05:00", direction="outbound", mode="transit")
    assert str(found["departure_time"]) == "2026-11-17 04:15:00"
    assert str(found["arrival_time"]) == "2026-11-17 04:44:00"
    told = found[["travel_time", *PARTS, "early_time", "shift_time", "n_rides"]].tolist()
    assert told == [29, 5, 0, 20, 0, 4, 6, 45, 1]
    assert (found["first_line"], found["last_line"], found["routes"]) == ("R", "R", "R")
    back = row(ours, to_id="H1", edge="13:00", direction="return", mode="transit")
    # Ready at 13:10 after the margin; walking 4 min, on the bus of 13:20, home at 13:45.
    assert back[["travel_time", *PARTS, "shift_time"]].tolist() == [35, 4, 6, 20, 0, 5, 45]
    assert str(back["departure_time"]) == "2026-11-17 13:10:00"


def test_parts_add_up_and_what_does_not_hold_stays_as_a_row(study, ours):
    access = mobility.assess(study)
    assert len(ours) == 2 * 2 * 3 * 2  # homes, directions, edges, modes
    gone = ours["travel_time"].isna()
    # H2 walks over the limit: nothing holds for it, and nothing is left out.
    assert set(ours.loc[gone & (ours["mode"] == "transit"), "from_id"]) >= {"H2"}
    held = ours[~gone & ours["mode"].isin(["transit", "walk"])]
    assert np.allclose(held[list(PARTS)].sum(axis=1), held["travel_time"], atol=0.02)
    asked = access.outbound_s[access.keys["mode"] == "transit"]
    shift = ours[(ours["mode"] == "transit") & (ours["direction"] == "outbound")]["shift_time"]
    assert shift.fillna(0).tolist() == np.where(asked < INF, asked / 60, 0).ravel().tolist()


def test_written_and_read_back_it_agrees_with_itself(study, ours, tmp_path):
    for name in ("matrix.csv", "matrix.parquet"):
        found = against(study, ours, write_matrix(ours, tmp_path / name))
        told = found.agreement
        assert (told["both"] + told["ours_only"] + told["theirs_only"] <= told["pairs"]).all()
        assert (told["ours_only"] + told["theirs_only"] == 0).all()
        assert told["median_diff_min"].dropna().eq(0).all()
        assert found.worst.empty


def test_worst_cases_are_told_side_by_side(study, ours, tmp_path):
    theirs = tmp_path / "other.csv"
    theirs.write_text(
        "from_id,to_id,travel_time_s,edge,routes\n"
        "H1,Usine,2100,05:00,12|7\nH2,Usine,3000,05:00,12\nUsine,H1,NA,13:00,\n",
        encoding="utf-8",
    )
    found = against(study, ours, theirs)
    told = found.agreement.set_index("direction")
    assert told.loc["outbound", ["pairs", "both", "ours_only", "theirs_only"]].tolist() == [
        2, 1, 0, 1]  # fmt: skip
    assert told.loc["outbound", ["median_diff_min", "within_5_min"]].tolist() == [-6, 0]
    assert told.loc["return", ["both", "ours_only"]].tolist() == [0, 1]
    first = found.worst.iloc[0]
    assert first[["home_id", "ours_min", "theirs_min", "diff_min"]].tolist() == ["H1", 29, 35, -6]
    assert first["ours"].startswith(
        "04:15–04:20 walk (⌂ → Stop A) · 04:20–04:40 ride R (Stop A → Stop B)"
    )
    assert first["theirs"] == "12|7"
    assert set(found.worst["home_id"].iloc[1:]) == {"H1", "H2"}


def test_pairs_left_out_by_the_other_are_not_reached_by_it(study, ours, tmp_path):
    """It reaches H1 at 13:00 and H2 at 05:00 on the way out; only we reach H1 at 05:00."""
    theirs = tmp_path / "other.csv"
    head = "from_id,to_id,travel_time,edge,mode\n"
    rows = "H1,Usine,35,13:00,transit\nH2,Usine,50,05:00,transit\n"
    theirs.write_text(head + rows, encoding="utf-8")
    found = against(study, ours, theirs)
    counts = ["pairs", "both", "ours_only", "theirs_only"]
    told = found.agreement.set_index("edge")[counts]
    assert told.loc["05:00"].tolist() == [2, 0, 1, 1]
    assert told.loc["13:00"].tolist() == [2, 1, 0, 0]
    one_only = found.worst[found.worst["theirs_min"].isna()].iloc[0]
    assert one_only[["home_id", "edge", "theirs"]].tolist() == ["H1", "05:00", ""]
    assert "ride R" in one_only["ours"]
    # A table that writes what it does not reach leaves out what it was not asked.
    theirs.write_text(head + rows + "H2,Usine,,21:00,transit\n", encoding="utf-8")
    asked = against(study, ours, theirs).agreement
    assert asked["pairs"].tolist() == [1, 1, 1]
    assert asked["ours_only"].sum() == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("from_id,to_id\nH1,Usine\n", "There is no column 'travel_time'"),
        ("from_id,to_id,travel_time\nH9,Usine,3\n", "row 2, field from_id, to_id, value 'H9 → U"),
        ("from_id,to_id,travel_time\nH1,Usine,3\n", "field edge: Which of these is meant? 05:00, "),
        ("from_id,to_id,travel_time,edge\nH1,Usine,x,05:00\n", "It is no number."),
        ("from_id,to_id,travel_time,edge\nH1,Usine,-1,05:00\n", "It is less than 0."),
        ("from_id,to_id,travel_time,edge\nH1,Usine,3,05:10\n", "It is none of these: 05:00"),
        ("from_id,to_id,travel_time,edge,mode\nH1,Usine,3,05:00,car\n", "field mode, value 'car'"),
        ("from_id,to_id,travel_time,edge\n" + 2 * "H1,Usine,3,05:00\n", "This pair stands twice."),
    ],
)
def test_a_bad_matrix_is_one_line(study, ours, tmp_path, text, words):
    path = tmp_path / "other.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match=words.replace("?", r"\?").replace("(", r"\(")):
        against(study, ours, path)


def test_bad_wishes_are_one_line(study, ours, tmp_path):
    with pytest.raises(TerritoryError, match="not evaluated"):
        mobility.matrix(study, modes=["car"])
    with pytest.raises(SourceError, match=r"matrix.xlsx: No file of this kind.* .parquet, .csv"):
        write_matrix(ours, tmp_path / "matrix.xlsx")
    (tmp_path / "m.parquet").write_bytes(b"no parquet")
    with pytest.raises(SourceError, match="It cannot be read"):
        against(study, ours, tmp_path / "m.parquet")


def test_shifts_that_start_together_are_asked_once(study):
    site = study.sites[0]
    twin = site.rosters[0].model_copy(update={"name": "other"})
    sites = (site.model_copy(update={"rosters": [*site.rosters, twin]}),)
    both = mobility.matrix(replace(study, sites=sites))
    assert len(both) == 24
    assert "3x8/matin other/matin" in set(both["shifts"])


def test_the_command_writes_and_compares(toml, tmp_path):
    first = CliRunner().invoke(app, ["matrix", str(toml), "-o", str(tmp_path / "m.csv")])
    assert first.exit_code == 0, first.output
    again = ["matrix", str(toml), "-o", str(tmp_path / "n.parquet"), "--lang", "en"]
    second = CliRunner().invoke(app, [*again, "--against", str(tmp_path / "m.csv")])
    assert second.exit_code == 0, second.output
    assert "24 rows" in second.output
    assert len(pd.read_parquet(tmp_path / "n.parquet")) == 24
    agreement = pd.read_csv(tmp_path / "matrix_agreement.csv")
    keys = ["site", "direction", "edge", "day_kind", "mode"]
    # What tells one row from another is shown, not written alone.
    assert (
        not agreement[[k for k in registry()["matrix_agreement"].shown if k in keys]]
        .duplicated()
        .any()
    )
    assert agreement[keys[:4]].duplicated().any()
    assert (tmp_path / "matrix_worst.csv").is_file()


def test_a_table_compared_with_is_never_written_over(toml, tmp_path):
    theirs = tmp_path / "matrix_worst.csv"
    CliRunner().invoke(app, ["matrix", str(toml), "-o", str(tmp_path / "m.csv")])
    theirs.write_bytes((tmp_path / "m.csv").read_bytes())
    command = ["matrix", str(toml), "-o", str(tmp_path / "n.csv"), "--against", str(theirs)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 2
    assert "matrix_worst.csv" in result.output
    assert theirs.read_bytes() == (tmp_path / "m.csv").read_bytes()
    assert not (tmp_path / "n.csv").exists()


def test_a_matrix_of_ids_that_look_like_formulas_is_read_back(tmp_path):
    toml = write_territory(tmp_path / "in")
    homes = toml.with_name("homes.csv")
    homes.write_text(homes.read_text("utf-8").replace("H1,H1", "=H1,H1"), encoding="utf-8")
    command = ["matrix", str(toml), "-o", str(tmp_path / "m.csv")]
    assert CliRunner().invoke(app, command).exit_code == 0
    assert "'=H1" in (tmp_path / "m.csv").read_text("utf-8")
    again = [*command[:2], "-o", str(tmp_path / "n.csv"), "--against", str(tmp_path / "m.csv")]
    result = CliRunner().invoke(app, again)
    assert result.exit_code == 0, result.output
    found = pd.read_csv(tmp_path / "matrix_agreement.csv")
    assert not found.filter(like="diff").fillna(0).to_numpy().any()
