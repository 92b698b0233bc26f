import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobility.base.errors import TerritoryError
from mobility.commute.drives import car_park_s, free_seconds, road_seconds
from mobility.engine.journeys import Edge
from mobility.territory.project import Driving, Territory

HOUR = 3600
PEAK = Driving(peak_factor=2.0, peak_hours=[("07:00", "09:00")])


def drive(driving, minutes, at_h, *, returning):
    free_s = np.array([minutes * 60])
    (found,) = road_seconds(driving, free_s, round(at_h * HOUR), returning=returning)
    return found / 60


def test_a_drive_meets_the_peak_for_the_time_it_is_on_the_road_in_it():
    """
    Arriving at 07:30, 30 minutes of free driving: half an hour in the peak drives 15, the
    other 15 are driven before 07:00: 45 minutes. Leaving at 06:50: 10 minutes free, 20 at
    half the speed: 50. By night, as free; arriving at 07:00 sharp, all of it is before.
    """
    assert drive(PEAK, 30, 7.5, returning=False) == pytest.approx(45)
    assert drive(PEAK, 30, 6 + 50 / 60, returning=True) == pytest.approx(50)
    assert drive(PEAK, 30, 4, returning=False) == pytest.approx(30)
    assert drive(PEAK, 30, 7, returning=False) == pytest.approx(30)
    assert drive(PEAK, 30, 9, returning=False) == pytest.approx(60)
    assert drive(PEAK, 30, 9, returning=True) == pytest.approx(30)


def test_the_morrow_and_the_eve_have_their_peaks():
    """A night shift left at 06:50 on the morrow, and one reached at 07:30 the day before."""
    assert drive(PEAK, 30, 24 + 6 + 50 / 60, returning=True) == pytest.approx(50)
    assert drive(PEAK, 30, 7.5 - 24, returning=False) == pytest.approx(45)


def test_a_peak_over_midnight_and_hourly_factors():
    late = Driving(peak_factor=2.0, peak_hours=[("23:00", "01:00")])
    assert drive(late, 30, 24, returning=True) == pytest.approx(60)
    assert drive(late, 30, 23.5, returning=True) == pytest.approx(60)
    assert drive(late, 30, 12, returning=True) == pytest.approx(30)
    hourly = Driving(hourly=[1.0] * 8 + [2.0] + [1.0] * 15, peak_factor=4.0)
    # Leaving at 08:45: 15 minutes drive 7.5, the other 22.5 are free.
    assert drive(hourly, 30, 8.75, returning=True) == pytest.approx(37.5)
    assert drive(hourly, 30, 7.75, returning=False) == pytest.approx(30)


def test_24_factors_or_none():
    with pytest.raises(TerritoryError, match="instead of 24"):
        Territory.from_dict(
            {"name": "x", "sources": {"homes": {"file": "h.csv"}}, "driving": {"hourly": [1.0]}}
        )


def test_parking_lies_between_the_gate_and_the_drive():
    driving = Driving(parking_min=3)
    assert car_park_s(driving, Edge(returning=False, at_s=8 * HOUR, margin_s=600)) == 27_420 + 600
    assert car_park_s(driving, Edge(returning=True, at_s=16 * HOUR, margin_s=600)) == 58_380


hours = st.lists(st.sampled_from([1.0, 1.25, 1.5, 2.0, 3.0]), min_size=24, max_size=24)


@settings(max_examples=150, deadline=None)
@given(hours, st.integers(0, 7200), st.integers(0, 3600), st.integers(-HOUR, 30 * HOUR))
def test_traffic_slows_down_and_nobody_overtakes(hourly, free_s, later_s, at_s):
    driving = Driving(hourly=hourly)
    for returning in (False, True):
        sign = 1 if returning else -1
        (road_s,) = road_seconds(driving, np.array([free_s]), at_s, returning=returning)
        assert free_s - 1e-6 <= road_s <= 3 * free_s + 1e-6
        back = free_seconds(driving, road_s, at_s, returning=returning)
        assert back == pytest.approx(free_s, abs=1e-5)
        (then_s,) = road_seconds(
            driving, np.array([free_s]), at_s + sign * later_s, returning=returning
        )
        # Further out at one end of the drive is no nearer at the other.
        assert later_s + then_s >= road_s - 1e-6
    # By small steps, second by second.
    clock, left = at_s, float(free_s)
    while left > 1e-9:
        factor = hourly[clock // HOUR % 24]
        left -= 1 / factor
        clock += 1
    (road_s,) = road_seconds(driving, np.array([free_s]), at_s, returning=True)
    assert clock - at_s == pytest.approx(road_s, abs=1.01)
