"""Models that were made here: which there are, how one is made, and how one takes over."""

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from daemon.review.model_room import ModelRoom, ModelRoomError, open_chosen
from daemon.review.retraining import RetrainError, Retraining, what_is_missing
from daemon.review.shelf import CHOSEN_FILE, ModelShelf
from models.checkpoint import FRAME_ENCODER_FILE
from models.errors import CheckpointError
from models.refit_report import Progress, RefitReport, TaskRefit
from tests.fakes import FakeEncoder, checkpoint
from tests.servers import wait_until

BASE = checkpoint(folder=Path("base"), version="1", files={FRAME_ENCODER_FILE: "one"})
TASK = TaskRefit(clips={"fight": 6, "normal": 6}, groups=6, is_better=True, reason="Better.")


def shelve(folder, number, *, has_model=True):
    """Put a model on the shelf; its folder is as good as empty."""
    place = folder / str(number)
    (place / "model").mkdir(parents=True)
    if has_model:
        (place / "model/checkpoint.json").write_text("{}")
    RefitReport(base="fake 1", version=f"1+local.{number}", tasks={"fight": TASK}).save(place)


@pytest.fixture
def shelf(tmp_path):
    shelve(tmp_path / "models", 1)
    shelve(tmp_path / "models", 2, has_model=False)
    return ModelShelf(tmp_path / "models")


def test_the_newest_model_comes_first_and_each_says_whether_it_can_be_used(shelf):
    found = [(one.number, one.report.version, one.has_model) for one in shelf.models]
    assert found == [(2, "1+local.2", False), (1, "1+local.1", True)]
    assert (shelf.next_number, shelf.chosen) == (3, 0)


def test_an_unfinished_model_has_no_report_and_its_number_is_not_used_again(shelf):
    (shelf.folder / "7").mkdir()
    assert [one.number for one in shelf.models] == [2, 1]
    assert shelf.next_number == 8


def test_a_shelf_that_is_not_there_is_empty(tmp_path):
    empty = ModelShelf(tmp_path / "nowhere")
    assert (empty.models, empty.chosen, empty.next_number) == ((), 0, 1)


@pytest.mark.parametrize("number", [2, 9])
def test_there_is_no_path_to_what_is_no_model(shelf, number):
    with pytest.raises(CheckpointError, match=f"There is no model {number}"):
        shelf.path(number)


@pytest.mark.parametrize("content", [b"", b"x", b"-1", b"9" * 30, b"\xff\x00"])
def test_a_damaged_choice_is_the_own_model(shelf, content):
    (shelf.folder / CHOSEN_FILE).write_bytes(content)
    assert shelf.chosen == 0


@pytest.mark.parametrize("name", ["notes", "²", "٣"])
def test_a_folder_that_is_no_model_is_passed_over(shelf, name):
    (shelf.folder / name).mkdir()
    assert ([one.number for one in shelf.models], shelf.next_number) == ([2, 1], 3)


class Doors:
    """Opens models as a test has them: those in `broken` cannot be, those in `strange` see otherwise."""

    def __init__(self):
        self.broken, self.strange = set(), set()

    def __call__(self, folder):
        if folder is None or folder == Path("base"):
            return FakeEncoder(BASE)
        number = folder.parent.name
        if number in self.broken:
            raise CheckpointError(f"{folder} is damaged.")
        files = {FRAME_ENCODER_FILE: "two" if number in self.strange else "one"}
        return FakeEncoder(replace(BASE, folder=folder, version=f"1+local.{number}", files=files))


@pytest.fixture
def doors():
    return Doors()


def room_of(shelf, doors, *, settings_decide=False):
    opened = open_chosen(shelf, doors, settings_decide=settings_decide)
    changes = []
    room = ModelRoom(
        opened,
        shelf,
        Retraining(shelf, shelf.folder.parent / "dataset", BASE),
        open_model=doors,
        settings_decide=settings_decide,
        changed=lambda: changes.append(opened.encoder.checkpoint.version),
    )
    return room, opened.encoder, changes


