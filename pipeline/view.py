"""A sampled frame in, what can be said about its view out, against what the camera used to show."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.types import SampledFrame

F32 = NDArray[np.float32]

# Tiles of 8 × 9 cells of the 64 × 36 picture: small enough that a person covers few of them.
TILE_ROWS, TILE_COLUMNS = 4, 8
# A tile has structure if its root-mean-square step reaches this many grey levels, both to the right and
# downwards: a horizontal line alone looks the same wherever the camera turns horizontally …
TEXTURE_LEVELS = 1.5
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

    `steps` is (2, 36, 64): how the cells' grey rises to the right and downwards. `contrast` is the
    deviation of all cells in grey levels. `detail` is (4, 8), for each tile the mean absolute Laplacian of
    the green 224 × 224 picture per grey level of step: it does not depend on how bright the light is.
    """

    steps: F32
    contrast: float
    detail: F32
    is_black: bool


@dataclass(frozen=True, slots=True)
class Likeness:
    """How much of the usual view is left; 1 is all.

    `matched` is the share of tiles with structure that are recognised, or None where too few have any;
    `sharpness` is the detail that is left in the middle one of them.
    """

    matched: float | None
    contrast: float
    sharpness: float


def look(frame: SampledFrame) -> View:
    """Measure the view of one frame."""
    cells = frame.luma.astype(np.float32)  # (36, 64)
    mean, deviation = (float(value[0, 0]) for value in cv2.meanStdDev(cells))
    steps = _steps(cells)
    laplacian = cv2.Laplacian(cv2.extractChannel(frame.rgb, 1), cv2.CV_16S, ksize=3)
    roughness = cv2.convertScaleAbs(laplacian, alpha=0.25)  # the kernel's weights add up to 4
    tiles = cv2.resize(roughness, (TILE_COLUMNS, TILE_ROWS), interpolation=cv2.INTER_AREA)
    levels = np.sqrt(_tile_means(steps * steps).sum(axis=0))  # (4, 8)
    return View(
        steps=steps,
        contrast=deviation,
        detail=np.asarray(tiles / (levels + 1), np.float32),
        is_black=mean < BLACK_MEAN_LEVEL and int(frame.luma.max()) < BLACK_LEVEL,
    )


class UsualView:
    """What a camera usually shows: a mean of views that follows slow changes of light and season."""

    def __init__(self, memory_s: float) -> None:
        self._memory_s = memory_s
        self._known_s = 0.0
        self._steps: F32 = np.zeros((2, 1, 1), np.float32)
        self._contrast = 0.0
        self._detail: F32 = np.zeros((1, 1), np.float32)

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
            self._steps, self._contrast, self._detail = view.steps, view.contrast, view.detail
        weight = duration_s / min(self._known_s + duration_s, self._memory_s) if duration_s else 0.0
        self._steps = self._steps + np.float32(weight) * (view.steps - self._steps)
        self._contrast += weight * (view.contrast - self._contrast)
        self._detail = self._detail + np.float32(weight) * (view.detail - self._detail)
        self._known_s += duration_s

    def compare(self, view: View) -> Likeness:
        """Say how much of the usual view is left in this one."""
        energy = _tile_means(self._steps * self._steps)  # (2, 4, 8)
        textured = (energy > TEXTURE_LEVELS**2).all(axis=0)
        contrast = view.contrast / max(self._contrast, 1.0)
        if np.count_nonzero(textured) < MIN_TEXTURED_TILES:
            return Likeness(matched=None, contrast=contrast, sharpness=1.0)
        energy_now = _tile_means(view.steps * view.steps)
        correlation = _tile_means(self._steps * view.steps) / np.sqrt(energy * energy_now + 1e-6)
        recognised = (correlation > MATCH_CORRELATION).all(axis=0)
        return Likeness(
            matched=float(np.mean(recognised[textured])),
            contrast=contrast,
            sharpness=float(np.median((view.detail / (self._detail + 1e-3))[textured])),
        )


def _steps(cells: F32) -> F32:
    """Return the steps to the right and downwards of (36, 64) cells as (2, 36, 64)."""
    right = cv2.Sobel(cells, cv2.CV_32F, 1, 0, ksize=1)
    down = cv2.Sobel(cells, cv2.CV_32F, 0, 1, ksize=1)
    return np.stack([right, down]).astype(np.float32, copy=False)


def _tile_means(steps: F32) -> F32:
    """Average (2, 36, 64) over each tile: (2, 4, 8)."""
    tiles = [cv2.resize(plane, (TILE_COLUMNS, TILE_ROWS), interpolation=cv2.INTER_AREA) for plane in steps]
    return np.asarray(tiles, np.float32)
