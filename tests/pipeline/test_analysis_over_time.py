"""What a camera keeps over a restart, and what it does when its whole picture changes."""

import logging
from dataclasses import replace

import numpy as np
import pytest

from pipeline.analysis import EncodedFrame
from pipeline.feedback import Lesson
from pipeline.feedback import Verdict as Word
from pipeline.types import CameraStatus
from tests.benches import OPENED, Bench
from tests.fakes import (
    Verdict,
    observed_frame,
)


@pytest.fixture
def bench():
    return Bench()


def test_what_was_learned_comes_back_after_a_restart(bench, tmp_path):
    bench.analysis.save(tmp_path / "learned")
    assert [path.name for path in (tmp_path / "learned").iterdir()] == ["porch.npz"]
    again = Bench()
    again.analysis.load(tmp_path / "learned")
    assert again.detector.calibration_ratio == 1.0


def test_what_was_loaded_is_told_the_budget_that_holds_now(bench, tmp_path):
    bench.see(0.0)
    bench.analysis.save(tmp_path)
    bench.analysis.load(tmp_path)
    bench.see(0.2)
    assert bench.detector.budgets == [1.0, 1.0]


def test_a_camera_that_never_learned_starts_without_a_word(bench, tmp_path, caplog):
    bench.analysis.load(tmp_path)
    assert caplog.records == []


def test_a_damaged_file_is_logged_and_learning_starts_anew(bench, tmp_path, caplog):
    (tmp_path / "porch.npz").write_text("half a fi")
    bench.analysis.load(tmp_path)
    assert caplog.messages == ["camera porch starts to learn anew: porch.npz is damaged."]
    assert bench.detector.calibration_ratio == 0.25


def test_a_disk_that_cannot_be_written_is_logged_once_going_down_and_once_coming_back(
    bench, tmp_path, caplog
):
    obstacle = tmp_path / "learned"
    obstacle.write_text("a file where the folder should be")
    with caplog.at_level(logging.INFO):
        bench.analysis.save(obstacle)
        bench.analysis.save(obstacle)
        obstacle.unlink()
        bench.analysis.save(obstacle)
        bench.analysis.save(obstacle)
    down, back = caplog.messages
    assert down.startswith("what camera porch has learned could not be saved: ")
    assert back == "what camera porch has learned is saved again"


def show(bench, luma, begin_s, end_s):
    """Show one grey picture, five frames a second."""
    for step in range(round((end_s - begin_s) * 5)):
        frame = observed_frame(begin_s + step / 5)
        frame = replace(frame, frame=replace(frame.frame, luma=np.full((36, 64), luma, np.uint8)))
        bench.analysis.absorb(
            frame, EncodedFrame(np.zeros(3, np.float32), np.zeros((112, 14, 14), np.float32))
        )


@pytest.mark.parametrize("share", [0.1, 0.9])
def test_a_light_that_is_switched_is_one_camera_event(share):
    bench = Bench()
    show(bench, 150, 0.0, 20.0)
    bench.detector.unusual_share = share
    show(bench, 60, 20.0, 160.0)
    # It has settled 8 s after the switch, and is the usual picture after 120 s more.
    begun, ended = bench.listener.events
    assert (begun.kind, begun.label, begun.phase, begun.start_utc_s) == ("camera", "changed", "new", 28.0)
    assert (ended.phase, ended.end_utc_s) == ("end", 148.0)
    # Where only a visitor is unusual, the camera just exposed anew: nothing rests, nothing is relearned.
    suppressed = [time_s for time_s, _, is_suppressed in bench.detector.observed if is_suppressed]
    assert (len(suppressed), len(bench.detector.relearned)) == ((640, 600) if share == 0.9 else (0, 0))


def test_an_alarm_that_a_light_has_opened_ends_when_that_is_recognised():
    bench = Bench({20.0: Verdict(0.9, OPENED)})
    show(bench, 150, 0.0, 20.0)
    show(bench, 60, 20.0, 20.2)
    bench.detector.unusual_share = 0.9
    show(bench, 60, 20.2, 21.0)
    assert bench.told == [("new", "unusual"), ("end", "unusual")]
    assert bench.listener.events[-1].explanation == "The whole picture has changed."


def test_after_a_camera_was_moved_its_new_view_is_learned_before_anything_alarms():
    bench = Bench({22.0: Verdict(0.9, OPENED)})
    show(bench, 150, 0.0, 20.0)
    bench.analysis.take_status(CameraStatus.MOVED, "The camera was moved.")
    show(bench, 60, 20.0, 21.0)
    bench.analysis.take_status(CameraStatus.ONLINE, "The view is the usual one.")
    show(bench, 60, 21.0, 23.0)
    assert bench.detector.relearned[:1] == [21.0]
    assert bench.listener.events == []


def test_a_persons_word_reaches_the_detector(bench):
    lesson = Lesson("e", Word.NOT_AN_ALARM, 0.0, ())
    bench.analysis.teach(lesson)
    assert bench.detector.lessons == [lesson]
