"""Unlabelled clips in, the loss of disagreeing with oneself about them out: FixMatch on features.

What the model says of a clip as it is becomes, where it is sure, the label of the same clip with frames
missing and noise added (Sohn et al., NeurIPS 2020, section 2).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.heads import IGNORED
from training.augmentation import add_noise, drop_frames
from training.examples import LabelledClips

# Reads B clips: logits (B, labels) per task.
Reader = Callable[[LabelledClips], Mapping[str, Tensor]]


@dataclass(frozen=True, slots=True)
class FixMatchSettings:
    """When a pseudo-label counts, and how far the strong view is from the clip.

    `threshold` is the least probability of a pseudo-label (0.95 in the paper). `frame_drop` and `noise` are
    as in `Augmentation`, and stronger than there. `memory` is how much of its running average of what it says
    the distribution alignment keeps from batch to batch.
    """

    threshold: float = 0.95
    frame_drop: float = 0.5
    noise: float = 0.3
    memory: float = 0.99


@dataclass(frozen=True, slots=True)
class Consistency:
    """The `losses` of the tasks, scalars, and the share of the unlabelled clips that was `used` for each."""

    losses: dict[str, Tensor]
    used: dict[str, float]

    @property
    def total(self) -> Tensor:
        """Return the sum over the tasks, to be weighted and added to the loss of the labelled clips."""
        return torch.stack(list(self.losses.values())).sum()


class FixMatch(nn.Module):
    """Makes pseudo-labels of the weak view and holds the strong view against them.

    With `shares`, how often each label of a task is true, (labels,), the model's answers are first aligned
    with them: divided by how often it gives them itself, so that it cannot drift to one label for all
    (ReMixMatch, Berthelot et al., ICLR 2020, section 3.1). How often it does is a buffer per task, saved and
    resumed with the weights.
    """

    def __init__(
        self, settings: FixMatchSettings | None = None, *, shares: Mapping[str, Tensor] | None = None
    ) -> None:
        super().__init__()
        self._settings = settings or FixMatchSettings()
        self._shares = dict(shares or {})
        for task, share in self._shares.items():
            self.register_buffer(_said(task), share.clone())  # until it has said anything it says the truth

    def forward(self, read: Reader, clips: LabelledClips, *, judge: Reader | None = None) -> Consistency:
        """Return the losses of B clips, for each task of those that have no label for it (-100).

        `read` is what learns, from the strong view. `judge` says what the weak one shows, `read` itself by
        default; no gradient flows through it.
        """
        with torch.no_grad():
            weak = (judge or read)(clips)
        strong = read(self.strong(clips))
        losses, used = {}, {}
        for task, labels in clips.labels.items():
            unlabelled = labels == IGNORED
            pseudo = self._pseudo_labels(task, weak[task], unlabelled)
            count = unlabelled.sum().clamp(min=1)
            entropy = functional.cross_entropy(strong[task], pseudo, ignore_index=IGNORED, reduction="sum")
            losses[task] = entropy / count
            used[task] = float((pseudo != IGNORED).sum() / count)
        return Consistency(losses, used)

    def strong(self, clips: LabelledClips) -> LabelledClips:
        """Return the clips with noise on their features and without many of their frames."""
        noisy = add_noise(clips, self._settings.noise)
        return drop_frames(noisy, self._settings.frame_drop)

    def _pseudo_labels(self, task: str, logits: Tensor, unlabelled: Tensor) -> Tensor:
        """Return the likeliest labels (B,), -100 where the model is unsure or the clip has a label."""
        said = logits.detach().softmax(dim=-1)
        if task in self._shares and unlabelled.any():
            said = self._aligned(task, said, unlabelled)
        sureness, likeliest = said.max(dim=-1)
        return likeliest.masked_fill(~unlabelled | (sureness < self._settings.threshold), IGNORED)

    def _aligned(self, task: str, said: Tensor, unlabelled: Tensor) -> Tensor:
        """Return the probabilities (B, labels), each label's in proportion to its share; remember them."""
        usual = self.get_buffer(_said(task))
        if self.training:
            usual.lerp_(said[unlabelled].mean(dim=0), 1 - self._settings.memory)
        aligned = said * self._shares[task].to(said) / usual.clamp(min=1e-6)
        return aligned / aligned.sum(dim=-1, keepdim=True)


def _said(task: str) -> str:
    return f"said_{task}"
