"""Larger than usual in this row, by what hangs together and moves."""

import numpy as np
import pytest

from pipeline.sizes import SizeNormality, Things


def things(*boxes):
    """Return the things of a field in which boxes of (row, column, rows, columns) cells move."""
    cells = np.zeros((40, 60, 3), np.float32)
    for row, column, rows, columns in boxes:
        cells[row : row + rows, column : column + columns, 0] = 1
    return Things.of(cells)


def learned():
    """Return what is usual where things of 12 and 15 cells have their feet in row 20, larger ones below."""
    sizes = SizeNormality()
    for _ in range(100):
        for seen in (things((16, 10, 4, 3)), things((15, 30, 5, 3)), things((26, 20, 6, 6))):
            sizes.learn(seen)
    return sizes


def test_what_hangs_together_is_one_thing_with_feet_and_size():
    seen = things((10, 10, 4, 3), (30, 40, 6, 5))
    assert seen.feet.tolist() == [14, 36]
    assert np.exp(seen.sizes) == pytest.approx([12, 30])
    assert seen.labels[12, 11] == 1
    assert seen.labels[33, 42] == 2


def test_the_usual_size_is_no_surprise_and_four_times_as_large_is_one():
    sizes = learned()
    assert sizes.surprise(things((16, 40, 4, 3)))[0] < 1.0
    assert sizes.surprise(things((14, 40, 6, 9)))[0] > 4.0
    # 54 cells, where 12 and 15 are usual.
    assert sizes.ratio(things((14, 40, 6, 9)))[0] == pytest.approx(54 / 13.4, rel=0.1)


def test_what_is_nearer_may_be_larger():
    sizes = learned()
    assert sizes.surprise(things((26, 20, 6, 6)))[0] < 1.0
    assert sizes.surprise(things((14, 20, 6, 6)))[0] > 3.0
    assert sizes.is_known(32)
    assert not sizes.is_known(5)


def test_smaller_than_usual_is_no_surprise_and_a_speck_is_nothing():
    assert not learned().surprise(things((18, 40, 2, 2), (19, 50, 1, 2))).any()


def test_nothing_is_no_surprise():
    assert learned().surprise(things()).tolist() == []


def test_before_anything_was_learned_only_what_is_very_large_is_a_surprise():
    sizes = SizeNormality()
    sizes.learn(things((16, 10, 4, 3)))
    # Usual sizes are guessed and deviate by a factor of 2 (0.7 in logarithms).
    assert sizes.surprise(things((16, 10, 4, 6)))[0] < 3.0


def test_a_size_counts_up_to_a_limit_when_learning():
    free, bound = learned(), learned()
    for _ in range(5):
        free.learn(things((0, 0, 20, 50)))
        bound.learn(things((0, 0, 20, 50)), limit=3.0)
    for sizes in (free, bound):
        sizes.from_arrays(sizes.to_arrays())
    odd = things((14, 40, 6, 5))
    assert bound.surprise(odd)[0] > 1.2 * free.surprise(odd)[0]
