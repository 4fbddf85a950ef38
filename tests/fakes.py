"""Stand-ins for what is slow or outside: each keeps the protocol of the real thing, in a few lines."""

import math
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from models.checkpoint import Checkpoint, Task
from models.movement import NO_MOVEMENT, Movement
from models.runtime import U8, ClipBatch, ClipUnderstanding, FrameFeatures
from pipeline.alarm import AlarmChange, AlarmPhase
from pipeline.anomaly import Anomaly
from pipeline.errors import StateError
from pipeline.feedback import Lesson
from pipeline.gallery import NormalMoment
from pipeline.normality import NormalityScore
from pipeline.stream import DecodedFrame
from pipeline.types import CameraState, CameraStatus, Event, ObservedFrame, Region, SampledFrame, Snapshot


def checkpoint(**changes: object) -> Checkpoint:
    """Return the description of a small checkpoint that lies nowhere."""
    fields: dict[str, object] = {
        "folder": Path("nowhere"),
        "name": "fake",
        "version": "0",
        "trained": False,
        "pictures": ("fused",),
        "picture_px": 224,
        "num_frames": 4,
        "sample_fps": 5.0,
        "stride_s": 1.0,
        "feature_dim": 1280,
        "motion_dim": 16,
        "embedding_dim": 8,
        "tasks": {"fight": Task(("normal", "fight"), (None, None))},
        "files": {},
    }
    return Checkpoint(**{**fields, **changes})  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class FakeEncoder:
    """Encoder whose features are the mean pixel value / 255; every label of a task is equally likely."""

    checkpoint: Checkpoint
    name: str = "fake"

    def encode(self, pictures: U8) -> FrameFeatures:
        mean = (
            pictures.reshape(len(pictures), -1).mean(axis=1, dtype=np.float32) / 255
            if len(pictures)
            else np.zeros(0)
        )
        ones = np.asarray(mean, np.float32)[:, None]
        return FrameFeatures(
            pooled=np.repeat(ones, self.checkpoint.feature_dim, axis=1),
            grid=np.repeat(ones, 112 * 14 * 14, axis=1).reshape(-1, 112, 14, 14),
        )

    def understand(self, clips: ClipBatch) -> ClipUnderstanding:
        count, tasks = len(clips.mask), self.checkpoint.tasks
        mean = (clips.features.mean(axis=2) * clips.mask).mean(axis=1)
        return ClipUnderstanding(
            embedding=np.repeat(mean[:, None], self.checkpoint.embedding_dim, axis=1).astype(np.float32),
            probabilities={
                name: np.full((count, len(task.labels)), 1 / len(task.labels), np.float32)
                for name, task in tasks.items()
            },
        )

    def warm_up(self) -> None:
        return


@dataclass(slots=True)
class SummingEncoder:
    """Says fight with log-odds of the sum, over the real frames, of the first feature and of motion."""

    batches: int = 0

    def understand(self, clips: ClipBatch) -> ClipUnderstanding:
        self.batches += 1
        total = ((clips.features[..., 0] + clips.motion[..., 0]) * clips.mask).sum(axis=1, dtype=np.float64)
        fight = 1 / (1 + np.exp(-total))
        embedding = np.zeros((len(total), 1), np.float32)
        return ClipUnderstanding(embedding, {"fight": np.stack([1 - fight, fight], axis=1)})


@dataclass(slots=True)
class ManualClock:
    """Clock that stands still until a test moves it."""

    monotonic: float = 100.0
    utc: float = 1_700_000_000.0

    def monotonic_s(self) -> float:
        return self.monotonic

    def utc_s(self) -> float:
        return self.utc

    def advance(self, duration_s: float) -> None:
        self.monotonic += duration_s
        self.utc += duration_s


class ManualStop(threading.Event):
    """Stop event whose waiting takes no time but moves the clock; set once `waits` have been waited."""

    def __init__(self, clock: ManualClock, *, waits: int = 1_000_000) -> None:
        super().__init__()
        self.clock = clock
        self.waits_left = waits
        self.waited_s: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        if self.is_set():
            return True
        self.waited_s.append(timeout or 0.0)
        self.clock.advance(timeout or 0.0)
        self.waits_left -= 1
        if self.waits_left <= 0:
            self.set()
        return self.is_set()


@dataclass(slots=True)
class ScriptedOpener:
    """Opener of which each call takes the next step of a script: frames to deliver or an error to raise."""

    script: list[Sequence[DecodedFrame] | Exception]
    on_call: Callable[[], None] = lambda: None
    calls: int = 0

    def __call__(self, settings, clock, *, stop=None, on_drop=None):
        return closing(self._play())

    def _play(self):
        self.on_call()
        step = self.script[min(self.calls, len(self.script) - 1)]
        self.calls += 1
        if isinstance(step, Exception):
            raise step
        for frame in step:
            if isinstance(frame, Exception):
                raise frame
            yield frame


@dataclass(slots=True)
class RecordingReporter:
    """CameraReporter that keeps each status and its reason, in order."""

    statuses: list[tuple[CameraStatus, str]] = field(default_factory=list)

    def status(
        self, camera: str, status: CameraStatus, *, reason: str, captured_s: float, utc_s: float
    ) -> None:
        self.statuses.append((status, reason))


@dataclass(slots=True)
class RecordingMailbox:
    """Mailbox that keeps all frames it is given."""

    frames: list[ObservedFrame] = field(default_factory=list)

    def put(self, camera: str, frame: ObservedFrame) -> None:
        self.frames.append(frame)


