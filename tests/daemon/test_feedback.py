"""A person's word on an event is kept, taught, answered, and taught again after a restart."""

import json
import sqlite3
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from daemon.board import Board
from daemon.event_log import FILE_NAME
from daemon.feedback import FeedbackCommand, FeedbackDesk, FeedbackError, UnknownEventError
from daemon.mqtt import Received
from daemon.outbox import Outbox
from daemon.payloads import Origin, event_message
from daemon.topics import Topics
from pipeline.feedback import Lesson, Verdict
from pipeline.metrics import Metrics
from pipeline.types import Event, EventKind, EventPhase, Severity, Sight
from tests.fakes import ManualClock

TOPICS = Topics("vb")
SIGHTS = (Sight("motion", (1.0, 2.5)), Sight("appearance", (0.25,)))
ALARM = Event(
    id="e1",
    camera="porch",
    phase=EventPhase.NEW,
    kind=EventKind.ANOMALY,
    label="unusual",
    score=0.9,
    severity=Severity.WARNING,
    start_utc_s=1000.5,
    explanation="moves fast",
    captured_s=1.0,
    sights=SIGHTS,
)
TAUGHT = Lesson("e1", Verdict.NOT_AN_ALARM, 1000.5, SIGHTS)


class Desk:
    """A feedback desk with its log and board on a folder; opened again, it is the next run of the daemon."""

    def __init__(self, folder, model="m 1"):
        def render(event, seq):
            return event_message(event, seq, Origin(lambda: model)).to_json()

        metrics, self.clock = Metrics(CollectorRegistry()), ManualClock()
        self.outbox = Outbox(folder, render, clock=self.clock, metrics=metrics)
        self.board = Board(self.clock)
        self.counted = []
        self.desk = FeedbackDesk(
            TOPICS,
            outbox=self.outbox,
            board=self.board,
            clock=self.clock,
            model=model,
            count=lambda *said: self.counted.append(said),
        )
        self.lessons = []

    def __enter__(self):
        self.outbox.__enter__()
        return self

    def __exit__(self, *error):
        self.outbox.__exit__(*error)

    def hear(self, payload, topic="vb/porch/feedback/set", *, retained=False):
        text = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.desk.handle(Received(topic, text, retained))
        return [json.loads(notice.payload) for notice in self.board.take_due(9)]


@pytest.fixture
def desk(tmp_path):
    with Desk(tmp_path) as desk:
        desk.outbox.append(ALARM)
        desk.desk.add_camera("porch", desk.lessons.append)
        yield desk


def test_what_was_said_is_counted_once_by_camera_and_verdict(tmp_path):
    with Desk(tmp_path) as house:
        house.outbox.append(ALARM)
        house.desk.give(FeedbackCommand(event="e1", verdict=Verdict.NOT_AN_ALARM))
        with pytest.raises(UnknownEventError):
            house.desk.give(FeedbackCommand(event="none", verdict=Verdict.NOT_AN_ALARM))
        assert house.counted == [("porch", Verdict.NOT_AN_ALARM)]


def test_a_command_is_kept_taught_and_answered(desk):
    (answer,) = desk.hear({"event": "e1", "verdict": "not_an_alarm", "by": "anna"})
    assert desk.lessons == [TAUGHT]
    assert answer == {
        "schema": 1,
        "event": "e1",
        "verdict": "not_an_alarm",
        "by": "anna",
        "given_utc": "2023-11-14T22:13:20.000Z",
        "problem": None,
    }
    (kept,) = desk.outbox.feedback("porch")
    assert (kept.lesson, kept.given_by, kept.given_utc_s, kept.model) == (TAUGHT, "anna", 1.7e9, "m 1")


def test_what_the_event_showed_last_is_what_is_taught(desk):
    last = (*SIGHTS, Sight("motion", (9.0, 9.0)))
    desk.outbox.append(replace(ALARM, phase=EventPhase.END, sights=last))
    desk.hear({"event": "e1", "verdict": "was_an_alarm"})
    assert desk.lessons == [Lesson("e1", Verdict.WAS_AN_ALARM, 1000.5, last)]


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        ({"event": "e9", "verdict": "not_an_alarm"}, "no event of porch has the id 'e9'"),
        ({"event": "e1", "verdict": "maybe"}, "verdict: "),
        ({"event": "e1"}, "verdict: Field required"),
        ({"event": "e1", "verdict": "not_an_alarm", "by": "a\nb"}, "by: "),
        ({"event": "e1", "verdict": "not_an_alarm", "extra": 1}, "extra: "),
        (b"not json \xff", "Invalid JSON"),
        (b"[" * 2000, "at most 1024 bytes"),
    ],
)
def test_what_cannot_be_taken_is_answered_with_why_and_changes_nothing(desk, payload, problem, caplog):
    (answer,) = desk.hear(payload)
    assert problem in answer["problem"]
    assert (answer["event"], desk.lessons, desk.outbox.feedback("porch")) == (None, [], ())
    assert len(caplog.records) == 1


