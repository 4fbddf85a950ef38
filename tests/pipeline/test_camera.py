"""A camera thread keeps reading whatever happens to its camera, and says so once."""

import random
import socket
import threading
from dataclasses import replace

import av
import cv2
import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from models.motion import MotionRenderer, MotionSettings
from models.movement import NO_MOVEMENT
from pipeline.camera import Camera, CameraLinks, CameraSettings
from pipeline.clock import SystemClock
from pipeline.errors import SourceEnded, SourceRefused, SourceStalled, SourceUnreachable
from pipeline.metrics import Metrics
from pipeline.source import open_source
from pipeline.standing import Standing
from pipeline.stream import DecodedFrame, SourceSettings
from pipeline.types import CameraStatus
from tests import media
from tests.fakes import ManualClock, ManualStop, RecordingMailbox, RecordingReporter, ScriptedOpener

PICTURE = av.VideoFrame.from_ndarray(media.scene(), format="rgb24")
UNREACHABLE = SourceUnreachable("nobody answers")


def decoded(begin_s, end_s, *, fps=10, arrived_s=100.0):
    count = round((end_s - begin_s) * fps)
    return [DecodedFrame(PICTURE, begin_s + index / fps, arrived_s) for index in range(count)]


def delivering(clock, duration_s):
    """Yield ten frames a second, with the clock, and then fail."""
    for frame in decoded(0.0, duration_s):
        yield replace(frame, arrived_s=clock.monotonic_s())
        clock.advance(0.1)
    raise SourceEnded("gone")


class World:
    """A camera on a script, and all that it tells."""

    def __init__(self, *script, url="rtsp://u:pw@h/s", opener=None, clock=None, **settings):
        self.clock = clock or ManualClock()
        self.opener = opener or ScriptedOpener(list(script))
        self.reporter, self.mailbox = RecordingReporter(), RecordingMailbox()
        self.metrics = Metrics(CollectorRegistry())
        self.enabled = True
        links = CameraLinks(
            opener=self.opener,
            clock=self.clock,
            metrics=self.metrics,
            frames=self.mailbox,
            reporter=self.reporter,
            motion=MotionRenderer(MotionSettings()),
            is_enabled=lambda: self.enabled,
            rng=random.Random(0),
        )
        source = SourceSettings(url, **settings)
        self.camera = Camera(CameraSettings("porch", source, sample_fps=5.0), links)

    def run(self, *, waits):
        stop = ManualStop(self.clock, waits=waits)
        self.camera.run(stop)
        return stop

    @property
    def statuses(self):
        return [status for status, _ in self.reporter.statuses]

    def metric(self, name, **labels):
        return self.metrics.registry.get_sample_value(name, {"camera": "porch", **labels})


def test_sampled_frames_reach_the_mailbox_with_stream_and_wall_time():
    world = World(decoded(5.0, 6.0))
    world.camera.run(threading.Event())
    frames = [observed.frame for observed in world.mailbox.frames]
    assert [frame.time_s for frame in frames] == pytest.approx([5.0, 5.2, 5.4, 5.6, 5.8])
    assert [frame.utc_s - 1_700_000_000 for frame in frames] == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8])
    assert frames[0].rgb.shape == (224, 224, 3)
    assert frames[0].luma.shape == (36, 64)
    assert frames[0].original is PICTURE
    assert world.metric("videobert_frames_total", stage="decoded") == 10
    assert world.metric("videobert_frames_total", stage="sampled") == 5


def test_a_still_frame_carries_no_pictures_and_no_motion():
    world = World(decoded(0.0, 2.0))
    world.camera.run(threading.Event())
    assert [observed.still for observed in world.mailbox.frames] == [False] * 5 + [True] * 5
    shown, still = world.mailbox.frames[0], world.mailbox.frames[-1]
    assert shown.pictures.shape == (1, 224, 224, 3)
    assert still.pictures.shape == (0, 224, 224, 3)
    assert shown.movement.view.shape == (80, 120)
    assert still.movement is NO_MOVEMENT
    assert still.descriptor.shape == shown.descriptor.shape


