"""Measures against values worked out by hand, and what is said where there is nothing to measure."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.measures import MeasureError, measure, recall_at_fpr, scored

FIGHT = ("normal", "fight")
POSES = ("walk", "sit", "lie")
# Scores of "fight": four fights, then four normal clips.
LABELS = [1, 1, 1, 1, 0, 0, 0, 0]
FIGHT_SCORES = [0.9, 0.8, 0.7, 0.4, 0.6, 0.3, 0.2, 0.1]


def binary(labels, fight_scores):
    return scored(FIGHT, labels, [[1 - score, score] for score in fight_scores])


def test_two_classes_are_measured_by_the_second():
    found = measure(binary(LABELS, [0.9, 0.8, 0.4, 0.3, 0.6, 0.3, 0.2, 0.1]))
    # Taken for fights: 0.9, 0.8 and the normal 0.6. Two of three are fights; two of four fights are found.
    assert found.average == "binary"
    assert (found.precision, found.recall) == (pytest.approx(2 / 3), 0.5)
    assert found.f1 == pytest.approx(4 / 7)  # 2·2 / (2·2 + 1 + 2)
    assert found.accuracy == 5 / 8
    # normal: three found of four, five taken: 2·3 / (2·3 + 2 + 1) = 6/9.
    assert found.macro_f1 == pytest.approx((4 / 7 + 6 / 9) / 2)


def test_rows_of_the_confusion_matrix_are_the_true_classes():
    assert measure(binary([1, 1, 1, 0], [0.9, 0.1, 0.1, 0.2])).confusion.tolist() == [[1, 0], [2, 1]]


def test_auc_is_the_share_of_pairs_in_the_right_order():
    # Of 16 pairs only (0.4, 0.6) stands the wrong way round.
    assert measure(binary(LABELS, FIGHT_SCORES)).auc == 15 / 16


def test_ap_is_the_mean_precision_at_each_positive():
    # In order of score: + + + − + − − −: precision 1, 1, 1 and 4/5 where a positive stands.
    assert measure(binary(LABELS, FIGHT_SCORES)).ap == pytest.approx((1 + 1 + 1 + 4 / 5) / 4)


def test_no_negative_may_pass_where_one_is_more_than_the_rate():
    found = measure(binary(LABELS, FIGHT_SCORES))
    # One of four negatives is 25 %: three of four fights score above the highest of them, 0.6.
    assert found.recall_at_fpr == {0.01: 0.75, 0.02: 0.75, 0.05: 0.75}
    assert found.notes == {"recall_at_fpr": "a class has only 4 negatives: one of them is 25.0%"}


def test_recall_counts_thresholds_inside_a_straight_piece_of_the_curve():
    # Three tied groups of one positive and one negative make one diagonal: (1/3, 1/3), (2/3, 2/3), (1, 1).
    positive = np.array([True, False] * 3)
    assert recall_at_fpr(positive, np.array([0.9, 0.9, 0.5, 0.5, 0.1, 0.1]), 0.7) == pytest.approx(2 / 3)


def test_more_classes_are_measured_by_the_mean_over_them():
    scores = np.eye(3)[[0, 0, 1, 2]]
    found = measure(scored(POSES, [0, 1, 1, 2], scores))
    # walk: 1 of 2 taken right, found whole; sit: precision 1, recall 1/2; lie: perfect.
    assert found.average == "macro"
    assert found.precision == pytest.approx((1 / 2 + 1 + 1) / 3)
    assert found.recall == pytest.approx((1 + 1 / 2 + 1) / 3)
    assert found.f1 == found.macro_f1 == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    assert found.per_class["sit"].support == 2
    # The sit that is taken for walk ties with the walk: 2.5 of 3 pairs. As a sit it ties with walk and lie:
    # 3 of 4 pairs. lie: all.
    assert found.auc == pytest.approx((2.5 / 3 + 3 / 4 + 1) / 3)


def test_a_class_that_does_not_occur_is_left_out_of_the_means_and_named():
    found = measure(scored(POSES, [0, 0, 1], np.eye(3)[[0, 0, 1]]))
    assert (found.recall, found.precision, found.auc, found.macro_f1) == (1, 1, 1, 1)
    assert math.isnan(found.per_class["lie"].recall)
    assert math.isnan(found.per_class["lie"].f1)
    assert found.notes["recall"] == "no example is labelled lie"
    assert found.notes["auc"] == "lie: all examples or none have this label"


def test_a_class_that_does_not_occur_but_is_predicted_has_a_precision_of_0_and_no_f1():
    found = measure(scored(POSES, [0, 1, 1], np.eye(3)[[0, 1, 2]]))
    assert found.per_class["lie"].precision == 0
    assert math.isnan(found.per_class["lie"].f1)
    assert found.macro_f1 == pytest.approx((1 + 2 / 3) / 2)


def test_a_class_that_is_never_predicted_has_no_precision_but_lowers_the_mean():
    found = measure(scored(POSES, [0, 1, 2], np.eye(3)[[0, 1, 1]]))
    assert math.isnan(found.per_class["lie"].precision)
    assert found.precision == pytest.approx((1 + 1 / 2 + 0) / 3)
    assert found.notes["precision"] == "no example was taken for lie"


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_alone_has_an_accuracy_but_no_ranking(label):
    found = measure(binary([label, label], [0.9, 0.2]))
    assert found.accuracy == 0.5
    assert math.isnan(found.auc)
    assert math.isnan(found.ap)
    assert all(math.isnan(recall) for recall in found.recall_at_fpr.values())
    assert found.notes["auc"] == "normal, fight: all examples or none have this label"


def test_without_examples_everything_is_nan_and_says_why():
    found = measure(scored(FIGHT, [], []))
    values = [found.accuracy, found.precision, found.recall, found.f1, found.macro_f1, found.auc, found.ap]
    assert all(math.isnan(value) for value in values)
    assert (found.n, found.confusion.tolist()) == (0, [[0, 0], [0, 0]])
    assert found.notes == {"n": "there are no examples: nothing can be measured"}


def test_an_example_may_be_taken_twice():
    taken = binary(LABELS, FIGHT_SCORES).take(np.array([3, 3, 0]))
    assert taken.labels.tolist() == [1, 1, 1]
    assert taken.scores[:, 1].tolist() == [0.4, 0.4, 0.9]


@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [
        ([0, 1], [[0.5, 0.5]], "2 labels of 2 classes need scores to match"),
        ([0, 2], [[0.5, 0.5], [0.5, 0.5]], "Labels run from 0 to 2, but there are 2 classes"),
        ([0, 1], [[0.5, 0.5], [np.nan, 0.5]], "1 examples have scores that are no numbers"),
    ],
)
def test_labels_and_scores_that_do_not_fit_are_refused(labels, scores, message):
    with pytest.raises(MeasureError, match=message):
        scored(FIGHT, labels, scores)


# A label and a score of few different values, so that ties are common.
FEW = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 5)), min_size=1, max_size=30)


@given(FEW)
def test_auc_is_the_share_of_ordered_pairs_and_ties_count_half(examples):
    above = [score for label, score in examples if label]
    below = [score for label, score in examples if not label]
    found = measure(binary([label for label, _ in examples], [score / 10 for _, score in examples])).auc
    if not above or not below:
        assert math.isnan(found)
        return
    pairs = [(one > other) + (one == other) / 2 for one in above for other in below]
    assert found == pytest.approx(np.mean(pairs))


@given(FEW, st.sampled_from([0.0, 0.1, 0.5, 1.0]))
def test_recall_at_a_rate_is_that_of_the_best_threshold_that_keeps_it(examples, rate):
    labels = np.array([label for label, _ in examples], bool)
    scores = np.array([score for _, score in examples], float)
    found = recall_at_fpr(labels, scores, rate)
    if labels.all() or not labels.any():
        assert math.isnan(found)
        return
    allowed = [level for level in range(8) if (scores[~labels] >= level).mean() <= rate]
    assert found == pytest.approx(max((scores[labels] >= level).mean() for level in allowed))


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=20))
def test_the_confusion_matrix_holds_every_example_and_all_measures_lie_within_0_and_1(pairs):
    truth, predicted = [one for one, _ in pairs], [other for _, other in pairs]
    found = measure(scored(POSES, truth, np.eye(3)[np.array(predicted, int)]))
    assert found.confusion.sum() == found.n == len(pairs)
    assert found.confusion.sum(axis=1).tolist() == [truth.count(index) for index in range(3)]
    values = [found.accuracy, found.precision, found.recall, found.f1, found.auc, found.ap]
    assert all(math.isnan(value) or 0 <= value <= 1 for value in values)


@pytest.mark.parametrize("names", [(), ("fight",)])
def test_a_task_needs_two_classes(names):
    with pytest.raises(MeasureError, match="need scores to match"):
        scored(names, [0], [[1.0]])
