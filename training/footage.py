"""Recordings in, their sampled frames with motion made visible out: by the very stages that run live."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from models.checkpoint import Checkpoint
from models.motion import MotionRenderer, MotionSettings, MotionView
from pipeline.camera import NO_MOTION
from pipeline.clock import SystemClock
from pipeline.gate import Gate, GateSettings
from pipeline.image_folder import DEFAULT_FPS
from pipeline.movement import NO_MOVEMENT
from pipeline.sampler import Sampler
from pipeline.scaler import Scaler
from pipeline.source import DecodedFrame, SourceSettings, open_source
from pipeline.stream import OnDrop
from pipeline.types import ObservedFrame, SampledFrame

VIDEO_SUFFIXES = frozenset({".avi", ".mkv", ".mov", ".mp4", ".webm"})


@dataclass(frozen=True, slots=True)
class Footage:
    """How recordings are read: what is drawn of each sampled frame, and how many are sampled per second.

    `image_fps` is how many images of a folder make a second. With `camera_fps` a recording is read as if its
    camera had sent no more frames than that a second.
    """

    motion: MotionSettings
    sample_fps: float = 5.0
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
            elif frame.time is not None and renderer.wants_glance(frame.time):
                renderer.glance(scaler.scale_rgb(frame), frame.time)


def observe_file(path: Path, footage: Footage, *, on_drop: OnDrop | None = None) -> Iterator[ObservedFrame]:
    """Yield each sampled frame of a video or image folder as a camera hands it to the encoder, gate and all.

    `on_drop` is told the reason of each frame that cannot be decoded.

    Raises:
        SourceError: The recording cannot be read, or breaks off.
    """
    observer = _Observer(footage)
    source = SourceSettings(str(path), fps=footage.image_fps, realtime=False)
    with open_source(source, SystemClock(), on_drop=on_drop) as frames:
        for frame in frames:
            if observer.wants(frame):
                yield observer.observe(frame)


class _Observer:
    """What `pipeline.camera.Camera` does with each frame, without a camera's health and connection."""

    def __init__(self, footage: Footage) -> None:
        side = footage.motion.picture_px
        self._sampler, self._scaler = Sampler(footage.sample_fps), Scaler(side)
        self._gate, self._renderer = Gate(GateSettings()), MotionRenderer(footage.motion)
        self._camera = None if footage.camera_fps is None else Sampler(footage.camera_fps)
        self._no_pictures = np.zeros((0, side, side, 3), np.uint8)

    def wants(self, frame: DecodedFrame) -> bool:
        if self._camera is not None and not self._camera.wants(frame.time_s):
            return False
        if self._sampler.wants(frame.time_s):
            return True
        if self._renderer.wants_glance(frame.time_s):
            self._renderer.glance(self._scaler.scale_rgb(frame.original), frame.time_s)
        return False

    def observe(self, frame: DecodedFrame) -> ObservedFrame:
        time_s, begins = frame.time_s, self._sampler.begins
        if begins:
            self._gate.reset()
            self._renderer.reset()
        scaled = self._scaler.scale(frame.original)
        sampled = SampledFrame(time_s, utc_s=time_s, arrived_s=time_s, rgb=scaled.rgb, luma=scaled.luma)
        if self._gate.is_still(scaled.luma, time_s):
            self._renderer.skip(scaled.rgb, time_s)
            return ObservedFrame(sampled, True, self._no_pictures, NO_MOVEMENT, NO_MOTION, begins)
        view = self._renderer.render(scaled.rgb, time_s)
        return ObservedFrame(sampled, False, view.pictures, NO_MOVEMENT, view.descriptor, begins)
