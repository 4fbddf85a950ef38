"""How badly the last second is guessed: from what came before alone, against what the frames show."""

import pytest
import torch

from models.pretraining import VideoBERTForPreTraining
from models.surprise import Surprise
from tests.models.inputs import inputs, nano


@pytest.fixture(scope="module")
def surprise():
    torch.manual_seed(0)
    config = nano()
    config.num_frames, config.sample_fps = inputs(config).features.shape[1], 2.0
    return Surprise(VideoBERTForPreTraining(config)).eval()


def measured(surprise, *, features=None, motion=None, batch=2):
    shown = inputs(surprise.model.config, batch=batch)
    clips = (shown.features if features is None else features, shown.motion if motion is None else motion)
    mask = torch.ones(clips[0].shape[:2], dtype=torch.bool)
    with torch.inference_mode():
        return surprise(*clips, mask)


def changed(tensor, frame):
    tensor = tensor.clone()
    tensor[:, frame] += torch.linspace(-3, 3, tensor.shape[-1])
    return tensor


def test_a_second_is_hidden_however_many_frames_that_are(surprise):
    assert surprise.hidden_frames == 2  # 2 a second
    assert surprise.hidden[0].tolist() == [False] * (surprise.hidden.shape[1] - 2) + [True] * 2


def test_it_is_one_number_for_each_clip_between_0_and_2(surprise):
    found = measured(surprise, batch=3)
    assert found.shape == (3,)
    assert ((found >= 0) & (found <= 2)).all()


def test_it_does_not_depend_on_the_other_clips_of_the_batch(surprise):
    shown = inputs(surprise.model.config, batch=2)
    alone = measured(surprise, features=shown.features[:1], motion=shown.motion[:1])
    assert alone[0].item() == pytest.approx(measured(surprise)[0].item(), abs=1e-5)


def test_the_guess_sees_nothing_of_how_things_move_in_the_hidden_second(surprise):
    motion = inputs(surprise.model.config, batch=2).motion
    assert torch.allclose(measured(surprise, motion=changed(motion, -1)), measured(surprise))
    assert not torch.allclose(measured(surprise, motion=changed(motion, -3)), measured(surprise))


@pytest.mark.parametrize("frame", [-3, -2, -1])
def test_what_came_before_and_what_came_then_both_count(surprise, frame):
    features = inputs(surprise.model.config, batch=2).features
    assert not torch.allclose(measured(surprise, features=changed(features, frame)), measured(surprise))


def test_it_is_the_cosine_of_the_two_projections_of_the_masked_features_loss(surprise):
    model, shown = surprise.model, inputs(surprise.model.config, batch=2)
    with torch.inference_mode():
        seen, moved = model.hidden_frame(shown.features, shown.motion, surprise.hidden)
        states = model.videobert(seen, moved).joint_states[:, -3:-1]  # the last two frames, before [SEP]
        truth = torch.nn.functional.layer_norm(shown.features[:, -2:], shown.features.shape[-1:])
        left, right = model.features.left(states), model.features.right(truth)
        cosine = (left * right).sum(-1) / (left.norm(dim=-1) * right.norm(dim=-1))
    assert torch.allclose(measured(surprise), 1 - cosine.mean(dim=1), atol=1e-5)
