"""Whether a restart would bring another version: of the program, and of the model's folder."""

import json
import shutil

from daemon.board import Board
from daemon.topics import Topics
from daemon.updates import Updates, Versions, versions_on_disk
from models.checkpoint import DEFAULT_DIR, load_checkpoint
from tests.fakes import ManualClock

OLD = Versions("0.0.1", "videobert-small 0.0.1")


def test_running_and_installed_versions_stand_on_the_board_and_are_told_again_only_when_they_change():
    board, found = Board(ManualClock()), [OLD]
    updates = Updates(Topics(), board, running=OLD, on_disk=lambda: found[-1])
    updates.tell()
    assert [notice.topic for notice in board.take_due(9)] == [
        "videobert/daemon/program",
        "videobert/daemon/model",
    ]
    updates.tell()
    assert board.take_due(9) == ()
    found.append(Versions("0.0.1", "videobert-small 0.0.2"))
    updates.tell()
    (notice,) = board.take_due(9)
    assert json.loads(notice.payload) == {
        "installed_version": "videobert-small 0.0.1",
        "latest_version": "videobert-small 0.0.2",
    }


def test_a_model_that_was_put_into_the_folder_is_seen_and_a_damaged_one_is_not(tmp_path):
    folder = shutil.copytree(DEFAULT_DIR, tmp_path / "model")
    there = load_checkpoint(DEFAULT_DIR)
    assert versions_on_disk(folder, OLD).model == f"{there.name} {there.version}"
    next(iter(folder.glob("*.onnx"))).write_bytes(b"half a file")
    assert versions_on_disk(folder, OLD).model == OLD.model


def test_a_program_that_is_installed_is_seen():
    assert versions_on_disk(DEFAULT_DIR, OLD).program != OLD.program
