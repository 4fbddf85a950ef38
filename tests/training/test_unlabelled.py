"""Which clips of a data folder nobody has said anything about."""

from dataclasses import dataclass

import pytest

from tests.training.data import FOOTAGE, numbered, write_table
from training.data_folder import DataError
from training.unlabelled import NO_TASK, read_unlabelled


@dataclass(frozen=True)
class Kept:
    """A store of the same 13 frames for every recording, 5 a second."""

    footage: object = FOOTAGE

    def file(self, _):
        return numbered(13)


def street(tmp_path, *rows):
    return write_table(
        tmp_path / "street", "\n".join(["file,label,group,start_s,end_s", *rows]) + "\n", name="segments.csv"
    )


def times(cuts):
    return [(cut.example.segment.file.rpartition("/")[2], cut.window.first, cut.window.stop) for cut in cuts]


def test_what_a_label_touches_is_not_unlabelled(tmp_path):
    folder = street(tmp_path, "a.mp4,fight,yard,0,1.1", "a.mp4,,yard,1.5,2")
    # 0.8 s of four frames every 0.4 s: 0.2-1.0, 0.6-1.4, 1.0-1.8, 1.4-2.2; the label ends at 1.1 s.
    assert times(read_unlabelled([folder], Kept(), num_frames=4)) == [("a.mp4", 7, 11)]


def test_they_have_no_task_no_label_and_the_group_that_their_labelled_neighbours_have(tmp_path):
    folder = street(tmp_path, "a.mp4,fight,yard,0,1.1")
    (cut,) = read_unlabelled([folder], Kept(), num_frames=4)
    assert (cut.example.task, cut.example.label) == (NO_TASK, -100)
    assert cut.example.segment.group == "street/yard"
    assert cut.window.segment.file == str(folder / "a.mp4")


def test_recordings_that_the_table_does_not_name_are_groups_of_their_own(tmp_path):
    folder = street(tmp_path, "a.mp4,fight,yard,,")
    (folder / "b.mp4").touch()
    cuts = read_unlabelled([folder], Kept(), num_frames=4)
    assert {cut.example.segment.group for cut in cuts} == {"street/b.mp4"}
    assert len(cuts) == 4


def test_a_folder_with_every_label_is_named(tmp_path):
    with pytest.raises(DataError, match=r"There is no unlabelled clip in .*street"):
        read_unlabelled([street(tmp_path, "a.mp4,fight,yard,,")], Kept(), num_frames=4)


def test_more_clips_than_memory_holds_are_taken_evenly(tmp_path):
    folder = street(tmp_path, "a.mp4,,yard,,", "b.mp4,,gate,,")
    cuts = read_unlabelled([folder], Kept(), num_frames=4, at_most=3)
    # Four of each: the first, the middle one and the last of eight.
    assert [name for name, *_ in times(cuts)] == ["a.mp4", "b.mp4", "b.mp4"]
