"""Faster than usual at this place, by the mean velocity of what moves in a person-sized window."""

import numpy as np
import pytest

from pipeline.flow_normality import FlowNormality, Windows


def moving(row, column, *, right=0.0, rows=7, columns=5):
    """Return a movement field in which the fine cells from (row, column) on move to the right."""
    movement = np.zeros((56, 56, 3), np.float32)
    movement[row : row + rows, column : column + columns] = 1, right, 0
    return movement


def learned(*fields, times=50):
    flow = FlowNormality()
    for _ in range(times):
        for field in fields:
            flow.learn(Windows.of(field))
    return flow


def test_a_window_has_the_mean_velocity_of_what_moves_in_it():
    movement = moving(20, 20, right=0.1)
    movement[25:27, 20:25] = 1, -0.15, 0  # two of seven rows: a leg that swings back
    # Five rows at 0.1 and two at -0.15 sum up to 0.2.
    assert Windows.of(movement).speeds[23, 22] == pytest.approx(0.2 / 7, abs=1e-4)


def test_what_stands_around_does_not_slow_a_window_down():
    assert Windows.of(moving(22, 21, right=0.2, rows=3, columns=3)).speeds[23, 22] == pytest.approx(0.2)


def test_a_window_in_which_hardly_anything_moves_tells_nothing():
    assert not Windows.of(moving(22, 22, right=0.2, rows=2, columns=2)).speeds.any()


def test_the_usual_speed_is_no_surprise_and_twice_as_fast_is_nearly_one():
    flow = learned(moving(20, 20, right=0.2))
    assert flow.surprise(Windows.of(moving(20, 20, right=0.2))).max() < 0.05
    # 0.2 faster than 0.2, in units of 0.2 + 0.02.
    assert flow.surprise(Windows.of(moving(20, 20, right=0.4))).max() == pytest.approx(0.2 / 0.22, abs=0.05)
    assert flow.ratio(Windows.of(moving(20, 20, right=0.4))).max() == pytest.approx(2.0, abs=0.1)


def test_slower_than_usual_is_no_surprise():
    flow = learned(moving(20, 20, right=0.2))
    assert not flow.surprise(Windows.of(moving(20, 20, right=0.1))).any()


def test_where_nothing_ever_moved_the_rows_above_say_what_is_usual():
    flow = learned(*(moving(row, column, right=row / 100) for row in (8, 20, 32) for column in (5, 25, 45)))
    # Things in row 46 should move 0.46 a second, as those above have 0.08, 0.20 and 0.32.
    assert flow.surprise(Windows.of(moving(46, 25, right=0.46))).max() < 0.2
    assert flow.surprise(Windows.of(moving(8, 25, right=0.46))).max() > 2.0


def test_a_speed_counts_up_to_a_limit_when_learning():
    free, bound = (learned(moving(20, 20, right=0.1)) for _ in range(2))
    free.learn(Windows.of(moving(20, 20, right=5.0)))
    bound.learn(Windows.of(moving(20, 20, right=5.0)), limit=1.0)
    for flow in (free, bound):
        flow.from_arrays(flow.to_arrays())
    odd = Windows.of(moving(20, 20, right=0.2))
    assert bound.surprise(odd).max() > 1.2 * free.surprise(odd).max()
