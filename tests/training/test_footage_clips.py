"""All clips of recordings: what is known of each, which are held out, how often each comes."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from tests.training.data import store, write_clips, write_table
from tests.training.footage import footage
from training.data_folder import load_data_folder
from training.footage_clips import FootageOptions, held_out_groups, read_footage, tempered_order
from training.label_tables import DataError
from training.texts import Facts

OPTIONS = FootageOptions(num_frames=5, sample_fps=5.0)


def read(tmp_path, table=None, **changes):
    """Read a folder `room` of two recordings of 3 s, at 5 frames a second."""
    write_clips(tmp_path / "room", "a.mp4", "b.mp4", frames=30)
    if table:
        write_table(tmp_path / "room", table, name="segments.csv")
    folder = load_data_folder(tmp_path / "room")
    return read_footage(store(tmp_path / "cache"), [folder], replace(OPTIONS, **changes))


def test_an_unlabelled_recording_becomes_a_clip_a_second_of_which_nothing_is_known(tmp_path):
    clips = read(tmp_path).clips
    # Frames at 0 … 2.8 s and clips of 1 s: from 0 and from 1 s.
    assert [(clip.window.segment.start_s, clip.facts) for clip in clips[:2]] == [(0, Facts()), (1, Facts())]
    assert [clip.group for clip in clips] == ["room/a.mp4"] * 2 + ["room/b.mp4"] * 2
    assert all(len(clip.window) <= 5 for clip in clips)


def test_a_label_is_known_of_the_clips_of_which_it_covers_half(tmp_path):
    table = "file,label,group,start_s,end_s\na.mp4,walk,1,0,1.4\n"
    clips = read(tmp_path, table).clips
    # The second clip lasts from 1 to 2 s; the label covers 0.4 s of it.
    assert [clip.facts.label for clip in clips] == ["walk", None]


def test_a_folder_s_cameras_are_described(tmp_path):
    clips = read(tmp_path, descriptions={"room": "A ceiling camera."}).clips
    assert {clip.facts.description for clip in clips} == {"A ceiling camera."}


def test_nothing_is_seen_of_groups_that_are_left_out(tmp_path):
    left = read(tmp_path, leave_out=["a.mp4"])
    assert {clip.group for clip in left.clips} == {"room/b.mp4"}
    assert list(left.files) == [str(tmp_path / "room/b.mp4")]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"leave_out": ["c.mp4"]}, "no groups c.mp4"),
        ({"descriptions": {"hall": "A hall."}}, "no folders hall"),
        ({"leave_out": ["a.mp4", "b.mp4"]}, "no clip to learn from"),
    ],
)
def test_a_name_that_does_not_occur_is_refused(tmp_path, changes, complaint):
    with pytest.raises(DataError, match=complaint):
        read(tmp_path, **changes)


def test_the_two_sides_share_neither_groups_nor_recordings():
    clips = footage(20)
    out = held_out_groups({clip.group for clip in clips.clips}, share=0.2, seed=0)
    train, held_out = clips.without(out), clips.only(out)
    # 10 groups of two recordings: 2 groups are held out.
    assert (len(train.clips), len(held_out.clips)) == (16, 4)
    assert not set(train.files) & set(held_out.files)
    assert len(train.frames()) == 16 * 5  # without each first frame, which shows no motion


def test_every_folder_gives_a_share_of_its_groups_but_never_its_only_one():
    groups = {*(f"large/{number}" for number in range(20)), "small/0", "small/1", "single/0"}
    out = held_out_groups(groups, share=0.1, seed=3)
    assert Counter(group.split("/")[0] for group in out) == {"large": 2, "small": 1}
    assert held_out_groups(groups, share=0.0, seed=3) == frozenset()


def test_a_small_folder_is_drawn_from_more_often_than_it_has_clips():
    clips = [*footage(16, folder="small").clips, *footage(64, folder="large").clips]
    drawn = tempered_order(clips, np.random.default_rng(0))
    # The roots are 4 and 8: a third and two thirds of 80.
    assert Counter(clip.folder for clip in drawn) == {"small": 27, "large": 53}
    small = Counter(clip.file for clip in drawn if clip.folder == "small")
    assert set(small.values()) == {1, 2}
