"""Scenes spliced out of videos, and whether an alarm is about what was to be found."""

import av
import numpy as np
import pytest

from benchmarks.scenes import Message, Wanted, empty_picture, is_there, judge, looped, splice
from pipeline.types import EventPhase, Region
from tests.media import moving_square, write_video

MIDDLE = Region(0.4, 0.4, 0.2, 0.2)
EMPTY = np.full((100, 200), 100, np.uint8)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """Return 6 s, 10 frames a second: an empty scene, into which a square walks after 4 s."""
    return write_video(tmp_path_factory.mktemp("scenes") / "a.mp4", moving_square(60, begins=40, noise=0))


def with_square(left, top):
    picture = EMPTY.copy()
    picture[top : top + 20, left : left + 20] = 250
    return picture


def test_a_span_is_looped_as_often_as_it_takes():
    assert looped((0.0, 6.0), 60) == [(0.0, 6.0)] * 10
    assert looped((3.0, 8.0), 1) == [(3.0, 8.0)]


def test_parts_are_written_one_after_the_other_and_no_two_frames_are_alike(video, tmp_path):
    splice(video, [*looped((0.0, 1.0), 3.0), (4.0, 6.0)], tmp_path / "made.mp4")
    with av.open(str(tmp_path / "made.mp4")) as container:
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    # Three times one second, and two.
    assert len(frames) == 50
    # The first frame of each loop shows the same scene with other noise.
    assert 0 < np.abs(frames[0].astype(int) - frames[10]).mean() < 6
    # At the end the square has walked 20 steps of 6 px: its 40 px are columns 80 to 120.
    assert frames[-1][100, 85:115].min() > 200


def test_the_empty_picture_is_the_median_of_the_beginning(video):
    assert np.array_equal(empty_picture(video, 1.0).shape, (180, 320))


@pytest.mark.parametrize(("left", "top", "expected"), [(90, 40, True), (10, 10, False), (104, 40, True)])
def test_a_region_is_right_if_its_middle_lies_on_what_differs_or_beside_it(left, top, expected):
    # The middle is column 100 of row 50; 5 pixels to either side are beside it: a tenth of them must differ.
    picture = with_square(left, top)
    assert is_there(MIDDLE, Wanted("visitor", 0, 1), picture=picture, empty=EMPTY) is expected


def test_a_box_is_met_by_the_middle_of_the_region():
    wanted = Wanted("bag", 0, 1, Region(0.45, 0.45, 0.1, 0.1))
    assert is_there(MIDDLE, wanted, picture=EMPTY, empty=EMPTY)
    assert not is_there(Region(0, 0, 0.2, 0.2), wanted, picture=EMPTY, empty=EMPTY)


def said_of(video, *messages):
    """Return what is made of messages about a bag that is there from 1 to 2 s."""
    bag = Wanted("bag", 1.0, 2.0, MIDDLE)
    # The part is played after a minute of the empty scene.
    heard = [Message(60.0 + time_s, phase, region, "Looks strange.") for time_s, phase, region in messages]
    return judge(bag, -60.0, heard, video=video, empty=EMPTY)


def test_only_alarms_in_time_count_and_ends_do_not(video):
    early, end = (0.4, EventPhase.NEW, MIDDLE), (1.5, EventPhase.END, MIDDLE)
    assert said_of(video, early, end) == "NOT FOUND"


def test_an_alarm_elsewhere_is_said_to_be(tmp_path, video):
    long = tmp_path / "long.mp4"
    splice(video, looped((0.0, 4.0), 64.0), long)
    away = (1.2, EventPhase.NEW, Region(0.0, 0.0, 0.2, 0.2))
    assert said_of(long, away) == "1 messages in time, none about its place"
    there = (1.8, EventPhase.UPDATE, MIDDLE)
    assert said_of(long, away, there) == "alarm at 1.2 s, at its place at 1.8 s: Looks strange."
