"""The inputs of a Frigate camera and the streams of its go2rtc in, the URL that the daemon opens out.

`rtsp://127.0.0.1:8554/porch` is go2rtc's copy of a camera: where the stream `porch` has the camera's own
address, that one is taken, so that the daemon does not need Frigate.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from daemon.frigate.remarks import Remarks, table, text
from pipeline.errors import SettingsError
from pipeline.urls import SourceKind, names_host, source_kind

_VARIABLE = re.compile(r"\{(FRIGATE_[A-Za-z0-9_]+)\}")
_OUR_VARIABLE = re.compile(r"\$\{\w+\}")
_USER_INFO = re.compile(r"^(?P<before>\w+://[^:@/]*:)(?P<password>.*)(?P<after>@[^@]*)$")
_ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}")
_RESTREAM_HOSTS = frozenset({"127.0.0.1", "localhost", "::1", "go2rtc", "frigate"})
_RESTREAM_PORT = 8554
_MAX_HOPS = 4


def camera_url(camera: Mapping[str, Any], streams: Mapping[str, Any], *, where: str, remarks: Remarks) -> str:
    """Return the URL of the stream with the role `detect`, as it stands in the settings file.

    Raises:
        SettingsError: there is none that the daemon can open; one sentence says why.
    """
    inputs = [one for one in _listed(table(camera, "ffmpeg").get("inputs")) if isinstance(one, dict)]
    if not inputs:
        raise SettingsError("it has no ffmpeg.inputs")
    chosen = next((one for one in inputs if "detect" in _listed(one.get("roles"))), None)
    if chosen is None:
        chosen = inputs[0]
        remarks.add(where, "no input has the role detect; the first one was taken")
    url = _resolved(text(chosen.get("path")), streams, where=where, remarks=remarks)
    return as_ours(url)


def as_ours(url: str) -> str:
    """Return a URL of Frigate's as it stands in a settings file of ours.

    `rtsp://me:{FRIGATE_PW}@h/s` becomes `rtsp://me:${FRIGATE_PW}@h/s`. In a password that stands there,
    letters that a URL cannot hold are percent-encoded, `a/b#` as `a%2Fb%23`.

    Raises:
        SettingsError: the daemon cannot open such a URL.
    """
    if not url:
        raise SettingsError("its input has no path")
    pieces = _VARIABLE.split(_escaped(url))  # text and the names of variables by turns
    safe = "".join(f"${{{piece}}}" if number % 2 else _literal(piece) for number, piece in enumerate(pieces))
    kind = source_kind(safe)
    if kind in {SourceKind.RTSP, SourceKind.HTTP} and not names_host(_OUR_VARIABLE.sub("x", safe)):
        raise SettingsError("its host or port cannot be read")
    return safe


def _literal(piece: str) -> str:
    """Return text between variables so that no `${` begins a variable of ours."""
    return _unbraced(piece).replace("${", "%24{")


def _unbraced(piece: str) -> str:
    """Return text with single braces, which Frigate doubles."""
    return piece.replace("{{", "{").replace("}}", "}")


def _escaped(url: str) -> str:
    """Return a URL whose password is percent-encoded; one that is already, or holds a variable, stays."""
    match = _USER_INFO.match(url)
    if match is None or _VARIABLE.search(match["password"]) or _ESCAPED.search(match["password"]):
        return url
    return f"{match['before']}{quote(_unbraced(match['password']), safe='')}{match['after']}"


def _resolved(path: str, streams: Mapping[str, Any], *, where: str, remarks: Remarks) -> str:
    """Follow go2rtc's copies to the camera's own address; a copy of something else stays a copy."""
    url = path
    for _ in range(_MAX_HOPS):
        name = _restreamed(url)
        if name is None:
            return url
        own = [
            found for source in _listed(streams.get(name)) if (found := _own_address(text(source), streams))
        ]
        if not own:
            break
        url = own[0]
    remarks.add(where, "its stream is made by go2rtc: Frigate, or go2rtc alone, must go on running for it")
    return path


def _own_address(source: str, streams: Mapping[str, Any]) -> str:
    """Return the address in one of go2rtc's sources; empty where there is none that we can open.

    `ffmpeg:rtsp://h/s#video=copy` is rtsp://h/s; `ffmpeg:porch#audio=opus` is the stream `porch`.
    """
    plain = source.strip().removeprefix("ffmpeg:")
    address, _, options = plain.partition("#")
    if re.match(r"(rtsps?|https?)://", plain, re.IGNORECASE):
        # What follows a # may be a password's rest; an option is a word with a value, as of video or audio.
        return address if not options or re.match(r"[a-z]\w*=", options) else plain
    return f"rtsp://127.0.0.1:{_RESTREAM_PORT}/{address}" if address in streams and address != source else ""


def _restreamed(url: str) -> str | None:
    """Return which of go2rtc's streams a URL is a copy of; None where it is not one."""
    try:
        parts = urlsplit(url)
        is_copy = (
            parts.scheme == "rtsp" and parts.hostname in _RESTREAM_HOSTS and parts.port == _RESTREAM_PORT
        )
    except ValueError:
        return None
    return parts.path.strip("/") if is_copy else None


def _listed(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return [] if value is None else [value]
