"""A clip's cached features in, the direction by which clips are compared out; numpy alone.

The deep path of the default checkpoint has learned nothing, and its embedding finds least of all that was
tried. What is compared is a projection of the clip's statistics (docs/decisions/0007).
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.checkpoint import SEARCH_FILE, Checkpoint, root_of

F32 = NDArray[np.float32]
I8 = NDArray[np.int8]

# What is read of the first picture, which is fresh in each frame; of others, which are held; and of the flow.
FRESH = ("mean", "deviation", "step", "first", "last")
HELD = ("mean", "change")
FLOW = ("mean", "deviation", "step", "first", "middle", "last", "change")
# What the columns of each weigh together: a held picture shows the place more than what happens there.
FRESH_SHARE, HELD_SHARE, FLOW_SHARE = 1.0, 0.5, 0.15
# The direction of N numbers is kept in N bytes; the cosine between two is off by about 0.001.
LARGEST = 127


def clip_statistics(frames: F32, *kinds: str) -> F32:
    """Return (len(kinds) * V,) for the real frames (T, V) of a clip, as `models.statistics` has them."""
    reading = _Reading(frames)
    return np.concatenate([getattr(reading, kind)() for kind in kinds])


class _Reading:
    """T real frames (T, V)."""

    def __init__(self, frames: F32) -> None:
        self._frames = frames

    def mean(self) -> F32:
        return np.asarray(self._frames.mean(axis=0))

    def deviation(self) -> F32:
        return np.asarray(self._frames.std(axis=0))

    def step(self) -> F32:
        if len(self._frames) < 2:
            return np.zeros_like(self._frames[0])
        return np.asarray(np.abs(np.diff(self._frames, axis=0)).mean(axis=0))

    def first(self) -> F32:
        return self.between(0, 1 / 3)

    def middle(self) -> F32:
        return self.between(1 / 3, 2 / 3)

    def last(self) -> F32:
        return self.between(2 / 3, 1)

    def change(self) -> F32:
        return self.between(0.8, 1) - self.between(0, 0.2)

    def between(self, low: float, high: float) -> F32:
        """Return the mean over a part of the clip; of four frames the first third is 0 and a third of 1."""
        count = len(self._frames)
        begin = np.arange(count)
        share = np.minimum(begin + 1, high * count) - np.maximum(begin, low * count)
        weight = np.clip(share, 0, None).astype(np.float32)
        return np.asarray(weight @ self._frames / weight.sum())


def read_clip(features: F32, motion: F32, *, feature_dim: int) -> F32:
    """Return the columns (C,) that are read of a clip: `features` (T, P * feature_dim), `motion` (T, F)."""
    fresh, *held = np.split(features, features.shape[1] // feature_dim, axis=1)
    return np.concatenate(
        [
            clip_statistics(fresh, *FRESH),
            *(clip_statistics(picture, *HELD) for picture in held),
            clip_statistics(motion, *FLOW),
        ]
    )


def column_weights(pictures: int, *, feature_dim: int, motion_dim: int) -> F32:
    """Return what each column (C,) weighs once it is in units of its spread."""
    held = feature_dim * len(HELD)
    parts = [(FRESH_SHARE, feature_dim * len(FRESH)), *[(HELD_SHARE, held)] * (pictures - 1)]
    parts.append((FLOW_SHARE, motion_dim * len(FLOW)))
    return np.concatenate([np.full(count, (share / count) ** 0.5, np.float32) for share, count in parts])


@dataclass(frozen=True, slots=True)
class ClipReader:
    """What makes a clip a direction of D numbers: columns less `centre` (C,), times `projection` (C, D).

    `model` names checkpoint and projection: vectors of two models have nothing to do with one another.
    """

    model: str
    feature_dim: int
    centre: F32
    projection: F32

    @classmethod
    def load(cls, checkpoint: Checkpoint) -> Self | None:
        """Read the checkpoint's projection; None where it has none.

        Raises:
            CheckpointError: The checkpoint is damaged.
        """
        if SEARCH_FILE not in checkpoint.files:
            return None
        with np.load(checkpoint.path(SEARCH_FILE)) as file:
            centre, projection = file["centre"], file["projection"]
        return cls(
            model=f"{root_of(checkpoint.title)} {checkpoint.files[SEARCH_FILE][:8]}",
            feature_dim=checkpoint.feature_dim,
            centre=centre.astype(np.float32),
            projection=projection.astype(np.float32),
        )

    def vector(self, features: F32, motion: F32, mask: NDArray[np.bool_]) -> F32:
        """Return the direction (D,), of length 1, of a clip as `pipeline.clip_buffer` has it."""
        columns = read_clip(features[mask], motion[mask], feature_dim=self.feature_dim)
        return unit(np.asarray((columns - self.centre) @ self.projection, np.float32))


def unit(vectors: F32) -> F32:
    """Return vectors (…, D) with the length 1; what has no length stays as it is."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(length > 0, length, 1), np.float32)


def pack(vector: F32) -> bytes:
    """Return a direction (D,) in D bytes: its largest number becomes 127."""
    largest = float(np.abs(vector).max(initial=0.0)) or 1.0
    return np.round(vector * (LARGEST / largest)).astype(np.int8).tobytes()


def unpack(packed: bytes) -> I8:
    """Return the direction (D,) that `pack` kept; its length says nothing."""
    return np.frombuffer(packed, np.int8)
