"""A checkpoint and labelled clips in, its predictions out: by the very runtime that the daemon uses."""

from collections.abc import Sequence

import numpy as np

from models.runtime import Encoder
from training.examples import Clips, Cut, Example, batches_of
from training.report import Prediction

BATCH = 64


def evaluate_checkpoint(
    encoder: Encoder, clips: Clips, examples: Sequence[Example], *, windows: int
) -> list[Prediction]:
    """Return what a checkpoint says of each example, the mean over up to `windows` of its clips."""
    return ask(encoder, clips, clips.whole(examples, windows=windows))


def ask(encoder: Encoder, clips: Clips, cuts: Sequence[Cut]) -> list[Prediction]:
    """Return what an encoder says of each example of one task, the mean over its clips among `cuts`."""
    task = cuts[0].example.task
    understood = [
        encoder.understand(clips.clip_batch(some)).probabilities[task] for some in batches_of(cuts, BATCH)
    ]
    sums: dict[Example, list[np.ndarray]] = {}
    for cut, row in zip(cuts, np.concatenate(understood), strict=True):
        sums.setdefault(cut.example, []).append(row)
    labels = encoder.checkpoint.tasks[task].labels
    return [prediction_of(example, np.mean(rows, axis=0).tolist(), labels) for example, rows in sums.items()]


def prediction_of(
    example: Example, scores: Sequence[float], labels: Sequence[str], *, fold: int = 0, seed: int = 0
) -> Prediction:
    """Return an example with the probability of each label."""
    return Prediction(
        file=example.file,
        start_s=example.segment.start_s,
        end_s=example.segment.end_s,
        label=labels[example.label],
        scores=dict(zip(labels, scores, strict=True)),
        group=example.segment.group,
        fold=fold,
        seed=seed,
    )
