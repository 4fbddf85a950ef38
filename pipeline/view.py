"""A sampled frame in, what can be said about its view out, against what the camera used to show."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.types import SampledFrame

F32 = NDArray[np.float32]

# Tiles of 8 × 9 cells of the 64 × 36 picture: small enough that a person covers few of them.
TILE_ROWS, TILE_COLUMNS = 4, 8
# A tile has structure if its root-mean-square step from cell to cell reaches this many grey levels …
TEXTURE_LEVELS = 2.0
# … and it is recognised if its steps correlate with those it used to have: 0 is chance, 1 the same.
MATCH_CORRELATION = 0.5
# Fewer tiles with structure than this, and nothing can be said about movement.
MIN_TEXTURED_TILES = 4
# A picture is black if no cell is brighter than this; grey levels 0…255.
BLACK_LEVEL = 40
BLACK_MEAN_LEVEL = 20


@dataclass(frozen=True, slots=True)
class View:
    """What one frame shows, apart from what is in it.

    `steps` is (2, 36, 64): the differences to the cells two to the right and below. `contrast` is the
    deviation of all cells in grey levels, `sharpness` the mean absolute Laplacian of the green 224 × 224
    picture per grey level of contrast, which does not depend on how bright the light is.
    """

    steps: F32
    contrast: float
    sharpness: float
    is_black: bool


@dataclass(frozen=True, slots=True)
class Likeness:
    """How much of the usual view is left; 1 is all.

    `matched` is the share of tiles with structure that are recognised, or None where too few have any.
    """

    matched: float | None
    contrast: float
    sharpness: float


def look(frame: SampledFrame) -> View:
    """Measure the view of one frame."""
    cells = frame.luma.astype(np.float32)  # (36, 64)
    mean, deviation = (float(value[0, 0]) for value in cv2.meanStdDev(cells))
    green = cv2.extractChannel(frame.rgb, 1)
    roughness = cv2.norm(cv2.Laplacian(green, cv2.CV_16S), cv2.NORM_L1) / green.size
    return View(
        steps=_steps(cells),
        contrast=deviation,
        sharpness=roughness / max(deviation, 1.0),
        is_black=mean < BLACK_MEAN_LEVEL and int(frame.luma.max()) < BLACK_LEVEL,
    )


class UsualView:
    """What a camera usually shows: a mean of views that follows slow changes of light and season."""

    def __init__(self, memory_s: float) -> None:
        self._memory_s = memory_s
        self._known_s = 0.0
        self._steps: F32 = np.zeros((2, 1, 1), np.float32)
        self._contrast = 0.0
        self._sharpness = 0.0

    @property
    def known_s(self) -> float:
        """Return for how many seconds of video the view was learned."""
        return self._known_s

    def forget(self) -> None:
        """Begin to learn a new view."""
        self._known_s = 0.0

    def learn(self, view: View, duration_s: float) -> None:
        """Blend in a view that stood for `duration_s`: a plain mean at first, a moving one later."""
        if self._known_s == 0:
            self._steps, self._contrast, self._sharpness = view.steps, view.contrast, view.sharpness
        weight = duration_s / min(self._known_s + duration_s, self._memory_s) if duration_s else 0.0
        self._steps = self._steps + np.float32(weight) * (view.steps - self._steps)
        self._contrast += weight * (view.contrast - self._contrast)
        self._sharpness += weight * (view.sharpness - self._sharpness)
        self._known_s += duration_s

    def compare(self, view: View) -> Likeness:
        """Say how much of the usual view is left in this one."""
        return Likeness(
            matched=_matched_ratio(self._steps, view.steps),
            contrast=view.contrast / max(self._contrast, 1.0),
            sharpness=view.sharpness / max(self._sharpness, 1e-3),
        )


def _steps(cells: F32) -> F32:
    """Return the steps to the right and downwards of (36, 64) cells as (2, 36, 64)."""
    right = cv2.Sobel(cells, cv2.CV_32F, 1, 0, ksize=1)
    down = cv2.Sobel(cells, cv2.CV_32F, 0, 1, ksize=1)
    return np.stack([right, down]).astype(np.float32, copy=False)


def _matched_ratio(usual: F32, now: F32) -> float | None:
    energy = _tile_sums(usual * usual)
    cells_per_tile = usual[0].size / energy.size
    textured = energy > TEXTURE_LEVELS**2 * cells_per_tile
    if np.count_nonzero(textured) < MIN_TEXTURED_TILES:
        return None
    correlation = _tile_sums(usual * now) / np.sqrt(energy * _tile_sums(now * now) + 1e-6)
    return float(np.mean(correlation[textured] > MATCH_CORRELATION))


def _tile_sums(steps: F32) -> F32:
    """Sum (2, 36, 64) over both directions and over each tile: (4, 8)."""
    _, height, width = steps.shape
    tiles = steps.reshape(2, TILE_ROWS, height // TILE_ROWS, TILE_COLUMNS, width // TILE_COLUMNS)
    return np.asarray(tiles.sum(axis=(0, 2, 4)), np.float32)  # (2, 4, 9, 8, 8) → (4, 8)