@dataclass(slots=True)
class RecordingListener:
    """Listener that keeps what it hears, in order."""

    events: list[Event] = field(default_factory=list)
    statuses: list[tuple[str, CameraStatus, str]] = field(default_factory=list)
    states: list[CameraState] = field(default_factory=list)
    snapshots: list[tuple[Event, Snapshot]] = field(default_factory=list)

    def on_event(self, event: Event) -> None:
        self.events.append(event)

    def on_status(self, camera: str, status: CameraStatus, reason: str) -> None:
        self.statuses.append((camera, status, reason))

    def on_state(self, state: CameraState) -> None:
        self.states.append(state)

    def on_snapshot(self, event: Event, snapshot: Snapshot) -> None:
        self.snapshots.append((event, snapshot))


def observed_frame(
    time_s: float, *, still: bool = False, begins: bool = False, value: int = 0, pictures: int = 1
) -> ObservedFrame:
    """Return a tiny frame of one grey value that arrived and was sampled at `time_s` on all clocks."""
    rgb = np.full((4, 4, 3), value, np.uint8)
    return ObservedFrame(
        frame=SampledFrame(
            time_s, utc_s=time_s, arrived_s=time_s, rgb=rgb, luma=np.zeros((36, 64), np.uint8)
        ),
        still=still,
        pictures=np.full((0 if still else pictures, 4, 4, 3), value, np.uint8),
        movement=NO_MOVEMENT,
        descriptor=np.full(16, value, np.float32),
        begins=begins,
    )


def moving(frame: ObservedFrame, rows: slice, columns: slice) -> ObservedFrame:
    """Return the frame with these of the 40 x 60 cells moving, one picture width a second to the right."""
    cells = np.zeros_like(NO_MOVEMENT.cells)
    cells[rows, columns] = 1, 1, 0
    return replace(frame, movement=replace(NO_MOVEMENT, cells=cells))


LEFT_TOP = Region(0.0, 0.0, 0.5, 0.5)


def pictures(marked: bytes = b"jpeg", **changes: object) -> Snapshot:
    """Return a snapshot of which each picture says what it is."""
    fields: dict[str, object] = {"picture": b"plain", "marked": marked, "thumbnail": b"small"}
    return Snapshot(**{**fields, "width_px": 64, "height_px": 36, **changes})  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a scripted detector says of one frame; `peak` is the alarm's highest level, else `level` is.

    `frame_level` is that of the frame alone: in most scripts it is high whenever the second before it was.
    """

    level: float = 0.1
    phase: AlarmPhase | None = None
    region: Region = LEFT_TOP
    words: str = "unusual motion"
    peak: float | None = None
    signature: tuple[float, ...] = ()
    frame_level: float = 1.0


@dataclass(slots=True)
class ScriptedDetector:
    """AnomalyDetector that says what it was told to say at each time, whatever it sees."""

    script: dict[float, Verdict] = field(default_factory=dict)
    observed: list[tuple[float, float, bool]] = field(default_factory=list)  # time, mean of grid, suppressed
    rested: list[tuple[float, bool]] = field(default_factory=list)
    budgets: list[float] = field(default_factory=list)
    calibration_ratio: float = 0.25
    budget_used_ratio: float = 0.5
    expected_per_day: float = 1.25
    actual_per_day: float = 0.5
    lessons: list[Lesson] = field(default_factory=list)
    relearned: list[float] = field(default_factory=list)
    shown: list[tuple[float, tuple[int, ...]]] = field(default_factory=list)  # time, shape of the picture
    normal: NormalMoment | None = None
    unusual_share: float = 0.0
    surprises: list[float | None] = field(default_factory=list)

    def expect(self, surprise: float | None) -> None:
        self.surprises.append(surprise)

    def teach(self, lesson: Lesson) -> None:
        self.lessons.append(lesson)

    @property
    def alarm(self) -> "ScriptedDetector":
        return self

    def set_budget(self, per_day: float) -> None:
        self.budgets.append(per_day)

    def observe(
        self,
        grid: np.ndarray | None,
        movement: Movement,
        time_s: float,
        *,
        suppressed: bool,
        relearn: bool = False,
    ) -> Anomaly:
        self.relearned += [time_s] if relearn else []
        self.observed.append((time_s, math.nan if grid is None else float(grid.mean()), suppressed))
        return self._say(time_s)

    def rest(self, time_s: float, *, suppressed: bool, relearn: bool = False) -> Anomaly:
        self.rested.append((time_s, suppressed))
        return self._say(time_s)

    def show(self, draw: Callable[[], np.ndarray], time_s: float) -> None:
        self.shown.append((time_s, draw().shape))

    def nearest_normal(self, region: Region) -> NormalMoment | None:
        return self.normal

    def to_bytes(self) -> bytes:
        return f"{len(self.observed)} frames".encode()

    def load(self, path: Path) -> None:
        if not path.read_text().endswith(" frames"):
            raise StateError(f"{path.name} is damaged.")
        self.calibration_ratio = 1.0

    def _say(self, time_s: float) -> Anomaly:
        verdict = self.script.get(time_s, Verdict())
        signature = np.array(verdict.signature, np.float32)
        score = NormalityScore(
            verdict.level, None, None, verdict.region, verdict.words, part="motion", signature=signature
        )
        level = verdict.level if verdict.peak is None else verdict.peak
        change = verdict.phase and AlarmChange(verdict.phase, time_s, time_s, level, p_value=0.01)
        return Anomaly(score, verdict.level, change, frame_level=verdict.frame_level)
