import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from models.frame_encoder import pretrained_frame_encoder  # noqa: E402
from tests.models.rendered import clock, traffic_light  # noqa: E402
from training.rounding import round_weights, to_int8_grid  # noqa: E402


@pytest.fixture(scope="module")
def encoder():
    return pretrained_frame_encoder()


@pytest.fixture(scope="module")
def pictures():
    return torch.from_numpy(np.stack([clock(), traffic_light()]))


def test_each_channel_is_rounded_to_127_steps_of_its_largest_weight():
    weight = torch.tensor([[[[1.0, 0.5, -0.1]]], [[[-2.0, 0.02, 0.0]]]])
    steps = to_int8_grid(weight)[:, 0, 0] * torch.tensor([[127.0], [63.5]])
    # 0.5 * 127 = 63.5 → 64, half to even; -12.7 → -13; 0.02 * 63.5 = 1.27 → 1
    assert steps.round(decimals=3).tolist() == [[127, 64, -13], [-127, 1, 0]]


def test_a_channel_of_zeros_stays_zero():
    assert not to_int8_grid(torch.zeros(1, 2, 3, 3)).any()


def test_rounded_weights_are_on_the_grid_already(encoder, pictures):
    layer = round_weights(encoder, pictures).blocks[0].depthwise.conv
    assert torch.allclose(to_int8_grid(layer.weight), layer.weight, atol=1e-7)


def test_rounding_keeps_the_mean_of_every_channel(encoder, pictures):
    rounded = round_weights(encoder, pictures)
    with torch.inference_mode():
        ours, theirs = encoder(pictures)[1], rounded(pictures)[1]
    # The grid is the sum of three blocks, each with its mean corrected.
    assert torch.allclose(ours.mean(dim=(0, 2, 3)), theirs.mean(dim=(0, 2, 3)), atol=0.02)


def test_rounded_weights_say_nearly_the_same(encoder, pictures):
    with torch.inference_mode():
        ours, theirs = encoder(pictures)[0], round_weights(encoder, pictures)(pictures)[0]
    assert torch.cosine_similarity(ours, theirs).min() > 0.99


def test_the_encoder_itself_is_left_alone(encoder, pictures):
    before = encoder.stem.conv.weight.clone()
    round_weights(encoder, pictures)
    assert torch.equal(encoder.stem.conv.weight, before)
    assert encoder.stem.conv.bias is None
