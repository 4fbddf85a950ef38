"""Every kind of source gives frames on the stream's time line, and fails with a reason."""

import http.server
import socket
import threading
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.clock import SystemClock
from pipeline.errors import (
    SettingsError,
    SourceEnded,
    SourceGarbled,
    SourceRefused,
    SourceStalled,
    SourceUnreachable,
)
from pipeline.image_folder import list_images
from pipeline.source import open_source
from pipeline.stream import SourceSettings
from tests import media
from tests.fakes import ManualClock, ManualStop


def times_of(url, count=1000, *, clock=None, stop=None, on_drop=None, **settings):
    """Return the stream times of the first frames of a source, rounded to milliseconds."""
    source = SourceSettings(str(url), **{"realtime": False, **settings})
    with open_source(source, clock or SystemClock(), stop=stop, on_drop=on_drop) as frames:
        return [round(frame.time_s, 3) for frame in islice(frames, count)]


def write_walk(path, count=5, **options):
    return media.write_video(path, media.moving_square(count), **options)


def test_a_file_gives_each_frame_with_its_pts(tmp_path):
    assert times_of(write_walk(tmp_path / "walk.mp4")) == [0.0, 0.1, 0.2, 0.3, 0.4]


def test_a_file_is_played_at_the_speed_of_its_recording(tmp_path):
    clock = ManualClock(monotonic=50.0)
    stop = ManualStop(clock)
    settings = SourceSettings(str(write_walk(tmp_path / "walk.mp4", times_s=[0, 0.1, 0.2, 1.2, 1.3])))
    with open_source(settings, clock, stop=stop) as frames:
        arrived_s = [round(frame.arrived_s, 3) for frame in frames]
    assert arrived_s == [50.0, 50.1, 50.2, 51.2, 51.3]


def test_a_late_reader_of_a_file_catches_up(tmp_path):
    clock = ManualClock(monotonic=0.0)
    settings = SourceSettings(str(write_walk(tmp_path / "walk.mp4")))
    with open_source(settings, clock, stop=ManualStop(clock)) as frames:
        next(frames)
        clock.advance(0.25)
        assert [round(frame.arrived_s, 3) for frame in frames] == [0.25, 0.25, 0.3, 0.4]


def test_a_stop_ends_a_paced_file_within_the_wait(tmp_path):
    clock = ManualClock()
    stop = ManualStop(clock, waits=3)
    path = write_walk(tmp_path / "walk.mp4")
    assert times_of(path, clock=clock, stop=stop, realtime=True) == [0.0, 0.1]


def test_a_looped_file_keeps_one_time_line(tmp_path):
    path = write_walk(tmp_path / "walk.mp4", 3)
    assert times_of(path, 8, loop=True) == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]


def test_a_looped_file_of_one_frame_goes_on(tmp_path):
    assert times_of(write_walk(tmp_path / "one.mp4", 1), 3, loop=True) == [0.0, 0.1, 0.2]


def test_images_are_read_in_the_order_of_their_numbers(tmp_path):
    media.write_images(tmp_path, media.moving_square(12))
    names = [path.name for path in list_images(tmp_path)]
    assert names == [f"{index}.jpg" for index in range(12)]


def test_a_folder_of_images_is_a_stream_of_the_given_rate(tmp_path):
    media.write_images(tmp_path, media.moving_square(4))
    assert times_of(tmp_path, fps=4.0) == [0.0, 0.25, 0.5, 0.75]


def test_a_damaged_image_is_counted_and_leaves_a_gap(tmp_path):
    media.write_images(tmp_path, media.moving_square(4))
    (tmp_path / "1.jpg").write_bytes(b"no picture")
    (tmp_path / "2.jpg").write_bytes(b"")
    dropped = []
    assert times_of(tmp_path, on_drop=dropped.append) == [0.0, 0.3]
    assert dropped == ["decode_error", "decode_error"]


def test_a_folder_without_images_is_garbled(tmp_path):
    with pytest.raises(SourceGarbled, match="holds no image"):
        times_of(tmp_path)


def test_a_missing_file_is_unreachable(tmp_path):
    with pytest.raises(SourceUnreachable, match=r"there is no file .*/away\.mp4"):
        times_of(tmp_path / "away.mp4")


def test_a_file_without_video_is_garbled(tmp_path):
    (tmp_path / "noise.mp4").write_bytes(np.random.default_rng(0).bytes(5000))
    with pytest.raises(SourceGarbled, match="holds no video"):
        times_of(tmp_path / "noise.mp4")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nwalk.ts\n#EXT-X-ENDLIST\n"),
        ("list.mp4", "ffconcat version 1.0\nfile walk.ts\n"),
    ],
)
def test_a_playlist_that_names_other_files_is_not_followed(tmp_path, name, text):
    write_walk(tmp_path / "walk.ts", 5, format="mpegts")
    assert len(times_of(tmp_path / "walk.ts")) == 5
    (tmp_path / name).write_text(text)
    with pytest.raises((SourceGarbled, SourceUnreachable)):
        times_of(tmp_path / name)


