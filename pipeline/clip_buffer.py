"""One camera's features in, the clip that ends now out: each frame is encoded once and kept here."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Clip:
    """T frames, newest last: `features` (T, P * 1280), `motion` (T, F), `mask` (T,) True where a frame is."""

    features: F32
    motion: F32
    mask: NDArray[np.bool_]


class ClipBuffer:
    """A ring of the last T frames' features and flow descriptors; 247 KB at T = 24 and two pictures a frame.

    Worked example with T = 4, in which frames 1 to 5 were appended. Frame 5 took the place of frame 1, so
    the ring holds 5 2 3 4 and the next frame would go to index 1. `clip` reads from there once around:

        ring    5 2 3 4          after frames 1 and 2 only:   ring    1 2 - -
        clip    2 3 4 5                                       clip    - - 1 2
        mask    1 1 1 1                                       mask    0 0 1 1
    """

    def __init__(self, num_frames: int, feature_dim: int, motion_dim: int) -> None:
        self._features = np.zeros((num_frames, feature_dim), np.float32)
        self._motion = np.zeros((num_frames, motion_dim), np.float32)
        self._mask = np.zeros(num_frames, np.bool_)
        self._next = 0

    @property
    def filled_ratio(self) -> float:
        """How much of the clip holds frames, 0 to 1."""
        return float(self._mask.mean())

    @property
    def num_frames(self) -> int:
        """Return T."""
        return len(self._mask)

    def append(self, features: F32, motion: F32) -> None:
        """Add the newest frame: `features` (P * 1280,) and flow descriptor `motion` (F,).

        Where there are fewer features, the last pictures are held: theirs are those of the frame before.
        """
        newest, before = self._features[self._next], self._features[self._next - 1]
        newest[: len(features)] = features
        newest[len(features) :] = before[len(features) :]
        self._motion[self._next] = motion
        self._mask[self._next] = True
        self._next = (self._next + 1) % len(self._mask)

    def repeat(self, motion: F32) -> None:
        """Add a still frame, which looks like the newest one but moves as its own `motion` (F,) says.

        Raises:
            ValueError: The buffer is empty.
        """
        if not self._mask.any():
            raise ValueError("there is no frame to repeat")
        self.append(self._features[self._next - 1], motion)

    def clear(self) -> None:
        """Forget all frames: what comes next does not follow from them."""
        self._features.fill(0.0)
        self._motion.fill(0.0)
        self._mask.fill(False)
        self._next = 0

    def clip(self) -> Clip:
        """Return a copy of the clip that ends with the newest frame, zeros in front while it fills."""
        return Clip(
            features=np.roll(self._features, -self._next, axis=0),
            motion=np.roll(self._motion, -self._next, axis=0),
            mask=np.roll(self._mask, -self._next),
        )
