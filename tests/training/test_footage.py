import numpy as np
import pytest

from models.errors import CheckpointError
from models.motion import MotionSettings
from models.runtime import DrawnClip
from tests.media import moving_square, write_video
from training.calibration import draw_files, spread_clips, spread_pictures
from training.footage import Footage, render_file, video_files

FOOTAGE = Footage(MotionSettings(("frame", "difference"), picture_px=64), sample_fps=5)


def drawn(frames: int, value: int) -> DrawnClip:
    numbers = np.arange(frames, dtype=np.uint8) + value
    return DrawnClip(
        np.broadcast_to(numbers[:, None, None, None, None], (frames, 1, 2, 2, 3)), np.zeros((frames, 4))
    )


def test_a_file_is_sampled_at_the_rate_of_the_footage(tmp_path):
    video = write_video(tmp_path / "a.mp4", moving_square(20), fps=10)
    views = list(render_file(video, FOOTAGE))
    # 20 frames at 10 fps, every second one taken.
    assert len(views) == 10
    assert views[0].pictures.shape == (2, 64, 64, 3)


def test_the_first_frame_of_a_file_shows_no_difference(tmp_path):
    video = write_video(tmp_path / "a.mp4", moving_square(6), fps=10)
    first, second, _ = render_file(video, FOOTAGE)
    assert np.unique(first.pictures[1]).tolist() == [127]
    assert np.unique(second.pictures[1]).tolist() != [127]


def test_videos_are_found_in_folders_below_in_order(tmp_path):
    for name in ("b/2.MP4", "a.avi", "b/1.mkv", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [str(path.relative_to(tmp_path)) for path in video_files(tmp_path)] == [
        "a.avi",
        "b/1.mkv",
        "b/2.MP4",
    ]


def test_a_folder_without_videos_is_one_sentence(tmp_path):
    with pytest.raises(CheckpointError, match="holds no video to calibrate on"):
        draw_files(tmp_path, FOOTAGE)


def test_every_file_of_a_folder_is_drawn(tmp_path):
    for name in ("a.mp4", "b.mp4"):
        write_video(tmp_path / name, moving_square(6), fps=10)
    files = draw_files(tmp_path, FOOTAGE)
    # 6 frames at 10 fps, 3 of them sampled; the first shows no motion and is left out.
    assert [file.pictures.shape for file in files] == [(2, 2, 64, 64, 3)] * 2
    assert [file.motion.shape[0] for file in files] == [2, 2]


def test_pictures_are_taken_evenly_from_each_file():
    pictures = spread_pictures([drawn(9, 0), drawn(3, 100)], count=6)
    # Three of each: the first, the middle, the last.
    assert pictures[:, 0, 0, 0].tolist() == [0, 4, 8, 100, 101, 102]


def test_a_short_file_gives_what_it_has():
    assert len(spread_pictures([drawn(9, 0), drawn(2, 100)], count=6)) == 5


def test_clips_are_cut_without_overlap_from_files_that_are_long_enough():
    clips = spread_clips([drawn(9, 0), drawn(3, 100)], num_frames=4, count=10)
    # Nine frames hold two clips of four; three hold none.
    assert [clip.pictures[:, 0, 0, 0, 0].tolist() for clip in clips] == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_as_many_clips_as_asked_are_taken():
    assert len(spread_clips([drawn(40, 0)], num_frames=4, count=3)) == 3
