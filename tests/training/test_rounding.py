import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from models.frame_encoder import pretrained_frame_encoder  # noqa: E402
from tests.models.rendered import clock, traffic_light  # noqa: E402
from training.rounding import Range, round_encoder, to_int8_grid, to_uint8_grid  # noqa: E402


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


def test_activations_are_rounded_to_256_levels_of_their_range():
    values = torch.tensor([-3.0, -1.0, 0.0, 0.014, 4.1, 9.0])
    # Step 5.1 / 255 = 0.02 and zero point 50: from -1.00 to 4.10.
    rounded = to_uint8_grid(values, Range(-1.0, 4.1))
    assert rounded.tolist() == pytest.approx([-1.0, -1.0, 0.0, 0.02, 4.1, 4.1], abs=1e-6)


def test_the_ranges_of_all_layers_and_shortcuts_are_known(encoder, pictures):
    rounded = round_encoder(encoder, pictures)
    # Stem, head and sixteen blocks of three layers, the first of which has no expansion; nine shortcuts.
    assert len(rounded.layers) == 2 + 16 * 3 - 1
    assert len(rounded.shortcuts) == 9
    assert rounded.layers[0] == rounded.layers[-1] == Range(0.0, 6.0)  # ReLU6
    assert rounded.layers[2].low < 0  # the first block's projection has none


def test_rounded_weights_are_on_the_grid_already(encoder, pictures):
    layer = round_encoder(encoder, pictures).encoder.blocks[0].depthwise.conv
    assert torch.allclose(to_int8_grid(layer.weight), layer.weight, atol=1e-7)


def test_rounding_keeps_the_mean_of_every_channel(encoder, pictures):
    rounded = round_encoder(encoder, pictures).encoder
    x = (pictures.permute(0, 3, 1, 2) - 127.0) / 128
    with torch.inference_mode():
        ours, theirs = encoder.stem(x), rounded.stem(x)
    assert not torch.allclose(ours, theirs, atol=0.01)
    assert torch.allclose(ours.mean(dim=(0, 2, 3)), theirs.mean(dim=(0, 2, 3)), atol=1e-4)


def test_rounded_weights_say_nearly_the_same(encoder, pictures):
    with torch.inference_mode():
        ours, theirs = encoder(pictures)[0], round_encoder(encoder, pictures).encoder(pictures)[0]
    assert torch.cosine_similarity(ours, theirs).min() > 0.99


def test_the_encoder_itself_is_left_alone(encoder, pictures):
    before = encoder.stem.conv.weight.clone()
    round_encoder(encoder, pictures)
    assert torch.equal(encoder.stem.conv.weight, before)
    assert encoder.stem.conv.bias is None
