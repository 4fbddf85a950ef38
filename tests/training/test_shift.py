"""How far few clips may move weights: regression towards what is there, chosen on groups of their own."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from sklearn.linear_model import LogisticRegression

from training.shift import Known, choose, fit, held_out, losses, probabilities, splits


def known(groups=8, *, apart=3.0, prior=0.0, seed=0):
    """Return two clips a group, labels 0 and 1, told apart by feature 0; the model is right by `prior`."""
    rng = np.random.default_rng(seed)
    labels = np.tile([0, 1], groups)
    columns = rng.normal(size=(len(labels), 5))
    columns[:, 0] += (labels - 0.5) * apart
    columns[:, -1] = 1
    right = (labels - 0.5) * 2 * prior
    return Known(
        columns=columns,
        logits=np.stack([-right, right], axis=1),
        labels=labels,
        groups=np.repeat([f"g{group}" for group in range(groups)], 2),
        examples=np.arange(len(labels)),
    )


# Both rows of the shift are penalised: ½ (|w/2|² + |w/2|²) = ¼ |w|², so C of scikit-learn is twice ours.
def test_where_the_model_says_nothing_it_is_logistic_regression():
    clips = known()
    shift = fit(clips, 0.5)
    theirs = LogisticRegression(C=1.0, fit_intercept=False, tol=1e-8).fit(clips.columns, clips.labels)
    np.testing.assert_allclose(shift[1] - shift[0], theirs.coef_[0], atol=1e-3)
    np.testing.assert_allclose(shift[1], -shift[0], atol=1e-6)


# Twice as many of label 0: each of label 1 counts twice as much, as scikit-learn's balanced weights do.
def test_labels_that_are_rarer_count_as_much():
    clips = known(groups=12)
    fewer = clips.pick(np.flatnonzero((clips.labels == 0) | (np.arange(24) % 4 == 1)))
    shift = fit(fewer, 0.5)
    balanced = LogisticRegression(C=1.0, fit_intercept=False, tol=1e-8, class_weight="balanced")
    theirs = balanced.fit(fewer.columns, fewer.labels)
    np.testing.assert_allclose(shift[1] - shift[0], theirs.coef_[0], atol=1e-3)


def test_without_strength_nothing_moves():
    assert not fit(known(), 0.0).any()


def test_the_stronger_the_clips_the_further_it_moves():
    weak, middling, strong = (np.linalg.norm(fit(known(), strength)) for strength in (0.01, 0.1, 1.0))
    assert 0 < weak < middling < strong


def test_a_model_that_is_right_already_is_hardly_moved():
    assert np.linalg.norm(fit(known(prior=4.0), 1.0)) < 0.1 * np.linalg.norm(fit(known(), 1.0))


def test_every_label_counts_the_same_and_every_example_of_it():
    # Three clips of label 0, two of them of one example; one clip of label 1: examples 2 and 1.
    clips = Known(
        np.ones((4, 1)),
        np.zeros((4, 2)),
        np.array([0, 0, 0, 1]),
        np.array(["a", "a", "b", "c"]),
        np.array([5, 5, 6, 7]),
    )
    np.testing.assert_allclose(clips.weights, [0.375, 0.375, 0.75, 1.5])
    lost = losses(clips, probabilities(clips, np.zeros((2, 1))))
    np.testing.assert_allclose(lost, np.log(2) * np.array([0.75, 0.75, 1.5]))


def test_the_probability_of_an_example_is_the_mean_of_its_clips():
    clips = Known(
        np.zeros((2, 1)),
        np.log([[0.9, 0.1], [0.5, 0.5]]),
        np.array([0, 0]),
        np.array(["a", "a"]),
        np.array([3, 3]),
    )
    np.testing.assert_allclose(probabilities(clips, np.zeros((2, 1))), [[0.7, 0.3]])


def test_folds_keep_groups_together_and_ask_of_every_clip_once():
    clips = known(groups=23)
    folds = list(splits(clips))
    assert len(folds) == 10
    assert sorted(np.concatenate([sides.test for sides in folds]).tolist()) == list(range(46))
    for sides in folds:
        assert not set(clips.groups[sides.train]) & set(clips.groups[sides.test])


def test_what_is_held_out_is_judged_by_a_fit_that_did_not_know_its_group():
    clips = known(groups=12)
    said = held_out(clips, list(splits(clips)), None)
    assert said.shape == (24, 2)
    assert (said.argmax(axis=1) == clips.labels).mean() > 0.8
    noise = known(groups=12, apart=0.0)
    assert (held_out(noise, list(splits(noise)), 3.0).argmax(axis=1) == noise.labels).mean() < 0.75


def test_nothing_may_move_where_nothing_can_be_judged_or_gained():
    assert choose(known(groups=1)) == 0.0
    assert choose(known(groups=12, apart=0.0, seed=3)) == 0.0
    assert choose(known(groups=12)) > 0.0
