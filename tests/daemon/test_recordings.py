"""Each event of a camera that can be recorded gets its clip on disk."""

import threading
from dataclasses import replace

import av
import pytest
from prometheus_client import CollectorRegistry

from daemon.event_files import EventFiles, FileKind
from daemon.recordings import Recordings
from pipeline.metrics import Metrics
from pipeline.privacy import Blur, Privacy
from pipeline.recording import Recorder, RecordingSettings
from pipeline.types import Event, EventKind, EventPhase, Severity
from tests import media
from tests.fakes import ManualClock

EVENT = Event(
    id="00cpd7gq3g0123456789abc",
    camera="porch",
    phase=EventPhase.NEW,
    kind=EventKind.ANOMALY,
    label="unusual",
    score=0.9,
    severity=Severity.WARNING,
    start_utc_s=ManualClock().utc,
    explanation="",
    captured_s=0.0,
)


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def clips(tmp_path, clock):
    return EventFiles(tmp_path / "clips", FileKind("clips", ".mp4", keep_days=1), clock)


@pytest.fixture
def metrics():
    return Metrics(CollectorRegistry())


@pytest.fixture
def recorder(clock, tmp_path):
    """Return the recorder of a camera that has sent a second of video."""
    recorder = Recorder(RecordingSettings(), clock)
    with av.open(str(media.write_video(tmp_path / "walk.mp4", media.moving_square(10)))) as container:
        recorder.begin(container.streams.video[0])
        for packet in container.demux(video=0):
            recorder.take(packet)
    return recorder


@pytest.fixture
def recordings(clips, metrics, recorder):
    recordings = Recordings(clips, metrics)
    recordings.add_camera("porch", recorder)
    return recordings


def count(metrics, outcome):
    return metrics.registry.get_sample_value("videobert_clips_total", {"camera": "porch", "outcome": outcome})


def test_a_clip_is_written_when_its_post_roll_is_over(recordings, clips, metrics, clock):
    recordings.on_event(EVENT)
    recordings.on_event(replace(EVENT, phase=EventPhase.END, end_utc_s=clock.utc))
    clock.advance(4.9)  # of 5
    recordings.write()
    assert clips.find(EVENT.id) is None
    clock.advance(0.2)
    recordings.write()
    assert clips.find(EVENT.id) is not None
    assert count(metrics, "written") == 1


def test_what_is_open_at_the_stop_is_written_then(recordings, clips):
    recordings.on_event(EVENT)
    stop = threading.Event()
    stop.set()
    recordings.run(stop)
    assert clips.find(EVENT.id) is not None


def test_a_camera_that_goes_leaves_its_clips(recordings, clips):
    recordings.on_event(EVENT)
    recordings.remove_camera("porch")
    recordings.write()
    assert clips.find(EVENT.id) is not None
    assert not recordings.is_recording(EVENT)


def codec_of(path):
    with av.open(str(path)) as container:
        return container.streams.video[0].codec_context.name


def test_a_clip_is_cut_from_the_camera_s_own_packets_unless_something_is_to_be_hidden(
    recordings, recorder, clips
):
    recordings.on_event(EVENT)
    recordings.write(everything=True)
    assert codec_of(clips.find(EVENT.id)) == "h264"
    recordings.add_camera("porch", recorder, Privacy(blur=Blur.ALL))
    recordings.on_event(EVENT)
    recordings.write(everything=True)
    assert codec_of(clips.find(EVENT.id)) == "vp9"


def test_what_is_hidden_stays_hidden_when_the_camera_goes(recordings, recorder, clips):
    recordings.add_camera("porch", recorder, Privacy(blur=Blur.ALL))
    recordings.on_event(EVENT)
    recordings.remove_camera("porch")
    recordings.write()
    assert codec_of(clips.find(EVENT.id)) == "vp9"


def test_of_the_camera_itself_there_is_no_clip(recordings):
    assert recordings.is_recording(EVENT)
    assert not recordings.is_recording(replace(EVENT, kind=EventKind.CAMERA))


def test_a_camera_without_a_recorder_has_no_clips(recordings):
    assert not recordings.is_recording(replace(EVENT, camera="yard"))
    recordings.on_event(replace(EVENT, camera="yard"))


def test_a_clip_that_cannot_be_written_is_counted(recordings, metrics, tmp_path):
    (tmp_path / "clips").write_text("in the way")
    recordings.on_event(EVENT)
    recordings.write(everything=True)
    assert count(metrics, "failed") == 1
