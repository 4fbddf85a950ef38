"""Video files in, their sampled frames with motion made visible out: by the very stages that run live."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av

from models.motion import MotionRenderer, MotionSettings, MotionView
from pipeline.sampler import Sampler
from pipeline.scaler import Scaler

VIDEO_SUFFIXES = frozenset({".avi", ".mkv", ".mov", ".mp4", ".webm"})


@dataclass(frozen=True, slots=True)
class Footage:
    """How files are read: what is drawn of each sampled frame, and how many are sampled per second."""

    motion: MotionSettings
    sample_fps: float = 5.0


def video_files(folder: Path) -> list[Path]:
    """Return the video files below `folder`, sorted."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in VIDEO_SUFFIXES)


def render_file(path: Path, footage: Footage) -> Iterator[MotionView]:
    """Yield each sampled frame of a file, drawn.

    Raises:
        av.error.FFmpegError: The file cannot be read.
    """
    sampler, scaler = Sampler(footage.sample_fps), Scaler(footage.motion.picture_px)
    renderer = MotionRenderer(footage.motion)
    with av.open(path) as container:
        for frame in container.decode(video=0):
            if frame.time is None or not sampler.wants(frame.time):
                continue
            if sampler.begins:
                renderer.reset()
            yield renderer.render(scaler.scale(frame).rgb, frame.time)
