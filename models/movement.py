"""Grey pictures of one camera in, what moved in them and how out, fine enough to tell a walker's speed.

The flow of `models.flow` sums up the whole picture for behaviours, and a person far away is lost in it.
Here it is measured on a larger picture, and kept only of what moves, so that it can be asked how fast a
thing goes.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.cell_box import CellBox, box_around
from models.search_pool import SearchPool

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]

# Whatever shape the camera's picture has, it is stretched to this one: 60 x 40 cells of 6 pixels.
WIDTH_PX, HEIGHT_PX, CELL_PX = 360, 240, 6
COLUMNS, ROWS = WIDTH_PX // CELL_PX, HEIGHT_PX // CELL_PX
# What stands there is looked at in pictures of 120 x 80 pixels.
VIEW_PX = 3
# Flow is measured at half the resolution, by search patches of 8 pixels, 6 apart: a walker who is 25 pixels
# high is still resolved. At a quarter, the presets' finest, a walker is one patch and has no speed of their
# own. Smoothing doubles its cost, and with less of it less is found (docs/decisions/0008).
FLOW_WIDTH_PX, FLOW_HEIGHT_PX, FLOW_CELL_PX = WIDTH_PX // 2, HEIGHT_PX // 2, CELL_PX // 2
PATCH_PX, PATCH_STRIDE_PX, SMOOTHING_STEPS = 8, 6, 2
# What goes farther than the search can follow is found again only in a picture that is nearer in time. That
# one is searched in a box of up to such a share of the picture, where it costs little, and where something
# seems to go so far (in the flow's pixels). It is believed from so far on: a short way is measured better
# between the pictures that are farther apart.
LITTLE_RATIO, DOUBTFUL_PX, FAST_PX = 0.25, 4.0, 3.0
CHANGED = 5  # grey levels: a pixel that differs by more from the frame before moves
FOREGROUND = 15  # grey levels: a pixel that differs by more from the empty scene belongs to a thing
MARGIN = 4  # cells around what changed: flow needs something around what moves
# The search begins at a quarter of the flow's resolution where the longer side has 91 pixels or more and the
# other 32. In a smaller box it would begin finer, and lose what goes half as far: a lone runner's is small.
LEAST_ROWS, LEAST_COLUMNS = 11, 31
EVERYTHING = CellBox(0, ROWS, 0, COLUMNS)
LONGEST_LAG_S = 0.6  # frames further apart have too little in common to measure speeds
# The empty scene follows what is seen by one grey level, so often: people pass, light stays. At first by 32,
# 16, 10 …, as it may begin with somebody in it.
FOLLOW_EVERY_S, FIRST_STEP = 0.5, 32


@dataclass(frozen=True, slots=True)
class Movement:
    """What moved between two frames, and what the later one shows.

    `cells` is (40, 60, 3) float32: the share of each cell that belongs to a moving thing, and that share
    times its mean velocity rightwards and downwards, in picture widths per second of a picture that is 3
    wide and 2 high; so sums over windows divide into the velocity of what moves in them, whatever stands
    beside it. `view` is (80, 120) uint8, the whole picture in grey.
    """

    cells: F32
    view: U8


NO_MOVEMENT = Movement(np.zeros((ROWS, COLUMNS, 3), np.float32), np.zeros((80, 120), np.uint8))
for _array in (NO_MOVEMENT.cells, NO_MOVEMENT.view):
    _array.setflags(write=False)


def _search() -> cv2.DISOpticalFlow:
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    search.setFinestScale(0)
    search.setPatchSize(PATCH_PX)
    search.setPatchStride(PATCH_STRIDE_PX)
    search.setVariationalRefinementIterations(SMOOTHING_STEPS)
    return search


_SEARCHES = SearchPool(_search)


@dataclass(frozen=True, slots=True)
class _Grey:
    """One frame: `whole` (240, 360), and the `half` of it (120, 180) that flow is measured on."""

    whole: U8
    half: U8
    time_s: float

    @classmethod
    def of(cls, whole: U8, time_s: float) -> "_Grey":
        return cls(whole, _area(whole, FLOW_WIDTH_PX, FLOW_HEIGHT_PX), time_s)


class MovementMeter:
    """Dense inverse search flow over what differs from the frame before or from the empty scene."""

    def __init__(self) -> None:
        self._scene = EmptyScene()
        self._earlier: _Grey | None = None
        self._glanced: tuple[U8, float] | None = None

    def reset(self) -> None:
        """Forget the last frame; the empty scene is kept, as the camera will look at it again."""
        self._earlier = self._glanced = None

    def glance(self, grey: U8, time_s: float) -> None:
        """Take note of a frame (240, 360), kept and not copied, between two that are measured."""
        self._glanced = grey, time_s

    def measure(self, grey: U8, time_s: float) -> Movement:
        """Compare a frame (240, 360), kept and not copied, with the one before it.

        What is too fast for that is compared with the one glanced at between them, if there is any.
        """
        self._scene.follow(grey, time_s)
        earlier, now, glanced = self._earlier, _Grey.of(grey, time_s), self._glanced
        self._earlier, self._glanced = now, None
        view = _area(grey, WIDTH_PX // VIEW_PX, HEIGHT_PX // VIEW_PX)
        if earlier is None or not 0 < time_s - earlier.time_s <= LONGEST_LAG_S:
            return Movement(NO_MOVEMENT.cells, view)
        if glanced is not None and not earlier.time_s < glanced[1] < time_s:
            glanced = None
        return Movement(self._cells(earlier, glanced, now), view)

    def _cells(self, earlier: _Grey, glanced: tuple[U8, float] | None, now: _Grey) -> F32:
        apart = cv2.absdiff(now.whole, earlier.whole)
        changed = np.asarray(cv2.threshold(apart, CHANGED, 255, cv2.THRESH_BINARY)[1], np.uint8)
        box = _around(changed)
        if box is None:
            return NO_MOVEMENT.cells
        moving = cv2.bitwise_or(changed, self._scene.foreground(now.whole))[box.slices(CELL_PX)]
        half_px = moving.shape[1] // 2, moving.shape[0] // 2
        weight = np.asarray(cv2.resize(moving, half_px, interpolation=cv2.INTER_AREA), np.float32)
        weight /= np.float32(255)
        velocity = _velocity(earlier, glanced, now, box=box, weight=weight)
        across, down = (velocity - _shake(velocity, box)).transpose(2, 0, 1) / np.float32(FLOW_WIDTH_PX)
        planes = cv2.merge([weight, weight * across, weight * down])
        cells = np.zeros((ROWS, COLUMNS, 3), np.float32)
        size = box.right - box.left, box.bottom - box.top
        cells[box.slices(1)] = cv2.resize(planes, size, interpolation=cv2.INTER_AREA)
        return cells


def _velocity(
    earlier: _Grey, glanced: tuple[U8, float] | None, now: _Grey, *, box: CellBox, weight: F32
) -> F32:
    """Return (h, w, 2), pixels of the flow's pictures per second within the box; `weight` is what moves."""
    way = _flow(earlier, now, box)
    velocity = way / np.float32(now.time_s - earlier.time_s)
    if glanced is None or (_share(box) > LITTLE_RATIO and _farthest_px(way, weight) < DOUBTFUL_PX):
        return velocity
    nearer = _Grey.of(*glanced)
    way = _flow(nearer, now, box)
    fast = cv2.magnitude(way[..., 0], way[..., 1]) >= FAST_PX
    return np.where(fast[..., None], way / np.float32(now.time_s - nearer.time_s), velocity)


