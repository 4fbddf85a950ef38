"""A clip's frame features in, what a linear model can read of them out: mean, deviation and mean step."""

from collections.abc import Sequence
from enum import StrEnum
from typing import cast

import torch
from torch import Tensor, nn
from transformers import initialization


class Statistic(StrEnum):
    """Numbers of each feature over the real frames of a clip.

    `mean` and `deviation` say what was seen, `step` the mean absolute change from frame to frame. The others
    know the order of frames: `first`, `middle` and `last` are the means of its thirds, `change` the mean of
    the last fifth less that of the first.
    """

    MEAN = "mean"
    DEVIATION = "deviation"
    STEP = "step"
    FIRST = "first"
    MIDDLE = "middle"
    LAST = "last"
    CHANGE = "change"


STATISTICS = tuple(statistic.value for statistic in Statistic)
ORDERED = (Statistic.FIRST, Statistic.MIDDLE, Statistic.LAST, Statistic.CHANGE)


def clip_statistics(frames: Tensor, mask: Tensor, kinds: Sequence[str]) -> Tensor:
    """Return (B, len(kinds) * V) for frames (B, T, V) and their mask (B, T), in the order of `kinds`.

    One feature with the values 1, 3, 8 over three frames: mean 4, deviation √(26 / 3) = 2.94, step
    (2 + 5) / 2 = 3.5, thirds 1, 3 and 8, change 7. A clip of one frame has the deviation, step and change 0.
    """
    read = _Reading(frames.masked_fill(~mask[..., None], 0), mask[..., None].to(frames.dtype))
    return torch.cat([getattr(read, Statistic(kind).value)() for kind in kinds], dim=-1)


class _Reading:
    """Frames (B, T, V), 0 where there is none, and their weight (B, T, 1), 1 where there is one."""

    def __init__(self, seen: Tensor, weight: Tensor) -> None:
        self._seen = seen
        self._weight = weight
        self._count = weight.sum(dim=1, keepdim=True).clamp(min=1)  # (B, 1, 1)

    def mean(self) -> Tensor:
        return self.between(0, 1)

    def deviation(self) -> Tensor:
        centred = (self._seen - self.mean()[:, None]) * self._weight
        variance = centred.square().sum(dim=1) / self._count[:, 0]
        # The root has no slope at 0; a feature that does not change must not make gradients infinite.
        return (variance + 1e-12).sqrt() - 1e-6

    def step(self) -> Tensor:
        both = self._weight[:, 1:] * self._weight[:, :-1]
        steps = (self._seen[:, 1:] - self._seen[:, :-1]).abs() * both
        return steps.sum(dim=1) / both.sum(dim=1).clamp(min=1)

    def first(self) -> Tensor:
        return self.between(0, 1 / 3)

    def middle(self) -> Tensor:
        return self.between(1 / 3, 2 / 3)

    def last(self) -> Tensor:
        return self.between(2 / 3, 1)

    def change(self) -> Tensor:
        return self.between(0.8, 1) - self.between(0, 0.2)

    def between(self, low: float, high: float) -> Tensor:
        """Return the mean over a part of the clip, (B, V).

        Frame i of n fills i … i + 1 of n; of four frames the first third is frame 0 and a third of frame 1.
        """
        end = self._weight.cumsum(dim=1)
        inside = torch.minimum(end, high * self._count) - torch.maximum(end - 1, low * self._count)
        share = inside.clamp(min=0) * self._weight
        return (self._seen * share).sum(dim=1) / share.sum(dim=1).clamp(min=1e-6)


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
