"""Clips are cut out of the camera's own packets, around each event."""

from pathlib import Path

import av
import pytest

from pipeline.clip_file import write_clip
from pipeline.recording import Recorder, RecordingSettings
from pipeline.stream_format import parameter_sets
from tests import media
from tests.fakes import ManualClock

BEGIN_S = 1_700_000_000.0
SECOND = RecordingSettings(pre_roll_s=1.0, post_roll_s=1.0)


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> Path:
    """Return 10 s at 10 frames a second, in which each second begins with a keyframe."""
    return media.write_video(tmp_path_factory.mktemp("video") / "walk.mp4", media.moving_square(100))


class Feed:
    """A camera that is played by hand: its second 0 is `BEGIN_S`."""

    def __init__(self, video: Path, settings: RecordingSettings = SECOND) -> None:
        self.clock = ManualClock(utc=BEGIN_S)
        self.recorder = Recorder(settings, self.clock)
        self._container = av.open(str(video))
        self._stream = self._container.streams.video[0]
        self._packets = self._container.demux(self._stream)
        self.recorder.begin(self._stream)

    def play(self, until_s: float) -> None:
        """Send what comes up to this second of the recording."""
        while self.clock.utc < BEGIN_S + until_s - 0.05:
            self.recorder.take(next(self._packets))
            self.clock.advance(0.1)

    def reconnect(self) -> None:
        self.recorder.begin(self._stream)


@pytest.fixture
def feed(video):
    return Feed(video)


