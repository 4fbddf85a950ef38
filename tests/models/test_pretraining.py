"""The losses of pre-training: each reads what it should, ignores what it should, and can be learned."""

import math
from dataclasses import asdict, replace

import pytest
import torch
from transformers import AutoModelForPreTraining

from models.configuration import VideoBERTConfig
from models.joint import Tokens
from models.pretraining import (
    CONTRAST_DIM,
    TEMPERATURE,
    Contrast,
    LossWeights,
    Order,
    Targets,
    VideoBERTForPreTraining,
    sum_weighted,
)
from tests.models.inputs import FRAMES, WORD_IDS, WORDS, inputs, nano

BATCH = 4
NONE = LossWeights(*(0.0 for _ in asdict(LossWeights())))


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return VideoBERTForPreTraining(nano()).eval()


def clips(config, *, batch=BATCH):
    shown = inputs(config, batch=batch)
    texts = WORD_IDS.repeat(batch, 1)
    texts[:, 3] += torch.arange(batch)  # [CLS] man falls … [SEP], each ending in another word
    return {"features": shown.features, "motion": shown.motion, "input_ids": texts}


def targets(*, batch=BATCH):
    """Frames 2 and 3 are hidden, the words at 1 and 2 are asked for, and every text belongs."""
    hidden = torch.zeros(batch, FRAMES, dtype=torch.bool)
    hidden[:, 2:4] = True
    words = torch.full((batch, WORDS), -100)
    words[:, 1:3] = WORD_IDS[:, 1:3]
    return Targets(
        words=words,
        hidden_frames=hidden,
        visual_words=torch.where(hidden, 5, -100),
        in_order=torch.tensor([1, 0] * (batch // 2)),
        matches=torch.ones(batch, dtype=torch.long),
        meanings=torch.arange(batch),
    )


def loss_of(model, name, asked=None, **changes):
    weights = replace(NONE, **{name: 1.0})
    shown = {**clips(model.config), **changes}
    return model(**shown, targets=asked or targets(), weights=weights).losses[name]


def test_the_total_is_the_weighted_sum_of_what_was_computed(model):
    weights = replace(NONE, masked_words=2.0, frame_order=0.5)
    output = model(**clips(model.config), targets=targets(), weights=weights)
    assert sorted(output.losses) == ["frame_order", "masked_words"]
    expected = 2 * output.losses["masked_words"] + 0.5 * output.losses["frame_order"]
    torch.testing.assert_close(output.loss, expected)


def test_without_any_loss_the_total_is_zero():
    assert sum_weighted({}, {}, zero=torch.tensor(0.0)).item() == 0


def test_a_hidden_frame_does_not_show_what_it_was(model):
    shown = clips(model.config)
    features = shown["features"].clone()
    features[:, 2:4] += 5
    one = model(**shown, targets=targets(), weights=NONE).joint.joint_states
    other = model(**{**shown, "features": features}, targets=targets(), weights=NONE).joint.joint_states
    assert torch.equal(one, other)


@pytest.mark.parametrize(
    ("name", "silent"),
    [
        ("masked_words", {"words": torch.full((BATCH, WORDS), -100)}),
        ("masked_visual_words", {"visual_words": torch.full((BATCH, FRAMES), -100)}),
        ("masked_features", {"hidden_frames": torch.zeros(BATCH, FRAMES, dtype=torch.bool)}),
        ("frame_order", {"in_order": torch.full((BATCH,), -100)}),
        ("matching", {"matches": torch.full((BATCH,), -100)}),
        ("contrastive", {"matches": torch.zeros(BATCH, dtype=torch.long)}),
    ],
)
def test_a_loss_of_which_nothing_is_asked_is_zero(model, name, silent):
    assert loss_of(model, name, replace(targets(), **silent)).item() == 0
    assert loss_of(model, name).item() > 0


def test_equal_scores_for_two_answers_cost_the_logarithm_of_two(model):
    undecided = VideoBERTForPreTraining(model.config).eval()
    with torch.no_grad():
        undecided.order.answer.weight.zero_()
        undecided.order.answer.bias.zero_()
    assert loss_of(undecided, "frame_order").item() == pytest.approx(math.log(2))


def likeness(states, mask):
    """Return what the head of order sees of frames (T, 2): its only non-zero weight is on neighbours."""
    order = Order(VideoBERTConfig.of_size("nano", hidden_size=2, num_attention_heads=1))
    with torch.no_grad():
        for parameter in order.parameters():
            parameter.zero_()
        order.frames.weight.copy_(torch.eye(2).repeat(CONTRAST_DIM // 2, 1))
        order.answer.weight[1, -1] = TEMPERATURE
        frames = Tokens(torch.tensor([states], dtype=torch.float32), torch.tensor([mask]))
        return order(torch.ones(1, 2), frames)[0, 1].item()


def test_order_is_told_by_how_alike_neighbours_are_within_their_clip():
    # Less the mean (2, 0) the frames are at -1, -1, 1, 1: neighbours agree, disagree, agree.
    walk, jumps = [[1, 0], [1, 0], [3, 0], [3, 0]], [[1, 0], [3, 0], [1, 0], [3, 0]]
    assert likeness(walk, [True] * 4) == pytest.approx((1 - 1 + 1) / 3)
    assert likeness(jumps, [True] * 4) == pytest.approx(-1)
    # A frame that is hidden or padded has no neighbours and no part in the mean.
    assert likeness([[9, 9], *walk], [False, *[True] * 4]) == pytest.approx(1 / 3)
    assert likeness([[1, 0]] * 4, [True] * 4) == 0


def test_texts_that_say_the_same_are_not_told_apart(model):
    # Of four clips two fit either text: scores that know it all still cost log 2, never less.
    pairs = Contrast(4, 4)
    with torch.no_grad():
        for side in (pairs.left, pairs.right):
            side.weight.copy_(torch.eye(4).repeat(CONTRAST_DIM // 4, 1))
            side.bias.zero_()
    vectors = torch.eye(4)[[0, 0, 1, 1]]
    assert pairs(vectors, vectors, torch.tensor([0, 0, 1, 1])).item() == pytest.approx(math.log(2), abs=1e-4)
    assert pairs(vectors[::2], vectors[::2]).item() == pytest.approx(0, abs=1e-4)


def test_the_contrast_of_texts_knows_which_say_the_same(model):
    alike = replace(targets(), meanings=torch.zeros(BATCH, dtype=torch.long))
    # With one meaning the truth is even: no scores cost less than log N.
    assert loss_of(model, "contrastive", alike).item() >= math.log(BATCH)
    assert loss_of(model, "contrastive", alike).item() != loss_of(model, "contrastive").item()


def test_a_clip_without_a_text_gives_finite_losses_and_gradients(model):
    trained = VideoBERTForPreTraining(model.config).train()
    shown = clips(model.config)
    absent = torch.zeros(BATCH, WORDS, dtype=torch.long)
    asked = replace(targets(), words=torch.full((BATCH, WORDS), -100), matches=torch.full((BATCH,), -100))
    trained(**shown, attention_mask=absent, targets=asked).loss.backward()
    gradients = [p.grad for p in trained.parameters() if p.grad is not None]
    assert all(bool(torch.isfinite(gradient).all()) for gradient in gradients)


def test_padding_has_no_share_in_the_similarity(model):
    mask = torch.ones(BATCH, FRAMES, dtype=torch.bool)
    mask[:, :2] = False
    garbage = clips(model.config)["features"].clone()
    garbage[:, :2] = 7.0
    one = loss_of(model, "frame_similarity", video_mask=mask)
    other = loss_of(model, "frame_similarity", video_mask=mask, features=garbage)
    torch.testing.assert_close(one, other)


@pytest.mark.parametrize("name", sorted(asdict(LossWeights())))
def test_every_loss_falls_when_it_is_trained(name):
    torch.manual_seed(0)
    model = VideoBERTForPreTraining(nano(dropout=0.0)).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    first = loss_of(model, name).item()
    for _ in range(25):
        optimizer.zero_grad()
        loss_of(model, name).backward()
        optimizer.step()
    assert loss_of(model, name).item() < 0.8 * first


def test_a_saved_model_comes_back_the_same(model, tmp_path):
    model.save_pretrained(tmp_path)
    loaded = AutoModelForPreTraining.from_pretrained(tmp_path).eval()
    shown = {**clips(model.config), "targets": targets()}
    torch.testing.assert_close(loaded(**shown).loss, model(**shown).loss)
