"""Recordings in, their sampled frames with motion made visible out: by the very stages that run live."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av

from models.checkpoint import Checkpoint
from models.motion import MotionRenderer, MotionSettings, MotionView
from models.observer import Observation, Observer
from models.sampler import Sampler
from models.scaler import Scaler
from pipeline.clock import SystemClock
from pipeline.image_folder import DEFAULT_FPS
from pipeline.source import SourceSettings, open_source
from pipeline.stream import OnDrop

VIDEO_SUFFIXES = frozenset({".avi", ".mkv", ".mov", ".mp4", ".webm"})


@dataclass(frozen=True, slots=True)
class Footage:
    """How recordings are read: what is drawn of each sampled frame, and how many are sampled per second.

    `image_fps` is how many images of a folder make a second. With `camera_fps` a recording is read as if its
    camera had sent no more frames than that a second.
    """

    motion: MotionSettings
    sample_fps: float = 6.0
    image_fps: float = DEFAULT_FPS
    camera_fps: float | None = None

    @classmethod
    def of_checkpoint(cls, checkpoint: Checkpoint, *, sample_fps: float | None = None) -> "Footage":
        """Return how the daemon reads its cameras for this checkpoint, at another rate if one is given."""
        motion = MotionSettings(checkpoint.pictures, checkpoint.picture_px)
        return cls(motion, sample_fps=sample_fps or checkpoint.sample_fps)


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
            if frame.time is not None and sampler.wants(frame.time):
                if sampler.begins:
                    renderer.reset()
                yield renderer.render(scaler.scale(frame).rgb, frame.time)
            elif frame.time is not None and renderer.glances and sampler.is_glance:
                renderer.glance(scaler.scale_rgb(frame), frame.time)


def observe_file(
    path: Path, footage: Footage, *, on_drop: OnDrop | None = None, movement: bool = False
) -> Iterator[Observation]:
    """Yield each sampled frame of a video or image folder as a camera hands it to the encoder, gate and all.

    `on_drop` is told the reason of each frame that cannot be decoded; `movement` asks for what moves where.

    Raises:
        SourceError: The recording cannot be read, or breaks off.
    """
    observer = Observer(footage.motion, sample_fps=footage.sample_fps, movement=movement)
    camera = None if footage.camera_fps is None else Sampler(footage.camera_fps)
    source = SourceSettings(str(path), fps=footage.image_fps, realtime=False)
    with open_source(source, SystemClock(), on_drop=on_drop) as frames:
        for frame in frames:
            if camera is not None and not camera.wants(frame.time_s):
                continue
            if (observation := observer.observe(frame.original, frame.time_s)) is not None:
                yield observation
