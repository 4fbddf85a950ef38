"""FixMatch: what the model is sure of in a clip teaches it the same clip made harder; nothing else does."""

import math

import pytest
import torch
from torch import nn

from models.heads import IGNORED, VideoBERTForSequenceClassification
from tests.models.inputs import inputs, nano
from training.examples import LabelledClips
from training.semi_supervised import FixMatch, FixMatchSettings

PLAIN = FixMatchSettings(frame_drop=0.0, noise=0.0)  # the strong view is the clip itself


class Toy(nn.Module):
    """Two labels; the logits are ± weight * the feature of the newest frame."""

    def __init__(self, weight=1.0):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))

    def forward(self, clips):
        newest = clips.features[:, -1, 0] * self.weight
        return {"fight": torch.stack([newest, -newest], dim=1)}


def clips(*values, labels=None, frames=4):
    """Clips whose features are a number throughout."""
    count = len(values)
    return LabelledClips(
        features=torch.tensor(values)[:, None, None].repeat(1, frames, 3),
        motion=torch.zeros(count, frames, 2),
        mask=torch.ones(count, frames, dtype=torch.bool),
        labels={"fight": torch.tensor(labels or [IGNORED] * count)},
    )


def gradient(toy, given, settings=PLAIN, **options):
    FixMatch(settings)(toy, given, **options).total.backward()
    return toy.weight.grad.item()


def test_the_loss_is_the_cross_entropy_with_the_pseudo_label_over_all_unlabelled_clips():
    # Logits ±2: the first label has σ(4) = 0.982, sure enough; ±1: σ(2) = 0.881, not sure enough.
    consistency = FixMatch(PLAIN)(Toy(), clips(2.0, 1.0))
    assert consistency.losses["fight"].item() == pytest.approx(
        -math.log(1 / (1 + math.exp(-4))) / 2, rel=1e-5
    )
    assert consistency.used == {"fight": 0.5}
    assert consistency.total.item() == consistency.losses["fight"].item()


def test_nothing_is_learned_from_unsure_clips():
    toy = Toy()
    assert gradient(toy, clips(1.0, -1.0, 0.2)) == 0
    assert FixMatch(PLAIN)(toy, clips(1.0)).used == {"fight": 0.0}


def test_a_lower_threshold_lets_more_clips_in():
    sure = FixMatch(FixMatchSettings(threshold=0.88, frame_drop=0, noise=0))(Toy(), clips(2.0, 1.0))
    assert sure.used == {"fight": 1.0}


def test_a_clip_with_a_label_is_left_to_the_labelled_loss():
    consistency = FixMatch(PLAIN)(Toy(), clips(2.0, 3.0, labels=[IGNORED, 1]))
    # One clip is unlabelled, and it is used.
    assert consistency.used == {"fight": 1.0}
    assert consistency.losses["fight"].item() == pytest.approx(math.log(1 + math.exp(-4)), rel=1e-4)


def test_a_batch_without_unlabelled_clips_adds_nothing_and_stays_finite():
    toy = Toy()
    assert gradient(toy, clips(2.0, labels=[0])) == 0


def test_the_strong_view_is_pulled_towards_what_the_weak_one_shows():
    def judge(given):
        return {"fight": torch.tensor([[5.0, -5.0]]).expand(len(given), 2)}

    # The judge is sure of the first label, the learner of the second: with a feature of -1 its weight must
    # fall. d/dw of ln(1 + exp(2w)) at w = 1 is 2 σ(2) = 1.762.
    assert gradient(Toy(), clips(-1.0), judge=judge) == pytest.approx(2 / (1 + math.exp(-2)), rel=1e-5)


def test_no_gradient_flows_through_the_weak_view():
    weak = Toy(3.0)
    strong = Toy(1.0)
    gradient(strong, clips(2.0), judge=weak)
    assert weak.weight.grad is None
    # d/dw of ln(1 + exp(-4w)) at w = 1 is -4 σ(-4).
    assert strong.weight.grad.item() == pytest.approx(-4 / (1 + math.exp(4)), rel=1e-4)


def test_the_strong_view_lacks_frames_and_is_noisy_and_the_weak_one_is_the_clip():
    torch.manual_seed(0)
    seen = []

    def read(given):
        seen.append(given)
        return {"fight": given.features[:, -1, :2]}

    given = clips(*[0.0] * 50, frames=20)
    given.features[:, :, 1] = 2.0  # deviation within a clip: values 0, 2, 0, about 0.94
    FixMatch(FixMatchSettings(frame_drop=0.5, noise=0.3))(read, given)
    weak, strong = seen
    assert weak is given
    # The newest of twenty frames stays: 1 + 19 / 2 of them.
    assert strong.mask.sum(dim=1).float().mean().item() == pytest.approx(10.5, abs=0.7)
    assert strong.mask[:, -1].all()
    assert (strong.features - given.features).std().item() == pytest.approx(0.3 * 0.95, abs=0.01)


def test_answers_are_aligned_with_how_often_labels_are_true():
    # It says 0.881 and 0.119; labels are said to be true half and half, and remembered is half of what it
    # says now: usual is (0.5 + 0.881) / 2 = 0.690 and 0.310. Aligned 0.881 · 0.5 / 0.690 = 0.638 and
    # 0.119 · 0.5 / 0.310 = 0.192: 0.769 of their sum.
    shares = {"fight": torch.tensor([0.5, 0.5])}
    for threshold, used in [(0.76, 1.0), (0.78, 0.0)]:
        settings = FixMatchSettings(threshold=threshold, frame_drop=0, noise=0, memory=0.5)
        match = FixMatch(settings, shares=shares)
        assert match(Toy(), clips(1.0)).used == {"fight": used}
        assert match.state_dict()["said_fight"].tolist() == pytest.approx([0.690, 0.310], abs=1e-3)
    assert shares["fight"].tolist() == [0.5, 0.5]


def test_alignment_remembers_nothing_while_it_is_judged():
    match = FixMatch(PLAIN, shares={"fight": torch.tensor([0.9, 0.1])}).eval()
    match(Toy(), clips(-3.0))
    assert match.state_dict()["said_fight"].tolist() == pytest.approx([0.9, 0.1])


def test_a_classifier_learns_what_it_is_sure_of():
    torch.manual_seed(0)
    model = VideoBERTForSequenceClassification(nano(dropout=0.0))
    given = inputs(model.config)
    unlabelled = torch.full((2,), IGNORED)
    batch = LabelledClips(given.features, given.motion, given.video_mask, {"activity": unlabelled})

    def read(part):
        return model(part.features, part.motion, video_mask=part.mask).logits

    match = FixMatch(FixMatchSettings(threshold=0.0))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.003)
    losses = []
    for _ in range(8):
        losses.append(match(read, batch).total)
        losses[-1].backward()
        optimizer.step()
        optimizer.zero_grad()
    assert losses[-1] < losses[0] / 2
