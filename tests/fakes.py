"""Stand-ins for what is slow or outside: each keeps the protocol of the real thing, in a few lines."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from models.checkpoint import Checkpoint, Task
from models.runtime import U8, ClipBatch, ClipUnderstanding, FrameFeatures
from pipeline.alarm import AlarmChange, AlarmPhase
from pipeline.anomaly import Anomaly
from pipeline.errors import StateError
from pipeline.normality import NormalityScore
from pipeline.types import CameraState, CameraStatus, Event, ObservedFrame, Region, SampledFrame


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
class ManualClock:
    """Clock that stands still until a test moves it."""

    monotonic: float = 100.0
    utc: float = 1_700_000_000.0

    def monotonic_s(self) -> float:
        return self.monotonic

    def utc_s(self) -> float:
        return self.utc


@dataclass(slots=True)
class RecordingListener:
    """Listener that keeps what it hears, in order."""

    events: list[Event] = field(default_factory=list)
    statuses: list[tuple[str, CameraStatus, str]] = field(default_factory=list)
    states: list[CameraState] = field(default_factory=list)
    snapshots: list[tuple[Event, bytes]] = field(default_factory=list)

    def on_event(self, event: Event) -> None:
        self.events.append(event)

    def on_status(self, camera: str, status: CameraStatus, reason: str) -> None:
        self.statuses.append((camera, status, reason))

    def on_state(self, state: CameraState) -> None:
        self.states.append(state)

    def on_snapshot(self, event: Event, jpeg: bytes) -> None:
        self.snapshots.append((event, jpeg))


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
        flow=np.zeros((14, 14, 2), np.float32),
        descriptor=np.full(16, value, np.float32),
        begins=begins,
    )


LEFT_TOP = Region(0.0, 0.0, 0.5, 0.5)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a scripted detector says of one frame; `peak` is the alarm's highest score, else `level` is."""

    level: float = 0.1
    phase: AlarmPhase | None = None
    region: Region = LEFT_TOP
    words: str = "unusual motion"
    peak: float | None = None


@dataclass(slots=True)
class ScriptedDetector:
    """AnomalyDetector that says what it was told to say at each time, whatever it sees."""

    script: dict[float, Verdict] = field(default_factory=dict)
    observed: list[tuple[float, float, bool]] = field(default_factory=list)  # time, mean of grid, suppressed
    rested: list[tuple[float, bool]] = field(default_factory=list)
    budgets: list[float] = field(default_factory=list)
    calibration_ratio: float = 0.25
    budget_used_ratio: float = 0.5

    @property
    def alarm(self) -> "ScriptedDetector":
        return self

    def set_budget(self, per_day: float) -> None:
        self.budgets.append(per_day)

    def level(self, score: float) -> float:
        return score

    def observe(self, grid: np.ndarray, flow: np.ndarray, time_s: float, *, suppressed: bool) -> Anomaly:
        self.observed.append((time_s, float(grid.mean()), suppressed))
        return self._say(time_s)

    def rest(self, time_s: float, *, suppressed: bool) -> Anomaly:
        self.rested.append((time_s, suppressed))
        return self._say(time_s)

    def save(self, path: Path) -> None:
        path.write_text(f"{len(self.observed)} frames")

    def load(self, path: Path) -> None:
        if not path.read_text().endswith(" frames"):
            raise StateError(f"{path.name} is damaged.")
        self.calibration_ratio = 1.0

    def _say(self, time_s: float) -> Anomaly:
        verdict = self.script.get(time_s, Verdict())
        score = NormalityScore(verdict.level, None, None, verdict.region, verdict.words)
        score_so_far = verdict.level if verdict.peak is None else verdict.peak
        change = verdict.phase and AlarmChange(verdict.phase, time_s, time_s, score_so_far, p_value=0.01)
        return Anomaly(score, verdict.level, change)
