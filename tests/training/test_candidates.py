"""Which parts of recordings count as unlabelled, and the table that is written of those chosen."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from models.runtime import ClipUnderstanding
from tests.fakes import FakeEncoder
from tests.training.data import ENCODER, FOOTAGE, numbered, write_clips
from training.candidates import Asked, Candidate, CandidateReader, demand_place, write_table
from training.data_folder import DataError, DataFolder, Segment, load_data_folder
from training.selection import Place


@dataclass(frozen=True)
class Kept:
    """A store of features that were made by hand."""

    files: dict
    footage: object = FOOTAGE

    def file(self, recording):
        return self.files[recording.name]


class Telling(FakeEncoder):
    """Says of each clip the number of its newest frame; four frames a clip."""

    def understand(self, clips):
        newest = clips.features[:, -1, :1]
        return ClipUnderstanding(newest, {"fight": np.repeat([[0.25, 0.75]], len(newest), axis=0)})


def read(tmp_path, features, *segments, statistics=False):
    store = Kept({"a.mp4": features})
    reader = CandidateReader(Telling(ENCODER.checkpoint), store, "fight", statistics=statistics)
    return reader.read([DataFolder(tmp_path, segments)])


def segment(label, start_s=0.0, end_s=None):
    return Segment("a.mp4", label, "yard", start_s, end_s)


def test_a_recording_without_labels_is_cut_into_overlapping_windows(tmp_path):
    found = read(tmp_path, numbered(13), segment(None))
    # 5 frames a second, four a clip: 0.8 s, every 0.4 s. Frame 0 shows no motion and is left out.
    times = [(clip.start_s, clip.end_s) for clip in found.clips]
    assert times == [(0.2, 1.0), (0.6, 1.4), (1.0, 1.8), (1.4, 2.2)]
    assert found.pool.embeddings[:, 0].tolist() == [4, 6, 8, 10]
    assert found.pool.probabilities.tolist() == [[0.25, 0.75]] * 4
    assert found.pool.places[1] == Place(str(tmp_path / "a.mp4"), 0.6, 1.4)


def test_clips_are_compared_by_statistics_where_a_linear_path_reads_them(tmp_path):
    found = read(tmp_path, numbered(13), segment(None), statistics=True)
    # Two features, the frame's number: means 2.5, 4.5, 6.5 and 8.5, with the spread √5; deviations and
    # steps are the same in all. Six numbers a clip: the length of all is as if there were one.
    means = (np.array([2.5, 4.5, 6.5, 8.5]) - 5.5) / np.sqrt(5) / np.sqrt(6)
    expected = np.concatenate([np.repeat(means[:, None], 2, axis=1), np.zeros((4, 4))], axis=1)
    np.testing.assert_allclose(found.pool.embeddings, expected, atol=1e-6)


def test_what_a_label_touches_is_not_asked_about_again(tmp_path):
    found = read(tmp_path, numbered(23), segment("fight", 0.0, 1.3), segment(None, 3.0, 4.0))
    # 0.2–1.0, 0.6–1.4 and so on: the first that lies behind 1.3 s is the fifth, 1.8–2.6.
    assert min(clip.start_s for clip in found.clips) == 1.8
    # The first two are labelled throughout and the third, 1.0–1.8, for the most part; the fourth is not.
    assert found.pool.labelled[:, 0].tolist() == [4, 6, 8]


def test_a_clip_shorter_than_a_window_counts_all_the_same(tmp_path):
    found = read(tmp_path, numbered(3), segment(None))
    assert [(clip.start_s, clip.end_s) for clip in found.clips] == [(0.2, 0.6)]


def test_a_window_that_an_interruption_cut_short_is_left_out(tmp_path):
    found = read(tmp_path, numbered(13, begins=(0, 6)), segment(None))
    # Of 0.6–1.4 s frame 6 alone is left, which shows no motion; of 1.0–1.8 s frames 7 and 8 are, half a clip.
    assert [(clip.start_s, clip.end_s) for clip in found.clips] == [(0.2, 1.0), (1.4, 1.8), (1.4, 2.2)]


def test_a_folder_with_every_label_leaves_nothing_to_ask(tmp_path):
    with pytest.raises(DataError, match="no unlabelled clip in"):
        read(tmp_path, numbered(10), segment("fight"))


def test_a_task_that_the_checkpoint_has_not_is_refused():
    with pytest.raises(DataError, match="no task dance; it has fight"):
        CandidateReader(Telling(ENCODER.checkpoint), Kept({}), "dance")


def test_the_table_is_a_data_folder_with_empty_labels(tmp_path):
    write_clips(tmp_path / "yard", "a.mp4", frames=2)
    clip = Candidate(tmp_path / "yard", "a.mp4", "night", 1.4, 4.6)
    write_table(tmp_path / "segments.csv", [clip, replace(clip, start_s=9.0, end_s=12.2)])
    assert load_data_folder(tmp_path).segments == (
        Segment("yard/a.mp4", None, "night", 1.4, 4.6),
        Segment("yard/a.mp4", None, "night", 9.0, 12.2),
    )


def test_a_table_is_continued_below_what_somebody_filled_in(tmp_path):
    write_clips(tmp_path, "a.mp4", frames=2)
    table, clip = tmp_path / "segments.csv", Candidate(tmp_path, "a.mp4", "night", 1.4, 4.6)
    write_table(table, [clip])
    filled = table.read_text().replace("a.mp4,,", "a.mp4,fight,").rstrip("\n")  # an editor may drop the end
    table.write_text(filled)
    write_table(table, [replace(clip, start_s=9.0, end_s=12.2)])
    assert table.read_text() == f"{filled}\na.mp4,,night,9,12.2\n"


@pytest.mark.parametrize(
    ("start_s", "end_s", "asked"), [(0.0, 1.4, False), (1.0, 1.5, True), (4.5, 5.0, True), (4.6, 6.0, False)]
)
def test_what_touches_a_row_of_the_table_has_been_asked(tmp_path, start_s, end_s, asked):
    write_clips(tmp_path / "yard", "a.mp4", frames=2)
    write_table(tmp_path / "segments.csv", [Candidate(tmp_path / "yard", "a.mp4", "night", 1.4, 4.6)])
    clip = Candidate(tmp_path / "yard", "a.mp4", "night", start_s, end_s)
    assert Asked.of_table(tmp_path / "segments.csv").about(clip) is asked
    assert not Asked.of_table(tmp_path / "none.csv").about(clip)


def test_only_a_table_of_segments_is_continued(tmp_path):
    (tmp_path / "next.csv").write_text("precious")
    with pytest.raises(DataError, match=r"next\.csv exists; only a segments\.csv is continued"):
        Asked.of_table(tmp_path / "next.csv")


def test_a_table_lies_above_the_recordings_that_it_names(tmp_path):
    inside, outside = DataFolder(tmp_path / "data", ()), DataFolder(tmp_path / "other", ())
    (tmp_path / "data").mkdir()
    demand_place(tmp_path / "data/segments.csv", [inside])
    with pytest.raises(DataError, match=r"must lie in .*other or above"):
        demand_place(tmp_path / "data/segments.csv", [inside, outside])
    with pytest.raises(DataError, match="There is no folder"):
        demand_place(tmp_path / "nowhere/segments.csv", [])
