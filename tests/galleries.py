"""A backstage with something of everything that pages show, and what may stand on none of them."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from daemon.archive_reader import ArchivePage
from daemon.demo.scenes import picture_stream
from daemon.demo.script import PLAZA, ROOM
from daemon.event_log import LoggedEvent
from daemon.payloads import EventMessage, RegionMessage
from daemon.snapshots import Layers, Part
from daemon.system.measures import STAGES, CameraMeasures
from models.checkpoint import DEFAULT_DIR
from pipeline.heat import heat_layer
from pipeline.types import CameraStatus
from tests.backstages import MEASURES, PORCH, SYSTEM, FakeArchive, FakeBackstage
from tests.media import write_video

# Five minutes with one alarm, of which the first half minute is not known.
WAVES = (*(None,) * 15, *(0.1 + 0.04 * (n % 7) for n in range(95)), *(0.6, 0.8, 0.9, 0.7), *(0.12,) * 36)
LAST = datetime(2026, 11, 25, 7, 45, tzinfo=UTC)
SOUND = replace(PORCH, calibration_ratio=1.0, budget_used_ratio=0.4, anomaly_score=0.12, recent_scores=WAVES)
CAMERAS = (
    replace(SOUND, name="plaza", description="The square before the town hall"),
    replace(
        SOUND,
        name="living-room",
        description="Living room",
        anomaly_score=0.81,
        recent_scores=(*WAVES[:-4], 0.2, 0.6, 0.8, 0.81),
        motion=True,
    ),
    replace(PORCH, name="porch", description="Front door", calibration_ratio=0.35, expected_per_day=None),
    replace(
        PORCH,
        name="garage-behind-the-house",
        description="",
        source="rtsp://***@192.0.2.17:554/Streaming/Channels/102?transportmode=unicast",
        status=CameraStatus.OFFLINE,
        reason="192.0.2.17:554 does not answer: connection timed out",
    ),
)
PICTURES = {"plaza": PLAZA, "living-room": ROOM, "porch": PLAZA, "garage-behind-the-house": ROOM}
MEASURED = (
    CameraMeasures("plaza", {"decoded": 25.0, "sampled": 6.0, "encoded": 4.2}, {}, {}),
    CameraMeasures("living-room", {"decoded": 12.5, "sampled": 6.0, "encoded": 0.0}, {"overload": 31}, {}),
    CameraMeasures("porch", {"decoded": 15.0, "sampled": 6.0, "encoded": 5.9}, {}, {"stalled": 2}),
    CameraMeasures(
        "garage-behind-the-house", dict.fromkeys(STAGES, 0.0), {"no_pts": 1}, {"unreachable": 204}
    ),
)
# What happened, the newest first: camera, kind, label, severity, explanation.
HAPPENED = (
    (
        "living-room",
        "behaviour",
        "fall",
        "alert",
        "Looks like fall (0.93), mostly the 0.8 s from 07:44:12.4 UTC.",
    ),
    ("plaza", "anomaly", "unusual", "warning", "Moves 3.4 times as fast as usual there (lower left)."),
    ("garage-behind-the-house", "camera", "offline", "warning", "192.0.2.17:554 does not answer."),
    ("plaza", "anomaly", "left behind", "info", "Something was left behind 40 s ago (middle right)."),
    ("porch", "camera", "changed", "info", "The whole picture became another one at once."),
    (
        "plaza",
        "anomaly",
        "unusual",
        "alert",
        "Moves where nothing has moved in nine days, and is twice as large.",
    ),
)
# The picture of the demo's plaza, its lower part a zone and something unusual on the left.
LAYERS = Layers(
    width_px=640,
    height_px=360,
    region=RegionMessage(x=0.1, y=0.6, width=0.1, height=0.2),
    zones={"square": ((0.05, 0.55), (0.95, 0.55), (0.95, 0.95), (0.05, 0.95))},
)
HEAT = heat_layer(np.pad(np.ones((2, 2), np.float32), ((9, 3), (1, 11))), np.zeros((40, 60), np.bool_))


def event_id(number: int) -> str:
    """Return an id as events have it."""
    return f"{number}{22 * 'a'}"


def message(number: int) -> EventMessage:
    """Return the last message of what happened; the newest event still goes on."""
    camera, kind, label, severity, explanation = HAPPENED[number % len(HAPPENED)]
    begun = LAST - timedelta(minutes=37 * number)
    fields = {
        "id": event_id(number) if number < 10 else f"{number:023d}",
        "seq": 1000 - number,
        "camera": camera,
        "type": "end" if number else "update",
        "kind": kind,
        "label": label,
        "score": 0.93,
        "p_value": 0.0004 if kind == "anomaly" else None,
        "nearest_normal_utc": "2026-11-24T14:03:00.000Z" if kind == "anomaly" else None,
        "severity": severity,
        "start_utc": begun.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "end_utc": None,
        "explanation": explanation,
        "zones": ("entrance", "steps"),
        "model": "videobert-small 0.3.0",
        "clip_url": None if kind == "camera" else f"http://cams.example/clips/{event_id(number)}.mp4",
    }
    if number:
        ended = begun + timedelta(seconds=12 + number)
        fields["end_utc"] = ended.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return EventMessage.model_validate(fields)


@dataclass
class GalleryArchive(FakeArchive):
    """An archive whose filter by label works, so that it can also be empty."""

    def page(self, which):
        wanted = [event for event in self.past.events if which.label in (None, event.label)]
        return ArchivePage(tuple(wanted), None)

    def labels(self, cameras=None):
        return tuple(sorted({what[2] for what in HAPPENED}))


@dataclass
class Gallery(FakeBackstage):
    """Cameras in every state, events of every kind, each with its picture and its video."""

    pictures: dict = field(default_factory=dict)

    def snapshot(self, event_id, part=Part.PICTURE):
        if part is Part.HEAT:
            return HEAT
        of = self.archive.camera_of(event_id)
        return self.pictures.get(of)

    def layers(self, event_id):
        return LAYERS if self.archive.camera_of(event_id) == "plaza" else None

    def picture(self, camera):
        return self.pictures.get(camera)


def write_gallery(folder: Path, count: int = 12) -> Gallery:
    """Render the pictures, encode one video, and fill the backstage."""
    stills = {name: next(islice(picture_stream(name), 3, None)) for name in (PLAZA, ROOM)}
    jpegs = {name: _jpeg(picture) for name, picture in stills.items()}
    video = write_video(folder / "clip.mp4", islice(picture_stream(PLAZA), 20))
    messages = tuple(map(message, range(count)))
    return Gallery(
        all_cameras=CAMERAS,
        measured=replace(
            MEASURES, cameras=MEASURED, card=(DEFAULT_DIR / "README.md").read_text(encoding="utf-8")
        ),
        own=replace(SYSTEM, broker_problem="MQTT broker: 127.0.0.1:1883 cannot be reached"),
        log=tuple(LoggedEvent(m.seq, m.camera, m.to_json(), pending=False) for m in reversed(messages)),
        clips={m.id: video for m in messages if m.kind != "camera"},
        archive=GalleryArchive(past=ArchivePage(messages, None)),
        pictures={camera: jpegs[scene] for camera, scene in PICTURES.items()},
    )


def _jpeg(picture) -> bytes:
    return cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1].tobytes()