def test_an_event_of_another_camera_is_not_known_here(desk):
    desk.desk.add_camera("attic", desk.lessons.append)
    (answer,) = desk.hear({"event": "e1", "verdict": "not_an_alarm"}, "vb/attic/feedback/set")
    assert "no event of attic" in answer["problem"]
    assert desk.lessons == []


def test_a_camera_event_is_not_to_be_taught(desk):
    desk.outbox.append(replace(ALARM, id="e2", kind=EventKind.CAMERA))
    command = FeedbackCommand(event="e2", verdict=Verdict.NOT_AN_ALARM)
    with pytest.raises(FeedbackError, match="of kind camera; only anomalies"):
        desk.desk.give(command)


def test_a_verdict_on_a_behaviour_goes_to_whoever_keeps_labels(desk):
    desk.outbox.append(replace(ALARM, id="e2", kind=EventKind.BEHAVIOUR, label="fight"))
    (answer,) = desk.hear({"event": "e2", "verdict": "not_an_alarm"})
    assert "is a behaviour, fight; only anomalies" in answer["problem"]
    judged = []
    desk.desk.judge_behaviours(lambda command, label: judged.append((command.event, label)))
    (answer,) = desk.hear({"event": "e2", "verdict": "not_an_alarm"})
    assert (answer["problem"], judged, desk.lessons) == (None, [("e2", "fight")], [])


def test_an_unknown_event_is_an_error_of_its_own(desk):
    with pytest.raises(UnknownEventError, match="no event of any camera has the id 'e9'"):
        desk.desk.give(FeedbackCommand(event="e9", verdict=Verdict.NOT_AN_ALARM))


@pytest.mark.parametrize("topic", ["vb/porch/budget/set", "other/porch/feedback/set", "vb/status"])
def test_a_message_on_another_topic_is_not_ours(desk, topic, caplog):
    assert desk.hear({"event": "e1", "verdict": "not_an_alarm"}, topic) == []
    assert (desk.lessons, caplog.records) == ([], [])


def test_a_retained_command_is_old_and_ignored(desk):
    assert desk.hear({"event": "e1", "verdict": "not_an_alarm"}, retained=True) == []
    assert desk.lessons == []


def test_after_a_restart_all_is_taught_again_but_to_another_model(desk, tmp_path):
    desk.hear({"event": "e1", "verdict": "not_an_alarm"})
    desk.outbox.__exit__(None, None, None)
    for model, lessons in (("m 1", [TAUGHT]), ("m 2", [])):
        with Desk(tmp_path, model) as again:
            again.desk.add_camera("porch", again.lessons.append)
            assert again.lessons == lessons
    desk.outbox.__enter__()


def test_a_camera_that_does_not_run_is_taught_when_it_does(desk):
    desk.desk.remove_camera("porch")
    desk.desk.give(FeedbackCommand(event="e1", verdict=Verdict.NOT_AN_ALARM))
    assert desk.lessons == []
    desk.desk.add_camera("porch", desk.lessons.append)
    assert desk.lessons == [TAUGHT]


def test_a_log_of_the_first_version_is_brought_up_to_date(tmp_path):
    with Desk(tmp_path) as desk:
        desk.outbox.append(ALARM)
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        database.executescript("ALTER TABLE events DROP COLUMN sights; DROP TABLE feedback;")
        database.execute("UPDATE meta SET value = '1' WHERE key = 'schema'")
    database.close()
    with Desk(tmp_path) as desk:
        desk.outbox.append(replace(ALARM, phase=EventPhase.END))
        assert desk.outbox.trace("e1").sights == SIGHTS
        desk.desk.give(FeedbackCommand(event="e1", verdict=Verdict.NOT_AN_ALARM))
        assert len(desk.outbox.feedback("porch")) == 1
