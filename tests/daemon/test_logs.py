"""Log lines: one per record, in UTC, without passwords."""

import io
import json
import logging

import pytest

from daemon.logs import log_handler


@pytest.fixture(params=["text", "json"])
def any_format(request):
    return request.param


def written(line_format, message, *args, **extra):
    """Return what one record becomes."""
    stream = io.StringIO()
    handler = log_handler(line_format, stream)
    record = logging.LogRecord("pipeline.camera", logging.WARNING, "f", 1, message, args, None)
    vars(record).update(created=1_700_000_000.25, **extra)
    handler.handle(record)
    return stream.getvalue()


def failure():
    """Return the exc_info of an error whose text holds a password."""
    error = OSError("rtsp://me:hunter2@192.0.2.7/x is gone")
    return (OSError, error, None)


def test_a_text_line_has_time_level_logger_and_message():
    line = written("text", "%s: lost (%s)", "porch", "stalled")
    assert line == "2023-11-14T22:13:20.250Z WARNING pipeline.camera: porch: lost (stalled)\n"


def test_a_json_line_is_one_object():
    entry = json.loads(written("json", "%s is back", "porch"))
    assert entry["time"] == "2023-11-14T22:13:20.250Z"
    assert (entry["level"], entry["logger"], entry["message"]) == (
        "warning",
        "pipeline.camera",
        "porch is back",
    )


def test_passwords_in_urls_are_never_written(any_format):
    line = written(any_format, "cannot open %s", "rtsp://me:hunter2@192.0.2.7/x")
    assert "hunter2" not in line
    assert "rtsp://***@192.0.2.7/x" in line


def test_passwords_in_tracebacks_are_never_written(any_format):
    line = written(any_format, "camera failed", exc_info=failure())
    assert "hunter2" not in line
    assert "OSError: rtsp://***@192.0.2.7/x is gone" in line


def test_a_camera_cannot_forge_a_second_line(any_format):
    assert written(any_format, "refused: %s", "no\n2023 ERROR forged").count("\n") == 1


def test_a_password_with_an_at_sign_is_redacted_whole(any_format):
    assert "ss" not in written(any_format, "at %s", "rtsp://me:p@ss@h/x").partition("rtsp")[2]
