"""Small grey pictures in, frozen or not out: a camera that delivers frames, but always the same ones."""

from collections import deque

import cv2

from pipeline.types import Luma

# Past one of these a picture has changed for real, and nothing that came before it matters.
LIVELY_LEVELS = 6
# An encoder's rounding moves few cells by one level; a sensor's noise moves more of them, or further.
ROUNDING_LEVELS = 1
ROUNDING_RATIO = 0.02
# At one look a second, the pictures of any usual keyframe cycle.
MAX_PICTURES = 24


class FreezeDetector:
    """Remembers what a camera has shown, and notices when it only ever repeats itself.

    A frozen picture that is encoded again and again is not constant: it changes at each keyframe and is
    refined until the next, always in the same way. A still scene repeats itself too, for as long as the
    encoder skips its noise, but each keyframe carries new noise.
    """

    def __init__(self, frozen_s: float) -> None:
        self._frozen_s = frozen_s
        self._shown: deque[Luma] = deque(maxlen=MAX_PICTURES)
        self._news_s = 0.0

    def reset(self) -> None:
        """Forget all pictures."""
        self._shown.clear()

    def is_frozen(self, luma: Luma, time_s: float) -> bool:
        """Say whether nothing new was shown for `frozen_s`, this picture (36, 64) included."""
        if self._is_news(luma):
            self._shown.appendleft(luma)
            self._news_s = time_s
        return time_s - self._news_s >= self._frozen_s

    def _is_news(self, luma: Luma) -> bool:
        if self._shown and cv2.norm(luma, self._shown[0], cv2.NORM_INF) > LIVELY_LEVELS:
            self._shown.clear()
        return not any(_is_same(luma, shown) for shown in self._shown)


def _is_same(one: Luma, other: Luma) -> bool:
    difference = cv2.absdiff(one, other)
    changed = cv2.countNonZero(difference)
    return changed <= ROUNDING_RATIO * one.size and (
        changed == 0 or cv2.norm(difference, cv2.NORM_INF) <= ROUNDING_LEVELS
    )
