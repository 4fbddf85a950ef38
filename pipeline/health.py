"""Sampled frames in, the camera's health out: online, frozen, covered, blurred or moved, and why.

look ─▶ compare with the usual view ─▶ verdict on this frame ─▶ held long enough? ─▶ status
                   ▲                             │
                   └──────── learn ◀── healthy ──┘
"""

from dataclasses import dataclass

from pipeline.freeze import FreezeDetector
from pipeline.types import CameraStatus, SampledFrame
from pipeline.view import Likeness, UsualView, View, look


@dataclass(frozen=True, slots=True)
class HealthSettings:
    """Which part of the usual view must be lost, and for how long, until a camera is unwell.

    A view that is `moved` for `adopt_s` is the new usual one. `check_s` is the time between two looks.
    """

    frozen_s: float = 20.0
    covered_hold_s: float = 2.0
    hold_s: float = 5.0
    recover_s: float = 2.0
    learn_s: float = 5.0
    memory_s: float = 60.0
    adopt_s: float = 60.0
    check_s: float = 1.0
    min_matched: float = 0.25
    min_contrast: float = 0.4
    min_sharpness: float = 0.5


@dataclass(frozen=True, slots=True)
class Health:
    """A camera's status and, in one sentence, why."""

    status: CameraStatus
    reason: str


HEALTHY = Health(CameraStatus.ONLINE, "the camera delivers its usual view")
FROZEN = Health(CameraStatus.FROZEN, "frames arrive, but the picture does not change at all")
BLACK = Health(CameraStatus.COVERED, "the picture is black")
COVERED = Health(CameraStatus.COVERED, "the usual view is gone and little can be seen instead")
BLURRED = Health(CameraStatus.BLURRED, "the picture has lost its sharpness")
MOVED = Health(CameraStatus.MOVED, "the picture is sharp but shows another view than usual")


class HealthMonitor:
    """Judges one camera's picture against what that camera itself used to show."""

    def __init__(self, settings: HealthSettings) -> None:
        self._settings = settings
        self._freeze = FreezeDetector(settings.frozen_s)
        self._usual = UsualView(settings.memory_s)
        self._health = HEALTHY
        self._candidate = HEALTHY
        self._since_s = 0.0
        self._checked_s: float | None = None

    def interrupted(self) -> None:
        """Take note that the stream broke off: what held so far begins anew, the usual view stays."""
        self._freeze.reset()
        self._health = self._candidate = HEALTHY
        self._checked_s = None

    def observe(self, frame: SampledFrame) -> Health:
        """Judge the next frame; most calls only repeat the last judgement, which stands for `check_s`."""
        time_s, checked_s = frame.time_s, self._checked_s
        if checked_s is not None and 0 <= time_s - checked_s < self._settings.check_s:
            return self._health
        self._checked_s = time_s
        duration_s = 0.0 if checked_s is None else max(0.0, time_s - checked_s)
        verdict = self._judge(frame, duration_s)
        if verdict.status is not self._candidate.status:
            self._since_s = time_s
        self._candidate = verdict
        held_s = time_s - self._since_s
        if verdict.status is not self._health.status and held_s >= self._hold_s(verdict.status):
            self._health = verdict
        if verdict is MOVED and held_s >= self._settings.adopt_s:
            self._usual.forget()
        return self._health

    def _judge(self, frame: SampledFrame, duration_s: float) -> Health:
        """Say what is wrong with this frame alone, and learn from it if nothing is."""
        view = look(frame)
        is_frozen = self._freeze.is_frozen(frame.luma, frame.time_s)
        verdict = BLACK if view.is_black else FROZEN if is_frozen else self._compare(view)
        if verdict is HEALTHY:
            self._usual.learn(view, duration_s)
        return verdict

    def _compare(self, view: View) -> Health:
        if self._usual.known_s < self._settings.learn_s:
            return HEALTHY
        return self._difference(self._usual.compare(view))

    def _difference(self, likeness: Likeness) -> Health:
        settings = self._settings
        is_blurred = likeness.sharpness < settings.min_sharpness
        is_faint = likeness.contrast < settings.min_contrast
        if likeness.matched is None:
            return HEALTHY
        if likeness.matched >= settings.min_matched:
            return BLURRED if is_blurred else HEALTHY
        return COVERED if is_blurred or is_faint else MOVED

    def _hold_s(self, status: CameraStatus) -> float:
        settings = self._settings
        match status:
            case CameraStatus.ONLINE:
                return settings.recover_s
            case CameraStatus.COVERED:
                return settings.covered_hold_s
            case CameraStatus.FROZEN:
                return 0.0
            case _:
                return settings.hold_s
