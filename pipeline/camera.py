"""One camera's URL in, its observed frames into the mailbox: the body of its thread, and its only retry loop.

source ─▶ sampler ─▶ scaler ─▶ gate ─▶ motion ─▶ mailbox
                                └────▶ health ─▶ standing ─▶ reporter
"""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from models.gate import Gate, GateSettings
from models.motion import MotionRenderer
from models.movement import NO_MOVEMENT, MovementMeter
from models.observer import NO_MOTION
from models.sampler import Sampler
from models.scaler import Scaler
from pipeline.backoff import Backoff, BackoffSettings
from pipeline.clock import Clock
from pipeline.errors import SourceError
from pipeline.health import HealthMonitor, HealthSettings
from pipeline.metrics import Metrics
from pipeline.source import Opener, SourceSettings
from pipeline.standing import CameraReporter, Standing
from pipeline.stream import DecodedFrame
from pipeline.types import CameraStatus, ObservedFrame, SampledFrame
from pipeline.zones import Point

# How long the wall clock of frames may be off before it is set anew: camera clocks drift by seconds a day.
MAX_UTC_ERROR_S = 2.0
# A camera that delivered for this long was well: its next failure begins a new series of attempts.
WELL_AFTER_S = 10.0
# How long a disabled camera may take to notice that it was enabled.
SWITCH_CHECK_S = 0.5


class FrameTaker(Protocol):
    """Where observed frames go; `Mailbox` is the real one."""

    def put(self, camera: str, frame: ObservedFrame) -> None:
        """Take a camera's next frame; never blocks."""


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """How one camera is read and judged; `masks` are polygons in which nothing is looked at."""

    name: str
    source: SourceSettings
    sample_fps: float = 6.0
    picture_px: int = 224
    masks: tuple[tuple[Point, ...], ...] = ()
    gate: GateSettings = field(default_factory=GateSettings)
    health: HealthSettings = field(default_factory=HealthSettings)
    backoff: BackoffSettings = field(default_factory=BackoffSettings)


@dataclass(frozen=True, slots=True)
class CameraLinks:
    """What one camera is connected to.

    `is_enabled` is asked once per sampled frame. `motion` belongs to this camera alone.
    """

    opener: Opener
    clock: Clock
    metrics: Metrics
    frames: FrameTaker
    reporter: CameraReporter
    motion: MotionRenderer
    is_enabled: Callable[[], bool]
    rng: random.Random = field(default_factory=random.Random)


