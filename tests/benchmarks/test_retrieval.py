"""How results are judged: what is right of the first few, and never within a group."""

import numpy as np
import pytest

from benchmarks.retrieval import by_example, by_words, judged
from training.search_model import ReadClips


def test_hits_are_judged_in_their_order():
    # 1 0 1 0: of the first two one is right; precision 1 at the first hit, 2/3 at the third place.
    found = judged(np.array([True, False, True, False]), 2)
    assert (found.first, found.map, found.chance) == (0.5, pytest.approx((1 + 2 / 3) / 2), 0.5)


def test_no_more_can_be_right_than_there_are():
    assert judged(np.array([True, False, False]), 3).first == 1.0


def test_the_highest_scores_come_first():
    assert by_words(np.array([0.1, 0.9], np.float32), np.array([False, True])).map == 1.0


def test_a_clip_of_the_same_group_is_not_counted():
    # a and b are twins of one group: a's nearest of another group is c, of another label, then d.
    vectors = np.array([[1, 0], [1, 0], [0.9, 0.1], [0, 1]], np.float32)
    clips = ReadClips(
        vectors, np.array(["x", "x", "y", "x"]), np.full(4, "t"), np.array(["1", "1", "2", "3"])
    )
    found = by_example(vectors, clips, np.arange(4))
    # a: y x → 1/2; b: the same; d: y (0.1), a, b → (1/2 + 2/3) / 2; c has none of its label.
    assert found.map == pytest.approx((0.5 + 0.5 + (1 / 2 + 2 / 3) / 2) / 3)
