"""Which URLs are read at all, and that none is ever printed with its secrets."""

from pathlib import Path

import pytest

from pipeline.errors import SettingsError
from pipeline.urls import SourceKind, redact_url, source_kind, source_path


@pytest.mark.parametrize(
    ("url", "printed"),
    [
        ("rtsp://admin:pw@192.0.2.7:554/s", "rtsp://***@192.0.2.7:554/s"),
        ("rtsp://admin@192.0.2.7/s", "rtsp://***@192.0.2.7/s"),
        ("rtsp://admin:p@ss@192.0.2.7/s", "rtsp://***@192.0.2.7/s"),
        ("rtsp://admin:a/b@192.0.2.7/s", "rtsp://***@192.0.2.7/s"),
        ("rtsp://192.0.2.7/stream2", "rtsp://192.0.2.7/stream2"),
        ("http://h/v?token=abc&channel=1", "http://h/v?token=***&channel=1"),
        ("http://h/v?channel=1&Password=x%20y", "http://h/v?channel=1&Password=***"),
        ("http://h/v?access_token=1&api_key=2&usr=me", "http://h/v?access_token=***&api_key=***&usr=***"),
        ("/videos/a@b.mp4", "/videos/a@b.mp4"),
    ],
)
def test_a_url_is_printed_without_user_password_and_tokens(url, printed):
    assert redact_url(url) == printed


def test_every_url_within_a_message_is_redacted():
    message = "rtsp://a:b@one/x failed, http://two/y?pwd=c answers 'no'"
    assert redact_url(message) == "rtsp://***@one/x failed, http://two/y?pwd=*** answers 'no'"


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("rtsp://h/s", SourceKind.RTSP),
        ("RTSPS://h/s", SourceKind.RTSP),
        ("http://h/s", SourceKind.HTTP),
        ("https://h/s", SourceKind.HTTP),
        ("video.mp4", SourceKind.FILE),
        ("file:///videos/video.mp4", SourceKind.FILE),
        ("/dev/video0", SourceKind.DEVICE),
    ],
)
def test_the_kind_of_a_source_follows_from_its_url(url, kind):
    assert source_kind(url) is kind


def test_a_folder_is_a_source_of_images(tmp_path):
    assert source_kind(str(tmp_path)) is SourceKind.FOLDER
    assert source_kind(tmp_path.as_uri()) is SourceKind.FOLDER


@pytest.mark.parametrize(
    "url",
    [
        "concat:/etc/passwd|b.mp4",
        "exec:rm",
        "subfile,,start,0:/etc/passwd",
        "ftp://h/a.mp4",
        "rtsp:h",
        "pipe:0",
    ],
)
def test_a_scheme_outside_the_list_is_refused_before_ffmpeg_sees_it(url):
    if url.startswith("subfile"):  # no scheme by the grammar of URLs: a path, which does not exist
        assert source_path(url) == Path.cwd() / url
        return
    with pytest.raises(SettingsError, match="rtsp://, rtsps://, http://, https://, file:// and paths"):
        source_kind(url)


def test_a_refused_url_is_redacted_in_the_message():
    with pytest.raises(SettingsError, match=r"ftp://\*\*\*@h"):
        source_kind("ftp://user:secret@h/a.mp4")


def test_a_file_url_is_unquoted():
    assert source_path("file:///videos/front%20door.mp4") == Path("/videos/front door.mp4")
