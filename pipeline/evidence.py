"""A picture and what was found in it in, the pictures that go with an event out."""

from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.privacy import Picture
from pipeline.types import Region, Snapshot

THUMBNAIL_PX = 320
JPEG_QUALITY = 80
# BGR: an orange that stands out from grass, asphalt and skin.
REGION_COLOUR = (0, 140, 255)


@dataclass(frozen=True, slots=True)
class Reason:
    """What is shown beside a picture to say why it is one of an event.

    `heat` is a layer to lay over it (PNG), `normal` the nearest normal moment (JPEG).
    """

    region: Region | None = None
    heat: bytes | None = None
    normal: bytes | None = None


def snapshot(picture: Picture, reason: Reason) -> Snapshot:
    """Return the pictures of an event whose frame is shown as `picture`."""
    height_px, width_px = picture.shape[:2]
    plain, region = jpeg_of(picture), reason.region
    return Snapshot(
        picture=plain,
        marked=plain if region is None else jpeg_of(marked(picture, region)),
        thumbnail=jpeg_of(marked(_in_small(picture), region)),
        width_px=width_px,
        height_px=height_px,
        region=region,
        heat=reason.heat,
        normal=reason.normal,
    )


def jpeg_of(picture: Picture, quality: int = JPEG_QUALITY) -> bytes:
    """Return a picture as JPEG."""
    _, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return jpeg.tobytes()


def jpeg_within(picture: Picture, max_bytes: int) -> bytes | None:
    """Return a picture as the best JPEG that is no larger, None where even a bad one is."""
    tried = (jpeg_of(picture, quality) for quality in (JPEG_QUALITY, 60, 40, 20))
    return next((jpeg for jpeg in tried if len(jpeg) <= max_bytes), None)


def marked(picture: Picture, region: Region | None) -> Picture:
    """Return the picture with a rectangle around the region, if there is one.

    A region of 0.25…0.75 on 8 pixels runs from pixel 2 to pixel 6.
    """
    if region is None:
        return picture
    made, (height_px, width_px) = picture.copy(), picture.shape[:2]
    corner = (round(region.x * width_px), round(region.y * height_px))
    opposite = (round((region.x + region.width) * width_px), round((region.y + region.height) * height_px))
    cv2.rectangle(made, corner, opposite, REGION_COLOUR, thickness=max(2, width_px // 320))
    return made


def _in_small(picture: Picture) -> Picture:
    height_px, width_px = picture.shape[:2]
    if width_px <= THUMBNAIL_PX:
        return picture
    size = (THUMBNAIL_PX, max(1, round(height_px * THUMBNAIL_PX / width_px)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
