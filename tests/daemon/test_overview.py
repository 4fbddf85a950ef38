"""What the page remembers of each camera, and who is told what in which order."""

import av
import cv2
import numpy as np
import pytest

from daemon.overview import Fanout, Overview, Standing
from daemon.snapshots import SnapshotStore
from pipeline.clock import SystemClock
from pipeline.privacy import EVERYTHING_SHOWN, Blur, Privacy
from pipeline.types import (
    CameraState,
    CameraStatus,
    Event,
    EventKind,
    EventPhase,
    ObservedFrame,
    SampledFrame,
    Severity,
)
from tests.fakes import pictures

EVENT_ID = "00cpd7gq3g0123456789abc"
EVENT = Event(
    EVENT_ID, "porch", EventPhase.NEW, EventKind.ANOMALY, "unusual", 0.9, Severity.ALERT, 0.0, "Fast.", 0.0
)
STATE = CameraState("porch", True, 0.25, 0.5, None, ())


@pytest.fixture
def snapshots(tmp_path):
    return SnapshotStore(tmp_path, 1.0, SystemClock())


@pytest.fixture
def overview(snapshots):
    return Overview(snapshots)


def frame(original=None):
    """Return an observed frame that shows `original`."""
    blank = np.zeros((4, 4, 3), np.uint8)
    sampled = SampledFrame(0.0, 0.0, 0.0, blank, blank[..., 0], original)
    nothing = np.zeros(0, np.float32)
    return ObservedFrame(sampled, True, blank[None][:0], nothing, nothing)


def test_a_camera_that_has_said_nothing_is_offline(overview):
    assert overview.standing("porch") == Standing(CameraStatus.OFFLINE, "not connected yet", None, None)


def test_status_and_state_are_kept_side_by_side(overview):
    overview.on_status("porch", CameraStatus.FROZEN, "the picture stands still")
    overview.on_state(STATE)
    expected = Standing(CameraStatus.FROZEN, "the picture stands still", STATE, None)
    assert overview.standing("porch") == expected


def test_a_camera_that_is_gone_is_forgotten(overview):
    overview.on_status("porch", CameraStatus.ONLINE, "")
    overview.forget("porch")
    assert overview.standing("porch") == Standing()


def test_the_newest_frame_is_the_picture(overview):
    overview.know("porch", EVERYTHING_SHOWN)
    overview.see("porch", frame(av.VideoFrame.from_ndarray(np.zeros((36, 64, 3), np.uint8), format="rgb24")))
    assert overview.picture("porch")[:2] == b"\xff\xd8"


def test_what_is_private_is_hidden_in_the_newest_picture(overview):
    stripes = np.zeros((36, 64, 3), np.uint8)
    stripes[::2] = 200
    overview.know("porch", Privacy(blur=Blur.ALL))
    overview.see("porch", frame(av.VideoFrame.from_ndarray(stripes, format="rgb24")))
    shown = cv2.imdecode(np.frombuffer(overview.picture("porch"), np.uint8), cv2.IMREAD_COLOR)
    assert (shown == 100).all()


def test_of_a_camera_of_which_it_is_not_known_what_may_be_shown_there_is_no_picture(overview):
    picture = frame(av.VideoFrame.from_ndarray(np.zeros((36, 64, 3), np.uint8), format="rgb24"))
    overview.see("porch", picture)
    assert overview.picture("porch") is None
    overview.know("porch", EVERYTHING_SHOWN)
    overview.forget("porch")
    overview.see("porch", picture)
    assert overview.picture("porch") is None


def test_without_a_frame_there_is_no_picture(overview):
    overview.know("porch", EVERYTHING_SHOWN)
    overview.see("porch", frame())
    assert overview.picture("porch") is None


def test_the_picture_of_an_event_is_kept_on_disk(overview, snapshots):
    overview.on_snapshot(EVENT, pictures())
    assert snapshots.read(EVENT_ID) == b"plain"


class Recorder:
    """Listener that notes whom it is and what it was told."""

    def __init__(self, name, notes):
        self.name, self.notes = name, notes

    def on_event(self, event):
        self.notes.append((self.name, event.id))

    def on_status(self, camera, status, reason):
        self.notes.append((self.name, status))

    def on_state(self, state):
        self.notes.append((self.name, state.camera))

    def on_snapshot(self, event, snapshot):
        self.notes.append((self.name, snapshot.marked))


def test_every_listener_is_told_in_turn():
    notes = []
    fanout = Fanout([Recorder("first", notes), Recorder("second", notes)])
    fanout.on_event(EVENT)
    fanout.on_status("porch", CameraStatus.ONLINE, "")
    fanout.on_state(STATE)
    fanout.on_snapshot(EVENT, pictures(b"j"))
    told = [EVENT_ID, CameraStatus.ONLINE, "porch", b"j"]
    assert notes == [(name, what) for what in told for name in ("first", "second")]