def times_of(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [round(frame.time, 3) for frame in container.decode(video=0)]


def test_a_clip_runs_from_the_keyframe_before_its_pre_roll_to_the_end_of_its_post_roll(feed, tmp_path):
    feed.play(6.0)
    feed.recorder.open("fall", BEGIN_S + 5.5)  # pre-roll from 4.5: the keyframe before it is that of 4.0
    feed.play(7.0)
    feed.recorder.end("fall", BEGIN_S + 6.5)
    assert feed.recorder.collect() == ()  # until 7.5
    feed.play(8.0)
    (recording,) = feed.recorder.collect()
    write_clip(recording, tmp_path / "fall.mp4")
    times_s = times_of(tmp_path / "fall.mp4")
    assert (times_s[0], len(times_s), times_s[-1]) == (0.0, 36, 3.5)  # 4.0, 4.1 … 7.5


def test_a_browser_finds_the_index_before_the_pictures(feed, tmp_path):
    feed.play(2.0)
    feed.recorder.open("fall", BEGIN_S + 1.0)
    (recording,) = feed.recorder.collect(everything=True)
    write_clip(recording, tmp_path / "fall.mp4")
    data = (tmp_path / "fall.mp4").read_bytes()
    assert 0 < data.find(b"moov") < data.find(b"mdat")


def test_two_events_at_once_have_a_clip_each(feed):
    feed.play(3.0)
    feed.recorder.open("fall", BEGIN_S + 2.0)
    feed.play(4.0)
    feed.recorder.open("fight", BEGIN_S + 3.5)
    recordings = feed.recorder.collect(everything=True)
    firsts = {recording.event_id: recording.packets[0].utc_s - BEGIN_S for recording in recordings}
    assert firsts == pytest.approx({"fall": 1.0, "fight": 2.0}, abs=0.01)


def test_the_ring_holds_the_pre_roll_the_delay_of_decisions_and_one_group(video):
    feed = Feed(video)
    feed.play(9.5)  # reaches back by 1 + 5 s, to 3.5: the group that begins at 3.0 is the oldest
    feed.recorder.open("late", BEGIN_S)
    (recording,) = feed.recorder.collect(everything=True)
    assert recording.packets[0].utc_s - BEGIN_S == pytest.approx(3.0, abs=0.01)


def test_an_event_longer_than_a_clip_may_be_has_a_clip_of_its_beginning(video):
    feed = Feed(video, RecordingSettings(pre_roll_s=1.0, post_roll_s=1.0, max_clip_s=3.0))
    feed.play(2.5)
    feed.recorder.open("fight", BEGIN_S + 2.0)  # 1.0 … 4.0
    feed.play(6.0)
    (recording,) = feed.recorder.collect()
    assert len(recording.packets) == 31


def test_an_event_that_is_told_late_has_a_clip_from_where_the_ring_begins(video):
    feed = Feed(video, RecordingSettings(pre_roll_s=1.0, post_roll_s=1.0, max_clip_s=3.0))
    feed.play(9.5)
    feed.recorder.open("late", BEGIN_S)  # began long before the ring does, at 3.0
    (recording,) = feed.recorder.collect(everything=True)
    times_s = [packet.utc_s - BEGIN_S for packet in recording.packets]
    assert (times_s[0], times_s[-1]) == (pytest.approx(3.0, abs=0.01), pytest.approx(6.0, abs=0.01))


def test_memory_is_bounded_in_bytes(video):
    feed = Feed(video, RecordingSettings(max_bytes=60_000))
    held = []
    for tenth in range(1, 90):
        feed.play(tenth / 10)
        held.append(feed.recorder.held_bytes)
    assert max(held) <= 60_000
    feed.recorder.open("fight", BEGIN_S + 8.0)
    (recording,) = feed.recorder.collect(everything=True)
    assert sum(len(packet.data) for packet in recording.packets) <= 60_000


def test_a_lost_connection_ends_the_clip_and_not_the_camera(feed):
    feed.play(3.0)
    feed.recorder.open("fall", BEGIN_S + 2.0)
    feed.reconnect()
    feed.play(5.0)
    (recording,) = feed.recorder.collect()
    assert recording.packets[-1].utc_s - BEGIN_S == pytest.approx(2.9, abs=0.01)
    feed.recorder.open("fight", BEGIN_S + 4.0)
    (second,) = feed.recorder.collect(everything=True)
    assert second.packets[0].utc_s - BEGIN_S == pytest.approx(3.0, abs=0.01)


def test_a_clip_is_collected_once(feed):
    feed.play(2.0)
    feed.recorder.open("fall", BEGIN_S + 1.0)
    assert len(feed.recorder.collect(everything=True)) == 1
    assert feed.recorder.collect(everything=True) == ()


def test_an_event_before_the_first_keyframe_waits_for_one(feed):
    feed.recorder.open("fall", BEGIN_S)
    feed.play(0.5)
    (recording,) = feed.recorder.collect(everything=True)
    assert (len(recording.packets), recording.packets[0].is_keyframe) == (5, True)


def test_what_browsers_cannot_play_is_not_recorded(tmp_path):
    video = media.write_video(tmp_path / "walk.avi", media.moving_square(10), codec="mjpeg")
    feed = Feed(video)
    feed.play(0.5)
    feed.recorder.open("fall", BEGIN_S)
    assert (feed.recorder.is_recording, feed.recorder.collect(everything=True)) == (False, ())


def test_a_file_that_cannot_be_written_is_an_error_of_the_system(feed, tmp_path):
    feed.play(1.0)
    feed.recorder.open("fall", BEGIN_S)
    (recording,) = feed.recorder.collect(everything=True)
    with pytest.raises(OSError, match="No such file or directory"):
        write_clip(recording, tmp_path / "nowhere" / "fall.mp4")


def test_parameter_sets_are_found_in_a_keyframe():
    # H.264: types 7 (SPS), 8 (PPS) and 5 (picture); HEVC: 32, 33, 34 and 19, in the bits above the lowest.
    h264 = b"\0\0\0\1\x67sps\0\0\0\1\x68pps\0\0\1\x65picture"
    assert parameter_sets(h264, "h264") == b"\0\0\0\1\x67sps\0\0\0\1\x68pps"
    hevc = b"".join(b"\0\0\0\1" + bytes([kind << 1, 1]) for kind in (32, 33, 34, 19))
    assert parameter_sets(hevc, "hevc") == hevc[:18]
