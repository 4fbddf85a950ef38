"""A small H.264 file and readers for what a virtual camera sends."""

from fractions import Fraction
from itertools import islice

import av
import numpy as np
import pytest

FPS = 20
NUM_PICTURES = 30


def pictures(count=NUM_PICTURES, width_px=160, height_px=96):
    """Render a bright bar that moves 4 px a picture over a noisy ground."""
    noise = np.random.default_rng(1).integers(0, 60, (height_px, width_px, 3), np.uint8)
    for number in range(count):
        picture = noise.copy()
        left_px = 4 * number % width_px
        picture[:, left_px : left_px + 12] = 220
        yield picture


@pytest.fixture(scope="session")
def video(tmp_path_factory):
    """Write 1.5 s of video with a key frame every 10 pictures, and B-frames to make it hard."""
    path = tmp_path_factory.mktemp("video") / "bar.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"bf": "2", "g": "10", "crf": "18"})
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        stream.codec_context.time_base = Fraction(1, FPS)
        for number, picture in enumerate(pictures()):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="session")
def read_frames():
    """Return a function that decodes the first frames of an address."""

    def read(url, count, transport="tcp", timeout_s=5):
        options = {"rtsp_transport": transport, "analyzeduration": "0", "probesize": "32768"}
        with av.open(url, options=options, timeout=timeout_s) as container:
            return list(islice(container.decode(video=0), count))

    return read