def test_a_frame_between_two_sampled_ones_shows_how_fast_a_thing_goes():
    # As an observer sees it: a tenth of the picture in a fifth of a second.
    def seen(*indices):
        pictures = [av.VideoFrame.from_ndarray(soft[index], format="rgb24") for index in indices]
        world = World([DecodedFrame(p, i / 10, 100.0) for p, i in zip(pictures, indices, strict=True)])
        world.camera.run(threading.Event())
        share, right, _ = world.mailbox.frames[-1].movement.cells[18:26, 25:31].sum(axis=(0, 1))
        return right / share

    soft = [cv2.blur(picture, (15, 15)) for picture in media.moving_square(10, noise=0, step_px=16)]
    assert 0.35 < seen(6, 7, 8) < 0.5
    assert seen(6, 8) < 0.3


def test_a_pts_gap_begins_anew_with_a_shown_frame_and_the_right_date():
    clock = ManualClock()
    jump = decoded(3600.0, 3600.2)
    frames = [*decoded(0.0, 3.0), *jump]
    world = World(frames, clock=clock)
    world.camera.run(threading.Event())
    begins = [(round(seen.frame.time_s, 1), seen.still) for seen in world.mailbox.frames if seen.begins]
    assert begins == [(0.0, False), (3600.0, False)]
    assert world.mailbox.frames[-1].frame.utc_s == clock.utc


def test_a_reconnect_begins_anew_though_the_time_of_the_stream_goes_on():
    world = World([*decoded(0.0, 1.0), SourceEnded("gone")], decoded(1.1, 2.0))
    world.run(waits=2)
    assert [round(seen.frame.time_s, 1) for seen in world.mailbox.frames if seen.begins] == [0.0, 1.1]


def test_a_recording_that_ends_is_offline_and_not_tried_again():
    world = World(decoded(0.0, 1.0))
    world.camera.run(threading.Event())
    assert world.reporter.statuses[-1] == (CameraStatus.OFFLINE, "the recording has ended")
    assert world.opener.calls == 1


def test_a_lost_camera_is_reported_once_and_again_when_it_is_back(caplog):
    caplog.set_level("INFO")
    lost = SourceStalled("rtsp://***@h/s sent nothing for 10 s")
    world = World([*decoded(0, 1), lost], UNREACHABLE, UNREACHABLE, [*decoded(0, 1), lost])
    world.run(waits=4)
    assert world.statuses == [CameraStatus.ONLINE, CameraStatus.OFFLINE] * 2
    assert world.reporter.statuses[1] == (CameraStatus.OFFLINE, "rtsp://***@h/s sent nothing for 10 s")
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING"] * 2
    assert world.metric("videobert_camera_reconnects_total", reason="stalled") == 2
    assert world.metric("videobert_camera_reconnects_total", reason="unreachable") == 2
    assert world.metric("videobert_camera_up") == 0


def test_a_camera_that_refuses_the_password_is_asked_once_a_minute_lest_it_lock_the_account():
    world = World(SourceRefused("rtsp://***@h/s refuses this user and password"))
    stop = world.run(waits=5)
    assert min(stop.waited_s) >= 60.0
    assert world.metric("videobert_camera_reconnects_total", reason="refused") == 5


def test_a_camera_that_never_answered_is_offline():
    world = World(UNREACHABLE)
    world.run(waits=3)
    assert world.reporter.statuses == [(CameraStatus.OFFLINE, "nobody answers")]


def test_in_the_first_ten_minutes_no_wait_is_longer_than_a_second():
    world = World(UNREACHABLE)
    stop = world.run(waits=1300)
    early = [
        wait_s for wait_s, end_s in zip(stop.waited_s, np.cumsum(stop.waited_s), strict=True) if end_s < 600
    ]
    assert 600 < len(early) < 1300
    assert max(early) <= 1.0
    assert 15.0 <= max(stop.waited_s) <= 30.0


@pytest.mark.parametrize(("up_s", "wait_s"), [(9.5, 1.0), (20.0, 0.25)])
def test_only_a_camera_that_was_well_for_ten_seconds_is_tried_again_at_once(up_s, wait_s):
    world = World()
    world.opener.script = [*[UNREACHABLE] * 10, delivering(world.clock, up_s)]
    stop = world.run(waits=11)
    assert wait_s / 2 <= stop.waited_s[-1] <= wait_s


