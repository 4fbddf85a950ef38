"""What the stages hand to one another: frames, regions, events; immutable, with the unit in every name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from models.geometry import Point
from models.geometry import Region as Region  # noqa: PLC0414 - re-exported: stages import it from here
from models.movement import Movement

Rgb = NDArray[np.uint8]  # (height, width, 3), red first
Luma = NDArray[np.uint8]  # (height, width)


class CameraStatus(StrEnum):
    """What a camera is at this moment; the retained payload of `<base>/<camera>/status`."""

    ONLINE = "online"
    OFFLINE = "offline"
    FROZEN = "frozen"
    COVERED = "covered"
    BLURRED = "blurred"
    MOVED = "moved"
    DISABLED = "disabled"


class EventKind(StrEnum):
    """Which part of the daemon saw the event."""

    ANOMALY = "anomaly"
    BEHAVIOUR = "behaviour"
    CAMERA = "camera"


class EventPhase(StrEnum):
    """The three messages of one event's life; each new is followed by exactly one end."""

    NEW = "new"
    UPDATE = "update"
    END = "end"


class Severity(StrEnum):
    """How much the event asks for a person's attention."""

    INFO = "info"
    WARNING = "warning"
    ALERT = "alert"


@dataclass(frozen=True, slots=True)
class SampledFrame:
    """One frame that the sampler chose.

    `time_s` is stream time: pts times time_base, so that differences are true durations.
    `utc_s` is that time on the wall clock, `arrived_s` the monotonic clock when the frame was decoded.
    `rgb` is (S, S, 3), what the frame encoder sees before motion is drawn; `luma` is (36, 64).
    `original` is the decoder's own frame (`av.VideoFrame`), converted only if a snapshot is wanted.
    """

    time_s: float
    utc_s: float
    arrived_s: float
    rgb: Rgb
    luma: Luma
    original: Any = None


@dataclass(frozen=True, slots=True)
class ObservedFrame:
    """A sampled frame after the gate and with its motion made visible.

    `still` says that the frame encoder may reuse its last features.
    `pictures` is (P, S, S, 3) uint8, one per encoder pass, without the last where that is held
    (`models.motion.Picture`); empty (0, S, S, 3) where `still`.
    `movement` says what moves and how, for `pipeline.normality`; it is NO_MOVEMENT where `still`.
    `descriptor` is (F,) float32, the flow descriptor of the temporal model.
    `begins` says that the stream was interrupted before this frame: what was buffered is void.
    """

    frame: SampledFrame
    still: bool
    pictures: NDArray[np.uint8]
    movement: Movement
    descriptor: NDArray[np.float32]
    begins: bool = False


@dataclass(frozen=True, slots=True)
class Sight:
    """A thing as normality sees it: two of one `part` at a distance of 1 or less are the same.

    `strength` is its score in nats, which no threshold changes; 1 for what stands, as that grows but older.
    """

    part: str
    signature: tuple[float, ...]
    strength: float = 0.0


@dataclass(frozen=True, slots=True)
class Event:
    """One message of one event: begun, changed or ended.

    `score` lies in 0…1. `p_value` is how often normal footage scores this high (anomalies only).
    `captured_s` is the monotonic clock of the newest frame that the decision saw: latency starts there.
    `key_times_utc_s` are the moments that counted most for it, in order (behaviours only).
    `sights` is what it showed so far, by which feedback knows it again (anomalies only); not published.
    `nearest_normal_utc_s` is the moment that looked most like its beginning there, and was normal (anomalies
    only).
    `vector` is the packed direction of its clip, by which search finds others like it; not published.
    """

    id: str
    camera: str
    phase: EventPhase
    kind: EventKind
    label: str
    score: float
    severity: Severity
    start_utc_s: float
    explanation: str
    captured_s: float
    p_value: float | None = None
    end_utc_s: float | None = None
    region: Region | None = None
    zones: tuple[str, ...] = ()
    key_times_utc_s: tuple[float, ...] = ()
    sights: tuple[Sight, ...] = ()
    nearest_normal_utc_s: float | None = None
    vector: bytes = b""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The pictures of an event's beginning: the plain one, and what is drawn over it as layers of their own.

    `picture` is a JPEG of `width_px` by `height_px`; `marked` is the same with a rectangle around the region,
    `thumbnail` that in small. `heat` is a PNG that is clear where nothing was unusual, to be stretched over
    the picture. `outlines` are the camera's zones; `normal` is a JPEG of the nearest normal moment.
    """

    picture: bytes
    marked: bytes
    thumbnail: bytes
    width_px: int
    height_px: int
    region: Region | None = None
    heat: bytes | None = None
    normal: bytes | None = None
    outlines: Mapping[str, tuple[Point, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CameraState:
    """What is true of a camera now; published on change, at most once a second.

    `anomaly_score` is 0…1; `calibration_ratio` is 0…1, 1 where the alarm budget can be promised.
    `expected_per_day` is how many anomaly alarms a day like the last one would bring, None while nothing is
    known; `actual_per_day` how many there were in the last week.
    """

    camera: str
    motion: bool
    anomaly_score: float
    calibration_ratio: float
    behaviour: str | None
    active_events: tuple[str, ...]
    expected_per_day: float | None = None
    actual_per_day: float = 0.0


class Listener(Protocol):
    """Whoever wants to hear what the pipeline finds; called from camera and inference threads."""

    def on_event(self, event: Event) -> None:
        """Take an event that was decided; it must not be lost after this call returns."""

    def on_status(self, camera: str, status: CameraStatus, reason: str) -> None:
        """Take a camera's new status and, in one sentence, why."""

    def on_state(self, state: CameraState) -> None:
        """Take what is true of a camera now."""

    def on_snapshot(self, event: Event, snapshot: Snapshot) -> None:
        """Take the pictures that belong to a new event."""
