"""The trivial predictors: each is as good as looking at nothing can be."""

import math

import pytest
import torch

from models.pretraining import Targets
from training.corruption import Batch, Riddle
from training.trivial import Unigrams, log_frequencies, trivial_losses, weighted_mean

EVEN = Unigrams(
    words=torch.tensor([0.5, 0.25, 0.25]).log(),
    captions=torch.tensor([0.25, 0.25, 0.5]).log(),
    visual_words=torch.tensor([0.125, 0.875]).log(),
)


def riddle(*, features=None, frames=True, matches=(1, 1, 0, 1)):
    """Four clips of two frames and texts of one word."""
    features = torch.eye(2).expand(4, 2, 2) if features is None else features
    mask = torch.full((4, 2), frames)
    batch = Batch(
        features=features,
        motion=torch.zeros(4, 2, 1),
        video_mask=mask,
        visual_words=torch.zeros(4, 2, dtype=torch.long),
        input_ids=torch.zeros(4, 1, dtype=torch.long),
        attention_mask=torch.ones(4, 1, dtype=torch.long),
        meanings=torch.arange(4),
    )
    targets = Targets(
        words=torch.tensor([[0], [1], [-100], [-100]]),
        hidden_frames=torch.tensor([[False, True]] * 4) & mask,
        visual_words=torch.tensor([[-100, 0]] * 4),
        in_order=torch.tensor([1, 0, 1, -100]),
        matches=torch.tensor(matches),
        meanings=batch.meanings,
    )
    return Riddle(batch, targets)


def losses(*riddles):
    return {name: trivial.loss for name, trivial in trivial_losses(riddles, EVEN).items()}


def test_frequencies_are_counted_and_nothing_is_impossible():
    # 2, 1 and 0 times, each 0.1 more, of 3.3.
    expected = (torch.tensor([2.1, 1.1, 0.1]) / 3.3).log()
    torch.testing.assert_close(log_frequencies(torch.tensor([0, 1, 0]), 3), expected)


def test_words_are_guessed_by_how_frequent_they_are():
    # Words 0 and 1 are asked: (log 2 + log 4) / 2; all visual words are 0: log 8.
    found = losses(riddle())
    assert found["masked_words"] == pytest.approx(1.5 * math.log(2))
    assert found["masked_visual_words"] == pytest.approx(3 * math.log(2))


def test_words_of_captions_are_guessed_by_their_own_frequencies():
    assert losses(riddle(frames=False))["masked_words"] == pytest.approx(2 * math.log(2))


def test_of_n_candidates_one_is_guessed():
    found = losses(riddle(), riddle(matches=(0, 0, 0, 1)))
    assert found["masked_features"] == pytest.approx(math.log(4))
    # Three of three and one of one: (3 log 3 + 1 log 1) / 4.
    assert found["contrastive"] == pytest.approx(0.75 * math.log(3))


def test_two_answers_cost_the_entropy_of_their_shares():
    found = losses(riddle())
    assert found["frame_order"] == pytest.approx(-(2 / 3) * math.log(2 / 3) - (1 / 3) * math.log(1 / 3))
    assert found["matching"] == pytest.approx(-0.75 * math.log(0.75) - 0.25 * math.log(0.25))
    assert losses(riddle(matches=(1, 1, 1, 1)))["matching"] == 0


def test_similarity_is_guessed_by_its_mean_and_a_frame_is_like_itself():
    features = torch.eye(2).repeat(4, 1, 1)
    features[:2, 1] = features[:2, 0]
    # Two clips have the cosine 1 and two have 0: squared errors of 1/4 at 8 of 16 places.
    assert losses(riddle(features=features))["frame_similarity"] == pytest.approx(0.125)


def test_without_riddles_nothing_is_known():
    assert all(math.isnan(loss) for loss in losses().values())


def test_a_mean_counts_what_was_asked():
    assert weighted_mean([1.0, 4.0], [2, 1]) == 2.0
    assert math.isnan(weighted_mean([1.0], [0]))