def test_a_refused_scheme_is_the_users_mistake():
    with pytest.raises(SettingsError):
        times_of("concat:a.mp4|b.mp4")


def test_a_change_of_resolution_in_mid_stream_goes_on(tmp_path):
    small = write_walk(tmp_path / "small.ts", 10, format="mpegts")
    pictures = (media.scene(width_px=640, height_px=360) for _ in range(10))
    large = media.write_video(tmp_path / "large.ts", pictures, format="mpegts")
    both = tmp_path / "both.ts"
    both.write_bytes(small.read_bytes() + large.read_bytes())
    with open_source(SourceSettings(str(both), realtime=False), SystemClock()) as frames:
        widths = [frame.original.width for frame in frames]
    assert (widths[0], widths[-1]) == (320, 640)
    assert len(widths) >= 18


def test_damaged_packets_are_counted_and_the_rest_is_shown(tmp_path):
    path = write_walk(tmp_path / "walk.ts", 60, format="mpegts")
    damaged = bytearray(path.read_bytes())
    third = len(damaged) // 3
    damaged[third : third + 4000] = np.random.default_rng(0).bytes(4000)
    path.write_bytes(damaged)
    dropped = []
    times_s = times_of(path, on_drop=dropped.append)
    assert 30 <= len(times_s) < 60
    assert set(dropped) == {"decode_error"}


def test_an_address_without_server_is_unreachable_and_redacted():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(SourceUnreachable) as caught:
        times_of(f"rtsp://admin:secret@127.0.0.1:{port}/s?token=abc")
    assert str(caught.value) == (
        f"rtsp://***@127.0.0.1:{port}/s?token=*** cannot be opened: Connection refused"
    )


def test_a_mute_server_is_given_up_after_the_open_timeout():
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/video"
        with pytest.raises(SourceUnreachable, match=r"did not answer within 0\.2 s"):
            times_of(url, open_timeout_s=0.2)


class MjpegHandler(http.server.BaseHTTPRequestHandler):
    """Serves three pictures as motion JPEG, as web cameras do; then ends, stays silent or sends noise."""

    release = threading.Event()

    def do_GET(self):
        self.send_response(200 if self.path != "/locked" else 401)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        for picture in media.moving_square(3 if self.path != "/locked" else 0):
            jpeg = cv2.imencode(".jpg", picture)[1].tobytes()
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            self.wfile.write(head.encode() + jpeg + b"\r\n")
        while self.path == "/garbled" and not self.release.wait(0.05):
            self.wfile.write(b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 8\r\n\r\nno jpeg!\r\n")
        if self.path == "/silent":
            self.release.wait(10)

    def log_message(self, *args):
        return


@pytest.fixture
def mjpeg_url():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), MjpegHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    MjpegHandler.release.clear()
    yield f"http://127.0.0.1:{server.server_port}"
    MjpegHandler.release.set()
    server.shutdown()
    server.server_close()


def test_motion_jpeg_frames_are_timed_by_their_arrival(mjpeg_url):
    clock = ManualClock(monotonic=70.0)
    assert times_of(f"{mjpeg_url}/video", 2, clock=clock) == [70.0, 70.0]


def test_the_end_of_a_live_stream_is_an_error(mjpeg_url):
    with pytest.raises(SourceEnded, match=r"ended the stream|broke off"):
        times_of(f"{mjpeg_url}/video")


def test_a_stream_that_falls_silent_is_stalled(mjpeg_url):
    with pytest.raises(SourceStalled, match=r"sent nothing for 0\.4 s"):
        times_of(f"{mjpeg_url}/silent", stall_timeout_s=0.4)


def test_a_stream_that_sends_only_noise_is_garbled(mjpeg_url):
    dropped = []
    with pytest.raises(SourceGarbled, match=r"cannot be used for 0\.5 s: decode_error"):
        times_of(f"{mjpeg_url}/garbled", stall_timeout_s=0.5, on_drop=dropped.append)
    assert set(dropped) == {"decode_error"}


def test_a_wrong_password_is_named(mjpeg_url):
    locked = f"{mjpeg_url}/locked"
    with pytest.raises(SourceRefused, match="refuses this user and password"):
        times_of(locked.replace("://", "://me:wrong@"))
    with pytest.raises(SourceRefused, match="asks for a user and password"):
        times_of(locked)


def test_a_device_that_is_not_there_is_unreachable():
    with pytest.raises(SourceUnreachable, match="/dev/video77 cannot be opened: No such file"):
        times_of("/dev/video77")


def test_a_real_recording_plays_from_begin_to_end():
    video = Path(__file__).parents[2] / "../shared/data/video/left-luggage.mp4"
    if not video.exists():
        pytest.skip("the data folder ../shared/data is not there")
    times_s = times_of(video)
    assert len(times_s) == 1000
    assert times_s == sorted(times_s)