def test_a_model_takes_over_and_is_the_one_after_a_restart(shelf, doors):
    room, encoder, changes = room_of(shelf, doors)
    room.use(1)
    assert (encoder.checkpoint.version, room.view.running, changes) == ("1+local.1", 1, ["1+local.1"])
    _, again, _ = room_of(shelf, doors)
    assert again.checkpoint.version == "1+local.1"


def test_one_goes_back_to_the_own_model(shelf, doors):
    room, encoder, _ = room_of(shelf, doors)
    room.use(1)
    room.use(0)
    assert (encoder.checkpoint.version, shelf.chosen, room.view.running) == ("1", 0, 0)


def test_a_model_that_fails_to_load_leaves_the_old_one_running(shelf, doors):
    doors.broken.add("1")
    room, encoder, changes = room_of(shelf, doors)
    with pytest.raises(ModelRoomError, match="is damaged"):
        room.use(1)
    assert (encoder.checkpoint, shelf.chosen, changes, room.view.running) == (BASE, 0, [], 0)


def test_a_model_with_another_frame_encoder_is_not_even_chosen(shelf, doors):
    doors.strange.add("1")
    room, encoder, _ = room_of(shelf, doors)
    with pytest.raises(ModelRoomError, match=FRAME_ENCODER_FILE):
        room.use(1)
    assert (encoder.checkpoint, shelf.chosen) == (BASE, 0)


def test_a_choice_that_cannot_be_kept_is_not_made(shelf, doors):
    room, encoder, _ = room_of(shelf, doors)
    (shelf.folder / CHOSEN_FILE).mkdir()
    with pytest.raises(ModelRoomError, match="cannot be written"):
        room.use(1)
    assert encoder.checkpoint is BASE


def test_a_chosen_model_that_is_gone_at_a_start_lets_the_own_one_run(shelf, doors, caplog):
    shelf.choose(9)
    room, encoder, _ = room_of(shelf, doors)
    assert (encoder.checkpoint, room.view.running) == (BASE, 0)
    assert "There is no model 9" in caplog.text


def test_a_checkpoint_in_the_settings_wins_and_the_page_says_so(shelf, doors):
    shelf.choose(1)
    room, encoder, _ = room_of(shelf, doors, settings_decide=True)
    assert encoder.checkpoint is BASE
    for ask in (lambda: room.use(1), room.retrain):
        with pytest.raises(ModelRoomError, match=r"model\.checkpoint in the settings"):
            ask()


def program(folder, text):
    """Return a program in place of `videobert-train`."""
    (folder / "program.py").write_text(text)
    return (sys.executable, str(folder / "program.py"))


SAY_ARGUMENTS = "import sys; print(' '.join(sys.argv[1:]))"
WAIT = "import signal, sys; print('begun', flush=True); signal.pause()"


@pytest.fixture
def labelled(tmp_path):
    """A dataset with a table of one task."""
    (tmp_path / "dataset/fight").mkdir(parents=True)
    (tmp_path / "dataset/fight/segments.csv").write_text("file,label,group,start_s,end_s\n")
    return tmp_path / "dataset"


def retraining(tmp_path, labelled, text=SAY_ARGUMENTS, missing=lambda: ""):
    shelf = ModelShelf(tmp_path / "models")
    return Retraining(shelf, labelled, BASE, missing=missing, program=program(tmp_path, text))


def log_of(tmp_path):
    path = tmp_path / "models/retrain.log"
    return path.read_text() if path.exists() else ""


def test_the_command_begins_with_the_own_model_and_gives_the_next_its_number(tmp_path, labelled):
    one = retraining(tmp_path, labelled)
    one.start()
    wait_until(lambda: not one.view.is_running)
    said = log_of(tmp_path)
    assert f"refit --task fight={labelled}/fight --checkpoint base --version 1+local.1" in said
    assert "--nice 10" in said
    assert one.view.problem == ""
    assert f"refit --task fight={labelled}/fight" in one.view.command


