"""One camera after the encoder: its frames' features in, its events, snapshots and state out."""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.checkpoint import Checkpoint, root_of
from models.clip_vector import ClipReader, pack
from models.files import write_file
from pipeline.absence_events import AbsenceEvents
from pipeline.alarm_events import AlarmEvents
from pipeline.anomaly import Anomaly, AnomalyDetector, AnomalySettings
from pipeline.behaviour import Behaviour, BehaviourSettings
from pipeline.behaviour_events import BehaviourEvents, Moment
from pipeline.clip_buffer import Clip, ClipBuffer
from pipeline.controls import CameraControls
from pipeline.errors import StateError
from pipeline.events import EventBook, EventKey, Finding
from pipeline.evidence import THUMBNAIL_PX, Reason, snapshot
from pipeline.explanation import Explainer
from pipeline.feedback import Lesson
from pipeline.heat import heat_layer
from pipeline.metrics import Metrics
from pipeline.presence import NO_PRESENCE, Presence
from pipeline.presence_events import PresenceEvents
from pipeline.privacy import EVERYTHING_SHOWN, Privacy
from pipeline.recent import RecentFrames
from pipeline.recent_peak import RecentPeak
from pipeline.scene_change import Scene, SceneChange
from pipeline.trouble import Trouble
from pipeline.types import (
    CameraState,
    CameraStatus,
    Event,
    EventKind,
    EventPhase,
    Listener,
    ObservedFrame,
    SampledFrame,
    Severity,
)

logger = logging.getLogger(__name__)

F32 = NDArray[np.float32]

STATE_INTERVAL_S = 1.0
CHANGED_LABEL = "changed"
CHANGED = "The whole picture looks different at once, as after a light was switched."
LEARNED = "The new look of the picture is the usual one now."
# A task that sets a label against this one looks for something that should not happen.
NORMAL_LABEL = "normal"
# A clip that is filled less says too little about behaviour.
MIN_CLIP_RATIO = 0.5


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """What the encoder saw in one frame: `pooled` (P * 1280,).

    `grid` (112, 14, 14) is of the picture that shows what stands there; None where that is held.
    """

    pooled: F32
    grid: F32 | None


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages that one camera owns.

    `stride_s` is how far apart decisions are; `alert_tasks` names the tasks whose behaviours are alarms.
    `presence` watches zones; `explainer` says why a behaviour's event began, without one it says only what.
    `privacy` is what of the frames may be shown.
    `reader` gives events the vector that search compares them by.
    """

    clips: ClipBuffer
    anomaly: AnomalyDetector
    behaviour: Behaviour
    stride_s: float
    alert_tasks: frozenset[str] = frozenset()
    presence: Presence = NO_PRESENCE
    explainer: Explainer | None = None
    privacy: Privacy = EVERYTHING_SHOWN
    reader: ClipReader | None = None


@dataclass(frozen=True, slots=True)
class Outlets:
    """Where the findings of all cameras go."""

    book: EventBook
    listener: Listener
    metrics: Metrics


def stages_for(
    checkpoint: Checkpoint,
    anomaly: AnomalySettings,
    behaviour: BehaviourSettings,
    *,
    presence: Presence = NO_PRESENCE,
    privacy: Privacy = EVERYTHING_SHOWN,
) -> Stages:
    """Return new stages for one camera, in the sizes that the checkpoint asks for."""
    feature_dim = checkpoint.feature_dim * len(checkpoint.pictures)
    return Stages(
        clips=ClipBuffer(checkpoint.num_frames, feature_dim, checkpoint.motion_dim),
        anomaly=AnomalyDetector(replace(anomaly, encoder=encoder_name(checkpoint), privacy=privacy.name)),
        behaviour=Behaviour(checkpoint.tasks, behaviour),
        # Half a frame less, lest a frame that comes a millisecond early wait for the next one.
        stride_s=checkpoint.stride_s - 0.5 / checkpoint.sample_fps,
        alert_tasks=frozenset(name for name, task in checkpoint.tasks.items() if NORMAL_LABEL in task.labels),
        presence=presence,
        privacy=privacy,
    )


def encoder_name(checkpoint: Checkpoint) -> str:
    """Return the name under which a state says whose features it remembers; other heads see the same ones."""
    return root_of(checkpoint.title)


def state_path(folder: Path, camera: str) -> Path:
    """Return where a camera's state lies in the folder of all."""
    return folder / f"{camera}.npz"


