"""Statistics of a clip: exact for small numbers, deaf to padding; and the linear path that reads them."""

import math

import pytest
import torch

from models.heads import VideoBERTForSequenceClassification
from models.statistics import LinearReader, clip_statistics
from tests.models.inputs import inputs, nano

MASK = torch.ones(1, 3, dtype=torch.bool)


def of(values, kind, mask=None):
    frames = torch.tensor(values, dtype=torch.float32)[None, :, None]
    mask = torch.ones(1, len(values), dtype=torch.bool) if mask is None else torch.tensor([mask])
    return clip_statistics(frames, mask, [kind]).item()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("mean", 4.0),
        ("deviation", math.sqrt(26 / 3)),
        ("step", 3.5),
        ("first", 1.0),
        ("middle", 3.0),
        ("last", 8.0),
        ("change", 7.0),
    ],
)
def test_one_three_eight(kind, expected):
    # Deviations from 4 are -3, -1, 4: (9 + 1 + 16) / 3. Steps 2 and 5. A third is one frame.
    assert of([1, 3, 8], kind) == pytest.approx(expected, abs=1e-5)
    assert of([99, 1, 3, 8], kind, [False, True, True, True]) == pytest.approx(expected, abs=1e-5)


def test_the_first_third_of_four_frames_is_the_first_and_a_third_of_the_second():
    assert of([1, 2, 10, 20], "first") == pytest.approx((1 + 2 / 3) / (4 / 3))


def test_only_the_ordered_statistics_know_the_order():
    for kind in ("mean", "deviation"):
        assert of([1, 3, 8], kind) == pytest.approx(of([8, 3, 1], kind))
    assert of([8, 3, 1], "change") == pytest.approx(-7)


@pytest.mark.parametrize("kind", ["deviation", "step", "change"])
def test_one_frame_says_nothing_about_change(kind):
    assert of([7], kind) == pytest.approx(0, abs=1e-5)


def test_statistics_stand_side_by_side_and_a_still_clip_has_finite_gradients():
    frames = torch.ones(2, 3, 5, requires_grad=True)
    read = clip_statistics(frames, MASK.expand(2, -1), ["mean", "deviation"])
    assert read.shape == (2, 10)
    read.sum().backward()
    assert torch.isfinite(frames.grad).all()


def test_units_are_those_of_the_training_clips_and_a_constant_stays_as_it_is():
    reader = LinearReader(2, {"fight": 2})
    reader.fit_units(torch.tensor([[1.0, 5.0], [3.0, 5.0]]))
    assert reader.centre.tolist() == [2.0, 5.0]
    assert reader.spread.tolist() == [1.0, 1.0]


def test_the_linear_path_begins_silent_and_is_added_to_the_deep_one():
    torch.manual_seed(0)
    model = VideoBERTForSequenceClassification(nano(tasks={"fight": ["normal", "fight"]})).eval()
    clips = inputs(model.config).arguments()
    alone = model.classify(model(**clips).embedding)["fight"]
    torch.testing.assert_close(model(**clips).logits["fight"], alone)
    with torch.no_grad():
        model.linear.tasks["fight"].bias.copy_(torch.tensor([1.0, -1.0]))
    torch.testing.assert_close(model(**clips).logits["fight"], alone + torch.tensor([1.0, -1.0]))


def test_without_statistics_there_is_no_linear_path():
    model = VideoBERTForSequenceClassification(nano(statistics=())).eval()
    assert model.linear is None
    assert set(model(**inputs(model.config).arguments()).logits) == set(model.config.tasks)


def test_units_and_weights_come_back_from_a_saved_model(tmp_path):
    model = VideoBERTForSequenceClassification(nano()).eval()
    model.linear.fit_units(torch.randn(8, model.config.statistics_dim))
    model.save_pretrained(tmp_path)
    loaded = VideoBERTForSequenceClassification.from_pretrained(tmp_path)
    assert torch.equal(loaded.linear.centre, model.linear.centre)
    assert torch.equal(loaded.linear.spread, model.linear.spread)
