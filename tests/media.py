"""Small videos and image folders, written by PyAV as a test needs them."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

WIDTH_PX, HEIGHT_PX, FPS = 320, 180, 10
# Every frame can be decoded as soon as it is read, and each second begins with a keyframe.
QUICK = {"preset": "ultrafast", "tune": "zerolatency", "g": "10", "crf": "23"}


def scene(*, seed: int = 0, width_px: int = WIDTH_PX, height_px: int = HEIGHT_PX) -> np.ndarray:
    """Return a picture (H, W, 3) with edges everywhere: forty rectangles of random grey."""
    rng = np.random.default_rng(seed)
    picture = np.full((height_px, width_px, 3), 110, np.uint8)
    for _ in range(40):
        x, y = int(rng.integers(0, width_px - 20)), int(rng.integers(0, height_px - 20))
        right, bottom = x + int(rng.integers(12, 60)), y + int(rng.integers(12, 60))
        cv2.rectangle(picture, (x, y), (right, bottom), [int(v) for v in rng.integers(30, 225, 3)], -1)
    return picture


def still_scene(count: int, *, noise: float = 2.0, seed: int = 0) -> Iterator[np.ndarray]:
    """Yield the scene with sensor noise of the given deviation in grey levels."""
    rng, picture = np.random.default_rng(seed + 1), scene(seed=seed)
    for _ in range(count):
        yield np.clip(picture + rng.normal(0, noise, picture.shape), 0, 255).astype(np.uint8)


def moving_square(
    count: int, *, noise: float = 2.0, begins: int = 0, step_px: int = 6
) -> Iterator[np.ndarray]:
    """Yield the noisy scene, into which a white square of 40 px walks from the left at frame `begins`."""
    for index, picture in enumerate(still_scene(count, noise=noise)):
        right = (index - begins + 1) * step_px
        if right > 0:
            picture[80:120, max(0, right - 40) : right] = 255
        yield picture


def write_video(path: Path, pictures: Iterable[np.ndarray], *, fps: int = FPS, **options: object) -> Path:
    """Encode RGB pictures, as H.264 unless `codec` says otherwise, 1 / fps apart unless `times_s` do."""
    times_s = options.pop("times_s", None)
    stream, codec = None, str(options.pop("codec", "libx264"))
    with av.open(str(path), "w", format=options.pop("format", None)) as container:
        for index, picture in enumerate(pictures):
            if stream is None:
                stream = container.add_stream(codec, rate=fps)
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
                stream.options = QUICK if codec == "libx264" else {}
                stream.codec_context.time_base = Fraction(1, 1000)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            time_s = index / fps if times_s is None else times_s[index]
            frame.pts, frame.time_base = round(time_s * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_images(folder: Path, pictures: Iterable[np.ndarray], *, suffix: str = ".jpg") -> Path:
    """Write RGB pictures as 0.jpg, 1.jpg … 10.jpg: numbered, but not padded with zeros."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, picture in enumerate(pictures):
        cv2.imwrite(str(folder / f"{index}{suffix}"), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    return folder
