"""Faster than usual at this place, by the mean velocity of what moves in a person-sized window."""

import numpy as np
import pytest

from pipeline.flow_normality import FlowNormality, Windows


def moving(row, column, *, right=0.0, rows=5, columns=3):
    """Return a movement field in which the cells from (row, column) on move to the right."""
    cells = np.zeros((40, 60, 3), np.float32)
    cells[row : row + rows, column : column + columns] = 1, right, 0
    return cells


def learned(*fields, times=50):
    flow = FlowNormality()
    for time in range(times):
        for field in fields:
            # Walkers differ by a tenth.
            flow.learn(Windows.of(field * np.array([1, 0.9 + 0.2 * (time % 2), 1], np.float32)))
    return flow


def test_a_window_has_the_mean_velocity_of_what_moves_in_it():
    cells = moving(20, 20, right=0.1)
    cells[24:25, 20:23] = 1, -0.15, 0  # one of five rows: a leg that swings back
    # Four rows at 0.1 and one at -0.15 sum up to 0.25.
    assert Windows.of(cells).speeds[22, 21] == pytest.approx(0.25 / 5, abs=1e-4)
    assert Windows.of(cells).velocity(22, 21) == pytest.approx([0.05, 0.0], abs=1e-4)


def test_what_stands_around_does_not_slow_a_window_down():
    assert Windows.of(moving(22, 21, right=0.2, rows=2, columns=2)).speeds[22, 21] == pytest.approx(0.2)


def test_a_window_in_which_hardly_anything_moves_tells_nothing():
    assert not Windows.of(moving(22, 22, right=0.2, rows=1, columns=2)).speeds.any()


def test_what_a_window_held_is_carried_along_with_its_movement():
    # 0.5 widths a second are 3 cells of 60 in a tenth of a second.
    before = Windows.of(moving(20, 20, right=0.5))
    now = Windows.of(moving(20, 23, right=0.5), before, step_s=0.1)
    assert now.shares[22, 24] == pytest.approx(1.0)
    assert now.speeds[22, 24] == pytest.approx(0.5)


def test_one_wrong_frame_hardly_changes_what_is_known_of_a_thing():
    before = Windows.of(moving(20, 20, right=0.0))
    wrong = Windows.of(moving(20, 20, right=0.05), before, step_s=0.1)
    # exp(-0.1 / 0.5) = 0.82 of it is what was known.
    assert wrong.speeds[22, 21] == pytest.approx(0.05 * 0.18, abs=0.004)


def test_the_usual_speed_is_no_surprise_and_twice_as_fast_is_one():
    flow = learned(moving(20, 20, right=0.2))
    assert flow.surprise(Windows.of(moving(20, 20, right=0.2))).max() < 0.2
    # 0.2 faster than 0.2; a deviation is at least 0.15 of it and 0.01: 0.04.
    assert flow.surprise(Windows.of(moving(20, 20, right=0.4))).max() == pytest.approx(5.0, abs=0.4)
    assert flow.ratio(Windows.of(moving(20, 20, right=0.4)))[22, 21] == pytest.approx(2.0, abs=0.1)


def test_slower_than_usual_is_no_surprise():
    flow = learned(moving(20, 20, right=0.2))
    assert not flow.surprise(Windows.of(moving(20, 20, right=0.1))).any()


def test_where_nothing_ever_moved_the_rows_above_say_what_is_usual():
    flow = learned(*(moving(row, column, right=row / 100) for row in (6, 14, 22) for column in (5, 25, 45)))
    # Things in row 32 should move 0.32 a second, as those above have 0.06, 0.14 and 0.22.
    assert flow.surprise(Windows.of(moving(32, 25, right=0.32))).max() < 2.0
    assert flow.surprise(Windows.of(moving(6, 25, right=0.32))).max() > 5.0
    assert flow.is_known(8, 26)
    assert not flow.is_known(34, 26)


def test_a_speed_counts_up_to_a_limit_when_learning():
    free, bound = (learned(moving(20, 20, right=0.1)) for _ in range(2))
    free.learn(Windows.of(moving(20, 20, right=5.0)))
    bound.learn(Windows.of(moving(20, 20, right=5.0)), limit=3.0)
    for flow in (free, bound):
        flow.from_arrays(flow.to_arrays())
    odd = Windows.of(moving(20, 20, right=0.2))
    assert bound.surprise(odd).max() > 1.2 * free.surprise(odd).max()
