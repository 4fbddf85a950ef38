import math

import numpy as np
import pytest

from training.measures import scored
from training.reliability import reliability

NAMES = ("normal", "fall")


def confident(confidences, is_right):
    """Return examples of "fall" that the model is so sure of, and right or wrong about."""
    labels = [1 if right else 0 for right in is_right]
    return scored(NAMES, labels, [[1 - confidence, confidence] for confidence in confidences])


def test_the_error_is_the_mean_gap_of_confidence_and_accuracy_weighted_by_bin():
    # (0.5, 0.75]: 0.6 and 0.7, one right: |0.5 − 0.65| = 0.15. (0.75, 1]: 0.9 and 1.0, both right: 0.05.
    found = reliability(confident([0.6, 0.7, 0.9, 1.0], [1, 0, 1, 1]), num_bins=4)
    assert [(one.low, one.high, one.count) for one in found.bins] == [(0.5, 0.75, 2), (0.75, 1.0, 2)]
    assert [one.accuracy for one in found.bins] == [0.5, 1.0]
    assert found.ece == pytest.approx(0.5 * 0.15 + 0.5 * 0.05)


def test_opposite_errors_in_different_bins_do_not_cancel():
    # Sure and half right (gap 0.45), unsure and always right (gap 0.45): 0.45, although 0.75 meets 0.75.
    examples = confident([0.95, 0.95, 0.55, 0.55], [1, 0, 1, 1])
    assert reliability(examples).ece == pytest.approx(0.45)


def test_a_bin_holds_its_upper_edge():
    found = reliability(confident([0.75], [1]), num_bins=4)
    assert [(one.low, one.high) for one in found.bins] == [(0.5, 0.75)]


def test_bins_of_equal_mass_hold_as_many_examples_each():
    confidences = [0.51, 0.52, 0.53, 0.9, 0.95, 0.99]
    found = reliability(confident(confidences, [1] * 6), binning="equal mass", num_bins=2)
    assert [one.count for one in found.bins] == [3, 3]
    assert [one.high for one in found.bins] == [0.53, 1.0]


def test_equal_confidences_share_a_bin_whatever_their_order():
    one, other = (
        reliability(confident([0.8] * 4, is_right), binning="equal mass", num_bins=2)
        for is_right in ([1, 1, 0, 0], [0, 1, 0, 1])
    )
    assert one == other
    assert [(part.count, part.accuracy) for part in one.bins] == [(4, 0.5)]


def test_a_calibrated_model_has_an_error_near_zero():
    generator = np.random.default_rng(0)
    confidences = generator.uniform(0.5, 1, 20_000)
    is_right = generator.uniform(size=20_000) < confidences
    # Noise of 8 bins with 2,500 examples each: about 0.01 a bin.
    assert reliability(confident(confidences, is_right)).ece < 0.02


@pytest.mark.parametrize(
    ("labels", "scores", "note"),
    [([], [], "there are no examples"), ([0], [[2.0, -3.0]], "the scores are no probabilities")],
)
def test_without_examples_or_probabilities_there_is_no_error_but_a_reason(labels, scores, note):
    found = reliability(scored(NAMES, labels, scores))
    assert math.isnan(found.ece)
    assert (found.bins, found.note) == ((), note)
