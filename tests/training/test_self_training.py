"""Self-training: what was not labelled teaches where that helps with groups that were set aside."""

from dataclasses import replace

import numpy as np
import pytest
import torch

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from tests.training.teaching import classifier, levels, taught
from training.examples import Cut
from training.linear import Choice, Columns, Reading, fit_linear_path
from training.self_training import LEAST_GAIN, OPTIONS, self_train, teach

CHOICE = Choice(Reading(ordered=False, motion=False), 3.0)
IGNORED = -100


def config():
    return classifier(statistics=("mean",)).config


def rows(values, labels, groups) -> Columns:
    """Return rows of four features, and of two of motion that are 0."""
    wide = np.zeros((len(values), 6))
    wide[:, :4] = values
    names = np.array([str(group) for group in groups])
    return Columns(wide, np.array(labels), names, names, np.ones(len(values)))


def clusters(labelled: int, others: int, *, seed=0):
    """Return few labelled and many unlabelled clips of two clusters, apart along one column of four."""
    rng = np.random.default_rng(seed)

    def draw(count):
        labels = np.arange(count) % 2
        apart = 4.0 * labels - 2 + rng.normal(0, 0.3, count)
        return np.column_stack([apart, rng.normal(0, 2, (count, 3))]), labels

    values, labels = draw(labelled)
    unlabelled = rows(draw(others)[0], np.full(others, IGNORED), range(100, 100 + others))
    return rows(values, labels, range(labelled)), unlabelled


def test_what_was_not_labelled_teaches_where_it_helps():
    labelled, others = clusters(8, 60)
    done, joined = teach(labelled, others, CHOICE, config=config())
    assert done.chosen in OPTIONS
    assert done.gain >= LEAST_GAIN
    assert (done.clips, len(joined.labels)) == (60, 8 + done.used)
    assert 0 < done.used <= 60
    # The sign of the first column is the truth, and what is said is right nearly always.
    said = joined.labels[8:] == (joined.values[8:, 0] > 0)
    assert said.mean() > 0.9


def test_pseudo_labels_together_weigh_what_was_chosen():
    labelled, others = clusters(8, 60)
    done, joined = teach(labelled, others, CHOICE, config=config())
    assert joined.weights[8:].sum() == pytest.approx(done.chosen.weight * 8)
    assert len(set(joined.weights[8:])) == 1


def test_what_tells_nothing_changes_nothing():
    labelled, _ = clusters(12, 0)
    nothing = rows(np.zeros((60, 4)), np.full(60, IGNORED), range(100, 160))
    done, joined = teach(labelled, nothing, CHOICE, config=config())
    assert done.chosen is None
    assert joined is labelled


def test_what_is_unlabelled_in_a_group_that_is_set_aside_does_not_teach():
    labelled, others = clusters(8, 60)
    yards = replace(labelled, groups=np.array(list("aabbccdd")))
    elsewhere, _ = teach(yards, replace(others, groups=np.array(["x"] * 60)), CHOICE, config=config())
    within, _ = teach(yards, replace(others, groups=np.array(["a"] * 60)), CHOICE, config=config())
    # In one of four folds nothing is left to learn from; in the others all is.
    assert within.gain < elsewhere.gain


def test_one_recording_of_a_label_is_too_few_to_judge_by():
    labelled, others = clusters(2, 60)
    done, joined = teach(labelled, others, CHOICE, config=config())
    assert (done.chosen, done.used, done.gain) == (None, 0, None)
    assert joined is labelled


def unlabelled_of(clips, examples):
    cuts = clips.whole(examples, windows=1)
    return [Cut(replace(cut.example, task="", label=IGNORED), cut.window) for cut in cuts]


def test_the_linear_path_is_refitted_with_what_it_says(tmp_path):
    examples, clips = taught(tmp_path / "street", levels(12, apart=1.5))
    few, rest = examples[:8], examples[8:]
    model = classifier(statistics=("mean",))
    cuts = clips.whole(few, windows=1)
    choices = fit_linear_path(model, clips.batch(cuts), cuts)
    before = model.linear.tasks["fight"].weight.clone()
    done = self_train(model, clips, labelled=cuts, unlabelled=unlabelled_of(clips, rest), choices=choices)
    assert set(done) == {"fight"}
    assert done["fight"].clips == 16
    changed = not torch.equal(model.linear.tasks["fight"].weight, before)
    assert changed is (done["fight"].chosen is not None)


def test_without_unlabelled_clips_the_path_is_left_alone(tmp_path):
    examples, clips = taught(tmp_path / "street", levels(4, apart=2))
    model = classifier(statistics=("mean",))
    cuts = clips.whole(examples, windows=1)
    choices = fit_linear_path(model, clips.batch(cuts), cuts)
    before = model.linear.tasks["fight"].weight.clone()
    assert self_train(model, clips, labelled=cuts, unlabelled=[], choices=choices) == {}
    assert torch.equal(model.linear.tasks["fight"].weight, before)
