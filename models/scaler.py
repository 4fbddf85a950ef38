"""Decoded frames in, the small pictures that the stages look at out."""

from collections.abc import Sequence
from dataclasses import dataclass

import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from models.geometry import Point, drawn
from models.movement import HEIGHT_PX, WIDTH_PX

Rgb = NDArray[np.uint8]  # (height, width, 3), red first
Luma = NDArray[np.uint8]  # (height, width)

LUMA_WIDTH_PX = 64
LUMA_HEIGHT_PX = 36
# What a mask hides: the grey that the frame encoder's normalisation maps to 0.
HIDDEN_GREY = np.uint8(127)


@dataclass(frozen=True, slots=True)
class Scaled:
    """One frame twice: `rgb` (S, S, 3) for the encoder, `luma` (36, 64) for gate and health."""

    rgb: Rgb
    luma: Luma


class Scaler:
    """Scales one camera's frames; whatever size or format the next frame has, it is taken as it comes.

    Scaling in YUV first and turning the small picture into RGB and grey costs 130 µs for 640×360, where
    straight to RGB and to grey costs 370 µs; the result differs by 1.3 grey levels on average. More than
    one swscale thread only costs time at these sizes.

    What `masks` (polygons in fractions of the picture) cover is grey, so that no stage sees it.
    """

    def __init__(self, picture_px: int, masks: Sequence[Sequence[Point]] = ()) -> None:
        self._picture_px = picture_px
        self._hidden_rgb = drawn(masks, height=picture_px, width=picture_px) if masks else None
        self._hidden_luma = drawn(masks, height=LUMA_HEIGHT_PX, width=LUMA_WIDTH_PX) if masks else None
        self._hidden_grey = drawn(masks, height=HEIGHT_PX, width=WIDTH_PX) if masks else None
        self._to_small = VideoReformatter()
        self._to_rgb = VideoReformatter()
        self._to_luma = VideoReformatter()
        self._to_grey = VideoReformatter()

    def scale(self, frame: av.VideoFrame) -> Scaled:
        """Return the frame as RGB and as grey, each stretched to its own shape and averaged over area."""
        small = self._small(frame)
        luma = self._to_luma.reformat(
            small,
            width=LUMA_WIDTH_PX,
            height=LUMA_HEIGHT_PX,
            format="gray",
            interpolation=Interpolation.AREA,
            threads=1,
        )
        return Scaled(rgb=self._rgb(small), luma=_hide(_pixels(luma), self._hidden_luma))

    def scale_rgb(self, frame: av.VideoFrame) -> Rgb:
        """Return the RGB picture of `scale` alone."""
        return self._rgb(self._small(frame))

    def scale_grey(self, frame: av.VideoFrame) -> Luma:
        """Return the frame in grey, (240, 360), for `models.movement`: 130 µs from 768×432."""
        grey = self._to_grey.reformat(
            frame,
            width=WIDTH_PX,
            height=HEIGHT_PX,
            format="gray",
            interpolation=Interpolation.AREA,
            threads=1,
        )
        return _hide(_pixels(grey), self._hidden_grey)

    def _small(self, frame: av.VideoFrame) -> av.VideoFrame:
        side = self._picture_px
        return self._to_small.reformat(
            frame, width=side, height=side, format="yuv420p", interpolation=Interpolation.AREA, threads=1
        )

    def _rgb(self, small: av.VideoFrame) -> Rgb:
        rgb = self._to_rgb.reformat(small, format="rgb24", interpolation=Interpolation.AREA, threads=1)
        return _hide(_pixels(rgb), self._hidden_rgb)


def _pixels(frame: av.VideoFrame) -> NDArray[np.uint8]:
    return np.ascontiguousarray(frame.to_ndarray(), np.uint8)  # rows may be padded


def _hide(pixels: NDArray[np.uint8], hidden: NDArray[np.bool_] | None) -> NDArray[np.uint8]:
    """Paint over what is hidden; a decoder's buffer may be read-only."""
    if hidden is None:
        return pixels
    return np.where(hidden[..., None] if pixels.ndim > hidden.ndim else hidden, HIDDEN_GREY, pixels)
