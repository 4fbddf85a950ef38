"""What is kept of the last frames to explain a clip: when they were, where it moved, a few originals."""

from dataclasses import replace

import numpy as np
import pytest

from models.movement import NO_MOVEMENT
from pipeline.recent import RecentFrames, speeds_of
from tests.fakes import observed_frame


def seen(count, num_frames=8, original="picture"):
    """Return what is kept of `count` frames, 0 s, 1 s, …; each original is its own second."""
    recent = RecentFrames(num_frames)
    for second in range(count):
        frame = observed_frame(float(second))
        recent.add(replace(frame, frame=replace(frame.frame, original=original and f"{original} {second}")))
    return recent


def test_only_the_frames_of_one_clip_are_kept():
    assert seen(10, num_frames=4).times_utc_s.tolist() == [6, 7, 8, 9]


def test_of_every_fourth_part_of_a_clip_one_original_is_kept():
    # Eight frames a clip: every second frame, of which the last four stand: 4, 6, 8, 10.
    recent = seen(12)
    nearest = [recent.original_near(second).original for second in (0.0, 4.4, 5.6, 7.2, 9.6, 11.0)]
    assert nearest == [f"picture {second}" for second in (4, 4, 6, 8, 10, 10)]


def test_frames_without_an_original_leave_none():
    assert seen(3, original=None).original_near(1.0) is None


def test_after_an_interruption_nothing_is_left():
    recent = seen(3)
    recent.clear()
    assert (len(recent), recent.original_near(1.0)) == (0, None)


def test_the_speed_of_a_cell_is_the_mean_over_its_area():
    cells = np.zeros_like(NO_MOVEMENT.cells)
    # Row 10 of 40 and column 22 of 60 lie within row 3 and column 5 of 14: one of 40 / 14 * 60 / 14 cells
    # moves at |(3, 4)| = 5.
    cells[10, 22] = 1, 3, -4
    speeds = speeds_of(replace(NO_MOVEMENT, cells=cells))
    assert speeds[3, 5] == pytest.approx(5 / (40 / 14 * 60 / 14), rel=0.01)
    assert speeds.sum() == pytest.approx(speeds[3, 5])
