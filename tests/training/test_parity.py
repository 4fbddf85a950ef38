import numpy as np
import pytest

from training.parity import DriftError, Parity, agreement, compare, demand_agreement, demand_cosine


def test_equal_vectors_have_cosine_one():
    rows = np.random.default_rng(0).random((3, 5), np.float32)
    parity = compare(rows, rows)
    assert parity.count == 3
    assert parity.mean_cosine == pytest.approx(1.0)
    assert parity.worst_cosine == pytest.approx(1.0)


def test_the_worst_row_is_told_apart_from_the_mean():
    reference = np.array([[1, 0], [1, 0]], np.float32)
    exported = np.array([[2, 0], [3, 4]], np.float32)
    # Cosines 1 and 3 / 5.
    parity = compare(reference, exported)
    assert parity.mean_cosine == pytest.approx(0.8)
    assert parity.worst_cosine == pytest.approx(0.6)


def test_grids_are_compared_whole():
    grid = np.ones((2, 3, 4, 4), np.float32)
    assert compare(grid, grid).count == 2


def test_agreement_is_the_share_of_equal_decisions():
    reference = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7]])
    exported = np.array([[0.8, 0.2], [0.1, 0.9], [0.4, 0.6], [0.3, 0.7]])
    assert agreement(reference, exported) == 0.75


def test_a_cosine_of_99_hundredths_is_accepted():
    demand_cosine("encoder", Parity(8, mean_cosine=0.99, worst_cosine=0.5))


def test_a_drift_names_what_drifted_and_how_far():
    with pytest.raises(
        DriftError, match=r"exported encoder drifts: cosine 0\.9800 on average, 0\.9000 at worst"
    ):
        demand_cosine("encoder", Parity(8, mean_cosine=0.98, worst_cosine=0.9))


def test_one_decision_in_a_hundred_may_differ_and_no_more():
    demand_agreement("fight", 0.99)
    with pytest.raises(DriftError, match=r"head fight decides otherwise in 2\.0% of the clips"):
        demand_agreement("fight", 0.98)
