"""Frames of a fixed camera in, the things that move in them out, each cut out of every frame it is in."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

# What differs from the empty scene by this many grey levels belongs to a thing.
LEVELS = 18
MIN_AREA_PX, MIN_HEIGHT_PX = 80, 14
# From one frame to the next a thing moves by at most this share of its height, and its area stays alike.
STEP_RATIO, AREA_RATIO = 0.25, 1.5
# A thing that was followed for less time, or went less far than its height, is not worth pasting.
MIN_FRAMES = 24
FEATHER_PX = 3
EVERY = 5  # frames that the empty scene is the median of
PATH_FRAMES = 7  # a path is smoothed over so many frames: outlines breathe with every step


@dataclass(frozen=True, slots=True)
class Sight:
    """A thing in one frame: cut-out `picture` (H, W, 3), `alpha` (H, W) in 0…1, its corner in pixels."""

    picture: U8
    alpha: F32
    x_px: float
    y_px: float

    @property
    def area_px(self) -> float:
        """Return how many pixels it covers."""
        return float(self.alpha.sum())


@dataclass(frozen=True, slots=True)
class Thing:
    """One moving thing over time, and the clip it was cut out of."""

    clip: str
    sights: tuple[Sight, ...]

    def path(self) -> F32:
        """Return (N, 2): the middle of the outline in each frame, smoothed."""
        middles = np.array([_middle(sight) for sight in self.sights], np.float32)
        reaches = [min(PATH_FRAMES // 2, i, len(middles) - 1 - i) for i in range(len(middles))]
        return np.stack([middles[i - r : i + r + 1].mean(axis=0) for i, r in enumerate(reaches)])


def find_things(clip: str, frames: Sequence[U8]) -> list[Thing]:
    """Follow what moves in (H, W, 3) frames; what touches the border or another thing is lost there."""
    empty = np.median(np.stack(frames[::EVERY]), axis=0).astype(np.uint8)
    open_tracks: list[list[Sight]] = []
    done: list[list[Sight]] = []
    for frame in frames:
        sights = _sights(frame, empty)
        followed = []
        for track in open_tracks:
            nearest = min(sights, key=lambda sight, last=track[-1]: _apart(last, sight), default=None)
            if nearest is not None and _is_same(track[-1], nearest):
                sights = [sight for sight in sights if sight is not nearest]
                followed.append([*track, nearest])
            else:
                done.append(track)
        open_tracks = [*followed, *([sight] for sight in sights)]
    return [Thing(clip, tuple(track)) for track in (*done, *open_tracks) if _is_worth(track)]


def _sights(frame: U8, empty: U8) -> list[Sight]:
    change = cv2.absdiff(frame, empty).max(axis=2)
    moving = (cv2.GaussianBlur(change, (3, 3), 0) > LEVELS).astype(np.uint8)
    moving = cv2.morphologyEx(moving, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    moving = cv2.morphologyEx(moving, cv2.MORPH_CLOSE, np.ones((7, 5), np.uint8))
    _, groups, boxes, _ = cv2.connectedComponentsWithStats(moving, connectivity=8)
    height_px, width_px = moving.shape
    sights = []
    for group, (x, y, width, height, area) in enumerate(boxes.tolist()):
        edge = x < FEATHER_PX or y < FEATHER_PX
        edge = edge or x + width > width_px - FEATHER_PX or y + height > height_px - FEATHER_PX
        if group == 0 or edge or area < MIN_AREA_PX or not MIN_HEIGHT_PX <= height < height_px / 2:
            continue
        top, left = y - FEATHER_PX, x - FEATHER_PX
        rows, columns = slice(top, y + height + FEATHER_PX), slice(left, x + width + FEATHER_PX)
        outline = cv2.dilate((groups[rows, columns] == group).astype(np.float32), np.ones((3, 3)))
        alpha = np.asarray(cv2.GaussianBlur(outline, (0, 0), 1.0), np.float32)
        sights.append(Sight(frame[rows, columns].copy(), alpha, left, top))
    return sights


def _middle(sight: Sight) -> tuple[float, float]:
    height, width = sight.alpha.shape
    return sight.x_px + width / 2, sight.y_px + height / 2


def _apart(one: Sight, other: Sight) -> float:
    (x, y), (other_x, other_y) = _middle(one), _middle(other)
    return float(np.hypot(x - other_x, y - other_y))


def _is_same(one: Sight, other: Sight) -> bool:
    ratio = other.area_px / one.area_px
    return _apart(one, other) <= STEP_RATIO * one.alpha.shape[0] and 1 / AREA_RATIO <= ratio <= AREA_RATIO


def _is_worth(track: Sequence[Sight]) -> bool:
    return len(track) >= MIN_FRAMES and _apart(track[0], track[-1]) >= track[0].alpha.shape[0]
