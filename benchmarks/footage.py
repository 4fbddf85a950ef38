"""Real videos in, the streams of the benchmarks out: transcoded once, served by the project's RTSP server."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import cycle
from pathlib import Path
from typing import Literal

import av
import numpy as np
from numpy.typing import NDArray

from benchmarks.insertions import Insertion, Kind, Plan, insert

SHARED_VIDEO = Path(__file__).parents[2] / "shared/data/video"
CACHE = Path(__file__).parents[1] / ".cache/benchmarks"

Scene = Literal["busy", "still", "eventful", "unusual"]
STILL_S = 30
# A camera learns for 180 s; then something happens now and again. What is unusual is to be told one by one:
# its pauses outlast the half minute after an alarm in which none opens, its box the visitors who stand still.
CALM_S, HURRIES = 200, ((Kind.HURRY, 6),) * 3
PLANS = {"eventful": Plan(HURRIES, pause_s=24), "unusual": Plan((*HURRIES, (Kind.BOX, 90)), pause_s=60)}
EVENTFUL_S = CALM_S + PLANS["eventful"].duration_s


@dataclass(frozen=True, slots=True)
class Footage:
    """One kind of stream: a video at a size and rate; as it is, still, or calm and then not."""

    video: str
    width_px: int
    height_px: int
    fps: int
    scene: Scene = "busy"
    calm_s: int = CALM_S

    @property
    def insertions(self) -> tuple[Insertion, ...]:
        """What happens in it, and when."""
        plan = PLANS.get(self.scene)
        return plan.schedule(self.calm_s) if plan else ()

    @property
    def path(self) -> Path:
        """Where the transcoded file lies."""
        calm = "" if self.calm_s == CALM_S else f"-{self.calm_s}"
        return CACHE / f"{self.video}-{self.width_px}x{self.height_px}-{self.fps}-{self.scene}{calm}.mp4"


def prepare(footage: Footage) -> Path:
    """Transcode the footage once, as a camera would send it: H.264 baseline, a key frame every 2 s.

    A still scene is the video's first picture with a sensor's noise on it (σ = 2 of 255): nothing moves.
    An eventful or unusual one plays the video forwards and backwards, and after `calm_s` something is
    inserted now and again.

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
        case "eventful" | "unusual":
            return insert(
                _there_and_back(source, footage.fps),
                PLANS[footage.scene],
                calm_s=footage.calm_s,
                fps=footage.fps,
            )


def _there_and_back(source: Path, fps: int) -> Iterator[av.VideoFrame]:
    """Yield a video's pictures forwards, backwards, and so on: no camera's picture jumps as a cut does."""
    pictures = list(_at_rate(source, fps))
    return cycle(pictures + pictures[-2:0:-1])


def _at_rate(source: Path, fps: int) -> Iterator[av.VideoFrame]:
    """Yield a video's newest picture at each instant."""
    with av.open(str(source)) as reader:
        due_s = 0.0
        for picture in reader.decode(video=0):
            while picture.time >= due_s:
                yield picture
                due_s += 1 / fps


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
