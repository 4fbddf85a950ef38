"""Folders of clips and their labels: what is found, and what is refused, with the file and the counts."""

import json

import pytest

from tests.media import still_scene, write_images, write_video
from tests.training.data import write_table
from training.anomaly_folder import TRUTH_FILE, load_clips, load_truth
from training.data_folder import DataError


def frame_folders(folder, **counts):
    """Write a folder of so many images for each name."""
    for name, count in counts.items():
        write_images(folder / name, still_scene(count))
    return folder


def say(folder, labels):
    (folder / TRUTH_FILE).write_text(json.dumps(labels))
    return folder


def names(folder):
    return [clip.name for clip in load_clips(folder)]


def test_clips_are_folders_of_images_and_videos_in_order_of_their_names(tmp_path):
    frame_folders(tmp_path, b=2, a=1)
    write_video(tmp_path / "c.mp4", still_scene(2))
    (tmp_path / "notes.txt").write_text("none")
    assert names(tmp_path) == ["a", "b", "c.mp4"]


def test_linked_clips_are_found(tmp_path):
    frame_folders(tmp_path / "real", a=1)
    (tmp_path / "links").mkdir()
    (tmp_path / "links/b").symlink_to(tmp_path / "real/a")
    assert names(tmp_path / "links") == ["b"]


def test_a_folder_of_images_and_a_video_are_one_clip(tmp_path):
    frame_folders(tmp_path, a=1)
    assert names(tmp_path / "a") == ["a"]
    assert names(write_video(tmp_path / "walk.mp4", still_scene(2))) == ["walk.mp4"]


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir()])
def test_a_folder_that_is_missing_or_empty_is_refused(tmp_path, make):
    make(tmp_path / "data")
    with pytest.raises(DataError, match="data"):
        load_clips(tmp_path / "data")


def test_frames_are_labelled_one_by_one(tmp_path):
    folder = say(frame_folders(tmp_path, a=3), {"a": [0, 1, 1]})
    (clip,) = load_clips(folder)
    assert load_truth(folder, [clip]).labels(clip, [0.0, 0.1, 0.2]).tolist() == [0, 1, 1]


def test_a_video_may_be_labelled_without_its_suffix(tmp_path):
    write_video(tmp_path / "walk.mp4", still_scene(2))
    (clip,) = load_clips(say(tmp_path, {"walk": [0, 1]}))
    assert load_truth(tmp_path, [clip]).labels(clip, [0.0, 0.1]).tolist() == [0, 1]


def test_without_labels_there_is_no_truth(tmp_path):
    assert load_truth(frame_folders(tmp_path, a=1), load_clips(tmp_path)) is None


def test_a_wrong_number_of_labels_names_file_clip_and_both_counts(tmp_path):
    folder = say(frame_folders(tmp_path, a=3), {"a": [0, 1]})
    with pytest.raises(DataError, match=r"frame_labels\.json has 2 labels of a, which has 3 frames"):
        load_truth(folder, load_clips(folder))


def test_a_video_is_counted_when_it_has_been_read(tmp_path):
    write_video(tmp_path / "walk.mp4", still_scene(2))
    (clip,) = load_clips(say(tmp_path, {"walk.mp4": [0, 1, 1]}))
    truth = load_truth(tmp_path, [clip])
    with pytest.raises(DataError, match=r"3 labels of walk\.mp4, which has 2 frames"):
        truth.labels(clip, [0.0, 0.1])


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ({"b": [0]}, "says nothing of a"),
        ({"a": [0, 2]}, "a list of 0 and 1 for a"),
        ({"a": "01"}, "a list of 0 and 1 for a"),
        ({"a": [True, False]}, "a list of 0 and 1 for a"),
        ([0, 1], "must be an object"),
    ],
)
def test_labels_that_say_something_else_are_refused(tmp_path, labels, said):
    folder = say(frame_folders(tmp_path, a=2), labels)
    with pytest.raises(DataError, match=said):
        load_truth(folder, load_clips(folder))


def test_a_file_that_is_no_json_is_refused(tmp_path):
    frame_folders(tmp_path, a=1)
    (tmp_path / TRUTH_FILE).write_text("{")
    with pytest.raises(DataError, match="cannot be read"):
        load_truth(tmp_path, load_clips(tmp_path))


def test_segments_of_abnormal_labels_are_the_truth(tmp_path):
    rows = "file,label,group,start_s,end_s\na.mp4,walk,x,0,1\na.mp4,fall,x,1,2\na.mp4,fall,x,3,\n"
    write_table(tmp_path, rows, name="segments.csv")
    (clip,) = load_clips(tmp_path)
    truth = load_truth(tmp_path, [clip], abnormal=["fall"])
    # A span holds its first second and not its last one; the second span runs to the end.
    assert truth.labels(clip, [0, 1, 1.9, 2, 3, 9]).tolist() == [0, 1, 1, 0, 1, 1]


def test_an_abnormal_label_that_does_not_occur_is_refused(tmp_path):
    write_table(tmp_path, "file,label,group,start_s,end_s\na.mp4,walk,x,0,1\n", name="segments.csv")
    with pytest.raises(DataError, match=r"no segment labelled fall; labels: walk"):
        load_truth(tmp_path, load_clips(tmp_path), abnormal=["fall"])
