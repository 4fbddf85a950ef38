"""A model and clips in, what its two paths say of them out; and how much the deep one is to be heard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from models.heads import VideoBERTForSequenceClassification
from models.text_states import TextStates
from training.examples import Clips, Cut, Example, batches_of
from training.hardware import device_of

F64 = NDArray[np.float64]

# What the deep path's logits may count; the linear path has the rest.
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
BATCH = 64
# A share must lower the log loss by this much to be taken over a smaller one: validation clips are few.
LEAST_GAIN = 0.005


@dataclass(frozen=True, slots=True)
class Readings:
    """Logits of N clips per task, (N, labels): those of the linear path and those of the deep one."""

    cuts: tuple[Cut, ...]
    linear: Mapping[str, F64]
    deep: Mapping[str, F64]

    def probabilities(self, task: str, share: float) -> tuple[list[Example], F64]:
        """Return the examples of a task and their probabilities (N, labels), the mean over their clips.

        `share` is what the deep path's logits count.
        """
        logits = (1 - share) * self.linear[task] + share * self.deep[task]
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        each = odds / odds.sum(axis=1, keepdims=True)
        rows: dict[Example, list[int]] = {}
        for row, cut in enumerate(self.cuts):
            if cut.example.task == task:
                rows.setdefault(cut.example, []).append(row)
        return list(rows), np.array([each[of].mean(axis=0) for of in rows.values()])


@torch.no_grad()
def read(
    model: VideoBERTForSequenceClassification, clips: Clips, cuts: Sequence[Cut], *, text: TextStates
) -> Readings:
    """Let both paths read the clips, as the daemon does: with the camera's text."""
    device = device_of(model)
    states, mask = (torch.from_numpy(part)[None].to(device) for part in (text.states, text.mask))
    linear: dict[str, list[F64]] = {task: [] for task in model.config.tasks}
    deep: dict[str, list[F64]] = {task: [] for task in model.config.tasks}
    for some in batches_of(cuts, BATCH):
        batch = clips.batch(some).to(device)
        understood = model.videobert(
            batch.features,
            batch.motion,
            video_mask=batch.mask,
            text_states=states.expand(len(batch), -1, -1),
            text_mask=mask.expand(len(batch), -1),
        )
        for task, logits in model.classify(understood.embedding).items():
            deep[task].append(logits.double().cpu().numpy())
        for task, logits in model.read_statistics(batch.features, batch.motion, batch.mask).items():
            linear[task].append(logits.double().cpu().numpy())
    return Readings(
        tuple(cuts),
        linear={task: np.concatenate(parts) for task, parts in linear.items()},
        deep={task: np.concatenate(parts) for task, parts in deep.items()},
    )


def log_loss_of(readings: Readings, task: str, share: float) -> float:
    """Return the mean log loss over the examples of a task, every label counting the same."""
    examples, probabilities = readings.probabilities(task, share)
    labels = np.array([example.label for example in examples])
    losses = -np.log(np.maximum(probabilities[np.arange(len(labels)), labels], 1e-9))
    return float(np.mean([losses[labels == label].mean() for label in np.unique(labels)]))


def best_share(readings: Readings, task: str) -> float:
    """Return how much the deep path should count for a task: the least that is as good as any."""
    losses = {share: log_loss_of(readings, task, share) for share in SHARES}
    chosen = SHARES[0]
    for share in SHARES[1:]:
        if losses[share] < losses[chosen] - LEAST_GAIN:
            chosen = share
    return chosen


def deep_score(readings: Readings, tasks: Sequence[str]) -> float:
    """Return the mean over tasks of minus the log loss of the deep path alone."""
    return -float(np.mean([log_loss_of(readings, task, 1.0) for task in tasks]))


def apply_shares(model: VideoBERTForSequenceClassification, shares: Mapping[str, float]) -> None:
    """Scale the last layers of both paths, so that the sum of their logits has these shares."""
    with torch.no_grad():
        for task, share in shares.items():
            for parameter in model.heads[task].parameters():
                parameter.mul_(share)
            if model.linear is not None:
                for parameter in model.linear.tasks[task].parameters():
                    parameter.mul_(1 - share)
