"""What an alarm judges is how high scores are and stay: no flash, no frame rate."""

import math

import pytest

from pipeline.sustained import Sustained


def after(scores, step_s):
    sustained = Sustained()
    for score in scores:
        sustained = sustained.then(score, step_s)
    return sustained


def test_nothing_is_known_of_one_score():
    assert after([4.0], 0.2).level == 0.0


def test_the_level_nears_what_lasts_by_all_but_an_e_th_a_second():
    # The first of six is not the second highest of three yet: a second of five steps is left.
    assert after([4.0] * 6, 0.2).level == pytest.approx(4 * (1 - math.exp(-1)))


def test_a_second_is_a_second_at_any_frame_rate():
    slow, fast = after([4.0] * 13, 0.25), after([4.0] * 31, 0.1)
    assert slow.level == pytest.approx(fast.level)


def test_a_single_flash_counts_nothing():
    assert after([1.0, 1.0, 900.0, 1.0, 1.0], 0.2).level == after([1.0] * 5, 0.2).level


def test_two_high_ones_of_three_count():
    # Of the fourth score and the two before it 9 is the second highest; of the fifth and those before, 0.
    level = after([0.0, 9.0, 0.0, 9.0, 0.0], 0.2).level
    assert level == pytest.approx(9 * (1 - math.exp(-0.2)) * math.exp(-0.2))
