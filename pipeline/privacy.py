"""A decoder's frame in, the picture of it that may be shown out: the one way in which pixels leave us.

What is private becomes a mosaic before anything is encoded, written, published or served. The stages that
analyse a frame are given the frame itself.
"""

from collections.abc import Mapping
from enum import StrEnum

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from models.geometry import Point
from models.movement import COLUMNS, ROWS

Picture = NDArray[np.uint8]  # (height, width, 3), blue first
Mask = NDArray[np.uint8]  # (height, width), 255 where it is hidden

MAX_WIDTH_PX = 1280
# A mosaic has so many tiles across: a face that fills a quarter of the picture's width is four of them.
TILES = 16
# A camera's stream has one size, and few pictures are made in others.
MAX_SIZES = 8


class Blur(StrEnum):
    """What of a camera's pictures is hidden, beside its private zones."""

    NONE = "none"
    ALL = "all"


class Privacy:
    """What nobody may see of one camera; any thread may call."""

    def __init__(
        self, private: Mapping[str, tuple[Point, ...]] | None = None, blur: Blur = Blur.NONE
    ) -> None:
        self._private = private or {}
        self._blur = blur
        self._masks: dict[tuple[int, int], Mask] = {}

    @property
    def hides(self) -> bool:
        """Say whether anything is hidden."""
        return bool(self._private) or self._blur is Blur.ALL

    @property
    def name(self) -> str:
        """Return a text that differs where what is hidden differs; empty where nothing is."""
        return f"{self._blur} {sorted(self._private.values())}" if self.hides else ""

    def picture_of(self, original: av.VideoFrame, max_width_px: int = MAX_WIDTH_PX) -> Picture:
        """Return a frame's picture, at most so wide, without what is hidden.

        Width and height become even, as the decoder's colour planes are halved.
        """
        scale = min(1.0, max_width_px / original.width)
        width_px, height_px = (
            max(2, 2 * round(size * scale / 2)) for size in (original.width, original.height)
        )
        # One thread: swscale's own threads cost more than they bring at these sizes.
        scaled = original.reformat(width=width_px, height=height_px, format="bgr24", threads=1)
        return self._hide(np.asarray(scaled.to_ndarray(), np.uint8))

    @property
    def hidden_cells(self) -> NDArray[np.bool_]:
        """Return (40, 60): the cells of a heat map that a private zone touches; a whole mosaic hides none."""
        return self._mask(ROWS, COLUMNS) > 0

    def _hide(self, picture: Picture) -> Picture:
        if not self.hides:
            return picture
        height_px, width_px = picture.shape[:2]
        rows = max(1, round(TILES * height_px / width_px))
        tiles = cv2.resize(picture, (TILES, rows), interpolation=cv2.INTER_AREA)
        mosaic = cv2.resize(tiles, (width_px, height_px), interpolation=cv2.INTER_NEAREST)
        if self._blur is Blur.ALL:
            return np.asarray(mosaic, np.uint8)
        shown = picture.copy()  # a frame that needs no scaling may be the decoder's own, and is analysed yet
        return np.asarray(cv2.copyTo(mosaic, self._mask(height_px, width_px), shown), np.uint8)

    def _mask(self, height_px: int, width_px: int) -> Mask:
        """Return which pixels a private zone touches, and one more around it."""
        known = self._masks.get((height_px, width_px))
        if known is not None:
            return known
        mask = np.zeros((height_px, width_px), np.uint8)
        size = np.array([width_px, height_px])
        for polygon in self._private.values():
            corners = np.rint(np.array(polygon) * size).astype(np.int32)
            cv2.fillPoly(mask, [corners], 255)
        mask = np.asarray(cv2.dilate(mask, np.ones((3, 3), np.uint8)), np.uint8)
        if len(self._masks) >= MAX_SIZES:
            self._masks.clear()
        self._masks[height_px, width_px] = mask
        return mask


EVERYTHING_SHOWN = Privacy()
