"""Whether a restart would bring another version: of the program, and of the model's folder."""

import json
import shutil
import subprocess
import sys

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


def test_a_program_that_is_installed_is_seen(tmp_path):
    installed = tmp_path / "videobertd-9.9.9.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: videobertd\nVersion: 9.9.9\n")
    code = (
        "import sys; from pathlib import Path\n"
        "from daemon.updates import Versions, versions_on_disk\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "print(versions_on_disk(Path('nowhere'), Versions('old', 'model')))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "Versions(program='9.9.9', model='model')\n"
