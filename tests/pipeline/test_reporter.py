"""A camera's status becomes one event when it leaves online and the end of it when it is back."""

import pytest
from prometheus_client import CollectorRegistry

from pipeline.analysis import Outlets
from pipeline.events import EventBook
from pipeline.metrics import Metrics
from pipeline.reporter import StatusReporter
from pipeline.types import CameraStatus, EventKind, EventPhase, Severity
from tests.fakes import ManualClock, RecordingListener

ONLINE, OFFLINE, COVERED = CameraStatus.ONLINE, CameraStatus.OFFLINE, CameraStatus.COVERED
DISABLED, MOVED, FROZEN = CameraStatus.DISABLED, CameraStatus.MOVED, CameraStatus.FROZEN


class Trust(list):
    """Stands where a camera's analysis stands and keeps the statuses it is told."""

    def take_status(self, status, reason):
        self.append((status, reason))


def report(*statuses, cameras=None):
    """Report one status a second of the camera "porch" and return what the listener heard."""
    listener, metrics = RecordingListener(), Metrics(CollectorRegistry())
    outlets = Outlets(EventBook(listener, ManualClock(), metrics=metrics), listener, metrics)
    reporter = StatusReporter(outlets, cameras=cameras or {})
    for second, status in enumerate(statuses):
        reporter.status("porch", status, reason=f"It is {status}.", captured_s=second, utc_s=1000.0 + second)
    return listener


def told(listener):
    return [(event.phase.value, event.label) for event in listener.events]


def test_every_change_is_told_once_with_its_reason():
    listener = report(ONLINE, ONLINE, COVERED, COVERED, ONLINE)
    assert listener.statuses == [
        ("porch", ONLINE, "It is online."),
        ("porch", COVERED, "It is covered."),
        ("porch", ONLINE, "It is online."),
    ]


def test_a_camera_that_comes_up_as_it_should_is_no_event():
    assert report(ONLINE).events == []


@pytest.mark.parametrize("status", [OFFLINE, COVERED, MOVED, FROZEN, CameraStatus.BLURRED])
def test_leaving_online_begins_an_event_and_coming_back_ends_it(status):
    new, end = report(ONLINE, status, ONLINE).events
    assert (new.phase, new.kind, new.label) == (EventPhase.NEW, EventKind.CAMERA, status.value)
    assert (new.start_utc_s, new.captured_s, new.explanation) == (1001.0, 1, f"It is {status}.")
    assert (end.id, end.phase, end.end_utc_s) == (new.id, EventPhase.END, 1002.0)
    assert end.explanation == "It is online."


def test_one_trouble_after_another_are_two_events():
    assert told(report(ONLINE, FROZEN, OFFLINE, ONLINE)) == [
        ("new", "frozen"),
        ("end", "frozen"),
        ("new", "offline"),
        ("end", "offline"),
    ]


def test_a_camera_that_cannot_be_reached_at_the_start_is_an_event():
    assert told(report(OFFLINE)) == [("new", "offline")]


def test_switching_a_camera_off_is_a_status_but_no_event():
    listener = report(ONLINE, DISABLED, ONLINE)
    assert listener.events == []
    assert [status for _, status, _ in listener.statuses] == [ONLINE, DISABLED, ONLINE]


def test_switching_a_troubled_camera_off_ends_its_event():
    assert told(report(OFFLINE, DISABLED)) == [("new", "offline"), ("end", "offline")]


@pytest.mark.parametrize(
    ("status", "severity"), [(OFFLINE, Severity.ALERT), (COVERED, Severity.ALERT), (MOVED, Severity.WARNING)]
)
def test_a_camera_that_is_blind_asks_for_more_attention_than_one_that_sees_badly(status, severity):
    assert report(status).events[0].severity is severity


def test_the_cameras_own_analysis_learns_whether_it_can_trust_its_eyes():
    porch, garden = Trust(), Trust()
    report(ONLINE, COVERED, COVERED, cameras={"porch": porch, "garden": garden})
    assert porch == [(ONLINE, "It is online."), (COVERED, "It is covered.")]
    assert garden == []


def test_a_forgotten_cameras_first_status_counts_as_new():
    listener, metrics = RecordingListener(), Metrics(CollectorRegistry())
    outlets = Outlets(EventBook(listener, ManualClock(), metrics=metrics), listener, metrics)
    reporter = StatusReporter(outlets, cameras={})
    reporter.status("porch", ONLINE, reason="It is up.", captured_s=1.0, utc_s=1.0)
    reporter.forget("porch")
    reporter.status("porch", ONLINE, reason="It is up.", captured_s=2.0, utc_s=2.0)
    assert len(listener.statuses) == 2
