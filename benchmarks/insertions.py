"""A looped video in, the same with something unusual in it now and then out."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

import av
import cv2
import numpy as np

HURRY_SPEED = 3
# The box: where it stands and how large it is, in shares of the picture, and how it appears.
BOX_LEFT, BOX_TOP, BOX_WIDTH, BOX_HEIGHT = 0.55, 0.62, 0.07, 0.16
BOX_LEVEL, FADE_S = 60, 0.5


class Kind(StrEnum):
    """What can be inserted: all goes three times as fast; or a dark box stands there."""

    HURRY = "hurry"
    BOX = "box"


@dataclass(frozen=True, slots=True)
class Insertion:
    """What happens from when to when, in seconds of the stream."""

    kind: Kind
    begin_s: int
    end_s: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What is inserted one after another and for how many seconds each, and how long is peace after each."""

    kinds: tuple[tuple[Kind, int], ...]
    pause_s: int

    @property
    def duration_s(self) -> int:
        """How long it takes, with the peace after the last."""
        return sum(duration_s + self.pause_s for _, duration_s in self.kinds)

    def schedule(self, calm_s: int) -> tuple[Insertion, ...]:
        """Return when each happens, the first after `calm_s`."""
        insertions, begin_s = [], calm_s
        for kind, duration_s in self.kinds:
            insertions.append(Insertion(kind, begin_s, begin_s + duration_s))
            begin_s += duration_s + self.pause_s
        return tuple(insertions)


def insert(
    pictures: Iterator[av.VideoFrame], plan: Plan, *, calm_s: int, fps: int
) -> Iterator[av.VideoFrame]:
    """Yield `calm_s` seconds of the pictures, and then, until the plan is over, them with what it inserts."""
    yield from islice(pictures, calm_s * fps)
    for kind, duration_s in plan.kinds:
        frames = duration_s * fps
        match kind:
            case Kind.HURRY:
                yield from islice(pictures, 0, frames * HURRY_SPEED, HURRY_SPEED)
            case Kind.BOX:
                for number, picture in enumerate(islice(pictures, frames)):
                    yield with_box(picture, strength=min(1.0, (number + 1) / (FADE_S * fps)))
        yield from islice(pictures, plan.pause_s * fps)


def with_box(picture: av.VideoFrame, *, strength: float) -> av.VideoFrame:
    """Return the picture with a dark box in it; who passes there passes behind it."""
    image = np.asarray(picture.to_ndarray(format="rgb24"), np.uint8)
    height_px, width_px = image.shape[:2]
    left, top = int(BOX_LEFT * width_px), int(BOX_TOP * height_px)
    right, bottom = left + int(BOX_WIDTH * width_px), top + int(BOX_HEIGHT * height_px)
    boxed = image.copy()
    cv2.rectangle(boxed, (left, top), (right, bottom), (BOX_LEVEL,) * 3, thickness=-1)
    cv2.rectangle(boxed, (left, top), (right, bottom), (BOX_LEVEL // 3,) * 3, thickness=2)
    shown = cv2.addWeighted(boxed, strength, image, 1 - strength, 0)
    return av.VideoFrame.from_ndarray(np.asarray(shown, np.uint8), format="rgb24")