def _farthest_px(way: F32, weight: F32) -> float:
    """Return how far what moves seems to go, rightwards or downwards."""
    return cv2.norm(way * (weight > 0)[..., None], cv2.NORM_INF)


def _flow(earlier: _Grey, now: _Grey, box: CellBox) -> F32:
    """Return (h, w, 2): how far each pixel of the box has come between two frames, in the flow's pixels."""
    part = box.slices(FLOW_CELL_PX)
    pair = np.ascontiguousarray(earlier.half[part]), np.ascontiguousarray(now.half[part])
    with _SEARCHES.borrowed() as search:
        return np.asarray(search.calc(*pair, None), np.float32)  # type: ignore[call-overload] # stub


class EmptyScene:
    """What a camera shows where nothing passes: each pixel's median over minutes, followed step by step.

    Source: Manzanera and Richefeu, A new motion detection algorithm based on sigma-delta background
    estimation, Pattern Recognition Letters 28 (2007), section 2.1.
    """

    def __init__(self) -> None:
        self._scene: U8 | None = None
        self._steps = 0
        self._followed_s = 0.0

    def follow(self, grey: U8, time_s: float) -> None:
        """Take a step towards the frame (240, 360), if one is due."""
        if self._scene is None:
            self._scene, self._followed_s = grey.copy(), time_s
        if 0 <= time_s - self._followed_s < FOLLOW_EVERY_S:
            return
        self._steps, self._followed_s = self._steps + 1, time_s
        step = max(1, FIRST_STEP // self._steps)
        up, down = cv2.subtract(grey, self._scene), cv2.subtract(self._scene, grey)
        raised = cv2.add(self._scene, cv2.min(up, step))  # type: ignore[call-overload] # stub
        self._scene = np.asarray(cv2.subtract(raised, cv2.min(down, step)), np.uint8)  # type: ignore[call-overload] # stub

    def foreground(self, grey: U8) -> U8:
        """Mark the pixels of the frame (240, 360) that differ from the empty scene with 255."""
        if self._scene is None:
            return np.zeros_like(grey)
        apart = cv2.blur(cv2.absdiff(grey, self._scene), (3, 3))
        return np.asarray(cv2.threshold(apart, FOREGROUND, 255, cv2.THRESH_BINARY)[1], np.uint8)


def _area(grey: U8, width_px: int, height_px: int) -> U8:
    return np.asarray(cv2.resize(grey, (width_px, height_px), interpolation=cv2.INTER_AREA), np.uint8)


def _around(changed: U8) -> CellBox | None:
    """Return the cells that hold changed pixels, and MARGIN or more around; None where hardly any changed.

    Pixel rows 60…119 are those of cells 10…19; with four cells on each side the box has rows 6…23.
    """
    levels = np.asarray(cv2.resize(changed, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA)) > 255 // CELL_PX
    box = box_around(np.asarray(levels), margin=MARGIN)
    return box and box.widened(rows=LEAST_ROWS, columns=LEAST_COLUMNS, inside=EVERYTHING)


def _shake(flow: F32, box: CellBox) -> F32:
    """Return the median movement of the whole picture, the camera's own; around the box nothing moves."""
    if _share(box) < 0.5:
        return np.zeros(2, np.float32)
    return np.asarray(np.median(flow[1::3, 1::3].reshape(-1, 2), axis=0), np.float32)


def _share(box: CellBox) -> float:
    """Return how much of the picture a box covers."""
    return (box.bottom - box.top) * (box.right - box.left) / (ROWS * COLUMNS)