def test_a_covered_camera_is_reported_while_its_frames_arrive():
    black = av.VideoFrame.from_ndarray(np.zeros((180, 320, 3), np.uint8), format="rgb24")
    frames = [replace(frame, original=black) if frame.time_s >= 10 else frame for frame in decoded(0, 16)]
    world = World(frames)
    world.camera.run(threading.Event())
    assert world.statuses[:2] == [CameraStatus.ONLINE, CameraStatus.COVERED]
    assert len(world.mailbox.frames) == 80


class SwitchingStop(ManualStop):
    """Stop event that is never set; instead, waiting switches the camera on."""

    def __init__(self, world):
        super().__init__(world.clock)
        self.world = world

    def wait(self, timeout=None):
        self.world.enabled = True
        return False


def test_a_camera_that_is_switched_off_is_disconnected_and_comes_back():
    world = World()

    def play():
        for frame in decoded(0.0, 60.0):
            world.enabled = frame.time_s < 1.0
            yield frame

    world.opener.script = [play(), decoded(0.0, 1.0)]
    world.camera.run(SwitchingStop(world))
    on_off_on = [CameraStatus.ONLINE, CameraStatus.DISABLED, CameraStatus.ONLINE]
    assert world.statuses == [*on_off_on, CameraStatus.OFFLINE]
    assert len(world.mailbox.frames) == 6 + 5  # up to the frame of 1.0 s, then the second script


def test_silence_is_measured_from_the_last_frame():
    world = World([])
    ages = []
    frames = decoded(0.0, 0.3, arrived_s=100.0)

    def play():
        ages.append(world.camera.silent_for_s(107.0))
        yield frames[0]
        ages.append(world.camera.silent_for_s(109.0))

    world.opener.script = [play()]
    world.camera.run(threading.Event())
    assert ages == [7.0, 9.0]
    assert world.camera.silent_for_s(500.0) == 0.0


def test_a_read_that_never_returns_is_reported_after_twice_the_time_allowed():
    world = World(stall_timeout_s=10.0)

    def play():
        yield decoded(0.0, 0.1, arrived_s=100.0)[0]
        world.camera.report_silence(120.0)
        assert world.camera.status is CameraStatus.ONLINE
        world.camera.report_silence(120.1)
        world.camera.report_silence(130.0)

    world.opener.script = [play()]
    world.camera.run(threading.Event())
    silence = (CameraStatus.OFFLINE, "no frame came for 20 s")
    assert world.reporter.statuses[1:] == [silence]


def test_a_status_is_reported_once_per_change():
    world = World()
    standing = Standing("porch", world.reporter, clock=world.clock, metrics=world.metrics)
    for status in (CameraStatus.ONLINE, CameraStatus.ONLINE, CameraStatus.FROZEN, CameraStatus.DISABLED):
        standing.change(status, "because")
    assert world.statuses == [CameraStatus.ONLINE, CameraStatus.FROZEN, CameraStatus.DISABLED]
    assert world.metric("videobert_camera_up") == 0


def test_a_real_file_runs_through_all_stages(tmp_path):
    path = media.write_video(tmp_path / "walk.mp4", media.moving_square(60, begins=30))
    clock = ManualClock()
    world = World(url=str(path), opener=open_source, clock=clock, realtime=False)
    world.camera.run(threading.Event())
    still = [observed.still for observed in world.mailbox.frames]
    assert len(still) == 30
    # Frames at 0.2 s; the square enters with the frame of 3.0 s, the sixteenth.
    assert all(still[10:15])
    assert not any(still[15:])
    assert world.statuses == [CameraStatus.ONLINE, CameraStatus.OFFLINE]


def test_a_camera_whose_server_comes_up_later_is_used_within_three_seconds():
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    world = World(url=f"rtsp://127.0.0.1:{port}/s", opener=open_source, clock=SystemClock())
    stop = threading.Event()
    thread = threading.Thread(target=world.camera.run, args=(stop,))
    thread.start()
    with socket.create_server(("127.0.0.1", port)) as server:
        server.settimeout(3.0)
        connection, _ = server.accept()
        request = connection.recv(100)
        stop.set()
        connection.close()
    thread.join(10)
    assert request.startswith(b"OPTIONS rtsp://127.0.0.1")
