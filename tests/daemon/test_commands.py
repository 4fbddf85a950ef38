import json
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry

from daemon.announcer import Announcer
from daemon.board import Board
from daemon.commands import Commands
from daemon.mqtt import Received
from daemon.outbox import Outbox
from daemon.topics import Topics
from pipeline.controls import CameraControls
from pipeline.errors import SettingsError
from pipeline.metrics import Metrics
from pipeline.types import CameraState, CameraStatus, Event, EventKind, EventPhase, Severity
from tests.fakes import ManualClock, pictures

TOPICS = Topics("vb")
NEW = Event("e", "porch", EventPhase.NEW, EventKind.ANOMALY, "unusual", 0.9, Severity.INFO, 0.0, "", 1.0)
END = Event("e", "porch", EventPhase.END, EventKind.ANOMALY, "unusual", 0.9, Severity.INFO, 0.0, "", 1.0)


@pytest.fixture
def outbox(tmp_path) -> Iterator[Outbox]:
    metrics = Metrics(CollectorRegistry())
    with Outbox(
        tmp_path, lambda event, seq: f"{event.id} {seq}", clock=ManualClock(), metrics=metrics
    ) as one:
        yield one


@pytest.fixture
def board() -> Board:
    return Board(ManualClock())


@pytest.fixture
def commands(outbox, board) -> Commands:
    return Commands(TOPICS, outbox=outbox, board=board)


def standing(board: Board) -> dict[str, bytes]:
    return {notice.topic: notice.payload for notice in board.take_due(99)}


def command(topic: str, payload: bytes, *, retained: bool = False) -> Received:
    return Received(topic, payload, retained)


def test_all_switches_stand_on_the_board_from_the_start(commands, board):
    commands.add_camera("porch", CameraControls(behaviour=False, budget_per_day=0.5))
    assert standing(board) == {
        "vb/porch/enabled/state": b"ON",
        "vb/porch/anomaly/state": b"ON",
        "vb/porch/behaviour/state": b"OFF",
        "vb/porch/budget/state": b"0.5",
    }
    assert commands.topics == ("vb/+/+/set",)


def test_settings_that_are_saved_go_before_how_a_switch_was_turned(commands, outbox, board):
    controls = CameraControls()
    commands.add_camera("porch", controls)
    for switch, text in (("budget", "9"), ("anomaly", "OFF"), ("behaviour", "OFF")):
        commands.turn("porch", switch, text)
    standing(board)
    commands.follow("porch", {"budget_per_day": 2.0, "anomaly": True})
    assert outbox.switches("porch") == {"behaviour": "OFF"}
    assert (controls.snapshot().budget_per_day, controls.snapshot().anomaly) == (2.0, True)
    assert standing(board) == {"vb/porch/budget/state": b"2", "vb/porch/anomaly/state": b"ON"}


def test_a_camera_that_does_not_run_yet_follows_when_it_comes(commands, outbox):
    outbox.save_switch("porch", "budget", "9")
    commands.follow("porch", {"budget_per_day": 2.0})
    controls = CameraControls(budget_per_day=2.0)
    commands.add_camera("porch", controls)
    assert controls.snapshot().budget_per_day == 2.0


@pytest.mark.parametrize(
    ("switch", "payload", "stands"),
    [
        ("enabled", b"OFF", b"OFF"),
        ("anomaly", b" off\n", b"OFF"),
        ("budget", b"3", b"3"),
        ("budget", b"1e1", b"10"),
    ],
)
def test_a_command_is_obeyed_answered_and_kept(commands, outbox, board, *, switch, payload, stands):
    commands.add_camera("porch", CameraControls())
    standing(board)
    commands.handle(command(f"vb/porch/{switch}/set", payload))
    assert standing(board) == {f"vb/porch/{switch}/state": stands}
    assert outbox.switches("porch") == {switch: stands.decode()}