class CameraAnalysis:
    """Understands one camera; an inference thread feeds it, any other thread may tell it a status or save it.

    While the camera is anything but online, nothing is learned and no event begins: one event about the
    camera says so, not a hundred about what it seems to see.
    """

    def __init__(self, camera: str, controls: CameraControls, *, stages: Stages, outlets: Outlets) -> None:
        self.camera = camera
        self._controls = controls
        self._stages = stages
        self._book = outlets.book
        self._listener = outlets.listener
        self._metrics = outlets.metrics
        self._recent = RecentFrames(stages.clips.num_frames)
        self._alarm_events = AlarmEvents(camera, stages.anomaly, outlets.book, pack_clip=self._packed_clip)
        self._absence_events = AbsenceEvents(camera, outlets.book)
        self._presence_events = PresenceEvents(camera, outlets.book)
        self._behaviour_events = BehaviourEvents(
            camera, outlets.book, alert_tasks=stages.alert_tasks, explainer=stages.explainer
        )
        self._lock = threading.Lock()
        self._status = CameraStatus.ONLINE
        self._budget_per_day: float | None = None
        self._decided_s = float("-inf")
        self._newest_s = float("-inf")
        self._peak = RecentPeak()
        self._state: CameraState | None = None
        self._state_due_s = float("-inf")
        self._scene = SceneChange()
        self._is_relearning = False
        self._saving = Trouble(
            logger,
            lambda reason: f"what camera {camera} has learned could not be saved: {reason}",
            over=f"what camera {camera} has learned is saved again",
            level=logging.WARNING,
        )

    def absorb(self, frame: ObservedFrame, encoded: EncodedFrame | None) -> None:
        """Take the camera's next frame; `encoded` is None where it is still.

        A still frame with nothing before it to repeat is dropped and counted: the gate must not send one.
        """
        with self._lock:
            if frame.begins:
                self._stages.clips.clear()
                self._recent.clear()
                self._decided_s = float("-inf")
            if not self._remember(frame, encoded):
                self._metrics.frames_dropped.labels(self.camera, "nothing_to_repeat").inc()
                return
            self._newest_s = frame.frame.utc_s
            self._judge(frame, encoded)
            self._watch(frame)
            self._tell_state(frame.frame.utc_s, motion=not frame.still)

    @property
    def due_clip(self) -> Clip | None:
        """Return the clip that ends now if a stride has passed since the last decision, else None."""
        with self._lock:
            if self._newest_s < self._decided_s + self._stages.stride_s:
                return None
            if self._stages.clips.filled_ratio < MIN_CLIP_RATIO:
                return None
            return self._stages.clips.clip()

    def expect(self, surprise: float | None) -> None:
        """Take how badly the last second of `due_clip` was guessed; None where the model cannot tell."""
        with self._lock:
            self._stages.anomaly.expect(surprise)

    def decide(self, frame: SampledFrame, probabilities: Mapping[str, F32]) -> None:
        """Take what the temporal model says of `due_clip`, (labels,) per task; `frame` is its newest."""
        with self._lock:
            self._decided_s = frame.utc_s
            if self._status is CameraStatus.ONLINE and self._controls.snapshot().behaviour:
                self._tell_behaviours(frame, probabilities)
            else:
                self._quiet(EventKind.BEHAVIOUR, "Behaviour events were switched off.")

    def take_status(self, status: CameraStatus, reason: str) -> None:
        """Take the camera's new status; whatever it seemed to see ends where it is not online."""
        with self._lock:
            if self._status is CameraStatus.MOVED and status is CameraStatus.ONLINE:
                self._scene.relearn()
                self._is_relearning = True  # that it was moved has been told
            elif status is not CameraStatus.ONLINE:
                self._scene.forget()
            self._status = status
            if status is not CameraStatus.ONLINE:
                self._quiet(EventKind.ANOMALY, reason)
                self._quiet(EventKind.BEHAVIOUR, reason)
                self._peak.clear()
                self._publish_state(motion=False)

    def teach(self, lesson: Lesson) -> None:
        """Take a person's word on one of this camera's alarms."""
        with self._lock:
            self._stages.anomaly.teach(lesson)

    def save(self, folder: Path) -> None:
        """Keep what was learned as `<folder>/<camera>.npz`; a full disk is logged once and changes nothing.

        A slow disk keeps nobody waiting: analysis goes on while it writes.
        """
        with self._lock:
            state = self._stages.anomaly.to_bytes()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_file(state_path(folder, self.camera), state, durable=True)
        except OSError as error:
            self._saving.failed(error)
            return
        self._saving.succeeded()

    def load(self, folder: Path) -> None:
        """Take up what was learned before; a damaged file is logged and learning starts anew."""
        path = state_path(folder, self.camera)
        if not path.exists():
            return
        try:
            with self._lock:
                self._stages.anomaly.load(path)
                self._budget_per_day = None  # what was loaded knows another budget
        except (StateError, OSError) as error:
            logger.warning("camera %s starts to learn anew: %s", self.camera, error)

    def _packed_clip(self) -> bytes:
        """Return the packed vector of the clip that ends now; nothing where nothing is searched by it."""
        reader = self._stages.reader
        if reader is None:
            return b""
        clip = self._stages.clips.clip()
        return pack(reader.vector(clip.features, clip.motion, clip.mask))

    def _remember(self, frame: ObservedFrame, encoded: EncodedFrame | None) -> bool:
        if encoded is not None:
            self._stages.clips.append(encoded.pooled, frame.descriptor)
        elif self._stages.clips.filled_ratio == 0:
            return False
        else:
            self._stages.clips.repeat(frame.descriptor)
        self._recent.add(frame)
        return True

    def _judge(self, frame: ObservedFrame, encoded: EncodedFrame | None) -> None:
        switches = self._controls.snapshot()
        detector = self._stages.anomaly
        if switches.budget_per_day != self._budget_per_day:
            self._budget_per_day = switches.budget_per_day
            detector.alarm.set_budget(switches.budget_per_day)
        is_seeing = self._status is CameraStatus.ONLINE and switches.anomaly
        scene = self._look_at_scene(frame) if is_seeing else Scene.STEADY
        rests = is_seeing and self._scene.lets_alarms_rest
        suppressed, relearn = not is_seeing or rests, rests and scene is Scene.RELEARNING
        utc_s = frame.frame.utc_s
        if encoded is None:
            anomaly = detector.rest(utc_s, suppressed=suppressed, relearn=relearn)
        else:
            grid, movement = encoded.grid, frame.movement
            anomaly = detector.observe(grid, movement, utc_s, suppressed=suppressed, relearn=relearn)
            self._show(frame.frame)
        self._peak.add(utc_s, anomaly.level)
        if not is_seeing:
            self._quiet(EventKind.ANOMALY, "Anomaly events were switched off.")
        elif suppressed:
            self._quiet(EventKind.ANOMALY, "The whole picture has changed.")
        else:
            self._tell_anomaly(anomaly, frame)

    def _show(self, frame: SampledFrame) -> None:
        """Let the detector keep what a normal moment looks like."""
        original = frame.original
        if original is not None:
            privacy = self._stages.privacy
            self._stages.anomaly.show(lambda: privacy.picture_of(original, THUMBNAIL_PX), frame.utc_s)

    def _watch(self, frame: ObservedFrame) -> None:
        """Tell of whatever moves in a zone that is watched."""
        if self._status is not CameraStatus.ONLINE or not self._controls.snapshot().behaviour:
            self._stages.presence.forget()
            return
        for change in self._stages.presence.update(frame.frame.utc_s, frame.movement):
            event = self._presence_events.take(change, frame.frame, self._packed_clip())
            if event is not None:
                self._tell_snapshot(event, frame.frame)

    def _look_at_scene(self, frame: ObservedFrame) -> Scene:
        """Notice where the whole picture becomes another one; report that once, and when it is learned."""
        seen = frame.frame
        if frame.begins:
            self._scene.forget()
        scene = self._scene.observe(seen.luma, self._stages.anomaly.unusual_share, seen.utc_s)
        key = EventKey(self.camera, EventKind.CAMERA, CHANGED_LABEL)
        if scene is Scene.RELEARNING and not self._is_relearning:
            finding = Finding(1.0, Severity.INFO, CHANGED, utc_s=seen.utc_s, captured_s=seen.arrived_s)
            self._book.begin(key, finding)
        elif scene is Scene.STEADY and self._is_relearning:
            self._book.end(key, LEARNED, utc_s=seen.utc_s, captured_s=seen.arrived_s)
        self._is_relearning = scene is Scene.RELEARNING or (self._is_relearning and scene is Scene.UNSETTLED)
        return scene

    def _tell_anomaly(self, anomaly: Anomaly, frame: ObservedFrame) -> None:
        event = self._alarm_events.take(anomaly, frame)
        if event is not None:
            normal = self._alarm_events.nearest_normal
            jpeg = None if normal is None else normal.jpeg
            self._tell_snapshot(event, frame.frame, heat=anomaly.normality.heat, normal=jpeg)
        absence = self._absence_events.take(anomaly.absence, frame.frame)
        if absence is not None:
            self._tell_snapshot(absence, frame.frame)

    def _tell_behaviours(self, frame: SampledFrame, probabilities: Mapping[str, F32]) -> None:
        for change in self._stages.behaviour.update(frame.utc_s, probabilities):
            moment = Moment(frame, self._stages.clips.clip(), self._recent, self._packed_clip())
            told = self._behaviour_events.take(change, moment)
            if told is not None:
                self._tell_snapshot(told.event, told.picture, heat=told.heat)

    def _tell_snapshot(
        self, event: Event, frame: SampledFrame, *, heat: F32 | None = None, normal: bytes | None = None
    ) -> None:
        if event.phase is EventPhase.NEW and frame.original is not None:
            privacy = self._stages.privacy
            layer = None if heat is None else heat_layer(heat, privacy.hidden_cells)
            reason = Reason(event.region, layer, normal)
            self._listener.on_snapshot(event, snapshot(privacy.picture_of(frame.original), reason))

    def _tell_state(self, utc_s: float, *, motion: bool) -> None:
        if 0 < self._state_due_s - utc_s <= STATE_INTERVAL_S:
            return
        self._state_due_s = utc_s + STATE_INTERVAL_S
        self._publish_state(motion=motion)

    def _publish_state(self, *, motion: bool) -> None:
        detector = self._stages.anomaly
        expected = detector.alarm.expected_per_day
        state = CameraState(
            camera=self.camera,
            motion=motion,
            anomaly_score=round(self._peak.level, 2),
            calibration_ratio=round(detector.calibration_ratio, 2),
            behaviour=self._stages.behaviour.current,
            active_events=tuple(event.label for event in self._book.active(self.camera)),
            expected_per_day=None if expected is None else round(expected, 1),
            actual_per_day=round(detector.alarm.actual_per_day, 1),
        )
        self._metrics.anomaly_score.labels(self.camera).set(self._peak.level)
        self._metrics.calibration_ratio.labels(self.camera).set(detector.calibration_ratio)
        self._metrics.alarm_budget_used.labels(self.camera).set(detector.budget_used_ratio)
        if expected is not None:
            self._metrics.alarms_expected.labels(self.camera).set(expected)
        self._metrics.alarms_actual.labels(self.camera).set(detector.alarm.actual_per_day)
        self._metrics.alarm_budget.labels(self.camera).set(self._controls.snapshot().budget_per_day)
        if state != self._state:
            self._state = state
            self._listener.on_state(state)

    def _quiet(self, kind: EventKind, reason: str) -> None:
        if kind is EventKind.ANOMALY:
            self._alarm_events.forget()
        else:
            self._stages.behaviour.forget()
            self._stages.presence.forget()
            self._behaviour_events.forget()
        self._book.end_all(self.camera, reason, kind=kind)
