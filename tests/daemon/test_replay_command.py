"""`videobertd replay`: how events of a recording are printed."""

import pytest

from daemon.config import CameraDefaults
from daemon.replay_command import ReplayRequest, event_record, replay_settings, run_replay, text_line
from pipeline.errors import SettingsError
from pipeline.replay import ReplayResult
from pipeline.types import Event, EventKind, EventPhase, Region, Severity

EVENT = Event(
    id="e1",
    camera="replay",
    phase=EventPhase.END,
    kind=EventKind.ANOMALY,
    label="unusual",
    score=0.91239,
    severity=Severity.ALERT,
    start_utc_s=61.5,
    explanation="Moves fast.",
    captured_s=0.0,
    p_value=0.001,
    end_utc_s=63.0,
    region=Region(0.1, 0.2, 0.3, 0.4),
    key_times_utc_s=(60.1234, 60.4),
)
RESULT = ReplayResult("clips/01", 3.0, None, (EVENT,))


def test_a_record_tells_where_in_the_source_and_in_the_picture():
    assert event_record(RESULT, EVENT) == {
        "source": "clips/01",
        "time_s": 3.0,
        "id": "e1",
        "type": "end",
        "kind": "anomaly",
        "label": "unusual",
        "score": 0.9124,
        "p_value": 0.001,
        "severity": "alert",
        "start_s": 61.5,
        "end_s": 63.0,
        "region": {"x": 0.1, "y": 0.2, "width": 0.3, "height": 0.4},
        "key_times_s": [60.123, 60.4],
        "explanation": "Moves fast.",
    }


def test_a_line_of_text_has_the_same_in_columns():
    line = text_line(event_record(RESULT, EVENT))
    assert line.split() == ["clips/01", "3.00", "s", "end", "anomaly/unusual", "0.91", "Moves", "fast."]


def test_the_settings_of_a_replay_are_those_of_a_camera_without_its_own():
    settings = replay_settings(CameraDefaults(sample_fps=3, image_fps=25, budget_per_day=2))
    assert (settings.sample_fps, settings.image_fps, settings.budget_per_day) == (3.0, 25.0, 2.0)


def test_a_camera_is_no_recording_and_its_password_is_not_printed():
    with pytest.raises(SettingsError, match=r"^rtsp://\*\*\*@h/x is no recording"):
        run_replay(ReplayRequest(("rtsp://u:hunter2@h/x",)), as_json=False)
