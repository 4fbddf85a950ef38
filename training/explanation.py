"""A classifier and clips in, how much each frame counted for a label out, and whether that is true.

Frames are judged by integrated gradients on what the model is given of each, its features and its motion,
against a clip in which nothing happens. The judgement is checked by taking frames away in its order, and by
giving them back: the probability must fall, or rise, faster than in random order.
Source: Sundararajan et al., Axiomatic Attribution for Deep Networks, ICML 2017, section 3; Petsiuk et al.,
RISE, BMVC 2018, section 4.2.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.heads import VideoBERTForSequenceClassification

STEPS = 16  # completeness within 1e-5 on `small`
RANDOM_ORDERS = 16


@dataclass(frozen=True, slots=True)
class Question:
    """Why `task` has the label number `label`: a classifier in eval mode, and its other inputs, such as text.

    `context` holds keyword arguments of `VideoBERTModel`, (B, …) each; `video_mask` may be among them.
    """

    model: VideoBERTForSequenceClassification
    task: str
    label: int
    context: Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class Frames:
    """What the model is given of T frames: `features` (B, T, P * feature_dim) and `motion` (B, T, F)."""

    features: Tensor
    motion: Tensor

    def towards(self, other: "Frames", weight: Tensor | float) -> "Frames":
        """Return these frames with `weight` (B, T, 1), 0…1, of the others in their place."""
        return Frames(
            self.features + weight * (other.features - self.features),
            self.motion + weight * (other.motion - self.motion),
        )


@dataclass(frozen=True, slots=True)
class Faithfulness:
    """Areas (B,) under the probability over the share of frames taken away, or given back; 0…1.

    Good importances make `deletion` smaller and `insertion` larger than in random order.
    """

    deletion: Tensor
    insertion: Tensor
    random_deletion: Tensor
    random_insertion: Tensor


def mean_frames(frames: Frames, mask: Tensor | None = None) -> Frames:
    """Return clips whose every frame is the clip's mean one: the same scene, in which nothing happens.

    `mask` (B, T) is True at real frames. Zeros are no such baseline: the video tower's LayerNorm sees the
    same in x and in 0.001 x, so that all change would lie in the last step to 0.
    """
    real = _real(frames, mask)[..., None]  # (B, T, 1)
    count = real.sum(dim=1, keepdim=True).clamp(min=1)
    return Frames(
        *(
            (values.masked_fill(~real, 0).sum(dim=1, keepdim=True) / count).expand_as(values)
            for values in (frames.features, frames.motion)
        )
    )


def log_odds(question: Question, frames: Frames) -> Tensor:
    """Return log p / (1 − p) (B,) of the label: the one number that says all of its probability."""
    output = question.model(frames.features, frames.motion, **question.context)
    logits: Tensor = output.logits[question.task]
    others = torch.arange(logits.shape[1], device=logits.device) != question.label
    return logits[:, question.label] - logits[:, others].logsumexp(dim=1)


def frame_importance(
    question: Question, frames: Frames, *, baseline: Frames | None = None, steps: int = STEPS
) -> Tensor:
    """Return how much each frame (B, T) adds to the label's log-odds; negative speaks against it.

    They add up to the log-odds of the clip minus those of the baseline, up to the error of the integral over
    `steps` points (Gauss-Legendre). The baseline is `mean_frames` if none is given.
    """
    mask = question.context.get("video_mask")
    start = baseline or mean_frames(frames, mask)
    gradient = Frames(torch.zeros_like(frames.features), torch.zeros_like(frames.motion))
    for point, weight in zip(*_gauss_legendre(steps), strict=True):
        between = start.towards(frames, point)
        inputs = (between.features.detach().requires_grad_(), between.motion.detach().requires_grad_())
        total = log_odds(question, Frames(*inputs)).sum()  # clips do not mix: each gets its own gradient
        of_features, of_motion = torch.autograd.grad(total, inputs)
        gradient = Frames(gradient.features + weight * of_features, gradient.motion + weight * of_motion)
    of_features = _along(gradient.features, start.features, frames.features)
    of_motion = _along(gradient.motion, start.motion, frames.motion)
    # Padding may hold anything, NaN too: its gradient of 0 would not make that 0.
    return (of_features + of_motion).masked_fill(~_real(frames, mask), 0)


def check_importance(
    question: Question, frames: Frames, importance: Tensor, *, baseline: Frames | None = None, seed: int = 0
) -> Faithfulness:
    """Take frames away, and give them back, most important first (B, T), and in random orders."""
    empty = baseline or mean_frames(frames, question.context.get("video_mask"))
    generator = torch.Generator().manual_seed(seed)
    orders = [torch.rand(importance.shape, generator=generator) for _ in range(RANDOM_ORDERS)]
    with torch.no_grad():
        away, back = ([_area(question, one, other, order=order) for order in (importance, *orders)]
                      for one, other in ((frames, empty), (empty, frames)))  # fmt: skip
    return Faithfulness(
        deletion=away[0],
        insertion=back[0],
        random_deletion=torch.stack(away[1:]).mean(dim=0),
        random_insertion=torch.stack(back[1:]).mean(dim=0),
    )


def _area(question: Question, start: Frames, end: Frames, *, order: Tensor) -> Tensor:
    """Replace frame after frame of `start` by those of `end`, highest `order` (B, T) first."""
    ranks = order.argsort(dim=1, descending=True).argsort(dim=1)  # (B, T), 0 is replaced first
    num_frames = order.shape[1]
    curve = [
        log_odds(question, start.towards(end, (ranks < count)[..., None].to(start.motion))).sigmoid()
        for count in range(num_frames + 1)
    ]
    return torch.trapezoid(torch.stack(curve), dx=1 / num_frames, dim=0)


def _real(frames: Frames, mask: Tensor | None) -> Tensor:
    return torch.ones_like(frames.motion[..., 0], dtype=torch.bool) if mask is None else mask.bool()


def _along(gradient: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """Return the part of each frame (B, T) in the step from `start` to `end` (B, T, C)."""
    return ((end - start) * gradient).sum(dim=-1)


def _gauss_legendre(steps: int) -> tuple[Any, Any]:
    """Return points and weights of the integral from 0 to 1."""
    points, weights = np.polynomial.legendre.leggauss(steps)
    return ((points + 1) / 2).tolist(), (weights / 2).tolist()
