"""Small grey pictures in, still or moving out: whether the frame encoder may reuse its last features."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Luma = NDArray[np.uint8]  # (height, width)

# Half of the cells change by more than this only if the whole picture moves.
MAX_NOISE_LEVELS = 4.0
# The part of the old noise estimate that one frame leaves: 0.98 ** 35 = 0.5, so 7 s at 5 fps halve it.
NOISE_MEMORY = 0.98


@dataclass(frozen=True, slots=True)
class GateSettings:
    """What counts as still.

    A cell has changed by `threshold` grey levels and `noise_factor` times the change from frame to frame
    that half of all cells stay under, `max_threshold` at most: 3 levels where there is no noise, as a
    change that rounds to 0 counts as 0.25.
    `min_cells` cells must change by it, or one by twice as much. After the last change the gate stays
    open for `hold_s`, until the motion pictures have faded. It opens each `refresh_s` even if all is still.
    """

    threshold: float = 1.5
    noise_factor: float = 6.0
    max_threshold: float = 16.0
    min_cells: int = 2
    hold_s: float = 1.0
    refresh_s: float = 10.0


class Gate:
    """Compares each frame of one camera with the last one that the encoder saw.

    So a slow change adds up until it counts, and features are never reused for a picture that differs.
    """

    def __init__(self, settings: GateSettings) -> None:
        self._settings = settings
        self._noise = 0.25
        self._encoded: Luma | None = None
        self._previous: Luma | None = None
        self._moved_s = 0.0
        self._encoded_s = 0.0

    @property
    def threshold(self) -> float:
        """Return the change of a cell in grey levels that counts now."""
        settings = self._settings
        return min(settings.max_threshold, settings.threshold + settings.noise_factor * self._noise)

    def reset(self) -> None:
        """Forget the stream: the next frame is moving."""
        self._encoded = self._previous = None

    def is_still(self, luma: Luma, time_s: float) -> bool:
        """Say whether the picture (36, 64) shows what the last moving one did; call for each, in order."""
        previous, self._previous = self._previous, luma
        if previous is None or self._encoded is None:
            self._moved_s = time_s
            return self._open(luma, time_s)
        self._learn_noise(_difference(luma, previous))
        change = _difference(luma, self._encoded)
        if self._counts(change):
            self._moved_s = time_s
            return self._open(luma, time_s)
        settings = self._settings
        holds = time_s - self._moved_s < settings.hold_s
        if holds or time_s - self._encoded_s >= settings.refresh_s:
            return self._open(luma, time_s)
        return True

    def _open(self, luma: Luma, time_s: float) -> bool:
        self._encoded, self._encoded_s = luma, time_s
        return False

    def _counts(self, change: Luma) -> bool:
        threshold, min_cells = self.threshold, self._settings.min_cells
        if int(np.count_nonzero(change > threshold)) >= min_cells:
            return True
        return bool(change.max() > 2 * threshold)

    def _learn_noise(self, step: Luma) -> None:
        """Follow the change from frame to frame that half of the cells stay under: noise, not objects."""
        level = _median(step)
        if level <= MAX_NOISE_LEVELS:
            self._noise = NOISE_MEMORY * self._noise + (1 - NOISE_MEMORY) * level


def _median(step: Luma) -> float:
    """Return the median of rounded levels as if they were not: a level k stands for k − 0.5 … k + 0.5.

    All 0 → 0.25; half 0, half 1 → 0.5; all 1 → 1.0.
    """
    counts = np.bincount(step.ravel())
    up_to = np.cumsum(counts)
    half = step.size / 2
    level = int(np.searchsorted(up_to, half))
    low, width = (level - 0.5, 1.0) if level else (0.0, 0.5)
    return float(low + width * (half - (up_to[level] - counts[level])) / counts[level])


def _difference(one: Luma, other: Luma) -> Luma:
    return np.asarray(cv2.absdiff(one, other), np.uint8)
