"""Falls as anomalies: rooms apart, and no recording judged by a detector that learned it."""

from dataclasses import replace

import pytest

from benchmarks.falls import ABNORMAL, judge_room, line, rooms, summary
from models.flow import MOTION_DIM
from pipeline.replay import ReplaySettings
from tests.fakes import FakeEncoder, checkpoint
from tests.media import moving_square, write_video
from tests.training.anomalies import labelled
from training.anomaly_folder import load_clips, load_truth
from training.anomaly_measures import Span, match

ENCODER = FakeEncoder(checkpoint(motion_dim=MOTION_DIM))
ROWS = (
    "file,label,group,room,start_s,end_s\n"
    "a.mp4,walk,a,1,0,1\nb.mp4,walk,b,1,0,1\nc.mp4,falling,c,1,1,2\nd.mp4,walk,d,2,0,1\n"
)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    for name in "abcd":
        write_video(folder / f"{name}.mp4", moving_square(20))
    (folder / "segments.csv").write_text(ROWS)
    return folder


def test_recordings_are_told_apart_by_room(home):
    found = rooms(home, "room")
    assert {room: [clip.name for clip in clips] for room, clips in found.items()} == {
        "1": ["a.mp4", "b.mp4", "c.mp4"],
        "2": ["d.mp4"],
    }


def test_recordings_with_a_fall_come_first_and_each_normal_one_is_scored_by_the_others(home):
    clips = rooms(home, "room")["1"]
    truth = load_truth(home, load_clips(home), abnormal=["falling"])
    found = list(judge_room(clips, truth, encoder=ENCODER, settings=ReplaySettings(budget_per_day=24.0)))
    assert [one.clip.name for one in found] == ["c.mp4", "a.mp4", "b.mp4"]
    assert "falling" in ABNORMAL


def test_rows_and_sum_say_what_was_found_and_what_was_false():
    clip = labelled("x/20200626_154313_01.mp4", [0.0, 3.0, 0.0, 0.0], [0, 1, 0, 0], fps=0.1)
    found = match(clip, [Span(12, 13), Span(35, 36)])
    assert line(found) == "20200626_154313  false alarms 1  falls: 2.0 s"
    said = summary([clip], [found, replace(found, events=(), false_alarms=())]).splitlines()
    # Twice 30 s are normal.
    assert said[0] == "live alarm: 1 of 1 falls, 1 false alarms in 0.02 h"
    assert said[2].startswith("at most 1 an hour (0 here): 1.00 found, score ")
