"""A video file, or frames with their times, in; the frames that the model looks at out."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import av
import numpy as np
from numpy.typing import NDArray

from models.configuration import VideoBERTConfig
from models.motion import MotionSettings
from models.observer import Observation, Observer

U8 = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Clip:
    """Frames in order of time: `frames` (N, H, W, 3) uint8 RGB, `times_s` (N,) in seconds.

    All frames of a camera rather than a choice of them: the sampler chooses, and motion is drawn from more
    of them than are sampled.
    """

    frames: U8
    times_s: NDArray[np.float64]

    @classmethod
    def at_fps(cls, frames: U8, fps: float) -> Self:
        """Return frames that are 1 / `fps` seconds apart."""
        return cls(frames, np.arange(len(frames)) / fps)


Video = str | Path | Clip


@dataclass(frozen=True, slots=True)
class VideoSettings:
    """How a video is looked at; each field is that of `VideoBERTConfig`."""

    pictures: tuple[str, ...] = ("fused",)
    picture_px: int = 224
    sample_fps: float = 6.0
    num_frames: int = 24

    @classmethod
    def of_config(cls, config: VideoBERTConfig) -> Self:
        """Return what a model was trained on."""
        return cls(tuple(config.pictures), config.picture_px, config.sample_fps, config.num_frames)


def observe(video: Video, settings: VideoSettings) -> Iterator[Observation]:
    """Yield the sampled frames of a video, drawn as the daemon draws them.

    Raises:
        OSError: There is no such file, or none that FFmpeg can read.
    """
    motion = MotionSettings(settings.pictures, settings.picture_px)
    observer = Observer(motion, sample_fps=settings.sample_fps)
    for frame, time_s in _given(video) if isinstance(video, Clip) else _decoded(Path(video)):
        if (observation := observer.observe(frame, time_s)) is not None:
            yield observation


def _given(clip: Clip) -> Iterator[tuple[av.VideoFrame, float]]:
    for picture, time_s in zip(clip.frames, clip.times_s, strict=True):
        yield av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24"), float(time_s)


def _decoded(path: Path) -> Iterator[tuple[av.VideoFrame, float]]:
    """Yield the whole frames of a file; whatever it names, nothing but files is opened."""
    with av.open(f"file:{path}", options={"protocol_whitelist": "file"}) as container:
        for frame in container.decode(video=0):
            if frame.time is not None and not frame.is_corrupt:
                yield frame, frame.time
