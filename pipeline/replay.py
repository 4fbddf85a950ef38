"""Recordings in, what the live stages say of each frame out: one thread, no pacing, time as recorded.

The camera is read by `Camera` and understood by `Inference`, exactly as live; only the clock is another.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import av
from prometheus_client import CollectorRegistry

from models.checkpoint import Checkpoint
from models.motion import MotionRenderer, MotionSettings
from models.runtime import Encoder
from pipeline.analysis import CameraAnalysis, Outlets, stages_for
from pipeline.anomaly import Anomaly, AnomalySettings
from pipeline.behaviour import BehaviourSettings
from pipeline.camera import Camera, CameraLinks, CameraSettings
from pipeline.control_chart import DAY_S
from pipeline.controls import CameraControls
from pipeline.errors import SourceUnreachable
from pipeline.events import EventBook
from pipeline.explanation import Explainer
from pipeline.image_folder import list_images
from pipeline.inference import Inference
from pipeline.mailbox import MAX_FRAMES_PER_CAMERA, Mailbox
from pipeline.metrics import Metrics
from pipeline.reporter import StatusReporter
from pipeline.source import SourceSettings, open_source
from pipeline.stream import DecodedFrame
from pipeline.types import CameraState, CameraStatus, Event, Snapshot

CAMERA = "replay"
# Between two recordings lies an interruption, long enough for every stage to notice.
PAUSE_S = 60.0
# Where there is less to learn from than the learning phase asks for, it takes this share of what there is.
LEARN_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class ReplaySettings:
    """How recordings are analysed; `image_fps` is how many images of a folder make a second.

    `sample_fps` is that of the checkpoint where it is None. `budget_per_day`, where it is None, is one
    alarm in the time that was learned, 343 a day for 252 s: the rarest that so much footage can tell without
    guessing. Without lessons it is 1.
    """

    sample_fps: float | None = None
    image_fps: float = 10.0
    budget_per_day: float | None = None
    anomaly: AnomalySettings = field(default_factory=AnomalySettings)
    behaviour: BehaviourSettings = field(default_factory=BehaviourSettings)


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """What one analysed frame led to.

    `time_s` is counted from the beginning of the source; `frame_times_s` are those of this frame and of the
    frames after it that were not sampled. `anomaly` is None where the frame was not judged.
    In `events`, `start_utc_s` and `end_utc_s` are seconds since the beginning of the replay.
    """

    source: str
    time_s: float
    anomaly: Anomaly | None
    events: tuple[Event, ...]
    frame_times_s: tuple[float, ...] = ()


def replay(
    sources: Sequence[Path], *, encoder: Encoder, settings: ReplaySettings, learn: Sequence[Path] = ()
) -> Iterator[ReplayResult]:
    """Play `learn` and then `sources`, as if one camera had seen them; yield what the sources led to.

    A source is a video, a folder of numbered images, or a folder of such folders.

    Raises:
        SourceError: A source cannot be read.
    """
    player = taught(learn, encoder=encoder, settings=settings)
    for path in sources:
        for clip in clips_of(path):
            yield from player.play(clip)


def taught(
    learn: Sequence[Path],
    *,
    encoder: Encoder,
    settings: ReplaySettings,
    on_lesson: Callable[[Path], None] | None = None,
) -> "Player":
    """Return a player that has seen `learn`; `on_lesson` is told of each recording when it is over.

    Raises:
        SourceError: A recording cannot be read.
    """
    lessons = [clip for path in learn for clip in clips_of(path)]
    if lessons:
        lesson_s = sum(duration_s(clip, image_fps=settings.image_fps) for clip in lessons)
        settings = _learning_within(settings, LEARN_SHARE * lesson_s)
        if settings.budget_per_day is None and lesson_s > 0:
            settings = replace(settings, budget_per_day=DAY_S / lesson_s)
    player = Player(encoder, settings)
    for clip in lessons:
        for _ in player.play(clip):
            pass
        if on_lesson is not None:
            on_lesson(clip)
    return player


def clips_of(path: Path) -> list[Path]:
    """Return the folders in a folder of folders, in order of their names; else the path itself."""
    folders = sorted(entry for entry in path.iterdir() if entry.is_dir()) if path.is_dir() else []
    return folders or [path]


def duration_s(clip: Path, *, image_fps: float) -> float:
    """Return how long a recording lasts; 0 where its container does not say.

    Raises:
        SourceUnreachable: It cannot be read.
    """
    try:
        if clip.is_dir():
            return len(list_images(clip)) / image_fps
        with av.open(str(clip)) as container:
            return (container.duration or 0) / av.time_base
    except (OSError, av.error.FFmpegError) as error:
        raise SourceUnreachable(f"{clip} cannot be read: {error.strerror}") from error


def _budget(settings: ReplaySettings) -> float:
    return 1.0 if settings.budget_per_day is None else settings.budget_per_day


def _learning_within(settings: ReplaySettings, limit_s: float) -> ReplaySettings:
    normality = settings.anomaly.normality
    shorter = replace(normality, learn_s=min(normality.learn_s, max(limit_s, 1.0)))
    return replace(settings, anomaly=replace(settings.anomaly, normality=shorter))


class ReplayClock:
    """The time of the frame that is played, for wall clock and monotonic clock alike."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic_s(self) -> float:
        """Return seconds since the beginning of the replay."""
        return self.now_s

    def utc_s(self) -> float:
        """Return the same."""
        return self.now_s


