"""A camera's sampled frames in, what explains the last clip out: when they were, where it moved, pictures."""

from collections import deque
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.movement import Movement
from pipeline.cells import SIDE
from pipeline.types import ObservedFrame

F32 = NDArray[np.float32]

# A decoded 1080p frame is 3 MB: a clip's worth of 16 would be 50 MB a camera.
KEPT_ORIGINALS = 4


@dataclass(frozen=True, slots=True)
class Noted:
    """One frame's wall clock, and the mean speed in each of its cells (14, 14)."""

    utc_s: float
    speeds: F32


@dataclass(frozen=True, slots=True)
class KeptOriginal:
    """A decoder's frame and its wall clock."""

    utc_s: float
    original: Any


class RecentFrames:
    """The frames of the clip that ends now; of every fourth part of it one original is kept."""

    def __init__(self, num_frames: int) -> None:
        self._noted: deque[Noted] = deque(maxlen=num_frames)
        self._originals: deque[KeptOriginal] = deque(maxlen=KEPT_ORIGINALS)
        self._spacing = max(1, num_frames // KEPT_ORIGINALS)
        self._count = 0

    def __len__(self) -> int:
        return len(self._noted)

    def add(self, frame: ObservedFrame) -> None:
        """Take note of the newest frame; with 16 frames a clip the original of each fourth one is kept."""
        sampled = frame.frame
        self._noted.append(Noted(sampled.utc_s, speeds_of(frame.movement)))
        if sampled.original is not None and self._count % self._spacing == 0:
            self._originals.append(KeptOriginal(sampled.utc_s, sampled.original))
        self._count += 1

    def clear(self) -> None:
        """Forget all frames."""
        self._noted.clear()
        self._originals.clear()
        self._count = 0

    @property
    def times_utc_s(self) -> NDArray[np.float64]:
        """Return when the frames were (N,), oldest first."""
        return np.array([noted.utc_s for noted in self._noted])

    @property
    def speeds(self) -> F32:
        """Return the mean speed in each cell, (N, 14, 14)."""
        return np.stack([noted.speeds for noted in self._noted])

    def original_near(self, utc_s: float) -> KeptOriginal | None:
        """Return the kept original that was nearest to a time, None where none is kept."""
        return min(self._originals, key=lambda kept: abs(kept.utc_s - utc_s), default=None)


def speeds_of(movement: Movement) -> F32:
    """Return the mean speed in each of (14, 14) cells."""
    speed = np.hypot(movement.cells[..., 1], movement.cells[..., 2])  # (40, 60)
    return np.asarray(cv2.resize(speed, (SIDE, SIDE), interpolation=cv2.INTER_AREA))
