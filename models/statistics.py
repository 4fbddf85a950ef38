"""A clip's frame features in, what a linear model can read of them out: mean, deviation and mean step."""

from collections.abc import Sequence
from enum import StrEnum
from typing import cast

import torch
from torch import Tensor, nn
from transformers import initialization


class Statistic(StrEnum):
    """Numbers of each feature over the real frames of a clip.

    `mean` and `deviation` say what was seen, `step` the mean absolute change from frame to frame; `trend` is
    the mean of the newer half less that of the older half, the only one that knows the order of frames.
    """

    MEAN = "mean"
    DEVIATION = "deviation"
    STEP = "step"
    TREND = "trend"


STATISTICS = tuple(statistic.value for statistic in Statistic)


def clip_statistics(frames: Tensor, mask: Tensor, kinds: Sequence[str]) -> Tensor:
    """Return (B, len(kinds) * V) for frames (B, T, V) and their mask (B, T), in the order of `kinds`.

    One feature with the values 1, 3, 8 over three frames: mean 4, deviation √(26 / 3) = 2.94, step
    (2 + 5) / 2 = 3.5; halves of 1.5 frames have the means (1 + 0.5 · 3) / 1.5 and (0.5 · 3 + 8) / 1.5, so the
    trend is 4.67. A clip of one frame has the deviation, step and trend 0.
    """
    seen = frames.masked_fill(~mask[..., None], 0)
    weight = mask[..., None].to(frames.dtype)  # (B, T, 1)
    count = weight.sum(dim=1).clamp(min=1)  # (B, 1)
    mean = seen.sum(dim=1) / count
    columns = {
        Statistic.MEAN: lambda: mean,
        Statistic.DEVIATION: lambda: _deviation(seen, mean, weight, count),
        Statistic.STEP: lambda: _step(seen, weight),
        Statistic.TREND: lambda: _trend(seen, weight, count),
    }
    return torch.cat([columns[Statistic(kind)]() for kind in kinds], dim=-1)


def _deviation(seen: Tensor, mean: Tensor, weight: Tensor, count: Tensor) -> Tensor:
    squares = ((seen - mean[:, None]) * weight).square().sum(dim=1) / count
    # The root has no slope at 0; a feature that does not change must not make gradients infinite.
    return (squares + 1e-12).sqrt() - 1e-6


def _step(seen: Tensor, weight: Tensor) -> Tensor:
    both = weight[:, 1:] * weight[:, :-1]
    steps = (seen[:, 1:] - seen[:, :-1]).abs() * both
    return steps.sum(dim=1) / both.sum(dim=1).clamp(min=1)


def _trend(seen: Tensor, weight: Tensor, count: Tensor) -> Tensor:
    """Frame i of n (from 0) belongs to the newer half by clamp(i + 1 - n / 2, 0, 1)."""
    half = count[:, None] / 2  # (B, 1, 1)
    newer = (weight.cumsum(dim=1) - half).clamp(0, 1) * weight
    return (seen * (2 * newer - weight)).sum(dim=1) / half[:, 0].clamp(min=0.5) * (count > 1)


class LinearReader(nn.Module):
    """Statistics of a clip in units of their spread, and a linear answer to each task from them alone.

    It is logistic regression inside the model: what the deep path says is added to it, so that the deep path
    has to earn its place. It begins at 0, and so says nothing until it is fitted.
    """

    centre: Tensor
    spread: Tensor

    def __init__(self, dim: int, labels: dict[str, int]) -> None:
        super().__init__()
        # Persistent: transformers gives a buffer that no checkpoint fills a value of its own.
        self.register_buffer("centre", torch.zeros(dim))
        self.register_buffer("spread", torch.ones(dim))
        self.tasks = nn.ModuleDict({task: nn.Linear(dim, count) for task, count in labels.items()})

    def forward(self, statistics: Tensor) -> dict[str, Tensor]:
        """Return the logits (B, labels) of each task for (B, dim)."""
        units = (statistics - self.centre) / self.spread
        return {task: cast("Tensor", linear(units)) for task, linear in self.tasks.items()}

    def fit_units(self, statistics: Tensor) -> None:
        """Take centre and spread from training clips (N, dim); what never changes counts as it is."""
        with torch.no_grad():
            self.centre.copy_(statistics.mean(dim=0))
            spread = statistics.std(dim=0, correction=0)
            self.spread.copy_(torch.where(spread > 1e-6, spread, 1.0))

    def initialise(self) -> None:
        """Say nothing, in raw units."""
        initialization.zeros_(self.centre)
        initialization.ones_(self.spread)
        for parameter in self.tasks.parameters():
            initialization.zeros_(parameter)
