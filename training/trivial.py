"""Riddles in, the losses of predictors that look at nothing out: what pre-training must beat."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from models.heads import IGNORED
from training.corruption import Riddle

# What has never been seen is not impossible; a small count leaves the trivial predictor strong.
SMOOTHING = 0.1


@dataclass(frozen=True, slots=True)
class Unigrams:
    """How frequent words are in the training material, as logarithms of probabilities.

    `words` (vocabulary,) in what is said of clips, `captions` (vocabulary,) in captions, `visual_words`
    (number of visual words,) in clips.
    """

    words: Tensor
    captions: Tensor
    visual_words: Tensor


@dataclass(frozen=True, slots=True)
class Trivial:
    """A predictor's `loss`, what it is, and `counts`, how much of each riddle is asked."""

    loss: float
    predictor: str
    counts: tuple[int, ...]


def log_frequencies(ids: Tensor, size: int) -> Tensor:
    """Return the logarithm of how frequent each of `size` ids is: (N,) → (size,)."""
    counts = torch.bincount(ids, minlength=size) + SMOOTHING
    return (counts / counts.sum()).log()


def trivial_losses(riddles: Sequence[Riddle], unigrams: Unigrams) -> dict[str, Trivial]:
    """Return the trivial predictor of each loss on these riddles, by the loss's name."""
    of_clips = any(bool(riddle.batch.video_mask.any()) for riddle in riddles)
    words = unigrams.words if of_clips else unigrams.captions
    return {
        "masked_words": _unigram([r.targets.words for r in riddles], words),
        "masked_visual_words": _unigram([r.targets.visual_words for r in riddles], unigrams.visual_words),
        "masked_features": _logarithm([_hidden(r) for r in riddles]),
        "frame_order": _share([r.targets.in_order for r in riddles]),
        "frame_similarity": _mean_likeness(riddles),
        "matching": _share([r.targets.matches for r in riddles]),
        "contrastive": _logarithm([r.targets.matches == 1 for r in riddles]),
    }


def weighted_mean(losses: Sequence[float], counts: Sequence[int]) -> float:
    """Return the mean loss of all that was asked; NaN where nothing was."""
    if not (total := sum(counts)):
        return math.nan
    return sum(loss * count for loss, count in zip(losses, counts, strict=True)) / total


def _unigram(truths: Sequence[Tensor], log_probabilities: Tensor) -> Trivial:
    asked = [truth[truth != IGNORED] for truth in truths]
    losses = [-float(log_probabilities[truth].mean()) if len(truth) else 0.0 for truth in asked]
    counts = tuple(len(truth) for truth in asked)
    return Trivial(weighted_mean(losses, counts), "unigram frequencies of the training side", counts)


def _share(truths: Sequence[Tensor]) -> Trivial:
    """Return the entropy of the answers: no constant probability does better."""
    nothing = torch.zeros(0, dtype=torch.long)
    asked = torch.cat([nothing, *(truth[truth != IGNORED] for truth in truths)]).double()
    counts = tuple(int((truth != IGNORED).sum()) for truth in truths)
    if not len(asked):
        return Trivial(math.nan, "share of the answers", counts)
    share = asked.mean()
    entropy = -(torch.special.xlogy(share, share) + torch.special.xlogy(1 - share, 1 - share))
    return Trivial(float(entropy), "share of the answers", counts)


def _logarithm(asked: Sequence[Tensor]) -> Trivial:
    counts = tuple(int(which.sum()) for which in asked)
    losses = [math.log(count) if count else 0.0 for count in counts]
    return Trivial(weighted_mean(losses, counts), "log N of N candidates", counts)


def _hidden(riddle: Riddle) -> Tensor:
    return riddle.targets.hidden_frames & riddle.batch.video_mask.bool()


def _mean_likeness(riddles: Sequence[Riddle]) -> Trivial:
    """Return the error of the mean cosine of two different frames; that of a frame with itself is known."""
    cosines, counts = [], []
    for riddle in riddles:
        mask = riddle.batch.video_mask.bool()
        units = functional.normalize(riddle.batch.features, dim=-1)
        both = mask[:, :, None] & mask[:, None, :]  # (B, T, T)
        different = both & ~torch.eye(mask.shape[1], dtype=torch.bool)
        cosines.append((units @ units.transpose(1, 2))[different])
        counts.append(int(both.sum()))
    if not sum(counts):
        return Trivial(math.nan, "mean cosine of two frames", tuple(counts))
    likeness = torch.cat(cosines).double()
    squared = float((likeness - likeness.mean()).square().sum()) if len(likeness) else 0.0
    return Trivial(squared / sum(counts), "mean cosine of two frames", tuple(counts))