class Camera:
    """Reads one camera until it is stopped, whatever happens to it."""

    def __init__(self, settings: CameraSettings, links: CameraLinks) -> None:
        name, metrics = settings.name, links.metrics
        self._settings = settings
        self._links = links
        self._standing = Standing(name, links.reporter, clock=links.clock, metrics=metrics)
        self._backoff = Backoff(settings.backoff, links.rng)
        self._scaler = Scaler(settings.picture_px, settings.masks)
        self._sampler = Sampler(settings.sample_fps)
        self._gate = Gate(settings.gate)
        self._movement = MovementMeter()
        self._health = HealthMonitor(settings.health)
        self._decoded = metrics.frames.labels(name, "decoded")
        self._sampled = metrics.frames.labels(name, "sampled")
        self._utc_offset_s = 0.0
        self._no_pictures = np.zeros((0, settings.picture_px, settings.picture_px, 3), np.uint8)
        self._heard_s: float | None = None  # when the last frame came, or else the attempt to get one began
        self._first_frame_s: float | None = None  # when the first frame of this connection came
        self._lost_s: float | None = None  # when the camera was last seen to be well, then failed

    @property
    def name(self) -> str:
        """Return the name that the settings give this camera."""
        return self._settings.name

    @property
    def status(self) -> CameraStatus | None:
        """Return what the camera is now, None before anything is known."""
        return self._standing.status

    def silent_for_s(self, now_s: float) -> float:
        """Return how long ago the last frame came or was first waited for; 0 while none is expected."""
        heard_s = self._heard_s
        return 0.0 if heard_s is None else now_s - heard_s

    def report_silence(self, now_s: float) -> None:
        """Report the camera offline where neither frame nor failure came in twice the time allowed."""
        source = self._settings.source
        allowed_s = 2 * max(source.stall_timeout_s, source.open_timeout_s)
        if self.silent_for_s(now_s) > allowed_s and self.status is not CameraStatus.OFFLINE:
            self._standing.change(CameraStatus.OFFLINE, f"no frame came for {allowed_s:g} s")

    def run(self, stop: threading.Event) -> None:
        """Read the camera, again after each failure, until `stop` is set or a recording has ended."""
        while not stop.is_set():
            if not self._links.is_enabled():
                self._standing.change(CameraStatus.DISABLED, "the camera is switched off")
                stop.wait(SWITCH_CHECK_S)
                continue
            try:
                if self.run_once(stop):
                    self._standing.change(CameraStatus.OFFLINE, "the recording has ended")
                    return
            except SourceError as error:
                if stop.is_set():
                    return
                self._count_reconnect(error.reason)
                self._standing.change(CameraStatus.OFFLINE, str(error))
                stop.wait(error.wait_s + self._delay_s())

    def run_once(self, stop: threading.Event) -> bool:
        """Open the source and pass its frames on; say whether it came to its end.

        False means that `stop` was set or that the camera was switched off.

        Raises:
            SourceError: The camera failed.
        """
        links, source = self._links, self._settings.source
        self._interrupted()
        self._sampler.reset()  # a stream's time may go on over a reconnect
        self._first_frame_s, self._heard_s = None, links.clock.monotonic_s()
        try:
            with links.opener(source, links.clock, stop=stop, on_drop=self._count_dropped) as frames:
                for frame in frames:
                    if stop.is_set() or not self.take(frame):
                        return False
            return not stop.is_set()
        finally:
            self._heard_s = None

    def take(self, frame: DecodedFrame) -> bool:
        """Analyse a frame if it is due; say whether the camera is to go on."""
        self._heard_s = frame.arrived_s
        if self._first_frame_s is None:
            self._first_frame_s = frame.arrived_s
        self._decoded.inc()
        if not self._sampler.wants(frame.time_s):
            if self._sampler.is_glance:
                self._glance(frame)
            return True
        self._sampled.inc()
        self._observe(self._sample(frame))
        return self._links.is_enabled()

    def _glance(self, frame: DecodedFrame) -> None:
        """Show a frame between two sampled ones to what compares with short lags."""
        motion = self._links.motion
        if motion.glances:
            motion.glance(self._scaler.scale_rgb(frame.original), frame.time_s)
        self._movement.glance(self._scaler.scale_grey(frame.original), frame.time_s)

    def _sample(self, frame: DecodedFrame) -> SampledFrame:
        scaled = self._scaler.scale(frame.original)
        return SampledFrame(
            time_s=frame.time_s,
            utc_s=self._utc_s(frame.time_s),
            arrived_s=frame.arrived_s,
            rgb=scaled.rgb,
            luma=scaled.luma,
            original=frame.original,
        )

    def _observe(self, sampled: SampledFrame) -> None:
        """Judge one frame, draw its motion where there is any, and hand it over."""
        begins = self._sampler.begins
        if begins:
            self._interrupted()
        self._report_health(sampled)
        still = self._gate.is_still(sampled.luma, sampled.time_s)
        links = self._links
        if still:
            links.motion.skip(sampled.rgb, sampled.time_s)
            observed = ObservedFrame(sampled, still, self._no_pictures, NO_MOVEMENT, NO_MOTION, begins)
        else:
            view = links.motion.render(sampled.rgb, sampled.time_s)
            movement = self._movement.measure(self._scaler.scale_grey(sampled.original), sampled.time_s)
            fresh = view.fresh_pictures
            observed = ObservedFrame(sampled, still, fresh, movement, view.descriptor, begins)
        links.frames.put(self.name, observed)

    def _report_health(self, sampled: SampledFrame) -> None:
        health = self._health.observe(sampled)
        self._standing.change(health.status, health.reason)

    def _interrupted(self) -> None:
        """Forget what only holds within one unbroken stream; the usual view is kept."""
        self._gate.reset()
        self._health.interrupted()
        self._links.motion.reset()
        self._movement.reset()

    def _utc_s(self, time_s: float) -> float:
        """Turn stream time into wall-clock time by one offset per unbroken stream."""
        now_s = self._links.clock.utc_s()
        if self._sampler.begins or abs(time_s + self._utc_offset_s - now_s) > MAX_UTC_ERROR_S:
            self._utc_offset_s = now_s - time_s
        return time_s + self._utc_offset_s

    def _delay_s(self) -> float:
        """Return how long to wait before the next attempt."""
        now_s = self._links.clock.monotonic_s()
        first_s = self._first_frame_s
        was_well = first_s is not None and now_s - first_s >= WELL_AFTER_S
        if self._lost_s is None or was_well:
            self._backoff.reset()
            self._lost_s = now_s
        return self._backoff.next_delay_s(now_s - self._lost_s)

    def _count_dropped(self, reason: str) -> None:
        self._links.metrics.frames_dropped.labels(self.name, reason).inc()

    def _count_reconnect(self, reason: str) -> None:
        self._links.metrics.camera_reconnects.labels(self.name, reason).inc()