class _Notes:
    """Listener that keeps the events of the newest frame."""

    def __init__(self) -> None:
        self._events: list[Event] = []

    def take(self) -> tuple[Event, ...]:
        """Return what came since the last call."""
        events, self._events = self._events, []
        return tuple(events)

    def on_event(self, event: Event) -> None:
        self._events.append(event)

    def on_status(self, camera: str, status: CameraStatus, reason: str) -> None: ...
    def on_state(self, state: CameraState) -> None: ...
    def on_snapshot(self, event: Event, snapshot: Snapshot) -> None: ...


class Player:
    """One camera with all its stages, played by hand."""

    def __init__(self, encoder: Encoder, settings: ReplaySettings) -> None:
        self._settings = settings
        self._clock = ReplayClock()
        self._notes = _Notes()
        metrics = Metrics(CollectorRegistry())
        self._book = EventBook(self._notes, self._clock, metrics=metrics)
        outlets = Outlets(self._book, self._notes, metrics)
        stages = stages_for(encoder.checkpoint, settings.anomaly, settings.behaviour)
        stages = replace(stages, explainer=Explainer(encoder))
        self._detector = stages.anomaly
        controls = CameraControls(budget_per_day=_budget(settings))
        cameras = {CAMERA: CameraAnalysis(CAMERA, controls, stages=stages, outlets=outlets)}
        mailbox = Mailbox(MAX_FRAMES_PER_CAMERA, metrics)
        self._inference = Inference(encoder, mailbox, cameras=cameras, clock=self._clock, metrics=metrics)
        links = CameraLinks(
            opener=open_source,
            clock=self._clock,
            metrics=metrics,
            frames=mailbox,
            reporter=StatusReporter(outlets, cameras=cameras),
            motion=_motion(encoder.checkpoint),
            is_enabled=lambda: True,
        )
        self._camera = Camera(_camera(encoder.checkpoint, settings), links)
        self._end_s = -PAUSE_S

    @property
    def settings(self) -> ReplaySettings:
        """Return how recordings are analysed, with the budget that follows from what was learned."""
        return self._settings

    def stop_learning(self) -> None:
        """Judge by what is known: normality learns nothing more, only the alarm's calibration goes on."""
        self._detector.stop_learning()

    def play(self, clip: Path) -> Iterator[ReplayResult]:
        """Play one recording; what is open at its end is ended with its last frame.

        Raises:
            SourceError: It cannot be read.
        """
        begin_s, last = self._end_s + PAUSE_S, None
        times_s: list[float] = []
        source = SourceSettings(str(clip), fps=self._settings.image_fps, realtime=False)
        with open_source(source, self._clock) as frames:
            for frame in frames:
                if self._show(frame, begin_s):
                    if last is not None:
                        yield replace(last, frame_times_s=tuple(times_s))
                        times_s = []
                    last = ReplayResult(str(clip), frame.time_s, self._detector.newest, self._notes.take())
                times_s.append(frame.time_s)
        self._book.end_all(CAMERA, "The recording has ended.")
        if last is not None:
            yield replace(last, events=last.events + self._notes.take(), frame_times_s=tuple(times_s))

    def _show(self, frame: DecodedFrame, begin_s: float) -> bool:
        """Let the camera see one frame; say whether the sampler chose it."""
        self._end_s = self._clock.now_s = begin_s + frame.time_s
        self._camera.take(DecodedFrame(frame.original, self._end_s, self._end_s))
        return self._inference.step(0.0) > 0


def _camera(checkpoint: Checkpoint, settings: ReplaySettings) -> CameraSettings:
    return CameraSettings(
        name=CAMERA,
        source=SourceSettings(CAMERA),
        sample_fps=settings.sample_fps or checkpoint.sample_fps,
        picture_px=checkpoint.picture_px,
    )


def _motion(checkpoint: Checkpoint) -> MotionRenderer:
    return MotionRenderer(MotionSettings(checkpoint.pictures, checkpoint.picture_px))
