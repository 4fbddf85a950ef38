"""Real videos in, the streams of the benchmarks out: transcoded once, served by the project's RTSP server."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, islice, repeat
from pathlib import Path
from typing import Literal

import av
import numpy as np
from numpy.typing import NDArray

SHARED_VIDEO = Path(__file__).parents[2] / "shared/data/video"
CACHE = Path(__file__).parents[1] / ".cache/benchmarks"

Scene = Literal["busy", "still", "eventful"]
STILL_S = 30
# A camera learns for 180 s; then everything in the picture moves three times as fast, now and again.
CALM_S, HURRY_S, PAUSE_S, HURRIES, HURRY_SPEED = 200, 6, 24, 3, 3
EVENTFUL_S = CALM_S + HURRIES * (HURRY_S + PAUSE_S)


@dataclass(frozen=True, slots=True)
class Footage:
    """One kind of stream: a video at a size and rate; as it is, still, or calm and then in a hurry."""

    video: str
    width_px: int
    height_px: int
    fps: int
    scene: Scene = "busy"
    calm_s: int = CALM_S

    @property
    def path(self) -> Path:
        """Where the transcoded file lies."""
        calm = "" if self.calm_s == CALM_S else f"-{self.calm_s}"
        return CACHE / f"{self.video}-{self.width_px}x{self.height_px}-{self.fps}-{self.scene}{calm}.mp4"


def prepare(footage: Footage) -> Path:
    """Transcode the footage once, as a camera would send it: H.264 baseline, a key frame every 2 s.

    A still scene is the video's first picture with a sensor's noise on it (σ = 2 of 255): nothing moves.
    An eventful one loops the video, and after `calm_s` hurries now and again.

    Raises:
        FileNotFoundError: the shared videos are not on this machine.
    """
    if not footage.path.exists():
        source = SHARED_VIDEO / f"{footage.video}.mp4"
        if not source.exists():
            raise FileNotFoundError(f"{source}: the benchmarks need the shared videos")
        footage.path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = footage.path.with_suffix(".part.mp4")
        _transcode(source, unfinished, footage)
        unfinished.rename(footage.path)
    return footage.path


def _transcode(source: Path, target: Path, footage: Footage) -> None:
    with av.open(str(target), "w") as writer:
        stream = writer.add_stream("libx264", rate=footage.fps)
        stream.width, stream.height, stream.pix_fmt = footage.width_px, footage.height_px, "yuv420p"
        stream.gop_size = 2 * footage.fps
        stream.options = {"profile": "baseline", "preset": "veryfast", "crf": "26", "tune": "zerolatency"}
        for number, picture in enumerate(_pictures(source, footage)):
            frame = picture.reformat(footage.width_px, footage.height_px, "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, footage.fps)
            frame.pict_type = av.video.frame.PictureType.NONE
            writer.mux(stream.encode(frame))
        writer.mux(stream.encode(None))


def _pictures(source: Path, footage: Footage) -> Iterator[av.VideoFrame]:
    """Yield the footage's pictures, one for each instant of its rate."""
    match footage.scene:
        case "busy":
            return _at_rate(source, footage.fps)
        case "still":
            return _noisy(next(_at_rate(source, footage.fps)), count=footage.fps * STILL_S)
        case "eventful":
            looped = chain.from_iterable(_at_rate(source, footage.fps) for _ in repeat(None))
            return _hurrying(looped, footage.fps, footage.calm_s)


def _at_rate(source: Path, fps: int) -> Iterator[av.VideoFrame]:
    """Yield a video's newest picture at each instant."""
    with av.open(str(source)) as reader:
        due_s = 0.0
        for picture in reader.decode(video=0):
            while picture.time >= due_s:
                yield picture
                due_s += 1 / fps


def _hurrying(pictures: Iterator[av.VideoFrame], fps: int, calm_s: int) -> Iterator[av.VideoFrame]:
    """Yield calm pictures; then, HURRIES times, every third only for HURRY_S seconds, and calm ones again."""
    yield from islice(pictures, calm_s * fps)
    for _ in range(HURRIES):
        yield from islice(pictures, 0, HURRY_S * fps * HURRY_SPEED, HURRY_SPEED)
        yield from islice(pictures, PAUSE_S * fps)


def _noisy(still: av.VideoFrame, *, count: int) -> Iterator[av.VideoFrame]:
    picture: NDArray[np.uint8] = still.to_ndarray(format="rgb24")
    noise = np.random.default_rng(0)
    for _ in range(count):
        sensed = picture + noise.normal(0, 2, picture.shape)
        yield av.VideoFrame.from_ndarray(sensed.clip(0, 255).astype(np.uint8), format="rgb24")


@contextmanager
def served(files: list[Path], copies: int) -> Iterator[list[str]]:
    """Serve each file as `copies` cameras from a process of its own; yields their URLs."""
    command = [sys.executable, "-m", "daemon.demo.rtsp_server", "--port", "0", "--copies", str(copies)]
    with subprocess.Popen(
        [*command, *map(str, files)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            yield [server.stdout.readline().strip() for _ in range(copies * len(files))]
        finally:
            server.stdin.close()
            server.wait(timeout=10)
