"""Frame importances add up to what they explain, see only real frames, and beat random order."""

import pytest
import torch

from models.heads import VideoBERTForSequenceClassification
from tests.models.inputs import FRAMES, inputs, nano
from training.explanation import (
    Frames,
    Question,
    check_importance,
    frame_importance,
    log_odds,
    mean_frames,
)

TASKS = {"fight": ["normal", "fight"], "posture": ["walk", "sit", "lie"]}


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return VideoBERTForSequenceClassification(nano(tasks=TASKS, initializer_range=0.1)).double().eval()


def clips(model, **changes):
    given = inputs(model.config)
    context = {"text_states": given.text_states.double(), "text_mask": given.text_mask, **changes}
    return Frames(given.features.double(), given.motion.double()), context


@pytest.mark.parametrize(("task", "label"), [("fight", 1), ("posture", 0)])
def test_importances_add_up_to_the_difference_of_the_outputs(model, task, label):
    frames, context = clips(model)
    question = Question(model, task, label, context)
    importance = frame_importance(question, frames, steps=64)
    difference = log_odds(question, frames) - log_odds(question, mean_frames(frames))
    assert importance.shape == (2, FRAMES)
    assert difference.abs().min() > 0.01  # there is something to explain
    torch.testing.assert_close(importance.sum(dim=1), difference, rtol=1e-3, atol=1e-3)


def test_log_odds_are_those_of_the_softmax(model):
    frames, context = clips(model)
    logits = model(frames.features, frames.motion, **context).logits["posture"]
    probability = logits.softmax(dim=1)[:, 2]
    expected = (probability / (1 - probability)).log()
    torch.testing.assert_close(log_odds(Question(model, "posture", 2, context), frames), expected)


def test_a_frame_like_the_baseline_has_no_importance(model):
    frames, context = clips(model)
    baseline = Frames(frames.features.clone(), frames.motion.clone())
    baseline.features[:, 2] += 1.0
    importance = frame_importance(Question(model, "fight", 1, context), frames, baseline=baseline, steps=8)
    assert importance[:, [0, 1, 3, 4, 5]].abs().max() == 0
    assert importance[:, 2].abs().min() > 0


def test_padding_has_no_importance_and_no_part_in_the_mean(model):
    mask = torch.ones(2, FRAMES, dtype=torch.bool)
    mask[:, :2] = False
    frames, context = clips(model, video_mask=mask)
    frames.features[:, :2] = torch.nan
    importance = frame_importance(Question(model, "fight", 1, context), frames, steps=8)
    assert importance[:, :2].abs().max() == 0
    torch.testing.assert_close(mean_frames(frames, mask).features[:, 0], frames.features[:, 2:].mean(dim=1))


def test_explaining_leaves_no_gradient_in_the_model(model):
    frames, context = clips(model)
    frame_importance(Question(model, "fight", 1, context), frames, steps=2)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_important_frames_lower_the_probability_sooner_than_random_ones(model):
    frames, context = clips(model)
    question = Question(model, "fight", 1, context)
    found = check_importance(question, frames, frame_importance(question, frames))
    assert (found.deletion < found.random_deletion).all()
    assert (found.insertion > found.random_insertion).all()


def test_the_area_lies_under_the_line_from_whole_to_empty():
    # One frame: half the way from the clip's probability to the baseline's, by the trapezoid, in any order.
    torch.manual_seed(1)
    model = VideoBERTForSequenceClassification(nano(tasks=TASKS)).double().eval()
    given = inputs(model.config, num_frames=1)
    question = Question(model, "fight", 1, {})
    frames = Frames(given.features.double(), given.motion.double())
    empty = Frames(torch.ones_like(frames.features), torch.zeros_like(frames.motion))
    found = check_importance(question, frames, torch.zeros(2, 1), baseline=empty)
    expected = (log_odds(question, frames).sigmoid() + log_odds(question, empty).sigmoid()) / 2
    for area in (found.deletion, found.insertion, found.random_deletion, found.random_insertion):
        torch.testing.assert_close(area, expected)


@pytest.fixture(scope="module")
def taught():
    """A nano model that has learned that a fight is told by frame 3 alone."""
    torch.manual_seed(2)
    model = VideoBERTForSequenceClassification(nano(tasks={"fight": ["normal", "fight"]}, dropout=0.0))
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(150):
        frames, labels = lesson(model, batch=32)
        optimiser.zero_grad()
        model(frames.features, frames.motion, labels={"fight": labels}).loss.backward()
        optimiser.step()
    return model.eval()


def lesson(model, batch):
    features = torch.randn(batch, FRAMES, model.config.video_dim)
    labels = torch.randint(2, (batch,))
    features[:, 3, :200] += 4.0 * labels[:, None]
    return Frames(features, torch.zeros(batch, FRAMES, model.config.motion_dim)), labels


def test_the_frame_that_decides_is_found_and_taking_it_away_changes_the_answer(taught):
    frames, labels = lesson(taught, batch=64)
    fights = Frames(frames.features[labels == 1], frames.motion[labels == 1])
    question = Question(taught, "fight", 1, {})
    assert log_odds(question, fights).sigmoid().mean() > 0.9  # it has learned its lesson
    importance = frame_importance(question, fights)
    # By chance one in six; so small a model also hears noise in the other frames.
    assert (importance.argmax(dim=1) == 3).float().mean() > 0.75
    found = check_importance(question, fights, importance)
    assert found.deletion.mean() < found.random_deletion.mean() - 0.1
    # The mean frame holds a sixth of the evidence already: little is left to win by giving frames back.
    assert found.insertion.mean() > found.random_insertion.mean() + 0.02


def test_the_same_seed_takes_the_same_random_orders(model):
    frames, context = clips(model)
    question = Question(model, "fight", 1, context)
    one, other = (check_importance(question, frames, torch.zeros(2, FRAMES), seed=3) for _ in range(2))
    assert torch.equal(one.random_deletion, other.random_deletion)
