"""A folder of numbered images in, timed frames out."""

import re
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np

from pipeline.errors import SourceGarbled, SourceUnreachable
from pipeline.stream import OnDrop, SourceSettings, TimedFrame
from pipeline.urls import source_path

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
DEFAULT_FPS = 10.0  # what most surveillance data sets are published at


def list_images(folder: Path) -> list[Path]:
    """Return a folder's images, numbers in their names compared as numbers: 9.jpg before 10.jpg."""
    images = [path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES]
    return sorted(images, key=_natural_key)


def read_images(settings: SourceSettings, on_drop: OnDrop) -> Iterator[TimedFrame]:
    """Yield the images of a folder, the n-th, counted from 0, at n / fps seconds; report damaged ones.

    Raises:
        SourceUnreachable: The folder cannot be read.
        SourceGarbled: There is no image in it, or none that can be decoded.
    """
    folder, fps = source_path(settings.url), settings.fps or DEFAULT_FPS
    try:
        images = list_images(folder)
    except OSError as error:
        raise SourceUnreachable(f"{folder} cannot be read: {error.strerror}") from error
    decoded = 0
    for index, path in enumerate(images):
        picture = _read(path)
        if picture is None:
            on_drop("decode_error")
            continue
        decoded += 1
        yield TimedFrame(picture, index / fps)
    if not decoded:
        raise SourceGarbled(f"{folder} holds no image that can be decoded")


def _read(path: Path) -> av.VideoFrame | None:
    """Decode one image, of whatever format its content has; None where that cannot be done."""
    try:
        encoded = np.fromfile(path, np.uint8)
    except OSError:
        return None
    pixels = cv2.imdecode(encoded, cv2.IMREAD_COLOR) if encoded.size else None
    if pixels is None:
        return None
    return av.VideoFrame.from_ndarray(np.asarray(pixels, np.uint8), format="bgr24")


def _natural_key(path: Path) -> list[tuple[int, str]]:
    """Split "walk9b" into [(0, "walk"), (9, ""), (0, "b")], which sorts before that of "walk10"."""
    parts = re.findall(r"\d+|\D+", path.name.lower())
    return [(int(part), "") if part.isdecimal() else (0, part) for part in parts]
