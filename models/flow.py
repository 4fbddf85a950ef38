"""Two grey frames in, how things moved between them out: per grid cell, summed up, as a crop to follow."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from models.cell_box import CellBox, box_around
from models.geometry import Region
from models.search_pool import SearchPool

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

GRID = 14  # the cells of the frame encoder's grid, per side
FLOW_PX = 168  # the side at which flow is measured: 12 pixels per cell
CELL_PX = FLOW_PX // GRID
PATCH_STRIDE = 6  # of 8 pixels: half the work of the preset's 4

DIRECTIONS = 8
# mean, largest and deviation of speed; mean movement; directions; moving share; the crop's four numbers
MOTION_DIM = 3 + 2 + DIRECTIONS + 1 + 4

WHOLE = Region(0.0, 0.0, 1.0, 1.0)
STILL = 0.01  # picture widths per second: below this it is the estimator's noise
CHANGED = 5  # grey levels: a pixel that differs by more moves
MOVING_LEVEL = 5.0  # of 255, the mean of a cell's changed pixels: 2 % of a cell are more than noise
FOLLOW_S = 1.0  # how long a movement holds the crop
CROP_BLUR_CELLS = 5 / 8  # of the grid; 5 pixels of a flow field of 112
CROP_LEVEL = 0.35  # the crop holds the cells whose speed is over this share of the fastest
SMALLEST_CROP = 0.35  # of the picture's side


def _search() -> cv2.DISOpticalFlow:
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    # The preset stops at a quarter of the resolution: a walker far away would be lost in one patch.
    search.setFinestScale(1)
    search.setPatchStride(PATCH_STRIDE)
    return search


_SEARCHES = SearchPool(_search)


class FlowMeter:
    """Dense inverse search flow where the picture changed, with the movement of the camera taken out."""

    def measure(self, earlier: U8, now: U8, *, lag_s: float) -> F32:
        """Return how things moved from the grey frame `earlier` to `now`, `lag_s` seconds later.

        (14, 14, 2), the mean over all pixels of a cell, rightward and downward in picture widths and
        heights per second. The median over all cells is subtracted: what everything does is the camera's
        movement.
        """
        before, after = _shrink(earlier), _shrink(now)
        cells = np.zeros((GRID, GRID, 2), np.float32)
        box = _around_change(_changed(before, after))
        if box is None:
            return cells
        pixels = box.slices(CELL_PX)
        pair = np.ascontiguousarray(before[pixels]), np.ascontiguousarray(after[pixels])
        with _SEARCHES.borrowed() as search:
            dense = search.calc(*pair, None)  # type: ignore[call-overload] # stub
        cells[box.slices(1)] = _reduced(dense, CELL_PX) / np.float32(FLOW_PX * lag_s)
        return np.asarray(cells - _median(cells))


class CropFollower:
    """A square that follows the motion of the last FOLLOW_S seconds."""

    def __init__(self) -> None:
        self._speed: F32 = np.zeros((GRID, GRID), np.float32)
        self._time_s = 0.0

    def reset(self) -> None:
        """Forget all motion."""
        self._speed = np.zeros_like(self._speed)

    def follow(self, flow: F32, time_s: float) -> Region:
        """Add the flow (14, 14, 2) of the frame at `time_s`; return the square around the recent motion."""
        kept = math.exp(-max(0.0, time_s - self._time_s) / FOLLOW_S)
        self._time_s = time_s
        self._speed = kept * self._speed + (1 - kept) * _speed(flow)
        smooth = cv2.GaussianBlur(self._speed, (0, 0), CROP_BLUR_CELLS)
        fastest = float(smooth.max())
        return WHOLE if fastest < STILL else _square_around(smooth > CROP_LEVEL * fastest)


def describe(flow: F32, crop: Region, *, moving_share: float) -> F32:
    """Sum up a flow field (14, 14, 2), its crop and the share of moving pixels as (MOTION_DIM,) numbers."""
    speed = _speed(flow)
    mean_x, mean_y = flow.reshape(-1, 2).mean(axis=0)
    summary = (speed.mean(), speed.max(), speed.std(), mean_x, mean_y)
    directions = direction_histogram(flow, speed)
    return np.array(
        [*summary, *directions, moving_share, crop.x, crop.y, crop.width, crop.height], dtype=np.float32
    )


def direction_histogram(flow: F32, speed: F32) -> F32:
    """Return how the movement is shared out over 8 directions; sums to 1, or to 0 where nothing moves.

    Bin 0 is rightward, bin 2 downward (the picture's y axis points down), bin 4 leftward, bin 6 upward:
    flow (0, 0.3) has the angle π/2, and round(π/2 · 8 / 2π) = 2.
    """
    moving = speed > STILL
    angle = np.arctan2(flow[..., 1], flow[..., 0])[moving]
    bins = np.rint(angle * (DIRECTIONS / (2 * np.pi))).astype(np.intp) % DIRECTIONS
    weights = np.bincount(bins, weights=speed[moving], minlength=DIRECTIONS)
    return np.asarray(weights / max(float(weights.sum()), 1e-6), dtype=np.float32)


def _changed(before: U8, after: U8) -> U8:
    """Mark the pixels that differ by more than CHANGED with 255."""
    change = cv2.threshold(cv2.absdiff(before, after), CHANGED, 255, cv2.THRESH_BINARY)[1]
    return np.asarray(change, np.uint8)


def _around_change(change: U8) -> CellBox | None:
    """Return the cells that hold the changed pixels (255 in (168, 168)) and two beside them; None if none.

    At least five cells wide and high: flow needs something around what moves.
    """
    moving = cv2.resize(change, (GRID, GRID), interpolation=cv2.INTER_AREA) > MOVING_LEVEL
    return box_around(np.asarray(moving), margin=2)


def _reduced(values: F32 | U8, px: int) -> F32:
    """Return the means over squares of `px` pixels."""
    size = values.shape[1] // px, values.shape[0] // px
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA), np.float32)


def _median(cells: F32) -> F32:
    """Return the median movement of the (14, 14, 2) cells: of 196, the mean of the two in the middle."""
    ranked = np.sort(cells.reshape(-1, 2), axis=0)  # (14, 14, 2) → sorted (196, 2)
    return np.asarray((ranked[GRID * GRID // 2 - 1] + ranked[GRID * GRID // 2]) / 2)


def _shrink(grey: U8) -> U8:
    return np.asarray(cv2.resize(grey, (FLOW_PX, FLOW_PX), interpolation=cv2.INTER_LINEAR))


def _speed(flow: F32) -> F32:
    return np.asarray(cv2.magnitude(flow[..., 0], flow[..., 1]))


def _square_around(cells: NDArray[np.bool_]) -> Region:
    """Return the square that holds all marked cells (14, 14), at least SMALLEST_CROP wide, moved inside."""
    rows, columns = np.flatnonzero(cells.any(axis=1)), np.flatnonzero(cells.any(axis=0))
    top, bottom = rows[0] / GRID, (rows[-1] + 1) / GRID
    left, right = columns[0] / GRID, (columns[-1] + 1) / GRID
    side = max(right - left, bottom - top, SMALLEST_CROP)
    x = min(max((left + right - side) / 2, 0.0), 1 - side)
    y = min(max((top + bottom - side) / 2, 0.0), 1 - side)
    return Region(float(x), float(y), float(side), float(side))
