"""What both paths say of examples, how much the deep one is heard, and that the model then says it, too."""

import math

import numpy as np
import pytest
import torch

from tests.training.teaching import TASKS, TEXT, classifier, levels, taught
from training.linear import fit_linear_path
from training.readings import LEAST_GAIN, Readings, apply_shares, best_share, deep_score, log_loss_of, read


def logits(*chances: float) -> np.ndarray:
    """Return logits (N, 2) whose second label has these probabilities."""
    return np.array([[0.0, math.log(chance / (1 - chance))] for chance in chances])


def readings(tmp_path, linear, deep) -> Readings:
    """Return readings of a normal recording and a fight, of one clip each."""
    examples, clips = taught(tmp_path, levels(1, apart=1))
    return Readings(tuple(clips.whole(examples, windows=1)), {"fight": linear}, {"fight": deep})


def test_an_example_is_as_likely_as_its_clips_are_in_the_mean(tmp_path):
    examples, clips = taught(tmp_path, levels(1, apart=1))
    normal, fight = clips.whole(examples, windows=1)
    said = Readings(
        (normal, fight, fight), {"fight": logits(0.1, 0.6, 0.9)}, {"fight": logits(0.5, 0.5, 0.5)}
    )
    of, probabilities = said.probabilities("fight", share=0.0)
    assert of == examples
    np.testing.assert_allclose(probabilities, [[0.9, 0.1], [0.25, 0.75]])  # (0.6 + 0.9) / 2


def test_a_share_weighs_the_logits(tmp_path):
    said = readings(tmp_path, logits(0.8, 0.8), logits(0.2, 0.5))
    _, probabilities = said.probabilities("fight", share=0.5)
    # log 4 and −log 4 cancel; half of log 4 is log 2, odds of 2 : 1.
    np.testing.assert_allclose(probabilities[:, 1], [0.5, 2 / 3])


def test_clips_of_other_tasks_are_left_out(tmp_path):
    said = readings(tmp_path, logits(0.8, 0.8), logits(0.2, 0.5))
    both = Readings(said.cuts, {**said.linear, "activity": np.zeros((2, 3))}, {"activity": np.zeros((2, 3))})
    assert both.probabilities("activity", share=0.5)[0] == []


def test_the_log_loss_lets_every_label_count_the_same(tmp_path):
    examples, clips = taught(tmp_path, levels(2, apart=1))
    kept = [examples[0], examples[1], examples[2]]  # normal, fight, normal
    said = Readings(
        tuple(clips.whole(kept, windows=1)),
        {"fight": logits(0.1, 0.4, 0.3)},
        {"fight": logits(0.5, 0.5, 0.5)},
    )
    normal, fight = -(math.log(0.9) + math.log(0.7)) / 2, -math.log(0.4)
    assert log_loss_of(said, "fight", 0.0) == pytest.approx((normal + fight) / 2)
    assert log_loss_of(said, "fight", 1.0) == pytest.approx(math.log(2))
    assert deep_score(said, ["fight"]) == pytest.approx(-math.log(2))


@pytest.mark.parametrize(
    ("linear", "deep", "share"),
    [
        ((0.2, 0.8), (0.2, 0.8), 0.0),  # equal: the deep path brings nothing
        ((0.01, 0.99), (0.6, 0.4), 0.0),  # it is wrong
        ((0.6, 0.4), (0.01, 0.99), 1.0),  # it alone is right
        ((0.0003, 0.7), (0.3, 0.9997), 0.5),  # each knows one of the two: log odds −8 and 1, and the reverse
    ],
)
def test_the_deep_path_counts_as_much_as_it_helps(tmp_path, linear, deep, share):
    assert best_share(readings(tmp_path, logits(*linear), logits(*deep)), "fight") == share


def test_of_equal_shares_the_smaller_is_taken(tmp_path):
    # From 0.80 to 0.8039 the loss falls by 0.0049, under LEAST_GAIN.
    assert LEAST_GAIN == 0.005
    same = readings(tmp_path, logits(0.2, 0.8), logits(0.1961, 0.8039))
    assert best_share(same, "fight") == 0.0
    # To 0.807 by 0.0087: 0.0043 of them at a half, 0.0065 at three quarters, where the rest is too little.
    better = readings(tmp_path, logits(0.2, 0.8), logits(0.193, 0.807))
    assert best_share(better, "fight") == 0.75


def read_nano(tmp_path):
    examples, clips = taught(tmp_path, levels(3, apart=2))
    cuts = clips.whole(examples, windows=2)
    model = classifier()
    fit_linear_path(model, clips.batch(cuts), cuts)
    return model, clips.batch(cuts), read(model, clips, cuts, text=TEXT)


def as_whole(model, batch):
    states, mask = torch.from_numpy(TEXT.states), torch.from_numpy(TEXT.mask)
    with torch.no_grad():
        return model(
            batch.features,
            batch.motion,
            video_mask=batch.mask,
            text_states=states.expand(len(batch), -1, -1),
            text_mask=mask.expand(len(batch), -1),
        ).logits


def test_both_paths_together_are_the_model(tmp_path):
    model, batch, said = read_nano(tmp_path)
    for task, expected in as_whole(model, batch).items():
        np.testing.assert_allclose(said.linear[task] + said.deep[task], expected.numpy(), atol=1e-5)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_the_model_says_the_blend_once_the_shares_are_applied(tmp_path, share):
    model, batch, said = read_nano(tmp_path)
    apply_shares(model, {"fight": share, "activity": 0.5})
    blended = {
        "fight": (1 - share) * said.linear["fight"] + share * said.deep["fight"],
        "activity": (said.linear["activity"] + said.deep["activity"]) / 2,
    }
    for task, expected in blended.items():
        np.testing.assert_allclose(as_whole(model, batch)[task].numpy(), expected, atol=1e-5)


def test_tasks_without_a_share_stay_as_they_are(tmp_path):
    model, batch, _ = read_nano(tmp_path)
    before = as_whole(model, batch)["activity"]
    apply_shares(model, {"fight": 0.0})
    assert torch.equal(as_whole(model, batch)["activity"], before)


def test_a_model_without_a_linear_path_reads_it_as_nothing(tmp_path):
    examples, clips = taught(tmp_path, levels(1, apart=2))
    said = read(classifier(statistics=()), clips, clips.whole(examples, windows=1), text=TEXT)
    assert {task: said.linear[task].shape for task in TASKS} == {"activity": (2, 3), "fight": (2, 2)}
    assert not said.linear["fight"].any()
    assert said.deep["fight"].any()
