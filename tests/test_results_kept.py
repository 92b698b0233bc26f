"""What a command found is found again on the same inputs, and on no others."""

import datetime as dt
import os
import shutil
import signal
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from feeds import service
from small import PLACES_M, SERVICES, TRIPS, lonlat, write_osm, write_territory

from mobility.base import cache
from mobility.base.cache import cached
from mobility.commute import access as access_module
from mobility.commute import loading
from mobility.commute.access import assess
from mobility.commute.loading import load
from mobility.commute.variants import by_day
from mobility.commute.white_zones import white_zones
from mobility.pipeline import run
from mobility.territory.project import Territory
from mobility.timetable.arrays import INF

TWO_SITES = """
[[sites]]
name = "Other"
gates = [[{lon:.6f}, {lat:.6f}]]
rosters = [{{ name = "early", shifts = [{{ name = "early", start = "{start}", end = "13:00" }}] }}]
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MOBILITY_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def asked(monkeypatch):
    """The sites of which something is computed."""
    sites = []
    answer = access_module._answer

    def counted(study, shift_id, day, mode):
        sites.append(study.shift_rows[shift_id].site)
        return answer(study, shift_id, day, mode)

    monkeypatch.setattr(access_module, "_answer", counted)
    return sites


def found(study):
    access = assess(study)
    zones = white_zones(access)
    arrays = [getattr(access, name) for name in access_module.TYPES]
    return [*arrays, zones.status, zones.reason]


def same(one, other):
    return all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in zip(one, other, strict=True))


def with_other(folder, start="05:00"):
    toml = write_territory(folder)
    gate = load(toml).sites[0].gates[0]
    text = toml.read_text(encoding="utf-8")
    other = TWO_SITES.format(lon=gate[0], lat=gate[1], start=start)
    toml.write_text(text + other, encoding="utf-8")
    return toml


def test_the_same_inputs_are_asked_once(tmp_path, asked):
    toml = write_territory(tmp_path / "t")
    first = found(load(toml))
    assert asked
    asked.clear()
    assert same(found(load(toml)), first)
    assert asked == []


def test_a_limit_a_feed_or_a_variant_is_asked_anew(tmp_path, asked):
    toml = write_territory(tmp_path / "t")
    first = found(load(toml))
    text = toml.read_text(encoding="utf-8")
    for changed in (text + "\n[limits]\nmax_walk_min = 1\n", text):
        asked.clear()
        toml.write_text(changed, encoding="utf-8")
        again = found(load(toml))
        assert bool(asked) == (changed != text)
        assert same(again, first) == (changed == text)
    asked.clear()
    write_territory(tmp_path / "t", trips=TRIPS[:1])
    assert not same(found(load(toml)), first)
    assert asked
    asked.clear()
    found(by_day(load(toml)))
    assert asked


def test_a_change_of_one_site_asks_of_that_site(tmp_path, asked):
    found(load(with_other(tmp_path / "t")))
    assert set(asked) == {0, 1}
    asked.clear()
    found(load(with_other(tmp_path / "t", start="06:00")))
    assert set(asked) == {1}


def test_another_commune_of_a_home_is_asked_anew_where_vehicles_come_by_commune(tmp_path):
    zone = 'name = "TAD"\ncommunes = ["Droiteville"]\nhubs = ["A"]'
    toml = write_territory(tmp_path / "t")
    text = toml.read_text(encoding="utf-8").replace('"walk"]', '"walk", "on_demand"]')
    toml.write_text(f"{text}\n[[on_demand]]\n{zone}\n", encoding="utf-8")
    homes = toml.parent / "homes.csv"
    row = assess(load(toml)).row(0, "school_weekday", "on_demand")
    reached = [assess(load(toml)).outbound_s[row] < INF]
    text = homes.read_text(encoding="utf-8")
    homes.write_text(text.replace("H1,H1,Droiteville", "H1,H1,Ailleurs"), encoding="utf-8")
    reached.append(assess(load(toml)).outbound_s[row] < INF)
    assert [bool(r[0]) for r in reached] == [True, False]


def test_other_code_finds_nothing(tmp_path, asked, monkeypatch):
    toml = write_territory(tmp_path / "t")
    found(load(toml))
    asked.clear()
    monkeypatch.setattr("mobility.commute.loading.code_hash", lambda: "another version")
    found(load(toml))
    assert asked


def outputs(toml):
    """What a run writes, by name, what it kept before found again."""
    folder = run(toml, toml.parent.parent / "out").folder
    return {p.name: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def fresh(toml, monkeypatch):
    """What a run writes that finds nothing."""
    with monkeypatch.context() as alone:
        alone.setenv("MOBILITY_CACHE_DIR", str(toml.parent.parent / "none"))
        shutil.rmtree(toml.parent.parent / "none", ignore_errors=True)
        return outputs(toml)


def rewrite(file, old, new):
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


H1, NEAR_H1, GATE, NEAR_GATE = (
    f"{lonlat(PLACES_M[name] + more_m)[0]:.9f}" for name in ("H1", "G") for more_m in (0, -90)
)
#: What a run follows from, one change each: a text of a file, or the timetable.
TEXTS = {
    "name of the site": ("territory.toml", '"Usine"', '"Autre"'),
    "gate": ("territory.toml", GATE, NEAR_GATE),
    "limit": ("territory.toml", "[modes]", "[limits]\nmax_walk_min = 2\n[modes]"),
    "date": ("territory.toml", "2026-11-17", "2026-11-24"),
    "hours": ("territory.toml", '["3x8"]', '["2x8"]'),
    "workers": ("homes.csv", ",10\nH2", ",11\nH2"),
    "commune": ("homes.csv", "H1,Droiteville", "H1,Ailleurs"),
    "name of a home": ("homes.csv", "H1,H1,", "H9,H9,"),
    "place of a home": ("homes.csv", H1, NEAR_H1),
    "streets": ("streets.osm", '"residential"', '"service"'),
}
TIMETABLES = {
    "trips": {"trips": TRIPS[:1]},
    "clock": {"trips": [*TRIPS[:5], ("home05", "B", "05:25", "A", "05:45", "week")]},
    "calendar": {"services": SERVICES | {"week": service("1111100", "20260105", "20261217")}},
}


def test_what_was_found_of_other_inputs_is_never_told(tmp_path, monkeypatch):
    folder = tmp_path / "t"
    toml = write_territory(folder)
    known = [outputs(toml)]
    for name in (*TEXTS, *TIMETABLES):
        write_territory(folder, **TIMETABLES.get(name, {}))
        if name in TEXTS:
            file, old, new = TEXTS[name]
            rewrite(folder / file, old, new)
        told = outputs(toml)
        assert told == fresh(toml, monkeypatch), name
        assert told not in known, name
        known.append(told)
    write_territory(folder)
    assert outputs(toml) == known[0]


def test_a_background_reaches_as_far_around_as_the_gates_now_are(tmp_path, monkeypatch):
    toml = write_territory(tmp_path / "t")
    osm = write_osm(toml.parent / "streets.osm", length_m=18_000)
    (lon, lat), (lon2, lat2) = lonlat(25_000), lonlat(26_000)
    rewrite(
        osm,
        "</osm>",
        f'<node id="98" lat="{lat:.9f}" lon="{lon:.9f}" version="1"/>'
        f'<node id="99" lat="{lat2:.9f}" lon="{lon2:.9f}" version="1"/>'
        '<way id="2" version="1"><nd ref="98"/><nd ref="99"/>'
        '<tag k="highway" v="residential"/></way></osm>',
    )
    near = outputs(toml)
    rewrite(toml, GATE, f"{lonlat(17_000)[0]:.9f}")
    far = outputs(toml)
    assert far == fresh(toml, monkeypatch)
    assert far["map.html"] != near["map.html"]


def test_a_territory_changed_in_memory_is_checked_anew(tmp_path):
    territory = Territory.from_toml(write_territory(tmp_path / "t"))
    limits = territory.limits.model_copy(update={"max_walk_min": 2})
    near = territory.model_copy(update={"limits": limits})
    codes = [{f.code for f in load(one).findings} for one in (territory, near, territory)]
    assert ["gates_without_stop" in found for found in codes] == [False, True, False]


def test_what_was_found_is_told_without_finding_it_again(tmp_path, monkeypatch):
    toml = write_territory(tmp_path / "t")
    first = outputs(toml)

    def asked_again(*_, **__):
        raise AssertionError

    names = ["commute.loading.check_feed", "outputs.render._page_template"]
    names += [f"outputs.map.from_results.{name}" for name in ("answers", "background_of")]
    for name in names:
        monkeypatch.setattr(f"mobility.{name}", asked_again)
    assert outputs(toml) == first
    monkeypatch.setattr("mobility.commute.said_before.today", lambda: dt.date(2030, 1, 1))
    with pytest.raises(AssertionError):
        outputs(toml)


def test_what_is_damaged_is_found_again(tmp_path):
    toml = write_territory(tmp_path / "t")
    first = outputs(toml)
    files = [p for p in cache.cache_dir().rglob("*") if p.is_file()]
    assert {"checks", "results"} <= {p.parents[1].name for p in files}
    for file in files:
        with file.open("r+b") as part:
            part.truncate(file.stat().st_size // 2)
    assert outputs(toml) == first


@pytest.mark.skipif(sys.platform != "linux", reason="SIGKILL")
def test_killed_at_any_step_of_writing_an_entry_is_whole_or_none(tmp_path):
    content = {"rows": np.arange(5, dtype=np.int32), "text": np.array("é")}
    changes = {f"os.{name}" for name in ("mkdir", "rename", "rmdir", "remove", "utime")} | {"open"}
    step, alive = 0, False
    while not alive:
        step += 1
        child = os.fork()
        if not child:
            count = 0

            def hook(event, args, step=step):
                nonlocal count
                change = event in changes and (event != "open" or "r" not in str(args[1]))
                count += change
                if change and count >= step:
                    os.kill(os.getpid(), signal.SIGKILL)

            sys.addaudithook(hook)
            cached("walks", [step], lambda: content)
            os._exit(0)
        alive = os.waitpid(child, 0)[1] == 0
        place = cache.place_of("walks", [step])
        assert not place.exists() or cache.is_sound(place)
        again = cached("walks", [step], lambda: content)
        assert again["rows"].tolist() == [0, 1, 2, 3, 4]
        assert str(again["text"]) == "é"
    assert step > 5
    assert Path(place / cache.SEAL).is_file()


def test_journeys_of_a_site_are_found_where_the_page_now_has_it(tmp_path, monkeypatch):
    toml = write_territory(tmp_path / "t")
    outputs(toml)
    gate = load(toml).sites[0].gates[0]
    other = TWO_SITES.format(lon=gate[0], lat=gate[1], start="05:00")
    rewrite(toml, "[[sites]]", f"{other}\n[[sites]]")
    assert outputs(toml) == fresh(toml, monkeypatch)


def test_another_calendar_of_holidays_is_checked_anew(tmp_path, monkeypatch):
    toml = write_territory(tmp_path / "t")
    outputs(toml)
    known = loading._holidays

    def newer(*asked):
        holidays = known(*asked)
        return replace(holidays, uncertain=holidays.uncertain | {dt.date(1999, 1, 4)})

    monkeypatch.setattr(loading, "_holidays", newer)
    checked = []
    check = loading.check_feed
    monkeypatch.setattr(loading, "check_feed", lambda *a, **k: checked.append(1) or check(*a, **k))
    outputs(toml)
    assert checked
