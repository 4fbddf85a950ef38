import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from models.frame_encoder import FrameEncoder, pretrained_frame_encoder  # noqa: E402
from tests.models.rendered import clock, traffic_light  # noqa: E402

# Labels of ImageNet's 1000 classes.
ANALOG_CLOCK, TRAFFIC_LIGHT = 409, 920


@pytest.fixture(scope="module")
def encoder():
    return pretrained_frame_encoder()


@pytest.fixture(scope="module")
def pictures():
    return torch.from_numpy(np.stack([clock(), traffic_light()]))


def test_a_drawn_clock_and_a_drawn_traffic_light_are_recognised(encoder, pictures):
    with torch.inference_mode():
        assert encoder.classify(pictures).argmax(dim=1).tolist() == [ANALOG_CLOCK, TRAFFIC_LIGHT]


def test_one_pass_gives_pooled_features_and_the_grid(encoder, pictures):
    with torch.inference_mode():
        pooled, grid = encoder(pictures)
    assert pooled.shape == (2, 1280)
    assert grid.shape == (2, 112, 14, 14)
    assert pooled.min() >= 0  # the mean of what went through a ReLU6
    assert pooled.max() <= 6


def test_a_picture_is_encoded_alike_alone_and_in_a_batch(encoder, pictures):
    with torch.inference_mode():
        together, _ = encoder(pictures)
        alone, _ = encoder(pictures[1:])
    assert torch.allclose(together[1:], alone, atol=1e-4)


def test_the_grid_shows_where_in_the_picture_something_is(encoder):
    picture = np.full((1, 224, 224, 3), 127, np.uint8)
    changed = picture.copy()
    changed[:, 16:48, 160:208] = 255  # cells of rows 1…2, columns 10…12
    with torch.inference_mode():
        difference = encoder(torch.from_numpy(changed))[1] - encoder(torch.from_numpy(picture))[1]
    row, column = divmod(int(difference.abs().sum(dim=1).flatten().argmax()), 14)
    assert row in range(4)
    assert column in range(9, 14)


def test_grey_127_is_what_the_normalisation_maps_to_zero():
    encoder = FrameEncoder().eval()
    grey = torch.full((1, 32, 32, 3), 127, dtype=torch.uint8)
    with torch.inference_mode():
        expected = encoder.forward_normalised(torch.zeros(1, 3, 32, 32))[0]
        assert torch.equal(encoder(grey)[0], expected)
