"""The clip of a camera with something to hide is encoded anew: same length, other pictures."""

import av
import numpy as np
import pytest

from pipeline.hidden_clip import write_hidden_clip
from pipeline.privacy import Blur, Privacy
from pipeline.recording import Recorder, RecordingSettings
from tests import media
from tests.fakes import ManualClock

ALL = Privacy(blur=Blur.ALL)
LEFT_HALF = Privacy({"window": ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))})


@pytest.fixture
def recording(tmp_path):
    """Return the packets of two seconds of video."""
    recorder = Recorder(RecordingSettings(), ManualClock())
    with av.open(str(media.write_video(tmp_path / "walk.mp4", media.moving_square(20)))) as container:
        recorder.begin(container.streams.video[0])
        for packet in container.demux(video=0):
            recorder.take(packet)
    recorder.open("", ManualClock().utc)
    (recording,) = recorder.collect(everything=True)
    return recording


def played(path):
    """Return codec, times and pictures of a video."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        codec = container.streams.video[0].codec_context.name
    return codec, [round(frame.time, 3) for frame in frames], [f.to_ndarray(format="bgr24") for f in frames]


def within_tiles(picture):
    """Return how far pixels are on average from the mean of their tile, 20 x 20 pixels of (180, 140)."""
    tiles = picture.astype(np.float64).reshape(9, 20, 7, 20, 3)
    return np.abs(tiles - tiles.mean(axis=(1, 3), keepdims=True)).mean()


def test_it_has_each_picture_at_its_time(recording, tmp_path):
    write_hidden_clip(recording, tmp_path / "clip.partial", ALL)
    codec, times_s, pictures = played(tmp_path / "clip.partial")
    assert codec == "vp9"
    assert times_s == [round(number / 10, 3) for number in range(20)]
    assert pictures[0].shape == (180, 320, 3)


def test_what_is_private_cannot_be_seen_in_any_picture(recording, tmp_path):
    write_hidden_clip(recording, tmp_path / "clip.partial", LEFT_HALF)
    _, _, pictures = played(tmp_path / "clip.partial")
    for picture in pictures:
        # What is left within a tile is the encoder's noise; of the scene's rectangles there is nothing.
        assert within_tiles(picture[:, :140]) < 3
        assert within_tiles(picture[:, 180:]) > 8


def test_nothing_else_is_written_meanwhile(recording, tmp_path):
    folder = tmp_path / "clips"
    folder.mkdir()
    write_hidden_clip(recording, folder / "clip.partial", ALL)
    assert [path.name for path in folder.iterdir()] == ["clip.partial"]


def test_a_disk_that_takes_nothing_is_an_error_of_the_disk(recording, tmp_path):
    with pytest.raises(OSError, match="No such file"):
        write_hidden_clip(recording, tmp_path / "nowhere" / "clip.partial", ALL)