def test_only_one_runs_at_a_time_and_it_can_be_cancelled(tmp_path, labelled):
    one = retraining(tmp_path, labelled, WAIT)
    one.start()
    wait_until(lambda: "begun" in log_of(tmp_path))
    with pytest.raises(RetrainError, match="already"):
        one.start()
    one.cancel()
    assert (one.view.is_running, one.view.problem) == (False, "It was cancelled.")
    with pytest.raises(RetrainError, match="no model is being trained"):
        one.cancel()


def test_one_that_has_outlived_its_daemon_is_let_end_first(tmp_path, labelled):
    killed, next_one = (retraining(tmp_path, labelled, WAIT) for _ in range(2))
    killed.start()
    wait_until(lambda: "begun" in log_of(tmp_path))
    with pytest.raises(RetrainError, match="already, since before the daemon started"):
        next_one.start()
    assert "begun" in log_of(tmp_path)
    killed.stop()
    next_one.start()
    next_one.stop()


DEAF = f"import signal; signal.signal({int(signal.SIGTERM)}, signal.SIG_IGN); {WAIT}"


@pytest.mark.parametrize("end", [Retraining.cancel, Retraining.stop])
def test_one_that_will_not_end_is_killed(tmp_path, labelled, end):
    one = retraining(tmp_path, labelled, DEAF)
    one.start()
    wait_until(lambda: "begun" in log_of(tmp_path))
    end(one)
    assert not one.view.is_running


# Ends by itself half a second after it was asked to, and says so.
SLOW = f"""import os, signal, threading
def end(*_):
    threading.Event().wait(0.5)
    print("ended well", flush=True)
    os._exit(0)
signal.signal({int(signal.SIGTERM)}, end)
{WAIT}"""


@pytest.mark.parametrize(("end", "is_patient"), [(Retraining.cancel, True), (Retraining.stop, False)])
def test_a_cancel_lets_it_end_and_a_stop_waits_for_nothing(tmp_path, labelled, end, is_patient):
    one = retraining(tmp_path, labelled, SLOW)
    one.start()
    wait_until(lambda: "begun" in log_of(tmp_path))
    end(one)
    assert ("ended well" in log_of(tmp_path)) is is_patient


def test_after_a_stop_none_begins_that_nobody_would_end(tmp_path, labelled):
    one = retraining(tmp_path, labelled)
    one.stop()
    with pytest.raises(RetrainError, match="the daemon ends"):
        one.start()


def test_a_failure_is_told_by_its_last_line(tmp_path, labelled):
    one = retraining(tmp_path, labelled, "print('much'); raise SystemExit('videobert-train: no room')")
    one.start()
    wait_until(lambda: not one.view.is_running)
    assert one.view.problem == "It failed: videobert-train: no room"


def test_progress_is_what_the_command_has_written(tmp_path, labelled):
    one = retraining(tmp_path, labelled, WAIT)
    one.start()
    assert one.view.progress == Progress()
    Progress(done=2, total=9, doing="reading clips").save(tmp_path / "models/progress.json")
    assert one.view.progress.done == 2
    one.stop()


def test_without_labels_or_without_torch_there_is_nothing_to_begin(tmp_path, labelled):
    with pytest.raises(RetrainError, match="is not installed"):
        retraining(tmp_path, labelled, missing=lambda: "torch is not installed").start()
    (labelled / "fight/segments.csv").unlink()
    with pytest.raises(RetrainError, match="no labelled event has a video"):
        retraining(tmp_path, labelled).start()


def test_where_torch_is_nothing_is_missing():
    pytest.importorskip("torch", reason="torch is not installed")
    assert what_is_missing() == ""


def test_what_is_missing_names_how_to_get_it():
    code = (
        "import sys\n"
        "from daemon.review.retraining import NEEDED, what_is_missing\n"
        "sys.modules.update(dict.fromkeys(NEEDED))\n"
        "print(what_is_missing())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (
        done.stdout == "torch and sklearn and training are not installed: pip install 'videobertd[train]'\n"
    )
