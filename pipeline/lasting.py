"""What came to stand somewhere, or is gone: small grey pictures in, for how long it has lasted out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.movement import HEIGHT_PX, VIEW_PX, WIDTH_PX

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]
Mask = NDArray[np.bool_]

WIDTH, HEIGHT = WIDTH_PX // VIEW_PX, HEIGHT_PX // VIEW_PX  # 120 x 80
# Light multiplies what it falls on, so pictures are compared in logarithms: LOG_UNIT * ln(level +
# LOG_OFFSET), in which a medium grey differs by one from the next. The light of each place is the mean over
# so many pixels.
LOG_OFFSET, LOG_UNIT = 16.0, 128.0
LIGHT_PX = 41
# Differing by so much from the usual view is a change; from the last frame, a movement.
CHANGED, MOVING = 14.0, 6.0
# A thing has a body of so many pixels each way: what is thinner is noise, or the rim of what has moved a
# little, as a sheet that was pulled. A younger change may be somebody who stops on their way.
BODY_PX, MIN_AGE_S = 3, 10.0
# Where this much of the picture has changed, it is the light or the camera: the view is learned anew once
# that has lasted for MIN_AGE_S.
WHOLE_RATIO = 0.4
# The usual view follows the picture by so much a second; at the age of t seconds by FIRST_STEP / t, as its
# first frame may show anybody. In MIN_AGE_S it must not reach what is new: what came would be gone when it
# goes.
FOLLOW_PER_S, FIRST_STEP = 0.2, 64.0
# Another look than the one whose time is counted is another thing once it has stood so long: until then
# somebody stands in front.
PATIENCE_S = 3.0
# A thing has more edges than the place where it stands had; what is gone leaves fewer.
EDGE_RATIO = 1.0

_LOGARITHMS = (LOG_UNIT * np.log(np.arange(256) + LOG_OFFSET)).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Lasting:
    """The longest change: for how long, on which pixels of (80, 120), and whether it is a thing.

    `is_new` says that something came; else something that always stood there is gone.
    """

    age_s: float
    where: Mask
    is_new: bool


NOTHING = Lasting(0.0, np.zeros((HEIGHT, WIDTH), np.bool_), is_new=True)


class LastingChanges:
    """A slow picture of what is usual, and for each pixel how long the camera has shown the same other thing.

    Where people come and go all day the usual view is neither them nor the wall: both differ from it, and
    only by their own looks are they told apart.

    Source: Porikli, Detection of temporarily static regions by processing video at different frame rates,
    AVSS 2007: what differs from the slow background and not from the fast one was left behind. The fast one
    here is the frame before.
    """

    def __init__(self) -> None:
        self._usual: F32 = np.zeros((HEIGHT, WIDTH), np.float32)
        self._observed_s = 0.0
        self._age_s: F32 = np.zeros((HEIGHT, WIDTH), np.float32)
        self._differs: Mask = np.zeros((HEIGHT, WIDTH), np.bool_)
        self._look: F32 = np.zeros((HEIGHT, WIDTH), np.float32)  # whose age it is, less the usual
        self._other_s: F32 = np.zeros((HEIGHT, WIDTH), np.float32)  # for how long another one has stood there
        self._last: F32 | None = None
        self._whole_s = 0.0  # for how long the picture as a whole has been another one

    def interrupt(self) -> None:
        """Forget how long anything has lasted: nobody saw what happened meanwhile."""
        self._age_s = np.zeros((HEIGHT, WIDTH), np.float32)
        self._last, self._whole_s = None, 0.0

    def observe(self, view: U8, step_s: float, *, learn: bool) -> Lasting:
        """Compare the (80, 120) view, `step_s` after the last, with the usual; say what lasted longest."""
        now = np.asarray(cv2.blur(cv2.LUT(view, _LOGARITHMS), (3, 3)), np.float32)
        last, self._last = self._last, now
        if self._observed_s == 0:
            self._usual, self._observed_s = now.copy(), max(step_s, 1e-3)
            return NOTHING
        if last is None:
            return NOTHING
        change = self._change(now)
        self._differs = np.abs(change) > CHANGED
        if self._differs.mean() > WHOLE_RATIO:
            return self._await(now, step_s)
        self._whole_s = 0.0
        self._count(change, np.abs(now - last) > MOVING, step_s=np.float32(step_s))
        if learn:
            self._follow(now, step_s)
        return self._longest(now)

    def rest(self, step_s: float, *, learn: bool) -> Lasting:
        """Take note that nothing has changed for `step_s`."""
        if self._last is None:
            return NOTHING
        if self._whole_s > 0:
            return self._await(self._last, step_s)
        if learn:
            self._follow(self._last, step_s)
            change = self._change(self._last)
            self._differs = np.abs(change) > CHANGED
            self._look = np.where(self._other_s == 0, change, self._look)
        self._age_s = (self._age_s + np.float32(step_s)) * self._differs
        return self._longest(self._last)

    def accept(self) -> None:
        """Take what has lasted for usual at once, though not the light in which it is seen."""
        if self._last is None:
            return
        old, place = self._age_s >= MIN_AGE_S, (LIGHT_PX, LIGHT_PX)
        same = (~self._differs).astype(np.float32)
        light = cv2.blur((self._last - self._usual) * same, place) / np.maximum(cv2.blur(same, place), 1e-3)
        self._usual = np.where(old, self._last - light, self._usual).astype(np.float32)
        self._differs &= ~old
        self._age_s[old] = 0.0

    def _change(self, now: F32) -> F32:
        """Return by how much each pixel is not as usual, the light of its surroundings apart."""
        change = now - self._usual
        change -= cv2.blur(np.clip(change, -3 * CHANGED, 3 * CHANGED), (LIGHT_PX, LIGHT_PX))
        return change

    def _count(self, change: F32, moves: Mask, *, step_s: np.float32) -> None:
        """Let what stands grow older; who passes in front, or stops there, does not take it away.

        Someone has stood for 60 s. A second one who takes the place is 3 s old after 3 s, not 63.
        """
        other = np.abs(change - self._look) > CHANGED
        self._other_s = (self._other_s + step_s * ~moves) * other
        replaced = self._other_s >= PATIENCE_S
        older = np.where(other, self._age_s, self._age_s + step_s)
        older = np.where(replaced, self._other_s, older)
        begins = (self._age_s == 0) & self._differs
        older[begins] = step_s
        self._age_s = np.where(moves, self._age_s, older * self._differs)
        # The usual view moves, and with it what a look differs by.
        seen = begins | replaced | ~(other | moves)
        self._look = np.where(seen, change, self._look)
        self._other_s[seen] = 0.0

    def _await(self, now: F32, step_s: float) -> Lasting:
        """Take another picture as a whole for the usual one once it has lasted; a flash passes."""
        self._whole_s += step_s
        self._differs = np.zeros_like(self._differs)
        if self._whole_s >= MIN_AGE_S:
            self._usual, self._age_s, self._whole_s = now.copy(), np.zeros_like(self._age_s), 0.0
        return NOTHING

    def _follow(self, now: F32, step_s: float) -> None:
        """Move the usual view by a bounded step: what passes does not count, as in a median."""
        self._observed_s += step_s
        pace = max(FOLLOW_PER_S, FIRST_STEP / self._observed_s)
        limit = pace * step_s
        self._usual += np.clip(now - self._usual, -limit, limit)

    def _longest(self, now: F32) -> Lasting:
        old = (self._age_s >= MIN_AGE_S).astype(np.uint8)
        count, labels = cv2.connectedComponents(_bodies(old), connectivity=8)
        best = NOTHING
        for number in range(1, count):
            where = np.asarray(labels == number)
            age_s = float(np.median(self._age_s[where]))
            if age_s > best.age_s:
                best = Lasting(age_s, where, is_new=True)
        return (
            best if best is NOTHING else Lasting(best.age_s, best.where, is_new=self._is_new(now, best.where))
        )

    def _is_new(self, now: F32, where: Mask) -> bool:
        around = cv2.dilate(where.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        return bool(_edges(now)[around].sum() >= EDGE_RATIO * _edges(self._usual)[around].sum())

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that was learned, by name."""
        return {"usual": self._usual.astype(np.float16), "observed_s": np.array(self._observed_s)}

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `to_arrays` returned."""
        self._usual = arrays["usual"].astype(np.float32)
        self._observed_s = float(arrays["observed_s"])


def _bodies(mask: U8) -> U8:
    """Keep of a 0/1 mask what squares of BODY_PX within it cover; beyond the border nothing stands."""
    square = np.ones((BODY_PX, BODY_PX), np.uint8)
    opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, square, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(opened, np.uint8)


def _edges(picture: F32) -> F32:
    right, down = cv2.Sobel(picture, cv2.CV_32F, 1, 0), cv2.Sobel(picture, cv2.CV_32F, 0, 1)
    return np.asarray(cv2.magnitude(right, down), np.float32)