@pytest.mark.parametrize(
    ("switch", "payload"),
    [
        ("enabled", b"maybe"),
        ("enabled", b""),
        ("anomaly", b"\xff\xfe"),
        ("budget", b"nan"),
        ("budget", b"-1"),
        ("budget", b"1000"),
        ("budget", b"ON"),
        ("behaviour", b"ON" * 10_000),
    ],
)
def test_garbage_changes_nothing_and_is_answered_with_what_stands(
    commands, outbox, board, caplog, *, switch, payload
):
    commands.add_camera("porch", CameraControls())
    before = standing(board)
    commands.handle(command(f"vb/porch/{switch}/set", payload))
    topic = f"vb/porch/{switch}/state"
    assert standing(board) == {topic: before[topic]}
    assert outbox.switches("porch") == {}
    assert len(caplog.records) == 1
    assert len(caplog.text) < 300


@pytest.mark.parametrize("topic", ["vb/porch/colour/set", "vb/attic/enabled/set"])
def test_an_unknown_switch_or_camera_is_one_line_in_the_log(commands, board, caplog, topic):
    commands.add_camera("porch", CameraControls())
    standing(board)
    commands.handle(command(topic, b"ON"))
    assert standing(board) == {}
    assert "is ignored" in caplog.text


@pytest.mark.parametrize(
    "topic", ["vb/status", "homeassistant/status", "vb/a/b/c/set", "other/porch/enabled/set"]
)
def test_a_message_on_another_topic_is_not_ours(commands, board, caplog, topic):
    commands.handle(command(topic, b"OFF"))
    assert (standing(board), caplog.records) == ({}, [])


def test_a_retained_command_is_old_and_ignored(commands, board):
    controls = CameraControls()
    commands.add_camera("porch", controls)
    commands.handle(command("vb/porch/enabled/set", b"OFF", retained=True))
    assert controls.snapshot().enabled is True


def test_switches_are_restored_and_what_cannot_be_is_told(commands, outbox, caplog):
    outbox.save_switch("porch", "anomaly", "OFF")
    outbox.save_switch("porch", "budget", "a lot")
    controls = CameraControls(budget_per_day=2.0)
    commands.add_camera("porch", controls)
    assert (controls.snapshot().anomaly, controls.snapshot().budget_per_day) == (False, 2.0)
    assert "the switch budget of camera porch is not restored" in caplog.text


def test_a_switch_turned_elsewhere_stands_on_the_board_too(commands, board):
    controls = CameraControls()
    commands.add_camera("porch", controls)
    standing(board)
    controls.set("anomaly", value=False)
    assert standing(board) == {"vb/porch/anomaly/state": b"OFF"}
    commands.remove_camera("porch")
    controls.set("anomaly", value=True)
    assert standing(board) == {}
    with pytest.raises(SettingsError, match="no camera is named 'porch'"):
        commands.turn("porch", "anomaly", "ON")


def test_the_announcer_stores_events_and_shows_what_is_open(outbox, board):
    announcer = Announcer(TOPICS, outbox=outbox, board=board)
    announcer.add_camera("porch")
    announcer.on_state(CameraState("porch", False, 0.5, 1.0, None, ()))
    announcer.on_event(NEW)
    assert json.loads(board.payload("vb/porch/state"))["anomaly"] is True
    announcer.on_event(END)
    assert json.loads(board.payload("vb/porch/state"))["anomaly"] is False
    assert [row.payload for row in outbox.pending()] == ["e 1", "e 2"]


def test_a_camera_is_offline_until_it_says_otherwise_and_again_at_the_end(outbox, board):
    announcer = Announcer(TOPICS, outbox=outbox, board=board)
    announcer.add_camera("porch")
    assert board.payload("vb/porch/status") == b"offline"
    announcer.on_status("porch", CameraStatus.COVERED, "the lens is covered")
    assert board.payload("vb/porch/status") == b"covered"
    announcer.go_offline()
    assert board.payload("vb/porch/status") == b"offline"


def test_what_a_removed_camera_says_late_stands_nowhere_but_its_events_count(outbox, board):
    announcer = Announcer(TOPICS, outbox=outbox, board=board)
    announcer.add_camera("porch")
    announcer.on_snapshot(NEW, pictures())
    announcer.remove_camera("porch")
    announcer.on_status("porch", CameraStatus.ONLINE, "")
    announcer.on_state(CameraState("porch", False, 0.5, 1.0, None, ()))
    announcer.on_snapshot(NEW, pictures())
    announcer.on_event(END)
    assert {board.payload(topic) for topic in TOPICS.of_camera("porch")} == {b""}
    assert outbox.pending_count == 1
