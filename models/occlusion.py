"""A clip and the model that judged it in, how much each of its frames counted for a label out.

The model itself is asked, in one batch, about the clip without each of its frames in turn; so it works on
every runtime. What that is worth beside other ways: `videobert-train explain` and docs/evaluation.md.
Source: Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, ECCV 2014, section 4.2.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.runtime import ClipBatch, Encoder

F32 = NDArray[np.float32]
Bool = NDArray[np.bool_]

# A probability of 0 or 1, as int8 may say, has no finite log-odds.
LEAST_PROBABILITY = 1e-6
# What a long clip costs to explain grows with its frames, not with their square.
MOST_PARTS = 16


@dataclass(frozen=True, slots=True)
class Query:
    """Which label is asked about: `column` is its place among those of the task."""

    task: str
    column: int


def log_odds(encoder: Encoder, clips: ClipBatch, query: Query) -> F32:
    """Return log p / (1 − p) (B,) of the label."""
    said = encoder.understand(clips).probabilities[query.task][:, query.column]
    sure = np.clip(said.astype(np.float64), LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    return np.log(sure / (1 - sure)).astype(np.float32)


def frame_importance(encoder: Encoder, clip: ClipBatch, query: Query) -> F32:
    """Return by how much the label's log-odds fall without each frame (T,); 0 where the clip has none.

    `clip` is a batch of one. The mean frame of the clip takes the place of the one that is left out. Of more
    than MOST_PARTS frames neighbours are left out together, and share what that costs.
    """
    (real,) = np.nonzero(clip.mask[0])
    parts = np.array_split(real, max(1, min(len(real), MOST_PARTS)))
    left_out = np.zeros((1 + len(parts), clip.mask.shape[1]), np.bool_)  # nothing of the first one
    for row, part in enumerate(parts, start=1):
        left_out[row, part] = True
    said = log_odds(encoder, swapped(clip, mean_frames(clip), left_out), query)
    importance = np.zeros(clip.mask.shape[1], np.float32)
    for part, without in zip(parts, said[1:], strict=True):
        importance[part] = (said[0] - without) / max(1, len(part))
    return importance


def mean_frames(clip: ClipBatch) -> ClipBatch:
    """Return the one clip with each frame replaced by the mean of its real ones: the scene, and no event."""
    weight = clip.mask[..., None] / max(1, int(clip.mask.sum()))  # (1, T, 1)
    means = ((values * weight).sum(axis=1, keepdims=True) for values in (clip.features, clip.motion))
    features, motion = (mean.astype(np.float32) for mean in means)
    return ClipBatch(
        np.broadcast_to(features, clip.features.shape), np.broadcast_to(motion, clip.motion.shape), clip.mask
    )


def swapped(clip: ClipBatch, other: ClipBatch, chosen: Bool) -> ClipBatch:
    """Return a clip (1, T, …) V times over, each with the frames of a row of (V, T) from the other."""
    away = chosen[..., None]  # (V, T, 1)
    return ClipBatch(
        features=np.where(away, other.features, clip.features),  # (V, T, P * 1280)
        motion=np.where(away, other.motion, clip.motion),
        mask=np.repeat(clip.mask, len(chosen), axis=0),
    )
