"""A decoded frame and a region in, the picture that goes with an event out."""

from typing import Any

import av
import cv2
from numpy.typing import NDArray

from pipeline.types import Region

MAX_WIDTH_PX = 1280
JPEG_QUALITY = 80
# BGR: an orange that stands out from grass, asphalt and skin.
REGION_COLOUR = (0, 140, 255)


def snapshot(original: av.VideoFrame, region: Region | None) -> bytes:
    """Return a JPEG at most 1280 pixels wide, with a rectangle around the region if there is one.

    Width and height become even, as the decoder's colour planes are halved.
    """
    scale = min(1.0, MAX_WIDTH_PX / original.width)
    width_px, height_px = (max(2, 2 * round(size * scale / 2)) for size in (original.width, original.height))
    picture: NDArray[Any] = original.reformat(width=width_px, height=height_px, format="bgr24").to_ndarray()
    if region is not None:
        _draw(picture, region)
    _, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return jpeg.tobytes()


def _draw(picture: NDArray[Any], region: Region) -> None:
    """Draw into the (H, W, 3) picture; a region of 0.25…0.75 on 8 pixels runs from pixel 2 to pixel 6."""
    height_px, width_px = picture.shape[:2]
    corner = (round(region.x * width_px), round(region.y * height_px))
    opposite = (
        round((region.x + region.width) * width_px),
        round((region.y + region.height) * height_px),
    )
    cv2.rectangle(picture, corner, opposite, REGION_COLOUR, thickness=max(2, width_px // 320))
