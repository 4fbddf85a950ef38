from pathlib import Path

import pytest

from models.errors import VideobertdError
from tests.media import moving_square, write_images
from tests.training.data import write_table
from training.data_folder import DataError, Segment, load_data_folder

DATA = Path(__file__).parents[3] / "shared/data"


def test_a_row_of_labels_csv_is_a_whole_recording(tmp_path):
    folder = load_data_folder(
        write_table(tmp_path, "file,label,group\na.mp4,fight,park\nb.mp4,normal,park\n")
    )
    assert folder.segments == (Segment("a.mp4", "fight", "park"), Segment("b.mp4", "normal", "park"))
    assert folder.segments[0].name == "a.mp4"
    assert folder.labels == ("fight", "normal")


def test_a_row_of_segments_csv_is_a_part_of_a_recording(tmp_path):
    table = "file,label,group,start_s,end_s\na.mp4,walk,one,5.40,8.4\na.mp4,sit,one,8.4,\n"
    folder = load_data_folder(write_table(tmp_path, table, name="segments.csv"))
    assert folder.files == ("a.mp4",)
    assert folder.segments_of("a.mp4") == [
        Segment("a.mp4", "walk", "one", 5.4, 8.4),
        Segment("a.mp4", "sit", "one", 8.4, None),
    ]
    assert [segment.name for segment in folder.segments] == ["a.mp4@5.4-8.4", "a.mp4@8.4-"]


def test_any_column_can_be_the_label_or_the_group(tmp_path):
    write_table(tmp_path, "file,label,group,day,activity\na.mp4,fall,one,monday,trip\n")
    folder = load_data_folder(tmp_path, label_by="activity", group_by="day")
    assert folder.segments == (Segment("a.mp4", "trip", "monday"),)


def test_an_empty_label_means_that_none_is_known(tmp_path):
    write_table(tmp_path, "file,label,group\na.mp4,,park\n")
    assert load_data_folder(tmp_path).segments == (Segment("a.mp4", None, "park"),)


def test_without_a_table_every_recording_is_an_unlabelled_group(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b/1.MP4").touch()
    (tmp_path / "notes.txt").touch()
    write_images(tmp_path / "a", moving_square(2))
    assert load_data_folder(tmp_path).segments == (
        Segment("a", None, "a"),
        Segment("b/1.MP4", None, "b/1.MP4"),
    )


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("c.mp4,walk,one,x,2", "line 3, column start_s: 'x' must be a number of seconds, 0 or more"),
        ("c.mp4,walk,one,-1,2", "line 3, column start_s: '-1' must be a number of seconds, 0 or more"),
        ("c.mp4,walk,one,0,nan", "line 3, column end_s: 'nan' must be a number of seconds, 0 or more"),
        ("c.mp4,walk,one,3,2", "line 3, column end_s: '2' must be after start_s, 3, or empty"),
        ("c.mp4,walk,,0,2", "line 3, column group: '' must be the name of a group"),
        ("a.mp4,walk,one,0,2", "line 3, column file: 'a.mp4' must be new: line 2 has it already"),
        ("c.mp4,walk", "line 3: must have 5 cells"),
    ],
)
def test_a_bad_row_is_named_by_line_column_and_value(tmp_path, row, message):
    table = f"file,label,group,start_s,end_s\na.mp4,walk,one,0,2\n{row}\n"
    with pytest.raises(DataError) as error:
        load_data_folder(write_table(tmp_path, table, name="segments.csv"))
    assert f"segments.csv, {message}" in str(error.value)


@pytest.mark.parametrize("file", ["missing.mp4", "../outside.mp4", "/etc/hostname", ""])
def test_a_file_must_lie_below_the_folder(tmp_path, file):
    (tmp_path / "outside.mp4").touch()
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "labels.csv").write_text(f"file,label,group\n{file},fight,park\n")
    with pytest.raises(
        DataError, match=r"labels.csv, line 2, column file: .* must be a video or a folder of"
    ):
        load_data_folder(folder)


def test_a_missing_column_is_named_with_those_that_are_needed(tmp_path):
    write_table(tmp_path, "file,label\na.mp4,fight\n")
    with pytest.raises(DataError, match=r"line 1: .* lack group; needed are file, label, group"):
        load_data_folder(tmp_path)


def test_a_clip_cannot_have_two_labels(tmp_path):
    write_table(tmp_path, "file,label,group\na.mp4,fight,park\na.mp4,normal,park\n")
    with pytest.raises(DataError, match=r"line 3, column file: 'a\.mp4' must be new"):
        load_data_folder(tmp_path)


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "has neither labels.csv nor segments.csv, nor videos"),
        ({"labels.csv": "file,label,group\n"}, "has no row below its header"),
        ({"labels.csv": "file,label,group\n", "segments.csv": ""}, "has both"),
        ({"labels.csv": b"file,label,group\n\xff,a,b\n"}, "cannot be read"),
    ],
)
def test_a_folder_that_cannot_be_used_is_one_sentence(tmp_path, files, reason):
    for name, content in files.items():
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(VideobertdError, match=reason):
        load_data_folder(tmp_path)


def test_the_fingerprint_changes_with_a_label_a_group_or_a_size_only(tmp_path):
    table = "file,label,group\na.mp4,fight,park\n"
    before = load_data_folder(write_table(tmp_path / "one", table)).fingerprint()
    assert load_data_folder(write_table(tmp_path / "two", table)).fingerprint() == before
    relabelled = load_data_folder(write_table(tmp_path / "two", table.replace("fight", "normal")))
    (tmp_path / "one/a.mp4").write_bytes(b"longer")
    grown = load_data_folder(tmp_path / "one").fingerprint()
    assert len({before, relabelled.fingerprint(), grown}) == 3


@pytest.mark.skipif(not DATA.exists(), reason="the shared data are not on this machine")
def test_the_shared_folders_are_read_by_group_and_by_day():
    home = load_data_folder(DATA / "home")
    by_day = load_data_folder(DATA / "home", group_by="day")
    # 210 rows of 16 recordings, filmed on four days.
    assert (len(home.segments), len(home.files)) == (210, 16)
    assert len({segment.group for segment in home.segments}) == 16
    assert {segment.group for segment in by_day.segments} == {f"2020062{day}" for day in (6, 7, 8, 9)}
    assert load_data_folder(DATA / "fight").labels == ("fight", "normal")


def test_recordings_that_a_table_does_not_name_are_there_where_they_are_asked_for(tmp_path):
    folder = write_table(tmp_path, "file,label,group\na.mp4,fight,yard\n")
    (folder / "b.mp4").touch()
    assert [segment.file for segment in load_data_folder(folder).segments] == ["a.mp4"]
    assert load_data_folder(folder, unnamed=True).segments[1:] == (Segment("b.mp4", None, "b.mp4"),)
